"""What is predicted: the target columns with their transforms, or the classes with names and colours."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np

from .transforms import TargetTransform, transform_from_json

_COLOUR = re.compile(r"^#[0-9a-f]{6}$")
_WHOLE = re.compile(r"^-?\d+$")


@dataclass(frozen=True)
class TargetClass:
    """A class: its value in the target column as text, what it is called, its colour, and how many samples it has."""

    value: str
    name: str
    colour: str
    count: int


@dataclass(frozen=True)
class TargetPlan:
    """The target of a predictor: T columns with a transform each, or one column with its classes.

    `units` are units of measure, one a column, empty where nobody said; `merged` is which values became which class.
    """

    names: "Tuple[str, ...]"
    transforms: "Tuple[TargetTransform, ...]" = ()
    units: "Tuple[str, ...]" = ()
    classes: "Tuple[TargetClass, ...]" = ()
    merged: "Mapping[str, str]" = field(default_factory=dict)

    @property
    def codes(self) -> "Optional[Tuple[int, ...]]":
        """Return the classes as the whole numbers that their values are, None where one is no number."""
        if not self.classes or not all(_WHOLE.match(found.value) for found in self.classes):
            return None
        return tuple(int(found.value) for found in self.classes)

    def forward(self, values: np.ndarray) -> np.ndarray:
        """Return targets `(…, T)` on the scale that models are fitted on."""
        return self._each(values, [transform.forward for transform in self.transforms])

    def inverse(self, scaled: np.ndarray) -> np.ndarray:
        """Return targets `(…, T)` in their units."""
        return self._each(scaled, [transform.inverse for transform in self.transforms])

    def as_json(self) -> "Dict[str, Any]":
        """Return it as a plain JSON object."""
        return {
            "names": list(self.names), "units": list(self.units),
            "transforms": [transform.as_json() for transform in self.transforms],
            "classes": [{"value": found.value, "name": found.name, "colour": found.colour, "count": found.count}
                        for found in self.classes],
            "merged": dict(self.merged)}

    @staticmethod
    def from_json(raw: "Mapping[str, Any]") -> "TargetPlan":
        """Read a target back; raises ValueError, KeyError or TypeError for what is none."""
        names = tuple(str(name) for name in raw["names"])
        transforms = tuple(transform_from_json(entry) for entry in raw.get("transforms", ()))
        classes = tuple(_class_from_json(entry) for entry in raw.get("classes", ()))
        units = tuple(str(unit) for unit in raw.get("units", ()))
        if not names or bool(classes) == bool(transforms) or (transforms and len(transforms) != len(names)):
            raise ValueError("target of another shape")
        if units and len(units) != len(names):
            raise ValueError("units of another number")
        merged = {str(old): str(new) for old, new in dict(raw.get("merged") or {}).items()}
        return TargetPlan(names, transforms, units, classes, merged)

    def _each(self, values: np.ndarray, ways: "list[Any]") -> np.ndarray:
        """Apply one function to each target."""
        values = np.asarray(values, dtype=np.float64)
        if values.shape[-1:] != (len(ways),):
            raise ValueError(f"targets of shape {values.shape} for {len(ways)} columns")
        return np.stack([way(values[..., index]) for index, way in enumerate(ways)], axis=-1)


def _class_from_json(raw: "Mapping[str, Any]") -> TargetClass:
    """Read a class back."""
    colour = str(raw["colour"]).lower()
    if not _COLOUR.match(colour):
        raise ValueError(f"colour {colour!r}")
    return TargetClass(str(raw["value"]), str(raw["name"]), colour, int(raw["count"]))
