"""Several tiles: one raster for each zone, or one in a CRS of the user's, decoded before any cell moves."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import gdal, osr

from earthprint.engine.dataset import open_raster
from earthprint.engine.errors import InputError, OutputError
from earthprint.engine.field import open_field
from earthprint.engine.products.importing_field import FieldImport, import_field
from earthprint.engine.space import Space

INT8 = getattr(gdal, "GDT_Int8", None)
ROWS, COLUMNS = 30, 40
# The last kilometre of zone 33 and the first of zone 34, 54 degrees north.
WEST, EAST = (696180, 10, 0, 5988000, 0, 10), (303420, 10, 0, 5988300, 0, -10)


class Recorder:
    """A progress that keeps what it was told."""

    def __init__(self):
        self.warnings, self.infos = [], []

    def report(self, fraction, text=None):
        assert 0 <= fraction <= 1

    def info(self, text):
        self.infos.append(text)

    def warn(self, text):
        self.warnings.append(text)

    def cancelled(self):
        return False


def reference(epsg):
    found = osr.SpatialReference()
    found.ImportFromEPSG(epsg)
    found.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return found


def codes(seed, rows=ROWS, columns=COLUMNS):
    """Return AlphaEarth's codes of smooth unit vectors with a hole."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    waves = chance.normal(size=(64, 3))
    vectors = np.stack([np.sin(a + b * y / 9 + c * x / 11) for a, b, c in waves])
    vectors /= np.linalg.norm(vectors, axis=0)
    found = np.clip(np.rint(np.sign(vectors) * np.sqrt(np.abs(vectors)) * 127.5), -127, 127).astype(np.int8)
    found[:, 10:13, 20:24] = -128
    return found


def decoded(raw):
    values = raw.astype(np.float64)
    found = np.sign(values) * (values / 127.5) ** 2
    found[:, (raw == -128).any(axis=0)] = np.nan
    return found


def tile(path, raw, transform, epsg):
    """Write a tile of AlphaEarth by GDAL alone."""
    dataset = gdal.GetDriverByName("GTiff").Create(
        str(path), raw.shape[2], raw.shape[1], 64, INT8 or gdal.GDT_Byte, [] if INT8 else ["PIXELTYPE=SIGNEDBYTE"])
    dataset.SetGeoTransform(transform)
    dataset.SetSpatialRef(reference(epsg))
    for number in range(64):
        dataset.GetRasterBand(number + 1).SetDescription(f"A{number:02d}")
        dataset.GetRasterBand(number + 1).SetNoDataValue(-128)
    dataset.WriteRaster(0, 0, raw.shape[2], raw.shape[1], raw.tobytes(), buf_type=INT8 or gdal.GDT_Byte)
    dataset = None
    return str(path)


@pytest.fixture
def two(tmp_path):
    """Return two tiles in neighbouring zones, one of them upside down: paths, codes, transforms and EPSG codes."""
    folder = tmp_path / "tiles"
    folder.mkdir()
    first, second = codes(1), codes(2)
    return (tile(folder / "a.tiff", first, WEST, 32633), first, WEST, 32633), (
        tile(folder / "b.tiff", second, EAST, 32634), second, EAST, 32634)


def brought_in(path, output, progress=None, **more):
    return import_field(FieldImport(str(path), str(output), **more), progress or Recorder())


def vectors_of(path):
    field = open_field(str(path))
    return field, field.read(open_raster(str(path)), field.info.grid.whole)


def naive(field, tiles, bilinear):
    """Return what a place should hold: each cell on its own, by osr's own transformation, in plain loops."""
    grid = field.info.grid
    target = osr.SpatialReference()
    target.ImportFromWkt(grid.wkt)
    target.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    expected = np.full((64, grid.height, grid.width), np.nan)
    for _, raw, transform, epsg in tiles:
        back = osr.CoordinateTransformation(target, reference(epsg))
        values = decoded(raw)
        for row in range(grid.height):
            for column in range(grid.width):
                x, y, _ = back.TransformPoint(*grid.centre(column + 0.5, row + 0.5))
                across, down = (x - transform[0]) / transform[1], (y - transform[3]) / transform[5]
                if not (0 <= across < raw.shape[2] and 0 <= down < raw.shape[1]):
                    continue
                if np.isnan(values[0, int(down), int(across)]):
                    continue
                if not bilinear:
                    expected[:, row, column] = values[:, int(down), int(across)]
                    continue
                total = np.zeros(64)
                for other_row in range(raw.shape[1]):
                    low = 1 - abs(down - other_row - 0.5)
                    if low <= 0:
                        continue
                    for other in range(raw.shape[2]):
                        share = 1 - abs(across - other - 0.5)
                        if share > 0 and not np.isnan(values[0, other_row, other]):
                            total += low * share * values[:, other_row, other]
                expected[:, row, column] = total / np.linalg.norm(total)
    return expected


