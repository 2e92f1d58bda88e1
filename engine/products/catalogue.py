"""The published products that are told by looking: what their space is, and what their licence asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ..provenance import KNOWN, Provenance
from ..statement import SpaceStatement, Statement


@dataclass(frozen=True)
class Product:
    """A published product; without a statement its files don't tell which encoder made them.

    `largest` is the largest magnitude that a value of a vector can have.
    """

    name: str
    provenance: Provenance
    statement: Optional[Statement]
    dimensions: "tuple[int, ...]" = ()
    largest: float = float("inf")


ALPHAEARTH = Product("alphaearth", KNOWN["alphaearth"], SpaceStatement("alphaearth", "cosine", "unit"), (64,), 1.0)
# Each prefix of a vector of the second version may be used alone, so fewer dimensions are no damage.
TESSERA = Product("tessera", KNOWN["tessera"], SpaceStatement("tessera", "cosine", "any"), (128, 64, 32, 16))
CLAY_V0 = Product("clay-v0", KNOWN["clay-v0"], SpaceStatement("clay-v0", "cosine", "any"), (768,))
CLAY_V1_5 = Product("clay-v1.5", KNOWN["clay-v1.5"], SpaceStatement("clay-v1.5", "cosine", "any"), (1024,))
EARTH_INDEX = Product("earth-index", KNOWN["earth-index"], SpaceStatement("earth-index", "cosine", "any"), (384,))
PDFM = Product("pdfm", KNOWN["pdfm"], SpaceStatement("pdfm", "cosine", "any"), (330,))
MAJOR_TOM = Product("major-tom", Provenance(
    "Major TOM embeddings", "CC BY-SA 4.0", "Major TOM Core embeddings, ESA Φ-lab and CloudFerro."), None)

NAMED = {product.name: product for product in (ALPHAEARTH, TESSERA)}


def tessera_version(version: str) -> Product:
    """Return the product of a version: vectors of the second don't compare with those of the first."""
    word = version.strip().lower().lstrip("v")
    if not word or word.split(".")[0] in ("1", "0"):
        return TESSERA
    name = f"tessera-v{word.replace('/', '-')}"
    return Product(name, TESSERA.provenance, SpaceStatement(name, "cosine", "any"), TESSERA.dimensions)
