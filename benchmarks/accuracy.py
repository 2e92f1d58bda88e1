"""Measures whether the automatic encoder beats raw bands and plain band statistics, in spatial blocks.

Run from the repository root:  ./dev python benchmarks/accuracy.py [--quick] [--write]
--quick takes fewer places, folds and variants (a few minutes); --write puts the tables into docs/accuracy.md.

What is measured is what ships: every variant is fitted by the engine, written as ONNX and run by ONNX Runtime.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import numpy as np  # noqa: E402
from osgeo import gdal, ogr, osr  # noqa: E402

from earthprint.engine.encoders.random_features import RandomFeaturesRequest, fit, to_onnx  # noqa: E402

DATA = Path(os.environ.get("EARTHPRINT_DATA", ROOT.parent / "shared" / "data"))
PAGE = ROOT / "docs" / "accuracy.md"
BLOCKS = 5
FOLDS = 5
NEIGHBOURS = 5
RESAMPLES = 400

Places = Tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Task:
    """A question with known answers: the scenes it is asked of, and which answer is right where."""

    name: str
    scenes: Tuple[np.ndarray, ...]
    places: Callable[[int, int], Places]
    classes: bool
    counted: bool = True


@dataclass(frozen=True)
class Outcome:
    """What a variant predicted for a task: answers, out-of-fold predictions a repeat, the block of each place."""

    truth: np.ndarray
    linear: np.ndarray
    nearest: np.ndarray
    block: np.ndarray
    classes: bool


def read(name: str) -> np.ndarray:
    """Read a raster of the sample data whole."""
    dataset = gdal.Open(str(DATA / name))
    values = dataset.ReadAsArray().astype(np.float32)
    return values if values.ndim == 3 else values[None]


def cell_means(values: np.ndarray, cell: int) -> np.ndarray:
    """Average a map over the pixels of each whole cell."""
    rows, cols = values.shape[0] // cell, values.shape[1] // cell
    return values[: rows * cell, : cols * cell].reshape(rows, cell, cols, cell).mean(axis=(1, 3))


def amounts(target: np.ndarray) -> Callable[[int, int], Places]:
    """Ask for the mean of a map over the cell, at places drawn at random."""

    def places(cell: int, count: int) -> Places:
        means = cell_means(target, cell)
        rows, cols = np.indices(means.shape)
        chosen = np.random.default_rng(0).permutation(means.size)[:count]
        return rows.ravel()[chosen], cols.ravel()[chosen], means.ravel()[chosen].astype(float)

    return places


def states(target: np.ndarray, scored: np.ndarray, most: float) -> Callable[[int, int], Places]:
    """Ask whether a cell is mostly of a kind, as many of it as not; cells between `most` and a half are left out."""

    def places(cell: int, count: int) -> Places:
        share = cell_means(scored.astype(np.float32), cell)
        kind = cell_means((target & scored).astype(np.float32), cell) / np.maximum(share, 1e-6)
        rng = np.random.default_rng(0)
        parts: List[Places] = []
        for label, where in ((1, (share > 0.5) & (kind >= 0.5)), (0, (share > 0.5) & (kind <= most))):
            rows, cols = np.nonzero(where)
            chosen = rng.permutation(rows.size)[: count // 2]
            parts.append((rows[chosen], cols[chosen], np.full(chosen.size, label)))
        rows, cols, labels = (np.concatenate(part) for part in zip(*parts))
        return rows, cols, labels

    return places


def points(vector: str, column: str, raster: str) -> Callable[[int, int], Places]:
    """Ask for the class of labelled points, each by the cell it lies in."""
    dataset = gdal.Open(str(DATA / raster))
    transform = dataset.GetGeoTransform()
    source = ogr.Open(str(DATA / vector))
    layer = source.GetLayer(0)
    target = osr.SpatialReference()
    target.ImportFromWkt(dataset.GetProjection())
    own = layer.GetSpatialRef().Clone()
    for system in (target, own):
        system.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    change = osr.CoordinateTransformation(own, target)
    pixels, texts = [], []
    for feature in layer:
        x, y, _ = change.TransformPoint(*feature.GetGeometryRef().GetPoint(0))
        pixels.append(((y - transform[3]) / transform[5], (x - transform[0]) / transform[1]))
        texts.append(feature[column])
    positions = np.array(pixels)
    labels = np.unique(texts, return_inverse=True)[1]

    def places(cell: int, count: int) -> Places:
        return (positions[:, 0] // cell).astype(int), (positions[:, 1] // cell).astype(int), labels

    return places


def tasks() -> List[Task]:
    """Ask what the sample data can answer without circularity: what defines a label is withheld from the encoder."""
    leipzig = read("leipzig_sentinel2/leipzig_s2.tif")
    before, after = read("naip_wetlands/naip_20120731.tif"), read("naip_wetlands/naip_20140720.tif")
    changed = read("naip_wetlands/water_change_2012_2014.tif")[0]
    plain, mountain = read("s2_scenes/scene_275979.tif"), read("s2_scenes/scene_75123.tif")
    sinop = read("modis_sinop/modis_ndvi_sinop_2013_2014.tif")
    both = np.concatenate([plain, mountain], axis=2)
    second = np.zeros(both.shape[1:], bool)
    second[:, plain.shape[2]:] = True
    everywhere = np.ones(after.shape[1:], bool)
    land_cover = points("leipzig_sentinel2/leipzig_points.gpkg", "land_cover", "leipzig_sentinel2/leipzig_s2.tif")
    crops = points("modis_sinop/sinop_samples.gpkg", "label", "modis_sinop/modis_ndvi_sinop_2013_2014.tif")
    return [
        Task("Leipzig: land cover", (leipzig,), land_cover, True),
        Task("Leipzig: SWIR from visible", (leipzig[:3],), amounts(leipzig[6]), False),
        Task("NAIP: water from RGB", (after[:3],), states(after[3] < 70, everywhere, 0.499), True),
        Task("NAIP: NIR from RGB", (after[:3],), amounts(after[3]), False),
        Task("NAIP: water gained or lost", (before[:3], after[:3]), states(changed == 1, changed != 255, 0.0), True),
        Task("S2 Australia: SWIR from RGB", (plain[1:4],), amounts(plain[10]), False),
        Task("S2 Patagonia: SWIR from RGB", (mountain[1:4],), amounts(mountain[10]), False),
        Task("S2: which scene", (both,), states(second, np.ones_like(second), 0.0), True, counted=False),
        Task("Sinop: crops, 18 points", (sinop,), crops, True, counted=False),
    ]


def sample(scene: np.ndarray) -> List[Tuple[np.ndarray, np.ndarray]]:
    """Cut up to 36 windows of 72 pixels, spread evenly."""
    starts = [np.unique(np.linspace(0, max(size - 72, 0), 6).astype(int)) for size in scene.shape[1:]]
    pieces = [scene[:, r: r + 72, c: c + 72] for r in starts[0] for c in starts[1]]
    return [(piece, np.ones(piece.shape[1:], bool)) for piece in pieces]


def vectors(task: Task, request: RandomFeaturesRequest, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Fit to the first scene, embed all scenes through the shipped graph, and look up the places."""
    import onnxruntime

    features = fit(sample(task.scenes[0]), request)
    session = onnxruntime.InferenceSession(to_onnx(features, request.cell), providers=["CPUExecutionProvider"])
    cell, halo = request.cell, features.halo(request.cell)
    parts: List[np.ndarray] = []
    for scene in task.scenes:
        pads = [(halo, halo + -size % cell) for size in scene.shape[1:]]
        image = np.pad(scene, [(0, 0)] + pads, mode="symmetric")
        feeds = {"image": image[None], "mask": np.ones((1, 1) + image.shape[1:], np.float32)}
        parts.append(session.run(None, feeds)[0][0][:, rows, cols].T)
    table = np.concatenate(parts, axis=1).astype(float)
    # One factor for all dimensions: the probe's penalties mean the same for all variants, their relative weights stay.
    return (table - table.mean(axis=0)) / np.sqrt(table.var(axis=0).mean())


