"""Writes the tables of parameters and outputs into the help pages, so that dialogs and pages say the same.

Run it after changing a parameter: `./dev python -m earthprint.processing_provider.help_tables`.
"""

from __future__ import annotations

import html
import os
import re
from typing import Any, Dict, List, Sequence, Type

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


def index_of(kinds: Sequence[Type[EarthprintAlgorithm]]) -> str:
    """Return the page that leads to those of the algorithms, by group."""
    groups: Dict[str, List[Type[EarthprintAlgorithm]]] = {}
    for kind in kinds:
        groups.setdefault(kind.GROUP, []).append(kind)
    parts = []
    for name in sorted(groups):
        rows = ['<li><a href="{0}.html">{1}</a> (<code>earthprint:{0}</code>): {2}</li>'.format(
            kind.ID, html.escape(kind.TITLE), html.escape(kind.SUMMARY))
            for kind in sorted(groups[name], key=lambda kind: kind.TITLE)]
        parts += ["<h2>{}</h2>".format(html.escape(name)), "<ul>", *rows, "</ul>"]
    return "\n".join([
        "<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">', "<title>Earthprint</title>",
        '<link rel="stylesheet" href="page.css">', "</head>", "<body>", "<h1>Earthprint</h1>",
        "<p>An embedding is a list of numbers that says what a place is like. Earthprint makes embeddings of your own "
        "data and answers questions with them. Its algorithms are in the Processing toolbox, under Earthprint.</p>",
        *parts, "</body>", "</html>", ""])


def main() -> None:
    """Rewrite the section of every page, and the page that leads to all."""
    from .provider import algorithm_classes

    application = QgsApplication([], False)
    application.initQgis()
    for kind in algorithm_classes():
        path = page_path(kind.ID)
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            page = file.read()
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(with_table(page, table_of(kind)))
    with open(page_path("index"), "w", encoding="utf-8", newline="\n") as file:
        file.write(index_of(algorithm_classes()))
    application.exitQgis()


if __name__ == "__main__":
    main()
