"""“Encoders and set-up” with real clicks in QGIS: what it shows is the engine's, nothing blocks, nothing stays."""

from __future__ import annotations

import gc
import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("qgis.core")
from osgeo import gdal, osr
from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsRasterLayer, QgsRectangle, QgsSettings
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, Qt, QUrl
from qgis.PyQt.QtGui import QDropEvent, QGuiApplication, QIcon
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QMainWindow
from shelf_folder import fill_shelf

from earthprint.engine import packages
from earthprint.engine.analyses.glance import GlanceRequest, glance
from earthprint.engine.encoders.library import EncoderFolders
from earthprint.engine.errors import Cancelled
from earthprint.engine.locations.card import LocationCard
from earthprint.engine.locations.network import Linear, Network
from earthprint.engine.locations.position import position_of
from earthprint.engine.locations.shipped import IDS
from earthprint.engine.locations.storing import save_location_encoder
from earthprint.engine.package_plan import this_host
from earthprint.engine.progress import Silent
from earthprint.plugin.installer import Installer
from earthprint.ui.packages_widget import PackageRow
from earthprint.ui.setup import encoders_controller, set_up, welcome_controller
from earthprint.ui.setup.encoders_widget import STATE_COLUMN
from earthprint.ui.setup.set_up import SetUp, SetUpFacts


class Iface:
    """A window and a canvas; all else is remembered."""

    def __init__(self):
        self.window = QMainWindow()
        self.canvas = QgsMapCanvas(self.window)
        self.active = None
        self.zoomed = 0

    def mainWindow(self):
        return self.window

    def mapCanvas(self):
        return self.canvas

    def activeLayer(self):
        return self.active

    def setActiveLayer(self, layer):
        self.active = layer

    def zoomToActiveLayer(self):
        self.zoomed += 1


class Scene:
    """The set-up over folders of its own, and how to click in it."""

    def __init__(self, folder: Path, shelf) -> None:
        self.iface, self.shelf, self.greets = Iface(), shelf, [True]
        self.opened, self.addresses = [], []
        facts = SetUpFacts(("Earthprint 9, QGIS 8",), lambda: ("a message of the log",),
                           (("Help", "https://example.org/help"),), "https://example.org/problems",
                           lambda: self.greets[-1], self.greets.append, QIcon())
        self.set_up = SetUp(self.iface, Installer(str(folder)), facts)
        self.desk = self.set_up.desk
        self.desk.open_algorithm = self.remember
        self.desk.open_path = lambda path: self.addresses.append(path) or True
        self.desk.open_address = lambda address: self.addresses.append(address) or True
        self.page = self.set_up.encoders

    def remember(self, name, parameters):
        self.opened.append((name, parameters))
        return True

    def show_raster(self, path: Path) -> QgsRasterLayer:
        layer = QgsRasterLayer(str(path), "Scene")
        assert layer.isValid()
        QgsProject.instance().addMapLayer(layer)
        self.iface.canvas.setDestinationCrs(layer.crs())
        self.iface.canvas.setLayers([layer])
        self.iface.canvas.setExtent(layer.extent())
        return layer

    def open(self, page: str) -> None:
        self.set_up.open(page)
        self.rest()

    def rest(self, seconds: float = 30) -> None:
        """Wait until nothing works in the background."""
        for _ in range(int(seconds * 50)):
            QTest.qWait(20)
            if not any(controller.busy() for controller in self.set_up.controllers):
                return
        raise AssertionError("the background is still at work")

    def click(self, button) -> None:
        assert button.isEnabled() and button.isVisible(), button.objectName()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def texts(self, key) -> list:
        item = self.page.item(str(key))
        return [item.text(column) for column in range(self.page.tree.columnCount())]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    return fill_shelf(tmp_path_factory.mktemp("set-up") / "encoders")


@pytest.fixture
def scene(provider, filled, tmp_path, monkeypatch):
    folder = tmp_path / "encoders"
    shutil.copytree(filled.folder, folder)
    monkeypatch.setenv("EARTHPRINT_ENCODERS", str(folder))
    cards = [folder / path.name for path in (filled.sound, filled.exchanged, filled.broken)]
    made = Scene(tmp_path, type(filled)(folder, *cards, filled.scene))
    yield made
    made.set_up.close()
    QgsProject.instance().clear()
    settle()
    assert QApplication.activeModalWidget() is None


