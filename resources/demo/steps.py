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
SIMILARITY = "similarity_quarries.tif"
SIMILAR = "similar_to_quarries.gpkg"
PLACES = "places_like_quarries.gpkg"
CLUSTERS = "clusters_spring.tif"
CLUSTERS_SUMMER = "clusters_summer.tif"
PICTURE = "picture_spring.tif"
PICTURE_SUMMER = "picture_summer.tif"
CHANGE = "change.tif"
CHANGED = "changed.gpkg"
NEAREST = "nearest_patches.gpkg"
PHOTOS = "photos.gpkg"
PHOTO_LINKS = "photos_alike.gpkg"
LOCATIONS = "locations.gpkg"
LOCATION_COLOURS = "location_colours.gpkg"
HEXAGONS = "hexagons.gpkg"
HEXAGON_CLUSTERS = "hexagon_clusters.gpkg"
COVER_PREDICTOR = "cover.onnx"
COVER = "cover_spring.tif"
COVER_SUMMER = "cover_summer.tif"
HEIGHT_PREDICTOR = "height.onnx"
HEIGHT = "height_spring.tif"
HEXAGON_HEIGHTS = "hexagon_heights.gpkg"
HOUSES = "similarity_houses.tif"
HOUSES_BANDS = "similarity_houses_bands.tif"
HOUSES_CURVES = "houses_recall.gpkg"
COVER_JUDGED = "cover_judged.gpkg"
COVER_BIAS = "cover_bias.gpkg"
PLACE_ENCODER = "heights_by_place.onnx"
HEXAGON_PLACES = "hexagon_places.gpkg"
PLACE_COLOURS = "hexagon_place_colours.gpkg"
MODEL = "map_what_is_there.model3"
MODEL_CLUSTERS = "model_clusters.tif"

