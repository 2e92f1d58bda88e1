"""Vectors in numbered columns or lists become a table with the same numbers, rows and attributes."""

from __future__ import annotations

import csv
import json
import sqlite3
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from osgeo import gdal, ogr

from earthprint.engine.errors import Cancelled, InputError
from earthprint.engine.field import open_field
from earthprint.engine.importing import GeometryJoin, ImportRequest, import_table
from earthprint.engine.importing.columns import runs_of
from earthprint.engine.importing.lists import NotAList, read_cell
from earthprint.engine.space import Space, parse_key
from earthprint.engine.statement import SpaceStatement
from earthprint.engine.table import ColumnSpec, RowChunk, open_rows, open_table


class Recorder:
    """A progress that keeps what it was told."""

    def __init__(self, cancel: bool = False) -> None:
        self.warnings, self.infos, self.cancel = [], [], cancel

    def report(self, fraction, text=None):
        assert 0 <= fraction <= 1

    def info(self, text):
        self.infos.append(text)

    def warn(self, text):
        self.warnings.append(text)

    def cancelled(self):
        return self.cancel


class MemoryRows:
    """Rows that lie in memory."""

    def __init__(self, columns, types=None, wkb=None) -> None:
        self.data = {name: list(cells) for name, cells in columns.items()}
        self.name, self.wkt, self.geometry_type = "“memory”", "", ogr.wkbPoint
        self.columns = [ColumnSpec(name, (types or {}).get(name, "real")) for name in columns]
        self.count = len(next(iter(self.data.values())))
        self.wkb = wkb or [struct.pack("<BIdd", 1, 1, row, -row) for row in range(self.count)]

    def rows(self, size=4096):
        for start in range(0, self.count, size):
            part = slice(start, start + size)
            yield RowChunk(np.arange(self.count)[part] + 100, self.wkb[part],
                           {name: cells[part] for name, cells in self.data.items()})

    def distinct(self, column):
        return list(dict.fromkeys(self.data[column]))


def imported(tmp_path, rows, progress=None, **more):
    progress = progress or Recorder()
    result = import_table(ImportRequest(rows, str(tmp_path / "out.gpkg"), **more), progress)
    chunks = list(open_table(tmp_path / "out.gpkg").chunks())
    columns = {name: sum((chunk.columns[name] for chunk in chunks), []) for name in chunks[0].columns}
    vectors = np.concatenate([chunk.vectors for chunk in chunks])
    return result, vectors, columns, sum((chunk.wkb for chunk in chunks), [])


def numbered(names, rows=5, seed=0):
    values = np.random.default_rng(seed).normal(size=(rows, len(names)))
    return {name: values[:, index].tolist() for index, name in enumerate(names)}, values.astype(np.float32)


@pytest.mark.parametrize("names", [
    [f"B{number:02d}" for number in range(64)], [f"feature{number}" for number in range(300)],
    [f"emb_{number}" for number in range(8)], [str(number) for number in range(1024)],
    [f"dim_{number:04d}" for number in range(7, 19)]])
def test_numbered_columns_in_natural_order(tmp_path, names):
    columns, vectors = numbered(names)
    shuffled = dict(sorted({**columns, "name": list("abcde"), "population": [1.0, 2, 3, 4, 5]}.items(), reverse=True))
    progress = Recorder()
    result, found, attributes, wkb = imported(tmp_path, MemoryRows(shuffled, {"name": "text"}), progress)
    assert found.tobytes() == vectors.tobytes()
    attributes.pop("fid")
    assert attributes == {"population": [1, 2, 3, 4, 5], "name": list("abcde")}
    assert [struct.unpack("<BIdd", shape)[2:] for shape in wkb] == [(row, -row) for row in range(5)]
    count = len(names)
    assert progress.infos[0] == f"Vectors of {count} dimensions from {names[0]} to {names[-1]}, {count} columns."
    assert result.rows == 5
    assert not parse_key(result.key).declared
    assert len(progress.warnings) == 1
    assert "doesn't say what its embeddings are" in progress.warnings[0]


