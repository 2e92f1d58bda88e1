"""The dialog offers suggestions and keeps what isn't among them; the modeler keeps its own control."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest
from qgis.core import QgsProcessingContext
from qgis.PyQt.QtWidgets import QComboBox, QToolButton
from ramps import mean_encoder

from earthprint.processing_provider.parameters.suggested_text import suggested_text


@pytest.fixture
def wrapper(qgis_app: Any, qgis_processing: Any) -> Any:
    """Return the dialog's wrapper, made as the dialog makes it."""
    from processing.gui.wrappers import WidgetWrapperFactory

    parameter = suggested_text("ENCODER", "Encoder", "automatic", ("automatic", "my-encoder"), "Encoders (*.onnx)")
    return WidgetWrapperFactory.create_wrapper(parameter, QComboBox()), parameter


def test_a_path_that_is_not_listed_stays_as_it_is(wrapper: Any) -> None:
    control, parameter = wrapper
    widget = control.createWrappedWidget(QgsProcessingContext())
    texts = widget.findChild(QComboBox, "texts")
    assert [texts.itemText(index) for index in range(texts.count())] == ["automatic", "my-encoder"]
    assert texts.isEditable() and widget.findChild(QToolButton, "pick") is not None
    assert control.parameterValue() == "automatic"
    control.setParameterValue("/data/other.onnx", QgsProcessingContext())
    assert control.parameterValue() == "/data/other.onnx"
    texts.setEditText(" my-encoder ")
    assert control.parameterValue() == "my-encoder"
    assert parameter.checkValueIsAcceptable("/data/other.onnx")


def test_a_change_is_announced(wrapper: Any) -> None:
    control, _ = wrapper
    widget = control.createWrappedWidget(QgsProcessingContext())
    heard = []
    control.widgetValueHasChanged.connect(lambda who: heard.append(who.parameterValue()))
    widget.findChild(QComboBox, "texts").setEditText("x")
    assert heard[-1] == "x"


def test_the_modeler_gets_qgis_own_control(qgis_app: Any, qgis_processing: Any, provider: Any) -> None:
    from processing.gui.wrappers import WidgetWrapperFactory
    from qgis.core import QgsProcessingModelAlgorithm
    from qgis.gui import QgsProcessingModelerParameterWidget

    class ModelerParametersDialog:
        """Stands for the modeler's dialog, which QGIS's factory recognises by this name."""

        def __init__(self) -> None:
            self.model = QgsProcessingModelAlgorithm()
            self.childId = ""
            self.context = QgsProcessingContext()

    dialog = ModelerParametersDialog()
    parameter = provider.algorithm("embedraster").parameterDefinition("ENCODER")
    kept: Dict[str, Any] = {"widget": WidgetWrapperFactory.create_wrapper(parameter, dialog)}
    assert isinstance(kept["widget"], QgsProcessingModelerParameterWidget)


def test_encoders_are_suggested_by_the_id_that_finds_them(encoders_folder: Path) -> None:
    from earthprint.engine.encoders.library import find_encoder
    from earthprint.processing_provider.encoder_folders import encoder_folders
    from earthprint.processing_provider.parameters.encoder import found_encoders, found_templates

    card = mean_encoder(encoders_folder, 8, name="suggested-mean")
    renamed = encoders_folder / "another-file-name.json"
    renamed.write_bytes(card.path.read_bytes())
    card.path.unlink()
    (encoders_folder / "notes.json").write_text('{"id": "no card"}', encoding="utf-8")
    found = found_encoders()
    assert "suggested-mean" in found and "another-file-name" not in found and "no card" not in found
    assert find_encoder("suggested-mean", encoder_folders()).checksum == card.checksum
    assert "prithvi-eo-2.0-300m" in found_templates()
