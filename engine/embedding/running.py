"""What embedding as a field and as a table share: partial work, the encoder, the pass over blocks, the account."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Iterator

from .. import memory
from ..card import Card
from ..card_json import write_card
from ..dataset import block_cache
from ..encoders.encoder import open_encoder
from ..errors import Cancelled
from ..grid import Window, blocks
from ..partial import PartialWork, is_worth_keeping
from ..pipeline import Job, Sink, attend, run
from ..progress import Part, Progress
from ..whole import whole
from .blocks import BlockEncoder, BlockReader, BlockVectors
from .fitting import with_reduction
from .plan import EmbedPlan, EmbedRequest, EmbedResult
from .preparing import Prepared, block_side, prepare, run_digest


@dataclass(frozen=True)
class Encoded:
    """Finished blocks, and how they came about."""

    prepared: Prepared
    plan: EmbedPlan
    blocks: "tuple[Window, ...]"
    side: int
    resumed: int
    blocks_read: int
    blocks_per_second: float
    device: str
    device_report: str


@contextmanager
def partial_work(request: EmbedRequest, output: Path, kind: str) -> "Iterator[PartialWork]":
    """Keep the work of a run that is cancelled, killed or out of disk, where it may resume; else remove it."""
    resumable = request.resume and not request.temporary
    work = PartialWork(output, f"{kind}-{run_digest(request)}", resumable)
    try:
        yield work
    except BaseException as error:
        if not (resumable and (isinstance(error, Cancelled) or is_worth_keeping(error))):
            work.remove()
        raise
    work.remove()


MakeSink = Callable[[EmbedPlan, int, str], "Sink[Window, BlockVectors]"]


def encode_blocks(request: EmbedRequest, work: PartialWork, make_sink: MakeSink, progress: Progress) -> Encoded:
    """Prepare a run and encode the blocks that aren't finished yet; takes the progress up to 0.9.

    `make_sink` gets the plan, the side of blocks in cells, and the device.
    """
    with block_cache(max(16, request.memory_mib // 8)):
        prepared = prepare(request, work, Part(progress, 0.0, 0.06))
        encoder = attend(lambda: open_encoder(prepared.plan.card, request.device, request.threads), progress)
        try:
            progress.info(f"Device: {encoder.session.device_report}")
            plan = with_reduction(prepared, encoder, request, work, Part(progress, 0.06, 0.12))
            encoder.card = plan.card
            side = block_side(plan, request.memory_mib)
            every = tuple(blocks(plan.cells, side))
            missing = [block for block in every if not work.has(block)]
            if len(missing) < len(every):
                progress.info(f"Resuming: {len(every) - len(missing)} of {len(every)} blocks were finished before.")
            reader, worker = BlockReader(plan), BlockEncoder(plan, encoder)
            try:
                account = run(Job(missing, reader, worker.encode, make_sink(plan, side, encoder.device),
                                  f"Encoding with {plan.card.id} on {encoder.device}", encoder.terminate,
                                  lambda block: float(block.width * block.height)), Part(progress, 0.12, 0.9))
            finally:
                worker.close()
            for note in encoder.notes:
                progress.warn(note)
            return Encoded(prepared, plan, every, side, len(every) - len(missing), reader.blocks_read, account.rate,
                           encoder.device, encoder.session.device_report)
        finally:
            encoder.close()


def close_account(encoded: Encoded, request: EmbedRequest, what: str, count: int, card: Path, started: float,
                  progress: Progress) -> EmbedResult:
    """Say what a run did, in words and as a result."""
    seconds, peak = time.monotonic() - started, memory.peak_mib()
    dimensions = encoded.plan.card.output_dimensions
    progress.info(f"{count} {what} of {dimensions} dimensions in {seconds:.1f} s on {encoded.device}; "
                  f"{encoded.blocks_per_second:.2f} blocks per second, {encoded.blocks_read} blocks read, "
                  f"peak memory {peak:.0f} MiB.")
    return EmbedResult(
        output=request.output, cells=count, dimensions=dimensions, seconds=seconds, device=encoded.device,
        device_report=encoded.device_report, encoder_card=str(card), blocks=len(encoded.blocks),
        blocks_read=encoded.blocks_read, blocks_per_second=encoded.blocks_per_second, peak_mib=peak,
        resumed_blocks=encoded.resumed)


def keep_card(prepared: Prepared, card: Card, output: Path, request: EmbedRequest) -> Path:
    """Leave the card of encoder and reduction where another call can name it.

    It lies beside the output; that of a temporary output is kept in the user's folder of encoders.
    """
    if not prepared.automatic and card.reduction is None:
        return Path(card.path or card.model_path).resolve()
    folder = (Path(request.folders.user or output.parent) if request.temporary else output.parent).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # A table beside a raster of the same name must not take the raster's encoder away.
    stem = output.stem + (".patches" if output.suffix.lower() == ".gpkg" else "") + ".encoder"
    if request.temporary:
        stem = card.id if card.reduction is None else f"{card.id}-{card.reduction.digest()[:8]}"
    model = card.model_path
    if prepared.automatic:
        model = folder / (stem + ".onnx")
        with whole(model) as temporary:
            shutil.copyfile(card.model_path, temporary)
    path = folder / (stem + ".json")
    write_card(replace(card, model_path=model, path=path), path)
    return path
