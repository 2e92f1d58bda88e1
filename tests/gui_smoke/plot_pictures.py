"""Take pictures of the inspector's plots, in light or dark colours; QT_SCALE_FACTOR gives the scale."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent / "build"), str(HERE), str(HERE.parent / "support")]

import numpy as np  # noqa: E402
from osgeo import gdal  # noqa: E402
from qgis.core import QgsApplication, QgsProject, QgsRasterLayer  # noqa: E402
from qgis.gui import QgsMapCanvas  # noqa: E402
from qgis.PyQt.QtCore import QPoint, Qt  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QMainWindow  # noqa: E402
from qt_hand import drag  # noqa: E402
from set_up_pictures import darken  # noqa: E402


def write_series(folder: Path, side: int) -> "list[str]":
    """Write embedding rasters of five years: four kinds of land with soft edges, one part of which changes."""
    from small_fields import write_field

    from earthprint.engine.space import Space

    random = np.random.default_rng(4)
    kinds = random.normal(size=(4, 24))
    y, x = np.mgrid[0:side, 0:side] / side
    middles = ((0.2, 0.3), (0.7, 0.2), (0.4, 0.8), (0.8, 0.7))
    soft = np.stack([np.exp(-((x - across) ** 2 + (y - down) ** 2) / 0.05) for across, down in middles])
    field = np.tensordot(kinds.T, soft, axes=1) + 0.25 * random.normal(size=(24, side, side))
    paths = []
    for step, year in enumerate((2017, 2018, 2019, 2021, 2023)):
        mixed = field + 0.12 * random.normal(size=field.shape)
        share = max(0.0, (step - 1) / 3.0) * soft[1]
        mixed = mixed * (1 - share) + kinds[0][:, None, None] * share
        mixed = (mixed / np.linalg.norm(mixed, axis=0)).astype(np.float32)
        mixed[:, :12, :12] = np.nan
        paths.append(write_field(folder / f"valley_{year}.tif", mixed, (500000.0, 10.0, 0.0, 5700000.0, 0.0, -10.0),
                                 32633, Space("made", 24, unit_norm=True)))
    classes = (soft.argmax(axis=0) + 1).astype(np.uint8)
    dataset = gdal.GetDriverByName("GTiff").Create(str(folder / "clusters.tif"), side, side, 1, gdal.GDT_Byte)
    source = gdal.Open(paths[0])
    dataset.SetGeoTransform(source.GetGeoTransform())
    dataset.SetProjection(source.GetProjection())
    dataset.GetRasterBand(1).WriteArray(classes)
    return paths


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--prefix", default="")
    parser.add_argument("--side", type=int, default=320)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="earthprint-plots-"))
    application = QgsApplication([], True, str(scratch))
    application.initQgis()
    if given.dark:
        darken(application)
    from earthprint.ui.inspector.dock import InspectorDock
    from earthprint.ui.inspector.remembered import remember
    from earthprint.ui.inspector.scatter_page import ScatterPage
    from earthprint.ui.inspector.time_page import TimePage

    remember("scatter/count", 100_000)
    remember("scatter/colour", "")
    layers = [QgsRasterLayer(path, Path(path).stem.replace("_", " ")) for path in write_series(scratch, given.side)]
    layers.append(QgsRasterLayer(str(scratch / "clusters.tif"), "clusters"))
    QgsProject.instance().addMapLayers(layers)
    window = QMainWindow()
    canvas = QgsMapCanvas(window)
    window.setCentralWidget(canvas)
    canvas.setDestinationCrs(layers[0].crs())
    canvas.setLayers([layers[0]])
    dock = InspectorDock(canvas, [ScatterPage, TimePage], window)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    window.resize(1150, 800)
    window.resizeDocks([dock], [430], Qt.Orientation.Horizontal)
    window.show()
    canvas.setExtent(layers[0].extent())
    dock.layers.setLayer(layers[0])
    dock.show_page("scatter")

    def settle(ready):
        for _ in range(600):
            QTest.qWait(50)
            if ready():
                break
        QTest.qWait(600)

    def take(name):
        QTest.qWait(400)
        window.grab().save(str(given.folder / f"{given.prefix}{name}.png"))

    scatter, widget = dock.page("scatter").controller, dock.page("scatter").widget()
    settle(lambda: scatter.found() is not None and not scatter.colours.busy())
    take("scatter-plain")
    widget.colour.setCurrentIndex(widget.colour.findText("clusters"))
    settle(lambda: bool(widget.legend.classes.text()))
    take("scatter-classes")
    middle = widget.plot.rect().center()
    drag(widget.plot, [middle + QPoint(dx, dy) for dx, dy in ((0, -90), (110, -100), (130, 20), (40, 50))])
    take("scatter-lasso")
    dock.show_page("time")
    time, widget = dock.page("time").controller, dock.page("time").widget()
    settle(lambda: not time.listing.busy() and bool(widget.rows()))
    size = canvas.size()
    QTest.qWait(300)
    canvas.setMapTool(dock.tool)
    for share, modifier in (((0.5, 0.55), Qt.KeyboardModifier.ShiftModifier),
                            ((0.72, 0.24), Qt.KeyboardModifier.NoModifier)):
        point = QPoint(int(share[0] * size.width()), int(share[1] * size.height()))
        QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, modifier, point)
    settle(lambda: time.shown() is not None and len(time.shown().curves) == 2 and not time.drawing.busy())
    widget.plot.setFocus()
    QTest.keyClick(widget.plot, Qt.Key.Key_Left)
    take("time")
    dock.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
