"""Reads what a comparison of encoders asks for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Sequence, Tuple

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext, QgsProcessingUtils

from ..engine.errors import InputError
from ..engine.table import Rows
from .adapters.apart import require_apart
from .adapters.file_destination import file_destination
from .adapters.outputs import is_temporary, table_destination
from .adapters.raster import resolve_rasters
from .adapters.rows_input import rows_input
from .encoder_folders import encoder_folders
from .environment import space_registry
from .parameters.benchmarking import (
    BLOCK_SIZE,
    CELL,
    DIMENSIONS,
    ENCODERS,
    FIELDS,
    FOLD_COUNT,
    FOLDS,
    GEOBIAS,
    IMAGES,
    INPUTS,
    KEY,
    LABELS,
    OUTPUT,
    PROBES,
    REPORT,
    RESULTS,
    RESUME,
    SAMPLING,
    TABLES,
    TABLES_KEY,
    TARGET,
    TASK,
    TRANSFORM,
)
from .parameters.running import DEVICE, MEMORY, SEED

if TYPE_CHECKING:
    from ..engine.benchmarking.request import BenchmarkRequest

Parameters = Dict[str, Any]
_AUTOMATIC = "automatic"


class BenchmarkInputs:
    """What is known of a comparison before anything is opened."""

    def __init__(self, algorithm: QgsProcessingAlgorithm, parameters: Parameters,
                 context: QgsProcessingContext) -> None:
        """Resolve layers and paths."""
        def text(name: str) -> str:
            """Return a text parameter."""
            return algorithm.parameterAsString(parameters, name, context).strip()

        self._layers = _several_rows(algorithm, parameters, INPUTS, context)
        self._targets = targets_of(text(TARGET), len(self._layers))
        self._images = resolve_rasters(algorithm, parameters, IMAGES, context)
        self._fields = resolve_rasters(algorithm, parameters, FIELDS, context)
        self._tables = _several_rows(algorithm, parameters, TABLES, context)
        self.output = algorithm.parameterAsOutputLayer(parameters, OUTPUT, context)
        require_apart(algorithm, parameters, context, {OUTPUT: table_destination(self.output)}, (INPUTS, TABLES))
        self.report = file_destination(algorithm, parameters, REPORT, ".html", context)
        encoders = words_of(text(ENCODERS))
        self._plain: "Dict[str, Any]" = {
            # Made from an image, so without one there is nothing to leave out.
            "encoders": tuple(word for word in encoders if self._images or word.lower() != _AUTOMATIC),
            "key": text(KEY), "tables_key": text(TABLES_KEY),
            "task": algorithm.parameterAsEnumString(parameters, TASK, context),
            "transform": algorithm.parameterAsEnumString(parameters, TRANSFORM, context),
            "probes": words_of(text(PROBES).lower()), "folds": words_of(text(FOLDS).lower()),
            "dimensions": numbers_of(text(DIMENSIONS), DIMENSIONS), "labels": numbers_of(text(LABELS), LABELS),
            "fold_count": algorithm.parameterAsInt(parameters, FOLD_COUNT, context),
            "block_size": algorithm.parameterAsDouble(parameters, BLOCK_SIZE, context),
            "cell": algorithm.parameterAsInt(parameters, CELL, context),
            "sampling": algorithm.parameterAsEnumString(parameters, SAMPLING, context),
            "geobias": algorithm.parameterAsBool(parameters, GEOBIAS, context),
            "device": algorithm.parameterAsEnumString(parameters, DEVICE, context),
            "resume": algorithm.parameterAsBool(parameters, RESUME, context),
            "seed": algorithm.parameterAsInt(parameters, SEED, context),
            "memory_mib": algorithm.parameterAsInt(parameters, MEMORY, context)}
        self.results = algorithm.parameterAsFileOutput(parameters, RESULTS, context)
        self._results = self.results or results_beside(table_destination(self.output))

    def request(self, progress: Any) -> "BenchmarkRequest":
        """Open the layers and return the request."""
        from ..engine.benchmarking.request import BenchmarkRequest, Labelled

        return BenchmarkRequest(
            tuple(Labelled(layer(), targets) for layer, targets in zip(self._layers, self._targets)),
            table_destination(self.output), self._results, encoder_folders(),
            images=tuple(raster.dataset(progress) for raster in self._images),
            fields=tuple(raster.dataset(progress) for raster in self._fields),
            tables=tuple(table() for table in self._tables), report=self.report, registry=space_registry(),
            **self._plain)


def targets_of(text: str, layers: int) -> "Tuple[Tuple[str, ...], ...]":
    """Return the columns of each layer."""
    entries = words_of(text)
    if not entries:
        raise InputError("benchmark-targets-none", "TARGET is empty: name the column that is to be predicted.")
    if layers == 1:
        return (tuple(column for entry in entries for column in words_of(entry, ",")),)
    if len(entries) == 1:
        entries = entries * layers
    if len(entries) != layers:
        raise InputError("benchmark-targets", "TARGET has {count} entries for {layers} layers: give one for all of "
                         "them, or one for each, separated by semicolons.", count=len(entries), layers=layers)
    return tuple(words_of(entry, ",") for entry in entries)


def words_of(text: str, sign: str = ";") -> "Tuple[str, ...]":
    """Return the parts of a text."""
    return tuple(part.strip() for part in text.split(sign) if part.strip())


def numbers_of(text: str, name: str) -> "Tuple[int, ...]":
    """Return whole numbers that semicolons part; nothing stands for all."""
    found = []
    for part in words_of(text):
        if not part.isdigit():
            raise InputError("benchmark-whole", "{name}: “{part}” is no whole number: write numbers separated by "
                             "semicolons, such as 10;100;0, where 0 stands for all.", name=name, part=part)
        found.append(int(part))
    return tuple(found) or (0,)


def results_beside(output: str) -> str:
    """Return the folder of results beside an output; a temporary output gets one that goes with the session."""
    path, _, layer = output.partition("|layername=")
    if is_temporary(path):
        return QgsProcessingUtils.generateTempFilename("results")
    stem = os.path.splitext(path)[0]
    return "{}.{}.results".format(stem, layer) if layer else stem + ".results"


def _several_rows(algorithm: QgsProcessingAlgorithm, parameters: Parameters, name: str,
                  context: QgsProcessingContext) -> "List[Callable[[], Rows]]":
    """Return how to open the rows of each layer of a parameter."""
    given = parameters.get(name)
    if given in (None, "", []):
        return []
    values: "Sequence[Any]" = given if isinstance(given, (list, tuple)) else [given]
    return [rows_input(algorithm, {name: value}, name, context) for value in values]
