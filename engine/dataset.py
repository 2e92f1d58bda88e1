"""The only place that opens GDAL datasets, and that touches GDAL's process-wide state (and puts it back)."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Optional, Sequence

import numpy as np
from osgeo import gdal, ogr, osr

from .errors import InputError, OutputError
from .grid import Grid, Window

_TYPES = {
    gdal.GDT_Byte: np.dtype("u1"), gdal.GDT_UInt16: np.dtype("u2"), gdal.GDT_Int16: np.dtype("i2"),
    gdal.GDT_UInt32: np.dtype("u4"), gdal.GDT_Int32: np.dtype("i4"), gdal.GDT_Float32: np.dtype("f4"),
    gdal.GDT_Float64: np.dtype("f8"),
}
_SIGNED_BYTE = getattr(gdal, "GDT_Int8", None)
if _SIGNED_BYTE is not None:
    _TYPES[_SIGNED_BYTE] = np.dtype("i1")
_WIDE_INTEGERS = {getattr(gdal, name) for name in ("GDT_Int64", "GDT_UInt64") if hasattr(gdal, name)}


@dataclass(frozen=True)
class BandInfo:
    """What a file says of one band."""

    index: int
    description: str
    dtype: np.dtype
    nodata: Optional[float]
    unit: str
    scale: Optional[float]
    offset: Optional[float]
    is_alpha: bool
    has_mask: bool
    wavelength_um: Optional[float]


@dataclass(frozen=True)
class RasterInfo:
    """What a file says of itself, read once so that the dataset need not stay open."""

    path: str
    grid: Grid
    bands: "tuple[BandInfo, ...]"
    block: "tuple[int, int]"
    metadata: "dict[str, str]"

    @property
    def data_bands(self) -> "tuple[BandInfo, ...]":
        """Return the bands that are not alpha."""
        return tuple(band for band in self.bands if not band.is_alpha)

    @property
    def dtype(self) -> np.dtype:
        """Return one type that holds every data band."""
        return np.result_type(*(band.dtype for band in self.data_bands))


class _Messages:
    """Collects what GDAL complains of instead of letting it print."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.texts: "list[str]" = []

    def __call__(self, level: int, number: int, text: str) -> None:
        """Take one message."""
        if level >= gdal.CE_Warning:
            self.texts.append(text)

    @property
    def last(self) -> str:
        """Return the newest message in a form that fits into brackets."""
        return self.texts[-1].strip().rstrip(".") if self.texts else "no reason given"


@contextmanager
def quiet() -> "Iterator[_Messages]":
    """Collect this thread's GDAL messages; works whether or not the host uses GDAL's exceptions."""
    messages = _Messages()
    gdal.PushErrorHandler(messages)
    try:
        yield messages
    finally:
        gdal.PopErrorHandler()


@contextmanager
def block_cache(mebibytes: int) -> "Iterator[None]":
    """Set the size of GDAL's block cache, which the whole process shares, and restore it afterwards."""
    before = gdal.GetCacheMax()
    gdal.SetCacheMax(int(mebibytes) << 20)
    try:
        yield
    finally:
        gdal.SetCacheMax(before)


def open_picture(path: str, drivers: "Sequence[str]") -> gdal.Dataset:
    """Open a picture by drivers of pictures only, without the files beside it; the error is GDAL's reason alone."""
    with quiet() as messages:
        try:
            dataset = gdal.OpenEx(path, gdal.OF_RASTER, allowed_drivers=list(drivers), sibling_files=[])
        except RuntimeError as error:
            messages.texts.append(str(error))
            dataset = None
    if dataset is None or not dataset.RasterCount:
        raise InputError("picture", "{reason}", reason=messages.last)
    return dataset


def open_raster(path: str, update: bool = False) -> gdal.Dataset:
    """Open a raster, or say in words why it can't be."""
    return _opened(path, gdal.OF_UPDATE if update else gdal.OF_READONLY, [])


def open_overview(path: str, level: int) -> gdal.Dataset:
    """Open one of a raster's overviews, counted from 0, as a raster of its own."""
    return _opened(path, gdal.OF_READONLY, [f"OVERVIEW_LEVEL={level}"])


