"""Optional packages: which are here, what each is for, and the true reason when one won't load."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import re
import sys
import sysconfig
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Optional, Tuple

import numpy as np

from .errors import PackageError
from .package_plan import numpy_constraint, numpy_minor, plan, this_host

MENU = "Plugins ▸ Earthprint ▸ Packages…"

NUMPY_CLASH = re.compile(
    r"numpy\.core\.(multiarray|umath) failed to import|numpy\._core|_ARRAY_API not found|numpy\.dtype size changed"
    r"|compiled (using|against) (NumPy|numpy|ABI|API)|binary incompatibility|requires NumPy 2", re.IGNORECASE)
LIBRARY_FAILED = re.compile(
    r"DLL load failed|DLL initialization routine|DLL initiali[sz]ation|WinError 1114|WinError 126|_pybind11_state"
    r"|GLIBC|GLIBCXX|dlopen|Library not loaded|cannot open shared object", re.IGNORECASE)


@dataclass(frozen=True)
class Package:
    """What Earthprint knows about a package that it can do without; `trial` are modules that show whether it works."""

    name: str
    module: str
    distributions: Tuple[str, ...]
    purpose: str
    needed_by: Tuple[str, ...]
    oldest: str
    by_click: bool
    trial: Tuple[str, ...] = ()


@dataclass(frozen=True)
class PackageState:
    """Whether a package can be used here: `version` is None when it is missing, `problem` None when all is well."""

    name: str
    version: Optional[str]
    problem: Optional[str]
    purpose: str
    needed_by: Tuple[str, ...]
    location: Optional[str] = None
    by_click: bool = True

    @property
    def usable(self) -> bool:
        """Tell whether nothing is known to stand against using it."""
        return self.problem is None


_TRAINERS = ("Train regression", "Train classification", "Predict at finer units", "Fill missing values",
             "Forecast table")

CATALOGUE: Tuple[Package, ...] = (
    Package("onnxruntime", "onnxruntime", ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml"),
            "running ONNX encoders and predictors of trees",
            ("Embed raster", "Embed raster as patches", "Embed geotagged photos", "Add an encoder", "Predict raster",
             "Predict table", "Explain a predictor"), "1.16", True),
    Package("scikit-learn", "sklearn", ("scikit-learn",),
            "clusters by mixtures, density and joining, and training of forests and boosted trees",
            ("Cluster raster", "Cluster table", *_TRAINERS), "1.1", True,
            ("sklearn.cluster", "sklearn.ensemble", "sklearn.linear_model", "sklearn.neighbors")),
    Package("h3", "h3", ("h3",), "hexagons", ("Aggregate raster to H3", "Aggregate table to H3"), "4.0", True),
    Package("pyarrow", "pyarrow", ("pyarrow",), "reading and writing GeoParquet",
            ("Import embeddings", "Export embeddings"), "10.0", True, ("pyarrow.parquet",)),
    Package("usearch", "usearch", ("usearch",), "an approximate index for searches among millions",
            ("Nearest in embedding",), "2.9", True, ("usearch.index",)),
    Package("umap-learn", "umap", ("umap-learn",), "reductions by UMAP",
            ("Reduce dimensions of raster", "Reduce dimensions of table"), "0.5", True),
    Package("torch", "torch", ("torch",), "training location encoders (using them needs no torch)",
            ("Train a location encoder",), "2.0", False),
)


def require(name: str) -> ModuleType:
    """Import an optional package or one of its modules, or raise PackageError with one sentence that helps."""
    package = find(name)
    module = name if name.split(".")[0] == package.module else package.module
    if not _spec_exists(package.module):
        raise _missing(package)
    too_old = _version_problem(package, installed_version(package))
    if too_old is not None:
        raise _unusable(package, too_old)
    try:
        return importlib.import_module(module)
    except Exception as error:  # noqa: BLE001  (an extension module may raise anything while it loads)
        raise _unusable(package, explain(error)) from error


def state(name: str) -> PackageState:
    """Say whether a package is here, without importing it."""
    package = find(name)
    plain = PackageState(package.name, None, None, package.purpose, package.needed_by, None, package.by_click)
    spec = _find_spec(package.module)
    if spec is None:
        return replace(plain, problem="It is not installed.")
    version = installed_version(package)
    location = spec.origin if spec.origin else None
    if location is None:
        folders = list(spec.submodule_search_locations or [])
        where = folders[0] if folders else "?"
        return replace(plain, version=version, location=where,
                       problem="Only an empty folder {} is left of it: remove the folder, then install it again."
                       .format(where))
    return replace(plain, version=version, location=os.path.dirname(location),
                   problem=_version_problem(package, version))


def probe(name: str) -> PackageState:
    """Say whether a package really loads, by importing it into this process."""
    found = state(name)
    if found.problem is not None:
        return found
    package = find(name)
    try:
        module = importlib.import_module(package.module)
    except Exception as error:  # noqa: BLE001  (an extension module may raise anything while it loads)
        return replace(found, problem=explain(error))
    version = found.version or str(getattr(module, "__version__", "")) or None
    return replace(found, version=version, problem=_version_problem(package, version))


def all_states() -> Tuple[PackageState, ...]:
    """Say of each package in the catalogue whether it is here, without importing any."""
    return tuple(state(package.name) for package in CATALOGUE)


def find(name: str) -> Package:
    """Return the catalogue's entry for a package's or module's name."""
    root = name.split(".")[0]
    for package in CATALOGUE:
        if root in (package.name, package.module):
            return package
    raise PackageError("package-unknown", "The package {name} is not one that Earthprint uses.", name=name)


