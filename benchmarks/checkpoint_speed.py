"""Vectors of converted location towers, as ratios to a bare ONNX Runtime session on the same file.

GeoCLIP is converted from its published package (`--wheel`, else build/cache, where the tests put it); SatCLIP from
random weights in its published shape, since speed is the same. The bare session gets its inputs ready made, in batches
of 4,096 places. Seconds are those of the processor.

Run with `./dev benchmark checkpoint_speed [--places N] [--wheel FILE]`.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import numpy as np  # noqa: E402

from earthprint.engine.checkpoints.converting import ConvertRequest, convert_checkpoint  # noqa: E402
from earthprint.engine.locations.stored import StoredEncoder, open_location_encoder  # noqa: E402
from earthprint.engine.progress import Silent  # noqa: E402

ROUNDS = 7
BATCH = 4096
WHEEL = ROOT / "build" / "cache" / "geoclip-1.3.0-py3-none-any.whl"
HIDDEN, DIMENSIONS = 512, 256


class Quiet(Silent):
    """Says nothing, warnings neither."""

    def warn(self, text: str) -> None:
        """Keep silent."""


def satclip_file(folder: Path, degrees: int) -> Path:
    """Write random weights in SatCLIP's shape, as safetensors."""
    chance = np.random.default_rng(0)
    arrays: "Dict[str, np.ndarray]" = {}
    sizes = (degrees * degrees, HIDDEN, HIDDEN, DIMENSIONS)
    for name, wide, out in zip(("layers.0", "layers.1", "last_layer"), sizes, sizes[1:]):
        bound = 1 / wide if name == "layers.0" else np.sqrt(6 / wide)
        arrays[f"nnet.{name}.weight"] = chance.uniform(-bound, bound, (out, wide)).astype("<f4")
        arrays[f"nnet.{name}.bias"] = chance.uniform(-bound, bound, out).astype("<f4")
    header, start = {}, 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [start, start + array.nbytes]}
        start += array.nbytes
    text = json.dumps(header).encode()
    path = folder / f"satclip-l{degrees}.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(array.tobytes() for array in arrays.values()))
    return path


def seconds(work: "Callable[[], object]") -> float:
    """Return the least processor time of several rounds."""
    found = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return min(found)


def bare(encoder: StoredEncoder, path: Path, places: np.ndarray) -> "Callable[[], object]":
    """Return what runs a session over inputs that are there already."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    ready = places if name == "location" else encoder.card.position.features(places)
    return lambda: [session.run(None, {name: ready[start:start + BATCH]}) for start in range(0, len(ready), BATCH)]


def main() -> None:
    """Print one line for each tower."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--places", type=int, default=20_000)
    parser.add_argument("--wheel", type=Path, default=WHEEL)
    given = parser.parse_args()
    chance = np.random.default_rng(1)
    places = np.stack([chance.uniform(-180, 180, given.places),
                       np.degrees(np.arcsin(chance.uniform(-1, 1, given.places)))], axis=1)
    with tempfile.TemporaryDirectory() as folder:
        files = {f"SatCLIP L={degrees}": satclip_file(Path(folder), degrees) for degrees in (10, 40)}
        if given.wheel.is_file():
            files["GeoCLIP"] = given.wheel
        print(f"{given.places} places\n{'tower':14}{'to the bare session':>22}{'places a second':>18}{'MB':>8}")
        for title, checkpoint in files.items():
            output = Path(folder, f"{title.split('=')[-1]}.onnx")
            convert_checkpoint(ConvertRequest(str(checkpoint), output=str(output)), Quiet())
            encoder = open_location_encoder(output)
            some = places if title != "GeoCLIP" else places[:len(places) // 10]
            alone = bare(encoder, output, some)
            encoder.vectors(some[:BATCH])
            alone()
            ours, least = seconds(lambda e=encoder, s=some: e.vectors(s)), seconds(alone)
            print(f"{title:14}{ours / least:>22.2f}{len(some) / ours:>18,.0f}{output.stat().st_size / 1e6:>8.1f}")


if __name__ == "__main__":
    main()
