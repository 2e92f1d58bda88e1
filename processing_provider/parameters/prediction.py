"""What the two predictions ask for: a predictor, and what it shall tell beside the prediction."""

from __future__ import annotations

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
)

from .number import real_number

PREDICTOR = "PREDICTOR"
INTERVAL = "INTERVAL"
PROBABILITIES = "PROBABILITIES"
APPLICABILITY = "APPLICABILITY"
SHARE_OUTSIDE = "SHARE_OUTSIDE"


def declare_predictor(algorithm: QgsProcessingAlgorithm) -> None:
    """Add PREDICTOR."""
    predictor = QgsProcessingParameterFile(PREDICTOR, algorithm.tr("Predictor"))
    predictor.setFileFilter(algorithm.tr("Predictors (*.onnx *.json)"))
    algorithm.add(predictor, algorithm.tr(
        "The .onnx file that “Train regression” or “Train classification” wrote, or its card, the .json beside it. The "
        "two must lie together. It predicts from embeddings of the space that it was trained on; others are refused."))


def declare_answers(algorithm: QgsProcessingAlgorithm) -> None:
    """Add INTERVAL, PROBABILITIES and APPLICABILITY."""
    algorithm.add(
        real_number(INTERVAL, algorithm.tr("Interval in percent (0 = none)"), 90.0, 0.0, 99.0),
        algorithm.tr(
            "For numbers: the true value shall lie between lower and upper in so many of 100 places like those that "
            "validation kept out, 50 to 99 (0.9 means 90). 0 leaves the two out. Classes have no interval."))
    algorithm.add(
        QgsProcessingParameterBoolean(PROBABILITIES, algorithm.tr("Probabilities of classes"), False),
        algorithm.tr(
            "For classes: also tell the probability of every class, calibrated on what validation kept out. Their sum "
            "is 1."))
    algorithm.add(
        QgsProcessingParameterBoolean(APPLICABILITY, algorithm.tr("Tell where it applies"), True),
        algorithm.tr(
            "Also tell how unlike the training data a place is (dissimilarity: its distance to the nearest of them in "
            "embedding space, over their mean distance from each other), and whether that is as near as validation "
            "has been (applicable, 1 or 0). Where it is 0 the predictor's figures don't hold. Off is faster."))


def declare_share_outside(algorithm: QgsProcessingAlgorithm) -> None:
    """Add the share of predictions where the predictor doesn't apply."""
    algorithm.addOutput(QgsProcessingOutputNumber(SHARE_OUTSIDE, algorithm.tr(
        "Share of predictions outside the area of applicability")))
