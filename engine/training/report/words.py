"""What the figures are called and mean, in words for somebody who has to decide."""

from __future__ import annotations

import math
from typing import Iterable, Sequence

from ...number_text import DASH, number_at, number_text, score_text
from ...report import Aligned
from .input import Headline, Measure, ScoreRow

R2, RMSE, MAE, BIAS = "R²", "RMSE", "MAE", "bias"
BALANCED, ACCURACY, KAPPA, F1 = "balanced accuracy", "accuracy", "kappa", "F1"
_SCORES = (R2, BALANCED, ACCURACY, KAPPA, F1)
_EXPLAINED = {
    R2: "R² is the share of the differences between places that is predicted: 1 = all of it, 0 = no better than one "
        "number for all, below 0 = worse than that.",
    RMSE: "RMSE is the typical size of an error, in which large errors weigh more.",
    MAE: "MAE is the mean size of an error.",
    BIAS: "Bias is by how much predictions are too high (above 0) or too low on the whole.",
    BALANCED: "Balanced accuracy is the share of right classes, with every class weighing alike.",
    ACCURACY: "Accuracy is the share of right classes.",
    KAPPA: "Kappa is the accuracy beyond what guessing by the classes' shares would reach: 1 = all right, 0 = as by "
           "chance.",
    F1: "F1 joins how many of a class are found with how many so called are really of it, 1 = all.",
}
_CLOSE = 0.05


def is_score(figure: str) -> bool:
    """Tell figures near 0..1 from those that have a unit."""
    return figure in _SCORES


def explained(figures: "tuple[str, ...]") -> str:
    """Return what these figures mean."""
    return " ".join(_EXPLAINED[figure] for figure in figures if figure in _EXPLAINED)


def value_text(figure: str, value: float, size: float = math.nan) -> str:
    """Write a figure's number as its kind is written; `size` is what the numbers of its unit are like."""
    if is_score(figure):
        return score_text(value)
    if not (math.isfinite(value) and math.isfinite(size) and size > 0):
        return number_text(value, 3)
    return number_at(value, 2 - math.floor(math.log10(size)))


def measure_cell(figure: str, measure: Measure, size: float = math.nan) -> Aligned:
    """Write a number with its interval beneath."""
    text = value_text(figure, measure.value, size)
    if not measure.has_interval:
        return Aligned(text)
    return Aligned(text, f"{value_text(figure, measure.low, size)} to {value_text(figure, measure.high, size)}")


def size_of(figures: "tuple[str, ...]", values: "Iterable[Sequence[float]]") -> float:
    """Return the smallest typical error among rows of figures, by which numbers of the unit are rounded alike."""
    if RMSE not in figures:
        return math.nan
    place = figures.index(RMSE)
    found = [row[place] for row in values if math.isfinite(row[place]) and row[place] > 0]
    return min(found, default=math.nan)


def headline_sentence(headline: Headline) -> str:
    """Return the sentence that stands at the top."""
    figure, measure = headline.figure, headline.measure
    if not math.isfinite(measure.value):
        return f"What to expect {headline.where} could not be measured."
    interval = ""
    if measure.has_interval:
        interval = f" ({value_text(figure, measure.low)} to {value_text(figure, measure.high)})"
    told = f"Expect {figure} {value_text(figure, measure.value)} {headline.where}{interval}"
    if not math.isfinite(headline.random):
        return told + "."
    said = value_text(figure, headline.random)
    if abs(headline.random - measure.value) < _CLOSE:
        return f"{told}; random folds say much the same, {said}."
    return f"{told}; random folds would have said {said}."


def meaning(headline: Headline) -> str:
    """Return what the number at the top means."""
    value = headline.measure.value
    if not math.isfinite(value):
        return ""
    if headline.figure == R2:
        if value <= 0:
            return "That is no better than giving every place the same number."
        return f"That is to say, {_percent(value)} of the differences between places is predicted, and the rest is not."
    if headline.figure in (BALANCED, ACCURACY):
        each = ", with every class weighing alike" if headline.figure == BALANCED else ""
        return f"That is to say, {round(100 * value)} of 100 predictions are right{each}."
    return ""


def typical_error(figures: "tuple[str, ...]", own: ScoreRow, simplest: "ScoreRow | None", unit: str,
                  target: str) -> str:
    """Return how far off a prediction is, beside what one number for all would give."""
    if MAE not in figures:
        return ""
    place = figures.index(MAE)
    size = own.measures[place].value
    if not math.isfinite(size):
        return ""
    by = f" {unit}" if unit else ""
    of = f" of {target}" if target else ""
    told = f"A prediction{of} is off by {number_text(size, 3)}{by} on average"
    if simplest is None or not math.isfinite(simplest.measures[place].value):
        return told + "."
    return f"{told}; giving every place the mean would be off by {number_text(simplest.measures[place].value, 3)}{by}."


def _percent(share: float) -> str:
    """Write a share."""
    return f"{round(100 * share)} %" if math.isfinite(share) else DASH
