"""Reads what the two trainings share, and hands back their outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Tuple, Union

from qgis.core import QgsMapLayer, QgsProcessingAlgorithm, QgsProcessingContext, QgsRasterLayer

from ..engine.errors import InputError
from ..engine.table import Rows
from .adapters.file_destination import file_destination
from .adapters.outputs import is_temporary, table_destination
from .adapters.raster import resolve_raster
from .adapters.rows_input import rows_input
from .environment import space_registry
from .parameters.running import MEMORY, SEED
from .parameters.training import (
    BLOCK_SIZE,
    CELLS,
    COLUMNS,
    EMBEDDINGS,
    EMBEDDINGS_KEY,
    FOLD_COUNT,
    FOLDS,
    GROUP,
    INPUT,
    KEY,
    MISSING,
    MODEL,
    MOST_CELLS,
    OUTPUT,
    PREDICTIONS,
    REPORT,
    RESUME,
    WEIGHT,
)

if TYPE_CHECKING:
    from ..engine.training.request import TrainRequest, TrainResult

Parameters = Dict[str, Any]
Embeddings = Union[None, str, Rows]


class TrainingInputs:
    """What is known of a training before anything is opened."""

    def __init__(self, algorithm: QgsProcessingAlgorithm, parameters: Parameters,
                 context: QgsProcessingContext) -> None:
        """Resolve layers and paths."""
        self._rows = rows_input(algorithm, parameters, INPUT, context)
        self._embeddings = embeddings_input(algorithm, parameters, context)
        texts = {name: algorithm.parameterAsString(parameters, name, context).strip()
                 for name in (WEIGHT, GROUP, KEY, EMBEDDINGS_KEY)}
        cells = algorithm.parameterAsEnumString(parameters, CELLS, context)
        self.seed = algorithm.parameterAsInt(parameters, SEED, context)
        self._gather: "Dict[str, Any]" = {
            "columns": tuple(algorithm.parameterAsFields(parameters, COLUMNS, context)),
            "weight": texts[WEIGHT], "group": texts[GROUP], "key": texts[KEY],
            "embeddings_key": texts[EMBEDDINGS_KEY],
            "missing": algorithm.parameterAsEnumString(parameters, MISSING, context),
            "cells": str(algorithm.parameterAsInt(parameters, MOST_CELLS, context)) if cells == "sample" else cells,
            "memory_mib": algorithm.parameterAsInt(parameters, MEMORY, context), "seed": self.seed,
            "registry": space_registry()}
        self._model = algorithm.parameterAsEnumString(parameters, MODEL, context)
        self._folds = (
            algorithm.parameterAsEnumString(parameters, FOLDS, context),
            algorithm.parameterAsInt(parameters, FOLD_COUNT, context),
            algorithm.parameterAsDouble(parameters, BLOCK_SIZE, context))
        self.output = file_destination(algorithm, parameters, OUTPUT, ".onnx", context)
        self.report = file_destination(algorithm, parameters, REPORT, ".html", context)
        self.predictions = algorithm.parameterAsOutputLayer(parameters, PREDICTIONS, context)
        self._resume = algorithm.parameterAsBool(parameters, RESUME, context) and not is_temporary(self.output)

    def request(self, target: "Tuple[str, ...]", task: str, class_weights: str,
                further: "Mapping[str, Any]", progress: Any) -> "TrainRequest":
        """Open the layers and return the request."""
        from ..engine.training.gathering import GatherRequest
        from ..engine.training.request import FoldChoice, TrainRequest

        gather = GatherRequest(rows=self._rows(), target=target, task=task, embeddings=self._embeddings(progress),
                               **self._gather, **further)
        predictions = table_destination(self.predictions) if self.predictions else ""
        return TrainRequest(gather, self.output, self._model, FoldChoice(*self._folds), class_weights, self.report,
                            predictions, self._resume, self.seed)

    def outputs(self, result: "TrainResult") -> "Dict[str, Any]":
        """Return what the algorithm hands back."""
        found: "Dict[str, Any]" = {
            OUTPUT: result.output, "SCORE": result.score, "SCORE_RANDOM": result.score_random,
            "SCORE_COORDINATES": result.score_coordinates, "ROWS": result.rows, "MODEL_USED": result.model,
            "WARNINGS": "\n".join(result.warnings)}
        if self.report:
            found[REPORT] = self.report
        if self.predictions:
            found[PREDICTIONS] = self.predictions
        return found


def embeddings_input(algorithm: QgsProcessingAlgorithm, parameters: Parameters,
                     context: QgsProcessingContext) -> "Callable[[Any], Embeddings]":
    """Return how to open EMBEDDINGS: a raster's path, a table's rows, or nothing."""
    if parameters.get(EMBEDDINGS) in (None, ""):
        return lambda progress: None
    layer: Optional[QgsMapLayer] = algorithm.parameterAsLayer(parameters, EMBEDDINGS, context)
    if layer is None:
        raise InputError("embeddings-unreadable", "{name}: “{value}” can be read neither as an embedding raster nor as "
                         "an embedding table: check the path.", name=EMBEDDINGS, value=parameters.get(EMBEDDINGS))
    if isinstance(layer, QgsRasterLayer):
        raster = resolve_raster(algorithm, parameters, EMBEDDINGS, context)
        return lambda progress: raster.dataset(progress)
    rows = rows_input(algorithm, parameters, EMBEDDINGS, context)
    return lambda progress: rows()
