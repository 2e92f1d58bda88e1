"""States what the space of anybody's embedding raster or layer is, in a copy that carries it or beside the file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional

import numpy as np
from osgeo import gdal

from .coding import ALPHAEARTH, Coding
from .dataset import RasterInfo, open_raster, quiet, raster_info
from .errors import InputError, OutputError
from .field import KEY_ITEM, SPACE_ITEM, coding_in_words, coding_of
from .importing import ImportRequest, import_table
from .progress import Progress, check
from .provenance import merged
from .registry import Registry
from .sample import Sampler
from .space import Space, parse_key
from .statement import Lengths, Statement, lengths_of, summary_of
from .table import EMBEDDING, EmbeddingTable, Rows, TableWriter
from .table.schema import column_named
from .validity import rule_for
from .whole import whole

CODINGS = ("stored", "alphaearth")
_WINDOWS = 24
_SIDE = 64
_SEED = 0


@dataclass(frozen=True)
class DescribeRasterRequest:
    """A raster and what its bands are; without an output the space is written beside the file (.aux.xml)."""

    path: str
    statement: Statement
    output: Optional[str] = None
    coding: str = "stored"
    registry: Optional[Registry] = None


@dataclass(frozen=True)
class DescribeTableRequest:
    """A layer and what its vectors are; `fields` names their columns where they are not `embedding`."""

    rows: Rows
    statement: Statement
    output: str
    fields: str = ""
    registry: Optional[Registry] = None


@dataclass(frozen=True)
class DescribeResult:
    """Where the description is, and what it says."""

    output: str
    space: Space
    key: str
    lengths: Lengths


def describe_raster(request: DescribeRasterRequest, progress: Progress) -> DescribeResult:
    """Check the statement against a sample of the raster, then write it into a VRT or beside the file."""
    info = raster_info(request.path)
    coding = _coding(request, info)
    progress.report(0.1, "Looking at a sample of the vectors")
    lengths = _sampled_lengths(info, coding, progress)
    space = request.statement.space(len(info.data_bands), lengths, info.path, progress)
    if SPACE_ITEM in info.metadata and info.metadata[SPACE_ITEM] != space.canonical():
        progress.warn(f"{info.path} stated another space until now ({info.metadata.get(KEY_ITEM, 'without a key')}).")
    metadata = {SPACE_ITEM: space.canonical(), KEY_ITEM: space.key(coding.code)}
    progress.report(0.8, "Writing the description")
    if request.output is not None:
        _require_other(info, request.output)
        _write_virtual(info, request.output, metadata)
    elif Path(info.path).suffix.lower() == ".vrt":
        # A virtual raster is a description already, and GDAL keeps what it says in no other place.
        _write_virtual(info, info.path, metadata)
    else:
        _write_beside(info, metadata)
    if request.registry is not None:
        request.registry.remember(space)
    progress.info(f"{len(info.data_bands)} bands; lengths of the sampled vectors {lengths.in_words()}.")
    if coding.largest_error:
        progress.info(coding_in_words(coding))
    return DescribeResult(request.output or info.path, space, metadata[KEY_ITEM], lengths)


def describe_table(request: DescribeTableRequest, progress: Progress) -> DescribeResult:
    """Write a copy of the layer as a table whose rows state the space."""
    if request.fields.strip() or not _has_vectors(request.rows):
        done = import_table(ImportRequest(request.rows, request.output, fields=request.fields,
                                          statement=request.statement, registry=request.registry), progress)
        return DescribeResult(done.output, done.space, done.key, done.lengths)
    return _restated(request, EmbeddingTable(request.rows, {}, request.registry), progress)


def _restated(request: DescribeTableRequest, table: EmbeddingTable, progress: Progress) -> DescribeResult:
    """Pass a table's vectors on in their coding, under the space that was stated."""
    before = parse_key(table.space_key)
    first = next(table.chunks(), None)
    if first is None:
        raise InputError("table-empty", "{name} has no rows: choose a table with at least one.", name=table.name)
    space = request.statement.space(before.dimensions, summary_of(lengths_of(first.vectors)), table.name, progress)
    if before.declared and before.digest != space.digest():
        progress.warn(f"{table.name} stated another space until now ({before.text}).")
    # Another name for the vectors doesn't change whose they are.
    space = replace(space, provenance=merged(space.provenance, table.identity().provenance))
    lengths = []
    with TableWriter(request.output, table.wkt, table.geometry_type, table.columns, space, before.coding,
                     request.registry) as writer:
        for chunk in table.chunks():
            check(progress)
            writer.write(chunk.wkb, chunk.columns, chunk.vectors)
            lengths.append(lengths_of(chunk.vectors))
            progress.report(writer.count / max(table.count, writer.count),
                            f"Copying vectors: {writer.count} of {table.count} rows")
    every = summary_of(np.concatenate(lengths))
    progress.info(f"{writer.count} vectors; lengths {every.in_words()}.")
    return DescribeResult(str(request.output), space, writer.key, every)


