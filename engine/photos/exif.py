"""Reads what a camera wrote into a photo: position, time, orientation and heading (EXIF 2.32, TIFF 6.0).

Only a photo's head is read. Whatever is broken in it counts as not there: a damaged tag must not lose a photo.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO, Dict, List, Optional, Tuple, Union

_IMAGE = {0x0112: "orientation", 0x0132: "changed", 0x8769: "exif", 0x8825: "gps"}
_EXIF = {0x9003: "taken", 0x9004: "digitised", 0x9010: "changed_offset", 0x9011: "taken_offset",
         0x9012: "digitised_offset"}
_GPS = {1: "latitude_ref", 2: "latitude", 3: "longitude_ref", 4: "longitude", 5: "altitude_ref", 6: "altitude",
        7: "clock", 14: "track_ref", 15: "track", 16: "direction_ref", 17: "direction", 29: "day"}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_FORMATS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d"}
_MOMENT = re.compile(r"^\s*(\d{4})[:\-/](\d\d?)[:\-/](\d\d?)[ T](\d\d?):(\d\d):(\d\d)")
_OFFSET = re.compile(r"^\s*([+-]\d\d:\d\d|Z)")
_MOST_ENTRIES = 512
_MOST_BYTES = 64 << 10
_SEARCHED = 8 << 20

Value = Union[str, List[float], None]
Tags = Dict[str, Value]


@dataclass(frozen=True)
class PhotoFacts:
    """What a photo says of itself: degrees WGS 84, metres, moments as ISO texts, degrees clockwise from north.

    `taken` is the camera's own clock, `taken_utc` that of the satellites. `heading` is where the camera looked or,
    where that is not known, where it moved; `heading_of` says which. `orientation` is EXIF's 1..8.
    """

    longitude: Optional[float] = None
    latitude: Optional[float] = None
    altitude: Optional[float] = None
    taken: Optional[str] = None
    taken_utc: Optional[str] = None
    utc_offset: Optional[str] = None
    heading: Optional[float] = None
    heading_of: Optional[str] = None
    orientation: int = 1


def read_facts(file: BinaryIO) -> PhotoFacts:
    """Return what an image file says, whatever its format; nothing where it says nothing."""
    try:
        block = _exif_block(file)
        return _facts(_tags(block)) if block else PhotoFacts()
    except (struct.error, ValueError, OSError, OverflowError):
        return PhotoFacts()


def _exif_block(file: BinaryIO) -> bytes:
    """Return the TIFF structure that holds the tags, empty where there is none."""
    file.seek(0)
    head = file.read(16)
    if head[:2] == b"\xff\xd8":
        return _from_jpeg(file)
    if head[:4] in (b"II*\x00", b"MM\x00*"):
        file.seek(0)
        return file.read(_SEARCHED)
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return _from_chunks(file, 8, ">", b"eXIf")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _from_chunks(file, 12, "<", b"EXIF")
    if head[4:8] == b"ftyp":
        return _searched(file)
    return b""


def _from_jpeg(file: BinaryIO) -> bytes:
    """Walk the segments of a JPEG up to the one with EXIF, or to the pixels."""
    file.seek(2)
    while True:
        marker = file.read(2)
        while marker[:1] == b"\xff" and marker[1:] == b"\xff":
            marker = b"\xff" + file.read(1)
        if len(marker) < 2 or marker[0] != 0xFF or marker[1] in (0xDA, 0xD9):
            return b""
        if 0xD0 <= marker[1] <= 0xD8 or marker[1] == 0x01:
            continue
        length = struct.unpack(">H", file.read(2))[0] - 2
        if marker[1] == 0xE1 and length > 6:
            content = file.read(length)
            if content[:6] in (b"Exif\x00\x00", b"Exif\x00\xff"):
                return content[6:]
        else:
            file.seek(max(length, 0), 1)


def _from_chunks(file: BinaryIO, start: int, order: str, wanted: bytes) -> bytes:
    """Walk the chunks of a PNG (length, name) or of a WebP (name, length, even)."""
    file.seek(start)
    for _ in range(_MOST_ENTRIES):
        head = file.read(8)
        if len(head) < 8:
            return b""
        name, length = (head[4:], struct.unpack(">I", head[:4])[0]) if order == ">" else (
            head[:4], struct.unpack("<I", head[4:])[0])
        if name == wanted:
            content = file.read(min(length, _SEARCHED))
            return content[6:] if content[:6] == b"Exif\x00\x00" else content
        file.seek(length + (4 if order == ">" else length % 2), 1)
    return b""


def _searched(file: BinaryIO) -> bytes:
    """Find the block in a HEIF file, whose index of items is long-winded, by its signature."""
    file.seek(0)
    content = file.read(_SEARCHED)
    for order in (b"II*\x00", b"MM\x00*"):
        place = content.find(b"Exif\x00\x00" + order)
        if place >= 0:
            return content[place + 6:]
    return b""


def _tags(block: bytes) -> Tags:
    """Read the three directories that matter."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2], "")
    if not order:
        return {}
    found = _directory(block, struct.unpack_from(order + "I", block, 4)[0], order, _IMAGE)
    for name, names in (("exif", _EXIF), ("gps", _GPS)):
        pointer = found.pop(name, None)
        if isinstance(pointer, list) and pointer:
            found.update(_directory(block, int(pointer[0]), order, names))
    return found


