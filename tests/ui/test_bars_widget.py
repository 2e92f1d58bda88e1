"""Bars as they are painted: where they stand, in which order, in colours that are seen in every theme."""

from __future__ import annotations

import pytest

pytest.importorskip("qgis.PyQt.QtWidgets")
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtGui import QColor, QPalette
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QWidget

from earthprint.engine.space import Space
from earthprint.ui.inspector.bars_widget import Bar, BarGroup, BarsWidget
from earthprint.ui.inspector.vector_order import arranged, parts_of, short_name
from earthprint.ui.plot_colours import contrast, plot_colours

_application = QApplication.instance() or QApplication([])
BARS = [Bar(name, value) for name, value in (("a", 0.5), ("b", -1.0), ("c", 2.0), ("d", 0.0), ("e", 1.0))]


@pytest.fixture
def widget():
    made = BarsWidget()
    made.resize(400, 200)
    made.show()
    yield made
    made.deleteLater()


def heights(widget):
    """Return how many pixels of the accent's colour each bar's middle column has."""
    image, accent = widget.grab().toImage(), plot_colours(widget).accent
    area, count = widget._area(), len(widget.bars())
    found = []
    for index in range(count):
        x = int(area.left() + (index + 0.5) * area.width() / count)
        found.append(sum(image.pixelColor(x, y) == accent for y in range(image.height())))
    return found, area.height()


def test_bars_are_as_high_as_their_numbers(widget):
    widget.show_bars(BARS)
    found, room = heights(widget)
    per_unit = room / 3.0
    for pixels, bar in zip(found, BARS):
        assert abs(pixels - abs(bar.value) * per_unit) <= 2, bar


def test_more_bars_than_pixels_show_their_range(widget):
    many = [Bar(str(number), 1.0 if number % 2 else -1.0) for number in range(5000)]
    widget.show_bars(many)
    image, accent, area = widget.grab().toImage(), plot_colours(widget).accent, widget._area()
    column = [image.pixelColor(int(area.center().x()), y) == accent for y in range(image.height())]
    assert sum(column) > 0.9 * area.height()


def test_a_click_and_the_keys_point_at_a_bar(widget):
    widget.show_bars(BARS)
    area, told = widget._area(), []
    widget.current_changed.connect(told.append)
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
                     QPoint(int(area.left() + 2.5 * area.width() / 5), 80))
    assert widget.current() == 2 and widget.text_of(2) == "c: 2"
    for key, expected in ((Qt.Key.Key_Right, 3), (Qt.Key.Key_End, 4), (Qt.Key.Key_Right, 4), (Qt.Key.Key_Home, 0),
                          (Qt.Key.Key_Left, 0)):
        QTest.keyClick(widget, key)
        assert widget.current() == expected
    assert told == [2, 3, 4, 0]
    widget.show_bars(BARS[:2])
    widget.set_current(1)
    widget.show_bars(BARS[:1])
    assert widget.current() == -1


def test_nothing_and_equal_numbers_are_drawn_too(widget):
    for bars in ([], [Bar("x", 0.0)], [Bar("x", -3.0)], [Bar("x", 3.0)] * 3):
        widget.show_bars(bars)
        assert not widget.grab().isNull()


def test_orders_and_parts():
    parts = [BarGroup("first", 2), BarGroup("second", 3)]
    names = {order: "".join(bar.label for bar in arranged(BARS, order, parts)[0])
             for order in ("number", "value", "size", "parts")}
    assert names == {"number": "abcde", "value": "ceadb", "size": "cbead", "parts": "abced"}
    assert arranged(BARS, "value", parts)[1] == [] and arranged(BARS, "parts", parts)[1] == parts
    assert arranged(BARS, "parts", [])[0] == BARS


def test_the_parts_of_a_fused_space_are_its_layers():
    told = [{"name": "scene", "dimensions": 3}, {"name": "photos", "dimensions": 2}]
    assert parts_of(Space("fusion", 5, details={"parts": told})) == [BarGroup("scene", 3), BarGroup("photos", 2)]
    for details in ({}, {"parts": told[:1]}, {"parts": "odd"}, {"parts": [{"name": "x"}]},
                    {"parts": [dict(part, dimensions=0) for part in told]}):
        assert parts_of(Space("fusion", 5, details=details)) == []
    assert [short_name(name) for name in ("Dimension 3", "Component 12", "A00", "Dimension x")] == [
        "3", "12", "A00", "Dimension x"]


DARK = "QWidget { color: #aaaaaa; background: #323232; } QAbstractItemView { background: #222222; color: #dddddd; " \
       "selection-background-color: #0f6e00; alternate-background-color: #323232; }"


@pytest.mark.parametrize("style", ["", DARK])
def test_what_is_painted_is_seen_in_light_and_dark(style):
    parent = QWidget()
    parent.setStyleSheet(style)
    widget = BarsWidget(parent)
    widget.show_bars(BARS)
    parent.show()
    colours = plot_colours(widget)
    assert contrast(colours.text, colours.ground) >= 4.5
    assert contrast(colours.accent, colours.ground) >= 3
    assert (colours.ground.lightness() < 128) is bool(style)
    image = widget.grab().toImage()
    assert image.pixelColor(image.width() - 2, 2) == colours.ground
    parent.deleteLater()


def test_a_dark_palette_without_a_style_sheet(widget):
    palette = QPalette()
    for role, colour in (("Base", "#1e1e1e"), ("Text", "#1e1e1e"), ("WindowText", "#202020"),
                         ("Highlight", "#1f1f1f"), ("Link", "#202020")):
        palette.setColor(getattr(QPalette.ColorRole, role), QColor(colour))
    widget.setPalette(palette)
    colours = plot_colours(widget)
    assert colours.text == QColor("white") and contrast(colours.accent, colours.ground) >= 3
    assert contrast(QColor("black"), QColor("white")) == pytest.approx(21)
