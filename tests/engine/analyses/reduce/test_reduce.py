"""Reductions against singular value decompositions written here, and their reuse."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from earthprint.engine.analyses.models import load_model
from earthprint.engine.analyses.reduce.manifold import fit_umap
from earthprint.engine.analyses.reduce.raster import reduce_raster
from earthprint.engine.analyses.reduce.request import ReduceRequest
from earthprint.engine.analyses.reduce.saved import KIND, from_model
from earthprint.engine.analyses.reduce.table import reduce_table
from earthprint.engine.coding import FLOAT32, scaled_for
from earthprint.engine.errors import EarthprintError, SpaceError
from earthprint.engine.field import create_field, open_field
from earthprint.engine.grid import Grid
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_table

SPACE = Space("made-up", 12, "00", unit_norm=False)


def field(path: Path, seed: int = 0, space: Space = SPACE, offset: float = 0.0) -> np.ndarray:
    """Write an embedding raster of correlated numbers with holes; returns `(dims, rows, cols)`."""
    chance = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(12, 12)) * np.linspace(3, 0.1, 12)
    values = np.einsum("ij,jrc->irc", mixing, chance.normal(size=(12, 300, 410))).astype(np.float32) + offset
    values[:, 40:90, 100:220] = np.nan
    dataset = create_field(str(path), Grid(410, 300, (0, 10, 0, 0, 0, -10), ""), space, FLOAT32)
    dataset.WriteArray(values)
    dataset = None
    return values


def components(table: np.ndarray, count: int) -> "tuple[np.ndarray, np.ndarray]":
    """Return principal components by singular values, and their shares of the variance."""
    centred = table.astype(np.float64) - table.mean(axis=0, dtype=np.float64)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    return centred @ directions[:count].T, (sizes ** 2 / (sizes ** 2).sum())[:count]


@pytest.mark.parametrize("offset", (0.0, 5000.0))
def test_components_equal_singular_vectors(offset: float, tmp_path: Path) -> None:
    values = field(tmp_path / "field.tif", offset=offset)
    result = reduce_raster(ReduceRequest(str(tmp_path / "out.tif"), str(tmp_path / "field.tif"), dimensions=5,
                                         memory_mib=16), Silent())
    found = gdal.Open(str(tmp_path / "out.tif")).ReadAsArray()
    valid = np.isfinite(values[0])
    assert np.array_equal(np.isfinite(found), np.broadcast_to(valid, found.shape))
    wanted, shares = components(values[:, valid].T, 5)
    got = found[:, valid].T
    for index in range(5):
        sign = np.sign(wanted[:, index] @ got[:, index])
        # float32 rounds numbers near 5000 by 0.0002 already.
        error = np.abs(sign * got[:, index] - wanted[:, index]).max()
        assert error <= (1e-5 * np.abs(wanted).max() if not offset else 5e-3)
    np.testing.assert_allclose(result.explained, shares, rtol=1e-4)
    space = open_field(str(tmp_path / "out.tif")).space
    assert space.dimensions == 5
    assert space.digest() != SPACE.digest()


def test_a_saved_reduction_gives_another_year_the_same_axes(tmp_path: Path) -> None:
    field(tmp_path / "first.tif", 0)
    second = field(tmp_path / "second.tif", 1)
    model = str(tmp_path / "model.json")
    reduce_raster(ReduceRequest(str(tmp_path / "a.tif"), str(tmp_path / "first.tif"), dimensions=3, model_out=model,
                                report=str(tmp_path / "report.html")), Silent())
    reduce_raster(ReduceRequest(str(tmp_path / "b.tif"), str(tmp_path / "second.tif"), reuse=model), Silent())
    fitted = from_model(load_model(model, [KIND]), 12)
    wanted = np.einsum("kd,drc->krc", fitted.axes, second - fitted.origin[:, None, None])
    np.testing.assert_allclose(gdal.Open(str(tmp_path / "b.tif")).ReadAsArray(), wanted, rtol=1e-4, atol=1e-4)
    assert open_field(str(tmp_path / "a.tif")).key == open_field(str(tmp_path / "b.tif")).key
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Component 3" in text
    field(tmp_path / "other.tif", 2, Space("another", 12, "11"))
    with pytest.raises(SpaceError) as caught:
        reduce_raster(ReduceRequest(str(tmp_path / "c.tif"), str(tmp_path / "other.tif"), reuse=model), Silent())
    assert "made-up" in str(caught.value)
    assert "another" in str(caught.value)


def test_a_picture_stretches_the_middle_and_keeps_holes(tmp_path: Path) -> None:
    values = field(tmp_path / "field.tif")
    reduce_raster(ReduceRequest(str(tmp_path / "picture.tif"), str(tmp_path / "field.tif"), picture=True), Silent())
    picture = gdal.Open(str(tmp_path / "picture.tif")).ReadAsArray()
    valid = np.isfinite(values[0])
    assert (picture[:, ~valid] == 0).all()
    assert (picture[:, valid] > 0).all()
    wanted, _ = components(values[:, valid].T, 3)
    for band in range(3):
        got = picture[band, valid].astype(float)
        order = np.corrcoef(np.argsort(np.argsort(wanted[:, band])), np.argsort(np.argsort(got)))[0, 1]
        assert abs(order) > 0.99
        low, high = np.percentile(wanted[:, band], [2, 98])
        assert 0.01 < (got == 1).mean() < 0.03
        assert 0.01 < (got == 255).mean() < 0.03
        assert high > low


def test_coded_fields_are_decoded_first(tmp_path: Path) -> None:
    values = field(tmp_path / "field.tif")
    low, high = np.nanmin(values, axis=(1, 2)), np.nanmax(values, axis=(1, 2))
    coding = scaled_for("int16", low.tolist(), high.tolist())
    dataset = create_field(str(tmp_path / "coded.tif"), Grid(410, 300, (0, 10, 0, 0, 0, -10), ""), SPACE, coding)
    dataset.WriteArray(coding.encode(values))
    dataset = None
    for name in ("field", "coded"):
        reduce_raster(ReduceRequest(str(tmp_path / f"{name}-out.tif"), str(tmp_path / f"{name}.tif")), Silent())
    a, b = (gdal.Open(str(tmp_path / f"{name}-out.tif")).ReadAsArray() for name in ("field", "coded"))
    np.testing.assert_allclose(a, b, atol=0.01)


def table(path: Path, rows: int = 500, seed: int = 0, space: Space = SPACE) -> np.ndarray:
    """Write an embedding table of points."""
    chance = np.random.default_rng(seed)
    vectors = (chance.normal(size=(rows, 12)) * np.linspace(4, 0.2, 12)).astype(np.float32)
    with TableWriter(str(path), "", 1, [ColumnSpec("name", "text")], space) as writer:
        writer.write([struct.pack("<BIdd", 1, 1, float(row), 0.0) for row in range(rows)],
                     {"name": [f"row {row}" for row in range(rows)]}, vectors)
    return vectors


def test_a_table_keeps_rows_and_gets_components(tmp_path: Path) -> None:
    vectors = table(tmp_path / "table.gpkg")
    result = reduce_table(open_table(str(tmp_path / "table.gpkg")),
                          ReduceRequest(str(tmp_path / "out.gpkg"), dimensions=4), Silent())
    wanted, shares = components(vectors, 4)
    chunks = list(open_table(str(tmp_path / "out.gpkg")).chunks())
    got = np.concatenate([chunk.vectors for chunk in chunks])
    for index in range(4):
        sign = np.sign(wanted[:, index] @ got[:, index])
        np.testing.assert_allclose(sign * got[:, index], wanted[:, index], atol=1e-4)
    np.testing.assert_allclose(result.explained, shares, rtol=1e-4)
    assert chunks[0].columns["name"][:2] == ["row 0", "row 1"]


def test_a_table_s_picture_is_a_column_of_colours(tmp_path: Path) -> None:
    vectors = table(tmp_path / "table.gpkg")
    reduce_table(open_table(str(tmp_path / "table.gpkg")), ReduceRequest(str(tmp_path / "out.gpkg"), picture=True),
                 Silent())
    chunk = next(open_table(str(tmp_path / "out.gpkg")).chunks())
    assert all(len(colour) == 7 and colour[0] == "#" for colour in chunk.columns["colour"])
    np.testing.assert_array_equal(chunk.vectors, vectors)


def test_umap_keeps_groups_apart(tmp_path: Path) -> None:
    pytest.importorskip("umap", reason="umap-learn is an optional package")
    chance = np.random.default_rng(0)
    groups = np.repeat(np.arange(3), 80)
    sample = (chance.normal(size=(240, 12)) * 0.1 + 5 * np.eye(12)[groups]).astype(np.float32)
    fitted = fit_umap(sample, 2, "euclidean", 0, Silent())
    fresh = (chance.normal(size=(60, 12)) * 0.1 + 5 * np.eye(12)[np.repeat(np.arange(3), 20)]).astype(np.float32)
    places = fitted.apply(fresh.T).T
    centres = np.array([fitted.places[groups == group].mean(axis=0) for group in range(3)])
    nearest = np.linalg.norm(places[:, None] - centres, axis=2).argmin(axis=1)
    assert np.array_equal(nearest, np.repeat(np.arange(3), 20))


def test_wrong_wishes_are_refused_in_words(tmp_path: Path) -> None:
    field(tmp_path / "field.tif")
    for options, words in (({"dimensions": 13}, "12 dimensions"), ({"dimensions": 0}, "1 or more"),
                           ({"method": "tsne"}, "pca or umap"), ({"reuse": str(tmp_path / "no.json")}, "no.json")):
        with pytest.raises(EarthprintError, match=words):
            reduce_raster(ReduceRequest(str(tmp_path / "out.tif"), str(tmp_path / "field.tif"), **options), Silent())
        assert not (tmp_path / "out.tif").exists()
