"""What embedding photos is asked for, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass

from ..encoders.library import EncoderFolders
from ..space import Space
from .finding import PhotoSource

AUTOMATIC = "automatic"


@dataclass(frozen=True)
class PhotoRequest:
    """A call of “Embed geotagged photos”; zeros stand for the defaults.

    `size` is the side in pixels to which the middle square of each photo is brought, 0 for the encoder's own.
    """

    photos: PhotoSource
    output: str
    folders: EncoderFolders
    encoder: str = AUTOMATIC
    size: int = 0
    keep_unplaced: bool = False
    device: str = "auto"
    batch: int = 0
    seed: int = 0
    temporary: bool = False
    threads: int = 0


@dataclass(frozen=True)
class FailedPhoto:
    """A photo that gave no vector, and why."""

    name: str
    reason: str

    def __str__(self) -> str:
        """Return both in words."""
        return f"{self.name}: {self.reason}"


@dataclass(frozen=True)
class PhotoResult:
    """What a run made, and what it left out: photos that failed, and photos without a position."""

    output: str
    rows: int
    failed: "tuple[FailedPhoto, ...]"
    unplaced: "tuple[str, ...]"
    space: Space
    encoder_card: str
    thumbnail_column: str
    device: str
    seconds: float
