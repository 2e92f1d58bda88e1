"""Labelling by clicks in the dock, with a real canvas: the file holds the clicks, the map what the engine says."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("qgis.gui")
from inspected_layers import (
    COLUMNS,
    LEFT,
    ROWS,
    SIDE,
    TOP,
    add_field,
    add_table,
    click,
    field_values,
    wait_until,
)
from osgeo import ogr
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QCoreApplication, QEvent, Qt
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QDialog

from earthprint.engine.errors import Cancelled
from earthprint.engine.inspecting.likelihood import background_of, fit_classes, likelihood
from earthprint.engine.inspecting.nearby import width_of
from earthprint.engine.inspecting.suggestions import different_places
from earthprint.engine.inspecting.view import FieldView
from earthprint.engine.progress import Silent
from earthprint.ui.inspector import examples_work
from earthprint.ui.inspector.dock import InspectorDock
from earthprint.ui.inspector.examples_page import ExamplesPage

UTM = QgsCoordinateReferenceSystem("EPSG:32632")
ALT = Qt.KeyboardModifier.AltModifier


def settled(canvas):
    return canvas.mapSettings().outputSize() == canvas.viewport().size()


@pytest.fixture
def canvas(qgis_app, qgis_new_project):
    made = QgsMapCanvas()
    made.resize(420, 320)
    made.show()
    made.setDestinationCrs(UTM)
    assert wait_until(lambda: settled(made))
    made.setExtent(QgsRectangle(LEFT, TOP - ROWS * SIDE, LEFT + COLUMNS * SIDE, TOP))
    QTest.qWait(20)
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def dock(canvas):
    made = InspectorDock(canvas, [ExamplesPage])
    made.show()
    made.pointer.setChecked(True)
    yield made
    if not sip.isdeleted(made):
        made.release()
        made.deleteLater()


@pytest.fixture
def controller(dock):
    return dock.page("examples").controller


@pytest.fixture
def widget(dock):
    return dock.page("examples").widget()


@pytest.fixture
def field(dock, tmp_path):
    layer = add_field(tmp_path)
    dock.layers.setLayer(layer)
    return layer


def rest(dock, controller):
    """Wait until nothing is at work."""
    def resting():
        return not (dock.session.opening() or controller.looks.busy() or controller.suggesting.busy()
                    or dock.session._settling.isActive())

    assert wait_until(resting) and wait_until(resting)


def pixel_of(canvas, column, row):
    """Return the pixel over the middle of a cell."""
    place = QgsPointXY(LEFT + (column + 0.5) * SIDE, TOP - (row + 0.5) * SIDE)
    to_map = QgsCoordinateTransform(UTM, canvas.mapSettings().destinationCrs(), QgsProject.instance())
    pixel = canvas.getCoordinateTransform().transform(to_map.transform(place))
    return int(pixel.x()), int(pixel.y())


def place_of(canvas, pixel):
    """Return the place in UTM that a click on a pixel means."""
    point = canvas.getCoordinateTransform().toMapCoordinates(*pixel)
    return QgsCoordinateTransform(canvas.mapSettings().destinationCrs(), UTM, QgsProject.instance()).transform(point)


def label(dock, controller, canvas, *cells):
    """Click cells, each with the class of its number."""
    places = []
    for number, column, row in cells:
        controller._widget.choose(number)
        pixel = pixel_of(canvas, column, row)
        click(canvas, *pixel)
        places.append(place_of(canvas, pixel))
    rest(dock, controller)
    return places


def in_file(path):
    """Return what stands in the file, read without QGIS."""
    source = ogr.Open(path)
    layer = source.GetLayer("examples")
    return [(row.GetFID(), row.GetField("class"), row.GetField("colour"), row.GetField("x"), row.GetField("y"),
             row.GetGeometryRef().GetX(), row.GetGeometryRef().GetY()) for row in layer]


def expected(dock, canvas, field, cells, labels):
    """Return the engine's block and likelihood for vectors of cells."""
    view = dock.session.view()
    block = FieldView.open(field.source()).read(view.extent, view.width, view.height, Silent())
    values = field_values()
    vectors = np.array([values[:, row, column] for _, column, row in cells])
    return block, vectors, likelihood(block, fit_classes(vectors, labels, block.metric, background_of(block)),
                                      Silent())


