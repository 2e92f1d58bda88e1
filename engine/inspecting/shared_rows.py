"""A block's rows shared among a few threads: NumPy's loops leave Python's lock alone, and the pointer doesn't wait."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Optional, Sequence

import numpy as np

from ..field_pass import FieldBlock
from ..grid import Window
from ..progress import Progress, check

_MOST_THREADS = 4
_LEAST_PIXELS = 1 << 16


def each_in_threads(work: "Callable[[Any], None]", items: "Sequence[Any]", progress: Progress) -> None:
    """Do a piece of work for each item; a cancel drops the items not begun, and is answered when the others end."""
    count = max(1, min(_MOST_THREADS, os.cpu_count() or 1, len(items)))
    stopped = threading.Event()

    def unless_stopped(item: Any) -> None:
        """Do one piece."""
        if not stopped.is_set():
            work(item)

    with ThreadPoolExecutor(count, thread_name_prefix="earthprint-view") as threads:
        try:
            check(progress)
            for done, _ in enumerate(threads.map(unless_stopped, items), start=1):
                check(progress)
                progress.report(done / len(items))
        finally:
            stopped.set()


def share_rows(block: FieldBlock, work: "Callable[[slice, FieldBlock], None]") -> None:
    """Do a piece of work for parts of a block: it gets the part's pixels in the flat block, and the part itself."""
    rows, columns = block.shape
    count = min(_MOST_THREADS, os.cpu_count() or 1, max(1, rows * columns // _LEAST_PIXELS))
    edges = np.linspace(0, rows, count + 1).astype(int).tolist()

    def do_part(number: int) -> None:
        """Cut one part out, without a copy, and work on it."""
        top, bottom = edges[number], edges[number + 1]
        valid: Optional[np.ndarray] = None if block.valid is None else block.valid[top:bottom]
        part = FieldBlock(block.source, Window(0, 0, columns, bottom - top), block.raw[:, top:bottom], valid)
        work(slice(top * columns, bottom * columns), part)

    if count == 1:
        do_part(0)
        return
    with ThreadPoolExecutor(count, thread_name_prefix="earthprint-view") as threads:
        list(threads.map(do_part, range(count)))
