"""What may colour the points of the plane: columns of the table, and rasters of the project such as clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple, Union

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsMapLayer,
    QgsPalettedRasterRenderer,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)

from ...engine.errors import EarthprintError
from ...engine.inspecting.colouring import KnownClass
from ...engine.table.parts import EMBEDDING, EMBEDDING_SPACE
from ...processing_provider.adapters.layer_vectors import LayerVectors
from ...processing_provider.adapters.raster import raster_input
from .scatter_work import ColumnColour, RasterColour

MOST_BANDS = 8
_COLUMN, _RASTER = "column", "raster"


@dataclass(frozen=True)
class Offer:
    """One choice: a key that stands for it, and its name."""

    key: str
    name: str


def offers(layer: Optional[QgsMapLayer]) -> List[Offer]:
    """Return what may colour the points of a layer, columns before rasters."""
    found: List[Offer] = []
    if isinstance(layer, QgsVectorLayer):
        hidden = (EMBEDDING, EMBEDDING_SPACE)
        found += [Offer(f"{_COLUMN}|{field.name()}", field.name()) for field in layer.fields()
                  if field.name() not in hidden and "binary" not in field.typeName().lower()]
    rasters = [other for other in QgsProject.instance().mapLayers().values()
               if isinstance(other, QgsRasterLayer) and other is not layer and other.isValid()
               and other.bandCount() <= MOST_BANDS and other.dataProvider().name() == "gdal"]
    for raster in sorted(rasters, key=lambda one: one.name().lower()):
        for band in range(1, raster.bandCount() + 1):
            name = raster.name() if raster.bandCount() == 1 else "{}: {}".format(raster.name(), raster.bandName(band))
            found.append(Offer(f"{_RASTER}|{raster.id()}|{band}", name))
    return found


def source_of(key: str, layer: Optional[QgsMapLayer]) -> Optional[Union[RasterColour, ColumnColour]]:
    """Return what a task needs to colour by a choice, None where that has gone; this is for the main thread."""
    kind, _, rest = key.partition("|")
    if kind == _COLUMN and isinstance(layer, QgsVectorLayer):
        index = layer.fields().indexFromName(rest)
        return ColumnColour(LayerVectors(layer), index, _column_legend(layer, rest)) if index >= 0 else None
    layer_id, _, band = rest.rpartition("|")
    raster = QgsProject.instance().mapLayer(layer_id)
    if kind != _RASTER or not isinstance(raster, QgsRasterLayer):
        return None
    try:
        path = raster_input(raster, raster.name(), None, 0.0).path
    except EarthprintError:
        return None
    return RasterColour(path, int(band), _raster_legend(raster, int(band))) if path else None


def _raster_legend(layer: QgsRasterLayer, band: int) -> Dict[str, KnownClass]:
    """Return the classes of a raster as the map shows them."""
    renderer = layer.renderer()
    if not isinstance(renderer, QgsPalettedRasterRenderer) or renderer.band() != band:
        return {}
    return dict(_entry(entry.value, entry.label, entry.color.name()) for entry in renderer.classes())


def _column_legend(layer: QgsVectorLayer, column: str) -> Dict[str, KnownClass]:
    """Return the classes of a column as the map shows them."""
    renderer = layer.renderer()
    if not isinstance(renderer, QgsCategorizedSymbolRenderer) or renderer.classAttribute().strip('"') != column:
        return {}
    return dict(_entry(category.value(), category.label(), category.symbol().color().name())
                for category in renderer.categories() if category.symbol() is not None)


def _entry(value: object, label: str, colour: str) -> Tuple[str, KnownClass]:
    """Return a class by the text of its value; whole numbers have no point."""
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return text, KnownClass(label, colour)
