"""Speed and memory of similarity and nearest, as ratios to a plain read of the same file and to a bare product.

The field is eight classes of smooth shapes with centres drawn per band and noise, 64 bands in 256 x 256 blocks. Each
run is a process of its own; runs take turns, and the smallest of each counts. Processor seconds are of all threads. Run
with `./dev benchmark explore_speed`; `--folder` keeps the files for another time.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator

import numpy as np
from osgeo import gdal, osr

BANDS = 64
CLASSES = 8
BLOCK = 256
MEMORY_MIB = 256
KINDS = ("f4", "f4-zstd", "a1", "a1-zstd", "u1")


def field_path(folder: Path, kind: str, side: int) -> Path:
    """Return where a field lies."""
    return folder / f"field-{kind}-{side}.tif"


def write_field(path: Path, kind: str, side: int) -> None:
    """Write one field, block by block."""
    chance = np.random.default_rng(0)
    shapes = np.stack([zoomed(chance.normal(size=(20, 20)).astype(np.float32), side) for _ in range(CLASSES)])
    classes = shapes.argmax(axis=0).astype(np.uint8)
    del shapes
    centres = chance.normal(size=(CLASSES, BANDS)).astype(np.float32)
    types = {"a1": gdal.GDT_Int8 if hasattr(gdal, "GDT_Int8") else gdal.GDT_Byte, "u1": gdal.GDT_Byte}
    options = ["TILED=YES", f"BLOCKXSIZE={BLOCK}", f"BLOCKYSIZE={BLOCK}", "INTERLEAVE=BAND", "BIGTIFF=IF_SAFER"]
    compressed = kind.endswith("-zstd")
    kind = kind[:2]
    if compressed:
        options += ["COMPRESS=ZSTD", "ZSTD_LEVEL=1"]
    if kind == "a1" and not hasattr(gdal, "GDT_Int8"):
        options.append("PIXELTYPE=SIGNEDBYTE")
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), side, side, BANDS, types.get(kind, gdal.GDT_Float32),
                                                   options)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.SetGeoTransform((400000, 10, 0, 5000000, 0, -10))
    if kind == "a1":
        dataset.SetMetadataItem("EARTHPRINT_KEY", f"alphaearth-000000000000/{BANDS}/a1/cosine/unit")
        for band in range(1, BANDS + 1):
            dataset.GetRasterBand(band).SetNoDataValue(-128)
    if kind == "u1":
        for band in range(1, BANDS + 1):
            dataset.GetRasterBand(band).SetNoDataValue(0)
            dataset.GetRasterBand(band).SetScale(0.05)
            dataset.GetRasterBand(band).SetOffset(-6.4)
    for x, y, width, height in windows(side):
        chance = np.random.default_rng((x, y))
        values = centres[classes[y:y + height, x:x + width]].transpose(2, 0, 1)
        values = values + chance.normal(0, 0.3, values.shape).astype(np.float32)
        if kind == "a1":
            values /= np.linalg.norm(values, axis=0)
            values = np.clip(np.rint(np.sign(values) * np.sqrt(np.abs(values)) * 127.5), -127, 127).astype(np.int8)
        elif kind == "u1":
            values = np.clip(np.rint((values + 6.4) / 0.05), 1, 255).astype(np.uint8)
        dataset.WriteRaster(x, y, width, height, np.ascontiguousarray(values).tobytes())
    dataset.FlushCache()


def zoomed(values: np.ndarray, side: int) -> np.ndarray:
    """Return values blown up to a square, cubic."""
    small = gdal.GetDriverByName("MEM").Create("", values.shape[1], values.shape[0], 1, gdal.GDT_Float32)
    small.WriteRaster(0, 0, values.shape[1], values.shape[0], values.tobytes())
    large = gdal.Translate("", small, format="MEM", width=side, height=side, resampleAlg="cubic")
    return np.frombuffer(large.ReadRaster(), dtype=np.float32).reshape(side, side)


def windows(side: int) -> "Iterator[tuple[int, int, int, int]]":
    """Yield the storage blocks."""
    for y in range(0, side, BLOCK):
        for x in range(0, side, BLOCK):
            yield x, y, min(BLOCK, side - x), min(BLOCK, side - y)


def resident_mib(line_name: str = "VmRSS") -> float:
    """Return what is resident now, or was at most (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(line_name):
            return int(line.split()[1]) / 1024
    return 0.0


def child(job: str, path: str, side: int) -> None:
    """Do one job in this process and print processor seconds, seconds, and MiB above what it had before."""
    from earthprint.engine.analyses.similarity.coordinates import typed_points
    from earthprint.engine.analyses.similarity.examples import Examples
    from earthprint.engine.analyses.similarity.raster import find_similar
    from earthprint.engine.analyses.similarity.request import SimilarityOptions, SimilarityRequest
    from earthprint.engine.dataset import block_cache
    from earthprint.engine.progress import Silent

    own = resident_mib()
    cpu, wall = time.process_time(), time.perf_counter()
    if job == "read":
        with block_cache(MEMORY_MIB // 8):
            dataset = gdal.Open(path)
            for x, y, width, height in windows(side):
                dataset.ReadRaster(x, y, width, height)
    else:
        chance = np.random.default_rng(1).integers(0, side * 10, (10, 2))
        points = typed_points(";".join(f"{400000 + x},{5000000 - y}" for x, y in chance.tolist()), "")
        with tempfile.TemporaryDirectory() as folder:
            find_similar(SimilarityRequest(path, f"{folder}/score.tif", Examples("points", points),
                                           options=SimilarityOptions(method=job), memory_mib=MEMORY_MIB), Silent())
    print(time.process_time() - cpu, time.perf_counter() - wall, resident_mib("VmHWM") - own)


def measured(job: str, path: Path, side: int) -> np.ndarray:
    """Run a job in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--child", job, str(path), "--side", str(side)],
                          capture_output=True, text=True, check=True)
    return np.array(list(map(float, done.stdout.split())))


def compare_rasters(folder: Path, side: int, repeats: int, kinds: "list[str]") -> None:
    """Print similarity against a plain read for every kind of file."""
    print(f"{'file':10} {'job':15} {'CPU s':>7} {'wall s':>7} {'MiB':>6} {'CPU ratio':>10} {'wall ratio':>10}")
    for kind in kinds:
        path = field_path(folder, kind, side)
        if not path.exists():
            write_field(path, kind, side)
        jobs = ("read", "mean", "nearest", "discriminative")
        runs = {job: [] for job in jobs}
        for _ in range(repeats):
            for job in jobs:
                runs[job].append(measured(job, path, side))
        best = {job: np.min(found, axis=0) for job, found in runs.items()}
        for job in jobs:
            cpu, wall, mib = best[job]
            print(f"{kind:10} {job:15} {cpu:7.2f} {wall:7.2f} {mib:6.0f} {cpu / best['read'][0]:10.2f} "
                  f"{wall / best['read'][1]:10.2f}", flush=True)


def compare_search(rows: int, queries: int) -> None:
    """Print the exact search against a bare product with selection."""
    from earthprint.engine.analyses.nearest.search import search
    from earthprint.engine.progress import Silent

    chance = np.random.default_rng(0)
    tables = [chance.normal(size=(count, BANDS)).astype(np.float32) for count in (rows, queries)]
    targets, asked = (table / np.linalg.norm(table, axis=1, keepdims=True) for table in tables)
    times = {"product": [], "product and argpartition": [], "search": []}
    for _ in range(3):
        for job, taken in times.items():
            started = time.perf_counter()
            if job == "search":
                search(asked, targets, 10, None, Silent())
            else:
                bare(asked, targets, 10 if "argpartition" in job else 0)
            taken.append(time.perf_counter() - started)
    base = min(times["product and argpartition"])
    for job, taken in times.items():
        print(f"{rows} x {BANDS}, {queries} queries: {job:25} {min(taken):7.2f} s {min(taken) / base:6.2f}", flush=True)


def bare(queries: np.ndarray, targets: np.ndarray, count: int) -> None:
    """Multiply in chunks, and select the best of each by NumPy's own means."""
    chunk = 16384
    scores, rows = [], []
    for start in range(0, len(targets), chunk):
        product = queries @ targets[start:start + chunk].T
        if count:
            best = np.argpartition(product, product.shape[1] - count, axis=1)[:, -count:]
            scores.append(np.take_along_axis(product, best, axis=1))
            rows.append(best + start)
    if count:
        order = np.argsort(-np.concatenate(scores, axis=1), axis=1)[:, :count]
        np.take_along_axis(np.concatenate(rows, axis=1), order, axis=1)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--child", nargs=2)
    asked = parser.parse_args()
    if asked.child:
        child(*asked.child, asked.side)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        compare_rasters(folder, asked.side, asked.repeats, asked.kinds)
    if asked.rows:
        compare_search(asked.rows, 1000)


if __name__ == "__main__":
    main()
