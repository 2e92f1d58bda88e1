"""Writes the models that ship, from the repository's root, so that the same drawing gives the same file.

`QT_HASH_SEED=0 EARTHPRINT_QGIS=3.22 ./dev python -m earthprint.resources.models.make_models`

Written by QGIS 3.22, they open in that version and in all later ones.
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def main() -> None:
    """Write one file for each model."""
    from processing.core.Processing import Processing
    from qgis.core import QgsApplication
    from qgis.testing import start_app

    start_app()
    Processing.initialize()
    from earthprint.processing_provider.provider import EarthprintProvider

    from .shipped import shipped_models

    provider = EarthprintProvider()
    QgsApplication.processingRegistry().addProvider(provider)
    for drawing in shipped_models():
        path = FOLDER / f"{drawing.file_name}.model3"
        if not drawing.finished().toFile(str(path)):
            raise SystemExit(f"{path} can't be written")
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
