""""Cluster table" through processing.run and qgis_process: selections, regions, styles and wrong input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import ogr, osr
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFeatureRequest,
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsVectorLayer,
)

from earthprint.engine.analyses.clusters.agreement import adjusted_rand
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_table

SIDE = 12
TRUTH = np.array([(column >= 6) + 2 * (row >= 8 and column < 6) for row in range(SIDE) for column in range(SIDE)])


@pytest.fixture
def table(tmp_path: Path) -> str:
    """Return squares side by side with vectors of three kinds."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    shapes = []
    for row in range(SIDE):
        for column in range(SIDE):
            x, y = 500000 + 100 * column, 5700000 + 100 * row
            shapes.append(bytes(ogr.CreateGeometryFromWkt(
                f"POLYGON (({x} {y}, {x + 100} {y}, {x + 100} {y + 100}, {x} {y + 100}, {x} {y}))").ExportToWkb()))
    vectors = np.eye(5)[TRUTH] + np.random.default_rng(0).normal(0, 0.05, (SIDE * SIDE, 5))
    with TableWriter(tmp_path / "t.gpkg", reference.ExportToWkt(), ogr.wkbPolygon, [ColumnSpec("name", "text")],
                     Space("test", 5)) as writer:
        writer.write(shapes, {"name": [f"n{row}" for row in range(SIDE * SIDE)]}, vectors.astype(np.float32))
    return str(tmp_path / "t.gpkg")


def column(path: str, name: str) -> "list[Any]":
    return [value for chunk in open_table(path).chunks() for value in chunk.columns[name]]


def test_rows_get_their_cluster_and_keep_the_rest(run_algorithm: Any, table: str, tmp_path: Path) -> None:
    found = run_algorithm("clustertable", {
        "INPUT": table, "CLUSTERS": 3, "ID_FIELD": "name", "OUTPUT": str(tmp_path / "o.gpkg"),
        "SUMMARY": str(tmp_path / "s.gpkg"), "MODEL_OUT": str(tmp_path / "m.json"),
        "REPORT": str(tmp_path / "r.html")})
    clusters = column(found["OUTPUT"], "cluster")
    assert adjusted_rand(TRUTH, np.array(clusters)) == 1.0 and found["CLUSTERS_OUT"] == 3
    assert column(found["OUTPUT"], "name") == [f"n{row}" for row in range(SIDE * SIDE)]
    assert open_table(found["OUTPUT"]).space() == Space("test", 5)
    source = ogr.Open(found["SUMMARY"])
    rows = [row.items() for row in source.GetLayer(0)]
    assert [row["count"] for row in rows] == [72, 48, 24]
    assert [row["area_m2"] for row in rows] == pytest.approx([72e4, 48e4, 24e4], rel=2e-3)
    assert all(clusters[int(row["medoid"][1:])] == row["cluster"] for row in rows)
    again = run_algorithm("clustertable", {"INPUT": table, "REUSE": found["MODEL_OUT"],
                                           "OUTPUT": str(tmp_path / "again.gpkg")})
    assert column(again["OUTPUT"], "cluster") == clusters


def test_selected_features_of_a_memory_layer(run_algorithm: Any, table: str) -> None:
    layer = QgsVectorLayer(table, "t", "ogr").materialize(QgsFeatureRequest())
    QgsProject.instance().addMapLayer(layer)
    ids = sorted(feature.id() for feature in layer.getFeatures())
    layer.selectByIds(ids[:96])
    found = run_algorithm("clustertable", {
        "INPUT": QgsProcessingFeatureSourceDefinition(layer.id(), True), "CLUSTERS": 2,
        "OUTPUT": "TEMPORARY_OUTPUT"})
    clusters = column(found["OUTPUT"], "cluster")
    assert len(clusters) == 96 and adjusted_rand(TRUTH[:96], np.array(clusters)) == 1.0
    QgsProject.instance().removeMapLayer(layer.id())


def test_regions_hang_together_and_are_styled(provider: Any, table: str, qgis_new_project: Any) -> None:
    import processing

    processing.runAndLoadResults("earthprint:clustertable", {
        "INPUT": table, "METHOD": "agglomerative", "NEIGHBOURS_ONLY": True, "CLUSTERS": 4,
        "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT})
    [layer] = QgsProject.instance().mapLayers().values()
    assert isinstance(layer.renderer(), QgsCategorizedSymbolRenderer)
    assert [entry.label() for entry in layer.renderer().categories()] == [f"Cluster {number}" for number in range(1, 5)]
    assert len({entry.symbol().color().name() for entry in layer.renderer().categories()}) == 4
    for number in range(1, 5):
        shapes = [feature.geometry() for feature in layer.getFeatures() if feature["cluster"] == number]
        merged = shapes[0].unaryUnion([shape.buffer(1, 1) for shape in shapes])
        assert not merged.isMultipart() or len(merged.asGeometryCollection()) == 1


@pytest.mark.parametrize(("changes", "message"), [
    ({"NEIGHBOURS_ONLY": True}, "NEIGHBOURS_ONLY works with METHOD agglomerative alone"),
    ({"CLUSTERS": 200}, "only 144 different vectors"),
    ({"METHOD": "other"}, "METHOD: “other” is not one of"),
    ({"ID_FIELD": "nothing"}, "nothing"),
    ({"OUTPUT": "/tmp/o.shp"}, "gpkg"),
    ({"INPUT": "/nowhere/t.gpkg"}, "INPUT"),
])
def test_wrong_values_are_told(run_algorithm: Any, table: str, tmp_path: Path, changes: Any, message: str) -> None:
    with pytest.raises(QgsProcessingException, match=message):
        run_algorithm("clustertable", {"INPUT": table, "OUTPUT": str(tmp_path / "o.gpkg"), **changes})
    assert not (tmp_path / "o.gpkg").exists()


def test_an_empty_selection_is_told(run_algorithm: Any, table: str) -> None:
    layer = QgsVectorLayer(table, "t", "ogr")
    QgsProject.instance().addMapLayer(layer)
    with pytest.raises(QgsProcessingException, match="no rows"):
        run_algorithm("clustertable", {"INPUT": QgsProcessingFeatureSourceDefinition(layer.id(), True),
                                       "OUTPUT": "TEMPORARY_OUTPUT"})
    QgsProject.instance().removeMapLayer(layer.id())


def test_a_server_groups_a_table(qgis_process: Any, table: str, tmp_path: Path) -> None:
    ended = qgis_process("run", "earthprint:clustertable", f"INPUT={table}", "CLUSTERS=0", "METHOD=gmm",
                         "CLUSTERS_MAX=5", f"OUTPUT={tmp_path / 'o.gpkg'}", f"REPORT={tmp_path / 'r.html'}").succeeded()
    assert ended.results()["CLUSTERS_OUT"] == "3"
    assert adjusted_rand(TRUTH, np.array(column(str(tmp_path / "o.gpkg"), "cluster"))) == 1.0
    assert "stability" in (tmp_path / "r.html").read_text(encoding="utf-8")
