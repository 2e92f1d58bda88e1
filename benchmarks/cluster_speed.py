"""Processor time and memory of clustering a raster, as ratios to a plain read, and k-means beside scikit-learn's.

The field is eight classes of smooth shapes with centres drawn per band and noise, 64 bands of float32 in 256 x 256
blocks, and the same as uint8. Each run is a process of its own; its memory is told above that of the process when all
is imported. Run with `./dev benchmark cluster_speed`; `--folder` keeps the files for another time.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import numpy as np  # noqa: E402
from osgeo import gdal, osr  # noqa: E402

BANDS, CLASSES, BLOCK, MEMORY_MIB = 64, 8, 256, 256


def write_field(folder: Path, kind: str, side: int) -> Path:
    """Write a field and its true classes, unless they are there."""
    path = folder / f"cluster-{kind}-{side}.tif"
    if path.exists():
        return path
    chance = np.random.default_rng(0)
    classes = np.stack([smooth(chance.normal(size=(20, 20)), side) for _ in range(CLASSES)]).argmax(axis=0)
    centres = chance.normal(size=(CLASSES, BANDS)).astype(np.float32)
    types = {"f4": gdal.GDT_Float32, "u1": gdal.GDT_Byte}
    temporary = path.with_suffix(".partial.tif")
    dataset = gdal.GetDriverByName("GTiff").Create(
        str(temporary), side, side, BANDS, types[kind],
        ["TILED=YES", f"BLOCKXSIZE={BLOCK}", f"BLOCKYSIZE={BLOCK}", "INTERLEAVE=BAND", "BIGTIFF=IF_SAFER"])
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    dataset.SetSpatialRef(reference)
    dataset.SetGeoTransform((500000, 10, 0, 5000000, 0, -10))
    for band in range(BANDS):
        values = centres[classes, band]
        values += chance.standard_normal(values.shape, dtype=np.float32) * np.float32(0.3)
        if kind == "u1":
            values = np.clip(values * 25 + 128, 1, 255).astype(np.uint8)
        dataset.GetRasterBand(band + 1).WriteRaster(0, 0, side, side, values.tobytes())
    dataset = None
    temporary.rename(path)
    np.save(path.with_suffix(".npy"), classes.astype(np.uint8))
    return path


def smooth(coarse: np.ndarray, side: int) -> np.ndarray:
    """Enlarge a small field by straight lines between its numbers."""
    places = np.linspace(0, len(coarse) - 1, side)
    rows = np.stack([np.interp(places, np.arange(len(coarse)), row) for row in coarse])
    return np.stack([np.interp(places, np.arange(len(coarse)), column) for column in rows.T], axis=1).astype(np.float32)


def peak_mib() -> float:
    """Return the most memory that this process has held."""
    status = Path("/proc/self/status")
    if status.exists():
        # Unlike getrusage's, this number doesn't begin with what the parent process held.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def plain_read(path: str) -> str:
    """Read all blocks as the pass does."""
    from earthprint.engine.dataset import block_cache, open_raster, read
    from earthprint.engine.grid import Window

    dataset = open_raster(path)
    dtype = np.dtype("u1") if dataset.GetRasterBand(1).DataType == gdal.GDT_Byte else np.dtype("f4")
    with block_cache(32):
        for y in range(0, dataset.RasterYSize, BLOCK):
            for x in range(0, dataset.RasterXSize, BLOCK):
                window = Window(x, y, min(BLOCK, dataset.RasterXSize - x), min(BLOCK, dataset.RasterYSize - y))
                read(dataset, window, range(1, BANDS + 1), dtype, path)
    return ""


def cluster(path: str, method: str) -> str:
    """Cluster, and return how well the true classes were found."""
    from earthprint.engine.analyses.clusters.agreement import adjusted_rand
    from earthprint.engine.analyses.clusters.raster import cluster_raster
    from earthprint.engine.analyses.clusters.request import ClusterChoice, ClusterRasterRequest
    from earthprint.engine.progress import Silent

    with tempfile.TemporaryDirectory() as folder:
        output = str(Path(folder, "o.tif"))
        result = cluster_raster(ClusterRasterRequest(path, output, ClusterChoice(method, CLASSES),
                                                     memory_mib=MEMORY_MIB), Silent())
        spent = time.process_time(), time.monotonic(), peak_mib()
        found = gdal.OpenEx(output).ReadAsArray()
    truth = np.load(Path(path).with_suffix(".npy"))
    return f"{result.assigned} {adjusted_rand(truth[::4, ::4].ravel(), found[::4, ::4].ravel()):.3f} " + " ".join(
        f"{value:.4f}" for value in spent)


def child(path: str, work: str) -> None:
    """Do one piece of work and print what it took."""
    import earthprint.engine.analyses.clusters.raster  # noqa: F401  (its import is not what is measured)

    if work in ("gmm", "hdbscan"):
        import sklearn.cluster  # noqa: F401
        import sklearn.mixture  # noqa: F401
    idle, processor, wall = peak_mib(), time.process_time(), time.monotonic()
    said = plain_read(path) if work == "read" else cluster(path, work)
    parts = said.split()
    end = (float(parts[2]), float(parts[3]), float(parts[4])) if parts else (
        time.process_time(), time.monotonic(), peak_mib())
    print("RESULT", end[0] - processor, end[1] - wall, end[2] - idle, *(parts[:2] or ["", ""]))


def measured(path: Path, work: str, rounds: int) -> "list[str]":
    """Return the run of the least processor time."""
    found = []
    for _ in range(rounds):
        done = subprocess.run([sys.executable, "-W", "ignore", __file__, "--child", work, str(path)],
                              capture_output=True, text=True, check=True).stdout
        line = next(line for line in done.splitlines() if line.startswith("RESULT"))
        found.append(line.split(" ")[1:])
    return min(found, key=lambda run: float(run[0]))


def rasters(folder: Path, side: int, large: int, rounds: int) -> None:
    """Print a table of whole runs."""
    print(f"whole runs, k = {CLASSES}, MEMORY = {MEMORY_MIB}")
    print(f"{'file':>20} {'work':>10} {'CPU s':>7} {'ratio':>6} {'wall s':>7} {'MiB more':>9} {'cells':>10} {'ARI':>6}")
    for kind, size, works in (("f4", side, ("kmeans", "spherical", "gmm", "hdbscan")), ("u1", large, ("kmeans",))):
        path = write_field(folder, kind, size)
        base = 0.0
        for work in ("read", *works):
            processor, wall, more, cells, index = measured(path, work, rounds)
            base = base or float(processor)
            print(f"{f'{size} x {size} {kind}':>20} {work:>10} {float(processor):7.2f} {float(processor) / base:6.2f} "
                  f"{float(wall):7.2f} {float(more):9.0f} {cells:>10} {index:>6}")


def fits(rows: int) -> None:
    """Print how tight and how quick k-means is beside scikit-learn's."""
    from sklearn.cluster import KMeans

    from earthprint.engine.analyses.clusters.kmeans import EUCLIDEAN, fit_kmeans, nearest
    from earthprint.engine.progress import Silent

    chance = np.random.default_rng(0)
    mixed = chance.normal(size=(rows, 8)) @ chance.normal(size=(8, BANDS)) + chance.normal(0, 0.5, (rows, BANDS))
    vectors = (np.tanh(mixed) / 8).astype(np.float32)
    sample = vectors[chance.choice(rows, 100_000, replace=False)]
    print(f"k-means fitted to a sample of {len(sample):,} of {rows:,} x {BANDS}")
    print(f"{'k':>4} {'ours CPU s':>11} {'theirs CPU s':>13} {'inertia of all, ours / theirs':>31}")
    for clusters in (8, 50):
        ours, mine = timed(lambda k=clusters: fit_kmeans(sample, k, EUCLIDEAN, 0, Silent()))
        theirs, other = timed(lambda k=clusters: KMeans(k, n_init=3, random_state=0).fit(sample))
        ratio = nearest(vectors, ours.centres)[1].sum(dtype=np.float64) / nearest(
            vectors, theirs.cluster_centers_)[1].sum(dtype=np.float64)
        print(f"{clusters:4d} {mine:11.2f} {other:13.2f} {ratio:31.4f}")


def timed(work: "Callable[[], object]") -> "tuple[object, float]":
    """Return a result and the processor time that it took."""
    start = time.process_time()
    return work(), time.process_time() - start


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", help="where the fields lie; a temporary folder if left out")
    parser.add_argument("--side", type=int, default=2000, help="cells a side of the float32 field")
    parser.add_argument("--large", type=int, default=3200, help="cells a side of the uint8 field")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=2, metavar=("WORK", "PATH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[1], options.child[0])
        return
    with tempfile.TemporaryDirectory() as scratch:
        rasters(Path(options.folder or scratch), options.side, options.large, options.rounds)
    fits(1_000_000)


if __name__ == "__main__":
    main()
