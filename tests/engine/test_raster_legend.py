"""Names, colours and units lie beside a raster where every GIS finds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from earthprint.engine.raster_legend import LegendEntry, write_legend

CLASSES = (LegendEntry(11, "Forest", "#1b7837"), LegendEntry(21, "Town", "#b2182b"))


def made(path: Path, kind: int) -> str:
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 8, 8, 2, kind)
    dataset.GetRasterBand(1).WriteArray(np.where(np.arange(64).reshape(8, 8) % 2, 11, 21))
    dataset = None
    return str(path)


@pytest.mark.parametrize("kind", [gdal.GDT_Float32, gdal.GDT_Byte])
def test_classes_have_names_and_colours(tmp_path: Path, kind: int) -> None:
    path = made(tmp_path / "c.tif", kind)
    (tmp_path / "c.tif.aux.xml").write_text("<PAMDataset><Metadata><MDI key='old'>1</MDI></Metadata></PAMDataset>")
    write_legend(path, CLASSES, {})
    dataset = gdal.Open(path)
    band = dataset.GetRasterBand(1)
    # Some versions of GDAL read the side file only when they are asked for something else of it.
    assert "old" not in dataset.GetMetadata(), "the side file of an earlier raster is gone"
    names = band.GetCategoryNames()
    assert (names[11], names[21], names[0], len(names)) == ("Forest", "Town", "", 22)
    assert band.GetColorTable().GetColorEntry(11) == (0x1b, 0x78, 0x37, 255)
    assert band.GetColorTable().GetColorEntry(12)[3] == 0
    table = band.GetDefaultRAT()
    rows = [[table.GetValueAsString(row, column) for column in range(5)] for row in range(table.GetRowCount())]
    assert rows == [["11", "Forest", "27", "120", "55"], ["21", "Town", "178", "24", "43"]]
    assert sorted(np.unique(band.ReadAsArray()).tolist()) == [11, 21]


def test_large_codes_are_listed_without_the_ones_between(tmp_path: Path) -> None:
    path = made(tmp_path / "c.tif", gdal.GDT_UInt16)
    write_legend(path, (LegendEntry(40_000, "Far", "#010203"),), {})
    dataset = gdal.Open(path)
    band = dataset.GetRasterBand(1)
    assert band.GetCategoryNames() is None and band.GetDefaultRAT().GetValueAsInt(0, 0) == 40_000


def test_units_are_written_and_nothing_where_there_is_nothing(tmp_path: Path) -> None:
    path = made(tmp_path / "u.tif", gdal.GDT_Float32)
    write_legend(path, (), {1: "t/ha", 2: ""})
    dataset = gdal.Open(path)
    assert [dataset.GetRasterBand(number).GetUnitType() for number in (1, 2)] == ["t/ha", ""]
    dataset = None
    write_legend(path, (), {1: ""})
    assert not (tmp_path / "u.tif.aux.xml").exists()
