"""Live similarity in the dock, with a real canvas and real clicks: what is drawn equals what the search writes."""

from __future__ import annotations

import gc
import threading

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
    move,
    wait_until,
    write_field,
)
from osgeo import gdal
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QPoint, Qt
from qgis.PyQt.QtTest import QTest

from earthprint.engine.errors import Cancelled
from earthprint.engine.inspecting import live_similarity, view
from earthprint.ui.inspector.dock import InspectorDock
from earthprint.ui.inspector.similarity_page import SimilarityPage
from earthprint.ui.inspector.similarity_widget import COUNTER

PLAIN, SHIFT, ALT = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier,
                     Qt.KeyboardModifier.AltModifier)


def settle_size(canvas):
    """Wait until the map has taken the size of its widget, which QGIS lets it do a little later."""
    assert wait_until(lambda: canvas.mapSettings().outputSize() == canvas.viewport().size())


@pytest.fixture
def canvas(qgis_app, qgis_new_project):
    made = QgsMapCanvas()
    made.resize(420, 320)
    made.show()
    made.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32632"))
    settle_size(made)
    made.setExtent(QgsRectangle(LEFT, TOP - ROWS * SIDE, LEFT + COLUMNS * SIDE, TOP))
    QTest.qWait(20)
    yield made
    made.close()
    made.deleteLater()


@pytest.fixture
def dock(canvas):
    made = InspectorDock(canvas, [SimilarityPage])
    made.show()
    made.pointer.setChecked(True)
    yield made
    if not sip.isdeleted(made):
        made.release()
        made.deleteLater()


@pytest.fixture
def controller(dock):
    return dock.page("similarity").controller


@pytest.fixture
def widget(dock):
    return dock.page("similarity").widget()


@pytest.fixture
def field(dock, tmp_path):
    layer = add_field(tmp_path)
    dock.layers.setLayer(layer)
    return layer


def rest(dock, controller):
    """Wait until nothing is at work."""
    works = (controller.pictures, controller.givens, controller.scores)

    def resting():
        return not dock.session.opening() and not any(work.busy() for work in works) and not settling(dock)

    assert wait_until(resting) and wait_until(resting)


def settling(dock):
    return dock.session._settling.isActive()


def pixel_of(canvas, column, row):
    """Return the pixel over the middle of a cell."""
    place = QgsPointXY(LEFT + (column + 0.5) * SIDE, TOP - (row + 0.5) * SIDE)
    to_map = QgsCoordinateTransform(QgsCoordinateReferenceSystem("EPSG:32632"), canvas.mapSettings().destinationCrs(),
                                    QgsProject.instance())
    pixel = canvas.getCoordinateTransform().transform(to_map.transform(place))
    return int(pixel.x()), int(pixel.y())


def drawn(canvas, controller):
    """Return the scores that lie over the middles of all cells."""
    overlay = controller.overlay()
    return np.array([[overlay.score_at(*pixel_of(canvas, column, row)) for column in range(COLUMNS)]
                     for row in range(ROWS)])


def cosines(vectors, query):
    """Return cosines of `(dims, …)` with one vector."""
    with np.errstate(invalid="ignore"):
        return np.tensordot(query / np.linalg.norm(query), vectors, 1) / np.linalg.norm(vectors, axis=0)


def close(found, expected):
    np.testing.assert_allclose(found, expected, atol=2e-6)


def written(layer):
    return gdal.Open(layer.source()).ReadAsArray()


def keep(controller, widget):
    """Keep the result and return its layer."""
    layers = []
    controller.keeper.kept.connect(layers.append)
    QTest.mouseClick(widget.keep, Qt.MouseButton.LeftButton)
    assert wait_until(lambda: layers or (widget.outcome.text() and not controller.keeper.busy()), 60)
    controller.keeper.kept.disconnect(layers.append)
    assert layers, widget.outcome.text()
    return layers[0]


def drag(canvas, start, end, modifiers=PLAIN):
    view = canvas.viewport()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, modifiers, QPoint(*start))
    for share in (0.3, 0.7, 1.0):
        move(canvas, *(int(a + share * (b - a)) for a, b in zip(start, end)), buttons=Qt.MouseButton.LeftButton)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, modifiers, QPoint(*end))


# ---- a field under the pointer


