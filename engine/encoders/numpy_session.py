"""Runs our own encoders' graphs in plain NumPy, so that a first result needs no ONNX Runtime."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from ..error_function import erf
from ..errors import ModelError, PackageError
from ..onnxgraph import ELEMENT_NAMES, Node, OnnxGraph, Value, read_graph
from ..onnxwire import WireError
from ..packages import MENU

# Beyond this a graph was not made by us; ours are well under a megabyte.
MAX_BYTES = 256 * 1024 * 1024
# Rows of a convolution are unfolded in pieces of about this many numbers, so that a piece stays in the cache.
UNFOLDED = 1 << 19


@dataclass(frozen=True)
class InputInfo:
    """Name, type and shape of an input or output, under the attribute names that ONNX Runtime uses."""

    name: str
    type: str
    shape: Tuple[Union[int, str], ...]


class NumpySession:
    """Looks like an ONNX Runtime session to its caller; knows only the operations of our own graphs."""

    def __init__(self, model: Union[str, Path, bytes]) -> None:
        """Read the model from a path or from its bytes and refuse it now if any of its operations is unknown."""
        self._name = "the model" if isinstance(model, bytes) else str(model)
        self._graph = _load(model, self._name)
        for node in self._graph.nodes:
            if node.domain not in ("", "ai.onnx") or node.op not in _OPERATIONS or not _supported(node):
                raise PackageError(
                    "onnxruntime-needed",
                    "{model} uses the operation {op}, which needs ONNX Runtime: install the Python package "
                    "onnxruntime ({menu}).",
                    menu=MENU,
                    model=self._name,
                    op=node.op or "without a name",
                )

    def get_inputs(self) -> List[InputInfo]:
        """Describe the inputs."""
        weights = self._graph.weights
        return [_info(value) for value in self._graph.inputs if value.name not in weights]

    def get_outputs(self) -> List[InputInfo]:
        """Describe the outputs."""
        return [_info(value) for value in self._graph.outputs]

    def get_providers(self) -> List[str]:
        """Name what computes, as ONNX Runtime does."""
        return ["NumPy"]

    def run(self, output_names: Optional[Sequence[str]], feeds: Mapping[str, np.ndarray]) -> List[np.ndarray]:
        """Evaluate the graph; None asks for all outputs in their order."""
        for value in self.get_inputs():
            self._check(value, feeds)
        wanted = list(output_names) if output_names is not None else [value.name for value in self._graph.outputs]
        left = Counter(name for node in self._graph.nodes for name in node.inputs)
        left.update(wanted)
        values: Dict[str, np.ndarray] = dict(self._graph.weights)
        values.update({name: np.asarray(array) for name, array in feeds.items()})
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            for node in self._graph.nodes:
                values[node.outputs[0]] = self._evaluate(node, values)
                for name in node.inputs:
                    left[name] -= 1
                    if left[name] == 0:
                        values.pop(name, None)
        return [values[name] for name in wanted]

    def _evaluate(self, node: Node, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Compute one operation."""
        try:
            return _OPERATIONS[node.op](node, [values[name] for name in node.inputs])
        except (KeyError, ValueError, IndexError) as error:
            raise ModelError(
                "graph-broken",
                "{model} can't be evaluated at its operation {op}: {reason}.",
                model=self._name,
                op=node.op,
                reason=str(error),
            ) from error

    def _check(self, value: InputInfo, feeds: Mapping[str, np.ndarray]) -> None:
        """Compare one input with what the graph declares."""
        if value.name not in feeds:
            raise ModelError("input-missing", "{model} needs the input {name}.", model=self._name, name=value.name)
        shape = feeds[value.name].shape
        fits = len(shape) == len(value.shape) and all(
            isinstance(want, str) or want == got for want, got in zip(value.shape, shape)
        )
        if not fits:
            raise ModelError(
                "input-shape",
                "{model} expects the input {name} in the shape {want} and was given {got}.",
                model=self._name,
                name=value.name,
                want=value.shape,
                got=shape,
            )


def _load(model: Union[str, Path, bytes], name: str) -> OnnxGraph:
    """Read the whole graph, which is small."""
    try:
        if isinstance(model, bytes):
            return read_graph(model)
        if Path(model).stat().st_size > MAX_BYTES:
            raise PackageError(
                "onnxruntime-needed",
                "{model} is too large to run without ONNX Runtime: install the Python package "
                "onnxruntime ({menu}).",
                menu=MENU,
                model=name,
            )
        return read_graph(Path(model).read_bytes())
    except WireError as error:
        raise ModelError(
            "onnx-broken",
            "{model} is not a whole ONNX file: {reason}; download or make it again.",
            model=name,
            reason=str(error),
        ) from error
    except OSError as error:
        raise ModelError(
            "onnx-unreadable", "{model} can't be read: {reason}.", model=name, reason=error.strerror or str(error)
        ) from error


