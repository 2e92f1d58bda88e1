"""Several tiles as one raster of vectors: side by side in their own CRS, or in another after decoding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from osgeo import osr

from ..coding import FLOAT32, Coding
from ..dataset import metres_per_unit, quiet, spatial_reference
from ..errors import InputError
from ..grid import Grid, Window
from ..statement import SpaceStatement
from .catalogue import Product
from .numpy_rows import load_array
from .opening import NUMPY, file_kind
from .published_field import PublishedField
from .resampling import BILINEAR, NEAREST
from .zarr_field import is_store

SEPARATOR = ";"
_RASTERS = (".tif", ".tiff", ".vrt")
_ARRAY = ".npy"
_SCALES = "_scales"
_SAME = 1e-6
_EDGE_POINTS = 33
_STRIP = 64


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


@dataclass(frozen=True)
class Zone:
    """The tiles in one CRS."""

    name: str
    tiles: "Tuple[PublishedField, ...]"

    @property
    def cells(self) -> int:
        """Return how many cells the tiles have together."""
        return sum(tile.grid.width * tile.grid.height for tile in self.tiles)


def zones_of(tiles: "Sequence[PublishedField]") -> "List[Zone]":
    """Return the tiles by their CRS, the largest zone first; they must be of one product, coding and cell size."""
    first = tiles[0]
    for tile in tiles[1:]:
        if (tile.product.name, tile.dimensions, tile.coding.code) != (
                first.product.name, first.dimensions, first.coding.code):
            raise InputError("tile-products", "{first} holds {told} and {other} holds {found}: import tiles of one "
                             "product and form at a time.", first=first.path, told=_in_words(first), other=tile.path,
                             found=_in_words(tile))
    found: "Dict[str, List[PublishedField]]" = {}
    for tile in tiles:
        reference = spatial_reference(tile.grid.wkt)
        known = next((wkt for wkt in found if spatial_reference(wkt).IsSame(reference)), tile.grid.wkt)
        found.setdefault(known, []).append(tile)
    for group in found.values():
        for tile in group[1:]:
            _require_same_cells(group[0], tile)
    zones = [Zone(_zone_name(wkt, number), tuple(group)) for number, (wkt, group) in enumerate(found.items(), start=1)]
    return sorted(zones, key=lambda zone: -zone.cells)


def _in_words(tile: PublishedField) -> str:
    """Return what a tile is, to be told apart from others."""
    return f"{tile.dimensions} dimensions of {tile.product.name} coded as {tile.coding.code}"


def _require_same_cells(first: PublishedField, other: PublishedField) -> None:
    """Refuse to put cells of different sizes side by side."""
    sizes = [(abs(tile.grid.transform[1]), abs(tile.grid.transform[5])) for tile in (first, other)]
    if not np.allclose(*sizes, rtol=_SAME, atol=0):
        raise InputError("tile-cells", "{first} has cells of {told:g} and {other} of {found:g}: import them one by "
                         "one.", first=first.path, other=other.path, told=sizes[0][0], found=sizes[1][0])


def _zone_name(wkt: str, number: int) -> str:
    """Return 33N for a UTM zone, else the CRS's code, else a number."""
    reference = spatial_reference(wkt)
    zone = reference.GetUTMZone()
    if zone:
        return f"{abs(zone)}{'N' if zone > 0 else 'S'}"
    code = reference.GetAuthorityCode(None)
    return str(code) if code else str(number)


def own_grid(tiles: "Sequence[PublishedField]") -> Grid:
    """Return the grid of tiles in one CRS side by side, north up, on the cells of the first."""
    first = tiles[0].grid
    x, dx, _, y, _, dy = first.transform
    return _covering([tile.grid.extent() for tile in tiles], abs(dx), abs(dy), (x, y), first.wkt)


def grid_in(tiles: "Sequence[PublishedField]", wkt: str) -> Grid:
    """Return a grid in another CRS that covers all tiles: cells of the first's size, at multiples of it."""
    width, height = cell_in(tiles[0].grid, wkt)
    return _covering([extent_in(tile.grid, wkt) for tile in tiles], width, height, (0.0, 0.0), wkt)


def cell_in(grid: Grid, wkt: str) -> "Tuple[float, float]":
    """Return the size of a grid's cells in another CRS: the same numbers where the units are, else what suits."""
    units = metres_per_unit(grid.wkt), metres_per_unit(wkt)
    if units[0] is not None and units[1] is not None and math.isclose(*units):
        return abs(grid.transform[1]), abs(grid.transform[5])
    west, south, east, north = extent_in(grid, wkt)
    size = math.hypot(east - west, north - south) / math.hypot(grid.width, grid.height)
    return size, size


