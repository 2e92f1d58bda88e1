""""Embed geotagged photos" through processing.run and qgis_process: folders, layers, the form, wrong input in words."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_photos import broken_photos, exif_block, picture, position, scene
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingException,
    QgsProject,
    QgsVectorLayer,
)

from earthprint.engine.table import open_table
from earthprint.processing_provider.styles.photo_points import style_photo_points


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with three photos, the last without a position."""
    root = tmp_path / "photos"
    (root / "trip").mkdir(parents=True)
    for number, (name, place) in enumerate((("a.jpg", (8.5, 47.25)), ("trip/b.jpg", (-70.5, -33.5)), ("c.jpg", None))):
        picture(root / name, scene(seed=number), block=exif_block(gps=position(*place) if place else ()))
    return root


def places_of(path: str) -> "list[Any]":
    layer = QgsVectorLayer(path, "photos", "ogr")
    assert layer.crs() == QgsCoordinateReferenceSystem("EPSG:4326")
    return [(feature.geometry().asPoint().x(), feature.geometry().asPoint().y()) if feature.hasGeometry() else None
            for feature in layer.getFeatures()]


def test_a_folder_is_embedded_and_what_fails_is_counted(run_algorithm: Any, folder: Path, tmp_path: Path) -> None:
    broken = broken_photos(folder)
    found = run_algorithm("embedphotos", {"FOLDER": str(folder), "SIZE": 64, "OUTPUT": str(tmp_path / "out.gpkg")})
    assert (found["PHOTOS"], found["FAILED"], found["UNPLACED"]) == (2, len(broken), 1)
    assert "empty.jpg: the file is empty" in found["REASONS"] and found["REASONS"].count(";") >= len(broken) - 1
    assert places_of(found["OUTPUT"]) == [(8.5, 47.25), (-70.5, -33.5)]
    assert Path(found["ENCODER_USED"]).name == "out.photos.encoder.json"
    assert open_table(found["OUTPUT"]).space().dimensions == found["DIMENSIONS_OUT"]
    kept = run_algorithm("embedphotos", {
        "FOLDER": str(folder), "RECURSIVE": False, "KEEP_UNPLACED": True, "ENCODER": found["ENCODER_USED"], "SIZE": 64,
        "OUTPUT": str(tmp_path / "kept.gpkg")})
    assert places_of(kept["OUTPUT"]) == [(8.5, 47.25), None]
    assert open_table(kept["OUTPUT"]).space_key == open_table(found["OUTPUT"]).space_key
    near = run_algorithm("nearest", {"INPUT": kept["OUTPUT"], "TARGET": found["OUTPUT"], "NEIGHBOURS": 1,
                                     "OUTPUT": str(tmp_path / "near.gpkg")})
    first = next(QgsVectorLayer(near["OUTPUT"], "", "ogr").getFeatures())
    assert (first["source_id"], first["target_id"]) == (1, 1) and first["score"] == pytest.approx(1, abs=1e-5)


def test_a_memory_layer_of_paths_gives_its_own_points(run_algorithm: Any, folder: Path, tmp_path: Path,
                                                      qgis_new_project: Any) -> None:
    layer = QgsVectorLayer("Point?crs=EPSG:3857&field=file:string&field=who:string", "points", "memory")
    for name, x in (("c.jpg", 111319.490793), ("a.jpg", 222638.981587)):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([str(folder / name), "me"])
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(x, 0)))
        layer.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(layer)
    found = run_algorithm("embedphotos", {"INPUT": layer, "PATH_FIELD": "file", "SIZE": 64,
                                          "OUTPUT": str(tmp_path / "out.gpkg")})
    np.testing.assert_allclose(places_of(found["OUTPUT"]), [(1, 0), (2, 0)], atol=1e-6)
    assert [feature["who"] for feature in QgsVectorLayer(found["OUTPUT"], "", "ogr").getFeatures()] == ["me", "me"]


def test_a_temporary_table_leaves_its_encoder_with_the_user(
        run_algorithm: Any, folder: Path, encoders_folder: Path) -> None:
    found = run_algorithm("embedphotos", {"FOLDER": str(folder), "SIZE": 64, "OUTPUT": "TEMPORARY_OUTPUT"})
    assert Path(found["ENCODER_USED"]).parent == encoders_folder
    by_id = run_algorithm("embedphotos", {"FOLDER": str(folder), "SIZE": 64, "OUTPUT": "TEMPORARY_OUTPUT",
                                          "ENCODER": Path(found["ENCODER_USED"]).stem})
    keys = [open_table(output["OUTPUT"]).space_key for output in (found, by_id)]
    assert keys[0] == keys[1]


