"""Work off the main thread: the newest wish wins, nothing queues up, and what was stopped is never heard of again."""

from __future__ import annotations

import threading
import time

import pytest

pytest.importorskip("qgis.core")
from inspected_layers import wait_until
from qgis.core import QgsApplication, QgsTask
from qgis.PyQt.QtTest import QTest

from earthprint.engine.errors import Cancelled, InputError
from earthprint.ui.background import Latest


@pytest.fixture(autouse=True)
def application(qgis_app):
    return qgis_app


def heard(latest):
    said = []
    latest.done.connect(lambda request, result: said.append(("done", request, result)))
    latest.failed.connect(lambda request, sentence: said.append(("failed", request, sentence)))
    latest.busy_changed.connect(lambda busy: said.append(("busy", busy)))
    return said


def slow(request, progress):
    end = time.monotonic() + request
    while time.monotonic() < end:
        if progress.cancelled():
            raise Cancelled()
        time.sleep(0.002)
    return threading.current_thread() is threading.main_thread()


def test_work_is_done_in_another_thread_and_told_in_this_one():
    latest = Latest("test", slow)
    said = heard(latest)
    latest.ask(0.01)
    assert latest.busy() and wait_until(lambda: not latest.busy())
    assert said == [("busy", True), ("done", 0.01, False), ("busy", False)]
    latest.stop()


def test_the_newest_wish_replaces_the_one_that_waits_and_ends_the_one_at_work():
    latest = Latest("test", slow, patience_ms=20)
    said = heard(latest)
    for seconds in (30.0, 20.0, 10.0, 0.01):
        latest.ask(seconds)
        assert latest.waiting() <= 1
    assert wait_until(lambda: not latest.busy())
    assert [item for item in said if item[0] != "busy"] == [("done", 0.01, False)]
    counts = latest.counts
    assert (counts.asked, counts.started, counts.done, counts.cancelled, counts.replaced) == (4, 2, 1, 1, 2)
    latest.stop()


def test_quick_work_shows_although_wishes_go_on_coming():
    latest = Latest("test", slow, patience_ms=1000)
    said = heard(latest)
    for _ in range(100):
        latest.ask(0.01)
        QTest.qWait(2)
    assert wait_until(lambda: not latest.busy())
    assert sum(item[0] == "done" for item in said) >= 5
    assert latest.counts.tasks <= 2 and latest.counts.cancelled == 0
    latest.stop()


def test_a_failure_is_a_sentence(caplog):
    def fail(request, progress):
        raise InputError("x", "The {thing} is broken: mend it.", thing="layer") if request else ValueError("odd")

    latest = Latest("test", fail)
    said = heard(latest)
    latest.ask(1)
    assert wait_until(lambda: not latest.busy())
    latest.ask(0)
    assert wait_until(lambda: not latest.busy())
    sentences = [item[2] for item in said if item[0] == "failed"]
    assert sentences[0] == "The layer is broken: mend it."
    assert "unforeseen reason (odd)" in sentences[1] and "ValueError" in caplog.text
    latest.stop()


def test_what_is_stopped_is_never_heard_of_again():
    latest = Latest("test", slow)
    said = heard(latest)
    latest.ask(30.0)
    latest.ask(20.0)
    QTest.qWait(50)
    begun = time.monotonic()
    latest.stop()
    assert time.monotonic() - begun < 0.05 and not latest.busy()
    assert wait_until(lambda: QgsApplication.taskManager().countActiveTasks() == 0)
    assert said == [("busy", True), ("busy", False)]
    latest.ask(0.01)
    assert wait_until(lambda: not latest.busy())
    assert said[-2][0] == "done"
    latest.stop()


def test_a_wish_outlives_its_deleted_owner():
    latest = Latest("test", slow)
    latest.ask(0.05)
    latest.deleteLater()
    QTest.qWait(20)
    del latest
    assert wait_until(lambda: QgsApplication.taskManager().countActiveTasks() == 0)


def test_a_task_that_never_begins_is_begun_again():
    latest = Latest("test", slow)
    said = heard(latest)

    class Lost:
        """Stands for the task manager when it loses a task."""

        def addTask(self, task, priority):  # noqa: N802
            self.task = task
            task.hold()
            task.unhold()

    lost = Lost()
    original = QgsApplication.taskManager
    try:
        QgsApplication.taskManager = staticmethod(lambda: lost)
        latest.ask(0.01)
    finally:
        QgsApplication.taskManager = original
    assert wait_until(lambda: not latest.busy(), 5)
    assert said[1] == ("done", 0.01, False) and latest.counts.tasks == 2
    latest.stop()


def test_a_task_that_is_dropped_and_never_begins_leaves_the_list_of_qgis():
    latest = Latest("test", slow)
    kept = []

    class Lost:
        """QGIS's task manager, which has taken the task out of its queue."""

        def addTask(self, task, priority):  # noqa: N802
            kept.append(task)
            task.hold()
            task.unhold()

    original = QgsApplication.taskManager
    try:
        QgsApplication.taskManager = staticmethod(lambda: Lost())
        latest.ask(0.01)
    finally:
        QgsApplication.taskManager = original
    assert kept[0].status() == QgsTask.TaskStatus.Queued
    latest.stop()
    assert not latest.busy()
    assert wait_until(lambda: kept[0].status() == QgsTask.TaskStatus.Terminated, 5)


def test_a_task_cancelled_in_the_list_of_qgis_leaves_the_next_wish_unharmed():
    latest = Latest("test", slow)
    said = heard(latest)
    latest.ask(30.0)
    QTest.qWait(50)
    latest._task.cancel()
    assert wait_until(lambda: not latest.busy())
    assert latest.counts.cancelled == 1
    latest.ask(0.01)
    assert wait_until(lambda: not latest.busy())
    assert ("done", 0.01, False) in said
    latest.stop()
