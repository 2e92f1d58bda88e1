"""The versioned folders of the user's profile that hold installed packages, and the pointer that says which one counts.

A folder is never changed once it is in use: Windows locks loaded libraries. An install makes a new folder, the pointer
is switched when it is known to work, and what no pointer names is deleted at a later start.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from dataclasses import asdict, dataclass, field
from typing import Dict, List, Optional, Tuple

from ..engine.package_plan import Host

FOLDER = "earthprint-packages"
POINTER = "current.json"
CONTENTS = "contents.json"
UNFINISHED = ".new"
ABANDONED_AFTER = 24 * 3600


@dataclass(frozen=True)
class Contents:
    """What an installed folder holds and for which host, written beside the packages."""

    names: Tuple[str, ...]
    requirements: Tuple[str, ...]
    python: str
    numpy: str
    installed: str
    versions: Dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pointer:
    """The folder in use and the one before it; either may be missing."""

    current: Optional[str] = None
    previous: Optional[str] = None


class PackageFolders:
    """The folders of one profile as one kind of host sees them; a QGIS with another Python has its own pointer."""

    def __init__(self, base: str, host: Host) -> None:
        """Remember where the folders are; nothing is created before an install."""
        self.base = base
        self.host = host

    def pointer(self) -> Pointer:
        """Read the pointer of this host; folders that are gone are left out."""
        entry = self._entries().get(self.host.tag, Pointer())
        return Pointer(self._existing(entry.current), self._existing(entry.previous))

    def current(self) -> Optional[str]:
        """Return the path of the folder in use."""
        return self._path(self.pointer().current)

    def previous(self) -> Optional[str]:
        """Return the path of the folder that was in use before."""
        return self._path(self.pointer().previous)

    def other_hosts(self) -> Tuple[str, ...]:
        """Name the other hosts that have packages here: an older QGIS, say, before an update."""
        return tuple(sorted(tag for tag, entry in self._entries().items()
                            if tag != self.host.tag and entry.current is not None))

    def new_folder(self) -> str:
        """Create an unfinished folder for an install; the name is short because Windows limits whole paths."""
        name = "py{}{}-np{}-{}{}".format(*self.host.python, ".".join(self.host.numpy.split(".")[:2]),
                                         uuid.uuid4().hex[:6], UNFINISHED)
        path = os.path.join(self.base, name)
        os.makedirs(path)
        return path

    def adopt(self, unfinished: str, contents: Contents) -> str:
        """Make a finished install the current one and return its final path."""
        with open(os.path.join(unfinished, CONTENTS), "w", encoding="utf-8") as stream:
            json.dump(asdict(contents), stream, indent=1)
        name = os.path.basename(unfinished)[:-len(UNFINISHED)]
        os.rename(unfinished, os.path.join(self.base, name))
        self._write(Pointer(name, self.pointer().current))
        return os.path.join(self.base, name)

    def go_back(self) -> Optional[str]:
        """Make the previous folder the current one, and the other way round; return it, None if there is none."""
        pointer = self.pointer()
        if pointer.previous is None:
            return None
        self._write(Pointer(pointer.previous, pointer.current))
        return self._path(pointer.previous)

    def forget(self) -> None:
        """Point nowhere: the folders are deleted at the next start."""
        self._write(Pointer())

    def contents(self, path: Optional[str]) -> Optional[Contents]:
        """Read what a folder holds; None where it doesn't say."""
        if path is None:
            return None
        try:
            with open(os.path.join(path, CONTENTS), encoding="utf-8") as stream:
                values = json.load(stream)
            return Contents(tuple(values["names"]), tuple(values["requirements"]), str(values["python"]),
                            str(values["numpy"]), str(values["installed"]), dict(values.get("versions", {})))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def clean(self) -> List[str]:
        """Delete what no pointer names, and installs abandoned long ago; return what could not be deleted."""
        if not os.path.isdir(self.base):
            return []
        named = {name for entry in self._entries().values() for name in (entry.current, entry.previous)}
        stuck = []
        for name in os.listdir(self.base):
            path = os.path.join(self.base, name)
            if name in named or not os.path.isdir(path):
                continue
            if name.endswith(UNFINISHED) and time.time() - os.path.getmtime(path) < ABANDONED_AFTER:
                continue  # another QGIS may be at work in it
            shutil.rmtree(path, ignore_errors=True)
            if os.path.exists(path):
                stuck.append(path)
        return stuck

    def _entries(self) -> Dict[str, Pointer]:
        """Read the pointers of all hosts; a file that can't be read counts as empty."""
        try:
            with open(os.path.join(self.base, POINTER), encoding="utf-8") as stream:
                values = json.load(stream)
        except (OSError, ValueError):
            return {}
        if not isinstance(values, dict):
            return {}
        return {str(tag): Pointer(_name(entry.get("current")), _name(entry.get("previous")))
                for tag, entry in values.items() if isinstance(entry, dict)}

    def _write(self, pointer: Pointer) -> None:
        """Replace this host's pointer in one step, so that a crash leaves the old or the new one."""
        os.makedirs(self.base, exist_ok=True)
        entries = self._entries()
        entries[self.host.tag] = pointer
        target = os.path.join(self.base, POINTER)
        temporary = "{}.{}".format(target, uuid.uuid4().hex[:6])
        with open(temporary, "w", encoding="utf-8") as stream:
            json.dump({tag: asdict(entry) for tag, entry in entries.items()}, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)

    def _existing(self, name: Optional[str]) -> Optional[str]:
        """Return the name if its folder is there."""
        return name if name is not None and os.path.isdir(os.path.join(self.base, name)) else None

    def _path(self, name: Optional[str]) -> Optional[str]:
        """Return the path of a folder's name."""
        return None if name is None else os.path.join(self.base, name)


def _name(value: object) -> Optional[str]:
    """Accept a plain folder name only: the pointer must not lead out of the base folder."""
    if isinstance(value, str) and value and value == os.path.basename(value) and value not in (".", ".."):
        return value
    return None