CELLS = ((0, 20, 10), (1, 30, 20), (0, 8, 25), (1, 35, 5), (0, 22, 18))


@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:4326", "EPSG:3857"])
def test_the_file_holds_the_clicks_whatever_crs_the_map_has(canvas, dock, controller, widget, field, crs):
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
    rest(dock, controller)
    assert "first place" in widget.sentence.text() and not widget.train.isEnabled()
    places = label(dock, controller, canvas, *CELLS)
    rows = in_file(controller.store.path())
    assert [row[1] for row in rows] == ["Class 1", "Class 2", "Class 1", "Class 2", "Class 1"]
    assert [row[2] for row in rows] == [controller.store.colours()[row[1]] for row in rows]
    for row, place, (_, column, line) in zip(rows, places, CELLS):
        assert row[3:5] == row[5:7] == pytest.approx((place.x(), place.y()), abs=1e-6)
        assert int((row[3] - LEFT) / SIDE) == column and int((TOP - row[4]) / SIDE) == line
    layer = controller.store.layer()
    assert layer.crs() == UTM and layer.featureCount() == 5 and QgsProject.instance().mapLayer(layer.id()) is layer
    assert [(one.value(), one.symbol().color().name()) for one in layer.renderer().categories()] == [
        (one.name, one.colour) for one in controller.store.classes]
    assert [widget.classes.topLevelItem(number).text(2) for number in (0, 1)] == ["3", "2"]
    marks = controller.marks().marks()
    assert [mark.colour for mark in marks] == [row[2] for row in rows]
    for mark, (_, column, line) in zip(marks, CELLS):
        pixel = canvas.getCoordinateTransform().transform(mark.point)
        assert (pixel.x(), pixel.y()) == pytest.approx(pixel_of(canvas, column, line), abs=1.5)


