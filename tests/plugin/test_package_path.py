"""The search path: ours comes last, goes away again, and is not exchanged while modules of it are loaded."""

from __future__ import annotations

import importlib
import sys

import pytest

from earthprint.plugin import package_path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = tmp_path / "base" / "py311"
    path.mkdir(parents=True)
    (path / "earthprint_probe_a.py").write_text("PLACE = 'ours'\n", encoding="utf-8")
    yield str(path)
    sys.modules.pop("earthprint_probe_a", None)


def test_the_hosts_copy_wins(folder, tmp_path):
    host = tmp_path / "host"
    host.mkdir()
    (host / "earthprint_probe_a.py").write_text("PLACE = 'host'\n", encoding="utf-8")
    sys.path.append(str(host))
    package_path.append(folder)
    package_path.append(folder)
    assert sys.path[-1] == folder and sys.path.count(folder) == 1
    assert importlib.import_module("earthprint_probe_a").PLACE == "host"
    assert package_path.loaded_from(folder) == []


def test_what_is_loaded_is_named(folder):
    package_path.append(folder)
    assert importlib.import_module("earthprint_probe_a").PLACE == "ours"
    assert package_path.loaded_from(folder) == ["earthprint_probe_a"]
    assert package_path.loaded_from(folder + "2") == []


def test_withdrawing_and_the_path_without_us(folder, tmp_path):
    before = [entry for entry in sys.path if entry]
    package_path.append(folder)
    assert package_path.below(str(tmp_path / "base")) == [folder]
    assert package_path.without(str(tmp_path / "base")) == before
    package_path.withdraw(folder)
    package_path.withdraw(folder)
    assert folder not in sys.path
