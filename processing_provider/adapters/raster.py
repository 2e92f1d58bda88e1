"""A raster layer as a dataset that GDAL opens: file rasters by their path, all others exported first."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field
from typing import Any, List, Optional, Tuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingUtils,
    QgsRasterBlockFeedback,
    QgsRasterDataProvider,
    QgsRasterFileWriter,
    QgsRasterInterface,
    QgsRasterLayer,
    QgsRasterPipe,
    QgsRectangle,
)
from qgis.PyQt.QtCore import Qt

from ...engine.errors import Cancelled, InputError
from .feedback import FeedbackProgress

_OPTIONS = re.compile(r"\|(option|credential|authcfg)[:=]")
_LARGEST_SIDE = 2_000_000


@dataclass
class RasterInput:
    """A resolved raster layer: what is needed of it later, when layers may not be touched any more."""

    parameter: str
    name: str
    crs: QgsCoordinateReferenceSystem
    path: str = ""
    provider: Optional[QgsRasterDataProvider] = None
    pixel: Tuple[float, float] = (0.0, 0.0)
    extent: QgsRectangle = field(default_factory=QgsRectangle)
    own_grid: bool = False
    notes: List[str] = field(default_factory=list)

    @property
    def needs_export(self) -> bool:
        """Tell whether GDAL can't open this layer by itself."""
        return not self.path

    def dataset(self, progress: FeedbackProgress) -> str:
        """Return the path to hand to the engine, exporting the layer where needed."""
        for note in self.notes:
            progress.warn(note)
        if self.path:
            return self.path
        path = QgsProcessingUtils.generateTempFilename("earthprint_export.tif")
        progress.info("{}: {} is read through QGIS into a temporary GeoTIFF first.".format(self.parameter, self.name))
        _export(self, path, progress)
        self.path = path
        return path


def resolve_raster(algorithm: QgsProcessingAlgorithm, parameters: "dict[str, Any]", name: str,
                   context: QgsProcessingContext, extent: Optional[QgsRectangle] = None,
                   pixel_size: float = 0.0) -> RasterInput:
    """Return the layer of a parameter; `extent` (in the layer's CRS) and `pixel_size` are for layers without pixels."""
    layer = raster_layer(algorithm, parameters, name, context)
    if layer is None:
        raise unreadable_raster(parameters.get(name), name, context)
    return raster_input(layer, name, extent, pixel_size)


def raster_layer(algorithm: QgsProcessingAlgorithm, parameters: "dict[str, Any]", name: str,
                 context: QgsProcessingContext) -> Optional[QgsRasterLayer]:
    """Return the layer of a parameter, or None where there is no raster."""
    layer = algorithm.parameterAsRasterLayer(parameters, name, context)
    return layer if layer is not None and layer.isValid() else None


def resolve_rasters(algorithm: QgsProcessingAlgorithm, parameters: "dict[str, Any]", name: str,
                    context: QgsProcessingContext) -> List[RasterInput]:
    """Return all layers of a parameter that takes several."""
    values = parameters.get(name)
    if values in (None, "", []):
        return []
    found = []
    for value in values if isinstance(values, (list, tuple)) else [values]:
        layer = value if isinstance(value, QgsRasterLayer) else QgsProcessingUtils.mapLayerFromString(
            str(value), context, True, QgsProcessingUtils.LayerHint.Raster)
        if not isinstance(layer, QgsRasterLayer) or not layer.isValid():
            raise unreadable_raster(value, name, context)
        found.append(raster_input(layer, name, None, 0.0))
    return found


def raster_input(layer: QgsRasterLayer, parameter: str, extent: Optional[QgsRectangle],
                 pixel_size: float) -> RasterInput:
    """Take from a layer what is needed later; its provider is cloned, since the clone may go to another thread."""
    provider = layer.dataProvider()
    found = RasterInput(parameter, layer.name(), layer.crs())
    if provider.name() == "gdal" and not _OPTIONS.search(layer.source()):
        found.path = _absolute(layer.source())
        if provider.crs().isValid() and provider.crs() != layer.crs():
            found.notes.append(
                "{}: the CRS of layer “{}” was changed in QGIS to {}, but its file says {}; the result bears the "
                "file's. Use “Assign projection” to change the file.".format(
                    parameter, layer.name(), layer.crs().authid() or layer.crs().description(),
                    provider.crs().authid() or provider.crs().description()))
        if any(provider.userNoDataValues(band) for band in range(1, provider.bandCount() + 1)):
            found.notes.append(
                "{}: the further nodata values that were set for layer “{}” in QGIS are not in its file and count as "
                "data here. Use “Translate” to write a nodata value into the file.".format(parameter, layer.name()))
        return found
    found.provider = provider.clone()
    found.own_grid = bool(provider.capabilities() & QgsRasterInterface.Capability.Size) and provider.xSize() > 0
    if found.own_grid:
        found.extent = provider.extent()
        found.pixel = (found.extent.width() / provider.xSize(), found.extent.height() / provider.ySize())
        return found
    if extent is None or extent.isEmpty() or pixel_size <= 0:
        missing = "EXTENT" if pixel_size > 0 else "PIXEL_SIZE" if extent is not None else "EXTENT and PIXEL_SIZE"
        raise InputError(
            "raster-web", "{parameter}: the layer “{name}” comes from a service without pixels of its own: state "
            "{missing} (pixel size in the units of {crs}).", parameter=parameter, name=layer.name(), missing=missing,
            crs=layer.crs().authid() or "its CRS")
    found.extent, found.pixel = extent, (pixel_size, pixel_size)
    return found


