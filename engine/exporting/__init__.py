"""Writes embedding tables in the forms that other programs read."""

from __future__ import annotations

from .run import ENDINGS, ExportRequest, ExportResult, export_table

__all__ = ["ENDINGS", "ExportRequest", "ExportResult", "export_table"]
