"""Fits the automatic encoder to a raster: random convolutional features and band statistics, reduced by PCA.

The filters are patches of the raster itself, whitened (Coates and Ng 2012; Rolf et al. 2021, "MOSAIKS"). Only the
positive part of a response is kept, without a bias: the filters sum to zero, so the negative part is the positive one
minus a linear function of window means, and the band statistics carry these. Nothing is downloaded and nothing is
learned from labels. What the choices are worth is measured in docs/accuracy.md.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Iterable, List, Mapping, Optional, Tuple

import numpy as np

from ..errors import InputError
from .numpy_session import NumpySession
from .random_features_graph import LIMIT, STATISTICS, FeatureBank, Projection, embedding_graph, feature_graph, halo

# Pixels (and numbers, where bands are many) that take part in the statistics of bands, and cells in those of features.
MAX_PIXELS = 400_000
MAX_NUMBERS = 8_000_000
MAX_CELLS = 20_000
MIN_CELLS = 4_000
# Values are cut off at these percentiles for means and deviations, so that glints and clouds can't rule them.
TAILS = (0.5, 99.5)
NO_VALID_PIXEL = "The raster has no valid pixel to learn from: check its nodata value and the extent."
# Windows are at least this much larger than what a cell sees, so that even a tiny raster gives several different cells.
MARGIN = 6
# Added to the variances of patches of unit length before whitening, as MOSAIKS does, so that noise isn't blown up.
WHITENING = 1.0e-3


@dataclass(frozen=True)
class RandomFeaturesRequest:
    """How the automatic encoder is made; the defaults are those that docs/accuracy.md argues for."""

    cell: int = 8
    window: int = 0
    patches: Tuple[int, ...] = (3,)
    filters: int = 128
    dimensions: int = 64
    statistics: Tuple[str, ...] = ("own", "mean")
    balance: float = 0.5
    unit_norm: bool = False
    seed: int = 0
    sampled_patches: int = 50_000
    max_channels: int = 16


@dataclass(frozen=True)
class RandomFeatures:
    """A fitted encoder: everything that its graph holds, and what the user should know about the fit."""

    request: RandomFeaturesRequest
    bank: FeatureBank
    projection: Projection
    cells: int
    explained: float
    warnings: Tuple[str, ...]

    @property
    def window(self) -> int:
        """Width in pixels of the square that a cell sees."""
        return self.bank.window

    @property
    def dimensions(self) -> int:
        """Length of the vectors."""
        return int(self.projection.matrix.shape[0])

    def halo(self, cell: int) -> int:
        """Pixels that the graph for this cell needs around the cells on every side."""
        check_cell(self, cell)
        return halo(self.window, cell)


@dataclass(frozen=True)
class Window:
    """A piece of the raster to learn from: values (bands, rows, cols) and which pixels are valid."""

    values: np.ndarray
    mask: np.ndarray


def window_of(request: RandomFeaturesRequest) -> int:
    """Give the width of the square that a cell sees: as asked for, or twice the cell, with room for the filters."""
    room = max(request.patches, default=1) + 2
    window = request.window or max(2 * request.cell, room)
    return window + (window - request.cell) % 2


def fit(sample: Iterable[Tuple[np.ndarray, np.ndarray]], request: RandomFeaturesRequest) -> RandomFeatures:
    """Fit the encoder to windows of a raster: (values (bands, rows, cols), mask (rows, cols) True where valid)."""
    _check_request(request)
    window = window_of(request)
    windows = _windows(sample, window)
    rng = np.random.default_rng(request.seed)
    warnings: List[str] = []
    scaling = _scaling(_pixels(windows, rng), windows[0].values.shape[0], request, window, warnings)
    windows = _finite(windows, scaling.live)
    bank = replace(scaling, kernels=_kernels(windows, scaling, request, rng, warnings))
    table = _features(windows, bank)
    projection, explained = _projection(table, bank.filters, request, warnings)
    return RandomFeatures(request, bank, projection, int(table.shape[0]), explained, tuple(warnings))


def to_onnx(features: RandomFeatures, cell: int, notes: Optional[Mapping[str, str]] = None) -> bytes:
    """Write the encoder as an ONNX model with cells of this size, and with further notes in its metadata."""
    check_cell(features, cell)
    graph = embedding_graph(features.bank, features.projection, cell)
    graph.notes.update(
        {
            "earthprint.encoder": "random-features",
            "earthprint.cell": str(cell),
            "earthprint.window": str(features.window),
            "earthprint.halo": str(features.halo(cell)),
            "earthprint.dimensions": str(features.dimensions),
            "earthprint.request": json.dumps(asdict(features.request), sort_keys=True),
        }
    )
    graph.notes.update(notes or {})
    return graph.to_bytes()


def check_cell(features: RandomFeatures, cell: int) -> None:
    """Refuse a cell that can't lie centred in the window."""
    window = features.window
    if cell < 1 or cell > window or (window - cell) % 2:
        kind = "even" if window % 2 == 0 else "odd"
        raise InputError(
            "cell-off-centre",
            "The cell of {cell} pixels doesn't suit this encoder, whose window is {window} pixels wide: "
            "take an {kind} number up to {window}, or make an encoder for this cell.",
            cell=cell,
            window=window,
            kind=kind,
        )


