"""Change between two embedding rasters, as ratios to a plain block-wise read of both files, with the memory it takes.

Run with `./dev benchmark change_speed [--side N] [--dimensions N] [--methods cosine …]`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, Sequence

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import numpy as np  # noqa: E402
from osgeo import gdal, osr  # noqa: E402

from earthprint.engine.analyses.change.raster import detect_change  # noqa: E402
from earthprint.engine.analyses.change.request import ChangeOptions, ChangeRequest  # noqa: E402
from earthprint.engine.coding import ALPHAEARTH, FLOAT32  # noqa: E402
from earthprint.engine.dataset import block_cache, write  # noqa: E402
from earthprint.engine.field import create_field  # noqa: E402
from earthprint.engine.grid import Grid, blocks  # noqa: E402
from earthprint.engine.memory import peak_mib  # noqa: E402
from earthprint.engine.progress import Silent  # noqa: E402
from earthprint.engine.space import Space  # noqa: E402

BLOCK = 256
METHODS = ("cosine", "euclidean", "standardised", "irmad", "history")


def make_fields(folder: str, side: int, dimensions: int, coding: str, dates: int) -> None:
    """Write dates of unit vectors: land that is smooth, noise of each date's own, a tenth of the blocks changed."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32632)
    grid = Grid(side, side, (500000.0, 10.0, 0.0, 5600000.0, 0.0, -10.0), reference.ExportToWkt())
    space = Space("benchmark", dimensions, "ab" * 32, unit_norm=True)
    kind = ALPHAEARTH if coding == "a1" else FLOAT32
    base = np.random.default_rng(0).normal(size=(dimensions, 8, 8))
    for date in range(dates):
        random = np.random.default_rng(date + 1)
        path = Path(folder, f"{coding}_{date}.tif")
        dataset = create_field(str(path), grid, space, kind)
        for number, window in enumerate(blocks(grid.whole, BLOCK)):
            rows, columns = np.mgrid[window.y:window.bottom, window.x:window.right]
            land = base[:, rows // 97 % 8, columns // 131 % 8]
            land = land + random.normal(0, 0.2, land.shape)
            if date == dates - 1 and number % 10 == 0:
                land[:, 40:80, 40:80] *= -1
            values = (land / np.sqrt((land ** 2).sum(axis=0))).astype(np.float32)
            write(dataset, window, range(1, dimensions + 1), kind.encode(values), str(path))
        dataset.FlushCache()


def plain_read(paths: "Sequence[Path]") -> float:
    """Read all bands of all files block by block and return the processor's seconds."""
    started = time.process_time()
    with block_cache(64):
        datasets = [gdal.Open(str(path)) for path in paths]
        grid = Grid(datasets[0].RasterXSize, datasets[0].RasterYSize, (0, 1, 0, 0, 0, -1), "")
        for window in blocks(grid.whole, BLOCK):
            for dataset in datasets:
                dataset.ReadRaster(window.x, window.y, window.width, window.height)
    return time.process_time() - started


def one_run(paths: "Sequence[str]", method: str, tolerance: int, folder: str) -> "Dict[str, float]":
    """Detect change and return what it took; runs in a process of its own."""
    idle = peak_mib()
    started, wall = time.process_time(), time.monotonic()
    detect_change(ChangeRequest(tuple(paths), str(Path(folder, "out.tif")), ChangeOptions(method), tolerance=tolerance,
                                changed=str(Path(folder, "changed.tif")), memory_mib=256), Silent())
    return {"cpu": time.process_time() - started, "wall": time.monotonic() - wall, "memory": peak_mib() - idle}


def measured(paths: "Sequence[Path]", method: str, tolerance: int, folder: Path) -> "Dict[str, float]":
    """Run in a child process, so that each has its own peak of memory."""
    ended = subprocess.run([sys.executable, __file__, "--child", json.dumps([list(map(str, paths)), method, tolerance,
                                                                             str(folder)])],
                           capture_output=True, text=True, check=True)
    return json.loads(ended.stdout.splitlines()[-1])


def main() -> None:
    """Print a line for each method and coding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=2000)
    parser.add_argument("--dimensions", type=int, default=64)
    parser.add_argument("--dates", type=int, default=5)
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--codings", nargs="*", default=["f4", "a1"])
    parser.add_argument("--child")
    parser.add_argument("--make")
    options = parser.parse_args()
    if options.make:
        make_fields(*json.loads(options.make))
        return
    if options.child:
        paths, method, tolerance, folder = json.loads(options.child)
        print(json.dumps(one_run(paths, method, tolerance, folder)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        for coding in options.codings:
            # In a process of its own: a child begins with the peak of memory of its parent.
            dates = options.dates if "history" in options.methods else 2
            subprocess.run([sys.executable, __file__, "--make", json.dumps([scratch, options.side, options.dimensions,
                                                                            coding, dates])], check=True)
            made = [Path(scratch, f"{coding}_{date}.tif") for date in range(dates)]
            for method in options.methods:
                for tolerance in (0, 1) if method == "cosine" else (0,):
                    used = made if method == "history" else [made[0], made[-1]]
                    read = plain_read(used)
                    found = measured(used, method, tolerance, Path(scratch))
                    name = method + (" tolerance 1" if tolerance else "")
                    print(f"{coding} {name:20} {found['cpu']:6.1f} CPU s  {found['wall']:6.1f} s  "
                          f"{found['cpu'] / read:5.2f} x plain read of {len(used)} files  {found['memory']:5.0f} MiB",
                          flush=True)


if __name__ == "__main__":
    main()
