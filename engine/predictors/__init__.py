"""Predictors: trained regressions and classifications as an ONNX file with its card, stored, opened and applied."""
