"""The sentences that say why a file of weights won't do."""

from __future__ import annotations

from typing import Sequence

from ..errors import InputError

_SHOWN = 3


def damaged(name: str, reason: str) -> InputError:
    """Say that a file is broken off or was changed."""
    return InputError("checkpoint-damaged", "The checkpoint {name} is damaged ({reason}): download it again and "
                      "compare its checksum.", name=name, reason=reason)


def suspicious(name: str, reason: str) -> InputError:
    """Say that a file claims what no honest one does."""
    return InputError("checkpoint-suspicious", "The checkpoint {name} was not read because {reason}, as no file of "
                      "weights has it: get it from its publisher.", name=name, reason=reason)


def holds_code(name: str, names: "Sequence[str]") -> InputError:
    """Say what a file wanted to call, had somebody unpickled it."""
    return InputError("checkpoint-code", "The checkpoint {name} was not read because it holds code: it wants to call "
                      "{names}, where weights need nothing but tensors and plain numbers; ask its publisher for the "
                      "weights alone (a state dictionary, or safetensors).", name=name, names=listed(names))


def no_checkpoint(name: str, reason: str) -> InputError:
    """Say that a file is something else."""
    return InputError("checkpoint-other-file", "{name} is no checkpoint that can be converted: {reason}.", name=name,
                      reason=reason)


def listed(names: "Sequence[str]") -> str:
    """Return the first few names, and how many more there are; control characters would spoil the log."""
    shown = ["".join(letter if letter.isprintable() else "?" for letter in name)[:80] for name in names[:_SHOWN]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