@given(some.lists(some.tuples(some.sampled_from(["A", "f_", "", "b2_"]), some.integers(0, 30), some.integers(0, 4)),
                  max_size=60, unique_by=lambda item: item[:2]))
def test_runs_are_the_consecutive_numbers_of_each_prefix(items):
    names = [f"{prefix}{number:0{zeros}d}" for prefix, number, zeros in items]
    runs = runs_of(names)
    for prefix in {prefix for prefix, _, _ in items}:
        numbers = sorted(number for other, number, _ in items if other == prefix)
        expected = []
        for number in numbers:
            if expected and expected[-1][-1] == number - 1:
                expected[-1].append(number)
            else:
                expected.append([number])
        assert [[int(name[len(prefix):]) for name in run] for run in runs[prefix]] == expected


def test_the_longest_run_wins_the_first_of_equals_and_the_others_are_told(tmp_path, sample_data):
    rows = open_rows(sample_data / "alphaearth_clearing" / "alphaearth_clearing_west.gpkg")
    progress = Recorder()
    result, found, attributes, _ = imported(tmp_path, rows, progress)
    with sqlite3.connect(sample_data / "alphaearth_clearing" / "alphaearth_clearing_west.gpkg") as connection:
        picked = ", ".join(f"A{number:02d}" for number in range(64))
        every = connection.execute(f"SELECT cleared, {picked} FROM alphaearth_clearing_west ORDER BY fid").fetchall()
        expected, cleared = np.array([row[1:] for row in every]), [row[0] for row in every]
    assert found.tobytes() == expected.astype("<f4").tobytes()
    assert attributes["cleared"] == cleared
    assert "D63" in attributes
    assert "A00" not in attributes
    assert "D00-D63" in progress.infos[0]
    assert result.lengths.median == pytest.approx(np.median(np.linalg.norm(expected, axis=1)), rel=1e-6)
    assert any("recognised by the columns A00 to A63" in text and "Google DeepMind" in text for text in progress.infos)
    assert result.space == Space("alphaearth", 64, unit_norm=True)
    assert [text for text in progress.warnings if "doesn't say" in text] == []
    assert imported(tmp_path, rows, fields="D00-D63")[1][0, 0] != found[0, 0]


def test_an_undeclared_raster_of_the_same_bands_is_the_same_space(tmp_path):
    names = [f"A{number:02d}" for number in range(64)]
    columns, _ = numbered(names)
    result, *_ = imported(tmp_path, MemoryRows(columns))
    raster = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "r.tif"), 2, 2, 64, gdal.GDT_Float32)
    for index, name in enumerate(names, start=1):
        raster.GetRasterBand(index).SetDescription(name)
    raster = None
    assert parse_key(open_field(str(tmp_path / "r.tif")).key).same_space(parse_key(result.key))


def test_a_gap_in_the_numbers_is_refused(tmp_path):
    columns, _ = numbered([f"A{number:02d}" for number in range(64) if number != 10])
    with pytest.raises(InputError, match="gap: besides A11-A63 there is A00-A09.*FIELDS"):
        imported(tmp_path, MemoryRows(columns))
    _, found, attributes, _ = imported(tmp_path, MemoryRows(columns), fields="A11-A63")
    assert found.shape == (5, 53)
    assert "A09" in attributes


def test_fields_are_taken_in_their_order(tmp_path):
    columns, vectors = numbered(["x", "y", "F8", "F09", "F10", "a-1"])
    assert imported(tmp_path, MemoryRows(columns), fields="Y; F8-F10;a-1 ;x")[1].tobytes() == (
        vectors[:, [1, 2, 3, 4, 5, 0]].tobytes())
    assert imported(tmp_path, MemoryRows(columns), fields="F09..10")[1].tobytes() == vectors[:, [3, 4]].tobytes()
    for fields, message in (("z", "no column “z”"), ("x;x", "names “x” twice"), ("F8-F12", "F8-F12"),
                            ("F10-F8", "F10-F8"), ("x-y", "no column “x-y”")):
        with pytest.raises(InputError, match=message):
            imported(tmp_path, MemoryRows(columns), fields=fields)
    with pytest.raises(InputError, match="“name”.*holds no numbers"):
        imported(tmp_path, MemoryRows({**columns, "name": list("abcde")}, {"name": "text"}), fields="x;name")


