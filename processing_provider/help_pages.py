"""The help that a user sees: the text beside a dialog and the page behind its Help button."""

from __future__ import annotations

import html
import os
import re
from typing import Iterable

from qgis.core import QgsProcessingParameterDefinition
from qgis.PyQt.QtCore import QCoreApplication, QUrl

RESOURCES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "resources")
ICON = os.path.join(RESOURCES, "icons", "earthprint.svg")
_EXAMPLE = re.compile(r'<pre class="call">(.*?)</pre>', re.DOTALL)


def page_path(algorithm: str) -> str:
    """Return where an algorithm's help page lies."""
    return os.path.join(RESOURCES, "help", algorithm + ".html")


def page_url(algorithm: str) -> str:
    """Return the help page's address, or nothing where the page is missing."""
    path = page_path(algorithm)
    return QUrl.fromLocalFile(path).toString() if os.path.exists(path) else ""


def example_call(algorithm: str) -> str:
    """Return the first call that the help page shows, so that it stands in one place only."""
    path = page_path(algorithm)
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        found = _EXAMPLE.search(file.read())
    return found.group(1).strip() if found else ""


def short_help(algorithm: str, summary: str, parameters: Iterable[QgsProcessingParameterDefinition]) -> str:
    """Return the summary, each parameter's help and the example call as HTML."""
    parts = ["<p>{}</p>".format(summary)]
    for parameter in parameters:
        if parameter.help():
            parts.append("<p><b>{}</b> ({})<br/>{}</p>".format(
                html.escape(parameter.description()), parameter.name(), html.escape(parameter.help())))
    example = example_call(algorithm)
    if example:
        parts.append("<p><b>{}</b></p><pre>{}</pre>".format(
            QCoreApplication.translate("EarthprintAlgorithm", "Example"), example))
    return "\n".join(parts)
