""""Cluster raster" through processing.run and qgis_process: outputs, styles, wrong input, and reuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal, ogr
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsPalettedRasterRenderer,
    QgsProcessing,
    QgsProcessingException,
    QgsProject,
    QgsVectorLayer,
)
from small_rasters import read_raster, write_raster

from earthprint.engine.analyses.clusters.agreement import adjusted_rand


def patches(seed: int = 0) -> "tuple[np.ndarray, np.ndarray]":
    """Return four bands of three kinds of ground, nodata in a corner, and which kind each cell is of."""
    truth = np.zeros((60, 80), dtype=int)
    truth[:, 40:] = 1
    truth[45:, 10:60] = 2
    centres = np.array([[1, 0, 0, 0.2], [0, 1, 0, 0.5], [0, 0.2, 1, -0.3]])
    values = centres[truth] + np.random.default_rng(seed).normal(0, 0.05, (60, 80, 4))
    values[:5, :5] = np.nan
    return values.transpose(2, 0, 1).astype(np.float32), truth


@pytest.fixture
def field(tmp_path: Path) -> Path:
    return write_raster(tmp_path / "field.tif", patches()[0], nodata=np.nan)


def test_a_raster_becomes_classes_with_all_that_lies_beside(run_algorithm: Any, field: Path, tmp_path: Path) -> None:
    found = run_algorithm("clusterraster", {
        "INPUT": str(field), "CLUSTERS": 3, "OUTPUT": str(tmp_path / "o.tif"), "SUMMARY": str(tmp_path / "s.gpkg"),
        "MODEL_OUT": str(tmp_path / "m.json"), "REPORT": str(tmp_path / "r.html")})
    assert {key: found[key] for key in ("OUTPUT", "SUMMARY", "MODEL_OUT", "REPORT", "CLUSTERS_OUT")} == {
        "OUTPUT": str(tmp_path / "o.tif"), "SUMMARY": str(tmp_path / "s.gpkg"), "MODEL_OUT": str(tmp_path / "m.json"),
        "REPORT": str(tmp_path / "r.html"), "CLUSTERS_OUT": 3}
    classes, truth = read_raster(found["OUTPUT"])[0], patches()[1]
    missing = np.isnan(patches()[0]).any(axis=0)
    assert ((classes == 0) == missing).all()
    assert adjusted_rand(truth[~missing], classes[~missing]) == 1.0
    assert json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))["kind"] == "clusters"
    source = ogr.Open(found["SUMMARY"])
    assert [row["count"] for row in source.GetLayer(0)] == np.bincount(classes.ravel())[1:].tolist()
    later = write_raster(tmp_path / "later.tif", patches(1)[0][:, ::-1], nodata=np.nan)
    again = run_algorithm("clusterraster", {"INPUT": str(later), "REUSE": found["MODEL_OUT"],
                                            "OUTPUT": str(tmp_path / "l.tif")})
    assert (read_raster(again["OUTPUT"])[0][::-1] == classes).all()


def test_the_short_call_and_temporary_outputs(run_algorithm: Any, field: Path) -> None:
    found = run_algorithm("clusterraster", {
        "INPUT": str(field), "CLUSTERS": 0, "OUTPUT": "TEMPORARY_OUTPUT", "SUMMARY": "TEMPORARY_OUTPUT",
        "MODEL_OUT": "TEMPORARY_OUTPUT", "REPORT": "TEMPORARY_OUTPUT"})
    assert found["CLUSTERS_OUT"] == 3
    assert read_raster(found["OUTPUT"]).max() == 3
    assert QgsVectorLayer(found["SUMMARY"], "s", "ogr").featureCount() == 3
    assert all(Path(found[name]).is_file() for name in ("MODEL_OUT", "REPORT"))
    short = run_algorithm("clusterraster", {"INPUT": str(field), "OUTPUT": "TEMPORARY_OUTPUT"})
    assert short["CLUSTERS_OUT"] == 8 and "SUMMARY" not in short


def test_results_are_styled(provider: Any, field: Path, qgis_new_project: Any) -> None:
    import processing

    processing.runAndLoadResults("earthprint:clusterraster", {
        "INPUT": str(field), "METHOD": "hdbscan", "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT,
        "SUMMARY": QgsProcessing.TEMPORARY_OUTPUT})
    layers = list(QgsProject.instance().mapLayers().values())
    [raster] = [layer for layer in layers if isinstance(layer.renderer(), QgsPalettedRasterRenderer)]
    [places] = [layer for layer in layers if isinstance(layer.renderer(), QgsCategorizedSymbolRenderer)]
    shown = {(int(entry.value), entry.label, entry.color.name()) for entry in raster.renderer().classes()}
    assert {name for _, name, _ in shown} == {"Cluster 1", "Cluster 2", "Cluster 3", "Unassigned"}
    assert len({colour for _, _, colour in shown}) == 4
    assert {(entry.value(), entry.label(), entry.symbol().color().name())
            for entry in places.renderer().categories()} == shown


def test_a_mask_and_an_extent(run_algorithm: Any, field: Path, tmp_path: Path) -> None:
    mask = QgsVectorLayer("Polygon?crs=EPSG:32633", "mask", "memory")
    from qgis.core import QgsFeature, QgsGeometry

    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromWkt("POLYGON((500101 5699701, 500499 5699701, 500499 5699899, 500101 5699899, "
                                            "500101 5699701))"))
    mask.dataProvider().addFeatures([feature])
    found = run_algorithm("clusterraster", {
        "INPUT": str(field), "CLUSTERS": 2, "MASK": mask, "EXTENT": "500000,500800,5699650,5699850",
        "OUTPUT": str(tmp_path / "o.tif")})
    classes = read_raster(found["OUTPUT"])[0]
    assert classes.shape == (20, 80)
    expected = np.zeros((20, 80), dtype=bool)
    expected[:15, 10:50] = True
    assert ((classes > 0) == expected).all()


@pytest.mark.parametrize(("changes", "message"), [
    ({"METHOD": "agglomerative"}, "METHOD: “agglomerative” is not one of kmeans"),
    ({"CLUSTERS": -1}, "CLUSTERS: -1 is out of range"),
    ({"CLUSTERS": 1}, "CLUSTERS is 1"),
    ({"CLUSTERS": 0, "CLUSTERS_MIN": 9, "CLUSTERS_MAX": 5}, "CLUSTERS_MIN is 9"),
    ({"REUSE": "/nowhere/m.json"}, "REUSE"),
    ({"REPORT": "/tmp/report.txt"}, "REPORT: “/tmp/report.txt” must end in .html"),
    ({"MODEL_OUT": "/nowhere/m.json"}, "/nowhere doesn't exist"),
    ({"SUMMARY": "/tmp/s.shp"}, "gpkg"),
    ({"EXTENT": "0,1,0,1"}, "extent doesn't touch"),
])
def test_wrong_values_are_told_in_one_sentence(run_algorithm: Any, field: Path, tmp_path: Path, changes: Any,
                                               message: str) -> None:
    with pytest.raises(QgsProcessingException, match=message):
        run_algorithm("clusterraster", {"INPUT": str(field), "OUTPUT": str(tmp_path / "o.tif"), **changes})
    assert not (tmp_path / "o.tif").exists()


def test_a_server_groups_and_groups_again(qgis_process: Any, field: Path, tmp_path: Path) -> None:
    first = qgis_process("run", "earthprint:clusterraster", f"INPUT={field}", "CLUSTERS=3", "METHOD=spherical",
                         f"OUTPUT={tmp_path / 'o.tif'}", f"MODEL_OUT={tmp_path / 'm.json'}").succeeded()
    assert first.results()["CLUSTERS_OUT"] == "3"
    qgis_process("run", "earthprint:clusterraster", f"INPUT={field}", f"REUSE={tmp_path / 'm.json'}",
                 f"OUTPUT={tmp_path / 'again.tif'}").succeeded()
    assert (read_raster(tmp_path / "again.tif") == read_raster(tmp_path / "o.tif")).all()
    other = write_raster(tmp_path / "other.tif", patches()[0][:3])
    refused = qgis_process("run", "earthprint:clusterraster", f"INPUT={other}", f"REUSE={tmp_path / 'm.json'}",
                           f"OUTPUT={tmp_path / 'x.tif'}")
    assert refused.code == 1 and "different spaces" in refused.errors and not (tmp_path / "x.tif").exists()
    assert gdal.OpenEx(str(tmp_path / "o.tif")).GetRasterBand(1).GetNoDataValue() == 0
