"""What is known of a place before any network: a formula with all that fixes it, in NumPy and as nodes of a graph."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Mapping, Optional

import numpy as np

from ..errors import InputError
from ..onnxgraph import OnnxGraph
from .checking import check_settings, refuse_idle
from .family import Family
from .settings import CELL, EXTENT, LENGTH, RADII, SCALES, SEAMLESS, SEED, SIGMA, WORLD, Settings, settings_from_json
from .shipped import POSITIONS
from .terms import Term

TORCHSPATIAL, SATCLIP = "torchspatial", "satclip"
COMPAT = ("", TORCHSPATIAL, SATCLIP)
_NOTHING = Settings()


@dataclass(frozen=True, eq=False)
class Position:
    """A formula ready to use; `compat` names the original whose behaviour it has, where that is not the clean one.

    `arrays` are what fixes it beside its settings: `anchors` (M, 2) of rbf, and `directions` (D, 2) and `phases` (D,)
    of a fourier-planar that was trained elsewhere.
    """

    kind: str
    settings: Settings
    compat: str = ""
    arrays: "Mapping[str, np.ndarray]" = field(default_factory=dict)

    @property
    def family(self) -> Family:
        """Return the formula."""
        return POSITIONS[self.kind]

    @property
    def size(self) -> int:
        """Return how many numbers there are."""
        return self.family.size(self.settings.scales)

    @property
    def seamless(self) -> bool:
        """Tell whether it is continuous over ±180°."""
        if self.kind == "rbf" and self.compat == TORCHSPATIAL:
            return False
        return self.family.seamless or self.settings.seamless

    @property
    def polar(self) -> bool:
        """Tell whether a pole has one vector, whatever its longitude."""
        return self.family.polar and not (self.kind == "rbf" and self.compat == TORCHSPATIAL)

    @property
    def has_nodes(self) -> bool:
        """Tell whether a graph can hold it."""
        return self.family.nodes is not None

    def features(self, places: np.ndarray) -> np.ndarray:
        """Return `(n, size)` float64 of places `(n, 2)` in degrees; a tile is the number of its cell."""
        return self.family.formula(places, self)

    def nodes(self, graph: OnnxGraph, location: str) -> Optional[str]:
        """Write it into a graph from the float64 input `location` `(n, 2)`; None where ONNX Runtime can't be exact."""
        if self.family.nodes is None:
            return None
        return self.family.nodes(Term(graph, location), self).name

    def details(self) -> "Dict[str, Any]":
        """Return the settings that mean something to the formula, under the names that a space states."""
        takes, settings = self.family.takes, self.settings
        found: "Dict[str, Any]" = {}
        if SCALES in takes:
            found[self.family.scales_word] = settings.scales
        if RADII in takes:
            found.update(min_radius=settings.min_radius, max_radius=settings.max_radius)
        if LENGTH in takes and not settings.sigma:
            found["length_km"] = settings.length
        if SIGMA in takes and settings.sigma:
            found["sigma_degrees"] = settings.sigma
        if SEAMLESS in takes and (settings.seamless or self.kind.startswith("sphere2vec")):
            found["seamless"] = settings.seamless
        if SEED in takes and not self.arrays:
            found["seed"] = settings.seed
        if CELL in takes:
            found["cell_degrees"] = settings.cell
        if EXTENT in takes and settings.extent:
            found["extent"] = list(settings.extent)
        if self.compat:
            found["compat"] = self.compat
        return found

    def as_json(self) -> "Dict[str, Any]":
        """Return it without its arrays, which the file beside it holds."""
        return {"kind": self.kind, "settings": self.settings.as_json(), "compat": self.compat,
                "arrays": sorted(self.arrays)}


def position_of(kind: str, settings: Settings = _NOTHING, compat: str = "",
                arrays: "Optional[Mapping[str, np.ndarray]]" = None) -> Position:
    """Return the position of a kind with its defaults filled in, or say in words what can't be."""
    family = POSITIONS.get(kind)
    if family is None:
        raise InputError("location-kind", "There is no kind of location encoder called {kind}: choose one of {known}.",
                         kind=kind, known=", ".join(POSITIONS))
    if compat not in COMPAT or compat and compat not in family.compat:
        raise InputError("location-compat", "{kind} has no other form called {compat}: leave that empty{known}.",
                         kind=kind, compat=compat,
                         known="".join(f", or write {name}" for name in sorted(family.compat)))
    refuse_idle(family, settings)
    found = {name: np.asarray(array, dtype=np.float64) for name, array in (arrays or {}).items()}
    complete = _completed(family, settings, compat, found)
    check_settings(family, complete)
    _check_arrays(family, complete, compat, found)
    return Position(kind, complete, compat, found)


def position_from_json(raw: "Mapping[str, Any]", arrays: "Mapping[str, np.ndarray]") -> Position:
    """Read a position back from a card and the arrays of its file; raises ValueError for what can't be one."""
    try:
        return position_of(str(raw["kind"]), settings_from_json(raw.get("settings") or {}), str(raw.get("compat", "")),
                           arrays)
    except InputError as error:
        raise ValueError(str(error).rstrip(".")) from error


def _completed(family: Family, given: Settings, compat: str, arrays: "Mapping[str, np.ndarray]") -> Settings:
    """Put the defaults where nothing was given, and the numbers of the arrays where these decide."""
    default = family.default
    scales = given.scales or default.scales
    if "anchors" in family.arrays and "anchors" in arrays:
        scales = len(arrays["anchors"])
    if "phases" in arrays:
        scales = len(arrays["phases"])
    plain = replace(
        given, scales=scales, min_radius=given.min_radius or default.min_radius,
        max_radius=given.max_radius or default.max_radius, length=given.length or default.length)
    if family.id == "rbf" and compat == TORCHSPATIAL:
        plain = replace(plain, length=0.0, sigma=given.sigma or 2.0)
    elif given.sigma:
        raise InputError("location-setting", "{id} takes a sigma in degrees only in its form {compat}: give a length "
                         "in km.", id=family.id, compat=TORCHSPATIAL)
    if family.id == "tile":
        plain = replace(plain, cell=given.cell or (1e6 if compat == TORCHSPATIAL else default.cell))
    normalised = family.id == "tile" or family.id == "fourier-planar" and compat == TORCHSPATIAL
    if given.extent and not normalised:
        raise InputError("location-setting", "{id} takes an extent only in its form {compat}: leave it out.",
                         id=family.id, compat=TORCHSPATIAL)
    return replace(plain, extent=given.extent or WORLD) if normalised else plain


def _check_arrays(family: Family, settings: Settings, compat: str, arrays: "Mapping[str, np.ndarray]") -> None:
    """Refuse arrays that are missing, too many or of another shape."""
    wanted = {"anchors": (settings.scales, 2), "directions": (settings.scales, 2), "phases": (settings.scales,)}
    needed = family.arrays if family.id == "rbf" or compat == TORCHSPATIAL else frozenset()
    if set(arrays) != set(needed):
        raise InputError("location-arrays", "{id} is made of {needed}, not of {given}: give just that.", id=family.id,
                         needed=" and ".join(sorted(needed)) or "no arrays",
                         given=" and ".join(sorted(arrays)) or "nothing")
    for name, array in arrays.items():
        if array.shape != wanted[name] or not np.isfinite(array).all():
            raise InputError("location-arrays", "The {name} of {id} have the shape {given} or hold what is no number, "
                             "where {wanted} are needed: give others.", name=name, id=family.id, given=array.shape,
                             wanted=wanted[name])
