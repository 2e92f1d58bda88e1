"""Encoders of every shape against PyTorch on real tiles, and what happens around the graph."""

from __future__ import annotations

import datetime
import math
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

pytest.importorskip("onnxruntime", reason="onnxruntime is needed to run encoders")
import networks  # noqa: E402  (skips where torch is absent)

from earthprint.engine.card import CHIP, ModelInput, ModelOutput, Reduction, Scaling  # noqa: E402
from earthprint.engine.encoders import encoder as encoders  # noqa: E402
from earthprint.engine.encoders.encoder import Encoder, finished, open_encoder, run_batches  # noqa: E402
from earthprint.engine.encoders.inputs import TileBatch, build_feeds, missing_context  # noqa: E402
from earthprint.engine.encoders.session import OutOfMemory, open_session  # noqa: E402
from earthprint.engine.errors import Cancelled, CardError, InputError, ModelError  # noqa: E402

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data"
TOLERANCE = {"rtol": 2e-4, "atol": 2e-5}
DATES = (datetime.datetime(2021, 3, 14, 10, 30), datetime.datetime(2021, 7, 2, 11), datetime.datetime(2022, 12, 31, 9))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Export each network once."""
    folder = tmp_path_factory.mktemp("networks")
    known = {}

    def make(build, **facts):
        key = (build.__name__, tuple(sorted((name, str(value)) for name, value in facts.items())))
        if key not in known:
            known[key] = build(folder, **facts)
        return known[key]

    return make


def read(path: Path) -> np.ndarray:
    """Read a raster whole as float32 (bands, rows, columns)."""
    array = gdal.Open(str(path)).ReadAsArray().astype(np.float32)
    return array if array.ndim == 3 else array[None]


def cut(scene: np.ndarray, size: int, count: int) -> np.ndarray:
    """Cut tiles along the scene's diagonal."""
    steps = np.linspace(0, min(scene.shape[-2:]) - size, count).astype(int)
    return np.stack([scene[..., step:step + size, step:step + size] for step in steps])


def invented(bands: int, largest: float) -> np.ndarray:
    """Make a scene of ramps and noise, for where the real ones are absent."""
    rows, columns = np.mgrid[0:256, 0:256] / 256
    weights = np.random.default_rng(bands).uniform(0.1, 0.5, size=(bands, 2))
    smooth = weights[:, :1, None] * rows + weights[:, 1:, None] * columns
    noise = np.random.default_rng(1).uniform(0, 0.2, size=smooth.shape)
    return ((smooth + noise) * largest).astype(np.float32)


@pytest.fixture(scope="module")
def sentinel():
    """Return the 12 bands of a Sentinel-2 scene, or of an invented one where the sample data is absent."""
    path = SAMPLES / "s2_scenes" / "scene_275979.tif"
    return read(path) if path.is_file() else invented(12, 4000)


@pytest.fixture(scope="module")
def aerial():
    """Return two dates of an aerial image, (dates, 4 bands, rows, columns), or of an invented one."""
    paths = [SAMPLES / "naip_wetlands" / "naip_{}.tif".format(date) for date in (20120731, 20140720)]
    if all(path.is_file() for path in paths):
        return np.stack([read(path) for path in paths])
    return np.stack([invented(4, 255), invented(4, 200)])


def batch_of(tiles: np.ndarray, **known) -> TileBatch:
    """Make a batch of valid tiles (tiles, [dates], bands, height, width)."""
    values = tiles if tiles.ndim == 5 else tiles[:, None]
    return TileBatch(values, np.ones((len(values),) + values.shape[-2:], bool), **known)


def normalised(tiles: np.ndarray) -> np.ndarray:
    """Normalise by the networks' own numbers, band by band (bands third from last)."""
    result = np.empty_like(tiles)
    for band in range(tiles.shape[-3]):
        result[..., band, :, :] = (tiles[..., band, :, :] - (1000 + 10 * band)) / (2000 + band)
    return result


