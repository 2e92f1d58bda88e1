"""What an explanation asks for beside a predictor, and what it tells."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from .choice import choice
from .number import whole_number
from .running import declare_memory, declare_seed
from .training import (
    CELL_KINDS,
    CELLS,
    EMBEDDINGS,
    EMBEDDINGS_KEY,
    INPUT,
    KEY,
    MOST_CELLS,
    OUTPUT,
    REPORT,
    TARGET,
)

GROUPS = "GROUPS"
REPEATS = "REPEATS"
COORDINATES = "COORDINATES"
NEIGHBOURS = "NEIGHBOURS"
DEPENDENCE = "DEPENDENCE"
EXAMPLES = "EXAMPLES"
DIMENSIONS = "DIMENSIONS"

_ANY = QgsProcessingParameterField.DataType.Any


def declare_labelled(algorithm: QgsProcessingAlgorithm) -> None:
    """Add INPUT, EMBEDDINGS and TARGET."""
    algorithm.add(
        QgsProcessingParameterFeatureSource(INPUT, algorithm.tr("Labels"), [QgsProcessing.SourceType.TypeVector]),
        algorithm.tr("Features whose true value is known, with the further columns that the predictor uses: best such "
                     "that it was not trained on, else the layer that it was. Nearest examples are taken from here. "
                     "Its filter and selection are respected."))
    algorithm.add(
        QgsProcessingParameterMapLayer(
            EMBEDDINGS, algorithm.tr("Embeddings"), None, True,
            [QgsProcessing.SourceType.TypeRaster, QgsProcessing.SourceType.TypeVector]),
        algorithm.tr("As in training: an embedding raster under the features, or an embedding table that is joined to "
                     "them. Empty: the vectors of INPUT itself. Of the predictor's space; others are refused."))
    algorithm.add(
        QgsProcessingParameterField(TARGET, algorithm.tr("Target"), None, INPUT, _ANY, True, True),
        algorithm.tr("The column with the true values; with a predictor of several targets one for each, in its order. "
                     "Empty: the columns that are called as in training."))


def declare_questions(algorithm: QgsProcessingAlgorithm) -> None:
    """Add GROUPS, REPEATS, COORDINATES and NEIGHBOURS."""
    algorithm.add(
        QgsProcessingParameterString(GROUPS, algorithm.tr("Groups of dimensions"), "", False, True),
        algorithm.tr("Dimensions that are shuffled together, counted from 0: name=first-last, separated by semicolons, "
                     "as in search=0-127; maps=128-255. Empty: the parts of a fused embedding, the three of the "
                     "Population Dynamics embeddings, or eight equal runs. The whole embedding and each further "
                     "column are always groups, too."))
    algorithm.add(
        whole_number(REPEATS, algorithm.tr("Shufflings"), 10, 1, 200),
        algorithm.tr("How often each group is shuffled; the figures are means. More are steadier and slower."),
        advanced=True)
    algorithm.add(
        QgsProcessingParameterString(COORDINATES, algorithm.tr("Coordinates of places to explain"), "", False, True),
        algorithm.tr("Places of which to show the labelled features that are most alike in embedding: x,y;x,y in the "
                     "coordinates of INPUT, or with a CRS in brackets, such as 11.57,48.14 [EPSG:4326] for "
                     "longitude,latitude."))
    algorithm.add(
        whole_number(NEIGHBOURS, algorithm.tr("Examples for each place"), 5, 1, 1000),
        algorithm.tr("How many labelled features are shown for each place."))
    algorithm.add(
        choice(CELLS, algorithm.tr("Cells of a polygon"), CELL_KINDS, "sample"),
        algorithm.tr("What a polygon over an embedding raster gives, as in training. sample: up to MOST_CELLS of the "
                     "cells whose centres lie in it. all: all of them. mean: one row, the mean vector."), advanced=True)
    algorithm.add(
        whole_number(MOST_CELLS, algorithm.tr("Most cells of a polygon"), 50, 1, 1_000_000),
        algorithm.tr("With CELLS sample: how many cells of a polygon are taken at most, by chance."), advanced=True)
    algorithm.add(
        QgsProcessingParameterField(KEY, algorithm.tr("Key column of the labels"), None, INPUT, _ANY, False, True),
        algorithm.tr("With an embedding table as EMBEDDINGS: the column of INPUT that names the row of the table. "
                     "Empty: joined by place."), advanced=True)
    # Not a field parameter: below a parent that is a raster, its widget ends QGIS 3.22.
    algorithm.add(
        QgsProcessingParameterString(EMBEDDINGS_KEY, algorithm.tr("Key column of the table"), "", False, True),
        algorithm.tr("The name of the same in the embedding table. Empty: the column of the same name."), advanced=True)
    declare_seed(algorithm)
    declare_memory(algorithm)


def declare_explanations(algorithm: QgsProcessingAlgorithm) -> None:
    """Add OUTPUT, REPORT, DEPENDENCE, EXAMPLES, DIMENSIONS and what the log says."""
    algorithm.add(
        QgsProcessingParameterVectorDestination(OUTPUT, algorithm.tr("Importance"),
                                                QgsProcessing.SourceType.TypeVector),
        algorithm.tr("A table with a row a group: importance is the loss of R² or balanced accuracy when the group is "
                     "shuffled, low and high the ends of its 95 % interval, rmse_gain or log_loss_gain by how much the "
                     "error grows; kind is embedding, part or column, dims says which dimensions."))
    algorithm.add(
        QgsProcessingParameterFileDestination(REPORT, algorithm.tr("Report"), algorithm.tr("HTML (*.html)"), None, True,
                                              True),
        algorithm.tr("A page with all of it in charts and words. It is one file that needs nothing else."))
    for name, title, text in (
            (DEPENDENCE, algorithm.tr("Partial dependence"), algorithm.tr(
                "A table of what is predicted on average when a further column has a value everywhere: column, number "
                "or level, output (target or class), mean, and low to high with the middle 80 % of the rows.")),
            (EXAMPLES, algorithm.tr("Nearest examples"), algorithm.tr(
                "Points of the labelled features that are most alike to the places of COORDINATES: place, rank, "
                "source_id, distance in embedding, metres on the ground, the true value, what is predicted of them, "
                "and place_predicted, what is predicted of the place.")),
            (DIMENSIONS, algorithm.tr("Dimensions"), algorithm.tr(
                "A table with a row a dimension: Moran's I over the 8 nearest features with z and p, the importance of "
                "the dimension alone, its mean and standard deviation."))):
        algorithm.add(QgsProcessingParameterVectorDestination(name, title, QgsProcessing.SourceType.TypeVector, None,
                                                              True, False), text)
    algorithm.addOutput(QgsProcessingOutputNumber("SCORE", algorithm.tr("R² or balanced accuracy on these rows")))
    algorithm.addOutput(QgsProcessingOutputNumber("ROWS", algorithm.tr("Rows used")))
    algorithm.addOutput(QgsProcessingOutputString("MOST_IMPORTANT", algorithm.tr("Group that matters most")))
    algorithm.addOutput(QgsProcessingOutputString("WARNINGS", algorithm.tr("Warnings")))
