"""Makes the maps of the predictions' help pages: `./dev python tests/processing/prediction_pictures.py`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from cluster_pictures import stretched
from help_pictures import PICTURES, picture_of, side_by_side, started

LABELS = 160


def canopy_points(path: Path, scene: Any) -> str:
    """Write points with the height of what grows there, as a surveyor would measure it at some places."""
    from osgeo import ogr

    from earthprint.engine.plain_layer import LayerWriter
    from earthprint.engine.table import ColumnSpec
    from earthprint.resources.demo.frame import FINE
    from earthprint.resources.demo.scene import PLACE

    fine = scene.land.canopy_before
    rows, columns = fine.shape[0] // FINE, fine.shape[1] // FINE
    height = fine.reshape(rows, FINE, columns, FINE).mean(axis=(1, 3))
    chance = np.random.default_rng(4)
    places = np.argwhere(scene.clear)
    chosen = places[chance.choice(len(places), LABELS, replace=False)]
    points = []
    for row, column in chosen.tolist():
        point = ogr.Geometry(ogr.wkbPoint)
        point.AddPoint_2D(PLACE.left + (column + 0.5) * PLACE.pixel, PLACE.top - (row + 0.5) * PLACE.pixel)
        points.append(bytes(point.ExportToWkb(ogr.wkbNDR)))
    with LayerWriter(str(path), PLACE.system().ExportToWkt(), ogr.wkbPoint, [ColumnSpec("canopy", "real")]) as writer:
        writer.write(points, {"canopy": height[chosen[:, 0], chosen[:, 1]].tolist()})
    return str(path)


def banded(path: str, band: int) -> Any:
    """Return one band of a prediction as a ramp."""
    from osgeo import gdal
    from qgis.core import QgsRasterLayer

    from earthprint.processing_provider.styles.score_raster import style_score_raster

    copy = path.replace(".tif", f"_{band}.tif")
    gdal.Translate(copy, path, bandList=[band])
    layer = QgsRasterLayer(copy, "band")
    style_score_raster(layer, 0.02, 0.98)
    return layer


def main() -> None:
    """Make the scene, train, predict, save the maps."""
    from qgis.core import QgsRasterLayer, QgsRectangle, QgsVectorLayer

    processing = started()
    from earthprint.processing_provider.styles.prediction import style_predicted_rows, style_prediction_raster
    from earthprint.processing_provider.styles.similar_layers import style_scored_rows
    from earthprint.resources.demo.scene import make_scene, write_scene

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        made = make_scene(600, 600)
        files = write_scene(made, folder)

        def run(name: str, **parameters: Any) -> Any:
            """Run one of our algorithms."""
            return processing.run(f"earthprint:{name}", parameters)

        field = run("embedraster", INPUT=str(files.spring), CELL=2, SEED=1, OUTPUT=str(folder / "field.tif"))
        labels = canopy_points(folder / "canopy.gpkg", made)
        number = run("trainregression", INPUT=labels, TARGET="canopy", EMBEDDINGS=field["OUTPUT"],
                     OUTPUT=str(folder / "canopy.onnx"))
        cover = run("trainclassification", INPUT=str(files.land_cover), TARGET="land_cover",
                    EMBEDDINGS=field["OUTPUT"], OUTPUT=str(folder / "cover.onnx"))
        numbers = run("predictraster", INPUT=field["OUTPUT"], PREDICTOR=number["OUTPUT"],
                      OUTPUT=str(folder / "numbers.tif"))
        classes = run("predictraster", INPUT=field["OUTPUT"], PREDICTOR=cover["OUTPUT"],
                      OUTPUT=str(folder / "classes.tif"))
        from earthprint.engine.predictors.asking import legend_of
        from earthprint.engine.predictors.predictor import open_predictor
        from earthprint.engine.progress import Silent

        scene = stretched(str(files.spring))
        extent = QgsRectangle(scene.extent())
        points = QgsVectorLayer(labels, "labels", "ogr")
        style_scored_rows(points, "canopy")
        predicted = QgsRasterLayer(numbers["OUTPUT"], "numbers")
        style_prediction_raster(predicted, ())
        mapped = QgsRasterLayer(classes["OUTPUT"], "classes")
        style_prediction_raster(mapped, legend_of(open_predictor(cover["OUTPUT"], Silent()).card))
        bands = gdal_bands(classes["OUTPUT"])
        side_by_side([picture_of([points, scene], extent), picture_of([predicted], extent),
                      picture_of([mapped], extent),
                      picture_of([banded(classes["OUTPUT"], bands.index("dissimilarity") + 1)], extent)], 2,
                     PICTURES / "predictraster.png")
        patches = run("embedpatches", INPUT=str(files.spring), ENCODER=field["ENCODER_USED"], SIZE=20,
                      OUTPUT=str(folder / "patches.gpkg"))
        known = run("trainclassification", INPUT=str(files.land_cover), TARGET="land_cover",
                    EMBEDDINGS=patches["OUTPUT"], OUTPUT=str(folder / "patches.onnx"))
        rows = run("predicttable", INPUT=patches["OUTPUT"], PREDICTOR=known["OUTPUT"],
                   OUTPUT=str(folder / "rows.gpkg"))
        layer = QgsVectorLayer(rows["OUTPUT"], "rows", "ogr")
        card = open_predictor(known["OUTPUT"], Silent()).card
        legend = [(one.value, one.name, one.colour) for one in card.target.classes]
        style_predicted_rows(layer, legend)
        given = QgsVectorLayer(str(files.land_cover), "labels", "ogr")
        style_given(given, legend)
        side_by_side([picture_of([given, scene], extent), picture_of([layer], extent)], 2,
                     PICTURES / "predicttable.png")


def gdal_bands(path: str) -> "list[str]":
    """Return the names of a raster's bands."""
    from osgeo import gdal

    dataset = gdal.Open(path)
    return [dataset.GetRasterBand(number + 1).GetDescription() for number in range(dataset.RasterCount)]


def style_given(layer: Any, classes: Any) -> None:
    """Draw labels in the colours of the classes."""
    from qgis.core import QgsCategorizedSymbolRenderer, QgsMarkerSymbol, QgsRendererCategory

    layer.setRenderer(QgsCategorizedSymbolRenderer("land_cover", [
        QgsRendererCategory(value, QgsMarkerSymbol.createSimple(
            {"name": "circle", "color": colour, "outline_color": "white", "size": "2.6"}), name)
        for value, name, colour in classes]))


if __name__ == "__main__":
    main()
