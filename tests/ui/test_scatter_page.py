"""The plane of embeddings with real clicks: points where the engine puts them, a lasso that takes those inside."""

from __future__ import annotations

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
    field_values,
    shown_canvas,
    wait_until,
)
from osgeo import gdal
from qgis.core import (
    QgsApplication,
    QgsCategorizedSymbolRenderer,
    QgsCoordinateReferenceSystem,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsRendererCategory,
    QgsSymbol,
)
from qgis.PyQt.QtCore import QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtTest import QTest
from qt_hand import drag, hover

from earthprint.engine.inspecting.plane import plane_of_field
from earthprint.engine.progress import Silent
from earthprint.ui.canvas.marked_places import MarkedPlaces
from earthprint.ui.inspector.dock import InspectorDock
from earthprint.ui.inspector.remembered import remember
from earthprint.ui.inspector.scatter_page import ScatterPage
from earthprint.ui.inspector.session import Place


@pytest.fixture
def canvas(qgis_app):
    with shown_canvas() as made:
        yield made


@pytest.fixture
def dock(canvas, qgis_new_project):
    for name, value in (("plane", "pca"), ("count", 20_000), ("drag", "lasso"), ("colour", "")):
        remember("scatter/" + name, value)
    made = InspectorDock(canvas, [ScatterPage])
    made.resize(420, 700)
    made.show()
    yield made
    made.release()
    made.deleteLater()


def page_of(dock):
    return dock.pages[0]


def laid_out(dock, layer):
    dock.layers.setLayer(layer)
    dock._canvas.setDestinationCrs(layer.crs())
    dock._canvas.setExtent(layer.extent())
    controller = page_of(dock).controller
    assert wait_until(lambda: controller.found() is not None and not controller.colours.busy())
    QTest.qWait(60)
    return controller, page_of(dock).widget()


def naive_inside(points, corners):
    """Count crossings of a ray to the right, point by point and side by side."""
    found = []
    for x, y in points:
        odd = False
        for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]]):
            if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
                odd = not odd
        found.append(odd)
    return np.array(found)


def plane_by_svd(vectors):
    """Return principal components by another way than the engine's, signs aside."""
    centred = vectors.astype(float) - vectors.astype(float).mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    return centred @ axes[:2].T


def test_points_are_where_the_engine_puts_them(dock, tmp_path):
    layer = add_field(tmp_path)
    controller, widget = laid_out(dock, layer)
    plane = plane_of_field(layer.source(), Silent(), count=20_000)
    assert np.array_equal(widget.plot.points(), plane.coordinates.astype(float))
    assert len(plane.coordinates) == ROWS * COLUMNS - 25
    values = field_values().reshape(6, -1).T
    cells = np.floor((plane.places - (LEFT, TOP)) / (SIDE, -SIDE)).astype(int)
    expected = plane_by_svd(values[np.isfinite(values).all(axis=1)])
    order = np.argsort(cells[:, 1] * COLUMNS + cells[:, 0])
    shown = widget.plot.points()[order]
    signs = np.sign((shown * expected).sum(axis=0))
    assert np.allclose(shown, expected * signs, atol=1e-5)
    # What is drawn is that too: places on the widget and back.
    pixels = widget.plot.pixels_of(shown)
    assert np.allclose(widget.plot.places_of(pixels), shown)
    area = widget.plot.rect()
    assert all(area.contains(QPoint(int(x), int(y))) for x, y in pixels)
    image = widget.plot.grab().toImage()
    ratio = image.width() / widget.plot.width()
    ground = widget.plot.palette().base().color().name()
    lit = [image.pixelColor(int(x * ratio), int(y * ratio)).name() != ground for x, y in pixels[::40]]
    assert all(lit)
    assert "1,175 cells are plotted" in widget.sentence.text()


