"""Licence and provenance survive every step: what is made from AlphaEarth still carries its sentence."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from earthprint.engine.provenance import KNOWN
from earthprint.engine.table import open_table

SENTENCE = "The AlphaEarth Foundations Satellite Embedding dataset is produced by Google and Google DeepMind."


def said_in(path: str) -> str:
    """Return all metadata texts of a GeoPackage, as any other program reads them."""
    with sqlite3.connect(path) as connection:
        return " ".join(row[0] for row in connection.execute("SELECT metadata FROM gpkg_metadata"))


@pytest.fixture(scope="module")
def points(provider: Any, sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    import processing

    path = sample_data / "alphaearth_clearing" / "alphaearth_clearing_west.gpkg"
    return processing.run("earthprint:importembeddings", {
        "INPUT": str(path), "OUTPUT": str(tmp_path_factory.mktemp("points") / "points.gpkg")})["OUTPUT"]


def test_the_import_says_it(points: str) -> None:
    assert SENTENCE in said_in(points)
    assert open_table(points).identity().provenance[0].licence == KNOWN["alphaearth"].licence == "CC BY 4.0"


@pytest.mark.parametrize(("algorithm", "more", "package"), [
    ("toh3table", {"RESOLUTION": 5}, "h3"), ("reducetable", {"DIMENSIONS": 3}, "numpy"),
    ("clustertable", {"CLUSTERS": 3}, "sklearn"), ("outliertable", {}, "numpy")])
def test_a_step_says_it(run_algorithm: Any, tmp_path: Path, points: str, algorithm: str, more: Any,
                        package: str) -> None:
    pytest.importorskip(package)
    found = run_algorithm(algorithm, {"INPUT": points, "OUTPUT": str(tmp_path / "o.gpkg"), **more})
    assert SENTENCE in said_in(found["OUTPUT"])
    again = run_algorithm("exportembeddings", {"INPUT": found["OUTPUT"], "OUTPUT": str(tmp_path / "o.npy")})
    assert SENTENCE in Path(again["OUTPUT"]).with_suffix(".json").read_text(encoding="utf-8")
