"""Cards on disk: what is written reads back the same, is valid STAC, and every fault is named in one sentence."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import math
import os
import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earthprint.engine.card import CHIP, DENSE, Card, CardBand, ModelInput, ModelOutput, Reduction, Scaling
from earthprint.engine.card_check import COMMON_NAMES, check_card, safe_id, safe_name
from earthprint.engine.card_item import card_item
from earthprint.engine.card_json import (
    card_note,
    network_digest,
    read_card,
    read_embedded,
    read_template,
    read_unplaced,
    require_agreement,
    write_card,
)
from earthprint.engine.errors import CardError
from earthprint.engine.scaling_json import ScalingError, parse_steps, read_scaling, write_scaling

CARDS = sorted((Path(__file__).resolve().parents[2] / "models" / "cards").glob("*.json"))
MODEL_BYTES = b"not really a graph"


def model_in(folder: Path, name: str = "encoder.onnx") -> Path:
    path = folder / name
    path.write_bytes(MODEL_BYTES)
    return path


def dense_card(model: Path, **changes) -> Card:
    facts = {
        "id": "my-encoder", "name": "My encoder", "path": None, "model_path": model,
        "checksum": hashlib.sha256(MODEL_BYTES).hexdigest(),
        "bands": (CardBand("B02", "blue", 0.493, "reflectance x 10000", 0.0, 10000.0),
               CardBand("B03", "green", 0.56, "reflectance x 10000", 0.0, 10000.0)),
        "inputs": (ModelInput("image", "image", (-1, 2, 64, 64), ("batch", "bands", "height", "width")),),
        "output": ModelOutput("tokens", (-1, 65, 16), ("batch", "token", "embedding")), "kind": DENSE,
        "dimensions": 16, "stride": 8,
        "tile": 64, "tokens_drop": 1, "scaling": Scaling((1000.0, 1100.0), (500.0, 600.0)), "licence": "CC0-1.0",
        "architecture": "ViT"}
    return Card(**{**facts, **changes})


def same(first: Card, second: Card) -> None:
    """Compare two cards field by field; a normalisation by what it does, a reduction by its numbers."""
    for item in fields(Card):
        before, after = getattr(first, item.name), getattr(second, item.name)
        if item.name == "path":
            continue
        if item.name == "scaling":
            count = len(first.bands)
            values = np.linspace(-20000, 70000, 101, dtype=np.float32)[None].repeat(count, 0)
            np.testing.assert_allclose(after.apply(values), before.apply(values), rtol=1e-6, atol=1e-6)
        elif item.name == "reduction" and before is not None:
            assert after.digest() == before.digest()
            np.testing.assert_array_equal(after.components, before.components)
            assert (after.method, after.explained) == (before.method, before.explained)
        else:
            assert after == before, item.name


finite = st.floats(-1e5, 1e5, allow_nan=False, width=32)
positive = st.floats(0.125, 1e5, width=32)


@st.composite
def cards(draw):
    count = draw(st.integers(1, 5))
    stride = draw(st.sampled_from([4, 8, 14, 16]))
    cells = draw(st.integers(2, 6))
    halo = draw(st.sampled_from([0, 0, 3]))
    fixed = draw(st.booleans())
    tile = cells * stride + 2 * halo if fixed else 0
    dims = draw(st.integers(1, 12))
    dates = draw(st.sampled_from([1, 1, 3]))
    batch = draw(st.sampled_from([-1, 1, 4]))
    size = tile or -1
    shape, order = ((batch, count, size, size), ("batch", "bands", "height", "width")) if dates == 1 else (
        (batch, count, dates, size, size), ("batch", "bands", "time", "height", "width"))
    inputs = [ModelInput("image", "image", shape, order)]
    extras = draw(st.sets(st.sampled_from(["mask", "waves", "gsd", "time", "place"])))
    if "mask" in extras:
        inputs.append(ModelInput("m", "mask", (batch, 1, size, size), ("batch", "bands", "height", "width"),
                                 draw(st.sampled_from(["float32", "bool", "uint8"]))))
    if "waves" in extras:
        inputs.append(ModelInput("w", "wavelengths", (count,), ("value",), encoding=draw(st.sampled_from(["um",
                                                                                                          "nm"]))))
    if "gsd" in extras:
        inputs.append(ModelInput("g", "gsd", (1,), ("value",), encoding="m"))
    if "time" in extras:
        inputs.append(ModelInput("t", "time", (-1, 2), ("batch", "value"), "int64", "year-doy"))
    if "place" in extras:
        inputs.append(ModelInput("p", "latlon", (-1, 4), ("batch", "value"), encoding="sincos"))
    drop = 0
    kind, pooling = DENSE, "none"
    what = draw(st.sampled_from(["map", "token", "vector", "cls"]))
    if what == "map":
        output = ModelOutput("o", (-1, dims, cells if fixed else -1, cells if fixed else -1),
                             ("batch", "embedding", "height", "width"))
    elif what == "vector" or halo:
        output, kind = ModelOutput("o", (-1, dims), ("batch", "embedding")), CHIP
    else:
        drop = draw(st.integers(0, 5))
        tokens = cells * cells * dates + drop if fixed else -1
        output = ModelOutput("o", (-1, tokens, dims), ("batch", "token", "embedding"))
        if what == "cls":
            kind, pooling = CHIP, "cls"
    if kind == CHIP and tile:
        stride, halo = tile, 0
    spread = draw(st.sampled_from([1, count]))
    clip = draw(st.sampled_from([None, (0.0, 1.0), (-3.5, 2.25)]))
    before = draw(st.sampled_from([None, (0.0, 10000.0), (-math.inf, 5000.0), (12.0, math.inf)]))
    reduction = None
    if draw(st.booleans()):
        rng = np.random.default_rng(draw(st.integers(0, 99)))
        rows = draw(st.integers(1, dims))
        reduction = Reduction("pca", rng.standard_normal(dims).astype(np.float32),
                              rng.standard_normal((rows, dims)).astype(np.float32), (0.5,) * rows)
    normalise = draw(st.booleans())
    return {
        "id": draw(st.from_regex(r"[a-z][a-z0-9._-]{0,20}[a-z0-9]", fullmatch=True).filter(
            lambda text: safe_id(text) == text)),
        "name": "An encoder " + draw(st.from_regex(r"[A-Za-z0-9_. -]{0,10}[a-z]", fullmatch=True)),
        "bands": tuple(CardBand(f"Band {number} é", draw(st.sampled_from(("", *COMMON_NAMES))),
                             draw(st.floats(0.3, 15, allow_nan=False)), draw(st.sampled_from(["", "dB", "µW"])),
                             draw(st.sampled_from([None, 0.0, -1.5])), draw(st.sampled_from([None, 10000.0])))
                    for number in range(count)),
        "inputs": tuple(inputs), "output": output, "kind": kind, "dimensions": dims, "stride": stride, "tile": tile,
        "halo": halo,
        "tokens_drop": drop, "pooling": pooling, "dates": dates,
        "date_pooling": draw(st.sampled_from(["mean", "max", "last"])) if dates > 1 else "mean",
        "context": draw(st.integers(0, 50)), "finite_context": draw(st.booleans()),
        "suggested_tile": draw(st.integers(0, 512)),
        "suggested_batch": draw(st.integers(0, 8)),
        "scaling": Scaling(tuple(draw(finite) for _ in range(spread)), tuple(draw(positive) for _ in range(spread)),
                        before, clip),
        "fill": draw(st.sampled_from([None, 0.0, -1.25])), "metric": draw(st.sampled_from(["cosine", "euclidean"])),
        "unit_norm": normalise or draw(st.booleans()), "normalise_output": normalise,
        "gsd_range": draw(st.sampled_from([None, (0.5, 30.0)])), "normalisation": draw(st.sampled_from(["card",
                                                                                                        "image"])),
        "reduction": reduction, "licence": draw(st.sampled_from(["", "MIT"])), "architecture": "Some network",
        "details": {"statistic": "std", "nested": {"a": [1, 2.5]}} if draw(st.booleans()) else {},
        "fitted_on": draw(st.sampled_from(["", "scene.tif"])), "external": draw(st.booleans()),
        "description": draw(st.sampled_from(["", "A note with “quotes” and µ."]))}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=cards())
def test_what_is_written_reads_back_and_is_valid(tmp_path, facts):
    card = Card(path=None, model_path=model_in(tmp_path), checksum=hashlib.sha256(MODEL_BYTES).hexdigest(), **facts)
    path = write_card(card, tmp_path / "card.json")
    back = read_card(path)
    same(card, back)
    assert back.path == path
    assert back.space().digest() == card.space().digest()
    item = json.loads(path.read_text(encoding="utf-8"))
    assert mlm_faults(item) == []
    assert read_embedded(card_note(card), card.model_path).bands == card.bands
    assert network_digest(read_embedded(card_note(card), card.model_path)) == network_digest(back)


def test_two_writings_are_equal_to_the_byte(tmp_path):
    card = dense_card(model_in(tmp_path))
    first = write_card(card, tmp_path / "a.json").read_bytes()
    assert write_card(read_card(tmp_path / "a.json"), tmp_path / "a.json").read_bytes() == first


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_cards_that_ship_are_whole(path):
    card = read_template(path)
    assert card.id == path.stem
    assert not card.model_path.exists() and card.checksum == ""
    assert card.licence and card.description
    assert all(band.unit for band in card.bands)
    assert all(band.wavelength_um for band in card.bands)
    assert all(band.valid_min is not None and band.valid_max is not None for band in card.bands)
    assert mlm_faults(json.loads(path.read_text(encoding="utf-8"))) == []
    with pytest.raises(CardError, match="template.*Add an encoder"):
        read_card(path)


@pytest.mark.parametrize("name, band, value, expected", [
    # (value − mean) / standard deviation with the numbers that the models' authors publish
    ("prithvi-eo-2.0-300m", "BLUE", 3335.0, 1.0), ("prithvi-eo-2.0-600m", "SWIR_2", 1363.0 - 1049.0, -1.0),
    ("clay-v1.5-sentinel-2-l2a", "nir", 2743.0 + 1742.0, 1.0), ("clay-v1.5-landsat-c2l2-sr", "red", 13705.0, 0.0),
    ("clay-v1.5-naip", "nir", 139.04 - 49.86, -1.0), ("ssl4eo-s12-resnet50", "B10", 5000.0, 0.5),
    ("dinov3-sat-vit-l16", "red", 255.0, (1 - 0.430) / 0.213), ("dinov3-sat-vit-l16", "blue", 0.0, -0.296 / 0.143),
    ("terramind-v1-base-s2l2a", "B12", 1857.648 + 1334.311, 1.0), ("terramind-v1-tiny-s2l2a", "B01", 1390.458, 0.0),
])
def test_cards_that_ship_normalise_as_published(name, band, value, expected):
    card = read_template(next(path for path in CARDS if path.stem == name))
    position = [item.name for item in card.bands].index(band)
    values = np.full((len(card.bands), 1), value, np.float32)
    assert card.scaling.apply(values)[position, 0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name, tokens, dims", [
    ("prithvi-eo-2.0-tiny", 197, 192), ("prithvi-eo-2.0-600m", 257, 1280), ("clay-v1.5-linz", 1025, 1024),
    ("dinov3-sat-vit-l16", 261, 1024), ("terramind-v1-large-s2l2a", 196, 1024)])
def test_cards_that_ship_count_their_tokens(name, tokens, dims):
    card = read_template(next(path for path in CARDS if path.stem == name))
    assert card.output.shape == (-1, tokens, dims)


def test_landsat_order_of_clay_is_red_first():
    card = read_template(next(path for path in CARDS if path.stem == "clay-v1.5-landsat-c2l2-sr"))
    assert [band.name for band in card.bands] == ["red", "green", "blue", "nir08", "swir16", "swir22"]


# ---- normalisation ---------------------------------------------------------------------------------------------

VALUES = np.array([[-500.0, 0.0, 2000.0, 12000.0], [-500.0, 0.0, 2000.0, 12000.0]], np.float32)


@pytest.mark.parametrize("entries, naive", [
    ([{"type": "z-score", "mean": 100, "stddev": 50}], lambda x: (x - 100) / 50),
    ([{"type": "min-max", "minimum": 100, "maximum": 300}], lambda x: (x - 100) / 200),
    ([{"type": "clip", "minimum": 0, "maximum": 3000}], lambda x: np.clip(x, 0, 3000)),
    ([{"type": "clip-min", "minimum": 0}], lambda x: np.maximum(x, 0)),
    ([{"type": "clip-max", "maximum": 3000}], lambda x: np.minimum(x, 3000)),
    ([{"type": "offset", "value": 1000}], lambda x: x - 1000),
    ([{"type": "scale", "value": 10000}], lambda x: x / 10000),
    ([{"type": "z-score", "mean": 1, "stddev": 2}, {"type": "z-score", "mean": 3, "stddev": 4}],
     lambda x: (x - np.array([[1], [3]])) / np.array([[2], [4]])),
    ([{"type": "processing", "format": "earthprint", "expression": "two-sigma 1115.8 1955.7"}],
     lambda x: (x - (1115.8 - 2 * 1955.7)) / (4 * 1955.7)),
    ([{"type": "processing", "format": "earthprint", "expression": "two-sigma 1000 500 | clip 0 1"}],
     lambda x: np.clip((x - 0) / 2000, 0, 1)),
    ([{"type": "processing", "format": "earthprint", "expression": "scale 10000 | clip 0 1 | z-score 0.3 0.2"}] * 2,
     lambda x: (np.clip(x / 10000, 0, 1) - 0.3) / 0.2),
    ([{"type": "processing", "format": "earthprint", "expression": f"scale 10000 | clip 0 1 | z-score {m} 0.2"}
      for m in (0.1, 0.3)], lambda x: (np.clip(x / 10000, 0, 1) - np.array([[0.1], [0.3]])) / 0.2),
    ([{"type": "processing", "format": "earthprint", "expression": "clip 0 9000 | min-max 0 10000 | z-score 0.3 -0.2 "
       "| clip-max 1"}], lambda x: np.minimum((np.clip(x, 0, 9000) / 10000 - 0.3) / -0.2, 1)),
    ([{"type": "processing", "format": "earthprint", "expression": "offset 1000 | clip 0 500 | clip 100 300"}],
     lambda x: np.clip(np.clip(x - 1000, 0, 500), 100, 300)),
])
def test_normalisations_do_what_their_words_say(entries, naive):
    scaling = read_scaling(entries, None, 2)
    np.testing.assert_allclose(scaling.apply(VALUES), naive(VALUES.astype(np.float64)), rtol=2e-6, atol=2e-6)
    again = read_scaling(write_scaling(scaling), None, 2)
    np.testing.assert_allclose(again.apply(VALUES), scaling.apply(VALUES), rtol=1e-6, atol=1e-7)


def test_a_function_before_the_scaling_comes_first():
    before = {"format": "earthprint", "expression": "scale 10000"}
    scaling = read_scaling([{"type": "z-score", "mean": 0.3, "stddev": 0.2}], before, 2)
    np.testing.assert_allclose(scaling.apply(VALUES), (VALUES / 10000 - 0.3) / 0.2, rtol=1e-5)


@pytest.mark.parametrize("entries, words", [
    ([{"type": "z-score", "mean": 1, "stddev": 2}] * 2, "2 objects for 3 bands.*not a chain"),
    ([{"type": "z-score", "mean": 1}], "no number “stddev”"),
    ([{"type": "z-score", "mean": 1, "stddev": 0}], "divides by zero"),
    ([{"type": "min-max", "minimum": 5, "maximum": 5}], "divides by zero"),
    ([{"type": "l2"}], "unknown type “l2”"),
    ([{"type": "clip", "minimum": 5, "maximum": 1}], "wrong order"),
    ([{"type": "processing", "format": "python", "expression": "__import__('os').system('true')"}], "never executed"),
    ([{"type": "processing", "format": "earthprint", "expression": "exec 1"}], "“exec 1” is not a step"),
    ([{"type": "processing", "format": "earthprint", "expression": "z-score 1"}], "“z-score 1” is not a step"),
    ([{"type": "processing", "format": "earthprint", "expression": "scale ten"}], "needs numbers"),
    ([{"type": "processing", "format": "earthprint", "expression": ""}], "is not a step"),
    ([{"type": "clip", "minimum": 0, "maximum": top} for top in (1, 2, 3)], "different ranges"),
    (["z-score"], "something else than objects"),
])
def test_normalisations_that_cant_be_are_refused_in_words(entries, words):
    with pytest.raises(ScalingError, match=words):
        read_scaling(entries, None, 3)


def test_steps_of_a_user():
    assert parse_steps("scale 255") == Scaling((0.0,), (255.0,))


# ---- faults ----------------------------------------------------------------------------------------------------

def changed(tmp_path, change) -> Path:
    path = write_card(dense_card(model_in(tmp_path)), tmp_path / "card.json")
    item = json.loads(path.read_text(encoding="utf-8"))
    change(item)
    path.write_text(json.dumps(item), encoding="utf-8")
    return path


def setter(*keys):
    """Return a function that sets (or with `...` removes) the value at a path of keys."""
    *path, last, value = keys

    def change(item):
        for key in path:
            item = item[key]
        if value is ...:
            del item[last]
        else:
            item[last] = value
    return change


P = "properties"
HYPER = (P, "mlm:hyperparameters")
INPUT = (P, "mlm:input", 0)
OUTPUT = (P, "mlm:output", 0)
ASSET = ("assets", "model")


@pytest.mark.parametrize("change, words", [
    (setter("type", "Collection"), "type.*STAC"),
    (setter("stac_extensions", []), "stac_extensions.*mlm"),
    (setter("id", ...), "id is missing.*give the card an id"),
    (setter("id", "../evil"), "id is “../evil”.*such as evil"),
    (setter("id", "con"), "id is “con”"),
    (setter(P, "mlm:name", ...), "mlm:name is missing"),
    (setter(P, "mlm:name", "Bad (name)"), "mlm:name is “Bad .name.”.*such as Bad name"),
    (setter(P, "mlm:architecture", ...), "mlm:architecture is missing"),
    (setter(P, "mlm:tasks", ["classification"]), "mlm:tasks is classification.*similarity-search"),
    (setter(P, "mlm:framework", "PyTorch"), "mlm:framework is PyTorch"),
    (setter(P, "mlm:input", ...), "mlm:input is missing"),
    (setter(P, "mlm:input", []), "mlm:input is \\[\\]"),
    (setter(P, "mlm:output", []), "mlm:output is \\[\\]"),
    (setter(*INPUT, "name", ...), "mlm:input 1 ▸ name is missing"),
    (setter(*INPUT, "input", ...), "mlm:input 1 ▸ input is missing"),
    (setter(*INPUT, "input", "shape", [-1, 2, 0, 64]), "shape is .*−1"),
    (setter(*INPUT, "input", "dim_order", ["batch", "bands"]), "dim_order names 2 axes of 4"),
    (setter(*INPUT, "input", "dim_order", ["batch", "channel", "height", "width"]), "dim_order is batch, channel"),
    (setter(*INPUT, "input", "data_type", "float"), "data_type is float"),
    (setter(*INPUT, "input", "shape", [-1, 2, 64, 32]), "64 × 32.*square"),
    (setter(*INPUT, "bands", ["B02", "B03", "B04"]), "value_scaling has 2 objects for 3 bands"),
    (lambda item: (setter(*INPUT, "bands", ["B02", "B03", "B04"])(item), setter(*INPUT, "value_scaling", None)(item)),
     "names 3 bands, but the input image takes 2"),
    (setter(*INPUT, "bands", ["B02", "B02"]), "names a band twice"),
    (setter(*INPUT, "bands", []), "earthprint.aux.*input image, which has no bands"),
    (setter(*INPUT, "bands", ["B02", {"name": "NDVI", "format": "x", "expression": "y"}]), "computed first"),
    (setter(*INPUT, "resize_type", "interpolation-cubic"), "resize_type is interpolation-cubic"),
    (setter(*INPUT, "value_scaling", [{"type": "magic"}]), "value_scaling can't be used.*magic"),
    (setter(*OUTPUT, "result", "shape", [-1, 65, 17]), "earthprint.dimensions is 16, but the output tokens returns 17"),
    (setter(*OUTPUT, "result", "shape", [-1, 64, 16]), "63 vectors after dropping 1.*8 × 8 = 64"),
    (setter(*OUTPUT, "result", "dim_order", ["batch", "token", "channel"]), "dim_order is batch, token, channel"),
    (setter(*OUTPUT, "post_processing_function", {"format": "python", "expression": "os.remove"}), "never executed"),
    (setter(P, "mlm:hyperparameters", ...), "mlm:hyperparameters is missing"),
    (setter(*HYPER, "earthprint.profile", "2"), "profile is 2.*update Earthprint"),
    (setter(*HYPER, "earthprint.kind", ...), "earthprint.kind is missing"),
    (setter(*HYPER, "earthprint.kind", "pixel"), "earthprint.kind is “pixel”"),
    (setter(*HYPER, "earthprint.kind", "chip"), "output_stride is 8.*whole tile of 64"),
    (setter(*HYPER, "earthprint.output_stride", ...), "earthprint.output_stride is missing"),
    (setter(*HYPER, "earthprint.output_stride", 0), "earthprint.output_stride is 0"),
    (setter(*HYPER, "earthprint.output_stride", 7), "doesn't divide the 64 pixels"),
    (setter(*HYPER, "earthprint.output_stride", 8.5), "output_stride is 8.5, not a whole number"),
    (setter(*HYPER, "earthprint.tile", 128), "tile is 128, but the input image takes 64"),
    (setter(*HYPER, "earthprint.halo", 40), "halo of 40"),
    (setter(*HYPER, "earthprint.tokens_drop", 5), "60 vectors after dropping 5"),
    (setter(*HYPER, "earthprint.pooling", "median"), "pooling is median"),
    (setter(*HYPER, "earthprint.metric", "manhattan"), "metric is “manhattan”"),
    (setter(*HYPER, "earthprint.unit_norm", "yes"), "unit_norm is 'yes', not true or false"),
    (setter(*HYPER, "earthprint.nodata", "mask"), "nodata is “mask”, but no input takes one"),
    (setter(*HYPER, "earthprint.nodata", "fill:x"), "nodata is “fill:x”"),
    (setter(*HYPER, "earthprint.dates", 3), "dates is 3|takes 2"),
    (setter(*HYPER, "earthprint.gsd_range", [30, 10]), "gsd_range is"),
    (setter(*HYPER, "earthprint.valid_range", [[0, 1], [0, 1], [0, 1]]), "valid_range is no list of ranges"),
    (setter(*HYPER, "earthprint.valid_range", [[10, 1]]), "valid_range of B02 is 10.0 to 1.0"),
    (setter(*HYPER, "earthprint.details", [1]), "details is \\[1\\], not an object"),
    (setter(*HYPER, "earthprint.reduction", {"method": "pca"}), "reduction ▸ mean is missing"),
    (setter(*ASSET, "eo:bands", [{"common_name": "blue"}]), "eo:bands has a band without a name"),
    (setter(*ASSET, "eo:bands", [{"name": "B02", "common_name": "azure"}]), "common_name is “azure”"),
    (setter(*ASSET, "eo:bands", [{"name": "B02", "center_wavelength": -1}]), "center_wavelength is -1.0"),
    (setter(*ASSET, "file:checksum", ...), "file:checksum is missing"),
    (setter(*ASSET, "file:checksum", "md5:123"), "file:checksum is “md5:123”"),
    (setter(*ASSET, "file:size", 5), "has 18 bytes.*says 5.*truncated"),
    (setter(*ASSET, "href", ...), "href is missing"),
    (setter(*ASSET, "href", "https://example.org/a.onnx"), "href is the address.*download"),
    (setter(*ASSET, "href", "../encoder.onnx"), "leaves the card's folder"),
    (setter(*ASSET, "href", "sub/../../encoder.onnx"), "leaves the card's folder"),
    (setter(*ASSET, "roles", ["data"]), "hold 0 assets with the role “mlm:model”"),
    (setter("assets", ...), "assets is missing"),
])
def test_every_fault_names_card_field_and_remedy(tmp_path, change, words):
    path = changed(tmp_path, change)
    with pytest.raises(CardError) as caught:
        read_card(path)
    text = str(caught.value)
    assert re.search(words, text), text
    assert "card.json" in text
    assert text.endswith(".") and "\n" not in text and "Traceback" not in text


@pytest.mark.parametrize("text, words", [
    ("", "not valid JSON"), ("{", "not valid JSON"), ("[1]", "no JSON object"), ('{"a": NaN}', "NaN is no number"),
    ('{"a": -Infinity}', "-Infinity is no number"), ('{"a": 1e999}', "1e999 is no number"),
    ('{"a": ' + "9" * 5000 + "}", "9999 is no number"),
    ("[" * 100000, "not valid JSON"), ("\x00\xff", "not valid JSON"),
])
def test_files_that_are_no_cards(tmp_path, text, words):
    path = tmp_path / "card.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CardError, match=words):
        read_card(path)
    with pytest.raises(CardError, match="can't be read"):
        read_card(tmp_path / "missing.json")


def test_any_field_of_any_wrong_kind_is_an_error_in_words(tmp_path):
    path = write_card(dense_card(model_in(tmp_path)), tmp_path / "card.json")
    item = json.loads(path.read_text(encoding="utf-8"))

    def places(value, trail=()):
        yield trail
        for key, inner in (value.items() if isinstance(value, dict) else enumerate(value)
                           if isinstance(value, list) else ()):
            yield from places(inner, (*trail, key))

    for trail in list(places(item))[1:]:
        for wrong in (None, [], {}, "x", -7, 1e300, True, [None], [{}], {"a": {}}):
            broken = copy.deepcopy(item)
            setter(*trail, wrong)(broken)
            path.write_text(json.dumps(broken), encoding="utf-8")
            try:
                read_card(path)
            except CardError as error:
                assert "card.json" in str(error)


def test_wavelengths_must_be_known_where_the_graph_wants_them(tmp_path):
    card = dense_card(model_in(tmp_path))
    inputs = (*card.inputs, ModelInput("waves", "wavelengths", (2,), ("value",), encoding="um"))
    bands = (card.bands[0], replace(card.bands[1], wavelength_um=None))
    with pytest.raises(CardError, match="center_wavelength for B03.*input waves"):
        check_card(replace(card, inputs=inputs, bands=bands), "x")


def test_a_damaged_reduction_is_noticed(tmp_path):
    reduction = Reduction("pca", np.arange(16, dtype=np.float32), np.eye(16, dtype=np.float32)[:3], (0.5, 0.3, 0.1))
    path = write_card(dense_card(model_in(tmp_path), reduction=reduction), tmp_path / "card.json")
    item = json.loads(path.read_text(encoding="utf-8"))
    stored = item[P]["mlm:hyperparameters"]["earthprint.reduction"]
    assert np.frombuffer(base64.b64decode(stored["mean"]), "<f4").tolist() == list(range(16))
    payload = reduction.mean.astype("<f4").tobytes() + reduction.components.astype("<f4").tobytes()
    assert stored["sha256"] == hashlib.sha256(payload).hexdigest()
    stored["mean"] = base64.b64encode(np.ones(16, "<f4").tobytes()).decode()
    path.write_text(json.dumps(item), encoding="utf-8")
    with pytest.raises(CardError, match="sha256 differs"):
        read_card(path)
    with pytest.raises(CardError, match="for vectors of 15 numbers"):
        check_card(dense_card(tmp_path / "encoder.onnx", reduction=Reduction(
            "pca", np.zeros(15, np.float32), np.zeros((2, 15), np.float32))), "x")


# ---- the model file --------------------------------------------------------------------------------------------

def test_the_model_is_found_beside_below_absolutely_and_by_checksum(tmp_path):
    home, other = tmp_path / "home", tmp_path / "other"
    (home / "sub").mkdir(parents=True)
    other.mkdir()
    below = model_in(home / "sub")
    path = write_card(dense_card(below), home / "card.json")
    assert json.loads(path.read_text())["assets"]["model"]["href"] == "./sub/encoder.onnx"
    assert read_card(path).model_path == below
    away = model_in(other)
    path = write_card(dense_card(away), home / "card.json")
    assert json.loads(path.read_text())["assets"]["model"]["href"] == str(away)
    assert read_card(path).model_path == away
    moved = away.rename(other / "renamed.onnx")
    below.unlink()
    with pytest.raises(CardError, match="names .*encoder.onnx, which doesn't exist"):
        read_card(path)
    assert read_card(path, [other]).model_path == moved
    moved.write_bytes(MODEL_BYTES[::-1])
    with pytest.raises(CardError, match="doesn't exist"):
        read_card(path, [other])


def test_absolute_paths_of_another_system_are_searched_by_checksum(tmp_path):
    path = changed(tmp_path, setter(*ASSET, "href", "C:\\encoders\\gone.onnx"))
    assert read_card(path).model_path == tmp_path / "encoder.onnx"


def test_the_automatic_card_of_a_real_scene_is_valid(tmp_path, sample_data):
    from earthprint.engine.embedding.making import MakeEncoderRequest, make_encoder
    from earthprint.engine.progress import Silent

    scene = str(sample_data / "leipzig_sentinel2" / "leipzig_s2.tif")
    made = make_encoder(MakeEncoderRequest((scene,), str(tmp_path / "leipzig.onnx"), bands="b02;b03;b04;b08"), Silent())
    item = json.loads(Path(made.card_path).read_text(encoding="utf-8"))
    assert mlm_faults(item) == []
    same(made.card, read_card(made.card_path))
    pytest.importorskip("stac_model.schema").MLModelProperties.model_validate(item["properties"])


def test_a_card_needs_its_model_and_checksum(tmp_path):
    with pytest.raises(CardError, match="doesn't exist"):
        write_card(dense_card(tmp_path / "none.onnx"), tmp_path / "card.json")
    with pytest.raises(CardError, match="file:checksum is missing"):
        write_card(dense_card(model_in(tmp_path), checksum=""), tmp_path / "card.json")
    assert not (tmp_path / "card.json").exists()


def test_a_template_reads_without_its_model(tmp_path):
    path = changed(tmp_path, setter(*ASSET, "file:checksum", ...))
    assert read_unplaced(path).checksum == ""
    assert read_template(path).bands[0].name == "B02"


# ---- the copy inside the model ---------------------------------------------------------------------------------

def test_the_copy_inside_must_tell_of_the_same_network(tmp_path):
    card = dense_card(model_in(tmp_path))
    note = card_note(card)
    reduced = replace(card, id="other", reduction=Reduction("pca", np.zeros(16, np.float32),
                                                            np.eye(16, dtype=np.float32)[:2]))
    require_agreement(reduced, note)
    for change in ({"scaling": Scaling((1.0,), (2.0,))}, {"bands": card.bands[::-1]},
                   {"normalise_output": True, "unit_norm": True}, {"fill": 5.0}):
        with pytest.raises(CardError, match="say different things"):
            require_agreement(replace(card, **change), note)
    for broken in ("{", "[]", '"x"', "{}"):
        with pytest.raises(CardError):
            require_agreement(card, broken)


def test_names_are_made_fit():
    assert safe_id("My (great) encoder / v2…") == "My-great-encoder-v2"
    assert safe_id("...") == "encoder"
    assert safe_id("aux") == "aux-encoder"
    assert safe_name("300M (Prithvi/EO)") == "Encoder 300M Prithvi EO"
    for text in ("", "1", "é", "a", "Vit-S/16 + DINO (S2)", "x" * 300):
        check_card(dense_card(Path("x"), id=safe_id(text), name=safe_name(text)), "x")


# ---- validity as STAC ------------------------------------------------------------------------------------------

TASKS = {"regression", "classification", "scene-classification", "detection", "object-detection", "segmentation",
         "semantic-segmentation", "instance-segmentation", "panoptic-segmentation", "similarity-search", "generative",
         "image-captioning", "super-resolution", "downscaling"}
SCALINGS = {"min-max": {"minimum", "maximum"}, "z-score": {"mean", "stddev"}, "clip": {"minimum", "maximum"},
            "clip-min": {"minimum"}, "clip-max": {"maximum"}, "offset": {"value"}, "scale": {"value"},
            "processing": {"format", "expression"}}
TYPES = {"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
         "cint16", "cint32", "cfloat32", "cfloat64", "other"}


def mlm_faults(item) -> "list[str]":
    """Return the rules of the MLM 1.5 extension, and of raster, eo and file 1.x, that an item breaks.

    These are our own words for the published rules, because the official schemas come over the network only.
    """
    faults = []

    def rule(holds, text):
        if not holds:
            faults.append(text)

    properties, assets = item["properties"], item["assets"]
    rule("https://stac-extensions.github.io/mlm/v1.5.2/schema.json" in item["stac_extensions"], "extension")
    rule(re.match(r"^[a-zA-Z][a-zA-Z0-9_.\-\s]+[a-zA-Z0-9]$", properties["mlm:name"]), "name")
    rule(isinstance(properties["mlm:architecture"], str), "architecture")
    rule(set(properties["mlm:tasks"]) <= TASKS and len(set(properties["mlm:tasks"])) == len(properties["mlm:tasks"]),
         "tasks")
    rule(not {"mlm:artifact_type", "mlm:compile_method", "mlm:entrypoint"} & set(properties), "asset fields on item")
    known = {"mlm:name", "mlm:architecture", "mlm:tasks", "mlm:framework", "mlm:framework_version", "mlm:memory_size",
             "mlm:total_parameters", "mlm:pretrained", "mlm:pretrained_source", "mlm:batch_size_suggestion",
             "mlm:accelerator", "mlm:accelerator_constrained", "mlm:accelerator_summary", "mlm:accelerator_count",
             "mlm:input", "mlm:output", "mlm:hyperparameters"}
    rule({key for key in properties if key.startswith("mlm:")} <= known, "unknown mlm fields")
    hyper = properties["mlm:hyperparameters"]
    rule(hyper and all(re.match(r"^[0-9a-zA-Z_.-]+$", key) for key in hyper), "hyperparameter names")
    structures = [(entry, entry["input"]) for entry in properties["mlm:input"]] + [
        (entry, entry["result"]) for entry in properties["mlm:output"]]
    for entry, structure in structures:
        rule(entry["name"], "name of input or output")
        rule(len(structure["shape"]) == len(structure["dim_order"]) >= 1, "axes")
        rule(all(isinstance(size, int) and size >= -1 for size in structure["shape"]), "shape")
        rule(all(re.match("^[a-z-_]+$", axis) for axis in structure["dim_order"]), "names of axes")
        rule(len(set(structure["dim_order"])) == len(structure["dim_order"]), "axes named once")
        rule(structure["data_type"] in TYPES, "data type")
        rule(bool(entry.get("bands")) == ("bands" in structure["dim_order"]), "bands axis")
        for key in ("pre_processing_function", "post_processing_function"):
            function = entry.get(key)
            rule(function is None or {"format", "expression"} <= set(function), key)
        for scaling in entry.get("value_scaling") or ():
            wanted = SCALINGS[scaling["type"]]
            rule(wanted <= set(scaling), "value_scaling")
            rule(scaling["type"] == "processing" or all(isinstance(scaling[key], (int, float)) for key in wanted),
                 "numbers of value_scaling")
        rule(entry.get("value_scaling") is None or len(entry["value_scaling"]) >= 1, "empty value_scaling")
    for entry in properties["mlm:output"]:
        rule(set(entry["tasks"]) <= TASKS, "tasks of output")
    models = [asset for asset in assets.values() if "mlm:model" in asset["roles"]]
    rule(len(models) >= 1, "model asset")
    for asset in assets.values():
        rule(("mlm:model" in asset["roles"]) == ("mlm:artifact_type" in asset), "artifact type")
        rule(not {"mlm:name", "mlm:input", "mlm:output", "mlm:hyperparameters"} & set(asset), "item fields on asset")
        rule("file:checksum" not in asset or re.match("^[a-f0-9]+$", asset["file:checksum"]), "checksum")
        rule("file:size" not in asset or isinstance(asset["file:size"], int), "size")
    for asset in models:
        names = [band["name"] for entry in properties["mlm:input"] for band in
                 [{"name": name} for name in entry.get("bands", ())]]
        rule([band["name"] for band in asset["raster:bands"]] == names, "raster:bands")
        rule([band["name"] for band in asset["eo:bands"]] == names, "eo:bands")
        for band in asset["raster:bands"]:
            rule(band["data_type"] in TYPES and isinstance(band.get("unit", ""), str), "raster band")
            rule(set(band) <= {"name", "data_type", "unit", "nodata", "scale", "offset", "spatial_resolution"},
                 "raster band fields")
        for band in asset["eo:bands"]:
            rule(band.get("common_name", "red") in COMMON_NAMES, "common name")
            rule(isinstance(band.get("center_wavelength", 1.0), (int, float)), "wavelength")
    return faults


def generated(folder: Path) -> "list[Path]":
    model = model_in(folder)
    card = dense_card(model)
    aux = (ModelInput("waves", "wavelengths", (2,), ("value",), encoding="um"),
           ModelInput("mask", "mask", (-1, 1, 64, 64), ("batch", "bands", "height", "width"), "bool"))
    variants = [card, replace(card, inputs=(*card.inputs, *aux), description="Extra inputs."),
                replace(card, scaling=Scaling((0.0,), (10000.0,), clip_after=(0.0, 1.0)), suggested_batch=4,
                        normalise_output=True, unit_norm=True),
                replace(card, reduction=Reduction("pca", np.zeros(16, np.float32), np.eye(16, dtype=np.float32)[:2])),
                replace(card, external=True, details={"weights": {"encoder.onnx": card.checksum}})]
    return [write_card(variant, folder / f"variant{number}.json") for number, variant in enumerate(variants)]


def test_our_words_for_the_rules_notice_faults(tmp_path):
    item = card_item(dense_card(model_in(tmp_path)), "./x.onnx")
    assert mlm_faults(item) == []
    for change in (setter(P, "mlm:name", "a (b)"), setter(P, "mlm:tasks", ["embedding"]), setter(*ASSET,
                                                                                                 "mlm:artifact_type",
                                                                                                 ...),
                   setter(*ASSET, "eo:bands", []), setter(*INPUT, "bands", []), setter(*HYPER, "a:b", 1),
                   setter(*INPUT, "value_scaling", []), setter(*INPUT, "input", "data_type", "float")):
        broken = copy.deepcopy(item)
        change(broken)
        assert mlm_faults(broken), change


def test_cards_are_valid_for_stac_model_and_the_stac_core_schema(tmp_path):
    """stac-model checks the MLM properties, pystac's bundled schemas the STAC core; neither checks the assets."""
    schema = pytest.importorskip("stac_model.schema", reason="stac-model is needed to check the MLM properties")
    pystac = pytest.importorskip("pystac")
    validation = pytest.importorskip("pystac.validation.stac_validator")
    validator = validation.JsonSchemaSTACValidator()
    paths = [*CARDS, *generated(tmp_path)]
    assert len(paths) > 20
    for path in paths:
        item = json.loads(path.read_text(encoding="utf-8"))
        assert mlm_faults(item) == [], path
        schema.MLModelProperties.model_validate(item["properties"])
        validator.validate_core(item, pystac.STACObjectType.ITEM, "1.1.0", str(path))
        assert pystac.Item.from_dict(item).assets["model"].roles == ["mlm:model"]
    broken = copy.deepcopy(item)
    del broken["geometry"]
    with pytest.raises(pystac.STACValidationError):
        validator.validate_core(broken, pystac.STACObjectType.ITEM, "1.1.0", "broken")
    del item[P]["mlm:architecture"]
    with pytest.raises(ValueError, match="mlm:architecture"):
        schema.MLModelProperties.model_validate(item["properties"])


