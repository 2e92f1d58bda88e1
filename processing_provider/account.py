"""The closing account of a run: what was used, how fast it went, how much memory it took."""

from __future__ import annotations

from typing import Any, Dict

from .adapters.feedback import FeedbackProgress


def tell_account(result: Any, progress: FeedbackProgress) -> None:
    """Write the account of an embedding run into its log."""
    report = str(result.device_report or "").strip().rstrip(".")
    progress.info("Device: {}{}".format(result.device, ". " + report if report and report != result.device else ""))
    speed = result.blocks / result.seconds if result.seconds > 0 else 0.0
    progress.info("{} blocks in {:.1f} s ({:.2f} blocks per second); {} read from the raster.".format(
        result.blocks, result.seconds, speed, result.blocks_read))
    if result.peak_mib:
        progress.info("Peak memory: {:.0f} MiB.".format(result.peak_mib))
    progress.info("{} cells of {} dimensions. Encoder: {}".format(
        result.cells, result.dimensions, result.encoder_card))


def embedding_outputs(result: Any) -> Dict[str, Any]:
    """Return the numbers and texts that both ways of embedding declare."""
    return {"CELLS": result.cells, "DIMENSIONS_OUT": result.dimensions, "SECONDS": round(result.seconds, 3),
            "DEVICE_USED": result.device, "ENCODER_USED": str(result.encoder_card)}