def blocks_of(rows: np.ndarray, cols: np.ndarray, extent: float, shift: np.ndarray) -> np.ndarray:
    """Number the squares, BLOCKS to a side, that places lie in."""
    side = extent / BLOCKS
    return ((rows / side + shift[0]).astype(int) * 1000 + (cols / side + shift[1]).astype(int)).astype(int)


def splits(fold: np.ndarray, rows: np.ndarray, cols: np.ndarray, gap: float) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
    """Give training and test rows a fold; training places whose window could overlap a test window are left out."""
    for number in np.unique(fold):
        test, train = np.nonzero(fold == number)[0], np.nonzero(fold != number)[0]
        apart = np.maximum(np.abs(rows[train, None] - rows[None, test]), np.abs(cols[train, None] - cols[None, test]))
        train = train[apart.min(axis=1) >= gap]
        if train.size:
            yield train, test


def linear(
    table: np.ndarray, truth: np.ndarray, fold: np.ndarray, train: np.ndarray, test: np.ndarray, classes: bool
) -> np.ndarray:
    """Predict by logistic regression or ridge whose penalty was chosen on the folds of the training part."""
    from sklearn.linear_model import LogisticRegression, Ridge

    def model(strength: float) -> object:
        if classes:
            return LogisticRegression(
                C=strength, class_weight="balanced", solver="newton-cholesky", max_iter=50, tol=1e-3
            )
        return Ridge(alpha=1.0 / strength)

    best, chosen = -np.inf, 1.0
    for strength in (1e-3, 1e-2, 1e-1, 1.0, 10.0) if classes else (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0):
        guessed = np.full(train.size, np.nan)
        for number in np.unique(fold[train]):
            inside, outside = fold[train] != number, fold[train] == number
            if np.unique(truth[train][inside]).size > 1:
                guessed[outside] = (
                    model(strength).fit(table[train][inside], truth[train][inside]).predict(table[train][outside])
                )
        seen = np.isfinite(guessed)
        value = score(truth[train][seen], guessed[seen], classes) if seen.any() else -np.inf
        if value > best + 1e-9:
            best, chosen = value, strength
    return model(chosen).fit(table[train], truth[train]).predict(table[test])


