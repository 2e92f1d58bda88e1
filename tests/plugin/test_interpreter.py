"""Finding the Python of a QGIS: never QGIS itself, never one of another version."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from earthprint.engine.package_plan import Host, this_host
from earthprint.plugin import interpreter


def test_the_running_python_is_among_the_candidates_and_fits():
    paths = interpreter.candidates()
    assert paths
    done = subprocess.run([paths[0], "-c", interpreter.QUESTION], capture_output=True, text=True, check=True)
    assert interpreter.judge("a warning first\n" + done.stdout, this_host()).fits


def windows(tmp_path, monkeypatch, *files: str):
    """Lay out a QGIS for Windows and let the running Python look like the one inside."""
    for file in files:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    home = str(tmp_path / "apps" / "Python{}{}".format(*sys.version_info[:2]))
    monkeypatch.setattr(sys, "platform", "win32")
    for name in ("prefix", "exec_prefix", "base_prefix", "base_exec_prefix"):
        monkeypatch.setattr(sys, name, home)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "qgis-ltr-bin.exe"))
    monkeypatch.setattr(sys, "_base_executable", sys.executable, raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    return [os.path.relpath(path, tmp_path) for path in interpreter.candidates()]


def test_on_windows_qgis_is_never_a_candidate(tmp_path, monkeypatch):
    short = "Python{}{}".format(*sys.version_info[:2])
    found = windows(tmp_path, monkeypatch, "bin/qgis-ltr-bin.exe", f"apps/{short}/python.exe", "bin/python3.exe",
                    f"apps/{short}/python-not-this.exe")
    assert found == [f"apps/{short}/python.exe", "bin/python3.exe"]


def test_on_windows_the_python_beside_qgis_is_found_though_the_prefix_leads_nowhere(tmp_path, monkeypatch):
    short = "Python{}{}".format(*sys.version_info[:2])
    found = windows(tmp_path, monkeypatch, "bin/qgis-ltr-bin.exe")
    assert found == []
    (tmp_path / "apps" / short).mkdir(parents=True)
    (tmp_path / "apps" / short / "python3.exe").write_text("", encoding="utf-8")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "nowhere"))
    for name in ("exec_prefix", "base_prefix", "base_exec_prefix"):
        monkeypatch.setattr(sys, name, str(tmp_path / "nowhere"))
    assert [os.path.relpath(path, tmp_path) for path in interpreter.candidates()] == [f"apps/{short}/python3.exe"]


def test_in_a_mac_bundle_the_python_below_the_program_is_found(tmp_path, monkeypatch):
    inside = tmp_path / "QGIS.app" / "Contents" / "MacOS"
    (inside / "bin").mkdir(parents=True)
    (inside / "bin" / "python3").write_text("", encoding="utf-8")
    (inside / "QGIS").write_text("", encoding="utf-8")
    monkeypatch.setattr(sys, "platform", "darwin")
    for name in ("prefix", "exec_prefix", "base_prefix", "base_exec_prefix"):
        monkeypatch.setattr(sys, name, str(tmp_path / "nowhere"))
    monkeypatch.setattr(sys, "executable", str(inside / "QGIS"))
    monkeypatch.setattr(sys, "_base_executable", "", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert interpreter.candidates() == [str(inside / "bin" / "python3")]


SAID = {"python": [3, 11], "system": "linux", "machine": "x86_64", "bits": sys.maxsize, "pip": True}
HOST = Host((3, 11), "1.24.2", "linux", "x86_64")


@pytest.mark.parametrize("change, fits", [
    ({}, True),
    ({"python": [3, 12]}, False),
    ({"system": "cygwin"}, False),
    ({"machine": "aarch64"}, False),
    ({"machine": "amd64"}, True),
    ({"bits": 2**31 - 1}, False),
])
def test_another_version_system_machine_or_width_does_not_fit(change, fits):
    assert interpreter.judge(json.dumps({**SAID, **change}), HOST).fits == fits


@pytest.mark.parametrize("output", ["", "{", "{}", "no json", '{"python": 3}'])
def test_something_that_is_no_python_does_not_fit(output):
    assert not interpreter.judge(output, HOST).fits


def test_a_python_without_pip_is_told_apart():
    answer = interpreter.judge(json.dumps({**SAID, "pip": False}), HOST)
    assert answer.fits and not answer.has_pip
