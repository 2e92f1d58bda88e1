"""A checkpoint is read as data: what PyTorch stored comes out equal, and what else a file may be is said in words."""

from __future__ import annotations

import argparse
import collections
import hashlib
import io
import json
import os
import pickle
import struct
import sys
import tarfile
import types
import zipfile
from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from torch_towers import write_safetensors  # noqa: E402

from earthprint.engine.checkpoints.converting import ConvertRequest, convert_checkpoint  # noqa: E402
from earthprint.engine.checkpoints.opening import WHEEL_MEMBER, open_checkpoint  # noqa: E402
from earthprint.engine.checkpoints.plain_pickle import PickleError, follow  # noqa: E402
from earthprint.engine.errors import EarthprintError, InputError  # noqa: E402
from earthprint.engine.progress import Silent  # noqa: E402

MARKER = "executed"


def saved(path: Path, content: Any, **options: Any) -> Path:
    torch.save(content, path, **options)
    return path


def refused(path: Path, said: str) -> str:
    """Return the one sentence with which a file is refused."""
    with pytest.raises(InputError, match=said) as caught:
        convert_checkpoint(ConvertRequest(str(path), output=str(path.parent / "never.onnx")), Silent())
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text and path.name in text and not (path.parent / "never.onnx").exists()
    return text


# ---- what PyTorch stores comes out equal


def test_tensors_of_all_kinds_and_views_equal_those_of_pytorch(tmp_path: Path) -> None:
    base = torch.arange(60, dtype=torch.float32).reshape(5, 12)
    state = collections.OrderedDict(
        plain=base, turned=base.T, part=base[1:4, 2:9:3], double=torch.randn(3, 4, dtype=torch.float64),
        half=torch.randn(7).half(), short=torch.randn(6).bfloat16(), whole=torch.arange(4), scalar=torch.tensor(2.5),
        empty=torch.zeros(0, 3), learned=torch.nn.Parameter(torch.randn(2, 2)), truth=torch.tensor([True, False]))
    path = saved(tmp_path / "all.pt", {"state_dict": state, "epoch": 3})
    wanted = torch.load(path, weights_only=True, map_location="cpu")["state_dict"]
    found = open_checkpoint(path, Silent()).tensors
    assert set(found) == set(wanted)
    for name, tensor in wanted.items():
        values = found[name].read()
        assert tuple(tensor.shape) == found[name].shape == values.shape
        assert np.array_equal(values, tensor.float().numpy() if name == "short" else tensor.detach().numpy()), name


def test_a_bare_state_dictionary_and_settings_are_found(tmp_path: Path) -> None:
    module = torch.nn.Linear(3, 2)
    bare = open_checkpoint(saved(tmp_path / "bare.pth", module.state_dict()), Silent())
    assert set(bare.tensors) == {"weight", "bias"} and bare.settings == {}
    told = open_checkpoint(saved(tmp_path / "told.ckpt", {
        "state_dict": module.state_dict(), "params": {"lr": 0.5, "name": "a", "range": [-1.0, 2, 3], "none": None,
                                                      "deep": {"x": 1}, "scalar": np.float64(0.25),
                                                      "whole": np.int64(7), "size": torch.Size([2, 3])}}), Silent())
    assert told.settings == {"lr": 0.5, "name": "a", "range": [-1.0, 2, 3], "none": None, "scalar": 0.25, "whole": 7,
                             "size": (2, 3)}


def test_settings_in_the_dictionaries_of_lightning_and_of_calls_are_plain_too(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("lightning.fabric.utilities.data")
    module.AttributeDict = type("AttributeDict", (dict,), {"__module__": module.__name__})
    for name in ("lightning", "lightning.fabric", "lightning.fabric.utilities"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    path = saved(tmp_path / "a.ckpt", {
        "state_dict": torch.nn.Linear(2, 2).state_dict(),
        "hyper_parameters": module.AttributeDict(degrees=10, kind="a"),
        "args": argparse.Namespace(lr=0.1), "callbacks": {"dirpath": Path("a") / "b"}})
    assert open_checkpoint(path, Silent()).settings == {"degrees": 10, "kind": "a"}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9)
                    | st.binary(max_size=9),
                    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
                    | st.tuples(inner, inner, inner, inner), max_leaves=12),
       st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_data_of_every_protocol_comes_out_equal(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    found = follow(io.BytesIO(data))
    # The oldest protocols write bytes as a call of _codecs.encode, or of bytes where there are none.
    assert found.value == value or found.refused == ("__builtin__.bytes",)


@given(st.binary(max_size=200))
def test_any_bytes_are_followed_or_refused_and_nothing_else(data: bytes) -> None:
    try:
        follow(io.BytesIO(data))
    except PickleError as error:
        assert str(error)


@settings(max_examples=200)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_list_of_tensors_is_an_error_in_words(tmp_path_factory: Any, place: int, byte: int) -> None:
    notes = bytearray(_NOTES)
    notes[place % len(notes)] = byte
    path = tmp_path_factory.mktemp("changed") / "changed.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", bytes(notes))
        archive.writestr("a/data/0", bytes(24))
        archive.writestr("a/data/1", bytes(8))
    try:
        for tensor in open_checkpoint(path, Silent()).tensors.values():
            if tensor.kind != "other":
                tensor.read()
    except EarthprintError as error:
        assert str(error)


