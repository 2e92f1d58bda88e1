"""All that was found for one question: every candidate in every setting, and what may be said of each."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Optional, Tuple

from .bias import Bias
from .candidates import BASELINE
from .gathered import Gathered
from .request import ALL, BLOCKS
from .scores import Judged, Setting
from .shared_rows import SharedRows
from .verdicts import Verdict, verdict

FLOOR = ""


@dataclass(frozen=True)
class Answer:
    """The candidates of a question as judged, their costs, their geo-bias, and those that were left out."""

    shared: SharedRows
    gathered: "Mapping[str, Gathered]"
    judged: "Tuple[Judged, ...]"
    biases: "Mapping[Tuple[str, Setting], Bias]" = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Return what the question is called."""
        return f"{self.layer}, {self.shared.question.target}"

    @property
    def layer(self) -> str:
        """Return what the layer is called."""
        return self.shared.question.layer

    @property
    def rows(self) -> int:
        """Return how many labels everything was judged on."""
        return len(self.shared.kept)

    @property
    def kinds(self) -> "List[str]":
        """Return the kinds of folds, blocks first, because they tell of new places."""
        return sorted(self.shared.folds, key=lambda kind: kind != BLOCKS)

    def among(self, folds: str, labels: int = ALL, dimensions: "Optional[int]" = ALL) -> "List[Judged]":
        """Return what was judged under one kind of folds and number of labels, the best first."""
        found = [one for one in self.judged if one.setting.folds == folds and one.setting.labels == labels
                 and (dimensions is None or one.setting.dimensions == dimensions)]
        return sorted(found, key=lambda one: -one.score if math.isfinite(one.score) else math.inf)

    def best(self, folds: str, labels: int = ALL) -> "List[Judged]":
        """Return each candidate once, by the probe that suits it best, the best candidate first."""
        found: "Dict[str, Judged]" = {}
        for one in self.among(folds, labels):
            found.setdefault(one.name, one)
        return list(found.values())

    def best_baseline(self, folds: str, labels: int) -> Judged:
        """Return the best of what needs no embedding, by whatever probe."""
        baselines = [one for one in self.among(folds, labels) if one.kind == BASELINE]
        return max([*baselines[:1], self.floor(folds)], key=lambda one: one.score if math.isfinite(one.score)
                   else -math.inf)

    def verdict(self, one: Judged) -> Optional[Verdict]:
        """Return how a candidate stands to the best baseline, None for that itself."""
        baseline = self.best_baseline(one.setting.folds, one.setting.labels)
        if baseline is one:
            return None
        return verdict(one, baseline, self.rows, self.comparisons(one.setting))

    def comparisons(self, setting: Setting) -> int:
        """Return how many differences from the best baseline there are in a setting."""
        return max(1, sum(one.kind != BASELINE for one in self.among(setting.folds, setting.labels, None)))

    def floor(self, folds: str) -> Judged:
        """Return what the mean or the majority scores."""
        return next(one for one in self.judged if one.setting.folds == folds and one.setting.probe == FLOOR)
