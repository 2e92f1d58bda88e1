"""Zonal statistics of many polygons against one plain read of the field, as ratios.

Run with `./dev benchmark zonal_speed` or `./dev python benchmarks/zonal_speed.py`; each ratio is of one run, in wall
and processor seconds. Zonal times hold everything: reading and placing the polygons, the field, and writing the table.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Callable, Sequence, Tuple

import numpy as np
from osgeo import gdal, ogr, osr

from earthprint.engine.coding import FLOAT32
from earthprint.engine.dataset import block_cache, close, open_raster, write
from earthprint.engine.features.request import FeaturesRequest
from earthprint.engine.features.run import embed_features
from earthprint.engine.field import create_field
from earthprint.engine.grid import Grid, Window
from earthprint.engine.plain_layer import LayerWriter
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, open_rows

LEFT, TOP, CELL = 500000.0, 5700000.0, 10.0


def timed(work: "Callable[[], object]") -> "Tuple[float, float]":
    """Return wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def tell(text: str, ours: "Tuple[float, float]", plain: "Tuple[float, float]") -> None:
    """Print a ratio."""
    print(f"{text}: {ours[0] / plain[0]:.2f} (processor {ours[1] / plain[1]:.2f}); {ours[0]:.1f} s against "
          f"{plain[0]:.1f} s")


def write_field(path: Path, side: int, dims: int) -> str:
    """Write a field of noise in the plugin's own layout."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    grid = Grid(side, side, (LEFT, CELL, 0.0, TOP, 0.0, -CELL), reference.ExportToWkt(["FORMAT=WKT2_2019"]))
    dataset = create_field(str(path), grid, Space("benchmark", dims), FLOAT32)
    noise = np.random.default_rng(0).normal(0, 1, (dims, 256, 256)).astype(np.float32)
    for window in windows(side):
        write(dataset, window, range(1, dims + 1), noise[:, :window.height, :window.width] + window.x / side, str(path))
    close(dataset, str(path))
    return str(path)


def windows(side: int) -> "list[Window]":
    """Return storage blocks in order."""
    return [Window(x, y, min(256, side - x), min(256, side - y)) for y in range(0, side, 256)
            for x in range(0, side, 256)]


def read_plainly(path: str) -> None:
    """Read all bands of each block once, aligned and in order, within a cache as large as the algorithms use."""
    with block_cache(128):
        dataset = open_raster(path)
        for window in windows(dataset.RasterXSize):
            dataset.ReadRaster(window.x, window.y, window.width, window.height)


def write_polygons(path: Path, side: int, count: int) -> str:
    """Write crooked octagons all over the field, in no order."""
    chance = np.random.default_rng(1)
    across = int(np.ceil(np.sqrt(count)))
    step = side * CELL / across
    number = chance.permutation(count)
    centre = np.column_stack([number % across, number // across]) + chance.uniform(0.4, 0.6, (count, 2))
    angle = np.linspace(0, 2 * np.pi, 9)
    reach = chance.uniform(0.6, 1.0, (count, 8)) * step * 0.45
    reach = np.column_stack([reach, reach[:, 0]])
    x = LEFT + centre[:, :1] * step + reach * np.cos(angle)
    y = TOP - centre[:, 1:] * step + reach * np.sin(angle)
    head = b"\x01\x03\x00\x00\x00\x01\x00\x00\x00\x09\x00\x00\x00"
    shapes = [head + ring.tobytes() for ring in np.stack([x, y], axis=2).astype("<f8")]
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    with LayerWriter(str(path), reference.ExportToWkt(), ogr.wkbPolygon, [ColumnSpec("name", "text")]) as writer:
        writer.write(shapes, {"name": [str(row) for row in range(count)]})
    return str(path)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=4096, help="columns and rows of the field")
    parser.add_argument("--dims", type=int, default=64)
    parser.add_argument("--polygons", type=int, default=100_000)
    parser.add_argument("--statistics", default="mean;max;std;median")
    parser.add_argument("--uncompressed", action="store_true", help="also measure on an uncompressed copy of the field")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        field = write_field(folder / "field.tif", asked.side, asked.dims)
        polygons = write_polygons(folder / "polygons.gpkg", asked.side, asked.polygons)
        statistics = list(filter(None, asked.statistics.split(";")))
        print(f"Load before: {os.getloadavg()[0]:.1f}")
        zones(folder, field, polygons, statistics, "ZSTD")
        if asked.uncompressed:
            copy = str(folder / "uncompressed.tif")
            gdal.Translate(copy, field, creationOptions=["TILED=YES", "INTERLEAVE=BAND", "BIGTIFF=YES"])
            zones(folder, copy, polygons, statistics, "uncompressed")


def zones(folder: Path, field: str, polygons: str, statistics: "Sequence[str]", layout: str) -> None:
    """Measure statistics of polygons."""
    read_plainly(field)
    for statistic in statistics:
        plain = timed(lambda: read_plainly(field))
        ours = timed(lambda word=statistic: embed_features(
            FeaturesRequest(open_rows(polygons), field, str(folder / "zones.gpkg"), word), Silent()))
        tell(f"{statistic} under the polygons / one plain read of the field, {layout}", ours, plain)


if __name__ == "__main__":
    main()
