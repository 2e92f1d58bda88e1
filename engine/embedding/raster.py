"""Embeds a raster as a field: sample, fit what must be fitted, encode block by block, write the file."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path
from .. import memory
from ..card import Card
from ..card_json import write_card
from ..dataset import block_cache
from ..encoders.encoder import Encoder, open_encoder
from ..errors import Cancelled, InputError
from ..field import create_field
from ..grid import Window, blocks
from ..partial import PartialWork, is_worth_keeping
from ..pipeline import Account, Job, attend, run
from ..progress import Part, Progress
from ..whole import require_writable, whole
from .assembly import assemble, coding_for, kept_form, save_range
from .blocks import BlockEncoder, BlockReader, BlockVectors
from .fitting import with_reduction
from .plan import EmbedPlan, EmbedRequest, EmbedResult
from .preparing import Prepared, block_side, prepare, provenance, run_digest

CODINGS = ("float32", "int16", "uint8")


class _BlockSink:
    """Keeps vectors as finished blocks, with their range where the file's coding will need it."""

    def __init__(self, work: PartialWork, coding: str) -> None:
        """Keep where they go."""
        self._work = work
        self._coding = coding

    def write(self, block: Window, result: BlockVectors) -> None:
        """Keep a block."""
        if self._coding != "float32":
            save_range(self._work, block, result.vectors)
        self._work.save(block, kept_form(result.vectors, self._coding))


def embed_raster(request: EmbedRequest, progress: Progress) -> EmbedResult:
    """Embed a raster and write the field; whole or nothing, resumable after a kill or a cancel."""
    started = time.monotonic()
    output = Path(request.output)
    if output.suffix.lower() not in (".tif", ".tiff"):
        raise InputError("field-suffix", "{path} doesn't end in .tif: embedding rasters are GeoTIFF files.", path=output)
    if request.coding not in CODINGS:
        raise InputError("coding-unknown", "“{kind}” is not a coding: choose float32, int16 or uint8.", kind=request.coding)
    require_writable(output)
    work = PartialWork(output, run_digest(request), request.resume and not request.temporary)
    try:
        result = _embed(request, output, work, started, progress)
    except BaseException as error:
        keep = request.resume and not request.temporary and (isinstance(error, Cancelled) or is_worth_keeping(error))
        if not keep:
            work.remove()
        raise
    work.remove()
    return result


def _embed(request: EmbedRequest, output: Path, work: PartialWork, started: float, progress: Progress) -> EmbedResult:
    """Carry out a run whose partial work is open."""
    with block_cache(max(16, request.memory_mib // 8)):
        prepared = prepare(request, work, Part(progress, 0.0, 0.06))
        encoder = attend(lambda: open_encoder(prepared.plan.card, request.device, request.threads), progress)
        try:
            progress.info(f"Device: {encoder.session.device_report}")
            plan = with_reduction(prepared, encoder, request, work, Part(progress, 0.06, 0.12))
            encoder.card = plan.card
            reader = BlockReader(plan)
            account, resumed = _encode(plan, encoder, reader, work, request, progress)
            for note in encoder.notes:
                progress.warn(note)
            device, device_report = encoder.device, encoder.session.device_report
        finally:
            encoder.close()
        cells = _write_field(plan, output, work, request, device, Part(progress, 0.95, 1.0))
        card_path = keep_card(prepared, plan.card, output, request)
    seconds = time.monotonic() - started
    peak = memory.peak_mib()
    progress.info(f"{cells} cells of {plan.card.output_dimensions} dimensions in {seconds:.1f} s on {device}; "
                  f"{account.rate:.2f} blocks per second, {reader.blocks_read} blocks read, peak memory {peak:.0f} MiB.")
    return EmbedResult(
        str(output), cells, plan.card.output_dimensions, seconds, device, device_report, str(card_path),
        account.blocks + resumed, reader.blocks_read, account.rate, peak, (), resumed)


def _encode(plan: EmbedPlan, encoder: Encoder, reader: BlockReader, work: PartialWork, request: EmbedRequest,
            progress: Progress) -> "tuple[Account, int]":
    """Encode the blocks that aren't finished yet."""
    side = block_side(plan, request.memory_mib)
    every = list(blocks(plan.cells, side))
    missing = [block for block in every if not work.has(block)]
    if len(missing) < len(every):
        progress.info(f"Resuming: {len(every) - len(missing)} of {len(every)} blocks were finished before.")
    worker = BlockEncoder(plan, encoder)
    job = Job(missing, reader, worker.encode, _BlockSink(work, request.coding),
              f"Encoding with {plan.card.id} on {encoder.device}", encoder.terminate,
              lambda block: float(block.width * block.height))
    try:
        return run(job, Part(progress, 0.12, 0.95)), len(every) - len(missing)
    finally:
        worker.close()


def _write_field(plan: EmbedPlan, output: Path, work: PartialWork, request: EmbedRequest, device: str,
                 progress: Progress) -> int:
    """Put the finished blocks together under the final name; returns how many cells have a vector."""
    side = block_side(plan, request.memory_mib)
    coding = coding_for(request.coding, work, list(blocks(plan.cells, side)))
    with whole(output) as temporary:
        dataset = create_field(str(temporary), plan.output_grid, plan.card.space(), coding,
                               provenance(plan, request, device))
        cells = assemble(dataset, plan, work, coding, side, request.memory_mib, str(output), progress)
        del dataset
        if cells == 0:
            raise InputError("no-valid-cell", "No cell of {path} has enough valid pixels: check its nodata value, the mask, "
                             "and the least share of valid pixels.", path=plan.source.paths[0])
    return cells


def keep_card(prepared: Prepared, card: Card, output: Path, request: EmbedRequest) -> Path:
    """Leave the card of encoder and reduction where another call can name it; a temporary output's goes to the user's folder."""
    if not prepared.automatic and card.reduction is None:
        return Path(card.path or card.model_path)
    folder = Path(request.folders.user) if request.temporary else output.parent
    folder.mkdir(parents=True, exist_ok=True)
    stem = card.id if request.temporary else output.stem + ".encoder"
    model = card.model_path
    if prepared.automatic:
        model = folder / (stem + ".onnx")
        with whole(model) as temporary:
            shutil.copyfile(card.model_path, temporary)
    path = folder / (stem + (f"-pca{card.output_dimensions}" if card.reduction is not None and request.temporary else "")
                     + ".json")
    write_card(replace(card, model_path=model, path=path), path)
    return path
