"""The report of a clustering: the map, the clusters, how the number was chosen, and how far to trust it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np

from ...charts import Series, bar_chart, line_chart
from ...report import Report
from .fitting import ClusterFit
from .model import ClusterModel
from .summary import SummaryRow

_WORDS = {
    "kmeans": "k-means: each vector belongs to the nearest of the centres.",
    "spherical": "Spherical k-means: each vector belongs to the centre in whose direction it points most.",
    "gmm": "Gaussian mixture: each vector belongs to the component that makes it likeliest.",
    "hdbscan": "HDBSCAN: dense groups were found in a sample; each vector belongs to the group of the nearest exemplar "
               "within whose reach it lies, and to “Unassigned” where there is none.",
    "agglomerative": "Agglomerative: rows were merged step by step by Ward's criterion.",
}


@dataclass(frozen=True)
class ReportInput:
    """What a report tells."""

    model: ClusterModel
    rows: "Sequence[SummaryRow]"
    picture: np.ndarray
    fit: Optional[ClusterFit]
    unit: str
    reused: str = ""
    notes: "tuple[str, ...]" = ()


def write_report(path: str, told: ReportInput) -> None:
    """Write the page."""
    report = Report(f"{told.model.clusters} clusters")
    report.paragraph(_WORDS[told.model.method])
    _tell_origin(report, told)
    for note in told.notes:
        report.warning(note)
    for warning in told.fit.warnings if told.fit is not None else ():
        report.warning(warning)
    report.heading("Map")
    report.picture(told.picture, "Each colour is a cluster; white is nodata.")
    colours = [f"rgb{entry.colour}".replace(" ", "") for entry in told.model.classes]
    report.figure(bar_chart([row.name for row in told.rows], [100 * row.share for row in told.rows],
                            f"share of {told.unit} in %", colours), "How large the clusters are.")
    _tell_clusters(report, told)
    _tell_number(report, told.fit)
    report.write(path)


def _tell_origin(report: Report, told: ReportInput) -> None:
    """Say where the clusters come from."""
    notes = told.model.notes
    if told.fit is None:
        report.paragraph(f"The clusters are those of the saved model {told.reused}, so numbers and colours mean the "
                         "same as where it was fitted. Nothing was fitted to this data.")
    else:
        report.paragraph(f"Fitted to a sample of {int(notes.get('sample', 0)):,} vectors with seed "
                         f"{notes.get('seed', 0)}; clusters are numbered by their size in it, the largest first.")
    if notes.get("standardised"):
        report.paragraph("Every dimension was standardised first, so that all weigh alike.")


def _tell_clusters(report: Report, told: ReportInput) -> None:
    """Show the table of clusters."""
    report.heading("Clusters")
    measure = "1 − cosine" if told.model.angular else "Euclidean distance"
    names = {row.cluster: row.name for row in told.rows}
    with_area = any(row.area_m2 for row in told.rows)
    head = ["Cluster", told.unit.capitalize(), "Share in %", *(["Area in ha"] if with_area else []), "Cohesion",
            "Mean distance", "Nearest other", "Distance to it", "Most typical at"]
    body = [[row.name, row.count, round(100 * row.share, 2),
             *([_or_dash(row.area_m2, 1e-4)] if with_area else []), _or_dash(row.cohesion), _or_dash(row.distance),
             names.get(row.nearest or 0, "–"), _or_dash(row.separation), _where(row)] for row in told.rows]
    report.table(head, body)
    report.paragraph(f"Distances are {measure}s to the cluster's centre. Cohesion compares the members' mean squared "
                     "distance with that of all vectors to their common mean: 1 = all alike, 0 = as unlike as "
                     "everything together, below 0 more unlike than that.")


def _tell_number(report: Report, fit: Optional[ClusterFit]) -> None:
    """Show what speaks for the number of clusters."""
    if fit is None or fit.quality is None:
        return
    report.heading("How far to trust it")
    steady = "" if math.isnan(fit.quality.stability) else (
        f" Runs with other seeds on other parts of the sample agree by {fit.quality.stability:.2f} (adjusted Rand "
        "index: 1 = the same groups, 0 = as by chance).")
    report.paragraph(f"The mean silhouette of {fit.quality.clusters} clusters is {fit.quality.silhouette:.2f} (1 = "
                     f"clearly apart, 0 = flowing into each other).{steady}")
    if len(fit.curve) < 2:
        return
    numbers = [float(quality.clusters) for quality in fit.curve]
    series = [Series("silhouette", numbers, [quality.silhouette for quality in fit.curve])]
    if not math.isnan(fit.quality.stability):
        series.append(Series("stability", numbers, [quality.stability for quality in fit.curve]))
        series.append(Series("silhouette × stability", numbers, [quality.score for quality in fit.curve]))
    report.figure(line_chart(series, "number of clusters", "", float(fit.quality.clusters)),
                  "What speaks for each number; the dashed line marks the one chosen.")
    report.table(["Clusters", "Silhouette", "Stability", "Product"],
                 [[quality.clusters, quality.silhouette, quality.stability, quality.score] for quality in fit.curve])


def _where(row: SummaryRow) -> str:
    """Return the most typical place or row."""
    if row.medoid:
        return row.medoid
    return "–" if row.place is None else f"{row.place[0]:.10g}, {row.place[1]:.10g}"


def _or_dash(value: Optional[float], factor: float = 1.0) -> object:
    """Return a number, or a dash."""
    return "–" if value is None else value * factor
