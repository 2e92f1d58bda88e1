"""The page says the number to expect first, warns before it explains, shows what it was given, and runs nothing."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as tree
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from made_trainings import classification, regression
from osgeo import gdal

from earthprint.engine.colour_ramp import SEQUENTIAL, ramp_colours
from earthprint.engine.map_charts import class_map, error_maps, part_maps, value_map, wrong_map
from earthprint.engine.map_paper import MapPlaces, paper_for
from earthprint.engine.number_text import number_at, number_text, score_text
from earthprint.engine.score_charts import Bar, agreement_chart, reliability_chart, whisker_chart
from earthprint.engine.training.report import Headline, Measure, training_report, write_training_report

NAN = float("nan")


def plain(html: str) -> str:
    """Return the words of a page."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.S))))


def pictures(svg: str, folder: Path) -> "list[np.ndarray]":
    """Return the pictures within a chart as `(rows, cols, 4)`."""
    found = []
    for number, data in enumerate(re.findall(r"base64,([A-Za-z0-9+/=]+)", svg)):
        path = folder / f"{number}.png"
        path.write_bytes(base64.b64decode(data))
        found.append(gdal.Open(str(path)).ReadAsArray().transpose(1, 2, 0))
    return found


def test_the_number_to_expect_comes_first_and_warnings_before_all_else() -> None:
    words = plain(training_report(regression(400)).html())
    first = words.index("Expect R² 0.34 at new places (0.21 to 0.47); random folds would have said 0.79.")
    warning = words.index("Random folds say R² 0.79, new places 0.34: expect the second.")
    assert first < warning < words.index("How good it is")
    assert "34 % of the differences between places is predicted" in words
    assert "off by 21,300 $ on average; giving every place the mean would be off by 28,900 $." in words
    for told in ("−7.20", "28,000 to 35,500", "Spatial blocks of 8000 m: 5 folds.", "Moran's I of the residuals",
                 "89 %", "88,000 $", "0.83", "4.1 %", "ridge (chosen)", "penalty 12.6", "loss of R²", "CC BY 4.0",
                 "scikit-learn 1.2.1", "312 lie outside the raster"):
        assert told in words, told


@pytest.mark.parametrize(("headline", "sentence"), [
    (Headline("R²", Measure(0.5), "at new places"), "Expect R² 0.50 at new places."),
    (Headline("R²", Measure(-0.126, -0.2, 0.004), "at new places", 0.4),
     "Expect R² −0.13 at new places (−0.20 to 0.00); random folds would have said 0.40."),
    (Headline("balanced accuracy", Measure(0.7), "in new regions", 0.72),
     "Expect balanced accuracy 0.70 in new regions; random folds say much the same, 0.72."),
    (Headline("R²", Measure(NAN), "at new places"), "What to expect at new places could not be measured."),
])
def test_the_sentence_at_the_top(headline: Headline, sentence: str) -> None:
    words = plain(training_report(replace(regression(50), headline=headline)).html())
    assert sentence in words
    assert ("no better than giving every place the same number" in words) == (headline.measure.value < 0)


def test_text_of_others_is_escaped_and_nothing_runs() -> None:
    evil = '<script>alert(1)</script>"&'
    told = classification(60)
    assert told.classes is not None
    told = replace(told, title=evil, warnings=(evil,), asked=((evil, evil),), counts=(evil,), provenance=(evil,),
                   classes=replace(told.classes, names=(evil, "b", "c", "d"), moran=evil))
    other = replace(regression(60), targets=(replace(regression(60).targets[0], name=evil, unit=evil),),
                    importance=(replace(regression(60).importance[0], name=evil),))
    for page in (training_report(told).html(), training_report(other).html()):
        assert "<script" not in page and "alert(1)" in page
        assert not re.search(r"(href|src)=\"(?!data:)", page.replace("xlink:href=\"data:", "")), "it needs nothing else"
        for svg in re.findall(r"<svg.*?</svg>", page, flags=re.S):
            tree.fromstring(svg)