def _opened(path: str, mode: int, options: "list[str]") -> gdal.Dataset:
    """Open a raster with its bands, or say in words why it can't be."""
    with quiet() as messages:
        try:
            dataset = gdal.OpenEx(str(path), gdal.OF_RASTER | mode, open_options=options)
        except RuntimeError as error:
            messages.texts.append(str(error))
            dataset = None
    if dataset is None:
        raise _cannot_open(str(path), messages.last, "raster")
    if dataset.RasterCount == 0:
        names = [name for name, _ in dataset.GetSubDatasets()]
        if names:
            raise InputError("raster-subdatasets", "{path} holds {count} rasters: choose one of them, such as {first}.",
                             path=path, count=len(names), first=names[0])
        raise InputError("raster-empty", "{path} has no bands: choose a raster with at least one.", path=path)
    return dataset


def open_arrays(path: str) -> gdal.Dataset:
    """Open a store of arrays of any number of dimensions (Zarr, NetCDF), or say in words why it can't be."""
    with quiet() as messages:
        try:
            dataset = gdal.OpenEx(str(path), gdal.OF_MULTIDIM_RASTER)
        except RuntimeError as error:
            messages.texts.append(str(error))
            dataset = None
    if dataset is None or dataset.GetRootGroup() is None:
        raise _cannot_open(str(path), messages.last, "store of arrays")
    return dataset


def open_vector(path: str, update: bool = False, options: "Sequence[str]" = ()) -> gdal.Dataset:
    """Open a vector file with the driver's options, or say in words why it can't be."""
    with quiet() as messages:
        try:
            dataset = gdal.OpenEx(str(path), gdal.OF_VECTOR | (gdal.OF_UPDATE if update else gdal.OF_READONLY),
                                  open_options=list(options))
        except RuntimeError as error:
            messages.texts.append(str(error))
            dataset = None
    if dataset is None:
        raise _cannot_open(str(path), messages.last, "vector layer")
    return dataset


def create_vector(path: str, driver: str = "GPKG") -> gdal.Dataset:
    """Create a vector file, or say in words why it can't be."""
    with quiet() as messages:
        try:
            dataset = gdal.GetDriverByName(driver).Create(str(path), 0, 0, 0, gdal.GDT_Unknown)
        except RuntimeError as error:
            messages.texts.append(str(error))
            dataset = None
    if dataset is None:
        raise OutputError("vector-create", "{path} can't be written ({reason}): choose another folder or name.",
                          path=path, reason=messages.last)
    return dataset


def _cannot_open(path: str, reason: str, kind: str) -> InputError:
    """Tell a missing file from one that is something else."""
    if "://" not in path and not path.startswith("/vsi") and ":" not in path[2:] and not Path(path).exists():
        return InputError("input-missing", "{path} doesn't exist: choose an existing {kind}.", path=path, kind=kind)
    return InputError("input-unreadable", "{path} can't be opened as a {kind} ({reason}): choose a file that QGIS "
                      "shows on the map.", path=path, kind=kind, reason=reason)


def raster_info(path: str) -> RasterInfo:
    """Read what a raster says of itself; refuses rasters that no output cell could be placed on."""
    dataset = open_raster(path)
    transform = dataset.GetGeoTransform(can_return_null=True)
    reference = dataset.GetSpatialRef()
    if transform is None:
        if dataset.GetGCPCount():
            raise InputError("raster-gcps", "{path} is placed by ground control points only: warp it first "
                             "(Raster ▸ Projections ▸ Warp).", path=path)
        transform = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    if abs(transform[2]) > 1e-9 * abs(transform[1]) or abs(transform[4]) > 1e-9 * abs(transform[5]):
        raise InputError("raster-rotated", "{path} is rotated: warp it to a grid along its axes first "
                         "(Raster ▸ Projections ▸ Warp).", path=path)
    grid = Grid(dataset.RasterXSize, dataset.RasterYSize, tuple(transform),
                reference.ExportToWkt(["FORMAT=WKT2_2019"]) if reference is not None else "")
    bands = tuple(_band_info(dataset, index, path) for index in range(1, dataset.RasterCount + 1))
    return RasterInfo(str(path), grid, bands, tuple(dataset.GetRasterBand(1).GetBlockSize()),
                      dict(dataset.GetMetadata()))


