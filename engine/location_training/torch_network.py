"""A network as torch evaluates and changes it; its plain form comes back out, so both are one structure."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, Callable, Dict, List

import numpy as np

from ..locations.network import Activation, Linear, Lookup, Network, Norm, Normalise, Scale, Skip, Stage

# What is fitted before the training and stays as it is.
_FIXED = (Scale,)


class TorchNetwork:
    """Holds a network's arrays as tensors; features are scaled before, by `prepared`."""

    def __init__(self, network: Network, torch: Any, device: Any) -> None:
        """Copy the arrays of all stages that learn."""
        self._torch = torch
        self._network = network
        self._chance: Any = None
        self._dropout = 0.0
        self.parameters: "List[Any]" = [
            torch.from_numpy(np.array(array, dtype=np.float32)).to(device).requires_grad_(True)
            for array in _arrays(network.stages)]
        self.decays = [array.ndim > 1 for array in _arrays(network.stages)]

    @property
    def numbers(self) -> int:
        """Return how many numbers it learns."""
        return sum(int(parameter.numel()) for parameter in self.parameters)

    def drop(self, share: float, chance: Any) -> None:
        """Leave out so many of the hidden numbers by chance (a torch generator) from now on; none where it is None."""
        self._dropout, self._chance = share, chance

    def __call__(self, inputs: Any) -> Any:
        """Return vectors of prepared features."""
        supply = iter(self.parameters)
        for stage in self._network.stages:
            inputs = self._apply(stage, inputs, supply)
        return inputs

    def plain(self) -> Network:
        """Return the network with the numbers that were learnt."""
        supply = iter([parameter.detach().cpu().numpy().copy() for parameter in self.parameters])
        return Network(tuple(_filled(stage, supply) for stage in self._network.stages))

    def _apply(self, stage: Stage, x: Any, supply: Any) -> Any:
        """Return what a stage makes of its input."""
        torch = self._torch
        if isinstance(stage, Linear):
            weight = next(supply)
            return torch.nn.functional.linear(x, weight, next(supply) if stage.bias is not None else None)
        if isinstance(stage, Activation):
            return self._dropped(_activation(torch, stage)(x))
        if isinstance(stage, Norm):
            weight, bias = next(supply), next(supply)
            return torch.nn.functional.layer_norm(x, (weight.shape[0],), weight, bias, stage.eps)
        if isinstance(stage, Skip):
            inner = x
            for part in stage.stages:
                inner = self._apply(part, inner, supply)
            return x + inner
        if isinstance(stage, Lookup):
            return next(supply).index_select(0, x)
        if isinstance(stage, Normalise):
            return torch.nn.functional.normalize(x, dim=1)
        if isinstance(stage, _FIXED):
            return x
        raise TypeError(f"{type(stage).__name__} can't be trained")

    def _dropped(self, x: Any) -> Any:
        """Return what is left of hidden numbers, as much on average as before."""
        if self._chance is None or not self._dropout:
            return x
        kept = self._torch.rand(x.shape, generator=self._chance, device=x.device) >= self._dropout
        return x * kept / (1.0 - self._dropout)


def prepared(network: Network, features: np.ndarray) -> np.ndarray:
    """Return features as the first learning stage takes them: scaled in float64, then float32; tiles as whole numbers.

    Coordinates of a small area differ in digits that float32 doesn't have.
    """
    first = network.stages[0]
    if isinstance(first, Lookup):
        return features[:, 0].astype(np.int64)
    if isinstance(first, Scale):
        features = (features - first.mean) * first.factor
    return features.astype(np.float32)


def _activation(torch: Any, stage: Activation) -> "Callable[[Any], Any]":
    """Return the function of an activation."""
    number = stage.number
    found: "Dict[str, Callable[[Any], Any]]" = {
        "relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "gelu": torch.nn.functional.gelu,
        "leaky_relu": lambda x: torch.nn.functional.leaky_relu(x, number), "sine": lambda x: torch.sin(number * x)}
    return found[stage.name]


def _arrays(stages: "tuple[Stage, ...]") -> "List[np.ndarray]":
    """Return the arrays that learn, in the order in which the stages use them."""
    found: "List[np.ndarray]" = []
    for stage in stages:
        if isinstance(stage, _FIXED) or not is_dataclass(stage):
            continue
        for part in fields(stage):
            value = getattr(stage, part.name)
            if isinstance(value, np.ndarray):
                found.append(value)
            elif isinstance(value, tuple):
                found += _arrays(value)
    return found


def _filled(stage: Stage, supply: Any) -> Stage:
    """Return a stage with arrays in place of its own."""
    if isinstance(stage, _FIXED):
        return stage
    changed: "Dict[str, Any]" = {}
    for part in fields(stage):
        value = getattr(stage, part.name)
        if isinstance(value, np.ndarray):
            changed[part.name] = next(supply)
        elif isinstance(value, tuple):
            changed[part.name] = tuple(_filled(inner, supply) for inner in value)
    return replace(stage, **changed)
