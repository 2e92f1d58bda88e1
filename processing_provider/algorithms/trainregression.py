"""Trains a predictor of numbers on embeddings, and says how far to trust it."""

from __future__ import annotations

from qgis.core import QgsProcessingContext, QgsProcessingParameterField, QgsProcessingParameterString

from ..adapters.feedback import FeedbackProgress
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..parameters.choice import choice
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
from ..styles.residual_points import ResidualPointsStyle
from ..training_inputs import TrainingInputs

TRANSFORM = "TRANSFORM"
UNIT = "UNIT"
MODELS = ("ridge", "knn", "forest", "boosting", "mlp", "gp", "best")
TRANSFORMS = ("none", "log", "boxcox", "automatic")


class TrainRegression(EarthprintAlgorithm):
    """Learns numbers from embeddings, validates in space, and stores a predictor."""

    ID = "trainregression"
    TITLE = "Train regression"
    GROUP = "Predict"
    GROUP_ID = "predict"
    SUMMARY = (
        "Learns to predict a number, such as a price, a yield or a share, from embeddings at labelled places. It "
        "learns how good the prediction is where there are no labels: each label is predicted by a model that saw "
        "none of its neighbourhood, and the result is set beside what the mean, the coordinates or other columns "
        "predict alone. The predictor is one ONNX file with its card.")
    TAGS = ("train", "regression", "predict", "machine learning", "ridge", "random forest", "gradient boosting", "knn",
            "gaussian process", "neural network", "spatial cross-validation", "model")

    def declare(self) -> None:
        """Add parameters and outputs."""
        declare_labels(
            self, QgsProcessingParameterField(TARGET, self.tr("Target"), None, INPUT,
                                              QgsProcessingParameterField.DataType.Numeric, True),
            self.tr("The column to predict; several give a predictor of several targets. Features without a value are "
                    "left out and counted."))
        declare_validation(self, MODELS, self.tr(
            "ridge: a linear model, quick and hard to beat on embeddings. knn: the mean of the nearest in embedding. "
            "forest: a random forest. boosting: gradient boosted trees. mlp: a small neural network. gp: a Gaussian "
            "process, for up to some 1,500 rows. best: compares them within each fold and takes the best. forest "
            "and boosting need scikit-learn."))
        self.add(
            choice(TRANSFORM, self.tr("Transform of the target"), TRANSFORMS, "none"),
            self.tr("log or boxcox for targets with a long tail, such as prices or counts: the model learns the "
                    "transformed values, and what it predicts is turned back. automatic: whichever makes the target "
                    "least skewed."), advanced=True)
        self.add(
            QgsProcessingParameterString(UNIT, self.tr("Unit of the target"), "", False, True),
            self.tr("Such as t/ha; several targets: separated by semicolons. Only for the report and the card."),
            advanced=True)
        declare_gathering(self)
        declare_memory(self)
        declare_training_results(self, self.tr("R²"))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        self._inputs = TrainingInputs(self, parameters, context)
        self._target = tuple(self.parameterAsFields(parameters, TARGET, context))
        unit = self.parameterAsString(parameters, UNIT, context)
        units = tuple(part.strip() for part in unit.split(";")) if unit.strip() else ()
        self._further = {"transform": self.parameterAsEnumString(parameters, TRANSFORM, context), "units": units}

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Train."""
        from ...engine.training.run import train

        request = self._inputs.request(self._target, "regression", "equal", self._further, progress)
        result = train(request, progress)
        if self._inputs.predictions:
            style_on_load(context, self._inputs.predictions, ResidualPointsStyle(
                "residual" if len(self._target) == 1 else "residual_{}".format(self._target[0])))
        return self._inputs.outputs(result)
