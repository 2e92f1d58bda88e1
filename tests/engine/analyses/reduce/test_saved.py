"""Saved reductions: used without what made them, and refused where they are damaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Dict

import numpy as np
import pytest
from osgeo import gdal

from earthprint.engine import packages
from earthprint.engine.analyses.models import FittedModel, load_model, model_of, save_model
from earthprint.engine.analyses.reduce.manifold import SampleMap
from earthprint.engine.analyses.reduce.raster import reduce_raster
from earthprint.engine.analyses.reduce.request import ReduceRequest
from earthprint.engine.analyses.reduce.saved import KIND, from_model, to_model
from earthprint.engine.coding import FLOAT32
from earthprint.engine.errors import ModelError, PackageError
from earthprint.engine.field import create_field
from earthprint.engine.grid import Grid
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space

CHANCE = np.random.default_rng(7)
SAMPLE = CHANCE.normal(size=(40, 6)).astype(np.float32)
PLACES = CHANCE.normal(size=(40, 2)).astype(np.float32)


def drawn(metric: str) -> SampleMap:
    """Return a map that no package was needed for."""
    sample = SAMPLE / np.linalg.norm(SAMPLE, axis=1, keepdims=True) if metric == "cosine" else SAMPLE
    stretch = np.percentile(PLACES, [2, 98], axis=0).T.astype(np.float32)
    return SampleMap(metric, np.zeros(6, dtype=np.float32), sample, PLACES, stretch)


@pytest.mark.parametrize("metric", ("cosine", "euclidean"))
def test_a_saved_map_places_between_neighbours_without_its_package(
        metric: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise PackageError("missing", name)

    monkeypatch.setattr(packages, "require", refuse)
    space = Space("made-up", 6, "00", metric=metric)
    save_model(tmp_path / "map.json", to_model(drawn(metric), space))
    values = CHANCE.normal(size=(6, 30, 20)).astype(np.float32)
    values[:, 3, 4] = SAMPLE[11] * (5 if metric == "cosine" else 1)
    values[:, 5, 6] = 0
    values[2, 8, 9] = np.nan
    dataset = create_field(str(tmp_path / "field.tif"), Grid(20, 30, (0, 1, 0, 0, 0, -1), ""), space, FLOAT32)
    dataset.WriteArray(values)
    dataset = None
    reduce_raster(ReduceRequest(str(tmp_path / "out.tif"), str(tmp_path / "field.tif"),
                                reuse=str(tmp_path / "map.json")), Silent())
    found = gdal.Open(str(tmp_path / "out.tif")).ReadAsArray()
    np.testing.assert_allclose(found[:, 3, 4], PLACES[11], atol=1e-4)
    assert np.isnan(found[:, 8, 9]).all()
    assert np.isnan(found[:, 5, 6]).all() == (metric == "cosine")
    for row, column in ((0, 0), (17, 3), (29, 19)):
        vector = values[:, row, column].astype(np.float64)
        sample = SAMPLE.astype(np.float64)
        if metric == "cosine":
            vector, sample = vector / np.linalg.norm(vector), sample / np.linalg.norm(sample, axis=1, keepdims=True)
        squares = ((sample - vector) ** 2).sum(axis=1)
        nearest = np.argsort(squares)[:5]
        wanted = (PLACES[nearest] / squares[nearest, None]).sum(axis=0) / (1 / squares[nearest]).sum()
        np.testing.assert_allclose(found[:, row, column], wanted, rtol=1e-4, atol=1e-5)


def test_a_map_comes_back_as_it_was(tmp_path: Path) -> None:
    save_model(tmp_path / "map.json", to_model(drawn("cosine"), Space("made-up", 6, "00")))
    found = from_model(load_model(tmp_path / "map.json", [KIND]), 6)
    assert isinstance(found, SampleMap) and found.metric == "cosine"
    for name in ("origin", "sample", "places", "stretch"):
        np.testing.assert_array_equal(getattr(found, name), getattr(drawn("cosine"), name))


PCA = {"method": "pca", "explained": [0.5, 0.2]}
ARRAYS = {"axes": np.eye(6)[:2], "origin": np.zeros(6), "stretch": np.ones((2, 2))}


def model(parameters: Dict[str, Any], **arrays: np.ndarray) -> FittedModel:
    """Return a model of these numbers."""
    return model_of(KIND, Space("made-up", 6, "00"), {**ARRAYS, **arrays}, parameters)


@pytest.mark.parametrize("damaged", [
    model({**PCA, "method": "tsne"}), model({**PCA, "explained": "all"}), model({**PCA, "explained": ["a", "b"]}),
    model({}), model(PCA, axes=np.eye(7)[:2]), model(PCA, origin=np.zeros(5)), model(PCA, stretch=np.ones((3, 2))),
    model({"method": "umap"}, sample=SAMPLE, places=PLACES),
    model({"method": "umap", "metric": "cosine"}, sample=SAMPLE, places=PLACES[:39]),
    model({"method": "umap", "metric": "cosine"}, sample=SAMPLE[:0], places=PLACES[:0], stretch=np.ones((2, 2)))])
def test_a_damaged_reduction_is_refused(damaged: FittedModel) -> None:
    with pytest.raises(ModelError):
        from_model(damaged, 6)


def test_what_is_whole_is_taken() -> None:
    fitted = from_model(replace(model(PCA), path="x.json"), 6)
    assert fitted.dimensions == 2 and fitted.explained == (0.5, 0.2)
