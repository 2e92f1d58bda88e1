"""The demo's scene for people who have no raster at hand: drawn in a task, loaded with colours that read well."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsContrastEnhancement,
    QgsFillSymbol,
    QgsMapLayer,
    QgsMarkerSymbol,
    QgsMultiBandColorRenderer,
    QgsProject,
    QgsRasterLayer,
    QgsRendererCategory,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QCoreApplication

from ...engine.errors import OutputError
from ...engine.progress import Progress, check

COLUMNS, ROWS = 600, 500
# Red, green, blue among the scene's bands, and the reflectances between which both dates are drawn.
COLOUR_BANDS = (3, 2, 1)
DARK, BRIGHT = 150.0, 2000.0
LAND_COVER_COLOURS = (
    ("broadleaf forest", "#2f7d32"), ("built-up", "#d3382f"), ("conifer forest", "#0b4a35"), ("cropland", "#e8b53a"),
    ("meadow", "#8bd34f"), ("quarry", "#f2e6cf"), ("water", "#2f7fd1"))


@dataclass(frozen=True)
class DemoRequest:
    """Where the scene goes, and how large it is."""

    folder: str
    columns: int = COLUMNS
    rows: int = ROWS


@dataclass(frozen=True)
class DemoFiles:
    """Where it lies."""

    spring: str
    summer: str
    land_cover: str
    area: str


def make_demo(request: DemoRequest, progress: Progress) -> DemoFiles:
    """Draw the scene and write it; whatever the disk says against it is told in a sentence."""
    from ...resources.demo.scene import make_scene, write_scene

    folder = Path(request.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scene = make_scene(request.columns, request.rows)
        check(progress)
        files = write_scene(scene, folder)
    except (OSError, RuntimeError) as error:
        raise OutputError("demo-unwritable", "The demo data can't be written into {folder} ({reason}): choose another "
                          "folder.", folder=folder, reason=error) from error
    return DemoFiles(str(files.spring), str(files.summer), str(files.land_cover), str(files.area_of_interest))


def load_demo(files: DemoFiles) -> List[QgsMapLayer]:
    """Add the layers to the project in a group of their own; the first is the spring scene."""
    spring = QgsRasterLayer(files.spring, tr("Scene, May 2023"))
    summer = QgsRasterLayer(files.summer, tr("Scene, August 2025"))
    points = QgsVectorLayer(files.land_cover, tr("Land cover"), "ogr")
    area = QgsVectorLayer(files.area, tr("Area of interest"), "ogr")
    layers = [spring, summer, points, area]
    if not all(layer.isValid() for layer in layers):
        raise OutputError("demo-unreadable", "The demo data in {folder} can't be opened: make it again in another "
                          "folder.", folder=Path(files.spring).parent)
    for layer in (spring, summer):
        _true_colour(layer)
    _by_land_cover(points)
    area.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple(
        {"style": "no", "outline_color": "white", "outline_width": "0.5", "outline_style": "dash"})))
    group = QgsProject.instance().layerTreeRoot().insertGroup(0, tr("Earthprint demo"))
    for layer in (area, points, spring, summer):
        QgsProject.instance().addMapLayer(layer, False)
        group.addLayer(layer)
    return layers


def free_folder(parent: Path) -> Path:
    """Return a folder for the demo that isn't there yet: an older scene may be open, or be somebody's work by now."""
    folder, number = parent / "earthprint_demo", 2
    while folder.exists():
        folder, number = parent / "earthprint_demo_{}".format(number), number + 1
    return folder


def tr(text: str) -> str:
    """Translate a name of a layer."""
    return QCoreApplication.translate("EarthprintDemo", text)


def _true_colour(layer: QgsRasterLayer) -> None:
    """Draw both dates with one stretch, so that brightness may be compared."""
    provider = layer.dataProvider()
    renderer = QgsMultiBandColorRenderer(provider, *COLOUR_BANDS)
    renderer.setRedContrastEnhancement(_stretch(provider.dataType(COLOUR_BANDS[0])))
    renderer.setGreenContrastEnhancement(_stretch(provider.dataType(COLOUR_BANDS[1])))
    renderer.setBlueContrastEnhancement(_stretch(provider.dataType(COLOUR_BANDS[2])))
    layer.setRenderer(renderer)


def _stretch(kind: object) -> QgsContrastEnhancement:
    """Return the stretch of one band."""
    enhancement = QgsContrastEnhancement(kind)
    enhancement.setContrastEnhancementAlgorithm(
        QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum, False)
    enhancement.setMinimumValue(DARK, False)
    enhancement.setMaximumValue(BRIGHT, True)
    return enhancement


def _by_land_cover(layer: QgsVectorLayer) -> None:
    """Give each class of the labelled points its colour."""
    layer.setRenderer(QgsCategorizedSymbolRenderer(
        "land_cover", [QgsRendererCategory(name, _dot(colour), name) for name, colour in LAND_COVER_COLOURS]))


def _dot(colour: str) -> QgsMarkerSymbol:
    """Return the symbol of a point."""
    return QgsMarkerSymbol.createSimple({"name": "circle", "color": colour, "outline_color": "white",
                                         "outline_width": "0.25", "size": "2.0"})
