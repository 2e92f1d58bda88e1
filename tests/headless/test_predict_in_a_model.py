"""Embed, train and predict as one model; and train once, predict many times, on a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from osgeo import gdal, ogr
from qgis.core import QgsProcessing, QgsProcessingModelParameter, QgsProcessingParameterFeatureSource
from small_fields import wkt_of
from small_scene import GEOTRANSFORM, values, write_scene
from test_models import argument, child, raster_model, result, saved

from earthprint.engine.plain_layer import LayerWriter
from earthprint.engine.table import ColumnSpec

CELL = 4


def bright_cells() -> np.ndarray:
    """Return which cells of 4 x 4 pixels are bright in the nir, `(24, 32)`."""
    nir = values()[3]
    means = nir.reshape(nir.shape[0] // CELL, CELL, nir.shape[1] // CELL, CELL).mean(axis=(1, 3))
    return means > np.median(means)


def write_labels(path: Path) -> str:
    """Label every third cell in reading order."""
    bright = bright_cells()
    rows, columns = (places.ravel()[::3] for places in np.indices(bright.shape))
    points = []
    for row, column in zip(rows.tolist(), columns.tolist()):
        point = ogr.Geometry(ogr.wkbPoint)
        point.AddPoint_2D(GEOTRANSFORM[0] + 10 * CELL * (column + 0.5), GEOTRANSFORM[3] - 10 * CELL * (row + 0.5))
        points.append(bytes(point.ExportToWkb(ogr.wkbNDR)))
    with LayerWriter(str(path), wkt_of(32632), ogr.wkbPoint, [ColumnSpec("kind", "text")]) as writer:
        writer.write(points, {"kind": np.where(bright[rows, columns], "bright", "dark").tolist()})
    return str(path)


def test_embed_train_and_predict_in_one_model(provider: Any, qgis_process: Any, tmp_path: Path) -> None:
    scene, labels = write_scene(tmp_path / "scene.tif"), write_labels(tmp_path / "labels.gpkg")
    model = raster_model("embed_train_predict")
    model.addModelParameter(QgsProcessingParameterFeatureSource("labels", "Labels",
                                                                [QgsProcessing.SourceType.TypeVectorPoint]),
                            QgsProcessingModelParameter("labels"))
    child(model, "embed", "earthprint:embedraster", {"INPUT": "@scene", "CELL": CELL})
    child(model, "train", "earthprint:trainclassification", {
        "INPUT": "@labels", "TARGET": "kind", "EMBEDDINGS": ("embed", "OUTPUT"), "FOLD_COUNT": 3})
    child(model, "predict", "earthprint:predictraster", {
        "INPUT": ("embed", "OUTPUT"), "PREDICTOR": ("train", "OUTPUT"), "APPLICABILITY": False})
    child(model, "sieve", "native:fillnodata", {"INPUT": ("predict", "OUTPUT"), "BAND": 1, "FILL_VALUE": 9})
    result(model, "predict", "OUTPUT", "map")
    result(model, "sieve", "OUTPUT", "filled")
    result(model, "train", "OUTPUT", "predictor")
    path = saved(model, tmp_path / "model.model3")
    qgis_process("run", path, f"scene={scene}", f"labels={labels}", argument(model, "map", tmp_path / "map.tif"),
                 argument(model, "filled", tmp_path / "filled.tif"),
                 argument(model, "predictor", tmp_path / "kind.onnx")).succeeded()
    dataset = gdal.Open(str(tmp_path / "map.tif"))
    dataset.GetMetadata()
    names = dataset.GetRasterBand(1).GetCategoryNames()
    found = np.array(names)[dataset.ReadAsArray()]
    assert ((found == "bright") == bright_cells()).mean() > 0.9
    assert (gdal.Open(str(tmp_path / "filled.tif")).ReadAsArray() == dataset.ReadAsArray()).all()
    for name in ("first", "second"):
        qgis_process("run", "earthprint:embedraster", f"INPUT={scene}", f"CELL={CELL}",
                     f"OUTPUT={tmp_path / f'{name}.tif'}").succeeded()
        qgis_process("run", "earthprint:predictraster", f"INPUT={tmp_path / f'{name}.tif'}",
                     f"PREDICTOR={tmp_path / 'kind.onnx'}", "APPLICABILITY=false",
                     f"OUTPUT={tmp_path / f'{name}_map.tif'}").succeeded()
        again = gdal.Open(str(tmp_path / f"{name}_map.tif")).ReadAsArray()
        assert (again == dataset.ReadAsArray()).all(), "trained once, it predicts the same ever after"
