"""Virtual rasters that show a published file in place, right side up and with its space."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Optional, Sequence

from osgeo import gdal

from ..dataset import RasterInfo, open_raster, quiet
from ..errors import InputError, OutputError
from ..grid import Grid
from ..whole import whole

HAS_INT8 = hasattr(gdal, "GDT_Int8")


@dataclass(frozen=True)
class View:
    """How a raster is shown: north up, in its own CRS or another; signed bytes keep −128 for nothing there.

    With a `grid` the cells of another CRS are those of that grid.
    """

    info: RasterInfo
    crs: str = ""
    grid: Optional[Grid] = None

    @property
    def is_warped(self) -> bool:
        """Tell whether rows are turned round or cells move."""
        return bool(self.crs) or self.info.grid.south_up or self.info.grid.mirrored

    @property
    def nodata(self) -> float:
        """Return what stands for nothing there: the file's own value where it has one."""
        own = self.info.data_bands[0].nodata
        if self._signed:
            return -128.0
        return float("nan") if own is None else float(own)

    @property
    def _signed(self) -> bool:
        """Tell signed bytes from all else."""
        return self.info.dtype.kind == "i" and self.info.dtype.itemsize == 1

    def warped(self, source: gdal.Dataset, path: str) -> gdal.Dataset:
        """Return a virtual raster of the nearest cells: codes are never averaged."""
        grid = self.info.grid
        options = {"format": "VRT", "resampleAlg": "near", "srcNodata": "None", "errorThreshold": 0}
        if self.crs:
            options.update(dstSRS=self.crs, dstNodata=self.outside)
            if self.grid is not None:
                options.update(outputBounds=self.grid.extent(), width=self.grid.width, height=self.grid.height)
        else:
            options.update(outputBounds=grid.extent(), width=grid.width, height=grid.height)
        with quiet() as messages:
            try:
                view = gdal.Warp(path, source, **options)
            except RuntimeError as error:
                messages.texts.append(str(error))
                view = None
        if view is None:
            raise InputError("field-warp", "{path} can't be brought into the CRS ({reason}): choose another CRS.",
                             path=self.info.path, reason=messages.last)
        for number, band in enumerate(self.info.data_bands, start=1):
            target = view.GetRasterBand(number)
            target.SetNoDataValue(self.nodata)
            target.SetDescription(band.description)
        self.sign(view)
        return view

    def sign(self, view: gdal.Dataset) -> None:
        """Let signed bytes say that they are, which GDAL before 3.7 keeps in a band's metadata."""
        for number in range(1, len(self.info.data_bands) + 1 if self._signed and not HAS_INT8 else 1):
            view.GetRasterBand(number).SetMetadataItem("PIXELTYPE", "SIGNEDBYTE", "IMAGE_STRUCTURE")

    @property
    def outside(self) -> float:
        """Return the value of cells beyond the source, as the band's type in this GDAL holds it."""
        if self._signed:
            return -128 if HAS_INT8 else 128
        return self.nodata


def write_virtual(view: View, source: gdal.Dataset, output: str, names: "Sequence[str]",
                  metadata: "Mapping[str, str]", nodata: Optional[float]) -> None:
    """Write the view as a .vrt that says what it holds."""
    with whole(output) as temporary:
        with quiet() as messages:
            try:
                if view.is_warped:
                    copy = view.warped(source, str(temporary))
                else:
                    copy = gdal.GetDriverByName("VRT").CreateCopy(str(temporary), source)
                if copy is not None:
                    view.sign(copy)
                    _describe(copy, names, metadata, nodata)
                    copy.FlushCache()
            except RuntimeError as error:
                messages.texts.append(str(error))
                copy = None
        if copy is None or not temporary.is_file():
            raise OutputError("virtual-write", "{path} can't be written ({reason}): choose another folder or name.",
                              path=output, reason=messages.last)
        del copy


def write_mosaic(views: "Sequence[View]", output: str, names: "Sequence[str]", metadata: "Mapping[str, str]") -> None:
    """Write views side by side as one .vrt; those that turn or move cells become a .vrt of their own beside it."""
    place = Path(output)
    parts = []
    for number, view in enumerate(views, start=1):
        parts.append(view.info.path)
        if view.is_warped:
            parts[-1] = str(place.with_name(f"{place.stem}_tile{number}.vrt"))
            bands = view.info.data_bands
            write_virtual(view, open_raster(view.info.path), parts[-1], [band.description for band in bands], {}, None)
    # Beyond the tiles lies what the bands' type in this GDAL holds for nothing: before 3.7 it fills signed bytes with 0
    # where −128 is declared, and 0 is a value.
    outside = views[0].outside
    with whole(output) as temporary:
        with quiet() as messages:
            try:
                mosaic = gdal.BuildVRT(str(temporary), parts, srcNodata=outside, VRTNodata=outside)
                if mosaic is not None:
                    views[0].sign(mosaic)
                    _describe(mosaic, names, metadata, None)
                    mosaic.FlushCache()
            except RuntimeError as error:
                messages.texts.append(str(error))
                mosaic = None
        if mosaic is None or not temporary.is_file():
            raise OutputError("virtual-write", "{path} can't be written ({reason}): choose another folder or name.",
                              path=output, reason=messages.last)
        del mosaic


def _describe(copy: gdal.Dataset, names: "Sequence[str]", metadata: "Mapping[str, str]",
              nodata: Optional[float]) -> None:
    """Put names, nodata and the space into a virtual raster."""
    for key, value in metadata.items():
        copy.SetMetadataItem(key, value)
    for number, name in enumerate(names, start=1):
        band = copy.GetRasterBand(number)
        band.SetDescription(name)
        if nodata is not None and (band.GetNoDataValue() is None or not math.isnan(nodata)):
            band.SetNoDataValue(nodata)
