"""Makes the picture of the explanation's help page: `./dev python tests/processing/explaining_pictures.py`."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from cluster_pictures import stretched
from help_pictures import PICTURES, SIDE, picture_of, side_by_side, started
from prediction_pictures import canopy_points


def marked(path: str, symbol: "dict[str, str]") -> Any:
    """Return points drawn with one symbol."""
    from qgis.core import QgsMarkerSymbol, QgsSingleSymbolRenderer, QgsVectorLayer

    layer = QgsVectorLayer(path, "points", "ogr")
    layer.setRenderer(QgsSingleSymbolRenderer(QgsMarkerSymbol.createSimple(symbol)))
    return layer


def charts_of(path: str, chosen: "tuple[int, ...]") -> Any:
    """Return charts of a report below each other, as a square picture."""
    from qgis.PyQt.QtCore import QByteArray, QRectF
    from qgis.PyQt.QtGui import QImage, QPainter
    from qgis.PyQt.QtSvg import QSvgRenderer

    charts = re.findall(r"<svg.*?</svg>", Path(path).read_text(encoding="utf-8"), re.DOTALL)
    sheet = QImage(SIDE, SIDE, QImage.Format.Format_RGB32)
    sheet.fill(0xFFFFFFFF)
    painter = QPainter(sheet)
    top = 8.0
    for number in chosen:
        drawn = QSvgRenderer(QByteArray(charts[number].encode("utf-8")))
        size = drawn.defaultSize()
        height = SIDE * size.height() / size.width()
        drawn.render(painter, QRectF(0.0, top, float(SIDE), height))
        top += height + 30
    painter.end()
    return sheet


def main() -> None:
    """Make the scene, train, explain, save the picture."""
    from qgis.core import QgsRectangle, QgsVectorLayer

    processing = started()
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
        learnt = run("trainregression", INPUT=labels, TARGET="canopy", EMBEDDINGS=field["OUTPUT"],
                     OUTPUT=str(folder / "canopy.onnx"))
        scene = stretched(str(files.spring))
        extent = QgsRectangle(scene.extent())
        place = extent.xMinimum() + 0.3 * extent.width(), extent.yMinimum() + 0.62 * extent.height()
        found = run("explain", PREDICTOR=learnt["OUTPUT"], INPUT=labels, EMBEDDINGS=field["OUTPUT"],
                    COORDINATES="{},{}".format(*place), EXAMPLES=str(folder / "examples.gpkg"),
                    REPORT=str(folder / "canopy.html"), OUTPUT=str(folder / "importance.gpkg"))
        points = QgsVectorLayer(labels, "labels", "ogr")
        style_scored_rows(points, "canopy")
        asked = QgsVectorLayer("Point?crs={}".format(scene.crs().authid()), "asked", "memory")
        from qgis.core import QgsFeature, QgsGeometry, QgsMarkerSymbol, QgsPointXY, QgsSingleSymbolRenderer

        feature = QgsFeature()
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(*place)))
        asked.dataProvider().addFeatures([feature])
        asked.setRenderer(QgsSingleSymbolRenderer(QgsMarkerSymbol.createSimple(
            {"name": "cross2", "outline_color": "#d7191c", "outline_width": "1.2", "size": "6"})))
        rings = marked(found["EXAMPLES"], {"name": "circle", "color": "255,255,255,0", "outline_color": "#d7191c",
                                           "outline_width": "0.9", "size": "6"})
        side_by_side([picture_of([asked, rings, points, scene], extent), charts_of(found["REPORT"], (0, -1))], 2,
                     PICTURES / "explain.png")


if __name__ == "__main__":
    main()
