"""Embeds photos: each becomes a point with a vector, its time and heading, and a small picture."""

from __future__ import annotations

import datetime
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence

import numpy as np
from osgeo import ogr, osr

from ..card import Card
from ..card_json import write_card
from ..centres import point_wkb
from ..encoders.encoder import Encoder, check_values, open_encoder, run_batches
from ..encoders.inputs import TileBatch
from ..encoders.library import find_encoder
from ..errors import Cancelled, InputError
from ..pipeline import attend
from ..progress import Part, Progress, check
from ..registry import Registry
from ..table import ColumnSpec, TableWriter, parse_destination
from ..whole import require_writable, whole
from .making import automatic_encoder
from .reading import ReadPhoto, read_all
from .request import AUTOMATIC, FailedPhoto, PhotoRequest, PhotoResult
from .tiles import SIDE, brightness, colour_order, one_vector, side_for

THUMBNAIL = "thumbnail"
_FACTS = (ColumnSpec("time", "datetime"), ColumnSpec("time_utc", "datetime"), ColumnSpec("utc_offset", "text"),
          ColumnSpec("heading", "real"), ColumnSpec("heading_of", "text"), ColumnSpec("altitude", "real"),
          ColumnSpec("width", "integer"), ColumnSpec("height", "integer"), ColumnSpec(THUMBNAIL, "binary"))
_SHOWN = 10
_GROUP = 16


def embed_photos(request: PhotoRequest, progress: Progress, registry: Optional[Registry] = None) -> PhotoResult:
    """Embed photos and write one row each; what can't be read is left out and told, and never stops the run."""
    started = time.monotonic()
    path = Path(parse_destination(request.output).path)
    require_writable(path)
    count = request.photos.count()
    if not count:
        raise InputError("photo-none", "There is no photo in {name}: choose another folder or layer.",
                         name=request.photos.name)
    automatic = request.encoder.strip().lower() in ("", AUTOMATIC)
    with tempfile.TemporaryDirectory(prefix="earthprint-photos-") as scratch:
        if automatic:
            card = automatic_encoder(request.photos, request.seed, request.size or SIDE, Path(scratch),
                                     Part(progress, 0.0, 0.3))
        else:
            card = find_encoder(request.encoder, request.folders)
        run = _Run(request, card)
        encoder = open_encoder(card, request.device, request.threads, progress)
        try:
            run.write(encoder, count, registry, Part(progress, 0.3 if automatic else 0.0, 0.98))
            for note in encoder.notes:
                progress.warn(note)
        finally:
            encoder.close()
        kept = _keep(card, path, request) if automatic else Path(card.path or card.model_path).resolve()
    run.tell(progress)
    seconds = time.monotonic() - started
    progress.info(f"{run.rows} photos in {seconds:.1f} s.")
    progress.report(1.0)
    return PhotoResult(request.output, run.rows, tuple(run.failed), tuple(run.unplaced), card.space(), str(kept),
                       run.thumbnail_column, encoder.device, seconds)


