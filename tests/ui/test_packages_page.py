"""The packages page with real clicks and keys, over an installer that is played; runs under PyQt5 and PyQt6."""

from __future__ import annotations

import logging
import os
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("qgis.PyQt.QtWidgets")
from qgis.PyQt.QtCore import QObject, Qt, pyqtSignal
from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QDialog, QVBoxLayout

from earthprint.engine.packages import PackageState
from earthprint.ui.packages_controller import PackagesController
from earthprint.ui.packages_widget import PackagesWidget

_application = QApplication.instance() or QApplication([])


class PlayedInstaller(QObject):
    """Remembers what it was asked, and says what a test lets it say."""

    line = pyqtSignal(str)
    progress = pyqtSignal(float, str)
    installed = pyqtSignal(str, bool)
    failed = pyqtSignal(str)
    cancelled = pyqtSignal()

    def __init__(self, base: str) -> None:
        super().__init__()
        self.asked = []
        self.at_work = False
        self.gpu = False
        self.now = None
        self.before = None
        self._base = base

    def running(self):
        return self.at_work

    def install(self, names):
        self.at_work = True
        self.asked.append(("install", tuple(names)))

    def cancel(self):
        self.at_work = False
        self.asked.append(("cancel",))
        self.cancelled.emit()

    def go_back(self):
        self.asked.append(("go_back",))
        self.installed.emit(self._base + "/old", True)

    def remove(self):
        self.asked.append(("remove",))
        self.now = None
        self.installed.emit("", False)

    def folder(self):
        return self.now

    def base(self):
        return self._base

    def contents(self):
        return None

    def previous_contents(self):
        return self.before

    def remarks(self, names):
        return ("More than 1 GB.",) if "onnxruntime-gpu" in names else ()

    def gpu_offered(self):
        return self.gpu


class Scene:
    """A page in a window, its controller and what they see."""

    def __init__(self, base: str, *, gpu: bool = False) -> None:
        self.states = [
            PackageState("onnxruntime", None, "It is not installed.", "running encoders", ("Embed raster",)),
            PackageState("scikit-learn", "1.2.1", None, "clustering", ("Cluster",), "/usr/lib/sklearn"),
            PackageState("h3", None, "It is not installed.", "hexagons", ("To H3",)),
            PackageState("onnx", "1.9", "Version 1.9 is too old; at least 1.14 is needed.", "saving", ("Train",),
                         "/usr/lib/onnx"),
            PackageState("pyarrow", None, "It is not installed.", "GeoParquet", ("Import",)),
            PackageState("torch", None, "It is not installed.", "training", ("Train",), None, False),
        ]
        self.installer = PlayedInstaller(base)
        self.installer.gpu = gpu
        self.window = QDialog()
        self.dialog = PackagesWidget(self.window)
        QVBoxLayout(self.window).addWidget(self.dialog)
        self.controller = PackagesController(self.dialog, self.installer, ("Earthprint 9, QGIS 8",), self.look)
        self.window.show()

    def look(self):
        return self.states

    def row(self, name: str):
        table = self.dialog.table
        return next(table.topLevelItem(i) for i in range(table.topLevelItemCount())
                    if table.topLevelItem(i).text(0) == name)

    def click(self, button) -> None:
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture
def scene(tmp_path):
    made = Scene(str(tmp_path / "earthprint-packages"))
    yield made
    made.window.close()
    made.window.deleteLater()


def test_what_is_there_and_what_is_missing_in_plain_words(scene):
    words = {name: (scene.row(name).text(1), scene.row(name).text(2)) for name in (
        "onnxruntime", "scikit-learn", "onnx", "torch")}
    assert words == {
        "onnxruntime": ("Missing", "Running encoders"),
        "scikit-learn": ("Ready (1.2.1), already there", "Clustering"),
        "onnx": ("Can't be used", "Saving"),
        "torch": ("Not installed", "Training"),
    }
    assert "too old" in scene.row("onnx").toolTip(1) and "/usr/lib/onnx" in scene.row("onnx").toolTip(1)
    assert scene.row("onnxruntime").toolTip(2) == "Used by: Embed raster"
    assert scene.dialog.message.text().startswith("Missing: onnxruntime, h3")
    assert np.__version__ in scene.dialog.place.text()


