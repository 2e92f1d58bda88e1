"""The quick way between thresholds is `searchsorted` to the last score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthprint.engine.recall.thresholds import Thresholds


def plain_slots(thresholds: np.ndarray, scores: np.ndarray) -> np.ndarray:
    left = np.searchsorted(thresholds, scores, "left")
    return left + np.searchsorted(thresholds, scores, "right")


@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "i2"])
@pytest.mark.parametrize("count", [1, 3, 7, 200, 30_000])
def test_every_score_has_its_slot(dtype: str, count: int) -> None:
    random = np.random.default_rng(count)
    kinds = {"f": lambda size: random.standard_cauchy(size), "u": lambda size: random.integers(0, 255, size),
             "i": lambda size: random.integers(-3000, 3000, size)}
    known = np.unique(kinds[dtype[0]](count).astype(dtype))
    scores = np.concatenate([kinds[dtype[0]](20_000).astype(dtype), known, known[:1] - 1, known[-1:] + 1])
    assert np.array_equal(Thresholds(known).slots(scores), plain_slots(known, scores))
    rounded = np.maximum(np.searchsorted(known, scores, "right") - 1, 0)
    assert np.array_equal(Thresholds(known, rounded=True).steps(scores), rounded)
    assert np.array_equal(Thresholds(known).steps(known), np.arange(len(known)))


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=60),
       st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=60))
def test_any_finite_scores(known: "list[float]", scores: "list[float]") -> None:
    thresholds = np.unique(np.array(known, dtype=np.float32))
    asked = np.array([*scores, *known], dtype=np.float32)
    assert np.array_equal(Thresholds(thresholds).slots(asked), plain_slots(thresholds, asked))


def test_scores_further_apart_than_a_number_holds() -> None:
    known = np.array([-3e38, -1, 0, 1, 2, 3e38], dtype=np.float32)
    asked = np.array([-3.2e38, -3e38, 0.5, 2, 1e38, 3e38, 3.3e38], dtype=np.float32)
    assert np.array_equal(Thresholds(known).slots(asked), plain_slots(known, asked))