def _info(value: Value) -> InputInfo:
    """Describe a value as ONNX Runtime would."""
    kinds = {"float32": "float", "float64": "double"}
    return InputInfo(value.name, f"tensor({kinds.get(value.kind, value.kind)})", value.shape)


def _supported(node: Node) -> bool:
    """Tell whether the attributes are among those that our graphs use (no padding, dilation or groups)."""
    allowed = _ATTRIBUTES.get(node.op, {})
    return len(node.outputs) == 1 and all(
        name in allowed and (allowed[name] is None or value in allowed[name]) for name, value in node.attributes.items()
    )


def _conv(node: Node, inputs: List[np.ndarray]) -> np.ndarray:
    """Convolve without padding, by unfolding a few rows at a time into one matrix product."""
    image, kernel = inputs[0], inputs[1]
    count, channels, height, width = kernel.shape
    rows, cols = image.shape[2] - height + 1, image.shape[3] - width + 1
    if rows < 1 or cols < 1 or image.shape[1] != channels:
        raise ValueError(f"filters {kernel.shape} don't fit on an image {image.shape}")
    flat = kernel.reshape(count, -1)
    result = np.empty((image.shape[0], count, rows, cols), np.float32)
    step = max(1, UNFOLDED // (flat.shape[1] * cols))
    for item in range(image.shape[0]):
        windows = np.lib.stride_tricks.sliding_window_view(image[item], (height, width), axis=(1, 2))
        for first in range(0, rows, step):
            piece = windows[:, first: first + step].transpose(0, 3, 4, 1, 2).reshape(flat.shape[1], -1)
            result[item, :, first: first + step] = (flat @ piece).reshape(count, -1, cols)
    if len(inputs) > 2:
        result += inputs[2][None, :, None, None]
    return result


def _pool(node: Node, image: np.ndarray, combine: Callable[..., np.ndarray]) -> np.ndarray:
    """Combine squares of pixels, first over rows and then over columns, by combining shifted strided views."""
    (height, width), (down, across) = node.attributes["kernel_shape"], node.attributes.get("strides", (1, 1))
    rows, cols = (image.shape[2] - height) // down + 1, (image.shape[3] - width) // across + 1
    if rows < 1 or cols < 1:
        raise ValueError(f"a window of {height} pixels doesn't fit on an image {image.shape}")
    lines = image[:, :, 0: (rows - 1) * down + 1: down].copy()
    for shift in range(1, height):
        combine(lines, image[:, :, shift: shift + (rows - 1) * down + 1: down], out=lines)
    result = lines[:, :, :, 0: (cols - 1) * across + 1: across].copy()
    for shift in range(1, width):
        combine(result, lines[:, :, :, shift: shift + (cols - 1) * across + 1: across], out=result)
    return result


def _average_pool(node: Node, inputs: List[np.ndarray]) -> np.ndarray:
    """Average squares of pixels."""
    height, width = node.attributes["kernel_shape"]
    return _pool(node, inputs[0], np.add) / np.float32(height * width)


def _slice(node: Node, inputs: List[np.ndarray]) -> np.ndarray:
    """Cut out a range of some axes."""
    image, starts, ends, axes = inputs[:4]
    cut: List[slice] = [slice(None)] * image.ndim
    for axis, start, end in zip(axes, starts, ends):
        cut[int(axis)] = slice(int(start), int(end))
    return image[tuple(cut)]


def _gemm(node: Node, inputs: List[np.ndarray]) -> np.ndarray:
    """Multiply with a matrix, turned where it says so, and add a bias."""
    found = inputs[0] @ (inputs[1].T if node.attributes.get("transB") else inputs[1])
    return found + inputs[2] if len(inputs) > 2 else found


def _layer_norm(node: Node, inputs: List[np.ndarray]) -> np.ndarray:
    """Scale rows to mean 0 and standard deviation 1, then by weight and bias."""
    away = inputs[0] - inputs[0].mean(axis=-1, keepdims=True)
    spread = np.sqrt((away ** 2).mean(axis=-1, keepdims=True) + inputs[0].dtype.type(node.attributes["epsilon"]))
    return away / spread * inputs[1] + inputs[2]


def _leaky(node: Node, inputs: List[np.ndarray]) -> np.ndarray:
    """Multiply what is negative with a slope."""
    return np.where(inputs[0] < 0, inputs[0] * inputs[0].dtype.type(node.attributes["alpha"]), inputs[0])


def _sigmoid(node: Node, inputs: List[np.ndarray]) -> np.ndarray:
    """Squeeze between 0 and 1, without the overflow of large negative values."""
    half = inputs[0].dtype.type(0.5)
    return half + half * np.tanh(inputs[0] * half)


def _cast(node: Node, inputs: List[np.ndarray]) -> np.ndarray:
    """Change the type of the numbers."""
    return inputs[0].astype(ELEMENT_NAMES[node.attributes["to"]])


def _reduce_l2(node: Node, inputs: List[np.ndarray]) -> np.ndarray:
    """Compute the length of vectors along one axis."""
    axes = tuple(node.attributes["axes"])
    return np.sqrt(np.sum(np.square(inputs[0]), axis=axes, keepdims=True))


_OPERATIONS: Dict[str, Callable[[Node, List[np.ndarray]], np.ndarray]] = {
    "Add": lambda node, inputs: inputs[0] + inputs[1],
    "AveragePool": _average_pool,
    "Cast": _cast,
    "Clip": lambda node, inputs: np.minimum(np.maximum(inputs[0], inputs[1]), inputs[2]),
    "Concat": lambda node, inputs: np.concatenate(inputs, axis=node.attributes["axis"]),
    "Conv": _conv,
    "Cos": lambda node, inputs: np.cos(inputs[0]),
    "Div": lambda node, inputs: inputs[0] / inputs[1],
    "Erf": lambda node, inputs: erf(inputs[0]),
    "Exp": lambda node, inputs: np.exp(inputs[0]),
    "Floor": lambda node, inputs: np.floor(inputs[0]),
    "Gather": lambda node, inputs: np.take(inputs[0], inputs[1], axis=node.attributes["axis"]),
    "Gemm": _gemm,
    "Greater": lambda node, inputs: inputs[0] > inputs[1],
    "Identity": lambda node, inputs: inputs[0],
    "LayerNormalization": _layer_norm,
    "LeakyRelu": _leaky,
    "MatMul": lambda node, inputs: inputs[0] @ inputs[1],
    "Max": lambda node, inputs: np.maximum(inputs[0], inputs[1]),
    "MaxPool": lambda node, inputs: _pool(node, inputs[0], np.maximum),
    "Min": lambda node, inputs: np.minimum(inputs[0], inputs[1]),
    "Mul": lambda node, inputs: inputs[0] * inputs[1],
    "Neg": lambda node, inputs: -inputs[0],
    "Pow": lambda node, inputs: inputs[0] ** inputs[1],
    "ReduceL2": _reduce_l2,
    "Relu": lambda node, inputs: np.maximum(inputs[0], np.float32(0)),
    "Reshape": lambda node, inputs: inputs[0].reshape([int(size) for size in inputs[1]]),
    "Sigmoid": _sigmoid,
    "Sin": lambda node, inputs: np.sin(inputs[0]),
    "Slice": _slice,
    "Sqrt": lambda node, inputs: np.sqrt(inputs[0]),
    "Sub": lambda node, inputs: inputs[0] - inputs[1],
    "Tanh": lambda node, inputs: np.tanh(inputs[0]),
    "Transpose": lambda node, inputs: inputs[0].transpose(node.attributes["perm"]),
    "Where": lambda node, inputs: np.where(inputs[0], inputs[1], inputs[2]),
}

# None stands for any value; an attribute that isn't listed makes the graph one for ONNX Runtime.
_ATTRIBUTES: Dict[str, Dict[str, Optional[Tuple[object, ...]]]] = {
    "AveragePool": {"kernel_shape": None, "strides": None},
    "Cast": {"to": (1, 7, 11)},
    "Concat": {"axis": None},
    "Gather": {"axis": None},
    "Gemm": {"transB": (0, 1)},
    "LayerNormalization": {"axis": (-1,), "epsilon": None},
    "LeakyRelu": {"alpha": None},
    "MaxPool": {"kernel_shape": None, "strides": None},
    "ReduceL2": {"axes": None, "keepdims": (1,)},
    "Transpose": {"perm": None},
}
