"""The report of a comparison: what may be said, in sentences first, then every score behind it."""

from __future__ import annotations

import math
from typing import List, Sequence

from ..number_text import number_at, score_text
from ..report import Aligned, Report
from ..training.folds import Folds
from ..version import VERSION
from .answers import FLOOR, Answer
from .candidates import BASELINE, UNKNOWN_BYTES
from .curves import Curve, curve_chart
from .dots import Dot, DotRow, dot_chart
from .request import ALL, BLOCKS, BenchmarkRequest
from .verdicts import called, verdict

_WHERE = {BLOCKS: "at new places", "random": "beside the labels"}
_FOLDS = {BLOCKS: "spatial blocks", "random": "random folds"}
_MOST_CURVES = 6
_CAVEATS = (
    "Random folds flatter whatever knows where a place is, location encoders and coordinates above all: near places "
    "are alike, and one of them is among the training labels. Blocks tell about places that are new.",
    "Differences between two candidates have intervals over the blocks that are held out whole (over the labels, "
    "under random folds): what each block adds to one score and not to the other, widened for the rows that folds "
    "have in common (Nadeau and Bengio). They tell what these labels can show; other labels, other regions and other "
    "years may differ by more. The interval of a score itself is one over the folds, and as wide as folds are unlike.",
    "The best baseline is the best of several under any probe, chosen on the same rows, so a candidate has to beat "
    "the luckiest of them.",
    "Where many candidates are compared, one in twenty without any merit looks better or worse by chance. A verdict "
    "that doesn't survive the correction for all comparisons of its setting (Bonferroni) says so.",
    "Reduced dimensions are principal components of the training part of each fold. Few labels are drawn several "
    "times, the same ones for every candidate, and the mean is shown.",
    "Geo-bias asks whether the worst predictions lie together: the score over distance rings, and p, how often "
    "chance alone gives as much. It says where a model fails, not how often.")


def headlines(answers: "Sequence[Answer]") -> "List[str]":
    """Return a sentence for each question: the best candidate at new places, and what it adds."""
    return [_headline(answer) for answer in answers]


def write_report(path: str, answers: "Sequence[Answer]", request: BenchmarkRequest,
                 warnings: "Sequence[str]") -> None:
    """Write the page, whole or not at all."""
    report = Report("Encoders compared")
    for sentence in headlines(answers):
        report.lead(sentence)
    for warning in warnings:
        report.warning(warning)
    for answer in answers:
        _tell(report, answer)
    report.heading("How to read this")
    report.listing(_CAVEATS)
    report.heading("How it was made")
    report.paragraph(f"Earthprint {VERSION}, seed {request.seed}, probes {', '.join(request.probes)}, "
                     f"{request.fold_count} folds. Every candidate was judged on the same rows, in the same folds and "
                     "with the same draws of labels.")
    report.write(path)


def _headline(answer: Answer) -> str:
    """Say what the best candidate reaches, and whether it is more than a baseline."""
    folds = answer.kinds[0]
    measure = answer.shared.judge.score_name
    ranked = answer.best(folds)
    candidates = [one for one in ranked if one.kind != BASELINE]
    baseline = answer.best_baseline(folds, ALL)
    if not candidates:
        return (f"{answer.title}: of the baselines, {called(baseline)} is best, with {measure} "
                f"{score_text(baseline.score)} {_WHERE[folds]}.")
    best = candidates[0]
    found = answer.verdict(best)
    said = f"; {found.sentence}" if found is not None else ""
    rank = f"does best of {len(candidates)} candidates, with" if len(candidates) > 1 else "reaches"
    return f"{answer.title}: {called(best)} {rank} {measure} {score_text(best.score)} {_WHERE[folds]}{said}."


def _tell(report: Report, answer: Answer) -> None:
    """Tell of one question."""
    report.heading(answer.title)
    task = (f"{answer.shared.task.classes} classes" if answer.shared.task.classes else "a number")
    report.paragraph(f"{answer.rows} labels, {task}, scored by {answer.shared.judge.score_name}.")
    for kind in answer.kinds:
        folds = answer.shared.folds[kind]
        report.subheading(f"{_FOLDS[kind][0].upper()}{_FOLDS[kind][1:]}: {_WHERE[kind]}")
        report.explanation(folds.why[:1].upper() + folds.why[1:].rstrip(".") + f". {_apart(folds)}")
        _tell_dots(report, answer, kind)
        _tell_verdicts(report, answer, kind)
        _tell_pairs(report, answer, kind)
        _tell_curves(report, answer, kind)
        _tell_dimensions(report, answer, kind)


def _apart(folds: Folds) -> str:
    """Say over how many blocks differences are told."""
    if folds.blocks is None:
        return f"Intervals of differences are over the {len(folds.fold)} labels, each held out by chance."
    return f"Intervals of differences are over the {folds.parts} blocks that are held out whole."