def _band_info(dataset: gdal.Dataset, index: int, path: str) -> BandInfo:
    """Read what a file says of one band."""
    band = dataset.GetRasterBand(index)
    if band.DataType in _WIDE_INTEGERS:
        dtype = np.dtype("f8")
    elif band.DataType in _TYPES:
        dtype = _TYPES[band.DataType]
    else:
        raise InputError("raster-complex", "Band {index} of {path} holds complex numbers: export its amplitude first.",
                         index=index, path=path)
    if dtype == np.dtype("u1") and band.GetMetadataItem("PIXELTYPE", "IMAGE_STRUCTURE") == "SIGNEDBYTE":
        dtype = np.dtype("i1")
    flags = band.GetMaskFlags()
    masked = bool(flags & gdal.GMF_PER_DATASET) and not flags & gdal.GMF_NODATA
    return BandInfo(index, band.GetDescription() or "", dtype, band.GetNoDataValue(), band.GetUnitType() or "",
                    band.GetScale(), band.GetOffset(), band.GetColorInterpretation() == gdal.GCI_AlphaBand, masked,
                    _wavelength(band.GetMetadata()))


def _wavelength(metadata: "dict[str, str]") -> Optional[float]:
    """Return the wavelength in micrometres that a band's metadata states in any of the usual ways."""
    lowered = {key.lower(): value for key, value in metadata.items()}
    for key in ("wavelength", "center_wavelength", "central_wavelength_um", "wavelength_um"):
        try:
            value = float(str(lowered[key]).split()[0])
        except (KeyError, ValueError, IndexError):
            continue
        unit = lowered.get("wavelength_units", "").lower()
        return value / 1000.0 if unit.startswith("nano") or unit == "nm" or value > 100 else value
    return None


def read(dataset: gdal.Dataset, window: Window, bands: "Sequence[int]", dtype: np.dtype, path: str) -> np.ndarray:
    """Read all bands of a window in one call, `(bands, rows, cols)`."""
    wanted, signed = np.dtype(dtype), np.dtype(dtype) == np.dtype("i1")
    buffer_type = gdal.GDT_Byte if signed and _SIGNED_BYTE is None else _gdal_type(wanted)
    with quiet() as messages:
        try:
            raw = dataset.ReadRaster(window.x, window.y, window.width, window.height, buf_type=buffer_type,
                                     band_list=list(bands))
        except RuntimeError as error:
            messages.texts.append(str(error))
            raw = None
    if raw is None:
        raise InputError("raster-block", "The part of {path} at column {x}, row {y} can't be read ({reason}): the file "
                         "is damaged or incomplete, copy or download it again.", path=path, x=window.x, y=window.y,
                         reason=messages.last)
    return np.frombuffer(raw, dtype=wanted).reshape(len(bands), window.height, window.width)


def read_mask(dataset: gdal.Dataset, window: Window, band: int, path: str) -> np.ndarray:
    """Read a band's mask, `(rows, cols)`, True where valid."""
    with quiet() as messages:
        raw = dataset.GetRasterBand(band).GetMaskBand().ReadRaster(
            window.x, window.y, window.width, window.height, buf_type=gdal.GDT_Byte)
    if raw is None:
        raise InputError("raster-mask", "The mask of {path} can't be read ({reason}): copy or download the file "
                         "again.", path=path, reason=messages.last)
    return np.frombuffer(raw, dtype=np.uint8).reshape(window.height, window.width) != 0


def _gdal_type(dtype: np.dtype) -> int:
    """Return GDAL's name of a NumPy type."""
    return next(key for key, value in _TYPES.items() if value == dtype)


@dataclass(frozen=True)
class RasterLayout:
    """How a new raster's bands are laid out and named; a palette colours the classes 0, 1, 2 … of one band.

    With a `lerc_error` above 0 its blocks, `side` cells wide and high, are compressed by LERC: each must then be
    written whole and once, because a block that is written again errs again.
    """

    dtype: np.dtype
    nodata: float
    names: "tuple[str, ...]"
    scale: "Optional[tuple[float, ...]]" = None
    offset: "Optional[tuple[float, ...]]" = None
    palette: "Optional[tuple[tuple[int, int, int], ...]]" = None
    lerc_error: float = 0.0
    side: int = 256


