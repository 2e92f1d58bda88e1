"""Makes the picture of “Geo-bias of predictions”: `./dev python tests/processing/geobias_picture.py`."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from help_pictures import PICTURES, picture_of, side_by_side, started

from earthprint.engine.plain_layer import LayerWriter
from earthprint.engine.table import ColumnSpec

PLACES = 1600


def points(path: str, wkt: str) -> None:
    """Write points of which a tenth fails anywhere, and two thirds in two patches of ground."""
    chance = np.random.default_rng(4)
    where = chance.uniform(0, 20_000, (PLACES, 2))
    patches = (np.hypot(where[:, 0] - 5_500, where[:, 1] - 13_500) < 3_000) | (
        np.hypot((where[:, 0] - 15_000) / 2, where[:, 1] - 4_500) < 1_500)
    wrong = chance.random(PLACES) < np.where(patches, 0.66, 0.1)
    with LayerWriter(path, wkt, 1, [ColumnSpec("right", "integer")]) as writer:
        writer.write([struct.pack("<BIdd", 1, 1, 500_000 + x, 5_500_000 + y) for x, y in where],
                     {"right": (~wrong).astype(int).tolist()})


def by_mark(path: str) -> Any:
    """Return the points by whether they are right."""
    from qgis.core import QgsCategorizedSymbolRenderer, QgsMarkerSymbol, QgsRendererCategory, QgsVectorLayer

    layer = QgsVectorLayer(path, "marks", "ogr")
    layer.setRenderer(QgsCategorizedSymbolRenderer("right", [
        QgsRendererCategory(value, QgsMarkerSymbol.createSimple(
            {"name": "circle", "color": colour, "outline_style": "no", "size": "1.9"}), "")
        for value, colour in ((1, "#b9cddb"), (0, "#7a1f0a"))]))
    return layer


def main() -> None:
    """Make the points, score them, save both maps."""
    from qgis.core import QgsCoordinateReferenceSystem, QgsRectangle, QgsVectorLayer

    processing = started()
    from earthprint.processing_provider.styles.bias_points import style_bias

    with tempfile.TemporaryDirectory() as scratch:
        source, target = str(Path(scratch) / "points.gpkg"), str(Path(scratch) / "scored.gpkg")
        points(source, QgsCoordinateReferenceSystem("EPSG:32633").toWkt())
        found = processing.run("earthprint:geobias", {"INPUT": source, "MARK": "right", "OUTPUT": target})
        scored = QgsVectorLayer(found["OUTPUT"], "scored", "ogr")
        style_bias(scored, "bias_grid")
        extent = QgsRectangle(499_500, 5_499_500, 520_500, 5_520_500)
        side_by_side([picture_of([layer], extent) for layer in (by_mark(source), scored)], 2,
                     PICTURES / "geobias.png")


if __name__ == "__main__":
    main()
