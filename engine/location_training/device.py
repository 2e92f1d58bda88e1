"""Chooses where torch computes: the CPU, or a CUDA device that passed a trial; always with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import numpy as np

from ..errors import DeviceError, InputError
from .request import DEVICES


@dataclass(frozen=True)
class Chosen:
    """A torch device, its name for people, and why it is this one."""

    device: Any
    name: str
    why: str


def choose_device(torch: Any, wanted: str) -> Chosen:
    """Return the device; `auto` takes CUDA where a trial succeeds, `cuda` fails where it does not."""
    if wanted not in DEVICES:
        raise InputError("device-unknown", "There is no device {wanted}: choose one of {known}.", wanted=wanted,
                         known=", ".join(DEVICES))
    cpu = torch.device("cpu")
    if wanted == "cpu":
        return Chosen(cpu, "cpu", "as asked for")
    problem = _problem(torch)
    if problem is None:
        return Chosen(torch.device("cuda"), f"cuda ({torch.cuda.get_device_name(0)})", "CUDA passed its trial")
    if wanted == "cuda":
        raise DeviceError("cuda-unusable", "Training on CUDA was asked for, but {problem}: choose DEVICE auto or cpu.",
                          problem=problem)
    return Chosen(cpu, "cpu", problem)


def _problem(torch: Any) -> "Optional[str]":
    """Say what stands against CUDA, None where it computes what the CPU does."""
    if not torch.backends.cuda.is_built():
        return f"this torch ({torch.__version__}) is built without CUDA"
    if not torch.cuda.is_available():
        return "torch finds no CUDA device that its build supports"
    try:
        matrix = torch.from_numpy(np.arange(64, dtype=np.float32).reshape(8, 8))
        found = (matrix.to("cuda") @ matrix.to("cuda")).cpu()
    except RuntimeError as error:
        return f"a trial on the CUDA device failed ({' '.join(str(error).split())[:200]})"
    if not np.allclose(found.numpy(), (matrix @ matrix).numpy(), rtol=1e-3):
        return "the CUDA device computed a wrong result in its trial"
    return None