def scene_of(bands: int, sentinel: np.ndarray) -> np.ndarray:
    """Make a scene of any number of bands out of the real ones, no two alike."""
    repeats = math.ceil(bands / len(sentinel))
    return np.concatenate([sentinel * (1 + 0.05 * step) + step for step in range(repeats)])[:bands].astype(np.float32)


@pytest.mark.parametrize("bands", [1, 3, 12, 218])
@pytest.mark.parametrize("size, count", [(34, 3), (66, 1), (10, 5)])
def test_feature_maps_of_any_bands_tile_and_batch(made, sentinel, bands, size, count):
    network = made(networks.feature_map, count=bands)
    tiles = cut(scene_of(bands, sentinel), size, count)
    found = open_encoder(network.card, "cpu").encode(batch_of(tiles))
    expected = network.reference(normalised(tiles)).transpose(0, 2, 3, 1)
    side = (size - 2) // 4
    assert found.shape == (count, side, side, 8)
    np.testing.assert_allclose(found, expected, **TOLERANCE)


@pytest.mark.parametrize("leading", [0, 1, 5])
def test_vision_transformers_with_and_without_leading_tokens(made, sentinel, leading):
    network = made(networks.vision_transformer, leading=leading)
    tiles = cut(sentinel, 32, 3)
    found = open_encoder(network.card, "cpu").encode(batch_of(tiles))
    tokens = network.reference(normalised(tiles))
    assert tokens.shape == (3, leading + 16, 16)
    for row in range(4):
        for column in range(4):
            np.testing.assert_allclose(found[:, row, column], tokens[:, leading + 4 * row + column], **TOLERANCE)


@pytest.mark.parametrize("pooling, reference", [("cls", lambda t: t[:, 0]), ("mean", lambda t: t[:, 1:].mean(axis=1))])
def test_a_transformer_pooled_to_a_vector_for_each_tile(made, sentinel, pooling, reference):
    network = made(networks.vision_transformer, pooling=pooling, kind=CHIP, stride=32)
    tiles = cut(sentinel, 32, 4)
    found = open_encoder(network.card, "cpu").encode(batch_of(tiles))
    assert found.shape == (4, 1, 1, 16)
    np.testing.assert_allclose(found[:, 0, 0], reference(network.reference(normalised(tiles))), **TOLERANCE)


@pytest.mark.parametrize("size", [24, 40])
def test_pooled_vectors_of_tiles_of_any_size(made, aerial, size):
    network = made(networks.pooled)
    tiles = cut(aerial[0], size, 3)
    found = open_encoder(network.card, "cpu").encode(batch_of(tiles))
    np.testing.assert_allclose(found[:, 0, 0], network.reference(normalised(tiles)), **TOLERANCE)


@pytest.mark.parametrize("build", [networks.vision_transformer, networks.pooled])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_fixed_batch_is_filled_and_the_filling_dropped(made, sentinel, build, count):
    network = made(build, count=12, batch=2)
    assert network.card.batch == 2
    tiles = cut(sentinel, 32, count)
    encoder = open_encoder(network.card, "cpu")
    expected = np.concatenate([network.reference(normalised(np.stack([tile, tile])))[:1] for tile in tiles])
    if build is networks.vision_transformer:
        expected = expected[:, 1:]
    for found in (encoder.encode(batch_of(tiles)), run_batches(encoder, batch_of(tiles), 3)):
        assert len(found) == count
        np.testing.assert_allclose(found.reshape(count, -1), expected.reshape(count, -1), **TOLERANCE)


def test_several_dates_as_tokens(made, aerial):
    """Two dates enter as (N, C, T, H, W); tokens run dates outermost and are averaged over them."""
    network = made(networks.vision_transformer, count=4, dates=2)
    tiles = cut(aerial, 32, 3)
    found = open_encoder(network.card, "cpu").encode(batch_of(tiles, dates=DATES[:2]))
    tokens = network.reference(normalised(tiles).transpose(0, 2, 1, 3, 4))
    expected = (tokens[:, 1:17] + tokens[:, 17:33]) / 2
    np.testing.assert_allclose(found.reshape(3, 16, 16), expected, **TOLERANCE)
    assert np.abs(tokens[:, 1:17] - tokens[:, 17:33]).max() > 0.01
    with pytest.raises(InputError, match="takes 2 dates but was given 1"):
        open_encoder(network.card, "cpu").encode(batch_of(tiles[:, :1]))