def extent_in(grid: Grid, wkt: str) -> "Tuple[float, float, float, float]":
    """Return the bounds of a grid's outline in another CRS."""
    west, south, east, north = grid.extent()
    along = np.linspace(0.0, 1.0, _EDGE_POINTS)
    x, y = west + (east - west) * along, south + (north - south) * along
    outline = np.concatenate([np.column_stack([xs, ys]) for xs, ys in (
        (x, np.full_like(x, south)), (x, np.full_like(x, north)), (np.full_like(y, west), y),
        (np.full_like(y, east), y))])
    places = moved(outline, grid.wkt, wkt)
    places = places[np.isfinite(places).all(axis=1)]
    if not len(places):
        raise InputError("tile-crs", "The tiles can't be brought into that CRS: choose one that covers them as CRS.")
    (west, south), (east, north) = places.min(axis=0), places.max(axis=0)
    return float(west), float(south), float(east), float(north)


def _covering(extents: "Sequence[Tuple[float, float, float, float]]", width: float, height: float,
              anchor: "Tuple[float, float]", wkt: str) -> Grid:
    """Return the smallest grid of such cells through an anchor that covers all extents."""
    bounds = np.array(extents)
    left = math.floor((bounds[:, 0].min() - anchor[0]) / width + _SAME)
    right = math.ceil((bounds[:, 2].max() - anchor[0]) / width - _SAME)
    bottom = math.floor((bounds[:, 1].min() - anchor[1]) / height + _SAME)
    top = math.ceil((bounds[:, 3].max() - anchor[1]) / height - _SAME)
    return Grid(right - left, top - bottom, (anchor[0] + left * width, width, 0.0, anchor[1] + top * height, 0.0,
                                             -height), wkt)


def moved(places: np.ndarray, of: str, to: str) -> np.ndarray:
    """Return `(n, 2)` places in another CRS, not finite where there is no way."""
    if of == to:
        return places
    with quiet():
        try:
            way = osr.CoordinateTransformation(spatial_reference(of), spatial_reference(to))
            found = way.TransformPoints(np.ascontiguousarray(places).tolist())
        except RuntimeError:
            return np.full_like(places, np.nan)
    return np.asarray(found, dtype=np.float64)[:, :2]


class TileMosaic:
    """Tiles on one grid, decoded before any cell is moved; of tiles that overlap, the later ones win.

    Nearest cells keep the tiles' coding. Bilinear values are means of the decoded vectors around a place, without
    those that are nodata, brought back to length 1 where the product's vectors have it; a place whose nearest cell
    holds nothing stays empty.
    """

    def __init__(self, path: str, tiles: "Sequence[PublishedField]", grid: Grid, resampling: str = NEAREST) -> None:
        """Take the tiles; they are of one product and coding."""
        self.path = path
        self.tiles = tuple(tiles)
        self.product: Product = tiles[0].product
        self.reason = tiles[0].reason
        self.dimensions = tiles[0].dimensions
        self.grid = grid
        self.coding: Coding = tiles[0].coding if resampling == NEAREST else FLOAT32
        self.resampling = resampling
        statement = self.product.statement
        self._unit = isinstance(statement, SpaceStatement) and statement.norm == "unit"

    def vectors(self, window: Window) -> np.ndarray:
        """Return `(dims, rows, cols)` float32, NaN where there is nothing."""
        found = np.full((self.dimensions, window.height, window.width), np.nan, dtype=np.float32)
        for start in range(0, window.height, _STRIP):
            strip = Window(window.x, window.y + start, window.width, min(_STRIP, window.height - start))
            part = found[:, start:start + strip.height].reshape(self.dimensions, -1)
            for tile in self.tiles:
                part = self._taken(tile, strip, part)
            found[:, start:start + strip.height] = part.reshape(self.dimensions, strip.height, strip.width)
        return found

    def impossible(self, window: Window) -> int:
        """Return how many cells of the tiles below a window hold what the product can't have."""
        parts = [(tile, _around(*_positions(self.grid, window, tile.grid), tile.grid)) for tile in self.tiles]
        return sum(tile.impossible(part) for tile, part in parts if part is not None)

    def _taken(self, tile: PublishedField, strip: Window, found: np.ndarray) -> np.ndarray:
        """Put a tile's vectors where it has some."""
        columns, rows = _positions(self.grid, strip, tile.grid)
        part = _around(columns, rows, tile.grid)
        if part is None:
            return found
        near = tile.vectors(part)
        inside = (columns >= 0) & (columns < tile.grid.width) & (rows >= 0) & (rows < tile.grid.height)
        # Positions within the part that was read; those outside are never taken.
        across = np.where(inside, columns - part.x, 0.5)
        down = np.where(inside, rows - part.y, 0.5)
        values = near[:, np.floor(down).astype(np.int64), np.floor(across).astype(np.int64)]
        there = inside & np.isfinite(values[0])
        if self.resampling == BILINEAR:
            values = _bilinear(near, across, down, self._unit)
        found = found.copy()
        found[:, there] = values[:, there]
        return found


