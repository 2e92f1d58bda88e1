"""Embedding locations, as ratios to the bare formula in NumPy, to a bare session of ONNX Runtime, and to copying rows.

First every encoder that ships: places to vectors beside the formula alone. Then trained ones of some kinds, in files:
beside a session on the same file, and with a look at every place for the area of the training data. Then some whole
runs: "from geometries" is what the engine does beside reading and writing; "without writing" also reads the layer;
"layer to table" is the whole run.

Run with `./dev benchmark location_speed [--rows N] [--encoder ID …]`.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, Callable, List, Sequence

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import numpy as np  # noqa: E402
from osgeo import ogr, osr  # noqa: E402

from earthprint.engine.locations import (  # noqa: E402
    IDS,
    LocationRequest,
    Places,
    Settings,
    embed_locations,
    find_location_encoder,
)
from earthprint.engine.locations.card import LocationCard  # noqa: E402
from earthprint.engine.locations.coverage import coverage_of  # noqa: E402
from earthprint.engine.locations.encoder import LocationEncoder  # noqa: E402
from earthprint.engine.locations.finding import AnyLocationEncoder  # noqa: E402
from earthprint.engine.locations.network import Activation, Linear, Network  # noqa: E402
from earthprint.engine.locations.position import position_of  # noqa: E402
from earthprint.engine.locations.storing import save_location_encoder  # noqa: E402
from earthprint.engine.locations.watching import PlaceWatch  # noqa: E402
from earthprint.engine.plain_layer import LayerWriter  # noqa: E402
from earthprint.engine.progress import Silent  # noqa: E402
from earthprint.engine.table import CHUNK_ROWS, TableWriter, open_rows  # noqa: E402

ROUNDS = 3
TRAINED = {"spherical-harmonics": Settings(), "sphere2vec-c": Settings(), "rbf": Settings(length=300.0),
           "xyz": Settings()}
ENCODERS = ("spherical-harmonics", "sphere2vec-c", "space2vec-theory", "fourier-sphere", "sphere2vec-dfs")


def bare(encoder: LocationEncoder, places: np.ndarray) -> None:
    """Evaluate the formula alone, chunk by chunk, to rows of float32."""
    for start in range(0, len(places), CHUNK_ROWS):
        np.ascontiguousarray(encoder.position.features(places[start:start + CHUNK_ROWS]), np.float32)


def vectors(encoder: AnyLocationEncoder, places: np.ndarray) -> None:
    """Ask an encoder, chunk by chunk."""
    for start in range(0, len(places), CHUNK_ROWS):
        encoder.vectors(places[start:start + CHUNK_ROWS])


def watched(encoder: AnyLocationEncoder, places: np.ndarray) -> None:
    """Ask an encoder and look at every place, as a run does."""
    watch = PlaceWatch("places", encoder)
    for start in range(0, len(places), CHUNK_ROWS):
        watch.see(places[start:start + CHUNK_ROWS])
        encoder.vectors(places[start:start + CHUNK_ROWS])


def session(model: Any, places: np.ndarray) -> None:
    """Run a bare session, chunk by chunk."""
    for start in range(0, len(places), CHUNK_ROWS):
        model.run(None, {"location": places[start:start + CHUNK_ROWS]})


def trained(folder: Path, kind: str, settings: Settings) -> Path:
    """Write an encoder of the usual size: two layers of 256, 64 dimensions, trained over a continent."""
    chance = np.random.default_rng(1)
    area = np.stack([chance.uniform(-10, 40, 25_000), chance.uniform(35, 70, 25_000)], axis=1)
    arrays = {"anchors": area[:200]} if kind == "rbf" else None
    position = position_of(kind, settings, arrays=arrays)
    sizes, stages = [position.size, 256, 256, 64], []
    for inputs, outputs in zip(sizes, sizes[1:]):
        weight = chance.normal(size=(outputs, inputs)) / np.sqrt(inputs)
        stages += [Linear(weight.astype(np.float32), np.zeros(outputs, np.float32)), Activation("relu")]
    return save_location_encoder(folder / f"{kind}-mlp.onnx", position, Network(tuple(stages[:-1])), LocationCard(
        f"{kind}-mlp", f"{kind} and two layers", position, 0, area=coverage_of(area)))


def embedded(encoder: LocationEncoder, finder: Places, shapes: "List[bytes]") -> None:
    """Do what the algorithm does between reading and writing: geometries to places to vectors.

    The geometries are those of one chunk again and again, since in a run they were read a moment before.
    """
    for start in range(0, len(shapes), CHUNK_ROWS):
        encoder.vectors(finder.find(shapes[:min(CHUNK_ROWS, len(shapes) - start)]))


def unwritten(path: Path, encoder: LocationEncoder, finder: Places) -> None:
    """Do all of a run but writing: read the layer, find the places, compute the vectors."""
    for chunk in open_rows(path).rows():
        encoder.vectors(finder.find(chunk.wkb))


def copied(path: Path, output: Path, encoder: LocationEncoder, vectors: np.ndarray) -> None:
    """Read the layer and write the table with vectors that are there already."""
    rows = open_rows(path)
    with TableWriter(output, rows.wkt, rows.geometry_type, rows.columns, encoder.space()) as writer:
        for chunk in rows.rows():
            writer.write(chunk.wkb, chunk.columns, vectors[:len(chunk.wkb)])


def best(works: "Sequence[Callable[[], object]]", rounds: int = ROUNDS) -> "List[float]":
    """Return the shortest processor time of each work, in turns, so that other programs matter little."""
    times: "List[List[float]]" = [[] for _ in works]
    for _ in range(rounds):
        for number, work in enumerate(works):
            start = time.process_time()
            work()
            times[number].append(time.process_time() - start)
    return [min(each) for each in times]


def compare_trained(places: np.ndarray) -> None:
    """Measure encoders in files."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        for kind, settings in TRAINED.items():
            path = trained(Path(folder), kind, settings)
            encoder = find_location_encoder(str(path))
            model = onnxruntime.InferenceSession(str(path))
            encoder.vectors(places[:10])
            alone, ours, whole = best([partial(session, model, places), partial(vectors, encoder, places),
                                       partial(watched, encoder, places)])
            print(f"{kind} and two layers of 256: session {alone:.2f} s, vectors {ours:.2f} s, "
                  f"{ours / alone:.2f} times; with a look at the area {whole:.2f} s, {whole / alone:.2f} times")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--encoder", nargs="*", default=list(ENCODERS))
    asked = parser.parse_args()
    chance = np.random.default_rng(0)
    places = np.stack([chance.uniform(-180, 180, asked.rows), chance.uniform(-90, 90, asked.rows)], axis=1)
    shapes = [struct.pack("<BIdd", 1, 1, x, y) for x, y in places.tolist()]
    world = osr.SpatialReference()
    world.ImportFromEPSG(4326)
    finder = Places("places", world.ExportToWkt())
    print(f"Load before: {os.getloadavg()[0]:.1f}; processor seconds; {asked.rows} places")
    for name in IDS:
        encoder = find_location_encoder(name)
        plain, ours = best([partial(bare, encoder, places), partial(vectors, encoder, places)])
        print(f"{name}: {encoder.dimensions} dimensions, formula {plain:.2f} s, vectors {ours:.2f} s, "
              f"{ours / plain:.2f} times")
    compare_trained(places)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "places.gpkg")
        with LayerWriter(path, world.ExportToWkt(), ogr.wkbPoint, []) as writer:
            writer.write(shapes, {})
        for name in asked.encoder:
            encoder = find_location_encoder(name)
            some = encoder.vectors(places[:CHUNK_ROWS])
            request = LocationRequest(open_rows(path), encoder, str(Path(folder, "o.gpkg")))
            plain, ours, read = best([partial(bare, encoder, places), partial(embedded, encoder, finder, shapes),
                                      partial(unwritten, path, encoder, finder)])
            copy, whole = best([partial(copied, path, Path(folder, "c.gpkg"), encoder, some),
                                partial(embed_locations, request, Silent())], 1)
            print(f"{name}: {asked.rows} places, {encoder.dimensions} dimensions")
            print(f"  formula alone {plain:.2f} s; from geometries to vectors {ours:.2f} s, {ours / plain:.2f} times; "
                  f"without writing {read:.2f} s, {read / plain:.2f} times")
            print(f"  layer to table {whole:.2f} s, {whole / (copy + plain):.2f} times the formula and a copy with "
                  f"vectors at hand ({copy:.2f} s)")


if __name__ == "__main__":
    main()
