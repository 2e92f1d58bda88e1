"""Runs inside a QGIS desktop (`--code`): carries out the steps of plan.json with clicks, and notes what it sees."""

from __future__ import annotations

import json
import os
import time
import traceback
from pathlib import Path

import processing
import qgis.utils
from inspector_steps import inspect, theme, true_colour
from qgis.core import QgsApplication, QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtCore import QCoreApplication, QEvent, Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import (
    QApplication,
    QDialog,
    QDockWidget,
    QLabel,
    QPushButton,
    QTextBrowser,
    QTextEdit,
    QToolBar,
    QWidget,
)
from qgis.utils import iface
from set_up_steps import set_up
from watch import FOLDER, notebook

PLUGIN = "earthprint"


def wait_until(what, seconds):
    """Let the desktop work until `what()` holds; tell whether it came to hold."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        QTest.qWait(50)
    return bool(what())


def picture(widget, path):
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        widget.grab().save(str(path))


def run_button(dialog):
    if hasattr(dialog, "runButton"):
        return dialog.runButton()
    return next(button for button in dialog.findChildren(QPushButton) if button.text().replace("&", "") == "Run")


def text_of(dialog):
    """Return the log of a Processing dialog and what its message bar says."""
    log = [edit.toPlainText() for edit in dialog.findChildren(QTextEdit, "txtLog")]
    bars = [widget for widget in dialog.findChildren(QWidget) if widget.metaObject().className() == "QgsMessageBarItem"]
    browsers = [browser.toPlainText() for bar in bars for browser in bar.findChildren(QTextBrowser)]
    return "\n".join([*log, *browsers])


def load(step):
    """Add a layer to the project, as a user does before opening a dialog."""
    path = step["path"]
    kind = QgsVectorLayer if step.get("vector") else QgsRasterLayer
    layer = kind(path, step["title"])
    QgsProject.instance().addMapLayer(layer)
    QTest.qWait(300)
    return {"valid": layer.isValid()}


def layer_facts(layer):
    facts = {"name": layer.name(), "valid": layer.isValid(), "source": layer.source()}
    if isinstance(layer, QgsRasterLayer):
        facts.update(
            bands=layer.bandCount(), width=layer.width(), height=layer.height(), renderer=layer.renderer().type()
        )
    if isinstance(layer, QgsVectorLayer):
        facts.update(features=layer.featureCount(), fields=[field.name() for field in layer.fields()])
    return facts


def open_dialog(step):
    parameters = dict(step.get("parameters", {}))
    dialog = processing.createAlgorithmDialog(step["algorithm"], parameters)
    if dialog is None:
        raise RuntimeError(f"there is no algorithm {step['algorithm']}")
    dialog.resize(*step.get("size", (960, 820)))
    dialog.show()
    dialog.raise_()
    QTest.qWait(600)
    return dialog


def photograph(step):
    """Open an algorithm's dialog, take its picture, and close it."""
    dialog = open_dialog(step)
    picture(dialog, step.get("picture"))
    title = dialog.windowTitle()
    dialog.close()
    return {"title": title}


def run(step):
    """Open an algorithm's dialog, click Run, and wait until it has run."""
    before = set(QgsProject.instance().mapLayers())
    dialog = open_dialog(step)
    title = dialog.windowTitle()
    picture(dialog, step.get("picture"))
    button = run_button(dialog)
    started = time.monotonic()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    QTest.qWait(300)

    def ended():
        text = text_of(dialog)
        return bool(notebook.unexpected) or any(
            word in text for word in ("' finished", "Execution failed", *step.get("until", []))
        )

    came = wait_until(ended, step.get("seconds", 90))
    wait_until(lambda: button.isEnabled(), 10)
    QTest.qWait(700)
    picture(dialog, step.get("picture_after"))
    text = text_of(dialog)
    dialog.close()
    new = [layer for key, layer in QgsProject.instance().mapLayers().items() if key not in before]
    return {
        "title": title, "ended": came, "text": text, "layers": [layer_facts(layer) for layer in new],
        "seconds": time.monotonic() - started,
    }  # fmt: skip


def colours_of_canvas():
    """Count the colours that the map shows: a layer that does not draw leaves one."""
    image = iface.mapCanvas().grab().toImage()
    points = [(x, y) for x in range(0, image.width(), 9) for y in range(0, image.height(), 9)]
    return len({image.pixel(x, y) for x, y in points})


def show_map(step):
    """Zoom to a layer, let it draw alone, and take a picture of the window."""
    layer = QgsProject.instance().mapLayersByName(step["layer"])[0]
    iface.setActiveLayer(layer)
    root = QgsProject.instance().layerTreeRoot()
    for node in root.findLayers():
        node.setItemVisibilityChecked(node.layerId() == layer.id())
    canvas = iface.mapCanvas()
    canvas.setDestinationCrs(layer.crs())
    canvas.setExtent(layer.extent())
    canvas.refresh()
    QTest.qWait(500)
    wait_until(lambda: not canvas.isDrawing(), 30)
    QTest.qWait(300)
    picture(iface.mainWindow(), step.get("picture"))
    return {"colours": colours_of_canvas(), "layer": layer.name()}