def settle():
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, int(QEvent.Type.DeferredDelete))
        QApplication.processEvents()
    gc.collect()


# ---- the list


def test_the_list_says_what_the_engine_knows(scene):
    scene.open("encoders")
    found = {str(item.path): item for item in encoders_controller.list_shelf(EncoderFolders(user=scene.shelf.folder))}
    for key, encoder in found.items():
        name, eats, dimensions, cell, licence, size, _ = scene.texts(key)
        assert (name, licence) == (encoder.id, encoder.licence)
        if not encoder.problem:
            assert eats == "4 bands: blue, green, red, nir" and dimensions == "8" and cell == f"{encoder.cell} px"
            assert size == f"{encoder.size / 1000:.3g} kB"
    states = {path.stem: scene.texts(path)[STATE_COLUMN] for path in
              (scene.shelf.sound, scene.shelf.exchanged, scene.shelf.broken)}
    assert states == {"my-encoder": "Checksum right", "exchanged": "Wrong checksum", "broken": "Can't be used"}
    assert scene.texts("automatic")[STATE_COLUMN] == "Always here"
    assert scene.texts("location:xyz")[2] == "3"
    assert all(scene.page.item("location:" + name) is not None for name in IDS)
    prithvi = next(key for key in scene.page._rows if key.endswith("prithvi-eo-2.0-300m.json"))
    assert scene.texts(prithvi)[2:4] == ["1024", "16 px"] and scene.texts(prithvi)[STATE_COLUMN] == "Needs its file"


def test_a_location_encoder_is_listed_as_what_it_is(scene):
    position = position_of("xyz")
    path = save_location_encoder(
        scene.shelf.folder / "where.onnx", position, Network((Linear(np.eye(3, dtype=np.float32)[:2]),)),
        LocationCard("where", "Where it is", position, 0, licence="MIT"))
    scene.open("encoders")
    card = path.with_suffix(".json")
    assert scene.texts(card)[:5] == ["where", "longitude, latitude", "2", "", "MIT"]
    assert scene.texts(card)[STATE_COLUMN] == "Checksum right"
    scene.page.select(str(card))
    assert "Takes longitude and latitude: use it in “Embed locations”." in scene.page.detail.text()
    assert not scene.page.try_out.isEnabled() and scene.page.remove.isEnabled() and scene.page.card.isEnabled()
    # Those that ship are listed once, as formulas, and not again for their files.
    assert not any(key.endswith("xyz.json") for key in scene.page._rows)
    scene.page.select("location:xyz")
    assert "xyz.onnx" in scene.page.detail.text()


def test_a_wrong_checksum_is_told_in_words_with_the_place_of_the_file(scene):
    scene.open("encoders")
    scene.page.select(str(scene.shelf.exchanged))
    text = scene.page.detail.text()
    assert "SHA-256" in text and "bring the file that belongs to the card" in text
    assert text.splitlines()[-1].endswith(os.path.join("encoders", "exchanged.onnx"))
    assert scene.page.item(str(scene.shelf.exchanged)).font(STATE_COLUMN).bold()
    assert not scene.page.item(str(scene.shelf.sound)).font(STATE_COLUMN).bold()


def test_the_list_follows_its_folder(scene):
    scene.open("encoders")
    shutil.copyfile(scene.shelf.sound.with_suffix(".onnx"), scene.shelf.folder / "another.onnx")
    another = scene.shelf.folder / "another.onnx"
    for _ in range(200):
        QTest.qWait(30)
        if scene.page.item(str(another)) is not None:
            break
    scene.rest()
    assert scene.texts(another)[STATE_COLUMN] == "No checksum stated"


# ---- add, make, open, remove


def drop(tree, path: str) -> bool:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path)])
    event = QDropEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                       Qt.KeyboardModifier.NoModifier)
    event.setAccepted(False)
    tree.dropEvent(event)
    return event.isAccepted()


def test_add_and_make_open_dialogs_with_what_is_known(scene):
    layer = scene.show_raster(scene.shelf.scene)
    scene.open("encoders")
    scene.click(scene.page.add)
    assert drop(scene.page.tree, "/somewhere/net.onnx")
    assert not drop(scene.page.tree, "/somewhere/picture.png")
    key = next(key for key in scene.page._rows if key.endswith("prithvi-eo-2.0-300m.json"))
    scene.page.select(key)
    scene.click(scene.page.add)
    scene.click(scene.page.make)
    assert scene.opened == [
        ("addencoder", {}), ("addencoder", {"ONNX": "/somewhere/net.onnx"}),
        ("addencoder", {"CARD": "prithvi-eo-2.0-300m"}),
        ("makeencoder", {"INPUTS": [layer.id()], "OUTPUT": str(scene.shelf.folder / "my-encoder-2.onnx")})]


