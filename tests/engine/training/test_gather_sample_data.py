"""Gathering from real layers, checked against what other programs read of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any, List

import numpy as np
from osgeo import gdal, ogr
from scipy import stats
from small_fields import write_field

from earthprint.engine.importing import ImportRequest, import_table
from earthprint.engine.progress import Silent
from earthprint.engine.table import open_rows
from earthprint.engine.training.gathering import GatherRequest, gather


def query(path: Path, text: str) -> "List[Any]":
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(text).fetchall()


def test_leipzig_points_over_its_raster(sample_data: Path) -> None:
    layer, raster = (sample_data / "leipzig_sentinel2" / name for name in ("leipzig_points.gpkg", "leipzig_s2.tif"))
    rows = open_rows(layer)
    found = gather(GatherRequest(rows, ("land_cover",), "classification", str(raster), sampling="nearest",
                                 merge="pasture=open land"), Silent())
    dataset = gdal.Open(str(raster))
    values, (x, dx, _, y, _, dy) = dataset.ReadAsArray(), dataset.GetGeoTransform()
    source = ogr.Open(str(layer))
    places = np.array([feature.GetGeometryRef().GetPoint_2D() for feature in source.GetLayer(0)])
    columns, lines = ((places - [x, y]) / [dx, dy]).astype(int).T
    np.testing.assert_array_equal(found.vectors, values[:, lines, columns].T.astype(np.float32))
    np.testing.assert_allclose(found.points, places)
    truth = [text for text, in query(layer, "SELECT land_cover FROM leipzig_points ORDER BY fid")]
    names = [entry.value for entry in found.target.classes]
    assert names == ["forest", "open land", "urban", "water"]
    assert [entry.count for entry in found.target.classes] == [28, 20, 36, 13]
    assert [names[index] for index in found.targets] == [text.replace("pasture", "open land") for text in truth]
    assert found.counts.used == found.counts.read == 97


def test_alphaearth_clearing_once_it_is_a_table(sample_data: Path, tmp_path: Path) -> None:
    layer = sample_data / "alphaearth_clearing" / "alphaearth_clearing_west.gpkg"
    table = tmp_path / "table.gpkg"
    import_table(ImportRequest(open_rows(layer), str(table), fields="A00-A63"), Silent())
    found = gather(GatherRequest(open_rows(table), ("cleared",), "classification"), Silent())
    names = ", ".join(f"A{number:02}" for number in range(64))
    read = np.array(query(layer, f"SELECT {names}, cleared FROM alphaearth_clearing_west ORDER BY fid"))
    np.testing.assert_array_equal(found.vectors, read[:, :64].astype(np.float32))
    assert found.target.codes == (0, 1)
    np.testing.assert_array_equal(found.targets, read[:, 64])
    assert any("CC BY 4.0" in product.licence for product in found.identity.provenance)
    joined = gather(GatherRequest(open_rows(layer), ("cleared",), "classification", open_rows(table)), Silent())
    np.testing.assert_array_equal(joined.vectors, found.vectors)


def test_all_houses_with_numbers_and_texts(sample_data: Path, tmp_path: Path) -> None:
    layer = sample_data / "lucas_houses" / "lucas_houses.gpkg"
    rows = open_rows(layer)
    dataset = ogr.Open(str(layer))
    west, east, south, north = dataset.GetLayer(0).GetExtent()
    size = max(east - west, north - south) / 200
    values = np.random.default_rng(0).normal(size=(4, 202, 202))
    field = write_field(tmp_path / "field.tif", values, (west - size, size, 0, north + size, 0, -size), 2834)
    found = gather(GatherRequest(rows, ("price",), embeddings=field, sampling="nearest", transform="boxcox",
                                 columns=("TLA", "rooms", "wall", "stories"), group="syear"), Silent())
    assert found.counts.used == found.counts.read == 25357 and found.vectors.shape == (25357, 4)
    read = query(layer, "SELECT price, TLA, rooms, wall, stories, syear FROM lucas_houses ORDER BY fid")
    price, area, rooms, wall, stories, year = map(list, zip(*read))
    shift, power = found.target.transforms[0].shift, found.target.transforms[0].power
    assert shift == 0.0 and abs(power - stats.boxcox_normmax(np.array(price), method="mle")) < 1e-3
    np.testing.assert_allclose(found.targets[:, 0], stats.boxcox(np.array(price), power), rtol=1e-9)
    np.testing.assert_allclose(found.target.inverse(found.targets)[:, 0], price, rtol=1e-9)
    np.testing.assert_array_equal(found.columns[:, 0], np.array(area, dtype=np.float32))
    known = [value for value in rooms if value is not None]
    np.testing.assert_array_equal(found.columns[:, 1], np.array(
        [median(known) if value is None else value for value in rooms], dtype=np.float32))
    for name, cells in (("wall", wall), ("stories", stories)):
        part = found.column_plan.groups[name]
        for encoded, level in zip(found.columns[:, part].T, found.column_plan.names[part]):
            expected = [(value or "(missing)") == level.partition("=")[2] for value in cells]
            np.testing.assert_array_equal(encoded, np.array(expected, dtype=np.float32))
        assert (found.columns[:, part].sum(axis=1) == 1).all()
    assert found.groups is not None
    assert [found.group_names[group] for group in found.groups[:500]] == [str(value) for value in year[:500]]


def test_georgia_counties_by_their_centres(sample_data: Path, tmp_path: Path) -> None:
    layer = sample_data / "georgia_counties" / "georgia_counties.gpkg"
    values = np.random.default_rng(1).normal(size=(2, 130, 110))
    transform = (620000.0, 5000.0, 0.0, 3900000.0, 0.0, -5000.0)
    field = write_field(tmp_path / "field.tif", values, transform, 26916)
    found = gather(GatherRequest(open_rows(layer), ("PctBach", "PctPov"), embeddings=field, cells="4"), Silent())
    dataset = ogr.Open(str(layer))
    counties = [feature.Clone() for feature in dataset.GetLayer(0)]
    assert np.bincount(found.units, minlength=159).max() == 4 and set(found.units) == set(range(159))
    column, row = (found.points[:, 0] - 620000) / 5000 - 0.5, (3900000 - found.points[:, 1]) / 5000 - 0.5
    np.testing.assert_array_equal(found.vectors, values[:, np.rint(row).astype(int), np.rint(column).astype(int)].T
                                  .astype(np.float32))
    for unit, (x, y), target in zip(found.units, found.points.tolist(), found.targets):
        county = counties[unit]
        assert target.tolist() == [county["PctBach"], county["PctPov"]]
        assert county.GetGeometryRef().Contains(ogr.CreateGeometryFromWkt(f"POINT({x} {y})"))
