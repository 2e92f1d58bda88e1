"""Fills missing values of a layer by what its embeddings tell."""

from __future__ import annotations

import math

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterVectorDestination,
)

from ..adapters.feedback import FeedbackProgress
from ..adapters.file_destination import file_destination
from ..adapters.outputs import table_destination
from ..adapters.rows_input import rows_input
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import space_registry
from ..parameters.choice import choice
from ..parameters.learning import (
    REGRESSIONS,
    TRANSFORM,
    WARNINGS,
    declare_interval,
    declare_report,
    declare_transform,
    model_help,
    read_fields,
    read_folds,
    read_interval,
)
from ..parameters.running import SEED, declare_seed
from ..parameters.training import COLUMNS, GROUP, INPUT, MODEL, REPORT, TARGET, WEIGHT, declare_validation
from ..styles.on_load import style_on_load
from ..styles.prediction import PredictionRowsStyle

KIND = "KIND"
OUTPUT = "OUTPUT"
KINDS = ("automatic", "numbers", "classes")
_FIELD = QgsProcessingParameterField.DataType


class ImputeTable(EarthprintAlgorithm):
    """Gives features the value that they lack."""

    ID = "imputetable"
    TITLE = "Fill missing values"
    GROUP = "Predict"
    GROUP_ID = "predict"
    SUMMARY = (
        "Fills empty cells of columns of an embedding table: learns from the rows that have a value, says how good "
        "that is at places it has not seen, and marks what it filled.")
    TAGS = ("impute", "imputation", "missing values", "gaps", "null", "nan", "fill", "interpolate", "predict")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Embedding table"),
                                                [QgsProcessing.SourceType.TypeVector]),
            self.tr("The layer with gaps, whose rows have vectors. Its filter and selection are respected."))
        self.add(
            QgsProcessingParameterField(TARGET, self.tr("Columns to fill"), None, INPUT, _FIELD.Any, True),
            self.tr("The columns whose empty cells (NULL, NaN, empty texts) are filled, each by a model of its own. "
                    "Columns without gaps stay as they are, with a warning."))
        self.add(
            choice(KIND, self.tr("What the columns hold"), KINDS, "automatic"),
            self.tr("numbers; classes, such as land cover; or automatic: columns of numbers hold numbers, texts and "
                    "yes or no hold classes. Say classes for codes that are numbers."))
        self.add(
            QgsProcessingParameterField(COLUMNS, self.tr("Further columns"), None, INPUT, _FIELD.Any, True, True),
            self.tr("Columns that help to predict, beside the embedding: numbers, or texts as categories. Their own "
                    "gaps are filled with the median or count as a category."))
        declare_validation(self, REGRESSIONS, self.tr("{models} With classes, ridge is a logistic regression.").format(
            models=model_help(self)))
        declare_transform(self)
        self.add(
            QgsProcessingParameterField(WEIGHT, self.tr("Weight column"), None, INPUT, _FIELD.Numeric, False, True),
            self.tr("A column that says how much each row counts in learning."), advanced=True)
        declare_interval(self, self.tr(
            "For numbers: how many of 100 true values shall lie between lower and upper, 50 to 99; 0 leaves the two "
            "out."))
        declare_seed(self)
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Filled table"),
                                                    QgsProcessing.SourceType.TypeVectorAnyGeometry),
            self.tr("All rows with the gaps of TARGET filled (whole numbers are rounded), and the columns imputed (yes "
                    "where filled), predicted, lower and upper (classes: probability) and applicable (no: nothing "
                    "alike has a value). Rows that had a value show what a model predicted that had not seen them. "
                    "With several targets the columns are called imputed_NAME and so on."))
        declare_report(self, self.tr(
            "A page that says how good the filled values are, by rows whose value is known and was kept out."))
        for name, text in (("FILLED", self.tr("Cells filled")), ("LEFT", self.tr("Cells that stay empty")),
                           ("SCORE", self.tr("R² or balanced accuracy, out of fold"))):
            self.addOutput(QgsProcessingOutputNumber(name, text))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layer."""
        self._rows = rows_input(self, parameters, INPUT, context)
        self._options = {
            "target": read_fields(self, parameters, TARGET, context),
            "columns": read_fields(self, parameters, COLUMNS, context),
            "model": self.parameterAsEnumString(parameters, MODEL, context),
            "kind": self.parameterAsEnumString(parameters, KIND, context),
            "transform": self.parameterAsEnumString(parameters, TRANSFORM, context),
            "group": self.parameterAsString(parameters, GROUP, context).strip(),
            "weight": self.parameterAsString(parameters, WEIGHT, context).strip(),
            "folds": read_folds(self, parameters, context), "interval": read_interval(self, parameters, context),
            "seed": self.parameterAsInt(parameters, SEED, context), "registry": space_registry(),
            "output": table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context)),
            "report": file_destination(self, parameters, REPORT, ".html", context)}

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Fill."""
        from ...engine.imputing.request import ImputeRequest
        from ...engine.imputing.run import impute

        request = ImputeRequest(rows=self._rows(), **self._options)
        result = impute(request, progress)
        style_on_load(context, request.output, PredictionRowsStyle(result.classes))
        found: Outputs = {OUTPUT: request.output, "FILLED": result.filled, "LEFT": result.left,
                          WARNINGS: "\n".join(result.warnings)}
        if not math.isnan(result.score):
            found["SCORE"] = result.score
        if request.report:
            found[REPORT] = request.report
        return found