def test_rows_with_a_null_are_left_out_and_counted(tmp_path):
    columns, vectors = numbered([f"e{number}" for number in range(8)])
    columns["e3"][1] = None
    columns["e7"][4] = float("nan")
    progress = Recorder()
    result, found, attributes, wkb = imported(
        tmp_path, MemoryRows({**columns, "code": list("abcde")}, {"code": "text"}), progress)
    assert found.tobytes() == vectors[[0, 2, 3]].tobytes()
    assert attributes["code"] == ["a", "c", "d"]
    assert len(wkb) == 3
    assert (result.rows, result.left_out) == (3, 2)
    assert progress.warnings[1] == ("2 of 5 rows of “memory” have no vector (NULL, or not a number) and are left out.")
    columns["e3"] = [None] * 5
    with pytest.raises(InputError, match="No row of “memory” has numbers"):
        imported(tmp_path, MemoryRows(columns))


NUMBERS = [1.5, -2.0, 3e-7, 0.25, 5, 6, 7, 8]


@pytest.mark.parametrize("write", [
    json.dumps, lambda row: "{" + ",".join(map(repr, row)) + "}", lambda row: f"({len(row)}:{','.join(map(str, row))})",
    lambda row: str(np.array(row)), list, lambda row: np.array(row, "<f4").tobytes(), tuple])
def test_lists_in_every_dress(tmp_path, write):
    rows = [NUMBERS, [-number for number in NUMBERS]]
    kind = "binary" if isinstance(write(rows[0]), bytes) else "json"
    source = MemoryRows({"embedding": [write(row) for row in rows], "id": [1.0, 2]}, {"embedding": kind})
    progress = Recorder()
    _, found, attributes, _ = imported(tmp_path, source, progress)
    np.testing.assert_allclose(found, np.array(rows, dtype=np.float32), rtol=1e-7)
    assert attributes["id"] == [1, 2]
    assert progress.infos[0] == "Vectors of 8 dimensions from lists in embedding."