def _positions(grid: Grid, window: Window, other: Grid) -> "Tuple[np.ndarray, np.ndarray]":
    """Return where the centres of a window's cells lie on another grid, as columns and rows from its origin."""
    x, dx, _, y, _, dy = grid.transform
    xs = x + (window.x + np.arange(window.width) + 0.5) * dx
    ys = y + (window.y + np.arange(window.height) + 0.5) * dy
    places = np.column_stack([np.tile(xs, window.height), np.repeat(ys, window.width)])
    places = moved(places, grid.wkt, other.wkt)
    places[~np.isfinite(places).all(axis=1)] = -np.inf
    left, across, _, top, _, down = other.transform
    columns, rows = (places[:, 0] - left) / across, (places[:, 1] - top) / down
    # Grids that agree but for the last digit agree.
    return _snapped(columns), _snapped(rows)


def _snapped(numbers: np.ndarray) -> np.ndarray:
    """Return numbers, halves where they all but are."""
    halves = np.rint(numbers * 2) / 2
    return np.where(np.abs(numbers - halves) < _SAME, halves, numbers)


def _around(columns: np.ndarray, rows: np.ndarray, grid: Grid) -> Optional[Window]:
    """Return the part of a grid that holds all positions on it and a cell around, None where none is on it."""
    inside = (columns >= 0) & (columns < grid.width) & (rows >= 0) & (rows < grid.height)
    if not inside.any():
        return None
    left, top = int(columns[inside].min()) - 1, int(rows[inside].min()) - 1
    right, bottom = int(columns[inside].max()) + 2, int(rows[inside].max()) + 2
    return Window(left, top, right - left, bottom - top).intersection(grid.whole)


def _bilinear(near: np.ndarray, across: np.ndarray, down: np.ndarray, unit: bool) -> np.ndarray:
    """Return means of the four vectors around each position by nearness; those without a value don't count."""
    height, width = near.shape[1:]
    left, top = np.floor(across - 0.5).astype(np.int64), np.floor(down - 0.5).astype(np.int64)
    right_share, low_share = across - 0.5 - left, down - 0.5 - top
    total = np.zeros((len(near), len(across)))
    weights = np.zeros(len(across))
    for step_x, share_x in ((0, 1 - right_share), (1, right_share)):
        for step_y, share_y in ((0, 1 - low_share), (1, low_share)):
            column, row = left + step_x, top + step_y
            within = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            values = near[:, np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
            counts = within & np.isfinite(values[0])
            weight = np.where(counts, share_x * share_y, 0.0)
            total += np.where(counts, values, 0.0) * weight
            weights += weight
    lengths = np.sqrt((total * total).sum(axis=0)) if unit else weights
    with np.errstate(invalid="ignore", divide="ignore"):
        return (total / lengths).astype(np.float32)


def tile_grid_in(tile: PublishedField, like: Grid) -> Grid:
    """Return the part of a grid in another CRS that covers a tile."""
    _, width, _, _, _, height = like.transform
    return _covering([extent_in(tile.grid, like.wkt)], width, -height, (0.0, 0.0), like.wkt)


def moved_to(tiles: "Sequence[PublishedField]", path: str, wkt: str, resampling: str) -> TileMosaic:
    """Return tiles in another CRS; those of one CRS are put side by side first, so that no seam shows between them."""
    zones = [zone.tiles[0] if len(zone.tiles) == 1 else TileMosaic(path, zone.tiles, own_grid(zone.tiles))
             for zone in reversed(zones_of(tiles))]
    return TileMosaic(path, zones, grid_in(zones, wkt), resampling)
