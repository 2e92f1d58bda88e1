"""What this machine offers an encoder: how many cores, and whether CUDA really works."""

from __future__ import annotations

import json
import os
import platform
import re

# The trial of CUDA runs apart, because a broken driver can take its process along.
import subprocess  # nosec B404
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Dict, List, Optional, Set

import numpy as np

from .. import packages
from ..progress import Progress, Silent, check

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"
TRIAL_SECONDS = 90.0
POLL_SECONDS = 0.2
FEW_CORES = 4

INTERPRETER = re.compile(r"^python(\d+(\.\d+)?)?(\.exe)?$", re.IGNORECASE)

TRIAL_SCRIPT = """
import json, sys
request = json.load(sys.stdin)
sys.path[:] = request["path"]
import numpy
import onnxruntime
if hasattr(onnxruntime, "preload_dlls"):
    onnxruntime.preload_dlls(directory="")
options = onnxruntime.SessionOptions()
options.log_severity_level = 3
session = onnxruntime.InferenceSession(request["model"], options, providers=["CUDAExecutionProvider"])
if "CUDAExecutionProvider" not in session.get_providers():
    raise RuntimeError("the CUDA provider did not load")
session.disable_fallback()
result = session.run(None, {"image": numpy.ones((1, 1, 4, 4), numpy.float32)})[0]
if float(numpy.abs(result - 9.0).max()) > 1e-3:
    raise RuntimeError("the CUDA provider computed a wrong result")
print("trial passed")
"""


# Verdicts of trials by version of the runtime, which can't change while this process lives.
_verdicts: "Dict[str, Optional[str]]" = {}


@dataclass(frozen=True)
class _Ended:
    """What a child process wrote to its two outputs."""

    said: str
    complained: str


def physical_cores() -> int:
    """Count the cores worth a thread: all of a small machine, else those that are not a second thread of another."""
    allowed = _allowed_processors()
    if len(allowed) <= FEW_CORES:
        return max(1, len(allowed))
    siblings = _sibling_groups(allowed)
    if siblings:
        return siblings
    if platform.machine().lower() in ("arm64", "aarch64"):
        return len(allowed)
    return max(1, len(allowed) // 2)


def cuda_problem(progress: Optional[Progress] = None) -> Optional[str]:
    """Say why CUDA can't be used here, or None after a trial that ran a small graph on it, once in this process."""
    runtime = packages.require("onnxruntime")
    if CUDA not in runtime.get_available_providers():
        return ("the installed onnxruntime {} has no CUDA support; "
                "the package onnxruntime-gpu has").format(runtime.__version__)
    if runtime.__version__ not in _verdicts:
        _verdicts[runtime.__version__] = _trial(progress or Silent())
    return _verdicts[runtime.__version__]


def earlier_trial(version: str) -> Optional[str]:
    """Return what a trial of CUDA came to in this process: None if there was none, empty if it passed."""
    return (_verdicts[version] or "") if version in _verdicts else None


def forget_trials() -> None:
    """Let the next question be answered by a new trial: a driver may have been mended meanwhile."""
    _verdicts.clear()


def preload(runtime: ModuleType) -> None:
    """Load CUDA's own libraries from their packages first; older versions find them by themselves."""
    if hasattr(runtime, "preload_dlls"):
        runtime.preload_dlls(directory="")


def safe_interpreter() -> Optional[str]:
    """Find a Python that may be started as a child: inside QGIS sys.executable can be QGIS itself."""
    candidates = [Path(sys.executable)] if sys.executable else []
    for prefix in (sys.exec_prefix, sys.base_exec_prefix):
        if os.name == "nt":
            candidates.append(Path(prefix) / "python.exe")
        else:
            candidates.append(Path(prefix) / "bin" / "python{}.{}".format(*sys.version_info[:2]))
            candidates.append(Path(prefix) / "bin" / "python3")
    for candidate in candidates:
        if INTERPRETER.match(candidate.name) and candidate.is_file():
            return str(candidate)
    return None


def _allowed_processors() -> Set[int]:
    """Return the logical processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def _sibling_groups(processors: Set[int]) -> int:
    """Count the groups of hardware threads that share a core, or 0 where the system doesn't tell."""
    groups: Set[str] = set()
    for processor in processors:
        path = Path("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list".format(processor))
        try:
            groups.add(path.read_text(encoding="ascii").strip())
        except OSError:
            return 0
    return len(groups)


def _trial(progress: Progress) -> Optional[str]:
    """Run the small graph on CUDA; say what went wrong, or None."""
    python = safe_interpreter()
    with tempfile.TemporaryDirectory(prefix="earthprint-") as folder:
        model = Path(folder) / "trial.onnx"
        model.write_bytes(trial_model())
        if python is None:
            return _trial_here(str(model))
        return _trial_in_child(python, str(model), progress)


def _trial_in_child(python: str, model: str, progress: Progress) -> Optional[str]:
    """Run the trial in another process, so that a driver that crashes or hangs harms nobody."""
    request = json.dumps({"path": [entry for entry in sys.path if entry], "model": model})
    # Isolated, so that nothing in the current folder is imported in place of a module.
    command: List[str] = [python, "-I", "-c", TRIAL_SCRIPT]
    try:
        child = subprocess.Popen(  # nosec B603  (our own interpreter and script, no shell)
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0))
    except OSError as error:
        return "a trial on CUDA could not be started ({})".format(error)
    with child:
        ended = _communicated(child, request, progress)
    if ended is None:
        return "a trial on CUDA did not end within {:.0f} seconds".format(TRIAL_SECONDS)
    if child.returncode == 0 and "trial passed" in ended.said:
        return None
    lines = [line.strip() for line in ended.complained.splitlines() if line.strip()]
    reason = lines[-1] if lines else "exit code {}".format(child.returncode)
    return "a trial on CUDA failed: {}".format(_shortened(reason))


