"""The models by name: which there are for a task, and which are worth comparing at a size."""

from __future__ import annotations

from typing import Callable, Dict, Tuple

from ...errors import InputError
from ...progress import Progress
from .boosting import fit_boosting
from .design import Design, Fitted
from .forest import fit_forest
from .gp import MOST_ROWS, fit_gp
from .knn import fit_knn
from .logistic import fit_logistic
from .mlp import fit_mlp
from .ridge import fit_ridge

RIDGE, LOGISTIC = "ridge", "logistic"
_FITS: "Dict[str, Callable[[Design, Progress], Fitted]]" = {
    RIDGE: fit_ridge, LOGISTIC: fit_logistic, "knn": fit_knn, "forest": fit_forest, "boosting": fit_boosting,
    "mlp": fit_mlp, "gp": fit_gp}
_FEWEST_FOR_NETS = 100


def kinds(classes: int) -> "Tuple[str, ...]":
    """Return the models for a regression (no classes) or a classification."""
    return tuple(kind for kind in _FITS if kind != (RIDGE if classes else LOGISTIC))


def candidates(classes: int, rows: int) -> "Tuple[str, ...]":
    """Return the models that are worth comparing for so many rows."""
    found = []
    for kind in kinds(classes):
        if kind == "gp" and (rows > MOST_ROWS or classes):
            continue
        if kind in ("mlp", "boosting") and rows < _FEWEST_FOR_NETS:
            continue
        found.append(kind)
    return tuple(found)


def fit(kind: str, design: Design, progress: Progress) -> Fitted:
    """Fit a model, choosing its settings in the design's inner folds."""
    if kind not in kinds(design.classes):
        raise InputError("model-unknown", "The model {kind} can't be trained for this: choose one of {known}.",
                         kind=kind, known=", ".join(kinds(design.classes)))
    return _FITS[kind](design, progress)
