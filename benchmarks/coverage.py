"""Measures whether prediction intervals hold at new places: whole blocks are kept away and looked up at the end.

Run from the repository root:  ./dev python benchmarks/coverage.py [--repeats 40] [--level 0.9]

Each repeat keeps a quarter of the spatial blocks away, learns and makes intervals from the others by spatial folds, and
counts how many of the kept rows lie within. `rows` corrects the quantile for the number of rows, `blocks` for what
the rows are worth since errors in a block are alike, which is what ships; `random` takes its errors from random folds,
as is common.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Dict, List, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import numpy as np  # noqa: E402
from osgeo import ogr  # noqa: E402

from earthprint.engine.training.conformal import fit_conformal  # noqa: E402
from earthprint.engine.training.folds import Folds, block_folds, block_size_from, random_folds  # noqa: E402
from earthprint.engine.training.sites import Sites  # noqa: E402

DATA = Path(os.environ.get("EARTHPRINT_DATA", ROOT.parent / "shared" / "data"))
FOLDS = 5
KEPT = 0.25
WAYS = ("random", "rows", "blocks")

Fit = Callable[[np.ndarray, np.ndarray, int], Callable[[np.ndarray], np.ndarray]]


@dataclass(frozen=True)
class Labels:
    """A table with known answers."""

    name: str
    sites: Sites
    x: np.ndarray
    y: np.ndarray


def labels_of(table: str, data: Path, most: int) -> Labels:
    """Return a table of the sample data, at most so many rows of it, evenly; prices as logarithms."""
    if table == "us_counties_1980":
        return read(data / table / (table + ".gpkg"), ["pc_college", "pc_homeownership", "pc_income"], "pc_turnout",
                    most)
    found = read(data / table / (table + ".gpkg"), ["TLA", "rooms", "beds", "baths", "yrbuilt", "lotsize"], "price",
                 most)
    return replace(found, y=np.log(found.y))


def read(layer: Path, columns: "List[str]", target: str, most: int) -> Labels:
    """Read numeric columns of a layer; at most so many rows, evenly."""
    dataset = ogr.Open(str(layer))
    found = dataset.GetLayer(0)
    points, values = [], []
    for feature in found:
        centre = feature.GetGeometryRef().Centroid()
        row = [feature.GetField(name) for name in (*columns, target)]
        if None not in row:
            points.append((centre.GetX(), centre.GetY()))
            values.append(row)
    values, points = np.array(values, dtype=np.float64), np.array(points)
    step = max(1, -(-len(values) // most))
    values, points = values[::step], points[::step]
    sites = Sites(layer.stem, points, found.GetSpatialRef().ExportToWkt(), np.arange(len(points)))
    return Labels(sites.name, sites, values[:, :-1], values[:, -1])


def ridge(x: np.ndarray, y: np.ndarray, seed: int) -> "Callable[[np.ndarray], np.ndarray]":
    """Fit standardised features and their squares by ridge."""
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-12

    def wide(rows: np.ndarray) -> np.ndarray:
        """Return features with squares and a constant."""
        one = np.clip((rows - mean) / scale, -5, 5)
        return np.hstack([np.ones((len(one), 1)), one, one ** 2])

    table = wide(x)
    weights = np.linalg.solve(table.T @ table + np.eye(table.shape[1]), table.T @ y)
    return lambda rows: wide(rows) @ weights


def forest(x: np.ndarray, y: np.ndarray, seed: int) -> "Callable[[np.ndarray], np.ndarray]":
    """Fit a random forest."""
    from sklearn.ensemble import RandomForestRegressor
    return RandomForestRegressor(100, min_samples_leaf=3, n_jobs=2, random_state=seed).fit(x, y).predict


def out_of_fold(labels: Labels, rows: np.ndarray, folds: Folds, fit: Fit, seed: int) -> np.ndarray:
    """Return residuals of rows that their models did not see."""
    x, y = labels.x[rows], labels.y[rows]
    found = np.empty(len(rows))
    for number in range(folds.count):
        held = folds.fold == number
        found[held] = y[held] - fit(x[~held], y[~held], seed)(x[held])
    return found


def part_of(sites: Sites, rows: np.ndarray) -> Sites:
    """Return the sites of some rows."""
    return Sites(sites.name, sites.points[rows], sites.wkt, sites.units[rows])


def repeat(labels: Labels, size: float, fit: Fit, level: float, seed: int) -> "Dict[str, Tuple[float, float]]":
    """Return coverage and mean width of each way on blocks that were kept away."""
    chance = np.random.default_rng(seed)
    # Blocks of another size each time, so that repeats keep other ground away.
    blocks = block_folds(labels.sites, size * chance.uniform(0.8, 1.25), FOLDS, seed).blocks
    numbers = np.unique(blocks)
    away = np.isin(blocks, chance.choice(numbers, max(1, round(KEPT * len(numbers))), replace=False))
    rows, kept = np.flatnonzero(~away), np.flatnonzero(away)
    sites = part_of(labels.sites, rows)
    pilot = random_folds(sites.units, FOLDS, seed)
    beside = out_of_fold(labels, rows, pilot, fit, seed)
    chosen = block_size_from(sites, beside, FOLDS, seed)
    folds = block_folds(sites, chosen.size, FOLDS, seed)
    residuals = out_of_fold(labels, rows, folds, fit, seed)
    error = np.abs(labels.y[kept] - fit(labels.x[rows], labels.y[rows], seed)(labels.x[kept]))
    halves = {"random": fit_conformal(beside), "rows": fit_conformal(residuals),
              "blocks": fit_conformal(residuals, blocks=folds.blocks)}
    told = {}
    for way in WAYS:
        half = float(halves[way].half_width(level)[0])
        told[way] = (float((error <= half).mean()), 2 * half)
    return told


def size_for(labels: Labels, fit: Fit) -> float:
    """Return the side of blocks that suits all rows."""
    pilot = random_folds(labels.sites.units, FOLDS, 0)
    residuals = out_of_fold(labels, np.arange(len(labels.y)), pilot, fit, 0)
    return block_size_from(labels.sites, residuals, FOLDS, 0).size


def measure(labels: Labels, name: str, fit: Fit, repeats: int, level: float) -> "Dict[str, float]":
    """Print a line a way: mean coverage, its spread over repeats, and mean width; return the coverages."""
    size = size_for(labels, fit)
    found = [repeat(labels, size, fit, level, seed) for seed in range(repeats)]
    told = {}
    for way in WAYS:
        shares, widths = np.array([one[way] for one in found]).T
        told[way] = float(shares.mean())
        print("{:<18} {:>5} {:<7} {:<7} coverage {:.3f}  (repeats {:.3f} to {:.3f})  width {:.3f}".format(
            labels.name, len(labels.y), name, way, shares.mean(), shares.min(), shares.max(), widths.mean()),
            flush=True)
    return told


def main() -> None:
    """Measure two tables with two models each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--level", type=float, default=0.9)
    asked = parser.parse_args()
    tables = (("us_counties_1980", 10_000), ("us_counties_1980", 400), ("lucas_houses", 6_000), ("lucas_houses", 400))
    for table, most in tables:
        labels = labels_of(table, DATA, most)
        for name, fit in (("ridge", ridge), ("forest", forest)):
            measure(labels, name, fit, asked.repeats, asked.level)


if __name__ == "__main__":
    main()
