"""Learns vectors by their cosine: of a field, of a table, or of the rows themselves."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, List, Mapping, Optional

import numpy as np

from ...progress import Part, Progress
from ...training.folds import Folds
from ..figures import COSINE, mean_of, verdict_of
from ..judged import CONSTANT, COORDINATES, ENCODER, NEAREST, NEIGHBOURS
from ..probing import coordinates, neighbours, ridge
from ..request import DISTIL, TrainLocationRequest
from ..vectors import TeacherVectors, teacher_vectors
from .objective import Judgement, Seen
from .warnings import distil_warnings

_SIGNALS = 3
_MOST_DECOMPOSED = 20_000
_STREAM = 97
_NAMES = {ENCODER: "encoder", COORDINATES: "coordinates and ridge", NEIGHBOURS: "interpolation between near places",
          NEAREST: "the nearest place's vector", CONSTANT: "the mean vector"}


class DistilObjective:
    """Teaches the directions of vectors; with fewer dimensions than they have, those of their principal part."""

    name = DISTIL
    unit_norm = True

    def __init__(self, teacher: TeacherVectors) -> None:
        """Take vectors of length one."""
        self.teacher = teacher
        self.gathered = teacher.gathered
        self.provenance = teacher.provenance
        self.what = teacher.name
        self.strata: "Optional[np.ndarray]" = None
        self.signals = _first_components(teacher.vectors)

    def width(self, wanted: int, progress: Progress) -> int:
        """Return what is wanted, or the vectors' own width where that is less."""
        own = self.teacher.vectors.shape[1]
        if wanted > own:
            progress.info(f"The vectors of {self.teacher.name} have {own} numbers, so the encoder's have as many "
                          f"and not {wanted}.")
        return min(wanted, own)

    def lesson(self, torch: Any, rows: np.ndarray, dimensions: int, seed: int, device: Any) -> "DistilLesson":
        """Start a training: a reduction is fitted to its own rows."""
        return DistilLesson(torch, self.teacher.vectors, rows, dimensions, seed, device)

    def predict(self, seen: Seen, progress: Progress) -> "Dict[str, np.ndarray]":
        """Return for each way the cosine of each held row."""
        found = other_ways(self.teacher.vectors, self.gathered.places, seen, progress)
        basis = getattr(seen.lesson, "basis", None)
        vectors = seen.held_vectors if basis is None else seen.held_vectors @ basis.T
        return {ENCODER: cosines(vectors, self.teacher.vectors[seen.held]), **found}

    def judge(self, predicted: "Mapping[str, np.ndarray]", folds: Folds) -> Judgement:
        """Judge the mean cosine in held-out blocks."""
        return judged_cosines(predicted, folds, self.teacher)

    def facts(self) -> "Mapping[str, Any]":
        """Return what was learnt, for the card."""
        return {"vectors_of": self.teacher.name, "space": self.teacher.key,
                "vector_dimensions": int(self.teacher.vectors.shape[1]), "places": len(self.gathered)}

    def digest(self) -> str:
        """Return a digest of places and vectors."""
        return vectors_digest(self.teacher)


class DistilLesson:
    """One less the cosine between the encoder's vectors and those to learn."""

    def __init__(self, torch: Any, vectors: np.ndarray, rows: np.ndarray, dimensions: int, seed: int,
                 device: Any) -> None:
        """Reduce the vectors where fewer dimensions are wanted; `basis` `(D, k)` leads back."""
        self._torch = torch
        self.parameters: "List[Any]" = []
        self.basis = None if dimensions == vectors.shape[1] else principal_basis(vectors[rows], dimensions, seed)
        # A vector's length is one before the reduction and what the reduction leaves of it after.
        self._targets = torch.from_numpy(np.ascontiguousarray(
            vectors if self.basis is None else vectors @ self.basis, dtype=np.float32)).to(device)

    def loss(self, vectors: Any, rows: np.ndarray) -> Any:
        """Return the mean of one less the cosine, by which vectors far from the reduction count less."""
        index = self._torch.from_numpy(np.ascontiguousarray(rows)).to(vectors.device)
        return 1.0 - (vectors * self._targets[index]).sum(dim=1).mean()


