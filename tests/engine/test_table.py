"""Embedding tables come back as they were written, in a GeoPackage that others can read, or not at all."""

from __future__ import annotations

import json
import os
import sqlite3
import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from osgeo import gdal, ogr, osr

from earthprint.engine.errors import InputError, OutputError, SpaceError
from earthprint.engine.registry import Registry
from earthprint.engine.space import Space, SpaceKey, parse_key
from earthprint.engine.table import ColumnSpec, TableWriter, check_vectors, geopackage, open_table
from earthprint.engine.table.geopackage import GeoPackageRows
from earthprint.engine.table.ogrlayer import OgrRows

SPACE = Space("rcf", 3, "ab" * 32, unit_norm=True)


def utm() -> str:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32632)
    return reference.ExportToWkt()


def point(x: float, y: float) -> bytes:
    return struct.pack("<BIdd", 1, 1, x, y)


def square(x: float, y: float) -> bytes:
    return struct.pack("<BIII10d", 1, 3, 1, 5, x, y, x + 1, y, x + 1, y + 2, x, y + 2, x, y)


def write(path, vectors, columns=(), values=None, wkb=None, coding="f4", space=SPACE, **more):
    vectors = np.asarray(vectors, dtype=np.float32)
    wkb = [point(row, 2 * row) for row in range(len(vectors))] if wkb is None else wkb
    with TableWriter(path, utm(), more.pop("geometry_type", ogr.wkbPoint), list(columns), space, coding,
                     **more) as writer:
        half = len(vectors) // 2
        for rows in (slice(0, half), slice(half, None)):
            writer.write(wkb[rows], {name: cells[rows] for name, cells in (values or {}).items()}, vectors[rows])
    return str(path)


def read(source, **more):
    table = open_table(source, **more)
    chunks = list(table.chunks(2))
    columns = {column.name: sum((list(chunk.columns[column.name]) for chunk in chunks), [])
               for column in table.columns}
    return (table, np.concatenate([chunk.vectors for chunk in chunks]), sum((chunk.wkb for chunk in chunks), []),
            columns, [identifier for chunk in chunks for identifier in chunk.ids])


def unable_to_open(path):
    raise sqlite3.OperationalError("unable to open database file")


def integrity(path):
    with sqlite3.connect(path) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]


VECTORS = np.array([[1, 0, 0], [0, -1, 0], [0.6, 0, 0.8], [0.5, 0.5, 0.25], [1e-8, 3e7, -2]], dtype=np.float32)
COLUMNS = [ColumnSpec("count", "integer"), ColumnSpec("big", "integer64"), ColumnSpec("share", "real"),
           ColumnSpec("name", "text"), ColumnSpec("open", "boolean"), ColumnSpec("day", "date"),
           ColumnSpec("moment", "datetime"), ColumnSpec("raw", "binary")]
VALUES = {
    "count": [1, None, -3, 4, 5], "big": [2 ** 40, 1, None, 0, -2 ** 40], "share": [0.5, 1.25, None, 1e300, -0.0],
    "name": ["Größe", "", None, 'quote"', "a'b"], "open": [True, False, None, True, True],
    "day": ["2021-02-03", None, "1999-12-31", "2024-02-29", "2000-01-01"],
    "moment": ["2021-02-03T04:05:06.000Z", None, "1999-12-31T23:59:59.500Z", "2024-02-29T00:00:00.000Z",
               "2000-01-01T12:00:00.000Z"],
    "raw": [b"\x00\xff", None, b"a", b"bc", b"d"],
}


@pytest.fixture(params=["codes", "exceptions"])
def gdal_errors(request):
    """GDAL reports by code or by exception, as the program around us chose."""
    used = gdal.GetUseExceptions(), ogr.GetUseExceptions(), osr.GetUseExceptions()
    if request.param == "exceptions":
        gdal.UseExceptions()
        ogr.UseExceptions()
        osr.UseExceptions()
    yield
    for module, before in zip((osr, ogr, gdal), reversed(used)):
        if not before:
            module.DontUseExceptions()


