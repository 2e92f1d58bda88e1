"""Reports: one self-contained HTML page of text, tables, charts and pictures; text is escaped and nothing is run."""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Optional, Sequence

import numpy as np
from osgeo import gdal

from .number_text import number_text
from .version import VERSION
from .whole import whole

_STYLE = """
body { font: 15px/1.5 sans-serif; color: #222; background: #fff; max-width: 62em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em; } h2 { font-size: 1.2em; margin-top: 2em; } h3 { font-size: 1em; margin: 1.2em 0 .3em; }
table { border-collapse: collapse; margin: 1em 0; } th, td { padding: .25em .7em; border-bottom: 1px solid #ddd; }
th { text-align: left; vertical-align: bottom; } td.number, th.number { text-align: right; }
td.number { font-variant-numeric: tabular-nums; } tr.own td { font-weight: bold; }
td { vertical-align: top; } td small { color: #555; font-weight: normal; white-space: nowrap; }
caption { text-align: left; color: #555; font-size: .9em; padding-bottom: .3em; }
figure { margin: 1em 0; } figcaption { color: #555; font-size: .9em; } img, svg { max-width: 100%; height: auto; }
image { image-rendering: pixelated; }
div.beside { display: flex; flex-wrap: wrap; gap: 0 2em; align-items: flex-start; }
div.beside > * { flex: 0 1 auto; max-width: 100%; }
p.lead { font-size: 1.35em; line-height: 1.4; margin: .8em 0; }
p.warning { border-left: 4px solid #c8553d; padding: .4em .8em; background: #fdf1ee; }
p.small, ul.small { color: #444; font-size: .9em; }
td.heat { text-align: right; min-width: 3em; border: 1px solid #fff; font-variant-numeric: tabular-nums; }
td.heat.right { outline: 2px solid #222; outline-offset: -2px; }
footer { margin-top: 3em; color: #777; font-size: .85em; }
@page { size: A4; margin: 14mm 13mm; }
@media print {
  body { max-width: none; margin: 0; padding: 0; font-size: 10pt; line-height: 1.38; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  h1 { margin-top: 0; } h2 { margin-top: 1.2em; }
  h2, h3, h2 + p { break-after: avoid; page-break-after: avoid; }
  figure, tr, p.warning, p.lead, svg, table.short { break-inside: avoid; page-break-inside: avoid; }
  figure { margin: .6em 0; } table { margin: .6em 0; } thead { display: table-header-group; }
  p { orphans: 3; widows: 3; } footer { margin-top: 1em; }
}
"""


# Rows of a table that shall not be cut between two pages.
_SHORT = 12


@dataclass(frozen=True)
class Figure:
    """A chart made by `charts` and its caption."""

    svg: str
    caption: str


@dataclass(frozen=True)
class Aligned:
    """A cell of text that stands on the right, as numbers do; the note stands small beneath it."""

    text: str
    note: str = ""


@dataclass(frozen=True)
class Shaded:
    """A cell of a heat table: its text, how dark it is (0..1), and whether it lies where it should."""

    text: str
    shade: float
    right: bool = False


