"""SatCLIP's location tower: spherical harmonics, with the constants that it was trained with, and a SIREN on top."""

from __future__ import annotations

import math
import re
from typing import Any, Dict, List

import numpy as np

from ..errors import InputError
from ..locations.network import Activation, Linear, Network
from ..locations.position import SATCLIP, position_of
from ..locations.settings import Settings
from .account import Account
from .checkpoint import Checkpoint
from .tower import Tower

TITLE = "SatCLIP"
FIRST_FREQUENCY, FREQUENCY = 30.0, 1.0
MARK = r"(?:.+\.)?nnet\.layers\.0\.weight"
LIMITS = ("Made for problems of the whole globe: its publishers call fine-grained problems in small areas, or with "
          "many places close to each other, out of its scope.")
_TRAINED_WITH: "Dict[str, Any]" = {"le_type": "sphericalharmonics", "pe_type": "siren",
                                   "harmonics_calculation": "analytic"}


def read_satclip(checkpoint: Checkpoint) -> Tower:
    """Rebuild the tower; the network stands in a checkpoint once or twice, beside the image tower."""
    _check_settings(checkpoint)
    account = Account(checkpoint, f"a {TITLE} location encoder")
    prefixes = sorted((name[:-len("nnet.layers.0.weight")] for name in account.names(MARK)), key=len, reverse=True)
    prefix = next((item for item in prefixes if item.endswith("location.")), prefixes[0])
    stages: "List[Any]" = []
    wide = degrees_squared = account.shape(f"{prefix}nnet.layers.0.weight")[-1]
    for number in range(len(account.names(re.escape(prefix) + r"nnet\.layers\.\d+\.weight"))):
        wide = _linear(account, prefix, f"nnet.layers.{number}", wide, stages)
        stages.append(Activation("sine", FREQUENCY if number else FIRST_FREQUENCY))
    dimensions = _linear(account, prefix, "nnet.last_layer", wide, stages)
    for other in prefixes:
        if other != prefix:
            account.leave_repeats(prefix, other, "tensors that stand in it twice, with the same numbers")
    account.leave_out(r"(?:.+\.)?visual\..+", "tensors of the image tower")
    account.leave_out(r"(?:.+\.)?logit_scale", "factor of the loss")
    left_out = account.close()
    degrees = math.isqrt(degrees_squared)
    if degrees * degrees != degrees_squared or degrees < 2:
        raise InputError("satclip-degrees", "The first layer in the checkpoint {name} takes {width} numbers, which is "
                         "no square, as spherical harmonics would give: it is of another model.", name=checkpoint.name,
                         width=degrees_squared)
    _check_degrees(checkpoint, degrees)
    hidden = (len(stages) - 1) // 2
    return Tower(
        "satclip", f"{TITLE} L={degrees}", position_of("spherical-harmonics", Settings(scales=degrees), SATCLIP),
        Network(tuple(stages)), f"Spherical harmonics of degree 0 to {degrees - 1} and a SIREN of {hidden} layers",
        f"Location tower of {TITLE}, trained on Sentinel-2 images of 100,000 places. {LIMITS} Its vectors of "
        f"{dimensions} numbers are to be compared by their angle.", "MIT", left_out)


def _linear(account: Account, prefix: str, name: str, wide: int, stages: "List[Any]") -> int:
    """Add a layer and return its width."""
    weight = account.take(f"{prefix}{name}.weight", None, wide)
    bias = account.take(f"{prefix}{name}.bias", len(weight))
    stages.append(Linear(weight.astype(np.float32), bias.astype(np.float32)))
    return len(weight)


def _check_settings(checkpoint: Checkpoint) -> None:
    """Refuse a relative of SatCLIP that was trained on another encoding of places."""
    for key, wanted in _TRAINED_WITH.items():
        given = checkpoint.settings.get(key, wanted)
        if given != wanted:
            raise InputError("satclip-setting", "The checkpoint {name} says {key} = {given}, but only {title} models "
                             "with {key} = {wanted} can be converted: choose one of those.", name=checkpoint.name,
                             key=key, given=given, title=TITLE, wanted=wanted)


def _check_degrees(checkpoint: Checkpoint, degrees: int) -> None:
    """Compare what the checkpoint says of itself with the width of its first layer."""
    given = checkpoint.settings.get("legendre_polys", degrees)
    if given != degrees:
        raise InputError("satclip-degrees", "The checkpoint {name} says legendre_polys = {given}, but its first layer "
                         "is made for {degrees}: it is not whole, or was put together from two.", name=checkpoint.name,
                         given=given, degrees=degrees)
