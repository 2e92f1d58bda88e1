"""The examples of a place, against a search by hand."""

from __future__ import annotations

import numpy as np
import pytest
from made_explanations import FormulaPredictor, made_rows

from earthprint.engine.explaining.asked_places import AskedPlaces
from earthprint.engine.explaining.nearest_examples import nearest_examples
from earthprint.engine.progress import Silent


def places_of(vectors: np.ndarray, own: "list[int]", columns: int = 0) -> AskedPlaces:
    points = np.array([[500_000.0 + 100 * number, 5_700_000.0] for number in range(len(vectors))])
    return AskedPlaces(points, vectors.astype(np.float32), np.array(own),
                       np.full((len(vectors), columns), np.nan, dtype=np.float32))


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_they_are_those_of_all_distances_one_a_feature(metric: str) -> None:
    chance = np.random.default_rng(4)
    features = chance.normal(size=(6, 90)) * chance.uniform(0.2, 3, (1, 90))
    points = chance.uniform(0, 1000, (90, 2)) + (500_000, 5_700_000)
    units = np.repeat(np.arange(30), 3)
    truth = chance.normal(size=(90, 1))
    rows = made_rows(features, truth, 6, points, units)
    asked = chance.normal(size=(2, 6))
    predictor = FormulaPredictor(lambda x: x[:1] * 2, 6, metric=metric)
    found = nearest_examples(predictor, places_of(asked, [-1, 7]), rows, 5, Silent())
    assert [one.place for one in found] == [1, 2]
    for number, one in enumerate(found):
        distances = []
        for row in range(90):
            a, b = features[:, row].astype(np.float32).astype(float), asked[number].astype(np.float32).astype(float)
            if metric == "cosine":
                distances.append(1 - a @ b / np.sqrt((a @ a) * (b @ b)))
            else:
                distances.append(np.sqrt(((a - b) ** 2).sum()))
        best: "dict[int, int]" = {}
        for row in np.argsort(distances):
            if int(units[row]) not in best and not (number == 1 and units[row] == 7):
                best[int(units[row])] = int(row)
        expected = list(best.values())[:5]
        assert one.rows.tolist() == expected
        np.testing.assert_allclose(one.distances, [distances[row] for row in expected], rtol=1e-6)
        flat = np.hypot(*(points[expected] - places_of(asked, [-1, 7]).points[number]).T)
        np.testing.assert_allclose(one.metres, flat, rtol=2e-3)
        np.testing.assert_allclose(one.predicted, asked[number, :1] * 2, rtol=1e-6)
        np.testing.assert_allclose(one.row_predictions[:, 0], features[0, expected] * 2, rtol=1e-6)
    assert found[0].own is None and found[1].own == 100 + 21


def test_a_place_without_vector_has_none_and_one_without_columns_is_not_predicted() -> None:
    features = np.random.default_rng(0).normal(size=(3, 12))
    rows = made_rows(features, np.zeros((12, 1)), 2, np.zeros((12, 2)))
    asked = np.array([[np.nan, np.nan], [0.1, 0.2]])
    found = nearest_examples(FormulaPredictor(lambda x: x[:1], 2), places_of(asked, [-1, -1], 1), rows, 50, Silent())
    assert [one.place for one in found] == [2]
    assert found[0].predicted is None and len(found[0].rows) == 12
