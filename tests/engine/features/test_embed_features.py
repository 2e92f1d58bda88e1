"""Vectors of features against sums over a fine grid of points, and every way a feature may have none."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, List, Optional

import numpy as np
import pytest
from osgeo import ogr, osr
from small_fields import wkt_of, write_bands, write_field, write_layer

from earthprint.engine.coding import ALPHAEARTH
from earthprint.engine.errors import Cancelled, InputError
from earthprint.engine.features import run as features_run
from earthprint.engine.features.request import FeaturesRequest, FeaturesResult
from earthprint.engine.features.run import embed_features
from earthprint.engine.features.statistics import Median, weighted_medians
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space, parse_key
from earthprint.engine.table import TableChunk, open_rows, open_table

X, Y, CELL = 500000.0, 5700000.0, 10.0
NORTH_UP = (X, CELL, 0.0, Y, 0.0, -CELL)
FINE = 40


class Told(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.warnings: List[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def values_of(dims: int, rows: int, columns: int, seed: int = 3) -> np.ndarray:
    chance = np.random.default_rng(seed)
    values = chance.normal(0, 1, (dims, rows, columns)) + np.arange(dims)[:, None, None]
    values[:, rows // 3: rows // 3 + 4, columns // 2: columns // 2 + 5] = np.nan
    values[1, 2, 3] = np.nan
    return values.astype(np.float32)


def embedded(tmp_path: Path, field: str, layer: str, progress: Any = None,
             **options: Any) -> "tuple[FeaturesResult, TableChunk]":
    result = embed_features(FeaturesRequest(open_rows(layer), field, str(tmp_path / "out.gpkg"), **options),
                            progress or Silent())
    [chunk] = list(open_table(result.output).chunks(100000))
    return result, chunk


@lru_cache(maxsize=None)
def fine_cells(text: str, rows: int, columns: int, step: float = CELL) -> np.ndarray:
    """Return how much of each cell a polygon covers, by the share of FINE x FINE points in it."""
    shape = ogr.CreateGeometryFromWkt(text)
    found = np.zeros((rows, columns))
    box = shape.GetEnvelope()
    at = (np.arange(FINE) + 0.5) / FINE * step
    for row in range(rows):
        for column in range(columns):
            x, y = X + column * step, Y - row * step
            if box[0] > x + step or box[1] < x or box[2] > y or box[3] < y - step:
                continue
            inside = sum(shape.Contains(_point(x + dx, y - dy)) for dx in at for dy in at)
            found[row, column] = inside / FINE ** 2
    return found


def _point(x: float, y: float) -> ogr.Geometry:
    point = ogr.Geometry(ogr.wkbPoint)
    point.AddPoint_2D(x, y)
    return point


def blob(x: float, y: float, reach: float, corners: int = 9, seed: int = 0) -> str:
    chance = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    length = reach * chance.uniform(0.5, 1, corners)
    ring = [f"{X + x + r * np.cos(a):.4f} {Y - y + r * np.sin(a):.4f}" for r, a in zip(length, angle)]
    return f"POLYGON(({','.join([*ring, ring[0]])}))"


BLOBS = [blob(95, 60, 40), blob(190, 120, 60, 7, 1), blob(43, 28, 3, 5, 2), blob(165, 95, 25, 6, 3),
         blob(0, 100, 35, 8, 4)]


@pytest.mark.parametrize("statistic", ["mean", "median", "max", "std"])
def test_polygons_are_what_a_fine_grid_says(tmp_path: Path, statistic: str) -> None:
    values = values_of(3, 18, 24)
    field = write_bands(tmp_path / "field.tif", values, NORTH_UP, 32633, -9999.0)
    result, chunk = embedded(tmp_path, field, write_layer(tmp_path / "blobs.gpkg", BLOBS), statistic=statistic)
    assert result.covered == len(BLOBS) and result.outside == 0
    valid = np.isfinite(values).all(axis=0)
    for number, text in enumerate(BLOBS):
        shape = ogr.CreateGeometryFromWkt(text)
        covered = fine_cells(text, 18, 24)
        counted = covered * valid
        weights = counted[counted > 0]
        cells = values[:, counted > 0].astype(np.float64)
        if statistic == "mean":
            want, slack = (cells * weights).sum(axis=1) / weights.sum(), 0.01
        elif statistic == "std":
            mean = (cells * weights).sum(axis=1, keepdims=True) / weights.sum()
            want, slack = np.sqrt((weights * (cells - mean) ** 2).sum(axis=1) / weights.sum()), 0.03
        elif statistic == "max":
            want, slack = cells.max(axis=1), 1e-6
        else:
            want = np.median(np.repeat(cells, np.rint(weights * FINE ** 2).astype(int), axis=1), axis=1)
            slack = 1e-6
        assert np.abs(chunk.vectors[number] - want).max() < slack, number
        share = counted.sum() * CELL ** 2 / shape.GetArea()
        assert chunk.columns["valid_share"][number] == pytest.approx(share, abs=0.02)
    assert chunk.columns["name"] == [f"n{number}" for number in range(len(BLOBS))]


def test_points_and_lines(tmp_path: Path) -> None:
    values = values_of(3, 18, 24)
    field = write_field(tmp_path / "field.tif", values, NORTH_UP)
    centre = f"POINT({X + 65} {Y - 45})"
    between = f"POINT({X + 61.5} {Y - 42})"
    beside = f"POINT({X + 31} {Y - 27})"
    line = f"LINESTRING({X + 5} {Y - 141},{X + 62} {Y - 141})"
    pair = f"MULTIPOINT({X + 65} {Y - 45},{X + 15} {Y - 15})"
    layer = write_layer(tmp_path / "mixed.gpkg", [centre, between, beside, line, pair])
    _, chunk = embedded(tmp_path, field, layer)
    assert np.allclose(chunk.vectors[0], values[:, 4, 6], atol=1e-6)
    # 61.5 lies 0.35 of a cell left of the centre of column 6, and 42 lies 0.3 above that of row 4.
    want = (0.7 * (0.65 * values[:, 4, 6] + 0.35 * values[:, 4, 5])
            + 0.3 * (0.65 * values[:, 3, 6] + 0.35 * values[:, 3, 5]))
    assert np.allclose(chunk.vectors[1], want, atol=1e-6)
    # The cell in row 2, column 3 has no value in one band: the other three share its weight.
    left, right, up, down = values[:, 2, 2], values[:, 2, 3], values[:, 3, 2], values[:, 3, 3]
    shares = np.array([0.4 * 0.8, 0.6 * 0.8, 0.4 * 0.2, 0.6 * 0.2])
    assert not np.isfinite(right).all()
    want = (left * shares[0] + up * shares[2] + down * shares[3]) / (shares.sum() - shares[1])
    assert np.allclose(chunk.vectors[2], want, atol=1e-6)
    assert chunk.columns["valid_share"][2] == pytest.approx(1 - shares[1])
    lengths = np.array([5, 10, 10, 10, 10, 10, 2.0])
    assert np.allclose(chunk.vectors[3], (values[:, 14, :7] * lengths).sum(axis=1) / lengths.sum(), atol=1e-6)
    assert np.allclose(chunk.vectors[4], (values[:, 4, 6] + values[:, 1, 1]) / 2, atol=1e-6)
    _, chunk = embedded(tmp_path, field, layer, sampling="nearest")
    assert np.array_equal(chunk.vectors[1], values[:, 4, 6]) and chunk.columns["name"][2] == "n3"


@pytest.mark.parametrize("statistic", ["median", "max", "std"])
def test_points_among_polygons_are_the_cell_that_holds_them(tmp_path: Path, statistic: str) -> None:
    values = values_of(3, 18, 24)
    field = write_field(tmp_path / "field.tif", values, NORTH_UP)
    layer = write_layer(tmp_path / "mixed.gpkg", [BLOBS[0], f"POINT({X + 61.5} {Y - 42})"])
    _, chunk = embedded(tmp_path, field, layer, statistic=statistic)
    assert np.allclose(chunk.vectors[1], 0 if statistic == "std" else values[:, 4, 6], atol=1e-3)


def test_a_look_up_is_continuous(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(0, 1, (2, 12, 12)).astype(np.float32)
    field = write_field(tmp_path / "field.tif", values, NORTH_UP)
    points = [f"POINT({X + 20 + 0.1 * step} {Y - 33.3})" for step in range(400)]
    _, chunk = embedded(tmp_path, field, write_layer(tmp_path / "points.gpkg", points))
    assert np.abs(np.diff(chunk.vectors, axis=0)).max() < 0.011 * np.ptp(values)


def test_vectors_of_length_one_stay_so(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(0, 1, (8, 20, 20))
    values /= np.linalg.norm(values, axis=0)
    values[:, 5, 5] = np.nan
    space = Space("alphaearth-v1", 8, unit_norm=True)
    field = write_field(tmp_path / "unit.tif", values, NORTH_UP, space=space, coding=ALPHAEARTH)
    shapes = [f"POINT({X + 77} {Y - 33})", blob(100, 100, 60), blob(55, 55, 4)]
    result, chunk = embedded(tmp_path, field, write_layer(tmp_path / "shapes.gpkg", shapes))
    assert np.allclose(np.linalg.norm(chunk.vectors, axis=1), 1.0, atol=1e-6)
    assert result.covered == 2 and result.outside == 1 and chunk.columns["name"] == ["n0", "n1"]
    table = open_table(result.output)
    assert parse_key(table.space_key).same_space(parse_key(space.key("a1")))
    assert "Google" in " ".join(item.attribution for item in table.identity().provenance)
    _, _ = embedded(tmp_path, field, write_layer(tmp_path / "blob.gpkg", shapes[1:2]), statistic="std")
    spread = parse_key(open_table(str(tmp_path / "out.gpkg")).space_key)
    assert not spread.unit_norm and spread.digest != parse_key(space.key()).digest


def test_another_crs_a_south_up_field_and_coordinates_in_degrees(tmp_path: Path) -> None:
    values = values_of(2, 18, 24)
    plain = write_field(tmp_path / "field.tif", values, NORTH_UP)
    _, want = embedded(tmp_path, plain, write_layer(tmp_path / "blobs.gpkg", BLOBS))
    south_up = write_field(tmp_path / "south.tif", values[:, ::-1], (X, CELL, 0, Y - 180, 0, CELL))
    _, found = embedded(tmp_path, south_up, write_layer(tmp_path / "blobs.gpkg", BLOBS))
    assert np.allclose(found.vectors, want.vectors, atol=1e-6)
    way = osr.CoordinateTransformation(_reference(32633), _reference(4326))
    moved = []
    for text in BLOBS:
        shape = ogr.CreateGeometryFromWkt(text)
        shape.Transform(way)
        moved.append(shape.ExportToWkt())
    _, found = embedded(tmp_path, plain, write_layer(tmp_path / "moved.gpkg", moved, 4326))
    assert np.abs(found.vectors - want.vectors).max() < 2e-3


def _reference(epsg: int) -> osr.SpatialReference:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


def test_cells_of_a_geographic_field_count_by_their_true_area(tmp_path: Path) -> None:
    values = np.repeat(np.arange(90, dtype=np.float32)[:, None], 40, axis=1)[None]
    field = write_field(tmp_path / "world.tif", values, (0, 1, 0, 90, 0, -1), 4326)
    layer = write_layer(tmp_path / "quarter.gpkg", ["POLYGON((2 0,38 0,38 90,2 90,2 0))"], 4326)
    _, chunk = embedded(tmp_path, field, layer)
    latitude = 90 - np.arange(91.0)
    area = np.sin(np.radians(latitude[:-1])) - np.sin(np.radians(latitude[1:]))
    assert chunk.vectors[0, 0] == pytest.approx((area * np.arange(90)).sum() / area.sum(), rel=2e-3)
    assert abs(chunk.vectors[0, 0] - 44.5) > 10


def test_features_without_a_vector_are_counted_and_can_be_kept(tmp_path: Path) -> None:
    field = write_field(tmp_path / "field.tif", values_of(3, 18, 24), NORTH_UP)
    shapes: List[Optional[str]] = [BLOBS[0], None, f"POINT({X - 500} {Y})", f"POINT({X + 145} {Y - 85})", BLOBS[2]]
    layer = write_layer(tmp_path / "some.gpkg", shapes)
    told = Told()
    result, chunk = embedded(tmp_path, field, layer, told)
    assert (result.covered, result.outside) == (2, 3) and chunk.columns["name"] == ["n0", "n4"]
    assert told.warnings == ["3 of 5 features have no vector: 1 outside the field, 1 on cells without a value, "
                             "1 without a geometry that has a place in its CRS."]
    result = embed_features(FeaturesRequest(open_rows(layer), field, str(tmp_path / "all.gpkg"), keep_empty=True),
                            Silent())
    [rows] = list(open_rows(result.output).rows())
    assert rows.columns["name"] == [f"n{number}" for number in range(5)]
    assert [blob is None for blob in rows.columns["embedding"]] == [False, True, True, True, False]


def test_blocks_are_read_once_and_only_where_features_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(0, 1, (2, 1024, 1024)).astype(np.float32)
    field = write_field(tmp_path / "large.tif", values, NORTH_UP)
    chance = np.random.default_rng(1)
    places = np.concatenate([chance.uniform(0, 5000, (300, 2)), chance.uniform(8000, 10000, (300, 2))])
    chance.shuffle(places)
    seen = []
    original = features_run.FieldSource.read
    monkeypatch.setattr(features_run.FieldSource, "read",
                        lambda self, dataset, window: (seen.append((window.y, window.x)),
                                                       original(self, dataset, window))[1])
    shapes = [blob(x, y, 30, 5, number) for number, (x, y) in enumerate(places)]
    result, _ = embedded(tmp_path, field, write_layer(tmp_path / "many.gpkg", shapes))
    assert seen == sorted(set(seen)) and result.blocks_read == len(seen) < 16


def test_medians_of_half_the_weight() -> None:
    values = np.array([[1.0, 2.0, 3.0, 10.0], [4.0, 3.0, 2.0, 1.0]])
    assert weighted_medians(values[None], np.ones((1, 4))).tolist() == [[2.5, 2.5]]
    assert weighted_medians(values[None], np.array([[1.0, 1, 1, 5]])).tolist() == [[10.0, 1.0]]
    assert weighted_medians(values[None, :, :1], np.ones((1, 1))).tolist() == [[1.0, 4.0]]


def test_medians_of_several_features_are_those_of_each_alone() -> None:
    chance = np.random.default_rng(12)
    sizes = chance.integers(1, 30, 60)
    values = np.full((60, 5, 32), np.inf, dtype=np.float32)
    weights = np.zeros((60, 32))
    wanted = []
    for number, size in enumerate(sizes.tolist()):
        # Every other feature has values that occur several times, every third one cells of one weight.
        own = chance.integers(0, 8, (5, size)) if number % 2 else chance.normal(size=(5, size))
        weight = np.ones(size) if number % 3 == 0 else chance.uniform(0.01, 1, size)
        values[number, :, :size], weights[number, :size] = own, weight
        row = []
        for cells in values[number, :, :size]:
            order = np.argsort(cells)
            heap, half = np.cumsum(weight[order]), weight.sum() / 2
            low = int(np.argmax(heap >= half - 1e-9))
            high = int(np.argmax(np.append(heap[:-1] > half + 1e-9, True)))
            row.append((cells[order[low]] + cells[order[high]]) / 2)
        wanted.append(row)
    np.testing.assert_allclose(weighted_medians(values, weights), wanted, rtol=1e-6)


def test_medians_in_little_memory_are_near_and_say_so(tmp_path: Path) -> None:
    told = Told()
    values = np.random.default_rng(0).normal(0, 1, (4, 300, 300)).astype(np.float32)
    field = write_field(tmp_path / "field.tif", values, NORTH_UP)
    statistic = Median(1, 4, 20_000 * 24, told)
    from earthprint.engine.features.outlines import Outlines
    from earthprint.engine.features.shapes import lay_over
    from earthprint.engine.field import open_field

    outlines = Outlines()
    shape = ogr.CreateGeometryFromWkt(f"POLYGON(({X} {Y},{X + 3000} {Y},{X + 3000} {Y - 3000},{X} {Y - 3000},{X} {Y}))")
    outlines.add([bytes(shape.ExportToIsoWkb(ogr.wkbNDR))])
    opened = open_field(field)
    shapes = lay_over(outlines, opened.info.grid, "bilinear")
    for planned in features_run.touched_windows(opened, features_run.source_of(opened), shapes, 64):
        work = features_run._Reader(features_run.source_of(opened), shapes).read(planned)
        statistic.take(statistic.of_block(work.block, work.pairs))
        assert statistic._cells <= 20_000 * 2
    assert np.abs(statistic.vectors()[0] - np.median(values.reshape(4, -1), axis=1)).max() < 0.03
    assert len(told.warnings) == 1


@pytest.mark.parametrize("shapes, field_epsg, layer_epsg, options, said", [
    ([f"POINT({X + 9e5} {Y})"], 32633, 32633, {}, "lies on valid cells"),
    ([f"POINT({X + 5} {Y - 5})"], 32633, 0, {}, "“points” has no CRS"),
    ([f"POINT({X + 5} {Y - 5})"], 0, 32633, {}, "field.tif has no CRS"),
    ([f"POINT({X + 5} {Y - 5})"], 32633, 32633, {"statistic": "std"}, "points, which have one vector each"),
    ([], 32633, 32633, {}, "has no features"),
])
def test_wrong_input_is_one_sentence(tmp_path: Path, shapes: Any, field_epsg: int, layer_epsg: int, options: Any,
                                     said: str) -> None:
    field = write_field(tmp_path / "field.tif", values_of(3, 18, 24), NORTH_UP, field_epsg)
    layer = write_layer(tmp_path / "points.gpkg", shapes, layer_epsg)
    with pytest.raises(InputError) as caught:
        embed_features(FeaturesRequest(open_rows(layer), field, str(tmp_path / "out.gpkg"), **options), Silent())
    assert said in str(caught.value) and str(caught.value).endswith(".")
    assert not (tmp_path / "out.gpkg").exists()


def test_a_cancel_leaves_nothing(tmp_path: Path) -> None:
    class Stopped(Silent):
        def cancelled(self) -> bool:
            return True

    field = write_field(tmp_path / "field.tif", values_of(3, 18, 24), NORTH_UP)
    layer = write_layer(tmp_path / "blobs.gpkg", BLOBS)
    with pytest.raises(Cancelled):
        embed_features(FeaturesRequest(open_rows(layer), field, str(tmp_path / "out.gpkg")), Stopped())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blobs.gpkg", "field.tif"]
    assert wkt_of(32633)
