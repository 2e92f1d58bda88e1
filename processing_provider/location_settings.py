"""The numbers that shape a location encoder, as parameters; 0 stands for the encoder's own default."""

from __future__ import annotations

from typing import Any, Dict

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext, QgsProcessingParameterBoolean

from ..engine.locations import Settings
from .parameters.number import real_number, whole_number

SCALES = "SCALES"
MIN_RADIUS = "MIN_RADIUS"
MAX_RADIUS = "MAX_RADIUS"
LENGTH = "LENGTH"
SEAMLESS = "SEAMLESS"
SEED = "SEED"


def declare_location_settings(algorithm: QgsProcessingAlgorithm) -> None:
    """Add them all, as advanced parameters: the short call works without."""
    algorithm.add(
        whole_number(SCALES, algorithm.tr("Scales, degrees or frequencies"), 0, 0, 4096),
        algorithm.tr("How many scales (space2vec, sphere2vec), degrees (spherical-harmonics) or frequencies (nerf, "
                     "fourier) there are. 0 = the encoder's default; the help page has a table."), advanced=True)
    algorithm.add(
        real_number(MIN_RADIUS, algorithm.tr("Finest radius"), 0.0, 0.0),
        algorithm.tr("The finest scale of space2vec, in degrees (its wave is 2π times as long), and of sphere2vec, in "
                     "radians (its wave is 360 times as many degrees long). Nothing much finer than the distance "
                     "between neighbouring places is of use. 0 = the encoder's default."), advanced=True)
    algorithm.add(
        real_number(MAX_RADIUS, algorithm.tr("Coarsest radius"), 0.0, 0.0),
        algorithm.tr("The coarsest scale, in the same units. 0 = the encoder's default."), advanced=True)
    algorithm.add(
        real_number(LENGTH, algorithm.tr("Length scale in km"), 0.0, 0.0),
        algorithm.tr("For the two fourier encoders: how far apart two places are whose vectors have a cosine of about "
                     "0.6 (fourier-planar: along a meridian). 0 = 1000 km."), advanced=True)
    algorithm.add(
        QgsProcessingParameterBoolean(SEAMLESS, algorithm.tr("Seamless at ±180°"), False),
        algorithm.tr("For sphere2vec, space2vec and fourier-planar: rounds the scale factors so that a turn around the "
                     "globe is a whole number of waves, and the vectors go on smoothly across ±180° of longitude."),
        advanced=True)
    algorithm.add(
        whole_number(SEED, algorithm.tr("Seed"), 0, 0),
        algorithm.tr("Fixes the random waves of the fourier encoders; it is part of the space, so the same seed gives "
                     "vectors that compare."), advanced=True)


def read_location_settings(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]",
                           context: QgsProcessingContext) -> Settings:
    """Return what was given."""
    return Settings(
        scales=algorithm.parameterAsInt(parameters, SCALES, context),
        min_radius=algorithm.parameterAsDouble(parameters, MIN_RADIUS, context),
        max_radius=algorithm.parameterAsDouble(parameters, MAX_RADIUS, context),
        length=algorithm.parameterAsDouble(parameters, LENGTH, context),
        seamless=algorithm.parameterAsBool(parameters, SEAMLESS, context),
        seed=algorithm.parameterAsInt(parameters, SEED, context))
