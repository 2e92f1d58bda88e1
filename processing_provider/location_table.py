"""Writes the table of location encoders into their help page, from the engine's own.

Run it after changing an encoder: `./dev python -m earthprint.processing_provider.location_table`.
"""

from __future__ import annotations

import html
import re
from typing import List

from ..engine.locations import FAMILIES
from ..engine.locations.family import Family
from ..engine.locations.settings import LENGTH, RADII, SCALES
from .help_pages import page_path

PAGE = "embedlocations"
_SECTION = re.compile(r"<!-- location encoders -->.*?<!-- end of location encoders -->", re.DOTALL)


def encoder_table() -> str:
    """Return the table: a row for each encoder, with its defaults and dimensions."""
    rows = ["<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>".format(
        family.id, html.escape(family.summary), html.escape(_defaults(family)), html.escape(_dimensions(family)),
        _seam(family), "goes on" if family.polar else "turns") for family in FAMILIES]
    return "\n".join([
        "<!-- location encoders -->", "<table>",
        "<tr><th>Id</th><th>What it is</th><th>Default scales</th><th>Dimensions</th><th>At ±180°</th>"
        "<th>Around a pole</th></tr>",
        *rows, "</table>", "<!-- end of location encoders -->"])


def with_encoders(page: str) -> str:
    """Return the page with its table as the engine has it."""
    return _SECTION.sub(lambda _: encoder_table(), page)


def _defaults(family: Family) -> str:
    """Return the default settings in words."""
    default = family.default
    parts: List[str] = []
    if SCALES in family.takes:
        parts.append("{} {}".format(default.scales, family.scales_word))
    if RADII in family.takes:
        unit = "°" if family.id.startswith("space2vec") else " radian"
        parts.append("{:g} to {:g}{}".format(default.min_radius, default.max_radius, unit))
    if LENGTH in family.takes:
        parts.append("{:g} km".format(default.length))
    return ", ".join(parts) or "none"


def _dimensions(family: Family) -> str:
    """Return the dimensions by default, and what they come from."""
    count = str(family.size(family.default.scales))
    return count if count == family.size_text else "{} ({})".format(count, family.size_text)


def _seam(family: Family) -> str:
    """Return what happens across the date line."""
    if family.seamless:
        return "goes on"
    return "goes on with SEAMLESS" if "seamless" in family.takes else "jumps"


def main() -> None:
    """Rewrite the table of the page."""
    path = page_path(PAGE)
    with open(path, encoding="utf-8") as file:
        page = file.read()
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(with_encoders(page))


if __name__ == "__main__":
    main()
