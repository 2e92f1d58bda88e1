""""Find similar places in raster" through processing.run and qgis_process: scores, areas, places, and wrong input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from small_rasters import read_raster, write_raster

ORIGIN = (500000.0, 5700000.0)


@pytest.fixture
def scene() -> np.ndarray:
    """Return noise with two squares of one kind."""
    values = np.random.default_rng(1).normal(size=(6, 60, 80)).astype(np.float32)
    kind = np.array([3, -3, 3, 3, -3, 3], dtype=np.float32)[:, None, None]
    values[:, 10:20, 10:20] += kind
    values[:, 40:50, 55:70] += kind
    values[:, 0, 0] = 0
    values[1, 0, 1] = np.nan
    return values


@pytest.fixture
def raster(scene: np.ndarray, tmp_path: Path) -> str:
    return str(write_raster(tmp_path / "scene.tif", scene))


def cosine(values: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Return the cosine of every cell in float64, cell by cell as the books say."""
    wide = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.einsum("d,drc->rc", query, wide) / np.sqrt((wide ** 2).sum(axis=0)) / np.sqrt((query ** 2).sum())


def centre(column: int, row: int) -> QgsPointXY:
    return QgsPointXY(ORIGIN[0] + column * 10 + 5, ORIGIN[1] - row * 10 - 5)


def points(cells: Any, crs: str = "EPSG:32633") -> QgsVectorLayer:
    layer = QgsVectorLayer(f"Point?crs={crs}", "roofs", "memory")
    for column, row in cells:
        feature = QgsFeature()
        feature.setGeometry(QgsGeometry.fromPointXY(centre(column, row)))
        layer.dataProvider().addFeature(feature)
    return layer


def rows(path: str) -> Any:
    dataset = gdal.OpenEx(path, gdal.OF_VECTOR)
    return [(feature.items(), feature.GetGeometryRef().Clone()) for feature in dataset.GetLayer(0)]


def test_scores_are_cosines_to_the_mean_of_selected_features(
        run_algorithm: Any, raster: str, scene: np.ndarray, tmp_path: Path, qgis_new_project: Any) -> None:
    layer = points([(12, 12), (15, 18), (70, 5)])
    QgsProject.instance().addMapLayer(layer)
    layer.selectByIds([1, 2])
    found = run_algorithm("similarityraster", {
        "INPUT": raster, "EXAMPLES": QgsProcessingFeatureSourceDefinition(layer.id(), True),
        "OUTPUT": str(tmp_path / "score.tif")})
    query = scene[:, [12, 18], [12, 15]].astype(np.float64).mean(axis=1)
    expected = cosine(scene, query)
    scores = read_raster(found["OUTPUT"])[0]
    assert np.isnan(scores[0, :2]).all() and np.isnan(scores).sum() == 2
    assert np.nanmax(np.abs(scores - expected)) < 1e-6
    assert QgsRasterLayer(found["OUTPUT"]).dataProvider().sourceHasNoDataValue(1)


def test_areas_and_places(run_algorithm: Any, raster: str, scene: np.ndarray, tmp_path: Path) -> None:
    found = run_algorithm("similarityraster", {
        "INPUT": raster, "EXAMPLES": points([(11, 11), (13, 17), (18, 12), (16, 16)]), "THRESHOLD": "0.8",
        "TOP": 3, "DISTANCE": 200, "EXCLUDE": 150, "OUTPUT": str(tmp_path / "score.tif"),
        "POLYGONS": str(tmp_path / "areas.gpkg"), "PLACES": str(tmp_path / "places.gpkg")})
    assert found["THRESHOLD_OUT"] == 0.8
    scores = read_raster(found["OUTPUT"])[0]
    assert np.isnan(scores[10:20, 10:20]).all(), "the examples' own square is left out"
    areas = rows(found["POLYGONS"])
    assert sum(item["cells"] for item, _ in areas) == (scores >= 0.8).sum()
    assert sum(item["similarity"] * item["cells"] for item, _ in areas) == pytest.approx(
        scores[scores >= 0.8].sum(dtype=np.float64), rel=1e-6)
    for item, shape in areas:
        assert shape.GetArea() == pytest.approx(100 * item["cells"])
        assert item["area"] == pytest.approx(100 * item["cells"], rel=2e-3), "UTM's scale, and no more"
    places = rows(found["PLACES"])
    assert [item["rank"] for item, _ in places] == [1, 2, 3]
    assert places[0][0]["similarity"] == pytest.approx(float(np.nanmax(scores)))
    ends = [(shape.GetX(), shape.GetY()) for _, shape in places]
    for one in range(3):
        for two in range(one):
            assert np.hypot(ends[one][0] - ends[two][0], ends[one][1] - ends[two][1]) > 199


