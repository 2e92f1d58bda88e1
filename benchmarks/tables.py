"""Writing and reading embedding tables, as ratios to the plainest GDAL and SQLite loops over the same file.

Run with `./dev benchmark tables [--rows N] [--dimensions N]`.
"""

from __future__ import annotations

import argparse
import sqlite3
import struct
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, List

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import numpy as np  # noqa: E402
from osgeo import gdal, ogr, osr  # noqa: E402

from earthprint.engine.space import Space  # noqa: E402
from earthprint.engine.table import ColumnSpec, TableWriter, open_table  # noqa: E402

ROUNDS = 3


def squares(rows: int) -> "List[bytes]":
    """Return footprints as WKB."""
    places = np.random.default_rng(1).uniform(0, 1e5, (rows, 2))
    return [struct.pack("<BIII10d", 1, 3, 1, 5, x, y, x + 9, y, x + 9, y + 9, x, y + 9, x, y) for x, y in places]


def plain_write(path: Path, shapes: "List[bytes]", vectors: np.ndarray, key: str, wkt: str) -> None:
    """Write the same columns feature by feature, with nothing checked, counted or renamed."""
    dataset = gdal.GetDriverByName("GPKG").Create(str(path), 0, 0, 0, gdal.GDT_Unknown)
    layer = dataset.CreateLayer("t", osr.SpatialReference(wkt), ogr.wkbPolygon)
    for name, kind in (("share", ogr.OFTReal), ("embedding_space", ogr.OFTString), ("embedding", ogr.OFTBinary)):
        layer.CreateField(ogr.FieldDefn(name, kind))
    dataset.StartTransaction()
    feature = ogr.Feature(layer.GetLayerDefn())
    for shape, vector in zip(shapes, vectors):
        feature.SetFID(-1)
        feature.SetGeometryDirectly(ogr.CreateGeometryFromWkb(shape))
        feature.SetField(0, 0.5)
        feature.SetField(1, key)
        feature.SetFieldBinaryFromHexString(2, vector.tobytes().hex())
        layer.CreateFeature(feature)
    dataset.CommitTransaction()


def table_write(path: Path, shapes: "List[bytes]", vectors: np.ndarray, space: Space, wkt: str) -> None:
    """Write through the engine."""
    with TableWriter(path, wkt, ogr.wkbPolygon, [ColumnSpec("share", "real")], space) as writer:
        for start in range(0, len(shapes), 4096):
            part = slice(start, start + 4096)
            writer.write(shapes[part], {"share": [0.5] * len(shapes[part])}, vectors[part])


def plain_read(path: Path) -> np.ndarray:
    """Read the vectors alone with SQLite."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT embedding FROM t ORDER BY fid").fetchall()
    connection.close()
    return np.frombuffer(b"".join(row[0] for row in rows), "<f4")


def table_read(path: Path) -> np.ndarray:
    """Read vectors, geometries, ids and attributes through the engine."""
    return np.concatenate([chunk.vectors for chunk in open_table(path).chunks()])


def ogr_read(path: Path) -> int:
    """Read the vectors and geometries feature by feature."""
    dataset = gdal.OpenEx(str(path), gdal.OF_VECTOR)
    return sum(len(feature.GetFieldAsBinary("embedding")) + len(feature.GetGeometryRef().ExportToWkb())
               for feature in dataset.GetLayer(0))


def best(work: "Callable[[], object]") -> float:
    """Return the shortest of several times."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, default=256)
    asked = parser.parse_args()
    vectors = np.random.default_rng(0).normal(size=(asked.rows, asked.dimensions)).astype("<f4")
    shapes = squares(asked.rows)
    space = Space("benchmark", asked.dimensions)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32632)
    wkt = reference.ExportToWkt()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.gpkg")
        written = best(lambda: table_write(path, shapes, vectors, space, wkt))
        read = best(lambda: table_read(path))
        by_sqlite, by_ogr = best(lambda: plain_read(path)), best(lambda: ogr_read(path))
        if plain_read(path).tobytes() != vectors.tobytes():
            raise SystemExit("The table holds other vectors than were written.")

        def again() -> None:
            """Write anew, as the engine does."""
            Path(folder, "p.gpkg").unlink(missing_ok=True)
            plain_write(Path(folder, "p.gpkg"), shapes, vectors, space.key(), wkt)

        plain = best(again)
    print(f"{asked.rows} rows of {asked.dimensions} float32 with footprints")
    print(f"write: {written:.2f} s, {written / plain:.2f} times a plain GDAL loop")
    print(f"read:  {read:.2f} s, {read / by_sqlite:.2f} times SQLite reading the vectors alone, "
          f"{read / by_ogr:.2f} times a plain GDAL loop")


if __name__ == "__main__":
    main()
