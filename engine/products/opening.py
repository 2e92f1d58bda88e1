"""Opens a file of published vectors as rows, by what it is and not by what it is called."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from osgeo import gdal, ogr

from ..errors import InputError
from ..packages import state
from ..table import Rows, open_rows
from .described import NOTHING, Described
from .numpy_rows import NumpyRows
from .parquet_rows import ParquetRows
from .text_rows import TextRows

PARQUET = "parquet"
NUMPY = "numpy"
_TEXTS = (".csv", ".tsv")
_MAGIC = {b"PAR1": PARQUET, b"\x93NUM": NUMPY}


@dataclass(frozen=True)
class Opened:
    """The rows of a file, what it says of them, and its name for those who look for a product."""

    rows: Rows
    described: Described = NOTHING
    file: str = ""
    without_crs: bool = False


def open_published(path: "str | os.PathLike[str]", product: str = "automatic") -> Opened:
    """Open Parquet, NumPy arrays, and whatever GDAL reads as a layer."""
    path = os.fspath(path)
    kind = file_kind(path)
    if product in (PARQUET, NUMPY) and kind != product:
        raise InputError("product-file", "{path} is no {product} file: set PRODUCT to automatic, or choose another "
                         "file.", path=path, product={"parquet": "Parquet", "numpy": "NumPy"}[product])
    name = Path(path.split("|")[0]).name
    if kind == NUMPY:
        arrays = NumpyRows(path)
        return Opened(arrays, arrays.described, name)
    if kind == PARQUET and (state("pyarrow").usable or gdal.GetDriverByName("Parquet") is None):
        lists = ParquetRows(path)
        return Opened(lists, lists.described, name, lists.without_crs)
    if path.lower().endswith(_TEXTS) and Path(path).is_file() and not Path(path).with_suffix(".csvt").exists():
        texts = TextRows(path)
        return Opened(texts, file=name, without_crs=texts.geometry_type != ogr.wkbNone and not texts.wkt)
    return Opened(open_rows(path), file=name)


def file_kind(path: str) -> str:
    """Return what the first bytes say: parquet, numpy, or an empty text."""
    try:
        with open(path, "rb") as file:
            return _MAGIC.get(file.read(4), "")
    except OSError:
        return ""
