"""Writes the tables of parameters and outputs into the help pages, so that dialogs and pages say the same.

Run it after changing a parameter: `./dev python -m earthprint.processing_provider.help_tables`.
"""

from __future__ import annotations

import html
import re
from typing import Any, List, Type

from qgis.core import (
    QgsApplication,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
)

from .algorithm import EarthprintAlgorithm
from .help_pages import page_path

_SECTION = re.compile(r"<!-- parameters -->.*?<!-- end of parameters -->", re.DOTALL)


def table_of(kind: Type[EarthprintAlgorithm]) -> str:
    """Return the section of one algorithm: its parameters, then its outputs."""
    algorithm = kind()
    algorithm.initAlgorithm()
    rows: List[str] = []
    for parameter in algorithm.parameterDefinitions():
        rows.append("<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>".format(
            parameter.name(), html.escape(parameter.description()), html.escape(_values(parameter)),
            html.escape(parameter.help())))
    outputs = ["<tr><td><code>{}</code></td><td>{}</td></tr>".format(output.name(), html.escape(output.description()))
               for output in algorithm.outputDefinitions()]
    return "\n".join([
        "<!-- parameters -->", "<h2>Parameters</h2>", "<table>",
        "<tr><th>Name</th><th>In the dialog</th><th>Values</th><th>What it does</th></tr>", *rows, "</table>",
        "<h2>Outputs</h2>", "<table>", "<tr><th>Name</th><th>What it is</th></tr>", *outputs, "</table>",
        "<!-- end of parameters -->"])


def with_table(page: str, table: str) -> str:
    """Return a page with its section replaced."""
    return _SECTION.sub(lambda _: table, page)


def _values(parameter: QgsProcessingParameterDefinition) -> str:
    """Return what may be given, and the default."""
    if isinstance(parameter, QgsProcessingParameterEnum):
        return "{}; default {}".format(", ".join(parameter.options()), parameter.defaultValue())
    if isinstance(parameter, QgsProcessingParameterBoolean):
        return "yes or no; default {}".format("yes" if parameter.defaultValue() else "no")
    optional = parameter.flags() & QgsProcessingParameterDefinition.Flag.FlagOptional
    default = _default(parameter.defaultValue())
    if default:
        return "default " + default
    return "optional" if optional else "needed" if not parameter.isDestination() else ""


def _default(value: Any) -> str:
    """Return a default as one would type it."""
    if value is None or value == "":
        return ""
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)


def main() -> None:
    """Rewrite the section of every page."""
    from .provider import algorithm_classes

    application = QgsApplication([], False)
    application.initQgis()
    for kind in algorithm_classes():
        path = page_path(kind.ID)
        with open(path, encoding="utf-8") as file:
            page = file.read()
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(with_table(page, table_of(kind)))
    application.exitQgis()


if __name__ == "__main__":
    main()