def nearest(table: np.ndarray, truth: np.ndarray, train: np.ndarray, test: np.ndarray, classes: bool) -> np.ndarray:
    """Predict by the vote or mean of the nearest training places."""
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    kind = KNeighborsClassifier if classes else KNeighborsRegressor
    return kind(min(NEIGHBOURS, train.size)).fit(table[train], truth[train]).predict(table[test])


def score(truth: np.ndarray, guess: np.ndarray, classes: bool) -> float:
    """Compute balanced accuracy, or R²."""
    if classes:
        return float(np.mean([np.mean(guess[truth == label] == label) for label in np.unique(truth)]))
    return float(1 - np.sum((truth - guess) ** 2) / np.sum((truth - truth.mean()) ** 2))


def run(task: Task, request: RandomFeaturesRequest, repeats: int, count: int) -> Outcome:
    """Predict every place from places in other blocks; a repeat has its own encoder seed, blocks and folds."""
    rows, cols, truth = task.places(request.cell, count)
    extent = max(task.scenes[0].shape[1:]) / request.cell
    by_line, by_near = [], []
    for repeat in range(repeats):
        rng = np.random.default_rng(repeat)
        table = vectors(task, replace(request, seed=repeat), rows, cols)
        block = blocks_of(rows, cols, extent, rng.random(2))
        known = np.unique(block)
        fold = rng.permutation(np.arange(known.size) % FOLDS)[np.searchsorted(known, block)]
        guesses = [np.full(truth.size, float(np.median(truth))) for _ in range(2)]
        # Windows three cells wide overlap when centres are closer than three cells: the widest variant compared.
        for train, test in splits(fold, rows, cols, 3.0):
            if np.unique(truth[train]).size > 1:
                guesses[0][test] = linear(table, truth, fold, train, test, task.classes)
                guesses[1][test] = nearest(table, truth, train, test, task.classes)
        by_line.append(guesses[0])
        by_near.append(guesses[1])
    return Outcome(
        truth, np.array(by_line), np.array(by_near), blocks_of(rows, cols, extent, np.zeros(2)), task.classes
    )


def mean_score(outcome: Outcome, guesses: np.ndarray, chosen: Optional[np.ndarray] = None) -> float:
    """Average the score over repeats, of all places or of some."""
    rows = slice(None) if chosen is None else chosen
    return float(np.mean([score(outcome.truth[rows], guess[rows], outcome.classes) for guess in guesses]))


def resampled(outcomes: Sequence[Outcome], probe: str) -> np.ndarray:
    """Score every outcome on the same resampled blocks: (outcomes, resamples)."""
    first = outcomes[0]
    rng = np.random.default_rng(0)
    members = [np.nonzero(first.block == number)[0] for number in np.unique(first.block)]
    result = []
    while len(result) < RESAMPLES:
        chosen = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        if np.unique(first.truth[chosen]).size == np.unique(first.truth).size or not first.classes:
            result.append([mean_score(outcome, getattr(outcome, probe), chosen) for outcome in outcomes])
    return np.array(result).T


def variants(cell: int) -> Dict[str, RandomFeaturesRequest]:
    """List what the default is compared with: baselines first."""
    default = replace(RandomFeaturesRequest(), cell=cell)
    plain = replace(default, patches=(), dimensions=0)
    return {
        "raw bands at the cell": replace(plain, statistics=("own",)),
        "band statistics (mean, std, min, max)": replace(plain, statistics=("mean", "std", "min", "max")),
        "the default's statistics alone": replace(plain, statistics=default.statistics),
        "filters alone": replace(default, statistics=()),
        "**the default**": default,
    }


