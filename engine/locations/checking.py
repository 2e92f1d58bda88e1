"""Says in words which settings of a location encoder can't be, or would do nothing."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .family import Family
from .settings import CELL, EXTENT, LENGTH, RADII, SCALES, SEAMLESS, SEED, SIGMA, Settings

MOST_DIMENSIONS = 16_384
MOST_CELLS = 1_000_000


def refuse_idle(family: Family, given: Settings) -> None:
    """Say so where a setting would do nothing, rather than let somebody believe that it did."""
    idle = [words for setting, value, words in (
        (SCALES, given.scales, "a number of scales"), (RADII, given.min_radius or given.max_radius, "radii"),
        (LENGTH, given.length, "a length scale"), (SEAMLESS, given.seamless, "a seam to remove by whole scale factors"),
        (SIGMA, given.sigma, "a sigma"), (CELL, given.cell, "cells"), (EXTENT, given.extent, "an extent"))
        if value and setting not in family.takes]
    if idle:
        raise InputError("location-setting", "The location encoder {id} doesn't have {idle}: leave that at its "
                         "default, or choose another encoder.", id=family.id, idle=" and ".join(idle))


def check_settings(family: Family, settings: Settings) -> None:
    """Refuse settings for which the formula has no meaning."""
    if SCALES in family.takes and settings.scales < family.least_scales:
        raise InputError("location-scales", "{id} needs at least {least} {word}, not {given}: give more, or 0 for its "
                         "default of {default}.", id=family.id, least=family.least_scales, word=family.scales_word,
                         given=settings.scales, default=family.default.scales)
    if RADII in family.takes and not 0 < settings.min_radius < settings.max_radius < np.inf:
        raise InputError("location-radii", "The finest radius of {id} must be over 0 and below the coarsest, but they "
                         "are {finest:g} and {coarsest:g}: change one of them, or give 0 for its default.",
                         id=family.id, finest=settings.min_radius, coarsest=settings.max_radius)
    if LENGTH in family.takes and not settings.sigma and not 0 < settings.length < np.inf:
        raise InputError("location-length", "The length scale of {id} is {length:g} km: give a length over 0.",
                         id=family.id, length=settings.length)
    if settings.sigma and not 0 < settings.sigma < np.inf:
        raise InputError("location-length", "The sigma of {id} is {sigma:g} degrees: give one over 0.", id=family.id,
                         sigma=settings.sigma)
    if SEED in family.takes and not 0 <= settings.seed < 2 ** 32:
        raise InputError("location-seed", "The seed {seed} is not a whole number from 0 to 4294967295: give one that "
                         "is.", seed=settings.seed)
    _check_extent(family, settings)
    dimensions = family.size(settings.scales)
    if dimensions > MOST_DIMENSIONS:
        raise InputError("location-dimensions", "{given} {word} make vectors of {dimensions} numbers with {id}, more "
                         "than the {most} that a table takes: give fewer.", given=settings.scales,
                         word=family.scales_word, dimensions=dimensions, id=family.id, most=MOST_DIMENSIONS)


def _check_extent(family: Family, settings: Settings) -> None:
    """Refuse an extent without area, and more tiles than there can be vectors for."""
    if EXTENT not in family.takes or not settings.extent:
        return
    if len(settings.extent) != 4 or not np.isfinite(settings.extent).all() or not (
            settings.extent[0] < settings.extent[2] and settings.extent[1] < settings.extent[3]):
        raise InputError("location-extent", "The extent of {id} must be west, south, east and north in degrees, but it "
                         "is {extent}: give another.", id=family.id, extent=list(settings.extent))
    if CELL not in family.takes:
        return
    west, south, east, north = settings.extent
    if not settings.cell > 0 or (east - west) / settings.cell * ((north - south) / settings.cell) > MOST_CELLS:
        raise InputError("location-cell", "Cells of {cell:g}° make more than {most} tiles of the extent, or none: "
                         "give larger ones.", cell=settings.cell, most=MOST_CELLS)
