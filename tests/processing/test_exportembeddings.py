""""Export embeddings" through processing.run: tables of every kind go out, and come back by "Import embeddings"."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import ogr
from qgis.core import QgsProcessingException, QgsRasterLayer, QgsVectorLayer
from small_fields import write_bands, write_field

from earthprint.engine.dataset import open_raster
from earthprint.engine.field import open_field
from earthprint.engine.provenance import KNOWN
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_table

SPACE = Space("alphaearth", 16, unit_norm=True, provenance=(KNOWN["alphaearth"],))
ENDINGS = {"columns": ".gpkg", "parquet": ".parquet", "csv": ".csv", "numpy": ".npy"}


def values() -> np.ndarray:
    found = np.random.default_rng(0).normal(size=(7, 16)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def table(path: Path) -> str:
    with TableWriter(str(path), "", ogr.wkbPoint, [ColumnSpec("code", "text")], SPACE) as writer:
        writer.write([struct.pack("<BIdd", 1, 1, row, row) for row in range(7)],
                     {"code": [f"0{row}" for row in range(7)]}, values())
    return str(path)


def vectors_in(path: str) -> np.ndarray:
    return np.concatenate([chunk.vectors for chunk in open_table(path).chunks()])


@pytest.mark.parametrize("form", list(ENDINGS))
@pytest.mark.parametrize("said", ["FORMAT", "ending", "temporary"])
def test_there_and_back(run_algorithm: Any, tmp_path: Path, form: str, said: str) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    parameters = {"INPUT": table(tmp_path / "in.gpkg"), "OUTPUT": str(tmp_path / f"o{ENDINGS[form]}")}
    if said != "ending":
        parameters["FORMAT"] = form
    if said == "temporary":
        parameters["OUTPUT"] = "TEMPORARY_OUTPUT"
    found = run_algorithm("exportembeddings", parameters)
    assert found["OUTPUT"].endswith(ENDINGS[form])
    assert (found["ROWS"], found["DIMENSIONS_OUT"]) == (7, 16)
    back = run_algorithm("importembeddings", {"FILE": found["OUTPUT"], "OUTPUT": str(tmp_path / "back.gpkg")})
    assert vectors_in(back["OUTPUT"]).tobytes() == values().tobytes()
    assert back["SPACE"] == SPACE.key()
    assert next(open_table(back["OUTPUT"]).chunks()).columns["code"] == [f"0{row}" for row in range(7)]
    assert open_table(back["OUTPUT"]).identity().provenance[0].licence == "CC BY 4.0"


def test_filtered_and_selected_rows_alone(run_algorithm: Any, tmp_path: Path) -> None:
    layer = QgsVectorLayer(table(tmp_path / "in.gpkg"), "in", "ogr")
    assert layer.setSubsetString("code > '03'")
    found = run_algorithm("exportembeddings", {"INPUT": layer, "FORMAT": "numpy", "OUTPUT": str(tmp_path / "o.npy")})
    assert np.load(found["OUTPUT"]).tobytes() == values()[4:].tobytes()


@pytest.mark.parametrize(("changes", "message"), [
    ({"OUTPUT": "o.shp"}, "a Shapefile can't hold vectors"), ({"FORMAT": "excel"}, "FORMAT"),
    ({"FORMAT": "csv", "OUTPUT": "o.parquet"}, "end OUTPUT in .csv"), ({"INPUT": "/nowhere/a.gpkg"}, "INPUT"),
    ({"OUTPUT": "/nowhere/o.csv"}, "/nowhere doesn't exist")])
def test_wrong_values_are_told(run_algorithm: Any, tmp_path: Path, changes: Any, message: str) -> None:
    parameters = {"INPUT": table(tmp_path / "in.gpkg"), "OUTPUT": str(tmp_path / "o.csv"), **changes}
    with pytest.raises(QgsProcessingException, match=message):
        run_algorithm("exportembeddings", parameters)


def test_a_layer_without_vectors_is_told(run_algorithm: Any, tmp_path: Path) -> None:
    layer = QgsVectorLayer("Point?field=name:string", "Places", "memory")
    with pytest.raises(QgsProcessingException, match="no column “embedding”"):
        run_algorithm("exportembeddings", {"INPUT": layer, "OUTPUT": str(tmp_path / "o.csv")})


def raster(path: Path, rows: int = 40, columns: int = 50) -> str:
    return write_field(path, np.random.default_rng(3).normal(size=(6, rows, columns)).astype(np.float32),
                       (500000, 10, 0, 4000000, 0, -10), space=Space("made", 6))


def read_back(path: str) -> np.ndarray:
    return open_field(path).read(open_raster(path), open_field(path).info.grid.whole)


@pytest.mark.parametrize("coding", ["float32", "int16", "uint8", "lerc"])
@pytest.mark.parametrize("output", ["o.tif", "TEMPORARY_OUTPUT"])
def test_a_raster_in_another_coding(run_algorithm: Any, tmp_path: Path, coding: str, output: str) -> None:
    place = output if output == "TEMPORARY_OUTPUT" else str(tmp_path / output)
    path = raster(tmp_path / "in.tif")
    found = run_algorithm("exportembeddings", {"RASTER": path, "CODING": coding, "MAX_ERROR": 0.01, "OUTPUT": place})
    before, after = read_back(path), read_back(found["OUTPUT"])
    span = before.max(axis=(1, 2)) - before.min(axis=(1, 2))
    allowed = {"float32": 0, "int16": span.max() / 65534 / 2, "uint8": span.max() / 254 / 2, "lerc": 0.01}[coding]
    assert np.abs(after - before).max() <= allowed * (1 + 1e-4) + 1.2e-7 * np.abs(before).max()
    assert found["LARGEST_ERROR"] == pytest.approx(float(np.abs(after - before).max()))
    assert (found["ROWS"], found["DIMENSIONS_OUT"]) == (2000, 6)
    assert open_field(found["OUTPUT"]).space == Space("made", 6)
    assert QgsRasterLayer(found["OUTPUT"], "r", "gdal").crs().authid() == "EPSG:32633"


@pytest.mark.parametrize(("changes", "message"), [
    ({"INPUT": "in.gpkg"}, "Give either INPUT.*: 2 of the two"), ({"RASTER": None}, "0 of the two are given"),
    ({"OUTPUT": "o.gpkg"}, "end OUTPUT in .tif"), ({"CODING": "int4"}, "CODING: “int4” is not one of float32"),
    ({"CODING": "alphaearth"}, "for vectors of length 1"), ({"CODING": "lerc", "MAX_ERROR": 0}, "an error above 0"),
    ({"RASTER": "one"}, "single band"), ({"RASTER": "/nowhere/a.tif"}, "there is no file or layer")])
def test_wrong_rasters_are_told(run_algorithm: Any, tmp_path: Path, changes: Any, message: str) -> None:
    table(tmp_path / "in.gpkg")
    named = {"in.gpkg": str(tmp_path / "in.gpkg"), "o.gpkg": str(tmp_path / "o.gpkg")}
    one = np.random.default_rng(0).normal(size=(1, 9, 9))
    named["one"] = write_bands(tmp_path / "one.tif", one, (5, 1, 0, 5, 0, -1), 32633, -9)
    parameters = {"RASTER": raster(tmp_path / "in.tif"), "OUTPUT": str(tmp_path / "o.tif"),
                  **{name: named.get(value, value) for name, value in changes.items()}}
    with pytest.raises(QgsProcessingException, match=message):
        run_algorithm("exportembeddings", parameters)
    assert not list(tmp_path.glob("o.*"))
