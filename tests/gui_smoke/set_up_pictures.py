"""Take pictures of the pages of “Encoders and set-up”, in light or dark colours; QT_SCALE_FACTOR gives the scale."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent / "build"), str(HERE.parent / "support")]

from qgis.core import QgsApplication, QgsProject  # noqa: E402
from qgis.gui import QgsMapCanvas  # noqa: E402
from qgis.PyQt.QtCore import Qt  # noqa: E402
from qgis.PyQt.QtGui import QColor, QIcon, QPalette  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QMainWindow  # noqa: E402

PAGES = ("welcome", "encoders", "device", "packages", "problem")


def darken(application: QgsApplication) -> None:
    """Give the application the colours of a dark desktop."""
    application.setStyle("Fusion")
    palette, role = QPalette(), QPalette.ColorRole
    for name, colour in (
        ("Window", "#2b2b2b"), ("WindowText", "#e8e8e8"), ("Base", "#1e1e1e"), ("AlternateBase", "#262626"),
        ("Text", "#e8e8e8"), ("Button", "#3a3a3a"), ("ButtonText", "#e8e8e8"), ("Highlight", "#3d6ea5"),
        ("HighlightedText", "#ffffff"), ("ToolTipBase", "#2b2b2b"), ("ToolTipText", "#e8e8e8"), ("Link", "#7ab4ff"),
        ("PlaceholderText", "#909090"),
    ):  # fmt: skip
        palette.setColor(getattr(role, name), QColor(colour))
    for name in ("Text", "ButtonText", "WindowText"):
        palette.setColor(QPalette.ColorGroup.Disabled, getattr(role, name), QColor("#808080"))
    application.setPalette(palette)


def wait(controllers, seconds=60) -> None:
    """Wait until nothing works in the background."""
    for _ in range(int(seconds * 10)):
        QTest.qWait(100)
        if not any(controller.busy() for controller in controllers):
            break
    QTest.qWait(300)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--prefix", default="")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    scratch = tempfile.mkdtemp(prefix="earthprint-set-up-")
    os.environ.pop("EARTHPRINT_ENCODERS", None)
    application = QgsApplication([], True, str(Path(scratch, "profile")))
    application.initQgis()
    if given.dark:
        darken(application)
    else:
        application.setStyle("Fusion")
    from shelf_folder import fill_shelf

    from earthprint.plugin.earthprint_plugin import about, links
    from earthprint.plugin.installer import Installer
    from earthprint.processing_provider.environment import folders
    from earthprint.ui.setup.set_up import SetUp, SetUpFacts

    window = QMainWindow()
    canvas = QgsMapCanvas(window)
    iface = SimpleNamespace(
        mainWindow=lambda: window, mapCanvas=lambda: canvas, activeLayer=lambda: None,
        setActiveLayer=lambda layer: None,
        zoomToActiveLayer=lambda: (canvas.setLayers(list(QgsProject.instance().mapLayers().values())),
                                   canvas.zoomToFullExtent()),
    )  # fmt: skip
    facts = SetUpFacts(about(), lambda: ("12:00:00 INFO a message of the log",), links(), "https://example.org",
                       lambda: False, lambda wanted: None, QIcon())
    set_up = SetUp(iface, Installer(scratch), facts)

    def picture(name: str) -> None:
        QTest.qWait(200)
        set_up.window.grab().save(str(given.folder / f"{given.prefix}{name}.png"))

    set_up.open("welcome")
    picture("welcome-empty")
    QTest.mouseClick(set_up.welcome.demo, Qt.MouseButton.LeftButton)
    picture("welcome-busy")
    wait(set_up.controllers)
    picture("welcome")
    fill_shelf(folders().encoders)
    set_up.open("encoders")
    wait(set_up.controllers)
    set_up.encoders.select("automatic")
    picture("encoders-automatic")
    QTest.mouseClick(set_up.encoders.try_out, Qt.MouseButton.LeftButton)
    picture("encoders-trying")
    wait(set_up.controllers)
    picture("encoders")
    mine = next(row for row in set_up.encoders._rows.values() if row.can_remove and not row.alarming)
    set_up.encoders.select(mine.key)
    QTest.mouseClick(set_up.encoders.remove, Qt.MouseButton.LeftButton)
    picture("encoders-remove")
    set_up.open("device")
    wait(set_up.controllers)
    QTest.mouseClick(set_up.device.trial, Qt.MouseButton.LeftButton)
    wait(set_up.controllers)
    picture("device")
    set_up.open("packages")
    picture("packages")
    set_up.open("problem")
    wait(set_up.controllers)
    picture("problem")
    set_up.close()
    QgsProject.instance().clear()
    QTest.qWait(100)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
