"""Writing and reading embedding tables, as ratios to plain sqlite3 writing and reading the same bytes.

Plain means: one table without index, bytes that lie ready, one transaction, `executemany`; reading takes the same
columns of the very file that the engine wrote. Layers that QGIS alone can read are compared with the same.
Run with `./dev benchmark tables [--rows N] [--dimensions N]`.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import struct
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import numpy as np  # noqa: E402
from osgeo import ogr, osr  # noqa: E402
from qgis.core import (  # noqa: E402
    QgsApplication,
    QgsFeature,
    QgsGeometry,
    QgsProcessingContext,
    QgsProcessingFeatureSource,
    QgsProject,
    QgsVectorLayer,
    QgsVectorLayerJoinInfo,
)
from qgis.PyQt.QtCore import QByteArray  # noqa: E402

from earthprint.engine.space import Space  # noqa: E402
from earthprint.engine.table import ColumnSpec, TableWriter, open_table  # noqa: E402
from earthprint.processing_provider.adapters.features import FeatureTable  # noqa: E402

ROUNDS = 5
COLUMNS = (ColumnSpec("share", "real"), ColumnSpec("name", "text"))
PICKED = "fid, geom, share, name, embedding_space, embedding"
INTO = ("CREATE TABLE t (fid INTEGER PRIMARY KEY, geom BLOB, share REAL, name TEXT, embedding_space TEXT, "
        "embedding BLOB)")


@dataclass(frozen=True)
class Scene:
    """What is written: the same values as Python lists and as the bytes that lie in the file."""

    shapes: "List[bytes]"
    blobs: "List[bytes]"
    attributes: "Dict[str, List[Any]]"
    vectors: np.ndarray
    vector_bytes: "List[bytes]"
    space: Space
    wkt: str
    kind: int


def make_scene(rows: int, dimensions: int, kind: int) -> Scene:
    """Make points or square footprints with two attributes and vectors."""
    chance = np.random.default_rng(1)
    places = chance.uniform(0, 1e5, (rows, 2)).tolist()
    head = struct.pack("<2sBBi", b"GP", 0, 1 if kind == ogr.wkbPoint else 3, 32632)
    if kind == ogr.wkbPoint:
        shapes = [struct.pack("<BIdd", 1, 1, x, y) for x, y in places]
        blobs = [head + shape for shape in shapes]
    else:
        shapes = [struct.pack("<BIII10d", 1, 3, 1, 5, x, y, x + 9, y, x + 9, y + 9, x, y + 9, x, y) for x, y in places]
        blobs = [head + struct.pack("<4d", x, x + 9, y, y + 9) + shape for (x, y), shape in zip(places, shapes)]
    vectors = chance.normal(size=(rows, dimensions)).astype("<f4")
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32632)
    attributes = {"share": chance.uniform(size=rows).tolist(), "name": [f"n{row}" for row in range(rows)]}
    return Scene(shapes, blobs, attributes, vectors, [vector.tobytes() for vector in vectors],
                 Space("benchmark", dimensions), reference.ExportToWkt(), kind)


def plain_write(path: Path, scene: Scene) -> None:
    """Write the bytes with sqlite3 as it comes."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute(INTO)
    rows = len(scene.blobs)
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", zip(
        range(1, rows + 1), scene.blobs, *scene.attributes.values(), [scene.space.key()] * rows, scene.vector_bytes))
    connection.commit()
    connection.close()


def table_write(path: Path, scene: Scene) -> None:
    """Write through the engine: vectors checked and coded, extent, spatial index, whole or nothing."""
    with TableWriter(path, scene.wkt, scene.kind, list(COLUMNS), scene.space) as writer:
        for start in range(0, len(scene.shapes), 4096):
            part = slice(start, start + 4096)
            writer.write(scene.shapes[part], {name: values[part] for name, values in scene.attributes.items()},
                         scene.vectors[part])


def plain_read(path: Path) -> int:
    """Read the same columns with sqlite3 into a list."""
    connection = sqlite3.connect(path)
    rows = connection.execute(f"SELECT {PICKED} FROM t ORDER BY fid").fetchall()  # nosec B608
    connection.close()
    return len(rows)


def plain_walk(path: Path) -> int:
    """Read the same columns with sqlite3 and keep nothing."""
    connection = sqlite3.connect(path)
    count = sum(1 for _ in connection.execute(f"SELECT {PICKED} FROM t ORDER BY fid"))  # nosec B608
    connection.close()
    return count


def table_read(path: Path) -> int:
    """Read through the engine: opened, one space in all rows, vectors checked and decoded."""
    return sum(len(chunk.vectors) for chunk in open_table(path).chunks())


