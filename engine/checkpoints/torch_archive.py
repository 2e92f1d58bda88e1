"""Reads the zip archive that PyTorch writes since 1.6: a pickle of notes, and a file of numbers for each storage."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Callable, Dict, Mapping, Tuple, Union

import numpy as np

from .checkpoint import Checkpoint, StoredTensor, item_size, numbers, plain_settings
from .plain_pickle import PickleError, TensorNote, follow
from .refusing import damaged, holds_code, no_checkpoint, suspicious

NOTES = "data.pkl"
_LARGEST_NOTES = 32 << 20
_MOST_FILES = 200_000
_ENCRYPTED = 1
_LARGEST_EMPTY = 1 << 24
_WEIGHTS = ("state_dict", "model_state_dict", "model", "weights", "network")
_SETTINGS = ("hyper_parameters", "params", "config", "args")


def is_torch(archive: zipfile.ZipFile) -> bool:
    """Tell whether an archive is one of PyTorch."""
    return any(PurePosixPath(name).name == NOTES for name in archive.namelist())


def read_torch(archive: zipfile.ZipFile, name: str, size: int) -> Checkpoint:
    """Follow the pickle of an archive of so many bytes; the numbers are read when they are asked for."""
    if any(PurePosixPath(member).name == "constants.pkl" or "/code/" in member for member in archive.namelist()):
        raise holds_code(name, ["the program of a TorchScript module"])
    members = _checked_members(archive, name, size)
    root = _root(members, name)
    notes = members[f"{root}/{NOTES}"]
    if notes.file_size > _LARGEST_NOTES:
        raise suspicious(name, f"its list of tensors claims {notes.file_size >> 20} MiB")
    try:
        followed = follow(io.BytesIO(_content(archive, notes, name)))
    except PickleError as error:
        raise damaged(name, f"its list of tensors can't be followed: {error}") from error
    if followed.refused:
        raise holds_code(name, followed.refused)
    files = _Files(archive, members, root, name)
    weights, settings = _parts(followed.value, name)
    return Checkpoint(name, {key: files.tensor(key, note) for key, note in weights.items()}, settings)


def _checked_members(archive: zipfile.ZipFile, name: str, size: int) -> "Dict[str, zipfile.ZipInfo]":
    """Return the files of an archive, after the checks that keep it from growing in memory."""
    infos = archive.infolist()
    members = {info.filename: info for info in infos}
    if len(infos) > _MOST_FILES or len(members) != len(infos):
        raise suspicious(name, "its archive lists a file twice or too many files")
    if any(info.flag_bits & _ENCRYPTED for info in infos):
        raise suspicious(name, "parts of its archive are encrypted")
    if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
        raise suspicious(name, "parts of its archive are compressed")
    claimed = sum(info.file_size for info in infos)
    if claimed > size:
        raise suspicious(name, f"its archive claims {claimed:,} bytes in a file of {size:,}")
    return members


def _root(members: "Mapping[str, zipfile.ZipInfo]", name: str) -> str:
    """Return the one folder in which PyTorch puts everything."""
    roots = [str(PurePosixPath(member).parent) for member in members if PurePosixPath(member).name == NOTES]
    if len(roots) != 1 or roots[0] == ".":
        raise suspicious(name, "its archive has several lists of tensors, or one at its top")
    return roots[0]


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bytes:
    """Return a file's bytes, which the archive's checksum covers."""
    try:
        return archive.read(member)
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise damaged(name, str(error)[:100]) from error


def _parts(value: Any, name: str) -> "Tuple[Dict[str, TensorNote], Dict[str, Any]]":
    """Find the weights and the settings in what was stored: a state dictionary, bare or beside other things."""
    if isinstance(value, dict):
        holder = value
        for key in _WEIGHTS:
            if isinstance(value.get(key), dict) and _tensors(value[key]):
                settings: "Dict[str, Any]" = {}
                for word in _SETTINGS:
                    settings.update(plain_settings(value.get(word)))
                return _tensors(value[key]), settings
        if _tensors(holder):
            return _tensors(holder), {}
    raise no_checkpoint(name, "it holds no dictionary of weights by name; save the state_dict() of the model")


def _tensors(found: "Mapping[Any, Any]") -> "Dict[str, TensorNote]":
    """Return the tensors of a dictionary."""
    return {key: note for key, note in found.items() if isinstance(key, str) and isinstance(note, TensorNote)}


class _Files:
    """The files of an archive that hold numbers."""

    def __init__(self, archive: zipfile.ZipFile, members: "Mapping[str, zipfile.ZipInfo]", root: str,
                 name: str) -> None:
        """Find out in which order bytes are."""
        self._archive, self._members, self._root, self._name = archive, members, root, name
        order = members.get(f"{root}/byteorder")
        self._order = ">" if order is not None and _content(archive, order, name).strip() == b"big" else "<"

    def tensor(self, key: str, note: TensorNote) -> StoredTensor:
        """Check what a note claims against the archive, reading nothing yet."""
        storage, wide = note.storage, item_size(note.storage.kind)
        member = self._members.get(f"{self._root}/data/{storage.key}")
        if member is None:
            raise damaged(self._name, f"the numbers of {key[:80]} are missing")
        if member.file_size != storage.count * wide:
            raise damaged(self._name, f"{key[:80]} has {member.file_size:,} bytes where it claims "
                          f"{storage.count:,} numbers")
        count = _count(note.shape)
        last = note.offset + sum((size - 1) * stride for size, stride in zip(note.shape, note.strides))
        if count > storage.count or count and last >= storage.count or not count and max(note.shape) > _LARGEST_EMPTY:
            raise suspicious(self._name, f"{key[:80]} claims more numbers than are stored")
        return StoredTensor(storage.kind, note.shape, self._reader(note, member))

    def _reader(self, note: TensorNote, member: zipfile.ZipInfo) -> "Callable[[], np.ndarray]":
        """Return what reads one tensor."""
        def read() -> np.ndarray:
            """Read the storage and cut the tensor out of it."""
            found = numbers(_content(self._archive, member, self._name), note.storage.kind, self._order)
            steps = tuple(stride * found.itemsize for stride in note.strides)
            view = np.lib.stride_tricks.as_strided(found[note.offset:], note.shape, steps, writeable=False)
            return np.array(view.astype(found.dtype.newbyteorder("=")))
        return read


def _count(shape: "Tuple[int, ...]") -> int:
    """Return how many numbers a shape has."""
    count = 1
    for size in shape:
        count *= size
    return count


def opened_zip(source: "Union[str, BinaryIO]", name: str) -> zipfile.ZipFile:
    """Open an archive, or say that it is broken off."""
    try:
        return zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise damaged(name, "its archive has no end; it may be broken off") from error
