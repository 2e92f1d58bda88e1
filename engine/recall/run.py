"""Judges score rasters by true places: how much of the truth is found after how much ground."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional

from ..progress import Part, Progress, check
from ..whole import require_writable
from .judged import Judged
from .judging import judge
from .page import write_page
from .pooling import pooled
from .request import RecallRequest, RecallResult
from .tables import write_curves, write_summary
from .telling import cautions, comparison, verdict, verdict_of_all
from .truth import Truth, read_truth


def recall_area(request: RecallRequest, progress: Progress) -> RecallResult:
    """Judge every query and write what was asked for; nothing is written where any of them can't be judged."""
    request.check()
    for path in filter(None, (request.output, request.summary, request.report)):
        require_writable(Path(path.split("|")[0]))
    truth = read_truth(request, Part(progress, 0.0, 0.05))
    queries: "List[Judged]" = []
    share = 0.9 / len(request.queries)
    for number, query in enumerate(request.queries):
        check(progress)
        queries.append(judge(query, truth, request, Part(progress, 0.05 + share * number, 0.05 + share * (number + 1))))
    together = pooled(queries, request) if request.query_field and len(queries) > 1 else None
    result = RecallResult(tuple(queries), together, (*_unnamed(truth, request), *cautions(queries, together)),
                          tuple(_verdicts(queries, together, request)))
    for text in result.warnings:
        progress.warn(text)
    for text in result.verdicts:
        progress.info(text)
    progress.report(0.96, "Writing the results")
    if request.output:
        write_curves(request.output, result.curves)
    if request.summary:
        write_summary(request.summary, result.curves, request.wanted)
    if request.report:
        write_page(request, result)
    progress.report(1.0)
    return result


def _verdicts(queries: "List[Judged]", together: Optional[Judged], request: RecallRequest) -> "List[str]":
    """Return a sentence for all queries as one, one for each, and one that compares them."""
    found = [verdict(one, request.wanted) for one in queries]
    if together is not None:
        found.insert(0, verdict_of_all(together, len(queries), request.wanted))
    compared = comparison(queries, request.wanted)
    return [*found, compared] if compared else found


def _unnamed(truth: Truth, request: RecallRequest) -> "List[str]":
    """Say how many truths name no query."""
    if truth.queries is None:
        return []
    names = {query.name for query in request.queries}
    strangers = [name for name in truth.queries if name not in names]
    if not strangers:
        return []
    example = next((name for name in strangers if name), "")
    told = f", such as “{example}”" if example else ""
    return [f"{len(strangers):,} truths of {truth.name} name no raster in “{request.query_field}”{told}: they don't "
            "count."]