def test_dates_and_places_in_degrees(made, sentinel):
    """Year and day of the year of each date, latitude before longitude, and a map that keeps its dates."""
    network = made(networks.dated)
    tiles = np.stack([cut(sentinel[:6] * factor, 32, 2) for factor in (1, 0.7, 1.3)], axis=1)
    longitude, latitude = np.array([147.3, 147.9]), np.array([-35.1, -36.2])
    batch = batch_of(tiles, dates=DATES, longitude=longitude, latitude=latitude)
    found = open_encoder(network.card, "cpu").encode(batch)
    days = np.array([[[2021, 73], [2021, 183], [2022, 365]]] * 2, np.float32)
    places = np.array([[-35.1, 147.3], [-36.2, 147.9]], np.float32)
    expected = network.reference(normalised(tiles), days, places).mean(axis=1).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(found, expected, **TOLERANCE)
    encoder = open_encoder(network.card, "cpu")
    with pytest.raises(InputError, match="needs a date for each of its 3 rasters but 0 are known"):
        encoder.encode(replace(batch, dates=()))
    with pytest.raises(InputError, match="needs latitude and longitude"):
        encoder.encode(replace(batch, latitude=None))


def test_wavelengths_pixel_size_time_and_place(made, sentinel):
    network = made(networks.conditioned)
    tiles = cut(sentinel[:10], 40, 3)
    longitude, latitude = np.array([12.0, 13.5, -70.0]), np.array([51.0, -52.0, 0.0])
    batch = batch_of(tiles, dates=DATES[:1], longitude=longitude, latitude=latitude, gsd_m=10.0)
    encoder = open_encoder(network.card, "cpu")
    found = encoder.encode(batch)
    week, hour = 10 * 2 * math.pi / 52, 10 * 2 * math.pi / 24  # 14 March 2021 is the Sunday of ISO week 10
    moment = np.array([[math.sin(week), math.cos(week), math.sin(hour), math.cos(hour)]] * 3, np.float32)
    lat, lon = np.radians(latitude), np.radians(longitude)
    places = np.column_stack([np.sin(lat), np.cos(lat), np.sin(lon), np.cos(lon)]).astype(np.float32)
    waves = np.array(networks.WAVELENGTHS[:10], np.float32)
    expected = network.reference(normalised(tiles), waves, np.array([10], np.float32), moment, places)
    np.testing.assert_allclose(found, expected, **TOLERANCE)
    assert missing_context(network.card, batch) == ()
    nowhere = replace(batch, longitude=None, latitude=None, dates=())
    assert missing_context(network.card, nowhere) == ("the date", "the place")
    expected = network.reference(normalised(tiles), waves, np.array([10], np.float32), 0 * moment, 0 * places)
    fresh = open_encoder(network.card, "cpu")
    for _ in range(2):
        np.testing.assert_allclose(fresh.encode(nowhere), expected, **TOLERANCE)
    assert len(fresh.notes) == 1 and "uses the date and the place, which are not known" in fresh.notes[0]
    assert encoder.notes == []
    with pytest.raises(InputError, match="needs the pixel size in metres"):
        encoder.encode(replace(batch, gsd_m=None))


def test_a_missing_wavelength_is_an_error(made, sentinel):
    network = made(networks.conditioned)
    bands = tuple(replace(band, wavelength_um=None) if index in (2, 5) else band
                  for index, band in enumerate(network.card.bands))
    encoder = Encoder(replace(network.card, bands=bands), open_session(network.path, "cpu"))
    with pytest.raises(CardError, match="gives none for B003, B006: add the centre wavelength in µm"):
        encoder.encode(batch_of(cut(sentinel[:10], 32, 1), gsd_m=10.0))


