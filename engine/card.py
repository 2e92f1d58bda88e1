"""An encoder's card as data: what its ONNX file eats, what it returns, and the space its vectors live in.

`card_json` reads and writes the STAC Item (Machine Learning Model extension) that holds it on disk.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping, Optional

import numpy as np

from .space import Band, Space

DENSE = "dense"
CHIP = "chip"


@dataclass(frozen=True)
class CardBand:
    """One band as the encoder expects it, in the order of the card; values are those before `Scaling`."""

    name: str
    common_name: str = ""
    wavelength_um: Optional[float] = None
    unit: str = ""
    valid_min: Optional[float] = None
    valid_max: Optional[float] = None


@dataclass(frozen=True)
class Scaling:
    """Normalisation of the card, per band or for all: clip, then `(value − shift) / divisor`, then clip again."""

    shift: "tuple[float, ...]" = (0.0,)
    divisor: "tuple[float, ...]" = (1.0,)
    clip_before: "Optional[tuple[float, float]]" = None
    clip_after: "Optional[tuple[float, float]]" = None

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Normalise float32 `(bands, ...)` and return a new array."""
        shape = (-1,) + (1,) * (values.ndim - 1)
        if self.clip_before is not None:
            values = np.clip(values, *self.clip_before)
        result = values - np.asarray(self.shift, dtype=np.float32).reshape(shape)
        result /= np.asarray(self.divisor, dtype=np.float32).reshape(shape)
        if self.clip_after is not None:
            np.clip(result, *self.clip_after, out=result)
        return result

    @property
    def is_identity(self) -> bool:
        """Tell whether nothing would change, so that raw values may go in as they are."""
        return (all(value == 0 for value in self.shift) and all(value == 1 for value in self.divisor)
                and self.clip_before is None and self.clip_after is None)


@dataclass(frozen=True)
class ModelInput:
    """One input of the graph.

    `role` is image, mask, wavelengths, gsd, time or latlon; `shape` uses −1 for a dynamic axis; `dim_order` names
    the axes: batch, bands, time, height, width, or value for the axis of an extra input's numbers. `encoding` says
    how an extra input wants its numbers: um or nm (wavelengths), m (gsd), degrees or sincos (latlon: latitude first),
    sincos (time: week of the year and hour, sine and cosine of each) or year-doy (time: year and day of the year).
    """

    name: str
    role: str
    shape: "tuple[int, ...]"
    dim_order: "tuple[str, ...]"
    data_type: str = "float32"
    encoding: str = ""


@dataclass(frozen=True)
class ModelOutput:
    """The output of the graph that holds the vectors; `dim_order` of batch, embedding, height, width, token, time."""

    name: str
    shape: "tuple[int, ...]"
    dim_order: "tuple[str, ...]"
    data_type: str = "float32"


@dataclass(frozen=True)
class Reduction:
    """A fitted linear reduction: `(vector − mean) @ components.T`, re-normalised where the encoder's vectors are."""

    method: str
    mean: np.ndarray
    components: np.ndarray
    explained: "tuple[float, ...]" = ()

    def digest(self) -> str:
        """Return a checksum of the numbers."""
        payload = np.ascontiguousarray(self.mean, dtype="<f4").tobytes() + np.ascontiguousarray(
            self.components, dtype="<f4").tobytes()
        return hashlib.sha256(payload).hexdigest()


@dataclass(frozen=True)
class Card:
    """What is known of an encoder.

    Geometry, in input pixels: `stride` is the ground a vector of the output stands for (a ViT's patch, a
    convolutional network's output stride, the whole tile for kind "chip"); `tile` is the fixed input size, 0 if
    any multiple of the stride (plus twice the halo) goes; `halo` is the border that a dense network consumes on
    each side: an input of n·stride + 2·halo gives n × n vectors. `context` is how far beyond its own cell a vector
    still depends on the input; a finite context and enough overlap make the tiling invisible. `finite_context` is
    False for transformers, whose tiles overlap and are blended.
    """

    id: str
    name: str
    path: Optional[Path]
    model_path: Path
    checksum: str
    bands: "tuple[CardBand, ...]"
    inputs: "tuple[ModelInput, ...]"
    output: ModelOutput
    kind: str
    dimensions: int
    stride: int
    tile: int = 0
    halo: int = 0
    context: int = 0
    finite_context: bool = False
    suggested_tile: int = 0
    suggested_batch: int = 0
    tokens_drop: int = 0
    pooling: str = "none"
    dates: int = 1
    date_pooling: str = "mean"
    scaling: Scaling = field(default_factory=Scaling)
    fill: Optional[float] = None
    metric: str = "cosine"
    unit_norm: bool = False
    normalise_output: bool = False
    gsd_range: "Optional[tuple[float, float]]" = None
    normalisation: str = "card"
    reduction: Optional[Reduction] = None
    licence: str = ""
    architecture: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    fitted_on: str = ""
    external: bool = False
    description: str = ""

    @property
    def image(self) -> ModelInput:
        """Return the input that takes the pixels."""
        return next(item for item in self.inputs if item.role == "image")

    @property
    def takes_mask(self) -> bool:
        """Tell whether the graph handles nodata itself."""
        return any(item.role == "mask" for item in self.inputs)

    @property
    def batch(self) -> int:
        """Return the fixed batch size, or 0 if any goes."""
        size = self.image.shape[self.image.dim_order.index("batch")]
        return max(size, 0)

    @property
    def output_dimensions(self) -> int:
        """Return the length of a vector after the reduction."""
        return self.dimensions if self.reduction is None else len(self.reduction.components)

    def space(self) -> Space:
        """Return the space of this encoder's vectors."""
        details = dict(self.details)
        if self.dates > 1:
            details["dates"] = self.dates
        space = Space(
            encoder=self.id, checksum=self.checksum, dimensions=self.dimensions, metric=self.metric,
            unit_norm=self.unit_norm, bands=tuple(Band(band.name, band.unit) for band in self.bands),
            normalisation=self.normalisation, details=details)
        if self.reduction is None:
            return space
        return space.reduced(self.output_dimensions, self.reduction.method, self.reduction.digest())
