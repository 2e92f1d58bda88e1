"""Finds, among a layer's bands, those that an encoder's card names: by name, common name, then wavelength."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Mapping, Optional, Protocol, Sequence

from .band_names import BandIdentity, identify, spelled
from .card import CardBand
from .errors import InputError

TOLERANCE_UM = 0.015
CONTRADICTION_UM = 0.05
_NEAR = {"nir": ("nir08",), "nir08": ("nir",)}


class LayerBand(Protocol):
    """What is needed to know of a band of a layer; `index` counts from 1 as GDAL and QGIS do."""

    @property
    def index(self) -> int:
        """Return the number of the band."""

    @property
    def description(self) -> str:
        """Return the band's name."""

    @property
    def wavelength_um(self) -> Optional[float]:
        """Return the wavelength in micrometres, if the file states it."""


@dataclass(frozen=True)
class BandMatch:
    """Which band of the layer goes where: `indices` count from 1, in the card's order; `how` tells why, for each."""

    indices: "tuple[int, ...]"
    how: "tuple[str, ...]"
    warnings: "tuple[str, ...]" = field(default=())


def match_bands(card_bands: "Sequence[CardBand]", layer_bands: "Sequence[LayerBand]", asked: str = "",
                layer: str = "The layer") -> BandMatch:
    """Choose the layer's bands for a card; `asked` (names or numbers, separated by `;`) overrides all guessing."""
    if asked.strip():
        return _match_asked(card_bands, layer_bands, asked, layer)
    if _is_unnamed(layer_bands):
        return _match_order(card_bands, layer_bands, layer)
    known = identify([band.description for band in layer_bands], [band.wavelength_um for band in layer_bands])
    wanted = _identify_card(card_bands)
    chosen: "dict[int, int]" = {}
    how: "dict[int, str]" = {}
    warnings: "list[str]" = []
    for step in (_by_name, _by_common_name, _by_wavelength, _by_near_name):
        taken = set(chosen.values())
        for number, band in enumerate(wanted):
            if number in chosen:
                continue
            position = step(band, known, taken)
            if position is not None:
                chosen[number] = position
                taken.add(position)
                how[number] = _NAMES_OF_STEPS[step.__name__]
                if step is _by_near_name:
                    warnings.append(f"{layer} has no band {band.common_name} for {card_bands[number].name}: "
                                    f"{layer_bands[position].description} was taken.")
    missing = [number for number in range(len(card_bands)) if number not in chosen]
    if missing:
        raise _not_found(card_bands, layer_bands, missing, chosen, layer)
    order = range(len(card_bands))
    return BandMatch(tuple(layer_bands[chosen[number]].index for number in order),
                     tuple(how[number] for number in order), tuple(warnings))


def select_bands(layer_bands: "Sequence[LayerBand]", asked: str, layer: str = "The layer") -> "tuple[int, ...]":
    """Return the numbers of the bands that a text asks for, all of them where it is empty."""
    if not asked.strip():
        return tuple(band.index for band in layer_bands)
    indices = tuple(_find_asked(text, layer_bands, layer) for text in _split(asked))
    if len(set(indices)) != len(indices):
        raise InputError("bands-twice", "BANDS “{asked}” names a band of {layer} twice: name each band once.",
                         asked=asked, layer=layer)
    return indices


def _match_asked(card_bands: "Sequence[CardBand]", layer_bands: "Sequence[LayerBand]", asked: str,
                 layer: str) -> BandMatch:
    """Take the bands that the user named, in the card's order."""
    texts = _split(asked)
    if len(texts) != len(card_bands):
        raise InputError(
            "bands-count", "BANDS names {found} bands, but the encoder takes {wanted} ({names}): name {wanted} bands "
            "of the layer in this order, separated by “;”.", found=len(texts), wanted=len(card_bands),
            names=_listing([band.name for band in card_bands]))
    return BandMatch(tuple(_find_asked(text, layer_bands, layer) for text in texts), ("asked for",) * len(texts))


