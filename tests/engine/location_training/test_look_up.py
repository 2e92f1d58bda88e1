"""The continuous look-up against the plain formula in loops, a bilinear sampler, and torch's own convolution."""

from __future__ import annotations

import math

import numpy as np
import pytest
from osgeo import gdal, osr

from earthprint.engine import dataset as datasets
from earthprint.engine.dataset import longitude_latitude
from earthprint.engine.field import open_field
from earthprint.engine.grid import Grid
from earthprint.engine.location_training.views.corners import corners_of, positions_on
from earthprint.engine.location_training.views.lookup import (
    LookUpLayer,
    bilinear_layer,
    look_up,
    plan_look_up,
    tensors_of,
    torch_layer,
)
from earthprint.engine.progress import Silent

DIMENSIONS = 3
PROJECTED = (500_000.0, 20.0, 0.0, 5_600_000.0, 0.0, -20.0)
SOUTH_UP = (500_000.0, 20.0, 0.0, 5_600_000.0, 0.0, 20.0)
GEOGRAPHIC = (11.0, 0.01, 0.0, 51.0, 0.0, -0.02)


def make_field(path, values, transform, epsg, nodata=math.nan, side=16):
    """Write `(D, rows, cols)` as a tiled GeoTIFF."""
    bands, rows, columns = values.shape
    made = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, bands, gdal.GDT_Float32,
                                                ["TILED=YES", f"BLOCKXSIZE={side}", f"BLOCKYSIZE={side}"])
    made.SetGeoTransform(transform)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    made.SetProjection(reference.ExportToWkt())
    for band in range(bands):
        made.GetRasterBand(band + 1).SetNoDataValue(nodata)
        made.GetRasterBand(band + 1).WriteArray(values[band])
    del made
    return open_field(str(path))


def places_of(positions, grid):
    """Return longitudes and latitudes of positions in columns and rows."""
    x, dx, _, y, _, dy = grid.transform
    points = np.stack([x + positions[:, 0] * dx, y + positions[:, 1] * dy], axis=1)
    return longitude_latitude(grid.wkt, points)


def formula(values, position, weight, bias):
    """Return one look-up by the published formula, cell by cell; NaN cells are left out, as neighbours they are 0."""
    dimensions, rows, columns = values.shape
    q = np.array([2 * position[0] / columns - 1, 2 * position[1] / rows - 1])
    size = np.array([columns, rows])
    parts, areas = {}, {}
    for vy in (-1, 1):
        for vx in (-1, 1):
            c = np.clip(q + np.array([vx, vy]) / size + 1e-6, -1 + 1e-6, 1 - 1e-6)
            j, i = (int(round(part)) for part in ((c + 1) * size - 1) / 2)
            taps = []
            for dimension in range(dimensions):
                for down in (-1, 0, 1):
                    for across in (-1, 0, 1):
                        there = 0 <= i + down < rows and 0 <= j + across < columns
                        value = values[dimension, i + down, j + across] if there else 0.0
                        taps.append(0.0 if np.isnan(value) else value)
            centre = (2 * np.array([j, i]) + 1) / size - 1
            rel = (q - centre) * size
            parts[vx, vy] = weight @ np.concatenate([taps, rel]) + bias
            areas[vx, vy] = abs(rel[0] * rel[1]) + 1e-9
            if np.isnan(values[:, i, j]).any():
                parts[vx, vy] = None
    total, out = 0.0, 0.0
    for (vx, vy), part in parts.items():
        if part is not None:
            total += areas[-vx, -vy]
            out = out + part * areas[-vx, -vy]
    return out / total


def bilinear(values, position):
    """Return a bilinear sample by loops, over the cells that are there and have a value."""
    _, rows, columns = values.shape
    x, y = position[0] - 0.5, position[1] - 0.5
    total, out = 0.0, 0.0
    for i in (math.floor(y), math.floor(y) + 1):
        for j in (math.floor(x), math.floor(x) + 1):
            weight = (1 - abs(x - j)) * (1 - abs(y - i))
            if 0 <= i < rows and 0 <= j < columns and not np.isnan(values[:, i, j]).any():
                total += weight
                out = out + weight * values[:, i, j]
    return out / total if total > 1e-9 else np.full(len(values), np.nan)


@pytest.fixture(params=[(PROJECTED, 32632), (GEOGRAPHIC, 4326), (SOUTH_UP, 32632)],
                ids=["projected", "geographic", "south-up"])
