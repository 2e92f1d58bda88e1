"""What the figures of a training mean to somebody who is about to trust it: sentences for log, report and card."""

from __future__ import annotations

from typing import List, Protocol, Sequence, Tuple

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
    """Return what to mind where vectors are learnt: whether coordinates explain them at all."""
    score, mean = verdict.value(ENCODER), verdict.value(CONSTANT)
    above = verdict.difference(CONSTANT)
    explained = score >= _LOW_COSINE and above is not None and above.interval.low > 0 and score - mean > _LITTLE
    if not explained:
        return (f"Coordinates do not explain this embedding at this resolution: in blocks that the encoder has not "
                f"seen, its vectors have a mean cosine of {score:.2f} with those of {name}, the mean vector one of "
                f"{mean:.2f} and the nearest place's one of {verdict.value(NEAREST):.2f}.",)
    near = verdict.difference(NEIGHBOURS)
    if near is not None and near.interval.mean < 0:
        return (f"Interpolating between the nearest places is nearer to {name} than the encoder in blocks that it has "
                f"not seen (cosine {verdict.value(NEIGHBOURS):.2f} against {score:.2f}; {_spread(near)}).",)
    return ()


def _spread(difference: Difference) -> str:
    """Return a difference with its interval in words."""
    part = difference.interval
    return f"the difference over folds is {part.mean:+.3f}, 95 % interval {part.low:+.3f} to {part.high:+.3f}"
