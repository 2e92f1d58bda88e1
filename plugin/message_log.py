"""Routes the engine's log to QGIS's message log, without the name of the user's home folder."""

from __future__ import annotations

import logging
from typing import Callable

from qgis.core import Qgis, QgsMessageLog

from ..engine.home_folder import without_home

TAG = "Earthprint"
LOGGER = "earthprint"


class MessageLogHandler(logging.Handler):
    """Writes log records into the tab "Earthprint" of QGIS's log messages; safe from any thread."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            QgsMessageLog.logMessage(without_home(self.format(record)), TAG, _level(record.levelno), False)
        except Exception:  # noqa: BLE001  (a log must never break what it reports on)
            self.handleError(record)


def attach() -> Callable[[], None]:
    """Start routing and return what ends it."""
    logger = logging.getLogger(LOGGER)
    handler = MessageLogHandler(logging.INFO)
    handler.setFormatter(logging.Formatter("%(message)s"))
    level_before = logger.level
    logger.addHandler(handler)
    if logger.getEffectiveLevel() > logging.INFO:
        logger.setLevel(logging.INFO)

    def detach() -> None:
        """Stop routing and put the level back."""
        logger.removeHandler(handler)
        logger.setLevel(level_before)

    return detach


def _level(number: int) -> Qgis.MessageLevel:
    """Translate Python's level into QGIS's."""
    if number >= logging.ERROR:
        return Qgis.MessageLevel.Critical
    if number >= logging.WARNING:
        return Qgis.MessageLevel.Warning
    return Qgis.MessageLevel.Info
