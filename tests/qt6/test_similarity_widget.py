"""The page of live similarity under Qt 6: made, filled, clicked."""

from __future__ import annotations

import pytest

pytest.importorskip("PyQt6", reason="PyQt6 is only in the environment that `./dev test` makes for this folder")
PyQt = pytest.importorskip("qgis.PyQt")
if "stub" not in PyQt.__file__:
    pytest.skip("the real QGIS is here, and it is built on Qt 5", allow_module_level=True)

from qgis.PyQt.QtCore import Qt  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QApplication  # noqa: E402


@pytest.fixture(scope="module")
def application() -> QApplication:
    return QApplication.instance() or QApplication([])


@pytest.fixture
def widget(application):
    from earthprint.ui.inspector.similarity_widget import SimilarityWidget

    made = SimilarityWidget()
    made.show()
    QTest.qWait(50)
    yield made
    made.close()
    made.deleteLater()


def test_examples_are_listed_removed_and_enable_the_buttons(widget):
    from earthprint.ui.inspector.similarity_widget import ExampleRow

    asked = []
    widget.remove_requested.connect(asked.append)
    assert not widget.keep.isEnabled() and not widget.clear.isEnabled()
    widget.show_examples([ExampleRow("Not: a", True)])
    assert not widget.keep.isEnabled() and widget.clear.isEnabled()
    widget.show_examples([ExampleRow("a", False), ExampleRow("Not: b", True)])
    assert widget.keep.isEnabled() and widget.toolbox.isEnabled() and not widget.remove.isEnabled()
    widget.examples.item(1).setSelected(True)
    QTest.mouseClick(widget.remove, Qt.MouseButton.LeftButton)
    widget.examples.setFocus()
    QTest.keyClick(widget.examples, Qt.Key.Key_Delete)
    assert asked[0] == [1]
    widget.set_keeping(True)
    assert not widget.keep.isEnabled() and widget.cancel_keep.isVisibleTo(widget)


def test_colours_are_set_and_read_back(widget):
    from earthprint.ui.canvas.score_colours import OverlayStyle

    changed = []
    widget.style_changed.connect(lambda: changed.append(widget.overlay_style()))
    widget.set_overlay_style(OverlayStyle("cividis", 0.35, 0.25))
    assert changed[-1] == OverlayStyle("cividis", 0.35, 0.25) and widget.opacity_value.text() == "35 %"
    widget.show_spread(0.25, 0.9, 0.1)
    assert (widget.threshold_slider.minimum(), widget.threshold_slider.maximum()) == (100, 900)
    assert widget.threshold.value() == 0.25 and widget.legend.high.text() == "0.900"
    widget.threshold_slider.setValue(700)
    assert changed[-1].threshold == 0.7
    widget.hide_below.setChecked(False)
    assert changed[-1].threshold is None
    widget.show_spread(None, None)
    assert widget.legend.low.text() == ""


def test_sentences_and_overviews_come_and_go(widget):
    widget.show_sentence("Why")
    assert widget.sentence.isVisibleTo(widget)
    widget.show_here(-0.5)
    assert widget.here.text() == "Here: −0.500"
    widget.set_overviews("Slow", False)
    assert widget.make_overviews.isVisibleTo(widget) and not widget.cancel_overviews.isVisibleTo(widget)
    widget.set_overviews("Making", True)
    assert widget.overview_progress.isVisibleTo(widget) and not widget.make_overviews.isVisibleTo(widget)
    widget.set_overviews("", False)
    assert not widget.overview_sentence.isVisibleTo(widget)
    toggled = []
    widget.follow_toggled.connect(toggled.append)
    widget.set_following(False)
    assert toggled == [] and not widget.follow.isChecked()
    widget.follow.click()
    assert toggled == [True]
