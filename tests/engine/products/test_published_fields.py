"""Published rasters open as what they are: right scale, right nodata, right side up, with space and licence."""

from __future__ import annotations

import json

import numpy as np
import pytest
from osgeo import gdal, osr

from earthprint.engine.coding import ALPHAEARTH, decode_with_scales, encode_with_scales
from earthprint.engine.dataset import open_raster
from earthprint.engine.errors import InputError, OutputError
from earthprint.engine.field import open_field
from earthprint.engine.products.importing_field import FieldImport, import_field
from earthprint.engine.provenance import KNOWN
from earthprint.engine.space import Space

INT8 = getattr(gdal, "GDT_Int8", None)
NAMES = [f"A{number:02d}" for number in range(64)]


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


def brought_in(path, output, progress=None, **more):
    return import_field(FieldImport(str(path), str(output), **more), progress or Recorder())


def vectors_of(path):
    """Return all vectors of a field as the engine reads them, and its affine transform."""
    field = open_field(str(path))
    return field, field.read(open_raster(str(path)), field.info.grid.whole)


def unit(rows, cols, dimensions=64, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(dimensions, rows, cols))
    return vectors / np.linalg.norm(vectors, axis=0)


def codes_of(vectors):
    return np.clip(np.rint(np.sign(vectors) * np.sqrt(np.abs(vectors)) * 127.5), -127, 127).astype(np.int8)


def decoded(codes):
    values = codes.astype(np.float64)
    return np.sign(values) * (values / 127.5) ** 2


def geotiff(path, array, transform=(500000, 10, 0, 4000000, 0, -10), names=NAMES, epsg=32633, nodata=None, tags=None):
    """Write `(bands, rows, cols)` by GDAL alone."""
    types = {"f4": gdal.GDT_Float32, "f8": gdal.GDT_Float64, "i2": gdal.GDT_Int16, "u1": gdal.GDT_Byte}
    signed = array.dtype == np.int8
    kind = types.get(array.dtype.str[1:], INT8 or gdal.GDT_Byte)
    options = ["PIXELTYPE=SIGNEDBYTE"] if signed and INT8 is None else []
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), array.shape[2], array.shape[1], len(array), kind, options)
    dataset.SetGeoTransform(transform)
    if epsg:
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(epsg)
        dataset.SetSpatialRef(reference)
    for number in range(len(array)):
        band = dataset.GetRasterBand(number + 1)
        band.SetDescription(names[number] if names else "")
        if nodata is not None:
            band.SetNoDataValue(nodata)
    dataset.SetMetadata(tags or {})
    dataset.WriteRaster(0, 0, array.shape[2], array.shape[1], array.tobytes(), buf_type=kind)
    dataset = None
    return path


# ---- AlphaEarth


def test_all_256_codes_decode_and_encode_as_published():
    codes = np.arange(-128, 128).astype(np.int8)
    values = ALPHAEARTH.decode(codes[None])[0]
    assert np.isnan(values[0])
    for code, value in zip(range(-127, 128), values[1:]):
        assert value == pytest.approx((1 if code > 0 else -1 if code < 0 else 0) * (code / 127.5) ** 2, rel=1e-6)
    assert ALPHAEARTH.encode(values[None])[0].tolist() == codes.tolist()


def alphaearth_tile(path, rows=24, cols=40, transform=(500000, 10, 0, 4000000, 0, -10), **more):
    codes = codes_of(unit(rows, cols))
    codes[:, :3, :5] = -128
    return codes, geotiff(path, codes, transform, nodata=-128, **more)


@pytest.mark.parametrize("ending", ["", ".vrt", ".tif"])
def test_an_alphaearth_tile(tmp_path, ending):
    codes, path = alphaearth_tile(tmp_path / "t.tiff")
    progress = Recorder()
    result = brought_in(path, tmp_path / f"out{ending}", progress)
    assert result.output == str(tmp_path / f"out{ending or '.vrt'}")
    field, found = vectors_of(result.output)
    expected = decoded(codes)
    expected[:, :3, :5] = np.nan
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert field.space == Space("alphaearth", 64, unit_norm=True)
    assert result.key == field.key
    assert "/a1/" in field.key
    assert field.info.grid.transform == (500000, 10, 0, 4000000, 0, -10)
    assert field.space.provenance[0].attribution == KNOWN["alphaearth"].attribution
    assert field.space.provenance[0].sources == ("t.tiff",)
    assert result.quality.missing == 15
    assert any("recognised by 64 bands called A00 to A63 of signed bytes" in text for text in progress.infos)
    assert progress.warnings == []


