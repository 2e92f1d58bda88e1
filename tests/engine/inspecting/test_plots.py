"""What the plots rest on, against plain loops: points in a lasso, colours of values, dates in names, usual change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seen_fields import NORTH_UP, SOUTH_UP, seen_field, unit_vectors
from small_fields import wkt_of

from earthprint.engine.colour_ramp import SEQUENTIAL, rgb
from earthprint.engine.errors import Cancelled
from earthprint.engine.inspecting.colouring import NONE, KnownClass, coloured, plain
from earthprint.engine.inspecting.date_names import as_year, date_in, date_of_metadata
from earthprint.engine.inspecting.lasso import combined, inside, nearest_point
from earthprint.engine.inspecting.usual_change import usual_change
from earthprint.engine.progress import Silent


class Stopped(Silent):
    def cancelled(self) -> bool:
        return True


def naive_inside(point, corners):
    odd = False
    for one, two in zip(corners, [*corners[1:], corners[0]]):
        if (one[1] > point[1]) != (two[1] > point[1]):
            odd ^= point[0] < one[0] + (point[1] - one[1]) * (two[0] - one[0]) / (two[1] - one[1])
    return odd


numbers = st.integers(-8, 8).map(float)
pairs = st.tuples(numbers, numbers)


@given(st.lists(pairs, max_size=60), st.lists(pairs, min_size=0, max_size=12))
def test_inside_is_what_a_loop_over_points_and_sides_says(points, corners):
    # Whole coordinates make points on sides and corners, level sides and sides of no length.
    found = inside(np.array(points, dtype=float).reshape(-1, 2), np.array(corners, dtype=float).reshape(-1, 2))
    expected = [len(corners) >= 3 and naive_inside(point, corners) for point in points]
    assert found.tolist() == expected


def test_a_star_is_hollow_and_nan_is_nowhere():
    corners = [(np.sin(turn), np.cos(turn)) for turn in np.arange(5) * 4 * np.pi / 5]
    points = np.array([[0.0, 0.0], [0.0, 0.8], [np.nan, 0.0], [0.9, 0.9]])
    assert inside(points, np.array(corners)).tolist() == [False, True, False, False]
    assert nearest_point(points, (0.1, 0.7)) == 1 and nearest_point(points[2:3], (0.0, 0.0)) == -1


def test_what_is_chosen_with_what_was():
    before, now = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert combined(before, now, "set").tolist() == now.tolist()
    assert combined(before, now, "add").tolist() == [True, True, True, False]
    assert combined(before, now, "take").tolist() == [False, True, False, False]


def test_texts_and_few_whole_numbers_are_classes():
    found = coloured(["oak", "ash", None, "oak"])
    assert [(entry.name, entry.count) for entry in found.classes] == [("oak", 2), ("ash", 1), ("", 1)]
    assert found.colours[2].tolist() == list(NONE) and found.colours[0].tolist() == found.colours[3].tolist()
    assert found.colours[0].tolist() != found.colours[1].tolist() and found.texts == ("oak", "ash", "", "oak")
    found = coloured(np.array([10.0, 2.0, np.nan, 10.0]))
    assert [entry.name for entry in found.classes] == ["2", "10", ""]
    for entry in found.classes:
        rows = [row for row, text in enumerate(found.texts) if text == entry.name]
        assert all(found.colours[row].tolist() == list(rgb(entry.colour)) for row in rows)


def test_classes_have_the_colours_and_names_of_their_legend():
    found = coloured([1.0, 2.0, 3.0], {"1": KnownClass("reed", "#102030"), "2": KnownClass("", "#ff0000")})
    assert found.colours[:2].tolist() == [[16, 32, 48], [255, 0, 0]]
    assert found.texts == ("reed", "2", "3")


def test_other_numbers_lie_along_a_ramp():
    values = np.linspace(0.0, 1.0, 501)
    values[7] = np.nan
    found = coloured(values)
    finite = values[np.isfinite(values)]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(finite, (0.02, 0.98))))
    assert found.stops == SEQUENTIAL and found.colours[7].tolist() == list(NONE)
    assert found.colours[0].tolist() == list(rgb(SEQUENTIAL[0])) and found.colours[-1].tolist() == list(
        rgb(SEQUENTIAL[-1]))
    middle = np.nanargmin(np.abs(values - (found.low + found.high) / 2))
    assert np.abs(found.colours[middle].astype(int) - rgb(SEQUENTIAL[2])).max() <= 2
    assert coloured(np.arange(100.0)).stops == SEQUENTIAL
    assert coloured(np.full(30, 0.5)).stops == SEQUENTIAL and coloured([None, None]).stops == ()
    assert len({tuple(colour) for colour in plain(3).colours.tolist()}) == 1


@pytest.mark.parametrize("name, date", [
    ("alphaearth_2021.tif", "2021"), ("S2_20230514T101.tif", "2023-05-14"), ("field 2023-05", "2023-05"),
    ("2019.06.30 embedding", "2019-06-30"), ("year2020", "2020"), ("a 2019 b 2021", ""), ("EPSG 32632", ""),
    ("20231399", ""), ("2023_02_31", "2023"), ("cells", ""), ("x_2020_2020_y", "2020")])
def test_dates_in_names(name, date):
    assert date_in(name) == date


def test_dates_in_metadata_and_on_an_axis():
    assert date_of_metadata({"TIFFTAG_DATETIME": "2022:07:15 10:00:00"}) == "2022-07-15"
    assert date_of_metadata({"ACQUISITIONDATETIME": "2021-01-31T09:00:00Z"}) == "2021-01-31"
    assert date_of_metadata({"year": "2018"}) == "2018" and date_of_metadata({"year": "soon"}) == ""
    assert as_year("2020") == 2020 and as_year("someday") is None
    dates = ["2020", "2020-02", "2020-02-28", "2020-03-01", "2020-12-31", "2021"]
    years = [as_year(date) for date in dates]
    assert years == sorted(years) and len(set(years)) == 6


@pytest.mark.parametrize("transform, unit", [(NORTH_UP, True), (SOUTH_UP, False)])
def test_usual_change_is_the_quartiles_of_what_is_in_view(tmp_path, transform, unit):
    # A view as small as the windows of the sample, so that the whole of it is read.
    fields = [unit_vectors(16, 16, seed=seed) * (1 if unit else seed) for seed in (3, 11, 29)]
    paths = [seen_field(tmp_path / f"{number}.tif", values, transform=transform, unit=unit)
             for number, values in enumerate(fields)]
    x, dx, _, y, _, dy = transform
    extent = (x, min(y, y + 16 * dy), x + 16 * dx, max(y, y + 16 * dy))
    found = usual_change(paths, 1, extent, wkt_of(32633), Silent())
    assert found[1].tolist() == [0.0, 0.0]
    for number in (0, 2):
        one, two = (fields[each].reshape(len(fields[0]), -1).astype(float) for each in (1, number))
        apart = 1 - (one * two).sum(axis=0) / np.linalg.norm(one, axis=0) / np.linalg.norm(two, axis=0)
        assert np.allclose(found[number], np.quantile(apart[np.isfinite(apart)], (0.25, 0.75)), atol=1e-5)
    with pytest.raises(Cancelled):
        usual_change(paths, 1, extent, wkt_of(32633), Stopped())


def test_usual_change_on_shifted_and_on_other_grids(tmp_path):
    values = unit_vectors(16, 32)
    base = seen_field(tmp_path / "base.tif", values)
    shifted = seen_field(tmp_path / "shifted.tif", values[:, :, 8:], transform=(500080.0, *NORTH_UP[1:]))
    half = seen_field(tmp_path / "half.tif", values, transform=(500005.0, *NORTH_UP[1:]))
    coarse = seen_field(tmp_path / "coarse.tif", values, transform=(500000.0, 20.0, 0.0, 5700000.0, 0.0, -20.0))
    found = usual_change([base, shifted, half, coarse], 0, (500000.0, 5699840.0, 500320.0, 5700000.0), wkt_of(32633),
                         Silent())
    assert np.allclose(found[1], 0.0, atol=1e-6)
    assert np.isnan(found[2:]).all()
    beside = usual_change([base, shifted], 0, (600000.0, 5699840.0, 600320.0, 5700000.0), wkt_of(32633), Silent())
    assert np.isnan(beside).all()
