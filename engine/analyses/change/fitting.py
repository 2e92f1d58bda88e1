"""How differences are measured on these dates: the methods that learn from a sample what is usual."""

from __future__ import annotations

import threading
from typing import Union

from ...errors import Cancelled
from ...pipeline import attend
from ...progress import Progress
from .history import History, fit_history
from .irmad import Irmad, fit_irmad
from .measures import Measure, fit_standardised, measure_of_irmad
from .paired_sample import PairedSample
from .request import HISTORY, IRMAD

How = Union[Measure, History]


def fitted(method: str, sample: PairedSample, angular: bool, progress: Progress) -> How:
    """Fit a method to a sample; a cancel is answered at once."""
    dates = sample.vectors
    if method == HISTORY:
        return attend(lambda: fit_history(dates, angular), progress)
    if method == IRMAD:
        fit = _irmad(sample, progress)
        progress.info(f"IR-MAD: {fit.rounds} rounds on {len(sample.cells)} cells; correlations of the variates "
                      f"{fit.correlations[0]:.4f} to {fit.correlations[-1]:.4f}. Magnitude is the square root of a "
                      f"chi-square with {len(fit.correlations)} degrees of freedom.")
        if not fit.settled:
            progress.warn(f"IR-MAD did not settle: after {fit.rounds} rounds too few cells would have counted as "
                          "unchanged, as happens where most of the ground differs. Its order of cells holds, but its "
                          "scale is no chi-square: don't set THRESHOLD by one.")
        return measure_of_irmad(fit)
    warnings: "list[str]" = []
    found = attend(lambda: fit_standardised(dates[0], dates[1], warnings.append), progress)
    for text in warnings:
        progress.warn(text)
    return found


def _irmad(sample: PairedSample, progress: Progress) -> Irmad:
    """Fit in a thread that ends soon after a cancel."""
    stop = threading.Event()

    def tick(share: float) -> None:
        """Leave if nobody waits any more."""
        if stop.is_set():
            raise Cancelled()

    try:
        return attend(lambda: fit_irmad(sample.vectors[0], sample.vectors[1], tick), progress)
    finally:
        stop.set()
