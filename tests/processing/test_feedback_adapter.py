"""What the engine says reaches Processing's log from the thread that owns it, and warnings reach QGIS's log too."""

from __future__ import annotations

import logging
import threading
from typing import Any, List, Tuple

import pytest
from qgis.core import QgsProcessingFeedback

from earthprint.engine.progress import Part
from earthprint.processing_provider.adapters.feedback import FeedbackProgress


class Recording(QgsProcessingFeedback):
    """Keeps what was said, and on which thread."""

    def __init__(self) -> None:
        super().__init__(False)
        self.said: List[Tuple[str, str, int]] = []

    def _keep(self, kind: str, text: str) -> None:
        self.said.append((kind, text, threading.get_ident()))

    def pushInfo(self, text: str) -> None:  # noqa: N802
        self._keep("info", text)

    def pushWarning(self, text: str) -> None:  # noqa: N802
        self._keep("warning", text)

    def setProgressText(self, text: str) -> None:  # noqa: N802
        self._keep("text", text)


def test_fractions_become_percent_and_a_text_is_said_once(qgis_app: Any) -> None:
    feedback = Recording()
    progress = FeedbackProgress(feedback)
    progress.report(0.25, "Reading")
    assert feedback.progress() == 25.0
    Part(progress, 0.5, 1.0).report(0.5, "Reading")
    assert feedback.progress() == 75.0
    assert [entry[:2] for entry in feedback.said] == [("text", "Reading")]


def test_a_warning_is_also_in_the_log(qgis_app: Any, caplog: pytest.LogCaptureFixture) -> None:
    feedback = Recording()
    with caplog.at_level(logging.WARNING, logger="earthprint"):
        FeedbackProgress(feedback).warn("Values look like reflectance.")
    assert [entry[:2] for entry in feedback.said] == [("warning", "Values look like reflectance.")]
    assert [record.message for record in caplog.records] == ["Values look like reflectance."]


def test_other_threads_leave_their_words_for_the_owner(qgis_app: Any) -> None:
    feedback = Recording()
    progress = FeedbackProgress(feedback)

    def speak() -> None:
        progress.info("from elsewhere")
        progress.report(0.9)

    thread = threading.Thread(target=speak)
    thread.start()
    thread.join()
    assert feedback.said == [] and feedback.progress() == 0.0
    progress.report(0.5)
    assert feedback.said == [("info", "from elsewhere", threading.get_ident())]


def test_cancel_is_seen(qgis_app: Any) -> None:
    feedback = Recording()
    progress = FeedbackProgress(feedback)
    assert not progress.cancelled()
    feedback.cancel()
    assert progress.cancelled()
