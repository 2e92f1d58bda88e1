"""Sentences of the report, in words for somebody who has to decide."""

from __future__ import annotations

import math

from ...number_text import score_text
from ..judged import ENCODER, Difference, Verdict

_MEANINGS = {
    "R²": "R² is the share of the differences between places that is predicted: 1 = all of it, 0 = no better than one "
          "number for all, below 0 = worse than that.",
    "balanced accuracy": "Balanced accuracy is the share of right classes, with every class weighing alike.",
    "cosine": "The cosine tells how well the direction of a vector agrees with that of the true one: 1 = the same, 0 = "
              "nothing in common. What all vectors share counts too, so look how far it lies above that of the mean.",
    "recall@5": "Recall@5 is how often the right one is among the first five of up to a hundred candidates from other "
                "places.",
    "recall@1": "Recall@1 is how often the right one of up to a hundred candidates comes first.",
    "outranked": "Outranked is the share of the other candidates that the right one comes before: 0.5 = by chance.",
}


def headline(verdict: Verdict) -> str:
    """Return the sentence that stands at the top."""
    own = verdict.value(ENCODER)
    if not math.isfinite(own):
        return "How good the encoder is in places that it has not seen could not be measured."
    others = [f"{figure.name} {score_text(figure.value)}" for figure in verdict.figures
              if figure.key != ENCODER and math.isfinite(figure.value)]
    beside = f"; {', '.join(others)}" if others else ""
    return f"In blocks that it has not seen, the encoder reaches {verdict.score_name} {score_text(own)}{beside}."


def comparison(difference: Difference) -> str:
    """Say what the blocks can tell of a difference."""
    interval = difference.interval
    if not math.isfinite(interval.mean):
        return "not known"
    if not (math.isfinite(interval.low) and math.isfinite(interval.high)):
        return "too few blocks to compare"
    if interval.low > 0:
        return "better than this"
    if interval.high < 0:
        return "worse than this"
    return f"no difference that these {difference.blocks} blocks can show"


def signed(value: float) -> str:
    """Write a difference with its sign."""
    text = score_text(value)
    return f"+{text}" if value > 0 and text != "0.00" else text


def meanings(names: "tuple[str, ...]") -> str:
    """Return what these scores mean."""
    return " ".join(text for name, text in _MEANINGS.items() if any(name in given for given in names))
