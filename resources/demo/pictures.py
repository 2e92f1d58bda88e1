"""The demo's pictures: maps of its layers, as PNG files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence, Tuple

from osgeo import gdal
from qgis.core import QgsMapLayer, QgsMapRendererParallelJob, QgsMapSettings, QgsRectangle
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor, QImage

from ...engine.dataset import open_raster
from .demo_layers import DemoLayers
from .qgis_runs import DemoError

WIDTH = 1000
_PAPER = "#f4f2ec"


@dataclass(frozen=True)
class Picture:
    """A map to draw: its file's name, what it shows, and its layers from the top down."""

    name: str
    title: str
    caption: str
    layers: Tuple[QgsMapLayer, ...]
    extent: QgsRectangle


def pictures_of(layers: DemoLayers) -> List[Picture]:
    """Return the pictures in the order of the page."""
    everything = layers.scene_spring.extent()
    area = layers.area.extent()
    area.scale(1.06)
    found = [
        Picture("scene_spring", "The scene in May 2023",
                "Red, green and blue of six bands. An invented landscape, drawn by a program; the holes are clouds.",
                (layers.scene_spring,), everything),
        Picture("scene_summer", "The scene in August 2025",
                "Harvest, haze and a brighter sun change every field. Only the outlined places truly changed.",
                (layers.true_changes, layers.scene_summer), everything),
        Picture("embedding_spring", "The embedding of May 2023",
                "One vector for each 40 m; dimensions 1, 2 and 3 as red, green and blue. Like colours mean like "
                "surroundings: woods, crops, houses and water part without a single label.",
                (layers.spring,), everything),
        Picture("embedding_summer", "The embedding of August 2025",
                "The same encoder and the same stretch. Woods, town and water keep their colours; crops move with the "
                "season; so do the outlined true changes.",
                (layers.true_changes, layers.summer), everything),
        Picture("embedding_town", "The area of interest, finer",
                "Cells of 20 m inside the polygon only, coded in one byte a number, over the infrared in grey.",
                (layers.area, layers.town, layers.scene_grey), area),
        Picture("similarity", "Places like the quarries",
                "Brighter means more alike. Outlined: what the best threshold takes; numbered: the five best places.",
                (layers.places, layers.similar, layers.similarity), everything),
        Picture("houses", "Places like a few houses",
                "Brighter means more alike to five points. Circles: houses that the search has not seen; the report "
                "tells how much ground one has to walk to find them.", (layers.houses_kept, layers.houses), everything),
        Picture("clusters_spring", "What is there, without labels",
                "Seven groups of cells that look alike, found by the program alone.", (layers.clusters,), everything),
        Picture("clusters_summer", "The same groups two years later",
                "Assigned by the saved model: same colour, same kind of place. Harvested fields join other groups.",
                (layers.clusters_summer,), everything),
        Picture("picture_spring", "Three principal components",
                "Most of what the vectors of May 2023 hold, as red, green and blue.", (layers.picture,), everything),
        Picture("picture_summer", "The same components in August 2025",
                "Axes and stretch are those of May 2023, so that colours compare.", (layers.picture_summer,),
                everything),
        Picture("change", "What changed",
                "Darker means farther moved. Outlined in black: beyond Otsu's threshold; in colour: the true changes. "
                "The season moves fields as well, which no threshold can tell apart.",
                (layers.true_changes, layers.changed, layers.change), everything),
        Picture("patches", "Patches",
                "One square of 320 m and one vector each. Where clouds hide more than half of a patch there is none.",
                (layers.patches, layers.scene_spring), everything),
        Picture("hexagons", "Hexagons in the groups of the cells",
                "The mean vector of each hexagon of H3, some 350 m across, assigned by the same saved model.",
                (layers.hexagons, layers.scene_grey), everything),
        Picture("cover_spring", "Land cover, learnt from the labelled points",
                "A class for every cell. Dark: unlike all that the predictor was trained on, so that its figures don't "
                "hold there.", (layers.cover_doubt, layers.cover), everything),
        Picture("cover_summer", "The same predictor two years later",
                "Woods, water and town are known again. Many harvested fields are not: no label showed any, and "
                "they are marked dark.", (layers.cover_summer_doubt, layers.cover_summer), everything),
        Picture("cover_bias", "Where land cover is mistaken together",
                "Darker points have more mistakes on one side of them than on another; grey ones have too few others "
                "around them to tell.", (layers.cover_bias, layers.scene_grey), everything),
        Picture("height", "Height of what stands there",
                "Metres, from pale (bare ground) to dark (20 m), learnt from the measured plots, which are drawn as "
                "squares in the same colours.", (layers.plots, layers.height), everything),
        Picture("height_lower", "At least so tall",
                "The lower end of the interval: one true height in twenty should be lower.", (layers.height_lower,),
                everything),
        Picture("height_upper", "At most so tall",
                "The upper end: one in twenty should be higher. The more alike this map and the one before, the more "
                "is known.", (layers.height_upper,), everything),
        Picture("hexagon_heights", "Height of hexagons", "The same predictor on the mean vector of each hexagon.",
                (layers.hexagon_heights, layers.scene_grey), everything),
        Picture("photos", "Photos of a flight",
                "Each photo where its EXIF says it was taken. Lines lead to the most alike photo at least 300 m away: "
                "houses to houses, woods to woods.",
                (layers.photos, layers.photo_links, layers.scene_grey), everything),
        Picture("locations", "Where points lie, as colours",
                "Vectors of longitude and latitude alone: near points have like colours, whatever grows there.",
                (layers.locations, layers.scene_grey), everything),
        Picture("labels", "What is known",
                "Labelled points of seven land cover classes, by colour: what the classification learns from, and "
                "what similar places are sought by.",
                (layers.land_cover, layers.scene_grey), everything),
    ]
    if layers.place_colours is not None:
        found.append(Picture(
            "place_colours", "What a location encoder learnt",
            "From heights on plots it learnt which places are alike; hexagons in like colours are so to it. It has "
            "seen nothing but their longitude and latitude.", (layers.plots, layers.place_colours, layers.scene_grey),
            everything))
    return found


