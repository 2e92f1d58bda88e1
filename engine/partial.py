"""The work of a long run so far: finished blocks in OUTPUT.partial/, so that the same call goes on after a kill."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, Mapping, Optional

import numpy as np

from .errors import OutputError
from .grid import Window
from .whole import output_error

_JOURNAL = "journal.json"


def digest_of(facts: "Mapping[str, Any]") -> str:
    """Return a digest of everything that decides a run's result."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode("utf-8")).hexdigest()


def file_facts(path: "str | Path") -> "dict[str, Any]":
    """Return what tells an input file from an edited one without reading it."""
    try:
        status = os.stat(path)
    except OSError:
        return {"path": str(path)}
    return {"path": str(Path(path).resolve()), "size": status.st_size, "time": status.st_mtime_ns}


class PartialWork:
    """A folder of finished blocks, valid for one digest only."""

    def __init__(self, output: "str | Path", digest: str, resume: bool) -> None:
        """Open the folder of an output; what another call left there is removed."""
        self.folder = Path(str(output) + ".partial")
        self.resumed = resume and self._digest() == digest
        try:
            if not self.resumed:
                shutil.rmtree(self.folder, ignore_errors=True)
                self.folder.mkdir()
                self._replace(_JOURNAL, json.dumps({"digest": digest}).encode("utf-8"))
        except OSError as error:
            raise output_error(Path(output), error) from error

    def _digest(self) -> Optional[str]:
        """Return the digest that an existing folder was made for."""
        try:
            found = json.loads((self.folder / _JOURNAL).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found.get("digest") if isinstance(found, dict) else None

    def has(self, block: Window) -> bool:
        """Tell whether a block is finished."""
        return self._block_path(block).exists()

    def save(self, block: Window, values: np.ndarray) -> None:
        """Keep a finished block; it counts only once it is complete."""
        self.save_array(self._block_path(block).stem, values)

    def load(self, block: Window) -> np.ndarray:
        """Map a finished block without reading it all."""
        return np.load(self._block_path(block), mmap_mode="r", allow_pickle=False)

    def save_array(self, name: str, values: np.ndarray) -> None:
        """Keep an array by name."""
        temporary = self.folder / f".{name}.tmp.npy"
        try:
            np.save(temporary, values, allow_pickle=False)
            os.replace(temporary, self.folder / f"{name}.npy")
        except OSError as error:
            raise output_error(self.folder, error) from error

    def load_array(self, name: str) -> Optional[np.ndarray]:
        """Return an array that was kept, or None."""
        path = self.folder / f"{name}.npy"
        return np.load(path, allow_pickle=False) if path.exists() else None

    def remove(self) -> None:
        """Remove everything, after success or after a failure that trying again would repeat."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _block_path(self, block: Window) -> Path:
        """Return where a block lies."""
        return self.folder / f"block_{block.y}_{block.x}.npy"

    def _replace(self, name: str, content: bytes) -> None:
        """Write a small file that is either there or not."""
        temporary = self.folder / f".{name}.tmp"
        temporary.write_bytes(content)
        os.replace(temporary, self.folder / name)


def is_worth_keeping(error: BaseException) -> bool:
    """Tell whether the same call may succeed later: a full disk, yes; a broken input, or a result that is there, no."""
    if isinstance(error, OutputError):
        return error.code not in ("output-open", "output-locked")
    return isinstance(error, (KeyboardInterrupt, MemoryError))
