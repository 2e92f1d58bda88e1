""""Predict raster" through processing.run and qgis_process: outputs, styles, wrong input, an extent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import (
    QgsPalettedRasterRenderer,
    QgsProcessing,
    QgsProcessingException,
    QgsProject,
    QgsSingleBandPseudoColorRenderer,
)
from small_predictors import invented_vectors, train_on, truth_of, write_invented, write_labels
from small_rasters import read_raster, write_raster


@pytest.fixture(scope="module")
def made(tmp_path_factory: Any) -> "dict[str, str]":
    """Return a field, a regression and a classification trained on it."""
    folder = tmp_path_factory.mktemp("predictors")
    vectors = invented_vectors()
    truth = truth_of(vectors)
    field = write_invented(folder / "field.tif", vectors)
    kinds = np.array(["low", "high"])[(np.nan_to_num(truth) > 10).astype(int)]
    labels = write_labels(folder / "labels.gpkg", vectors, {"y": ("real", truth), "kind": ("text", kinds)})
    return {"field": field, "y": train_on(labels.path, field, ["y"], folder / "y.onnx"),
            "kind": train_on(labels.path, field, ["kind"], folder / "kind.onnx", "logistic", "classification",
                             colours={"low": "#112233", "high": "#ddeeff"})}


def names_of(path: Any) -> "list[str]":
    dataset = gdal.Open(str(path))
    return [dataset.GetRasterBand(number + 1).GetDescription() for number in range(dataset.RasterCount)]


def test_numbers_and_classes(run_algorithm: Any, made: Any, tmp_path: Path) -> None:
    truth = truth_of(invented_vectors())
    found = run_algorithm("predictraster", {"INPUT": made["field"], "PREDICTOR": made["y"],
                                            "OUTPUT": str(tmp_path / "o.tif")})
    assert found["OUTPUT"] == str(tmp_path / "o.tif") and 0 <= found["SHARE_OUTSIDE"] < 0.2
    assert names_of(found["OUTPUT"]) == ["predicted", "lower", "upper", "applicable", "dissimilarity"]
    np.testing.assert_allclose(read_raster(found["OUTPUT"])[0], truth, atol=0.05)
    card = str(Path(made["kind"]).with_suffix(".json"))
    found = run_algorithm("predictraster", {"INPUT": made["field"], "PREDICTOR": card, "APPLICABILITY": False,
                                            "PROBABILITIES": True, "OUTPUT": "TEMPORARY_OUTPUT"})
    assert names_of(found["OUTPUT"])[0] == "predicted" and "SHARE_OUTSIDE" not in found
    assert set(names_of(found["OUTPUT"])[1:]) == {"probability_low", "probability_high"}


def test_results_are_styled(provider: Any, made: Any, qgis_new_project: Any) -> None:
    import processing

    shown = {}
    for name in ("y", "kind"):
        before = set(QgsProject.instance().mapLayers())
        processing.runAndLoadResults("earthprint:predictraster", {
            "INPUT": made["field"], "PREDICTOR": made[name], "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT})
        [new] = set(QgsProject.instance().mapLayers()) - before
        shown[name] = QgsProject.instance().mapLayer(new).renderer()
    assert isinstance(shown["y"], QgsSingleBandPseudoColorRenderer)
    low, high = np.nanpercentile(truth_of(invented_vectors()), [2, 98])
    assert shown["y"].classificationMin() == pytest.approx(low, abs=0.3)
    assert shown["y"].classificationMax() == pytest.approx(high, abs=0.3)
    assert isinstance(shown["kind"], QgsPalettedRasterRenderer)
    assert {(entry.label, entry.color.name()) for entry in shown["kind"].classes()} == {
        ("low", "#112233"), ("high", "#ddeeff")}


def test_an_extent_and_a_share_for_the_interval(run_algorithm: Any, made: Any, tmp_path: Path) -> None:
    parts = {}
    for name, interval in (("share", 0.8), ("percent", 80)):
        found = run_algorithm("predictraster", {
            "INPUT": made["field"], "PREDICTOR": made["y"], "INTERVAL": interval, "MEMORY": 64,
            "EXTENT": "500200,500500,5699600,5699800", "OUTPUT": str(tmp_path / f"{name}.tif")})
        parts[name] = read_raster(found["OUTPUT"])
    assert parts["share"].shape == (5, 20, 30)
    np.testing.assert_array_equal(parts["share"], parts["percent"])
    np.testing.assert_allclose(parts["share"][0], truth_of(invented_vectors())[20:40, 20:50], atol=0.05)


@pytest.mark.parametrize(("changes", "message"), [
    ({"INTERVAL": 30}, "INTERVAL is 30: give a percentage from 50 to 99"),
    ({"INTERVAL": -1}, "INTERVAL: -1 is out of range"),
    ({"PREDICTOR": "/nowhere/p.onnx"}, "PREDICTOR: there is no file or folder"),
    ({"VALUES": "year=3"}, "VALUES names year, which y.onnx doesn't use"),
    ({"OUTPUT": "/tmp/o.png"}, "tif"),
    ({"EXTENT": "0,1,0,1"}, "extent doesn't touch"),
])
def test_wrong_values_are_told_in_one_sentence(run_algorithm: Any, made: Any, tmp_path: Path, changes: Any,
                                               message: str) -> None:
    with pytest.raises(QgsProcessingException, match=message):
        run_algorithm("predictraster", {"INPUT": made["field"], "PREDICTOR": made["y"],
                                        "OUTPUT": str(tmp_path / "o.tif"), **changes})
    assert not (tmp_path / "o.tif").exists()


def test_a_server_predicts_and_refuses(qgis_process: Any, made: Any, tmp_path: Path) -> None:
    found = qgis_process("run", "earthprint:predictraster", f"INPUT={made['field']}", f"PREDICTOR={made['kind']}",
                         "APPLICABILITY=false", f"OUTPUT={tmp_path / 'o.tif'}").succeeded()
    assert "cells predicted" in found.output
    assert set(np.unique(read_raster(tmp_path / "o.tif"))) == {0, 1, 2}
    other = write_raster(tmp_path / "other.tif", np.nan_to_num(invented_vectors()))
    refused = qgis_process("run", "earthprint:predictraster", f"INPUT={other}", f"PREDICTOR={made['kind']}",
                           f"OUTPUT={tmp_path / 'x.tif'}")
    assert refused.code == 1 and "different spaces" in refused.errors and not (tmp_path / "x.tif").exists()
