"""Peak memory of embedding a 4,000² and a 20,000² raster, against the limit asked for and the process's own size.

The rasters are sparse files: a scatter of tiles holds a scene, the rest is nodata. Each run is a process of its own;
its own size is what is resident after one batch, with the session loaded. Run with `./dev benchmark embedding_memory`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from osgeo import gdal

BAND_COUNT = 4
CELL = 4


def write_sparse(path: Path, side: int, share: float) -> Path:
    """Write a raster of which only some storage tiles hold a scene."""
    chance = np.random.default_rng(0)
    dataset = gdal.GetDriverByName("GTiff").Create(
        str(path), side, side, BAND_COUNT, gdal.GDT_UInt16,
        ["TILED=YES", "COMPRESS=ZSTD", "SPARSE_OK=TRUE", "BIGTIFF=IF_SAFER"])
    dataset.SetGeoTransform((0, 10, 0, 0, 0, -10))
    for band in range(1, BAND_COUNT + 1):
        dataset.GetRasterBand(band).SetNoDataValue(0)
    for y in range(0, side, 256):
        for x in range(0, side, 256):
            if chance.random() < share:
                height, width = min(256, side - y), min(256, side - x)
                values = chance.integers(500, 3000, (BAND_COUNT, height, width), dtype=np.uint16)
                dataset.WriteRaster(x, y, width, height, values.tobytes())
    dataset = None
    return path


def child(raster: str, output: str, card: str, memory_mib: int) -> None:
    """Embed in this process and print its own and its peak size in MiB."""
    from earthprint.engine import memory
    from earthprint.engine.embedding.plan import EmbedRequest
    from earthprint.engine.embedding.raster import embed_raster
    from earthprint.engine.encoders import encoder as encoders
    from earthprint.engine.encoders.library import EncoderFolders
    from earthprint.engine.progress import Silent

    folder = Path(output).parent
    own: "list[float]" = []
    plain = encoders.Encoder.encode

    def watched(self: encoders.Encoder, batch: encoders.TileBatch) -> np.ndarray:
        """Note what is resident after the first batch."""
        result = plain(self, batch)
        if not own:
            own.append(resident_mib())
        return result

    encoders.Encoder.encode = watched
    request = EmbedRequest((raster,), card, output, EncoderFolders(folder, folder), cell=CELL, coding="uint8",
                           device="cpu", memory_mib=memory_mib, resume=False)
    result = embed_raster(request, Silent())
    print(own[0], memory.peak_mib(), result.cells, result.seconds)


def resident_mib() -> float:
    """Return what is resident now (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Run every size and limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[4000, 20000])
    parser.add_argument("--limits", type=int, nargs="+", default=[256, 1024])
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child[:3], int(options.child[3]))
        return
    from earthprint.engine.embedding.making import MakeEncoderRequest, make_encoder
    from earthprint.engine.progress import Silent

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = write_sparse(folder / "small.tif", 1024, 1.0)
        card = make_encoder(MakeEncoderRequest((str(small),), str(folder / "made.onnx"), cell=CELL), Silent()).card_path
        for side in options.sides:
            raster = write_sparse(folder / f"{side}.tif", side, 0.5 if side <= 5000 else 0.02)
            for limit in options.limits:
                done = subprocess.run([sys.executable, __file__, "--child", str(raster), str(folder / "out.tif"), card,
                                       str(limit)], check=True, capture_output=True, text=True)
                own, peak, cells, seconds = map(float, done.stdout.split()[-4:])
                print(f"{side} x {side}, limit {limit} MiB: own {own:.0f} MiB, peak {peak:.0f} MiB, "
                      f"(peak - own) / limit {(peak - own) / limit:.2f}, {cells:.0f} cells, {seconds:.0f} s",
                      flush=True)


if __name__ == "__main__":
    main()
