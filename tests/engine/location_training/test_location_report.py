"""The report says what the encoder is worth beside what, paints what it learnt where data lie, and runs nothing."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from made_location_trainings import made_training, made_verdict
from osgeo import gdal

from earthprint.engine.location_training.judged import Surface
from earthprint.engine.location_training.report import location_report, write_report
from earthprint.engine.location_training.report.pictures import surface_map, training_map
from earthprint.engine.location_training.report.words import comparison, headline
from earthprint.engine.training.student import Interval


def plain(html):
    """Return the words of a page."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.S))))


def painted(svg, path):
    """Return the picture within a chart as `(rows, columns, 3)`, and its place on the paper."""
    data = re.search(r"base64,([A-Za-z0-9+/=]+)", svg).group(1)
    path.write_bytes(base64.b64decode(data))
    image = re.search(r'<image x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)"', svg).groups()
    return gdal.Open(str(path)).ReadAsArray().transpose(1, 2, 0)[:, :, :3], [float(part) for part in image]


def test_says_what_it_is_worth_first():
    """The verdict stands at the top beside the baselines, then warnings, then the rest."""
    words = plain(location_report(made_training()).html())
    first = words.index("In blocks that it has not seen, the encoder reaches R² 0.52; coordinates and ridge 0.21, "
                        "nearest places on the sphere 0.50, the mean −0.01.")
    warning = words.index("Beyond 50 km from the training data")
    assert first < warning < words.index("How good it is")
    for told in ("+0.31", "better than this", "no difference that these 5 blocks can show", "40 %, 20 %, 10 %",
                 "Location encoder “out”", "2,500 places of prices to tell price", "Places within 4 degrees are alike",
                 "The finest radius is 0.002 rad", "41.3 s on cpu", "built without CUDA",
                 "torch 2.1", "CC BY 4.0", "123,456", "until held-out blocks got no better", "Fold 5", "seed 0"):
        assert told.lower() in words.lower(), told
    # Differences are those of the pooled scores: 0.52 less 0.21.
    verdict = made_verdict()
    mean = np.mean(np.array(verdict.figure("encoder").folds) - np.array(verdict.figure("coordinates").folds))
    assert verdict.difference("coordinates").interval.mean == pytest.approx(mean)


def test_parts_get_a_table_each():
    """Several targets are told one by one, under the verdict on all of them."""
    judged = made_training(verdict=made_verdict("rent, price"), parts=(made_verdict("rent"), made_verdict("price")))
    page = location_report(judged).html()
    assert page.count("<h3>rent</h3>") == 1 and page.count("<h3>price</h3>") == 1
    assert location_report(made_training()).html().count("<h3>price</h3>") == 0


@pytest.mark.parametrize("interval, words", [
    (Interval(0.2, 0.1, 0.3), "better than this"), (Interval(-0.2, -0.3, -0.1), "worse than this"),
    (Interval(0.1, -0.1, 0.3), "no difference that these 4 blocks can show"),
    (Interval(float("nan"), float("nan"), float("nan")), "not known"),
    (Interval(0.1, float("nan"), float("nan")), "too few blocks to compare"),
])
def test_differences_in_words(interval, words):
    """Only what the blocks bear out is said."""
    difference = replace(made_verdict().differences[0], interval=interval, blocks=4)
    assert comparison(difference) == words


def test_what_was_not_computed_is_not_told():
    """Without the encoder's score, and without baselines, the sentence stays true."""
    verdict = made_verdict()
    none = replace(verdict, figures=tuple(replace(figure, value=float("nan")) for figure in verdict.figures))
    assert "could not be measured" in headline(none)
    alone = replace(verdict, figures=verdict.figures[:1], differences=())
    assert headline(alone) == "In blocks that it has not seen, the encoder reaches R² 0.52."
    assert "R² 0.52" in plain(location_report(made_training(verdict=alone, parts=(alone,))).html())


def test_the_surface_is_painted_where_it_lies(tmp_path):
    """Red, green and blue are the components; what is far from the data is pale; the picture fills its box."""
    values = np.zeros((2, 3, 3))
    values[0, 0] = (1, 0, 0)
    values[0, 2] = (0, 1, 0)
    values[1, 1] = (0, 0, 1)
    known = np.array([[True, True, False], [True, True, True]])
    surface = Surface(175.0, -10.0, 190.0, 10.0, values, known, (0.5, 0.3, 0.2))
    image, box = painted(surface_map(surface), tmp_path / "a.png")
    size = image.shape[0] // 2
    assert image[0, 0].tolist() == [255, 0, 0] and image[-1, size + 1].tolist() == [0, 0, 255]
    pale = image[0, -1].tolist()
    assert pale[0] == pale[2] and 150 < pale[0] < pale[1] == 255
    assert box[2] / box[3] == pytest.approx(15 / 20, rel=0.01)


def test_places_lie_on_the_map_across_the_date_line():
    """A place at −175 lies to the east of one at 176 where the data cross 180°."""
    surface = Surface(175.0, -10.0, 190.0, 10.0, np.zeros((2, 2, 3)), np.ones((2, 2), dtype=bool), (1.0, 0.0, 0.0))
    svg = training_map(surface, np.array([[176.0, 0.0], [-175.0, 5.0]]))
    spots = [(float(x), float(y)) for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', svg)]
    assert len(spots) == 2
    assert spots[1][0] > spots[0][0] and spots[1][1] < spots[0][1]
    width = float(re.search(r'width="([\d.]+)"', svg.split("<rect")[1]).group(1))
    assert spots[1][0] < width and spots[0][0] > 0


@pytest.mark.parametrize("changes, words", [
    ({"objective": "distil", "name": "/home/somebody/field.tif", "what": "/home/somebody/field.tif"},
     "2,500 places of field.tif to give their vectors."),
    ({"objective": "contrastive", "name": "“points”", "what": "/home/somebody/field.tif"},
     "2,500 places of “points” to give the vectors of field.tif."),
    ({"objective": "views", "name": "“photos”", "what": "photos from one another"},
     "2,500 places of “photos” to tell photos from one another."),
])
def test_says_what_was_learnt_without_folders(changes, words):
    """The sentence fits the objective, and names no folder of somebody's machine."""
    page = plain(location_report(made_training(**changes)).html())
    assert words in page and "somebody" not in page


def test_text_of_others_is_escaped_and_nothing_runs(tmp_path):
    """Names may hold anything; the page needs nothing else and holds no script."""
    evil = '<script>alert(1)</script>"&'
    judged = made_training(name=evil, what=evil, proposals=(evil,), warnings=(evil,), verdict=made_verdict(evil),
                           parts=(made_verdict(evil), made_verdict(evil + "2")), settings={evil: evil}, network=evil)
    write_report(tmp_path / "page.html", judged)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page and "alert(1)" in page
    assert not re.search(r'(href|src)="(?!data:)', page.replace('xlink:href="data:', ""))
    assert len(page) < 400_000


def test_many_rows_and_few_make_a_page():
    """A map is drawn of three places and of twenty thousand."""
    assert len(location_report(made_training(20_000)).html()) < 500_000
    assert "Fold 5" in location_report(made_training(12)).html()
