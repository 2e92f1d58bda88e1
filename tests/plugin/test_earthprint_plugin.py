"""The plugin object in a real QGIS: what it adds, with and without a desktop, and that unload takes it all back."""

from __future__ import annotations

import gc
import logging
import os
import sys
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")
from qgis.core import QgsApplication, QgsSettings
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QCoreApplication, QEvent
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QAction, QApplication, QMainWindow, QPushButton

import earthprint
from earthprint.engine import packages
from earthprint.engine.package_plan import this_host
from earthprint.plugin import earthprint_plugin, settings
from earthprint.plugin.package_folders import Contents, PackageFolders
from earthprint.plugin.settings import GREETED, HINT_SHOWN

PROVIDER = "earthprintprobe"


class MessageBar:
    def __init__(self):
        self.widgets, self.messages = [], []

    def createMessage(self, title, text):
        from qgis.gui import QgsMessageBarItem

        self.messages.append((title, text))
        return QgsMessageBarItem(title, text)

    def pushWidget(self, widget, level, duration):
        self.widgets.append(widget)

    def popWidget(self, widget):
        self.widgets.remove(widget)
        widget.deleteLater()

    def pushMessage(self, *what):
        self.messages.append(what)


class Iface:
    """Stands for QGIS's interface: a real main window, a menu and a message bar that remember."""

    def __init__(self):
        self.window = QMainWindow()
        self.menu = []
        self.bar = MessageBar()
        self.canvas = QgsMapCanvas(self.window)

    def activeLayer(self):
        return None

    def mapCanvas(self):
        return self.canvas

    def mainWindow(self):
        return self.window

    def messageBar(self):
        return self.bar

    def addPluginToMenu(self, menu, action):
        self.menu.append((menu, action))

    def removePluginMenu(self, menu, action):
        self.menu.remove((menu, action))


def settle():
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, int(QEvent.Type.DeferredDelete))
        QApplication.processEvents()
    gc.collect()


