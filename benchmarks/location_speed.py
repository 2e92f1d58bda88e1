"""Embedding locations, as ratios to the bare formula in NumPy and to writing the same rows with vectors at hand.

The encoders that ship are formulas, evaluated in float64: the bare formula stands where a bare ONNX session would.
"From geometries" is what the engine does beside reading and writing; "without writing" also reads the layer; "layer to
table" is the whole run.

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
from typing import Callable, List, Sequence

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import numpy as np  # noqa: E402
from osgeo import ogr, osr  # noqa: E402

from earthprint.engine.locations import LocationRequest, Places, embed_locations, find_location_encoder  # noqa: E402
from earthprint.engine.locations.encoder import LocationEncoder  # noqa: E402
from earthprint.engine.plain_layer import LayerWriter  # noqa: E402
from earthprint.engine.progress import Silent  # noqa: E402
from earthprint.engine.table import CHUNK_ROWS, TableWriter, open_rows  # noqa: E402

ROUNDS = 3
ENCODERS = ("spherical-harmonics", "sphere2vec-c", "space2vec-theory", "fourier-sphere", "sphere2vec-dfs")


def bare(encoder: LocationEncoder, places: np.ndarray) -> None:
    """Evaluate the formula alone, chunk by chunk, to rows of float32."""
    for start in range(0, len(places), CHUNK_ROWS):
        np.ascontiguousarray(encoder.position.features(places[start:start + CHUNK_ROWS]), np.float32)


def embedded(encoder: LocationEncoder, finder: Places, shapes: "List[bytes]") -> None:
    """Do what the algorithm does between reading and writing: geometries to places to vectors."""
    for start in range(0, len(shapes), CHUNK_ROWS):
        encoder.vectors(finder.find(shapes[start:start + CHUNK_ROWS]))


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
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "places.gpkg")
        with LayerWriter(path, world.ExportToWkt(), ogr.wkbPoint, []) as writer:
            writer.write(shapes, {})
        print(f"Load before: {os.getloadavg()[0]:.1f}; processor seconds")
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
