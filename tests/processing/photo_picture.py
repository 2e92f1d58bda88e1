"""Makes the map of the help page on photos: `./dev python tests/processing/photo_picture.py`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from explore_pictures import stretched
from help_pictures import PICTURES, picture_of, side_by_side, started

PHOTOS = 15
SIDE = 40


def main() -> None:
    """Cut photos out of the scene, tell each where it was taken, embed them, and draw them in the colours of both."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
    from made_photos import exif_block, picture, position
    from osgeo import gdal
    from qgis.core import QgsCoordinateReferenceSystem, QgsRectangle, QgsVectorLayer

    processing = started()
    from earthprint.engine.dataset import longitude_latitude
    from earthprint.processing_provider.styles.picture import style_colour_column
    from earthprint.resources.demo.scene import make_scene, write_scene

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        scene = str(write_scene(make_scene(600, 600), folder).spring)
        layer = stretched(scene)
        renderer = layer.renderer()
        dataset = gdal.Open(scene)
        bands = [dataset.GetRasterBand(number).ReadAsArray().astype(float)
                 for number in (renderer.redBand(), renderer.greenBand(), renderer.blueBand())]
        low, high = np.percentile(bands, 1), np.percentile(bands, 99)
        colours = np.clip((np.stack(bands) - low) / (high - low) * 255, 0, 255).astype(np.uint8)
        x0, dx, _, y0, _, dy = dataset.GetGeoTransform()
        (folder / "photos").mkdir()
        for row in range(PHOTOS):
            for column in range(PHOTOS):
                top, left = row * SIDE, column * SIDE
                middle = np.array([[x0 + (left + SIDE / 2) * dx, y0 + (top + SIDE / 2) * dy]])
                place = longitude_latitude(dataset.GetProjection(), middle)[0]
                picture(folder / "photos" / f"{row:02d}-{column:02d}.jpg",
                        colours[:, top:top + SIDE, left:left + SIDE], block=exif_block(gps=position(*place)))
        found = processing.run("earthprint:embedphotos", {
            "FOLDER": str(folder / "photos"), "SIZE": SIDE, "OUTPUT": str(folder / "points.gpkg")})
        coloured = processing.run("earthprint:reducetable", {
            "INPUT": found["OUTPUT"], "PICTURE": True, "OUTPUT": str(folder / "coloured.gpkg")})
        moved = processing.run("native:reprojectlayer", {
            "INPUT": coloured["OUTPUT"], "TARGET_CRS": QgsCoordinateReferenceSystem(layer.crs()),
            "OUTPUT": str(folder / "moved.gpkg")})
        points = QgsVectorLayer(moved["OUTPUT"], "points", "ogr")
        style_colour_column(points, "colour")
        points.renderer().symbol().setSize(5)
        extent = QgsRectangle(layer.extent())
        side_by_side([picture_of([layer], extent), picture_of([points, layer], extent)], 2,
                     PICTURES / "embedphotos.png")


if __name__ == "__main__":
    main()
