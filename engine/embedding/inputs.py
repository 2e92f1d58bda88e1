"""What a run reads: the rasters of its dates on one grid, their bands, and which of their pixels count."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from typing import Optional, Sequence

import numpy as np

from ..bands import match_bands, select_bands
from ..card import Card, CardBand
from ..dataset import RasterInfo, metres_per_unit, raster_info
from ..encoders.value_check import check_values
from ..errors import InputError
from ..grid import Grid, Window, metres_per_pixel
from ..progress import Progress, check
from ..sample import SampledWindow, Sampler
from ..validity import rule_for
from .plan import RasterInput

CHECK_WINDOWS = 16
CHECK_SIDE = 96


@dataclass(frozen=True)
class Rasters:
    """The rasters of a call, opened once to read what they say of themselves."""

    infos: "tuple[RasterInfo, ...]"

    @property
    def grid(self) -> Grid:
        """Return the grid of the first, which is that of all."""
        return self.infos[0].grid

    @property
    def name(self) -> str:
        """Return the path that messages name."""
        return self.infos[0].path


def open_rasters(paths: "Sequence[str]") -> Rasters:
    """Read what the rasters of all dates say of themselves; they must lie on one grid."""
    infos = tuple(raster_info(path) for path in paths)
    first = infos[0].grid
    for info in infos[1:]:
        same = (info.grid.width, info.grid.height) == (first.width, first.height) and np.allclose(
            info.grid.transform, first.transform, rtol=1e-9, atol=abs(first.transform[1]) * 1e-3)
        if not same:
            raise InputError("dates-grid", "{path} doesn't lie on the grid of {first}: align it first (Raster ▸ Align "
                             "rasters).", path=info.path, first=infos[0].path)
    return Rasters(infos)


def source_for(rasters: Rasters, card: Optional[Card], bands: str, dates: "Sequence[str]",
               progress: Progress) -> RasterInput:
    """Choose the bands of every date: by the card where there is one, else as typed, else all."""
    chosen = []
    for info in rasters.infos:
        if card is None:
            chosen.append(select_bands(info.data_bands, bands, info.path))
        else:
            match = match_bands(card.bands, info.data_bands, bands, info.path)
            for warning in match.warnings:
                progress.warn(warning)
            chosen.append(match.indices)
    _check_dates(rasters, card, dates)
    dtypes = [band.dtype for info, indices in zip(rasters.infos, chosen) for band in info.bands
              if band.index in indices]
    rules = tuple(rule_for(info, indices) for info, indices in zip(rasters.infos, chosen))
    gsd = metres_per_pixel(rasters.grid, metres_per_unit(rasters.grid.wkt))
    return RasterInput(tuple(info.path for info in rasters.infos), tuple(tuple(one) for one in chosen),
                       np.result_type(*dtypes).str, rules, tuple(_moment(text) for text in dates), gsd)


def _check_dates(rasters: Rasters, card: Optional[Card], dates: "Sequence[str]") -> None:
    """Require as many rasters as the encoder takes dates, and a date for each where dates are given."""
    wanted = card.dates if card is not None else 1
    if len(rasters.infos) != wanted:
        raise InputError("dates-count", "The encoder takes {wanted} dates but {found} rasters are given: put one in "
                         "INPUT and the others in FURTHER, oldest first.", wanted=wanted, found=len(rasters.infos))
    if dates and len(dates) != wanted:
        raise InputError("dates-number", "{found} dates are given for {wanted} rasters: give one date a raster, "
                         "separated by “;”.", found=len(dates), wanted=wanted)


def _moment(text: str) -> datetime.datetime:
    """Read an ISO date or date and time."""
    try:
        return datetime.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError as error:
        raise InputError("date-format", "“{text}” is not a date: write it as 2024-07-31 or 2024-07-31T10:30.",
                         text=text) from error


def samplers(rasters: Rasters, source: RasterInput, region: Window,
             mask: "Optional[tuple[bytes, ...]]") -> "tuple[Sampler, ...]":
    """Return where samples of each date come from."""
    return tuple(Sampler(path, rasters.grid, bands, np.dtype(source.dtype), rule, region, mask)
                 for path, bands, rule in zip(source.paths, source.bands, source.rules))


def without_dead_bands(source: RasterInput, rasters: Rasters, region: Window,
                       mask: "Optional[tuple[bytes, ...]]", seed: int, progress: Progress) -> RasterInput:
    """Take the vote from bands that are nodata wherever others have values; without this no pixel would be valid."""
    rules = []
    for sampler, indices, info in zip(samplers(rasters, source, region, mask), source.bands, rasters.infos):
        rule = sampler.rule
        if len(indices) == 1 or not any(_may_be_nodata(info, index) for index in indices):
            rules.append(rule)
            continue
        seen = np.zeros(len(indices), dtype=bool)
        # Looked at band by band: a dead band hides the others from the rule that all must be valid.
        open_rule = replace(rule, ignored=frozenset(range(len(indices))))
        for sampled in replace(sampler, rule=open_rule).take(CHECK_SIDE, CHECK_WINDOWS, seed):
            check(progress)
            for position in np.flatnonzero(~seen):
                alone = replace(rule, nodata=(rule.nodata[position],), ignored=frozenset())
                seen[position] = bool((alone.of_values(sampled.values[position:position + 1]) & sampled.valid).any())
        dead = frozenset(int(position) for position in np.flatnonzero(~seen))
        if dead and len(dead) < len(indices):
            names = ", ".join(_band_name(info, indices[position]) for position in sorted(dead))
            progress.warn(f"No valid pixel was found in {names} of {info.path}: such bands are left out.")
            rule = replace(rule, ignored=dead)
        rules.append(rule)
    return replace(source, rules=tuple(rules))


def _may_be_nodata(info: RasterInfo, index: int) -> bool:
    """Tell whether a band could be empty as a whole."""
    band = info.bands[index - 1]
    return band.nodata is not None or band.dtype.kind == "f"


def _band_name(info: RasterInfo, index: int) -> str:
    """Return what a band is called in messages."""
    return info.bands[index - 1].description or f"band {index}"


def check_against(card: Card, sampled: "Sequence[SampledWindow]", ignored: "frozenset[int]") -> None:
    """Refuse values that can't be those the card expects."""
    pixels = [window.values[:, window.valid].astype(np.float32) for window in sampled if window.valid.any()]
    if pixels:
        values = np.concatenate(pixels, axis=1)
        values[sorted(ignored)] = np.nan
        check_values(values, card)


def bands_of(rasters: Rasters, indices: "Sequence[int]",
             ranges: "Sequence[Optional[tuple[float, float]]]") -> "tuple[CardBand, ...]":
    """Describe a raster's own bands for the card of an encoder fitted to it."""
    info = rasters.infos[0]
    found = []
    for index, span in zip(indices, ranges):
        low, high = span if span is not None else (None, None)
        band = info.bands[index - 1]
        found.append(CardBand(band.description or f"Band {index}", wavelength_um=band.wavelength_um, unit=band.unit,
                              valid_min=low, valid_max=high))
    return tuple(found)
