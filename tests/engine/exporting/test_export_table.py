"""Exports hold the same numbers, rows and attributes, read by other libraries, and come back exactly."""

from __future__ import annotations

import csv
import json
import sqlite3
import struct

import numpy as np
import pytest
from osgeo import ogr, osr

from earthprint.engine.errors import Cancelled, OutputError
from earthprint.engine.exporting.run import ExportRequest, export_table
from earthprint.engine.importing import ImportRequest, import_table
from earthprint.engine.products.opening import open_published
from earthprint.engine.progress import Silent
from earthprint.engine.provenance import KNOWN
from earthprint.engine.space import Space, parse_key
from earthprint.engine.table import ColumnSpec, TableWriter, open_table

SPACE = Space("alphaearth", 24, unit_norm=True, provenance=(KNOWN["alphaearth"],))
COLUMNS = [ColumnSpec("fid", "integer64"), ColumnSpec("name", "text"), ColumnSpec("share", "real"),
           ColumnSpec("day", "date"), ColumnSpec("seen", "boolean"), ColumnSpec("code", "text")]


def wkt():
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    return reference.ExportToWkt()


def vectors(rows=9):
    """Return unit vectors with the hardest of float32 among them: tiny, huge in digits, negative zero."""
    found = np.random.default_rng(0).normal(size=(rows, 24)).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    found[0, :3] = [np.float32(1e-38), -0.0, np.nextafter(np.float32(0.1), np.float32(1))]
    return found


def table(tmp_path, identity=SPACE, rows=9, geometry=ogr.wkbPoint):
    attributes = {"fid": list(range(10, 10 + rows)),
                  "name": [f"Ä, \"{row}\"\n" if row else None for row in range(rows)],
                  "share": [row / 7 for row in range(rows)], "day": ["2024-02-29"] * rows,
                  "seen": [bool(row % 2) for row in range(rows)], "code": [f"0{row}" for row in range(rows)]}
    shapes = [struct.pack("<BIdd", 1, 1, row + 0.125, -row) if geometry == ogr.wkbPoint and row != 4 else None
              for row in range(rows)]
    with TableWriter(tmp_path / "in.gpkg", wkt() if geometry == ogr.wkbPoint else "", geometry, COLUMNS,
                     identity) as writer:
        writer.write(shapes, attributes, vectors(rows))
    return open_table(tmp_path / "in.gpkg"), attributes, shapes


ENDINGS = {"columns": ".gpkg", "parquet": ".parquet", "csv": ".csv", "numpy": ".npy"}


def exported(tmp_path, form, **more):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    source, attributes, shapes = table(tmp_path, **more)
    path = tmp_path / f"out{ENDINGS[form]}"
    result = export_table(ExportRequest(source, str(path), form), Silent())
    assert (result.rows, result.dimensions) == (9, 24)
    return path, attributes, shapes


def test_columns_in_a_geopackage(tmp_path):
    path, attributes, _ = exported(tmp_path, "columns")
    with sqlite3.connect(path) as connection:
        names = ", ".join(f"emb_{number}" for number in range(24))
        found = np.array(connection.execute(f"SELECT {names} FROM out ORDER BY rowid").fetchall())
        np.testing.assert_array_equal(found, vectors())
        assert [row[0] for row in connection.execute("SELECT name FROM out ORDER BY rowid")] == attributes["name"]
        assert {row[0] for row in connection.execute("SELECT embedding_space FROM out")} == {SPACE.key()}


def test_parquet_with_its_metadata(tmp_path):
    path, attributes, shapes = exported(tmp_path, "parquet")
    import pyarrow.parquet

    found = pyarrow.parquet.read_table(path)
    columns = found.to_pydict()
    assert np.array(columns["embedding"], np.float32).tobytes() == vectors().tobytes()
    assert str(found.schema.field("embedding").type).startswith("list<")
    assert columns["geometry"] == shapes
    assert (columns["name"], columns["seen"]) == (attributes["name"], attributes["seen"])
    assert columns["day"][0].isoformat() == "2024-02-29"
    told = {key.decode(): json.loads(value) for key, value in found.schema.metadata.items()
            if key in (b"geo", b"emb")}
    assert told["emb"]["emb:dimensions"] == 24
    assert told["emb"]["emb:type"] == "chip"
    assert told["emb"]["license"] == "CC BY 4.0"
    assert told["emb"]["links"][0]["rel"] == "emb:model"
    assert told["geo"]["columns"]["geometry"]["geometry_types"] == ["Point"]
    assert told["geo"]["columns"]["geometry"]["crs"]["id"] == {"authority": "EPSG", "code": 32633}


def test_a_csv_reads_back_with_the_standard_library(tmp_path):
    path, attributes, _ = exported(tmp_path, "csv")
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = np.array([[float(row[f"emb_{number}"]) for number in range(24)] for row in rows]).astype(np.float32)
    assert found.tobytes() == vectors().tobytes()
    assert [row["name"] for row in rows] == [name or "" for name in attributes["name"]]
    assert rows[1]["WKT"] == "POINT (1.125 -1)"
    assert rows[4]["WKT"] == ""
    assert "32633" in (tmp_path / "out.prj").read_text()


