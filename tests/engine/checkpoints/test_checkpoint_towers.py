"""Converted towers give the vectors that the same weights give in PyTorch, at poles and across ±180° too.

The bound is 1e-5 of the largest number of the vectors, or of 1 where all are smaller: ours are float32 behind a float64
position, the modules compared with are float64 throughout.
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from torch_towers import (  # noqa: E402
    MadeTower,
    Recipe,
    geoclip_tower,
    places,
    satclip_checkpoint,
    satclip_tower,
    torchspatial_checkpoint,
    torchspatial_tower,
    write_safetensors,
)

from earthprint.engine.checkpoints.converting import ConvertRequest, ConvertResult, convert_checkpoint  # noqa: E402
from earthprint.engine.checkpoints.told import Told  # noqa: E402
from earthprint.engine.encoders.numpy_session import NumpySession  # noqa: E402
from earthprint.engine.errors import InputError  # noqa: E402
from earthprint.engine.locations.card_item import EMBEDDING  # noqa: E402
from earthprint.engine.locations.stored import open_location_encoder  # noqa: E402
from earthprint.engine.progress import Silent  # noqa: E402

BOUND = 1e-5
RECIPES = [
    Recipe("Space2Vec-grid", "space2vec-grid", 16, 0.005, 360),
    Recipe("Space2Vec-theory", "space2vec-theory", 16, 0.05, 360, layers=2, activation="relu"),
    Recipe("Sphere2Vec-sphereC", "sphere2vec-c", 16, 0.0005, activation="gelu"),
    Recipe("Sphere2Vec-sphereC+", "sphere2vec-c-plus", layers=3, activation="tanh"),
    Recipe("Sphere2Vec-sphereM", "sphere2vec-m", skip=False, layers=2),
    Recipe("Sphere2Vec-sphereM+", "sphere2vec-m-plus", max_radius=2.5, layers=2, norm=False),
    Recipe("Sphere2Vec-dfs", "sphere2vec-dfs", 4, max_radius=3.0, layers=0),
    Recipe("NeRF", "nerf", 8, activation="sigmoid"),
    Recipe("xyz", "xyz", layers=2, activation="relu"),
    Recipe("wrap_ffn", "wrap-ffn", layers=2, hidden=24),
    Recipe("wrap", "wrap"),
    Recipe("rff", "fourier-planar", 24, activation="relu"),
    Recipe("tile_ffn", "tile", 12, extent=[-180.0, 180.0, -90.0, 90.0]),
    Recipe("tile_ffn", "tile", 12, extent=[-180.0, 180.0, -90.0, 90.0], cells=18),
]


class Heard(Silent):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.said: "list[str]" = []
        self.warned: "list[str]" = []

    def info(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)


def saved(folder: Path, content: Dict[str, Any], name: str = "tower.ckpt") -> Path:
    path = folder / name
    torch.save(content, path)
    return path


def converted(path: Path, progress: Any = None, **changes: Any) -> ConvertResult:
    return convert_checkpoint(ConvertRequest(str(path), output=str(path.with_suffix(".onnx")), **changes),
                              progress or Silent())


def require_parity(result: ConvertResult, tower: MadeTower, at: np.ndarray) -> None:
    """Compare ONNX Runtime's vectors, and those of plain NumPy, with PyTorch's."""
    wanted = tower.vectors(at)
    bound = BOUND * max(1.0, float(np.abs(wanted).max()))
    stored = open_location_encoder(result.output)
    found = stored.vectors(at)
    assert found.shape == wanted.shape and np.abs(wanted).max() > 1e-3
    assert np.abs(found - wanted).max() <= bound
    feeds = {"location": at} if stored.card.position.has_nodes else {"position": stored.card.position.features(at)}
    plain = NumpySession(Path(result.output)).run([EMBEDDING], feeds)[0]
    assert np.abs(plain - wanted).max() <= bound


@pytest.mark.parametrize("degrees", [10, 40, 7])
def test_satclip_equals_pytorch(tmp_path: Path, degrees: int) -> None:
    tower = satclip_tower(degrees)
    heard = Heard()
    result = converted(saved(tmp_path, satclip_checkpoint(tower, degrees), "satclip-resnet18.ckpt"), heard)
    require_parity(result, tower, places())
    assert (result.family, result.id, result.dimensions) == ("satclip", "satclip-resnet18", 256)
    card = open_location_encoder(result.output).card
    assert card.licence == "MIT" and card.position.compat == "satclip" and card.position.settings.scales == degrees
    assert "out of its scope" in card.description and card.source["sha256"] and card.area is None
    assert not heard.warned and result.continuity.seam > 0.999 and result.continuity.pole > 0.999
    assert result.left_out == ("tensors that stand in it twice, with the same numbers (6)",
                               "tensors of the image tower (7)", "factor of the loss (1)")


def test_satclip_alone_in_safetensors_equals_pytorch(tmp_path: Path) -> None:
    tower = satclip_tower(12, hidden=64, out=32)
    path = tmp_path / "model.safetensors"
    write_safetensors(path, {f"nnet.{key}": value.numpy() for key, value in tower.module.state_dict().items()})
    result = converted(path)
    require_parity(result, tower, places())
    assert result.id == "satclip-l12" and result.left_out == ()


def test_two_copies_of_satclip_that_differ_are_refused(tmp_path: Path) -> None:
    content = satclip_checkpoint(satclip_tower(4, 16, 8), 4)
    state = dict(content["state_dict"])
    state["model.nnet.layers.1.bias"] = state["model.nnet.layers.1.bias"] + 1e-9
    with pytest.raises(InputError, match=r"model\.nnet\.layers\.1\.bias stands in it twice with different numbers"):
        converted(saved(tmp_path, dict(content, state_dict=state)))


@pytest.mark.parametrize("changes, said", [
    ({"le_type": "grid"}, "le_type = grid.*only SatCLIP models with le_type = sphericalharmonics"),
    ({"harmonics_calculation": "closed-form"}, "harmonics_calculation = closed-form"),
    ({"legendre_polys": 10}, "legendre_polys = 10, but its first layer is made for 4")])
def test_relatives_of_satclip_are_refused_by_their_settings(tmp_path: Path, changes: Dict[str, Any],
                                                            said: str) -> None:
    with pytest.raises(InputError, match=said):
        converted(saved(tmp_path, satclip_checkpoint(satclip_tower(4, 16, 8), 4, **changes)))


def test_geoclip_equals_pytorch_and_warns_where_it_breaks(tmp_path: Path) -> None:
    tower = geoclip_tower()
    heard = Heard()
    path = saved(tmp_path, tower.module.state_dict(), "location_encoder_weights.pth")
    result = converted(path, heard)
    require_parity(result, tower, places())
    stored = open_location_encoder(result.output)
    assert (result.id, result.family, stored.seamless, stored.polar) == ("geoclip", "geoclip", False, False)
    assert any("gives vectors of 32 numbers where GeoCLIP gives 512" in text for text in heard.warned)
    assert any("±180°" in text for text in heard.warned) and any("poles" in text for text in heard.warned)
    west, east = tower.vectors(np.array([[-180.0, 40]])), tower.vectors(np.array([[180.0, 40]]))
    assert float((west * east).sum() / np.linalg.norm(west) / np.linalg.norm(east)) < 0.99
    assert stored.card.warnings == result.warnings and stored.card.figures["seam_cosine"] < 0.99
    assert "1 km" in stored.card.description and stored.card.licence == "MIT"


def test_the_whole_of_geoclip_in_safetensors_equals_pytorch(tmp_path: Path) -> None:
    tower = geoclip_tower()
    path = tmp_path / "model.safetensors"
    tensors = {f"location_encoder.{key}": value.numpy() for key, value in tower.module.state_dict().items()}
    tensors["image_encoder.mlp.0.weight"] = np.zeros((4, 4), np.float32)
    tensors["logit_scale"] = np.array(3.681, np.float32)
    write_safetensors(path, tensors)
    heard = Heard()
    require_parity(converted(path, heard), tower, places())
    assert "1 km" in heard.said[0]
    assert heard.said[1:] == ["Left out: tensors of the image tower (1).", "Left out: factor of the loss (1)."]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: f"{recipe.kind}-{recipe.cells}")
def test_torchspatial_equals_pytorch(tmp_path: Path, recipe: Recipe) -> None:
    tower = torchspatial_tower(recipe)
    path = saved(tmp_path, torchspatial_checkpoint(recipe, tower), "model.pth.tar")
    told = Told(cell=60.0) if recipe.cells > 1 else Told()
    result = converted(path, told=told)
    assert result.id == f"torchspatial-{recipe.ours}" and result.family == "torchspatial"
    require_parity(result, tower, places())


@pytest.mark.parametrize("recipe", [RECIPES[0], RECIPES[5], RECIPES[7], RECIPES[8], RECIPES[10], RECIPES[11]],
                         ids=lambda recipe: recipe.kind)
def test_what_a_file_does_not_say_the_user_says(tmp_path: Path, recipe: Recipe) -> None:
    tower = torchspatial_tower(recipe)
    path = saved(tmp_path, torchspatial_checkpoint(recipe, tower, told=False), "model.pth.tar")
    west, east, south, north = recipe.extent
    told = Told(recipe.ours, activation="" if recipe.kind == "wrap" else recipe.activation)
    if recipe.kind.startswith("Sp"):
        told = replace(told, min_radius=recipe.min_radius, max_radius=recipe.max_radius)
    if recipe.kind == "rff":
        told = replace(told, extent=(west, south, east, north))
    require_parity(converted(path, told=told), tower, places())


@pytest.mark.parametrize("told, said", [
    (Told(), r"doesn't say with which settings it was trained: give KIND \(.*space2vec-grid"),
    (Told("space2vec-grid"), "give MAX_RADIUS"),
    (Told("space2vec-grid", max_radius=360), "give MIN_RADIUS"),
    (Told("sphere2vec-m", 0.005, 360, "relu"), "takes 64 numbers, which sphere2vec-m doesn't give"),
    (Told("xyz", activation="relu"), "takes 64 numbers, which xyz doesn't give"),
    (Told("wrap"), "is not that of wrap"), (Told("rbf"), "rbf, whose anchors are places of its training data"),
    (Told("fourier-planar", activation="relu"), r"lacks spa_enc\.dirvec"),
    (Told("tile", activation="relu"), r"lacks spa_enc\.embedding\.weight")])
def test_what_is_missing_is_asked_for_in_one_sentence(tmp_path: Path, told: Told, said: str) -> None:
    recipe = RECIPES[0]
    path = saved(tmp_path, torchspatial_checkpoint(recipe, torchspatial_tower(recipe), told=False))
    with pytest.raises(InputError, match=said):
        converted(path, told=told)


def test_the_files_name_is_no_part_of_the_space(tmp_path: Path) -> None:
    """Of all kinds, since each has warnings of its own, which lie in the card and so in the model."""
    for recipe in RECIPES:
        stream = io.BytesIO()
        torch.save(torchspatial_checkpoint(recipe, torchspatial_tower(recipe)), stream)
        told = Told(cell=60.0) if recipe.cells > 1 else Told()
        keys = []
        for name in ("one.pth.tar", "another name.pt"):
            (tmp_path / name).write_bytes(stream.getvalue())
            keys.append(converted(tmp_path / name, told=told).space.key())
        assert keys[0] == keys[1], recipe


def test_an_activation_that_nobody_tells_is_the_originals_default_and_the_log_says_so(tmp_path: Path) -> None:
    recipe = replace(RECIPES[0], activation="leakyrelu")
    path = saved(tmp_path, torchspatial_checkpoint(recipe, torchspatial_tower(recipe), told=False), "model.pth.tar")
    radii = Told(recipe.ours, recipe.min_radius, recipe.max_radius)
    guessed = converted(path, told=radii)
    given = converted(path, told=replace(radii, activation="leakyrelu"))
    require_parity(guessed, torchspatial_tower(recipe), places())
    assert guessed.space.key() == given.space.key()
    assert [text for text in guessed.warnings if "leakyrelu, TorchSpatial's default, is taken" in text]
    assert not [text for text in given.warnings if "leakyrelu" in text]


def test_a_file_and_a_user_who_disagree_are_told_so(tmp_path: Path) -> None:
    recipe = RECIPES[0]
    path = saved(tmp_path, torchspatial_checkpoint(recipe, torchspatial_tower(recipe)))
    with pytest.raises(InputError, match=r"MIN_RADIUS is 1.0, but the checkpoint tower.ckpt itself says 0.005"):
        converted(path, told=Told(min_radius=1.0))
    with pytest.raises(InputError, match="KIND is xyz, but the checkpoint"):
        converted(path, told=Told("xyz"))


def test_tiles_need_their_size_and_one_tile_is_told_to_be_useless(tmp_path: Path) -> None:
    many, one = RECIPES[-1], RECIPES[-2]
    path = saved(tmp_path, torchspatial_checkpoint(many, torchspatial_tower(many)))
    with pytest.raises(InputError, match="has vectors of 18 tiles: give CELL"):
        converted(path)
    with pytest.raises(InputError, match="has vectors of 18 tiles, but 30° make 72"):
        converted(path, told=Told(cell=30.0))
    heard = Heard()
    converted(saved(tmp_path, torchspatial_checkpoint(one, torchspatial_tower(one))), heard)
    assert any("a single tile, so that all places" in text for text in heard.warned)


def test_anchors_that_are_not_in_the_file_are_named(tmp_path: Path) -> None:
    recipe = Recipe("xyz", "xyz")
    content = torchspatial_checkpoint(recipe, torchspatial_tower(recipe))
    content["params"].update(spa_enc_type="rbf", rbf_anchor_pt_ids=list(np.arange(5)))
    with pytest.raises(InputError, match="anchors are places of its training data that it doesn't hold"):
        converted(saved(tmp_path, content))


def test_originals_that_do_less_than_their_name_says_are_told(tmp_path: Path) -> None:
    heard = Heard()
    recipe = replace(RECIPES[5], max_radius=1.0)
    converted(saved(tmp_path, torchspatial_checkpoint(recipe, torchspatial_tower(recipe))), heard)
    assert any("all scales of sphere2vec-m-plus" in text for text in heard.warned)
    heard = Heard()
    tower = torchspatial_tower(RECIPES[10])
    result = converted(saved(tmp_path, torchspatial_checkpoint(RECIPES[10], tower)), heard)
    assert any("north and the south pole the same vector" in text for text in heard.warned)
    poles = open_location_encoder(result.output).vectors(np.array([[0.0, 90], [0.0, -90]]))
    assert np.abs(poles[0] - poles[1]).max() < 1e-5


def test_the_same_checkpoint_makes_the_same_space_wherever_it_is_converted(tmp_path: Path) -> None:
    path = saved(tmp_path, geoclip_tower().module.state_dict(), "weights.pth")
    (tmp_path / "b").mkdir()
    first = converted(path)
    second = convert_checkpoint(ConvertRequest(str(path), output=str(tmp_path / "b" / "x.onnx")), Silent())
    assert first.space.key() == second.space.key()
    other = converted(path, name="another")
    assert other.id == "another" and other.space.key() != first.space.key()


def test_the_folder_of_encoders_gets_one_of_each(tmp_path: Path) -> None:
    folder = tmp_path / "encoders"
    path = saved(tmp_path, geoclip_tower().module.state_dict(), "weights.pth")
    for _ in range(2):
        result = convert_checkpoint(ConvertRequest(str(path), folder=folder), Silent())
    assert sorted(item.name for item in folder.iterdir()) == ["geoclip.json", "geoclip.onnx"]
    assert result.output == str(folder / "geoclip.onnx")
    other = saved(tmp_path, geoclip_tower(seed=6).module.state_dict(), "finetuned.pth")
    with pytest.raises(InputError, match="another encoder called geoclip.*give another NAME"):
        convert_checkpoint(ConvertRequest(str(other), folder=folder), Silent())
    assert convert_checkpoint(ConvertRequest(str(other), folder=folder, name="mine"), Silent()).id == "mine"


def test_settings_that_would_do_nothing_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, geoclip_tower().module.state_dict(), "weights.pth")
    with pytest.raises(InputError, match="are for checkpoints of TorchSpatial, but weights.pth is of GeoCLIP"):
        converted(path, told=Told(min_radius=0.1))
    with pytest.raises(InputError, match="is of GeoCLIP, not of SatCLIP: choose geoclip"):
        converted(path, family="satclip")
