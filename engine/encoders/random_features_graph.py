"""Writes the automatic encoder as an ONNX graph: raw pixel values and their mask go in, one vector a cell comes out.

Geometry. A cell is `cell` pixels wide and sees exactly the square of `window` pixels that is centred on it, whatever
the sizes of the filters, because a filter of k pixels is averaged over the window - k + 1 positions at which it lies
inside that square. `window - cell` is even and not negative, so the halo (window - cell) / 2 is the same on all sides:
an input of n * cell + 2 * halo pixels gives n cells; cell i covers pixels halo + i * cell to halo + (i + 1) * cell - 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

import numpy as np

from ..onnxgraph import OnnxGraph

# Bands are cut off at this many standard deviations, so that one glaring pixel can't rule a whole window.
LIMIT = 10.0
# Far beyond any response (at most a unit filter's absolute sum times LIMIT): no filter fires that touches nodata.
VETO = 1.0e4
# Below this a standard deviation is rounding noise; without the floor the root would blow that up between tilings.
STD_FLOOR = 0.05
# Less than one pixel of any window we allow.
TINY = 1.0e-7
# Filters computed together: few enough for their responses to stay in the cache (see benchmarks/rcf_speed.py).
GROUP = 16

STATISTICS = ("mean", "own", "std", "min", "max")


@dataclass(frozen=True)
class FeatureBank:
    """Everything that turns pixels into features: which bands, their scaling, the filters and the statistics."""

    bands: int
    window: int
    inner: int
    live: np.ndarray
    offset: np.ndarray
    scale: np.ndarray
    mixing: np.ndarray
    kernels: Tuple[np.ndarray, ...]
    statistics: Tuple[str, ...]

    @property
    def mixed(self) -> int:
        """Number of channels after unused bands are left out and many bands are reduced."""
        return int(self.mixing.shape[0])

    @property
    def filters(self) -> int:
        """Number of filters of all sizes."""
        return sum(int(kernel.shape[0]) for kernel in self.kernels)

    @property
    def features(self) -> int:
        """Number of features of a cell."""
        return self.filters + len(self.statistics) * self.mixed


@dataclass(frozen=True)
class Projection:
    """From features to vectors: matrix (dimensions, features), offset, and what replaces missing features."""

    matrix: np.ndarray
    offset: np.ndarray
    neutral: np.ndarray
    unit_norm: bool


def halo(window: int, cell: int) -> int:
    """Pixels needed around the cells on every side."""
    if cell < 1 or cell > window or (window - cell) % 2:
        raise ValueError(f"cells of {cell} pixels can't be centred in a window of {window}")
    return (window - cell) // 2


def feature_graph(bank: FeatureBank, cell: int) -> OnnxGraph:
    """Write the graph that ends with the plain features; used to learn the projection from a sample."""
    graph = OnnxGraph("random features")
    features, _ = _features(graph, bank, cell, np.zeros(bank.features))
    graph.node("Identity", [features], "features")
    graph.output("features", ["batch", bank.features, "rows", "cols"])
    return graph


def embedding_graph(bank: FeatureBank, projection: Projection, cell: int) -> OnnxGraph:
    """Write the graph of the encoder itself."""
    graph = OnnxGraph("random features")
    features, share = _features(graph, bank, cell, projection.neutral)
    dimensions = int(projection.matrix.shape[0])
    matrix = graph.weight("projection", projection.matrix.astype(np.float32)[:, :, None, None])
    offset = graph.weight("projection_offset", projection.offset.astype(np.float32))
    vector = graph.node("Conv", [features, matrix, offset], "projected")
    if projection.unit_norm:
        length = graph.node("ReduceL2", [vector], "length", axes=[1], keepdims=1)
        floor = graph.weight("smallest_length", np.float32(1e-12))
        vector = graph.node("Div", [vector, graph.node("Max", [length, floor], "safe_length")], "unit")
    seen = graph.node("Greater", [share, graph.weight("tiny", np.float32(TINY))], "seen")
    graph.node("Where", [seen, vector, graph.weight("nodata", np.float32(np.nan))], "embedding")
    graph.output("embedding", ["batch", dimensions, "rows", "cols"])
    return graph


def _features(graph: OnnxGraph, bank: FeatureBank, cell: int, neutral: np.ndarray) -> Tuple[str, str]:
    """Write everything up to the features; give their name and that of the share of valid pixels in the window."""
    margin = halo(bank.window, cell)
    image = graph.input("image", ["batch", bank.bands, "height", "width"])
    mask = graph.input("mask", ["batch", 1, "height", "width"])
    valid = graph.node("Greater", [mask, graph.weight("half", np.float32(0.5))], "valid")
    present = graph.node("Cast", [valid], "present", to=1)
    absent = graph.node("Sub", [graph.weight("one", np.float32(1)), present], "absent")
    bands = _scaled(graph, bank, image, valid)
    share = _mean(graph, present, "share", bank.window, cell)
    parts = _responses(graph, bank, cell, (bands, absent), neutral)
    if bank.statistics:
        parts += _statistics(graph, bank, cell, (bands, present, absent, share), margin)
    return (parts[0] if len(parts) == 1 else graph.node("Concat", parts, "all_features", axis=1)), share


def _scaled(graph: OnnxGraph, bank: FeatureBank, image: str, valid: str) -> str:
    """Write the way from raw values to standardised channels, exactly zero where there is no data."""
    if bank.live.size < bank.bands:
        image = graph.node("Gather", [image, graph.weight("live", bank.live.astype(np.int64))], "used", axis=1)
    offset = graph.weight("offset", bank.offset.astype(np.float32)[None, :, None, None])
    factor = graph.weight("factor", (1.0 / bank.scale).astype(np.float32)[None, :, None, None])
    # Chosen before any arithmetic: nodata may be NaN or infinite, which no product would remove.
    filled = graph.node("Where", [valid, image, offset], "filled")
    scaled = graph.node("Mul", [graph.node("Sub", [filled, offset], "centred"), factor], "scaled")
    limits = [graph.weight("lowest", np.float32(-LIMIT)), graph.weight("highest", np.float32(LIMIT))]
    clipped = graph.node("Clip", [scaled] + limits, "clipped")
    if bank.mixing.shape[0] == bank.mixing.shape[1]:
        return clipped
    mixing = graph.weight("mixing", bank.mixing.astype(np.float32)[:, :, None, None])
    return graph.node("Conv", [clipped, mixing], "mixed")


def _responses(
    graph: OnnxGraph, bank: FeatureBank, cell: int, sources: Tuple[str, str], neutral: np.ndarray
) -> List[str]:
    """Write the filters, their positive parts and the averages of these over the valid positions of the window."""
    bands, absent = sources
    # Absence is one more channel, whose weight silences the filter: cheaper than a product with the mask for each.
    seen = graph.node("Concat", [bands, absent], "bands_and_absence", axis=1)
    parts: List[str] = []
    start = 0
    for kernel in bank.kernels:
        count, _, size, _ = kernel.shape
        positions = bank.window - size + 1
        touched = graph.node("MaxPool", [absent], f"touched_{size}", kernel_shape=[size, size])
        clean = graph.node("Sub", ["one", touched], f"clean_{size}")
        share = _mean(graph, clean, f"clean_share_{size}", positions, cell)
        veto = np.full((count, 1, size, size), -VETO)
        weights = np.concatenate([kernel, veto], axis=1).astype(np.float32)
        pooled: List[str] = []
        for first in range(0, count, GROUP):
            name = f"{size}_{first}"
            filters = graph.weight(f"filters_{name}", weights[first: first + GROUP])
            response = graph.node("Conv", [seen, filters], f"response_{name}")
            positive = graph.node("Relu", [response], f"positive_{name}")
            pooled.append(_mean(graph, positive, f"pooled_{name}", positions, cell))
        total = pooled[0] if len(pooled) == 1 else graph.node("Concat", pooled, f"pooled_{size}", axis=1)
        stand_in = graph.weight(
            f"neutral_{size}", neutral[start: start + count].astype(np.float32)[None, :, None, None]
        )
        parts.append(_average(graph, total, share, stand_in, f"random_{size}"))
        start += count
    return parts


def _statistics(
    graph: OnnxGraph, bank: FeatureBank, cell: int, sources: Tuple[str, str, str, str], margin: int
) -> List[str]:
    """Write the chosen statistics of the channels over the window, and over the cell alone (`own`)."""
    bands, present, absent, share = sources
    zero = graph.weight("zero", np.float32(0))
    mean = _average(graph, _mean(graph, bands, "sum", bank.window, cell), share, zero, "mean")
    written: Dict[str, str] = {"mean": mean}
    if "own" in bank.statistics:
        inner_margin = (bank.window - bank.inner) // 2
        own_share = _mean(graph, _cropped(graph, present, inner_margin), "own_share", bank.inner, cell)
        own_sum = _mean(graph, _cropped(graph, bands, inner_margin), "own_sum", bank.inner, cell)
        written["own"] = _average(graph, own_sum, own_share, mean, "own")
    if "std" in bank.statistics:
        square = graph.node("Mul", [bands, bands], "square")
        second = _average(graph, _mean(graph, square, "square_sum", bank.window, cell), share, zero, "second")
        spread = graph.node("Sub", [second, graph.node("Mul", [mean, mean], "mean_square")], "raw_variance")
        safe = graph.node("Max", [spread, zero], "variance")
        floor = graph.weight("variance_floor", np.float32(STD_FLOOR**2))
        written["std"] = graph.node("Sqrt", [graph.node("Add", [safe, floor], "floored")], "std")
    if "min" in bank.statistics or "max" in bank.statistics:
        veto = graph.node("Mul", [absent, graph.weight("veto", np.float32(VETO))], "vetoed")
        high = graph.node("Sub", [bands, veto], "high")
        low = graph.node("Sub", [graph.node("Neg", [bands], "negated"), veto], "low")
        window = {"kernel_shape": [bank.window, bank.window], "strides": [cell, cell]}
        written["max"] = graph.node("MaxPool", [high], "max", **window)
        written["min"] = graph.node("Neg", [graph.node("MaxPool", [low], "lowest_negated", **window)], "min")
    return [written[name] for name in bank.statistics]


def _cropped(graph: OnnxGraph, source: str, margin: int) -> str:
    """Write the removal of the same margin from all four sides."""
    if margin == 0:
        return source
    starts = graph.weight("crop_starts", np.array([margin, margin], np.int64))
    ends = graph.weight("crop_ends", np.array([-margin, -margin], np.int64))
    axes = graph.weight("crop_axes", np.array([2, 3], np.int64))
    return graph.node("Slice", [source, starts, ends, axes], f"{source}_cropped")


def _mean(graph: OnnxGraph, source: str, name: str, size: int, stride: int) -> str:
    """Write the mean over squares of `size` pixels, one every `stride` pixels."""
    return graph.node("AveragePool", [source], name, kernel_shape=[size, size], strides=[stride, stride])


def _average(graph: OnnxGraph, total: str, share: str, stand_in: Optional[str], name: str) -> str:
    """Write the division of a mean over all pixels by the share that counts, and the stand-in where none does."""
    tiny = graph.weight("tiny", np.float32(TINY))
    safe = graph.node("Max", [share, tiny], f"{name}_safe")
    average = graph.node("Div", [total, safe], f"{name}_average")
    known = graph.node("Greater", [share, tiny], f"{name}_known")
    return graph.node("Where", [known, average, stand_in], name)
