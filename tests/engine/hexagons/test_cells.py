"""Cells of places and their outlines against the h3 library, one cell at a time."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import ogr

from earthprint.engine.errors import InputError
from earthprint.engine.geodesy import cell_places, polygon_area
from earthprint.engine.grid import Grid, Window
from earthprint.engine.hexagons.cells import (
    cells_of,
    cells_of_grid,
    check_resolution,
    coarser,
    finest_filled,
    names_of,
    resolution_for,
)
from earthprint.engine.hexagons.outline import centres_of_cells, outlines_of
from earthprint.engine.hexagons.raster import _corner_places
from earthprint.engine.hexagons.world import world_wkt

h3 = pytest.importorskip("h3")


def everywhere(count: int, seed: int = 0) -> np.ndarray:
    chance = np.random.default_rng(seed)
    return np.column_stack([chance.uniform(-180, 180, count), np.degrees(np.arcsin(chance.uniform(-1, 1, count)))])


@pytest.mark.parametrize("resolution", [0, 4, 9, 15])
def test_cells_are_the_library_s(resolution: int) -> None:
    places = np.concatenate([everywhere(2000), [[0, 90], [0, -90], [180, 0], [-180, 0], [180, 65]]])
    found = cells_of(places, resolution)
    assert names_of(found) == [h3.latlng_to_cell(latitude, longitude, resolution) for longitude, latitude in places]
    assert names_of(coarser(found, max(resolution - 3, 0))) == [
        h3.cell_to_parent(name, max(resolution - 3, 0)) for name in names_of(found)]


def test_places_that_are_none_have_no_cell() -> None:
    assert cells_of(np.array([[np.nan, 1], [2, np.inf], [3, 91], [4, 5.0]]), 3).astype(bool).tolist() == [
        False, False, False, True]


@pytest.mark.parametrize("resolution", [1, 2, 3])
def test_the_grid_of_the_whole_world_has_every_pixel_where_the_library_puts_it(resolution: int) -> None:
    # All faces of the icosahedron, all twelve pentagons, both poles and 180° lie in it.
    grid = Grid(360, 180, (-180.0, 1.0, 0.0, 90.0, 0.0, -1.0), world_wkt())
    window = grid.whole
    centres = cell_places(grid, window)
    found = cells_of_grid(centres, _corner_places(grid, window), resolution)
    assert np.array_equal(found.ravel(), cells_of(centres.reshape(-1, 2), resolution))


def test_fine_pixels_in_large_cells_are_where_the_library_puts_them() -> None:
    chance = np.random.default_rng(3)
    for resolution, pixel in ((4, 0.02), (6, 0.004), (3, 0.03)):
        for place in everywhere(6, resolution):
            corner = place * np.array([0.9, 0.85]) + chance.uniform(-1, 1, 2)
            grid = Grid(100, 60, (corner[0], pixel, 0.0, corner[1], 0.0, -pixel), world_wkt())
            window = Window(3, 5, 90, 50)
            centres = cell_places(grid, window)
            found = cells_of_grid(centres, _corner_places(grid, window), resolution)
            assert np.array_equal(found.ravel(), cells_of(centres.reshape(-1, 2), resolution))


def cells_everywhere(resolution: int) -> np.ndarray:
    names = [child for cell in h3.get_res0_cells() for child in h3.cell_to_children(cell, resolution)]
    return np.array([h3.str_to_int(name) for name in names], dtype=np.uint64)


@pytest.mark.parametrize("resolution", [0, 1, 2])
def test_outlines_of_all_cells_are_valid_and_tile_the_world(resolution: int) -> None:
    cells = cells_everywhere(resolution)
    total = 0.0
    for name, shape in zip(names_of(cells), outlines_of(cells)):
        geometry = ogr.CreateGeometryFromWkb(shape)
        west, east, south, north = geometry.GetEnvelope()
        assert geometry.IsValid() and geometry.GetGeometryName() == "MULTIPOLYGON"
        assert -180 <= west and east <= 180 and -90 <= south and north <= 90
        total += geometry.GetArea()
        latitude, longitude = h3.cell_to_latlng(name)
        assert geometry.Distance(ogr.CreateGeometryFromWkt(f"POINT({longitude} {latitude})")) < 1e-9
        if geometry.GetGeometryCount() == 2:
            assert {west, east} == {-180.0, 180.0}
        else:
            corners = {(round(lng, 9), round(lat, 9)) for lat, lng in h3.cell_to_boundary(name)}
            ring = geometry.GetGeometryRef(0).GetGeometryRef(0).GetPoints()
            assert corners <= {(round(x, 9), round(y, 9)) for x, y in (point[:2] for point in ring)}
    assert total == pytest.approx(360 * 180, rel=1e-9)


def test_a_pentagon_has_five_corners_and_areas_are_the_library_s() -> None:
    pentagon = h3.get_pentagons(6)[4]
    names = [pentagon, h3.latlng_to_cell(51, 12, 6), h3.latlng_to_cell(-16.5, 180, 6)]
    cells = np.array([h3.str_to_int(name) for name in names], dtype=np.uint64)
    shapes = outlines_of(cells)
    assert ogr.CreateGeometryFromWkb(shapes[0]).GetGeometryRef(0).GetGeometryRef(0).GetPointCount() == 6
    assert ogr.CreateGeometryFromWkb(shapes[2]).GetGeometryCount() == 2
    for name, shape in zip(names, shapes):
        assert polygon_area(shape, world_wkt()) == pytest.approx(h3.cell_area(name, "m^2"), rel=0.01)
    for name, point in zip(names, centres_of_cells(cells)):
        found = ogr.CreateGeometryFromWkb(point)
        assert (found.GetY(), found.GetX()) == pytest.approx(h3.cell_to_latlng(name), abs=1e-12)


def test_resolutions_that_fit() -> None:
    assert resolution_for(1e6) == 7 and h3.average_hexagon_area(7, "m^2") >= 1e6 > h3.average_hexagon_area(8, "m^2")
    children = np.array([h3.str_to_int(name) for name in h3.cell_to_children(h3.latlng_to_cell(51, 12, 12), 15)],
                        dtype=np.uint64)
    assert finest_filled(children, 4) == 14 and finest_filled(children[:1], 4) == 0
    with pytest.raises(InputError, match="no resolution 16"):
        check_resolution(16)
