"""Makes the picture of “Train a location encoder”: `./dev python tests/processing/location_training_picture.py`.

It needs the sample data.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from osgeo import gdal

from earthprint.engine.colour_ramp import SEQUENTIAL, ramp_colours
from earthprint.engine.dataset import open_vector
from earthprint.engine.location_training.judged import Surface
from earthprint.engine.location_training.request import TrainLocationRequest
from earthprint.engine.location_training.run import learn
from earthprint.engine.progress import Silent
from earthprint.engine.table import open_rows

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURE = ROOT / "resources" / "help" / "pictures" / "trainlocationencoder.png"
COUNTIES = ROOT.parent / "shared" / "data" / "us_counties_1980" / "us_counties_1980.gpkg"
COLUMN = "pc_turnout"
WIDTH, HEIGHT, GAP = 460, 280, 10
GROUND = np.array([247, 247, 245], dtype=np.float64)
PALE = 0.8


def on_sheet(surface: Surface, places: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
    """Return columns and rows of places within the picture of a surface."""
    column = (places[:, 0] - surface.west) / (surface.east - surface.west) * WIDTH
    row = (surface.north - places[:, 1]) / (surface.north - surface.south) * HEIGHT
    return column, row


def dots(surface: Surface, places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return places as dots in the colour of their value."""
    image = np.tile(GROUND, (HEIGHT, WIDTH, 1))
    low, high = np.percentile(values, (2, 98))
    colours = ramp_colours((values - low) / (high - low), SEQUENTIAL)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    for x, y, colour in zip(*on_sheet(surface, places), colours):
        left, top = max(0, int(x) - 4), max(0, int(y) - 4)
        box = np.s_[top:top + 9, left:left + 9]
        near = (columns[box] - x) ** 2 + (rows[box] - y) ** 2 < 2.4 ** 2
        image[box][near] = colour
    return image


def colours_of(surface: Surface) -> np.ndarray:
    """Return the surface as the report paints it, enlarged."""
    column = ((np.arange(WIDTH) + 0.5) / WIDTH * surface.values.shape[1]).astype(int)
    row = ((np.arange(HEIGHT) + 0.5) / HEIGHT * surface.values.shape[0]).astype(int)
    colours = surface.values[row][:, column] * 255.0
    known = surface.known[row][:, column][:, :, np.newaxis]
    return np.where(known, colours, colours + (GROUND - colours) * PALE)


def main() -> None:
    """Train on the counties, draw both halves."""
    with tempfile.TemporaryDirectory() as folder:
        judged = learn(TrainLocationRequest(open_rows(str(COUNTIES)), str(Path(folder) / "c.onnx"), targets=(COLUMN,),
                                            folds=2, resume=False), Silent()).judged
    dataset = open_vector(str(COUNTIES))
    values = np.array([feature[COLUMN] for feature in dataset.GetLayer(0)], dtype=np.float64)
    surface = judged.surface
    sheet = np.full((HEIGHT, 2 * WIDTH + GAP, 3), 255.0)
    sheet[:, :WIDTH] = dots(surface, judged.places, values)
    sheet[:, WIDTH + GAP:] = colours_of(surface)
    small = np.clip(np.rint(sheet / 8) * 8, 0, 255).astype(np.uint8)
    plain = gdal.GetDriverByName("MEM").Create("", small.shape[1], small.shape[0], 3)
    for band in range(3):
        plain.GetRasterBand(band + 1).WriteArray(np.ascontiguousarray(small[:, :, band]))
    gdal.GetDriverByName("PNG").CreateCopy(str(PICTURE), plain, options=["ZLEVEL=9"])


if __name__ == "__main__":
    main()
