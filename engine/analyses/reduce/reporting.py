"""The report of a reduction: what its numbers hold, and how the picture came about."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ...charts import Series, bar_chart, line_chart
from ...progress import Progress
from ...report import Report
from .fitted import UMAP, Projection
from .request import ReduceRequest

_MOST_BARS = 20
WARNING = ("UMAP keeps neighbours together; distances between groups mean little. Vectors that were not in the sample "
           "lie between their nearest sample vectors.")


def tell_explained(fitted: Projection, request: ReduceRequest, progress: Progress) -> None:
    """Say in the log what the numbers hold."""
    if fitted.method == UMAP:
        progress.warn(WARNING)
    if fitted.explained:
        of = "the data that they were fitted to" if request.reuse else "the data"
        progress.info(f"{len(fitted.explained)} components hold {100 * sum(fitted.explained):.1f} % of the variance of "
                      f"{of}.")


def write_report(path: str, name: str, key: str, fitted: Projection, request: ReduceRequest,
                 picture: Optional[np.ndarray] = None) -> None:
    """Write the page."""
    report = Report(f"Reduction of {name}")
    report.paragraph(f"Space {key}; {fitted.method} to {fitted.dimensions} dimensions"
                     + (f", taken from the saved reduction {request.reuse}." if request.reuse else "."))
    if fitted.method == UMAP:
        report.warning(WARNING)
    if fitted.explained:
        _explained(report, fitted, request)
    if picture is not None:
        report.heading("Picture")
        report.picture(picture, "The first three numbers as red, green and blue, from the 2nd to the 98th percentile "
                                "of what the reduction was fitted to. Reuse the saved reduction for another scene or "
                                "year, so that colours compare.")
    report.write(path)


def _explained(report: Report, fitted: Projection, request: ReduceRequest) -> None:
    """Show what each component holds."""
    names = [f"Component {index}" for index in range(1, len(fitted.explained) + 1)]
    total = np.cumsum(fitted.explained)
    report.heading("Explained variance")
    if request.reuse:
        report.paragraph("These are shares of the variance of the data that the reduction was fitted to.")
    report.figure(bar_chart(names[:_MOST_BARS], fitted.explained[:_MOST_BARS], "share of the variance"),
                  "What each component holds of the differences between places.")
    if len(names) > 2:
        report.figure(line_chart([Series("together", list(range(1, len(total) + 1)), total.tolist())],
                                 "components", "share of the variance"), "What the first components hold together.")
    report.table(["component", "share", "together"],
                 [[name, float(share), float(sum_)] for name, share, sum_ in zip(names, fitted.explained, total)])
