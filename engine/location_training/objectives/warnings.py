"""What the figures of a training mean to somebody who is about to trust it: sentences for log, report and card."""

from __future__ import annotations

from typing import List, Protocol, Sequence, Tuple

import numpy as np

from ..judged import CONSTANT, COORDINATES, ENCODER, NEAREST, NEIGHBOURS, Difference, Verdict

_LOW_COSINE = 0.5
_LITTLE = 0.02


class _Named(Protocol):
    """A target with a name, its classes if it has any."""

    name: str
    classes: "Tuple[str, ...]"


def target_warnings(verdicts: "Sequence[Verdict]", columns: "Sequence[_Named]") -> "Tuple[str, ...]":
    """Return what to mind of each target: nothing learnt, or no better than what needs no encoder."""
    found: "List[str]" = []
    for verdict, column in zip(verdicts, columns):
        name, score = verdict.score_name, verdict.value(ENCODER)
        chance = verdict.value(CONSTANT) if column.classes else 0.0
        if not score > chance + _LITTLE:
            found.append(f"The encoder tells next to nothing of “{column.name}” in blocks that it has not seen: "
                         f"{name} {score:.2f}, where no knowledge at all gives {chance:.2f}.")
            continue
        plain = verdict.difference(COORDINATES)
        if plain is not None and not plain.interval.low > 0:
            found.append(f"“{column.name}”: the encoder ({name} {score:.2f}) is not clearly better than plain "
                         f"coordinates ({verdict.value(COORDINATES):.2f}): {_spread(plain)}.")
        near = verdict.difference(NEIGHBOURS)
        if near is not None and near.interval.mean < 0:
            found.append(f"“{column.name}”: the nearest places on the sphere predict better than the encoder "
                         f"({name} {verdict.value(NEIGHBOURS):.2f} against {score:.2f}; {_spread(near)}).")
    return tuple(found)


def distil_warnings(verdict: Verdict, name: str) -> "Tuple[str, ...]":
    """Return what to mind where vectors are learnt: whether coordinates explain them at all, and the encoder does."""
    score, mean = verdict.value(ENCODER), verdict.value(CONSTANT)
    best = float(np.nanmax([verdict.value(way) for way in (ENCODER, COORDINATES, NEIGHBOURS, NEAREST)]))
    if not _explains(best, mean):
        return (f"Coordinates do not explain this embedding at this resolution: in blocks that the encoder has not "
                f"seen, its vectors have a mean cosine of {score:.2f} with those of {name}, the mean vector one of "
                f"{mean:.2f} and the nearest place's one of {verdict.value(NEAREST):.2f}.",)
    above = verdict.difference(CONSTANT)
    if not score - mean > _LITTLE or above is None or not above.interval.low > 0:
        return (f"The encoder is not clearly nearer to {name} than one vector for all in blocks that it has not seen "
                f"(cosine {score:.2f} against {mean:.2f}). Interpolating between the nearest places reaches "
                f"{verdict.value(NEIGHBOURS):.2f}, ridge on plain coordinates {verdict.value(COORDINATES):.2f}: take "
                "those where they are higher, or train with more places, epochs or folds.",)
    ways = [figure.key for figure in verdict.figures if figure.key in (NEIGHBOURS, NEAREST)]
    nearer = max(ways, key=verdict.value) if ways else ""
    near = verdict.difference(nearer)
    if near is not None and near.interval.mean < 0:
        return (f"In blocks that it has not seen, the encoder is farther from {name} than {near.name} (cosine "
                f"{score:.2f} against {verdict.value(nearer):.2f}; {_spread(near)}).",)
    return ()


def _explains(cosine: float, mean: float) -> bool:
    """Tell whether a cosine is high, and higher than that of the mean vector."""
    return cosine >= _LOW_COSINE and cosine - mean > _LITTLE


def _spread(difference: Difference) -> str:
    """Return a difference with its interval in words."""
    part = difference.interval
    return f"a difference of {part.mean:+.3f}, 95 % interval {part.low:+.3f} to {part.high:+.3f}"
