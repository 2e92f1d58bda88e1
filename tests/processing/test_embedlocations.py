""""Embed locations" through processing.run and qgis_process: layers of every kind get the vectors of their places."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, List

import numpy as np
import pytest
from place_layers import layer_file
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProject,
    QgsVectorLayer,
)
from small_scene import write_scene

from earthprint.engine.locations import IDS, Settings, find_location_encoder
from earthprint.engine.locations.card import LocationCard
from earthprint.engine.locations.coverage import coverage_of
from earthprint.engine.locations.network import Activation, Linear, Network
from earthprint.engine.locations.position import position_of
from earthprint.engine.locations.storing import save_location_encoder
from earthprint.engine.provenance import KNOWN
from earthprint.engine.table import open_table
from earthprint.processing_provider.help_pages import page_path
from earthprint.processing_provider.location_table import encoder_table

WHERE = [(13.4, 52.5), (-70.7, -33.4), (151.2, -33.9), (-179.5, 65.0)]


class Listener(QgsProcessingFeedback):
    """A feedback that keeps its warnings."""

    def __init__(self) -> None:
        super().__init__(False)
        self.warnings: List[str] = []

    def pushWarning(self, warning: str) -> None:  # noqa: N802  (the name is QGIS's)
        self.warnings.append(warning)


def layer_of(shapes: List[Any], kind: str = "Point?crs=EPSG:4326") -> QgsVectorLayer:
    layer = QgsVectorLayer(kind + "&field=name:string", "Places", "memory")
    features = []
    for number, text in enumerate(shapes):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([f"place {number}"])
        if text is not None:
            feature.setGeometry(QgsGeometry.fromWkt(text))
        features.append(feature)
    assert layer.dataProvider().addFeatures(features)[0]
    return layer


def points(code: str = "EPSG:4326") -> QgsVectorLayer:
    way = QgsCoordinateTransform(QgsCoordinateReferenceSystem("EPSG:4326"), QgsCoordinateReferenceSystem(code),
                                 QgsProject.instance())
    there = [way.transform(QgsPointXY(*place)) for place in WHERE]
    return layer_of([f"POINT ({point.x()!r} {point.y()!r})" for point in there], f"Point?crs={code}")


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a trained encoder in a folder of encoders of its own, made from AlphaEarth, around the four places."""
    folder = tmp_path / "encoders"
    folder.mkdir()
    monkeypatch.setenv("EARTHPRINT_ENCODERS", str(folder))
    chance = np.random.default_rng(0)
    position = position_of("sphere2vec-c")
    stages = (Linear(chance.normal(size=(8, position.size)).astype(np.float32)), Activation("relu"))
    area = coverage_of(np.repeat(WHERE, 20, axis=0) + chance.normal(0, 0.2, (80, 2)))
    return str(save_location_encoder(folder / "mine.onnx", position, Network(stages), LocationCard(
        "my-places", "My places", position, 0, licence="MIT", area=area, provenance=(KNOWN["alphaearth"],))))


def vectors_in(path: str) -> np.ndarray:
    return np.concatenate([chunk.vectors for chunk in open_table(path).chunks()])


def names_in(path: str) -> List[str]:
    return [name for chunk in open_table(path).chunks() for name in chunk.columns["name"]]


def expected(name: str = "spherical-harmonics", places: Any = WHERE, **settings: Any) -> np.ndarray:
    return find_location_encoder(name, Settings(**settings)).vectors(np.array(places, dtype=np.float64))


def test_the_short_call(run_algorithm: Any, tmp_path: Path) -> None:
    found = run_algorithm("embedlocations", {"INPUT": points(), "OUTPUT": str(tmp_path / "o.gpkg")})
    np.testing.assert_array_equal(vectors_in(found["OUTPUT"]), expected())
    assert names_in(found["OUTPUT"]) == [f"place {number}" for number in range(4)]
    assert (found["ROWS"], found["LEFT_OUT"], found["DIMENSIONS_OUT"]) == (4, 0, 100)
    assert found["SPACE"] == open_table(found["OUTPUT"]).space_key == \
        find_location_encoder("spherical-harmonics").space().key()


