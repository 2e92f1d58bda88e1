""""Train a location encoder" through processing.run: what it learns from, what it writes, and wrong input."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import ogr
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsVectorLayer,
)
from small_fields import wkt_of, write_field

from earthprint.engine.locations.finding import find_location_encoder
from earthprint.engine.plain_layer import LayerWriter
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_table

pytest.importorskip("torch")

COUNT = 240
SHORT = {"FOLD_COUNT": 2, "DIMENSIONS": 8, "KIND": "xyz"}


def wkb(place: Any) -> bytes:
    return bytes(ogr.CreateGeometryFromWkt("POINT ({} {})".format(*place)).ExportToIsoWkb(ogr.wkbNDR))


def places() -> np.ndarray:
    chance = np.random.default_rng(0)
    return np.stack([chance.uniform(-60, 60, COUNT), chance.uniform(-50, 50, COUNT)], axis=1)


def truth(where: np.ndarray) -> np.ndarray:
    """Return a smooth value that no plane through the globe tells: waves of longitude."""
    return 50 + 50 * np.cos(np.radians(4 * where[:, 0])) * np.cos(np.radians(where[:, 1]))


@pytest.fixture
def points(tmp_path: Path) -> str:
    where = places()
    value = truth(where)
    with LayerWriter(str(tmp_path / "points.gpkg"), wkt_of(4326), ogr.wkbPoint, [
            ColumnSpec("value", "real"), ColumnSpec("half", "text"), ColumnSpec("constant", "real")]) as writer:
        writer.write([wkb(place) for place in where], {
            "value": value.tolist(), "half": np.where(value > 50, "high", "low").tolist(),
            "constant": [7.0] * COUNT})
    return str(tmp_path / "points.gpkg")


def waves(where: np.ndarray) -> np.ndarray:
    """Return vectors that a place decides."""
    x, y = np.radians(where).T
    return np.stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y), np.cos(2 * x), np.sin(2 * y)],
                    axis=1).astype(np.float32)


@pytest.fixture
def field(tmp_path: Path) -> str:
    """Return an embedding raster of the world's middle in degrees."""
    side = 40
    longitude, latitude = np.meshgrid(-60 + (np.arange(side) + 0.5) * 3, 50 - (np.arange(side) + 0.5) * 2.5)
    vectors = waves(np.stack([longitude.ravel(), latitude.ravel()], axis=1))
    return write_field(tmp_path / "field.tif", vectors.T.reshape(-1, side, side), (-60, 3, 0, 50, 0, -2.5), epsg=4326,
                       space=Space("waves", 5))


def test_learns_columns_and_stores_what_embedlocations_takes(run_algorithm: Any, points: str, tmp_path: Path) -> None:
    output, report = tmp_path / "value.onnx", tmp_path / "value.html"
    found = run_algorithm("trainlocationencoder", {
        "INPUT": points, "TARGET": ["value", "half"], "EPOCHS": 30, "FOLD_COUNT": 3, "DIMENSIONS": 8,
        "KIND": "xyz", "OUTPUT": str(output), "REPORT": str(report)})
    assert found["ROWS"] == COUNT and found["DIMENSIONS_OUT"] == 8 and found["EPOCHS_USED"] == 30
    assert found["SCORE"] > 0.5 and found["SCORE"] > found["SCORE_COORDINATES"] + 0.1, found
    assert math.isfinite(found["SCORE_NEIGHBOURS"]) and found["DEVICE_USED"] == "cpu" or "cuda" in found["DEVICE_USED"]
    page = report.read_text(encoding="utf-8")
    assert "“value”" in page and "half" in page and "<script" not in page
    card = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
    assert "value" in json.dumps(card)
    run_algorithm("embedlocations", {"INPUT": points, "ENCODER": str(output), "OUTPUT": str(tmp_path / "t.gpkg")})
    stored = find_location_encoder(str(output)).vectors(places())
    vectors = np.concatenate([chunk.vectors for chunk in open_table(str(tmp_path / "t.gpkg")).chunks()])
    np.testing.assert_allclose(vectors, stored, atol=1e-5)
    # What was learnt is in the vectors: a straight line over them tells the value.
    design = np.column_stack([np.ones(COUNT), vectors])
    fitted = design @ np.linalg.lstsq(design, truth(places()), rcond=None)[0]
    assert 1 - np.var(truth(places()) - fitted) / np.var(truth(places())) > 0.9


