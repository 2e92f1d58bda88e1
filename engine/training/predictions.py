"""Writes what each labelled row was predicted to be by a model that had not seen its fold."""

from __future__ import annotations

from typing import Any, Dict, List

import numpy as np
from osgeo import ogr

from ..plain_layer import LayerWriter
from ..progress import Progress, check
from ..table import ColumnSpec
from .account import Account

_ROWS = 10_000
_POINT = np.dtype([("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")])


def write_predictions(account: Account, progress: Progress) -> None:
    """Write a layer of points (a table where there is no geometry), a row for each sample, in their order."""
    samples = account.samples
    columns = _columns(account)
    specs = [ColumnSpec(name, _type(values)) for name, values in columns.items()]
    located = bool(np.isfinite(samples.points).any())
    kind = ogr.wkbPoint if located else ogr.wkbNone
    with LayerWriter(account.request.predictions, samples.wkt, kind, specs,
                     provenance=samples.identity.provenance) as writer:
        for start in range(0, len(samples.vectors), _ROWS):
            check(progress)
            part = slice(start, start + _ROWS)
            writer.write(_points(samples.points[part]), {name: values[part] for name, values in columns.items()})


def _columns(account: Account) -> "Dict[str, List[Any]]":
    """Return the columns: which row, its truth, its fold, what was predicted, and how far off that is."""
    samples, model = account.samples, account.model
    found: "Dict[str, List[Any]]" = {"source_id": list(samples.ids)}
    plan = samples.target
    if samples.classes:
        values = [part.value for part in plan.classes]
        named = np.argmax(model.predicted, axis=1)
        found[_free(plan.names[0], found)] = [values[index] for index in samples.targets]
        found["fold"] = (model.folds.fold + 1).tolist()
        found["predicted"] = [values[index] for index in named]
        found["probability"] = model.predicted[np.arange(len(named)), named].tolist()
        found["right"] = (named == samples.targets).tolist()
        return found
    truth = plan.inverse(samples.targets)
    for index, name in enumerate(plan.names):
        found[_free(name, found)] = truth[:, index].tolist()
    found["fold"] = (model.folds.fold + 1).tolist()
    for index, name in enumerate(plan.names):
        end = f"_{name}" if len(plan.names) > 1 else ""
        found[f"predicted{end}"] = model.predicted[:, index].tolist()
        if account.lower is not None and account.upper is not None:
            found[f"lower{end}"] = account.lower[:, index].tolist()
            found[f"upper{end}"] = account.upper[:, index].tolist()
        found[f"residual{end}"] = (truth[:, index] - model.predicted[:, index]).tolist()
    return found


def _free(name: str, taken: "Dict[str, List[Any]]") -> str:
    """Return the target's name, with a number where the name means something else here."""
    reserved = {*(used.lower() for used in taken), "fid", "geom", "fold", "predicted", "lower", "upper", "residual",
                "probability", "right"}
    return f"{name}_1" if name.lower() in reserved else name


def _type(values: "List[Any]") -> str:
    """Return the column type of plain values."""
    first = next((value for value in values if value is not None), "")
    if isinstance(first, bool):
        return "boolean"
    if isinstance(first, (int, np.integer)):
        return "integer64"
    return "real" if isinstance(first, float) else "text"


def _points(points: np.ndarray) -> "List[Any]":
    """Return points as WKB, None where there is none."""
    packed = np.zeros(len(points), dtype=_POINT)
    packed["order"], packed["kind"], packed["x"], packed["y"] = 1, 1, points[:, 0], points[:, 1]
    data = packed.tobytes()
    size = _POINT.itemsize
    known = np.isfinite(points).all(axis=1)
    return [data[index * size:(index + 1) * size] if known[index] else None for index in range(len(points))]
