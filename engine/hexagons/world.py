"""The CRS of H3: longitude and latitude."""

from __future__ import annotations

from functools import lru_cache

from osgeo import osr

WORLD_EPSG = 4326


@lru_cache(maxsize=1)
def world_wkt() -> str:
    """Return EPSG:4326 as WKT."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(WORLD_EPSG)
    return str(reference.ExportToWkt(["FORMAT=WKT2_2019"]))
