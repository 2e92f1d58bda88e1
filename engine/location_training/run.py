"""Trains a location encoder: gather, propose, validate in blocks, train on all rows, judge, store."""

from __future__ import annotations

import datetime
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from ..errors import InputError, OutputError
from ..locations.card import LocationCard
from ..locations.coverage import Coverage, coverage_of
from ..locations.network import Network
from ..locations.position import Position
from ..locations.settings import Settings
from ..locations.storing import save_location_encoder
from ..model_item import card_path
from ..packages import require
from ..partial import PartialWork, digest_of, is_worth_keeping
from ..pipeline import attend
from ..progress import Part, Progress, check
from ..training.folds import Folds, inner_folds
from ..version import VERSION
from ..whole import require_writable
from .building import SIREN, in_words, network_kind, new_network
from .choosing import objective_of
from .device import Chosen, choose_device
from .features import Features, sampled_features
from .judged import COORDINATES, ENCODER, NEIGHBOURS, Curve, Judged
from .keeping import Keeping
from .learning import DROPOUT, RATE, SIREN_RATE, TARGET_DROPOUT, Course, Learning, Learnt
from .objectives.objective import Judgement, Objective, Seen
from .parting import early_rows, part_rows
from .positions import position_for
from .proposing import Proposal, propose
from .request import KINDS, MOST_EPOCHS, TARGET, TrainLocationRequest, TrainLocationResult
from .scope import torch_scope
from .spread import Spread, spread_of
from .surface import surface_of
from .tiles import filled_tiles
from .torch_network import TorchNetwork

FINAL = "final training"
_START_STREAM = 11
_MOST_DIMENSIONS = 4096
_NEAR_SEAM, _NEAR_POLE = 179.0, 89.0


@dataclass(frozen=True, eq=False)
class LearntEncoder:
    """A finished training before anything of it is written; `kept` holds what a later run could go on from."""

    judged: Judged
    position: Position
    network: Network
    card: LocationCard
    kept: Optional[PartialWork]


def train_location_encoder(request: TrainLocationRequest, progress: Progress) -> TrainLocationResult:
    """Train, judge and store an encoder, with a report where one is asked for."""
    _refuse(request)
    for path in filter(None, (request.output, str(card_path(request.output)), request.report)):
        require_writable(Path(path))
    learnt = learn(request, Part(progress, 0.0, 0.98))
    judged = learnt.judged
    for warning in judged.warnings:
        progress.warn(warning)
    if request.report:
        from .report import write_report
        write_report(request.report, judged)
    save_location_encoder(request.output, learnt.position, learnt.network, learnt.card)
    if learnt.kept is not None:
        learnt.kept.remove()
    progress.report(1.0)
    verdict = judged.verdict
    return TrainLocationResult(
        request.output, judged.dimensions, verdict.value(ENCODER), verdict.value(COORDINATES),
        verdict.value(NEIGHBOURS), judged.device, judged.warnings, verdict.score_name, request.kind, judged.objective,
        len(judged.places), judged.curves[-1].kept, judged.seconds, _flat(judged))


def learn(request: TrainLocationRequest, progress: Progress) -> LearntEncoder:
    """Do all but the writing."""
    started = time.monotonic()
    _refuse(request)
    progress.report(0.0, "Loading torch")
    torch = attend(lambda: require("torch"), progress)
    with torch_scope(torch):
        device = choose_device(torch, request.device)
        progress.info(f"Training on {device.name}: {device.why}.")
        objective = objective_of(request, Part(progress, 0.0, 0.08))
        plan = _planned(request, objective, torch, device, Part(progress, 0.08, 0.1))
        try:
            return _learn(plan, started, Part(progress, 0.1, 1.0))
        except Exception as error:
            if plan.kept is not None and not is_worth_keeping(error) and not progress.cancelled():
                plan.kept.remove()
            raise


@dataclass(frozen=True, eq=False)
class _Plan:
    """All that is settled before the first training."""

    request: TrainLocationRequest
    objective: Objective
    torch: Any
    device: Chosen
    dimensions: int
    spread: Spread
    proposal: Proposal
    folds: Folds
    kept: Optional[PartialWork]
    keeping: Keeping = field(init=False)

    def __post_init__(self) -> None:
        """Keep in the folder, where there is one."""
        object.__setattr__(self, "keeping", Keeping(self.kept))

    @property
    def settings(self) -> Settings:
        """Return the settings, complete."""
        return self.proposal.settings

    @property
    def places(self) -> np.ndarray:
        """Return the places of all rows."""
        return self.objective.gathered.places


