"""Trains a predictor of classes on embeddings, and says how far to trust it."""

from __future__ import annotations

from qgis.core import QgsProcessingContext, QgsProcessingParameterField, QgsProcessingParameterString

from ..adapters.feedback import FeedbackProgress
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..parameters.choice import choice
from ..parameters.number import whole_number
from ..parameters.running import declare_memory
from ..parameters.training import (
    INPUT,
    TARGET,
    declare_gathering,
    declare_labels,
    declare_training_results,
    declare_validation,
)
from ..styles.on_load import style_on_load
from ..styles.residual_points import RightPointsStyle
from ..training_inputs import TrainingInputs

CLASS_WEIGHTS = "CLASS_WEIGHTS"
MERGE = "MERGE"
MIN_CLASS = "MIN_CLASS"
MODELS = ("logistic", "knn", "forest", "boosting", "mlp", "gp", "best")
WEIGHTS = ("equal", "balanced")


class TrainClassification(EarthprintAlgorithm):
    """Learns classes from embeddings, validates in space, and stores a predictor."""

    ID = "trainclassification"
    TITLE = "Train classification"
    GROUP = "Predict"
    GROUP_ID = "predict"
    SUMMARY = (
        "Learns to tell classes apart, such as land cover or building types, from embeddings at labelled places. It "
        "learns how good that is where there are no labels: each label is predicted by a model that saw none of its "
        "neighbourhood, and the result is set beside what the commonest class, the coordinates or other columns give "
        "alone. The predictor is one ONNX file with its card.")
    TAGS = ("train", "classification", "classify", "land cover", "machine learning", "logistic regression",
            "random forest", "gradient boosting", "knn", "neural network", "spatial cross-validation", "model")

    def declare(self) -> None:
        """Add parameters and outputs."""
        declare_labels(
            self, QgsProcessingParameterField(TARGET, self.tr("Target"), None, INPUT,
                                              QgsProcessingParameterField.DataType.Any),
            self.tr("The column that names the class, as text or whole number. Features without one are left out and "
                    "counted."))
        declare_validation(self, MODELS, self.tr(
            "logistic: a linear model, quick and hard to beat on embeddings. knn: the shares among the nearest in "
            "embedding. forest: a random forest. boosting: gradient boosted trees. mlp: a small neural network. gp: a "
            "Gaussian process, for up to some 1,500 rows. best: compares them within each fold and takes the best. "
            "forest and boosting need scikit-learn."))
        self.add(
            choice(CLASS_WEIGHTS, self.tr("Weight of classes"), WEIGHTS, "equal"),
            self.tr("equal: every label counts alike, so rare classes are predicted rarely. balanced: every class "
                    "counts alike, so rare ones are found more often, at the price of false alarms."), advanced=True)
        self.add(
            QgsProcessingParameterString(MERGE, self.tr("Merge classes"), "", False, True),
            self.tr("Classes to take together, such as pasture=grass; meadow=grass."), advanced=True)
        self.add(
            whole_number(MIN_CLASS, self.tr("Smallest class"), 2, 1),
            self.tr("Classes with fewer labels are left out and named in the log."), advanced=True)
        declare_gathering(self)
        declare_memory(self)
        declare_training_results(self, self.tr("Balanced accuracy"))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        self._inputs = TrainingInputs(self, parameters, context)
        self._target = tuple(self.parameterAsFields(parameters, TARGET, context))
        self._weights = self.parameterAsEnumString(parameters, CLASS_WEIGHTS, context)
        self._further = {"merge": self.parameterAsString(parameters, MERGE, context),
                         "smallest_class": self.parameterAsInt(parameters, MIN_CLASS, context)}

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Train."""
        from ...engine.training.run import train

        request = self._inputs.request(self._target, "classification", self._weights, self._further, progress)
        result = train(request, progress)
        if self._inputs.predictions:
            style_on_load(context, self._inputs.predictions, RightPointsStyle())
        return self._inputs.outputs(result)