@pytest.mark.parametrize("code", ["EPSG:3857", "EPSG:8857"])
def test_any_crs_gives_the_same_vectors_and_keeps_its_own(run_algorithm: Any, tmp_path: Path, code: str) -> None:
    found = run_algorithm("embedlocations", {"INPUT": points(code), "OUTPUT": str(tmp_path / "o.gpkg")})
    np.testing.assert_allclose(vectors_in(found["OUTPUT"]), expected(), atol=1e-6)
    assert QgsVectorLayer(found["OUTPUT"], "o", "ogr").crs().authid() == code


@pytest.mark.parametrize("name", IDS)
def test_every_encoder_by_its_id(run_algorithm: Any, tmp_path: Path, name: str) -> None:
    found = run_algorithm("embedlocations", {"INPUT": points(), "ENCODER": name, "OUTPUT": str(tmp_path / "o.gpkg")})
    np.testing.assert_array_equal(vectors_in(found["OUTPUT"]), expected(name))


def test_every_setting_reaches_the_formula(run_algorithm: Any, tmp_path: Path) -> None:
    found = run_algorithm("embedlocations", {
        "INPUT": points(), "ENCODER": "sphere2vec-m", "SCALES": 5, "MIN_RADIUS": 0.03, "MAX_RADIUS": 0.9,
        "SEAMLESS": True, "OUTPUT": str(tmp_path / "a.gpkg")})
    settings = {"scales": 5, "min_radius": 0.03, "max_radius": 0.9, "seamless": True}
    np.testing.assert_array_equal(vectors_in(found["OUTPUT"]), expected("sphere2vec-m", **settings))
    assert open_table(found["OUTPUT"]).space().details == settings
    found = run_algorithm("embedlocations", {"INPUT": points(), "ENCODER": "fourier-sphere", "SCALES": 7, "LENGTH": 50,
                                             "SEED": 3, "OUTPUT": str(tmp_path / "b.gpkg")})
    np.testing.assert_array_equal(vectors_in(found["OUTPUT"]), expected("fourier-sphere", scales=7, length=50, seed=3))


def test_polygons_by_their_middle_or_a_point_inside(run_algorithm: Any, tmp_path: Path) -> None:
    hook = "POLYGON ((0 0, 0.3 0, 0.3 0.3, 0.28 0.3, 0.28 0.02, 0 0.02, 0 0))"
    both = "MULTIPOLYGON (((179 0, 180 0, 180 1, 179 1, 179 0)), ((-180 0, -179 0, -179 1, -180 1, -180 0)))"
    layer = layer_of([hook, None, both], "MultiPolygon?crs=EPSG:4326")
    said = Listener()
    found = run_algorithm("embedlocations", {"INPUT": layer, "ENCODER": "xyz", "OUTPUT": str(tmp_path / "a.gpkg")},
                          said)
    middle = QgsGeometry.fromWkt(hook).centroid().asPoint()
    np.testing.assert_allclose(vectors_in(found["OUTPUT"]), expected("xyz", [(middle.x(), middle.y()), (180, 0.5)]),
                               atol=2e-6)
    assert (found["ROWS"], found["LEFT_OUT"]) == (2, 1) and names_in(found["OUTPUT"]) == ["place 0", "place 2"]
    assert "1 of 3 features of “Places” have no place" in said.warnings[0]
    found = run_algorithm("embedlocations", {"INPUT": layer, "ENCODER": "xyz", "PLACE": "inside",
                                             "OUTPUT": str(tmp_path / "b.gpkg")})
    x, y, z = vectors_in(found["OUTPUT"])[0].astype(np.float64)
    inside = QgsGeometry.fromPointXY(QgsPointXY(np.degrees(np.arctan2(y, x)), np.degrees(np.arcsin(z))))
    assert QgsGeometry.fromWkt(hook).contains(inside)