@pytest.mark.parametrize("reader", [GeoPackageRows, OgrRows])
def test_everything_comes_back(tmp_path, monkeypatch, reader, gdal_errors):
    shapes = [None if row == 2 else point(row, 7) for row in range(5)]
    path = write(tmp_path / "t.gpkg", VECTORS, COLUMNS, VALUES, shapes)
    if reader is OgrRows:
        monkeypatch.setattr(geopackage, "connect", unable_to_open)
    table, vectors, wkb, columns, ids = read(path)
    assert type(table._rows) is reader
    assert vectors.tobytes() == VECTORS.tobytes()
    assert columns == dict(VALUES, fid=[1, 2, 3, 4, 5])
    assert wkb == shapes
    assert table.columns == [ColumnSpec("fid", "integer64"), *COLUMNS]
    assert table.count == 5
    assert table.space_key == SPACE.key()
    assert ids == [1, 2, 3, 4, 5]
    assert osr.SpatialReference(table.wkt).GetAuthorityCode(None) == "32632"


@pytest.mark.parametrize(("coding", "size", "error"), [("f2", 6, 1e-3), ("i1", 7, 1 / 254), ("a1", 3, 8e-3)])
def test_codings(tmp_path, coding, size, error):
    unit = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    path = write(tmp_path / "t.gpkg", unit, coding=coding)
    with sqlite3.connect(path) as connection:
        assert {row[0] for row in connection.execute("SELECT length(embedding) FROM t")} == {size}
        assert {row[0] for row in connection.execute("SELECT embedding_space FROM t")} == {SPACE.key(coding)}
    table, vectors, *_ = read(path)
    assert np.abs(vectors - unit).max() <= error
    assert parse_key(table.space_key).same_space(parse_key(SPACE.key()))


def test_bytes_on_disk_are_little_endian_float32(tmp_path):
    path = write(tmp_path / "t.gpkg", VECTORS)
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT embedding FROM t ORDER BY fid").fetchall()
    assert [struct.unpack("<3f", row[0]) for row in rows] == [tuple(vector) for vector in VECTORS.tolist()]


def test_geopackage_is_sound_and_indexed(tmp_path, gdal_errors):
    path = write(tmp_path / "t.gpkg", VECTORS, wkb=[square(10 * row, -row) for row in range(5)],
                 geometry_type=ogr.wkbPolygon)
    assert integrity(path) == "ok"
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT min_x, min_y, max_x, max_y FROM gpkg_contents").fetchone() == (0, -4, 41, 2)
        assert connection.execute("SELECT feature_count FROM gpkg_ogr_contents").fetchone() == (5,)
        assert connection.execute(
            "SELECT id FROM rtree_t_geom WHERE maxx >= 20 AND minx <= 31 ORDER BY id").fetchall() == [(3,), (4,)]
        assert connection.execute("SELECT data_type, srs_id FROM gpkg_contents").fetchone() == ("features", 32632)
    dataset = gdal.OpenEx(path)
    layer = dataset.GetLayer(0)
    layer.SetSpatialFilterRect(19, -10, 31, 10)
    assert [feature.GetFID() for feature in layer] == [3, 4]
    assert layer.GetMetadataItem("EARTHPRINT_KEY") == SPACE.key()


def test_table_without_geometry_and_custom_crs(tmp_path, gdal_errors):
    path = write(tmp_path / "t.gpkg", VECTORS, wkb=[None] * 5, geometry_type=ogr.wkbNone)
    table, vectors, wkb, *_ = read(path)
    assert table.geometry_type == ogr.wkbNone
    assert wkb == [None] * 5
    assert vectors.tobytes() == VECTORS.tobytes()
    sinusoidal = osr.SpatialReference()
    sinusoidal.ImportFromProj4("+proj=sinu +R=6371007.181 +units=m")
    with TableWriter(tmp_path / "s.gpkg", sinusoidal.ExportToWkt(), ogr.wkbPoint, [], SPACE) as writer:
        writer.write([point(1, 2)], {}, VECTORS[:1])
    assert osr.SpatialReference(open_table(tmp_path / "s.gpkg").wkt).IsSame(sinusoidal)


def test_not_a_number_becomes_null_and_is_told_by_its_row(tmp_path):
    vectors = VECTORS.copy()
    vectors[3, 1] = np.nan
    path = write(tmp_path / "t.gpkg", vectors)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT fid FROM t WHERE embedding IS NULL").fetchall() == [(4,)]
    with pytest.raises(InputError, match="Row 4 of “t” has no vector.*Execute SQL"):
        read(path)


