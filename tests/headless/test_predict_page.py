"""The page on prediction keeps its word: its script, run as it stands without QGIS, says what Predict raster says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal, ogr
from small_fields import wkt_of
from small_scene import GEOTRANSFORM, values, write_scene

from earthprint.engine.plain_layer import LayerWriter
from earthprint.engine.table import ColumnSpec

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "predict.md"
CELL = 4


def write_heights(path: Path) -> str:
    """Write points at every third cell with a number that the picture shows."""
    nir = values()[3]
    means = nir.reshape(nir.shape[0] // CELL, CELL, nir.shape[1] // CELL, CELL).mean(axis=(1, 3))
    rows, columns = (places.ravel()[::3] for places in np.indices(means.shape))
    points = []
    for row, column in zip(rows.tolist(), columns.tolist()):
        point = ogr.Geometry(ogr.wkbPoint)
        point.AddPoint_2D(GEOTRANSFORM[0] + 10 * CELL * (column + 0.5), GEOTRANSFORM[3] - 10 * CELL * (row + 0.5))
        points.append(bytes(point.ExportToWkb(ogr.wkbNDR)))
    with LayerWriter(str(path), wkt_of(32632), ogr.wkbPoint, [ColumnSpec("height", "real")]) as writer:
        writer.write(points, {"height": (means[rows, columns] / 100).tolist()})
    return str(path)


def test_the_script_on_the_page_predicts_as_the_algorithm_does(run_algorithm: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    script = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert script is not None
    run_algorithm("embedraster", {"INPUT": str(write_scene(tmp_path / "scene.tif")), "CELL": CELL,
                                  "OUTPUT": str(tmp_path / "field.tif")})
    run_algorithm("trainregression", {
        "INPUT": write_heights(tmp_path / "plots.gpkg"), "TARGET": "height",
        "EMBEDDINGS": str(tmp_path / "field.tif"), "OUTPUT": str(tmp_path / "height.onnx")})
    run_algorithm("predictraster", {"INPUT": str(tmp_path / "field.tif"), "PREDICTOR": str(tmp_path / "height.onnx"),
                                    "INTERVAL": 90, "OUTPUT": str(tmp_path / "height.tif")})
    done = subprocess.run([sys.executable, "-c", script.group(1)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = [float(text) for text in done.stdout.split()]
    bands = gdal.Open(str(tmp_path / "height.tif")).ReadAsArray()[:4]
    assert told == pytest.approx([np.nanmean(band) for band in bands], abs=2e-3)
    assert told[1] < told[0] < told[2] and 0 < told[3] <= 1
