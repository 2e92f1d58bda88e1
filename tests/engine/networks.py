"""Small networks with random weights in the shapes that encoders come in, exported to ONNX beside their cards.

Each `Network` keeps the PyTorch module, so that a test can compare vectors with the module's own output.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple

import numpy as np
import pytest

from earthprint.engine.card import CHIP, DENSE, Card, CardBand, ModelInput, ModelOutput, Scaling

torch = pytest.importorskip("torch", reason="torch is needed to make the networks that encoders are compared with")
nn = torch.nn
functional = torch.nn.functional

OPSET = 17
# Wavelengths in µm, repeated for networks of more bands.
WAVELENGTHS = (0.443, 0.493, 0.56, 0.665, 0.704, 0.74, 0.783, 0.842, 0.865, 0.945, 1.61, 2.19)


@dataclass(frozen=True)
class Network:
    """A module, its ONNX file and the card that describes it."""

    module: Any
    path: Path
    card: Card

    def reference(self, *inputs: np.ndarray) -> np.ndarray:
        """Run the PyTorch module on arrays that are normalised already."""
        with torch.no_grad():
            return self.module(*[torch.from_numpy(np.ascontiguousarray(array)) for array in inputs]).float().numpy()


class FeatureMap(nn.Module):
    """Convolutions without padding: an input of 4·n + 2 pixels gives n × n vectors (stride 4, halo 1)."""

    def __init__(self, bands: int, dims: int) -> None:
        super().__init__()
        self.fine = nn.Conv2d(bands, 12, 3)
        self.coarse = nn.Conv2d(12, dims, 4, stride=4)

    def forward(self, image):
        return self.coarse(functional.gelu(self.fine(image)))


class Pooled(nn.Module):
    """Convolutions and a mean over the tile: one vector a tile, from inputs of any size."""

    def __init__(self, bands: int, dims: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(bands, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, dims, 3, stride=2))

    def forward(self, image):
        return self.body(image).mean(dim=(2, 3))


class HalfWeights(nn.Module):
    """Keeps its weights in 16 bits and computes in 32, as converted encoders do."""

    def __init__(self, bands: int, dims: int) -> None:
        super().__init__()
        self.weight = nn.Parameter((torch.randn(dims, bands, 4, 4) / (4 * math.sqrt(bands))).half())
        self.bias = nn.Parameter(torch.randn(dims).half())

    def forward(self, image):
        return functional.conv2d(image, self.weight.float(), self.bias.float(), stride=4)


class Block(nn.Module):
    """One transformer block, written out so that it exports to plain operations."""

    def __init__(self, dims: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(dims)
        self.project = nn.Linear(dims, 3 * dims)
        self.join = nn.Linear(dims, dims)
        self.between = nn.LayerNorm(dims)
        self.widen = nn.Linear(dims, 2 * dims)
        self.narrow = nn.Linear(2 * dims, dims)

    def forward(self, tokens):
        width = tokens.shape[-1] // self.heads
        queries, keys, values = self.project(self.before(tokens)).chunk(3, dim=-1)
        shape = (tokens.shape[0], tokens.shape[1], self.heads, width)
        queries, keys, values = (part.reshape(shape).transpose(1, 2) for part in (queries, keys, values))
        weights = (queries @ keys.transpose(2, 3) / math.sqrt(width)).softmax(dim=-1)
        mixed = (weights @ values).transpose(1, 2).reshape(tokens.shape)
        tokens = tokens + self.join(mixed)
        return tokens + self.narrow(functional.gelu(self.widen(self.between(tokens))))


class VisionTransformer(nn.Module):
    """A ViT with any number of leading tokens (class token, registers); several dates enter as `(N, C, T, H, W)`."""

    def __init__(self, bands: int, dims: int, patch: int, tile: int, leading: int, dates: int = 1,
                 depth: int = 2) -> None:
        super().__init__()
        self.dates = dates
        self.embed = nn.Conv3d(bands, dims, (1, patch, patch), stride=(1, patch, patch))
        count = dates * (tile // patch) ** 2
        self.position = nn.Parameter(torch.randn(1, count, dims) * 0.5)
        self.leading = nn.Parameter(torch.randn(1, leading, dims))
        self.blocks = nn.Sequential(*[Block(dims, 4) for _ in range(depth)])
        self.norm = nn.LayerNorm(dims)

    def forward(self, image):
        if self.dates == 1:
            image = image.unsqueeze(2)
        tokens = self.embed(image).flatten(2).transpose(1, 2) + self.position
        if self.leading.shape[1]:
            tokens = torch.cat([self.leading.expand(tokens.shape[0], -1, -1), tokens], dim=1)
        return self.norm(self.blocks(tokens))


class Conditioned(nn.Module):
    """Patch weights made from wavelengths, and tokens shifted by pixel size, time and place, as in Clay."""

    def __init__(self, bands: int, dims: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        self.bands = bands
        self.dims = dims
        self.weights = nn.Linear(1, dims * patch * patch)
        self.gsd = nn.Linear(1, dims)
        self.time = nn.Linear(4, dims)
        self.place = nn.Linear(4, dims)

    def forward(self, image, waves, gsd, time, latlon):
        kernels = torch.tanh(self.weights(waves[:, None]))
        kernels = kernels.reshape(self.bands, self.dims, self.patch, self.patch)
        tokens = functional.conv2d(image, kernels.transpose(0, 1), stride=self.patch)
        shift = self.gsd(torch.log(gsd).reshape(1, 1)) + self.time(time) + self.place(latlon)
        return (tokens + shift[:, :, None, None]).permute(0, 2, 3, 1)


class Dated(nn.Module):
    """Several dates `(N, T, C, H, W)` with year and day of each, and the place in degrees, as in Prithvi TL."""

    def __init__(self, bands: int, dims: int) -> None:
        super().__init__()
        self.embed = nn.Conv2d(bands, dims, 8, stride=8)
        self.when = nn.Linear(2, dims)
        self.where = nn.Linear(2, dims)

    def forward(self, image, temporal, location):
        count, dates = image.shape[0], image.shape[1]
        maps = self.embed(image.flatten(0, 1))
        maps = maps.reshape(count, dates, maps.shape[1], maps.shape[2], maps.shape[3])
        scale = torch.tensor([2000.0, 365.0])
        shift = self.when(temporal / scale) + self.where(location / 90.0)[:, None]
        return maps + shift[:, :, :, None, None]


def bands(count: int) -> "Tuple[CardBand, ...]":
    """Make bands of a card, with wavelengths."""
    return tuple(CardBand("B{:03d}".format(index + 1), wavelength_um=WAVELENGTHS[index % len(WAVELENGTHS)])
                 for index in range(count))


def export(module: Any, folder: Path, name: str, inputs: "Dict[str, Tuple[int, ...]]", output: str,
           dynamic: "Optional[Dict[str, Dict[int, str]]]" = None, dtype: Any = None) -> Path:
    """Write a module as ONNX by running it once on random inputs of the given shapes."""
    path = folder / (name + ".onnx")
    example = tuple(torch.rand(shape, dtype=dtype or torch.float32) + 0.1 for shape in inputs.values())
    module.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, example, str(path), input_names=list(inputs), output_names=[output], opset_version=OPSET,
            dynamic_axes=dynamic or {}, do_constant_folding=False, dynamo=False)
    return path


def card_of(path: Path, count: int, inputs: Sequence[ModelInput], output: ModelOutput, **facts: Any) -> Card:
    """Describe an exported network; the checksum is that of the file."""
    name = path.stem
    return Card(id=name, name=name, path=None, model_path=path,
                checksum=hashlib.sha256(path.read_bytes()).hexdigest(), bands=bands(count), inputs=tuple(inputs),
                output=output, **facts)


def image_input(shape: Sequence[int], order: str = "batch bands height width",
                data_type: str = "float32") -> ModelInput:
    """Describe the input of the pixels."""
    return ModelInput("image", "image", tuple(shape), tuple(order.split()), data_type)


def z_score(count: int) -> Scaling:
    """Make a normalisation with different numbers for each band."""
    return Scaling(tuple(1000.0 + 10 * index for index in range(count)),
                   tuple(2000.0 + index for index in range(count)))


def feature_map(folder: Path, count: int = 3, dims: int = 8, **facts: Any) -> Network:
    """Export a convolutional feature map with dynamic batch and tile."""
    torch.manual_seed(count)
    module = FeatureMap(count, dims)
    axes = {"image": {0: "n", 2: "h", 3: "w"}, "features": {0: "n", 2: "r", 3: "c"}}
    path = export(module, folder, "map{}".format(count), {"image": (1, count, 18, 18)}, "features", axes)
    defaults: Dict[str, Any] = {"scaling": z_score(count)}
    card = card_of(path, count, [image_input((-1, count, -1, -1))],
                   ModelOutput("features", (-1, dims, -1, -1), ("batch", "embedding", "height", "width")), kind=DENSE,
                   dimensions=dims, stride=4, halo=1, context=1, finite_context=True, **{**defaults, **facts})
    return Network(module, path, card)


def pooled(folder: Path, count: int = 4, dims: int = 6, batch: int = -1, **facts: Any) -> Network:
    """Export a network that gives one vector a tile; `batch` above 0 fixes the batch."""
    torch.manual_seed(10 + count)
    module = Pooled(count, dims)
    axes: Dict[str, Dict[int, str]] = {"image": {2: "h", 3: "w"}}
    if batch < 0:
        axes["image"][0] = "n"
        axes["vector"] = {0: "n"}
    name = "pooled{}x{}".format(count, batch)
    path = export(module, folder, name, {"image": (max(batch, 1), count, 24, 24)}, "vector", axes)
    defaults: Dict[str, Any] = {"scaling": z_score(count)}
    card = card_of(path, count, [image_input((batch, count, -1, -1))],
                   ModelOutput("vector", (batch, dims), ("batch", "embedding")), kind=CHIP, dimensions=dims, stride=24,
                   **{**defaults, **facts})
    return Network(module, path, card)


def vision_transformer(folder: Path, count: int = 12, leading: int = 1, dates: int = 1, dims: int = 16, patch: int = 8,
                       tile: int = 32, batch: int = -1, **facts: Any) -> Network:
    """Export a ViT for a fixed tile with a dynamic or fixed batch."""
    torch.manual_seed(20 + leading + dates)
    module = VisionTransformer(count, dims, patch, tile, leading, dates)
    shape = (count, tile, tile) if dates == 1 else (count, dates, tile, tile)
    order = "batch bands height width" if dates == 1 else "batch bands time height width"
    axes = {} if batch > 0 else {"image": {0: "n"}, "tokens": {0: "n"}}
    name = "vit{}l{}t{}b{}".format(count, leading, dates, batch)
    path = export(module, folder, name, {"image": (2 if batch < 0 else batch,) + shape}, "tokens", axes)
    defaults: Dict[str, Any] = {"scaling": z_score(count), "tokens_drop": leading, "dates": dates, "kind": DENSE,
                                "stride": patch, "tile": tile}
    card = card_of(path, count, [image_input((batch,) + shape, order)],
                   ModelOutput("tokens", (batch, -1, dims), ("batch", "token", "embedding")), dimensions=dims,
                   **{**defaults, **facts})
    return Network(module, path, card)


def conditioned(folder: Path, count: int = 10, dims: int = 8, patch: int = 8, **facts: Any) -> Network:
    """Export a network that asks for wavelengths, pixel size, time and place; its map is channels last."""
    torch.manual_seed(40)
    module = Conditioned(count, dims, patch)
    axes = {"image": {0: "n", 2: "h", 3: "w"}, "time": {0: "n"}, "latlon": {0: "n"},
            "map": {0: "n", 1: "r", 2: "k"}}
    path = export(module, folder, "conditioned", {"image": (2, count, 32, 32), "waves": (count,), "gsd": (1,),
                                                  "time": (2, 4), "latlon": (2, 4)}, "map", axes)
    inputs = [image_input((-1, count, -1, -1)), ModelInput("waves", "wavelengths", (count,), ("value",), encoding="um"),
              ModelInput("gsd", "gsd", (1,), ("value",), encoding="m"),
              ModelInput("time", "time", (-1, 4), ("batch", "value"), encoding="sincos"),
              ModelInput("latlon", "latlon", (-1, 4), ("batch", "value"), encoding="sincos")]
    defaults: Dict[str, Any] = {"scaling": z_score(count)}
    output = ModelOutput("map", (-1, -1, -1, dims), ("batch", "height", "width", "embedding"))
    card = card_of(path, count, inputs, output, kind=DENSE, dimensions=dims, stride=patch,
                   **{**defaults, **facts})
    return Network(module, path, card)


def dated(folder: Path, count: int = 6, dates: int = 3, dims: int = 8, **facts: Any) -> Network:
    """Export a network of several dates with their days and the place; its map keeps the time axis."""
    torch.manual_seed(50)
    module = Dated(count, dims)
    axes = {"image": {0: "n"}, "temporal": {0: "n"}, "location": {0: "n"}, "map": {0: "n"}}
    path = export(module, folder, "dated", {"image": (2, dates, count, 32, 32), "temporal": (2, dates, 2),
                                            "location": (2, 2)}, "map", axes)
    inputs = [image_input((-1, dates, count, 32, 32), "batch time bands height width"),
              ModelInput("temporal", "time", (-1, dates, 2), ("batch", "time", "value"), encoding="year-doy"),
              ModelInput("location", "latlon", (-1, 2), ("batch", "value"), encoding="degrees")]
    defaults: Dict[str, Any] = {"scaling": z_score(count)}
    card = card_of(path, count, inputs,
                   ModelOutput("map", (-1, dates, dims, 4, 4), ("batch", "time", "embedding", "height", "width")),
                   kind=DENSE, dimensions=dims, stride=8, tile=32, dates=dates, **{**defaults, **facts})
    return Network(module, path, card)


def half_weights(folder: Path, count: int = 3, dims: int = 8, **facts: Any) -> Network:
    """Export a network whose weights have 16 bits and whose input and output have 32."""
    torch.manual_seed(60)
    module = HalfWeights(count, dims)
    axes = {"image": {0: "n", 2: "h", 3: "w"}, "features": {0: "n", 2: "r", 3: "c"}}
    path = export(module, folder, "half", {"image": (1, count, 16, 16)}, "features", axes)
    card = card_of(path, count, [image_input((-1, count, -1, -1))],
                   ModelOutput("features", (-1, dims, -1, -1), ("batch", "embedding", "height", "width")), kind=DENSE,
                   dimensions=dims, stride=4, finite_context=True, **{"scaling": z_score(count), **facts})
    return Network(module, path, card)


def all_half(folder: Path, count: int = 3, dims: int = 8, **facts: Any) -> Network:
    """Export a network that takes and gives 16-bit numbers."""
    torch.manual_seed(61)
    module = nn.Conv2d(count, dims, 4, stride=4).half()
    axes = {"image": {0: "n", 2: "h", 3: "w"}, "features": {0: "n", 2: "r", 3: "c"}}
    path = export(module, folder, "allhalf", {"image": (1, count, 16, 16)}, "features", axes, torch.float16)
    card = card_of(path, count, [image_input((-1, count, -1, -1), data_type="float16")],
                   ModelOutput("features", (-1, dims, -1, -1), ("batch", "embedding", "height", "width"), "float16"),
                   kind=DENSE, dimensions=dims, stride=4, finite_context=True, **{"scaling": z_score(count), **facts})
    return Network(module, path, card)
