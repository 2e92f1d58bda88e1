"""Clusters of tables: every method, regions that hang together, and tables that change nothing but `cluster`."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
import pytest
from osgeo import ogr, osr

from earthprint.engine.analyses.clusters.agreement import adjusted_rand
from earthprint.engine.analyses.clusters.hierarchy import grow_tree
from earthprint.engine.analyses.clusters.model import load_clusters
from earthprint.engine.analyses.clusters.neighbours import find_neighbours
from earthprint.engine.analyses.clusters.request import ClusterChoice, ClusterTableRequest, Extras
from earthprint.engine.analyses.clusters.table import cluster_table
from earthprint.engine.errors import Cancelled, InputError, SpaceError
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_table

pytest.importorskip("sklearn")
DIMENSIONS, GROUPS = 6, 4
SPACE = Space("test", DIMENSIONS)
NOTHING = Extras()


class Told(Silent):
    """Keeps warnings, and cancels some time after a text has come up."""

    def __init__(self, until: str = "", after: float = 0.0) -> None:
        self.warnings: List[str] = []
        self.stopped = 0.0
        self._until, self._after = until, after
        self._seen = float("inf")

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def report(self, fraction: float, text: Optional[str] = None) -> None:
        if text and self._until and self._until in text:
            self._seen = time.monotonic()

    def cancelled(self) -> bool:
        stop = time.monotonic() - self._seen >= self._after
        if stop and not self.stopped:
            self.stopped = time.monotonic()
        return stop


def wkt_of(epsg: int) -> str:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    return reference.ExportToWkt()


def blobs(rows: int, seed: int = 0, noise: float = 0.2) -> "tuple[np.ndarray, np.ndarray]":
    centres = np.random.default_rng(3).normal(size=(GROUPS, DIMENSIONS)) * 2
    chance = np.random.default_rng(seed)
    labels = chance.choice(GROUPS, size=rows, p=(0.4, 0.3, 0.2, 0.1))
    return (centres[labels] + chance.normal(0, noise, (rows, DIMENSIONS))).astype(np.float32), labels


def write_table(path: Path, vectors: np.ndarray, shapes: "Sequence[Optional[bytes]]", kind: int = ogr.wkbPoint,
                epsg: int = 32633, space: Space = SPACE, columns: "Optional[Dict[str, Any]]" = None) -> str:
    names = columns or {"name": [f"row {row}" for row in range(len(vectors))]}
    kinds = {"name": "text", "cluster": "integer"}
    with TableWriter(path, wkt_of(epsg), kind, [ColumnSpec(name, kinds[name]) for name in names], space) as writer:
        writer.write(shapes, names, vectors)
    return str(path)


def points(rows: int, seed: int = 1, low: Any = (500000, 5700000), span: Any = 10000) -> "tuple[np.ndarray, list]":
    places = np.random.default_rng(seed).random((rows, 2)) * span + low
    found = []
    for x, y in places.tolist():
        point = ogr.Geometry(ogr.wkbPoint)
        point.AddPoint_2D(x, y)
        found.append(bytes(point.ExportToWkb()))
    return places, found


def square(x: float, y: float, side: float = 100.0) -> bytes:
    ring = f"{x} {y}, {x + side} {y}, {x + side} {y + side}, {x} {y + side}, {x} {y}"
    return bytes(ogr.CreateGeometryFromWkt(f"POLYGON (({ring}))").ExportToWkb())


def clusters_in(path: "str | Path") -> "tuple[np.ndarray, dict]":
    classes: List[Any] = []
    columns: Dict[str, List[Any]] = {}
    for chunk in open_table(path).chunks():
        classes += chunk.columns["cluster"]
        for name, cells in chunk.columns.items():
            columns.setdefault(name, []).extend(cells)
    return np.array([number or 0 for number in classes]), columns


def ask(tmp_path: Path, name: str = "out.gpkg", extras: Extras = NOTHING, reuse: str = "",
        **changes: Any) -> ClusterTableRequest:
    choice = ClusterChoice(**{"clusters": GROUPS, **changes})
    return ClusterTableRequest(str(tmp_path / name), choice, reuse, extras)


@pytest.mark.parametrize("method", ["kmeans", "spherical", "gmm", "hdbscan", "agglomerative"])
def test_every_method_finds_the_groups(method: str, tmp_path: Path) -> None:
    vectors, truth = blobs(3000)
    places, shapes = points(3000)
    table = write_table(tmp_path / "t.gpkg", vectors, shapes)
    extras = Extras(str(tmp_path / "s.gpkg"), str(tmp_path / "m.json"), str(tmp_path / "r.html"))
    result = cluster_table(open_table(table), ask(tmp_path, extras=extras, method=method, sample=2000), Told())
    found, columns = clusters_in(result.output)
    inside = found <= GROUPS
    assert result.clusters == GROUPS and inside.mean() > 0.97 and found.min() == 1
    assert adjusted_rand(truth[inside], found[inside]) == 1.0
    assert columns["name"] == [f"row {row}" for row in range(3000)]
    written = np.concatenate([chunk.vectors for chunk in open_table(result.output).chunks()])
    assert written.tobytes() == vectors.tobytes()
    assert open_table(result.output).space() == SPACE
    source = ogr.Open(str(tmp_path / "s.gpkg"))
    model, _ = load_clusters(str(tmp_path / "m.json"))
    for row in source.GetLayer(0):
        if row["cluster"] > GROUPS:
            continue
        members = np.flatnonzero(found == row["cluster"])
        assert row["count"] == len(members) and row["area_m2"] is None
        centre = model.centres[row["cluster"] - 1]
        far = (np.linalg.norm(vectors[members] - centre, axis=1) if method != "spherical"
               else -(vectors[members] @ centre) / np.linalg.norm(vectors[members], axis=1))
        medoid = members[far.argmin()]
        assert row["medoid"] == str(medoid + 1)
        np.testing.assert_allclose(row.GetGeometryRef().GetPoint_2D(), places[medoid], atol=1e-6)
    assert "data:image/png" in (tmp_path / "r.html").read_text(encoding="utf-8")
    again = cluster_table(open_table(table), ask(tmp_path, "b.gpkg", reuse=str(tmp_path / "m.json")), Told())
    assert (clusters_in(again.output)[0] == found).mean() > (0.97 if method == "hdbscan" else 0.9999)


def test_the_mixture_is_scikit_learns(tmp_path: Path) -> None:
    from sklearn.mixture import GaussianMixture

    chance = np.random.default_rng(0)
    stretch = np.diag([3, 1, 1, 0.3, 1, 1])
    vectors = np.concatenate([chance.normal(size=(900, 6)) @ stretch, chance.normal(size=(600, 6)) * 0.4 + [0, 2, 0, 1,
                                                                                                         0, 0]])
    vectors = vectors.astype(np.float32)
    table = write_table(tmp_path / "t.gpkg", vectors, points(1500)[1])
    cluster_table(open_table(table), ask(tmp_path, method="gmm", clusters=2), Told())
    theirs = GaussianMixture(2, n_init=5, random_state=0).fit_predict(vectors.astype(np.float64))
    assert adjusted_rand(theirs, clusters_in(tmp_path / "out.gpkg")[0]) > 0.97


def test_ward_is_scikit_learns_with_and_without_neighbours(tmp_path: Path) -> None:
    from sklearn.cluster import AgglomerativeClustering

    vectors, _ = blobs(400, noise=1.5)
    neighbours = find_neighbours(points(400)[1], wkt_of(32633), "x", Silent())
    for links, matrix in ((None, None), (neighbours, neighbours.matrix())):
        tree = grow_tree(vectors, links, Silent())
        for clusters in (2, 5, 17, 400):
            theirs = AgglomerativeClustering(clusters, linkage="ward", connectivity=matrix).fit_predict(vectors)
            assert adjusted_rand(theirs, tree.cut(clusters)) == 1.0


def parts(classes: np.ndarray, neighbours: "set[tuple[int, int]]") -> "dict[int, int]":
    """Count the connected parts of each class by flooding."""
    beside: Dict[int, List[int]] = {row: [] for row in range(len(classes))}
    for one, two in neighbours:
        if classes[one] == classes[two]:
            beside[one].append(two)
            beside[two].append(one)
    seen, found = set(), {}
    for start in range(len(classes)):
        if start in seen:
            continue
        found[int(classes[start])] = found.get(int(classes[start]), 0) + 1
        waiting = [start]
        while waiting:
            row = waiting.pop()
            if row not in seen:
                seen.add(row)
                waiting += beside[row]
    return found


def test_only_neighbours_join_so_that_regions_hang_together(tmp_path: Path) -> None:
    side = 20
    cells = [(column, row) for row in range(side) for column in range(side)]
    shapes = [square(500000 + 100 * column, 5700000 + 100 * row) for column, row in cells]
    checker = np.array([(column // 5 + row // 5) % 2 for column, row in cells])
    vectors = (np.eye(DIMENSIONS)[checker] + np.random.default_rng(0).normal(0, 0.02, (side * side, DIMENSIONS)))
    table = write_table(tmp_path / "t.gpkg", vectors.astype(np.float32), shapes, ogr.wkbPolygon)
    queen = {(one, two) for one, (a, b) in enumerate(cells) for two, (c, d) in enumerate(cells)
             if one < two and max(abs(a - c), abs(b - d)) == 1}
    found = find_neighbours(shapes, wkt_of(32633), "x", Silent())
    assert {tuple(sorted(pair)) for pair in found.pairs.tolist()} == queen and not len(found.bridges)
    extras = Extras(str(tmp_path / "s.gpkg"))
    cluster_table(open_table(table), ask(tmp_path, method="agglomerative", neighbours_only=True, clusters=6, sample=10,
                                         extras=extras), Told())
    classes, _ = clusters_in(tmp_path / "out.gpkg")
    assert parts(classes, queen) == dict.fromkeys(range(1, 7), 1)
    source = ogr.Open(str(tmp_path / "s.gpkg"))
    assert sum(row["area_m2"] for row in source.GetLayer(0)) == pytest.approx(side * side * 1e4, rel=2e-3)
    cluster_table(open_table(table), ask(tmp_path, "free.gpkg", method="agglomerative", clusters=2), Told())
    free, _ = clusters_in(tmp_path / "free.gpkg")
    rook = {(one, two) for one, two in queen if cells[one][0] == cells[two][0] or cells[one][1] == cells[two][1]}
    assert adjusted_rand(checker, free) == 1.0 and parts(free, rook) == {1: 8, 2: 8}


def test_islands_are_tied_to_the_nearest_and_told(tmp_path: Path) -> None:
    shapes = [square(100 * column, 0) for column in range(5)] + [square(5000, 0), square(5000, 100), square(9000, 50)]
    found = find_neighbours(shapes, wkt_of(32633), "x", Silent())
    assert {tuple(sorted(pair)) for pair in found.pairs.tolist()} == {(0, 1), (1, 2), (2, 3), (3, 4), (5, 6)}
    bridges = {tuple(sorted(pair)) for pair in found.bridges.tolist()}
    assert len({pair for pair in bridges if 7 in pair}) == 1 and all(pair[0] in (4, 5, 6) for pair in bridges)
    vectors, _ = blobs(8)
    table = write_table(tmp_path / "t.gpkg", vectors, shapes, ogr.wkbPolygon)
    told = Told()
    cluster_table(open_table(table), ask(tmp_path, method="agglomerative", neighbours_only=True, clusters=2), told)
    assert any("touch none of the others" in text for text in told.warnings)


def test_neighbours_of_points_reach_across_the_date_line() -> None:
    longitudes = [179.5, 179.7, 179.9, -179.9, -179.7, -179.5, -179.3, 179.3, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    shapes = []
    for longitude in longitudes:
        point = ogr.Geometry(ogr.wkbPoint)
        point.AddPoint_2D(longitude, 10)
        shapes.append(bytes(point.ExportToWkb()))
    found = find_neighbours(shapes, wkt_of(4326), "x", Silent())
    pairs = {tuple(sorted(pair)) for pair in found.pairs.tolist()}
    assert (2, 3) in pairs and not any((one < 8) != (two < 8) for one, two in pairs)
    assert len(found.bridges) >= 1


def test_rows_in_the_fit_keep_what_it_found_and_a_column_of_that_name_stays(tmp_path: Path) -> None:
    vectors, _ = blobs(300, noise=1.5)
    table = write_table(tmp_path / "t.gpkg", vectors, points(300)[1], columns={"cluster": list(range(300))})
    cluster_table(open_table(table), ask(tmp_path, method="agglomerative", clusters=5), Told())
    found, columns = clusters_in(tmp_path / "out.gpkg")
    tree = grow_tree(vectors, None, Silent()).cut(5)
    assert adjusted_rand(tree, found) == 1.0
    assert columns["cluster_1"] == list(range(300))
    again = cluster_table(open_table(tmp_path / "out.gpkg"), ask(tmp_path, "again.gpkg"), Told())
    assert clusters_in(again.output)[1]["cluster_2"] == found.tolist()


def test_tables_without_geometries_and_rows_of_one_vector(tmp_path: Path) -> None:
    vectors, truth = blobs(500)
    table = write_table(tmp_path / "t.gpkg", vectors, [None] * 500, ogr.wkbNone)
    extras = Extras(str(tmp_path / "s.gpkg"), "", str(tmp_path / "r.html"))
    cluster_table(open_table(table), ask(tmp_path, extras=extras), Told())
    assert adjusted_rand(truth, clusters_in(tmp_path / "out.gpkg")[0]) == 1.0
    same = write_table(tmp_path / "same.gpkg", np.repeat(vectors[:1], 9, axis=0), [None] * 9, ogr.wkbNone)
    for method in ("kmeans", "spherical", "gmm", "hdbscan", "agglomerative"):
        with pytest.raises(InputError, match="only 1 different vectors"):
            cluster_table(open_table(same), ask(tmp_path, "x.gpkg", method=method), Told())
    with pytest.raises(InputError, match="row 1 of .*same.* has no geometry"):
        cluster_table(open_table(same), ask(tmp_path, "x.gpkg", method="agglomerative", neighbours_only=True), Told())
    assert not (tmp_path / "x.gpkg").exists()


def test_another_space_and_a_method_without_neighbours(tmp_path: Path) -> None:
    vectors, _ = blobs(100)
    table = write_table(tmp_path / "t.gpkg", vectors, points(100)[1])
    cluster_table(open_table(table), ask(tmp_path, extras=Extras(model=str(tmp_path / "m.json"))), Told())
    other = write_table(tmp_path / "o.gpkg", vectors, points(100)[1], space=replace(SPACE, encoder="other"))
    with pytest.raises(SpaceError, match="m.json.*different spaces"):
        cluster_table(open_table(other), ask(tmp_path, "x.gpkg", reuse=str(tmp_path / "m.json")), Told())
    with pytest.raises(InputError, match="NEIGHBOURS_ONLY works with METHOD agglomerative"):
        cluster_table(open_table(table), ask(tmp_path, "x.gpkg", neighbours_only=True), Told())


def test_the_number_of_regions_is_chosen_by_silhouette(tmp_path: Path) -> None:
    vectors, truth = blobs(600)
    table = write_table(tmp_path / "t.gpkg", vectors, points(600)[1])
    for method in ("agglomerative", "gmm", "spherical"):
        result = cluster_table(open_table(table), ask(tmp_path, f"{method}.gpkg", method=method, clusters=0, low=2,
                                                      high=7), Told())
        assert result.clusters == GROUPS, method


@pytest.mark.parametrize(("method", "text"), [
    ("hdbscan", "Looking for dense"), ("agglomerative", "Merging"), ("gmm", "Fitting"), ("kmeans", "Looking how")])
def test_cancel_is_answered_within_a_second(tmp_path: Path, method: str, text: str) -> None:
    chance = np.random.default_rng(0)
    vectors = chance.normal(size=(12_000, 32)).astype(np.float32)
    table = write_table(tmp_path / "t.gpkg", vectors, [None] * 12_000, ogr.wkbNone, space=Space("wide", 32))
    told = Told(text, after=0.3)
    with pytest.raises(Cancelled):
        cluster_table(open_table(table), ask(tmp_path, method=method, sample=12_000,
                                             clusters=12 if method == "gmm" else 90), told)
    assert time.monotonic() - told.stopped < 1.0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.gpkg"]
