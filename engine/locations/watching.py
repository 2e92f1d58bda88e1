"""Looks at the places that are embedded and tells where an encoder's vectors mislead: seam, poles, unknown ground."""

from __future__ import annotations

from typing import List, Optional

import numpy as np

from ..progress import Progress
from .coverage import Coverage
from .finding import AnyLocationEncoder
from .latitudes import SWAPPED_SHARE

_NEAR_SEAM = 179.0
_NEAR_POLE = 89.0


class PlaceWatch:
    """Watches the places of one layer."""

    def __init__(self, name: str, encoder: AnyLocationEncoder) -> None:
        """Nothing seen yet; only trained encoders know an area."""
        self._name, self._encoder = name, encoder
        card = getattr(encoder, "card", None)
        self._area: Optional[Coverage] = None if card is None else card.area
        self._west = self._east = False
        self._poles = [_Pole(), _Pole()]
        self._seen = self._outside = self._swapped = 0

    def see(self, places: np.ndarray) -> None:
        """Look at some more places."""
        longitude, latitude = places[:, 0], places[:, 1]
        self._east = self._east or bool((longitude > _NEAR_SEAM).any())
        self._west = self._west or bool((longitude < -_NEAR_SEAM).any())
        if not self._encoder.polar:
            for pole, near in zip(self._poles, (latitude >= _NEAR_POLE, latitude <= -_NEAR_POLE)):
                pole.see(longitude[near])
        self._seen += len(places)
        if self._area is None:
            return
        self._outside += int(self._area.outside(places).sum())
        if self._outside == self._seen:
            swapped = places[np.abs(longitude) <= 90.0][:, ::-1]
            self._swapped += len(swapped) - int(self._area.outside(swapped).sum())

    def warnings(self) -> "List[str]":
        """Return what there is to say, each in a sentence or two."""
        found = []
        if self._east and self._west and not self._encoder.seamless:
            found.append(f"{self._name} has places on both sides of ±180°, where the vectors of {self._encoder.name} "
                         f"jump: neighbours across it look far apart. {self._instead('SEAMLESS with one that has it')}")
        turning = sum(pole.count for pole in self._poles if pole.turns)
        if turning:
            found.append(f"{self._name} has {turning} places within 1° of a pole, where the vectors of "
                         f"{self._encoder.name} turn with the longitude: neighbours there look far apart. "
                         f"{self._instead('xyz')}")
        if self._outside and self._area is not None:
            found.append(self._beyond(self._area))
        return found

    def warn(self, progress: Progress) -> None:
        """Say it."""
        for text in self.warnings():
            progress.warn(text)

    def _instead(self, third: str) -> str:
        """Say what to use where this encoder breaks."""
        if self._area is not None or hasattr(self._encoder, "card"):
            return "Train one of a kind that goes on there, such as spherical-harmonics."
        return f"Take spherical-harmonics, fourier-sphere or {third}."

    def _beyond(self, area: Coverage) -> str:
        """Say how many places lie where nothing was learned, and whether their coordinates look swapped."""
        if self._outside == self._seen and self._swapped >= SWAPPED_SHARE * self._seen:
            return (f"All {self._seen} places of {self._name} lie outside the area that {self._encoder.name} was "
                    "trained on, and with longitude and latitude swapped they would lie inside: look whether they "
                    "are swapped, and mend it with “Swap X and Y coordinates”.")
        return (f"{self._outside} of {self._seen} places of {self._name} lie outside the area that "
                f"{self._encoder.name} was trained on, farther than {_distance(area.distance)} from every place of its "
                "data: their vectors are guesses.")


class _Pole:
    """The places near one pole."""

    def __init__(self) -> None:
        """None yet."""
        self.count = 0
        self._least, self._most = np.inf, -np.inf

    def see(self, longitudes: np.ndarray) -> None:
        """Take in some more."""
        if len(longitudes):
            self.count += len(longitudes)
            self._least = min(self._least, float(longitudes.min()))
            self._most = max(self._most, float(longitudes.max()))

    @property
    def turns(self) -> bool:
        """Tell whether there are several that differ in longitude."""
        return self.count > 1 and self._most - self._least > 1.0


def _distance(metres: float) -> str:
    """Write a distance in words."""
    return f"{metres / 1000:.3g} km" if metres >= 1000 else f"{metres:.0f} m"
