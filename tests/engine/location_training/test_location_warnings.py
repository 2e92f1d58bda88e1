"""What figures mean is said in the right case, and only there."""

from __future__ import annotations

import pytest

from earthprint.engine.location_training.figures import COSINE, verdict_of
from earthprint.engine.location_training.objectives.warnings import distil_warnings


def cosines(**values):
    """Return a verdict with the same folds but for a little."""
    return verdict_of("v", COSINE, {key: (value, [value - 0.01, value, value + 0.01]) for key, value in values.items()},
                      100)


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
