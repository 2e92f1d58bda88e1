"""Squares and thumbnails of photos against averages of areas computed here from GDAL's full decoding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_photos import broken_photos, exif_block, picture, scene
from osgeo import gdal

from earthprint.engine.photos import pixels
from earthprint.engine.photos.pixels import PhotoError, area_weights, read_photo


def averaged(values: np.ndarray, side: int) -> np.ndarray:
    """Return the middle square as averages over equal areas, on a grid fine enough to be exact."""
    _, rows, columns = values.shape
    short = min(rows, columns)
    fine = np.repeat(np.repeat(values.astype(np.float64), side, axis=1), side, axis=2)
    top, left = (rows - short) * side // 2, (columns - short) * side // 2
    square = fine[:, top:top + short * side, left:left + short * side]
    return square.reshape(len(values), side, short, side, short).mean(axis=(2, 4))


def decoded(path: Path) -> np.ndarray:
    return gdal.Open(str(path)).ReadAsArray()


def test_a_real_photo_is_cropped_and_averaged(sample_data: Path, tmp_path: Path) -> None:
    path = sample_data / "photos" / "duluth_drone" / "DJI_0018.jpg"
    values = decoded(path)
    found = read_photo(str(path), 64)
    assert (found.width, found.height) == (1024, 576)
    # 576 pixels to 64 are 9 to 1.
    wanted = values[:, :, 224:800].reshape(3, 64, 9, 64, 9).mean(axis=(2, 4))
    assert np.abs(found.square - wanted).mean() < 1.0
    # JPEG's own reduced decoding rounds a little differently; the picture beside the photo (160 × 120) is never used.
    assert np.abs(found.square - wanted).max() < 12
    (tmp_path / "small.jpg").write_bytes(found.thumbnail)
    thumbnail = decoded(tmp_path / "small.jpg")
    assert thumbnail.shape == (3, 108, 192)
    fine = np.repeat(np.repeat(values.astype(np.float32), 3, axis=1), 3, axis=2)
    assert np.abs(thumbnail - fine.reshape(3, 108, 16, 192, 16).mean(axis=(2, 4))).mean() < 8


@pytest.mark.parametrize("rows, columns, side", [(60, 100, 24), (97, 61, 32), (40, 40, 64), (33, 120, 33)])
def test_areas_are_averaged_exactly_down_and_up(rows: int, columns: int, side: int, tmp_path: Path) -> None:
    values = scene(rows, columns)
    path = picture(tmp_path / "picture.png", values, "PNG", ())
    found = read_photo(str(path), side).square
    if (rows + columns) % 2 == 0:
        np.testing.assert_allclose(found, averaged(values, side), atol=2e-3)
    short = min(rows, columns)
    assert found.shape == (3, side, side)
    left, top = (columns - short) / 2, (rows - short) / 2
    down, across = (area_weights(start, start + short, length, side)
                    for start, length in ((top, rows), (left, columns)))
    np.testing.assert_allclose(found, down @ values.astype(float) @ across.T, atol=2e-3)


def test_weights_are_shares_of_areas() -> None:
    weights = area_weights(0.5, 4.0, 5, 2)
    np.testing.assert_allclose(weights, [[0.5 / 1.75, 1 / 1.75, 0.25 / 1.75, 0, 0], [0, 0, 0.75 / 1.75, 1 / 1.75, 0]],
                               atol=1e-6)


@pytest.mark.parametrize("orientation, turn", [
    (1, lambda image: image), (2, lambda image: image[:, :, ::-1]), (3, lambda image: np.rot90(image, 2, (1, 2))),
    (4, lambda image: image[:, ::-1]), (5, lambda image: image.transpose(0, 2, 1)),
    (6, lambda image: np.rot90(image, -1, (1, 2))),
    (7, lambda image: np.rot90(image, 2, (1, 2)).transpose(0, 2, 1)), (8, lambda image: np.rot90(image, 1, (1, 2)))])
def test_every_orientation_is_turned_upright(orientation: int, turn: object, tmp_path: Path) -> None:
    block = exif_block([(0x0112, 3, orientation)])
    turned = picture(tmp_path / "turned.jpg", scene(), block=block)
    upright = picture(tmp_path / "upright.png", np.ascontiguousarray(turn(decoded(turned))), "PNG", ())
    found, wanted = read_photo(str(turned), 40), read_photo(str(upright), 40)
    np.testing.assert_allclose(found.square, wanted.square, atol=1e-2)
    assert (found.width, found.height) == (wanted.width, wanted.height) == (
        (200, 120) if orientation < 5 else (120, 200))


def test_grey_palette_alpha_sixteen_bits_and_cmyk_become_colours(tmp_path: Path) -> None:
    values = scene(60, 100)
    plain = read_photo(str(picture(tmp_path / "plain.png", values, "PNG", ())), 30).square
    grey = read_photo(str(picture(tmp_path / "grey.png", values[:1], "PNG", ())), 30).square
    np.testing.assert_allclose(grey, np.repeat(plain[:1], 3, axis=0), atol=1e-3)
    alpha = np.concatenate([values, np.full_like(values[:1], 90)])
    np.testing.assert_allclose(read_photo(str(picture(tmp_path / "alpha.png", alpha, "PNG", ())), 30).square, plain,
                               atol=1e-3)
    deep = values.astype(np.uint16) * 257
    for name, driver in (("deep.png", "PNG"), ("deep.tif", "GTiff")):
        found = read_photo(str(picture(tmp_path / name, deep, driver, ())), 30).square
        np.testing.assert_allclose(found, plain, atol=1e-2)
    ink = picture(tmp_path / "ink.png", (values[:1] > 120).astype(np.uint8), "PNG", ("NBITS=1",))
    np.testing.assert_allclose(read_photo(str(ink), 30).square[1], averaged(255.0 * (values[:1] > 120), 30)[0],
                               atol=1e-2)
    progressive = picture(tmp_path / "progressive.jpg", values, options=("QUALITY=100", "PROGRESSIVE=YES"))
    assert np.abs(read_photo(str(progressive), 30).square - plain).max() < 4
    black = 255 - values.max(axis=0).astype(float)
    cmy = 255 - values * 255.0 / np.maximum(255 - black, 1)
    inks = np.rint(np.concatenate([cmy, black[None]])).clip(0, 255).astype(np.uint8)
    cmyk = picture(tmp_path / "cmyk.tif", inks, "GTiff", ("PHOTOMETRIC=CMYK",), (
        gdal.GCI_CyanBand, gdal.GCI_MagentaBand, gdal.GCI_YellowBand, gdal.GCI_BlackBand))
    assert np.abs(read_photo(str(cmyk), 30).square - plain).max() < 2
    # In JPEG the inks lie the other way round, as Adobe writes them.
    as_jpeg = picture(tmp_path / "cmyk.jpg", 255 - inks, "JPEG", ("QUALITY=100",), (
        gdal.GCI_CyanBand, gdal.GCI_MagentaBand, gdal.GCI_YellowBand, gdal.GCI_BlackBand))
    assert np.abs(read_photo(str(as_jpeg), 30).square - plain).mean() < 4
    table = gdal.GetDriverByName("MEM").Create("", 100, 60, 1)
    table.GetRasterBand(1).WriteArray(values[0] // 64)
    colours = gdal.ColorTable()
    shades = np.array([(10, 200, 30), (250, 20, 90), (5, 6, 7), (99, 150, 201)], dtype=np.uint8)
    for index, shade in enumerate(shades.tolist()):
        colours.SetColorEntry(index, (*shade, 255))
    table.GetRasterBand(1).SetColorTable(colours)
    gdal.GetDriverByName("PNG").CreateCopy(str(tmp_path / "table.png"), table)
    wanted = averaged(shades[values[0] // 64].transpose(2, 0, 1), 30)
    np.testing.assert_allclose(read_photo(str(tmp_path / "table.png"), 30).square, wanted, atol=2e-3)


def test_formats_that_turn_themselves_are_not_turned_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = picture(tmp_path / "photo.jpg", scene(), block=exif_block([(0x0112, 3, 6)]))
    turned = read_photo(str(path), 24)
    monkeypatch.setattr(pixels, "UPRIGHT", ("JPEG",))
    kept = read_photo(str(path), 24)
    assert (turned.width, turned.height) == (120, 200) and (kept.width, kept.height) == (200, 120)
    np.testing.assert_allclose(np.rot90(kept.square, -1, (1, 2)), turned.square, atol=1e-3)


def test_bytes_are_read_like_files(tmp_path: Path) -> None:
    path = picture(tmp_path / "photo.jpg", scene(), block=exif_block([(0x0112, 3, 6)]))
    from_file, from_bytes = read_photo(str(path), 24), read_photo(path.read_bytes(), 24)
    assert np.array_equal(from_file.square, from_bytes.square) and from_file.facts == from_bytes.facts
    assert from_file.thumbnail == from_bytes.thumbnail and from_file.thumbnail[:2] == b"\xff\xd8"
    assert not gdal.ReadDir("/vsimem/")


def test_what_is_no_photo_is_told_in_words(tmp_path: Path) -> None:
    for name, path in broken_photos(tmp_path).items():
        with pytest.raises(PhotoError) as caught:
            read_photo(str(path), 32)
        assert len(str(caught.value)) > 10 and str(tmp_path) not in str(caught.value), name
    with pytest.raises(PhotoError, match="it can't be read .No such file"):
        read_photo(str(tmp_path / "gone.jpg"), 32)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "bomb.png", "cut.jpg", "empty.jpg", "head.jpg", "heights.tif", "phone.heic", "text.jpg"]