def test_hover_draws_the_similarity_to_the_place_under_the_pointer(canvas, dock, controller, widget, field):
    rest(dock, controller)
    for column, row in ((20, 10), (33, 25)):
        move(canvas, *pixel_of(canvas, column, row))
        rest(dock, controller)
        values = field_values()
        close(drawn(canvas, controller), cosines(values, values[:, row, column]))
        assert widget.here.text() == "Here: 1.000"
    assert widget.sentence.text() == "Similar to the place under the pointer."
    assert not widget.keep.isEnabled()


def test_hover_does_not_queue_up_work(canvas, dock, controller, field):
    rest(dock, controller)
    before = controller.scores.counts.started
    for step in range(60):
        move(canvas, 100 + 3 * step, 150)
        assert controller.scores.waiting() <= 1
    rest(dock, controller)
    counts = controller.scores.counts
    assert counts.asked >= 60 and counts.started - before <= 20
    values = field_values()
    pixel = QgsPointXY(100 + 3 * 59, 150)
    place = canvas.getCoordinateTransform().toMapCoordinates(int(pixel.x()), int(pixel.y()))
    column, row = int((place.x() - LEFT) / SIDE), int((TOP - place.y()) / SIDE)
    close(drawn(canvas, controller), cosines(values, values[:, row, column]))


