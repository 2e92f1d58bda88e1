"""The ranked places as a scratch layer: an embedding table, so that every tool takes it."""

from __future__ import annotations

import numpy as np
from qgis.core import QgsFeature, QgsGeometry, QgsPointXY, QgsVectorLayer
from qgis.PyQt.QtCore import QByteArray, QCoreApplication

from .point_work import Found, Neighbours, plain_key
from .subject import Subject

_FIELDS = ("field=rank:integer&field=similarity:double&field=distance_m:double&field=source:string(200)"
           "&field=embedding:binary&field=embedding_space:string(80)")


def keep_places(subject: Subject, found: Found, neighbours: Neighbours) -> QgsVectorLayer:
    """Return a memory layer of points: rank 0 is the place asked for, the others follow by falling score."""
    name = QCoreApplication.translate("PointController", "Like {place} in {layer}").format(
        place=found.title.lower(), layer=subject.name)
    layer = QgsVectorLayer("Point?" + _FIELDS, name, "memory")
    layer.setCrs(subject.crs)
    key = plain_key(subject.space_key)
    rows = [(0, None, 0.0, found.x, found.y, found.vector)]
    rows += [(rank, place.score, None if not np.isfinite(place.metres) else place.metres, place.x, place.y,
              place.vector) for rank, place in enumerate(neighbours.places, 1)]
    features = []
    for rank, score, metres, x, y, vector in rows:
        feature = QgsFeature(layer.fields())
        blob = QByteArray(np.ascontiguousarray(vector, "<f4").tobytes())
        feature.setAttributes([rank, score, metres, subject.name, blob, key])
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(x, y)))
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    layer.updateExtents()
    return layer
