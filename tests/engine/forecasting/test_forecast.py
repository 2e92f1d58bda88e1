"""Forecasts of series whose law is known: how far off they must be, what must be warned of, and what is never seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
import pytest
from made_rows import with_vectors

from earthprint.engine.errors import Cancelled, InputError
from earthprint.engine.forecasting.features import Look, Moments, features_of, past_of, seasonal_lag, usable_moments
from earthprint.engine.forecasting.request import ForecastRequest
from earthprint.engine.forecasting.run import forecast
from earthprint.engine.forecasting.series import carried_places, read_series
from earthprint.engine.progress import Silent
from earthprint.engine.table import open_rows

DIMS = 3


class Listening(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.told: List[str] = []
        self.warned: List[str] = []

    def info(self, text: str) -> None:
        self.told.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)


def table_of(values: np.ndarray, vectors: np.ndarray, dates: "Optional[List[Any]]" = None, **columns: Any) -> Any:
    """Return rows of `(U, T)` values, mixed up; vectors are `(U, D)` or `(U, T, D)`, NaN for none."""
    units, count = values.shape
    dates = dates or [f"{2000 + month // 12:04d}-{month % 12 + 1:02d}-01" for month in range(count)]
    order = np.random.default_rng(5).permutation(units * count)
    unit, date = np.divmod(order, count)
    each = vectors[unit] if vectors.ndim == 2 else vectors[unit, date]
    return with_vectors(
        [f"POINT({500_000 + 1000 * number} 5700000)" for number in unit],
        {"place": [f"u{number:03d}" for number in unit], "when": [dates[number] for number in date],
         "value": [None if np.isnan(value) else value for value in values[unit, date].tolist()],
         **{name: [cells[u][d] for u, d in zip(unit, date)] for name, cells in columns.items()}},
        [None if np.isnan(vector).any() else vector for vector in each], name="“t”")


def request(rows: Any, path: Path, **options: Any) -> ForecastRequest:
    return ForecastRequest(rows, "value", "place", "when", str(path), **options)


def columns_of(path: Path) -> "Dict[str, List[Any]]":
    rows = open_rows(str(path))
    found: "Dict[str, List[Any]]" = {column.name: [] for column in rows.columns}
    for chunk in rows.rows():
        for name, cells in found.items():
            cells += chunk.columns[name]
    return found


def autoregressive(units: int, count: int, phi: float, seed: int) -> np.ndarray:
    chance = np.random.default_rng(seed)
    values = np.empty((units, count))
    values[:, 0] = chance.normal(0, 1 / np.sqrt(1 - phi ** 2), units)
    for date in range(1, count):
        values[:, date] = phi * values[:, date - 1] + chance.normal(0, 1, units)
    return values


def test_an_autoregressive_law_is_found_with_the_error_of_its_innovations(tmp_path: Path) -> None:
    phi, units, known, steps = 0.7, 300, 34, 3
    values = autoregressive(units, known + steps, phi, 1)
    vectors = np.random.default_rng(2).normal(0, 1, (units, DIMS)).astype(np.float32)
    heard = Listening()
    result = forecast(request(table_of(values[:, :known], vectors), tmp_path / "o.gpkg", steps=steps, lags=2,
                              report=str(tmp_path / "r.html")), heard)
    found = columns_of(tmp_path / "o.gpkg")
    assert found["step"][:4] == [1, 2, 3, 1] and len(set(found["place"][:3])) == 1
    order = {name: int(name[1:]) for name in set(found["place"])}
    truth = np.array([values[order[name], known - 1 + step] for name, step in zip(found["place"], found["step"])])
    predicted, step = np.array(found["predicted"]), np.array(found["step"])
    lower, upper = np.array(found["lower"]), np.array(found["upper"])
    for ahead in (1, 2, 3):
        # The best that can be known: variance of the innovations that are still to come.
        best = np.sqrt(sum(phi ** (2 * lag) for lag in range(ahead)))
        now = step == ahead
        assert np.sqrt(((predicted - truth)[now] ** 2).mean()) == pytest.approx(best, rel=0.12)
        last = np.array([values[order[name], known - 1] for name in np.array(found["place"])[now]])
        # And what the law itself says of each unit, but for the error of what is estimated.
        assert np.sqrt(((predicted[now] - phi ** ahead * last) ** 2).mean()) < 0.2
        assert ((lower <= truth) & (truth <= upper))[now].mean() == pytest.approx(0.9, abs=0.05)
        assert (upper - lower)[now].mean() == pytest.approx(2 * 1.645 * best, rel=0.12)
    assert result.coverage == pytest.approx(0.9, abs=0.04) and result.step == "month" and result.rows == units * steps
    assert result.skill > 0.15 and not any("no better than the last value" in text for text in heard.warned)
    # The vectors here are chance, and that is said.
    assert any("The embedding adds nothing" in text for text in heard.warned)
    assert sorted(set(found["when"])) == ["2002-11-01", "2002-12-01", "2003-01-01"]
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "last value" in page and "The embedding adds nothing" in page


def test_a_random_walk_is_said_to_be_no_better_than_the_last_value(tmp_path: Path) -> None:
    walk = np.random.default_rng(3).normal(0, 1, (60, 30)).cumsum(axis=1)
    vectors = np.random.default_rng(4).normal(0, 1, (60, DIMS)).astype(np.float32)
    heard = Listening()
    result = forecast(request(table_of(walk, vectors), tmp_path / "o.gpkg", steps=2), heard)
    assert any("no better than the last value (RMSE" in text for text in heard.warned)
    assert abs(result.skill) < 0.1
    assert result.rmse == pytest.approx(np.sqrt((1 + 2) / 2), rel=0.15)


def test_a_season_is_found_and_followed(tmp_path: Path) -> None:
    chance = np.random.default_rng(6)
    month = np.arange(63)
    phase, height = chance.uniform(0, 6.28, (25, 1)), chance.uniform(3, 9, (25, 1))
    truth = 40 + height * np.sin(2 * np.pi * month / 12 + phase)
    values = truth + chance.normal(0, 0.5, truth.shape)
    heard = Listening()
    result = forecast(request(table_of(values[:, :60], chance.normal(0, 1, (25, DIMS)).astype(np.float32)),
                              tmp_path / "o.gpkg", steps=3), heard)
    found = columns_of(tmp_path / "o.gpkg")
    known = np.array([truth[int(name[1:]), 59 + step] for name, step in zip(found["place"], found["step"])])
    assert np.abs(np.array(found["predicted"]) - known).mean() < 0.5
    assert result.skill > 0.8 and not any("no better than the last value" in text for text in heard.warned)
    assert any("a season of 12" in text for text in heard.told)


def test_an_embedding_that_tells_where_things_grow_is_not_said_to_add_nothing(tmp_path: Path) -> None:
    chance = np.random.default_rng(7)
    vectors = chance.normal(0, 1, (120, DIMS)).astype(np.float32)
    growth = vectors[:, :1] * 2.0
    values = (growth + chance.normal(0, 1, (120, 14))).cumsum(axis=1)
    heard = Listening()
    result = forecast(request(table_of(values, vectors, list(range(2008, 2022))), tmp_path / "o.gpkg", lags=1), heard)
    assert not any("adds nothing" in text for text in heard.warned) and result.skill > 0.5
    found = columns_of(tmp_path / "o.gpkg")
    assert set(found["when"]) == {2022} and isinstance(found["when"][0], int) and result.step == "year"


def test_nothing_of_the_future_is_seen(tmp_path: Path) -> None:
    # A vector that holds the value of its own date helps as much as the last value and no more; were that of the next
    # date seen, the error would be gone.
    walk = np.random.default_rng(8).normal(0, 1, (50, 24)).cumsum(axis=1)
    vectors = np.repeat(walk[:, :, None], DIMS, axis=2).astype(np.float32)
    result = forecast(request(table_of(walk, vectors), tmp_path / "o.gpkg"), Silent())
    assert result.rmse == pytest.approx(1.0, rel=0.15) and abs(result.skill) < 0.1


def test_features_are_what_was_known_at_the_moment() -> None:
    values = np.array([[1.0, 2.0, np.nan, 5.0, 4.0], [7.0, np.nan, np.nan, np.nan, 8.0]])
    vectors = np.arange(2 * 5 * DIMS, dtype=np.float32).reshape(2, 5, DIMS)
    vectors[0, 3] = np.nan
    series = read_series(ForecastRequest(table_of(values, vectors, [1, 2, 3, 4, 5]), "value", "place", "when", ""),
                         Silent())
    rows = [series.ids.index(f"u{number:03d}") for number in (0, 1)]
    np.testing.assert_array_equal(series.values[rows], values)
    past = past_of(series.values, 2)
    np.testing.assert_array_equal(past.known[rows], [[1, 2, 2, 5, 4], [7, 7, 7, np.nan, 8]])
    np.testing.assert_allclose(past.mean[rows], [[1, 1.5, 1.5, 8 / 3, 3], [7, 7, 7, 7, 7.5]])
    usable = usable_moments(series, past, Look(2, 0), 1)
    np.testing.assert_array_equal(usable[rows], [[False, True, True, True, True], [False, True, True, False, False]])
    x, own = features_of(series, past, Look(2, 0), 1, Moments(np.array([rows[0]]), np.array([3])))
    # The last value, its change, the mean less it; the vector of the date before, since that date has none.
    np.testing.assert_allclose(x[0, :own], [5, 3, 8 / 3 - 5])
    np.testing.assert_array_equal(x[0, own:], vectors[0, 2])
    assert [seasonal_lag(step, 12) for step in (1, 12, 13)] == [11, 0, 11]
    np.testing.assert_array_equal(carried_places(np.array([[-1, 4, -1, 2]])), [[-1, 4, 4, 2]])


def test_gaps_new_units_and_empty_last_dates_are_told(tmp_path: Path) -> None:
    values = autoregressive(40, 30, 0.6, 9)
    values[3, 5:8] = np.nan
    values[:, 28:] = np.nan
    values[7, :27] = np.nan
    vectors = np.random.default_rng(9).normal(0, 1, (40, DIMS)).astype(np.float32)
    vectors[11] = np.nan
    heard = Listening()
    result = forecast(request(table_of(values, vectors), tmp_path / "o.gpkg", lags=3, interval=0.0), heard)
    found = columns_of(tmp_path / "o.gpkg")
    assert "u007" not in found["place"] and "u011" not in found["place"] and result.units == 38
    assert set(found["when"]) == {"2002-05-01"} and "lower" not in found
    assert any(text.startswith("2 of 40 units of “t” have no forecast") for text in heard.warned)
    assert any("The last 2 dates have no value" in text for text in heard.told)
    assert any("30 of 1,120 values of “value” are missing" in text for text in heard.told)


def test_a_long_tail_is_learnt_as_its_logarithm_and_further_columns_help(tmp_path: Path) -> None:
    chance = np.random.default_rng(10)
    push = chance.integers(0, 2, (50, 30))
    logs = np.empty((50, 30))
    logs[:, 0] = chance.normal(5, 1, 50)
    for date in range(1, 30):
        logs[:, date] = logs[:, date - 1] + 0.5 * push[:, date - 1] - 0.25 + chance.normal(0, 0.05, 50)
    names = np.array(["rain", "dry"])[push].tolist()
    vectors = chance.normal(0, 1, (50, DIMS)).astype(np.float32)
    result = forecast(request(table_of(np.exp(logs), vectors, weather=names), tmp_path / "o.gpkg", transform="log",
                              columns=("weather",)), Silent())
    found = columns_of(tmp_path / "o.gpkg")
    wanted = np.array([logs[int(name[1:]), 29] + 0.5 * push[int(name[1:]), 29] - 0.25 for name in found["place"]])
    np.testing.assert_allclose(np.log(found["predicted"]), wanted, atol=0.06)
    assert (np.array(found["lower"]) > 0).all() and result.skill > 0.8


@pytest.mark.parametrize("model", ["knn", "best"])
def test_other_models_forecast_too(tmp_path: Path, model: str) -> None:
    values = autoregressive(60, 10, 0.5, 11)
    vectors = np.random.default_rng(12).normal(0, 1, (60, DIMS)).astype(np.float32)
    result = forecast(request(table_of(values, vectors), tmp_path / "o.gpkg", model=model, lags=1, origins=1), Silent())
    assert result.rmse < result.rmse_last and result.rows == 60


@pytest.mark.parametrize(("options", "message"), [
    ({"steps": 40}, "has 24 dates, too few to learn a step of"),
    ({"lags": 23}, "too few to learn a step of 1 from 23 past values"),
    ({"steps": 0}, "STEPS is 0"),
    ({"model": "oracle"}, "MODEL is “oracle”"),
    ({"columns": ("value",)}, "its past is used anyway"),
    ({"columns": ("nothing",)}, "“nothing”, which COLUMNS names"),
    ({"target": "place"}, "no number"),
    ({"date_field": "place"}, "“u.*” in the column “place” of “t” is no date"),
    ({"id_field": "nowhere"}, "ID_FIELD names"),
    ({"id_field": "value"}, "two rows|no regular|has no|too few|No unit"),
    ({"transform": "log"}, "negative"),
])
def test_wrong_input_is_told_in_one_sentence(tmp_path: Path, options: "Dict[str, Any]", message: str) -> None:
    rows = table_of(autoregressive(20, 24, 0.5, 13), np.zeros((20, DIMS), dtype=np.float32) + 1)
    wrong = {"rows": rows, "target": "value", "id_field": "place", "date_field": "when",
             "output": str(tmp_path / "o.gpkg"), **options}
    with pytest.raises(InputError, match=message):
        forecast(ForecastRequest(**wrong), Silent())
    assert not (tmp_path / "o.gpkg").exists()


def test_a_constant_target_is_refused(tmp_path: Path) -> None:
    rows = table_of(np.full((5, 12), 3.0), np.ones((5, DIMS), dtype=np.float32))
    with pytest.raises(InputError, match="“value” of “t” is 3 at all dates"):
        forecast(request(rows, tmp_path / "o.gpkg"), Silent())


def test_one_series_alone_is_forecast_and_its_few_errors_promise_little(tmp_path: Path) -> None:
    heard = Listening()
    result = forecast(request(table_of(autoregressive(1, 60, 0.8, 1), np.ones((1, DIMS), dtype=np.float32)),
                              tmp_path / "o.gpkg", steps=2), heard)
    assert result.rows == 2 and any("too few to promise intervals of 90%" in text for text in heard.warned)
    assert any("The embedding adds nothing" in text for text in heard.warned)


def test_two_rows_of_a_unit_at_one_date_are_named(tmp_path: Path) -> None:
    values = autoregressive(5, 24, 0.5, 14)
    rows = table_of(values, np.ones((5, DIMS), dtype=np.float32),
                    [f"2001-{1 + max(0, month - 12) % 12:02d}" for month in range(24)])
    with pytest.raises(InputError, match="two rows for u00. at 2001-01: a forecast needs one row"):
        forecast(request(rows, tmp_path / "o.gpkg"), Silent())


class Stopping(Silent):
    """Lets itself be asked so often before it wants to stop."""

    def __init__(self, asked: int) -> None:
        self.left = asked

    def cancelled(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("asked", [0, 4, 9])
def test_a_cancelled_forecast_leaves_nothing(tmp_path: Path, asked: int) -> None:
    rows = table_of(autoregressive(20, 24, 0.5, 15), np.ones((20, DIMS), dtype=np.float32))
    with pytest.raises(Cancelled):
        forecast(request(rows, tmp_path / "o.gpkg", report=str(tmp_path / "r.html")), Stopping(asked))
    assert list(tmp_path.iterdir()) == []
