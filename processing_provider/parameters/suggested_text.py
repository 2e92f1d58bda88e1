"""A text with suggestions: unlike an enum it also takes what it doesn't list, such as a path."""

from __future__ import annotations

from typing import Sequence

from qgis.core import QgsProcessingParameterString

# QGIS imports the class by this path only where a dialog is opened, so qgis.gui stays out of headless runs.
_WIDGET = __package__ + ".suggested_text_widget.SuggestedTextWidget"


def suggested_text(name: str, description: str, default: str, suggestions: Sequence[str],
                   file_filter: str = "", optional: bool = False) -> QgsProcessingParameterString:
    """Return a text parameter whose dialog offers the suggestions and, with a filter, a button to pick a file.

    QGIS's own `value_hints` would make it a closed list, which turns a stored path into the first entry.
    """
    parameter = QgsProcessingParameterString(name, description, default, False, optional)
    parameter.setMetadata({"widget_wrapper": {"class": _WIDGET, "suggestions": list(suggestions),
                                              "file_filter": file_filter}})
    return parameter
