"""Hears digits and Backspace while the map has the keyboard, so that classes are chosen without leaving the map."""

from __future__ import annotations

from qgis.PyQt.QtCore import QEvent, QObject, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QWidget


class DigitKeys(QObject):
    """Listens to a widget until `remove`; other keys go where they always go."""

    digit = pyqtSignal(int)
    back = pyqtSignal()

    def __init__(self, watched: QWidget) -> None:
        """Begin to listen."""
        super().__init__(watched)
        self._watched = watched
        watched.installEventFilter(self)

    def remove(self) -> None:
        """Stop listening for good."""
        self._watched.removeEventFilter(self)
        self.deleteLater()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802  (the name is Qt's)
        """Take 1 to 9 and Backspace, if no other key is held."""
        if event.type() != QEvent.Type.KeyPress:
            return False
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        text = event.text()
        if len(text) == 1 and text in "123456789":
            self.digit.emit(int(text))
            return True
        if event.key() == Qt.Key.Key_Backspace:
            self.back.emit()
            return True
        return False
