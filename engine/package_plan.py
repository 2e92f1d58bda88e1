"""Which versions of the optional packages fit a Python, NumPy and machine: what an installer is to ask pip for."""

from __future__ import annotations

import platform
import re
import sys
from dataclasses import dataclass
from typing import Iterable, Optional, Tuple

import numpy as np

from .errors import PackageError

EVERYDAY = ("onnxruntime", "scikit-learn", "h3")
EXTRA = ("pyarrow", "umap-learn", "usearch")
OLDEST_PYTHON = (3, 9)


@dataclass(frozen=True)
class Host:
    """The Python that packages are to work in; native builds must fit all four."""

    python: Tuple[int, int]
    numpy: str
    system: str
    machine: str

    @property
    def tag(self) -> str:
        """Name this kind of host in a file name, so that two QGIS versions can share one profile."""
        return "py{}{}-numpy{}.{}-{}-{}".format(*self.python, *numpy_minor(self.numpy), self.system, self.machine)


@dataclass(frozen=True)
class InstallPlan:
    """What to ask pip for on one host: requirements, the constraint that keeps NumPy, and words for the user."""

    requirements: Tuple[str, ...]
    constraints: Tuple[str, ...]
    older: Tuple[str, ...]
    remarks: Tuple[str, ...]


def this_host() -> Host:
    """Describe the running Python."""
    return Host((sys.version_info[0], sys.version_info[1]), np.__version__, sys.platform, machine_name())


def machine_name() -> str:
    """Return the processor's name in one spelling for all systems."""
    name = platform.machine().lower()
    return {"amd64": "x86_64", "aarch64": "arm64"}.get(name, name)


def numpy_minor(version: str) -> Tuple[int, int]:
    """Return the major and minor number of a NumPy version."""
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is None:
        raise PackageError("numpy-version", "NumPy's version {version} can't be read.", version=version)
    return int(found.group(1)), int(found.group(2))


def numpy_constraint(version: str) -> str:
    """Pin NumPy to the minor version that the host's GDAL was built against: another one breaks gdal_array."""
    major, minor = numpy_minor(version)
    return "numpy>={0}.{1},<{0}.{2}".format(major, minor, minor + 1)


def plan(host: Host, names: Iterable[str] = EVERYDAY) -> InstallPlan:
    """Choose requirement specifiers for the named packages on a host; "onnxruntime-gpu" takes onnxruntime's place."""
    wanted = tuple(dict.fromkeys(names))
    if host.python < OLDEST_PYTHON:
        raise PackageError(
            "python-too-old", "Earthprint's packages need Python 3.9 or newer, but this QGIS has {major}.{minor}: "
            "update QGIS.", major=host.python[0], minor=host.python[1])
    if "onnxruntime-gpu" in wanted:
        wanted = tuple(name for name in wanted if name != "onnxruntime")
    requirements = tuple(_requirement(name, host) for name in wanted)
    older = tuple(_older_runtime(host) if name == "onnxruntime" else _requirement(name, host) for name in wanted)
    remarks = tuple(remark for remark in (_remark(name, host) for name in wanted) if remark is not None)
    return InstallPlan(requirements, (numpy_constraint(host.numpy),), older if older != requirements else (), remarks)


def gpu_offered(host: Host) -> bool:
    """Tell whether there is a CUDA build of onnxruntime for this kind of host."""
    return host.system in ("linux", "win32") and host.machine == "x86_64" and host.python >= (3, 10)


def _requirement(name: str, host: Host) -> str:
    """Return the specifier of one package; upper bounds are the newest versions that were tried."""
    if name == "onnxruntime":
        return _runtime(host)
    if name == "onnxruntime-gpu":
        return _gpu_runtime(host)
    if name == "pyarrow":
        # 26 needs NumPy 2 without saying so in its metadata
        return "pyarrow>=14,<26" if numpy_minor(host.numpy) < (2, 0) else "pyarrow>=14,<27"
    known = {
        "scikit-learn": "scikit-learn>=1.3,<1.10",
        "h3": "h3>=4.1,<5",
        "umap-learn": "umap-learn>=0.5.6,<0.6",
        "usearch": "usearch>=2.16,<3",
    }
    if name not in known:
        raise PackageError("package-not-installable", "The package {name} is not one that Earthprint installs.",
                           name=name)
    return known[name]


def _runtime(host: Host) -> str:
    """Return onnxruntime's specifier: the newest version with wheels for the host (older systems step back)."""
    if numpy_minor(host.numpy) < (1, 21):
        raise PackageError(
            "numpy-too-old", "onnxruntime needs NumPy 1.21 or newer, but this QGIS has {numpy}, which can't be "
            "replaced without breaking GDAL: update QGIS.", numpy=host.numpy)
    if host.python >= (3, 14):
        if host.system == "darwin" and host.machine == "x86_64":
            raise PackageError(
                "no-onnxruntime", "There is no onnxruntime for Python {major}.{minor} on a Mac with an Intel "
                "processor: use a QGIS with Python 3.13 or older; what needs no packages works as it is.",
                major=host.python[0], minor=host.python[1])
        return "onnxruntime>=1.24.4,<1.27"
    if host.python == (3, 9):
        return "onnxruntime>=1.17,<=1.19.2"
    return "onnxruntime>=1.20,<=1.23.2"


def _gpu_runtime(host: Host) -> str:
    """Return the CUDA build's specifier; from 1.27 on its CUDA packages are placeholders or need the newest drivers."""
    if not gpu_offered(host):
        raise PackageError(
            "no-gpu-build", "There is no CUDA build of onnxruntime for Python {major}.{minor} on {system} {machine}: "
            "install the ordinary onnxruntime.", major=host.python[0], minor=host.python[1], system=host.system,
            machine=host.machine)
    if host.python >= (3, 14):
        return "onnxruntime-gpu[cuda,cudnn]>=1.24.1,<1.27"
    return "onnxruntime-gpu[cuda,cudnn]==1.23.2"


def _older_runtime(host: Host) -> str:
    """Return what to try where the newest runtime's DLLs do not load: 1.20 needs no recent Visual C++ runtime."""
    if host.system == "win32" and (3, 10) <= host.python <= (3, 13):
        return "onnxruntime==1.20.1"
    return _runtime(host)


def _remark(name: str, host: Host) -> Optional[str]:
    """Say what a user should know before pressing the button."""
    if name == "onnxruntime-gpu":
        return ("The CUDA build downloads more than 1 GB and needs an NVIDIA card with driver 525 or newer; "
                "encoders then run on the graphics card.")
    if name == "onnxruntime" and host.system == "darwin" and host.machine == "x86_64":
        return "On a Mac with an Intel processor onnxruntime stays at 1.23, the last version made for it."
    return None
