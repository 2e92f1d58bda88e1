"""The pages of “Encoders and set-up” under Qt 6: made, filled, clicked, dropped on."""

from __future__ import annotations

import pytest

pytest.importorskip("PyQt6", reason="PyQt6 is only in the environment that `./dev test` makes for this folder")
PyQt = pytest.importorskip("qgis.PyQt")
if "stub" not in PyQt.__file__:
    pytest.skip("the real QGIS is here, and it is built on Qt 5", allow_module_level=True)

from qgis.PyQt.QtCore import QMimeData, QPointF, Qt, QUrl  # noqa: E402
from qgis.PyQt.QtGui import QDropEvent, QGuiApplication  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QApplication, QLabel, QWidget  # noqa: E402

from earthprint.ui.setup.device_widget import DeviceWidget  # noqa: E402
from earthprint.ui.setup.encoders_widget import STATE_COLUMN, EncoderRow, EncodersWidget  # noqa: E402
from earthprint.ui.setup.problem_widget import ProblemWidget  # noqa: E402
from earthprint.ui.setup.setup_window import SetUpWindow  # noqa: E402
from earthprint.ui.setup.trial_widget import image_of  # noqa: E402
from earthprint.ui.setup.welcome_widget import WelcomeWidget  # noqa: E402


@pytest.fixture(scope="module")
def application() -> QApplication:
    return QApplication.instance() or QApplication([])


@pytest.fixture
def shown(application):
    """Return a function that shows a page in the window and cleans up after the test."""
    windows = []

    def show(page: type) -> QWidget:
        window = SetUpWindow()
        made = page(window)
        window.add_page("page", "Page", made)
        window.open_page("page")
        windows.append(window)
        QTest.qWait(50)
        return made

    yield show
    for window in windows:
        window.close()
        window.deleteLater()


def click(button) -> None:
    assert button.isEnabled() and button.isVisible()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def row(key: str, **more) -> EncoderRow:
    return EncoderRow(key, "Group", key, "3 bands", "64", "8 px", "MIT", "7 kB", "Checking…", "all of it", **more)


@pytest.fixture
def encoders(shown):
    page = shown(EncodersWidget)
    page.show_rows([row("mine", can_try=True, can_remove=True, has_card=True), row("theirs")])
    return page


def test_buttons_suit_what_is_selected(encoders):
    assert not encoders.try_out.isEnabled() and not encoders.remove.isEnabled() and not encoders.detail.isVisible()
    encoders.select("mine")
    assert encoders.selected() == "mine" and encoders.detail.text() == "all of it"
    assert encoders.try_out.isEnabled() and encoders.remove.isEnabled() and encoders.card.isEnabled()
    encoders.select("theirs")
    assert not encoders.try_out.isEnabled() and not encoders.remove.isEnabled()


def test_a_group_can_not_be_selected_and_stays_folded(encoders):
    encoders.close_groups(["Group"])
    encoders.show_rows([row("mine"), row("third")])
    head = encoders.tree.topLevelItem(0)
    assert head.text(0) == "Group (2)" and not head.isExpanded()
    assert not head.flags() & Qt.ItemFlag.ItemIsSelectable


def test_what_a_check_finds_changes_one_line(encoders):
    encoders.select("mine")
    encoders.set_state("mine", "Wrong checksum", "another file", True)
    item = encoders.item("mine")
    assert item.text(STATE_COLUMN) == "Wrong checksum" and item.font(STATE_COLUMN).bold()
    assert encoders.detail.text() == "another file"
    assert encoders.item("theirs").text(STATE_COLUMN) == "Checking…"


def test_signals_name_what_was_meant(encoders):
    said = []
    for name in ("add_requested", "try_requested", "card_requested", "folder_requested", "remove_requested"):
        getattr(encoders, name).connect(lambda key, name=name: said.append((name.split("_")[0], key)))
    encoders.select("mine")
    for button in (encoders.add, encoders.try_out, encoders.card, encoders.folder, encoders.remove):
        click(button)
    assert said == [("add", ""), ("try", "mine"), ("card", "mine"), ("folder", "mine"), ("remove", "mine")]


