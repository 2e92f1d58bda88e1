"""Numbers with limits."""

from __future__ import annotations

from typing import Optional

from qgis.core import QgsProcessingParameterNumber


def whole_number(name: str, description: str, default: int, minimum: int,
                 maximum: int = 2_000_000_000) -> QgsProcessingParameterNumber:
    """Return an integer parameter."""
    return QgsProcessingParameterNumber(name, description, QgsProcessingParameterNumber.Type.Integer, default, False,
                                        minimum, maximum)


def real_number(name: str, description: str, default: Optional[float], minimum: float, maximum: float = 1e300,
                optional: bool = False) -> QgsProcessingParameterNumber:
    """Return a parameter for any number within limits."""
    return QgsProcessingParameterNumber(name, description, QgsProcessingParameterNumber.Type.Double, default, optional,
                                        minimum, maximum)
