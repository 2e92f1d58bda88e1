"""The inspector's plots under Qt 6: painted, moved, encircled, in light and dark colours."""

from __future__ import annotations

import pytest

pytest.importorskip("PyQt6", reason="PyQt6 is only in the environment that `./dev test` makes for this folder")
PyQt = pytest.importorskip("qgis.PyQt")
if "stub" not in PyQt.__file__:
    pytest.skip("the real QGIS is here, and it is built on Qt 5", allow_module_level=True)
np = pytest.importorskip("numpy")

from qgis.PyQt.QtCore import QEvent, QPoint, QPointF, Qt  # noqa: E402
from qgis.PyQt.QtGui import QColor, QMouseEvent, QPalette, QWheelEvent  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QApplication  # noqa: E402


@pytest.fixture(scope="module")
def application() -> QApplication:
    return QApplication.instance() or QApplication([])


def move(widget, at, buttons=Qt.MouseButton.NoButton):
    point = QPointF(at)
    QApplication.sendEvent(widget, QMouseEvent(QEvent.Type.MouseMove, point, widget.mapToGlobal(point),
                                               Qt.MouseButton.NoButton, buttons, Qt.KeyboardModifier.NoModifier))


def drag(widget, trail, modifiers=Qt.KeyboardModifier.NoModifier):
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, modifiers, trail[0])
    for point in trail[1:]:
        move(widget, point, Qt.MouseButton.LeftButton)
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, modifiers, trail[-1])


def colours_of(widget):
    image = widget.grab().toImage()
    return {image.pixelColor(x, y).name() for x in range(0, image.width(), 2) for y in range(0, image.height(), 2)}


def dark(widget):
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Base, QColor("#1e1e1e"))
    palette.setColor(QPalette.ColorRole.Text, QColor("#e8e8e8"))
    widget.setPalette(palette)


@pytest.fixture
def scatter(application):
    from earthprint.ui.inspector.scatter_widget import ScatterWidget

    made = ScatterWidget()
    made.resize(400, 700)
    made.show()
    points = np.random.default_rng(1).normal(size=(500, 2))
    made.plot.set_points(points, np.tile(np.array([200, 30, 40], np.uint8), (500, 1)))
    made.show_chosen(0, 500)
    QTest.qWait(60)
    yield made
    made.close()
    made.deleteLater()


def test_points_are_painted_and_chosen_ones_stand_out(scatter):
    plot = scatter.plot
    assert any(QColor(name).red() > 180 and QColor(name).green() < 120 for name in colours_of(plot))
    plot.set_chosen(np.arange(500) < 100)
    QTest.qWait(60)
    assert "#f2d600" in colours_of(plot)
    dark(plot)
    plot.set_chosen(None)
    QTest.qWait(60)
    assert "#1e1e1e" in colours_of(plot) and "#f2d600" not in colours_of(plot)


def test_lasso_box_and_move(scatter):
    plot, seen = scatter.plot, []
    plot.encircled.connect(lambda corners, mode: seen.append((corners, mode)))
    trail = [QPoint(100, 100), QPoint(180, 90), QPoint(200, 200), QPoint(90, 180)]
    drag(plot, trail)
    corners, mode = seen.pop()
    assert mode == "set" and np.allclose(plot.pixels_of(corners), [[point.x(), point.y()] for point in trail])
    scatter.box.click()
    drag(plot, [trail[0], trail[2]], Qt.KeyboardModifier.ShiftModifier)
    corners, mode = seen.pop()
    assert mode == "add" and np.allclose(plot.pixels_of(corners), [[100, 100], [200, 100], [200, 200], [100, 200]])
    scatter.move_.click()
    before = plot.places_of(np.array([[100.0, 100.0]]))
    drag(plot, [QPoint(100, 100), QPoint(150, 130)])
    assert not seen and np.allclose(plot.places_of(np.array([[150.0, 130.0]])), before)
    scatter.in_sight.click()
    assert np.allclose(seen.pop()[0], plot.corners_in_sight())


def test_wheel_zooms_at_the_pointer_and_keys_work(scatter):
    plot = scatter.plot
    whole, at = plot.view(), QPointF(120, 140)
    place = plot.places_of(np.array([[120.0, 140.0]]))
    QApplication.sendEvent(plot, QWheelEvent(
        at, plot.mapToGlobal(at), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False))
    assert plot.view().scale == pytest.approx(1.25 * whole.scale)
    assert np.allclose(plot.places_of(np.array([[120.0, 140.0]])), place)
    QTest.keyClick(plot, Qt.Key.Key_Home)
    assert plot.view() == whole


def test_pointing_and_clicking_say_which_point(scatter):
    plot, near, picked = scatter.plot, [], []
    plot.hovered.connect(near.append)
    plot.picked.connect(picked.append)
    number = int(np.argmax(plot.points()[:, 1]))
    x, y = plot.pixels_of(plot.points()[[number]])[0]
    move(plot, QPointF(x, y))
    QTest.mouseClick(plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(round(x), round(y)))
    assert near == [number] and picked == [number]


