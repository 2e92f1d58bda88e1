"""A network on top of a position as plain data: evaluated in NumPy, and written as float32 nodes of an ONNX graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple, Union

import numpy as np

from ..error_function import erf
from ..errors import ModelError
from ..onnxgraph import OnnxGraph

RELU, LEAKY_RELU, SIGMOID, TANH, GELU, SINE = "relu", "leaky_relu", "sigmoid", "tanh", "gelu", "sine"
ACTIVATIONS = (RELU, LEAKY_RELU, SIGMOID, TANH, GELU, SINE)
_ROOT_HALF = np.float32(np.sqrt(0.5))
_TINY = np.float32(1e-12)


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear layer: weight `(out, in)`, bias `(out,)` or None."""

    weight: np.ndarray
    bias: Optional[np.ndarray] = None


@dataclass(frozen=True)
class Activation:
    """A non-linearity; `number` is the slope of leaky_relu and the frequency of sine."""

    name: str
    number: float = 0.0


@dataclass(frozen=True, eq=False)
class Norm:
    """A layer's values scaled to mean 0 and standard deviation 1, then by weight and bias."""

    weight: np.ndarray
    bias: np.ndarray
    eps: float = 1e-5


@dataclass(frozen=True, eq=False)
class Skip:
    """The input plus what the stages make of it."""

    stages: "Tuple[Stage, ...]"


@dataclass(frozen=True, eq=False)
class Sum:
    """The sum of what several branches make of the same input."""

    branches: "Tuple[Tuple[Stage, ...], ...]"


@dataclass(frozen=True, eq=False)
class Waves:
    """Cosines, then sines, of 2π times the products with directions `(m, k)`; computed in the input's own precision."""

    directions: np.ndarray


@dataclass(frozen=True, eq=False)
class Lookup:
    """A row of a table `(cells, D)` by its number, the input's only column."""

    table: np.ndarray


@dataclass(frozen=True, eq=False)
class Scale:
    """Less a mean `(k,)`, times a factor `(k,)`; in float64 where it comes first.

    What sets the places of a small area apart are digits of their features that float32 doesn't have.
    """

    mean: np.ndarray
    factor: np.ndarray


@dataclass(frozen=True)
class Normalise:
    """Vectors divided by their length."""


Stage = Union[Linear, Activation, Norm, Skip, Sum, Waves, Lookup, Scale, Normalise]


@dataclass(frozen=True, eq=False)
class Network:
    """Stages one after the other; none is the identity. The input may be float64, all else is float32."""

    stages: "Tuple[Stage, ...]" = ()

    def apply(self, features: np.ndarray) -> np.ndarray:
        """Return `(n, D)` float32 of features `(n, k)`."""
        return _single(_applied(self.stages, features))

    def nodes(self, graph: OnnxGraph, name: str) -> str:
        """Write the stages behind the float64 value `name` and return the name of their float32 value."""
        return _Writer(graph).single(_Writer(graph).stages(self.stages, _Value(name, True))).name

    def dimensions(self, inputs: int) -> int:
        """Return the length of the vectors that come of so many inputs, or say where the stages don't fit together."""
        return _width(self.stages, inputs)


def _applied(stages: "Tuple[Stage, ...]", values: np.ndarray) -> np.ndarray:
    """Evaluate stages."""
    for stage in stages:
        values = _stage(stage, values)
    return values


def _stage(stage: Stage, values: np.ndarray) -> np.ndarray:
    """Evaluate one stage."""
    if isinstance(stage, Linear):
        found = _single(values) @ _single(stage.weight).T
        return found if stage.bias is None else found + _single(stage.bias)
    if isinstance(stage, Activation):
        return _activated(stage, _single(values))
    if isinstance(stage, Norm):
        return _normed(stage, _single(values))
    if isinstance(stage, Skip):
        values = _single(values)
        return values + _applied(stage.stages, values)
    if isinstance(stage, Sum):
        found = _single(_applied(stage.branches[0], values))
        for branch in stage.branches[1:]:
            found = found + _single(_applied(branch, values))
        return found
    if isinstance(stage, Waves):
        angles = values @ (2 * np.pi * np.asarray(stage.directions, dtype=np.float64)).T.astype(values.dtype)
        return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
    if isinstance(stage, Scale):
        return (values - stage.mean.astype(values.dtype)) * stage.factor.astype(values.dtype)
    if isinstance(stage, Lookup):
        return _single(stage.table)[values[:, 0].astype(np.int64)]
    return _single(values) / np.maximum(np.sqrt((_single(values) ** 2).sum(axis=1, keepdims=True)), _TINY)


