"""What a training of a location encoder asks for: declared, and turned into its request, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Optional

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterString,
)

from ..engine.location_training.request import DEFAULT_KIND, KINDS, MOST_EPOCHS, OBJECTIVES, TASKS
from ..engine.table import Rows
from .adapters.file_destination import file_destination
from .adapters.outputs import is_temporary
from .adapters.rows_input import rows_input
from .environment import space_registry
from .location_settings import LENGTH, MAX_RADIUS, MIN_RADIUS, SCALES, SEAMLESS, read_location_settings
from .parameters.choice import choice
from .parameters.number import real_number, whole_number
from .parameters.running import DEVICE, MEMORY, RESUME, SEED, declare_device_choice, declare_memory
from .parameters.training import BLOCK_SIZE, EMBEDDINGS, EMBEDDINGS_KEY, FOLD_COUNT, INPUT, KEY, OUTPUT, REPORT, TARGET
from .training_inputs import embeddings_input

if TYPE_CHECKING:
    from ..engine.location_training.request import TrainLocationRequest

OBJECTIVE = "OBJECTIVE"
TASK = "TASK"
KIND = "KIND"
DIMENSIONS = "DIMENSIONS"
EPOCHS = "EPOCHS"
SAMPLES = "SAMPLES"
NAME = "NAME"

Parameters = Dict[str, Any]


def declare_lesson(algorithm: QgsProcessingAlgorithm) -> None:
    """Add what is learnt from what, and how."""
    algorithm.add(
        QgsProcessingParameterFeatureSource(INPUT, algorithm.tr("Places"),
                                            [QgsProcessing.SourceType.TypeVectorAnyGeometry], None, True),
        algorithm.tr("The features whose places are learnt: points, or the middles of lines and polygons. May be left "
                     "empty where EMBEDDINGS is given: the places are drawn from it then. For views: the table of "
                     "photos from “Embed geotagged photos”."))
    algorithm.add(
        QgsProcessingParameterField(TARGET, algorithm.tr("Target"), None, INPUT,
                                    QgsProcessingParameterField.DataType.Any, True, True),
        algorithm.tr("What the encoder shall know of a place: a column of numbers or of classes, or several at once. "
                     "Give this, or EMBEDDINGS."))
    algorithm.add(
        QgsProcessingParameterMapLayer(
            EMBEDDINGS, algorithm.tr("Embeddings"), None, True,
            [QgsProcessing.SourceType.TypeRaster, QgsProcessing.SourceType.TypeVector]),
        algorithm.tr("An embedding raster or table to distil: the encoder learns to give its vectors from the place "
                     "alone. For views: the embedding raster under the photos. Empty without TARGET: the vectors of "
                     "INPUT itself."))
    algorithm.add(
        choice(OBJECTIVE, algorithm.tr("Objective"), OBJECTIVES, OBJECTIVES[0]),
        algorithm.tr(
            "target: learns the columns of TARGET. distil: learns vectors, by how well their directions agree. "
            "contrastive: learns to tell which vector belongs to which place, for experts. views: brings the place, "
            "the embedding raster about it and a photo taken there together. automatic: target where TARGET is given, "
            "else distil."))
    algorithm.add(
        choice(KIND, algorithm.tr("Kind"), KINDS, DEFAULT_KIND),
        algorithm.tr("The formula that turns longitude and latitude into what the network takes; the help of "
                     "“Embed locations” has the formulas in a table. With a network on top they differ little: leave "
                     "it unless you compare."))
    algorithm.add(
        whole_number(DIMENSIONS, algorithm.tr("Dimensions"), 64, 1, 4096),
        algorithm.tr("How many numbers a vector has. An encoder that is taught vectors has no more than these have."))
    algorithm.add(
        whole_number(EPOCHS, algorithm.tr("Epochs (0 = as many as help)"), 0, 0, 10_000),
        algorithm.tr("How often all places are gone through. 0 = until blocks that are kept out get no better, {most} "
                     "at most.").format(most=MOST_EPOCHS))


def declare_judging(algorithm: QgsProcessingAlgorithm) -> None:
    """Add how it is judged."""
    algorithm.add(
        real_number(BLOCK_SIZE, algorithm.tr("Block size (0 = from the data)"), 0.0, 0.0),
        algorithm.tr("Side of the squares on the ground that are kept out together, in units of the CRS of INPUT, or "
                     "of EMBEDDINGS where INPUT is empty. 0 = the distance over which values are alike, rounded."),
        advanced=True)
    algorithm.add(
        whole_number(FOLD_COUNT, algorithm.tr("Number of folds"), 5, 2, 20),
        algorithm.tr("Into how many parts the blocks go. Each part is judged once, by an encoder that learnt from the "
                     "others only."), advanced=True)


def declare_settings(algorithm: QgsProcessingAlgorithm) -> None:
    """Add the numbers that shape the formula; 0 leaves them to the data."""
    algorithm.add(
        whole_number(SCALES, algorithm.tr("Scales, degrees or frequencies"), 0, 0, 4096),
        algorithm.tr("How many scales, degrees (spherical-harmonics), frequencies (nerf, fourier) or anchors (rbf) "
                     "there are. 0 = proposed from the data; the report says what and why."), advanced=True)
    algorithm.add(
        real_number(MIN_RADIUS, algorithm.tr("Finest radius"), 0.0, 0.0),
        algorithm.tr("The finest scale, in degrees for space2vec and in radians for sphere2vec. Nothing finer than the "
                     "distance between neighbouring places can be learnt. 0 = from that distance."), advanced=True)
    algorithm.add(
        real_number(MAX_RADIUS, algorithm.tr("Coarsest radius"), 0.0, 0.0),
        algorithm.tr("The coarsest scale, in the same units. 0 = from the extent of the places."), advanced=True)
    algorithm.add(
        real_number(LENGTH, algorithm.tr("Length scale in km"), 0.0, 0.0),
        algorithm.tr("For the fourier encoders and rbf: how far apart two places are that are hardly alike any more. "
                     "0 = proposed from the data."), advanced=True)
    algorithm.add(
        QgsProcessingParameterBoolean(SEAMLESS, algorithm.tr("Seamless at ±180°"), False),
        algorithm.tr("For sphere2vec, space2vec and fourier-planar: rounds the scale factors so that a turn around the "
                     "globe is a whole number of waves, and the vectors go on smoothly across ±180° of longitude."),
        advanced=True)
    algorithm.add(
        whole_number(SAMPLES, algorithm.tr("Places drawn from the raster"), 0, 0, 1_000_000),
        algorithm.tr("With an embedding raster to distil: how many places are drawn from it, evenly by area. 0 = those "
                     "of INPUT, or 20,000 where that is empty."), advanced=True)


def declare_details(algorithm: QgsProcessingAlgorithm) -> None:
    """Add how a table is joined, what the targets are, and how the machine is used."""
    algorithm.add(
        choice(TASK, algorithm.tr("Task"), TASKS, TASKS[0]),
        algorithm.tr("What a target is. automatic: columns of numbers are learnt as numbers (regression), texts and "
                     "yes/no as classes. classification takes whole numbers as codes of classes."), advanced=True)
    algorithm.add(
        QgsProcessingParameterField(KEY, algorithm.tr("Key column of the places"), None, INPUT,
                                    QgsProcessingParameterField.DataType.Any, False, True),
        algorithm.tr("With an embedding table as EMBEDDINGS: the column of INPUT that names the row of the table. "
                     "Empty: joined by place."), advanced=True)
    algorithm.add(
        QgsProcessingParameterString(EMBEDDINGS_KEY, algorithm.tr("Key column of the table"), "", False, True),
        algorithm.tr("The name of the same in the embedding table. Empty: the column of the same name."), advanced=True)
    algorithm.add(
        QgsProcessingParameterString(NAME, algorithm.tr("Name"), "", False, True),
        algorithm.tr("What the encoder is called in lists and in the spaces of its tables. Empty: after the file."),
        advanced=True)
    declare_device_choice(algorithm)
    declare_memory(algorithm)
    algorithm.add(
        QgsProcessingParameterBoolean(RESUME, algorithm.tr("Resume an interrupted run"), True),
        algorithm.tr("A run that was cancelled or killed leaves what it finished in OUTPUT.partial; the same call goes "
                     "on from there. Off: start afresh. Temporary outputs never resume."), advanced=True)
    algorithm.add(
        whole_number(SEED, algorithm.tr("Seed"), 0, 0),
        algorithm.tr("Fixes the random waves, the weights to begin with, the order of places and the folds: the same "
                     "seed gives the same encoder."), advanced=True)


def nothing_given(parameters: Parameters) -> bool:
    """Tell whether there is nothing to learn from."""
    return all(parameters.get(name) in (None, "", []) for name in (INPUT, EMBEDDINGS))


class LocationTrainingInputs:
    """What is known of a training before anything is opened."""

    def __init__(self, algorithm: QgsProcessingAlgorithm, parameters: Parameters,
                 context: QgsProcessingContext) -> None:
        """Resolve layers and paths."""
        self._rows: "Optional[Callable[[], Rows]]" = None
        if parameters.get(INPUT) not in (None, ""):
            self._rows = rows_input(algorithm, parameters, INPUT, context)
        self._embeddings = embeddings_input(algorithm, parameters, context)
        self.output = file_destination(algorithm, parameters, OUTPUT, ".onnx", context)
        self.report = file_destination(algorithm, parameters, REPORT, ".html", context)
        self._plain: "Dict[str, Any]" = {
            "targets": tuple(algorithm.parameterAsFields(parameters, TARGET, context)),
            "objective": algorithm.parameterAsEnumString(parameters, OBJECTIVE, context),
            "task": algorithm.parameterAsEnumString(parameters, TASK, context),
            "kind": algorithm.parameterAsEnumString(parameters, KIND, context),
            "dimensions": algorithm.parameterAsInt(parameters, DIMENSIONS, context),
            "settings": read_location_settings(algorithm, parameters, context),
            "epochs": algorithm.parameterAsInt(parameters, EPOCHS, context),
            "seed": algorithm.parameterAsInt(parameters, SEED, context),
            "device": algorithm.parameterAsEnumString(parameters, DEVICE, context),
            "folds": algorithm.parameterAsInt(parameters, FOLD_COUNT, context),
            "block_size": algorithm.parameterAsDouble(parameters, BLOCK_SIZE, context),
            "samples": algorithm.parameterAsInt(parameters, SAMPLES, context),
            "key": algorithm.parameterAsString(parameters, KEY, context).strip(),
            "embeddings_key": algorithm.parameterAsString(parameters, EMBEDDINGS_KEY, context).strip(),
            "name": algorithm.parameterAsString(parameters, NAME, context).strip(),
            "memory_mib": algorithm.parameterAsInt(parameters, MEMORY, context),
            "resume": algorithm.parameterAsBool(parameters, RESUME, context) and not is_temporary(self.output)}

    def request(self, progress: Any) -> "TrainLocationRequest":
        """Open the layers and return the request."""
        from ..engine.location_training.request import TrainLocationRequest

        return TrainLocationRequest(
            rows=None if self._rows is None else self._rows(), output=self.output,
            embeddings=self._embeddings(progress), report=self.report, registry=space_registry(), **self._plain)
