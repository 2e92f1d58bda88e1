"""Georgia's counties put together to larger units, and found again: who belongs where, what is kept, what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from osgeo import ogr

from earthprint.engine.geodesy import polygon_area
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_rows
from earthprint.engine.training.request import FoldChoice
from earthprint.engine.transferring.request import TransferRequest
from earthprint.engine.transferring.run import transfer

VECTOR = ("PctRural", "PctEld", "PctFB", "PctPov", "PctBlack")
SIDE = 55_000.0


@pytest.fixture(scope="module")
def georgia(sample_data: Path, tmp_path_factory: Any) -> "Dict[str, Any]":
    """Return counties and their unions, each with vectors whose weighted means agree."""
    folder = tmp_path_factory.mktemp("georgia")
    rows = open_rows(str(sample_data / "georgia_counties" / "georgia_counties.gpkg"))
    shapes: List[Any] = []
    cells: Dict[str, List[Any]] = {}
    for chunk in rows.rows():
        shapes += chunk.wkb
        for name, values in chunk.columns.items():
            cells.setdefault(name, []).extend(values)
    people = np.array(cells["TotPop90"], dtype=float)
    graduates = np.array(cells["PctBach"], dtype=float)
    features = np.array([cells[name] for name in VECTOR], dtype=float).T
    vectors = ((features - features.mean(axis=0)) / features.std(axis=0)).astype(np.float32)
    found = [ogr.CreateGeometryFromWkb(bytes(shape)) for shape in shapes]
    middles = np.array([shape.Centroid().GetPoint(0)[:2] for shape in found])
    owner = np.unique(np.floor(middles / SIDE).astype(int), axis=0, return_inverse=True)[1].reshape(-1)
    unions: List[Any] = [None] * (owner.max() + 1)
    for number, shape in zip(owner.tolist(), found):
        unions[number] = shape.Clone() if unions[number] is None else unions[number].Union(shape)
    load = np.bincount(owner, people)
    means = np.stack([np.bincount(owner, people * axis) / load for axis in vectors.T], axis=1).astype(np.float32)
    rate = np.bincount(owner, people * graduates) / load
    space = Space("georgia", len(VECTOR))
    with TableWriter(str(folder / "coarse.gpkg"), rows.wkt, ogr.wkbUnknown, [
            ColumnSpec("graduates", "real"), ColumnSpec("people", "real")], space) as writer:
        writer.write([bytes(shape.ExportToIsoWkb()) for shape in unions],
                     {"graduates": rate.tolist(), "people": load.tolist()}, means)
    with TableWriter(str(folder / "fine.gpkg"), rows.wkt, ogr.wkbUnknown, [
            ColumnSpec("truth", "real"), ColumnSpec("people", "real")], space) as writer:
        writer.write(shapes, {"truth": graduates.tolist(), "people": people.tolist()}, vectors)
    return {"coarse": str(folder / "coarse.gpkg"), "fine": str(folder / "fine.gpkg"), "owner": owner, "rate": rate,
            "load": load, "people": people, "truth": graduates,
            "areas": np.array([polygon_area(bytes(shape), rows.wkt) for shape in shapes]) / 1e6}


def cells_of(path: Path) -> "Dict[str, np.ndarray]":
    chunks = [chunk.columns for chunk in open_rows(str(path)).rows()]
    return {name: np.array([value for chunk in chunks for value in chunk[name]]) for name in chunks[0]
            if not name.startswith("embedding")}


def test_a_rate_within_larger_units(georgia: "Dict[str, Any]", tmp_path: Path) -> None:
    result = transfer(TransferRequest(
        open_rows(georgia["coarse"]), "graduates", open_rows(georgia["fine"]), str(tmp_path / "o.gpkg"),
        preserve="totals", weight="people", truth="truth", folds=FoldChoice("random", 5)), Silent())
    found = cells_of(tmp_path / "o.gpkg")
    np.testing.assert_array_equal(found["unit"], georgia["owner"] + 1)
    means = np.bincount(georgia["owner"], found["predicted"] * georgia["people"]) / georgia["load"]
    np.testing.assert_allclose(means, georgia["rate"], rtol=1e-9)
    # What even spreading would give is known without any of this.
    even = georgia["rate"][georgia["owner"]]
    spread = ((georgia["truth"] - georgia["truth"].mean()) ** 2).sum()
    assert result.score_even == pytest.approx(1 - ((georgia["truth"] - even) ** 2).sum() / spread)
    assert result.score_fine > result.score_even + 0.1
    assert result.kept == len(georgia["truth"])


def test_a_total_by_area_and_by_people(georgia: "Dict[str, Any]", tmp_path: Path) -> None:
    common = {"coarse": open_rows(georgia["coarse"]), "target": "people", "fine": open_rows(georgia["fine"]),
              "output": str(tmp_path / "o.gpkg"), "preserve": "totals", "quantity": "total", "transform": "log",
              "truth": "people", "folds": FoldChoice("random", 5)}
    result = transfer(TransferRequest(**common), Silent())
    found = cells_of(tmp_path / "o.gpkg")
    np.testing.assert_allclose(np.bincount(georgia["owner"], found["predicted"]), georgia["load"], rtol=1e-9)
    assert (found["predicted"] >= 0).all()
    share = georgia["areas"] / np.bincount(georgia["owner"], georgia["areas"])[georgia["owner"]]
    even = georgia["load"][georgia["owner"]] * share
    truth = georgia["people"]
    spread = ((truth - truth.mean()) ** 2).sum()
    assert result.score_even == pytest.approx(1 - ((truth - even) ** 2).sum() / spread, rel=1e-6)
