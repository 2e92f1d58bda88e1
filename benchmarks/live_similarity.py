"""Speed of live similarity: a new extent of a large field read and scored, and new queries over it.

The field is a virtual raster of 10,000 x 10,000 cells and 64 bands (or smaller with `--side`) that repeats a few files
of smooth classes with noise, because a file of that size takes 26 GB as float32: reading opens other parts of the same
files, and the overviews, which is what a canvas reads, are written in full. Extents are new for each reading; `--cold`
asks the system to drop the file from its cache first, which Linux does for files that are not being written. Queries
are vectors of other pixels; "classes" is a click of five classes, fit and map. All times are milliseconds, and CPU is
processor time, the fairer measure on a busy machine. The bare product is that of one vector with a float32 matrix of
the canvas's size. Run with `./dev benchmark live_similarity`; `--folder` keeps the files for another time.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable, Iterable, Iterator

import numpy as np
from explore_speed import BANDS, field_path, write_field
from osgeo import gdal

WIDTH, HEIGHT = 1400, 900
TILE = 2560
QUERIES = 40
CLASSES = 5
CELL = 10.0


@dataclass(frozen=True)
class Timing:
    """Seconds of some runs, and processor seconds, which a busy machine stretches less."""

    seconds: np.ndarray
    processor: np.ndarray

    def quantile(self, share: float) -> float:
        """Return a quantile in milliseconds."""
        return float(np.quantile(self.seconds, share) * 1e3)

    @property
    def work(self) -> float:
        """Return the median of processor time in milliseconds."""
        return float(np.median(self.processor) * 1e3)


def timed(runs: "Iterable[Callable[[], object]]") -> Timing:
    """Time runs one after the other."""
    found = []
    for run in runs:
        wall, own = time.perf_counter(), time.process_time()
        run()
        found.append((time.perf_counter() - wall, time.process_time() - own))
    return Timing(*np.array(found).T)


def repeated(folder: Path, kind: str, side: int) -> Path:
    """Return a field that repeats a smaller one, and write both where they are missing."""
    tile = field_path(folder, kind, min(TILE, side))
    if not tile.exists():
        write_field(tile, kind, min(TILE, side))
    path = folder / f"repeated-{kind}-{side}.vrt"
    if not path.exists():
        path.write_text(virtual(tile, min(TILE, side), side), encoding="utf-8")
    return path


def virtual(tile: Path, size: int, side: int) -> str:
    """Return a virtual raster of a tile laid side by side."""
    origin = gdal.Open(str(tile))
    first = origin.GetRasterBand(1)
    signed = first.GetMetadataItem("PIXELTYPE", "IMAGE_STRUCTURE") == "SIGNEDBYTE"
    kind = gdal.GetDataTypeName(first.DataType)
    about = "".join(f'<MDI key="{key}">{value}</MDI>' for key, value in origin.GetMetadata().items())
    bands = []
    for band in range(1, BANDS + 1):
        each = origin.GetRasterBand(band)
        parts = []
        if each.GetNoDataValue() is not None:
            parts.append(f"<NoDataValue>{each.GetNoDataValue():g}</NoDataValue>")
        if each.GetScale() not in (None, 1.0):
            parts.append(f"<Offset>{each.GetOffset()}</Offset><Scale>{each.GetScale()}</Scale>")
        if signed:
            parts.append('<Metadata domain="IMAGE_STRUCTURE"><MDI key="PIXELTYPE">SIGNEDBYTE</MDI></Metadata>')
        for top in range(0, side, size):
            for left in range(0, side, size):
                wide, high = min(size, side - left), min(size, side - top)
                parts.append(
                    f'<SimpleSource><SourceFilename relativeToVRT="1">{tile.name}</SourceFilename>'
                    f'<SourceBand>{band}</SourceBand>'
                    f'<SourceProperties RasterXSize="{size}" RasterYSize="{size}" DataType="{kind}" BlockXSize="256" '
                    f'BlockYSize="256"/><SrcRect xOff="0" yOff="0" xSize="{wide}" ySize="{high}"/>'
                    f'<DstRect xOff="{left}" yOff="{top}" xSize="{wide}" ySize="{high}"/></SimpleSource>')
        bands.append(f'<VRTRasterBand dataType="{kind}" band="{band}" blockXSize="256" blockYSize="256">'
                     + "".join(parts) + "</VRTRasterBand>")
    return (f'<VRTDataset rasterXSize="{side}" rasterYSize="{side}"><SRS>EPSG:32631</SRS>'
            f"<GeoTransform>400000, {CELL}, 0, 5000000, 0, -{CELL}</GeoTransform><Metadata>{about}</Metadata>"
            + "".join(bands) + "</VRTDataset>")


def drop_from_cache(folder: Path) -> None:
    """Ask the system to read the files from the disk next time."""
    for path in folder.iterdir():
        if path.is_file() and hasattr(os, "posix_fadvise"):
            handle = os.open(path, os.O_RDONLY)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def extents(side: int, repeats: int) -> "list[tuple[str, list[tuple[float, float, float, float]]]]":
    """Return extents at several zooms, each set with other corners: cells a pixel of the canvas."""
    chance, whole, found = np.random.default_rng(3), side * CELL, []
    for cells in (1.0, 1.4, 2.0, 2.8, 4.0, side / HEIGHT):
        width, height = WIDTH * cells * CELL, HEIGHT * cells * CELL
        corners = chance.random((repeats, 2)) * [max(0.0, whole - width), max(0.0, whole - height)]
        found.append((f"{cells:.1f}", [(400000 + x, 5000000 - y - height, 400000 + x + width, 5000000 - y)
                                       for x, y in corners.tolist()]))
    return found


def bare_product() -> Timing:
    """Time the product of one vector with a matrix of the canvas's size."""
    chance = np.random.default_rng(0)
    matrix = chance.random((BANDS, WIDTH * HEIGHT), dtype=np.float32)
    vectors = chance.random((QUERIES, BANDS), dtype=np.float32)
    return timed(partial(np.matmul, vector, matrix) for vector in vectors)


