"""Small predictors, trained on invented fields whose truth is known, and what belongs to them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Sequence, Tuple

import numpy as np
from osgeo import ogr
from small_fields import wkt_of, write_field

from earthprint.engine.plain_layer import LayerWriter
from earthprint.engine.predictors.card import PredictorCard
from earthprint.engine.predictors.storing import PredictorParts, save_predictor
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_rows
from earthprint.engine.training.applicability import fit_applicability
from earthprint.engine.training.class_calibration import fit_calibration
from earthprint.engine.training.conformal import fit_conformal
from earthprint.engine.training.gathering import GatherRequest, gather
from earthprint.engine.training.models import Design, fit
from earthprint.engine.training.samples import Samples

TRANSFORM = (500000.0, 10.0, 0.0, 5700000.0, 0.0, -10.0)
DIMENSIONS = 6
SPACE = Space("invented", DIMENSIONS, "ab" * 32, unit_norm=True)
FOLDS = 4
WEIGHTS = np.array([3.0, -2.0, 1.0, 0.0, 0.5, -1.0])


def invented_vectors(rows: int = 60, columns: int = 80, seed: int = 0) -> np.ndarray:
    """Return unit vectors `(dims, rows, cols)` that vary smoothly with some noise, nodata in a corner."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[0:rows, 0:columns]
    values = np.stack([np.sin(x / (5.0 + 2 * number) + number) + np.cos(y / (7.0 + number) - seed)
                       for number in range(DIMENSIONS)]) + chance.normal(0, 0.3, (DIMENSIONS, rows, columns))
    values /= np.sqrt((values ** 2).sum(axis=0))
    values[:, :6, :9] = np.nan
    return values.astype(np.float32)


def truth_of(vectors: np.ndarray) -> np.ndarray:
    """Return the number that belongs to vectors `(dims, …)`."""
    return 10.0 + np.tensordot(WEIGHTS, vectors, axes=1)


@dataclass(frozen=True)
class Labelled:
    """Cells that are labelled: rows and columns of the field, and the layer of points."""

    path: str
    rows: np.ndarray
    columns: np.ndarray
    values: Dict[str, Any]


def write_labels(path: Path, vectors: np.ndarray, values: Dict[str, Tuple[str, Any]], count: int = 300,
                 seed: int = 1) -> Labelled:
    """Label `count` cells with a value; columns are given as type and `(rows, cols)` of the field."""
    chance = np.random.default_rng(seed)
    places = np.argwhere(np.isfinite(vectors[0]))
    chosen = places[np.sort(chance.choice(len(places), count, replace=False))]
    rows, columns = chosen.T
    points = []
    for row, column in chosen.tolist():
        point = ogr.Geometry(ogr.wkbPoint)
        point.AddPoint_2D(TRANSFORM[0] + 10.0 * (column + 0.5), TRANSFORM[3] - 10.0 * (row + 0.5))
        points.append(bytes(point.ExportToWkb(ogr.wkbNDR)))
    cells = {name: np.asarray(grid)[rows, columns].tolist() for name, (_, grid) in values.items()}
    with LayerWriter(str(path), wkt_of(32633), ogr.wkbPoint,
                     [ColumnSpec(name, kind) for name, (kind, _) in values.items()]) as writer:
        writer.write(points, cells)
    return Labelled(str(path), rows, columns, cells)


def train_on(labels: str, field: str, target: Sequence[str], output: Path, model: str = "ridge",
             task: str = "regression", **further: Any) -> str:
    """Fit a model, with intervals and reach from random folds, and store it: a training without its comparisons."""
    samples = gather(GatherRequest(open_rows(labels), tuple(target), task, field, sampling="nearest", **further),
                     Silent())
    fold = np.random.default_rng(0).permutation(len(samples.vectors)) % FOLDS
    held = _held_out(samples, model, fold)
    fitted = fit(model, _design(samples, np.arange(len(fold)), fold), Silent())
    reach = fit_applicability(samples.features, fold, 0)
    interval = None if samples.classes else fit_conformal(samples.targets - held, samples.weights)
    calibration = fit_calibration(samples.targets, held, samples.weights) if samples.classes else None
    save_predictor(output, fitted, PredictorParts(PredictorCard(
        output.stem, fitted.kind, samples.target, samples.identity.key(), samples.vectors.shape[1], samples.identity,
        samples.column_plan, fitted.settings, interval=interval, calibration=calibration, created="2026-01-01",
        provenance=samples.identity.provenance, sample_count=len(fold)), reach))
    return str(output)


def _held_out(samples: Samples, model: str, fold: np.ndarray) -> np.ndarray:
    """Return what models say of the rows that they have not seen."""
    held = np.zeros((len(fold), samples.classes or samples.targets.shape[1]))
    for number in range(FOLDS):
        rows = np.flatnonzero(fold != number)
        held[fold == number] = fit(model, _design(samples, rows, fold[rows]), Silent()).predict(
            samples.features[fold == number])
    return held


def _design(samples: Samples, rows: np.ndarray, inner: np.ndarray) -> Design:
    """Return what a model is fitted to."""
    return Design(samples.features[rows], samples.targets[rows], samples.weights[rows], samples.classes, inner, 0)


def write_table(path: Path, vectors: np.ndarray, columns: Dict[str, Tuple[str, Sequence[Any]]],
                space: Space = SPACE, coding: str = "f4") -> str:
    """Write `(rows, dims)` as a table of points with further columns."""
    points = []
    for number in range(len(vectors)):
        point = ogr.Geometry(ogr.wkbPoint)
        point.AddPoint_2D(500000.0 + number, 5700000.0)
        points.append(bytes(point.ExportToWkb(ogr.wkbNDR)))
    with TableWriter(str(path), wkt_of(32633), ogr.wkbPoint, [ColumnSpec(name, kind) for name, (kind, _)
                                                            in columns.items()], space, coding) as writer:
        writer.write(points, {name: list(cells) for name, (_, cells) in columns.items()}, vectors)
    return str(path)


def write_invented(path: Path, vectors: np.ndarray, **further: Any) -> str:
    """Write vectors as a field of the invented space."""
    return write_field(path, vectors, TRANSFORM, space=SPACE, **further)
