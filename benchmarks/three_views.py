"""How often a photo is found by its place, once place, embedding raster and photo were brought together.

The photos are chips of an aerial picture of 2014, embedded by an encoder made of them; the embedding raster is that of
the same ground in 2012. Every figure is from blocks that were kept out, beside what coordinates, the nearest photos and
chance come to.

Run with `./dev benchmark three_views [--photos N] [--epochs N]`; it needs the sample data.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import numpy as np  # noqa: E402
from osgeo import ogr  # noqa: E402

from earthprint.engine.centres import point_wkb  # noqa: E402
from earthprint.engine.dataset import open_raster, raster_info, read  # noqa: E402
from earthprint.engine.embedding.plan import EmbedRequest  # noqa: E402
from earthprint.engine.embedding.raster import embed_raster  # noqa: E402
from earthprint.engine.encoders.library import EncoderFolders  # noqa: E402
from earthprint.engine.grid import Window  # noqa: E402
from earthprint.engine.location_training.request import VIEWS, TrainLocationRequest  # noqa: E402
from earthprint.engine.location_training.run import learn  # noqa: E402
from earthprint.engine.photos.finding import LayerPhotos  # noqa: E402
from earthprint.engine.photos.request import PhotoRequest  # noqa: E402
from earthprint.engine.photos.run import embed_photos  # noqa: E402
from earthprint.engine.plain_layer import LayerWriter  # noqa: E402
from earthprint.engine.progress import Silent  # noqa: E402
from earthprint.engine.report import png  # noqa: E402
from earthprint.engine.table import ColumnSpec, open_rows  # noqa: E402

DATA = ROOT.parent / "shared" / "data" / "naip_wetlands"
BEFORE, AFTER = DATA / "naip_20120731.tif", DATA / "naip_20140720.tif"
SIDE = 32


def write_chips(count: int, folder: Path) -> Path:
    """Cut square photos out of the later picture, and write a layer of where they are."""
    info = raster_info(str(AFTER))
    grid, dataset = info.grid, open_raster(str(AFTER))
    chance = np.random.default_rng(0)
    corners = chance.integers(0, [grid.width - SIDE, grid.height - SIDE], (count, 2))
    paths, points = [], []
    for number, (x, y) in enumerate(corners.tolist()):
        pixels = read(dataset, Window(x, y, SIDE, SIDE), [1, 2, 3], np.dtype("u1"), str(AFTER))
        paths.append(str(folder / f"{number}.png"))
        Path(paths[-1]).write_bytes(png(pixels.transpose(1, 2, 0)))
        points.append(point_wkb(*grid.centre(x + SIDE / 2, y + SIDE / 2)))
    with LayerWriter(str(folder / "chips.gpkg"), grid.wkt, ogr.wkbPoint, [ColumnSpec("path", "text")]) as writer:
        writer.write(points, {"path": paths})
    return folder / "chips.gpkg"


def main() -> None:
    """Embed both dates, train, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=int, default=800)
    parser.add_argument("--epochs", type=int, default=0)
    asked = parser.parse_args()
    if not BEFORE.exists():
        print(f"The sample data are not at {DATA}.")
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        encoders = EncoderFolders(user=folder / "encoders")
        embed_raster(EmbedRequest((str(BEFORE),), "automatic", str(folder / "field.tif"), encoders, cell=4,
                                  dimensions=32), Silent())
        chips = write_chips(asked.photos, folder)
        embed_photos(PhotoRequest(LayerPhotos(open_rows(str(chips)), "path", "", str(folder)),
                                  str(folder / "photos.gpkg"), encoders, size=SIDE), Silent(), None)
        started = time.monotonic()
        judged = learn(TrainLocationRequest(
            open_rows(str(folder / "photos.gpkg")), str(folder / "views.onnx"), embeddings=str(folder / "field.tif"),
            objective=VIEWS, epochs=asked.epochs, resume=False), Silent()).judged
        print(f"{len(judged.places)} photos, {judged.folds.parts} blocks in {judged.folds.count} folds, "
              f"{time.monotonic() - started:.0f} s on {judged.device}")
    print("| question | " + " | ".join(("the encoder", "coordinates", "nearest photos", "chance")) + " |")
    print("|---|---|---|---|---|")
    for part in judged.parts:
        values = [part.value(key) for key in ("encoder", "coordinates", "neighbours", "constant")]
        print(f"| {part.name} ({part.score_name}) | "
              + " | ".join("–" if np.isnan(value) else f"{value:.2f}" for value in values) + " |")


if __name__ == "__main__":
    main()
