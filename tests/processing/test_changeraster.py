""""Change between rasters" through processing.run: the layers that come out, how they look, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import numpy as np
import pytest
from change_rasters import pair, read_bands, write_field
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsPalettedRasterRenderer,
    QgsProcessing,
    QgsProcessingException,
    QgsProject,
    QgsRasterLayer,
    QgsSingleBandPseudoColorRenderer,
    QgsVectorLayer,
)


@pytest.fixture
def dates(tmp_path: Path) -> Dict[str, str]:
    """Return two dates as files."""
    before, after = pair()
    return {"BEFORE": write_field(tmp_path / "before.tif", before), "AFTER": write_field(tmp_path / "after.tif", after)}


def test_all_outputs_say_the_same(run_algorithm: Any, dates: Dict[str, str], tmp_path: Path) -> None:
    wanted = {name: str(tmp_path / f"{name.lower()}.tif") for name in ("OUTPUT", "CHANGED", "DIRECTION")}
    found = run_algorithm("changeraster", dict(dates, **wanted, POLYGONS=str(tmp_path / "areas.gpkg"), METHOD="cosine",
                                               THRESHOLD="0.4", MIN_AREA=500))
    before, after = pair()
    cosine = (before * after).sum(axis=0) / np.linalg.norm(before, axis=0) / np.linalg.norm(after, axis=0)
    assert np.abs(read_bands(found["OUTPUT"])[0] - (1 - cosine)).max() < 1e-6
    mask = read_bands(found["CHANGED"])[0]
    assert (mask[10:20, 30:45] == 2).all() and (mask == 2).sum() == found["CHANGED_CELLS"]
    assert np.array_equal((read_bands(found["DIRECTION"]) > 0).all(axis=0), mask == 2)
    layer = QgsVectorLayer(found["POLYGONS"], "areas")
    assert sum(feature["cells"] for feature in layer.getFeatures()) == found["CHANGED_CELLS"]
    assert sum(feature["area"] for feature in layer.getFeatures()) == pytest.approx(found["CHANGED_AREA"], rel=1e-3)
    assert found["THRESHOLD_OUT"] == pytest.approx(0.4) and found["COMPARED"] == 2400


def test_by_default_a_difference_counts_by_what_is_usual(run_algorithm: Any, dates: Dict[str, str],
                                                         tmp_path: Path) -> None:
    run_algorithm("changeraster", dict(dates, OUTPUT=str(tmp_path / "out.tif")))
    before, after = pair()
    apart = (after - before).reshape(len(before), -1).astype(float)
    apart -= np.median(apart, axis=1, keepdims=True)
    scaled = apart / (1.4826 * np.median(np.abs(apart), axis=1, keepdims=True))
    expected = np.sqrt((scaled ** 2).mean(axis=0)).reshape(before.shape[1:])
    assert np.allclose(read_bands(tmp_path / "out.tif")[0], expected, rtol=1e-4)


def test_stable_ground_may_be_a_selection_in_another_crs(run_algorithm: Any, dates: Dict[str, str],
                                                         tmp_path: Path) -> None:
    from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform, QgsProcessingFeatureSourceDefinition

    layer = QgsVectorLayer("Polygon?crs=EPSG:4326", "Stable", "memory")
    transform = QgsCoordinateTransform(QgsCoordinateReferenceSystem("EPSG:32632"),
                                       QgsCoordinateReferenceSystem("EPSG:4326"), QgsProject.instance())
    for text in ("POLYGON((500000 5599600,500600 5599600,500600 5599750,500000 5599750,500000 5599600))",
                 "POLYGON((500300 5599800,500450 5599800,500450 5599900,500300 5599900,500300 5599800))"):
        geometry = QgsGeometry.fromWkt(text)
        geometry.transform(transform)
        feature = QgsFeature(layer.fields())
        feature.setGeometry(geometry)
        layer.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(layer)
    layer.select(1)
    found = run_algorithm("changeraster", dict(
        dates, OUTPUT=str(tmp_path / "out.tif"), THRESHOLD="stable", FALSE_ALARM=2,
        STABLE=QgsProcessingFeatureSourceDefinition(layer.id(), selectedFeaturesOnly=True)))
    stable = read_bands(tmp_path / "out.tif")[0][25:40]
    assert (stable >= np.float32(found["THRESHOLD_OUT"])).sum() == 18
    QgsProject.instance().removeMapLayer(layer.id())


def test_history_orders_the_rasters_by_their_dates(run_algorithm: Any, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    land, odd = pair()
    scenes = [(land + random.normal(0, 0.05, land.shape)).astype(np.float32) for _ in range(6)]
    scenes[2][:, 10:20, 30:45] = odd[:, 10:20, 30:45]
    paths = [write_field(tmp_path / f"{number}.tif", scene) for number, scene in enumerate(scenes)]
    found = run_algorithm("changeraster", {
        "INPUTS": [paths[place] for place in (3, 5, 0, 2, 1, 4)], "DATES": "2021; 2023;2018;2020;2019;2022",
        "METHOD": "history", "THRESHOLD": "3", "OUTPUT": str(tmp_path / "out.tif")})
    layer = QgsRasterLayer(found["OUTPUT"], "history")
    names = [layer.bandName(number) for number in range(1, layer.bandCount() + 1)]
    assert names[0].endswith("change") and [name.split()[-1] for name in names[2:]] == [
        str(year) for year in range(2018, 2024)]
    values = read_bands(found["OUTPUT"])
    assert (values[1, 10:20, 30:45] == 3).all() and (values[0, 10:20, 30:45] > 3).all()
    assert np.array_equal(values[0], values[2:].max(axis=0))


def test_results_are_styled_when_they_are_loaded(provider: Any, dates: Dict[str, str], qgis_new_project: Any) -> None:
    import processing

    wanted = dict.fromkeys(("OUTPUT", "CHANGED", "DIRECTION", "POLYGONS"), QgsProcessing.TEMPORARY_OUTPUT)
    processing.runAndLoadResults("earthprint:changeraster", dict(dates, **wanted, METHOD="cosine",
                                                                        THRESHOLD="0.4"))
    layers = {layer.name(): layer for layer in QgsProject.instance().mapLayers().values()}
    ramp = layers["Magnitude of change"].renderer()
    assert isinstance(ramp, QgsSingleBandPseudoColorRenderer)
    items = ramp.shader().rasterShaderFunction().colorRampItemList()
    assert items[2].value == pytest.approx(0.4, abs=0.01) and items[2].color.name() == "#e34a33"
    mask = layers["Changed or not"].renderer()
    assert isinstance(mask, QgsPalettedRasterRenderer)
    assert [(item.value, item.label, item.color.name()) for item in mask.classes()] == [
        (1, "unchanged", "#e1e1e1"), (2, "changed", "#c81e3c")]
    assert layers["Direction of change"].renderer().redBand() == 1
    assert layers["Outlines of change"].renderer().symbol().symbolLayer(0).strokeColor().name() == "#c81e3c"


def test_what_does_not_go_together_is_said_in_words(run_algorithm: Any, dates: Dict[str, str], tmp_path: Path) -> None:
    def refused(words: str, **parameters: Any) -> None:
        with pytest.raises(QgsProcessingException) as raised:
            run_algorithm("changeraster", dict(parameters, OUTPUT=str(tmp_path / "out.tif")))
        assert words in str(raised.value), str(raised.value)
        assert not (tmp_path / "out.tif").exists()

    both = [dates["BEFORE"], dates["AFTER"]]
    refused("AFTER is missing", BEFORE=dates["BEFORE"])
    refused("Give either BEFORE and AFTER, or INPUTS", INPUTS=both, **dates)
    refused("THRESHOLD is stable, but STABLE names no polygons", THRESHOLD="stable", **dates)
    refused("neither otsu, triangle, stable nor a number", THRESHOLD="high", **dates)
    refused("needs at least 4 dates", METHOD="history", INPUTS=both)
    refused("DATES names 3 dates and INPUTS 2 rasters", INPUTS=both, DATES="2019;2020;2021")
    refused("“spring” is no date", INPUTS=both, DATES="spring;summer")
    refused("have the same date, 2020", INPUTS=both, DATES="2020;2020")


def test_it_runs_headless(qgis_process: Any, dates: Dict[str, str], tmp_path: Path) -> None:
    ended = qgis_process("run", "earthprint:changeraster", f"BEFORE={dates['BEFORE']}", f"AFTER={dates['AFTER']}",
                         "METHOD=irmad", f"CHANGED={tmp_path / 'mask.tif'}", f"OUTPUT={tmp_path / 'out.tif'}",
                         ).succeeded()
    found = ended.results()
    mask = read_bands(tmp_path / "mask.tif")[0]
    assert int(found["CHANGED_CELLS"]) == (mask == 2).sum() and (mask[10:20, 30:45] == 2).mean() > 0.95
    assert "IR-MAD" in ended.output
