"""Makes the automatic encoder of photos: random features fitted to a sample of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import List

import numpy as np

from ..card import Card, CardBand
from ..embedding.making import MadeEncoder, MakeEncoderRequest, features_request, fit_features, save_fitted
from ..encoders.random_features import RandomFeatures, RandomFeaturesRequest
from ..errors import InputError
from ..grid import Window
from ..progress import Part, Progress, check
from ..sample import SampledWindow
from ..whole import require_writable
from .finding import PhotoSource
from .reading import ReadPhoto, read_all
from .tiles import SIDE

SAMPLE_PHOTOS = 64
SCENE = "photos"
BANDS = tuple(CardBand(name.capitalize(), name, valid_min=0.0, valid_max=255.0) for name in ("red", "green", "blue"))


def make_photo_encoder(photos: PhotoSource, request: MakeEncoderRequest, progress: Progress) -> MadeEncoder:
    """Fit an encoder to the photos of a folder or a layer and write it with its card."""
    output = Path(request.output)
    if output.suffix.lower() != ".onnx":
        raise InputError("encoder-suffix", "{path} doesn't end in .onnx: give the encoder a name that does.",
                         path=output)
    require_writable(output)
    wanted = replace(
        features_request(request.filters, request.patches, request.cell, request.dimensions, request.seed),
        unit_norm=request.unit_norm)
    features = fit_to_photos(photos, wanted, SIDE, progress)
    card = save_fitted(features, wanted.cell, BANDS, SCENE, output)
    return MadeEncoder(str(output), str(card.path), card, wanted.cell, features.window, features.dimensions,
                       features.explained, features.warnings)


def automatic_encoder(photos: PhotoSource, seed: int, side: int, folder: Path, progress: Progress) -> Card:
    """Fit the automatic encoder to photos as they will be embedded, and keep it in a folder."""
    wanted = features_request(0, (), 0, 0, seed)
    features = fit_to_photos(photos, wanted, side, progress)
    return save_fitted(features, wanted.cell, BANDS, SCENE, folder / "photos.onnx")


def fit_to_photos(photos: PhotoSource, request: RandomFeaturesRequest, side: int, progress: Progress) -> RandomFeatures:
    """Fit features to the middle squares of photos spread over the whole."""
    progress.report(0.0, "Reading a sample of the photos")
    sampled = _sample(photos, side, Part(progress, 0.0, 0.7))
    return fit_features(sampled, request, frozenset(), photos.name, Part(progress, 0.7, 1.0))


def _sample(photos: PhotoSource, side: int, progress: Progress) -> "List[SampledWindow]":
    """Return the squares of some photos; where a thin sample finds none that can be read, all are tried."""
    count = photos.count()
    if not count:
        raise InputError("photo-none", "There is no photo in {name}: choose another folder or layer.", name=photos.name)
    first: "List[ReadPhoto]" = []
    for step in dict.fromkeys((max(1, count // SAMPLE_PHOTOS), 1)):
        found: "List[SampledWindow]" = []
        chosen = (photo for number, photo in enumerate(photos.photos()) if number % step == 0)
        for done, read in enumerate(read_all(chosen, side)):
            check(progress)
            progress.report(min(1.0, done * step / max(count, 1)))
            if read.photo is None:
                first.append(read)
                continue
            found.append(SampledWindow(Window(0, 0, side, side), read.photo.square,
                                       np.ones((side, side), dtype=bool)))
            if len(found) == SAMPLE_PHOTOS:
                break
        if found:
            return found
    raise InputError("photo-unreadable", "None of the {count} photos of {name} can be read (the first, {first}: "
                     "{reason}): choose others.", count=count, name=photos.name, first=first[0].found.name,
                     reason=first[0].reason)
