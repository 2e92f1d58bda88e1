"""Docks, map tools and dialogs."""