def test_only_what_a_click_can_cure_is_ticked(scene):
    assert scene.dialog.selected() == ["onnxruntime", "h3"]
    for name in ("scikit-learn", "onnx", "torch"):
        assert not scene.row(name).flags() & Qt.ItemFlag.ItemIsUserCheckable
    scene.click(scene.dialog.install)
    assert scene.installer.asked == [("install", ("onnxruntime", "h3"))]


def test_an_extra_is_ticked_with_the_space_bar_and_installed_with_enter(scene):
    dialog = scene.dialog
    dialog.table.setFocus()
    dialog.table.setCurrentItem(scene.row("pyarrow"))
    QTest.keyClick(dialog.table, Qt.Key.Key_Space)
    assert dialog.selected() == ["onnxruntime", "h3", "pyarrow"]
    assert dialog.install.isDefault()
    QTest.keyClick(scene.window, Qt.Key.Key_Return)
    assert scene.installer.asked == [("install", ("onnxruntime", "h3", "pyarrow"))]


def test_nothing_ticked_nothing_to_install(scene):
    for name in ("onnxruntime", "h3"):
        scene.row(name).setCheckState(0, Qt.CheckState.Unchecked)
    assert not scene.dialog.install.isEnabled()


def test_every_control_is_reached_with_the_tab_key(scene):
    scene.installer.now = "x"
    scene.installer.before = SimpleNamespace(names=("h3",), installed="2026-01-02T03:04:05")
    scene.controller.refresh()
    dialog = scene.dialog
    expected = {dialog.table, dialog.log, dialog.install, dialog.go_back, dialog.remove, dialog.report}
    reached, widget = set(), dialog.table
    for _ in range(40):
        reached.add(widget)
        widget = widget.nextInFocusChain()
        if widget is dialog.table:
            break
    assert expected <= reached
    assert all(widget.focusPolicy() & Qt.FocusPolicy.TabFocus for widget in expected)
    texts = [button.text() for button in (dialog.install, dialog.go_back, dialog.remove, dialog.report,
                                          dialog.cancel)] + [dialog.gpu.text()]
    letters = [text[text.index("&") + 1].lower() for text in texts + [dialog.log_label.text()]]
    assert len(set(letters)) == len(letters)


def test_while_it_works_only_cancel_and_report_can_be_pressed(scene):
    dialog = scene.dialog
    assert not dialog.progress.isVisible()
    scene.click(dialog.install)
    assert dialog.progress.isVisible() and dialog.cancel.isEnabled()
    assert not any(button.isEnabled() for button in (dialog.install, dialog.go_back, dialog.remove, dialog.table))
    scene.installer.progress.emit(0.42, "Collecting onnxruntime")
    scene.installer.line.emit("Collecting onnxruntime")
    assert dialog.progress.value() == 420 and dialog.message.text() == "Collecting onnxruntime"
    assert dialog.log_text() == "Collecting onnxruntime"
    scene.click(dialog.cancel)
    assert scene.installer.asked[-1] == ("cancel",)
    assert dialog.message.text() == "Cancelled; nothing was changed."
    assert dialog.install.isEnabled() and not dialog.progress.isVisible()


