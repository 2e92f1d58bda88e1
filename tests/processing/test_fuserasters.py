""""Fuse rasters" through processing.run and qgis_process: layers, weights, wrong input in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsProcessingException, QgsProject, QgsRasterLayer
from small_rasters import landscape, read_raster, write_raster


@pytest.fixture
def rasters(tmp_path: Path) -> List[str]:
    """Return two rasters of plain numbers on one grid, which are undeclared embeddings."""
    return [str(write_raster(tmp_path / "near.tif", landscape(3).astype(np.float32), nodata=0)),
            str(write_raster(tmp_path / "far.tif", 1e-3 * landscape(2, seed=8).astype(np.float32), nodata=0))]


def standardised(values: np.ndarray, weight: float) -> np.ndarray:
    values = values.astype(np.float64)
    spread = values.std(axis=(1, 2), keepdims=True) * np.sqrt(len(values))
    return weight * (values - values.mean(axis=(1, 2), keepdims=True)) / spread


def test_layers_are_fused_with_weights(run_algorithm: Any, rasters: List[str], tmp_path: Path,
                                       qgis_new_project: Any) -> None:
    layer = QgsRasterLayer(rasters[1], "far")
    QgsProject.instance().addMapLayer(layer)
    found = run_algorithm("fuserasters", {"INPUTS": [rasters[0], layer], "WEIGHTS": "2;1", "STANDARDISE": "dimensions",
                                          "OUTPUT": str(tmp_path / "fused.tif")})
    fused = read_raster(found["OUTPUT"])
    wanted = np.concatenate([standardised(read_raster(rasters[0]), 2), standardised(read_raster(rasters[1]), 1)])
    assert np.abs(fused - wanted).max() < 2e-5
    assert (found["DIMENSIONS_OUT"], found["CELLS"], found["EXPLAINED"]) == (5, 96 * 128, 1)
    assert found["SPACE"] == gdal.Open(found["OUTPUT"]).GetMetadataItem("EARTHPRINT_KEY")
    assert found["SPACE"].startswith("fused-")


def test_a_saved_fusion_serves_another_date(run_algorithm: Any, rasters: List[str], tmp_path: Path) -> None:
    first = run_algorithm("fuserasters", {"INPUTS": rasters, "DIMENSIONS": 3, "MODEL_OUT": str(tmp_path / "m.json"),
                                          "OUTPUT": str(tmp_path / "a.tif")})
    second = run_algorithm("fuserasters", {"INPUTS": rasters, "REUSE": str(tmp_path / "m.json"),
                                           "OUTPUT": str(tmp_path / "b.tif")})
    assert first["SPACE"] == second["SPACE"] and first["DIMENSIONS_OUT"] == second["DIMENSIONS_OUT"] == 3
    assert np.array_equal(read_raster(first["OUTPUT"]), read_raster(second["OUTPUT"]))
    assert 0 < first["EXPLAINED"] < 1


def test_wrong_input_is_told_in_words(run_algorithm: Any, rasters: List[str], tmp_path: Path) -> None:
    other = str(write_raster(tmp_path / "other.tif", landscape(2), pixel=20.0))
    for change, words in (
            ({"INPUTS": rasters[:1]}, "two or more"), ({"INPUTS": [rasters[0], other]}, "doesn't lie on the grid"),
            ({"WEIGHTS": "1"}, "WEIGHTS has 1 numbers for 2 inputs"),
            ({"WEIGHTS": "1;x"}, "“x” is not a number above 0"),
            ({"DIMENSIONS": 99}, "5 dimensions together"), ({"REDUCE": "all"}, "not one of parts, together"),
            ({"INPUTS": [rasters[0], "/no/such.tif"]}, "there is no file or layer “/no/such.tif”"),
            ({"MODEL_OUT": str(tmp_path / "m.txt")}, "must end in .json")):
        with pytest.raises(QgsProcessingException, match=words):
            run_algorithm("fuserasters", {"INPUTS": rasters, "OUTPUT": str(tmp_path / "no.tif"), **change})
        assert not (tmp_path / "no.tif").exists()


def test_it_runs_headless(qgis_process: Any, rasters: List[str], tmp_path: Path) -> None:
    qgis_process("run", "earthprint:fuserasters", f"INPUTS={rasters[0]}", f"INPUTS={rasters[1]}", "REDUCE=together",
                 "DIMENSIONS=2", f"OUTPUT={tmp_path / 'fused.tif'}").succeeded()
    assert read_raster(tmp_path / "fused.tif").shape == (2, 96, 128)
