"""Accounts for every tensor of a checkpoint: used, known and left out for a reason, or unknown and so refused."""

from __future__ import annotations

import re
from collections import Counter
from typing import Dict, List, Optional, Tuple

import numpy as np

from ..errors import InputError
from .checkpoint import FLOATS, Checkpoint, StoredTensor
from .refusing import damaged, listed


class Account:
    """The tensors of a checkpoint under the names that a family knows them by, and what became of each."""

    def __init__(self, checkpoint: Checkpoint, family: str) -> None:
        """Nothing is accounted for yet."""
        self.checkpoint = checkpoint
        self._family = family
        self._open: "Dict[str, StoredTensor]" = dict(checkpoint.tensors)
        self._taken: "Dict[str, np.ndarray]" = {}
        self._left_out: "Counter[str]" = Counter()

    def names(self, pattern: str) -> "List[str]":
        """Return the names not yet accounted for that a pattern matches in full."""
        return [name for name in self._open if re.fullmatch(pattern, name)]

    def shape(self, name: str) -> "Tuple[int, ...]":
        """Return the shape of a tensor that is to be taken."""
        return self._found(name).shape

    def take(self, name: str, *shape: Optional[int]) -> np.ndarray:
        """Return a tensor as float64 or float32, after the check of its shape; None stands for any length."""
        tensor = self._found(name)
        if len(tensor.shape) != len(shape) or any(
                want is not None and want != have for want, have in zip(shape, tensor.shape)):
            raise self._wrong(name, f"has the shape {_shape(tensor.shape)} where {_shape(shape)} is needed")
        if tensor.kind not in FLOATS:
            raise self._wrong(name, f"holds numbers of the kind {tensor.kind}")
        values = tensor.read()
        with np.errstate(over="ignore"):
            if not np.isfinite(values.astype(np.float32)).all():
                raise self._wrong(name, "holds values that are no numbers, or too large")
        del self._open[name]
        self._taken[name] = values if values.dtype == np.float64 else values.astype(np.float32)
        return self._taken[name]

    def leave_out(self, pattern: str, reason: str) -> None:
        """Leave out what a pattern matches, for a reason that the log tells."""
        for name in self.names(pattern):
            del self._open[name]
            self._left_out[reason] += 1

    def leave_repeats(self, prefix: str, other: str, reason: str) -> None:
        """Leave out what stands a second time under another prefix, if it is equal to what was taken."""
        for name, original in self._taken.items():
            copy = other + name[len(prefix):]
            if not name.startswith(prefix) or copy not in self._open:
                continue
            tensor = self._open[copy]
            if tensor.shape != original.shape or not np.array_equal(tensor.read(), original):
                raise damaged(self.checkpoint.name, f"{copy} stands in it twice with different numbers")
            del self._open[copy]
            self._left_out[reason] += 1

    def close(self) -> "Tuple[str, ...]":
        """Return what was left out and why, or refuse a checkpoint with tensors that nobody knows."""
        if self._open:
            raise InputError("checkpoint-unknown-tensor", "The checkpoint {name} holds tensors that are no part of "
                             "{family} ({tensors}): it is of another model, or of a version that can't be converted.",
                             name=self.checkpoint.name, family=self._family, tensors=listed(list(self._open)))
        return tuple(f"{reason} ({count})" for reason, count in self._left_out.items())

    def _found(self, name: str) -> StoredTensor:
        """Return a tensor, or say that it is missing."""
        if name not in self._open:
            raise InputError("checkpoint-missing-tensor", "The checkpoint {name} lacks {tensor}, without which "
                             "{family} can't be built: it is of another model, or not whole.",
                             name=self.checkpoint.name, tensor=name, family=self._family)
        return self._open[name]

    def _wrong(self, name: str, reason: str) -> InputError:
        """Say what is wrong with a tensor."""
        return InputError("checkpoint-tensor", "In the checkpoint {name}, {tensor} {reason}: it is of another model, "
                          "or damaged.", name=self.checkpoint.name, tensor=name, reason=reason)


def _shape(sizes: "Tuple[Optional[int], ...]") -> str:
    """Return a shape in words."""
    return " × ".join("any" if size is None else str(size) for size in sizes) or "a single number"


def names_like(checkpoint: Checkpoint, pattern: str) -> bool:
    """Tell whether a checkpoint has a tensor whose name matches a pattern in full."""
    return any(re.fullmatch(pattern, name) for name in checkpoint.tensors)
