"""The page of examples under Qt 6: made, filled, clicked, typed at."""

from __future__ import annotations

import pytest

pytest.importorskip("PyQt6", reason="PyQt6 is only in the environment that `./dev test` makes for this folder")
PyQt = pytest.importorskip("qgis.PyQt")
if "stub" not in PyQt.__file__:
    pytest.skip("the real QGIS is here, and it is built on Qt 5", allow_module_level=True)

from qgis.PyQt.QtCore import Qt  # noqa: E402
from qgis.PyQt.QtGui import QColor  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QApplication, QColorDialog, QLineEdit, QWidget  # noqa: E402


@pytest.fixture(scope="module")
def application() -> QApplication:
    return QApplication.instance() or QApplication([])


@pytest.fixture
def widget(application):
    from earthprint.ui.inspector.examples_widget import ClassRow, ExamplesWidget

    made = ExamplesWidget((("uncertain", "uncertain"), ("different", "different")))
    made.show()
    made.activateWindow()
    QTest.qWait(50)
    made.show_classes([ClassRow("Forest", "#009e73", 3), ClassRow("Water", "#0072b2", 0)], 0)
    yield made
    made.close()
    made.deleteLater()


def test_classes_are_listed_chosen_by_digits_and_kept_in_front(widget):
    from earthprint.ui.inspector.examples_widget import ClassRow

    line = widget.classes.topLevelItem(0)
    assert [line.text(column) for column in range(3)] == ["1", "Forest", "3"]
    widget.classes.setFocus()
    QTest.keyClick(widget.classes, Qt.Key.Key_2)
    assert widget.current() == 1
    widget.choose(7)
    assert widget.current() == 1
    widget.drawn.setCurrentIndex(2)
    widget.show_classes([ClassRow(f"c{number}", "#123456", 0) for number in range(12)], 1)
    assert (widget.current(), widget.drawn_class()) == (1, 1)
    assert [widget.classes.topLevelItem(number).text(0) for number in (8, 9)] == ["9", ""]
    widget.show_classes([], 0)
    assert widget.current() == -1 and not widget.rename.isEnabled() and not widget.remove.isEnabled()


def test_a_name_is_edited_in_place_and_digits_go_into_it(widget):
    said = []
    widget.rename_requested.connect(lambda number, name: said.append((number, name)))
    widget.choose(1)
    QTest.mouseClick(widget.rename, Qt.MouseButton.LeftButton)
    editor = widget.classes.findChild(QLineEdit)
    editor.selectAll()
    QTest.keyClicks(editor, "Lake 1")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    # Qt commits what was typed a turn of the event loop later.
    QTest.qWait(50)
    assert said == [(1, "Lake 1")] and widget.current() == 1


def test_a_colour_is_chosen_without_blocking(widget):
    said = []
    widget.recolour_requested.connect(lambda number, colour: said.append((number, colour)))
    widget.choose(1)
    QTest.mouseClick(widget.colour, Qt.MouseButton.LeftButton)
    dialog = widget.findChild(QColorDialog)
    assert not dialog.isModal()
    dialog.setCurrentColor(QColor("#112233"))
    dialog.accept()
    QTest.qWait(50)
    assert said == [(1, "#112233")] and widget.findChild(QColorDialog) is None


def test_buttons_and_lists_tell_what_is_meant(widget):
    from earthprint.ui.inspector.examples_widget import SuggestionRow

    said = []
    for name in ("add_requested", "undo_requested", "suggestions_requested", "train_requested", "drawn_changed"):
        getattr(widget, name).connect(lambda name=name: said.append(name.rsplit("_", 1)[0]))
    for name in ("remove_requested", "jump_requested"):
        getattr(widget, name).connect(lambda number, name=name: said.append((name.rsplit("_", 1)[0], number)))
    assert not widget.undo.isEnabled() and not widget.train.isEnabled()
    widget.set_ready(True, True)
    widget.choose(1)
    for button in (widget.add, widget.undo, widget.again, widget.train, widget.remove):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert said == ["add", "undo", "suggestions", "train", ("remove", 1)]
    widget.show_suggestions([SuggestionRow("#1", "doubt 0.97"), SuggestionRow("#2", "doubt 0.95")], "")
    widget.suggestions.itemClicked.emit(widget.suggestions.item(1))
    assert said[-1] == ("jump", 1) and widget.suggestions.item(1).text() == "#2  doubt 0.95"
    widget.show_suggestions([], "None yet.")
    widget.suggestions.itemClicked.emit(widget.suggestions.item(0))
    assert said[-1] == ("jump", 1) and widget.suggestions.item(0).text() == "None yet."
    widget.kind.setCurrentIndex(1)
    widget.opacity.setValue(20)
    assert said[-2:] == ["suggestions", "drawn"] and widget.suggestion_kind() == "different"


def test_every_control_is_named_and_letters_are_told_apart(widget):
    names = [child.objectName() for child in widget.findChildren(QWidget) if type(child).__module__ and
             child.parent() is widget and child.metaObject().className() != "QLabel"]
    assert all(names) and len(set(names)) == len(names)
    buttons = [widget.add, widget.rename, widget.colour, widget.remove, widget.erase, widget.undo, widget.again,
               widget.train]
    letters = [button.text()[button.text().index("&") + 1].lower() for button in buttons] + list("hobplc")
    assert len(set(letters)) == len(letters), sorted(letters)
