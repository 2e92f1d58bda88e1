"""Makes the picture of “Embed locations”: `./dev python tests/processing/location_picture.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from osgeo import gdal

from earthprint.engine.dataset import open_vector
from earthprint.engine.locations import Settings, find_location_encoder

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURE = ROOT / "resources" / "help" / "pictures" / "embedlocations.png"
WIDTH, HEIGHT, GAP = 440, 220, 8
# Encoder, settings, and which of its numbers is shown.
SHOWN = (("spherical-harmonics", Settings(), 77), ("sphere2vec-c", Settings(seamless=True), 34),
         ("fourier-sphere", Settings(length=2500), 5), ("space2vec-theory", Settings(), 44))
LOW, MIDDLE, HIGH = np.array([20, 86, 107.0]), np.array([250, 250, 245.0]), np.array([200, 90, 30.0])


def globe(name: str, settings: Settings, column: int) -> np.ndarray:
    """Return the colours of one number of the vector all over the globe."""
    longitude = (np.arange(WIDTH) + 0.5) * 360 / WIDTH - 180
    latitude = 90 - (np.arange(HEIGHT) + 0.5) * 180 / HEIGHT
    places = np.stack([part.ravel() for part in np.meshgrid(longitude, latitude)], axis=1)
    values = find_location_encoder(name, settings).vectors(places)[:, column].reshape(HEIGHT, WIDTH, 1)
    share = values / np.abs(values).max()
    return MIDDLE + np.where(share < 0, (MIDDLE - LOW) * share, (HIGH - MIDDLE) * share)


def coasts() -> np.ndarray:
    """Return where coasts and borders are, from the map that comes with QGIS."""
    from qgis.core import QgsApplication

    drawn = gdal.GetDriverByName("MEM").Create("", WIDTH, HEIGHT, 1)
    drawn.SetGeoTransform((-180, 360 / WIDTH, 0, 90, 0, -180 / HEIGHT))
    countries = open_vector(str(Path(QgsApplication.pkgDataPath(), "resources", "data", "world_map.gpkg")))
    gdal.RasterizeLayer(drawn, [1], countries.GetLayerByName("countries"), burn_values=[1])
    land = drawn.ReadAsArray() > 0
    edge = np.zeros_like(land)
    edge[:, 1:] |= land[:, 1:] != land[:, :-1]
    edge[1:] |= land[1:] != land[:-1]
    return edge


def main() -> None:
    """Draw four globes in two rows."""
    sheet = np.full((2 * HEIGHT + GAP, 2 * WIDTH + GAP, 3), 255.0)
    edge = coasts()
    for number, shown in enumerate(SHOWN):
        image = globe(*shown)
        image[edge] *= 0.45
        top, left = number // 2 * (HEIGHT + GAP), number % 2 * (WIDTH + GAP)
        sheet[top:top + HEIGHT, left:left + WIDTH] = image
    # Few shades, so that the file is small.
    small = np.clip(np.rint(sheet / 8) * 8, 0, 255).astype(np.uint8)
    plain = gdal.GetDriverByName("MEM").Create("", small.shape[1], small.shape[0], 3)
    for band in range(3):
        plain.GetRasterBand(band + 1).WriteArray(np.ascontiguousarray(small[:, :, band]))
    gdal.GetDriverByName("PNG").CreateCopy(str(PICTURE), plain, options=["ZLEVEL=9"])


if __name__ == "__main__":
    main()
