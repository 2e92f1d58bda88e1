"""Prediction over an embedding raster, as ratios to a plain block-wise read of the file, with the memory it takes.

Run with `./dev benchmark predict_speed [--side N] [--dimensions N] [--models ridge knn …] [--turns N]`. Each line is
the median of the turns; every turn reads plainly right before it predicts, so that both see the same machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import numpy as np  # noqa: E402
from change_speed import make_fields  # noqa: E402
from osgeo import gdal, ogr  # noqa: E402

from earthprint.engine.dataset import block_cache  # noqa: E402
from earthprint.engine.field import open_field  # noqa: E402
from earthprint.engine.field_sample import sample_field  # noqa: E402
from earthprint.engine.grid import blocks  # noqa: E402
from earthprint.engine.memory import peak_mib  # noqa: E402
from earthprint.engine.predictors.raster import predict_raster  # noqa: E402
from earthprint.engine.predictors.request import PredictOptions, PredictRasterRequest  # noqa: E402
from earthprint.engine.progress import Silent  # noqa: E402
from earthprint.engine.table import ColumnSpec, TableWriter, open_rows  # noqa: E402
from earthprint.engine.training.gathering import GatherRequest  # noqa: E402
from earthprint.engine.training.request import FoldChoice, TrainRequest  # noqa: E402
from earthprint.engine.training.run import train  # noqa: E402

LABELS = 2000
ASKED = {"plain": PredictOptions(0.0, False, False), "interval": PredictOptions(0.9, False, False),
         "applicability": PredictOptions(0.9, False, True)}


def make_predictors(field: str, folder: str, models: "List[str]") -> None:
    """Label some cells of a field and train each model on them."""
    opened = open_field(field)
    sample = sample_field(opened, LABELS, 0, Silent())
    chance = np.random.default_rng(0)
    count, width = sample.vectors.shape
    values = sample.vectors @ chance.normal(size=width) + chance.normal(0, 0.1, count)
    points = []
    for x, y in (chance.random((count, 2)) * 10_000).tolist():
        point = ogr.Geometry(ogr.wkbPoint)
        point.AddPoint_2D(500_000 + x, 5_600_000 - y)
        points.append(bytes(point.ExportToWkb(ogr.wkbNDR)))
    table = str(Path(folder, "labels.gpkg"))
    with TableWriter(table, opened.info.grid.wkt, ogr.wkbPoint, [ColumnSpec("y", "real")], opened.space) as writer:
        writer.write(points, {"y": values.tolist()}, sample.vectors)
    for model in models:
        train(TrainRequest(GatherRequest(open_rows(table), ("y",)), str(Path(folder, f"{model}.onnx")), model,
                           FoldChoice("blocks", 3, 2000.0), resume=False), Silent())


def plain_read(path: str) -> None:
    """Read all bands of a file block by block."""
    with block_cache(64):
        dataset = gdal.Open(path)
        whole = open_field(path).info.grid.whole
        for window in blocks(whole, 256):
            dataset.ReadRaster(window.x, window.y, window.width, window.height)


def one_run(field: str, predictor: str, asked: str, folder: str) -> "Dict[str, float]":
    """Read, then predict, and return what both took; runs in a process of its own."""
    measured: "Dict[str, float]" = {}
    idle = peak_mib()
    for name, work in (("read", lambda: plain_read(field)), ("predict", lambda: predict_raster(PredictRasterRequest(
            field, predictor, str(Path(folder, "out.tif")), ASKED[asked], memory_mib=256), Silent()))):
        cpu, wall = time.process_time(), time.monotonic()
        work()
        measured[f"{name}_cpu"], measured[f"{name}_wall"] = time.process_time() - cpu, time.monotonic() - wall
    measured["memory"] = peak_mib() - idle
    return measured


def child(*arguments: Any) -> "Dict[str, float]":
    """Run a piece in a process of its own, so that each has its own peak of memory."""
    ended = subprocess.run([sys.executable, __file__, "--child", json.dumps(arguments)], capture_output=True, text=True,
                           check=True)
    return json.loads(ended.stdout.splitlines()[-1])


def report(label: str, turns: "List[Dict[str, float]]") -> None:
    """Print one line."""
    ratios = {kind: statistics.median(turn[f"predict_{kind}"] / turn[f"read_{kind}"] for turn in turns)
              for kind in ("cpu", "wall")}
    seconds = statistics.median(turn["predict_wall"] for turn in turns)
    memory = max(turn["memory"] for turn in turns)
    print(f"{label:44} {seconds:6.1f} s  {ratios['wall']:6.2f} x plain read  {ratios['cpu']:6.2f} x its processor "
          f"time  {memory:5.0f} MiB", flush=True)


def main() -> None:
    """Print a line for each coding, model and what is asked, and the memory of a field of a quarter of the size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--dimensions", type=int, default=64)
    parser.add_argument("--models", nargs="*", default=["ridge"])
    parser.add_argument("--codings", nargs="*", default=["f4", "a1"])
    parser.add_argument("--asked", nargs="*", default=list(ASKED))
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--child")
    options = parser.parse_args()
    if options.child:
        kind, *arguments = json.loads(options.child)
        work = {"run": one_run, "fields": make_fields, "train": make_predictors}[kind]
        print(json.dumps(work(*arguments) or {}))
        return
    with tempfile.TemporaryDirectory() as scratch:
        for coding in options.codings:
            large, small = (str(Path(scratch, name)) for name in ("large", "small"))
            for folder, side in ((large, options.side), (small, options.side // 2)):
                Path(folder).mkdir(exist_ok=True)
                child("fields", folder, side, options.dimensions, coding, 1)
            field = str(Path(large, f"{coding}_0.tif"))
            child("train", field, large, options.models)
            for model in options.models:
                predictor = str(Path(large, f"{model}.onnx"))
                for asked in options.asked:
                    report(f"{coding} {model}, {asked}", [child("run", field, predictor, asked, large)
                                                          for _ in range(options.turns)])
                report(f"{coding} {model}, {options.asked[-1]}, a quarter of the cells",
                       [child("run", str(Path(small, f"{coding}_0.tif")), predictor, options.asked[-1], small)])


if __name__ == "__main__":
    main()