def test_in_place_means_that_nothing_is_copied(tmp_path):
    _, path = alphaearth_tile(tmp_path / "t.tiff", 300, 300)
    result = brought_in(path, tmp_path / "out")
    (tmp_path / "t.tiff").rename(tmp_path / "u.tiff")
    with pytest.raises(InputError):
        vectors_of(result.output)[0].read(open_raster(result.output), open_field(result.output).info.grid.whole)


@pytest.mark.parametrize("ending", [".vrt", ".tif"])
def test_a_tile_that_lies_upside_down_is_turned(tmp_path, ending):
    codes, path = alphaearth_tile(tmp_path / "t.tiff", transform=(500000, 10, 0, 4000000, 0, 10))
    result = brought_in(path, tmp_path / f"out{ending}")
    field, found = vectors_of(result.output)
    expected = decoded(codes)
    expected[:, :3, :5] = np.nan
    np.testing.assert_allclose(found, expected[:, ::-1], rtol=1e-6)
    assert field.info.grid.transform == (500000, 10, 0, 4000240, 0, -10)
    assert [band.description for band in field.info.bands][:2] in (["A00", "A01"], ["Dimension 1", "Dimension 2"])


def test_a_result_beside_a_tile_is_made_again(tmp_path):
    codes, path = alphaearth_tile(tmp_path / "t.tiff", transform=(500000, 10, 0, 4000000, 0, 10))
    for _ in range(2):
        result = brought_in(path, tmp_path / "t.vrt")
    np.testing.assert_allclose(vectors_of(result.output)[1][:, 5, 9], decoded(codes)[:, -6, 9], rtol=1e-6)


