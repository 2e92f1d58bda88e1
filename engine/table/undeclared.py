"""A space for vectors of which nobody said what they are."""

from __future__ import annotations

from typing import Any

from ..errors import InputError
from ..space import undeclared
from .parts import EMBEDDING


def undeclared_key(first: Any, name: str) -> str:
    """Return the key that stands for a column of float32 vectors as long as the first one."""
    size = len(first) // 2 if isinstance(first, str) else len(first or b"")
    if size == 0 or size % 4:
        raise InputError(
            "embedding-unreadable", "{name} states no space in “embedding_space”, and its column “embedding” holds no "
            "float32 vectors: make it again with “Import embeddings”.", name=name)
    dimensions = size // 4
    return undeclared([f"{EMBEDDING}_{number}" for number in range(dimensions)], [""] * dimensions).key("f4")