def _communicated(child: "subprocess.Popen[str]", request: str, progress: Progress) -> "Optional[_Ended]":
    """Wait for the child to end, but not beyond the limit or the user's patience; None if it had to be killed."""
    deadline = time.monotonic() + TRIAL_SECONDS
    to_send: Optional[str] = request
    try:
        while time.monotonic() < deadline:
            try:
                return _Ended(*child.communicate(to_send, timeout=POLL_SECONDS))
            except subprocess.TimeoutExpired:
                to_send = None
                check(progress)
        return None
    finally:
        if child.poll() is None:
            child.kill()


def _trial_here(model: str) -> Optional[str]:
    """Run the trial in this process, where no interpreter can be started safely."""
    runtime = packages.require("onnxruntime")
    try:
        preload(runtime)
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        session = runtime.InferenceSession(model, options, providers=[CUDA])
        if CUDA not in session.get_providers():
            return "a trial on CUDA failed: the CUDA provider did not load"
        session.disable_fallback()
        result = session.run(None, {"image": np.ones((1, 1, 4, 4), np.float32)})[0]
    except Exception as error:  # noqa: BLE001  (a provider may raise anything while it loads)
        return "a trial on CUDA failed: {}".format(_shortened(str(error)))
    if float(np.abs(result - 9.0).max()) > 1e-3:
        return "a trial on CUDA failed: it computed a wrong result"
    return None


def _shortened(text: str) -> str:
    """Keep a reason to one line that a person will read."""
    line = " ".join(text.split())
    return line if len(line) <= 300 else line[:297] + "…"


def trial_model() -> bytes:
    """Write the trial's graph: one 3 × 3 convolution of ones over one band, which needs cuDNN to load."""
    ones = np.ones((1, 1, 3, 3), np.float32)
    weight = _number(1, 1) + _number(1, 1) + _number(1, 3) + _number(1, 3) + _number(2, 1)
    weight += _bytes(8, b"weight") + _bytes(9, ones.tobytes())
    node = _bytes(1, b"image") + _bytes(1, b"weight") + _bytes(2, b"sums") + _bytes(4, b"Conv")
    graph = _bytes(1, node) + _bytes(2, b"trial") + _bytes(5, weight)
    graph += _bytes(11, _tensor_of(b"image", (1, 1, 4, 4))) + _bytes(12, _tensor_of(b"sums", (1, 1, 2, 2)))
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _number(2, 13))


def _tensor_of(name: bytes, shape: "tuple[int, ...]") -> bytes:
    """Describe a float tensor (ValueInfoProto)."""
    sizes = b"".join(_bytes(1, _number(1, size)) for size in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, sizes)))


def _number(field: int, value: int) -> bytes:
    """Encode a small number of the protobuf wire format."""
    return bytes([field << 3, value])


def _bytes(field: int, payload: bytes) -> bytes:
    """Encode a length-delimited part of the protobuf wire format."""
    size = len(payload)
    length = bytes([size]) if size < 128 else bytes([size & 0x7F | 0x80, size >> 7])
    return bytes([field << 3 | 2]) + length + payload