@dataclass(frozen=True, eq=False)
class _Trained:
    """What one training gave: the position and network that go together, and the means to use them."""

    position: Position
    learning: Learning
    learnt: Learnt
    lesson: Any
    parameters: int


def _planned(request: TrainLocationRequest, objective: Objective, torch: Any, device: Chosen,
             progress: Progress) -> _Plan:
    """Choose dimensions, scales and folds, and tell them."""
    places = objective.gathered.places
    if request.folds > len(places):
        raise InputError("location-few", "{name} has {places} rows that can be used, fewer than the {count} blocks "
                         "that an encoder is validated in: add places, or lower FOLD_COUNT.",
                         name=objective.gathered.name, places=len(places), count=request.folds)
    dimensions = objective.width(request.dimensions, progress)
    spread = attend(lambda: spread_of(places, request.seed), progress)
    proposal = propose(request.kind, request.settings, spread, request.seed)
    for sentence in proposal.told:
        progress.info(sentence)
    # A setting that can't be is said before hours of work.
    position_for(request.kind, proposal.settings, places, request.seed)
    progress.report(0.3, "Parting the places into blocks")
    folds = attend(lambda: part_rows(objective, request.folds, request.block_size, request.seed), progress)
    why = folds.why[:1].upper() + folds.why[1:]
    progress.info(f"Blocks: {why if why.endswith('.') else why + '.'}")
    kept = None
    if request.resume:
        kept = PartialWork(request.output, digest_of({
            "data": objective.digest(), "objective": objective.name, "kind": request.kind,
            "settings": proposal.settings.as_json(), "dimensions": dimensions, "epochs": request.epochs,
            "seed": request.seed, "device": device.name, "torch": str(torch.__version__), "version": VERSION,
            "folds": digest_of({"fold": folds.fold.tobytes().hex()})}), resume=True)
    return _Plan(request, objective, torch, device, dimensions, spread, proposal, folds, kept)


def _learn(plan: _Plan, started: float, progress: Progress) -> LearntEncoder:
    """Validate in blocks, train on all rows, and judge."""
    objective, count = plan.objective, plan.folds.count
    curves: "List[Curve]" = []
    predicted: "Dict[str, np.ndarray]" = {}
    for number in range(count):
        part = Part(progress, 0.82 * number / count, 0.82 * (number + 1) / count)
        curve, found = _fold(plan, number, part)
        curves.append(curve)
        held = np.flatnonzero(plan.folds.fold == number)
        for key, values in found.items():
            predicted.setdefault(key, np.zeros((len(plan.places), *values.shape[1:]), dtype=values.dtype))[held] = (
                values)
    judgement = objective.judge(predicted, plan.folds)
    for figure in judgement.verdict.figures:
        progress.info(f"{figure.name[:1].upper()}{figure.name[1:]}: {judgement.verdict.score_name} "
                      f"{figure.value:.3f} in blocks not seen.")
    final = _final(plan, curves, Part(progress, 0.82, 0.96))
    network = filled_tiles(final.learnt.network, final.position, plan.places)
    area = attend(lambda: coverage_of(plan.places, plan.request.seed), progress)
    surface, components = surface_of(final.position, network, plan.places, area, Part(progress, 0.96, 1.0))
    warnings = (*plan.proposal.warnings, *((plan.folds.caution,) if plan.folds.caution else ()),
                *_globe_warnings(plan, final.position), *judgement.warnings)
    judged = Judged(
        plan.request, objective.name, objective.what, objective.gathered.name, judgement.verdict, judgement.parts,
        plan.folds, (*curves, final.learnt.curve), plan.places, components, surface, plan.dimensions,
        final.parameters, in_words(plan.request.kind), plan.proposal.told, final.position.details(), plan.device.name,
        plan.device.why, time.monotonic() - started,
        datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        {"earthprint": VERSION, "numpy": np.__version__, "torch": str(plan.torch.__version__)},
        objective.provenance, warnings,
        {"spacing_km": plan.spread.spacing, "extent_km": plan.spread.extent, "places": float(plan.spread.places)})
    card = _card(plan, judged, judgement, final.position, area)
    return LearntEncoder(judged, final.position, network, card, plan.kept)