def spoil(path, statement, *values):
    connection = sqlite3.connect(path)
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f'DROP TRIGGER "{trigger}"')
    connection.execute(statement, values)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(("blob", "message"), [
    (None, "Row 2 of “t” has no vector"), (b"", "Row 2 of “t” has no vector"),
    (b"\0" * 8, "row 2 of “t” has 8 bytes where its space needs 12"),
    (b"\0" * 24, "row 2 of “t” has 24 bytes where its space needs 12"),
    (struct.pack("<3f", 1, float("nan"), 0), "Row 2 of “t” holds a vector with values that are no numbers"),
    (struct.pack("<3f", 1, float("inf"), 0), "Row 2 of “t” holds a vector with values that are no numbers"),
])
def test_bad_vectors_are_told_by_their_row(tmp_path, blob, message):
    path = write(tmp_path / "t.gpkg", VECTORS)
    spoil(path, "UPDATE t SET embedding = ? WHERE fid = 2", blob)
    with pytest.raises(InputError, match=message):
        read(path)


def test_two_spaces_are_refused_by_name_before_any_row_is_read(tmp_path):
    path = write(tmp_path / "t.gpkg", VECTORS)
    other = Space("clay", 3, unit_norm=True).key()
    spoil(path, "UPDATE t SET embedding_space = ? WHERE fid = 5", other)
    with pytest.raises(SpaceError) as caught:
        open_table(path)
    assert SPACE.key() in str(caught.value)
    assert other in str(caught.value)
    spoil(path, "UPDATE t SET embedding_space = NULL WHERE fid = 5")
    with pytest.raises(SpaceError, match="rows without a space"):
        open_table(path)


def test_vectors_that_say_nothing_of_themselves_are_undeclared(tmp_path):
    path = write(tmp_path / "t.gpkg", VECTORS)
    spoil(path, "UPDATE t SET embedding_space = NULL")
    table, vectors, *_ = read(path)
    assert not parse_key(table.space_key).declared
    assert vectors.tobytes() == VECTORS.tobytes()


def test_hexadecimal_text_is_accepted(tmp_path):
    path = write(tmp_path / "t.gpkg", VECTORS, [ColumnSpec("name", "text")], {"name": list("abcde")})
    for ending, driver in (("csv", "CSV"), ("geojson", "GeoJSON")):
        other = str(tmp_path / f"t.{ending}")
        gdal.VectorTranslate(other, path, format=driver)
        table, vectors, _, columns, _ = read(other)
        assert vectors.tobytes() == VECTORS.tobytes()
        assert columns["name"] == list("abcde")
        assert table.space_key == SPACE.key()


@given(rows=some.lists(some.lists(some.floats(width=32, allow_nan=False, allow_infinity=False), min_size=4, max_size=4),
                       min_size=1, max_size=6),
       mark=some.sampled_from(["bytes", "hex", "HEX", "\\x", "0x"]))
def test_check_vectors_gives_back_what_went_in(rows, mark):
    key = Space("e", 4).key()
    raw = [struct.pack("<4f", *row) for row in rows]
    blobs = raw if mark == "bytes" else [
        text.hex().upper() if mark == "HEX" else (mark if mark != "hex" else "") + text.hex() for text in raw]
    assert check_vectors(blobs, key, "t", range(len(rows))).tobytes() == b"".join(raw)


def test_ids_follow_fid_then_the_field_asked_for(tmp_path):
    path = write(tmp_path / "t.gpkg", VECTORS, [ColumnSpec("fid", "integer64"), ColumnSpec("code", "text")],
                 {"fid": [4, 9, 10, 77, 100], "code": list("vwxyz")})
    table, _, _, columns, ids = read(path)
    assert ids == [4, 9, 10, 77, 100]
    assert columns == {"fid": ids, "code": list("vwxyz")}
    assert read(path, id_field="code")[4] == list("vwxyz")
    assert read(path, id_field="FID")[4] == [4, 9, 10, 77, 100]
    with pytest.raises(InputError, match="no column “codex”"):
        open_table(path, id_field="codex")


