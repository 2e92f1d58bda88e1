"""Values in another unit are refused; dark, bright and plain scenes of the right sensor pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from earthprint.engine.card import CHIP, Card, CardBand, ModelInput, ModelOutput, Scaling
from earthprint.engine.encoders.encoder import check_values
from earthprint.engine.errors import InputError

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data"

# Means and standard deviations published with encoders of Sentinel-2, for 12 bands without the cirrus band.
SENTINEL = {
    "wide": ((1390, 1503, 1719, 1854, 2199, 2780, 2987, 3083, 3132, 3163, 2425, 1858),
             (2107, 2141, 2039, 2134, 2085, 1890, 1820, 1872, 1754, 1797, 1434, 1334)),
    "narrow": ((1613, 1398, 1322, 1373, 1561, 2108, 2391, 2319, 2581, 838, 2195, 1537),
               (791, 854, 879, 1145, 1128, 1164, 1276, 1250, 1346, 578, 1340, 1143)),
    "narrowest": ((1354, 1118, 1043, 947, 1200, 2003, 2374, 2301, 2599, 732, 1820, 1119),
                  (246, 333, 395, 594, 567, 861, 1087, 1118, 1231, 405, 1020, 760)),
}
AERIAL = ((110.2, 115.4, 98.2, 139.0), (47.2, 39.8, 35.4, 49.9))


def card(scaling: Scaling, bands: int, data_type: str = "float32", limits=None) -> Card:
    low, high = limits if limits else (None, None)
    image = ModelInput("image", "image", (-1, bands, -1, -1), ("batch", "bands", "height", "width"), data_type)
    names = tuple(CardBand("B{}".format(index + 1), valid_min=low, valid_max=high) for index in range(bands))
    return Card(id="enc", name="enc", path=None, model_path=Path("enc.onnx"), checksum="", bands=names, inputs=(image,),
                output=ModelOutput("out", (-1, 2), ("batch", "embedding")), kind=CHIP, dimensions=2, stride=8,
                scaling=scaling)


def sentinel_card(name: str) -> Card:
    return card(Scaling(*[tuple(map(float, numbers)) for numbers in SENTINEL[name]]), 12)


def noise(low: float, high: float, bands: int, whole: bool = True) -> np.ndarray:
    values = np.random.default_rng(0).uniform(low, high, size=(bands, 64, 64)).astype(np.float32)
    return np.rint(values) if whole else values


@pytest.mark.parametrize("name", SENTINEL)
def test_scenes_of_the_sensor_pass(name):
    for path in sorted((SAMPLES / "s2_scenes").glob("*.tif")):
        check_values(gdal.Open(str(path)).ReadAsArray().astype(np.float32), sentinel_card(name))
    for low, high in ((1, 40), (0, 6), (100, 400), (0, 0), (5000, 16000), (12000, 20000), (-300, 200)):
        check_values(noise(low, high, 12), sentinel_card(name))
    check_values(noise(3, 90, 12, whole=False), sentinel_card(name))


@pytest.mark.parametrize("scaling", [
    Scaling((0.0,), (10000.0,)), Scaling((0.0,), (10000.0,), (0.0, 10000.0)),
    Scaling((0.0,), (3000.0,), None, (0.0, 1.0))])
def test_scenes_pass_where_the_card_only_divides(scaling):
    for low, high in ((0, 6), (100, 9000), (8000, 22000)):
        check_values(noise(low, high, 3), card(scaling, 3))
    with pytest.raises(InputError, match="multiply such bands by 10000"):
        check_values(noise(0, 1, 3, whole=False), card(scaling, 3))


@pytest.mark.parametrize("name", SENTINEL)
def test_fractions_are_refused_where_numbers_in_thousands_belong(name):
    with pytest.raises(InputError) as caught:
        check_values(noise(0.02, 0.61, 12, whole=False), sentinel_card(name))
    lowest = {"wide": "0 to 5604", "narrow": "31 to 3195", "narrowest": "862 to 1846"}[name]
    assert str(caught.value) == (
        "The values of band B1 lie between 0.0306 and 0.598, but the encoder enc is made for values of about {}: "
        "multiply such bands by 10000 or choose an encoder for their values.".format(lowest))


def test_real_scenes_as_fractions_are_refused_and_real_fractions_pass():
    paths = sorted((SAMPLES / "s2_scenes").glob("*.tif"))
    if not paths:
        pytest.skip("the sample data is absent")
    fractions = card(Scaling(tuple(mean / 1e4 for mean in SENTINEL["narrow"][0]),
                             tuple(std / 1e4 for std in SENTINEL["narrow"][1])), 12)
    for path in paths:
        values = gdal.Open(str(path)).ReadAsArray().astype(np.float32)
        check_values(values / 1e4, fractions)
        with pytest.raises(InputError, match="multiply such bands by 10000"):
            check_values(values / 1e4, sentinel_card("wide"))
        with pytest.raises(InputError, match="divide such bands by 10000"):
            check_values(values, fractions)


def test_aerial_images_pass_and_their_fractions_do_not():
    paths = sorted((SAMPLES / "naip_wetlands").glob("naip*.tif"))
    for values in [gdal.Open(str(path)).ReadAsArray().astype(np.float32) for path in paths] + [noise(0, 255, 4)]:
        check_values(values, card(Scaling(*AERIAL), 4))
        check_values(values, card(Scaling((0.0,), (255.0,)), 4))
        check_values(values, card(Scaling(), 4, "uint8"))
        with pytest.raises(InputError, match="multiply such bands by 255"):
            check_values(values / 255, card(Scaling(*AERIAL), 4))
        with pytest.raises(InputError, match="divide such bands by 255"):
            check_values(values, card(Scaling((0.485,) * 4, (0.229,) * 4), 4))
    check_values(noise(0, 3, 4), card(Scaling(*AERIAL), 4))
    check_values(np.full((4, 9, 9), 255, np.float32), card(Scaling(*AERIAL), 4))


@pytest.mark.parametrize("scaling", [
    Scaling((0.0,), (255.0,)), Scaling((123.7, 116.3, 103.5), (58.4, 57.1, 57.4)),
    Scaling(AERIAL[0][:3], AERIAL[1][:3])])
def test_reflectance_is_refused_by_encoders_of_photographs(scaling):
    check_values(noise(180, 255, 3), card(scaling, 3))
    with pytest.raises(InputError, match="and 27.*, but the encoder enc is made for values of about"):
        check_values(noise(300, 2800, 3), card(scaling, 3))
    for path in sorted((SAMPLES / "s2_scenes").glob("*.tif")):
        values = gdal.Open(str(path)).ReadAsArray()[[3, 2, 1]].astype(np.float32)
        with pytest.raises(InputError, match="choose an encoder for their values"):
            check_values(values, card(scaling, 3))


def test_a_stated_range_is_held_to():
    eight_bits = card(Scaling(*AERIAL), 4, limits=(0.0, 255.0))
    check_values(noise(0, 255, 4), eight_bits)
    with pytest.raises(InputError, match="and 23.*, but the encoder enc is made for values of about 0 to 255"):
        check_values(noise(200, 2400, 4), eight_bits)
    reflectance = card(Scaling(), 3, limits=(0.0, 1.0))
    check_values(noise(0.6, 1.9, 3, whole=False), reflectance)
    with pytest.raises(InputError, match="divide such bands by 10000"):
        check_values(noise(300, 4000, 3), reflectance)
    thousands = card(Scaling(), 3, limits=(0.0, 10000.0))
    check_values(noise(2, 60, 3), thousands)
    check_values(noise(9000, 19000, 3), thousands)
    with pytest.raises(InputError, match="multiply such bands by 10000"):
        check_values(noise(0, 0.4, 3, whole=False), thousands)
    with pytest.raises(InputError, match="divide such bands by 255"):
        check_values(noise(0, 255, 3), reflectance)


def test_decibels_and_linear_power():
    radar = card(Scaling((-12.6, -20.3), (5.2, 5.9)), 2)
    check_values(noise(-30, -3, 2, whole=False), radar)
    check_values(noise(-8, 6, 2, whole=False), radar)
    with pytest.raises(InputError, match="convert such bands to decibels"):
        check_values(noise(0.001, 0.4, 2, whole=False), radar)


def test_kelvin_and_degrees():
    thermal = card(Scaling((288.0,), (12.0,)), 1)
    check_values(noise(235, 330, 1, whole=False), thermal)
    with pytest.raises(InputError, match="between -11.1 and 37, but .* values of about 264 to 312"):
        check_values(noise(-12, 38, 1, whole=False), thermal)


def test_one_band_in_another_unit_is_named():
    leipzig = card(Scaling((400.0, 600.0, 0.5), (300.0, 300.0, 0.3)), 3)
    values = noise(100, 3000, 3)
    values[2] = np.random.default_rng(1).uniform(-0.2, 0.9, size=(64, 64))
    check_values(values, leipzig)
    values[2] *= 10000
    with pytest.raises(InputError, match="The values of band B3 "):
        check_values(values, leipzig)


def test_outliers_and_nodata_do_not_matter():
    values = noise(200, 3000, 12)
    values[:, 0, :3] = 65535
    values[:, 5] = np.nan
    check_values(values, sentinel_card("narrow"))
    check_values(np.full((12, 4, 4), np.nan, np.float32), sentinel_card("narrow"))
    fractions = noise(0, 0.4, 12, whole=False)
    fractions[:, 0, 0] = 9000
    with pytest.raises(InputError, match="multiply"):
        check_values(fractions, sentinel_card("narrow"))


def test_nothing_is_judged_where_the_card_says_nothing():
    for values in (noise(0, 1, 2, whole=False), noise(0, 60000, 2), noise(-9e6, 9e6, 2)):
        check_values(values, card(Scaling(), 2))