def test_an_array_with_ids(tmp_path):
    path, attributes, _ = exported(tmp_path, "numpy")
    found = np.load(path)
    assert (found.dtype, found.tobytes()) == (np.dtype("<f4"), vectors().tobytes())
    with open(tmp_path / "out_ids.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["fid"]) for row in rows] == attributes["fid"]
    assert json.loads((tmp_path / "out.json").read_text())["earthprint:key"] == SPACE.key()


@pytest.mark.parametrize("form", list(ENDINGS))
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("geometry", [ogr.wkbPoint, ogr.wkbNone])
def test_what_goes_out_comes_back(tmp_path, form, known, geometry):
    identity = SPACE if known else parse_key(Space("somebody", 24).key())
    path, attributes, shapes = exported(tmp_path, form, identity=identity, geometry=geometry)
    opened = open_published(path)
    result = import_table(ImportRequest(opened.rows, str(tmp_path / "back.gpkg"), described=opened.described,
                                        file=opened.file), Silent())
    back = open_table(tmp_path / "back.gpkg")
    chunk = next(back.chunks())
    if form == "columns":
        # SQLite has one zero.
        np.testing.assert_array_equal(chunk.vectors, vectors())
    else:
        assert chunk.vectors.tobytes() == vectors().tobytes()
    assert chunk.columns["code"] == attributes["code"]
    assert chunk.columns["name"][1:] == attributes["name"][1:]
    assert list(chunk.columns["fid"]) == attributes["fid"]
    assert list(chunk.columns["share"]) == attributes["share"]
    assert parse_key(back.space_key).same_space(parse_key(
        identity.key() if isinstance(identity, Space) else identity.text))
    assert "embedding_space_1" not in chunk.columns
    assert result.left_out == 0
    if known:
        assert back.identity().provenance[0].attribution == KNOWN["alphaearth"].attribution
    if geometry == ogr.wkbPoint and form != "numpy":
        assert chunk.wkb == shapes
        reference = osr.SpatialReference()
        reference.ImportFromWkt(back.wkt)
        assert reference.GetAuthorityCode(None) == "32633"


@pytest.mark.parametrize("form", ["columns", "csv"])
@pytest.mark.parametrize("prefix", ["D", "emb_"])
def test_exported_columns_come_back_beside_a_longer_run_of_others(tmp_path, form, prefix):
    names = [f"{prefix}{number}" for number in range(40)]
    with TableWriter(tmp_path / "in.gpkg", "", ogr.wkbNone, [ColumnSpec(name, "real") for name in names],
                     SPACE) as writer:
        writer.write([None] * 9, {name: [float(row) for row in range(9)] for name in names}, vectors())
    path = tmp_path / f"o{ENDINGS[form]}"
    export_table(ExportRequest(open_table(tmp_path / "in.gpkg"), str(path), form), Silent())
    opened = open_published(path)
    import_table(ImportRequest(opened.rows, str(tmp_path / "back.gpkg"), described=opened.described,
                               file=opened.file), Silent())
    back = open_table(tmp_path / "back.gpkg")
    chunk = next(back.chunks())
    np.testing.assert_array_equal(chunk.vectors, vectors())
    assert parse_key(back.space_key).same_space(parse_key(SPACE.key()))
    assert [float(value) for value in chunk.columns[f"{prefix}7"]] == list(range(9))


def test_names_that_are_taken_give_way(tmp_path):
    columns = [ColumnSpec("emb_3", "integer")]
    with TableWriter(tmp_path / "in.gpkg", "", ogr.wkbNone, columns, SPACE) as writer:
        writer.write([None] * 9, {"emb_3": list(range(9))}, vectors())
    export_table(ExportRequest(open_table(tmp_path / "in.gpkg"), str(tmp_path / "o.csv"), "csv"), Silent())
    header = (tmp_path / "o.csv").read_text().split("\n")[0].split(",")
    assert header[:3] == ["fid", "emb_3", "embedding_space"]
    assert header[3:5] == ["emb1_0", "emb1_1"]


@pytest.mark.parametrize(("name", "form", "message"), [
    ("o.shp", "columns", "a Shapefile can't hold vectors"), ("o.csv", "parquet", "end OUTPUT in .parquet"),
    ("o.gpkg", "numpy", "end OUTPUT in .npy"), ("o", "csv", "end OUTPUT in .csv")])
def test_other_endings_are_told(tmp_path, name, form, message):
    source, _, _ = table(tmp_path)
    with pytest.raises(OutputError, match=message):
        export_table(ExportRequest(source, str(tmp_path / name), form), Silent())
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.gpkg"]


def test_more_dimensions_than_columns_are_told(tmp_path):
    with TableWriter(tmp_path / "in.gpkg", "", ogr.wkbNone, [], Space("wide", 4000)) as writer:
        writer.write([None], {}, np.ones((1, 4000), np.float32))
    with pytest.raises(OutputError, match="more than a GeoPackage has columns: choose parquet or numpy"):
        export_table(ExportRequest(open_table(tmp_path / "in.gpkg"), str(tmp_path / "o.gpkg"), "columns"), Silent())


class Stopping(Silent):
    """A progress that is cancelled after the first report."""

    def __init__(self):
        self.told = 0

    def cancelled(self):
        self.told += 1
        return self.told > 1


@pytest.mark.parametrize("form", list(ENDINGS))
def test_cancel_leaves_nothing(tmp_path, form, monkeypatch):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    source, _, _ = table(tmp_path)
    chunks = source.chunks
    monkeypatch.setattr(source, "chunks", lambda: chunks(3))
    with pytest.raises(Cancelled):
        export_table(ExportRequest(source, str(tmp_path / f"o{ENDINGS[form]}"), form), Stopping())
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.gpkg"]