def test_it_is_small_for_many_rows_and_complete_for_few(tmp_path: Path) -> None:
    write_training_report(tmp_path / "large.html", regression(25_000))
    assert (tmp_path / "large.html").stat().st_size < 400_000
    write_training_report(tmp_path / "many.html", classification(25_000, 30))
    assert (tmp_path / "many.html").stat().st_size < 400_000
    bare = replace(regression(20), asked=(), scores=(), folds=None, places=None, fold_scores=None, targets=(),
                   coverage=(), applicability=None, compared=(), importance=(), counts=(), provenance=(), versions=())
    assert "<svg" not in training_report(bare).html()


def test_rows_without_a_place_leave_the_maps_out() -> None:
    told = regression(40)
    assert told.places is not None
    nowhere = replace(told, places=replace(told.places, points=np.full((40, 2), NAN)))
    assert training_report(nowhere).html().count("<svg") == training_report(told).html().count("<svg") - 3


def test_confusion_is_counted_and_classes_are_told_one_by_one() -> None:
    told = classification(200)
    assert told.classes is not None
    page = training_report(told).html()
    cells = [int(text.replace(",", "")) for text in re.findall(r'<td class="heat[^>]*>([\d,]+)</td>', page)]
    assert cells == told.classes.confusion.ravel().tolist()
    assert page.count('class="heat right"') == 4
    counts = told.classes.confusion
    assert f"{100 * counts[0, 0] / counts[0].sum():.0f} %" in page
    assert f"{100 * counts[0, 0] / counts[:, 0].sum():.0f} %" in page
    many = classification(3000, 30)
    assert many.classes is not None
    off = many.classes.confusion - np.diag(np.diag(many.classes.confusion))
    row, column = np.unravel_index(int(np.argmax(off)), off.shape)
    assert f"kind {row} kind {column} {off.max()}" in plain(training_report(many).html())


def test_maps_put_points_where_they_are() -> None:
    paper = paper_for(MapPlaces(np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 50.0], [np.nan, 3.0]]), metres=1.0), 10, 20,
                      216, 500)
    assert paper.kept.tolist() == [0, 1, 2]
    assert paper.x[1] - paper.x[0] == pytest.approx(200)
    assert paper.y[0] - paper.y[2] == pytest.approx(100), "north is up"
    assert paper.metres_a_step == pytest.approx(0.5)
    assert "h40.0" in paper.scale_bar() and ">20 m<" in paper.scale_bar()
    north = paper_for(MapPlaces(np.array([[10.0, 59.5], [11.0, 60.5]]), degrees=True), 0, 0, 300, 10_000)
    assert (north.x[1] - north.x[0]) / (north.y[0] - north.y[1]) == pytest.approx(0.5, abs=0.01), "degrees narrow"