def test_card_and_folder_are_opened(scene):
    scene.open("encoders")
    scene.page.select(str(scene.shelf.sound))
    scene.click(scene.page.card)
    scene.click(scene.page.folder)
    assert scene.addresses == [str(scene.shelf.sound), str(scene.shelf.folder)]
    scene.page.select("location:xyz")
    assert not scene.page.card.isEnabled() and not scene.page.try_out.isEnabled()


def test_removing_takes_two_clicks_and_no_box(scene):
    scene.open("encoders")
    scene.page.select(str(scene.shelf.sound))
    scene.click(scene.page.remove)
    assert scene.shelf.sound.exists() and QApplication.activeModalWidget() is None
    assert "my-encoder.onnx" in scene.page.message.text() and scene.page.remove.text() == "&Really remove?"
    scene.page.select("automatic")  # another thought
    assert scene.page.remove.text() == "&Remove" and not scene.page.remove.isEnabled()
    scene.page.select(str(scene.shelf.sound))
    scene.click(scene.page.remove)
    assert scene.shelf.sound.exists()
    scene.click(scene.page.remove)
    assert not scene.shelf.sound.exists() and not scene.shelf.sound.with_suffix(".onnx").exists()
    scene.rest()
    assert scene.page.item(str(scene.shelf.sound)) is None and "was removed" in scene.page.message.text()
    assert scene.shelf.exchanged.exists()


def test_a_question_that_nobody_answers_is_taken_back(scene):
    scene.open("encoders")
    scene.page.select(str(scene.shelf.sound))
    scene.page._rethink.setInterval(50)
    scene.click(scene.page.remove)
    QTest.qWait(200)
    scene.click(scene.page.remove)
    assert scene.shelf.sound.exists()


# ---- the trial on the visible part