def _check_request(request: RandomFeaturesRequest) -> None:
    """Refuse parameters that make no encoder."""
    if request.cell < 1:
        raise InputError("cell", "The cell must be at least 1 pixel; {cell} was given.", cell=request.cell)
    if request.window and request.window < max(request.cell, max(request.patches, default=1)):
        raise InputError(
            "window",
            "The window of {window} pixels is smaller than the cell or the largest patch: make it at least {least}.",
            window=request.window,
            least=max(request.cell, max(request.patches, default=1)),
        )
    if any(size < 2 for size in request.patches):
        raise InputError(
            "patch",
            "Patches must be at least 2 pixels wide; {sizes} was given.",
            sizes=", ".join(str(size) for size in request.patches),
        )
    if request.patches and request.filters < len(request.patches):
        raise InputError(
            "filters",
            "At least one filter for each patch size is needed; {filters} was given.",
            filters=request.filters,
        )
    if request.dimensions < 0:
        raise InputError("dimensions", "The number of dimensions can't be negative; 0 keeps all features.")
    if not 0.0 < request.balance < 1.0:
        raise InputError(
            "balance",
            "The share of the statistics must lie between 0 and 1; {balance} was given.",
            balance=request.balance,
        )
    unknown = [name for name in request.statistics if name not in STATISTICS]
    if unknown:
        raise InputError(
            "statistic",
            "{name} is not a known statistic: choose from {known}.",
            name=unknown[0],
            known=", ".join(STATISTICS),
        )
    if not request.patches and not request.statistics:
        raise InputError("no-features", "Choose at least one patch size or one statistic.")


def _windows(sample: Iterable[Tuple[np.ndarray, np.ndarray]], window: int) -> List[Window]:
    """Take the sample in, mirrored where a piece is smaller than what a cell sees."""
    windows: List[Window] = []
    for values, mask in sample:
        values = np.asarray(values, np.float32)
        mask = np.asarray(mask, bool)
        if values.ndim != 3 or mask.shape != values.shape[1:]:
            raise ValueError(f"a sample of shape {values.shape} can't have a mask of shape {mask.shape}")
        if not mask.any():
            continue
        pad = [(0, max(0, window + MARGIN - size)) for size in mask.shape]
        windows.append(Window(np.pad(values, [(0, 0)] + pad, mode="symmetric"), np.pad(mask, pad, mode="symmetric")))
    if not windows:
        raise InputError("no-valid-pixel", NO_VALID_PIXEL)
    return windows


