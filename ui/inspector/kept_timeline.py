"""Curves over time as a scratch layer: a point for each place and date."""

from __future__ import annotations

import math
from typing import Mapping, Optional, Tuple

from qgis.core import QgsCoordinateReferenceSystem, QgsFeature, QgsGeometry, QgsPointXY, QgsVectorLayer
from qgis.PyQt.QtCore import QCoreApplication

from .time_work import Curves

_FIELDS = ("field=place:string(8)&field=date:string(32)&field=distance:double&field=usual_low:double"
           "&field=usual_high:double&field=reference:string(32)&field=raster:string(200)")


def keep_timeline(curves: Curves, usual: Mapping[str, Tuple[float, float]], names: Mapping[str, str],
                  crs: QgsCoordinateReferenceSystem) -> QgsVectorLayer:
    """Return a memory layer of all numbers that are shown; `usual` and `names` go by the rasters' paths."""
    title = QCoreApplication.translate("TimeController", "Distance to {date}")
    first = curves.curves[0].line
    layer = QgsVectorLayer("Point?" + _FIELDS, title.format(date=first.dates[first.reference]), "memory")
    layer.setCrs(crs)
    features = []
    for curve in curves.curves:
        line = curve.line
        for number, (date, distance) in enumerate(zip(line.dates, line.distances.tolist())):
            low, high = (_known(bound) for bound in usual.get(line.paths[number], (math.nan, math.nan)))
            feature = QgsFeature(layer.fields())
            feature.setAttributes([curve.letter, date, _known(distance), low, high, line.dates[line.reference],
                                   names.get(line.paths[number], line.paths[number])])
            feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(curve.place.x, curve.place.y)))
            features.append(feature)
    layer.dataProvider().addFeatures(features)
    layer.updateExtents()
    return layer


def _known(number: float) -> Optional[float]:
    """Return a number, or none for NaN."""
    return number if math.isfinite(number) else None
