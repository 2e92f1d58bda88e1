"""Makes the maps of the help pages on features and hexagons: `./dev python tests/processing/hexagon_pictures.py`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from help_pictures import PICTURES, picture_of, side_by_side, started


def main() -> None:
    """Make the scene, run the algorithms, save the maps."""
    from qgis.core import QgsApplication, QgsRasterLayer, QgsRectangle, QgsVectorLayer

    processing = started()
    from earthprint.processing_provider.styles.embedding_raster import style_embedding_raster
    from earthprint.processing_provider.styles.picture import style_colour_column
    from earthprint.resources.demo.scene import make_scene, write_scene

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)

        def run(algorithm: str, name: str, **parameters: Any) -> str:
            """Run one of our algorithms and return its output."""
            return processing.run(f"earthprint:{algorithm}", {**parameters, "OUTPUT": str(folder / name)})["OUTPUT"]

        def coloured(table: str, name: str) -> QgsVectorLayer:
            """Return a table in the colours of its vectors."""
            layer = QgsVectorLayer(run("reducetable", name, INPUT=table, PICTURE=True), name, "ogr")
            style_colour_column(layer, "colour")
            return layer

        scene = str(write_scene(make_scene(600, 600), folder).spring)
        field = run("embedraster", "field.tif", INPUT=scene, CELL=4)
        layer = QgsRasterLayer(field, "field")
        style_embedding_raster(layer)
        extent = QgsRectangle(layer.extent())
        reach = "{},{},{},{} [{}]".format(extent.xMinimum(), extent.xMaximum(), extent.yMinimum(), extent.yMaximum(),
                                         layer.crs().authid())
        points = processing.run("native:randompointsinextent", {
            "EXTENT": reach, "POINTS_NUMBER": 60, "TARGET_CRS": layer.crs(), "OUTPUT": str(folder / "points.gpkg")})
        districts = processing.run("native:voronoipolygons" if QgsApplication.processingRegistry().algorithmById(
            "native:voronoipolygons") else "qgis:voronoipolygons", {
                "INPUT": points["OUTPUT"], "BUFFER": 30, "OUTPUT": str(folder / "districts.gpkg")})["OUTPUT"]
        pooled = run("embedfeatures", "pooled.gpkg", INPUT=districts, EMBEDDINGS=field)
        patches = run("embedpatches", "patches.gpkg", INPUT=scene, SIZE=20)
        hexagons = run("toh3raster", "raster_hexagons.gpkg", INPUT=field, RESOLUTION=10)
        gathered = run("toh3table", "table_hexagons.gpkg", INPUT=patches, RESOLUTION=9)
        left = picture_of([layer], extent)
        for name, first, second in (
                ("embedfeatures", left, coloured(pooled, "a.gpkg")), ("toh3raster", left, coloured(hexagons, "b.gpkg")),
                ("toh3table", picture_of([coloured(patches, "c.gpkg"), layer], extent), coloured(gathered, "d.gpkg"))):
            side_by_side([first, picture_of([second, layer], extent)], 2, PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
