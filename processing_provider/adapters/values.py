"""What is wrong with a parameter's value, in words: QGIS itself only says that it is incorrect."""

from __future__ import annotations

import os
from typing import Any, Iterable, List, Sequence

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFile,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingUtils,
)
from qgis.PyQt.QtCore import QCoreApplication

from .raster import unreadable_raster

_VECTORS = ("source", "vector")
_VECTOR_TYPES = (QgsProcessing.SourceType.TypeVector, QgsProcessing.SourceType.TypeVectorAnyGeometry,
                 QgsProcessing.SourceType.TypeVectorPoint, QgsProcessing.SourceType.TypeVectorLine,
                 QgsProcessing.SourceType.TypeVectorPolygon)
_UNLIMITED = 1e300
_SEVERAL = "earthprint_several"


def allow_several(definition: QgsProcessingParameterFile) -> None:
    """Let a file parameter take several paths, separated by semicolons."""
    definition.setMetadata({_SEVERAL: True})


def value_problem(definition: QgsProcessingParameterDefinition, value: Any, context: QgsProcessingContext) -> str:
    """Return a sentence that names the parameter, its value and what to give instead; empty where nothing is wrong."""
    if value is None or value == "":
        return ""
    if isinstance(definition, QgsProcessingParameterEnum):
        return _choice_problem(definition, value)
    if isinstance(definition, QgsProcessingParameterNumber):
        return _number_problem(definition, value)
    if isinstance(definition, QgsProcessingParameterExtent):
        return _extent_problem(definition, value, context)
    if isinstance(definition, QgsProcessingParameterFile):
        return _file_problem(definition, value)
    if definition.type() == "raster" or _takes(definition, (QgsProcessing.SourceType.TypeRaster,)):
        return _raster_problem(definition, value, context)
    if definition.type() in _VECTORS or _takes(definition, _VECTOR_TYPES):
        return _vector_problem(definition, value, context)
    return _layer_problem(definition, value, context) if definition.type() == "layer" else ""


def _choice_problem(definition: QgsProcessingParameterEnum, value: Any) -> str:
    """Name the words that may be chosen."""
    if not isinstance(value, str) or not definition.usesStaticStrings() or value in definition.options():
        return ""
    return _tr("{name}: “{value}” is not one of {options}.").format(
        name=definition.name(), value=value, options=", ".join(definition.options()))


def _number_problem(definition: QgsProcessingParameterNumber, value: Any) -> str:
    """Name the limits."""
    if not isinstance(value, (str, int, float)):
        return ""
    try:
        number = float(value)
    except ValueError:
        return _tr("{name}: “{value}” is not a number.").format(name=definition.name(), value=value)
    low, high = definition.minimum(), definition.maximum()
    if low <= number <= high:
        return ""
    limits = _tr("at least {low:g}").format(low=low) if high >= _UNLIMITED else _tr(
        "between {low:g} and {high:g}").format(low=low, high=high)
    return _tr("{name}: {value} is out of range: give a number {limits}.").format(
        name=definition.name(), value=value, limits=limits)


def _extent_problem(definition: QgsProcessingParameterExtent, value: Any, context: QgsProcessingContext) -> str:
    """Say how an extent is written."""
    if not isinstance(value, str) or definition.checkValueIsAcceptable(value, context):
        return ""
    return _tr("{name}: “{value}” is neither an extent nor a layer: write xmin,xmax,ymin,ymax in the raster's "
               "coordinates, with [EPSG:…] after them where they are in others.").format(
        name=definition.name(), value=value)


def _file_problem(definition: QgsProcessingParameterFile, value: Any) -> str:
    """Say that a file or folder isn't there."""
    if not isinstance(value, str) or os.path.exists(value):
        return ""
    several = bool((definition.metadata() or {}).get(_SEVERAL))
    paths = [path.strip() for path in value.split(";") if path.strip()] if several else [value]
    missing = next((path for path in paths or [value] if not os.path.exists(path)), "")
    if not missing:
        return ""
    return _tr("{name}: there is no file or folder “{value}”: check the path.").format(
        name=definition.name(), value=missing)


def _raster_problem(definition: QgsProcessingParameterDefinition, value: Any, context: QgsProcessingContext) -> str:
    """Say why a text names no raster layer."""
    for text in _texts(value):
        layer = QgsProcessingUtils.mapLayerFromString(text, context, True, QgsProcessingUtils.LayerHint.Raster)
        if layer is None or not layer.isValid():
            return str(unreadable_raster(text, definition.name(), context))
    return ""


def _vector_problem(definition: QgsProcessingParameterDefinition, value: Any, context: QgsProcessingContext) -> str:
    """Say why a text names no vector layer."""
    if isinstance(value, QgsProcessingFeatureSourceDefinition):
        value = value.source.staticValue()
    for text in _texts(value):
        layer = QgsProcessingUtils.mapLayerFromString(text, context, True, QgsProcessingUtils.LayerHint.Vector)
        if layer is None or not layer.isValid():
            path = text.split("|")[0]
            template = _tr("{name}: “{path}” can't be read as a vector layer.") if os.path.exists(path) else _tr(
                "{name}: there is no file or layer “{path}”: check the path.")
            return template.format(name=definition.name(), path=path)
    return ""


def _layer_problem(definition: QgsProcessingParameterDefinition, value: Any, context: QgsProcessingContext) -> str:
    """Say why a text names no layer of any kind."""
    for text in _texts(value):
        layer = QgsProcessingUtils.mapLayerFromString(text, context)
        if layer is None or not layer.isValid():
            path = text.split("|")[0]
            template = _tr("{name}: “{path}” can be read neither as a raster nor as a vector layer.") if (
                os.path.exists(path)) else _tr("{name}: there is no file or layer “{path}”: check the path.")
            return template.format(name=definition.name(), path=path)
    return ""


def _takes(definition: QgsProcessingParameterDefinition, kinds: Sequence[Any]) -> bool:
    """Tell whether a parameter takes a list of layers of one of these kinds."""
    return isinstance(definition, QgsProcessingParameterMultipleLayers) and definition.layerType() in kinds


def _texts(value: Any) -> Iterable[str]:
    """Return the texts in a value that is one or a list; layers need no check."""
    values: List[Any] = list(value) if isinstance(value, (list, tuple)) else [value]
    return [item for item in values if isinstance(item, str) and item]


def _tr(text: str) -> str:
    """Translate a literal."""
    return QCoreApplication.translate("EarthprintValues", text)