def test_weights_of_16_bits(made, aerial):
    network = made(networks.half_weights)
    tiles = cut(aerial[0, :3], 32, 2)
    found = open_encoder(network.card, "cpu").encode(batch_of(tiles))
    np.testing.assert_allclose(found, network.reference(normalised(tiles)).transpose(0, 2, 3, 1), **TOLERANCE)


def test_a_graph_of_16_bits_throughout(made, aerial):
    """The processor rounds in another order than PyTorch, so the agreement is that of 16 bits."""
    network = made(networks.all_half)
    tiles = cut(aerial[0, :3], 32, 2)
    found = open_encoder(network.card, "cpu").encode(batch_of(tiles))
    assert found.dtype == np.float32
    expected = network.reference(normalised(tiles).astype(np.float16)).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=4e-3)


def test_batches_of_any_size_and_threads_agree(made, sentinel):
    network = made(networks.vision_transformer)
    tiles = batch_of(cut(sentinel, 32, 7))
    whole = run_batches(open_encoder(network.card, "cpu"), tiles, 7)
    for batch, threads in ((1, 1), (2, 2), (3, 1), (0, 2)):
        found = run_batches(open_encoder(network.card, "cpu", threads), tiles, batch)
        np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(run_batches(open_encoder(network.card, "cpu"), tiles, 7), whole)


# --- around the graph ------------------------------------------------------------------------------------------------


class Sums:
    """Stands for a session: gives the sum and the maximum of each tile, and can hold only so many tiles."""

    def __init__(self, most: int = 1000, device: str = "cpu") -> None:
        self.device = device
        self.device_report = device
        self.model_path = Path("sums.onnx")
        self.most = most
        self.sizes = []
        self.fed = []
        self.closed = False
        self.terminated = False

    def run(self, feeds, outputs=None):
        if self.closed:
            raise AssertionError("run after close")
        image = feeds["image"]
        self.fed.append(feeds)
        if len(image) > self.most:
            raise OutOfMemory("run-memory", "too much")
        self.sizes.append(len(image))
        return [np.stack([image.sum(axis=(1, 2, 3)), image.max(axis=(1, 2, 3))], axis=1)]

    def terminate(self):
        self.terminated = True

    def close(self):
        self.closed = True


def plain_card(bands: int = 1, **facts):
    """Make a card of an encoder that gives two numbers a tile."""
    given = {"kind": CHIP, "dimensions": 2, "stride": 4, "inputs": (networks.image_input((-1, bands, -1, -1)),),
             "output": ModelOutput("out", (-1, 2), ("batch", "embedding")), **facts}
    return networks.Card(id="sums", name="sums", path=None, model_path=Path("sums.onnx"), checksum="",
                         bands=networks.bands(bands), **given)


def small_tiles(count: int, bands: int = 1) -> TileBatch:
    return batch_of(np.random.default_rng(5).normal(size=(count, bands, 4, 4)).astype(np.float32))


def test_the_batch_is_halved_when_memory_runs_out():
    tiles = small_tiles(11)
    session = Sums(most=3)
    encoder = Encoder(plain_card(), session)
    found = run_batches(encoder, tiles, 8)
    np.testing.assert_allclose(found[:, 0, 0, 0], tiles.values.sum(axis=(1, 2, 3, 4)), rtol=1e-4, atol=1e-5)
    assert session.sizes == [2, 2, 2, 2, 2, 1]
    assert encoder.notes == ["Memory ran out with a batch of 8; going on with 4.",
                             "Memory ran out with a batch of 4; going on with 2."]
    session.sizes.clear()
    run_batches(encoder, tiles, 8)
    assert session.sizes == [2, 2, 2, 2, 2, 1] and len(encoder.notes) == 2


def test_no_memory_for_one_tile_is_an_error_on_the_processor():
    with pytest.raises(OutOfMemory):
        run_batches(Encoder(plain_card(), Sums(most=0)), small_tiles(3), 2)