def test_files_filters_and_selections(run_algorithm: Any, tmp_path: Path) -> None:
    whole = run_algorithm("embedlocations", {"INPUT": points(), "OUTPUT": str(tmp_path / "whole.gpkg")})["OUTPUT"]
    again = run_algorithm("embedlocations", {"INPUT": whole, "OUTPUT": str(tmp_path / "again.gpkg")})["OUTPUT"]
    np.testing.assert_array_equal(vectors_in(again), expected())
    layer = QgsVectorLayer(whole, "in", "ogr")
    assert layer.setSubsetString("name >= 'place 2'")
    found = run_algorithm("embedlocations", {"INPUT": layer, "OUTPUT": str(tmp_path / "b.gpkg")})["OUTPUT"]
    np.testing.assert_array_equal(vectors_in(found), expected()[2:])
    layer = points()
    layer.selectByIds([2, 4])
    context = QgsProcessingContext()
    context.temporaryLayerStore().addMapLayer(layer)
    found = run_algorithm("embedlocations", {
        "INPUT": QgsProcessingFeatureSourceDefinition(layer.id(), True), "OUTPUT": "TEMPORARY_OUTPUT"},
        context=context)["OUTPUT"]
    path = found if isinstance(found, str) else found.source()
    # QGIS hands out a selection in an order of its own.
    rows = [int(name[-1]) for name in names_in(path)]
    assert sorted(rows) == [1, 3]
    np.testing.assert_array_equal(vectors_in(path), expected()[rows])


def test_the_nearest_by_place_are_the_nearest_on_the_ground(run_algorithm: Any, tmp_path: Path,
                                                            sample_data: Path) -> None:
    source = str(next((sample_data / "georgia_counties").glob("*.gpkg")))
    found = run_algorithm("embedlocations", {"INPUT": source, "ENCODER": "xyz", "OUTPUT": str(tmp_path / "o.gpkg")})
    assert found["LEFT_OUT"] == 0 and found["ROWS"] == QgsVectorLayer(source, "in", "ogr").featureCount()
    pairs = run_algorithm("nearest", {"INPUT": found["OUTPUT"], "NEIGHBOURS": 1, "OUTPUT": str(tmp_path / "n.gpkg")})
    layer = QgsVectorLayer(source, "in", "ogr")
    way = QgsCoordinateTransform(layer.crs(), QgsCoordinateReferenceSystem("EPSG:4326"), QgsProject.instance())
    middles = {}
    for feature in layer.getFeatures():
        middle = way.transform(feature.geometry().centroid().asPoint())
        lon, lat = np.radians(middle.x()), np.radians(middle.y())
        middles[feature.id()] = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    agree = []
    for row in QgsVectorLayer(pairs["OUTPUT"], "n", "ogr").getFeatures():
        mine = row["source_id"]
        by_ground = min((other for other in middles if other != mine),
                        key=lambda other: float(np.linalg.norm(middles[other] - middles[mine])))
        agree.append(by_ground == row["target_id"])
    # A few counties have two neighbours equally near to within the width of float32.
    assert len(agree) == found["ROWS"] and np.mean(agree) > 0.97


@pytest.mark.parametrize(("changes", "message"), [
    ({"ENCODER": "rbf"}, "rbf exists only trained"),
    ({"ENCODER": "sphere2vec"}, "did you mean sphere2vec-"),
    ({"ENCODER": "xyz", "SCALES": 4}, "xyz doesn't have a number of scales"),
    ({"ENCODER": "nerf", "LENGTH": 4}, "nerf doesn't have a length scale"),
    ({"ENCODER": "sphere2vec-c", "MIN_RADIUS": 3}, "finest radius of sphere2vec-c"),
    ({"SCALES": -1}, "SCALES"),
    ({"SEED": -1}, "SEED"),
    ({"LENGTH": -5}, "LENGTH"),
    ({"PLACE": "corner"}, "PLACE: “corner” is not one of centroid, inside"),
    ({"INPUT": "/nowhere/a.gpkg"}, "INPUT: there is no file"),
    ({"OUTPUT": "o.shp"}, "must end in .gpkg"),
])
def test_wrong_values_are_told(run_algorithm: Any, tmp_path: Path, changes: Any, message: str) -> None:
    parameters = {"INPUT": points(), "OUTPUT": str(tmp_path / "o.gpkg"), **changes}
    with pytest.raises(QgsProcessingException, match=message):
        run_algorithm("embedlocations", parameters)
    assert not (tmp_path / "o.gpkg").exists()


@pytest.mark.parametrize(("shapes", "kind", "message"), [
    ([None], "Point?crs=EPSG:4326", "No feature of “Places” has a place"),
    ([], "Point?crs=EPSG:4326", "“Places” has no rows")])