def _activated(stage: Activation, values: np.ndarray) -> np.ndarray:
    """Apply a non-linearity."""
    if stage.name == RELU:
        return np.maximum(values, np.float32(0))
    if stage.name == LEAKY_RELU:
        return np.where(values < 0, values * np.float32(stage.number), values)
    if stage.name == SIGMOID:
        # The same function without the overflow of large negative values.
        return np.float32(0.5) + np.float32(0.5) * np.tanh(values * np.float32(0.5))
    if stage.name == TANH:
        return np.tanh(values)
    if stage.name == GELU:
        return values * np.float32(0.5) * (np.float32(1) + erf(values * _ROOT_HALF))
    if stage.name == SINE:
        return np.sin(values * np.float32(stage.number))
    raise _unknown(stage)


def _normed(stage: Norm, values: np.ndarray) -> np.ndarray:
    """Scale rows."""
    away = values - values.mean(axis=1, keepdims=True)
    spread = np.sqrt((away ** 2).mean(axis=1, keepdims=True) + np.float32(stage.eps))
    return away / spread * _single(stage.weight) + _single(stage.bias)


def _single(values: np.ndarray) -> np.ndarray:
    """Return values as float32."""
    return np.asarray(values, dtype=np.float32)


@dataclass(frozen=True)
class _Value:
    """A value of a graph, and whether it is still float64."""

    name: str
    double: bool


class _Writer:
    """Writes stages into a graph."""

    def __init__(self, graph: OnnxGraph) -> None:
        """Write into this graph."""
        self._graph = graph

    def stages(self, stages: "Tuple[Stage, ...]", value: _Value) -> _Value:
        """Write stages one after the other."""
        for stage in stages:
            value = self._stage(stage, value)
        return value

    def single(self, value: _Value) -> _Value:
        """Make a value float32."""
        return self._node("Cast", [value.name], to=1) if value.double else value

    def _stage(self, stage: Stage, value: _Value) -> _Value:
        """Write one stage."""
        if isinstance(stage, Sum):
            found = self.single(self.stages(stage.branches[0], value))
            for branch in stage.branches[1:]:
                found = self._node("Add", [found.name, self.single(self.stages(branch, value)).name])
            return found
        if isinstance(stage, Waves):
            return self._waves(stage, value)
        if isinstance(stage, Scale):
            return self._scale(stage, value)
        if isinstance(stage, Lookup):
            number = self._node("Reshape", [self._node("Cast", [value.name], to=7).name,
                                            self._constant(np.array([-1], dtype=np.int64))])
            return self._node("Gather", [self._constant(_single(stage.table)), number.name], axis=0)
        value = self.single(value)
        if isinstance(stage, Linear):
            inputs = [value.name, self._constant(_single(stage.weight))]
            if stage.bias is not None:
                inputs.append(self._constant(_single(stage.bias)))
            return self._node("Gemm", inputs, transB=1)
        if isinstance(stage, Activation):
            return self._activation(stage, value)
        if isinstance(stage, Norm):
            return self._node("LayerNormalization", [value.name, self._constant(_single(stage.weight)),
                                                     self._constant(_single(stage.bias))],
                              axis=-1, epsilon=float(stage.eps))
        if isinstance(stage, Skip):
            return self._node("Add", [value.name, self.single(self.stages(stage.stages, value)).name])
        length = self._node("ReduceL2", [value.name], axes=[1], keepdims=1)
        return self._node("Div", [value.name, self._node("Max", [length.name, self._constant(_TINY)]).name])

    def _scale(self, stage: Scale, value: _Value) -> _Value:
        """Write a difference and a product in the precision of the input."""
        kind = np.float64 if value.double else np.float32
        away = self._node("Sub", [value.name, self._constant(stage.mean.astype(kind))])
        return _Value(self._node("Mul", [away.name, self._constant(stage.factor.astype(kind))]).name, value.double)

    def _waves(self, stage: Waves, value: _Value) -> _Value:
        """Write cosines and sines in the precision of the input."""
        matrix = (2 * np.pi * np.asarray(stage.directions, dtype=np.float64)).T
        kind = np.float64 if value.double else np.float32
        angles = self._node("MatMul", [value.name, self._constant(matrix.astype(kind))])
        waves = [self._node(op, [angles.name]).name for op in ("Cos", "Sin")]
        return _Value(self._node("Concat", waves, axis=1).name, value.double)

    def _activation(self, stage: Activation, value: _Value) -> _Value:
        """Write a non-linearity."""
        if stage.name == RELU:
            return self._node("Relu", [value.name])
        if stage.name == LEAKY_RELU:
            return self._node("LeakyRelu", [value.name], alpha=float(stage.number))
        if stage.name == SIGMOID:
            return self._node("Sigmoid", [value.name])
        if stage.name == TANH:
            return self._node("Tanh", [value.name])
        if stage.name == SINE:
            return self._node("Sin", [self._times(value, stage.number).name])
        if stage.name == GELU:
            share = self._node("Erf", [self._times(value, float(_ROOT_HALF)).name])
            more = self._node("Add", [share.name, self._constant(np.float32(1))])
            return self._node("Mul", [self._times(value, 0.5).name, more.name])
        raise _unknown(stage)

    def _times(self, value: _Value, number: float) -> _Value:
        """Write a product with a number."""
        return self._node("Mul", [value.name, self._constant(np.float32(number))])

    def _constant(self, values: np.ndarray) -> str:
        """Add an array."""
        return self._graph.weight(f"network_{len(self._graph.weights)}", np.asarray(values))

    def _node(self, op: str, inputs: "list[str]", **attributes: object) -> _Value:
        """Add an operation with a float32 value."""
        name = f"network_{op.lower()}_{len(self._graph.nodes)}"
        return _Value(self._graph.node(op, inputs, name, **attributes), False)  # type: ignore[arg-type]


