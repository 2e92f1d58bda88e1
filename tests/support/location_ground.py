"""Places on the globe with something to learn, in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping, Optional, Sequence

import numpy as np
from made_rows import MadeRows, with_vectors

from earthprint.engine.location_training.request import TrainLocationRequest
from earthprint.engine.locations.cartesian import unit_sphere


def some_places(count: int, seed: int = 0, box: Sequence[float] = (-180.0, -80.0, 180.0, 80.0)) -> np.ndarray:
    """Return places spread evenly over the ground of a box."""
    chance = np.random.default_rng(seed)
    west, south, east, north = box
    heights = np.sin(np.radians([south, north]))
    return np.stack([chance.uniform(west, east, count),
                     np.degrees(np.arcsin(chance.uniform(*heights, count)))], axis=1)


def smooth(places: np.ndarray) -> np.ndarray:
    """Return a function of the globe that no straight line tells: the product of two of its axes, and a wave."""
    x, y, z = unit_sphere(places).T
    return 3 * x * y + np.sin(3 * z) + z * z


def rows_of(places: np.ndarray, columns: Mapping[str, Sequence[Any]], **options: Any) -> MadeRows:
    """Return a layer of points."""
    return MadeRows([f"POINT ({x:.9f} {y:.9f})" for x, y in places], columns, epsg=4326, name="“places”", **options)


def vectors_at(places: np.ndarray, vectors: np.ndarray, columns: Optional[Mapping[str, Sequence[Any]]] = None,
               **options: Any) -> MadeRows:
    """Return a layer of points that carry vectors."""
    return with_vectors([f"POINT ({x:.9f} {y:.9f})" for x, y in places], columns or {}, list(vectors), epsg=4326,
                        name="“places”", **options)


def asked(rows: Any, folder: Path, **options: Any) -> TrainLocationRequest:
    """Return a request on the CPU with few folds."""
    given = {"kind": "fourier-sphere", "folds": 3, "device": "cpu", "dimensions": 16, "resume": False, **options}
    return TrainLocationRequest(rows, str(folder / "encoder.onnx"), **given)


class Listening:
    """A progress that keeps what it is told, and cancels when it is told to."""

    def __init__(self, cancel_at: str = "") -> None:
        self.fractions: "list[float]" = []
        self.texts: "list[str]" = []
        self.infos: "list[str]" = []
        self.warnings: "list[str]" = []
        self._cancel_at = cancel_at
        self._cancelled = False

    def report(self, fraction: float, text: Optional[str] = None) -> None:
        self.fractions.append(fraction)
        if text:
            self.texts.append(text)
            if self._cancel_at and self._cancel_at in text:
                self._cancelled = True

    def info(self, text: str) -> None:
        self.infos.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def cancelled(self) -> bool:
        return self._cancelled
