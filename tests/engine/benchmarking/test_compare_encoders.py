"""Comparing candidates whose worth is known: the target itself, noise, and what lies ready."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from made_rows import MadeRows, with_vectors
from small_fields import write_bands, write_field

from earthprint.engine.benchmarking import gathered, run
from earthprint.engine.benchmarking.request import BenchmarkRequest, Labelled
from earthprint.engine.benchmarking.run import compare_encoders
from earthprint.engine.encoders.library import EncoderFolders
from earthprint.engine.errors import Cancelled, EarthprintError
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space

SIDE, CELL = 40, 100.0
TRANSFORM = (500000.0, CELL, 0.0, 5700000.0, 0.0, -CELL)
CHANCE = np.random.default_rng(3)
TRUTH = CHANCE.standard_normal((2, SIDE, SIDE))
NOISE = CHANCE.standard_normal((3, SIDE, SIDE))
CELLS = np.sort(CHANCE.choice(SIDE * SIDE, 120, replace=False))


def shapes(cells: np.ndarray = CELLS) -> "List[str]":
    rows, columns = np.divmod(cells, SIDE)
    return [f"POINT ({TRANSFORM[0] + CELL * (column + 0.5)} {TRANSFORM[3] - CELL * (row + 0.5)})"
            for row, column in zip(rows.tolist(), columns.tolist())]


def values(cells: np.ndarray = CELLS) -> np.ndarray:
    return TRUTH.reshape(2, -1)[0, cells]


def labelled(**columns: Any) -> Labelled:
    return Labelled(MadeRows(shapes(), {"yield": values().tolist(), **columns}, name="“plots”"), ("yield",))


class Heard(Silent):
    """Keeps what was said; cancels after so many fractions."""

    def __init__(self, cancel_after: int = 0) -> None:
        self.warnings: "List[str]" = []
        self.infos: "List[str]" = []
        self._left = cancel_after

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def info(self, text: str) -> None:
        self.infos.append(text)

    def cancelled(self) -> bool:
        if not self._left:
            return False
        self._left -= 1
        return self._left == 0


@pytest.fixture
def request_of(tmp_path: Path) -> BenchmarkRequest:
    truth = write_field(tmp_path / "truth.tif", TRUTH, TRANSFORM, space=Space("truth", 2))
    noise = write_field(tmp_path / "noise.tif", NOISE, TRANSFORM, space=Space("noise", 3))
    return BenchmarkRequest((labelled(),), str(tmp_path / "scores.gpkg"), str(tmp_path / "scores.results"),
                            EncoderFolders(), fields=(truth, noise), probes=("linear",), geobias=False,
                            report=str(tmp_path / "report.html"))


def rows_of(path: str) -> "List[Dict[str, Any]]":
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    found = [dict(row) for row in connection.execute("SELECT * FROM scores ORDER BY fid")]
    connection.close()
    return found


def one(rows: "List[Dict[str, Any]]", candidate: str, **wanted: Any) -> "Dict[str, Any]":
    found = [row for row in rows if row["candidate"] == candidate
             and all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1, found
    return found[0]


def test_the_target_itself_wins_and_noise_shows_no_difference(request_of: BenchmarkRequest) -> None:
    result = compare_encoders(request_of, Silent())
    rows = rows_of(result.output)
    assert result.best == "truth" and result.score > 0.99 and result.rows == 120
    truth, noise = one(rows, "truth", folds="blocks"), one(rows, "noise", folds="blocks")
    assert truth["score"] > 0.99 and truth["diff_lower"] > 0.5
    assert truth["verdict"].startswith("beats ") and "by chance" not in truth["verdict"]
    assert noise["diff_lower"] < 0 < noise["diff_upper"]
    assert "no difference from" in noise["verdict"] and "these 120 points can show" in noise["verdict"]
    assert noise["lower"] < noise["score"] < noise["upper"]
    # Every difference is that of the two scores in the table.
    scores = {(row["candidate"], row["folds"]): row["score"] for row in rows}
    for row in rows:
        if row["difference"] is not None:
            other = row["baseline"].split(" (")[0]
            assert row["difference"] == pytest.approx(row["score"] - scores[(other, row["folds"])])
    page = Path(request_of.report).read_text(encoding="utf-8")
    assert "truth (linear) does best of 2 candidates" in page and "<script" not in page
