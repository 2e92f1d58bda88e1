"""Saved models: what is written is what is read, and nothing else is."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np
import pytest

from earthprint.engine.analyses.models import FittedModel, load_model, model_of, save_model
from earthprint.engine.errors import EarthprintError, ModelError, OutputError, SpaceError
from earthprint.engine.space import Space, parse_key

SPACE = Space("some encoder", 4, checksum="ab", unit_norm=True)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    values = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    save_model(tmp_path / "m.json", model_of("clusters", SPACE, {"centres": values, "one": np.float32([2])},
                                             {"method": "kmeans", "share": 0.1, "names": ["ä", "b"]}))
    return tmp_path / "m.json"


def forged(path: Path, change: Callable[[Dict[str, Any]], None]) -> Path:
    """Change a model and give it a checksum that fits, as somebody who means harm would."""
    item = json.loads(path.read_text(encoding="utf-8"))
    item.pop("sha256")
    change(item)
    text = json.dumps(item, sort_keys=True, separators=(",", ":"))
    item["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(json.dumps(item), encoding="utf-8")
    return path


def test_numbers_come_back_bit_by_bit(saved: Path) -> None:
    found = load_model(saved, ("clusters",))
    expected = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    assert found.array("centres", None, 4).tobytes() == expected.tobytes()
    assert found.parameters == {"method": "kmeans", "share": 0.1, "names": ["ä", "b"]}
    assert found.space == SPACE and found.space_key == SPACE.key()
    assert json.loads(saved.read_text(encoding="utf-8"))["arrays"]["one"] == {
        "shape": [1], "float32": base64.b64encode(b"\x00\x00\x00\x40").decode()}


def test_a_table_of_which_only_the_key_is_known(tmp_path: Path) -> None:
    save_model(tmp_path / "m.json", model_of("clusters", parse_key(SPACE.key("f2")), {}, {}))
    found = load_model(tmp_path / "m.json", ("clusters",))
    assert found.space is None
    found.require_space(SPACE.key("a1"), "x")


def test_another_space_is_refused_by_both_names(saved: Path) -> None:
    model = load_model(saved, ("clusters",))
    other = Space("other", 4)
    with pytest.raises(SpaceError) as caught:
        model.require_space(other.key(), "“b”")
    assert SPACE.key() in str(caught.value) and other.key() in str(caught.value)
    assert str(saved) in str(caught.value) and "“b”" in str(caught.value)


def array(**changes: Any) -> Callable[[Dict[str, Any]], None]:
    return lambda item: item["arrays"]["centres"].update(changes)


@pytest.mark.parametrize("change", [
    array(shape=[3, 5]), array(shape=[-3, -4]), array(shape="12"), array(shape=[1 << 40, 1 << 40]),
    array(shape=[True, 12]), array(float32="é"), array(float32="AAA"), array(shape=[1] * 9),
    array(float32=base64.b64encode(np.full(12, np.nan, "<f4").tobytes()).decode()),
    lambda item: item.update(arrays=[]), lambda item: item.update(parameters=None),
    lambda item: item.update(space_key=7), lambda item: item.update(space_key=Space("other", 4).key()),
    lambda item: item["space"].update(dimensions=5), lambda item: item.update(version=2),
    lambda item: item.update(kind="reduction"), lambda item: item.update(format="x"),
    lambda item: item["arrays"].update(centres=3),
])
def test_forged_models_are_refused_in_words(saved: Path, change: Callable[[Dict[str, Any]], None]) -> None:
    with pytest.raises(ModelError) as caught:
        load_model(forged(saved, change), ("clusters",))
    assert str(saved) in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"format": NaN}', '{"a": 1e999}', "\udcff", "3"])
def test_other_files_are_refused_in_words(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelError, match="m.json"):
        load_model(tmp_path / "m.json", ("clusters",))


def test_a_changed_number_and_a_missing_file(saved: Path, tmp_path: Path) -> None:
    saved.write_text(saved.read_text(encoding="utf-8").replace("0.1", "0.2"), encoding="utf-8")
    with pytest.raises(ModelError, match="checksum"):
        load_model(saved, ("clusters",))
    with pytest.raises(ModelError, match="can't be read"):
        load_model(tmp_path / "none.json", ("clusters",))
    with pytest.raises(OutputError, match="doesn't exist"):
        save_model(tmp_path / "none" / "m.json", FittedModel("clusters", SPACE.key(), {}))


def test_an_array_of_another_shape_is_told(saved: Path) -> None:
    model = load_model(saved, ("clusters",))
    for name, shape in (("centres", (None, 5)), ("centres", (3,)), ("other", (1,))):
        with pytest.raises(EarthprintError, match="can't be used"):
            model.array(name, *shape)
