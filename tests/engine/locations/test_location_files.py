"""Location encoders in files: written whole, read back the same, refused where anything was changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from shelf_folder import fill_shelf
from test_card_json import mlm_faults

from earthprint.engine import packages
from earthprint.engine.encoders.library import EncoderFolders, find_encoder, list_encoders
from earthprint.engine.encoders.shelf import check_files, files_of, list_shelf, remove_encoder
from earthprint.engine.errors import EarthprintError, InputError, OutputError, PackageError
from earthprint.engine.locations import Settings, find_location_encoder
from earthprint.engine.locations.card import LocationCard
from earthprint.engine.locations.coverage import coverage_of
from earthprint.engine.locations.keeping import keep_location_encoder
from earthprint.engine.locations.network import Activation, Linear, Lookup, Network, Normalise
from earthprint.engine.locations.position import Position, position_of
from earthprint.engine.locations.stored import open_location_encoder
from earthprint.engine.locations.stored_list import list_location_encoders
from earthprint.engine.locations.storing import save_location_encoder
from earthprint.engine.model_item import card_path
from earthprint.engine.onnxgraph import OnnxGraph
from earthprint.engine.provenance import KNOWN, Provenance

CHANCE = np.random.default_rng(5)
PLACES = np.stack([CHANCE.uniform(-180, 180, 3000), CHANCE.uniform(-90, 90, 3000)], axis=1)


def drawn(*shape: int) -> np.ndarray:
    return (CHANCE.normal(size=shape) / np.sqrt(shape[-1])).astype(np.float32)


def network(inputs: int, dimensions: int = 12) -> Network:
    return Network((Linear(drawn(32, inputs), drawn(32)), Activation("gelu"), Linear(drawn(dimensions, 32))))


def card(position: Position, name: str = "Here and there", **more: Any) -> LocationCard:
    return LocationCard("here-and-there", name, position, 0, **{"licence": "MIT", "created": "2026-03-04", **more})


def saved(folder: Path, file: str = "mine.onnx", **more: Any) -> Path:
    position = position_of("sphere2vec-c", Settings(scales=4))
    return save_location_encoder(folder / file, position, network(position.size), card(position, **more))


def test_what_was_written_is_read_and_gives_the_networks_vectors(tmp_path: Path) -> None:
    position = position_of("spherical-harmonics", Settings(scales=6))
    layers = network(36)
    about = card(position, description="Of a test.", architecture="Two layers", area=coverage_of(PLACES[:50]),
                 figures={"score": 0.5, "nothing": float("nan")}, versions={"torch": "2"},
                 provenance=(KNOWN["alphaearth"],), source={"rows": 50}, warnings=("Mind the gap.",))
    path = save_location_encoder(tmp_path / "a.onnx", position, layers, about)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.json", "a.onnx"]
    for encoder in (open_location_encoder(path), open_location_encoder(card_path(path))):
        expected = layers.apply(position.features(PLACES))
        np.testing.assert_allclose(encoder.vectors(PLACES), expected, rtol=0, atol=1e-5)
        assert encoder.vectors(PLACES[:0]).shape == (0, 12)
        read = encoder.card
        assert (encoder.name, encoder.dimensions, encoder.seamless, encoder.polar) == ("here-and-there", 12, True, True)
        assert (read.name, read.licence, read.description) == ("Here and there", "MIT", "Of a test.")
        assert read.figures == {"score": 0.5, "nothing": None} and read.warnings == ("Mind the gap.",)
        assert read.area is not None and about.area is not None and read.area.distance == pytest.approx(
            about.area.distance, abs=0.06)
        np.testing.assert_array_equal(read.area.places, about.area.places)
        space = encoder.space()
        assert space.checksum == read.checksum and len(read.checksum) == 64 and space.dimensions == 12
        # Both what it was made from and its own licence go along.
        assert {item.licence for item in space.provenance} == {"CC BY 4.0", "MIT"}


def test_the_space_does_not_depend_on_the_files_name(tmp_path: Path) -> None:
    position, layers = position_of("xyz"), network(3)
    paths = [save_location_encoder(tmp_path / name, position, layers, card(position)) for name in ("a.onnx", "b.onnx")]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    keys = [open_location_encoder(path).space().key() for path in paths]
    assert keys[0] == keys[1]


def test_vectors_are_the_same_however_many_are_wanted_at_once(tmp_path: Path) -> None:
    encoder = open_location_encoder(saved(tmp_path))
    whole = encoder.vectors(PLACES)
    np.testing.assert_allclose(encoder.vectors(PLACES[7:8]), whole[7:8], rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.concatenate([encoder.vectors(PLACES[:1000]), encoder.vectors(PLACES[1000:])]), whole,
                               rtol=0, atol=1e-6)


def test_without_onnx_runtime_numpy_evaluates_the_same_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path)
    expected = open_location_encoder(path).vectors(PLACES)

    def missing(name: str) -> Any:
        raise PackageError("x", "{name} is missing.", name=name)

    monkeypatch.setattr(packages, "require", missing)
    encoder = open_location_encoder(path)
    np.testing.assert_allclose(encoder.vectors(PLACES), expected, rtol=0, atol=1e-5)
    assert encoder.device == "NumPy"


def test_a_front_that_no_graph_can_hold_runs_before_it(tmp_path: Path) -> None:
    position = position_of("equal-earth")
    layers = Network((Linear(drawn(5, 2)), Normalise()))
    path = save_location_encoder(tmp_path / "e.onnx", position, layers, card(position))
    encoder = open_location_encoder(path)
    np.testing.assert_allclose(encoder.vectors(PLACES), layers.apply(position.features(PLACES)), rtol=0, atol=1e-6)
    assert encoder.space().unit_norm and encoder.space().key().endswith("/unit")


@pytest.mark.parametrize("kind", ["rbf", "tile", "fourier-planar"])
def test_arrays_and_tables_come_back(tmp_path: Path, kind: str) -> None:
    arrays = {"rbf": {"anchors": PLACES[:9]}, "fourier-planar": {"directions": drawn(9, 2), "phases": drawn(9)}}
    position = position_of(kind, Settings(cell=30.0) if kind == "tile" else Settings(),
                           "torchspatial" if kind == "fourier-planar" else "", arrays.get(kind))
    layers = Network((Lookup(drawn(72, 4)),)) if kind == "tile" else network(9)
    path = save_location_encoder(tmp_path / "t.onnx", position, layers, card(position))
    encoder = open_location_encoder(path)
    np.testing.assert_allclose(encoder.vectors(PLACES), layers.apply(position.features(PLACES)), rtol=0, atol=1e-5)
    again = encoder.card.position
    np.testing.assert_array_equal(again.features(PLACES), position.features(PLACES))
    assert again.as_json() == position.as_json()


def test_the_card_is_valid_and_its_copy_says_the_same(tmp_path: Path) -> None:
    path = saved(tmp_path, area=coverage_of(PLACES[:20]))
    item = json.loads(card_path(path).read_text(encoding="utf-8"))
    # Places have no bands, so that neither extension of bands is used.
    asset = {**item["assets"]["model"], "raster:bands": [], "eo:bands": []}
    assert mlm_faults({**item, "assets": {"model": asset}}) == []
    pytest.importorskip("stac_model.schema").MLModelProperties.model_validate(item["properties"])
    pystac = pytest.importorskip("pystac")
    validation = pytest.importorskip("pystac.validation.stac_validator")
    validation.JsonSchemaSTACValidator().validate_core(item, pystac.STACObjectType.ITEM, "1.1.0", str(path))
    onnx = pytest.importorskip("onnx")
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    note = {entry.key: entry.value for entry in model.metadata_props}["earthprint.location"]
    assert json.loads(note)["properties"] == item["properties"]


def test_two_writings_are_the_same_bytes(tmp_path: Path) -> None:
    position = position_of("xyz")
    layers = network(3)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save_location_encoder(tmp_path / name / "e.onnx", position, layers, card(position))
    for ending in ("onnx", "json"):
        assert (tmp_path / "a" / f"e.{ending}").read_bytes() == (tmp_path / "b" / f"e.{ending}").read_bytes()


def test_the_copy_inside_is_enough(tmp_path: Path) -> None:
    path = saved(tmp_path)
    with_card = open_location_encoder(path)
    card_path(path).unlink()
    alone = open_location_encoder(path)
    np.testing.assert_array_equal(alone.vectors(PLACES), with_card.vectors(PLACES))
    assert alone.space().key() == with_card.space().key()
    assert [item.id for item in list_location_encoders(EncoderFolders(user=tmp_path))] == ["here-and-there"]


# ---- untrusted files


def edit(change: "Callable[[Any], None]") -> "Callable[[Path], None]":
    def apply(path: Path) -> None:
        item = json.loads(card_path(path).read_text(encoding="utf-8"))
        change(item)
        card_path(path).write_text(json.dumps(item), encoding="utf-8")
    return apply


def hyper(item: Any) -> Any:
    return item["properties"]["mlm:hyperparameters"]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def other_graph(path: Path) -> None:
    """Put a graph of other inputs in the model's place, with the copy of the card inside, and no card beside."""
    card_path(path).rename(path.parent / "gone.txt")
    note = open_note(path)
    graph = OnnxGraph("x")
    graph.input("image", ["n", 3, 8, 8])
    graph.output(graph.node("Identity", ["image"], "embedding"), ["n", 3, 8, 8])
    graph.notes["earthprint.location"] = note
    path.write_bytes(graph.to_bytes())


