"""Explains what a predictor rests on, by labelled features."""

from __future__ import annotations

from qgis.core import QgsProcessingContext

from ..adapters.feedback import FeedbackProgress
from ..adapters.file_destination import file_destination
from ..adapters.outputs import table_destination
from ..adapters.rows_input import rows_input
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import space_registry
from ..parameters.explaining import (
    COORDINATES,
    DEPENDENCE,
    DIMENSIONS,
    EXAMPLES,
    GROUPS,
    NEIGHBOURS,
    REPEATS,
    declare_explanations,
    declare_labelled,
    declare_questions,
)
from ..parameters.prediction import PREDICTOR, declare_predictor
from ..parameters.running import MEMORY, SEED
from ..parameters.training import CELLS, EMBEDDINGS_KEY, INPUT, KEY, MOST_CELLS, OUTPUT, REPORT, TARGET
from ..training_inputs import embeddings_input


class Explain(EarthprintAlgorithm):
    """Tells what matters to a predictor, how columns move it, and what a place's prediction resembles."""

    ID = "explain"
    TITLE = "Explain a predictor"
    GROUP = "Predict"
    GROUP_ID = "predict"
    SUMMARY = (
        "Tells what a predictor rests on: how much worse it gets when a part of the embedding or a further column is "
        "shuffled among labelled features, how its predictions move with each further column, which labelled features "
        "a place is most alike to, and how each dimension lies in space.")
    TAGS = ("explain", "importance", "permutation importance", "partial dependence", "nearest examples", "moran",
            "feature importance", "interpret", "predictor", "report")

    def declare(self) -> None:
        """Add parameters and outputs."""
        declare_predictor(self)
        declare_labelled(self)
        declare_questions(self)
        declare_explanations(self)

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        self._predictor = self.parameterAsFile(parameters, PREDICTOR, context)
        self._rows = rows_input(self, parameters, INPUT, context)
        self._embeddings = embeddings_input(self, parameters, context)
        cells = self.parameterAsEnumString(parameters, CELLS, context)
        if cells == "sample":
            cells = str(self.parameterAsInt(parameters, MOST_CELLS, context))
        self._asked = {
            "target": tuple(self.parameterAsFields(parameters, TARGET, context)),
            "key": self.parameterAsString(parameters, KEY, context).strip(),
            "embeddings_key": self.parameterAsString(parameters, EMBEDDINGS_KEY, context).strip(),
            "groups": self.parameterAsString(parameters, GROUPS, context),
            "repeats": self.parameterAsInt(parameters, REPEATS, context),
            "coordinates": self.parameterAsString(parameters, COORDINATES, context),
            "neighbours": self.parameterAsInt(parameters, NEIGHBOURS, context), "cells": cells,
            "seed": self.parameterAsInt(parameters, SEED, context),
            "memory_mib": self.parameterAsInt(parameters, MEMORY, context), "registry": space_registry()}
        self._outputs = {name: self.parameterAsOutputLayer(parameters, name, context)
                         for name in (OUTPUT, DEPENDENCE, EXAMPLES, DIMENSIONS)}
        self._report = file_destination(self, parameters, REPORT, ".html", context)

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Explain."""
        from ...engine.explaining.request import ExplainRequest
        from ...engine.explaining.run import explain

        paths = {name: table_destination(path) if path else "" for name, path in self._outputs.items()}
        result = explain(ExplainRequest(
            self._predictor, self._rows(), paths[OUTPUT], embeddings=self._embeddings(progress),
            dependence=paths[DEPENDENCE], examples=paths[EXAMPLES], dimensions=paths[DIMENSIONS], report=self._report,
            **self._asked), progress)
        found = {name: path for name, path in self._outputs.items() if path}
        if self._report:
            found[REPORT] = self._report
        return dict(found, SCORE=result.score, ROWS=result.rows, MOST_IMPORTANT=result.most,
                    WARNINGS="\n".join(result.warnings))
