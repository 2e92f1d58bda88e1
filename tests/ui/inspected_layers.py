"""Small embedding rasters and tables as layers of the project, for tests of the inspector."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import Callable, Iterator, Tuple

import numpy as np
from osgeo import gdal, osr
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QByteArray, QCoreApplication, QEvent, QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QMouseEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QFrame

from earthprint.engine.field import KEY_ITEM, SPACE_ITEM
from earthprint.engine.space import Space

ROWS, COLUMNS, DIMENSIONS = 30, 40, 6
LEFT, TOP, SIDE = 500_000.0, 5_600_000.0, 10.0
SPACE = Space("toy", DIMENSIONS, unit_norm=True)


def wait_until(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Let Qt work until something holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        QTest.qWait(10)
    return bool(holds())


@contextmanager
def shown_canvas(width: int = 400, height: int = 300) -> Iterator[QgsMapCanvas]:
    """Hand out a map of exactly this size, in UTM 32."""
    canvas = QgsMapCanvas()
    canvas.setObjectName("inspectedCanvas")
    canvas.setFrameShape(QFrame.Shape.NoFrame)
    canvas.resize(width, height)
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32632"))
    canvas.show()
    yield canvas
    canvas.hide()
    canvas.deleteLater()
    QCoreApplication.sendPostedEvents(None, int(QEvent.Type.DeferredDelete))


def move(canvas, x: int, y: int, buttons=Qt.MouseButton.NoButton) -> None:
    """Move the pointer over a canvas; offscreen there is no pointer that QTest could move."""
    view, point = canvas.viewport(), QPoint(x, y)
    event = QMouseEvent(QEvent.Type.MouseMove, QPointF(point), QPointF(view.mapToGlobal(point)),
                        Qt.MouseButton.NoButton, buttons, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, event)


def click(canvas, x: int, y: int, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    """Click on a canvas."""
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, modifiers, QPoint(x, y))


def field_values(bands: int = DIMENSIONS, seed: int = 1) -> np.ndarray:
    """Return unit vectors `(bands, rows, columns)`, NaN in the upper left corner of 5 by 5 cells."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(bands, ROWS, COLUMNS)).astype(np.float32)
    values /= np.linalg.norm(values, axis=0)
    values[:, :5, :5] = np.nan
    return values


def write_field(path, bands: int = DIMENSIONS, declared: bool = True, seed: int = 1) -> str:
    """Write an embedding raster of 40 by 30 cells of 10 m in UTM 32."""
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), COLUMNS, ROWS, bands, gdal.GDT_Float32,
                                                   ["INTERLEAVE=BAND"])
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32632)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.SetGeoTransform((LEFT, SIDE, 0, TOP, 0, -SIDE))
    if declared:
        space = Space("toy", bands, unit_norm=True)
        dataset.SetMetadata({SPACE_ITEM: space.canonical(), KEY_ITEM: space.key()})
    for number, band in enumerate(field_values(bands, seed), 1):
        dataset.GetRasterBand(number).WriteArray(band)
        dataset.GetRasterBand(number).SetNoDataValue(float("nan"))
    dataset.FlushCache()
    return str(path)


def add_field(folder, name: str = "field", seed: int = 1) -> QgsRasterLayer:
    """Add an embedding raster to the project."""
    layer = QgsRasterLayer(write_field(folder / f"{name}.tif", seed=seed), name)
    assert layer.isValid()
    QgsProject.instance().addMapLayer(layer)
    return layer


def table_vectors(count: int = 12) -> np.ndarray:
    """Return unit vectors."""
    vectors = np.random.default_rng(5).normal(size=(count, DIMENSIONS)).astype("<f4")
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("<f4")


def add_table(folder, memory: bool, count: int = 12) -> Tuple[QgsVectorLayer, np.ndarray]:
    """Add an embedding table of points on a line to the project, in memory or as a GeoPackage."""
    layer = QgsVectorLayer("Point?crs=EPSG:32632&field=name:string&field=embedding:binary"
                           "&field=embedding_space:string&field=cluster:int", "table", "memory")
    vectors = table_vectors(count)
    features = []
    for row, vector in enumerate(vectors):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([f"row {row}", QByteArray(vector.tobytes()), SPACE.key(), row % 3])
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(LEFT + 15 + 30 * row, TOP - 155)))
        features.append(feature)
    assert layer.dataProvider().addFeatures(features)[0]
    if not memory:
        options = QgsVectorFileWriter.SaveVectorOptions()
        options.driverName = "GPKG"
        path = str(folder / "table.gpkg")
        QgsVectorFileWriter.writeAsVectorFormatV2(layer, path, QgsCoordinateTransformContext(), options)
        layer = QgsVectorLayer(path, "table", "ogr")
    assert layer.isValid() and layer.featureCount() == count
    QgsProject.instance().addMapLayer(layer)
    return layer, vectors