def test_tiles_of_two_zones_become_a_raster_each(tmp_path, two):
    progress = Recorder()
    result = brought_in(tmp_path / "tiles", tmp_path / "out.vrt", progress)
    assert result.outputs == (str(tmp_path / "out.vrt"), str(tmp_path / "out_34N.vrt"))
    for path, (_, raw, transform, epsg) in zip(result.outputs, two):
        field, found = vectors_of(path)
        upright = decoded(raw)[:, ::-1] if transform[5] > 0 else decoded(raw)
        np.testing.assert_allclose(found, upright, rtol=1e-6)
        assert f"zone {epsg - 32600}N" in field.info.grid.wkt
        assert field.space == Space("alphaearth", 64, unit_norm=True) and "/a1/" in field.key
    assert any("2 CRSs" in text and "out_34N.vrt" in text and "give CRS" in text for text in progress.warnings)


@pytest.mark.parametrize("epsg", [32634, 3035, 4326])
@pytest.mark.parametrize("resampling, ending", [("nearest", ".vrt"), ("nearest", ".tif"), ("bilinear", ".tif")])
def test_tiles_of_two_zones_become_one_raster(tmp_path, two, epsg, resampling, ending):
    listed = ";".join(item[0] for item in two)
    result = brought_in(listed, tmp_path / f"out{ending}", crs=reference(epsg).ExportToWkt(), resampling=resampling)
    assert result.outputs == (result.output,)
    field, found = vectors_of(result.output)
    expected = naive(field, two, resampling == "bilinear")
    there = ~np.isnan(expected[0])
    assert there.sum() > 0.85 * 2 * (ROWS * COLUMNS - 12) or epsg == 4326
    # Places on the border between two cells may fall to either.
    differing = np.isnan(found[0]) != ~there
    assert differing.mean() < 0.002
    both = there & ~np.isnan(found[0])
    near = np.isclose(found[:, both], expected[:, both], rtol=0, atol=2e-6).all(axis=0)
    assert near.mean() > 0.998
    assert field.space == Space("alphaearth", 64, unit_norm=True)
    assert ("/a1/" in field.key) == (resampling == "nearest")
    if resampling == "bilinear":
        np.testing.assert_allclose(np.linalg.norm(found[:, both], axis=0), 1, atol=1e-5)
    assert field.space.provenance[0].sources == ("b.tiff", "a.tiff")


def test_a_single_tile_is_averaged_after_decoding(tmp_path, two):
    result = brought_in(two[0][0], tmp_path / "out", crs=reference(32634).ExportToWkt(), resampling="bilinear")
    assert result.output.endswith(".tif")
    field, found = vectors_of(result.output)
    expected = naive(field, two[:1], True)
    both = ~np.isnan(expected[0]) & ~np.isnan(found[0])
    assert both.sum() > 0.9 * (ROWS * COLUMNS - 12)
    np.testing.assert_allclose(found[:, both], expected[:, both], atol=2e-6)


@pytest.mark.parametrize("ending", [".vrt", ".tif"])
def test_tiles_of_one_zone_lie_side_by_side_with_nothing_between(tmp_path, ending):
    folder = tmp_path / "tiles"
    folder.mkdir()
    first, second = codes(3), codes(4)
    tile(folder / "a.tif", first, (500000, 10, 0, 4000000, 0, -10), 32633)
    tile(folder / "b.tif", second, (500600, 10, 0, 3999800, 0, 10), 32633)
    progress = Recorder()
    result = brought_in(folder, tmp_path / f"out{ending}", progress)
    field, found = vectors_of(result.output)
    assert field.info.grid.transform == (500000, 10, 0, 4000100, 0, -10)
    expected = np.full((64, 40, 100), np.nan)
    expected[:, 10:, :40] = decoded(first)
    expected[:, :30, 60:] = decoded(second)[:, ::-1]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert progress.warnings == []


