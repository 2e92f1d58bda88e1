"""Compares encoders, rasters and tables of embeddings on labelled layers."""

from __future__ import annotations

from qgis.core import QgsProcessingContext

from ..adapters.feedback import FeedbackProgress
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..benchmark_inputs import BenchmarkInputs, numbers_of, targets_of, words_of
from ..parameters.benchmarking import (
    DIMENSIONS,
    FOLDS,
    INPUTS,
    LABELS,
    OUTPUT,
    PROBES,
    REPORT,
    RESULTS,
    TARGET,
    declare_candidates,
    declare_protocol,
    declare_questions,
    declare_run,
)

_KNOWN = {PROBES: ("knn", "linear", "forest"), FOLDS: ("random", "blocks")}


class BenchmarkEncoders(EarthprintAlgorithm):
    """Judges every candidate on the same labels, folds and draws, and says what the labels can show."""

    ID = "benchmarkencoders"
    TITLE = "Compare encoders"
    GROUP = "Judge"
    GROUP_ID = "judge"
    SUMMARY = (
        "Tells which embedding is best for your own labels, and whether it is any better than plain bands or "
        "coordinates. Encoders, embedding rasters and tables are judged on the same labels, in the same folds, by the "
        "same simple models, at new places and beside the labels, with few labels and many. Differences come with "
        "intervals, and the report says in words what the labels can't tell.")
    TAGS = ("benchmark", "compare", "evaluate", "probe", "linear probe", "knn", "baseline", "location encoder",
            "spatial cross-validation", "few labels", "geo-bias")

    def declare(self) -> None:
        """Add parameters and outputs."""
        declare_questions(self)
        declare_candidates(self)
        declare_protocol(self)
        declare_run(self)

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Catch texts that can't be read before any layer is opened."""
        given = parameters.get(INPUTS)
        targets_of(self.parameterAsString(parameters, TARGET, context),
                   len(given) if isinstance(given, (list, tuple)) else 1)
        for name in (DIMENSIONS, LABELS):
            numbers_of(self.parameterAsString(parameters, name, context), name)
        for name, known in _KNOWN.items():
            words = words_of(self.parameterAsString(parameters, name, context).lower())
            unknown = [word for word in words if word not in known]
            if unknown or not words:
                return self.tr("{name}: “{word}” is none of them: choose among {known}, separated by semicolons."
                               ).format(name=name, word="; ".join(unknown), known=", ".join(known))
        return ""

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        self._inputs = BenchmarkInputs(self, parameters, context)

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Compare."""
        from ...engine.benchmarking.run import compare_encoders

        result = compare_encoders(self._inputs.request(progress), progress)
        found: Outputs = {
            OUTPUT: self._inputs.output, "BEST": result.best, "SCORE": result.score, "ROWS": result.rows,
            "COMPUTED": result.computed, "KEPT": result.kept, "WARNINGS": "\n".join(result.warnings)}
        if self._inputs.report:
            found[REPORT] = self._inputs.report
        if self._inputs.results:
            found[RESULTS] = self._inputs.results
        return found