def test_distils_a_raster_without_places(run_algorithm: Any, field: str, tmp_path: Path) -> None:
    found = run_algorithm("trainlocationencoder", {
        "EMBEDDINGS": field, "SAMPLES": 400, "EPOCHS": 25, "OUTPUT": str(tmp_path / "waves.onnx"), **SHORT})
    assert found["SCORE_NAME"] == "cosine" and found["DIMENSIONS_OUT"] == 5 and found["ROWS"] == 400
    assert found["SCORE"] > 0.6
    where = places()[:50] * 0.9
    vectors = find_location_encoder(str(tmp_path / "waves.onnx")).vectors(where)
    wanted = waves(where)
    cosines = (vectors * wanted).sum(1) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(wanted, axis=1)
    assert cosines.mean() > 0.95


def test_distils_a_raster_under_places_and_a_table(run_algorithm: Any, field: str, points: str,
                                                   tmp_path: Path) -> None:
    under = run_algorithm("trainlocationencoder", {
        "INPUT": points, "EMBEDDINGS": field, "EPOCHS": 3, "OUTPUT": str(tmp_path / "a.onnx"), **SHORT})
    assert under["ROWS"] == COUNT and under["SCORE_NAME"] == "cosine"
    with TableWriter(tmp_path / "t.gpkg", wkt_of(4326), ogr.wkbPoint, [], Space("waves", 5)) as writer:
        writer.write([wkb(place) for place in places()], {}, waves(places()))
    own = run_algorithm("trainlocationencoder", {
        "INPUT": str(tmp_path / "t.gpkg"), "EPOCHS": 3, "OUTPUT": str(tmp_path / "b.onnx"), **SHORT})
    assert own["ROWS"] == COUNT and abs(own["SCORE"] - under["SCORE"]) < 0.1
    contrastive = run_algorithm("trainlocationencoder", {
        "EMBEDDINGS": str(tmp_path / "t.gpkg"), "OBJECTIVE": "contrastive", "EPOCHS": 3,
        "OUTPUT": str(tmp_path / "c.onnx"), **SHORT})
    assert contrastive["ROWS"] == COUNT and contrastive["DIMENSIONS_OUT"] == 5


def photo_table(path: Path) -> str:
    """Write photos whose vectors show the waves through another matrix, with noise."""
    chance = np.random.default_rng(3)
    where = places() * (0.95, 0.95)
    vectors = waves(where) @ chance.normal(size=(5, 12)) + chance.normal(size=(COUNT, 12)) * 0.1
    with TableWriter(path, wkt_of(4326), ogr.wkbPoint, [ColumnSpec("path", "text")], Space("photos", 12)) as writer:
        writer.write([wkb(place) for place in where], {"path": [f"{number}.jpg" for number in range(COUNT)]},
                     vectors.astype(np.float32))
    return str(path)


