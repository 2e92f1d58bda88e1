"""Draws models as the graphical modeler does: inputs on the left, steps from left to right, results below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Tuple, Union

from qgis.core import (
    QgsApplication,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterDefinition,
)
from qgis.PyQt.QtCore import QPointF

GROUP = "Earthprint"
_COLUMN, _ROW = 260.0, 110.0


@dataclass(frozen=True)
class Asked:
    """A value that the user of the model gives."""

    name: str


@dataclass(frozen=True)
class Made:
    """What an earlier step made."""

    step: str
    output: str


Value = Union[Asked, Made, str, int, float, bool, Tuple[Asked, ...]]


class Drawing:
    """A model that grows step by step."""

    def __init__(self, file_name: str, title: str, description: str) -> None:
        """Begin with a title and what the model does."""
        self.file_name = file_name
        self._model = QgsProcessingModelAlgorithm(title, GROUP)
        self._help: Dict[str, Any] = {"ALG_DESC": description, "ALG_CREATOR": "Earthprint"}
        self._inputs = 0
        self._steps = 0
        self._order: "list[str]" = []

    def ask(self, parameter: QgsProcessingParameterDefinition, help_text: str) -> Asked:
        """Add an input."""
        name = parameter.name()
        placed = QgsProcessingModelParameter(name)
        placed.setPosition(QPointF(_COLUMN * (self._inputs + 0.5), _ROW * 0.5))
        self._inputs += 1
        self._model.addModelParameter(parameter, placed)
        self._help[name] = help_text
        self._order.append(name)
        return Asked(name)

    def step(self, name: str, algorithm: str, title: str, **values: Value) -> str:
        """Add a step; its values are fixed, asked for, or made by earlier steps."""
        child = QgsProcessingModelChildAlgorithm(algorithm)
        child.setChildId(name)
        child.setDescription(title)
        child.setPosition(QPointF(_COLUMN * (self._steps + 0.5), _ROW * 2))
        self._steps += 1
        for parameter, value in {**_defaults(algorithm), **values}.items():
            parts = value if isinstance(value, tuple) else (value,)
            child.addParameterSources(parameter, [_source(part) for part in parts])
        self._model.addChildAlgorithm(child)
        return name

    def give(self, step: str, output: str, name: str, help_text: str) -> None:
        """Make what a step made a result of the model."""
        result = QgsProcessingModelOutput(name, name)
        result.setChildId(step)
        result.setChildOutputName(output)
        child = self._model.childAlgorithm(step)
        outputs = child.modelOutputs()
        result.setPosition(child.position() + QPointF(0.0, _ROW * (1 + len(outputs))))
        child.setModelOutputs(dict(outputs, **{name: result}))
        self._model.setChildAlgorithm(child)
        self._help[f"{step}:{name}"] = help_text

    def finished(self) -> QgsProcessingModelAlgorithm:
        """Return the model."""
        self._model.setParameterOrder(self._order)
        self._model.setHelpContent(self._help)
        self._model.updateDestinationParameters()
        return self._model


def _defaults(algorithm: str) -> "Dict[str, Value]":
    """Return what a step is told where nothing else is said, since a model must spell out all that isn't optional."""
    definition = QgsApplication.processingRegistry().algorithmById(algorithm)
    optional = QgsProcessingParameterDefinition.Flag.FlagOptional
    return {parameter.name(): parameter.defaultValue() for parameter in definition.parameterDefinitions()
            if not parameter.isDestination() and not parameter.flags() & optional
            and parameter.defaultValue() is not None}


def _source(value: Any) -> QgsProcessingModelChildParameterSource:
    """Return where a value comes from."""
    if isinstance(value, Asked):
        return QgsProcessingModelChildParameterSource.fromModelParameter(value.name)
    if isinstance(value, Made):
        return QgsProcessingModelChildParameterSource.fromChildOutput(value.step, value.output)
    return QgsProcessingModelChildParameterSource.fromStaticValue(value)
