"""The page with a text to copy into a bug report; plain Qt, no QGIS."""

from __future__ import annotations

from typing import Optional

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtGui import QGuiApplication, QShowEvent
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget


class ProblemWidget(QWidget):
    """Shows the text before it leaves the machine, so that people see what they send."""

    refresh_requested = pyqtSignal()
    copied = pyqtSignal()
    tracker_requested = pyqtSignal()
    shown = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Build it empty."""
        super().__init__(parent)
        self.setObjectName("EarthprintProblem")
        self.introduction = QLabel(self.tr(
            "Copy this text into your report, and say what you did, what you expected and what came. It holds "
            "versions, packages and the last messages, with your home folder written as ~. Read it before you send it: "
            "names of other folders and of layers may be in it."), self)
        self.introduction.setWordWrap(True)
        self.text = QPlainTextEdit(self)
        self.text.setObjectName("problem_text")
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setAccessibleName(self.tr("Text for a report"))
        self.copy = self._button("copy_problem", self.tr("&Copy"), self._copy)
        self.refresh = self._button("refresh_problem", self.tr("&Look again"), self.refresh_requested.emit)
        self.tracker = self._button("open_tracker", self.tr("&Open the list of problems"), self.tracker_requested.emit)
        self.message = QLabel(self)
        self.message.setObjectName("problem_message")
        bar = QHBoxLayout()
        for widget in (self.copy, self.refresh, self.tracker):
            bar.addWidget(widget)
        bar.addWidget(self.message, 1)
        layout = QVBoxLayout(self)
        layout.addWidget(self.introduction)
        layout.addWidget(self.text, 1)
        layout.addLayout(bar)

    def show_text(self, text: str) -> None:
        """Show the text."""
        self.text.setPlainText(text)
        self.copy.setEnabled(bool(text))

    def show_message(self, text: str) -> None:
        """Say what happened."""
        self.message.setText(text)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Let the controller gather anew whenever the page comes up."""
        super().showEvent(event)
        self.shown.emit()

    def _copy(self) -> None:
        """Put the text on the clipboard."""
        QGuiApplication.clipboard().setText(self.text.toPlainText())
        self.copied.emit()

    def _button(self, name: str, text: str, action: object) -> QPushButton:
        """Make a button that has a name for tests and is no default by accident."""
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setAutoDefault(False)
        button.clicked.connect(lambda _checked=False: action())
        return button
