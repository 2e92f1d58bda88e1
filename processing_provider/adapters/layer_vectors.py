"""The vectors of a table that is open as a layer, in a form that another thread may read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Iterator, List, Optional, Sequence, Tuple

import numpy as np
from qgis.core import (
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsPointXY,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorLayerFeatureSource,
)
from qgis.PyQt.QtCore import QByteArray

from ...engine.errors import Cancelled, InputError
from ...engine.space import only_key, parse_key
from ...engine.table.parts import EMBEDDING, EMBEDDING_SPACE
from ...engine.table.undeclared import undeclared_key
from ...engine.table.vectors import check_vectors

_KEYS_LOOKED_AT = 10_000
_AT_ONCE = 1_000


@dataclass(frozen=True)
class VectorsInView:
    """Rows of a table: feature ids, a point in each (in the layer's CRS), vectors `(rows, dims)`.

    `more` tells that there are further rows which were left out, `empty` how many rows have no vector.
    """

    ids: np.ndarray
    points: np.ndarray
    vectors: np.ndarray
    more: bool
    empty: int


@dataclass(frozen=True)
class RowAt:
    """The row at a place: its feature (with all attributes), its vector, and how far off it is in the layer's units."""

    feature: QgsFeature
    vector: np.ndarray
    distance: float


class LayerVectors:
    """A snapshot of a layer as it is now: its filter, its edits; the layer itself may go away meanwhile."""

    def __init__(self, layer: QgsVectorLayer) -> None:
        """Take the snapshot; this is to be done where the layer lives, all else anywhere."""
        self._source = QgsVectorLayerFeatureSource(layer)
        self.name = "“{}”".format(layer.name())
        fields = layer.fields()
        self._embedding = fields.indexFromName(EMBEDDING)
        self._space = fields.indexFromName(EMBEDDING_SPACE)
        self.attributes = [fields.at(index).name() for index in range(fields.count())]

    def key(self) -> str:
        """Return the key of the space that the rows looked at share, or raise and say what is wrong."""
        if self._embedding < 0:
            raise InputError(
                "layer-no-embeddings", "{name} has no column “embedding”: choose an embedding table, or make one with "
                "“Import embeddings” or “Embed features”.", name=self.name)
        request = QgsFeatureRequest().setFlags(QgsFeatureRequest.Flag.NoGeometry).setLimit(_KEYS_LOOKED_AT)
        request.setSubsetOfAttributes([index for index in (self._space, self._embedding) if index >= 0][:1])
        if self._space < 0:
            first = next((blob for blob in (_bytes(feature, self._embedding) for feature in self._walk(request))
                          if blob), None)
            return undeclared_key(first, self.name)
        keys = [str(feature.attribute(self._space) or "") for feature in self._walk(request)]
        if not keys:
            raise InputError("table-empty", "{name} has no rows: check its filter, or choose another table.",
                             name=self.name)
        stated = sorted({key for key in keys if key and key != "NULL"})
        return only_key(stated or [""], self.name)

    def vectors(self, key: str, extent: Optional[QgsRectangle], limit: int,
                cancelled: Callable[[], bool]) -> VectorsInView:
        """Read the vectors of all features, or of those in an extent in the layer's CRS, up to a limit."""
        ids: List[int] = []
        points: List[Tuple[float, float]] = []
        parts: List[np.ndarray] = []
        empty, more = 0, False
        few: List[Tuple[int, bytes]] = []
        request = QgsFeatureRequest().setSubsetOfAttributes([self._embedding])
        if extent is not None:
            request.setFilterRect(extent)
        for feature in self._walk(request, cancelled):
            blob = _bytes(feature, self._embedding)
            if not blob:
                empty += 1
                continue
            if len(ids) + len(few) >= limit:
                more = True
                break
            few.append((feature.id(), blob))
            points.append(_point(feature))
            if len(few) == _AT_ONCE:
                parts.append(self._decoded(few, key, ids))
                few = []
        if few:
            parts.append(self._decoded(few, key, ids))
        dimensions = parse_key(key).dimensions
        return VectorsInView(
            np.asarray(ids, np.int64), np.asarray(points, float).reshape(-1, 2),
            np.concatenate(parts) if parts else np.empty((0, dimensions), np.float32), more, empty)

    def row_at(self, key: str, x: float, y: float, reach: float, cancelled: Callable[[], bool]) -> Optional[RowAt]:
        """Return the smallest feature that holds a place, else the nearest one within reach, else None."""
        here = QgsGeometry.fromPointXY(QgsPointXY(x, y))
        request = QgsFeatureRequest().setFilterRect(QgsRectangle(x - reach, y - reach, x + reach, y + reach))
        best: Optional[QgsFeature] = None
        rank = (reach, float("inf"))
        for feature in self._walk(request, cancelled):
            geometry = feature.geometry()
            found = (geometry.distance(here), geometry.area())
            if 0 <= found[0] and found < rank:
                best, rank = feature, found
        if best is None:
            return None
        return RowAt(best, check_vectors([_bytes(best, self._embedding)], key, self.name, [best.id()])[0], rank[0])

    def vectors_of(self, key: str, ids: Sequence[int]) -> np.ndarray:
        """Return the vectors of some features by their ids, NaN where a feature has gone or has none."""
        request = QgsFeatureRequest().setFilterFids([int(one) for one in ids])
        request.setFlags(QgsFeatureRequest.Flag.NoGeometry).setSubsetOfAttributes([self._embedding])
        found = {feature.id(): _bytes(feature, self._embedding) for feature in self._walk(request)}
        result = np.full((len(ids), parse_key(key).dimensions), np.nan, np.float32)
        for row, one in enumerate(ids):
            blob = found.get(one)
            if blob:
                result[row] = check_vectors([blob], key, self.name, [one])[0]
        return result

    def features(self, request: QgsFeatureRequest) -> Iterator[QgsFeature]:
        """Yield whole features of the snapshot."""
        return self._walk(request)

    def _decoded(self, few: Sequence[Tuple[int, bytes]], key: str, ids: List[int]) -> np.ndarray:
        """Decode some rows and note their ids."""
        numbers = [number for number, _ in few]
        ids.extend(numbers)
        return check_vectors([blob for _, blob in few], key, self.name, numbers)

    def _walk(self, request: QgsFeatureRequest,
              cancelled: Callable[[], bool] = lambda: False) -> Iterator[QgsFeature]:
        """Yield features until there are no more, or nobody wants them any more."""
        for number, feature in enumerate(self._source.getFeatures(request)):
            if number % _AT_ONCE == 0 and cancelled():
                raise Cancelled()
            yield feature


def _bytes(feature: QgsFeature, index: int) -> bytes:
    """Return the bytes of a vector as the layer holds them (hexadecimal text becomes bytes later); none is empty."""
    value = feature.attribute(index)
    if isinstance(value, QByteArray):
        return bytes(value.data())
    return value if isinstance(value, (bytes, str)) else b""


def _point(feature: QgsFeature) -> Tuple[float, float]:
    """Return a point that stands for the feature: itself, else one inside it."""
    geometry = feature.geometry()
    if geometry.isNull() or geometry.isEmpty():
        return float("nan"), float("nan")
    point = geometry.centroid().asPoint()
    return point.x(), point.y()