def has_lerc() -> bool:
    """Tell whether this GDAL compresses GeoTIFF by LERC."""
    return "LERC_ZSTD" in (gdal.GetDriverByName("GTiff").GetMetadataItem("DMD_CREATIONOPTIONLIST") or "")


def create_raster(path: str, grid: Grid, layout: RasterLayout, metadata: "dict[str, str]") -> gdal.Dataset:
    """Create a tiled, compressed GeoTIFF with nodata, names and metadata, ready to be written block by block."""
    driver = gdal.GetDriverByName("GTiff")
    # Without ALPHA=NO, the last of four bands of bytes would become an alpha band.
    options = ["TILED=YES", f"BLOCKXSIZE={layout.side}", f"BLOCKYSIZE={layout.side}", "INTERLEAVE=BAND",
               "BIGTIFF=IF_SAFER", "SPARSE_OK=TRUE", "ALPHA=NO"]
    if layout.lerc_error > 0:
        if not has_lerc():
            raise OutputError("raster-lerc", "{path} can't be compressed by LERC, which this QGIS's GDAL lacks: choose "
                              "another CODING, such as int16.", path=path)
        options += ["COMPRESS=LERC_ZSTD", "ZSTD_LEVEL=1", f"MAX_Z_ERROR={layout.lerc_error!r}"]
    elif "ZSTD" in (driver.GetMetadataItem("DMD_CREATIONOPTIONLIST") or ""):
        options += ["COMPRESS=ZSTD", "ZSTD_LEVEL=1"]
    else:
        options += ["COMPRESS=DEFLATE", "ZLEVEL=1"]
    if layout.dtype == np.dtype("i1"):
        if _SIGNED_BYTE is None:
            options.append("PIXELTYPE=SIGNEDBYTE")
        kind = gdal.GDT_Byte if _SIGNED_BYTE is None else _SIGNED_BYTE
    else:
        kind = _gdal_type(np.dtype(layout.dtype))
    with quiet() as messages:
        try:
            dataset = driver.Create(str(path), grid.width, grid.height, len(layout.names), kind, options)
        except RuntimeError as error:
            messages.texts.append(str(error))
            dataset = None
    if dataset is None:
        raise OutputError("raster-create", "{path} can't be written ({reason}): choose another folder or name.",
                          path=path, reason=messages.last)
    dataset.SetGeoTransform(grid.transform)
    if grid.wkt:
        dataset.SetSpatialRef(spatial_reference(grid.wkt))
    for index, name in enumerate(layout.names, start=1):
        band = dataset.GetRasterBand(index)
        band.SetDescription(name)
        band.SetNoDataValue(layout.nodata)
        if layout.scale is not None:
            band.SetScale(layout.scale[index - 1])
        if layout.offset is not None:
            band.SetOffset(layout.offset[index - 1])
    if layout.palette is not None:
        dataset.GetRasterBand(1).SetColorTable(_colour_table(layout.palette))
    dataset.SetMetadata(metadata)
    return dataset


def _colour_table(palette: "Sequence[tuple[int, int, int]]") -> gdal.ColorTable:
    """Return the colours of the values 0, 1, 2 …; 0 is nodata and shows nothing."""
    table = gdal.ColorTable()
    for value, colour in enumerate(palette):
        table.SetColorEntry(value, (*colour, 255 if value else 0))
    return table


def write(dataset: gdal.Dataset, window: Window, bands: "Sequence[int]", values: np.ndarray, path: str) -> None:
    """Write `(bands, rows, cols)` at a window."""
    values = np.ascontiguousarray(values)
    signed = values.dtype == np.dtype("i1") and _SIGNED_BYTE is None
    with quiet() as messages:
        try:
            failed = dataset.WriteRaster(
                window.x, window.y, window.width, window.height, values.tobytes(),
                buf_type=gdal.GDT_Byte if signed else _gdal_type(values.dtype), band_list=list(bands))
        except RuntimeError as error:
            messages.texts.append(str(error))
            failed = gdal.CE_Failure
    if failed or any(_is_disk_trouble(text) for text in messages.texts):
        raise cannot_write(path, messages.last)


def close(dataset: gdal.Dataset, path: str) -> None:
    """Flush a dataset that was written and say so if the disk did not take it."""
    with quiet() as messages:
        try:
            dataset.FlushCache()
        except RuntimeError as error:
            messages.texts.append(str(error))
    if any(_is_disk_trouble(text) for text in messages.texts):
        raise cannot_write(path, messages.last)


