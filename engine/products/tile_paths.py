"""Which tiles a text names: one, several, or a folder of them."""

from __future__ import annotations

from pathlib import Path
from typing import List

from ..errors import InputError
from .numpy_rows import load_array
from .opening import NUMPY, file_kind
from .zarr_field import is_store

SEPARATOR = ";"
_RASTERS = (".tif", ".tiff", ".vrt")
_ARRAY = ".npy"
_SCALES = "_scales"


def tile_paths(text: str) -> "List[str]":
    """Return the tiles that a text names: one path, several separated by semicolons, or a folder of them."""
    if Path(text).is_file() or is_store(text):
        return [text]
    if Path(text).is_dir():
        return _in_folder(Path(text))
    named = [part.strip() for part in text.split(SEPARATOR) if part.strip()]
    missing = next((part for part in named if not Path(part).exists() and not is_store(part)), None)
    if len(named) > 1 and missing is not None:
        raise InputError("tile-missing", "{path} doesn't exist: choose existing tiles, separated by semicolons.",
                         path=missing)
    return list(dict.fromkeys(named)) if len(named) > 1 else [text]


def _in_folder(folder: Path) -> "List[str]":
    """Return the tiles of a folder: arrays without their scales and landmasks, rasters without the .vrt beside them."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    arrays = [path for path in files if path.suffix.lower() == _ARRAY and not path.stem.endswith(_SCALES)
              and file_kind(str(path)) == NUMPY and load_array(str(path)).ndim == 3]
    taken = {path.stem for path in arrays}
    rasters = [path for path in files if path.suffix.lower() in _RASTERS and path.stem not in taken]
    stems = {path.stem for path in rasters if path.suffix.lower() != ".vrt"}
    found = arrays + [path for path in rasters if path.suffix.lower() != ".vrt" or path.stem not in stems]
    if not found:
        raise InputError("tile-folder", "{path} holds no tile (.tif, .tiff, .vrt or .npy): choose the folder that "
                         "does.", path=folder)
    return [str(path) for path in found]