def test_the_picture_and_the_kept_layer_are_the_engines(scene, tmp_path):
    layer = scene.show_raster(scene.shelf.scene)
    scene.open("encoders")
    scene.page.select(str(scene.shelf.sound))
    scene.click(scene.page.try_out)
    assert scene.page.trial.progress.isVisible() and not scene.page.try_out.isEnabled()
    scene.rest()
    extent = scene.iface.canvas.extent()
    bounds = (extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum())
    expected = glance(GlanceRequest(layer.source(), bounds, str(scene.shelf.sound), EncoderFolders(),
                                    str(tmp_path / "expected")), Silent())
    text = scene.page.trial.text.text()
    assert f"{expected.cells} cells of 8 dimensions from 128 × 96 pixels" in text and expected.device_report in text
    shown = scene.page.trial.picture.pixmap().toImage()
    rows, columns = expected.colours.shape[:2]
    step = shown.width() / columns
    for row, column in ((0, 0), (rows // 2, columns // 3), (rows - 1, columns - 1)):
        colour = shown.pixelColor(int((column + 0.5) * step), int((row + 0.5) * step))
        found = [colour.red(), colour.green(), colour.blue(), colour.alpha()]
        assert found == expected.colours[row, column].tolist()
    before = set(QgsProject.instance().mapLayers())
    scene.click(scene.page.trial.keep)
    kept, = (QgsProject.instance().mapLayer(key) for key in set(QgsProject.instance().mapLayers()) - before)
    np.testing.assert_array_equal(gdal.Open(kept.source()).ReadAsArray(), expected.colours.transpose(2, 0, 1)[:3])
    assert not scene.page.trial.keep.isEnabled()
    scene.set_up.controllers[1].stop()
    assert Path(kept.source()).is_file()  # the layer still needs it


def test_a_project_in_another_crs_shows_the_same_part(scene):
    scene.show_raster(scene.shelf.scene)
    canvas = scene.iface.canvas
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    canvas.setExtent(QgsRectangle(9.0, 50.53, 9.02, 50.549))
    part = scene.desk.visible_part()
    to_metres = osr.CoordinateTransformation(reference(4326), reference(32632))
    seen = canvas.extent()
    corners = np.array([to_metres.TransformPoint(x, y)[:2] for x in (seen.xMinimum(), seen.xMaximum())
                        for y in (seen.yMinimum(), seen.yMaximum())])
    np.testing.assert_allclose(part.extent, [*corners.min(axis=0), *corners.max(axis=0)], atol=5)


def reference(code):
    system = osr.SpatialReference()
    system.ImportFromEPSG(code)
    system.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return system


def test_a_trial_can_be_cancelled_and_leaves_no_file(scene):
    folders = []

    def slow(request, progress):
        folders.append(Path(request.folder))
        folders[-1].mkdir(parents=True)
        while not progress.cancelled():
            QTest.qSleep(10)
        raise Cancelled()

    scene.set_up.controllers[1]._glance._work = slow
    scene.show_raster(scene.shelf.scene)
    scene.open("encoders")
    scene.page.select("automatic")
    scene.click(scene.page.try_out)
    for _ in range(100):
        QTest.qWait(20)
        if folders and folders[0].exists():
            break
    scene.click(scene.page.trial.cancel)
    assert scene.page.trial.text.text() == "Cancelled." and not scene.page.trial.progress.isVisible()
    QTest.qWait(200)
    assert not folders[0].exists() and not scene.page.trial.keep.isVisible() and scene.page.try_out.isEnabled()


def test_an_encoder_for_other_bands_says_so(scene, tmp_path):
    single = tmp_path / "single.tif"
    gdal.Translate(str(single), str(scene.shelf.scene), bandList=[1])
    scene.show_raster(single)
    scene.open("encoders")
    scene.page.select(str(scene.shelf.sound))
    scene.click(scene.page.try_out)
    scene.rest()
    assert "band" in scene.page.trial.text.text() and not scene.page.trial.keep.isVisible()


def test_nothing_to_try_on_is_a_sentence(scene):
    scene.open("encoders")
    scene.page.select("automatic")
    scene.click(scene.page.try_out)
    assert "no raster in the project" in scene.page.trial.text.text()
    scene.show_raster(scene.shelf.scene)
    scene.iface.canvas.setExtent(QgsRectangle(0, 0, 10, 10))
    scene.click(scene.page.try_out)
    assert "The map doesn't show “Scene”" in scene.page.trial.text.text()
    assert not scene.page.trial.keep.isVisible() and not scene.page.trial.busy()


# ---- device, packages, report


def test_the_device_in_words(scene):
    runtime = pytest.importorskip("onnxruntime")
    scene.open("device")
    shown = dict(scene.set_up.device.shown_facts())
    assert shown["onnxruntime:"] == runtime.__version__ and "threads" in shown["Processor:"]
    scene.click(scene.set_up.device.trial)
    assert scene.set_up.device.progress.isVisible() and not scene.set_up.device.trial.isEnabled()
    scene.rest()
    assert "The processor passed" in scene.set_up.device.result.text() and scene.set_up.device.trial.isEnabled()


def test_the_packages_are_a_page(scene):
    scene.open("welcome")
    scene.click(scene.set_up.welcome.packages)
    assert scene.set_up.window.page() == "packages" and scene.set_up.packages.isVisible()
    assert scene.set_up.packages.table.topLevelItemCount() == len(packages.CATALOGUE)
    assert this_host().numpy in scene.set_up.packages.place.text()


def test_the_report_is_shown_before_it_is_copied(scene):
    scene.open("problem")
    page = scene.set_up.problem
    shown = page.text.toPlainText()
    for part in ("Earthprint 9, QGIS 8", "GDAL " + gdal.VersionInfo("RELEASE_NAME"), "a message of the log"):
        assert part in shown
    scene.click(page.copy)
    assert QGuiApplication.clipboard().text() == shown and "clipboard" in page.message.text()
    scene.click(page.tracker)
    assert scene.addresses == ["https://example.org/problems"]


# ---- the welcome


def test_the_projects_raster_is_filled_in(scene):
    scene.open("welcome")
    page = scene.set_up.welcome
    assert not page.raster.isEnabled() and "no raster in the project yet" in page.raster_text.text()
    layer = scene.show_raster(scene.shelf.scene)
    assert page.raster.isEnabled() and "Scene" in page.raster_text.text()
    scene.click(page.raster)
    assert scene.opened == [("embedraster", {"INPUT": layer.id()})]
    QgsProject.instance().clear()
    assert not page.raster.isEnabled()


def test_an_algorithm_that_is_not_there_is_no_crash(scene):
    assert not set_up.Desk(scene.iface).open_algorithm("nosuchalgorithm", {})


def test_the_demo_data_is_made_and_loaded(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(welcome_controller, "DemoRequest",
                        partial(welcome_controller.DemoRequest, columns=128, rows=128))
    scene.open("welcome")
    page = scene.set_up.welcome
    scene.click(page.folder)
    dialog = scene.set_up.controllers[0]._dialog
    assert dialog.isVisible()
    dialog.close()
    dialog.fileSelected.emit(str(tmp_path))
    assert str(tmp_path) in page.demo_text.text()
    for number in (1, 2):
        scene.click(page.demo)
        assert page.progress.isVisible() and not page.demo.isEnabled()
        scene.rest(60)
        assert page.demo.isEnabled() and "The demo data is loaded" in page.message.text()
        assert len(QgsProject.instance().mapLayers()) == 4 * number and scene.iface.zoomed == number
    assert (tmp_path / "earthprint_demo" / "scene_spring.tif").is_file()
    assert (tmp_path / "earthprint_demo_2" / "scene_spring.tif").is_file()
    assert scene.iface.active.renderer().type() == "multibandcolor"
    assert scene.iface.active.source().endswith(os.path.join("earthprint_demo_2", "scene_spring.tif"))


def test_a_folder_that_can_not_be_written_is_a_sentence(scene, tmp_path):
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    scene.open("welcome")
    scene.set_up.welcome.show_folder(str(tmp_path / "file"))
    scene.click(scene.set_up.welcome.demo)
    scene.rest(60)
    assert "choose another folder" in scene.set_up.welcome.message.text()
    assert QgsProject.instance().mapLayers() == {}


def test_greeting_again_is_the_users_choice(scene):
    scene.open("welcome")
    page = scene.set_up.welcome
    assert page.greeting.isChecked()
    QTest.mouseClick(page.greeting, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
                     QPoint(8, page.greeting.height() // 2))
    assert scene.greets == [True, False]
    page.links.linkActivated.emit("https://example.org/help")
    assert scene.addresses == ["https://example.org/help"]


def test_enter_installs_on_no_page_but_packages(scene):
    asked = []
    scene.set_up.packages.install_requested.disconnect()
    scene.set_up.packages.install_requested.connect(asked.append)
    scene.set_up.packages.show_rows([PackageRow("h3", "Missing", "Hexagons", "", "", False, True, True)])
    for page in ("welcome", "encoders", "device", "problem"):
        scene.open(page)
        QTest.keyClick(scene.set_up.window, Qt.Key.Key_Return)
    assert asked == []
    scene.open("packages")
    QTest.keyClick(scene.set_up.window, Qt.Key.Key_Return)
    assert asked == [["h3"]]


# ---- the end


def test_the_window_comes_back_as_large_as_it_was(provider, filled, tmp_path):
    QgsSettings().remove(set_up.GEOMETRY)
    first = Scene(tmp_path, filled)
    first.set_up.open("packages")
    first.set_up.window.resize(701, 503)
    QTest.keyClick(first.set_up.window, Qt.Key.Key_Escape)
    assert not first.set_up.window.isVisible()
    first.set_up.close()
    second = Scene(tmp_path, filled)
    assert (second.set_up.window.width(), second.set_up.window.height()) == (701, 503)
    second.set_up.close()
    QgsSettings().remove(set_up.GEOMETRY)
    settle()


def test_closing_while_busy_leaves_nothing(provider, filled, tmp_path, monkeypatch):
    monkeypatch.setenv("EARTHPRINT_ENCODERS", str(filled.folder))

    def count():
        windows = sorted(type(widget).__name__ for widget in QApplication.topLevelWidgets())
        return windows, len(QApplication.allWidgets())

    settle()
    before = None
    for number in range(4):
        scene = Scene(tmp_path, filled)
        scene.show_raster(filled.scene)
        for page in ("welcome", "encoders", "device", "packages", "problem", "encoders"):
            scene.set_up.open(page)
        QTest.qWait(100)
        scene.page.select("automatic")
        scene.page.try_requested.emit("automatic")
        QTest.qWait(20)
        scene.set_up.close()
        QgsProject.instance().clear()
        scene.iface.window.deleteLater()
        del scene
        QTest.qWait(300)
        settle()
        if number == 1:
            before = count()
    assert count() == before
