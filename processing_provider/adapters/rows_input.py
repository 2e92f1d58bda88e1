"""Layers of any kind as the engine's rows: plain GeoPackages by the engine's own fast way, all others through QGIS."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext, QgsProcessingFeatureSource

from ...engine.table import CHUNK_ROWS, RowChunk, Rows, open_rows
from .feature_order import Walk, as_given, walk_of
from .features import FeatureRows, plain_geopackage, resolve_features


class SourceRows:
    """The rows of a feature source."""

    def __init__(self, source: QgsProcessingFeatureSource, name: str, walk: Walk = as_given) -> None:
        """Describe the source; nothing is read yet."""
        self._rows = FeatureRows(source, name, walk=walk)
        self.name = self._rows.name
        self.wkt = self._rows.wkt
        self.geometry_type = self._rows.geometry_type
        self.columns = self._rows.columns
        self.count = self._rows.count

    def rows(self, size: int = CHUNK_ROWS) -> Iterator[RowChunk]:
        """Yield the rows in the order of the walk through the source."""
        for ids, wkb, columns in self._rows.rows(size):
            yield RowChunk(ids, wkb, columns)

    def distinct(self, column: str) -> List[Any]:
        """Return the different values of a column; what is shown counts, be it filtered, selected or edited."""
        return list(dict.fromkeys(value for chunk in self.rows() for value in chunk.columns[column]))


def rows_input(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]", name: str,
               context: QgsProcessingContext) -> Callable[[], Rows]:
    """Return how to open the rows of a parameter: call it where the work is done, not where layers are."""
    path = plain_geopackage(algorithm, parameters, name, context)
    if path:
        return lambda: open_rows(path)
    rows = SourceRows(resolve_features(algorithm, parameters, name, context), name, walk_of(parameters.get(name)))
    return lambda: rows
