"""Styles what the demo's predictors say: classes in the colours of the labels, heights on one ramp, and doubt."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping

from qgis.core import (
    QgsClassificationRange,
    QgsColorRampShader,
    QgsFillSymbol,
    QgsGradientColorRamp,
    QgsGradientStop,
    QgsGraduatedSymbolRenderer,
    QgsMarkerSymbol,
    QgsPalettedRasterRenderer,
    QgsRasterLayer,
    QgsRasterShader,
    QgsRendererRange,
    QgsSingleBandPseudoColorRenderer,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor

from ...engine.predictors.asking import APPLICABLE, legend_of
from ...engine.predictors.predictor import open_predictor
from ...engine.progress import Silent
from ...engine.raster_legend import LegendEntry
from ...processing_provider.styles.prediction import style_prediction_raster
from .qgis_runs import DemoError

# Metres: bare ground to the tallest trees, the same for all maps of heights.
_LOWEST, _HIGHEST = 0.0, 20.0
_STEPS = 5
_RAMP = ("#f7f4e4", "#c3dfa0", "#67b168", "#237a57", "#0c3b47")
_DOUBT = QColor(25, 25, 35, 215)


def style_cover(layer: QgsRasterLayer, predictor: Path, colours: Mapping[str, str]) -> None:
    """Draw predicted classes in the colours that their labels have."""
    legend = legend_of(open_predictor(str(predictor), Silent()).card)
    style_prediction_raster(layer, [LegendEntry(one.value, one.name, colours[one.name]) for one in legend])


def style_doubt(layer: QgsRasterLayer) -> None:
    """Darken the cells that are unlike all that the predictor was trained on, and draw no others."""
    doubtful = QgsPalettedRasterRenderer.Class(0, _DOUBT, "unlike all training data")
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), band_of(layer, APPLICABLE), [doubtful]))


def style_heights(layer: QgsRasterLayer, name: str) -> None:
    """Draw one band of predicted heights."""
    function = QgsColorRampShader(_LOWEST, _HIGHEST, _ramp(), QgsColorRampShader.Type.Interpolated,
                                  QgsColorRampShader.ClassificationMode.Continuous)
    function.classifyColorRamp(_STEPS, 1)
    shader = QgsRasterShader()
    shader.setRasterShaderFunction(function)
    renderer = QgsSingleBandPseudoColorRenderer(layer.dataProvider(), band_of(layer, name), shader)
    renderer.setClassificationMin(_LOWEST)
    renderer.setClassificationMax(_HIGHEST)
    layer.setRenderer(renderer)


def style_height_rows(layer: QgsVectorLayer, column: str) -> None:
    """Draw the heights of features, in the same colours; what is lower or higher than the ramp gets its ends."""
    ramp, wide = _ramp(), (_HIGHEST - _LOWEST) / _STEPS
    ranges = []
    for step in range(_STEPS):
        low = -1e6 if step == 0 else _LOWEST + step * wide
        high = 1e6 if step == _STEPS - 1 else _LOWEST + (step + 1) * wide
        colour = ramp.color(step / (_STEPS - 1)).name()
        symbol = (QgsFillSymbol.createSimple({"color": colour, "outline_color": "white", "outline_width": "0.1"})
                  if layer.geometryType() == 2 else
                  QgsMarkerSymbol.createSimple({"name": "square", "color": colour, "outline_color": "black",
                                                "outline_width": "0.2", "size": "2.2"}))
        label = f"{_LOWEST + step * wide:.0f} to {_LOWEST + (step + 1) * wide:.0f} m"
        ranges.append(QgsRendererRange(QgsClassificationRange(label, low, high), symbol))
    layer.setRenderer(QgsGraduatedSymbolRenderer(column, ranges))


def band_of(layer: QgsRasterLayer, name: str) -> int:
    """Return the number of the band of that name."""
    for band in range(1, layer.bandCount() + 1):
        if layer.bandName(band).split(": ")[-1] == name:
            return band
    raise DemoError(f"The layer {layer.name()} has no band {name}.")


def _ramp() -> QgsGradientColorRamp:
    """Return the colours of heights."""
    inner = [QgsGradientStop(place / (_STEPS - 1), QColor(_RAMP[place])) for place in range(1, _STEPS - 1)]
    return QgsGradientColorRamp(QColor(_RAMP[0]), QColor(_RAMP[-1]), False, inner)
