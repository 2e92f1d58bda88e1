"""Published checkpoints of location encoders, read as data and converted to our own networks."""
