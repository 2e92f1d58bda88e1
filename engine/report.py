"""Reports: one self-contained HTML page of text, tables, charts and pictures; text is escaped and nothing is run."""

from __future__ import annotations

import base64
import os
import secrets
from html import escape
from pathlib import Path
from typing import Optional, Sequence

import numpy as np
from osgeo import gdal

from .version import VERSION
from .whole import whole

_STYLE = """
body { font: 15px/1.5 sans-serif; color: #222; background: #fff; max-width: 62em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em; } h2 { font-size: 1.2em; margin-top: 2em; }
table { border-collapse: collapse; margin: 1em 0; } th, td { padding: .25em .7em; border-bottom: 1px solid #ddd; }
th { text-align: left; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: 1em 0; } figcaption { color: #555; font-size: .9em; } img, svg { max-width: 100%; height: auto; }
p.warning { border-left: 4px solid #c8553d; padding: .4em .8em; background: #fdf1ee; }
footer { margin-top: 3em; color: #777; font-size: .85em; }
"""


class Report:
    """A page that grows from top to bottom."""

    def __init__(self, title: str) -> None:
        """Begin with a title."""
        self._title = title
        self._parts: "list[str]" = []

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._parts.append(f"<h2>{escape(text)}</h2>")

    def paragraph(self, text: str) -> None:
        """Say something."""
        self._parts.append(f"<p>{escape(text)}</p>")

    def warning(self, text: str) -> None:
        """Say something that the reader must know before trusting the result."""
        self._parts.append(f'<p class="warning">{escape(text)}</p>')

    def table(self, columns: "Sequence[str]", rows: "Sequence[Sequence[object]]", caption: str = "") -> None:
        """Show a table; numbers are aligned on the right."""
        head = "".join(f"<th>{escape(str(column))}</th>" for column in columns)
        body = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows)
        title = f"<caption>{escape(caption)}</caption>" if caption else ""
        self._parts.append(f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")

    def figure(self, svg: str, caption: str) -> None:
        """Show a chart made by `charts`."""
        self._parts.append(f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>")

    def picture(self, pixels: np.ndarray, caption: str, width: Optional[int] = None) -> None:
        """Show uint8 `(rows, cols, 3 or 4)` as a picture."""
        data = base64.b64encode(png(pixels)).decode("ascii")
        size = f' width="{int(width)}"' if width else ""
        image = f'<img alt="{escape(caption, quote=True)}"{size} src="data:image/png;base64,{data}"/>'
        self._parts.append(f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>")

    def html(self) -> str:
        """Return the page."""
        title = escape(self._title)
        return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/><title>{title}</title>'
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


def _cell(value: object) -> str:
    """Write one cell of a table."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return f"<td>{escape(str(value))}</td>"
    if isinstance(value, (int, np.integer)):
        return f'<td class="number">{int(value):,}</td>'
    return f'<td class="number">{float(value):.4g}</td>' if np.isfinite(value) else '<td class="number">–</td>'
