"""Models that learn from embeddings: each fits, predicts by itself, and writes itself into an ONNX graph."""

from .design import Design, Fitted
from .model import candidates, fit, kinds

__all__ = ["Design", "Fitted", "candidates", "fit", "kinds"]
