"""Makes the maps of the help pages on reductions and outliers: `./dev python tests/processing/explore_pictures.py`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from help_pictures import PICTURES, picture_of, side_by_side, started


def stretched(path: str) -> Any:
    """Return a scene's layer, each colour stretched over the middle of its values."""
    from qgis.core import QgsContrastEnhancement, QgsRasterLayer

    from earthprint.processing_provider.styles.embedding_raster import stretch

    layer = QgsRasterLayer(path, "scene")
    renderer = layer.renderer().clone()
    provider = layer.dataProvider()
    renderer.setRedContrastEnhancement(QgsContrastEnhancement(stretch(provider, renderer.redBand())))
    renderer.setGreenContrastEnhancement(QgsContrastEnhancement(stretch(provider, renderer.greenBand())))
    renderer.setBlueContrastEnhancement(QgsContrastEnhancement(stretch(provider, renderer.blueBand())))
    layer.setRenderer(renderer)
    return layer


def main() -> None:
    """Make the scene, run the algorithms, save the maps."""
    from qgis.core import QgsRasterLayer, QgsRectangle, QgsVectorLayer

    processing = started()
    from earthprint.processing_provider.styles.picture import style_colour_column
    from earthprint.processing_provider.styles.score_raster import style_score_raster
    from earthprint.processing_provider.styles.similar_layers import style_scored_rows
    from earthprint.resources.demo.scene import make_scene, write_scene

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)

        def run(algorithm: str, ending: str, **parameters: Any) -> str:
            """Run one of our algorithms and return its output."""
            output = str(folder / f"{algorithm}{ending}")
            return processing.run(f"earthprint:{algorithm}", {**parameters, "OUTPUT": output})["OUTPUT"]

        scene = str(write_scene(make_scene(600, 600), folder).spring)
        encoder = run("makeencoder", ".onnx", INPUTS=[scene], CELL=4, SEED=1)
        field = run("embedraster", ".tif", INPUT=scene, ENCODER=encoder)
        patches = run("embedpatches", ".gpkg", INPUT=scene, ENCODER=encoder, SIZE=20)
        picture = QgsRasterLayer(run("reduceraster", ".tif", INPUT=field, PICTURE=True), "picture")
        outliers = QgsRasterLayer(run("outlierraster", ".tif", INPUT=field), "outliers")
        style_score_raster(outliers)
        coloured = QgsVectorLayer(run("reducetable", ".gpkg", INPUT=patches, PICTURE=True), "coloured", "ogr")
        style_colour_column(coloured, "colour")
        odd = QgsVectorLayer(run("outliertable", ".gpkg", INPUT=patches), "odd", "ogr")
        style_scored_rows(odd, "outlier")
        layer = stretched(scene)
        extent = QgsRectangle(layer.extent())
        for name, shown in (("reduceraster", picture), ("reducetable", coloured), ("outlierraster", outliers),
                            ("outliertable", odd)):
            side_by_side([picture_of([layer], extent), picture_of([shown, layer], extent)], 2,
                         PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
