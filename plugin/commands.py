"""Commands as plain data, so that what runs them (Qt, a test) and what decides on them stay apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generator, Optional, Tuple, TypeVar


@dataclass(frozen=True)
class Command:
    """A program to run, never through a shell; `text` and `fraction` tell the user where in the whole this is."""

    program: str
    arguments: Tuple[str, ...]
    text: str
    fraction: float
    quiet: bool = False


@dataclass(frozen=True)
class Result:
    """How a command ended: its exit code, None if it could not be started, and all that it printed."""

    code: Optional[int]
    output: str


Returned = TypeVar("Returned")
Steps = Generator[Command, Result, Returned]