_BUILT_UP = "\"land_cover\" = 'built-up' AND \"fid\" % 12"
HOUSES_SHOWN = f"{_BUILT_UP} = 1"
HOUSES_KEPT = f"{_BUILT_UP} <> 1"

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
    Step(
        "Find places like the quarries",
        "The labelled points of one class are the examples. Every cell gets a score, the best threshold parts the "
        "examples from places anywhere, and the five best places lie at least 500 m apart.",
        "earthprint:similarityraster",
        (
            ("INPUT", SPRING),
            ("EXAMPLES", "land_cover.gpkg|subset=\"land_cover\" = 'quarry'"),
            ("METHOD", "mean"),
            ("THRESHOLD", "best"),
            ("TOP", "5"),
            ("DISTANCE", "500"),
            ("OUTPUT", SIMILARITY),
            ("POLYGONS", SIMILAR),
            ("PLACES", PLACES),
        ),
    ),
    Step(
        "Find places like a few houses",
        "A twelfth of the points on houses and yards are the examples. The others are kept for judging the search.",
        "earthprint:similarityraster",
        (("INPUT", SPRING), ("EXAMPLES", f"land_cover.gpkg|subset={HOUSES_SHOWN}"), ("OUTPUT", HOUSES)),
    ),
    Step(
        "Search again without an encoder",
        "The same examples, and the six bands of each pixel as its vector: what one could do without embeddings.",
        "earthprint:similarityraster",
        (
            ("INPUT", "scene_spring.tif"),
            ("EXAMPLES", f"land_cover.gpkg|subset={HOUSES_SHOWN}"),
            ("STANDARDISE", "true"),
            ("OUTPUT", HOUSES_BANDS),
        ),
    ),
    Step(
        "Judge both searches by houses that they have not seen",
        "Whoever walks the best-scoring ground first: how much is found after so many km²? Beside the two searches "
        "stands one at random. Houses lie in villages and tell little of each other, so the band about each curve "
        "comes from groups of neighbours.",
        "earthprint:recallarea",
        (
            ("INPUTS", HOUSES),
            ("INPUTS", HOUSES_BANDS),
            ("LABELS", "embeddings;raw bands"),
            ("TRUTH", f"land_cover.gpkg|subset={HOUSES_KEPT}"),
            ("OUTPUT", HOUSES_CURVES),
            ("REPORT", "houses_recall.html"),
        ),
    ),
    Step(
        "Map what is there, without labels",
        "Cells that look alike form groups. The report tells how they lie and how far to trust them; the saved model "
        "gives another date the same groups.",
        "earthprint:clusterraster",
        (
            ("INPUT", SPRING),
            ("CLUSTERS", "7"),
            ("SEED", "1"),
            ("OUTPUT", CLUSTERS),
            ("SUMMARY", "clusters_spring.gpkg"),
            ("MODEL_OUT", "clusters.json"),
            ("REPORT", "clusters.html"),
        ),
    ),
    Step(
        "Give the summer scene the same groups",
        "The saved model assigns each cell to the nearest of the spring's groups: same number, same kind of place.",
        "earthprint:clusterraster",
        (("INPUT", SUMMER), ("REUSE", "clusters.json"), ("OUTPUT", CLUSTERS_SUMMER)),
    ),
    Step(
        "Draw the embedding as a picture",
        "Three principal components as red, green and blue: most of what the vectors hold, in one look.",
        "earthprint:reduceraster",
        (
            ("INPUT", SPRING),
            ("PICTURE", "true"),
            ("OUTPUT", PICTURE),
            ("MODEL_OUT", "picture.json"),
            ("REPORT", "picture.html"),
        ),
    ),
    Step(
        "Draw the other date in the same colours",
        "The saved reduction keeps axes and stretch, so that colours compare between dates.",
        "earthprint:reduceraster",
        (("INPUT", SUMMER), ("PICTURE", "true"), ("REUSE", "picture.json"), ("OUTPUT", PICTURE_SUMMER)),
    ),
    Step(
        "Measure what changed",
        "The distance between the two dates' vectors, each dimension by its usual spread, and outlines of what exceeds "
        "Otsu's threshold on at least two hectares. Crops change with the season, so they are outlined, too: where "
        "only events matter, draw stable ground and set THRESHOLD to stable, or take dates of one season.",
        "earthprint:changeraster",
        (
            ("BEFORE", SPRING),
            ("AFTER", SUMMER),
            ("METHOD", "standardised"),
            ("THRESHOLD", "otsu"),
            ("MIN_AREA", "20000"),
            ("OUTPUT", CHANGE),
            ("POLYGONS", CHANGED),
        ),
    ),
    Step(
        "Find each patch's likes",
        "For every patch the two most alike ones that are at least two kilometres away.",
        "earthprint:nearest",
        (("INPUT", PATCHES), ("NEIGHBOURS", "2"), ("EXCLUDE", "2000"), ("OUTPUT", NEAREST)),
    ),
    Step(
        "Aggregate to hexagons",
        "The mean vector of the cells in each hexagon of H3, a grid of the whole Earth: fewer places, on which "
        "rasters, photos and statistics of any source meet.",
        "earthprint:toh3raster",
        (("INPUT", SPRING), ("RESOLUTION", "9"), ("OUTPUT", HEXAGONS)),
    ),
    Step(
        "Group the hexagons as the cells were",
        "A mean vector is in the space of the raster it was made from, so the groups of the cells serve for hexagons, "
        "too.",
        "earthprint:clustertable",
        (("INPUT", HEXAGONS), ("REUSE", "clusters.json"), ("OUTPUT", HEXAGON_CLUSTERS)),
    ),
    Step(
        "Learn land cover from the labelled points",
        "Each label is predicted by a model that saw none of its neighbourhood, since near places are alike and would "
        "flatter the figure. The report sets that figure beside the one of random folds, and beside what position "
        "alone tells. The predictor is one ONNX file with its card. It goes by the nearest labels: a linear model "
        "does as well in May, but takes the woods of August for town.",
        "earthprint:trainclassification",
        (
            ("INPUT", "land_cover.gpkg"),
            ("TARGET", "land_cover"),
            ("EMBEDDINGS", SPRING),
            ("MODEL", "knn"),
            ("OUTPUT", COVER_PREDICTOR),
            ("PREDICTIONS", COVER_JUDGED),
            ("REPORT", "cover.html"),
        ),
    ),
    Step(
        "Ask whether it errs in places that lie together",
        "Labels predicted while they were held out, right or wrong. The score is high where one side of a place has "
        "more errors than the other; dealing the same errors out by chance says how high it would be anyway.",
        "earthprint:geobias",
        (("INPUT", COVER_JUDGED), ("OUTPUT", COVER_BIAS), ("REPORT", "cover_bias.html")),
    ),
    Step(
        "Map land cover",
        "A class for every cell, and whether the predictor knows anything like the cell.",
        "earthprint:predictraster",
        (("INPUT", SPRING), ("PREDICTOR", COVER_PREDICTOR), ("OUTPUT", COVER)),
    ),
    Step(
        "Take the same predictor two years later",
        "Trained once, it predicts wherever there are vectors of the same space. Many harvested fields are unlike "
        "all it was trained on, and it says so: what it names them is not to be believed.",
        "earthprint:predictraster",
        (("INPUT", SUMMER), ("PREDICTOR", COVER_PREDICTOR), ("OUTPUT", COVER_SUMMER)),
    ),
    Step(
        "Learn heights from measured plots",
        "A number instead of a class: how tall what stands on 240 plots is, in metres. Blocks of the ground are held "
        "out whole, though the plots lie scattered, since the map is meant for places that nobody measured.",
        "earthprint:trainregression",
        (
            ("INPUT", "plots.gpkg"),
            ("TARGET", "height"),
            ("EMBEDDINGS", SPRING),
            ("FOLDS", "blocks"),
            ("OUTPUT", HEIGHT_PREDICTOR),
            ("REPORT", "height.html"),
        ),
    ),
    Step(
        "Map heights with an interval",
        "The height of every cell, and between which values nine of ten true heights should lie. The interval comes "
        "from the errors in the blocks that were held out.",
        "earthprint:predictraster",
        (("INPUT", SPRING), ("PREDICTOR", HEIGHT_PREDICTOR), ("INTERVAL", "90"), ("OUTPUT", HEIGHT)),
    ),
    Step(
        "Predict heights of hexagons",
        "The same predictor on a table: the mean vector of a hexagon lies in the space of its cells.",
        "earthprint:predicttable",
        (("INPUT", HEXAGONS), ("PREDICTOR", HEIGHT_PREDICTOR), ("OUTPUT", HEXAGON_HEIGHTS)),
    ),
    Step(
        "Embed the photos of a flight",
        "A drone took pictures straight down. Where, when and facing where is read from the photos themselves, and the "
        "encoder is made from them: again no download.",
        "earthprint:embedphotos",
        (("FOLDER", "photos"), ("ENCODER", "automatic"), ("OUTPUT", PHOTOS)),
    ),
    Step(
        "Find each photo's like",
        "For every photo the most alike one taken at least 300 m away, with a line between the two.",
        "earthprint:nearest",
        (
            ("INPUT", PHOTOS),
            ("NEIGHBOURS", "1"),
            ("EXCLUDE", "300"),
            ("OUTPUT", "photo_pairs.gpkg"),
            ("LINES", PHOTO_LINKS),
        ),
    ),
    Step(
        "Embed where the points lie",
        "A location encoder makes a vector of longitude and latitude alone, here one that tells places apart that are "
        "some kilometres from each other. It says nothing of what a place looks like: a model takes it beside the "
        "vectors that do.",
        "earthprint:embedlocations",
        (("INPUT", "land_cover.gpkg"), ("ENCODER", "fourier-sphere"), ("LENGTH", "5"), ("OUTPUT", LOCATIONS)),
    ),
    Step(
        "Draw the locations as colours",
        "Three principal components of these vectors: near points have like colours, whatever grows there.",
        "earthprint:reducetable",
        (("INPUT", LOCATIONS), ("PICTURE", "true"), ("OUTPUT", LOCATION_COLOURS)),
    ),
    Step(
        "Teach a location encoder",
        "A small network learns from the measured plots how tall things stand at which place, from longitude and "
        "latitude alone. The report sets it beside plain coordinates and beside the nearest plots, which in a "
        "landscape like this know as much.",
        "earthprint:trainlocationencoder",
        (
            ("INPUT", "plots.gpkg"),
            ("TARGET", "height"),
            ("EPOCHS", "30"),
            ("OUTPUT", PLACE_ENCODER),
            ("REPORT", "heights_by_place.html"),
        ),
        package="torch",
    ),
    Step(
        "Embed hexagons by it",
        "What was learnt is one ONNX file, which needs no torch any more. Where plots were far, it says so.",
        "earthprint:embedlocations",
        (("INPUT", HEXAGONS), ("ENCODER", PLACE_ENCODER), ("OUTPUT", HEXAGON_PLACES)),
    ),
    Step(
        "Draw what it learnt as colours",
        "Three principal components: places that it takes for alike have like colours.",
        "earthprint:reducetable",
        (("INPUT", HEXAGON_PLACES), ("PICTURE", "true"), ("OUTPUT", PLACE_COLOURS)),
    ),
    Step(
        "Run a graphical model",
        "The same as a model of the graphical modeler that ships with the plugin: embed, then cluster, in one call.",
        MODEL,
        (("scene", "scene_spring.tif"), ("clusters", "5"), ("cluster:Clusters", MODEL_CLUSTERS)),
    ),
)
