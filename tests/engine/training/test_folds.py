"""Folds: whole units, blocks and groups are held out, evenly, and the choice between them is explained."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import ogr, osr

from earthprint.engine.errors import InputError
from earthprint.engine.training.folds import (
    BLOCKS,
    GROUP,
    RANDOM,
    Evidence,
    automatic_folds,
    block_folds,
    block_size_from,
    clustering_of,
    group_folds,
    inner_folds,
    kmeans_folds,
    random_folds,
    sized_block_folds,
)
from earthprint.engine.training.folds.block_size import rounded
from earthprint.engine.training.folds.blocks import length_text
from earthprint.engine.training.folds.clustering import hull_area
from earthprint.engine.training.sites import Sites


def wkt_of(code: int) -> str:
    """Return the WKT of an EPSG code."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    return reference.ExportToWkt()


UTM, WORLD = wkt_of(32632), wkt_of(4326)


def sites_at(points: np.ndarray, wkt: str = UTM, units: "np.ndarray | None" = None) -> Sites:
    """Return sites, each row a unit of its own where none are given."""
    return Sites("plots", np.asarray(points, dtype=float), wkt, np.arange(len(points)) if units is None else units)


def strewn(rows: int, seed: int, width: float = 10_000.0) -> np.ndarray:
    """Return places strewn at random over a square of UTM."""
    return np.random.default_rng(seed).uniform(0, width, (rows, 2)) + (500_000.0, 5_600_000.0)


def together(labels: np.ndarray) -> np.ndarray:
    """Return which rows share a label, whatever the labels are called."""
    return labels[:, np.newaxis] == labels


def whole(fold: np.ndarray, part: np.ndarray) -> bool:
    """Tell whether no part has rows in two folds."""
    return all(len(np.unique(fold[part == number])) == 1 for number in np.unique(part))


@given(st.integers(2, 8), st.integers(0, 1000), st.integers(1, 6))
def test_random_folds_keep_units_whole_and_even(count, seed, most):
    chance = np.random.default_rng(seed)
    units = np.repeat(chance.permutation(60), chance.integers(1, most + 1, 60))
    folds = random_folds(units, count, seed)
    assert whole(folds.fold, units)
    rows = np.bincount(folds.fold, minlength=count)
    assert len(rows) == count and rows.max() - rows.min() <= most


def test_random_folds_share_out_each_class():
    classes = np.random.default_rng(0).choice(4, 203, p=[0.6, 0.25, 0.1, 0.05])
    folds = random_folds(np.random.default_rng(1).permutation(203), 5, 3, classes)
    for each in range(4):
        rows = np.bincount(folds.fold[classes == each], minlength=5)
        assert rows.max() - rows.min() <= 1
    rows = np.bincount(folds.fold)
    assert rows.max() - rows.min() <= 1
    assert np.array_equal(folds.fold, random_folds(np.random.default_rng(1).permutation(203), 5, 3, classes).fold)
    assert not np.array_equal(folds.fold, random_folds(np.random.default_rng(1).permutation(203), 5, 4, classes).fold)


def test_very_many_units_are_dealt_evenly_too():
    chance = np.random.default_rng(0)
    units = np.repeat(np.arange(25_000), chance.integers(1, 5, 25_000))
    classes = (chance.random(25_000) < 0.1)[units].astype(int)
    folds = random_folds(units, 5, 0, classes)
    assert (np.bincount(units, weights=folds.fold) / np.bincount(units) % 1 == 0).all()
    assert np.ptp(np.bincount(folds.fold)) < 20
    assert np.ptp(np.bincount(folds.fold[classes == 1])) < 20


def test_blocks_are_the_squares_of_a_lattice():
    points = strewn(400, 2)
    folds = block_folds(sites_at(points), 1500.0, 4, 0)
    cell = np.floor((points - points.mean(axis=0)) / 1500.0)
    same = (cell[:, np.newaxis] == cell).all(axis=2)
    assert np.array_equal(together(folds.blocks), same)
    assert whole(folds.fold, folds.blocks) and folds.kind == BLOCKS and folds.block_size == 1500.0
    rows = np.bincount(folds.fold)
    assert len(rows) == 4 and rows.max() - rows.min() <= 12
    assert str(folds.parts) in folds.why and "1500 metres" in folds.why


