"""The identity of an embedding space: what must agree before two vectors may be compared."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Optional, Sequence

from .errors import SpaceError
from .provenance import Provenance

KEY_LIMIT = 80
UNDECLARED = "undeclared"
METRICS = ("cosine", "euclidean")
_NAME_LIMIT = 36
_KEY = re.compile(
    r"^(?P<name>undeclared:(?P<bare>[0-9a-f]{12})|[^/]+-(?P<digest>[0-9a-f]{12}))"
    r"/(?P<dimensions>\d+)/(?P<coding>[a-z][a-z0-9]*)/(?P<metric>[a-z]+)/(?P<norm>unit|any)$")


@dataclass(frozen=True)
class Band:
    """One input band as the encoder means it: its name and the unit of its values."""

    name: str
    unit: str = ""

    def as_json(self) -> "dict[str, str]":
        """Return the canonical form."""
        return {"name": self.name, "unit": self.unit}


@dataclass(frozen=True)
class Space:
    """An embedding space; equal digests mean that vectors may be compared.

    `normalisation` is "card" unless statistics of one image were used, which makes a space of its own.
    `reduction` and `details` are JSON values that change the vectors' meaning (a PCA's digest, a statistic).
    `provenance` goes along wherever the space goes, and is no part of the identity.
    """

    encoder: str
    dimensions: int
    checksum: str = ""
    metric: str = "cosine"
    unit_norm: bool = False
    bands: "tuple[Band, ...]" = ()
    normalisation: str = "card"
    reduction: Optional[Mapping[str, Any]] = None
    details: Mapping[str, Any] = field(default_factory=dict)
    declared: bool = True
    provenance: "tuple[Provenance, ...]" = field(default=(), compare=False)

    def as_json(self) -> "dict[str, Any]":
        """Return the identity as a plain JSON object."""
        return {
            "encoder": self.encoder, "checksum": self.checksum, "dimensions": self.dimensions,
            "metric": self.metric, "unit_norm": self.unit_norm, "bands": [band.as_json() for band in self.bands],
            "normalisation": self.normalisation, "reduction": self.reduction, "details": dict(self.details),
            "declared": self.declared,
        }

    def canonical(self) -> str:
        """Return the one text of this identity: sorted keys, no spaces."""
        return json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)

    def digest(self) -> str:
        """Return twelve hexadecimal digits that stand for the identity."""
        return hashlib.sha256(self.canonical().encode("ascii")).hexdigest()[:12]

    def key(self, coding: str = "f4") -> str:
        """Return the short text that every row and file carries."""
        name = f"{UNDECLARED}:{self.digest()}" if not self.declared else f"{_slug(self.encoder)}-{self.digest()}"
        return f"{name}/{self.dimensions}/{coding}/{self.metric}/{'unit' if self.unit_norm else 'any'}"

    def reduced(self, dimensions: int, method: str, digest: str) -> "Space":
        """Return the space of these vectors after a reduction, which is another space."""
        return replace(self, dimensions=dimensions, reduction={"method": method, "sha256": digest,
                                                               "of": self.digest()})


@dataclass(frozen=True)
class SpaceKey:
    """A key taken apart: what alone decides comparability and decoding of a vector."""

    text: str
    name: str
    dimensions: int
    coding: str
    metric: str
    unit_norm: bool
    provenance: "tuple[Provenance, ...]" = field(default=(), compare=False)

    @property
    def declared(self) -> bool:
        """Tell whether somebody stated what the space is."""
        return not self.name.startswith(UNDECLARED + ":")

    @property
    def digest(self) -> str:
        """Return the digest of the space's identity."""
        return self.name[-12:]

    def same_space(self, other: "SpaceKey") -> bool:
        """Compare all but the coding, which says only how numbers lie on disk."""
        return (self.digest, self.declared, self.dimensions, self.metric, self.unit_norm) == (
            other.digest, other.declared, other.dimensions, other.metric, other.unit_norm)


def parse_key(text: str) -> SpaceKey:
    """Take a key apart, or say that it is none."""
    match = _KEY.match(text or "")
    if match is None or len(text) > KEY_LIMIT:
        raise SpaceError("space-key", "“{text}” is not a space key: state the space with “Describe embeddings”.",
                         text=text)
    return SpaceKey(text, match["name"], int(match["dimensions"]), match["coding"], match["metric"],
                    match["norm"] == "unit")


def require_same(first: str, first_name: str, second: str, second_name: str) -> None:
    """Raise unless two keys name one space, telling both and how to mend it."""
    if parse_key(first).same_space(parse_key(second)):
        return
    raise SpaceError(
        "space-mismatch",
        "{first_name} and {second_name} hold embeddings of different spaces ({first} and {second}): "
        "embed both with the same encoder.",
        first=first, first_name=first_name, second=second, second_name=second_name)


def only_key(keys: "Sequence[str]", name: str) -> str:
    """Return the one key of a column, or raise and name the first two."""
    distinct = sorted(set(keys))
    if not distinct or not distinct[0]:
        raise SpaceError("space-missing", "{name} has rows without a space in “embedding_space”: state it with "
                         "“Describe embeddings”.", name=name)
    reference = parse_key(distinct[0])
    for other in distinct[1:]:
        if not parse_key(other).same_space(reference) or parse_key(other).coding != reference.coding:
            raise SpaceError("space-mixed", "{name} mixes two embedding spaces ({first} and {second}): "
                             "filter it to one of them first.", name=name, first=distinct[0], second=other)
    return distinct[0]


def undeclared(names: "Sequence[str]", units: "Sequence[str]" = (), metric: str = "cosine") -> Space:
    """Return the space of data of which nobody said what it is: its names, units and count stand for it."""
    return Space(encoder=UNDECLARED, dimensions=len(names), metric=metric, declared=False,
                 details={"names": list(names), "units": list(units)})


def from_json(text: str) -> Space:
    """Read an identity back from its JSON."""
    try:
        raw = json.loads(text)
        return Space(
            encoder=str(raw["encoder"]), dimensions=int(raw["dimensions"]), checksum=str(raw.get("checksum", "")),
            metric=_metric(raw.get("metric", "cosine")), unit_norm=bool(raw.get("unit_norm", False)),
            bands=tuple(Band(str(band["name"]), str(band.get("unit", ""))) for band in raw.get("bands", ())),
            normalisation=str(raw.get("normalisation", "card")), reduction=raw.get("reduction"),
            details=raw.get("details") or {}, declared=bool(raw.get("declared", True)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SpaceError("space-json", "The description of an embedding space can't be read ({reason}): state it "
                         "again with “Describe embeddings”.", reason=error) from error


def _metric(value: object) -> str:
    """Accept only metrics that the engine knows."""
    if value not in METRICS:
        raise ValueError(f"metric {value!r}")
    return str(value)


def _slug(name: str) -> str:
    """Return a name fit for a key: short, without slashes or spaces, and never taken for an undeclared one."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-") or "encoder"
    return slug[:_NAME_LIMIT].rstrip("-")
