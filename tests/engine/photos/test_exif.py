"""What is read from photos against GDAL's own reading of the same tags, and against tags written byte by byte."""

from __future__ import annotations

import io
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_photos import exif_block, picture, position, scene, with_exif
from osgeo import gdal

from earthprint.engine.photos.exif import PhotoFacts, read_facts


def of(block: bytes) -> PhotoFacts:
    return read_facts(io.BytesIO(with_exif(b"\xff\xd8\xff\xda", block)))


def numbers(text: str) -> "list[float]":
    return [float(part) for part in re.findall(r"\(([^)]+)\)", text)]


def test_real_photos_say_what_gdal_reads(sample_data: Path) -> None:
    paths = sorted((sample_data / "photos").rglob("*.jpg"))
    assert len(paths) == 14
    for path in paths:
        told = gdal.Open(str(path)).GetMetadata()
        with path.open("rb") as file:
            facts = read_facts(file)
        for value, name, positive in ((facts.longitude, "Longitude", "E"), (facts.latitude, "Latitude", "N")):
            degrees, minutes, seconds = numbers(told[f"EXIF_GPS{name}"])
            sign = 1 if told[f"EXIF_GPS{name}Ref"] == positive else -1
            assert value == pytest.approx(sign * (degrees + minutes / 60 + seconds / 3600), abs=1e-7)
        assert facts.taken == told["EXIF_DateTimeOriginal"].replace(":", "-", 2).replace(" ", "T")
        assert facts.altitude == pytest.approx(numbers(told["EXIF_GPSAltitude"])[0], abs=1e-3)
        assert facts.orientation == int(told["EXIF_Orientation"])
        if "portland" in str(path):
            assert facts.heading == pytest.approx(numbers(told["EXIF_GPSTrack"])[0], abs=1e-2)
            assert facts.heading_of == "movement" and facts.utc_offset == told["EXIF_OffsetTimeOriginal"]
            hours = [int(part) for part in numbers(told["EXIF_GPSTimeStamp"])]
            day = told["EXIF_GPSDateStamp"].replace(":", "-")
            assert facts.taken_utc == "{}T{:02d}:{:02d}:{:02d}Z".format(day, *hours)
        else:
            assert facts.heading is None and facts.taken_utc is None and -93 < facts.longitude < -91


@pytest.mark.parametrize("order", ("<", ">"))
@pytest.mark.parametrize("longitude, latitude", [(13.5, 52.25), (-70.125, -33.5), (179.9999, -89.5), (0.0, 51.5)])
def test_both_byte_orders_and_all_hemispheres(order: str, longitude: float, latitude: float) -> None:
    gps = [*position(longitude, latitude), (5, 1, 1), (6, 5, [(1234, 10)]), (16, 2, "M"), (17, 5, [(2705, 10)]),
           (15, 5, [(10, 1)])]
    facts = of(exif_block([(0x0112, 3, 6)], [(0x9003, 2, "2021:07:30 23:59:58")], gps, order))
    assert facts.longitude == pytest.approx(longitude, abs=1e-8) and facts.latitude == pytest.approx(latitude, abs=1e-8)
    assert (facts.altitude, facts.heading, facts.heading_of) == (-123.4, 270.5, "view, magnetic")
    assert (facts.orientation, facts.taken, facts.taken_utc) == (6, "2021-07-30T23:59:58", None)


def test_the_block_is_found_in_png_webp_tiff_and_heif() -> None:
    block = exif_block(gps=position(8.5, 47.25))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(content)) + name + content + b"\x00" * 4
                                          for name, content in ((b"IHDR", b"\x00" * 13), (b"eXIf", block)))
    webp = b"RIFF\x00\x00\x00\x00WEBP" + b"VP8X\x05\x00\x00\x00" + b"\x00" * 6 + b"EXIF" + struct.pack(
        "<I", len(block)) + block
    heif = b"\x00\x00\x00\x18ftypheic" + b"\x00" * 900 + b"Exif\x00\x00" + block
    for content in (png, webp, block, heif):
        facts = read_facts(io.BytesIO(content))
        assert (facts.longitude, facts.latitude) == (8.5, 47.25)


@pytest.mark.parametrize("gps", [
    position(0.0, 0.0), position(8.5, 47.25)[:3], [(1, 2, "N"), (2, 5, [(91, 1)]), (3, 2, "E"), (4, 5, [(1, 1)])],
    [(1, 2, "N"), (2, 5, [(1, 0)]), (3, 2, "E"), (4, 5, [(1, 1)])],
    [(1, 2, "X"), (2, 5, [(1, 1)]), (3, 2, "E"), (4, 5, [(1, 1)])]])
def test_a_position_that_cannot_be_is_none(gps: list) -> None:
    facts = of(exif_block(gps=gps))
    assert facts.longitude is None and facts.latitude is None


def test_seconds_may_be_unknown_and_moments_blank() -> None:
    facts = of(exif_block([(0x0132, 2, "2020-02-03 04:05:06")], [(0x9003, 2, "    :  :     :  :  ")],
                          [(1, 2, "N"), (2, 5, [(10, 1), (3050, 100), (0, 0)]), (3, 2, "W"),
                           (4, 5, [(20, 1), (0, 1)])]))
    assert facts.latitude == pytest.approx(10 + 30.5 / 60) and facts.longitude == -20
    assert facts.taken == "2020-02-03T04:05:06"
    assert of(exif_block(exif=[(0x9003, 2, "0000:00:00 00:00:00")])).taken is None


@given(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 255))
def test_no_bytes_stop_it(noise: bytes, place: int, value: int) -> None:
    sound = bytearray(with_exif(b"\xff\xd8\xff\xda", exif_block([(0x0112, 3, 1)], [(0x9003, 2, "2021:07:30 23:59:58")],
                                                                position(8.5, 47.25))))
    sound[min(place, len(sound) - 1)] = value
    for content in (bytes(sound), bytes(sound[:place]), noise, b"\xff\xd8" + noise, b"II*\x00" + noise,
                    b"\x89PNG\r\n\x1a\n" + noise, b"RIFF\x00\x00\x00\x00WEBP" + noise, b"\x00\x00\x00\x18ftyp" + noise):
        facts = read_facts(io.BytesIO(content))
        assert facts.longitude is None or -180 <= facts.longitude <= 180
        assert 1 <= facts.orientation <= 8


def test_gdal_reads_the_blocks_that_these_tests_write(tmp_path: Path) -> None:
    path = picture(tmp_path / "made.jpg", scene(), block=exif_block([(0x0112, 3, 3)], gps=position(-8.5, 47.25)))
    told = gdal.Open(str(path)).GetMetadata()
    assert told["EXIF_GPSLongitudeRef"] == "W" and numbers(told["EXIF_GPSLongitude"]) == [8, 30, 0]
    assert told["EXIF_Orientation"] == "3"
