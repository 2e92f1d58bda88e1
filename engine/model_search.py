"""Finds model files by what is in them, because files get renamed and cards get moved."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Sequence

from .onnxfile import sha256
from .progress import Progress

_known: "dict[tuple[str, int, int], str]" = {}


def checksum_of(path: Path, progress: Optional[Progress] = None) -> str:
    """Return a file's SHA-256; a file that didn't change since is not read again."""
    state = path.stat()
    key = (str(path), state.st_size, state.st_mtime_ns)
    if key not in _known:
        _known[key] = sha256(path, progress)
    return _known[key]


def find_by_checksum(checksum: str, size: Optional[int], folders: "Sequence[Path]") -> Optional[Path]:
    """Return the ONNX file with a checksum, wherever in the folders it lies and whatever it is called."""
    for folder in folders:
        if not folder.is_dir():
            continue
        for candidate in sorted(folder.glob("*.onnx")):
            if size is not None and candidate.stat().st_size != size:
                continue
            if checksum_of(candidate) == checksum:
                return candidate
    return None
