"""The location encoder that a text means: the id of a formula, or the id or a file of a trained one."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional, Union

from ..errors import InputError
from .encoder import LocationEncoder, location_encoder
from .settings import Settings
from .shipped import IDS, ONLY_TRAINED

if TYPE_CHECKING:
    from ..encoders.library import EncoderFolders
    from .stored import StoredEncoder
    from .stored_list import ListedEncoder

_DEFAULTS = Settings()
_CHECKPOINTS = (".ckpt", ".pth", ".pt", ".tar", ".safetensors", ".whl")
AnyLocationEncoder = Union[LocationEncoder, "StoredEncoder"]


def find_location_encoder(text: str, settings: Settings = _DEFAULTS,
                          folders: "Optional[EncoderFolders]" = None) -> AnyLocationEncoder:
    """Return the encoder of an id or a file, or say in words why there is none; only formulas take settings."""
    wanted = text.strip()
    if wanted.lower() in IDS:
        return location_encoder(wanted.lower(), settings)
    if Path(wanted).suffix.lower() in (".json", ".onnx"):
        return _trained(Path(wanted), settings)
    known: "List[str]" = []
    if folders is not None and wanted:
        # Only formulas are needed at the start of QGIS, and files bring more with them.
        from .stored_list import list_location_encoders

        listed = list_location_encoders(folders)
        known = [item.id for item in listed if not item.problem]
        named = [item for item in listed if item.id == wanted]
        if named:
            return _one_of(wanted, named, settings)
        _refuse_images(wanted, folders)
    raise _unknown(wanted, known)


def _refuse_images(wanted: str, folders: "EncoderFolders") -> None:
    """Say so where the id is that of an encoder of images."""
    from ..encoders.library import list_encoders

    if wanted.lower() == "automatic" or any(item.id == wanted for item in list_encoders(folders)):
        raise InputError("location-image", "{id} is an encoder of images, which takes bands and no longitude and "
                         "latitude: use “Embed raster”, or give the id of a location encoder ({ids}).", id=wanted,
                         ids=", ".join(IDS))


def _one_of(wanted: str, named: "List[ListedEncoder]", settings: Settings) -> "StoredEncoder":
    """Open the encoder of an id that files bear, which must be the same one in all of them that can be used."""
    usable = [item for item in named if not item.problem]
    if not usable:
        raise InputError("location-unusable", "The location encoder {id} can't be used: {problem}", id=wanted,
                         problem=named[0].problem)
    first, *others = [_trained(item.path, settings) for item in usable]
    for other in others:
        if other.card.checksum != first.card.checksum:
            raise InputError("location-ambiguous", "Two different location encoders are called {id}: give the path of "
                             "one, {first} or {second}.", id=wanted, first=first.card.path, second=other.card.path)
    return first


def _trained(path: Path, settings: Settings) -> "StoredEncoder":
    """Open a trained encoder, whose settings were fixed when it was trained."""
    if settings != _DEFAULTS:
        raise InputError("location-setting", "{path} is trained, so its scales and radii are fixed: leave SCALES, "
                         "MIN_RADIUS, MAX_RADIUS, LENGTH, SEAMLESS and SEED at their defaults.", path=path)
    if not path.is_file():
        raise InputError("location-missing", "There is no encoder file {path}: check the path, or give the id of a "
                         "location encoder ({ids}).", path=path, ids=", ".join(IDS))
    from .stored import open_location_encoder

    return open_location_encoder(path)


def _unknown(wanted: str, stored: "list[str]") -> InputError:
    """Return what to say of a text that names no encoder of locations."""
    ids = ", ".join((*IDS, *stored))
    if not wanted:
        return InputError("location-empty", "ENCODER is empty: give the id of a location encoder ({ids}).", ids=ids)
    if wanted.lower() in ONLY_TRAINED:
        return InputError("location-trained", "The location encoder {id} exists only trained, since it is made of "
                          "places of the training data: choose one that is a formula ({ids}){stored}, or train one "
                          "with “Train a location encoder”.", id=wanted, ids=", ".join(IDS),
                          stored=f" or that is trained already ({', '.join(stored)})" if stored else "")
    if Path(wanted).suffix.lower() in _CHECKPOINTS:
        return InputError("location-checkpoint", "{id} is the name of a checkpoint, which is no encoder yet: convert "
                          "it first with “Convert a location checkpoint”, and give the .onnx file or the id that comes "
                          "of it.", id=wanted)
    known = [*IDS, *stored]
    close = difflib.get_close_matches(wanted.lower().replace("_", "-"), known, n=3, cutoff=0.5)
    if close:
        return InputError("location-unknown", "There is no location encoder {id}; did you mean {names}?", id=wanted,
                          names=" or ".join(close))
    return InputError("location-unknown", "There is no location encoder {id}: choose one of {ids}.", id=wanted, ids=ids)