def test_cuda_is_left_when_its_memory_holds_not_one_tile(monkeypatch):
    gpu, cpu, reopened = Sums(0, "cuda"), Sums(), []

    def on_cpu(path, threads, reason):
        assert "memory" in reason
        return cpu

    def on_cuda(path, threads):
        reopened.append(Sums(0, "cuda"))
        return reopened[-1]

    monkeypatch.setattr(encoders, "on_cpu", on_cpu)
    monkeypatch.setattr(encoders, "on_cuda", on_cuda)
    tiles = small_tiles(5)
    encoder = Encoder(plain_card(), gpu)
    found = run_batches(encoder, tiles, 4)
    np.testing.assert_allclose(found[:, 0, 0, 1], tiles.values.max(axis=(1, 2, 3, 4)))
    assert gpu.closed and len(reopened) == 2 and all(session.closed for session in reopened)
    assert encoder.device == "cpu" and sum(cpu.sizes) == 5
    assert encoder.notes[-1] == "Device: cpu"


def test_a_wish_to_stop_survives_the_move_to_another_device(monkeypatch):
    cpu = Sums()
    monkeypatch.setattr(encoders, "on_cpu", lambda path, threads, reason: cpu)
    encoder = Encoder(plain_card(), Sums(0, "cuda"))
    encoder.terminate()
    encoder.move_to_cpu("it is full")
    assert cpu.terminated


def test_cancelling_ends_a_run_of_many_batches(made, sentinel):
    network = made(networks.vision_transformer)
    encoder = open_encoder(network.card, "cpu", 1)
    tiles = batch_of(np.concatenate([cut(sentinel, 32, 64)] * 40))
    stopper = threading.Timer(0.05, encoder.terminate)
    stopper.start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        for _ in range(100):
            run_batches(encoder, tiles, 8)
    assert time.monotonic() - started < 1.0


def test_nodata_is_filled_after_normalisation():
    tiles = small_tiles(2, 3)
    tiles.values[0, 0, :, 1, 2] = np.nan
    tiles.values[1, 0, :, 0, 0] = -9999
    tiles.valid[0, 1, 2] = tiles.valid[1, 0, 0] = False
    scaling = Scaling((10.0, 20.0, 30.0), (2.0, 4.0, 8.0))
    for fill, wanted in ((None, 0.0), (-1.5, -1.5)):
        card = plain_card(3, scaling=scaling, fill=fill)
        fed = Encoder(card, Sums()).prepare(tiles).values
        for tile, row, column in ((0, 1, 2), (1, 0, 0)):
            np.testing.assert_array_equal(fed[tile, 0, :, row, column], wanted)
        expected = (tiles.values[1, 0, :, 3, 3] - (10, 20, 30)) / (2, 4, 8)
        np.testing.assert_allclose(fed[1, 0, :, 3, 3], expected, rtol=1e-5)
        assert np.isfinite(fed).all()


def test_a_stray_nan_is_treated_as_nodata_and_the_callers_arrays_stay():
    tiles = small_tiles(2, 2)
    tiles.values[0, 0, 1, 3, 3] = np.inf
    before = tiles.values.copy(), tiles.valid.copy()
    prepared = Encoder(plain_card(2), Sums()).prepare(tiles)
    assert not prepared.valid[0, 3, 3] and prepared.valid.sum() == 31
    np.testing.assert_array_equal(prepared.values[0, 0, :, 3, 3], 0)
    np.testing.assert_array_equal(tiles.values, before[0])
    np.testing.assert_array_equal(tiles.valid, before[1])


def test_a_mask_tells_the_graph_where_data_is():
    mask = ModelInput("mask", "mask", (-1, 1, -1, -1), ("batch", "bands", "height", "width"))
    card = plain_card(2, inputs=(networks.image_input((-1, 2, -1, -1)), mask))
    tiles = small_tiles(3, 2)
    tiles.valid[1, 0, 3] = False
    tiles.values[1, 0, :, 0, 3] = np.nan
    session = Sums()
    Encoder(card, session).encode(tiles)
    assert session.fed[0]["mask"].shape == (3, 1, 4, 4) and session.fed[0]["mask"].dtype == np.float32
    np.testing.assert_array_equal(session.fed[0]["mask"][:, 0], tiles.valid)
    kept = np.broadcast_to(tiles.valid[:, None], (3, 2, 4, 4))
    np.testing.assert_array_equal(session.fed[0]["image"][kept], tiles.values[:, 0][kept])
    assert np.isfinite(session.fed[0]["image"]).all()


