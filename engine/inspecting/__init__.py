"""What a person asks of embeddings by pointing at the map: pure functions, quick enough to follow the pointer."""
