"""Published tables are told by looking, decoded as they are coded, and joined by whatever names their places."""

from __future__ import annotations

import csv
import json
import struct

import numpy as np
import pytest
from osgeo import gdal, ogr

from earthprint.engine import packages
from earthprint.engine.errors import InputError, PackageError
from earthprint.engine.importing import GeometryJoin, ImportRequest, import_table
from earthprint.engine.importing.keys import match_keys
from earthprint.engine.products.opening import open_published
from earthprint.engine.products.quality import Gauge
from earthprint.engine.provenance import KNOWN
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, RowChunk, open_rows, open_table


class Recorder:
    """A progress that keeps what it was told."""

    def __init__(self):
        self.warnings, self.infos = [], []

    def report(self, fraction, text=None):
        assert 0 <= fraction <= 1

    def info(self, text):
        self.infos.append(text)

    def warn(self, text):
        self.warnings.append(text)

    def cancelled(self):
        return False


class PlainRows:
    """Rows that lie in memory."""

    def __init__(self, columns, types=None, points=False):
        self.data = columns
        self.name, self.wkt = "“rows”", ""
        self.geometry_type = ogr.wkbPoint if points else ogr.wkbNone
        self.columns = [ColumnSpec(name, (types or {}).get(name, "real")) for name in columns]
        self.count = len(next(iter(columns.values())))
        self.wkb = [struct.pack("<BIdd", 1, 1, row, -row) if points else None for row in range(self.count)]

    def rows(self, size=4096):
        for start in range(0, self.count, size):
            part = slice(start, start + size)
            yield RowChunk(np.arange(self.count)[part], self.wkb[part],
                           {name: list(cells[part]) for name, cells in self.data.items()})

    def distinct(self, column):
        return list(dict.fromkeys(self.data[column]))


def brought_in(tmp_path, rows, progress=None, **more):
    """Import rows and return the result, the table, all vectors, attributes and geometries."""
    result = import_table(ImportRequest(rows, str(tmp_path / "out.gpkg"), **more), progress or Recorder())
    table = open_table(tmp_path / "out.gpkg")
    chunks = list(table.chunks())
    columns = {name: sum((chunk.columns[name] for chunk in chunks), []) for name in chunks[0].columns}
    return result, table, np.concatenate([chunk.vectors for chunk in chunks]), columns, sum(
        (chunk.wkb for chunk in chunks), [])


def from_file(tmp_path, path, progress=None, **more):
    """Import a file as the algorithm does."""
    opened = open_published(path, more.get("product", "automatic"))
    return brought_in(tmp_path, opened.rows, progress, described=opened.described, file=opened.file, **more)


def wide(vectors, name="A{:02d}"):
    return {name.format(number): vectors[:, number].tolist() for number in range(vectors.shape[1])}


