"""What results are called, and what they can be: known without loading anything that reads or writes them."""

from __future__ import annotations

from pathlib import Path

from ..errors import OutputError

ENDINGS = {"columns": ".gpkg", "parquet": ".parquet", "csv": ".csv", "numpy": ".npy"}
RASTER_CODINGS = ("float32", "int16", "uint8", "alphaearth", "lerc")
RASTER_ENDING = ".tif"
_ALSO = {"parquet": (".geoparquet", ".gpq", ".pq"), "csv": (), "columns": (), "numpy": ()}
_SHAPEFILES = (".shp", ".dbf", ".shx")


def require_ending(form: str, path: str) -> None:
    """Refuse names that say another format than is written, and formats that hold no vectors."""
    ending = Path(path.split("|")[0]).suffix.lower()
    if ending in _SHAPEFILES:
        raise OutputError("export-shapefile", "{path}: a Shapefile can't hold vectors (few columns, short names, no "
                          "bytes): end OUTPUT in .gpkg for columns, .parquet, .csv or .npy.", path=path)
    if ending != ENDINGS[form] and ending not in _ALSO[form]:
        raise OutputError("export-ending", "{path} does not end as the form “{form}” is written: end OUTPUT in "
                          "{ending}, or choose another FORMAT.", path=path, form=form, ending=ENDINGS[form])


def form_of(path: str) -> str:
    """Return the form that an ending means, columns where it means none."""
    ending = Path(path.split("|")[0]).suffix.lower()
    return next((form for form, usual in ENDINGS.items() if ending == usual or ending in _ALSO[form]), "columns")


def require_raster_ending(path: str) -> None:
    """Refuse names that say another format than GeoTIFF."""
    if Path(path).suffix.lower() not in (RASTER_ENDING, ".tiff"):
        raise OutputError("export-raster-ending", "{path} does not end as an embedding raster is written: end OUTPUT "
                          "in .tif.", path=path)
