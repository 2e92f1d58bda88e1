"""Learns from coarse units and predicts finer ones, with the coarse values kept if asked."""

from __future__ import annotations

import math

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
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
    TRANSFORM,
    WARNINGS,
    declare_interval,
    declare_model,
    declare_place_folds,
    declare_report,
    declare_transform,
    read_folds,
    read_interval,
)
from ..parameters.running import SEED, declare_seed
from ..parameters.training import MODEL, REPORT
from ..styles.on_load import style_on_load
from ..styles.prediction import PredictionRowsStyle

COARSE = "COARSE"
TARGET = "TARGET"
FINE = "FINE"
PRESERVE = "PRESERVE"
QUANTITY = "QUANTITY"
WEIGHT = "WEIGHT"
PARENT = "PARENT"
COARSE_KEY = "COARSE_KEY"
TRUTH = "TRUTH"
OUTPUT = "OUTPUT"
MODEL_OUT = "MODEL_OUT"
_ANY = QgsProcessingParameterField.DataType.Any
_NUMERIC = QgsProcessingParameterField.DataType.Numeric


class Transfer(EarthprintAlgorithm):
    """Gives fine units values that are only known of coarse ones."""

    ID = "transfer"
    TITLE = "Predict at finer units"
    GROUP = "Predict"
    GROUP_ID = "predict"
    SUMMARY = (
        "Learns a number from coarse units, such as counties, and predicts it for fine ones, such as ZIP areas or "
        "hexagons, whose embeddings are of the same space. The coarse values can be kept: the fine values of each "
        "coarse unit then add up to it, or average to it. Known fine values show whether the embedding tells more than "
        "spreading the coarse value evenly.")
    TAGS = ("downscaling", "super-resolution", "disaggregation", "dasymetric", "areal interpolation", "small area",
            "volume preserving", "pycnophylactic", "predict", "change of support")

    def declare(self) -> None:
        """Add parameters and outputs."""
        vector = [QgsProcessing.SourceType.TypeVector]
        self.add(
            QgsProcessingParameterFeatureSource(COARSE, self.tr("Coarse embedding table"), vector),
            self.tr("The coarse units, with their vectors and the value that is known of them. Its filter and "
                    "selection are respected."))
        self.add(
            QgsProcessingParameterField(TARGET, self.tr("Target"), None, COARSE, _NUMERIC),
            self.tr("The column of COARSE to predict for the fine units."))
        self.add(
            QgsProcessingParameterFeatureSource(FINE, self.tr("Fine embedding table"), vector),
            self.tr("The fine units, with vectors of the same space as those of COARSE."))
        self.add(
            choice(QUANTITY, self.tr("Quantity"), ("rate", "total"), "rate"),
            self.tr("What TARGET is. rate: a share, a mean or a density, which is learnt as it is. total: a number of "
                    "people or a sum of money, which is learnt per WEIGHT and spread by it."))
        self.add(
            choice(PRESERVE, self.tr("Keep coarse values"), ("none", "totals"), "none"),
            self.tr("none: fine values are what the model says. totals: the fine values of a coarse unit add up to its "
                    "total, or their mean, weighted by WEIGHT, is its rate. Where no coarse value is negative, "
                    "negative predictions become 0 and those of each unit are multiplied by one factor; else one "
                    "number is added to them."))
        self.add(
            QgsProcessingParameterField(WEIGHT, self.tr("Weight column"), None, FINE, _NUMERIC, False, True),
            self.tr("The column of FINE by which totals are spread and rates are averaged, such as the population. "
                    "Where COARSE has a column of this name, its units' weights are read there. Empty: the areas on "
                    "the ground."))
        self.add(
            QgsProcessingParameterField(PARENT, self.tr("Column that names the coarse unit"), None, FINE, _ANY, False,
                                        True),
            self.tr("The column of FINE that says which coarse unit a fine one belongs to. Empty: the polygon of "
                    "COARSE that holds a point within the fine unit."), advanced=True)
        self.add(
            QgsProcessingParameterField(COARSE_KEY, self.tr("Key column of the coarse units"), None, COARSE, _ANY,
                                        False, True),
            self.tr("The column of COARSE that PARENT refers to, and that names coarse units in the result. Empty: the "
                    "column called as PARENT is."), advanced=True)
        self.add(
            QgsProcessingParameterField(TRUTH, self.tr("Column of true fine values"), None, FINE, _NUMERIC, False,
                                        True),
            self.tr("Where the value of some or all fine units is known, its column in FINE: the result is judged by "
                    "it, beside spreading the coarse values evenly. It is never learnt from."), advanced=True)
        declare_model(self)
        declare_transform(self)
        declare_place_folds(self)
        declare_interval(self, self.tr(
            "How many of 100 true values shall lie between lower and upper, 50 to 99; 0 leaves the two out. They come "
            "from the errors of coarse units, and fine ones may vary more."))
        declare_seed(self)
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Fine units with predictions"),
                                                    QgsProcessing.SourceType.TypeVectorAnyGeometry),
            self.tr("The rows of FINE with the columns unit (the coarse unit), predicted, lower, upper, applicable, "
                    "unadjusted (what the model said) and adjustment (the factor, or what was added)."))
        declare_report(self, self.tr(
            "A page that says how far to trust the fine values: against known ones where there are any, and how good "
            "the model of coarse units is at new places."))
        self.add(
            QgsProcessingParameterFileDestination(MODEL_OUT, self.tr("Predictor of coarse units"),
                                                  self.tr("Predictors (*.onnx)"), None, True, False),
            self.tr("Keeps the model for “Predict table” and “Predict raster”."), advanced=True)
        for name, text in (("ROWS", self.tr("Fine units predicted")),
                           ("KEPT", self.tr("Fine units whose coarse value is kept")),
                           ("SCORE", self.tr("R² of the coarse model, out of fold")),
                           ("SCORE_FINE", self.tr("R² against true fine values")),
                           ("SCORE_EVEN", self.tr("R² of spreading evenly"))):
            self.addOutput(QgsProcessingOutputNumber(name, text))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        self._coarse = rows_input(self, parameters, COARSE, context)
        self._fine = rows_input(self, parameters, FINE, context)
        texts = {name: self.parameterAsString(parameters, name, context).strip()
                 for name in (TARGET, WEIGHT, PARENT, COARSE_KEY, TRUTH)}
        words = {name: self.parameterAsEnumString(parameters, name, context)
                 for name in (PRESERVE, QUANTITY, MODEL, TRANSFORM)}
        self._options = {
            **{name.lower(): text for name, text in {**texts, **words}.items()},
            "folds": read_folds(self, parameters, context), "interval": read_interval(self, parameters, context),
            "seed": self.parameterAsInt(parameters, SEED, context), "registry": space_registry(),
            "output": table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context)),
            "report": file_destination(self, parameters, REPORT, ".html", context),
            "predictor": file_destination(self, parameters, MODEL_OUT, ".onnx", context)}

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Predict."""
        from ...engine.transferring.request import TransferRequest
        from ...engine.transferring.run import transfer

        request = TransferRequest(coarse=self._coarse(), fine=self._fine(), **self._options)
        result = transfer(request, progress)
        style_on_load(context, request.output, PredictionRowsStyle(()))
        found: Outputs = {OUTPUT: request.output, "ROWS": result.rows, "KEPT": result.kept, "SCORE": result.score,
                          WARNINGS: "\n".join(result.warnings)}
        found.update({name: value for name, value in (("SCORE_FINE", result.score_fine),
                                                      ("SCORE_EVEN", result.score_even)) if not math.isnan(value)})
        found.update({name: path for name, path in ((REPORT, request.report), (MODEL_OUT, request.predictor)) if path})
        return found
