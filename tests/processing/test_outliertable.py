""""Find outliers in table" through processing.run and qgis_process: scores, and wrong input."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import QgsProcessingException, QgsProject, QgsVectorLayer

from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_table

SPACE = Space("made-up", 8, "00", metric="euclidean")
VECTORS = np.random.default_rng(4).normal(size=(150, 8)).astype(np.float32)
VECTORS[99] *= 9


@pytest.fixture
def table(tmp_path: Path) -> str:
    """Write points with vectors."""
    path = tmp_path / "table.gpkg"
    with TableWriter(str(path), "", 1, [ColumnSpec("name", "text")], SPACE) as writer:
        writer.write([struct.pack("<BIdd", 1, 1, float(row), 0.0) for row in range(len(VECTORS))],
                     {"name": [f"row {row}" for row in range(len(VECTORS))]}, VECTORS)
    return str(path)


def filtered(path: str, text: str) -> str:
    """Return the id of a filtered layer of the project."""
    layer = QgsVectorLayer(path, "table", "ogr")
    assert layer.setSubsetString(text)
    return QgsProject.instance().addMapLayer(layer).id()


def expected(vectors: np.ndarray, rank: int) -> np.ndarray:
    """Return the distance of each row to its neighbour of a rank among the others."""
    wide = vectors.astype(np.float64)
    apart = np.linalg.norm(wide[:, None] - wide, axis=2)
    np.fill_diagonal(apart, np.inf)
    return np.sort(apart, axis=1)[:, rank - 1]


def test_a_filtered_layer_is_scored_among_its_own_rows(run_algorithm: Any, table: str, tmp_path: Path,
                                                       qgis_new_project: Any) -> None:
    found = run_algorithm("outliertable", {"INPUT": filtered(table, "fid > 50"), "NEIGHBOURS": 2,
                                           "OUTPUT": str(tmp_path / "out.gpkg")})
    chunk = next(open_table(found["OUTPUT"]).chunks())
    np.testing.assert_allclose(chunk.columns["outlier"], expected(VECTORS[50:], 2), rtol=1e-5)
    assert chunk.columns["name"][int(np.argmax(chunk.columns["outlier"]))] == "row 99"


def test_wrong_input_is_told_in_one_sentence(run_algorithm: Any, table: str, tmp_path: Path,
                                             qgis_new_project: Any) -> None:
    empty = filtered(table, "fid > 5000")
    for parameters, words in (
            ({"INPUT": table, "NEIGHBOURS": 150}, "sample of only 150 vectors"), ({"INPUT": empty}, "no rows"),
            ({"INPUT": table, "METHOD": "cluster", "CLUSTERS": 151}, "CLUSTERS is 151")):
        with pytest.raises(QgsProcessingException, match=words):
            run_algorithm("outliertable", {**parameters, "OUTPUT": str(tmp_path / "out.gpkg")})
        assert not (tmp_path / "out.gpkg").exists()


def test_headless(qgis_process: Any, table: str, tmp_path: Path) -> None:
    qgis_process("run", "earthprint:outliertable", f"INPUT={table}", f"OUTPUT={tmp_path / 'out.gpkg'}").succeeded()
    chunk = next(open_table(str(tmp_path / "out.gpkg")).chunks())
    np.testing.assert_allclose(chunk.columns["outlier"], expected(VECTORS, 5), rtol=1e-5)
