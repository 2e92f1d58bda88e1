"""The inspector's dock on a canvas: layers come and go, pages start and stop, and nothing is left behind."""

from __future__ import annotations

import gc

import numpy as np
import pytest

pytest.importorskip("qgis.gui")
from inspected_layers import add_field, add_table, click, move, wait_until, write_field
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QObject, QPoint, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QLabel

from earthprint.ui.inspector.dock import InspectorDock
from earthprint.ui.inspector.page_bar import PageBar
from earthprint.ui.inspector.remembered import OPEN, remember, remembered


class NotedPage(QObject):
    """A page that writes down what happens to it."""

    def __init__(self, name):
        super().__init__()
        self.name = name
        self.happened = []
        self._widget = QLabel(name)

    def title(self):
        return self.name

    def hint(self):
        return f"the hint of {self.name}"

    def widget(self):
        return self._widget

    def start(self, session, tool):
        self.happened.append("start")
        self._tool = tool
        tool.hovered.connect(self.hovered)
        tool.clicked.connect(self.clicked)
        tool.boxed.connect(self.boxed)

    def stop(self):
        self.happened.append("stop")
        self._tool.hovered.disconnect(self.hovered)
        self._tool.clicked.disconnect(self.clicked)
        self._tool.boxed.disconnect(self.boxed)

    def hovered(self, point):
        self.happened.append(("hover", point))

    def clicked(self, point, modifiers):
        self.happened.append(("click", point, bool(modifiers & Qt.KeyboardModifier.ShiftModifier)))

    def boxed(self, box, modifiers):
        self.happened.append(("box", box))


@pytest.fixture
def pages():
    return [NotedPage("one"), NotedPage("two")]


@pytest.fixture
def dock(qgis_canvas, qgis_new_project, pages):
    qgis_canvas.resize(400, 300)
    qgis_canvas.show()
    made = InspectorDock(qgis_canvas, [lambda page=page: page for page in pages])
    made.show()
    yield made
    made.release()
    made.deleteLater()


def opened(dock):
    assert wait_until(lambda: not dock.session.opening())
    return dock.session


def test_no_layer_is_a_sentence(dock):
    assert dock.session.subject is None
    assert dock.line.text() == "Choose a layer with embeddings."


def test_a_field_is_opened_and_described(dock, tmp_path):
    layer = add_field(tmp_path)
    dock.layers.setLayer(layer)
    session = opened(dock)
    assert session.subject.path == layer.source() and session.subject.space.dimensions == 6
    assert session.subject.key.split("/")[1:] == ["6", "f4", "cosine", "unit"]
    assert dock.line.text() == "the hint of one"


@pytest.mark.parametrize("memory", [True, False])
def test_a_table_is_opened_and_described(dock, tmp_path, memory):
    layer, vectors = add_table(tmp_path, memory)
    dock.layers.setLayer(layer)
    session = opened(dock)
    assert session.subject.key.startswith("toy-") and session.subject.is_points
    assert bool(session.subject.path) is not memory
    found = session.rows().vectors(session.subject.key, None, 100, lambda: False)
    assert np.array_equal(found.vectors, vectors)


def test_a_layer_without_embeddings_is_a_sentence(dock, tmp_path):
    layer = QgsVectorLayer("Point?crs=EPSG:32632&field=name:string", "plain", "memory")
    QgsProject.instance().addMapLayer(layer)
    dock.layers.setLayer(layer)
    assert opened(dock).subject is None
    assert "“plain” has no column “embedding”" in dock.line.text()
    single = QgsRasterLayer(write_field(tmp_path / "b.tif", bands=1, declared=False), "grey")
    QgsProject.instance().addMapLayer(single)
    dock.layers.setLayer(single)
    assert opened(dock).subject is None
    assert "“grey” has no embeddings but one band" in dock.line.text()


def test_removing_the_layer_while_it_is_opened(dock, tmp_path):
    layer = add_field(tmp_path)
    dock.layers.setLayer(layer)
    QgsProject.instance().removeMapLayer(layer.id())
    assert opened(dock).subject is None
    assert dock.session.layer() is None
    QTest.qWait(100)
    assert dock.session.subject is None


def test_closing_the_project(dock, tmp_path):
    dock.layers.setLayer(add_field(tmp_path))
    assert opened(dock).subject is not None
    QgsProject.instance().clear()
    assert opened(dock).subject is None
    assert dock.session.layer() is None


def test_places_go_through_the_crs_of_map_and_layer(dock, qgis_canvas, tmp_path):
    layer = add_field(tmp_path)
    dock.layers.setLayer(layer)
    session = opened(dock)
    qgis_canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    to_map = QgsCoordinateTransform(layer.crs(), QgsCoordinateReferenceSystem("EPSG:4326"), QgsProject.instance())
    extent = to_map.transformBoundingBox(layer.extent())
    qgis_canvas.setExtent(extent)
    place = session.place_at(extent.center())
    expected = session.to_subject().transform(extent.center())
    assert (place.x, place.y) == (expected.x(), expected.y()) and layer.extent().contains(expected)
    back = session.map_point(place)
    assert abs(back.x() - extent.center().x()) < 1e-9
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
    assert opened(dock).subject.crs.authid() == "EPSG:32633"


