"""The band holds the true curve as often as it says, for lone truths and for clusters."""

from __future__ import annotations

from math import comb
from pathlib import Path

import numpy as np
import pytest
from scored_ground import Places, in_cell, write_scores

from earthprint.engine.progress import Silent
from earthprint.engine.recall.band import chance_band, resampled, student, wilson
from earthprint.engine.recall.comparing import difference
from earthprint.engine.recall.places_order import (
    alone,
    any_order,
    group_of,
    mean_variance,
    neighbours_order,
    together,
)
from earthprint.engine.recall.request import Query, RecallRequest
from earthprint.engine.recall.run import recall_area

SIDE = 120


def smooth(seed: int, width: int = 8) -> np.ndarray:
    """Return noise whose neighbours are alike, by averaging over squares."""
    noise = np.random.default_rng(seed).normal(size=(SIDE, SIDE))
    spectrum = np.fft.rfft2(noise)
    across, down = np.fft.rfftfreq(SIDE), np.fft.fftfreq(SIDE)
    return np.fft.irfft2(spectrum * np.exp(-2 * (np.pi * width) ** 2 * (across[None] ** 2 + down[:, None] ** 2) / 2),
                         (SIDE, SIDE))


def test_neighbours_follow_each_other() -> None:
    places = np.random.default_rng(0).random((1000, 2))
    order = neighbours_order(places)
    assert np.array_equal(np.sort(order), np.arange(1000))
    steps = np.hypot(*(places[order[1:]] - places[order[:-1]]).T)
    assert np.median(steps) < 0.06, "the distance of two random places is 0.5"
    groups = group_of(order, 16)
    assert np.bincount(groups).min() >= 62 and np.bincount(groups).max() <= 63
    assert max(np.ptp(places[groups == group], axis=0).max() for group in range(16)) < 0.5


