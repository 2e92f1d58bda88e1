"""What a user chooses among when she converts a checkpoint, light enough to be loaded with every dialog."""

from __future__ import annotations

AUTOMATIC, SATCLIP, GEOCLIP, TORCHSPATIAL = "automatic", "satclip", "geoclip", "torchspatial"
FAMILIES = (AUTOMATIC, SATCLIP, GEOCLIP, TORCHSPATIAL)
ACTIVATIONS = ("leakyrelu", "relu", "sigmoid", "tanh", "gelu")
DEFAULT_ACTIVATION = "leakyrelu"
KINDS = ("wrap", "wrap-ffn", "xyz", "nerf", "fourier-planar", "tile", "space2vec-grid", "space2vec-theory",
         "sphere2vec-c", "sphere2vec-c-plus", "sphere2vec-m", "sphere2vec-m-plus", "sphere2vec-dfs",
         "spherical-harmonics")
