"""GeoPackages written in bulk hold what GDAL would have written, down to geometries, index, extent and triggers."""

from __future__ import annotations

import sqlite3
import struct
from pathlib import Path
from typing import Any, List, Optional, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from osgeo import gdal, ogr, osr

from earthprint.engine.errors import OutputError
from earthprint.engine.plain_layer import LayerWriter
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter
from earthprint.engine.table.spatial_index import outward

SHAPES = [
    "POINT (1 2)", "POINT EMPTY", "POINT Z (1 2 3)", "POINT M (1 2 3)", "POINT ZM (1 2 3 4)",
    "LINESTRING (0 0,1 5,-3 2)", "LINESTRING Z (0 0 1,1 5 9)", "LINESTRING M (0 0 1,1 5 9)", "LINESTRING EMPTY",
    "POLYGON ((0 0,1 0,1 1,0 0))", "POLYGON ((0 0,9 0,9 9,0 0),(4 1,5 1,5 2,4 1))", "POLYGON EMPTY",
    "MULTIPOINT (1 2)", "MULTIPOINT (1 2,3 4)", "MULTIPOINT EMPTY", "MULTILINESTRING ((0 0,1 1))",
    "MULTILINESTRING ((0 0,1 1),(5 5,6 7))", "MULTIPOLYGON (((0 0,1 0,1 1,0 0)))",
    "MULTIPOLYGON (((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))", "MULTIPOLYGON Z (((0 0 1,1 0 2,1 1 3,0 0 1)))",
    "GEOMETRYCOLLECTION (POINT (1 2),LINESTRING (0 0,1 1))", "GEOMETRYCOLLECTION EMPTY",
    "GEOMETRYCOLLECTION (POINT EMPTY,POINT (1 2))", "CIRCULARSTRING (0 0,1 1,2 0)",
    "GEOMETRYCOLLECTION (CURVEPOLYGON (CIRCULARSTRING (0 0,1 1,2 0,1 -1,0 0)))", "TIN (((0 0,1 0,1 1,0 0)))", None,
]
MOMENTS = [
    "2021-02-03", "2021/02/03", "2021-13-45", "", "x", "2021-02-03T04:05:06", "2021-02-03 04:05:06",
    "2021-02-03T04:05:06Z", "2021-02-03T04:05:06.5Z", "2021-02-03T04:05:06.123456Z", "2021-02-03T04:05:06+02:00",
    "2021-02-03T04:05:06.25-03:30", "2021-02-03T04:05", "04:05:06", "04:05", "04:05:06.789", "2021-02-03T24:00:00",
    "2021-02-03T04:05:06.001", "0001-01-01"]


def utm() -> osr.SpatialReference:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32632)
    return reference


def wkb_of(shape: Optional[str], big: bool = False) -> Optional[bytes]:
    return None if shape is None else bytes(
        ogr.CreateGeometryFromWkt(shape).ExportToIsoWkb(ogr.wkbXDR if big else ogr.wkbNDR))


def by_gdal(path: Path, kind: int, shapes: Sequence[Optional[str]]) -> str:
    dataset = gdal.GetDriverByName("GPKG").Create(str(path), 0, 0, 0, gdal.GDT_Unknown)
    layer = dataset.CreateLayer("t", utm(), kind, ["GEOMETRY_NAME=geom"])
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    for shape in shapes:
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometryDirectly(None if shape is None else ogr.CreateGeometryFromWkt(shape))
        layer.CreateFeature(feature)
    del layer, dataset
    gdal.PopErrorHandler()
    return str(path)


def in_bulk(path: Path, kind: int, wkb: Sequence[Optional[bytes]], chunk: int = 1000) -> str:
    with LayerWriter(f"{path}|layername=t", utm().ExportToWkt(), kind, []) as writer:
        for start in range(0, len(wkb), chunk):
            writer.write(wkb[start:start + chunk], {})
    return str(path)


def ask(path: object, query: str, *values: object) -> List[Any]:
    connection = sqlite3.connect(str(path))
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


def assert_sound(path: object) -> None:
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]
    assert ask(path, "PRAGMA foreign_key_check") == []
    assert ask(path, "SELECT rtreecheck('rtree_t_geom')") == [("ok",)]
    assert ask(path, "PRAGMA application_id") == [(0x47504B47,)]


@pytest.mark.parametrize("big", [False, True], ids=["little-endian", "big-endian"])
@pytest.mark.parametrize("kind", [ogr.wkbUnknown, ogr.wkbPoint, ogr.wkbMultiPolygon, ogr.wkbLineString25D,
                                  ogr.wkbCurvePolygon])