def _has_vectors(rows: Rows) -> bool:
    """Tell whether a layer has vectors as a table has them: bytes, or hexadecimal digits from GeoJSON or CSV."""
    column = column_named(rows.columns, EMBEDDING)
    if column is None or column.type not in ("binary", "text"):
        return False
    if column.type == "binary":
        return True
    first = next((cell for chunk in rows.rows(1) for cell in chunk.columns[column.name] if cell), "")
    return bool(first) and all(sign in "0123456789abcdefABCDEF" for sign in first)


def _coding(request: DescribeRasterRequest, info: RasterInfo) -> Coding:
    """Return how the numbers become vectors; AlphaEarth's companding has to be stated, since no file does."""
    if request.coding != "alphaearth":
        return coding_of(info)
    wrong = next((band for band in info.data_bands if band.dtype != np.dtype("i1")), None)
    if wrong is not None:
        raise InputError("alphaearth-type", "{path} holds {dtype} numbers, but AlphaEarth's coding is of signed bytes: "
                         "choose “stored”, since its values are decoded already.", path=info.path, dtype=wrong.dtype)
    return ALPHAEARTH


def _sampled_lengths(info: RasterInfo, coding: Coding, progress: Progress) -> Lengths:
    """Return the lengths of vectors spread over the raster."""
    bands = tuple(band.index for band in info.data_bands)
    sampler = Sampler(info.path, info.grid, bands, info.dtype, rule_for(info, bands), info.grid.whole)
    found = []
    for sampled in sampler.take(_SIDE, _WINDOWS, _SEED):
        check(progress)
        vectors = coding.decode(sampled.values)[:, sampled.valid].T
        found.append(lengths_of(vectors[np.isfinite(vectors).all(axis=1)]))
    every = np.concatenate(found) if found else np.zeros(0)
    if not len(every):
        raise InputError("raster-no-vectors", "{path} has no valid pixel: check its nodata value.", path=info.path)
    return summary_of(every)


def _require_other(info: RasterInfo, output: str) -> None:
    """Refuse outputs that are no virtual raster, and the input itself."""
    if Path(output).suffix.lower() != ".vrt":
        raise OutputError("describe-format", "The copy of a raster that carries its space is a virtual raster, and "
                          "{path} is none: end its name with .vrt.", path=output)
    if Path(output).exists() and Path(info.path).exists() and Path(output).samefile(info.path):
        raise OutputError("describe-self", "{path} can't be a copy of itself: choose another name, or describe it in "
                          "place.", path=output)


def _write_virtual(info: RasterInfo, output: str, metadata: "dict[str, str]") -> None:
    """Write a VRT that shows the same pixels and carries the description."""
    with whole(output) as temporary, quiet() as messages:
        try:
            copy = gdal.GetDriverByName("VRT").CreateCopy(str(temporary), open_raster(info.path))
            if copy is not None:
                for key, value in metadata.items():
                    copy.SetMetadataItem(key, value)
                copy.FlushCache()
        except RuntimeError as error:
            messages.texts.append(str(error))
            copy = None
        if copy is None or not temporary.is_file():
            raise OutputError("describe-write", "{path} can't be written ({reason}): choose another folder or name.",
                              path=output, reason=messages.last)
        copy = None


def _write_beside(info: RasterInfo, metadata: "dict[str, str]") -> None:
    """Let GDAL put the description into an .aux.xml, which it does for files that are open for reading only."""
    before = _facts(info.path)
    with quiet():
        try:
            dataset = open_raster(info.path)
            for key, value in metadata.items():
                dataset.SetMetadataItem(key, value)
            dataset.FlushCache()
            dataset = None
        except RuntimeError as error:
            raise _not_beside(info.path) from error
    told = raster_info(info.path).metadata
    if any(told.get(key) != value for key, value in metadata.items()) or _facts(info.path) != before:
        raise _not_beside(info.path)


def _not_beside(path: str) -> OutputError:
    """Say that nothing could be written beside a raster."""
    return OutputError("describe-beside", "No description can be written beside {path}: make a copy that carries it "
                       "instead (IN_PLACE off).", path=path)


def _facts(path: str) -> "tuple[int, int]":
    """Return what would tell that the file itself was changed, without reading all of a large one."""
    place = Path(path)
    if not place.is_file():
        return 0, 0
    facts = place.stat()
    return facts.st_size, facts.st_mtime_ns
