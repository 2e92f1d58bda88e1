"""Writes what explains a predictor as tables and a layer of points."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from osgeo import ogr

from ..centres import point_wkb
from ..plain_layer import LayerWriter
from ..predictors.card import PredictorCard
from ..table import ColumnSpec
from ..training.moran import Moran
from .dependence import Dependence
from .feature_groups import COLUMN, span_text
from .importance import Importances
from .nearest_examples import PlaceExamples
from .rows import LabelledRows

_OWN = {"fid", "geom", "place", "rank", "source_id", "distance", "metres", "predicted", "place_predicted"}


def write_importance(path: str, found: Importances, card: PredictorCard) -> None:
    """Write a row a group: what it is worth, and of which features it is made."""
    names = ["log_loss"] if card.classes else _ended("rmse", card.target.names)
    specs = [ColumnSpec("group", "text"), ColumnSpec("kind", "text"), ColumnSpec("importance", "real"),
             ColumnSpec("low", "real"), ColumnSpec("high", "real"), ColumnSpec("dims", "text"),
             ColumnSpec("features", "integer"), *(ColumnSpec(f"{name}_gain", "real") for name in names)]
    groups = found.groups
    values: "Dict[str, List[Any]]" = {
        "group": [one.group.name for one in groups], "kind": [one.group.kind for one in groups],
        "importance": [one.loss.value for one in groups], "low": [_known(one.loss.low) for one in groups],
        "high": [_known(one.loss.high) for one in groups],
        "dims": [_dims(one.group.kind, one.group.features, card) for one in groups],
        "features": [len(one.group.features) for one in groups]}
    for index, name in enumerate(names):
        values[f"{name}_gain"] = [float(one.errors[index]) for one in groups]
    with LayerWriter(path, "", ogr.wkbNone, specs, card.provenance) as writer:
        writer.write([None] * len(groups), values)


def write_dependence(path: str, found: "Sequence[Dependence]", card: PredictorCard) -> None:
    """Write a row a column, value and output; numbers stand in `number`, levels in `level`."""
    outputs = [one.value for one in card.target.classes] or list(card.target.names)
    rows: "List[Tuple[Any, ...]]" = []
    for one in found:
        for index, value in enumerate(one.values):
            number, level = (value, None) if one.numeric else (None, value)
            rows += [(one.column, number, level, one.rows[index] if one.rows else None, output,
                      float(one.mean[index, place]), float(one.low[index, place]), float(one.high[index, place]))
                     for place, output in enumerate(outputs)]
    specs = [ColumnSpec("column", "text"), ColumnSpec("number", "real"), ColumnSpec("level", "text"),
             ColumnSpec("rows", "integer"), ColumnSpec("output", "text"), ColumnSpec("mean", "real"),
             ColumnSpec("low", "real"), ColumnSpec("high", "real")]
    with LayerWriter(path, "", ogr.wkbNone, specs, card.provenance) as writer:
        writer.write([None] * len(rows), {spec.name: [row[place] for row in rows] for place, spec in enumerate(specs)})


def write_dimensions(path: str, rows: LabelledRows, morans: "Sequence[Moran]", worth: np.ndarray,
                     card: PredictorCard) -> None:
    """Write a row a dimension; Moran's I is left empty where the rows have no places."""
    empty = [None] * rows.dimensions
    values: "Dict[str, Sequence[Any]]" = {
        "dimension": list(range(rows.dimensions)),
        "moran": [_known(one.value) for one in morans] or empty, "z": [_known(one.z) for one in morans] or empty,
        "p": [_known(one.p) for one in morans] or empty, "importance": [_known(value) for value in worth.tolist()],
        "mean": rows.vectors.mean(axis=1, dtype=np.float64).tolist(),
        "deviation": rows.vectors.std(axis=1, dtype=np.float64).tolist()}
    specs = [ColumnSpec(name, "integer" if name == "dimension" else "real") for name in values]
    with LayerWriter(path, "", ogr.wkbNone, specs, card.provenance) as writer:
        writer.write(empty, values)


def write_examples(path: str, found: "Sequence[PlaceExamples]", rows: LabelledRows, card: PredictorCard) -> None:
    """Write a point for each example: whose it is, how near, its true value, and what the predictor says of it."""
    taken = np.concatenate([one.rows for one in found])
    answers = np.concatenate([one.row_predictions for one in found])
    values: "Dict[str, List[Any]]" = {
        "place": [one.place for one in found for _ in one.rows],
        "rank": [rank + 1 for one in found for rank in range(len(one.rows))],
        "source_id": [rows.ids[row] for row in taken.tolist()],
        "distance": np.concatenate([one.distances for one in found]).tolist(),
        "metres": [_known(metres) for one in found for metres in one.metres.tolist()]}
    kinds = {"place": "integer", "rank": "integer", "source_id": _id_kind(values["source_id"])}
    if kinds["source_id"] == "text":
        values["source_id"] = [str(value) for value in values["source_id"]]
    for index, (name, column, predicted) in enumerate(_answers(card, rows.truth[taken], answers)):
        own = f"{name}_1" if name.lower() in _OWN else name
        end = f"_{name}" if len(card.target.names) > 1 else ""
        values[own], values[f"predicted{end}"] = column, predicted
        values[f"place_predicted{end}"] = [_said(one.predicted, card, index) for one in found for _ in one.rows]
        if card.classes:
            kinds.update({own: "text", "predicted": "text", "place_predicted": "text"})
    located = bool(np.isfinite(rows.points[taken]).any())
    points = [point_wkb(x, y) if np.isfinite(x + y) else None for x, y in rows.points[taken].tolist()]
    specs = [ColumnSpec(name, kinds.get(name, "real")) for name in values]
    with LayerWriter(path, rows.wkt, ogr.wkbPoint if located else ogr.wkbNone, specs,
                     rows.identity.provenance) as writer:
        writer.write(points if located else [None] * len(taken), values)


def _answers(card: PredictorCard, truth: np.ndarray,
             answers: np.ndarray) -> "List[Tuple[str, List[Any], List[Any]]]":
    """Return each target's name, true values and predictions."""
    if card.classes:
        values = [one.value for one in card.target.classes]
        return [(card.target.names[0], [values[index] for index in truth.tolist()],
                 [values[index] for index in answers.argmax(axis=1).tolist()])]
    return [(name, truth[:, index].tolist(), answers[:, index].tolist())
            for index, name in enumerate(card.target.names)]


def _said(predicted: Optional[np.ndarray], card: PredictorCard, target: int) -> Any:
    """Return what is predicted of a place."""
    if predicted is None:
        return None
    return card.target.classes[int(predicted.argmax())].value if card.classes else float(predicted[target])


def _dims(kind: str, features: np.ndarray, card: PredictorCard) -> str:
    """Write which dimensions a group has; of a further column, what it became."""
    if kind != COLUMN:
        return span_text(features)
    return "; ".join(card.columns.names[feature - card.dimensions] for feature in features.tolist())


def _ended(name: str, targets: "Sequence[str]") -> "List[str]":
    """Return a name for each target."""
    return [f"{name}_{target}" for target in targets] if len(targets) > 1 else [name]


def _id_kind(values: "Sequence[Any]") -> str:
    """Return the type of a column of ids."""
    return "integer64" if all(isinstance(value, (int, np.integer)) and not isinstance(value, bool)
                              for value in values) else "text"


def _known(value: float) -> Optional[float]:
    """Return a number, None where there is none."""
    return float(value) if np.isfinite(value) else None
