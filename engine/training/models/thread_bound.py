"""Bounds the threads of scikit-learn's compiled loops, which spin while one of them waits for a busy processor."""

from __future__ import annotations

from typing import Callable, TypeVar

from ...encoders.device import physical_cores

Result = TypeVar("Result")

# Fewer numbers than this are not worth a second thread.
_WORTH_THREADS = 1_000_000


def bounded(work: "Callable[[], Result]", numbers: int) -> "Callable[[], Result]":
    """Return the work with as many threads as an array of so many numbers is worth; only the thread it runs in sees."""
    def carry_out() -> Result:
        """Do the work inside the bound."""
        # It comes with scikit-learn, which can't be loaded without it.
        from threadpoolctl import threadpool_limits
        # One core is left to others: where another program takes one of all, the loops were 25 times slower.
        with threadpool_limits(1 if numbers < _WORTH_THREADS else max(1, physical_cores() - 1), "openmp"):
            return work()

    return carry_out
