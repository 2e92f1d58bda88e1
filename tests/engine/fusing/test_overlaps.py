"""Tables matched by area against overlaps that are known beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

import numpy as np
import pytest
from osgeo import ogr, osr

from earthprint.engine.errors import EarthprintError
from earthprint.engine.fusing.request import FuseRequest
from earthprint.engine.fusing.table import fuse_tables
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_table

REQUEST = {"match": "area"}


def wkt(epsg: int) -> str:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    return reference.ExportToWkt()


def box(west: float, south: float, east: float, north: float) -> bytes:
    text = "POLYGON (({0} {1}, {2} {1}, {2} {3}, {0} {3}, {0} {1}))".format(west, south, east, north)
    return bytes(ogr.CreateGeometryFromWkt(text).ExportToIsoWkb())


def write(path: Path, space: Space, shapes: Sequence[Any], vectors: np.ndarray, kind: int = ogr.wkbPolygon,
          epsg: int = 32633) -> Any:
    with TableWriter(str(path), wkt(epsg) if epsg else "", kind, [ColumnSpec("name", "text")], space) as writer:
        writer.write(list(shapes), {"name": [str(row) for row in range(len(shapes))]}, vectors.astype(np.float32))
    return open_table(str(path))


def fused(path: Path, space: Space) -> "tuple[np.ndarray, list]":
    chunks = list(open_table(str(path)).chunks())
    return np.concatenate([chunk.vectors for chunk in chunks]), [name for chunk in chunks
                                                                 for name in chunk.columns["name"]]


def standardised(values: np.ndarray) -> np.ndarray:
    return (values - values.mean(axis=0)) / np.sqrt(values.var(axis=0).sum())


@pytest.fixture
def cells() -> "tuple[list[bytes], np.ndarray]":
    """Return 10 × 10 squares of 100 m and a vector for each."""
    shapes = [box(500_000 + 100 * column, 5_000_000 + 100 * row, 500_100 + 100 * column, 5_000_100 + 100 * row)
              for row in range(10) for column in range(10)]
    return shapes, np.random.default_rng(4).normal(3, 2, size=(100, 3))


def by_hand(frame: "tuple[float, float, float, float]", vectors: np.ndarray) -> np.ndarray:
    """Return the mean of the cells by the area that a frame (in metres from the corner) takes of each."""
    edges = np.arange(11) * 100.0
    across = np.clip(np.minimum(edges[1:], frame[2]) - np.maximum(edges[:-1], frame[0]), 0, None)
    down = np.clip(np.minimum(edges[1:], frame[3]) - np.maximum(edges[:-1], frame[1]), 0, None)
    weights = np.outer(down, across).ravel()
    return weights @ vectors / weights.sum()


FRAMES = [(0, 0, 250, 180), (333, 210, 700, 700), (950, 50, 1500, 90), (120, 130, 130, 140), (5000, 0, 5100, 9)]


@pytest.mark.parametrize("epsg", (32633, 4326))
def test_polygons_get_the_means_of_cells_by_area(cells, epsg: int, tmp_path: Path) -> None:
    shapes, vectors = cells
    if epsg != 32633:
        # The same cells in another CRS, whose edges are a hair less straight.
        move = osr.CoordinateTransformation(*(osr.SpatialReference(wkt(code)) for code in (32633, epsg)))
        moved = []
        for shape in shapes:
            geometry = ogr.CreateGeometryFromWkb(shape)
            geometry.Transform(move)
            geometry.SwapXY()
            moved.append(bytes(geometry.ExportToIsoWkb()))
        shapes = moved
    chance = np.random.default_rng(1)
    own = chance.normal(size=(len(FRAMES), 2))
    districts = write(tmp_path / "districts.gpkg", Space("people", 2), [
        box(500_000 + a, 5_000_000 + b, 500_000 + c, 5_000_000 + d) for a, b, c, d in FRAMES], own)
    grid = write(tmp_path / "cells.gpkg", Space("sky", 3), shapes, vectors, epsg=epsg)
    result = fuse_tables([districts, grid], "", FuseRequest(str(tmp_path / "out.gpkg"), **REQUEST), Silent())
    assert (result.rows, result.left_out) == (4, 1)
    found, names = fused(tmp_path / "out.gpkg", result.space)
    assert names == ["0", "1", "2", "3"]
    means = np.array([by_hand(frame, vectors) for frame in FRAMES[:4]])
    np.testing.assert_allclose(found[:, 2:], standardised(means), atol=1e-5 if epsg == 32633 else 2e-3)
    np.testing.assert_allclose(found[:, :2], standardised(own[:4]), atol=1e-5)


def test_points_within_a_polygon_count_alike_and_unit_length_is_kept(tmp_path: Path) -> None:
    unit = np.array([[1, 0], [0, 1], [0.6, 0.8], [1, 0], [-1, 0]])
    places = [(10, 10), (20, 20), (150, 10), (160, 10), (250, 50)]
    points = [bytes(ogr.CreateGeometryFromWkt(f"POINT ({500_000 + x} {5_000_000 + y})").ExportToIsoWkb())
              for x, y in places]
    districts = write(tmp_path / "districts.gpkg", Space("people", 1), [
        box(500_000 + x, 5_000_000, 500_100 + x, 5_000_100) for x in (0, 100, 200)], np.array([[1.0], [2.0], [4.0]]))
    photos = write(tmp_path / "photos.gpkg", Space("street", 2, unit_norm=True), points, unit, ogr.wkbPoint)
    fuse_tables([districts, photos], "", FuseRequest(str(tmp_path / "out.gpkg"), **REQUEST), Silent())
    means = np.array([[0.5, 0.5], [0.8, 0.4], [-1, 0]])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(fused(tmp_path / "out.gpkg", Space("x", 1))[0][:, 1:], standardised(means), atol=1e-5)


def test_wrong_input_is_told_in_words(cells, tmp_path: Path) -> None:
    shapes, vectors = cells
    grid = write(tmp_path / "cells.gpkg", Space("sky", 3), shapes, vectors)
    far = write(tmp_path / "far.gpkg", Space("people", 3), [box(0, 0, 9, 9)] * 2, vectors[:2])
    bare = write(tmp_path / "bare.gpkg", Space("people", 3), [None] * 2, vectors[:2], ogr.wkbNone)
    lost = write(tmp_path / "lost.gpkg", Space("people", 3), [box(0, 0, 9, 9)] * 2, vectors[:2], epsg=0)
    for other, words in ((far, "Nothing of “far” lies on anything of “cells”"), (bare, "“bare” has no geometries"),
                         (lost, "“lost” has no CRS")):
        with pytest.raises(EarthprintError, match=words):
            fuse_tables([grid, other], "", FuseRequest(str(tmp_path / "out.gpkg"), **REQUEST), Silent())
        assert not (tmp_path / "out.gpkg").exists()