def measure(path: Path, side: int, repeats: int, cold: bool, bare: Timing) -> None:
    """Print how long new extents and new queries take."""
    from earthprint.engine.inspecting.likelihood import background_of, fit_classes, likelihood
    from earthprint.engine.inspecting.scores import score_to
    from earthprint.engine.inspecting.view import FieldView, ViewBlock
    from earthprint.engine.progress import Silent

    view = FieldView.open(str(path))

    def shown(extent: "tuple[float, float, float, float]") -> ViewBlock:
        """Read and score an extent."""
        block = view.read(extent, WIDTH, HEIGHT, Silent())
        score_to(block, block.vectors_of(np.array([0]))[0])
        return block

    def new(places: "list[tuple[float, float, float, float]]") -> "Iterator[Callable[[], object]]":
        """Forget what was read before each reading."""
        for extent in places:
            view.forget()
            if cold:
                drop_from_cache(path.parent)
            yield partial(shown, extent)

    for name, places in extents(side, repeats):
        read = timed(new(places))
        block = view.read(places[-1], WIDTH, HEIGHT, Silent())
        vectors = block.vectors_of(np.random.default_rng(1).integers(0, block.rows * block.cols, QUERIES))
        query = timed(partial(score_to, block, vector) for vector in vectors)
        labels = [f"class {number % CLASSES}" for number in range(QUERIES)]

        def classified(block: ViewBlock = block, vectors: np.ndarray = vectors, labels: "list[str]" = labels) -> None:
            """Fit and draw classes anew, as a click does."""
            likelihood(block, fit_classes(vectors, labels, "cosine", background_of(block)), Silent())

        click = timed([classified] * repeats)
        print(f"{name:>5} {block.cols:>5}x{block.rows:<4} {read.quantile(0.5):6.0f} {read.quantile(1):6.0f} "
              f"{read.work:6.0f} {query.quantile(0.5):6.0f} {query.quantile(0.95):6.0f} {query.work:6.0f} "
              f"{query.quantile(0.5) / bare.quantile(0.5):6.1f} {query.work / bare.work:6.1f} "
              f"{click.quantile(0.5):6.0f} {click.work:6.0f}", flush=True)


def main() -> None:
    """Write what is missing and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--kinds", default="a1-zstd,f4")
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    from earthprint.engine.inspecting.levels import levels_of
    from earthprint.engine.inspecting.overviews import build_overviews
    from earthprint.engine.progress import Silent

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{os.cpu_count()} cores, load {load:.1f}, Python {sys.version.split()[0]}, NumPy {np.__version__}")
    bare = bare_product()
    print(f"bare product: {bare.quantile(0.5):.0f} ms at the median, {bare.quantile(0.95):.0f} at the 95th percentile, "
          f"{bare.work:.0f} of processor time")
    with tempfile.TemporaryDirectory() as spare:
        folder = arguments.folder or Path(spare)
        folder.mkdir(parents=True, exist_ok=True)
        for kind in arguments.kinds.split(","):
            path = repeated(folder, kind, arguments.side)
            if len(levels_of(str(path))) == 1:
                started = time.perf_counter()
                build_overviews(str(path), Silent())
                print(f"{kind}: overviews took {time.perf_counter() - started:.0f} s")
            print(f"{kind}, {arguments.side} x {arguments.side} x {BANDS}")
            print("cells      block   read  worst    CPU  query   95th    CPU x bare  x CPU classes CPU")
            measure(path, arguments.side, arguments.repeats, arguments.cold, bare)


if __name__ == "__main__":
    main()
