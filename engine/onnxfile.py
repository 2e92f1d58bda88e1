"""Looks into an ONNX file without loading it and decides whether a session may have it: a model is untrusted input."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Dict, List, Optional, Tuple, Union

from . import onnxwire as wire
from .errors import ModelError
from .onnxfacts import ExternalData, OnnxFacts, walk
from .progress import Progress, Silent, check

PathLike = Union[str, "os.PathLike[str]"]

# A protobuf message can't be longer than this, so a longer .onnx can't be loaded by anything.
LARGEST_FILE = (1 << 31) - 1
# What the newest ONNX Runtime loads; an older one says itself what it can't, when the session is made.
OPSETS: Dict[str, Tuple[int, int]] = {"": (7, 26), "ai.onnx.ml": (1, 5), "com.microsoft": (1, 1)}
IR_VERSIONS = (3, 13)


def read_facts(path: PathLike) -> OnnxFacts:
    """Read everything but the weights, in little memory whatever the file claims."""
    name = os.fspath(path)
    try:
        with open(name, "rb") as stream:
            _, size = wire.extent(stream)
            if size == 0:
                raise ModelError("onnx-empty", "{path} is empty; download it again.", path=name)
            if size > LARGEST_FILE:
                raise ModelError(
                    "onnx-too-large",
                    "{path} is {size} GB, but an ONNX file holds at most 2 GB: export it with its weights "
                    "as external data.",
                    path=name,
                    size=f"{size / 1e9:.1f}",
                )
            return walk(stream, name, size)
    except OSError as error:
        raise ModelError(
            "onnx-unreadable", "{path} can't be read: {reason}.", path=name, reason=error.strerror or str(error)
        ) from error
    except wire.TruncatedError as error:
        raise ModelError(
            "onnx-truncated", "{path} is truncated: {reason}; download it again.", path=name, reason=str(error)
        ) from error
    except wire.WireError as error:
        raise ModelError(
            "onnx-broken",
            "{path} is not a sound ONNX file: {reason}; download or export it again.",
            path=name,
            reason=str(error),
        ) from error


def check_trustworthy(path: PathLike) -> OnnxFacts:
    """Read the facts and refuse whatever no session should be made of; to be called before every session."""
    facts = read_facts(path)
    name = facts.path
    low, high = IR_VERSIONS
    if not low <= facts.ir_version <= high:
        raise ModelError(
            "onnx-ir",
            "{path} has the ONNX format version {version}, and {low} to {high} can be run: export it again.",
            path=name,
            version=facts.ir_version,
            low=low,
            high=high,
        )
    if not facts.outputs:
        raise ModelError("onnx-no-output", "{path} has no output; export it again.", path=name)
    for domain in sorted(facts.domains | set(facts.opsets)):
        _check_opset(facts, domain)
    for part in facts.external:
        _check_external(facts, part)
    return facts


def sha256(path: PathLike, progress: Optional[Progress] = None) -> str:
    """Compute the checksum of a file, in hexadecimal."""
    progress = progress or Silent()
    digest = hashlib.sha256()
    try:
        size = max(os.stat(path).st_size, 1)
        done = 0
        with open(path, "rb") as stream:
            while True:
                piece = stream.read(1 << 22)
                if not piece:
                    return digest.hexdigest()
                digest.update(piece)
                done += len(piece)
                check(progress)
                progress.report(min(done / size, 1.0), "Computing the checksum")
    except OSError as error:
        raise ModelError(
            "onnx-unreadable",
            "{path} can't be read: {reason}.",
            path=os.fspath(path),
            reason=error.strerror or str(error),
        ) from error


def external_files(facts: OnnxFacts) -> List[Path]:
    """List the files beside the model that hold its weights, each once."""
    folder = Path(facts.path).resolve().parent
    return [folder / location for location in sorted({_plain(part.location) for part in facts.external})]


def _check_opset(facts: OnnxFacts, domain: str) -> None:
    """Refuse operator sets that ONNX Runtime doesn't have."""
    if domain not in OPSETS:
        raise ModelError(
            "onnx-custom-operators",
            "{path} uses operators of {domain}, which ONNX Runtime doesn't have: export it with "
            "standard operators only.",
            path=facts.path,
            domain=domain,
        )
    if domain not in facts.opsets:
        raise ModelError(
            "onnx-no-opset",
            "{path} doesn't state the version of its operators{domain}; export it again.",
            path=facts.path,
            domain=f" of {domain}" if domain else "",
        )
    low, high = OPSETS[domain]
    if not low <= facts.opsets[domain] <= high:
        raise ModelError(
            "onnx-opset",
            "{path} uses operator set {version}{domain}, and {low} to {high} are supported: export it again "
            "with opset 17.",
            path=facts.path,
            version=facts.opsets[domain],
            low=low,
            high=high,
            domain=f" of {domain}" if domain else "",
        )


def _check_external(facts: OnnxFacts, part: ExternalData) -> None:
    """Refuse weights in other files unless these lie in the model's folder and are long enough."""
    location = _plain(part.location)
    pieces = location.split("/")
    if (
        not location
        or "\0" in location
        or location.startswith("/")
        or re.match(r"[A-Za-z]:", location)
        or ".." in pieces
    ):
        raise ModelError(
            "onnx-external-path",
            "{path} keeps weights in {location}, which is outside its own folder: export it again "
            "with the weights beside it.",
            path=facts.path,
            location=repr(part.location),
        )
    folder = Path(os.path.realpath(facts.path)).parent
    target = Path(os.path.realpath(folder / location))
    if folder not in target.parents:
        raise ModelError(
            "onnx-external-path",
            "{path} keeps weights in {location}, which is outside its own folder: export it again "
            "with the weights beside it.",
            path=facts.path,
            location=repr(part.location),
        )
    if not target.is_file():
        raise ModelError(
            "onnx-external-missing",
            "{path} needs the file {location} beside it: copy or download that too.",
            path=facts.path,
            location=location,
        )
    if part.offset < 0 or part.offset + part.length > target.stat().st_size:
        raise ModelError(
            "onnx-external-short",
            "{location} beside {path} is truncated: the weights {tensor} reach beyond its end; download it again.",
            path=facts.path,
            location=location,
            tensor=part.tensor,
        )


def _plain(location: str) -> str:
    """Write a location with forward slashes, whichever system wrote it."""
    return location.replace("\\", "/")
