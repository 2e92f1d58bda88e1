"""The demo's files as styled QGIS layers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Mapping, Optional, Tuple

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsContrastEnhancement,
    QgsFillSymbol,
    QgsMapLayer,
    QgsMarkerSymbol,
    QgsMultiBandColorRenderer,
    QgsProperty,
    QgsRasterLayer,
    QgsRasterMarkerSymbolLayer,
    QgsRendererCategory,
    QgsSingleBandGrayRenderer,
    QgsSingleSymbolRenderer,
    QgsSymbolLayer,
    QgsUnitTypes,
    QgsVectorLayer,
)

from ...engine.analyses.clusters.request import ClusterClass
from ...processing_provider.styles.bias_points import style_bias
from ...processing_provider.styles.change import style_magnitude
from ...processing_provider.styles.cluster_layer import style_cluster_layer
from ...processing_provider.styles.embedding_raster import style_embedding_raster
from ...processing_provider.styles.embedding_table import style_embedding_table
from ...processing_provider.styles.photo_points import style_photo_points
from ...processing_provider.styles.relation_lines import style_relation_lines
from ...processing_provider.styles.score_raster import style_score_raster
from ...processing_provider.styles.similar_layers import style_places
from . import steps
from .prediction_layers import style_cover, style_doubt, style_height_rows, style_heights
from .qgis_runs import DemoError
from .scene import SceneFiles

_DARK, _BRIGHT = 150.0, 2000.0
_INFRARED_BRIGHT = 5200.0
# Millimetres.
_PHOTO_SIZE = 11.0
# The share of cells whose change counts as ordinary when colours are chosen.
_ORDINARY = 0.9
_FIRST_SCORE = "grid"

LAND_COVER_COLOURS: Mapping[str, str] = {
    "broadleaf forest": "#2f7d32",
    "built-up": "#d3382f",
    "conifer forest": "#0b4a35",
    "cropland": "#e8b53a",
    "meadow": "#8bd34f",
    "quarry": "#f2e6cf",
    "water": "#2f7fd1",
}
CHANGE_COLOURS: Mapping[str, str] = {
    "clearing": "#ff9d2e",
    "lower lake": "#3fd0ff",
    "new housing": "#ff4fa3",
    "quarry extension": "#fff04a",
}


@dataclass(frozen=True)
class DemoLayers:
    """All layers of the demo's project."""

    scene_spring: QgsRasterLayer
    scene_summer: QgsRasterLayer
    scene_grey: QgsRasterLayer
    spring: QgsRasterLayer
    summer: QgsRasterLayer
    town: QgsRasterLayer
    similarity: QgsRasterLayer
    clusters: QgsRasterLayer
    clusters_summer: QgsRasterLayer
    picture: QgsRasterLayer
    picture_summer: QgsRasterLayer
    change: QgsRasterLayer
    similar: QgsVectorLayer
    places: QgsVectorLayer
    changed: QgsVectorLayer
    hexagons: QgsVectorLayer
    photo_links: QgsVectorLayer
    cover: QgsRasterLayer
    cover_doubt: QgsRasterLayer
    cover_summer: QgsRasterLayer
    cover_summer_doubt: QgsRasterLayer
    height: QgsRasterLayer
    height_lower: QgsRasterLayer
    height_upper: QgsRasterLayer
    hexagon_heights: QgsVectorLayer
    locations: QgsVectorLayer
    photos: QgsVectorLayer
    patches: QgsVectorLayer
    points: QgsVectorLayer
    land_cover: QgsVectorLayer
    plots: QgsVectorLayer
    true_changes: QgsVectorLayer
    area: QgsVectorLayer
    houses: QgsRasterLayer
    houses_kept: QgsVectorLayer
    cover_bias: QgsVectorLayer
    place_colours: Optional[QgsVectorLayer]

    def groups(self) -> Dict[str, Tuple[QgsMapLayer, ...]]:
        """Return the layers by group, as the legend shows them from the top down."""
        return {
            "What is known": (self.land_cover, self.plots, self.true_changes, self.area),
            "Predictions": (self.cover_bias, self.cover_doubt, self.cover, self.cover_summer_doubt, self.cover_summer,
                            self.height, self.height_lower, self.height_upper, self.hexagon_heights,
                            *((self.place_colours,) if self.place_colours is not None else ())),
            "Answers": (self.places, self.similar, self.similarity, self.houses_kept, self.houses, self.changed,
                        self.change, self.clusters, self.clusters_summer, self.hexagons, self.picture,
                        self.picture_summer, self.photo_links),
            "Embedding tables": (self.photos, self.locations, self.points, self.patches),
            "Embedding rasters": (self.town, self.spring, self.summer),
            "Scene": (self.scene_spring, self.scene_summer, self.scene_grey),
        }

    def further_views(self) -> Tuple[QgsMapLayer, ...]:
        """Return the layers that show a file in another way than its own style does."""
        return (self.scene_grey, self.cover_doubt, self.cover_summer_doubt, self.height_lower, self.height_upper,
                self.houses_kept)


