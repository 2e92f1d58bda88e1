"""The plain widgets under Qt 6, which no QGIS at hand is built on: made, filled, clicked."""

from __future__ import annotations

import importlib
import pkgutil
from typing import List

import pytest

pytest.importorskip("PyQt6", reason="PyQt6 is only in the environment that `./dev test` makes for this folder")
PyQt = pytest.importorskip("qgis.PyQt")
if "stub" not in PyQt.__file__:
    pytest.skip("the real QGIS is here, and it is built on Qt 5", allow_module_level=True)

from qgis.PyQt.QtCore import Qt  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QApplication, QPushButton  # noqa: E402


@pytest.fixture(scope="module")
def application() -> QApplication:
    return QApplication.instance() or QApplication([])


def test_this_is_qt6_without_the_old_short_names():
    from qgis.PyQt.QtCore import QT_VERSION_STR

    assert QT_VERSION_STR.startswith("6.")
    with pytest.raises(AttributeError):
        Qt.LeftButton  # noqa: B018


def plain_modules() -> List[str]:
    """Return the modules of `ui` that need no class of QGIS itself."""
    import earthprint.ui

    return [module.name for module in pkgutil.walk_packages(earthprint.ui.__path__, "earthprint.ui.")]


@pytest.mark.parametrize("name", plain_modules())
def test_every_plain_module_imports(application, name):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name in ("qgis.core", "qgis.gui", "osgeo"):
            pytest.skip(f"{name} needs {missing.name}, which has no stand-in")
        raise


# ---- the packages page


@pytest.fixture
def dialog(application):
    from earthprint.ui.packages_widget import PackagesWidget

    made = PackagesWidget()
    made.show_rows(rows())
    made.show()
    QTest.qWait(50)
    yield made
    made.close()
    made.deleteLater()


def rows() -> list:
    from dataclasses import fields

    from earthprint.ui.packages_widget import PackageRow

    def row(name: str, usable: bool, selected: bool) -> PackageRow:
        values = {"name": name, "usable": usable, "selectable": not usable, "selected": selected}
        texts = {field.name: f"{field.name} of {name}" for field in fields(PackageRow) if field.name not in values}
        return PackageRow(**values, **texts)

    return [row("onnxruntime", False, True), row("h3", False, False), row("scikit-learn", True, False)]


def button(dialog, name: str) -> QPushButton:
    found = dialog.findChild(QPushButton, name)
    assert found is not None, name
    return found


def click(dialog, name: str) -> None:
    QTest.mouseClick(button(dialog, name), Qt.MouseButton.LeftButton)


def test_it_shows_a_row_for_each_package(dialog):
    shown = [dialog.table.topLevelItem(index).text(0) for index in range(dialog.table.topLevelItemCount())]
    assert shown == ["onnxruntime", "h3", "scikit-learn"]


def test_a_click_on_install_asks_for_what_is_ticked(dialog):
    asked = []
    dialog.install_requested.connect(asked.append)
    click(dialog, "install")
    assert asked == [["onnxruntime"]]
    dialog.table.topLevelItem(1).setCheckState(0, Qt.CheckState.Checked)
    click(dialog, "install")
    assert asked == [["onnxruntime"], ["onnxruntime", "h3"]]


def test_the_space_bar_ticks(dialog):
    dialog.table.setCurrentItem(dialog.table.topLevelItem(1))
    dialog.table.setFocus()
    QTest.keyClick(dialog.table, Qt.Key.Key_Space)
    assert dialog.selected() == ["onnxruntime", "h3"]


def test_while_busy_only_cancel_can_be_clicked(dialog):
    cancelled = []
    dialog.cancel_requested.connect(lambda: cancelled.append(True))
    dialog.set_busy(True)
    assert not button(dialog, "install").isEnabled()
    click(dialog, "cancel")
    assert cancelled == [True]
    dialog.set_busy(False)
    assert button(dialog, "install").isEnabled()


def test_the_way_back_opens_when_there_is_one(dialog):
    went = []
    dialog.go_back_requested.connect(lambda: went.append(True))
    assert not button(dialog, "go_back").isEnabled()
    dialog.set_way_back("the packages of before")
    click(dialog, "go_back")
    assert went == [True]


def test_progress_and_log_are_shown(dialog):
    dialog.set_busy(True)
    dialog.show_progress(0.5, "Fetching onnxruntime")
    dialog.add_line("a line of the log")
    assert dialog.progress.value() == (dialog.progress.minimum() + dialog.progress.maximum()) // 2
    assert dialog.message.text() == "Fetching onnxruntime"
    assert dialog.log_text() == "a line of the log"


def test_the_report_lands_on_the_clipboard(dialog, application):
    dialog.copy("the report")
    assert application.clipboard().text() == "the report"
