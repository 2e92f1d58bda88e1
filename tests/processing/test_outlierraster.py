""""Find outliers in raster" through processing.run and qgis_process: scores, and wrong input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import QgsProcessingException
from small_rasters import read_raster, write_raster


@pytest.fixture
def scene() -> np.ndarray:
    """Return two kinds of ground, one odd square and a hole."""
    chance = np.random.default_rng(1)
    kinds = np.array([[4, 1, 0, 2, 1], [0, 3, 4, 0, 1]], dtype=np.float32)
    values = kinds[np.arange(60) // 30].T[:, None] + chance.normal(size=(5, 40, 60)).astype(np.float32) * 0.2
    values[:, 20:22, 10:12] = np.array([0, 0, 0, 0, 6], dtype=np.float32)[:, None, None] + 0.1
    values[:, 5:9, 40:50] = np.nan
    return values.astype(np.float32)


@pytest.fixture
def raster(scene: np.ndarray, tmp_path: Path) -> str:
    return str(write_raster(tmp_path / "scene.tif", scene))


def test_scores_are_cosine_distances_to_the_kth_other_cell(
        run_algorithm: Any, raster: str, scene: np.ndarray, tmp_path: Path) -> None:
    found = read_raster(run_algorithm("outlierraster", {
        "INPUT": raster, "NEIGHBOURS": 6, "SAMPLE": 100_000, "OUTPUT": str(tmp_path / "out.tif")})["OUTPUT"])[0]
    valid = np.isfinite(scene[0])
    table = scene[:, valid].T.astype(np.float64)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    apart = 1 - table @ table.T
    np.fill_diagonal(apart, np.inf)
    assert np.array_equal(np.isfinite(found), valid)
    np.testing.assert_allclose(found[valid], np.sort(apart, axis=1)[:, 5], atol=1e-6)
    odd = np.zeros_like(valid)
    odd[20:22, 10:12] = True
    assert found[odd].min() > 2 * found[valid & ~odd].max()


def test_the_cluster_method_knows_no_small_group(
        run_algorithm: Any, raster: str, scene: np.ndarray, tmp_path: Path) -> None:
    found = read_raster(run_algorithm("outlierraster", {
        "INPUT": raster, "METHOD": "cluster", "CLUSTERS": 2, "OUTPUT": str(tmp_path / "out.tif")})["OUTPUT"])[0]
    odd = found[20:22, 10:12].copy()
    found[20:22, 10:12] = np.nan
    assert odd.min() > 3 * np.nanmax(found)


def test_wrong_input_is_told_in_one_sentence(run_algorithm: Any, raster: str, tmp_path: Path) -> None:
    for parameters, words in (
            ({"NEIGHBOURS": 0}, "NEIGHBOURS: 0 is out of range"), ({"METHOD": "forest"}, "neighbours, cluster"),
            ({"NEIGHBOURS": 40, "SAMPLE": 30}, "NEIGHBOURS is 40.*lower NEIGHBOURS or raise SAMPLE"),
            ({"METHOD": "cluster", "CLUSTERS": 100, "SAMPLE": 30}, "CLUSTERS is 100")):
        with pytest.raises(QgsProcessingException, match=words):
            run_algorithm("outlierraster", {"INPUT": raster, **parameters, "OUTPUT": str(tmp_path / "out.tif")})
        assert not (tmp_path / "out.tif").exists()


def test_headless(qgis_process: Any, raster: str, tmp_path: Path) -> None:
    qgis_process("run", "earthprint:outlierraster", f"INPUT={raster}", "SAMPLE=500", "NEIGHBOURS=3", "SEED=2",
                 f"OUTPUT={tmp_path / 'out.tif'}").succeeded()
    found = read_raster(tmp_path / "out.tif")[0]
    assert np.nanmedian(found) < 0.02 < 0.2 < found[20:22, 10:12].min()
