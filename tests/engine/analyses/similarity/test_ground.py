"""Distances, areas, best places and outlines on the ground, against published numbers and plain loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from osgeo import gdal, ogr, osr

from earthprint.engine.geodesy import Ground, cell_areas, cell_places, disc_windows, distance, polygon_area
from earthprint.engine.grid import Grid, Window
from earthprint.engine.places import top_places
from earthprint.engine.progress import Silent
from earthprint.engine.vectorise import Areas, vectorise


def wkt(code: int) -> str:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    return reference.ExportToWkt()


def write(path: Path, values: np.ndarray, transform, crs: str) -> str:
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), values.shape[1], values.shape[0], 1, gdal.GDT_Float32)
    dataset.SetGeoTransform(transform)
    dataset.SetProjection(crs)
    dataset.GetRasterBand(1).SetNoDataValue(float("nan"))
    dataset.GetRasterBand(1).WriteArray(values.astype(np.float32))
    dataset = None
    return str(path)


def test_distances_are_the_published_ones():
    # Karney's example for GeographicLib (JFK to LHR), and Vincenty's between Flinders Peak and Buninyong.
    assert distance([-73.8, 40.6], [-0.5, 51.6]) == pytest.approx(5551759.400, abs=1.0)
    flinders = [144 + 25 / 60 + 29.52440 / 3600, -(37 + 57 / 60 + 3.72030 / 3600)]
    buninyong = [143 + 55 / 60 + 35.38390 / 3600, -(37 + 39 / 60 + 10.15610 / 3600)]
    assert distance(flinders, buninyong) == pytest.approx(54972.271, abs=0.1)
    assert distance([179.9, 0.0], [-179.9, 0.0]) == pytest.approx(0.2 * 111319.4908, abs=0.01)
    assert distance([5.0, 5.0], [5.0, 5.0]) == 0


def test_areas_are_those_of_the_ellipsoid():
    everything = cell_areas(Grid(360, 180, (-180, 1, 0, 90, 0, -1), wkt(4326)), Window(0, 0, 360, 180))
    assert everything.sum() == pytest.approx(510_065_621_724_088, rel=1e-9), "the ellipsoid's surface"
    mercator = Grid(20, 20, (1e6, 10, 0, 8_400_000, 0, -10), wkt(3857))
    here = cell_places(mercator, Window(10, 10, 1, 1))[0, 0]
    stretch = np.cos(np.radians(here[1]))
    assert cell_areas(mercator, Window(0, 0, 20, 20))[10, 10] == pytest.approx(100 * stretch ** 2, rel=0.005)
    ring = ogr.CreateGeometryFromWkt("POLYGON((10 50,11 50,11 51,10 51,10 50),(10.2 50.2,10.4 50.2,10.4 50.4,"
                                     "10.2 50.4,10.2 50.2))")
    # 1° by 1° at 50–51° north on WGS 84 by integration of M·N·cos φ, less the hole.
    assert polygon_area(bytes(ring.ExportToWkb()), wkt(4326)) == pytest.approx(
        square(50, 51, 1) - square(50.2, 50.4, 0.2), rel=1e-6)


def square(south: float, north: float, width: float) -> float:
    """Integrate a band of the ellipsoid numerically."""
    a, f = 6378137.0, 1 / 298.257223563
    e2 = f * (2 - f)
    middle = np.radians(np.linspace(south, north, 20001)[:-1] + (north - south) / 40000)
    bend = 1 - e2 * np.sin(middle) ** 2
    return float((a * a * (1 - e2) * np.cos(middle) / bend ** 2).sum() * np.radians((north - south) / 20000)
                 * np.radians(width))


def test_places_of_cells_are_interpolated_without_a_difference():
    grid = Grid(900, 700, (300000, 10, 0, 7_900_000, 0, -10), wkt(32633))
    window = Window(100, 50, 256, 200)
    found = cell_places(grid, window)
    for row, column in ((0, 0), (199, 255), (77, 33), (150, 201)):
        true = Ground(grid.wkt).places(np.array([grid.centre(100.5 + column, 50.5 + row)]))[0]
        assert distance(found[row, column], true) < 0.01


@given(longitude=some.floats(-180, 180), latitude=some.floats(-85, 85), metres=some.floats(1e3, 2e6))
def test_windows_of_discs_hold_all_that_is_near(longitude, latitude, metres):
    grid = Grid(360, 180, (-180, 1, 0, 90, 0, -1), wkt(4326))
    owners, boxes = disc_windows(grid, np.array([[longitude, latitude]]), metres)
    near = distance(cell_places(grid, grid.whole), np.array([longitude, latitude])) <= metres
    covered = np.zeros_like(near)
    for x0, y0, x1, y1 in boxes:
        covered[y0:y1, x0:x1] = True
    assert not (near & ~covered).any()


def naive_places(values: np.ndarray, places: np.ndarray, count: int, metres: float):
    order = np.argsort(-np.where(np.isnan(values), -np.inf, values).ravel(), kind="stable")
    found = []
    flat = places.reshape(-1, 2)
    for cell in order:
        if np.isnan(values.ravel()[cell]) or len(found) == count:
            break
        if not found or (distance(flat[found], flat[cell]) >= metres).all():
            found.append(int(cell))
    return [(cell % values.shape[1], cell // values.shape[1]) for cell in found]


@pytest.mark.parametrize(("transform", "code", "metres"), [
    ((-180.0, 0.6, 0.0, 80.0, 0.0, -0.3), 4326, 900e3),
    ((170.0, 0.04, 0.0, 66.0, 0.0, -0.02), 4326, 60e3),
    ((400000.0, 30.0, 0.0, 6_000_000.0, 0.0, -30.0), 32633, 2500.0),
    ((400000.0, 30.0, 0.0, 6_000_000.0, 0.0, -30.0), 32633, 0.0),
])
def test_the_best_places_are_those_of_sorting_all_cells(tmp_path, transform, code, metres):
    values = np.round(np.random.default_rng(5).random((300, 600)), 3)
    values[np.random.default_rng(6).random(values.shape) < 0.95] = np.nan
    path = write(tmp_path / "score.tif", values, transform, wkt(code))
    grid = Grid(600, 300, transform, wkt(code))
    found = top_places(path, 40, metres, Silent())
    expected = naive_places(values, cell_places(grid, grid.whole), 40, metres)
    assert [(place.column, place.row) for place in found] == expected
    assert found[0].score == pytest.approx(np.nanmax(values), abs=1e-6)


def test_places_on_both_sides_of_180_degrees_are_near(tmp_path):
    values = np.zeros((10, 360))
    values[5, 0], values[5, 359], values[5, 180] = 3, 2, 1
    path = write(tmp_path / "score.tif", values, (-180, 1, 0, 5, 0, -1), wkt(4326))
    found = [(place.column, place.row) for place in top_places(path, 2, 500e3, Silent())]
    assert found == [(0, 5), (180, 5)]
    found = [(place.column, place.row) for place in top_places(path, 2, 100e3, Silent())]
    assert found == [(0, 5), (359, 5)]


def labelled(mask: np.ndarray):
    """Return the sets of cells that hang together by their sides."""
    left = set(zip(*map(list, np.nonzero(mask))))
    found = []
    while left:
        group, edge = set(), [left.pop()]
        while edge:
            row, column = edge.pop()
            group.add((row, column))
            for near in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
                if near in left:
                    left.remove(near)
                    edge.append(near)
        found.append(group)
    return found


def test_outlines_are_the_groups_of_cells_with_their_area_and_mean(tmp_path):
    values = np.random.default_rng(2).random((300, 280))
    values[50:90, 100:170] = 0.95
    values[:, 30] = np.nan
    path = write(tmp_path / "score.tif", values, (10, 0.01, 0, 60, 0, -0.01), wkt(4326))
    values = values.astype(np.float32)
    count = vectorise(Areas(str(tmp_path / "areas.gpkg"), values=path, threshold=0.6, value_name="similarity",
                            least_area=5e6), Silent())
    areas = cell_areas(Grid(280, 300, (10, 0.01, 0, 60, 0, -0.01), wkt(4326)), Window(0, 0, 280, 300))
    with np.errstate(invalid="ignore"):
        groups = labelled(values >= 0.6)
    expected = sorted((len(group), sum(areas[cell] for cell in group),
                       float(np.mean([values[cell] for cell in group], dtype=np.float64))) for group in groups
                      if sum(areas[cell] for cell in group) >= 5e6)
    dataset = gdal.OpenEx(str(tmp_path / "areas.gpkg"), gdal.OF_VECTOR)
    found = sorted((item["cells"], item["area"], item["similarity"])
                   for item in (feature.items() for feature in dataset.GetLayer(0)))
    assert count == len(found) == len(expected)
    assert np.allclose(np.array(found), np.array(expected), rtol=1e-6)
    for feature in dataset.GetLayer(0):
        shape = feature.GetGeometryRef()
        assert shape.IsValid() and shape.GetArea() == pytest.approx(feature["cells"] * 1e-4)


def test_outlines_of_a_mask_without_values(tmp_path):
    mask = np.zeros((20, 20))
    mask[3:6, 4:8] = 2
    path = write(tmp_path / "mask.tif", mask, (0, 10, 0, 0, 0, -10), "")
    assert vectorise(Areas(str(tmp_path / "areas.gpkg"), mask=path), Silent()) == 1
    dataset = gdal.OpenEx(str(tmp_path / "areas.gpkg"), gdal.OF_VECTOR)
    [feature] = list(dataset.GetLayer(0))
    assert feature["cells"] == 12 and feature["area"] == 1200
