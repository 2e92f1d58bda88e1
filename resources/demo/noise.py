"""Seeded random fields: what makes a drawn landscape look grown rather than ruled."""

from __future__ import annotations

from typing import Tuple

import numpy as np

Shape = Tuple[int, int]


def generator(seed: int, *stream: int) -> np.random.Generator:
    """Return a generator of its own for each part of the scene, so that tuning one part leaves the others alone."""
    return np.random.default_rng([seed, *stream])


def hashed(seed: int, *keys: np.ndarray) -> np.ndarray:
    """Return a number in [0, 1) that depends on seed and integer keys alone: one draw for a parcel, lot or house."""
    state = np.full(np.broadcast(*keys).shape, np.uint32(seed & 0xFFFFFFFF), dtype=np.uint32)
    for key in keys:
        state = state ^ key.astype(np.int32).view(np.uint32)
        state = _scramble(state)
    return (state >> np.uint32(8)).astype(np.float32) / np.float32(1 << 24)


def _scramble(state: np.ndarray) -> np.ndarray:
    """Mix the bits of 32-bit integers (the finaliser of MurmurHash3, with a step added so that 0 does not stay 0)."""
    state = state + np.uint32(0x9E3779B9)
    state = (state ^ (state >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    state = (state ^ (state >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return state ^ (state >> np.uint32(16))


def _spline_weights(count: int, step: float) -> np.ndarray:
    """Return the cubic B-spline weights that carry a coarse line of knots, `step` cells apart, to `count` cells."""
    position = np.arange(count) / step
    knot = np.floor(position).astype(int)
    t = position - knot
    weights = np.zeros((count, int(knot.max()) + 4), dtype=np.float32)
    rows = np.arange(count)
    for offset, value in enumerate(((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)):
        weights[rows, knot + offset] = value / 6
    return weights


def smooth_noise(shape: Shape, step: float, rng: np.random.Generator) -> np.ndarray:
    """Return noise of mean 0 and about unit spread whose bumps are about `step` cells wide."""
    down, across = _spline_weights(shape[0], step), _spline_weights(shape[1], step)
    knots = rng.standard_normal((down.shape[1], across.shape[1]), dtype=np.float32)
    return 2.1 * (down @ knots @ across.T)


def fractal_noise(shape: Shape, step: float, octaves: int, roughness: float, rng: np.random.Generator) -> np.ndarray:
    """Return a sum of noises, each octave half as wide and `roughness` times as high as the one before; unit spread."""
    total = np.zeros(shape, dtype=np.float32)
    height, power = 1.0, 0.0
    for _ in range(octaves):
        total += np.float32(height) * smooth_noise(shape, step, rng)
        power += height**2
        step, height = max(step / 2, 1.5), height * roughness
    return total / np.float32(np.sqrt(power))


def blur(field: np.ndarray, sigma: float) -> np.ndarray:
    """Return the field after a Gaussian blur of `sigma` cells, with mirrored edges."""
    reach = max(1, int(np.ceil(3 * sigma)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    padded = np.pad(field, ((reach, reach), (0, 0)), mode="symmetric")
    field = sum(weight * padded[k:k + field.shape[0]] for k, weight in enumerate(kernel))
    padded = np.pad(field, ((0, 0), (reach, reach)), mode="symmetric")
    return sum(weight * padded[:, k:k + field.shape[1]] for k, weight in enumerate(kernel))
