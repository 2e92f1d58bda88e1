"""Finds, for each row of a table, the most alike rows of another or of itself."""
