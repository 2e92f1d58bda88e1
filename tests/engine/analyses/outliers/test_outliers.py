"""Outlier scores against distances computed one by one, and against scikit-learn's neighbours."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal

from earthprint.engine.analyses.outliers.raster import outlier_raster
from earthprint.engine.analyses.outliers.request import OutlierChoice, OutlierRasterRequest, OutlierTableRequest
from earthprint.engine.analyses.outliers.table import outlier_table
from earthprint.engine.coding import FLOAT32
from earthprint.engine.errors import EarthprintError
from earthprint.engine.field import create_field, open_field
from earthprint.engine.field_sample import sample_field
from earthprint.engine.grid import Grid
from earthprint.engine.neighbours import NearestInSample
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_table

COSINE = Space("made-up", 6, "00")
EUCLIDEAN = Space("made-up", 6, "00", metric="euclidean")
ROWS, COLUMNS = 70, 90


def field(path: Path, space: Space, offset: float = 0.0) -> np.ndarray:
    """Write three kinds of ground in noise, with a hole, a zero vector and one odd cell."""
    chance = np.random.default_rng(3)
    kinds = chance.normal(size=(3, 6)) * 4
    values = kinds[np.arange(COLUMNS) // 30].T[:, None] + chance.normal(size=(6, ROWS, COLUMNS)) * 0.3
    values[:, 60, 40] = -3 * kinds.mean(axis=0)
    values = (values + offset).astype(np.float32)
    values[2, 5:12, 5:20] = np.nan
    values[:, 0, 0] = 0
    dataset = create_field(str(path), Grid(COLUMNS, ROWS, (0, 10, 0, 0, 0, -10), ""), space, FLOAT32)
    dataset.WriteArray(values)
    dataset = None
    return values


def table_of(vectors: np.ndarray, path: Path, space: Space) -> Any:
    """Write a table of points that has a score already, and open it."""
    with TableWriter(str(path), "", 1, [ColumnSpec("name", "text"), ColumnSpec("outlier", "real")], space) as writer:
        writer.write([struct.pack("<BIdd", 1, 1, float(row), 0.0) for row in range(len(vectors))],
                     {"name": [f"row {row}" for row in range(len(vectors))], "outlier": [7.0] * len(vectors)}, vectors)
    return open_table(str(path))


def distances(one: np.ndarray, others: np.ndarray, metric: str) -> np.ndarray:
    """Return distances as the books define them, in float64."""
    one, others = one.astype(np.float64), others.astype(np.float64)
    if metric == "euclidean":
        return np.sqrt(((others - one) ** 2).sum(axis=1))
    return 1 - others @ one / np.linalg.norm(others, axis=1) / np.linalg.norm(one)


def naive(vector: np.ndarray, place: "tuple[int, int]", sample: np.ndarray, cells: np.ndarray, rank: int,
          metric: str) -> float:
    """Return the distance to the neighbour of a rank, leaving the cell itself out by its place."""
    kept = [row for row in range(len(sample))
            if tuple(cells[row]) != place and (metric == "euclidean" or sample[row].any())]
    return float(np.sort(distances(vector, sample[kept], metric))[rank - 1])


@pytest.mark.parametrize("space, offset", [(COSINE, 0.0), (EUCLIDEAN, 0.0), (EUCLIDEAN, 3000.0)])
@pytest.mark.parametrize("sample, rank", [(400, 1), (400, 7), (100_000, 3)])
def test_scores_are_distances_to_the_neighbour_of_that_rank(
        space: Space, offset: float, sample: int, rank: int, tmp_path: Path) -> None:
    values = field(tmp_path / "field.tif", space, offset)
    choice = OutlierChoice(neighbours=rank, sample=sample, seed=5)
    result = outlier_raster(OutlierRasterRequest(str(tmp_path / "field.tif"), str(tmp_path / "out.tif"), choice),
                            Silent())
    found = gdal.Open(str(tmp_path / "out.tif")).ReadAsArray()
    taken = sample_field(open_field(str(tmp_path / "field.tif")), sample, 5, Silent())
    assert len(taken.vectors) == (400 if sample == 400 else np.isfinite(values[2]).sum())
    valid = np.isfinite(values[2])
    if space.metric == "cosine":
        valid[0, 0] = False
    assert np.array_equal(np.isfinite(found), valid)
    assert result.scored == valid.sum()
    chance = np.random.default_rng(0)
    places = [(60, 40), *map(tuple, taken.cells[:40, ::-1].tolist()),
              *((int(row), int(column)) for row, column in chance.integers(0, 70, size=(60, 2)))]
    for row, column in places:
        if not valid[row, column]:
            continue
        wanted = naive(values[:, row, column], (column, row), taken.vectors, taken.cells, rank, space.metric)
        assert found[row, column] == pytest.approx(wanted, rel=2e-5 if not offset else 2e-3, abs=1e-6)
    if not (space.metric == "euclidean" and offset):
        assert np.nanargmax(np.where(np.arange(found.size).reshape(found.shape) == 0, -1, found)) == 60 * COLUMNS + 40


def test_a_cell_of_the_sample_is_not_its_own_neighbour(tmp_path: Path) -> None:
    field(tmp_path / "field.tif", EUCLIDEAN)
    outlier_raster(OutlierRasterRequest(str(tmp_path / "field.tif"), str(tmp_path / "out.tif"),
                                        OutlierChoice(neighbours=1, sample=100_000)), Silent())
    found = gdal.Open(str(tmp_path / "out.tif")).ReadAsArray()
    assert np.nanmin(found) > 0.01


def test_the_nearest_rows_are_those_that_scikit_learn_finds() -> None:
    neighbors = pytest.importorskip("sklearn.neighbors", reason="scikit-learn is an optional package")
    chance = np.random.default_rng(1)
    for rows, count in ((3, 3), (10, 4), (997, 5), (4000, 16)):
        sample = chance.normal(size=(rows, 9)).astype(np.float32)
        vectors = chance.normal(size=(1000, 9)).astype(np.float32)
        wanted, indices = neighbors.NearestNeighbors(n_neighbors=count, algorithm="brute").fit(sample).kneighbors(
            vectors)
        got = np.concatenate([rows for _, rows in NearestInSample(sample, count).chunks(vectors.T)])
        lengths = np.linalg.norm(sample[got] - vectors[:, None], axis=2)
        np.testing.assert_allclose(lengths[:, -1], wanted[:, -1], rtol=1e-5)
        np.testing.assert_allclose(np.sort(lengths, axis=1), wanted, rtol=1e-5)


@pytest.mark.parametrize("space", (COSINE, EUCLIDEAN))
def test_the_distance_to_a_cluster_is_that_to_its_centre(space: Space, tmp_path: Path) -> None:
    values = field(tmp_path / "field.tif", space)
    values[:, 60, 40] = values[:, 59, 40]
    dataset = gdal.Open(str(tmp_path / "field.tif"), gdal.GA_Update)
    dataset.WriteArray(values)
    dataset = None
    outlier_raster(OutlierRasterRequest(str(tmp_path / "field.tif"), str(tmp_path / "out.tif"),
                                        OutlierChoice("cluster", clusters=3, sample=100_000)), Silent())
    found = gdal.Open(str(tmp_path / "out.tif")).ReadAsArray()
    for kind in range(3):
        block = values[:, 12:, 30 * kind:30 * kind + 30].reshape(6, -1).T.astype(np.float64)
        everything = values[:, :, 30 * kind:30 * kind + 30].reshape(6, -1).T.astype(np.float64)
        everything = everything[np.isfinite(everything).all(axis=1) & everything.any(axis=1)]
        if space.metric == "cosine":
            everything /= np.linalg.norm(everything, axis=1, keepdims=True)
        wanted = distances(everything.mean(axis=0), block, space.metric)
        np.testing.assert_allclose(found[12:, 30 * kind:30 * kind + 30].ravel(), wanted, atol=0.01)


@pytest.mark.parametrize("space", (COSINE, EUCLIDEAN))
def test_rows_score_like_cells(space: Space, tmp_path: Path) -> None:
    vectors = np.random.default_rng(2).normal(size=(300, 6)).astype(np.float32)
    vectors[17] = 0
    vectors[33] = [30, -20, 0, 0, 9, 1]
    result = outlier_table(table_of(vectors, tmp_path / "in.gpkg", space),
                           OutlierTableRequest(str(tmp_path / "out.gpkg"), OutlierChoice(neighbours=4)), Silent())
    chunk = next(open_table(str(tmp_path / "out.gpkg")).chunks())
    cells = np.stack([np.arange(300), np.zeros(300)], axis=1)
    for row in range(300):
        score = chunk.columns["outlier"][row]
        if row == 17 and space.metric == "cosine":
            assert score is None
            continue
        assert score == pytest.approx(naive(vectors[row], (row, 0), vectors, cells, 4, space.metric), rel=2e-5)
    assert result.scored == (299 if space.metric == "cosine" else 300)
    assert chunk.columns["name"][5] == "row 5"
    np.testing.assert_array_equal(chunk.vectors, vectors)
    assert open_table(str(tmp_path / "out.gpkg")).space() == space


def test_the_file_says_what_it_is_and_the_seed_repeats_it(tmp_path: Path) -> None:
    field(tmp_path / "field.tif", COSINE)
    for name, memory in (("a", 64), ("b", 4)):
        outlier_raster(OutlierRasterRequest(str(tmp_path / "field.tif"), str(tmp_path / f"{name}.tif"),
                                            OutlierChoice(sample=300), memory), Silent())
    a, b = gdal.Open(str(tmp_path / "a.tif")), gdal.Open(str(tmp_path / "b.tif"))
    np.testing.assert_allclose(a.ReadAsArray(), b.ReadAsArray(), rtol=1e-5, atol=1e-7)
    said = json.loads(a.GetMetadataItem("EARTHPRINT_RESULT"))
    assert (said["method"], said["metric"], said["compared"], said["rank"]) == ("neighbours", "cosine", 300, 5)


@pytest.mark.parametrize("choice, words", [
    (OutlierChoice("forest"), "neighbours or cluster"), (OutlierChoice(neighbours=0), "NEIGHBOURS is 0"),
    (OutlierChoice(sample=0), "SAMPLE is 0"), (OutlierChoice(neighbours=50, sample=50), "lower NEIGHBOURS"),
    (OutlierChoice("cluster", clusters=500, sample=40), "CLUSTERS is 500")])
def test_wrong_wishes_are_refused_in_words(choice: OutlierChoice, words: str, tmp_path: Path) -> None:
    field(tmp_path / "field.tif", COSINE)
    with pytest.raises(EarthprintError, match=words):
        outlier_raster(OutlierRasterRequest(str(tmp_path / "field.tif"), str(tmp_path / "out.tif"), choice), Silent())
    assert not (tmp_path / "out.tif").exists()


def test_nothing_valid_is_said(tmp_path: Path) -> None:
    dataset = create_field(str(tmp_path / "field.tif"), Grid(20, 20, (0, 1, 0, 0, 0, -1), ""), COSINE, FLOAT32)
    dataset.WriteArray(np.full((6, 20, 20), np.nan, dtype=np.float32))
    dataset = None
    with pytest.raises(EarthprintError, match="no valid cell"):
        outlier_raster(OutlierRasterRequest(str(tmp_path / "field.tif"), str(tmp_path / "out.tif")), Silent())
    dataset = gdal.Open(str(tmp_path / "field.tif"), gdal.GA_Update)
    dataset.WriteArray(np.zeros((6, 20, 20), dtype=np.float32))
    dataset = None
    with pytest.raises(EarthprintError, match="sample of only 0"):
        outlier_raster(OutlierRasterRequest(str(tmp_path / "field.tif"), str(tmp_path / "out.tif")), Silent())