@given(some.lists(some.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_every_list_reads_back(numbers):
    expected = np.array(numbers, dtype=np.float32)
    words = list(map(repr, numbers))
    for text in (json.dumps(numbers), "{" + ", ".join(words) + "}", " [" + " ".join(words) + "]"):
        assert read_cell(text).tobytes() == expected.tobytes()


@pytest.mark.parametrize("cell", [None, "", " ", "[]", "{}", "NULL", b"", []])
def test_cells_without_a_vector(cell):
    assert read_cell(cell) is None


@pytest.mark.parametrize("cell", ["hello", "[1, two]", "[[1], [2]]", b"abc", 3, {"a": 1}, "__import__('os')", "[1,2",
                                  '{"a": 1}', "[true, false, x]"])
def test_cells_that_are_no_list(cell):
    with pytest.raises(NotAList):
        read_cell(cell)


def test_a_null_inside_a_list_leaves_the_row_out(tmp_path):
    source = MemoryRows({"features": ["[1, 2]", "[1, null]", "{3,NULL}", None, "[5, 6]"]}, {"features": "text"})
    result, found, *_ = imported(tmp_path, source)
    assert found.tolist() == [[1, 2], [5, 6]]
    assert result.left_out == 3


def test_bad_lists_are_told_by_their_row(tmp_path):
    good = json.dumps(NUMBERS)
    with pytest.raises(InputError, match="Row 101 of “memory” has a list of 7 numbers where those before have 8"):
        imported(tmp_path, MemoryRows({"vector": [good, json.dumps(NUMBERS[1:])]}, {"vector": "text"}))
    with pytest.raises(InputError, match="Row 101 of “memory” has in “vector” a text that is no list"):
        imported(tmp_path, MemoryRows({"vector": [good, "oops"]}, {"vector": "text"}))
    long = json.dumps(np.linspace(0, 1, 64).tolist())[:255]
    with pytest.raises(InputError, match="cut to 255 characters"):
        imported(tmp_path, MemoryRows({"vector": [good, long]}, {"vector": "text"}))


def test_the_longer_of_list_and_columns_wins_and_product_decides(tmp_path):
    columns, vectors = numbered([f"b{number}" for number in range(9)], rows=2)
    lists = np.random.default_rng(1).normal(size=(2, 12)).astype(np.float32)
    source = MemoryRows({**columns, "embedding": [json.dumps(row.tolist()) for row in lists]}, {"embedding": "text"})
    progress = Recorder()
    assert imported(tmp_path, source, progress)[1].tobytes() == lists.tobytes()
    assert "b0-b8" in progress.infos[0]
    _, found, attributes, _ = imported(tmp_path, source, product="columns")
    assert found.tobytes() == vectors.tobytes()
    assert list(attributes) == ["fid", "embedding_1"]
    assert imported(tmp_path, source, product="list")[1].tobytes() == lists.tobytes()
    with pytest.raises(InputError, match="a list lies in one"):
        imported(tmp_path, source, product="list", fields="b0;b1")


def test_several_lists_are_a_question_to_the_user(tmp_path):
    cells = [json.dumps(NUMBERS)] * 2
    source = MemoryRows({"one": cells, "two": cells}, {"one": "text", "two": "json"})
    with pytest.raises(InputError, match=r"several columns of lists \(one, two\)"):
        imported(tmp_path, source)
    assert imported(tmp_path, source, fields="two")[1].shape == (2, 8)


@pytest.mark.parametrize(("product", "message"), [
    ("automatic", "no run of at least 8 numeric columns numbered in a row, and no column of lists"),
    ("columns", "no run of at least 8 numeric columns"), ("list", "no column of lists")])
def test_layers_without_vectors_are_told(tmp_path, sample_data, product, message):
    rows = open_rows(sample_data / "us_counties_1980" / "us_counties_1980.gpkg")
    with pytest.raises(InputError, match=message):
        imported(tmp_path, rows, product=product)
    assert not (tmp_path / "out.gpkg").exists()


def test_a_csv_file_of_text(tmp_path):
    vectors = np.random.default_rng(2).normal(size=(6, 10)).astype(np.float32)
    with open(tmp_path / "t.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *range(10)])
        for row, vector in enumerate(vectors.tolist()):
            writer.writerow([f"0{row}", *(["", *vector[1:]] if row == 3 else vector)])
    result, found, attributes, _ = imported(tmp_path, open_rows(tmp_path / "t.csv"))
    assert found.tobytes() == np.delete(vectors, 3, axis=0).tobytes()
    assert attributes["id"] == ["00", "01", "02", "04", "05"]
    assert result.left_out == 1


@pytest.mark.skipif(gdal.GetDriverByName("Parquet") is not None, reason="this GDAL opens GeoParquet")
def test_geoparquet_that_gdal_cannot_open_is_told(sample_data):
    with pytest.raises(InputError, match="is GeoParquet.*save it as GeoPackage"):
        open_rows(sample_data / "clay_embeddings" / "clay_03WVN_20220610.parquet")


def test_a_table_is_not_imported_again_but_other_columns_of_it_may_be(tmp_path):
    columns, vectors = numbered([f"e{number}" for number in range(8)])
    imported(tmp_path, MemoryRows({**columns, "x": [1.0] * 5, "y": [2.0] * 5}))
    rows = open_rows(tmp_path / "out.gpkg")
    (tmp_path / "again").mkdir()
    with pytest.raises(InputError, match="is an embedding table already"):
        imported(tmp_path / "again", rows)
    _, found, attributes, _ = imported(tmp_path / "again", rows, fields="x;y")
    assert found.tolist() == [[1, 2]] * 5
    assert attributes["embedding_1"] == [vector.tobytes() for vector in vectors]
    assert attributes["fid"] == [1, 2, 3, 4, 5]


def test_what_the_user_states_is_the_space(tmp_path):
    columns, vectors = numbered([f"e{number}" for number in range(8)])
    progress = Recorder()
    result, *_ = imported(tmp_path, MemoryRows(columns), progress, statement=SpaceStatement("product", "euclidean"))
    assert parse_key(result.key).declared
    assert open_table(tmp_path / "out.gpkg").space() == result.space
    assert (result.space.encoder, result.space.metric, result.space.dimensions) == ("product", "euclidean", 8)
    assert progress.warnings == []


def test_cancel_leaves_nothing(tmp_path):
    columns, _ = numbered([f"e{number}" for number in range(8)])
    with pytest.raises(Cancelled):
        imported(tmp_path, MemoryRows(columns), Recorder(cancel=True))
    assert list(tmp_path.iterdir()) == []


def test_zero_vectors_are_told(tmp_path):
    columns, _ = numbered([f"e{number}" for number in range(8)])
    for cells in columns.values():
        cells[2] = 0.0
    progress = Recorder()
    imported(tmp_path, MemoryRows(columns), progress)
    assert progress.warnings[1].startswith("1 vectors of “memory” are zero")


def shapes_of(keys, name="code"):
    rows = MemoryRows({name: keys}, {name: "text"},
                      [struct.pack("<BIdd", 1, 1, 1000 + number, 7) for number in range(len(keys))])
    rows.name = "“shapes”"
    return rows


def test_geometries_come_from_another_layer_by_key(tmp_path):
    columns, vectors = numbered([f"e{number}" for number in range(8)])
    source = MemoryRows({**columns, "id": [3, 1.0, "2", None, 9]}, {"id": "text"})
    progress = Recorder()
    _, found, _, wkb = imported(tmp_path, source, progress, geometry=GeometryJoin(
        shapes_of(["1", " 2", "3", "4"]), "ID", "code"))
    assert found.tobytes() == vectors.tobytes()
    places = [None if shape is None else struct.unpack("<BIdd", shape)[2] for shape in wkb]
    assert places == [1002, 1000, 1001, None, None]
    assert progress.warnings[1] == "2 of 5 rows of “memory” found no geometry in “shapes”."


def test_the_key_is_the_first_column_of_one_name(tmp_path):
    columns, _ = numbered([f"e{number}" for number in range(8)])
    source = MemoryRows({"fid": [1.0, 2, 3, 4, 5], **columns, "Place": list("abcde")}, {"Place": "text"})
    _, _, _, wkb = imported(tmp_path, source, geometry=GeometryJoin(shapes_of(list("edcba"), "place")))
    assert [struct.unpack("<BIdd", shape)[2] for shape in wkb] == [1004, 1003, 1002, 1001, 1000]


@pytest.mark.parametrize(("shapes", "key", "shapes_key", "message"), [
    (["a", "b"], "x", "code", "“memory” has no column “x”.*KEY"), (["a", "b"], "id", "x", "“shapes” has no column “x”"),
    (["1", "b", "1"], "id", "code", "“shapes” has “1” twice in “code”"), (["a"], "", "", "No column of “memory” names"),
    (["a", "b"], "id", "code", "“id” in “memory” is in “code” of “shapes” .“1”, “2”, “3” against “a”, “b”")])
def test_keys_that_join_nothing_are_told(tmp_path, shapes, key, shapes_key, message):
    columns, _ = numbered([f"e{number}" for number in range(8)])
    source = MemoryRows({**columns, "id": [1, 2, 3, 4, 5]}, {"id": "integer"})
    with pytest.raises(InputError, match=message):
        imported(tmp_path, source, geometry=GeometryJoin(shapes_of(shapes), key, shapes_key))
