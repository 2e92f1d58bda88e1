"""Where a result that is a plain file is to be written."""

from __future__ import annotations

import os
from typing import Any, Dict

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext

from ...engine.errors import OutputError


def file_destination(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]", name: str, ending: str,
                     context: QgsProcessingContext) -> str:
    """Return the path of a parameter, empty where it is left out, if it has the ending that programs know it by."""
    path = algorithm.parameterAsFileOutput(parameters, name, context)
    if path and os.path.splitext(path)[1].lower() != ending:
        raise OutputError("output-ending", "{name}: “{path}” must end in {ending}.", name=name, path=path,
                          ending=ending)
    return path
