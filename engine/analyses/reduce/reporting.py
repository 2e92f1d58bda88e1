"""The report of a reduction: what its numbers hold, and how the picture came about."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ...charts import Series, bar_chart, line_chart
from ...report import Report
from .fitted import UMAP, Projection
from .request import ReduceRequest


def write_report(path: str, name: str, key: str, fitted: Projection, request: ReduceRequest,
                 picture: Optional[np.ndarray] = None) -> None:
    """Write the page."""
    report = Report(f"Reduction of {name}")
    report.paragraph(f"Space {key}; {fitted.method} to {fitted.dimensions} dimensions"
                     + (", taken from a saved reduction." if request.reuse else "."))
    if fitted.method == UMAP:
        report.warning("UMAP keeps neighbours together; distances between groups mean little. Vectors that were not in "
                       "the sample lie between their nearest sample vectors.")
    if fitted.explained:
        names = [f"Component {index}" for index in range(1, len(fitted.explained) + 1)]
        shown = min(len(names), 20)
        report.heading("Explained variance")
        report.figure(bar_chart(names[:shown], fitted.explained[:shown], "share of the variance"),
                      "What each component holds of the differences between places.")
        if len(names) > 2:
            total = np.cumsum(fitted.explained)
            report.figure(line_chart([Series("together", list(range(1, len(total) + 1)), total.tolist())],
                                     "components", "share of the variance"), "What the first components hold together.")
        report.table(["component", "share", "together"],
                     [[name, float(share), float(total)] for name, share, total in
                      zip(names, fitted.explained, np.cumsum(fitted.explained))])
    if picture is not None:
        report.heading("Picture")
        report.picture(picture, "The first three numbers as red, green and blue, from the 2nd to the 98th percentile. "
                                "Reuse the saved reduction for another scene or year, so that colours compare.")
    report.write(path)
