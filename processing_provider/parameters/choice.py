"""A choice among plain words that scripts and models store as they read, so that they never shift."""

from __future__ import annotations

from typing import Sequence

from qgis.core import QgsProcessingParameterEnum


def choice(name: str, description: str, options: Sequence[str], default: str) -> QgsProcessingParameterEnum:
    """Return an enum of static strings."""
    return QgsProcessingParameterEnum(name, description, options=list(options), allowMultiple=False,
                                      defaultValue=default, optional=False, usesStaticStrings=True)
