"""Names of classes beside a raster, where every GIS looks for them."""

from __future__ import annotations

from typing import Sequence

from ...dataset import close, open_raster, quiet


def name_classes(path: str, names: "Sequence[str]") -> None:
    """Write the names of the classes 1, 2, … into the raster's side file."""
    dataset = open_raster(path)
    with quiet():
        dataset.GetRasterBand(1).SetCategoryNames(["", *names])
    close(dataset, path)
