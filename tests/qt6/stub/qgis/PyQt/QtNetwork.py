"""Qt 6's QtNetwork by the name that plugins use."""

from PyQt6.QtNetwork import *  # noqa: F403
