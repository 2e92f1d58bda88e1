"""The page that steers live similarity: examples, colours, and what becomes of it; plain Qt, no QGIS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence

from qgis.PyQt.QtCore import QSignalBlocker, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QIcon, QKeySequence, QPainter, QPen, QPixmap
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QAction,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from ..canvas.score_colours import DEFAULT_RAMP, RAMPS, OverlayStyle
from .similarity_legend import SimilarityLegend, ramp_icon, score_text

REPLACE, ADD, COUNTER = "replace", "add", "counter"
EXAMPLE_COLOUR, COUNTER_COLOUR = "#0072b2", "#d55e00"
_FINE = 1000


@dataclass(frozen=True)
class ExampleRow:
    """One line of the list of examples, in words that are ready to be shown."""

    text: str
    counter: bool


class SimilarityWidget(QWidget):
    """Shows and asks; what happens then is up to whoever listens to its signals."""

    follow_toggled = pyqtSignal(bool)
    style_changed = pyqtSignal()
    features_requested = pyqtSignal()
    remove_requested = pyqtSignal(list)
    clear_requested = pyqtSignal()
    keep_requested = pyqtSignal()
    cancel_keep_requested = pyqtSignal()
    toolbox_requested = pyqtSignal()
    overviews_requested = pyqtSignal()
    cancel_overviews_requested = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Build the widgets; the controller fills them."""
        super().__init__(parent)
        self.setObjectName("EarthprintSimilarity")
        self._has_examples = False
        self._keeping = False
        self.sentence = self._sentence("similarity_sentence")
        self.here = QLabel(self)
        self.here.setObjectName("similarity_here")
        self.follow = QCheckBox(self.tr("&Follow the pointer"), self)
        self.follow.setObjectName("similarity_follow")
        self.follow.setChecked(True)
        self.follow.setToolTip(self.tr("Show what is similar to the place under the pointer. A click on the map holds "
                                       "the place; tick this to let it go."))
        self.mode = self._make_mode()
        self.examples = self._make_list()
        self.features = self._button("similarity_features", self.tr("Take &selected features"),
                                     self.features_requested.emit)
        self.features.setToolTip(self.tr("Take the features that are selected in the current layer; of a polygon, the "
                                         "mean of the cells inside counts."))
        self.remove = self._button("similarity_remove", self.tr("&Remove"), self._ask_remove)
        self.remove.setToolTip(self.tr("Take the marked lines out of the list."))
        self.clear = self._button("similarity_clear", self.tr("&Clear"), self.clear_requested.emit)
        self.clear.setToolTip(self.tr("Forget all examples and follow the pointer again."))
        self.ramp = self._make_ramp()
        self.legend = SimilarityLegend(self)
        self.opacity = self._slider("similarity_opacity", 0, 100, 80)
        self.opacity.setAccessibleName(self.tr("Opacity"))
        self.opacity_value = QLabel(self)
        self.opacity_value.setObjectName("similarity_opacity_value")
        self.opacity_value.setMinimumWidth(self.opacity_value.fontMetrics().horizontalAdvance("100 %"))
        self.hide_below = QCheckBox(self.tr("&Hide below"), self)
        self.hide_below.setObjectName("similarity_hide_below")
        self.threshold = self._make_threshold()
        self.threshold_slider = self._slider("similarity_threshold_slider", -_FINE, _FINE, _FINE // 2)
        self.threshold_slider.setAccessibleName(self.tr("Least score that is shown"))
        self.overview_sentence = self._sentence("similarity_overview_sentence")
        self.make_overviews = self._button("similarity_make_overviews", self.tr("Make &overviews"),
                                           self.overviews_requested.emit)
        self.overview_progress = self._progress("similarity_overview_progress", self.tr("Progress of the overviews"))
        self.cancel_overviews = self._button("similarity_cancel_overviews", self.tr("Cancel"),
                                             self.cancel_overviews_requested.emit)
        self.keep = self._button("similarity_keep", self.tr("&Keep as layer"), self.keep_requested.emit)
        self.keep.setToolTip(self.tr("Write the similarity to these examples at full resolution and add it to the "
                                     "project."))
        self.toolbox = self._button("similarity_toolbox", self.tr("Open in &toolbox…"), self.toolbox_requested.emit)
        self.toolbox.setToolTip(self.tr("Open the algorithm with these examples filled in, to set more or to write to "
                                        "a file of your choice."))
        self.keep_progress = self._progress("similarity_keep_progress", self.tr("Progress of the layer"))
        self.cancel_keep = self._button("similarity_cancel_keep", self.tr("Cancel"), self.cancel_keep_requested.emit)
        self.outcome = self._sentence("similarity_outcome")
        self._lay_out()
        self._connect()
        self.show_examples(())
        self.set_overviews("", False)
        self.set_keeping(False)
        self.show_sentence("")
        self.show_outcome("")
        self._style_moved()

    # ---- what the controller shows

    def show_sentence(self, text: str) -> None:
        """Say what is shown, or why nothing is."""
        self.sentence.setText(text)
        self.sentence.setVisible(bool(text))

    def show_here(self, score: Optional[float]) -> None:
        """Write the score under the pointer."""
        self.here.setText(self.tr("Here: {score}").format(score="–" if score is None else score_text(score)))

    def show_examples(self, rows: Sequence[ExampleRow]) -> None:
        """Fill the list anew."""
        self.examples.clear()
        for row in rows:
            self.examples.addItem(QListWidgetItem(_mark(row.counter), row.text))
        self._has_examples = any(not row.counter for row in rows)
        self.clear.setEnabled(bool(rows))
        self._enable()

    def show_spread(self, low: Optional[float], high: Optional[float], least: Optional[float] = None) -> None:
        """Write which scores the colours stand for; the slider of the threshold runs between `least` and `high`."""
        self.legend.show_scores(low, high)
        if least is None or high is None:
            return
        blocked = QSignalBlocker(self.threshold_slider)
        self.threshold_slider.setRange(int(least * _FINE), max(int(high * _FINE), int(least * _FINE) + 1))
        self.threshold_slider.setValue(round(self.threshold.value() * _FINE))
        blocked.unblock()

    def set_following(self, following: bool) -> None:
        """Tick or clear the box without a signal."""
        blocked = QSignalBlocker(self.follow)
        self.follow.setChecked(following)
        blocked.unblock()

    def set_overviews(self, sentence: str, making: bool) -> None:
        """Offer to make overviews with a reason, or show that they are being made; an empty reason hides both."""
        self.overview_sentence.setText(sentence)
        self.overview_sentence.setVisible(bool(sentence))
        self.make_overviews.setVisible(bool(sentence) and not making)
        self.overview_progress.setVisible(making)
        self.cancel_overviews.setVisible(making)

    def set_keeping(self, keeping: bool) -> None:
        """Show that a layer is being written, or that none is."""
        self._keeping = keeping
        self.keep_progress.setVisible(keeping)
        self.cancel_keep.setVisible(keeping)
        self._enable()

    def show_outcome(self, text: str) -> None:
        """Say what became of the layer."""
        self.outcome.setText(text)
        self.outcome.setVisible(bool(text))

    # ---- what the controller reads

    def click_mode(self) -> str:
        """Return what a click without keys does: REPLACE, ADD or COUNTER."""
        return str(self.mode.currentData())

    def overlay_style(self) -> OverlayStyle:
        """Return how scores shall look."""
        threshold = self.threshold.value() if self.hide_below.isChecked() else None
        return OverlayStyle(str(self.ramp.currentData()), self.opacity.value() / 100, threshold)

    def set_overlay_style(self, style: OverlayStyle) -> None:
        """Set the controls, as remembered from an earlier time; a ramp that is gone becomes the usual one."""
        blocked = [QSignalBlocker(control) for control in (self.ramp, self.opacity, self.hide_below, self.threshold,
                                                           self.threshold_slider)]
        self.ramp.setCurrentIndex(max(0, self.ramp.findData(style.ramp)))
        self.opacity.setValue(round(style.opacity * 100))
        self.hide_below.setChecked(style.threshold is not None)
        if style.threshold is not None:
            self.threshold.setValue(style.threshold)
            self.threshold_slider.setValue(round(style.threshold * _FINE))
        for blocker in blocked:
            blocker.unblock()
        self._style_moved()

    # ---- making

    def _sentence(self, name: str) -> QLabel:
        """Make a label for a sentence."""
        label = QLabel(self)
        label.setObjectName(name)
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse
                                      | Qt.TextInteractionFlag.TextSelectableByKeyboard)
        return label

    def _button(self, name: str, text: str, action: object) -> QPushButton:
        """Make a button that has a name for tests and is no default by accident."""
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setAutoDefault(False)
        button.clicked.connect(lambda _checked=False: action())
        return button

    def _slider(self, name: str, least: int, most: int, value: int) -> QSlider:
        """Make a slider that arrow keys move as well."""
        slider = QSlider(Qt.Orientation.Horizontal, self)
        slider.setObjectName(name)
        slider.setRange(least, most)
        slider.setValue(value)
        slider.setPageStep(max(1, (most - least) // 10))
        return slider

    def _progress(self, name: str, spoken: str) -> QProgressBar:
        """Make a bar for work that takes its time."""
        bar = QProgressBar(self)
        bar.setObjectName(name)
        bar.setRange(0, 1000)
        bar.setAccessibleName(spoken)
        return bar

    def _make_mode(self) -> QComboBox:
        """Make the choice of what a plain click does, since some desktops keep Alt for themselves."""
        mode = QComboBox(self)
        mode.setObjectName("similarity_mode")
        mode.addItem(self.tr("looks for this place"), REPLACE)
        mode.addItem(self.tr("adds an example"), ADD)
        mode.addItem(self.tr("adds a counter-example"), COUNTER)
        mode.setToolTip(self.tr("What a click or a drawn box does. With Shift it adds an example, with Alt a "
                                "counter-example, whatever is chosen here."))
        mode.setAccessibleName(self.tr("What a click on the map does"))
        _may_shrink(mode)
        return mode

    def _make_list(self) -> QListWidget:
        """Make the list of examples; Delete takes lines out."""
        found = QListWidget(self)
        found.setObjectName("similarity_examples")
        found.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        found.setAccessibleName(self.tr("Examples and counter-examples"))
        found.setTextElideMode(Qt.TextElideMode.ElideRight)
        line = found.fontMetrics().height()
        found.setMinimumHeight(4 * line)
        found.setMaximumHeight(12 * line)
        found.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        delete = QAction(self.tr("Remove"), found)
        delete.setObjectName("similarity_delete")
        delete.setShortcut(QKeySequence(Qt.Key.Key_Delete))
        delete.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        delete.triggered.connect(self._ask_remove)
        found.addAction(delete)
        return found

    def _make_ramp(self) -> QComboBox:
        """Make the choice of a ramp."""
        names = {"viridis": self.tr("Viridis"), "cividis": self.tr("Cividis"), "inferno": self.tr("Inferno"),
                 "blues": self.tr("Blues")}
        ramp = QComboBox(self)
        ramp.setObjectName("similarity_ramp")
        height = max(10, ramp.fontMetrics().height() * 3 // 4)
        ramp.setIconSize(QSize(4 * height, height))
        for name, found in RAMPS.items():
            ramp.addItem(ramp_icon(found.stops, ramp.iconSize()), names.get(name, name), name)
        ramp.setCurrentIndex(ramp.findData(DEFAULT_RAMP))
        _may_shrink(ramp)
        return ramp

    def _make_threshold(self) -> QDoubleSpinBox:
        """Make the number below which nothing is shown."""
        number = QDoubleSpinBox(self)
        number.setObjectName("similarity_threshold")
        number.setRange(-1.0, 1.0)
        number.setDecimals(3)
        number.setSingleStep(0.01)
        number.setValue(0.5)
        number.setAccessibleName(self.tr("Least score that is shown"))
        return number

    def _lay_out(self) -> None:
        """Arrange everything; the order is also the order of the Tab key."""
        top = QHBoxLayout()
        top.addWidget(self.follow)
        top.addStretch(1)
        top.addWidget(self.here)
        clicking = QHBoxLayout()
        label = QLabel(self.tr("A clic&k"), self)
        label.setBuddy(self.mode)
        clicking.addWidget(label)
        clicking.addWidget(self.mode, 1)
        editing = QHBoxLayout()
        editing.addWidget(self.remove)
        editing.addWidget(self.clear)
        editing.addStretch(1)
        looks = QFormLayout()
        looks.setContentsMargins(0, 0, 0, 0)
        looks.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        looks.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        looks.addRow(self.tr("Co&lours"), self.ramp)
        looks.addRow("", self.legend)
        looks.addRow(self.tr("O&pacity"), _row(self.opacity, self.opacity_value))
        looks.addRow(self.hide_below, _row(self.threshold_slider, self.threshold))
        labelled = looks.labelForField(looks.itemAt(2, QFormLayout.ItemRole.FieldRole).layout())
        if labelled is not None:
            labelled.setBuddy(self.opacity)
        making = _row(self.overview_progress, self.cancel_overviews)
        keeping = QHBoxLayout()
        keeping.addWidget(self.keep)
        keeping.addWidget(self.toolbox)
        keeping.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addWidget(self.sentence)
        layout.addWidget(self.overview_sentence)
        layout.addWidget(self.make_overviews, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addLayout(making)
        layout.addLayout(top)
        layout.addLayout(clicking)
        layout.addWidget(self.examples, 8)
        layout.addWidget(self.features, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addLayout(editing)
        layout.addLayout(looks)
        layout.addLayout(keeping)
        layout.addLayout(_row(self.keep_progress, self.cancel_keep))
        layout.addWidget(self.outcome)
        layout.addStretch(1)
        order = (self.make_overviews, self.cancel_overviews, self.follow, self.mode, self.examples, self.features,
                 self.remove, self.clear, self.ramp, self.opacity, self.hide_below, self.threshold_slider,
                 self.threshold, self.keep, self.toolbox, self.cancel_keep)
        for before, after in zip(order, order[1:]):
            QWidget.setTabOrder(before, after)

    def _connect(self) -> None:
        """Listen to the controls."""
        self.follow.toggled.connect(self.follow_toggled)
        self.examples.itemSelectionChanged.connect(self._enable)
        self.ramp.currentIndexChanged.connect(self._style_moved)
        self.opacity.valueChanged.connect(self._style_moved)
        self.hide_below.toggled.connect(self._style_moved)
        self.threshold.valueChanged.connect(self._threshold_typed)
        self.threshold_slider.valueChanged.connect(self._threshold_slid)

    # ---- what the controls do

    def _threshold_typed(self, value: float) -> None:
        """Bring the slider to the number."""
        blocked = QSignalBlocker(self.threshold_slider)
        self.threshold_slider.setValue(round(value * _FINE))
        blocked.unblock()
        self._style_moved()

    def _threshold_slid(self, value: int) -> None:
        """Bring the number to the slider; whoever moves it wants it to count."""
        blocked = [QSignalBlocker(self.threshold), QSignalBlocker(self.hide_below)]
        self.threshold.setValue(value / _FINE)
        self.hide_below.setChecked(True)
        for blocker in blocked:
            blocker.unblock()
        self._style_moved()

    def _style_moved(self, *_ignored: object) -> None:
        """Keep legend and words in step with the controls, and tell."""
        style = self.overlay_style()
        self.legend.set_stops(RAMPS.get(style.ramp, RAMPS[DEFAULT_RAMP]).stops)
        self.opacity_value.setText(self.tr("{share} %").format(share=self.opacity.value()))
        self.threshold.setEnabled(self.hide_below.isChecked())
        self.style_changed.emit()

    def _ask_remove(self, *_ignored: object) -> None:
        """Ask to take out the marked lines."""
        rows: List[int] = sorted(self.examples.row(item) for item in self.examples.selectedItems())
        if rows:
            self.remove_requested.emit(rows)

    def _enable(self) -> None:
        """Enable what makes sense now."""
        self.remove.setEnabled(bool(self.examples.selectedItems()))
        self.keep.setEnabled(self._has_examples and not self._keeping)
        self.toolbox.setEnabled(self._has_examples)


def _row(first: QWidget, second: QWidget) -> QHBoxLayout:
    """Put two controls side by side, the first one taking the room."""
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(first, 1)
    row.addWidget(second)
    return row


def _may_shrink(combo: QComboBox) -> None:
    """Let a choice be narrower than its longest text, so that the dock may be narrow."""
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)


def _mark(counter: bool) -> QIcon:
    """Return the mark of an example (a ring) or a counter-example (a cross), as on the map."""
    pixmap = QPixmap(16, 16)
    pixmap.fill(QColor(0, 0, 0, 0))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(COUNTER_COLOUR if counter else EXAMPLE_COLOUR), 3))
    if counter:
        painter.drawLine(3, 3, 13, 13)
        painter.drawLine(3, 13, 13, 3)
    else:
        painter.drawEllipse(3, 3, 10, 10)
    painter.end()
    return QIcon(pixmap)
