"""Recall against area on rasters small enough to walk by hand, and against naive searches on larger ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import ogr
from scored_ground import Places, box, cells_box, in_cell, point, wkt_of, write_scores

from earthprint.engine.errors import EarthprintError
from earthprint.engine.progress import Silent
from earthprint.engine.recall import judging
from earthprint.engine.recall.request import Query, RecallRequest
from earthprint.engine.recall.run import recall_area

# The ground of the hand-computed cases: nine cells of 1 km², scores 9 to 1 along the rows.
NINE = np.arange(9, 0, -1, dtype=np.float32).reshape(3, 3)


def judged(path: str, truth: Places, **changes: Any) -> Any:
    query = Query("q", path, **{name: changes.pop(name) for name in ("band", "extent", "mask") if name in changes})
    return recall_area(RecallRequest((query,), truth, **changes), Silent()).queries[0]


def naive_recall(scores: np.ndarray, areas: np.ndarray, truth: np.ndarray, total: float, after: float) -> float:
    """Walk all cells in the order of scores; cells of equal score share what is left of the area evenly."""
    found, walked = 0.0, 0.0
    for score in np.unique(scores)[::-1]:
        same = scores == score
        ground = areas[same].sum()
        found += truth[same].sum() * min(1.0, max(0.0, (after - walked) / ground))
        walked += ground
    return found / total


def test_every_step_of_a_walk_over_nine_cells(tmp_path: Path) -> None:
    # Truths at ranks 1, 2, 2 (two points in a cell) and 5: the curve climbs within their cells and rests between.
    truth = Places([in_cell(0, 0), in_cell(1, 0), in_cell(1, 0), in_cell(1, 1)])
    found = judged(write_scores(tmp_path / "s.tif", NINE), truth, higher=True)
    curve = found.curve
    assert curve.ground == pytest.approx(9) and curve.reach == 1
    np.testing.assert_allclose(curve.recall(np.array([0, 0.5, 1, 1.5, 2, 3, 4, 4.5, 5, 9])),
                               [0, 0.125, 0.25, 0.5, 0.75, 0.75, 0.75, 0.875, 1, 1], atol=1e-12)
    assert np.isnan(curve.recall(np.array([9.1, 1000]))).all()
    assert curve.area(0.25) == pytest.approx(1) and curve.area(0.75) == pytest.approx(2)
    assert curve.area(0.8) == pytest.approx(4.2) and curve.score(0.8) == 5
    assert found.by_chance(0.8) == pytest.approx(7.2)
    # The mean over 0..9 km² of the broken line above, by hand: truths at mean ranks 0.5, 1.5, 1.5, 4.5 of 9.
    assert curve.under == pytest.approx(1 - (0.5 + 1.5 + 1.5 + 4.5) / 4 / 9)
    assert found.at(10.0) is None and found.at(1.0)[0] == pytest.approx(0.25)
    assert found.at(1.0)[3] == pytest.approx(1 / 9)


def test_the_mean_over_the_logarithm_of_area_is_that_of_a_fine_sum(tmp_path: Path) -> None:
    truth = Places([in_cell(0, 0), in_cell(1, 0), in_cell(1, 0), in_cell(1, 1)])
    curve = judged(write_scores(tmp_path / "s.tif", NINE), truth).curve
    edges = np.geomspace(0.009, 9, 400_001)
    middles = np.sqrt(edges[1:] * edges[:-1])
    assert curve.under_log(0.001) == pytest.approx(curve.recall(middles).mean(), abs=1e-5)


def test_low_scores_first(tmp_path: Path) -> None:
    truth = Places([in_cell(2, 2), in_cell(0, 2)])
    curve = judged(write_scores(tmp_path / "s.tif", NINE), truth, higher=False).curve
    np.testing.assert_allclose(curve.recall(np.array([0.5, 1, 2, 2.5, 3])), [0.25, 0.5, 0.5, 0.75, 1])


def test_ties_are_walked_evenly(tmp_path: Path) -> None:
    scores = np.array([[2, 2, 2], [2, 1, 1], [1, 1, 1]], dtype=np.uint8)
    truth = Places([in_cell(0, 0), in_cell(1, 0), in_cell(1, 1), in_cell(2, 2)])
    curve = judged(write_scores(tmp_path / "s.tif", scores), truth).curve
    np.testing.assert_allclose(curve.recall(np.array([1, 2, 4, 5, 6.5, 9])), [0.125, 0.25, 0.5, 0.6, 0.75, 1])
    assert curve.area(0.8) == pytest.approx(7) and curve.under == pytest.approx(
        (2 * (1 - 2 / 9) + 2 * (1 - 6.5 / 9)) / 4)


def test_one_score_everywhere_is_chance(tmp_path: Path) -> None:
    truth = Places([in_cell(0, 0), in_cell(2, 1)])
    curve = judged(write_scores(tmp_path / "s.tif", np.ones((3, 3), dtype=np.float32)), truth).curve
    np.testing.assert_allclose(curve.recall(np.arange(10.0)), np.arange(10) / 9)
    assert curve.under == pytest.approx(0.5)


def test_cells_without_a_score_are_no_ground_and_truth_there_is_never_found(tmp_path: Path) -> None:
    scores = NINE.copy()
    scores[0, 1], scores[2, 2] = -1, np.nan
    truth = Places([in_cell(0, 0), in_cell(1, 0), in_cell(1, 1), point(-5000, 5000)])
    found = judged(write_scores(tmp_path / "s.tif", scores, nodata=-1), truth)
    assert found.curve.ground == pytest.approx(7) and found.curve.reach == pytest.approx(0.5)
    np.testing.assert_allclose(found.curve.recall(np.array([1, 2, 3, 4, 7])), [0.25, 0.25, 0.25, 0.5, 0.5])
    assert np.isnan(found.curve.area(0.8)) and np.isnan(found.by_chance(0.8))
    assert found.by_chance(0.25) == pytest.approx(3.5)
    assert (found.count.used, found.count.outside, found.count.empty) == (4, 1, 1)
    assert found.count.lost == pytest.approx(0.5)
    # A search at random can't find them either.
    assert found.at(3.5)[3] == pytest.approx(0.25)
    ignored = judged(write_scores(tmp_path / "s.tif", scores, nodata=-1), truth, unscored="ignored")
    np.testing.assert_allclose(ignored.curve.recall(np.array([1, 3, 4])), [0.5, 0.5, 1])
    assert (ignored.count.used, ignored.count.left_out, ignored.count.lost) == (2, 2, 0)


@pytest.mark.parametrize(("first", "words"), [(True, "That is better than chance, by more than the luck of 60 truths."),
                                              (False, "That is worse than chance: look whether HIGHER is right.")])
def test_what_is_never_found_does_not_keep_from_judging_what_is(tmp_path: Path, first: bool, words: str) -> None:
    """A third of the truth lies on no ground, the rest on the best tenth of it, or on the worst."""
    scores = np.arange(900, 0, -1, dtype=np.float32).reshape(30, 30)
    scores[:, 29] = np.nan
    rows = range(3) if first else range(27, 30)
    places = [in_cell(column, row) for row in rows for column in range(0, 28, 2)][:40]
    path = write_scores(tmp_path / "s.tif", scores)
    request = RecallRequest((Query("q", path),), Places([*places, *[in_cell(29, row) for row in range(20)]]))
    said = recall_area(request, Silent()).verdicts[0]
    assert said.startswith("“q” never finds 80 % of the truth: only 67 % of it lies on cells that have a score. After "
                           f"10 % of the ground it has found {'67' if first else '0'} % (")
    assert said.endswith(words) and "chance 6.7 %. " in said


def test_an_extent_and_a_mask_say_which_ground_and_which_truth_counts(tmp_path: Path) -> None:
    path = write_scores(tmp_path / "s.tif", NINE)
    truth = Places([in_cell(0, 0), in_cell(1, 1), in_cell(2, 2), point(-5000, 5000)])
    found = judged(path, truth, extent=(1000, -3000, 3000, -1000))
    assert found.curve.ground == pytest.approx(4)
    np.testing.assert_allclose(found.curve.recall(np.array([1, 2, 3, 4])), [0.5, 0.5, 0.5, 1])
    assert (found.count.used, found.count.left_out, found.count.lost) == (2, 2, 0)
    masked = judged(path, truth, mask=(cells_box(1.1, 1.1, 2.9, 2.9),))
    assert masked.curve.ground == pytest.approx(4)
    np.testing.assert_allclose(masked.curve.recall(np.array([1, 3.5])), [0.5, 0.75])


def test_weights_and_bands_and_scales(tmp_path: Path) -> None:
    truth = Places([in_cell(0, 0), in_cell(2, 2), in_cell(1, 1)], columns={"people": [3, 1.0, None]})
    path = write_scores(tmp_path / "s.tif", np.stack([NINE[::-1], NINE]))
    curve = judged(path, truth, band=2, weight="people").curve
    np.testing.assert_allclose(curve.recall(np.array([1, 8, 9])), [0.75, 0.75, 1])
    # A scale below 0 turns the order of what lies in the file.
    turned = judged(write_scores(tmp_path / "t.tif", NINE.astype("i2"), scale=-0.5), truth, weight="people").curve
    np.testing.assert_allclose(turned.recall(np.array([1, 8, 9])), [0.25, 0.25, 1])
    assert turned.score(0.25) == -0.5 and turned.score(1) == -4.5


def test_polygons_count_by_their_area(tmp_path: Path) -> None:
    # 1.5 cells of scores 9 and 8 (half), and a quarter of the cell in the middle.
    truth = Places([cells_box(0, 0, 1.5, 1), cells_box(1.25, 1.25, 1.75, 1.75)])
    curve = judged(write_scores(tmp_path / "s.tif", NINE), truth).curve
    assert curve.total == pytest.approx(1.75)
    np.testing.assert_allclose(curve.recall(np.array([0.5, 1, 1.5, 2, 4, 4.5, 5])) * 1.75,
                               [0.5, 1, 1.25, 1.5, 1.5, 1.625, 1.75])


def test_what_lies_of_a_polygon_beyond_the_raster_is_never_found(tmp_path: Path) -> None:
    scores = NINE.copy()
    scores[0, 2] = np.nan
    truth = Places([cells_box(1, 0, 4, 1), cells_box(-3, 0, -2, 2)])
    found = judged(write_scores(tmp_path / "s.tif", scores), truth)
    assert found.curve.total == pytest.approx(5) and found.curve.reach == pytest.approx(0.2)
    assert (found.count.used, found.count.outside, found.count.empty) == (2, 1, 0)
    assert judged(write_scores(tmp_path / "s.tif", scores), truth, extent=(0, -3000, 3000, 0)).curve.reach == 0.5


def naive_polygons(scores: np.ndarray, boxes: Any) -> np.ndarray:
    """Return the covered area of each cell, rectangle by rectangle and cell by cell."""
    covered = np.zeros(scores.shape)
    for west, north, east, south in boxes:
        for row in range(scores.shape[0]):
            for column in range(scores.shape[1]):
                covered[row, column] += max(0, min(east, column + 1) - max(west, column)) * max(
                    0, min(south, row + 1) - max(north, row))
    return covered


@pytest.mark.parametrize("summed", [False, True])
def test_polygons_against_loops_over_cells(tmp_path: Path, summed: bool, monkeypatch: Any) -> None:
    random = np.random.default_rng(3)
    scores = np.round(random.normal(size=(90, 70)), 1).astype(np.float32)
    corners = random.uniform(0, (50, 70), (12, 2))
    boxes = np.concatenate([corners, corners + random.uniform(0.3, 20, (12, 2))], axis=1)
    covered = naive_polygons(scores, boxes)
    truth = Places([cells_box(*one) for one in boxes])
    path = write_scores(tmp_path / "s.tif", scores, tiled=True)
    if summed:
        monkeypatch.setattr(judging, "MOST_PAIRS", 500)
    found = judged(path, truth)
    total = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sum()
    for area in (1.0, 10.0, 500.0, 4000.0, 6300.0):
        expected = naive_recall(scores, np.ones(scores.shape), covered, total, area)
        # With sums at thresholds, scores that the sample of ranks skips are taken at the next one.
        assert found.curve.recall(np.array([area]))[0] == pytest.approx(expected, abs=2e-3 if summed else 1e-9)
    assert found.exact is not summed
    assert (found.band.lower <= found.recalls + 1e-12).all() and (found.band.upper >= found.recalls - 1e-12).all()


def test_many_scores_at_thresholds_are_exact_there(tmp_path: Path, monkeypatch: Any) -> None:
    random = np.random.default_rng(4)
    scores = random.normal(size=(128, 128)).astype(np.float32)
    truth = Places([cells_box(5, 5, 100.5, 90), cells_box(20, 95, 128, 128)])
    path = write_scores(tmp_path / "s.tif", scores, tiled=True)
    exact = judged(path, truth)
    monkeypatch.setattr(judging, "MOST_PAIRS", 4000)
    monkeypatch.setattr(judging, "THRESHOLDS", 50)
    rough = judged(path, truth)
    assert exact.exact and not rough.exact and len(rough.curve.scores) <= 50
    np.testing.assert_allclose(rough.curve.recall(rough.curve.ends), exact.curve.recall(rough.curve.ends), atol=1e-9)
    areas = np.linspace(0, exact.curve.ground, 200)
    np.testing.assert_allclose(rough.curve.recall(areas), exact.curve.recall(areas), atol=0.02)
    np.testing.assert_allclose(rough.curve.under, exact.curve.under, atol=1e-3)


def ellipsoid_cell(north: float, height: float, width: float) -> float:
    """Return the km² of a cell in degrees by the closed formula for the ellipsoid of WGS 84, summed numerically."""
    a, e2 = 6378.137, 0.00669437999014
    edges = np.radians(np.linspace(north - height, north, 20_001))
    latitude = (edges[1:] + edges[:-1]) / 2
    radius = a * a * (1 - e2) * np.cos(latitude) / (1 - e2 * np.sin(latitude) ** 2) ** 2
    return float(radius.mean() * np.radians(height) * np.radians(width))


def test_degrees_have_their_true_areas(tmp_path: Path) -> None:
    scores = np.arange(6, 0, -1, dtype=np.float32).reshape(3, 2)
    path = write_scores(tmp_path / "s.tif", scores, wkt_of(4326), (10, 1, 0, 70, 0, -1))
    curve = judged(path, Places([point(10.5, 69.5), point(11.5, 67.5)], wkt_of(4326))).curve
    top, bottom = ellipsoid_cell(70, 1, 1), ellipsoid_cell(68, 1, 1)
    assert curve.recall(np.array([top / 2]))[0] == pytest.approx(0.25, rel=1e-6)
    assert curve.ground == pytest.approx(2 * (top + ellipsoid_cell(69, 1, 1) + bottom), rel=1e-6)
    assert curve.area(0.75) == pytest.approx(curve.ground - bottom / 2, rel=1e-6)


@pytest.mark.parametrize("west", [175.0, -185.0, 535.0])
def test_truth_on_the_other_side_of_180_degrees_lies_where_the_raster_goes_on(tmp_path: Path, west: float) -> None:
    """The raster spans 175° to 185° as one writes it here or there; truths are written from −180° to 180°."""
    scores = np.arange(20, 0, -1, dtype=np.float32).reshape(2, 10)
    path = write_scores(tmp_path / "s.tif", scores, wkt_of(4326), (west, 1, 0, 1, 0, -1))
    points = judged(path, Places([point(175.5, 0.5), point(-176.5, 0.5), point(-179.5, -0.5)], wkt_of(4326)))
    assert (points.count.outside, points.count.lost) == (0, 0)
    cell = points.curve.ground / 20
    # Ranks by hand: columns 0 and 8 of the first row, column 5 of the second.
    np.testing.assert_allclose(points.curve.recall(np.array([1, 8, 9, 15, 16]) * cell), np.array([1, 1, 2, 2, 3]) / 3,
                               atol=1e-6)
    areas = judged(path, Places([box(-177, 0, -176, 1), box(175, 0, 176, 1)], wkt_of(4326)))
    assert areas.count.lost == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(areas.curve.recall(np.array([1, 8, 9]) * cell), [0.5, 0.5, 1], atol=1e-6)


def test_a_raster_from_0_to_360_degrees_takes_truth_of_western_longitudes(tmp_path: Path) -> None:
    scores = np.arange(36, 0, -1, dtype=np.float32).reshape(1, 36)
    path = write_scores(tmp_path / "s.tif", scores, wkt_of(4326), (0, 10, 0, 5, 0, -10))
    hollow = ogr.CreateGeometryFromWkt(
        "MULTIPOLYGON(((-10 -1,0 -1,0 1,-10 1,-10 -1),(-8 -0.5,-4 -0.5,-4 0.5,-8 0.5,-8 -0.5)),"
        "((10 -1,20 -1,20 1,10 1,10 -1)))")
    found = judged(path, Places([bytes(hollow.ExportToIsoWkb(ogr.wkbNDR))], wkt_of(4326)))
    cell = found.curve.ground / 36
    assert found.count.lost == pytest.approx(0, abs=1e-9)
    # The second cell holds 20 square degrees, the last 20 less a hole of 4.
    np.testing.assert_allclose(found.curve.recall(np.array([1, 2, 35, 36]) * cell), [0, 20 / 36, 20 / 36, 1], rtol=1e-5)
    west = judged(path, Places([point(-95, 0), point(-180, 0)], wkt_of(4326))).curve
    np.testing.assert_allclose(west.recall(np.array([18, 19, 26, 27]) * cell), [0, 0.5, 0.5, 1], atol=1e-6)


@pytest.mark.parametrize("wkt", ["", wkt_of(4326), wkt_of(3857)])
def test_truth_whose_coordinates_are_swapped_is_told_so(tmp_path: Path, wkt: str) -> None:
    path = write_scores(tmp_path / "s.tif", NINE, wkt_of(3857) if wkt else "",
                        (1_000_000, 50_000, 0, 6_500_000, 0, -50_000))
    right = [point(9.2, 50.1), point(9.8, 50.3), point(10.1, 50.2)]
    plane = [point(1_020_000, 6_480_000), point(1_140_000, 6_360_000)]
    shapes = right if wkt == wkt_of(4326) else plane
    assert judged(path, Places(shapes, wkt)).count.lost == 0
    turned = []
    for shape in shapes:
        geometry = ogr.CreateGeometryFromWkb(shape)
        turned.append(point(geometry.GetY(), geometry.GetX()))
    with pytest.raises(EarthprintError, match="with x and y swapped they would lie on the raster, so look whether"):
        judged(path, Places(turned, wkt))
    far = [*turned, point(0, 0), point(1, 1)]
    with pytest.raises(EarthprintError, match="elsewhere.: check the layers' CRSs and that they overlap"):
        judged(path, Places(far, wkt))


@pytest.mark.parametrize(("weights", "said"), [
    ([1, 0], "One truth of “places” has no weight in “w” and doesn't count."),
    ([1, 0, 0], "2 truths of “places” have no weight in “w” and don't count.")])
def test_truths_without_weight_are_counted_in_words(tmp_path: Path, weights: Any, said: str) -> None:
    heard = []

    class Heard(Silent):
        def warn(self, text: str) -> None:
            heard.append(text)

    truth = Places([in_cell(0, 0)] * len(weights), columns={"w": weights})
    query = Query("q", write_scores(tmp_path / "s.tif", NINE))
    recall_area(RecallRequest((query,), truth, weight="w"), Heard())
    assert said in heard


def test_paper_that_stretches_counts_true_ground(tmp_path: Path) -> None:
    # In Web Mercator at 60° north a cell of 1 km on paper is a quarter of a km² on the ground.
    path = write_scores(tmp_path / "s.tif", NINE, wkt_of(3857), (0, 1000, 0, 8_399_737.9, 0, -1000))
    curve = judged(path, Places([point(500, 8_399_237.9)], wkt_of(3857))).curve
    assert curve.ground == pytest.approx(9 * 0.25, rel=5e-3)


def test_truth_in_another_crs_is_brought_over(tmp_path: Path) -> None:
    from osgeo import osr

    path = write_scores(tmp_path / "s.tif", NINE, wkt_of(32633), (500_000, 1000, 0, 5_700_000, 0, -1000))
    there, here = osr.SpatialReference(), osr.SpatialReference()
    there.ImportFromEPSG(4326)
    there.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    here.ImportFromEPSG(32633)
    way = osr.CoordinateTransformation(here, there)
    shapes = [point(*way.TransformPoint(500_000 + 1000 * column + 500, 5_700_000 - 1000 * row - 500)[:2])
              for column, row in ((0, 0), (1, 1))]
    curve = judged(path, Places(shapes, wkt_of(4326))).curve
    cell = curve.ground / 9
    assert cell == pytest.approx(1 / 0.9996 ** 2, rel=2e-4)
    np.testing.assert_allclose(curve.recall(np.array([1, 4.5, 5]) * cell), [0.5, 0.75, 1], atol=1e-4)


def test_a_perfect_score_finds_all_truth_in_its_own_ground(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    cells = random.choice(2500, 60, replace=False)
    scores = random.random(2500)
    scores[cells] += 1
    truth = Places([in_cell(cell % 50, cell // 50) for cell in cells])
    found = judged(write_scores(tmp_path / "s.tif", scores.reshape(50, 50).astype("f4")), truth)
    assert found.curve.area(1.0) == pytest.approx(60) and found.curve.area(0.8) == pytest.approx(48)
    assert found.under[0] > 0.97


def test_noise_is_chance_and_within_the_band_of_chance(tmp_path: Path) -> None:
    unders, inside = [], []
    for seed in range(30):
        random = np.random.default_rng(seed)
        path = write_scores(tmp_path / "s.tif", random.random((100, 100)).astype("f4"))
        cells = random.integers(0, 10_000, 300)
        found = judged(path, Places([in_cell(cell % 100, cell // 100) for cell in cells]), draws=200)
        unders.append(found.curve.under)
        middle = (found.areas > 100) & (found.areas < 9900)
        inside.append(((found.recalls >= found.chance.lower) & (found.recalls <= found.chance.upper))[middle].mean())
    # The mean of 30 · 300 uniform ranks varies by 0.003.
    assert np.mean(unders) == pytest.approx(0.5, abs=0.01)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.04)


def test_a_raster_of_many_blocks_against_a_full_sort(tmp_path: Path) -> None:
    random = np.random.default_rng(8)
    scores = random.normal(size=(700, 600)).astype(np.float32)
    scores[random.random(scores.shape) < 0.1] = np.nan
    path = write_scores(tmp_path / "s.tif", scores, wkt_of(4326), (-70, 0.01, 0, -20, 0, -0.01), tiled=True)
    columns, rows = random.uniform(0, 600, 400), random.uniform(0, 700, 400)
    places = [point(-70 + 0.01 * column, -20 - 0.01 * row) for column, row in zip(columns, rows)]
    found = judged(path, Places(places, wkt_of(4326)), draws=100)
    areas = np.repeat(np.array([ellipsoid_cell(-20 - 0.01 * row, 0.01, 0.01) for row in range(0, 700, 50)]), 50)
    steps = np.interp(np.arange(700), np.arange(0, 700, 50), areas[::50])[:, None] * np.ones((1, 600))
    kept = np.isfinite(scores)
    order = np.argsort(-scores[kept], kind="stable")
    ordered = scores[kept][order]
    walked = np.cumsum(steps[kept][order])
    own = scores[rows.astype(int), columns.astype(int)]
    ends = np.array([walked[np.searchsorted(-ordered, -score, "right") - 1] for score in own[np.isfinite(own)]])
    assert found.curve.reach == pytest.approx(np.isfinite(own).mean())
    for area in (1000.0, 30_000.0, 200_000.0):
        assert found.curve.recall(np.array([area]))[0] == pytest.approx((ends <= area).sum() / 400, abs=1.5 / 400)


def test_memory_does_not_grow_with_the_raster(tmp_path: Path) -> None:
    import tracemalloc

    peaks = []
    for side in (512, 3072):
        random = np.random.default_rng(side)
        path = write_scores(tmp_path / f"{side}.tif", random.random((side, side), dtype=np.float32), tiled=True)
        truth = Places([in_cell(column, row) for column, row in random.uniform(0, side - 1, (300, 2)).tolist()])
        tracemalloc.start()
        judged(path, truth, draws=100, memory_mib=64)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # The larger raster has 38 MB of scores.
    assert peaks[1] < 1.3 * peaks[0] + 2e6 < 30e6


def test_several_queries_and_truths_of_their_own(tmp_path: Path) -> None:
    one = write_scores(tmp_path / "a.tif", NINE)
    other = write_scores(tmp_path / "b.tif", NINE[::-1, ::-1].copy())
    queries = (Query("a", one), Query("b", other))
    both = recall_area(RecallRequest(queries, Places([in_cell(0, 0), in_cell(1, 0)])), Silent())
    assert both.queries[0].curve.area(0.8) == pytest.approx(1.6)
    assert both.queries[1].curve.area(0.8) == pytest.approx(8.6)
    named = Places([in_cell(0, 0), in_cell(2, 2), in_cell(2, 2)], columns={"which": ["a", "b", "c"]})
    found = recall_area(RecallRequest(queries, named, query_field="which"), Silent())
    assert [one.curve.area(1.0) for one in found.queries] == pytest.approx([1, 1])
    assert any("name no raster" in text and "“c”" in text for text in found.warnings)
    assert both.together is None and found.together is not None


def test_all_queries_as_one_are_the_share_of_queries_that_found_theirs(tmp_path: Path) -> None:
    random = np.random.default_rng(11)
    queries, shapes, names, areas, grounds = [], [], [], [], []
    for number in range(12):
        side = 10 + number
        scores = random.permutation(side * side).astype(np.float32).reshape(side, side)
        column, row = random.integers(0, side, 2)
        queries.append(Query(f"q{number}", write_scores(tmp_path / f"{number}.tif", scores)))
        shapes.append(in_cell(column, row))
        names.append(f"q{number}")
        areas.append((scores > scores[row, column]).sum())
        grounds.append(side * side)
    truth = Places(shapes, columns={"query": names})
    one = recall_area(RecallRequest(tuple(queries), truth, query_field="query"), Silent()).together
    areas, grounds = np.array(areas), np.array(grounds)
    for area in (0.5, 20.0, 99.5, 200.0, 441.0):
        assert one.curve.recall(np.array([area]))[0] == pytest.approx(np.clip(area - areas, 0, 1).mean())
        assert one.at(area)[3] == pytest.approx(np.minimum(area / grounds, 1).mean(), abs=1e-9)
    assert one.curve.ground == 441 and one.count.used == 12 and one.drawing.count == 12
    assert one.curve.under == pytest.approx(1 - (areas + 0.5).mean() / 441)
    assert one.under[0] < one.curve.under < one.under[1]
    assert ((one.band.lower <= one.recalls + 1e-9) & (one.recalls <= one.band.upper + 1e-9)).all()


@pytest.mark.parametrize(("truth", "changes", "message"), [
    (Places([]), {}, "has no features"),
    (Places([None, None]), {}, "has no geometries"),
    (Places([point(9e6, 9e6)]), {}, "None of the 1 truths of .* lies on a cell"),
    (Places([in_cell(0, 0), cells_box(0, 0, 1, 1)]), {}, "holds points and polygons"),
    (Places([in_cell(0, 0)], columns={"w": [-2]}), {"weight": "w"}, "holds “-2”, which is no weight"),
    (Places([in_cell(0, 0)], columns={"w": [0]}), {"weight": "w"}, "gives no truth any weight"),
    (Places([in_cell(0, 0)]), {"weight": "w"}, "has no column “w”"),
    (Places([in_cell(0, 0)], columns={"w": ["x"]}), {"query_field": "w"}, "belongs to “q”: check QUERY_FIELD"),
    (Places([in_cell(0, 0)]), {"band": 3}, "has no band 3, it has 1"),
    (Places([in_cell(0, 0)]), {"wanted": 0.0}, "not a share"),
    (Places([in_cell(0, 0)]), {"extent": (9e6, 9e6, 9.1e6, 9.1e6)}, "doesn't touch"),
    (Places([in_cell(0, 0)], wkt_of(4326)), {}, "has no CRS"),
])
def test_wrong_input_is_one_sentence(tmp_path: Path, truth: Places, changes: Any, message: str) -> None:
    with pytest.raises(EarthprintError, match=message):
        judged(write_scores(tmp_path / "s.tif", NINE), truth, **changes)


def test_a_raster_without_any_score(tmp_path: Path) -> None:
    path = write_scores(tmp_path / "s.tif", np.full((3, 3), np.nan, dtype=np.float32))
    with pytest.raises(EarthprintError, match="1 lie on cells without one, 0 elsewhere"):
        judged(path, Places([in_cell(0, 0)]))
    with pytest.raises(EarthprintError, match="CRS"):
        judged(write_scores(tmp_path / "c.tif", NINE, wkt_of(32633)), Places([in_cell(0, 0)]))
