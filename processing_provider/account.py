"""What a run of either way of embedding hands back to Processing; the engine itself tells how fast it went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict

from .adapters.feedback import FeedbackProgress

if TYPE_CHECKING:
    from ..engine.embedding.plan import EmbedResult


def tell_encoder(result: "EmbedResult", progress: FeedbackProgress) -> None:
    """Name the card that embeds another raster in the same space, as the last line of the log."""
    progress.info("Encoder used: {}".format(result.encoder_card))


def embedding_outputs(result: "EmbedResult") -> Dict[str, Any]:
    """Return the numbers and texts that both ways of embedding declare."""
    return {"CELLS": result.cells, "DIMENSIONS_OUT": result.dimensions, "SECONDS": round(result.seconds, 3),
            "DEVICE_USED": result.device, "ENCODER_USED": str(result.encoder_card)}
