"""The steps of an installation, as a generator that yields commands and is sent their results: no Qt, no waiting.

A fresh folder is filled by pip under the host's NumPy, freed of what the host has, tried in a Python of its own, and
only then becomes the current one. Until that moment nothing that works has been touched.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from typing import Dict, Sequence, Tuple

from ..engine import packages
from ..engine.errors import PackageError
from ..engine.package_plan import EVERYDAY, EXTRA, Host, InstallPlan, plan
from .commands import Command, Result, Steps
from .interpreter import QUESTION, judge
from .package_folders import Contents, PackageFolders
from .package_pruning import canonical, distributions

HERE = os.path.dirname(os.path.abspath(__file__))
CHECK = os.path.join(HERE, "package_check.py")
PRUNING = os.path.join(HERE, "package_pruning.py")
PLAIN_VERSION = re.compile(r"^\d+(\.\d+)*(\.?(post|rc|a|b)\d+)?$")
UNREACHABLE = re.compile(r"NewConnectionError|Max retries exceeded|getaddrinfo|ProxyError|SSLError|CERTIFICATE_VERIFY"
                         r"|timed out|NameResolutionError|Could not fetch URL", re.IGNORECASE)
UNSOLVABLE = re.compile(r"ResolutionImpossible|No matching distribution found|conflicting dependencies", re.IGNORECASE)
NO_SPACE = re.compile(r"No space left on device|not enough space on the disk|Errno 28", re.IGNORECASE)
FORBIDDEN = re.compile(r"Permission denied|Access is denied|Errno 13|WinError 5\b", re.IGNORECASE)


@dataclass(frozen=True)
class InstallRequest:
    """Everything an installation needs to know, gathered beforehand so that it asks nothing of QGIS."""

    names: Tuple[str, ...]
    host: Host
    folders: PackageFolders
    interpreters: Tuple[str, ...]
    host_paths: Tuple[str, ...]
    search_path: Tuple[str, ...]
    first: Tuple[str, ...]


@dataclass(frozen=True)
class Installed:
    """What came of it: the folder that is current now and the versions in it."""

    folder: str
    versions: Dict[str, str]


def install(request: InstallRequest) -> Steps[Installed]:
    """Install the named packages into a new folder and make it the current one, or raise PackageError."""
    wanted = plan(request.host, request.names)
    refuse_shadowed(request)
    python = yield from find_python(request)
    folder = new_folder(request.folders)
    try:
        yield from _fill(request, wanted, wanted.requirements, python, folder)
        problems = yield from _try(request, python, folder)
        if problems and wanted.older and any(packages.LIBRARY_FAILED.search(text) for text in problems.values()):
            empty(folder)
            yield from _fill(request, wanted, wanted.older, python, folder)
            problems = yield from _try(request, python, folder)
        if problems:
            raise _does_not_load(problems)
        contents = _contents(request, wanted, folder)
        return Installed(request.folders.adopt(folder, contents), contents.versions)
    except BaseException:  # also when the generator is closed, which is how a cancel arrives
        shutil.rmtree(folder, ignore_errors=True)
        raise


def find_python(request: InstallRequest) -> Steps[str]:
    """Find the interpreter whose packages fit this QGIS, by asking each candidate what it is."""
    seen = []
    without_pip = None
    for path in request.interpreters:
        result = yield Command(path, ("-c", QUESTION), "Looking for the Python of this QGIS…", 0.01, quiet=True)
        answer = judge(result.output, request.host) if result.code == 0 else judge("", request.host)
        if answer.fits and answer.has_pip:
            return path
        if answer.fits:
            without_pip = path
        seen.append("{} ({})".format(path, "has no pip" if answer.fits else answer.text))
    if without_pip is not None:
        raise PackageError(
            "no-pip", "The Python of this QGIS, {path}, has no pip to install with: install it first ({hint}).",
            path=without_pip, hint=_pip_hint())
    raise PackageError(
        "no-interpreter", "No interpreter was found that fits this QGIS (Python {python} for {system} {machine}); "
        "tried: {seen}.", python="{}.{}".format(*request.host.python), system=request.host.system,
        machine=request.host.machine, seen="; ".join(seen) or "nothing")


def new_folder(folders: PackageFolders) -> str:
    """Make the folder to install into, or say in words why that can't be done."""
    try:
        return folders.new_folder()
    except OSError as error:
        raise PackageError("packages-folder", "The folder {path} can't be written ({reason}): free it or check its "
                           "permissions.", path=folders.base, reason=error.strerror or str(error)) from error


def pip_arguments(folder: str, constraints: str, requirements: Sequence[str]) -> Tuple[str, ...]:
    """Return pip's arguments: into our folder, wheels only, nothing built, nothing asked."""
    return ("-m", "pip", "install", "--target", folder, "--upgrade", "--only-binary=:all:", "--no-warn-script-location",
            "--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--constraint", constraints,
            *requirements)


def host_constraints(wanted: InstallPlan, has: Dict[str, str]) -> Tuple[str, ...]:
    """Pin what the host has, since its copy is the one that will be imported whatever pip brings.

    Versions that no index can hold (a distribution's own spelling, 0.0.0) are left open.
    """
    asked = {canonical(re.split(r"[\[<>=!~ ]", text)[0]) for text in wanted.requirements} | {"numpy", "pip"}
    pins = tuple("{}=={}".format(name, version) for name, version in sorted(has.items())
                 if name not in asked and PLAIN_VERSION.match(version) and version.strip("0.") != "")
    return wanted.constraints + pins


