"""Saved reductions, by which another scene or year gets the same axes and colours."""

from __future__ import annotations

from numbers import Real

from ...errors import ModelError
from ...space import METRICS, Space, SpaceKey
from ..models import FittedModel, load_model, model_of
from .components import Components
from .fitted import PCA, UMAP, Projection
from .manifold import SampleMap

KIND = "reduction"


def to_model(fitted: Projection, space: "Space | SpaceKey") -> FittedModel:
    """Return what is saved."""
    parameters = {"method": fitted.method, "explained": list(fitted.explained)}
    if isinstance(fitted, SampleMap):
        parameters["metric"] = fitted.metric
    return model_of(KIND, space, {**fitted.arrays(), "stretch": fitted.stretch}, parameters)


def load_reduction(path: str, key: str, name: str, length: int) -> Projection:
    """Read the reduction of an earlier run, for the vectors of `name` in the space `key`."""
    model = load_model(path, [KIND])
    model.require_space(key, name)
    return from_model(model, length)


def from_model(model: FittedModel, length: int) -> Projection:
    """Return the reduction that was saved."""
    method = model.parameters.get("method")
    if method == PCA:
        axes = model.array("axes", None, length)
        return Components(model.array("origin", length), axes, model.array("stretch", len(axes), 2), _explained(model))
    metric = model.parameters.get("metric")
    if method != UMAP or metric not in METRICS:
        raise _unknown(model)
    sample = model.array("sample", None, length)
    places = model.array("places", len(sample), None)
    if not places.size:
        raise _unknown(model)
    return SampleMap(metric, model.array("origin", length), sample, places, model.array("stretch", places.shape[1], 2))


def _explained(model: FittedModel) -> "tuple[float, ...]":
    """Return the shares of the variance."""
    shares = model.parameters.get("explained")
    if not isinstance(shares, list) or not all(isinstance(share, Real) for share in shares):
        raise _unknown(model)
    return tuple(float(share) for share in shares)


def _unknown(model: FittedModel) -> ModelError:
    """Say that the model holds no reduction that is known here."""
    return ModelError("reduction-unknown", "{name} holds no reduction that this version of Earthprint knows: update "
                      "Earthprint, or fit the reduction again.", name=model.name)
