"""Finds the places, or the rows, that are like examples."""
