"""Uses torch inside another program: what it keeps for the whole process is as it was before when we leave."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator

from ..encoders.device import physical_cores

_MOST_THREADS = 4


@contextmanager
def torch_scope(torch: Any) -> "Iterator[None]":
    """Bound the threads, which cost small networks more than they bring, and allow gradients in this thread.

    Nothing else is touched: random numbers come from NumPy's own generators, and types and devices are always named.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(_MOST_THREADS, physical_cores() // 2)))
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_num_threads(before)
