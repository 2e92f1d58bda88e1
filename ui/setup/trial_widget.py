"""The part of a page that shows what an encoder made of the visible part of a raster; plain Qt, no QGIS."""

from __future__ import annotations

from typing import List, Optional

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QImage, QPixmap
from qgis.PyQt.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

PICTURE_LINES = 12


class TrialWidget(QFrame):
    """A picture, some sentences, and two buttons; hidden until there is something to show."""

    cancel_requested = pyqtSignal()
    keep_requested = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Build it empty."""
        super().__init__(parent)
        self.setObjectName("trial")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._busy = False
        self.picture = QLabel(self)
        self.picture.setObjectName("trial_picture")
        self.picture.setAccessibleName(self.tr("The encoder's vectors as colours"))
        self.text = QLabel(self)
        self.text.setObjectName("trial_text")
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse
                                          | Qt.TextInteractionFlag.TextSelectableByKeyboard)
        self.progress = QProgressBar(self)
        self.progress.setObjectName("trial_progress")
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(self.tr("The trial runs"))
        self.cancel = self._button("cancel_trial", self.tr("Ca&ncel"), self.cancel_requested.emit)
        self.keep = self._button("keep_trial", self.tr("&Keep as layer"), self.keep_requested.emit)
        self.keep.setToolTip(self.tr("Add the picture to the project; its file is temporary."))
        self._lay_out()
        self.clear_picture()
        self.set_busy(False)
        self.setVisible(False)

    def order(self) -> List[QWidget]:
        """Return what the Tab key reaches, in its order."""
        return [self.text, self.cancel, self.keep]

    def busy(self) -> bool:
        """Tell whether a trial runs."""
        return self._busy

    def set_busy(self, busy: bool) -> None:
        """Show that a trial runs, or that it is over."""
        self._busy = busy
        had_focus = self.cancel.hasFocus()
        self.progress.setVisible(busy)
        self.cancel.setVisible(busy)
        if busy:
            self.setVisible(True)
            self.clear_picture()
        elif had_focus:
            self.text.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_text(self, text: str) -> None:
        """Say what runs, or what came of it."""
        self.text.setText(text)
        self.setVisible(bool(text) or self._busy)

    def show_picture(self, image: QImage) -> None:
        """Show colours, each cell as a whole number of points where it fits, and offer to keep them."""
        ratio = self.devicePixelRatioF()
        side = int(PICTURE_LINES * self.fontMetrics().height() * ratio)
        scaled = image.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.FastTransformation)
        pixmap = QPixmap.fromImage(scaled)
        pixmap.setDevicePixelRatio(ratio)
        self.picture.setPixmap(pixmap)
        self.picture.setVisible(True)
        self.keep.setVisible(True)
        self.keep.setEnabled(True)
        self.setVisible(True)

    def clear_picture(self) -> None:
        """Show no colours, since what the words say is not of them."""
        self.picture.clear()
        self.picture.setVisible(False)
        self.keep.setVisible(False)

    def set_kept(self) -> None:
        """Show that the picture is in the project now."""
        self.keep.setEnabled(False)

    def _button(self, name: str, text: str, action: object) -> QPushButton:
        """Make a button that has a name for tests and is no default by accident."""
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setAutoDefault(False)
        button.clicked.connect(lambda _checked=False: action())
        return button

    def _lay_out(self) -> None:
        """Put the picture beside the words."""
        bar = QHBoxLayout()
        bar.addWidget(self.progress, 1)
        bar.addWidget(self.cancel)
        bar.addWidget(self.keep)
        bar.addStretch(0)
        words = QVBoxLayout()
        words.addWidget(self.text, 1)
        words.addLayout(bar)
        layout = QHBoxLayout(self)
        layout.addWidget(self.picture)
        layout.addLayout(words, 1)


def image_of(columns: int, rows: int, colours: bytes) -> QImage:
    """Return an image that owns its pixels, from bytes of red, green, blue and opacity row by row."""
    return QImage(colours, columns, rows, 4 * columns, QImage.Format.Format_RGBA8888).copy()
