"""Tells whether a model does worse in places that lie together."""

from __future__ import annotations

import math
from typing import Tuple

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterVectorDestination,
)

from ...engine.geobias.threshold import DEFAULT_THRESHOLD, SUGGESTED
from ..adapters.apart import require_apart
from ..adapters.feedback import FeedbackProgress
from ..adapters.file_destination import file_destination
from ..adapters.outputs import table_destination
from ..adapters.rows_input import rows_input
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..parameters.choice import choice
from ..parameters.number import real_number, whole_number
from ..parameters.running import SEED, declare_seed
from ..parameters.suggested_text import suggested_text
from ..styles.bias_points import BiasPointsStyle
from ..styles.on_load import style_on_load

INPUT = "INPUT"
TRUTH = "TRUTH"
PREDICTED = "PREDICTED"
MARK = "MARK"
KIND = "KIND"
THRESHOLD = "THRESHOLD"
SCORES = "SCORES"
RADIUS = "RADIUS"
SCALE = "SCALE"
LAG = "LAG"
SECTORS = "SECTORS"
LEAST = "LEAST"
VERSION = "VERSION"
NEIGHBOURS = "NEIGHBOURS"
LARGEST = "LARGEST"
CENTRES = "CENTRES"
AROUND = "AROUND"
PERMUTATIONS = "PERMUTATIONS"
PLACE = "PLACE"
OUTPUT = "OUTPUT"
REPORT = "REPORT"
KINDS = ("automatic", "classes", "numbers")
PLACES = ("centroid", "inside")
KNOWN = ("grid", "distance", "direction", "marked", "unmarked")
DEFAULT_SCORES = "grid;distance;direction"
_FIELD = QgsProcessingParameterField.DataType


