""""Aggregate table to H3" through processing.run, against the h3 library row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import numpy as np
import pytest
from osgeo import ogr
from qgis.core import QgsProcessing, QgsProcessingException, QgsVectorLayer
from small_fields import wkt_of, write_layer

from earthprint.engine.centres import point_wkb
from earthprint.engine.space import Space, parse_key
from earthprint.engine.table import TableWriter, open_table

h3 = pytest.importorskip("h3")
SPACE = Space("alphaearth-v1", 5, unit_norm=True)


@pytest.fixture
def places() -> np.ndarray:
    return np.random.default_rng(0).uniform([12, 51], [12.3, 51.2], (500, 2))


@pytest.fixture
def vectors() -> np.ndarray:
    found = np.random.default_rng(1).normal(0.5, 1, (500, 5))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def table(tmp_path: Path, places: np.ndarray, vectors: np.ndarray) -> str:
    path = str(tmp_path / "points.gpkg")
    with TableWriter(path, wkt_of(4326), ogr.wkbPoint, [], SPACE) as writer:
        writer.write([point_wkb(*place) for place in places], {}, vectors)
    return path


def compare(path: str, names: "List[str]", vectors: np.ndarray) -> None:
    found = open_table(path)
    [chunk] = list(found.chunks())
    assert sorted(chunk.columns["h3"]) == sorted(set(names))
    for name, vector, count, dispersion in zip(chunk.columns["h3"], chunk.vectors, chunk.columns["count"],
                                               chunk.columns["dispersion"]):
        inside = vectors[[number for number, other in enumerate(names) if other == name]]
        mean = inside.mean(axis=0)
        assert count == len(inside) and np.allclose(vector, mean / np.linalg.norm(mean), atol=1e-5)
        assert dispersion == pytest.approx(np.sqrt(((inside - mean) ** 2).sum(axis=1).mean()), abs=1e-5)
    assert parse_key(found.space_key).same_space(parse_key(SPACE.key()))
    assert "Google" in " ".join(item.attribution for item in found.identity().provenance)


def test_rows_gather_in_the_hexagons_of_the_library(run_algorithm: Any, tmp_path: Path, table: str,
                                                    places: np.ndarray, vectors: np.ndarray) -> None:
    found = run_algorithm("toh3table", {"INPUT": table, "RESOLUTION": 7, "OUTPUT": str(tmp_path / "out.gpkg")})
    compare(found["OUTPUT"], [h3.latlng_to_cell(y, x, 7) for x, y in places], vectors)


def test_a_filtered_layer_and_the_short_call(run_algorithm: Any, table: str, places: np.ndarray,
                                             vectors: np.ndarray) -> None:
    layer = QgsVectorLayer(table, "points", "ogr")
    assert layer.setSubsetString("fid <= 300")
    found = run_algorithm("toh3table", {"INPUT": layer, "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT})
    names = [h3.latlng_to_cell(y, x, found["RESOLUTION_OUT"]) for x, y in places[:300]]
    compare(found["OUTPUT"], names, vectors[:300])


def test_a_field_becomes_hexagons_that_the_other_algorithms_read(run_algorithm: Any, tmp_path: Path,
                                                                 table: str) -> None:
    hexagons = run_algorithm("toh3table", {"INPUT": table, "RESOLUTION": 7, "OUTPUT": str(tmp_path / "out.gpkg")})
    found = run_algorithm("similarfeatures", {"INPUT": hexagons["OUTPUT"], "COORDINATES": "12.1,51.1 [EPSG:4326]",
                                              "OUTPUT": str(tmp_path / "similar.gpkg")})
    [chunk] = list(open_table(found["OUTPUT"]).chunks())
    best = chunk.columns["h3"][int(np.argmax(chunk.columns["similarity"]))]
    assert best == h3.latlng_to_cell(51.1, 12.1, 7)


def test_a_layer_without_vectors_is_told_in_words(run_algorithm: Any, tmp_path: Path) -> None:
    layer = write_layer(tmp_path / "plain.gpkg", ["POINT(1 2)"], 4326)
    with pytest.raises(QgsProcessingException) as caught:
        run_algorithm("toh3table", {"INPUT": layer, "OUTPUT": str(tmp_path / "out.gpkg")})
    assert "has no column “embedding”" in str(caught.value)
