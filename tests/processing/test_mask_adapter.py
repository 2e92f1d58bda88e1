"""Polygons reach the engine in the raster's coordinates, mended where they cross themselves, selected where asked."""

from __future__ import annotations

from typing import Any, List, Optional

import pytest
from osgeo import ogr
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingFeatureSource,
    QgsProcessingFeedback,
    QgsVectorLayer,
)

from earthprint.engine.errors import InputError
from earthprint.processing_provider.adapters.feedback import FeedbackProgress
from earthprint.processing_provider.adapters.mask import MaskInput

UTM = "EPSG:32633"


def polygon_layer(texts: List[str], epsg: str = UTM, kind: str = "Polygon") -> QgsVectorLayer:
    layer = QgsVectorLayer(f"{kind}?crs={epsg}&field=name:string", "Fields", "memory")
    features = []
    for text in texts:
        feature = QgsFeature(layer.fields())
        if text:
            feature.setGeometry(QgsGeometry.fromWkt(text))
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    layer.updateExtents()
    return layer


def polygons(layer: QgsVectorLayer, crs: str = UTM, feedback: Optional[Any] = None) -> List[ogr.Geometry]:
    context = QgsProcessingContext()
    source = QgsProcessingFeatureSource(layer, context, False)
    mask = MaskInput("MASK", source, QgsCoordinateReferenceSystem(crs), QgsCoordinateTransformContext())
    return [ogr.CreateGeometryFromWkb(wkb)
            for wkb in mask.polygons(FeedbackProgress(feedback or QgsProcessingFeedback(False)))]


def test_same_crs_keeps_the_coordinates(qgis_app: Any) -> None:
    found = polygons(polygon_layer(["POLYGON((0 0, 30 0, 30 20, 0 20, 0 0))"]))
    assert [shape.GetArea() for shape in found] == [600.0]


def test_heights_and_curves_become_flat_and_straight(qgis_app: Any) -> None:
    layer = polygon_layer(["CURVEPOLYGON(CIRCULARSTRING(0 0, 10 10, 20 0, 10 -10, 0 0))"], kind="CurvePolygon")
    [circle] = polygons(layer)
    assert circle.GetArea() == pytest.approx(3.14159265 * 100, rel=1e-3)
    [flat] = polygons(polygon_layer(["POLYGONZ((0 0 5, 30 0 5, 30 20 5, 0 20 5, 0 0 5))"], kind="PolygonZ"))
    assert flat.GetCoordinateDimension() == 2 and flat.GetArea() == 600.0


def test_another_crs_is_transformed_along_the_edges(qgis_app: Any) -> None:
    # A parallel of latitude is no straight line in UTM: between its ends, 4 degrees apart, it sags by kilometres.
    layer = polygon_layer(["POLYGON((13 50, 17 50, 17 51, 13 51, 13 50))"], "EPSG:4326")
    [shape] = polygons(layer)
    transform = QgsCoordinateTransform(QgsCoordinateReferenceSystem("EPSG:4326"), QgsCoordinateReferenceSystem(UTM),
                                       QgsCoordinateTransformContext())
    inside, outside = transform.transform(QgsPointXY(15, 50.001)), transform.transform(QgsPointXY(15, 49.999))
    for point, expected in ((inside, True), (outside, False)):
        assert shape.Contains(ogr.CreateGeometryFromWkt(f"POINT({point.x()} {point.y()})")) is expected


def test_a_self_crossing_outline_is_mended_and_told(qgis_app: Any) -> None:
    said: List[str] = []

    class Listening(QgsProcessingFeedback):
        def pushWarning(self, warning: str) -> None:  # noqa: N802
            said.append(warning)

    found = polygons(polygon_layer(["POLYGON((0 0, 10 10, 10 0, 0 10, 0 0))"]), feedback=Listening(False))
    assert sum(shape.GetArea() for shape in found) == pytest.approx(50.0)
    assert len(said) == 1 and "1 of the polygons of “Fields”" in said[0]


def test_features_without_a_geometry_are_passed_over(qgis_app: Any) -> None:
    assert len(polygons(polygon_layer(["", "POLYGON((0 0, 1 0, 1 1, 0 0))"]))) == 1


def test_no_polygon_at_all_is_an_error_that_names_the_layer(qgis_app: Any) -> None:
    with pytest.raises(InputError, match="MASK: “Fields” has no polygons"):
        polygons(polygon_layer([""]))


def test_what_lies_outside_the_projection_is_told_in_words(qgis_app: Any) -> None:
    layer = polygon_layer(["POLYGON((13 50, 17 95, 13 95, 13 50))"], "EPSG:4326")
    with pytest.raises(InputError, match="MASK: feature 1 of “Fields” can't be transformed from EPSG:4326"):
        polygons(layer, "EPSG:32633")