def _match_order(card_bands: "Sequence[CardBand]", layer_bands: "Sequence[LayerBand]", layer: str) -> BandMatch:
    """Take bands without names in their order, if there are as many as the card wants."""
    if len(layer_bands) != len(card_bands):
        raise InputError(
            "bands-unnamed", "{layer} has {found} bands without names, but the encoder takes {wanted} ({names}): say "
            "in BANDS which is which, such as {example}.", layer=layer, found=len(layer_bands), wanted=len(card_bands),
            names=_listing([band.name for band in card_bands]),
            example=";".join(str(number) for number in range(1, len(card_bands) + 1)))
    order = tuple(band.index for band in layer_bands)
    if all(re.fullmatch(rf"(b|band)?[\s_]*0*{number}", spelled(band.name))
           for number, band in enumerate(card_bands, start=1)):
        return BandMatch(order, ("order",) * len(order))
    warning = (f"{layer} has bands without names, so they were taken in their order as "
               f"{_listing([band.name for band in card_bands])}.")
    return BandMatch(order, ("order",) * len(order), (warning,))


def _identify_card(card_bands: "Sequence[CardBand]") -> "list[BandIdentity]":
    """Return what is known of the card's bands, completed from their names where the card is silent."""
    guessed = identify([band.name for band in card_bands], [band.wavelength_um for band in card_bands])
    return [BandIdentity(name=guess.name, code=guess.code, common_name=band.common_name or guess.common_name,
                         wavelength_um=band.wavelength_um if band.wavelength_um is not None else guess.wavelength_um,
                         sensors=guess.sensors)
            for band, guess in zip(card_bands, guessed)]


def _by_name(wanted: BandIdentity, known: "Sequence[BandIdentity]", taken: "set[int]") -> Optional[int]:
    """Find a band of the same name (B2 is B02), unless its wavelength shows that it is another sensor's."""
    for same in (lambda band: band.name == wanted.name, lambda band: _same_code(wanted, band)):
        found = [position for position, band in enumerate(known)
                 if position not in taken and same(band) and not _contradict(wanted, band)]
        if len(found) == 1:
            return found[0]
    return None


def _by_common_name(wanted: BandIdentity, known: "Sequence[BandIdentity]", taken: "set[int]") -> Optional[int]:
    """Find the band of the same colour; among several, the one whose wavelength agrees."""
    if not wanted.common_name:
        return None
    found = [position for position, band in enumerate(known)
             if position not in taken and band.common_name == wanted.common_name and not _contradict(wanted, band)]
    if len(found) == 1:
        return found[0]
    return _nearest(wanted, known, found)


def _by_wavelength(wanted: BandIdentity, known: "Sequence[BandIdentity]", taken: "set[int]") -> Optional[int]:
    """Find the band whose wavelength is nearest, within the tolerance."""
    return _nearest(wanted, known, [position for position in range(len(known)) if position not in taken])


def _by_near_name(wanted: BandIdentity, known: "Sequence[BandIdentity]", taken: "set[int]") -> Optional[int]:
    """Find the broad near infrared for the narrow one and the other way round, where the layer has only that."""
    found = [position for position, band in enumerate(known) if position not in taken
             and band.common_name in _NEAR.get(wanted.common_name, ()) and not _contradict(wanted, band)]
    return found[0] if len(found) == 1 else None


_NAMES_OF_STEPS: Mapping[str, str] = {"_by_name": "name", "_by_common_name": "common name",
                                      "_by_wavelength": "wavelength", "_by_near_name": "similar common name"}


def _nearest(wanted: BandIdentity, known: "Sequence[BandIdentity]", candidates: "Sequence[int]") -> Optional[int]:
    """Return the candidate nearest in wavelength within the tolerance."""
    if wanted.wavelength_um is None:
        return None
    distances = [(abs(value - wanted.wavelength_um), position) for position in candidates
                 for value in [known[position].wavelength_um] if value is not None]
    best = min(distances, default=None)
    return best[1] if best is not None and best[0] <= TOLERANCE_UM + 1e-9 else None


def _same_code(first: BandIdentity, second: BandIdentity) -> bool:
    """Tell whether two bands bear one code of a sensor that both may come from: B5 of Landsat is not Sentinel-2's."""
    shared = first.sensors & second.sensors
    return bool(first.code) and first.code == second.code and (bool(shared) or not first.sensors or not second.sensors)