class Report:
    """A page that grows from top to bottom."""

    def __init__(self, title: str) -> None:
        """Begin with a title."""
        self._title = title
        self._parts: "list[str]" = []

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._parts.append(f"<h2>{escape(text)}</h2>")

    def subheading(self, text: str) -> None:
        """Begin a part of a section."""
        self._parts.append(f"<h3>{escape(text)}</h3>")

    def lead(self, text: str) -> None:
        """Say the one thing to take home."""
        self._parts.append(f'<p class="lead">{escape(text)}</p>')

    def paragraph(self, text: str) -> None:
        """Say something."""
        self._parts.append(f"<p>{escape(text)}</p>")

    def explanation(self, text: str) -> None:
        """Explain something in smaller print."""
        self._parts.append(f'<p class="small">{escape(text)}</p>')

    def listing(self, texts: "Sequence[str]") -> None:
        """List sentences."""
        self._parts.append('<ul class="small">' + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>")

    def warning(self, text: str) -> None:
        """Say something that the reader must know before trusting the result."""
        self._parts.append(f'<p class="warning">{escape(text)}</p>')

    def table(self, columns: "Sequence[str]", rows: "Sequence[Sequence[object]]", caption: str = "",
              own: "Sequence[int]" = ()) -> None:
        """Show a table; numbers are aligned on the right, the rows that `own` counts out are bold."""
        numeric = [bool(rows) and all(_is_number(row[index]) for row in rows) for index in range(len(columns))]
        head = "".join(f'<th class="number">{escape(str(column))}</th>' if right else f"<th>{escape(str(column))}</th>"
                       for column, right in zip(columns, numeric))
        body = "".join(('<tr class="own">' if index in own else "<tr>") + "".join(_cell(value) for value in row)
                       + "</tr>" for index, row in enumerate(rows))
        title = f"<caption>{escape(caption)}</caption>" if caption else ""
        kind = ' class="short"' if len(rows) <= _SHORT else ""
        self._parts.append(f"<table{kind}>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")

    def figure(self, svg: str, caption: str) -> None:
        """Show a chart made by `charts`."""
        self._parts.append(_figure(Figure(svg, caption)))

    def figures(self, figures: "Sequence[Figure]") -> None:
        """Show charts beside each other where there is room."""
        self._parts.append('<div class="beside">' + "".join(_figure(one) for one in figures) + "</div>")

    def picture(self, pixels: np.ndarray, caption: str, width: Optional[int] = None) -> None:
        """Show uint8 `(rows, cols, 3 or 4)` as a picture."""
        data = base64.b64encode(png(pixels)).decode("ascii")
        size = f' width="{int(width)}"' if width else ""
        image = f'<img alt="{escape(caption, quote=True)}"{size} src="data:image/png;base64,{data}"/>'
        self._parts.append(f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>")

    def html(self) -> str:
        """Return the page."""
        title = escape(self._title)
        return ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
                f'<meta name="viewport" content="width=device-width"/><title>{title}</title>'
                f"<style>{_STYLE}</style></head><body><h1>{title}</h1>\n" + "\n".join(self._parts)
                + f"\n<footer>Made by Earthprint {VERSION}.</footer></body></html>\n")

    def write(self, path: "str | os.PathLike[str]") -> None:
        """Write the page, whole or not at all."""
        with whole(Path(path)) as temporary:
            temporary.write_text(self.html(), encoding="utf-8")


def png(pixels: np.ndarray) -> bytes:
    """Return uint8 `(rows, cols, 3 or 4)` as a PNG file."""
    rows, columns, bands = pixels.shape
    source = gdal.GetDriverByName("MEM").Create("", columns, rows, bands, gdal.GDT_Byte)
    content = np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.uint8)
    source.WriteRaster(0, 0, columns, rows, content.tobytes())
    name = f"/vsimem/earthprint-{secrets.token_hex(8)}.png"
    gdal.GetDriverByName("PNG").CreateCopy(name, source)
    handle = gdal.VSIFOpenL(name, "rb")
    size = gdal.VSIStatL(name).size
    data = bytes(gdal.VSIFReadL(1, size, handle))
    gdal.VSIFCloseL(handle)
    for leftover in (name, name + ".aux.xml"):
        if gdal.VSIStatL(leftover) is not None:
            gdal.Unlink(leftover)
    return data


def _figure(figure: Figure) -> str:
    """Write a chart with its caption."""
    return f"<figure>{figure.svg}<figcaption>{escape(figure.caption)}</figcaption></figure>"


def _is_number(value: object) -> bool:
    """Tell whether a cell stands on the right."""
    return isinstance(value, (Aligned, Shaded)) or (
        not isinstance(value, bool) and isinstance(value, (int, float, np.integer, np.floating)))


def _cell(value: object) -> str:
    """Write one cell of a table."""
    if isinstance(value, Aligned):
        note = f"<br/><small>{escape(value.note)}</small>" if value.note else ""
        return f'<td class="number">{escape(value.text)}{note}</td>'
    if isinstance(value, Shaded):
        return _shaded(value)
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return f"<td>{escape(str(value))}</td>"
    if isinstance(value, (int, np.integer)):
        return f'<td class="number">{int(value):,}</td>'
    return f'<td class="number">{number_text(float(value))}</td>'


def _shaded(cell: Shaded) -> str:
    """Write a cell of a heat table, light text on what is dark."""
    share = min(max(cell.shade, 0.0), 1.0)
    parts = [round(255 - share * (255 - dark)) for dark in (31, 90, 135)]
    text = "#fff" if share > 0.55 else "#222"
    kind = "heat right" if cell.right else "heat"
    return (f'<td class="{kind}" style="background:rgb({parts[0]},{parts[1]},{parts[2]});color:{text}">'
            f"{escape(cell.text)}</td>")
