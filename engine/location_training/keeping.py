"""Keeps what a training has finished, as plain arrays, so that a run that was stopped goes on where it was."""

from __future__ import annotations

from typing import Dict, Optional

import numpy as np

from ..partial import PartialWork


class Keeping:
    """Named groups of arrays in the folder of unfinished work; without a folder nothing is kept."""

    def __init__(self, work: Optional[PartialWork]) -> None:
        """Take the folder."""
        self._work = work

    def save(self, name: str, arrays: "Dict[str, np.ndarray]") -> None:
        """Keep a group; it counts once all of it is there, and replaces an older one whole."""
        if self._work is None:
            return
        turn = 1 - self._turn(name) if self._turn(name) >= 0 else 0
        for key, values in arrays.items():
            self._work.save_array(f"{name}-{turn}-{key}", values)
        self._work.save_array(f"{name}-keys", np.array([str(turn), *arrays]))

    def load(self, name: str) -> "Optional[Dict[str, np.ndarray]]":
        """Return a group, or None where it was never finished."""
        keys = None if self._work is None else self._work.load_array(f"{name}-keys")
        if self._work is None or keys is None:
            return None
        found: "Dict[str, np.ndarray]" = {}
        for key in keys[1:].tolist():
            values = self._work.load_array(f"{name}-{keys[0]}-{key}")
            if values is None:
                return None
            found[key] = values
        return found

    def _turn(self, name: str) -> int:
        """Return which of two copies of a group holds, −1 for none."""
        keys = None if self._work is None else self._work.load_array(f"{name}-keys")
        return -1 if keys is None else int(keys[0])
