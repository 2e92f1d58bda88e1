"""Start a QGIS desktop under Xvfb in a profile of its own, let it carry out a plan, and bring back what it saw."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SCREEN = (1400, 1000)


@dataclass(frozen=True)
class Account:
    """What the driver inside QGIS has written down, step by step, and its log."""

    steps: List[Dict[str, Any]]
    log: str
    code: int

    def step(self, name: str) -> Dict[str, Any]:
        """Return what was seen in the step of this name."""
        for step in self.steps:
            if step["name"] == name:
                return step
        raise AssertionError(f"QGIS never came to the step {name!r} (exit code {self.code})\n{self.log}")


def why_not() -> Optional[str]:
    """Return the reason why no desktop can be started here, or None."""
    if shutil.which("Xvfb") is None:
        return "Xvfb is not installed"
    if qgis() is None:
        return "the QGIS desktop is not installed"
    return None


def qgis() -> Optional[str]:
    """Return the desktop program of the QGIS version under test."""
    return (
        os.environ.get("EARTHPRINT_QGIS_DESKTOP") or shutil.which("qgis.bin", path="/usr/bin") or shutil.which("qgis")
    )


@contextmanager
def screen(scale: int = 1) -> Iterator[str]:
    """Run an X server without a screen and hand out its display name; it picks a free number itself."""
    read, write = os.pipe()
    size = "{}x{}x24".format(*(side * scale for side in SCREEN))
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp"],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start")
        yield f":{number}"
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def write_profile(folder: Path) -> None:
    """Make a profile in which the plugin is enabled, as it would be after an install."""
    profile = folder / "profiles" / "smoke"
    (profile / "QGIS").mkdir(parents=True)
    for name in ("QGIS3.ini", "QGIS4.ini"):
        (profile / "QGIS" / name).write_text("[PythonPlugins]\nearthprint=true\n", encoding="utf-8")
    (profile / "python" / "plugins").mkdir(parents=True)
    (profile / "python" / "plugins" / "earthprint").symlink_to(ROOT)


def environment(folder: Path, display: str) -> Dict[str, str]:
    """Return the environment of a desktop: a screen, this Python's packages, and folders of its own."""
    result = {name: value for name, value in os.environ.items() if name not in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")}
    result["DISPLAY"] = display
    result["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), result.get("PATH", "")])
    kept = [path for path in result.get("PYTHONPATH", "").split(os.pathsep) if path and Path(path) != ROOT / "build"]
    result["PYTHONPATH"] = os.pathsep.join([str(HERE), *kept])
    result["PYQGIS_STARTUP"] = str(HERE / "start.py")
    result["EARTHPRINT_ENCODERS"] = str(folder / "encoders")
    result["EARTHPRINT_GUI_FOLDER"] = str(folder)
    result.pop("QGIS_CUSTOM_CONFIG_PATH", None)
    result.pop("QGIS_OPTIONS_PATH", None)
    return result


def end(process: subprocess.Popen) -> None:
    """Kill a desktop with all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def carry_out(plan: List[Dict[str, Any]], folder: Path, timeout: float = 180, scale: int = 1) -> Account:
    """Run the steps of a plan in a desktop of its own and return the account; `folder` must be new.

    With a scale of 2 everything is drawn with twice the pixels, on a screen with twice the pixels.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_profile(folder)
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    program = qgis()
    if program is None:
        raise RuntimeError("the QGIS desktop is not installed")
    output = folder / "output.txt"
    with screen(scale) as display, output.open("w", encoding="utf-8") as stream:
        desktop = subprocess.Popen(
            [
                program,
                "--nologo",
                "--noversioncheck",
                "--lang",
                "en",
                "--profiles-path",
                str(folder),
                "--profile",
                "smoke",
                "--code",
                str(HERE / "drive.py"),
            ],  # fmt: skip
            env={**environment(folder, display), "QT_SCALE_FACTOR": str(scale)},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = desktop.wait(timeout)
        except subprocess.TimeoutExpired:
            code = 124
        finally:
            end(desktop)
    account = folder / "account.json"
    steps = json.loads(account.read_text(encoding="utf-8")) if account.is_file() else []
    log = folder / "log.txt"
    words = (log.read_text(encoding="utf-8") if log.is_file() else "") + output.read_text(
        encoding="utf-8", errors="replace"
    )
    return Account(steps, words, code)