def test_an_attribute_fid_of_another_format_names_rows_while_it_is_unique(tmp_path):
    for fids, expected in (([30, 10, 20], [30, 10, 20]), ([3, 1, 3], [0, 1, 2])):
        path = tmp_path / "t.geojson"
        features = [{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": {
            "fid": fid, "embedding": vector.tobytes().hex(), "embedding_space": SPACE.key()}}
            for fid, vector in zip(fids, VECTORS)]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
        table, vectors, _, columns, ids = read(path)
        assert ids == expected
        assert columns == {"fid": fids}
        assert vectors.tobytes() == VECTORS[:3].tobytes()


def test_fids_in_any_order_are_kept_and_repeated_ones_become_a_column(tmp_path, gdal_errors):
    fid = [ColumnSpec("fid", "integer")]
    path = write(tmp_path / "a.gpkg", VECTORS, fid, {"fid": [30, 10, 20, 50, 40]})
    _, vectors, _, _, ids = read(path)
    assert ids == [10, 20, 30, 40, 50]
    assert vectors.tobytes() == VECTORS[[1, 2, 0, 4, 3]].tobytes()
    for values in ([1, 2, 7, 2, 9], [1, 2, 3, 3, 4], [5, 6, 8, None, 9]):
        path = write(tmp_path / "b.gpkg", VECTORS, fid, {"fid": values})
        table, vectors, _, columns, ids = read(path)
        assert columns == {"fid": ids, "fid_1": values}
        assert len(set(ids)) == 5
        assert vectors.tobytes() == VECTORS.tobytes()


def test_columns_whose_names_collide_get_free_ones(tmp_path):
    columns = [ColumnSpec("geom", "text"), ColumnSpec("Name", "text"), ColumnSpec("name", "integer"),
               ColumnSpec("fid", "text")]
    path = write(tmp_path / "t.gpkg", VECTORS, columns,
                 {"geom": list("abcde"), "Name": list("fghij"), "name": [1, 2, 3, 4, 5], "fid": list("klmno")})
    _, _, wkb, found, _ = read(path)
    assert found.pop("fid") == [1, 2, 3, 4, 5]
    assert found == {"geom": list("abcde"), "Name": list("fghij"), "name_1": [1, 2, 3, 4, 5], "fid_1": list("klmno")}
    assert wkb[4] == point(4, 8)
    with pytest.raises(OutputError, match="embedding"):
        write(tmp_path / "u.gpkg", VECTORS, [ColumnSpec("Embedding", "text")], {"Embedding": list("abcde")})
    assert not list(tmp_path.glob("*u*"))


def test_the_space_is_found_in_the_layer_then_in_the_registry(tmp_path):
    registry = Registry(tmp_path / "spaces")
    path = write(tmp_path / "t.gpkg", VECTORS, registry=registry)
    assert open_table(path).space() == SPACE
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM gpkg_metadata")
    connection.commit()
    connection.close()
    bare = open_table(path)
    assert bare.space() is None
    assert isinstance(bare.identity(), SpaceKey)
    assert open_table(path, registry).space() == SPACE
    passed_on = write(tmp_path / "u.gpkg", VECTORS[:3], space=bare.identity(), coding="f2")
    assert open_table(passed_on).space_key == SPACE.key("f2")


def test_a_layer_that_describes_another_space_than_its_rows_is_not_believed(tmp_path):
    path = write(tmp_path / "t.gpkg", VECTORS)
    spoil(path, "UPDATE t SET embedding_space = ?", Space("other", 3).key())
    assert open_table(path).space() is None


def test_nothing_is_left_of_a_failed_table(tmp_path, gdal_errors):
    target = tmp_path / "t.gpkg"
    with pytest.raises(RuntimeError, match="boom"), TableWriter(target, utm(), ogr.wkbPoint, [], SPACE) as writer:
        writer.write([point(0, 0)], {}, VECTORS[:1])
        raise RuntimeError("boom")
    assert list(tmp_path.iterdir()) == []
    write(target, VECTORS)
    before = target.read_bytes()
    with pytest.raises(ValueError, match="dimensions"), TableWriter(target, utm(), ogr.wkbPoint, [], SPACE) as writer:
        writer.write([point(0, 0)], {}, np.zeros((1, 4), np.float32))
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_stale_journals_are_not_replayed_into_the_new_table(tmp_path):
    target = tmp_path / "t.gpkg"
    write(target, VECTORS)
    old = sqlite3.connect(target)
    old.execute("PRAGMA journal_mode = WAL")
    old.execute("UPDATE gpkg_contents SET description = 'changed'")
    old.commit()
    assert (tmp_path / "t.gpkg-wal").stat().st_size > 0
    write(target, VECTORS[::-1])
    assert integrity(target) == "ok"
    _, vectors, *_ = read(target)
    assert vectors.tobytes() == VECTORS[::-1].tobytes()
    old.close()