def open_note(path: Path) -> str:
    from earthprint.engine.onnxfile import read_facts

    return read_facts(path).metadata["earthprint.location"]


@pytest.mark.parametrize(("spoil", "message"), [
    (flip, "is not the file that its card describes|can't be used|not a sound ONNX file"),
    (lambda path: path.write_bytes(path.read_bytes()[:500]), "truncated|not a sound"),
    (lambda path: path.write_bytes(b""), "is empty"),
    (lambda path: path.unlink(), "no encoder file|is not beside it"),
    (other_graph, "its inputs are image instead of location"),
    (edit(lambda item: hyper(item).update({"earthprint.location_encoder": 99})), "newer version of Earthprint"),
    (edit(lambda item: hyper(item).update({"earthprint.dimensions": 13})), "say different things"),
    (edit(lambda item: hyper(item)["earthprint.position"].update(kind="wrap")), "say different things|can't be used"),
    (edit(lambda item: hyper(item)["earthprint.position"].update(kind="magic")), "no kind of location encoder"),
    (edit(lambda item: hyper(item)["earthprint.position"]["settings"].update(scales=10 ** 9)), "than the 16384"),
    (edit(lambda item: hyper(item)["earthprint.position"]["settings"].update(scales="many")), "can't be used because"),
    (edit(lambda item: hyper(item).update({"earthprint.area": {"distance": -1, "places": [[0, 0]]}})), "its area"),
    (edit(lambda item: hyper(item).update({"earthprint.area": {"distance": 1, "places": [[0, 700]]}})), "globe"),
    (edit(lambda item: hyper(item).update({"earthprint.position": None})), "can't be used because"),
    (edit(lambda item: item["assets"]["model"].pop("file:checksum")), "states no checksum"),
    (lambda path: card_path(path).write_text(card_path(path).read_text().replace("0.01", "1e999")), "valid JSON|is no"),
])
def test_what_was_changed_is_refused_in_a_sentence(tmp_path: Path, spoil: "Callable[[Path], None]",
                                                   message: str) -> None:
    path = saved(tmp_path)
    spoil(path)
    target = path if path.exists() and card_path(path).exists() or path.exists() else card_path(path)
    with pytest.raises(EarthprintError, match=message) as caught:
        open_location_encoder(target)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
    # The list shows it with its problem, or not at all, and never fails.
    list_location_encoders(EncoderFolders(user=tmp_path))


