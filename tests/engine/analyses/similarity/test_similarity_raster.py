"""Scores against formulas written cell by cell, in every coding; what is left out; what is read; how a cancel ends."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, osr

from earthprint.engine.analyses.similarity.coordinates import typed_points
from earthprint.engine.analyses.similarity.examples import Examples
from earthprint.engine.analyses.similarity.raster import find_similar
from earthprint.engine.analyses.similarity.request import SimilarityOptions, SimilarityRequest
from earthprint.engine.centres import point_wkb
from earthprint.engine.errors import Cancelled, InputError, SpaceError
from earthprint.engine.field import create_field, open_field
from earthprint.engine.geodesy import distance
from earthprint.engine.grid import Grid, Window
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space

UTM = osr.SpatialReference()
UTM.ImportFromEPSG(32633)
WORLD = osr.SpatialReference()
WORLD.ImportFromEPSG(4326)
TRANSFORM = (500000.0, 10.0, 0.0, 5700000.0, 0.0, -10.0)


def write(path: Path, values: np.ndarray, transform=TRANSFORM, wkt: str = "", kind: int = gdal.GDT_Float32,
          nodata=None, options=("TILED=YES",)) -> str:
    bands, rows, columns = values.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, bands, kind, list(options))
    dataset.SetGeoTransform(transform)
    dataset.SetProjection(wkt or UTM.ExportToWkt())
    for band in range(bands):
        dataset.GetRasterBand(band + 1).WriteArray(values[band])
        if nodata is not None:
            dataset.GetRasterBand(band + 1).SetNoDataValue(nodata)
    dataset = None
    return str(path)


def read(path: str) -> np.ndarray:
    return gdal.Open(path).ReadAsArray()


def at(*cells) -> "tuple[bytes, ...]":
    return tuple(point_wkb(500005.0 + 10 * column, 5699995.0 - 10 * row) for column, row in cells)


def cosines(values: np.ndarray, query: np.ndarray) -> np.ndarray:
    wide = values.astype(np.float64)
    found = np.full(values.shape[1:], np.nan)
    for row in range(values.shape[1]):
        for column in range(values.shape[2]):
            vector = wide[:, row, column]
            if np.isfinite(vector).all() and vector.any():
                found[row, column] = vector @ query / np.linalg.norm(vector) / np.linalg.norm(query)
    return found


def run(path: str, tmp_path: Path, examples: Examples, counter=None, **options) -> np.ndarray:
    output = str(tmp_path / "score.tif")
    find_similar(SimilarityRequest(path, output, examples, counter, SimilarityOptions(**options)), Silent())
    return read(output)


@pytest.fixture
def values() -> np.ndarray:
    found = np.random.default_rng(7).normal(size=(64, 40, 50)).astype(np.float32)
    found[:, 4, 5] = 0
    found[:, 6, 7] = np.nan
    found[3, 8, 9] = np.nan
    return found


def test_cosines_in_every_method(values, tmp_path):
    path = write(tmp_path / "field.tif", values)
    cells, others = [(1, 2), (30, 20), (44, 33)], [(10, 11), (12, 30)]
    positive = np.stack([values[:, row, column] for column, row in cells]).astype(np.float64)
    negative = np.stack([values[:, row, column] for column, row in others]).astype(np.float64)
    examples, counter = Examples("these", at(*cells)), Examples("those", at(*others))
    expected = {
        "mean": cosines(values, positive.mean(axis=0)),
        "nearest": np.max([cosines(values, one) for one in positive], axis=0),
        "rocchio": cosines(values, positive.mean(axis=0) - 0.3 * negative.mean(axis=0))}
    for method, reference in expected.items():
        found = run(path, tmp_path, examples, counter, method=method, beta=0.3)
        assert np.array_equal(np.isnan(found), np.isnan(reference)) and np.isnan(found).sum() == 3
        assert np.nanmax(np.abs(found - reference)) < 1e-6, method


def test_long_vectors_stay_within_a_millionth(tmp_path):
    values = np.random.default_rng(1).normal(1, 2, size=(1024, 12, 11)).astype(np.float32)
    found = run(write(tmp_path / "field.tif", values, options=()), tmp_path, Examples("it", at((3, 4))))
    assert np.abs(found - cosines(values, values[:, 4, 3].astype(np.float64))).max() < 1e-6


def test_standardised_by_the_mean_and_spread_of_the_raster(values, tmp_path):
    values = np.nan_to_num(values) * np.arange(1, 65, dtype=np.float32)[:, None, None] + 500
    values[5] = 7.0
    found = run(write(tmp_path / "field.tif", values), tmp_path, Examples("it", at((20, 20))), standardise=True)
    table = values.reshape(64, -1).astype(np.float64)
    spread = table.std(axis=1)
    spread[5] = np.inf
    standard = ((table - table.mean(axis=1)[:, None]) / spread[:, None]).reshape(values.shape)
    assert np.abs(found - cosines(standard, standard[:, 20, 20])).max() < 1e-5


@pytest.mark.parametrize("code", ["a1", "u1", "i2"])
def test_codings_score_as_their_decoded_vectors(values, tmp_path, code):
    from earthprint.engine.coding import ALPHAEARTH, scaled_for
    unit = values / np.linalg.norm(np.nan_to_num(values), axis=0).clip(1e-9)
    unit[:, 8, 9] = np.nan
    coding = ALPHAEARTH if code == "a1" else scaled_for({"u1": "uint8", "i2": "int16"}[code], [-1] * 64, [1] * 64)
    path = str(tmp_path / "field.tif")
    space = Space("test", 64, unit_norm=True)
    dataset = create_field(path, Grid(50, 40, TRANSFORM, UTM.ExportToWkt()), space, coding)
    dataset.WriteArray(coding.encode(unit.astype(np.float32)).view(np.uint8 if code == "a1" else coding.dtype))
    dataset = None
    opened = open_field(path)
    decoded = opened.read(gdal.Open(path), Window(0, 0, 50, 40))
    found = run(path, tmp_path, Examples("it", at((3, 4), (9, 20))))
    reference = cosines(decoded, decoded[:, [4, 20], [3, 9]].astype(np.float64).mean(axis=1))
    assert np.array_equal(np.isnan(found), np.isnan(reference)) and np.isnan(found[8, 9])
    assert np.nanmax(np.abs(found - reference)) < 1e-6


def test_nodata_values_and_mask_bands_give_nodata(values, tmp_path):
    values = np.nan_to_num(values, nan=1.0)
    values[0, 10, 10] = -9999
    path = write(tmp_path / "field.tif", values, nodata=-9999)
    found = run(path, tmp_path, Examples("it", at((3, 3))))
    assert np.isnan(found[10, 10]) and np.isnan(found[4, 5]) and np.isnan(found).sum() == 2


def test_discriminative_is_the_logistic_regression_of_scikit_learn(values, tmp_path):
    linear_model = pytest.importorskip("sklearn.linear_model")
    values = np.nan_to_num(values)
    values[:, :20, :20] += np.random.default_rng(3).normal(size=(64, 1, 1)).astype(np.float32)
    values[:, 4, 5] = 0
    path = write(tmp_path / "field.tif", values)
    cells = [(column, row) for column in (1, 8, 15) for row in (2, 9, 16, 18)]
    others = [(column, row) for column in (25, 33, 47) for row in (3, 22, 30, 36, 39)]
    found = run(path, tmp_path, Examples("these", at(*cells)), Examples("those", at(*others)),
                method="discriminative")
    table = np.stack([values[:, row, column] for column, row in cells + others]).astype(np.float64)
    truth = np.arange(len(table)) < len(cells)
    centre, size = table.mean(axis=0), np.sqrt(table.var(axis=0).mean())
    model = linear_model.LogisticRegression(C=1.0, tol=1e-12, max_iter=10000)
    model.fit((table - centre) / size, truth, np.where(truth, 1.0, len(cells) / len(others)))
    everything = (values.reshape(64, -1).T.astype(np.float64) - centre) / size
    expected = model.predict_proba(everything)[:, 1].reshape(40, 50)
    expected[4, 5] = np.nan
    assert np.isnan(found[4, 5]) and np.nanmax(np.abs(found - expected)) < 1e-5


def test_random_background_tells_a_kind_from_the_rest(tmp_path):
    chance = np.random.default_rng(0)
    values = chance.normal(size=(16, 100, 100)).astype(np.float32)
    values[:, 60:80, 10:30] += 2 * chance.choice([-1, 1], size=(16, 1, 1))
    cells = [(12, 62), (20, 70), (28, 78), (15, 75), (25, 65)]
    found = run(write(tmp_path / "field.tif", values), tmp_path, Examples("these", at(*cells)), method="discriminative")
    kind = np.zeros((100, 100), dtype=bool)
    kind[60:80, 10:30] = True
    ranks = np.argsort(np.argsort(found.ravel())).reshape(found.shape)
    area = (ranks[kind].mean() - (kind.sum() - 1) / 2) / (~kind).sum()
    assert area > 0.99, "the area under the curve"


def test_the_best_threshold_separates_two_kinds(tmp_path):
    chance = np.random.default_rng(0)
    values = chance.normal(size=(16, 100, 100)).astype(np.float32)
    values[:, 60:80, 10:30] += 4 * chance.choice([-1, 1], size=(16, 1, 1))
    cells = [(12, 62), (20, 70), (28, 78), (15, 75), (25, 65)]
    output = str(tmp_path / "score.tif")
    kind = np.zeros((100, 100), dtype=bool)
    kind[60:80, 10:30] = True
    for method in ("mean", "nearest", "discriminative"):
        options = SimilarityOptions(method=method, polygons=str(tmp_path / "areas.gpkg"))
        result = find_similar(SimilarityRequest(
            write(tmp_path / "field.tif", values), output, Examples("these", at(*cells)), options=options), Silent())
        found = read(output) >= result.threshold
        assert found[~kind].mean() < 0.005 and found[kind].mean() > 0.6, method


def test_the_ground_around_examples_is_left_out_in_metres(tmp_path):
    transform = (10.0, 0.01, 0.0, 60.5, 0.0, -0.01)
    values = np.random.default_rng(0).normal(size=(4, 100, 120)).astype(np.float32)
    path = write(tmp_path / "field.tif", values, transform, WORLD.ExportToWkt())
    found = run(path, tmp_path, Examples("it", (point_wkb(10.6, 60.0),)), exclude=12000.0)
    columns, rows = np.meshgrid(10.005 + 0.01 * np.arange(120), 60.495 - 0.01 * np.arange(100))
    metres = distance(np.stack([columns, rows], axis=-1), np.array([10.6, 60.0]))
    assert np.array_equal(np.isnan(found), metres <= 12000)
    assert np.isnan(found).sum() == pytest.approx(np.pi * 12 ** 2 / (1.114 * 0.557), rel=0.02)


def test_the_ground_around_polygons_is_left_out_with_them(values, tmp_path):
    from osgeo import ogr
    values = np.nan_to_num(values, nan=1.0) + 5
    shape = ogr.CreateGeometryFromWkt("POLYGON((500100 5699900,500200 5699900,500200 5699800,500100 5699800,"
                                      "500100 5699900))")
    path = write(tmp_path / "field.tif", values)
    found = run(path, tmp_path, Examples("it", (bytes(shape.ExportToWkb()),)), exclude=45.0)
    buffer = shape.Buffer(45.0 * 0.9996, 64)
    expected = np.zeros((40, 50), dtype=bool)
    for row in range(40):
        for column in range(50):
            point = ogr.CreateGeometryFromWkb(point_wkb(500005 + 10 * column, 5699995 - 10 * row))
            expected[row, column] = buffer.Contains(point)
    assert (np.isnan(found) != expected).sum() <= 4, "the edge of the buffer"


def test_every_block_is_read_once(tmp_path):
    values = np.random.default_rng(0).normal(size=(8, 600, 700)).astype(np.float32)
    path = write(tmp_path / "field.tif", values)
    result = find_similar(SimilarityRequest(path, str(tmp_path / "score.tif"), Examples("it", at((5, 5)))), Silent())
    assert result.blocks == 9 and result.bytes_read == values.nbytes


class Impatient(Silent):
    """Cancels half a second after the start."""

    def __init__(self):
        self.asked = 0.0
        threading.Timer(0.5, self._ask).start()

    def _ask(self):
        self.asked = time.monotonic()

    def cancelled(self) -> bool:
        return self.asked > 0


def test_a_cancel_ends_within_a_second_and_leaves_nothing(tmp_path):
    dataset = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "field.tif"), 20000, 20000, 16, gdal.GDT_Float32,
                                                   ["TILED=YES", "SPARSE_OK=TRUE", "BIGTIFF=YES"])
    dataset.SetGeoTransform(TRANSFORM)
    dataset.GetRasterBand(1).WriteArray(np.ones((10, 10), dtype=np.float32))
    dataset = None
    progress = Impatient()
    with pytest.raises(Cancelled):
        find_similar(SimilarityRequest(str(tmp_path / "field.tif"), str(tmp_path / "score.tif"),
                                       Examples("it", at((5, 5)))), progress)
    assert time.monotonic() - progress.asked < 1.0
    assert [file.name for file in tmp_path.iterdir()] == ["field.tif"]


def test_vectors_of_a_table_stand_for_places_only_within_their_space(values, tmp_path):
    values = np.nan_to_num(values, nan=1.0)
    path = write(tmp_path / "field.tif", values)
    key = open_field(path).key
    rows = values[:, [9, 9], [3, 4]].T
    found = run(path, tmp_path, Examples("rows", vectors=rows, key=key))
    assert np.nanmax(np.abs(found - cosines(values, rows.astype(np.float64).mean(axis=0)))) < 1e-6
    with pytest.raises(SpaceError, match="rows and .*field.tif hold embeddings of different spaces"):
        run(path, tmp_path, Examples("rows", vectors=rows, key=Space("other", 64).key()))


def test_typed_coordinates_are_transformed():
    [plain] = typed_points("500005, 5699995", UTM.ExportToWkt())
    assert plain == point_wkb(500005, 5699995)
    [moved] = typed_points("15,0 [EPSG:4326]", UTM.ExportToWkt())
    assert np.frombuffer(moved[5:], dtype="<f8") == pytest.approx([500000, 0], abs=1e-3)
    with pytest.raises(InputError, match="can't be transformed from EPSG:99"):
        typed_points("15,0 [EPSG:99]", UTM.ExportToWkt())


def test_licences_go_along_to_all_outputs(values, tmp_path):
    values = np.nan_to_num(values, nan=1.0)
    path = write(tmp_path / "field.tif", values)
    dataset = gdal.Open(path, gdal.GA_Update)
    product = {"product": "Invented", "licence": "CC BY 4.0", "attribution": "Made by the test.", "sources": []}
    dataset.SetMetadataItem("EARTHPRINT_PROVENANCE", json.dumps({"products": [product]}))
    dataset = None
    run(path, tmp_path, Examples("it", at((3, 4))), polygons=str(tmp_path / "areas.gpkg"), threshold="0.2",
        places=str(tmp_path / "places.gpkg"))
    assert "Made by the test." in gdal.Open(str(tmp_path / "score.tif")).GetMetadataItem("EARTHPRINT_PROVENANCE")
    for name in ("areas", "places"):
        layers = gdal.OpenEx(str(tmp_path / f"{name}.gpkg"), gdal.OF_VECTOR)
        assert "Made by the test." in layers.GetLayer(0).GetMetadataItem("EARTHPRINT_PROVENANCE")
