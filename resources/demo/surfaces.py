"""What covers the ground of the demo scene, and what the sensor sees of it at each date."""

from __future__ import annotations

from enum import IntEnum
from typing import Dict, Tuple

import numpy as np

Spectrum = Tuple[float, float, float, float, float, float]
"""Reflectance in B02, B03, B04, B05, B08 and B11."""


class Surface(IntEnum):
    """The materials that the landscape is painted with, finer than the classes that the labels name."""

    RIVER = 0
    LAKE = 1
    SHORE = 2
    BROADLEAF = 3
    CONIFER = 4
    CLEARING = 5
    MEADOW = 6
    WHEAT = 7
    RAPESEED = 8
    MAIZE = 9
    BEET = 10
    CLOVER = 11
    HEDGE = 12
    TRACK = 13
    ROAD = 14
    RED_ROOF = 15
    GREY_ROOF = 16
    BRIGHT_ROOF = 17
    GARDEN = 18
    QUARRY = 19
    POND = 20
    YARD = 21


_SOIL: Spectrum = (0.072, 0.098, 0.128, 0.152, 0.205, 0.290)
_DARK_SOIL: Spectrum = (0.052, 0.070, 0.092, 0.112, 0.155, 0.225)
_STUBBLE: Spectrum = (0.082, 0.118, 0.156, 0.198, 0.275, 0.365)
_RIPE: Spectrum = (0.066, 0.104, 0.138, 0.196, 0.310, 0.330)
_LUSH: Spectrum = (0.024, 0.058, 0.026, 0.098, 0.500, 0.155)

Endmembers = Tuple[Spectrum, Spectrum]

_BOTH_DATES: Dict[Surface, Endmembers] = {
    Surface.RIVER: ((0.046, 0.060, 0.042, 0.030, 0.016, 0.008), (0.060, 0.080, 0.062, 0.045, 0.026, 0.013)),
    Surface.LAKE: ((0.034, 0.038, 0.021, 0.014, 0.009, 0.005), (0.042, 0.056, 0.030, 0.020, 0.012, 0.006)),
    Surface.SHORE: ((0.080, 0.102, 0.122, 0.140, 0.165, 0.165), (0.115, 0.145, 0.172, 0.190, 0.220, 0.230)),
    Surface.CLEARING: ((0.052, 0.070, 0.088, 0.118, 0.205, 0.275), (0.066, 0.090, 0.112, 0.140, 0.225, 0.315)),
    Surface.HEDGE: ((0.024, 0.046, 0.030, 0.085, 0.300, 0.150), (0.030, 0.060, 0.038, 0.105, 0.370, 0.190)),
    Surface.TRACK: ((0.085, 0.108, 0.125, 0.150, 0.210, 0.270), (0.110, 0.138, 0.160, 0.185, 0.245, 0.310)),
    Surface.ROAD: ((0.074, 0.084, 0.092, 0.102, 0.130, 0.150), (0.104, 0.114, 0.122, 0.132, 0.158, 0.178)),
    Surface.RED_ROOF: ((0.066, 0.080, 0.128, 0.150, 0.185, 0.215), (0.090, 0.115, 0.190, 0.215, 0.260, 0.285)),
    Surface.GREY_ROOF: ((0.088, 0.096, 0.102, 0.112, 0.135, 0.160), (0.150, 0.162, 0.168, 0.178, 0.200, 0.215)),
    Surface.BRIGHT_ROOF: ((0.210, 0.225, 0.232, 0.240, 0.262, 0.255), (0.400, 0.410, 0.415, 0.420, 0.440, 0.400)),
    Surface.YARD: ((0.105, 0.118, 0.128, 0.140, 0.170, 0.195), (0.150, 0.165, 0.178, 0.192, 0.220, 0.245)),
    Surface.QUARRY: ((0.110, 0.138, 0.162, 0.180, 0.215, 0.255), (0.195, 0.235, 0.270, 0.290, 0.325, 0.360)),
    Surface.POND: ((0.075, 0.115, 0.070, 0.042, 0.020, 0.009), (0.095, 0.145, 0.090, 0.055, 0.026, 0.012)),
}

