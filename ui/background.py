"""Work off the main thread of which only the newest wish counts: one runs, one waits, no more."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Callable, Optional

from qgis.core import QgsApplication, QgsTask
from qgis.PyQt.QtCore import QCoreApplication, QElapsedTimer, QObject, QTimer, pyqtSignal

from ..engine.errors import Cancelled, EarthprintError
from ..engine.progress import Progress

LOG = logging.getLogger("earthprint")
PATIENCE_MS = 250
Work = Callable[[Any, Progress], Any]


@dataclass
class Counts:
    """What became of the wishes so far; tests and benchmarks read it."""

    asked: int = 0
    started: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0
    replaced: int = 0


class TaskProgress:
    """The engine's progress over a task: fractions go to QGIS's task list, words to the log."""

    def __init__(self, task: QgsTask) -> None:
        """Keep the task for as long as its work lasts."""
        self._task = task

    def report(self, fraction: float, text: Optional[str] = None) -> None:
        """Move the task's bar; QGIS allows that from any thread."""
        self._task.setProgress(100.0 * min(max(fraction, 0.0), 1.0))

    def info(self, text: str) -> None:
        """Log the text."""
        LOG.info(text)

    def warn(self, text: str) -> None:
        """Log the text as a warning."""
        LOG.warning(text)

    def cancelled(self) -> bool:
        """Tell whether a newer wish has come, or nobody wants an answer any more."""
        return self._task.isCanceled()


class _Task(QgsTask):
    """One wish at work; it never touches whoever asked, but calls `ended` in the main thread."""

    def __init__(self, name: str, work: Work, request: Any) -> None:
        """Take the work and the plain values that it is done on."""
        super().__init__(name, _quiet_flags())
        self._work = work
        self.request = request
        self.result: Any = None
        self.sentence = ""
        self.ended: Optional[Callable[["_Task"], None]] = None

    def run(self) -> bool:
        """Do the work in a thread of QGIS's."""
        try:
            self.result = self._work(self.request, TaskProgress(self))
        except Cancelled:
            return False
        except EarthprintError as error:
            self.sentence = str(error)
            return False
        except Exception as error:  # noqa: BLE001  (an exception that leaves this method ends QGIS)
            LOG.exception("%s failed", self.description())
            self.sentence = QCoreApplication.translate("Latest", "This failed for an unforeseen reason ({reason}); "
                                                       "the log messages hold more.").format(reason=error)
            return False
        return True

    def finished(self, result: bool) -> None:
        """Report to whoever still waits; QGIS calls this in the main thread."""
        ended, self.ended = self.ended, None
        if ended is not None:
            ended(self)


class Latest(QObject):
    """Runs `work(request, progress)` for the newest request alone.

    A newer request takes the place of the one that waits, so that a moving pointer never makes a queue. The one at
    work is left its first `patience_ms` (so that quick work shows while the pointer moves on) and is cancelled then.
    """

    done = pyqtSignal(object, object)
    failed = pyqtSignal(object, str)
    busy_changed = pyqtSignal(bool)

    def __init__(self, name: str, work: Work, parent: Optional[QObject] = None, patience_ms: int = PATIENCE_MS) -> None:
        """Say what the work is called in QGIS's task list, and what it is."""
        super().__init__(parent)
        self._name = name
        self._work = work
        self._task: Optional[_Task] = None
        self._waiting: Optional[Any] = None
        self._clock = QElapsedTimer()
        self._patience_ms = patience_ms
        self._impatience = QTimer(self)
        self._impatience.setSingleShot(True)
        self._impatience.timeout.connect(self._cancel_running)
        self.counts = Counts()

    def ask(self, request: Any) -> None:
        """Have this done as soon as possible; whatever was asked before counts no more."""
        self.counts.asked += 1
        if self._task is None:
            self._start(request)
            return
        if self._waiting is not None:
            self.counts.replaced += 1
        self._waiting = (request,)
        left = self._patience_ms - self._clock.elapsed()
        if left <= 0:
            self._cancel_running()
        elif not self._impatience.isActive():
            self._impatience.start(int(left))

    def stop(self) -> None:
        """Forget all wishes without waiting for anything; no signal comes after this until the next `ask`."""
        self._impatience.stop()
        self._waiting = None
        task, self._task = self._task, None
        if task is not None:
            task.ended = None
            self.counts.cancelled += 1
            task.cancel()
            self.busy_changed.emit(False)

    def busy(self) -> bool:
        """Tell whether something is at work."""
        return self._task is not None

    def waiting(self) -> int:
        """Return how many requests wait: none or one."""
        return 0 if self._waiting is None else 1

    def _start(self, request: Any) -> None:
        """Hand a request to QGIS's tasks."""
        was_busy = self._task is not None
        task = _Task(self._name, self._work, request)
        task.ended = self._ended
        self._task = task
        self.counts.started += 1
        self._clock.start()
        QgsApplication.taskManager().addTask(task)
        if not was_busy:
            self.busy_changed.emit(True)

    def _cancel_running(self) -> None:
        """Tell the work that it is overtaken; it ends when it next looks."""
        if self._task is not None and self._waiting is not None:
            self._task.cancel()

    def _ended(self, task: _Task) -> None:
        """Take the outcome, begin with the one that waits, and tell."""
        if task is not self._task:
            return
        self._impatience.stop()
        overtaken, result, sentence, request = task.isCanceled(), task.result, task.sentence, task.request
        task.result = None
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._start(waiting[0])
        else:
            self._task = None
        if overtaken:
            self.counts.cancelled += 1
        elif sentence:
            self.counts.failed += 1
            self.failed.emit(request, sentence)
        else:
            self.counts.done += 1
            self.done.emit(request, result)
        if self._task is None:
            self.busy_changed.emit(False)


def _quiet_flags() -> Any:
    """Return the flags of a task that comes and goes many times a second; QGIS 3.22 has no quieter ones."""
    flags = QgsTask.Flag.CanCancel
    for name in ("Hidden", "Silent"):
        flag = getattr(QgsTask.Flag, name, None)
        if flag is not None:
            flags = flags | flag
    return flags