def open_layers(folder: Path, files: SceneFiles) -> DemoLayers:
    """Open and style all layers; each style is also kept with its file, for those who open it without the project."""
    layers = DemoLayers(
        scene_spring=_raster(files.spring, "Scene, May 2023"),
        scene_summer=_raster(files.summer, "Scene, August 2025"),
        scene_grey=_raster(files.spring, "Scene, May 2023 (grey)"),
        spring=_raster(folder / steps.SPRING, "Embedding, May 2023"),
        summer=_raster(folder / steps.SUMMER, "Embedding, August 2025"),
        town=_raster(folder / steps.TOWN, "Embedding of the area of interest (uint8)"),
        similarity=_raster(folder / steps.SIMILARITY, "Like the quarries"),
        clusters=_raster(folder / steps.CLUSTERS, "Clusters, May 2023"),
        clusters_summer=_raster(folder / steps.CLUSTERS_SUMMER, "The same clusters, August 2025"),
        picture=_raster(folder / steps.PICTURE, "Principal components, May 2023"),
        picture_summer=_raster(folder / steps.PICTURE_SUMMER, "The same components, August 2025"),
        change=_raster(folder / steps.CHANGE, "Change, standardised"),
        similar=_vector(folder / steps.SIMILAR, "Outlines like the quarries"),
        places=_vector(folder / steps.PLACES, "Five best places"),
        changed=_vector(folder / steps.CHANGED, "Outlines of change"),
        hexagons=_vector(folder / steps.HEXAGON_CLUSTERS, "Hexagons in the same groups"),
        photo_links=_vector(folder / steps.PHOTO_LINKS, "Most alike photos"),
        cover=_raster(folder / steps.COVER, "Land cover, May 2023"),
        cover_doubt=_raster(folder / steps.COVER, "Unlike all labels, May 2023"),
        cover_summer=_raster(folder / steps.COVER_SUMMER, "Land cover by the same predictor, August 2025"),
        cover_summer_doubt=_raster(folder / steps.COVER_SUMMER, "Unlike all labels, August 2025"),
        height=_raster(folder / steps.HEIGHT, "Height"),
        height_lower=_raster(folder / steps.HEIGHT, "Height, lower end of the interval"),
        height_upper=_raster(folder / steps.HEIGHT, "Height, upper end of the interval"),
        hexagon_heights=_vector(folder / steps.HEXAGON_HEIGHTS, "Height of hexagons"),
        locations=_vector(folder / steps.LOCATION_COLOURS, "Points by location"),
        photos=_vector(folder / steps.PHOTOS, "Photos"),
        patches=_vector(folder / steps.PATCHES, "Patches with vectors"),
        points=_vector(folder / steps.POINTS, "Labelled points with vectors"),
        land_cover=_vector(files.land_cover, "Land cover"),
        plots=_vector(files.plots, "Measured plots"),
        true_changes=_vector(files.true_changes, "True changes"),
        area=_vector(files.area_of_interest, "Area of interest"),
        houses=_raster(folder / steps.HOUSES, "Like a few houses"),
        houses_kept=_vector(files.land_cover, "Houses that the search has not seen"),
        cover_bias=_vector(folder / steps.COVER_BIAS, "Where land cover is mistaken together"),
        place_colours=_vector_if_there(folder / steps.PLACE_COLOURS, "What a location encoder learnt"),
    )
    for layer in (layers.scene_spring, layers.scene_summer):
        _true_colour(layer)
    _grey(layers.scene_grey)
    style_embedding_raster(layers.spring)
    layers.summer.setRenderer(_like(layers.spring, layers.summer))
    style_embedding_raster(layers.town)
    style_embedding_table(layers.patches)
    style_embedding_table(layers.points)
    style_score_raster(layers.similarity)
    _style_judged(layers)
    style_magnitude(layers.change, layers.change.dataProvider().cumulativeCut(1, 0.0, _ORDINARY)[1])
    for layer in (layers.picture, layers.picture_summer):
        layer.setRenderer(QgsMultiBandColorRenderer(layer.dataProvider(), 1, 2, 3))
    _style_predictions(layers, folder)
    style_places(layers.places)
    style_cluster_layer(layers.hexagons, [ClusterClass(int(one.value), one.label, one.color.getRgb()[:3])
                                          for one in layers.clusters.renderer().classes()])
    style_relation_lines(layers.photo_links)
    style_photo_points(layers.photos, "", "thumbnail")
    _as_pictures(layers.photos)
    _by_colour_column(layers.locations)
    _outline(layers.similar, "#e4572e", "0.5", "solid")
    _outline(layers.changed, "#202020", "0.4", "solid")
    _by_land_cover(layers.land_cover)
    _by_kind(layers.true_changes)
    _outline(layers.area, "white", "0.5", "dash")
    for members in layers.groups().values():
        for layer in members:
            if layer not in layers.further_views():
                layer.saveDefaultStyle()
    return layers


