"""Makes the picture of “Recall against area”: a search, where such places are, and the curves of two searches.

Run it by `./dev python tests/processing/recall_pictures.py`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from help_pictures import PICTURES, SIDE, picture_of, save_small, started

GAP = 12
KIND, EVERY = "built-up", 12


def chart_image(path: Path, scale: float) -> Any:
    """Return the chart that a report holds as an image."""
    import re

    from qgis.PyQt.QtCore import QByteArray, QRectF
    from qgis.PyQt.QtGui import QImage, QPainter
    from qgis.PyQt.QtSvg import QSvgRenderer

    svg = re.search(r"<svg.*?</svg>", path.read_text(encoding="utf-8"), re.DOTALL).group(0)
    drawn = QSvgRenderer(QByteArray(svg.encode("utf-8")))
    size = drawn.defaultSize() * scale
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(0xFFFFFFFF)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    drawn.render(painter, QRectF(0, 0, size.width(), size.height()))
    painter.end()
    return image


def beside(left: Any, right: Any) -> Any:
    """Return two images in a row."""
    from qgis.PyQt.QtGui import QImage, QPainter

    sheet = QImage(left.width() + GAP + right.width(), max(left.height(), right.height()), QImage.Format.Format_RGB32)
    sheet.fill(0xFFFFFFFF)
    painter = QPainter(sheet)
    painter.drawImage(0, 0, left)
    painter.drawImage(left.width() + GAP, 0, right)
    painter.end()
    return sheet


def main() -> None:
    """Make the scene, search it in two ways, judge both by places that neither has seen, save the picture."""
    from qgis.core import (
        QgsMarkerSymbol,
        QgsRasterLayer,
        QgsRectangle,
        QgsSingleSymbolRenderer,
        QgsVectorLayer,
    )

    processing = started()
    from earthprint.processing_provider.styles.score_raster import style_score_raster
    from earthprint.resources.demo.scene import make_scene, write_scene

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)

        def run(name: str, **parameters: Any) -> Any:
            """Run one of our algorithms."""
            return processing.run(f"earthprint:{name}", parameters)

        files = write_scene(make_scene(600, 600), folder)
        encoder = run("makeencoder", INPUTS=[str(files.spring)], CELL=4, SEED=1, OUTPUT=str(folder / "encoder.onnx"))
        field = run("embedraster", INPUT=str(files.spring), ENCODER=encoder["OUTPUT"],
                    OUTPUT=str(folder / "field.tif"))["OUTPUT"]
        shown = processing.run("native:extractbyexpression", {
            "INPUT": str(files.land_cover), "EXPRESSION": f"land_cover = '{KIND}'",
            "OUTPUT": str(folder / "known.gpkg"), "FAIL_OUTPUT": str(folder / "others.gpkg")})["OUTPUT"]
        halves = processing.run("native:extractbyexpression", {
            "INPUT": shown, "EXPRESSION": f"$id % {EVERY} = 1", "OUTPUT": str(folder / "examples.gpkg"),
            "FAIL_OUTPUT": str(folder / "truth.gpkg")})
        searches = [run("similarityraster", INPUT=raster, EXAMPLES=halves["OUTPUT"], STANDARDISE=plain,
                        OUTPUT=str(folder / f"search{number}.tif"))["OUTPUT"]
                    for number, (raster, plain) in enumerate(((field, False), (str(files.spring), True)))]
        report = folder / "recall.html"
        found = run("recallarea", INPUTS=searches, TRUTH=halves["FAIL_OUTPUT"], LABELS="embeddings;raw bands",
                    OUTPUT=str(folder / "curves.gpkg"), REPORT=str(report))
        print(found["VERDICT"])
        scores = QgsRasterLayer(searches[0], "scores")
        style_score_raster(scores)
        truth = QgsVectorLayer(halves["FAIL_OUTPUT"], "truth", "ogr")
        truth.setRenderer(QgsSingleSymbolRenderer(QgsMarkerSymbol.createSimple(
            {"name": "circle", "color": "255,255,255,0", "outline_color": "230,40,20", "outline_width": "0.4",
             "size": "2.4"})))
        extent = QgsRectangle(scores.extent())
        chart = chart_image(report, SIDE / 400)
        save_small(beside(picture_of([truth, scores], extent), chart), PICTURES / "recallarea.png")


if __name__ == "__main__":
    main()
