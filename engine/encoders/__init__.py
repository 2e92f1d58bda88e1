"""Encoders: what turns an input into vectors."""
