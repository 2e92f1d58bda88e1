"""Any order of axes becomes rows and columns of vectors; each number is traced by its own position."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Tuple

import numpy as np
import pytest

from earthprint.engine.card import CHIP, DENSE, Card, CardBand, ModelInput, ModelOutput
from earthprint.engine.encoders.layout import to_cells
from earthprint.engine.errors import CardError, ModelError

N, T, H, W, D = 2, 3, 4, 5, 6


def card(**facts) -> Card:
    image = ModelInput("image", "image", (-1, 1, -1, -1), ("batch", "bands", "height", "width"))
    given = {"kind": DENSE, "stride": 8, "dimensions": D, **facts}
    return Card(id="e", name="e", path=None, model_path=Path("e.onnx"), checksum="", bands=(CardBand("a"),),
                inputs=(image,), output=output("batch", "embedding"), **given)


def output(*order: str, shape: "Tuple[int, ...]" = ()) -> ModelOutput:
    return ModelOutput("out", shape or (-1,) * len(order), order)


def numbered(*shape: int) -> np.ndarray:
    """Every number its own, so that any mix-up shows."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize("order", list(itertools.permutations(("batch", "embedding", "height", "width"))))
def test_maps_in_every_order(order):
    canonical = numbered(N, H, W, D)
    axes = ("batch", "height", "width", "embedding")
    given = canonical.transpose([axes.index(axis) for axis in order])
    np.testing.assert_array_equal(to_cells(given, output(*order), card(), (H * 8, W * 8)), canonical)


@pytest.mark.parametrize("order", [("batch", "time", "embedding", "height", "width"),
                                   ("time", "height", "batch", "width", "embedding"),
                                   ("embedding", "time", "height", "width", "batch")])
@pytest.mark.parametrize("pooling, reference", [("mean", lambda a: a.mean(axis=1)), ("max", lambda a: a.max(axis=1)),
                                                ("first", lambda a: a[:, 0]), ("last", lambda a: a[:, -1])])
