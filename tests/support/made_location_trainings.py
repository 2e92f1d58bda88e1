"""A finished training of a location encoder as plain numbers, for the report's tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from earthprint.engine.location_training.figures import Score, verdict_of
from earthprint.engine.location_training.judged import Curve, Judged, Surface
from earthprint.engine.location_training.request import TrainLocationRequest
from earthprint.engine.provenance import Provenance
from earthprint.engine.training.folds import Folds

FOLDS = 5


def made_verdict(name: str = "price", score: str = "R²") -> Any:
    """Return an encoder that beats coordinates, and neighbours that no block tells apart from it."""
    made = {
        "encoder": (0.52, (0.50, 0.55, 0.48, 0.56, 0.51)), "coordinates": (0.21, (0.20, 0.22, 0.19, 0.24, 0.20)),
        "neighbours": (0.50, (0.56, 0.45, 0.52, 0.47, 0.54)), "constant": (-0.01, (-0.01, -0.02, 0.0, -0.01, -0.01))}
    # Five blocks of one size, each a fold.
    return verdict_of(name, score, {key: Score(value, folds, tuple((part - value) / len(folds) for part in folds))
                                    for key, (value, folds) in made.items()}, 2500)


def made_training(rows: int = 2500, **changes: Any) -> Judged:
    """Return a training over the western United States."""
    chance = np.random.default_rng(0)
    places = np.stack([chance.uniform(-120, -100, rows), chance.uniform(32, 48, rows)], axis=1)
    north, west = np.mgrid[48:32:60j, -120:-100:90j]
    values = np.stack([0.5 + 0.5 * np.sin(west / 3), 0.5 + 0.5 * np.cos(north / 2), (west + 120) / 20], axis=2)
    known = (west + 110) ** 2 + 2 * (north - 40) ** 2 < 110
    components = np.stack([0.5 + 0.5 * np.sin(places[:, 0] / 3), 0.5 + 0.5 * np.cos(places[:, 1] / 2),
                           (places[:, 0] + 120) / 20], axis=1)
    fold = ((places[:, 0] // 4).astype(int) * 3 + (places[:, 1] // 4).astype(int)) % FOLDS
    curves = [Curve(f"fold {number + 1}", tuple(0.2 + 0.8 * np.exp(-np.arange(30) / (6 + number))),
                    tuple(0.4 + 0.5 * np.exp(-np.arange(30) / 7) + 0.004 * np.arange(30)), 18 + number)
              for number in range(FOLDS)]
    curves.append(Curve("all places", tuple(0.2 + 0.8 * np.exp(-np.arange(20) / 6)), (), 20))
    made = {
        "request": TrainLocationRequest(None, "out.onnx", kind="sphere2vec-c-plus", targets=("price",)),
        "objective": "target", "what": "price", "name": "prices", "verdict": made_verdict(),
        "parts": (made_verdict(),),
        "folds": Folds(fold, "blocks", FOLDS, 4.0, "Places within 4 degrees are alike.", caution=""),
        "curves": tuple(curves), "places": places, "components": components,
        "surface": Surface(-120.0, 32.0, -100.0, 48.0, values, known, (0.4, 0.2, 0.1)), "dimensions": 64,
        "parameters": 123456, "network": "feed-forward network, 2 layers of 256",
        "proposals": ("The finest radius is 0.002 rad: twice the median way to the next place (13 km).",),
        "settings": {"scales": 16, "min_radius": 0.002, "max_radius": 0.5, "seamless": False},
        "device": "cpu", "device_why": "this torch is built without CUDA", "seconds": 41.3,
        "created": "2026-01-02T03:04:05Z", "versions": {"earthprint": "1.0", "torch": "2.1"},
        "provenance": (Provenance("Prices", "CC BY 4.0", "Prices by the county."),),
        "warnings": ("Beyond 50 km from the training data the vectors are guesses.",)}
    return Judged(**{**made, **changes})
