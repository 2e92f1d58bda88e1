"""What a user says of vectors that came without a word, checked against the vectors themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Protocol

import numpy as np

from .errors import InputError, SpaceError
from .progress import Progress
from .space import METRICS, UNDECLARED, Band, Space

NORMS = ("measured", "unit", "any")
_UNIT = (0.98, 1.02)
_MEASURED = 1e-2
_HOPELESS = (0.5, 2.0)


@dataclass(frozen=True)
class Lengths:
    """How long some vectors are: what tells unit vectors from others, and raw codes from decoded ones."""

    low: float
    median: float
    high: float
    zeros: int = 0

    def in_words(self) -> str:
        """Return the numbers for the log."""
        return f"{self.low:.4g} to {self.high:.4g}, median {self.median:.4g}"


class Statement(Protocol):
    """Something that says what the vectors of a layer are."""

    def space(self, dimensions: int, lengths: Lengths, name: str, progress: Progress) -> Space:
        """Return the space of the vectors in `name`, or refuse the statement where they contradict it."""


@dataclass(frozen=True)
class KnownSpace:
    """A space that is known in full: that of an encoder's card, or one that was copied from elsewhere."""

    known: Space

    def space(self, dimensions: int, lengths: Lengths, name: str, progress: Progress) -> Space:
        """Return it, if the vectors can be of it."""
        if self.known.dimensions != dimensions:
            raise SpaceError("statement-dimensions", "{name} has vectors of {found} numbers, but those of “{encoder}” "
                             "have {dimensions}: choose the encoder that made them.", name=name, found=dimensions,
                             encoder=self.known.encoder, dimensions=self.known.dimensions)
        if self.known.unit_norm:
            check_unit(lengths, name, progress)
        return self.known


@dataclass(frozen=True)
class SpaceStatement:
    """The name of the encoder or product and how its vectors are to be compared.

    `norm` is "unit", "any", or "measured": unit if all the vectors seen are so.
    """

    encoder: str
    metric: str = "cosine"
    norm: str = "measured"
    bands: "tuple[Band, ...]" = ()
    checksum: str = ""
    details: "Mapping[str, Any]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what could be no space."""
        if not self.encoder.strip() or self.encoder.strip().lower().startswith(UNDECLARED):
            raise SpaceError("statement-encoder", "“{encoder}” names no encoder or product: give the name under which "
                             "its vectors shall compare.", encoder=self.encoder)
        if self.metric not in METRICS or self.norm not in NORMS:
            raise SpaceError("statement-choice", "“{metric}” and “{norm}” can't state a space: choose among {metrics} "
                             "and {norms}.", metric=self.metric, norm=self.norm, metrics=", ".join(METRICS),
                             norms=", ".join(NORMS))

    def space(self, dimensions: int, lengths: Lengths, name: str, progress: Progress) -> Space:
        """Return the space of the vectors in `name`, or refuse the statement where they contradict it."""
        unit = self.norm == "unit"
        if self.norm == "measured":
            unit = abs(lengths.low - 1) <= _MEASURED and abs(lengths.high - 1) <= _MEASURED
        if unit:
            check_unit(lengths, name, progress)
        return Space(encoder=self.encoder.strip(), dimensions=dimensions, checksum=self.checksum, metric=self.metric,
                     unit_norm=unit, bands=self.bands, details=dict(self.details))


def check_unit(lengths: Lengths, name: str, progress: Progress) -> None:
    """Refuse vectors that are nowhere near length 1, and warn of those that are not quite."""
    if not _HOPELESS[0] <= lengths.median <= _HOPELESS[1]:
        raise InputError("statement-norm", "The vectors of {name} are no unit vectors, their lengths are {lengths}: "
                         "decode them first, or state that they have any length.", name=name,
                         lengths=lengths.in_words())
    if not _UNIT[0] <= lengths.median <= _UNIT[1]:
        progress.warn(f"The vectors of {name} are stated to have length 1, but their lengths are "
                      f"{lengths.in_words()}: averaged vectors are shorter, any other difference is an error.")


def lengths_of(vectors: np.ndarray) -> np.ndarray:
    """Return the length of each of `(rows, dims)` vectors."""
    return np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))


def summary_of(lengths: np.ndarray) -> Lengths:
    """Return what matters of many lengths."""
    return Lengths(float(lengths.min()), float(np.median(lengths)), float(lengths.max()), int((lengths == 0).sum()))


def parse_bands(text: str) -> "tuple[Band, ...]":
    """Read `name (unit); name; …`."""
    bands = []
    for part in (piece.strip() for piece in text.split(";")):
        if part:
            name, bracket, unit = part.partition("(")
            bands.append(Band(name.strip(), unit.rstrip(") ") if bracket else ""))
    return tuple(bands)
