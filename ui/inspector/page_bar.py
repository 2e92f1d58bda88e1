"""A row of buttons that choose a page, in as many lines as the width asks for, so that no title is cut; plain Qt."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

from qgis.PyQt.QtCore import QEvent, QObject, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QSizePolicy, QToolButton, QWidget

from ..flow_layout import FlowLayout


class PageBar(QWidget):
    """Exactly one button is down: that of the page shown; arrow keys walk along the buttons."""

    chosen = pyqtSignal(int)

    def __init__(self, titles: "Sequence[Tuple[str, str]]", parent: Optional[QWidget] = None) -> None:
        """Make a button for each name and title."""
        super().__init__(parent)
        self.setObjectName("pageBar")
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        layout = FlowLayout(self)
        self.buttons: List[QToolButton] = []
        for name, title in titles:
            button = QToolButton(self)
            button.setObjectName("page_" + name)
            button.setText(title)
            button.setCheckable(True)
            button.setAutoRaise(True)
            button.setAutoExclusive(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.clicked.connect(self._clicked)
            button.installEventFilter(self)
            layout.addWidget(button)
            self.buttons.append(button)

    def show_current(self, index: int) -> None:
        """Press the button of the page shown."""
        if 0 <= index < len(self.buttons):
            self.buttons[index].setChecked(True)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  (the name is Qt's)
        """Walk to the next page or the one before with the arrow keys."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.type() != QEvent.Type.KeyPress or event.key() not in steps or watched not in self.buttons:
            return False
        there = (self.buttons.index(watched) + steps[event.key()]) % len(self.buttons)
        self.buttons[there].setFocus(Qt.FocusReason.TabFocusReason)
        self.chosen.emit(there)
        return True

    def _clicked(self) -> None:
        """Say which page is wanted."""
        self.chosen.emit(self.buttons.index(self.sender()))
