"""Finished pieces of a benchmark, each in a file named by all that decides it, so that only what is new is computed."""

from __future__ import annotations

import json
import os
import secrets
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Set

import numpy as np

from ..partial import digest_of
from ..version import VERSION
from ..whole import output_error

_NOTES = "notes"


@dataclass(frozen=True)
class Piece:
    """Arrays by name, and plain numbers and texts about them."""

    arrays: "Mapping[str, np.ndarray]"
    notes: "Mapping[str, Any]" = field(default_factory=dict)


class ResultStore:
    """A folder of finished pieces; a changed input, parameter or version makes another name, so nothing goes stale."""

    def __init__(self, folder: "str | Path", resume: bool) -> None:
        """Open the folder; without `resume` only what this run writes is read again."""
        self.folder = Path(folder)
        self._resume = resume
        self._written: "Set[str]" = set()
        self._found: "Set[str]" = set()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(self.folder, error) from error

    @property
    def computed(self) -> int:
        """Return how many pieces this run made."""
        return len(self._written)

    @property
    def found(self) -> int:
        """Return how many pieces of earlier runs were of use."""
        return len(self._found)

    def load(self, kind: str, facts: "Mapping[str, Any]") -> Optional[Piece]:
        """Return a piece that these facts decide, None where there is none that can be read."""
        path = self._path(kind, facts)
        if not self._resume and path.name not in self._written:
            return None
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            notes = json.loads(str(arrays.pop(_NOTES)))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        if path.name not in self._written:
            self._found.add(path.name)
        return Piece(arrays, notes)

    def save(self, kind: str, facts: "Mapping[str, Any]", piece: Piece) -> None:
        """Keep a piece; it counts only once it is complete."""
        path = self._path(kind, facts)
        temporary = path.with_name(f".{path.stem}-{secrets.token_hex(4)}.tmp.npz")
        notes: "Dict[str, Any]" = dict(piece.notes)
        try:
            np.savez(temporary, **{_NOTES: np.array(json.dumps(notes))}, **piece.arrays)
            os.replace(temporary, path)
        except OSError as error:
            raise output_error(path, error) from error
        finally:
            temporary.unlink(missing_ok=True)
        self._written.add(path.name)

    def _path(self, kind: str, facts: "Mapping[str, Any]") -> Path:
        """Return the file of a piece."""
        return self.folder / f"{kind}-{digest_of({'facts': facts, 'version': VERSION})[:24]}.npz"