def draw(picture: Picture, folder: Path) -> Path:
    """Draw a picture into a folder and return its file."""
    settings = QgsMapSettings()
    settings.setLayers(list(picture.layers))
    settings.setDestinationCrs(picture.layers[-1].crs())
    settings.setBackgroundColor(QColor(_PAPER))
    settings.setOutputSize(QSize(WIDTH, round(WIDTH * picture.extent.height() / picture.extent.width())))
    settings.setExtent(picture.extent)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    path = folder / f"{picture.name}.png"
    if job.errors():
        raise DemoError(f"The picture {path.name} can't be drawn: {job.errors()[0].message}")
    _save(job.renderedImage(), path)
    return path


def reduce_for_documents(paths: Sequence[Path], folder: Path, width: int) -> None:
    """Write small copies of pictures, each in its own best 256 colours: a size that a repository can bear."""
    folder.mkdir(parents=True, exist_ok=True)
    memory = gdal.GetDriverByName("MEM")
    for path in paths:
        small = gdal.Translate("", open_raster(str(path)), format="MEM", width=width, bandList=[1, 2, 3],
                               resampleAlg="lanczos")
        bands = [small.GetRasterBand(index) for index in (1, 2, 3)]
        colours = gdal.ColorTable()
        gdal.ComputeMedianCutPCT(*bands, 256, colours)
        indexed = memory.Create("", small.RasterXSize, small.RasterYSize, 1, gdal.GDT_Byte)
        gdal.DitherRGB2PCT(*bands, indexed.GetRasterBand(1), colours)
        indexed.GetRasterBand(1).SetRasterColorTable(colours)
        if gdal.GetDriverByName("PNG").CreateCopy(str(folder / path.name), indexed, options=["ZLEVEL=9"]) is None:
            raise DemoError(f"The picture {folder / path.name} can't be written: choose a folder you may write to.")


def _save(image: QImage, path: Path) -> None:
    """Write a picture, or say that it could not be."""
    if not image.save(str(path)):
        raise DemoError(f"The picture {path.name} can't be written: choose a folder you may write to.")
