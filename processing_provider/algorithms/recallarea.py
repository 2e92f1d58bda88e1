"""Tells how much of the truth is found after how much ground, best scores first."""

from __future__ import annotations

from typing import Dict, List, Tuple

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from ..adapters.apart import require_apart
from ..adapters.extent import bounds, read_extent
from ..adapters.feedback import FeedbackProgress
from ..adapters.file_destination import file_destination
from ..adapters.mask import resolve_mask
from ..adapters.outputs import table_destination
from ..adapters.raster import resolve_rasters
from ..adapters.rows_input import rows_input
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..parameters.choice import choice
from ..parameters.number import real_number, whole_number
from ..parameters.region import EXTENT, MASK, declare_region
from ..parameters.running import MEMORY, SEED, declare_memory, declare_seed
from ..styles.on_load import style_on_load
from ..styles.recall_table import CURVE_ALIASES, SUMMARY_ALIASES, RecallTableStyle

INPUTS = "INPUTS"
TRUTH = "TRUTH"
LABELS = "LABELS"
BAND = "BAND"
HIGHER = "HIGHER"
WEIGHT = "WEIGHT"
QUERY_FIELD = "QUERY_FIELD"
WANTED = "WANTED"
SPREAD = "SPREAD"
UNSCORED = "UNSCORED"
DRAWS = "DRAWS"
OUTPUT = "OUTPUT"
SUMMARY_TABLE = "SUMMARY"
REPORT = "REPORT"
VERDICT = "VERDICT"
WARNINGS = "WARNINGS"
SPREADS = ("neighbours", "alone")
UNSCORED_WAYS = ("lost", "ignored")
_FIELD = QgsProcessingParameterField.DataType
_AREAS = (1, 10, 100, 1000)
_SHARES = (("RECALL_0_1_PERCENT", "0_1_percent", "0.1 %"), ("RECALL_1_PERCENT", "1_percent", "1 %"),
           ("RECALL_5_PERCENT", "5_percent", "5 %"), ("RECALL_10_PERCENT", "10_percent", "10 %"))
# Declared numbers, and the columns of the summary that hold them.
_NUMBERS = {
    **{f"RECALL_{area}": f"recall_{area}_km2" for area in _AREAS},
    **{name: f"recall_{column}" for name, column, _ in _SHARES},
    "AREA_80": "area_80", "AREA_80_SHARE": "area_80_share", "AREA_80_CHANCE": "area_80_chance",
    "SCORE_80": "score_80", "AREA_WANTED": "area_wanted", "AUC": "auc", "LOG_AUC": "log_auc",
    "TIMES_CHANCE": "times_chance", "TRUTHS": "truths", "LOST": "lost", "GROUND": "area_km2"}