def _fold(plan: _Plan, number: int, progress: Progress) -> "Tuple[Curve, Dict[str, np.ndarray]]":
    """Train without a fold and let every way predict it; what a run before has finished is taken as it is."""
    name = f"fold {number + 1} of {plan.folds.count}"
    before = plan.keeping.load(f"done-{number}")
    if before is not None:
        progress.info(f"{name[:1].upper()}{name[1:]} is kept from the run before.")
        return _curve_of(name, before), {key[2:]: values for key, values in before.items() if key.startswith("p-")}
    rows, held = np.flatnonzero(plan.folds.fold != number), np.flatnonzero(plan.folds.fold == number)
    early = early_rows(plan.folds, rows, plan.request.seed, number)
    course = Course(name, number, rows[~early], rows[early], plan.request.epochs or MOST_EPOCHS,
                    not plan.request.epochs, plan.request.seed, _rate(plan.request.kind), _dropout(plan.objective))
    trained = _train(plan, course, Part(progress, 0.0, 0.8))
    vectors = _tiled(plan, trained, course.rows, np.concatenate([rows, held]), progress)
    check(progress)
    progress.report(0.82, f"{name[:1].upper()}{name[1:]}: judging the blocks that were held out")
    found = plan.objective.predict(Seen(
        rows, vectors[:len(rows)], held, vectors[len(rows):], inner_folds(plan.folds.fold[rows]), trained.lesson,
        plan.request.seed), Part(progress, 0.82, 1.0))
    curve = trained.learnt.curve
    plan.keeping.save(f"done-{number}", {
        "train": np.array(curve.train), "held": np.array(curve.held), "kept": np.array(curve.kept),
        **{f"p-{key}": values for key, values in found.items()}})
    return curve, found


def _curve_of(name: str, kept: "Dict[str, np.ndarray]") -> Curve:
    """Return the curve of a fold that an earlier run finished."""
    return Curve(name, tuple(kept["train"].tolist()), tuple(kept["held"].tolist()), int(kept["kept"]))


def _tiled(plan: _Plan, trained: _Trained, learnt: np.ndarray, rows: np.ndarray, progress: Progress) -> np.ndarray:
    """Return the vectors of rows; tiles without a place that was learnt from have that of the nearest one that has."""
    if plan.request.kind != "tile":
        return trained.learning.vectors(rows, progress)
    network = filled_tiles(trained.learnt.network, trained.position, plan.places[learnt])
    return network.apply(trained.position.features(plan.places[rows]))


def _final(plan: _Plan, curves: "List[Curve]", progress: Progress) -> _Trained:
    """Train on all rows, for as many epochs as the folds found best.

    Their median rests on as many sets of blocks as there are folds; holding blocks out once more would rest on one
    set, and keep its places from the encoder.
    """
    epochs = plan.request.epochs or max(1, int(round(float(np.median([curve.kept for curve in curves])))))
    everything = np.arange(len(plan.places))
    progress.info(f"The final training takes all {len(everything)} rows and {epochs} epoch{'s' * (epochs > 1)}"
                  + ("." if plan.request.epochs else ", the median of what the folds found best."))
    return _train(plan, Course(FINAL, plan.folds.count, everything, np.empty(0, dtype=np.int64), epochs, False,
                               plan.request.seed, _rate(plan.request.kind), _dropout(plan.objective)), progress)


def _dropout(objective: Objective) -> float:
    """Return the share of hidden numbers that are left out."""
    return TARGET_DROPOUT if objective.name == TARGET else DROPOUT


def _rate(kind: str) -> float:
    """Return the length of steps."""
    return SIREN_RATE if network_kind(kind) == SIREN else RATE


def _train(plan: _Plan, course: Course, progress: Progress) -> _Trained:
    """Build position, network and lesson from the rows of a course, and train."""
    request, torch, device = plan.request, plan.torch, plan.device.device
    places = plan.places[course.rows]
    chance = np.random.default_rng((request.seed, _START_STREAM, course.number))
    position = position_for(request.kind, plan.settings, places, request.seed + course.number)
    sample = attend(lambda: sampled_features(position, places, chance), progress)
    network = new_network(position, sample, plan.dimensions, plan.objective.unit_norm, chance)
    check(progress)
    lesson = plan.objective.lesson(torch, course.rows, plan.dimensions, request.seed, device)
    live = TorchNetwork(network, torch, device)
    features = attend(lambda: Features(position, network, plan.places), progress)
    learning = Learning(torch, device, live, features, lesson)
    learnt = learning.run(course, plan.keeping, progress)
    return _Trained(position, learning, learnt, lesson, live.numbers)