def provider_ids():
    return [provider.id() for provider in QgsApplication.processingRegistry().providers()]


def furniture():
    """Return what a plugin may have put into the window, by name."""
    window = iface.mainWindow()
    window.menuBar()
    # Widgets that a plugin hands to deleteLater() go with the next turn of the event loop.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QTest.qWait(100)
    docks = [dock.objectName() or dock.windowTitle() for dock in window.findChildren(QDockWidget)]
    bars = [bar.objectName() or bar.windowTitle() for bar in window.findChildren(QToolBar)]
    actions = [
        action.text().replace("&", "") for menu in (iface.pluginMenu(), iface.rasterMenu()) for action in menu.actions()
    ]
    return {"docks": sorted(docks), "bars": sorted(bars), "actions": sorted(filter(None, actions))}


def look(step):
    """Write down whether the plugin is loaded and what it has put into the window."""
    plugin = qgis.utils.plugins.get(PLUGIN)
    algorithms = []
    for provider in QgsApplication.processingRegistry().providers():
        if provider.id() == PLUGIN:
            algorithms = sorted(algorithm.id() for algorithm in provider.algorithms())
    return {
        "loaded": plugin is not None, "active": PLUGIN in qgis.utils.active_plugins,
        "providers": provider_ids().count(PLUGIN), "algorithms": algorithms, **furniture(),
    }  # fmt: skip


def unload(step):
    """Take the plugin out, as the plugin manager does."""
    return {"done": qgis.utils.unloadPlugin(PLUGIN), **look(step)}


def reload(step):
    """Bring the plugin in again."""
    return {"done": qgis.utils.loadPlugin(PLUGIN) and qgis.utils.startPlugin(PLUGIN), **look(step)}


def action(step):
    """Trigger an entry of the plugin's menu, take a picture of the window it opens, and close that."""
    window = iface.mainWindow()
    titles = {item.text().replace("&", ""): item for item in all_actions(window)}
    before = {id(widget) for widget in QApplication.topLevelWidgets() if widget.isVisible()}
    seen = {}

    def take():
        opened = [
            widget
            for widget in QApplication.topLevelWidgets()
            if widget.isVisible() and isinstance(widget, QDialog) and id(widget) not in before
        ]
        if opened:
            seen["title"] = opened[0].windowTitle()
            seen["labels"] = [label.text() for label in opened[0].findChildren(QLabel)]
            picture(opened[0], step.get("picture"))
            opened[0].close()

    # A modal dialog keeps trigger() from returning, so the look at it is arranged beforehand.
    QTimer.singleShot(1500, take)
    titles[step["text"]].trigger()
    wait_until(lambda: "title" in seen, 10)
    return seen


def all_actions(widget):
    found = []
    for menu in widget.menuBar().actions():
        found += below(menu)
    return found


def below(entry):
    if entry.menu() is None:
        return [entry]
    return [item for child in entry.menu().actions() for item in below(child)]


def catalogue(step):
    """Photograph the dialogs of all algorithms of the plugin, or of those that are named."""
    wanted = step.get("only") or []
    taken = []
    for provider in QgsApplication.processingRegistry().providers():
        if provider.id() != PLUGIN:
            continue
        for algorithm in sorted(provider.algorithms(), key=lambda item: item.name()):
            if wanted and algorithm.name() not in wanted:
                continue
            path = str(Path(step["pictures"], f"{algorithm.name()}.png"))
            photograph({"algorithm": algorithm.id(), "picture": path, "size": step.get("size", (960, 820))})
            taken.append(algorithm.name())
    return {"taken": taken}


STEPS = {
    "load": load, "run": run, "photograph": photograph, "map": show_map, "look": look, "unload": unload,
    "reload": reload, "catalogue": catalogue, "action": action, "set_up": set_up,
    "inspect": inspect, "theme": theme, "true_colour": true_colour,
}  # fmt: skip


def go():
    code = 0
    try:
        window = iface.mainWindow()
        window.move(0, 0)
        window.resize(1400, 1000)
        QTest.qWait(300)
        for step in json.loads((FOLDER / "plan.json").read_text(encoding="utf-8")):
            notebook.say(f"step {step}")
            notebook.step(step.get("name", step["do"]), STEPS[step["do"]](step))
    except Exception:
        notebook.say(traceback.format_exc())
        code = 3
    notebook.say(f"the end, {code}")
    # An orderly exit may ask whether to keep temporary layers, and nobody would answer.
    os._exit(code)


QTimer.singleShot(1000, go)
