"""QGIS runs this before it loads plugins (`PYQGIS_STARTUP`), so that nothing of their loading escapes the watch."""

import watch  # noqa: F401
