"""What the canvas shows against what lies on disk, and its scores against those that the similarity search writes."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from seen_fields import CODINGS, MIRRORED, NORTH_UP, SOUTH_UP, seen_field, unit_vectors

from earthprint.engine.analyses.similarity.examples import Examples, vectors_of
from earthprint.engine.analyses.similarity.raster import find_similar
from earthprint.engine.analyses.similarity.request import SimilarityOptions, SimilarityRequest
from earthprint.engine.centres import point_wkb
from earthprint.engine.dataset import open_raster
from earthprint.engine.errors import Cancelled, InputError
from earthprint.engine.field import open_field
from earthprint.engine.inspecting import shared_rows
from earthprint.engine.inspecting import view as view_module
from earthprint.engine.inspecting.likelihood import background_of, fit_classes, likelihood
from earthprint.engine.inspecting.probe import probe_field
from earthprint.engine.inspecting.scores import Query, score, score_rows
from earthprint.engine.inspecting.view import FieldView
from earthprint.engine.progress import Silent

ROWS, COLUMNS = 90, 200
EXTENT = (500000.0, 5699100.0, 502000.0, 5700000.0)
PLACES = {NORTH_UP: EXTENT, MIRRORED: EXTENT, SOUTH_UP: (500000.0, 5698000.0, 502000.0, 5698900.0)}


def on_disk(path: str) -> np.ndarray:
    opened = open_field(path)
    return opened.read(open_raster(path), opened.info.grid.whole)


def upright(values: np.ndarray, transform) -> np.ndarray:
    values = values[..., ::-1, :] if transform[5] > 0 else values
    return values[..., ::-1] if transform[1] < 0 else values


def seen(block) -> np.ndarray:
    return block.vectors_of(np.arange(block.rows * block.cols)).T.reshape(-1, block.rows, block.cols)


def query_under(path: str, positives, negatives) -> Query:
    """The query of shapes read at full resolution, as the similarity search reads its examples."""
    means = [vectors_of(open_field(path), Examples("examples", tuple(shapes)), Silent()).means
             for shapes in (positives, negatives) if shapes]
    return Query(*means)


class Stopped(Silent):
    def cancelled(self) -> bool:
        return True


@pytest.mark.parametrize("transform", [NORTH_UP, SOUTH_UP, MIRRORED])
@pytest.mark.parametrize("coding", CODINGS)
def test_scores_are_those_that_the_search_writes(tmp_path, coding, transform):
    path = seen_field(tmp_path / "f.tif", unit_vectors(ROWS, COLUMNS), coding, transform)
    extent = PLACES[transform]
    at = np.array([[500205.0, extent[1] + 205.0], [501105.0, extent[1] + 605.0], [500305.0, extent[1] + 15.0]])
    shapes = [point_wkb(*place) for place in at.tolist()]
    block = FieldView.open(path).read(extent, COLUMNS, ROWS, Silent())
    probes = np.stack([probe_field(path, *place).vector for place in at.tolist()])
    for positives, negatives in ((slice(0, 1), slice(0, 0)), (slice(0, 2), slice(0, 0)), (slice(0, 2), slice(2, 3))):
        query = Query(probes[positives], probes[negatives])
        counter = Examples("not these", tuple(shapes[negatives])) if shapes[negatives] else None
        find_similar(SimilarityRequest(path, str(tmp_path / "s.tif"), Examples("these", tuple(shapes[positives])),
                                       counter, SimilarityOptions(method=query.method)), Silent())
        written = upright(gdal.Open(str(tmp_path / "s.tif")).ReadAsArray(), transform)
        shown = score(block, query)
        assert np.array_equal(shown, written, equal_nan=True)
        assert np.isnan(shown).sum() == 3 and np.nanmax(shown) <= 1
        read = query_under(path, shapes[positives], shapes[negatives])
        assert np.array_equal(score(block, read), written, equal_nan=True)
        table = seen(block).reshape(len(probes[0]), -1).T
        assert np.allclose(score_rows(table, query), shown.ravel(), atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("coding", ["f4", "a1"])
def test_threads_share_the_rows_and_change_nothing(tmp_path, coding, monkeypatch):
    values = unit_vectors(ROWS, COLUMNS)
    values[:, 80:, 3] = np.nan
    path = seen_field(tmp_path / "f.tif", values, coding)
    alone = FieldView.open(path).read(EXTENT, COLUMNS, ROWS, Silent())
    query = Query(alone.vectors_of(np.array([777])))
    model = fit_classes(alone.vectors_of(np.array([5, 4000, 9000])), list("abc"), "cosine", background_of(alone))
    expected, shares = score(alone, query), likelihood(alone, model, Silent()).shares
    monkeypatch.setattr(shared_rows, "_LEAST_PIXELS", 1000)
    monkeypatch.setattr(shared_rows.os, "cpu_count", lambda: 7)
    together = FieldView.open(path).read(EXTENT, COLUMNS, ROWS, Silent())
    names = set()
    shared_rows.share_rows(together.block, lambda pixels, part: names.add((pixels.start, part.shape)))
    assert names == {(0, (22, 200)), (4400, (23, 200)), (9000, (22, 200)), (13400, (23, 200))}
    assert np.array_equal(together.lengths, alone.lengths, equal_nan=True)
    assert np.array_equal(score(together, query), expected, equal_nan=True) and np.isnan(expected).sum() == 13
    assert np.allclose(likelihood(together, model, Silent()).shares, shares, atol=1e-6, equal_nan=True)


def test_a_polygon_counts_as_its_mean_in_both(tmp_path):
    path = seen_field(tmp_path / "f.tif", unit_vectors(ROWS, COLUMNS), "a1")
    from osgeo import ogr
    box = bytes(ogr.CreateGeometryFromWkt("POLYGON((500100 5699500,500300 5699500,500300 5699700,500100 5699700,"
                                          "500100 5699500))").ExportToIsoWkb())
    find_similar(SimilarityRequest(path, str(tmp_path / "s.tif"), Examples("box", (box,))), Silent())
    block = FieldView.open(path).read(EXTENT, COLUMNS, ROWS, Silent())
    shown = score(block, query_under(path, [box], []))
    assert np.array_equal(shown, gdal.Open(str(tmp_path / "s.tif")).ReadAsArray(), equal_nan=True)
    mean = np.nanmean(on_disk(path)[:, 30:50, 10:30].reshape(8, -1), axis=1)
    cosine = np.einsum("dn,d->n", on_disk(path).reshape(8, -1).astype(np.float64), mean) / np.linalg.norm(mean)
    cosine /= np.linalg.norm(on_disk(path).reshape(8, -1).astype(np.float64), axis=0)
    assert np.allclose(shown.ravel(), cosine, atol=2e-6, equal_nan=True)


@pytest.mark.parametrize("transform", [NORTH_UP, SOUTH_UP, MIRRORED])
@pytest.mark.parametrize("coding", ["f4", "a1", "u1"])
def test_a_pixel_shows_the_cell_that_holds_its_middle(tmp_path, coding, transform):
    path = seen_field(tmp_path / "f.tif", unit_vectors(ROWS, COLUMNS), coding, transform)
    extent = PLACES[transform]
    wide = (extent[0] - 300.0, extent[1] + 57.0, extent[2] - 500.0, extent[3] + 200.0)
    block = FieldView.open(path).read(wide, 61, 37, Silent())
    grid, values = open_field(path).info.grid, on_disk(path)
    x, dx, _, y, _, dy = grid.transform
    pixel_x, pixel_y = (wide[2] - wide[0]) / 61, (wide[3] - wide[1]) / 37
    xs, ys = wide[0] + (np.arange(61) + 0.5) * pixel_x, wide[3] - (np.arange(37) + 0.5) * pixel_y
    columns, rows = np.floor((xs - x) / dx).astype(int), np.floor((ys - y) / dy).astype(int)
    columns_in, rows_in = (columns >= 0) & (columns < COLUMNS), (rows >= 0) & (rows < ROWS)
    expected = values[:, rows[rows_in]][:, :, columns[columns_in]]
    assert expected.shape[1] < 37 and expected.shape[2] < 61
    assert np.array_equal(seen(block), expected, equal_nan=True)
    assert np.allclose(block.xs, xs[columns_in]) and np.allclose(block.ys, ys[rows_in])
    assert np.allclose(block.extent, (xs[columns_in][0] - pixel_x / 2, ys[rows_in][-1] - pixel_y / 2,
                                      xs[columns_in][-1] + pixel_x / 2, ys[rows_in][0] + pixel_y / 2))
    for column, row in ((0, 0), (block.cols - 1, block.rows - 1), (5, 9)):
        inside = np.array([[block.xs[column] + pixel_x * 0.4, block.ys[row] - pixel_y * 0.4]])
        assert block.pixels_at(inside)[0] == row * block.cols + column
        assert np.allclose(block.places_of(block.pixels_at(inside)), [[block.xs[column], block.ys[row]]])
    assert list(block.pixels_at(np.array([[extent[0] - 1000.0, extent[1]], [np.nan, 0.0]]))) == [-1, -1]


def test_closer_in_each_cell_is_one_pixel(tmp_path):
    path = seen_field(tmp_path / "f.tif", unit_vectors(ROWS, COLUMNS), "a1")
    block = FieldView.open(path).read((500101.0, 5699911.0, 500149.0, 5699959.0), 1400, 900, Silent())
    assert block.extent == (500100.0, 5699910.0, 500150.0, 5699960.0) and block.cells == 1
    assert np.array_equal(seen(block), on_disk(path)[:, 4:9, 10:15], equal_nan=True)
    assert np.allclose(block.xs, 500105 + 10 * np.arange(5)) and np.allclose(block.ys, 5699955 - 10 * np.arange(5))


def test_overviews_are_read_where_pixels_are_larger_than_cells(tmp_path, monkeypatch):
    path = seen_field(tmp_path / "f.tif", unit_vectors(91, 203), "a1")
    dataset = gdal.Open(path)
    dataset.BuildOverviews("NEAREST", [2, 4])
    marks = {2: 11, 4: 44}
    for number, mark in enumerate(marks.values()):
        for band in range(1, 9):
            overview = dataset.GetRasterBand(band).GetOverview(number)
            overview.WriteArray(np.full((overview.YSize, overview.XSize), mark + band))
    dataset = None
    view = FieldView.open(path)
    assert [(level.across, level.down) for level in view.levels] == [(1, 1), (2, 2), (4, 4)]
    for pixels, mark in ((1.0, None), (1.2, None), (1.3, 11), (2.4, 11), (2.6, 44), (9.0, 44)):
        block = view.read((500000.0, 5699090.0, 502030.0, 5700000.0), round(203 / pixels), round(91 / pixels), Silent())
        assert block.block.raw.dtype == np.int8
        if mark is None:
            assert block.block.raw[0].std() > 10
        else:
            assert (block.block.raw == (mark + np.arange(1, 9))[:, None, None]).all()
    whole = view.read((500000.0, 5699090.0, 502030.0, 5700000.0), 51, 23, Silent())
    assert (whole.rows, whole.cols) == (23, 51) and whole.extent == (500000.0, 5699080.0, 502040.0, 5700000.0)
    assert not view.lacks_overviews((500000.0, 5699090.0, 502030.0, 5700000.0), 5, 5)
    monkeypatch.setattr(view_module, "_MUCH_BYTES", 5000)
    assert not view.lacks_overviews((500000.0, 5699090.0, 502030.0, 5700000.0), 51, 23)
    assert view.lacks_overviews((500000.0, 5699090.0, 502030.0, 5700000.0), 5, 5)
    assert not view.lacks_overviews((500000.0, 5699990.0, 502030.0, 5700900.0), 5, 5)
    assert not view.lacks_overviews((0.0, 0.0, 1.0, 1.0), 5, 5)


def test_blocks_are_kept_within_the_limit_and_large_canvases_get_larger_pixels(tmp_path):
    path = seen_field(tmp_path / "f.tif", unit_vectors(256, 512, 64), "f4")
    view = FieldView.open(path, memory_mib=4)
    whole = (500000.0, 5697440.0, 505120.0, 5700000.0)
    block = view.read(whole, 512, 256, Silent())
    assert block.nbytes <= 4 << 20 and abs(block.cols / block.rows - 2) < 0.05 and block.cells > 2
    assert view.read(whole, 512, 256, Silent()) is block
    for number in range(6):
        view.read((500000.0 + number, 5698000.0, 501000.0 + number, 5699500.0), 90, 140, Silent())
        assert view.kept_bytes <= 4 << 20
    assert view.read(whole, 512, 256, Silent()) is not block
    view.forget()
    assert view.kept_bytes == 0


def test_cancelled_outside_and_zero_are_told(tmp_path):
    values = unit_vectors(ROWS, COLUMNS)
    values[:, 3, 3] = 0
    path = seen_field(tmp_path / "f.tif", values, unit=False)
    view = FieldView.open(path)
    with pytest.raises(Cancelled):
        view.read(EXTENT, 100, 100, Stopped())
    for extent in ((0.0, 0.0, 100.0, 100.0), (502000.0, 5699100.0, 503000.0, 5700000.0), (5.0, 5.0, 5.0, 5.0)):
        with pytest.raises(InputError, match="lies outside of the visible map"):
            view.read(extent, 100, 100, Silent())
    block = view.read(EXTENT, COLUMNS, ROWS, Silent())
    assert np.isnan(score(block, Query(values[:, 5, 5][None]))[3, 3]) and not block.valid[3 * COLUMNS + 3]
    assert block.valid.sum() == ROWS * COLUMNS - 4
    with pytest.raises(InputError, match="all zeros"):
        score(block, Query(values[:, 3, 3][None]))
    with pytest.raises(InputError, match="vectors of 5 numbers"):
        score(block, Query(np.ones((1, 5))))


def test_threads_read_at_once(tmp_path):
    path = seen_field(tmp_path / "f.tif", unit_vectors(ROWS, COLUMNS), "a1")
    view, found = FieldView.open(path), {}

    def read(number: int) -> None:
        found[number] = view.read((500000.0, 5699100.0 + number, 502000.0, 5700000.0), 150, 70 + number, Silent())

    threads = [threading.Thread(target=read, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(6):
        alone = FieldView.open(path).read((500000.0, 5699100.0 + number, 502000.0, 5700000.0), 150, 70 + number,
                                          Silent())
        assert np.array_equal(found[number].block.raw, alone.block.raw)


def test_bands_of_anybody_with_a_mask_and_another_nodata_value(tmp_path: Path):
    from small_fields import write_bands
    values = np.random.default_rng(0).normal(size=(3, 40, 50)).astype(np.float32)
    values[1, 7, 9] = np.nan
    path = write_bands(tmp_path / "b.tif", values, NORTH_UP, 32633, -9999.0)
    view = FieldView.open(path)
    block = view.read((500000.0, 5699600.0, 500500.0, 5700000.0), 50, 40, Silent())
    expected = values.copy()
    expected[:, 7, 9] = np.nan
    assert np.array_equal(seen(block), expected, equal_nan=True)
    shown = score(block, Query(values[:, 0, 0][None]))
    assert np.isnan(shown).sum() == 1 and shown[0, 0] == pytest.approx(1)