def _globe_warnings(plan: _Plan, position: Position) -> "Tuple[str, ...]":
    """Warn where the data lie at a seam or a pole that the encoder has and the globe has not."""
    found: "List[str]" = []
    longitudes, latitudes = plan.places.T
    if not position.seamless and (longitudes > _NEAR_SEAM).any() and (longitudes < -_NEAR_SEAM).any():
        found.append(f"{plan.objective.gathered.name} has places on both sides of ±180°, where the vectors of "
                     f"{plan.request.kind} jump: take spherical-harmonics or fourier-sphere.")
    if not position.polar and (np.abs(latitudes) > _NEAR_POLE).any():
        found.append(f"{plan.objective.gathered.name} has places at a pole, around which the vectors of "
                     f"{plan.request.kind} differ by longitude: take spherical-harmonics or fourier-sphere.")
    return tuple(found)


def _card(plan: _Plan, judged: Judged, judgement: Judgement, position: Position, area: Coverage) -> LocationCard:
    """Return the card, whose file makes the space: nothing in it depends on the day or on how long it took."""
    request = plan.request
    stem = Path(request.output).stem
    verdict = judgement.verdict
    licences = {item.licence for item in judged.provenance if item.licence}
    against = ", ".join(f"{figure.name} {figure.value:.2f}" for figure in verdict.figures[1:])
    return LocationCard(
        _identifier(request.name or stem), request.name or stem, position, judged.dimensions, "cosine",
        plan.objective.unit_norm, licences.pop() if len(licences) == 1 else "",
        f"Trained on {len(judged.places)} places of {judged.name} to tell {judged.what} ({judged.objective}): "
        f"{verdict.score_name} {verdict.value(ENCODER):.2f} in blocks not seen; {against}.",
        f"{request.kind}, {judged.network}", area, _figures(judged), "", dict(judged.versions),
        judged.provenance, {
            "objective": judged.objective, "rows": len(judged.places), "layer": Path(judged.name).name,
            "epochs": judged.curves[-1].kept, "seed": request.seed, "device": judged.device,
            "folds": {"count": plan.folds.count, "blocks": plan.folds.parts, "block_size": plan.folds.block_size},
            "proposals": list(judged.proposals), "parameters": judged.parameters, **plan.objective.facts()},
        judged.warnings)


def _figures(judged: Judged) -> "Dict[str, Any]":
    """Return the figures as plain JSON."""
    found: "Dict[str, Any]" = {"score_name": judged.verdict.score_name}
    for verdict in judged.parts or (judged.verdict,):
        found[verdict.name] = {figure.key: {"value": _plain(figure.value), "folds": [
            _plain(value) for value in figure.folds]} for figure in verdict.figures}
    return found


def _plain(value: float) -> Optional[float]:
    """Return a number as JSON knows it, to five digits."""
    return float(f"{value:.5g}") if np.isfinite(value) else None


def _flat(judged: Judged) -> "Dict[str, float]":
    """Return all figures by name."""
    found = {figure.key: figure.value for figure in judged.verdict.figures}
    for verdict in judged.parts:
        found.update({f"{verdict.name}:{figure.key}": figure.value for figure in verdict.figures})
    return found


def _identifier(name: str) -> str:
    """Return a name as an id."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "location-encoder"


def _refuse(request: TrainLocationRequest) -> None:
    """Refuse what can't be asked for, before any data are read."""
    if request.kind not in KINDS:
        raise InputError("location-kind", "There is no kind of location encoder called {kind}: choose one of {known}.",
                         kind=request.kind, known=", ".join(KINDS))
    if not 1 <= request.dimensions <= _MOST_DIMENSIONS:
        raise InputError("location-width", "DIMENSIONS is {given}: give a whole number from 1 to {most}.",
                         given=request.dimensions, most=_MOST_DIMENSIONS)
    if request.epochs < 0:
        raise InputError("location-epochs", "EPOCHS is {given}: give the number of passes over the data, or 0 to let "
                         "early stopping decide.", given=request.epochs)
    if request.folds < 2:
        raise InputError("location-folds", "FOLD_COUNT is {count}: give at least 2, so that something is held out.",
                         count=request.folds)
    if request.seed < 0:
        raise InputError("location-seed", "SEED is {seed}: give 0 or more.", seed=request.seed)
    if request.block_size < 0:
        raise InputError("folds-size", "BLOCK_SIZE is {size}: give a length above 0, or 0 to have it chosen from the "
                         "data.", size=request.block_size)
    if Path(request.output).suffix.lower() != ".onnx":
        raise OutputError("location-ending", "A location encoder is an ONNX file, and {path} doesn't end in .onnx: "
                          "give it such a name.", path=request.output)
