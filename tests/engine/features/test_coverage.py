"""Covered shares of cells against GDAL's own intersections, one cell and one feature at a time."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import ogr

from earthprint.engine.features.outlines import Outlines
from earthprint.engine.features.shapes import LINE, POINT, POLYGON, Shapes, lay_over
from earthprint.engine.grid import Grid, Window

WIDTH, HEIGHT = 24, 18
GRID = Grid(WIDTH, HEIGHT, (0.0, 1.0, 0.0, float(HEIGHT), 0.0, -1.0), "")
SOUTH_UP = Grid(WIDTH, HEIGHT, (0.0, 1.0, 0.0, 0.0, 0.0, 1.0), "")
WINDOWS = (Window(0, 0, WIDTH, HEIGHT), Window(8, 4, 8, 8), Window(16, 0, 8, 5), Window(0, 12, 5, 6))


def wkb(geometry: ogr.Geometry) -> bytes:
    return bytes(geometry.ExportToIsoWkb(ogr.wkbNDR))


def from_text(text: str) -> ogr.Geometry:
    return ogr.CreateGeometryFromWkt(text)


def square(x: int, y: int) -> ogr.Geometry:
    return from_text(f"POLYGON(({x} {y},{x + 1} {y},{x + 1} {y + 1},{x} {y + 1},{x} {y}))")


def stars(count: int) -> "list[ogr.Geometry]":
    """Return crooked polygons, some with holes, some in several parts, some far smaller than a cell."""
    chance = np.random.default_rng(4)
    found = []
    for number in range(count):
        corners = int(chance.integers(3, 12))
        angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + chance.uniform(0, 0.3)
        reach = chance.uniform(0.02, 7) * chance.uniform(0.4, 1, corners)
        x, y = chance.uniform([-1, -1], [WIDTH + 1, HEIGHT + 1])
        ring = [f"{x + r * np.cos(a):.6f} {y + r * np.sin(a):.6f}" for r, a in zip(reach, angle)]
        shape = from_text(f"POLYGON(({','.join([*ring, ring[0]])}))")
        if number % 5 == 0:
            shape = shape.Union(from_text("POINT(12 9)").Buffer(5)).Difference(from_text("POINT(12 9)").Buffer(2.5))
        found.append(shape)
    return found


def laid(shapes: "list[ogr.Geometry]", grid: Grid = GRID, sampling: str = "bilinear") -> Shapes:
    outlines = Outlines()
    outlines.add([wkb(shape) for shape in shapes])
    return lay_over(outlines, grid, sampling)


def weights(shapes: Shapes, window: Window) -> np.ndarray:
    """Return the weight of each feature in each cell of a window."""
    pairs = shapes.pairs(window, np.flatnonzero(shapes.near(window)))
    found = np.zeros((len(shapes.kinds), window.height, window.width))
    assert len(set(zip(pairs.zones.tolist(), pairs.cells.tolist()))) == len(pairs)
    found[pairs.zones, pairs.cells // window.width, pairs.cells % window.width] = pairs.weights
    return found


def measured(geometries: "list[ogr.Geometry]", grid: Grid, window: Window, length: bool = False) -> np.ndarray:
    """Return what GDAL says of each feature and cell."""
    found = np.zeros((len(geometries), window.height, window.width))
    for row in range(window.height):
        for column in range(window.width):
            y = window.y + row if grid.south_up else HEIGHT - 1 - window.y - row
            cell = square(window.x + column, y)
            for number, geometry in enumerate(geometries):
                if geometry.Intersects(cell):
                    part = geometry.Intersection(cell)
                    if part.GetDimension() == (1 if length else 2):
                        found[number, row, column] = part.Length() if length else part.GetArea()
    return found


@pytest.mark.parametrize("grid", [GRID, SOUTH_UP])
def test_shares_are_gdal_s_intersections_in_any_window(grid: Grid) -> None:
    shapes = stars(25)
    found = laid(shapes, grid)
    for window in WINDOWS:
        assert np.allclose(weights(found, window), measured(shapes, grid, window), atol=2e-6)
    assert np.allclose(found.sizes, [shape.GetArea() for shape in shapes], rtol=1e-9)


def test_lengths_in_cells_are_gdal_s() -> None:
    lines = [from_text(text) for text in (
        "LINESTRING(1.2 3.4,20.7 11.9)", "LINESTRING(3.5 1.25,3.5 16.5,9.75 16.5)", "LINESTRING(-3 5.5,30 5.5)",
        "MULTILINESTRING((2.1 2.2,5.3 8.4,11.6 2.7),(15.5 3.5,15.6 3.6))", "LINESTRING(23.5 17.5,30 30)")]
    found = laid(lines)
    assert set(found.kinds) == {LINE}
    for window in WINDOWS:
        assert np.allclose(weights(found, window), measured(lines, GRID, window, True), atol=1e-9)


def test_an_invalid_ring_counts_by_what_it_encloses() -> None:
    bow = from_text("POLYGON((2 2,6 6,6 2,2 6,2 2))")
    tiny = from_text("POLYGON((10.2 10.2,10.4 10.4,10.4 10.2,10.2 10.4,10.2 10.2))")
    found = laid([bow, tiny])
    assert np.allclose(found.sizes, [8.0, 0.02])
    total = weights(found, GRID.whole).reshape(2, -1).sum(axis=1)
    assert np.allclose(total, [8.0, 0.02])


def test_either_winding_z_values_curves_and_byte_order_read_alike() -> None:
    plain = from_text("POLYGON((2 2,9 3,7 8,2 2),(5 4,6 4,6 5,5 4))")
    turned = from_text("POLYGON((2 2,7 8,9 3,2 2),(5 4,6 5,6 4,5 4))")
    high = from_text("POLYGON Z((2 2 7,9 3 7,7 8 7,2 2 7),(5 4 7,6 4 7,6 5 7,5 4 7))")
    measure = from_text("POLYGON ZM((2 2 7 1,9 3 7 1,7 8 7 1,2 2 7 1),(5 4 7 1,6 4 7 1,6 5 7 1,5 4 7 1))")
    outlines = Outlines()
    outlines.add([wkb(plain), wkb(turned), wkb(high), bytes(high.ExportToWkb(ogr.wkbNDR)), wkb(measure),
                  bytes(plain.ExportToWkb(ogr.wkbXDR)),
                  wkb(from_text("CURVEPOLYGON((2 2,9 3,7 8,2 2),(5 4,6 4,6 5,5 4))"))])
    found = weights(lay_over(outlines, GRID, "bilinear"), GRID.whole)
    for other in found[1:]:
        assert np.allclose(other, found[0], atol=1e-9)
    assert np.isclose(found[0].sum(), plain.GetArea())


def test_what_has_no_area_counts_as_a_line_and_what_has_no_length_as_a_point() -> None:
    found = laid([from_text("POLYGON((2 2.5,6 2.5,2 2.5))"), from_text("LINESTRING(4.5 4.5,4.5 4.5)"),
                  from_text("POLYGON((7.5 7.5,7.5 7.5,7.5 7.5))")])
    assert found.kinds.tolist() == [LINE, POINT, POINT]
    assert np.allclose(weights(found, GRID.whole)[0, HEIGHT - 3, 2:6], 1.0)
    shares = weights(found, GRID.whole)
    assert np.isclose(shares[1, HEIGHT - 5, 4] / shares[1].sum(), 1.0)


def test_points_weigh_the_four_nearest_cells_and_the_edge_holds_what_is_beyond() -> None:
    points = [from_text(f"POINT({x} {y})") for x, y in ((5.75, 7.9), (0.1, 17.9), (24, 0), (24.01, 5), (12.5, 9.5))]
    found = weights(laid(points), GRID.whole)
    u, v = 5.75 - 0.5, HEIGHT - 7.9 - 0.5
    want = np.zeros((HEIGHT, WIDTH))
    for row, column in ((9, 5), (9, 6), (10, 5), (10, 6)):
        want[row, column] = (1 - abs(u - column)) * (1 - abs(v - row))
    assert np.allclose(found[0], want)
    assert found[1, 0, 0] == pytest.approx(1.0) and found[2, HEIGHT - 1, WIDTH - 1] == pytest.approx(1.0)
    assert not found[3].any()
    assert found[4, 8, 12] == pytest.approx(1.0)
    nearest = weights(laid(points, sampling="nearest"), GRID.whole)
    assert nearest[0, 10, 5] == 1.0 and nearest[0].sum() == 1.0


def test_a_geometry_that_is_cut_off_has_no_place() -> None:
    whole = wkb(from_text("POLYGON((2 2,9 3,7 8,2 2))"))
    outlines = Outlines()
    outlines.add([whole, whole[:40], whole[:3], b""])
    assert lay_over(outlines, GRID, "bilinear").kinds.tolist() == [POLYGON, 0, 0, 0]


def test_collections_go_by_their_highest_dimension_and_empty_ones_have_no_place() -> None:
    found = laid([from_text("GEOMETRYCOLLECTION(POINT(1 1),POLYGON((2 2,4 2,4 4,2 2)))"), from_text("POLYGON EMPTY"),
                  from_text("POINT EMPTY")])
    assert found.kinds.tolist() == [POLYGON, 0, 0]
    assert weights(found, GRID.whole)[0].sum() == pytest.approx(2.0)
