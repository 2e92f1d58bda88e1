"""The models that ship with Earthprint: whole answers to one question each, to be run as they are or drawn further."""

from __future__ import annotations

from typing import Tuple

from qgis.core import (
    QgsProcessing,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
)

from .drawing import Asked, Drawing, Made

_SCENE_HELP = "Any raster with one or more bands, such as a satellite scene, an orthophoto or a stack of dates."
_CELL_HELP = ("How many pixels wide a cell of the result is: small for fine detail, large for speed and for kinds of "
              "landscape. 0 = what suits the encoder, which is made from the raster itself.")
_CALLS = "From the command line: qgis_process run {file} {arguments}"


def what_is_there() -> Drawing:
    """Return: embed, then cluster."""
    drawing = Drawing(
        "map_what_is_there", "Map what is there",
        "Groups the places of a raster by how alike they look, without any labels: makes an encoder from the raster, "
        "turns every cell into a vector, and clusters the vectors. Compare the result with what you know, and give the "
        "classes names. " + _CALLS.format(
            file="map_what_is_there.model3", arguments="scene=scene.tif clusters=8 cluster:Clusters=clusters.tif"))
    scene = _scene(drawing, "scene", "Scene", _SCENE_HELP)
    cell = _cell(drawing)
    clusters = _number(drawing, "clusters", "Number of clusters (0 = choose)", 8, 0,
                       "How many groups to make; 0 tries 2 to 12 and takes what is clearest.")
    drawing.step("embed", "earthprint:embedraster", "Turn cells into vectors", INPUT=scene, CELL=cell)
    drawing.step("cluster", "earthprint:clusterraster", "Group alike cells", INPUT=Made("embed", "OUTPUT"),
                 CLUSTERS=clusters)
    drawing.give("cluster", "OUTPUT", "Clusters", "The class raster, with colours and names.")
    drawing.give("cluster", "SUMMARY", "Table of clusters",
                 "Points at the most typical place of each cluster, with area, cohesion and the nearest other one.")
    drawing.give("cluster", "REPORT", "Report", "A page that tells how the clusters lie and how far to trust them.")
    return drawing


def what_changed() -> Drawing:
    """Return: make an encoder, embed two dates with it, compare, outline."""
    drawing = Drawing(
        "find_what_changed", "Find what changed",
        "Outlines what changed between two rasters of the same ground: makes one encoder from both dates, so that "
        "their vectors compare, embeds each date with it, measures the change of every cell, and draws polygons around "
        "what changed much. The rasters need the same bands in the same units. " + _CALLS.format(
            file="find_what_changed.model3",
            arguments="before=2020.tif after=2024.tif change:Outlines=changed.gpkg change:Magnitude=magnitude.tif"))
    before = _scene(drawing, "before", "Raster before", "The earlier date. The result has its grid.")
    after = _scene(drawing, "after", "Raster after", "The later date, with the same bands in the same units; the same "
                   "season shows less that isn't meant.")
    cell = _cell(drawing)
    area = _number(drawing, "least_area", "Least area in m²", 0, 0,
                   "Patches of change with less ground than this are left out.")
    drawing.step("make", "earthprint:makeencoder", "Make one encoder from both dates", INPUTS=(before, after),
                 CELL=cell)
    encoder = Made("make", "ENCODER_USED")
    drawing.step("embed_before", "earthprint:embedraster", "Embed the earlier date", INPUT=before, ENCODER=encoder,
                 CELL=cell)
    drawing.step("embed_after", "earthprint:embedraster", "Embed the later date", INPUT=after, ENCODER=encoder,
                 CELL=cell)
    drawing.step("change", "earthprint:changeraster", "Compare the dates", BEFORE=Made("embed_before", "OUTPUT"),
                 AFTER=Made("embed_after", "OUTPUT"), MIN_AREA=area)
    drawing.give("change", "OUTPUT", "Magnitude", "How much each cell changed.")
    drawing.give("change", "POLYGONS", "Outlines",
                 "A polygon around each patch that changed, with its area and mean magnitude.")
    return drawing


