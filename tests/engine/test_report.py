"""Reports are whole pages that show what they were given and run nothing."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as tree
from pathlib import Path

import numpy as np
from osgeo import gdal

from earthprint.engine.charts import Series, bar_chart, line_chart, ticks
from earthprint.engine.report import Report


def test_a_report_escapes_and_holds_its_pictures(tmp_path: Path) -> None:
    report = Report("A <b> & more")
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    report.heading("<script>alert(1)</script>")
    report.warning("Mind “this” <now>")
    report.table(["name", "value"], [["<x>", 3.14159], ["y", 12345], ["z", float("nan")]])
    report.picture(pixels, "noise")
    report.write(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "3.142" in text
    assert "12,345" in text
    data = base64.b64decode(re.search(r"base64,([A-Za-z0-9+/=]+)", text).group(1))
    (tmp_path / "noise.png").write_bytes(data)
    found = gdal.Open(str(tmp_path / "noise.png")).ReadAsArray().transpose(1, 2, 0)
    assert np.array_equal(found, pixels)


def test_charts_put_numbers_where_they_belong() -> None:
    chart = tree.fromstring(line_chart([Series("a", [0, 1, 2], [0.0, 10.0, 5.0])], "k", "score", mark=1))
    circles = [(float(one.get("cx")), float(one.get("cy"))) for one in chart.iter() if one.tag.endswith("circle")]
    assert circles[0][0] < circles[1][0] < circles[2][0]
    assert circles[1][1] < circles[2][1] < circles[0][1], "higher numbers stand higher"
    assert abs(circles[0][0] + circles[2][0] - 2 * circles[1][0]) < 0.25
    for text in (bar_chart(["one", "two"], [1.0, float("nan")], "share"),
                 line_chart([Series("a", [1], [3])], "x", "y")):
        tree.fromstring(text)


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0, 10) == [0, 2, 4, 6, 8, 10]
    for low, high in ((0.13, 0.17), (-5, 123456), (3, 3.0001)):
        found = ticks(low, high)
        assert 2 <= len(found) <= 7
        assert all(low - 1e-9 <= value <= high + 1e-9 for value in found)
