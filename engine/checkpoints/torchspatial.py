"""TorchSpatial's location encoders: a position encoding with the settings of its training, and its feed-forward net.

Its files keep the settings beside the weights. Where they don't, the user tells them, since neither the radii nor the
activation can be seen from weights.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

from ..errors import InputError
from ..locations.network import GELU, LEAKY_RELU, RELU, SIGMOID, TANH, Activation, Linear, Lookup, Network, Norm, Skip
from ..locations.position import TORCHSPATIAL, Position, position_of
from ..locations.settings import WORLD, Settings
from ..locations.tile import tile_count
from .account import Account
from .checkpoint import Checkpoint
from .offered import ACTIVATIONS, DEFAULT_ACTIVATION, KINDS
from .told import Told
from .tower import Tower

TITLE = "TorchSpatial"
MARK = r"(?:.+\.)?(spa_enc\.ffn\.layers\.0\.linear\.weight|feats\.0\.weight)"
_FFN_MARK = r"(?:.+\.)?spa_enc\.ffn\.layers\.0\.linear\.weight"
_KINDS = {
    "wrap": "wrap", "wrap_ffn": "wrap-ffn", "xyz": "xyz", "nerf": "nerf", "rff": "fourier-planar", "rbf": "rbf",
    "tile": "tile", "tile_ffn": "tile", "space2vec-grid": "space2vec-grid", "space2vec-theory": "space2vec-theory",
    "sphere2vec-spherec": "sphere2vec-c", "sphere2vec-spherec+": "sphere2vec-c-plus",
    "sphere2vec-spherem": "sphere2vec-m", "sphere2vec-spherem+": "sphere2vec-m-plus",
    "sphere2vec-dfs": "sphere2vec-dfs", "spherical_harmonics": "spherical-harmonics"}
_ACTIVATIONS = {"leakyrelu": Activation(LEAKY_RELU, 0.2), "relu": Activation(RELU), "sigmoid": Activation(SIGMOID),
                "tanh": Activation(TANH), "gelu": Activation(GELU)}


@dataclass(frozen=True)
class _Radial:
    """How many numbers a scale has."""

    each: int

    def scales(self, width: int) -> float:
        """Return the number of scales of a width."""
        return width / self.each


_SCALES: "Dict[str, Callable[[int], float]]" = {
    "space2vec-grid": _Radial(4).scales, "space2vec-theory": _Radial(6).scales, "nerf": _Radial(6).scales,
    "sphere2vec-c": _Radial(3).scales, "sphere2vec-c-plus": _Radial(6).scales, "sphere2vec-m": _Radial(5).scales,
    "sphere2vec-m-plus": _Radial(8).scales, "sphere2vec-dfs": lambda width: (math.sqrt(width + 1) - 1) / 2,
    "spherical-harmonics": math.sqrt}
_RADII = ("space2vec-grid", "space2vec-theory", "sphere2vec-c", "sphere2vec-c-plus", "sphere2vec-m",
          "sphere2vec-m-plus", "sphere2vec-dfs")
_ONLY_COARSEST = ("sphere2vec-m-plus", "sphere2vec-dfs")


def read_torchspatial(checkpoint: Checkpoint, told: Told) -> Tower:
    """Rebuild the encoder; the layers that tell classes or users apart are left out."""
    account = Account(checkpoint, f"a {TITLE} location encoder")
    known = _Known(checkpoint, told)
    kind = known.kind(bool(account.names(_FFN_MARK)))
    if kind == "wrap":
        prefix, network, position = _residual(account)
    else:
        prefix = min((name[:-len("spa_enc.ffn.layers.0.linear.weight")] for name in account.names(_FFN_MARK)), key=len)
        position, table = _position(account, known, kind, f"{prefix}spa_enc.")
        network = Network((*table, *_feed_forward(account, known, f"{prefix}spa_enc.ffn.layers.")))
    account.leave_repeats(prefix, f"{prefix}loc_enc.", "tensors that stand in it twice, with the same numbers")
    account.leave_out(r"(?:.+\.)?(class_emb|user_emb)\.(weight|bias)", "tensors of classes and users")
    account.leave_out(r"(?:.+\.)?(loc_dec|img_dec)\.(weight|bias)", "tensors of image features")
    left_out = account.close()
    data = checkpoint.settings.get("dataset")
    dataset = f", trained on {data}" if isinstance(data, str) and data else ""
    return Tower(
        "torchspatial", f"{TITLE} {kind}", position, network, f"{kind} and a feed-forward network",
        f"Location encoder {kind} of {TITLE}{dataset}, with its original behaviour. It learned to tell classes of that "
        "data apart by place, and knows nothing of places that the data don't have.", "", left_out,
        _warnings(position), tuple(known.cautions))


class _Known:
    """The settings that the file tells, and what the user says where it doesn't."""

    def __init__(self, checkpoint: Checkpoint, told: Told) -> None:
        """Look into the file's settings."""
        self._checkpoint = checkpoint
        self._file = checkpoint.settings
        self._told = told
        self.cautions: "List[str]" = []

    def kind(self, feed_forward: bool) -> str:
        """Return the kind of position encoding."""
        written = self._file.get("spa_enc_type")
        found = _KINDS.get(str(written).lower(), "") if written else ("" if feed_forward else "wrap")
        if written and not found:
            raise InputError("torchspatial-kind", "The checkpoint {name} is of the kind {kind}, which can't be "
                             "converted: the kinds that can are {known}.", name=self._checkpoint.name,
                             kind=str(written)[:60], known=", ".join(KINDS))
        kind = self._agreed("KIND", found, self._told.kind)
        if kind == "rbf":
            raise InputError("torchspatial-rbf", "The checkpoint {name} is of the kind rbf, whose anchors are places "
                             "of its training data that it doesn't hold: it can't be converted; train one with “Train "
                             "a location encoder”.", name=self._checkpoint.name)
        if kind not in KINDS:
            raise self._ask("KIND", ", ".join(KINDS))
        if (kind == "wrap") == feed_forward:
            raise InputError("torchspatial-kind", "The network in the checkpoint {name} is not that of {kind}: give "
                             "another KIND.", name=self._checkpoint.name, kind=kind)
        return kind

    def radii(self, kind: str) -> "Dict[str, float]":
        """Return the finest and the coarsest radius."""
        if self._file.get("freq_init", "geometric") != "geometric":
            raise InputError("torchspatial-frequencies", "The checkpoint {name} has frequencies of the kind {kind}, "
                             "but only geometric ones can be converted.", name=self._checkpoint.name,
                             kind=str(self._file["freq_init"])[:40])
        coarsest = self._agreed("MAX_RADIUS", self._number("max_radius"), self._told.max_radius)
        finest = self._agreed("MIN_RADIUS", self._number("min_radius"), self._told.min_radius)
        if kind in _ONLY_COARSEST:
            # The original ignores the finest radius of these two.
            finest = coarsest / 1000
        if not coarsest:
            raise self._ask("MAX_RADIUS", "usually 360 for Space2Vec and 1 for Sphere2Vec")
        if not finest:
            raise self._ask("MIN_RADIUS", "the file's name often holds it")
        return {"min_radius": finest, "max_radius": coarsest}

    def activation(self) -> Activation:
        """Return the non-linearity."""
        name = self._agreed("ACTIVATION", str(self._file.get("spa_f_act", "")), self._told.activation)
        if not name:
            name = DEFAULT_ACTIVATION
            self.cautions.append(f"The checkpoint {self._checkpoint.name} doesn't say with which activation it was "
                                 f"trained: {name}, {TITLE}'s default, is taken. With another one the vectors are "
                                 "wrong, so give ACTIVATION if you know it.")
        if name not in _ACTIVATIONS:
            raise self._ask("ACTIVATION", f"one of {', '.join(ACTIVATIONS)}")
        return _ACTIVATIONS[name]

    def skips(self) -> bool:
        """Tell whether layers of equal width are bridged, as they are unless the file says otherwise."""
        return self._file.get("skip_connection", True) not in (False, "F")

    def scales(self, kind: str, width: int) -> int:
        """Return how many scales make so many numbers."""
        found = _SCALES[kind](width)
        written = self._file.get("frequency_num", found)
        if found != int(found) or kind in _RADII and written != found:
            raise InputError("torchspatial-width", "The first layer in the checkpoint {name} takes {width} numbers, "
                             "which {kind} doesn't give{scales}: give another KIND.", name=self._checkpoint.name,
                             width=width, kind=kind, scales="" if written == found else f" with {written} scales")
        return int(found)

    def extent(self) -> "Tuple[float, ...]":
        """Return west, south, east and north."""
        written = self._file.get("map_range")
        if isinstance(written, (list, tuple)) and len(written) == 4:
            west, east, south, north = (float(value) for value in written)
            return self._told.extent or (west, south, east, north)
        return self._told.extent

    def cell(self) -> float:
        """Return the side of a tile."""
        return self._told.cell

    def _number(self, key: str) -> float:
        """Return a number of the file, 0 where there is none."""
        value = self._file.get(key)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0

    def _agreed(self, parameter: str, written: Any, said: Any) -> Any:
        """Return what the file says, else what the user says; both must agree."""
        if written and said and written != said:
            raise InputError("torchspatial-contradiction", "{parameter} is {said}, but the checkpoint {name} itself "
                             "says {written}: leave the parameter at its default.", parameter=parameter, said=said,
                             name=self._checkpoint.name, written=written)
        return written or said

    def _ask(self, parameter: str, hint: str) -> InputError:
        """Ask for what the file doesn't tell."""
        return InputError("torchspatial-ask", "The checkpoint {name} doesn't say with which settings it was trained: "
                          "give {parameter} ({hint}).", name=self._checkpoint.name, parameter=parameter, hint=hint)


