"""How well trained location encoders do in blocks they have not seen: the table of all kinds in docs/accuracy.md.

Run: nice ./dev benchmark location_accuracy [KIND …]; finished kinds are kept in build/location_accuracy.json.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import numpy as np  # noqa: E402

from earthprint.engine.location_training.judged import COORDINATES, ENCODER, NEIGHBOURS, Verdict  # noqa: E402
from earthprint.engine.location_training.request import KINDS, TrainLocationRequest  # noqa: E402
from earthprint.engine.location_training.run import learn  # noqa: E402
from earthprint.engine.progress import Silent  # noqa: E402
from earthprint.engine.table import CHUNK_ROWS, ColumnSpec, RowChunk, open_rows  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
KEPT = ROOT / "build" / "location_accuracy.json"
PAGE = ROOT / "docs" / "accuracy.md"
BEGIN, END = "<!-- location encoders: begin -->", "<!-- location encoders: end -->"
HOUSES = 6000


@dataclass
class ColumnRows:
    """Some rows of a layer with columns of our own."""

    name: str
    wkt: str
    geometry_type: int
    wkb: "List[bytes]"
    cells: "Dict[str, List[Any]]"
    metadata: "Dict[str, str]" = field(default_factory=dict)

    @property
    def columns(self) -> "List[ColumnSpec]":
        """Return the columns."""
        return [ColumnSpec(name, "real") for name in self.cells]

    @property
    def count(self) -> int:
        """Return how many rows there are."""
        return len(self.wkb)

    def rows(self, size: int = CHUNK_ROWS) -> "Iterator[RowChunk]":
        """Yield them."""
        for start in range(0, len(self.wkb), size):
            part = slice(start, start + size)
            yield RowChunk(list(range(len(self.wkb)))[part], self.wkb[part],
                           {name: values[part] for name, values in self.cells.items()})

    def distinct(self, column: str) -> "List[Any]":
        """Return the different values of a column."""
        return list(dict.fromkeys(self.cells[column]))


@dataclass(frozen=True)
class Question:
    """What is to be told from place alone."""

    key: str
    title: str
    rows: ColumnRows
    targets: "Tuple[str, ...]"


def questions() -> "List[Question]":
    """Return the two layers."""
    counties = open_rows(DATA / "us_counties_1980" / "us_counties_1980.gpkg")
    targets = ("pc_turnout", "pc_college", "pc_homeownership", "pc_income")
    houses = open_rows(DATA / "lucas_houses" / "lucas_houses.gpkg")
    kept = np.sort(np.random.default_rng(0).choice(houses.count, HOUSES, replace=False))
    wkb: "List[bytes]" = []
    price: "List[float]" = []
    for chunk in houses.rows():
        wkb += chunk.wkb
        price += chunk.columns["price"]
    chosen = ColumnRows("lucas_houses", houses.wkt, houses.geometry_type, [wkb[row] for row in kept],
                        {"log_price": [float(np.log(price[row])) for row in kept]})
    return [Question("counties", "3,107 US counties, mean of turnout, college, home ownership, income", counties,
                     targets),  # type: ignore[arg-type]
            Question("houses", f"{HOUSES:,} of the 25,357 houses of Lucas County, log price", chosen, ("log_price",))]


def measured(question: Question, kind: str) -> "Dict[str, Any]":
    """Train a kind and return its figures."""
    with tempfile.TemporaryDirectory() as folder:
        before = time.process_time()
        request = TrainLocationRequest(question.rows, str(Path(folder) / "encoder.onnx"), kind, question.targets,
                                       device="cpu", resume=False)
        judged = learn(request, Silent()).judged
        seconds = time.process_time() - before
    verdict: Verdict = judged.verdict
    first, second = verdict.figure(ENCODER), verdict.figure(COORDINATES)
    against = verdict.difference(COORDINATES).interval
    return {"encoder": verdict.value(ENCODER), "coordinates": verdict.value(COORDINATES),
            "neighbours": verdict.value(NEIGHBOURS), "folds": list(verdict.figures[0].folds), "seconds": seconds,
            "low": against.low, "high": against.high, "mean": against.mean,
            "won": int(sum(one > two for one, two in zip(first.folds, second.folds))),
            "blocks": judged.folds.parts, "size": judged.folds.block_size}


def table(question: Question, found: "Dict[str, Dict[str, Any]]") -> "List[str]":
    """Return a question's table, the best encoder first; intervals are those of the report, over blocks."""
    rows = {kind: one for kind, one in found.items() if one}
    first = next(iter(rows.values()))
    lines = [f"{question.title}: {first['blocks']} blocks in five folds. Coordinates and ridge "
             f"{first['coordinates']:.3f}, nearest places on the sphere {first['neighbours']:.3f}.", "",
             "| kind | R² in blocks | folds, lowest to highest | less coordinates, 95 % interval | folds won "
             "| CPU seconds |", "|---|---|---|---|---|---|"]
    for kind, one in sorted(rows.items(), key=lambda item: -item[1]["encoder"]):
        lines.append(f"| {kind} | {one['encoder']:.3f} | {min(one['folds']):.2f} to {max(one['folds']):.2f} | "
                     f"{one['mean']:+.3f} ({one['low']:+.3f} to {one['high']:+.3f}) | {one['won']} of 5 | "
                     f"{one['seconds']:.0f} |")
    return [*lines, ""]


def write(asked: "List[Question]", found: "Dict[str, Dict[str, Any]]") -> None:
    """Put the tables between the markers of the page."""
    lines: "List[str]" = []
    for question in asked:
        if found.get(question.key):
            lines += table(question, found[question.key])
    text = PAGE.read_text(encoding="utf-8")
    if BEGIN not in text:
        text = text.rstrip("\n") + f"\n\n## Trained location encoders\n\n{BEGIN}\n{END}\n"
    before, rest = text.split(BEGIN)
    PAGE.write_text(before + BEGIN + "\n" + "\n".join(lines) + END + rest.split(END)[1], encoding="utf-8")


def main() -> None:
    """Measure what is missing, then write."""
    asked = questions()
    found: "Dict[str, Dict[str, Any]]" = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    wanted = sys.argv[1:] or ["fourier-sphere", *(kind for kind in KINDS if kind != "fourier-sphere")]
    for kind in wanted:
        for question in asked:
            done = found.setdefault(question.key, {})
            if kind not in done:
                done[kind] = measured(question, kind)
                KEPT.write_text(json.dumps(found, indent=1))
            one = done[kind]
            print(f"{kind:20s} {question.key:9s} encoder {one['encoder']:.3f} coordinates {one['coordinates']:.3f} "
                  f"neighbours {one['neighbours']:.3f} {one['seconds']:.0f} s", flush=True)
    write(asked, found)


if __name__ == "__main__":
    main()
