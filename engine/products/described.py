"""What a file of vectors says of itself: the space, as our own exports write it, and the licence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Union

from ..errors import SpaceError
from ..provenance import Provenance, merged, read_provenance
from ..space import Space, SpaceKey, from_json, parse_key

SPACE_KEY = "earthprint:space"
KEY_KEY = "earthprint:key"
PROVENANCE_KEY = "earthprint:provenance"
DIMENSIONS_KEY = "emb:dimensions"
TYPE_KEY = "emb:type"


@dataclass(frozen=True)
class Described:
    """The description of a file: whether there is one, and what of it could be read; the key may be all."""

    there: bool = False
    space: Optional[Space] = None
    key: str = ""
    provenance: "tuple[Provenance, ...]" = ()


NOTHING = Described()


def read_description(text: str) -> Described:
    """Read the JSON of an `emb` key or of a file beside the vectors; whatever is not understood is passed over."""
    try:
        content = json.loads(text)
    except ValueError:
        return NOTHING
    if not isinstance(content, dict):
        return NOTHING
    try:
        space = from_json(json.dumps(content[SPACE_KEY])) if SPACE_KEY in content else None
    except SpaceError:
        space = None
    return Described(True, space, _key(content), _provenance(content))


def _key(content: "Mapping[str, Any]") -> str:
    """Return the key, empty where there is none that can be read."""
    try:
        return parse_key(str(content.get(KEY_KEY, ""))).text
    except SpaceError:
        return ""


def _provenance(content: "Mapping[str, Any]") -> "tuple[Provenance, ...]":
    """Return our own list of products, else the licence that STAC metadata state."""
    own = read_provenance({"products": content.get(PROVENANCE_KEY)})
    licence = content.get("license")
    if own or not isinstance(licence, str):
        return own
    return merged((Provenance(str(content.get("title", "")), licence, str(content.get("attribution", ""))),))


def description_of(identity: "Union[Space, SpaceKey]", key: str) -> "dict[str, Any]":
    """Return STAC's embedding metadata of a table, with our own space and licences under names of our own."""
    named = isinstance(identity, Space)
    digest = identity.digest() if named else identity.digest
    content: "dict[str, Any]" = {
        TYPE_KEY: "chip", DIMENSIONS_KEY: identity.dimensions, "data_type": "float32",
        "stac_extensions": ["https://stac-extensions.github.io/embeddings/v0.0.1/schema.json"],
        "links": [{"rel": "emb:model", "href": f"urn:earthprint:space:{digest}",
                   "title": identity.encoder if named else identity.name}],
        KEY_KEY: key}
    if named:
        content[SPACE_KEY] = identity.as_json()
    if identity.provenance:
        content[PROVENANCE_KEY] = [item.as_json() for item in identity.provenance]
        content["license"] = "; ".join(dict.fromkeys(item.licence for item in identity.provenance if item.licence))
        content["attribution"] = " ".join(item.attribution for item in identity.provenance if item.attribution)
    return content
