"""Change in embedding tables: what is compared with what, and what the plainest loop over rows gives."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, Dict, List, Sequence

import numpy as np
import pytest
from change_rasters import Watcher, space, utm
from osgeo import ogr

from earthprint.engine.analyses.change.request import ChangeOptions, TableChangeRequest
from earthprint.engine.analyses.change.table import detect_table_change
from earthprint.engine.errors import Cancelled, EarthprintError, InputError, SpaceError
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_table

DIMS = 5


def write(path: Path, vectors: np.ndarray, columns: Dict[str, "tuple[str, Sequence[Any]]"], of: Space = None,
          coding: str = "f4") -> str:
    points = [struct.pack("<BIdd", 1, 1, row, 2 * row) for row in range(len(vectors))]
    specs = [ColumnSpec(name, kind) for name, (kind, _) in columns.items()]
    with TableWriter(str(path), utm(), ogr.wkbPoint, specs, of or space(DIMS), coding) as writer:
        writer.write(points, {name: list(values) for name, (_, values) in columns.items()}, vectors)
    return str(path)


def run(source: str, output: Path, watcher: Any = None, before: str = "", **more: Any) -> Any:
    options = {name: more.pop(name) for name in list(more) if name in ChangeOptions.__dataclass_fields__}
    return detect_table_change(TableChangeRequest(
        open_table(source), str(output), more.pop("id_field", "place"), more.pop("date_field", "" if before else "day"),
        open_table(before) if before else None, ChangeOptions(**options)), watcher or Watcher())


def read(path: "str | Path") -> Dict[str, List[Any]]:
    table = open_table(path)
    chunks = list(table.chunks(3))
    return {column.name: sum((list(chunk.columns[column.name]) for chunk in chunks), []) for column in table.columns}


def shuffled(ids: int = 9, dates: int = 5, seed: int = 0) -> "tuple[np.ndarray, list, list]":
    """Return vectors, ids and days of a table in no order."""
    random = np.random.default_rng(seed)
    places = np.repeat(np.arange(ids), dates)
    years = np.tile(np.arange(2015, 2015 + dates), ids)
    order = random.permutation(len(places))
    vectors = random.normal(size=(ids, 1, DIMS)) + random.normal(0, 0.2, (ids, dates, DIMS))
    days = [f"{year}-07-0{1 + year % 3}" for year in years]
    return (vectors.reshape(-1, DIMS)[order].astype(np.float32), [f"plot {places[row]}" for row in order],
            [days[row] for row in order])


def distance(one: np.ndarray, two: np.ndarray, method: str) -> float:
    if method == "cosine":
        return float(1 - one @ two / np.linalg.norm(one) / np.linalg.norm(two))
    return float(np.linalg.norm(two - one))


@pytest.mark.parametrize("method", ["cosine", "euclidean", "standardised"])
def test_each_row_is_compared_with_the_date_before(method: str, tmp_path: Path) -> None:
    vectors, places, days = shuffled()
    path = write(tmp_path / "in.gpkg", vectors, {"place": ("text", places), "day": ("date", days)})
    run(path, tmp_path / "out.gpkg", method=method)
    found = read(tmp_path / "out.gpkg")
    assert found["place"] == places and found["day"] == days, "the order of rows stays"
    pairs = []
    for row in range(len(places)):
        earlier = [other for other in range(len(places)) if places[other] == places[row] and days[other] < days[row]]
        pairs.append(max(earlier, key=lambda other: days[other]) if earlier else None)
    apart = np.array([vectors[row] - vectors[one] for row, one in enumerate(pairs) if one is not None], dtype=float)
    middle = np.median(apart, axis=0)
    mad = 1.4826 * np.median(np.abs(apart - middle), axis=0)
    for row, one in enumerate(pairs):
        assert found["previous"][row] == (None if one is None else days[one])
        if one is None:
            assert found["change"][row] is None and found["changed"][row] is None
        elif method == "standardised":
            z = (vectors[row].astype(float) - vectors[one] - middle) / mad
            assert found["change"][row] == pytest.approx(np.sqrt((z ** 2).mean()), abs=1e-4)
        else:
            assert found["change"][row] == pytest.approx(distance(vectors[one], vectors[row], method), abs=2e-6)


def test_history_scores_rows_against_the_dates_of_their_id(tmp_path: Path) -> None:
    vectors, places, days = shuffled(12, 7, 2)
    odd = next(row for row in range(len(places)) if places[row] == "plot 4" and days[row].startswith("2018"))
    vectors[odd] *= -1
    path = write(tmp_path / "in.gpkg", vectors, {"place": ("text", places), "day": ("date", days)})
    result = run(path, tmp_path / "out.gpkg", method="history", threshold="8")
    found = read(tmp_path / "out.gpkg")
    assert "previous" not in found
    raw, scales = np.zeros(len(places)), {}
    for place in set(places):
        rows = [row for row in range(len(places)) if places[row] == place]
        for row in rows:
            others = [other for other in rows if other != row]
            sums = [sum(distance(vectors[one], vectors[two], "cosine") for two in others) for one in others]
            raw[row] = distance(vectors[row], vectors[others[int(np.argmin(sums))]], "cosine")
        scales[place] = 1.4826 * np.median(np.abs(raw[rows] - np.median(raw[rows])))
    floor = 0.1 * np.median(list(scales.values()))
    for row, place in enumerate(places):
        rows = [other for other in range(len(places)) if places[other] == place]
        expected = (raw[row] - np.median(raw[rows])) / max(scales[place], floor)
        assert found["change"][row] == pytest.approx(expected, rel=1e-3, abs=1e-3)
    assert found["change"][odd] == max(found["change"]) and found["changed"][odd] == 1
    assert result.changed == sum(value >= 8 for value in found["change"])


def test_two_tables_are_joined_by_their_ids(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    one, two = random.normal(size=(6, DIMS)).astype(np.float32), random.normal(size=(5, DIMS)).astype(np.float32)
    before = write(tmp_path / "a.gpkg", one, {"place": ("integer", [1, 2, 3, 4, 5, 6])})
    after = write(tmp_path / "b.gpkg", two, {"place": ("text", ["3", "9", "1", "6", "2"]),
                                                   "crop": ("text", list("vwxyz"))})
    watcher = Watcher()
    result = run(after, tmp_path / "out.gpkg", watcher, before, method="euclidean", threshold="0")
    found = read(tmp_path / "out.gpkg")
    assert found["crop"] == list("vwxyz") and "previous" not in found
    partners = {0: 2, 2: 0, 3: 5, 4: 1}
    for row in range(5):
        if row not in partners:
            assert found["change"][row] is None
        else:
            assert found["change"][row] == pytest.approx(np.linalg.norm(two[row] - one[partners[row]]), abs=1e-5)
    assert result.compared == 4
    assert any("1 of 5 rows" in text and "no partner" in text for text in watcher.warnings)
    assert any("2 rows of “a”" in text and "not in the result" in text for text in watcher.warnings)


def test_what_is_missing_is_told_and_gets_no_change(tmp_path: Path) -> None:
    vectors = np.random.default_rng(1).normal(size=(7, DIMS)).astype(np.float32)
    path = write(tmp_path / "in.gpkg", vectors, {
        "place": ("text", ["a", "a", "b", None, "c", "c", "d"]),
        "day": ("integer", [2020, 2019, 2020, 2020, None, 2020, 2021])})
    watcher = Watcher()
    result = run(path, tmp_path / "out.gpkg", watcher, threshold="0.5")
    assert [value is not None for value in read(tmp_path / "out.gpkg")["change"]] == [True] + [False] * 6
    assert read(tmp_path / "out.gpkg")["previous"][0] == 2019 and result.compared == 1 and result.rows == 7
    said = " ".join(watcher.warnings)
    assert "1 rows of “in” have no place" in said and "1 rows of “in” have no day" in said
    assert "3 of the 4 values of place have one date only" in said and "b, c, d" in said


@pytest.mark.parametrize("columns, words", [
    ({"place": ("text", "aabb"), "day": ("text", ["2020", "2020", "2019", "2020"])}, "two rows of “a” with the date"),
    ({"place": ("text", "aabb"), "day": ("text", ["2020", "then", "2019", "2020"])}, "“then” in day, which is no date"),
    ({"place": ("text", "abcd"), "day": ("integer", [1, 2, 3, 4])}, "has vectors at two dates"),
    ({"plot": ("text", "aabb"), "day": ("integer", [1, 2, 1, 2])}, "has no column “place”: choose one of"),
    ({"place": ("text", "aabb"), "year": ("integer", [1, 2, 1, 2])}, "DATE_FIELD: “in” has no column “day”"),
])
def test_tables_without_sequences_are_refused(columns: Any, words: str, tmp_path: Path) -> None:
    vectors = np.random.default_rng(1).normal(size=(4, DIMS)).astype(np.float32)
    path = write(tmp_path / "in.gpkg", vectors, columns)
    with pytest.raises(EarthprintError) as raised:
        run(path, tmp_path / "out.gpkg")
    assert words in str(raised.value), str(raised.value)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.gpkg"]


def test_requests_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    vectors = np.random.default_rng(1).normal(size=(6, DIMS)).astype(np.float32)
    columns = {"place": ("text", "aaabbb"), "day": ("integer", [1, 2, 3] * 2)}
    path = write(tmp_path / "in.gpkg", vectors, columns)
    other = write(tmp_path / "other.gpkg", vectors, columns, space(DIMS, encoder="other"))
    image = write(tmp_path / "image.gpkg", vectors, columns, space(DIMS, normalisation="image"))
    dated = write(tmp_path / "dated.gpkg", vectors, columns, space(DIMS, details={"encodes": "date"}))
    twice = write(tmp_path / "twice.gpkg", vectors, columns)

    def refused(kind: type, words: str, *arguments: Any, **more: Any) -> None:
        with pytest.raises(kind, match=words):
            run(*arguments, **more)
        assert not (tmp_path / "out.gpkg").exists()

    out = tmp_path / "out.gpkg"
    refused(InputError, "no value of place in “in” has as many", path, out, method="history")
    refused(InputError, "needs at least 4 dates", path, out, before=twice, method="history")
    refused(InputError, "ID_FIELD and DATE_FIELD name the columns", path, out, date_field="")
    refused(InputError, "is not one of cosine", path, out, method="irmad")
    refused(InputError, "two rows with place “a”", path, out, before=twice)
    refused(SpaceError, "different spaces", path, out, before=other)
    refused(SpaceError, "statistics of each image", image, out)
    refused(SpaceError, "was told the date", dated, out)
    refused(InputError, "names no polygons", path, out, threshold="stable")


def test_stable_rows_set_the_threshold(tmp_path: Path) -> None:
    vectors, places, days = shuffled(40, 3, 5)
    path = write(tmp_path / "in.gpkg", vectors, {"place": ("text", places), "day": ("date", days)})
    box = ogr.CreateGeometryFromWkt("POLYGON((-0.5 -1,59.5 -1,59.5 500,-0.5 500,-0.5 -1))")
    result = run(path, tmp_path / "out.gpkg", threshold="stable", stable=(bytes(box.ExportToWkb()),), false_alarm=0.1)
    found = read(tmp_path / "out.gpkg")["change"]
    stable = np.array([value for value in found[:60] if value is not None])
    assert (stable >= result.threshold - 1e-9).sum() == int(0.1 * len(stable))


def test_attributes_ids_and_the_coding_of_vectors_stay(tmp_path: Path) -> None:
    vectors, places, days = shuffled(4, 3, 6)
    path = write(tmp_path / "in.gpkg", vectors, {
        "place": ("text", places), "day": ("date", days), "change": ("text", ["old"] * 12)}, coding="f2")
    run(path, tmp_path / "out.gpkg", threshold="0.5")
    run(str(tmp_path / "out.gpkg"), tmp_path / "again.gpkg", threshold="0.5")
    one, two = open_table(path), open_table(tmp_path / "again.gpkg")
    assert one.space_key == two.space_key and "/f2/" in two.space_key
    assert [column.name for column in two.columns] == ["fid", "place", "day", "previous", "change", "changed"]
    first, second = next(one.chunks()), next(two.chunks())
    assert np.array_equal(first.vectors, second.vectors) and first.wkb == second.wkb
    assert list(first.ids) == list(second.ids)


def test_cancelling_leaves_nothing(tmp_path: Path) -> None:
    vectors, places, days = shuffled(1200, 5)
    path = write(tmp_path / "in.gpkg", vectors, {"place": ("text", places), "day": ("date", days)})
    for moment in (0.0, 0.4, 0.7):
        with pytest.raises(Cancelled):
            run(path, tmp_path / "out.gpkg", Watcher(moment))
        assert sorted(file.name for file in tmp_path.iterdir()) == ["in.gpkg"]