def test_cards_are_valid_by_the_official_schema(tmp_path):
    """The official schema is not ours to ship: EARTHPRINT_MLM_SCHEMA names a folder with it and its references."""
    folder = os.environ.get("EARTHPRINT_MLM_SCHEMA")
    if not folder:
        pytest.skip("EARTHPRINT_MLM_SCHEMA names no folder with the official MLM 1.5 schema")
    jsonschema = pytest.importorskip("jsonschema")
    referencing = pytest.importorskip("referencing")
    specification = referencing.jsonschema.DRAFT7
    schemas = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(Path(folder).glob("*.json"))]
    registry = referencing.Registry().with_resources(
        [(schema["$id"].rstrip("#"), specification.create_resource(schema)) for schema in schemas])
    main = next(schema for schema in schemas if "/mlm/" in schema["$id"])
    validator = jsonschema.Draft7Validator(main, registry=registry)
    for path in [*CARDS, *generated(tmp_path)]:
        errors = list(validator.iter_errors(json.loads(path.read_text(encoding="utf-8"))))
        assert not errors, (path, errors[0].message)


# ---- the page -------------------------------------------------------------------------------------------------

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "encoders.md").read_text(encoding="utf-8")


def test_the_example_of_the_page_is_a_valid_card(tmp_path):
    text = re.search(r"```json\n(.*?)\n```", PAGE, re.DOTALL)[1]
    path = tmp_path / "example.json"
    path.write_text(text, encoding="utf-8")
    card = read_unplaced(path)
    assert (card.id, card.stride, card.tokens_drop, len(card.checksum)) == ("my-vit-s2", 16, 1, 64)
    assert [(item.role, item.encoding) for item in card.inputs] == [("image", ""), ("latlon", "degrees")]
    assert mlm_faults(json.loads(text)) == []


def test_the_page_names_every_key_and_every_step(tmp_path):
    sources = [Path(__file__).resolve().parents[2] / "engine" / name for name in ("card_item.py", "card_json.py")]
    keys = set(re.findall(r"earthprint\.[a-z_]+", "".join(path.read_text(encoding="utf-8") for path in sources)))
    assert len(keys) > 20
    assert {key for key in keys if key not in PAGE} == set()
    for word in ("two-sigma", "clip-min", "z-score", "min-max", "earthprint:l2", "time_year_doy", "latlon_degrees"):
        assert word in PAGE
    for path in CARDS:
        family = re.match(r"(prithvi-eo-2.0|clay-v1.5|ssl4eo-s12|dinov3-sat|dofa|terramind-v1)-(.*)", path.stem)
        assert family and family[1] in PAGE
        assert f"{path.stem}`" in PAGE or f"-{family[2]}`" in PAGE or f"-{family[2].split('-')[0]}-…`" in PAGE or (
            f"{family[1]}-{family[2].split('-')[0]}-…`" in PAGE), path.stem
