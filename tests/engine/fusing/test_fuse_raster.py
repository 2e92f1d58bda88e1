"""Fused rasters against standardised numbers and components computed here in double precision."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from earthprint.engine.coding import FLOAT32
from earthprint.engine.errors import EarthprintError
from earthprint.engine.field import create_field, open_field
from earthprint.engine.fusing.raster import fuse_rasters
from earthprint.engine.fusing.request import FuseRequest
from earthprint.engine.grid import Grid
from earthprint.engine.progress import Silent
from earthprint.engine.provenance import Provenance
from earthprint.engine.space import Space

SENSING = Space("sensing", 6, "11", unit_norm=True,
                provenance=(Provenance("Sensing", "CC BY 4.0", "Made by sensors."),))
STREETS = Space("streets", 3, "22", metric="euclidean")
GRID = Grid(320, 270, (500000, 10, 0, 6000000, 0, -10), "")


def numbers(seed: int, dimensions: int, scale: float, offset: float) -> np.ndarray:
    """Return correlated numbers `(dims, rows, cols)` with a hole."""
    chance = np.random.default_rng(seed)
    mixing = chance.normal(size=(dimensions, dimensions)) * scale
    values = np.einsum("ij,jrc->irc", mixing, chance.normal(size=(dimensions, 270, 320))) + offset
    values[:, 20 * seed:20 * seed + 15, 100:200] = np.nan
    return values.astype(np.float32)


def write(path: Path, space: Space, values: np.ndarray, grid: Grid = GRID) -> str:
    """Write an embedding raster."""
    dataset = create_field(str(path), grid, space, FLOAT32)
    dataset.WriteArray(values)
    dataset.FlushCache()
    return str(path)


@pytest.fixture
def inputs(tmp_path: Path) -> "tuple[list[str], list[np.ndarray], np.ndarray]":
    """Return two rasters, their numbers, and where both have a value."""
    values = [numbers(1, 6, 0.01, 3.0), numbers(2, 3, 500.0, 40_000.0)]
    paths = [write(tmp_path / "sensing.tif", SENSING, values[0]), write(tmp_path / "streets.tif", STREETS, values[1])]
    return paths, values, np.isfinite(values[0][0]) & np.isfinite(values[1][0])


def standardised(values: np.ndarray, valid: np.ndarray, weight: float) -> np.ndarray:
    """Return `(n, dims)` of mean 0 and spread 1 in each dimension, all together with the variance weight²."""
    table = values[:, valid].T.astype(np.float64)
    return weight * (table - table.mean(axis=0)) / table.std(axis=0) / np.sqrt(table.shape[1])


def test_each_part_is_standardised_and_weighted_and_stands_in_its_own_bands(inputs, tmp_path: Path) -> None:
    paths, values, valid = inputs
    request = FuseRequest(str(tmp_path / "fused.tif"), (1.0, 2.0), standardise="dimensions", memory_mib=8)
    result = fuse_rasters(paths, request, Silent())
    found = gdal.Open(str(tmp_path / "fused.tif"))
    fused = found.ReadAsArray()
    assert np.array_equal(np.isfinite(fused), np.broadcast_to(valid, fused.shape))
    wanted = np.concatenate([standardised(values[0], valid, 1.0), standardised(values[1], valid, 2.0)], axis=1)
    assert np.abs(fused[:, valid].T - wanted).max() < 2e-5
    variances = fused[:, valid].astype(np.float64).var(axis=1)
    assert variances[:6].sum() == pytest.approx(1, abs=1e-4) and variances[6:].sum() == pytest.approx(4, abs=4e-4)
    assert result.rows == valid.sum()
    opened = open_field(str(tmp_path / "fused.tif"))
    assert opened.space.digest() == result.space.digest() and opened.space.metric == "euclidean"
    parts = opened.space.details["parts"]
    assert [(part["name"], part["dimensions"], part["weight"]) for part in parts] == [
        ("sensing", 6, 1.0), ("streets", 3, 2.0)]
    assert SENSING.digest() in parts[0]["space"]
    assert [found.GetRasterBand(band).GetDescription() for band in (1, 6, 7)] == [
        "sensing 1", "sensing 6", "streets 1"]
    assert opened.space.provenance[0].licence == "CC BY 4.0"
    assert "Made by sensors" in found.GetMetadataItem("EARTHPRINT_PROVENANCE")


def test_one_factor_for_a_part_keeps_its_own_distances(inputs, tmp_path: Path) -> None:
    paths, values, valid = inputs
    fuse_rasters(paths, FuseRequest(str(tmp_path / "fused.tif")), Silent())
    fused = gdal.Open(str(tmp_path / "fused.tif")).ReadAsArray()[:, valid].astype(np.float64)
    for start, stop, original in ((0, 6, values[0]), (6, 9, values[1])):
        table = original[:, valid].astype(np.float64)
        before = np.linalg.norm(table[:, 0] - table[:, 5000])
        after = np.linalg.norm(fused[start:stop, 0] - fused[start:stop, 5000])
        assert after / before == pytest.approx(1 / np.sqrt(table.var(axis=1).sum()), rel=1e-4)
        assert fused[start:stop].var(axis=1).sum() == pytest.approx(1, abs=1e-4)


def test_reduced_together_they_are_the_components_of_all(inputs, tmp_path: Path) -> None:
    paths, values, valid = inputs
    request = FuseRequest(str(tmp_path / "fused.tif"), dimensions=4, standardise="dimensions", reduce="together")
    result = fuse_rasters(paths, request, Silent())
    fused = gdal.Open(str(tmp_path / "fused.tif")).ReadAsArray()[:, valid].T
    table = np.concatenate([standardised(one, valid, 1.0) for one in values], axis=1)
    left, sizes, directions = np.linalg.svd(table, full_matrices=False)
    wanted = (table @ directions[:4].T)
    for column in range(4):
        sign = np.sign(wanted[:, column] @ fused[:, column])
        assert np.abs(sign * fused[:, column] - wanted[:, column]).max() < 1e-4 * np.abs(wanted[:, column]).max() * 10
    assert result.explained == pytest.approx((sizes[:4] ** 2).sum() / (sizes ** 2).sum(), rel=1e-4)


def test_reduced_by_parts_every_dimension_belongs_to_one(inputs, tmp_path: Path) -> None:
    paths, values, valid = inputs
    result = fuse_rasters(paths, FuseRequest(str(tmp_path / "fused.tif"), (3.0, 1.0), 5, "dimensions"), Silent())
    fused = gdal.Open(str(tmp_path / "fused.tif")).ReadAsArray()[:, valid].T
    kept = [part["dimensions"] for part in result.space.details["parts"]]
    assert sum(kept) == 5 == result.space.dimensions and min(kept) >= 1
    ranked = []
    start = 0
    for count, one, weight in zip(kept, values, (3.0, 1.0)):
        table = standardised(one, valid, weight)
        _, sizes, directions = np.linalg.svd(table, full_matrices=False)
        ranked.append(sizes)
        wanted = table @ directions[:count].T
        for column in range(count):
            got = fused[:, start + column]
            assert abs(np.corrcoef(got, wanted[:, column])[0, 1]) > 1 - 1e-6
            assert got.std() == pytest.approx(wanted[:, column].std(), rel=1e-4)
        start += count
    # No component that was left out says more than one that was kept beyond the first of its part.
    left = max(sizes[count] for sizes, count in zip(ranked, kept) if count < len(sizes))
    extra = [sizes[count - 1] for sizes, count in zip(ranked, kept) if count > 1]
    assert min(extra) >= left * (1 - 1e-6)


def test_a_saved_fusion_puts_another_year_into_the_same_space(inputs, tmp_path: Path) -> None:
    paths, values, valid = inputs
    model = str(tmp_path / "fusion.json")
    first = fuse_rasters(paths, FuseRequest(str(tmp_path / "a.tif"), dimensions=5, model_out=model), Silent())
    later = [write(tmp_path / "sensing2.tif", SENSING, values[0] + np.float32(0.02)), paths[1]]
    second = fuse_rasters(later, FuseRequest(str(tmp_path / "b.tif"), reuse=model), Silent())
    assert first.space.key() == second.space.key() == open_field(str(tmp_path / "b.tif")).space.key()
    count = first.space.details["parts"][0]["dimensions"]
    before, after = (gdal.Open(str(tmp_path / name)).ReadAsArray()[:, valid] for name in ("a.tif", "b.tif"))
    assert np.abs(before[count:] - after[count:]).max() == 0 < np.abs(before[:count] - after[:count]).max()
    with pytest.raises(EarthprintError, match="different spaces"):
        fuse_rasters(paths[::-1], FuseRequest(str(tmp_path / "c.tif"), reuse=model), Silent())
    with pytest.raises(EarthprintError, match="fuses 2 layers but 3"):
        fuse_rasters([*paths, paths[0]], FuseRequest(str(tmp_path / "c.tif"), reuse=model), Silent())


def test_two_of_one_encoder_are_told_apart_and_a_dead_dimension_says_nothing(inputs, tmp_path: Path) -> None:
    paths, values, valid = inputs
    still = values[0].copy()
    still[2] = 7.0
    other = write(tmp_path / "still.tif", SENSING, still)
    result = fuse_rasters([paths[0], other], FuseRequest(str(tmp_path / "fused.tif")), Silent())
    assert [part["name"] for part in result.space.details["parts"]] == ["sensing", "sensing-2"]
    fused = gdal.Open(str(tmp_path / "fused.tif")).ReadAsArray()
    assert np.nanmax(np.abs(fused[8])) == 0
    assert np.nanvar(fused[6:].astype(np.float64), axis=(1, 2)).sum() == pytest.approx(1, abs=1e-4)


def test_wrong_input_is_told_in_words(inputs, tmp_path: Path) -> None:
    paths, values, _ = inputs
    output = str(tmp_path / "fused.tif")
    moved = write(tmp_path / "moved.tif", STREETS, values[1],
                  replace(GRID, transform=(500005, 10, 0, 6000000, 0, -10)))
    flat = write(tmp_path / "flat.tif", STREETS, np.full_like(values[1], 3))
    apart = np.full_like(values[1], np.nan)
    apart[:, 25, 150] = 1
    lonely = write(tmp_path / "lonely.tif", STREETS, apart)
    for given, request, words in (
            (paths[:1], FuseRequest(output), "two or more"),
            ([paths[0], moved], FuseRequest(output), "moved.tif .* doesn't lie on the grid of sensing.tif"),
            (paths, FuseRequest(output, (1.0, 2.0, 3.0)), "WEIGHTS has 3 numbers for 2 inputs"),
            (paths, FuseRequest(output, dimensions=10), "9 dimensions together"),
            (paths, FuseRequest(output, dimensions=1), "fewer than the 2 inputs"),
            ([paths[0], flat], FuseRequest(output), "streets are all the same"),
            ([paths[0], lonely], FuseRequest(output), "0 places in common")):
        with pytest.raises(EarthprintError, match=words):
            fuse_rasters(given, request, Silent())
        assert not Path(output).exists()


def test_the_space_says_all_that_decides_it(inputs, tmp_path: Path) -> None:
    paths, _, _ = inputs
    keys = {fuse_rasters(paths, FuseRequest(str(tmp_path / f"{number}.tif"), weights, dimensions=dimensions,
                                            reduce=reduce), Silent()).space.key()
            for number, (weights, dimensions, reduce) in enumerate((
                ((), 0, "parts"), ((1.0, 2.0), 0, "parts"), ((), 5, "parts"), ((), 5, "together")))}
    assert len(keys) == 4
    again = fuse_rasters(paths, FuseRequest(str(tmp_path / "again.tif")), Silent())
    assert again.space.key() in keys
    assert json.loads(again.space.canonical())["normalisation"] == "data"
