"""IR-MAD against a direct implementation of its equations, and on scenes where the answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from change_rasters import Watcher, pair, read_bands, write_field

import earthprint.engine.analyses.change.irmad as module
from earthprint.engine.analyses.change.chi_square import upper_tail
from earthprint.engine.analyses.change.irmad import fit_irmad
from earthprint.engine.analyses.change.raster import detect_change
from earthprint.engine.analyses.change.request import ChangeOptions, ChangeRequest
from earthprint.engine.errors import InputError

stats = pytest.importorskip("scipy.stats")
linalg = pytest.importorskip("scipy.linalg")


def direct(before: np.ndarray, after: np.ndarray, rounds: int = 200) -> np.ndarray:
    """Return the chi-square of each row as Nielsen (2007) has it: generalised eigenvectors, weights, until they settle.

    a'S11a = b'S22b = 1, S12 S22^-1 S21 a = rho^2 S11 a, b = S22^-1 S21 a / rho, var(a'X - b'Y) = 2 (1 - rho).
    """
    weights = np.ones(len(before))
    last = np.zeros(before.shape[1])
    for _ in range(rounds):
        both = np.cov(np.hstack([before, after]).T, aweights=weights, bias=True)
        count = before.shape[1]
        s11, s12, s22 = both[:count, :count], both[:count, count:], both[count:, count:]
        squared, a = linalg.eigh(s12 @ linalg.inv(s22) @ s12.T, s11)
        rho = np.sqrt(squared)
        b = linalg.inv(s22) @ s12.T @ a / rho
        one = (before - np.average(before, axis=0, weights=weights)) @ a
        two = (after - np.average(after, axis=0, weights=weights)) @ b
        chi = ((one - two) ** 2 / (2 * (1 - rho))).sum(axis=1)
        weights = stats.chi2.sf(chi, count)
        if np.abs(rho - last).max() < 1e-9:
            break
        last = rho
    return chi


def dates(seed: int = 0, rows: int = 4000, dims: int = 5) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    """Return two dates, the second under other light, and which rows changed."""
    random = np.random.default_rng(seed)
    before = random.normal(size=(rows, dims)) @ random.normal(size=(dims, dims))
    after = before @ (np.eye(dims) + 0.2 * random.normal(size=(dims, dims))) * 1.3 + 4
    after += random.normal(0, 0.15, after.shape)
    changed = random.random(rows) < 0.1
    after[changed] = random.normal(size=(changed.sum(), dims)) * 2 + 4
    return before, after, changed


@pytest.mark.parametrize("seed", [0, 1])
def test_the_fit_settles_where_the_equations_do(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after, changed = dates(seed)
    fit = fit_irmad(before, after, lambda share: None)
    expected = direct(before, after)
    assert np.allclose(np.sqrt(fit.chi_square(before, after)), np.sqrt(expected), rtol=5e-3, atol=0.02)
    monkeypatch.setattr(module, "SETTLED", 1e-8)
    monkeypatch.setattr(module, "ROUNDS", 200)
    exact = fit_irmad(before, after, lambda share: None)
    assert np.allclose(exact.chi_square(before, after), expected, rtol=1e-5)
    assert 1 < fit.rounds < 100 and (np.diff(fit.correlations) <= 0).all()
    least = np.sort(expected[~changed])[int(0.95 * (~changed).sum())]
    assert (expected[changed] > least).mean() > 0.9, "what changed stands out in spite of the light"


def test_one_round_is_plain_mad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROUNDS", 1)
    before, after, _ = dates(0)
    fit = fit_irmad(before, after, lambda share: None)
    assert np.allclose(fit.chi_square(before, after), direct(before, after, 1), rtol=1e-8)


def test_rasters_get_the_square_root_of_the_chi_square(tmp_path: Path) -> None:
    before, after = pair(dims=5, rows=50, columns=60)
    after = after * 1.5 + 2
    before[:, 0, 0] = np.nan
    detect_change(ChangeRequest((write_field(tmp_path / "a.tif", before), write_field(tmp_path / "b.tif", after)),
                                str(tmp_path / "out.tif"), ChangeOptions("irmad")), Watcher())
    found = read_bands(tmp_path / "out.tif")[0].ravel()
    rows = [values.reshape(5, -1).T.astype(np.float64)[1:] for values in (before, after)]
    assert np.isnan(found[0]) and np.allclose(found[1:] ** 2, direct(*rows), rtol=3e-2)


def test_dependent_dimensions_and_equal_dates_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after, _ = dates()
    monkeypatch.setattr(module, "SETTLED", 1e-8)
    twice = np.hstack([before, before[:, :1] + before[:, 1:2]])
    wide = np.hstack([after, after[:, :1] + after[:, 1:2]])
    found = fit_irmad(twice, wide, lambda share: None)
    assert len(found.correlations) == 5
    assert np.allclose(found.chi_square(twice, wide), direct(before, after), rtol=1e-4)
    assert np.isfinite(fit_irmad(before, before, lambda share: None).chi_square(before, before)).all()


def test_too_few_cells_and_flat_dates_are_refused() -> None:
    before, after, _ = dates(rows=10)
    with pytest.raises(InputError, match="more cells with values at both dates than twice the 5 dimensions"):
        fit_irmad(before, after, lambda share: None)
    before, after, _ = dates()
    with pytest.raises(InputError, match="holds the same vector everywhere"):
        fit_irmad(before, np.zeros_like(after), lambda share: None)


@pytest.mark.parametrize("freedom", [1, 2, 3, 8, 63, 64, 330])
def test_the_upper_tail_is_that_of_scipy(freedom: int) -> None:
    values = np.concatenate([[0.0], np.geomspace(1e-6, 4.0 * freedom + 100, 400)])
    assert np.allclose(upper_tail(values, freedom), stats.chi2.sf(values, freedom), rtol=1e-6, atol=1e-12)


def test_rounds_end_before_the_unchanged_are_a_handful() -> None:
    random = np.random.default_rng(0)
    before = random.normal(size=(5000, 4))
    after = before + random.standard_t(1.2, size=(5000, 4)) * 0.3
    fit = fit_irmad(before, after, lambda share: None)
    assert not fit.settled and fit.rounds < 20
    assert (upper_tail(fit.chi_square(before, after), 4) > 0.05).mean() > 0.1
    steady, other, _ = dates()
    assert fit_irmad(steady, other, lambda share: None).settled


@pytest.mark.parametrize("dims", [4, 16])
def test_noise_alone_rests_at_twice_the_least_share(dims: int) -> None:
    random = np.random.default_rng(1)
    before = random.normal(size=(30_000, dims))
    fit = fit_irmad(before, before + random.normal(0, 0.5, before.shape), lambda share: None)
    assert fit.settled
    resting = upper_tail(fit.chi_square(before, before + random.normal(0, 0.5, before.shape)), dims).mean()
    assert resting == pytest.approx(2 * module.least_share(dims), rel=0.1)