def sweep(cell: int) -> Dict[str, RandomFeaturesRequest]:
    """List variants of the default, one choice changed at a time."""
    default = replace(RandomFeaturesRequest(), cell=cell)
    made: Dict[str, RandomFeaturesRequest] = {"the default": default}
    for filters in (32, 64, 128, 256, 512):
        made[f"filters {filters}"] = replace(default, filters=filters)
    for patches in ((3,), (5,), (3, 5)):
        made["patch " + " and ".join(str(size) for size in patches)] = replace(default, patches=patches)
    for times in (1, 2, 3):
        window = times * cell
        made[f"window {times} cells"] = replace(default, window=window + (window - cell) % 2)
    for dimensions in (16, 32, 64, 128, 0):
        made[f"dimensions {dimensions or 'all'}"] = replace(default, dimensions=dimensions)
    for balance in (0.2, 0.5, 0.8):
        made[f"statistics' share {balance}"] = replace(default, balance=balance)
    for names in (("own",), ("mean",), ("own", "mean"), ("own", "mean", "std"), ("own", "mean", "min", "max")):
        made["statistics " + ", ".join(names)] = replace(default, statistics=names)
    made["unit length"] = replace(default, unit_norm=True)
    return made


def main_table(cell: int, repeats: int, count: int) -> List[str]:
    """Compare the default with the baselines, task by task, with intervals of the differences over blocks."""
    named = variants(cell)
    lines = ["| question | " + " | ".join(named) + " |", "|---|" + "---|" * len(named)]
    gains: Dict[str, List[np.ndarray]] = {
        f"{probe} {i}": [] for probe in ("linear", "nearest") for i in range(len(named))
    }
    sums = np.zeros((len(named), 2))
    asked = tasks()
    for task in asked:
        outcomes = [run(task, request, repeats, count) for request in named.values()]
        values = np.array([[mean_score(o, o.linear), mean_score(o, o.nearest)] for o in outcomes])
        lines.append(f"| {task.name} | " + " | ".join(f"{a:.3f} / {b:.3f}" for a, b in values) + " |")
        say(lines[-1])
        if task.counted:
            sums += values
            for probe in ("linear", "nearest"):
                again = resampled(outcomes, probe)
                for i in range(len(named)):
                    gains[f"{probe} {i}"].append(again[-1] - again[i])
    counted = sum(task.counted for task in asked)
    lines.append(
        "| **mean of the first seven** | " + " | ".join(f"**{a:.3f} / {b:.3f}**" for a, b in sums / counted) + " |"
    )
    bounds = []
    for i in range(len(named) - 1):
        texts = []
        for probe in ("linear", "nearest"):
            mean = np.mean(gains[f"{probe} {i}"], axis=0)
            low, high = np.percentile(mean, (2.5, 97.5))
            texts.append(f"{mean.mean():+.3f} ({low:+.3f} to {high:+.3f})")
        bounds.append(" / ".join(texts))
    lines.append("| the default's gain, 95 % | " + " | ".join(bounds) + " | |")
    say("\n".join(lines[-2:]))
    return lines


def sweep_table(cell: int, repeats: int, count: int) -> List[str]:
    """Score variants of the default by the mean over tasks, with the difference from the default."""
    lines = ["| variant | linear | difference | 5 neighbours | difference |", "|---|---|---|---|---|"]
    asked = [task for task in tasks() if task.counted]
    known: Dict[RandomFeaturesRequest, List[float]] = {}
    for name, request in sweep(cell).items():
        if request not in known:
            outcomes = [run(task, request, repeats, count) for task in asked]
            known[request] = [
                float(np.mean([mean_score(o, getattr(o, probe)) for o in outcomes])) for probe in ("linear", "nearest")
            ]
        line, near = known[request]
        first = next(iter(known.values()))
        lines.append(f"| {name} | {line:.3f} | {line - first[0]:+.3f} | {near:.3f} | {near - first[1]:+.3f} |")
        say(lines[-1])
    return lines


def say(text: str) -> None:
    """Show a line at once."""
    print(text, flush=True)


def write(tables: Dict[str, List[str]]) -> None:
    """Replace the marked tables of the page."""
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in tables.items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        head, rest = text.split(start)
        text = head + start + "\n\n" + "\n".join(lines) + "\n\n" + end + rest.split(end)[1]
    PAGE.write_text(text, encoding="utf-8")


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer places, one repeat, no variants")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/accuracy.md")
    chosen = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"The sample data is not in {DATA}; set EARTHPRINT_DATA to its folder.")
    warnings.filterwarnings("ignore", category=RuntimeWarning)
    gdal.UseExceptions()
    began = time.time()
    repeats, count = (1, 400) if chosen.quick else (3, 800)
    tables = {
        f"comparison, cell {cell}": main_table(cell, repeats, count) for cell in ((4,) if chosen.quick else (4, 8))
    }
    if not chosen.quick:
        tables["variants, cell 4"] = sweep_table(4, 2, 600)
    if chosen.write:
        write(tables)
    say(f"{time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
