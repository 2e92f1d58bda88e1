"""What watches over a desktop from its very start: the notebook on disk, and the boxes that nobody would answer."""

from __future__ import annotations

import json
import os
import time
import traceback
from pathlib import Path

import qgis.utils
from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QApplication, QDialog, QMessageBox, QTextEdit

FOLDER = Path(os.environ["EARTHPRINT_GUI_FOLDER"])


class Notebook:
    """The log and the account, on disk after every line, so that a crash or a kill loses nothing."""

    def __init__(self):
        self.steps = []
        self.unexpected = []
        self.log = (FOLDER / "log.txt").open("a", encoding="utf-8", buffering=1)

    def say(self, text):
        """Write a line into the log."""
        self.log.write(f"{time.strftime('%H:%M:%S')} {text}\n")

    def note_unexpected(self, text):
        """Keep what no step has asked for: the test that reads the account decides."""
        self.unexpected.append(text)
        self.say(text)

    def step(self, name, seen):
        """Add what a step has seen to the account, with all that came unexpectedly meanwhile."""
        self.steps.append({"name": name, **seen, "unexpected": self.unexpected})
        self.unexpected = []
        unfinished = FOLDER / "account.tmp"
        unfinished.write_text(json.dumps(self.steps, indent=1), encoding="utf-8")
        unfinished.replace(FOLDER / "account.json")


notebook = Notebook()


def note_exception(kind, value, trace, *_, **__):
    notebook.note_unexpected("".join(traceback.format_exception(kind, value, trace)))


def note_message(text, tag, level):
    if "Traceback" in text:
        notebook.note_unexpected(text)
    else:
        notebook.say(f"[{tag}] {text}")


def is_error_viewer(widget):
    return isinstance(widget, QDialog) and widget.metaObject().className() in ("QgsMessageViewer", "QgsMessageOutput")


def dismiss_boxes():
    """Close a box that nobody expects and that would stop the desktop for ever, and write down what it says."""
    box = QApplication.activeModalWidget()
    if isinstance(box, QMessageBox):
        notebook.note_unexpected(f"{box.windowTitle()}: {box.text()} {box.informativeText()}")
        box.reject()
    elif is_error_viewer(box):
        said = "\n".join(edit.toPlainText() for edit in box.findChildren(QTextEdit))
        notebook.note_unexpected(f"{box.windowTitle()}: {said}")
        box.reject()


qgis.utils.showException = note_exception
QgsApplication.messageLog().messageReceived.connect(note_message)
timer = QTimer()
timer.timeout.connect(dismiss_boxes)
timer.start(500)
