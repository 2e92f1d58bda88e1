"""Imports a published raster of vectors as a field: in place where its numbers allow, else as a copy without loss."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional, Sequence, Tuple, Union

import numpy as np

from ..errors import InputError, OutputError
from ..grid import blocks
from ..progress import Part, Progress, check
from ..provenance import Provenance, merged, provenance_of
from ..registry import Registry
from ..sample import spread
from ..space import Space
from ..whole import require_writable
from .opening import NUMPY, file_kind
from .published_field import PublishedField
from .quality import Gauge, Quality
from .raster_field import RasterField, raster_field
from .resampling import BILINEAR, NEAREST, RESAMPLINGS
from .tessera_tile import TesseraTile
from .tile_grids import own_grid
from .tile_mosaic import TileMosaic, moved_to
from .tile_paths import tile_paths
from .writing_field import tiles_of, write_coded, write_copy, write_in_place
from .zarr_field import ZarrField, is_store, store_of
from .zones import Zone, zones_of

VIRTUAL = ".vrt"
COPY = ".tif"
_COPIES = (COPY, ".tiff")
_SIDE = 64
_WINDOWS = 24
_SEED = 0

AnyField = Union[RasterField, TesseraTile, ZarrField, TileMosaic]


@dataclass(frozen=True)
class FieldImport:
    """What to import and where to: `output` ends in .vrt (in place) or .tif (a copy), or is left to the import.

    `path` is one tile, several separated by semicolons, or a folder of them. `georeference` is the landmask of an
    array; `crs` (WKT) brings all into one CRS, by nearest cells or by bilinear means of decoded vectors.
    """

    path: str
    output: str
    product: str = "automatic"
    georeference: str = ""
    crs: str = ""
    registry: Optional[Registry] = None
    resampling: str = NEAREST


@dataclass(frozen=True)
class FieldImportResult:
    """What became of it; `outputs` has more than one where the tiles lie in several CRSs."""

    output: str
    space: Space
    key: str
    product: str
    quality: Quality
    outputs: "Tuple[str, ...]" = ()


def import_field(request: FieldImport, progress: Progress) -> FieldImportResult:
    """Recognise the product, tell how good its vectors are, and write the field, or one for each zone."""
    progress.report(0.0, "Looking at the raster")
    if request.resampling not in RESAMPLINGS:
        raise InputError("field-resampling", "“{resampling}” is no way to move cells: choose one of {choices}.",
                         resampling=request.resampling, choices=", ".join(RESAMPLINGS))
    if request.resampling == BILINEAR and not request.crs:
        raise InputError("field-bilinear", "RESAMPLING bilinear is for cells that move: give CRS, or leave it at "
                         "nearest.")
    paths = tile_paths(request.path)
    if len(paths) == 1 and request.resampling == NEAREST:
        single = replace(request, path=paths[0])
        return _imported(single, open_published_field(single), request.output, progress)
    if len(paths) > 1 and request.georeference:
        raise InputError("field-landmasks", "One landmask can't place several tiles: leave GEOREFERENCE empty and keep "
                         "the landmask of each beside it.")
    _require_other(request.output, paths)
    tiles = [open_published_field(replace(request, path=path, crs="")) for path in paths]
    if request.crs:
        return _imported(request, moved_to(tiles, request.path, request.crs, request.resampling), request.output,
                         progress)
    return _by_zone(request, zones_of(tiles), progress)


def _by_zone(request: FieldImport, zones: "Sequence[Zone]", progress: Progress) -> FieldImportResult:
    """Import the tiles of each zone; the largest gets the name that was asked for, the others the zone's after it."""
    results = []
    for number, zone in enumerate(zones):
        named = Path(request.output)
        ending = named.suffix if named.suffix.lower() in (VIRTUAL, *_COPIES) else ""
        stem = request.output[:len(request.output) - len(ending)]
        output = f"{stem}_{zone.name}{ending}" if number else request.output
        tile = zone.tiles[0]
        published = tile if len(zone.tiles) == 1 else TileMosaic(request.path, zone.tiles, own_grid(zone.tiles))
        asked = replace(request, path=tile.path) if len(zone.tiles) == 1 else request
        results.append(_imported(asked, published, output,
                                 Part(progress, number / len(zones), (number + 1) / len(zones))))
    outputs = tuple(result.output for result in results)
    if len(zones) > 1:
        told = "; ".join(f"{zone.name}: {output}" for zone, output in zip(zones, outputs))
        progress.warn(f"The tiles lie in {len(zones)} CRSs, so there is an embedding raster for each ({told}): give "
                      "CRS to bring them into one.")
    return replace(results[0], outputs=outputs)