def test_a_tile_without_data_has_no_vector():
    tiles = small_tiles(3)
    tiles.valid[1] = False
    found = Encoder(plain_card(), Sums()).encode(tiles)
    assert np.isnan(found[1]).all() and np.isfinite(found[[0, 2]]).all()


@pytest.mark.parametrize("order", ["batch bands height width", "batch height width bands", "bands width batch height"])
def test_pixels_in_the_order_of_the_card(order):
    tiles = small_tiles(2, 3)
    order = tuple(order.split())
    sizes = {"batch": -1, "bands": 3, "height": 4, "width": -1}
    card = plain_card(3, inputs=(ModelInput("image", "image", tuple(sizes[axis] for axis in order), order),))
    fed = build_feeds(card, tiles)["image"]
    axes = ("batch", "bands", "height", "width")
    np.testing.assert_array_equal(fed, tiles.values[:, 0].transpose([axes.index(axis) for axis in order]))
    assert fed.flags.c_contiguous


@pytest.mark.parametrize("order, reference", [
    ("batch time bands height width", lambda v: v),
    ("batch bands time height width", lambda v: v.transpose(0, 2, 1, 3, 4)),
    ("batch time height width bands", lambda v: v.transpose(0, 1, 3, 4, 2)),
])
def test_pixels_of_several_dates_in_the_order_of_the_card(order, reference):
    values = np.random.default_rng(6).normal(size=(2, 3, 5, 4, 4)).astype(np.float32)
    card = plain_card(5, dates=3, inputs=(ModelInput("image", "image", (-1,) * 5, tuple(order.split())),))
    np.testing.assert_array_equal(build_feeds(card, batch_of(values))["image"], reference(values))


def test_dates_stacked_as_bands():
    values = np.random.default_rng(7).normal(size=(2, 3, 5, 4, 4)).astype(np.float32)
    fed = build_feeds(plain_card(5, dates=3, inputs=(networks.image_input((-1, 15, -1, -1)),)), batch_of(values))
    np.testing.assert_array_equal(fed["image"][:, 7], values[:, 1, 2])
    with pytest.raises(CardError, match="gives its input image no axis time, but there are 3"):
        build_feeds(plain_card(5, dates=3, inputs=(networks.image_input((-1, 5, -1, -1)),)), batch_of(values))


@pytest.mark.parametrize("data_type, given, expected", [
    ("uint8", [-3, 0.4, 0.6, 254.6, 300, 7], [0, 0, 1, 255, 255, 7]),
    ("int16", [-40000, -1.6, 0, 2.2, 40000, 7], [-32768, -2, 0, 2, 32767, 7]),
    ("float16", [-1e6, 0.5, 0, 1, 1e6, 7], [-65504, 0.5, 0, 1, 65504, 7]),
])
def test_numbers_that_do_not_fit_go_to_the_ends(data_type, given, expected):
    values = np.zeros((1, 1, 4, 4), np.float32)
    values[0, 0].flat[:6] = given
    card = plain_card(1, inputs=(networks.image_input((-1, 1, -1, -1), data_type=data_type),))
    fed = build_feeds(card, batch_of(values))["image"]
    assert fed.dtype == np.dtype(data_type)
    np.testing.assert_array_equal(fed[0, 0].flat[:6], np.array(expected, data_type))


@pytest.mark.parametrize("order, shape, expected", [
    ((), (), np.float32(0.6)), (("value",), (1,), [0.6]), (("batch",), (-1,), [0.6, 0.6]),
    (("batch", "value"), (-1, 1), [[0.6], [0.6]])])