class _Run:
    """One pass over the photos."""

    def __init__(self, request: PhotoRequest, card: Card) -> None:
        """Settle what the encoder takes."""
        self._request = request
        self._card = card
        self._side = side_for(card, request.size)
        self._order = list(colour_order(card))
        self._white = brightness(card)
        given = request.photos.columns
        taken = {column.name.lower() for column in given}
        self._names = {column.name: _free(column.name, taken) for column in _FACTS}
        self._columns = [*given, *(ColumnSpec(self._names[column.name], column.type) for column in _FACTS)]
        # Place and time go in once a batch, so an encoder that takes them gets one photo at a time.
        self._alone = any(item.role in ("latlon", "time") for item in card.inputs)
        self._checked = False
        self.failed: "List[FailedPhoto]" = []
        self.unplaced: "List[str]" = []
        self.rows = 0

    @property
    def thumbnail_column(self) -> str:
        """Return the name that the column of thumbnails got."""
        return self._names[THUMBNAIL]

    def write(self, encoder: Encoder, count: int, registry: Optional[Registry], progress: Progress) -> None:
        """Read, encode and write all photos."""
        size = 1 if self._alone else max(1, min(self._request.batch or _GROUP, _GROUP))
        done = 0
        progress.report(0.0, "Embedding the photos")
        with TableWriter(self._request.output, _world(), ogr.wkbPoint, self._columns, self._card.space(),
                         registry=registry) as writer:
            for group in _groups(read_all(self._request.photos.photos(), self._side), size):
                check(progress)
                done += len(group)
                photos = [read for read in group if self._wanted(read)]
                if photos:
                    self._write_group(encoder, photos, writer, progress)
                progress.report(done / max(count, done), f"Embedding the photos ({done} of {count})")
            self.rows = writer.count
            if not writer.count:
                raise self._nothing(count)

    def tell(self, progress: Progress) -> None:
        """Say what was left out."""
        for failed in self.failed[:_SHOWN]:
            progress.warn(f"{failed.name} is left out: {failed.reason}.")
        if len(self.failed) > _SHOWN:
            progress.warn(f"{len(self.failed)} photos are left out in all.")
        if self.unplaced:
            names = ", ".join(self.unplaced[:_SHOWN]) + (", …" if len(self.unplaced) > _SHOWN else "")
            what = "are rows without a geometry" if self._request.keep_unplaced else "are left out"
            progress.warn(f"{len(self.unplaced)} photos say nothing of their position and {what}: {names}.")

    def _wanted(self, read: ReadPhoto) -> bool:
        """Sort out photos that can't be read, and those without a position."""
        if read.photo is None:
            self.failed.append(FailedPhoto(read.found.name, read.reason))
            return False
        if read.place is None:
            self.unplaced.append(read.found.name)
            return self._request.keep_unplaced
        return True

    def _write_group(self, encoder: Encoder, photos: "Sequence[ReadPhoto]", writer: TableWriter,
                     progress: Progress) -> None:
        """Encode some photos and write their rows."""
        tiles = self._tiles(photos)
        try:
            cells = attend(lambda: run_batches(encoder, tiles, self._request.batch), progress)
        except Cancelled:
            encoder.terminate()
            raise
        except InputError as error:
            if not self._alone:
                raise
            self.failed.append(FailedPhoto(photos[0].found.name, str(error)))
            return
        vectors = one_vector(cells, self._card)
        told = np.isfinite(vectors).all(axis=1)
        for read in (read for read, fine in zip(photos, told) if not fine):
            self.failed.append(FailedPhoto(read.found.name, "the encoder gives it no vector"))
        kept = [read for read, fine in zip(photos, told) if fine]
        if kept:
            writer.write([None if read.place is None else point_wkb(*read.place) for read in kept],
                         self._cells(kept), vectors[told])

    def _tiles(self, photos: "Sequence[ReadPhoto]") -> TileBatch:
        """Return the pixels of some photos as the encoder takes them."""
        squares = np.stack([read.photo.square for read in photos if read.photo is not None])
        values = squares[:, self._order] * np.float32(self._white / 255.0)
        if not self._checked:
            check_values(values.transpose(1, 0, 2, 3).reshape(len(self._order), -1), self._card)
            self._checked = True
        place = photos[0].place if self._alone else None
        moment = photos[0].photo.facts.taken if self._alone and photos[0].photo is not None else None
        return TileBatch(
            values=values[:, np.newaxis], valid=np.ones((len(values), self._side, self._side), dtype=bool),
            longitude=None if place is None else np.array([place[0]]),
            latitude=None if place is None else np.array([place[1]]),
            dates=() if moment is None else (datetime.datetime.fromisoformat(moment),))

    def _cells(self, photos: "Sequence[ReadPhoto]") -> "Dict[str, List[Any]]":
        """Return the columns of some rows."""
        found: "Dict[str, List[Any]]" = {column.name: [] for column in self._columns}
        for read in photos:
            if read.photo is None:
                continue
            facts = read.photo.facts
            values = {
                "time": facts.taken, "time_utc": facts.taken_utc, "utc_offset": facts.utc_offset,
                "heading": facts.heading, "heading_of": facts.heading_of, "altitude": facts.altitude,
                "width": read.photo.width, "height": read.photo.height, THUMBNAIL: read.photo.thumbnail or None}
            for name, value in read.found.columns.items():
                if name in found:
                    found[name].append(value)
            for name, value in values.items():
                found[self._names[name]].append(value)
        return found

    def _nothing(self, count: int) -> InputError:
        """Say why there is no row."""
        if self.unplaced:
            return InputError("photo-unplaced", "None of the {count} photos of {name} says where it was taken: keep "
                              "those without a position, or give a point layer with a field of paths.", count=count,
                              name=self._request.photos.name)
        return InputError("photo-unreadable", "None of the {count} photos of {name} can be read (the first, {first}: "
                          "{reason}): choose others.", count=count, name=self._request.photos.name,
                          first=self.failed[0].name, reason=self.failed[0].reason)


def _keep(card: Card, output: Path, request: PhotoRequest) -> Path:
    """Leave the automatic encoder beside the output, or in the user's folder where the output is temporary."""
    folder = (Path(request.folders.user or output.parent) if request.temporary else output.parent).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    stem = card.id if request.temporary else output.stem + ".photos.encoder"
    model, path = folder / (stem + ".onnx"), folder / (stem + ".json")
    with whole(model) as temporary:
        shutil.copyfile(card.model_path, temporary)
    write_card(replace(card, model_path=model, path=path), path)
    return path


def _groups(photos: "Iterable[ReadPhoto]", size: int) -> "Iterator[List[ReadPhoto]]":
    """Yield photos some at a time."""
    group: "List[ReadPhoto]" = []
    for read in photos:
        group.append(read)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _free(name: str, taken: "set[str]") -> str:
    """Return a name that no column of the layer has."""
    candidate, number = name, 0
    while candidate.lower() in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def _world() -> str:
    """Return WGS 84 as WKT."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(4326)
    return str(reference.ExportToWkt(["FORMAT=WKT2_2019"]))