def test_a_unit_lies_in_the_block_of_its_middle():
    points = np.array([[0, 0], [90, 0], [105, 0], [300, 0], [310, 0], [-400, 5.0]])
    units = np.array([7, 7, 7, 2, 2, 5])
    folds = block_folds(sites_at(points, "", units), 100.0, 3, 0)
    assert whole(folds.fold, units) and folds.parts == 3


def test_blocks_balance_classes_as_far_as_whole_blocks_can():
    chance = np.random.default_rng(5)
    points = strewn(3000, 5)
    classes = (points[:, 0] - 500_000 + chance.normal(0, 1500, 3000) > 7000).astype(int)
    folds = block_folds(sites_at(points), 500.0, 5, 1, classes)
    shares = np.array([classes[folds.fold == number].mean() for number in range(5)])
    assert np.abs(shares - classes.mean()).max() < 0.02


def test_blocks_on_the_globe_are_as_wide_as_high():
    chance = np.random.default_rng(0)
    points = np.stack([chance.uniform(-180, 180, 20_000),
                       np.degrees(np.arcsin(chance.uniform(-1, 1, 20_000)))], axis=1)
    blocks = block_folds(sites_at(points, WORLD), 10.0, 5, 0).blocks
    middle = points[:, 1]
    for number in np.unique(blocks):
        part = points[blocks == number]
        assert np.ptp(part[:, 1]) <= 10.0
        across = np.ptp(part[:, 0]) * np.cos(np.radians(np.abs(part[:, 1]).mean()))
        assert across < 16.0 if np.abs(middle[blocks == number]).max() < 80 else True
    # 36 x 18 squares of the plane would be 648; on the globe there are as many as fit: 4 pi / size².
    assert abs(len(np.unique(blocks)) - 4 * np.pi / np.radians(10.0) ** 2) < 12


def test_longitudes_may_count_to_360_and_blocks_end_at_180():
    chance = np.random.default_rng(1)
    points = np.stack([chance.uniform(170, 190, 300), chance.uniform(-20, -10, 300)], axis=1)
    turned = np.where(points > 180, points - 360, points)
    one, two = (block_folds(sites_at(part, WORLD), 2.0, 5, 0) for part in (points, turned))
    assert np.array_equal(together(one.blocks), together(two.blocks))
    east, west = points[:, 0] < 180, points[:, 0] >= 180
    assert not set(one.blocks[east]) & set(one.blocks[west])


def test_a_unit_across_180_has_its_middle_there():
    points = np.array([[179.9, 0.0], [-179.9, 0.0], [0.0, 0.0], [1.0, 0.0]])
    middle = Sites("islands", points, WORLD, np.array([0, 0, 1, 1])).by_unit().points
    assert abs(abs(middle[0, 0]) - 180.0) < 1e-6 and abs(middle[1, 0] - 0.5) < 1e-6


def test_groups_are_left_out_one_by_one_until_they_are_many():
    few = group_folds(np.array([4, 4, 9, 9, 9, 1]), 5)
    assert few.count == 3 and few.kind == GROUP and np.array_equal(few.fold, [1, 1, 2, 2, 2, 0])
    groups = np.random.default_rng(0).integers(0, 50, 2000)
    many = group_folds(groups, 5)
    assert many.count == 10 and whole(many.fold, groups)
    assert np.ptp(np.bincount(many.fold)) < 60 and many.parts == 50


@pytest.mark.parametrize("wkt,middles", [
    (UTM, [(5e5, 5e6), (5.4e5, 5e6), (5e5, 5.4e6)]), (WORLD, [(179.9, 10.0), (20.0, -60.0), (-100.0, 80.0)])])
def test_kmeans_finds_groups_of_places(wkt, middles):
    chance = np.random.default_rng(0)
    truth = np.repeat(np.arange(3), 40)
    points = np.array(middles)[truth] + chance.normal(0, 0.3, (120, 2)) * (1 if wkt == WORLD else 1000)
    if wkt == WORLD:
        points[:, 0] = (points[:, 0] + 180) % 360 - 180
        assert (points[truth == 0, 0] < 0).any() and (points[truth == 0, 0] > 0).any()
    folds = kmeans_folds(sites_at(points, wkt), 3, 0)
    assert np.array_equal(together(folds.fold), together(truth))


