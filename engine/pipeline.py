"""Source blocks → function → sink: one reader, one worker, one writer with bounded queues between them.

Only the calling thread speaks to the caller's progress; the others leave messages. A cancel stops every thread within
a fraction of a second, with the help of `interrupt`, which ends a computation that is running.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, Generic, Iterable, Optional, Protocol, Sequence, TypeVar

from .errors import Cancelled
from .progress import Progress

Block = TypeVar("Block")
Data = TypeVar("Data")
Result = TypeVar("Result")
_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 30.0
_END = object()
# More than everything done: the last message, which spares short passes the rest of a wait.
_FINISHED = 2.0


class Source(Protocol[Block, Data]):
    """Where blocks come from."""

    def read(self, block: Block) -> Data:
        """Return a block's data; called in the reader's thread only."""


class Sink(Protocol[Block, Result]):
    """Where results go."""

    def write(self, block: Block, result: Result) -> None:
        """Take a block's result; called in the writer's thread only."""


@dataclass(frozen=True)
class Job(Generic[Block, Data, Result]):
    """One pass over blocks. `compute` gets the data and a function to call with the share of the block done."""

    blocks: "Sequence[Block]"
    source: "Source[Block, Data]"
    compute: "Callable[[Block, Data, Callable[[float], None]], Result]"
    sink: "Sink[Block, Result]"
    text: str
    interrupt: "Optional[Callable[[], None]]" = None
    weight: "Optional[Callable[[Block], float]]" = None
    depth: int = 1


@dataclass(frozen=True)
class Account:
    """What a pass did, for the closing line of a run."""

    blocks: int
    seconds: float

    @property
    def rate(self) -> float:
        """Return blocks per second."""
        return self.blocks / self.seconds if self.seconds > 0 else 0.0


class _Stopped(Exception):
    """Raised inside a thread when the pass is over for another reason."""


class _Shared:
    """What the threads of one pass share."""

    def __init__(self, depth: int) -> None:
        """Make the queues."""
        self.stop = threading.Event()
        self.error: Optional[BaseException] = None
        self.inbound: "queue.Queue[Any]" = queue.Queue(depth)
        self.outbound: "queue.Queue[Any]" = queue.Queue(depth)
        self.messages: "queue.SimpleQueue[float]" = queue.SimpleQueue()
        self._lock = threading.Lock()

    def fail(self, error: BaseException) -> None:
        """Keep the first error and stop everybody."""
        with self._lock:
            if self.error is None and not isinstance(error, _Stopped):
                self.error = error
        self.stop.set()

    def put(self, target: "queue.Queue[Any]", item: object) -> None:
        """Wait for room, but not beyond the end of the pass."""
        while True:
            if self.stop.is_set():
                raise _Stopped
            try:
                target.put(item, timeout=_POLL_SECONDS)
                return
            except queue.Full:
                continue

    def get(self, origin: "queue.Queue[Any]") -> Any:
        """Wait for an item, but not beyond the end of the pass."""
        while True:
            if self.stop.is_set():
                raise _Stopped
            try:
                return origin.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue


def run(job: "Job[Any, Any, Any]", progress: Progress) -> Account:
    """Carry out a pass; raises the first error of any thread, or Cancelled."""
    started = time.monotonic()
    shared = _Shared(max(1, job.depth))
    threads = [threading.Thread(target=_guarded, args=(work, job, shared), name=f"earthprint-{work.__name__[1:]}",
                                daemon=True) for work in (_read, _compute, _write)]
    for thread in threads:
        thread.start()
    cancelled = _watch(job, shared, threads, progress)
    for thread in threads:
        thread.join(_PATIENCE_SECONDS if not cancelled else 0.5)
    if shared.error is not None:
        raise shared.error
    if cancelled:
        raise Cancelled()
    return Account(len(job.blocks), time.monotonic() - started)


def attend(work: "Callable[[], Result]", progress: Progress) -> Result:
    """Do a piece of work that can't be interrupted in a thread of its own, so that a cancel is answered at once.

    The thread of a cancelled piece runs on to its end and its result is dropped: it must change nothing outside itself.
    """
    results: "queue.SimpleQueue[tuple[Any, Optional[BaseException]]]" = queue.SimpleQueue()

    def carry_out() -> None:
        """Hand over the result or the error."""
        try:
            results.put((work(), None))
        except BaseException as error:  # noqa: BLE001  (nothing may be lost in a thread)
            results.put((None, error))

    threading.Thread(target=carry_out, name="earthprint-attended", daemon=True).start()
    while True:
        if progress.cancelled():
            raise Cancelled()
        try:
            result, error = results.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        if error is not None:
            raise error
        return result


def _watch(job: "Job[Any, Any, Any]", shared: _Shared, threads: "Iterable[threading.Thread]",
           progress: Progress) -> bool:
    """Pass messages to the caller until the threads are done; return whether the caller cancelled."""
    progress.report(0.0, job.text)
    while any(thread.is_alive() for thread in threads):
        if shared.stop.is_set():
            if job.interrupt is not None:
                job.interrupt()
            return False
        if progress.cancelled():
            shared.stop.set()
            if job.interrupt is not None:
                job.interrupt()
            return True
        try:
            done = shared.messages.get(timeout=_POLL_SECONDS)
            while not shared.messages.empty():
                done = shared.messages.get()
            if done == _FINISHED:
                break
            progress.report(done)
        except queue.Empty:
            continue
    if shared.error is None:
        progress.report(1.0)
    return False


def _guarded(work: "Callable[[Job[Any, Any, Any], _Shared], None]", job: "Job[Any, Any, Any]",
             shared: _Shared) -> None:
    """Run a thread's work and hand its error to the caller."""
    try:
        work(job, shared)
    except BaseException as error:  # noqa: BLE001  (nothing may be lost in a thread)
        shared.fail(error)


def _read(job: "Job[Any, Any, Any]", shared: _Shared) -> None:
    """Read blocks in order."""
    for block in job.blocks:
        shared.put(shared.inbound, (block, job.source.read(block)))
    shared.put(shared.inbound, _END)


def _compute(job: "Job[Any, Any, Any]", shared: _Shared) -> None:
    """Compute blocks in order."""
    weigh = job.weight or (lambda block: 1.0)
    total = sum(weigh(block) for block in job.blocks) or 1.0
    done = 0.0
    while True:
        item = shared.get(shared.inbound)
        if item is _END:
            shared.put(shared.outbound, _END)
            return
        block, data = item
        weight = weigh(block)

        def tick(share: float, before: float = done, span: float = weight) -> None:
            """Report a share of this block, and leave if the pass is over."""
            if shared.stop.is_set():
                raise _Stopped
            shared.messages.put((before + span * share) / total)

        result = job.compute(block, data, tick)
        done += weight
        shared.messages.put(done / total)
        shared.put(shared.outbound, (block, result))


def _write(job: "Job[Any, Any, Any]", shared: _Shared) -> None:
    """Write results in order."""
    while True:
        item = shared.get(shared.outbound)
        if item is _END:
            shared.messages.put(_FINISHED)
            return
        job.sink.write(*item)