def refuse_shadowed(request: InstallRequest) -> None:
    """Refuse to install what the host has already: its copy comes first on the path, so ours would never be used."""
    has = distributions(request.host_paths)
    for name in request.names:
        known = packages.find("onnxruntime" if name == "onnxruntime-gpu" else name)
        for distribution in known.distributions:
            if canonical(distribution) in has:
                raise PackageError(
                    "package-shadowed", "{distribution} {version} is already installed in the Python of this QGIS and "
                    "comes first, so another copy would not be used: update or remove it there (with what installed "
                    "it: pip, OSGeo4W, your distribution).", distribution=distribution,
                    version=has[canonical(distribution)])


def empty(folder: str) -> None:
    """Clear an unfinished folder for another attempt."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, exist_ok=True)


def _fill(request: InstallRequest, wanted: InstallPlan, requirements: Sequence[str], python: str,
          folder: str) -> Steps[None]:
    """Let pip fill the folder, first under all that the host has, then under its NumPy alone; then prune."""
    has = distributions(request.host_paths)
    attempts = list(dict.fromkeys((host_constraints(wanted, has), wanted.constraints)))
    result = Result(None, "")
    for constraints in attempts:
        empty(folder)
        file = os.path.join(folder, "constraints.txt")
        with open(file, "w", encoding="utf-8") as stream:
            stream.write("\n".join(constraints) + "\n")
        result = yield Command(python, pip_arguments(folder, file, requirements), "Downloading packages…", 0.05)
        if result.code == 0:
            break
        if not UNSOLVABLE.search(result.output) or UNREACHABLE.search(result.output):
            break
    if result.code != 0:
        raise _pip_failed(result)
    question = _write(folder, "prune.json", {"folder": folder, "host_has": sorted(has)})
    result = yield Command(python, (PRUNING, question), "Leaving out what QGIS has…", 0.86, quiet=True)
    if result.code != 0:
        raise PackageError("pruning-failed", "The packages were downloaded, but the NumPy that came along could not be "
                           "taken out again, so nothing was changed: {reason}", reason=result.output.strip()[-300:])


def _try(request: InstallRequest, python: str, folder: str) -> Steps[Dict[str, str]]:
    """Import everything in a Python of its own, as QGIS would; return what failed."""
    wanted = [packages.find("onnxruntime" if name == "onnxruntime-gpu" else name) for name in request.names]
    modules = [module for package in wanted for module in (package.module, *package.trial)]
    question = _write(folder, "check.json", {"paths": list(request.search_path), "folder": folder,
                                             "first": list(request.first), "modules": modules})
    result = yield Command(python, (CHECK, question), "Trying the packages…", 0.9, quiet=True)
    line = next((text for text in reversed(result.output.splitlines()) if text.startswith("{")), None)
    if line is None:
        return {"Python": "it stopped with exit code {} while loading the packages: {}".format(
            result.code, " ".join(result.output.split())[-500:])}
    answer = json.loads(line)
    problems = {str(name): str(text) for name, text in answer["problems"].items()}
    numpy_file = os.path.realpath(answer["numpy"]["file"])
    if numpy_file.startswith(os.path.join(os.path.realpath(folder), "")):
        problems["numpy"] = "the copy that pip brought along would be used instead of the one of QGIS"
    return problems


def _write(folder: str, name: str, question: Dict[str, object]) -> str:
    """Write what a child process is to do, since a command line has limits of length and quoting."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(question, stream)
    return path


def _contents(request: InstallRequest, wanted: InstallPlan, folder: str) -> Contents:
    """Describe the folder for later: what it was asked for and what is in it."""
    return Contents(request.names, wanted.requirements, "{}.{}.{}".format(*sys.version_info[:3]), request.host.numpy,
                    datetime.datetime.now().isoformat(timespec="seconds"), distributions((folder,)))


def _pip_failed(result: Result) -> PackageError:
    """Put pip's failure into one sentence; the log holds the rest."""
    last = next((text.strip() for text in reversed(result.output.splitlines()) if "ERROR" in text), "")
    if result.code is None:
        return PackageError("pip-not-started", "Python could not be started: {reason}.", reason=result.output or "?")
    if NO_SPACE.search(result.output):
        return PackageError("pip-no-space", "The disk is full: free about 1 GB and try again.")
    if UNREACHABLE.search(result.output):
        return PackageError("pip-unreachable", "The Python package index can't be reached: check the network and "
                            "QGIS's proxy (Settings ▸ Options ▸ Network), then try again.")
    if FORBIDDEN.search(result.output):
        return PackageError("pip-forbidden", "A file could not be written: check the permissions of the folder and "
                            "whether a virus scanner holds it. pip said: {last}", last=last)
    if UNSOLVABLE.search(result.output):
        return PackageError("pip-unsolvable", "There are no ready-made packages that fit this QGIS's Python and "
                            "NumPy. pip said: {last}", last=last)
    return PackageError("pip-failed", "pip stopped with exit code {number}: {last}", number=result.code,
                        last=last or "see the log")


def _does_not_load(problems: Dict[str, str]) -> PackageError:
    """Say which package was installed but does not load, with the cure where it is known."""
    name, text = next(iter(problems.items()))
    cure = packages.explain_text(text) if name != "numpy" else text
    return PackageError(
        "packages-do-not-load", "The packages were downloaded but {name} does not load, so nothing was changed: "
        "{cure}.",
        name=name, cure=cure.rstrip("."))


def _pip_hint() -> str:
    """Say how pip is got on this system."""
    if sys.platform == "linux":
        return "on Debian and Ubuntu: sudo apt install python3-pip"
    if sys.platform == "win32":
        return "OSGeo4W setup, package python3-pip"
    return "python3 -m ensurepip"


def selectable() -> Tuple[str, ...]:
    """Name the packages that a click can install."""
    return EVERYDAY + EXTRA