def _directory(block: bytes, place: int, order: str, names: "Dict[int, str]") -> Tags:
    """Read the named entries of one directory."""
    found: Tags = {}
    if not 8 <= place <= len(block) - 2:
        return found
    count = struct.unpack_from(order + "H", block, place)[0]
    for number in range(min(count, _MOST_ENTRIES)):
        entry = place + 2 + 12 * number
        if entry + 12 > len(block):
            break
        tag, kind, length = struct.unpack_from(order + "HHI", block, entry)
        if tag not in names or kind not in _SIZES:
            continue
        size = _SIZES[kind] * length
        start = entry + 8 if size <= 4 else struct.unpack_from(order + "I", block, entry + 8)[0]
        if size > _MOST_BYTES or start + size > len(block):
            continue
        found[names[tag]] = _value(block[start:start + size], kind, length, order)
    return found


def _value(content: bytes, kind: int, length: int, order: str) -> Value:
    """Return a text, or numbers; a fraction over zero is not a number."""
    if kind == 2:
        return content.split(b"\x00")[0].decode("latin-1").strip()
    if kind == 7:
        return None
    if kind in (5, 10):
        numbers = struct.unpack(order + ("I" if kind == 5 else "i") * (2 * length), content)
        return [top / bottom if bottom else float("nan") for top, bottom in zip(numbers[::2], numbers[1::2])]
    return [float(number) for number in struct.unpack(order + _FORMATS[kind] * length, content)]


def _facts(tags: Tags) -> PhotoFacts:
    """Turn tags into facts, leaving out those that can't be true."""
    longitude, latitude = _position(tags)
    moment, offset = _taken(tags)
    heading, of = _heading(tags)
    orientation = _number(tags.get("orientation"))
    return PhotoFacts(
        longitude, latitude, _altitude(tags) if longitude is not None else None, moment, _satellite_time(tags), offset,
        heading, of, int(orientation) if orientation in (1, 2, 3, 4, 5, 6, 7, 8) else 1)


def _position(tags: Tags) -> "Tuple[Optional[float], Optional[float]]":
    """Return longitude and latitude, or nothing; cameras without a fix write 0, 0."""
    found = []
    for name, letters, limit in (("longitude", "EW", 180.0), ("latitude", "NS", 90.0)):
        parts = tags.get(name)
        reference = tags.get(name + "_ref")
        if not isinstance(parts, list) or not parts or not isinstance(reference, str):
            return None, None
        # Cameras that know no seconds write 0/0 for them.
        degrees = sum(part / 60 ** index for index, part in enumerate(parts[:3]) if part == part)
        letter = reference[:1].upper()
        if parts[0] != parts[0] or letter not in letters or not 0 <= degrees <= limit:
            return None, None
        found.append(-degrees if letter in "WS" else degrees)
    return (None, None) if found == [0, 0] else (found[0], found[1])


def _altitude(tags: Tags) -> Optional[float]:
    """Return metres above the sea, negative below."""
    height, reference = _number(tags.get("altitude")), _number(tags.get("altitude_ref"))
    return None if height is None else (-height if reference == 1 else height)


def _taken(tags: Tags) -> "Tuple[Optional[str], Optional[str]]":
    """Return when the photo was taken by the camera's clock, and that clock's offset from UTC."""
    for name in ("taken", "digitised", "changed"):
        moment = _moment(tags.get(name))
        if moment is not None:
            offset = tags.get(name + "_offset")
            match = _OFFSET.match(offset) if isinstance(offset, str) else None
            return moment, None if match is None else match[1]
    return None, None


def _moment(text: Value) -> Optional[str]:
    """Return an EXIF moment as ISO text, nothing for blanks and zeros."""
    match = _MOMENT.match(text) if isinstance(text, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups())
    if not (year and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        return None
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}"


def _satellite_time(tags: Tags) -> Optional[str]:
    """Return the satellites' moment, in UTC."""
    day, clock = tags.get("day"), tags.get("clock")
    if not isinstance(day, str) or not isinstance(clock, list) or len(clock) != 3 or any(
            part != part or part < 0 for part in clock):
        return None
    hour, minute, second = (int(part) for part in clock)
    moment = _moment(f"{day.strip()} {hour:02d}:{minute:02d}:{second:02d}")
    return None if moment is None else moment + "Z"


def _heading(tags: Tags) -> "Tuple[Optional[float], Optional[str]]":
    """Return where the camera looked, else where it moved."""
    for name, of in (("direction", "view"), ("track", "movement")):
        heading = _number(tags.get(name))
        if heading is not None and 0 <= heading <= 360:
            reference = tags.get(name + "_ref")
            magnetic = isinstance(reference, str) and reference[:1].upper() == "M"
            return heading, of + (", magnetic" if magnetic else "")
    return None, None


def _number(value: Value) -> Optional[float]:
    """Return the first of some numbers, nothing where it is none."""
    if not isinstance(value, list) or not value or value[0] != value[0]:
        return None
    return value[0]
