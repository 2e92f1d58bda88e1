"""Tells published tables by looking: the names and number of columns, the values, and what the file says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np

from ..coding import ALPHAEARTH as ALPHAEARTH_CODING
from ..errors import InputError
from ..progress import Progress
from ..statement import lengths_of
from .catalogue import (
    ALPHAEARTH,
    CLAY_V0,
    CLAY_V1_5,
    EARTH_INDEX,
    MAJOR_TOM,
    NAMED,
    PDFM,
    TESSERA,
    Product,
)

ALPHAEARTH_NAMES = tuple(f"a{number:02d}" for number in range(64))
_PDFM_NAMES = tuple(f"feature{number}" for number in range(330))
_MAJOR_TOM_COLUMNS = {"unique_id", "grid_cell", "product_id"}
_ALPHAEARTH_LENGTHS = (0.5, 1.02)


@dataclass(frozen=True)
class Seen:
    """What there is to look at: the table's and the vectors' columns, and some vectors `(rows, dims)`."""

    table: str
    file: str
    columns: "Sequence[str]"
    used: "Sequence[str]"
    vectors: np.ndarray
    described: bool = False

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        return int(self.vectors.shape[1])

    @property
    def wide(self) -> "tuple[str, ...]":
        """Return the names of the dimensions' columns in small letters, none where vectors are lists."""
        return tuple(name.lower() for name in self.used) if len(self.used) > 1 else ()


@dataclass(frozen=True)
class Recognised:
    """A product, what it was told by, and whether its numbers are codes that have to be expanded first."""

    product: Product
    reason: str
    coded: bool = False

    def decoded(self, vectors: np.ndarray) -> np.ndarray:
        """Return `(rows, dims)` vectors as what they mean, NaN for nodata."""
        if not self.coded:
            return vectors
        return np.ascontiguousarray(ALPHAEARTH_CODING.decode(vectors.T.astype(np.int8)).T)


def recognise(seen: Seen, progress: Progress) -> Optional[Recognised]:
    """Return the product that a table is of, or None where nothing tells."""
    if seen.wide == ALPHAEARTH_NAMES:
        return _alphaearth(seen, progress)
    columns = {name.lower() for name in seen.columns}
    if seen.wide == _PDFM_NAMES or (seen.dimensions == 330 and not seen.wide and seen.used[0].lower() == "features"):
        return Recognised(PDFM, f"330 dimensions called {seen.used[0]}…")
    if seen.dimensions in TESSERA.dimensions and seen.wide and all("tessera" in name for name in seen.wide):
        return Recognised(TESSERA, f"{seen.dimensions} columns called {seen.used[0]}…")
    if _MAJOR_TOM_COLUMNS <= columns:
        return Recognised(MAJOR_TOM, "the columns unique_id, grid_cell and product_id")
    if seen.dimensions == 768 and seen.used[0].lower() == "embeddings" and {"source_url", "date"} <= columns:
        return Recognised(CLAY_V0, "768 dimensions in embeddings beside source_url and date")
    if seen.dimensions == 1024 and "clay" in seen.file.lower():
        return Recognised(CLAY_V1_5, "1024 dimensions in a file that is called so")
    if seen.dimensions == 384 and seen.described and columns <= {"id", "embedding", "geometry", "bbox", "fid"}:
        return Recognised(EARTH_INDEX, "384 dimensions with id and geometry alone, described as embeddings")
    return None


def stated(name: str, seen: Seen) -> Recognised:
    """Return the product that the user says it is, unless it can't be."""
    product = NAMED[name]
    if seen.dimensions not in product.dimensions:
        raise InputError("product-dimensions", "{table} has vectors of {found} numbers, but {product} has {wanted}: "
                         "choose another PRODUCT, or name its columns in FIELDS.", table=seen.table,
                         found=seen.dimensions, product=product.provenance.product,
                         wanted=" or ".join(map(str, product.dimensions)))
    return Recognised(product, "as PRODUCT says", product is ALPHAEARTH and are_codes(seen.vectors))


def are_codes(vectors: np.ndarray) -> bool:
    """Tell AlphaEarth's signed bytes from decoded values, none of which is beyond 1."""
    whole = bool((vectors == np.rint(vectors)).all())
    return whole and bool(np.abs(vectors).max(initial=0) > 1) and bool(vectors.min() >= -128 and vectors.max() <= 127)


def _alphaearth(seen: Seen, progress: Progress) -> Optional[Recognised]:
    """Look at the values, since anybody may call columns A00 to A63."""
    coded = are_codes(seen.vectors)
    found = Recognised(ALPHAEARTH, "the columns A00 to A63" + (" of signed bytes" if coded else ""), coded)
    vectors = found.decoded(seen.vectors)
    vectors = vectors[np.isfinite(vectors).all(axis=1)]
    if len(vectors):
        median = float(np.median(lengths_of(vectors)))
        if _ALPHAEARTH_LENGTHS[0] <= median <= _ALPHAEARTH_LENGTHS[1]:
            return found
        progress.warn(f"{seen.table} has columns named as AlphaEarth's, but vectors of length {median:.3g} where these "
                      "have 1: it is not taken for AlphaEarth.")
    return None
