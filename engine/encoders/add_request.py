"""What a user says of an encoder to be added."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class AddRequest:
    """What is known of an encoder to be added; texts of several values separate them by `;`, empty means unknown.

    `card` is the path of a card or the id of a card that ships without a model. `scaling` is a normalisation in
    steps, the same for all bands (“none”: the graph eats raw values); `mean` and `std` come after it.
    """

    onnx: Path
    card: str = ""
    name: str = ""
    bands: str = ""
    wavelengths: str = ""
    unit: str = ""
    valid_range: str = ""
    scaling: str = ""
    mean: str = ""
    std: str = ""
    patch: int = 0
    tokens_drop: int = -1
    pooling: str = ""
    tile: int = 0
    dates: int = 0
    output_name: str = ""
    axes: str = ""
    metric: str = ""
    licence: str = ""
    device: str = "cpu"