def _position(account: Account, known: _Known, kind: str, prefix: str) -> "Tuple[Position, Tuple[Any, ...]]":
    """Return the position encoding, and the stage of its own weights where it has any."""
    width = account.shape(f"{prefix}ffn.layers.0.linear.weight")[-1]
    inside = prefix + ("position_encoder." if account.names(re.escape(prefix) + r"position_encoder\..+") else "")
    if kind == "tile":
        table = account.take(f"{inside}embedding.weight", None, width)
        return _tiles(account, known, len(table)), (Lookup(table.astype(np.float32)),)
    if kind == "fourier-planar":
        directions = account.take(f"{inside}dirvec", 2, width).astype(np.float64).T
        phases = account.take(f"{inside}shift", width).astype(np.float64)
        extent = known.extent()
        if not extent:
            raise InputError("torchspatial-ask", "The checkpoint {name} doesn't say over which extent its waves run: "
                             "give EXTENT in degrees.", name=account.checkpoint.name)
        return position_of(kind, Settings(extent=extent), TORCHSPATIAL,
                           {"directions": directions, "phases": phases}), ()
    settings = Settings()
    if kind in _SCALES:
        radii = known.radii(kind) if kind in _RADII else {}
        settings = Settings(scales=known.scales(kind, width), **radii)
    found = position_of(kind, settings, "" if kind == "xyz" else TORCHSPATIAL)
    if found.size != width:
        raise InputError("torchspatial-width", "The first layer in the checkpoint {name} takes {width} numbers, which "
                         "{kind} doesn't give{scales}: give another KIND.", name=account.checkpoint.name, width=width,
                         kind=kind, scales="")
    return found, ()