def _style_judged(layers: DemoLayers) -> None:
    """Style what judges searches and predictions."""
    style_score_raster(layers.houses)
    layers.houses_kept.setSubsetString(steps.HOUSES_KEPT)
    layers.houses_kept.setRenderer(QgsSingleSymbolRenderer(QgsMarkerSymbol.createSimple(
        {"name": "circle", "color": "255,255,255,0", "outline_color": "#e4572e", "outline_width": "0.5",
         "size": "2.6"})))
    style_bias(layers.cover_bias, "bias_" + _FIRST_SCORE)
    if layers.place_colours is not None:
        symbol = QgsFillSymbol.createSimple({"outline_color": "white", "outline_width": "0.1"})
        symbol.symbolLayer(0).setDataDefinedProperty(
            QgsSymbolLayer.Property.PropertyFillColor, QgsProperty.fromField("colour"))
        layers.place_colours.setRenderer(QgsSingleSymbolRenderer(symbol))


def _style_predictions(layers: DemoLayers, folder: Path) -> None:
    """Style what the predictors said, and what they learnt it from."""
    for layer in (layers.cover, layers.cover_summer):
        style_cover(layer, folder / steps.COVER_PREDICTOR, LAND_COVER_COLOURS)
    for layer in (layers.cover_doubt, layers.cover_summer_doubt):
        style_doubt(layer)
    for layer, band in ((layers.height, "predicted"), (layers.height_lower, "lower"), (layers.height_upper, "upper")):
        style_heights(layer, band)
    style_height_rows(layers.hexagon_heights, "predicted")
    style_height_rows(layers.plots, "height")


def _raster(path: Path, name: str) -> QgsRasterLayer:
    """Open a raster layer."""
    return _opened(QgsRasterLayer(str(path), name), path)


def _vector(path: Path, name: str) -> QgsVectorLayer:
    """Open a vector layer."""
    return _opened(QgsVectorLayer(str(path), name, "ogr"), path)


def _vector_if_there(path: Path, name: str) -> Optional[QgsVectorLayer]:
    """Open a vector layer of a step that may have been left out."""
    return _vector(path, name) if path.exists() else None


def _opened(layer: QgsMapLayer, path: Path) -> QgsMapLayer:
    """Return the layer, or say that its file is not what the demo should have made."""
    if not layer.isValid():
        raise DemoError(f"QGIS can't open {path.name}, which an earlier step should have written.")
    return layer


def _true_colour(layer: QgsRasterLayer) -> None:
    """Show red, green and blue with one stretch for both dates, so that brightness may be compared."""
    provider = layer.dataProvider()
    renderer = QgsMultiBandColorRenderer(provider, 3, 2, 1)
    renderer.setRedContrastEnhancement(_fixed_stretch(provider, 3, _DARK, _BRIGHT))
    renderer.setGreenContrastEnhancement(_fixed_stretch(provider, 2, _DARK, _BRIGHT))
    renderer.setBlueContrastEnhancement(_fixed_stretch(provider, 1, _DARK, _BRIGHT))
    layer.setRenderer(renderer)
    layer.brightnessFilter().setGamma(1.25)


