"""Imports a published raster of vectors as a field: in place where its numbers allow, else as a copy without loss."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional, Union

import numpy as np

from ..dataset import block_cache, close, open_raster, write
from ..errors import InputError, OutputError
from ..field import KEY_ITEM, PROVENANCE_ITEM, SPACE_ITEM, create_field
from ..grid import blocks
from ..progress import Part, Progress, check
from ..provenance import merged, provenance_item, provenance_of
from ..registry import Registry
from ..sample import spread
from ..space import Space
from ..whole import require_writable, whole
from .opening import NUMPY, file_kind
from .quality import Gauge, Quality
from .raster_field import RasterField, raster_field
from .tessera_tile import TesseraTile
from .virtual import write_virtual
from .zarr_field import ZarrField, is_store, store_of

VIRTUAL = ".vrt"
COPY = ".tif"
_SIDE = 64
_WINDOWS = 24
_SEED = 0
_BLOCK = 256
_CACHE_MIB = 256

AnyField = Union[RasterField, TesseraTile, ZarrField]


@dataclass(frozen=True)
class FieldImport:
    """What to import and where to: `output` ends in .vrt (in place) or .tif (a copy), or is left to the import.

    `georeference` is the landmask of an array; `crs` (WKT) brings the nearest cells into another CRS.
    """

    path: str
    output: str
    product: str = "automatic"
    georeference: str = ""
    crs: str = ""
    registry: Optional[Registry] = None


@dataclass(frozen=True)
class FieldImportResult:
    """What became of it."""

    output: str
    space: Space
    key: str
    product: str
    quality: Quality


def import_field(request: FieldImport, progress: Progress) -> FieldImportResult:
    """Recognise the product, tell how good its vectors are, and write the field."""
    progress.report(0.0, "Looking at the raster")
    published = open_published_field(request)
    product = published.product
    quality = _quality(published, progress)
    statement = product.statement
    if statement is None:
        raise InputError("field-space", "{path} doesn't tell what its embeddings are: state it with “Describe "
                         "embeddings”.", path=request.path)
    space = statement.space(published.dimensions, quality.lengths, request.path, progress)
    told = merged((replace(product.provenance, sources=(Path(request.path).name,)),), _own(published))
    space = replace(space, provenance=told)
    progress.info(f"{request.path} was recognised by {published.reason}. {told[0].sentence()}")
    quality.tell(request.path, progress, "sampled cells")
    output = _output(request, published)
    require_writable(Path(output))
    if Path(output).suffix.lower() == VIRTUAL:
        _in_place(published, output, space)
    else:
        _copy(published, output, space, Part(progress, 0.1, 1.0))
    if request.registry is not None:
        request.registry.remember(space)
    progress.report(1.0)
    return FieldImportResult(output, space, space.key(published.coding.code), product.name, quality)


def open_published_field(request: FieldImport) -> AnyField:
    """Open a file or store by what it is."""
    path = store_of(request.path)
    if file_kind(path) == NUMPY:
        found: AnyField = TesseraTile(path, request.georeference)
        if request.product == "alphaearth":
            raise InputError("npy-alphaearth", "{path} is an array, and AlphaEarth is published in GeoTIFF and Zarr: "
                             "set PRODUCT to automatic.", path=path)
    elif is_store(path):
        found = ZarrField(path, request.product)
    else:
        return raster_field(path, request.product, request.crs)
    if request.crs:
        raise InputError("field-crs-raster", "{path} is no raster yet, so its CRS can't be changed on the way: import "
                         "it without CRS, then warp the nearest cells.", path=path)
    return found


def _quality(published: AnyField, progress: Progress) -> Quality:
    """Judge vectors of windows spread over the raster."""
    gauge, seen = Gauge(published.product.largest), 0
    for windows in (spread(published.grid.whole, _SIDE, _WINDOWS, _SEED), blocks(published.grid.whole, 4 * _SIDE)):
        for window in windows:
            check(progress)
            vectors = published.vectors(window).reshape(published.dimensions, -1).T
            there = np.isfinite(vectors).all(axis=1)
            seen += int(there.sum())
            gauge.add(np.ascontiguousarray(vectors[there]), int((~there).sum()), published.impossible(window))
            if seen and window.width == 4 * _SIDE:
                break
        if seen:
            return gauge.result()
    raise InputError("field-no-vectors", "{path} has no cell with a vector: choose another tile.", path=published.path)


def _own(published: AnyField) -> "tuple":
    """Return the licences that the file itself states."""
    return provenance_of(published.view.info.metadata) if isinstance(published, RasterField) else ()


def _output(request: FieldImport, published: AnyField) -> str:
    """Return the file to write: in place where that goes, unless a copy is asked for."""
    reason = published.in_place if isinstance(published, RasterField) else "it is no raster that GDAL shows in place"
    ending = Path(request.output).suffix.lower()
    if ending not in (VIRTUAL, COPY, ".tiff"):
        return request.output + (COPY if reason else VIRTUAL)
    if ending == VIRTUAL and reason:
        raise OutputError("field-in-place", "{path} can't be used in place, because {reason}: end OUTPUT in .tif for a "
                          "copy.", path=request.path, reason=reason)
    if Path(request.output).absolute() in (Path(request.path).absolute(), Path(published.path).absolute()):
        raise OutputError("field-self", "{path} would be written over itself: give OUTPUT another name.",
                          path=request.path)
    return request.output


def _in_place(published: RasterField, output: str, space: Space) -> None:
    """Write the virtual raster."""
    metadata = {SPACE_ITEM: space.canonical(), KEY_ITEM: space.key(published.coding.code),
                PROVENANCE_ITEM: provenance_item(space.provenance)}
    bands = published.view.info.data_bands
    names = [band.description or f"Dimension {number}" for number, band in enumerate(bands, start=1)]
    nodata = -128.0 if published.coded else None
    write_virtual(published.view, open_raster(published.path), output, names, metadata, nodata)


def _copy(published: AnyField, output: str, space: Space, progress: Progress) -> None:
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
