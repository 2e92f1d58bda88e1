"""Samples from a field against looking up cells one by one, and every way a label may be left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Tuple

import numpy as np
import pytest
from made_rows import MadeRows, wkb_of
from osgeo import ogr, osr
from small_fields import write_bands, write_field, write_layer

from earthprint.engine.coding import ALPHAEARTH
from earthprint.engine.dataset import longitude_latitude
from earthprint.engine.errors import Cancelled, InputError
from earthprint.engine.features.request import FeaturesRequest
from earthprint.engine.features.run import embed_features
from earthprint.engine.field_pass import FieldSource
from earthprint.engine.progress import Silent
from earthprint.engine.provenance import Provenance
from earthprint.engine.space import Space
from earthprint.engine.table import open_rows, open_table
from earthprint.engine.training.gathering import GatherRequest, gather
from earthprint.engine.training.samples import Samples

X, Y, CELL = 500000.0, 5700000.0, 10.0
ROWS, COLUMNS, DIMS = 300, 290, 3
NORTH_UP = (X, CELL, 0.0, Y, 0.0, -CELL)
POLYGONS = [
    (30.2, 40.1, 75.3, 80.7), (250.4, 250.9, 285.1, 290.2), (120.3, 20.2, 121.9, 21.8), (200.6, 100.6, 200.9, 100.8),
    (-30.0, 100.0, 4.6, 110.0), (400.0, 10.0, 420.0, 30.0), (100.2, 200.2, 112.1, 212.4)]


class Told(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.infos: List[str] = []
        self.warnings: List[str] = []

    def info(self, text: str) -> None:
        self.infos.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def values_of() -> np.ndarray:
    values = np.random.default_rng(3).normal(0, 1, (DIMS, ROWS, COLUMNS)).astype(np.float32)
    values[:, 200:213, 100:106] = np.nan
    values[1, 50, 50] = np.nan
    return values


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> str:
    space = Space("small", DIMS, provenance=(Provenance("Made", "CC0"),))
    return write_field(tmp_path_factory.mktemp("field") / "field.tif", values_of(), NORTH_UP, space=space)


def rectangle(x0: float, y0: float, x1: float, y1: float) -> str:
    """Return a rectangle given in cells from the field's corner."""
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    return f"POLYGON(({','.join(f'{X + x * CELL} {Y - y * CELL}' for x, y in corners)}))"


def point(x: float, y: float) -> str:
    return f"POINT({X + x * CELL} {Y - y * CELL})"


def cells_of(boxes: List[Tuple[float, float, float, float]]) -> List[Tuple[int, int, int]]:
    """Return polygon, row and column of each valid cell with its centre inside."""
    valid = np.isfinite(values_of()).all(axis=0)
    return [(number, row, column) for number, (x0, y0, x1, y1) in enumerate(boxes)
            for row in range(ROWS) for column in range(COLUMNS)
            if x0 < column + 0.5 < x1 and y0 < row + 0.5 < y1 and valid[row, column]]


def places_of(samples: Samples) -> List[Tuple[int, int, int]]:
    """Return unit, row and column of samples, from their points."""
    column, row = (samples.points[:, 0] - X) / CELL - 0.5, (Y - samples.points[:, 1]) / CELL - 0.5
    np.testing.assert_allclose(column, np.round(column), atol=1e-6)
    np.testing.assert_allclose(row, np.round(row), atol=1e-6)
    return list(zip(samples.units.tolist(), np.round(row).astype(int).tolist(), np.round(column).astype(int).tolist()))


def polygons(boxes: Any = POLYGONS, **columns: Any) -> MadeRows:
    return MadeRows([rectangle(*box) for box in boxes], {"y": [float(n) for n in range(len(boxes))], **columns})