def test_the_map_is_the_likelihood_of_the_engine_and_follows_each_click(canvas, dock, controller, widget, field):
    rest(dock, controller)
    label(dock, controller, canvas, CELLS[0])
    assert "only one class" in widget.sentence.text() and controller.overlay().image() is None
    assert controller.looked().found is None and not widget.train.isEnabled()
    names = ["Class 1", "Class 2", "Class 1", "Class 2", "Class 1"]
    for count in (2, 5):
        label(dock, controller, canvas, *CELLS[len(controller.store.examples):count])
        _, _, told = expected(dock, canvas, field, CELLS[:count], names[:count])
        np.testing.assert_allclose(controller.looked().found.shares, told.shares, atol=1e-6)
    assert "export the layer to keep it" in widget.file.text()
    assert widget.train.isEnabled() and "% of the examples" in widget.accuracy.text()
    image = controller.overlay().image()
    winners, surety = told.winners, told.certainties
    colours = [QColor(controller.store.colours()[name]) for name in told.classes]
    for column, row in ((20, 10), (30, 20), (12, 14), (39, 29)):
        # The block has the cells of the field, and the NaN corner is at its upper left.
        alpha = round(255 * 0.7 * round((0.25 + 0.75 * surety[row, column]) * 64) / 64)
        shown = image.pixelColor(*pixel_of(canvas, column, row))
        assert shown.alpha() == pytest.approx(alpha, abs=1)
        wanted = colours[winners[row, column]]
        assert (shown.red(), shown.green(), shown.blue()) == pytest.approx(
            (wanted.red(), wanted.green(), wanted.blue()), abs=2 + 255 // max(alpha, 1))
    assert image.pixelColor(*pixel_of(canvas, 2, 2)).alpha() == 0
    widget.drawn.setCurrentIndex(widget.drawn.findData(1))
    image = controller.overlay().image()
    for column, row in ((20, 10), (30, 20)):
        alpha = round(255 * 0.7 * round(told.shares[1, row, column] * 64) / 64)
        assert image.pixelColor(*pixel_of(canvas, column, row)).alpha() == pytest.approx(alpha, abs=1)


def test_changes_are_in_the_file_and_taken_back_one_by_one(canvas, dock, controller, widget, field):
    rest(dock, controller)
    label(dock, controller, canvas, *CELLS[:4])
    path, states = controller.store.path(), []

    def step(change):
        states.append((in_file(path), list(controller.store.classes)))
        change()
        rest(dock, controller)
        assert (in_file(path), list(controller.store.classes)) != states[-1]

    def rename():
        item = widget.classes.topLevelItem(0)
        item.setText(1, "Forest")
        assert wait_until(lambda: controller.store.classes[0].name == "Forest")

    def erase():
        click(canvas, *pixel_of(canvas, 30, 20), ALT)

    def delete():
        widget.choose(0)
        QTest.mouseClick(widget.remove, Qt.MouseButton.LeftButton)

    step(rename)
    assert [row[1] for row in in_file(path)] == ["Forest", "Class 2", "Forest", "Class 2"]
    step(lambda: widget.recolour_requested.emit(0, "#123456"))
    assert [row[2] for row in in_file(path)][0] == "#123456"
    assert controller.marks().marks()[0].colour == "#123456"
    step(erase)
    assert [row[0] for row in in_file(path)] == [1, 3, 4]
    step(delete)
    assert [(row[0], row[1]) for row in in_file(path)] == [(4, "Class 2")]
    step(lambda: QTest.mouseClick(widget.add, Qt.MouseButton.LeftButton))
    assert len(controller.store.classes) == 2 and widget.current() == 1
    for state in reversed(states):
        QTest.mouseClick(widget.undo, Qt.MouseButton.LeftButton)
        rest(dock, controller)
        assert (in_file(path), list(controller.store.classes)) == state
    for left in (3, 2, 1, 0):
        QTest.keyClick(canvas, Qt.Key.Key_Backspace)
        assert len(in_file(path)) == left
    rest(dock, controller)
    assert not widget.undo.isEnabled() and controller.overlay().image() is None


def test_a_taken_name_is_refused_in_words(canvas, dock, controller, widget, field):
    rest(dock, controller)
    widget.classes.topLevelItem(0).setText(1, "Class 2")
    assert wait_until(lambda: "already" in widget.sentence.text())
    assert widget.classes.topLevelItem(0).text(1) == "Class 1"


def test_digits_choose_classes_on_map_and_page(canvas, dock, controller, widget, field):
    rest(dock, controller)
    QTest.keyClick(canvas, Qt.Key.Key_2)
    assert widget.current() == 1
    QTest.keyClick(canvas, Qt.Key.Key_7)
    assert widget.current() == 1
    widget.activateWindow()
    widget.classes.setFocus()
    QTest.keyClick(widget.classes, Qt.Key.Key_1)
    assert wait_until(lambda: widget.current() == 0, 2)


def test_suggestions_are_apart_marked_and_jumped_to(canvas, dock, controller, widget, field):
    rest(dock, controller)
    label(dock, controller, canvas, *CELLS)
    labels = ["Class 1", "Class 2", "Class 1", "Class 2", "Class 1"]
    block, vectors, told = expected(dock, canvas, field, CELLS, labels)
    found = [one.place for one in controller.suggested()]
    assert len(found) == 5 == widget.suggestions.count()
    first = [told.classes[number] for number in np.argsort(-told.shares[:, int((TOP - found[0].y) / SIDE),
                                                                        int((found[0].x - LEFT) / SIDE)])]
    assert widget.suggestions.item(0).text() == "#1  {} or {}? (doubt {:.2f})".format(*first, found[0].score)
    doubt = 1 - told.certainties
    xs, ys = np.meshgrid(block.xs, block.ys)
    apart, near = COLUMNS * SIDE / 12, COLUMNS * SIDE / 36
    for place in controller.looked().places:
        doubt[np.hypot(xs - place[0], ys - place[1]) < near] = np.nan
    for place in found:
        row, column = np.unravel_index(np.nanargmax(doubt), doubt.shape)
        assert place.score == pytest.approx(doubt[row, column], abs=1e-6)
        assert (place.x, place.y) == (block.xs[column], block.ys[row])
        doubt[np.hypot(xs - place.x, ys - place.y) < apart * 1.001] = np.nan
    widget.kind.setCurrentIndex(1)
    rest(dock, controller)
    far = different_places(block, vectors, 5, width_of(block.extent, block.wkt) / 12, Silent())
    assert [(one.place.x, one.place.y) for one in controller.suggested()] == [(one.x, one.y) for one in far]
    widget.suggestions.itemClicked.emit(widget.suggestions.item(2))
    QTest.qWait(50)
    middle = place_of(canvas, (canvas.viewport().width() // 2, canvas.viewport().height() // 2))
    assert (middle.x(), middle.y()) == pytest.approx((far[2].x, far[2].y), abs=SIDE / 2)
    rest(dock, controller)
    # The numbers stay with their places until something is labelled.
    assert [(one.place.x, one.place.y) for one in controller.suggested()] == [(one.x, one.y) for one in far]
    widget.kind.setCurrentIndex(0)


def test_quiet_sentences(canvas, dock, controller, widget, tmp_path):
    assert widget.sentence.text() == "" and "Choose a layer" in dock.line.text()
    click(canvas, 50, 50)
    table, _ = add_table(tmp_path, memory=True)
    dock.layers.setLayer(table)
    rest(dock, controller)
    assert "is a table" in widget.sentence.text()
    click(canvas, 50, 50)
    layer = add_field(tmp_path)
    dock.layers.setLayer(layer)
    rest(dock, controller)
    canvas.zoomByFactor(2.0)
    rest(dock, controller)
    click(canvas, 3, 3)
    assert "outside of “field”" in widget.sentence.text() and controller.store.examples == []
    label(dock, controller, canvas, (0, 2, 2))
    assert "One example lies where there is no data" in widget.sentence.text()
    click(canvas, *pixel_of(canvas, 30, 25), ALT)
    assert "no example near" in widget.sentence.text() and len(controller.store.examples) == 1
    canvas.setExtent(QgsRectangle(LEFT + 5000, TOP, LEFT + 6000, TOP + 900))
    rest(dock, controller)
    assert "outside of the visible map" in widget.sentence.text()


def test_training_is_filled_in(canvas, dock, controller, widget, field, provider, monkeypatch, tmp_path):
    import processing

    opened = []

    def remember(algorithm, parameters):
        opened.append((algorithm, parameters))
        return QDialog()

    monkeypatch.setattr(processing, "createAlgorithmDialog", remember)
    rest(dock, controller)
    label(dock, controller, canvas, *CELLS)
    QTest.mouseClick(widget.train, Qt.MouseButton.LeftButton)
    algorithm, parameters = opened[0]
    assert controller._dialogs[0].isVisible()
    assert (algorithm, parameters) == ("earthprint:trainclassification", {
        "INPUT": controller.store.layer().id(), "TARGET": "class", "EMBEDDINGS": field.id()})
    label(dock, controller, canvas, *((number % 2, 6 + 3 * number, 4 + 2 * number) for number in range(11)))
    more = {"OUTPUT": str(tmp_path / "p.onnx"), "PREDICTIONS": str(tmp_path / "p.gpkg"), "FOLDS": "random"}
    done = processing.run(algorithm, {**parameters, **more})
    rows = ogr.Open(done["PREDICTIONS"])
    assert rows.GetLayer(0).GetFeatureCount() == 16


def test_a_saved_project_keeps_the_file_beside_it_and_takes_it_up_again(canvas, dock, controller, widget, tmp_path):
    project = QgsProject.instance()
    field = add_field(tmp_path)
    assert project.write(str(tmp_path / "town.qgz"))
    dock.layers.setLayer(field)
    rest(dock, controller)
    label(dock, controller, canvas, *CELLS)
    widget.classes.topLevelItem(0).setText(1, "Forest")
    assert wait_until(lambda: controller.store.classes[0].name == "Forest")
    QTest.mouseClick(widget.add, Qt.MouseButton.LeftButton)
    path = controller.store.path()
    assert widget.file.text() == "Written to " + path
    assert Path(path) == tmp_path / "town_examples.gpkg"
    classes = list(controller.store.classes)
    assert project.write() and len(classes) == 3
    project.clear()
    assert controller.store.examples == [] and len(controller.store.classes) == 2
    assert project.read(str(tmp_path / "town.qgz"))
    assert controller.store.classes == classes and len(controller.store.examples) == 5
    assert not widget.undo.isEnabled()
    project.removeMapLayer(controller.store.layer().id())
    assert controller.store.examples == [] and Path(path).is_file()
    dock.layers.setLayer(project.mapLayersByName("field")[0])
    rest(dock, controller)
    label(dock, controller, canvas, (0, 15, 15))
    assert controller.store.path() == path and len(in_file(path)) == 6 == len(controller.store.examples)


def test_a_project_that_ends_while_the_page_rests_keeps_its_places(canvas, dock, controller, widget, field):
    rest(dock, controller)
    label(dock, controller, canvas, *CELLS[:2])
    path = controller.store.path()
    dock.hide()
    assert controller.overlay() is None
    QgsProject.instance().clear()
    dock.show()
    assert (controller.store.examples, controller.store.path()) == ([], "") and len(in_file(path)) == 2
    assert not widget.undo.isEnabled() and widget.classes.topLevelItem(0).text(2) == "0"


def test_what_is_edited_in_qgis_counts_here(canvas, dock, controller, widget, field):
    rest(dock, controller)
    label(dock, controller, canvas, *CELLS)
    layer = controller.store.layer()
    assert layer.startEditing()
    click(canvas, *pixel_of(canvas, 12, 12))
    assert "being edited" in widget.sentence.text()
    assert layer.deleteFeature(controller.store.examples[0].fid) and layer.commitChanges()
    rest(dock, controller)
    assert len(controller.store.examples) == 4 == len(in_file(controller.store.path()))


@pytest.fixture
def slow(monkeypatch):
    """Make the look wait until it is let go."""
    gate, entered = threading.Event(), threading.Event()
    fit = examples_work.fit_classes

    def wait(*given):
        entered.set()
        if not gate.wait(5):
            raise Cancelled()
        return fit(*given)

    monkeypatch.setattr(examples_work, "fit_classes", wait)
    yield entered, gate
    gate.set()


@pytest.mark.parametrize("end", ["layer", "project", "crs", "release"])
def test_an_end_while_busy_leaves_nothing(canvas, dock, controller, widget, field, slow, end):
    entered, gate = slow
    rest(dock, controller)
    for number, column, row in CELLS[:2]:
        widget.choose(number)
        click(canvas, *pixel_of(canvas, column, row))
    assert wait_until(entered.is_set)
    if end == "layer":
        QgsProject.instance().removeMapLayer(field.id())
    elif end == "project":
        QgsProject.instance().clear()
    elif end == "crs":
        field.setCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
    else:
        dock.release()
    gate.set()
    wait_until(lambda: not QgsApplication.taskManager().countActiveTasks())
    QTest.qWait(100)
    if end in ("layer", "project"):
        assert controller.overlay().image() is None and dock.session.subject is None
        assert not controller.looks.busy() and controller.suggested() == ()
        assert len(controller.store.examples) == (2 if end == "layer" else 0)
    if end == "release":
        assert controller.overlay() is None and controller.marks() is None


def test_release_leaves_nothing_on_the_canvas_and_no_objects(canvas, tmp_path):
    items = len(canvas.scene().items())
    layer = add_field(tmp_path)
    for turn in range(3):
        dock = InspectorDock(canvas, [ExamplesPage])
        dock.show()
        dock.pointer.setChecked(True)
        dock.layers.setLayer(layer)
        controller = dock.page("examples").controller
        rest(dock, controller)
        label(dock, controller, canvas, *CELLS[:2])
        # Each dock takes up the examples of the one before.
        assert len(controller.store.examples) == 2 * (turn + 1) and len(canvas.scene().items()) > items + 1
        dock.release()
        dock.deleteLater()
        del dock, controller
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        assert len(canvas.scene().items()) == items
        assert wait_until(lambda: not left_over()), left_over()


def left_over():
    """Name what of the page is still in memory."""
    gc.collect()
    kinds = ("ClassOverlay", "ClassMarks", "ExamplesController", "ExampleStore", "DigitKeys", "LabelledField")
    return sorted(type(one).__name__ for one in gc.get_objects() if type(one).__name__ in kinds)