def test_the_pointer_says_what_happens_on_the_map(dock, pages, qgis_canvas, tmp_path):
    layer = add_field(tmp_path)
    qgis_canvas.setDestinationCrs(layer.crs())
    qgis_canvas.setExtent(layer.extent())
    before = qgis_canvas.mapTool()
    QTest.mouseClick(dock.pointer, Qt.MouseButton.LeftButton)
    assert qgis_canvas.mapTool() is dock.tool
    view, page = qgis_canvas.viewport(), pages[0]
    move(qgis_canvas, 40, 50)
    click(qgis_canvas, 100, 120, Qt.KeyboardModifier.ShiftModifier)
    kinds = [item[0] for item in page.happened if isinstance(item, tuple)]
    assert kinds[-1] == "click" and "hover" in kinds
    (_, point, shift) = page.happened[-1]
    expected = dock.tool.toMapCoordinates(QPoint(100, 120))
    assert shift and point.x() == expected.x() and point.y() == expected.y()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(10, 10))
    move(qgis_canvas, 50, 60, Qt.MouseButton.LeftButton)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(80, 90))
    assert page.happened[-1][0] == "box" and page.happened[-1][1].width() > 0
    QTest.mouseClick(dock.pointer, Qt.MouseButton.LeftButton)
    assert qgis_canvas.mapTool() is not dock.tool
    assert before is None or qgis_canvas.mapTool() is before


def test_only_the_page_in_front_works(dock, pages):
    assert (pages[0].happened, pages[1].happened) == (["start"], [])
    dock.show_page("two")
    assert (pages[0].happened, pages[1].happened) == (["start", "stop"], ["start"])
    dock.hide()
    assert pages[1].happened == ["start", "stop"]
    dock.show()
    assert pages[1].happened == ["start", "stop", "start"]


def test_pages_are_chosen_by_click_and_by_key_and_no_title_is_cut(dock, pages):
    QTest.mouseClick(dock.bar.buttons[1], Qt.MouseButton.LeftButton)
    assert dock.tabs.currentIndex() == 1 and pages[1].happened == ["start"]
    dock.bar.buttons[1].setFocus()
    QTest.keyClick(dock.bar.buttons[1], Qt.Key.Key_Left)
    assert dock.tabs.currentIndex() == 0 and dock.bar.buttons[0].isChecked()
    dock.show_page("two")
    assert [button.isChecked() for button in dock.bar.buttons] == [False, True]


def test_no_title_of_a_page_is_cut(qgis_app):
    bar = PageBar([("one", "The first page"), ("two", "Another"), ("three", "The last one of them")])
    bar.show()
    lines = []
    for width in (800, 60, 300):
        bar.resize(max(width, bar.minimumSizeHint().width()), bar.heightForWidth(width))
        QTest.qWait(20)
        rooms = [button.geometry() for button in bar.buttons]
        assert all(room.width() >= button.sizeHint().width() for room, button in zip(rooms, bar.buttons))
        assert all(bar.rect().contains(room) for room in rooms)
        assert not any(one.intersects(two) for one, two in zip(rooms, rooms[1:]))
        lines.append(len({room.y() for room in rooms}))
    assert lines == [1, 3, 2]
    bar.deleteLater()


def test_the_page_of_last_time_comes_back(dock, pages, qgis_canvas):
    dock.show_page("two")
    again = InspectorDock(qgis_canvas, [lambda: NotedPage("one"), lambda: NotedPage("two")])
    assert again.tabs.currentIndex() == 1
    dock.show_page("one")
    again.release()
    again.deleteLater()


def test_closing_is_remembered_and_gives_the_map_back(dock, qgis_canvas):
    remember(OPEN, True)
    dock.pointer.setChecked(True)
    dock.close()
    assert remembered(OPEN, True) is False
    assert qgis_canvas.mapTool() is not dock.tool


def furniture(canvas):
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    return (len(QApplication.allWidgets()), len(canvas.scene().items()),
            QgsApplication.taskManager().countActiveTasks())


def test_ten_docks_leave_nothing(qgis_canvas, qgis_new_project, tmp_path):
    from earthprint.ui.inspector.tabs import tabs

    add_field(tmp_path)
    counts = []
    for _ in range(11):
        dock = InspectorDock(qgis_canvas, tabs())
        dock.show()
        dock.pointer.setChecked(True)
        for index in range(dock.tabs.count()):
            dock.tabs.setCurrentIndex(index)
            move(qgis_canvas, 50, 50 + index)
            click(qgis_canvas, 100, 100)
        dock.release()
        dock.deleteLater()
        del dock
        wait_until(lambda: QgsApplication.taskManager().countActiveTasks() == 0)
        counts.append(furniture(qgis_canvas))
    assert counts[-1] == counts[0]
