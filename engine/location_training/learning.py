"""One training of a network on some rows: AdamW, an average of the weights along the way, early stopping in blocks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional

import numpy as np

from ..locations.network import Network
from ..progress import Progress, check
from .features import Features
from .judged import Curve
from .keeping import Keeping
from .objectives.objective import Lesson
from .torch_network import TorchNetwork

RATE = 1e-3
# Sines of high frequency need smaller steps.
SIREN_RATE = 3e-4
DECAY = 0.3
# What is measured at a place is noisy, and learnt by heart unless hidden numbers are left out; vectors are less so.
TARGET_DROPOUT, DROPOUT = 0.5, 0.1
PATIENCE = 8
_BETAS, _EPSILON = (0.9, 0.999), 1e-8
_WARM_UP = 50
_LONGEST_MEMORY = 0.99
_STEEPEST = 5.0
_STEPS_AN_EPOCH = 24
_BATCHES = (32, 512)
_HELD_BATCH = 2048
_FRACTION_EVERY, _SAVE_EVERY = 0.5, 10.0
_ORDER_STREAM, _DROP_STREAM = 53, 59


@dataclass(frozen=True)
class Course:
    """How long a training goes: at most so many epochs; where it holds rows out, the best epoch's weights are kept."""

    name: str
    number: int
    rows: np.ndarray
    held: np.ndarray
    epochs: int
    early: bool
    seed: int
    rate: float = RATE
    dropout: float = DROPOUT


@dataclass(frozen=True, eq=False)
class Learnt:
    """The network as it came out, and how it went."""

    network: Network
    curve: Curve


