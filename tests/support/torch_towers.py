"""Location towers in PyTorch, written from their published formulas, and checkpoints in the layouts they come in.

Nothing here uses our own networks or positions: these are what conversions are compared with.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List

import numpy as np
import torch
from scipy import special
from torch import nn


def places(count: int = 640, seed: int = 1) -> np.ndarray:
    """Return longitudes and latitudes all over the globe, with both poles, both sides of ±180° and duplicates."""
    chance = np.random.default_rng(seed)
    found = np.stack([chance.uniform(-180, 180, count),
                      np.degrees(np.arcsin(chance.uniform(-1, 1, count)))], axis=1)
    edges = [[0, 90], [37.5, 90], [-180, 90], [0, -90], [121, -90], [180, 0], [-180, 0], [180, 51.25], [-180, 51.25],
             [179.9999, -33], [-179.9999, -33], [0, 0], [90, 89.9999], [-90, -89.9999], [45, 45], [45, 45]]
    found[:len(edges)] = edges
    found[-20:] = found[20:40]
    return found


# ---- SatCLIP


class Siren(nn.Module):
    """Sines of 30, then 1, times the layers, and a plain layer at the end."""

    def __init__(self, width: int, hidden: int, layers: int, out: int) -> None:
        super().__init__()
        sizes = [width] + [hidden] * layers
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.last_layer = nn.Linear(hidden, out)
        with torch.no_grad():
            for number, layer in enumerate([*self.layers, self.last_layer]):
                bound = 1 / layer.in_features if number == 0 else math.sqrt(6 / layer.in_features)
                layer.weight.uniform_(-bound, bound)
                layer.bias.uniform_(-bound, bound)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for number, layer in enumerate(self.layers):
            x = torch.sin((30.0 if number == 0 else 1.0) * layer(x))
        return self.last_layer(x)


def satclip_harmonics(at: np.ndarray, degrees: int) -> np.ndarray:
    """Return SatCLIP's harmonics by its own angles (latitude from the south pole) and SciPy's functions."""
    azimuth, polar = np.radians(at[:, 0] + 180), np.radians(at[:, 1] + 90)
    columns = []
    for degree in range(degrees):
        for order in range(-degree, degree + 1):
            # SciPy's functions alternate in sign with the order, which SatCLIP's don't.
            value = _complex_harmonic(degree, abs(order), azimuth, polar) * (-1.0) ** abs(order)
            if order == 0:
                columns.append(np.pi * value.real)
            else:
                columns.append(math.sqrt(2) * (value.real if order > 0 else value.imag))
    return np.stack(columns, axis=1)


def _complex_harmonic(degree: int, order: int, azimuth: np.ndarray, polar: np.ndarray) -> np.ndarray:
    if hasattr(special, "sph_harm_y"):
        return special.sph_harm_y(degree, order, polar, azimuth)
    return special.sph_harm(order, degree, azimuth, polar)


@dataclass
class MadeTower:
    """A network and the position in front of it."""

    module: nn.Module
    position: Callable[[np.ndarray], np.ndarray]

    def vectors(self, at: np.ndarray) -> np.ndarray:
        """Return the vectors of places, computed in float64."""
        with torch.no_grad():
            return self.module.double().eval()(torch.from_numpy(self.position(at))).numpy()


def satclip_tower(degrees: int, hidden: int = 512, out: int = 256, layers: int = 2, seed: int = 3) -> MadeTower:
    torch.manual_seed(seed)
    return MadeTower(Siren(degrees * degrees, hidden, layers, out).double(),
                     lambda at: satclip_harmonics(at, degrees))


def satclip_checkpoint(tower: MadeTower, degrees: int, **changes: Any) -> Dict[str, Any]:
    """Return what Lightning stores: the network twice, the image tower, the optimiser, and the settings."""
    shared = nn.Module()
    shared.nnet = tower.module
    shared.visual = nn.Sequential(nn.Conv2d(13, 4, 3), nn.BatchNorm2d(4))
    shared.logit_scale = nn.Parameter(torch.tensor(2.66))
    shared.location = nn.Module()
    shared.location.nnet = tower.module
    model = nn.Module()
    model.model = shared
    optimiser = torch.optim.AdamW([{"params": tower.module.parameters(), "weight_decay": 0.01}], lr=1e-4)
    tower.module(torch.zeros(1, degrees * degrees, dtype=torch.float64)).sum().backward()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimiser.step()
    model.load_state_dict(before)
    settings = {"embed_dim": 256, "image_resolution": 256, "vision_layers": "moco_resnet18", "vision_width": 768,
                "vision_patch_size": 32, "in_channels": 13, "le_type": "sphericalharmonics", "pe_type": "siren",
                "frequency_num": 16, "max_radius": 0.01, "min_radius": 1, "legendre_polys": degrees,
                "harmonics_calculation": "analytic", "sh_embedding_dims": 32, "num_hidden_layers": 2,
                "capacity": 512, "learning_rate": 1e-4, "weight_decay": 0.01}
    settings.update(changes)
    return {"epoch": 499, "global_step": 5500, "pytorch-lightning_version": "2.0.9", "state_dict": model.state_dict(),
            "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 500}}}},
            "callbacks": {"ModelCheckpoint{'monitor': 'val_loss'}": {"best_model_score": torch.tensor(1.5)}},
            "optimizer_states": [optimiser.state_dict()], "lr_schedulers": [], "hparams_name": "kwargs",
            "hyper_parameters": settings}


# ---- GeoCLIP


class Capsule(nn.Module):
    """Random waves, three layers that are cut off below zero, and a head."""

    def __init__(self, sigma: float, waves: int, hidden: int, out: int) -> None:
        super().__init__()
        encoding = nn.Module()
        encoding.b = nn.Parameter(torch.randn(waves, 2) * sigma, requires_grad=False)
        self.capsule = nn.Sequential(encoding, nn.Linear(2 * waves, hidden), nn.ReLU(), nn.Linear(hidden, hidden),
                                     nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(hidden, out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        angles = 2 * math.pi * x @ self.capsule[0].b.T
        x = torch.cat([torch.cos(angles), torch.sin(angles)], dim=1)
        for layer in list(self.capsule)[1:]:
            x = layer(x)
        return self.head(x)


class GeoClip(nn.Module):
    """The sum of three capsules."""

    def __init__(self, waves: int = 24, hidden: int = 40, out: int = 32) -> None:
        super().__init__()
        for number, sigma in enumerate((1, 16, 256)):
            self.add_module(f"LocEnc{number}", Capsule(sigma, waves, hidden, out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.LocEnc0(x) + self.LocEnc1(x) + self.LocEnc2(x)


def equal_earth(at: np.ndarray) -> np.ndarray:
    """Return the projection by its published polynomial."""
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    longitude, latitude = np.radians(at).T
    theta = np.arcsin(math.sqrt(3) / 2 * np.sin(latitude))
    x = 2 * math.sqrt(3) * longitude * np.cos(theta) / (
        3 * (9 * a4 * theta ** 8 + 7 * a3 * theta ** 6 + 3 * a2 * theta ** 2 + a1))
    y = a4 * theta ** 9 + a3 * theta ** 7 + a2 * theta ** 3 + a1 * theta
    return np.stack([x, y], axis=1) * 66.50336 / 180


def geoclip_tower(seed: int = 5) -> MadeTower:
    torch.manual_seed(seed)
    return MadeTower(GeoClip(), equal_earth)


# ---- TorchSpatial


@dataclass
class Recipe:
    """One of TorchSpatial's encoders with the settings that it is trained with."""

    kind: str
    ours: str
    scales: int = 8
    min_radius: float = 0.001
    max_radius: float = 1.0
    hidden: int = 48
    layers: int = 1
    activation: str = "leakyrelu"
    skip: bool = True
    norm: bool = True
    out: int = 20
    extent: List[float] = field(default_factory=lambda: [-162.0, -59.0, 20.0, 56.0])
    cells: int = 1


