"""Vectors out of a table's binary column, with every bad row told by name."""

from __future__ import annotations

from typing import Any, Sequence, Union

import numpy as np

from ..coding import vector_coding
from ..errors import InputError
from ..space import SpaceKey, parse_key


def check_vectors(blobs: "Sequence[Any]", key: "Union[str, SpaceKey]", name: str, ids: "Sequence[Any]") -> np.ndarray:
    """Decode bytes (or the hexadecimal text that GeoJSON and CSV make of them) to float32 `(rows, dims)`."""
    parsed = parse_key(key) if isinstance(key, str) else key
    coding = vector_coding(parsed.coding)
    size = coding.size(parsed.dimensions)
    if set(map(type, blobs)) != {bytes} or set(map(len, blobs)) != {size}:
        blobs = [_one(blob, size, name, ids[row]) for row, blob in enumerate(blobs)]
    vectors = coding.decode(blobs, parsed.dimensions)
    if not np.isfinite(vectors).all():
        row = int(np.argmax(~np.isfinite(vectors).all(axis=1)))
        raise InputError(
            "vector-not-finite", "Row {row} of {name} holds a vector with values that are no numbers: "
            "leave the row out with “Extract by expression”, or make the table again.", row=ids[row], name=name)
    return vectors


def _one(blob: Any, size: int, name: str, row: Any) -> bytes:
    """Return one vector's bytes, or raise and name the row and the likely step."""
    raw = _from_text(blob) if isinstance(blob, str) else blob
    if raw is None or len(raw) == 0:
        raise InputError(
            "vector-empty", "Row {row} of {name} has no vector in “embedding”: “Execute SQL” and some other steps drop "
            "binary columns (carry wide columns through them), and places without data have none "
            "(leave them out with “Extract by expression”).", row=row, name=name)
    if len(raw) != size:
        raise InputError(
            "vector-length", "The vector in row {row} of {name} has {found} bytes where its space needs {size}: a step "
            "before this one cut or changed the binary column; use wide columns there, or make the table again.",
            row=row, name=name, found=len(raw), size=size)
    return bytes(raw)


def _from_text(text: str) -> bytes:
    """Read hexadecimal digits, with or without the marks that databases put before them."""
    digits = text[2:] if text[:2] in ("\\x", "0x", "0X") else text
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return text.encode("utf-8", "replace")
