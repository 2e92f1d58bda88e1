"""The union of coverages against squares whose pieces are known, and against points looked up one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Sequence

import numpy as np
import pytest
from osgeo import ogr, osr

from earthprint.engine.errors import EarthprintError
from earthprint.engine.fusing.box_index import BoxIndex
from earthprint.engine.fusing.request import FuseRequest
from earthprint.engine.fusing.table import fuse_tables
from earthprint.engine.fusing.true_areas import TrueAreas
from earthprint.engine.geodesy import polygon_area
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_table

X, Y = 500_000.0, 5_000_000.0


class Listening(Silent):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.told: List[str] = []

    def info(self, text: str) -> None:
        self.told.append(text)

    def warn(self, text: str) -> None:
        self.told.append(text)


def reference(epsg: int) -> osr.SpatialReference:
    found = osr.SpatialReference()
    found.ImportFromEPSG(epsg)
    found.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return found


def square(column: float, row: float, side: float = 1.0) -> str:
    """Return a square of a grid of 100 m."""
    west, south, east, north = (X + 100 * column, Y + 100 * row, X + 100 * (column + side), Y + 100 * (row + side))
    return f"(({west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}))"


def polygon(*parts: str) -> str:
    return f"MULTIPOLYGON ({', '.join(parts)})"


def write(path: Path, name: str, shapes: Sequence[str], vectors: np.ndarray, epsg: int = 32633,
          column: str = "name") -> Any:
    """Write polygons given in UTM in any CRS."""
    way = None if epsg == 32633 else osr.CoordinateTransformation(reference(32633), reference(epsg))
    wkb = []
    for text in shapes:
        geometry = ogr.CreateGeometryFromWkt(text)
        if way is not None:
            geometry.Transform(way)
        wkb.append(bytes(geometry.ExportToIsoWkb()))
    with TableWriter(str(path / f"{name}.gpkg"), reference(epsg).ExportToWkt(), ogr.wkbMultiPolygon,
                     [ColumnSpec(column, "text")], Space(name, vectors.shape[1])) as writer:
        writer.write(wkb, {column: [f"{name}{row}" for row in range(len(shapes))]}, vectors.astype(np.float32))
    return open_table(str(path / f"{name}.gpkg"))


def pieces(path: Path) -> "dict[tuple, Any]":
    """Return geometry and vector of each piece by the names of the polygons it lies in."""
    found = {}
    for chunk in open_table(str(path)).chunks():
        for wkb, vector, *names in zip(chunk.wkb, chunk.vectors, *(
                values for name, values in chunk.columns.items() if name.startswith("name"))):
            assert tuple(names) not in found
            found[tuple(names)] = (ogr.CreateGeometryFromWkb(wkb), vector)
    return found


def standardised(values: np.ndarray) -> np.ndarray:
    return (values - values.mean(axis=0)) / np.sqrt(values.var(axis=0).sum())


def grids(tmp_path: Path, epsg: int, side: int = 4) -> "tuple[list, list[np.ndarray]]":
    """Return two grids of squares, the second moved by half a square both ways."""
    chance = np.random.default_rng(3)
    places = [(column, row) for row in range(side) for column in range(side)]
    vectors = [chance.normal(2, 3, (len(places), 3)), chance.normal(-5, 1, (len(places), 2))]
    return [write(tmp_path, "a", [polygon(square(*place)) for place in places], vectors[0]),
            write(tmp_path, "b", [polygon(square(c + 0.5, r + 0.5)) for c, r in places], vectors[1], epsg)], vectors


@pytest.mark.parametrize("epsg", (32633, 4326, 3857))
def test_grids_moved_by_half_a_cell_make_quarters(epsg: int, tmp_path: Path) -> None:
    tables, vectors = grids(tmp_path, epsg)
    told = Listening()
    result = fuse_tables(tables, "", FuseRequest(str(tmp_path / "out.gpkg")), told)
    found = pieces(tmp_path / "out.gpkg")
    # A square of the first grid meets up to four of the second; the first row and column lie half outside.
    wanted = {(f"a{4 * row + column}", f"b{4 * other_row + other_column}"): (row, column, other_row, other_column)
              for row in range(4) for column in range(4) for other_row in (row - 1, row)
              for other_column in (column - 1, column) if min(other_row, other_column) >= 0}
    assert set(found) == set(wanted) and result.rows == len(wanted) == 49 and result.left_out == 0
    stacked = [np.array([vectors[0][4 * r + c] for r, c, _, _ in wanted.values()]),
               np.array([vectors[1][4 * r + c] for _, _, r, c in wanted.values()])]
    expected = np.concatenate([standardised(values) for values in stacked], axis=1)
    np.testing.assert_allclose(np.array([found[names][1] for names in wanted]), expected, atol=1e-5)
    for names, (row, column, other_row, other_column) in wanted.items():
        west, south = X + 50 * (column + other_column + 1), Y + 50 * (row + other_row + 1)
        assert found[names][0].GetArea() == pytest.approx(2500, rel=1e-3)
        assert found[names][0].GetEnvelope() == pytest.approx((west, west + 50, south, south + 50), abs=0.05)
    assert any("7 polygons of “a” lie partly" in text for text in told.told)
    assert any("7 polygons of “b” lie partly" in text for text in told.told)


def test_pieces_that_a_table_lacks_are_kept_with_its_mean_where_asked(tmp_path: Path) -> None:
    tables, vectors = grids(tmp_path, 32633)
    result = fuse_tables(tables, "", FuseRequest(str(tmp_path / "out.gpkg"), incomplete="mean"), Silent())
    found = pieces(tmp_path / "out.gpkg")
    alone = {names for names in found if None in names}
    assert alone == ({(f"a{place}", None) for place in (0, 1, 2, 3, 4, 8, 12)}
                     | {(None, f"b{place}") for place in (3, 7, 11, 12, 13, 14, 15)})
    assert result.rows == 49 + 14
    # Together they cover both grids once.
    assert sum(shape.GetArea() for shape, _ in found.values()) == pytest.approx(10_000 * (32 - 49 / 4))
    assert found["a0", None][0].GetArea() == pytest.approx(7500)
    both = [names for names in found if None not in names]
    mean = np.mean([vectors[0][int(names[0][1:])] for names in both], axis=0)
    spread = np.sqrt(np.var([vectors[0][int(names[0][1:])] for names in both], axis=0).sum())
    np.testing.assert_allclose(found["a0", None][1][:3], (vectors[0][0] - mean) / spread, atol=1e-5)
    np.testing.assert_allclose(found["a0", None][1][3:], 0, atol=1e-6)
    np.testing.assert_allclose(found[None, "b15"][1][:3], 0, atol=1e-6)


def test_three_coverages_holes_multi_parts_and_invalid_rings(tmp_path: Path) -> None:
    chance = np.random.default_rng(8)
    hole = square(1, 1, 1)[1:-1]
    bow = f"(({X} {Y + 400}, {X + 100} {Y + 500}, {X + 100} {Y + 400}, {X} {Y + 500}, {X} {Y + 400}))"
    shapes = [[polygon(square(0, 0, 3)[:-1] + ", " + hole + ")"), polygon(bow)],
              [polygon(square(0.5, 0.5, 2)), polygon(square(0, 4), square(2.6, 2.6, 0.2))],
              [polygon(square(-1, -1, 2.25)), polygon(square(-1, 3, 3), square(1.25, -1, 2.4))]]
    tables = [write(tmp_path, name, some, chance.normal(size=(len(some), 2))) for name, some in zip("abc", shapes)]
    fuse_tables(tables, "", FuseRequest(str(tmp_path / "out.gpkg"), match="union", incomplete="mean"), Silent())
    found = pieces(tmp_path / "out.gpkg")
    valid = [[ogr.CreateGeometryFromWkt(text).MakeValid() for text in some] for some in shapes]
    seen = set()
    for x, y in zip(chance.uniform(-1, 5, 4000), chance.uniform(-1, 6, 4000)):
        point = ogr.CreateGeometryFromWkt(f"POINT ({X + 100 * x} {Y + 100 * y})")
        names = tuple(next((f"{name}{row}" for row, shape in enumerate(some) if shape.Contains(point)), None)
                      for name, some in zip("abc", valid))
        here = [key for key, (shape, _) in found.items() if shape.Contains(point)]
        assert here == ([names] if any(names) else [])
        seen |= set(here)
    assert seen == set(found) and len(found) > 8
    complete = fuse_tables(tables, "", FuseRequest(str(tmp_path / "few.gpkg"), match="union"), Silent())
    assert set(pieces(tmp_path / "few.gpkg")) == {names for names in found if None not in names}
    assert complete.rows == sum(None not in names for names in found)


def test_the_same_polygons_without_a_key_are_joined_by_the_column_in_common(tmp_path: Path) -> None:
    chance = np.random.default_rng(6)
    shapes = [polygon(square(column, 0)) for column in range(5)]
    tables = []
    for name in ("sky", "street"):
        with TableWriter(str(tmp_path / f"{name}.gpkg"), reference(32633).ExportToWkt(), ogr.wkbMultiPolygon,
                         [ColumnSpec("code", "text")], Space(name, 2)) as writer:
            writer.write([bytes(ogr.CreateGeometryFromWkt(text).ExportToIsoWkb()) for text in shapes],
                         {"code": [f"c{row}" for row in range(5)]}, chance.normal(size=(5, 2)).astype(np.float32))
        tables.append(open_table(str(tmp_path / f"{name}.gpkg")))
    told = Listening()
    fuse_tables(tables, "", FuseRequest(str(tmp_path / "out.gpkg")), told)
    assert told.told[0] == "Matched by “code”."


def test_what_cant_be_laid_over_is_refused_in_words(tmp_path: Path) -> None:
    vectors = np.random.default_rng(1).normal(size=(2, 2))
    near = write(tmp_path, "near", [polygon(square(0, 0)), polygon(square(1, 0))], vectors)
    far = write(tmp_path, "far", [polygon(square(50, 0)), polygon(square(51, 0))], vectors)
    with pytest.raises(EarthprintError, match="Nothing of “far” lies on anything of “near”"):
        fuse_tables([near, far], "", FuseRequest(str(tmp_path / "out.gpkg"), match="union"), Silent())
    with TableWriter(str(tmp_path / "points.gpkg"), reference(32633).ExportToWkt(), ogr.wkbPoint, [],
                     Space("points", 2)) as writer:
        writer.write([bytes(ogr.CreateGeometryFromWkt(f"POINT ({X} {Y})").ExportToIsoWkb())], {},
                     vectors[:1].astype(np.float32))
    with pytest.raises(EarthprintError, match="“points” holds no polygons"):
        fuse_tables([near, open_table(str(tmp_path / "points.gpkg"))], "",
                    FuseRequest(str(tmp_path / "out.gpkg"), match="union"), Silent())
    assert not (tmp_path / "out.gpkg").exists()


def test_boxes_are_found_whatever_their_sizes() -> None:
    chance = np.random.default_rng(2)
    corner, size = chance.uniform(0, 100, (500, 2)), np.exp(chance.uniform(-6, 5, (500, 2)))
    size[:5] = 0
    boxes = np.stack([corner[:, 0], corner[:, 0] + size[:, 0], corner[:, 1], corner[:, 1] + size[:, 1]], axis=1)
    boxes[7] = np.nan
    index = BoxIndex(boxes)
    for west, south, width in chance.uniform(0, 100, (200, 3)):
        east, north = west + width / 9, south + width / 7
        wanted = np.flatnonzero((boxes[:, 0] <= east) & (boxes[:, 1] >= west) & (boxes[:, 2] <= north)
                                & (boxes[:, 3] >= south))
        assert index.touching(west, east, south, north).tolist() == wanted.tolist()
    squares = np.array([[c, c + 1, r, r + 1] for r in range(4) for c in range(4)], dtype=np.float64)
    assert BoxIndex(squares).overlapping(1, 2, 1, 2).tolist() == [5]
    assert BoxIndex(squares).touching(1, 2, 1, 2).tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]


@pytest.mark.parametrize("epsg, extent", ((4326, (5.0, 25.0, 40.0, 75.0)), (3857, (5e5, 3e6, 4e6, 1e7)),
                                          (32633, (2e5, 8e5, 4.5e6, 5.5e6))))
def test_areas_are_those_on_the_ground(epsg: int, extent: "tuple[float, ...]") -> None:
    chance = np.random.default_rng(epsg)
    shapes = []
    for size in (0.001, 0.01, 0.1, 0.5):
        for _ in range(10):
            x = chance.uniform(extent[0], extent[1] - size * (extent[1] - extent[0]))
            y = chance.uniform(extent[2], extent[3] - size * (extent[3] - extent[2]))
            w, h = size * (extent[1] - extent[0]), size * (extent[3] - extent[2])
            shapes.append(ogr.CreateGeometryFromWkt(
                f"POLYGON (({x} {y}, {x + w} {y}, {x + w} {y + h / 2}, {x + w / 2} {y + h}, {x} {y}))"))
    wkt = reference(epsg).ExportToWkt()
    wanted = np.array([polygon_area(bytes(shape.ExportToIsoWkb()), wkt) for shape in shapes])
    found = TrueAreas(wkt, extent).of(shapes)
    np.testing.assert_allclose(found / wanted, 1.0, rtol=2e-3)
