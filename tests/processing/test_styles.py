"""Results look like something when QGIS has loaded them: three bands as colours, without the extremes."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import (
    QgsContrastEnhancement,
    QgsMultiBandColorRenderer,
    QgsProcessing,
    QgsProject,
    QgsRasterLayer,
    QgsSingleBandGrayRenderer,
)
from small_rasters import landscape, write_raster

from earthprint.processing_provider.styles.embedding_raster import style_embedding_raster


def test_three_bands_are_stretched_over_the_middle_of_their_values(tmp_path: Path, qgis_app: Any) -> None:
    random = np.random.default_rng(2)
    values = random.normal(0, 1, (4, 100, 100)).astype(np.float32) * np.array([1, 5, 20, 1], np.float32)[:, None, None]
    values[:, 0, 0] = 1e6
    values[:, :10] = np.nan
    layer = QgsRasterLayer(str(write_raster(tmp_path / "field.tif", values, nodata=np.nan)), "field")
    style_embedding_raster(layer)
    renderer = layer.renderer()
    assert isinstance(renderer, QgsMultiBandColorRenderer)
    assert (renderer.redBand(), renderer.greenBand(), renderer.blueBand()) == (1, 2, 3)
    stretches = (renderer.redContrastEnhancement(), renderer.greenContrastEnhancement(),
                 renderer.blueContrastEnhancement())
    for band, stretch in enumerate(stretches):
        low, high = np.nanpercentile(values[band], [2, 98])
        assert stretch.minimumValue() == pytest.approx(low, abs=0.05 * (high - low))
        assert stretch.maximumValue() == pytest.approx(high, abs=0.05 * (high - low))
        kinds = QgsContrastEnhancement.ContrastEnhancementAlgorithm
        assert stretch.contrastEnhancementAlgorithm() == kinds.StretchToMinimumMaximum


def test_one_band_is_grey(tmp_path: Path, qgis_app: Any) -> None:
    values = np.linspace(0, 1, 400, dtype=np.float32).reshape(1, 20, 20)
    layer = QgsRasterLayer(str(write_raster(tmp_path / "field.tif", values)), "field")
    style_embedding_raster(layer)
    assert isinstance(layer.renderer(), QgsSingleBandGrayRenderer)
    assert 0 <= layer.renderer().contrastEnhancement().minimumValue() < 0.05


def test_loaded_results_are_styled_every_time(provider: Any, tmp_path: Path, qgis_new_project: Any) -> None:
    import processing

    scene = write_raster(tmp_path / "scene.tif", landscape())

    def loaded(algorithm: str, **parameters: Any) -> Any:
        before = set(QgsProject.instance().mapLayers())
        processing.runAndLoadResults(f"earthprint:{algorithm}", dict(
            parameters, INPUT=str(scene), OUTPUT=QgsProcessing.TEMPORARY_OUTPUT))
        [new] = set(QgsProject.instance().mapLayers()) - before
        gc.collect()
        return QgsProject.instance().mapLayer(new)

    for _ in range(2):
        stretch = loaded("embedraster", CELL=4).renderer().redContrastEnhancement()
        assert stretch.contrastEnhancementAlgorithm() == (
            QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum)
        patches = loaded("embedpatches", SIZE=16)
        assert patches.renderer().symbol().symbolLayer(0).fillColor().alpha() == 30, "what lies beneath stays visible"
    points = loaded("embedpatches", SIZE=16, GEOMETRY="centre")
    assert points.renderer().symbol().color().name() == "#1b6f8a"
