""""Reduce dimensions of table" through processing.run and qgis_process: values, colours, and wrong input."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import (
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsRenderContext,
    QgsVectorLayer,
)

from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_table
from earthprint.processing_provider.styles.picture import style_colour_column

SPACE = Space("made-up", 8, "00")
VECTORS = (np.random.default_rng(4).normal(size=(120, 8)) * np.linspace(5, 0.5, 8)).astype(np.float32)


@pytest.fixture
def table(tmp_path: Path) -> str:
    """Write points with vectors."""
    path = tmp_path / "table.gpkg"
    with TableWriter(str(path), "", 1, [ColumnSpec("name", "text")], SPACE) as writer:
        writer.write([struct.pack("<BIdd", 1, 1, float(row), 0.0) for row in range(len(VECTORS))],
                     {"name": [f"row {row}" for row in range(len(VECTORS))]}, VECTORS)
    return str(path)


def scores(vectors: np.ndarray, count: int) -> np.ndarray:
    """Return principal component scores by singular values, the largest loading of each positive."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:count]
    axes *= np.sign(axes[np.arange(count), np.abs(axes).argmax(axis=1)])[:, None]
    return centred @ axes.T


def vectors_of(path: str) -> np.ndarray:
    return np.concatenate([chunk.vectors for chunk in open_table(path).chunks()])


def test_a_selection_is_reduced_by_its_own_components(run_algorithm: Any, table: str, tmp_path: Path,
                                                      qgis_new_project: Any) -> None:
    layer = QgsVectorLayer(table, "table", "ogr")
    QgsProject.instance().addMapLayer(layer)
    layer.selectByExpression("fid <= 60")
    found = run_algorithm("reducetable", {
        "INPUT": QgsProcessingFeatureSourceDefinition(layer.id(), True), "DIMENSIONS": 3,
        "OUTPUT": str(tmp_path / "out.gpkg")})
    np.testing.assert_allclose(vectors_of(found["OUTPUT"]), scores(VECTORS[:60], 3), atol=1e-4)
    space = open_table(found["OUTPUT"]).space()
    assert (space.dimensions, space.metric, space.reduction["method"]) == (3, "euclidean", "pca")


def test_colours_are_drawn(run_algorithm: Any, table: str, tmp_path: Path) -> None:
    found = run_algorithm("reducetable", {"INPUT": table, "PICTURE": True, "OUTPUT": str(tmp_path / "out.gpkg")})
    chunk = next(open_table(found["OUTPUT"]).chunks())
    np.testing.assert_array_equal(chunk.vectors, VECTORS)
    reds = [int(colour[1:3], 16) for colour in chunk.columns["colour"]]
    low, high = np.percentile(scores(VECTORS, 1)[:, 0], [2, 98])
    wanted = 1 + 254 * np.clip((scores(VECTORS, 1)[:, 0] - low) / (high - low), 0, 1)
    np.testing.assert_allclose(reds, wanted, atol=0.51)
    layer = QgsVectorLayer(found["OUTPUT"], "out", "ogr")
    style_colour_column(layer, "colour")
    context = QgsRenderContext()
    context.expressionContext().appendScope(layer.createExpressionContextScope())
    feature = next(layer.getFeatures())
    context.expressionContext().setFeature(feature)
    renderer = layer.renderer()
    renderer.startRender(context, layer.fields())
    part = renderer.symbolForFeature(feature, context).symbolLayer(0)
    shown, valid = part.dataDefinedProperties().valueAsColor(
        part.PropertyFillColor, context.expressionContext())
    renderer.stopRender(context)
    assert valid and shown.name() == chunk.columns["colour"][0]


def test_wrong_input_is_told_in_one_sentence(run_algorithm: Any, table: str, tmp_path: Path, qgis_new_project: Any,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    plain = QgsProject.instance().addMapLayer(QgsVectorLayer("Point?field=name:string", "plain", "memory")).id()
    for parameters, words in (
            ({"INPUT": table, "DIMENSIONS": 9}, "have 8 dimensions"),
            ({"INPUT": table, "DIMENSIONS": 0}, "DIMENSIONS: 0 is out of range"),
            ({"INPUT": plain}, "embedding"),
            ({"INPUT": table, "MODEL_OUT": str(tmp_path / "m.pkl")}, "must end in .json")):
        with pytest.raises(QgsProcessingException, match=words):
            run_algorithm("reducetable", {**parameters, "OUTPUT": str(tmp_path / "out.gpkg")})
        assert not (tmp_path / "out.gpkg").exists()
    from earthprint.engine import packages

    monkeypatch.setattr(packages, "_find_spec", lambda module: None)
    monkeypatch.setattr(packages, "_spec_exists", lambda module: False)
    with pytest.raises(QgsProcessingException, match="umap-learn is needed for reductions by UMAP"):
        run_algorithm("reducetable", {"INPUT": table, "METHOD": "umap", "OUTPUT": str(tmp_path / "out.gpkg")})


def test_headless(qgis_process: Any, table: str, tmp_path: Path) -> None:
    qgis_process("run", "earthprint:reducetable", f"INPUT={table}", "DIMENSIONS=2",
                 f"MODEL_OUT={tmp_path / 'm.json'}", f"OUTPUT={tmp_path / 'out.gpkg'}").succeeded()
    np.testing.assert_allclose(vectors_of(str(tmp_path / "out.gpkg")), scores(VECTORS, 2), atol=1e-4)
    assert (tmp_path / "m.json").is_file()