class RecallArea(EarthprintAlgorithm):
    """Judges score rasters by true places: recall against the area walked."""

    ID = "recallarea"
    TITLE = "Recall against area"
    GROUP = "Judge"
    GROUP_ID = "judge"
    SUMMARY = (
        "Tells how much of the truth is found after so many km² when the best-scoring ground of a map is walked first, "
        "and how much a search at random would have found. The map may be a similarity, a probability or any other "
        "score; the truth, points or polygons that the score has not seen. Several maps at once, true areas in every "
        "CRS, larger than memory.")
    TAGS = ("retrieval", "search", "precision", "validation", "RvA", "success rate curve", "prediction rate",
            "similarity", "susceptibility", "lift", "gain", "ROC", "habitat suitability")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterMultipleLayers(INPUTS, self.tr("Score rasters"),
                                                 QgsProcessing.SourceType.TypeRaster),
            self.tr("One raster for each query: a similarity, a probability, a prediction. Their grids and CRSs may "
                    "differ. Cells without a value are no ground."))
        self.add(
            QgsProcessingParameterFeatureSource(TRUTH, self.tr("True places"),
                                                [QgsProcessing.SourceType.TypeVectorPoint,
                                                 QgsProcessing.SourceType.TypeVectorPolygon]),
            self.tr("Where the things really are: points, each counted, or polygons, counted by their area. The "
                    "selection and the filter of the layer are respected, its CRS may differ. Truths beyond EXTENT or "
                    "MASK don't count. Leave out places that the score was made from: they are found first and "
                    "flatter it."))
        self.add(
            QgsProcessingParameterBoolean(HIGHER, self.tr("High scores are good"), True),
            self.tr("Off: the lowest scores are walked first, as for distances."))
        self.add(
            real_number(WANTED, self.tr("Share of the truth to find, in %"), 80.0, 0.1, 100.0),
            self.tr("The area needed for so much of the truth is told beside that for 80 %."))
        declare_region(self)
        self.add(
            QgsProcessingParameterString(LABELS, self.tr("Names of the queries"), "", False, True),
            self.tr("A name for each score raster, separated by semicolons. Empty: the names of the layers."),
            advanced=True)
        self.add(
            whole_number(BAND, self.tr("Band"), 1, 1, 65_535),
            self.tr("The band of every raster that holds the score."), advanced=True)
        self.add(
            QgsProcessingParameterField(WEIGHT, self.tr("Weight column"), None, TRUTH, _FIELD.Numeric, False, True),
            self.tr("How much a true place counts, such as the people who live there. Empty: points count alike, "
                    "polygons by their area."), advanced=True)
        self.add(
            QgsProcessingParameterField(QUERY_FIELD, self.tr("Column that names the query"), None, TRUTH, _FIELD.Any,
                                        False, True),
            self.tr("Where each query has true places of its own: the column of TRUTH that holds its name, as in "
                    "LABELS. The query “all queries” then tells of all truths, each walked on its own query's ground. "
                    "Empty: all true places belong to every query."), advanced=True)
        self.add(
            choice(UNSCORED, self.tr("Truths without a score"), UNSCORED_WAYS, "lost"),
            self.tr("Truths on cells without a value, or beyond the raster. lost: they count, as never found. ignored: "
                    "they don't count, which suits a search whose EXCLUDE left out the ground about its examples."),
            advanced=True)
        self.add(
            choice(SPREAD, self.tr("Truths drawn for the band"), SPREADS, "neighbours"),
            self.tr("The band about a curve comes from drawing the truths anew. neighbours: truths that lie together "
                    "are drawn together where they are found alike, because a hundred points in three villages tell "
                    "little more than three. alone: each stands for itself, which is right for a random sample of all "
                    "there are."), advanced=True)
        self.add(
            whole_number(DRAWS, self.tr("Draws"), 1000, 100, 100_000),
            self.tr("How often the truths are drawn for the band."), advanced=True)
        declare_seed(self)
        declare_memory(self)
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Curves"), QgsProcessing.SourceType.TypeVector),
            self.tr("A table with a row for each query and point of its curve: area_km2, area_share, recall, lower and "
                    "upper of its band, chance with its own range, and the score down to which one has walked."))
        self.add(
            QgsProcessingParameterVectorDestination(SUMMARY_TABLE, self.tr("Summary"),
                                                    QgsProcessing.SourceType.TypeVector, None, True, False),
            self.tr("A table with a row for each query: recall after 1, 10, 100 and 1000 km² and after 0.1, 1, 5 and "
                    "10 % of the ground, the area needed for 80 % and for WANTED, the area under the curve, each with "
                    "its range and with what chance does. Empty where there is less ground than that."))
        self.add(
            QgsProcessingParameterFileDestination(REPORT, self.tr("Report"), self.tr("HTML (*.html)"), None, True,
                                                  True),
            self.tr("A page with the curves, the figures and what they mean in words."))
        self._declare_numbers()

    def _declare_numbers(self) -> None:
        """Add the figures of the first query."""
        texts: "Dict[str, str]" = {
            **{f"RECALL_{area}": self.tr("Recall after {area} km²").format(area=area) for area in _AREAS},
            **{name: self.tr("Recall after {share} of the ground").format(share=share) for name, _, share in _SHARES},
            "AREA_80": self.tr("Area for 80 % of the truth, in km²"),
            "AREA_80_SHARE": self.tr("The same as a share of the ground"),
            "AREA_80_CHANCE": self.tr("Area for 80 % by chance, in km²"),
            "SCORE_80": self.tr("Score down to which 80 % are found"),
            "AREA_WANTED": self.tr("Area for the share wanted, in km²"),
            "AUC": self.tr("Area under recall against the share of the ground"),
            "LOG_AUC": self.tr("The same on a logarithm of the share"),
            "TIMES_CHANCE": self.tr("Recall after 1 % of the ground, as times that by chance"),
            "TRUTHS": self.tr("True places that count"),
            "LOST": self.tr("Share of the truth that lies on no ground"),
            "GROUND": self.tr("Ground in km²")}
        for name, text in texts.items():
            self.addOutput(QgsProcessingOutputNumber(name, self.tr("{what} (first query)").format(what=text)))
        self.addOutput(QgsProcessingOutputString(VERDICT, self.tr("Verdict in words")))
        self.addOutput(QgsProcessingOutputString(WARNINGS, self.tr("Warnings")))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers; extent and mask once for each raster, since their CRSs may differ."""
        self._rasters = resolve_rasters(self, parameters, INPUTS, context)
        self._names = self._query_names(parameters, context)
        self._extents = [bounds(read_extent(self, parameters, EXTENT, context, raster.crs))
                         for raster in self._rasters]
        self._masks = [resolve_mask(self, parameters, MASK, context, raster.crs) for raster in self._rasters]
        self._band = self.parameterAsInt(parameters, BAND, context)
        self._truth = rows_input(self, parameters, TRUTH, context)
        summary = self.parameterAsOutputLayer(parameters, SUMMARY_TABLE, context)
        self._options = {
            "higher": self.parameterAsBool(parameters, HIGHER, context),
            "weight": self.parameterAsString(parameters, WEIGHT, context),
            "query_field": self.parameterAsString(parameters, QUERY_FIELD, context),
            "wanted": self.parameterAsDouble(parameters, WANTED, context) / 100,
            "band": self.parameterAsEnumString(parameters, SPREAD, context),
            "unscored": self.parameterAsEnumString(parameters, UNSCORED, context),
            "draws": self.parameterAsInt(parameters, DRAWS, context),
            "seed": self.parameterAsInt(parameters, SEED, context),
            "memory_mib": self.parameterAsInt(parameters, MEMORY, context),
            "output": table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context)),
            "summary": table_destination(summary) if summary else "",
            "report": file_destination(self, parameters, REPORT, ".html", context)}
        require_apart(self, parameters, context, {OUTPUT: str(self._options["output"]),
                                                  SUMMARY_TABLE: str(self._options["summary"])}, (TRUTH, INPUTS))

    def _query_names(self, parameters: Parameters, context: QgsProcessingContext) -> "List[str]":
        """Return what the queries are called."""
        from ...engine.recall.naming import query_names

        return query_names(self.parameterAsString(parameters, LABELS, context),
                           [raster.name for raster in self._rasters])

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Judge."""
        from ...engine.recall.request import Query, RecallRequest
        from ...engine.recall.run import recall_area
        from ...engine.recall.tables import summary_of

        queries = tuple(
            Query(name, raster.dataset(progress), self._band, extent,
                  mask.polygons(progress) if mask is not None else None)
            for name, raster, extent, mask in zip(self._names, self._rasters, self._extents, self._masks))
        request = RecallRequest(queries, self._truth(), **self._options)
        result = recall_area(request, progress)
        tables: "Tuple[Tuple[str, str, Dict[str, str]], ...]" = (
            (OUTPUT, request.output, CURVE_ALIASES), (SUMMARY_TABLE, request.summary, SUMMARY_ALIASES))
        outputs: Outputs = {VERDICT: "\n".join(result.verdicts), WARNINGS: "\n".join(result.warnings)}
        for name, path, aliases in tables:
            if path:
                style_on_load(context, path, RecallTableStyle(aliases))
                outputs[name] = path
        if request.report:
            outputs[REPORT] = request.report
        figures = summary_of(result.queries[0], request.wanted)
        outputs.update({name: figures[column] for name, column in _NUMBERS.items() if figures[column] is not None})
        return outputs
