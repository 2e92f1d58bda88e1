"""A server that distils an embedding raster and aligns photos with it, and uses both encoders in the same model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import ogr
from qgis.core import QgsProcessing, QgsProcessingModelParameter, QgsProcessingParameterFeatureSource
from small_fields import wkt_of, write_field
from test_models import argument, child, raster_model, result, saved

from earthprint.engine.centres import point_wkb
from earthprint.engine.locations.finding import find_location_encoder
from earthprint.engine.locations.places import Places
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_table

pytest.importorskip("torch")

SIDE, COUNT = 30, 90
TRANSFORM = (500_000.0, 1000.0, 0.0, 5_700_000.0, 0.0, -1000.0)


def write_scene(folder: Path) -> "tuple[str, str]":
    """Write an embedding raster of waves and photos that show the same waves."""
    row, column = np.mgrid[:SIDE, :SIDE] / SIDE
    waves = np.stack([np.sin(4 * column), np.cos(5 * row), np.sin(3 * (row + column)), np.ones_like(row)])
    field = write_field(folder / "field.tif", waves.astype(np.float32), TRANSFORM, space=Space("waves", 4))
    where = np.random.default_rng(0).uniform(1, SIDE - 1, (COUNT, 2))
    cells = where.astype(int)
    photos = waves[:, cells[:, 1], cells[:, 0]].T @ np.random.default_rng(1).normal(size=(4, 6))
    with TableWriter(folder / "photos.gpkg", wkt_of(32633), ogr.wkbPoint, [ColumnSpec("height", "real")],
                     Space("photos", 6)) as writer:
        points = [point_wkb(TRANSFORM[0] + 1000 * x, TRANSFORM[3] - 1000 * y) for x, y in where]
        writer.write(points, {"height": photos[:, 0].tolist()}, photos.astype(np.float32))
    return field, str(folder / "photos.gpkg")


def test_what_a_step_trains_the_next_step_uses(provider: Any, qgis_process: Any, tmp_path: Path) -> None:
    field, photos = write_scene(tmp_path)
    model = raster_model("distil_and_align")
    model.addModelParameter(QgsProcessingParameterFeatureSource("photos", "Photos",
                                                                [QgsProcessing.SourceType.TypeVectorPoint]),
                            QgsProcessingModelParameter("photos"))
    short = {"EPOCHS": 2, "FOLD_COUNT": 2, "DIMENSIONS": 4, "KIND": "xyz"}
    child(model, "distil", "earthprint:trainlocationencoder", {"EMBEDDINGS": "@scene", "SAMPLES": 300, **short})
    child(model, "align", "earthprint:trainlocationencoder", {
        "INPUT": "@photos", "EMBEDDINGS": "@scene", "OBJECTIVE": "views", **short})
    for name, step in (("distilled", "distil"), ("aligned", "align")):
        child(model, name, "earthprint:embedlocations", {"INPUT": "@photos", "ENCODER": (step, "OUTPUT")})
        result(model, name, "OUTPUT", f"{name}_table")
        result(model, step, "OUTPUT", f"{name}_encoder")
    child(model, "learn", "earthprint:trainregression", {
        "INPUT": ("distilled", "OUTPUT"), "TARGET": "height", "FOLD_COUNT": 2})
    result(model, "learn", "OUTPUT", "predictor")
    path = saved(model, tmp_path / "model.model3")
    outputs = {name: tmp_path / name for name in ("distilled_table.gpkg", "aligned_table.gpkg", "predictor.onnx",
                                                  "distilled_encoder.onnx", "aligned_encoder.onnx")}
    qgis_process("run", path, f"scene={field}", f"photos={photos}",
                 *(argument(model, name.split(".")[0], place) for name, place in outputs.items())).succeeded()
    shapes = [shape for chunk in open_table(photos).chunks() for shape in chunk.wkb]
    where = Places("photos", wkt_of(32633)).find(shapes)
    keys = []
    for name in ("distilled", "aligned"):
        table = open_table(str(outputs[f"{name}_table.gpkg"]))
        vectors = np.concatenate([chunk.vectors for chunk in table.chunks()])
        stored = find_location_encoder(str(outputs[f"{name}_encoder.onnx"]))
        np.testing.assert_allclose(vectors, stored.vectors(where), atol=1e-5)
        keys.append(table.space_key)
    assert keys[0] != keys[1], "two encoders are two spaces"
    assert outputs["predictor.onnx"].exists()


def test_by_hand_with_numbers_back(qgis_process: Any, tmp_path: Path) -> None:
    _, photos = write_scene(tmp_path)
    found = qgis_process("--json", "run", "earthprint:trainlocationencoder", f"INPUT={photos}", "TARGET=height",
                         "EPOCHS=1", "FOLD_COUNT=2", "DIMENSIONS=3", "KIND=wrap-ffn", f"OUTPUT={tmp_path / 'h.onnx'}",
                         f"REPORT={tmp_path / 'h.html'}").succeeded().json()["results"]
    assert found["DIMENSIONS_OUT"] == 3 and found["ROWS"] == COUNT and found["DEVICE_USED"]
    assert json.loads((tmp_path / "h.json").read_text(encoding="utf-8")) and (tmp_path / "h.html").exists()
