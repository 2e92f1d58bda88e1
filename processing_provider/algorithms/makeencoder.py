"""Makes an encoder from rasters or photos."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Tuple

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterString,
)

from ...engine.errors import InputError
from ..adapters.extent import bounds, read_extent
from ..adapters.feedback import FeedbackProgress
from ..adapters.mask import resolve_mask
from ..adapters.raster import resolve_rasters
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import folders
from ..parameters.cells import CELL, declare_cell
from ..parameters.number import whole_number
from ..parameters.raster_input import BANDS, declare_bands
from ..parameters.region import EXTENT, MASK, declare_region
from ..parameters.running import SEED, declare_seed

INPUTS = "INPUTS"
FOLDER = "FOLDER"
FILTERS = "FILTERS"
PATCH = "PATCH"
UNIT_NORM = "UNIT_NORM"
DIMENSIONS = "DIMENSIONS"
OUTPUT = "OUTPUT"


class MakeEncoder(EarthprintAlgorithm):
    """Fits the automatic encoder to one or several rasters and keeps it as a file for further scenes and dates."""

    ID = "makeencoder"
    TITLE = "Make an encoder from a raster"
    GROUP = "Encoders"
    GROUP_ID = "encoders"
    SUMMARY = (
        "Makes an encoder from your own raster, with nothing to download: small pieces of the picture become filters, "
        "and their responses, with statistics of the bands, become a vector for each cell. Any number of bands and any "
        "pixel size will do. Use it on every scene and date that you want to compare.")
    TAGS = ("encoder", "random convolutional features", "rcf", "onnx", "train", "fit")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterMultipleLayers(INPUTS, self.tr("Rasters"), QgsProcessing.SourceType.TypeRaster, None,
                                                 True),
            self.tr("One or several rasters with the same bands. A sample of all of them is used, so include what "
                    "the encoder shall tell apart. Give these or FOLDER."))
        self.add(
            QgsProcessingParameterFile(FOLDER, self.tr("Folder of photos"), QgsProcessingParameterFile.Behavior.Folder,
                                       optional=True),
            self.tr("In place of rasters: a folder of photos, with the folders within it, for an encoder of photos. "
                    "BANDS, EXTENT and MASK are for rasters only."))
        declare_bands(self)
        declare_region(self)
        declare_cell(self)
        self.add(
            whole_number(DIMENSIONS, self.tr("Dimensions"), 0, 0, 4096),
            self.tr("How many numbers a vector has. 0 = the default, or fewer where the raster doesn't hold as many."))
        self.add(
            whole_number(FILTERS, self.tr("Number of filters"), 0, 0, 8192),
            self.tr("How many pieces of the raster become filters, over all patch sizes. More tell finer differences "
                    "and take longer. 0 = the default."),
            advanced=True)
        self.add(
            QgsProcessingParameterString(PATCH, self.tr("Patch sizes"), "", False, True),
            self.tr("Widths of the filters in pixels, odd numbers separated by semicolons, such as 3;5. Empty = the "
                    "default."),
            advanced=True)
        self.add(
            QgsProcessingParameterBoolean(UNIT_NORM, self.tr("Vectors of length one"), False),
            self.tr("Divides each vector by its length, so that only its direction counts. Off keeps how strongly a "
                    "place differs from the scene's middle, which most predictions need."),
            advanced=True)
        declare_seed(self)
        self.add(
            QgsProcessingParameterFileDestination(OUTPUT, self.tr("Encoder"), self.tr("Encoders (*.onnx)"), None, True,
                                                  False),
            self.tr("The file to write, ending in .onnx; its card is written beside it. Empty = into your folder of "
                    "encoders, under the name of the first raster or of the folder, where it can be used by its id."))
        self.addOutput(QgsProcessingOutputString("ENCODER_USED", self.tr("Card of the encoder")))
        self.addOutput(QgsProcessingOutputString("ENCODER_ID", self.tr("Id of the encoder")))
        self.addOutput(QgsProcessingOutputNumber("CELL_OUT", self.tr("Cell size in pixels")))
        self.addOutput(QgsProcessingOutputNumber("DIMENSIONS_OUT", self.tr("Dimensions of a vector")))

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Catch patch sizes that are none, and a file name of another kind."""
        patch_sizes(self.parameterAsString(parameters, PATCH, context))
        if bool(parameters.get(INPUTS)) == bool(parameters.get(FOLDER)):
            return self.tr("Give either INPUTS, rasters, or FOLDER, a folder of photos.")
        limits = [name for name in (BANDS, EXTENT, MASK) if parameters.get(name) not in (None, "")]
        if parameters.get(FOLDER) and limits:
            return self.tr("{names}: for rasters only, leave it empty with FOLDER.").format(names=", ".join(limits))
        output = self.parameterAsFileOutput(parameters, OUTPUT, context)
        if output and not self._is_temporary(parameters) and os.path.splitext(output)[1].lower() != ".onnx":
            return self.tr("OUTPUT: an encoder is written as ONNX, so “{path}” must end in .onnx.").format(path=output)
        return ""

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        self._folder = self.parameterAsFile(parameters, FOLDER, context) if parameters.get(FOLDER) else ""
        self._rasters = [] if self._folder else resolve_rasters(self, parameters, INPUTS, context)
        self._plain = {
            "bands": self.parameterAsString(parameters, BANDS, context).strip(),
            "filters": self.parameterAsInt(parameters, FILTERS, context),
            "patches": patch_sizes(self.parameterAsString(parameters, PATCH, context)),
            "cell": self.parameterAsInt(parameters, CELL, context),
            "dimensions": self.parameterAsInt(parameters, DIMENSIONS, context),
            "unit_norm": self.parameterAsBool(parameters, UNIT_NORM, context),
            "seed": self.parameterAsInt(parameters, SEED, context),
        }
        self._extent, self._mask = None, None
        if self._folder:
            self._output = self._target(parameters, context, Path(self._folder).name)
            return
        if not self._rasters:
            raise InputError("raster-none", "{parameter}: no raster was given.", parameter=INPUTS)
        crs = self._rasters[0].crs
        self._extent = bounds(read_extent(self, parameters, EXTENT, context, crs))
        self._mask = resolve_mask(self, parameters, MASK, context, crs)
        if (self._extent or self._mask) and any(raster.crs != crs for raster in self._rasters):
            raise InputError("makeencoder-crs", "INPUTS: the rasters have different CRSs, so EXTENT and MASK can't "
                             "limit them all: leave both empty or give rasters of one CRS.")
        self._output = self._target(parameters, context, self._rasters[0].name)

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Fit and write."""
        from ...engine.embedding.making import MakeEncoderRequest, make_encoder

        request = MakeEncoderRequest(
            rasters=tuple(raster.dataset(progress) for raster in self._rasters), output=self._output,
            extent=self._extent, mask=self._mask.polygons(progress) if self._mask is not None else None, **self._plain)
        if self._folder:
            from ...engine.photos.finding import FolderPhotos
            from ...engine.photos.making import make_photo_encoder

            made = make_photo_encoder(FolderPhotos(self._folder), request, progress)
        else:
            made = make_encoder(request, progress)
        progress.info(self.tr("{dimensions} dimensions, which keep {explained:.0%} of the variation; cells of {cell} "
                              "pixels, each seen with its surroundings of {window} pixels.").format(
            dimensions=made.dimensions, explained=made.explained, cell=made.cell, window=made.window))
        progress.info(self.tr("Encoder: {path}").format(path=made.path))
        return {OUTPUT: made.path, "ENCODER_USED": made.card_path, "ENCODER_ID": made.card.id, "CELL_OUT": made.cell,
                "DIMENSIONS_OUT": made.dimensions}

    def _is_temporary(self, parameters: Parameters) -> bool:
        """Tell whether the user left it to us where the encoder goes."""
        return parameters.get(OUTPUT) == QgsProcessing.TEMPORARY_OUTPUT

    def _target(self, parameters: Parameters, context: QgsProcessingContext, name: str) -> str:
        """Return where to write; a temporary one keeps the ending that the engine needs."""
        output = self.parameterAsFileOutput(parameters, OUTPUT, context)
        if output and self._is_temporary(parameters):
            return os.path.splitext(output)[0] + ".onnx"
        if output:
            return output
        folder = folders().encoders
        folder.mkdir(parents=True, exist_ok=True)
        return str(_free_name(folder, re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "encoder"))


def patch_sizes(text: str) -> Tuple[int, ...]:
    """Return the sizes of a text such as 3;5."""
    sizes = []
    for part in (part.strip() for part in text.split(";") if part.strip()):
        if not part.isdigit() or not 1 <= int(part) <= 99:
            raise InputError("patch-size", "PATCH: “{part}” is not a width in pixels: write odd numbers separated by "
                             "semicolons, such as 3;5.", part=part)
        sizes.append(int(part))
    return tuple(sizes)


def _free_name(folder: Path, stem: str) -> Path:
    """Return a name that no encoder has yet: one in use may be named in fields and models."""
    number = 1
    while True:
        candidate = folder / "{}{}.onnx".format(stem, "" if number == 1 else "-{}".format(number))
        if not candidate.exists() and not candidate.with_suffix(".json").exists():
            return candidate
        number += 1