def layer_read(layer: QgsVectorLayer) -> int:
    """Read what QGIS shows of a layer through the adapter."""
    context = QgsProcessingContext()
    source = QgsProcessingFeatureSource(layer, context, False)
    return sum(len(chunk.vectors) for chunk in FeatureTable(source, "INPUT").chunks())


def layers(path: Path, scene: Scene) -> "Dict[str, QgsVectorLayer]":
    """Return layers that hold all rows and that no plain reading of the file can stand for."""
    filtered = QgsVectorLayer(str(path), "filtered", "ogr")
    filtered.setSubsetString("fid > 0")
    joined = QgsVectorLayer(str(path), "joined", "ogr")
    other = QgsVectorLayer("None?field=place:string&field=more:double", "other", "memory")
    other.dataProvider().addFeatures([_feature(other, [name, 1.0]) for name in scene.attributes["name"]])
    QgsProject.instance().addMapLayers([other, joined])
    information = QgsVectorLayerJoinInfo()
    information.setJoinLayer(other)
    information.setJoinFieldName("place")
    information.setTargetFieldName("name")
    information.setUsingMemoryCache(True)
    joined.addJoin(information)
    return {"a memory layer": _memory(scene), "a filtered layer": filtered, "a layer with a join": joined}


def _memory(scene: Scene) -> QgsVectorLayer:
    """Return the scene as a memory layer."""
    layer = QgsVectorLayer(f"{'Point' if scene.kind == ogr.wkbPoint else 'Polygon'}?crs=EPSG:32632&field=share:double"
                           "&field=name:string&field=embedding_space:string&field=embedding:binary", "m", "memory")
    features = []
    for row, shape in enumerate(scene.shapes):
        feature = _feature(layer, [*(values[row] for values in scene.attributes.values()), scene.space.key(),
                                   QByteArray(scene.vector_bytes[row])])
        geometry = QgsGeometry()
        geometry.fromWkb(shape)
        feature.setGeometry(geometry)
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


def _feature(layer: QgsVectorLayer, values: "Sequence[Any]") -> QgsFeature:
    """Return a feature with these values."""
    feature = QgsFeature(layer.fields())
    feature.setAttributes(list(values))
    return feature


@dataclass(frozen=True)
class Spent:
    """The least time of several rounds: by the clock, and of the processor, which other programs disturb less."""

    clock: float
    processor: float

    def against(self, plain: "Spent", named: str) -> str:
        """Tell how many times as long it took as the plain way."""
        return (f"{self.clock / plain.clock:.2f} times {named} by the clock ({plain.clock:.2f} s), "
                f"{self.processor / plain.processor:.2f} by the processor ({plain.processor:.2f} s)")


def best_of(*works: "Callable[[], object]") -> "List[Spent]":
    """Return the shortest times of each of several works, taken in turns so that all meet the same load."""
    times: "List[List[Spent]]" = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, taken in zip(works, times):
            clock, processor = time.perf_counter(), time.process_time()
            work()
            taken.append(Spent(time.perf_counter() - clock, time.process_time() - processor))
    return [Spent(min(spent.clock for spent in taken), min(spent.processor for spent in taken)) for taken in times]


def files(folder: str, scene: Scene, what: str) -> None:
    """Measure writing and reading of files."""
    path, plain = Path(folder, "t.gpkg"), Path(folder, "plain.sqlite")
    ours, theirs = best_of(lambda: table_write(path, scene), lambda: plain_write(plain, scene))
    print(f"write {what}: {ours.clock:.2f} s, {ours.against(theirs, 'sqlite3')}")
    ours, theirs, walked = best_of(lambda: table_read(path), lambda: plain_read(path), lambda: plain_walk(path))
    print(f"read {what}: {ours.clock:.2f} s, {ours.against(theirs, 'sqlite3 into a list')}; "
          f"{ours.against(walked, 'sqlite3 keeping nothing')}")
    if np.concatenate([chunk.vectors for chunk in open_table(path).chunks()]).tobytes() != scene.vectors.tobytes():
        raise SystemExit("The table holds other vectors than were written.")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, default=256)
    asked = parser.parse_args()
    application = QgsApplication([], False)
    application.initQgis()
    print(f"{asked.rows} rows of {asked.dimensions} float32, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        files(folder, make_scene(asked.rows, asked.dimensions, ogr.wkbPolygon), "footprints")
        scene = make_scene(asked.rows, asked.dimensions, ogr.wkbPoint)
        files(folder, scene, "points")
        path = Path(folder, "t.gpkg")
        for name, layer in layers(path, scene).items():
            ours, theirs = best_of(lambda shown=layer: layer_read(shown), lambda: plain_read(path))
            print(f"read {name}: {ours.clock:.2f} s, {ours.against(theirs, 'sqlite3 into a list')}")
        QgsProject.instance().clear()
    application.exitQgis()


if __name__ == "__main__":
    main()
