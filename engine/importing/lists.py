"""Vectors in one cell: JSON and PostgreSQL lists, GDAL's lists, plain bytes of float32."""

from __future__ import annotations

import json
import re
from typing import Any, Optional

import numpy as np

_OGR_LIST = re.compile(r"^\(\d+:(?P<numbers>.*)\)$", re.DOTALL)
_NULL = re.compile(r"\b(null|nil|none)\b", re.IGNORECASE)
_CUT = 255


class NotAList(ValueError):
    """A cell that holds no vector; the text says what it holds."""


def read_cell(cell: Any) -> Optional[np.ndarray]:
    """Return one cell's vector as float32, None where there is none; raise NotAList for anything else."""
    if cell is None:
        return None
    if isinstance(cell, np.ndarray):
        return np.asarray(cell, dtype=np.float32) if cell.size else None
    if isinstance(cell, (bytes, bytearray, memoryview)):
        return _from_bytes(bytes(cell))
    if isinstance(cell, str):
        return _from_text(cell.strip())
    if isinstance(cell, (list, tuple)):
        return _from_items(list(cell))
    raise NotAList(f"a {type(cell).__name__}")


def _from_bytes(raw: bytes) -> Optional[np.ndarray]:
    """Read little-endian float32."""
    if not raw:
        return None
    if len(raw) % 4:
        raise NotAList(f"{len(raw)} bytes, which are no float32 numbers")
    return np.frombuffer(raw, dtype="<f4").astype(np.float32)


def _from_text(text: str) -> Optional[np.ndarray]:
    """Read `[1, 2]`, `{1,2}`, `(2:1,2)` or `1 2`; also without commas, as NumPy prints."""
    if not text or _NULL.fullmatch(text):
        return None
    match = _OGR_LIST.match(text)
    if match:
        inner = match["numbers"]
    elif text[0] + text[-1] in ("[]", "{}", "()"):
        inner = text[1:-1]
    else:
        raise NotAList(_cut_or(text, "a text that is no list"))
    try:
        items = json.loads(f"[{inner}]")
    except ValueError:
        items = [word for word in re.split(r"[,\s]+", inner.strip()) if word]
    return _from_items(items)


def _from_items(items: "list[Any]") -> Optional[np.ndarray]:
    """Turn items into numbers; NULL within a vector becomes NaN."""
    if not items:
        return None
    try:
        return np.array([np.nan if _is_null(item) else float(item) for item in items], dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise NotAList("a list of something else than numbers") from error


def _is_null(item: Any) -> bool:
    """Tell whether an item stands for no number."""
    return item is None or (isinstance(item, str) and bool(_NULL.fullmatch(item)))


def _cut_or(text: str, otherwise: str) -> str:
    """Tell a list that QGIS before 3.40 cut from other texts."""
    if len(text) >= _CUT - 1 and text[0] in "[{(":
        return f"a list that was cut to {len(text)} characters, as older versions of QGIS do when saving lists"
    return otherwise
