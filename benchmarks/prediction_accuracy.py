"""Trains every model on the sample data, under random and block folds, beside what needs no embedding.

Run from the repository root:  ./dev benchmark prediction_accuracy [--only "NAME;NAME"] [--full] [--write]
--full takes all 25,357 houses in place of every tenth; --write puts the table into docs/accuracy.md.
The same seed gives the same figures.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

from osgeo import gdal  # noqa: E402

from earthprint.engine.embedding.plan import EmbedRequest  # noqa: E402
from earthprint.engine.embedding.raster import embed_raster  # noqa: E402
from earthprint.engine.encoders.library import EncoderFolders  # noqa: E402
from earthprint.engine.errors import EarthprintError  # noqa: E402
from earthprint.engine.importing.run import ImportRequest, import_table  # noqa: E402
from earthprint.engine.locations.embed import LocationRequest, embed_locations  # noqa: E402
from earthprint.engine.locations.finding import find_location_encoder  # noqa: E402
from earthprint.engine.progress import Silent  # noqa: E402
from earthprint.engine.table import open_rows  # noqa: E402
from earthprint.engine.training.gathering import GatherRequest  # noqa: E402
from earthprint.engine.training.request import BLOCKS, CLASSIFICATIONS, REGRESSIONS, FoldChoice, TrainRequest  # noqa: E402
from earthprint.engine.training.run import learn  # noqa: E402

DATA = Path(os.environ.get("EARTHPRINT_DATA", ROOT.parent / "shared" / "data"))
PAGE = ROOT / "docs" / "accuracy.md"
START, END = "<!-- predictors: start -->", "<!-- predictors: end -->"
MOST_GP = 1500


@dataclass(frozen=True)
class Question:
    """Something to predict: from which table or field, which target, which columns beside."""

    name: str
    make: Callable[[Path, bool], Tuple[str, Optional[str]]]
    target: str
    classes: bool
    columns: Tuple[str, ...] = ()
    transform: str = "none"


def located(path: str, encoder: str, target: Path) -> str:
    """Embed the places of a layer."""
    embed_locations(LocationRequest(open_rows(path), find_location_encoder(encoder), str(target)), Silent())
    return str(target)


def counties(folder: Path, full: bool) -> Tuple[str, Optional[str]]:
    """US counties by their place."""
    return located(str(DATA / "us_counties_1980" / "us_counties_1980.gpkg"), "spherical-harmonics",
                   folder / "counties.gpkg"), None


def georgia(folder: Path, full: bool) -> Tuple[str, Optional[str]]:
    """Counties of Georgia by their place."""
    return located(str(DATA / "georgia_counties" / "georgia_counties.gpkg"), "space2vec-grid",
                   folder / "georgia.gpkg"), None


def houses(folder: Path, full: bool) -> Tuple[str, Optional[str]]:
    """Houses of Lucas County by their place: all of them, or every tenth."""
    source = DATA / "lucas_houses" / "lucas_houses.gpkg"
    if not full:
        part = folder / "every_tenth.gpkg"
        gdal.VectorTranslate(str(part), str(source), where="fid % 10 = 0")
        source = part
    return located(str(source), "sphere2vec-m", folder / "houses.gpkg"), None


def leipzig(folder: Path, full: bool) -> Tuple[str, Optional[str]]:
    """Points in a Sentinel-2 scene, with an embedding raster of the automatic encoder under them."""
    field = folder / "leipzig.tif"
    embed_raster(EmbedRequest((str(DATA / "leipzig_sentinel2" / "leipzig_s2.tif"),), "automatic", str(field),
                              EncoderFolders(folder, folder), cell=4, temporary=True), Silent())
    return str(DATA / "leipzig_sentinel2" / "leipzig_points.gpkg"), str(field)


def clearing(fields: str) -> Callable[[Path, bool], Tuple[str, Optional[str]]]:
    """Points in the Amazon basin with AlphaEarth's vectors, or with their difference to the year before."""
    def make(folder: Path, full: bool) -> Tuple[str, Optional[str]]:
        """Import the columns."""
        target = folder / f"clearing_{fields[0]}.gpkg"
        rows = open_rows(str(next((DATA / "alphaearth_clearing").glob("*.gpkg"))))
        import_table(ImportRequest(rows, str(target), fields=fields), Silent())
        return str(target), None
    return make


QUESTIONS = (
    Question("US counties: turnout, from place", counties, "pc_turnout", False),
    Question("US counties: turnout, from place and columns", counties, "pc_turnout", False,
             ("pc_college", "pc_homeownership", "pc_income")),
    Question("Georgia: share with a degree, from place and columns", georgia, "PctBach", False,
             ("PctRural", "PctEld", "PctFB", "PctPov", "PctBlack")),
    Question("Lucas houses: price, from place", houses, "price", False, (), "log"),
    Question("Lucas houses: price, from place and columns", houses, "price", False,
             ("TLA", "lotsize", "yrbuilt", "rooms", "baths", "wall", "stories"), "log"),
    Question("Leipzig: land cover, automatic encoder", leipzig, "land_cover", True),
    Question("Amazon: cleared, from AlphaEarth of the year", clearing("A00-A63"), "cleared", True),
    Question("Amazon: cleared, from the change of AlphaEarth", clearing("D00-D63"), "cleared", True),
)


def lines_of(question: Question, folder: Path, full: bool) -> List[str]:
    """Return a line of the table for each model."""
    table, field = question.make(folder, full)
    found = []
    for model in CLASSIFICATIONS if question.classes else REGRESSIONS:
        started = time.monotonic()
        if model == "gp" and open_rows(table).count > MOST_GP:
            continue
        gather = GatherRequest(
            open_rows(table), (question.target,), "classification" if question.classes else "regression",
            embeddings=field, columns=question.columns, transform=question.transform)
        try:
            account = learn(TrainRequest(gather, str(folder / "x.onnx"), model, FoldChoice(BLOCKS), resume=False),
                            Silent()).account
        except EarthprintError as error:
            print(question.name, model, error, flush=True)
            continue
        interval, beside = account.model.interval, account.random
        cells = [
            f"{account.model.score:.2f} ({interval.low:.2f} to {interval.high:.2f})",
            "–" if beside is None else f"{beside.score:.2f}", number(account.constant), number(account.coordinates),
            number(account.columns)]
        name = f"best ({account.kind})" if model == "best" else model
        folds = account.model.folds
        size = f", {folds.block_size:g}" if folds.block_size else ""
        found.append(f"| {question.name} | {folds.kind}{size} | {name} | " + " | ".join(cells) + " |")
        print(found[-1], f"{time.monotonic() - started:.0f} s", flush=True)
        for warning in account.warnings:
            print("    ", warning, flush=True)
    return found


def number(outcome: Optional[object]) -> str:
    """Return a score, or a dash."""
    return "–" if outcome is None else f"{outcome.score:.2f}"  # type: ignore[attr-defined]


def main() -> None:
    """Run the questions and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    lines: Dict[str, List[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for question in QUESTIONS:
            if any(part.strip().lower() in question.name.lower() for part in options.only.split(";")):
                lines[question.name] = lines_of(question, Path(folder), options.full)
    head = ["| question | folds | model | at new places (95 % over folds) | random folds | mean or majority | "
            "coordinates only | other columns only |", "|---|---|---|---|---|---|---|---|"]
    table = "\n".join(head + [line for part in lines.values() for line in part])
    print(table)
    if options.write:
        text = PAGE.read_text(encoding="utf-8")
        before, after = text.split(START)[0], text.split(END)[1]
        PAGE.write_text(f"{before}{START}\n\n{table}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
