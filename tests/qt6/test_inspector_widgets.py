"""The inspector's plain widgets under Qt 6: filled, painted, clicked, and walked through with the keyboard."""

from __future__ import annotations

import pytest

pytest.importorskip("PyQt6", reason="PyQt6 is only in the environment that `./dev test` makes for this folder")
PyQt = pytest.importorskip("qgis.PyQt")
if "stub" not in PyQt.__file__:
    pytest.skip("the real QGIS is here, and it is built on Qt 5", allow_module_level=True)

from qgis.PyQt.QtCore import QEvent, QPoint, Qt  # noqa: E402
from qgis.PyQt.QtGui import QHelpEvent, QImage  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QApplication  # noqa: E402


@pytest.fixture(scope="module")
def application() -> QApplication:
    return QApplication.instance() or QApplication([])


@pytest.fixture
def point(application):
    from earthprint.ui.inspector.bars_widget import Bar
    from earthprint.ui.inspector.point_widget import NeighbourRow, PointWidget

    made = PointWidget()
    made.resize(420, 800)
    made.show()
    made.show_vector("Column 1, row 2", "3 numbers", [Bar("a", 1.0), Bar("b", -2.0), Bar("c", 0.5)], [])
    made.show_neighbours([NeighbourRow("x", "0.9", "12 m"), NeighbourRow("y", "0.8", "1 km")], "")
    made.show_others([("clusters", "cluster", "wood")])
    QTest.qWait(30)
    yield made
    made.close()
    made.deleteLater()


def test_the_point_page_is_painted_and_clicked(point):
    assert not point.grab().isNull()
    wished = []
    point.zoom_requested.connect(lambda row: wished.append(("zoom", row)))
    point.flash_requested.connect(lambda row: wished.append(("flash", row)))
    point.keep_requested.connect(lambda: wished.append(("keep",)))
    point.order_changed.connect(lambda order: wished.append(("order", order)))
    point.neighbours.setCurrentItem(point.neighbours.topLevelItem(1))
    for button in (point.zoom, point.keep):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    point.order.setCurrentIndex(1)
    assert wished == [("flash", 1), ("zoom", 1), ("keep",), ("order", "value")]
    point.offer_parts(True)
    assert point.order.findData("parts") == 3
    point.offer_parts(False)
    assert point.order.findData("parts") == -1


def test_bars_answer_keys_clicks_and_the_question_what_this_is(point):
    QTest.keyClick(point.bars, Qt.Key.Key_End)
    assert point.current.text() == "c: 0.5"
    middle = QPoint(int(point.bars._area().center().x()), 40)
    QTest.mouseClick(point.bars, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    assert point.current.text() == "b: -2"
    help_event = QHelpEvent(QEvent.Type.ToolTip, middle, point.bars.mapToGlobal(middle))
    assert QApplication.sendEvent(point.bars, help_event)


def test_the_numbers_are_copied(point, application):
    point.set_vector_text("1.0, -2.0, 0.5")
    QTest.mouseClick(point.copy, Qt.MouseButton.LeftButton)
    assert application.clipboard().text() == "1.0, -2.0, 0.5"


def test_the_compare_page(application):
    from earthprint.ui.inspector.compare_widget import CompareWidget, DifferenceRow

    made = CompareWidget()
    made.resize(420, 700)
    made.show()
    made.show_place("A", "field, column 1, row 2")
    image = QImage(60, 40, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.green)
    made.pictures["A"].show_image(image)
    made.show_result("Score 0.5", [DifferenceRow("7", 1.0, 2.0, 1.0, 0.8), DifferenceRow("3", 0.5, 0.0, -0.5, 0.2)])
    QTest.qWait(30)
    seen = made.pictures["A"].grab().toImage()
    assert seen.pixelColor(5, 5) == image.pixelColor(5, 5)
    wished = []
    made.zoom_requested.connect(wished.append)
    made.swap_requested.connect(lambda: wished.append("swap"))
    for button in (made.zooms["A"], made.zooms["B"], made.swap):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert wished == ["A", "swap"]
    QTest.keyClick(made.bars, Qt.Key.Key_End)
    assert made.table.currentItem().text(0) == "3"
    made.close()
    made.deleteLater()
