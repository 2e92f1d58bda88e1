"""Missing values filled: near held-back truths, in the type of the column, marked, and honest about what is known."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
import pytest
from made_rows import with_vectors

from earthprint.engine.errors import Cancelled, InputError
from earthprint.engine.imputing.request import ImputeRequest
from earthprint.engine.imputing.run import impute
from earthprint.engine.progress import Silent
from earthprint.engine.table import open_rows
from earthprint.engine.training.request import FoldChoice

COUNT, DIMS = 240, 4
# Rows without places need no baseline of coordinates, which takes the longest.
FOLDS, BLOCKS = FoldChoice("random", 4), FoldChoice("blocks", 4, 40000.0)


class Listening(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.told: List[str] = []
        self.warned: List[str] = []

    def info(self, text: str) -> None:
        self.told.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)


def case(seed: int = 0) -> "Dict[str, Any]":
    chance = np.random.default_rng(seed)
    vectors = chance.normal(0, 1, (COUNT, DIMS)).astype(np.float32)
    places = chance.uniform(0, 200_000, (COUNT, 2)) + (400_000, 5_600_000)
    value = 50 + vectors.astype(float) @ np.array([3.0, -2.0, 1.0, 0.5]) + chance.normal(0, 0.5, COUNT)
    gaps = np.zeros(COUNT, dtype=bool)
    gaps[chance.choice(COUNT, 60, replace=False)] = True
    return {"vectors": vectors, "value": value, "gaps": gaps,
            "shapes": [f"POINT({x} {y})" for x, y in places.tolist()]}


def rows_of(made: "Dict[str, Any]", columns: "Dict[str, List[Any]]", vectors: Any = None,
            shapes: "Optional[List[str]]" = None) -> Any:
    return with_vectors(shapes or [None] * COUNT, columns, made["vectors"] if vectors is None else vectors,
                        name="“plots”")


def gapped(values: np.ndarray, gaps: np.ndarray, empty: Any = None) -> "List[Any]":
    return [empty if gap else value for value, gap in zip(values.tolist(), gaps)]


def columns_of(path: Path) -> "Dict[str, List[Any]]":
    rows = open_rows(str(path))
    found: "Dict[str, List[Any]]" = {column.name: [] for column in rows.columns}
    for chunk in rows.rows():
        for name, cells in found.items():
            cells += chunk.columns[name]
    return found


def test_gaps_are_filled_near_the_truth_and_nothing_else_changes(tmp_path: Path) -> None:
    made = case()
    gaps = made["gaps"]
    # A gap is a NULL here, a NaN there.
    cells = gapped(made["value"], gaps)
    cells[int(np.flatnonzero(gaps)[0])] = math.nan
    heard = Listening()
    result = impute(ImputeRequest(rows_of(made, {"yield": cells}, shapes=made["shapes"]), ("yield",),
                                  str(tmp_path / "o.gpkg"), folds=BLOCKS, report=str(tmp_path / "r.html")), heard)
    found = columns_of(tmp_path / "o.gpkg")
    filled = np.array(found["yield"])
    np.testing.assert_array_equal(filled[~gaps], made["value"][~gaps])
    assert [bool(mark) for mark in found["imputed"]] == gaps.tolist()
    error = filled[gaps] - made["value"][gaps]
    assert np.sqrt((error ** 2).mean()) < 0.65
    held = (np.array(found["lower"])[gaps] <= made["value"][gaps]) & (made["value"][gaps] <= np.array(
        found["upper"])[gaps])
    assert 0.8 <= held.mean() <= 1.0
    predicted = np.array(found["predicted"])
    np.testing.assert_array_equal(predicted[gaps], filled[gaps])
    # Known rows show what a model said that had not seen them: as far off as the filled ones, and never exact.
    known = predicted[~gaps] - made["value"][~gaps]
    spread = ((made["value"][~gaps] - made["value"][~gaps].mean()) ** 2).sum()
    assert result.score == pytest.approx(1 - (known ** 2).sum() / spread, abs=1e-6) and result.score > 0.95
    assert result.filled == 60 and result.left == 0
    assert all(mark is None for mark, gap in zip(found["applicable"], gaps) if not gap)
    assert any(text.startswith("60 missing values of “yield” were filled") for text in heard.told)
    assert "missing for a reason of their own" in (tmp_path / "r.html").read_text("utf-8")


def test_several_columns_each_by_its_own_rows_and_in_its_own_type(tmp_path: Path) -> None:
    made = case(1)
    gaps, other = made["gaps"], np.roll(made["gaps"], 7)
    cover = np.where(made["vectors"][:, 0] + made["vectors"][:, 1] > 0, "forest", "field")
    owned = made["vectors"][:, 2] > 0
    result = impute(ImputeRequest(rows_of(made, {
        "trees": gapped(np.round(made["value"]).astype(int), gaps), "cover": gapped(cover, other, ""),
        "owned": gapped(owned, gaps), "whole": made["value"].tolist()}, ), ("trees", "cover", "owned", "whole"),
        str(tmp_path / "o.gpkg"), folds=FOLDS, report=str(tmp_path / "r.html")), Silent())
    found = columns_of(tmp_path / "o.gpkg")
    trees = np.array(found["trees"])
    assert trees.dtype.kind == "i" and np.abs(trees - made["value"])[gaps].mean() < 1
    assert (np.array(found["cover"]) == cover)[other].mean() > 0.9
    assert set(found["cover"]) == {"forest", "field"}
    assert (np.array([bool(cell) for cell in found["owned"]]) == owned)[gaps].mean() > 0.9
    assert [bool(mark) for mark in found["imputed_cover"]] == other.tolist()
    assert not any(found["imputed_whole"]) and set(found["predicted_whole"]) == {None}
    assert all(0.5 <= share <= 1 for share in found["probability_cover"])
    assert result.filled == 180
    assert any("“whole” of “plots” lacks no value" in warning for warning in result.warnings)


def test_rows_without_a_vector_stay_empty_and_are_counted(tmp_path: Path) -> None:
    made = case(2)
    vectors = list(made["vectors"])
    lost = np.flatnonzero(made["gaps"])[:3]
    for row in lost:
        vectors[row] = None
    heard = Listening()
    result = impute(ImputeRequest(rows_of(made, {"yield": gapped(made["value"], made["gaps"])}, vectors), ("yield",),
                                  str(tmp_path / "o.gpkg"), folds=FOLDS), heard)
    found = columns_of(tmp_path / "o.gpkg")
    assert [row for row, cell in enumerate(found["yield"]) if cell is None] == lost.tolist()
    assert result.filled == 57 and result.left == 3 and not found["imputed"][lost[0]]
    assert any("3 rows of “plots” lack “yield” and a vector" in text for text in heard.warned)


def test_further_columns_help_where_the_vector_says_nothing(tmp_path: Path) -> None:
    made = case(3)
    made["vectors"] = np.random.default_rng(9).normal(0, 1, (COUNT, DIMS)).astype(np.float32)
    helper = (made["value"] * 2 + 1).tolist()
    helper[0] = None
    impute(ImputeRequest(rows_of(made, {"yield": gapped(made["value"], made["gaps"]), "helper": helper}), ("yield",),
                         str(tmp_path / "o.gpkg"), columns=("helper",), folds=FOLDS), Silent())
    found = np.array(columns_of(tmp_path / "o.gpkg")["yield"])
    wrong = np.abs(found - made["value"])[1:][made["gaps"][1:]]
    assert wrong.max() < 1.0


def test_rows_unlike_all_known_ones_are_marked(tmp_path: Path) -> None:
    made = case(4)
    made["vectors"][made["gaps"]] += 40
    heard = Listening()
    impute(ImputeRequest(rows_of(made, {"yield": gapped(made["value"], made["gaps"])}), ("yield",),
                         str(tmp_path / "o.gpkg"), folds=FOLDS), heard)
    found = columns_of(tmp_path / "o.gpkg")
    assert not any(mark for mark, gap in zip(found["applicable"], made["gaps"]) if gap)
    assert any("60 of 60 filled rows of “yield” are unlike all that have a value" in text for text in heard.warned)


def test_a_layer_without_gaps_passes_with_a_warning(tmp_path: Path) -> None:
    made = case(5)
    heard = Listening()
    result = impute(ImputeRequest(rows_of(made, {"yield": made["value"].tolist()}), ("yield",),
                                  str(tmp_path / "o.gpkg"), report=str(tmp_path / "r.html")), heard)
    assert heard.warned == ["“yield” of “plots” lacks no value, so nothing is filled in it."]
    assert columns_of(tmp_path / "o.gpkg")["yield"] == made["value"].tolist() and math.isnan(result.score)


def test_negative_fillings_of_a_positive_column_are_told(tmp_path: Path) -> None:
    made = case(6)
    value = np.maximum(made["value"] - 50, 0.01)
    heard = Listening()
    request = ImputeRequest(rows_of(made, {"yield": gapped(value, made["gaps"])}), ("yield",),
                            str(tmp_path / "o.gpkg"), folds=FOLDS)
    impute(request, heard)
    assert any("below zero though no known one is" in text for text in heard.warned)


@pytest.mark.parametrize(("changes", "message"), [
    ({"target": ("nothing",)}, "has no column “nothing”"),
    ({"target": ("empty",)}, "has no value of “empty” in any of its 240 rows"),
    ({"target": ("same",)}, "target “same” of “plots” is 4"),
    ({"target": ("words",), "kind": "numbers"}, "no number"),
    ({"target": ("yield", "yield")}, "twice"),
    ({"columns": ("yield",)}, "would predict itself"),
    ({"kind": "kinds"}, "KIND is “kinds”: choose one of automatic"),
    ({"target": ("few",)}, "fold"),
])
def test_wrong_input_is_told_in_one_sentence(tmp_path: Path, changes: "Dict[str, Any]", message: str) -> None:
    made = case(7)
    few = [float(row) if row < 3 else None for row in range(COUNT)]
    rows = rows_of(made, {
        "yield": gapped(made["value"], made["gaps"]), "empty": [None] * COUNT, "few": few,
        "same": gapped(np.full(COUNT, 4.0), made["gaps"]), "words": gapped(np.full(COUNT, "oak"), made["gaps"])})
    request = {"rows": rows, "target": ("yield",), "output": str(tmp_path / "o.gpkg"), **changes}
    with pytest.raises(InputError, match=message):
        impute(ImputeRequest(**request), Silent())
    assert not (tmp_path / "o.gpkg").exists()


class Stopping(Silent):
    """Wants to stop when a text is reported."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.stopped = False

    def report(self, fraction: float, text: Any = None) -> None:
        self.stopped |= bool(text) and self.text in text

    def cancelled(self) -> bool:
        return self.stopped


@pytest.mark.parametrize("text", ["Fold 2", "Filling", "Writing"])
def test_a_cancelled_run_leaves_nothing(tmp_path: Path, text: str) -> None:
    made = case(8)
    rows = rows_of(made, {"yield": gapped(made["value"], made["gaps"])})
    with pytest.raises(Cancelled):
        impute(ImputeRequest(rows, ("yield",), str(tmp_path / "o.gpkg"), folds=FOLDS), Stopping(text))
    assert list(tmp_path.iterdir()) == []