def test_a_file_equals_that_of_gdal_feature_by_feature(tmp_path: Path, kind: int, big: bool) -> None:
    theirs = by_gdal(tmp_path / "theirs.gpkg", kind, SHAPES)
    ours = in_bulk(tmp_path / "ours.gpkg", kind, [wkb_of(shape, big) for shape in SHAPES])
    assert_sound(ours)
    for query in ("SELECT fid, hex(geom) FROM t ORDER BY fid", "SELECT * FROM rtree_t_geom ORDER BY id",
                  "SELECT table_name, column_name, geometry_type_name, srs_id FROM gpkg_geometry_columns",
                  "SELECT * FROM gpkg_extensions ORDER BY extension_name",
                  "SELECT table_name, data_type, identifier, min_x, min_y, max_x, max_y, srs_id FROM gpkg_contents",
                  "SELECT * FROM gpkg_ogr_contents", "SELECT * FROM sqlite_sequence",
                  "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
                  "SELECT sql FROM sqlite_master WHERE name = 't'", "PRAGMA user_version"):
        assert ask(ours, query) == ask(theirs, query), query
    # 0 would forbid what is there; GDAL says so from 3.7 on.
    assert ask(ours, "SELECT z, m FROM gpkg_geometry_columns") == [(1 if kind == ogr.wkbLineString25D else 2, 2)]


def test_each_kind_alone_equals_that_of_gdal(tmp_path: Path) -> None:
    """A chunk of one kind goes another way than a mixed one."""
    for number, shape in enumerate(SHAPES[:20]):
        theirs = by_gdal(tmp_path / f"a{number}.gpkg", ogr.wkbUnknown, [shape] * 3)
        ours = in_bulk(tmp_path / f"b{number}.gpkg", ogr.wkbUnknown, [wkb_of(shape)] * 3)
        for query in ("SELECT hex(geom) FROM t", "SELECT * FROM rtree_t_geom"):
            assert ask(ours, query) == ask(theirs, query), shape


@pytest.mark.parametrize("damage", [b"", b"\x01\x03", b"\x01\x03\0\0\0\x01\0\0\0\xff\0\0\0" + bytes(16),
                                    struct.pack("<BIII", 1, 3, 1, 4) + bytes(48), b"nonsense"])
