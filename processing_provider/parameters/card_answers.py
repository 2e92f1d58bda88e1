"""What only the person who brings an encoder can know, where its file and card don't tell."""

from __future__ import annotations

from typing import Any, Dict, Tuple

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext, QgsProcessingParameterString

from .choice import choice
from .number import whole_number
from .suggested_text import suggested_text

UNTOLD = "as the file tells"
POOLINGS = (UNTOLD, "none", "cls", "mean", "max")
METRICS = (UNTOLD, "cosine", "euclidean")
_SCALINGS = ("none", "scale 10000", "scale 255", "scale 10000 | clip 0 1")
_UNITS = ("reflectance x 10000", "reflectance", "DN", "dB", "metre")


def declare_card_answers(algorithm: QgsProcessingAlgorithm) -> None:
    """Add one parameter for each answer, the needed ones first."""
    algorithm.add(
        _text("BANDS", algorithm.tr("Bands")),
        algorithm.tr("The names of the bands in the order in which the encoder takes them, such as B02;B03;B04;B08 or "
                     "red;green;blue."))
    algorithm.add(
        suggested_text("UNIT", algorithm.tr("Unit"), "", ("",) + _UNITS, optional=True),
        algorithm.tr("What the pixel values are before any scaling, one for all bands or one for each: "
                     "“reflectance x 10000”, “DN”, “dB” … Rasters in another unit are refused later."))
    algorithm.add(
        suggested_text("SCALING", algorithm.tr("Scaling"), "", ("",) + _SCALINGS, optional=True),
        algorithm.tr("Steps before MEAN and STD, the same for all bands, such as “scale 10000” or “scale 10000 | clip "
                     "0 1”; “none” where the encoder takes raw values."))
    algorithm.add(
        _text("MEAN", algorithm.tr("Means")),
        algorithm.tr("The mean that is subtracted from each band, separated by semicolons, after SCALING."))
    algorithm.add(
        _text("STD", algorithm.tr("Standard deviations")),
        algorithm.tr("The standard deviation that each band is divided by, separated by semicolons, after SCALING."))
    _declare_details(algorithm)


def read_card_answers(algorithm: QgsProcessingAlgorithm, parameters: Dict[str, Any],
                      context: QgsProcessingContext) -> Dict[str, Any]:
    """Return the answers by the names that the engine's request gives them."""
    texts = ("BANDS", "UNIT", "SCALING", "MEAN", "STD", "WAVELENGTHS", "VALID_RANGE", "OUTPUT_NAME", "AXES", "LICENCE")
    numbers = ("PATCH", "TOKENS_DROP", "TILE", "DATES")
    answers: Dict[str, Any] = {name.lower(): algorithm.parameterAsString(parameters, name, context).strip()
                               for name in texts}
    answers.update((name.lower(), algorithm.parameterAsInt(parameters, name, context)) for name in numbers)
    for name in ("POOLING", "METRIC"):
        value = algorithm.parameterAsEnumString(parameters, name, context)
        answers[name.lower()] = "" if value == UNTOLD else value
    return answers


def _declare_details(algorithm: QgsProcessingAlgorithm) -> None:
    """Add the answers that few encoders need."""
    details: Tuple[Tuple[Any, str], ...] = (
        (_text("WAVELENGTHS", algorithm.tr("Wavelengths")),
         algorithm.tr("Centre wavelengths of the bands in micrometres, separated by semicolons, for encoders that take "
                      "them or bands whose names don't tell.")),
        (_text("VALID_RANGE", algorithm.tr("Plausible values")),
         algorithm.tr("The smallest and largest value that a pixel may plausibly have, such as 0;10000: a raster in "
                      "other units is refused instead of giving wrong vectors.")),
        (whole_number("PATCH", algorithm.tr("Patch in pixels"), 0, 0, 4096),
         algorithm.tr("Width in pixels of what one token or cell of the output stands for. 0 = as a trial run tells.")),
        (whole_number("TOKENS_DROP", algorithm.tr("Leading tokens"), -1, -1, 4096),
         algorithm.tr("How many tokens (class token, registers) come before those of the patches. −1 = as their number "
                      "tells.")),
        (choice("POOLING", algorithm.tr("Pooling"), POOLINGS, UNTOLD),
         algorithm.tr("none: a vector for each patch. cls: the first token is the vector of the whole tile. mean, max: "
                      "the mean or largest of all patches is.")),
        (whole_number("TILE", algorithm.tr("Tile in pixels"), 0, 0, 65_536),
         algorithm.tr("The size of the tiles that the encoder was trained on, where it takes any. 0 = as the file "
                      "tells.")),
        (whole_number("DATES", algorithm.tr("Number of dates"), 0, 0, 1000),
         algorithm.tr("How many dates the encoder takes at once, where its file leaves that open. 0 = as the file "
                      "tells.")),
        (_text("OUTPUT_NAME", algorithm.tr("Output of the graph")),
         algorithm.tr("The name of the graph's output that holds the vectors, where it has several.")),
        (_text("AXES", algorithm.tr("Axes of the image")),
         algorithm.tr("The order of the image's axes where it can't be told from their sizes, such as "
                      "batch;time;bands;height;width.")),
        (choice("METRIC", algorithm.tr("Metric"), METRICS, UNTOLD),
         algorithm.tr("How vectors of this encoder are compared: by angle (cosine) or by distance (euclidean).")),
        (_text("LICENCE", algorithm.tr("Licence")),
         algorithm.tr("The encoder's licence, such as Apache-2.0 or CC-BY-4.0, for the card.")),
    )
    for parameter, help_text in details:
        algorithm.add(parameter, help_text, advanced=True)


def _text(name: str, description: str) -> QgsProcessingParameterString:
    """Return an optional text."""
    return QgsProcessingParameterString(name, description, "", False, True)
