"""Qt 6's QtGui by the name that plugins use."""

from PyQt6.QtGui import *  # noqa: F403
