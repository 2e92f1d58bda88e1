"""In which order the features of a source are gone through: its own, but selections by feature id.

QGIS hands a selection over in an order of its own, which differs from one run to the next.
"""

from __future__ import annotations

from typing import Any, Callable, Iterator

from qgis.core import (
    QgsFeature,
    QgsFeatureRequest,
    QgsProcessingFeatureSource,
    QgsProcessingFeatureSourceDefinition,
)

from ...engine.table.parts import CHUNK_ROWS

NO_CHECKS = QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks

Walk = Callable[[QgsProcessingFeatureSource], Iterator[QgsFeature]]


def as_given(source: QgsProcessingFeatureSource) -> Iterator[QgsFeature]:
    """Yield the features as the source gives them."""
    return iter(source.getFeatures(QgsFeatureRequest(), NO_CHECKS))


def by_id(source: QgsProcessingFeatureSource) -> Iterator[QgsFeature]:
    """Yield the features by rising id, some thousand of them asked for at a time."""
    ids = sorted(source.allFeatureIds())
    for start in range(0, len(ids), CHUNK_ROWS):
        request = QgsFeatureRequest().setFilterFids(ids[start:start + CHUNK_ROWS])
        yield from sorted(source.getFeatures(request, NO_CHECKS), key=QgsFeature.id)


def by_id_at_once(source: QgsProcessingFeatureSource) -> Iterator[QgsFeature]:
    """Yield the features by rising id, all read before the first: a source with a filter can't be asked for ids."""
    yield from sorted(as_given(source), key=QgsFeature.id)


def walk_of(value: Any) -> Walk:
    """Return how to go through the features of a parameter's value."""
    if not isinstance(value, QgsProcessingFeatureSourceDefinition) or not value.selectedFeaturesOnly:
        return as_given
    narrowed = getattr(value, "featureLimit", -1) >= 0 or bool(getattr(value, "filterExpression", ""))
    return by_id_at_once if narrowed else by_id