def test_lines_polygons_and_coordinates_of_other_crs(
        run_algorithm: Any, raster: str, scene: np.ndarray, tmp_path: Path) -> None:
    outline = QgsVectorLayer("Polygon?crs=EPSG:32633", "square", "memory")
    feature = QgsFeature()
    left, top = ORIGIN
    feature.setGeometry(QgsGeometry.fromWkt(
        f"POLYGON(({left + 100} {top - 100},{left + 200} {top - 100},{left + 200} {top - 200},"
        f"{left + 100} {top - 200},{left + 100} {top - 100}))"))
    outline.dataProvider().addFeature(feature)
    found = run_algorithm("similarityraster", {
        "INPUT": raster, "EXAMPLES": outline, "OUTPUT": str(tmp_path / "polygon.tif")})
    query = scene[:, 10:20, 10:20].astype(np.float64).mean(axis=(1, 2))
    assert np.nanmax(np.abs(read_raster(found["OUTPUT"])[0] - cosine(scene, query))) < 1e-6

    from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform
    world = QgsCoordinateTransform(QgsCoordinateReferenceSystem("EPSG:32633"),
                                   QgsCoordinateReferenceSystem("EPSG:4326"), QgsProject.instance())
    place = world.transform(centre(60, 45))
    found = run_algorithm("similarityraster", {
        "INPUT": raster, "COORDINATES": f"{place.x()!r},{place.y()!r} [EPSG:4326]",
        "OUTPUT": str(tmp_path / "typed.tif")})
    expected = cosine(scene, scene[:, 45, 60].astype(np.float64))
    assert np.nanmax(np.abs(read_raster(found["OUTPUT"])[0] - expected)) < 1e-6


@pytest.mark.parametrize(("change", "words"), [
    ({"EXAMPLES": None}, "give EXAMPLES or COORDINATES"),
    ({"COORDINATES": "here"}, "is not a list of points"),
    ({"EXAMPLES": None, "COORDINATES": "0,0"}, "lies on valid ground"),
    ({"EXAMPLES": None, "COORDINATES": "500005,5699995"}, "lies on valid ground"),
    ({"METHOD": "rocchio"}, "give COUNTEREXAMPLES"),
    ({"METHOD": "discriminative"}, "lie in one cell"),
    ({"THRESHOLD": "much", "POLYGONS": "areas.gpkg"}, "neither none, best nor a number"),
    ({"THRESHOLD": "none", "POLYGONS": "areas.gpkg"}, "state a number, or best"),
    ({"METHOD": "magic"}, "not one of mean"),
])
def test_wrong_input_is_told_in_one_sentence(
        run_algorithm: Any, raster: str, tmp_path: Path, change: Any, words: str) -> None:
    parameters = {"INPUT": raster, "EXAMPLES": points([(12, 12)]), "OUTPUT": str(tmp_path / "score.tif"), **change}
    if "POLYGONS" in parameters:
        parameters["POLYGONS"] = str(tmp_path / parameters["POLYGONS"])
    with pytest.raises(QgsProcessingException) as caught:
        run_algorithm("similarityraster", parameters)
    assert words in str(caught.value)
    assert not list(tmp_path.glob("*score*")) and not list(tmp_path.glob("*areas*"))


def test_an_empty_selection_is_told(run_algorithm: Any, raster: str, tmp_path: Path, qgis_new_project: Any) -> None:
    layer = points([(12, 12)])
    QgsProject.instance().addMapLayer(layer)
    with pytest.raises(QgsProcessingException, match="roofs.* is empty: select some features"):
        run_algorithm("similarityraster", {
            "INPUT": raster, "EXAMPLES": QgsProcessingFeatureSourceDefinition(layer.id(), True),
            "OUTPUT": str(tmp_path / "score.tif")})


def test_it_runs_headless(qgis_process: Any, raster: str, scene: np.ndarray, tmp_path: Path) -> None:
    qgis_process("run", "earthprint:similarityraster", f"INPUT={raster}", "COORDINATES=500125,5699875",
                 f"OUTPUT={tmp_path / 'score.tif'}", f"PLACES={tmp_path / 'places.gpkg'}", "TOP=2").succeeded()
    expected = cosine(scene, scene[:, 12, 12].astype(np.float64))
    assert np.nanmax(np.abs(read_raster(tmp_path / "score.tif")[0] - expected)) < 1e-6
    [first, second] = rows(str(tmp_path / "places.gpkg"))
    assert (first[1].GetX(), first[1].GetY()) == (500125.0, 5699875.0)
    assert second[0]["similarity"] < first[0]["similarity"]


def test_metadata_says_what_the_scores_are(run_algorithm: Any, raster: str, tmp_path: Path) -> None:
    found = run_algorithm("similarityraster", {
        "INPUT": raster, "EXAMPLES": points([(12, 12), (15, 15), (60, 45)]), "METHOD": "discriminative",
        "OUTPUT": str(tmp_path / "score.tif")})
    said = json.loads(gdal.Open(found["OUTPUT"]).GetMetadataItem("EARTHPRINT_RESULT"))
    assert said["range"] == "0..1" and said["method"] == "discriminative"
    scores = read_raster(found["OUTPUT"])[0]
    assert 0 <= np.nanmin(scores) and np.nanmax(scores) <= 1
    assert np.nanmean(scores[10:20, 10:20]) > 0.7 > 0.4 > np.nanmean(scores[25:35])