@pytest.mark.parametrize("text", ["{0}|layername=new", "ogr:dbname='{0}' table=\"new\" (geom)"])
def test_a_layer_inside_a_geopackage_leaves_the_others(tmp_path, text, gdal_errors):
    home = tmp_path / "home.gpkg"
    write(home, VECTORS)
    destination = text.format(home)
    write(destination, 2 * VECTORS, [ColumnSpec("day", "date")], {"day": VALUES["day"]})
    write(destination, 3 * VECTORS, [ColumnSpec("fid", "integer"), ColumnSpec("raw", "binary")],
          {"fid": [2, 4, 6, 8, 10], "raw": VALUES["raw"]})
    table, vectors, wkb, columns, ids = read(f"{home}|layername=new")
    assert vectors.tobytes() == (3 * VECTORS).tobytes()
    assert columns == {"fid": ids, "raw": VALUES["raw"]}
    assert ids == [2, 4, 6, 8, 10]
    assert wkb[1] == point(1, 2)
    assert table.space() == SPACE
    assert read(f"{home}|layername=home")[1].tobytes() == VECTORS.tobytes()
    assert read(f"{home}|layerid=0")[1].tobytes() == VECTORS.tobytes()
    assert integrity(home) == "ok"
    assert list(tmp_path.iterdir()) == [home]
    with pytest.raises(InputError, match="2 layers"):
        open_table(home)