@pytest.fixture
def profile(qgis_processing, tmp_path, monkeypatch):
    """Give the plugin a profile, settings, a search path and a provider id of its own: others hold "earthprint"."""
    from earthprint.processing_provider.provider import EarthprintProvider

    monkeypatch.setattr(EarthprintProvider, "id", lambda self: PROVIDER)
    monkeypatch.setattr(settings, "profile_folder", lambda: str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    for key in (HINT_SHOWN, GREETED):
        QgsSettings().remove(key)
    yield tmp_path
    for key in (HINT_SHOWN, GREETED):
        QgsSettings().remove(key)


def installed_folder(profile: Path) -> str:
    folders = PackageFolders(str(profile / "python" / "earthprint-packages"), this_host())
    return folders.adopt(folders.new_folder(), Contents(("h3",), (), "3.11", "1.24", "2026-01-02T03:04:05"))


def snapshot(iface):
    return {
        "menu": list(iface.menu),
        "bar": list(iface.bar.widgets),
        "children": len(iface.window.findChildren(QAction)),
        "windows": sorted(type(widget).__name__ for widget in QApplication.topLevelWidgets()),
        "providers": sorted(provider.id() for provider in QgsApplication.processingRegistry().providers()),
        "handlers": list(logging.getLogger("earthprint").handlers),
        "path": list(sys.path),
    }


def test_headless_the_provider_is_there_and_nothing_else(profile):
    folder = installed_folder(profile)
    plugin = earthprint.classFactory(None)
    plugin.initProcessing()
    assert QgsApplication.processingRegistry().providerById(PROVIDER) is not None
    assert sys.path[-1] == folder
    assert plugin.actions == []
    plugin.unload()
    assert QgsApplication.processingRegistry().providerById(PROVIDER) is None
    assert folder not in sys.path


def test_the_menu_and_clean_reloads(profile, monkeypatch):
    installed_folder(profile)
    iface = Iface()
    settle()
    before = snapshot(iface)
    for _ in range(3):
        plugin = earthprint.classFactory(iface)
        plugin.initGui()
        assert [(menu, action.text()) for menu, action in iface.menu] == [
            ("Earthprint", "Embed a raster…"), ("Earthprint", "Inspect embeddings"),
            ("Earthprint", "Encoders and set-up…"), ("Earthprint", "Packages…"), ("Earthprint", "Help")]
        assert QgsApplication.processingRegistry().providerById(PROVIDER) is not None
        iface.menu[2][1].trigger()
        window = plugin._set_up.window
        assert window.isVisible() and not window.isModal() and window.page() == "encoders"
        iface.menu[3][1].trigger()
        assert plugin._set_up.window is window and window.page() == "packages"
        assert plugin._set_up.packages.table.topLevelItemCount() == len(packages.CATALOGUE)
        plugin.unload()
        del plugin, window
        settle()
        assert snapshot(iface) == before


def test_the_icon_is_drawn(profile):
    image = QIcon(earthprint_plugin.ICON).pixmap(32, 32).toImage()
    colours = {image.pixel(x, y) for x in range(32) for y in range(32)}
    assert len(colours) > 10


def test_missing_packages_are_mentioned_once_and_not_in_a_box(profile, monkeypatch):
    monkeypatch.setattr(packages, "_find_spec", lambda module: None)
    iface = Iface()
    plugin = earthprint.classFactory(iface)
    plugin.initGui()
    plugin._hint_at_packages()
    (title, text), = iface.bar.messages
    assert title == "Earthprint" and "packages that are not installed" in text
    assert QApplication.activeModalWidget() is None
    button, = iface.bar.widgets[0].findChildren(QPushButton)
    button.click()
    assert plugin._set_up.packages.isVisible() and iface.bar.widgets == []
    plugin._hint_at_packages()
    plugin.unload()
    plugin = earthprint.classFactory(iface)
    plugin.initGui()
    plugin._hint_at_packages()
    plugin.unload()
    assert len(iface.bar.messages) == 1


def test_the_first_start_greets_until_the_message_was_closed(profile):
    iface = Iface()
    plugin = earthprint.classFactory(iface)
    plugin.initGui()
    plugin._greet()
    assert iface.bar.messages == [("Earthprint", "Ready: a first result needs no download.")]
    assert QApplication.activeModalWidget() is None
    plugin.unload()
    settle()
    assert iface.bar.widgets == [] and settings.greets()  # an unload is no answer
    plugin = earthprint.classFactory(iface)
    plugin.initGui()
    plugin._greet()
    iface.bar.popWidget(iface.bar.widgets[0])
    settle()
    assert not settings.greets()
    plugin.unload()


def test_the_greeting_leads_to_the_welcome(profile):
    iface = Iface()
    plugin = earthprint.classFactory(iface)
    plugin.initGui()
    plugin._greet()
    button, = iface.bar.widgets[0].findChildren(QPushButton)
    button.click()
    assert plugin._set_up.window.page() == "welcome" and plugin._set_up.welcome.isVisible()
    assert iface.bar.widgets == [] and not settings.greets()
    plugin._set_up.welcome.greeting.click()
    assert settings.greets()
    plugin.unload()


def test_after_an_update_of_python_the_reason_is_told(profile, monkeypatch):
    monkeypatch.setattr(packages, "_find_spec", lambda module: None)
    older = PackageFolders(str(profile / "python" / "earthprint-packages"),
                           type(this_host())((3, 9), "1.22.4", "linux", "x86_64"))
    older.adopt(older.new_folder(), Contents(("h3",), (), "3.9", "1.22", "2026-01-02T03:04:05"))
    iface = Iface()
    plugin = earthprint.classFactory(iface)
    plugin.initGui()
    plugin._hint_at_packages()
    assert "Python was updated" in iface.bar.messages[0][1]
    plugin.unload()


def test_nothing_is_said_where_all_is_there(profile, monkeypatch):
    monkeypatch.setattr(earthprint_plugin.packages, "state",
                        lambda name: packages.PackageState(name, "1", None, "", ()))
    iface = Iface()
    plugin = earthprint.classFactory(iface)
    plugin.initGui()
    plugin._hint_at_packages()
    assert iface.bar.messages == []
    plugin.unload()


def test_embed_a_raster_opens_its_dialog_without_blocking(profile):
    iface = Iface()
    plugin = earthprint.classFactory(iface)
    plugin.initGui()
    opened = []
    import processing

    class Dialog:
        def show(self):
            opened.append("shown")

        def close(self):
            opened.append("closed")

        def deleteLater(self):
            opened.append("deleted")

    def create(name, parameters):
        opened.append(name)
        return Dialog()

    original, processing.createAlgorithmDialog = processing.createAlgorithmDialog, create
    try:
        iface.menu[0][1].trigger()
    finally:
        processing.createAlgorithmDialog = original
    plugin.unload()
    assert opened == ["earthprint:embedraster", "shown", "closed", "deleted"]


def test_help_opens_the_pages_that_came_along_or_the_home_page(profile, monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(earthprint_plugin.QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    page = tmp_path / "index.html"
    monkeypatch.setattr(earthprint_plugin, "HELP", str(page))
    plugin = earthprint.classFactory(None)
    plugin.open_help()
    page.write_text("help", encoding="utf-8")
    plugin.open_help()
    assert opened[0] == earthprint_plugin.metadata("homepage") and opened[0].startswith("https://")
    assert os.path.normpath(opened[1].replace("file://", "")) == str(page)


@pytest.mark.parametrize("values, url", [
    ({}, ""),
    ({"proxyEnabled": True, "proxyType": "HttpProxy", "proxyHost": "p.example", "proxyPort": "8080"},
     "http://p.example:8080"),
    ({"proxyEnabled": True, "proxyType": "Socks5Proxy", "proxyHost": "p.example"}, ""),
    ({"proxyEnabled": False, "proxyType": "HttpProxy", "proxyHost": "p.example"}, ""),
])
def test_the_proxy_of_qgis_in_pips_words(qgis_app, values, url):
    store = QgsSettings()
    for key, value in values.items():
        store.setValue("proxy/" + key, value)
    try:
        assert settings.proxy_url() == url
    finally:
        store.remove("proxy")