def test_a_click_holds_and_the_box_lets_go(canvas, dock, controller, widget, field):
    rest(dock, controller)
    click(canvas, *pixel_of(canvas, 20, 10))
    rest(dock, controller)
    values = field_values()
    held = cosines(values, values[:, 10, 20])
    move(canvas, *pixel_of(canvas, 7, 28))
    rest(dock, controller)
    close(drawn(canvas, controller), held)
    assert widget.here.text() == "Here: {:.3f}".format(held[28, 7]).replace("-", "−")
    assert not widget.follow.isChecked() and widget.examples.count() == 1
    assert dock.session.place.x == pytest.approx(LEFT + 205, abs=SIDE)
    QTest.mouseClick(widget.follow, Qt.MouseButton.LeftButton, PLAIN, QPoint(8, widget.follow.height() // 2))
    rest(dock, controller)
    close(drawn(canvas, controller), cosines(values, values[:, 28, 7]))


def test_shift_adds_and_alt_subtracts(canvas, dock, controller, widget, field):
    before = len(canvas.scene().items())
    rest(dock, controller)
    click(canvas, *pixel_of(canvas, 20, 10))
    click(canvas, *pixel_of(canvas, 30, 12), SHIFT)
    click(canvas, *pixel_of(canvas, 10, 20), ALT)
    rest(dock, controller)
    values = field_values()
    mean = (values[:, 10, 20] + values[:, 12, 30]) / 2
    close(drawn(canvas, controller), cosines(values, mean - 0.5 * values[:, 20, 10]))
    assert [one.counter for one in controller.examples] == [False, False, True]
    assert widget.examples.item(2).text().startswith("Not: ")
    assert len(canvas.scene().items()) == before + 3
    widget.mode.setCurrentIndex(widget.mode.findData(COUNTER))
    click(canvas, *pixel_of(canvas, 11, 21))
    assert [one.counter for one in controller.examples] == [False, False, True, True]
    widget.mode.setCurrentIndex(0)
    widget.examples.item(1).setSelected(True)
    widget.examples.item(3).setSelected(True)
    QTest.mouseClick(widget.remove, Qt.MouseButton.LeftButton)
    rest(dock, controller)
    close(drawn(canvas, controller), cosines(values, values[:, 10, 20] - 0.5 * values[:, 20, 10]))
    QTest.mouseClick(widget.clear, Qt.MouseButton.LeftButton)
    rest(dock, controller)
    assert widget.examples.count() == 0 and widget.follow.isChecked() and controller.overlay().image() is None
    assert len(canvas.scene().items()) == before


def test_a_counter_example_counts_while_the_pointer_is_followed(canvas, dock, controller, field):
    rest(dock, controller)
    click(canvas, *pixel_of(canvas, 10, 20), ALT)
    move(canvas, *pixel_of(canvas, 30, 12))
    rest(dock, controller)
    values = field_values()
    close(drawn(canvas, controller), cosines(values, values[:, 12, 30] - 0.5 * values[:, 20, 10]))


def test_a_box_counts_by_its_mean_and_is_kept_as_drawn(canvas, dock, controller, widget, field, provider):
    rest(dock, controller)
    start, end = pixel_of(canvas, 10, 8), pixel_of(canvas, 15, 13)
    drag(canvas, start, end)
    rest(dock, controller)
    values = field_values()
    corners = [canvas.getCoordinateTransform().toMapCoordinates(*corner) for corner in (start, end)]
    west, east = sorted(corner.x() for corner in corners)
    south, north = sorted(corner.y() for corner in corners)
    x, y = LEFT + (np.arange(COLUMNS) + 0.5) * SIDE, TOP - (np.arange(ROWS) + 0.5) * SIDE
    inside = ((y > south) & (y < north))[:, None] & ((x > west) & (x < east))[None]
    assert 16 <= inside.sum() <= 36
    expected = cosines(values, values[:, inside].mean(axis=1))
    close(drawn(canvas, controller), expected)
    click(canvas, *pixel_of(canvas, 30, 12), SHIFT)
    click(canvas, *pixel_of(canvas, 33, 3), ALT)
    drag(canvas, pixel_of(canvas, 20, 20), pixel_of(canvas, 24, 26), ALT)
    rest(dock, controller)
    call = controller.call()
    assert call.algorithm == "earthprint:similarityraster" and call.parameters["METHOD"] == "rocchio"
    assert {"EXAMPLES", "COORDINATES", "COUNTEREXAMPLES"} < set(call.parameters)
    assert [layer.featureCount() for layer in call.layers] == [1, 2]
    close(drawn(canvas, controller), written(keep(controller, widget)))


# ---- keeping


@pytest.mark.parametrize("counter", [False, True])
def test_what_is_kept_equals_what_is_drawn(canvas, dock, controller, widget, field, provider, counter):
    rest(dock, controller)
    click(canvas, *pixel_of(canvas, 20, 10))
    click(canvas, *pixel_of(canvas, 30, 12), SHIFT)
    if counter:
        click(canvas, *pixel_of(canvas, 12, 25), ALT)
    rest(dock, controller)
    seen = drawn(canvas, controller)
    assert np.isfinite(seen).sum() == ROWS * COLUMNS - 25
    layer = keep(controller, widget)
    close(seen, written(layer))
    assert isinstance(layer, QgsRasterLayer) and layer.name() == "Similarity in field"
    assert QgsProject.instance().mapLayer(layer.id()) is not None
    assert layer.renderer().type() == "singlebandpseudocolor"
    assert "was added to the project" in widget.outcome.text() and widget.keep.isEnabled()


def test_keeping_survives_another_page_and_ends_with_the_dock(canvas, dock, controller, widget, field, provider):
    rest(dock, controller)
    click(canvas, *pixel_of(canvas, 20, 10))
    rest(dock, controller)
    before = set(QgsProject.instance().mapLayers())
    widget.keep_requested.emit()
    assert controller.keeper.busy()
    dock.page("similarity").stop()
    assert wait_until(lambda: not controller.keeper.busy(), 60)
    assert len(set(QgsProject.instance().mapLayers()) - before) == 1
    dock.page("similarity").start(dock.session, dock.tool)
    rest(dock, controller)
    widget.keep_requested.emit()
    dock.release()
    dock.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    wait_until(lambda: not QgsApplication.taskManager().countActiveTasks(), 60)
    QTest.qWait(50)
    assert len(set(QgsProject.instance().mapLayers()) - before) == 1


def test_the_toolbox_gets_the_same_parameters(canvas, dock, controller, widget, field, provider, monkeypatch):
    import processing

    opened = []
    monkeypatch.setattr(processing, "createAlgorithmDialog", lambda *call: opened.append(call), raising=False)
    rest(dock, controller)
    click(canvas, *pixel_of(canvas, 20, 10))
    click(canvas, *pixel_of(canvas, 12, 25), ALT)
    rest(dock, controller)
    widget.toolbox_requested.emit()
    (algorithm, parameters), = opened
    assert algorithm == "earthprint:similarityraster" and parameters["INPUT"] == field.id()
    layer = QgsProject.instance().mapLayer(parameters["COUNTEREXAMPLES"])
    assert layer.featureCount() == 1 and layer.name() == "Counter-examples of field"
    found = processing.run(algorithm, {**parameters, "OUTPUT": "TEMPORARY_OUTPUT"})
    close(drawn(canvas, controller), gdal.Open(found["OUTPUT"]).ReadAsArray())


# ---- tables


@pytest.mark.parametrize("memory", [True, False])
def test_a_table_is_drawn_and_kept_by_its_rows(canvas, dock, controller, widget, tmp_path, provider, memory):
    layer, vectors = add_table(tmp_path, memory)
    dock.layers.setLayer(layer)
    rest(dock, controller)

    def over(row):
        return pixel_of(canvas, 1 + 3 * row, 15)

    move(canvas, *over(4))
    rest(dock, controller)
    seen = [controller.overlay().score_at(*over(row)) for row in range(12)]
    close(seen, vectors @ vectors[4])
    assert np.isnan(controller.overlay().score_at(*pixel_of(canvas, 5, 5)))
    click(canvas, *over(7))
    click(canvas, *over(2), ALT)
    rest(dock, controller)
    query = vectors[7] - 0.5 * vectors[2]
    seen = [controller.overlay().score_at(*over(row)) for row in range(12)]
    close(seen, vectors @ query / np.linalg.norm(query))
    kept = keep(controller, widget)
    assert isinstance(kept, QgsVectorLayer)
    close([feature["similarity"] for feature in kept.getFeatures()], seen)
    move(canvas, *pixel_of(canvas, 5, 5))
    QTest.mouseClick(widget.clear, Qt.MouseButton.LeftButton)
    move(canvas, *pixel_of(canvas, 5, 5))
    rest(dock, controller)
    assert widget.sentence.text() == "“table” has no feature at this place."
    assert layer.renderer().type() == "singleSymbol"


# ---- quiet sentences


def test_no_layer_and_odd_places_are_sentences(canvas, dock, controller, widget, tmp_path):
    click(canvas, 100, 100)
    assert widget.examples.count() == 0 and dock.line.text() == "Choose a layer with embeddings."
    path = write_field(tmp_path / "odd.tif")
    dataset = gdal.Open(path, gdal.GA_Update)
    for band in range(1, dataset.RasterCount + 1):
        dataset.GetRasterBand(band).WriteArray(np.zeros((2, 2), np.float32), 20, 20)
    del dataset
    layer = QgsRasterLayer(path, "odd")
    QgsProject.instance().addMapLayer(layer)
    dock.layers.setLayer(layer)
    rest(dock, controller)
    canvas.zoomByFactor(1.5)
    rest(dock, controller)
    for cell, sentence in (((2, 2), "There is no data at this place."), ((-3, 10), "This place is outside of “odd”."),
                           ((20, 20), "The vector at this place is all zeros, which is like nothing.")):
        move(canvas, *pixel_of(canvas, *cell))
        rest(dock, controller)
        assert widget.sentence.text() == sentence
        assert controller.overlay().image() is None
    click(canvas, *pixel_of(canvas, 20, 20))
    rest(dock, controller)
    assert widget.sentence.text().startswith("None of the examples lies on valid ground")
    widget.clear_requested.emit()
    canvas.setExtent(QgsRectangle(0, 0, 100, 100))
    rest(dock, controller)
    assert "lies outside of the visible map" in widget.sentence.text()
    widget.features_requested.emit()
    assert widget.sentence.text() == "Select one or more features of a layer first."


def test_selected_polygons_of_another_crs_are_examples(canvas, dock, controller, widget, field, provider):
    rest(dock, controller)
    shape = QgsGeometry.fromRect(QgsRectangle(LEFT + 101, TOP - 198, LEFT + 158, TOP - 142))
    shape.transform(QgsCoordinateTransform(QgsCoordinateReferenceSystem("EPSG:32632"),
                                           QgsCoordinateReferenceSystem("EPSG:4326"), QgsProject.instance()))
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326", "parcels", "memory")
    feature = QgsFeature()
    feature.setGeometry(shape)
    layer.dataProvider().addFeatures([feature])
    QgsProject.instance().addMapLayer(layer)
    layer.selectAll()
    QTest.mouseClick(widget.features, Qt.MouseButton.LeftButton)
    rest(dock, controller)
    assert widget.examples.item(0).text().startswith("parcels, at ")
    values = field_values()
    expected = cosines(values, values[:, 14:20, 10:16].reshape(6, -1).mean(axis=1))
    close(drawn(canvas, controller), expected)
    close(expected, written(keep(controller, widget)))


def test_a_map_in_another_crs(canvas, dock, controller, field):
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    transform = QgsCoordinateTransform(field.crs(), QgsCoordinateReferenceSystem("EPSG:4326"), QgsProject.instance())
    canvas.setExtent(transform.transformBoundingBox(field.extent()))
    rest(dock, controller)
    click(canvas, *pixel_of(canvas, 20, 10))
    rest(dock, controller)
    values = field_values()
    close(drawn(canvas, controller), cosines(values, values[:, 10, 20]))
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    rest(dock, controller)
    close(drawn(canvas, controller), cosines(values, values[:, 10, 20]))


def test_examples_follow_to_another_layer(canvas, dock, controller, field, tmp_path):
    rest(dock, controller)
    click(canvas, *pixel_of(canvas, 20, 10))
    rest(dock, controller)
    dock.layers.setLayer(add_field(tmp_path, "second", seed=2))
    rest(dock, controller)
    values = field_values(seed=2)
    close(drawn(canvas, controller), cosines(values, values[:, 10, 20]))


# ---- looks


def test_ramp_opacity_and_threshold_reach_the_map_and_are_remembered(canvas, dock, controller, widget, field):
    rest(dock, controller)
    click(canvas, *pixel_of(canvas, 20, 10))
    rest(dock, controller)
    widget.ramp.setCurrentIndex(widget.ramp.findData("inferno"))
    widget.opacity.setValue(60)
    widget.threshold_slider.setValue(450)
    widget.threshold_slider.setValue(500)
    values = field_values()
    scores = cosines(values, values[:, 10, 20])
    image = controller.overlay().image()
    for column, row in ((20, 10), (21, 11), (8, 20), (30, 5)):
        alpha = image.pixelColor(*pixel_of(canvas, column, row)).alpha()
        assert alpha == (153 if scores[row, column] >= 0.5 else 0)
    assert widget.legend.low.text() == "0.500"
    again = SimilarityPage()
    style = again.widget().overlay_style()
    assert (style.ramp, style.opacity, style.threshold) == ("inferno", 0.6, 0.5)
    again.widget().deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    widget.hide_below.setChecked(False)
    widget.ramp.setCurrentIndex(0)
    widget.opacity.setValue(80)


def test_a_large_extent_without_overviews_offers_to_make_them(canvas, dock, controller, widget, field, monkeypatch):
    monkeypatch.setattr(view, "_MUCH_BYTES", 1000)
    canvas.resize(40, 30)
    QTest.qWait(20)
    settle_size(canvas)
    canvas.zoomByFactor(4.0)
    rest(dock, controller)
    dock.session.view_changed.emit()
    rest(dock, controller)
    assert widget.make_overviews.isVisibleTo(widget) and "Zoom in, or make them" in widget.overview_sentence.text()
    assert controller.overlay().image() is None
    QTest.mouseClick(widget.make_overviews, Qt.MouseButton.LeftButton)
    assert wait_until(lambda: not controller.overviews.busy(), 30)
    rest(dock, controller)
    assert not widget.make_overviews.isVisibleTo(widget), widget.overview_sentence.text()
    assert gdal.Open(field.source()).GetRasterBand(1).GetOverviewCount() > 0


# ---- ends


@pytest.fixture
def slow(monkeypatch):
    """Make scoring wait until it is cancelled or let go."""
    gate, entered = threading.Event(), threading.Event()
    scored = live_similarity.FieldPicture.scored

    def wait(picture, query):
        entered.set()
        if not gate.wait(5):
            raise Cancelled()
        return scored(picture, query)

    monkeypatch.setattr(live_similarity.FieldPicture, "scored", wait)
    yield entered, gate
    gate.set()


@pytest.mark.parametrize("end", ["layer", "project", "crs", "release"])
def test_an_end_while_busy_leaves_nothing(canvas, dock, controller, widget, field, slow, end):
    entered, gate = slow
    rest(dock, controller)
    move(canvas, *pixel_of(canvas, 20, 10))
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
        assert widget.examples.count() == 0 and not controller.scores.busy()
    if end == "release":
        assert controller.overlay() is None


def test_release_leaves_no_item_on_the_canvas_and_no_objects(canvas, tmp_path):
    items = len(canvas.scene().items())
    layer = add_field(tmp_path)

    def once():
        dock = InspectorDock(canvas, [SimilarityPage])
        dock.show()
        dock.pointer.setChecked(True)
        dock.layers.setLayer(layer)
        controller = dock.page("similarity").controller
        rest(dock, controller)
        click(canvas, *pixel_of(canvas, 20, 10))
        click(canvas, *pixel_of(canvas, 25, 10), ALT)
        rest(dock, controller)
        assert len(canvas.scene().items()) == items + 3
        dock.release()
        dock.deleteLater()

    for _ in range(3):
        once()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()
        assert len(canvas.scene().items()) == items
        # What was at work when the dock went may end a little later.
        assert wait_until(lambda: not left_over()), left_over()


def left_over():
    """Name what of live similarity is still in memory."""
    gc.collect()
    kinds = ("ScoreOverlay", "SimilarityController", "ViewBlock", "LiveField")
    return sorted(type(one).__name__ for one in gc.get_objects() if type(one).__name__ in kinds)