def places_like_these() -> Drawing:
    """Return: embed, score by examples, mark the best places."""
    drawing = Drawing(
        "find_places_like_these", "Find places like these",
        "Looks all over a raster for places like your examples: turns every cell into a vector, scores each by how "
        "alike it is to the places under the examples, and marks the most alike ones. " + _CALLS.format(
            file="find_places_like_these.model3",
            arguments="scene=scene.tif examples=roofs.gpkg similar:Places=places.gpkg similar:Similarity=scores.tif"))
    scene = _scene(drawing, "scene", "Scene", _SCENE_HELP)
    examples = drawing.ask(
        QgsProcessingParameterFeatureSource("examples", "Examples", [QgsProcessing.SourceType.TypeVector]),
        "Points, lines or polygons on places of the kind to look for; one is enough, several are better.")
    cell = _cell(drawing)
    top = _number(drawing, "places", "Number of places", 10, 1, "How many of the most alike places to mark.")
    apart = _number(drawing, "distance", "Distance between places in metres", 100, 0,
                    "How far apart on the ground the places are at least; as far from the examples they lie, too.")
    drawing.step("embed", "earthprint:embedraster", "Turn cells into vectors", INPUT=scene, CELL=cell)
    drawing.step("similar", "earthprint:similarityraster", "Score cells by the examples",
                 INPUT=Made("embed", "OUTPUT"), EXAMPLES=examples, TOP=top, DISTANCE=apart, EXCLUDE=apart)
    drawing.give("similar", "OUTPUT", "Similarity", "How alike each cell is to the examples.")
    drawing.give("similar", "PLACES", "Places", "The most alike places with rank and score.")
    return drawing


def what_is_where() -> Drawing:
    """Return: embed, train a classification, map it."""
    drawing = Drawing(
        "embed_train_and_predict", "Embed, train and predict",
        "Maps classes from a few labelled places: turns every cell of a raster into a vector, learns from the vectors "
        "at the labels, tells how good that is where there are no labels, and names every cell. The predictor is kept "
        "for the next scene: with “Predict raster” and the encoder of this one. " + _CALLS.format(
            file="embed_train_and_predict.model3",
            arguments="scene=scene.tif labels=points.gpkg class=land_cover predict:Map=map.tif "
                      "train:Predictor=cover.onnx train:Report=cover.html embed:Vectors=vectors.tif"))
    scene = _scene(drawing, "scene", "Scene", _SCENE_HELP)
    labels = drawing.ask(
        QgsProcessingParameterFeatureSource("labels", "Labels", [QgsProcessing.SourceType.TypeVector]),
        "Points or polygons whose class is known; ten of each class and more, each class in several places.")
    column = drawing.ask(
        QgsProcessingParameterField("class", "Class column", None, "labels",
                                    QgsProcessingParameterField.DataType.Any),
        "The column of the labels that names the class.")
    cell = _cell(drawing)
    drawing.step("embed", "earthprint:embedraster", "Turn cells into vectors", INPUT=scene, CELL=cell)
    field = Made("embed", "OUTPUT")
    drawing.step("train", "earthprint:trainclassification", "Learn from the labels", INPUT=labels, TARGET=column,
                 EMBEDDINGS=field)
    drawing.step("predict", "earthprint:predictraster", "Name every cell", INPUT=field,
                 PREDICTOR=Made("train", "OUTPUT"))
    drawing.give("predict", "OUTPUT", "Map",
                 "The class of every cell, and whether the predictor knows anything like the cell.")
    drawing.give("train", "OUTPUT", "Predictor", "The ONNX file with its card, for the next scene.")
    drawing.give("train", "REPORT", "Report", "A page that tells how far to trust the map, and where it errs.")
    drawing.give("embed", "OUTPUT", "Vectors",
                 "The embedding raster; its encoder, which the next scene needs, lies beside it.")
    return drawing


def shipped_models() -> "Tuple[Drawing, ...]":
    """Return all of them."""
    return what_is_there(), what_changed(), places_like_these(), what_is_where()


def _scene(drawing: Drawing, name: str, title: str, help_text: str) -> Asked:
    """Ask for a raster."""
    return drawing.ask(QgsProcessingParameterRasterLayer(name, title), help_text)


def _cell(drawing: Drawing) -> Asked:
    """Ask for the size of a cell."""
    return _number(drawing, "cell", "Cell size in pixels", 0, 0, _CELL_HELP)


def _number(drawing: Drawing, name: str, title: str, default: int, least: int, help_text: str) -> Asked:
    """Ask for a whole number."""
    return drawing.ask(
        QgsProcessingParameterNumber(name, title, QgsProcessingParameterNumber.Type.Integer, default, False, least),
        help_text)
