"""Multinomial logistic regression with a squared penalty, fitted along a path of penalties from strong to weak."""

from __future__ import annotations

import numpy as np

from ...progress import Part, Progress
from .design import Design
from .lbfgs import minimise
from .linear import Linear, softmax, unscaled
from .scaling import moments

PENALTIES = 10.0 ** np.arange(0.0, -5.01, -0.5)
_MOST_SPLITS = 5
_MOST_STEPS = 300
# What keeps the intercept of a class finite that a fold has no row of.
_INTERCEPT_PENALTY = 1e-8
_WORSE = 2


def fit_logistic(design: Design, progress: Progress) -> Linear:
    """Fit with the penalty that has the least logarithmic loss in the inner folds."""
    mean, deviation = moments(design.x, design.weights)
    deviation = np.where(deviation <= 1e-7 * np.abs(mean), 0.0, deviation)
    factor = np.where(deviation > 0, 1.0 / np.where(deviation > 0, deviation, 1.0), 0.0)
    scaled = (design.x - mean) * factor
    splits = design.splits(_MOST_SPLITS)
    losses = np.zeros(len(PENALTIES))
    for number, (rows, held) in enumerate(splits):
        part = Part(progress, 0.8 * number / len(splits), 0.8 * (number + 1) / len(splits))
        losses += _path_losses(design, scaled, rows, held, part)
    best = int(losses.argmin())
    weights = np.zeros((scaled.shape[1] + 1) * design.classes)
    everything = np.arange(len(scaled))
    for number in range(best + 1):
        progress.report(0.8 + 0.2 * number / (best + 1))
        tolerance = 1e-6 if number == best else 1e-3
        weights = _minimised(design, scaled, everything, PENALTIES[number], weights, tolerance, progress)
    weights = weights.reshape(-1, design.classes)
    progress.report(1.0)
    return unscaled("logistic", design.classes, weights[:-1], weights[-1], mean, deviation,
                    {"penalty": float(PENALTIES[best]), "weights": "used"})


def _path_losses(design: Design, scaled: np.ndarray, rows: np.ndarray, held: np.ndarray,
                 progress: Progress) -> np.ndarray:
    """Return the held-out logarithmic loss of each penalty; a path that only gets worse isn't followed to its end."""
    losses = np.full(len(PENALTIES), np.inf)
    weights = np.zeros((scaled.shape[1] + 1) * design.classes)
    share = design.weights[held] / max(float(design.weights[held].sum()), 1e-300)
    for number, penalty in enumerate(PENALTIES):
        progress.report(number / len(PENALTIES))
        weights = _minimised(design, scaled, rows, penalty, weights, 1e-4, progress)
        matrix = weights.reshape(-1, design.classes)
        probabilities = softmax(scaled[held] @ matrix[:-1] + matrix[-1])
        losses[number] = -share @ np.log(np.maximum(probabilities[np.arange(len(held)), design.y[held]], 1e-12))
        if number - int(losses[:number + 1].argmin()) >= _WORSE:
            losses[number + 1:] = losses[number]
            break
    return losses


def _minimised(design: Design, scaled: np.ndarray, rows: np.ndarray, penalty: float, start: np.ndarray,
               tolerance: float, progress: Progress) -> np.ndarray:
    """Return the weights `((F + 1) * K,)` of one penalty, from those of the one before."""
    x, share = scaled[rows], design.weights[rows] / max(float(design.weights[rows].sum()), 1e-300)
    truth = np.eye(design.classes)[design.y[rows]]

    def value_and_slope(flat: np.ndarray) -> "tuple[float, np.ndarray]":
        """Return the penalised loss and its gradient."""
        matrix = flat.reshape(-1, design.classes)
        scores = x @ matrix[:-1] + matrix[-1]
        scores -= scores.max(axis=1, keepdims=True)
        powers = np.exp(scores)
        sums = powers.sum(axis=1)
        loss = share @ (np.log(sums) - (scores * truth).sum(axis=1))
        error = (powers / sums[:, np.newaxis] - truth) * share[:, np.newaxis]
        slope = np.vstack([x.T @ error + penalty * matrix[:-1], error.sum(axis=0) + _INTERCEPT_PENALTY * matrix[-1]])
        loss += 0.5 * (penalty * (matrix[:-1] ** 2).sum() + _INTERCEPT_PENALTY * (matrix[-1] ** 2).sum())
        return float(loss), slope.ravel()

    return minimise(value_and_slope, start, tolerance, _MOST_STEPS, progress)
