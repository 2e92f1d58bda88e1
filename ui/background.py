"""Work off the main thread of which only the newest wish counts: one runs, one waits, no more."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Optional

from qgis.core import QgsApplication, QgsTask
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QCoreApplication, QElapsedTimer, QObject, QThreadPool, QTimer, pyqtSignal

from ..engine.errors import Cancelled, EarthprintError
from ..engine.progress import Progress

LOG = logging.getLogger("earthprint")
PATIENCE_MS = 250
LINGER_S = 0.25
LIFE_S = 4.0
LOST_MS = 500
PRIORITY = 10
Work = Callable[[Any, Progress], Any]


@dataclass
class Counts:
    """What became of the wishes so far, and how many tasks QGIS was given for them; tests and benchmarks read it."""

    asked: int = 0
    started: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0
    replaced: int = 0
    tasks: int = 0


class Wish:
    """A request under way: the thread at work looks whether it is still wanted, and leaves the outcome here."""

    def __init__(self, request: Any) -> None:
        """Want it."""
        self.request = request
        self.result: Any = None
        self.sentence = ""
        self.stopped = False
        self.unwanted = threading.Event()


class WishProgress:
    """The engine's progress over a wish: fractions go to QGIS's task list, words to the log."""

    def __init__(self, task: QgsTask, wish: Wish) -> None:
        """Keep both for as long as the work lasts."""
        self._task = task
        self._wish = wish

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
        return self._wish.unwanted.is_set() or self._task.isCanceled()


class WishTask(QgsTask):
    """Fulfils one wish after another for as long as they come, so that a moving pointer doesn't make a task a move.

    Many tasks a second would flicker in the window of QGIS 3.22, and would meet a fault of its task manager: the
    signal of a task that has ended may take another one, which has not begun, out of the queue for ever.
    """

    answered = pyqtSignal(object)

    def __init__(self, name: str, work: Work, first: Wish) -> None:
        """Take the work and the first wish."""
        super().__init__(name, _quiet_flags())
        self._work = work
        self._door = threading.Condition()
        self._next: Optional[Wish] = first
        self._closed = False
        self.untouched = True

    def give(self, wish: Wish) -> bool:
        """Hand in another wish; False where this task takes no more."""
        with self._door:
            if self._closed or self.isCanceled():
                return False
            self._next = wish
            self._door.notify()
            return True

    def close(self) -> None:
        """Take no more wishes, and end when the present one has."""
        with self._door:
            self._closed = True
            self._next = None
            self._door.notify()

    def run(self) -> bool:
        """Work in a thread of QGIS's."""
        self.untouched = False
        end = time.monotonic() + LIFE_S
        wish = self._take(end)
        while wish is not None:
            self._fulfil(wish)
            self.answered.emit(wish)
            wish = self._take(end)
        return True

    def _take(self, end: float) -> Optional[Wish]:
        """Wait a little for the next wish; where none comes, the door is closed."""
        with self._door:
            if self._next is None and not self._closed and not self.isCanceled() and time.monotonic() < end:
                # Whoever only waits keeps no thread from those who draw the map.
                QThreadPool.globalInstance().releaseThread()
                self._door.wait(LINGER_S)
                QThreadPool.globalInstance().reserveThread()
            wish, self._next = self._next, None
            if wish is None:
                self._closed = True
            return wish

    def _fulfil(self, wish: Wish) -> None:
        """Do the work and leave the outcome in the wish."""
        try:
            wish.result = self._work(wish.request, WishProgress(self, wish))
        except Cancelled:
            wish.stopped = True
        except EarthprintError as error:
            wish.sentence = str(error)
        except Exception as error:  # noqa: BLE001  (an exception that leaves `run` ends QGIS)
            LOG.exception("%s failed", self.description())
            wish.sentence = QCoreApplication.translate("Latest", "This failed for an unforeseen reason ({reason}); "
                                                       "the log messages hold more.").format(reason=error)


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
        self._task: Optional[WishTask] = None
        self._wish: Optional[Wish] = None
        self._waiting: Optional[Wish] = None
        self._clock = QElapsedTimer()
        self._patience_ms = patience_ms
        self._impatience = self._timer(self._give_up_running)
        self._watch = self._timer(self._look_for_lost_task)
        self._watch.setInterval(LOST_MS)
        self.counts = Counts()

    def ask(self, request: Any) -> None:
        """Have this done as soon as possible; whatever was asked before counts no more."""
        self.counts.asked += 1
        wish = Wish(request)
        if self._wish is None:
            self._start(wish)
            self.busy_changed.emit(True)
            return
        if self._waiting is not None:
            self.counts.replaced += 1
        self._waiting = wish
        left = self._patience_ms - self._clock.elapsed()
        if left <= 0:
            self._give_up_running()
        elif not self._impatience.isActive():
            self._impatience.start(int(left))

    def stop(self) -> None:
        """Forget all wishes without waiting for anything; no signal of theirs comes after this."""
        self._impatience.stop()
        self._watch.stop()
        if self._waiting is not None:
            self.counts.replaced += 1
        self._waiting = None
        self._drop_task()
        wish, self._wish = self._wish, None
        if wish is not None:
            wish.unwanted.set()
            self.counts.cancelled += 1
            self.busy_changed.emit(False)

    def busy(self) -> bool:
        """Tell whether something is at work."""
        return self._wish is not None

    def waiting(self) -> int:
        """Return how many requests wait: none or one."""
        return 0 if self._waiting is None else 1

    def _timer(self, then: Callable[[], None]) -> QTimer:
        """Return a timer that calls once."""
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(then)
        return timer

    def _start(self, wish: Wish) -> None:
        """Hand a wish to the task that waits for one, else to a new one."""
        self._wish = wish
        self.counts.started += 1
        self._clock.start()
        if self._task is None or not self._task.give(wish):
            self._drop_task()
            self._new_task(wish)

    def _new_task(self, wish: Wish) -> None:
        """Give QGIS a task."""
        task = WishTask(self._name, self._work, wish)
        task.answered.connect(self._answered)
        self._task = task
        self.counts.tasks += 1
        self._watch.start()
        QgsApplication.taskManager().addTask(task, PRIORITY)

    def _drop_task(self) -> None:
        """Let the task end by itself, unheard."""
        task, self._task = self._task, None
        if task is not None:
            task.close()
            if not sip.isdeleted(task):
                task.answered.disconnect(self._answered)
                if task.status() == QgsTask.TaskStatus.Queued:
                    QTimer.singleShot(LOST_MS, partial(_end_lost, task))

    def _look_for_lost_task(self) -> None:
        """Begin again if QGIS has not begun: the task may wait its turn, but it may also be lost."""
        task, wish = self._task, self._wish
        if task is None or wish is None or sip.isdeleted(task):
            return
        if task.status() == QgsTask.TaskStatus.Queued:
            self._drop_task()
            task.cancel()
            self._new_task(wish)
        elif task.status() == QgsTask.TaskStatus.Terminated and task.untouched:
            # The user has cancelled it in QGIS's list before it began.
            wish.stopped = True
            self._answered(wish)

    def _give_up_running(self) -> None:
        """Tell the work that it is overtaken; it ends when it next looks."""
        if self._wish is not None and self._waiting is not None:
            self._wish.unwanted.set()

    def _answered(self, wish: Wish) -> None:
        """Take the outcome, begin with the one that waits, and tell."""
        if wish is not self._wish:
            return
        self._impatience.stop()
        self._wish = None
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._start(waiting)
        if wish.stopped:
            self.counts.cancelled += 1
        elif wish.sentence:
            self.counts.failed += 1
            self.failed.emit(wish.request, wish.sentence)
        else:
            self.counts.done += 1
            self.done.emit(wish.request, wish.result)
        if self._wish is None:
            self.busy_changed.emit(False)


def _end_lost(task: QgsTask) -> None:
    """Take a task that was dropped and never began out of QGIS's list, where a lost one would stay for ever."""
    if not sip.isdeleted(task) and task.status() == QgsTask.TaskStatus.Queued:
        task.cancel()


def _quiet_flags() -> Any:
    """Return the flags of a task that nobody need see come and go; QGIS 3.22 has no quiet ones."""
    flags = QgsTask.Flag.CanCancel
    for name in ("Hidden", "Silent"):
        flag = getattr(QgsTask.Flag, name, None)
        if flag is not None:
            flags = flags | flag
    return flags