def test_maps_of_several_dates(order, pooling, reference):
    canonical = np.random.default_rng(0).normal(size=(N, T, H, W, D)).astype(np.float32)
    axes = ("batch", "time", "height", "width", "embedding")
    given = canonical.transpose([axes.index(axis) for axis in order])
    found = to_cells(given, output(*order), card(dates=T, date_pooling=pooling), (H * 8, W * 8))
    np.testing.assert_allclose(found, reference(canonical), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("order", list(itertools.permutations(("batch", "token", "embedding"))))
@pytest.mark.parametrize("drop", [0, 1, 5])
def test_tokens_with_and_without_leading_ones(order, drop):
    canonical = numbered(N, drop + H * W, D)
    axes = ("batch", "token", "embedding")
    given = canonical.transpose([axes.index(axis) for axis in order])
    found = to_cells(given, output(*order), card(tokens_drop=drop), (H * 8, W * 8))
    assert found.shape == (N, H, W, D)
    for row, column in itertools.product(range(H), range(W)):
        np.testing.assert_array_equal(found[:, row, column], canonical[:, drop + row * W + column])


def test_tokens_of_a_square_tile_need_no_size():
    found = to_cells(numbered(1, 1 + 9, D), output("batch", "token", "embedding"), card(tokens_drop=1))
    np.testing.assert_array_equal(found[0, 2, 1], numbered(1, 10, D)[0, 1 + 7])


@pytest.mark.parametrize("dates", [3, 4])
def test_tokens_of_several_dates_run_dates_outermost(dates):
    """Four dates of 7 × 7 are 14 × 14 tokens too: the tile's size decides, not the square."""
    side = 7
    tokens = np.random.default_rng(1).normal(size=(N, 1 + dates * side * side, D)).astype(np.float32)
    found = to_cells(tokens, output("batch", "token", "embedding"), card(tokens_drop=1, dates=dates), (56, 56))
    for row, column in itertools.product(range(side), range(side)):
        wanted = np.mean([tokens[:, 1 + date * side * side + row * side + column] for date in range(dates)], axis=0)
        np.testing.assert_allclose(found[:, row, column], wanted, rtol=1e-5, atol=1e-6)


def test_tokens_whose_dates_the_graph_pooled_itself():
    tokens = numbered(N, 16, D)
    found = to_cells(tokens, output("batch", "token", "embedding"), card(dates=4), (32, 32))
    np.testing.assert_array_equal(found.reshape(N, 16, D), tokens)


def test_tokens_with_an_axis_of_dates():
    tokens = np.random.default_rng(2).normal(size=(N, T, 1 + 16, D)).astype(np.float32)
    declared = output("batch", "time", "token", "embedding")
    found = to_cells(tokens, declared, card(dates=T, tokens_drop=1), (32, 32))
    np.testing.assert_allclose(found, tokens[:, :, 1:].mean(axis=1).reshape(N, 4, 4, D), rtol=1e-5, atol=1e-6)
    pooled = to_cells(tokens, declared, card(dates=T, tokens_drop=1, pooling="cls", kind=CHIP), (32, 32))
    np.testing.assert_allclose(pooled[:, 0, 0], tokens[:, :, 0].mean(axis=1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("pooling, reference", [
    ("cls", lambda a: a[:, 0]), ("mean", lambda a: a[:, 5:].mean(axis=1)), ("max", lambda a: a[:, 5:].max(axis=1))])
def test_tokens_pooled_to_one_vector_a_tile(pooling, reference):
    tokens = np.random.default_rng(3).normal(size=(N, 5 + 17, D)).astype(np.float32)
    found = to_cells(tokens, output("batch", "token", "embedding"), card(tokens_drop=5, pooling=pooling, kind=CHIP))
    assert found.shape == (N, 1, 1, D)
    np.testing.assert_allclose(found[:, 0, 0], reference(tokens), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("pooling, reference", [("mean", np.mean), ("max", np.max)])
def test_maps_pooled_to_one_vector_a_tile(pooling, reference):
    array = np.random.default_rng(4).normal(size=(N, D, H, W)).astype(np.float32)
    found = to_cells(array, output("batch", "embedding", "height", "width"), card(pooling=pooling, kind=CHIP))
    np.testing.assert_allclose(found[:, 0, 0], reference(array, axis=(2, 3)), rtol=1e-5, atol=1e-6)


def test_vectors_become_one_cell_and_16_bits_become_32():
    array = numbered(N, D).astype(np.float16)
    found = to_cells(array, output("batch", "embedding"), card(kind=CHIP, stride=24), (40, 40))
    assert found.dtype == np.float32 and found.shape == (N, 1, 1, D)
    np.testing.assert_array_equal(found[:, 0, 0], numbered(N, D))
    dated = numbered(N, T, D)
    found = to_cells(dated, output("batch", "time", "embedding"), card(kind=CHIP, dates=T))
    np.testing.assert_allclose(found[:, 0, 0], dated.mean(axis=1))


def test_a_graph_without_a_batch_axis_gives_one_tile():
    found = to_cells(numbered(H, W, D), output("height", "width", "embedding"), card(), (H * 8, W * 8))
    np.testing.assert_array_equal(found, numbered(1, H, W, D))


def test_a_halo_is_not_counted():
    found = to_cells(numbered(N, D, 2, 3), output("batch", "embedding", "height", "width"), card(halo=3), (22, 30))
    np.testing.assert_array_equal(found, numbered(N, D, 2, 3).transpose(0, 2, 3, 1))


@pytest.mark.parametrize("array, declared, facts, size, error, words", [
    (numbered(N, 7, H, W), output("batch", "embedding", "height", "width"), {}, None, ModelError,
     r"returned 2 × 7 × 4 × 5 in out, but its card says any × 6 × any × any \(batch, embedding, height, width\)"),
    (numbered(N, D), output("batch", "token", "embedding"), {}, None, ModelError,
     "returned 2 × 6 in out, but its card says"),
    (numbered(N, D, H, W), output("batch", "embedding", "height", "width", shape=(-1, D, 9, 9)), {}, None, ModelError,
     r"card says any × 6 × 9 × 9"),
    (numbered(N, D, H, W), output("batch", "embedding", "height", "width"), {"halo": 1}, (32, 40), ModelError,
     r"returned 4 × 5 vectors for a tile, but by its card \(kind dense, stride 8, halo 1\) it should be 3 × 4"),
    (numbered(N, 17, D), output("batch", "token", "embedding"), {}, (32, 32), ModelError,
     "returned 17 tokens in out, of which its card drops 0; the other 17 are not 4 rows of 4"),
    (numbered(N, 17, D), output("batch", "token", "embedding"), {}, None, ModelError, "17 are not a square number"),
    (numbered(N, 5, D), output("batch", "token", "embedding"), {"tokens_drop": 5}, None, ModelError,
     "returned 5 tokens"),
    (numbered(N, 16, D), output("batch", "token", "embedding"), {"kind": CHIP}, (32, 32), ModelError, "kind chip"),
    (numbered(N, D, H, W), output("batch", "embedding", "height", "width"), {"pooling": "cls"}, None, CardError,
     "pooling cls, but its output out is a map"),
    (numbered(N, D), output("batch", "embedding"), {"pooling": "median"}, None, CardError, "pooling median"),
    (numbered(N, D), output("batch", "embedding"), {"date_pooling": "sum"}, None, CardError, "date pooling sum"),
    (numbered(N, D), output("batch", "channels"), {}, None, CardError, "names the axes batch, channels"),
    (numbered(N, D, H), output("batch", "embedding", "height"), {}, None, CardError, "names the axes"),
    (numbered(N, D), output("batch", "embedding"), {}, (32, 40), ModelError,
     r"gives one vector for a tile \(output out, pooling none\), but its card \(kind dense, stride 8\) speaks of 4"),
    (numbered(N, D, H, W), output("batch", "embedding", "height", "width"), {"pooling": "mean"}, (32, 40), ModelError,
     "speaks of 4 × 5"),
])
def test_what_disagrees_with_the_card_is_said(array, declared, facts, size, error, words):
    with pytest.raises(error, match=words):
        to_cells(array, declared, card(**facts), size)
