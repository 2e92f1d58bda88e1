"""Steps of the driver for the inspector: pages, pointer and clicks in a real desktop, pictures of dock and window."""

from __future__ import annotations

import time
from pathlib import Path

import qgis.utils
from qgis.core import QgsApplication, QgsContrastEnhancement, QgsProject, QgsRasterMinMaxOrigin
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QComboBox, QDockWidget, QWidget
from qgis.utils import iface

MODIFIERS = {
    "": Qt.KeyboardModifier.NoModifier, "shift": Qt.KeyboardModifier.ShiftModifier,
    "alt": Qt.KeyboardModifier.AltModifier,
}  # fmt: skip


def theme(step):
    """Give QGIS another theme, as its settings do after a restart."""
    QgsApplication.setUITheme(step["theme"])
    QTest.qWait(500)
    return {}


def inspector():
    """Open the dock as its menu entry does, wide enough to read, with the other docks out of the way."""
    window = iface.mainWindow()
    dock = window.findChild(QDockWidget, "EarthprintInspector")
    if dock is None or not dock.isVisible():
        qgis.utils.plugins["earthprint"]._inspector.open()
        dock = window.findChild(QDockWidget, "EarthprintInspector")
    for other in window.findChildren(QDockWidget):
        if other is not dock:
            other.hide()
    return dock


def at(canvas, share):
    """Return the pixel of a share of the map's width and height."""
    return QPoint(int(share[0] * canvas.viewport().width()), int(share[1] * canvas.viewport().height()))


def click_map(dock, canvas, x, y, modifier=""):
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, MODIFIERS[modifier], at(canvas, (x, y)))


def press(dock, canvas, name):
    QTest.mouseClick(dock.findChild(QWidget, name), Qt.MouseButton.LeftButton)


def key(dock, canvas, letter):
    QTest.keyClick(canvas, letter)


def choose(dock, canvas, name, text):
    box = dock.findChild(QComboBox, name)
    index = next(index for index in range(box.count()) if text in box.itemText(index))
    box.setCurrentIndex(index)
    box.activated.emit(index)


def tick(dock, canvas, name, text):
    """Tick the line of a table or tree that begins so."""
    view = dock.findChild(QWidget, name)
    model = view.model()
    for row in range(model.rowCount()):
        index = model.index(row, 0)
        if str(model.data(index)).startswith(text):
            model.setData(index, Qt.CheckState.Checked, Qt.ItemDataRole.CheckStateRole)


ACTS = {"click": click_map, "press": press, "key": key, "choose": choose, "tick": tick}


def true_colour(step):
    """Draw a raster by three bands between their 1 % and 99 % quantiles; a tidy window for pictures."""
    iface.messageBar().clearWidgets()
    layer = QgsProject.instance().mapLayersByName(step["layer"])[0]
    layer.renderer().setRedBand(step["bands"][0])
    layer.renderer().setGreenBand(step["bands"][1])
    layer.renderer().setBlueBand(step["bands"][2])
    layer.setContrastEnhancement(
        QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum,
        QgsRasterMinMaxOrigin.Limits.CumulativeCut)
    for node in QgsProject.instance().layerTreeRoot().findLayers():
        node.setExpanded(False)
    layer.triggerRepaint()
    return {}


def inspect(step):
    """Show a page for a layer, move and click as told, wait, and take pictures of the dock and of the window."""
    dock, canvas = inspector(), iface.mapCanvas()
    window = iface.mainWindow()
    width = int(dock.fontMetrics().averageCharWidth() * step.get("characters", 62))
    window.resizeDocks([dock], [width], Qt.Orientation.Horizontal)
    layer = QgsProject.instance().mapLayersByName(step["layer"])[0]
    dock.layers.setLayer(layer)
    wait_while(dock.session.opening, 10)
    if step.get("zoom", True):
        canvas.setDestinationCrs(layer.crs())
        canvas.setExtent(layer.extent())
        canvas.refresh()
        QTest.qWait(300)
        wait_while(canvas.isDrawing, 20)
    dock.show_page(step["page"])
    dock.pointer.setChecked(True)
    QTest.qWait(200)
    for act in [*(["click", *each] for each in step.get("clicks", [])), *step.get("acts", [])]:
        ACTS[act[0]](dock, canvas, *act[1:])
        QTest.qWait(step.get("pause_ms", 600))
    for x, y in step.get("moves", []):
        QTest.mouseMove(canvas.viewport(), at(canvas, (x, y)))
        QTest.qWait(100)
    QTest.qWait(step.get("wait_ms", 1500))
    wait_while(canvas.isDrawing, 20)
    if "picture" in step:
        path = Path(step["picture"])
        path.parent.mkdir(parents=True, exist_ok=True)
        dock.grab().save(str(path))
        window.grab().save(str(path.with_name(path.stem + "-window.png")))
    return {"line": dock.line.text(), "tabs": [dock.tabs.tabText(index) for index in range(dock.tabs.count())],
            "modal": QApplication.activeModalWidget() is not None, "title": dock.windowTitle()}


def wait_while(what, seconds):
    """Let the desktop work while something holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and what():
        QTest.qWait(50)
