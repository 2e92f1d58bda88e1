"""Chooses what an encoder learns: what was asked for, or what the inputs allow."""

from __future__ import annotations

from ..errors import InputError
from ..progress import Progress
from .objectives.contrastive import contrastive_objective
from .objectives.distil import distil_objective
from .objectives.objective import Objective
from .objectives.target import target_objective
from .request import AUTOMATIC, CONTRASTIVE, DISTIL, OBJECTIVES, TARGET, TrainLocationRequest


def objective_of(request: TrainLocationRequest, progress: Progress) -> Objective:
    """Return the objective with its data read, or say what it lacks."""
    name = request.objective
    if name not in OBJECTIVES:
        raise InputError("location-objective", "There is no objective {name}: choose one of {known}.", name=name,
                         known=", ".join(OBJECTIVES))
    targets = tuple(target for target in request.targets if target)
    if name == AUTOMATIC:
        name = TARGET if targets else DISTIL
    if name == TARGET and not targets:
        raise InputError("target-none", "No target is chosen: name the columns that are to be learnt as TARGET, or "
                         "choose another objective.")
    if name == TARGET and request.embeddings is not None:
        progress.warn("TARGET is learnt, so EMBEDDINGS is not used: choose the objective distil to learn vectors.")
    if name != TARGET and targets:
        progress.warn(f"The objective {name} learns vectors, so TARGET is not used.")
    if name == TARGET:
        return target_objective(request, progress)
    if name == DISTIL:
        return distil_objective(request, progress)
    if name == CONTRASTIVE:
        return contrastive_objective(request, progress)
    from .views.objective import views_objective
    return views_objective(request, progress)
