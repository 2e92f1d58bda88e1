"""Predicts finer units from a model of coarse ones, with the coarse values kept if asked."""