def _contradict(first: BandIdentity, second: BandIdentity) -> bool:
    """Tell whether two bands can't be the same, whatever they are called."""
    colours = first.common_name, second.common_name
    if all(colours) and colours[0] != colours[1] and colours[1] not in _NEAR.get(colours[0], ()):
        return True
    if first.wavelength_um is None or second.wavelength_um is None:
        return False
    return abs(first.wavelength_um - second.wavelength_um) > max(CONTRADICTION_UM, 0.1 * first.wavelength_um)


def _is_unnamed(layer_bands: "Sequence[LayerBand]") -> bool:
    """Tell whether nothing is known of any band but its number."""
    return all(band.wavelength_um is None
               and re.fullmatch(rf"(band[\s_]*0*{band.index})?|0*{band.index}", spelled(band.description))
               for band in layer_bands)


def _find_asked(text: str, layer_bands: "Sequence[LayerBand]", layer: str) -> int:
    """Return the number of the band that one part of BANDS means."""
    if text.isascii() and text.isdigit():
        if any(band.index == int(text) for band in layer_bands):
            return int(text)
        raise InputError("bands-number", "BANDS asks for band {text}, but {layer} has {has}: give a number or a name "
                         "of these.", text=text, layer=layer, has=_describe(layer_bands))
    known = identify([band.description for band in layer_bands], [band.wavelength_um for band in layer_bands])
    wanted = identify([text], [None])[0]
    tests = (lambda position: layer_bands[position].description.strip() == text,
             lambda position: known[position].name == wanted.name,
             lambda position: bool(wanted.code) and known[position].code == wanted.code,
             lambda position: bool(wanted.common_name) and known[position].common_name == wanted.common_name)
    for test in tests:
        found = [position for position in range(len(layer_bands)) if test(position)]
        if len(found) == 1:
            return layer_bands[found[0]].index
        if len(found) > 1:
            raise InputError("bands-ambiguous", "BANDS asks for “{text}”, and several bands of {layer} are called so: "
                             "give the number of one of {numbers}.", text=text, layer=layer,
                             numbers=", ".join(str(layer_bands[position].index) for position in found))
    raise InputError("bands-name", "BANDS asks for “{text}”, but {layer} has {has}: give a number or a name of these.",
                     text=text, layer=layer, has=_describe(layer_bands))


def _not_found(card_bands: "Sequence[CardBand]", layer_bands: "Sequence[LayerBand]", missing: "Sequence[int]",
               chosen: "Mapping[int, int]", layer: str) -> InputError:
    """Return the error that says what is missing, what is there and what to type."""
    example = ";".join(str(layer_bands[chosen[number]].index) if number in chosen else "?"
                       for number in range(len(card_bands)))
    return InputError(
        "bands-missing", "{layer} has no band for {missing} of the encoder; it has {has}: name {count} bands in BANDS "
        "in the order {names}, such as {example}.", layer=layer,
        missing=_listing([_card_words(card_bands[number]) for number in missing]), has=_describe(layer_bands),
        count=len(card_bands), names=_listing([band.name for band in card_bands]), example=_shortened(example))


def _card_words(band: CardBand) -> str:
    """Return a card's band with what helps to find it."""
    facts = [band.common_name if band.common_name != band.name else "",
             f"{band.wavelength_um * 1000:.0f} nm" if band.wavelength_um is not None else ""]
    known = ", ".join(fact for fact in facts if fact)
    return f"{band.name} ({known})" if known else band.name


def _describe(layer_bands: "Sequence[LayerBand]") -> str:
    """Return the layer's bands as number and name."""
    return _listing([f"{band.index}: {band.description}" if band.description else str(band.index)
                     for band in layer_bands])


def _listing(names: "Sequence[str]") -> str:
    """Join names, and cut a list that nobody would read."""
    if len(names) > 16:
        names = [*names[:12], f"… ({len(names)} in all)"]
    return ", ".join(names)


def _shortened(example: str) -> str:
    """Cut a long example in the middle of nowhere."""
    return example if len(example) <= 80 else example[:77] + "…"


def _split(asked: str) -> "list[str]":
    """Return the parts of BANDS."""
    return [part.strip() for part in asked.split(";") if part.strip()]