def unit(rows, dimensions, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(rows, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


# ---- AlphaEarth


def test_alphaearth_columns_are_alphaearth(tmp_path):
    vectors = unit(20, 64)
    progress = Recorder()
    result, table, found, _, _ = brought_in(tmp_path, PlainRows(wide(vectors)), progress, file="a.csv")
    assert found.tobytes() == vectors.tobytes()
    assert result.space == Space("alphaearth", 64, unit_norm=True)
    assert table.identity().provenance[0].attribution == KNOWN["alphaearth"].attribution
    assert table.identity().provenance[0].sources == ("a.csv",)
    assert progress.warnings == []


def test_signed_bytes_in_columns_are_expanded_and_minus_128_is_nodata(tmp_path):
    codes = np.clip(np.rint(np.sign(unit(30, 64)) * np.sqrt(np.abs(unit(30, 64))) * 127.5), -127, 127)
    codes[3] = -128
    expected = np.sign(codes) * (codes / 127.5) ** 2
    progress = Recorder()
    result, _, found, columns, _ = brought_in(
        tmp_path, PlainRows({**wide(codes), "place": list(range(30))}, {"place": "integer"}), progress)
    np.testing.assert_allclose(found, np.delete(expected, 3, axis=0), rtol=1e-6)
    assert columns["place"] == [row for row in range(30) if row != 3]
    assert (result.rows, result.left_out) == (29, 1)
    assert "of signed bytes" in progress.infos[1]


def test_columns_that_are_only_called_so_are_not_alphaearth(tmp_path):
    progress = Recorder()
    result, *_ = brought_in(tmp_path, PlainRows(wide(3.5 * unit(5, 64))), progress)
    assert not result.space.declared
    assert "vectors of length 3.5" in progress.warnings[0]


def test_the_user_may_say_so_unless_it_cannot_be(tmp_path):
    vectors = unit(6, 64)
    other = wide(unit(6, 70, 1), "B{:02d}")
    result, _, found, columns, _ = brought_in(
        tmp_path, PlainRows({**other, **wide(vectors)}), product="alphaearth")
    assert found.tobytes() == vectors.tobytes()
    assert "B69" in columns
    assert result.space.encoder == "alphaearth"
    with pytest.raises(InputError, match="vectors of 70 numbers, but AlphaEarth.*has 64"):
        brought_in(tmp_path, PlainRows(other), product="alphaearth")
    with pytest.raises(InputError, match="no unit vectors"):
        brought_in(tmp_path, PlainRows(wide(9.5 * vectors)), product="alphaearth")


def test_columns_out_of_order_are_told(tmp_path):
    names = [f"A{number:02d}" for number in range(64)]
    with pytest.raises(InputError, match="FIELDS names the columns A00-A63 out of order"):
        brought_in(tmp_path, PlainRows(wide(unit(5, 64))), fields=";".join(reversed(names)))


def test_alphaearth_points_of_the_sample_open_with_one_call(tmp_path, sample_data):
    path = sample_data / "alphaearth_clearing" / "alphaearth_clearing_west.gpkg"
    result, table, found, columns, wkb = from_file(tmp_path, path)
    rows = next(iter(open_rows(path).rows(500))).columns
    expected = np.array([rows[f"A{number:02d}"] for number in range(64)], dtype=np.float32).T
    assert found.tobytes() == expected.tobytes()
    assert (result.rows, result.space.encoder, table.geometry_type) == (294, "alphaearth", ogr.wkbPoint)
    assert columns["cleared"] == rows["cleared"]
    assert None not in wkb


# ---- TESSERA, PDFM and others in columns


def test_tessera_and_pdfm_columns(tmp_path):
    vectors = np.random.default_rng(1).normal(size=(4, 128)).astype(np.float32)
    result, _, found, _, _ = brought_in(tmp_path, PlainRows(wide(vectors, "Tessera_Band_{}")))
    assert (result.space, found.tobytes()) == (Space("tessera", 128), vectors.tobytes())
    vectors = np.random.default_rng(2).normal(size=(4, 330)).astype(np.float32)
    shuffled = dict(sorted(wide(vectors, "feature{}").items()))
    result, table, found, _, _ = brought_in(tmp_path, PlainRows(shuffled))
    assert (result.space.encoder, found.tobytes()) == ("pdfm", vectors.tobytes())
    assert table.identity().provenance[0].product == KNOWN["pdfm"].product


def pdfm_file(path, keys, dimensions=330):
    vectors = np.random.default_rng(3).normal(size=(len(keys), dimensions)).astype(np.float32)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["place", "population", "latitude", "longitude", *(f"feature{n}" for n in range(dimensions))])
        for row, (key, vector) in enumerate(zip(keys, vectors.tolist())):
            writer.writerow([key, 1000 + row, 30 + row / 10, -90 - row / 10, *vector])
    return vectors


def test_pdfm_finds_the_counties_by_itself(tmp_path, sample_data):
    counties = open_rows(sample_data / "us_counties_1980" / "us_counties_1980.gpkg")
    chunk = next(iter(counties.rows(40)))
    keys = [f"geoId/{fips}" for fips in chunk.columns["fips"]] + ["geoId/99999"]
    vectors = pdfm_file(tmp_path / "county_embeddings.csv", keys)
    progress = Recorder()
    result, table, found, columns, wkb = from_file(
        tmp_path, tmp_path / "county_embeddings.csv", progress, geometry=GeometryJoin(counties))
    assert found.tobytes() == vectors.tobytes()
    assert columns["place"] == keys
    assert wkb[:40] == chunk.wkb
    assert wkb[40] is None
    assert table.wkt == counties.wkt
    assert result.space.encoder == "pdfm"
    assert any("place of “county_embeddings” and fips" in text for text in progress.infos)
    assert any(text.startswith("1 of 41 rows") for text in progress.warnings)


def test_rows_without_geometry_become_points_where_they_say_where(tmp_path):
    pdfm_file(tmp_path / "county_embeddings.csv", ["a", "b", "c"])
    _, table, _, _, wkb = from_file(tmp_path, tmp_path / "county_embeddings.csv")
    assert struct.unpack("<BIdd", wkb[2])[2:] == (-90.2, 30.2)
    assert "WGS 84" in table.wkt


@pytest.mark.parametrize(("mine", "theirs", "found"), [
    (["geoId/01001", "geoId/48201"], ["01001", "48201"], 2), (["zip/02139", "zip/94043"], [2139, 94043], 2),
    ([1001, 48201.0], ["01001", "48201", "06037"], 2), (["01001"], ["geoId/01001"], 1), ([7, 70], ["07", "70"], 2),
    ([7], ["07", "7"], 1), (["a/b"], ["b"], 1), (["x"], ["y"], 0), ([None, "", 3], [None, "", 4], 0)])
def test_keys_meet_however_they_are_written(mine, theirs, found):
    assert match_keys(mine, theirs).found == found


def test_keys_that_meet_nothing_show_three_of_each_side(tmp_path):
    rows = PlainRows({**wide(unit(5, 64)), "geo": ["AL", "AK", "AZ", "AR", "CA"]}, {"geo": "text"})
    shapes = PlainRows({"code": ["1", "2"]}, {"code": "text"}, points=True)
    with pytest.raises(InputError, match="“AL”, “AK”, “AZ” against “1”, “2”.*KEY and GEOMETRY_KEY"):
        brought_in(tmp_path, rows, geometry=GeometryJoin(shapes, "geo", "code"))
    with pytest.raises(InputError, match="No column of “rows” names the places of “rows”"):
        brought_in(tmp_path, rows, geometry=GeometryJoin(shapes))


# ---- quality


def test_quality_counts_lengths_copies_and_impossible_values():
    vectors = unit(1000, 8)
    vectors[500] = vectors[3]
    vectors[501] = vectors[3]
    vectors[7] = [2, 0, 0, 0, 0, 0, 0, 0]
    gauge = Gauge(1.0)
    for start in range(0, 1000, 300):
        gauge.add(vectors[start:start + 300], 10)
    quality = gauge.result()
    assert (quality.count, quality.missing, quality.impossible, quality.copies) == (1000, 40, 1, 2)
    assert (quality.lengths.high, quality.lengths.median) == (2.0, pytest.approx(1))
    progress = Recorder()
    quality.tell("x", progress)
    assert "3.8% of 1040 rows without a vector; 1 with impossible values; 2 copies" in progress.infos[0]
    assert "values that the product can't have" in progress.warnings[0]


def test_vectors_that_differ_in_one_bit_are_no_copies():
    base = np.ones((64, 16), np.float32)
    words = base.view(np.uint32)
    for row in range(64):
        words[row, row % 16] ^= np.uint32(1 << (row // 16 * 3))
    words[0] = np.float32(1).view(np.uint32)
    gauge = Gauge()
    gauge.add(base)
    assert gauge.result().copies == 64 - len(np.unique(base, axis=0))


# ---- Parquet


pyarrow = pytest.importorskip("pyarrow")


def parquet(path, columns, metadata=None):
    import pyarrow.parquet

    table = pyarrow.table(columns).replace_schema_metadata(metadata or {})
    pyarrow.parquet.write_table(table, path, row_group_size=3)


def test_clay_opens_with_one_call(tmp_path, sample_data):
    import pyarrow.parquet

    path = sample_data / "clay_embeddings" / "clay_03WVN_20220610.parquet"
    plain = pyarrow.parquet.read_table(path).to_pydict()
    progress = Recorder()
    result, table, found, columns, wkb = from_file(tmp_path, path, progress)
    assert found.tobytes() == np.array(plain["embeddings"], dtype=np.float32).tobytes()
    assert wkb == plain["geometry"]
    assert columns["source_url"] == plain["source_url"]
    assert columns["date"] == [day.isoformat() for day in plain["date"]]
    assert result.space == Space("clay-v0", 768)
    assert "CRS84" in table.wkt or "WGS 84" in table.wkt
    assert table.geometry_type == ogr.wkbPolygon
    assert "ODC-BY" in table.identity().provenance[0].licence
    assert progress.warnings == []


@pytest.mark.parametrize("kind", ["list", "large_list", "fixed", "double", "int8"])
def test_lists_of_every_kind(tmp_path, kind):
    vectors = np.random.default_rng(4).integers(-99, 99, (8, 10)).astype(np.float32)
    inner = {"double": pyarrow.float64(), "int8": pyarrow.int8()}.get(kind, pyarrow.float32())
    types = {"large_list": pyarrow.large_list(inner), "fixed": pyarrow.list_(inner, 10)}
    cells = [None if row == 5 and kind != "fixed" else vector.tolist() for row, vector in enumerate(vectors)]
    parquet(tmp_path / "t.parquet", {"embedding": pyarrow.array(cells, types.get(kind, pyarrow.list_(inner))),
                                     "tags": [["a"], []] * 4, "n": list(range(8))})
    result, _, found, columns, _ = from_file(tmp_path, tmp_path / "t.parquet", product="parquet")
    kept = [row for row in range(8) if cells[row] is not None]
    assert found.tobytes() == vectors[kept].tobytes()
    assert columns["n"] == kept
    assert json.loads(columns["tags"][0]) == ["a"]
    assert result.left_out == 8 - len(kept)


def test_ragged_lists_are_told(tmp_path):
    parquet(tmp_path / "t.parquet", {"embedding": [[1.0] * 8, [1.0] * 7]})
    with pytest.raises(InputError, match="Row 2 of “t” has a list of 7 numbers where those before have 8"):
        from_file(tmp_path, tmp_path / "t.parquet")


def test_major_tom_tells_its_licence_but_not_its_encoder(tmp_path):
    points = [struct.pack("<BIdd", 1, 1, row, -row) for row in range(4)]
    parquet(tmp_path / "t.parquet", {"unique_id": list("abcd"), "grid_cell": ["454U_119R"] * 4, "product_id": ["p"] * 4,
                                     "utm_crs": ["EPSG:32633"] * 4, "embedding": unit(4, 256).tolist(),
                                     "geometry": points})
    progress = Recorder()
    result, table, _, _, wkb = from_file(tmp_path, tmp_path / "t.parquet", progress)
    assert not result.space.declared
    assert table.identity().provenance[0].licence == "CC BY-SA 4.0"
    assert wkb == points
    assert "WGS 84" in table.wkt


def test_parquet_without_pyarrow_is_one_sentence(tmp_path, monkeypatch):
    parquet(tmp_path / "t.parquet", {"embedding": [[1.0] * 8]})
    monkeypatch.setattr(packages, "_spec_exists", lambda name: name != "pyarrow")
    monkeypatch.setattr(packages, "_find_spec", lambda name: None)
    if gdal.GetDriverByName("Parquet") is not None:
        pytest.skip("this GDAL opens Parquet by itself")
    with pytest.raises(PackageError, match="pyarrow"):
        open_published(tmp_path / "t.parquet")


def test_a_file_that_is_no_parquet_is_told(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"PAR1" + bytes(40))
    with pytest.raises(InputError, match="can't be read as Parquet"):
        open_published(tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match="is no Parquet file"):
        open_published(tmp_path / "t.csv", "parquet")


# ---- NumPy


def test_an_array_with_ids_joins_geometries(tmp_path):
    vectors = np.random.default_rng(5).normal(size=(6, 12)).astype(np.float32)
    np.save(tmp_path / "v.npy", vectors)
    np.save(tmp_path / "v_ids.npy", np.array([f"0{row}" for row in range(6)]))
    shapes = PlainRows({"code": [f"0{row}" for row in range(8)]}, {"code": "text"}, points=True)
    _, _, found, columns, wkb = from_file(tmp_path, tmp_path / "v.npy", geometry=GeometryJoin(shapes))
    assert found.tobytes() == vectors.tobytes()
    assert columns["id"] == [f"0{row}" for row in range(6)]
    assert wkb == shapes.wkb[:6]


@pytest.mark.parametrize("text", ["code\n007\n\n08\n", "code,name\n007,\n08,b\n", "\ufeffcode\r\n007\r\n08"])
def test_ids_in_a_csv_are_texts(tmp_path, text):
    np.save(tmp_path / "v.npy", np.ones((2, 8), np.float32))
    (tmp_path / "v_ids.csv").write_text(text, encoding="utf-8")
    _, _, _, columns, _ = from_file(tmp_path, tmp_path / "v.npy")
    assert columns["code"] == ["007", "08"]
    assert columns.get("name", [None, "b"]) == [None, "b"]


def test_an_array_alone_is_numbered(tmp_path):
    np.save(tmp_path / "v.npy", np.arange(24, dtype=np.float64).reshape(3, 8))
    _, _, found, columns, _ = from_file(tmp_path, tmp_path / "v.npy", product="numpy")
    assert (found.tolist(), columns["row"]) == (np.arange(24).reshape(3, 8).tolist(), [0, 1, 2])


@pytest.mark.parametrize(("array", "message"), [
    (np.zeros((2, 3, 4)), "a grid of vectors .2 × 3 × 4.*Import embedding raster"), (np.zeros(3), "rows of vectors"),
    (np.array(["a"]), "no array of numbers"), (np.array([{}], dtype=object), "can't be read as an array")])
def test_arrays_that_are_no_rows_are_told(tmp_path, array, message):
    np.save(tmp_path / "v.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match=message):
        open_published(tmp_path / "v.npy")


def test_ids_of_another_array_are_told(tmp_path):
    np.save(tmp_path / "v.npy", np.zeros((3, 8)))
    np.save(tmp_path / "v_ids.npy", np.arange(4))
    with pytest.raises(InputError, match="has 3 vectors but v_ids.npy beside it has 4 rows"):
        open_published(tmp_path / "v.npy")


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_a_csv_of_any_delimiter_with_geometries(tmp_path, sign):
    vectors = np.random.default_rng(6).normal(size=(3, 9)).astype(np.float32)
    lines = [sign.join(["WKT", "code", *(f"e{number}" for number in range(9))])]
    lines += [sign.join([f'"POINT ({row} 2.5)"', f"0{row}", *map(repr, map(float, vectors[row]))]) for row in range(3)]
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "t.prj").write_text("EPSG:32633", encoding="utf-8")
    _, table, found, columns, wkb = from_file(tmp_path, tmp_path / "t.csv")
    assert found.tobytes() == vectors.tobytes()
    assert columns["code"] == ["00", "01", "02"]
    assert [struct.unpack("<BIdd", shape)[2:] for shape in wkb] == [(row, 2.5) for row in range(3)]
    assert "zone 33N" in table.wkt


def test_text_among_numbers_is_told_by_its_row(tmp_path):
    lines = [",".join(f"e{number}" for number in range(8)), *[",".join(["1.5"] * 8)] * 400,
             ",".join(["1.5"] * 7 + ["n/a"])]
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match="Row 401 of “t” has “n/a” in column “e7”, which is no number"):
        from_file(tmp_path, tmp_path / "t.csv")
