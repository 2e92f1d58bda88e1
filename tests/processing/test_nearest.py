""""Nearest in embedding" through processing.run and qgis_process: ids, filters, the same ground, lines, wrong input."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Sequence

import numpy as np
import pytest
from osgeo import gdal, ogr, osr
from qgis.core import QgsProcessingException, QgsProcessingFeatureSourceDefinition, QgsProject, QgsVectorLayer

from earthprint.engine.centres import point_wkb
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter


def world() -> str:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(4326)
    return reference.ExportToWkt()


def write_table(path: Path, vectors: np.ndarray, places: Sequence[Any], cities: Sequence[str],
                encoder: str = "towns") -> str:
    space = Space(encoder=encoder, dimensions=vectors.shape[1])
    with TableWriter(str(path), world(), ogr.wkbPoint, [ColumnSpec("city", "text"), ColumnSpec("code", "text")],
                     space) as writer:
        writer.write([point_wkb(*place) for place in places],
                     {"city": list(cities), "code": [f"{city[:2]}-{row}" for row, city in enumerate(cities)]}, vectors)
    return str(path)


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(40, 16)).astype(np.float32)


@pytest.fixture
def table(vectors: np.ndarray, tmp_path: Path) -> str:
    places = [(151 + row / 1000, -33.5) if row < 20 else (145 + row / 1000, -37.5) for row in range(40)]
    return write_table(tmp_path / "districts.gpkg", vectors, places, ["Sydney"] * 20 + ["Melbourne"] * 20)


def naive(first: np.ndarray, second: np.ndarray, allowed: Any, count: int) -> List[Any]:
    """Return (row, row, rank, cosine) by sorting all pairs."""
    found = []
    for one, query in enumerate(first.astype(np.float64)):
        pairs = sorted((-float(query @ other / np.linalg.norm(query) / np.linalg.norm(other)), two)
                       for two, other in enumerate(second.astype(np.float64)) if allowed(one, two))
        found += [(one, two, rank, -score) for rank, (score, two) in enumerate(pairs[:count], start=1)]
    return found


def relation(path: str) -> List[Any]:
    dataset = gdal.OpenEx(path, gdal.OF_VECTOR)
    return [(item["source_id"], item["target_id"], item["rank"], item["score"])
            for item in (feature.items() for feature in dataset.GetLayer(0))]


def same(found: List[Any], expected: List[Any]) -> None:
    assert [row[:3] for row in found] == [(one + 1, two + 1, rank) for one, two, rank, _ in expected]
    assert np.allclose([row[3] for row in found], [row[3] for row in expected], atol=1e-6)


def test_a_table_among_itself(run_algorithm: Any, table: str, vectors: np.ndarray, tmp_path: Path) -> None:
    found = run_algorithm("nearest", {"INPUT": table, "NEIGHBOURS": 3, "OUTPUT": str(tmp_path / "pairs.gpkg")})
    same(relation(found["OUTPUT"]), naive(vectors, vectors, lambda one, two: one != two, 3))
    assert found["RECALL"] == 1


def test_filters_are_respected_exactly(run_algorithm: Any, table: str, vectors: np.ndarray, tmp_path: Path,
                                       qgis_new_project: Any) -> None:
    layer = QgsVectorLayer(table, "districts", "ogr")
    QgsProject.instance().addMapLayer(layer)
    layer.selectByExpression("\"city\" = 'Melbourne'")
    found = run_algorithm("nearest", {
        "INPUT": QgsProcessingFeatureSourceDefinition(layer.id(), True), "TARGET": layer.id(), "NEIGHBOURS": 4,
        "EXPRESSION": "\"city\" = 'Sydney' and \"code\" <> 'Sy-3'", "OUTPUT": str(tmp_path / "pairs.gpkg")})
    expected = naive(vectors, vectors, lambda one, two: one >= 20 and two < 20 and two != 3, 4)
    same(relation(found["OUTPUT"]), expected)
    found = run_algorithm("nearest", {
        "INPUT": table, "NEIGHBOURS": 4, "EXTENT": "151.0045,151.0105,-34,-33 [EPSG:4326]",
        "OUTPUT": str(tmp_path / "pairs.gpkg")})
    same(relation(found["OUTPUT"]), naive(vectors, vectors, lambda one, two: 5 <= two <= 10 and one != two, 4))


def test_the_selection_is_never_its_own_neighbour(run_algorithm: Any, table: str, vectors: np.ndarray, tmp_path: Path,
                                                  qgis_new_project: Any) -> None:
    layer = QgsVectorLayer(table, "districts", "ogr")
    QgsProject.instance().addMapLayer(layer)
    layer.selectByIds([8])
    found = run_algorithm("nearest", {
        "INPUT": QgsProcessingFeatureSourceDefinition(layer.id(), True), "TARGET": table, "NEIGHBOURS": 2,
        "OUTPUT": str(tmp_path / "pairs.gpkg")})
    same(relation(found["OUTPUT"]), naive(vectors, vectors, lambda one, two: one == 7 and two != 7, 2))


def test_the_same_ground_is_left_out_and_lines_have_their_length(
        run_algorithm: Any, table: str, vectors: np.ndarray, tmp_path: Path) -> None:
    # A thousandth of a degree of longitude is 93 m at 33.5° south and 88 m at 37.5°.
    found = run_algorithm("nearest", {
        "INPUT": table, "NEIGHBOURS": 2, "EXCLUDE": 300, "OUTPUT": str(tmp_path / "pairs.gpkg"),
        "LINES": str(tmp_path / "lines.gpkg")})

    def apart(one: int, two: int) -> bool:
        return (one < 20) != (two < 20) or abs(one - two) >= 4

    same(relation(found["OUTPUT"]), naive(vectors, vectors, apart, 2))
    from qgis.core import QgsCoordinateReferenceSystem, QgsDistanceArea, QgsPointXY
    ruler = QgsDistanceArea()
    ruler.setSourceCrs(QgsCoordinateReferenceSystem("EPSG:4326"), QgsProject.instance().transformContext())
    ruler.setEllipsoid("WGS84")
    for feature in QgsVectorLayer(found["LINES"], "", "ogr").getFeatures():
        [line] = feature.geometry().asMultiPolyline()
        assert feature["distance"] == pytest.approx(ruler.measureLine(QgsPointXY(line[0]), QgsPointXY(line[1])),
                                                    rel=1e-5)


def test_ids_may_be_any_column(run_algorithm: Any, table: str, vectors: np.ndarray, tmp_path: Path) -> None:
    found = run_algorithm("nearest", {"INPUT": table, "NEIGHBOURS": 1, "ID_FIELD": "code", "OUTPUT":
                                      str(tmp_path / "pairs.gpkg")})
    first = relation(found["OUTPUT"])[0]
    expected = naive(vectors[:1], vectors, lambda one, two: two != 0, 1)[0]
    assert first[0] == "Sy-0" and first[1].endswith(f"-{expected[1]}")


def test_wrong_input_is_told_in_one_sentence(run_algorithm: Any, table: str, vectors: np.ndarray,
                                             tmp_path: Path) -> None:
    other = write_table(tmp_path / "other.gpkg", vectors, [(0, 0)] * 40, ["Rome"] * 40, encoder="roads")
    output = str(tmp_path / "pairs.gpkg")
    for change, words in (
            ({"TARGET": other}, "“districts” and “other” hold embeddings of different spaces"),
            ({"EXPRESSION": "\"city\" = 'Perth'"}, "leave no row of INPUT (“districts”)"),
            ({"EXPRESSION": "\"town\" = 'Perth'"}, "has no column town"),
            ({"EXPRESSION": "city ="}, "can't be evaluated"),
            ({"EXTENT": "0,1,0,1"}, "leave no row"),
            ({"INDEX": "magic"}, "not one of exact, approximate")):
        with pytest.raises(QgsProcessingException) as caught:
            run_algorithm("nearest", {"INPUT": table, "OUTPUT": output, **change})
        assert words in str(caught.value), change
        assert not Path(output).exists()


def test_it_runs_headless(qgis_process: Any, table: str, vectors: np.ndarray, tmp_path: Path) -> None:
    qgis_process("run", "earthprint:nearest", f"INPUT={table}", "NEIGHBOURS=2", "EXPRESSION=\"city\"='Sydney'",
                 f"OUTPUT={tmp_path / 'pairs.gpkg'}").succeeded()
    same(relation(str(tmp_path / "pairs.gpkg")), naive(vectors, vectors, lambda one, two: two < 20 and one != two, 2))
