"""A fitted fusion: how the vectors of several spaces become one vector, dimension by dimension."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

import numpy as np

from ..analyses.models import FittedModel, load_model, model_of
from ..errors import ModelError
from ..provenance import Provenance
from ..space import Space, parse_key, require_same
from .request import REDUCE_PARTS, REDUCE_TOGETHER

KIND = "fusion"
ENCODER = "fused"


@dataclass(frozen=True)
class FusedPart:
    """One of the spaces: its name in the result, its key, its length there and here, and its weight."""

    name: str
    key: str
    length: int
    weight: float
    dimensions: int

    def as_json(self) -> "dict[str, Any]":
        """Return what the fused space says of the part; `dimensions` are those of the result, in order."""
        return {"name": self.name, "space": parse_key(self.key).name, "length": self.length, "weight": self.weight,
                "dimensions": self.dimensions}


@dataclass(frozen=True)
class Fusion:
    """Shift and factor of every dimension of all parts, then the components of each part or of all together.

    `axes` is empty where nothing is reduced. Where all are reduced together no dimension of the result belongs to one
    part, so the parts count 0 of them.
    """

    parts: "tuple[FusedPart, ...]"
    shift: np.ndarray
    factor: np.ndarray
    axes: "tuple[np.ndarray, ...]"
    standardise: str
    explained: float = 1.0

    @property
    def together(self) -> bool:
        """Tell whether all parts are reduced as one."""
        return len(self.axes) == 1

    @property
    def dimensions(self) -> int:
        """Return the length of a fused vector."""
        return sum(len(axes) for axes in self.axes) if self.axes else len(self.shift)

    def apply(self, vectors: "Sequence[np.ndarray]") -> np.ndarray:
        """Fuse the vectors `(dims, n)` of each part into `(dimensions, n)`; NaN stays NaN."""
        scaled, start = [], 0
        for part, values in zip(self.parts, vectors):
            here = slice(start, start + part.length)
            scaled.append((values - self.shift[here, np.newaxis]) * self.factor[here, np.newaxis])
            start += part.length
        if self.together:
            return self.axes[0] @ np.concatenate(scaled)
        if self.axes:
            scaled = [axes @ values for axes, values in zip(self.axes, scaled)]
        return np.concatenate(scaled)

    def completed(self, vectors: "Sequence[np.ndarray]") -> "list[np.ndarray]":
        """Return vectors in which what is NaN is the mean of the data: after the fusion it says nothing."""
        found, start = [], 0
        for part, values in zip(self.parts, vectors):
            here = slice(start, start + part.length)
            start += part.length
            missing = ~np.isfinite(values)
            found.append(np.where(missing, self.shift[here, np.newaxis], values) if missing.any() else values)
        return found

    def names(self) -> "tuple[str, ...]":
        """Return a name for each dimension of the result."""
        if self.together:
            return tuple(f"Component {index}" for index in range(1, self.dimensions + 1))
        return tuple(f"{part.name} {index}" for part in self.parts for index in range(1, part.dimensions + 1))

    def space(self, provenance: "tuple[Provenance, ...]" = ()) -> Space:
        """Return the space of the fused vectors: centred, so that distances say how alike they are, not angles."""
        content = b"".join(np.ascontiguousarray(values, dtype="<f4").tobytes()
                           for values in (self.shift, self.factor, *self.axes))
        reduction = None if not self.axes else {"method": "pca", "of": REDUCE_TOGETHER if self.together
                                                else REDUCE_PARTS}
        return Space(
            encoder=ENCODER, dimensions=self.dimensions, checksum=hashlib.sha256(content).hexdigest(),
            metric="euclidean", normalisation="data", reduction=reduction, provenance=provenance,
            details={"parts": [part.as_json() for part in self.parts], "standardised": self.standardise})

    def to_model(self) -> FittedModel:
        """Return what to save, so that another scene or year is fused into the same space."""
        arrays: "dict[str, np.ndarray]" = {"shift": self.shift, "factor": self.factor}
        arrays.update({f"axes_{number}": axes for number, axes in enumerate(self.axes)})
        parameters = {
            "standardise": self.standardise, "explained": self.explained, "axes": len(self.axes),
            "parts": [dict(part.as_json(), key=part.key) for part in self.parts]}
        return model_of(KIND, self.space(), arrays, parameters)


def load_fusion(path: str, keys: "Sequence[str]", names: "Sequence[str]") -> Fusion:
    """Read a saved fusion and check that these inputs are its parts, in its order."""
    model = load_model(path, [KIND])
    try:
        parts = tuple(_part(item) for item in model.parameters["parts"])
        count, standardise = int(model.parameters["axes"]), str(model.parameters["standardise"])
        explained = float(model.parameters["explained"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError("fusion-broken", "{path} doesn't say what it fuses: save the fusion again with MODEL_OUT.",
                         path=path) from error
    if len(parts) != len(keys):
        raise ModelError("fusion-parts", "{path} fuses {wanted} layers but {found} are given: give those of the same "
                         "kinds, in the same order.", path=path, wanted=len(parts), found=len(keys))
    for part, key, name in zip(parts, keys, names):
        require_same(part.key, f"Part “{part.name}” of {path}", key, name)
    length = sum(part.length for part in parts)
    axes = tuple(model.array(f"axes_{number}", None, length if count == 1 else parts[number].length)
                 for number in range(count))
    fusion = Fusion(parts, model.array("shift", length), model.array("factor", length), axes, standardise, explained)
    model.require_space(fusion.space().key(), f"What {path} holds")
    return fusion


def _part(item: "Mapping[str, Any]") -> FusedPart:
    """Read one part back."""
    key = str(item["key"])
    return FusedPart(str(item["name"]), key, parse_key(key).dimensions, float(item["weight"]),
                     int(item["dimensions"]))


def part_names(keys: "Sequence[str]") -> "tuple[str, ...]":
    """Return a name for each part: its encoder's, as its key has it, with a number where there are several of one.

    Names of files would give the same vectors another space wherever they lie.
    """
    found: "list[str]" = []
    for key in map(parse_key, keys):
        encoder = key.name[:-len(key.digest) - 1]
        name, number = encoder, 1
        while name in found:
            number += 1
            name = f"{encoder}-{number}"
        found.append(name)
    return tuple(found)
