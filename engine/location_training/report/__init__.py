"""The report of a training: one HTML page that says what a location encoder is worth, and where."""

from __future__ import annotations

from .page import location_report, write_report

__all__ = ["location_report", "write_report"]
