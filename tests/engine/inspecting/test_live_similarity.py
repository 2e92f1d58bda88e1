"""Pictures of fields and tables that follow the pointer: which row a pixel shows, and scores by the search's rule."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import ogr, osr

from earthprint.engine.centres import point_wkb
from earthprint.engine.coding import FLOAT32
from earthprint.engine.dataset import write
from earthprint.engine.errors import InputError
from earthprint.engine.field import create_field
from earthprint.engine.grid import Grid
from earthprint.engine.inspecting.drawn_rows import Outlines
from earthprint.engine.inspecting.live_similarity import (
    Given,
    GivenRequest,
    LiveField,
    LiveTable,
    PictureRequest,
    ScoreRequest,
    read_given,
    read_picture,
    score_picture,
)
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table.parts import TableChunk

SIDE, DIMENSIONS = 12, 5


def wkb(text):
    return bytes(ogr.CreateGeometryFromWkt(text).ExportToWkb(ogr.wkbNDR))


def box(west, south, east, north):
    return wkb(f"POLYGON(({west} {south},{east} {south},{east} {north},{west} {north},{west} {south}))")


def utm():
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32632)
    return reference.ExportToWkt()


def grid(width, height, extent):
    xmin, ymin, xmax, ymax = extent
    return Grid(width, height, (xmin, (xmax - xmin) / width, 0.0, ymax, 0.0, (ymin - ymax) / height), utm())


# ---- rows on pixels


def test_areas_fill_the_pixels_whose_middles_they_hold():
    random = np.random.default_rng(2)
    corners = random.uniform(0, 100, (30, 2))
    sizes = random.uniform(3, 20, (30, 2))
    shapes = [box(*corner, *(corner + size)) for corner, size in zip(corners, sizes)]
    found = Outlines(shapes).drawn(grid(50, 40, (0, 0, 120, 120)), Silent())
    for row in range(40):
        for column in range(50):
            x, y = (column + 0.5) * 120 / 50, 120 - (row + 0.5) * 120 / 40
            inside = [number for number in range(30)
                      if (corners[number] < (x, y)).all() and ((x, y) < corners[number] + sizes[number]).all()]
            if inside:
                assert found[row, column] == inside[-1]
            else:
                near = -1 if found[row, column] < 0 else found[row, column]
                # Beyond its middle a pixel shows only an area that touches it.
                assert near < 0 or (corners[near] < (x + 1.2, y + 1.5)).all() \
                    and ((x - 1.2, y - 1.5) < corners[near] + sizes[near]).all()


def test_small_areas_show_and_points_and_lines_lie_on_top():
    shapes = [box(0, 0, 100, 100), box(50.1, 50.1, 50.2, 50.2), wkb("LINESTRING(0 20, 100 20)"),
              wkb("MULTIPOINT((80 80))"), None, point_wkb(np.nan, np.nan), point_wkb(500, 500), point_wkb(101, 20)]
    found = Outlines(shapes).drawn(grid(100, 100, (0, 0, 100, 100)), Silent())
    assert found[49, 50] == 1 and found[5, 5] == 0
    assert found[79, 50] == 2 and found[82, 50] == 0
    assert found[19, 80] == 3 and found[19, 84] == 3 and found[19, 86] == 0
    assert found[79, 99] == 7 and set(np.unique(found)) == {0, 1, 2, 3, 7}


def test_heights_and_old_flags_of_points_are_points():
    with_height = bytes(ogr.CreateGeometryFromWkt("POINT Z (10 10 5)").ExportToIsoWkb(ogr.wkbNDR))
    old = bytes(ogr.CreateGeometryFromWkt("POINT Z (30 30 5)").ExportToWkb(ogr.wkbXDR))
    found = Outlines([with_height, old]).drawn(grid(40, 40, (0, 0, 40, 40)), Silent())
    assert found[29, 10] == 0 and found[9, 30] == 1


# ---- tables


def table(count=9, limit=512 << 20):
    vectors = np.random.default_rng(3).normal(size=(count, DIMENSIONS)).astype(np.float32)
    vectors[4] = 0
    shapes = [box(10 * row, 0, 10 * row + 9, 30) for row in range(count)]
    chunks = [TableChunk(range(4), vectors[:4], shapes[:4]), TableChunk(range(4, count), vectors[4:], shapes[4:])]
    return LiveTable("“rows”", utm(), lambda: iter(chunks), limit), vectors


def test_rows_are_scored_by_examples_less_half_of_the_counter_examples():
    live, vectors = table()
    extent = (0.0, 0.0, 90.0, 30.0)
    picture = read_picture(PictureRequest(live, extent, 90, 30), Silent()).picture
    given = read_given(GivenRequest(live, (point_wkb(15, 5), box(20, 1, 38, 2)), (point_wkb(75, 5),)), Silent())
    query = (vectors[1].astype(float) + vectors[[2, 3]].mean(axis=0)) / 2 - 0.5 * vectors[7]
    np.testing.assert_allclose(given.positives, [vectors[1], vectors[[2, 3]].mean(axis=0)], rtol=1e-6)
    scores = score_picture(ScoreRequest(picture, given), Silent())
    assert scores.shape == (30, 90)
    with np.errstate(invalid="ignore"):
        expected = vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    np.testing.assert_allclose(scores[15, [5 + 10 * row for row in range(9)]], expected, atol=1e-6)
    assert np.isnan(scores[15, 45]) and np.isnan(scores[15, 49])
    here = score_picture(ScoreRequest(picture, Given(None, None), (25.0, 15.0)), Silent())
    np.testing.assert_allclose(here[15, 25], 1.0, atol=1e-6)


@pytest.mark.parametrize("place, words", [((9.5, 15.0), "has no feature at this place"), ((-5.0, 5.0), "no feature"),
                                          ((45.0, 15.0), "all zeros")])
def test_places_without_a_row_are_told(place, words):
    live, _ = table()
    picture = read_picture(PictureRequest(live, (0.0, 0.0, 90.0, 30.0), 90, 30), Silent()).picture
    with pytest.raises(InputError, match=words):
        score_picture(ScoreRequest(picture, Given(None, None), place), Silent())


def test_tables_that_are_too_large_or_empty_are_told():
    with pytest.raises(InputError, match="use “Find similar features”"):
        read_picture(PictureRequest(table(limit=100)[0], (0.0, 0.0, 9.0, 9.0), 9, 9), Silent())
    empty = LiveTable("“none”", utm(), lambda: iter(()))
    with pytest.raises(InputError, match="“none” has no rows"):
        read_picture(PictureRequest(empty, (0.0, 0.0, 9.0, 9.0), 9, 9), Silent())


# ---- fields


@pytest.fixture
def field(tmp_path):
    values = np.random.default_rng(4).normal(size=(DIMENSIONS, SIDE, SIDE)).astype(np.float32)
    values /= np.linalg.norm(values, axis=0)
    values[:, 0, 0] = np.nan
    values[:, 1, 1] = 0
    path = str(tmp_path / "field.tif")
    where = grid(SIDE, SIDE, (0, 0, 10 * SIDE, 10 * SIDE))
    dataset = create_field(path, where, Space("toy", DIMENSIONS, unit_norm=True), FLOAT32)
    write(dataset, where.whole, range(1, DIMENSIONS + 1), values, path)
    dataset.FlushCache()
    return path, values


def test_a_field_is_scored_at_the_canvas_resolution(field):
    path, values = field
    live = LiveField(path, "“field”")
    picture = read_picture(PictureRequest(live, (0.0, 0.0, 120.0, 120.0), 300, 300), Silent()).picture
    negative = values[:, 6, 6]
    given = read_given(GivenRequest(live, (), (point_wkb(65, 55),)), Silent())
    assert given.positives is None
    np.testing.assert_array_equal(given.negatives, negative[None])
    scores = score_picture(ScoreRequest(picture, given, (35.0, 85.0)), Silent())
    query = values[:, 3, 3] - 0.5 * negative
    with np.errstate(invalid="ignore"):
        expected = np.tensordot(query / np.linalg.norm(query), values, 1) / np.linalg.norm(values, axis=0)
    np.testing.assert_allclose(scores, expected, atol=1e-6)


@pytest.mark.parametrize("place, words", [((5.0, 115.0), "There is no data at this place"),
                                          ((15.0, 105.0), "all zeros"), ((-5.0, 5.0), "outside of “field”"),
                                          (None, "no example to look for")])
def test_places_without_a_vector_are_told(field, place, words):
    picture = read_picture(PictureRequest(LiveField(field[0], "“field”"), (-50.0, 0.0, 120.0, 120.0), 300, 300),
                           Silent()).picture
    with pytest.raises(InputError, match=words):
        score_picture(ScoreRequest(picture, Given(None, None), place), Silent())
