"""Makes the pictures of “Predict at finer units”, “Fill missing values” and “Forecast table”.

Run it by `./dev python tests/processing/finer_pictures.py`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
from help_pictures import PICTURES, picture_of, save_small, side_by_side, started

COARSE, FINE, EACH = 120, 24, 5
UNITS, DATES, STEPS = 30, 48, 9


def copied(table: str, path: Path, columns: "Dict[str, List[Any]]") -> str:
    """Write an embedding table again with columns of numbers beside its own."""
    from earthprint.engine.table import ColumnSpec, TableWriter, open_table

    source = open_table(table)
    start = 0
    with TableWriter(str(path), source.wkt, source.geometry_type, [ColumnSpec(name, "real") for name in columns],
                     source.identity()) as writer:
        for chunk in source.chunks():
            part = slice(start, start + len(chunk.wkb))
            writer.write(chunk.wkb, {name: cells[part] for name, cells in columns.items()}, chunk.vectors)
            start += len(chunk.wkb)
    return str(path)


def canopy_of(table: str, scene: Any) -> "List[Any]":
    """Return the mean height of what grows in each patch of the drawn landscape."""
    from osgeo import ogr

    from earthprint.engine.table import open_table
    from earthprint.resources.demo.frame import FINE as DETAIL
    from earthprint.resources.demo.scene import PLACE

    fine = scene.land.canopy_before
    found: "List[Any]" = []
    for chunk in open_table(table).chunks():
        for shape in chunk.wkb:
            west, east, south, north = ogr.CreateGeometryFromWkb(shape).GetEnvelope()
            size = PLACE.pixel / DETAIL
            rows = slice(max(0, round((PLACE.top - north) / size)), round((PLACE.top - south) / size))
            columns = slice(max(0, round((west - PLACE.left) / size)), round((east - PLACE.left) / size))
            found.append(float(fine[rows, columns].mean()))
    return found


def shown(path: str, column: str) -> Any:
    """Return a layer with a column as a ramp."""
    from qgis.core import QgsVectorLayer

    from earthprint.processing_provider.styles.similar_layers import style_scored_rows

    layer = QgsVectorLayer(path, column, "ogr")
    style_scored_rows(layer, column)
    return layer


def main() -> None:
    """Make the scene, run the algorithms, save the pictures."""
    from qgis.core import QgsRectangle

    processing = started()
    from earthprint.resources.demo.scene import make_scene, write_scene

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        made = make_scene(600, 600)
        files = write_scene(made, folder)
        encoder = processing.run("earthprint:makeencoder", {
            "INPUTS": [str(files.spring)], "CELL": 4, "SEED": 1, "OUTPUT": str(folder / "encoder.onnx")})["OUTPUT"]
        tables = {}
        for size in (COARSE // 2, FINE // 2):
            tables[size] = processing.run("earthprint:embedpatches", {
                "INPUT": str(files.spring), "ENCODER": encoder, "SIZE": size,
                "OUTPUT": str(folder / f"{size}.gpkg")})["OUTPUT"]
        coarse = copied(tables[COARSE // 2], folder / "coarse.gpkg", {"canopy": canopy_of(tables[COARSE // 2], made)})
        truth = canopy_of(tables[FINE // 2], made)
        fine = copied(tables[FINE // 2], folder / "fine.gpkg", {"truth": truth})
        finer = processing.run("earthprint:transfer", {
            "COARSE": coarse, "TARGET": "canopy", "FINE": fine, "PRESERVE": "totals", "TRUTH": "truth",
            "OUTPUT": str(folder / "finer.gpkg")})
        extent = QgsRectangle(shown(coarse, "canopy").extent())
        side_by_side([picture_of([shown(coarse, "canopy")], extent),
                      picture_of([shown(finer["OUTPUT"], "predicted")], extent)], 2, PICTURES / "transfer.png")
        gone = np.random.default_rng(3).random(len(truth)) < 0.35
        gaps = copied(tables[FINE // 2], folder / "gaps.gpkg", {
            "canopy": [None if gap else value for value, gap in zip(truth, gone)]})
        filled = processing.run("earthprint:imputetable", {
            "INPUT": gaps, "TARGET": "canopy", "OUTPUT": str(folder / "filled.gpkg")})
        side_by_side([picture_of([shown(gaps, "canopy")], extent),
                      picture_of([shown(filled["OUTPUT"], "canopy")], extent)], 2, PICTURES / "imputetable.png")
        save_small(forecast_picture(folder), PICTURES / "forecasttable.png")


def forecast_picture(folder: Path) -> Any:
    """Return a chart of a unit's past and what comes."""
    import processing
    from osgeo import ogr
    from qgis.PyQt.QtCore import QByteArray, QRectF
    from qgis.PyQt.QtGui import QImage, QPainter
    from qgis.PyQt.QtSvg import QSvgRenderer

    from earthprint.engine.charts import HEIGHT, WIDTH, Series, line_chart
    from earthprint.engine.space import Space
    from earthprint.engine.table import ColumnSpec, TableWriter, open_rows

    chance = np.random.default_rng(5)
    month = np.arange(DATES + STEPS)
    vectors = chance.normal(0, 1, (UNITS, 4)).astype(np.float32)
    values = (30 + 0.15 * month * (1 + vectors[:, :1]) + 8 * np.sin(2 * np.pi * month / 12 + 0.3 * vectors[:, 1:2])
              + chance.normal(0, 1.2, (UNITS, DATES + STEPS)))
    unit, date = np.divmod(np.arange(UNITS * DATES), DATES)
    with TableWriter(str(folder / "series.gpkg"), "", ogr.wkbNone, [
            ColumnSpec("place", "text"), ColumnSpec("day", "date"), ColumnSpec("value", "real")],
            Space("drawn", 4)) as writer:
        writer.write([None] * len(unit), {
            "place": [f"u{number}" for number in unit], "value": values[unit, date].tolist(),
            "day": [f"{2020 + number // 12}-{number % 12 + 1:02d}-01" for number in date]}, vectors[unit])
    found = processing.run("earthprint:forecasttable", {
        "INPUT": str(folder / "series.gpkg"), "TARGET": "value", "ID_FIELD": "place", "DATE_FIELD": "day",
        "STEPS": STEPS, "OUTPUT": str(folder / "forecast.gpkg")})
    rows = next(iter(open_rows(found["OUTPUT"]).rows())).columns
    ahead = list(range(DATES, DATES + STEPS))
    first = slice(0, STEPS)
    svg = line_chart([
        Series("known", list(range(DATES)), values[0, :DATES].tolist()),
        Series("forecast", ahead, rows["predicted"][first]), Series("what came", ahead, values[0, DATES:].tolist()),
        Series("lower", ahead, rows["lower"][first]), Series("upper", ahead, rows["upper"][first])],
        "month", "value")
    image = QImage(int(WIDTH * 1.4), int(HEIGHT * 1.4), QImage.Format.Format_RGB32)
    image.fill(0xFFFFFFFF)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(svg.encode("utf-8"))).render(painter, QRectF(0, 0, image.width(), image.height()))
    painter.end()
    return image


if __name__ == "__main__":
    main()