def test_a_doubt_is_in_the_button_and_goes_with_the_selection(encoders):
    encoders.select("mine")
    encoders.doubt("mine", "Really?")
    assert encoders.remove.text() == "&Really remove?" and encoders.message.text() == "Really?"
    encoders.select("theirs")
    assert encoders.doubted() == "" and not encoders.message.isVisible()


def test_an_onnx_file_is_taken_and_nothing_else(encoders):
    dropped = []
    encoders.tree.dropped.connect(dropped.append)
    for path in ("/a/picture.png", "/a/Net.ONNX"):
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(path)])
        event = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                           Qt.KeyboardModifier.NoModifier)
        encoders.tree.dropEvent(event)
    assert dropped == ["/a/Net.ONNX"]


def test_a_picture_shows_its_own_colours(encoders):
    image = image_of(2, 1, bytes((255, 0, 0, 255, 0, 128, 255, 255)))
    encoders.trial.show_picture(image)
    shown = encoders.trial.picture.pixmap().toImage()
    left, right = shown.pixelColor(1, 1), shown.pixelColor(shown.width() - 2, 1)
    assert [left.red(), left.green(), left.blue()] == [255, 0, 0]
    assert [right.red(), right.green(), right.blue()] == [0, 128, 255]
    encoders.set_trial_busy(True)
    assert not encoders.trial.picture.isVisible() and encoders.trial.cancel.isVisible()
    encoders.set_trial_busy(False)
    assert not encoders.trial.cancel.isVisible() and not encoders.trial.keep.isVisible()


def test_every_control_is_reached_with_the_tab_key(encoders):
    encoders.select("mine")
    reached, widget = set(), encoders.tree
    for _ in range(60):
        reached.add(widget)
        widget = widget.nextInFocusChain()
        if widget is encoders.tree:
            break
    buttons = {encoders.add, encoders.make, encoders.try_out, encoders.card, encoders.folder, encoders.remove,
               encoders.trial.keep, encoders.trial.cancel}
    assert buttons <= reached
    letters = [button.text()[button.text().index("&") + 1].lower() for button in buttons]
    assert len(set(letters)) == len(letters), sorted(letters)


def test_the_device_page_shows_facts_and_is_busy_and_at_rest(shown):
    page = shown(DeviceWidget)
    page.show_facts([("A:", "one")])
    page.show_facts([("Processor:", "x"), ("CUDA:", "no")])
    assert page.shown_facts() == [("Processor:", "x"), ("CUDA:", "no")]
    asked = []
    page.trial_requested.connect(lambda: asked.append("try"))
    page.cancel_requested.connect(lambda: asked.append("cancel"))
    click(page.trial)
    page.set_busy(True)
    click(page.cancel)
    page.set_busy(False)
    assert asked == ["try", "cancel"] and not page.cancel.isVisible() and page.trial.isEnabled()


def test_the_report_is_copied_as_it_is_shown(shown):
    page = shown(ProblemWidget)
    page.show_text("versions")
    click(page.copy)
    assert QGuiApplication.clipboard().text() == "versions"


def test_the_welcome_offers_and_remembers(shown):
    page = shown(WelcomeWidget)
    said = []
    page.raster_requested.connect(lambda: said.append("raster"))
    page.demo_requested.connect(said.append)
    page.greeting_changed.connect(said.append)
    page.show_raster("")
    assert not page.raster.isEnabled()
    page.show_raster("Scene")
    page.show_folder("/a/folder")
    page.set_greeting(True)
    page.show_links([("Help", "https://example.org")])
    click(page.raster)
    click(page.demo)
    page.greeting.click()
    assert said == ["raster", "/a/folder", False]
    assert "Scene" in page.raster_text.text() and "/a/folder" in page.demo_text.text()
    assert 'href="https://example.org"' in page.links.text()


def test_no_text_is_cut(shown):
    page = shown(WelcomeWidget)
    page.show_folder("/a/long/path/to/some/folder/of/somebody" * 2)
    QTest.qWait(50)
    for label in page.findChildren(QLabel):
        if label.isVisible() and label.text():
            assert label.height() >= label.heightForWidth(label.width()) > 0, label.objectName()
