"""Where vectors come from and under which licence: it travels with them through every step, and is no part of a space.

A `Space` carries its provenance in a field that neither its digest nor a comparison sees, so whatever passes a space on
(a field's or a table's, as it is or reduced) passes the licence on. Files hold it in one metadata item.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Iterable, Mapping, Optional

PROVENANCE_ITEM = "EARTHPRINT_PROVENANCE"
PRODUCTS_KEY = "products"
_MOST_SOURCES = 20


@dataclass(frozen=True)
class Provenance:
    """A published product or data set that vectors were made from: what its licence asks to be said of it."""

    product: str
    licence: str = ""
    attribution: str = ""
    sources: "tuple[str, ...]" = ()

    def as_json(self) -> "dict[str, Any]":
        """Return it as a plain JSON object."""
        return {"product": self.product, "licence": self.licence, "attribution": self.attribution,
                "sources": list(self.sources)}

    def sentence(self) -> str:
        """Return what a map's margin or a log should say."""
        return " ".join(part for part in (f"{self.product}:" if self.product else "", self.attribution,
                                          f"Licence: {self.licence}." if self.licence else "") if part)


# Sentences of products whose name alone, as it stands in the key of a space, tells what their licence asks for.
KNOWN = {
    "alphaearth": Provenance(
        "AlphaEarth Foundations Satellite Embedding", "CC BY 4.0",
        "The AlphaEarth Foundations Satellite Embedding dataset is produced by Google and Google DeepMind."),
    "tessera": Provenance("TESSERA", "CC0 1.0", "TESSERA embeddings, University of Cambridge."),
    "clay-v0": Provenance("Clay v0 embeddings", "ODC-BY 1.0", "Clay model v0 embeddings, Clay and Radiant Earth."),
    "clay-v1.5": Provenance("Clay v1.5 embeddings", "CC BY 4.0", "Clay v1.5 embeddings, Clay and LGND AI."),
    "earth-index": Provenance("Earth Index embeddings", "CC BY 4.0", "Earth Index embeddings, Earth Genome."),
    "pdfm": Provenance(
        "Population Dynamics Foundation Model embeddings", "Google's terms of the data set, as accepted on request",
        "Population Dynamics Embeddings are provided by Google Research."),
}


def known_product(name: str) -> "Optional[Provenance]":
    """Return the product of an encoder's name, or of the name in a key (with a digest at its end)."""
    head = name.split("/")[0].lower()
    names = (head, head.rpartition("-")[0], head.split("-")[0])
    return next((KNOWN[known] for known in names if known in KNOWN), None)


def merged(*groups: "Iterable[Provenance]") -> "tuple[Provenance, ...]":
    """Return what several inputs bring along, each product once, with the sources of all."""
    found: "dict[tuple[str, str, str], Provenance]" = {}
    for item in (item for group in groups for item in group):
        name = (item.product, item.licence, item.attribution)
        sources = dict.fromkeys([*(found[name].sources if name in found else ()), *item.sources])
        found[name] = replace(item, sources=tuple(sources)[:_MOST_SOURCES])
    return tuple(found.values())


def provenance_item(products: "Iterable[Provenance]", about: "Optional[Mapping[str, Any]]" = None) -> str:
    """Return the text of the metadata item: the products, beside whatever else a step says of itself."""
    content = dict(about or {})
    listed = [item.as_json() for item in merged(products, read_provenance(content))]
    if listed:
        content[PRODUCTS_KEY] = listed
    return json.dumps(content, sort_keys=True, default=str)


def provenance_of(metadata: "Mapping[str, str]", name: str = "") -> "tuple[Provenance, ...]":
    """Return what a file says in its metadata, else what the name of its encoder or its key tells."""
    try:
        content = json.loads(metadata.get(PROVENANCE_ITEM, "") or "{}")
    except ValueError:
        content = {}
    found = read_provenance(content) if isinstance(content, dict) else ()
    product = known_product(name)
    if found or product is None:
        return found
    return (product,)


def read_provenance(content: "Mapping[str, Any]") -> "tuple[Provenance, ...]":
    """Return the products of the metadata's JSON; what is no product is passed over, since anybody writes there."""
    listed = content.get(PRODUCTS_KEY)
    items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return merged(Provenance(str(item.get("product", "")), str(item.get("licence", "")),
                             str(item.get("attribution", "")),
                             tuple(str(source) for source in item.get("sources") or ()))
                  for item in items)


def added(metadata: "Mapping[str, str]", products: "Iterable[Provenance]") -> "dict[str, str]":
    """Return a raster's or layer's metadata with these products among what it says of its provenance."""
    try:
        about = json.loads(metadata.get(PROVENANCE_ITEM, "") or "{}")
    except ValueError:
        about = {}
    products = tuple(products)
    if not products:
        return dict(metadata)
    return {**metadata, PROVENANCE_ITEM: provenance_item(products, about if isinstance(about, dict) else {})}


def in_words(products: "Iterable[Provenance]") -> str:
    """Return the sentences of all products, empty where there is none."""
    return " ".join(item.sentence() for item in products)
