"""Compares encoders on the sample data, as “Compare encoders” does, and tells what those labels can show.

Run from the repository root:  ./dev benchmark encoders [--only "NAME;NAME"] [--fresh] [--write]
--write puts the tables into docs/accuracy.md; --fresh computes everything anew. What is finished is kept in
build/benchmark, so that a further encoder costs only its own time. `./dev benchmark` is the same as
`./dev benchmark encoders --write`.
"""

from __future__ import annotations

import argparse
import datetime
import math
import os
import platform
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

from osgeo import gdal  # noqa: E402

from earthprint.engine.benchmarking.request import BenchmarkRequest, Labelled  # noqa: E402
from earthprint.engine.benchmarking.run import compare_encoders  # noqa: E402
from earthprint.engine.encoders.library import EncoderFolders  # noqa: E402
from earthprint.engine.importing.run import ImportRequest, import_table  # noqa: E402
from earthprint.engine.number_text import score_text  # noqa: E402
from earthprint.engine.progress import Silent  # noqa: E402
from earthprint.engine.table import open_rows  # noqa: E402

DATA = Path(os.environ.get("EARTHPRINT_DATA", ROOT.parent / "shared" / "data"))
WORK = ROOT / "build" / "benchmark"
PAGE = ROOT / "docs" / "accuracy.md"
START, END = "<!-- encoders: start -->", "<!-- encoders: end -->"
PLACES = ("xyz", "wrap", "spherical-harmonics", "fourier-sphere", "space2vec-theory", "sphere2vec-m")

Row = Dict[str, Any]


@dataclass(frozen=True)
class Question:
    """Something to predict on the sample data; `own` and `table` are columns that hold vectors."""

    name: str
    layer: str
    target: str
    images: Tuple[str, ...] = ()
    encoders: Tuple[str, ...] = ()
    own: str = ""
    table: str = ""
    part: str = ""
    options: Dict[str, Any] = field(default_factory=dict)


QUESTIONS = (
    Question("Leipzig: land cover", "leipzig_sentinel2/leipzig_points.gpkg", "land_cover",
             ("leipzig_sentinel2/leipzig_s2.tif",), ("automatic", "spherical-harmonics", "fourier-sphere"),
             options={"cell": 4, "labels": (10, 0)}),
    Question("Sinop: crops", "modis_sinop/sinop_samples.gpkg", "label",
             ("modis_sinop/modis_ndvi_sinop_2013_2014.tif",), ("automatic", "spherical-harmonics"),
             options={"cell": 2, "sampling": "nearest"}),
    Question("Amazon: cleared", "alphaearth_clearing", "cleared", (), ("spherical-harmonics",), own="D00-D63",
             table="A00-A63", options={"labels": (10, 0)}),
    Question("US counties: turnout", "us_counties_1980/us_counties_1980.gpkg", "pc_turnout", (), PLACES,
             options={"probes": ("knn", "linear"), "labels": (10, 100, 0)}),
    Question("Georgia: share with a degree", "georgia_counties/georgia_counties.gpkg", "PctBach", (),
             ("spherical-harmonics", "fourier-sphere", "space2vec-theory")),
    Question("Lucas houses: price", "lucas_houses/lucas_houses.gpkg", "price", (), PLACES, part="fid % 10 = 0",
             options={"probes": ("knn", "linear"), "labels": (10, 100, 0), "transform": "log", "block_size": 5000.0}),
)


class Told(Silent):
    """Prints what is worth knowing while it runs."""

    def info(self, text: str) -> None:
        """Print it."""
        print("   ", text, flush=True)

    def warn(self, text: str) -> None:
        """Print it with a mark."""
        print("  !", text, flush=True)


def source_of(name: str) -> str:
    """Return the path of a layer of the sample data, or of the only one in a folder."""
    path = DATA / name
    return str(next(path.glob("*.gpkg")) if path.is_dir() else path)


def imported(path: str, fields: str, name: str) -> str:
    """Return a table whose vectors are some columns of a layer."""
    target = WORK / f"{name}.gpkg"
    if not target.exists():
        import_table(ImportRequest(open_rows(path), str(target), fields=fields), Silent())
    return str(target)


def request_of(question: Question, fresh: bool) -> BenchmarkRequest:
    """Return the call that answers a question."""
    stem = re.sub(r"[^a-z0-9]+", "_", question.name.lower()).strip("_")
    layer = source_of(question.layer)
    tables = (open_rows(imported(layer, question.table, "alphaearth_of_the_year")),) if question.table else ()
    if question.own:
        layer = imported(layer, question.own, "alphaearth_change")
    if question.part:
        part = WORK / f"{stem}.gpkg"
        if not part.exists():
            gdal.VectorTranslate(str(part), layer, where=question.part)
        layer = str(part)
    return BenchmarkRequest(
        (Labelled(open_rows(layer), (question.target,)),), str(WORK / f"scores_{stem}.gpkg"),
        str(WORK / f"{stem}.results"), EncoderFolders(WORK, ROOT / "models"),
        images=tuple(str(DATA / image) for image in question.images), encoders=question.encoders, tables=tables,
        report=str(WORK / f"{stem}.html"), resume=not fresh, **question.options)


def rows_of(path: str) -> List[Row]:
    """Return the rows of a table of scores."""
    rows = open_rows(path)
    return [dict(zip(chunk.columns, cells)) for chunk in rows.rows() for cells in zip(*chunk.columns.values())]


