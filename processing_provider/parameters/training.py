"""What the two trainings ask for, and what they give beside the predictor."""

from __future__ import annotations

from typing import Sequence

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from .choice import choice
from .number import real_number, whole_number
from .running import declare_seed

INPUT = "INPUT"
TARGET = "TARGET"
EMBEDDINGS = "EMBEDDINGS"
COLUMNS = "COLUMNS"
MODEL = "MODEL"
FOLDS = "FOLDS"
FOLD_COUNT = "FOLD_COUNT"
BLOCK_SIZE = "BLOCK_SIZE"
GROUP = "GROUP"
WEIGHT = "WEIGHT"
MISSING = "MISSING"
CELLS = "CELLS"
MOST_CELLS = "MOST_CELLS"
KEY = "KEY"
EMBEDDINGS_KEY = "EMBEDDINGS_KEY"
RESUME = "RESUME"
OUTPUT = "OUTPUT"
REPORT = "REPORT"
PREDICTIONS = "PREDICTIONS"
FOLD_KINDS = ("automatic", "random", "blocks", "group", "kmeans")
MISSING_KINDS = ("impute", "drop")
CELL_KINDS = ("sample", "all", "mean")

_FIELD = QgsProcessingParameterField.DataType


def declare_labels(algorithm: QgsProcessingAlgorithm, target: QgsProcessingParameterField, target_help: str) -> None:
    """Add INPUT, TARGET, EMBEDDINGS and COLUMNS."""
    algorithm.add(
        QgsProcessingParameterFeatureSource(INPUT, algorithm.tr("Labels"), [QgsProcessing.SourceType.TypeVector]),
        algorithm.tr("The layer whose features are labelled: points, lines or polygons over an embedding raster, or an "
                     "embedding table. Its filter and selection are respected."))
    algorithm.add(target, target_help)
    algorithm.add(
        QgsProcessingParameterMapLayer(
            EMBEDDINGS, algorithm.tr("Embeddings"), None, True,
            [QgsProcessing.SourceType.TypeRaster, QgsProcessing.SourceType.TypeVector]),
        algorithm.tr("An embedding raster under the features, or an embedding table that is joined to them. Empty: "
                     "the vectors of INPUT itself, which must be an embedding table then."))
    algorithm.add(
        QgsProcessingParameterField(COLUMNS, algorithm.tr("Further columns"), None, INPUT, _FIELD.Any, True, True),
        algorithm.tr("Columns of INPUT that help to predict, beside the embedding: numbers, or texts as categories. "
                     "What is predicted later needs the same columns."))


def declare_validation(algorithm: QgsProcessingAlgorithm, models: Sequence[str], model_help: str) -> None:
    """Add MODEL and how it is validated."""
    algorithm.add(choice(MODEL, algorithm.tr("Model"), models, models[0]), model_help)
    algorithm.add(
        choice(FOLDS, algorithm.tr("Folds"), FOLD_KINDS, "automatic"),
        algorithm.tr(
            "How the labels are parted to learn how good the predictor is where it has not been. blocks: squares on "
            "the ground. group: each value of GROUP is left out in turn. kmeans: compact regions. random: any labels, "
            "which tells about places right beside the labels and flatters everything else. automatic: group where "
            "GROUP is given, else blocks where the labels have places. The random figure is always shown beside."))
    algorithm.add(
        real_number(BLOCK_SIZE, algorithm.tr("Block size (0 = from the data)"), 0.0, 0.0),
        algorithm.tr("Side of the squares in units of the layer's CRS. 0 = the distance over which errors are alike "
                     "(the range of their variogram), rounded."))
    algorithm.add(
        QgsProcessingParameterField(GROUP, algorithm.tr("Group column"), None, INPUT, _FIELD.Any, False, True),
        algorithm.tr("A column of INPUT whose values belong together, such as a region, a field or a walk with a "
                     "camera: no group is on both sides of a fold."))
    algorithm.add(
        whole_number(FOLD_COUNT, algorithm.tr("Number of folds"), 5, 2, 50),
        algorithm.tr("Into how many parts the labels go. Each is predicted once, by a model that saw the others only."),
        advanced=True)