def installed_version(package: Package) -> Optional[str]:
    """Return the version that the package's own metadata states, without importing it."""
    for distribution in package.distributions:
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def explain(error: BaseException) -> str:
    """Turn the true import error into words, keeping it, with what is known to cure it."""
    return explain_text("{}: {}".format(type(error).__name__, " ".join(str(error).split()) or "no message"))


def explain_text(text: str) -> str:
    """Do the same for an import error that another process has reported as "Type: message"."""
    if NUMPY_CLASH.search(text):
        return ("It was built for another NumPy than the {} of this Python ({}); "
                "a build for NumPy {} is needed").format(
                    np.__version__, text, "{}.{}".format(*numpy_minor(np.__version__)))
    if LIBRARY_FAILED.search(text):
        cure = ("; install the current Microsoft Visual C++ Redistributable (x64) and restart QGIS"
                if sys.platform == "win32" else "")
        return "A system library that it needs did not load ({}){}".format(text, cure)
    return "It is installed but does not load ({})".format(text)


def interpreter() -> str:
    """Name the Python that was searched; inside QGIS sys.executable is QGIS itself, so its prefix is given too."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    return "Python {} in {}".format(version, sys.prefix)


def pip_command(package: Package) -> str:
    """Give the command that installs a package for this Python where there is no desktop."""
    name = os.path.basename(sys.executable or "")
    python = sys.executable if name.lower().startswith("python") else "python{}.{}".format(*sys.version_info[:2])
    host = this_host()
    try:
        requirement = plan(host, (package.name,)).requirements[0]
    except PackageError:  # one that the installer doesn't offer, such as torch
        requirement = package.name
    install = 'pip install --only-binary=:all: "{}" "{}"'.format(requirement, numpy_constraint(host.numpy))
    if not _externally_managed():
        return "{} -m {}".format(python, install)
    return ("{} -m venv --system-site-packages earthprint-packages && earthprint-packages/bin/{}, then put "
            "earthprint-packages/bin first in PATH".format(python, install))


def _externally_managed() -> bool:
    """Tell whether the system forbids pip to install into this Python, as Debian's does outside of venvs."""
    mark = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    return sys.prefix == sys.base_prefix and os.path.exists(mark)


def _missing(package: Package) -> PackageError:
    """Make the error of a package that isn't there."""
    if not package.by_click:
        return PackageError(
            "package-missing",
            "The Python package {name} is needed for {purpose} but is not installed for {interpreter}: install it "
            "with: {command} (its build for the CPU is enough; where pip would download gigabytes for CUDA, take the "
            "command for “CPU” from PyTorch's own start page).",
            name=package.name, purpose=package.purpose, interpreter=interpreter(), command=pip_command(package))
    return PackageError(
        "package-missing",
        "The Python package {name} is needed for {purpose} but is not installed for {interpreter}: "
        "install it with {menu}, or without a desktop with: {command}",
        name=package.name, purpose=package.purpose, interpreter=interpreter(), menu=MENU,
        command=pip_command(package))


def _unusable(package: Package, reason: str) -> PackageError:
    """Make the error of a package that is there but can't be used."""
    spec = _find_spec(package.module)
    where = (spec.origin or package.module) if spec is not None else package.module
    return PackageError(
        "package-unusable",
        "The Python package {name} is needed for {purpose} but can't be used: {reason}. It was found at {where} by "
        "{interpreter}: update or remove that copy, then install it with {menu}, or without a desktop with: {command}",
        name=package.name, purpose=package.purpose, reason=reason.rstrip("."), where=where,
        interpreter=interpreter(), menu=MENU, command=pip_command(package))


def _find_spec(module: str) -> Optional[importlib.machinery.ModuleSpec]:
    """Look a top-level module up; a half-loaded one in sys.modules may have no spec, which is no reason to fail."""
    try:
        return importlib.util.find_spec(module)
    except (ValueError, ImportError):
        return None


def _spec_exists(module: str) -> bool:
    """Tell whether a module would be found; a leftover empty folder counts as absent."""
    if module in sys.modules:
        return sys.modules[module] is not None
    spec = _find_spec(module)
    return spec is not None and spec.origin is not None


def _version_problem(package: Package, version: Optional[str]) -> Optional[str]:
    """Say what is wrong with a version: too old for the calls Earthprint makes, or known to need another NumPy."""
    if version is None:
        return None
    if _numbers(version) < _numbers(package.oldest):
        return "Version {} is too old; at least {} is needed.".format(version, package.oldest)
    if package.name == "pyarrow" and _numbers(version) >= (26,) and _numbers(np.__version__) < (2,):
        return "Version {} needs NumPy 2, but this Python has {}; a version before 26 is needed.".format(
            version, np.__version__)
    return None


def _numbers(version: str) -> Tuple[int, ...]:
    """Return the leading numbers of a version, for comparing."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()
