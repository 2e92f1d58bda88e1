"""Removes from a fresh package folder what the host already has, so that there is one copy of each thing.

NumPy goes always: GDAL's bindings work with the host's alone. Everything else that the host has of its own (SciPy on
most installations) goes too: the host's copy is found first, so the one in the folder would never be imported, but
would make a mixture of two builds should somebody reorder the search path.

Runs as a script with the path of a JSON file (`folder`, `host_has`), so that QGIS goes on while thousands of files are
deleted.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import sys
from typing import Dict, Iterable, List, Sequence

ALWAYS = ("numpy",)


def canonical(name: str) -> str:
    """Return a distribution's name in the one spelling that compares."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions(paths: Sequence[str]) -> Dict[str, str]:
    """Return name and version of what is installed on the given paths; the first on the path counts."""
    found: Dict[str, str] = {}
    for distribution in importlib.metadata.distributions(path=list(paths)):
        name = distribution.metadata["Name"]
        if name and distribution.version:
            found.setdefault(canonical(name), distribution.version)
    return found


def prune(folder: str, host_has: Iterable[str]) -> List[str]:
    """Delete from the folder the distributions that the host has, and return their names."""
    unwanted = {canonical(name) for name in host_has} | set(ALWAYS)
    removed = []
    for distribution in list(importlib.metadata.distributions(path=[folder])):
        name = canonical(distribution.metadata["Name"] or "")
        if name in unwanted:
            _delete(folder, distribution)
            removed.append(name)
    shutil.rmtree(os.path.join(folder, "bin"), ignore_errors=True)  # command line scripts, of no use here
    return sorted(removed)


def _delete(folder: str, distribution: importlib.metadata.Distribution) -> None:
    """Delete the files that a distribution lists, then the folders this empties (a namespace may be shared)."""
    root = os.path.realpath(folder)
    touched = set()
    for entry in distribution.files or ():
        path = os.path.realpath(os.path.join(root, str(entry)))
        if not path.startswith(os.path.join(root, "")):
            continue
        if os.path.isfile(path):
            os.remove(path)
        parent = os.path.dirname(path)
        while parent != root and parent.startswith(root):
            touched.add(parent)
            parent = os.path.dirname(parent)
    for path in sorted(touched, key=len, reverse=True):
        shutil.rmtree(os.path.join(path, "__pycache__"), ignore_errors=True)
        if os.path.isdir(path) and not os.listdir(path):
            os.rmdir(path)


def main(question_path: str) -> int:
    """Prune as a JSON file says."""
    with open(question_path, encoding="utf-8") as stream:
        question = json.load(stream)
    sys.stdout.write(json.dumps(prune(question["folder"], question["host_has"])) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
