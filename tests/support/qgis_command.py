"""Run qgis_process as a user's server does: another process, a profile of its own, only exit code and text back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Finished:
    """What is left of a process that has ended."""

    arguments: Sequence[str]
    code: int
    output: str
    errors: str

    def json(self) -> Any:
        """Return the one object that `--json` prints."""
        return json.loads(self.output)

    def results(self) -> Dict[str, str]:
        """Return the results block of the plain text output."""
        lines = self.output.splitlines()
        start = len(lines) - 1 - lines[::-1].index("Results")
        pairs = (line.split(":\t", 1) for line in lines[start:] if ":\t" in line)
        return dict(pairs)

    def succeeded(self) -> Finished:
        """Return itself, or fail the test with all that the process said."""
        assert self.code == 0, f"{' '.join(self.arguments)}\nexit code {self.code}\n{self.output}\n{self.errors}"
        return self


def executable() -> str:
    """Return the program of the QGIS version under test; Debian 12's wrapper around it is broken."""
    named = os.environ.get("EARTHPRINT_QGIS_PROCESS")
    found = named or shutil.which("qgis_process.bin", path="/usr/bin") or shutil.which("qgis_process", path="/usr/bin")
    if found is None:
        pytest.skip("qgis_process is not installed")
    return found


class QgisProcess:
    """A profile with one plugin enabled, and the calls made in it."""

    def __init__(self, folder: Path, plugin: Path = ROOT) -> None:
        self.profile = folder / "config"
        default = self.profile / "profiles" / "default"
        for settings in ("QGIS3.ini", "QGIS4.ini"):
            path = default / "QGIS" / settings
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("[PythonPlugins]\nearthprint=true\n", encoding="utf-8")
        plugins = default / "python" / "plugins"
        plugins.mkdir(parents=True)
        (plugins / "earthprint").symlink_to(plugin)

    def environment(self) -> Dict[str, str]:
        """Return the environment of a call: the profile, this Python's packages, and no other path to the plugin."""
        environment = dict(os.environ)
        environment["QGIS_CUSTOM_CONFIG_PATH"] = str(self.profile)
        environment["QT_QPA_PLATFORM"] = "offscreen"
        environment["PYTHONWARNINGS"] = "ignore::DeprecationWarning"
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
        paths = environment.get("PYTHONPATH", "").split(os.pathsep)
        kept = [path for path in paths if path and Path(path).resolve() != ROOT / "build"]
        environment["PYTHONPATH"] = os.pathsep.join(kept)
        return environment

    def __call__(
        self,
        *arguments: object,
        cwd: Optional[Path] = None,
        environment: Optional[Mapping[str, str]] = None,
        timeout: float = 300,
        stdin: Optional[str] = None,
    ) -> Finished:
        """Run qgis_process with these arguments and return how it ended."""
        texts = [str(argument) for argument in arguments]
        ended = subprocess.run(
            [executable(), *texts],
            cwd=cwd,
            env={**self.environment(), **(environment or {})},
            timeout=timeout,
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            check=False,
        )
        return Finished(texts, ended.returncode, ended.stdout, ended.stderr)

    def start(self, *arguments: object, environment: Optional[Mapping[str, str]] = None) -> subprocess.Popen:
        """Start qgis_process and return at once, for tests that kill or interrupt it."""
        return subprocess.Popen(
            [executable(), *(str(argument) for argument in arguments)],
            env={**self.environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