def best_of(rows: Sequence[Row], candidate: str, folds: str, labels: int = 0) -> Optional[Row]:
    """Return a candidate's best row of a setting, in all its dimensions."""
    found = [row for row in rows if (row["candidate"], row["folds"], row["labels"]) == (candidate, folds, labels)
             and row["score"] is not None]
    width = max([row["dimensions"] or 0 for row in found], default=0)
    found = [row for row in found if (row["dimensions"] or 0) == width]
    return max(found, key=lambda row: row["score"]) if found else None


def scores_table(answers: Dict[str, List[Row]]) -> List[str]:
    """Return a line for each candidate by its best probe at new places."""
    lines = ["| question, labels | candidate, probe | at new places (95 %) | beside the best baseline | beside the "
             "labels (random folds) | geo-bias, p |", "|---|---|---|---|---|---|"]
    for name, rows in answers.items():
        kinds = {row["folds"] for row in rows}
        main = "blocks" if "blocks" in kinds else "random"
        ranked = [best_of(rows, candidate, main) for candidate in dict.fromkeys(row["candidate"] for row in rows)]
        for row in sorted((row for row in ranked if row is not None), key=lambda row: -row["score"]):
            beside = best_of(rows, row["candidate"], "random")
            bold = "**" if row["kind"] != "baseline" else ""
            probe = f", {row['probe']}" if row["probe"] else ""
            lines.append(
                f"| {name}, {row['rows']} | {bold}{row['candidate']}{bold}{probe} | {interval(row)} | "
                f"{row['verdict']} | {number(beside['score']) if beside is not None else '–'} | {bias(row)} |")
    return lines


def labels_table(answers: Dict[str, List[Row]]) -> List[str]:
    """Return a line for each candidate of the questions that were asked with few labels."""
    lines = ["| question | candidate | 10 labels | 100 labels | all |", "|---|---|---|---|---|"]
    for name, rows in answers.items():
        if len({row["labels"] for row in rows}) < 2:
            continue
        main = "blocks" if any(row["folds"] == "blocks" for row in rows) else "random"
        for candidate in dict.fromkeys(row["candidate"] for row in rows if row["probe"]):
            found = [best_of(rows, candidate, main, labels) for labels in (10, 100, 0)]
            lines.append(f"| {name} | {candidate} | "
                         + " | ".join("–" if row is None else number(row["score"]) for row in found) + " |")
    return lines


def costs_table(answers: Dict[str, List[Row]]) -> List[str]:
    """Return a line for each candidate that takes a file, or time worth telling."""
    lines = ["| question | candidate | dimensions | bytes a vector | file | embedding the labels |",
             "|---|---|---|---|---|---|"]
    for name, rows in answers.items():
        for candidate in dict.fromkeys(row["candidate"] for row in rows if row["seconds_embed"] is not None):
            row = max((row for row in rows if row["candidate"] == candidate), key=lambda row: row["dimensions"] or 0)
            if row["seconds_embed"] < 0.05 and not row["file_bytes"]:
                continue
            lines.append(f"| {name} | {candidate} | {row['dimensions']} | {row['bytes']} | {size(row['file_bytes'])} | "
                         f"{row['seconds_embed']:.2f} s |")
    return lines


def size(count: Optional[int]) -> str:
    """Write the size of a file."""
    return "–" if count is None else f"{count / 1e3:.0f} kB" if count else "none"


def interval(row: Row) -> str:
    """Write a score with its interval."""
    if row["lower"] is None or row["upper"] is None:
        return number(row["score"])
    return f"{number(row['score'])} ({number(row['lower'])} to {number(row['upper'])})"


def bias(row: Row) -> str:
    """Write the geo-bias."""
    return "–" if row["geobias_p"] is None else f"{row['geobias']:.3f}, {row['geobias_p']:.2f}"


def number(value: Optional[float]) -> str:
    """Write a score."""
    return score_text(math.nan if value is None else value)


def machine() -> str:
    """Name the processor and the day."""
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        found = None
    name = found.group(1).strip() if found else platform.machine()
    return f"{datetime.date.today().isoformat()}, {name}, {os.cpu_count()} cores"


def main() -> None:
    """Answer the questions and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"The sample data is not in {DATA}; set EARTHPRINT_DATA to its folder.")
    WORK.mkdir(parents=True, exist_ok=True)
    wanted = [part.strip().lower() for part in options.only.split(";")]
    answers: Dict[str, List[Row]] = {}
    began, kept = time.monotonic(), 0
    for question in QUESTIONS:
        if not any(part in question.name.lower() for part in wanted):
            continue
        print(question.name, flush=True)
        started = time.monotonic()
        result = compare_encoders(request_of(question, options.fresh), Told())
        kept += result.kept
        print(f"    {time.monotonic() - started:.0f} s", flush=True)
        answers[question.name] = rows_of(result.output)
    took = "" if kept else f", in {(time.monotonic() - began) / 60:.0f} minutes beside other work"
    parts = [f"Run on {machine()}{took}; all but the times is the same elsewhere.", *scores_told(answers)]
    text = "\n".join(parts)
    print(text)
    if options.write and len(answers) == len(QUESTIONS):
        page = PAGE.read_text(encoding="utf-8")
        before, after = page.split(START)[0], page.split(END)[1]
        PAGE.write_text(f"{before}{START}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def scores_told(answers: Dict[str, List[Row]]) -> List[str]:
    """Return the tables with a line above each."""
    return ["", *scores_table(answers), "", "What few labels do (the best probe at each number, at new places; few "
            "labels are drawn several times, the same ones for all):", "", *labels_table(answers), "",
            "What they cost; what isn't listed takes no file and less than 0.05 s:", "", *costs_table(answers)]


if __name__ == "__main__":
    main()
