"""A glance at an encoder: the right pixels, and colours that are the embedding's own principal components."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import gdal
from small_scene import COLUMNS, GEOTRANSFORM, ROWS, write_scene

from earthprint.engine.analyses.glance import LARGEST_SIDE, SMALLEST_SIDE, GlanceRequest, glance, middle
from earthprint.engine.encoders.library import EncoderFolders
from earthprint.engine.errors import Cancelled, InputError
from earthprint.engine.grid import Grid, Window
from earthprint.engine.progress import Silent


class Impatient(Silent):
    def cancelled(self) -> bool:
        return True


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Path:
    return write_scene(tmp_path_factory.mktemp("glance") / "scene.tif")


def request(scene: Path, folder: Path, extent=None) -> GlanceRequest:
    return GlanceRequest(str(scene), extent, "automatic", EncoderFolders(), str(folder), "cpu")


def test_colours_are_the_first_components_of_the_embedding(scene, tmp_path):
    seen = glance(request(scene, tmp_path / "a"), Silent())
    vectors = gdal.Open(str(tmp_path / "a" / "embedding.tif")).ReadAsArray()
    dimensions, rows, columns = vectors.shape
    assert (seen.dimensions, seen.cells) == (dimensions, rows * columns)
    assert seen.colours.shape == (rows, columns, 4) and seen.colours.dtype == np.uint8
    flat = vectors.reshape(dimensions, -1).T.astype(np.float64)
    flat -= flat.mean(axis=0)
    _, scale, axes = np.linalg.svd(flat, full_matrices=False)
    np.testing.assert_allclose(seen.explained, (scale ** 2 / (scale ** 2).sum())[:3], rtol=1e-3)
    for band in range(3):
        component, colour = flat @ axes[band], seen.colours[..., band].ravel().astype(np.float64)
        inside = (colour > 1) & (colour < 255)  # the rest is clipped by the stretch
        assert inside.sum() > 20
        assert abs(np.corrcoef(component[inside], colour[inside])[0, 1]) > 0.9999


def test_where_nothing_is_valid_the_picture_is_clear(scene, tmp_path):
    holed = tmp_path / "holed.tif"
    gdal.Translate(str(holed), str(scene), noData=-1)
    dataset = gdal.Open(str(holed), gdal.GA_Update)
    for band in range(1, dataset.RasterCount + 1):
        dataset.GetRasterBand(band).WriteArray(np.full((48, 64), -1, np.float32), 64, 0)
    dataset = None
    seen = glance(request(holed, tmp_path / "c"), Silent())
    rows, columns = seen.colours.shape[:2]
    opacity = seen.colours[..., 3]
    assert (opacity[:rows // 2 - 1, columns // 2 + 1:] == 0).all()
    assert (opacity[rows // 2:] == 255).all() and (opacity[:, :columns // 2] == 255).all()


def test_it_looks_where_it_was_told(scene, tmp_path):
    left, top = GEOTRANSFORM[0], GEOTRANSFORM[3]
    extent = (left + 10, top - 900, left + 1270, top - 20)
    seen = glance(request(scene, tmp_path, extent), Silent())
    assert seen.pixels == (128, 96) and not seen.cut  # grown to what shows something
    picture = gdal.Open(seen.picture)
    assert picture.RasterCount == 3
    assert picture.GetGeoTransform()[0] == left and picture.GetGeoTransform()[3] == top


def test_elsewhere_is_said_in_words(scene, tmp_path):
    with pytest.raises(InputError, match="doesn't touch scene.tif"):
        glance(request(scene, tmp_path, (0.0, 0.0, 10.0, 10.0)), Silent())


def test_it_can_be_stopped(scene, tmp_path):
    with pytest.raises(Cancelled):
        glance(request(scene, tmp_path / "b"), Impatient())
    assert not list((tmp_path / "b").glob("*.tif"))


@given(st.data())
def test_the_middle_is_inside_quick_and_centred(data):
    width, height = data.draw(st.integers(1, 3000)), data.draw(st.integers(1, 3000))
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    wanted = Window(x, y, data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y)))
    window = middle(Grid(width, height, GEOTRANSFORM, ""), wanted)
    for start, size, first, length, available in (
            (window.x, window.width, wanted.x, wanted.width, width),
            (window.y, window.height, wanted.y, wanted.height, height)):
        assert 0 <= start and start + size <= available
        assert size == min(max(min(length, LARGEST_SIDE), SMALLEST_SIDE), available)
        off = abs((start + size / 2) - (first + length / 2))
        assert off <= 0.5 or start == 0 or start + size == available


def test_sizes_are_what_the_scene_has():
    assert (ROWS, COLUMNS) == (96, 128)
