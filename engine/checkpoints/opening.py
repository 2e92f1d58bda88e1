"""Opens a file of weights by what it is, not by what it is called, and trusts nothing in it."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from ..onnxfile import sha256
from ..progress import Progress
from .checkpoint import Checkpoint
from .plain_pickle import PickleError, follow
from .refusing import damaged, holds_code, no_checkpoint, suspicious
from .safetensors_file import LARGEST_HEADER, read_safetensors
from .torch_archive import is_torch, opened_zip, read_torch

WHEEL_MEMBER = "geoclip/model/weights/location_encoder_weights.pth"
_LARGEST_MEMBER = 256 << 20
_LARGEST_LEGACY = 64 << 20
_HEAD = 512


def open_checkpoint(path: Path, progress: Progress) -> Checkpoint:
    """Return what a file holds: an archive of PyTorch, the wheel of GeoCLIP, or safetensors."""
    if path.is_dir() or not path.exists():
        raise InputError("checkpoint-missing", "There is no checkpoint {path}: check the path.", path=path)
    try:
        with open(path, "rb") as stream:
            head = stream.read(_HEAD)
        found = _opened(path, head)
        return replace(found, checksum=sha256(path, progress))
    except OSError as error:
        raise InputError("checkpoint-unreadable", "The checkpoint {path} can't be read ({reason}): check the path and "
                         "who may read it.", path=path, reason=error.strerror or error) from error


def _opened(path: Path, head: bytes) -> Checkpoint:
    """Return what a file holds by its first bytes."""
    size = os.path.getsize(path)
    if head[:2] == b"PK":
        return _zipped(path, size)
    looks_safe = 0 < int.from_bytes(head[:8], "little") <= LARGEST_HEADER and head[8:9] == b"{"
    if looks_safe or path.suffix.lower() == ".safetensors":
        return read_safetensors(path)
    if head[:1] == b"\x80":
        raise _legacy(path, size)
    if head[257:262] == b"ustar":
        raise _too_old(path)
    raise no_checkpoint(path.name, _other(path, head))


def _zipped(path: Path, size: int) -> Checkpoint:
    """Read an archive of PyTorch, or the one file of a wheel."""
    archive = opened_zip(str(path), path.name)
    if is_torch(archive):
        return read_torch(archive, path.name, size)
    if WHEEL_MEMBER in archive.namelist():
        return _of_wheel(archive, path.name, size)
    if any(member.endswith(".dist-info/METADATA") for member in archive.namelist()):
        raise no_checkpoint(path.name, f"it is a Python package without {WHEEL_MEMBER}; only that of geoclip 1.3.0 is "
                            "known to bring its weights")
    raise no_checkpoint(path.name, "it is a zip archive, but none of PyTorch; unpack it and choose the file of weights")


def _of_wheel(archive: zipfile.ZipFile, name: str, size: int) -> Checkpoint:
    """Read the weights inside GeoCLIP's package; nothing is unpacked to disk and nothing of it is imported."""
    member = archive.getinfo(WHEEL_MEMBER)
    if member.file_size > _LARGEST_MEMBER or member.file_size > 1000 * size:
        raise suspicious(name, f"its weights claim {member.file_size >> 20} MiB")
    try:
        with archive.open(member) as stream:
            content = stream.read(_LARGEST_MEMBER + 1)
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise damaged(name, str(error)[:100]) from error
    inside = f"{name} ▸ {WHEEL_MEMBER.rpartition('/')[2]}"
    found = read_torch(opened_zip(io.BytesIO(content), inside), inside, len(content))
    return replace(found, name=name, member_checksum=hashlib.sha256(content).hexdigest())


def _legacy(path: Path, size: int) -> InputError:
    """Say what an old file wanted to call, or that it is too old to be read here."""
    refused = _names_in(path.read_bytes()) if size <= _LARGEST_LEGACY else []
    return holds_code(path.name, refused) if refused else _too_old(path)


def _too_old(path: Path) -> InputError:
    """Say how to bring an old file into the form of today."""
    return no_checkpoint(path.name, "it has the form that PyTorch wrote before 1.6, or is a bare pickle; load it there "
                         "with weights_only=True and save its state dictionary again with torch.save")


def _names_in(content: bytes) -> "list[str]":
    """Return what the pickles of an old file want to call, one after the other as far as they go."""
    stream = io.BytesIO(content)
    names: "list[str]" = []
    while True:
        try:
            names += follow(stream).refused
        except PickleError:
            return names


def _other(path: Path, head: bytes) -> str:
    """Say what a file is instead of a checkpoint."""
    start = head.lstrip()[:40].lower()
    if not head:
        return "it is empty; download it again"
    if path.suffix.lower() == ".onnx":
        return "it is an ONNX file already; use it as ENCODER, or add an encoder of images with “Add an encoder”"
    if start.startswith(b"version https://git-lfs"):
        return "it is only the pointer that Git LFS keeps in place of a large file; download the file itself"
    if start.startswith((b"<!doctype", b"<html")):
        return "it is a web page; download the file that the page offers"
    return "it is neither an archive of PyTorch, nor safetensors, nor the package of GeoCLIP; choose the file of " \
           "weights (.pth, .pt, .ckpt, .safetensors or .whl)"