def test_a_card_whose_json_is_deep_or_no_object_hurts_nobody(tmp_path: Path) -> None:
    path = saved(tmp_path)
    for text in ("[" * 100_000, "3", "null", "{}"):
        card_path(path).write_text(text, encoding="utf-8")
        assert list_encoders(EncoderFolders(user=tmp_path)) is not None
        assert list_location_encoders(EncoderFolders(user=tmp_path)) is not None


def test_wrong_requests_are_told(tmp_path: Path) -> None:
    position = position_of("xyz")
    with pytest.raises(OutputError, match="doesn't end in .onnx"):
        save_location_encoder(tmp_path / "a.pt", position, network(3), card(position))
    with pytest.raises(EarthprintError, match="doesn't fit together"):
        save_location_encoder(tmp_path / "a.onnx", position, network(4), card(position))
    tile = position_of("tile", Settings(cell=30.0))
    with pytest.raises(EarthprintError, match="not those of its tiles"):
        save_location_encoder(tmp_path / "a.onnx", tile, Network((Lookup(drawn(71, 4)),)), card(tile))
    with pytest.raises(EarthprintError, match="needs a table"):
        save_location_encoder(tmp_path / "a.onnx", tile, network(1), card(tile))
    assert not list(tmp_path.iterdir())


# ---- finding and listing


