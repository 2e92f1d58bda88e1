"""The sample data opens with one call each, with nothing a user could not know, and analyses take the results so.

Photos and footprints are of one date each, so change means something only for AlphaEarth, whose table tells the vectors
of a year and their difference from the year before, and for two editions of the vectors of the counties.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from osgeo import gdal, ogr

from earthprint.engine.field import open_field
from earthprint.engine.table import open_table

DIMENSIONS = {"alphaearth": 64, "clay": 768, "photos": 64, "us_counties": 330, "georgia_counties": 330}


def vectors_of(path: str) -> np.ndarray:
    """Return all vectors of a table."""
    return np.concatenate([chunk.vectors for chunk in open_table(path).chunks()])


def columns_of(path: str) -> Dict[str, List[Any]]:
    """Return the attributes of any layer by column."""
    dataset = ogr.Open(path)
    layer = dataset.GetLayer(0)
    names = [field.name for field in layer.schema]
    rows = [[feature[name] for name in names] for feature in layer]
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def published(path: Path, layer: Path, key: str, seed: int, spread: float = 0.3) -> str:
    """Write vectors of counties as PDFM publishes them: a CSV without geometry, counties named as Data Commons does.

    Counties whose name begins with the same digits are alike; `seed` draws what is their own.
    """
    chance, kinds = np.random.default_rng(seed), np.random.default_rng(0).normal(size=(100, 330))
    with open(path, "w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["place", *(f"feature{number}" for number in range(330))])
        for place in columns_of(str(layer))[key]:
            own = kinds[int(place) // 1000] + chance.normal(0, spread, 330)
            rows.writerow([f"geoId/{int(place):05d}", *np.round(own, 5)])
    return str(path)


@pytest.fixture(scope="module")
def opened(provider: Any, sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Dict[str, str]:
    """Open everything with one call each."""
    import processing

    folder = tmp_path_factory.mktemp("opened")
    counties = {"us_counties": (sample_data / "us_counties_1980" / "us_counties_1980.gpkg", "fips"),
                "georgia_counties": (sample_data / "georgia_counties" / "georgia_counties.gpkg", "AreaKey")}
    calls = {
        "alphaearth": ("importembeddings",
                       {"INPUT": str(sample_data / "alphaearth_clearing" / "alphaearth_clearing_west.gpkg")}),
        "photos": ("embedphotos", {"FOLDER": str(sample_data / "photos")}),
        **{name: ("importembeddings", {"FILE": published(folder / f"{name}.csv", layer, key, 1),
                                       "GEOMETRY_LAYER": str(layer)}) for name, (layer, key) in counties.items()},
    }
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        pass
    else:
        calls["clay"] = ("importembeddings",
                         {"FILE": str(sample_data / "clay_embeddings" / "clay_03WVN_20220610.parquet")})
    return {name: processing.run(f"earthprint:{algorithm}", dict(given, OUTPUT=str(folder / f"{name}.gpkg")))["OUTPUT"]
            for name, (algorithm, given) in calls.items()}


@pytest.fixture(params=DIMENSIONS)
def table(request: pytest.FixtureRequest, opened: Dict[str, str]) -> str:
    """Return each table."""
    if request.param not in opened:
        pytest.skip("pyarrow, which reads GeoParquet, is not installed")
    return opened[request.param]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors of length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_vectors_are_those_of_the_source(opened: Dict[str, str], sample_data: Path) -> None:
    source = columns_of(str(sample_data / "alphaearth_clearing" / "alphaearth_clearing_west.gpkg"))
    found = vectors_of(opened["alphaearth"])
    assert np.array_equal(found, np.array([source[f"A{number:02d}"] for number in range(64)], np.float32).T)
    assert open_table(opened["alphaearth"]).space_key.endswith("/64/f4/cosine/unit")
    if "clay" in opened:
        import pyarrow.parquet

        held = pyarrow.parquet.read_table(sample_data / "clay_embeddings" / "clay_03WVN_20220610.parquet")
        assert np.array_equal(vectors_of(opened["clay"]), np.array(held["embeddings"].to_pylist(), np.float32))


def test_counties_lie_where_they_are(opened: Dict[str, str], sample_data: Path) -> None:
    layer = ogr.Open(str(sample_data / "us_counties_1980" / "us_counties_1980.gpkg"))
    places = {feature["fips"]: feature.GetGeometryRef().GetPoint_2D() for feature in layer.GetLayer(0)}
    found = ogr.Open(opened["us_counties"])
    rows = [(row["place"], row.GetGeometryRef().GetPoint_2D()) for row in found.GetLayer(0)]
    assert len(rows) == 3107
    assert all(place == places[name.split("/")[1]] for name, place in rows)


def test_photos_have_place_time_and_thumbnail(opened: Dict[str, str]) -> None:
    dataset = ogr.Open(opened["photos"])
    rows = [(row["time"], row.GetGeometryRef().GetPoint_2D(), row.GetFieldAsBinary("thumbnail"))
            for row in dataset.GetLayer(0)]
    drones = [place for time, place, _ in rows if time.startswith("2016/06/23")]
    streets = [place for time, place, _ in rows if time.startswith("2018/06/08")]
    assert len(drones) == 12 and len(streets) == 2
    assert np.allclose(drones, (-91.99, 46.84), atol=0.02) and np.allclose(streets, (-122.6, 45.5), atol=0.2)
    assert all(bytes(picture[:2]) == b"\xff\xd8" for *_, picture in rows)


def test_nearest_finds_the_largest_cosines(run_algorithm: Any, table: str, tmp_path: Path) -> None:
    found = columns_of(run_algorithm("nearest", {"INPUT": table, "NEIGHBOURS": 3,
                                                 "OUTPUT": str(tmp_path / "near.gpkg")})["OUTPUT"])
    vectors = unit(vectors_of(table).astype(np.float64))
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -2)
    assert len(found["score"]) == 3 * len(vectors)
    expected = -np.sort(-likeness, axis=1)[:, :3]
    order = np.lexsort((found["rank"], found["source_id"]))
    assert np.allclose(np.array(found["score"])[order], expected.ravel(), atol=1e-5)


def test_clusters_part_what_is_apart(run_algorithm: Any, table: str, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    found = run_algorithm("clustertable", {"INPUT": table, "OUTPUT": str(tmp_path / "clusters.gpkg")})
    classes = np.array(columns_of(found["OUTPUT"])["cluster"])
    assert sorted(set(classes)) == list(range(1, int(found["CLUSTERS_OUT"]) + 1))
    vectors = unit(vectors_of(table).astype(np.float64))
    likeness = vectors @ vectors.T
    same = classes[:, None] == classes[None, :]
    apart = ~np.eye(len(classes), dtype=bool)
    assert likeness[same & apart].mean() > likeness[~same].mean() + 0.05 * likeness[apart].std()


def test_similarity_is_the_cosine_to_the_mean_of_the_examples(run_algorithm: Any, table: str, tmp_path: Path) -> None:
    examples = f"{table}|subset=\"fid\" <= 2"
    found = run_algorithm("similarfeatures", {"INPUT": table, "EXAMPLES": examples,
                                              "OUTPUT": str(tmp_path / "similar.gpkg")})
    vectors = vectors_of(table).astype(np.float64)
    wanted = vectors[:2].mean(axis=0)
    score = np.array(columns_of(found["OUTPUT"])["similarity"], dtype=float)
    assert np.allclose(score, unit(vectors) @ wanted / np.linalg.norm(wanted), atol=1e-5)


def test_change_of_alphaearth_is_the_length_of_the_published_difference(
        run_algorithm: Any, opened: Dict[str, str], sample_data: Path, tmp_path: Path) -> None:
    source = sample_data / "alphaearth_clearing" / "alphaearth_clearing_west.gpkg"
    columns = columns_of(str(source))
    apart = np.array([columns[f"D{number:02d}"] for number in range(64)])
    earlier = tmp_path / "earlier.gpkg"
    expressions = ", ".join(f"A{number:02d} - D{number:02d} AS A{number:02d}" for number in range(64))
    gdal.VectorTranslate(str(earlier), str(source), options=[
        "-dialect", "SQLite", "-sql", f"SELECT fid, geom, {expressions} FROM alphaearth_clearing_west"])
    before = run_algorithm("importembeddings", {"INPUT": str(earlier), "OUTPUT": str(tmp_path / "before.gpkg")})
    found = run_algorithm("changetable", {
        "BEFORE": before["OUTPUT"], "AFTER": opened["alphaearth"], "METHOD": "euclidean",
        "OUTPUT": str(tmp_path / "change.gpkg")})
    rows = columns_of(found["OUTPUT"])
    assert np.allclose(rows["change"], np.linalg.norm(apart, axis=0), atol=1e-5)
    cleared = np.array(rows["cleared"]) == 1
    assert np.median(np.array(rows["change"])[cleared]) > 1.4 * np.median(np.array(rows["change"])[~cleared])


def test_change_of_counties_between_two_editions(run_algorithm: Any, opened: Dict[str, str], sample_data: Path,
                                                 tmp_path: Path) -> None:
    layer = sample_data / "georgia_counties" / "georgia_counties.gpkg"
    later = published(tmp_path / "later.csv", layer, "AreaKey", 2)
    after = run_algorithm("importembeddings", {"FILE": later, "GEOMETRY_LAYER": str(layer),
                                               "OUTPUT": str(tmp_path / "after.gpkg")})["OUTPUT"]
    found = run_algorithm("changetable", {"BEFORE": opened["georgia_counties"], "AFTER": after, "ID_FIELD": "place",
                                          "OUTPUT": str(tmp_path / "change.gpkg")})
    one, other = (unit(vectors_of(path).astype(np.float64)) for path in (opened["georgia_counties"], after))
    assert np.allclose(columns_of(found["OUTPUT"])["change"], 1 - (one * other).sum(axis=1), atol=1e-6)


@pytest.mark.parametrize("analysis", ["toh3table", "outliertable", "reducetable"])
def test_other_analyses_take_them_too(run_algorithm: Any, table: str, tmp_path: Path, analysis: str) -> None:
    if analysis == "toh3table":
        pytest.importorskip("h3")
    found = run_algorithm(analysis, {"INPUT": table, "OUTPUT": str(tmp_path / "found.gpkg")})["OUTPUT"]
    assert np.isfinite(vectors_of(found)).all()


@pytest.fixture(scope="module")
def two_dates(provider: Any, sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> List[str]:
    """Embed the two aerial images with one encoder."""
    import processing

    folder = tmp_path_factory.mktemp("dates")
    images = [str(sample_data / "naip_wetlands" / name) for name in ("naip_20120731.tif", "naip_20140720.tif")]
    encoder = processing.run("earthprint:makeencoder", {"INPUTS": images, "CELL": 8,
                                                        "OUTPUT": str(folder / "encoder.onnx")})["OUTPUT"]
    return [processing.run("earthprint:embedraster", {"INPUT": image, "ENCODER": encoder,
                                                      "OUTPUT": str(folder / Path(image).name)})["OUTPUT"]
            for image in images]


def values_of(path: str) -> np.ndarray:
    """Return the first band, NaN where nodata."""
    dataset = gdal.Open(path)
    band = dataset.GetRasterBand(1)
    return np.where(band.GetMaskBand().ReadAsArray() > 0, band.ReadAsArray().astype(float), np.nan)


def area_under_curve(scores: np.ndarray, truth: np.ndarray) -> float:
    """Return the chance that a true cell scores above another."""
    ranks = np.argsort(np.argsort(scores)) + 1
    count = truth.sum()
    return float((ranks[truth].sum() - count * (count + 1) / 2) / (count * (~truth).sum()))


def test_change_of_the_wetlands_is_found_without_a_setting(run_algorithm: Any, two_dates: List[str], sample_data: Path,
                                                           tmp_path: Path) -> None:
    found = run_algorithm("changeraster", {"BEFORE": two_dates[0], "AFTER": two_dates[1],
                                           "OUTPUT": str(tmp_path / "change.tif")})["OUTPUT"]
    label = gdal.Open(str(sample_data / "naip_wetlands" / "water_change_2012_2014.tif")).ReadAsArray()
    parts = label.reshape(75, 8, 75, 8).transpose(0, 2, 1, 3).reshape(75, 75, 64)
    truth, known = (parts == 1).mean(axis=2) >= 0.5, (parts != 255).mean(axis=2) >= 0.5
    assert area_under_curve(values_of(found)[known], truth[known]) > 0.85


def test_the_other_analyses_of_rasters_run_on_them(run_algorithm: Any, two_dates: List[str], tmp_path: Path) -> None:
    found = run_algorithm("similarityraster", {
        "INPUT": two_dates[0], "COORDINATES": "{0},{1}".format(*middle_of(two_dates[0])),
        "OUTPUT": str(tmp_path / "similar.tif")})["OUTPUT"]
    scores = values_of(found)
    assert scores[37, 37] == pytest.approx(1.0, abs=1e-5) and np.nanmax(scores) == scores[37, 37]
    pytest.importorskip("sklearn")
    classes = run_algorithm("clusterraster", {"INPUT": two_dates[0], "OUTPUT": str(tmp_path / "classes.tif")})
    assert set(np.unique(values_of(classes["OUTPUT"]))) == set(range(1, int(classes["CLUSTERS_OUT"]) + 1))


def middle_of(path: str) -> List[float]:
    """Return the place of the cell in column and row 37."""
    transform = open_field(path).info.grid.transform
    return [transform[0] + 37.5 * transform[1], transform[3] + 37.5 * transform[5]]
