""""Find similar features" through processing.run and qgis_process: examples of every kind, NULL scores, wrong input."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
import pytest
from osgeo import gdal, ogr, osr
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsVectorLayer,
)

from earthprint.engine.centres import point_wkb
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_table

SIDE = 8


def world() -> str:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(4326)
    return reference.ExportToWkt()


def square(row: int) -> bytes:
    """Return the footprint of a row: a tenth of a degree, eight in a line."""
    x, y = 10 + 0.1 * (row % SIDE), 50 - 0.1 * (row // SIDE)
    shape = ogr.CreateGeometryFromWkt(f"POLYGON(({x} {y},{x + 0.1} {y},{x + 0.1} {y - 0.1},{x} {y - 0.1},{x} {y}))")
    return bytes(shape.ExportToWkb())


def write(path: Path, vectors: np.ndarray, shapes: List[bytes], kind: int, encoder: str = "patches") -> str:
    columns = [ColumnSpec("name", "text"), ColumnSpec("Similarity", "real")]
    with TableWriter(str(path), world(), kind, columns, Space(encoder, vectors.shape[1])) as writer:
        writer.write(shapes, {"name": [f"row {row}" for row in range(len(shapes))], "Similarity": [9.0] * len(shapes)},
                     vectors)
    return str(path)


@pytest.fixture
def vectors() -> np.ndarray:
    found = np.random.default_rng(4).normal(size=(64, 12)).astype(np.float32)
    found[40:48] += 4 * np.random.default_rng(5).choice([-1, 1], size=12).astype(np.float32)
    found[9] = 0
    return found


@pytest.fixture
def table(vectors: np.ndarray, tmp_path: Path) -> str:
    return write(tmp_path / "patches.gpkg", vectors, [square(row) for row in range(64)], ogr.wkbPolygon)


def cosines(vectors: np.ndarray, query: np.ndarray) -> List[Optional[float]]:
    wide, query = vectors.astype(np.float64), np.asarray(query, dtype=np.float64)
    return [None if not row.any() else float(row @ query / np.linalg.norm(row) / np.linalg.norm(query)) for row in wide]


def column(path: str, name: str = "similarity") -> List[Any]:
    return [value for chunk in open_table(path).chunks() for value in chunk.columns[name]]


def agree(found: List[Any], expected: List[Any]) -> None:
    assert [value is None for value in found] == [value is None for value in expected]
    assert max(abs(one - two) for one, two in zip(found, expected) if one is not None) < 1e-6


def items(path: str) -> List[Dict[str, Any]]:
    dataset = gdal.OpenEx(path, gdal.OF_VECTOR)
    return [dict(feature.items(), x=feature.GetGeometryRef().Centroid().GetX()) for feature in dataset.GetLayer(0)]


def test_selected_rows_of_the_same_table(run_algorithm: Any, table: str, vectors: np.ndarray, tmp_path: Path,
                                         qgis_new_project: Any) -> None:
    layer = QgsVectorLayer(table, "patches", "ogr")
    QgsProject.instance().addMapLayer(layer)
    layer.selectByIds([41, 45])
    found = run_algorithm("similarfeatures", {
        "INPUT": table, "EXAMPLES": QgsProcessingFeatureSourceDefinition(layer.id(), True),
        "OUTPUT": str(tmp_path / "scored.gpkg")})
    agree(column(found["OUTPUT"]), cosines(vectors, vectors[[40, 44]].astype(np.float64).mean(axis=0)))
    assert column(found["OUTPUT"], "name") == [f"row {row}" for row in range(64)]
    [chunk] = open_table(found["OUTPUT"]).chunks()
    assert np.array_equal(chunk.vectors, vectors) and list(chunk.columns).count("Similarity") == 0


def test_rows_of_another_table_by_their_vectors(run_algorithm: Any, table: str, vectors: np.ndarray,
                                                tmp_path: Path) -> None:
    chance = np.random.default_rng(8).normal(size=(3, 12)).astype(np.float32)
    other = write(tmp_path / "known.gpkg", chance, [point_wkb(0, 0)] * 3, ogr.wkbPoint)
    found = run_algorithm("similarfeatures", {
        "INPUT": table, "EXAMPLES": other, "METHOD": "nearest", "OUTPUT": str(tmp_path / "scored.gpkg")})
    each = np.array([cosines(vectors, one) for one in chance], dtype=float)
    agree(column(found["OUTPUT"]), [None if np.isnan(value) else value for value in each.max(axis=0)])


def test_places_on_the_map_stand_for_the_rows_they_touch(run_algorithm: Any, table: str, vectors: np.ndarray,
                                                         tmp_path: Path) -> None:
    layer = QgsVectorLayer("LineString?crs=EPSG:3857", "road", "memory")
    feature = QgsFeature()
    line = QgsGeometry.fromWkt("LINESTRING(10.01 49.95,10.39 49.95)")
    from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform
    line.transform(QgsCoordinateTransform(QgsCoordinateReferenceSystem("EPSG:4326"),
                                          QgsCoordinateReferenceSystem("EPSG:3857"), QgsProject.instance()))
    feature.setGeometry(line)
    layer.dataProvider().addFeature(feature)
    found = run_algorithm("similarfeatures", {"INPUT": table, "EXAMPLES": layer,
                                              "OUTPUT": str(tmp_path / "scored.gpkg")})
    agree(column(found["OUTPUT"]), cosines(vectors, vectors[:4].astype(np.float64).mean(axis=0)))


def test_a_click_takes_the_nearest_point(run_algorithm: Any, vectors: np.ndarray, tmp_path: Path) -> None:
    points = write(tmp_path / "points.gpkg", vectors, [point_wkb(10 + row / 10, 50) for row in range(64)],
                   ogr.wkbPoint)
    found = run_algorithm("similarfeatures", {"INPUT": points, "COORDINATES": "12.04,50.3",
                                              "OUTPUT": str(tmp_path / "scored.gpkg")})
    agree(column(found["OUTPUT"]), cosines(vectors, vectors[20]))


def test_similar_rows_places_and_surroundings(run_algorithm: Any, table: str, vectors: np.ndarray,
                                              tmp_path: Path) -> None:
    # Row 43's middle is at 10.35, 49.45; at this latitude a tenth of a degree is 7.2 km of longitude, 11.1 of latitude.
    found = run_algorithm("similarfeatures", {
        "INPUT": table, "COORDINATES": "10.35,49.45", "EXCLUDE": 8000, "THRESHOLD": "0.5", "TOP": 3, "DISTANCE": 15000,
        "OUTPUT": str(tmp_path / "scored.gpkg"), "POLYGONS": str(tmp_path / "similar.gpkg"),
        "PLACES": str(tmp_path / "places.gpkg")})
    expected = cosines(vectors, vectors[43])
    for row in (42, 43, 44):
        expected[row] = None
    agree(column(found["OUTPUT"]), expected)
    similar = items(found["POLYGONS"])
    wanted = [row for row, score in enumerate(expected) if score is not None and score >= 0.5]
    assert [item["source_id"] for item in similar] == [row + 1 for row in wanted]
    assert set(wanted) >= {40, 41, 45, 46, 47}
    assert similar[0]["area"] == pytest.approx(7.25e3 * 11.12e3, rel=0.01)
    places = items(found["PLACES"])
    ranked = sorted((score, row) for row, score in enumerate(expected) if score is not None)[::-1]
    assert places[0]["similarity"] == pytest.approx(ranked[0][0], abs=1e-6)
    assert places[0]["x"] == pytest.approx(10.05 + 0.1 * (ranked[0][1] % SIDE))
    assert [item["rank"] for item in places] == [1, 2, 3]


@pytest.mark.parametrize(("change", "words"), [
    ({"COORDINATES": ""}, "give EXAMPLES or COORDINATES"),
    ({"COORDINATES": "80,20"}, "touches a row of “patches”"),
    ({"METHOD": "discriminative"}, "lie in one cell"),
    ({"METHOD": "rocchio"}, "give COUNTEREXAMPLES"),
])
def test_wrong_input_is_told_in_one_sentence(run_algorithm: Any, table: str, tmp_path: Path, change: Any,
                                             words: str) -> None:
    with pytest.raises(QgsProcessingException) as caught:
        run_algorithm("similarfeatures", {"INPUT": table, "COORDINATES": "10.35,49.45",
                                          "OUTPUT": str(tmp_path / "scored.gpkg"), **change})
    assert words in str(caught.value)
    assert not (tmp_path / "scored.gpkg").exists()


def test_examples_of_another_space_are_refused_by_name(run_algorithm: Any, table: str, vectors: np.ndarray,
                                                       tmp_path: Path) -> None:
    other = write(tmp_path / "roads.gpkg", vectors[:3], [point_wkb(0, 0)] * 3, ogr.wkbPoint, encoder="roads")
    with pytest.raises(QgsProcessingException, match="EXAMPLES .“roads”. and “patches” hold embeddings of different"):
        run_algorithm("similarfeatures", {"INPUT": table, "EXAMPLES": other, "OUTPUT": str(tmp_path / "scored.gpkg")})


def test_it_runs_headless(qgis_process: Any, table: str, vectors: np.ndarray, tmp_path: Path) -> None:
    qgis_process("run", "earthprint:similarfeatures", f"INPUT={table}", "COORDINATES=10.35,49.45",
                 f"OUTPUT={tmp_path / 'scored.gpkg'}", f"POLYGONS={tmp_path / 'similar.gpkg'}").succeeded()
    agree(column(str(tmp_path / "scored.gpkg")), cosines(vectors, vectors[43]))
