""""Reduce dimensions of raster" through processing.run and qgis_process: values, pictures, reuse, and wrong input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import QgsProcessingException, QgsProject
from qgis.PyQt.QtGui import QColor
from small_rasters import read_raster, write_raster

from earthprint.engine.field import open_field


@pytest.fixture
def scene() -> np.ndarray:
    """Return six correlated bands with a hole."""
    chance = np.random.default_rng(1)
    mixing = np.random.default_rng(9).normal(size=(6, 6)) * np.linspace(3, 0.2, 6)
    values = np.einsum("ij,jrc->irc", mixing, chance.normal(size=(6, 50, 70))).astype(np.float32)
    values[:, 10:20, 30:40] = np.nan
    return values


@pytest.fixture
def raster(scene: np.ndarray, tmp_path: Path) -> str:
    return str(write_raster(tmp_path / "scene.tif", scene))


def scores(values: np.ndarray, count: int) -> np.ndarray:
    """Return principal component scores by singular values, the largest loading of each positive."""
    table = values.reshape(len(values), -1).T.astype(np.float64)
    valid = np.isfinite(table).all(axis=1)
    centred = table - table[valid].mean(axis=0)
    axes = np.linalg.svd(centred[valid], full_matrices=False)[2][:count]
    axes *= np.sign(axes[np.arange(count), np.abs(axes).argmax(axis=1)])[:, None]
    return (centred @ axes.T).T.reshape(count, *values.shape[1:])


def test_components_are_those_of_all_cells(run_algorithm: Any, raster: str, scene: np.ndarray, tmp_path: Path) -> None:
    result = run_algorithm("reduceraster", {
        "INPUT": raster, "DIMENSIONS": 4, "MODEL_OUT": str(tmp_path / "model.json"),
        "REPORT": str(tmp_path / "report.html"), "OUTPUT": str(tmp_path / "out.tif")})
    found = read_raster(result["OUTPUT"])
    wanted = scores(scene, 4)
    assert np.array_equal(np.isnan(found), np.isnan(wanted))
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.nanmax(np.abs(wanted)))
    valid = scene[:, np.isfinite(scene[0])]
    kept = np.nanvar(wanted.reshape(4, -1), axis=1).sum() / valid.var(axis=1).sum()
    assert result["EXPLAINED"] == pytest.approx(kept, abs=1e-5)
    field = open_field(result["OUTPUT"])
    assert (field.space.dimensions, field.space.metric, field.space.declared) == (4, "euclidean", False)
    assert "Component 4" in Path(result["REPORT"]).read_text(encoding="utf-8")


def test_another_year_gets_the_same_colours(
        run_algorithm: Any, raster: str, scene: np.ndarray, tmp_path: Path) -> None:
    other = str(write_raster(tmp_path / "year.tif", scene[:, ::-1] * 1.2))
    model = str(tmp_path / "model.json")
    first = run_algorithm("reduceraster", {"INPUT": raster, "PICTURE": True, "MODEL_OUT": model,
                                           "OUTPUT": str(tmp_path / "a.tif")})["OUTPUT"]
    again = run_algorithm("reduceraster", {"INPUT": raster, "PICTURE": True, "REUSE": model, "METHOD": "umap",
                                           "OUTPUT": str(tmp_path / "b.tif")})["OUTPUT"]
    later = run_algorithm("reduceraster", {"INPUT": other, "PICTURE": True, "REUSE": model,
                                           "OUTPUT": str(tmp_path / "c.tif")})["OUTPUT"]
    assert np.array_equal(read_raster(first), read_raster(again))
    values = np.concatenate([read_raster(first).reshape(3, -1), read_raster(later).reshape(3, -1)], axis=1)
    vectors = np.concatenate([scene.reshape(6, -1), (scene[:, ::-1] * 1.2).reshape(6, -1)], axis=1)
    axis = scores(scene, 1).ravel()
    # One line from vectors to colours for both: a larger component never has a smaller colour.
    fitted = np.linalg.lstsq(np.c_[scene.reshape(6, -1).T, np.ones(axis.size)][np.isfinite(axis)],
                             axis[np.isfinite(axis)], rcond=None)[0]
    component = fitted[:6] @ vectors + fitted[6]
    valid = np.isfinite(component)
    order = np.argsort(component[valid])
    assert (np.diff(values[0, valid][order].astype(int)) >= -1).all()
    assert values[0, valid].min() == 1 and values[0, valid].max() == 255 and (values[:, ~valid] == 0).all()


def test_a_picture_is_loaded_without_a_stretch(provider: Any, raster: str, tmp_path: Path,
                                               qgis_new_project: Any) -> None:
    import processing

    output = str(tmp_path / "picture.tif")
    processing.runAndLoadResults("earthprint:reduceraster", {"INPUT": raster, "PICTURE": True, "OUTPUT": output})
    [layer] = QgsProject.instance().mapLayers().values()
    assert layer.renderer().redContrastEnhancement() is None
    block = layer.renderer().block(1, layer.extent(), layer.width(), layer.height())
    picture = read_raster(output)
    colour = QColor.fromRgba(block.color(25, 45))
    assert (colour.red(), colour.green(), colour.blue()) == tuple(picture[:, 25, 45].tolist())
    assert QColor.fromRgba(block.color(15, 35)).alpha() == 0


def test_wrong_input_is_told_in_one_sentence(run_algorithm: Any, raster: str, scene: np.ndarray,
                                             tmp_path: Path) -> None:
    model = str(tmp_path / "model.json")
    run_algorithm("reduceraster", {"INPUT": raster, "MODEL_OUT": model, "OUTPUT": str(tmp_path / "a.tif")})
    fewer = str(write_raster(tmp_path / "fewer.tif", scene[:4]))
    empty = str(write_raster(tmp_path / "empty.tif", np.full((4, 8, 8), np.nan, dtype=np.float32)))
    (tmp_path / "broken.json").write_text("{}", encoding="utf-8")
    for parameters, words in (
            ({"INPUT": raster, "DIMENSIONS": 7}, "have 6 dimensions.*lower DIMENSIONS"),
            ({"INPUT": raster, "METHOD": "tsne"}, "not one of pca, umap"),
            ({"INPUT": raster, "REUSE": str(tmp_path / "no.json")}, "REUSE: there is no file"),
            ({"INPUT": raster, "REUSE": str(tmp_path / "broken.json")}, "no saved model"),
            ({"INPUT": fewer, "REUSE": model}, "different spaces"),
            ({"INPUT": empty}, "empty.tif has 0 vectors"),
            ({"INPUT": raster, "REPORT": str(tmp_path / "report.pdf")}, "must end in .html"),
            ({"INPUT": raster, "MODEL_OUT": str(tmp_path / "nowhere" / "m.json")}, "nowhere")):
        with pytest.raises(QgsProcessingException, match=words):
            run_algorithm("reduceraster", {**parameters, "OUTPUT": str(tmp_path / "out.tif")})
        assert not (tmp_path / "out.tif").exists()


def test_headless(qgis_process: Any, raster: str, scene: np.ndarray, tmp_path: Path) -> None:
    ended = qgis_process("run", "earthprint:reduceraster", f"INPUT={raster}", "DIMENSIONS=2",
                         f"OUTPUT={tmp_path / 'out.tif'}").succeeded()
    wanted = scores(scene, 2)
    np.testing.assert_allclose(read_raster(tmp_path / "out.tif"), wanted, atol=1e-5 * np.nanmax(np.abs(wanted)))
    assert float(ended.results()["EXPLAINED"]) > 0.3
