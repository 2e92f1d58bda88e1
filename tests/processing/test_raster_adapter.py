"""Raster layers become paths that GDAL opens with the same pixels, whatever provider they come from."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsProcessingFeedback, QgsRasterLayer, QgsRasterRange, QgsRectangle
from small_rasters import landscape, read_raster, write_raster

from earthprint.engine.errors import Cancelled, InputError
from earthprint.processing_provider.adapters.feedback import FeedbackProgress
from earthprint.processing_provider.adapters.raster import raster_input


class Listening(QgsProcessingFeedback):
    """Keeps what was said."""

    def __init__(self) -> None:
        super().__init__(False)
        self.warnings: "list[str]" = []

    def pushWarning(self, warning: str) -> None:  # noqa: N802
        self.warnings.append(warning)


def export(layer: QgsRasterLayer, extent: Optional[QgsRectangle] = None, pixel: float = 0.0,
           feedback: Optional[Listening] = None) -> str:
    return raster_input(layer, "INPUT", extent, pixel).dataset(FeedbackProgress(feedback or Listening()))


@pytest.fixture
def tiles(tmp_path: Path, qgis_app: Any) -> QgsRasterLayer:
    """Return an XYZ layer of four tiles at zoom 1, one plain colour each, read from the disk."""
    colours = {(0, 0): (250, 10, 20), (1, 0): (10, 240, 20), (0, 1): (10, 20, 230), (1, 1): (200, 200, 30)}
    for (x, y), colour in colours.items():
        folder = tmp_path / "tiles" / "1" / str(x)
        folder.mkdir(parents=True, exist_ok=True)
        memory = gdal.GetDriverByName("MEM").Create("", 256, 256, 3)
        for band, value in enumerate(colour):
            memory.GetRasterBand(band + 1).Fill(value)
        gdal.GetDriverByName("PNG").CreateCopy(str(folder / f"{y}.png"), memory)
    address = f"file://{tmp_path}/tiles/%7Bz%7D/%7Bx%7D/%7By%7D.png"
    layer = QgsRasterLayer(f"type=xyz&url={address}&zmin=1&zmax=1", "Tiles", "wms")
    assert layer.isValid()
    return layer


def test_a_plain_file_is_its_path(tmp_path: Path, qgis_app: Any) -> None:
    path = write_raster(tmp_path / "plain.tif", landscape())
    assert export(QgsRasterLayer(str(path), "a")) == str(path)


def test_a_raster_in_a_zip_keeps_gdals_name_for_it(tmp_path: Path, qgis_app: Any) -> None:
    values = landscape(2)
    path = write_raster(tmp_path / "inside.tif", values)
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.write(path, "inside.tif")
    found = export(QgsRasterLayer(f"/vsizip/{tmp_path}/archive.zip/inside.tif", "zipped"))
    assert np.array_equal(read_raster(found), values)


def test_a_raster_in_a_geopackage_keeps_gdals_name_for_it(tmp_path: Path, qgis_app: Any) -> None:
    values = landscape(1).astype(np.float32)
    path = write_raster(tmp_path / "plain.tif", values)
    geopackage = tmp_path / "rasters.gpkg"
    for name in ("first", "second"):
        gdal.Translate(str(geopackage), str(path), format="GPKG",
                       creationOptions=[f"RASTER_TABLE={name}", "APPEND_SUBDATASET=YES", "TILE_FORMAT=TIFF"])
    found = export(QgsRasterLayer(f"GPKG:{geopackage}:second", "in a geopackage"))
    assert np.array_equal(read_raster(found)[0, :96, :128], values[0])


def test_a_layer_with_open_options_is_read_as_qgis_shows_it(tmp_path: Path, qgis_app: Any) -> None:
    values = landscape(1)
    path = tmp_path / "plain.tif"
    write_raster(path, values, nodata=0)
    overviews = gdal.Open(str(path), gdal.GA_Update)
    overviews.BuildOverviews("NEAREST", [2])
    overviews = None
    found = export(QgsRasterLayer(f"{path}|option:OVERVIEW_LEVEL=0", "half"))
    assert np.array_equal(read_raster(found)[0], read_raster(path)[0, ::2, ::2])
    assert gdal.Open(found).GetGeoTransform() == (500000.0, 20.0, 0.0, 5700000.0, 0.0, -20.0)
    assert gdal.Open(found).GetRasterBand(1).GetNoDataValue() == 0


def test_web_tiles_are_exported_on_whole_pixels_from_the_upper_left(tiles: QgsRasterLayer) -> None:
    extent = QgsRectangle(-10000, -9000, 20500, 20000)
    found = export(tiles, extent, 1000.0)
    dataset = gdal.Open(found)
    assert dataset.GetGeoTransform() == (-10000.0, 1000.0, 0.0, 20000.0, 0.0, -1000.0)
    values = dataset.ReadAsArray()
    assert values.shape == (4, 29, 31)
    assert values[:3, 0, 0].tolist() == [250, 10, 20]
    assert values[:3, 0, -1].tolist() == [10, 240, 20]
    assert values[:3, -1, 0].tolist() == [10, 20, 230]
    assert values[:3, 19, 9].tolist() == [250, 10, 20]
    assert values[:3, 20, 10].tolist() == [200, 200, 30]


@pytest.mark.parametrize("extent, pixel, missing", [
    (None, 0.0, "EXTENT and PIXEL_SIZE"), (None, 10.0, "state EXTENT "),
    (QgsRectangle(0, 0, 1000, 1000), 0.0, "state PIXEL_SIZE ")])
def test_web_tiles_without_a_stated_grid_are_refused(
        tiles: QgsRasterLayer, extent: Optional[QgsRectangle], pixel: float, missing: str) -> None:
    with pytest.raises(InputError, match="INPUT: the layer “Tiles” comes from a service") as error:
        export(tiles, extent, pixel)
    assert missing in str(error.value) and "EPSG:3857" in str(error.value)


def test_an_absurd_grid_is_refused(tiles: QgsRasterLayer) -> None:
    with pytest.raises(InputError, match="raise PIXEL_SIZE or shrink EXTENT"):
        export(tiles, QgsRectangle(-1e7, -1e7, 1e7, 1e7), 0.001)


def test_a_cancelled_export_leaves_nothing(tiles: QgsRasterLayer) -> None:
    feedback = Listening()
    feedback.cancel()
    source = raster_input(tiles, "INPUT", QgsRectangle(0, 0, 1000, 1000), 10.0)
    with pytest.raises(Cancelled):
        source.dataset(FeedbackProgress(feedback))
    assert source.path == ""


def test_nodata_set_in_qgis_only_is_told(tmp_path: Path, qgis_app: Any) -> None:
    layer = QgsRasterLayer(str(write_raster(tmp_path / "plain.tif", landscape())), "with nodata")
    layer.dataProvider().setUserNoDataValue(2, [QgsRasterRange(1000, 1001)])
    feedback = Listening()
    export(layer, feedback=feedback)
    assert len(feedback.warnings) == 1 and "“with nodata”" in feedback.warnings[0]


def test_a_crs_changed_in_qgis_is_told(tmp_path: Path, qgis_app: Any) -> None:
    from qgis.core import QgsCoordinateReferenceSystem

    layer = QgsRasterLayer(str(write_raster(tmp_path / "plain.tif", landscape())), "moved")
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    feedback = Listening()
    export(layer, feedback=feedback)
    assert feedback.warnings and "EPSG:3857" in feedback.warnings[0] and "EPSG:32633" in feedback.warnings[0]
