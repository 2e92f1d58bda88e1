"""Makes embedding tables of layers and files that hold vectors in columns of numbers or lists."""

from __future__ import annotations

from .geometry import GeometryJoin
from .run import ImportRequest, ImportResult, import_table

__all__ = ["GeometryJoin", "ImportRequest", "ImportResult", "import_table"]
