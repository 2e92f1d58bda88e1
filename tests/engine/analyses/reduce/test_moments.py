"""Moments in parts against NumPy's on all at once, and a cancel while a map is fitted."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from earthprint.engine import packages
from earthprint.engine.analyses.reduce.manifold import fit_umap
from earthprint.engine.analyses.reduce.moments import Moments
from earthprint.engine.errors import Cancelled
from earthprint.engine.progress import Silent


@pytest.mark.parametrize("offset", (0.0, 30_000.0))
@pytest.mark.parametrize("cuts", ((), (1,), (3, 3, 500, 1700)))
def test_any_split_gives_the_covariance_of_all(offset: float, cuts: "tuple[int, ...]") -> None:
    vectors = (np.random.default_rng(0).normal(size=(5, 2000)) * [[9], [1], [1], [0.1], [3]] + offset)
    vectors = vectors.astype(np.float32)
    moments = Moments(5)
    for part in np.split(vectors, cuts, axis=1):
        moments.add(part)
    exact = vectors.astype(np.float64)
    assert moments.count == 2000
    np.testing.assert_allclose(moments.mean, exact.mean(axis=1), rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(moments.covariance, np.cov(exact), rtol=1e-5, atol=1e-5)


def test_a_cancel_while_a_map_is_fitted_is_answered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        """A fit that nobody can interrupt."""

        def __init__(self, **_: Any) -> None:
            """Take any options."""

        def fit_transform(self, sample: np.ndarray) -> np.ndarray:
            """Take long."""
            time.sleep(3)
            return sample[:, :2]

    class Impatient(Silent):
        """Cancels after a moment."""

        started = time.monotonic()

        def cancelled(self) -> bool:
            """Cancel."""
            return time.monotonic() - self.started > 0.3

    monkeypatch.setattr(packages, "require", lambda name: SimpleNamespace(UMAP=Slow))
    progress = Impatient()
    progress.started = time.monotonic()
    with pytest.raises(Cancelled):
        fit_umap(np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32), 2, "cosine", 0, progress)
    assert time.monotonic() - progress.started < 1.3