ACTIVATIONS = {"leakyrelu": lambda: nn.LeakyReLU(0.2), "relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh,
               "gelu": nn.GELU}


def position_numbers(recipe: Recipe, at: np.ndarray) -> np.ndarray:
    """Return what TorchSpatial's position encoders return, loop by loop."""
    number = np.arange(recipe.scales)
    radii = recipe.min_radius * (recipe.max_radius / recipe.min_radius) ** (number / (recipe.scales - 1))
    # These two ignore the finest radius.
    ignoring = recipe.max_radius ** (-number / (recipe.scales - 1))
    rows = []
    for longitude, latitude in at:
        rows.append(_row(recipe, longitude, latitude, 1 / radii, ignoring))
    return np.array(rows)


def _row(recipe: Recipe, longitude: float, latitude: float, factors: np.ndarray, ignoring: np.ndarray) -> List[float]:
    lam, phi = math.radians(longitude), math.radians(latitude)
    xyz = [math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)]
    row: List[float] = []
    if recipe.kind in ("wrap", "wrap_ffn"):
        x, y = longitude / 180, latitude / 90
        return [math.sin(math.pi * x), math.sin(math.pi * y), math.cos(math.pi * x), math.cos(math.pi * y)]
    if recipe.kind == "xyz":
        return xyz
    if recipe.kind == "NeRF":
        for wave in (math.sin, math.cos):
            for value in xyz:
                row += [wave(value * math.pi * 2 ** power) for power in range(recipe.scales)]
        return row
    if recipe.kind == "Space2Vec-grid":
        for value in (longitude, latitude):
            for factor in factors:
                row += [math.sin(value * factor), math.cos(value * factor)]
        return row
    if recipe.kind == "Space2Vec-theory":
        for factor in factors:
            for ux, uy in ((1, 0), (-0.5, math.sqrt(3) / 2), (-0.5, -math.sqrt(3) / 2)):
                along = (longitude * ux + latitude * uy) * factor
                row += [math.sin(along), math.cos(along)]
        return row
    if recipe.kind == "Sphere2Vec-dfs":
        across = [math.sin(lam * f) for f in ignoring] + [math.cos(lam * f) for f in ignoring]
        up = [math.sin(phi * f) for f in ignoring] + [math.cos(phi * f) for f in ignoring]
        row = [a * b for a in across for b in up]
        for f in ignoring:
            row += [math.sin(phi * f), math.cos(phi * f), math.sin(lam * f), math.cos(lam * f)]
        return row
    for f in ignoring if recipe.kind.endswith("M+") else factors:
        sp, cp, sl, cl = math.sin(phi * f), math.cos(phi * f), math.sin(lam * f), math.cos(lam * f)
        alone = [sp, cp, sl, cl]
        both = [cp * cl, cp * sl]
        mixed = [cp * math.cos(lam), math.cos(phi) * cl, cp * math.sin(lam), math.cos(phi) * sl]
        row += {"Sphere2Vec-sphereC": [sp, *both], "Sphere2Vec-sphereC+": [*alone, *both],
                "Sphere2Vec-sphereM": [sp, *mixed], "Sphere2Vec-sphereM+": [*alone, *mixed]}[recipe.kind]
    return row