def test_layers_without_places_are_told(run_algorithm: Any, tmp_path: Path, shapes: Any, kind: str,
                                        message: str) -> None:
    with pytest.raises(QgsProcessingException, match=message):
        run_algorithm("embedlocations", {"INPUT": layer_of(shapes, kind), "OUTPUT": str(tmp_path / "o.gpkg")})
    assert list(tmp_path.iterdir()) == []


def test_a_layer_without_crs_is_told(run_algorithm: Any, tmp_path: Path) -> None:
    layer = points()
    layer.setCrs(QgsCoordinateReferenceSystem())
    with pytest.raises(QgsProcessingException, match="“Places” has no coordinate reference system"):
        run_algorithm("embedlocations", {"INPUT": layer, "OUTPUT": str(tmp_path / "o.gpkg")})


def test_cancel_raises_and_leaves_nothing(run_algorithm: Any, tmp_path: Path) -> None:
    feedback = QgsProcessingFeedback(False)
    feedback.cancel()
    with pytest.raises(QgsProcessingException, match="Cancelled"):
        run_algorithm("embedlocations", {"INPUT": points(), "OUTPUT": str(tmp_path / "o.gpkg")}, feedback)
    assert list(tmp_path.iterdir()) == []


def test_headless(qgis_process: Any, run_algorithm: Any, tmp_path: Path) -> None:
    source = run_algorithm("embedlocations", {"INPUT": points(), "OUTPUT": str(tmp_path / "in.gpkg")})["OUTPUT"]
    done = qgis_process("run", "earthprint:embedlocations", f"INPUT={source}", "ENCODER=sphere2vec-c", "SCALES=4",
                        f"OUTPUT={tmp_path / 'o.gpkg'}")
    assert done.code == 0, done.errors
    np.testing.assert_array_equal(vectors_in(str(tmp_path / "o.gpkg")), expected("sphere2vec-c", scales=4))
    done = qgis_process("run", "earthprint:embedlocations", f"INPUT={source}", "ENCODER=tile",
                        f"OUTPUT={tmp_path / 'no.gpkg'}")
    assert done.code != 0 and "tile exists only trained" in done.output + done.errors


def test_the_help_page_has_the_engines_own_table() -> None:
    page = Path(page_path("embedlocations")).read_text(encoding="utf-8")
    assert encoder_table() in page, "run earthprint.processing_provider.location_table"
    assert all(f"<td><code>{name}</code></td>" in page for name in IDS)


def test_a_trained_encoder_by_its_id_and_by_its_path(run_algorithm: Any, tmp_path: Path, trained: str) -> None:
    wanted = find_location_encoder(trained)
    for number, name in enumerate(("my-places", trained, trained.replace(".onnx", ".json"))):
        said = Listener()
        found = run_algorithm("embedlocations", {"INPUT": points(), "ENCODER": name,
                                                 "OUTPUT": str(tmp_path / f"{number}.gpkg")}, said)
        np.testing.assert_array_equal(vectors_in(found["OUTPUT"]), wanted.vectors(np.array(WHERE)))
        table = open_table(found["OUTPUT"])
        assert found["SPACE"] == table.space_key == wanted.space().key() and found["DIMENSIONS_OUT"] == 8
        assert len(table.space().checksum) == 64 and said.warnings == []
        assert {item.licence for item in table.identity().provenance} == {"MIT", "CC BY 4.0"}


def test_the_licence_of_a_trained_encoder_goes_on_from_its_table(run_algorithm: Any, tmp_path: Path,
                                                                 trained: str) -> None:
    found = run_algorithm("embedlocations", {"INPUT": points(), "ENCODER": trained, "OUTPUT": str(tmp_path / "o.gpkg")})
    pairs = run_algorithm("nearest", {"INPUT": found["OUTPUT"], "NEIGHBOURS": 1, "OUTPUT": str(tmp_path / "n.gpkg")})
    with sqlite3.connect(pairs["OUTPUT"]) as connection:
        texts = " ".join(row[0] for row in connection.execute("SELECT metadata FROM gpkg_metadata"))
    assert KNOWN["alphaearth"].attribution in texts and "MIT" in texts


