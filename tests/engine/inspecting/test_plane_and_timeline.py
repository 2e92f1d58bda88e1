"""Planes against a decomposition written out, values under points, and distances over time against formulas."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import gdal, ogr
from seen_fields import NORTH_UP, SOUTH_UP, seen_field, unit_vectors
from small_fields import wkt_of, write_bands

from earthprint.engine.analyses.reduce.manifold import SampleMap, compared
from earthprint.engine.errors import Cancelled, InputError, SpaceError
from earthprint.engine.inspecting import plane as plane_module
from earthprint.engine.inspecting import view as view_module
from earthprint.engine.inspecting.overviews import build_overviews
from earthprint.engine.inspecting.plane import plane_of_block, plane_of_field, plane_of_table
from earthprint.engine.inspecting.probe import probe_field
from earthprint.engine.inspecting.raster_values import raster_values, transformed
from earthprint.engine.inspecting.timeline import timeline
from earthprint.engine.inspecting.view import FieldView
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import TableWriter, open_table


class Stopped(Silent):
    def cancelled(self) -> bool:
        return True


def components(vectors: np.ndarray) -> "tuple[np.ndarray, np.ndarray]":
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, sizes, right = np.linalg.svd(centred, full_matrices=False)
    axes = right[:2] * np.sign(right[[0, 1], np.abs(right[:2]).argmax(axis=1)])[:, None]
    return centred @ axes.T, sizes[:2] ** 2 / (sizes ** 2).sum()


def stretched(rows: int, columns: int) -> np.ndarray:
    """Return vectors whose components are told apart without doubt."""
    return unit_vectors(rows, columns) * np.array([1, 1, 3, 1, 1, 5, 1, 1], dtype=np.float32)[:, None, None]


@pytest.fixture
def path(tmp_path) -> str:
    return seen_field(tmp_path / "f.tif", stretched(60, 90), unit=False)


def test_the_plane_of_what_is_in_view(path):
    block = FieldView.open(path).read((500000.0, 5699400.0, 500900.0, 5700000.0), 90, 60, Silent())
    plane = plane_of_block(block, Silent())
    valid = np.flatnonzero(block.valid)
    expected, explained = components(block.vectors_of(valid))
    assert len(plane.coordinates) == 60 * 90 - 3 and np.allclose(plane.coordinates, expected, atol=1e-5)
    assert np.allclose(plane.explained, explained, atol=1e-6) and plane.cells == 1 and plane.method == "pca"
    assert np.array_equal(plane.places, block.places_of(valid)) and (plane.rows == -1).all()
    some, again = (plane_of_block(block, Silent(), count=500, seed=4) for _ in range(2))
    assert len(some.places) == 500 and np.array_equal(some.coordinates, again.coordinates)
    vectors = np.stack([probe_field(path, *each).vector for each in some.places])
    assert np.allclose(some.coordinates, components(vectors)[0], atol=1e-5)
    with pytest.raises(Cancelled):
        plane_of_block(block, Stopped())
    with pytest.raises(InputError, match="“tsne” is no way"):
        plane_of_block(block, Silent(), "tsne")


def test_the_plane_of_a_whole_field(path, tmp_path, monkeypatch):
    plane = plane_of_field(path, Silent(), count=100_000)
    columns, rows = ((plane.places - [500000, 5700000]) // [10, -10]).astype(int).T
    vectors = stretched(60, 90)[:, rows, columns].T
    assert len(plane.places) == 60 * 90 - 3 and np.allclose(plane.coordinates, components(vectors)[0], atol=1e-5)
    few = plane_of_field(path, Silent(), count=300)
    assert len(few.places) == 300 and few.cells > 3
    monkeypatch.setattr(view_module, "_MUCH_BYTES", 5000)
    cells = plane_of_field(path, Silent(), count=300)
    columns, rows = ((cells.places - [500000, 5700000]) // [10, -10]).astype(int).T
    assert len(cells.places) == 300 and cells.cells == 1 and np.allclose(cells.places % 10, 5)
    assert np.allclose(cells.coordinates, components(stretched(60, 90)[:, rows, columns].T)[0], atol=1e-5)
    monkeypatch.undo()
    large = seen_field(tmp_path / "g.tif", unit_vectors(600, 900), "a1")
    build_overviews(large, Silent())
    seen = plane_of_field(large, Silent(), count=2000)
    assert 1500 < len(seen.places) <= 2000 and seen.cells >= 4
    inside = (seen.places >= [500000, 5694000]).all(axis=1) & (seen.places <= [509000, 5700000]).all(axis=1)
    assert inside.mean() > 0.95


def test_umap_fits_some_thousands_and_places_the_others_between_them(path, monkeypatch):
    fitted = {}

    def fit(vectors, dimensions, metric, seed, progress):
        """Stand in for the package, which compiles for half a minute: a map on which two numbers are the place."""
        fitted.update(vectors=vectors, metric=metric, dimensions=dimensions)
        origin = np.zeros(8, dtype=np.float32)
        sample = compared(vectors.T, metric, origin).T
        return SampleMap(metric, origin, sample, sample[:, [5, 2]].copy(), np.zeros((2, 2)))

    monkeypatch.setattr(plane_module, "fit_umap", fit)
    block = FieldView.open(path).read((500000.0, 5699400.0, 500900.0, 5700000.0), 90, 60, Silent())
    plane = plane_of_block(block, Silent(), "umap")
    assert fitted["vectors"].shape == (4000, 8) and (fitted["metric"], fitted["dimensions"]) == ("cosine", 2)
    vectors = block.vectors_of(np.flatnonzero(block.valid))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    known = (vectors[:, None, 0] == fitted["vectors"][None, :, 0]).any(axis=1)
    assert known.sum() == 4000 and np.allclose(plane.coordinates[known], unit[known][:, [5, 2]], atol=1e-3)
    assert np.abs(plane.coordinates - unit[:, [5, 2]]).mean() < 0.1 and plane.explained == ()


def test_the_plane_of_a_table(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(50, 5)).astype(np.float32)
    vectors[7] = 0
    with TableWriter(str(tmp_path / "t.gpkg"), wkt_of(4326), ogr.wkbPoint, [], Space("rows", 5)) as writer:
        writer.write([bytes(ogr.CreateGeometryFromWkt(f"POINT({row} {2 * row})").ExportToIsoWkb())
                      for row in range(50)], {}, vectors)
    table = open_table(str(tmp_path / "t.gpkg"))
    plane = plane_of_table(table, Silent())
    kept = np.delete(np.arange(50), 7)
    assert plane.rows.tolist() == kept.tolist() and plane.cells == 0 and plane.key == table.space_key
    assert np.allclose(plane.coordinates, components(vectors[kept])[0], atol=1e-5)
    assert np.allclose(plane.places, np.stack([kept, 2 * kept], axis=1))
    few = plane_of_table(table, Silent(), count=20, seed=1)
    assert len(few.rows) in (19, 20) and np.allclose(few.coordinates, components(vectors[few.rows])[0], atol=1e-5)


def test_values_of_another_raster_under_points(tmp_path):
    values = np.arange(30 * 40, dtype=np.float32).reshape(1, 30, 40)
    values[0, 4, 5] = np.nan
    other = write_bands(tmp_path / "b.tif", values, (500000.0, 20.0, 0.0, 5698000.0, 0.0, 20.0), 32633, -1.0)
    chance = np.random.default_rng(0)
    points = np.stack([chance.uniform(499900, 500900, 400), chance.uniform(5697900, 5698700, 400)], axis=1)
    points[0] = 500110.0, 5698090.0
    columns, rows = ((points[:, 0] - 500000) // 20).astype(int), ((points[:, 1] - 5698000) // 20).astype(int)
    inside = (columns >= 0) & (columns < 40) & (rows >= 0) & (rows < 30)
    expected = np.full(400, np.nan)
    expected[inside] = values[0, rows[inside], columns[inside]]
    assert np.isnan(expected[0]) and inside.sum() > 200
    assert np.array_equal(raster_values(other, points, wkt_of(32633), Silent()), expected, equal_nan=True)
    degrees = transformed(points, wkt_of(32633), wkt_of(4326))
    assert np.allclose(degrees[:, 0], 15, atol=0.02)
    assert np.array_equal(raster_values(other, degrees, wkt_of(4326), Silent()), expected, equal_nan=True)
    assert np.isnan(raster_values(other, np.array([[np.nan, 1.0], [0.0, 0.0]]), wkt_of(32633), Silent())).all()
    with pytest.raises(Cancelled):
        raster_values(other, points, wkt_of(32633), Stopped())


def test_distances_over_time(tmp_path):
    years = [2021, 2019, 2020]
    fields = [unit_vectors(40, 60, seed=year) for year in years]
    fields[2][:, 5, 6] = np.nan
    paths = [seen_field(tmp_path / f"{year}.tif", values, "f4", transform)
             for year, values, transform in zip(years, fields, (NORTH_UP, SOUTH_UP, NORTH_UP))]
    x, y = 500105.0, 5699895.0
    here = [fields[0][:, 10, 10], None, fields[2][:, 10, 10]]
    with pytest.raises(InputError, match="reference date 2019 has no value"):
        timeline(paths, list(map(str, years)), x, y, wkt_of(32633), Silent())
    found = timeline(paths, list(map(str, years)), x, y, wkt_of(32633), Silent(), paths[0])
    assert found.dates == ("2019", "2020", "2021") and found.paths == (paths[1], paths[2], paths[0])
    assert found.reference == 2 and np.isnan(found.distances[0]) and found.distances[2] == 0
    cosine = float(here[0].astype(np.float64) @ here[2] / np.linalg.norm(here[0]) / np.linalg.norm(here[2]))
    assert found.distances[1] == pytest.approx(1 - cosine, abs=1e-6) and found.distances[1] > 0.01
    assert np.array_equal(found.vectors[1], here[2]) and np.isnan(found.vectors[0]).all()
    longitude, latitude = transformed(np.array([[x, y]]), wkt_of(32633), wkt_of(4326))[0]
    elsewhere = timeline(paths, list(map(str, years)), longitude, latitude, wkt_of(4326), Silent(), paths[0])
    assert np.array_equal(elsewhere.distances, found.distances, equal_nan=True)
    unordered = timeline([paths[0], paths[2]], [], x, y, wkt_of(32633), Silent())
    assert unordered.dates == ("1", "2") and unordered.reference == 0
    with pytest.raises(Cancelled):
        timeline(paths, [], x, y, "", Stopped())
    with pytest.raises(InputError, match="two dates or more"):
        timeline(paths[:1], [], x, y, "", Silent())


def test_dates_of_two_spaces_are_refused(tmp_path):
    one = seen_field(tmp_path / "one.tif", unit_vectors(4, 6))
    two = seen_field(tmp_path / "two.tif", unit_vectors(4, 6), encoder="another")
    with pytest.raises(SpaceError) as refused:
        timeline([one, two], [], 500005.0, 5699995.0, "", Silent())
    assert all(text in str(refused.value) for text in (one, two, "seen-", "another-"))


def test_a_euclidean_curve_is_of_lengths(tmp_path):
    paths = []
    for number, value in enumerate((1.0, 4.0)):
        values = np.full((2, 3, 3), value, dtype=np.float32)
        paths.append(write_bands(tmp_path / f"{number}.tif", values, NORTH_UP, 32633, -1.0))
        dataset = gdal.Open(paths[-1], gdal.GA_Update)
        space = Space("flat", 2, metric="euclidean")
        dataset.SetMetadata({"EARTHPRINT_SPACE": space.canonical(), "EARTHPRINT_KEY": space.key()})
        dataset = None
    found = timeline(paths, [], 500005.0, 5699995.0, wkt_of(32633), Silent())
    assert found.metric == "euclidean" and np.allclose(found.distances, [0, 18 ** 0.5])
