"""Speed and memory of reductions and outliers, as ratios to a plain block-wise read of the same file.

The field is that of `explore_speed.py`: 64 bands of float32 or of AlphaEarth's coding. Each run is a process of its
own; runs take turns, and the smallest of each counts. Processor seconds are of all threads. Run with
`./dev benchmark reduce_speed`; `--folder` keeps the files, `--large 20000` shows that memory doesn't grow, on a sparse
file of that many cells a side.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from explore_speed import BANDS, MEMORY_MIB, field_path, resident_mib, windows, write_field
from osgeo import gdal

JOBS = ("read", "pca", "picture", "picture-reused", "umap", "outlier-cluster", "outlier-neighbours")


def child(job: str, path: str, model: str) -> None:
    """Do one job in this process and print processor seconds, seconds, and MiB above what it had before."""
    from earthprint.engine.analyses.outliers.raster import outlier_raster
    from earthprint.engine.analyses.outliers.request import OutlierChoice, OutlierRasterRequest
    from earthprint.engine.analyses.reduce.raster import reduce_raster
    from earthprint.engine.analyses.reduce.request import ReduceRequest
    from earthprint.engine.dataset import block_cache
    from earthprint.engine.progress import Silent

    own = resident_mib()
    cpu, wall = time.process_time(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        output = f"{folder}/out.tif"
        if job == "read":
            dataset = gdal.Open(path)
            with block_cache(MEMORY_MIB // 8):
                for x, y, width, height in windows(dataset.RasterXSize):
                    dataset.ReadRaster(x, y, width, height)
        elif job.startswith("outlier-"):
            outlier_raster(OutlierRasterRequest(path, output, OutlierChoice(job[8:]), MEMORY_MIB), Silent())
        else:
            reduce_raster(ReduceRequest(
                output, path, method="umap" if job == "umap" else "pca", picture=job != "pca",
                reuse=model if job == "picture-reused" else "", model_out=model if job == "picture" else "",
                memory_mib=MEMORY_MIB), Silent())
    print(time.process_time() - cpu, time.perf_counter() - wall, resident_mib("VmHWM") - own)


def measured(job: str, path: Path, model: Path) -> np.ndarray:
    """Run a job in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--child", job, str(path), str(model)], capture_output=True,
                          text=True, check=True)
    return np.array(list(map(float, done.stdout.split())))


def write_sparse(path: Path, side: int) -> None:
    """Write a large field of which only the blocks on the diagonal hold data."""
    dataset = gdal.GetDriverByName("GTiff").Create(
        str(path), side, side, BANDS, gdal.GDT_Byte,
        ["TILED=YES", "BLOCKXSIZE=256", "BLOCKYSIZE=256", "SPARSE_OK=TRUE", "BIGTIFF=YES", "INTERLEAVE=BAND"])
    chance = np.random.default_rng(0)
    for band in range(1, BANDS + 1):
        dataset.GetRasterBand(band).SetNoDataValue(0)
    for start in range(0, side - 255, 256):
        values = chance.integers(1, 255, (BANDS, 256, 256), dtype=np.uint8)
        dataset.WriteRaster(start, start, 256, 256, values.tobytes())
    dataset.FlushCache()


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=2000)
    parser.add_argument("--large", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--kinds", nargs="*", default=["f4", "a1"])
    parser.add_argument("--jobs", nargs="*", default=[job for job in JOBS if job != "umap"], choices=JOBS)
    parser.add_argument("--child", nargs=3)
    asked = parser.parse_args()
    if asked.child:
        child(*asked.child)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        paths = {}
        for kind in asked.kinds:
            paths[kind] = field_path(folder, kind, asked.side)
            if not paths[kind].exists():
                write_field(paths[kind], kind, asked.side)
        if asked.large:
            paths = {f"{asked.large}": folder / f"sparse-{asked.large}.tif"}
            write_sparse(paths[f"{asked.large}"], asked.large)
        print(f"{'file':8} {'job':20} {'CPU s':>7} {'wall s':>7} {'MiB':>6} {'CPU ratio':>10}")
        jobs = ["read", *(job for job in asked.jobs if job != "read")]
        for kind, path in paths.items():
            runs = {job: [] for job in jobs}
            for _ in range(asked.repeats):
                for job in jobs:
                    runs[job].append(measured(job, path, folder / "model.json"))
            best = {job: np.min(found, axis=0) for job, found in runs.items()}
            for job in jobs:
                cpu, wall, mib = best[job]
                print(f"{kind:8} {job:20} {cpu:7.2f} {wall:7.2f} {mib:6.0f} {cpu / best['read'][0]:10.2f}", flush=True)


if __name__ == "__main__":
    main()
