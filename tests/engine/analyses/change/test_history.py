"""Each cell against its own history, against loops over cells and dates."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from change_rasters import Watcher, pair, read_bands, space, write_field

from earthprint.engine.analyses.change.dates import moment_of, order_of
from earthprint.engine.analyses.change.raster import detect_change
from earthprint.engine.analyses.change.request import ChangeOptions, ChangeRequest
from earthprint.engine.errors import InputError


def naive(stack: np.ndarray, metric: str) -> "tuple[np.ndarray, np.ndarray]":
    """Return raw distances and medoids `(dates, rows, cols)` of `(dates, dims, rows, cols)`, cell by cell."""
    dates, _, rows, columns = stack.shape
    raw = np.full((dates, rows, columns), np.nan)
    medoids = np.full((dates, rows, columns), -1)
    for row in range(rows):
        for column in range(columns):
            vectors = stack[:, :, row, column].astype(np.float64)
            known = [date for date in range(dates) if np.isfinite(vectors[date]).all()]
            if len(known) < 4:
                continue
            if metric == "cosine":
                unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
                apart = 1 - unit @ unit.T
            else:
                apart = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
            for date in known:
                others = [other for other in known if other != date]
                sums = [sum(apart[one, two] for two in others) for one in others]
                medoids[date, row, column] = others[int(np.argmin(sums))]
                raw[date, row, column] = apart[date, medoids[date, row, column]]
    return raw, medoids


def scored(raw: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        middle = np.nanmedian(raw, axis=0)
        scale = 1.4826 * np.nanmedian(np.abs(raw - middle), axis=0)
    complete = np.isfinite(raw).all(axis=0)
    return (raw - middle) / np.maximum(scale, 0.1 * np.median(scale[complete]))


def series(tmp_path: Path, metric: str) -> "tuple[np.ndarray, list]":
    random = np.random.default_rng(8)
    land, odd = pair(rows=24, columns=46)
    stack = np.stack([land + random.normal(0, 0.1, land.shape) for _ in range(6)]).astype(np.float32)
    stack[4][:, 10:20, 30:45] = odd[:, 10:20, 30:45]
    stack[1, :, 0, :3] = np.nan
    stack[:3, 2, 1, 1] = np.nan
    of = space(6, metric=metric)
    return stack, [write_field(tmp_path / f"{number}.tif", values, of) for number, values in enumerate(stack)]


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_scores_are_robust_z_of_distances_to_the_medoid_of_the_other_dates(metric: str, tmp_path: Path) -> None:
    stack, paths = series(tmp_path, metric)
    result = detect_change(ChangeRequest(
        tuple(paths), str(tmp_path / "out.tif"), ChangeOptions("history", "6"), tuple("abcdef"),
        changed=str(tmp_path / "mask.tif"), direction=str(tmp_path / "way.tif")), Watcher())
    found = read_bands(tmp_path / "out.tif")
    raw, medoids = naive(stack, metric)
    expected = scored(raw)
    assert np.array_equal(np.isnan(found[2:]), np.isnan(expected))
    assert np.isnan(found[0, 1, 1]) and np.isnan(found[3, 0, :3]).all() and np.isfinite(found[0, 0, :3]).all()
    valid = np.isfinite(expected)
    assert np.allclose(found[2:][valid], expected[valid], rtol=2e-3, atol=2e-3)
    with np.errstate(invalid="ignore"):
        largest = np.where(valid.any(axis=0), np.nanmax(np.where(valid, expected, -np.inf), axis=0), np.nan)
    assert np.allclose(found[0], largest, rtol=2e-3, atol=2e-3, equal_nan=True)
    assert (found[1, 10:20, 30:45] == 5).all(), "the fifth date stands out there"
    mask = read_bands(tmp_path / "mask.tif")[0]
    assert (mask[10:20, 30:45] == 2).all() and mask[1, 1] == 0 and result.changed == (mask == 2).sum()
    assert np.array_equal(read_bands(tmp_path / "way.tif").all(axis=0), mask == 2)


def test_cells_that_never_differ_are_not_changed_by_rounding(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    stack = np.repeat(random.normal(size=(1, 4, 20, 20)), 5, axis=0)
    stack[:, :, :, :12] += random.normal(0, 0.1, (5, 4, 20, 12))
    stack[2, :, 15, 15] *= 1 + 1e-6
    stack[2, 0, 15, 15] += 1e-4
    paths = [write_field(tmp_path / f"{number}.tif", values) for number, values in enumerate(stack)]
    detect_change(ChangeRequest(tuple(paths), str(tmp_path / "out.tif"), ChangeOptions("history", "3")), Watcher())
    assert np.abs(read_bands(tmp_path / "out.tif")[0, :, 12:]).max() < 0.5


def test_dates_are_ordered_whatever_their_form() -> None:
    assert order_of("2021;2019; 2020 ", ["a", "b", "c"]) == ([1, 2, 0], ("2019", "2020", "2021"))
    assert order_of("", ["a", "b"]) == ([0, 1], ("1", "2"))
    assert order_of("2020-02-01;20200131;2020-01-31T12:00;2020", list("abcd"))[0] == [3, 1, 2, 0]
    assert moment_of(2020) == moment_of("2020") == moment_of(2020.0)
    assert moment_of("2020-05-01T02:00:00+02:00") == moment_of("2020-05-01T00:00:00Z")
    assert moment_of("2020/05/01") == moment_of("2020-05-01")[:3] + (0.0,)
    for text in ("spring", "2020-13-01", "2020-02-30", "", None, float("nan")):
        assert moment_of(text) is None
    with pytest.raises(InputError, match="a and c have the same date"):
        order_of("2020;2021;2020", list("abc"))
