"""Classes from a few clicks against refits one by one, formulas cell by cell, and places found in plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from seen_fields import CODINGS, SOUTH_UP, seen_field, unit_vectors

from earthprint.engine.errors import Cancelled, InputError
from earthprint.engine.inspecting.likelihood import _Ridge, background_of, fit_classes, likelihood
from earthprint.engine.inspecting.suggestions import different_places, uncertain_places
from earthprint.engine.inspecting.view import FieldView
from earthprint.engine.progress import Silent

EXTENT = (500000.0, 5698000.0, 500600.0, 5698400.0)


class Stopped(Silent):
    def cancelled(self) -> bool:
        return True


def two_grounds(dimensions: int = 8) -> np.ndarray:
    """Return a field whose left third, middle and right third are three kinds of ground."""
    chance = np.random.default_rng(5)
    kinds = chance.normal(size=(3, dimensions))
    values = kinds[np.repeat(np.arange(3), 20)].T[:, None, :] + chance.normal(0, 0.35, (dimensions, 40, 60))
    values /= np.linalg.norm(values, axis=0)
    values[:, 1, 2] = np.nan
    return values.astype(np.float32)


def block_of(tmp_path, values, coding="f4", unit=True):
    path = seen_field(tmp_path / "f.tif", values, coding, SOUTH_UP, unit=unit)
    return FieldView.open(path).read(EXTENT, 60, 40, Silent())


@pytest.mark.parametrize("coding", CODINGS)
def test_shares_are_those_of_the_formula_cell_by_cell(tmp_path, coding):
    block = block_of(tmp_path, two_grounds(), coding)
    vectors = block.vectors_of(np.arange(2400))
    pixels = np.array([5 * 60 + 4, 20 * 60 + 8, 9 * 60 + 30, 30 * 60 + 25, 9 * 60 + 50, 33 * 60 + 55])
    model = fit_classes(vectors[pixels], ["water", "water", "wood", "wood", "town", "town"], "cosine",
                        background_of(block))
    found = likelihood(block, model, Silent())
    assert found.classes == ("town", "water", "wood") and 0.5 < model.accuracy <= 1
    unit = vectors.astype(np.float64) / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    scores = (unit @ model.weights.T.astype(np.float64) + model.intercepts) / model.softness
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert np.allclose(found.shares.reshape(3, -1).T, shares, atol=2e-5, equal_nan=True)
    assert np.isnan(found.shares).sum() == 3 and found.winners[38, 2] == -1
    assert np.allclose(np.nansum(found.shares, axis=0)[found.winners >= 0], 1, atol=1e-6)
    truth = np.tile(np.repeat([1, 2, 0], 20), (40, 1))
    assert (found.winners == truth).mean() > 0.97
    ordered = np.sort(shares, axis=1)
    assert np.allclose(found.certainties.ravel(), ordered[:, -1] - ordered[:, -2], atol=1e-4, equal_nan=True)


def test_lengths_count_in_a_euclidean_space(tmp_path):
    values = two_grounds() * np.linspace(1, 5, 60, dtype=np.float32)
    block = block_of(tmp_path, values, unit=False)
    vectors = block.vectors_of(np.arange(2400))
    model = fit_classes(vectors[[300, 310, 350]], ["a", "b", "c"], "euclidean", background_of(block))
    scores = (vectors.astype(np.float64) @ model.weights.T + model.intercepts) / model.softness
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert np.allclose(likelihood(block, model, Silent()).shares.reshape(3, -1).T, shares, atol=1e-4, equal_nan=True)
    assert model.accuracy is None and not model.angular


@pytest.mark.parametrize("rows, dims", [(9, 4), (9, 30)])
def test_scores_without_an_example_are_those_of_a_fit_without_it(rows, dims):
    table = np.random.default_rng(1).normal(size=(rows, dims))
    numbers = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2])
    ridge = _Ridge(table, numbers, 3)
    found = ridge.left_out(0.1)
    weigh = np.array([1 / 4] * 4 + [1 / 3] * 3 + [1 / 2] * 2)
    weigh *= rows / weigh.sum()
    targets = np.eye(3)[numbers]
    for left in range(rows):
        kept = np.arange(rows) != left
        share = weigh[kept] / weigh[kept].sum()
        middle, level = share @ table[kept], share @ targets[kept]
        centred = table[kept] - middle
        weights = np.linalg.solve(centred.T @ (weigh[kept, None] * centred) + 0.1 * dims * np.eye(dims),
                                  centred.T @ (weigh[kept, None] * (targets[kept] - level)))
        assert np.allclose((table[left] - middle) @ weights + level, found[left], atol=1e-9)


def test_one_click_a_class_is_enough_and_what_is_like_none_is_uncertain():
    chance = np.random.default_rng(2)
    background = chance.normal(size=(500, 16))
    one, two = np.eye(16)[0], np.eye(16)[1]
    model = fit_classes(np.stack([one, two]), ["a", "b"], "cosine", background)

    def shares(vector):
        scores = (vector / np.linalg.norm(vector) @ model.weights.T + model.intercepts) / model.softness
        return np.exp(scores) / np.exp(scores).sum()

    assert shares(one)[0] > 0.85 and shares(two)[1] > 0.85
    assert abs(shares(one + two)[0] - 0.5) < 0.06 and abs(shares(np.eye(16)[9])[0] - 0.5) < 0.06
    assert shares(one + 0.3 * two)[0] > shares(one + 0.6 * two)[0] > 0.5


def test_a_class_with_many_clicks_does_not_drown_one_with_few():
    chance = np.random.default_rng(3)
    one, two = chance.normal(size=(2, 16))
    vectors = np.concatenate([one + chance.normal(0, 0.3, (60, 16)), two + chance.normal(0, 0.3, (2, 16))])
    model = fit_classes(vectors, ["many"] * 60 + ["few"] * 2, "cosine", chance.normal(size=(500, 16)))
    fresh = two + chance.normal(0, 0.3, (200, 16))
    scores = fresh / np.linalg.norm(fresh, axis=1, keepdims=True) @ model.weights.T + model.intercepts
    assert (scores.argmax(axis=1) == model.classes.index("few")).mean() > 0.95 and model.accuracy > 0.9


def test_examples_that_say_nothing_are_told(tmp_path):
    with pytest.raises(InputError, match="examples of 1 class"):
        fit_classes(np.ones((2, 4)), ["a", "a"], "cosine")
    with pytest.raises(InputError, match="examples of 1 class"):
        fit_classes(np.array([[1.0, 2.0], [0.0, 0.0]]), ["a", "b"], "cosine")
    block = block_of(tmp_path, two_grounds())
    model = fit_classes(np.eye(4), list("aabb"), "cosine")
    with pytest.raises(InputError, match="vectors of 4 numbers"):
        likelihood(block, model, Silent())
    with pytest.raises(Cancelled):
        likelihood(block, fit_classes(np.eye(8)[:2], ["a", "b"], "cosine"), Stopped())


def test_the_least_certain_places_apart(tmp_path):
    block = block_of(tmp_path, two_grounds())
    vectors = block.vectors_of(np.arange(2400))
    model = fit_classes(vectors[[300, 330]], ["a", "b"], "cosine", background_of(block))
    found = likelihood(block, model, Silent())
    places = uncertain_places(block, found, 4, 100.0, Silent())
    certain = found.certainties.ravel()
    expected = []
    for pixel in np.argsort(np.where(np.isnan(certain), 9, certain), kind="stable"):
        middle = block.places_of(np.array([pixel]))[0]
        if all(np.hypot(*(middle - block.places_of(np.array([other]))[0])) / 0.9996 >= 100 for other in expected):
            expected.append(pixel)
        if len(expected) == 4:
            break
    assert [place.pixel for place in places] == expected
    assert np.allclose([place.score for place in places], 1 - certain[expected], atol=1e-6)


def test_the_most_different_places_apart(tmp_path):
    block = block_of(tmp_path, unit_vectors(40, 60), "a1")
    vectors = block.vectors_of(np.arange(2400)).astype(np.float64)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    examples = [100, 700, 701]
    places = different_places(block, vectors[examples], 5, 55.0, Silent())
    known, middles, taken = list(examples), block.places_of(np.arange(2400)), []
    for _ in range(5):
        nearest = (unit @ unit[known].T).max(axis=1)
        far = np.where(np.isnan(nearest), -9, 1 - nearest)
        for other in taken:
            far[np.hypot(*(middles - middles[other]).T) / 0.9996 < 55] = -9
        known.append(int(far.argmax()))
        taken.append(known[-1])
        assert places[len(taken) - 1].score == pytest.approx(far.max(), abs=1e-5)
    assert [place.pixel for place in places] == taken
    with pytest.raises(InputError, match="no example yet"):
        different_places(block, np.zeros((1, 8)), 5, 0.0, Silent())
    with pytest.raises(Cancelled):
        different_places(block, vectors[examples], 5, 0.0, Stopped())