def test_a_stored_encoder_is_found_by_id_and_by_either_path(tmp_path: Path) -> None:
    path = saved(tmp_path)
    folders = EncoderFolders(user=tmp_path)
    keys = {find_location_encoder(text, folders=folders).space().key()
            for text in ("here-and-there", str(path), str(card_path(path)), f" {path} ")}
    assert len(keys) == 1
    with pytest.raises(InputError, match="is trained, so its scales and radii are fixed"):
        find_location_encoder("here-and-there", Settings(scales=4), folders)
    with pytest.raises(InputError, match="did you mean here-and-there"):
        find_location_encoder("here-an-there", folders=folders)
    with pytest.raises(InputError, match="choose one of xyz, .*, here-and-there"):
        find_location_encoder("qqqqqq", folders=folders)
    with pytest.raises(InputError, match=r"\(xyz, [^()]*nerf\) or that is trained already \(here-and-there\), or"):
        find_location_encoder("rbf", folders=folders)
    with pytest.raises(InputError, match=r"formula \(xyz, [^()]*nerf\), or train one"):
        find_location_encoder("rbf", folders=EncoderFolders(user=tmp_path / "none"))
    for name in ("l40.ckpt", "a/model.pth.tar", "GEOCLIP.PTH", "geoclip-1.3.0-py3-none-any.whl", "w.safetensors"):
        with pytest.raises(InputError, match="convert it first with “Convert a location checkpoint”"):
            find_location_encoder(name, folders=folders)
    saved(tmp_path, "second.onnx")
    with pytest.raises(InputError, match="Two different location encoders are called here-and-there"):
        find_location_encoder("here-and-there", folders=folders)
    (tmp_path / "second.onnx").unlink()
    assert find_location_encoder("here-and-there", folders=folders).dimensions == 12


def test_encoders_of_images_and_of_places_are_not_mixed_up(tmp_path: Path) -> None:
    path = saved(tmp_path)
    folders = EncoderFolders(user=tmp_path, shipped=Path(__file__).resolve().parents[3] / "models")
    assert list_encoders(folders) == []
    for text in ("here-and-there", "xyz", "rbf", str(path), str(card_path(path))):
        with pytest.raises(InputError, match="is a location encoder, which takes longitude and latitude.*“Embed loc"):
            find_encoder(text, folders)
    fill_shelf(tmp_path / "images")
    images = EncoderFolders(user=tmp_path / "images")
    for text in (next(item.id for item in list_encoders(images) if item.usable), "automatic"):
        with pytest.raises(InputError, match="is an encoder of images, .*use “Embed raster”"):
            find_location_encoder(text, folders=images)
    image = tmp_path / "image.json"
    image.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="describes no location encoder.*“Embed raster”"):
        find_location_encoder(str(image), folders=folders)


def test_the_shelf_shows_checks_and_removes_them(tmp_path: Path) -> None:
    path = saved(tmp_path)
    spoilt = saved(tmp_path, "other.onnx", name="Other")
    folders = EncoderFolders(user=tmp_path, shipped=Path(__file__).resolve().parents[3] / "models")
    flip(spoilt)
    shelved = {item.path.name: item for item in list_shelf(folders) if item.places}
    assert set(shelved) == {"mine.json", "other.json"}
    mine = shelved["mine.json"]
    assert (mine.id, mine.origin, mine.dimensions, mine.licence, mine.stated, mine.problem) == (
        "here-and-there", "user", 12, "MIT", True, "")
    assert mine.size == path.stat().st_size and check_files(mine, folders).problem == ""
    assert shelved["other.json"].problem or check_files(shelved["other.json"], folders).problem
    assert {item.name for item in files_of(mine, folders)} == {"mine.json", "mine.onnx"}
    remove_encoder(mine, folders)
    assert not path.exists() and not card_path(path).exists() and spoilt.exists()


def test_a_licence_that_the_source_states_is_not_said_twice() -> None:
    position = position_of("xyz")
    made = replace(card(position), licence="CC BY 4.0", provenance=(KNOWN["alphaearth"],))
    assert made.origins() == (KNOWN["alphaearth"],)
    assert card(position).origins() == (Provenance("Here and there", "MIT"),)
    assert card(position, licence="").origins() == ()


# ---- the user's folder


@pytest.mark.parametrize("with_card", [True, False])
def test_an_encoder_from_elsewhere_is_kept_under_its_id(tmp_path: Path, with_card: bool) -> None:
    path = saved(tmp_path, area=coverage_of(PLACES[:5]))
    if not with_card:
        card_path(path).unlink()
    folder = tmp_path / "mine"
    kept = keep_location_encoder(path, folder)
    assert sorted(item.name for item in folder.iterdir()) == ["here-and-there.json", "here-and-there.onnx"]
    assert kept.card.space().key() == open_location_encoder(path).space().key()
    found = find_location_encoder("here-and-there", folders=EncoderFolders(user=folder))
    np.testing.assert_array_equal(found.vectors(PLACES), open_location_encoder(path).vectors(PLACES))
    # Once more is no harm; another encoder of the name is refused.
    keep_location_encoder(path, folder)
    other = saved(tmp_path, "other.onnx")
    with pytest.raises(InputError, match="There is another encoder here-and-there in"):
        keep_location_encoder(other, folder)
    np.testing.assert_array_equal(find_location_encoder("here-and-there", folders=EncoderFolders(user=folder)).vectors(
        PLACES), found.vectors(PLACES))
