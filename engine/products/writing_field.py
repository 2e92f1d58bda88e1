"""Writes an imported field: in place, as codes with scales, or as a copy without loss."""

from __future__ import annotations

from dataclasses import replace
from typing import Tuple, Union

from ..dataset import block_cache, close, open_raster, write
from ..field import KEY_ITEM, PROVENANCE_ITEM, SPACE_ITEM, create_field
from ..grid import blocks
from ..progress import Progress, check
from ..provenance import provenance_item
from ..space import Space
from ..whole import whole
from .published_field import PublishedField
from .raster_field import RasterField
from .scaled_tile import write_scaled
from .tessera_tile import TesseraTile
from .tile_grids import tile_grid_in
from .tile_mosaic import TileMosaic
from .virtual import write_mosaic, write_virtual
from .zarr_field import ZarrField

_BLOCK = 256
_CACHE_MIB = 256


def tiles_of(published: PublishedField) -> "Tuple[PublishedField, ...]":
    """Return the tiles that a field is made of."""
    if not isinstance(published, TileMosaic):
        return (published,)
    return tuple(tile for part in published.tiles for tile in tiles_of(part))


def write_in_place(published: "Union[RasterField, TileMosaic]", output: str, space: Space) -> None:
    """Write the virtual raster."""
    metadata = {SPACE_ITEM: space.canonical(), KEY_ITEM: space.key(published.coding.code),
                PROVENANCE_ITEM: provenance_item(space.provenance)}
    tiles = [tile for tile in tiles_of(published) if isinstance(tile, RasterField)]
    bands = tiles[0].view.info.data_bands
    names = [band.description or f"Dimension {number}" for number, band in enumerate(bands, start=1)]
    if isinstance(published, RasterField):
        nodata = -128.0 if published.coded else None
        write_virtual(published.view, open_raster(published.path), output, names, metadata, nodata)
        return
    wkt = published.grid.wkt
    # Tiles that are there already keep their own grid.
    views = [tile.view if tile.grid.wkt == wkt else replace(
        tile.view, crs=wkt, grid=tile_grid_in(tile, published.grid)) for tile in tiles]
    write_mosaic(views, output, names, metadata)


def write_coded(published: "Union[TesseraTile, ZarrField]", output: str, space: Space, progress: Progress) -> None:
    """Write the bytes and scales as they are, and the virtual raster that multiplies them."""
    names = [f"Dimension {number}" for number in range(1, published.dimensions + 1)]
    metadata = {SPACE_ITEM: space.canonical(), KEY_ITEM: space.key(published.coding.code),
                PROVENANCE_ITEM: provenance_item(space.provenance)}
    codes, scales = write_scaled(published, output, names, metadata, progress)
    progress.info(f"The bytes and scales as published lie in {codes} and {scales}, which {output} multiplies: keep the "
                  "three together.")


def write_copy(published: PublishedField, output: str, space: Space, progress: Progress) -> None:
    """Write a GeoTIFF, north up as the source is shown."""
    grid = published.grid
    with whole(output) as temporary, block_cache(_CACHE_MIB):
        target = create_field(str(temporary), grid, space, published.coding)
        done = 0
        for window in blocks(grid.whole, _BLOCK):
            check(progress)
            values = published.coding.encode(published.vectors(window))
            write(target, window, range(1, published.dimensions + 1), values, output)
            done += window.width * window.height
            progress.report(done / (grid.width * grid.height), "Copying vectors" if done else None)
        close(target, output)
        del target
