"""Makes the maps of the trainings' help pages: `./dev python tests/processing/training_pictures.py`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from cluster_pictures import stretched
from help_pictures import PICTURES, picture_of, side_by_side, started
from prediction_pictures import canopy_points

FOLD_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#f0e442")


def by_fold(path: str) -> Any:
    """Return out-of-fold predictions in the colours of their folds."""
    from qgis.core import QgsCategorizedSymbolRenderer, QgsMarkerSymbol, QgsRendererCategory, QgsVectorLayer

    layer = QgsVectorLayer(path, "folds", "ogr")
    layer.setRenderer(QgsCategorizedSymbolRenderer("fold", [
        QgsRendererCategory(number + 1, QgsMarkerSymbol.createSimple(
            {"name": "circle", "color": colour, "outline_color": "white", "size": "2.8"}), str(number + 1))
        for number, colour in enumerate(FOLD_COLOURS)]))
    return layer


def main() -> None:
    """Make the scene, train, save the maps."""
    from qgis.core import QgsRectangle, QgsVectorLayer

    processing = started()
    from earthprint.processing_provider.styles.residual_points import style_residuals, style_right
    from earthprint.resources.demo.scene import make_scene, write_scene

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        made = make_scene(600, 600)
        files = write_scene(made, folder)

        def run(name: str, **parameters: Any) -> Any:
            """Run one of our algorithms."""
            return processing.run(f"earthprint:{name}", parameters)

        field = run("embedraster", INPUT=str(files.spring), CELL=2, SEED=1, OUTPUT=str(folder / "field.tif"))
        scene = stretched(str(files.spring))
        extent = QgsRectangle(scene.extent())
        for name, labels, target in (("trainregression", canopy_points(folder / "canopy.gpkg", made), "canopy"),
                                     ("trainclassification", str(files.land_cover), "land_cover")):
            found = run(name, INPUT=labels, TARGET=target, EMBEDDINGS=field["OUTPUT"],
                        PREDICTIONS=str(folder / f"{name}.gpkg"), OUTPUT=str(folder / f"{name}.onnx"))
            judged = QgsVectorLayer(found["PREDICTIONS"], "judged", "ogr")
            if target == "canopy":
                style_residuals(judged, "residual")
            else:
                style_right(judged)
            side_by_side([picture_of([by_fold(found["PREDICTIONS"]), scene], extent),
                          picture_of([judged, scene], extent)], 2, PICTURES / f"{name}.png")


if __name__ == "__main__":
    main()