def test_the_pixel_size_in_every_form(order, shape, expected):
    gsd = ModelInput("gsd", "gsd", shape, order, encoding="m")
    card = plain_card(1, inputs=(networks.image_input((-1, 1, -1, -1)), gsd))
    fed = build_feeds(card, replace(small_tiles(2), gsd_m=0.6))["gsd"]
    np.testing.assert_array_equal(fed, np.array(expected, np.float32))
    assert fed.shape == np.shape(expected) and fed.dtype == np.float32


@pytest.mark.parametrize("order, shape", [
    (("value",), (3,)), (("batch", "value"), (-1, 3)), (("value", "batch"), (3, -1))])
@pytest.mark.parametrize("unit, factor", [("um", 1), ("nm", 1000)])
def test_wavelengths_in_every_form(order, shape, unit, factor):
    waves = ModelInput("waves", "wavelengths", shape, order, encoding=unit)
    card = plain_card(3, inputs=(networks.image_input((-1, 3, -1, -1)), waves))
    fed = build_feeds(card, small_tiles(2, 3))["waves"]
    expected = np.array(networks.WAVELENGTHS[:3]) * factor
    for index in range(2):
        row = fed if fed.ndim == 1 else fed[index] if order[0] == "batch" else fed[:, index]
        np.testing.assert_allclose(row, expected, rtol=1e-6)


@pytest.mark.parametrize("extra, words", [
    (ModelInput("t", "time", (-1, 4), ("batch", "value")), "time.* the encoding “”: use sincos or year-doy"),
    (ModelInput("t", "latlon", (-1, 4), ("batch", "value"), encoding="utm"), "“utm”: use sincos or degrees"),
    (ModelInput("t", "gsd", (1,), ("value",), encoding="km"), "“km”: use m"),
    (ModelInput("t", "elevation", (1,), ("value",)), "the role elevation: use image, mask, wavelengths"),
    (ModelInput("t", "gsd", (1,), ("depth",), encoding="m"), "axes depth"),
    (ModelInput("t", "latlon", (-1,), ("batch",), encoding="degrees"), "no axis value"),
    (ModelInput("t", "latlon", (2,), ("value",), encoding="degrees"), "no axis batch"),
    (ModelInput("t", "wavelengths", (3, 1), ("value",), encoding="um"), "1 axes but 2 sizes"),
])
def test_cards_that_cannot_be_followed_are_refused(extra, words):
    card = plain_card(3, inputs=(networks.image_input((-1, 3, -1, -1)), extra))
    batch = replace(small_tiles(2, 3), gsd_m=1.0, longitude=np.array([1.0, 2.0]), latitude=np.array([3.0, 4.0]),
                    dates=DATES[:1])
    with pytest.raises(CardError, match=words):
        build_feeds(card, batch)


@pytest.mark.parametrize("shape, order, words", [
    ((-1, 3, 224, 224), "batch bands height width", "takes any × 3 × 224 × 224"),
    ((-1, 4, -1, -1), "batch bands height width", "takes any × 4 × any × any"),
])
def test_tiles_of_another_size_are_refused(shape, order, words):
    with pytest.raises(ModelError, match=words):
        build_feeds(plain_card(3, inputs=(networks.image_input(shape, order),)), small_tiles(2, 3))
    with pytest.raises(InputError, match="takes 3 bands but was given 2: choose the bands B001, B002, B003"):
        build_feeds(plain_card(3), small_tiles(2, 2))
    with pytest.raises(CardError, match="names the axes batch, channels"):
        build_feeds(plain_card(3, inputs=(ModelInput("image", "image", (-1,) * 4, ("batch", "channels", "y", "x")),)),
                    small_tiles(2, 3))


