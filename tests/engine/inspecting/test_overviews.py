"""Overviews against means of decoded vectors that were made one cell at a time."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from seen_fields import CODINGS, NORTH_UP, SOUTH_UP, seen_field, unit_vectors
from small_fields import wkt_of

from earthprint.engine.dataset import open_overview, open_raster
from earthprint.engine.errors import Cancelled, InputError
from earthprint.engine.field import open_field
from earthprint.engine.grid import Window
from earthprint.engine.inspecting.overviews import build_overviews, overviews_by_rule
from earthprint.engine.inspecting.scores import Query, score
from earthprint.engine.inspecting.view import FieldView
from earthprint.engine.progress import Silent

ROWS, COLUMNS = 515, 1030


class StopsLater(Silent):
    def __init__(self) -> None:
        self.asked = 0

    def cancelled(self) -> bool:
        self.asked += 1
        return self.asked > 4


class Counting(Silent):
    def __init__(self) -> None:
        self.shares: "list[float]" = []

    def report(self, fraction: float, text=None) -> None:
        self.shares.append(fraction)


def with_gaps(dimensions: int = 4) -> np.ndarray:
    values = unit_vectors(ROWS, COLUMNS, dimensions)
    values[:, 30:43, 50:70] = np.nan
    values[:, 256:300, 500:530] = np.nan
    values[:, 100, 101] = -values[:, 100, 100]
    values[:, 101, 100:102] = np.nan
    return values


def brute(values: np.ndarray, factor: int, unit: bool) -> np.ndarray:
    """Average the valid vectors under each cell in double precision."""
    dims, rows, columns = values.shape
    padded = np.full((dims, -(-rows // factor) * factor, -(-columns // factor) * factor), np.nan)
    padded[:, :rows, :columns] = values
    padded[:, ~np.isfinite(padded).all(axis=0)] = np.nan
    cells = padded.reshape(dims, padded.shape[1] // factor, factor, -1, factor).transpose(0, 1, 3, 2, 4)
    cells = cells.reshape(*cells.shape[:3], -1)
    counts = np.isfinite(cells).sum(axis=3)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.nansum(cells, axis=3) / counts
        if unit:
            lengths = np.linalg.norm(means, axis=0)
            means = np.where(lengths > 1e-4, means / lengths, np.nan)
    return means


def level(path: str, number: int) -> np.ndarray:
    """Decode an overview as a field of its own."""
    opened, dataset = open_field(path), open_overview(path, number)
    return opened.read(dataset, Window(0, 0, dataset.RasterXSize, dataset.RasterYSize))


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("coding", CODINGS)
def test_each_level_is_the_mean_of_decoded_vectors(tmp_path, coding, unit):
    path = seen_field(tmp_path / "f.tif", with_gaps(), coding, unit=unit)
    before = Path(path).read_bytes()
    progress = Counting()
    made = build_overviews(path, progress)
    assert made.factors == (2, 4, 8) and overviews_by_rule(path) and made.path == path + ".ovr"
    assert Path(path).read_bytes() == before and sorted(each.name for each in tmp_path.iterdir()) == [
        "f.tif", "f.tif.ovr"]
    assert progress.shares[-1] == 1 and progress.shares == sorted(progress.shares) and len(progress.shares) > 10
    opened = open_field(path)
    decoded = opened.read(open_raster(path), opened.info.grid.whole)
    step = {"f4": 1e-6, "a1": 2 * 0.5 / 127.5 + 1e-3, "u1": 0.5 * 2 / 254 * 1.01, "i2": 0.5 * 2 / 65534 * 1.02}[coding]
    for number, factor in enumerate(made.factors):
        found, expected = level(path, number), brute(decoded, factor, unit)
        assert found.shape == expected.shape
        missing = np.isnan(found[0])
        cancelled = np.zeros_like(missing)
        if factor == 2:  # two opposite vectors and nothing else: a mean of about zero, to the coding's precision
            cancelled[50, 50] = True
        assert np.array_equal((missing | cancelled), np.isnan(expected[0]) | cancelled)
        assert missing.any() and not missing.all()
        assert np.nanmax(np.abs(found - expected)[:, ~cancelled]) <= step, (coding, factor)
    if coding == "f4" and unit:
        assert np.isnan(level(path, 0)[:, 50, 50]).all()
        assert np.nanmax(np.abs(np.linalg.norm(level(path, 1), axis=0) - 1)) < 1e-6


def test_the_view_reads_them_and_they_are_not_means_of_codes(tmp_path):
    path = seen_field(tmp_path / "f.tif", with_gaps(8), "a1", SOUTH_UP)
    plain = shutil.copy(path, tmp_path / "g.tif")
    gdal.Open(str(plain)).BuildOverviews("AVERAGE", [2, 4, 8])
    build_overviews(path, Silent())
    view = FieldView.open(path)
    extent = (500000.0, 5698000.0, 510300.0, 5703150.0)
    block = view.read(extent, 129, 65, Silent())
    assert (block.cells, block.rows, block.cols, block.block.raw.dtype) == (8, 65, 129, np.int8)
    found = block.vectors_of(np.arange(65 * 129)).T.reshape(8, 65, 129)
    opened = open_field(path)
    expected = brute(opened.read(open_raster(path), opened.info.grid.whole), 8, True)[:, ::-1]
    assert np.nanmax(np.abs(found - expected)) < 0.01
    norms = np.linalg.norm(found, axis=0)
    assert np.nanmax(np.abs(norms - 1)) < 0.02
    wrong = FieldView.open(str(plain)).read(extent, 129, 65, Silent())
    assert abs(np.nanmedian(np.linalg.norm(wrong.vectors_of(np.arange(65 * 129)), axis=1)) - 1) > 0.1
    query = Query(found[:, 10, 10][None])
    shown = score(block, query)
    assert shown[10, 10] == pytest.approx(1, abs=1e-5)
    cosine = np.einsum("dyx,d->yx", expected, found[:, 10, 10]) / np.linalg.norm(found[:, 10, 10])
    assert np.nanmax(np.abs(shown - cosine)) < 0.02


def test_a_virtual_raster_gets_its_own_beside_it(tmp_path):
    path = seen_field(tmp_path / "f.tif", with_gaps(), "a1")
    virtual = str(tmp_path / "f.vrt")
    gdal.Translate(virtual, path, format="VRT", srcWin=[0, 0, 700, 500])
    made = build_overviews(virtual, Silent())
    assert made.path == virtual + ".ovr" and not Path(path + ".ovr").exists()
    opened = open_field(virtual)
    decoded = opened.read(open_raster(virtual), opened.info.grid.whole)
    assert np.nanmax(np.abs(level(virtual, 1) - brute(decoded, 4, True))) < 0.009
    assert [step.across for step in FieldView.open(virtual).levels] == [1, 2, 4]


def test_anybodys_whole_numbers_with_an_alpha_band(tmp_path):
    values = np.random.default_rng(0).integers(0, 5, (2, 300, 300)).astype(np.uint16)
    alpha = (np.random.default_rng(1).random((300, 300)) < 0.4) * 255
    alpha[8:16, 8:16] = 0
    dataset = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "b.tif"), 300, 300, 3, gdal.GDT_UInt16)
    dataset.SetGeoTransform(NORTH_UP)
    dataset.SetProjection(wkt_of(32633))
    for band, each in enumerate([*values, alpha], start=1):
        dataset.GetRasterBand(band).WriteArray(each)
    dataset.GetRasterBand(3).SetColorInterpretation(gdal.GCI_AlphaBand)
    dataset = None
    path = str(tmp_path / "b.tif")
    build_overviews(path, Silent())
    expected = brute(np.where(alpha > 0, values.astype(np.float64), np.nan), 2, False)
    found = level(path, 0)
    assert np.isnan(expected[0]).sum() > 16 and np.array_equal(np.isnan(found), np.isnan(expected))
    assert np.nanmax(np.abs(found - expected)) <= 0.5


def test_a_mean_that_would_read_as_nodata_becomes_the_value_beside_it(tmp_path):
    dataset = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "b.tif"), 4, 2, 2, gdal.GDT_Int16)
    dataset.SetGeoTransform(NORTH_UP)
    for band in (1, 2):
        dataset.GetRasterBand(band).SetNoDataValue(0)
        dataset.GetRasterBand(band).WriteArray(np.array([[-5, 5, 0, 7], [5, -5, 0, 0]]))
    dataset = None
    build_overviews(str(tmp_path / "b.tif"), Silent())
    assert gdal.Open(str(tmp_path / "b.tif")).GetRasterBand(1).GetOverview(0).ReadAsArray().tolist() == [[1, 7]]


def test_what_others_made_is_left_alone(tmp_path):
    path = seen_field(tmp_path / "f.tif", with_gaps(), "f4")
    build_overviews(path, Silent())
    build_overviews(path, Silent())
    other = shutil.copy(path, tmp_path / "g.tif")
    gdal.Open(str(other)).BuildOverviews("NEAREST", [2])
    kept = (tmp_path / "g.tif.ovr").read_bytes()
    with pytest.raises(InputError, match="g.tif has overviews already"):
        build_overviews(str(other), Silent())
    assert (tmp_path / "g.tif.ovr").read_bytes() == kept and not overviews_by_rule(str(other))
    with pytest.raises(InputError, match="not a file on this computer"):
        gdal.FileFromMemBuffer("/vsimem/f.tif", Path(path).read_bytes())
        build_overviews("/vsimem/f.tif", Silent())
    gdal.Unlink("/vsimem/f.tif")


def test_a_cancel_leaves_nothing(tmp_path):
    path = seen_field(tmp_path / "f.tif", with_gaps(), "f4")
    with pytest.raises(Cancelled):
        build_overviews(path, StopsLater())
    assert [each.name for each in tmp_path.iterdir()] == ["f.tif"]


def test_small_blocks_for_long_vectors(tmp_path):
    values = np.random.default_rng(0).normal(size=(300, 70, 300)).astype(np.float32)
    path = seen_field(tmp_path / "f.tif", values, unit=False)
    assert build_overviews(path, Silent()).factors == (2,)
    assert np.abs(level(path, 0) - brute(values, 2, False)).max() < 1e-6
