"""The text that a bug report needs: versions, packages, device, last log lines, without the home folder's name."""

from __future__ import annotations

import platform
import sys
from typing import Callable, Sequence

import numpy as np
from osgeo import gdal

from . import packages
from .encoders.device_facts import DeviceFacts, device_facts
from .home_folder import without_home
from .packages import PackageState

LOG_LINES = 400


def problem_report(about: "Sequence[str]", log: "Sequence[str]",
                   inspect: "Callable[[], Sequence[PackageState]]" = packages.all_states) -> str:
    """Return the text; packages are really loaded for it, so it takes seconds and belongs into the background."""
    lines = [*about, *host_lines(), "", *device_lines(device_facts()), "", *package_lines(inspect()), "",
             "Search path:", *("  " + path for path in sys.path)]
    if log:
        lines += ["", "Log:", *("  " + line for line in log[-LOG_LINES:])]
    return without_home("\n".join(lines))


def host_lines() -> "list[str]":
    """Describe the system and the Python that we live in."""
    return ["{} {}, {}".format(platform.system(), platform.release(), platform.machine()),
            "{}, executable {}".format(packages.interpreter(), sys.executable),
            "NumPy {} in {}".format(np.__version__, np.__file__),
            "GDAL {}".format(gdal.VersionInfo("RELEASE_NAME"))]


def device_lines(facts: DeviceFacts) -> "list[str]":
    """Describe what encoders run on."""
    runtime = "onnxruntime {} with {}".format(facts.runtime, ", ".join(facts.providers)) if facts.runtime else \
        "onnxruntime can't be used: {}".format(facts.problem)
    return ["Processor {}, {} threads for encoders".format(facts.processor, facts.cores), runtime]


def package_lines(states: "Sequence[PackageState]") -> "list[str]":
    """Describe each package by what came of loading it."""
    lines = []
    for state in states:
        if state.usable and state.by_click:
            state = packages.probe(state.name)
        problem = "" if state.problem is None else " | " + state.problem
        lines.append("{}: {}, {}{}".format(state.name, state.version or "-", state.location or "-", problem))
    return lines
