"""The location encoder that a text means: the id of a formula, or the id or a file of a trained one."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Optional, Union

from ..encoders.library import EncoderFolders
from ..errors import InputError
from .encoder import LocationEncoder, location_encoder
from .settings import Settings
from .shipped import IDS, ONLY_TRAINED
from .stored import StoredEncoder, open_location_encoder
from .stored_list import list_location_encoders

_DEFAULTS = Settings()
AnyLocationEncoder = Union[LocationEncoder, StoredEncoder]


def find_location_encoder(text: str, settings: Settings = _DEFAULTS,
                          folders: Optional[EncoderFolders] = None) -> AnyLocationEncoder:
    """Return the encoder of an id or a file, or say in words why there is none; only formulas take settings."""
    wanted = text.strip()
    if wanted.lower() in IDS:
        return location_encoder(wanted.lower(), settings)
    if Path(wanted).suffix.lower() in (".json", ".onnx"):
        return _trained(Path(wanted), settings)
    listed = list_location_encoders(folders) if folders is not None else ()
    for item in listed:
        if item.id == wanted:
            if item.problem:
                raise InputError("location-unusable", "The location encoder {id} can't be used: {problem}", id=wanted,
                                 problem=item.problem)
            return _trained(item.path, settings)
    raise _unknown(wanted, [item.id for item in listed if not item.problem])


def _trained(path: Path, settings: Settings) -> StoredEncoder:
    """Open a trained encoder, whose settings were fixed when it was trained."""
    if settings != _DEFAULTS:
        raise InputError("location-setting", "{path} is trained, so its scales and radii are fixed: leave SCALES, "
                         "MIN_RADIUS, MAX_RADIUS, LENGTH, SEAMLESS and SEED at their defaults.", path=path)
    if not path.is_file():
        raise InputError("location-missing", "There is no encoder file {path}: check the path, or give the id of a "
                         "location encoder ({ids}).", path=path, ids=", ".join(IDS))
    return open_location_encoder(path)


def _unknown(wanted: str, stored: "list[str]") -> InputError:
    """Return what to say of a text that names no encoder of locations."""
    ids = ", ".join((*IDS, *stored))
    if not wanted:
        return InputError("location-empty", "ENCODER is empty: give the id of a location encoder ({ids}).", ids=ids)
    if wanted.lower() in ONLY_TRAINED:
        return InputError("location-trained", "The location encoder {id} exists only trained, since it is made of "
                          "places of the training data: choose one that is a formula ({ids}), or train one with “Train "
                          "a location encoder”.", id=wanted, ids=ids)
    known = [*IDS, *stored]
    close = difflib.get_close_matches(wanted.lower().replace("_", "-"), known, n=3, cutoff=0.5)
    if close:
        return InputError("location-unknown", "There is no location encoder {id}; did you mean {names}?", id=wanted,
                          names=" or ".join(close))
    return InputError("location-unknown", "There is no location encoder {id}: choose one of {ids}.", id=wanted, ids=ids)
