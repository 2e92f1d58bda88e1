"""Qt 6's QtCore by the name that plugins use."""

from PyQt6.QtCore import *  # noqa: F403