def _notes() -> bytes:
    stream = io.BytesIO()
    torch.save(torch.nn.Linear(3, 2).state_dict(), stream)
    with zipfile.ZipFile(stream) as archive:
        return next(archive.read(name) for name in archive.namelist() if name.endswith("data.pkl"))


_NOTES = _notes()


# ---- code


class Calls:
    """Something that calls a function when it is unpickled."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> Any:
        return self.function, self.arguments


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("function, said", [
    (os.system, r"(posix|nt)\.system"), (eval, r"builtins\.eval|__builtin__\.eval"),
    (getattr, r"builtins\.getattr|__builtin__\.getattr"), (print, r"(builtins|__builtin__)\.print")])
def test_a_checkpoint_that_holds_code_is_refused_unread_by_the_name_of_what_it_would_call(
        tmp_path: Path, function: Any, said: str, protocol: int) -> None:
    marker = tmp_path / MARKER
    evil = Calls(function, f"touch {marker}")
    path = saved(tmp_path / "evil.pth", {"state_dict": torch.nn.Linear(2, 2).state_dict(), "note": evil},
                 pickle_protocol=protocol)
    text = refused(path, f"not read because it holds code: it wants to call ({said})")
    assert "safetensors" in text and not marker.exists()
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)


@pytest.mark.parametrize("raw, said", [
    (b"(S'touch x'\nios\nsystem\n.", "os.system"),
    (b"\x80\x02(cos\nsystem\nX\x01\x00\x00\x00xo.", "os.system"),
    (b"\x80\x02cos\nsystem\n)\x81.", "os.system"),
    (b"\x80\x04\x8c\x02os\x8c\x06system\x93)}\x92.", "os.system"),
    (b"\x80\x02cshutil\nrmtree\nX\x01\x00\x00\x00x\x85Rq\x00}X\x01\x00\x00\x00ah\x00sb.", "shutil.rmtree"),
    (b"\x80\x02\x82\x05.", "the registered extension 5"),
    (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2.evil\n)R.", "torch._utils._rebuild_tensor_v2.evil"),
    (b"\x80\x02ctorch.hub\nload\nX\x01\x00\x00\x00x\x85R.", "torch.hub.load"),
    (b"\x80\x02cos\nsystem\nX\x01\x00\x00\x00x\x85R\xff\xff", "os.system")])
def test_every_operation_that_names_something_is_seen(tmp_path: Path, raw: bytes, said: str) -> None:
    path = tmp_path / "evil.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", raw)
    refused(path, f"wants to call {said},")


def test_a_whole_model_a_program_and_an_old_file_are_refused_for_what_they_are(tmp_path: Path) -> None:
    refused(saved(tmp_path / "model.pt", torch.nn.Linear(2, 2)), r"wants to call torch\.nn\.modules\.linear\.Linear")
    with zipfile.ZipFile(tmp_path / "script.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("data.pkl", "constants.pkl", "code/__torch__.py"):
            archive.writestr(f"script/{name}", b"\x80\x02}.")
    refused(tmp_path / "script.pt", "holds code: it wants to call the program of a TorchScript module")
    old = saved(tmp_path / "old.pth.tar", {"state_dict": torch.nn.Linear(2, 2).state_dict()},
                _use_new_zipfile_serialization=False)
    refused(old, "the form that PyTorch wrote before 1.6.*save its state dictionary again")
    evil = saved(tmp_path / "oldevil.pth", {"a": Calls(os.system, "true")}, _use_new_zipfile_serialization=False)
    refused(evil, r"wants to call (posix|nt)\.system")
    (tmp_path / "bare.pkl").write_bytes(pickle.dumps({"a": 1}))
    refused(tmp_path / "bare.pkl", "or is a bare pickle")
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Calls(os.system, "true")))
    refused(tmp_path / "evil.pkl", r"wants to call (posix|nt)\.system")


# ---- claims


def archive_of(path: Path, notes: bytes = _NOTES, compression: int = zipfile.ZIP_STORED, weight: int = 24) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("a/data.pkl", notes)
        archive.writestr("a/data/0", bytes(weight))
        archive.writestr("a/data/1", bytes(8))
    return path


def test_archives_that_grow_or_lie_are_refused(tmp_path: Path) -> None:
    refused(archive_of(tmp_path / "bomb.pt", compression=zipfile.ZIP_DEFLATED, weight=50_000_000),
            "parts of its archive are compressed")
    good = archive_of(tmp_path / "good.pt").read_bytes()
    claim = good.replace(struct.pack("<II", 24, 24), struct.pack("<II", 24, 1 << 30))
    (tmp_path / "claim.pt").write_bytes(claim)
    refused(tmp_path / "claim.pt", r"its archive claims 1,073,\d{3},\d{3} bytes in a file of")
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(tmp_path / "good.pt", "a") as archive:
        archive.writestr("a/data.pkl", b"")
    refused(tmp_path / "good.pt", "lists a file twice")
    for cut in (len(good) // 2, len(good) - 10, 30):
        (tmp_path / "cut.pt").write_bytes(good[:cut])
        refused(tmp_path / "cut.pt", "cut.pt is damaged .*broken off.*download it again")
    flipped = bytearray(good)
    flipped[good.index(b"a/data/0") + 8] ^= 1
    (tmp_path / "flipped.pt").write_bytes(bytes(flipped))
    refused(tmp_path / "flipped.pt", r"tensors such as weight, bias")
    with pytest.raises(InputError, match="damaged .*CRC"):
        open_checkpoint(tmp_path / "flipped.pt", Silent()).tensors["weight"].read()


def test_tensors_that_claim_too_much_are_refused(tmp_path: Path) -> None:
    refused(archive_of(tmp_path / "short.pt", weight=20), "weight has 20 bytes where it claims 6 numbers")
    grown = _NOTES.replace(b"K\x02K\x03\x86", b"K\x03K\x03\x86")
    assert grown != _NOTES
    refused(archive_of(tmp_path / "grown.pt", grown), "weight claims more numbers than are stored")
    far = _NOTES.replace(b"K\x03K\x01\x86", b"K\x09K\x01\x86")
    assert far != _NOTES
    refused(archive_of(tmp_path / "far.pt", far), "weight claims more numbers than are stored")
    spread = saved(tmp_path / "spread.pt", {"weight": torch.zeros(1).expand(10**6, 10**6)})
    refused(spread, "weight claims more numbers than are stored")
    missing = tmp_path / "missing.pt"
    with zipfile.ZipFile(missing, "w") as archive:
        archive.writestr("a/data.pkl", _NOTES)
    refused(missing, "the numbers of weight are missing")


# ---- safetensors


def test_safetensors_comes_out_equal_and_lies_are_refused(tmp_path: Path) -> None:
    arrays: "Dict[str, np.ndarray]" = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.arange(4.0)}
    path = tmp_path / "x.safetensors"
    write_safetensors(path, arrays)
    found = open_checkpoint(path, Silent())
    assert all(np.array_equal(found.tensors[name].read(), array) for name, array in arrays.items())
    content = path.read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(content[:-3])
    refused(tmp_path / "cut.safetensors", "the numbers of b are broken off")
    (tmp_path / "head.safetensors").write_bytes(content[:40])
    refused(tmp_path / "head.safetensors", "its header is (no JSON|broken off)")
    (tmp_path / "huge.safetensors").write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    refused(tmp_path / "huge.safetensors", "its header claims 1,152,921,504,606,846,976 bytes")
    for entry, said in (({"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 20]}, "another number of bytes"),
                        ({"dtype": "F32", "shape": [-2, 3], "data_offsets": [0, 24]}, "nothing sensible of a"),
                        ({"dtype": "F32", "shape": "x", "data_offsets": [0, 24]}, "nothing sensible of a"),
                        ({"dtype": "F32", "shape": [2, 10**12], "data_offsets": [0, 24]}, "another number of bytes"),
                        ([1], "nothing sensible of a")):
        text = json.dumps({"a": entry}).encode()
        (tmp_path / "lie.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(24))
        refused(tmp_path / "lie.safetensors", said)
    shared = {name: {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]} for name in ("a", "b")}
    text = json.dumps(shared).encode()
    (tmp_path / "shared.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(24))
    refused(tmp_path / "shared.safetensors", "two tensors share their numbers")


# ---- other files


def test_other_files_are_told_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no checkpoint .*none.pth: check the path"):
        open_checkpoint(tmp_path / "none.pth", Silent())
    with pytest.raises(InputError, match="There is no checkpoint"):
        open_checkpoint(tmp_path, Silent())
    for name, content, said in (
            ("empty.pth", b"", "it is empty"), ("a.onnx", b"\x08\x08", "it is an ONNX file already"),
            ("lfs.ckpt", b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 5\n", "Git LFS"),
            ("page.ckpt", b"\n<!DOCTYPE html><html>", "it is a web page"),
            ("text.pth", b"just some text", "it is neither an archive of PyTorch")):
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name, said)
    with tarfile.open(tmp_path / "old.tar", "w") as archive:
        archive.add(tmp_path / "text.pth", "text")
    refused(tmp_path / "old.tar", "the form that PyTorch wrote before 1.6")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as zipped:
        zipped.writestr("a.txt", "a")
    refused(tmp_path / "x.zip", "a zip archive, but none of PyTorch")
    with zipfile.ZipFile(tmp_path / "x.whl", "w") as zipped:
        zipped.writestr("numpy-1.dist-info/METADATA", "a")
    refused(tmp_path / "x.whl", "a Python package without geoclip/model/weights")


def test_checkpoints_of_other_models_are_told_so(tmp_path: Path) -> None:
    resnet = torch.nn.Sequential(collections.OrderedDict(conv1=torch.nn.Conv2d(3, 4, 7), bn1=torch.nn.BatchNorm2d(4),
                                                         fc=torch.nn.Linear(4, 10)))
    path = saved(tmp_path / "resnet18.pth", resnet.state_dict())
    refused(path, r"no location encoder of GeoCLIP or SatCLIP or TorchSpatial, but tensors such as conv1\.weight")
    refused(saved(tmp_path / "list.pt", [torch.zeros(3)]), "no dictionary of weights by name")
    refused(saved(tmp_path / "one.pt", torch.zeros(3)), "no dictionary of weights by name")


@pytest.mark.parametrize("change, said", [
    ({"LocEnc0.head.0.extra": torch.zeros(1)}, r"no part of a GeoCLIP location encoder \(LocEnc0\.head\.0\.extra\)"),
    ({"LocEnc0.head.0.bias": None}, r"lacks LocEnc0\.head\.0\.bias"),
    ({"LocEnc0.head.0.bias": torch.zeros(3)}, r"LocEnc0\.head\.0\.bias has the shape 3 where 32 is needed"),
    ({"LocEnc1.capsule.0.b": torch.zeros(24, 3)}, "has the shape 24 × 3 where any × 2 is needed"),
    ({"LocEnc1.head.0.bias": torch.zeros(32, dtype=torch.int64)}, "holds numbers of the kind int64"),
    ({"LocEnc1.head.0.bias": torch.full((32,), float("nan"))}, "holds values that are no numbers"),
    ({"LocEnc1.head.0.bias": torch.full((32,), 1e60, dtype=torch.float64)}, "no numbers, or too large"),
    ({"LocEnc1.head.0.weight": torch.full((32, 40), 3e38)}, "the vectors that come of its weights are no numbers")])
def test_every_tensor_is_accounted_for(tmp_path: Path, change: Dict[str, Any], said: str) -> None:
    from torch_towers import geoclip_tower

    state = dict(geoclip_tower().module.state_dict())
    state.update(change)
    path = saved(tmp_path / "weights.pth", {key: value for key, value in state.items() if value is not None})
    refused(path, said)


# ---- the wheel


def test_of_a_wheel_only_the_weights_are_read(tmp_path: Path) -> None:
    from torch_towers import geoclip_tower

    stream = io.BytesIO()
    torch.save(geoclip_tower().module.state_dict(), stream)
    wheel = tmp_path / "geoclip-9.9-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(WHEEL_MEMBER, stream.getvalue())
        archive.writestr("geoclip/__init__.py", f"open({str(tmp_path / MARKER)!r}, 'w')")
    result = convert_checkpoint(ConvertRequest(str(wheel), output=str(tmp_path / "g.onnx")), Silent())
    assert result.dimensions == 32 and not (tmp_path / MARKER).exists()
    source = json.loads((tmp_path / "g.json").read_text())["properties"]["mlm:hyperparameters"]["earthprint.source"]
    assert source == {"family": "geoclip", "sha256": hashlib.sha256(stream.getvalue()).hexdigest()}
    (tmp_path / "renamed.pth").write_bytes(stream.getvalue())
    alone = convert_checkpoint(ConvertRequest(str(tmp_path / "renamed.pth"),
                                              output=str(tmp_path / "alone.onnx")), Silent())
    assert alone.space.key() == result.space.key()
    assert "1.3.0" not in (tmp_path / "g.json").read_text()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(WHEEL_MEMBER, bytes(300 << 20))
    refused(wheel, "its weights claim 300 MiB")
