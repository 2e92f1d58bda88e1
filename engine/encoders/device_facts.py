"""What this machine has to run encoders on, as facts, and a trial of it on demand."""

from __future__ import annotations

import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np

from .. import packages
from ..errors import EarthprintError, ModelError, PackageError
from ..progress import Progress
from .device import CUDA, cuda_problem, earlier_trial, forget_trials, physical_cores, trial_model
from .session import open_session


@dataclass(frozen=True)
class DeviceFacts:
    """What was found without running anything.

    `problem` says why onnxruntime can't be used, empty where it can. `cuda` is what a trial in this process came to:
    None if there was none, empty if it passed, else why CUDA was refused.
    """

    processor: str
    cores: int
    runtime: str
    providers: "tuple[str, ...]"
    problem: str = ""
    cuda: Optional[str] = None

    @property
    def offers_cuda(self) -> bool:
        """Tell whether the installed onnxruntime was built with CUDA."""
        return CUDA in self.providers


@dataclass(frozen=True)
class DeviceTrial:
    """How a small graph ran; a problem is empty where it ran and its result was right."""

    cpu_problem: str
    cuda_problem: str
    seconds: float


def device_facts() -> DeviceFacts:
    """Look at the processor and at onnxruntime, which is loaded for it."""
    processor = platform.processor() or platform.machine()
    try:
        runtime = packages.require("onnxruntime")
    except PackageError as error:
        return DeviceFacts(processor, physical_cores(), "", (), str(error))
    version = str(runtime.__version__)
    return DeviceFacts(processor, physical_cores(), version,
                       tuple(str(name) for name in runtime.get_available_providers()), cuda=earlier_trial(version))


def try_devices(progress: Progress) -> DeviceTrial:
    """Run the trial's graph on the CPU and on CUDA now, whatever an earlier trial said."""
    started = time.monotonic()
    problem = _cpu_problem(progress)
    if problem:
        return DeviceTrial(problem, problem, time.monotonic() - started)
    forget_trials()
    refused = cuda_problem(progress)
    return DeviceTrial("", refused or "", time.monotonic() - started)


def _cpu_problem(progress: Progress) -> str:
    """Run the small graph on the CPU; say what went wrong."""
    try:
        packages.require("onnxruntime")
        with tempfile.TemporaryDirectory(prefix="earthprint-") as folder:
            model = Path(folder) / "trial.onnx"
            model.write_bytes(trial_model())
            sums = _sums(model, progress)
    except EarthprintError as error:
        return str(error)
    if sums is None or float(np.abs(sums - 9.0).max()) > 1e-3:
        return str(ModelError("cpu-wrong", "onnxruntime computed a wrong result on the CPU: install it again."))
    return ""


def _sums(model: Path, progress: Progress) -> Optional[np.ndarray]:
    """Run the trial's graph, a 3 × 3 sum of ones."""
    session = open_session(model, "cpu", 1, progress)
    try:
        return session.run({"image": np.ones((1, 1, 4, 4), np.float32)})[0]
    finally:
        session.close()
