"""Makes the picture of “Convert a location checkpoint”: `./dev python tests/processing/checkpoint_picture.py`.

It converts the published GeoCLIP tower and shows the first three principal components of its vectors as colours.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from osgeo import gdal

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "support"), str(Path(__file__).resolve().parent)]

from geoclip_wheel import wheel  # noqa: E402
from location_picture import coasts  # noqa: E402

from earthprint.engine.checkpoints.converting import ConvertRequest, convert_checkpoint  # noqa: E402
from earthprint.engine.dataset import open_vector  # noqa: E402
from earthprint.engine.locations.stored import open_location_encoder  # noqa: E402
from earthprint.engine.progress import Silent  # noqa: E402

PICTURE = ROOT / "resources" / "help" / "pictures" / "convertcheckpoint.png"
WIDTH, HEIGHT, LARGER = 440, 220, 2
SEA = 235.0


def land() -> np.ndarray:
    """Return where land is, from the map that comes with QGIS."""
    from qgis.core import QgsApplication

    drawn = gdal.GetDriverByName("MEM").Create("", WIDTH, HEIGHT, 1)
    drawn.SetGeoTransform((-180, 360 / WIDTH, 0, 90, 0, -180 / HEIGHT))
    countries = open_vector(str(Path(QgsApplication.pkgDataPath(), "resources", "data", "world_map.gpkg")))
    gdal.RasterizeLayer(drawn, [1], countries.GetLayerByName("countries"), burn_values=[1])
    return drawn.ReadAsArray() > 0


def colours(vectors: np.ndarray) -> np.ndarray:
    """Return three components of unit vectors, each from its 2nd to its 98th percentile."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = unit - unit.mean(axis=0)
    _, turns = np.linalg.eigh(unit.T @ unit)
    shown = unit @ turns[:, -1:-4:-1]
    low, high = np.percentile(shown, [2, 98], axis=0)
    return np.clip((shown - low) / (high - low), 0, 1) * 255


def main() -> None:
    """Draw the globe."""
    longitude = (np.arange(WIDTH) + 0.5) * 360 / WIDTH - 180
    latitude = 90 - (np.arange(HEIGHT) + 0.5) * 180 / HEIGHT
    places = np.stack([part.ravel() for part in np.meshgrid(longitude, latitude)], axis=1)
    somewhere = land().ravel()
    image = np.full((WIDTH * HEIGHT, 3), SEA)
    with tempfile.TemporaryDirectory() as folder:
        made = convert_checkpoint(ConvertRequest(str(wheel()), output=str(Path(folder, "geoclip.onnx"))), Silent())
        image[somewhere] = colours(open_location_encoder(made.output).vectors(places[somewhere]))
    sheet = image.reshape(HEIGHT, WIDTH, 3)
    sheet[coasts()] *= 0.6
    small = np.clip(np.rint(sheet.repeat(LARGER, axis=0).repeat(LARGER, axis=1) / 8) * 8, 0, 255).astype(np.uint8)
    plain = gdal.GetDriverByName("MEM").Create("", small.shape[1], small.shape[0], 3)
    for band in range(3):
        plain.GetRasterBand(band + 1).WriteArray(np.ascontiguousarray(small[:, :, band]))
    gdal.GetDriverByName("PNG").CreateCopy(str(PICTURE), plain, options=["ZLEVEL=9"])


if __name__ == "__main__":
    main()
