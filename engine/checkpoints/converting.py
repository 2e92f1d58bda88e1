"""Converts a published checkpoint of a location encoder into an encoder of ours: an ONNX file and its card."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Optional, Tuple

import numpy as np

from ..card_check import safe_id
from ..errors import InputError
from ..locations.card import LocationCard
from ..locations.card_item import card_of_item
from ..locations.stored import open_location_encoder
from ..locations.storing import save_location_encoder
from ..model_item import card_path
from ..progress import Part, Progress, check
from ..space import Space
from . import geoclip, satclip, torchspatial
from .account import names_like
from .checkpoint import Checkpoint
from .continuity import Continuity, measure_continuity
from .offered import AUTOMATIC, FAMILIES, GEOCLIP, SATCLIP, TORCHSPATIAL
from .opening import open_checkpoint
from .refusing import damaged, listed, no_checkpoint
from .told import Told
from .tower import Tower

# The version whose conversions these are, the same from version to version: the same weights give the same space.
_SINCE = "0.1.0"
_MARKS = {GEOCLIP: geoclip.MARK, SATCLIP: satclip.MARK, TORCHSPATIAL: torchspatial.MARK}
_TITLES = {GEOCLIP: geoclip.TITLE, SATCLIP: satclip.TITLE, TORCHSPATIAL: torchspatial.TITLE}
_PLAIN: "Dict[str, Callable[[Checkpoint], Tower]]" = {GEOCLIP: geoclip.read_geoclip, SATCLIP: satclip.read_satclip}


@dataclass(frozen=True)
class ConvertRequest:
    """What to convert and where to: into `output`, or without it into the folder under the encoder's id."""

    checkpoint: str
    family: str = AUTOMATIC
    output: str = ""
    folder: Optional[Path] = None
    name: str = ""
    licence: str = ""
    told: Told = Told()


@dataclass(frozen=True)
class ConvertResult:
    """What became of it; `left_out` tells which tensors were known and not needed."""

    output: str
    id: str
    family: str
    dimensions: int
    space: Space
    continuity: Continuity
    left_out: "Tuple[str, ...]"
    warnings: "Tuple[str, ...]"


def convert_checkpoint(request: ConvertRequest, progress: Progress) -> ConvertResult:
    """Read the file as data, rebuild its location tower and write it."""
    path = Path(request.checkpoint)
    checkpoint = open_checkpoint(path, Part(progress, 0.0, 0.4))
    check(progress)
    family = _family(checkpoint, request.family)
    progress.report(0.4, f"Rebuilding the location tower of {_TITLES[family]}")
    tower = _tower(checkpoint, family, request.told)
    check(progress)
    continuity = measure_continuity(tower.position, tower.network)
    if not np.isfinite([continuity.seam, continuity.pole]).all():
        raise damaged(checkpoint.name, "the vectors that come of its weights are no numbers")
    warnings = (*tower.warnings, *continuity.warnings(tower.name))
    card = _card(checkpoint, tower, request, continuity, warnings)
    progress.report(0.8, "Writing the encoder")
    target = _target(request, card, checkpoint)
    save_location_encoder(target, tower.position, tower.network, card, _SINCE)
    stored = open_location_encoder(target)
    progress.info(tower.description)
    for line in tower.left_out:
        progress.info(f"Left out: {line}.")
    for warning in (*tower.cautions, *warnings):
        progress.warn(warning)
    progress.report(1.0, "Done")
    return ConvertResult(str(target), stored.card.id, family, stored.dimensions, stored.space(), continuity,
                         tower.left_out, (*tower.cautions, *warnings))


def _family(checkpoint: Checkpoint, asked: str) -> str:
    """Return the family that the names of the tensors tell, which must be the one that was asked for."""
    if asked not in FAMILIES:
        raise InputError("checkpoint-family", "FAMILY is {asked}, but only these can be converted: {known}.",
                         asked=asked, known=", ".join(FAMILIES))
    found = next((family for family, mark in _MARKS.items() if names_like(checkpoint, mark)), None)
    if found is None:
        wanted = " or ".join(_TITLES.values()) if asked == AUTOMATIC else _TITLES[asked]
        raise no_checkpoint(checkpoint.name, f"it holds no location encoder of {wanted}, but tensors such as "
                            f"{listed(list(checkpoint.tensors)) or 'none'}")
    if asked not in (AUTOMATIC, found):
        raise InputError("checkpoint-family", "The checkpoint {name} is of {found}, not of {asked}: choose {found_id} "
                         "as FAMILY, or automatic.", name=checkpoint.name, found=_TITLES[found], asked=_TITLES[asked],
                         found_id=found)
    return found


def _tower(checkpoint: Checkpoint, family: str, told: Told) -> Tower:
    """Rebuild the tower."""
    if family == TORCHSPATIAL:
        return torchspatial.read_torchspatial(checkpoint, told)
    if told.anything:
        raise InputError("checkpoint-idle", "KIND, MIN_RADIUS, MAX_RADIUS, ACTIVATION, CELL and EXTENT are for "
                         "checkpoints of {title}, but {name} is of {family}: leave them at their defaults.",
                         title=torchspatial.TITLE, name=checkpoint.name, family=_TITLES[family])
    return _PLAIN[family](checkpoint)


def _card(checkpoint: Checkpoint, tower: Tower, request: ConvertRequest, continuity: Continuity,
          warnings: "Tuple[str, ...]") -> LocationCard:
    """Return the card; it bears no date, so that the same weights make the same space wherever they are converted."""
    # The name of the file is no part of it: a copy of the card lies in the model, whose checksum makes the space.
    source = {"family": tower.family, "sha256": checkpoint.weights_checksum}
    return LocationCard(
        id=safe_id(request.name) if request.name.strip() else _suggested(checkpoint, tower), name=tower.name,
        position=tower.position, dimensions=tower.network.dimensions(tower.position.size),
        licence=request.licence.strip() or tower.licence, description=tower.description,
        architecture=tower.architecture, figures=continuity.figures(), source=source, warnings=warnings)


def _suggested(checkpoint: Checkpoint, tower: Tower) -> str:
    """Return an id: GeoCLIP has one location tower, SatCLIP's files bear good names, the others' only long ones."""
    if tower.family == GEOCLIP:
        return GEOCLIP
    if tower.family == SATCLIP and SATCLIP in checkpoint.name.lower():
        return safe_id(Path(checkpoint.name).stem.lower())
    return safe_id(tower.name.lower().replace("=", ""))


def _target(request: ConvertRequest, card: LocationCard, checkpoint: Checkpoint) -> Path:
    """Return where to write; an encoder of the folder is replaced only by the same one."""
    if request.output:
        return Path(request.output)
    if request.folder is None:
        raise InputError("checkpoint-output", "OUTPUT is empty: give the .onnx file to write.")
    request.folder.mkdir(parents=True, exist_ok=True)
    target = request.folder / f"{card.id}.onnx"
    if _free(target, checkpoint):
        return target
    raise InputError("checkpoint-name-taken", "There is another encoder called {id} in {folder}: give another NAME.",
                     id=card.id, folder=request.folder)


def _free(target: Path, checkpoint: Checkpoint) -> bool:
    """Tell whether a name is free, or has the encoder of the very same checkpoint."""
    beside = card_path(target)
    if not beside.exists():
        return not target.exists()
    try:
        source = card_of_item(json.loads(beside.read_text(encoding="utf-8"))).source
    except (OSError, ValueError, RecursionError):
        return False
    return source.get("sha256") == checkpoint.weights_checksum