def _pixels(windows: List[Window], rng: np.random.Generator) -> np.ndarray:
    """Draw valid pixels (pixels, bands) from all windows alike."""
    wanted = min(MAX_PIXELS, MAX_NUMBERS // windows[0].values.shape[0])
    each = max(1, wanted // len(windows))
    drawn: List[np.ndarray] = []
    for window in windows:
        rows, cols = np.nonzero(window.mask)
        chosen = np.sort(rng.choice(rows.size, min(each, rows.size), replace=False))
        drawn.append(window.values[:, rows[chosen], cols[chosen]].T)
    return np.concatenate(drawn).astype(np.float64)


def _scaling(
    pixels: np.ndarray, bands: int, request: RandomFeaturesRequest, window: int, warnings: List[str]
) -> FeatureBank:
    """Find the bands that say something, their mean and deviation without tails, and the mixing of many into few."""
    live: List[int] = []
    offset: List[float] = []
    scale: List[float] = []
    for band in range(bands):
        values = pixels[:, band]
        values = values[np.isfinite(values)]
        mean, deviation = _mean_and_deviation(values) if values.size else (0.0, 0.0)
        if deviation <= 1e-6 * max(abs(mean), 1e-30):
            reason = "the same value everywhere" if values.size else "no valid value"
            warnings.append(f"Band {band + 1} has {reason} in the sample and is left out of the encoder.")
            continue
        live.append(band)
        offset.append(mean)
        scale.append(deviation)
    if not live:
        raise InputError(
            "constant-raster",
            "Every band of the raster has one value everywhere, so there is nothing to tell places apart by: check the "
            "bands and the extent.",
        )
    # As the graph will hold it, so that fitting and running subtract the same number.
    middle = np.array(offset, np.float32).astype(np.float64)
    mixing = np.eye(len(live))
    if len(live) > request.max_channels:
        whole = pixels[np.isfinite(pixels[:, live]).all(axis=1)][:, live]
        _, mixing, _ = principal_components(
            np.clip((whole - middle) / np.array(scale), -LIMIT, LIMIT), request.max_channels
        )
    return FeatureBank(
        bands, window, request.cell, np.array(live), middle, np.array(scale), mixing, (), tuple(request.statistics)
    )


def _finite(windows: List[Window], live: np.ndarray) -> List[Window]:
    """Count a pixel as invalid where a band in use has no number, whatever the mask says."""
    checked = [Window(w.values, w.mask & np.isfinite(w.values[live]).all(axis=0)) for w in windows]
    kept = [window for window in checked if window.mask.any()]
    if not kept:
        raise InputError("no-valid-pixel", NO_VALID_PIXEL)
    return kept


def _kernels(
    windows: List[Window],
    bank: FeatureBank,
    request: RandomFeaturesRequest,
    rng: np.random.Generator,
    warnings: List[str],
) -> Tuple[np.ndarray, ...]:
    """Draw the filters of each size."""
    kernels: List[np.ndarray] = []
    counts = np.diff(np.linspace(0, request.filters, len(request.patches) + 1).astype(int))
    for size, count in zip(request.patches, counts):
        patches = _patches(windows, bank, size, request.sampled_patches, rng)
        if patches.size:
            kernels.append(whitened_filters(patches, int(count), rng))
        elif request.statistics:
            warnings.append(
                f"The sample has no {size} by {size} pixels without nodata, so filters of that size are left out."
            )
        else:
            raise InputError(
                "no-whole-patch",
                "The raster has no {size} by {size} pixels without nodata to learn filters from: use a smaller patch, "
                "or band statistics too.",
                size=size,
            )
    return tuple(kernels)


def _mean_and_deviation(values: np.ndarray) -> Tuple[float, float]:
    """Compute mean and standard deviation of values cut off at the tails; of all values where only tails vary."""
    low, high = np.percentile(values, TAILS)
    cut = np.clip(values, low, high)
    if high > low:
        return float(cut.mean()), float(cut.std())
    return float(values.mean()), float(values.std())


def _channels(window: Window, bank: FeatureBank) -> np.ndarray:
    """Scale a window's bands as the graph does: (channels, rows, cols), zero where invalid."""
    offset, scale = bank.offset[:, None, None], bank.scale[:, None, None]
    values = np.where(window.mask, window.values[bank.live], offset)
    scaled = np.clip((values - offset) / scale, -LIMIT, LIMIT)
    if bank.mixing.shape[0] == bank.mixing.shape[1]:
        return scaled
    return np.tensordot(bank.mixing, scaled, axes=1)


def _patches(windows: List[Window], bank: FeatureBank, size: int, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """Draw square patches without nodata, the same number from every window: (patches, channels, size, size)."""
    length = bank.mixed * size * size
    # Enough to whiten with, few enough for memory where there are many channels.
    wanted = int(min(wanted, max(20 * length, 5_000), 60_000_000 // length))
    each = -(-wanted // len(windows))
    drawn: List[np.ndarray] = []
    for window in windows:
        whole = np.lib.stride_tricks.sliding_window_view(window.mask, (size, size)).all(axis=(2, 3))
        rows, cols = np.nonzero(whole)
        if rows.size == 0:
            continue
        chosen = rng.choice(rows.size, min(each, rows.size), replace=False)
        views = np.lib.stride_tricks.sliding_window_view(_channels(window, bank), (size, size), axis=(1, 2))
        drawn.append(views[:, rows[chosen], cols[chosen]].transpose(1, 0, 2, 3))
    return np.concatenate(drawn) if drawn else np.empty((0, bank.mixed, size, size))


def whitened_filters(patches: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Turn some patches into filters: centred, of equal contrast, whitened twice (for the filter and for the image)."""
    flat = patches.reshape(patches.shape[0], -1).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(flat, axis=1)
    flat = flat[lengths > 1e-6]
    if flat.shape[0] == 0:
        flat = rng.standard_normal((max(count, 2), patches[0].size))
        flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(flat.T @ flat / flat.shape[0])
    twice = (vectors / (np.maximum(values, 0) + WHITENING)) @ vectors.T
    chosen = flat[rng.choice(flat.shape[0], count, replace=flat.shape[0] < count)]
    filters = chosen @ twice
    filters -= filters.mean(axis=1, keepdims=True)
    filters /= np.linalg.norm(filters, axis=1, keepdims=True)
    return filters.reshape((count,) + patches.shape[1:])


def _features(windows: List[Window], bank: FeatureBank) -> np.ndarray:
    """Compute the features of cells all over the sample, closer together where it is small: (cells, features)."""
    places = sum((w.mask.shape[0] - bank.window + 1) * (w.mask.shape[1] - bank.window + 1) for w in windows)
    least = 1 if bank.window % 2 else 2
    stride = max(1, min(bank.inner, int(np.sqrt(places / MIN_CELLS))))
    # The graph wants cells centred in the window; only their distance is changed here.
    stride = max(stride - (bank.window - stride) % 2, least)
    table, share = _features_at(windows, bank, stride)
    if table.shape[0] < 2 and stride > least:
        table, share = _features_at(windows, bank, least)
    if table.shape[0] < 2:
        raise InputError(
            "too-few-pixels",
            "The raster has too few valid pixels to learn from: check its nodata value and the extent.",
        )
    if (share >= 0.5).sum() >= MIN_CELLS // 10:
        table = table[share >= 0.5]
    return table[:: -(-table.shape[0] // MAX_CELLS)]


def _features_at(windows: List[Window], bank: FeatureBank, stride: int) -> Tuple[np.ndarray, np.ndarray]:
    """Compute the features of every cell that sees a valid pixel, and the share of valid pixels it sees."""
    session = NumpySession(feature_graph(bank, stride).to_bytes())
    tables: List[np.ndarray] = []
    shares: List[np.ndarray] = []
    for window in windows:
        mask = window.mask.astype(np.float32)
        features = session.run(None, {"image": window.values[None], "mask": mask[None, None]})[0][0]
        views = np.lib.stride_tricks.sliding_window_view(mask, (bank.window, bank.window))[::stride, ::stride]
        share = views.mean(axis=(2, 3))
        tables.append(features[:, share > 0].T)
        shares.append(share[share > 0])
    return np.concatenate(tables).astype(np.float64), np.concatenate(shares)


def _projection(
    table: np.ndarray, filters: int, request: RandomFeaturesRequest, warnings: List[str]
) -> Tuple[Projection, float]:
    """Standardise the features, weigh filters against statistics, and reduce: one matrix and one offset."""
    low, high = np.percentile(table, TAILS, axis=0)
    cut = np.clip(table, low, high)
    centre, spread = cut.mean(axis=0), cut.std(axis=0)
    useful = spread > 1e-6 * np.maximum(np.abs(centre), 1e-3)
    factor = _weights(useful, filters, request.balance) / np.where(useful, spread, 1.0)
    if request.dimensions == 0:
        components, explained = np.eye(table.shape[1]), 1.0
    else:
        wanted = min(request.dimensions, int(useful.sum()), table.shape[0] - 1)
        if wanted < request.dimensions:
            warnings.append(
                f"The raster gives {wanted} instead of {request.dimensions} dimensions: it has few bands or few pixels."
            )
        _, components, explained = principal_components((cut - centre) * factor, wanted)
    matrix = components * factor[None, :]
    return Projection(matrix, -matrix @ centre, centre, request.unit_norm), explained


def _weights(useful: np.ndarray, filters: int, balance: float) -> np.ndarray:
    """Give each feature its weight: the statistics together get the share `balance` of a total variance of one.

    Without this a hundred filters outvote a few band means, and neighbours by distance are neighbours by texture alone.
    """
    is_filter = np.arange(useful.size) < filters
    weights = np.zeros(useful.size)
    counts = [int((useful & is_filter).sum()), int((useful & ~is_filter).sum())]
    shares = [1.0 - balance, balance] if min(counts) else [1.0, 1.0]
    for chosen, count, share in zip((useful & is_filter, useful & ~is_filter), counts, shares):
        weights[chosen] = np.sqrt(share / max(count, 1))
    return weights


def principal_components(table: np.ndarray, count: int) -> Tuple[np.ndarray, np.ndarray, float]:
    """Give mean, first components (count, columns), largest loading positive, and the share of variance kept."""
    mean = table.mean(axis=0)
    centred = table - mean
    values, vectors = np.linalg.eigh(centred.T @ centred / max(table.shape[0] - 1, 1))
    order = np.argsort(values)[::-1][:count]
    components = vectors[:, order].T
    largest = np.abs(components).argmax(axis=1)
    signs = np.sign(components[np.arange(components.shape[0]), largest])
    total = float(np.maximum(values, 0).sum())
    explained = float(np.maximum(values[order], 0).sum()) / total if total > 0 else 1.0
    return mean, components * np.where(signs == 0, 1.0, signs)[:, None], explained
