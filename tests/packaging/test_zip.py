"""The zip that users install: what is in it, what the plugin site would say, and that it runs in a clean profile."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import List

import numpy as np
import pytest
from osgeo import gdal
from qgis_command import QgisProcess
from small_scene import write_scene

ROOT = Path(__file__).resolve().parent.parent.parent


def make_zip(folder: Path) -> Path:
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "package.py"), str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.zip")
    assert str(path) in done.stdout
    return path


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    return make_zip(tmp_path_factory.mktemp("zip"))


@pytest.fixture(scope="module")
def unpacked(package, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def names(package) -> List[str]:
    with zipfile.ZipFile(package) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def metadata_of(folder: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(folder / "earthprint" / "metadata.txt", encoding="utf-8")
    return parser["general"]


# ---- what is in it


def test_it_has_one_top_folder(names):
    assert {name.split("/")[0] for name in names} == {"earthprint"}


def test_it_holds_what_users_need(names):
    for needed in ("__init__.py", "metadata.txt", "LICENSE", "README.md", "CHANGELOG.md"):
        assert f"earthprint/{needed}" in names
    for folder in ("engine", "processing_provider", "plugin", "ui", "resources", "models"):
        assert any(name.startswith(f"earthprint/{folder}/") for name in names), folder


def test_it_holds_every_module_of_the_rooms(names):
    sources = {
        f"earthprint/{path.relative_to(ROOT).as_posix()}"
        for room in ("engine", "processing_provider", "plugin", "ui")
        for path in (ROOT / room).rglob("*.py")
    }
    assert sources <= set(names)


def test_it_holds_nothing_else(names):
    folders = {name.split("/")[1] for name in names if name.count("/") > 1}
    assert folders <= {"engine", "processing_provider", "plugin", "ui", "resources", "models"}
    endings = (".pyc", ".zip", ".sh", ".exe", ".dll", ".so", ".tmp", ".aux.xml", ".db")
    for name in names:
        parts = name.split("/")
        assert not any(part.startswith(".") or part == "__pycache__" or part == "tests" for part in parts), name
        assert not name.endswith(endings), name


def test_it_is_small_enough_for_the_plugin_site(package):
    assert package.stat().st_size < 20_000_000


def test_nothing_in_it_is_executable(package):
    with zipfile.ZipFile(package) as archive:
        assert [item.filename for item in archive.infolist() if item.external_attr >> 16 & 0o111] == []


def test_it_is_the_same_every_time(package, tmp_path):
    again = make_zip(tmp_path)
    assert hashlib.sha256(again.read_bytes()).hexdigest() == hashlib.sha256(package.read_bytes()).hexdigest()
    assert again.name == package.name


def test_its_name_bears_the_version(package, unpacked):
    assert package.name == f"earthprint-{metadata_of(unpacked)['version']}.zip"


def test_the_scene_of_the_demo_comes_along_without_its_driver(unpacked):
    demo = unpacked / "earthprint" / "resources" / "demo"
    assert not any((demo / f"{name}.py").exists() for name in ("run_demo", "qgis_runs", "steps", "demo_layers"))
    code = "from earthprint.resources.demo.scene import make_scene; print(make_scene(64, 64).spring.shape)"
    done = subprocess.run([sys.executable, "-c", code], cwd=unpacked, capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(unpacked)})
    assert (done.returncode, done.stdout.strip()) == (0, "(6, 64, 64)"), done.stderr


# ---- what the plugin site asks for


def test_the_metadata_is_complete(unpacked):
    general = metadata_of(unpacked)
    required = "name qgisMinimumVersion description about version author email repository tracker homepage".split()
    for key in [*required, "license", "tags", "category", "icon", "changelog"]:
        assert general.get(key), key
    assert general["hasProcessingProvider"] == "yes"
    assert general["qgisMinimumVersion"] == "3.22"
    assert general["qgisMaximumVersion"] == "4.99"
    assert general["supportsQt6"] == "yes"
    assert general["license"] == "GPL-2.0-or-later"
    assert (unpacked / "earthprint" / general["icon"]).is_file()
    assert not (unpacked / "earthprint" / "metadata.txt").read_bytes().startswith(b"\xef\xbb\xbf")


def test_the_licence_is_the_gpl(unpacked):
    text = (unpacked / "earthprint" / "LICENSE").read_text(encoding="utf-8")
    assert "GNU GENERAL PUBLIC LICENSE" in text
    assert "Version 2, June 1991" in text


def test_the_changelog_speaks_of_this_version(unpacked):
    text = (unpacked / "earthprint" / "CHANGELOG.md").read_text(encoding="utf-8")
    assert metadata_of(unpacked)["version"] in text


def tool(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True, check=False)


def test_flake8_finds_nothing(unpacked):
    pytest.importorskip("flake8")
    done = tool(unpacked, "flake8", "--isolated", "--max-line-length=120", "earthprint")
    assert (done.returncode, done.stdout) == (0, "")


def test_bandit_finds_nothing(unpacked):
    pytest.importorskip("bandit")
    done = tool(unpacked, "bandit", "-q", "-r", "earthprint", "-f", "json")
    report = json.loads(done.stdout)
    assert [(item["filename"], item["line_number"], item["issue_text"]) for item in report["results"]] == []
    assert report["errors"] == []
    assert report["metrics"]["_totals"]["loc"] > 1000


def test_detect_secrets_finds_nothing(unpacked):
    pytest.importorskip("detect_secrets")
    done = tool(unpacked, "detect_secrets", "scan", "--all-files", "--exclude-files", r"metadata\.txt", ".")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"] == {}


def test_the_scan_for_secrets_would_find_one(unpacked, tmp_path):
    pytest.importorskip("detect_secrets")
    # Put together here, so that no scan of this file takes it for a key.
    key = "AKIA" + "IOSFODNN7" + "EXAMPLF"
    (tmp_path / "planted.py").write_text(f"KEY = '{key}'\n", encoding="utf-8")
    done = tool(tmp_path, "detect_secrets", "scan", "--all-files", ".")
    assert list(json.loads(done.stdout)["results"]) == ["planted.py"]


# ---- that it runs


@pytest.fixture(scope="module")
def installed(unpacked, tmp_path_factory) -> QgisProcess:
    pytest.importorskip("qgis.core")
    return QgisProcess(tmp_path_factory.mktemp("profile"), unpacked / "earthprint")


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Path:
    return write_scene(tmp_path_factory.mktemp("scene") / "scene.tif")


def test_the_installed_plugin_offers_its_algorithms(installed):
    listed = installed("list").succeeded()
    assert "earthprint:embedraster\t" in listed.output
    assert "Traceback" not in listed.errors


def test_the_installed_plugin_embeds_a_raster(installed, scene, tmp_path):
    output = tmp_path / "field.tif"
    call = ("run", "earthprint:embedraster", f"INPUT={scene}", "CELL=8", "DIMENSIONS=6", f"OUTPUT={output}")
    ended = installed(*call, cwd=tmp_path, environment={"EARTHPRINT_ENCODERS": str(tmp_path / "encoders")}).succeeded()
    assert Path(ended.results()["OUTPUT"]) == output
    dataset = gdal.Open(str(output))
    assert (dataset.RasterXSize, dataset.RasterYSize, dataset.RasterCount) == (16, 12, 6)
    assert dataset.GetGeoTransform() == (500000, 80, 0, 5600000, 0, -80)
    values = dataset.ReadAsArray()
    assert np.isfinite(values).all()
    assert (values.std(axis=(1, 2)) > 0).all()


def test_the_installed_plugin_writes_nothing_into_its_own_folder(installed, unpacked, package):
    with zipfile.ZipFile(package) as archive:
        shipped = set(archive.namelist())
    found = {
        Path(folder, name).relative_to(unpacked).as_posix()
        for folder, _, files in os.walk(unpacked)
        for name in files
        if "__pycache__" not in folder
    }
    assert found == shipped