def test_aligns_photos_the_field_and_places(run_algorithm: Any, field: str, tmp_path: Path) -> None:
    photos = photo_table(tmp_path / "photos.gpkg")
    found = run_algorithm("trainlocationencoder", {
        "INPUT": photos, "EMBEDDINGS": field, "OBJECTIVE": "views", "EPOCHS": 30, "FOLD_COUNT": 2, "DIMENSIONS": 16,
        "KIND": "xyz", "OUTPUT": str(tmp_path / "views.onnx"), "REPORT": str(tmp_path / "views.html")})
    assert found["SCORE_NAME"] == "recall@5" and found["SCORE"] > 0.25
    assert found["SCORE"] > 4 * 5 / 100 and 0 <= found["SCORE_COORDINATES"] <= 1 and 0 <= found["SCORE_NEIGHBOURS"] <= 1
    vectors = find_location_encoder(str(tmp_path / "views.onnx")).vectors(places())
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    page = (tmp_path / "views.html").read_text(encoding="utf-8")
    for words in ("recall@5", "chance", "photo by the embedding raster", "is not stored"):
        assert words in page
    again = run_algorithm("trainlocationencoder", {
        "INPUT": photos, "EMBEDDINGS": field, "OBJECTIVE": "views", "EPOCHS": 30, "FOLD_COUNT": 2, "DIMENSIONS": 16,
        "KIND": "xyz", "OUTPUT": str(tmp_path / "again.onnx")})
    assert again["SCORE"] == found["SCORE"], "the same seed gives the same"


def test_selections_memory_layers_and_temporary_outputs(run_algorithm: Any) -> None:
    layer = QgsVectorLayer("Point?crs=EPSG:4326&field=value:double", "Somewhere", "memory")
    features = []
    for place, value in zip(places(), truth(places())):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([float(value)])
        feature.setGeometry(QgsGeometry.fromWkt("POINT ({} {})".format(*place)))
        features.append(feature)
    assert layer.dataProvider().addFeatures(features)[0]
    QgsProject.instance().addMapLayer(layer)
    layer.selectByIds([feature.id() for feature in layer.getFeatures()][:100])
    found = run_algorithm("trainlocationencoder", {
        "INPUT": QgsProcessingFeatureSourceDefinition(layer.id(), True), "TARGET": "value", "EPOCHS": 1,
        "OUTPUT": "TEMPORARY_OUTPUT", **SHORT})
    QgsProject.instance().removeMapLayer(layer.id())
    assert found["ROWS"] == 100 and Path(found["OUTPUT"]).exists()


def refused(run_algorithm: Any, **parameters: Any) -> str:
    with pytest.raises(QgsProcessingException) as caught:
        run_algorithm("trainlocationencoder", {**SHORT, "EPOCHS": 1, "OUTPUT": "TEMPORARY_OUTPUT", **parameters})
    return str(caught.value)


def test_wrong_input_in_one_sentence_each(run_algorithm: Any, points: str, field: str, tmp_path: Path) -> None:
    assert "nothing to learn from" in refused(run_algorithm)
    assert "constant" in refused(run_algorithm, INPUT=points, TARGET="constant")
    assert "must end in .onnx" in refused(run_algorithm, INPUT=points, TARGET="value", OUTPUT=str(tmp_path / "a.tif"))
    assert "photos" in refused(run_algorithm, EMBEDDINGS=field, OBJECTIVE="views")
    assert "embedding raster" in refused(run_algorithm, INPUT=photo_table(tmp_path / "p.gpkg"), OBJECTIVE="views")
    assert "no vectors of its own" in refused(run_algorithm, INPUT=points)
    assert "KIND" in refused(run_algorithm, INPUT=points, TARGET="value", KIND="mercator")
    few = tmp_path / "few.gpkg"
    with LayerWriter(str(few), wkt_of(4326), ogr.wkbPoint, [ColumnSpec("value", "real")]) as writer:
        writer.write([wkb((number, 1)) for number in range(3)], {"value": [1.0, 2.0, 3.0]})
    assert "FOLD_COUNT" in refused(run_algorithm, INPUT=str(few), TARGET="value", FOLD_COUNT=5)
    swapped = tmp_path / "swapped.gpkg"
    with LayerWriter(str(swapped), wkt_of(4326), ogr.wkbPoint, [ColumnSpec("value", "real")]) as writer:
        writer.write([wkb((place[1], 100 + place[0])) for place in places()], {"value": truth(places()).tolist()})
    assert "swapped" in refused(run_algorithm, INPUT=str(swapped), TARGET="value")
