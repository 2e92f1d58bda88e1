"""Runs steps as soon as what they read is there, several at a time: most of a short step is the start of QGIS."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Callable, Dict, List, Sequence, Set

from .qgis_runs import AT_A_TIME, Outcome, Step


def run_steps(steps: Sequence[Step], run: Callable[[Step], Outcome], told: Callable[[Outcome], None]) -> List[Outcome]:
    """Return the outcomes in the order of the steps; each is told when it is there, and a failure ends it all."""
    outcomes: Dict[int, Outcome] = {}
    waiting = list(range(len(steps)))
    running: "Dict[Future[Outcome], int]" = {}
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        while waiting or running:
            for number in _ready(steps, waiting, set(outcomes))[:AT_A_TIME - len(running)]:
                waiting.remove(number)
                running[pool.submit(run, steps[number])] = number
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                number = running.pop(done)
                outcomes[number] = done.result()
                told(outcomes[number])
    return [outcomes[number] for number in range(len(steps))]


def _ready(steps: Sequence[Step], waiting: Sequence[int], done: Set[int]) -> List[int]:
    """Return which of the waiting steps read nothing that has still to be written."""
    return [number for number in waiting
            if all(earlier in done or not steps[number].needs(steps[earlier]) for earlier in range(number))]
