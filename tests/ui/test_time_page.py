"""A place's change over the dates, with real clicks: curves that equal distances computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("qgis.gui")
from inspected_layers import (
    LEFT,
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
from osgeo import gdal
from qgis.core import QgsApplication, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QPointF, Qt
from qgis.PyQt.QtTest import QTest
from qt_hand import hover

from earthprint.engine.field import KEY_ITEM, SPACE_ITEM
from earthprint.engine.space import Space
from earthprint.ui.inspector.dock import InspectorDock
from earthprint.ui.inspector.remembered import remember
from earthprint.ui.inspector.time_page import TimePage


@pytest.fixture
def dock(qgis_app, qgis_new_project):
    remember("time/band", True)
    with shown_canvas() as canvas:
        made = InspectorDock(canvas, [TimePage])
        made.resize(420, 700)
        made.show()
        yield made
        made.release()
        made.deleteLater()


def years(folder, names=("field 2021", "field 2019", "field 2023")):
    return [add_field(folder, name, seed) for seed, name in enumerate(names, 1)]


def look_into(dock, layer):
    dock.layers.setLayer(layer)
    dock._canvas.setDestinationCrs(layer.crs())
    dock._canvas.setExtent(layer.extent())
    dock._canvas.setMapTool(dock.tool)
    controller = dock.pages[0].controller
    widget = dock.pages[0].widget()
    wait_until(lambda: not dock.session.opening() and not controller.listing.busy() and bool(widget.rows()), 3)
    return controller, widget


def pixel_of(dock, column, row):
    point = dock._canvas.mapSettings().mapToPixel().transform(LEFT + (column + 0.5) * SIDE, TOP - (row + 0.5) * SIDE)
    return int(point.x()), int(point.y())


def drawn(controller, count=1):
    assert wait_until(lambda: controller.shown() is not None and len(controller.shown().curves) == count
                      and not controller.drawing.busy())
    return controller.shown()


def cosine(one, two):
    one, two = one.astype(float), two.astype(float)
    return 1 - (one * two).sum(axis=0) / np.linalg.norm(one, axis=0) / np.linalg.norm(two, axis=0)


def test_a_click_draws_the_distances(dock, tmp_path):
    layers = years(tmp_path)
    controller, widget = look_into(dock, layers[0])
    assert [(row.name, row.date, row.used) for row in widget.rows()] == [
        ("field 2019", "2019", True), ("field 2021", "2021", True), ("field 2023", "2023", True)]
    assert "Click the map" in widget.sentence.text()
    click(dock._canvas, *pixel_of(dock, 20, 12))
    drawn(controller)
    assert wait_until(lambda: len(widget.plot.timeline().band) == 3)
    fields = {2021: field_values(seed=1), 2019: field_values(seed=2), 2023: field_values(seed=3)}
    expected = [cosine(fields[year][:, 12, 20], fields[2019][:, 12, 20]) for year in (2019, 2021, 2023)]
    shown = widget.plot.timeline()
    assert shown.dates == ("2019", "2021", "2023") and shown.reference == 0
    assert np.allclose(shown.curves[0].distances, expected, atol=1e-6)
    # The usual change is the quartiles of all that the map shows: here every cell, as the field is small.
    for number, year in ((1, 2021), (2, 2023)):
        apart = cosine(fields[year].reshape(6, -1), fields[2019].reshape(6, -1))
        spread = np.quantile(apart[np.isfinite(apart)], (0.25, 0.75))
        assert np.allclose(shown.band[number], spread, atol=0.05)
    assert shown.band[0] == (0.0, 0.0) and controller.usual()[layers[1].source()] == (0.0, 0.0)
    # Another reference.
    widget.reference.setCurrentIndex(2)
    assert wait_until(lambda: widget.plot.timeline().reference == 2)
    expected = [cosine(fields[year][:, 12, 20], fields[2023][:, 12, 20]) for year in (2019, 2021, 2023)]
    assert np.allclose(widget.plot.timeline().curves[0].distances, expected, atol=1e-6)
    # The pointer tells the numbers of a date.
    hover(widget.plot, widget.plot.position(1, 0.0) - QPointF(0, 20))
    assert widget.here.text().startswith("2021: A {:.4g}".format(widget.plot.timeline().curves[0].distances[1]))
    widget.plot.setFocus()
    QTest.keyClick(widget.plot, Qt.Key.Key_Right)
    assert widget.here.text().startswith("2023: A 0")


def test_a_pinned_place_and_the_table_of_both(dock, tmp_path):
    layers = years(tmp_path)
    controller, widget = look_into(dock, layers[0])
    click(dock._canvas, *pixel_of(dock, 20, 12))
    drawn(controller)
    QTest.mouseClick(widget.pin, Qt.MouseButton.LeftButton)
    click(dock._canvas, *pixel_of(dock, 30, 20))
    assert wait_until(lambda: [curve.name for curve in widget.plot.timeline().curves] == ["A", "B"]
                      and dock.session.place != dock.session.pins["B"] and not controller.drawing.busy())
    fields = [field_values(seed=seed) for seed in (2, 1, 3)]
    for curve, (column, row) in zip(widget.plot.timeline().curves, ((30, 20), (20, 12))):
        expected = [cosine(field[:, row, column], fields[0][:, row, column]) for field in fields]
        assert np.allclose(curve.distances, expected, atol=1e-6)
    assert wait_until(lambda: len(widget.plot.timeline().band) == 3)
    before = set(QgsProject.instance().mapLayers())
    QTest.mouseClick(widget.keep, Qt.MouseButton.LeftButton)
    (new,) = set(QgsProject.instance().mapLayers()) - before
    layer = QgsProject.instance().mapLayer(new)
    rows = [(feature["place"], feature["date"], feature["distance"], feature["reference"], feature["raster"])
            for feature in layer.getFeatures()]
    assert [row[:2] for row in rows] == [(place, year) for place in "AB" for year in ("2019", "2021", "2023")]
    shown = widget.plot.timeline()
    assert [row[2] for row in rows] == [*shown.curves[0].distances, *shown.curves[1].distances]
    assert {row[3] for row in rows} == {"2019"} and rows[1][4] == "field 2021"
    bounds = [(feature["usual_low"], feature["usual_high"]) for feature in layer.getFeatures()]
    assert bounds == [*shown.band, *shown.band]
    point = next(layer.getFeatures()).geometry().asPoint()
    assert (int((point.x() - LEFT) // SIDE), int((TOP - point.y()) // SIDE)) == (30, 20)
    QTest.qWait(300)
    assert layer.name() in dock.line.text() and len(widget.plot.timeline().curves) == 2
    QTest.mouseClick(widget.unpin, Qt.MouseButton.LeftButton)
    drawn(controller, 1)


def test_two_spaces_are_refused_naming_both(dock, tmp_path):
    layers = years(tmp_path)
    path = write_field(tmp_path / "other_2024.tif")
    other = Space("other", 6, unit_norm=True)
    dataset = gdal.Open(path, gdal.GA_Update)
    dataset.SetMetadata({SPACE_ITEM: other.canonical(), KEY_ITEM: other.key()})
    del dataset
    QgsProject.instance().addMapLayer(QgsRasterLayer(path, "other 2024"))
    controller, widget = look_into(dock, layers[0])
    assert [row.used for row in widget.rows()] == [True, True, True, False]
    click(dock._canvas, *pixel_of(dock, 20, 12))
    drawn(controller)
    widget.rasters.item(3, 0).setCheckState(Qt.CheckState.Checked)
    assert wait_until(lambda: "different spaces" in widget.sentence.text())
    assert "“field 2019”" in widget.sentence.text() and "“other 2024”" in widget.sentence.text()
    assert controller.shown() is None and not widget.keep.isEnabled()
    widget.rasters.item(3, 0).setCheckState(Qt.CheckState.Unchecked)
    drawn(controller)


def test_dates_that_are_missing_wrong_or_twice(dock, tmp_path):
    layers = years(tmp_path, ("first", "second 2020", "third 2022"))
    controller, widget = look_into(dock, layers[0])
    assert [(row.name, row.date, row.used) for row in widget.rows()] == [
        ("second 2020", "2020", True), ("third 2022", "2022", True), ("first", "", False)]
    click(dock._canvas, *pixel_of(dock, 20, 12))
    drawn(controller)
    widget.rasters.item(2, 0).setCheckState(Qt.CheckState.Checked)
    assert wait_until(lambda: "“first” has no date" in widget.sentence.text())
    widget.rasters.item(2, 1).setText("2022")
    assert wait_until(lambda: "the same date, 2022" in widget.sentence.text())
    widget.rasters.item(2, 1).setText("2021-07-01")
    shown = drawn(controller)
    assert shown.curves[0].line.dates == ("2020", "2021-07-01", "2022")
    assert layers[0].customProperty("earthprint/date") == "2021-07-01"
    for number in (0, 1):
        widget.rasters.item(number, 0).setCheckState(Qt.CheckState.Unchecked)
    assert wait_until(lambda: "two dates or more" in widget.sentence.text())


def test_places_without_values_and_outside(dock, tmp_path):
    layers = years(tmp_path)
    controller, widget = look_into(dock, layers[0])
    click(dock._canvas, *pixel_of(dock, 2, 2))
    assert wait_until(lambda: "no value at this place" in widget.sentence.text())
    assert controller.shown() is None
    click(dock._canvas, *pixel_of(dock, 20, 12))
    drawn(controller)
    assert widget.sentence.text() == ""


def test_a_table_and_a_lone_raster_are_sentences(dock, tmp_path):
    table, _ = add_table(tmp_path, True)
    controller, widget = look_into(dock, table)
    assert wait_until(lambda: "“table” is a table" in widget.sentence.text())
    alone = add_field(tmp_path, "alone 2020")
    controller, widget = look_into(dock, alone)
    click(dock._canvas, *pixel_of(dock, 20, 12))
    assert wait_until(lambda: "two dates or more" in widget.sentence.text())


def test_removing_layers_while_busy(dock, tmp_path):
    layers = years(tmp_path)
    controller, widget = look_into(dock, layers[0])
    click(dock._canvas, *pixel_of(dock, 20, 12))
    QgsProject.instance().removeMapLayer(layers[2].id())
    assert wait_until(lambda: len(widget.rows()) == 2)
    shown = drawn(controller)
    assert shown.curves[0].line.dates == ("2019", "2021")
    click(dock._canvas, *pixel_of(dock, 21, 12))
    QgsProject.instance().removeMapLayer(layers[0].id())
    assert not controller.drawing.busy() and controller.shown() is None and widget.rows() == []
    assert wait_until(lambda: QgsApplication.taskManager().countActiveTasks() == 0)


def test_the_usual_change_is_only_asked_for_where_wanted(dock, tmp_path):
    layers = years(tmp_path)
    controller, widget = look_into(dock, layers[0])
    widget.band.click()
    click(dock._canvas, *pixel_of(dock, 20, 12))
    drawn(controller)
    assert controller.comparing.counts.asked == 0 and widget.plot.timeline().band == ()
    widget.band.click()
    assert wait_until(lambda: len(widget.plot.timeline().band) == 3)
    band = widget.plot.timeline().band
    # Another place on the same map has the same usual change, which is not read again.
    click(dock._canvas, *pixel_of(dock, 25, 15))
    assert wait_until(lambda: not controller.drawing.busy())
    assert controller.comparing.counts.asked == 1 and widget.plot.timeline().band == band
    extent = dock._canvas.extent()
    extent.scale(0.5)
    dock._canvas.setExtent(extent)
    assert wait_until(lambda: controller.comparing.counts.done == 2) and widget.plot.timeline().band != band