def test_a_lasso_selects_exactly_what_is_inside(dock, canvas, tmp_path):
    controller, widget = laid_out(dock, add_field(tmp_path))
    plot = widget.plot
    middle = plot.rect().center()
    trail = [middle + QPoint(dx, dy) for dx, dy in ((-70, -60), (10, 20), (80, -50), (60, 70), (-40, 30), (-90, 60))]
    drag(plot, trail)
    corners = plot.places_of(np.array([[point.x(), point.y()] for point in trail]))
    expected = naive_inside(plot.points(), corners.tolist())
    assert 20 < expected.sum() < len(expected) - 20
    assert np.array_equal(controller.chosen(), expected)
    assert f"{expected.sum():,} are selected" in widget.sentence.text()
    marked = [item for item in canvas.scene().items() if isinstance(item, MarkedPlaces)]
    assert len(marked) == 1
    assert np.array_equal(marked[0].places(), controller.found().plane.places[expected])
    to_pixel = canvas.mapSettings().mapToPixel()
    for place, pixel in list(zip(marked[0].places(), marked[0].pixels()))[::30]:
        point = to_pixel.transform(QgsPointXY(*place))
        assert np.allclose(pixel, (point.x(), point.y()), atol=1e-6)
    # With Shift more is added, with Ctrl it is taken away.
    more = [middle + QPoint(dx, dy) for dx, dy in ((-95, -95), (95, -95), (95, 0), (-95, 0))]
    drag(plot, more, Qt.KeyboardModifier.ShiftModifier)
    corners = plot.places_of(np.array([[point.x(), point.y()] for point in more]))
    upper = naive_inside(plot.points(), corners.tolist())
    assert np.array_equal(controller.chosen(), expected | upper)
    drag(plot, more, Qt.KeyboardModifier.ControlModifier)
    assert np.array_equal(controller.chosen(), expected & ~upper)
    QTest.mouseClick(widget.clear, Qt.MouseButton.LeftButton)
    assert not controller.chosen().any() and len(marked[0].places()) == 0


def test_a_box_in_the_plot_and_a_box_on_the_map(dock, tmp_path):
    layer = add_field(tmp_path)
    controller, widget = laid_out(dock, layer)
    QTest.mouseClick(widget.box, Qt.MouseButton.LeftButton)
    plot = widget.plot
    one, two = plot.rect().center() - QPoint(60, 40), plot.rect().center() + QPoint(30, 50)
    drag(plot, [one, QPoint(one.x() + 5, two.y()), two])
    low, high = plot.places_of(np.array([[one.x(), two.y()], [two.x(), one.y()]]))
    points = plot.points()
    assert np.array_equal(controller.chosen(), ((points > low) & (points < high)).all(axis=1))
    dock.tool.boxed.emit(QgsRectangle(LEFT + 100, TOP - 200, LEFT + 200, TOP - 100), Qt.KeyboardModifier.NoModifier)
    places = controller.found().plane.places
    inside = (places[:, 0] > LEFT + 100) & (places[:, 0] < LEFT + 200) & (places[:, 1] > TOP - 200) & (
        places[:, 1] < TOP - 100)
    assert inside.sum() == 100 and np.array_equal(plot.chosen(), inside)


@pytest.mark.parametrize("memory", [True, False])
def test_selections_of_a_table_go_both_ways(dock, tmp_path, memory):
    layer, vectors = add_table(tmp_path, memory)
    controller, widget = laid_out(dock, layer)
    plot, ids = widget.plot, controller.found().ids
    assert sorted(ids.tolist()) == sorted(feature.id() for feature in layer.getFeatures())
    rows = [int(str(layer.getFeature(int(one))["name"]).split()[1]) for one in ids]
    expected = plane_by_svd(vectors)[rows]
    assert np.allclose(np.abs(plot.points()), np.abs(expected), atol=1e-5)
    layer.selectByIds(ids[[2, 5]].tolist())
    assert np.flatnonzero(plot.chosen()).tolist() == [2, 5]
    pixel = plot.pixels_of(plot.points()[[7]])[0]
    around = [QPoint(int(pixel[0] + dx), int(pixel[1] + dy)) for dx, dy in ((-12, -12), (12, -12), (12, 12), (-12, 12))]
    drag(plot, around)
    corners = plot.places_of(np.array([[point.x(), point.y()] for point in around]))
    wanted = naive_inside(plot.points(), corners.tolist())
    assert wanted[7] and set(layer.selectedFeatureIds()) == set(ids[wanted].tolist())
    assert np.array_equal(plot.chosen(), wanted)
    layer.removeSelection()
    assert not plot.chosen().any()


