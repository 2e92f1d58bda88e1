"""How well each method finds wetlands that filled or dried between two aerial images, with the automatic encoder.

And, on vectors of length 1, how well it finds clearing among AlphaEarth's points.

Run with `./dev benchmark change_accuracy [--cells 4 8]`. Needs the sample data beside the repository.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import numpy as np  # noqa: E402
from osgeo import gdal, ogr  # noqa: E402

from earthprint.engine.analyses.change.measures import fit_standardised, plain_measure  # noqa: E402
from earthprint.engine.analyses.change.raster import detect_change  # noqa: E402
from earthprint.engine.analyses.change.request import ChangeOptions, ChangeRequest  # noqa: E402
from earthprint.engine.embedding.making import MakeEncoderRequest, make_encoder  # noqa: E402
from earthprint.engine.embedding.plan import EmbedRequest  # noqa: E402
from earthprint.engine.embedding.raster import embed_raster  # noqa: E402
from earthprint.engine.encoders.library import EncoderFolders  # noqa: E402
from earthprint.engine.progress import Silent  # noqa: E402

SAMPLES = Path(os.environ.get("EARTHPRINT_DATA", ROOT.parent / "shared" / "data"))
DATA = SAMPLES / "naip_wetlands"
CLEARING = SAMPLES / "alphaearth_clearing" / "alphaearth_clearing_west.gpkg"
IMAGES = ("naip_20120731.tif", "naip_20140720.tif")
METHODS = ("cosine", "euclidean", "standardised", "irmad")
NOT_SCORED = 255


@dataclass(frozen=True)
class Found:
    """A method's area under the curve, and what Otsu's and the triangle's thresholds make of it."""

    auc: float
    f1: "Dict[str, float]"
    share: "Dict[str, float]"


def embed_both(folder: Path, cell: int, seed: int = 0) -> "List[str]":
    """Fit one encoder to both images and embed each with it."""
    images = tuple(str(DATA / name) for name in IMAGES)
    made = make_encoder(MakeEncoderRequest(images, str(folder / "encoder.onnx"), cell=cell, seed=seed), Silent())
    paths = []
    for image in images:
        paths.append(str(folder / f"{Path(image).stem}_{cell}.tif"))
        embed_raster(EmbedRequest((image,), made.path, paths[-1], EncoderFolders(), resume=False), Silent())
    return paths


def truth_of(cell: int) -> "tuple[np.ndarray, np.ndarray]":
    """Return which cells changed, and which are scored, by the majority of their pixels."""
    label = gdal.Open(str(DATA / "water_change_2012_2014.tif")).ReadAsArray()
    rows, columns = (-(-size // cell) * cell for size in label.shape)
    padded = np.full((rows, columns), NOT_SCORED, dtype=np.uint8)
    padded[:label.shape[0], :label.shape[1]] = label
    parts = padded.reshape(rows // cell, cell, columns // cell, cell)
    known = (parts != NOT_SCORED).mean(axis=(1, 3))
    share = (parts == 1).mean(axis=(1, 3)) / np.maximum(known, 1e-9)
    return share >= 0.5, known >= 0.5


def area_under_curve(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the chance that a changed cell scores above one that didn't; ties count half."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positive = int(truth.sum())
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * (len(truth) - positive)))


def assess(paths: "List[str]", method: str, tolerance: int, cell: int, folder: Path) -> Found:
    """Detect change and compare it with the labels."""
    truth, scored = truth_of(cell)
    f1, share, auc = {}, {}, 0.0
    for rule in ("otsu", "triangle"):
        detect_change(ChangeRequest(tuple(paths), str(folder / "out.tif"), ChangeOptions(method, rule),
                                    tolerance=tolerance, changed=str(folder / "mask.tif")), Silent())
        magnitude = gdal.Open(str(folder / "out.tif")).ReadAsArray()
        kept = scored & np.isfinite(magnitude)
        found = (gdal.Open(str(folder / "mask.tif")).ReadAsArray() == 2)[kept]
        f1[rule] = float(2 * (found & truth[kept]).sum() / (found.sum() + truth[kept].sum()))
        share[rule] = float(found.mean())
        auc = area_under_curve(magnitude[kept], truth[kept])
    return Found(auc, f1, share)


def clearing_scores() -> "Dict[str, float]":
    """Return the AUC of clearing among AlphaEarth's vectors of a year and of the year before, by method."""
    dataset = ogr.Open(str(CLEARING))
    rows = [[feature[name] for letter in "AD" for name in (f"{letter}{number:02d}" for number in range(64))]
            + [feature["cleared"]] for feature in dataset.GetLayer(0)]
    table = np.array(rows, dtype=np.float32)
    after, cleared = table[:, :64], table[:, 128] == 1
    before = after - table[:, 64:128]
    measures = {"cosine": plain_measure("cosine"), "euclidean": plain_measure("euclidean"),
                "standardised": fit_standardised(before, after, print)}
    return {name: area_under_curve(measure.distance(*measure.mapped(before.T.copy(), after.T.copy())), cleared)
            for name, measure in measures.items()}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", nargs="*", type=int, default=[4, 8])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        print("| cell | method | tolerance | AUC | F1, Otsu (share marked) | F1, triangle (share marked) |")
        print("|---|---|---|---|---|---|")
        for cell in options.cells:
            paths = embed_both(folder, cell)
            for method in METHODS:
                for tolerance in (0, 1):
                    found = assess(paths, method, tolerance, cell, folder)
                    shown = [f"{found.f1[rule]:.2f} ({found.share[rule]:.0%})" for rule in ("otsu", "triangle")]
                    print(f"| {cell} | {method} | {tolerance} | {found.auc:.3f} | {' | '.join(shown)} |", flush=True)
        images = [gdal.Open(str(DATA / name)).ReadAsArray().astype(float) for name in IMAGES]
        label = gdal.Open(str(DATA / "water_change_2012_2014.tif")).ReadAsArray()
        apart, known = np.linalg.norm(images[1] - images[0], axis=0), label != NOT_SCORED
        print(f"\nBands as they are, pixel by pixel: {area_under_curve(apart[known], label[known] == 1):.3f} "
              "(the labels were derived from one of them)")
    print("Clearing at 294 points, AlphaEarth: "
          + ", ".join(f"{name} {auc:.3f}" for name, auc in clearing_scores().items()))


if __name__ == "__main__":
    main()
