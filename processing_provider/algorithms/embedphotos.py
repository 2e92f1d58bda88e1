"""Embeds geotagged photos as an embedding table of points."""

from __future__ import annotations

import os
from typing import Any, List

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterVectorDestination,
    QgsVectorLayer,
)

from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import is_temporary, table_destination
from ..adapters.rows_input import rows_input
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..encoder_folders import encoder_folders, encoder_problem
from ..environment import space_registry
from ..parameters.encoder import AUTOMATIC, ENCODER, found_encoders
from ..parameters.number import whole_number
from ..parameters.running import BATCH, DEVICE, SEED, declare_device, declare_seed
from ..parameters.suggested_text import suggested_text
from ..styles.on_load import style_on_load
from ..styles.photo_points import PhotoPointsStyle

FOLDER = "FOLDER"
RECURSIVE = "RECURSIVE"
INPUT = "INPUT"
PATH_FIELD = "PATH_FIELD"
BLOB_FIELD = "BLOB_FIELD"
SIZE = "SIZE"
KEEP_UNPLACED = "KEEP_UNPLACED"
OUTPUT = "OUTPUT"


class EmbedPhotos(EarthprintAlgorithm):
    """Makes points with a vector, the time and a thumbnail of photos that know where they were taken."""

    ID = "embedphotos"
    TITLE = "Embed geotagged photos"
    GROUP = "Embed"
    GROUP_ID = "embed"
    SUMMARY = (
        "Turns photos into points with a vector each: street views, drone photos, pictures of a field visit. Where and "
        "when a photo was taken and which way is up is read from the photo itself. The encoder “automatic” is made "
        "from these photos, with no download. Photos that can't be read never stop the run; they are counted and "
        "named.")
    TAGS = ("photo", "image", "picture", "jpeg", "exif", "geotagged", "street view", "drone")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFile(FOLDER, self.tr("Folder of photos"), QgsProcessingParameterFile.Behavior.Folder,
                                       optional=True),
            self.tr("A folder of JPEG, PNG, TIFF, WebP or HEIC files (what your GDAL can read). Give this or INPUT."))
        self.add(
            QgsProcessingParameterBoolean(RECURSIVE, self.tr("Folders within it, too"), True),
            self.tr("Look in the folders of the folder as well."))
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Layer of photos"),
                                                [QgsProcessing.SourceType.TypeVector], None, True),
            self.tr("A layer with a row for each photo; give this or FOLDER. Its points, where it has them, say where "
                    "the photos were taken, else the photos do. Its columns are kept."))
        self.add(
            QgsProcessingParameterField(PATH_FIELD, self.tr("Column of paths"), None, INPUT, optional=True),
            self.tr("The column of the layer that holds the photos' paths; relative ones start at the layer's folder. "
                    "Empty: a column named photo, path, image or filename."))
        self.add(
            QgsProcessingParameterField(BLOB_FIELD, self.tr("Column of pictures"), None, INPUT, optional=True),
            self.tr("The binary column of the layer that holds the photos themselves, in place of paths."))
        self.add(
            suggested_text(ENCODER, self.tr("Encoder"), AUTOMATIC, (AUTOMATIC,) + found_encoders(),
                           "Encoders (*.onnx *.json)"),
            self.tr("Turns pixels into vectors. “automatic” makes an encoder from these photos, with no download, and "
                    "keeps it beside the output; name its file here to embed further photos in the same space. "
                    "Otherwise the id of an encoder added with “Add an encoder” that takes red, green and blue, or "
                    "the path of an .onnx file or of its .json card."))
        self.add(
            whole_number(SIZE, self.tr("Size in pixels"), 0, 0, 4096),
            self.tr("The middle square of each photo is brought to so many pixels. 0 = the encoder's own size, 224 for "
                    "the automatic one."),
            advanced=True)
        self.add(
            QgsProcessingParameterBoolean(KEEP_UNPLACED, self.tr("Keep photos without position"), False),
            self.tr("Photos that don't say where they were taken become rows without a geometry. Off: they are left "
                    "out. Either way they are counted and named."))
        declare_device(self)
        declare_seed(self)
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Embedding table"),
                                                    QgsProcessing.SourceType.TypeVectorPoint),
            self.tr("A GeoPackage layer of points (WGS 84) with embedding, embedding_space, path, time (the camera's "
                    "clock), time_utc (satellites), heading, altitude, size and a thumbnail, shown in the attribute "
                    "form."))
        self.addOutput(QgsProcessingOutputNumber("PHOTOS", self.tr("Photos with a vector")))
        self.addOutput(QgsProcessingOutputNumber("FAILED", self.tr("Photos that could not be read")))
        self.addOutput(QgsProcessingOutputNumber("UNPLACED", self.tr("Photos without position")))
        self.addOutput(QgsProcessingOutputString("REASONS", self.tr("Why photos could not be read")))
        self.addOutput(QgsProcessingOutputNumber("DIMENSIONS_OUT", self.tr("Dimensions")))
        self.addOutput(QgsProcessingOutputString("DEVICE_USED", self.tr("Device used")))
        self.addOutput(QgsProcessingOutputString("ENCODER_USED", self.tr("Card of the encoder used")))

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Ask for exactly one source, and look for the encoder."""
        given = _given(parameters, (FOLDER, INPUT))
        if len(given) != 1:
            return self.tr("Give either FOLDER, a folder of photos, or INPUT, a layer: {count} of the two are "
                           "given.").format(count=len(given))
        if len(_given(parameters, (PATH_FIELD, BLOB_FIELD))) == 2:
            return self.tr("Give either PATH_FIELD or BLOB_FIELD: both are given.")
        return encoder_problem(self, parameters, context)

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layer."""
        self._folder = self.parameterAsFile(parameters, FOLDER, context) if _given(parameters, (FOLDER,)) else ""
        self._recursive = self.parameterAsBool(parameters, RECURSIVE, context)
        self._fields = [self.parameterAsString(parameters, name, context) for name in (PATH_FIELD, BLOB_FIELD)]
        if not self._folder:
            self._rows = rows_input(self, parameters, INPUT, context)
            self._base = _folder_of(self.parameterAsVectorLayer(parameters, INPUT, context), context)
        self._plain = {
            "encoder": self.parameterAsString(parameters, ENCODER, context).strip() or AUTOMATIC,
            "size": self.parameterAsInt(parameters, SIZE, context),
            "keep_unplaced": self.parameterAsBool(parameters, KEEP_UNPLACED, context),
            "device": self.parameterAsEnumString(parameters, DEVICE, context),
            "batch": self.parameterAsInt(parameters, BATCH, context),
            "seed": self.parameterAsInt(parameters, SEED, context),
        }
        self._output = table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context))

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Embed."""
        from ...engine.photos.finding import FolderPhotos, LayerPhotos
        from ...engine.photos.request import PhotoRequest
        from ...engine.photos.run import embed_photos

        photos: Any = FolderPhotos(self._folder, self._recursive) if self._folder else LayerPhotos(
            self._rows(), *self._fields, self._base)
        result = embed_photos(PhotoRequest(photos, self._output, encoder_folders(), temporary=is_temporary(
            self._output), **self._plain), progress, space_registry())
        progress.info("Encoder used: {}".format(result.encoder_card))
        style_on_load(context, self._output, PhotoPointsStyle(photos.path_column, result.thumbnail_column))
        return {OUTPUT: self._output, "PHOTOS": result.rows, "FAILED": len(result.failed),
                "UNPLACED": len(result.unplaced), "REASONS": "; ".join(str(failed) for failed in result.failed),
                "DIMENSIONS_OUT": result.space.dimensions, "DEVICE_USED": result.device,
                "ENCODER_USED": result.encoder_card}


def _given(parameters: Parameters, names: Any) -> List[str]:
    """Return which parameters have a value."""
    return [name for name in names if parameters.get(name) not in (None, "")]


def _folder_of(layer: Any, context: QgsProcessingContext) -> str:
    """Return where relative paths of a layer start: at its file, else at the project's."""
    if isinstance(layer, QgsVectorLayer):
        path = layer.source().split("|")[0]
        if os.path.isfile(path):
            return os.path.dirname(os.path.abspath(path))
    project = context.project()
    return project.homePath() if project is not None else ""
