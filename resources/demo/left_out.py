"""Which steps this machine can't take, and why: those whose package is missing, and those that read what they write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, List, Sequence, Tuple

from .qgis_runs import Step


@dataclass(frozen=True)
class LeftOut:
    """A step that is not taken, and the reason in words."""

    step: Step
    reason: str


def part_steps(steps: Sequence[Step], problem_of: Callable[[str], str]) -> Tuple[List[Step], List[LeftOut]]:
    """Return the steps that can be taken and those that can't; `problem_of` says what is wrong with a package."""
    taken: List[Step] = []
    missing: List[LeftOut] = []
    for step in steps:
        problem = problem_of(step.package) if step.package else ""
        before = next((one.step for one in missing if step.needs(one.step)), None)
        if problem:
            missing.append(LeftOut(step, f"it needs the Python package {step.package}: {problem}"))
        elif before is not None:
            missing.append(LeftOut(step, f"it needs what “{before.title}” writes"))
        else:
            taken.append(step)
    return taken, missing
