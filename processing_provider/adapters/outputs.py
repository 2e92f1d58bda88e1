"""Where results are to be written, as the engine takes it."""

from __future__ import annotations

import os
import re
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterVectorDestination,
    QgsProcessingUtils,
    QgsProviderRegistry,
)
from qgis.PyQt.QtCore import QCoreApplication

RASTER_ENDINGS = (".tif", ".tiff")
TABLE_ENDINGS = (".gpkg",)
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
        if os.path.splitext(text)[1].lower() in RASTER_ENDINGS:
            return ""
        return _tr("{name}: an embedding raster is written as GeoTIFF, so “{path}” must end in .tif.").format(
            name=definition.name(), path=text)
    if isinstance(definition, QgsProcessingParameterVectorDestination):
        path = table_destination(text).split("|layername=")[0]
        if os.path.splitext(path)[1].lower() in TABLE_ENDINGS and not _DATABASE.match(text):
            return ""
        return _tr("{name}: an embedding table is written as GeoPackage, so “{path}” must end in .gpkg "
                   "(“Export embeddings” and “Save features as…” make other formats of it).").format(
            name=definition.name(), path=text)
    return ""


def table_destination(output: str) -> str:
    """Return `path.gpkg` or `path.gpkg|layername=name` for what Processing calls `ogr:dbname=… table=…`."""
    if not output.startswith("ogr:"):
        return output
    parts = QgsProviderRegistry.instance().decodeUri("ogr", output[len("ogr:"):])
    path, layer = parts.get("path") or "", parts.get("layerName") or ""
    if not path:
        database = re.search(r"dbname='([^']+)'", output)
        table = re.search(r'table="([^"]+)"', output)
        path, layer = (database.group(1) if database else output), (table.group(1) if table else "")
    return "{}|layername={}".format(path, layer) if layer else path


def is_temporary(path: str) -> bool:
    """Tell whether an output lies in QGIS's temporary folder, where nothing outlives the session."""
    folder = os.path.normcase(os.path.realpath(QgsProcessingUtils.tempFolder()))
    target = os.path.normcase(os.path.realpath(path.split("|layername=")[0]))
    return target.startswith(folder.rstrip(os.sep) + os.sep)


def _tr(text: str) -> str:
    """Translate a literal."""
    return QCoreApplication.translate("EarthprintOutputs", text)
