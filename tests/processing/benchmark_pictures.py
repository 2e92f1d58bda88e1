"""Makes the picture of the help page on comparing encoders: `./dev python tests/processing/benchmark_pictures.py`."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from help_pictures import PICTURES, save_small, started

SCALE = 1.25


def drawn(svg: str) -> object:
    """Return a chart of a report as an image."""
    from qgis.PyQt.QtCore import QByteArray
    from qgis.PyQt.QtGui import QColor, QImage, QPainter
    from qgis.PyQt.QtSvg import QSvgRenderer

    renderer = QSvgRenderer(QByteArray(svg.encode("utf-8")))
    size = renderer.defaultSize() * SCALE
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter)
    painter.end()
    return image


def main() -> None:
    """Compare on the invented landscape, and take the first chart of the report."""
    processing = started()
    from earthprint.resources.demo.scene import make_scene, write_scene

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = write_scene(make_scene(600, 600), folder)
        processing.run("earthprint:benchmarkencoders", {
            "INPUTS": [str(files.land_cover)], "TARGET": "land_cover", "IMAGES": [str(files.spring)], "CELL": 4,
            "ENCODERS": "automatic;spherical-harmonics;fourier-sphere", "LABELS": "0", "GEOBIAS": False,
            "OUTPUT": str(folder / "scores.gpkg"), "REPORT": str(folder / "scores.html")})
        page = (folder / "scores.html").read_text(encoding="utf-8")
    save_small(drawn(re.search(r"<svg.*?</svg>", page, re.DOTALL).group(0)), PICTURES / "benchmarkencoders.png")


if __name__ == "__main__":
    main()
