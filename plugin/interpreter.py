"""Where the real Python of this QGIS may be: sys.executable is often QGIS itself, or another Python first on PATH."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from typing import List, Optional

from ..engine.package_plan import Host

PYTHON_NAME = re.compile(r"^python[\d.]*w?(\.exe)?$", re.IGNORECASE)

QUESTION = ("import importlib.util, json, platform, sys;"
            "print(json.dumps({'python': sys.version_info[:2], 'system': sys.platform,"
            "'machine': platform.machine().lower(), 'bits': sys.maxsize, "
            "'pip': importlib.util.find_spec('pip') is not None}))")


@dataclass(frozen=True)
class Answer:
    """What a candidate said of itself."""

    fits: bool
    has_pip: bool
    text: str


def candidates() -> List[str]:
    """List the files that may be this QGIS's interpreter, likeliest first; all exist and are named like a Python."""
    version = "{}.{}".format(*sys.version_info[:2])
    names = (["python.exe", "python3.exe", "python{}.exe".format(version)] if sys.platform == "win32"
             else ["python" + version, "python3", "python"])
    folders: List[str] = []
    for prefix in (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix):
        folders += [prefix] if sys.platform == "win32" else [os.path.join(prefix, "bin"), prefix]
    beside = os.path.dirname(sys.executable or "")
    if beside:
        folders += [beside, os.path.join(beside, "bin")]
    if sys.platform == "win32" and beside:
        short = "Python{}{}".format(*sys.version_info[:2])
        folders += [os.path.join(beside, os.pardir, "apps", short), os.path.join(beside, os.pardir, os.pardir, short)]
    if sys.platform == "darwin" and beside:
        folders += [os.path.join(beside, os.pardir, "Frameworks", "Python.framework", "Versions", version, "bin"),
                    os.path.join(beside, os.pardir, "Frameworks", "bin")]
    found = [os.path.join(folder, name) for folder in folders for name in names]
    base = getattr(sys, "_base_executable", None)
    found += [path for path in (base, sys.executable, shutil.which("python" + version)) if path]
    return list(dict.fromkeys(os.path.normpath(path) for path in found
                              if PYTHON_NAME.match(os.path.basename(path)) and os.path.isfile(path)))


def judge(output: str, host: Host) -> Answer:
    """Tell from a candidate's answer to QUESTION whether packages made by it fit the host."""
    said = _parsed(output)
    if said is None:
        return Answer(False, False, "it gave no answer")
    try:
        machine = {"amd64": "x86_64", "aarch64": "arm64"}.get(said["machine"], said["machine"])
        python = "{}.{}".format(*said["python"])
        text = "Python {} for {} {}".format(python, said["system"], machine)
        fits = (tuple(said["python"]) == host.python and said["system"] == host.system and machine == host.machine
                and said["bits"] == sys.maxsize)
        return Answer(fits, bool(said["pip"]), text)
    except (KeyError, TypeError, IndexError):
        return Answer(False, False, "it gave no answer")


def _parsed(output: str) -> Optional[dict]:
    """Find the line of JSON in an output that may hold warnings."""
    for line in output.splitlines():
        if line.startswith("{"):
            try:
                return json.loads(line)
            except ValueError:
                return None
    return None
