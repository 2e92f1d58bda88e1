"""How the engine tells its caller what it is doing, and learns that it should stop."""

from __future__ import annotations

import logging
from typing import Optional, Protocol

from .errors import Cancelled

LOG = logging.getLogger("earthprint")


class Progress(Protocol):
    """What the engine needs of whoever called it; only the calling thread speaks to it."""

    def report(self, fraction: float, text: Optional[str] = None) -> None:
        """Say how much is done (0..1) and, if it changed, with what."""

    def info(self, text: str) -> None:
        """Say something worth keeping in the run's log."""

    def warn(self, text: str) -> None:
        """Say something the user should know before trusting the result."""

    def cancelled(self) -> bool:
        """Tell whether the user wants to stop."""


class Silent:
    """A progress for scripts and tests: messages go to the log, nothing is ever cancelled."""

    def report(self, fraction: float, text: Optional[str] = None) -> None:
        """Ignore the fraction."""

    def info(self, text: str) -> None:
        """Log the text."""
        LOG.info(text)

    def warn(self, text: str) -> None:
        """Log the text as a warning."""
        LOG.warning(text)

    def cancelled(self) -> bool:
        """Never cancel."""
        return False


class Part:
    """A stretch of another progress, so that a step can count from 0 to 1 on its own."""

    def __init__(self, whole: Progress, start: float, end: float) -> None:
        """Map this step's 0..1 onto start..end of the whole."""
        self._whole = whole
        self._start = start
        self._span = end - start

    def report(self, fraction: float, text: Optional[str] = None) -> None:
        """Pass the scaled fraction on."""
        self._whole.report(self._start + self._span * min(max(fraction, 0.0), 1.0), text)

    def info(self, text: str) -> None:
        """Pass the text on."""
        self._whole.info(text)

    def warn(self, text: str) -> None:
        """Pass the warning on."""
        self._whole.warn(text)

    def cancelled(self) -> bool:
        """Ask the whole."""
        return self._whole.cancelled()


def check(progress: Progress) -> None:
    """Raise if the user wants to stop."""
    if progress.cancelled():
        raise Cancelled()
