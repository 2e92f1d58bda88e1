"""The dock that looks into embeddings: a session that follows layer and map, and a page for each question."""
