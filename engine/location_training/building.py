"""The networks that stand on a position: which kind has which, and the numbers they start with."""

from __future__ import annotations

from typing import List, Tuple

import numpy as np

from ..locations.network import Activation, Linear, Lookup, Network, Norm, Normalise, Scale, Skip, Stage
from ..locations.position import Position
from ..locations.tile import tile_count

FFN, RESIDUAL, SIREN, TABLE = "feed-forward", "residual", "SIREN", "table"
HIDDEN = 256
LAYERS = 2
BLOCKS = 4
SLOPE = 0.2
FIRST_WAVE, LATER_WAVE = 30.0, 1.0
_EPSILON = 1e-5
_KINDS = {"wrap": RESIDUAL, "spherical-harmonics": SIREN, "tile": TABLE}
# A number that varies less than this over the training data is taken for constant: its digits are noise.
_LEAST_DEVIATION = 1e-7


def network_kind(kind: str) -> str:
    """Return what stands on a kind of position."""
    return _KINDS.get(kind, FFN)


def in_words(kind: str) -> str:
    """Return the network of a kind as a card states it."""
    return {
        FFN: f"feed-forward network, {LAYERS} layers of {HIDDEN} with leaky ReLU and layer norm, linear output",
        RESIDUAL: f"residual network, {BLOCKS} blocks of {HIDDEN} with ReLU, linear output",
        SIREN: f"SIREN, 2 layers of {HIDDEN} sines, linear output",
        TABLE: "a vector for each tile",
    }[network_kind(kind)]


def new_network(position: Position, features: np.ndarray, dimensions: int, unit_norm: bool,
                chance: np.random.Generator) -> Network:
    """Return an untrained network for the features `(n, size)` of the training rows."""
    kind = network_kind(position.kind)
    end: "Tuple[Stage, ...]" = (Normalise(),) if unit_norm else ()
    if kind == TABLE:
        table = chance.standard_normal((tile_count(position.settings), dimensions)) / np.sqrt(dimensions)
        return Network((Lookup(table.astype(np.float32)), *end))
    stages = {FFN: _feed_forward, RESIDUAL: _residual, SIREN: _siren}[kind](features.shape[1], dimensions, chance)
    scale = alike_scale_of(features) if kind == SIREN else scale_of(features)
    return Network((scale, *stages, *end))


def alike_scale_of(features: np.ndarray) -> Scale:
    """Return what brings all features together to deviation 1, so that those that hardly vary still hardly do.

    Over a small area the harmonics of high degree are next to constant; made as large as the others they are noise.
    """
    mean, spread = features.mean(axis=0), float(np.sqrt((features.std(axis=0) ** 2).mean()))
    return Scale(mean, np.full(len(mean), 1.0 / spread if spread > _LEAST_DEVIATION else 0.0))


def scale_of(features: np.ndarray) -> Scale:
    """Return what brings the features of the training rows to mean 0 and deviation 1, and constants to 0."""
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    varies = deviation > _LEAST_DEVIATION
    return Scale(mean, np.where(varies, 1.0 / np.where(varies, deviation, 1.0), 0.0))


def _feed_forward(inputs: int, dimensions: int, chance: np.random.Generator) -> "List[Stage]":
    """Return layers of activation, skip where widths allow, and norm; the last one is linear."""
    stages: "List[Stage]" = []
    width = inputs
    for _ in range(LAYERS):
        layer = (_xavier(width, HIDDEN, chance), Activation("leaky_relu", SLOPE))
        stages += [Skip(layer)] if width == HIDDEN else list(layer)
        stages.append(Norm(np.ones(HIDDEN, dtype=np.float32), np.zeros(HIDDEN, dtype=np.float32), _EPSILON))
        width = HIDDEN
    return [*stages, _xavier(width, dimensions, chance)]


def _residual(inputs: int, dimensions: int, chance: np.random.Generator) -> "List[Stage]":
    """Return the residual network of presence-only species models, and a linear layer to the wanted width."""
    stages: "List[Stage]" = [_xavier(inputs, HIDDEN, chance), Activation("relu")]
    for _ in range(BLOCKS):
        stages.append(Skip((_xavier(HIDDEN, HIDDEN, chance), Activation("relu"), _xavier(HIDDEN, HIDDEN, chance),
                            Activation("relu"))))
    return [*stages, _xavier(HIDDEN, dimensions, chance)]


def _siren(inputs: int, dimensions: int, chance: np.random.Generator) -> "List[Stage]":
    """Return two layers of sines, whose starting weights keep the spread of what passes through, and a linear one."""
    later = np.sqrt(6.0 / HIDDEN)
    return [_uniform(inputs, HIDDEN, 1.0 / inputs, chance), Activation("sine", FIRST_WAVE),
            _uniform(HIDDEN, HIDDEN, later, chance), Activation("sine", LATER_WAVE),
            _uniform(HIDDEN, dimensions, later, chance)]


def _xavier(inputs: int, outputs: int, chance: np.random.Generator) -> Linear:
    """Return a layer with Xavier's uniform weights and no bias to start with."""
    bound = np.sqrt(6.0 / (inputs + outputs))
    return Linear(chance.uniform(-bound, bound, (outputs, inputs)).astype(np.float32),
                  np.zeros(outputs, dtype=np.float32))


def _uniform(inputs: int, outputs: int, bound: float, chance: np.random.Generator) -> Linear:
    """Return a layer with weights and biases within a bound."""
    return Linear(chance.uniform(-bound, bound, (outputs, inputs)).astype(np.float32),
                  chance.uniform(-bound, bound, outputs).astype(np.float32))
