"""Makes the maps of the similarity pages from the invented landscape: run it by `./dev python` and its path."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent.parent / "docs" / "pictures"


def main() -> None:
    """Embed the scene, search, save the maps."""
    sys.path.insert(0, str(HERE))
    from help_pictures import PICTURES, picture_of, side_by_side, started
    from qgis.core import QgsContrastEnhancement, QgsRasterLayer, QgsRectangle, QgsVectorLayer

    processing = started()
    from earthprint.processing_provider.styles import similar_layers
    from earthprint.processing_provider.styles.embedding_raster import stretch
    from earthprint.processing_provider.styles.relation_lines import RelationLinesStyle
    from earthprint.processing_provider.styles.score_raster import style_score_raster
    from earthprint.resources.demo.scene import make_scene, write_scene

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = write_scene(make_scene(600, 600), folder)
        field = processing.run("earthprint:embedraster", {
            "INPUT": str(files.spring), "CELL": 4, "SEED": 1, "OUTPUT": str(folder / "field.tif")})["OUTPUT"]
        scene = QgsRasterLayer(str(files.spring), "scene")
        renderer, provider = scene.renderer().clone(), scene.dataProvider()
        for band, put in ((renderer.redBand(), renderer.setRedContrastEnhancement),
                          (renderer.greenBand(), renderer.setGreenContrastEnhancement),
                          (renderer.blueBand(), renderer.setBlueContrastEnhancement)):
            put(QgsContrastEnhancement(stretch(provider, band)))
        scene.setRenderer(renderer)
        extent = QgsRectangle(scene.extent())
        town = next(QgsVectorLayer(str(files.area_of_interest), "town", "ogr").getFeatures())
        where = town.geometry().centroid().asPoint()
        spot = f"{where.x()!r},{where.y()!r}"
        found = processing.run("earthprint:similarityraster", {
            "INPUT": field, "COORDINATES": spot, "TOP": 8, "DISTANCE": 400, "THRESHOLD": "0.75",
            "OUTPUT": str(folder / "score.tif"),
            "POLYGONS": str(folder / "areas.gpkg"), "PLACES": str(folder / "places.gpkg")})
        score = QgsRasterLayer(found["OUTPUT"], "score")
        style_score_raster(score)
        areas, places = (QgsVectorLayer(found[name], name, "ogr") for name in ("POLYGONS", "PLACES"))
        similar_layers.SimilarAreasStyle().postProcessLayer(areas, None, None)
        similar_layers.style_places(places)
        for target in (PICTURES / "similarityraster.png", DOCS / "similar.png"):
            side_by_side([picture_of([places, areas, scene], extent), picture_of([score], extent)], 2, target)
        patches = processing.run("earthprint:embedpatches", {
            "INPUT": str(files.spring), "SIZE": 40, "OUTPUT": str(folder / "patches.gpkg")})["OUTPUT"]
        found = processing.run("earthprint:similarfeatures", {
            "INPUT": patches, "COORDINATES": spot, "OUTPUT": str(folder / "scored.gpkg")})
        scored = QgsVectorLayer(found["OUTPUT"], "scored", "ogr")
        similar_layers.style_scored_rows(scored, "similarity")
        scored.setOpacity(0.75)
        side_by_side([picture_of([scene], extent), picture_of([scored, scene], extent)], 2,
                     PICTURES / "similarfeatures.png")
        found = processing.run("earthprint:nearest", {
            "INPUT": patches, "NEIGHBOURS": 1, "EXCLUDE": 1200, "OUTPUT": str(folder / "pairs.gpkg"),
            "LINES": str(folder / "lines.gpkg")})
        lines = QgsVectorLayer(found["LINES"], "lines", "ogr")
        lines.setSubsetString("source_id % 14 = 0")
        RelationLinesStyle().postProcessLayer(lines, None, None)
        side_by_side([picture_of([scene], extent), picture_of([lines, scene], extent)], 2, PICTURES / "nearest.png")


if __name__ == "__main__":
    main()