def test_damaged_geometries_are_told_by_their_row(tmp_path: Path, damage: bytes) -> None:
    whole = wkb_of("POLYGON ((0 0,1 0,1 1,0 0))")
    with pytest.raises(OutputError, match="geometry of row 5 .*Fix geometries"):
        in_bulk(tmp_path / "t.gpkg", ogr.wkbPolygon, [whole] * 4 + [damage, whole], 3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("rows", [1, 51, 52, 2601, 2602, 7000])
def test_the_index_finds_what_a_walk_through_all_rows_finds(tmp_path: Path, rows: int) -> None:
    chance = np.random.default_rng(rows)
    places = chance.normal(size=(rows, 2)) * [1e5, 1e-3] + [5e6, 0]
    path = in_bulk(tmp_path / "t.gpkg", ogr.wkbPoint, [struct.pack("<BIdd", 1, 1, *place) for place in places])
    assert_sound(path)
    assert ask(path, "SELECT count(*) FROM rtree_t_geom") == [(rows,)]
    dataset = gdal.OpenEx(path)
    layer = dataset.GetLayer(0)
    for _ in range(20):
        west, east = np.sort(chance.choice(places[:, 0], 2))
        south, north = np.sort(chance.choice(places[:, 1], 2))
        layer.SetSpatialFilterRect(west, south, east, north)
        inside = (places >= [west, south]).all(axis=1) & (places <= [east, north]).all(axis=1)
        assert sorted(feature.GetFID() for feature in layer) == (np.flatnonzero(inside) + 1).tolist()


def test_edits_afterwards_keep_the_index_right(tmp_path: Path) -> None:
    path = in_bulk(tmp_path / "t.gpkg", ogr.wkbPoint, [wkb_of(f"POINT ({row} {-row})") for row in range(300)])
    dataset = gdal.OpenEx(path, gdal.OF_UPDATE)
    layer = dataset.GetLayer(0)
    for row in range(0, 300, 3):
        layer.DeleteFeature(row + 1)
    for row in range(1, 300, 3):
        feature = layer.GetFeature(row + 1)
        feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POINT ({row} {1000 + row})"))
        layer.SetFeature(feature)
    for row in range(200):
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POINT ({row} 5000)"))
        layer.CreateFeature(feature)
    del layer, dataset
    assert_sound(path)
    assert ask(path, "SELECT feature_count FROM gpkg_ogr_contents") == [(400,)]
    boxes = ask(path, "SELECT id, minx, maxx, miny, maxy FROM rtree_t_geom ORDER BY id")
    expected = ([(row + 1, row, row, -row, -row) if row % 3 == 2 else (row + 1, row, row, 1000 + row, 1000 + row)
                 for row in range(300) if row % 3] + [(301 + row, row, row, 5000, 5000) for row in range(200)])
    assert boxes == expected


@given(some.lists(some.tuples(*[some.floats(allow_nan=False, allow_infinity=False)] * 4), min_size=1, max_size=20))
def test_boxes_in_the_index_hold_the_exact_ones(values: List[Any]) -> None:
    exact = np.array([[min(a, b), max(a, b), min(c, d), max(c, d)] for a, b, c, d in values])
    around = outward(exact).astype(np.float64)
    assert (around[:, 0::2] <= exact[:, 0::2]).all() and (around[:, 1::2] >= exact[:, 1::2]).all()
    usual = np.abs(exact) < 3e38
    step = np.spacing(np.abs(exact[usual]).astype(np.float32)).astype(np.float64)
    assert (np.abs(around - exact)[usual] <= step).all()


def test_attributes_are_stored_as_gdal_stores_them(tmp_path: Path) -> None:
    kinds = {"date": ogr.OFTDate, "datetime": ogr.OFTDateTime, "time": ogr.OFTTime}
    dataset = gdal.GetDriverByName("GPKG").Create(str(tmp_path / "theirs.gpkg"), 0, 0, 0, gdal.GDT_Unknown)
    layer = dataset.CreateLayer("t", None, ogr.wkbNone)
    for name, kind in kinds.items():
        layer.CreateField(ogr.FieldDefn(name, kind))
    layer.CreateField(ogr.FieldDefn("whole", ogr.OFTInteger))
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    for text in MOMENTS:
        feature = ogr.Feature(layer.GetLayerDefn())
        for name in kinds:
            feature.SetField(name, text)
        feature.SetField("whole", 2 ** 40)
        layer.CreateFeature(feature)
    gdal.PopErrorHandler()
    del layer, dataset
    columns = [ColumnSpec(name, name) for name in kinds] + [ColumnSpec("whole", "integer")]
    with LayerWriter(f"{tmp_path / 'ours.gpkg'}|layername=t", "", ogr.wkbNone, columns) as writer:
        writer.write([None] * len(MOMENTS), {**dict.fromkeys(kinds, MOMENTS), "whole": [2 ** 40] * len(MOMENTS)})
    for query in ("SELECT date, datetime, time, whole FROM t", "SELECT sql FROM sqlite_master WHERE name = 't'"):
        assert ask(tmp_path / "ours.gpkg", query) == ask(tmp_path / "theirs.gpkg", query)


def test_plain_layers_keep_ids_and_rename_what_collides(tmp_path: Path) -> None:
    columns = [ColumnSpec("fid", "integer"), ColumnSpec("geom", "text"), ColumnSpec("Name", "text"),
               ColumnSpec("name", "boolean"), ColumnSpec("list", "json")]
    values = {"fid": [3, 9, 9], "geom": ["a", "b", "c"], "Name": ["x", None, "z"], "name": [True, None, False],
              "list": [[1, "é"], None, {"a": 2}]}
    with LayerWriter(str(tmp_path / "t.gpkg"), "", ogr.wkbPoint, columns) as writer:
        for row in range(3):
            writer.write([wkb_of("POINT (1 2)")], {name: cells[row:row + 1] for name, cells in values.items()})
    assert writer.count == 3
    assert ask(tmp_path / "t.gpkg", "SELECT fid, fid_1, geom, Name, name_1, list FROM t ORDER BY fid") == [
        (3, 3, "a", "x", 1, '[1, "é"]'), (9, 9, "b", None, None, None), (10, 9, "c", "z", 0, '{"a": 2}')]
    assert ask(tmp_path / "t.gpkg", "SELECT column_name FROM gpkg_geometry_columns") == [("geom_1",)]
    assert ask(tmp_path / "t.gpkg", "SELECT id FROM rtree_t_geom_1 ORDER BY id") == [(3,), (9,), (10,)]


def test_long_vectors_get_large_pages_and_short_ones_small_files(tmp_path: Path) -> None:
    for dimensions, size in ((256, 16384), (3, 4096)):
        path = tmp_path / f"{dimensions}.gpkg"
        with TableWriter(path, "", ogr.wkbPoint, [], Space("e", dimensions)) as writer:
            writer.write([wkb_of("POINT (1 2)")], {}, np.ones((1, dimensions), np.float32))
        assert ask(path, "PRAGMA page_size") == [(size,)]
        assert ask(path, "PRAGMA journal_mode") == [("delete",)]
        assert ask(path, "PRAGMA application_id") == [(0x47504B47,)]


def test_texts_in_another_encoding_stop_nobody_from_reading(tmp_path: Path) -> None:
    from earthprint.engine.table import open_rows

    with LayerWriter(str(tmp_path / "t.gpkg"), "", ogr.wkbNone, [ColumnSpec("name", "text")]) as writer:
        writer.write([None] * 9, {"name": [f"n{row}" for row in range(9)]})
    connection = sqlite3.connect(tmp_path / "t.gpkg")
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f'DROP TRIGGER "{trigger}"')
    connection.execute("UPDATE t SET name = CAST(x'4772F6DF65' AS TEXT) WHERE fid IN (4, 8)")
    connection.commit()
    connection.close()
    chunks = list(open_rows(tmp_path / "t.gpkg").rows(2))
    names = [name for chunk in chunks for name in chunk.columns["name"]]
    assert names == ["n0", "n1", "n2", "Gr��e", "n4", "n5", "n6", "Gr��e", "n8"]
