"""The story of the demo: which algorithms run, in which order, and what each one shows."""

from __future__ import annotations

from typing import Tuple

from .qgis_runs import Step

ENCODER = "encoder.onnx"
SPRING = "embedding_spring.tif"
SUMMER = "embedding_summer.tif"
TOWN = "embedding_town.tif"
PATCHES = "patches.gpkg"
WIDE = "points_wide.gpkg"
IMPORTED = "points_imported.gpkg"
POINTS = "points_embedding.gpkg"

STEPS: Tuple[Step, ...] = (
    Step(
        "Make an encoder from the spring scene",
        "The encoder is fitted to this one picture: no download, no training labels. It gives one vector for each cell "
        "of 4 x 4 pixels. It is one ONNX file; its card, the JSON beside it, tells which bands it wants and what its "
        "numbers mean.",
        "earthprint:makeencoder",
        (("INPUTS", "scene_spring.tif"), ("CELL", "4"), ("SEED", "1"), ("OUTPUT", ENCODER)),
    ),
    Step(
        "Embed the spring scene",
        "One vector for each output cell, written as an embedding raster: a GeoTIFF of as many bands as the vectors "
        "have numbers. It carries its space, so that later steps know what it may be compared with.",
        "earthprint:embedraster",
        (("INPUT", "scene_spring.tif"), ("ENCODER", ENCODER), ("OUTPUT", SPRING)),
    ),
    Step(
        "Embed the summer scene with the same encoder",
        "Normalisation comes from the encoder's card and not from the picture at hand. So both dates lie in one space, "
        "and ground that did not change keeps its colours.",
        "earthprint:embedraster",
        (("INPUT", "scene_summer.tif"), ("ENCODER", ENCODER), ("OUTPUT", SUMMER)),
    ),
    Step(
        "Embed the area of interest only, finer and smaller on disk",
        "Blocks outside the polygon are never read. A smaller cell gives more detail; uint8 coding takes a quarter of "
        "the space, and every GIS decodes it through the bands' scale and offset.",
        "earthprint:embedraster",
        (
            ("INPUT", "scene_spring.tif"),
            ("ENCODER", ENCODER),
            ("MASK", "area_of_interest.gpkg"),
            ("CELL", "2"),
            ("CODING", "uint8"),
            ("OUTPUT", TOWN),
        ),
    ),
    Step(
        "Embed the spring scene as patches",
        "The same as a table: one square footprint and one vector for each patch of 32 x 32 pixels. Patches of which "
        "less than half can be seen are left out.",
        "earthprint:embedpatches",
        (
            ("INPUT", "scene_spring.tif"),
            ("ENCODER", ENCODER),
            ("SIZE", "32"),
            ("MIN_VALID", "0.5"),
            ("OUTPUT", PATCHES),
        ),
    ),
    Step(
        "Sample the embedding raster at the labelled points",
        "QGIS's own algorithm gives a layer with one column for each dimension: the form in which many people publish "
        "embeddings.",
        "native:rastersampling",
        (("INPUT", "land_cover.gpkg"), ("RASTERCOPY", SPRING), ("COLUMN_PREFIX", "emb_"), ("OUTPUT", WIDE)),
    ),
    Step(
        "Import the columns as an embedding table",
        "The columns become one binary column that is quick to read and survives filters, merges and reprojection. "
        "Columns do not say what made them, hence the warning.",
        "earthprint:importembeddings",
        (("INPUT", WIDE), ("PRODUCT", "columns"), ("OUTPUT", IMPORTED)),
    ),
    Step(
        "Say what made the vectors",
        "With the encoder's card as witness, the table is in the space of the embedding rasters and may be compared "
        "with them.",
        "earthprint:describeembeddings",
        (("INPUT", IMPORTED), ("ENCODER", "encoder.json"), ("OUTPUT", POINTS)),
    ),
)
