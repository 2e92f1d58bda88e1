"""Tiny ONNX files for tests of what surrounds an encoder: cells are means of patches of a scaled image."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Sequence

import numpy as np
import pytest

from earthprint.engine.card import DENSE, Card, CardBand, ModelInput, ModelOutput
from earthprint.engine.onnxfile import sha256

onnx = pytest.importorskip("onnx", reason="onnx is needed to make small graphs")

BANDS, DIMS, PATCH = 2, 3, 4
WEIGHTS = (np.arange(DIMS * BANDS * PATCH * PATCH, dtype=np.float32).reshape(DIMS, BANDS, PATCH, PATCH) - 40) / 100


def patch_means(path: Path, tile: int = 0, notes: "Optional[dict[str, str]]" = None, external: str = "",
                opset: int = 17, ir: int = 8, extra: "Sequence[tuple[str, Sequence[object]]]" = (),
                scale: float = 1.0) -> Path:
    """Write a graph of one convolution with stride and kernel of `PATCH`; its weights in another file if asked."""
    size: object = tile or "size"
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info("image", kind, ["batch", BANDS, size, size])]
    inputs += [helper.make_tensor_value_info(name, kind, list(shape)) for name, shape in extra]
    cells: object = tile // PATCH if tile else "cells"
    output = helper.make_tensor_value_info("embedding", kind, ["batch", DIMS, cells, cells])
    nodes = [helper.make_node("Conv", ["image", "weights"], ["plain" if extra else "embedding"],
                              kernel_shape=[PATCH, PATCH], strides=[PATCH, PATCH])]
    for number, (name, _) in enumerate(extra):
        # Every extra input takes part, so that none is dropped as unused.
        nodes.append(helper.make_node("ReduceSum", [name], [f"sum{number}"], keepdims=0))
        nodes.append(helper.make_node("Add", ["plain" if number == 0 else f"part{number - 1}", f"sum{number}"],
                                      ["embedding" if number == len(extra) - 1 else f"part{number}"]))
    weights = onnx.numpy_helper.from_array(WEIGHTS * np.float32(scale), "weights")
    model = helper.make_model(helper.make_graph(nodes, "small", inputs, [output], [weights]),
                              opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)
    for key, value in (notes or {}).items():
        model.metadata_props.add(key=key, value=value)
    if external:
        onnx.external_data_helper.convert_model_to_external_data(model, location=external, size_threshold=0)
        tensor = model.graph.initializer[0]
        (path.parent / external).parent.mkdir(parents=True, exist_ok=True)
        onnx.external_data_helper.save_external_data(tensor, str(path.parent))
        tensor.ClearField("raw_data")
    path.write_bytes(model.SerializeToString())
    return path


def card_of(path: Path, tile: int = 0, **changes) -> Card:
    """Describe such a graph."""
    cells = tile // PATCH if tile else -1
    facts = {
        "id": path.stem, "name": f"Small {path.stem}", "path": None, "model_path": path,
        "checksum": sha256(path) if path.exists() else "",
        "bands": (CardBand("B02", "blue", 0.493, "DN"), CardBand("B03", "green", 0.56, "DN")),
        "inputs": (ModelInput("image", "image", (-1, BANDS, tile or -1, tile or -1),
                              ("batch", "bands", "height", "width")),),
        "output": ModelOutput("embedding", (-1, DIMS, cells, cells), ("batch", "embedding", "height", "width")),
        "kind": DENSE, "dimensions": DIMS, "stride": PATCH, "tile": tile, "finite_context": True,
        "architecture": "One convolution"}
    return Card(**{**facts, **changes})
