"""Samples whose vectors lie in the labelled layer or in a table joined to it."""

from __future__ import annotations

from typing import Any, List, Optional

import numpy as np
import pytest
from made_rows import MadeRows, with_vectors, wkb_of
from osgeo import ogr

from earthprint.engine.errors import InputError, SpaceError
from earthprint.engine.geodesy import Ground
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space, SpaceKey
from earthprint.engine.training.gathering import GatherRequest, gather
from earthprint.engine.training.gathering.nearest_rows import nearest_within, spacing

CHANCE = np.random.default_rng(11)


class Told(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.infos: List[str] = []
        self.warnings: List[str] = []

    def info(self, text: str) -> None:
        self.infos.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def vectors_of(count: int, dims: int = 4) -> np.ndarray:
    return CHANCE.normal(size=(count, dims)).astype(np.float32)


def points_of(count: int) -> "tuple[np.ndarray, List[str]]":
    places = CHANCE.uniform([500000, 5700000], [501000, 5701000], (count, 2))
    return places, [f"POINT({x!r} {y!r})" for x, y in places.tolist()]


def square(x: float, y: float, side: float) -> str:
    return f"POLYGON(({x} {y},{x + side} {y},{x + side} {y + side},{x} {y + side},{x} {y}))"


def test_vectors_of_the_layer_itself() -> None:
    vectors = vectors_of(30)
    _, shapes = points_of(30)
    rows: List[Optional[Any]] = list(vectors)
    rows[4] = rows[29] = None
    targets = [None if number == 7 else float(number) for number in range(30)]
    told = Told()
    space = Space("made", 4)
    found = gather(GatherRequest(with_vectors(shapes, {"y": targets}, rows, space), ("y",)), told)
    kept = [number for number in range(30) if number not in (4, 7, 29)]
    np.testing.assert_array_equal(found.vectors, vectors[kept])
    np.testing.assert_array_equal(found.targets[:, 0], kept)
    assert found.units.tolist() == kept and found.ids == [number + 1 for number in kept]
    assert isinstance(found.identity, SpaceKey) and found.identity.text == space.key()
    assert (found.counts.read, found.counts.used, found.counts.without_target, found.counts.without_vector) == (
        30, 27, 1, 2)
    assert told.warnings == ["27 of 30 labels of “made” are used; left out are 1 without a target and 2 without a "
                             "vector in the table."]


def test_a_table_without_geometry_has_no_places() -> None:
    found = gather(GatherRequest(with_vectors([None] * 5, {"y": [1, 2, 3, 4, 5]}, list(vectors_of(5))), ("y",)),
                   Silent())
    assert len(found.vectors) == 5 and np.isnan(found.points).all() and np.isnan(found.places).all()


def test_rows_are_joined_by_their_ids() -> None:
    vectors = vectors_of(6)
    table = with_vectors([None] * 6, {"geoid": [f"geoId/0{number}" for number in range(6)]}, list(vectors),
                         name="“table”")
    rows = MadeRows([None] * 5, {"FIPS": [4, 1, 9, 1, None], "y": [1.0, 2.0, 3.0, 4.0, 5.0]})
    told = Told()
    found = gather(GatherRequest(rows, ("y",), embeddings=table, key="FIPS", embeddings_key="geoid"), told)
    np.testing.assert_array_equal(found.vectors, vectors[[4, 1, 1]])
    assert found.units.tolist() == [0, 1, 3] and found.counts.outside == 2
    assert "“made” and “table” were joined by FIPS and geoid." in told.infos
    assert "2 without a row in the table" in told.warnings[-1]


def test_one_key_names_both_and_a_common_name_is_found() -> None:
    vectors = vectors_of(4)
    table = with_vectors([None] * 4, {"fid": [1, 2, 3, 4], "code": ["a", "b", "c", "d"]}, list(vectors))
    rows = MadeRows([None] * 3, {"fid": [1, 2, 3], "code": ["d", "c", "a"], "y": [1.0, 2.0, 3.0]})
    for options in ({"key": "code"}, {"embeddings_key": "code"}, {}):
        found = gather(GatherRequest(rows, ("y",), embeddings=table, **options), Silent())
        np.testing.assert_array_equal(found.vectors, vectors[[3, 2, 0]])


def test_keys_that_can_t_join() -> None:
    table = with_vectors([None] * 3, {"code": ["a", "b", "b"], "other": ["x", "y", "z"]}, list(vectors_of(3)),
                         name="“table”")
    rows = MadeRows([None] * 2, {"code": ["a", "b"], "y": [1.0, 2.0], "name": ["p", "q"]})
    with pytest.raises(InputError, match="“table” has “b” twice in “code”"):
        gather(GatherRequest(rows, ("y",), embeddings=table), Silent())
    with pytest.raises(InputError, match="No value of “name” in “made” is in “other” of “table” .“p”, “q” against"):
        gather(GatherRequest(rows, ("y",), embeddings=table, key="name", embeddings_key="other"), Silent())
    with pytest.raises(InputError, match="“table” has no column “name” to join by: name one in EMBEDDINGS_KEY"):
        gather(GatherRequest(rows, ("y",), embeddings=table, key="name"), Silent())
    strangers = MadeRows([None] * 2, {"sign": ["a", "b"], "y": [1.0, 2.0]})
    with pytest.raises(InputError, match="can't be joined by place"):
        gather(GatherRequest(strangers, ("y",), embeddings=table), Silent())


def test_the_same_geometries_meet_first() -> None:
    vectors = vectors_of(20)
    _, shapes = points_of(20)
    order = CHANCE.permutation(20)
    told = Told()
    rows = MadeRows([shapes[number] for number in order], {"y": order.astype(float).tolist()})
    found = gather(GatherRequest(rows, ("y",), embeddings=with_vectors(shapes, {}, list(vectors))), told)
    np.testing.assert_array_equal(found.vectors, vectors[order])
    assert any("20 have the geometry of a row" in text for text in told.infos)


def test_rows_at_one_place_are_told() -> None:
    vectors = vectors_of(3)
    rows = MadeRows(["POINT(1 1)", "POINT(9 9)"], {"y": [1.0, 2.0]})
    told = Told()
    found = gather(GatherRequest(rows, ("y",), embeddings=with_vectors(
        ["POINT(1 1)", "POINT(9 9)", "POINT(1 1)"], {}, list(vectors))), told)
    np.testing.assert_array_equal(found.vectors, vectors[:2])
    assert "1 rows of “made” have the geometry of an earlier one" in told.warnings[0]


def test_points_in_polygons_of_a_table() -> None:
    cells = [(x, y) for x in range(5) for y in range(5)]
    vectors = vectors_of(25)
    table = with_vectors([square(500000 + 100 * x, 5700000 + 100 * y, 100) for x, y in cells], {}, list(vectors))
    places = CHANCE.uniform([499950, 5699950], [500550, 5700550], (80, 2))
    rows = MadeRows([f"POINT({x!r} {y!r})" for x, y in places.tolist()], {"y": list(map(float, range(80)))})
    told = Told()
    found = gather(GatherRequest(rows, ("y",), embeddings=table), told)
    column, line = ((places - [500000, 5700000]) // 100).astype(int).T
    inside = (column >= 0) & (column < 5) & (line >= 0) & (line < 5)
    np.testing.assert_array_equal(found.vectors, vectors[(column * 5 + line)[inside]])
    np.testing.assert_allclose(found.points, places[inside])
    assert found.counts.outside == int((~inside).sum()) > 0
    assert any("lie in the polygon of a row" in text for text in told.infos)


def test_polygons_take_the_rows_inside() -> None:
    places, shapes = points_of(200)
    vectors = vectors_of(200)
    table = with_vectors(shapes, {}, list(vectors))
    boxes = [(500100.0, 5700100.0, 300.0), (500500.0, 5700500.0, 200.0), (500990.0, 5700990.0, 5.0)]
    rows = MadeRows([square(*box) for box in boxes], {"y": [1.0, 2.0, 3.0]})
    held = [np.flatnonzero((places[:, 0] > x) & (places[:, 0] < x + side) & (places[:, 1] > y)
                           & (places[:, 1] < y + side)) for x, y, side in boxes[:2]]
    found = gather(GatherRequest(rows, ("y",), embeddings=table), Silent())
    both = found.units < 2
    np.testing.assert_array_equal(found.vectors[both], vectors[np.concatenate(held)])
    np.testing.assert_array_equal(found.units[both], np.repeat([0, 1], [len(part) for part in held]))
    np.testing.assert_allclose(found.points[both], places[np.concatenate(held)])
    means = gather(GatherRequest(rows, ("y",), embeddings=table, cells="mean"), Silent())
    np.testing.assert_allclose(means.vectors[:2], [vectors[part].mean(axis=0) for part in held], rtol=1e-5)
    some = gather(GatherRequest(rows, ("y",), embeddings=table, cells="3"), Silent())
    assert np.bincount(some.units)[:2].tolist() == [3, 3]
    assert {vector.tobytes() for vector in some.vectors} <= {vector.tobytes() for vector in vectors}


def test_means_of_unit_vectors_are_unit_vectors() -> None:
    vectors = vectors_of(5)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    table = with_vectors([f"POINT({500010 + number} 5700010)" for number in range(5)], {}, list(vectors),
                         Space("made", 4, unit_norm=True))
    rows = MadeRows([square(500000, 5700000, 13.5), square(500013.5, 5700000, 20)], {"y": [1.0, 2.0]})
    found = gather(GatherRequest(rows, ("y",), embeddings=table, cells="mean"), Silent())
    mean = vectors[:4].mean(axis=0)
    np.testing.assert_allclose(found.vectors, [mean / np.linalg.norm(mean), vectors[4]], rtol=1e-5)


@pytest.mark.parametrize("epsg", [32633, 4326])
def test_the_nearest_row_no_farther_than_rows_lie_apart(epsg: int) -> None:
    grid = [(500000 + 100 * x, 5700000 + 100 * y) for x in range(12) for y in range(12)]
    vectors = vectors_of(144)
    table = with_vectors([f"POINT({x} {y})" for x, y in grid], {}, list(vectors))
    places = CHANCE.uniform([499700, 5699700], [501400, 5701400], (150, 2))
    apart = np.hypot(*(places[:, None, :] - np.array(grid)[None]).transpose(2, 0, 1))
    if epsg == 4326:
        placed = Ground(table.wkt).places(places)
    else:
        placed = places
    rows = MadeRows([f"POINT({x!r} {y!r})" for x, y in placed.tolist()], {"y": list(map(float, range(150)))}, epsg)
    told = Told()
    found = gather(GatherRequest(rows, ("y",), embeddings=table), told)
    clear = np.abs(apart.min(axis=1) - 100) > 0.5
    near = apart.min(axis=1) < 100
    np.testing.assert_array_equal(np.isin(np.arange(150), found.units)[clear], near[clear])
    np.testing.assert_array_equal(found.vectors, vectors[apart.argmin(axis=1)[found.units]])
    assert any("took the nearest row, at most" in text and "farther than 100 m none was taken" in text
               for text in told.infos)


def test_nearest_against_every_distance() -> None:
    ground = Ground(MadeRows([], {}, 4326).wkt)
    first, second = CHANCE.uniform([10, 40], [11, 41], (300, 2)), CHANCE.uniform([10, 40], [11, 41], (400, 2))
    second[5] = first[9] = np.nan
    apart = np.array([ground.distance(place[None], second) for place in first])
    expected = np.where(np.isnan(apart), np.inf, apart)
    best, found = nearest_within(ground, first, second, 3000.0)
    near = expected.min(axis=1) < 2999.9
    np.testing.assert_array_equal(best[near], expected.argmin(axis=1)[near])
    np.testing.assert_allclose(found[near], expected.min(axis=1)[near], rtol=1e-5)
    assert (best[expected.min(axis=1) > 3000.1] == -1).all() and best[9] == -1
    own = np.array([np.delete(ground.distance(place[None], second), number)[
        np.isfinite(np.delete(ground.distance(place[None], second), number))].min()
        for number, place in enumerate(second) if number != 5])
    assert spacing(ground, second, 0) == pytest.approx(np.median(own), rel=1e-5)


def test_vectors_of_the_table_that_are_missing() -> None:
    _, shapes = points_of(4)
    vectors: List[Any] = list(vectors_of(4))
    vectors[2] = None
    rows = MadeRows(shapes, {"y": [1.0, 2.0, 3.0, 4.0]})
    found = gather(GatherRequest(rows, ("y",), embeddings=with_vectors(shapes, {}, vectors)), Silent())
    assert found.units.tolist() == [0, 1, 3] and found.counts.without_vector == 1
    empty = with_vectors(shapes, {}, [None] * 4, Space("made", 4), name="“table”")
    with pytest.raises(InputError, match="No row of “table” that is to be used has a vector in “embedding”"):
        gather(GatherRequest(rows, ("y",), embeddings=empty), Silent())
    own = with_vectors(shapes, {"y": [1.0, 2.0, 3.0, 4.0]}, [None] * 4, Space("made", 4))
    with pytest.raises(InputError, match="No row of “made” that is to be used has a vector"):
        gather(GatherRequest(own, ("y",)), Silent())
    half = with_vectors(shapes, {"y": [1.0, 2.0, None, None]}, [None, None, *vectors[:2]], Space("made", 4))
    with pytest.raises(InputError, match="No row of “made” that is to be used has a vector"):
        gather(GatherRequest(half, ("y",)), Silent())


def test_two_spaces_in_one_column() -> None:
    _, shapes = points_of(4)
    rows = with_vectors(shapes, {"y": [1.0, 2.0, 3.0, 4.0]}, list(vectors_of(4)))
    rows._cells["embedding_space"][2] = Space("other", 4).key()
    with pytest.raises(SpaceError, match="“made” mixes two embedding spaces"):
        gather(GatherRequest(rows, ("y",)), Silent())


def test_rows_that_a_join_left_without_vector_and_key() -> None:
    _, shapes = points_of(4)
    vectors = vectors_of(4)
    rows = with_vectors(shapes, {"y": [1.0, 2.0, 3.0, 4.0]}, [vectors[0], None, vectors[2], vectors[3]])
    rows._cells["embedding_space"][1] = None
    found = gather(GatherRequest(rows, ("y",)), Silent())
    np.testing.assert_array_equal(found.vectors, vectors[[0, 2, 3]])
    assert found.counts.without_vector == 1


def test_labels_where_the_table_has_nothing() -> None:
    table = with_vectors(["POINT(0 0)", "POINT(10 0)"], {}, list(vectors_of(2)), name="“table”")
    rows = MadeRows(["POINT(5000 0)", "POINT(6000 0)"], {"y": [1.0, 2.0]})
    with pytest.raises(InputError, match="All 2 labels of “made” lie outside of “table”"):
        gather(GatherRequest(rows, ("y",), embeddings=table), Silent())


def test_a_mask_over_a_table() -> None:
    places, shapes = points_of(40)
    rows = with_vectors(shapes, {"y": list(map(float, range(40)))}, list(vectors_of(40)))
    mask = (wkb_of(square(500000, 5700000, 500)),)
    expected = np.flatnonzero((places < [500500, 5700500]).all(axis=1))
    assert gather(GatherRequest(rows, ("y",), mask=mask), Silent()).units.tolist() == expected.tolist()
    bare = MadeRows(shapes, {"y": list(map(float, range(40)))})
    found = gather(GatherRequest(bare, ("y",), embeddings=rows, mask=mask), Silent())
    assert found.units.tolist() == expected.tolist() and found.counts.masked == 40 - len(expected)
    assert ogr.CreateGeometryFromWkb(mask[0]).GetArea() == 250000
