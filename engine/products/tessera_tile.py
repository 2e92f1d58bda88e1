"""TESSERA's tiles: signed bytes and scales in NumPy arrays, placed by their landmask."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Tuple

import numpy as np

from ..coding import FLOAT32, Coding, decode_with_scales
from ..dataset import raster_info
from ..errors import InputError
from ..grid import Window
from .catalogue import TESSERA, Product
from .numpy_rows import load_array

_SCALES = "_scales"
_MASK_FOLDERS = (".", "landmasks", "landmask", "global_0.1_degree_tiff_all")
_MASK_ENDS = (".tiff", ".tif", "_landmask.tiff", "_landmask.tif")
_LEVELS = 4


class TesseraTile:
    """One tile `(rows, cols, dims)`: whole numbers with their scales, or decoded floats."""

    def __init__(self, path: str, landmask: str = "") -> None:
        """Open arrays and landmask without reading them."""
        place = _without_scales(Path(path))
        self.path = str(place)
        self.product: Product = TESSERA
        self.coding: Coding = FLOAT32
        self._codes = load_array(self.path)
        if self._codes.ndim != 3 or self._codes.shape[2] not in TESSERA.dimensions:
            raise InputError("npy-no-grid", "{path} has the shape {shape}, but a tile of TESSERA has rows, columns and "
                             "128 dimensions: use “Import embeddings” for rows of vectors.", path=self.path,
                             shape=self._codes.shape)
        self.dimensions = int(self._codes.shape[2])
        self._scales = _scales_of(place, self._codes)
        self.reason = "an array of rows, columns and dimensions" + (" with scales" if self._scales is not None else "")
        mask = Path(landmask) if landmask else _landmask_beside(place)
        if mask is None:
            raise InputError("npy-georeference", "{path} has no georeference: put its landmask {name} beside it, or "
                             "give it as GEOREFERENCE.", path=self.path, name=place.stem + ".tiff")
        self.grid = raster_info(str(mask)).grid
        if not self.grid.wkt:
            raise InputError("landmask-crs", "The landmask {path} states no CRS: download it again.", path=mask)
        if (self.grid.height, self.grid.width) != self._codes.shape[:2]:
            raise InputError("landmask-size", "{path} has {rows} × {columns} cells but {mask} has {height} × {width}: "
                             "choose the landmask of the same tile.", path=self.path, rows=self._codes.shape[0],
                             columns=self._codes.shape[1], mask=mask, height=self.grid.height, width=self.grid.width)

    @property
    def scale_bands(self) -> int:
        """Return how many scales a cell has: one or as many as dimensions, 0 for floats, which need none."""
        return 0 if self._scales is None else 1 if self._scales.ndim == 2 else self.dimensions

    def vectors(self, window: Window) -> np.ndarray:
        """Return `(dims, rows, cols)`: code times scale, NaN where the scale is NaN."""
        codes, scales = self.coded(window)
        return decode_with_scales(codes, scales)

    def coded(self, window: Window) -> "Tuple[np.ndarray, np.ndarray]":
        """Return codes `(dims, rows, cols)` and scales `(1 or dims, rows, cols)`, which are 1 for floats."""
        part = (slice(window.y, window.bottom), slice(window.x, window.right))
        codes = np.ascontiguousarray(np.moveaxis(np.asarray(self._codes[part]), 2, 0))
        if self._scales is None:
            return codes, np.ones((1, window.height, window.width), dtype=np.float32)
        scales = np.asarray(self._scales[part], dtype=np.float32)
        return codes, scales[None] if scales.ndim == 2 else np.ascontiguousarray(np.moveaxis(scales, 2, 0))

    def impossible(self, window: Window) -> int:
        """Return how many cells have a negative or infinite scale."""
        if self._scales is None:
            return 0
        scales = np.asarray(self._scales[window.y:window.bottom, window.x:window.right])
        wrong = (scales < 0) | np.isinf(scales)
        return int((wrong if wrong.ndim == 2 else wrong.any(axis=2)).sum())


def _without_scales(path: Path) -> Path:
    """Return the codes where somebody chose their scales."""
    codes = path.with_name(path.stem[:-len(_SCALES)] + path.suffix) if path.stem.endswith(_SCALES) else path
    return codes if codes.is_file() else path


def _scales_of(path: Path, codes: np.ndarray) -> Optional[np.ndarray]:
    """Return the scales of whole numbers; floats need none."""
    if codes.dtype.kind == "f":
        return None
    beside = path.with_name(path.stem + _SCALES + path.suffix)
    if not beside.is_file():
        raise InputError("npy-scales", "{path} holds whole numbers, and its scales are missing: put {name} beside it.",
                         path=path, name=beside.name)
    scales = load_array(str(beside))
    if scales.shape not in (codes.shape[:2], codes.shape):
        raise InputError("npy-scales-shape", "{path} has scales of shape {shape} where its tile has {wanted}: download "
                         "both again.", path=beside, shape=scales.shape, wanted=codes.shape)
    return scales


def _landmask_beside(path: Path) -> Optional[Path]:
    """Return the landmask of the same name, in the folders where geotessera keeps it."""
    folders = [path.parent, *list(path.parent.parents)[:_LEVELS]]
    for folder in folders:
        for inner in _MASK_FOLDERS:
            for end in _MASK_ENDS:
                found = folder / inner / (path.stem + end)
                if found.is_file():
                    return found
    return None