def test_a_trained_encoder_is_suggested_here_and_not_for_rasters(provider: Any, trained: str) -> None:
    def suggested(name: str) -> Any:
        algorithm = provider.algorithm(name).create()
        return algorithm.parameterDefinition("ENCODER").metadata()["widget_wrapper"]["suggestions"]

    assert suggested("embedlocations") == [*IDS, "my-places"]
    assert not {"my-places", *IDS} & set(suggested("embedraster"))


def test_a_trained_encoder_is_added_as_it_is(run_algorithm: Any, tmp_path: Path, trained: str,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARTHPRINT_ENCODERS", str(tmp_path / "others"))
    added = run_algorithm("addencoder", {"ONNX": trained})
    assert (added["ENCODER_ID"], added["DIMENSIONS_OUT"]) == ("my-places", 8)
    assert Path(added["OUTPUT"]) == tmp_path / "others" / "my-places.json"
    found = run_algorithm("embedlocations", {"INPUT": points(), "ENCODER": "my-places",
                                             "OUTPUT": str(tmp_path / "o.gpkg")})
    assert found["SPACE"] == find_location_encoder(trained).space().key()
    with pytest.raises(QgsProcessingException, match="NAME: a location encoder keeps the name"):
        run_algorithm("addencoder", {"ONNX": trained, "NAME": "mine"})


def test_ground_that_nothing_was_learned_of_is_told(run_algorithm: Any, tmp_path: Path, trained: str) -> None:
    said = Listener()
    layer = layer_of(["POINT (13.4 52.5)", "POINT (100 10)", "POINT (100 11)"])
    run_algorithm("embedlocations", {"INPUT": layer, "ENCODER": trained, "OUTPUT": str(tmp_path / "o.gpkg")}, said)
    text, = said.warnings
    assert "2 of 3 places of “Places” lie outside the area that my-places was trained on" in text


def test_a_raster_is_not_embedded_by_a_location_encoder(run_algorithm: Any, tmp_path: Path, trained: str) -> None:
    scene = str(write_scene(tmp_path / "scene.tif"))
    for name in ("my-places", trained, "xyz"):
        with pytest.raises(QgsProcessingException, match="is a location encoder.*use “Embed locations”"):
            run_algorithm("embedraster", {"INPUT": scene, "ENCODER": name, "OUTPUT": str(tmp_path / "o.tif")})


def test_wrong_trained_encoders_are_told(run_algorithm: Any, tmp_path: Path, trained: str) -> None:
    (tmp_path / "image.json").write_text("{}", encoding="utf-8")
    for changes, message in (
            ({"ENCODER": trained, "SCALES": 3}, "is trained, so its scales and radii are fixed"),
            ({"ENCODER": "my-place"}, "did you mean my-places"),
            ({"ENCODER": "/nowhere/a.onnx"}, "There is no encoder file /nowhere/a.onnx"),
            ({"ENCODER": str(tmp_path / "image.json")}, "describes no location encoder.*use “Embed raster”")):
        with pytest.raises(QgsProcessingException, match=message):
            run_algorithm("embedlocations", {"INPUT": points(), "OUTPUT": str(tmp_path / "o.gpkg"), **changes})
    content = bytearray(Path(trained).read_bytes())
    # One bit of a weight, which leaves the graph a sound one.
    content[content.find(np.random.default_rng(0).normal(size=2).astype(np.float32).tobytes())] ^= 1
    Path(trained).write_bytes(bytes(content))
    with pytest.raises(QgsProcessingException, match="is not the file that its card describes"):
        run_algorithm("embedlocations", {"INPUT": points(), "ENCODER": trained, "OUTPUT": str(tmp_path / "o.gpkg")})
    assert not (tmp_path / "o.gpkg").exists()


def test_swapped_coordinates_end_a_headless_run_with_a_sentence(qgis_process: Any, tmp_path: Path,
                                                                trained: str) -> None:
    source = layer_file(tmp_path / "in.gpkg", ["POINT (52.5 13.4)", "POINT (-33.9 151.2)"])
    done = qgis_process("run", "earthprint:embedlocations", f"INPUT={source}", f"ENCODER={trained}",
                        f"OUTPUT={tmp_path / 'o.gpkg'}")
    said = done.output + done.errors
    assert done.code != 0 and "Feature 2 of" in said and "the latitude 151.2°" in said and "swapped" in said
    assert not (tmp_path / "o.gpkg").exists() and "Traceback" not in said
