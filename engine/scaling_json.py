"""Normalisation on a card: the MLM extension's `value_scaling` and our steps in words, to and from `Scaling`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Optional, Sequence

from .card import Scaling
from .errors import CardError

FORMAT = "earthprint"
STEPS = ("clip LOW HIGH", "clip-min LOW", "clip-max HIGH", "offset V", "scale V", "min-max LOW HIGH",
         "z-score MEAN STD", "two-sigma MEAN STD")
_ARGUMENTS = {"clip": 2, "clip-min": 1, "clip-max": 1, "offset": 1, "scale": 1, "min-max": 2, "z-score": 2,
              "two-sigma": 2}
_KEYS = {"clip": ("minimum", "maximum"), "clip-min": ("minimum",), "clip-max": ("maximum",), "offset": ("value",),
         "scale": ("value",), "min-max": ("minimum", "maximum"), "z-score": ("mean", "stddev")}
_EVERYTHING = (-math.inf, math.inf)


class ScalingError(ValueError):
    """A normalisation that can't be understood; the text says why, the caller says on which card."""


@dataclass(frozen=True)
class _Chain:
    """The normalisation of one band while it is put together from steps: clip, `(x − shift) / divisor`, clip.

    `raw` is the second clip in the units of the input, where bands that end in different ranges may still agree.
    """

    before: "tuple[float, float]" = _EVERYTHING
    shift: float = 0.0
    divisor: float = 1.0
    after: "tuple[float, float]" = _EVERYTHING
    raw: "tuple[float, float]" = _EVERYTHING

    @property
    def is_plain(self) -> bool:
        """Tell whether values have not been changed yet, so that a clip still belongs before everything."""
        return self.shift == 0 and self.divisor == 1 and self.after == _EVERYTHING

    def affine(self, shift: float, divisor: float) -> "_Chain":
        """Add `(x − shift) / divisor`; a clip that came before it moves along."""
        if divisor == 0 or not math.isfinite(divisor) or not math.isfinite(shift):
            raise ScalingError("divides by zero or by no number")
        ends = sorted((limit - shift) / divisor for limit in self.after)
        if self.shift == 0 and self.divisor == 1:
            return replace(self, shift=shift, divisor=divisor, after=(ends[0], ends[1]))
        return replace(self, shift=self.shift + shift * self.divisor, divisor=self.divisor * divisor,
                       after=(ends[0], ends[1]))

    def clip(self, low: float, high: float) -> "_Chain":
        """Add a clip, before the rest where nothing else happened yet."""
        if math.isnan(low) or math.isnan(high) or low > high:
            raise ScalingError("clips to a range whose ends are in the wrong order")
        if self.is_plain:
            return replace(self, before=_both(self.before, low, high))
        ends = sorted(limit * self.divisor + self.shift for limit in (low, high))
        return replace(self, after=_both(self.after, low, high), raw=_both(self.raw, ends[0], ends[1]))


def read_scaling(value_scaling: Any, before: Any, bands: int) -> Scaling:
    """Turn `value_scaling` and `pre_processing_function` of an input into a `Scaling`, or raise ScalingError."""
    common = _Chain()
    for expression in _as_list(before):
        common = _processing(common, expression, "pre_processing_function")
    entries = _as_list(value_scaling)
    if not entries:
        chains = [common]
    elif len(entries) in (1, bands):
        chains = [_entry(common, entry) for entry in entries]
    else:
        raise ScalingError(f"value_scaling has {len(entries)} objects for {bands} bands (one for all or one per band; "
                           f"it is not a chain)")
    before_limits = _shared([chain.before for chain in chains])
    after_limits = _shared([chain.after for chain in chains])
    if after_limits is None and all(chain.before == _EVERYTHING for chain in chains):
        before_limits, after_limits = _shared([chain.raw for chain in chains]), _EVERYTHING
    if before_limits is None or after_limits is None:
        raise ScalingError("value_scaling clips bands to different ranges, which the engine doesn't do: fold that "
                           "normalisation into the graph")
    return Scaling(
        shift=tuple(chain.shift for chain in chains), divisor=tuple(chain.divisor for chain in chains),
        clip_before=_limits(before_limits), clip_after=_limits(after_limits))


def write_scaling(scaling: Scaling) -> "Optional[list[dict[str, Any]]]":
    """Return the `value_scaling` that reads back as this `Scaling`."""
    if scaling.is_identity:
        return None
    count = max(len(scaling.shift), len(scaling.divisor))
    shifts, divisors = _spread(scaling.shift, count), _spread(scaling.divisor, count)
    return [_write_one(shift, divisor, scaling) for shift, divisor in zip(shifts, divisors)]


def check_scaling(scaling: Scaling, bands: int, card: str) -> None:
    """Raise CardError where a normalisation in memory could not be applied or written."""
    for name, values in (("shift", scaling.shift), ("divisor", scaling.divisor)):
        if len(values) not in (1, bands) or not all(math.isfinite(value) for value in values):
            raise CardError("card-scaling", "The card {card} has {count} numbers in the {name} of its normalisation "
                            "for {bands} bands: give one for all or one per band.",
                            card=card, count=len(values), name=name, bands=bands)
    if any(value == 0 for value in scaling.divisor):
        raise CardError("card-scaling", "The card {card} divides by zero in its normalisation: give standard "
                        "deviations or scales other than 0.", card=card)


