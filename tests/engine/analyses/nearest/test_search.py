"""The exact search against sorting all pairs, the same ground against all distances, and the index with its recall."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, ogr, osr

from earthprint.engine.analyses.nearest.index import search_index
from earthprint.engine.analyses.nearest.run import NearestRequest, find_nearest, lines_between
from earthprint.engine.analyses.nearest.search import search
from earthprint.engine.centres import point_wkb
from earthprint.engine.errors import Cancelled, InputError, SpaceError
from earthprint.engine.geodesy import Ground, distance
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import TableWriter, open_table

WORLD = osr.SpatialReference()
WORLD.ImportFromEPSG(4326)


def unit(rows: int, dims: int, seed: int) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=(rows, dims)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def sorted_pairs(queries: np.ndarray, targets: np.ndarray, count: int, allowed: np.ndarray) -> np.ndarray:
    scores = queries.astype(np.float64) @ targets.astype(np.float64).T
    scores[~allowed] = -np.inf
    return np.lexsort((np.broadcast_to(np.arange(len(targets)), scores.shape), -scores), axis=1)[:, :count]


def test_it_finds_what_sorting_finds():
    queries, targets = unit(1500, 24, 0), unit(10_000, 24, 1)
    found = search(queries, targets, 7, None, Silent())
    expected = sorted_pairs(queries, targets, 7, np.ones((1500, 10_000), dtype=bool))
    assert np.array_equal(found.rows, expected)
    exact = np.take_along_axis(queries.astype(np.float64) @ targets.astype(np.float64).T, expected, axis=1)
    assert np.abs(found.scores - exact).max() < 1e-12


def test_ties_come_in_the_order_of_the_target():
    targets = np.repeat(unit(1000, 16, 2), 6, axis=0)
    found = search(targets[::6][:50], targets, 6, None, Silent())
    assert np.array_equal(found.rows, np.arange(50)[:, None] * 6 + np.arange(6))


def test_what_is_forbidden_never_takes_the_place_of_another():
    queries, targets = unit(60, 8, 3), unit(9000, 8, 4)
    allowed = np.random.default_rng(5).random((60, 9000)) < 0.01
    allowed[0] = False
    allowed[1, :] = False
    allowed[1, 4444] = True

    def forbidden(part, block):
        return np.nonzero(~allowed[part, block])

    found = search(queries, targets, 5, forbidden, Silent())
    expected = sorted_pairs(queries, targets, 5, allowed)
    assert np.array_equal(found.rows[2:], expected[2:])
    assert (found.rows[0] == -1).all() and np.isnan(found.scores[0]).all()
    assert found.rows[1].tolist() == [4444, -1, -1, -1, -1]


def test_fewer_targets_than_neighbours():
    found = search(unit(3, 4, 0), unit(2, 4, 1), 5, None, Silent())
    assert (found.rows[:, 2:] == -1).all() and (np.sort(found.rows[:, :2], axis=1) == [0, 1]).all()


def test_near_pairs_are_those_of_all_distances():
    chance = np.random.default_rng(0)
    first = np.stack([chance.uniform(179, 181, 300), chance.uniform(-1, 1, 300)], axis=1)
    second = np.stack([chance.uniform(179, 181, 200), chance.uniform(-1, 1, 200)], axis=1)
    first[first > 180] -= 360
    second[second > 180] -= 360
    rows, columns = Ground(WORLD.ExportToWkt()).near(first, second, 20e3)
    expected = distance(first[:, None], second[None]) < 20e3
    found = np.zeros_like(expected)
    found[rows, columns] = True
    assert np.array_equal(found, expected) and expected.sum() > 100


def test_lines_across_180_degrees_have_two_parts():
    ground = Ground(WORLD.ExportToWkt())
    [line] = lines_between(np.array([[179.0, 10.0]]), np.array([[-179.0, 20.0]]), ground)
    assert ogr.CreateGeometryFromWkb(line).ExportToWkt() == "MULTILINESTRING ((179 10,180 15),(-180 15,-179 20))"
    [line] = lines_between(np.array([[10.0, 10.0]]), np.array([[20.0, 20.0]]), ground)
    assert ogr.CreateGeometryFromWkb(line).GetGeometryCount() == 1


def write_table(path: Path, vectors: np.ndarray, encoder: str = "towns") -> str:
    with TableWriter(str(path), WORLD.ExportToWkt(), ogr.wkbPoint, [], Space(encoder, vectors.shape[1])) as writer:
        writer.write([point_wkb(row / 100, 0) for row in range(len(vectors))], {}, vectors)
    return str(path)


def relation(path: Path):
    dataset = gdal.OpenEx(str(path), gdal.OF_VECTOR)
    return [(item["source_id"], item["target_id"], item["rank"]) for item in
            (feature.items() for feature in dataset.GetLayer(0))]


def test_rows_without_length_are_left_out_and_told(tmp_path, caplog):
    vectors = unit(30, 6, 0)
    vectors[4] = 0
    table = open_table(write_table(tmp_path / "table.gpkg", vectors))
    result = find_nearest(NearestRequest(table, str(tmp_path / "pairs.gpkg"), neighbours=2), Silent())
    found = relation(tmp_path / "pairs.gpkg")
    assert result.rows == len(found) == 58 and 5 not in {row for pair in found for row in pair[:2]}
    assert "1 rows of “table” hold vectors of length zero" in caplog.text


def test_a_table_beyond_memory_is_searched_the_same(tmp_path):
    table = write_table(tmp_path / "table.gpkg", unit(9000, 64, 0))
    for name, memory in (("large", 1024), ("small", 1)):
        find_nearest(NearestRequest(open_table(table), str(tmp_path / f"{name}.gpkg"), neighbours=1,
                                    memory_mib=memory), Silent())
    assert relation(tmp_path / "large.gpkg") == relation(tmp_path / "small.gpkg")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["large.gpkg", "small.gpkg", "table.gpkg"]


def test_spaces_that_differ_are_refused_by_name(tmp_path):
    one = open_table(write_table(tmp_path / "one.gpkg", unit(5, 4, 0)))
    two = open_table(write_table(tmp_path / "two.gpkg", unit(5, 4, 0), "roads"))
    with pytest.raises(SpaceError, match="“one” and “two” hold embeddings of different spaces"):
        find_nearest(NearestRequest(one, str(tmp_path / "pairs.gpkg"), two), Silent())
    with pytest.raises(InputError, match="at least 1"):
        find_nearest(NearestRequest(one, str(tmp_path / "pairs.gpkg"), neighbours=0), Silent())


class Impatient(Silent):
    """Cancels a second after the start."""

    def __init__(self):
        self.asked = 0.0
        threading.Timer(1.0, self._ask).start()

    def _ask(self):
        self.asked = time.monotonic()

    def cancelled(self) -> bool:
        return self.asked > 0


def test_a_cancel_ends_within_a_second(tmp_path):
    progress = Impatient()
    vectors = unit(300_000, 16, 0)
    with pytest.raises(Cancelled):
        search(vectors, vectors, 5, None, progress)
    assert time.monotonic() - progress.asked < 1.0


def test_the_index_is_kept_checked_and_built_anew(tmp_path):
    pytest.importorskip("usearch.index")
    targets, queries = unit(4000, 32, 0), unit(300, 32, 1)
    path = tmp_path / "table.usearch"
    exact = search(queries, targets, 5, None, Silent())
    first = search_index(queries, targets, 5, None, str(path), Silent())
    hits = np.mean([len(set(one) & set(two)) / 5 for one, two in zip(exact.rows, first.neighbours.rows)])
    assert first.recall > 0.9 and abs(hits - first.recall) < 0.05 and "built" in first.note
    again = search_index(queries, targets, 5, None, str(path), Silent())
    assert "used as it is" in again.note and np.array_equal(again.neighbours.rows, first.neighbours.rows)
    changed = targets.copy()
    changed[7] = -changed[7]
    stale = search_index(queries, changed, 5, None, str(path), Silent())
    assert "stale" in stale.note
    path.write_bytes(path.read_bytes()[:-10])
    assert "stale" in search_index(queries, changed, 5, None, str(path), Silent()).note
    assert json.loads(Path(str(path) + ".json").read_text())["rows"] == 4000


def test_the_index_respects_what_is_forbidden():
    pytest.importorskip("usearch.index")
    targets = unit(3000, 16, 0)

    def forbidden(part, block):
        rows = np.arange(part.start, part.stop)[:, None]
        columns = np.arange(block.start, block.stop)[None]
        return np.nonzero((rows == columns) | (columns % 50 != 0))

    found = search_index(targets[:200], targets, 4, forbidden, "", Silent()).neighbours
    rows, columns = np.arange(200)[:, None], np.arange(3000)[None]
    expected = sorted_pairs(targets[:200], targets, 4, (rows != columns) & (columns % 50 == 0))
    assert np.array_equal(found.rows, expected)
