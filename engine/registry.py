"""The registry of spaces: a folder of small JSON files, so that a key alone leads back to what the space is."""

from __future__ import annotations

import json
import os
import re
import secrets
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Optional

from .errors import SpaceError
from .provenance import Provenance, merged, provenance_item, read_provenance
from .space import Space, from_json

_DIGEST = re.compile(r"[0-9a-f]{12}")


class Registry:
    """Spaces that were met on this machine, each in a file named by its digest."""

    def __init__(self, folder: "str | os.PathLike[str]") -> None:
        """Take the folder; it is made when the first space is remembered."""
        self._folder = Path(folder)

    def remember(self, space: Space) -> None:
        """Keep a space; other processes may do the same at the same time."""
        digest = space.digest()
        # The files of one table are not those of another in the same space, nor is its product where nobody said what
        # the space is.
        products = merged(replace(item, sources=()) for item in space.provenance) if space.declared else ()
        known = self.find(digest)
        if known is None:
            self._keep(self._place(digest), space.canonical())
        before = known.provenance if known is not None else ()
        if set(products) - set(before):
            self._keep(self._provenance_place(digest), provenance_item((*before, *products)))

    def _keep(self, place: Path, text: str) -> None:
        """Write a small file, whole or not at all."""
        temporary = place.with_name(f".{place.stem}-{secrets.token_hex(4)}.tmp")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(text, encoding="ascii")
            os.replace(temporary, place)
        except OSError as error:
            raise SpaceError("registry-unwritable", "The folder {folder} of known embedding spaces can't be written "
                             "({reason}): make it writable.", folder=self._folder,
                             reason=error.strerror or error) from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def find(self, digest: str) -> Optional[Space]:
        """Return the space of a digest; a file that says something else than its name is as good as none."""
        if not _DIGEST.fullmatch(digest):
            return None
        try:
            space = from_json(self._place(digest).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, SpaceError):
            return None
        return replace(space, provenance=self._provenance(digest)) if space.digest() == digest else None

    def _provenance(self, digest: str) -> "tuple[Provenance, ...]":
        """Return what the licences of a space's products ask for, as far as it was met on this machine."""
        try:
            content = json.loads(self._provenance_place(digest).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ()
        return read_provenance(content) if isinstance(content, dict) else ()

    def _provenance_place(self, digest: str) -> Path:
        """Return the file beside that of a digest that holds the licences."""
        return self._folder / f"{digest}.provenance.json"

    def _place(self, digest: str) -> Path:
        """Return the file of a digest."""
        return self._folder / f"{digest}.json"
