"""How vectors are coded on disk: one interface for raster blocks and for the vectors of a table.

Arrays have the dimensions first, `(dims, ...)`, and are decoded to float32 with NaN for nodata.
"""

from __future__ import annotations

from .alphaearth import AEF_NODATA, ALPHAEARTH, AlphaEarthCoding
from .floats import FLOAT16, FLOAT32, FloatCoding, lerc
from .interface import Coding
from .pixel_scales import decode_with_scales, encode_with_scales
from .scaled import INT16_NODATA, UINT8_NODATA, ScaledCoding, scaled_for
from .vectors import VECTOR_CODINGS, PlainVectors, ScaledVectors, VectorCoding, vector_coding

__all__ = ["AEF_NODATA", "ALPHAEARTH", "FLOAT16", "FLOAT32", "INT16_NODATA", "UINT8_NODATA", "VECTOR_CODINGS",
           "AlphaEarthCoding", "Coding", "FloatCoding", "PlainVectors", "ScaledCoding", "ScaledVectors",
           "VectorCoding", "decode_with_scales", "encode_with_scales", "lerc", "scaled_for", "vector_coding"]