def test_the_variance_of_lone_truths_is_that_of_a_mean() -> None:
    values = np.random.default_rng(1).random(500)
    assert mean_variance(np.arange(500), values, np.ones(500)) == pytest.approx(values.var(ddof=1) / 500)
    twice = np.repeat(values, 2)
    assert mean_variance(np.arange(1000) // 2, twice, np.ones(1000)) == pytest.approx(values.var(ddof=1) / 500)


def test_clusters_are_drawn_together_and_lone_truths_alone() -> None:
    random = np.random.default_rng(2)
    centres = random.random((40, 2))
    places = np.repeat(centres, 25, axis=0) + random.normal(0, 1e-3, (1000, 2))
    alike = np.repeat(random.random(40), 25)
    chosen = together(neighbours_order(places), alike, np.ones(1000))
    assert chosen.clustered and chosen.count <= 125
    assert 25 < chosen.independent < 80, "there are 40 clusters"
    assert alone(any_order(places), np.ones(1000)).independent == 1000
    lone = [together(neighbours_order(random.random((300, 2))), random.random(300), np.ones(300)) for _ in range(40)]
    assert np.mean([one.clustered for one in lone]) < 0.25
    assert np.median([one.independent for one in lone]) == 300


def test_smooth_noise_rarely_beats_chance_for_clustered_truth() -> None:
    wrong = {"neighbours": 0, "alone": 0}
    for seed in range(60):
        hidden, scores = smooth(2 * seed + 1), smooth(2 * seed + 2).ravel()
        odds = np.exp(hidden / hidden.std()).ravel()
        cells = np.random.default_rng(seed).choice(SIDE * SIDE, 150, p=odds / odds.sum())
        early = np.searchsorted(np.sort(scores), scores[cells]) / len(scores)
        places = np.stack([cells % SIDE, cells // SIDE], axis=1).astype(float)
        for name, chosen in (("neighbours", together(neighbours_order(places), early, np.ones(150))),
                             ("alone", alone(any_order(places), np.ones(150)))):
            error = np.sqrt(mean_variance(chosen.groups, early, np.ones(150)))
            wrong[name] += abs(early.mean() - 0.5) > 1.96 * error
    assert wrong["neighbours"] <= 6 and wrong["alone"] > 10


def test_wilson_and_chance_against_plain_sums() -> None:
    low, high = wilson(np.array([0.8]), 100)
    # Published: 80 of 100 gives 0.711 to 0.867.
    assert low[0] == pytest.approx(0.7112, abs=1e-4) and high[0] == pytest.approx(0.8666, abs=1e-4)
    band = chance_band(np.array([0.3]), 1.0, 20)
    sums = np.cumsum([comb(20, k) * 0.3 ** k * 0.7 ** (20 - k) for k in range(21)])
    assert band.lower[0] == pytest.approx(np.flatnonzero(sums >= 0.025)[0] / 20)
    assert band.upper[0] == pytest.approx(np.flatnonzero(sums >= 0.975)[0] / 20)
    many = chance_band(np.array([0.3]), 0.5, 100_000)
    assert many.upper[0] == pytest.approx(0.15 + 0.98 * np.sqrt(0.21 / 50_000), rel=1e-3)


def test_few_groups_need_more_standard_errors() -> None:
    # Published quantiles of Student's t at 0.975.
    for degrees, quantile in ((1, 12.706), (4, 2.776), (5, 2.571), (8, 2.306), (15, 2.131), (120, 1.980)):
        assert student(degrees) == pytest.approx(quantile, abs=6e-4)


def test_drawing_anew_is_a_plain_bootstrap() -> None:
    values = np.random.default_rng(5).random(80)
    low, high = resampled(values[:, None], np.ones(80), 4000, 1)
    random = np.random.default_rng(9)
    means = np.array([values[random.integers(0, 80, 80)].mean() for _ in range(4000)])
    np.testing.assert_allclose([low[0], high[0]], np.quantile(means, [0.025, 0.975]), atol=0.01)
    again = resampled(values[:, None], np.ones(80), 4000, 1)
    assert again[0][0] == low[0] and again[1][0] == high[0]


@pytest.mark.parametrize(("spread", "truths", "band"), [(0, 40, "alone"), (0, 200, "alone"), (3, 300, "neighbours")])
def test_the_band_holds_the_true_curve(tmp_path: Path, spread: int, truths: int, band: str) -> None:
    # Truth lies where a hidden surface is high; the score sees it blurred. The true curve is that of 30,000 truths.
    hidden = smooth(1) / smooth(1).std()
    score = (hidden + smooth(2) / smooth(2).std()).astype("f4")
    path = write_scores(tmp_path / "s.tif", score)
    odds = np.exp(1.5 * hidden).ravel()

    def sample(seed: int, count: int) -> Places:
        random = np.random.default_rng(seed)
        several = 15 if spread else 1
        cells = np.repeat(random.choice(SIDE * SIDE, count // several, p=odds / odds.sum()), several)
        rows, columns = cells // SIDE, cells % SIDE
        if spread:
            rows = np.clip(rows + random.integers(-spread, spread + 1, len(rows)), 0, SIDE - 1)
            columns = np.clip(columns + random.integers(-spread, spread + 1, len(columns)), 0, SIDE - 1)
        return Places([in_cell(column, row) for column, row in zip(columns.tolist(), rows.tolist())])

    def judged(seed: int, count: int) -> object:
        request = RecallRequest((Query("q", path),), sample(seed, count), draws=300, band=band)
        return recall_area(request, Silent()).queries[0]

    true = judged(1000, 30_000)
    held = []
    for seed in range(24):
        found = judged(seed, truths)
        middle = (found.areas > 0.02 * SIDE ** 2) & (found.areas < 0.7 * SIDE ** 2)
        expected = true.curve.recall(found.areas)
        held.append(((expected >= found.band.lower) & (expected <= found.band.upper))[middle].mean())
    assert np.mean(held) > 0.88, np.mean(held)
    if band == "alone":
        # No wider than it must be: 3.92 standard errors of a share of at most a half.
        assert np.mean(found.band.upper - found.band.lower) < 1.1 * 3.92 * 0.5 / np.sqrt(truths)


def test_a_difference_is_judged_truth_by_truth(tmp_path: Path) -> None:
    hidden = smooth(1)
    odds = np.exp(2 * hidden / hidden.std()).ravel()
    cells = np.random.default_rng(0).choice(SIDE * SIDE, 150, p=odds / odds.sum())
    truth = Places([in_cell(cell % SIDE, cell // SIDE) for cell in cells.tolist()])
    noise = np.random.default_rng(3).random((SIDE, SIDE))
    queries = tuple(Query(name, write_scores(tmp_path / f"{name}.tif", scores.astype("f4"))) for name, scores in (
        ("good", hidden), ("alike", hidden + 0.002 * smooth(7)), ("noise", noise)))
    found = recall_area(RecallRequest(queries, truth, draws=100), Silent())
    good, alike, worst = found.queries
    assert not difference(good, alike).clear and difference(good, worst).clear
    assert "sooner than “noise”" in found.verdicts[-1]
    assert "no difference that 150 truths can show" in found.verdicts[-1]
    assert "better than chance" in found.verdicts[0] and "no better than chance" in found.verdicts[2]