def _tell_dots(report: Report, answer: Answer, folds: str) -> None:
    """Draw all scores, the best candidate on top."""
    rows = []
    everything = set(map(id, answer.among(folds)))
    for best in answer.best(folds):
        own = [one for one in answer.judged if id(one) in everything and one.name == best.name]
        rows.append(DotRow(best.name, tuple(Dot(one.setting.probe, one.estimate) for one in own),
                           best.kind == BASELINE))
    report.figure(dot_chart(rows, answer.shared.judge.score_name, answer.best_baseline(folds, ALL).score),
                  "Every candidate, sorted by its best probe; lines are 95 % intervals over the folds. Baselines are "
                  "grey, and the dashed line is the best of them. Overlapping intervals don't mean that there is no "
                  "difference: the table compares pairs on the same blocks.")


def _tell_verdicts(report: Report, answer: Answer, folds: str) -> None:
    """List the candidates by their best probe, each beside the best baseline, and what they cost."""
    body, costs = [], []
    for one in answer.best(folds):
        found = answer.verdict(one)
        estimate = one.estimate
        bias = answer.biases.get((one.name, one.setting))
        body.append([
            called(one), Aligned(score_text(one.score), _between(estimate.low, estimate.high)),
            found.sentence if found is not None else "the best baseline",
            Aligned("–" if bias is None else number_at(bias.score, 3), "" if bias is None else _p(bias.p))])
        gathered = answer.gathered.get(one.name)
        if gathered is not None:
            size = gathered.file_bytes
            costs.append([
                one.name, Aligned(str(gathered.dimensions)), Aligned(_bytes(4 * gathered.dimensions)),
                Aligned("–" if size == UNKNOWN_BYTES else _bytes(size) if size else "none"),
                Aligned(_seconds(gathered.seconds)), Aligned(_seconds(one.seconds))])
    report.table(["Candidate (best probe)", answer.shared.judge.score_name, "Beside the best baseline", "Geo-bias"],
                 body)
    if costs:
        report.table(["Candidate", "Dimensions", "A vector takes", "Its file takes", "To embed the labels",
                      "To probe"], costs)


def _tell_pairs(report: Report, answer: Answer, folds: str) -> None:
    """Say how far behind the best candidate the others are."""
    candidates = [one for one in answer.best(folds) if one.kind != BASELINE]
    if len(candidates) < 2:
        return
    first, others = candidates[0], candidates[1:]
    report.table(["Candidate", "Beside the best candidate"],
                 [[called(one), verdict(one, first, answer.rows, len(others)).sentence] for one in others],
                 f"The best candidate is {called(first)}; each by its best probe.")


def _tell_curves(report: Report, answer: Answer, folds: str) -> None:
    """Draw what the number of labels does."""
    counts = sorted({labels for kind, labels in answer.shared.draws if kind == folds and labels != ALL})
    if not counts:
        return
    parted = answer.shared.folds[folds]
    training = min(int((parted.fold != number).sum()) for number in range(parted.count))
    if (folds, ALL) in answer.shared.draws:
        counts.append(ALL)
    curves = []
    for name in _to_show(answer, folds):
        found = [next((one.score for one in answer.among(folds, labels) if one.name == name), math.nan)
                 for labels in counts]
        curves.append(Curve(name, tuple(found)))
    if len(counts) > 1:
        report.figure(curve_chart([labels or training for labels in counts], curves, answer.shared.judge.score_name),
                      "The same draws of labels for every candidate, each by the probe that suits it best at that "
                      "number.")
    report.table(["Candidate", *(f"{labels} labels" if labels else f"all ({training})" for labels in counts)],
                 [[curve.name, *(Aligned(score_text(score)) for score in curve.scores)] for curve in curves])


def _tell_dimensions(report: Report, answer: Answer, folds: str) -> None:
    """List what fewer dimensions cost."""
    asked = sorted({one.setting.dimensions for one in answer.judged if one.setting.dimensions != ALL})
    if not asked:
        return
    body = []
    for name in [one.name for one in answer.best(folds)]:
        scores = []
        for dimensions in (*asked, ALL):
            found = [one for one in answer.among(folds, ALL, dimensions) if one.name == name]
            scores.append(found[0].score if found else math.nan)
        if any(math.isfinite(score) for score in scores[:-1]):
            body.append([name, *(Aligned(score_text(score)) for score in scores)])
    report.table(["Candidate", *map(str, asked), "all"], body,
                 f"By how many dimensions are left ({answer.shared.judge.score_name}); – where there are no more.")


def _to_show(answer: Answer, folds: str) -> "List[str]":
    """Return the names worth a curve: the best candidates and the best baseline that learns."""
    ranked = [one for one in answer.best(folds) if one.setting.probe != FLOOR]
    baselines = [one.name for one in ranked if one.kind == BASELINE][:1]
    others = [one.name for one in ranked if one.kind != BASELINE][:_MOST_CURVES - len(baselines)]
    return others + baselines


def _between(low: float, high: float) -> str:
    """Return an interval in brackets."""
    return f"{score_text(low)} to {score_text(high)}" if math.isfinite(low) and math.isfinite(high) else ""


def _p(value: float) -> str:
    """Return a p-value as people write it."""
    return "" if not math.isfinite(value) else "p < 0.01" if value < 0.01 else f"p = {value:.2f}"


def _bytes(size: int) -> str:
    """Return a size in words."""
    if size <= 0:
        return "none"
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def _seconds(value: float) -> str:
    """Return a time."""
    if value < 0.005:
        return "< 0.01 s"
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"