def _export(source: RasterInput, path: str, progress: FeedbackProgress) -> None:
    """Write the provider's pixels block by block into a GeoTIFF of whole pixels from the extent's upper left."""
    width, height = source.pixel
    columns = max(1, math.ceil(source.extent.width() / width - 1e-6))
    rows = max(1, math.ceil(source.extent.height() / height - 1e-6))
    if max(columns, rows) > _LARGEST_SIDE:
        raise InputError("raster-export-size", "{parameter}: {columns} × {rows} pixels of the layer “{name}” are too "
                         "many: raise PIXEL_SIZE or shrink EXTENT.", parameter=source.parameter, columns=columns,
                         rows=rows, name=source.name)
    left, top = source.extent.xMinimum(), source.extent.yMaximum()
    extent = QgsRectangle(left, top - rows * height, left + columns * width, top)
    pipe = QgsRasterPipe()
    pipe.set(source.provider)
    source.provider = None
    writer = QgsRasterFileWriter(path)
    writer.setOutputProviderKey("gdal")
    writer.setOutputFormat("GTiff")
    writer.setCreateOptions(["TILED=YES", "COMPRESS=DEFLATE", "BIGTIFF=IF_SAFER"])
    feedback = QgsRasterBlockFeedback()
    asked = progress.feedback
    asked.canceled.connect(feedback.cancel, Qt.ConnectionType.DirectConnection)
    text = "Reading {}".format(source.name)
    feedback.progressChanged.connect(lambda percent: progress.report(0.05 * percent / 100.0, text))
    try:
        status = writer.writeRaster(pipe, columns, rows, extent, source.crs, QgsCoordinateTransformContext(), feedback)
    finally:
        asked.canceled.disconnect(feedback.cancel)
    if progress.cancelled():
        _remove(path)
        raise Cancelled()
    if status != QgsRasterFileWriter.WriterError.NoError or not os.path.exists(path):
        _remove(path)
        raise InputError("raster-export", "{parameter}: the layer “{name}” could not be read{reason}: check the "
                         "connection, or save the layer as a GeoTIFF and use that.", parameter=source.parameter,
                         name=source.name, reason=_reason(feedback))
    if feedback.errors():
        progress.warn("{}: some parts of “{}” could not be read{}.".format(
            source.parameter, source.name, _reason(feedback)))


def _reason(feedback: QgsRasterBlockFeedback) -> str:
    """Return what the provider said, in brackets."""
    errors = [str(error).strip() for error in feedback.errors() if str(error).strip()]
    return " ({})".format(errors[0]) if errors else ""


def _remove(path: str) -> None:
    """Remove an export that is of no use."""
    if os.path.exists(path):
        os.remove(path)


def _absolute(source: str) -> str:
    """Return the path of a plain file in full, so that it means the same later; other GDAL names stay as they are."""
    return os.path.abspath(source) if os.path.exists(source) else source


def unreadable_raster(value: Any, parameter: str, context: QgsProcessingContext) -> InputError:
    """Say what is wrong with a value that gave no raster layer."""
    text = _as_text(value)
    if not text:
        return InputError("raster-none", "{parameter}: no raster was given.", parameter=parameter)
    path = text.split("|")[0]
    looks_like_file = not re.match(r"^[A-Za-z0-9_]+:(?![\\/])|^/vsi", path)
    if looks_like_file and not os.path.exists(path):
        return InputError("raster-missing", "{parameter}: there is no file or layer “{path}”: check the path.",
                          parameter=parameter, path=path)
    if os.path.isdir(path):
        return InputError("raster-folder", "{parameter}: “{path}” is a folder: name a raster file in it.",
                          parameter=parameter, path=path)
    layer = QgsProcessingUtils.mapLayerFromString(text, context)
    if layer is not None and not isinstance(layer, QgsRasterLayer):
        return InputError("raster-vector", "{parameter}: “{path}” is not a raster but a {kind} layer.",
                          parameter=parameter, path=path, kind=_kind(layer))
    return InputError("raster-unreadable", "{parameter}: “{path}” can't be read as a raster: the file is damaged or of "
                      "a kind that GDAL doesn't know.", parameter=parameter, path=path)


def _as_text(value: Any) -> str:
    """Return a parameter's value as the user wrote it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    source = getattr(value, "source", None)
    if callable(source):
        return str(source())
    static = getattr(value, "staticValue", None)
    return str(static() or "") if callable(static) else str(value)


def _kind(layer: Any) -> str:
    """Return a word for a layer that is not a raster."""
    name = type(layer).__name__
    return {"QgsVectorLayer": "vector", "QgsMeshLayer": "mesh", "QgsPointCloudLayer": "point cloud"}.get(name, "other")