def _grey(layer: QgsRasterLayer) -> None:
    """Show the infrared in grey, as a background that leaves the colours to others."""
    renderer = QgsSingleBandGrayRenderer(layer.dataProvider(), 5)
    renderer.setContrastEnhancement(_fixed_stretch(layer.dataProvider(), 5, _DARK, _INFRARED_BRIGHT))
    layer.setRenderer(renderer)


def _fixed_stretch(provider: object, band: int, low: float, high: float) -> QgsContrastEnhancement:
    """Return a stretch between two stated values."""
    enhancement = QgsContrastEnhancement(provider.dataType(band))
    enhancement.setContrastEnhancementAlgorithm(
        QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum, False
    )
    enhancement.setMinimumValue(low, False)
    enhancement.setMaximumValue(high, True)
    return enhancement


def _like(model: QgsRasterLayer, layer: QgsRasterLayer) -> QgsMultiBandColorRenderer:
    """Return a renderer with the stretch of another layer: same vector, same colour, at every date."""
    one, provider = model.renderer(), layer.dataProvider()
    renderer = QgsMultiBandColorRenderer(provider, one.redBand(), one.greenBand(), one.blueBand())
    for source, setter, band in (
        (one.redContrastEnhancement(), renderer.setRedContrastEnhancement, one.redBand()),
        (one.greenContrastEnhancement(), renderer.setGreenContrastEnhancement, one.greenBand()),
        (one.blueContrastEnhancement(), renderer.setBlueContrastEnhancement, one.blueBand()),
    ):
        setter(_fixed_stretch(provider, band, source.minimumValue(), source.maximumValue()))
    return renderer


def _as_pictures(layer: QgsVectorLayer) -> None:
    """Show each photo's thumbnail, which lies in the table itself, at its place."""
    symbol = QgsMarkerSymbol.createSimple({})
    marker = QgsRasterMarkerSymbolLayer("", _PHOTO_SIZE)
    marker.setSizeUnit(QgsUnitTypes.RenderUnit.RenderMillimeters)
    marker.setDataDefinedProperty(QgsSymbolLayer.Property.PropertyName,
                                  QgsProperty.fromExpression("'base64:' || to_base64(\"thumbnail\")"))
    symbol.changeSymbolLayer(0, marker)
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))


def _by_colour_column(layer: QgsVectorLayer) -> None:
    """Give each point the colour that its row states."""
    symbol = QgsMarkerSymbol.createSimple(
        {"name": "circle", "outline_color": "white", "outline_width": "0.2", "size": "2.6"})
    symbol.symbolLayer(0).setDataDefinedProperty(
        QgsSymbolLayer.Property.PropertyFillColor, QgsProperty.fromField("colour"))
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))


def _by_land_cover(layer: QgsVectorLayer) -> None:
    """Give each class of the labelled points its colour."""
    categories = [
        QgsRendererCategory(name, QgsMarkerSymbol.createSimple(
            {"name": "circle", "color": colour, "outline_color": "white", "outline_width": "0.25", "size": "2.0"}
        ), name)
        for name, colour in LAND_COVER_COLOURS.items()
    ]
    layer.setRenderer(QgsCategorizedSymbolRenderer("land_cover", categories))


def _by_kind(layer: QgsVectorLayer) -> None:
    """Outline each kind of true change in its colour."""
    categories = [
        QgsRendererCategory(kind, QgsFillSymbol.createSimple(
            {"style": "no", "outline_color": colour, "outline_width": "0.7"}
        ), kind)
        for kind, colour in CHANGE_COLOURS.items()
    ]
    layer.setRenderer(QgsCategorizedSymbolRenderer("kind", categories))


def _outline(layer: QgsVectorLayer, colour: str, width: str, style: str) -> None:
    """Show a polygon by its outline alone."""
    symbol = QgsFillSymbol.createSimple(
        {"style": "no", "outline_color": colour, "outline_width": width, "outline_style": style}
    )
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))