class Layer(nn.Module):
    """One layer of the feed-forward net."""

    def __init__(self, wide: int, out: int, activation: str, bridged: bool, norm: bool) -> None:
        super().__init__()
        self.linear = nn.Linear(wide, out)
        self.act = ACTIVATIONS[activation]()
        self.bridged = bridged and wide == out
        if norm:
            self.layernorm = nn.LayerNorm(out)
            nn.init.normal_(self.layernorm.weight, 1, 0.2)
            nn.init.normal_(self.layernorm.bias, 0, 0.2)
        self.norm = norm

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.act(self.linear(x))
        if self.bridged:
            found = found + x
        return self.layernorm(found) if self.norm else found


class FeedForward(nn.Module):
    """Hidden layers, and a last one that has an activation too, but neither bridge nor norm."""

    def __init__(self, recipe: Recipe, wide: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for _ in range(recipe.layers):
            self.layers.append(Layer(wide, recipe.hidden, recipe.activation, recipe.skip, recipe.norm))
            wide = recipe.hidden
        self.layers.append(Layer(wide, recipe.out, recipe.activation, False, False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class Residual(nn.Module):
    """A residual block of the network of `wrap`."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.w1, self.w2 = nn.Linear(wide, wide), nn.Linear(wide, wide)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.relu(self.w2(torch.relu(self.w1(x))))


class Waves(nn.Module):
    """Random Fourier features as TorchSpatial stores them."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.dirvec = nn.Parameter(torch.randn(2, recipe.scales) * 1.4, requires_grad=False)
        self.shift = nn.Parameter(torch.rand(recipe.scales) * 2 * math.pi, requires_grad=False)
        self.extent = recipe.extent

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        west, east, south, north = self.extent
        low, high = torch.tensor([west, south]).double(), torch.tensor([east, north]).double()
        unit = (x - low) / (high - low) * 2 - 1
        return torch.cos(unit @ self.dirvec + self.shift) * math.sqrt(2 / self.dirvec.shape[1])


class Tiles(nn.Module):
    """A table of vectors, in the order of rows from the south."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.embedding = nn.Embedding(recipe.cells, recipe.scales)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.embedding(x[:, 0].long())


class Encoder(nn.Module):
    """The whole of it, with the layers for classes and users."""

    def __init__(self, recipe: Recipe, width: int) -> None:
        super().__init__()
        self.spa_enc = nn.Module()
        if recipe.kind in ("rff", "tile_ffn"):
            self.spa_enc.position_encoder = Waves(recipe) if recipe.kind == "rff" else Tiles(recipe)
        self.spa_enc.ffn = FeedForward(recipe, width)
        self.class_emb = nn.Linear(recipe.out, 7, bias=False)
        self.user_emb = nn.Linear(recipe.out, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        front = getattr(self.spa_enc, "position_encoder", None)
        return self.spa_enc.ffn(x if front is None else front(x))


class WrapEncoder(nn.Module):
    """The network of `wrap`."""

    def __init__(self, out: int) -> None:
        super().__init__()
        self.class_emb = nn.Linear(out, 7, bias=False)
        self.user_emb = nn.Linear(out, 1, bias=False)
        self.feats = nn.Sequential(nn.Linear(4, out), nn.ReLU(), *(Residual(out) for _ in range(4)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.feats(x)


def torchspatial_tower(recipe: Recipe, seed: int = 7) -> MadeTower:
    torch.manual_seed(seed)
    if recipe.kind == "wrap":
        return MadeTower(WrapEncoder(recipe.out), lambda at: position_numbers(recipe, at))
    if recipe.kind == "rff":
        return MadeTower(Encoder(recipe, recipe.scales), lambda at: at)
    if recipe.kind == "tile_ffn":
        return MadeTower(Encoder(recipe, recipe.scales), lambda at: np.array([[_tile(recipe, *p)] for p in at]))
    width = position_numbers(recipe, np.zeros((1, 2))).shape[1]
    return MadeTower(Encoder(recipe, width), lambda at: position_numbers(recipe, at))


def _tile(recipe: Recipe, longitude: float, latitude: float) -> float:
    """Return the number of a tile of 60° over the globe, or the only tile."""
    if recipe.cells == 1:
        return 0.0
    return min(int((latitude + 90) // 60), 2) * 6.0 + min(int((longitude + 180) // 60), 5)


def torchspatial_checkpoint(recipe: Recipe, tower: MadeTower, told: bool = True) -> Dict[str, Any]:
    """Return what its trainer stores, with the settings or without."""
    parameters = [parameter for parameter in tower.module.parameters() if parameter.requires_grad]
    found = {"epoch": 30, "state_dict": tower.module.float().state_dict(),
             "optimizer": torch.optim.Adam(parameters, lr=0.01).state_dict()}
    if told:
        found["params"] = {
            "spa_enc_type": recipe.kind, "frequency_num": recipe.scales, "max_radius": recipe.max_radius,
            "min_radius": recipe.min_radius, "freq_init": "geometric", "spa_f_act": recipe.activation,
            "num_hidden_layer": recipe.layers, "hidden_dim": recipe.hidden, "use_layn": recipe.norm,
            "skip_connection": recipe.skip, "map_range": recipe.extent, "dataset": "yfcc", "num_classes": 7,
            "device": "cuda:0", "rbf_anchor_pt_ids": None, "regress_dataset": ["mosaiks_elevation"], "lr": 0.01}
    return found


# ---- safetensors


def write_safetensors(path: Path, tensors: Dict[str, np.ndarray]) -> None:
    """Write the format by its specification."""
    kinds = {"float32": "F32", "float64": "F64", "float16": "F16", "int64": "I64"}
    header, start = {"__metadata__": {"format": "pt"}}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": kinds[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [start, start + array.nbytes]}
        start += array.nbytes
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(a.tobytes() for a in tensors.values()))
