"""What a source of vectors has for the labelled features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...table.parts import Identity

HERE, NO_PLACE, OUTSIDE, NO_VECTOR, MASKED = 0, 1, 2, 3, 4


@dataclass(frozen=True)
class Found:
    """Vectors `(m, D)` of samples, which label each belongs to, and where it lies in the CRS of the labels.

    `fates` tells of each label whether it has samples, or why it has none. Samples are in the order of their labels.
    """

    labels: np.ndarray
    vectors: np.ndarray
    points: np.ndarray
    fates: np.ndarray
    identity: Identity