def made(request, tmp_path):
    """Return a field with a hole of nodata, its values with NaN, and positions all over it, edges included."""
    chance = np.random.default_rng(3)
    values = chance.normal(size=(DIMENSIONS, 40, 37)).astype(np.float32) * 5 + 40
    values[:, 10:14, 20:23] = np.nan
    values[1, 30, 5] = np.nan
    whole = values.copy()
    whole[:, np.isnan(values).any(axis=0)] = np.nan
    opened = make_field(tmp_path / "field.tif", np.where(np.isnan(values), -9999, values), request.param[0],
                        request.param[1], nodata=-9999)
    positions = np.concatenate([chance.uniform(0, 1, (150, 2)) * (37, 40), chance.uniform(19, 24, (40, 2)) * (1, 0.55),
                                [[0.01, 0.02], [36.99, 39.98], [0.2, 20.3], [36.7, 3.3], [18.4, 0.1], [7.3, 39.9]]])
    return opened, whole, positions


def test_starts_as_bilinear_sampling(made):
    """At initialisation it is a bilinear sampler that leaves out what has no value."""
    opened, values, positions = made
    plan = plan_look_up(opened, places_of(positions, opened.info.grid), 64, Silent())
    expected = np.array([bilinear(values, position) for position in positions])
    np.testing.assert_array_equal(plan.found, np.isfinite(expected[:, 0]))
    assert 0 < (~plan.found).sum() < 40
    rows = np.flatnonzero(plan.found)
    got = bilinear_layer(DIMENSIONS).apply(plan, rows) * plan.scale + plan.middle
    np.testing.assert_allclose(got, expected[rows], atol=2e-4)


def test_equals_the_formula(made):
    """With any weights it is the published formula, whose guards against division by zero are some 1e-6."""
    opened, values, positions = made
    plan = plan_look_up(opened, places_of(positions, opened.info.grid), 64, Silent())
    chance = np.random.default_rng(4)
    layer = LookUpLayer(chance.normal(size=(DIMENSIONS, 9 * DIMENSIONS + 2)) * 0.3, chance.normal(size=DIMENSIONS))
    standard = (values - plan.middle[:, None, None]) / plan.scale[:, None, None]
    rows = np.flatnonzero(plan.found)
    # Where no valid cell has a share worth the name, the guards of the formula decide.
    expected = np.array([formula(standard, positions[row], layer.weight, layer.bias) for row in rows])
    solid = np.array([plan.shares[row].max() > 0 and _share(values, positions[row]) > 1e-3 for row in rows])
    np.testing.assert_allclose(layer.apply(plan, rows)[solid], expected[solid], atol=2e-4)
    assert solid.sum() > 150


def _share(values, position):
    """Return how much of the four areas belongs to cells with a value."""
    _, rows, columns = values.shape
    x, y = position[0] - 0.5, position[1] - 0.5
    return sum((1 - abs(x - j)) * (1 - abs(y - i)) for i in (math.floor(y), math.floor(y) + 1)
               for j in (math.floor(x), math.floor(x) + 1)
               if 0 <= i < rows and 0 <= j < columns and not np.isnan(values[0, i, j]))


def test_is_one_convolution_and_four_gathers(made):
    """Torch's convolution over the whole field, gathered at the corners, gives the same; so does the layer in torch."""
    torch = pytest.importorskip("torch")
    opened, values, positions = made
    grid = opened.info.grid
    plan = plan_look_up(opened, places_of(positions, grid), 64, Silent())
    chance = np.random.default_rng(5)
    layer = LookUpLayer(chance.normal(size=(DIMENSIONS, 9 * DIMENSIONS + 2)), chance.normal(size=DIMENSIONS))
    standard = np.nan_to_num((values - plan.middle[:, None, None]) / plan.scale[:, None, None], nan=0.0)
    kernel = torch.as_tensor(layer.weight[:, :-2].reshape(DIMENSIONS, DIMENSIONS, 3, 3))
    convolved = torch.nn.functional.conv2d(torch.as_tensor(standard)[None], kernel, torch.as_tensor(layer.bias),
                                           padding=1)[0].numpy().reshape(DIMENSIONS, -1).T
    corners = corners_of(positions, grid)
    rows = np.flatnonzero(plan.found)
    parts = convolved[np.maximum(corners.cells, 0)] + corners.offsets @ layer.weight[:, -2:].T
    expected = (parts * plan.shares[:, :, None]).sum(axis=1)[rows]
    np.testing.assert_allclose(layer.apply(plan, rows), expected, atol=1e-4)
    mine = look_up(torch, torch_layer(torch, layer.weight, layer.bias, "cpu"), tensors_of(torch, plan, "cpu"),
                   torch.as_tensor(rows))
    np.testing.assert_allclose(mine.detach().numpy(), expected, atol=1e-4)


