"""Reads QGIS's settings and folders and hands them down; the engine itself reads none."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from qgis.core import QgsApplication, QgsProcessingUtils

from ..engine.registry import Registry

ENCODERS_VARIABLE = "EARTHPRINT_ENCODERS"
PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Folders:
    """Where things of the user and of the plugin lie."""

    profile: Path
    encoders: Path
    shipped: Path
    spaces: Path
    temporary: Path


def folders() -> Folders:
    """Return the folders of the running QGIS; encoders come from EARTHPRINT_ENCODERS where that is set."""
    profile = Path(QgsApplication.qgisSettingsDirPath()) / "earthprint"
    stated = os.environ.get(ENCODERS_VARIABLE, "").strip()
    return Folders(
        profile=profile,
        encoders=Path(stated).expanduser() if stated else profile / "encoders",
        shipped=PACKAGE / "models",
        spaces=profile / "spaces",
        temporary=Path(QgsProcessingUtils.tempFolder()))


def space_registry() -> Registry:
    """Return the user's registry of spaces, which tells what a key in a table stands for."""
    return Registry(folders().spaces)
