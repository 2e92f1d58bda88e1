"""A feature source seen through an extent and an expression, which are respected exactly."""

from __future__ import annotations

from typing import Any, Iterator, List, Optional, Set

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsExpression,
    QgsExpressionContext,
    QgsFeature,
    QgsFeatureRequest,
    QgsFields,
    QgsProcessingFeatureSource,
    QgsRectangle,
)

from ...engine.errors import InputError

_NO_CHECKS = QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks


class FilteredSource:
    """The features of a source that touch an extent and for which an expression holds; asked as the source is."""

    def __init__(self, source: QgsProcessingFeatureSource, extent: Optional[QgsRectangle], expression: str,
                 scope: QgsExpressionContext, parameter: str) -> None:
        """Check the expression; an empty one lets everything pass."""
        self._source = source
        self._extent = extent
        self._expression = expression
        self._scope = scope
        self._count = -1
        if expression:
            _check(QgsExpression(expression), source, scope)
        if self.featureCount() == 0:
            raise InputError("filter-empty", "EXTENT and EXPRESSION leave no row of {parameter} (“{name}”): widen "
                             "them.", parameter=parameter, name=source.sourceName())

    def getFeatures(self, request: Optional[QgsFeatureRequest] = None,  # noqa: N802  (these names are QGIS's)
                    flags: Any = _NO_CHECKS) -> Iterator[QgsFeature]:
        """Yield the features that pass, at most as many as a request allows."""
        limit = request.limit() if request is not None else -1
        for number, feature in enumerate(self._source.getFeatures(self._request(), _NO_CHECKS)):
            if 0 <= limit <= number:
                return
            yield feature

    def featureCount(self) -> int:  # noqa: N802
        """Count what passes."""
        if self._count < 0:
            self._count = sum(1 for _ in self.getFeatures())
        return self._count

    def uniqueValues(self, index: int) -> Set[Any]:  # noqa: N802
        """Return the different values of a column."""
        found: List[Any] = [feature.attribute(index) for feature in self.getFeatures()]
        return set(found)

    def fields(self) -> QgsFields:
        """Return the source's columns."""
        return self._source.fields()

    def sourceName(self) -> str:  # noqa: N802
        """Return the source's name."""
        return self._source.sourceName()

    def sourceCrs(self) -> QgsCoordinateReferenceSystem:  # noqa: N802
        """Return the source's CRS."""
        return self._source.sourceCrs()

    def wkbType(self) -> Any:  # noqa: N802
        """Return the source's kind of geometry."""
        return self._source.wkbType()

    def _request(self) -> QgsFeatureRequest:
        """Return what to ask the source for."""
        request = QgsFeatureRequest()
        if self._extent is not None:
            request.setFilterRect(self._extent)
            request.setFlags(QgsFeatureRequest.Flag.ExactIntersect)
        if self._expression:
            request.setExpressionContext(self._scope)
            request.setFilterExpression(self._expression)
        return request


def _check(expression: QgsExpression, source: QgsProcessingFeatureSource, scope: QgsExpressionContext) -> None:
    """Refuse an expression that can't be read, or that names a column which isn't there."""
    reason = expression.parserErrorString() if expression.hasParserError() else ""
    unknown = sorted(name for name in expression.referencedColumns()
                     if name != QgsFeatureRequest.ALL_ATTRIBUTES and source.fields().lookupField(name) < 0)
    if not reason and unknown:
        reason = "“{}” has no column {}".format(source.sourceName(), ", ".join(unknown))
    if not reason:
        expression.prepare(scope)
        reason = expression.evalErrorString()
    if reason:
        raise InputError("expression", "EXPRESSION: {expression} can't be evaluated ({reason}): correct it.",
                         expression=expression.expression(), reason=" ".join(reason.split()).rstrip("."))
