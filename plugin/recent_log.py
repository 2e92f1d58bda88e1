"""Keeps the last log messages in memory, for the text that a bug report needs: QGIS's own log can't be read back."""

from __future__ import annotations

import collections
import logging
from typing import Deque, Tuple

LINES = 200
LOGGER = "earthprint"


class RecentLog(logging.Handler):
    """A handler that remembers; safe from any thread, since a deque's append is."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__(logging.INFO)
        self._lines: Deque[str] = collections.deque(maxlen=LINES)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        """Remember one record."""
        try:
            self._lines.append(self.format(record))
        except Exception:  # noqa: BLE001  (a log must never break what it reports on)
            self.handleError(record)

    def lines(self) -> Tuple[str, ...]:
        """Return what is remembered, the oldest first."""
        return tuple(self._lines)

    def attach(self) -> None:
        """Begin to listen."""
        logging.getLogger(LOGGER).addHandler(self)

    def detach(self) -> None:
        """Listen no more."""
        logging.getLogger(LOGGER).removeHandler(self)
