"""The inspector in a window: opened from the menu, back after a restart, and gone after unload, ten times over."""

from __future__ import annotations

import gc
from types import SimpleNamespace

import pytest

pytest.importorskip("qgis.gui")
from inspected_layers import LEFT, SIDE, TOP, add_field, click, move, shown_canvas, wait_until
from qgis.core import QgsApplication, QgsProject, QgsRectangle, QgsSettings
from qgis.PyQt.QtCore import QCoreApplication, QEvent, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QAbstractButton, QApplication, QDockWidget, QLabel, QMainWindow

from earthprint.plugin.inspector_panel import InspectorPanel
from earthprint.plugin.settings import INSPECTOR_OPEN

AREA = Qt.DockWidgetArea.RightDockWidgetArea


@pytest.fixture
def iface(qgis_new_project):
    QgsSettings().remove(INSPECTOR_OPEN)
    with shown_canvas() as canvas:
        window = QMainWindow()
        window.resize(900, 600)
        window.show()
        yield SimpleNamespace(
            mainWindow=lambda: window, mapCanvas=lambda: canvas,
            addDockWidget=window.addDockWidget, removeDockWidget=window.removeDockWidget)
        window.close()
        window.deleteLater()
    QgsSettings().remove(INSPECTOR_OPEN)


def settle():
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, int(QEvent.Type.DeferredDelete))
        QApplication.processEvents()
    gc.collect()


def furniture(iface):
    settle()
    return (len(QApplication.allWidgets()), len(iface.mapCanvas().scene().items()),
            QgsApplication.taskManager().countActiveTasks(), len(iface.mainWindow().findChildren(QDockWidget)),
            sum(str(getattr(type(each), "__module__", "")).startswith("earthprint.ui.inspector")
                for each in gc.get_objects()))


def test_it_is_not_made_before_it_is_wanted(iface):
    panel = InspectorPanel(iface)
    panel.restore()
    assert panel.dock is None
    panel.open()
    assert panel.dock.isVisible() and iface.mainWindow().dockWidgetArea(panel.dock) == AREA
    dock = panel.dock
    panel.open()
    assert panel.dock is dock
    panel.unload()


def test_it_comes_back_where_it_was_if_it_was_open(iface):
    panel = InspectorPanel(iface)
    panel.open()
    left = Qt.DockWidgetArea.LeftDockWidgetArea
    iface.mainWindow().addDockWidget(left, panel.dock)
    state = iface.mainWindow().saveState()
    panel.unload()
    settle()
    iface.mainWindow().restoreState(state)
    again = InspectorPanel(iface)
    again.restore()
    assert again.dock.isVisible() and iface.mainWindow().dockWidgetArea(again.dock) == left
    again.dock.close()
    again.unload()
    settle()
    closed = InspectorPanel(iface)
    closed.restore()
    assert closed.dock is None


def test_ten_reloads_in_the_middle_of_work_leave_nothing(iface, tmp_path):
    canvas = iface.mapCanvas()
    layer = add_field(tmp_path)
    canvas.setLayers([layer])
    canvas.setExtent(QgsRectangle(LEFT, TOP - 30 * SIDE, LEFT + 40 * SIDE, TOP))
    counts = []
    for _ in range(11):
        panel = InspectorPanel(iface)
        panel.open()
        panel.dock.layers.setLayer(layer)
        assert wait_until(lambda panel=panel: not panel.dock.session.opening())
        panel.dock.pointer.setChecked(True)
        for page in panel.dock.pages:
            panel.dock.show_page(page.name)
            move(canvas, 150, 150)
            click(canvas, 200, 120)
            click(canvas, 220, 140, Qt.KeyboardModifier.ShiftModifier)
            QTest.qWait(20)
        panel.unload()
        del panel, page
        assert wait_until(lambda: QgsApplication.taskManager().countActiveTasks() == 0)
        counts.append(furniture(iface))
    assert counts[-1] == counts[1], counts
    assert QgsProject.instance().mapLayers() and layer.isValid()


def test_the_project_is_closed_and_the_crs_changes_in_the_middle_of_work(iface, tmp_path):
    canvas = iface.mapCanvas()
    panel = InspectorPanel(iface)
    panel.open()
    for name in [page.name for page in panel.dock.pages]:
        layer = add_field(tmp_path, f"field_{name}")
        canvas.setExtent(layer.extent())
        panel.dock.layers.setLayer(layer)
        assert wait_until(lambda: not panel.dock.session.opening())
        panel.dock.show_page(name)
        panel.dock.pointer.setChecked(True)
        move(canvas, 150, 150)
        click(canvas, 200, 120)
        layer.setCrs(layer.crs().fromEpsgId(32633))
        move(canvas, 160, 150)
        click(canvas, 210, 120)
        QgsProject.instance().clear()
        QTest.qWait(30)
        assert panel.dock.session.subject is None
        assert QApplication.activeModalWidget() is None
    panel.unload()


# The letters that open QGIS's own menus: a letter with two meanings opens nothing.
MENUS = set("jevlsporrdwmch")


@pytest.mark.parametrize("name", ["point", "compare"])
def test_letters_for_the_keyboard_are_unique_and_leave_the_menus_theirs(iface, name):
    panel = InspectorPanel(iface)
    panel.open()
    page = panel.dock.page(name)
    texts = [each.text() for kind in (QAbstractButton, QLabel)
             for each in [*page.widget().findChildren(kind), panel.dock.pointer, panel.dock.centre]
             if isinstance(each, kind)]
    letters = [text[text.index("&") + 1].lower() for text in texts if "&" in text]
    assert letters and len(set(letters)) == len(letters) and not MENUS & set(letters)
    panel.unload()
