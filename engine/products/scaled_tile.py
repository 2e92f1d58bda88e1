"""TESSERA's bytes and scales as rasters, and a virtual raster that multiplies them: a quarter of float32's room."""

from __future__ import annotations

from contextlib import ExitStack
from html import escape
from pathlib import Path
from typing import Mapping, Protocol, Sequence

import numpy as np
from osgeo import gdal

from ..dataset import RasterLayout, block_cache, close, create_raster, quiet, spatial_reference, write
from ..errors import OutputError
from ..grid import Grid, Window, blocks
from ..progress import Progress, check
from ..whole import whole

_BLOCK = 256
_CACHE_MIB = 256
_SHIFT = 128


class ScaledTile(Protocol):
    """A raster of signed bytes with scales."""

    grid: Grid
    dimensions: int
    scale_bands: int

    def coded(self, window: Window) -> "tuple[np.ndarray, np.ndarray]":
        """Return codes `(dims, rows, cols)` and scales `(1 or dims, rows, cols)` as they were published."""


def write_scaled(tile: ScaledTile, output: str, names: "Sequence[str]", metadata: "Mapping[str, str]",
                 progress: Progress) -> "tuple[str, str]":
    """Write NAME_codes.tif and NAME_scales.tif, then the .vrt, which shows float32 to every program; exact.

    GDAL before 3.7 multiplies bytes as if they had no sign, so the codes lie 128 higher and are moved back on reading.
    """
    place = Path(output)
    codes, scales = (place.with_name(f"{place.stem}_{part}.tif") for part in ("codes", "scales"))
    bands = ["Scale"] if tile.scale_bands == 1 else [f"Scale {number}" for number in range(1, tile.dimensions + 1)]
    with ExitStack() as stack:
        stack.enter_context(block_cache(_CACHE_MIB))
        first, second = (stack.enter_context(whole(path)) for path in (codes, scales))
        targets = (create_raster(str(first), tile.grid, RasterLayout(np.dtype("u1"), 0, tuple(names)), {}),
                   create_raster(str(second), tile.grid, RasterLayout(np.dtype("f4"), float("nan"), tuple(bands)), {}))
        done, every = 0, tile.grid.width * tile.grid.height
        for window in blocks(tile.grid.whole, _BLOCK):
            check(progress)
            raw, factors = tile.coded(window)
            shifted = (raw.astype(np.int16) + _SHIFT).astype(np.uint8)
            write(targets[0], window, range(1, tile.dimensions + 1), shifted, str(codes))
            write(targets[1], window, range(1, len(bands) + 1), factors.astype(np.float32), str(scales))
            done += window.width * window.height
            progress.report(done / every, "Copying codes and scales")
        for target, path in zip(targets, (codes, scales)):
            close(target, str(path))
        del targets, target
    _write_product(tile, output, (codes, scales), names, metadata)
    return str(codes), str(scales)


def _write_product(tile: ScaledTile, output: str, sources: "tuple[Path, Path]", names: "Sequence[str]",
                   metadata: "Mapping[str, str]") -> None:
    """Write the virtual raster of codes times scales."""
    with whole(output) as temporary:
        with quiet() as messages:
            try:
                view = gdal.GetDriverByName("VRT").Create(str(temporary), tile.grid.width, tile.grid.height, 0)
                view.SetGeoTransform(tile.grid.transform)
                view.SetSpatialRef(spatial_reference(tile.grid.wkt))
                view.SetMetadata(dict(metadata))
                for number, name in enumerate(names, start=1):
                    view.AddBand(gdal.GDT_Float32, ["subclass=VRTDerivedRasterBand", "PixelFunctionType=mul",
                                                    "SourceTransferType=Float32"])
                    band = view.GetRasterBand(number)
                    band.SetDescription(name)
                    band.SetNoDataValue(float("nan"))
                    band.SetMetadataItem("source_0", _source(sources[0], number, tile.grid, -_SHIFT), "new_vrt_sources")
                    scale = number if tile.scale_bands > 1 else 1
                    band.SetMetadataItem("source_1", _source(sources[1], scale, tile.grid, 0), "new_vrt_sources")
                view.FlushCache()
            except (RuntimeError, AttributeError) as error:
                messages.texts.append(str(error))
                view = None
        if view is None or not temporary.is_file():
            raise OutputError("virtual-write", "{path} can't be written ({reason}): choose another folder or name.",
                              path=output, reason=messages.last)
        band = None
        del view


def _source(path: Path, band: int, grid: Grid, offset: int) -> str:
    """Return the XML of one factor."""
    whole_of = f'xOff="0" yOff="0" xSize="{grid.width}" ySize="{grid.height}"'
    return (f'<ComplexSource><SourceFilename relativeToVRT="1">{escape(path.name)}</SourceFilename>'
            f"<SourceBand>{band}</SourceBand><SrcRect {whole_of}/><DstRect {whole_of}/>"
            f"<ScaleOffset>{offset}</ScaleOffset><ScaleRatio>1</ScaleRatio></ComplexSource>")
