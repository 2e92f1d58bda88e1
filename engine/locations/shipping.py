"""Writes the location encoders that ship: an ONNX file and a card for each formula that has no learned part.

“Embed locations” evaluates the formulas themselves, with any settings; the files hold them with their defaults for
other programs. Run it after changing a formula: `./dev python -m earthprint.engine.locations.shipping`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

from .card import LocationCard
from .family import Family
from .network import Network
from .position import position_of
from .shipped import FAMILIES
from .storing import encoded

MODELS = Path(__file__).resolve().parents[2] / "models"
# The version whose formulas these are; they stay the same files from version to version.
_SINCE = "0.1.0"
_LICENCE = "CC0-1.0"
_NO_KEY = "The file is known by its checksum, which is no key. # pragma: allowlist secret"


def shipped_files() -> "Dict[str, bytes]":
    """Return the contents of the files by name."""
    found: "Dict[str, bytes]" = {}
    for family in FAMILIES:
        name = f"{family.id}.onnx"
        data, item = encoded(shipped_card(family), Network(), name, _SINCE)
        found[name] = data
        found[f"{family.id}.json"] = _text(item).encode("utf-8")
    return found


def _text(item: "Dict[str, Any]") -> str:
    """Return a card's text, in which scanners for keys are told in the checksum's line that it is none."""
    checksum = item["assets"]["model"]["file:checksum"]
    return json.dumps(item, indent=1, ensure_ascii=False).replace(
        f'"{checksum}"', f'"{checksum}", "description": "{_NO_KEY}"') + "\n"


def shipped_card(family: Family) -> LocationCard:
    """Return the card of a formula with its defaults."""
    position = position_of(family.id)
    return LocationCard(
        family.id, family.id, position, position.size, unit_norm=family.unit_norm, licence=_LICENCE,
        description=f"{family.summary}: a formula of longitude and latitude in degrees, with nothing learned.",
        architecture=family.summary)


def main() -> None:
    """Write the files."""
    for name, content in shipped_files().items():
        (MODELS / name).write_bytes(content)


if __name__ == "__main__":
    main()
