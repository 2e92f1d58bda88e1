"""Small fitted models (clusters, reductions, scores) as JSON: numbers and names, never code.

The numbers are little-endian float32 in base64. A checksum over the whole tells a cut or edited file from a sound one;
the space tells which vectors the model may be applied to.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import numpy as np

from ..errors import ModelError, SpaceError
from ..space import Space, SpaceKey, from_json, require_same
from ..table.parts import Identity, key_text
from ..version import VERSION
from ..whole import whole

FORMAT = "earthprint-model"
FORMAT_VERSION = 1
ENDING = ".json"
_LIMIT_BYTES = 512 << 20
_MOST_ARRAYS = 64
_MOST_AXES = 4


@dataclass(frozen=True)
class FittedModel:
    """What a fit found: its kind (such as `clusters`), the key of its space, float32 arrays and plain parameters.

    `space` is the description behind the key, None where only the key is known.
    """

    kind: str
    space_key: str
    arrays: "Mapping[str, np.ndarray]"
    parameters: "Mapping[str, Any]" = field(default_factory=dict)
    space: Optional[Space] = None
    path: str = ""

    @property
    def name(self) -> str:
        """Return what messages call the model."""
        return f"The model {self.path}" if self.path else "The model"

    def require_space(self, key: str, name: str) -> None:
        """Raise unless vectors of this key lie in the model's space; the message names both."""
        require_same(self.space_key, self.name, key, name)

    def array(self, name: str, *shape: Optional[int]) -> np.ndarray:
        """Return an array of the model with the shape it must have; None stands for any length."""
        found = self.arrays.get(name)
        if found is None:
            raise _broken(self.path, f"it lacks “{name}”")
        if len(found.shape) != len(shape) or any(
                want is not None and want != have for want, have in zip(shape, found.shape)):
            raise _broken(self.path, f"“{name}” has the shape {found.shape}")
        return found


def model_of(kind: str, identity: Identity, arrays: "Mapping[str, np.ndarray]",
             parameters: "Mapping[str, Any]") -> FittedModel:
    """Return a new model in the space of a field or a table."""
    return FittedModel(kind, key_text(identity, "f4"),
                       {name: np.ascontiguousarray(values, dtype="<f4") for name, values in arrays.items()},
                       dict(parameters), None if isinstance(identity, SpaceKey) else identity)


def save_model(path: "str | Path", model: FittedModel) -> None:
    """Write a model whole or not at all."""
    item = {
        "format": FORMAT, "version": FORMAT_VERSION, "written_by": f"Earthprint {VERSION}", "kind": model.kind,
        "space_key": model.space_key, "space": None if model.space is None else model.space.as_json(),
        "parameters": dict(model.parameters),
        "arrays": {name: {"shape": list(values.shape), "float32": _encoded(values)}
                   for name, values in model.arrays.items()},
    }
    item["sha256"] = _digest(item)
    with whole(path) as temporary:
        temporary.write_text(json.dumps(item, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n",
                             encoding="utf-8")


def load_model(path: "str | Path", kinds: "Sequence[str]") -> FittedModel:
    """Read a model of one of these kinds, checking all of it, since anybody may have written it."""
    item = _read(Path(path))
    if item.get("format") != FORMAT or not isinstance(item.get("kind"), str):
        raise ModelError("model-format", "{path} is no saved model: choose the MODEL_OUT of an earlier run.", path=path)
    if item.get("version") != FORMAT_VERSION:
        raise ModelError("model-version", "{path} was written in version {found} of the format, which this version "
                         "of Earthprint doesn't know: update Earthprint, or fit the model again.", path=path,
                         found=item.get("version"))
    stated = item.pop("sha256", None)
    if stated != _digest(item):
        raise _broken(path, "its checksum doesn't fit")
    if item["kind"] not in kinds:
        raise ModelError("model-kind", "{path} is a model of another kind ({found}): choose one of the kind {wanted}.",
                         path=path, found=item["kind"], wanted=" or ".join(kinds))
    space, key = _space(path, item)
    parameters = item.get("parameters")
    if not isinstance(parameters, dict):
        raise _broken(path, "it has no parameters")
    return FittedModel(item["kind"], key, _arrays(path, item.get("arrays")), parameters, space, str(path))


def _encoded(values: np.ndarray) -> str:
    """Return the bytes of an array as text."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode("ascii")


def _digest(item: "Mapping[str, Any]") -> str:
    """Return the checksum of all that a model says."""
    text = json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _read(path: Path) -> "Dict[str, Any]":
    """Read the JSON object of a file."""
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise _broken(path, f"it is larger than {_LIMIT_BYTES >> 20} MiB")
        item = json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_refused, parse_float=_finite)
    except OSError as error:
        raise ModelError("model-missing", "The model {path} can't be read ({reason}): check the path.", path=path,
                         reason=error.strerror or error) from error
    except (ValueError, RecursionError) as error:
        raise ModelError("model-json", "{path} is no saved model ({reason}): choose the MODEL_OUT of an earlier run.",
                         path=path, reason=str(error)[:120]) from error
    return item if isinstance(item, dict) else {}


def _space(path: "str | Path", item: "Mapping[str, Any]") -> "Tuple[Optional[Space], str]":
    """Return the description and the key, which must say the same."""
    key = item.get("space_key")
    if not isinstance(key, str):
        raise _broken(path, "it names no space")
    if item.get("space") is None:
        require_same(key, str(path), key, str(path))
        return None, key
    try:
        space = from_json(json.dumps(item["space"]))
        require_same(space.key(), str(path), key, str(path))
    except SpaceError as error:
        raise _broken(path, "its space and the key of it differ") from error
    return space, key


def _arrays(path: "str | Path", raw: Any) -> "Dict[str, np.ndarray]":
    """Decode the arrays, trusting no stated shape."""
    if not isinstance(raw, dict) or len(raw) > _MOST_ARRAYS:
        raise _broken(path, "it has no arrays")
    found = {}
    for name, part in raw.items():
        shape = part.get("shape") if isinstance(part, dict) else None
        if (not isinstance(shape, list) or len(shape) > _MOST_AXES
                or not all(type(length) is int and 0 <= length < 1 << 31 for length in shape)):
            raise _broken(path, f"the shape of “{name}” is none")
        try:
            data = base64.b64decode(str(part.get("float32", "")), validate=True)
        except (binascii.Error, ValueError) as error:
            raise _broken(path, f"the numbers of “{name}” can't be decoded") from error
        if len(data) != 4 * math.prod(shape):
            raise _broken(path, f"“{name}” has not as many numbers as it says")
        values = np.frombuffer(data, dtype="<f4").astype(np.float32).reshape(shape)
        if not np.isfinite(values).all():
            raise _broken(path, f"“{name}” holds values that are no numbers")
        found[str(name)] = values
    return found


def _finite(text: str) -> float:
    """Read a number with a point or exponent."""
    value = float(text)
    return value if math.isfinite(value) else _refused(text)


def _refused(text: str) -> Any:
    """Refuse NaN and infinity."""
    raise ValueError(f"{text[:30]} is no number that a model could hold")


def _broken(path: "str | Path", reason: str) -> ModelError:
    """Say that a model can't be trusted."""
    return ModelError("model-broken", "The model {path} can't be used because {reason}: it is damaged or was edited, "
                      "save it again.", path=path or "given", reason=reason)
