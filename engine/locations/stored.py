"""A location encoder out of a file: position and network in one ONNX session, places in, vectors out."""

from __future__ import annotations

import logging
from functools import cached_property
from pathlib import Path
from typing import Any, Optional

import numpy as np

from .. import packages
from ..encoders.numpy_session import NumpySession
from ..errors import EarthprintError, ModelError, PackageError
from ..progress import Progress
from ..space import Space
from .card import LocationCard
from .card_item import EMBEDDING, LOCATION, POSITION
from .reading import LocationFiles, broken, read_location_encoder

LOG = logging.getLogger("earthprint")
# Numbers of the widest layer that are computed at a time, so that they stay in the processor's cache.
_PIECE = 2 ** 20
# Towers of ten million weights take half a second for so many.
_ROWS_AT_ONCE = 1024
_LEAST_ROWS, _MOST_ROWS = 256, 8192


class StoredEncoder:
    """Turns places into vectors by a trained network."""

    def __init__(self, files: LocationFiles) -> None:
        """Keep the checked files; a session is made when the first vectors are wanted."""
        self.card: LocationCard = files.card
        self._model = files.model

    @property
    def name(self) -> str:
        """Return what people call it: its id."""
        return self.card.id

    @property
    def rows_at_once(self) -> int:
        """Return how many places to ask for between two looks at whether the user cancelled."""
        return _ROWS_AT_ONCE

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        return self.card.dimensions

    @property
    def seamless(self) -> bool:
        """Tell whether places on either side of ±180° have nearly the same vector."""
        return self.card.position.seamless

    @property
    def polar(self) -> bool:
        """Tell whether all places around a pole have nearly the same vector."""
        return self.card.position.polar

    @property
    def device(self) -> str:
        """Return what computes: ONNX Runtime, or NumPy where that is not installed."""
        return self._opened[1]

    @cached_property
    def _opened(self) -> "tuple[Any, str]":
        """Return the session and what computes in it."""
        return _session(self._model)

    def vectors(self, places: np.ndarray) -> np.ndarray:
        """Return `(n, dimensions)` float32 of places `(n, 2)` in degrees."""
        places = np.ascontiguousarray(places, dtype=np.float64)
        position = self.card.position
        found = np.empty((len(places), self.dimensions), dtype=np.float32)
        rows = int(np.clip(_PIECE // max(self.dimensions, position.size), _LEAST_ROWS, _MOST_ROWS))
        for start in range(0, len(places), rows):
            part = places[start:start + rows]
            feeds = {LOCATION: part} if position.has_nodes else {POSITION: position.features(part)}
            found[start:start + rows] = self._run(feeds)
        return found

    def space(self) -> Space:
        """Return the space of the vectors."""
        return self.card.space()

    def _run(self, feeds: "dict[str, np.ndarray]") -> np.ndarray:
        """Evaluate the graph."""
        try:
            return self._opened[0].run([EMBEDDING], feeds)[0]
        except EarthprintError:
            raise
        except Exception as error:  # noqa: BLE001  (the runtime has its own exception types)
            raise ModelError("location-run", "The location encoder {path} failed ({reason}): make it again.",
                             path=self._model, reason=_line(error)) from error


def open_location_encoder(path: "str | Path", progress: Optional[Progress] = None) -> StoredEncoder:
    """Open a location encoder by the path of its ONNX file or of its card."""
    return StoredEncoder(read_location_encoder(path, progress))


def _session(model: Path) -> "tuple[Any, str]":
    """Return a session and what computes in it."""
    try:
        runtime = packages.require("onnxruntime")
    except PackageError as missing:
        LOG.info("%s is evaluated in NumPy: %s", model.name, missing)
        return NumpySession(model), "NumPy"
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    try:
        return runtime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"]), "ONNX Runtime"
    except Exception as error:  # noqa: BLE001  (the runtime has its own exception types)
        raise broken(model, f"ONNX Runtime refuses it ({_line(error)})") from error


def _line(error: Exception) -> str:
    """Keep one line of what the runtime says."""
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:197] + "…"
