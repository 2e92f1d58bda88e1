"""The installer inside Qt's event loop: real processes, progress, cancel, a clean environment, and the search path."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

pytest.importorskip("qgis.PyQt.QtWidgets")
from qgis.PyQt.QtCore import QEventLoop, QTimer
from qgis.PyQt.QtWidgets import QApplication

from earthprint.engine.errors import PackageError
from earthprint.plugin import installer as installer_module
from earthprint.plugin import package_path
from earthprint.plugin.commands import Command
from earthprint.plugin.installation import Installed
from earthprint.plugin.installer import Installer
from earthprint.plugin.package_folders import Contents

_application = QApplication.instance() or QApplication([])


class Ears:
    """Listens to an installer and lets Qt work until it has ended."""

    def __init__(self, installer: Installer) -> None:
        self.lines, self.fractions, self.ends = [], [], []
        self._loop = QEventLoop()
        installer.line.connect(self.lines.append)
        installer.progress.connect(lambda fraction, text: self.fractions.append(fraction))
        installer.installed.connect(lambda folder, restart: self._end(("installed", folder, restart)))
        installer.failed.connect(lambda text: self._end(("failed", text)))
        installer.cancelled.connect(lambda: self._end(("cancelled",)))

    def _end(self, what: tuple) -> None:
        self.ends.append(what)
        self._loop.quit()

    def wait(self, seconds: float = 20) -> None:
        if not self.ends:
            QTimer.singleShot(int(seconds * 1000), self._loop.quit)
            self._loop.exec()
        assert self.ends, "the installer never came to an end"


@pytest.fixture
def installer(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    made = Installer(str(tmp_path))
    yield made
    made.cancel()
    made.deleteLater()


def play(monkeypatch, steps) -> None:
    monkeypatch.setattr(installer_module, "install", steps)


def python(code: str, **more) -> Command:
    return Command(sys.executable, ("-c", code), "working", 0.1, **more)


def finish(request, name: str = "h3") -> Installed:
    new = request.folders.new_folder()
    with open(os.path.join(new, "earthprint_probe_b.py"), "w", encoding="utf-8") as stream:
        stream.write("")
    path = request.folders.adopt(new, Contents((name,), (), "3.11", "1.24", "2026-01-02T03:04:05"))
    return Installed(path, {})


def test_commands_run_in_turn_and_the_new_folder_counts_at_once(installer, monkeypatch):
    seen = []

    def steps(request):
        seen.append((yield python("print('first'); print('second')")))
        seen.append((yield python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")))
        return finish(request)

    play(monkeypatch, steps)
    ears = Ears(installer)
    installer.install(("h3",))
    assert installer.running()
    ears.wait()
    assert not installer.running()
    assert [result.code for result in seen] == [0, 3]
    assert seen[0].output == "first\nsecond\n" and sorted(seen[1].output.split()) == ["err", "out"]
    assert [line for line in ears.lines if not line.startswith(">")][:2] == ["first", "second"]
    assert ears.fractions == sorted(ears.fractions) and ears.fractions[-1] == 1.0
    folder = installer.folder()
    assert ears.ends == [("installed", folder, False)] and sys.path[-1] == folder


def test_a_quiet_command_leaves_the_log_alone(installer, monkeypatch):
    def steps(request):
        yield python("print('chatter')", quiet=True)
        return finish(request)

    play(monkeypatch, steps)
    ears = Ears(installer)
    installer.install(("h3",))
    ears.wait()
    assert ears.lines == []


def test_a_program_that_is_not_there_is_a_result_not_a_hang(installer, monkeypatch):
    seen = []

    def steps(request):
        seen.append((yield Command("/nowhere/python3", (), "", 0.1)))
        raise PackageError("x", "It could not be started.")

    play(monkeypatch, steps)
    ears = Ears(installer)
    installer.install(("h3",))
    ears.wait()
    assert seen[0].code is None and seen[0].output
    assert ears.ends == [("failed", "It could not be started.")]


def test_arguments_reach_the_program_untouched(installer, monkeypatch):
    seen = []
    odd = ("a b", 'q"q', "$HOME", "; echo x", "*", "é")

    def steps(request):
        code = "import sys; print(ascii(sys.argv[1:]))"
        seen.append((yield Command(sys.executable, ("-c", code, *odd), "", 0.1)))
        return finish(request)

    play(monkeypatch, steps)
    ears = Ears(installer)
    installer.install(("h3",))
    ears.wait()
    assert seen[0].output.strip() == ascii(list(odd))


def test_cancel_kills_the_process_closes_the_steps_and_is_quick(installer, monkeypatch, tmp_path):
    closed = []
    note = tmp_path / "pid"

    def steps(request):
        try:
            yield python(f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)")
        finally:
            closed.append(True)

    play(monkeypatch, steps)
    ears = Ears(installer)
    installer.install(("h3",))
    end = time.monotonic() + 10
    loop = QEventLoop()
    while not (note.exists() and note.read_text()) and time.monotonic() < end:
        QTimer.singleShot(20, loop.quit)
        loop.exec()
    start = time.monotonic()
    installer.cancel()
    assert time.monotonic() - start < 1
    assert ears.ends == [("cancelled",)] and closed == [True] and not installer.running()
    alive = subprocess.run(["ps", "-o", "stat=", "-p", note.read_text()], capture_output=True, text=True, check=False)
    assert alive.stdout.strip() in ("", "Z", "Z+")


def test_a_second_install_while_one_runs_is_ignored(installer, monkeypatch):
    begun = []

    def steps(request):
        begun.append(request.names)
        yield python("import time; time.sleep(60)")

    play(monkeypatch, steps)
    installer.install(("h3",))
    installer.install(("onnx",))
    assert begun == [("h3",)]


def test_the_environment_keeps_the_network_and_drops_what_would_mislead_pip(installer, monkeypatch):
    for name in ("PYTHONPATH", "PIP_TARGET", "PIP_REQUIRE_VIRTUALENV", "PYTHONHOME"):
        monkeypatch.setenv(name, "/somebody/elses")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    environment = installer.environment()
    assert not any(environment.contains(name) for name in ("PYTHONPATH", "PIP_TARGET", "PYTHONHOME"))
    assert environment.value("PIP_INDEX_URL") == "https://mirror.example/simple"
    assert environment.value("PIP_USER") == "0"
    monkeypatch.setenv("PYTHONHOME", sys.prefix)
    assert installer.environment().value("PYTHONHOME") == sys.prefix


def test_qgis_own_proxy_is_handed_on_unless_the_environment_has_one(tmp_path, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    installer = Installer(str(tmp_path), "http://proxy.example:8080")
    assert installer.environment().value("HTTPS_PROXY") == "http://proxy.example:8080"
    monkeypatch.setenv("HTTPS_PROXY", "http://other.example:1")
    assert installer.environment().value("HTTPS_PROXY") == "http://other.example:1"


def test_a_loaded_package_makes_the_change_wait_for_a_restart(installer, monkeypatch):
    def steps(request):
        return finish(request)
        yield

    play(monkeypatch, steps)
    ears = Ears(installer)
    installer.install(("h3",))
    first = installer.folder()
    __import__("earthprint_probe_b")
    try:
        installer.install(("onnx",))
        second = installer.folder()
        assert ears.ends == [("installed", first, False), ("installed", second, True)]
        assert first in sys.path and second not in sys.path
    finally:
        sys.modules.pop("earthprint_probe_b")
    installer.go_back()
    assert ears.ends[-1] == ("installed", first, False) and sys.path[-1] == first
    installer.remove()
    assert ears.ends[-1] == ("installed", "", False) and installer.folder() is None
    assert package_path.below(installer.base()) == []


def test_going_back_where_there_is_nothing_says_so(installer):
    ears = Ears(installer)
    installer.go_back()
    assert ears.ends == [("failed", "There is no earlier installation to go back to.")]


def test_what_other_plugins_keep_in_the_profile_is_not_the_hosts(installer, tmp_path, monkeypatch):
    others = tmp_path / "python" / "plugins" / "other" / "lib"
    others.mkdir(parents=True)
    sys.path.append(str(others))
    requests = []

    def steps(request):
        requests.append(request)
        return finish(request)
        yield

    play(monkeypatch, steps)
    installer.install(("h3",))
    assert str(others) not in requests[0].host_paths and str(others) in requests[0].search_path
    assert "numpy" in requests[0].first and requests[0].first[0].endswith(".QtCore")
