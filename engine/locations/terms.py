"""Terms of a formula that write themselves as float64 nodes of an ONNX graph, so that it reads as its NumPy form."""

from __future__ import annotations

from typing import Sequence, Tuple, Union

import numpy as np

from ..onnxgraph import OnnxGraph

Other = Union["Term", np.ndarray, float]


class Term:
    """The value of a node; arithmetic with it adds nodes to its graph. Its two axes are places and columns."""

    def __init__(self, graph: OnnxGraph, name: str) -> None:
        """Stand for a value of a graph."""
        self.graph = graph
        self.name = name

    def __add__(self, other: Other) -> "Term":
        """Add."""
        return self._with("Add", other)

    def __sub__(self, other: Other) -> "Term":
        """Subtract."""
        return self._with("Sub", other)

    def __mul__(self, other: Other) -> "Term":
        """Multiply."""
        return self._with("Mul", other)

    def __truediv__(self, other: Other) -> "Term":
        """Divide."""
        return self._with("Div", other)

    def power(self, exponents: np.ndarray) -> "Term":
        """Raise to powers."""
        return self._with("Pow", exponents)

    def least(self, other: Other) -> "Term":
        """Return the lesser of two."""
        return self._with("Min", other)

    def most(self, other: Other) -> "Term":
        """Return the greater of two."""
        return self._with("Max", other)

    def sine(self) -> "Term":
        """Return the sine."""
        return self._made("Sin", (self.name,))

    def cosine(self) -> "Term":
        """Return the cosine."""
        return self._made("Cos", (self.name,))

    def exponential(self) -> "Term":
        """Return e to the power of it."""
        return self._made("Exp", (self.name,))

    def floor(self) -> "Term":
        """Round down."""
        return self._made("Floor", (self.name,))

    def turned(self) -> "Term":
        """Swap the two axes."""
        return self._made("Transpose", (self.name,), perm=[1, 0])

    def product(self, matrix: np.ndarray) -> "Term":
        """Multiply with a constant matrix."""
        return self._with("MatMul", matrix)

    def shaped(self, *shape: int) -> "Term":
        """Lay the same numbers out in another shape."""
        return self._made("Reshape", (self.name, constant(self.graph, np.array(shape, dtype=np.int64))))

    def picked(self, indices: "Sequence[int] | np.ndarray", axis: int = 1) -> "Term":
        """Return columns (or, on axis 0, rows) by their numbers, which may repeat."""
        return self._made("Gather", (self.name, constant(self.graph, np.asarray(indices, dtype=np.int64))), axis=axis)

    def single(self) -> "Term":
        """Return it as float32."""
        return self._made("Cast", (self.name,), to=1)

    def _with(self, op: str, other: Other) -> "Term":
        """Combine with another value."""
        right = other.name if isinstance(other, Term) else constant(self.graph, np.asarray(other, dtype=np.float64))
        return self._made(op, (self.name, right))

    def _made(self, op: str, inputs: "Tuple[str, ...]", **attributes: object) -> "Term":
        """Add a node."""
        name = f"{op.lower()}_{len(self.graph.nodes)}"
        return Term(self.graph, self.graph.node(op, inputs, name, **attributes))  # type: ignore[arg-type]


def joined(terms: "Sequence[Term]", axis: int = 1) -> Term:
    """Return terms side by side, or one below the other on axis 0."""
    graph = terms[0].graph
    name = f"concat_{len(graph.nodes)}"
    return Term(graph, graph.node("Concat", [term.name for term in terms], name, axis=axis))


def constant(graph: OnnxGraph, values: np.ndarray) -> str:
    """Add an array to a graph, or give the name of an equal one that is there."""
    for name, known in graph.weights.items():
        if known.dtype == values.dtype and known.shape == values.shape and np.array_equal(known, values):
            return name
    return graph.weight(f"constant_{len(graph.weights)}", values)
