"""A layout that sets its widgets side by side and begins a new line where there is no more room; plain Qt, no QGIS."""

from __future__ import annotations

from typing import List, Optional

from qgis.PyQt.QtCore import QPoint, QRect, QSize, Qt
from qgis.PyQt.QtWidgets import QLayout, QLayoutItem, QWidget


class FlowLayout(QLayout):
    """Never wider than its widest widget needs; higher where it is narrow."""

    def __init__(self, parent: Optional[QWidget] = None, gap: int = 2) -> None:
        """Begin empty, with so many pixels between widgets."""
        super().__init__(parent)
        self._items: List[QLayoutItem] = []
        self._gap = gap
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:  # noqa: N802  (the name is Qt's)
        """Take an item as the last one."""
        self._items.append(item)

    def count(self) -> int:
        """Return how many items there are."""
        return len(self._items)

    def itemAt(self, index: int) -> Optional[QLayoutItem]:  # noqa: N802  (the name is Qt's)
        """Return an item, or None."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> Optional[QLayoutItem]:  # noqa: N802  (the name is Qt's)
        """Give an item back."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:  # noqa: N802  (the name is Qt's)
        """Want no more room than needed."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:  # noqa: N802  (the name is Qt's)
        """Be higher where it is narrow."""
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802  (the name is Qt's)
        """Return how high all lines are."""
        return max((place.bottom() + 1 for place in self._places(QRect(0, 0, width, 0))), default=0)

    def setGeometry(self, room: QRect) -> None:  # noqa: N802  (the name is Qt's)
        """Put every widget at its place."""
        super().setGeometry(room)
        for item, place in zip(self._items, self._places(room)):
            item.setGeometry(place)

    def sizeHint(self) -> QSize:  # noqa: N802  (the name is Qt's)
        """Ask for what is needed at least."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:  # noqa: N802  (the name is Qt's)
        """Return the size of the largest widget."""
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        return size

    def _places(self, room: QRect) -> List[QRect]:
        """Return where each widget goes."""
        x, y, line, found = room.x(), room.y(), 0, []
        for item in self._items:
            size = item.sizeHint()
            if x > room.x() and x + size.width() > room.right() + 1:
                x, y, line = room.x(), y + line + self._gap, 0
            found.append(QRect(QPoint(x, y), size))
            x += size.width() + self._gap
            line = max(line, size.height())
        return found
