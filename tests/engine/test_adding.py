"""Foreign encoders are explained, completed, tried and stored; what can't be is refused in words."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import warnings
from pathlib import Path

import networks
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_graphs import DIMS, PATCH, WEIGHTS, card_of, onnx, patch_means

from earthprint.engine.card import Scaling
from earthprint.engine.card_json import NOTE, card_note, read_card, write_card
from earthprint.engine.encoders.add_request import AddRequest
from earthprint.engine.encoders.adding import add_encoder, open_questions
from earthprint.engine.encoders.encoder import open_encoder
from earthprint.engine.encoders.explaining import Tokens, divide_tokens, explain_inputs
from earthprint.engine.encoders.inputs import TileBatch
from earthprint.engine.encoders.library import EncoderFolders, find_encoder, list_encoders
from earthprint.engine.encoders.trial import stride_and_halo
from earthprint.engine.errors import Cancelled, CardError, EarthprintError, InputError, ModelError, OutputError
from earthprint.engine.onnxfile import OnnxFacts
from earthprint.engine.onnxgraph import Value

torch = networks.torch
nn = torch.nn
SHIPPED = Path(__file__).resolve().parents[2] / "models"
FULL = {"bands": "B02;B03", "unit": "DN", "scaling": "none"}


class Recorder:
    """A progress that keeps what is said, and cancels after a number of questions."""

    def __init__(self, cancel_after=None):
        self.infos, self.warnings, self.fractions = [], [], []
        self.left = cancel_after

    def report(self, fraction, text=None):
        self.fractions.append(fraction)

    def info(self, text):
        self.infos.append(text)

    def warn(self, text):
        self.warnings.append(text)

    def cancelled(self):
        if self.left is None:
            return False
        self.left -= 1
        return self.left < 0


@pytest.fixture
def folders(tmp_path):
    return EncoderFolders(shipped=SHIPPED, user=tmp_path / "user")


def names(count):
    return ";".join(f"n{index}" for index in range(count))


def tiles(count, bands, size, dates=1, seed=3):
    rng = np.random.default_rng(seed)
    values = rng.normal(1000, 700, (count, dates, bands, size, size)).astype(np.float32)
    return TileBatch(values, np.ones((count, size, size), bool))


def encode(card, batch):
    encoder = open_encoder(card, "cpu", 1)
    try:
        return encoder.encode(batch)
    finally:
        encoder.close()


# ---- graphs without a card: the stored encoder returns what PyTorch returns -------------------------------------

def test_a_feature_map_of_any_tile(tmp_path, folders):
    network = networks.feature_map(tmp_path, 3, 8)
    mean, std = "1000;1010;1020", "2000;2001;2002"
    card = read_card(add_encoder(AddRequest(network.path, bands=names(3), unit="DN", mean=mean, std=std), folders))
    assert (card.kind, card.stride, card.halo, card.tile, card.dimensions) == ("dense", 4, 1, 0, 8)
    assert card.finite_context and card.context == 1
    assert card.scaling == network.card.scaling
    assert card.batch == 0 and card.output.shape == (-1, 8, -1, -1)
    batch = tiles(2, 3, 4 * 5 + 2)
    expected = network.reference(card.scaling.apply(batch.values[:, 0].swapaxes(0, 1)).swapaxes(0, 1))
    np.testing.assert_allclose(encode(card, batch), expected.transpose(0, 2, 3, 1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("leading", [0, 1, 5])
@pytest.mark.parametrize("dates", [1, 3])
def test_transformers_with_and_without_leading_tokens_and_dates(tmp_path, folders, leading, dates):
    network = networks.vision_transformer(tmp_path, 4, leading=leading, dates=dates, patch=8, tile=64)
    request = AddRequest(network.path, bands=names(4), unit="DN", scaling="scale 1000")
    card = read_card(add_encoder(request, folders))
    assert (card.kind, card.stride, card.tokens_drop, card.tile, card.dates) == ("dense", 8, leading, 64, dates)
    assert not card.finite_context
    batch = tiles(2, 4, 64, dates)
    values = batch.values[:, 0] if dates == 1 else batch.values.swapaxes(1, 2)
    tokens = network.reference(values / 1000)[:, leading:]
    expected = tokens.reshape(2, dates, 8, 8, -1).mean(axis=1)
    np.testing.assert_allclose(encode(card, batch), expected, rtol=1e-3, atol=1e-4)


def test_a_class_token_is_one_vector_a_tile(tmp_path, folders):
    network = networks.vision_transformer(tmp_path, 4, leading=1, patch=8, tile=64)
    request = AddRequest(network.path, bands=names(4), unit="DN", scaling="scale 1000", pooling="cls")
    card = read_card(add_encoder(request, folders))
    assert (card.kind, card.stride, card.pooling) == ("chip", 64, "cls")
    batch = tiles(2, 4, 64)
    expected = network.reference(batch.values[:, 0] / 1000)[:, 0]
    np.testing.assert_allclose(encode(card, batch)[:, 0, 0], expected, rtol=1e-3, atol=1e-4)


def test_a_pooled_vector_asks_for_its_tile(tmp_path, folders):
    network = networks.pooled(tmp_path, 4, 6)
    request = {"bands": names(4), "unit": "DN", "scaling": "scale 1000"}
    with pytest.raises(InputError, match="TILE"):
        add_encoder(AddRequest(network.path, **request), folders)
    card = read_card(add_encoder(AddRequest(network.path, tile=24, **request), folders))
    assert (card.kind, card.stride, card.tile, card.suggested_tile) == ("chip", 24, 0, 24)
    batch = tiles(3, 4, 24)
    np.testing.assert_allclose(encode(card, batch)[:, 0, 0], network.reference(batch.values[:, 0] / 1000), rtol=1e-4,
                               atol=1e-5)


def test_a_fixed_batch_is_kept(tmp_path, folders):
    network = networks.pooled(tmp_path, 4, 6, batch=2)
    request = AddRequest(network.path, bands=names(4), unit="DN", scaling="scale 1000", tile=24)
    card = read_card(add_encoder(request, folders))
    assert card.batch == 2
    batch = tiles(3, 4, 24)
    expected = [network.reference(batch.values[[index, index], 0] / 1000)[0] for index in range(3)]
    np.testing.assert_allclose(encode(card, batch)[:, 0, 0], expected, rtol=1e-4, atol=1e-5)


def test_extra_inputs_are_explained(tmp_path, folders):
    network = networks.conditioned(tmp_path, 10, 8, 8)
    request = {"bands": "B02;B03;B04;B05;B06;B07;B08;B8A;B11;B12", "unit": "DN", "scaling": "scale 1000"}
    card = read_card(add_encoder(AddRequest(network.path, **request), folders))
    assert [(item.role, item.encoding) for item in card.inputs] == [
        ("image", ""), ("wavelengths", "um"), ("gsd", "m"), ("time", "sincos"), ("latlon", "sincos")]
    assert [item.dim_order for item in card.inputs[1:]] == [("value",), ("value",), ("batch", "value"), ("batch",
                                                                                                         "value")]
    assert [band.wavelength_um for band in card.bands][:3] == [0.493, 0.56, 0.665]
    with pytest.raises(InputError, match="that of foo isn.t known: give WAVELENGTHS"):
        add_encoder(AddRequest(network.path, name="x", **{**request, "bands": request["bands"].replace("B12", "foo")}),
                    folders)
    given_nm = add_encoder(AddRequest(network.path, name="y", wavelengths=";".join(str(400 + 10 * index) for index in
                                                                                  range(10)), **request), folders)
    assert [band.wavelength_um for band in read_card(given_nm).bands][:2] == [0.4, 0.41]


def test_dates_first_with_their_days_and_place(tmp_path, folders):
    network = networks.dated(tmp_path)
    card = read_card(add_encoder(AddRequest(network.path, bands=names(6), unit="DN", scaling="scale 1000"), folders))
    assert card.image.dim_order == ("batch", "time", "bands", "height", "width")
    assert (card.dates, card.stride, card.kind) == (3, 8, "dense")
    assert [(item.role, item.encoding) for item in card.inputs[1:]] == [("time", "year-doy"), ("latlon", "degrees")]


def test_sixteen_bit_inputs(tmp_path, folders):
    network = networks.all_half(tmp_path)
    card = read_card(add_encoder(AddRequest(network.path, bands=names(3), unit="DN", scaling="scale 1000"), folders))
    assert card.image.data_type == card.output.data_type == "float16"
    batch = tiles(1, 3, 16)
    half = torch.from_numpy((batch.values[:, 0] / 1000).astype(np.float16))
    with torch.no_grad():
        expected = network.module(half).float().numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(encode(card, batch), expected, rtol=2e-2, atol=5e-3)


def test_bands_last(tmp_path, folders):
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Conv2d(5, 7, 8, stride=8)

        def forward(self, image):
            return self.body(image.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)

    module = Last()
    path = networks.export(module, tmp_path, "last", {"image": (1, 32, 32, 5)}, "out", {"image": {0: "n"},
                                                                                        "out": {0: "n"}})
    card = read_card(add_encoder(AddRequest(path, bands=names(5), unit="DN", scaling="none"), folders))
    assert card.image.dim_order == ("batch", "height", "width", "bands")
    assert card.output.dim_order == ("batch", "height", "width", "embedding")
    batch = tiles(2, 5, 32)
    with torch.no_grad():
        expected = module(torch.from_numpy(batch.values[:, 0].transpose(0, 2, 3, 1).copy())).numpy()
    np.testing.assert_allclose(encode(card, batch), expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("bands", [1, 218])
def test_one_band_and_many(tmp_path, folders, bands):
    network = networks.feature_map(tmp_path, bands, 4)
    card = read_card(add_encoder(AddRequest(network.path, bands=names(bands), unit="DN", scaling="none"), folders))
    assert len(card.bands) == bands and card.stride == 4


def test_vectors_of_length_one_are_noticed(tmp_path, folders):
    class Unit(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Conv2d(2, 6, 8, stride=8)

        def forward(self, image):
            return nn.functional.normalize(self.body(image), dim=1)

    path = networks.export(Unit(), tmp_path, "unit", {"image": (1, 2, 32, 32)}, "out")
    assert read_card(add_encoder(AddRequest(path, **FULL), folders)).unit_norm
    network = networks.feature_map(tmp_path, 2, 4)
    assert not read_card(add_encoder(AddRequest(network.path, **FULL), folders)).unit_norm


# ---- how far a vector sees ---------------------------------------------------------------------------------------

# Above a stride of 4 not every place within a cell is tried, so the answer may be up to a step too large.
@pytest.mark.parametrize("kernels, stride, expected", [
    ((3,), 1, 1), ((3, 3), 1, 2), ((5, 3), 4, 3), ((1,), 4, 0), ((7, 7), 2, 6), ((3,), 8, 2), ((3,) * 12, 1, 12)])
def test_the_context_of_convolutions_is_their_receptive_field(tmp_path, folders, kernels, stride, expected):
    layers = []
    channels = 2
    for kernel in kernels:
        layers += [nn.Conv2d(channels, 6, kernel, padding=kernel // 2), nn.Tanh()]
        channels = 6
    module = nn.Sequential(*layers, nn.Conv2d(channels, 5, stride, stride=stride))
    torch.manual_seed(1)
    path = networks.export(module, tmp_path, "stack", {"image": (1, 2, 64, 64)}, "out",
                           {"image": {0: "n", 2: "h", 3: "w"}, "out": {0: "n", 2: "r", 3: "c"}})
    card = read_card(add_encoder(AddRequest(path, bands="a;b", unit="DN", scaling="scale 1000"), folders))
    assert (card.finite_context, card.context, card.stride, card.halo) == (True, expected, stride, 0)


def test_a_deep_network_is_not_taken_for_one_that_sees_little(tmp_path, folders):
    torch.manual_seed(2)
    layers = []
    for number in range(5):
        layers += [nn.Conv2d(2 if number == 0 else 8, 8, 3, stride=2, padding=1), nn.ReLU()]
        layers += [nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()]
    # Its vectors see 155 pixels to each side, so in a tile of 224 they see the edge.
    path = networks.export(nn.Sequential(*layers), tmp_path, "deep", {"image": (1, 2, 224, 224)}, "out")
    card = read_card(add_encoder(AddRequest(path, bands="a;b", unit="DN", scaling="scale 1000"), folders))
    assert (card.stride, card.tile, card.finite_context) == (32, 224, False)


def test_a_map_that_sees_its_whole_tile_has_no_finite_context(tmp_path, folders):
    class Normed(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Conv2d(2, 6, 4, stride=4)

        def forward(self, image):
            return self.body(image - image.mean(dim=(2, 3), keepdim=True))

    path = networks.export(Normed(), tmp_path, "normed", {"image": (1, 2, 64, 64)}, "out")
    card = read_card(add_encoder(AddRequest(path, **FULL), folders))
    assert not card.finite_context and card.context == 0


@given(stride=st.integers(1, 32), halo=st.integers(0, 20), padded=st.booleans(), size=st.integers(100, 300))
def test_stride_and_halo_are_found(stride, halo, padded, size):
    def count(side):
        if padded:
            return -(-side // stride)
        if side < 2 * halo + stride:
            raise ModelError("small", "The tile is too small.")
        return (side - 2 * halo) // stride

    assert stride_and_halo(count, size) == (stride, 0 if padded else halo)


@given(stride=st.integers(2, 32))
def test_a_known_stride_is_enough_for_graphs_that_take_only_its_multiples(stride):
    def count(side):
        if side % stride:
            raise ModelError("multiple", "The tile is no multiple of the patch.")
        return side // stride

    assert stride_and_halo(count, 224, stride) == (stride, 0)


def test_cells_half_a_pixel_off_are_refused():
    assert stride_and_halo(lambda size: (size - 3) // 4, 256) is None
    assert stride_and_halo(lambda size: 7, 256) is None


@given(side=st.integers(2, 40), leading=st.integers(0, 8), dates=st.sampled_from([1, 3]), patch=st.sampled_from([4,
                                                                                                                 14,
                                                                                                                 16]))
def test_tokens_divide_as_they_were_put_together(side, leading, dates, patch):
    found = divide_tokens(dates * side * side + leading, side * patch, dates, patch)
    assert found == (Tokens(leading, side),)
    assert Tokens(leading, side) in divide_tokens(dates * side * side + leading, side * patch, dates)


def test_ambiguous_tokens_are_asked_for(tmp_path, folders):
    network = networks.vision_transformer(tmp_path, 2, leading=5, patch=16, tile=32, dims=16)
    with pytest.raises(InputError, match="9 tokens.*PATCH 32 with TOKENS_DROP 8 or PATCH 16 with TOKENS_DROP 5"):
        add_encoder(AddRequest(network.path, **FULL), folders)
    card = read_card(add_encoder(AddRequest(network.path, patch=16, **FULL), folders))
    assert (card.stride, card.tokens_drop) == (16, 5)
    with pytest.raises(InputError, match="no square of patches"):
        add_encoder(AddRequest(network.path, tokens_drop=3, name="x", **FULL), folders)


def facts(*inputs):
    return OnnxFacts("x.onnx", 1, inputs=[Value(*item) for item in inputs], outputs=[Value("o", "float32", ("n", 4))])


@pytest.mark.parametrize("shape, bands, dates, expected", [
    (("n", 6, 3, 64, 64), 6, 0, "bands"), (("n", 3, 6, 64, 64), 6, 0, "time"), (("n", 3, "t", 64, 64), 3, 0, "bands"),
    (("n", 3, 3, 64, 64), 3, 3, None), (("n", "c", "t", 64, 64), 3, 3, None), (("n", "c", 4, 64, 64), 6, 4, "bands")])
def test_five_axes_are_told_apart_or_asked_for(shape, bands, dates, expected):
    graph = facts(("image", "float32", shape))
    if expected is None:
        with pytest.raises(InputError, match="AXES batch;bands;time"):
            explain_inputs(graph, bands, dates)
        order = explain_inputs(graph, bands, dates, "batch;time;bands;height;width")[0].dim_order
        assert order[1] == "time"
    else:
        assert explain_inputs(graph, bands, dates)[0].dim_order[1] == expected


@pytest.mark.parametrize("name, kind, shape, expected", [
    ("waves", "float32", (3,), ("wavelengths", "um", ("value",))),
    ("wavelengths_nm", "float32", ("n", 3), ("wavelengths", "nm", ("batch", "value"))),
    ("gsd", "float32", (), ("gsd", "m", ())), ("gsd", "float32", (1,), ("gsd", "m", ("value",))),
    ("resolution", "float32", ("n",), ("gsd", "m", ("batch",))),
    ("temporal_coords", "int64", ("n", 3, 2), ("time", "year-doy", ("batch", "time", "value"))),
    ("time", "float32", ("n", 4), ("time", "sincos", ("batch", "value"))),
    ("location_coords", "float32", ("n", 2), ("latlon", "degrees", ("batch", "value"))),
    ("latlon", "float32", ("n", 4), ("latlon", "sincos", ("batch", "value"))),
    ("pixel_mask", "bool", ("n", 1, 64, 64), ("mask", "", ("batch", "bands", "height", "width"))),
    ("valid", "float32", ("n", 64, 64), ("mask", "", ("batch", "height", "width"))),
])
def test_rules_for_extra_inputs(name, kind, shape, expected):
    found = explain_inputs(facts(("image", "float32", ("n", 3, 64, 64)), (name, kind, shape)), 3)[1]
    assert (found.role, found.encoding, found.dim_order) == expected
    assert found.data_type == kind


@pytest.mark.parametrize("name, kind, shape", [
    ("prompt", "int64", ("n", 77)), ("time", "float32", ("n", 3)), ("lonlat", "float32", ("n", 2)),
    ("waves", "float32", (7,)), ("mask", "int64", ("n", 196)), ("gsd", "float32", ("n", 2))])
def test_inputs_that_no_rule_explains(name, kind, shape):
    with pytest.raises(ModelError, match=f"{name} of x.onnx.*explained by no rule.*earthprint.aux"):
        explain_inputs(facts(("image", "float32", ("n", 3, 64, 64)), (name, kind, shape)), 3)


def test_graphs_without_one_image():
    with pytest.raises(ModelError, match="0 inputs that could take an image"):
        explain_inputs(facts(("tokens", "int64", ("n", 77))), 3)
    with pytest.raises(ModelError, match="2 inputs that could take an image"):
        explain_inputs(facts(("s1", "float32", ("n", 2, 64, 64)), ("s2", "float32", ("n", 12, 64, 64))), 3)


# ---- cards that ship ---------------------------------------------------------------------------------------------

def test_prithvi_needs_nothing_but_its_card(tmp_path, folders):
    torch.manual_seed(0)
    module = networks.VisionTransformer(6, 192, 16, 224, 1, dates=1, depth=1)
    path = networks.export(module, tmp_path, "prithvi", {"x": (1, 6, 224, 224)}, "tokens", {"x": {0: "n"},
                                                                                            "tokens": {0: "n"}})
    stored = add_encoder(AddRequest(path, card="prithvi-eo-2.0-tiny"), folders)
    card = find_encoder("prithvi-eo-2.0-tiny", folders)
    assert card.path == stored and card.inputs[0].name == "x"
    assert (card.stride, card.tokens_drop, card.dimensions, card.licence) == (16, 1, 192, "Apache-2.0")
    assert [band.common_name for band in card.bands] == ["blue", "green", "red", "nir08", "swir16", "swir22"]
    batch = tiles(1, 6, 224)
    mean = np.array([1087, 1342, 1433, 2734, 1958, 1363], np.float32).reshape(1, 6, 1, 1)
    std = np.array([2248, 2179, 2178, 1850, 1242, 1049], np.float32).reshape(1, 6, 1, 1)
    with torch.no_grad():
        expected = module(torch.from_numpy((batch.values[:, 0] - mean) / std)).numpy()[:, 1:].reshape(1, 14, 14, 192)
    np.testing.assert_allclose(encode(card, batch), expected, rtol=1e-3, atol=1e-4)


def test_a_graph_that_looks_like_a_known_one_is_told(tmp_path, folders):
    module = networks.VisionTransformer(6, 192, 16, 64, 1, depth=1)
    path = networks.export(module, tmp_path, "p", {"x": (1, 6, 64, 64)}, "tokens")
    with pytest.raises(InputError, match="or name its CARD, such as prithvi-eo-2.0-tiny"):
        add_encoder(AddRequest(path), folders)


def test_the_same_card_serves_several_dates(tmp_path, folders):
    module = networks.VisionTransformer(6, 192, 16, 64, 1, dates=3, depth=1)
    path = networks.export(module, tmp_path, "p3", {"x": (1, 6, 3, 64, 64)}, "tokens")
    card = read_card(add_encoder(AddRequest(path, card="prithvi-eo-2.0-tiny", name="three dates"), folders))
    assert (card.id, card.dates, card.tile, card.stride) == ("three-dates", 3, 64, 16)


def test_clay_gets_wavelengths_and_normalisation_from_its_card(tmp_path, folders):
    module = networks.Conditioned(4, 1024, 8)
    path = networks.export(module, tmp_path, "clay", {"cube": (1, 4, 64, 64), "waves": (4,), "gsd": (1,), "time": (1,
                                                                                                                   4),
                                                      "latlon": (1, 4)}, "map")
    card = read_card(add_encoder(AddRequest(path, card="clay-v1.5-naip"), folders))
    assert [band.wavelength_um for band in card.bands] == [0.65, 0.56, 0.48, 0.842]
    assert card.scaling.shift == (110.16, 115.41, 98.15, 139.04)
    assert card.output.dim_order == ("batch", "height", "width", "embedding")


def test_a_card_of_another_variant_is_refused(tmp_path, folders):
    module = networks.VisionTransformer(6, 192, 16, 64, 1, depth=1)
    path = networks.export(module, tmp_path, "p", {"x": (1, 6, 64, 64)}, "tokens")
    with pytest.raises(CardError, match="192 numbers, but the card prithvi-eo-2.0-300m is for 1024"):
        add_encoder(AddRequest(path, card="prithvi-eo-2.0-300m"), folders)
    with pytest.raises(EarthprintError):
        add_encoder(AddRequest(path, card="terramind-v1-tiny-s2l2a"), folders)
    with pytest.raises(InputError, match="no card nonsense"):
        add_encoder(AddRequest(path, card="nonsense"), folders)
    assert not folders.user.exists()


def test_the_export_of_the_page_makes_files_that_are_added(tmp_path, folders):
    pytest.importorskip("onnxscript", reason="onnxscript is needed to export with dynamo")
    page = (SHIPPED.parent / "docs" / "encoders.md").read_text(encoding="utf-8")
    (tmp_path / "recipe.py").write_text(re.search(r"```python\n(import torch.*?)\n```", page, re.DOTALL)[1])
    specification = importlib.util.spec_from_file_location("recipe", tmp_path / "recipe.py")
    recipe = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(recipe)
    module = networks.Conditioned(10, 1024, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recipe.export(module, {"image": torch.zeros(2, 10, 64, 64), "waves": torch.ones(10), "gsd": torch.ones(1),
                               "time": torch.zeros(2, 4), "latlon": torch.zeros(2, 4)}, str(tmp_path / "clay.onnx"))
    card = read_card(add_encoder(AddRequest(tmp_path / "clay.onnx", card="clay-v1.5-sentinel-2-l2a"), folders))
    assert (card.batch, card.tile, card.stride, card.dimensions) == (0, 64, 8, 1024)
    assert card.scaling.shift[6] == 2743.0 and card.bands[6].wavelength_um == 0.842
    assert [item.role for item in card.inputs] == ["image", "wavelengths", "gsd", "time", "latlon"]


# ---- files and cards ---------------------------------------------------------------------------------------------

def test_stored_files_are_whole_and_the_source_is_untouched(tmp_path, folders):
    source = patch_means(tmp_path / "small.onnx")
    before = source.read_bytes(), source.stat().st_mtime_ns
    progress = Recorder()
    path = add_encoder(AddRequest(source, name="Köln (v2)", **FULL), folders, progress)
    assert (source.read_bytes(), source.stat().st_mtime_ns) == before
    assert sorted(item.name for item in folders.user.iterdir()) == ["K-ln-v2.json", "K-ln-v2.onnx"]
    assert (folders.user / "K-ln-v2.onnx").read_bytes() == before[0]
    card = read_card(path)
    assert card.checksum == hashlib.sha256(before[0]).hexdigest()
    item = json.loads(path.read_text(encoding="utf-8"))
    assert item["assets"]["model"]["file:checksum"] == "1220" + card.checksum
    assert item["assets"]["model"]["file:size"] == len(before[0])
    assert item["assets"]["model"]["href"] == "./K-ln-v2.onnx"
    batch = tiles(2, 2, 4 * PATCH)
    patches = batch.values[:, 0].reshape(2, 2, 4, PATCH, 4, PATCH)
    expected = np.einsum("nbipjq,dbpq->nijd", patches, WEIGHTS)
    np.testing.assert_allclose(encode(card, batch), expected, rtol=1e-4, atol=1e-2)
    assert progress.fractions == sorted(progress.fractions) and progress.fractions[-1] <= 1
    assert any(f"{DIMS} numbers every {PATCH} pixels" in text for text in progress.infos)


def test_adding_twice_is_adding_once_and_another_file_of_the_name_is_refused(tmp_path, folders):
    source = patch_means(tmp_path / "small.onnx")
    first = add_encoder(AddRequest(source, **FULL), folders).read_bytes()
    assert add_encoder(AddRequest(source, **FULL), folders).read_bytes() == first
    other = patch_means(tmp_path / "other.onnx", scale=2.0)
    with pytest.raises(InputError, match="another encoder small.*another NAME"):
        add_encoder(AddRequest(other, name="small", **FULL), folders)
    assert (folders.user / "small.json").read_bytes() == first
    assert [item.id for item in list_encoders(folders) if item.path.parent == folders.user] == ["small"]


def test_a_file_that_lies_in_the_folder_already(tmp_path, folders):
    folders.user.mkdir()
    source = patch_means(folders.user / "small.onnx")
    path = add_encoder(AddRequest(source, **FULL), folders)
    assert path == folders.user / "small.json" and find_encoder("small", folders).model_path == source


def test_a_card_beside_the_file_is_used(tmp_path, folders):
    source = patch_means(tmp_path / "small.onnx", 32)
    write_card(card_of(source, 32, scaling=Scaling((3.0,), (4.0,)), description="Kept."), tmp_path / "small.json")
    card = read_card(add_encoder(AddRequest(source), folders))
    assert card.scaling == Scaling((3.0,), (4.0,)) and card.description == "Kept."
    assert open_questions(AddRequest(source), folders) == ()


def test_a_card_inside_the_file_is_used(tmp_path, folders):
    plain = card_of(tmp_path / "inside.onnx", scaling=Scaling((3.0,), (4.0,)))
    source = patch_means(plain.model_path, notes={NOTE: card_note(plain)})
    card = read_card(add_encoder(AddRequest(source), folders))
    assert card.scaling == Scaling((3.0,), (4.0,)) and card.checksum == card_of(source).checksum
    write_card(card_of(source, scaling=Scaling((9.0,), (4.0,))), tmp_path / "other.json")
    with pytest.raises(CardError, match="say different things"):
        add_encoder(AddRequest(source, card=str(tmp_path / "other.json"), name="x"), folders)


def test_weights_beside_the_file_are_stored_with_it(tmp_path, folders):
    (tmp_path / "in").mkdir()
    source = patch_means(tmp_path / "in" / "big.onnx", external="weights/big.data")
    path = add_encoder(AddRequest(source, **FULL), folders)
    assert sorted(str(item.relative_to(folders.user)) for item in folders.user.rglob("*") if item.is_file()) == [
        "big.json", "big/big.onnx", "big/weights/big.data"]
    card = find_encoder("big", folders)
    assert card.path == path and card.external
    data = (tmp_path / "in" / "weights" / "big.data").read_bytes()
    assert card.details["weights"] == {"weights/big.data": hashlib.sha256(data).hexdigest()}
    batch = tiles(1, 2, PATCH)
    np.testing.assert_allclose(encode(card, batch)[0, 0, 0],
                               np.einsum("bpq,dbpq->d", batch.values[0, 0], WEIGHTS), rtol=1e-4, atol=1e-2)
    assert [item.id for item in list_encoders(folders) if item.path.parent == folders.user] == ["big"]


# ---- refusals ----------------------------------------------------------------------------------------------------

def test_what_the_graph_does_not_tell_is_asked_at_once(tmp_path, folders):
    source = patch_means(tmp_path / "small.onnx")
    with pytest.raises(InputError) as caught:
        add_encoder(AddRequest(source), folders)
    for part in ("small.onnx", "BANDS", "2 bands", "UNIT", "MEAN and STD, or SCALING", "CARD"):
        assert part in str(caught.value)
    assert open_questions(AddRequest(source), folders) == ("BANDS", "UNIT", "MEAN and STD, or SCALING")
    assert open_questions(AddRequest(source, **FULL), folders) == ()


@pytest.mark.parametrize("answers, words", [
    ({"bands": "a;b;c"}, "BANDS names 3 bands, but .* takes 2"), ({"mean": "1;2"}, "MEAN and STD belong together"),
    ({"mean": "1;2", "std": "1;2;3"}, "STD has 3 values for 2 bands"), ({"mean": "1;x", "std": "1"}, "MEAN holds"),
    ({"mean": "1;2", "std": "1;0"}, "STD holds a 0"), ({"scaling": "divide by ten"}, "SCALING can't be used"),
    ({"unit": "a;b;c"}, "UNIT has 3 values"), ({"output_name": "none"}, "has no output none.*embedding"),
    ({"patch": 5}, "PATCH is 5, but a cell .* is 4"), ({"axes": "batch;bands"}, "AXES names 2 axes"),
    ({"axes": "batch;bands;height;depth"}, "AXES names batch, bands, height, depth"),
    ({"bands": "a;a"}, "names a band twice"), ({"valid_range": "5;1"}, "valid_range"), ({"metric": "l7"}, "metric"),
    ({"scaling": "scale 10 | z-score 1 2 | clip 0 1", "mean": "1", "std": "2"}, "ends in a clip"),
    ({"pooling": "median"}, "pooling is median"),
])
def test_wrong_answers_are_refused_in_words(tmp_path, folders, answers, words):
    source = patch_means(tmp_path / "small.onnx")
    with pytest.raises(EarthprintError, match=words) as caught:
        add_encoder(AddRequest(source, **{**FULL, **answers}), folders)
    assert "\n" not in str(caught.value)
    assert not folders.user.exists()


def test_another_checksum(tmp_path, folders):
    card_path = write_card(card_of(patch_means(tmp_path / "small.onnx")), tmp_path / "small.json")
    other = patch_means(tmp_path / "other.onnx", scale=2.0)
    with pytest.raises(CardError, match="belongs to another file than .*other.onnx.*SHA-256"):
        add_encoder(AddRequest(other, card=str(card_path)), folders)


@pytest.mark.parametrize("opset, ir, words", [(99, 8, "operator set 99"), (17, 99, "format version 99"), (2, 8,
                                                                                                          "set 2")])
def test_versions_that_cannot_be_run(tmp_path, folders, opset, ir, words):
    source = patch_means(tmp_path / "small.onnx", opset=opset, ir=ir)
    with pytest.raises(ModelError, match=words):
        add_encoder(AddRequest(source, **FULL), folders)


def test_inputs_without_a_rule(tmp_path, folders):
    source = patch_means(tmp_path / "small.onnx", extra=[("prompt", ("batch", 77))])
    with pytest.raises(ModelError, match="prompt of .*small.onnx.*explained by no rule"):
        add_encoder(AddRequest(source, **FULL), folders)


def test_weights_outside_the_folder(tmp_path, folders):
    (tmp_path / "in").mkdir()
    source = patch_means(tmp_path / "in" / "big.onnx", external="big.data")
    model = onnx.load(str(source), load_external_data=False)
    for location in ("../big.data", "/etc/passwd", "a/../../big.data"):
        for entry in model.graph.initializer[0].external_data:
            if entry.key == "location":
                entry.value = location
        source.write_bytes(model.SerializeToString())
        with pytest.raises(ModelError, match="outside its own folder"):
            add_encoder(AddRequest(source, **FULL), folders)


@pytest.mark.parametrize("changes, words", [
    ({"output": networks.ModelOutput("embedding", (-1, 9, -1, -1), ("batch", "embedding", "height", "width")),
      "dimensions": 9}, "embedding .* has the shape .*9"),
    ({"output": networks.ModelOutput("features", (-1, DIMS, -1, -1), ("batch", "embedding", "height", "width"))},
     "describes the output features"),
    ({"inputs": (networks.ModelInput("pixels", "image", (-1, 2, -1, -1), ("batch", "bands", "height", "width")),)},
     "describes the input pixels"),
    ({"stride": 8}, "small .*stride 8"), ({"unit_norm": True}, "say.* length 1"),
    ({"output": networks.ModelOutput("embedding", (-1, -1, DIMS), ("batch", "token", "embedding"))}, "has the shape"),
])
def test_cards_that_contradict_the_graph(tmp_path, folders, changes, words):
    source = patch_means(tmp_path / "small.onnx")
    write_card(card_of(source, **changes), tmp_path / "small.json")
    with pytest.raises(EarthprintError, match=words):
        add_encoder(AddRequest(source), folders)
    assert not folders.user.exists()


def test_an_undescribed_input_of_the_graph(tmp_path, folders):
    source = patch_means(tmp_path / "small.onnx", extra=[("gsd", (1,))])
    write_card(card_of(source), tmp_path / "small.json")
    with pytest.raises(CardError, match="doesn't describe the input gsd"):
        add_encoder(AddRequest(source), folders)


def test_encoders_that_return_nonsense(tmp_path, folders):
    source = patch_means(tmp_path / "nan.onnx", scale=float("nan"))
    with pytest.raises(ModelError, match="no finite vectors"):
        add_encoder(AddRequest(source, **FULL), folders)
    progress = Recorder()
    add_encoder(AddRequest(patch_means(tmp_path / "zero.onnx", scale=0.0), **FULL), folders, progress)
    assert any("same vectors" in text for text in progress.warnings)


def test_tiles_that_mix_in_a_batch_are_warned_of(tmp_path, folders):
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Conv2d(2, 6, 8, stride=8)

        def forward(self, image):
            return self.body(image - image.mean(dim=0, keepdim=True) / 2)

    path = networks.export(Mixed(), tmp_path, "mixed", {"image": (2, 2, 32, 32)}, "out", {"image": {0: "n"},
                                                                                          "out": {0: "n"}})
    progress = Recorder()
    add_encoder(AddRequest(path, **FULL), folders, progress)
    assert any("depend on the other tiles" in text for text in progress.warnings)


@pytest.mark.parametrize("content, words", [(b"", "empty"), (b"hello", "."), (None, "doesn't exist")])
def test_files_that_are_no_models(tmp_path, folders, content, words):
    source = tmp_path / "x.onnx"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(EarthprintError, match=words):
        add_encoder(AddRequest(source, **FULL), folders)


def test_a_truncated_model(tmp_path, folders):
    source = patch_means(tmp_path / "small.onnx")
    source.write_bytes(source.read_bytes()[:200])
    with pytest.raises(ModelError):
        add_encoder(AddRequest(source, **FULL), folders)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    source = patch_means(tmp_path / "small.onnx")
    with pytest.raises((InputError, OutputError), match="folder|written"):
        add_encoder(AddRequest(source, **FULL), EncoderFolders(user=tmp_path / "file" / "user"))
    with pytest.raises(InputError, match="no folder for encoders"):
        add_encoder(AddRequest(source, **FULL), EncoderFolders())


def test_cancelling_leaves_nothing(tmp_path, folders):
    source = patch_means(tmp_path / "in.onnx", external="in.data")
    # The second run asks less often, because the checksum is known by then.
    for name in ("first", "second"):
        counted = Recorder(cancel_after=10_000)
        add_encoder(AddRequest(source, **FULL), EncoderFolders(user=tmp_path / name), counted)
    asked = 10_000 - counted.left
    assert asked > 5
    for number in range(asked):
        with pytest.raises(Cancelled):
            add_encoder(AddRequest(source, **FULL), folders, Recorder(cancel_after=number))
        left = list(folders.user.rglob("*")) if folders.user.exists() else []
        assert left == [], number
