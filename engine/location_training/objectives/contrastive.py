"""Learns vectors by contrast: each place's vector is to be told from those of the other places of a batch."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

import numpy as np

from ...progress import Part, Progress
from ...training.folds import Folds
from ..judged import ENCODER
from ..probing import ridge
from ..request import CONTRASTIVE, TrainLocationRequest
from ..vectors import TeacherVectors, teacher_vectors
from .distil import DistilObjective, cosines, judged_cosines, other_ways, vectors_digest
from .objective import Judgement, Seen

_TEMPERATURE = 0.07
_HOTTEST = 100.0
_STREAM = 73


class ContrastiveObjective:
    """Teaches by InfoNCE in both directions; a linear map brings the vectors to the encoder's width."""

    name = CONTRASTIVE
    unit_norm = True

    def __init__(self, teacher: TeacherVectors) -> None:
        """Take vectors of length one."""
        plain = DistilObjective(teacher)
        self.teacher = teacher
        self.gathered = teacher.gathered
        self.provenance = teacher.provenance
        self.what = teacher.name
        self.strata: "Optional[np.ndarray]" = None
        self.signals = plain.signals
        self._plain = plain

    def width(self, wanted: int, progress: Progress) -> int:
        """Return what is wanted, as for the other objective, so that the two compare."""
        return self._plain.width(wanted, progress)

    def lesson(self, torch: Any, rows: np.ndarray, dimensions: int, seed: int, device: Any) -> "ContrastiveLesson":
        """Start a training."""
        return ContrastiveLesson(torch, self.teacher.vectors, rows, dimensions, seed, device)

    def predict(self, seen: Seen, progress: Progress) -> "Dict[str, np.ndarray]":
        """Return for each way the cosine of each held row; the encoder's vectors are led back by a ridge."""
        vectors = self.teacher.vectors
        back = ridge(seen.vectors, vectors[seen.rows].astype(np.float64), seen.held_vectors, seen.inner,
                     Part(progress, 0.0, 0.3))
        return {ENCODER: cosines(back, vectors[seen.held]),
                **other_ways(vectors, self.gathered.places, seen, Part(progress, 0.3, 1.0))}

    def judge(self, predicted: "Mapping[str, np.ndarray]", folds: Folds) -> Judgement:
        """Judge the mean cosine in held-out blocks."""
        return judged_cosines(predicted, folds, self.teacher)

    def facts(self) -> "Mapping[str, Any]":
        """Return what was learnt, for the card."""
        return self._plain.facts()

    def digest(self) -> str:
        """Return a digest of places and vectors."""
        return vectors_digest(self.teacher)


class ContrastiveLesson:
    """The map of the vectors and the temperature, which are learnt beside the encoder."""

    def __init__(self, torch: Any, vectors: np.ndarray, rows: np.ndarray, dimensions: int, seed: int,
                 device: Any) -> None:
        """Centre the vectors by the training's rows, since what all share tells none apart."""
        self._torch = torch
        centred = vectors - vectors[rows].mean(axis=0)
        deviation = float(centred[rows].std()) or 1.0
        self._vectors = torch.from_numpy((centred / deviation).astype(np.float32)).to(device)
        chance = np.random.default_rng((seed, _STREAM))
        width = vectors.shape[1]
        bound = np.sqrt(6.0 / (width + dimensions))
        self._map = torch.from_numpy(chance.uniform(-bound, bound, (dimensions, width)).astype(np.float32)).to(
            device).requires_grad_(True)
        self._scale = torch.full((), float(np.log(1 / _TEMPERATURE)), device=device, requires_grad=True)
        self.parameters = [self._map, self._scale]

    def loss(self, vectors: Any, rows: np.ndarray) -> Any:
        """Return the mean of both directions' cross-entropy among the rows of a batch."""
        torch = self._torch
        functional = torch.nn.functional
        index = torch.from_numpy(np.ascontiguousarray(rows)).to(vectors.device)
        others = functional.normalize(functional.linear(self._vectors[index], self._map), dim=1)
        products = (vectors @ others.T) * self._scale.exp().clamp(max=_HOTTEST)
        own = torch.arange(len(rows), device=vectors.device)
        return (functional.cross_entropy(products, own) + functional.cross_entropy(products.T, own)) / 2


def contrastive_objective(request: TrainLocationRequest, progress: Progress) -> ContrastiveObjective:
    """Gather the vectors of a request."""
    return ContrastiveObjective(teacher_vectors(request, progress))
