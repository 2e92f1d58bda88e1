"""Bands of layers are found for cards by name, common name and wavelength, and never guessed in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import pytest

from earthprint.engine.band_names import identify
from earthprint.engine.bands import match_bands, select_bands
from earthprint.engine.card import CardBand
from earthprint.engine.errors import InputError


@dataclass(frozen=True)
class Band:
    index: int
    description: str = ""
    wavelength_um: Optional[float] = None


def layer(*names):
    return [Band(number, name) for number, name in enumerate(names, start=1)]


S2_RGBN = (CardBand("B02", "blue", 0.493), CardBand("B03", "green", 0.56), CardBand("B04", "red", 0.665),
           CardBand("B08", "nir", 0.833))
EDGES = (CardBand("re1", "rededge", 0.704), CardBand("re2", "rededge", 0.74), CardBand("re3", "rededge", 0.783))
HLS = (CardBand("BLUE", "blue", 0.49), CardBand("GREEN", "green", 0.56), CardBand("RED", "red", 0.665),
       CardBand("NIR_NARROW", "nir08", 0.865), CardBand("SWIR_1", "swir16", 1.61), CardBand("SWIR_2", "swir22", 2.19))
S2_ALL = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")


@pytest.mark.parametrize("names, expected, how", [
    (("B02", "B03", "B04", "B08"), (1, 2, 3, 4), "name"),
    (("b8", "b4", "b3", "b2"), (4, 3, 2, 1), "name"),
    (S2_ALL, (2, 3, 4, 8), "name"),
    (("b02", "b03", "b04", "b06", "b07", "b08", "b11", "ndvi"), (1, 2, 3, 6), "name"),
    (("Red", "Green", "Blue", "NIR"), (3, 2, 1, 4), "common name"),
    (("Band 1: blue", "Band 2: green", "Band 3: red", "Band 4: near infrared"), (1, 2, 3, 4), "common name"),
    (("Near-Infrared", "x_red", "x_green", "x_blue"), (4, 3, 2, 1), "common name"),
    (("833 nm", "0.665 µm", "560nm", "490 nm"), (4, 3, 2, 1), "wavelength"),
])
def test_sentinel_2_bands_are_found(names, expected, how):
    match = match_bands(S2_RGBN, layer(*names))
    assert match.indices == expected
    assert set(match.how) == {how}
    assert match.warnings == ()


def test_wavelengths_of_metadata_decide_within_fifteen_nanometres():
    bands = [Band(1, "a", 0.680), Band(2, "b", 0.575), Band(3, "c", 0.478), Band(4, "d", 0.848)]
    assert match_bands(S2_RGBN, bands).indices == (3, 2, 1, 4)
    with pytest.raises(InputError, match="B04.*665 nm"):
        match_bands(S2_RGBN, [Band(1, "a", 0.6805), *bands[1:]])


def test_red_edges_are_told_apart():
    assert match_bands(EDGES, layer(*S2_ALL)).indices == (5, 6, 7)
    assert match_bands(EDGES, layer("Red edge 3", "Red edge 1", "Red edge 2")).indices == (2, 3, 1)


@pytest.mark.parametrize("names, expected", [
    (S2_ALL, (2, 3, 4, 9, 11, 12)),
    (("SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7"), (2, 3, 4, 5, 6, 7)),
    (("B02", "B03", "B04", "B8A", "B11", "B12"), (1, 2, 3, 4, 5, 6)),
    (("sur_refl_b01", "sur_refl_b02", "sur_refl_b03", "sur_refl_b04", "sur_refl_b05", "sur_refl_b06", "sur_refl_b07"),
     (3, 4, 1, 2, 6, 7)),
])
def test_one_card_fits_sensors_of_different_codes(names, expected):
    bands = HLS if "sur" not in names[0] else tuple(
        CardBand(band.name, band.common_name, wavelength) for band, wavelength in
        zip(HLS, (0.469, 0.555, 0.645, 0.858, 1.64, 2.13)))
    assert match_bands(bands, layer(*names)).indices == expected


def test_a_code_of_another_sensor_is_not_taken_for_ours():
    red_edge = (CardBand("B04", "red", 0.665), CardBand("B05", "rededge", 0.704))
    with pytest.raises(InputError, match="B05"):
        match_bands(red_edge, layer("SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7"))


def test_codes_that_sentinel_2_and_harmonised_landsat_share_are_asked_for():
    with pytest.raises(InputError, match="NIR_NARROW"):
        match_bands(HLS, layer("B02", "B03", "B04", "B05", "B06", "B07"))


def test_landsat_codes_that_two_generations_share_are_not_guessed():
    known = identify(["SR_B2", "SR_B3", "SR_B4", "SR_B5"], [None] * 4)
    assert [band.common_name for band in known] == ["", "", "", ""]
    known = identify(["SR_B2", "SR_B6"], [None] * 2)
    assert [band.common_name for band in known] == ["blue", "swir16"]


def test_the_narrow_infrared_is_taken_for_the_broad_one_with_a_warning():
    match = match_bands(S2_RGBN, layer("blue", "green", "red", "nir narrow"))
    assert match.indices == (1, 2, 3, 4)
    assert "nir narrow" in match.warnings[0]


def test_one_band_is_not_used_twice():
    with pytest.raises(InputError, match="re2.*re3"):
        match_bands(EDGES, layer("red edge 1", "green"))


def test_nameless_bands_are_taken_in_order_with_a_warning():
    match = match_bands(S2_RGBN, layer("", "", "", ""))
    assert match.indices == (1, 2, 3, 4)
    assert "B02, B03, B04, B08" in match.warnings[0] and "order" in match.warnings[0]
    assert match_bands(S2_RGBN, layer("Band 1", "Band 2", "Band 3", "Band 4")).warnings
    assert not match_bands((CardBand("Band 1"), CardBand("Band 2")), layer("", "")).warnings


def test_nameless_bands_of_another_count_are_asked_for():
    with pytest.raises(InputError, match="3 bands without names.*takes 4.*BANDS.*1;2;3;4"):
        match_bands(S2_RGBN, layer("", "", ""))


def test_what_is_missing_what_is_there_and_what_to_type():
    with pytest.raises(InputError) as caught:
        match_bands(S2_RGBN, layer("B02", "B03", "NDVI"), layer="The layer scene.tif")
    text = str(caught.value)
    for part in ("scene.tif", "B04 (red, 665 nm)", "B08 (nir, 833 nm)", "3: NDVI", "BANDS", "1;2;?;?"):
        assert part in text


@pytest.mark.parametrize("asked, expected", [
    ("4;3;2;1", (4, 3, 2, 1)), ("red; green ;blue;NIR", (1, 2, 3, 4)), ("2;2;2;2", (2, 2, 2, 2)),
    ("RED;Near infrared;3;green", (1, 4, 3, 2)),
])
def test_asked_bands_override_guesses(asked, expected):
    match = match_bands(S2_RGBN, layer("Red", "Green", "Blue", "NIR"), asked)
    assert match.indices == expected
    assert set(match.how) == {"asked for"}


@pytest.mark.parametrize("asked, words", [
    ("1;2;3", "names 3 bands.*takes 4"), ("1;2;3;9", "band 9.*1: Red"), ("1;2;3;swir", "swir.*4: NIR"),
    ("1;2;3;0", "band 0"), ("1;2;3;-1", "-1"),
])
def test_wrong_asked_bands_are_explained(asked, words):
    with pytest.raises(InputError, match=words):
        match_bands(S2_RGBN, layer("Red", "Green", "Blue", "NIR"), asked)


def test_a_name_that_two_bands_bear_must_be_a_number():
    with pytest.raises(InputError, match="1, 3"):
        match_bands((CardBand("x"),), layer("red", "green", "red"), "red")


def test_selected_bands():
    bands = layer("B02", "B03", "B8A")
    assert select_bands(bands, "") == (1, 2, 3)
    assert select_bands(bands, "B8A;1") == (3, 1)
    with pytest.raises(InputError, match="twice"):
        select_bands(bands, "B02;1")
