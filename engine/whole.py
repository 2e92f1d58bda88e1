"""Whole or nothing: outputs are written under a temporary name beside their place and renamed when complete."""

from __future__ import annotations

import errno
import logging
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from .errors import OutputError

LOG = logging.getLogger("earthprint")


@contextmanager
def whole(path: "str | Path") -> "Iterator[Path]":
    """Yield a temporary path in the target's folder; rename it to the target on success, remove it on failure."""
    target = Path(path)
    require_writable(target)
    temporary = target.with_name(f".{target.stem}-{secrets.token_hex(4)}.tmp{target.suffix}")
    try:
        yield temporary
        put_in_place(temporary, target)
    except OSError as error:
        raise output_error(target, error) from error
    finally:
        for leftover in _family(temporary):
            _remove(leftover)


def _remove(leftover: Path) -> None:
    """Remove a temporary file; where a handle still holds it (Windows), a hidden file stays and nothing else fails."""
    try:
        leftover.unlink(missing_ok=True)
    except OSError as error:
        LOG.info("%s could not be removed: %s", leftover, error)


def put_in_place(temporary: Path, target: Path) -> None:
    """Rename a complete file to its final name; where the old one is open elsewhere, keep the new one beside it."""
    try:
        os.replace(temporary, target)
    except PermissionError as error:
        spare = target.with_name(f"{target.stem}-new{target.suffix}")
        os.replace(temporary, spare)
        raise OutputError("output-open", "{path} is open in another program: the complete result is {spare}, close "
                          "the other program and rename it.", path=target, spare=spare) from error
    for stale in (target.with_name(target.name + ".aux.xml"), target.with_name(target.name + ".ovr")):
        stale.unlink(missing_ok=True)


def require_writable(target: Path) -> None:
    """Raise before any work is done if nothing could be written at a place."""
    folder = target.parent
    if not folder.is_dir():
        raise OutputError("folder-missing", "The folder {folder} doesn't exist: create it or choose another.",
                          folder=folder)
    if target.is_dir():
        raise OutputError("output-folder", "{path} is a folder: give the output a file name.", path=target)
    probe = folder / f".earthprint-{secrets.token_hex(4)}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise output_error(target, error) from error


def output_error(target: Path, error: OSError) -> OutputError:
    """Turn the operating system's refusal into a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError("disk-full", "The disk of {folder} is full: free some space or choose another folder for "
                           "{name}.", folder=target.parent, name=target.name)
    return OutputError("output-unwritable", "{path} can't be written ({reason}): choose a folder you may write to.",
                       path=target, reason=error.strerror or error)


def _family(temporary: Path) -> "list[Path]":
    """Return the temporary file and the side files that GDAL or SQLite may have left."""
    return [temporary] + [temporary.with_name(temporary.name + end)
                          for end in (".aux.xml", "-wal", "-shm", "-journal", ".ovr")]
