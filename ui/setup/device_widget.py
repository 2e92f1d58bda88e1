"""The page that tells what encoders run on, and offers a trial of it; plain Qt, no QGIS."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QShowEvent
from qgis.PyQt.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget


class DeviceWidget(QWidget):
    """Facts in lines, a button, and what the trial said."""

    trial_requested = pyqtSignal()
    cancel_requested = pyqtSignal()
    shown = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Build it empty."""
        super().__init__(parent)
        self.setObjectName("EarthprintDevice")
        self.introduction = QLabel(self.tr(
            "Encoders run on the processor, or on an NVIDIA graphics card where CUDA passes a trial. The trial runs a "
            "small graph in a process of its own, so that a broken driver harms nothing."), self)
        self.introduction.setWordWrap(True)
        self.facts = QFormLayout()
        self.facts.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self.facts.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.result = self._label("device_result")
        self.result.setVisible(False)
        self.progress = QProgressBar(self)
        self.progress.setObjectName("device_progress")
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(self.tr("The trial runs"))
        self.trial = self._button("try_device", self.tr("&Run the trial"), self.trial_requested.emit)
        self.cancel = self._button("cancel_device", self.tr("&Cancel"), self.cancel_requested.emit)
        self._lay_out()
        self.set_busy(False)

    def show_facts(self, facts: Sequence[Tuple[str, str]]) -> None:
        """Show what was found: names and values."""
        while self.facts.rowCount():
            self.facts.removeRow(0)
        for number, (name, value) in enumerate(facts):
            label = self._label("device_fact_{}".format(number))
            label.setText(value)
            self.facts.addRow(name, label)

    def shown_facts(self) -> Sequence[Tuple[str, str]]:
        """Return what is shown, for tests and reports."""
        role = QFormLayout.ItemRole
        return [(self.facts.itemAt(row, role.LabelRole).widget().text(),
                 self.facts.itemAt(row, role.FieldRole).widget().text()) for row in range(self.facts.rowCount())]

    def show_result(self, text: str) -> None:
        """Say what the trial came to."""
        self.result.setText(text)
        self.result.setVisible(bool(text))

    def set_busy(self, busy: bool) -> None:
        """Show that the trial runs, or is over; focus never stays on a button that is gone."""
        had_focus = self.trial.hasFocus() or self.cancel.hasFocus()
        self.progress.setVisible(busy)
        self.cancel.setVisible(busy)
        self.trial.setEnabled(not busy)
        if had_focus:
            (self.cancel if busy else self.trial).setFocus(Qt.FocusReason.OtherFocusReason)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  (the name is Qt's)
        """Let the controller look again whenever the page comes up."""
        super().showEvent(event)
        self.shown.emit()

    def _label(self, name: str) -> QLabel:
        """Make a label for sentences that can be selected."""
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

    def _lay_out(self) -> None:
        """Arrange everything from the top down."""
        bar = QHBoxLayout()
        bar.addWidget(self.trial)
        bar.addWidget(self.progress, 1)
        bar.addWidget(self.cancel)
        bar.addStretch(0)
        layout = QVBoxLayout(self)
        layout.addWidget(self.introduction)
        layout.addLayout(self.facts)
        layout.addLayout(bar)
        layout.addWidget(self.result)
        layout.addStretch(1)
