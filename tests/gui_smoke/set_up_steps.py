"""Steps of the driver for “Encoders and set-up”: in a real desktop, with its own dialogs, map and project."""

from __future__ import annotations

import time

import qgis.utils
from qgis.core import QgsProject
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QComboBox, QDialog, QPushButton


def set_up_window():
    """Open the window as the greeting does and return it."""
    qgis.utils.plugins["earthprint"].open_welcome()
    QTest.qWait(500)
    return next(widget for widget in QApplication.topLevelWidgets() if widget.objectName() == "EarthprintSetUp")


def click(window, name):
    """Click a button by its name."""
    QTest.mouseClick(window.findChild(QPushButton, name), Qt.MouseButton.LeftButton)


def opened_by(window, name):
    """Click a button and return the dialog that it opens."""
    before = {id(widget) for widget in QApplication.topLevelWidgets() if widget.isVisible()}
    click(window, name)
    for _ in range(100):
        QTest.qWait(100)
        found = [widget for widget in QApplication.topLevelWidgets()
                 if widget.isVisible() and isinstance(widget, QDialog) and id(widget) not in before]
        if found:
            QTest.qWait(500)
            return found[0]
    raise RuntimeError("{} opened nothing".format(name))


def set_up(step):
    """Try the offers of the greeting and an encoder on the map; pictures of each."""
    window = set_up_window()
    plugin = qgis.utils.plugins["earthprint"]
    seen = {"raster": window.findChild(QPushButton, "try_project_raster").isEnabled()}
    dialog = opened_by(window, "try_project_raster")
    seen["embed"] = dialog.windowTitle()
    seen["input"] = [box.currentText() for box in dialog.findChildren(QComboBox)]
    seen["modal"] = dialog.isModal()
    dialog.close()
    plugin.open_set_up()
    page = plugin._set_up.encoders
    for _ in range(100):
        QTest.qWait(100)
        if page.item("automatic") is not None:
            break
    page.select("automatic")
    started = time.monotonic()
    click(window, "try_encoder")
    for _ in range(300):
        QTest.qWait(100)
        if not page.trial.busy():
            break
    seen["seconds"] = time.monotonic() - started
    seen["words"] = page.trial.text.text()
    window.grab().save(step["picture"])
    before = set(QgsProject.instance().mapLayers())
    click(window, "keep_trial")
    seen["kept"] = [QgsProject.instance().mapLayer(key).name() for key in
                    set(QgsProject.instance().mapLayers()) - before]
    for name, key in (("make_encoder", "make"), ("add_encoder", "add")):
        dialog = opened_by(window, name)
        seen[key] = dialog.windowTitle()
        dialog.grab().save(step["picture"].replace(".png", "-{}.png".format(key)))
        dialog.close()
    window.close()
    return seen