def declare_gathering(algorithm: QgsProcessingAlgorithm) -> None:
    """Add how rows are gathered."""
    algorithm.add(
        QgsProcessingParameterField(WEIGHT, algorithm.tr("Weight column"), None, INPUT, _FIELD.Numeric, False, True),
        algorithm.tr("A column of INPUT that says how much each feature counts, such as its population. Features with "
                     "weight 0 or none are left out."), advanced=True)
    algorithm.add(
        choice(MISSING, algorithm.tr("Missing values of further columns"), MISSING_KINDS, "impute"),
        algorithm.tr("impute: the median stands for a missing number, and missing texts are a category of their own. "
                     "drop: features that lack a value are left out. Either is counted in the log."), advanced=True)
    algorithm.add(
        choice(CELLS, algorithm.tr("Cells of a polygon"), CELL_KINDS, "sample"),
        algorithm.tr("What a polygon over an embedding raster gives. sample: up to MOST_CELLS of the cells whose "
                     "centres lie in it. all: all of them. mean: one row, the mean vector. Cells of one polygon are "
                     "never on both sides of a fold."), advanced=True)
    algorithm.add(
        whole_number(MOST_CELLS, algorithm.tr("Most cells of a polygon"), 50, 1, 1_000_000),
        algorithm.tr("With CELLS sample: how many cells of a polygon are taken at most, by chance."), advanced=True)
    algorithm.add(
        QgsProcessingParameterField(KEY, algorithm.tr("Key column of the labels"), None, INPUT, _FIELD.Any, False,
                                    True),
        algorithm.tr("With an embedding table as EMBEDDINGS: the column of INPUT that names the row of the table. "
                     "Empty: joined by place, each feature to the row that contains it or lies nearest."),
        advanced=True)
    # Not a field parameter: below a parent that is a raster, its widget ends QGIS 3.22.
    algorithm.add(
        QgsProcessingParameterString(EMBEDDINGS_KEY, algorithm.tr("Key column of the table"), "", False, True),
        algorithm.tr("The name of the same in the embedding table. Empty: the column of the same name."), advanced=True)
    declare_seed(algorithm)
    algorithm.add(
        QgsProcessingParameterBoolean(RESUME, algorithm.tr("Resume an interrupted run"), True),
        algorithm.tr("A run that was cancelled or killed leaves its finished folds in OUTPUT.partial; the same call "
                     "goes on from there. Off: start afresh. Temporary outputs never resume."), advanced=True)


def declare_training_results(algorithm: QgsProcessingAlgorithm, score: str) -> None:
    """Add OUTPUT, REPORT, PREDICTIONS and the scores."""
    algorithm.add(
        QgsProcessingParameterFileDestination(OUTPUT, algorithm.tr("Predictor"), algorithm.tr("Predictors (*.onnx)")),
        algorithm.tr("The file to write, ending in .onnx; its card (.json) is written beside it and belongs to it. It "
                     "holds the model fitted to all labels. “Predict raster” and “Predict table” take it, next year "
                     "and on another scene too."))
    algorithm.add(
        QgsProcessingParameterFileDestination(REPORT, algorithm.tr("Report"), algorithm.tr("HTML (*.html)"), None, True,
                                              True),
        algorithm.tr("A page that says how far to trust the predictor: figures at new places beside those of random "
                     "folds and of baselines, maps of folds and errors, and warnings in plain words. It is one file "
                     "that needs nothing else."))
    algorithm.add(
        QgsProcessingParameterVectorDestination(PREDICTIONS, algorithm.tr("Out-of-fold predictions"),
                                                QgsProcessing.SourceType.TypeVector, None, True, False),
        algorithm.tr("A layer with a point for each row: the truth, its fold, and what a model that had not seen that "
                     "fold predicted."))
    algorithm.addOutput(QgsProcessingOutputNumber("SCORE", algorithm.tr("{score}, out of fold").format(score=score)))
    algorithm.addOutput(QgsProcessingOutputNumber(
        "SCORE_RANDOM", algorithm.tr("{score}, random folds").format(score=score)))
    algorithm.addOutput(QgsProcessingOutputNumber(
        "SCORE_COORDINATES", algorithm.tr("{score} of coordinates alone").format(score=score)))
    algorithm.addOutput(QgsProcessingOutputNumber("ROWS", algorithm.tr("Rows used")))
    algorithm.addOutput(QgsProcessingOutputString("MODEL_USED", algorithm.tr("Model used")))
    algorithm.addOutput(QgsProcessingOutputString("WARNINGS", algorithm.tr("Warnings")))
