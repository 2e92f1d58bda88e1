"""The report says what was found, and its chart has everything in its place."""

from __future__ import annotations

import math
import xml.etree.ElementTree as tree
from pathlib import Path

import numpy as np
import pytest
from scored_ground import Places, in_cell, point, write_scores

from earthprint.engine.progress import Silent
from earthprint.engine.recall.curve_chart import curve_chart
from earthprint.engine.recall.request import Query, RecallRequest
from earthprint.engine.recall.run import recall_area
from earthprint.engine.recall.telling import area_text, percent


def test_areas_and_shares_are_written_for_people() -> None:
    assert [area_text(area) for area in (0.0, 0.0004, 0.05, 1.234, 12345.0, float("nan"))] == [
        "0 km²", "400 m²", "5 ha", "1.23 km²", "12,300 km²", "–"]
    assert [percent(share) for share in (0.0, 0.00123, 0.0456, 0.456, 0.9999, float("nan"))] == [
        "0 %", "0.12 %", "4.6 %", "46 %", "100 %", "–"]


def test_the_page_tells_what_was_found_and_what_was_not(tmp_path: Path) -> None:
    scores = np.arange(10_000, 0, -1, dtype=np.float32).reshape(100, 100)
    path = write_scores(tmp_path / "s.tif", scores)
    # Forty truths at the ranks 250, 500 … 10,000, and ten beyond the raster.
    cells = [250 * number - 1 for number in range(1, 41)]
    truth = Places([in_cell(cell % 100, cell // 100) for cell in cells] + [point(-9e5, 0)] * 10)
    result = recall_area(RecallRequest((Query("<b>score</b>", path),), truth, report=str(tmp_path / "r.html"),
                                       wanted=0.4, band="alone"), Silent())
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<b>score" not in text and "&lt;b&gt;score&lt;/b&gt;" in text
    # Half of forty is 40 % of fifty: rank 5,000.
    assert "finds 40 % of the truth in 5,000 km², 50 % of the ground" in result.verdicts[0]
    assert "chance needs 50 % of it. That is no better than chance" in result.verdicts[0]
    assert "20 % of the truth lies on no ground (10 beyond the raster of 50)" in result.warnings[0]
    for told in (*result.verdicts, *result.warnings):
        assert told.split("”")[1] in text
    # Half is found after rank 6,250; nine tenths never.
    assert "6,250 km²" in text and "–" in text


def test_rings_and_curves_stand_where_their_areas_are(tmp_path: Path) -> None:
    scores = np.arange(10_000, 0, -1, dtype=np.float32).reshape(100, 100)
    path = write_scores(tmp_path / "s.tif", scores)
    truth = Places([in_cell(cell % 100, cell // 100) for cell in range(0, 1000, 20)])
    [one] = recall_area(RecallRequest((Query("q", path),), truth), Silent()).queries
    chart = tree.fromstring(curve_chart([one], 0.8))
    texts = {element.text: element for element in chart.iter() if element.tag.endswith("text")}
    left, right = (float(texts[name].get("x")) for name in ("100", "1000"))
    [ring] = [element for element in chart.iter() if element.tag.endswith("circle")]
    # Four fifths of fifty truths, one every 20 km²: the 40th lies at 781 km².
    expected = left + (math.log10(one.curve.area(0.8)) - 2) * (right - left)
    assert one.curve.area(0.8) == pytest.approx(781) and float(ring.get("cx")) == pytest.approx(expected, abs=0.2)
    assert float(ring.get("cy")) == pytest.approx(float(texts["80 %"].get("y")) - 4, abs=0.2)
    dashed = [element for element in chart.iter() if element.get("stroke-dasharray") and element.get("points")]
    curve = [tuple(map(float, pair.split(","))) for pair in dashed[0].get("points").split()]
    ends = [float(texts[name].get("y")) - 4 for name in ("0 %", "80 %")]
    # Chance: a tenth of the ground holds a tenth of the truth.
    height = np.interp(right, [x for x, _ in curve], [y for _, y in curve])
    assert height == pytest.approx(ends[0] + 0.1 / 0.8 * (ends[1] - ends[0]), abs=0.5)
