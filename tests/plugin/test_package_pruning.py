"""What the host has is taken out of a fresh folder, file by file, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from earthprint.plugin.package_pruning import canonical, distributions, prune


def lay(folder: Path, name: str, version: str, *files: str) -> None:
    """Install a made-up distribution the way pip does: files and a record of them."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    listed = [*files, f"{info}/METADATA", f"{info}/RECORD"]
    for file in listed:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (folder / info / "METADATA").write_text(about, encoding="utf-8")
    (folder / info / "RECORD").write_text("".join(f"{file},,\n" for file in listed), encoding="utf-8")


@pytest.fixture
def folder(tmp_path) -> Path:
    path = tmp_path / "new"
    lay(path, "numpy", "1.24.4", "numpy/__init__.py", "numpy/core/a.so", "numpy.libs/b.so", "../../bin/f2py")
    lay(path, "scipy", "1.15.3", "scipy/__init__.py", "scipy.libs/c.so")
    lay(path, "protobuf", "7.1", "google/protobuf/__init__.py")
    lay(path, "google-extra", "1.0", "google/extra/__init__.py")
    lay(path, "onnxruntime", "1.23.2", "onnxruntime/__init__.py")
    (path / "numpy" / "__pycache__").mkdir()
    (path / "numpy" / "__pycache__" / "__init__.cpython-311.pyc").write_text("x", encoding="utf-8")
    (path / "bin").mkdir()
    (path / "bin" / "f2py").write_text("x", encoding="utf-8")
    return path


def tops(folder: Path):
    return sorted(name for name in os.listdir(folder) if not name.endswith(".dist-info"))


def test_numpy_goes_even_where_the_host_says_nothing_of_it(folder):
    assert prune(str(folder), ()) == ["numpy"]
    assert tops(folder) == ["google", "onnxruntime", "scipy", "scipy.libs"]
    assert "numpy" not in distributions([str(folder)])


def test_what_the_host_has_goes_too(folder):
    assert prune(str(folder), ("SciPy", "h3")) == ["numpy", "scipy"]
    assert tops(folder) == ["google", "onnxruntime"]
    assert distributions([str(folder)]) == {"protobuf": "7.1", "google-extra": "1.0", "onnxruntime": "1.23.2"}


def test_a_shared_namespace_keeps_its_other_half(folder):
    prune(str(folder), ("protobuf",))
    assert os.listdir(folder / "google") == ["extra"]


def test_a_record_that_points_outside_deletes_nothing_there(folder, tmp_path):
    victim = tmp_path / "victim.txt"
    victim.write_text("keep", encoding="utf-8")
    lay(folder, "evil", "1.0", "evil/__init__.py")
    record = folder / "evil-1.0.dist-info" / "RECORD"
    record.write_text(record.read_text(encoding="utf-8") + f"../victim.txt,,\n{victim},,\n", encoding="utf-8")
    assert prune(str(folder), ("evil",)) == ["evil", "numpy"]
    assert victim.read_text(encoding="utf-8") == "keep"


def test_names_compare_in_any_spelling():
    assert canonical("ML_dtypes") == canonical("ml.dtypes") == "ml-dtypes"