def parse_steps(text: str) -> Scaling:
    """Read one band's steps in words, such as “scale 10000 | clip 0 1 | z-score 0.3 0.2”; nothing is evaluated."""
    chain = _steps(_Chain(), text)
    return Scaling((chain.shift,), (chain.divisor,), _limits(chain.before), _limits(chain.after))


def _write_one(shift: float, divisor: float, scaling: Scaling) -> "dict[str, Any]":
    """Return the plainest object for one band."""
    before, after = scaling.clip_before, scaling.clip_after
    if before is None and after is None:
        if shift == 0:
            return {"type": "scale", "value": divisor}
        if divisor == 1:
            return {"type": "offset", "value": shift}
        return {"type": "z-score", "mean": shift, "stddev": divisor}
    steps = []
    if before is not None:
        steps.append(_clip_words(before))
    if shift != 0 or divisor != 1 or after is not None:
        steps.append(f"z-score {shift!r} {divisor!r}")
    if after is not None:
        steps.append(_clip_words(after))
    return {"type": "processing", "format": FORMAT, "expression": " | ".join(steps)}


def _clip_words(limits: "tuple[float, float]") -> str:
    """Return a clip as a step in words."""
    low, high = limits
    if low == -math.inf:
        return f"clip-max {high!r}"
    if high == math.inf:
        return f"clip-min {low!r}"
    return f"clip {low!r} {high!r}"


def _entry(chain: _Chain, entry: Any) -> _Chain:
    """Add one object of `value_scaling`."""
    if entry is None:
        return chain
    if not isinstance(entry, dict):
        raise ScalingError("value_scaling holds something else than objects")
    kind = str(entry.get("type"))
    if kind == "processing":
        return _processing(chain, entry, "value_scaling")
    if kind not in _KEYS:
        raise ScalingError(f"value_scaling has the unknown type “{kind}” (known: {', '.join(sorted(_KEYS))} and "
                           f"processing with our steps)")
    numbers = []
    for key in _KEYS[kind]:
        value = entry.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ScalingError(f"value_scaling of type {kind} has no number “{key}”")
        numbers.append(float(value))
    return _step(chain, kind, numbers)


def _processing(chain: _Chain, entry: Any, field: str) -> _Chain:
    """Add an expression, which must be one of ours."""
    if not isinstance(entry, dict) or not isinstance(entry.get("expression"), str):
        raise ScalingError(f"{field} holds an expression that is no text")
    if entry.get("format") != FORMAT:
        raise ScalingError(f"{field} holds an expression in the format “{entry.get('format')}”, which is never "
                           f"executed: write it in the format “{FORMAT}” with steps such as “scale 10000 | clip 0 1”, "
                           f"or fold it into the graph")
    return _steps(chain, entry["expression"])


def _steps(chain: _Chain, text: str) -> _Chain:
    """Add steps in words, separated by bars."""
    for part in text.split("|"):
        words = part.split()
        if not words or words[0] not in _ARGUMENTS or len(words) - 1 != _ARGUMENTS[words[0]]:
            raise ScalingError(f"“{part.strip()}” is not a step of a normalisation (known: {', '.join(STEPS)})")
        try:
            numbers = [float(word) for word in words[1:]]
        except ValueError:
            raise ScalingError(f"“{part.strip()}” needs numbers after “{words[0]}”") from None
        chain = _step(chain, words[0], numbers)
    return chain


def _step(chain: _Chain, kind: str, numbers: "Sequence[float]") -> _Chain:
    """Add one known step."""
    if kind == "clip":
        return chain.clip(numbers[0], numbers[1])
    if kind == "clip-min":
        return chain.clip(numbers[0], math.inf)
    if kind == "clip-max":
        return chain.clip(-math.inf, numbers[0])
    if kind == "offset":
        return chain.affine(numbers[0], 1.0)
    if kind == "scale":
        return chain.affine(0.0, numbers[0])
    if kind == "min-max":
        return chain.affine(numbers[0], numbers[1] - numbers[0])
    if kind == "two-sigma":
        return chain.affine(numbers[0] - 2 * numbers[1], 4 * numbers[1])
    return chain.affine(numbers[0], numbers[1])


def _both(limits: "tuple[float, float]", low: float, high: float) -> "tuple[float, float]":
    """Return the one clip that does what two clips in a row do."""
    return min(max(limits[0], low), high), min(max(limits[1], low), high)


def _limits(limits: "tuple[float, float]") -> "Optional[tuple[float, float]]":
    """Return None for a clip that changes nothing."""
    return None if limits == _EVERYTHING else limits


def _shared(limits: "list[tuple[float, float]]") -> "Optional[tuple[float, float]]":
    """Return the clip that all bands share (the engine holds one for all), or None where they differ."""
    first = limits[0]
    return first if all(_close(first, other) for other in limits[1:]) else None


def _close(first: "tuple[float, float]", second: "tuple[float, float]") -> bool:
    """Tell whether two clips are the same but for rounding."""
    return all(a == b or math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12) for a, b in zip(first, second))


def _spread(values: "Sequence[float]", count: int) -> "tuple[float, ...]":
    """Repeat a number for all bands."""
    return tuple(float(value) for value in values) * (count if len(values) == 1 else 1)


def _as_list(value: Any) -> "list[Any]":
    """Return a list of entries whether there are none, one or several."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
