"""Scores over the map: every pixel shows the cell that lies under its middle, in the colour of its score."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("qgis.gui")
from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform, QgsPointXY, QgsProject, QgsRectangle
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtTest import QTest

from earthprint.ui.canvas.overlay import ScoreOverlay
from earthprint.ui.canvas.score_colours import (
    RAMPS,
    OverlayStyle,
    Spread,
    colours_of,
    from_threshold,
    levels_of,
    spread_of,
)
from earthprint.ui.canvas.warp import Ground, cells_under_pixels

UTM = (500_000.0, 5_500_000.0, 520_000.0, 5_515_000.0)


@pytest.fixture
def canvas(qgis_app, qgis_new_project):
    made = QgsMapCanvas()
    made.resize(403, 302)
    made.show()
    QTest.qWait(20)
    yield made
    made.close()
    made.deleteLater()


def show(canvas, crs, extent):
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
    canvas.setExtent(QgsRectangle(*extent))
    return canvas.mapSettings()


def boxed(extent, source, target):
    """Return an extent in another CRS, a little larger."""
    transform = QgsCoordinateTransform(QgsCoordinateReferenceSystem(source), QgsCoordinateReferenceSystem(target),
                                       QgsProject.instance())
    box = transform.transformBoundingBox(QgsRectangle(*extent))
    box.scale(1.2)
    return box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()


@pytest.mark.parametrize("crs, rotation", [("EPSG:32632", 0), ("EPSG:32632", 30), ("EPSG:4326", 0), ("EPSG:3035", 0),
                                           ("EPSG:3857", -20), ("EPSG:3413", 0)])
def test_each_pixel_shows_the_cell_under_its_middle(canvas, crs, rotation):
    rows, columns = 15, 20
    canvas.setRotation(rotation)
    settings = show(canvas, crs, boxed(UTM, "EPSG:32632", crs))
    found = cells_under_pixels(Ground(UTM, rows, columns, QgsCoordinateReferenceSystem("EPSG:32632")), settings)
    size = settings.outputSize()
    assert found.shape == (size.height(), size.width())
    transform = QgsCoordinateTransform(settings.destinationCrs(), QgsCoordinateReferenceSystem("EPSG:32632"),
                                       QgsProject.instance())
    origin, right, below = (settings.mapToPixel().toMapCoordinates(*at) for at in ((0, 0), (1000, 0), (0, 1000)))
    random = np.random.default_rng(0)
    wrong = 0
    for _ in range(3000):
        pixel, line = int(random.integers(size.width())), int(random.integers(size.height()))
        u, v = (pixel + 0.5) / 1000, (line + 0.5) / 1000
        place = transform.transform(QgsPointXY(
            origin.x() + u * (right.x() - origin.x()) + v * (below.x() - origin.x()),
            origin.y() + u * (right.y() - origin.y()) + v * (below.y() - origin.y())))
        column, row = (place.x() - UTM[0]) / 1000, (UTM[3] - place.y()) / 1000
        inside = 0 <= column < columns and 0 <= row < rows
        expected = int(row) * columns + int(column) if inside else -1
        wrong += expected != found[line, pixel]
    # Only pixels that the edge of a cell passes by within a tenth of a pixel may differ.
    assert wrong <= 15


@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:4326", "EPSG:3857", "EPSG:3035"])
def test_corners_lie_within_a_pixel_of_where_they_belong(canvas, crs):
    settings = show(canvas, crs, boxed(UTM, "EPSG:32632", crs))
    rows, columns = 15, 20
    found = cells_under_pixels(Ground(UTM, rows, columns, QgsCoordinateReferenceSystem("EPSG:32632")), settings)
    transform = QgsCoordinateTransform(QgsCoordinateReferenceSystem("EPSG:32632"), settings.destinationCrs(),
                                       QgsProject.instance())
    corners = {(UTM[0], UTM[3]): 0, (UTM[2], UTM[3]): columns - 1, (UTM[0], UTM[1]): (rows - 1) * columns,
               (UTM[2], UTM[1]): rows * columns - 1}
    for (x, y), cell in corners.items():
        pixel = settings.mapToPixel().transform(transform.transform(QgsPointXY(x, y)))
        lines, pixels = np.nonzero(found == cell)
        # The corner of the cell's picture that is nearest to the picture's own corner.
        gaps = [np.hypot(pixels + across - pixel.x(), lines + down - pixel.y()).min()
                for across in (0, 1) for down in (0, 1)]
        assert min(gaps) <= 1.0


def test_the_far_side_of_a_projection_stays_empty(canvas):
    settings = show(canvas, "EPSG:3857", (-2.2e7, -2.0e7, 2.2e7, 2.0e7))
    found = cells_under_pixels(Ground(UTM, 3, 4, QgsCoordinateReferenceSystem("EPSG:32632")), settings)
    assert (found >= 0).sum() <= 4


def test_levels_and_colours_are_those_of_the_ramp():
    scores = np.array([[np.nan, -0.5, 0.0], [0.5, 1.0, 2.0]], dtype=np.float32)
    levels = levels_of(scores, Spread(0.0, 1.0), None)
    assert levels.tolist() == [[0, 1, 1], [128, 255, 255]]
    assert levels_of(scores, Spread(0.0, 1.0), 0.5).tolist() == [[0, 0, 0], [128, 255, 255]]
    assert np.isnan(scores[0, 0]) and scores[1, 2] == 2.0
    table = colours_of(RAMPS["viridis"], 0.5)
    assert table[0] == 0 and len(table) == 256
    # #440154 and #fde725 at half opacity, premultiplied
    assert hex(table[1]) == "0x8022002a" and hex(table[255]) == "0x807e7412"
    assert hex(colours_of(RAMPS["blues"], 1.0)[255]) == "0xff08306b"


@pytest.mark.parametrize("name", sorted(RAMPS))
def test_ramps_change_steadily_in_lightness(name):
    table = colours_of(RAMPS[name], 1.0)[1:]
    parts = np.stack([table >> 16 & 255, table >> 8 & 255, table & 255]).astype(float) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    light = np.array([0.2126, 0.7152, 0.0722]) @ linear
    steps = np.diff(light[::8])
    assert (steps > 0).all() or (steps < 0).all()


def test_the_spread_is_the_upper_part_of_the_scores():
    scores = np.linspace(-1, 1, 10_001).astype(np.float32)
    found = spread_of(np.append(scores, np.nan))
    assert found.low == pytest.approx(-0.9, abs=0.001) and found.high == pytest.approx(0.998, abs=0.001)
    assert spread_of(np.full(5, np.nan)) is None
    flat = spread_of(np.full(5, 0.25, dtype=np.float32))
    assert flat.low == 0.25 and flat.high > flat.low
    sparse = np.full(200_000, np.nan)
    sparse[12_345] = 0.5
    assert spread_of(sparse).low == 0.5
    assert from_threshold(Spread(0.1, 0.9), 0.95).high > 0.95


def test_the_picture_has_the_scores_colours_and_goes(canvas):
    before = len(canvas.scene().items())
    settings = show(canvas, "EPSG:32632", UTM)
    overlay = ScoreOverlay(canvas)
    overlay.set_style(OverlayStyle("blues", 1.0, None))
    scores = np.arange(300, dtype=np.float32).reshape(15, 20)
    scores[0] = np.nan
    overlay.show_scores(scores, UTM, QgsCoordinateReferenceSystem("EPSG:32632"))
    size = settings.outputSize()
    image = overlay.image()
    assert (image.width(), image.height()) == (size.width(), size.height())
    table = colours_of(RAMPS["blues"], 1.0)
    for x, y in ((505_500.0, 5_500_500.0), (519_500.0, 5_507_500.0), (500_500.0, 5_514_500.0)):
        pixel = settings.mapToPixel().transform(QgsPointXY(x, y))
        row, column = int((UTM[3] - y) / 1000), int((x - UTM[0]) / 1000)
        score = overlay.score_at(int(pixel.x()), int(pixel.y()))
        assert np.array_equal(score, scores[row, column], equal_nan=True)
        level = int(levels_of(scores[row:row + 1, column:column + 1], overlay.shown(), None)[0, 0])
        assert image.pixel(int(pixel.x()), int(pixel.y())) == table[level]
    assert np.isnan(overlay.score_at(-1, 0)) and np.isnan(overlay.score_at(0, 10_000))
    painted = canvas.grab().toImage()
    middle = settings.mapToPixel().transform(QgsPointXY(519_500.0, 5_500_500.0))
    assert painted.pixelColor(int(middle.x()) + canvas.viewport().x(), int(middle.y()) + canvas.viewport().y()).name() \
        == "#08306b"
    overlay.remove()
    assert len(canvas.scene().items()) == before


def test_the_picture_moves_with_the_map(canvas):
    show(canvas, "EPSG:32632", UTM)
    overlay = ScoreOverlay(canvas)
    overlay.show_scores(np.array([[1.0, 2.0]], dtype=np.float32), UTM, QgsCoordinateReferenceSystem("EPSG:32632"))
    QTest.qWait(50)
    settings = show(canvas, "EPSG:32632", (505_000.0, 5_500_000.0, 545_000.0, 5_530_000.0))
    QTest.qWait(50)
    pixel = settings.mapToPixel().transform(QgsPointXY(519_000.0, 5_505_000.0))
    assert overlay.score_at(int(pixel.x()), int(pixel.y())) == 2.0
    beside = settings.mapToPixel().transform(QgsPointXY(530_000.0, 5_505_000.0))
    assert np.isnan(overlay.score_at(int(beside.x()), int(beside.y())))
    assert overlay.image().pixel(int(beside.x()), int(beside.y())) == 0
    overlay.remove()