def _width(stages: "Tuple[Stage, ...]", inputs: int) -> int:
    """Return the width behind stages."""
    for stage in stages:
        needed, given = inputs, inputs
        if isinstance(stage, Linear):
            needed, given = stage.weight.shape[1], stage.weight.shape[0]
            _require(stage.bias is None or stage.bias.shape == (given,), "a bias has another length than its layer")
        elif isinstance(stage, Activation):
            _require(stage.name in ACTIVATIONS, f"“{stage.name[:40]}” is no activation")
        elif isinstance(stage, Norm):
            _require(stage.weight.shape == stage.bias.shape == (inputs,), f"a norm is not for {inputs} values")
        elif isinstance(stage, Skip):
            _require(_width(stage.stages, inputs) == inputs, "a skipped part changes the number of values")
        elif isinstance(stage, Sum):
            widths = {_width(branch, inputs) for branch in stage.branches}
            _require(len(widths) == 1, "branches of a sum differ in their number of values")
            given = widths.pop()
        elif isinstance(stage, Waves):
            needed, given = stage.directions.shape[1], 2 * stage.directions.shape[0]
        elif isinstance(stage, Scale):
            _require(stage.mean.shape == stage.factor.shape == (inputs,), f"a scaling is not for {inputs} values")
        elif isinstance(stage, Lookup):
            needed, given = 1, stage.table.shape[1]
        _require(needed == inputs, f"a layer takes {needed} values and gets {inputs}")
        inputs = given
    return inputs


def _require(fits: bool, reason: str) -> None:
    """Raise unless the stages fit together."""
    if not fits:
        raise ModelError("location-network", "The location encoder's network doesn't fit together, since {reason}: "
                         "train or convert it again.", reason=reason)


def _unknown(stage: Activation) -> ModelError:
    """Return what to say of an activation that isn't known."""
    return ModelError("location-activation", "“{name}” is no activation of a location encoder: use one of {known}.",
                      name=stage.name, known=", ".join(ACTIVATIONS))
