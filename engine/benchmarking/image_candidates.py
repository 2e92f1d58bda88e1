"""Encoders of images as candidates, and what a raster tells without one: bands, and their mean and spread around."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, Mapping

import numpy as np

from ..embedding.inputs import open_rasters, samplers, source_for, without_dead_bands
from ..embedding.making import (
    SAMPLE_WINDOWS,
    MakeEncoderRequest,
    fit_features,
    make_encoder,
    sample_side,
    save_features,
)
from ..embedding.plan import EmbedRequest
from ..embedding.raster import embed_raster
from ..encoders.library import EncoderFolders, find_encoder
from ..encoders.random_features import RandomFeaturesRequest
from ..errors import Cancelled
from ..partial import digest_of, file_facts, is_worth_keeping
from ..progress import Part, Progress
from .around_labels import around_labels
from .candidates import BASELINE, IMAGE_ENCODER, Vectors, shapes_digest
from .questions import Question
from .request import AUTOMATIC
from .stored_candidates import FieldCandidate, Quiet

STATISTICS = ("mean", "std")


@dataclass(frozen=True)
class Imaging:
    """How rasters are embedded: cells, seed, device, memory, where encoders lie and where work may be left."""

    folder: Path
    folders: EncoderFolders
    cell: int
    seed: int
    device: str
    memory_mib: int

    @property
    def own_cell(self) -> int:
        """Return the cell of what is fitted here."""
        return self.cell or RandomFeaturesRequest().cell


@dataclass(frozen=True)
class RawBands:
    """The bands of a raster as they are."""

    name: str
    path: str
    kind: str = BASELINE

    def facts(self, question: Question) -> "Mapping[str, Any]":
        """Return the file and where it is looked up."""
        return dict(FieldCandidate(self.name, self.path).facts(question))

    def vectors(self, question: Question, progress: Progress) -> Vectors:
        """Look them up, without a word on their being no embedding."""
        found = FieldCandidate(self.name, self.path).vectors(question, _Mute(progress))
        return replace(found, file_bytes=0)


@dataclass(frozen=True)
class BandStatistics:
    """Mean and deviation of each band in the window around a cell that the automatic encoder sees, without it."""

    name: str
    path: str
    imaging: Imaging
    kind: str = BASELINE

    def facts(self, question: Question) -> "Mapping[str, Any]":
        """Return the file, the window and the labels."""
        return {"file": file_facts(self.path), "cell": self.imaging.own_cell, "statistics": STATISTICS,
                "labels": shapes_digest(question), "sampling": question.gather.sampling, "seed": self.imaging.seed}

    def vectors(self, question: Question, progress: Progress) -> Vectors:
        """Compute them with the engine that embeds, which knows nodata, ragged edges and large rasters."""
        if not _meets(self.path, question, progress):
            return _nothing(question)
        with _Workplace(self.imaging.folder, self.facts(question)) as folder:
            card = self._encoder(folder, Part(progress, 0.0, 0.2))
            found = _embedded(self.path, card, folder, question, self.imaging, self.imaging.own_cell,
                              Part(progress, 0.2, 1.0))
        return replace(found, file_bytes=0)

    def _encoder(self, folder: Path, progress: Progress) -> str:
        """Fit the scaling of the statistics and return the card."""
        wanted = replace(RandomFeaturesRequest(), cell=self.imaging.own_cell, patches=(), dimensions=0,
                         statistics=STATISTICS, seed=self.imaging.seed)
        rasters = open_rasters([self.path])
        source = source_for(rasters, None, "", (), progress)
        source = without_dead_bands(source, rasters, rasters.grid.whole, None, self.imaging.seed, progress)
        sampled = list(samplers(rasters, source, rasters.grid.whole, None)[0].take(
            sample_side(wanted), SAMPLE_WINDOWS, self.imaging.seed))
        features = fit_features(sampled, wanted, source.rules[0].ignored, rasters.name, _Mute(progress))
        return str(save_features(features, wanted.cell, rasters, source.bands[0], sampled,
                                 folder / "statistics.onnx").path)


@dataclass(frozen=True)
class ImageEncoder:
    """An encoder of images over one raster."""

    name: str
    encoder: str
    path: str
    imaging: Imaging
    kind: str = IMAGE_ENCODER

    def facts(self, question: Question) -> "Mapping[str, Any]":
        """Return encoder, raster and labels."""
        return {"file": file_facts(self.path), "encoder": self._identity(), "cell": self.imaging.cell,
                "labels": shapes_digest(question), "sampling": question.gather.sampling}

    def vectors(self, question: Question, progress: Progress) -> Vectors:
        """Embed the raster around the labels, and look them up."""
        if not _meets(self.path, question, progress):
            return _nothing(question)
        progress.report(0.0, f"Embedding {Path(self.path).name} with {self.name}")
        with _Workplace(self.imaging.folder, self.facts(question)) as folder:
            if self.encoder == AUTOMATIC:
                return self._automatic(folder, question, progress)
            card = find_encoder(self.encoder, self.imaging.folders)
            found = _embedded(self.path, self.encoder, folder, question, self.imaging, self.imaging.cell or card.stride,
                              progress)
            return replace(found, file_bytes=os.stat(card.model_path).st_size)

    def _automatic(self, folder: Path, question: Question, progress: Progress) -> Vectors:
        """Fit to the whole raster first, so that the encoder is the one that anybody would get of it."""
        started = time.perf_counter()
        made = make_encoder(MakeEncoderRequest((self.path,), str(folder / "automatic.onnx"), cell=self.imaging.cell,
                                               seed=self.imaging.seed), Part(Quiet(progress), 0.0, 0.3))
        seconds = time.perf_counter() - started
        size = os.stat(made.path).st_size
        found = _embedded(self.path, made.card_path, folder, question, self.imaging, made.cell,
                          Part(progress, 0.3, 1.0))
        return replace(found, seconds=found.seconds + seconds, file_bytes=size)

    def _identity(self) -> "Mapping[str, Any]":
        """Return what tells one encoder from another."""
        if self.encoder == AUTOMATIC:
            return {"id": AUTOMATIC, "seed": self.imaging.seed}
        card = find_encoder(self.encoder, self.imaging.folders)
        return {"space": card.space().canonical(), "checksum": card.checksum}


def _meets(path: str, question: Question, progress: Progress) -> bool:
    """Tell whether any label is near a raster, before it is embedded for nothing."""
    return around_labels(question, open_rasters([path]).grid, path, 1, progress) != ()


def _nothing(question: Question) -> Vectors:
    """Return no vectors."""
    return Vectors(np.empty((0, 0), dtype=np.float32), np.zeros(len(question.labels), dtype=bool))


def _embedded(path: str, encoder: str, folder: Path, question: Question, imaging: Imaging, cell: int,
              progress: Progress) -> Vectors:
    """Embed the parts of a raster that labels lie in, and look the labels up."""
    started = time.perf_counter()
    mask = around_labels(question, open_rasters([path]).grid, path, cell, progress)
    field = folder / "field.tif"
    embed_raster(EmbedRequest((path,), encoder, str(field), imaging.folders, mask=mask, cell=imaging.cell and cell,
                              device=imaging.device, memory_mib=imaging.memory_mib, seed=imaging.seed),
                 Part(Quiet(progress), 0.0, 0.9))
    found = FieldCandidate("", str(field)).vectors(question, Part(Quiet(progress), 0.9, 1.0))
    return replace(found, seconds=time.perf_counter() - started)


class _Workplace:
    """A folder for the field of one candidate, which stays where a run is cancelled or killed."""

    def __init__(self, folder: Path, facts: "Mapping[str, Any]") -> None:
        """Name it by what decides the field."""
        plain: "Dict[str, Any]" = dict(facts)
        self._folder = folder / f"work-{digest_of(plain)[:16]}"

    def __enter__(self) -> Path:
        """Make the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Remove it when all went well, or when trying again would fail again."""
        if error is None or not (isinstance(error, Cancelled) or is_worth_keeping(error)):
            shutil.rmtree(self._folder, ignore_errors=True)


class _Mute(Quiet):
    """A progress that only moves."""

    def warn(self, text: str) -> None:
        """Keep it to itself."""
