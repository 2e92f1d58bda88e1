"""A list onto which ONNX files can be dropped."""

from __future__ import annotations

from qgis.PyQt.QtCore import QMimeData, pyqtSignal
from qgis.PyQt.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QResizeEvent
from qgis.PyQt.QtWidgets import QAbstractItemView, QTreeWidget, QWidget


class EncoderTree(QTreeWidget):
    """Tells the path of an ONNX file that is dropped onto it."""

    dropped = pyqtSignal(str)

    def __init__(self, parent: QWidget) -> None:
        """Accept drops."""
        super().__init__(parent)
        self.setAcceptDrops(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DropOnly)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self._elastic = -1
        self._least = 0

    def make_elastic(self, column: int, characters: int) -> None:
        """Let a column take the room that the others leave, but never less than so many characters."""
        self._elastic = column
        self._least = characters * self.fontMetrics().averageCharWidth()

    def share_out(self) -> None:
        """Give the elastic column its room; a narrow window scrolls sideways rather than hide it."""
        if self._elastic < 0:
            return
        others = sum(self.columnWidth(column) for column in range(self.columnCount()) if column != self._elastic)
        self.setColumnWidth(self._elastic, max(self._least, self.viewport().width() - others))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Share out the room anew."""
        super().resizeEvent(event)
        self.share_out()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Welcome an ONNX file and nothing else."""
        self._answer(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:  # noqa: N802
        """Welcome it everywhere in the list."""
        self._answer(event)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Tell the path."""
        path = onnx_path(event.mimeData())
        if path:
            event.acceptProposedAction()
            self.dropped.emit(path)
        else:
            event.ignore()

    def _answer(self, event: QDropEvent) -> None:
        """Accept or refuse what hovers over the list."""
        if onnx_path(event.mimeData()):
            event.acceptProposedAction()
        else:
            event.ignore()


def onnx_path(data: QMimeData) -> str:
    """Return the path of the first ONNX file among what is dragged, or nothing."""
    paths = (url.toLocalFile() for url in data.urls() if url.isLocalFile())
    return next((path for path in paths if path.lower().endswith(".onnx")), "")
