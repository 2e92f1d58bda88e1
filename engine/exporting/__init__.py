"""Writes embedding tables in the forms that other programs read, and embedding rasters in other codings."""

from __future__ import annotations

from .raster import RASTER_CODINGS, RASTER_ENDING, RasterExportRequest, RasterExportResult, export_raster
from .run import ENDINGS, ExportRequest, ExportResult, export_table

__all__ = ["ENDINGS", "RASTER_CODINGS", "RASTER_ENDING", "ExportRequest", "ExportResult", "RasterExportRequest",
           "RasterExportResult", "export_raster", "export_table"]
