"""A predictor as one ONNX graph: the model, what undoes the target's transform, and how unlike its training data."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ..onnxgraph import ELEMENT_TYPES, OnnxGraph
from ..training.applicability import Applicability
from ..training.class_calibration import ClassCalibration
from ..training.figures.reliability import LEAST_PROBABILITY
from ..training.models import Fitted
from ..training.transforms import NONE, TargetTransform
from .card import PredictorCard
from .item import COLUMNS, DISSIMILARITY, EMBEDDING, PREDICTED, PROBABILITIES, SCORE

REFERENCE, MEAN, FACTOR = "applicability_reference", "applicability_mean", "applicability_factor"


def build(fitted: Fitted, card: PredictorCard, applicability: Optional[Applicability] = None) -> OnnxGraph:
    """Return the whole graph, without the card's copy."""
    graph = OnnxGraph("predictor")
    features = graph.input(EMBEDDING, ("N", card.dimensions))
    if card.columns.width:
        graph.input(COLUMNS, ("N", card.columns.width))
        features = graph.node("Concat", [EMBEDDING, COLUMNS], "features", axis=1)
    model = fitted.add_to(graph, features)
    if card.classes:
        _add_classes(graph, model, card)
    else:
        _add_targets(graph, model, card)
    if applicability is not None:
        _add_dissimilarity(graph, features, applicability)
    return graph


def _add_classes(graph: OnnxGraph, model: str, card: PredictorCard) -> None:
    """Add calibrated probabilities and the likeliest class."""
    if card.calibration is not None and card.calibration.temperature != 1.0:
        model = _calibrated(graph, model, card.calibration)
    graph.node("Identity", [model], PROBABILITIES)
    graph.output(PROBABILITIES, ("N", card.classes))
    graph.node("ArgMax", [PROBABILITIES], PREDICTED, axis=1, keepdims=0)
    graph.output(PREDICTED, ("N",), "int64")


def _calibrated(graph: OnnxGraph, model: str, calibration: ClassCalibration) -> str:
    """Add the temperature."""
    graph.weight("least_probability", np.array(LEAST_PROBABILITY, dtype=np.float32))
    graph.weight("most_probability", np.array(1.0, dtype=np.float32))
    graph.weight("coldness", np.array(1.0 / calibration.temperature, dtype=np.float32))
    graph.node("Clip", [model, "least_probability", "most_probability"], "probabilities_bounded")
    graph.node("Log", ["probabilities_bounded"], "probabilities_log")
    graph.node("Mul", ["probabilities_log", "coldness"], "probabilities_tempered")
    return graph.node("Softmax", ["probabilities_tempered"], "probabilities_calibrated", axis=1)


def _add_targets(graph: OnnxGraph, model: str, card: PredictorCard) -> None:
    """Add the score on the scale of the fit, and the prediction in the target's units."""
    width = len(card.target.names)
    graph.node("Identity", [model], SCORE)
    graph.output(SCORE, ("N", width))
    if all(transform.kind == NONE for transform in card.target.transforms):
        graph.node("Identity", [SCORE], PREDICTED)
    else:
        # The ways back multiply errors, so they are gone in double precision; it is one number a target.
        exact = graph.node("Cast", [SCORE], "score_exact", to=ELEMENT_TYPES["float64"])
        columns = []
        for number, transform in enumerate(card.target.transforms):
            index = graph.weight(f"target_{number}_index", np.array([number], dtype=np.int64))
            column = graph.node("Gather", [exact, index], f"target_{number}_score", axis=1)
            columns.append(_undone(graph, column, transform, number))
        joined = columns[0] if width == 1 else graph.node("Concat", columns, "targets_exact", axis=1)
        graph.node("Cast", [joined], PREDICTED, to=ELEMENT_TYPES["float32"])
    graph.output(PREDICTED, ("N", width))


def _undone(graph: OnnxGraph, name: str, transform: TargetTransform, number: int) -> str:
    """Add what undoes one transform, and return the name of the result."""
    if transform.kind == NONE:
        return name
    prefix = f"target_{number}"
    power = transform.exponent
    low, high = transform.limits
    if np.isfinite(high):
        name = _with(graph, "Min", name, high, f"{prefix}_high")
    if np.isfinite(low):
        name = _with(graph, "Max", name, low, f"{prefix}_low")
    if power != 0.0:
        name = _with(graph, "Mul", name, power, f"{prefix}_step")
        name = _with(graph, "Add", name, 1.0, f"{prefix}_base")
        name = _with(graph, "Max", name, 0.0, f"{prefix}_positive")
        name = graph.node("Log", [name], f"{prefix}_log")
        name = _with(graph, "Div", name, power, f"{prefix}_root")
    name = graph.node("Exp", [name], f"{prefix}_shifted")
    return _with(graph, "Sub", name, transform.shift, f"{prefix}_value")


def _with(graph: OnnxGraph, op: str, name: str, number: float, output: str) -> str:
    """Add an operation of a value and a number."""
    return graph.node(op, [name, graph.weight(f"{output}_by", np.array(number, dtype=np.float64))], output)


def _add_dissimilarity(graph: OnnxGraph, features: str, applicability: Applicability) -> None:
    """Add the distance of standardised features to the nearest reference row, over the mean distance."""
    reference = np.ascontiguousarray(applicability.reference, dtype=np.float32)
    graph.weight(REFERENCE, reference)
    graph.weight(MEAN, applicability.mean.astype(np.float32))
    graph.weight(FACTOR, (1.0 / applicability.scale).astype(np.float32))
    graph.weight("applicability_half_squares",
                 (np.einsum("ij,ij->i", reference, reference, dtype=np.float64) / 2).astype(np.float32))
    graph.weight("applicability_mean_distance", np.array(applicability.mean_distance, dtype=np.float32))
    graph.node("Sub", [features, MEAN], "reach_centred")
    graph.node("Mul", ["reach_centred", FACTOR], "reach_features")
    graph.node("Transpose", [REFERENCE], "reach_columns", perm=[1, 0])
    graph.node("MatMul", ["reach_features", "reach_columns"], "reach_products")
    graph.node("Sub", ["reach_products", "applicability_half_squares"], "reach_nearness")
    graph.node("ArgMax", ["reach_nearness"], "reach_nearest", axis=1, keepdims=0)
    graph.node("Gather", [REFERENCE, "reach_nearest"], "reach_rows", axis=0)
    graph.node("Sub", ["reach_features", "reach_rows"], "reach_differences")
    graph.node("ReduceL2", ["reach_differences"], "reach_distances", axes=[1], keepdims=0)
    graph.node("Div", ["reach_distances", "applicability_mean_distance"], DISSIMILARITY)
    graph.output(DISSIMILARITY, ("N",))
