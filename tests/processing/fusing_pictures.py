"""Makes the maps of the help pages on fusing: `./dev python tests/processing/fusing_pictures.py`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from explore_pictures import stretched
from help_pictures import PICTURES, picture_of, side_by_side, started


def main() -> None:
    """Make the scene, run the algorithms, save the maps."""
    from qgis.core import QgsRasterLayer, QgsRectangle, QgsVectorLayer

    processing = started()
    from earthprint.processing_provider.styles.picture import style_colour_column
    from earthprint.resources.demo.scene import make_scene, write_scene

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)

        def run(algorithm: str, name: str, **parameters: Any) -> str:
            """Run one of our algorithms and return its output."""
            return processing.run(f"earthprint:{algorithm}", {**parameters, "OUTPUT": str(folder / name)})["OUTPUT"]

        files = write_scene(make_scene(600, 600), folder)
        fields, tables = [], []
        for number, scene in enumerate((str(files.spring), str(files.summer))):
            encoder = run("makeencoder", f"encoder{number}.onnx", INPUTS=[scene], CELL=4, SEED=number)
            fields.append(run("embedraster", f"field{number}.tif", INPUT=scene, ENCODER=encoder))
            tables.append(run("embedpatches", f"patches{number}.gpkg", INPUT=scene, ENCODER=encoder, SIZE=20))
        fused = run("fuserasters", "fused.tif", INPUTS=fields)
        picture = QgsRasterLayer(run("reduceraster", "picture.tif", INPUT=fused, PICTURE=True), "picture")
        keyed = []
        for number, table in enumerate(tables):
            keyed.append(str(folder / f"keyed{number}.gpkg"))
            processing.run("native:fieldcalculator", {
                "INPUT": table, "FIELD_NAME": "place", "FIELD_TYPE": 2, "FORMULA": "\"row\" || '-' || \"column\"",
                "OUTPUT": keyed[-1]})
        coloured = []
        for name, table in (("one.gpkg", keyed[0]), ("both.gpkg", run("fusetables", "together.gpkg", INPUTS=keyed,
                                                                      KEY="place"))):
            coloured.append(QgsVectorLayer(run("reducetable", name, INPUT=table, PICTURE=True), name, "ogr"))
            style_colour_column(coloured[-1], "colour")
        layer = stretched(str(files.spring))
        extent = QgsRectangle(layer.extent())
        side_by_side([picture_of([layer], extent), picture_of([picture], extent)], 2, PICTURES / "fuserasters.png")
        side_by_side([picture_of([one], extent) for one in coloured], 2, PICTURES / "fusetables.png")


if __name__ == "__main__":
    main()
