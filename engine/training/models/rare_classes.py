"""Keeps scikit-learn's doubts about classes of a few labels out of the log; the report's own warnings speak of them."""

from __future__ import annotations

import warnings
from typing import Callable, TypeVar

Result = TypeVar("Result")

_DOUBT = "The number of unique classes is greater than 50%"


def undoubted(work: "Callable[[], Result]") -> "Callable[[], Result]":
    """Return the work without the question whether its classes are numbers."""
    def carry_out() -> Result:
        """Do the work."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", _DOUBT, UserWarning)
            return work()

    return carry_out
