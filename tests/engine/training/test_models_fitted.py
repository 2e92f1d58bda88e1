"""What models learn agrees with scikit-learn's, repeats bit for bit, honours weights and stops when told."""

import time

import numpy as np
import pytest
from model_data import data, design

from earthprint.engine.errors import Cancelled, InputError
from earthprint.engine.progress import Silent
from earthprint.engine.training.models import Design, candidates, fit, kinds
from earthprint.engine.training.models import ridge as ridge_module
from earthprint.engine.training.models.lbfgs import minimise
from earthprint.engine.training.models.scaling import moments

pytest.importorskip("sklearn")


class Impatient(Silent):
    """Cancels a while after the first question."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def cancelled(self):
        return time.monotonic() > self.end


@pytest.mark.parametrize("kind", sorted({*kinds(0), *kinds(2)}))
def test_the_same_seed_gives_the_same_bits(kind):
    task = "three targets" if kind == "ridge" else "five classes" if kind != "gp" else "one target"
    asked = design(task, 200)
    x = data(task, 100, 9)[0]
    assert (fit(kind, asked, Silent()).predict(x) == fit(kind, asked, Silent()).predict(x)).all()


def test_ridge_is_scikit_learns_with_the_penalty_it_chose():
    from sklearn.linear_model import Ridge
    asked = design("three targets", 250)
    model = fit("ridge", asked, Silent())
    mean, deviation = moments(asked.x, asked.weights)
    varying = deviation > 1e-6
    scaled = (asked.x[:, varying] - mean[varying]) / deviation[varying]
    x = (data("three targets", 80, 4)[0][:, varying] - mean[varying]) / deviation[varying]
    penalty = np.array(model.settings["penalty"]) * asked.weights.sum()
    peer = Ridge(alpha=penalty).fit(scaled, asked.y, sample_weight=asked.weights)
    assert np.allclose(model.predict(data("three targets", 80, 4)[0]), peer.predict(x), rtol=1e-8)


def test_ridge_chooses_the_penalty_that_a_plain_loop_chooses():
    from sklearn.linear_model import Ridge
    asked = design("one target", 60)
    mean, deviation = moments(asked.x, asked.weights)
    scaled = (asked.x - mean) / np.where(deviation > 1e-6, deviation, np.inf)
    losses = []
    for penalty in ridge_module.PENALTIES:
        loss = 0.0
        for rows, held in asked.splits(5):
            weights = asked.weights[rows]
            peer = Ridge(alpha=penalty * weights.sum()).fit(scaled[rows], asked.y[rows], sample_weight=weights)
            loss += asked.weights[held] @ (peer.predict(scaled[held]).reshape(-1, 1) - asked.y[held])[:, 0] ** 2
        losses.append(loss)
    assert fit("ridge", asked, Silent()).settings["penalty"] == [ridge_module.PENALTIES[int(np.argmin(losses))]]


def test_ridge_with_more_features_than_rows_is_the_same_as_through_features():
    from sklearn.linear_model import Ridge
    chance = np.random.default_rng(0)
    x = chance.normal(size=(40, 90)).astype(np.float32)
    y = x[:, :2] @ np.array([[1.0], [2.0]]) + 0.1 * chance.normal(size=(40, 1))
    asked = Design(x, y, np.ones(40), 0, np.arange(40) % 4, 0)
    model = fit("ridge", asked, Silent())
    mean, deviation = moments(x, asked.weights)
    peer = Ridge(alpha=model.settings["penalty"][0] * 40).fit((x - mean) / deviation, y)
    assert np.allclose(model.predict(x), peer.predict((x - mean) / deviation).reshape(-1, 1), atol=1e-6)


@pytest.mark.parametrize("task", ["two classes", "five classes"])
def test_logistic_is_scikit_learns_with_the_penalty_it_chose(task):
    from sklearn.linear_model import LogisticRegression
    asked = design(task, 250)
    model = fit("logistic", asked, Silent())
    mean, deviation = moments(asked.x, asked.weights)
    scaled = (asked.x - mean) / np.where(deviation > 1e-6, deviation, np.inf)
    x = data(task, 80, 4)[0]
    # The symmetric two-class model has half the difference of the weights on each side, so twice the strength.
    factor = 2.0 if task == "two classes" else 1.0
    strength = factor / (model.settings["penalty"] * asked.weights.sum())
    peer = LogisticRegression(C=strength, max_iter=5000, tol=1e-9).fit(scaled, asked.y, sample_weight=asked.weights)
    expected = peer.predict_proba((x - mean) / np.where(deviation > 1e-6, deviation, np.inf))
    assert np.abs(model.predict(x) - expected).max() < 2e-4


@pytest.mark.parametrize("task", ["three targets", "five classes"])
def test_neighbours_are_scikit_learns(task):
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    asked = design(task, 300, weights=np.ones(300))
    model = fit("knn", asked, Silent())
    kind = KNeighborsClassifier if asked.classes else KNeighborsRegressor
    peer = kind(model.count, weights="distance" if model.by_distance else "uniform").fit(
        model.scaling.exact(asked.x), asked.y)
    x = np.concatenate([data(task, 200, 4)[0], asked.x])
    expected = (peer.predict_proba if asked.classes else peer.predict)(model.scaling.exact(x))
    assert np.allclose(model.predict(x), expected, rtol=1e-4, atol=1e-4)


def test_the_process_is_scikit_learns_with_the_length_and_noise_it_chose():
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF
    asked = design("one target", 150)
    model = fit("gp", asked, Silent())
    weights = asked.weights
    peer = GaussianProcessRegressor(RBF(1.0, "fixed"), alpha=model.settings["noise"][0] / weights, optimizer=None)
    peer.fit(model.scaling.apply(asked.x).astype(np.float64), asked.y - model.mean)
    x = data("one target", 80, 4)[0]
    expected = peer.predict(model.scaling.apply(x).astype(np.float64)).reshape(-1, 1) + model.mean
    assert np.allclose(model.predict(x), expected, atol=1e-6)


@pytest.mark.parametrize("differing", [0, 10])
def test_the_process_takes_rows_that_are_mostly_copies(differing):
    asked = design("one target", 60)
    x = np.repeat(asked.x[:1], 60, axis=0)
    x[60 - differing:] = asked.x[60 - differing:]
    copies = Design(x, asked.y, asked.weights, 0, asked.inner, 0)
    with np.errstate(all="raise", under="ignore"):
        found = fit("gp", copies, Silent()).predict(x)
    expected = np.average(asked.y[:60 - differing, 0], weights=asked.weights[:60 - differing])
    spread = asked.y.std()
    np.testing.assert_allclose(found[:60 - differing, 0], expected, atol=0.2 * spread)
    if differing:
        assert np.corrcoef(found[60 - differing:, 0], asked.y[60 - differing:, 0])[0, 1] > 0.5


@pytest.mark.parametrize("kind", ["ridge", "knn", "forest", "boosting", "mlp", "gp"])
def test_rows_of_no_weight_teach_next_to_nothing(kind):
    """Half of the rows say the opposite with a millionth of the weight."""
    x, y, _ = data("one target", 300, 0)
    doubled = Design(np.concatenate([x, x]), np.concatenate([y, -y]), np.r_[np.full(300, 2.0), np.full(300, 2e-6)], 0,
                     np.tile(np.arange(300) % 4, 2), 0)
    far = data("one target", 500, 1)
    predicted = fit(kind, doubled, Silent()).predict(far[0])
    assert np.corrcoef(predicted[:, 0], far[1][:, 0])[0, 1] > 0.6


@pytest.mark.parametrize("kind", sorted({*kinds(0), *kinds(2)}))
def test_a_cancel_is_answered_within_two_seconds(kind):
    task = "five classes" if kind == "logistic" else "three targets"
    x, y, classes = data(task, 6000, 0)
    x = np.concatenate([x, np.random.default_rng(0).normal(size=(6000, 100))], axis=1).astype(np.float32)
    asked = Design(x, y, np.ones(6000), classes, np.arange(6000) % 5, 0)
    fit(kind, design(task, 60), Silent())
    started = time.monotonic()
    with pytest.raises(Cancelled):
        fit(kind, asked, Impatient(0.05))
    assert time.monotonic() - started < 2.05


def test_small_samples_are_fitted_by_every_model():
    for task in ("one target", "two classes"):
        asked = design(task, 14)
        for kind in kinds(asked.classes):
            assert np.isfinite(fit(kind, asked, Silent()).predict(asked.x)).all(), kind


@pytest.mark.parametrize("classes", [[0, 1, 2, 3], [0, 1, 1, 1, 1, 2, 3, 3]])
def test_classes_of_one_label_are_fitted_by_every_model(classes):
    rows, count = len(classes), max(classes) + 1
    x = np.random.default_rng(1).standard_normal((rows, 3)).astype(np.float32)
    for seed in range(2):
        asked = Design(x, np.array(classes), np.ones(rows), count, np.zeros(rows, dtype=np.int64), seed)
        for kind in kinds(count):
            shares = fit(kind, asked, Silent()).predict(x)
            assert shares.shape == (rows, count) and np.isfinite(shares).all(), kind
            np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-5)


def test_unknown_models_are_refused_and_large_samples_have_no_process():
    with pytest.raises(InputError, match="logistic can't be trained for this: choose one of ridge"):
        fit("logistic", design("one target", 30), Silent())
    assert "gp" in candidates(0, 1500) and "gp" not in candidates(0, 1501)
    assert candidates(3, 5000) == ("logistic", "knn", "forest", "boosting", "mlp")


def test_the_minimum_of_a_curved_valley_is_found():
    def valley(place):
        a, b = place
        return (1 - a) ** 2 + 100 * (b - a * a) ** 2, np.array([-2 * (1 - a) - 400 * a * (b - a * a),
                                                               200 * (b - a * a)])

    assert np.allclose(minimise(valley, np.array([-1.2, 1.0]), 1e-8, 500, Silent()), [1, 1], atol=1e-6)
