"""The algorithms: one class a file, the file named as the id."""