def batch_size(rows: int) -> int:
    """Return how many rows make a step: some two dozen steps an epoch, within bounds."""
    return int(np.clip(rows // _STEPS_AN_EPOCH, *_BATCHES))


class Learning:
    """Trains; everything that changes lies in a few flat tensors, which makes a state easy to keep."""

    def __init__(self, torch: Any, device: Any, network: TorchNetwork, features: Features, lesson: Lesson) -> None:
        """Put all parameters into one flat tensor, of which they are views."""
        self._torch = torch
        self._device = device
        self._network = network
        self._features = features
        self._lesson = lesson
        parameters = [*network.parameters, *lesson.parameters]
        decays = [*network.decays, *(parameter.dim() > 1 for parameter in lesson.parameters)]
        sizes = [int(parameter.numel()) for parameter in parameters]
        with torch.no_grad():
            self._flat = torch.cat([parameter.detach().reshape(-1) for parameter in parameters])
            self._slope = torch.zeros_like(self._flat)
            self._shrink = torch.cat([torch.full((size,), float(decay), device=device)
                                      for size, decay in zip(sizes, decays)])
            start = 0
            for parameter, size in zip(parameters, sizes):
                parameter.data = self._flat[start:start + size].view(parameter.shape)
                parameter.grad = self._slope[start:start + size].view(parameter.shape)
                start += size
            self._first, self._second = torch.zeros_like(self._flat), torch.zeros_like(self._flat)
            self._average, self._best = self._flat.clone(), self._flat.clone()
        self._step = 0

    def run(self, course: Course, keeping: Keeping, progress: Progress) -> Learnt:
        """Train until it gets no better, or for all epochs; `progress` counts the epochs."""
        train: "List[float]" = []
        held: "List[float]" = []
        self._restore(keeping.load(course.name), train, held)
        watch = _Watch(progress)
        saved = time.monotonic()
        while len(train) < course.epochs and not self._over(course, held):
            train.append(self._epoch(course, len(train), watch))
            if len(course.held):
                held.append(self._held_loss(course, watch))
                if not course.early or held[-1] <= min(held):
                    self._best.copy_(self._average)
            else:
                self._best.copy_(self._average)
            if time.monotonic() - saved > _SAVE_EVERY:
                keeping.save(course.name, self._state(train, held))
                saved = time.monotonic()
            watch.told(len(train) / course.epochs, _sentence(course, train, held))
        keeping.save(course.name, self._state(train, held))
        kept = int(np.argmin(held)) + 1 if course.early and held else len(train)
        with self._torch.no_grad():
            self._flat.copy_(self._best)
        return Learnt(self._network.plain(), Curve(course.name, tuple(train), tuple(held), kept))

    def vectors(self, rows: np.ndarray, progress: Progress) -> np.ndarray:
        """Return float32 vectors of rows by the weights that were kept."""
        found = []
        with self._torch.no_grad():
            for start in range(0, len(rows), _HELD_BATCH):
                check(progress)
                found.append(self._network(self._inputs(rows[start:start + _HELD_BATCH])).cpu().numpy())
        return np.concatenate(found)

    def _over(self, course: Course, held: "List[float]") -> bool:
        """Tell whether the held-out loss has not fallen for too long."""
        return course.early and len(held) > 0 and len(held) - 1 - int(np.argmin(held)) >= PATIENCE

    def _epoch(self, course: Course, epoch: int, watch: "_Watch") -> float:
        """Go through all rows once, in an order that the seed and the epoch alone decide."""
        order = np.random.default_rng((course.seed, _ORDER_STREAM, course.number, epoch)).permutation(course.rows)
        batch = batch_size(len(order))
        # A last batch of a few rows would count as much as a whole one.
        count = max(1, round(len(order) / batch))
        total = self._torch.zeros((), device=self._device)
        chance = self._torch.Generator(device=self._device)
        chance.manual_seed(int(np.random.default_rng((course.seed, _DROP_STREAM, course.number, epoch)).integers(
            2 ** 62)))
        self._network.drop(course.dropout, chance)
        for done, rows in enumerate(np.array_split(order, count)):
            watch.look((epoch + done / count) / course.epochs)
            self._slope.zero_()
            loss = self._lesson.loss(self._network(self._inputs(rows)), rows)
            loss.backward()
            self._move(course.rate)
            total += loss.detach() * (len(rows) / len(order))
        self._network.drop(0.0, None)
        return float(total)

    def _held_loss(self, course: Course, watch: "_Watch") -> float:
        """Return the loss of the rows that are held out, by the averaged weights."""
        torch = self._torch
        total = 0.0
        with torch.no_grad():
            current = self._flat.clone()
            self._flat.copy_(self._average)
            for start in range(0, len(course.held), _HELD_BATCH):
                watch.look(None)
                rows = course.held[start:start + _HELD_BATCH]
                total += float(self._lesson.loss(self._network(self._inputs(rows)), rows)) * len(rows)
            self._flat.copy_(current)
        return total / len(course.held)

    def _move(self, rate: float) -> None:
        """Take one step of AdamW, no longer than is good, and let the average follow."""
        torch = self._torch
        with torch.no_grad():
            self._step += 1
            steep = torch.linalg.vector_norm(self._slope)
            self._slope.mul_(torch.clamp(_STEEPEST / (steep + 1e-12), max=1.0))
            one, two = _BETAS
            self._first.lerp_(self._slope, 1 - one)
            self._second.mul_(two).addcmul_(self._slope, self._slope, value=1 - two)
            rate = rate * min(1.0, self._step / _WARM_UP)
            self._flat.addcmul_(self._flat, self._shrink, value=-rate * DECAY)
            root = (self._second / (1 - two ** self._step)).sqrt_().add_(_EPSILON)
            self._flat.addcdiv_(self._first, root, value=-rate / (1 - one ** self._step))
            memory = min(_LONGEST_MEMORY, (1 + self._step) / (10 + self._step))
            self._average.lerp_(self._flat, 1 - memory)

    def _inputs(self, rows: np.ndarray) -> Any:
        """Return the features of rows as a tensor on the device."""
        return self._torch.from_numpy(self._features.of(rows)).to(self._device)

    def _state(self, train: "List[float]", held: "List[float]") -> "Dict[str, np.ndarray]":
        """Return all that changes, as arrays."""
        tensors = {"weights": self._flat, "first": self._first, "second": self._second, "average": self._average,
                   "best": self._best}
        return {**{name: tensor.cpu().numpy() for name, tensor in tensors.items()}, "step": np.array(self._step),
                "train": np.array(train), "held": np.array(held)}

    def _restore(self, state: "Optional[Dict[str, np.ndarray]]", train: "List[float]", held: "List[float]") -> None:
        """Go on from a state that was kept."""
        if state is None or state["weights"].shape != (int(self._flat.numel()),):
            return
        with self._torch.no_grad():
            for name, tensor in (("weights", self._flat), ("first", self._first), ("second", self._second),
                                 ("average", self._average), ("best", self._best)):
                tensor.copy_(self._torch.from_numpy(state[name]))
        self._step = int(state["step"])
        train.extend(state["train"].tolist())
        held.extend(state["held"].tolist())


class _Watch:
    """Asks for a cancel between batches, and reports twice a second."""

    def __init__(self, progress: Progress) -> None:
        """Nothing was said yet."""
        self._progress = progress
        self._last = time.monotonic()
        self._fraction = 0.0

    def look(self, fraction: Optional[float]) -> None:
        """Raise where the user wants to stop; say how far it is where that was long ago."""
        check(self._progress)
        self._fraction = self._fraction if fraction is None else fraction
        if time.monotonic() - self._last > _FRACTION_EVERY:
            self._progress.report(self._fraction)
            self._last = time.monotonic()

    def told(self, fraction: float, text: str) -> None:
        """Report with a text."""
        self._fraction = fraction
        self._progress.report(fraction, text)
        self._last = time.monotonic()


def _sentence(course: Course, train: "List[float]", held: "List[float]") -> str:
    """Say where a training is."""
    text = f"{course.name[:1].upper()}{course.name[1:]}, epoch {len(train)}: loss {train[-1]:.3f}"
    return text + (f", in held-out blocks {held[-1]:.3f} (best {min(held):.3f})" if held else "")
