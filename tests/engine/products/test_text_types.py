"""Columns of a CSV are numbers where every value is one that nothing is lost of, and texts otherwise."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from earthprint.engine.products.text_rows import TextRows
from earthprint.engine.table import CHUNK_ROWS


def rows_of(path, columns):
    """Write columns of texts and read them back."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values()))
    rows = TextRows(str(path))
    found = {name: [] for name in columns}
    for chunk in rows.rows():
        for name in columns:
            found[name].extend(chunk.columns[name])
    return rows, {column.name: column.type for column in rows.columns}, found


@pytest.mark.parametrize(("texts", "kind", "values"), [
    (["1", "-20", "0"], "integer64", [1, -20, 0]),
    (["999999999999999999", "1", "2"], "integer64", [999999999999999999, 1, 2]),
    (["1", "2.5", "-1e-3"], "real", [1.0, 2.5, -0.001]),
    (["0.1", ".5", "3."], "real", [0.1, 0.5, 3.0]),
    (["1", "", "3"], "integer64", [1, None, 3]),
    (["01001", "13001", "1"], "text", ["01001", "13001", "1"]),
    (["-01", "1", "2"], "text", ["-01", "1", "2"]),
    (["00.5", "1", "2"], "text", ["00.5", "1", "2"]),
    (["9999999999999999999", "1", "2"], "text", ["9999999999999999999", "1", "2"]),
    (["1234567890123456", "1.5", "2"], "text", ["1234567890123456", "1.5", "2"]),
    (["1", "two", "3"], "text", ["1", "two", "3"]),
    (["nan", "1", "2"], "text", ["nan", "1", "2"]), (["1_000", "1", "2"], "text", ["1_000", "1", "2"]),
    (["+1", "1", "2"], "text", ["+1", "1", "2"]), (["1 ", "1", "2"], "text", ["1 ", "1", "2"]),
    (["", "", ""], "text", [None, None, None]), (["1٣", "1", "2"], "text", ["1٣", "1", "2"])])
def test_types_of_columns(tmp_path, texts, kind, values):
    _, kinds, found = rows_of(tmp_path / "t.csv", {"name": ["a", "b", "c"], "value": texts})
    assert kinds == {"name": "text", "value": kind}
    assert found["value"] == values
    assert [type(value) for value in found["value"]] == [type(value) for value in values]


def test_the_last_row_counts_as_the_first(tmp_path):
    many = CHUNK_ROWS + 5
    columns = {"code": [str(number) for number in range(1, many)] + ["0012"],
               "size": [str(number) for number in range(1, many)] + ["0.25"],
               "long": ["1234567890123456"] + ["7"] * (many - 2) + ["0.5"]}
    rows, kinds, found = rows_of(tmp_path / "t.csv", columns)
    assert kinds == {"code": "text", "size": "real", "long": "text"}
    assert found["code"] == columns["code"] and found["long"] == columns["long"]
    assert found["size"] == [float(text) for text in columns["size"]]
    assert rows.count == many and rows.distinct("size")[-1] == 0.25


def test_vectors_stay_as_they_are_written(tmp_path):
    values = np.random.default_rng(0).normal(size=(5, 12)).astype(np.float32)
    columns = {f"emb_{index}": [repr(float(value)) for value in values[:, index]] for index in range(12)}
    _, kinds, found = rows_of(tmp_path / "t.csv", {**columns, "year": ["2020"] * 5})
    assert set(kinds.values()) == {"text", "integer64"} and kinds["year"] == "integer64"
    assert found["emb_3"] == columns["emb_3"]
