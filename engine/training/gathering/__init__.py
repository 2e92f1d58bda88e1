"""Gathers labelled samples: the rows of a layer, with vectors of their own, of a table or of a field under them."""

from __future__ import annotations

from .request import GatherRequest
from .run import gather

__all__ = ["GatherRequest", "gather"]
