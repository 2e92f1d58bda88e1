"""What an encoder is to learn: one objective a file, all with the same few calls."""
