"""The steps of an installation with a pip that is played, and once with the real one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import numpy as np
import pytest

from earthprint.engine.errors import PackageError
from earthprint.engine.package_plan import Host, this_host
from earthprint.plugin import installation
from earthprint.plugin.commands import Command, Result
from earthprint.plugin.installation import InstallRequest, install
from earthprint.plugin.package_folders import PackageFolders

HOST = Host((3, 11), "1.24.2", "linux", "x86_64")
FITS = json.dumps({"python": [3, 11], "system": "linux", "machine": "x86_64", "bits": sys.maxsize, "pip": True})


class Stage:
    """Plays the interpreter: answers questions, lays files as pip would, and tells what loads."""

    def __init__(self, tmp_path: Path, host: Host = HOST) -> None:
        self.folders = PackageFolders(str(tmp_path / "earthprint-packages"), host)
        self.host_site = tmp_path / "host"
        self.host_site.mkdir()
        self.commands: List[Command] = []
        self.constraints: List[str] = []
        self.answers: Dict[str, str] = {"/good/python3": FITS}
        self.pip: Callable[[Command], Result] = self.pip_succeeds
        self.problems: List[Dict[str, str]] = [{}]
        self.numpy_file = str(self.host_site / "numpy" / "__init__.py")

    def request(self, *names: str, interpreters: Tuple[str, ...] = ("/good/python3",)) -> InstallRequest:
        return InstallRequest(names, self.folders.host, self.folders, interpreters, (str(self.host_site),),
                              (str(self.host_site),), ("numpy",))

    def host_has(self, name: str, version: str) -> None:
        info = self.host_site / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")

    def pip_succeeds(self, command: Command) -> Result:
        target = Path(command.arguments[command.arguments.index("--target") + 1])
        for name, version in (("numpy", "1.24.4"), ("h3", "4.5.0")):
            (target / name).mkdir()
            (target / name / "__init__.py").write_text("", encoding="utf-8")
            info = target / f"{name}-{version}.dist-info"
            info.mkdir()
            about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            (info / "METADATA").write_text(about, encoding="utf-8")
            (info / "RECORD").write_text(f"{name}/__init__.py,,\n{info.name}/METADATA,,\n{info.name}/RECORD,,\n",
                                         encoding="utf-8")
        return Result(0, "Successfully installed")

    def play(self, command: Command) -> Result:
        self.commands.append(command)
        if command.arguments[0] == "-c":
            said = self.answers.get(command.program)
            return Result(None, "not found") if said is None else Result(0, said)
        if command.arguments[:2] == ("-m", "pip"):
            file = command.arguments[command.arguments.index("--constraint") + 1]
            self.constraints.append(Path(file).read_text(encoding="utf-8"))
            return self.pip(command)
        if command.arguments[0] == installation.PRUNING:
            done = subprocess.run([sys.executable, *command.arguments], capture_output=True, text=True, check=False)
            return Result(done.returncode, done.stdout + done.stderr)
        question = json.loads(Path(command.arguments[1]).read_text(encoding="utf-8"))
        assert not os.path.exists(os.path.join(question["folder"], "numpy"))
        problems = self.problems.pop(0) if len(self.problems) > 1 else self.problems[0]
        return Result(0, json.dumps({"problems": problems, "versions": {}, "from_folder": [],
                                     "numpy": {"version": "1.24.2", "file": self.numpy_file}}))

    def run(self, request: InstallRequest):
        steps = install(request)
        result = None
        try:
            while True:
                result = self.play(steps.send(result))
        except StopIteration as stop:
            return stop.value

    def leftovers(self) -> List[str]:
        return [name for name in os.listdir(self.folders.base) if name.endswith(".new")]


@pytest.fixture
def stage(tmp_path) -> Stage:
    return Stage(tmp_path)


def pip_calls(stage: Stage) -> List[Tuple[str, ...]]:
    return [command.arguments for command in stage.commands if command.arguments[:2] == ("-m", "pip")]


def test_a_good_installation_becomes_current_without_the_numpy_that_pip_brought(stage):
    done = stage.run(stage.request("h3"))
    assert stage.folders.current() == done.folder
    assert done.versions == {"h3": "4.5.0"}
    assert not os.path.exists(os.path.join(done.folder, "numpy"))
    assert stage.folders.contents(done.folder).names == ("h3",)


def test_pip_is_told_wheels_only_our_folder_and_the_hosts_numpy(stage):
    stage.run(stage.request("h3", "onnxruntime"))
    arguments, = pip_calls(stage)
    target = arguments[arguments.index("--target") + 1]
    assert os.path.dirname(target) == stage.folders.base
    assert "--only-binary=:all:" in arguments and "--no-input" in arguments
    assert arguments[-2:] == ("h3>=4.1,<5", "onnxruntime>=1.20,<=1.23.2")
    assert stage.constraints == ["numpy>=1.24,<1.25\n"]


def test_what_the_host_has_is_pinned_because_its_copy_will_be_imported(stage):
    stage.host_has("scipy", "1.10.1")
    stage.host_has("mpmath", "0.0.0")
    stage.host_has("lz4", "4.0.2+dfsg")
    stage.run(stage.request("h3"))
    assert stage.constraints == ["numpy>=1.24,<1.25\nscipy==1.10.1\n"]


def test_where_the_pins_can_not_be_met_numpy_alone_is_pinned(stage):
    stage.host_has("scipy", "1.10.1")

    def pip(command):
        if "scipy" in stage.constraints[-1]:
            return Result(1, "ERROR: ResolutionImpossible: for help visit")
        return stage.pip_succeeds(command)

    stage.pip = pip
    stage.run(stage.request("h3"))
    assert ["scipy" in text for text in stage.constraints] == [True, False]
    assert all("numpy>=1.24,<1.25" in text for text in stage.constraints)


def test_a_host_copy_comes_first_so_a_second_is_refused_before_any_download(stage):
    stage.host_has("h3", "3.7.6")
    with pytest.raises(PackageError, match="h3 3.7.6 is already installed"):
        stage.run(stage.request("h3"))
    assert stage.commands == []


def test_the_cuda_build_is_refused_beside_a_host_runtime(stage):
    stage.host_has("onnxruntime", "1.23.2")
    with pytest.raises(PackageError, match="onnxruntime 1.23.2 is already installed"):
        stage.run(stage.request("onnxruntime-gpu"))


def test_an_interpreter_of_another_version_is_passed_over(stage):
    stage.answers["/other/python3"] = FITS.replace("[3, 11]", "[3, 9]")
    stage.run(stage.request("h3", interpreters=("/missing/python3", "/other/python3", "/good/python3")))
    assert stage.commands[-1].program == "/good/python3"
    assert {command.program for command in stage.commands if command.arguments[0] != "-c"} == {"/good/python3"}


def test_no_fitting_interpreter_is_told_with_what_was_tried(stage):
    stage.answers = {"/other/python3": FITS.replace("[3, 11]", "[3, 9]")}
    words = r"Python 3.11 for linux x86_64.*/other/python3 \(Python 3.9 for linux x86_64\)"
    with pytest.raises(PackageError, match=words):
        stage.run(stage.request("h3", interpreters=("/other/python3",)))
    assert not os.path.exists(stage.folders.base)


def test_a_python_without_pip_is_told_with_the_cure(stage):
    stage.answers["/good/python3"] = FITS.replace("true", "false")
    with pytest.raises(PackageError, match="has no pip"):
        stage.run(stage.request("h3"))


@pytest.mark.parametrize("output, words", [
    ("WARNING: Retrying ... NewConnectionError\nERROR: No matching distribution found for h3", "can't be reached"),
    ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
    ("ERROR: [WinError 5] Access is denied: 'x'", "could not be written"),
    ("ERROR: No matching distribution found for h3", "no ready-made packages"),
    ("Traceback\nERROR: something new", "exit code 1: ERROR: something new"),
])
def test_pips_failures_become_sentences_and_leave_nothing(stage, output, words):
    stage.pip = lambda command: Result(1, output)
    with pytest.raises(PackageError, match=words):
        stage.run(stage.request("h3"))
    assert stage.folders.current() is None and stage.leftovers() == []


def test_what_does_not_load_is_not_adopted_and_the_earlier_set_stays(stage):
    first = stage.run(stage.request("h3")).folder
    stage.problems = [{"h3": "ImportError: numpy.core.multiarray failed to import"}]
    with pytest.raises(PackageError, match="h3 does not load, so nothing was changed.*built for another NumPy"):
        stage.run(stage.request("h3"))
    assert stage.folders.current() == first and stage.leftovers() == []


def test_a_numpy_of_ours_that_would_win_is_an_error(stage):
    first = stage.folders.base
    stage.numpy_file = os.path.join(first, "x", "numpy", "__init__.py")
    stage.folders.new_folder = lambda: os.makedirs(os.path.join(first, "x")) or os.path.join(first, "x")
    with pytest.raises(PackageError, match="numpy does not load"):
        stage.run(stage.request("h3"))


def test_a_numpy_that_can_not_be_taken_out_stops_the_installation(stage):
    play = stage.play
    stage.play = lambda command: (Result(1, "PermissionError: numpy") if command.arguments[0] == installation.PRUNING
                                  else play(command))
    with pytest.raises(PackageError, match="nothing was changed: PermissionError: numpy"):
        stage.run(stage.request("h3"))
    assert stage.folders.current() is None and stage.leftovers() == []


def test_a_child_that_crashes_while_loading_is_an_error(stage):
    play = stage.play
    stage.play = lambda command: (Result(-11, "Fatal Python error") if command.arguments[0] == installation.CHECK
                                  else play(command))
    with pytest.raises(PackageError, match="Fatal Python error"):
        stage.run(stage.request("h3"))
    assert stage.folders.current() is None


def test_on_windows_a_dll_that_does_not_load_leads_to_the_older_runtime(tmp_path):
    stage = Stage(tmp_path, Host((3, 11), "1.24.2", "win32", "x86_64"))
    stage.answers["/good/python3"] = FITS.replace("linux", "win32").replace("x86_64", "amd64")
    stage.problems = [{"onnxruntime": "ImportError: DLL load failed while importing onnxruntime_pybind11_state"}, {}]
    stage.run(stage.request("onnxruntime"))
    assert [arguments[-1] for arguments in pip_calls(stage)] == ["onnxruntime>=1.20,<=1.23.2", "onnxruntime==1.20.1"]


def test_cancelling_removes_the_unfinished_folder(stage):
    first = stage.run(stage.request("h3")).folder
    steps = install(stage.request("h3"))
    stage.play(next(steps))
    steps.send(Result(0, FITS))
    assert len(stage.leftovers()) == 1
    steps.close()
    assert stage.leftovers() == [] and stage.folders.current() == first


def test_a_folder_that_can_not_be_made_is_told(stage):
    Path(stage.folders.base).write_text("a file is in the way", encoding="utf-8")
    with pytest.raises(PackageError, match="can't be written"):
        stage.run(stage.request("h3"))


def test_the_real_pip_fills_a_folder_that_loads_beside_the_hosts_numpy(tmp_path):
    host = this_host()
    folders = PackageFolders(str(tmp_path / "earthprint-packages"), host)
    numpy_site = os.path.dirname(os.path.dirname(np.__file__))
    host_paths = [path for path in sys.path if path and "site-packages" not in path]
    if not any(os.path.isdir(os.path.join(path, "numpy")) for path in host_paths):
        host_paths.append(numpy_site)
    request = InstallRequest(("onnxruntime",), host, folders, (sys.executable,), (), tuple(host_paths), ("numpy",))
    steps = install(request)
    result = None
    try:
        while True:
            command = steps.send(result)
            done = subprocess.run([command.program, *command.arguments], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False, timeout=300)
            result = Result(done.returncode, done.stdout)
    except StopIteration as stop:
        folder = stop.value.folder
    except PackageError as error:
        if error.code in ("pip-unreachable", "no-pip"):
            pytest.skip(str(error))
        raise
    code = ("import sys; sys.path[:] = {!r} + [{!r}]; import numpy, onnxruntime; "
            "print(numpy.__version__, numpy.__file__, onnxruntime.__file__)").format(host_paths, folder)
    version, numpy_file, runtime_file = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not numpy_file.startswith(folder) and runtime_file.startswith(folder)
    assert not [name for name in os.listdir(folder) if re.match(r"numpy(-|\.|$)", name)]