def cannot_write(path: str, reason: object) -> OutputError:
    """Say that a disk did not take a block."""
    return OutputError("disk-write", "{path} can't be written ({reason}): free space on the disk or choose another "
                       "folder.", path=path, reason=str(reason).strip().rstrip("."))


def _is_disk_trouble(text: str) -> bool:
    """Tell GDAL's reports of a write that failed from its harmless warnings."""
    lowered = text.lower()
    return any(word in lowered for word in ("no space", "write error", "write failed", "i/o error", "failed to write",
                                            "tiffwriteencoded", "tiffappendtostrip", "cannot write"))


def spatial_reference(wkt: str) -> osr.SpatialReference:
    """Return a CRS whose axes are always x (or longitude) first."""
    reference = osr.SpatialReference()
    reference.ImportFromWkt(wkt)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


def user_reference(text: str) -> Optional[osr.SpatialReference]:
    """Return the CRS of any text that GDAL understands (PROJJSON, WKT, EPSG:…), None where it is none."""
    reference = osr.SpatialReference()
    with quiet():
        try:
            failed = reference.SetFromUserInput(text) != ogr.OGRERR_NONE
        except RuntimeError:
            failed = True
    if failed:
        return None
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


def metres_per_unit(wkt: str) -> Optional[float]:
    """Return how many metres a unit of the CRS is, None where it is degrees, 1 where nobody knows."""
    if not wkt:
        return 1.0
    reference = spatial_reference(wkt)
    return None if reference.IsGeographic() else reference.GetLinearUnits()


def longitude_latitude(wkt: str, points: np.ndarray) -> np.ndarray:
    """Transform `(n, 2)` points to longitude and latitude; NaN where there is no CRS or no way."""
    if not wkt or not len(points):
        return np.full((len(points), 2), np.nan)
    world = osr.SpatialReference()
    world.ImportFromEPSG(4326)
    world.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    with quiet():
        try:
            result = osr.CoordinateTransformation(spatial_reference(wkt), world).TransformPoints(points.tolist())
        except RuntimeError:
            return np.full((len(points), 2), np.nan)
    found = np.asarray(result, dtype=np.float64)[:, :2]
    found[~np.isfinite(found).all(axis=1)] = np.nan
    return found


def rasterised(shapes: "Sequence[bytes]", grid: Grid) -> np.ndarray:
    """Return `(rows, cols)` of bool: the cells of a grid that any of the WKB polygons touches."""
    return _burned(shapes, grid, ["ALL_TOUCHED=TRUE"])


def rasterised_centres(shapes: "Sequence[bytes]", grid: Grid) -> np.ndarray:
    """Return `(rows, cols)` of bool: the cells of a grid whose centre lies in any of the WKB polygons."""
    return _burned(shapes, grid, [])


def _burned(shapes: "Sequence[bytes]", grid: Grid, options: "Sequence[str]") -> np.ndarray:
    """Return `(rows, cols)` of bool: the cells that GDAL burns with its options."""
    inside = np.zeros((grid.height, grid.width), dtype=bool)
    target = gdal.GetDriverByName("MEM").Create("", grid.width, grid.height, 1, gdal.GDT_Byte)
    target.SetGeoTransform(grid.transform)
    source = (gdal.GetDriverByName("Memory") or gdal.GetDriverByName("MEM")).Create("", 0, 0, 0, gdal.GDT_Unknown)
    layer = source.CreateLayer("shapes", None, ogr.wkbUnknown)
    xmin, ymin, xmax, ymax = grid.extent()
    count = 0
    for shape in shapes:
        geometry = ogr.CreateGeometryFromWkb(shape)
        west, east, south, north = geometry.GetEnvelope()
        if west > xmax or east < xmin or south > ymax or north < ymin:
            continue
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometryDirectly(geometry)
        layer.CreateFeature(feature)
        count += 1
    if not count:
        return inside
    with quiet():
        gdal.RasterizeLayer(target, [1], layer, burn_values=[1], options=list(options))
    inside[:] = np.frombuffer(target.ReadRaster(), dtype=np.uint8).reshape(inside.shape) != 0
    return inside