@pytest.mark.parametrize("sampling", ["bilinear", "nearest"])
@pytest.mark.parametrize("epsg", [32633, 4326])
def test_points_are_sampled_as_features_are_embedded(tmp_path: Path, field: str, sampling: str, epsg: int) -> None:
    chance = np.random.default_rng(1)
    points = chance.uniform(-5, 310, (60, 2))
    shapes = [point(*place) for place in points.tolist()]
    if epsg != 32633:
        shapes = [moved(shape, epsg) for shape in shapes]
    layer = write_layer(tmp_path / "points.gpkg", shapes, epsg)
    embed_features(FeaturesRequest(open_rows(layer), field, str(tmp_path / "out.gpkg"), sampling=sampling), Silent())
    [chunk] = list(open_table(str(tmp_path / "out.gpkg")).chunks(1000))
    made = MadeRows(shapes, {"y": list(map(float, range(60)))}, epsg)
    found = gather(GatherRequest(made, ("y",), embeddings=field, sampling=sampling), Silent())
    np.testing.assert_array_equal(found.vectors, chunk.vectors)
    assert found.ids == [int(name[1:]) + 1 for name in chunk.columns["name"]]
    assert found.units.tolist() == [number - 1 for number in found.ids]
    np.testing.assert_array_equal(found.targets[:, 0], found.units)
    coordinates = np.array([ogr.CreateGeometryFromWkt(shapes[unit]).GetPoint_2D() for unit in found.units])
    np.testing.assert_allclose(found.points, coordinates, rtol=1e-12)
    expected = coordinates if epsg == 4326 else longitude_latitude(made.wkt, coordinates)
    np.testing.assert_allclose(found.places, expected, atol=1e-9)
    assert found.counts.read == 60 and found.counts.used == len(found.ids)
    assert found.counts.outside + found.counts.without_vector == 60 - len(found.ids)
    assert found.identity.provenance == (Provenance("Made", "CC0"),)


def moved(shape: str, epsg: int) -> str:
    source, target = osr.SpatialReference(), osr.SpatialReference()
    source.ImportFromEPSG(32633)
    target.ImportFromEPSG(epsg)
    for reference in (source, target):
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    geometry = ogr.CreateGeometryFromWkt(shape)
    geometry.Transform(osr.CoordinateTransformation(source, target))
    return geometry.ExportToWkt()


@pytest.mark.parametrize("memory", [1, 1024])
def test_polygons_give_the_cells_with_their_centre_inside(field: str, memory: int) -> None:
    told = Told()
    found = gather(GatherRequest(polygons(), ("y",), embeddings=field, memory_mib=memory), told)
    bare = (3, 100, 200)  # holds no centre, and lies in one cell
    assert places_of(found) == sorted([*cells_of(POLYGONS), bare])
    values = values_of()
    np.testing.assert_array_equal(
        found.vectors, np.array([values[:, row, column] for _, row, column in places_of(found)]))
    np.testing.assert_array_equal(found.targets[:, 0], found.units)
    np.testing.assert_allclose(found.weights, 1.0)
    assert found.counts.used == 6 and found.counts.outside == 1
    assert any("1 polygons hold the centre of no cell" in text for text in told.infos)
    assert told.warnings == ["6 of 7 labels of “made” are used, with " + f"{len(found.vectors)} samples; left out are "
                             "1 outside of the field."]


def test_a_sliver_gives_the_cell_it_covers_most_of(field: str) -> None:
    # Over three cells; the middle one is covered most; of the other the covered one has no value.
    boxes = [(20.8, 10.55, 22.3, 10.7), (49.9, 50.6, 50.8, 50.9), (10.0, 10.0, 15.0, 15.0)]
    found = gather(GatherRequest(polygons(boxes), ("y",), embeddings=field), Silent())
    assert places_of(found)[:2] == [(0, 10, 21), (1, 50, 49)]


def test_a_sample_of_each_polygon(field: str) -> None:
    told = Told()
    whole = set(cells_of(POLYGONS))
    request = GatherRequest(polygons(), ("y",), embeddings=field, cells="20", seed=4)
    found = gather(request, told)
    places = places_of(found)
    sizes = np.bincount(found.units, minlength=7)
    assert sizes.tolist() == [20, 20, min(20, sum(n == 2 for n, _, _ in whole)), 1, 20, 0, 20]
    assert set(places) - {(3, 100, 200)} <= whole and len(set(places)) == len(places)
    assert "a random sample of at most 20 a polygon" in " ".join(told.infos)
    again = gather(GatherRequest(polygons(), ("y",), embeddings=field, cells="20", seed=4, memory_mib=1), Silent())
    np.testing.assert_array_equal(again.vectors, found.vectors)
    other = gather(GatherRequest(polygons(), ("y",), embeddings=field, cells="20", seed=5), Silent())
    assert set(places_of(other)) != set(places)


def test_samples_are_spread_over_a_polygon(field: str) -> None:
    rows, columns = [], []
    for seed in range(12):
        found = gather(GatherRequest(polygons([(0, 0, 280, 190), (10, 10, 12, 12)]), ("y",), embeddings=field,
                                     cells="100", seed=seed), Silent())
        places = [(row, column) for unit, row, column in places_of(found) if unit == 0]
        rows += [row for row, _ in places]
        columns += [column for _, column in places]
    assert np.mean(rows) == pytest.approx(95, abs=5) and np.mean(columns) == pytest.approx(140, abs=7)
    for found_places, size in ((rows, 190), (columns, 280)):
        counts = np.histogram(found_places, 10, (0, size))[0]
        assert ((counts - 120.0) ** 2 / 120.0).sum() < 35


