"""The page of one place, with real clicks on a map: what it shows is what lies in the file."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("qgis.gui")
from inspected_layers import (
    COLUMNS,
    DIMENSIONS,
    LEFT,
    ROWS,
    SIDE,
    TOP,
    add_field,
    add_table,
    click,
    field_values,
    move,
    shown_canvas,
    wait_until,
)
from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsPalettedRasterRenderer,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor, QGuiApplication
from qgis.PyQt.QtTest import QTest

from earthprint.ui.inspector.dock import InspectorDock
from earthprint.ui.inspector.point_page import PointPage


@pytest.fixture
def canvas(qgis_new_project):
    with shown_canvas() as made:
        yield made


@pytest.fixture
def dock(canvas):
    made = InspectorDock(canvas, [PointPage])
    made.show()
    made.pointer.setChecked(True)
    yield made
    made.release()
    made.deleteLater()


def look_at(dock, canvas, layer):
    dock.layers.setLayer(layer)
    assert wait_until(lambda: not dock.session.opening())
    assert dock.session.subject is not None, dock.line.text()
    canvas.setExtent(QgsRectangle(LEFT, TOP - ROWS * SIDE, LEFT + COLUMNS * SIDE, TOP))
    return dock.pages[0].controller, dock.pages[0].widget()


def pixel_of(canvas, x, y):
    point = canvas.getCoordinateTransform().transform(QgsPointXY(x, y))
    return round(point.x()), round(point.y())


def cell_pixel(canvas, column, row):
    return pixel_of(canvas, LEFT + (column + 0.5) * SIDE, TOP - (row + 0.5) * SIDE)


def settled(controller):
    works = (controller.hovering, controller.probing, controller.searching, controller.asking)
    assert wait_until(lambda: not any(work.busy() for work in works))


def cosines(values, vector):
    flat = values.reshape(len(values), -1).astype(float)
    with np.errstate(invalid="ignore"):
        return flat.T @ vector / (np.linalg.norm(flat, axis=0) * np.linalg.norm(vector))


def test_a_click_shows_the_vector_of_the_cell_and_its_like(dock, canvas, tmp_path):
    controller, widget = look_at(dock, canvas, add_field(tmp_path))
    click(canvas, *cell_pixel(canvas, 20, 12))
    settled(controller)
    values = field_values()
    vector = values[:, 12, 20]
    assert [bar.value for bar in widget.bars.bars()] == vector.tolist()
    assert widget.title.text() == "Column 21, row 13"
    assert f"{DIMENSIONS} numbers, length (norm) {np.linalg.norm(vector):.6g}" in widget.facts.text()
    # The view shows every cell, so the list is that of all cells, 3 % of the view's width apart: one cell and a bit.
    scores = cosines(values, vector.astype(float))
    places = controller._neighbours.places
    assert len(places) == 10 and dock.line.text() == dock.pages[0].hint()
    apart = controller._neighbours.apart
    columns, rows = np.meshgrid(np.arange(COLUMNS), np.arange(ROWS))
    left = np.where(np.isfinite(scores), scores, -np.inf).reshape(ROWS, COLUMNS)
    # metres on the ground are within 0.1 % of the grid's here
    left[np.hypot(columns - 20, rows - 12) * SIDE < apart * 1.001] = -np.inf
    for place in places:
        row, column = divmod(int(left.argmax()), COLUMNS)
        assert place.score == pytest.approx(left.max(), abs=1e-6)
        assert (place.x, place.y) == (LEFT + (column + 0.5) * SIDE, TOP - (row + 0.5) * SIDE)
        assert place.metres == pytest.approx(np.hypot(column - 20, row - 12) * SIDE, rel=2e-3)
        assert place.vector.tolist() == values[:, row, column].tolist()
        left[np.hypot(columns - column, rows - row) * SIDE < apart * 1.001] = -np.inf
    first = widget.neighbours.topLevelItem(0)
    assert (first.text(0), first.text(1)) == ("1", f"{places[0].score:.4f}")


def test_the_cell_under_the_pointer_is_right_in_another_crs(dock, canvas, tmp_path):
    layer = add_field(tmp_path)
    controller, widget = look_at(dock, canvas, layer)
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    from qgis.core import QgsCoordinateTransform

    there = QgsCoordinateTransform(layer.crs(), QgsCoordinateReferenceSystem("EPSG:3857"), QgsProject.instance())
    canvas.setExtent(there.transformBoundingBox(layer.extent()))
    x, y = there.transform(QgsPointXY(LEFT + 305, TOP - 205)).x(), there.transform(
        QgsPointXY(LEFT + 305, TOP - 205)).y()
    click(canvas, *pixel_of(canvas, x, y))
    settled(controller)
    assert [bar.value for bar in widget.bars.bars()] == field_values()[:, 20, 30].tolist()


def test_no_data_and_outside_are_sentences(dock, canvas, tmp_path):
    controller, widget = look_at(dock, canvas, add_field(tmp_path))
    click(canvas, *cell_pixel(canvas, 2, 2))
    settled(controller)
    assert dock.line.text() == "“field” has no data in this cell."
    assert widget.bars.bars() == [] and widget.neighbours.topLevelItemCount() == 0
    canvas.setExtent(QgsRectangle(LEFT - 400, TOP - 300, LEFT, TOP))
    click(canvas, 50, 150)
    settled(controller)
    assert dock.line.text() == "This place is outside of “field”."


def test_a_vector_of_zeros_is_a_sentence(dock, canvas, tmp_path):
    layer = add_field(tmp_path)
    dataset = gdal.Open(layer.source(), gdal.GA_Update)
    for band in range(1, DIMENSIONS + 1):
        dataset.GetRasterBand(band).WriteArray(np.zeros((1, 1), np.float32), 20, 12)
    dataset = None
    controller, widget = look_at(dock, canvas, layer)
    click(canvas, *cell_pixel(canvas, 20, 12))
    settled(controller)
    assert dock.line.text() == "All numbers of this vector are zero, so it is like nothing."
    assert [bar.value for bar in widget.bars.bars()] == [0.0] * DIMENSIONS and not widget.search.isEnabled()


def test_hovering_shows_and_leaving_goes_back(dock, canvas, tmp_path):
    controller, widget = look_at(dock, canvas, add_field(tmp_path))
    click(canvas, *cell_pixel(canvas, 20, 12))
    settled(controller)
    move(canvas, *cell_pixel(canvas, 30, 20))
    settled(controller)
    assert [bar.value for bar in widget.bars.bars()] == field_values()[:, 20, 30].tolist()
    dock.tool.left.emit()
    assert [bar.value for bar in widget.bars.bars()] == field_values()[:, 12, 20].tolist()
    QTest.keyClick(widget.follow, Qt.Key.Key_Space)
    asked = controller.hovering.counts.asked
    move(canvas, 100, 100)
    assert controller.hovering.counts.asked == asked
    QTest.keyClick(widget.follow, Qt.Key.Key_Space)


def test_two_hundred_moves_make_no_queue(dock, canvas, tmp_path):
    controller, widget = look_at(dock, canvas, add_field(tmp_path))
    most = 0
    for step in range(200):
        move(canvas, 60 + step, 60 + step % 50)
        most = max(most, controller.hovering.waiting())
    counts = controller.hovering.counts
    assert counts.asked == 200 and most == 1
    assert counts.started <= 2
    x, y = cell_pixel(canvas, 25, 25)
    move(canvas, x, y)
    settled(controller)
    assert [bar.value for bar in widget.bars.bars()] == field_values()[:, 25, 25].tolist()
    assert counts.started == counts.done + counts.cancelled + counts.failed


def test_a_table_by_click(dock, canvas, tmp_path):
    layer, vectors = add_table(tmp_path, True)
    controller, widget = look_at(dock, canvas, layer)
    x, y = pixel_of(canvas, LEFT + 15 + 30 * 4, TOP - 155)
    click(canvas, x + 3, y - 2)
    settled(controller)
    assert [bar.value for bar in widget.bars.bars()] == vectors[4].tolist()
    scores = vectors @ vectors[4]
    order = [row for row in np.argsort(-scores, kind="stable") if row != 4]
    places = controller._neighbours.places
    assert [place.feature_id for place in places] == [row + 1 for row in order[:10]]
    assert np.allclose([place.score for place in places], scores[order[:10]], atol=1e-6)
    assert np.allclose([place.metres for place in places], [abs(row - 4) * 30 for row in order[:10]], rtol=2e-3)
    assert ("table: cluster", "1") in [(widget.others.topLevelItem(i).text(0), widget.others.topLevelItem(i).text(1))
                                       for i in range(widget.others.topLevelItemCount())]
    click(canvas, 5, 5)
    settled(controller)
    assert dock.line.text() == "No feature of “table” is here."


def test_the_class_of_another_layer_bears_its_legends_name(dock, canvas, tmp_path):
    path = str(tmp_path / "classes.tif")
    dataset = gdal.GetDriverByName("GTiff").Create(path, COLUMNS // 2, ROWS // 2, 1, gdal.GDT_Byte)
    dataset.SetGeoTransform((LEFT, 2 * SIDE, 0, TOP, 0, -2 * SIDE))
    dataset.SetProjection(add_field(tmp_path).crs().toWkt())
    numbers = np.arange(ROWS // 2 * (COLUMNS // 2), dtype=np.uint8).reshape(ROWS // 2, -1) % 3 + 1
    dataset.GetRasterBand(1).WriteArray(numbers)
    dataset.GetRasterBand(1).SetDescription("cluster")
    dataset = None
    layer = QgsRasterLayer(path, "groups")
    kinds = [QgsPalettedRasterRenderer.Class(n, QColor("red"), f"kind {n}") for n in (1, 2, 3)]
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, kinds))
    QgsProject.instance().addMapLayer(layer)
    controller, widget = look_at(dock, canvas, QgsProject.instance().mapLayersByName("field")[0])
    click(canvas, *cell_pixel(canvas, 21, 12))
    settled(controller)
    item = widget.others.topLevelItem(0)
    assert (item.text(0), item.text(1)) == ("groups: cluster", f"kind {numbers[6, 10]}")


def test_what_is_kept_is_an_embedding_table_in_the_same_space(dock, canvas, tmp_path):
    controller, widget = look_at(dock, canvas, add_field(tmp_path))
    click(canvas, *cell_pixel(canvas, 20, 12))
    settled(controller)
    key = dock.session.subject.key
    QTest.mouseClick(widget.keep, Qt.MouseButton.LeftButton)
    layer, = QgsProject.instance().mapLayersByName("Like column 21, row 13 in field")
    assert layer.crs().authid() == "EPSG:32632" and layer.featureCount() == 11
    assert [feature["rank"] for feature in layer.getFeatures()] == list(range(11))
    dock.layers.setLayer(layer)
    assert wait_until(lambda: not dock.session.opening())
    assert dock.session.subject.key == key
    seen = dock.session.rows().vectors(key, None, 100, lambda: False).vectors
    assert seen[0].tolist() == field_values()[:, 12, 20].tolist()


def test_zoom_flash_copy_and_order(dock, canvas, tmp_path):
    controller, widget = look_at(dock, canvas, add_field(tmp_path))
    click(canvas, *cell_pixel(canvas, 20, 12))
    settled(controller)
    vector = field_values()[:, 12, 20]
    QTest.mouseClick(widget.copy, Qt.MouseButton.LeftButton)
    assert [float(part) for part in QGuiApplication.clipboard().text().split(",")] == vector.tolist()
    widget.order.setCurrentIndex(1)
    assert [bar.value for bar in widget.bars.bars()] == sorted(vector.tolist(), reverse=True)
    widget.order.setCurrentIndex(2)
    assert [abs(bar.value) for bar in widget.bars.bars()] == sorted(np.abs(vector).tolist(), reverse=True)
    widget.order.setCurrentIndex(0)
    widget.bars.setFocus()
    QTest.keyClick(widget.bars, Qt.Key.Key_End)
    assert widget.current.text() == f"Dimension {DIMENSIONS}: {vector[-1]:.5g}"
    widget.neighbours.setCurrentItem(widget.neighbours.topLevelItem(2))
    QTest.mouseClick(widget.zoom, Qt.MouseButton.LeftButton)
    third = controller._neighbours.places[2]
    assert abs(canvas.extent().center().x() - third.x) < 1e-6
    assert canvas.extent().width() < COLUMNS * SIDE / 2
    QTest.mouseClick(widget.flash, Qt.MouseButton.LeftButton)
    assert widget.neighbours.topLevelItemCount() == 10


def test_the_layer_goes_while_it_is_busy(dock, canvas, tmp_path):
    layer = add_field(tmp_path)
    controller, widget = look_at(dock, canvas, layer)
    click(canvas, *cell_pixel(canvas, 20, 12))
    move(canvas, 100, 100)
    QgsProject.instance().removeMapLayer(layer.id())
    settled(controller)
    QTest.qWait(50)
    assert widget.bars.bars() == [] and widget.neighbours.topLevelItemCount() == 0
    assert dock.session.subject is None


def test_every_control_is_reached_with_the_tab_key_and_has_a_name(dock):
    widget = dock.pages[0].widget()
    expected = {widget.order, widget.copy, widget.follow, widget.bars, widget.others, widget.neighbours, widget.count,
                widget.apart, widget.search, widget.keep, widget.zoom, widget.flash}
    assert all(each.focusPolicy() & Qt.FocusPolicy.TabFocus and each.objectName() for each in expected)
    reached, each = set(), widget.order
    for _ in range(60):
        reached.add(each)
        each = each.nextInFocusChain()
    assert expected <= reached
