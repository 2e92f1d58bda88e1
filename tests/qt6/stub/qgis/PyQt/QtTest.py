"""Qt 6's QtTest by the name that plugins use."""

from PyQt6.QtTest import *  # noqa: F403