def test_lengths_are_one_and_zero_vectors_have_no_direction():
    cells = np.random.default_rng(8).normal(size=(2, 3, 4, 5)).astype(np.float32)
    cells[0, 1, 2] = 0
    cells[1, 0, 0, 3] = np.nan
    cells[1, 2, 1, 0] = np.inf
    found = finished(cells.copy(), plain_card(normalise_output=True, unit_norm=True))
    missing = np.zeros((2, 3, 4), bool)
    missing[0, 1, 2] = missing[1, 0, 0] = missing[1, 2, 1] = True
    assert np.isnan(found[missing]).all()
    expected = cells[~missing] / np.linalg.norm(cells[~missing].astype(np.float64), axis=-1, keepdims=True)
    np.testing.assert_allclose(found[~missing], expected, rtol=1e-5, atol=1e-6)
    as_they_are = finished(cells.copy(), plain_card())
    np.testing.assert_array_equal(as_they_are[0, 1, 2], 0)
    assert np.isnan(as_they_are[1, 0, 0]).all() and np.isnan(as_they_are[1, 2, 1]).all()


def test_large_vectors_are_not_taken_for_broken():
    cells = np.full((1, 1, 1, 4), 3e38, np.float32)
    np.testing.assert_array_equal(finished(cells, plain_card()), cells)


@pytest.mark.parametrize("unit", [False, True])
def test_a_reduction_projects_and_keeps_unit_length_where_it_was(unit):
    generator = np.random.default_rng(9)
    cells = generator.normal(size=(2, 3, 3, 5)).astype(np.float32)
    cells[1, 1, 1] = 0
    reduction = Reduction("pca", generator.normal(size=5), generator.normal(size=(2, 5)))
    found = finished(cells, plain_card(reduction=reduction, unit_norm=unit, normalise_output=unit))
    assert found.shape == (2, 3, 3, 2) and found.dtype == np.float32
    for index in np.ndindex(2, 3, 3):
        vector = cells[index].astype(np.float64)
        if unit and not vector.any():
            assert np.isnan(found[index]).all()
            continue
        vector = vector / np.linalg.norm(vector) if unit else vector
        expected = reduction.components @ (vector - reduction.mean)
        expected = expected / np.linalg.norm(expected) if unit else expected
        np.testing.assert_allclose(found[index], expected, rtol=1e-4, atol=1e-5)


def test_batches_are_suggested_by_size_and_device():
    encoder = Encoder(plain_card(), Sums())
    assert [encoder.suggest_batch(size) for size in (16, 64, 128, 224, 256, 512, 2000)] == [8, 8, 8, 4, 3, 1, 1]
    convolutions = Encoder(plain_card(finite_context=True), Sums())
    assert [convolutions.suggest_batch(size) for size in (16, 64, 128, 264, 2000)] == [8, 8, 2, 1, 1]
    assert Encoder(plain_card(tile=512), Sums()).suggest_batch() == 1
    assert Encoder(plain_card(dates=4), Sums()).suggest_batch(224) == 1
    assert Encoder(plain_card(suggested_batch=6), Sums()).suggest_batch(224) == 6
    assert Encoder(plain_card(), Sums(device="cuda")).suggest_batch(224) == 32
    fixed = plain_card(inputs=(networks.image_input((5, 1, -1, -1)),))
    assert Encoder(fixed, Sums()).suggest_batch(64) == 5


def test_a_file_other_than_the_cards_is_refused(made, tmp_path):
    network = made(networks.pooled)
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(network.path.read_bytes())
    open_encoder(replace(network.card, model_path=copy), "cpu").close()
    other = made(networks.pooled, count=3)
    copy.write_bytes(other.path.read_bytes())
    with pytest.raises((CardError, ModelError), match="SHA-256"):
        open_encoder(replace(network.card, model_path=copy), "cpu")


def test_a_graph_that_loses_tiles_is_refused():
    class Loses(Sums):
        def run(self, feeds, outputs=None):
            return [super().run(feeds, outputs)[0][:1]]

    with pytest.raises(ModelError, match="vectors of 1 tiles for 3"):
        Encoder(plain_card(), Loses()).encode(small_tiles(3))
    with pytest.raises(ModelError, match="no tile"):
        run_batches(Encoder(plain_card(), Sums()), small_tiles(0), 2)