@pytest.mark.parametrize("restart, words", [
    (False, "Done. The packages can be used at once."),
    (True, "Done. Restart QGIS: packages of the earlier installation are in use until then."),
])
def test_the_end_says_whether_a_restart_is_needed(scene, restart, words):
    scene.click(scene.dialog.install)
    scene.installer.at_work = False
    base = scene.installer.base()
    scene.installer.now = os.path.join(base, "py")
    scene.states[0] = PackageState("onnxruntime", "1.23.2", None, "running encoders", ("Embed raster",),
                                   os.path.join(base, "py", "onnxruntime"))
    scene.installer.installed.emit(scene.installer.now, restart)
    assert scene.dialog.message.text() == words
    assert scene.row("onnxruntime").text(1) == "Ready (1.23.2)"
    assert "onnxruntime" in scene.dialog.selected()  # an installation is always the whole set
    assert scene.dialog.remove.isEnabled()


def test_enter_does_not_download_again_what_is_there(scene):
    base = scene.installer.base()
    scene.states = [PackageState("h3", "4.5.0", None, "hexagons", (), os.path.join(base, "py", "h3"))]
    scene.controller.refresh()
    assert scene.dialog.selected() == ["h3"] and scene.dialog.install.isEnabled()
    assert not scene.dialog.install.isDefault()


def test_a_failure_is_told_in_the_dialog_and_the_log(scene, caplog):
    scene.click(scene.dialog.install)
    scene.installer.at_work = False
    with caplog.at_level(logging.WARNING, "earthprint"):
        scene.installer.failed.emit("The disk is full: free about 1 GB and try again.")
    assert scene.dialog.message.text() == "The disk is full: free about 1 GB and try again."
    assert "The disk is full" in caplog.text and "The disk is full" in scene.dialog.log_text()
    assert scene.dialog.install.isEnabled()


def test_the_way_back_is_offered_where_there_is_one(scene):
    assert not scene.dialog.go_back.isEnabled() and not scene.dialog.remove.isEnabled()
    scene.installer.before = SimpleNamespace(names=("h3", "onnx"), installed="2026-01-02T03:04:05")
    scene.installer.now = "x"
    scene.controller.refresh()
    assert scene.dialog.go_back.toolTip() == "Use the installation of 2026-01-02 03:04:05 again: h3, onnx"
    scene.click(scene.dialog.go_back)
    scene.click(scene.dialog.remove)
    assert scene.installer.asked == [("go_back",), ("remove",)]
    assert scene.dialog.message.text() == "Removed. The files are deleted at the next start of QGIS."


def test_the_cuda_build_is_asked_for_by_its_box(tmp_path):
    scene = Scene(str(tmp_path), gpu=True)
    assert scene.dialog.gpu.isVisible() and scene.dialog.gpu.toolTip() == "More than 1 GB."
    scene.dialog.gpu.setChecked(True)
    assert scene.dialog.message.text() == "More than 1 GB."
    scene.click(scene.dialog.install)
    assert scene.installer.asked == [("install", ("onnxruntime-gpu", "h3"))]
    scene.window.deleteLater()


def test_without_a_graphics_build_there_is_no_box(scene):
    assert not scene.dialog.gpu.isVisible()


def test_the_report_holds_what_helps_and_not_the_home_folder(scene, monkeypatch):
    home = os.path.expanduser("~")
    scene.installer.now = os.path.join(home, "profile", "py311")
    scene.installer.line.emit("reading " + os.path.join(home, "pip.conf"))
    scene.click(scene.dialog.report)
    text = QGuiApplication.clipboard().text()
    for part in ("Earthprint 9, QGIS 8", np.__version__, "Version 1.9 is too old", "/profile/py311", "reading ~"):
        assert part in text
    assert home + os.sep not in text
    assert scene.dialog.message.text() == "The report is on the clipboard."


def test_closing_does_not_stop_an_installation(scene):
    scene.click(scene.dialog.install)
    QTest.keyClick(scene.window, Qt.Key.Key_Escape)
    assert not scene.dialog.isVisible()
    assert scene.installer.asked == [("install", ("onnxruntime", "h3"))]
    scene.window.show()
    assert scene.dialog.progress.isVisible()
