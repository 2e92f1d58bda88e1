"""Decodes photos through GDAL to small squares and thumbnails of 8-bit red, green and blue.

Pixels are averaged over areas, strip by strip, so that a photo of any size takes little memory. JPEG's own reduced
decodings are used where they are true halves of the photo; one that GDAL made of a thumbnail beside it is not.
"""

from __future__ import annotations

import io
import os
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Iterator, Optional, Sequence, Union

import numpy as np
from osgeo import gdal

from ..dataset import open_picture, quiet
from ..errors import InputError
from .exif import PhotoFacts, read_facts

DRIVERS = ("JPEG", "PNG", "GTiff", "WEBP", "HEIF", "AVIF", "JP2OpenJPEG", "BMP", "GIF", "JPEGXL")
# Their libraries turn pictures themselves, by a note of the format's own beside EXIF's.
UPRIGHT = ("HEIF", "AVIF")
LARGEST_PIXELS = 1_000_000_000
THUMBNAIL_SIDE = 192
_STRIP_BYTES = 16 << 20
_QUALITY = 80
_EIGHT_BITS = 255.0
_CMYK = (gdal.GCI_CyanBand, gdal.GCI_MagentaBand, gdal.GCI_YellowBand, gdal.GCI_BlackBand)


class PhotoError(InputError):
    """A photo can't be read; the run goes on without it."""


@dataclass(frozen=True)
class Photo:
    """A photo, upright: the middle square `(3, side, side)` as float32 of 0..255, a small JPEG of all of it, facts."""

    square: np.ndarray
    thumbnail: bytes
    width: int
    height: int
    facts: PhotoFacts


def read_photo(source: "Union[str, bytes]", side: int) -> Photo:
    """Read a photo from a path or from its bytes; raises PhotoError in words."""
    try:
        with _opened(source) as (reader, file):
            facts = read_facts(file)
            width, height = reader.width, reader.height
            short = min(width, height)
            left, top = (width - short) / 2, (height - short) / 2
            scale = min(1.0, THUMBNAIL_SIDE / max(width, height))
            small = max(1, round(width * scale)), max(1, round(height * scale))
            square, whole = reader.averaged(
                [((left, left + short), (top, top + short), side, side), ((0, width), (0, height), *small)])
    except PhotoError as error:
        # Its trace would keep the file open for as long as anybody keeps the error.
        raise error.with_traceback(None) from None
    orientation = 1 if reader.upright else facts.orientation
    turned = orientation > 4
    if turned:
        width, height = height, width
    return Photo(np.ascontiguousarray(_upright(square, orientation)), _as_jpeg(_upright(whole, orientation)), width,
                 height, facts)


@contextmanager
def _opened(source: "Union[str, bytes]") -> "Iterator[tuple[_Reader, BinaryIO]]":
    """Open a photo for GDAL and as a stream of bytes, and see to it that both are closed."""
    if isinstance(source, bytes):
        name = f"/vsimem/earthprint-photo-{secrets.token_hex(8)}"
        gdal.FileFromMemBuffer(name, source)
        try:
            reader = _Reader(_dataset(name, "the picture"))
            try:
                yield reader, io.BytesIO(source)
            finally:
                reader.close()
        finally:
            gdal.Unlink(name)
        return
    try:
        if os.path.getsize(source) == 0:
            raise PhotoError("photo-empty", "the file is empty")
        with open(source, "rb") as file:
            reader = _Reader(_dataset(source, Path(source).name))
            try:
                yield reader, file
            finally:
                reader.close()
    except OSError as error:
        raise PhotoError("photo-missing", "it can't be read ({reason})", reason=error.strerror or error) from error


def _dataset(path: str, name: str) -> gdal.Dataset:
    """Open a picture with the drivers of pictures only: others would take a text for a table."""
    try:
        return open_picture(path, DRIVERS)
    except InputError as error:
        if path.lower().endswith((".heic", ".heif")) and gdal.GetDriverByName("HEIF") is None:
            raise PhotoError("photo-heic", "this GDAL can't read HEIC: save the photo as JPEG") from error
        raise PhotoError("photo-format", "it is no picture that can be read ({reason})",
                         reason=str(error).replace(path, name)) from error


