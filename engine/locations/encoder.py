"""A location encoder ready to use: a formula with all its settings known, and the space of its vectors."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict

import numpy as np

from ..errors import InputError
from ..space import Space
from .family import Family
from .settings import LENGTH, RADII, SCALES, SEAMLESS, SEED, Settings
from .shipped import FAMILIES, IDS, ONLY_TRAINED

MOST_DIMENSIONS = 16_384
_DEFAULTS = Settings()
_PIECE = 2 ** 18


@dataclass(frozen=True)
class LocationEncoder:
    """Turns places into vectors; its settings are its identity, since there is no file to check."""

    family: Family
    settings: Settings

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        return self.family.size(self.settings.scales)

    @property
    def seamless(self) -> bool:
        """Tell whether places on either side of ±180° have nearly the same vector."""
        return self.family.seamless or self.settings.seamless

    def vectors(self, places: np.ndarray) -> np.ndarray:
        """Return `(n, dimensions)` float32 of places `(n, 2)` in degrees; all is computed in float64 before."""
        found = np.empty((len(places), self.dimensions), dtype=np.float32)
        # In pieces that stay in the processor's cache, which is several times faster for long vectors.
        rows = max(1, _PIECE // self.dimensions)
        for start in range(0, len(places), rows):
            found[start:start + rows] = self.family.formula(places[start:start + rows], self.settings)
        return found

    def space(self) -> Space:
        """Return the space that these settings make."""
        return Space(self.family.id, self.dimensions, unit_norm=self.family.unit_norm, details=self._details())

    def _details(self) -> "Dict[str, Any]":
        """Return the settings that mean something to the formula."""
        takes, settings = self.family.takes, self.settings
        details: "Dict[str, Any]" = {}
        if SCALES in takes:
            details[self.family.scales_word] = settings.scales
        if RADII in takes:
            details.update(min_radius=settings.min_radius, max_radius=settings.max_radius)
        if LENGTH in takes:
            details["length_km"] = settings.length
        if SEAMLESS in takes:
            details["seamless"] = settings.seamless
        if SEED in takes:
            details["seed"] = settings.seed
        return details


def find_location_encoder(text: str, settings: Settings = _DEFAULTS) -> LocationEncoder:
    """Return the encoder of an id with these settings, or say in words why there is none."""
    wanted = text.strip()
    family = next((item for item in FAMILIES if item.id == wanted.lower()), None)
    if family is None:
        raise _unknown(wanted)
    _refuse_idle(family, settings)
    complete = _completed(family, settings)
    _check(family, complete)
    return LocationEncoder(family, complete)


def _completed(family: Family, given: Settings) -> Settings:
    """Put the defaults where nothing was given."""
    default = family.default
    return replace(given, scales=given.scales or default.scales, min_radius=given.min_radius or default.min_radius,
                   max_radius=given.max_radius or default.max_radius, length=given.length or default.length)


def _refuse_idle(family: Family, given: Settings) -> None:
    """Say so where a setting would do nothing, rather than let somebody believe that it did."""
    idle = [words for setting, value, words in (
        (SCALES, given.scales, "a number of scales"), (RADII, given.min_radius or given.max_radius, "radii"),
        (LENGTH, given.length, "a length scale"), (SEAMLESS, given.seamless, "a seam to remove by whole scale factors"))
        if value and setting not in family.takes]
    if idle:
        raise InputError("location-setting", "The location encoder {id} doesn't have {idle}: leave that at its "
                         "default, or choose another encoder.", id=family.id, idle=" and ".join(idle))


def _check(family: Family, settings: Settings) -> None:
    """Refuse settings for which the formula has no meaning."""
    if SCALES in family.takes and settings.scales < family.least_scales:
        raise InputError("location-scales", "{id} needs at least {least} {word}, not {given}: give more, or 0 for its "
                         "default of {default}.", id=family.id, least=family.least_scales, word=family.scales_word,
                         given=settings.scales, default=family.default.scales)
    if RADII in family.takes and not 0 < settings.min_radius < settings.max_radius < np.inf:
        raise InputError("location-radii", "The finest radius of {id} must be over 0 and below the coarsest, but they "
                         "are {finest:g} and {coarsest:g}: change one of them, or give 0 for its default.",
                         id=family.id, finest=settings.min_radius, coarsest=settings.max_radius)
    if LENGTH in family.takes and not 0 < settings.length < np.inf:
        raise InputError("location-length", "The length scale of {id} is {length:g} km: give a length over 0.",
                         id=family.id, length=settings.length)
    if SEED in family.takes and not 0 <= settings.seed < 2 ** 32:
        raise InputError("location-seed", "The seed {seed} is not a whole number from 0 to 4294967295: give one that "
                         "is.", seed=settings.seed)
    dimensions = family.size(settings.scales)
    if dimensions > MOST_DIMENSIONS:
        raise InputError("location-dimensions", "{given} {word} make vectors of {dimensions} numbers with {id}, more "
                         "than the {most} that a table takes: give fewer.", given=settings.scales,
                         word=family.scales_word, dimensions=dimensions, id=family.id, most=MOST_DIMENSIONS)


def _unknown(wanted: str) -> InputError:
    """Return what to say of a text that names no encoder of locations."""
    ids = ", ".join(IDS)
    if not wanted:
        return InputError("location-empty", "ENCODER is empty: give the id of a location encoder ({ids}).", ids=ids)
    if wanted.lower() in ONLY_TRAINED:
        return InputError("location-trained", "The location encoder {id} exists only trained, since it is made of "
                          "places of the training data: choose one that is a formula ({ids}).", id=wanted, ids=ids)
    if Path(wanted).suffix.lower() in (".json", ".onnx"):
        if not Path(wanted).is_file():
            return InputError("location-missing", "There is no encoder file {path}: check the path, or give the id of "
                              "a location encoder ({ids}).", path=wanted, ids=ids)
        return InputError("location-image", "{path} describes no location encoder: the files that encoders have so far "
                          "take images, not longitude and latitude; give the id of a location encoder ({ids}).",
                          path=wanted, ids=ids)
    close = difflib.get_close_matches(wanted.lower().replace("_", "-"), IDS, n=3, cutoff=0.5)
    if close:
        return InputError("location-unknown", "There is no location encoder {id}; did you mean {names}?", id=wanted,
                          names=" or ".join(close))
    return InputError("location-unknown", "There is no location encoder {id}: choose one of {ids}.", id=wanted, ids=ids)
