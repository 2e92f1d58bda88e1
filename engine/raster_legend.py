"""What a raster's numbers stand for, in the file beside it where every GIS looks: names, colours, units."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Sequence

from osgeo import gdal

from .colour_ramp import rgb
from .dataset import close, open_raster, quiet

# Tables of names and colours list every number from 0, so they are only for small ones.
_MOST_LISTED = 255


@dataclass(frozen=True)
class LegendEntry:
    """A class: its number in the raster, its name, and its colour as `#rrggbb`."""

    value: int
    name: str
    colour: str


def write_legend(path: str, entries: "Sequence[LegendEntry]", units: "Mapping[int, str]") -> None:
    """Write classes of the first band and units of bands into the side file; one of an earlier raster goes."""
    Path(path + ".aux.xml").unlink(missing_ok=True)
    if not entries and not any(units.values()):
        return
    dataset = open_raster(path)
    with quiet():
        for band, unit in units.items():
            if unit:
                dataset.GetRasterBand(band).SetUnitType(unit)
        if entries:
            _write_classes(dataset.GetRasterBand(1), entries)
    close(dataset, path)


def _write_classes(band: gdal.Band, entries: "Sequence[LegendEntry]") -> None:
    """Name and colour classes in both ways that GIS read."""
    if max(entry.value for entry in entries) <= _MOST_LISTED:
        names = [""] * (max(entry.value for entry in entries) + 1)
        for entry in entries:
            names[entry.value] = entry.name
        band.SetCategoryNames(names)
        if band.GetColorTable() is None:
            band.SetColorTable(colour_table(entries))
    table = gdal.RasterAttributeTable()
    table.CreateColumn("Value", gdal.GFT_Integer, gdal.GFU_MinMax)
    table.CreateColumn("Class", gdal.GFT_String, gdal.GFU_Name)
    for name, usage in (("Red", gdal.GFU_Red), ("Green", gdal.GFU_Green), ("Blue", gdal.GFU_Blue)):
        table.CreateColumn(name, gdal.GFT_Integer, usage)
    table.SetRowCount(len(entries))
    for row, entry in enumerate(entries):
        table.SetValueAsInt(row, 0, entry.value)
        table.SetValueAsString(row, 1, entry.name)
        for column, part in enumerate(rgb(entry.colour), start=2):
            table.SetValueAsInt(row, column, part)
    band.SetDefaultRAT(table)


def colour_table(entries: "Sequence[LegendEntry]") -> gdal.ColorTable:
    """Return the colours of classes; what is none of them shows nothing."""
    table = gdal.ColorTable()
    for value in range(max(entry.value for entry in entries) + 1):
        table.SetColorEntry(value, (0, 0, 0, 0))
    for entry in entries:
        table.SetColorEntry(entry.value, (*rgb(entry.colour), 255))
    return table
