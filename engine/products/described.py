"""What a file of vectors says of itself: the space, as our own exports write it, and the licence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping, Optional

from ..errors import SpaceError
from ..provenance import Provenance, merged, read_provenance
from ..space import Space, from_json

SPACE_KEY = "earthprint:space"
KEY_KEY = "earthprint:key"
PROVENANCE_KEY = "earthprint:provenance"
DIMENSIONS_KEY = "emb:dimensions"
TYPE_KEY = "emb:type"


@dataclass(frozen=True)
class Described:
    """The description of a file: whether there is one, and what of it could be read."""

    there: bool = False
    space: Optional[Space] = None
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
    return Described(True, space, _provenance(content))


def _provenance(content: "Mapping[str, Any]") -> "tuple[Provenance, ...]":
    """Return our own list of products, else the licence that STAC metadata state."""
    own = read_provenance({"products": content.get(PROVENANCE_KEY)})
    licence = content.get("license")
    if own or not isinstance(licence, str):
        return own
    return merged((Provenance(str(content.get("title", "")), licence, str(content.get("attribution", ""))),))


def description_of(space: Space, key: str, rows: int) -> "dict[str, Any]":
    """Return STAC's embedding metadata of a table, with our own space and licences under names of our own."""
    content: "dict[str, Any]" = {
        TYPE_KEY: "chip", DIMENSIONS_KEY: space.dimensions, "data_type": "float32", "emb:count": rows,
        "stac_extensions": ["https://stac-extensions.github.io/embeddings/v0.0.1/schema.json"],
        "links": [{"rel": "emb:model", "href": f"urn:earthprint:space:{space.digest()}", "title": space.encoder}],
        SPACE_KEY: space.as_json(), KEY_KEY: key}
    if space.provenance:
        content[PROVENANCE_KEY] = [item.as_json() for item in space.provenance]
        content["license"] = "; ".join(dict.fromkeys(item.licence for item in space.provenance if item.licence))
        content["attribution"] = " ".join(item.attribution for item in space.provenance if item.attribution)
    return content
