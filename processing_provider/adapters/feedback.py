"""A Processing feedback as the engine's progress."""

from __future__ import annotations

import logging
import queue
import threading
from typing import Callable, Optional, Tuple

from qgis.core import QgsProcessingFeedback

LOG = logging.getLogger("earthprint")


class FeedbackProgress:
    """Speaks to the feedback from the thread that made it; what other threads say waits until that thread speaks."""

    def __init__(self, feedback: QgsProcessingFeedback) -> None:
        """Remember the thread that may speak."""
        self._feedback = feedback
        self._owner = threading.get_ident()
        self._waiting: "queue.SimpleQueue[Tuple[Callable[[str], None], str]]" = queue.SimpleQueue()
        self._text: Optional[str] = None

    @property
    def feedback(self) -> QgsProcessingFeedback:
        """Return the feedback, for the adapters that call PyQGIS."""
        return self._feedback

    def report(self, fraction: float, text: Optional[str] = None) -> None:
        """Move the bar, and change the line above it only when it changed."""
        if threading.get_ident() != self._owner:
            return
        self.flush()
        self._feedback.setProgress(100.0 * min(max(fraction, 0.0), 1.0))
        if text is not None and text != self._text:
            self._text = text
            self._feedback.setProgressText(text)

    def info(self, text: str) -> None:
        """Write a line into the run's log."""
        self._say(self._feedback.pushInfo, text)

    def warn(self, text: str) -> None:
        """Write a warning into the run's log and into QGIS's."""
        LOG.warning(text)
        self._say(self._feedback.pushWarning, text)

    def cancelled(self) -> bool:
        """Tell whether the user pressed cancel; any thread may ask."""
        return self._feedback.isCanceled()

    def flush(self) -> None:
        """Say what other threads left."""
        while True:
            try:
                say, text = self._waiting.get_nowait()
            except queue.Empty:
                return
            say(text)

    def _say(self, say: Callable[[str], None], text: str) -> None:
        """Speak now on the owner's thread, else leave the text for it."""
        if threading.get_ident() != self._owner:
            self._waiting.put((say, text))
            return
        self.flush()
        say(text)
