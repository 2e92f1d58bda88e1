"""The page with the plane of embeddings: what is plotted, in which colours, and what a drag does; plain Qt, no QGIS."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

from qgis.PyQt.QtCore import QSignalBlocker, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from .scatter_legend import Legend, ScatterLegend
from .scatter_plot import BOX, LASSO, MOVE, SET, ScatterPlot

PCA, UMAP = "pca", "umap"
FEWEST, MOST, USUAL = 500, 100_000, 20_000
NO_COLOUR = ""


class ScatterWidget(QWidget):
    """Shows and asks; what happens then is up to whoever listens to its signals."""

    plane_asked = pyqtSignal()
    """Another plane is wanted, or another number of points."""
    colour_asked = pyqtSignal(str)
    """Colours by something else are wanted: the key of what was offered."""
    drag_chosen = pyqtSignal(str)
    cleared = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Build the widgets; the controller fills them."""
        super().__init__(parent)
        self.setObjectName("EarthprintScatter")
        self.plot = ScatterPlot(self)
        self.plot.setAccessibleName(self.tr("Plane of embeddings"))
        self.plot.setToolTip(self.tr(
            "Wheel: zoom. Drag: as chosen above; with Shift it adds, with Ctrl it takes away. Middle button: move. "
            "Click: centre the map there. Keys: arrows, + and −, Home, Ctrl+A for all in sight, Enter for the point "
            "in the middle."))
        self.legend = ScatterLegend(self)
        self.plane = self._combo("scatter_plane", self.tr("How vectors become a plane"))
        self.plane.addItem(self.tr("Principal components"), PCA)
        self.colour = self._combo("scatter_colour", self.tr("What colours points"))
        self.count = QSpinBox(self)
        self.count.setObjectName("scatter_count")
        self.count.setRange(FEWEST, MOST)
        self.count.setSingleStep(5000)
        self.count.setGroupSeparatorShown(True)
        self.count.setKeyboardTracking(False)
        self.count.setValue(USUAL)
        self.count.setAccessibleName(self.tr("Most points"))
        self.count.setToolTip(self.tr("At most so many cells or rows are plotted; where there are more, an even "
                                      "sample."))
        self.drags = QButtonGroup(self)
        self.lasso = self._drag("scatter_lasso", self.tr("La&sso"), LASSO,
                                self.tr("Draw around points to select them on the map."))
        self.box = self._drag("scatter_box", self.tr("&Box"), BOX, self.tr("Draw a box to select points on the map."))
        self.move_ = self._drag("scatter_move", self.tr("&Move"), MOVE, self.tr(
            "Drag the plot; so does the middle button at any time."))
        self.lasso.setChecked(True)
        self.all = self._button("scatter_all", self.tr("Show &all"), self.tr("Bring all points into sight (Home)."))
        self.all.clicked.connect(self._show_all)
        self.in_sight = self._button("scatter_in_sight", self.tr("Select in &view"),
                                     self.tr("Select all points that the plot shows now (Ctrl+A)."))
        self.in_sight.clicked.connect(self._select_in_sight)
        self.clear = self._button("scatter_clear", self.tr("Cl&ear"), self.tr("Select nothing."))
        self.clear.clicked.connect(self._clear)
        self.progress = QProgressBar(self)
        self.progress.setObjectName("scatter_progress")
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.progress.setMaximumHeight(max(6, self.fontMetrics().height() // 2))
        self.progress.setAccessibleName(self.tr("The plane is being computed"))
        self.here = self._line("scatter_here")
        self.sentence = self._line("scatter_sentence")
        self._lay_out()
        self.plane.currentIndexChanged.connect(self._ask_plane)
        self.count.valueChanged.connect(self._ask_plane)
        self.colour.currentIndexChanged.connect(self._ask_colour)
        self.offer_colours((), NO_COLOUR)
        self.set_busy(False)
        self.show_sentence("")
        self.show_chosen(0, 0)

    # ---- what the controller shows

    def offer_umap(self) -> None:
        """Offer the other plane, too."""
        if self.plane.findData(UMAP) < 0:
            blocked = QSignalBlocker(self.plane)
            self.plane.addItem(self.tr("UMAP"), UMAP)
            blocked.unblock()

    def offer_colours(self, offered: "Sequence[Tuple[str, str]]", wanted: str) -> None:
        """Offer pairs of key and name, and choose one without a signal; the first choice is no colour at all."""
        blocked = QSignalBlocker(self.colour)
        self.colour.clear()
        self.colour.addItem(self.tr("Nothing"), NO_COLOUR)
        for key, name in offered:
            self.colour.addItem(name, key)
        self.colour.setCurrentIndex(max(0, self.colour.findData(wanted)))
        blocked.unblock()

    def show_sentence(self, text: str) -> None:
        """Say what is shown, or why nothing is."""
        self.sentence.setText(text)
        self.sentence.setVisible(bool(text))

    def show_here(self, text: str) -> None:
        """Say which place the pointer is on."""
        self.here.setText(text)

    def show_chosen(self, chosen: int, of: int) -> None:
        """Enable what makes sense for so many chosen points."""
        self.clear.setEnabled(chosen > 0)
        for button in (self.all, self.in_sight):
            button.setEnabled(of > 0)

    def show_legend(self, legend: Legend) -> None:
        """Say what colours mean."""
        self.legend.show_legend(legend)

    def set_busy(self, busy: bool) -> None:
        """Show that something is being computed."""
        self.progress.setVisible(busy)

    def set_settings(self, plane: str, count: int, drag: str) -> None:
        """Set the controls as remembered, without a signal."""
        blocked = [QSignalBlocker(control) for control in (self.plane, self.count)]
        self.plane.setCurrentIndex(max(0, self.plane.findData(plane)))
        self.count.setValue(count)
        for blocker in blocked:
            blocker.unblock()
        for button in (self.lasso, self.box, self.move_):
            if button.property("drag") == drag:
                button.setChecked(True)
                self.plot.set_mode(drag)

    # ---- what the controller reads

    def wanted_plane(self) -> str:
        """Return PCA or UMAP."""
        return str(self.plane.currentData())

    def wanted_colour(self) -> str:
        """Return the key of what colours points."""
        return str(self.colour.currentData() or NO_COLOUR)

    def wanted_count(self) -> int:
        """Return how many points there may be."""
        return self.count.value()

    # ---- making

    def _combo(self, name: str, spoken: str) -> QComboBox:
        """Make a choice that may be narrower than its longest text."""
        combo = QComboBox(self)
        combo.setObjectName(name)
        combo.setAccessibleName(spoken)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(5)
        combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return combo

    def _button(self, name: str, text: str, tip: str) -> QPushButton:
        """Make a button that is no default by accident."""
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setAutoDefault(False)
        button.setToolTip(tip)
        return button

    def _drag(self, name: str, text: str, mode: str, tip: str) -> QRadioButton:
        """Make one of the buttons that say what a drag does."""
        button = QRadioButton(text, self)
        button.setObjectName(name)
        button.setToolTip(tip)
        button.setProperty("drag", mode)
        self.drags.addButton(button)
        button.clicked.connect(self._choose_drag)
        return button

    def _line(self, name: str) -> QLabel:
        """Make a label for a sentence."""
        label = QLabel(self)
        label.setObjectName(name)
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse
                                      | Qt.TextInteractionFlag.TextSelectableByKeyboard)
        return label

    def _lay_out(self) -> None:
        """Arrange everything; the order is also the order of the Tab key."""
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        row = QHBoxLayout()
        row.addWidget(self.plane, 1)
        row.addWidget(self.count)
        form.addRow(self.tr("Pla&ne"), row)
        form.addRow(self.tr("Colou&r"), self.colour)
        label = form.labelForField(row)
        if label is not None:
            label.setBuddy(self.plane)
        drags, buttons = QHBoxLayout(), QHBoxLayout()
        for button in (self.lasso, self.box, self.move_):
            drags.addWidget(button)
        drags.addStretch(1)
        form.addRow(self.tr("Drag"), drags)
        for button in (self.all, self.in_sight, self.clear):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 6, 4, 6)
        layout.addLayout(form)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.here)
        layout.addWidget(self.legend)
        layout.addWidget(self.sentence)
        order = (self.plane, self.count, self.colour, self.lasso, self.box, self.move_, self.all, self.in_sight,
                 self.clear, self.plot)
        for before, after in zip(order, order[1:]):
            QWidget.setTabOrder(before, after)

    # ---- what the controls do

    def _ask_plane(self, *_ignored: object) -> None:
        """Ask for another plane."""
        self.plane_asked.emit()

    def _ask_colour(self, *_ignored: object) -> None:
        """Ask for other colours."""
        self.colour_asked.emit(self.wanted_colour())

    def _choose_drag(self, *_ignored: object) -> None:
        """Drag in another way."""
        mode = str(self.drags.checkedButton().property("drag"))
        self.plot.set_mode(mode)
        self.drag_chosen.emit(mode)

    def _show_all(self, *_ignored: object) -> None:
        """Bring all points into sight."""
        self.plot.fit()

    def _select_in_sight(self, *_ignored: object) -> None:
        """Ask to select what the plot shows."""
        self.plot.encircled.emit(self.plot.corners_in_sight(), SET)

    def _clear(self, *_ignored: object) -> None:
        """Ask to select nothing."""
        self.cleared.emit()
