"""Clusters of fields against naive sums over the whole raster, and everything that lies beside the class raster."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, List, Optional

import numpy as np
import pytest
from osgeo import gdal, ogr, osr

import earthprint
from earthprint.engine.analyses.clusters.agreement import adjusted_rand
from earthprint.engine.analyses.clusters.model import load_clusters
from earthprint.engine.analyses.clusters.raster import assign_block, cluster_raster
from earthprint.engine.analyses.clusters.request import ClusterChoice, ClusterRasterRequest, Extras
from earthprint.engine.coding import ALPHAEARTH, FLOAT32, Coding
from earthprint.engine.errors import Cancelled, InputError, ModelError, OutputError, PackageError, SpaceError
from earthprint.engine.field import create_field, open_field
from earthprint.engine.field_pass import source_of
from earthprint.engine.grid import Grid, Window
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space

ROWS, COLUMNS, DIMENSIONS, GROUPS = 90, 120, 12, 4
SPACE = Space("test", DIMENSIONS, unit_norm=True)


class Told(Silent):
    """Keeps warnings, and cancels when a text comes up."""

    def __init__(self, until: str = "") -> None:
        self.warnings: List[str] = []
        self.texts: List[str] = []
        self._until = until
        self._stop = False

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def report(self, fraction: float, text: Optional[str] = None) -> None:
        assert 0 <= fraction <= 1
        if text:
            self.texts.append(text)
            self._stop |= bool(self._until) and self._until in text

    def cancelled(self) -> bool:
        return self._stop


def scene(seed: int = 0, groups: int = GROUPS, shift: float = 0.0) -> "tuple[np.ndarray, np.ndarray]":
    """Return unit vectors `(dims, rows, cols)` in patches of unequal size, and which group each cell is of."""
    chance = np.random.default_rng(7)
    centres = chance.normal(size=(groups, DIMENSIONS))
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    truth = np.minimum((np.sqrt(x / COLUMNS) * groups).astype(int), groups - 1)
    truth[(y > 60) & (x < 40)] = groups - 1
    noise = np.random.default_rng(seed).normal(0, 0.15, (DIMENSIONS, ROWS, COLUMNS))
    vectors = centres[truth].transpose(2, 0, 1) + noise + shift
    return (vectors / np.linalg.norm(vectors, axis=0)).astype(np.float32), truth


def write_field(path: Path, vectors: np.ndarray, coding: Coding = FLOAT32, epsg: int = 32633,
                transform: Any = (500000.0, 10.0, 0.0, 5700000.0, 0.0, -10.0), space: Space = SPACE) -> str:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    grid = Grid(vectors.shape[2], vectors.shape[1], transform, reference.ExportToWkt())
    dataset = create_field(str(path), grid, space, coding)
    values = np.ascontiguousarray(coding.encode(vectors))
    for band in range(len(values)):
        dataset.GetRasterBand(band + 1).WriteRaster(0, 0, grid.width, grid.height, values[band].tobytes())
    dataset = None
    return str(path)


def classes_of(path: "str | Path") -> np.ndarray:
    return gdal.OpenEx(str(path)).ReadAsArray()


@pytest.fixture
def field(tmp_path: Path) -> str:
    return write_field(tmp_path / "field.tif", scene()[0])


def request(field: str, tmp_path: Path, **changes: Any) -> ClusterRasterRequest:
    chosen = {key: changes.pop(key) for key in list(changes) if hasattr(ClusterChoice, key)}
    choice = ClusterChoice(**{"clusters": GROUPS, **chosen})
    return ClusterRasterRequest(field, str(tmp_path / "out.tif"), choice, **changes)


@pytest.mark.parametrize("method", ["kmeans", "spherical", "gmm", "hdbscan"])
def test_every_method_finds_the_groups_and_sums_them_up(method: str, field: str, tmp_path: Path) -> None:
    vectors, truth = scene()
    extras = Extras(str(tmp_path / "s.gpkg"), str(tmp_path / "m.json"), str(tmp_path / "r.html"))
    result = cluster_raster(request(field, tmp_path, method=method, extras=extras), Told())
    found = classes_of(result.output)
    assert result.clusters == GROUPS and found.dtype == np.uint8
    inside = found <= GROUPS
    assert inside.mean() > 0.97 and found.min() == 1
    assert adjusted_rand(truth[inside], found[inside]) == 1.0
    sizes = np.bincount(found.ravel(), minlength=GROUPS + 1)[1:GROUPS + 1]
    assert (np.diff(sizes) <= 0).all(), "numbered by size"
    source = ogr.Open(str(tmp_path / "s.gpkg"))
    rows = [{**feature.items(), "place": feature.GetGeometryRef() and feature.GetGeometryRef().GetPoint_2D()}
            for feature in source.GetLayer(0)]
    assert [row["name"] for row in rows[:GROUPS]] == [f"Cluster {number}" for number in range(1, GROUPS + 1)]
    assert len(rows) == GROUPS + (method == "hdbscan")
    flat = vectors.reshape(DIMENSIONS, -1).T.astype(np.float64)
    model, _ = load_clusters(str(tmp_path / "m.json"))
    for row in rows[:GROUPS]:
        members = flat[found.ravel() == row["cluster"]]
        centre = model.scaling.restored(model.centres)[row["cluster"] - 1]
        if method == "spherical":
            far = 1 - members @ centre / np.linalg.norm(members, axis=1) / np.linalg.norm(centre)
            spread = 1 - np.linalg.norm(flat.mean(axis=0))
            assert row["cohesion"] == pytest.approx(1 - far.mean() / spread, abs=1e-4)
            assert row["distance"] == pytest.approx(far.mean(), abs=1e-5)
        else:
            far = np.linalg.norm(members - centre, axis=1)
            spread = flat.var(axis=0).sum()
            assert row["cohesion"] == pytest.approx(1 - (far ** 2).mean() / spread, abs=1e-3)
            assert row["distance"] == pytest.approx(far.mean(), rel=1e-3)
        assert row["count"] == len(members) == (found == row["cluster"]).sum()
        assert row["share"] == pytest.approx(len(members) / found.size)
        assert row["area_m2"] == pytest.approx(100 * len(members), rel=2e-3)
        column, line = int((row["place"][0] - 500000) // 10), int((5700000 - row["place"][1]) // 10)
        assert found[line, column] == row["cluster"]
        medoid = np.linalg.norm(vectors[:, line, column] - centre) if method != "spherical" else (
            1 - vectors[:, line, column] @ centre / np.linalg.norm(centre))
        assert medoid == pytest.approx(far.min(), abs=1e-4)
        others = model.between()[row["cluster"] - 1].copy()
        others[row["cluster"] - 1] = np.inf
        assert row["nearest"] == others.argmin() + 1 and row["separation"] == pytest.approx(others.min())
    if method == "hdbscan":
        assert rows[-1]["name"] == "Unassigned" and rows[-1]["count"] == (~inside).sum()
        assert rows[-1]["place"] is None


def test_the_class_raster_says_what_it_is(field: str, tmp_path: Path) -> None:
    result = cluster_raster(request(field, tmp_path), Told())
    dataset = gdal.OpenEx(result.output)
    assert dataset.GetGeoTransform() == gdal.OpenEx(field).GetGeoTransform()
    band = dataset.GetRasterBand(1)
    assert band.GetNoDataValue() == 0
    assert band.GetCategoryNames() == ["", *(f"Cluster {number}" for number in range(1, GROUPS + 1))]
    colours = {tuple(band.GetColorTable().GetColorEntry(number)[:3]) for number in range(1, GROUPS + 1)}
    assert len(colours) == GROUPS and {entry.colour for entry in result.classes} == colours
    assert dataset.GetMetadataItem("EARTHPRINT_SPACE_OF_INPUT") == SPACE.key()


@pytest.mark.parametrize("method", ["kmeans", "spherical", "gmm", "hdbscan"])
def test_a_saved_model_gives_another_year_the_same_clusters(method: str, field: str, tmp_path: Path) -> None:
    first = cluster_raster(request(field, tmp_path, method=method, extras=Extras(model=str(tmp_path / "m.json"))),
                           Told())
    before = classes_of(first.output)
    again = cluster_raster(replace(request(field, tmp_path), output=str(tmp_path / "again.tif"),
                                   reuse=str(tmp_path / "m.json")), Told())
    assert (classes_of(again.output) == before).mean() > 0.9999
    later = write_field(tmp_path / "later.tif", scene(seed=9)[0][:, :, ::-1])
    cluster_raster(replace(request(later, tmp_path), output=str(tmp_path / "later-out.tif"),
                           reuse=str(tmp_path / "m.json")), Told())
    found = classes_of(tmp_path / "later-out.tif")[:, ::-1]
    assert (found == before)[(found <= GROUPS) & (before <= GROUPS)].all()
    coded = write_field(tmp_path / "coded.tif", scene()[0], ALPHAEARTH)
    cluster_raster(replace(request(coded, tmp_path), output=str(tmp_path / "coded-out.tif"),
                           reuse=str(tmp_path / "m.json")), Told())
    assert (classes_of(tmp_path / "coded-out.tif") == before).mean() > 0.98


def test_another_space_is_refused_by_both_names(field: str, tmp_path: Path) -> None:
    cluster_raster(request(field, tmp_path, extras=Extras(model=str(tmp_path / "m.json"))), Told())
    other = Space("other", DIMENSIONS)
    strange = write_field(tmp_path / "strange.tif", scene()[0], space=other)
    with pytest.raises(SpaceError) as caught:
        cluster_raster(replace(request(strange, tmp_path), output=str(tmp_path / "x.tif"),
                               reuse=str(tmp_path / "m.json")), Told())
    assert SPACE.key() in str(caught.value) and other.key() in str(caught.value)
    assert not (tmp_path / "x.tif").exists()
    with pytest.raises(ModelError):
        cluster_raster(request(field, tmp_path, reuse=field), Told())


def test_nodata_stays_nodata_and_counts_nowhere(tmp_path: Path) -> None:
    vectors, truth = scene()
    vectors[3, 10:20, 15:35] = np.nan
    vectors[:, 0, :] = np.nan
    vectors[:, 50:60, 50:60] = 0
    missing = np.isnan(vectors).any(axis=0)
    zero = ~vectors.any(axis=0)
    field = write_field(tmp_path / "holes.tif", vectors)
    for method, clusters, nothing in (("spherical", GROUPS, missing | zero), ("kmeans", GROUPS + 1, missing)):
        result = cluster_raster(request(field, tmp_path, method=method, clusters=clusters), Told())
        found = classes_of(result.output)
        assert ((found == 0) == nothing).all()
        assert result.assigned == (~nothing).sum()
        kept = ~nothing & ~zero
        assert adjusted_rand(truth[kept], found[kept]) == 1.0


def test_an_extent_and_a_mask_limit_what_is_fitted_and_counted(field: str, tmp_path: Path) -> None:
    shape = ogr.CreateGeometryFromWkt(
        "POLYGON ((500205 5699795, 500805 5699795, 500805 5699395, 500205 5699395, 500205 5699795))")
    extras = Extras(str(tmp_path / "s.gpkg"))
    result = cluster_raster(request(field, tmp_path, clusters=2, mask=(bytes(shape.ExportToWkb()),), extras=extras,
                                    extent=(500300.0, 5699300.0, 501100.0, 5699900.0)), Told())
    found = classes_of(result.output)
    assert found.shape == (60, 80)
    assert gdal.OpenEx(result.output).GetGeoTransform()[0] == 500300
    expected = np.zeros((60, 80), dtype=bool)
    expected[10:51, 0:51] = True
    assert ((found > 0) == expected).all()
    source = ogr.Open(str(tmp_path / "s.gpkg"))
    assert sum(row["count"] for row in source.GetLayer(0)) == expected.sum() == result.assigned


def test_the_result_does_not_depend_on_the_blocks(tmp_path: Path) -> None:
    tile = np.tile(scene()[0], (1, 8, 6))
    field = write_field(tmp_path / "large.tif", tile)
    found = []
    for memory in (64, 1024):
        path = str(tmp_path / f"s{memory}.gpkg")
        result = cluster_raster(replace(request(field, tmp_path, memory_mib=memory, extras=Extras(path)),
                                        output=str(tmp_path / f"{memory}.tif")), Told())
        source = ogr.Open(path)
        rows = [(row["count"], row["area_m2"], row["distance"]) for row in source.GetLayer(0)]
        found.append((classes_of(result.output), np.array(rows)))
    assert (found[0][0] == found[1][0]).all()
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-6)


def test_the_pass_reads_every_cell_once(field: str, tmp_path: Path) -> None:
    assert cluster_raster(request(field, tmp_path), Told()).bytes_read == ROWS * COLUMNS * DIMENSIONS * 4


@pytest.mark.parametrize("method", ["kmeans", "gmm", "hdbscan"])
def test_a_block_gives_the_same_answer_in_another_process(method: str, field: str, tmp_path: Path) -> None:
    result = cluster_raster(request(field, tmp_path, method=method, extras=Extras(model=str(tmp_path / "m.json"))),
                            Told())
    opened, window = open_field(field), Window(10, 20, 50, 40)
    call = pickle.dumps((assign_block, source_of(opened), window, load_clusters(str(tmp_path / "m.json"))[0],
                         opened.info.grid))
    code = ("import pickle, sys; from earthprint.engine.field_pass import read_block;"
            "from earthprint.engine.dataset import open_raster;"
            "function, source, window, model, grid = pickle.loads(sys.stdin.buffer.read());"
            "block = read_block(open_raster(source.path), source, window);"
            "sys.stdout.buffer.write(function([block], window, model, grid, None)[0].tobytes())")
    done = subprocess.run([sys.executable, "-c", code], input=call, capture_output=True, check=True,
                          env={**os.environ, "PYTHONPATH": str(Path(earthprint.__file__).parent.parent)})
    assert done.stdout == classes_of(result.output)[20:60, 10:60].tobytes()


def test_the_same_seed_gives_the_same_bytes(field: str, tmp_path: Path) -> None:
    texts = []
    for name in ("a", "b"):
        cluster_raster(replace(request(field, tmp_path, seed=4, extras=Extras(model=str(tmp_path / f"{name}.json"))),
                               output=str(tmp_path / f"{name}.tif")), Told())
        texts.append(((tmp_path / f"{name}.json").read_bytes(), classes_of(tmp_path / f"{name}.tif").tobytes()))
    assert texts[0] == texts[1]


def test_the_number_is_chosen_and_the_report_shows_why(field: str, tmp_path: Path) -> None:
    told = Told()
    result = cluster_raster(replace(request(field, tmp_path, extras=Extras(report=str(tmp_path / "r.html"))),
                                    choice=ClusterChoice(clusters=0, low=2, high=8)), told)
    assert result.clusters == GROUPS
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "silhouette × stability" in page and "data:image/png;base64," in page and "Cluster 4" in page
    assert not re.search(r"<script|https?://(?!www\.w3\.org/2000/svg)", page)
    assert told.warnings == []


def test_groups_that_are_none_are_called_so(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(DIMENSIONS, ROWS, COLUMNS)).astype(np.float32)
    field = write_field(tmp_path / "noise.tif", vectors / np.linalg.norm(vectors, axis=0))
    told = Told()
    cluster_raster(request(field, tmp_path, extras=Extras(report=str(tmp_path / "r.html"))), told)
    assert any("flow into each other" in text for text in told.warnings)
    assert any("depend on chance" in text for text in told.warnings)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.count('<p class="warning">') == len(told.warnings)
    assert all(text in page for text in told.warnings)


def test_degrees_have_areas_in_square_metres(tmp_path: Path) -> None:
    field = write_field(tmp_path / "degrees.tif", scene()[0], epsg=4326, transform=(10.0, 0.01, 0.0, 60.0, 0.0, -0.01))
    cluster_raster(request(field, tmp_path, extras=Extras(str(tmp_path / "s.gpkg"))), Told())
    source = ogr.Open(str(tmp_path / "s.gpkg"))
    total = sum(row["area_m2"] for row in source.GetLayer(0))
    edges = np.sin(np.radians([59.1, 60.0]))
    sphere = 6371007.2 ** 2 * np.radians(1.2) * (edges[1] - edges[0])
    assert total == pytest.approx(sphere, rel=0.01)


def test_more_than_255_classes_take_two_bytes(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(3, 60, 60)).astype(np.float32)
    field = write_field(tmp_path / "f.tif", vectors, space=Space("three", 3))
    result = cluster_raster(replace(request(field, tmp_path), choice=ClusterChoice(clusters=300)), Told())
    found = classes_of(result.output)
    assert found.dtype == np.uint16 and found.max() == 300 and len(np.unique(found)) == 300
    names = gdal.OpenEx(result.output)
    names.GetMetadata()
    assert names.GetRasterBand(1).GetCategoryNames()[300] == "Cluster 300"
    assert len({entry.colour for entry in result.classes}) == 300


@pytest.mark.parametrize(("changes", "message"), [
    ({"clusters": 5}, "CLUSTERS is 5, but there are only 3 different vectors"),
    ({"clusters": 1}, "CLUSTERS is 1"),
    ({"clusters": 0, "low": 4, "high": 3}, "CLUSTERS_MIN is 4 and CLUSTERS_MAX 3"),
    ({"clusters": 0, "low": 4, "high": 9}, "only 3 different vectors"),
    ({"method": "agglomerative"}, "doesn't work on rasters"),
    ({"method": "hdbscan", "least": 10_000}, "LEAST is 10000"),
])
def test_wrong_numbers_are_told_in_one_sentence(tmp_path: Path, changes: Any, message: str) -> None:
    vectors = np.eye(3, dtype=np.float32)[np.random.default_rng(0).integers(3, size=(40, 40))].transpose(2, 0, 1)
    field = write_field(tmp_path / "three.tif", vectors, space=Space("three", 3))
    with pytest.raises(InputError, match=message) as caught:
        cluster_raster(replace(request(field, tmp_path), choice=ClusterChoice(**changes)), Told())
    assert str(caught.value).count(". ") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["three.tif"]


def test_a_raster_without_values_is_told(tmp_path: Path) -> None:
    field = write_field(tmp_path / "none.tif", np.full((3, 30, 30), np.nan, np.float32), space=Space("three", 3))
    with pytest.raises(InputError, match="no valid cell"):
        cluster_raster(request(field, tmp_path), Told())
    zero = write_field(tmp_path / "zero.tif", np.zeros((3, 30, 30), np.float32), space=Space("three", 3))
    with pytest.raises(InputError, match="zero"):
        cluster_raster(request(zero, tmp_path, method="spherical"), Told())
    with pytest.raises(OutputError, match="doesn't exist"):
        cluster_raster(request(field, tmp_path, extras=Extras(report=str(tmp_path / "no" / "r.html"))), Told())


@pytest.mark.parametrize("until", ["Reading a sample", "Looking", "Fitting", "Assigning"])
def test_cancel_leaves_nothing(field: str, tmp_path: Path, until: str) -> None:
    with pytest.raises(Cancelled):
        cluster_raster(request(field, tmp_path, extras=Extras(str(tmp_path / "s.gpkg"))), Told(until))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["field.tif"]


def test_raw_bands_are_warned_of_and_standardised(tmp_path: Path) -> None:
    vectors, truth = scene()
    raw = vectors.copy()
    raw[0] = raw[0] * 0 + np.random.default_rng(0).normal(0, 1000, raw[0].shape)
    raw[1:] += 5
    dataset = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "raw.tif"), COLUMNS, ROWS, DIMENSIONS,
                                                   gdal.GDT_Float32)
    dataset.WriteRaster(0, 0, COLUMNS, ROWS, raw.tobytes())
    dataset = None
    told = Told()
    found = []
    for standardise in (False, True):
        result = cluster_raster(request(str(tmp_path / "raw.tif"), tmp_path, standardise=standardise), told)
        found.append(adjusted_rand(truth.ravel(), classes_of(result.output).ravel()))
    assert found[0] < 0.1 and found[1] > 0.99
    assert sum("doesn't say what its embeddings are" in text for text in told.warnings) == 2


def test_k_means_needs_nothing_installed_and_the_others_say_what(field: str, tmp_path: Path,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sklearn", "scipy"):
        for loaded in [module for module in sys.modules if module.split(".")[0] == name]:
            monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setitem(sys.modules, name, None)
    extras = Extras(str(tmp_path / "s.gpkg"), str(tmp_path / "m.json"), str(tmp_path / "r.html"))
    for method in ("kmeans", "spherical"):
        assert cluster_raster(request(field, tmp_path, method=method, extras=extras), Told()).clusters == GROUPS
    for method in ("gmm", "hdbscan"):
        with pytest.raises(PackageError, match="scikit-learn"):
            cluster_raster(request(field, tmp_path, method=method), Told())
