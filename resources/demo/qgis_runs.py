"""Runs Processing algorithms as a user's script would: through qgis_process, each in a process of its own."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess  # nosec B404
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Tuple

import earthprint

PROGRAM_VARIABLE = "EARTHPRINT_QGIS_PROCESS"
AT_A_TIME = 2
_LONGEST_MESSAGE = 15
# What these parameters name is written, what others name is read.
_RESULTS = ("OUTPUT", "POLYGONS", "PLACES", "SUMMARY", "MODEL_OUT", "REPORT", "LINES", "PREDICTIONS")


class DemoError(Exception):
    """The demo can't go on; the text says which step failed, and why."""


@dataclass(frozen=True)
class Step:
    """One call of an algorithm: what it is for, and its parameters in the order a reader should see them.

    `package` is what it needs beyond what the plugin always needs.
    """

    title: str
    caption: str
    algorithm: str
    parameters: Tuple[Tuple[str, str], ...]
    package: str = ""

    @property
    def command(self) -> str:
        """Return the call as one types it in a shell."""
        return shlex.join(["qgis_process", "run", self.algorithm, *self.arguments])

    @property
    def arguments(self) -> List[str]:
        """Return the parameters in qgis_process's own form; a list is a repeated name."""
        return [f"{name}={value}" for name, value in self.parameters]

    @property
    def report(self) -> str:
        """Return the page that the step writes, or nothing."""
        return dict(self.parameters).get("REPORT", "")

    def needs(self, earlier: "Step") -> bool:
        """Tell whether this step reads what the earlier one wrote; a card goes by the name of its model."""
        written = {Path(value).stem for name, value in earlier.parameters if name in _RESULTS}
        return any(Path(value.split("|")[0]).stem in written for name, value in self.parameters
                   if name not in _RESULTS)


@dataclass(frozen=True)
class Outcome:
    """What a step gave: its declared outputs and the seconds it took, the start of QGIS included."""

    step: Step
    results: Mapping[str, object]
    warnings: Tuple[str, ...]
    seconds: float


class QgisRuns:
    """Runs steps in one folder, with a QGIS profile that starts empty but for the plugin."""

    def __init__(self, folder: Path, profile: Path) -> None:
        self._folder = folder
        self._program = _program()
        self._environment = _environment(profile)

    def run(self, step: Step) -> Outcome:
        """Run a step and wait for it; a failure stops the demo with qgis_process's own words."""
        arguments = [self._program, "--json", "run", step.algorithm, *step.arguments]
        started = time.monotonic()
        done = subprocess.run(  # nosec B603
            arguments, cwd=self._folder, env=self._environment, capture_output=True, text=True, check=False
        )
        seconds = time.monotonic() - started
        if done.returncode != 0:
            raise DemoError(f"The step “{step.title}” failed: {_ending(done.stderr) or _ending(done.stdout)}")
        answer = _answer(done.stdout)
        if answer is None:
            raise DemoError(f"The step “{step.title}” gave no result: {_ending(done.stderr)}")
        warnings = tuple(answer.get("log", {}).get("warning", ()))
        return Outcome(step, answer.get("results", {}), warnings, seconds)


def _program() -> str:
    """Return the qgis_process to call: the one that ./dev names, else the one on the path that works on Debian 12."""
    stated = os.environ.get(PROGRAM_VARIABLE, "").strip()
    for name in filter(None, (stated, "qgis_process.bin", "qgis_process")):
        found = shutil.which(name)
        if found:
            return found
    raise DemoError(f"qgis_process was not found: install QGIS, or name the program in {PROGRAM_VARIABLE}.")


def _environment(profile: Path) -> Dict[str, str]:
    """Return the environment of a QGIS without a display, with this plugin enabled and this Python's packages."""
    settings = profile / "profiles" / "default" / "QGIS"
    settings.mkdir(parents=True, exist_ok=True)
    for name in ("QGIS3.ini", "QGIS4.ini"):
        (settings / name).write_text("[PythonPlugins]\nearthprint=true\n", encoding="utf-8")
    encoders = profile / "encoders"
    encoders.mkdir(exist_ok=True)
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "QGIS_CUSTOM_CONFIG_PATH": str(profile),
        "QGIS_PLUGINPATH": str(Path(earthprint.__file__).parent.parent),
        "EARTHPRINT_ENCODERS": str(encoders),
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONWARNINGS": "ignore",
        # Two programs run at a time: threads that wait for work in a loop would take it from the other one.
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // AT_A_TIME)),
    }


def _answer(text: str) -> Optional[dict]:
    """Return the JSON object in what qgis_process printed, past any line that a library printed before it."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        return json.loads(text[start:])
    except ValueError:
        return None


def _ending(text: str) -> str:
    """Return the last lines of a long message."""
    lines = [line for line in text.strip().splitlines() if "DeprecationWarning" not in line]
    return "\n".join(lines[-_LONGEST_MESSAGE:])
