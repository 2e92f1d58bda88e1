"""Cells that count become polygons along cell edges, with their area on the ground and the mean of a value in them."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, Optional

import numpy as np
from osgeo import gdal, ogr

from .dataset import (
    RasterInfo,
    RasterLayout,
    block_cache,
    cannot_write,
    create_raster,
    create_vector,
    open_raster,
    open_vector,
    quiet,
    raster_info,
    read,
    write,
)
from .errors import Cancelled
from .geodesy import cell_areas
from .grid import Window, blocks
from .plain_layer import LayerWriter
from .progress import Part, Progress, check
from .provenance import Provenance
from .table.parts import ColumnSpec

_BLOCK = 256
_CACHE_MIB = 64
_BATCH = 2000


@dataclass(frozen=True)
class Areas:
    """What to outline.

    These are the cells of `values` (one band, NaN for nodata) of at least `threshold`, or those that count in `mask`
    (one band, not 0 and not nodata), on the same grid. `value_name` is the column of the mean of `values`. Outlines
    smaller than `least_area` square metres are left out. `provenance` is that of the vectors, for the licence's sake.
    """

    output: str
    values: Optional[str] = None
    mask: Optional[str] = None
    threshold: float = 0.0
    value_name: str = "mean"
    least_area: float = 0.0
    provenance: "tuple[Provenance, ...]" = ()


def vectorise(areas: Areas, progress: Progress) -> int:
    """Write the polygons with `cells`, `area` (m²) and the mean value, and return how many there are."""
    info = raster_info(areas.mask or areas.values or "")
    folder = Path(areas.output.split("|")[0]).resolve().parent
    columns = [ColumnSpec("cells", "integer64"), ColumnSpec("area", "real")]
    if areas.values is not None:
        columns.append(ColumnSpec(areas.value_name, "real"))
    with ExitStack() as stack:
        # GDAL burns outlines in pieces of this size, which would else be a share of the machine's memory.
        stack.enter_context(block_cache(_CACHE_MIB))
        writer = stack.enter_context(LayerWriter(areas.output, info.grid.wkt, ogr.wkbMultiPolygon, columns,
                                                 areas.provenance))
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".earthprint-", dir=folder)))
        marks, outlines = scratch / "marks.tif", scratch / "outlines.gpkg"
        _mark(areas, info, marks, Part(progress, 0.0, 0.25))
        count = _outline(marks, outlines, areas.output, Part(progress, 0.25, 0.5))
        if count:
            measures = _measure(areas, info, outlines, scratch / "numbers.tif", count, Part(progress, 0.5, 0.85))
            _hand_over(areas, outlines, measures, writer, Part(progress, 0.85, 1.0))
        written = writer.count
    return written


@dataclass(frozen=True)
class _Measures:
    """Cells, square metres and mean of each polygon, by number from 1."""

    cells: np.ndarray
    area: np.ndarray
    mean: np.ndarray


def _mark(areas: Areas, info: RasterInfo, path: Path, progress: Progress) -> None:
    """Write 1 where a cell counts, else 0, which is nodata."""
    source = open_raster(info.path)
    target = create_raster(str(path), info.grid, RasterLayout(np.dtype("u1"), 0.0, ("marks",)), {})
    nodata = info.bands[0].nodata
    for window in _windows(info, progress, "Outlining"):
        found = read(source, window, [1], info.bands[0].dtype, info.path)[0]
        if areas.mask is None:
            with np.errstate(invalid="ignore"):
                counts = found >= areas.threshold
        else:
            counts = (found != 0) & ~np.isnan(found.astype(np.float64))
            if nodata is not None and not np.isnan(nodata):
                counts &= found != nodata
        if counts.any():
            write(target, window, [1], counts[None].astype(np.uint8), str(path))
    target.FlushCache()


def _windows(info: RasterInfo, progress: Progress, text: str) -> "Iterator[Window]":
    """Yield the windows of a raster, telling how far it is."""
    everything = list(blocks(info.grid.whole, _BLOCK))
    for done, window in enumerate(everything):
        check(progress)
        progress.report(done / len(everything), text if not done else None)
        yield window


def _outline(marks: Path, outlines: Path, output: str, progress: Progress) -> int:
    """Polygonise the marks, and number the polygons from 1."""
    raster, target = open_raster(str(marks)), create_vector(str(outlines))
    layer = target.CreateLayer("outlines", raster.GetSpatialRef(), ogr.wkbPolygon)
    layer.CreateField(ogr.FieldDefn("number", ogr.OFTInteger64))
    band = raster.GetRasterBand(1)
    target.StartTransaction()
    with quiet() as messages:
        try:
            failed = gdal.Polygonize(band, band, layer, 0, [], callback=_relay(progress)) != 0
        except RuntimeError as error:
            messages.texts.append(str(error))
            failed = True
    check(progress)
    if failed:
        raise cannot_write(output, messages.last)
    target.CommitTransaction()
    target.ExecuteSQL("UPDATE outlines SET number = fid")
    return int(layer.GetFeatureCount())


def _relay(progress: Progress) -> "Callable[..., int]":
    """Return a function that GDAL calls with the share done, and that tells it to stop."""
    def call(share: float, message: str, data: Any) -> int:
        """Report, and ask whether to go on."""
        progress.report(share)
        return 0 if progress.cancelled() else 1

    return call


def _measure(areas: Areas, info: RasterInfo, outlines: Path, numbers: Path, count: int,
             progress: Progress) -> _Measures:
    """Burn the polygons' numbers into a raster, and sum cells, areas and values by number."""
    layout = RasterLayout(np.dtype("i4"), 0.0, ("number",))
    target = create_raster(str(numbers), info.grid, layout, {})
    shapes = open_vector(str(outlines))
    with quiet():
        try:
            gdal.RasterizeLayer(target, [1], shapes.GetLayer(0), options=["ATTRIBUTE=number"],
                                callback=_relay(Part(progress, 0.0, 0.5)))
        except RuntimeError as error:
            if progress.cancelled():
                raise Cancelled() from error
            raise cannot_write(areas.output, error) from error
    check(progress)
    target.FlushCache()
    cells, area, total = (np.zeros(count + 1) for _ in range(3))
    source = open_raster(areas.values) if areas.values is not None else None
    for window in _windows(info, Part(progress, 0.5, 1.0), "Measuring outlines"):
        number = read(target, window, [1], np.dtype("i4"), str(numbers))[0]
        inside = number > 0
        if not inside.any():
            continue
        found = number[inside]
        ground = cell_areas(info.grid, window)[inside]
        cells += np.bincount(found, minlength=count + 1)
        area += np.bincount(found, weights=ground, minlength=count + 1)
        if source is not None:
            values = read(source, window, [1], np.dtype("f4"), areas.values or "")[0][inside]
            total += np.bincount(found, weights=values, minlength=count + 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _Measures(cells, area, total / cells)


def _hand_over(areas: Areas, outlines: Path, measures: _Measures, writer: LayerWriter, progress: Progress) -> None:
    """Write the polygons that are large enough."""
    dataset = open_vector(str(outlines))
    layer = dataset.GetLayer(0)
    shapes: "list[bytes]" = []
    numbers: "list[int]" = []
    total = max(1, layer.GetFeatureCount())
    for done, feature in enumerate(layer):
        number = int(feature.GetField("number"))
        if measures.area[number] >= areas.least_area:
            shapes.append(_sound(feature.GetGeometryRef()))
            numbers.append(number)
        if len(shapes) == _BATCH:
            check(progress)
            progress.report(done / total)
            _write(areas, shapes, numbers, measures, writer)
            shapes, numbers = [], []
    if shapes:
        _write(areas, shapes, numbers, measures, writer)


def _write(areas: Areas, shapes: "list[bytes]", numbers: "list[int]", measures: _Measures,
           writer: LayerWriter) -> None:
    """Write some polygons with their measures."""
    columns = {"cells": measures.cells[numbers].astype(np.int64), "area": measures.area[numbers]}
    if areas.values is not None:
        columns[areas.value_name] = measures.mean[numbers]
    writer.write(shapes, columns)


def _sound(geometry: ogr.Geometry) -> bytes:
    """Return a multipolygon that other tools accept: outlines that touch themselves in a corner are taken apart."""
    with quiet():
        if not geometry.IsValid():
            geometry = geometry.MakeValid() or geometry
    return bytes(ogr.ForceToMultiPolygon(geometry.Clone()).ExportToIsoWkb(ogr.wkbNDR))