def test_nodata_has_no_part(tmp_path):
    """What a cell without a value holds on disk changes nothing, neither as a corner nor as a neighbour."""
    chance = np.random.default_rng(6)
    values = chance.normal(size=(DIMENSIONS, 12, 12)).astype(np.float32)
    positions = chance.uniform(2, 9, (60, 2))
    layer = LookUpLayer(chance.normal(size=(DIMENSIONS, 9 * DIMENSIONS + 2)), chance.normal(size=DIMENSIONS))
    found = []
    for index, nodata in enumerate((-9999.0, 1e6, float("nan"))):
        holed = values.copy()
        holed[:, 5:7, 4] = nodata
        opened = make_field(tmp_path / f"{index}.tif", holed, PROJECTED, 32632, nodata=nodata)
        plan = plan_look_up(opened, places_of(positions, opened.info.grid), 64, Silent())
        found.append(layer.apply(plan, np.flatnonzero(plan.found)))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    assert np.abs(found[0]).max() < 100


def test_places_off_the_field_have_none(tmp_path):
    """A place beyond the edge is not looked up, one on the edge is."""
    values = np.random.default_rng(7).normal(size=(DIMENSIONS, 8, 8)).astype(np.float32)
    opened = make_field(tmp_path / "f.tif", values, PROJECTED, 32632)
    positions = np.array([[0.0, 4.0], [-0.01, 4.0], [8.0, 8.0], [4.0, 8.01], [4.0, 4.0]])
    plan = plan_look_up(opened, places_of(positions, opened.info.grid), 64, Silent())
    away = corners_of(positions, opened.info.grid)
    assert (away.shares.sum(axis=1) > 0).tolist() == [True, False, True, False, True]
    assert plan.found[[1, 3, 4]].tolist() == [False, False, True]


def test_longitudes_of_any_turn(tmp_path):
    """A raster from 0° to 360° is met by places from −180° to 180°, and the other way round."""
    grid = Grid(360, 180, (0.0, 1.0, 0.0, 90.0, 0.0, -1.0), osr_wkt(4326))
    positions = positions_on(np.array([[-170.25, 10.5], [12.5, -45.0], [0.0, 0.0], [-180.0, 3.0]]), grid)
    np.testing.assert_allclose(positions, [[189.75, 79.5], [12.5, 135.0], [0.0, 90.0], [180.0, 87.0]], atol=1e-9)
    other = Grid(20, 20, (175.0, 1.0, 0.0, 10.0, 0.0, -1.0), osr_wkt(4326))
    np.testing.assert_allclose(positions_on(np.array([[-179.5, 0.0], [175.0, 0.0]]), other), [[5.5, 10.0], [0.0, 10.0]],
                               atol=1e-9)


def osr_wkt(code):
    """Return the WKT of an EPSG code."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    return reference.ExportToWkt()


def test_reads_only_cells_about_the_places(tmp_path, monkeypatch):
    """Of a raster of 64 storage blocks, three places in two corners read two blocks, and few cells of these."""
    values = np.random.default_rng(8).normal(size=(DIMENSIONS, 128, 128)).astype(np.float32)
    opened = make_field(tmp_path / "f.tif", values, PROJECTED, 32632)
    positions = np.array([[5.3, 6.1], [5.9, 6.6], [120.2, 121.7]])
    seen = []
    plain = datasets.read

    def watched(dataset, window, bands, dtype, path):
        seen.append(window)
        return plain(dataset, window, bands, dtype, path)

    monkeypatch.setattr("earthprint.engine.field_pass.read", watched)
    plan = plan_look_up(opened, places_of(positions, opened.info.grid), 64, Silent())
    assert plan.found.all()
    assert len(seen) == 2 and sum(window.width * window.height for window in seen) <= 5 * 5 + 4 * 4
    got = bilinear_layer(DIMENSIONS).apply(plan, np.arange(3)) * plan.scale + plan.middle
    np.testing.assert_allclose(got, [bilinear(values, position) for position in positions], atol=1e-5)
