"""What the inspector remembers from one start of QGIS to the next."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsSettings

PREFIX = "earthprint/inspector/"
OPEN = "open"
PAGE = "page"


def remembered(name: str, default: Any) -> Any:
    """Return what was kept under a name, of the default's type."""
    try:
        return QgsSettings().value(PREFIX + name, default, type=type(default))
    except (TypeError, ValueError):
        return default


def remember(name: str, value: Any) -> None:
    """Keep a plain value under a name."""
    QgsSettings().setValue(PREFIX + name, value)
