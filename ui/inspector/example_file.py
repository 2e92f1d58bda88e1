"""The GeoPackage that labelled places are written into: made where it is missing, opened again where it is there."""

from __future__ import annotations

import os
import tempfile
from typing import Optional

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsField,
    QgsFields,
    QgsProject,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QVariant

from ...engine.errors import InputError

TABLE = "examples"
CLASS, COLOUR, X, Y = "class", "colour", "x", "y"
_FOLDER = "earthprint-examples-"


def open_examples(path: str, name: str) -> Optional[QgsVectorLayer]:
    """Return the layer of a file that is there, or None where it is no file of labelled places."""
    if not os.path.isfile(path):
        return None
    layer = QgsVectorLayer("{}|layername={}".format(path, TABLE), name, "ogr")
    return layer if is_examples(layer) else None


def make_examples(crs: QgsCoordinateReferenceSystem, name: str) -> QgsVectorLayer:
    """Return the layer of the file beside the project, new or as it was left; an unsaved project has it in temp."""
    folder, stem = QgsProject.instance().absolutePath(), QgsProject.instance().baseName()
    stem = "{}_examples".format(stem) if stem else "examples"
    if folder and os.access(folder, os.W_OK):
        path = os.path.join(folder, stem + ".gpkg")
        number = 1
        while os.path.exists(path):
            found = open_examples(path, name)
            if found is not None:
                return found
            number += 1
            path = os.path.join(folder, "{}_{}.gpkg".format(stem, number))
    else:
        path = os.path.join(tempfile.mkdtemp(prefix=_FOLDER), stem + ".gpkg")
    _write_empty(path, crs)
    layer = open_examples(path, name)
    if layer is None:
        raise InputError("examples-unreadable", "{path} was made but can't be opened: look at the folder's rights.",
                         path=path)
    return layer


def is_examples(layer: object) -> bool:
    """Tell whether a layer has the columns of labelled places, and places."""
    return (isinstance(layer, QgsVectorLayer) and layer.isValid()
            and layer.wkbType() == QgsWkbTypes.Type.Point
            and all(layer.fields().indexFromName(column) >= 0 for column in (CLASS, COLOUR, X, Y)))


def path_of(layer: QgsVectorLayer) -> str:
    """Return the file of a layer."""
    return layer.source().split("|")[0]


def is_temporary(path: str) -> bool:
    """Tell whether a file lies where `make_examples` writes for a project that has no folder."""
    return os.path.basename(os.path.dirname(path)).startswith(_FOLDER)


def _write_empty(path: str, crs: QgsCoordinateReferenceSystem) -> None:
    """Write a file without a row."""
    fields = QgsFields()
    for column, kind in ((CLASS, QVariant.Type.String), (COLOUR, QVariant.Type.String), (X, QVariant.Type.Double),
                         (Y, QVariant.Type.Double)):
        fields.append(QgsField(column, kind))
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    options.layerName = TABLE
    writer = QgsVectorFileWriter.create(path, fields, QgsWkbTypes.Type.Point, crs,
                                        QgsProject.instance().transformContext(), options)
    failed = writer.hasError() != QgsVectorFileWriter.WriterError.NoError
    why = writer.errorMessage()
    del writer
    if failed:
        raise InputError("examples-unwritable", "The examples can't be written to {path} ({why}): save the project "
                         "in a folder that you may write to.", path=path, why=why)