def _imported(request: FieldImport, published: AnyField, output: str, progress: Progress) -> FieldImportResult:
    """Write one field."""
    product = published.product
    quality = _quality(published, progress)
    statement = product.statement
    if statement is None:
        raise InputError("field-space", "{path} doesn't tell what its embeddings are: state it with “Describe "
                         "embeddings”.", path=request.path)
    space = statement.space(published.dimensions, quality.lengths, request.path, progress)
    tiles = tiles_of(published)
    told = merged((replace(product.provenance, sources=tuple(Path(tile.path).name for tile in tiles)),),
                  *(_own(tile) for tile in tiles))
    space = replace(space, provenance=told)
    progress.info(f"{request.path} was recognised by {published.reason}. {told[0].sentence()}")
    quality.tell(request.path, progress, "sampled cells")
    output = _output(request, published, output)
    require_writable(Path(output))
    if Path(output).suffix.lower() == VIRTUAL and isinstance(published, (TesseraTile, ZarrField)):
        write_coded(published, output, space, Part(progress, 0.1, 1.0))
    elif Path(output).suffix.lower() == VIRTUAL:
        write_in_place(published, output, space)
    else:
        write_copy(published, output, space, Part(progress, 0.1, 1.0))
    if request.registry is not None:
        request.registry.remember(space)
    progress.report(1.0)
    return FieldImportResult(output, space, space.key(published.coding.code), product.name, quality, (output,))


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


def _own(published: PublishedField) -> "Tuple[Provenance, ...]":
    """Return the licences that the file itself states."""
    return provenance_of(published.view.info.metadata) if isinstance(published, RasterField) else ()


def _output(request: FieldImport, published: AnyField, output: str) -> str:
    """Return the file to write: in place where that goes, unless a copy is asked for."""
    reason = _in_the_way(published)
    ending = Path(output).suffix.lower()
    if ending not in (VIRTUAL, *_COPIES):
        return output + (COPY if reason else VIRTUAL)
    if ending == VIRTUAL and reason and not _has_scales(published):
        raise OutputError("field-in-place", "{path} can't be used in place, because {reason}: end OUTPUT in .tif for a "
                          "copy.", path=request.path, reason=reason)
    _require_other(output, [request.path, *(tile.path for tile in tiles_of(published))])
    return output


def _require_other(output: str, paths: "Sequence[str]") -> None:
    """Refuse to write a result over what it is made of."""
    if Path(output).absolute() in [Path(path).absolute() for path in paths]:
        raise OutputError("field-self", "{path} would be written over itself: give OUTPUT another name.", path=output)


def _in_the_way(published: AnyField) -> str:
    """Return why a field can't be shown in place, empty where it can."""
    if isinstance(published, TileMosaic):
        if published.resampling != NEAREST:
            return "means of vectors are computed"
        return next((reason for reason in map(_in_the_way, tiles_of(published)) if reason), "")
    return published.in_place if isinstance(published, RasterField) else "it is no raster that GDAL shows in place"


def _has_scales(published: AnyField) -> bool:
    """Tell whether a field lies in bytes with scales, which a .vrt multiplies."""
    return isinstance(published, (TesseraTile, ZarrField)) and published.scale_bands > 0
