"""Rasters whose pixels hold their own column, row and sum, and encoders that return the mean of what they see."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from osgeo import gdal, osr

from earthprint.engine.card import CHIP, DENSE, Card, CardBand, ModelInput, ModelOutput
from earthprint.engine.card_json import write_card

SINUSOIDAL = '+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +R=6371007.181 +units=m +no_defs'


@dataclass(frozen=True)
class Placement:
    """Where a ramp lies."""

    name: str
    transform: "tuple[float, ...]"
    crs: str


PLACEMENTS = (
    Placement("utm", (300000.0, 10.0, 0.0, 5000000.0, 0.0, -10.0), "EPSG:32631"),
    Placement("south-up", (300000.0, 10.0, 0.0, 4990000.0, 0.0, 10.0), "EPSG:32631"),
    Placement("degrees", (10.0, 0.001, 0.0, 50.0, 0.0, -0.001), "EPSG:4326"),
    Placement("custom", (-5000000.0, 231.65635826, 0.0, -1000000.0, 0.0, -231.65635826), SINUSOIDAL),
)


def reference(crs: str) -> osr.SpatialReference:
    """Return a CRS from an EPSG code or a PROJ text."""
    found = osr.SpatialReference()
    found.SetFromUserInput(crs)
    return found


def write_ramp(path: Path, width: int, height: int, placement: Placement = PLACEMENTS[0]) -> Path:
    """Write a raster whose bands are column, row and their sum, of pixel centres."""
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), width, height, 3, gdal.GDT_Float32,
                                                   ["TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64"])
    dataset.SetGeoTransform(placement.transform)
    dataset.SetSpatialRef(reference(placement.crs))
    for index, (name, values) in enumerate((("column", columns), ("row", rows), ("sum", columns + rows)), start=1):
        dataset.GetRasterBand(index).SetDescription(name)
        dataset.GetRasterBand(index).WriteArray(values.astype(np.float32))
    dataset = None
    return path


def mean_encoder(folder: Path, patch: int, tile: int = 0, form: str = "map", name: str = "mean") -> Card:
    """Write an encoder that returns each patch's mean: as a map, as tokens after a class token, or as a chip."""
    side = tile if tile else "side"
    square = [patch, patch]
    nodes = [helper.make_node("AveragePool", ["image"], ["pooled"], kernel_shape=square, strides=square)]
    output, order = "pooled", ("batch", "embedding", "height", "width")
    shape = ["batch", 3, "rows", "cols"]
    initializers = []
    if form == "tokens":
        initializers = [helper.make_tensor("flat", TensorProto.INT64, [3], [0, 3, -1]),
                        helper.make_tensor("start", TensorProto.INT64, [1], [0]),
                        helper.make_tensor("end", TensorProto.INT64, [1], [1]),
                        helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
                        helper.make_tensor("wrong", TensorProto.FLOAT, [1], [-1e6])]
        nodes += [helper.make_node("Reshape", ["pooled", "flat"], ["line"]),
                  helper.make_node("Transpose", ["line"], ["tokens"], perm=[0, 2, 1]),
                  helper.make_node("Slice", ["tokens", "start", "end", "axis"], ["first"]),
                  helper.make_node("Add", ["first", "wrong"], ["class"]),
                  helper.make_node("Concat", ["class", "tokens"], ["all"], axis=1)]
        output, order, shape = "all", ("batch", "token", "embedding"), ["batch", "tokens", 3]
    elif form == "chip":
        nodes.append(helper.make_node("Flatten", ["pooled"], ["vector"]))
        output, order, shape = "vector", ("batch", "embedding"), ["batch", 3]
    graph = helper.make_graph(
        nodes, "mean", [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, side, side])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path = folder / f"{name}.onnx"
    onnx.save(model, str(path))
    size = tile or -1
    card = Card(
        id=name, name=f"Mean of {patch}", path=folder / f"{name}.json", model_path=path,
        checksum=hashlib.sha256(path.read_bytes()).hexdigest(),
        bands=tuple(CardBand(band) for band in ("column", "row", "sum")),
        inputs=(ModelInput("image", "image", (-1, 3, size, size), ("batch", "bands", "height", "width")),),
        output=ModelOutput(output, tuple(-1 if isinstance(part, str) else part for part in shape), order),
        architecture="mean", kind=CHIP if form == "chip" else DENSE, dimensions=3, stride=patch, tile=tile,
        suggested_tile=0 if tile else 4 * patch, tokens_drop=1 if form == "tokens" else 0,
        finite_context=form == "map", metric="euclidean")
    write_card(card, card.path)
    return card


def cell_centres(field: np.ndarray, cell: int, columns: int, rows: int) -> "tuple[np.ndarray, np.ndarray]":
    """Return the column and row, in pixels, of the centres of all cells."""
    return np.meshgrid((np.arange(columns) + 0.5) * cell, (np.arange(rows) + 0.5) * cell)


def read_bands(path: "str | Path") -> np.ndarray:
    """Read a small raster."""
    dataset = gdal.Open(str(path))
    return dataset.ReadAsArray()