def test_no_points_and_points_that_are_nowhere(scatter):
    plot, picked = scatter.plot, []
    plot.picked.connect(picked.append)
    plot.set_points(np.full((3, 2), np.nan), np.zeros((3, 3), np.uint8))
    QTest.keyClick(plot, Qt.Key.Key_Return)
    plot.set_points(np.zeros((1, 2)), np.zeros((1, 3), np.uint8))
    plot.grab()
    QTest.keyClick(plot, Qt.Key.Key_Return)
    plot.set_points(np.empty((0, 2)), np.empty((0, 3), np.uint8))
    plot.grab()
    QTest.keyClick(plot, Qt.Key.Key_Plus)
    assert picked == [0]


def test_the_later_point_lies_above_and_none_is_lost_at_the_rim():
    from earthprint.ui.inspector.cloud_picture import CHOSEN, CloudColours, Marks, draw_cloud

    colours = CloudColours(np.array([[255, 0, 0], [0, 0, 255], [0, 255, 0]], np.uint8))
    picture = draw_cloud(np.array([5.0, 5.0, 0.0]), np.array([4.0, 4.0, 9.0]), colours, None, (12, 10), Marks(1))
    lit = {(row, column) for row, column in zip(*np.nonzero(picture))}
    assert lit == {(4, 5), (3, 5), (5, 5), (4, 4), (4, 6), (9, 0), (8, 0), (9, 1)}
    red, green, blue = (picture >> shift & 255 for shift in (16, 8, 0))
    assert blue[4, 5] > 200 and red[4, 5] == 0 and green[9, 0] > 200
    chosen = np.array([True, False, False])
    picture = draw_cloud(np.array([5.0, 5.0, 0.0]), np.array([4.0, 4.0, 9.0]), colours, chosen, (12, 10), Marks(1))
    assert picture[4, 5] == CHOSEN and picture[9, 0] >> 24 < 100


# ---- dates


@pytest.fixture
def dates(application):
    from earthprint.ui.inspector.time_widget import DatedRow, TimeWidget

    made = TimeWidget()
    made.resize(400, 700)
    made.show_rasters([DatedRow(str(year), f"field {year}", str(year), True) for year in (2019, 2021, 2023)])
    made.show()
    yield made
    made.close()
    made.deleteLater()


def line(**more):
    from earthprint.ui.inspector.time_plot import Curve, Timeline

    values = {"dates": ("2019", "2021", "2023"), "moments": (2019.0, 2021.0, 2023.0), "reference": 0,
              "curves": (Curve("A", (0.0, 0.2, 0.4)), Curve("B", (0.0, float("nan"), 0.1))),
              "band": ((0.0, 0.0), (0.05, 0.1), (0.1, 0.2)), "title": "Cosine distance to 2019", **more}
    return Timeline(**values)


def test_curves_are_where_the_numbers_say(dates):
    dates.show_timeline(line())
    QTest.qWait(50)
    plot = dates.plot
    image = plot.grab().toImage()
    for date, distance, name in ((1, 0.2, "#0072b2"), (2, 0.4, "#0072b2"), (2, 0.1, "#d55e00")):
        at = plot.position(date, distance)
        near = {image.pixelColor(int(at.x()) + dx, int(at.y()) + dy).name() for dx in range(-5, 6)
                for dy in range(-5, 6)}
        assert name in near, (date, distance)
    middle = plot.position(1, 0.0).x()
    assert middle == pytest.approx((plot.position(0, 0.0).x() + plot.position(2, 0.0).x()) / 2)
    move(plot, plot.position(1, 0.2))
    assert dates.here.text() == "2021: A 0.2 · B – · usual 0.05 to 0.1"
    plot.setFocus()
    QTest.keyClick(plot, Qt.Key.Key_Right)
    assert dates.here.text().startswith("2023: A 0.4")


def test_one_date_no_change_and_nothing_are_drawn_too(dates):
    from earthprint.ui.inspector.time_plot import Curve, Timeline, ticks_up_to

    for shown in (line(curves=(Curve("A", (0.0, 0.0, 0.0)),), band=()), line(band=((float("nan"),) * 2,) * 3),
                  Timeline(("2020",), (2020.0,), 0, (Curve("A", (0.0,)),)), Timeline()):
        dates.show_timeline(shown)
        dates.plot.grab()
    assert not dates.keep.isEnabled()
    assert ticks_up_to(0.43) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4]) and ticks_up_to(0.0) == [0.0]
    assert ticks_up_to(12.0) == pytest.approx([0, 2.5, 5, 7.5, 10])


def test_edits_of_the_list_are_told(dates):
    told = []
    dates.rasters_changed.connect(lambda: told.append(dates.rows()))
    dates.rasters.item(1, 0).setCheckState(Qt.CheckState.Unchecked)
    assert [row.used for row in told.pop()] == [True, False, True]
    dates.rasters.item(2, 1).setText("2022-05")
    assert told.pop()[2].date == "2022-05"
