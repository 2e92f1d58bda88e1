"""Makes the maps of the help pages from the invented landscape: `./dev python tests/processing/help_pictures.py`.

The dialogs among the pictures come from `./dev screenshots`; give that folder as an argument to have them copied, too.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any, Sequence

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURES = ROOT / "resources" / "help" / "pictures"
SIDE = 400
GAP = 8
COLOURS = 128
DIALOGS = ("addencoder", "importembeddings", "describeembeddings", "importfield", "exportembeddings")


def started() -> Any:
    """Start QGIS with the provider, and return what runs algorithms."""
    import processing
    from processing.core.Processing import Processing
    from qgis.core import QgsApplication
    from qgis.testing import start_app

    start_app()
    Processing.initialize()
    from earthprint.processing_provider.provider import EarthprintProvider

    QgsApplication.processingRegistry().addProvider(EarthprintProvider())
    return processing


def picture_of(layers: Sequence[Any], extent: Any) -> Any:
    """Return a square map of layers, the first on top."""
    from qgis.core import QgsMapRendererParallelJob, QgsMapSettings
    from qgis.PyQt.QtCore import QSize
    from qgis.PyQt.QtGui import QColor

    settings = QgsMapSettings()
    settings.setLayers(list(layers))
    settings.setDestinationCrs(layers[-1].crs())
    settings.setExtent(extent)
    settings.setOutputSize(QSize(SIDE, SIDE))
    settings.setBackgroundColor(QColor("white"))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage()


def side_by_side(images: Sequence[Any], columns: int, path: Path) -> None:
    """Save maps in rows, with a palette, so that the file is small."""
    from qgis.PyQt.QtGui import QImage, QPainter

    rows = -(-len(images) // columns)
    sheet = QImage(columns * (SIDE + GAP) - GAP, rows * (SIDE + GAP) - GAP, QImage.Format.Format_RGB32)
    sheet.fill(0xFFFFFFFF)
    painter = QPainter(sheet)
    for number, image in enumerate(images):
        painter.drawImage((number % columns) * (SIDE + GAP), (number // columns) * (SIDE + GAP), image)
    painter.end()
    save_small(sheet, path)


def save_small(image: Any, path: Path) -> None:
    """Save an image with a palette of its own colours."""
    import numpy as np
    from osgeo import gdal
    from qgis.PyQt.QtGui import QImage

    image = image.convertToFormat(QImage.Format.Format_RGB888)
    data = image.constBits()
    data.setsize(image.bytesPerLine() * image.height())
    pixels = np.frombuffer(data, np.uint8).reshape(image.height(), image.bytesPerLine())[:, :3 * image.width()]
    pixels = pixels.reshape(image.height(), image.width(), 3)
    plain = gdal.GetDriverByName("MEM").Create("", image.width(), image.height(), 3)
    for band in range(3):
        plain.GetRasterBand(band + 1).WriteArray(np.ascontiguousarray(pixels[:, :, band]))
    table = gdal.ColorTable()
    gdal.ComputeMedianCutPCT(*(plain.GetRasterBand(band) for band in (1, 2, 3)), COLOURS, table)
    indexed = gdal.GetDriverByName("MEM").Create("", image.width(), image.height(), 1)
    gdal.DitherRGB2PCT(*(plain.GetRasterBand(band) for band in (1, 2, 3)), indexed.GetRasterBand(1), table)
    indexed.GetRasterBand(1).SetColorTable(table)
    gdal.GetDriverByName("PNG").CreateCopy(str(path), indexed, options=["ZLEVEL=9"])


def main(dialogs: Sequence[str]) -> None:
    """Make the scene, run the algorithms, save the maps."""
    from qgis.core import (
        QgsContrastEnhancement,
        QgsFillSymbol,
        QgsRasterLayer,
        QgsRectangle,
        QgsSingleSymbolRenderer,
        QgsVectorLayer,
    )
    from qgis.PyQt.QtGui import QImage

    processing = started()
    from earthprint.processing_provider.styles.embedding_raster import stretch, style_embedding_raster
    from earthprint.resources.demo.scene import make_scene, write_scene

    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = write_scene(make_scene(600, 600), folder)
        made = processing.run("earthprint:makeencoder", {"INPUTS": [str(files.spring)], "CELL": 4, "SEED": 1,
                                                         "OUTPUT": str(folder / "encoder.onnx")})
        pictures, fields = [], []
        for scene in (files.spring, files.summer):
            found = processing.run("earthprint:embedraster", {
                "INPUT": str(scene), "ENCODER": made["OUTPUT"], "OUTPUT": str(folder / f"{scene.stem}_field.tif")})
            layer = QgsRasterLayer(str(scene), scene.stem)
            renderer = layer.renderer().clone()
            bands = [renderer.redBand(), renderer.greenBand(), renderer.blueBand()]
            provider_of = layer.dataProvider()
            enhanced = [QgsContrastEnhancement(stretch(provider_of, band)) for band in bands]
            renderer.setRedContrastEnhancement(enhanced[0])
            renderer.setGreenContrastEnhancement(enhanced[1])
            renderer.setBlueContrastEnhancement(enhanced[2])
            layer.setRenderer(renderer)
            field = QgsRasterLayer(found["OUTPUT"], "field")
            style_embedding_raster(field)
            if fields:
                field.setRenderer(fields[0].renderer().clone())
            pictures.append(layer)
            fields.append(field)
        extent = QgsRectangle(pictures[0].extent())
        side_by_side([picture_of([pictures[0]], extent), picture_of([fields[0]], extent)], 2,
                     PICTURES / "embedraster.png")
        side_by_side([picture_of([layer], extent) for layer in (pictures[0], fields[0], pictures[1], fields[1])], 2,
                     PICTURES / "makeencoder.png")
        found = processing.run("earthprint:embedpatches", {
            "INPUT": str(files.spring), "ENCODER": made["OUTPUT"], "SIZE": 40, "OUTPUT": str(folder / "patches.gpkg")})
        patches = QgsVectorLayer(found["OUTPUT"], "patches", "ogr")
        outline = {"color": "255,255,255,40", "outline_color": "255,255,255,200", "outline_width": "0.3"}
        patches.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple(outline)))
        side_by_side([picture_of([pictures[0]], extent), picture_of([patches, pictures[0]], extent)], 2,
                     PICTURES / "embedpatches.png")
    for shots in dialogs:
        for name in DIALOGS:
            save_small(QImage(str(Path(shots, name + ".png"))), PICTURES / (name + ".png"))


if __name__ == "__main__":
    main(sys.argv[1:])
