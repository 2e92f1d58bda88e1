"""An encoder at work: a card and a session that together turn tiles into vectors."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import List, Optional

import numpy as np

from ..card import Card, Reduction
from ..errors import DeviceError, ModelError
from ..progress import Part, Progress
from .inputs import TileBatch, build_feeds, missing_context
from .layout import to_cells
from .model_file import verify_model
from .session import OutOfMemory, Session, on_cpu, on_cuda, open_session
from .value_check import check_values

__all__ = ["Encoder", "check_values", "finished", "open_encoder", "run_batches"]

LOG = logging.getLogger("earthprint")

DEFAULT_TILE = 224
CPU_PIXELS = 4 * 224 * 224
# Convolutions are bound by memory: beyond this their activations leave the cache, and a batch only slows them.
CPU_PIXELS_CONVOLUTIONS = 2 * 140 * 140
CPU_LARGEST = 8
CUDA_PIXELS = 32 * 224 * 224
CUDA_LARGEST = 64


class Encoder:
    """Turns tiles into vectors by a card's rules; one thread computes, any other may tell it to stop."""

    def __init__(self, card: Card, session: Session, threads: int = 0) -> None:
        """Join a card and an open session of its graph."""
        self.card = card
        self.session = session
        self.notes: List[str] = []
        self._threads = threads
        self._largest_batch = 0
        self._terminated = False
        self._told_of_context = False

    @property
    def device(self) -> str:
        """Return the device in use: cpu or cuda."""
        return self.session.device

    @property
    def dimensions(self) -> int:
        """Return the length of a vector after the reduction."""
        return self.card.output_dimensions

    def encode(self, batch: TileBatch) -> np.ndarray:
        """Return the vectors `(tiles, rows, cols, dims)` of tiles; a vector that means nothing is NaN throughout."""
        self._tell_of_missing_context(batch)
        prepared = self.prepare(batch)
        step = self.card.batch or len(prepared)
        parts = []
        for start in range(0, len(prepared), step):
            part = prepared.part(start, start + step)
            parts.append(self._run(part.padded(step) if len(part) < step else part)[:len(part)])
        cells = parts[0] if len(parts) == 1 else np.concatenate(parts)
        empty = ~prepared.valid.any(axis=(1, 2))
        return np.where(empty[:, None, None, None], np.float32(np.nan), cells) if empty.any() else cells

    def prepare(self, batch: TileBatch) -> TileBatch:
        """Normalise by the card and put harmless numbers where there is no data."""
        values = batch.values if batch.values.dtype == np.float32 else batch.values.astype(np.float32)
        valid = np.asarray(batch.valid, dtype=bool)
        if not self.card.scaling.is_identity:
            with np.errstate(invalid="ignore", over="ignore"):
                values = np.moveaxis(self.card.scaling.apply(np.moveaxis(values, 2, 0)), 0, 2)
        if not np.isfinite(values.sum(dtype=np.float64)):
            # A stray NaN in a valid pixel would spoil every vector of its tile.
            valid = valid & np.isfinite(values).all(axis=(1, 2))
        if not valid.all():
            fill = np.float32(0.0 if self.card.fill is None else self.card.fill)
            values = np.where(valid[:, None, None], values, fill)
        return replace(batch, values=values, valid=valid)

    def suggest_batch(self, tile: int = 0) -> int:
        """Choose how many tiles to run at once: few on a processor, whose cache is small, more on a graphics card."""
        if self.card.batch > 0:
            return self.card.batch
        if self.card.suggested_batch > 0:
            return self.card.suggested_batch
        side = tile or self.card.tile or self.card.suggested_tile or DEFAULT_TILE
        pixels = side * side * max(self.card.dates, 1)
        if self.device == "cuda":
            return int(min(max(CUDA_PIXELS // pixels, 1), CUDA_LARGEST))
        budget = CPU_PIXELS_CONVOLUTIONS if self.card.finite_context else CPU_PIXELS
        return int(min(max(budget // pixels, 1), CPU_LARGEST))

    def terminate(self) -> None:
        """End the run in progress, which raises Cancelled in its own thread."""
        self._terminated = True
        self.session.terminate()

    def close(self) -> None:
        """Let go of the graph and its memory."""
        self.session.close()

    def limit_batch(self, asked: int) -> int:
        """Return the batch to use: what is asked for, unless the graph fixes it or memory ran out with less before."""
        if self.card.batch > 0:
            return self.card.batch
        return asked if self._largest_batch == 0 else min(asked, self._largest_batch)

    def shrink_batch(self, failed: int) -> int:
        """Halve a batch that didn't fit into memory and remember that."""
        self._largest_batch = max(failed // 2, 1)
        self._note("Memory ran out with a batch of {}; going on with {}.".format(failed, self._largest_batch))
        if self.device == "cuda":
            # The card's memory stays in the pieces that the failed run cut it into until its session is gone.
            self.session.close()
            try:
                self._take(on_cuda(self.session.model_path, self._threads))
            except (OutOfMemory, DeviceError) as error:
                self.move_to_cpu(str(error))
        return self._largest_batch

    def move_to_cpu(self, reason: str) -> None:
        """Go on with the processor after the graphics card failed."""
        self.session.close()
        self._take(on_cpu(self.session.model_path, self._threads, reason))
        self._note("Device: {}".format(self.session.device_report))

    def _take(self, session: Session) -> None:
        """Go on with another session; a wish to stop outlives the one it was made to."""
        self.session = session
        if self._terminated:
            session.terminate()

    def _run(self, batch: TileBatch) -> np.ndarray:
        """Run the graph on prepared tiles and bring its output into its final form."""
        declared = self.card.output
        try:
            feeds = build_feeds(self.card, batch)
            output = self.session.run(feeds, [declared.name])[0]
            if output.shape and "batch" in declared.dim_order:
                self._check_batch(output.shape[declared.dim_order.index("batch")], len(batch))
            return finished(to_cells(output, declared, self.card, batch.size), self.card)
        except MemoryError as error:
            raise OutOfMemory("run-memory", "The encoder {path} ran out of memory on a batch of {count} tiles: use a "
                              "smaller tile or batch.", path=self.card.model_path, count=len(batch)) from error

    def _check_batch(self, found: int, expected: int) -> None:
        """Refuse a graph that returns vectors of fewer or more tiles than it was given."""
        if found != expected:
            raise ModelError("batch-lost", "The encoder {encoder} returned vectors of {found} tiles for {expected}: "
                             "export it with a dynamic batch, or give the fixed batch size in its card.",
                             encoder=self.card.id, found=found, expected=expected)

    def _tell_of_missing_context(self, batch: TileBatch) -> None:
        """Say once that place or time would be used if they were known, because such vectors are not the same."""
        if self._told_of_context:
            return
        self._told_of_context = True
        missing = missing_context(self.card, batch)
        if missing:
            self._note("The encoder {} uses {}, which are not known here: compare its vectors only with others made "
                       "without.".format(self.card.id, " and ".join(missing)))

    def _note(self, text: str) -> None:
        """Keep a message for the report and log it; the caller's progress belongs to another thread."""
        self.notes.append(text)
        LOG.warning(text)


def open_encoder(card: Card, device: str = "auto", threads: int = 0, progress: Optional[Progress] = None) -> Encoder:
    """Open the graph of a card on a device, after checking that the file is the one the card describes."""
    verify_model(card, None if progress is None else Part(progress, 0.0, 0.0))
    return Encoder(card, open_session(card.model_path, device, threads, progress), threads)


def run_batches(encoder: Encoder, tiles: TileBatch, batch: int = 0) -> np.ndarray:
    """Encode any number of tiles in batches; halve the batch when memory runs out, and at last leave CUDA."""
    size = encoder.limit_batch(batch or encoder.suggest_batch(max(tiles.size)))
    parts: List[np.ndarray] = []
    start = 0
    while start < len(tiles):
        part = tiles.part(start, start + size)
        try:
            parts.append(encoder.encode(part))
        except OutOfMemory:
            if len(part) > 1 and encoder.card.batch == 0:
                size = encoder.shrink_batch(len(part))
                continue
            if encoder.device != "cuda":
                raise
            encoder.move_to_cpu("its memory is too small for this encoder and tile")
            continue
        start += len(part)
    if not parts:
        raise ModelError("tiles-none", "The encoder {encoder} was given no tile.", encoder=encoder.card.id)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def finished(cells: np.ndarray, card: Card) -> np.ndarray:
    """Normalise and reduce vectors as the card says, and make those that mean nothing NaN in all dimensions."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        if card.normalise_output:
            cells = unit(cells)
        if card.reduction is not None:
            cells = reduced(cells, card.reduction)
            if card.unit_norm:
                cells = unit(cells)
        # One sum of everything is the quickest way to see that nothing is broken, which is the rule.
        if not np.isfinite(cells.sum(dtype=np.float64)):
            broken = ~np.isfinite(cells).all(axis=-1)
            cells = np.where(broken[..., None], np.float32(np.nan), cells)
    return cells


def unit(cells: np.ndarray) -> np.ndarray:
    """Scale vectors to length 1; a zero vector has no direction and becomes NaN."""
    length = np.sqrt(np.einsum("...d,...d->...", cells, cells))
    length[length == 0] = np.nan
    return cells / length[..., None]


def reduced(cells: np.ndarray, reduction: Reduction) -> np.ndarray:
    """Project vectors onto a fitted reduction's components."""
    components = np.asarray(reduction.components, dtype=np.float32)
    return (cells - np.asarray(reduction.mean, dtype=np.float32)) @ components.T
