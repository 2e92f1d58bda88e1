"""Embedding a raster against the bare ONNX session over the same tiles held in memory, in one run, as a ratio.

Run with `./dev benchmark embedding_speed` or `./dev python benchmarks/embedding_speed.py`. The ratio holds reading,
normalising, encoding, blending, the journal and the writing of the file; both sides use the same threads.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from osgeo import gdal

from earthprint.engine.card import DENSE, Card, CardBand, ModelInput, ModelOutput, Scaling
from earthprint.engine.card_json import read_card, write_card
from earthprint.engine.embedding.inputs import open_rasters
from earthprint.engine.embedding.plan import EmbedRequest, lay_out
from earthprint.engine.embedding.raster import embed_raster
from earthprint.engine.encoders.encoder import open_encoder
from earthprint.engine.encoders.inputs import TileBatch
from earthprint.engine.encoders.library import EncoderFolders
from earthprint.engine.progress import Silent

PATCH, TILE, WIDTH, DEPTH, HEADS = 16, 224, 384, 12, 6


def write_scene(path: Path, side: int, bands: int, compression: str = "DEFLATE") -> Path:
    """Write a tiled uint16 raster of noise on waves."""
    chance = np.random.default_rng(0)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), side, side, bands, gdal.GDT_UInt16,
                                                   ["TILED=YES", f"COMPRESS={compression}"])
    dataset.SetGeoTransform((0, 10, 0, 0, 0, -10))
    y, x = np.mgrid[:side, :side]
    for index in range(bands):
        values = 1500 + 600 * np.sin(x / 31) * np.cos(y / (17 + index)) + chance.normal(0, 150, (side, side))
        dataset.GetRasterBand(index + 1).WriteArray(values.astype(np.uint16))
        dataset.GetRasterBand(index + 1).SetDescription(f"B{index + 1}")
    dataset = None
    return path


def write_transformer(folder: Path, bands: int) -> Path:
    """Export a transformer of the size of ViT-S/16 with random weights, and its card."""
    import torch

    class Transformer(torch.nn.Module):
        """Patches, a class token, positions, twelve blocks."""

        def __init__(self) -> None:
            """Make the layers."""
            super().__init__()
            self.patches = torch.nn.Conv2d(bands, WIDTH, PATCH, PATCH)
            self.begin = torch.nn.Parameter(torch.randn(1, 1, WIDTH) * 0.02)
            self.places = torch.nn.Parameter(torch.randn(1, (TILE // PATCH) ** 2 + 1, WIDTH) * 0.02)
            layer = torch.nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.0, "gelu", batch_first=True,
                                                     norm_first=True)
            self.body = torch.nn.TransformerEncoder(layer, DEPTH, enable_nested_tensor=False)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            """Return tokens after the class token."""
            tokens = self.patches(image).flatten(2).transpose(1, 2)
            tokens = torch.cat([self.begin.expand(tokens.shape[0], -1, -1), tokens], 1) + self.places
            return self.body(tokens)

    torch.manual_seed(0)
    path = folder / "vit-s.onnx"
    torch.onnx.export(Transformer().eval(), (torch.zeros(2, bands, TILE, TILE),), str(path), input_names=["image"],
                      output_names=["tokens"], dynamic_axes={"image": {0: "batch"}, "tokens": {0: "batch"}},
                      opset_version=17, dynamo=False)
    card = Card(
        id="vit-s", name="Transformer of random weights", path=folder / "vit-s.json", model_path=path,
        checksum=hashlib.sha256(path.read_bytes()).hexdigest(), architecture="ViT-S/16",
        bands=tuple(CardBand(f"B{index + 1}") for index in range(bands)),
        inputs=(ModelInput("image", "image", (-1, bands, TILE, TILE), ("batch", "bands", "height", "width")),),
        output=ModelOutput("tokens", (-1, -1, WIDTH), ("batch", "token", "embedding")), kind=DENSE, dimensions=WIDTH,
        stride=PATCH, tile=TILE, tokens_drop=1, scaling=Scaling((1500.0,) * bands, (450.0,) * bands))
    write_card(card, card.path)
    return card.path


def tiles_of(raster: Path, card: Card, cell: int) -> "tuple[np.ndarray, int]":
    """Return every tile that embedding the raster runs, in memory, as the session eats them."""
    grid = open_rasters([str(raster)]).grid
    geometry = lay_out(card, grid, cell, -1)
    side = geometry.rows.tile_pixels
    dataset = gdal.Open(str(raster))
    values = dataset.ReadAsArray()
    found = []
    for row in geometry.rows.lattices:
        for tile in range(row.tiles):
            top = geometry.rows.tile_start(row, tile)
            for column in geometry.columns.lattices:
                for other in range(column.tiles):
                    left = geometry.columns.tile_start(column, other)
                    rows = np.clip(np.arange(top, top + side), 0, grid.height - 1)
                    columns = np.clip(np.arange(left, left + side), 0, grid.width - 1)
                    found.append(values[:, rows][:, :, columns])
    return np.stack(found).astype(np.float32), side


def measure(name: str, raster: Path, card_path: Path, cell: int, repeats: int, folder: Path) -> None:
    """Print one line of the comparison."""
    card = read_card(card_path)
    tiles, side = tiles_of(raster, card, cell or card.stride)
    encoder = open_encoder(card, "cpu", 0, Silent())
    batch = TileBatch(values=card.scaling.apply(tiles.transpose(1, 0, 2, 3)).transpose(1, 0, 2, 3)[:, None],
                      valid=np.ones((len(tiles), side, side), dtype=bool))
    size = encoder.suggest_batch(side)
    bare, whole, bare_cpu, whole_cpu = [], [], [], []
    feeds = [{card.image.name: np.ascontiguousarray(batch.values[start:start + size, 0]),
              **({"mask": np.ones((len(batch.values[start:start + size]), 1, side, side), np.float32)}
                 if card.takes_mask else {})} for start in range(0, len(tiles), size)]
    encoder.session.run(feeds[0])
    for _ in range(repeats):
        started, cpu = time.perf_counter(), time.process_time()
        for one in feeds:
            encoder.session.run(one)
        bare.append(time.perf_counter() - started)
        bare_cpu.append(time.process_time() - cpu)
        started, cpu = time.perf_counter(), time.process_time()
        embed_raster(EmbedRequest((str(raster),), str(card_path), str(folder / "out.tif"),
                                  EncoderFolders(folder, folder), cell=cell, device="cpu", resume=False), Silent())
        whole.append(time.perf_counter() - started)
        whole_cpu.append(time.process_time() - cpu)
    encoder.close()
    ratios = sorted(one / other for one, other in zip(whole, bare))
    print(f"{name}: {len(tiles)} tiles of {side} px, bare session {statistics.median(bare):.2f} s, whole job "
          f"{statistics.median(whole):.2f} s, ratio {statistics.median(ratios):.3f} "
          f"({ratios[0]:.3f} to {ratios[-1]:.3f}), in processor time "
          f"{sum(whole_cpu) / sum(bare_cpu):.3f}, batch {size}", flush=True)


def main() -> None:
    """Run both encoders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=2000, help="side of the scene in pixels")
    parser.add_argument("--bands", type=int, default=4)
    parser.add_argument("--compression", default="DEFLATE", help="how the scene lies on disk: DEFLATE, ZSTD or NONE")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raster = write_scene(folder / "scene.tif", options.side, options.bands, options.compression)
        embed_raster(EmbedRequest((str(raster),), "automatic", str(folder / "first.tif"),
                                  EncoderFolders(folder, folder), device="cpu", resume=False), Silent())
        measure("automatic encoder", raster, folder / "first.encoder.json", 0, options.repeats, folder)
        try:
            card = write_transformer(folder, options.bands)
        except ImportError:
            print("transformer: not measured, torch is missing")
            return
        measure("ViT-S/16", raster, card, 0, options.repeats, folder)


if __name__ == "__main__":
    main()