def test_the_form_and_the_map_tip_show_the_photo(run_algorithm: Any, folder: Path, tmp_path: Path) -> None:
    found = run_algorithm("embedphotos", {"FOLDER": str(folder), "SIZE": 64, "OUTPUT": str(tmp_path / "out.gpkg")})
    layer = QgsVectorLayer(found["OUTPUT"], "photos", "ogr")
    style_photo_points(layer, "path", "thumbnail")
    setup = layer.editorWidgetSetup(layer.fields().indexFromName("path"))
    assert setup.type() == "ExternalResource" and setup.config()["DocumentViewer"] == 1
    assert layer.editorWidgetSetup(layer.fields().indexFromName("embedding")).type() == "Hidden"
    from qgis.core import QgsExpression, QgsExpressionContext, QgsExpressionContextUtils
    scope = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    scope.setFeature(next(layer.getFeatures()))
    tip = QgsExpression.replaceExpressionText(layer.mapTipTemplate(), scope)
    assert tip.startswith("<img src=\"data:image/jpeg;base64,/9j/") and len(tip) > 1000
    style_photo_points(layer, "", "thumbnail")
    tabs = [tab.name() for tab in layer.editFormConfig().tabs()]
    assert tabs[0] == "photo" and "time" in tabs and "thumbnail" not in tabs


def test_the_form_draws_the_thumbnail_where_there_is_no_path(run_algorithm: Any, folder: Path, tmp_path: Path) -> None:
    webkit = pytest.importorskip("PyQt5.QtWebKitWidgets")
    from qgis.gui import QgsAttributeForm
    from qgis.PyQt.QtCore import QCoreApplication

    found = run_algorithm("embedphotos", {"FOLDER": str(folder), "SIZE": 64, "OUTPUT": str(tmp_path / "out.gpkg")})
    layer = QgsVectorLayer(found["OUTPUT"], "photos", "ogr")
    style_photo_points(layer, "", "thumbnail")
    form = QgsAttributeForm(layer, next(layer.getFeatures()))
    page, = (view.page() for view in form.findChildren(webkit.QWebView))
    assert page.mainFrame().evaluateJavaScript("document.images.length") == 1
    assert page.mainFrame().evaluateJavaScript("document.body.textContent").strip() == ""
    deadline = time.monotonic() + 10
    while not page.mainFrame().evaluateJavaScript("document.images[0].naturalWidth") and time.monotonic() < deadline:
        QCoreApplication.processEvents()
    size = [page.mainFrame().evaluateJavaScript(f"document.images[0].natural{side}") for side in ("Width", "Height")]
    assert size == [192, 115]


def test_an_encoder_is_made_of_a_folder(run_algorithm: Any, folder: Path, tmp_path: Path) -> None:
    made = run_algorithm("makeencoder", {"FOLDER": str(folder), "DIMENSIONS": 10, "FILTERS": 16,
                                         "OUTPUT": str(tmp_path / "photos.onnx")})
    assert made["DIMENSIONS_OUT"] == 10
    found = run_algorithm("embedphotos", {"FOLDER": str(folder), "ENCODER": made["OUTPUT"],
                                          "OUTPUT": str(tmp_path / "out.gpkg")})
    assert (found["PHOTOS"], found["DIMENSIONS_OUT"]) == (2, 10)
    for parameters, words in (({}, "Give either INPUTS, rasters, or FOLDER"),
                              ({"FOLDER": str(folder), "INPUTS": ["x.tif"]}, "INPUTS"),
                              ({"FOLDER": str(folder), "EXTENT": "0,1,0,1"}, "EXTENT")):
        with pytest.raises(QgsProcessingException, match=words):
            run_algorithm("makeencoder", {**parameters, "OUTPUT": str(tmp_path / "no.onnx")})
        assert not (tmp_path / "no.onnx").exists()


def test_wrong_input_is_told_in_words(run_algorithm: Any, folder: Path, tmp_path: Path) -> None:
    layer = QgsVectorLayer("Point?crs=EPSG:4326&field=path:string", "points", "memory")
    for parameters, words in (
            ({}, "Give either FOLDER, a folder of photos, or INPUT, a layer: 0 of the two"),
            ({"FOLDER": str(folder), "INPUT": layer}, "2 of the two"),
            ({"FOLDER": str(tmp_path / "none")}, "FOLDER: there is no file or folder"),
            ({"FOLDER": str(folder / "trip" / "b.jpg")}, "There is no folder"),
            ({"INPUT": layer, "PATH_FIELD": "path", "BLOB_FIELD": "path"}, "both are given"),
            ({"FOLDER": str(folder), "ENCODER": "no-such-encoder"}, "no-such-encoder"),
            ({"FOLDER": str(folder), "OUTPUT": str(tmp_path / "no.shp")}, "must end in .gpkg")):
        with pytest.raises(QgsProcessingException, match=words):
            run_algorithm("embedphotos", {"OUTPUT": str(tmp_path / "no.gpkg"), **parameters})
        assert not list(tmp_path.glob("no.*"))


def test_it_runs_headless(qgis_process: Any, folder: Path, tmp_path: Path) -> None:
    qgis_process("run", "earthprint:embedphotos", f"FOLDER={folder}", "SIZE=64",
                 f"OUTPUT={tmp_path / 'out.gpkg'}").succeeded()
    assert places_of(str(tmp_path / "out.gpkg")) == [(8.5, 47.25), (-70.5, -33.5)]
