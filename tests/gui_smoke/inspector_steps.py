"""Steps of the driver for the inspector: pages, pointer and clicks in a real desktop, pictures of dock and window."""

from __future__ import annotations

import time
from pathlib import Path

import qgis.utils
from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QDockWidget, QWidget
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
        if other is not dock and other.objectName() not in ("Layers",):
            other.hide()
    return dock


def at(canvas, share):
    """Return the pixel of a share of the map's width and height."""
    return QPoint(int(share[0] * canvas.viewport().width()), int(share[1] * canvas.viewport().height()))


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
    for x, y, *modifier in step.get("clicks", []):
        keys = MODIFIERS[modifier[0] if modifier else ""]
        QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, keys, at(canvas, (x, y)))
        QTest.qWait(step.get("pause_ms", 600))
    for x, y in step.get("moves", []):
        QTest.mouseMove(canvas.viewport(), at(canvas, (x, y)))
        QTest.qWait(100)
    for name in step.get("buttons", []):
        QTest.mouseClick(dock.findChild(QWidget, name), Qt.MouseButton.LeftButton)
        QTest.qWait(300)
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