_SPRING: Dict[Surface, Endmembers] = {
    Surface.BROADLEAF: ((0.020, 0.040, 0.023, 0.082, 0.360, 0.150), (0.026, 0.056, 0.029, 0.110, 0.470, 0.195)),
    Surface.CONIFER: ((0.016, 0.027, 0.018, 0.050, 0.205, 0.085), (0.021, 0.037, 0.024, 0.068, 0.270, 0.118)),
    Surface.MEADOW: ((0.034, 0.070, 0.046, 0.122, 0.340, 0.225), (0.030, 0.078, 0.036, 0.130, 0.475, 0.205)),
    Surface.WHEAT: ((0.032, 0.064, 0.042, 0.105, 0.390, 0.185), _LUSH),
    Surface.RAPESEED: ((0.032, 0.082, 0.046, 0.128, 0.470, 0.195), (0.050, 0.142, 0.112, 0.188, 0.500, 0.215)),
    Surface.MAIZE: (_SOIL, (0.060, 0.086, 0.100, 0.136, 0.235, 0.265)),
    Surface.BEET: (_DARK_SOIL, (0.044, 0.072, 0.072, 0.118, 0.265, 0.205)),
    Surface.CLOVER: ((0.036, 0.080, 0.050, 0.135, 0.380, 0.215), (0.028, 0.074, 0.033, 0.122, 0.520, 0.185)),
    Surface.GARDEN: ((0.036, 0.060, 0.050, 0.105, 0.260, 0.185), (0.036, 0.070, 0.045, 0.125, 0.360, 0.205)),
}

_SUMMER: Dict[Surface, Endmembers] = {
    Surface.BROADLEAF: ((0.019, 0.037, 0.022, 0.078, 0.325, 0.142), (0.025, 0.050, 0.029, 0.103, 0.420, 0.185)),
    Surface.CONIFER: ((0.016, 0.027, 0.018, 0.050, 0.200, 0.084), (0.021, 0.036, 0.024, 0.068, 0.262, 0.116)),
    Surface.MEADOW: ((0.050, 0.080, 0.078, 0.138, 0.270, 0.270), (0.036, 0.078, 0.048, 0.130, 0.390, 0.225)),
    Surface.WHEAT: (_STUBBLE, (0.092, 0.128, 0.170, 0.210, 0.288, 0.350)),
    Surface.RAPESEED: (_SOIL, (0.064, 0.098, 0.112, 0.158, 0.270, 0.290)),
    Surface.MAIZE: ((0.030, 0.060, 0.036, 0.100, 0.420, 0.195), (0.025, 0.055, 0.027, 0.092, 0.480, 0.180)),
    Surface.BEET: ((0.034, 0.074, 0.040, 0.125, 0.480, 0.195), (0.029, 0.070, 0.032, 0.120, 0.560, 0.185)),
    Surface.CLOVER: (_RIPE, (0.034, 0.076, 0.042, 0.130, 0.430, 0.210)),
    Surface.GARDEN: ((0.044, 0.066, 0.062, 0.112, 0.235, 0.205), (0.038, 0.070, 0.050, 0.122, 0.330, 0.210)),
}


def endmembers(season: int) -> Tuple[np.ndarray, np.ndarray]:
    """Return, for spring (0) or summer (1), the two spectra between which each surface varies, as (surfaces, bands)."""
    table = {**_BOTH_DATES, **(_SUMMER if season else _SPRING)}
    pairs = [table[surface] for surface in Surface]
    return np.array([p[0] for p in pairs], np.float32), np.array([p[1] for p in pairs], np.float32)


CANOPY_HEIGHT: Dict[Surface, float] = {
    Surface.BROADLEAF: 16.0,
    Surface.CONIFER: 18.0,
    Surface.HEDGE: 6.0,
    Surface.RED_ROOF: 5.0,
    Surface.GREY_ROOF: 6.0,
    Surface.BRIGHT_ROOF: 6.0,
}
"""Metres above the ground, for shadows; the rest is flat."""

LAND_COVER: Dict[Surface, str] = {
    Surface.RIVER: "water",
    Surface.LAKE: "water",
    Surface.BROADLEAF: "broadleaf forest",
    Surface.CONIFER: "conifer forest",
    Surface.MEADOW: "meadow",
    Surface.WHEAT: "cropland",
    Surface.RAPESEED: "cropland",
    Surface.MAIZE: "cropland",
    Surface.BEET: "cropland",
    Surface.CLOVER: "cropland",
    Surface.ROAD: "built-up",
    Surface.RED_ROOF: "built-up",
    Surface.GREY_ROOF: "built-up",
    Surface.BRIGHT_ROOF: "built-up",
    Surface.GARDEN: "built-up",
    Surface.YARD: "built-up",
    Surface.QUARRY: "quarry",
}
"""The class that a label names; surfaces that are not here (edges, tracks, ponds) are never labelled."""
