"""Comparing two models' geo-bias on the same points."""

from __future__ import annotations

import numpy as np
import pytest

from earthprint.engine.errors import InputError
from earthprint.engine.geobias import GRID, UNMARKED, BiasRequest, compare_bias, geo_bias
from earthprint.engine.progress import Silent

CHANCE = np.random.default_rng(2)
PLACES = np.stack([CHANCE.uniform(20, 30, 400), CHANCE.uniform(-40, -30, 400)], axis=1)
NORTH = CHANCE.random(400) < np.where(PLACES[:, 1] > -33, 0.7, 0.05)
ANYWHERE = CHANCE.permutation(NORTH)


def test_the_model_whose_failures_lie_together_is_found() -> None:
    request = BiasRequest(scores=(GRID,), permutations=99)
    (found,) = compare_bias(PLACES, NORTH, ANYWHERE, request, Silent())
    for marks, value in ((NORTH, found.first), (ANYWHERE, found.second)):
        assert geo_bias(PLACES, marks, request, Silent()).figure(GRID).value == pytest.approx(value, rel=1e-12)
    assert found.difference > 0.1 and found.p == 0.01
    (turned,) = compare_bias(PLACES, ANYWHERE, NORTH, request, Silent())
    assert (turned.difference, turned.p) == (-found.difference, found.p)


def test_models_alike_are_not_told_apart() -> None:
    ps = []
    for seed in range(30):
        chance = np.random.default_rng(seed)
        one, other = (chance.random(400) < np.where(PLACES[:, 1] > -33, 0.5, 0.1) for _ in range(2))
        ps.append(compare_bias(PLACES, one, other, BiasRequest(scores=(GRID,), permutations=39, centres=100, seed=seed),
                               Silent())[0].p)
    assert 0.35 < np.mean(ps) < 0.65 and sum(p <= 0.1 for p in ps) <= 8
    assert compare_bias(PLACES, NORTH, NORTH, BiasRequest(scores=(GRID,), permutations=9), Silent())[0].p == 1.0


def test_nothing_to_compare_is_told() -> None:
    with pytest.raises(InputError, match="nothing to compare for the layer"):
        compare_bias(PLACES, NORTH, ANYWHERE, BiasRequest(scores=(UNMARKED,)), Silent())
