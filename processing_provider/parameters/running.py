"""How a run uses the machine."""

from __future__ import annotations

from qgis.core import QgsProcessingAlgorithm, QgsProcessingParameterBoolean

from .choice import choice
from .number import whole_number

DEVICE = "DEVICE"
DEVICES = ("auto", "cpu", "cuda")
BATCH = "BATCH"
MEMORY = "MEMORY"
RESUME = "RESUME"
SEED = "SEED"


def declare_device_choice(algorithm: QgsProcessingAlgorithm) -> None:
    """Add DEVICE."""
    algorithm.add(
        choice(DEVICE, algorithm.tr("Device"), DEVICES, "auto"),
        algorithm.tr(
            "auto uses CUDA where a trial run on it succeeds and else the processor, and says why. cpu never tries. "
            "cuda fails where the trial fails."),
        advanced=True)


def declare_device(algorithm: QgsProcessingAlgorithm) -> None:
    """Add DEVICE and BATCH."""
    declare_device_choice(algorithm)
    algorithm.add(
        whole_number(BATCH, algorithm.tr("Batch"), 0, 0, 65_536),
        algorithm.tr("How many tiles go through the encoder at once. 0 = what suits the device and MEMORY."),
        advanced=True)


def declare_memory(algorithm: QgsProcessingAlgorithm) -> None:
    """Add MEMORY."""
    algorithm.add(
        whole_number(MEMORY, algorithm.tr("Memory in MiB"), 1024, 64, 1_048_576),
        algorithm.tr("How much memory blocks may take, whatever the size of the raster."),
        advanced=True)


def declare_resume(algorithm: QgsProcessingAlgorithm) -> None:
    """Add RESUME."""
    algorithm.add(
        QgsProcessingParameterBoolean(RESUME, algorithm.tr("Resume an interrupted run"), True),
        algorithm.tr(
            "A run that was cancelled or killed leaves its finished blocks in OUTPUT.partial; the same call goes on "
            "from there. Off: start afresh. Temporary outputs never resume."),
        advanced=True)


def declare_seed(algorithm: QgsProcessingAlgorithm) -> None:
    """Add SEED."""
    algorithm.add(
        whole_number(SEED, algorithm.tr("Seed"), 0, 0),
        algorithm.tr("Where chance plays a part, the same seed gives the same result."),
        advanced=True)
