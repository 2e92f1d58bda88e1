"""The embeddings that others publish: how to tell them, open them, and judge what is in them."""
