"""Takes the name of the user's home folder out of texts that leave the machine: logs and reports for bug trackers."""

from __future__ import annotations

import os
import re


def without_home(text: str) -> str:
    """Return the text with the home folder written as ~, in either kind of slashes."""
    home = os.path.expanduser("~").rstrip("/\\")
    if len(home) < 2 or home == "~":
        return text
    spellings = {home, os.path.realpath(home), home.replace("\\", "/"), home.replace("\\", "\\\\")}
    for spelling in sorted(spellings, key=len, reverse=True):
        if len(spelling) < 2:
            continue
        case = re.IGNORECASE if os.name == "nt" else 0
        text = re.sub(r"(?<![\w.~-])" + re.escape(spelling) + r"(?=[/\\\s'\":;,)\]]|$)", "~", text, flags=case)
    return text
