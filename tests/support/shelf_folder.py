"""A folder of encoders as people have it: a sound one, one whose file was exchanged, and a card that can't be read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from small_scene import write_scene


@dataclass(frozen=True)
class Shelf:
    """Where they lie, by their cards; `scene` is the raster that both were fitted to."""

    folder: Path
    sound: Path
    exchanged: Path
    broken: Path
    scene: Path


def fill_shelf(folder: Path) -> Shelf:
    """Write them."""
    from earthprint.engine.embedding.making import MakeEncoderRequest, make_encoder
    from earthprint.engine.progress import Silent

    folder.mkdir(parents=True, exist_ok=True)
    scene = write_scene(folder.parent / "shelf_scene.tif")
    for name, seed in (("my-encoder", 0), ("exchanged", 1)):
        make_encoder(MakeEncoderRequest((str(scene),), str(folder / f"{name}.onnx"), filters=8, dimensions=8,
                                        seed=seed), Silent())
    exchange(folder / "exchanged.onnx")
    broken = folder / "broken.json"
    card = json.loads((folder / "my-encoder.json").read_text(encoding="utf-8"))
    del card["assets"]
    broken.write_text(json.dumps(card), encoding="utf-8")
    return Shelf(folder, folder / "my-encoder.json", folder / "exchanged.json", broken, scene)


def exchange(model: Path) -> None:
    """Change one bit of a weight: still a sound graph, of the same size, but no longer the card's."""
    content = bytearray(model.read_bytes())
    place = content.find(b"\x3f", len(content) // 2)
    content[place] ^= 1
    model.write_bytes(bytes(content))