def test_many_points_become_means_of_cells(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    points = chance.random((6000, 2)) * 100
    values = np.where(points[:, 0] < 50, 1.0, 3.0)
    [picture] = pictures(value_map(MapPlaces(points), values, "v"), tmp_path)
    shown = picture[..., 3] == 255
    middle = picture.shape[1] // 2
    left, right = picture[:, :middle - 9][shown[:, :middle - 9]], picture[:, middle + 9:][shown[:, middle + 9:]]
    assert (left[:, :3] == ramp_colours(np.zeros(1))).all() and (right[:, :3] == ramp_colours(np.ones(1))).all()
    maps = pictures(part_maps(MapPlaces(points), (points[:, 1] > 50).astype(int), ["low", "high"]), tmp_path)
    for number, one in enumerate(maps):
        light = one[..., :3].sum(axis=2).astype(float)
        light[one[..., 3] == 0] = np.nan
        halves = np.nanmean(light[:20]), np.nanmean(light[-20:])
        assert (halves[0] < halves[1]) == (number == 1), "the part itself is the dark one"


def test_errors_are_parted_by_their_sign(tmp_path: Path) -> None:
    points = np.random.default_rng(1).random((5000, 2)) * 100
    errors = np.where(points[:, 0] < 50, -4.0, 2.0)
    low, high = (one[..., :3].sum(axis=2).astype(float) for one in
                 pictures(error_maps(MapPlaces(points), errors, "m"), tmp_path))
    assert low[:, :60].mean() < low[:, -60:].mean() and high[:, :60].mean() > high[:, -60:].mean()


def test_every_chart_is_a_drawing_even_of_little() -> None:
    one = MapPlaces(np.array([[1.0, 2.0]]))
    nothing = MapPlaces(np.full((2, 2), NAN))
    for places in (one, nothing):
        rows = len(places.points)
        zeros = np.zeros(rows, int)
        for text in (value_map(places, np.ones(rows), "<v>"), class_map(places, zeros, ["<a>"], ["#123456"]),
                     part_maps(places, zeros, ["<a>", "b"]), error_maps(places, np.full(rows, NAN), "<m>"),
                     wrong_map(places, np.ones(rows, bool))):
            tree.fromstring(text)
    for text in (agreement_chart(np.array([NAN]), np.array([1.0]), ""), reliability_chart(
            np.array([NAN, 0.5]), np.array([NAN, 0.5]), np.array([0, 3])), whisker_chart([Bar("a", NAN)], "x")):
        tree.fromstring(text)


def test_bars_start_at_zero_and_whiskers_end_where_the_interval_does() -> None:
    chart = tree.fromstring(whisker_chart([Bar("model", 0.5, 0.25, 0.75), Bar("base", -0.5, own=False),
                                           Bar("far", -30.0, -40.0, -20.0, own=False)], "R²"))
    rects = [one for one in chart.iter() if one.tag.endswith("rect")]
    left, width = ([float(one.get(name)) for one in rects] for name in ("x", "width"))
    assert left[0] == pytest.approx(left[1] + width[1], abs=0.2) and width[0] == pytest.approx(width[1], abs=0.2)
    assert width[2] < 2.2 * width[1] + 30, "what is far below is cut"
    whisker = next(one for one in chart.iter() if one.tag.endswith("path") and one.get("stroke") == "#111").get("d")
    start, end = float(whisker[1:].split()[0]), float(whisker.split("H")[1].split("m")[0])
    assert start - left[0] == pytest.approx(width[0] / 2, abs=0.2)
    assert end - left[0] == pytest.approx(1.5 * width[0], abs=0.2)


def test_agreement_stands_on_the_line_where_both_are_equal() -> None:
    chart = tree.fromstring(agreement_chart(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 5.0]), "m"))
    places = [(float(one.get("cx")), float(one.get("cy"))) for one in chart.iter() if one.tag.endswith("circle")]
    line = next(one for one in chart.iter() if one.get("stroke-dasharray"))
    x1, y1 = float(line.get("x1")), float(line.get("y1"))
    assert [abs((x - x1) - (y1 - y)) < 0.2 for x, y in places] == [True, True, False]
    assert places[2][1] < places[1][1]


def test_ramps_grow_darker_and_numbers_read_well() -> None:
    light = ramp_colours(np.linspace(0, 1, 50), SEQUENTIAL).astype(float) @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(light) < 0).all()
    assert [number_text(value) for value in (123456.7, 0.5, -2.0, NAN, 0.000012345, 1e-3, 7600)] == [
        "123,500", "0.5", "−2", "–", "1.2e-05", "0.001", "7600"]
    cases = ((-0.00002, 4), (0.0785, 3), (-1234.5, -1), (31_249, -2))
    assert [number_at(*case) for case in cases] == ["0.0000", "0.079", "−1230", "31,200"]
    assert [score_text(value) for value in (0.344, -0.001, -7.2, NAN)] == ["0.34", "0.00", "−7.20", "–"]