def test_a_locked_geopackage_keeps_the_complete_result_beside_it(tmp_path):
    home = tmp_path / "home.gpkg"
    write(home, VECTORS)
    lock = sqlite3.connect(home, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    with pytest.raises(OutputError, match="home-new.gpkg"):
        write(f"{home}|layername=new", 2 * VECTORS)
    lock.execute("ROLLBACK")
    lock.close()
    assert read(tmp_path / "home-new.gpkg")[1].tobytes() == (2 * VECTORS).tobytes()
    assert read(home)[1].tobytes() == VECTORS.tobytes()


@pytest.mark.parametrize("name", ["t.shp", "t.parquet", "t", "t.geojson"])
def test_other_formats_are_refused_in_words(tmp_path, name):
    with pytest.raises(OutputError, match=r"GeoPackage.*\.gpkg"):
        write(tmp_path / name, VECTORS)


def test_sources_that_are_no_tables_are_told(tmp_path, sample_data, gdal_errors):
    with pytest.raises(InputError, match="doesn't exist"):
        open_table(tmp_path / "none.gpkg")
    with pytest.raises(InputError, match="no column “embedding”.*Import embeddings"):
        open_table(sample_data / "leipzig_sentinel2" / "leipzig_points.gpkg")
    path = write(tmp_path / "t.gpkg", VECTORS)
    with pytest.raises(InputError, match="no layer “x”"):
        open_table(path + "|layername=x")
    with pytest.raises(InputError, match="subset"):
        open_table(path + "|subset=fid > 2")
    with pytest.raises(InputError, match="no rows"):
        open_table(write(tmp_path / "e.gpkg", np.zeros((0, 3))))


def test_reading_changes_nothing(tmp_path):
    path = write(tmp_path / "t.gpkg", VECTORS)
    before = (tmp_path / "t.gpkg").read_bytes()
    read(path)
    assert (tmp_path / "t.gpkg").read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.gpkg"]


def test_a_registry_that_cannot_be_written_costs_nobody_the_table(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    path = write(tmp_path / "t.gpkg", VECTORS, registry=Registry(tmp_path / "file"))
    assert read(path)[0].space() == SPACE
    assert "can't be written" in caplog.text


def test_a_damaged_file_is_told(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(3000, 3)).astype(np.float32)
    path = write(tmp_path / "t.gpkg", vectors)
    whole = (tmp_path / "t.gpkg").read_bytes()
    for share in (0.3, 0.6, 0.9):
        (tmp_path / "t.gpkg").write_bytes(whole[:int(len(whole) * share) // 4096 * 4096])
        with pytest.raises(InputError, match="t.gpkg"):
            read(path)
    (tmp_path / "t.gpkg").write_bytes(whole[:40000] + bytes(100) * 4096 + whole[449600:])
    with pytest.raises(InputError, match="t.gpkg|“t”"):
        read(path)


def test_names_that_look_like_sql_are_only_names(tmp_path):
    column = 'a"; DROP TABLE "t'
    source = f'{tmp_path / "t.gpkg"}|layername=t"; DROP TABLE gpkg_contents; --'
    write(tmp_path / "t.gpkg", VECTORS)
    write(source, VECTORS, [ColumnSpec(column, "text")], {column: list("abcde")})
    table, vectors, _, columns, ids = read(source, id_field=column)
    assert columns[column] == ids == list("abcde")
    assert vectors.tobytes() == VECTORS.tobytes()
    assert read(f'{tmp_path / "t.gpkg"}|layername=t')[1].tobytes() == VECTORS.tobytes()


def test_values_beyond_float16_are_refused(tmp_path):
    with pytest.raises(OutputError, match="float32"):
        write(tmp_path / "t.gpkg", VECTORS, coding="f2")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.98, 0.995, 1.0])
def test_a_disk_that_fills_leaves_the_old_table_and_nothing_else(tmp_path, share, gdal_errors):
    resource = pytest.importorskip("resource", reason="only POSIX limits the size of files")
    vectors = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    size = os.path.getsize(write(tmp_path / "t.gpkg", vectors))
    old = (tmp_path / "t.gpkg").read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(size * share), before[1]))
    try:
        write(tmp_path / "t.gpkg", 2 * vectors)
        written = True
    except OutputError as error:
        written = False
        assert "t.gpkg can't be written" in str(error)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert written == (share == 1.0)
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.gpkg"]
    if written:
        assert read(tmp_path / "t.gpkg")[1].tobytes() == (2 * vectors).tobytes()
    else:
        assert (tmp_path / "t.gpkg").read_bytes() == old


KILLED = """
import os, signal, sys
import numpy as np
from osgeo import ogr
from earthprint.engine.space import Space
from earthprint.engine.table import TableWriter, within

moment, destination = sys.argv[1:]
if moment == "moving":
    plain = within._copy

    def copy_and_die(*arguments):
        plain(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    within._copy = copy_and_die
with TableWriter(destination, "", ogr.wkbNone, [], Space("rcf", 3)) as writer:
    # More than SQLite's cache holds, so that unfinished pages are in the file.
    rows = 10000 if moment == "moving" else 500
    for part in range(5):
        writer.write([None] * rows, {}, np.ones((rows, 3), np.float32))
        if moment == "writing" and part == 3:
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX's")
@pytest.mark.parametrize("moment", ["writing", "moving"])
@pytest.mark.parametrize("layer", ["", "|layername=new", "|layername=t"])
def test_a_killed_process_leaves_no_table_that_looks_finished(tmp_path, moment, layer):
    if moment == "moving" and not layer:
        pytest.skip("a file of its own is not moved but renamed")
    path = write(tmp_path / "t.gpkg", VECTORS)
    done = subprocess.run([sys.executable, "-c", KILLED, moment, path + layer], check=False,
                          env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)))
    assert done.returncode == -9
    table, vectors, *_ = read(path)
    assert vectors.tobytes() == VECTORS.tobytes()
    assert table.space() == SPACE
    assert integrity(path) == "ok"
    visible = sorted(entry.name for entry in tmp_path.glob("[!.]*.gpkg"))
    beside = [f"t-{layer.partition('=')[2]}.gpkg"] if moment == "moving" else []
    assert visible == beside + ["t.gpkg"]
    assert write(path + layer, 2 * VECTORS)
    assert read(path + (layer or "|layername=t"))[1].tobytes() == (2 * VECTORS).tobytes()
