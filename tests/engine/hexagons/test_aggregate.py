"""Fields and tables in hexagons against sums over cells that the h3 library names one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np
import pytest
from osgeo import ogr, osr
from small_fields import wkt_of, write_bands, write_field

from earthprint.engine.centres import point_wkb
from earthprint.engine.coding import ALPHAEARTH
from earthprint.engine.errors import InputError
from earthprint.engine.geodesy import equal_area
from earthprint.engine.hexagons.gathering import CellSums, Gathered
from earthprint.engine.hexagons.raster import RasterHexagons, aggregate_field
from earthprint.engine.hexagons.request import CENTRES, HexagonOptions
from earthprint.engine.hexagons.table import TableHexagons, aggregate_table
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space, parse_key
from earthprint.engine.table import ColumnSpec, TableWriter, open_table

h3 = pytest.importorskip("h3")

Row = Tuple[np.ndarray, int, float]


def rows_of(path: str) -> "Dict[str, Row]":
    found: "Dict[str, Row]" = {}
    for chunk in open_table(path).chunks():
        names = chunk.columns["h3"]
        assert not found.keys() & set(names)
        found.update(zip(names, zip(chunk.vectors, chunk.columns["count"], chunk.columns["dispersion"])))
    return found


def check(found: "Dict[str, Row]", values: np.ndarray, weights: np.ndarray, names: "List[str]", unit: bool) -> None:
    """Compare with plain sums; `values` is `(n, dims)`, NaN where there is none."""
    want: "Dict[str, List[int]]" = {}
    for number, name in enumerate(names):
        if np.isfinite(values[number]).all():
            want.setdefault(name, []).append(number)
    assert set(want) == set(found)
    for name, numbers in want.items():
        part, share = values[numbers].astype(np.float64), weights[numbers] / weights[numbers].sum()
        mean = share @ part
        spread = np.sqrt(share @ ((part - mean) ** 2).sum(axis=1))
        vector, count, dispersion = found[name]
        assert count == len(numbers)
        assert np.allclose(vector, mean / np.linalg.norm(mean) if unit else mean, atol=2e-6)
        assert dispersion == pytest.approx(spread, abs=2e-3)


def test_a_field_of_the_world(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(3, 1, (3, 150, 300)).astype(np.float32)
    values[:, 30:44, 100:130] = np.nan
    values[2, 80, 80] = np.nan
    field = write_bands(tmp_path / "world.tif", values, (-180, 1.2, 0, 90, 0, -1.2), 4326, -1.0)
    latitude, longitude = 90 - 1.2 * (np.arange(150) + 0.5), -180 + 1.2 * (np.arange(300) + 0.5)
    area = np.repeat(-np.diff(equal_area(90 - 1.2 * np.arange(151))), 300)
    for resolution in (1, 2):
        names = [h3.latlng_to_cell(y, x, resolution) for y in latitude for x in longitude]
        options = HexagonOptions(str(tmp_path / "out.gpkg"), resolution, memory_mib=64)
        result = aggregate_field(RasterHexagons(field, options), Silent())
        found = rows_of(result.output)
        check(found, values.reshape(3, -1).T, area, names, False)
        assert result.hexagons == len(found)


def test_a_projected_field_of_unit_vectors_keeps_space_and_licence(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(0, 1, (8, 300, 280)) + np.linspace(-2, 2, 8)[:, None, None]
    values /= np.linalg.norm(values, axis=0)
    values[:, 40:60, 200:] = np.nan
    space = Space("alphaearth-v1", 8, unit_norm=True)
    field = write_field(tmp_path / "unit.tif", values, (500000, 10, 0, 5700000, 0, -10), space=space, coding=ALPHAEARTH)
    stored = ALPHAEARTH.decode(ALPHAEARTH.encode(values.astype(np.float32)))
    x, y = np.meshgrid(500000 + 10 * (np.arange(280) + 0.5), 5700000 - 10 * (np.arange(300) + 0.5))
    source, target = osr.SpatialReference(), osr.SpatialReference()
    for reference, epsg in ((source, 32633), (target, 4326)):
        reference.ImportFromEPSG(epsg)
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    way = osr.CoordinateTransformation(source, target)
    places = way.TransformPoints(np.column_stack([x.ravel(), y.ravel()]).tolist())
    names = [h3.latlng_to_cell(place[1], place[0], 9) for place in places]
    result = aggregate_field(RasterHexagons(field, HexagonOptions(str(tmp_path / "out.gpkg"), 9, CENTRES)), Silent())
    check(rows_of(result.output), stored.reshape(8, -1).T, np.ones(len(names)), names, True)
    table = open_table(result.output)
    assert parse_key(table.space_key).same_space(parse_key(space.key()))
    assert "Google" in " ".join(item.attribution for item in table.identity().provenance)
    [chunk] = list(table.chunks())
    for name, point in zip(chunk.columns["h3"], chunk.wkb):
        place = ogr.CreateGeometryFromWkb(point)
        assert (place.GetY(), place.GetX()) == pytest.approx(h3.cell_to_latlng(name))


def test_the_resolution_is_chosen_by_the_size_of_cells(tmp_path: Path) -> None:
    field = write_field(tmp_path / "field.tif", np.ones((2, 120, 120)), (500000, 10, 0, 5700000, 0, -10))
    result = aggregate_field(RasterHexagons(field, HexagonOptions(str(tmp_path / "out.gpkg"))), Silent())
    assert result.resolution == 11 and h3.average_hexagon_area(11, "m^2") >= 800 > h3.average_hexagon_area(12, "m^2")
    assert all(dispersion < 1e-6 for _, _, dispersion in rows_of(result.output).values())


def test_hexagons_are_let_go_when_they_are_complete() -> None:
    gathered = Gathered(np.zeros(1))
    sums = np.array([[1.0, 1.0], [2.0, 4.0]])
    for turn, cells in ((0, [5, 3]), (16, [3, 9]), (32, [9, 7])):
        gathered.take(CellSums(np.array(cells, dtype=np.uint64), sums, np.ones(2), np.ones(2, dtype=np.int64)), turn)
        if turn == 16:
            done = gathered.let_go(16)
            assert done.cells.tolist() == [5] and done.totals.tolist() == [[1.0, 1.0]]
    rest = gathered.let_go(100)
    assert rest.cells.tolist() == [3, 7, 9]
    assert rest.totals.tolist() == [[3.0, 5.0], [2.0, 4.0], [3.0, 5.0]] and rest.counts.tolist() == [2, 1, 2]
    assert gathered.used == 0


def write_table(path: Path, shapes: "List[Any]", vectors: np.ndarray, epsg: int = 4326, kind: int = ogr.wkbUnknown,
                unit: bool = False) -> str:
    with TableWriter(str(path), wkt_of(epsg), kind, [ColumnSpec("name", "text")],
                     Space("small", vectors.shape[1], unit_norm=unit)) as writer:
        writer.write(shapes, {"name": [str(number) for number in range(len(shapes))]}, vectors)
    return str(path)


def test_points_of_a_table_across_180_degrees_and_on_a_pole(tmp_path: Path) -> None:
    chance = np.random.default_rng(5)
    longitude = (180 + chance.normal(0, 1, 5000) + 180) % 360 - 180
    places = np.concatenate([np.column_stack([longitude, chance.normal(-17, 1, 5000)]), [[10, 89.99], [-170, 89.99]]])
    vectors = chance.normal(2, 1, (len(places), 6)).astype(np.float32)
    table = write_table(tmp_path / "points.gpkg", [point_wkb(*place) for place in places], vectors, kind=ogr.wkbPoint)
    result = aggregate_table(TableHexagons(open_table(table), HexagonOptions(str(tmp_path / "out.gpkg"), 4)), Silent())
    names = [h3.latlng_to_cell(y, x, 4) for x, y in places]
    found = rows_of(result.output)
    check(found, vectors, np.ones(len(places)), names, False)
    assert found[h3.latlng_to_cell(90, 0, 4)][1] == 2
    parts = {name: ogr.CreateGeometryFromWkb(shape).GetGeometryCount() for chunk in open_table(result.output).chunks()
             for name, shape in zip(chunk.columns["h3"], chunk.wkb)}
    assert 2 in parts.values()
    for name, count in parts.items():
        longitudes = [place[1] for place in h3.cell_to_boundary(name)]
        crossing = max(longitudes) - min(longitudes) > 180 and name != h3.latlng_to_cell(90, 0, 4)
        assert count == (2 if crossing else 1)


def test_polygons_count_by_the_area_they_share(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    boxes = [(x, y, x + w, y + h) for x, y, w, h in zip(chance.uniform(178.5, 180.5, 20), chance.uniform(50, 51, 20),
                                                        chance.uniform(0.1, 0.6, 20), chance.uniform(0.1, 0.5, 20))]
    shapes = [ogr.CreateGeometryFromWkt(f"POLYGON(({a} {b},{c} {b},{c} {d},{a} {d},{a} {b}))") for a, b, c, d in boxes]
    vectors = chance.normal(3, 1, (20, 4)).astype(np.float32)
    table = write_table(tmp_path / "boxes.gpkg", [bytes(shape.ExportToIsoWkb(ogr.wkbNDR)) for shape in shapes], vectors)
    result = aggregate_table(TableHexagons(open_table(table), HexagonOptions(str(tmp_path / "out.gpkg"), 5)), Silent())
    compared = 0
    for name, (vector, _, _) in rows_of(result.output).items():
        corners = [((lng + 360) % 360, lat) for lat, lng in h3.cell_to_boundary(name)]
        cell = ogr.CreateGeometryFromWkt("POLYGON((" + ",".join(f"{x} {y}" for x, y in [*corners, corners[0]]) + "))")
        areas = np.array([cell.Intersection(shape).GetArea() if cell.Intersects(shape) else 0.0 for shape in shapes])
        if areas.sum() > 0.5 * cell.GetArea():
            compared += 1
            assert np.abs(vector - areas @ vectors / areas.sum()).max() < 0.1
    assert compared > 30


def test_polygons_smaller_than_hexagons_lie_in_that_of_their_middle(tmp_path: Path) -> None:
    places = np.random.default_rng(1).uniform([12, 51], [12.1, 51.1], (200, 2))
    side = 0.0001
    shapes = [bytes(ogr.CreateGeometryFromWkt(
        f"POLYGON(({x - side} {y - side},{x + side} {y - side},{x + side} {y + side},{x - side} {y + side},"
        f"{x - side} {y - side}))").ExportToIsoWkb(ogr.wkbNDR)) for x, y in places]
    vectors = np.random.default_rng(2).normal(0, 1, (200, 3)).astype(np.float32)
    table = write_table(tmp_path / "small.gpkg", shapes, vectors, kind=ogr.wkbPolygon)
    result = aggregate_table(TableHexagons(open_table(table), HexagonOptions(str(tmp_path / "out.gpkg"), 7)), Silent())
    names = [h3.latlng_to_cell(y, x, 7) for x, y in places]
    check(rows_of(result.output), vectors, np.cos(np.radians(places[:, 1])), names, False)


def test_a_resolution_is_found_for_rows_and_rows_without_a_place_are_counted(tmp_path: Path) -> None:
    places = np.random.default_rng(1).uniform([12, 51], [12.1, 51.1], (400, 2))
    shapes: "List[Any]" = [point_wkb(*place) for place in places]
    shapes[7] = None
    vectors = np.random.default_rng(2).normal(0, 1, (400, 3)).astype(np.float32)
    table = write_table(tmp_path / "points.gpkg", shapes, vectors)
    result = aggregate_table(TableHexagons(open_table(table), HexagonOptions(str(tmp_path / "out.gpkg"))), Silent())
    assert result.left_out == 1 and 399 / result.hexagons >= 3
    finer = len({h3.latlng_to_cell(y, x, result.resolution + 1) for x, y in places})
    assert 399 / finer < 4


def test_wrong_input_is_one_sentence(tmp_path: Path) -> None:
    vectors = np.ones((2, 3), dtype=np.float32)
    bare = write_table(tmp_path / "bare.gpkg", [None, None], vectors, kind=ogr.wkbNone)
    planar = write_table(tmp_path / "planar.gpkg", [point_wkb(1, 2), point_wkb(2, 3)], vectors, epsg=0)
    empty = write_table(tmp_path / "empty.gpkg", [None, None], vectors)
    field = write_field(tmp_path / "field.tif", np.ones((2, 20, 20)), (0, 1, 0, 20, 0, -1), 0)
    options = HexagonOptions(str(tmp_path / "out.gpkg"), 5)
    said = []
    for call in (lambda: aggregate_table(TableHexagons(open_table(bare), options), Silent()),
                 lambda: aggregate_table(TableHexagons(open_table(planar), options), Silent()),
                 lambda: aggregate_table(TableHexagons(open_table(empty), options), Silent()),
                 lambda: aggregate_field(RasterHexagons(field, options), Silent()),
                 lambda: aggregate_field(RasterHexagons(field, HexagonOptions("x.gpkg", 16)), Silent())):
        with pytest.raises(InputError) as caught:
            call()
        said.append(str(caught.value))
    for sentence, words in zip(said, ("has no geometry", "“planar” has no CRS", "No row of", "field.tif has no CRS",
                                      "no resolution 16")):
        assert words in sentence and sentence.endswith(".")
    assert not (tmp_path / "out.gpkg").exists()
