"""Turns the account of a training into the card of its predictor."""

from __future__ import annotations

from pathlib import Path

from ..predictors.card import PredictorCard
from ..predictors.storing import PredictorParts
from ..space import SpaceKey
from ..table.parts import key_text
from .account import Account


def parts_of(account: Account) -> PredictorParts:
    """Return what is stored beside the fitted model."""
    samples, request = account.samples, account.request
    identity = samples.identity
    card = PredictorCard(
        name=Path(request.output).stem, kind=account.kind, target=samples.target,
        space_key=key_text(identity, "f4"), dimensions=samples.vectors.shape[1],
        space=None if isinstance(identity, SpaceKey) else identity, columns=samples.column_plan,
        settings=dict(account.settings), figures=account.figures, folds=account.folds, interval=account.conformal,
        calibration=account.calibration, created=account.created, versions=account.versions,
        provenance=identity.provenance, sample_count=len(samples.vectors), warnings=account.warnings,
        source={"layer": samples.name.strip("“”"), "target": list(samples.target.names),
                "columns": list(samples.column_plan.groups), "model": request.model, "seed": request.seed,
                "class_weights": request.class_weights, "weight": request.gather.weight,
                "group": request.gather.group})
    return PredictorParts(card, account.applicability)
