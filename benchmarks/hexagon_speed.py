"""Points to H3 cells against the h3 library's own loop, as ratios, and a field to hexagons in one streamed pass.

Run with `./dev benchmark hexagon_speed` or `./dev python benchmarks/hexagon_speed.py`. Memory is the peak of the whole
process above what it held before the field was read.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Callable, Tuple

import numpy as np
from osgeo import ogr, osr

from earthprint.engine.centres import point_wkb
from earthprint.engine.coding import FLOAT32
from earthprint.engine.dataset import close, write
from earthprint.engine.field import create_field
from earthprint.engine.grid import Grid, Window
from earthprint.engine.hexagons.cells import cells_of
from earthprint.engine.hexagons.raster import RasterHexagons, aggregate_field
from earthprint.engine.hexagons.request import HexagonOptions
from earthprint.engine.hexagons.table import TableHexagons, aggregate_table
from earthprint.engine.hexagons.world import world_wkt
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import TableWriter, open_table

ROUNDS = 3


def timed(work: "Callable[[], object]") -> "Tuple[float, float]":
    """Return wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def best(work: "Callable[[], object]") -> "Tuple[float, float]":
    """Return the least of several rounds, each by itself."""
    rounds = [timed(work) for _ in range(ROUNDS)]
    return min(wall for wall, _ in rounds), min(processor for _, processor in rounds)


def tell(text: str, ours: "Tuple[float, float]", plain: "Tuple[float, float]") -> None:
    """Print a ratio."""
    print(f"{text}: {ours[0] / plain[0]:.2f} (processor {ours[1] / plain[1]:.2f}); {ours[1]:.1f} s against "
          f"{plain[1]:.1f} s of processor time", flush=True)


def peak() -> int:
    """Return the most memory that this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def write_field(path: Path, side: int, dims: int) -> str:
    """Write a field of noise in the plugin's own layout."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    grid = Grid(side, side, (500000.0, 10.0, 0.0, 5700000.0, 0.0, -10.0),
                reference.ExportToWkt(["FORMAT=WKT2_2019"]))
    dataset = create_field(str(path), grid, Space("benchmark", dims), FLOAT32)
    noise = np.random.default_rng(0).normal(0, 1, (dims, 256, 256)).astype(np.float32)
    for y in range(0, side, 256):
        for x in range(0, side, 256):
            window = Window(x, y, min(256, side - x), min(256, side - y))
            write(dataset, window, range(1, dims + 1), noise[:, :window.height, :window.width], str(path))
    close(dataset, str(path))
    return str(path)


def write_points(path: Path, places: np.ndarray, dims: int) -> str:
    """Write a table of points."""
    vectors = np.random.default_rng(2).normal(0, 1, (len(places), dims)).astype(np.float32)
    with TableWriter(str(path), world_wkt(), ogr.wkbPoint, [], Space("benchmark", dims)) as writer:
        for start in range(0, len(places), 50_000):
            part = slice(start, start + 50_000)
            writer.write([point_wkb(*place) for place in places[part]], {}, vectors[part])
    return str(path)


def fields(folder: Path, side: int, dims: int) -> None:
    """Aggregate a field."""
    field = write_field(folder / "field.tif", side, dims)
    before = peak()
    options = HexagonOptions(str(folder / "hexagons.gpkg"))
    found = []
    wall, processor = timed(lambda: found.append(aggregate_field(RasterHexagons(field, options), Silent())))
    print(f"{side * side} cells of {dims} dimensions to {found[0].hexagons} hexagons of resolution "
          f"{found[0].resolution}: {wall:.0f} s, processor {processor:.0f} s; memory {peak() - before} MiB above "
          f"{before} MiB (limit {options.memory_mib} MiB)", flush=True)


def points(folder: Path, count: int, table: bool) -> None:
    """Measure points to cells, and a table of them to hexagons."""
    from h3.api.numpy_int import latlng_to_cell

    places = np.random.default_rng(3).normal([10, 50], [2, 1], (count, 2))
    found: "list[object]" = [None, None]

    def alone() -> None:
        """Ask the library point by point."""
        found[0] = [latlng_to_cell(y, x, 9) for x, y in places]

    def ours() -> None:
        """Ask for all."""
        found[1] = cells_of(places, 9).tolist()

    plain, mine = best(alone), best(ours)
    if found[0] != found[1]:
        raise SystemExit("the cells differ")
    tell(f"cells of {count} points / the library's own loop", mine, plain)
    if table:
        path = write_points(folder / "points.gpkg", places, 16)
        whole = timed(lambda: aggregate_table(TableHexagons(open_table(path), HexagonOptions(
            str(folder / "gathered.gpkg"), 7)), Silent()))
        tell(f"table of {count} points to a table of hexagons / the library's own loop", whole, plain)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--table", action="store_true", help="also aggregate a table of these points")
    parser.add_argument("--side", type=int, default=3163, help="columns and rows of the field; 0 leaves it out")
    parser.add_argument("--dims", type=int, default=16)
    asked = parser.parse_args()
    print(f"Load before: {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        if asked.side:
            fields(Path(scratch), asked.side, asked.dims)
        if asked.points:
            points(Path(scratch), asked.points, asked.table)


if __name__ == "__main__":
    main()
