"""Makes the maps of the help pages on change from the invented landscape.

Run it by `./dev python tests/processing/change_pictures.py`; it makes a map of docs/what-changed.md.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from help_pictures import PICTURES, ROOT, picture_of, side_by_side, started

DOCUMENTS = ROOT / "docs" / "pictures"


def main() -> None:
    """Make the scene at two dates, embed both, run the algorithms, save the maps."""
    from qgis.core import QgsContrastEnhancement, QgsRasterLayer, QgsRectangle, QgsVectorLayer

    processing = started()
    from earthprint.processing_provider.styles import change as styles
    from earthprint.processing_provider.styles.embedding_raster import stretch
    from earthprint.resources.demo.scene import make_scene, write_scene

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = write_scene(make_scene(600, 600), folder)
        scenes = [str(files.spring), str(files.summer)]
        encoder = processing.run("earthprint:makeencoder", {
            "INPUTS": scenes, "CELL": 4, "SEED": 1, "OUTPUT": str(folder / "encoder.onnx")})["OUTPUT"]
        fields, patches, pictures = [], [], []
        for number, scene in enumerate(scenes):
            fields.append(processing.run("earthprint:embedraster", {
                "INPUT": scene, "ENCODER": encoder, "OUTPUT": str(folder / f"{number}.tif")})["OUTPUT"])
            patches.append(processing.run("earthprint:embedpatches", {
                "INPUT": scene, "ENCODER": encoder, "SIZE": 24, "OUTPUT": str(folder / f"{number}.gpkg")})["OUTPUT"])
            pictures.append(_as_photographed(QgsRasterLayer(scene, f"scene {number}"), stretch, QgsContrastEnhancement))
        pictures[1].setRenderer(pictures[0].renderer().clone())
        found = processing.run("earthprint:changeraster", {
            "BEFORE": fields[0], "AFTER": fields[1], "METHOD": "standardised", "OUTPUT": str(folder / "change.tif"),
            "CHANGED": str(folder / "changed.tif"), "DIRECTION": str(folder / "way.tif"), "MIN_AREA": 5000})
        magnitude = QgsRasterLayer(found["OUTPUT"], "magnitude")
        styles.style_magnitude(magnitude, found["THRESHOLD_OUT"])
        mask = QgsRasterLayer(found["CHANGED"], "changed")
        styles.style_changed(mask)
        way = QgsRasterLayer(found["DIRECTION"], "direction")
        extent = QgsRectangle(pictures[0].extent())
        maps = [picture_of([layer], extent) for layer in (*pictures, magnitude, mask)]
        side_by_side(maps, 2, PICTURES / "changeraster.png")
        side_by_side([maps[3], picture_of([way], extent)], 2, DOCUMENTS / "change_direction.png")
        rows = processing.run("earthprint:changetable", {
            "BEFORE": patches[0], "AFTER": patches[1], "METHOD": "standardised", "OUTPUT": str(folder / "rows.gpkg")})
        table = QgsVectorLayer(rows["OUTPUT"], "patches")
        styles.style_changed_rows(table)
        table.setOpacity(0.6)
        side_by_side([picture_of([pictures[1]], extent), picture_of([table, pictures[1]], extent)], 2,
                     PICTURES / "changetable.png")


def _as_photographed(layer: Any, stretch: Any, enhancement: Any) -> Any:
    """Stretch the colours of a scene over the middle of its values."""
    renderer = layer.renderer().clone()
    bands = [renderer.redBand(), renderer.greenBand(), renderer.blueBand()]
    made = [enhancement(stretch(layer.dataProvider(), band)) for band in bands]
    renderer.setRedContrastEnhancement(made[0])
    renderer.setGreenContrastEnhancement(made[1])
    renderer.setBlueContrastEnhancement(made[2])
    layer.setRenderer(renderer)
    return layer


if __name__ == "__main__":
    main()