def test_too_many_cells_are_thinned_evenly_and_said_so(field: str) -> None:
    told = Told()
    request = GatherRequest(polygons(), ("y",), embeddings=field, most_cells=500)
    found = gather(request, told)
    assert len(found.vectors) == 500 and set(found.units.tolist()) == {0, 1, 2, 3, 4, 6}
    assert any("too many cells" in text and "500" in text for text in told.warnings)
    whole = np.bincount([number for number, _, _ in cells_of(POLYGONS)])
    sizes = np.bincount(found.units)
    assert sizes[1] / sizes[0] == pytest.approx(whole[1] / whole[0], rel=0.2)
    again = gather(GatherRequest(polygons(), ("y",), embeddings=field, most_cells=500, memory_mib=1), Silent())
    np.testing.assert_array_equal(again.vectors, found.vectors)


def test_the_mean_is_that_of_embedded_features(tmp_path: Path, field: str) -> None:
    layer = write_layer(tmp_path / "polygons.gpkg", [rectangle(*box) for box in POLYGONS])
    embed_features(FeaturesRequest(open_rows(layer), field, str(tmp_path / "out.gpkg")), Silent())
    [chunk] = list(open_table(str(tmp_path / "out.gpkg")).chunks(1000))
    found = gather(GatherRequest(polygons(), ("y",), embeddings=field, cells="mean"), Silent())
    np.testing.assert_array_equal(found.vectors, chunk.vectors)
    assert found.units.tolist() == [0, 1, 2, 3, 4, 6]
    centre = ogr.CreateGeometryFromWkt(rectangle(*POLYGONS[0])).Centroid()
    np.testing.assert_allclose(found.points[0], (centre.GetX(), centre.GetY()))


def test_cells_of_polygons_in_another_crs(field: str) -> None:
    shapes = [moved(rectangle(*box), 4326) for box in POLYGONS[:3]]
    rows = MadeRows(shapes, {"y": [1.0, 2.0, 3.0]}, 4326)
    found = gather(GatherRequest(rows, ("y",), embeddings=field), Silent())
    own = gather(GatherRequest(polygons(POLYGONS[:3]), ("y",), embeddings=field), Silent())
    np.testing.assert_array_equal(found.vectors, own.vectors)
    np.testing.assert_allclose(found.points, own.places, atol=1e-9)
    np.testing.assert_allclose(found.places, own.places, atol=1e-9)


def test_points_and_polygons_in_one_layer(field: str) -> None:
    shapes = [point(10.5, 10.5), rectangle(20, 20, 22, 22), None, "POINT EMPTY", point(30.5, 7.5)]
    rows = MadeRows(shapes, {"y": [5.0, 4.0, 3.0, 2.0, 1.0]})
    found = gather(GatherRequest(rows, ("y",), embeddings=field), Silent())
    values = values_of()
    expected = [values[:, 10, 10], values[:, 20, 20], values[:, 20, 21], values[:, 21, 20], values[:, 21, 21],
                values[:, 7, 30]]
    np.testing.assert_allclose(found.vectors, expected, rtol=1e-6)
    assert found.units.tolist() == [0, 1, 1, 1, 1, 4]
    assert found.counts.without_place == 2 and found.counts.used == 3


def test_a_mask_holds_for_points_and_cells(field: str) -> None:
    mask = (wkb_of(rectangle(0, 0, 60.2, 60.2)), wkb_of(rectangle(120, 20, 121, 60)))
    found = gather(GatherRequest(polygons(), ("y",), embeddings=field, mask=mask), Silent())
    inside = [cell for cell in cells_of(POLYGONS) if (cell[1] < 60 and cell[2] < 60) or cell[0] == 2 and cell[2] == 120]
    assert places_of(found) == inside and len(inside) > 100
    assert (found.counts.used, found.counts.masked, found.counts.outside) == (2, 4, 1)
    points = MadeRows([point(10.5, 10.5), point(70.5, 10.5), point(20.5, 30.5)], {"y": [1.0, 2.0, 3.0]})
    found = gather(GatherRequest(points, ("y",), embeddings=field, mask=mask), Silent())
    assert found.units.tolist() == [0, 2] and found.counts.masked == 1
    with pytest.raises(InputError, match="No label of “made” lies in the mask"):
        gather(GatherRequest(polygons(), ("y",), embeddings=field, mask=(wkb_of(rectangle(90, 90, 95, 95)),)), Silent())
    with pytest.raises(InputError, match="No label of “made” lies in the mask"):
        gather(GatherRequest(points, ("y",), embeddings=field, mask=(wkb_of(rectangle(90, 90, 95, 95)),)), Silent())


