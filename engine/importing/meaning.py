"""What imported vectors are: as the user says, as their file or its product's looks tell, or undeclared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Optional, Sequence

import numpy as np

from ..errors import SpaceError
from ..products.catalogue import NAMED
from ..products.described import Described
from ..products.recognition import Recognised, Seen, recognise, stated
from ..progress import Progress
from ..provenance import Provenance, in_words, merged, provenance_of
from ..registry import Registry
from ..space import Space, SpaceKey, from_json, only_key, parse_key, undeclared
from ..statement import KnownSpace, Statement, lengths_of, summary_of
from ..table import EMBEDDING_SPACE, METADATA_SPACE, Identity, Rows
from ..table.schema import column_named
from .columns import VectorColumns


@dataclass(frozen=True)
class First:
    """The first vectors `(rows, dims)` of a layer, and all that may tell what they are."""

    rows: Rows
    columns: VectorColumns
    vectors: np.ndarray
    file: str
    described: Described
    keys: "Sequence[str]"
    product: str
    statement: Optional[Statement]
    registry: Optional[Registry]


@dataclass(frozen=True)
class Meaning:
    """The space, how numbers become vectors of it, and the largest magnitude that a value can have."""

    identity: Identity
    recognised: Optional[Recognised] = None
    largest: float = float("inf")

    def decoded(self, vectors: np.ndarray) -> np.ndarray:
        """Return what the numbers mean."""
        return vectors if self.recognised is None else self.recognised.decoded(vectors)


def meaning_of(first: First, progress: Progress) -> Meaning:
    """Return what the vectors are, and say by what it was told."""
    if first.statement is not None:
        lengths = summary_of(lengths_of(first.vectors))
        space = first.statement.space(first.vectors.shape[1], lengths, first.rows.name, progress)
        return Meaning(_with(space, _told_of(first)))
    if first.product not in NAMED:
        known = _described(first, progress)
        if known is not None:
            progress.info(f"{first.rows.name} says itself what its embeddings are: "
                          f"{known.encoder if isinstance(known, Space) else known.name}.")
            return Meaning(_with(known, _told_of(first)))
    found = _recognised(first, progress)
    products = merged(_told_of(first), () if found is None else (_from_file(found.product.provenance, first.file),))
    if found is not None:
        progress.info(f"{first.rows.name} was recognised by {found.reason}. {in_words(products)}")
        if found.product.statement is not None:
            vectors = found.decoded(first.vectors)
            vectors = vectors[np.isfinite(vectors).all(axis=1)]
            lengths = summary_of(lengths_of(vectors if len(vectors) else np.ones((1, 1))))
            space = found.product.statement.space(first.vectors.shape[1], lengths, first.rows.name, progress)
            return Meaning(_with(space, products), found, found.product.largest)
    elif products:
        progress.info(in_words(products))
    progress.warn(f"{first.rows.name} doesn't say what its embeddings are: they compare only with vectors of the same "
                  "column names, and never with declared ones. State it with “Describe embeddings”.")
    names = first.columns.dimension_names(first.vectors.shape[1])
    # Units as a raster of these bands would state them, so that both compare.
    return Meaning(_with(undeclared(names, [""] * len(names)), products))


def stated_keys(rows: Rows) -> "list[str]":
    """Return the different keys that rows carry beside wide columns or lists, none where one of them is none."""
    column = column_named(rows.columns, EMBEDDING_SPACE)
    if column is None or column.type != "text":
        return []
    keys = [value for value in rows.distinct(column.name) if value]
    try:
        return [key for key in keys if parse_key(str(key))]
    except SpaceError:
        return []


def _described(first: First, progress: Progress) -> Optional[Identity]:
    """Return the space that the file or its rows state, if the vectors can be of it."""
    dimensions = first.vectors.shape[1]
    space = first.described.space or _of_layer(first.rows)
    keys = first.keys or ([first.described.key] if space is None and first.described.key else [])
    if keys:
        key = parse_key(only_key(keys, first.rows.name))
        if key.dimensions != dimensions:
            return None
        if space is None or space.digest() != key.digest:
            space = first.registry.find(key.digest) if first.registry is not None else None
        known: Identity = space or _plain(key)
    elif space is not None and space.dimensions == dimensions:
        known = space
    else:
        return None
    if isinstance(known, Space):
        KnownSpace(known).space(dimensions, summary_of(lengths_of(first.vectors)), first.rows.name, progress)
    return known


def _of_layer(rows: Rows) -> Optional[Space]:
    """Return the space that a layer's metadata state."""
    try:
        return from_json(_metadata(rows).get(METADATA_SPACE, ""))
    except SpaceError:
        return None


def _metadata(rows: Rows) -> "dict[str, Any]":
    """Return a layer's metadata; rows that come through QGIS have none."""
    return dict(getattr(rows, "metadata", None) or {})


def _told_of(first: First) -> "tuple[Provenance, ...]":
    """Return the licences that the file or layer states."""
    return merged(first.described.provenance, provenance_of(_metadata(first.rows)))


def _recognised(first: First, progress: Progress) -> Optional[Recognised]:
    """Look for a product, or take the one that the user names."""
    seen = Seen(first.rows.name, first.file or first.rows.name, [column.name for column in first.rows.columns],
                first.columns.names, first.vectors, first.described.there)
    return stated(first.product, seen) if first.product in NAMED else recognise(seen, progress)


def _from_file(provenance: Provenance, file: str) -> Provenance:
    """Return a product's provenance with the file it came in."""
    return replace(provenance, sources=(file,)) if file else provenance


def _with(identity: Identity, products: "tuple[Provenance, ...]") -> Identity:
    """Return the space with its licences."""
    named = provenance_of({}, identity.encoder if isinstance(identity, Space) else identity.name)
    told = merged(identity.provenance, products)
    return replace(identity, provenance=told or named)


def _plain(key: SpaceKey) -> SpaceKey:
    """Return a key as it is written with plain numbers, whatever the coding of the table it was taken from."""
    return replace(key, coding="f4")