def test_a_mosaic_that_shows_zeros_between_its_tiles_is_copied_without_them(tmp_path):
    first, second = codes(3), codes(4)
    paths = [tile(tmp_path / "a.tif", first, (500000, 10, 0, 4000000, 0, -10), 32633),
             tile(tmp_path / "b.tif", second, (500600, 10, 0, 4000000, 0, -10), 32633)]
    gdal.BuildVRT(str(tmp_path / "m.vrt"), paths).FlushCache()
    found = vectors_of(brought_in(tmp_path / "m.vrt", tmp_path / "out").output)[1]
    expected = np.full((64, 30, 100), np.nan)
    expected[:, :, :40], expected[:, :, 60:] = decoded(first), decoded(second)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_arrays_of_two_zones(tmp_path):
    chance = np.random.default_rng(5)
    tiles = []
    for name, transform, epsg in (("grid_17.95_54.05", WEST, 32633), ("grid_18.05_54.05", EAST, 32634)):
        raw = chance.integers(-127, 128, (ROWS, COLUMNS, 128)).astype(np.int8)
        scales = chance.random((ROWS, COLUMNS)).astype(np.float32)
        scales[4, 5] = np.nan
        np.save(tmp_path / f"{name}.npy", raw)
        np.save(tmp_path / f"{name}_scales.npy", scales)
        mask = gdal.GetDriverByName("GTiff").Create(str(tmp_path / f"{name}.tiff"), COLUMNS, ROWS, 1, gdal.GDT_Byte)
        mask.SetGeoTransform((*transform[:3], 5988300, 0, -10))
        mask.SetSpatialRef(reference(epsg))
        mask = None
        tiles.append(np.moveaxis(raw.astype(np.float32) * scales[..., None], 2, 0))
    (tmp_path / "results").mkdir()
    result = brought_in(tmp_path, tmp_path / "results" / "out.tif")
    assert len(result.outputs) == 2
    for path, expected in zip(result.outputs, tiles):
        np.testing.assert_array_equal(vectors_of(path)[1], expected)


def test_tiles_that_do_not_belong_together_are_told(tmp_path, two):
    (first, raw, _, _), (second, *_) = two
    floats = decoded(raw).astype(np.float32)
    path = tmp_path / "c.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), COLUMNS, ROWS, 64, gdal.GDT_Float32)
    dataset.SetGeoTransform(WEST)
    dataset.SetSpatialRef(reference(32633))
    dataset.WriteRaster(0, 0, COLUMNS, ROWS, floats.tobytes())
    dataset = None
    with pytest.raises(InputError, match="one product and form"):
        brought_in(f"{first};{path}", tmp_path / "o.tif")
    coarse = tile(tmp_path / "d.tif", raw, (500000, 20, 0, 6000000, 0, -20), 32633)
    with pytest.raises(InputError, match="cells of 10 and .*d.tif of 20"):
        brought_in(f"{first};{coarse}", tmp_path / "o.tif")
    with pytest.raises(InputError, match="nowhere.tif doesn't exist"):
        brought_in(f"{first};{tmp_path}/nowhere.tif", tmp_path / "o.tif")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no tile"):
        brought_in(tmp_path / "empty", tmp_path / "o.tif")
    with pytest.raises(InputError, match="give CRS"):
        brought_in(first, tmp_path / "o.tif", resampling="bilinear")
    with pytest.raises(InputError, match="nearest, bilinear"):
        brought_in(first, tmp_path / "o.tif", resampling="cubic")
    with pytest.raises(OutputError, match="means of vectors are computed"):
        brought_in(first, tmp_path / "o.vrt", resampling="bilinear", crs=reference(32634).ExportToWkt())
    with pytest.raises(OutputError, match="written over itself"):
        brought_in(f"{first};{second}", second)
    with pytest.raises(InputError, match="landmask"):
        brought_in(f"{first};{second}", tmp_path / "o.tif", georeference=first)
    assert not list(tmp_path.glob("o*"))
