"""Trains location encoders: torch learns from a target, from vectors or from views; what is stored needs no torch."""
