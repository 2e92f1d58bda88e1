"""The registry of spaces: a folder of small JSON files, so that a key alone leads back to what the space is."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Optional

from .errors import SpaceError
from .space import Space, from_json

_DIGEST = re.compile(r"[0-9a-f]{12}")


class Registry:
    """Spaces that were met on this machine, each in a file named by its digest."""

    def __init__(self, folder: "str | os.PathLike[str]") -> None:
        """Take the folder; it is made when the first space is remembered."""
        self._folder = Path(folder)

    def remember(self, space: Space) -> None:
        """Keep a space; other processes may do the same at the same time."""
        place = self._place(space.digest())
        if self.find(space.digest()) is not None:
            return
        temporary = place.with_name(f".{place.stem}-{secrets.token_hex(4)}.tmp")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(space.canonical(), encoding="ascii")
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
        return space if space.digest() == digest else None

    def _place(self, digest: str) -> Path:
        """Return the file of a digest."""
        return self._folder / f"{digest}.json"