def test_kmeans_tells_places_a_metre_apart_in_coordinates_of_millions():
    points = np.array([[500_000.0 + step, 5_600_000.0] for step in (0, 0.1, 0.2, 1.5, 1.6, 3.0, 3.1)])
    fold = kmeans_folds(sites_at(points), 3, 0).fold
    assert np.array_equal(together(fold), together(np.array([0, 0, 0, 1, 1, 2, 2])))


def test_clark_and_evans_ratio_against_its_definition():
    points = strewn(300, 8)
    apart = np.hypot(*(points[:, np.newaxis] - points).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    shape = ogr.Geometry(ogr.wkbMultiPoint)
    for x, y in points.tolist():
        point = ogr.Geometry(ogr.wkbPoint)
        point.AddPoint_2D(x, y)
        shape.AddGeometry(point)
    area = shape.ConvexHull().GetArea()
    assert hull_area(points) == pytest.approx(area, rel=1e-9)
    found = clustering_of(sites_at(points))
    assert found.statistic == pytest.approx(apart.min(axis=1).mean() / (0.5 * np.sqrt(area / 300)), rel=1e-9)
    assert found.nearest == pytest.approx(apart.min(axis=1).mean())
    assert not found.clustered


def test_clusters_of_places_are_seen_on_plane_and_globe():
    chance = np.random.default_rng(3)
    middles = chance.uniform(0, 10_000, (12, 2))
    plane = middles[chance.integers(0, 12, 240)] + chance.normal(0, 60, (240, 2))
    found = clustering_of(sites_at(plane))
    assert found.clustered and found.statistic < 0.4 and "are clustered" in found.sentence
    globe = np.stack([10 + plane[:, 0] / 20_000, 60 + plane[:, 1] / 40_000], axis=1)
    # At 60° a degree of longitude is half as long, so the shape and with it the ratio stay.
    assert clustering_of(sites_at(globe, WORLD)).statistic == pytest.approx(found.statistic, rel=0.02)
    lattice = np.stack(np.meshgrid(np.arange(12.0), np.arange(12.0)), axis=-1).reshape(-1, 2)
    assert clustering_of(sites_at(lattice)).statistic > 1.5


def field(points: np.ndarray, reach: float, seed: int) -> np.ndarray:
    """Return a Gaussian field with exponential correlation that has all but ended at `reach`."""
    apart = np.hypot(*(points[:, np.newaxis] - points).transpose(2, 0, 1))
    root = np.linalg.cholesky(np.exp(-3 * apart / reach) + 1e-8 * np.eye(len(points)))
    return root @ np.random.default_rng(seed).standard_normal(len(points))


def test_block_size_is_a_round_number_near_the_range():
    points = strewn(1200, 4)
    chosen = block_size_from(sites_at(points), field(points, 1000.0, 1), 5, 0)
    assert chosen.size in (500.0, 1000.0, 2000.0) and 500 < chosen.reach < 2000
    assert "stay alike over about" in chosen.sentence and "metres wide" in chosen.sentence


def test_block_size_leaves_three_blocks_a_fold():
    points = strewn(600, 4)
    chosen = block_size_from(sites_at(points), points[:, 0], 5, 0)
    folds = block_folds(sites_at(points), chosen.size, 5, 0)
    assert chosen.size == 2000.0 and folds.parts >= 15 and "may still be optimistic" in chosen.sentence
    noise = block_size_from(sites_at(points), np.random.default_rng(0).standard_normal(600), 5, 0)
    assert noise.reach == 0.0 and noise.size == 2000.0 and "no range" in noise.sentence


def test_no_block_outweighs_the_others():
    dense, sparse = strewn(900, 1, 1000.0), strewn(100, 2, 20_000.0)
    points = np.concatenate([dense, sparse])
    chosen = block_size_from(sites_at(points), points[:, 0], 5, 0)
    folds = block_folds(sites_at(points), chosen.size, 5, 0)
    assert np.bincount(folds.blocks).max() <= 400 and np.bincount(folds.fold).max() <= 400


@pytest.mark.parametrize("length,size", [(1.0, 1.0), (1.5, 2.0), (1.3, 1.0), (3.0, 2.0), (3.3, 5.0), (7.2, 10.0),
                                         (0.034, 0.05), (4369.0, 5000.0), (70_000.0, 50_000.0)])
def test_rounded_to_the_nearest_by_ratio(length, size):
    assert rounded(length) == size


@pytest.mark.parametrize("length,text", [(4369.7, "4370"), (2.606, "2.61"), (0.05, "0.05"), (100_000.0, "100000"),
                                         (0.012345, "0.0123"), (5.0, "5"), (20.0, "20")])
def test_lengths_are_written_without_exponent(length, text):
    assert length_text(length) == text


def test_automatic_takes_groups_first():
    points = strewn(100, 0)
    groups = np.arange(100) % 4
    folds = automatic_folds(sites_at(points), Evidence(points[:, 0], groups=groups), 0, 5, 0)
    assert folds.kind == GROUP and folds.count == 4 and folds.why.startswith("Groups were given")


def test_automatic_takes_blocks_where_near_places_are_alike():
    points = strewn(300, 0)
    folds = automatic_folds(sites_at(points), Evidence(field(points, 2000.0, 0)), 0, 5, 0)
    assert folds.kind == BLOCKS and "Moran's I" in folds.why
    given_size = automatic_folds(sites_at(points), Evidence(field(points, 2000.0, 0)), 1000.0, 5, 0)
    assert given_size.block_size == 1000.0


def test_automatic_takes_blocks_where_places_are_clustered():
    chance = np.random.default_rng(3)
    points = chance.uniform(0, 10_000, (40, 2))[chance.integers(0, 40, 200)] + chance.normal(0, 50, (200, 2))
    folds = automatic_folds(sites_at(points), Evidence(chance.standard_normal(200)), 0, 5, 0)
    assert folds.kind == BLOCKS and "are clustered" in folds.why


def test_automatic_takes_random_folds_where_nothing_speaks_for_blocks():
    points = strewn(300, 0)
    noise = Evidence(np.random.default_rng(1).standard_normal((300, 2)))
    folds = automatic_folds(sites_at(points), noise, 0, 5, 0)
    assert folds.kind == RANDOM and "not clustered" in folds.why
    points[3] = np.nan
    missing = automatic_folds(sites_at(points), noise, 0, 5, 0)
    assert missing.kind == RANDOM and "1 of the 300 samples have no place" in missing.why


def test_automatic_says_so_where_blocks_cannot_be_made():
    points = np.repeat(np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]]), 10, axis=0)
    folds = automatic_folds(sites_at(points), Evidence(points[:, 0]), 0, 5, 0)
    assert folds.kind == RANDOM and "too few places" in folds.why


