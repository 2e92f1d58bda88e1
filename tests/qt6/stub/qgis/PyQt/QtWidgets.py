"""Qt 6's QtWidgets by the name that plugins use, with the class that Qt 6 has moved and QGIS hands out here still."""

from PyQt6.QtGui import QAction  # noqa: F401
from PyQt6.QtWidgets import *  # noqa: F403
