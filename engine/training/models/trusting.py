"""Guards against a scikit-learn that keeps its models in another way than the versions known here."""

from __future__ import annotations

import numpy as np

from ...errors import PackageError
from ...packages import find, installed_version

_TOLERANCE = 1e-6


def require_equal(predicted: np.ndarray, drawn: np.ndarray) -> None:
    """Raise unless what was drawn from a model predicts as the model itself does."""
    scale = max(float(np.abs(predicted).max(initial=0.0)), 1e-300)
    if np.all(np.abs(predicted - drawn) <= _TOLERANCE * scale):
        return
    raise PackageError("sklearn-unknown", "The trees of scikit-learn {version} can't be read, because it keeps them in "
                       "a way that this version of Earthprint doesn't know: update Earthprint, or choose another "
                       "MODEL.", version=installed_version(find("scikit-learn")) or "here")
