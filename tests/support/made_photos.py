"""Photos made where a test needs them: pictures through GDAL, EXIF blocks written byte by byte here."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from osgeo import gdal

Entry = Tuple[int, int, Any]


def directory(entries: Sequence[Entry], start: int, order: str) -> bytes:
    """Return a TIFF directory at an offset with its values behind it; kinds are 2 text, 3 short, 4 long, 5 fraction."""
    head, tail = struct.pack(order + "H", len(entries)), b""
    place = start + 2 + 12 * len(entries) + 4
    for tag, kind, value in entries:
        if kind == 2:
            content, count = value.encode() + b"\x00", len(value) + 1
        elif kind == 5:
            content, count = b"".join(struct.pack(order + "II", *pair) for pair in value), len(value)
        elif kind == 1:
            content, count = bytes([value]), 1
        else:
            content, count = struct.pack(order + {3: "H", 4: "I"}[kind], value), 1
        if len(content) > 4:
            head += struct.pack(order + "HHII", tag, kind, count, place + len(tail))
            tail += content + b"\x00" * (len(content) % 2)
        else:
            head += struct.pack(order + "HHI", tag, kind, count) + content.ljust(4, b"\x00")
    return head + struct.pack(order + "I", 0) + tail


def exif_block(image: Sequence[Entry] = (), exif: Sequence[Entry] = (), gps: Sequence[Entry] = (),
               order: str = "<") -> bytes:
    """Return the TIFF structure of an EXIF block."""
    def first(exif_place: int, gps_place: int) -> bytes:
        return directory([*image, (0x8769, 4, exif_place), (0x8825, 4, gps_place)], 8, order)

    exif_place = 8 + len(first(0, 0))
    middle = directory(exif, exif_place, order)
    gps_place = exif_place + len(middle)
    return ((b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(order + "I", 8) + first(exif_place, gps_place)
            + middle + directory(gps, gps_place, order))


def position(longitude: float, latitude: float) -> List[Entry]:
    """Return the GPS entries of a place, in degrees, minutes and hundredths of thousandths of a second."""
    found: List[Entry] = []
    for tag, value, letters in ((1, latitude, "NS"), (3, longitude, "EW")):
        degrees, rest = divmod(abs(value), 1)
        minutes, rest = divmod(rest * 60, 1)
        found += [(tag, 2, letters[0 if value >= 0 else 1]),
                  (tag + 1, 5, [(int(degrees), 1), (int(minutes), 1), (round(rest * 60 * 100_000), 100_000)])]
    return found


def with_exif(jpeg: bytes, block: bytes) -> bytes:
    """Return a JPEG with an EXIF segment at its head."""
    content = b"Exif\x00\x00" + block
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + jpeg[2:]


def picture(path: Path, values: np.ndarray, driver: str = "JPEG", options: Sequence[str] = ("QUALITY=100",),
            colours: Sequence[int] = (), block: Optional[bytes] = None) -> Path:
    """Write `(bands, rows, cols)` as a picture, with an EXIF block if one is given (JPEG)."""
    bands, rows, columns = values.shape
    kind = {"uint8": gdal.GDT_Byte, "uint16": gdal.GDT_UInt16, "float32": gdal.GDT_Float32}[str(values.dtype)]
    memory = gdal.GetDriverByName("MEM").Create("", columns, rows, bands, kind)
    for number in range(bands):
        band = memory.GetRasterBand(number + 1)
        band.WriteArray(values[number])
        if colours:
            band.SetColorInterpretation(colours[number])
    gdal.GetDriverByName(driver).CreateCopy(str(path), memory, options=list(options))
    if block is not None:
        path.write_bytes(with_exif(path.read_bytes(), block))
    return path


def scene(rows: int = 120, columns: int = 200, seed: int = 0) -> np.ndarray:
    """Return a smooth colour picture `(3, rows, cols)` without symmetry."""
    y, x = np.mgrid[0:rows, 0:columns]
    chance = np.random.default_rng(seed)
    phases = chance.random((3, 2)) * 3
    layers = [120 + 60 * np.sin(x / 23 + one) + 50 * np.cos(y / 17 + two) for one, two in phases]
    layers[0] = layers[0] * (0.4 + 0.6 * x / columns)
    return np.clip(np.stack(layers), 0, 255).astype(np.uint8)


def bomb(path: Path, side: int) -> Path:
    """Write a PNG whose head promises far more pixels than it holds."""
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\x00" * 99))
                     + chunk(b"IEND", b""))
    return path


def broken_photos(folder: Path) -> Dict[str, Path]:
    """Write one file of each kind that can't be a photo."""
    whole = picture(folder / "whole.jpg", scene()).read_bytes()
    (folder / "whole.jpg").unlink()
    contents = {"empty.jpg": b"", "text.jpg": b"This is no photo.", "cut.jpg": whole[:len(whole) // 3],
                "head.jpg": whole[:40], "phone.heic": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00" + b"\x00" * 64}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    bomb(folder / "bomb.png", 60_000)
    picture(folder / "heights.tif", np.full((1, 9, 9), 3.5, np.float32), "GTiff", ())
    return {name: folder / name for name in (*contents, "bomb.png", "heights.tif")}
