"""The page of two places, with real clicks on a map: what it shows is what lies in the files."""

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
    shown_canvas,
    wait_until,
    write_field,
)
from qgis.core import QgsCoordinateReferenceSystem, QgsPointXY, QgsProject, QgsRasterLayer, QgsRectangle
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest

from earthprint.ui.canvas.thumbnails import Thumbnails
from earthprint.ui.inspector.compare_page import ComparePage
from earthprint.ui.inspector.dock import InspectorDock

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def canvas(qgis_new_project):
    with shown_canvas() as made:
        yield made


@pytest.fixture
def dock(canvas):
    made = InspectorDock(canvas, [ComparePage])
    made.show()
    made.pointer.setChecked(True)
    yield made
    made.release()
    made.deleteLater()


def look_at(dock, canvas, layer):
    dock.layers.setLayer(layer)
    assert wait_until(lambda: not dock.session.opening())
    assert dock.session.subject is not None, dock.line.text()
    canvas.setLayers(list(QgsProject.instance().mapLayers().values()))
    canvas.setExtent(QgsRectangle(LEFT, TOP - ROWS * SIDE, LEFT + COLUMNS * SIDE, TOP))
    return dock.pages[0].controller, dock.pages[0].widget()


def click_cell(canvas, column, row, *modifiers):
    point = canvas.getCoordinateTransform().transform(
        QgsPointXY(LEFT + (column + 0.5) * SIDE, TOP - (row + 0.5) * SIDE))
    click(canvas, round(point.x()), round(point.y()), *modifiers)


def settled(controller):
    assert wait_until(lambda: not controller.busy())


def test_two_places_of_one_field(dock, canvas, tmp_path):
    controller, widget = look_at(dock, canvas, add_field(tmp_path))
    click_cell(canvas, 20, 12)
    click_cell(canvas, 30, 25, SHIFT)
    settled(controller)
    first, second = field_values()[:, 12, 20].astype(float), field_values()[:, 25, 30].astype(float)
    first, second = first / np.linalg.norm(first), second / np.linalg.norm(second)
    cosine, distance = first @ second, np.linalg.norm(second - first)
    ground = np.hypot(10, 13) * SIDE
    assert widget.result.text() == (f"Score (cosine) {cosine:.4f}, distance of the vectors {distance:.4g}; "
                                    f"{ground:.0f} m apart on the ground")
    differences = second - first
    order = np.argsort(-np.abs(differences), kind="stable")
    names = [f"{index + 1}" for index in order]
    assert [widget.table.topLevelItem(row).text(0) for row in range(DIMENSIONS)] == names
    assert np.allclose([bar.value for bar in widget.bars.bars()], differences[order], atol=1e-6)
    shares = 100 * differences[order] ** 2 / (differences ** 2).sum()
    assert [widget.table.topLevelItem(row).text(4) for row in range(DIMENSIONS)] == [f"{s:.1f} %" for s in shares]
    assert widget.names["A"].text() == "A: field, column 21, row 13"
    assert widget.names["B"].text() == "B: field, column 31, row 26"
    for letter in "AB":
        image = widget.pictures[letter].image()
        assert image.width() == widget.pictures[letter].width()
        colours = {image.pixel(x, y) for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
        assert len(colours) > 5
    QTest.mouseClick(widget.swap, Qt.MouseButton.LeftButton)
    settled(controller)
    assert np.allclose([bar.value for bar in widget.bars.bars()], -differences[order], atol=1e-6)
    widget.table.setCurrentItem(widget.table.topLevelItem(2))
    assert widget.bars.current() == 2
    QTest.mouseClick(widget.zooms["A"], Qt.MouseButton.LeftButton)
    assert abs(canvas.center().x() - (LEFT + 305)) < 1e-6
    QTest.mouseClick(widget.clear, Qt.MouseButton.LeftButton)
    assert controller.pins == {} and widget.result.text() == "" and widget.bars.bars() == []


def test_the_same_place_in_two_layers_of_one_space(dock, canvas, tmp_path):
    controller, widget = look_at(dock, canvas, add_field(tmp_path, "before", 1))
    after = add_field(tmp_path, "after", 2)
    click_cell(canvas, 20, 12)
    settled(controller)
    look_at(dock, canvas, after)
    click_cell(canvas, 20, 12, SHIFT)
    settled(controller)
    cosine = field_values(seed=1)[:, 12, 20] @ field_values(seed=2)[:, 12, 20]
    assert widget.result.text().startswith(f"Score (cosine) {cosine:.4f}")
    assert widget.result.text().endswith("0 m apart on the ground")
    assert widget.names["A"].text().startswith("A: before") and widget.names["B"].text().startswith("B: after")


def test_two_spaces_are_a_sentence(dock, canvas, tmp_path):
    controller, widget = look_at(dock, canvas, add_field(tmp_path))
    other = QgsRasterLayer(write_field(tmp_path / "other.tif", bands=5), "other")
    QgsProject.instance().addMapLayer(other)
    click_cell(canvas, 20, 12)
    settled(controller)
    look_at(dock, canvas, other)
    click_cell(canvas, 20, 12, SHIFT)
    settled(controller)
    assert "hold embeddings of different spaces" in dock.line.text()
    assert widget.result.text() == "" and widget.bars.bars() == []


def test_rows_of_a_table(dock, canvas, tmp_path):
    layer, vectors = add_table(tmp_path, False)
    controller, widget = look_at(dock, canvas, layer)
    for row, modifiers in ((3, ()), (7, (SHIFT,))):
        point = canvas.getCoordinateTransform().transform(QgsPointXY(LEFT + 15 + 30 * row, TOP - 155))
        click(canvas, round(point.x()) + 2, round(point.y()) + 2, *modifiers)
    settled(controller)
    assert widget.result.text().startswith(f"Score (cosine) {vectors[3] @ vectors[7]:.4f}")
    assert widget.result.text().endswith("120 m apart on the ground")


def test_outside_is_a_sentence_and_a_removed_layer_takes_its_pins(dock, canvas, tmp_path):
    layer = add_field(tmp_path)
    controller, widget = look_at(dock, canvas, layer)
    click_cell(canvas, 20, 12)
    settled(controller)
    click_cell(canvas, 2, 2, SHIFT)
    settled(controller)
    assert dock.line.text() == "“field” has no data in this cell." and list(controller.pins) == ["A"]
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    click(canvas, 10, 10, SHIFT)
    QgsProject.instance().removeMapLayer(layer.id())
    settled(controller)
    assert controller.pins == {} and widget.names["A"].text() == "A"


def test_pins_stay_while_another_page_is_shown_and_marks_go(dock, canvas, tmp_path):
    controller, widget = look_at(dock, canvas, add_field(tmp_path))
    before = len(canvas.scene().items())
    click_cell(canvas, 20, 12)
    settled(controller)
    assert len(canvas.scene().items()) > before
    dock.hide()
    assert len(canvas.scene().items()) == before
    dock.show()
    settled(controller)
    assert list(controller.pins) == ["A"] and len(canvas.scene().items()) > before


def test_pictures_given_up_are_freed(dock, canvas, tmp_path):
    controller, widget = look_at(dock, canvas, add_field(tmp_path))
    for step in range(10):
        click_cell(canvas, 10 + step, 12)
        wait_until(lambda: not controller.probing["A"].busy())
    dock.hide()
    assert wait_until(lambda: not Thumbnails._ending)
