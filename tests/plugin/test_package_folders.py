"""The versioned package folders: what the pointer says after each step, and what is deleted when."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from earthprint.engine.package_plan import Host
from earthprint.plugin.package_folders import Contents, PackageFolders

HOST = Host((3, 11), "1.24.2", "linux", "x86_64")
NEWER = Host((3, 13), "2.2.4", "linux", "x86_64")


@pytest.fixture
def folders(tmp_path) -> PackageFolders:
    return PackageFolders(str(tmp_path / "earthprint-packages"), HOST)


def installed(folders: PackageFolders, name: str) -> str:
    return folders.adopt(folders.new_folder(), Contents((name,), (name + ">=1",), "3.11.2", "1.24.2", "2026-01-02",
                                                        {name: "1.0"}))


def test_nothing_is_there_at_first_and_looking_creates_nothing(folders):
    assert folders.current() is None and folders.previous() is None and folders.clean() == []
    assert not os.path.exists(folders.base)


def test_an_unfinished_folder_is_not_current(folders):
    folders.new_folder()
    assert folders.current() is None


def test_adopting_makes_current_and_keeps_the_one_before(folders):
    first = installed(folders, "h3")
    assert folders.current() == first and folders.previous() is None
    second = installed(folders, "onnx")
    assert (folders.current(), folders.previous()) == (second, first)
    assert folders.contents(second).names == ("onnx",)
    assert folders.contents(second).versions == {"onnx": "1.0"}
    assert not second.endswith(".new") and os.path.isdir(second)


def test_going_back_and_forth(folders):
    first, second = installed(folders, "h3"), installed(folders, "onnx")
    assert folders.go_back() == first
    assert (folders.current(), folders.previous()) == (first, second)
    assert folders.go_back() == second


def test_there_is_no_way_back_from_the_first(folders):
    first = installed(folders, "h3")
    assert folders.go_back() is None
    assert folders.current() == first


def test_cleaning_keeps_what_is_pointed_to_and_what_another_qgis_is_making(folders):
    first, second, third = (installed(folders, name) for name in ("h3", "onnx", "pyarrow"))
    running, abandoned = folders.new_folder(), folders.new_folder()
    os.utime(abandoned, (time.time() - 3 * 86400,) * 2)
    assert folders.clean() == []
    assert [os.path.isdir(path) for path in (first, second, third, running, abandoned)] == [
        False, True, True, True, False]


def test_removing_deletes_at_the_next_cleaning_only(folders):
    path = installed(folders, "h3")
    folders.forget()
    assert folders.current() is None and os.path.isdir(path)
    folders.clean()
    assert not os.path.exists(path)


def test_two_qgis_versions_share_a_profile_without_meeting(folders):
    newer = PackageFolders(folders.base, NEWER)
    ours, theirs = installed(folders, "h3"), installed(newer, "h3")
    assert (folders.current(), newer.current()) == (ours, theirs)
    assert newer.other_hosts() == (HOST.tag,)
    newer.forget()
    newer.clean()
    assert os.path.isdir(ours) and not os.path.exists(theirs)


def test_a_folder_that_was_deleted_by_hand_is_not_current(folders):
    path = installed(folders, "h3")
    os.rename(path, path + "-elsewhere")
    assert folders.current() is None


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"%s": 3}' % HOST.tag, '{"%s": {}}' % HOST.tag])
def test_a_broken_pointer_counts_as_none_and_can_be_overwritten(folders, text):
    Path(folders.base).mkdir()
    Path(folders.base, "current.json").write_text(text, encoding="utf-8")
    assert folders.current() is None
    path = installed(folders, "h3")
    assert folders.current() == path


@pytest.mark.parametrize("name", ["..", "../elsewhere", "/etc", "."])
def test_the_pointer_does_not_lead_out_of_the_base_folder(folders, name):
    Path(folders.base, "x").mkdir(parents=True)
    Path(folders.base).parent.joinpath("elsewhere").mkdir()
    Path(folders.base, "current.json").write_text(json.dumps({HOST.tag: {"current": name}}), encoding="utf-8")
    assert folders.current() is None


def test_a_crash_while_the_pointer_is_written_leaves_the_old_one(folders, monkeypatch):
    first = installed(folders, "h3")

    def crash(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        installed(folders, "onnx")
    monkeypatch.undo()
    assert folders.current() == first


def test_names_are_short_for_windows(folders):
    assert len(os.path.basename(folders.new_folder())) <= 26
