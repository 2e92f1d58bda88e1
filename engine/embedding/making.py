"""Makes the automatic encoder: random convolutional features fitted to a sample of the user's own rasters."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional, Sequence

import numpy as np

from ..card import DENSE, Card, CardBand, ModelInput, ModelOutput
from ..card_json import NOTE, card_note, write_card
from ..encoders.random_features import RandomFeatures, RandomFeaturesRequest, fit, to_onnx, window_of
from ..errors import InputError
from ..grid import Window
from ..pipeline import attend
from ..progress import Part, Progress, check
from ..sample import SampledWindow
from ..whole import require_writable, whole
from .inputs import Rasters, bands_of, open_rasters, samplers, source_for, without_dead_bands

SAMPLE_WINDOWS = 64
SAMPLE_CELLS = 12


@dataclass(frozen=True)
class MakeEncoderRequest:
    """A call of “Make an encoder from a raster”; zeros and empty texts stand for the defaults."""

    rasters: "tuple[str, ...]"
    output: str
    bands: str = ""
    filters: int = 0
    patches: "tuple[int, ...]" = ()
    cell: int = 0
    dimensions: int = 0
    unit_norm: bool = False
    seed: int = 0
    extent: "Optional[tuple[float, float, float, float]]" = None
    mask: "Optional[tuple[bytes, ...]]" = None


@dataclass(frozen=True)
class MadeEncoder:
    """The encoder that was made, and what the fit found."""

    path: str
    card_path: str
    card: Card
    cell: int
    window: int
    dimensions: int
    explained: float
    warnings: "tuple[str, ...]"


def make_encoder(request: MakeEncoderRequest, progress: Progress) -> MadeEncoder:
    """Fit an encoder to one or several rasters with the same bands and write it with its card."""
    output = Path(request.output)
    if output.suffix.lower() != ".onnx":
        raise InputError("encoder-suffix", "{path} doesn't end in .onnx: give the encoder a name that does.",
                         path=output)
    require_writable(output)
    wanted = replace(
        features_request(request.filters, request.patches, request.cell, request.dimensions, request.seed),
        unit_norm=request.unit_norm)
    sampled: "list[SampledWindow]" = []
    opened = [open_rasters([path]) for path in request.rasters]
    share = -(-SAMPLE_WINDOWS // len(opened))
    ignored: "Optional[frozenset[int]]" = None
    indices: "list[tuple[int, ...]]" = []
    for number, rasters in enumerate(opened):
        progress.report(0.4 * number / len(opened), f"Reading a sample of {Path(rasters.name).name}")
        region = region_of(rasters, request.extent)
        source = source_for(rasters, None, request.bands, (), progress)
        source = without_dead_bands(source, rasters, region, request.mask, request.seed, progress)
        indices.append(source.bands[0])
        _require_same_bands(opened[0], rasters, indices)
        ignored = source.rules[0].ignored if ignored is None else ignored & source.rules[0].ignored
        sampler = samplers(rasters, source, region, request.mask)[0]
        for window in sampler.take(sample_side(wanted), share, request.seed + number):
            check(progress)
            sampled.append(window)
    features = fit_features(sampled, wanted, ignored or frozenset(), opened[0].name, Part(progress, 0.4, 0.95))
    card = save_features(features, wanted.cell, opened[0], indices[0], sampled, output)
    progress.report(1.0, "Done")
    return MadeEncoder(str(output), str(card.path), card, wanted.cell, features.window, features.dimensions,
                       features.explained, features.warnings)


def features_request(filters: int, patches: "tuple[int, ...]", cell: int, dimensions: int,
                     seed: int) -> RandomFeaturesRequest:
    """Return the request with the defaults where nothing was asked."""
    default = RandomFeaturesRequest()
    return replace(default, filters=filters or default.filters, patches=patches or default.patches,
                   cell=cell or default.cell, dimensions=dimensions or default.dimensions, seed=seed)


def sample_side(request: RandomFeaturesRequest) -> int:
    """Return the side of the windows to sample: room for some cells with their surroundings."""
    return window_of(request) + SAMPLE_CELLS * max(request.cell, 6)


def region_of(rasters: Rasters, extent: "Optional[Sequence[float]]") -> Window:
    """Return the pixels of an extent, or all."""
    return rasters.grid.whole if extent is None else rasters.grid.window_of(extent, rasters.name)


def fit_features(sampled: "Sequence[SampledWindow]", request: RandomFeaturesRequest, ignored: "frozenset[int]",
                 name: str, progress: Progress) -> RandomFeatures:
    """Fit to a sample; tells what the fit warned of."""
    if not sampled:
        raise InputError("no-valid-pixel", "{path} has no valid pixel in the area asked for: check its nodata value, "
                         "the mask and the extent.", path=name)
    progress.report(0.0, "Fitting an encoder")
    windows = [(_silenced(window.values, ignored), window.valid) for window in sampled]
    features = attend(lambda: fit(windows, request), progress)
    for warning in features.warnings:
        progress.warn(warning)
    progress.report(1.0)
    return features


def _silenced(values: np.ndarray, ignored: "frozenset[int]") -> np.ndarray:
    """Return float32 values with constant bands in place of those that hold nothing."""
    result = values.astype(np.float32)
    for position in ignored:
        result[position] = 0
    return result


def save_features(features: RandomFeatures, cell: int, rasters: Rasters, indices: "Sequence[int]",
                  sampled: "Sequence[SampledWindow]", output: Path) -> Card:
    """Write the graph and its card beside it, and return the card."""
    return save_fitted(features, cell, bands_of(rasters, indices, _ranges(sampled)), Path(rasters.name).stem, output)


def save_fitted(features: RandomFeatures, cell: int, bands: "tuple[CardBand, ...]", scene: str, output: Path) -> Card:
    """Write the graph of features for these bands, fitted to what `scene` names, and its card beside it."""
    digest = hashlib.sha256(to_onnx(features, cell)).hexdigest()
    card = _card(features, cell, bands, scene, output, f"automatic-{digest[:8]}")
    # The copy inside says nothing of file names, so that the same pixels and seed give the same file and space.
    inside = replace(card, name="Random features", fitted_on="", model_path=Path(f"{card.id}.onnx"))
    content = to_onnx(features, cell, {NOTE: card_note(inside)})
    with whole(output) as temporary:
        temporary.write_bytes(content)
    path = output.with_suffix(".json")
    card = replace(card, checksum=hashlib.sha256(content).hexdigest(), path=path)
    write_card(card, path)
    return card


def _ranges(sampled: "Sequence[SampledWindow]") -> "list[Optional[tuple[float, float]]]":
    """Return for each band what another scene of the same sensor may hold: generous, but not another unit."""
    pixels = np.concatenate([window.values[:, window.valid] for window in sampled], axis=1).astype(np.float64)
    found: "list[Optional[tuple[float, float]]]" = []
    for band in pixels:
        finite = band[np.isfinite(band)]
        low, high = np.percentile(finite, [0.5, 99.5]) if len(finite) else (0.0, 0.0)
        reach = 5 * max(high - low, 0.1 * abs(high))
        if high <= low:
            found.append(None)
        else:
            found.append((0.0 if low >= 0 else float(low - reach), 0.0 if high <= 0 else float(high + reach)))
    return found


def _card(features: RandomFeatures, cell: int, bands: "tuple[CardBand, ...]", scene: str, model: Path,
          name: str) -> Card:
    """Describe the graph."""
    count = len(bands)
    return Card(
        id=name, name=f"Random features of {_plain(scene)}", path=model.with_suffix(".json"),
        model_path=model, checksum="", bands=bands,
        inputs=(ModelInput("image", "image", (-1, count, -1, -1), ("batch", "bands", "height", "width")),
                ModelInput("mask", "mask", (-1, 1, -1, -1), ("batch", "bands", "height", "width"))),
        output=ModelOutput("embedding", (-1, features.dimensions, -1, -1), ("batch", "embedding", "height", "width")),
        kind=DENSE, dimensions=features.dimensions, stride=cell, halo=features.halo(cell), finite_context=True,
        suggested_tile=max(cell, 256 // cell * cell), unit_norm=features.request.unit_norm,
        architecture="Random convolutional features and band statistics", licence="CC0-1.0", fitted_on=_plain(scene))


def _require_same_bands(first: Rasters, other: Rasters, indices: "Sequence[tuple[int, ...]]") -> None:
    """Refuse rasters whose bands can't be those of the first."""
    if len(indices[-1]) != len(indices[0]):
        raise InputError("bands-differ", "{path} has {found} bands but {first} has {wanted}: give rasters of one "
                         "sensor, or choose the bands in BANDS.", path=other.name, found=len(indices[-1]),
                         first=first.name, wanted=len(indices[0]))


def _plain(text: str) -> str:
    """Keep the characters that a card's name may hold."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_.-") else "-" for letter in text)
