"""Refuses pixel values that can't be those of the sensor an encoder was made for, such as 0..1 for 0..10000.

The bounds are wide on purpose: water, shadow, snow and cloud must pass. Only values in another unit are caught.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Optional, Tuple

import numpy as np

from ..card import Card
from ..errors import InputError

SAMPLE = 200_000
# Cloud and snow reach about ten times a dataset's mean plus two standard deviations.
TOO_LARGE = 20.0
# A stated valid range is a promise of the sensor, so less beyond it is already another unit.
BEYOND_RANGE = 2.0
# The mean plus two standard deviations of 8-bit images, and twice 255 where a card only divides by 255.
EIGHT_BITS = (100.0, 600.0)
BEYOND_EIGHT_BITS = 3 * 255.0
# Reflectance as a fraction stays below this; digital numbers of a real scene don't, in all bands at once.
FRACTION = 2.0
LARGE_UNIT = 50.0
FRACTIONAL_SHARE = 0.01
TOO_LARGE_REMEDY = "divide such bands by {factor} or choose an encoder for their values"
TOO_SMALL_REMEDY = "multiply such bands by {factor} or choose an encoder for their values"


@dataclass(frozen=True)
class _Seen:
    """What the valid values of one band look like; percentiles, so that single outliers don't matter."""

    low: float
    middle: float
    high: float
    size: float
    largest: float
    fractional: bool


@dataclass(frozen=True)
class _Expected:
    """What a card says of one band's values; `stated` if it names their range, else drawn from its normalisation."""

    low: float
    high: float
    stated: bool

    @property
    def extent(self) -> float:
        """Return the size of a large value."""
        return max(abs(self.low), abs(self.high))

    @property
    def width(self) -> float:
        """Return the length of the range."""
        return self.high - self.low


@dataclass(frozen=True)
class _Band:
    """One band that can be judged."""

    name: str
    seen: _Seen
    expected: _Expected


def check_values(values: np.ndarray, card: Card) -> None:
    """Compare raw values `(bands, ...)`, NaN where invalid, with what the card says; raise if the unit is another."""
    bands = list(_judged(values, card))
    for band in bands:
        seen, expected = band.seen, band.expected
        if expected.stated:
            # Judged by the middle: a bright corner, snow or cloud may lie far beyond what a raster was fitted to.
            if seen.middle > expected.high + BEYOND_RANGE * expected.width:
                raise _error("values-large", "divide such bands by {factor} or choose an encoder for its "
                             "values", band, card)
            if seen.high < expected.low - BEYOND_RANGE * expected.width:
                raise _error("values-offset", "convert such bands to the card's unit", band, card)
        elif seen.size > TOO_LARGE * expected.extent:
            raise _error("values-large", "divide such bands by {factor} or choose an encoder for its "
                         "values", band, card)
        elif seen.high < expected.low - BEYOND_RANGE * expected.width:
            raise _error("values-offset", "convert such bands to the card's unit", band, card)
    eight_bits = [band for band in bands if _speaks_of_eight_bits(band.expected)]
    if eight_bits and len(eight_bits) == len(bands) and all(band.seen.high > BEYOND_EIGHT_BITS for band in bands):
        raise _error("values-large", TOO_LARGE_REMEDY, bands[0], card)
    negative = [band for band in bands if band.expected.low < -4 * max(band.expected.high, 0.0)]
    if negative and all(band.seen.low >= 0 and band.seen.high > 0 for band in negative):
        raise _error("values-linear", "convert such bands to decibels (10 × log10)", negative[0], card)
    large = [band for band in bands if band.expected.extent >= LARGE_UNIT and band not in negative]
    if large and all(band.seen.largest <= FRACTION and band.seen.fractional for band in large):
        raise _error("values-small", TOO_SMALL_REMEDY, large[0], card)


def _judged(values: np.ndarray, card: Card) -> Iterator[_Band]:
    """Pair what is seen with what is expected, for the bands where both are known."""
    for index, band in enumerate(card.bands[:len(values)]):
        expected = _expected(card, index)
        seen = _look(values[index])
        if expected is not None and seen is not None:
            yield _Band(band.name, seen, expected)


def _look(values: np.ndarray) -> Optional[_Seen]:
    """Describe a band by an even sample of its finite values, or None if it has none."""
    flat = np.ravel(values)
    finite = flat[np.isfinite(flat)]
    finite = finite[::max(1, len(finite) // SAMPLE)].astype(np.float64)
    if len(finite) == 0:
        return None
    low, middle, high = np.percentile(finite, (2, 50, 98))
    size, largest = np.percentile(np.abs(finite), (90, 99.9))
    fractional = float(np.mean(finite != np.rint(finite))) > FRACTIONAL_SHARE
    return _Seen(float(low), float(middle), float(high), float(size), float(largest), fractional)


def _expected(card: Card, index: int) -> Optional[_Expected]:
    """Return the range of a band's values that the card implies, or None if it says nothing."""
    band = card.bands[index]
    if band.valid_min is not None and band.valid_max is not None and band.valid_max > band.valid_min:
        return _Expected(band.valid_min, band.valid_max, True)
    scaling = card.scaling
    if scaling.is_identity:
        return _Expected(0.0, 255.0, True) if card.image.data_type == "uint8" else None
    shift, divisor = _one_of(scaling.shift, index), abs(_one_of(scaling.divisor, index))
    low, high = shift - 2 * divisor, shift + 2 * divisor
    if scaling.clip_before is not None:
        low, high = max(low, scaling.clip_before[0]), min(high, scaling.clip_before[1])
    return _Expected(low, high, False) if high > low else None


def _speaks_of_eight_bits(expected: _Expected) -> bool:
    """Tell whether a normalisation is one of 8-bit images, whose cards often state no range."""
    return not expected.stated and EIGHT_BITS[0] <= expected.high <= EIGHT_BITS[1]


def _one_of(numbers: "Tuple[float, ...]", index: int) -> float:
    """Take a band's number where there is one for each, else the one for all."""
    return numbers[index] if len(numbers) > 1 else numbers[0]


def _error(code: str, remedy: str, band: _Band, card: Card) -> InputError:
    """Say what was seen, what was expected and what to do."""
    seen, expected = band.seen, band.expected
    low = 0.0 if not expected.stated and expected.low < 0 <= expected.low + expected.width / 2 else expected.low
    template = ("The values of band {band} lie between {seen_low} and {seen_high}, but the encoder {encoder} is made "
                "for values of about {low} to {high}: " + remedy + ".")
    larger, smaller = max(seen.high, expected.extent), min(seen.high, expected.extent)
    # The two units that are mixed up with fractions: whole numbers of 8 bits, and reflectance × 10000.
    factor = "{:.0f}".format(larger / smaller) if smaller > 10 else 255 if larger <= 300 else 10000
    return InputError(code, template, band=band.name, seen_low=_short(seen.low), seen_high=_short(seen.high),
                      encoder=card.id, low=_short(low), high=_short(expected.high), factor=factor)


def _short(number: float) -> str:
    """Write a number for people."""
    return "{:.0f}".format(number) if abs(number) >= 1000 else "{:.3g}".format(number)
