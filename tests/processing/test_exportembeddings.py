""""Export embeddings" through processing.run: tables of every kind go out, and come back by "Import embeddings"."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import ogr
from qgis.core import QgsProcessingException, QgsVectorLayer

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
