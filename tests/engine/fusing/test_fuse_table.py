"""Fused tables against joins and standardised numbers computed here."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, List, Optional, Sequence

import numpy as np
import pytest

from earthprint.engine.errors import EarthprintError
from earthprint.engine.fusing.request import FuseRequest, weights_of
from earthprint.engine.fusing.table import fuse_tables
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_table

PEOPLE = Space("people", 5, "33")
GROUND = Space("ground", 4, "44", unit_norm=True)


class Listening(Silent):
    """Keeps warnings."""

    def __init__(self) -> None:
        self.warnings: List[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def write(path: Path, space: Space, keys: Sequence[Any], vectors: np.ndarray, column: str = "code",
          kind: str = "text") -> Any:
    """Write a table of points with a key and a number, and open it."""
    with TableWriter(str(path), "", 1, [ColumnSpec(column, kind), ColumnSpec("number", "integer")], space) as writer:
        writer.write([struct.pack("<BIdd", 1, 1, float(row), 1.0) for row in range(len(keys))],
                     {column: list(keys), "number": [3] * len(keys)}, vectors.astype(np.float32))
    return open_table(str(path))


def read(path: Path, column: str = "code") -> "tuple[np.ndarray, list]":
    chunks = list(open_table(str(path)).chunks())
    return np.concatenate([chunk.vectors for chunk in chunks]), [key for chunk in chunks
                                                                 for key in chunk.columns[column]]


def standardised(table: np.ndarray, weight: float = 1.0) -> np.ndarray:
    table = table.astype(np.float64)
    return weight * (table - table.mean(axis=0)) / np.sqrt(table.var(axis=0).sum())


@pytest.fixture
def vectors() -> "tuple[np.ndarray, np.ndarray]":
    chance = np.random.default_rng(5)
    return (chance.normal(3, 2, size=(60, 5)).astype(np.float32),
            chance.normal(-100, 30, size=(50, 4)).astype(np.float32))


def test_rows_are_joined_by_key_in_the_order_of_the_first_table(vectors, tmp_path: Path) -> None:
    first_keys = [f"{number:05d}" for number in range(60)]
    second_keys = [f"{number:05d}" for number in range(10, 60)][::-1]
    first = write(tmp_path / "people.gpkg", PEOPLE, first_keys, vectors[0])
    second = write(tmp_path / "ground.gpkg", GROUND, second_keys, vectors[1])
    told = Listening()
    result = fuse_tables([first, second], "code", FuseRequest(str(tmp_path / "out.gpkg"), weights_of("1; 0.5")), told)
    fused, keys = read(tmp_path / "out.gpkg")
    assert keys == first_keys[10:]
    assert (result.rows, result.left_out) == (50, 10)
    wanted = np.concatenate([standardised(vectors[0][10:]), standardised(vectors[1][::-1], 0.5)], axis=1)
    np.testing.assert_allclose(fused, wanted, atol=1e-5)
    assert any("left out, such as “00000”, “00001”, “00002”" in text for text in told.warnings)
    chunk = next(open_table(str(tmp_path / "out.gpkg")).chunks())
    assert struct.unpack("<BIdd", chunk.wkb[0])[2] == 10.0 and chunk.columns["number"][0] == 3
    assert open_table(str(tmp_path / "out.gpkg")).space().details["parts"][1]["name"] == "ground"


def test_a_key_is_found_by_itself_numbers_match_texts_and_names_may_differ(vectors, tmp_path: Path) -> None:
    numbers = list(range(60))
    first = write(tmp_path / "people.gpkg", PEOPLE, [str(number) for number in numbers], vectors[0])
    second = write(tmp_path / "ground.gpkg", GROUND, [float(number) for number in numbers[:50]], vectors[1], "area",
                   "real")
    fuse_tables([first, second], "code;AREA", FuseRequest(str(tmp_path / "out.gpkg")), Silent())
    fused, keys = read(tmp_path / "out.gpkg")
    assert keys == [str(number) for number in numbers[:50]]
    np.testing.assert_allclose(fused[:, 5:], standardised(vectors[1]), atol=1e-5)
    # “number” is in both, too, but the same in all rows: it can't tell them apart.
    third = write(tmp_path / "third.gpkg", GROUND, [str(number) for number in numbers[:50]], vectors[1])
    by_itself = fuse_tables([first, third], "", FuseRequest(str(tmp_path / "self.gpkg")), Silent())
    assert by_itself.rows == 50
    np.testing.assert_allclose(read(tmp_path / "self.gpkg")[0], fused, atol=1e-6)


def test_several_rows_may_share_a_partner_but_not_the_other_way(vectors, tmp_path: Path) -> None:
    regions = [f"r{number % 7}" for number in range(60)]
    first = write(tmp_path / "people.gpkg", PEOPLE, regions, vectors[0])
    second = write(tmp_path / "ground.gpkg", GROUND, [f"r{number}" for number in range(7)], vectors[1][:7])
    fuse_tables([first, second], "code", FuseRequest(str(tmp_path / "out.gpkg")), Silent())
    fused, _ = read(tmp_path / "out.gpkg")
    np.testing.assert_allclose(fused[:, 5:], standardised(vectors[1][[number % 7 for number in range(60)]]),
                               atol=1e-5)
    with pytest.raises(EarthprintError, match="“people” has “r0” twice in “code”"):
        fuse_tables([second, first], "code", FuseRequest(str(tmp_path / "no.gpkg")), Silent())


def test_three_tables_reduced_keep_what_they_were_made_of(vectors, tmp_path: Path) -> None:
    keys = [str(number) for number in range(50)]
    tables = [write(tmp_path / "a.gpkg", PEOPLE, keys, vectors[0][:50]),
              write(tmp_path / "b.gpkg", GROUND, keys, vectors[1]),
              write(tmp_path / "c.gpkg", Space("roads", 2, "55"), keys, vectors[0][:50, :2] ** 2)]
    result = fuse_tables(tables, "code", FuseRequest(str(tmp_path / "out.gpkg"), dimensions=6), Silent())
    assert sum(part["dimensions"] for part in result.space.details["parts"]) == 6
    assert read(tmp_path / "out.gpkg")[0].shape == (50, 6)
    assert 0.5 < result.explained < 1


def test_wrong_input_is_told_in_words(vectors, tmp_path: Path) -> None:
    first = write(tmp_path / "people.gpkg", PEOPLE, [f"{number:05d}" for number in range(60)], vectors[0])
    bare = write(tmp_path / "ground.gpkg", GROUND, [str(number + 100) for number in range(50)], vectors[1])
    same = write(tmp_path / "same.gpkg", GROUND, ["x"] * 50, vectors[1], "number2")
    output = str(tmp_path / "out.gpkg")
    for tables, key, request, words in (
            ([first, bare], "code", FuseRequest(output), "“00000”, “00001”, “00002”, … in “code”.*“100”, “101”, “102”"),
            ([first, bare], "town", FuseRequest(output), "“people” has no column “town”"),
            ([first, bare], "a;b;c", FuseRequest(output), "names 3 columns for 2 tables"),
            ([first, same], "", FuseRequest(output), "no column in common"),
            ([first], "", FuseRequest(output), "two or more")):
        with pytest.raises(EarthprintError, match=words):
            fuse_tables(tables, key, request, Silent())
        assert not Path(output).exists()
    for text in ("1;two", "0;1", "-1", "nan"):
        with pytest.raises(EarthprintError, match="WEIGHTS"):
            weights_of(text)


def test_nothing_of_the_way_keeps_rows_without_a_key(vectors, tmp_path: Path) -> None:
    keys: List[Optional[str]] = [str(number) for number in range(50)]
    keys[7] = None
    first = write(tmp_path / "people.gpkg", PEOPLE, keys, vectors[0][:50])
    second = write(tmp_path / "ground.gpkg", GROUND, keys, vectors[1])
    result = fuse_tables([first, second], "code", FuseRequest(str(tmp_path / "out.gpkg")), Silent())
    assert (result.rows, result.left_out) == (49, 1)
    assert "7" not in read(tmp_path / "out.gpkg")[1]
