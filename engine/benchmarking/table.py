"""Writes every score as a row of one table."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional, Sequence

from osgeo import ogr

from ..plain_layer import LayerWriter
from ..table import ColumnSpec
from .answers import FLOOR, Answer
from .candidates import UNKNOWN_BYTES
from .scores import Judged
from .verdicts import called

COLUMNS = (
    ("layer", "text"), ("target", "text"), ("measure", "text"), ("candidate", "text"), ("kind", "text"),
    ("probe", "text"), ("folds", "text"), ("dimensions", "integer"), ("labels", "integer"), ("draws", "integer"),
    ("rows", "integer"), ("score", "real"), ("lower", "real"), ("upper", "real"), ("baseline", "text"),
    ("difference", "real"), ("diff_lower", "real"), ("diff_upper", "real"), ("verdict", "text"),
    ("seconds_embed", "real"), ("seconds", "real"), ("file_bytes", "integer64"), ("bytes", "integer64"),
    ("geobias", "real"), ("geobias_p", "real"))


def write_table(destination: str, answers: "Sequence[Answer]") -> None:
    """Write a row for each layer, target, candidate, probe, kind of folds, dimensions and number of labels."""
    rows = [row_of(answer, one) for answer in answers for one in answer.judged]
    values: "Dict[str, List[Any]]" = {name: [row[name] for row in rows] for name, _ in COLUMNS}
    with LayerWriter(destination, "", ogr.wkbNone, [ColumnSpec(name, kind) for name, kind in COLUMNS]) as writer:
        writer.write([None] * len(rows), values)


def row_of(answer: Answer, one: Judged) -> "Dict[str, Any]":
    """Return one score with all that belongs to it."""
    setting, estimate = one.setting, one.estimate
    gathered = answer.gathered.get(one.name)
    baseline = answer.best_baseline(setting.folds, setting.labels)
    verdict = answer.verdict(one)
    bias = answer.biases.get((one.name, setting))
    width = setting.dimensions or (gathered.dimensions if gathered is not None else 0)
    return {
        "layer": answer.layer, "target": answer.shared.question.target, "measure": answer.shared.judge.score_name,
        "candidate": one.name, "kind": one.kind, "probe": setting.probe or None, "folds": setting.folds,
        "dimensions": width or None, "labels": setting.labels, "draws": len(one.predicted), "rows": answer.rows,
        "score": _known(one.score), "lower": _known(estimate.low), "upper": _known(estimate.high),
        "baseline": called(baseline),
        "difference": _known(verdict.difference.value) if verdict is not None else None,
        "diff_lower": _known(verdict.difference.low) if verdict is not None else None,
        "diff_upper": _known(verdict.difference.high) if verdict is not None else None,
        "verdict": verdict.sentence if verdict is not None else "the best baseline",
        "seconds_embed": gathered.seconds if gathered is not None else None,
        "seconds": one.seconds if setting.probe != FLOOR else None,
        "file_bytes": gathered.file_bytes if gathered is not None and gathered.file_bytes != UNKNOWN_BYTES else None,
        "bytes": 4 * width or None, "geobias": _known(bias.score) if bias is not None else None,
        "geobias_p": _known(bias.p) if bias is not None else None}


def _known(value: float) -> Optional[float]:
    """Return a number, None where there is none."""
    return float(value) if math.isfinite(value) else None