def test_inner_folds_are_the_other_outer_folds():
    outer = np.array([3, 0, 3, 4, 0, 4])
    assert np.array_equal(inner_folds(outer), [1, 0, 1, 2, 0, 2])
    many = np.repeat(np.arange(19), np.arange(1, 20))
    inner = inner_folds(many)
    assert inner.max() == 4 and whole(inner, many) and np.ptp(np.bincount(inner)) <= 3


@pytest.mark.parametrize("call,words", [
    (lambda: random_folds(np.array([1, 1, 2, 2]), 3, 0, name="plots"), "plots has 2 usable samples, fewer than the 3"),
    (lambda: group_folds(np.zeros(5), 3, name="plots"), "GROUP column of plots has 1 value"),
    (lambda: block_folds(sites_at(strewn(50, 0)), 1e6, 5, 0), "fewer than the 5 folds: lower BLOCK_SIZE"),
    (lambda: block_folds(sites_at(strewn(50, 0)), 0.0, 5, 0), "BLOCK_SIZE is 0.0: give a length above 0 in metres"),
    (lambda: block_folds(sites_at([[np.nan, 0], [0, 0]]), 1.0, 2, 0), "1 of the 2 samples of plots have no place"),
    (lambda: kmeans_folds(sites_at([[0, 0], [0, 0], [5, 5]]), 3, 0), "samples at 2 different places, fewer than"),
    (lambda: kmeans_folds(sites_at([[5, 5]] * 4), 3, 0), "has samples at a single place, fewer than the 3 folds"),
    (lambda: sized_block_folds(sites_at([[1, 1]] * 9), Evidence(np.arange(9.0)), 0, 3, 0), "at too few places"),
    (lambda: random_folds(np.arange(9), 1, 0), "at least 2 are needed")])
def test_what_cannot_be_parted_is_said_in_a_sentence(call, words):
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        call()
