"""The dialog's control for a text with suggestions: an editable list and a button to pick a file."""

from __future__ import annotations

from typing import Any, Sequence

from qgis.core import QgsProcessingContext, QgsProcessingParameterDefinition
from qgis.gui import QgsAbstractProcessingParameterWidgetWrapper, QgsGui, QgsProcessingGui
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QToolButton, QWidget


class SuggestedTextControl(QWidget):
    """An editable list of suggestions beside an optional button that picks a file."""

    def __init__(self, suggestions: Sequence[str], file_filter: str) -> None:
        """Build the control."""
        super().__init__()
        self._filter = file_filter
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.texts = QComboBox()
        self.texts.setObjectName("texts")
        self.texts.setEditable(True)
        self.texts.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.texts.addItems(list(suggestions))
        layout.addWidget(self.texts, 1)
        if file_filter:
            button = QToolButton()
            button.setObjectName("pick")
            button.setText("…")
            button.setToolTip(QCoreApplication.translate("EarthprintParameters", "Choose a file"))
            button.clicked.connect(self._pick)
            layout.addWidget(button)

    def text(self) -> str:
        """Return what stands in the control."""
        return self.texts.currentText().strip()

    def set_text(self, text: str) -> None:
        """Show a text, listed or not."""
        self.texts.setEditText(text)

    def _pick(self) -> None:
        """Let the user choose a file."""
        path, _ = QFileDialog.getOpenFileName(self, "", "", self._filter)
        if path:
            self.set_text(path)


class SuggestedTextWidget(QgsAbstractProcessingParameterWidgetWrapper):
    """Shows the control in algorithm and batch dialogs; the modeler gets QGIS's own, which offers model inputs too."""

    def __new__(cls, parameter: QgsProcessingParameterDefinition, dialog: Any, row: int = 0, column: int = 0,
                **options: Any) -> Any:
        """Step aside in the modeler."""
        if type(dialog).__name__ == "ModelerParametersDialog":
            return QgsGui.processingGuiRegistry().createModelerParameterWidget(
                dialog.model, dialog.childId, parameter, dialog.context)
        return super().__new__(cls)

    def __init__(self, parameter: QgsProcessingParameterDefinition, dialog: Any, row: int = 0, column: int = 0,
                 suggestions: Sequence[str] = (), file_filter: str = "") -> None:
        """Keep what the parameter's metadata says."""
        kinds = QgsProcessingGui.WidgetType
        super().__init__(parameter, kinds.Batch if type(dialog).__name__ == "BatchAlgorithmDialog" else kinds.Standard)
        self._suggestions = list(suggestions)
        self._file_filter = file_filter

    def createWidget(self) -> QWidget:  # noqa: N802  (this name and those below are QGIS's)
        """Return a new control."""
        self._control = SuggestedTextControl(self._suggestions, self._file_filter)
        self._control.setToolTip(self.parameterDefinition().toolTip())
        self._control.texts.editTextChanged.connect(lambda _: self.widgetValueHasChanged.emit(self))
        return self._control

    def setWidgetValue(self, value: Any, context: QgsProcessingContext) -> None:  # noqa: N802
        """Show a value."""
        self._control.set_text("" if value is None else str(value))

    def widgetValue(self) -> str:  # noqa: N802
        """Return the value shown."""
        return self._control.text()
