""""Embed raster" through processing.run: what comes out is what the parameters say, cell by cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessing,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProcessingUtils,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QEventLoop, QTimer
from ramps import mean_encoder, read_bands, write_ramp
from small_rasters import landscape, write_raster

CELL = 8
COLUMNS, ROWS = 10, 7


@pytest.fixture
def ramp(tmp_path: Path) -> Path:
    """Return a raster of 76 x 52 pixels at (300000, 5000000) whose bands are column, row and their sum."""
    return write_ramp(tmp_path / "ramp.tif", 76, 52)


@pytest.fixture
def mean(tmp_path: Path) -> Any:
    """Return an encoder whose vectors are the mean of 8 x 8 pixels."""
    folder = tmp_path / "encoders"
    folder.mkdir()
    return mean_encoder(folder, CELL)


def centres() -> np.ndarray:
    """Return what the mean of whole cells of the ramp is: the position of their centres; the last ones are padded."""
    columns, rows = np.meshgrid((np.arange(COLUMNS) + 0.5) * CELL, (np.arange(ROWS) + 0.5) * CELL)
    return np.stack([columns, rows, columns + rows])


def polygons(*texts: str, crs: str = "EPSG:32631") -> QgsVectorLayer:
    layer = QgsVectorLayer(f"Polygon?crs={crs}&field=kind:string", "Fields", "memory")
    features = []
    for number, text in enumerate(texts):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([f"field {number}"])
        feature.setGeometry(QgsGeometry.fromWkt(text))
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


def box(left: float, top: float, right: float, bottom: float) -> str:
    """Return a rectangle given in pixels of the ramp as a polygon in its coordinates."""
    x, y = [300000 + 10 * value for value in (left, right)], [5000000 - 10 * value for value in (top, bottom)]
    return f"POLYGON(({x[0]} {y[0]}, {x[1]} {y[0]}, {x[1]} {y[1]}, {x[0]} {y[1]}, {x[0]} {y[0]}))"


def test_cells_are_the_encoders_vectors_on_the_rasters_grid(
        run_algorithm: Any, ramp: Path, mean: Any, tmp_path: Path) -> None:
    found = run_algorithm("embedraster", {"INPUT": str(ramp), "ENCODER": str(mean.path),
                                          "OUTPUT": str(tmp_path / "field.tif")})
    values = read_bands(found["OUTPUT"])
    assert np.allclose(values[:, :6, :9], centres()[:, :6, :9], atol=1e-4)
    dataset = gdal.Open(found["OUTPUT"])
    assert dataset.GetGeoTransform() == (300000.0, 80.0, 0.0, 5000000.0, 0.0, -80.0)
    assert (dataset.RasterXSize, dataset.RasterYSize) == (COLUMNS, ROWS)
    assert np.isnan(dataset.GetRasterBand(1).GetNoDataValue())
    assert (found["CELLS"], found["DIMENSIONS_OUT"], found["DEVICE_USED"]) == (70, 3, "cpu")
    assert found["SECONDS"] > 0 and Path(found["ENCODER_USED"]) == mean.path


@pytest.mark.parametrize("how", ["card", "model", "id"])
def test_an_encoder_is_found_by_card_model_and_id(
        run_algorithm: Any, ramp: Path, encoders_folder: Path, tmp_path: Path, how: str) -> None:
    card = mean_encoder(encoders_folder, CELL, name="mean-by-id")
    asked = {"card": str(card.path), "model": str(card.model_path), "id": "mean-by-id"}[how]
    found = run_algorithm("embedraster", {"INPUT": str(ramp), "ENCODER": asked, "OUTPUT": str(tmp_path / "field.tif")})
    assert np.allclose(read_bands(found["OUTPUT"])[:, :6, :9], centres()[:, :6, :9], atol=1e-4)


def test_a_layer_of_the_project_is_taken_by_its_id(
        run_algorithm: Any, ramp: Path, mean: Any, tmp_path: Path, qgis_new_project: Any) -> None:
    layer = QgsRasterLayer(str(ramp), "ramp")
    QgsProject.instance().addMapLayer(layer)
    for number, value in enumerate((layer, layer.id(), layer.name())):
        found = run_algorithm("embedraster", {"INPUT": value, "ENCODER": str(mean.path),
                                              "OUTPUT": str(tmp_path / f"field{number}.tif")})
        assert np.allclose(read_bands(found["OUTPUT"])[:, :6, :9], centres()[:, :6, :9], atol=1e-4)


def test_a_mask_leaves_only_the_cells_it_touches(
        run_algorithm: Any, ramp: Path, mean: Any, tmp_path: Path) -> None:
    layer = polygons(box(10, 3, 20, 30), box(33, 41, 34, 42))
    found = run_algorithm("embedraster", {"INPUT": str(ramp), "ENCODER": str(mean.path), "MASK": layer,
                                          "OUTPUT": str(tmp_path / "field.tif")})
    field = gdal.Open(found["OUTPUT"])
    values = field.ReadAsArray()
    left, top = field.GetGeoTransform()[0], field.GetGeoTransform()[3]
    rows, columns = np.nonzero(np.isfinite(values[0]))
    x, y = (left - 300000) / 10 + (columns + 0.5) * CELL, (5000000 - top) / 10 + (rows + 0.5) * CELL
    wanted = {(12.0, 4.0), (20.0, 4.0), (12.0, 12.0), (20.0, 12.0), (12.0, 20.0), (20.0, 20.0), (12.0, 28.0),
              (20.0, 28.0), (36.0, 44.0)}
    assert set(zip(x.tolist(), y.tolist())) == wanted
    assert found["CELLS"] == len(wanted)
    assert np.allclose(values[0][rows, columns], x, atol=1e-4) and np.allclose(values[1][rows, columns], y, atol=1e-4)


def test_a_selection_and_a_filter_limit_the_mask(run_algorithm: Any, ramp: Path, mean: Any, tmp_path: Path) -> None:
    layer = polygons(box(0, 0, 8, 8), box(32, 16, 40, 24))
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    QgsProject.instance().addMapLayer(layer)
    plain: Dict[str, Any] = {"INPUT": str(ramp), "ENCODER": str(mean.path), "OUTPUT": str(tmp_path / "field.tif")}

    def first_cell(mask: Any) -> List[float]:
        found = run_algorithm("embedraster", dict(plain, MASK=mask), context=context)
        values = read_bands(found["OUTPUT"])
        assert found["CELLS"] == 1
        return values[:, np.isfinite(values[0])][:, 0].tolist()

    layer.selectByIds([2])
    assert first_cell(QgsProcessingFeatureSourceDefinition(layer.id(), True)) == [36.0, 20.0, 56.0]
    layer.removeSelection()
    layer.setSubsetString("kind = 'field 0'")
    assert first_cell(layer) == [4.0, 4.0, 8.0]
    QgsProject.instance().removeMapLayer(layer.id())


def test_an_extent_in_another_crs_is_transformed(run_algorithm: Any, ramp: Path, mean: Any, tmp_path: Path) -> None:
    # Around the middle of pixel 36, 20: in longitude and latitude about one hundred metres each way.
    to_degrees = QgsCoordinateTransform(QgsCoordinateReferenceSystem("EPSG:32631"),
                                        QgsCoordinateReferenceSystem("EPSG:4326"), QgsCoordinateTransformContext())
    low, high = to_degrees.transform(QgsPointXY(300330, 4999770)), to_degrees.transform(QgsPointXY(300390, 4999830))
    found = run_algorithm("embedraster", {
        "INPUT": str(ramp), "ENCODER": str(mean.path), "OUTPUT": str(tmp_path / "field.tif"),
        "EXTENT": f"{low.x()},{high.x()},{low.y()},{high.y()} [EPSG:4326]"})
    field = gdal.Open(found["OUTPUT"])
    assert field.GetGeoTransform()[0] % 80 == 300000 % 80, "cells stay on the raster's grid"
    values = field.ReadAsArray()
    assert [36.0, 20.0, 56.0] in values.reshape(3, -1).T.tolist()
    assert values.shape[1] <= 3 and values.shape[2] <= 3


def test_bands_are_matched_by_name_and_can_be_named(run_algorithm: Any, mean: Any, tmp_path: Path) -> None:
    ramp = read_bands(write_ramp(tmp_path / "ramp.tif", 76, 52))
    shuffled = write_raster(tmp_path / "shuffled.tif", ramp[[2, 0, 1]].astype(np.float32), 32631,
                            (300000.0, 5000000.0), names=("sum", "column", "row"))
    plain = {"INPUT": str(shuffled), "ENCODER": str(mean.path)}
    matched = run_algorithm("embedraster", dict(plain, OUTPUT=str(tmp_path / "matched.tif")))
    assert np.allclose(read_bands(matched["OUTPUT"])[:, :6, :9], centres()[:, :6, :9], atol=1e-4)
    stated = run_algorithm("embedraster", dict(plain, BANDS="3;2;1", OUTPUT=str(tmp_path / "stated.tif")))
    assert np.allclose(read_bands(stated["OUTPUT"])[:, :6, :9], centres()[[1, 0, 2]][:, :6, :9], atol=1e-4)


def test_the_short_call_makes_an_encoder_that_embeds_again_alike(
        run_algorithm: Any, encoders_folder: Path, tmp_path: Path) -> None:
    scene = write_raster(tmp_path / "scene.tif", landscape())
    first = run_algorithm("embedraster", {"INPUT": str(scene), "OUTPUT": str(tmp_path / "first.tif")})
    assert Path(first["ENCODER_USED"]).parent == tmp_path
    again = run_algorithm("embedraster", {"INPUT": str(scene), "ENCODER": first["ENCODER_USED"],
                                          "OUTPUT": str(tmp_path / "again.tif")})
    assert np.array_equal(read_bands(first["OUTPUT"]), read_bands(again["OUTPUT"]))


def test_a_temporary_output_leaves_its_encoder_in_the_users_folder(
        run_algorithm: Any, encoders_folder: Path, tmp_path: Path) -> None:
    scene = write_raster(tmp_path / "scene.tif", landscape())
    first = run_algorithm("embedraster", {
        "INPUT": str(scene), "DIMENSIONS": 4, "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT})
    assert first["OUTPUT"].startswith(QgsProcessingUtils.tempFolder()) and first["OUTPUT"].endswith(".tif")
    assert Path(first["ENCODER_USED"]).parent == encoders_folder
    again = run_algorithm("embedraster", {"INPUT": str(scene), "ENCODER": first["ENCODER_USED"],
                                          "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT})
    assert again["DIMENSIONS_OUT"] == 4
    assert np.allclose(read_bands(first["OUTPUT"]), read_bands(again["OUTPUT"]), rtol=1e-5, atol=1e-6)


def test_cancel_raises_and_leaves_no_file(run_algorithm: Any, ramp: Path, mean: Any, tmp_path: Path) -> None:
    feedback = QgsProcessingFeedback(False)
    feedback.cancel()
    with pytest.raises(QgsProcessingException, match="^Cancelled; no output was written.$"):
        run_algorithm("embedraster", {"INPUT": str(ramp), "ENCODER": str(mean.path),
                                      "OUTPUT": str(tmp_path / "field.tif")}, feedback=feedback)
    assert not (tmp_path / "field.tif").exists()


def test_an_output_that_the_project_shows_is_replaced(
        run_algorithm: Any, ramp: Path, mean: Any, tmp_path: Path, qgis_new_project: Any) -> None:
    parameters = {"INPUT": str(ramp), "ENCODER": str(mean.path), "OUTPUT": str(tmp_path / "field.tif")}
    run_algorithm("embedraster", parameters)
    shown = QgsRasterLayer(parameters["OUTPUT"], "field")
    QgsProject.instance().addMapLayer(shown)
    assert shown.dataProvider().sample(shown.extent().center(), 1)[1]
    found = run_algorithm("embedraster", dict(parameters, CELL=16))
    assert (found["CELLS"], gdal.Open(found["OUTPUT"]).RasterXSize) == (20, 5)
    assert [path.name for path in tmp_path.glob("*field*") if path.suffix != ".xml"] == ["field.tif"]


def run_on_a_thread(algorithm: Any, parameters: Dict[str, Any]) -> Dict[str, Any]:
    """Run as the dialog does: prepared here, computed on a thread of the task manager."""
    context, feedback, said = QgsProcessingContext(), QgsProcessingFeedback(False), []
    task = QgsProcessingAlgRunnerTask(algorithm, parameters, context, feedback)
    loop = QEventLoop()
    task.executed.connect(lambda ok, results: (said.append((ok, results)), loop.quit()))
    QTimer.singleShot(60000, loop.quit)
    QgsApplication.taskManager().addTask(task)
    loop.exec()
    assert said and said[0][0], said
    return said[0][1]


def test_it_runs_on_a_thread_as_the_dialog_does(
        provider: Any, qgis_app: Any, ramp: Path, mean: Any, tmp_path: Path) -> None:
    mask = polygons(box(0, 0, 80, 60))  # the task keeps no reference of its own
    found = run_on_a_thread(provider.algorithm("embedraster").create(), {
        "INPUT": str(ramp), "ENCODER": str(mean.path), "MASK": mask, "OUTPUT": str(tmp_path / "field.tif")})
    assert np.allclose(read_bands(found["OUTPUT"])[:, :6, :9], centres()[:, :6, :9], atol=1e-4)


def tile_layer(folder: Path) -> QgsRasterLayer:
    """Return an XYZ layer of four tiles, one plain colour each, read from the disk."""
    colours = {(0, 0): (250, 10, 20), (1, 0): (10, 240, 20), (0, 1): (10, 20, 230), (1, 1): (200, 200, 30)}
    for (x, y), colour in colours.items():
        column = folder / "tiles" / "1" / str(x)
        column.mkdir(parents=True, exist_ok=True)
        memory = gdal.GetDriverByName("MEM").Create("", 256, 256, 3)
        for band, value in enumerate(colour):
            memory.GetRasterBand(band + 1).Fill(value)
        gdal.GetDriverByName("PNG").CreateCopy(str(column / f"{y}.png"), memory)
    address = f"file://{folder}/tiles/%7Bz%7D/%7Bx%7D/%7By%7D.png"
    return QgsRasterLayer(f"type=xyz&url={address}&zmin=1&zmax=1", "Tiles", "wms")


@pytest.mark.parametrize("threaded", [False, True])
def test_a_web_layer_is_read_at_the_stated_extent_and_pixel_size(
        run_algorithm: Any, provider: Any, tmp_path: Path, mean: Any, threaded: bool) -> None:
    layer = tile_layer(tmp_path)
    parameters = {
        "INPUT": layer, "ENCODER": str(mean.path), "BANDS": "1;2;3", "EXTENT": "-16000,16000,-16000,16000 [EPSG:3857]",
        "PIXEL_SIZE": 1000, "OUTPUT": str(tmp_path / "field.tif")}
    found = (run_on_a_thread(provider.algorithm("embedraster").create(), parameters) if threaded
             else run_algorithm("embedraster", parameters))
    values = read_bands(found["OUTPUT"])
    assert gdal.Open(found["OUTPUT"]).GetGeoTransform() == (-16000.0, 8000.0, 0.0, 16000.0, 0.0, -8000.0)
    assert values.shape == (3, 4, 4)
    assert [values[:, row, column].tolist() for row, column in ((0, 0), (0, 3), (3, 0), (3, 3))] == [
        [250, 10, 20], [10, 240, 20], [10, 20, 230], [200, 200, 30]]


@pytest.mark.parametrize("change, said", [
    ({"BANDS": "1;2;9"}, "9"),
    ({"DATES": "yesterday"}, "DATES: “yesterday” is not a date: write it as 2023-05-14"),
    ({"DATES": "2023-01-01;2023-02-01"}, "DATES: there are 1 rasters \\(INPUT and FURTHER\\) but 2 dates"),
    ({"EXTENT": "0,10,0,10"}, "ramp.tif"),
    ({"FURTHER": "twice"}, "mean|date"),
    ({"OUTPUT": "/no/such/folder/field.tif"}, "The folder /no/such/folder doesn't exist")])
def test_what_shows_only_when_running_is_told_in_words(
        run_algorithm: Any, ramp: Path, mean: Any, tmp_path: Path, change: Dict[str, Any], said: str) -> None:
    change = {name: [str(ramp)] if value == "twice" else value for name, value in change.items()}
    with pytest.raises(QgsProcessingException, match=said):
        run_algorithm("embedraster", dict({"INPUT": str(ramp), "ENCODER": str(mean.path),
                                           "OUTPUT": str(tmp_path / "field.tif")}, **change))
    assert not list(tmp_path.glob("field*"))