class GeoBias(EarthprintAlgorithm):
    """Scores whether a model's failures lie together, beside what chance gives."""

    ID = "geobias"
    TITLE = "Geo-bias of predictions"
    GROUP = "Judge"
    GROUP_ID = "judge"
    SUMMARY = (
        "Answers whether a model does worse in places that lie together: takes points with what is true and what was "
        "predicted, scores how much failures differ between the parts of each place's surroundings, and deals the "
        "same failures out by chance to learn what the score would be if they lay anywhere. Gives a sentence, a page "
        "with maps, and points with scores of their own. Needs no package.")
    TAGS = ("geo-bias", "bias", "fairness", "spatial", "errors", "residuals", "autocorrelation", "sri", "ssi", "moran",
            "permutation", "validation", "clustered")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self._declare_marks()
        self._declare_scores()
        self._declare_chance()
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Points with scores"),
                                                    QgsProcessing.SourceType.TypeVectorPoint),
            self.tr("A GeoPackage layer of points with all attributes and: failure (1 or 0), places_near (how many "
                    "places its surroundings hold), failures_near (the share of them that fail), few_near (1 where "
                    "they are fewer than 10, too few to read anything from, drawn grey), and bias_ and p_ for each "
                    "score."))
        self.add(
            QgsProcessingParameterFileDestination(REPORT, self.tr("Report"), self.tr("HTML (*.html)"), None, True,
                                                  True),
            self.tr("A page with the answer, the scores beside chance, and maps. It is one file that needs nothing "
                    "else."))
        self._declare_numbers()

    def _declare_marks(self) -> None:
        """Add what says which predictions are wrong."""
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Points with predictions"),
                                                [QgsProcessing.SourceType.TypeVectorAnyGeometry]),
            self.tr("A layer with what is true and what was predicted, such as the out-of-fold predictions of “Train "
                    "regression” and “Train classification”, whose columns are found without being named. Predictions "
                    "at places the model was trained on flatter it. Lines and polygons have a place each (see PLACE). "
                    "Filter and selection are respected."))
        self.add(
            QgsProcessingParameterField(TRUTH, self.tr("True value"), None, INPUT, _FIELD.Any, False, True),
            self.tr("The column of what is true: classes or numbers. Empty: found by its name in tables of "
                    "predictions, or the column truth or true; the log tells which."))
        self.add(
            QgsProcessingParameterField(PREDICTED, self.tr("Predicted value"), None, INPUT, _FIELD.Any, False, True),
            self.tr("The column of what was predicted. Empty: the column predicted, or the first that begins with "
                    "predicted_, or the column prediction."))
        self.add(
            QgsProcessingParameterField(MARK, self.tr("Right or wrong (in place of both)"), None, INPUT, _FIELD.Any,
                                        False, True),
            self.tr("A column that says itself which predictions are right: 1 or true for right, 0 or false for wrong. "
                    "TRUTH and PREDICTED stay empty then."))
        self.add(
            choice(KIND, self.tr("Kind of values"), KINDS, KINDS[0]),
            self.tr("classes: a point fails where the two differ. numbers: where the error is large (see THRESHOLD). "
                    "automatic: texts, booleans and few whole numbers that are all true somewhere are classes, all "
                    "else is numbers."), advanced=True)
        self.add(
            suggested_text(THRESHOLD, self.tr("Failure, for numbers"), DEFAULT_THRESHOLD, SUGGESTED),
            self.tr("Which errors are failures. 75%: those larger than 75 % of all errors. median: the larger half. A "
                    "number: errors larger than that, in the target's unit. sign: predictions that are too high, to "
                    "see whether the model is off to one side in whole regions."))

    def _declare_scores(self) -> None:
        """Add the scores and their settings."""
        self.add(
            suggested_text(SCORES, self.tr("Scores"), DEFAULT_SCORES, (DEFAULT_SCORES, *KNOWN, ";".join(KNOWN))),
            self.tr("Separated by semicolons; the first gives SCORE and P_VALUE. Does the share of failures differ "
                    "from that of the whole neighbourhood in squares around a place (grid), in rings (distance), in "
                    "sectors (direction)? These are spatial relative information. marked is spatial self-information: "
                    "how surprising it is that right and wrong lie as they do; unmarked is the same of the points "
                    "alone and says nothing about the model."))
        self.add(
            real_number(RADIUS, self.tr("Radius in metres (0 = from the data)"), 0.0, 0.0, 20_100_000.0),
            self.tr("How far a neighbourhood reaches, on the globe. 0: so far that half of the places have enough "
                    "others around them for many parts (15 times LEAST, in smaller layers a third of all places, and "
                    "at least 5 times LEAST); the log says how far that is. The answer is about patterns smaller than "
                    "this."))
        self.add(
            real_number(SCALE, self.tr("Side of the squares in metres (0 = from the data)"), 0.0, 0.0, 20_100_000.0),
            self.tr("For grid. 0: so that a square of the median neighbourhood holds half as many places again as "
                    "LEAST."), advanced=True)
        self.add(
            real_number(LAG, self.tr("Width of the rings in metres (0 = from the data)"), 0.0, 0.0, 20_100_000.0),
            self.tr("For distance. 0: the radius parted into two to ten."), advanced=True)
        self.add(
            whole_number(SECTORS, self.tr("Sectors (0 = from the data)"), 0, 0, 360),
            self.tr("For direction: how many, counted from north over east. 0: 4, 8 or 12, as the places allow."),
            advanced=True)
        self.add(
            whole_number(LEAST, self.tr("Least places in a part"), 20, 1),
            self.tr("For grid, distance and direction: parts with fewer places are not compared. Fewer than 20 make "
                    "single failures weigh much."), advanced=True)
        self.add(
            whole_number(VERSION, self.tr("Version of self-information"), 2, 1, 2),
            self.tr("For marked and unmarked: 1 is the score of the published tables (minus the logarithm of a "
                    "density, which depends on units), 2 the current one (of a probability)."), advanced=True)
        self.add(
            whole_number(NEIGHBOURS, self.tr("Neighbours"), 4, 1, 50),
            self.tr("For marked and unmarked: how many nearest places each place is linked to."), advanced=True)
        self.add(
            whole_number(LARGEST, self.tr("Most places in a neighbourhood"), 100, 0),
            self.tr("For marked and unmarked: only so many nearest places around each are looked at. 0: all within "
                    "RADIUS."), advanced=True)

    def _declare_chance(self) -> None:
        """Add how chance is judged."""
        self.add(
            whole_number(PERMUTATIONS, self.tr("Shuffles"), 199, 0, 9999),
            self.tr("How often the failures are dealt out anew among the places, to learn what chance gives. The "
                    "p-value can't be smaller than 1 / (1 + PERMUTATIONS). 0: no p-value."), advanced=True)
        self.add(
            whole_number(CENTRES, self.tr("Most places judged against chance"), 2000, 0),
            self.tr("In larger layers so many places are chosen by chance, whatever their marks, and the scores are "
                    "means over them. 0: all. The other points still get the scores grid, distance and direction of "
                    "their own, without a p-value."), advanced=True)
        self.add(
            choice(AROUND, self.tr("Places that count"), ("all", "failures"), "all"),
            self.tr("all: the mean score of all chosen places. failures: of those where the model fails, as in the "
                    "published tables; chance is judged in the same way."), advanced=True)
        self.add(
            choice(PLACE, self.tr("Place of lines and polygons"), PLACES, PLACES[0]),
            self.tr("centroid: the middle, also across ±180° and around a pole. inside: a point that lies on the "
                    "feature for certain."), advanced=True)
        declare_seed(self)

    def _declare_numbers(self) -> None:
        """Add the outputs that are no files."""
        for name, title in (("SCORE", "The first score"), ("P_VALUE", "p-value of the first score"),
                            ("CHANCE", "What chance gives for the first score")):
            self.addOutput(QgsProcessingOutputNumber(name, self.tr(title)))
        for score in KNOWN:
            self.addOutput(QgsProcessingOutputNumber(
                "SCORE_" + score.upper(), self.tr("Score {score}").format(score=score)))
            self.addOutput(QgsProcessingOutputNumber(
                "P_" + score.upper(), self.tr("p-value of {score}").format(score=score)))
        self.addOutput(QgsProcessingOutputNumber("POINTS", self.tr("Points judged")))
        self.addOutput(QgsProcessingOutputNumber("PLACES", self.tr("Different places")))
        self.addOutput(QgsProcessingOutputNumber("FAILURES", self.tr("Points that fail")))
        self.addOutput(QgsProcessingOutputNumber("LEFT_OUT", self.tr("Features without a place or a value")))
        self.addOutput(QgsProcessingOutputNumber("RADIUS_USED", self.tr("Radius in metres")))
        self.addOutput(QgsProcessingOutputString("VERDICT", self.tr("The answer in a sentence")))

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Catch scores and thresholds that are none before anything runs; an error says it all."""
        from ...engine.geobias.request import BiasRequest
        from ...engine.geobias.threshold import parse_threshold

        BiasRequest(scores=self._scores(parameters, context)).check()
        parse_threshold(self.parameterAsString(parameters, THRESHOLD, context))
        return ""

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layer."""
        self._rows = rows_input(self, parameters, INPUT, context)
        self._columns = {name.lower(): self.parameterAsString(parameters, name, context)
                         for name in (TRUTH, PREDICTED, MARK)}
        self._texts = {"kind": self.parameterAsEnumString(parameters, KIND, context),
                       "threshold": self.parameterAsString(parameters, THRESHOLD, context),
                       "place": self.parameterAsEnumString(parameters, PLACE, context),
                       "report": file_destination(self, parameters, REPORT, ".html", context)}
        self._settings = {
            "scores": self._scores(parameters, context),
            "around": self.parameterAsEnumString(parameters, AROUND, context),
            **{name.lower(): self.parameterAsDouble(parameters, name, context) for name in (RADIUS, LAG, SCALE)},
            **{name.lower(): self.parameterAsInt(parameters, name, context)
               for name in (SECTORS, LEAST, VERSION, NEIGHBOURS, LARGEST, CENTRES, PERMUTATIONS, SEED)}}
        self._output = table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context))
        # Polygons would be lost to the points in their middles.
        require_apart(self, parameters, context, {OUTPUT: self._output}, (INPUT,))

    def _scores(self, parameters: Parameters, context: QgsProcessingContext) -> Tuple[str, ...]:
        """Return the scores asked for, each once."""
        text = self.parameterAsString(parameters, SCORES, context)
        return tuple(dict.fromkeys(part.strip().lower() for part in text.split(";") if part.strip()))

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Score."""
        from ...engine.geobias.layer import LayerBiasRequest, layer_bias
        from ...engine.geobias.request import BiasRequest

        found = layer_bias(LayerBiasRequest(self._rows(), self._output, BiasRequest(**self._settings), **self._columns,
                                            **self._texts), progress)
        first = found.bias.figures[0]
        style_on_load(context, self._output, BiasPointsStyle("bias_" + first.score))
        outputs: Outputs = {OUTPUT: self._output, "POINTS": found.bias.rows, "PLACES": found.bias.places,
                            "FAILURES": found.bias.failures, "LEFT_OUT": found.left_out,
                            "RADIUS_USED": found.bias.neighbourhood.radius, "VERDICT": found.verdict.sentence}
        numbers = {"SCORE": first.value, "P_VALUE": first.p, "CHANCE": first.chance}
        for figure in found.bias.figures:
            numbers["SCORE_" + figure.score.upper()] = figure.value
            numbers["P_" + figure.score.upper()] = figure.p
        # A number that isn't known is left out: models and JSON have no NaN.
        outputs.update({name: value for name, value in numbers.items() if math.isfinite(value)})
        if self._texts["report"]:
            outputs[REPORT] = self._texts["report"]
        return outputs
