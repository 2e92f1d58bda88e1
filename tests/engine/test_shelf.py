"""The list of encoders: what it says of each, what a check of the files finds, and what removing leaves."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from shelf_folder import Shelf, fill_shelf

from earthprint.engine.card_json import read_card, write_card
from earthprint.engine.encoders.library import EncoderFolders
from earthprint.engine.encoders.shelf import (
    FURTHER,
    SHIPPED,
    TEMPLATE,
    USER,
    check_files,
    files_of,
    list_shelf,
    remove_encoder,
)
from earthprint.engine.errors import InputError

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Shelf:
    return fill_shelf(tmp_path_factory.mktemp("shelf") / "encoders")


@pytest.fixture
def shelf(filled, tmp_path) -> Shelf:
    folder = tmp_path / "encoders"
    shutil.copytree(filled.folder, folder)
    cards = (folder / path.name for path in (filled.sound, filled.exchanged, filled.broken))
    return Shelf(folder, *cards, filled.scene)


def found_by_path(folders):
    return {encoder.path: encoder for encoder in list_shelf(folders)}


def test_each_encoder_with_what_is_in_its_card_and_on_the_disk(shelf):
    found = found_by_path(EncoderFolders(user=shelf.folder))
    card, model = read_card(shelf.sound), shelf.sound.with_suffix(".onnx")
    sound = found[shelf.sound]
    assert (sound.id, sound.origin, sound.problem, sound.stated) == (card.id, USER, "", True)
    assert sound.bands == ("blue", "green", "red", "nir")
    assert (sound.dimensions, sound.cell, sound.licence) == (8, card.stride, card.licence)
    assert (sound.model, sound.size) == (model, model.stat().st_size)
    assert "assets" in found[shelf.broken].problem and found[shelf.broken].dimensions == 0
    assert len(found) == 3


def test_cards_that_ship_wait_for_their_file_and_come_last(shelf):
    found = list_shelf(EncoderFolders(shipped=ROOT / "models", user=shelf.folder))
    origins = [encoder.origin for encoder in found]
    assert origins == [USER] * 3 + [TEMPLATE] * (len(found) - 3) and len(found) > 20
    prithvi = next(encoder for encoder in found if encoder.id == "prithvi-eo-2.0-300m")
    assert (len(prithvi.bands), prithvi.dimensions, prithvi.cell, prithvi.model) == (6, 1024, 16, None)


def test_the_origin_is_that_of_the_folder(shelf, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(shelf.folder, other)
    found = found_by_path(EncoderFolders(user=shelf.folder, extra=(other,)))
    assert found[shelf.sound].origin == USER and found[other / "my-encoder.json"].origin == FURTHER
    assert {item.origin for item in list_shelf(EncoderFolders(shipped=other))} == {SHIPPED}


def test_a_check_tells_the_right_file_from_an_exchanged_one(shelf):
    folders = EncoderFolders(user=shelf.folder)
    found = found_by_path(folders)
    assert found[shelf.exchanged].problem == ""  # the list doesn't hash
    good, bad = check_files(found[shelf.sound], folders), check_files(found[shelf.exchanged], folders)
    assert (good.problem, good.differs) == ("", False)
    assert bad.differs
    digest = hashlib.sha256(shelf.exchanged.with_suffix(".onnx").read_bytes()).hexdigest()
    assert digest[:12] in bad.problem and "exchanged.onnx" in bad.problem


def test_a_file_that_is_no_sound_graph_is_no_matter_of_checksums(shelf):
    folders = EncoderFolders(user=shelf.folder)
    encoder = found_by_path(folders)[shelf.sound]
    shelf.sound.with_suffix(".onnx").write_bytes(b"not a graph at all")
    found = check_files(encoder, folders)
    assert found.problem and not found.differs


def test_a_card_inside_its_file_states_no_checksum(shelf):
    shelf.sound.unlink()
    folders = EncoderFolders(user=shelf.folder)
    encoder = found_by_path(folders)[shelf.sound.with_suffix(".onnx")]
    assert not encoder.stated and encoder.model == encoder.path
    assert check_files(encoder, folders).problem == ""
    remove_encoder(encoder, folders)
    assert sorted(path.name for path in shelf.folder.iterdir()) == ["broken.json", "exchanged.json", "exchanged.onnx"]


def test_removing_takes_card_and_model_and_nothing_else(shelf):
    folders = EncoderFolders(user=shelf.folder)
    encoder = found_by_path(folders)[shelf.exchanged]
    assert {path.name for path in files_of(encoder, folders)} == {"exchanged.json", "exchanged.onnx"}
    remove_encoder(encoder, folders)
    assert sorted(path.name for path in shelf.folder.iterdir()) == ["broken.json", "my-encoder.json", "my-encoder.onnx"]


def test_a_model_that_another_card_uses_stays(shelf):
    card = read_card(shelf.sound)
    second = write_card(replace(card, id="second", name="Second"), shelf.folder / "second.json")
    folders = EncoderFolders(user=shelf.folder)
    encoder = found_by_path(folders)[second]
    assert encoder.model == shelf.sound.with_suffix(".onnx")
    remove_encoder(encoder, folders)
    assert not second.exists() and check_files(found_by_path(folders)[shelf.sound], folders).problem == ""


def test_a_model_outside_the_folder_stays(shelf, tmp_path):
    outside = tmp_path / "elsewhere.onnx"
    shutil.copyfile(shelf.sound.with_suffix(".onnx"), outside)
    card = write_card(replace(read_card(shelf.sound), id="far", name="Far", model_path=outside),
                      shelf.folder / "far.json")
    folders = EncoderFolders(user=shelf.folder)
    remove_encoder(found_by_path(folders)[card], folders)
    assert outside.is_file() and not card.exists()


def test_what_is_not_the_users_can_not_be_removed(shelf):
    folders = EncoderFolders(shipped=shelf.folder)
    encoder = found_by_path(folders)[shelf.sound]
    with pytest.raises(InputError, match="doesn't lie in your folder"):
        remove_encoder(encoder, folders)
    assert shelf.sound.is_file()
