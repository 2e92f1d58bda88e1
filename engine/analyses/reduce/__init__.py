"""Reductions: fewer dimensions, or a picture."""