def distil_objective(request: TrainLocationRequest, progress: Progress) -> DistilObjective:
    """Gather the vectors of a request."""
    return DistilObjective(teacher_vectors(request, progress))


def other_ways(vectors: np.ndarray, places: np.ndarray, seen: Seen, progress: Progress) -> "Dict[str, np.ndarray]":
    """Return the cosines of held rows by coordinates, by near places, by the nearest one and by the mean vector."""
    known, truth = vectors[seen.rows].astype(np.float64), vectors[seen.held]
    here, there = coordinates(places[seen.rows], places[seen.held])
    plain = ridge(here, known, there, seen.inner, Part(progress, 0.0, 0.3))
    near = neighbours(places[seen.rows], known, places[seen.held], seen.inner, Part(progress, 0.3, 0.8))[0]
    nearest = neighbours(places[seen.rows], known, places[seen.held], np.zeros(0), Part(progress, 0.8, 1.0), 1)[0]
    mean = np.repeat(known.mean(axis=0)[np.newaxis], len(truth), axis=0)
    return {key: cosines(found, truth) for key, found in (
        (COORDINATES, plain), (NEIGHBOURS, near), (NEAREST, nearest), (CONSTANT, mean))}


def judged_cosines(predicted: "Mapping[str, np.ndarray]", folds: Folds, teacher: TeacherVectors) -> Judgement:
    """Return the verdict on mean cosines, and what it means."""
    verdict = verdict_of(teacher.name, COSINE, {key: mean_of(values, folds) for key, values in predicted.items()},
                         len(teacher.vectors), _NAMES)
    return Judgement(verdict, (), distil_warnings(verdict, teacher.name))


def cosines(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the cosine of each row, 0 of a vector without length."""
    products = np.einsum("ij,ij->i", predicted, truth, dtype=np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", predicted, predicted, dtype=np.float64)
                      * np.einsum("ij,ij->i", truth, truth, dtype=np.float64))
    return np.where(lengths > 0, products / np.where(lengths > 0, lengths, 1.0), 0.0)


def principal_basis(vectors: np.ndarray, dimensions: int, seed: int) -> np.ndarray:
    """Return orthonormal columns `(D, k)` that keep most of the vectors; not centred, so that cosines stay."""
    if len(vectors) > _MOST_DECOMPOSED:
        picked = np.random.default_rng((seed, _STREAM)).choice(len(vectors), _MOST_DECOMPOSED, replace=False)
        vectors = vectors[np.sort(picked)]
    plain = vectors.astype(np.float64)
    values, axes = np.linalg.eigh(plain.T @ plain)
    basis = axes[:, np.argsort(-values, kind="stable")[:dimensions]]
    # The sign of an axis is chance; the largest number of each is made positive.
    signs = np.sign(basis[np.abs(basis).argmax(axis=0), np.arange(basis.shape[1])])
    return (basis * np.where(signs == 0, 1.0, signs)).astype(np.float32)


def vectors_digest(teacher: TeacherVectors) -> str:
    """Return a digest of places and vectors."""
    content = hashlib.sha256(np.ascontiguousarray(teacher.gathered.places).tobytes())
    content.update(np.ascontiguousarray(teacher.vectors).tobytes())
    content.update(teacher.key.encode("utf-8"))
    return content.hexdigest()


def _first_components(vectors: np.ndarray) -> np.ndarray:
    """Return the first principal components, by which blocks are sized."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    some = centred[:: max(1, len(centred) // _MOST_DECOMPOSED)]
    values, axes = np.linalg.eigh(some.T @ some)
    return centred @ axes[:, np.argsort(-values, kind="stable")[:_SIGNALS]]
