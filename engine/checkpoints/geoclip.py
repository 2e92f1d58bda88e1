"""GeoCLIP's location tower: the Equal Earth projection, and a sum of networks on random waves of different widths."""

from __future__ import annotations

import re
from typing import Any, List, Tuple

import numpy as np

from ..locations.network import Activation, Linear, Network, Sum, Waves
from ..locations.position import position_of
from .account import Account
from .checkpoint import Checkpoint
from .tower import Tower

TITLE = "GeoCLIP"
MARK = r"(?:.+\.)?LocEnc\d+\.capsule\.0\.b"
PUBLISHED = "94b80ae3af89fca7 8539e129dd2929d3 21247f5ceeeb0a31 bc2c31041a253394".replace(" ", "")
DIMENSIONS = 512
LIMITS = ("It says little of places closer than about 1 km, so a raster of its vectors finer than that is pointless.")


def read_geoclip(checkpoint: Checkpoint) -> Tower:
    """Rebuild the tower from the location encoder alone, or from the whole model."""
    account = Account(checkpoint, f"a {TITLE} location encoder")
    prefix = account.names(MARK)[0].partition("LocEnc")[0]
    branches: "List[Tuple[Any, ...]]" = []
    dimensions = 0
    for number in range(len(account.names(re.escape(prefix) + r"LocEnc\d+\.capsule\.0\.b"))):
        stages = _capsule(account, f"{prefix}LocEnc{number}", dimensions or None)
        dimensions = len(stages[-1].weight)
        branches.append(stages)
    account.leave_out(r"image_encoder\..+", "tensors of the image tower")
    account.leave_out(r"logit_scale", "factor of the loss")
    account.leave_out(r"gps_gallery|gps_queue(_ptr)?", "tensors of the gallery of places")
    left_out = account.close()
    known = checkpoint.weights_checksum == PUBLISHED
    return Tower(
        "geoclip", TITLE, position_of("equal-earth"), Network((Sum(tuple(branches)),)),
        f"Equal Earth projection and {len(branches)} networks on random Fourier features",
        f"Location tower of {TITLE}{' as its package 1.3.0 brings it' if known else ''}, trained on photos from all "
        f"over the globe. {LIMITS} Its vectors of {dimensions} numbers are to be compared by their angle.", "MIT",
        left_out, () if dimensions == DIMENSIONS else (
            f"This encoder gives vectors of {dimensions} numbers where {TITLE} gives {DIMENSIONS}: it is of a "
            "relative, and one that was trained on longitude before latitude would give nonsense.",))


def _capsule(account: Account, prefix: str, dimensions: "int | None") -> "Tuple[Any, ...]":
    """Return one network: waves, three layers that are cut off below zero, and a head."""
    waves = account.take(f"{prefix}.capsule.0.b", None, 2)
    stages: "List[Any]" = [Waves(waves.astype(np.float64))]
    wide = 2 * len(waves)
    for layer in (1, 3, 5):
        linear = _linear(account, f"{prefix}.capsule.{layer}", None, wide)
        stages += [linear, Activation("relu")]
        wide = len(linear.weight)
    return (*stages, _linear(account, f"{prefix}.head.0", dimensions, wide))


def _linear(account: Account, name: str, out: "int | None", wide: int) -> Linear:
    """Return a layer."""
    weight = account.take(f"{name}.weight", out, wide)
    return Linear(weight.astype(np.float32), account.take(f"{name}.bias", len(weight)).astype(np.float32))