def _tiles(account: Account, known: _Known, count: int) -> Position:
    """Return the grid that a table of so many vectors belongs to; in the published files it is a single tile."""
    cell = known.cell() or (1e6 if count == 1 else 0.0)
    settings = Settings(cell=cell, extent=known.extent() or WORLD)
    if not cell or tile_count(settings) != count:
        raise InputError("torchspatial-tiles", "The checkpoint {name} has vectors of {count} tiles{given}: give CELL, "
                         "the side of a tile in degrees, and EXTENT if they don't cover the globe.",
                         name=account.checkpoint.name, count=count,
                         given=f", but {cell:g}° make {tile_count(settings)}" if cell else "")
    return position_of("tile", settings, TORCHSPATIAL)


def _feed_forward(account: Account, known: _Known, prefix: str) -> "List[Any]":
    """Return the stages of the feed-forward net: each hidden layer is bridged, then normalised; the last is neither."""
    activation, skips = known.activation(), known.skips()
    last = len(account.names(re.escape(prefix) + r"\d+\.linear\.weight")) - 1
    stages: "List[Any]" = []
    wide = account.shape(f"{prefix}0.linear.weight")[-1]
    for number in range(last + 1):
        linear = _linear(account, f"{prefix}{number}.linear", wide)
        before, wide = wide, len(linear.weight)
        bridged = skips and before == wide and number < last
        stages += [Skip((linear, activation))] if bridged else [linear, activation]
        if number < last and account.names(re.escape(f"{prefix}{number}.layernorm.weight")):
            stages.append(Norm(account.take(f"{prefix}{number}.layernorm.weight", wide),
                               account.take(f"{prefix}{number}.layernorm.bias", wide)))
    return stages


def _residual(account: Account) -> "Tuple[str, Network, Position]":
    """Return the network of wrap: a layer and residual blocks of two layers, each cut off below zero."""
    marks = account.names(r"(?:.+\.)?feats\.0\.weight")
    if not marks:
        raise InputError("torchspatial-kind", "The network in the checkpoint {name} is not that of {kind}: give "
                         "another KIND.", name=account.checkpoint.name, kind="wrap")
    prefix = min(marks, key=len)[:-len("feats.0.weight")]
    relu = Activation(RELU)
    first = _linear(account, f"{prefix}feats.0", 4)
    wide = len(first.weight)
    stages: "List[Any]" = [first, relu]
    for number in range(2, 2 + len(account.names(re.escape(prefix) + r"feats\.\d+\.w1\.weight"))):
        parts = [_linear(account, f"{prefix}feats.{number}.{part}", wide) for part in ("w1", "w2")]
        stages.append(Skip((parts[0], relu, parts[1], relu)))
    return prefix, Network(tuple(stages)), position_of("wrap", compat=TORCHSPATIAL)


def _linear(account: Account, name: str, wide: int) -> Linear:
    """Return a layer."""
    weight = account.take(f"{name}.weight", None, wide)
    return Linear(weight.astype(np.float32), account.take(f"{name}.bias", len(weight)).astype(np.float32))


def _warnings(position: Position) -> "Tuple[str, ...]":
    """Tell what the original does that its name doesn't promise; the file's name is no part of it."""
    found: "List[str]" = []
    if position.kind == "tile" and tile_count(position.settings) == 1:
        found.append("This encoder has a single tile, so that all places on the globe have the same vector.")
    if position.kind in _ONLY_COARSEST and position.settings.max_radius == 1:
        found.append(f"With a coarsest radius of 1, all scales of {position.kind} are the same, as its "
                     "original computes them.")
    if position.kind in ("wrap", "wrap-ffn"):
        found.append("This encoder gives the north and the south pole the same vector, as its original does.")
    return tuple(found)