def test_alphaearth_codes_are_decoded(tmp_path: Path) -> None:
    chance = np.random.default_rng(8)
    values = chance.normal(size=(64, 40, 40))
    values /= np.linalg.norm(values, axis=0)
    path = write_field(tmp_path / "a.tif", values, NORTH_UP, space=Space("alphaearth", 64, unit_norm=True),
                       coding=ALPHAEARTH)
    rows = MadeRows([rectangle(3, 3, 5, 5), point(10.5, 20.5)], {"y": [1.0, 2.0]})
    found = gather(GatherRequest(rows, ("y",), embeddings=path), Silent())
    np.testing.assert_allclose(found.vectors[0], values[:, 3, 3], atol=0.02)
    np.testing.assert_allclose(found.vectors[-1], values[:, 20, 10], atol=0.02)


def test_each_block_is_read_once(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: List[Any] = []
    original = FieldSource.read
    monkeypatch.setattr(FieldSource, "read", lambda self, dataset, window: (
        read.append(window), original(self, dataset, window))[1])
    gather(GatherRequest(polygons(), ("y",), embeddings=field), Silent())
    assert len(read) == len(set(read)) and read == sorted(read, key=lambda window: (window.y, window.x))


def test_a_field_that_says_nothing_is_warned_of(tmp_path: Path) -> None:
    path = write_bands(tmp_path / "plain.tif", np.random.default_rng(1).normal(size=(2, 20, 20)), NORTH_UP, 32633, -9)
    told = Told()
    rows = MadeRows([point(3.5, 4.5), point(5.5, 6.5)], {"y": [1.0, 2.0]})
    found = gather(GatherRequest(rows, ("y",), embeddings=path), told)
    assert not found.identity.declared and "doesn't say what its embeddings are" in told.warnings[0]


def test_labels_elsewhere(field: str) -> None:
    rows = MadeRows([point(-40, 10), point(1000, 10)], {"y": [1.0, 2.0]}, name="“far”")
    with pytest.raises(InputError, match="All 2 labels of “far” lie outside of .*field.tif: check their CRS"):
        gather(GatherRequest(rows, ("y",), embeddings=field), Silent())
    rows = MadeRows([point(103, 205), point(102, 207)], {"y": [1.0, 2.0]})
    with pytest.raises(InputError, match="lie on cells without a value"):
        gather(GatherRequest(rows, ("y",), embeddings=field), Silent())
    rows = MadeRows([None, None], {"y": [1.0, 2.0]})
    with pytest.raises(InputError, match="No label of “made” has a geometry"):
        gather(GatherRequest(rows, ("y",), embeddings=field), Silent())
    rows = MadeRows([point(3, 4), point(5, 6)], {"y": [1.0, 2.0]}, epsg=0)
    with pytest.raises(InputError, match="“made” has no CRS"):
        gather(GatherRequest(rows, ("y",), embeddings=field), Silent())
    with pytest.raises(InputError, match="nowhere.tif doesn't exist"):
        gather(GatherRequest(polygons(), ("y",), embeddings="/tmp/nowhere.tif"), Silent())


def test_a_cancel_ends_it(field: str) -> None:
    class Impatient(Silent):
        def cancelled(self) -> bool:
            return True

    with pytest.raises(Cancelled):
        gather(GatherRequest(polygons(), ("y",), embeddings=field), Impatient())


def test_alphaearth_s_bytes_that_nobody_decoded_are_named(tmp_path):
    from osgeo import gdal

    from earthprint.engine.field import how_to_state, open_field

    def written(name, bands):
        options = [] if hasattr(gdal, "GDT_Int8") else ["PIXELTYPE=SIGNEDBYTE"]
        kind = getattr(gdal, "GDT_Int8", gdal.GDT_Byte)
        dataset = gdal.GetDriverByName("GTiff").Create(str(tmp_path / name), 4, 4, bands, kind, options)
        dataset.FlushCache()
        return str(tmp_path / name)

    assert "Import embedding raster" in how_to_state(open_field(written("raw.tif", 64)))
    assert how_to_state(open_field(written("other.tif", 5))) == "State it with “Describe embeddings”."