def test_the_vrt_beside_a_tile_is_used_and_may_be_given_itself(tmp_path):
    codes, path = alphaearth_tile(tmp_path / "t.tiff", transform=(500000, 10, 0, 4000000, 0, 10))
    gdal.Warp(str(tmp_path / "t.vrt"), gdal.OpenEx(str(path)), format="VRT", srcNodata="None", resampleAlg="near",
              outputBounds=(500000, 4000000, 500400, 4000240), width=40, height=24)
    beside = gdal.OpenEx(str(tmp_path / "t.vrt"), gdal.OF_UPDATE)
    for number in range(1, 65):
        band = beside.GetRasterBand(number)
        if INT8 is None:
            band.SetMetadataItem("PIXELTYPE", "SIGNEDBYTE", "IMAGE_STRUCTURE")
        band.SetNoDataValue(-128)
    beside = band = None
    expected = decoded(codes)[:, ::-1].copy()
    expected[:, -3:, :5] = np.nan
    for source in ("t.tiff", "t.vrt"):
        (tmp_path / source[-4:].strip(".")).mkdir()
        result = brought_in(tmp_path / source, tmp_path / source[-4:].strip(".") / "out.vrt")
        np.testing.assert_allclose(vectors_of(result.output)[1], expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_float_exports_are_decoded_already(tmp_path, dtype):
    vectors = unit(20, 30).astype(dtype)
    vectors[:, 4, 7] = np.nan
    result = brought_in(geotiff(tmp_path / "t.tif", vectors), tmp_path / "out")
    field, found = vectors_of(result.output)
    assert result.output.endswith(".vrt")
    np.testing.assert_array_equal(found, vectors.astype(np.float32))
    assert field.space == Space("alphaearth", 64, unit_norm=True)
    assert "/a1/" not in field.key


@pytest.mark.parametrize(("nodata", "empty"), [(None, True), (0, True), (0, False)])
def test_zeros_are_empty_only_where_all_dimensions_are(tmp_path, nodata, empty):
    vectors = unit(20, 30).astype(np.float32)
    vectors[5, :, 10] = 0
    vectors /= np.linalg.norm(vectors, axis=0)
    if empty:
        vectors[:, :4, :6] = 0
    path = geotiff(tmp_path / "t.tif", vectors, nodata=nodata)
    with pytest.raises(OutputError, match="can't be used in place.*zeros.*end OUTPUT in .tif"):
        brought_in(path, tmp_path / "out.vrt")
    result = brought_in(path, tmp_path / "out")
    assert result.output.endswith(".tif")
    expected = vectors.copy()
    if empty:
        expected[:, :4, :6] = np.nan
    np.testing.assert_array_equal(vectors_of(result.output)[1], expected)


def test_another_utm_zone_is_reached_by_nearest_cells(tmp_path):
    codes, path = alphaearth_tile(tmp_path / "t.tiff", 60, 60, transform=(750000, 10, 0, 4000000, 0, 10))
    target = osr.SpatialReference()
    target.ImportFromEPSG(32634)
    result = brought_in(path, tmp_path / "out.vrt", crs=target.ExportToWkt())
    field, found = vectors_of(result.output)
    assert "zone 34N" in field.info.grid.wkt
    source = osr.SpatialReference()
    source.ImportFromEPSG(32633)
    for reference in (source, target):
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    back = osr.CoordinateTransformation(target, source)
    values, outside = decoded(codes), 0
    for row in range(0, found.shape[1], 7):
        for column in range(0, found.shape[2], 5):
            x, y, _ = back.TransformPoint(*field.info.grid.centre(column + 0.5, row + 0.5))
            place = int((y - 4000000) // 10), int((x - 750000) // 10)
            inside = 0 <= place[0] < 60 and 0 <= place[1] < 60
            outside += not inside
            expected = values[:, place[0], place[1]] if inside and codes[0, place[0], place[1]] != -128 else np.nan
            np.testing.assert_allclose(found[:, row, column], np.broadcast_to(expected, 64), rtol=1e-6)
    assert outside > 10


def test_a_mosaic_of_tiles_is_used_in_place(tmp_path):
    left, first = alphaearth_tile(tmp_path / "a.tif")
    right, second = alphaearth_tile(tmp_path / "b.tif", transform=(500400, 10, 0, 4000000, 0, -10))
    gdal.BuildVRT(str(tmp_path / "m.vrt"), [str(first), str(second)]).FlushCache()
    field, found = vectors_of(brought_in(tmp_path / "m.vrt", tmp_path / "out").output)
    expected = decoded(np.concatenate([left, right], axis=2))
    expected[:, :3, :5] = expected[:, :3, 40:45] = np.nan
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert "/a1/" in field.key


def test_impossible_codes_are_counted(tmp_path):
    codes = codes_of(unit(20, 20))
    codes[3, 4, :7] = -128
    progress = Recorder()
    result = brought_in(geotiff(tmp_path / "t.tif", codes), tmp_path / "out", progress)
    assert result.quality.impossible == 7
    assert any("can't have" in text for text in progress.warnings)


def test_what_is_already_a_field_or_nothing_known_is_told(tmp_path):
    _, path = alphaearth_tile(tmp_path / "t.tif")
    done = brought_in(path, tmp_path / "out.vrt").output
    with pytest.raises(InputError, match="is an embedding raster already"):
        brought_in(done, tmp_path / "again.vrt")
    with pytest.raises(InputError, match="3 bands of float32.*Describe embeddings"):
        brought_in(geotiff(tmp_path / "a.tif", unit(9, 9, 3).astype("f4"), names=None), tmp_path / "a.vrt")
    with pytest.raises(InputError, match="64 bands.*does not look like AlphaEarth"):
        brought_in(geotiff(tmp_path / "b.tif", 30 * unit(9, 9).astype("f4")), tmp_path / "a.vrt", product="alphaearth")
    with pytest.raises(InputError, match="states no CRS"):
        brought_in(geotiff(tmp_path / "c.tif", codes_of(unit(9, 9)), epsg=0), tmp_path / "a.vrt")
    with pytest.raises(InputError, match="no valid pixel"):
        brought_in(geotiff(tmp_path / "d.tif", np.full((64, 9, 9), -128, np.int8)), tmp_path / "a.vrt")
    with pytest.raises(OutputError, match="written over itself"):
        brought_in(path, path)


# ---- TESSERA


def test_geotessera_files_are_used_in_place(tmp_path):
    vectors = np.random.default_rng(1).normal(size=(128, 12, 15)).astype(np.float32)
    vectors[:, 2, 3] = np.nan
    vectors[:, 5, 5] = 0
    names = [f"Tessera_Band_{number}" for number in range(128)]
    path = geotiff(tmp_path / "t.tif", vectors, names=names, tags={"TESSERA_DATASET_VERSION": "v1"})
    result = brought_in(path, tmp_path / "out")
    field, found = vectors_of(result.output)
    np.testing.assert_array_equal(found, vectors)
    assert (field.space, result.output[-4:]) == (Space("tessera", 128), ".vrt")
    assert field.space.provenance[0].licence == "CC0 1.0"
    path = geotiff(tmp_path / "u.tif", vectors[:32], names=names, tags={"TESSERA_DATASET_VERSION": "v2"})
    assert brought_in(path, tmp_path / "v2").space == Space("tessera-v2", 32)


def tile(folder, scales, rows=14, cols=11):
    codes = np.random.default_rng(2).integers(-127, 128, (rows, cols, 128)).astype(np.int8)
    np.save(folder / "grid_0.15_52.05.npy", codes)
    np.save(folder / "grid_0.15_52.05_scales.npy", scales)
    return codes


@pytest.mark.parametrize("per_value", [False, True])
def test_a_tile_of_arrays_with_scales_and_nan(tmp_path, per_value):
    shape = (14, 11, 128) if per_value else (14, 11)
    scales = np.random.default_rng(3).random(shape).astype(np.float32)
    scales[2, 4] = np.nan
    scales[6, 1] = 0
    if per_value:
        scales[7, 7, 50] = np.nan
    codes = tile(tmp_path, scales)
    geotiff(tmp_path / "grid_0.15_52.05.tiff", np.ones((1, 14, 11), np.uint8), names=None)
    result = brought_in(tmp_path / "grid_0.15_52.05.npy", tmp_path / "out")
    field, found = vectors_of(result.output)
    for row in range(14):
        for column in range(11):
            scale = scales[row, column]
            expected = codes[row, column].astype(np.float32) * scale
            if np.isnan(scale).any():
                expected = np.full(128, np.nan, np.float32)
            np.testing.assert_array_equal(found[:, row, column], expected)
    assert field.space == Space("tessera", 128)
    assert field.info.grid.transform == (500000, 10, 0, 4000000, 0, -10)
    assert "zone 33N" in field.info.grid.wkt
    assert result.quality.missing == (2 if per_value else 1)
    assert result.quality.lengths.zeros == 1


def test_the_landmask_may_lie_elsewhere(tmp_path):
    tile(tmp_path, np.ones((14, 11), np.float32))
    path = tmp_path / "grid_0.15_52.05.npy"
    with pytest.raises(InputError, match="has no georeference: put its landmask grid_0.15_52.05.tiff beside it"):
        brought_in(path, tmp_path / "out.tif")
    (tmp_path / "landmasks").mkdir()
    geotiff(tmp_path / "landmasks" / "grid_0.15_52.05.tiff", np.ones((1, 14, 11), np.uint8), names=None)
    brought_in(tmp_path / "grid_0.15_52.05_scales.npy", tmp_path / "out.tif")
    other = geotiff(tmp_path / "other.tif", np.ones((1, 14, 12), np.uint8), names=None)
    with pytest.raises(InputError, match="14 × 11 cells but .*other.tif has 14 × 12"):
        brought_in(path, tmp_path / "out.tif", georeference=str(other))
    np.save(tmp_path / "floats.npy", np.ones((14, 11, 128), np.float32))
    with pytest.raises(OutputError, match="end OUTPUT in .tif"):
        brought_in(tmp_path / "floats.npy", tmp_path / "out.vrt",
                   georeference=str(tmp_path / "landmasks" / "grid_0.15_52.05.tiff"))


@pytest.mark.parametrize("per_value", [False, True])
def test_bytes_and_scales_stay_as_they_are_behind_a_vrt(tmp_path, per_value):
    shape = (300, 270, 128) if per_value else (300, 270)
    scales = np.random.default_rng(3).random(shape).astype(np.float32)
    scales[2, 4] = np.nan
    scales[200:, 100:] = np.nan
    scales[6, 1] = 0
    codes = tile(tmp_path, scales, 300, 270)
    codes[0] = np.arange(128) - 128
    codes[1] = np.arange(128)
    np.save(tmp_path / "grid_0.15_52.05.npy", codes)
    geotiff(tmp_path / "grid_0.15_52.05.tiff", np.ones((1, 300, 270), np.uint8), names=None)
    progress = Recorder()
    (tmp_path / "out").mkdir()
    result = brought_in(tmp_path / "grid_0.15_52.05.npy", tmp_path / "out" / "t.vrt", progress)
    expected = np.moveaxis(codes.astype(np.float32) * (scales if per_value else scales[..., None]), 2, 0)
    # The three files may be moved together, and need nothing of what they were made from.
    for name in ("", "_scales"):
        (tmp_path / f"grid_0.15_52.05{name}.npy").unlink()
    (tmp_path / "out").rename(tmp_path / "moved")
    path = tmp_path / "moved" / "t.vrt"
    field, found = vectors_of(path)
    np.testing.assert_array_equal(found, expected)
    # Any program that asks GDAL gets the same numbers.
    np.testing.assert_array_equal(gdal.Open(str(path)).ReadAsArray(), expected)
    assert gdal.Open(str(tmp_path / "moved" / "t_codes.tif")).GetRasterBand(1).DataType == gdal.GDT_Byte
    stored = gdal.Open(str(tmp_path / "moved" / "t_codes.tif")).ReadAsArray().astype(np.int16) - 128
    np.testing.assert_array_equal(stored, np.moveaxis(codes, 2, 0))
    assert field.space == Space("tessera", 128) and result.key == field.key
    assert field.space.provenance[0].licence == "CC0 1.0"
    assert field.info.grid.transform == (500000, 10, 0, 4000000, 0, -10)
    size = sum(part.stat().st_size for part in (tmp_path / "moved").iterdir())
    assert per_value or size < 0.3 * expected.nbytes
    assert any("keep the three together" in text for text in progress.infos)


def test_a_scale_of_a_cell_encodes_within_half_of_it():
    vectors = np.random.default_rng(6).normal(size=(16, 9, 8)).astype(np.float32)
    vectors[:, 1, 2], vectors[:, 3, 3] = np.nan, 0
    codes, scales = encode_with_scales(vectors)
    assert (codes.dtype, scales.dtype, scales.shape) == (np.int8, np.float32, (9, 8))
    found = decode_with_scales(codes, scales)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(vectors))
    assert np.isnan(scales[1, 2]) and scales[3, 3] == 0 and not found[:, 3, 3].any()
    for row in range(9):
        for column in range(8):
            if (row, column) != (1, 2):
                largest = np.abs(vectors[:, row, column]).max()
                assert scales[row, column] == pytest.approx(largest / 127, rel=1e-6)
                apart = np.abs(found[:, row, column] - vectors[:, row, column]).max()
                assert apart <= largest / 127 / 2 * (1 + 1e-5)


def test_arrays_without_scales_or_of_another_shape_are_told(tmp_path):
    codes = tile(tmp_path, np.ones((14, 10), np.float32))
    with pytest.raises(InputError, match=r"scales of shape \(14, 10\)"):
        brought_in(tmp_path / "grid_0.15_52.05.npy", tmp_path / "out")
    np.save(tmp_path / "a.npy", codes)
    with pytest.raises(InputError, match="its scales are missing: put a_scales.npy beside it"):
        brought_in(tmp_path / "a.npy", tmp_path / "out")
    np.save(tmp_path / "b.npy", codes[0])
    with pytest.raises(InputError, match="use “Import embeddings” for rows"):
        brought_in(tmp_path / "b.npy", tmp_path / "out")
    whole = geotiff(tmp_path / "c.tif", np.moveaxis(codes, 2, 0).copy(), names=None)
    with pytest.raises(InputError, match="without their scales"):
        brought_in(whole, tmp_path / "out", product="tessera")


# ---- Zarr


def zarr_array(folder, name, values, dimensions):
    """Write an array of Zarr's second version by hand: one uncompressed chunk."""
    place = folder / name
    place.mkdir(parents=True)
    (place / ".zarray").write_text(json.dumps({
        "zarr_format": 2, "shape": values.shape, "chunks": values.shape, "dtype": values.dtype.str, "order": "C",
        "compressor": None, "fill_value": None, "filters": None}))
    (place / ".zattrs").write_text(json.dumps({"_ARRAY_DIMENSIONS": dimensions}))
    (place / ".".join("0" * values.ndim)).write_bytes(values.tobytes())


@pytest.mark.skipif(gdal.GetDriverByName("Zarr") is None, reason="this GDAL has no Zarr")
@pytest.mark.parametrize("coordinates", [False, True])
def test_tessera_in_zarr(tmp_path, coordinates):
    store = tmp_path / "utm33.zarr"
    store.mkdir()
    codes = np.random.default_rng(4).integers(-127, 128, (9, 7, 128)).astype("<i1")
    scales = np.random.default_rng(5).random((9, 7)).astype("<f4")
    scales[1, 2] = np.nan
    (store / ".zgroup").write_text('{"zarr_format": 2}')
    told = {"crs_epsg": 32633, "tessera_dataset_version": "v1"}
    if not coordinates:
        told["transform"] = [10.0, 0.0, 500000.0, 0.0, -10.0, 4000000.0]
    (store / ".zattrs").write_text(json.dumps(told))
    zarr_array(store, "embeddings", codes, ["northing", "easting", "band"])
    zarr_array(store, "scales", scales, ["northing", "easting"])
    if coordinates:
        zarr_array(store, "northing", 3999995.0 - 10 * np.arange(9, dtype="<f8"), ["northing"])
        zarr_array(store, "easting", 500005.0 + 10 * np.arange(7, dtype="<f8"), ["easting"])
    result = brought_in(store if coordinates else store / ".zgroup", tmp_path / "out")
    field, found = vectors_of(result.output)
    expected = np.moveaxis(codes.astype(np.float32) * scales[..., None], 2, 0)
    np.testing.assert_array_equal(found, expected)
    assert field.info.grid.transform == (500000, 10, 0, 4000000, 0, -10)
    assert "zone 33N" in field.info.grid.wkt
    assert field.space == Space("tessera", 128)
    np.testing.assert_array_equal(vectors_of(brought_in(store, tmp_path / "coded.vrt").output)[1], expected)


@pytest.mark.skipif(gdal.GetDriverByName("Zarr") is None, reason="this GDAL has no Zarr")
def test_alphaearth_in_zarr_is_the_last_year_in_its_own_coding(tmp_path):
    store = tmp_path / "aef.zarr"
    store.mkdir()
    codes = np.stack([codes_of(unit(6, 8, seed=year)) for year in range(2)])
    codes[1, :, 2, 3] = -128
    (store / ".zgroup").write_text('{"zarr_format": 2}')
    (store / ".zattrs").write_text('{"proj:code": "EPSG:4326"}')
    zarr_array(store, "embeddings", codes, ["time", "band", "y", "x"])
    zarr_array(store, "y", 50 - 0.5 * np.arange(6, dtype="<f8"), ["y"])
    zarr_array(store, "x", 7 + 0.5 * np.arange(8, dtype="<f8"), ["x"])
    result = brought_in(store, tmp_path / "out")
    field, found = vectors_of(result.output)
    expected = decoded(codes[1])
    expected[:, 2, 3] = np.nan
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert field.info.grid.transform == (6.75, 0.5, 0, 50.25, 0, -0.5)
    assert "/a1/" in field.key
