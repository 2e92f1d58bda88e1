"""Encoders are found by id, card or file, verified, and a bad one hides no other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_graphs import card_of, patch_means

from earthprint.engine.card import Reduction, Scaling
from earthprint.engine.card_json import NOTE, card_note, read_card, write_card
from earthprint.engine.encoders.library import (
    EncoderFolders,
    find_encoder,
    find_template,
    list_encoders,
    list_templates,
)
from earthprint.engine.encoders.model_file import verify_model
from earthprint.engine.errors import CardError, InputError, ModelError

SHIPPED = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture
def folders(tmp_path):
    for name in ("user", "extra", "shipped/cards"):
        (tmp_path / name).mkdir(parents=True)
    return EncoderFolders(tmp_path / "shipped", tmp_path / "user", (tmp_path / "extra",))


def stored(folder: Path, name: str, **changes) -> Path:
    model = patch_means(folder / f"{name}.onnx", scale=changes.pop("scale", 1.0))
    return write_card(card_of(model, **changes), folder / f"{name}.json")


def test_all_folders_are_listed_and_bad_cards_reported(folders):
    stored(folders.user, "mine")
    stored(folders.extra[0], "lab", scale=2.0)
    stored(folders.shipped, "shipped", scale=3.0)
    broken = stored(folders.user, "broken")
    item = json.loads(broken.read_text())
    del item["properties"]["mlm:architecture"]
    broken.write_text(json.dumps(item))
    (folders.user / "orphan.json").write_text((folders.user / "mine.json").read_text().replace("mine", "orphan"))
    (folders.user / "settings.json").write_text('{"a": 1}')
    (folders.user / "list.json").write_text("[1, 2]")
    predictor = json.loads((folders.user / "mine.json").read_text())
    predictor["properties"]["mlm:tasks"] = ["regression"]
    (folders.user / "predictor.json").write_text(json.dumps(predictor))
    listed = {item.path.stem: item for item in list_encoders(folders)}
    assert set(listed) == {"mine", "lab", "shipped", "broken", "orphan"}
    assert {name for name, item in listed.items() if not item.usable} == {"broken"}
    assert "mlm:architecture is missing" in listed["broken"].problem
    assert (listed["mine"].dimensions, listed["mine"].bands) == (3, ("B02", "B03"))


def test_a_card_found_by_checksum_is_usable_though_its_file_was_renamed(folders):
    path = stored(folders.user, "mine")
    (folders.user / "mine.onnx").rename(folders.extra[0] / "other-name.onnx")
    assert [item.usable for item in list_encoders(folders)] == [True]
    assert find_encoder("mine", folders).model_path == folders.extra[0] / "other-name.onnx"
    assert find_encoder(str(path), folders).id == "mine"


def test_by_id_by_card_and_by_file(folders, tmp_path):
    path = stored(folders.user, "mine")
    for text in ("mine", " mine ", str(path), str(path.with_suffix(".onnx"))):
        card = find_encoder(text, folders)
        assert card.id == "mine" and card.model_path == path.with_suffix(".onnx")
    elsewhere = stored(tmp_path, "elsewhere")
    assert find_encoder(str(elsewhere), folders).id == "elsewhere"


def test_a_reduced_card_refers_to_the_same_model(folders, tmp_path):
    card = read_card(stored(folders.user, "mine"))
    reduction = Reduction("pca", np.zeros(3, np.float32), np.eye(3, dtype=np.float32)[:2], (0.6, 0.4))
    path = write_card(replace(card, reduction=reduction), tmp_path / "out.encoder.json")
    found = find_encoder(str(path), folders)
    assert found.model_path == folders.user / "mine.onnx"
    assert found.output_dimensions == 2
    assert found.space().digest() != card.space().digest()


def test_a_reduced_card_in_the_folder_goes_by_its_file(folders):
    card = read_card(stored(folders.user, "mine"))
    reduction = Reduction("pca", np.zeros(3, np.float32), np.eye(3, dtype=np.float32)[:2], (0.6, 0.4))
    write_card(replace(card, reduction=reduction), folders.user / "mine-1a2b3c4d.json")
    assert sorted(item.id for item in list_encoders(folders)) == ["mine", "mine-1a2b3c4d"]
    assert find_encoder("mine", folders).reduction is None
    found = find_encoder("mine-1a2b3c4d", folders)
    assert found.reduction.digest() == reduction.digest() and found.id == "mine"


def test_a_card_inside_the_file_is_enough(folders):
    plain = card_of(folders.user / "inside.onnx", scaling=Scaling((1.0,), (2.0,)))
    model = patch_means(plain.model_path, notes={NOTE: card_note(plain)})
    card = find_encoder(str(model), folders)
    assert card.scaling == Scaling((1.0,), (2.0,))
    assert card.checksum == card_of(model).checksum
    assert find_encoder("inside", folders).space().digest() == card.space().digest()
    write_card(replace(card_of(model), scaling=Scaling((5.0,), (2.0,))), folders.user / "inside.json")
    with pytest.raises(CardError, match="say different things \\(scaling\\)"):
        find_encoder("inside", folders)


def test_unknown_encoders_are_explained(folders):
    with pytest.raises(InputError, match="no encoder has been added yet.*automatic"):
        find_encoder("mine", folders)
    stored(folders.user, "my-resnet")
    with pytest.raises(InputError, match="did you mean my-resnet"):
        find_encoder("my-resnett", folders)
    with pytest.raises(InputError, match="there are my-resnet"):
        find_encoder("clay", folders)
    with pytest.raises(InputError, match="ENCODER is empty"):
        find_encoder("  ", folders)
    with pytest.raises(InputError, match="doesn't exist"):
        find_encoder(str(folders.user / "none.onnx"), folders)
    with pytest.raises(CardError, match="can't be read"):
        find_encoder(str(folders.user / "none.json"), folders)
    model = patch_means(folders.user / "bare.onnx")
    with pytest.raises(CardError, match="has no card.*Add an encoder"):
        find_encoder(str(model), folders)
    assert "bare" not in [item.id for item in list_encoders(folders)]


def test_a_template_is_no_encoder():
    folders = EncoderFolders(shipped=SHIPPED)
    assert len(list_templates(folders)) >= 20
    assert all(item.usable for item in list_templates(folders))
    assert not {item.id for item in list_encoders(folders)} & {item.id for item in list_templates(folders)}
    with pytest.raises(InputError, match="card without a model file.*Add an encoder"):
        find_encoder("prithvi-eo-2.0-300m", folders)
    assert find_template("prithvi-eo-2.0-300m", folders).dimensions == 1024
    assert find_template("prithvi", folders) is None


def test_one_id_for_two_encoders_is_refused(folders):
    stored(folders.user, "mine")
    stored(folders.shipped, "mine")
    assert find_encoder("mine", folders).model_path.parent == folders.user
    stored(folders.shipped, "mine", scale=2.0)
    with pytest.raises(InputError, match="Two different encoders are called mine.*user.*shipped"):
        find_encoder("mine", folders)


def test_a_bad_card_of_the_id_says_why(folders):
    path = stored(folders.user, "mine")
    path.write_text(path.read_text().replace('"dense"', '"pixel"'))
    with pytest.raises(CardError, match="mine can't be used.*earthprint.kind is “pixel”"):
        find_encoder("mine", folders)


def test_another_file_of_the_same_size_is_noticed(folders):
    path = stored(folders.user, "mine")
    find_encoder("mine", folders)
    model = path.with_suffix(".onnx")
    before = model.stat().st_size
    patch_means(model, scale=2.0)
    assert model.stat().st_size == before
    with pytest.raises(CardError, match="SHA-256.*another version or damaged"):
        find_encoder("mine", folders)


def test_a_truncated_file_is_noticed(folders):
    path = stored(folders.user, "mine")
    model = path.with_suffix(".onnx")
    model.write_bytes(model.read_bytes()[:-40])
    with pytest.raises(CardError, match="bytes.*truncated"):
        find_encoder(str(path), folders)
    write_card(card_of(model), path)
    with pytest.raises(ModelError):
        find_encoder(str(path), folders)


def test_weights_in_other_files_are_part_of_the_encoder(folders):
    model = patch_means(folders.user / "big.onnx", external="big.data")
    data = folders.user / "big.data"
    bare = write_card(card_of(model, external=True), folders.user / "big.json")
    with pytest.raises(CardError, match="doesn't state the checksum of .*big.data"):
        find_encoder("big", folders)
    weights = {"big.data": card_of(data).checksum}
    card = card_of(model, external=True, details={"weights": weights})
    write_card(card, bare)
    assert find_encoder("big", folders).details["weights"] == weights
    assets = json.loads(bare.read_text())["assets"]
    assert [asset["href"] for asset in assets.values() if asset["roles"] == ["mlm:weights"]] == ["./big.data"]
    data.write_bytes(data.read_bytes()[::-1])
    with pytest.raises(CardError, match="big.data has the SHA-256"):
        verify_model(read_card(bare))
    other = replace(card, details={"weights": {"big.data": "0" * 64}})
    assert other.space().digest() != card.space().digest()


def test_missing_folders_are_empty():
    assert list_encoders(EncoderFolders(Path("/nowhere"), None)) == []
    assert list_templates(EncoderFolders()) == []