class _Reader:
    """Reads a picture in strips, at the smallest size that is large enough."""

    def __init__(self, dataset: gdal.Dataset) -> None:
        """Look at the bands."""
        self._dataset: Optional[gdal.Dataset] = dataset
        self.width, self.height = dataset.RasterXSize, dataset.RasterYSize
        self.upright = dataset.GetDriver().ShortName in UPRIGHT
        if self.width * self.height > LARGEST_PIXELS:
            raise PhotoError("photo-huge", "it has {width} × {height} pixels, more than a photo has", width=self.width,
                             height=self.height)
        count = dataset.RasterCount
        bands = [dataset.GetRasterBand(index) for index in range(1, count + 1)]
        self._table = _palette(bands[0])
        self._cmyk = count >= 4 and tuple(band.GetColorInterpretation() for band in bands[:4]) == _CMYK
        # One or two bands are grey, the second alpha.
        self._bands = (1, 2, 3, 4) if self._cmyk else (1, 2, 3) if count >= 3 and self._table is None else (1,)
        self._type, self._largest = _depth(bands[0])

    def close(self) -> None:
        """Let go of the file."""
        self._dataset = None

    def averaged(self, wanted: "Sequence[tuple]") -> "list[np.ndarray]":
        """Return areas `((left, right), (top, bottom), columns, rows)` as averages `(3, rows, columns)`, 0..255."""
        need = min(min((xs[1] - xs[0]) / columns, (ys[1] - ys[0]) / rows) for xs, ys, columns, rows in wanted)
        source = self._level(need)
        width, height = source[0].XSize, source[0].YSize
        x_scale, y_scale = width / self.width, height / self.height
        across = [area_weights(xs[0] * x_scale, xs[1] * x_scale, width, columns) for xs, _, columns, _ in wanted]
        down = [area_weights(ys[0] * y_scale, ys[1] * y_scale, height, rows) for _, ys, _, rows in wanted]
        found = [np.zeros((3, rows, columns), dtype=np.float32) for _, _, columns, rows in wanted]
        step = max(1, _STRIP_BYTES // (width * len(source) * 4))
        for top in range(0, height, step):
            strip = self._colours(source, top, min(step, height - top), width)
            for result, columns, rows in zip(found, across, down):
                part = rows[:, top:top + strip.shape[1]]
                used = np.flatnonzero(part.any(axis=1))
                if len(used):
                    kept = slice(used[0], used[-1] + 1)
                    result[:, kept] += np.einsum("rh,bhc->brc", part[kept], strip @ columns.T, optimize=True)
        return [np.clip(values, 0, _EIGHT_BITS) for values in found]

    def _level(self, need: float) -> "list[gdal.Band]":
        """Return the bands of the smallest true reduction that still has twice the pixels needed on each side.

        JPEG's reductions are no averages of areas, and the difference shows where they are used to the last pixel.
        """
        full = [self._dataset.GetRasterBand(index) for index in self._bands]  # type: ignore[union-attr]
        best, halvings = full, 0
        for number in range(full[0].GetOverviewCount()):
            reduced = [band.GetOverview(number) for band in full]
            if any(band is None for band in reduced):
                continue
            ratio = self.width / max(reduced[0].XSize, 1)
            power = int(round(np.log2(max(ratio, 1))))
            exact = -(-self.width // 2 ** power), -(-self.height // 2 ** power)
            if power > halvings and 2 * 2 ** power <= need and exact == (reduced[0].XSize, reduced[0].YSize):
                best, halvings = reduced, power
        return best

    def _colours(self, bands: "Sequence[gdal.Band]", top: int, rows: int, width: int) -> np.ndarray:
        """Read a strip as `(3, rows, cols)` float32 of 0..255."""
        parts = []
        for band in bands:
            with quiet() as messages:
                try:
                    content = band.ReadRaster(0, top, width, rows, buf_type=self._type)
                except RuntimeError as error:
                    messages.texts.append(str(error))
                    content = None
            if content is None or _is_broken(messages.texts):
                raise PhotoError("photo-broken", "it is damaged ({reason})", reason=messages.last)
            kind = {gdal.GDT_Byte: np.uint8, gdal.GDT_UInt16: np.uint16}[self._type]
            parts.append(np.frombuffer(content, dtype=kind).reshape(rows, width))
        if self._table is not None:
            return self._table[:, np.minimum(parts[0], self._table.shape[1] - 1)]
        values = np.stack(parts).astype(np.float32)
        if self._largest != _EIGHT_BITS:
            values *= _EIGHT_BITS / self._largest
        if self._cmyk:
            return (_EIGHT_BITS - values[:3]) * (_EIGHT_BITS - values[3]) / _EIGHT_BITS
        return np.repeat(values, 3, axis=0) if len(values) == 1 else values


def area_weights(start: float, stop: float, length: int, count: int) -> np.ndarray:
    """Return `(count, length)`: what each pixel gives to each of `count` equal parts of a stretch, summing to 1."""
    edges = np.linspace(start, stop, count + 1)
    pixels = np.arange(length)
    shared = np.minimum(edges[1:, np.newaxis], pixels + 1) - np.maximum(edges[:-1, np.newaxis], pixels)
    shared = shared.clip(min=0)
    return (shared / np.maximum(shared.sum(axis=1, keepdims=True), 1e-12)).astype(np.float32)


def _depth(band: gdal.Band) -> "tuple[int, float]":
    """Return the type to read and the number that means full brightness."""
    whole = {gdal.GDT_Byte: 8, gdal.GDT_UInt16: 16}.get(band.DataType, 0)
    if not whole:
        raise PhotoError("photo-depth", "its values are of the type {kind}: photos have 8 or 16 bits",
                         kind=gdal.GetDataTypeName(band.DataType))
    stated = band.GetMetadataItem("NBITS", "IMAGE_STRUCTURE")
    bits = min(int(stated), whole) if stated and stated.isdigit() and int(stated) > 0 else whole
    return band.DataType, float(2 ** bits - 1)


def _palette(band: gdal.Band) -> Optional[np.ndarray]:
    """Return the colours `(3, entries)` of a picture that has a table of them."""
    table = band.GetColorTable()
    if table is None or not table.GetCount() or band.DataType != gdal.GDT_Byte:
        return None
    return np.array([table.GetColorEntry(index)[:3] for index in range(table.GetCount())], dtype=np.float32).T


def _upright(values: np.ndarray, orientation: int) -> np.ndarray:
    """Turn `(3, rows, cols)` as EXIF's orientation says, so that the first row is the top of the scene."""
    if orientation > 4:
        values = values.transpose(0, 2, 1)
    flips = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}.get(orientation, (1, 1))
    return values[:, ::flips[0], ::flips[1]]


def _as_jpeg(values: np.ndarray) -> bytes:
    """Return a small picture as a JPEG file, empty where GDAL can't write one."""
    driver = gdal.GetDriverByName("JPEG")
    if driver is None:
        return b""
    _, rows, columns = values.shape
    picture = gdal.GetDriverByName("MEM").Create("", columns, rows, 3, gdal.GDT_Byte)
    content = np.ascontiguousarray(np.rint(values).astype(np.uint8))
    picture.WriteRaster(0, 0, columns, rows, content.tobytes(), band_list=[1, 2, 3])
    name = f"/vsimem/earthprint-thumbnail-{secrets.token_hex(8)}.jpg"
    with quiet():
        # CreateCopy would leave a file of metadata beside it.
        written = driver.CreateCopy(name, picture, options=[f"QUALITY={_QUALITY}"])
        if written is None:
            return b""
        written.FlushCache()
        del written
    try:
        size = gdal.VSIStatL(name).size
        handle = gdal.VSIFOpenL(name, "rb")
        result = bytes(gdal.VSIFReadL(1, size, handle))
        gdal.VSIFCloseL(handle)
        return result
    finally:
        gdal.Unlink(name)


def _is_broken(texts: "Sequence[str]") -> bool:
    """Tell messages of lost pixels from harmless ones, such as of bytes too many, which many cameras write."""
    return any(word in text.lower() for text in texts if "extraneous" not in text
               for word in ("premature end", "corrupt", "not enough", "error", "truncated", "i/o"))
