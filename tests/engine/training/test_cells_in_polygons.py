"""Cells and points in polygons against GDAL's answer for each point, one by one."""

from __future__ import annotations

from typing import List

import numpy as np
import pytest
from made_rows import wkb_of
from osgeo import ogr

from earthprint.engine.features.outlines import Outlines
from earthprint.engine.features.shapes import lay_over
from earthprint.engine.grid import Grid, Window
from earthprint.engine.training.gathering import inside as inside_module
from earthprint.engine.training.gathering.centre_cells import centre_cells
from earthprint.engine.training.gathering.chance import draws, lowest, ranks
from earthprint.engine.training.gathering.inside import inside_any, pairs_inside

WIDTH, HEIGHT = 37, 29
SHAPES = [
    "POLYGON((3.2 4.1,20.7 6.3,17.4 22.9,5.1 18.2,3.2 4.1),(8.3 9.2,9.1 15.3,14.2 14.4,13.37 8.1,8.3 9.2))",
    "MULTIPOLYGON(((22.3 2.2,30.1 3.3,25.2 11.1,22.3 2.2)),((28.4 20.2,36.3 26.1,27.2 28.3,28.4 20.2)))",
    "POLYGON((-8.1 12.2,50.3 13.1,48.4 17.3,-8.1 16.4,-8.1 12.2))",
    "POLYGON((1.1 1.1,1.4 1.1,1.4 1.3,1.1 1.3,1.1 1.1))",
    "POLYGON((10.3 -5.2,14.1 -5.2,14.1 40.3,10.3 40.3,10.3 -5.2))",
    "POLYGON((40.1 2.2,44.3 2.2,44.3 8.1,40.1 8.1,40.1 2.2))",
    "POLYGON((31.2 8.3,35.9 8.3,33.4 12.2,33.2 16.7,30.2 12.1,31.2 8.3))"]


def outlines_of(shapes: List[str]) -> Outlines:
    found = Outlines()
    found.add([wkb_of(shape) for shape in shapes])
    return found


def within(shape: str, x: float, y: float) -> bool:
    return ogr.CreateGeometryFromWkt(shape).Contains(ogr.CreateGeometryFromWkt(f"POINT({x} {y})"))


@pytest.mark.parametrize("window", [Window(0, 0, WIDTH, HEIGHT), Window(5, 3, 16, 16), Window(21, 16, 16, 13),
                                    Window(0, 12, 37, 5)])
@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_cells_by_their_centres(window: Window, flip: float) -> None:
    grid = Grid(WIDTH, HEIGHT, (0.0, 1.0, 0.0, 0.0 if flip > 0 else float(HEIGHT), 0.0, flip), "")
    shapes = lay_over(outlines_of(SHAPES), grid, "nearest")
    features = np.arange(len(SHAPES))
    zones, cells = centre_cells(shapes.rings(window, features), window.width, window.height)
    expected = set()
    for number, shape in enumerate(SHAPES):
        for row in range(window.height):
            for column in range(window.width):
                x, y = grid.centre(window.x + column + 0.5, window.y + row + 0.5)
                if within(shape, x, y):
                    expected.add((number, row * window.width + column))
    found = list(zip(zones.tolist(), cells.tolist()))
    assert len(found) == len(set(found)) and set(found) == expected
    assert found == sorted(found)


def test_neighbours_share_no_cell_and_leave_none() -> None:
    # Corners and edges lie on centres: each cell belongs to exactly one of the four.
    quarters = ["POLYGON((0 0,5.5 0,5.5 4.5,0 4.5,0 0))", "POLYGON((5.5 0,12 0,12 4.5,5.5 4.5,5.5 0))",
                "POLYGON((0 4.5,5.5 4.5,5.5 9,0 9,0 4.5))", "POLYGON((5.5 4.5,12 4.5,12 9,5.5 9,5.5 4.5))"]
    shapes = lay_over(outlines_of(quarters), Grid(12, 9, (0.0, 1.0, 0.0, 0.0, 0.0, 1.0), ""), "nearest")
    _, cells = centre_cells(shapes.rings(Window(0, 0, 12, 9), np.arange(4)), 12, 9)
    np.testing.assert_array_equal(np.sort(cells), np.arange(12 * 9))


@pytest.mark.parametrize("most", [2_000_000, 40])
def test_points_in_polygons(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside_module, "_MOST_CROSSINGS", most)
    points = np.random.default_rng(2).uniform([-10, -8], [52, 42], (600, 2))
    points[17] = np.nan
    expected = [(number, row) for number, shape in enumerate(SHAPES) for row, (x, y) in enumerate(points.tolist())
                if np.isfinite(x) and within(shape, x, y)]
    features, rows = pairs_inside(points, outlines_of(SHAPES))
    assert list(zip(features.tolist(), rows.tolist())) == expected
    np.testing.assert_array_equal(np.flatnonzero(inside_any(points, outlines_of(SHAPES))),
                                  sorted({row for _, row in expected}))


def test_draws_are_even_and_depend_on_nothing_but_their_place() -> None:
    units, items = np.repeat(np.arange(40), 500), np.tile(np.arange(500), 40)
    found = draws(7, units, items)
    assert len(np.unique(found)) == len(found)
    np.testing.assert_array_equal(draws(7, units[::-1], items[::-1]), found[::-1])
    assert (draws(8, units, items) != found).all()
    shares = found.astype(np.float64) / 2.0 ** 64
    counts = np.histogram(shares, 20, (0, 1))[0]
    assert ((counts - 1000.0) ** 2 / 1000.0).sum() < 45  # chi-square of 19 degrees of freedom, p < 0.001
    # Neighbouring cells must not be drawn together.
    assert abs(np.corrcoef(shares[:-1], shares[1:])[0, 1]) < 0.03
    assert abs(np.corrcoef(shares[:500], shares[500:1000])[0, 1]) < 0.15


def test_the_lowest_of_each() -> None:
    units, drawn = np.array([3, 1, 3, 3, 1, 2]), np.array([9, 4, 1, 5, 2, 7], dtype=np.uint64)
    assert lowest(units, drawn, 2).tolist() == [4, 1, 5, 2, 3]
    np.testing.assert_array_equal(ranks(np.array([1, 1, 4, 5, 5, 5])), [0, 1, 0, 0, 1, 2])