def test_rows_beside_the_sample_keep_their_selection(dock, tmp_path):
    layer, _ = add_table(tmp_path, True, 900)
    remember("scatter/count", 500)
    page_of(dock).widget().count.setValue(500)
    controller, widget = laid_out(dock, layer)
    assert wait_until(lambda: controller.found() is not None and len(controller.found().ids) == 500)
    assert "500 of 900 rows are plotted" in widget.sentence.text()
    ids = controller.found().ids
    beside = next(feature.id() for feature in layer.getFeatures() if feature.id() not in set(ids.tolist()))
    layer.selectByIds([beside])
    widget.plot.setFocus()
    corners = widget.plot.corners_in_sight()
    widget.plot.encircled.emit(corners, "add")
    assert set(layer.selectedFeatureIds()) == {beside, *ids.tolist()}
    widget.plot.encircled.emit(corners, "take")
    assert set(layer.selectedFeatureIds()) == {beside}
    QTest.keyClick(widget.plot, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert set(layer.selectedFeatureIds()) == set(ids.tolist())


def test_hovering_tells_the_place_and_a_click_centres_the_map(dock, canvas, tmp_path):
    controller, widget = laid_out(dock, add_field(tmp_path))
    plot = widget.plot
    # The outermost point has no others over it.
    number = int(np.argmax(plot.points()[:, 0]))
    x, y = plot.pixels_of(plot.points()[[number]])[0]
    hover(plot, QPointF(x, y))
    place = controller.found().plane.places[number]
    assert widget.here.text().replace(" ", "") == f"{place[0]:.1f},{place[1]:.1f}"
    QTest.mouseClick(plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(round(x), round(y)))
    centre = canvas.center()
    assert np.allclose((centre.x(), centre.y()), place)
    assert (dock.session.place.x, dock.session.place.y) == tuple(place)
    hover(plot, QPointF(3, 3))
    assert widget.here.text() == ""


def test_wheel_and_keys_move_the_plot_and_home_shows_all(dock, tmp_path):
    _, widget = laid_out(dock, add_field(tmp_path))
    plot = widget.plot
    whole = plot.view()
    plot.setFocus()
    QTest.keyClick(plot, Qt.Key.Key_Plus)
    assert plot.view().scale == pytest.approx(whole.scale * 1.25)
    before = plot.view()
    QTest.keyClick(plot, Qt.Key.Key_Right)
    assert plot.view().x > before.x
    widget.move_.click()
    at = plot.places_of(np.array([[100.0, 120.0]]))
    drag(plot, [QPoint(100, 120), QPoint(120, 130), QPoint(160, 90)])
    assert np.allclose(plot.places_of(np.array([[160.0, 90.0]])), at)
    QTest.keyClick(plot, Qt.Key.Key_Home)
    assert plot.view() == whole


def test_colours_of_a_column_and_of_a_raster(dock, tmp_path):
    layer, _ = add_table(tmp_path, True)
    symbol = QgsSymbol.defaultSymbol(layer.geometryType())
    categories = []
    for value, colour, label in ((0, "#ff0000", "reed"), (1, "#00ff00", "oak"), (2, "#0000ff", "")):
        own = symbol.clone()
        own.setColor(QColor(colour))
        categories.append(QgsRendererCategory(value, own, label))
    layer.setRenderer(QgsCategorizedSymbolRenderer("cluster", categories))
    values = np.zeros((ROWS, COLUMNS), np.float32)
    values[:] = np.arange(COLUMNS)[None] + 0.5
    path = str(tmp_path / "score.tif")
    dataset = gdal.GetDriverByName("GTiff").Create(path, COLUMNS, ROWS, 1, gdal.GDT_Float32)
    dataset.SetGeoTransform((LEFT, SIDE, 0, TOP, 0, -SIDE))
    dataset.SetProjection(layer.crs().toWkt())
    dataset.GetRasterBand(1).WriteArray(values)
    del dataset
    QgsProject.instance().addMapLayer(QgsRasterLayer(path, "score"))
    controller, widget = laid_out(dock, layer)
    names = [widget.colour.itemText(row) for row in range(widget.colour.count())]
    assert names == ["Nothing", "name", "cluster", "score"]
    widget.colour.setCurrentIndex(2)
    assert wait_until(lambda: bool(widget.legend.classes.text()))
    ids = controller.found().ids
    clusters = [layer.getFeature(int(one))["cluster"] for one in ids]
    expected = {0: (255, 0, 0), 1: (0, 255, 0), 2: (0, 0, 255)}
    assert controller._colouring.colours.tolist() == [list(expected[one]) for one in clusters]
    assert "reed" in widget.legend.classes.text() and "#00ff00" in widget.legend.classes.text()
    widget.colour.setCurrentIndex(3)
    assert wait_until(lambda: bool(widget.legend.low.text()) and controller._colouring.stops != ())
    found = [float(text) if text else None for text in controller._colouring.texts]
    places = controller.found().plane.places
    columns = np.floor((places[:, 0] - LEFT) / SIDE).astype(int)
    assert found == [pytest.approx(column + 0.5) if 0 <= column < COLUMNS else None for column in columns]
    QgsProject.instance().removeMapLayer(QgsProject.instance().mapLayersByName("score")[0].id())
    assert widget.wanted_colour() == "" and controller._colouring.stops == ()


def test_removing_the_layer_while_busy(dock, tmp_path):
    controller = page_of(dock).controller
    for memory in (True, False):
        layer, _ = add_table(tmp_path, memory)
        dock.layers.setLayer(layer)
        assert wait_until(lambda: controller.planes.counts.asked > 0)
        QgsProject.instance().removeMapLayer(layer.id())
        assert controller.found() is None and not controller.planes.busy()
    field = add_field(tmp_path)
    laid_out(dock, field)
    page_of(dock).widget().count.setValue(700)
    QgsProject.instance().removeMapLayer(field.id())
    QTest.qWait(100)
    assert controller.found() is None and len(page_of(dock).widget().plot.points()) == 0
    assert wait_until(lambda: QgsApplication.taskManager().countActiveTasks() == 0)


def test_the_plane_waits_while_another_page_is_in_front(dock, canvas, tmp_path):
    controller, widget = laid_out(dock, add_field(tmp_path))
    widget.in_sight.click()
    started = controller.planes.counts.started
    assert controller.chosen().all()
    dock.hide()
    assert not [item for item in canvas.scene().items() if isinstance(item, MarkedPlaces)]
    dock.show()
    marked = [item for item in canvas.scene().items() if isinstance(item, MarkedPlaces)]
    assert len(marked) == 1 and len(marked[0].places()) == len(controller.chosen())
    assert controller.planes.counts.started == started


def test_a_map_in_another_crs(dock, canvas, tmp_path):
    layer = add_field(tmp_path)
    controller, widget = laid_out(dock, layer)
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    widget.in_sight.click()
    marked = next(item for item in canvas.scene().items() if isinstance(item, MarkedPlaces))
    to_pixel = canvas.mapSettings().mapToPixel()
    for place, pixel in list(zip(marked.places(), marked.pixels()))[::200]:
        point = to_pixel.transform(dock.session.map_point(Place(place[0], place[1], layer.crs())))
        assert np.allclose(pixel, (point.x(), point.y()), atol=1e-3)
