"""What figures mean is said in the right case, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from earthprint.engine.location_training.figures import COSINE, mean_of, verdict_of
from earthprint.engine.location_training.objectives.warnings import distil_warnings
from earthprint.engine.training.folds import Folds

FOLDS = Folds(np.arange(90) % 3, "blocks", 3, 1.0, "", np.arange(90) % 30)


def cosines(**values):
    """Return a verdict on rows that are alike but for a little."""
    noise = 0.01 * np.random.default_rng(0).standard_normal((len(values), 90))
    noise -= noise.mean(axis=1, keepdims=True)
    scores = {key: mean_of(value + little, FOLDS) for (key, value), little in zip(values.items(), noise)}
    return verdict_of("v", COSINE, scores, 90)


@pytest.mark.parametrize(("values", "said"), [
    ({"encoder": 0.31, "coordinates": 0.3, "neighbours": 0.35, "nearest": 0.33, "constant": 0.3}, "do not explain"),
    # A high cosine that one vector for all reaches too is nothing.
    ({"encoder": 0.91, "coordinates": 0.9, "neighbours": 0.91, "nearest": 0.85, "constant": 0.905}, "do not explain"),
    ({"encoder": 0.45, "coordinates": 0.4, "neighbours": 0.7, "nearest": 0.74, "constant": 0.45}, "not clearly nearer"),
    ({"encoder": 0.66, "coordinates": 0.2, "neighbours": 0.70, "nearest": 0.74, "constant": 0.2},
     "cosine 0.66 against 0.74"),
    ({"encoder": 0.95, "coordinates": 0.2, "neighbours": 0.90, "nearest": 0.88, "constant": 0.2}, ""),
])
def test_says_whether_place_explains_vectors(values, said):
    """Place may explain nothing, or more than the encoder has learnt."""
    found = distil_warnings(cosines(**values), "the field")
    assert len(found) == bool(said) and all(said in text and "the field" in text for text in found)
