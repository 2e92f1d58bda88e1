"""The location encoders that ship as files: what the formulas make, and what any program gets from them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from place_layers import thousand_places

from earthprint.engine.locations import IDS, find_location_encoder
from earthprint.engine.locations.shipping import MODELS, shipped_files
from earthprint.engine.locations.stored import open_location_encoder
from earthprint.engine.onnxgraph import read_graph

RUN = "run earthprint.engine.locations.shipping"
PLACES = thousand_places()
FILES = sorted(path.name for path in MODELS.iterdir() if path.is_file())


def test_the_files_are_those_that_the_formulas_make() -> None:
    made = shipped_files()
    assert sorted(made) == FILES and len(FILES) == 2 * len(IDS)
    for name, content in made.items():
        kept = (MODELS / name).read_bytes()
        if name.endswith(".onnx"):
            first, second = read_graph(kept), read_graph(content)
            assert (first.nodes, first.inputs, first.outputs, first.notes, first.opsets) == (
                second.nodes, second.inputs, second.outputs, second.notes, second.opsets), RUN
            assert list(first.weights) == list(second.weights), RUN
            for key, values in first.weights.items():
                # Another processor's powers and roots may differ in the last digit.
                np.testing.assert_allclose(values, second.weights[key], rtol=1e-14, atol=0, err_msg=RUN)
        else:
            first, second = json.loads(kept), json.loads(content)
            for item in (first, second):
                del item["assets"]["model"]["file:checksum"]
            assert first == second, RUN
    assert sum(len(content) for content in made.values()) < 200_000


@pytest.mark.parametrize("name", IDS)
def test_any_runtime_gets_the_formulas_vectors_from_the_file(name: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(MODELS / f"{name}.onnx"))
    only, = session.get_inputs()
    assert (only.name, only.type, only.shape[1]) == ("location", "tensor(double)", 2)
    found = session.run(["embedding"], {"location": PLACES})[0]
    formula = find_location_encoder(name)
    assert found.dtype == np.float32 and found.shape == (1000, formula.dimensions)
    # Float64 inside, so that only the last rounding can differ.
    np.testing.assert_allclose(found, formula.vectors(PLACES), rtol=1.3e-7, atol=1e-10)


@pytest.mark.parametrize("name", IDS)
def test_their_cards_are_sound_and_valid(name: str) -> None:
    encoder = open_location_encoder(MODELS / f"{name}.json")
    formula = find_location_encoder(name)
    assert encoder.card.position.settings == formula.settings and encoder.dimensions == formula.dimensions
    assert (encoder.seamless, encoder.polar) == (formula.seamless, formula.polar)
    assert encoder.space().unit_norm == formula.space().unit_norm and encoder.card.licence == "CC0-1.0"
    item = json.loads((Path(MODELS) / f"{name}.json").read_text(encoding="utf-8"))
    pytest.importorskip("stac_model.schema").MLModelProperties.model_validate(item["properties"])
