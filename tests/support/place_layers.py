"""Places all over the globe, layers that hold some, and a progress that keeps what it was told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import numpy as np
from osgeo import gdal, ogr, osr

from earthprint.engine.progress import Silent


class Listener(Silent):
    """A progress that keeps what it was told."""

    def __init__(self, stop: bool = False) -> None:
        self.infos: "List[str]" = []
        self.warnings: "List[str]" = []
        self.fractions: "List[float]" = []
        self.stop = stop

    def report(self, fraction: float, text: Any = None) -> None:
        self.fractions.append(fraction)

    def info(self, text: str) -> None:
        self.infos.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def cancelled(self) -> bool:
        return self.stop


def layer_file(path: Path, shapes: "List[Any]", code: int = 4326, kind: int = ogr.wkbUnknown) -> str:
    """Write a GeoPackage of WKT shapes, named by their number; None is a feature without geometry."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    dataset = gdal.GetDriverByName("GPKG").Create(str(path), 0, 0, 0, gdal.GDT_Unknown)
    layer = dataset.CreateLayer("places", reference, kind)
    layer.CreateField(ogr.FieldDefn("name", ogr.OFTString))
    dataset.StartTransaction()
    for number, text in enumerate(shapes):
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetField(0, f"place {number}")
        if text is not None:
            feature.SetGeometryDirectly(ogr.CreateGeometryFromWkt(text))
        layer.CreateFeature(feature)
    dataset.CommitTransaction()
    return str(path)


def thousand_places() -> np.ndarray:
    """Return places all over the globe: both poles, ±180°, duplicates, both hemispheres."""
    chance = np.random.default_rng(7)
    anywhere = np.stack([chance.uniform(-180, 180, 900), np.degrees(np.arcsin(chance.uniform(-1, 1, 900)))], axis=1)
    edges = np.array([(0, 90), (0, -90), (-180, 0), (180, 0), (-180, 51.5), (180, 51.5), (-180, -89.9),
                      (179.9999999, -45), (0, 0), (-1e-9, 1e-9)], dtype=np.float64)
    near = np.stack([chance.uniform(-180, 180, 40), np.sign(chance.uniform(-1, 1, 40)) * 89.99], axis=1)
    return np.concatenate([edges, near, anywhere, anywhere[:50]])
