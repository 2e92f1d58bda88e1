"""The demo's page: what was run, how long it took, what came out; one HTML file beside its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import isfinite
from typing import List, Sequence, Tuple

from .movement import Movement
from .qgis_runs import Outcome

_STYLE = """
:root { --ink: #20302f; --quiet: #5c6b69; --line: #d9dcd4; --paper: #fbfaf6; --accent: #1b6f8a; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 2rem; margin: 0 0 .4rem; }
h2 { font-size: 1.3rem; margin: 2.6rem 0 .8rem; border-top: 1px solid var(--line); padding-top: 1.6rem; }
h3 { font-size: 1.05rem; margin: 1.4rem 0 .3rem; }
p { margin: .3rem 0 .8rem; max-width: 44rem; }
.quiet { color: var(--quiet); }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 1.6rem; }
figure { margin: 0; }
figure img { width: 100%; display: block; border-radius: 4px; border: 1px solid var(--line); }
figcaption { margin-top: .5rem; font-size: .92rem; color: var(--quiet); }
figcaption b { color: var(--ink); }
pre { background: #eef1ee; border: 1px solid var(--line); border-radius: 4px; padding: .7rem .9rem; overflow-x: auto;
  font-size: .86rem; line-height: 1.45; }
table { border-collapse: collapse; font-size: .95rem; }
th, td { text-align: left; padding: .35rem 1.1rem .35rem 0; border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.changed td:first-child { font-weight: 600; }
.warning { color: #8a4b00; font-size: .92rem; }
"""


@dataclass(frozen=True)
class Shown:
    """A picture on the page."""

    file: str
    title: str
    caption: str


@dataclass(frozen=True)
class Account:
    """All that the page tells."""

    version: str
    pixels: Tuple[int, int]
    scene_seconds: float
    first_raster_seconds: float
    outcomes: Sequence[Outcome]
    pictures: Sequence[Shown]
    movements: Sequence[Movement]
    project: str
    left_out: Sequence[Tuple[str, str]] = ()


def page(account: Account) -> str:
    """Return the page as HTML."""
    parts: List[str] = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Earthprint demo</title><style>{_STYLE}</style></head><body><main>",
        "<h1>Earthprint demo</h1>",
        _introduction(account),
        '<h2>What came out</h2><div class="pictures">',
        *[_figure(shown) for shown in account.pictures],
        "</div>",
        _trainings(account.outcomes),
        _figures(account.movements),
        "<h2>What was run</h2>",
        "<p>Each step is one call of <code>qgis_process</code>, which comes with QGIS. To repeat one, open a shell in "
        "this folder. In a clone of the repository, <code>…/dev qgis_process run …</code> sets everything up first. "
        "The times include the start of QGIS, about two seconds for each call; from the third call on two calls run "
        "at a time, where neither reads what the other writes.</p>",
        *[_step(number, outcome) for number, outcome in enumerate(account.outcomes, start=1)],
        *[f"<h3>{escape(title)}</h3><p>Left out: {escape(reason)}.</p>" for title, reason in account.left_out],
        f'<p class="quiet">Made by Earthprint {escape(account.version)}.</p>',
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _introduction(account: Account) -> str:
    """Return the first paragraphs."""
    width, height = account.pixels
    return (
        f"<p>An embedding is a list of numbers that says what a place is like. Here Earthprint made embeddings of a "
        f"scene of {width} × {height} pixels at two dates, on this machine, without downloading anything. The "
        f"landscape is invented: a program drew it in {account.scene_seconds:.0f} seconds, so it shows how the tools "
        f"behave, and says nothing about how well they map a real place.</p>"
        f"<p><b>{account.first_raster_seconds:.1f} seconds</b> from an empty QGIS profile to the first embedding "
        f"raster, two starts of QGIS and the fitting of the encoder included. "
        f"Open <code>{escape(account.project)}</code> in QGIS to see all layers.</p>"
    )


def _figure(shown: Shown) -> str:
    """Return one picture with its caption."""
    return (
        f'<figure><a href="{escape(shown.file)}"><img src="{escape(shown.file)}" alt="{escape(shown.title)}"></a>'
        f"<figcaption><b>{escape(shown.title)}.</b> {escape(shown.caption)}</figcaption></figure>"
    )


def _trainings(outcomes: Sequence[Outcome]) -> str:
    """Return the table of how good the predictors are, or nothing where none was trained."""
    rows = [
        f'<tr><td><a href="{escape(outcome.step.report)}">{escape(outcome.step.title)}</a></td>'
        f'<td>{escape(_figure_of(outcome))}</td>'
        + "".join(f'<td class="number">{_score(outcome.results.get(name))}</td>'
                  for name in ("SCORE", "SCORE_RANDOM", "SCORE_COORDINATES")) + "</tr>"
        for outcome in outcomes if "SCORE_COORDINATES" in outcome.results
    ]
    if not rows:
        return ""
    return (
        "<h2>How far to trust the predictions</h2>"
        "<p>1 is perfect. The first figure is for places that lie apart from all labels; the second for places right "
        "beside them, which flatters; the third is what the position of a place tells without any embedding. The "
        "reports tell the rest: where it errs, how wide the intervals are, and whether they hold.</p>"
        "<table><tr><th>Report</th><th>Figure</th><th class=number>New places</th><th class=number>Random folds</th>"
        "<th class=number>Position alone</th></tr>" + "".join(rows) + "</table>"
    )


def _figure_of(outcome: Outcome) -> str:
    """Return what the scores of a training are called."""
    usual = "R²" if "regression" in outcome.step.algorithm else "balanced accuracy"
    return str(outcome.results.get("SCORE_NAME") or usual)


def _score(value: object) -> str:
    """Return a figure, or a dash where there is none."""
    return f"{value:.2f}" if isinstance(value, float) and isfinite(value) else "–"


def _figures(movements: Sequence[Movement]) -> str:
    """Return the table of how far vectors moved between the dates."""
    rows = [
        f'<tr class="{"changed" if one.changed else "same"}"><td>{escape(one.what)}</td>'
        f"<td>{'changed' if one.changed else 'not changed'}</td>"
        f'<td class="number">{one.cells}</td><td class="number">{one.median:.3f}</td>'
        f'<td class="number">{one.quartiles[0]:.3f} – {one.quartiles[1]:.3f}</td></tr>'
        for one in movements
    ]
    return (
        "<h2>How far the vectors moved</h2>"
        "<p>The cosine distance between the two dates’ vectors of a cell, at the labelled points and inside the "
        "outlines of true change (0: the same direction; 1: at right angles). Embeddings see seasons as well as "
        "events: compare the crops with the true changes before you call a large distance a change.</p>"
        "<table><tr><th>Place</th><th>Between the dates</th><th class=number>Cells</th><th class=number>Median</th>"
        "<th class=number>Middle half</th></tr>" + "".join(rows) + "</table>"
    )


def _step(number: int, outcome: Outcome) -> str:
    """Return one step: its purpose, its command, its time and its numbers."""
    step = outcome.step
    numbers = ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in outcome.results.items()
        if not isinstance(value, (dict, list)) and value not in (None, "") and name not in ("OUTPUT", "WARNINGS")
    )
    report = f'<p><a href="{escape(step.report)}">The report</a></p>' if step.report else ""
    warnings = "".join(f'<p class="warning">{escape(text)}</p>' for text in outcome.warnings)
    return (
        f"<h3>{number}. {escape(step.title)}</h3><p>{escape(step.caption)}</p>"
        f"<pre>{escape(step.command)}</pre>"
        f'<p class="quiet">{outcome.seconds:.1f} s{("; " + escape(numbers)) if numbers else ""}</p>{report}{warnings}'
    )
