"""The page: what the encoder is worth first, then what to mind, then everything that stands behind the two."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ...charts import Series, line_chart
from ...map_charts import part_maps
from ...map_paper import MapPlaces
from ...number_text import number_text
from ...provenance import Provenance
from ...report import Figure, Report
from ..judged import Curve, Judged
from ..request import CONTRASTIVE, DISTIL, VIEWS
from .pictures import surface_map, training_map
from .scores import tell_scores
from .words import headline

_MOST_CURVES = 5


def write_report(path: "str | os.PathLike[str]", judged: Judged) -> None:
    """Write the page, whole or not at all."""
    location_report(judged).write(path)


def location_report(judged: Judged) -> Report:
    """Return the page."""
    report = Report(f"Location encoder “{judged.request.name or Path(judged.request.output).stem}”")
    report.lead(headline(judged.verdict))
    told = _what(judged) if judged.objective in (DISTIL, CONTRASTIVE) else f"to tell {judged.what}"
    report.paragraph(f"It was trained on {len(judged.places):,} places of {_short(judged.name)} {told}.")
    for warning in judged.warnings:
        report.warning(warning)
    tell_scores(report, judged)
    _tell_surface(report, judged)
    _tell_test(report, judged)
    _tell_loss(report, judged)
    _tell_settings(report, judged)
    _tell_use(report, judged)
    return report


def _what(judged: Judged) -> str:
    """Say which vectors were learnt."""
    own = judged.name == judged.what
    return "to give their vectors" if own else f"to give the vectors of {_short(judged.what)}"


def _short(name: str) -> str:
    """Return a layer's name as it is, and of a file the name alone: folders are nobody's business."""
    return Path(name).name if Path(name).is_absolute() else name


def _tell_surface(report: Report, judged: Judged) -> None:
    """Show what was learnt on a map."""
    shares = judged.surface.shares[:3]
    report.heading("What it learnt")
    told = ", ".join(f"{100 * share:.0f} %" for share in shares)
    report.paragraph("The vectors of places as colours: their first three principal components are red, green and "
                     f"blue ({told} of what differs). Places of one colour have like vectors.")
    report.figures([
        Figure(surface_map(judged.surface), "All over the extent of the training data. Pale: no training data are "
               "near, so that what the encoder says there is a guess."),
        Figure(training_map(judged.surface, judged.places), "Where the training data lie.")])


def _tell_test(report: Report, judged: Judged) -> None:
    """Show how the places were parted."""
    folds = judged.folds
    report.heading("How it was tested")
    report.paragraph(folds.why[:1].upper() + folds.why[1:])
    names = [f"Fold {number}" for number in range(1, folds.count + 1)]
    report.figure(part_maps(MapPlaces(judged.places, degrees=True), folds.fold, names),
                  "The folds: the dark places of each map were judged by an encoder trained on the pale ones. In "
                  "brackets: how many.")


def _tell_loss(report: Report, judged: Judged) -> None:
    """Draw how the loss fell."""
    if not any(curve.train for curve in judged.curves):
        return
    report.heading("How it learnt")
    report.paragraph("The loss is what training makes small. In places that are learnt from it falls on and on; in "
                     "blocks that are held out it falls as long as what is learnt holds elsewhere, and the weights of "
                     "its lowest point are kept.")
    charts = [Figure(line_chart([_series(curve, curve.train) for curve in _shown(judged)], "epoch",
                                "loss in training places"), "The loss in the places that were learnt from.")]
    held = [curve for curve in _shown(judged) if curve.held]
    if held:
        kept = float(np.median([curve.kept for curve in held]))
        charts.append(Figure(
            line_chart([_series(curve, curve.held) for curve in held], "epoch", "loss in held-out blocks", kept),
            f"The loss in blocks that were held out. The dashed line, epoch {number_text(kept)}, is the middle of the "
            "epochs whose weights were kept."))
    report.figures(charts)
    hidden = len(judged.curves) - len(_shown(judged))
    if hidden > 0:
        report.explanation(f"{hidden} more trainings are left out of the charts.")


def _shown(judged: Judged) -> "list[Curve]":
    """Return the trainings that are drawn: the final one, which has nothing held out, and the first folds."""
    final = [curve for curve in judged.curves if not curve.held]
    return [curve for curve in judged.curves if curve.held][:_MOST_CURVES] + final[:1]


def _series(curve: Curve, losses: "tuple[float, ...]") -> Series:
    """Return a line of a chart."""
    return Series(curve.name, list(range(1, len(losses) + 1)), list(losses))


def _tell_settings(report: Report, judged: Judged) -> None:
    """List the settings, and why they are what they are."""
    request = judged.request
    report.heading("The settings, and why")
    if judged.proposals:
        report.listing(judged.proposals)
    epochs = "until held-out blocks got no better" if not request.epochs else str(request.epochs)
    rows = {"Kind": request.kind, "Objective": judged.objective, "Dimensions": str(judged.dimensions),
            "Network": judged.network, "Numbers learnt": f"{judged.parameters:,}"}
    for name, value in judged.settings.items():
        rows[_words(name)] = _plain(value)
    rows.update({"Places": f"{len(judged.places):,}", "Epochs": epochs, "Seed": str(request.seed)})
    for name, value in judged.sizes.items():
        rows.setdefault(_words(name), number_text(value))
    report.table(["", ""], [list(pair) for pair in rows.items()])


def _words(name: str) -> str:
    """Write the name of a setting as people do."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _plain(value: object) -> str:
    """Write a setting."""
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(item) for item in value)
    return str(value)


def _tell_use(report: Report, judged: Judged) -> None:
    """Say how to use it, and what it was made with."""
    report.heading("Using it")
    notes = [
        "Give the .onnx file to “Embed locations” as its encoder; the card (.json) beside it belongs to it. Neither "
        "torch nor the training data are needed.",
        "Between training places the vectors are interpolated, far from them they are made up: the card knows where "
        "training data lie, and “Embed locations” warns outside.",
        "A location encoder learns who and what lives where. Before it decides about people, see with “Geo-bias of "
        "predictions” whether errors lie together."]
    if judged.objective == VIEWS:
        notes.append("What looks at photos and at the field was needed for training only and is not stored: the file "
                     "holds the location encoder.")
    report.listing(notes)
    report.paragraph(f"Trained in {number_text(judged.seconds, 3)} s on {judged.device} ({judged.device_why}).")
    _tell_provenance(report, judged.provenance)
    versions = ", ".join(f"{name} {version}" for name, version in judged.versions.items())
    report.explanation(f"Made {judged.created}" + (f" with {versions}." if versions else "."))


def _tell_provenance(report: Report, provenance: "tuple[Provenance, ...]") -> None:
    """Say where the data come from."""
    if provenance:
        report.subheading("Where the data come from")
        report.paragraph("Their licences ask you to say so wherever you show what is made of them.")
        report.listing([item.sentence() for item in provenance])
