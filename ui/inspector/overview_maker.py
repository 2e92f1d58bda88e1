"""Makes overviews of an embedding raster in the background; it goes on while other pages are in front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional

from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...engine.progress import Progress
from ..background import Latest


@dataclass(frozen=True)
class _Request:
    """A file, and whom to tell how far it is."""

    path: str
    tell: Callable[[float], None]


class _Told:
    """A progress that also tells somebody else the fraction."""

    def __init__(self, progress: Progress, tell: Callable[[float], None]) -> None:
        """Stand before another progress."""
        self._progress = progress
        self._tell = tell

    def report(self, fraction: float, text: Optional[str] = None) -> None:
        """Pass the fraction on to both."""
        self._progress.report(fraction, text)
        self._tell(fraction)

    def info(self, text: str) -> None:
        """Pass the text on."""
        self._progress.info(text)

    def warn(self, text: str) -> None:
        """Pass the warning on."""
        self._progress.warn(text)

    def cancelled(self) -> bool:
        """Ask the other one."""
        return self._progress.cancelled()


class _Relay(QObject):
    """Brings fractions from the task's thread into the main one; it lives as long as the request does."""

    moved = pyqtSignal(float)


class OverviewMaker(QObject):
    """Makes the overviews of one file at a time."""

    progressed = pyqtSignal(float)
    made = pyqtSignal(str)
    failed = pyqtSignal(str)

    def __init__(self, parent: Optional[QObject] = None) -> None:
        """Begin idle."""
        super().__init__(parent)
        self._work = Latest(self.tr("Making overviews of embeddings"), _make, self)
        self._work.done.connect(self._done)
        self._work.failed.connect(self._failed)
        self._relay: Optional[_Relay] = None

    def busy(self) -> bool:
        """Tell whether overviews are being made."""
        return self._work.busy()

    def make(self, path: str) -> None:
        """Begin with a file."""
        self._relay = _Relay()
        self._relay.moved.connect(self.progressed)
        self._work.ask(_Request(path, self._relay.moved.emit))

    def cancel(self) -> None:
        """Stop, and say so."""
        self.abandon()
        self.failed.emit(self.tr("Cancelled; the raster is as it was."))

    def abandon(self) -> None:
        """Stop, and say nothing any more."""
        self._work.stop()
        relay, self._relay = self._relay, None
        if relay is not None:
            relay.moved.disconnect()

    def _done(self, request: _Request, _result: object) -> None:
        """Tell that they are there."""
        self._relay = None
        self.made.emit(request.path)

    def _failed(self, _request: _Request, sentence: str) -> None:
        """Tell why they aren't."""
        self._relay = None
        self.failed.emit(sentence)


def _make(request: _Request, progress: Progress) -> None:
    """Make the overviews, in a task's thread."""
    from ...engine.inspecting.overviews import build_overviews

    build_overviews(request.path, _Told(progress, request.tell))
