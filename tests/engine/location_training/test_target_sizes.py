"""Targets that can't be computed with are refused in words, and those that only just can are learnt like any others."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from location_ground import asked, rows_of, smooth, some_places

from earthprint.engine.errors import InputError
from earthprint.engine.location_training.run import train_location_encoder
from earthprint.engine.progress import Silent

torch = pytest.importorskip("torch", reason="torch trains location encoders")


@pytest.mark.parametrize(("values", "said"), [
    (lambda height: height * 1e300, r"“height” of .* has values up to \d.*e\+300, too large to compute with: rescale"),
    (lambda height: np.append(height[1:], 1e99), r"has values up to 1e\+99, too large .*stands for missing values to"),
    (lambda height: height * 1e-300, r"The values of the target “height” of .* differ by .*e-300 at most, too little"),
    (lambda height: np.where(height > 9, "b", "a"), "“height” of .* is “a” in all 40 rows that can be used: choose a"),
])
def test_what_can_not_be_learnt_is_said(values: Any, said: str, tmp_path: Path) -> None:
    places = some_places(40)
    rows = rows_of(places, {"height": values(smooth(places)).tolist()})
    with pytest.raises(InputError, match=said):
        train_location_encoder(asked(rows, tmp_path, targets=("height",)), Silent())
    assert not list(tmp_path.iterdir())


def test_one_place_alone_is_told_in_words(tmp_path: Path) -> None:
    places = np.repeat(some_places(1), 40, axis=0)
    rows = rows_of(places, {"height": np.arange(40.0).tolist()})
    with pytest.raises(InputError, match="has one place that can be used, fewer than the"):
        train_location_encoder(asked(rows, tmp_path, targets=("height",)), Silent())


@pytest.mark.parametrize("factor", [2.0 ** 198, 2.0 ** -190])
def test_numbers_of_any_other_size_are_learnt_as_if_they_were_of_size_1(factor: float, tmp_path: Path) -> None:
    """Scores have no unit: with the same places, seeds and folds they are the same at any scale."""
    places = some_places(200)
    height = smooth(places)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        for number, scale in enumerate((1.0, factor)):
            (tmp_path / str(number)).mkdir()
            rows = rows_of(places, {"height": (height * scale).tolist()})
            found.append(train_location_encoder(asked(rows, tmp_path / str(number), targets=("height",), epochs=3),
                                                Silent()))
    first, second = ([result.score, result.score_coordinates, result.score_neighbours] for result in found)
    assert first[0] > 0.1
    np.testing.assert_allclose(second, first, atol=2e-3)
