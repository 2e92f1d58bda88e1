"""Stands between the page for reports and the engine: gathers the text in a task."""

from __future__ import annotations

from typing import Callable, Sequence, Tuple

from qgis.PyQt.QtCore import QObject

from ...engine.problem_report import problem_report
from ...engine.progress import Progress
from ..background import Latest
from .desk import Desk
from .problem_widget import ProblemWidget


class ProblemController(QObject):
    """Fills the page when it is first looked at, and again on request."""

    def __init__(self, page: ProblemWidget, desk: Desk, about: Sequence[str], log: Callable[[], Sequence[str]],
                 tracker: str) -> None:
        """Connect both; `log` returns the last messages, `tracker` is where problems are told."""
        super().__init__(page)
        self._page = page
        self._desk = desk
        self._about = tuple(about)
        self._log = log
        self._tracker = tracker
        self._filled = False
        self._gather = Latest("Earthprint: report", report_work, self)
        page.shown.connect(self._first)
        page.refresh_requested.connect(self.refresh)
        page.copied.connect(self._copied)
        page.tracker_requested.connect(self._open_tracker)
        page.tracker.setVisible(bool(tracker))
        page.show_text("")
        self._gather.done.connect(self._gathered)
        self._gather.failed.connect(self._failed)

    def refresh(self) -> None:
        """Gather anew, in the background, since packages are really loaded for it."""
        self._page.show_message(self.tr("Gathering…"))
        self._gather.ask((self._about, tuple(self._log())))

    def stop(self) -> None:
        """Let go of what works in the background."""
        self._gather.stop()

    def busy(self) -> bool:
        """Tell whether it is being gathered."""
        return self._gather.busy()

    def _first(self) -> None:
        """Gather once by itself."""
        if not self._filled:
            self._filled = True
            self.refresh()

    def _gathered(self, _request: object, text: str) -> None:
        """Show the text."""
        self._page.show_text(text)
        self._page.show_message("")

    def _failed(self, _request: object, sentence: str) -> None:
        """Say why there is none."""
        self._page.show_message(sentence)

    def _copied(self) -> None:
        """Say that it is done."""
        self._page.show_message(self.tr("The text is on the clipboard."))

    def _open_tracker(self) -> None:
        """Open the list of problems in the browser."""
        self._desk.open_address(self._tracker)


def report_work(request: Tuple[Sequence[str], Sequence[str]], _progress: Progress) -> str:
    """Gather the text."""
    return problem_report(*request)
