"""What a comparison of encoders asks for, and what it gives."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from .choice import choice
from .number import real_number, whole_number
from .running import declare_device_choice, declare_memory, declare_seed

INPUTS = "INPUTS"
TARGET = "TARGET"
IMAGES = "IMAGES"
ENCODERS = "ENCODERS"
FIELDS = "FIELDS"
TABLES = "TABLES"
KEY = "KEY"
TABLES_KEY = "TABLES_KEY"
TASK = "TASK"
TRANSFORM = "TRANSFORM"
PROBES = "PROBES"
FOLDS = "FOLDS"
FOLD_COUNT = "FOLD_COUNT"
BLOCK_SIZE = "BLOCK_SIZE"
DIMENSIONS = "DIMENSIONS"
LABELS = "LABELS"
CELL = "CELL"
SAMPLING = "SAMPLING"
GEOBIAS = "GEOBIAS"
RESUME = "RESUME"
RESULTS = "RESULTS"
OUTPUT = "OUTPUT"
REPORT = "REPORT"
TASKS = ("automatic", "regression", "classification")
TRANSFORMS = ("none", "log", "boxcox", "automatic")
SAMPLINGS = ("bilinear", "nearest")
DEFAULT_ENCODERS = "automatic;spherical-harmonics"

_VECTOR = QgsProcessing.SourceType.TypeVector
_RASTER = QgsProcessing.SourceType.TypeRaster


def declare_questions(algorithm: QgsProcessingAlgorithm) -> None:
    """Add the labelled layers and what is to be predicted."""
    algorithm.add(
        QgsProcessingParameterMultipleLayers(INPUTS, algorithm.tr("Labelled layers"), _VECTOR),
        algorithm.tr("Layers whose features are labelled, one or several, points or polygons. Where one is an "
                     "embedding table, its own vectors are compared, too. Their filters are respected."))
    algorithm.add(
        QgsProcessingParameterString(TARGET, algorithm.tr("Target columns")),
        algorithm.tr("The column that is to be predicted. One layer: several columns separated by semicolons, each "
                     "compared by itself. Several layers: one entry for all of them, or one for each in their order, "
                     "separated by semicolons; several columns of a layer are separated by commas."))


def declare_candidates(algorithm: QgsProcessingAlgorithm) -> None:
    """Add what is to be compared."""
    algorithm.add(
        QgsProcessingParameterMultipleLayers(IMAGES, algorithm.tr("Images"), _RASTER, None, True),
        algorithm.tr("Rasters under the labels, such as a satellite scene: what image encoders embed, and what the "
                     "baselines “raw bands” and “band statistics” (mean and standard deviation around) are made of."))
    algorithm.add(
        QgsProcessingParameterString(ENCODERS, algorithm.tr("Encoders"), DEFAULT_ENCODERS, False, True),
        algorithm.tr("Encoders to compare, separated by semicolons: automatic (made from each image; left out where "
                     "there is none), ids or paths of image encoders, ids or paths of location encoders."))
    algorithm.add(
        QgsProcessingParameterMultipleLayers(FIELDS, algorithm.tr("Embedding rasters"), _RASTER, None, True),
        algorithm.tr("Embeddings that lie ready as rasters, such as a year of AlphaEarth."))
    algorithm.add(
        QgsProcessingParameterMultipleLayers(TABLES, algorithm.tr("Embedding tables"), _VECTOR, None, True),
        algorithm.tr("Embedding tables, joined to the labels by place (the row that contains a label, or the nearest), "
                     "or by KEY."))
    algorithm.add(
        QgsProcessingParameterString(KEY, algorithm.tr("Key column of the labels"), "", False, True),
        algorithm.tr("The column of the labelled layers that names the row of a table. Empty: joined by place."),
        advanced=True)
    algorithm.add(
        QgsProcessingParameterString(TABLES_KEY, algorithm.tr("Key column of the tables"), "", False, True),
        algorithm.tr("The name of the same in the embedding tables. Empty: the column of the same name."),
        advanced=True)


def declare_protocol(algorithm: QgsProcessingAlgorithm) -> None:
    """Add how candidates are judged."""
    algorithm.add(
        QgsProcessingParameterString(PROBES, algorithm.tr("Probes"), "knn;linear;forest"),
        algorithm.tr("Simple models that show what vectors hold, separated by semicolons. knn: nearest neighbours. "
                     "linear: ridge or logistic regression. forest: a random forest, which needs scikit-learn."))
    algorithm.add(
        QgsProcessingParameterString(FOLDS, algorithm.tr("Folds"), "random;blocks"),
        algorithm.tr("How labels are held out, separated by semicolons. blocks: squares on the ground, which tells "
                     "about new places. random: any labels, which tells about places right beside the labels and "
                     "flatters whatever knows where a place is."))
    algorithm.add(
        QgsProcessingParameterString(LABELS, algorithm.tr("Numbers of labels"), "10;100;0"),
        algorithm.tr("How many of the training labels are used, separated by semicolons; 0 = all, which is always "
                     "among them. Few labels are drawn several times, the same ones for every candidate. A number that "
                     "the folds can't give is left out, and said."))
    algorithm.add(
        QgsProcessingParameterString(DIMENSIONS, algorithm.tr("Dimensions"), "0"),
        algorithm.tr("To how many principal components vectors are reduced, separated by semicolons; 0 = all, as they "
                     "are, which is always among them. The components are fitted to the training part of each fold."))
    algorithm.add(
        choice(TASK, algorithm.tr("Task"), TASKS, "automatic"),
        algorithm.tr("regression: the target is a number, scored by R². classification: it is a class, scored by "
                     "balanced accuracy. automatic: texts and up to ten different whole numbers are classes."),
        advanced=True)
    algorithm.add(
        choice(TRANSFORM, algorithm.tr("Transform of numbers"), TRANSFORMS, "none"),
        algorithm.tr("log or boxcox for numbers with a long tail, such as prices. Scores are in the target's own "
                     "units. automatic: whichever makes the target least skewed."), advanced=True)
    algorithm.add(
        whole_number(FOLD_COUNT, algorithm.tr("Number of folds"), 5, 2, 50),
        algorithm.tr("Into how many parts the labels go. More folds give more to learn from and take longer."),
        advanced=True)
    algorithm.add(
        real_number(BLOCK_SIZE, algorithm.tr("Block size (0 = from the data)"), 0.0, 0.0),
        algorithm.tr("Side of the blocks in units of each layer's CRS. 0 = how far labels are alike, as far as enough "
                     "blocks remain."), advanced=True)
    algorithm.add(
        whole_number(CELL, algorithm.tr("Cell in pixels (0 = the encoder's own)"), 0, 0, 4096),
        algorithm.tr("How many pixels of an image a vector stands for, along a side. Take a smaller one where what is "
                     "labelled is small."), advanced=True)
    algorithm.add(
        choice(SAMPLING, algorithm.tr("Sampling of points"), SAMPLINGS, "bilinear"),
        algorithm.tr("How rasters are looked up at points: bilinear between cells, or nearest. Polygons take the mean "
                     "of their cells."), advanced=True)
    algorithm.add(
        QgsProcessingParameterBoolean(GEOBIAS, algorithm.tr("Geo-bias"), True),
        algorithm.tr("Tells of each candidate whether its worst predictions lie together."), advanced=True)


def declare_run(algorithm: QgsProcessingAlgorithm) -> None:
    """Add how it runs and what comes out."""
    declare_seed(algorithm)
    declare_device_choice(algorithm)
    declare_memory(algorithm)
    algorithm.add(
        QgsProcessingParameterBoolean(RESUME, algorithm.tr("Use finished results"), True),
        algorithm.tr("What earlier runs finished is taken from RESULTS, as far as inputs, parameters and version are "
                     "the same, so that a run that was cancelled goes on, and another encoder costs only its own "
                     "time. Off: everything is computed anew."), advanced=True)
    algorithm.add(
        QgsProcessingParameterVectorDestination(OUTPUT, algorithm.tr("Scores"), _VECTOR),
        algorithm.tr("A table (GeoPackage) with a row for each layer, target, candidate, probe, kind of folds, "
                     "dimensions and number of labels: score, interval, difference from the best baseline, verdict, "
                     "time, size, geo-bias."))
    algorithm.add(
        QgsProcessingParameterFileDestination(REPORT, algorithm.tr("Report"), algorithm.tr("HTML (*.html)"), None, True,
                                              True),
        algorithm.tr("A page that says in words what the labels can show, with charts and every score. It is one file "
                     "that needs nothing else."))
    algorithm.add(
        QgsProcessingParameterFolderDestination(RESULTS, algorithm.tr("Folder of finished results"), None, True,
                                                False),
        algorithm.tr("Where vectors at the labels and predictions are kept. Empty: beside OUTPUT, under its name with "
                     "the ending .results; it may be deleted when no further comparison is wanted. Temporary outputs "
                     "keep none."), advanced=True)
    algorithm.addOutput(QgsProcessingOutputString("BEST", algorithm.tr("Best candidate")))
    algorithm.addOutput(QgsProcessingOutputNumber(
        "SCORE", algorithm.tr("Its mean score over all targets, at new places where there are blocks")))
    algorithm.addOutput(QgsProcessingOutputNumber("ROWS", algorithm.tr("Labels used")))
    algorithm.addOutput(QgsProcessingOutputNumber("COMPUTED", algorithm.tr("Pieces computed")))
    algorithm.addOutput(QgsProcessingOutputNumber("KEPT", algorithm.tr("Pieces kept from earlier runs")))
    algorithm.addOutput(QgsProcessingOutputString("WARNINGS", algorithm.tr("Warnings")))
