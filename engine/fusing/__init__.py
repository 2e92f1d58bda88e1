"""One space out of several: embeddings of different origin stand side by side in one vector, each with its own say."""
