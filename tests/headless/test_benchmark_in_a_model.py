"""Places embedded by one step, compared by the next, and the verdicts filtered by QGIS's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from osgeo import ogr
from qgis.core import (
    QgsProcessing,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelParameter,
    QgsProcessingParameterFeatureSource,
)
from small_fields import wkt_of
from test_models import argument, child, result, saved

from earthprint.engine.plain_layer import LayerWriter
from earthprint.engine.table import ColumnSpec


def write_labels(path: Path) -> str:
    """Write places in Europe with a number that rises to the north, so that any location encoder knows it."""
    chance = np.random.default_rng(0)
    places = np.stack([chance.uniform(0, 20, 90), chance.uniform(40, 60, 90)], axis=1)
    points = []
    for longitude, latitude in places.tolist():
        point = ogr.Geometry(ogr.wkbPoint)
        point.AddPoint_2D(longitude, latitude)
        points.append(bytes(point.ExportToWkb(ogr.wkbNDR)))
    with LayerWriter(str(path), wkt_of(4326), ogr.wkbPoint, [ColumnSpec("warmth", "real")]) as writer:
        writer.write(points, {"warmth": np.cos(np.radians(places[:, 1])).tolist()})
    return str(path)


def test_embed_compare_and_filter_in_one_model(provider: Any, qgis_process: Any, tmp_path: Path) -> None:
    labels = write_labels(tmp_path / "labels.gpkg")
    model = QgsProcessingModelAlgorithm("embed_and_compare", "")
    model.setName("embed_and_compare")
    model.addModelParameter(
        QgsProcessingParameterFeatureSource("labels", "Labels", [QgsProcessing.SourceType.TypeVectorPoint]),
        QgsProcessingModelParameter("labels"))
    child(model, "embed", "earthprint:embedlocations", {"INPUT": "@labels", "ENCODER": "xyz"})
    child(model, "compare", "earthprint:benchmarkencoders", {
        "INPUTS": ("embed", "OUTPUT"), "TARGET": "warmth", "ENCODERS": "wrap", "PROBES": "linear", "LABELS": "0",
        "GEOBIAS": False})
    child(model, "own", "native:extractbyexpression", {
        "INPUT": ("compare", "OUTPUT"), "EXPRESSION": "\"candidate\" = 'own vectors'"})
    result(model, "own", "OUTPUT", "scores")
    result(model, "compare", "REPORT", "page")
    path = saved(model, tmp_path / "model.model3")
    qgis_process("run", path, f"labels={labels}", argument(model, "scores", tmp_path / "scores.gpkg"),
                 argument(model, "page", tmp_path / "page.html")).succeeded()
    layer = ogr.Open(str(tmp_path / "scores.gpkg"))
    rows = {feature["folds"]: feature for feature in layer.GetLayer(0)}
    assert set(rows) == {"random", "blocks"}
    assert rows["random"]["score"] > 0.98 and rows["random"]["kind"] == "own vectors"
    assert "warmth" in (tmp_path / "page.html").read_text(encoding="utf-8")
