"""The package that GeoCLIP's weights are published in, and its own location encoder to compare with.

The wheel is downloaded once by pip into build/cache and checked by its SHA-256 before anything of it is used. Of its
code only the location encoder and what that imports is run, out of a temporary folder: the package itself wants
torchvision and transformers, and nothing of it is installed.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import subprocess
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / "build" / "cache"
NAME = "geoclip-1.3.0-py3-none-any.whl"
WHEEL_SHA256 = "08a93791166a279d 52b95c466a952c75 f17f654cc61bdf6a b20355325b564dec".replace(" ", "")
WEIGHTS = "geoclip/model/weights/location_encoder_weights.pth"
WEIGHTS_SHA256 = "94b80ae3af89fca7 8539e129dd2929d3 21247f5ceeeb0a31 bc2c31041a253394".replace(" ", "")
SOURCES = ("location_encoder.py", "misc.py", "rff/__init__.py", "rff/functional.py", "rff/layers.py")


def wheel() -> Path:
    """Return the wheel, or skip the test where it can't be had."""
    path = CACHE / NAME
    if not path.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        call = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--python-version", "3.11",
                "--retries", "0", "--timeout", "10", "--quiet", "--dest", str(CACHE), "geoclip==1.3.0"]
        try:
            subprocess.run(call, capture_output=True, check=True, timeout=180)
        except (OSError, subprocess.SubprocessError):
            pytest.skip("the package geoclip 1.3.0 can't be downloaded")
    if hashlib.sha256(path.read_bytes()).hexdigest() != WHEEL_SHA256:
        pytest.fail(f"{path} is not the wheel that was published")
    with zipfile.ZipFile(path) as archive:
        assert hashlib.sha256(archive.read(WEIGHTS)).hexdigest() == WEIGHTS_SHA256
    return path


def own_encoder(path: Path, folder: Path, patch: pytest.MonkeyPatch) -> Any:
    """Return the package's location encoder with its weights, out of a folder that holds that part alone."""
    pytest.importorskip("torch")
    with zipfile.ZipFile(path) as archive:
        for name in (*(f"geoclip/model/{source}" for source in SOURCES), WEIGHTS):
            archive.extract(name, folder)
    for name, place in (("geoclip", folder / "geoclip"), ("geoclip.model", folder / "geoclip" / "model")):
        bare = types.ModuleType(name)
        bare.__path__ = [str(place)]
        patch.setitem(sys.modules, name, bare)
    if importlib.util.find_spec("pandas") is None:
        # Only its gallery of places needs it.
        patch.setitem(sys.modules, "pandas", types.ModuleType("pandas"))
    encoder = importlib.import_module("geoclip.model.location_encoder").LocationEncoder().eval()
    for name in [name for name in sys.modules if name.startswith("geoclip.")]:
        patch.setitem(sys.modules, name, sys.modules[name])
    return encoder
