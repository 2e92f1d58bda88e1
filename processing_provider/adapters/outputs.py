"""Where results are to be written, as the engine takes it."""

from __future__ import annotations

import os
import re
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterVectorDestination,
    QgsProcessingUtils,
)
from qgis.PyQt.QtCore import QCoreApplication

from ...engine.errors import OutputError
from ...engine.table.location import parse_destination

RASTER_ENDINGS = (".tif", ".tiff")
VIRTUAL_ENDING = ".vrt"
_VIRTUAL = "earthprint_virtual"
_DATABASE = re.compile(r"^(postgres|spatialite|mssql|hana|oracle|memory):", re.IGNORECASE)


def destination_text(value: Any) -> str:
    """Return a destination as the user gave it: a path, a connection, TEMPORARY_OUTPUT, or nothing."""
    if isinstance(value, QgsProcessingOutputLayerDefinition):
        value = value.sink.staticValue()
    return value if isinstance(value, str) else ""


def destination_problem(definition: QgsProcessingParameterDefinition, value: Any) -> str:
    """Say in words which ending is needed; QGIS would append one of its own and write another file than asked."""
    text = destination_text(value)
    if not text or text == QgsProcessing.TEMPORARY_OUTPUT:
        return ""
    if isinstance(definition, QgsProcessingParameterRasterDestination):
        virtual = bool((definition.metadata() or {}).get(_VIRTUAL))
        if os.path.splitext(text)[1].lower() in RASTER_ENDINGS + ((VIRTUAL_ENDING,) if virtual else ()):
            return ""
        if virtual:
            return _tr("{name}: “{path}” must end in .vrt (in place) or .tif (a copy).").format(
                name=definition.name(), path=text)
        return _tr("{name}: a raster is written as GeoTIFF, so “{path}” must end in .tif.").format(
            name=definition.name(), path=text)
    if isinstance(definition, QgsProcessingParameterVectorDestination):
        if _is_geopackage(text):
            return ""
        return _tr("{name}: a table is written as GeoPackage, so “{path}” must end in .gpkg (“Save features as…” makes "
                   "other formats of it, “Export embeddings” of embeddings).").format(
            name=definition.name(), path=text)
    return ""


def allow_virtual(definition: QgsProcessingParameterRasterDestination) -> None:
    """Let an output be a virtual raster as well."""
    definition.setMetadata({_VIRTUAL: True})


def without_ending(path: str) -> str:
    """Return a path whose ending is left to whoever writes the file."""
    return os.path.splitext(path)[0]


def written_elsewhere(context: QgsProcessingContext, named: str, path: str) -> None:
    """Let QGIS load a result from where it was written, where that is not what QGIS named."""
    layers = dict(context.layersToLoadOnCompletion())
    if named != path and named in layers:
        layers[path] = layers.pop(named)
        context.setLayersToLoadOnCompletion(layers)


def table_destination(output: str) -> str:
    """Return `path.gpkg` or `path.gpkg|layername=name` for what Processing calls `ogr:dbname=… table=…`."""
    target = parse_destination(output)
    return "{}|layername={}".format(target.path, target.layer) if target.inside else target.path


def _is_geopackage(text: str) -> bool:
    """Tell whether a table can be written there."""
    if _DATABASE.match(text):
        return False
    try:
        parse_destination(text)
    except OutputError:
        return False
    return True


def is_temporary(path: str) -> bool:
    """Tell whether an output lies in QGIS's temporary folder, where nothing outlives the session."""
    folder = os.path.normcase(os.path.realpath(QgsProcessingUtils.tempFolder()))
    target = os.path.normcase(os.path.realpath(path.split("|layername=")[0]))
    return target.startswith(folder.rstrip(os.sep) + os.sep)


def _tr(text: str) -> str:
    """Translate a literal."""
    return QCoreApplication.translate("EarthprintOutputs", text)
