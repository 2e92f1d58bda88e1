"""Networks of location encoders as plain data: NumPy, ONNX Runtime and our own evaluator against PyTorch's layers."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, Tuple

import numpy as np
import pytest

from earthprint.engine.encoders.numpy_session import NumpySession
from earthprint.engine.error_function import erf
from earthprint.engine.errors import ModelError
from earthprint.engine.locations.network import (
    Activation,
    Linear,
    Lookup,
    Network,
    Norm,
    Normalise,
    Skip,
    Stage,
    Sum,
    Waves,
)
from earthprint.engine.onnxgraph import OnnxGraph

CHANCE = np.random.default_rng(11)


def drawn(*shape: int) -> np.ndarray:
    return (CHANCE.normal(size=shape) / math.sqrt(shape[-1])).astype(np.float32)


def torch_stage(stage: Stage) -> "Callable[[Any], Any]":
    """Return what PyTorch makes of a stage, in float64 so that it is the truth."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional

    def tensor(values: Any) -> Any:
        return torch.as_tensor(np.asarray(values, dtype=np.float64))

    if isinstance(stage, Linear):
        return lambda x: functional.linear(x, tensor(stage.weight), None if stage.bias is None else tensor(stage.bias))
    if isinstance(stage, Activation):
        return {"relu": torch.relu, "leaky_relu": lambda x: functional.leaky_relu(x, stage.number),
                "sigmoid": torch.sigmoid, "tanh": torch.tanh, "gelu": torch.nn.GELU(),
                "sine": lambda x: torch.sin(stage.number * x)}[stage.name]
    if isinstance(stage, Norm):
        return lambda x: functional.layer_norm(x, x.shape[-1:], tensor(stage.weight), tensor(stage.bias), stage.eps)
    if isinstance(stage, Skip):
        return lambda x: x + torch_network(stage.stages)(x)
    if isinstance(stage, Sum):
        return lambda x: sum(torch_network(branch)(x) for branch in stage.branches)
    if isinstance(stage, Waves):
        def waves(x: Any) -> Any:
            angles = 2 * math.pi * x @ tensor(stage.directions).T
            return torch.cat([torch.cos(angles), torch.sin(angles)], dim=1)
        return waves
    if isinstance(stage, Lookup):
        return lambda x: tensor(stage.table)[x[:, 0].long()]
    return lambda x: functional.normalize(x)


def torch_network(stages: "Tuple[Stage, ...]") -> "Callable[[Any], Any]":
    parts = [torch_stage(stage) for stage in stages]

    def run(x: Any) -> Any:
        for part in parts:
            x = part(x)
        return x
    return run


def graph_of(network: Network, inputs: int) -> bytes:
    graph = OnnxGraph("network")
    last = network.nodes(graph, graph.input("features", ["n", inputs], "float64"))
    graph.output(graph.node("Identity", [last], "embedding"), ["n", network.dimensions(inputs)])
    return graph.to_bytes()


def dense(inputs: int, outputs: int) -> Linear:
    return Linear(drawn(outputs, inputs), drawn(outputs))


CAPSULES = tuple((Waves(drawn(16, 2) * np.float32(scale)), dense(32, 24), Activation("relu"), dense(24, 8))
                 for scale in (1, 16, 256))
NETWORKS: "Dict[str, Tuple[int, Tuple[Stage, ...]]]" = {
    "none": (6, ()),
    "a line without bias": (6, (Linear(drawn(4, 6)),)),
    **{name: (6, (dense(6, 20), Activation(name, number), dense(20, 5))) for name, number in (
        ("relu", 0.0), ("leaky_relu", 0.2), ("sigmoid", 0.0), ("tanh", 0.0), ("gelu", 0.0), ("sine", 30.0))},
    "torchspatial": (10, (dense(10, 32), Activation("leaky_relu", 0.2), Norm(drawn(32) + 1, drawn(32)),
                          Skip((dense(32, 32), Activation("leaky_relu", 0.2))), Norm(drawn(32) + 1, drawn(32)),
                          dense(32, 7), Activation("leaky_relu", 0.2))),
    "residual": (4, (dense(4, 16), Activation("relu"),
                     *(Skip((dense(16, 16), Activation("relu"), dense(16, 16), Activation("relu")))
                       for _ in range(4)), Normalise())),
    "geoclip": (2, (Sum(CAPSULES),)),
    "tiles": (1, (Lookup(drawn(9, 6)), dense(6, 3)))}


def features(name: str, inputs: int) -> np.ndarray:
    if name == "tiles":
        return np.arange(40, dtype=np.float64)[:, None] % 9
    return CHANCE.uniform(-1, 1, (300, inputs))


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_is_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    inputs, stages = NETWORKS[name]
    network, given = Network(stages), features(name, inputs)
    expected = torch_network(stages)(torch.as_tensor(given)).numpy()
    assert network.dimensions(inputs) == expected.shape[1]
    found = network.apply(given)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    evaluated = NumpySession(graph_of(network, inputs)).run(None, {"features": given})[0]
    np.testing.assert_allclose(evaluated, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_in_onnx_runtime_is_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    onnxruntime = pytest.importorskip("onnxruntime")
    inputs, stages = NETWORKS[name]
    given = features(name, inputs)
    session = onnxruntime.InferenceSession(graph_of(Network(stages), inputs))
    found = session.run(None, {"features": given})[0]
    assert found.dtype == np.float32
    expected = torch_network(stages)(torch.as_tensor(given)).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    one = session.run(None, {"features": given[:1]})[0]
    np.testing.assert_allclose(one, expected[:1], rtol=0, atol=1e-5)


def test_the_error_function_is_exact_in_float32() -> None:
    values = np.concatenate([np.linspace(-8, 8, 20_001), [0.0, -0.0, 1e-30, 1e30, -1e30]]).astype(np.float32)
    expected = np.array([math.erf(value) for value in values.tolist()])
    np.testing.assert_allclose(erf(values), expected, rtol=0, atol=1e-7)
    assert np.isnan(erf(np.array([np.nan], dtype=np.float32)))[0]
    assert np.array_equal(np.signbit(erf(values)), np.signbit(values))


def test_large_values_overflow_nowhere() -> None:
    given = np.array([[-1e6, 1e6, 0.0]])
    with np.errstate(all="raise"):
        for name in ("sigmoid", "tanh", "relu", "gelu"):
            found = Network((Activation(name),)).apply(given)
            assert np.isfinite(found).all(), name
    np.testing.assert_array_equal(Network((Activation("sigmoid"),)).apply(given), [[0, 1, 0.5]])


@pytest.mark.parametrize(("stages", "inputs", "message"), [
    ((dense(6, 4), dense(5, 4)), 6, "a layer takes 5 values and gets 4"),
    ((Linear(drawn(4, 6), drawn(5)),), 6, "a bias has another length"),
    ((Activation("swish"),), 6, "“swish” is no activation"),
    ((Norm(drawn(4), drawn(4)),), 6, "a norm is not for 6 values"),
    ((Skip((dense(6, 4),)),), 6, "a skipped part changes"),
    ((Sum(((dense(6, 4),), (dense(6, 5),))),), 6, "branches of a sum differ"),
    ((Waves(drawn(3, 2)),), 6, "takes 2 values and gets 6"),
    ((Lookup(drawn(3, 2)),), 6, "takes 1 values and gets 6")])
def test_stages_that_do_not_fit_together_are_told(stages: "Tuple[Stage, ...]", inputs: int, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Network(stages).dimensions(inputs)
