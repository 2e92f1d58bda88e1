"""The section on how it was tested: where the rows lie and how they were parted."""

from __future__ import annotations

import numpy as np

from ...map_charts import class_map, part_maps, value_map
from ...map_paper import MapPlaces
from ...number_text import number_text
from ...report import Report
from .input import FoldsTold, PlacesTold, ReportInput
from .scores import tell_folds

_MOST_MAPS = 4


def map_places(places: PlacesTold) -> MapPlaces:
    """Return what a map needs to know of the places."""
    return MapPlaces(places.points, places.degrees, places.metres)


def with_places(told: ReportInput) -> bool:
    """Tell whether a map can be drawn."""
    return told.places is not None and bool(np.isfinite(told.places.points).all(axis=1).any())


def tell_validation(report: Report, told: ReportInput) -> None:
    """Show the data and its parts."""
    if told.folds is None and not with_places(told) and told.fold_scores is None:
        return
    report.heading("How it was tested")
    if told.folds is not None:
        report.paragraph(_folds_sentence(told.folds))
    if told.places is not None and with_places(told):
        _tell_maps(report, told, told.places)
    if told.fold_scores is not None:
        tell_folds(report, told.fold_scores)


def _tell_maps(report: Report, told: ReportInput, places: PlacesTold) -> None:
    """Draw what was measured where, and the parts."""
    spots = map_places(places)
    if told.classes is not None:
        classes = told.classes
        report.figure(class_map(spots, classes.truth, classes.names, classes.colours), "The classes that were given.")
    for target in told.targets[:_MOST_MAPS]:
        label = target.name + (f" ({target.unit})" if target.unit else "")
        report.figure(value_map(spots, target.observed, label), f"{target.name} as it was given; dark is high.")
    parts = np.asarray(places.fold)
    count = int(parts.max(initial=-1)) + 1
    if count > 1:
        names = places.fold_names or tuple(f"Fold {number}" for number in range(1, count + 1))
        more = f" {count - 12} more parts are not shown." if count > 12 else ""
        report.figure(part_maps(spots, parts, names), "The folds: the dark places of each map were predicted by a "
                      f"model trained on the pale ones. In brackets: how many.{more}")


def _folds_sentence(folds: FoldsTold) -> str:
    """Say how the rows were parted, and why so."""
    size = ""
    if folds.block_size > 0:
        size = f" of {number_text(folds.block_size)} {folds.unit}".rstrip()
    name = folds.name[:1].upper() + folds.name[1:]
    return f"{name}{size}: {folds.count} folds. {folds.why}".strip()
