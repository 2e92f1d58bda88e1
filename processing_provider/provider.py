"""The Earthprint provider of Processing."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from typing import List, Type

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from . import algorithms
from .algorithm import EarthprintAlgorithm
from .help_pages import ICON


class EarthprintProvider(QgsProcessingProvider):
    """Offers every algorithm in `algorithms`, and nothing that an optional package is needed for to load."""

    def id(self) -> str:
        """Return the prefix of all algorithm ids, which never changes."""
        return "earthprint"

    def name(self) -> str:
        """Return the name on screen."""
        return "Earthprint"

    def longName(self) -> str:  # noqa: N802  (this name and those below are QGIS's)
        """Return the name with what it is for."""
        return self.tr("Earthprint: geospatial embeddings")

    def icon(self) -> QIcon:
        """Return the icon of the toolbox."""
        return QIcon(ICON)

    def svgIconPath(self) -> str:  # noqa: N802
        """Return the icon's path, for the modeler."""
        return ICON

    def loadAlgorithms(self) -> None:  # noqa: N802
        """Add one of each algorithm."""
        for kind in algorithm_classes():
            self.addAlgorithm(kind())

    def unload(self) -> None:
        """Forget the algorithms' modules: QGIS forgets only those that an import statement brought in."""
        for name in [name for name in sys.modules if name.startswith(algorithms.__name__ + ".")]:
            del sys.modules[name]

    def defaultRasterFileExtension(self) -> str:  # noqa: N802
        """Return the ending of temporary embedding rasters, whatever the user's default is."""
        return "tif"

    def supportedOutputRasterLayerExtensions(self) -> List[str]:  # noqa: N802
        """Return the endings that an embedding raster may have; each algorithm says which of them it writes."""
        return ["tif", "tiff", "vrt"]

    def defaultVectorFileExtension(self, hasGeometry: bool = True) -> str:  # noqa: N802, N803
        """Return the ending of temporary embedding tables: other formats cut or drop the vectors."""
        return "gpkg"

    def supportedOutputVectorLayerExtensions(self) -> List[str]:  # noqa: N802
        """Return the endings that an embedding table may have."""
        return ["gpkg"]

    def supportedOutputTableExtensions(self) -> List[str]:  # noqa: N802
        """Return the endings of tables without geometry."""
        return ["gpkg"]

    def supportsNonFileBasedOutput(self) -> bool:  # noqa: N802
        """Allow a layer inside an existing GeoPackage."""
        return True


def algorithm_classes() -> List[Type[EarthprintAlgorithm]]:
    """Return the class of each module in `algorithms`, which bears the module's name as its id."""
    classes = []
    for module in sorted(found.name for found in pkgutil.iter_modules(algorithms.__path__)):
        members = vars(importlib.import_module("{}.{}".format(algorithms.__name__, module))).values()
        classes.extend(member for member in members
                       if isinstance(member, type) and issubclass(member, EarthprintAlgorithm) and member.ID == module)
    return classes
