"""Licence and provenance survive every step: what is made from AlphaEarth still carries its sentence."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

import numpy as np
import pytest
from osgeo import gdal, ogr
from small_fields import write_layer

from earthprint.engine.provenance import KNOWN
from earthprint.engine.table import open_table

SENTENCE = "The AlphaEarth Foundations Satellite Embedding dataset is produced by Google and Google DeepMind."
POLYGONS = ("POLYGON((500010 3999950,500150 3999950,500150 3999850,500010 3999850,500010 3999950))",
            "POLYGON((500160 3999990,500280 3999990,500280 3999820,500160 3999820,500160 3999990))")


def said_in(path: str) -> str:
    """Return all metadata texts of a GeoPackage or a raster, as any other program reads them."""
    if not path.endswith(".gpkg"):
        return " ".join(gdal.Open(path).GetMetadata_Dict().values())
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE name = 'gpkg_metadata'").fetchall()
        return " ".join(row[0] for row in connection.execute("SELECT metadata FROM gpkg_metadata")) if found else ""


def tile(path: Path, seed: int) -> str:
    """Write a tile with the names, the coding and the nodata of AlphaEarth, parted in two kinds of ground."""
    chance = np.random.default_rng(seed)
    vectors = chance.normal(0, 0.2, size=(64, 20, 30))
    vectors[0, :, :15] += 2
    vectors[1, :, 15:] += 2
    vectors[:, 5:9, 5 + seed:9 + seed] = chance.normal(size=(64, 1, 1)) * 2
    vectors /= np.linalg.norm(vectors, axis=0)
    codes = np.clip(np.rint(np.sign(vectors) * np.sqrt(np.abs(vectors)) * 127.5), -127, 127).astype(np.int8)
    kind = getattr(gdal, "GDT_Int8", None)
    dataset = gdal.GetDriverByName("GTiff").Create(
        str(path), 30, 20, 64, kind or gdal.GDT_Byte, [] if kind else ["PIXELTYPE=SIGNEDBYTE"])
    dataset.SetGeoTransform((500000, 10, 0, 4000000, 0, -10))
    reference = ogr.osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    dataset.SetSpatialRef(reference)
    for number in range(64):
        dataset.GetRasterBand(number + 1).SetDescription(f"A{number:02d}")
        dataset.GetRasterBand(number + 1).SetNoDataValue(-128)
    dataset.WriteRaster(0, 0, 30, 20, codes.tobytes(), buf_type=kind or gdal.GDT_Byte)
    dataset = None
    return str(path)


@pytest.fixture(scope="module")
def made(provider: Any, tmp_path_factory: pytest.TempPathFactory) -> Dict[str, str]:
    """Return two dates as fields and tables, and layers of examples and of polygons."""
    import processing

    folder = tmp_path_factory.mktemp("made")
    found = {}
    for seed, name in ((0, "before"), (1, "after")):
        found[name] = processing.run("earthprint:importfield", {
            "FILE": tile(folder / f"{name}_tile.tif", seed), "OUTPUT": str(folder / f"{name}.vrt")})["OUTPUT"]
    points = [f"POINT({500015 + 40 * (number % 7)} {3999985 - 40 * (number // 7)})" for number in range(28)]
    found["places"] = write_layer(folder / "places.gpkg", points)
    found["examples"] = write_layer(folder / "examples.gpkg", points[8:11])
    found["areas"] = write_layer(folder / "areas.gpkg", list(POLYGONS))
    for name in ("before", "after"):
        found[f"rows_{name}"] = processing.run("earthprint:embedfeatures", {
            "INPUT": found["places"], "EMBEDDINGS": found[name], "OUTPUT": str(folder / f"rows_{name}.gpkg")})["OUTPUT"]
    return found


def test_the_import_says_it(made: Dict[str, str]) -> None:
    assert SENTENCE in said_in(made["before"])
    for name in ("rows_before", "rows_after"):
        assert SENTENCE in said_in(made[name])
        assert open_table(made[name]).identity().provenance[0].licence == KNOWN["alphaearth"].licence == "CC BY 4.0"


# What each algorithm is given (names in braces are of `made`), its outputs, and what it can't do without.
STEPS: "Tuple[Tuple[str, Dict[str, Any], Tuple[str, ...], str], ...]" = (
    ("embedfeatures", {"INPUT": "{areas}", "EMBEDDINGS": "{before}"}, ("OUTPUT.gpkg",), "numpy"),
    ("embedfeatures", {"INPUT": "{areas}", "EMBEDDINGS": "{before}", "STATISTIC": "std"}, ("OUTPUT.gpkg",), "numpy"),
    ("toh3raster", {"INPUT": "{before}"}, ("OUTPUT.gpkg",), "h3"),
    ("toh3table", {"INPUT": "{rows_before}", "GEOMETRY": "centres"}, ("OUTPUT.gpkg",), "h3"),
    ("fuserasters", {"INPUTS": ["{before}", "{after}"]}, ("OUTPUT.tif",), "numpy"),
    ("fusetables", {"INPUTS": ["{rows_before}", "{rows_after}"], "KEY": "fid"}, ("OUTPUT.gpkg",), "numpy"),
    ("fusetables", {"INPUTS": ["{rows_before}", "{rows_after}"], "MATCH": "area", "DIMENSIONS": 4}, ("OUTPUT.gpkg",),
     "numpy"),
    ("reduceraster", {"INPUT": "{before}", "DIMENSIONS": 2}, ("OUTPUT.tif",), "numpy"),
    ("reduceraster", {"INPUT": "{before}", "PICTURE": True}, ("OUTPUT.tif",), "numpy"),
    ("reducetable", {"INPUT": "{rows_before}", "DIMENSIONS": 2}, ("OUTPUT.gpkg",), "numpy"),
    ("reducetable", {"INPUT": "{rows_before}", "PICTURE": True}, ("OUTPUT.gpkg",), "numpy"),
    ("clusterraster", {"INPUT": "{before}", "CLUSTERS": 2}, ("OUTPUT.tif", "SUMMARY.gpkg"), "sklearn"),
    ("clustertable", {"INPUT": "{rows_before}", "CLUSTERS": 2}, ("OUTPUT.gpkg", "SUMMARY.gpkg"), "sklearn"),
    ("similarityraster", {"INPUT": "{before}", "EXAMPLES": "{examples}", "THRESHOLD": "best", "TOP": 2},
     ("OUTPUT.tif", "POLYGONS.gpkg", "PLACES.gpkg"), "numpy"),
    ("similarfeatures", {"INPUT": "{rows_before}", "EXAMPLES": "{rows_after}", "THRESHOLD": "0.5", "TOP": 2},
     ("OUTPUT.gpkg", "POLYGONS.gpkg", "PLACES.gpkg"), "numpy"),
    ("nearest", {"INPUT": "{rows_before}"}, ("OUTPUT.gpkg", "LINES.gpkg"), "numpy"),
    ("changeraster", {"BEFORE": "{before}", "AFTER": "{after}", "MIN_AREA": 100},
     ("OUTPUT.tif", "CHANGED.tif", "DIRECTION.tif", "POLYGONS.gpkg"), "numpy"),
    ("changetable", {"BEFORE": "{rows_before}", "AFTER": "{rows_after}"}, ("OUTPUT.gpkg",), "numpy"),
    ("outlierraster", {"INPUT": "{before}"}, ("OUTPUT.tif",), "numpy"),
    ("outliertable", {"INPUT": "{rows_before}"}, ("OUTPUT.gpkg",), "numpy"),
    ("describeembeddings", {"INPUT": "{before}", "ENCODER": "somebody"}, ("OUTPUT.vrt",), "numpy"),
    ("describeembeddings", {"INPUT": "{rows_before}", "ENCODER": "somebody"}, ("OUTPUT.gpkg",), "numpy"),
    ("exportembeddings", {"INPUT": "{rows_before}", "FORMAT": "columns"}, ("OUTPUT.gpkg",), "numpy"),
)


def filled(value: Any, made: Dict[str, str]) -> Any:
    """Return a parameter with the paths in place of their names."""
    if isinstance(value, list):
        return [filled(one, made) for one in value]
    return value.format(**made) if isinstance(value, str) else value


@pytest.mark.parametrize(("algorithm", "given", "outputs", "package"), STEPS,
                         ids=[f"{number}-{step[0]}" for number, step in enumerate(STEPS)])
def test_each_output_of_each_step_says_it(run_algorithm: Any, made: Dict[str, str], tmp_path: Path, algorithm: str,
                                          given: Dict[str, Any], outputs: "Tuple[str, ...]", package: str) -> None:
    pytest.importorskip(package)
    wanted = {name.split(".")[0]: str(tmp_path / name) for name in outputs}
    parameters = {name: filled(value, made) for name, value in given.items()}
    found = run_algorithm(algorithm, {**parameters, **wanted})
    assert [name for name in wanted if SENTENCE not in said_in(found[name])] == []


def test_every_algorithm_that_passes_vectors_on_is_tried(provider: Any) -> None:
    makers = {"embedlocations", "embedpatches", "embedphotos", "embedraster", "importembeddings", "importfield"}
    groups = {"embed", "explore", "inout"}
    passing = {algorithm.name() for algorithm in provider.algorithms() if algorithm.groupId() in groups} - makers
    assert passing == {step[0] for step in STEPS}


@pytest.mark.parametrize(("ending", "package"), [
    ("parquet", "pyarrow"), ("npy", "numpy"), ("csv", "numpy"), ("gpkg", "numpy")])
def test_it_comes_back_from_what_was_exported(run_algorithm: Any, made: Dict[str, str], tmp_path: Path, ending: str,
                                              package: str) -> None:
    pytest.importorskip(package)
    out = run_algorithm("exportembeddings", {"INPUT": made["rows_before"], "OUTPUT": str(tmp_path / f"o.{ending}")})
    source = {"INPUT": out["OUTPUT"]} if ending == "gpkg" else {"FILE": out["OUTPUT"]}
    again = run_algorithm("importembeddings", {**source, "OUTPUT": str(tmp_path / "again.gpkg")})
    assert SENTENCE in said_in(again["OUTPUT"])
    assert open_table(again["OUTPUT"]).space_key == open_table(made["rows_before"]).space_key


def saved(path: str, output: str) -> Dict[str, Any]:
    """Return the parameters that save features."""
    return {"INPUT": path, "OUTPUT": output}


PLAIN: "Dict[str, Callable[[str, str], Dict[str, Any]]]" = {
    "native:savefeatures": saved,
    "native:mergevectorlayers": lambda path, output: {"LAYERS": [path], "OUTPUT": output},
    "native:reprojectlayer": lambda path, output: {"INPUT": path, "TARGET_CRS": "EPSG:4326", "OUTPUT": output},
    "native:extractbyexpression": lambda path, output: {"INPUT": path, "EXPRESSION": "$id > 2", "OUTPUT": output},
}


@pytest.mark.parametrize("plain", PLAIN)
@pytest.mark.parametrize("form", ["as it is", "reduced", "fused"])
def test_it_comes_back_after_a_step_that_keeps_only_the_key(run_algorithm: Any, made: Dict[str, str], tmp_path: Path,
                                                            plain: str, form: str) -> None:
    import processing

    start = made["rows_before"]
    if form == "reduced":
        start = run_algorithm("reducetable", {"INPUT": start, "OUTPUT": str(tmp_path / "reduced.gpkg")})["OUTPUT"]
    elif form == "fused":
        start = run_algorithm("fusetables", {"INPUTS": [start, made["rows_after"]], "KEY": "fid",
                                             "OUTPUT": str(tmp_path / "fused.gpkg")})["OUTPUT"]
    kept = processing.run(plain, PLAIN[plain](start, str(tmp_path / "plain.gpkg")))["OUTPUT"]
    assert SENTENCE not in said_in(kept)
    for algorithm, more in (("outliertable", {}), ("reducetable", {"DIMENSIONS": 2})):
        found = run_algorithm(algorithm, {"INPUT": kept, "OUTPUT": str(tmp_path / f"{algorithm}.gpkg"), **more})
        assert SENTENCE in said_in(found["OUTPUT"])


@pytest.mark.parametrize("given", ["path", "layer", "memory", "selection"])
def test_it_comes_back_however_the_layer_is_given(run_algorithm: Any, made: Dict[str, str], tmp_path: Path,
                                                  qgis_new_project: Any, given: str) -> None:
    import processing
    from qgis.core import QgsProcessingFeatureSourceDefinition, QgsProject, QgsVectorLayer

    source: Any = processing.run("native:savefeatures", saved(made["rows_before"], str(tmp_path / "p.gpkg")))["OUTPUT"]
    if given == "memory":
        source = processing.run("native:extractbyexpression", {
            "INPUT": source, "EXPRESSION": "$id > 2", "OUTPUT": "TEMPORARY_OUTPUT"})["OUTPUT"]
    elif given != "path":
        layer = QgsVectorLayer(source, "rows", "ogr")
        QgsProject.instance().addMapLayer(layer)
        layer.selectByIds([2, 3, 4, 5, 6, 7])
        source = QgsProcessingFeatureSourceDefinition(layer.id(), given == "selection")
    found = run_algorithm("nearest", {"INPUT": source, "NEIGHBOURS": 1, "OUTPUT": str(tmp_path / "o.gpkg")})
    assert SENTENCE in said_in(found["OUTPUT"])


def test_on_another_machine_the_name_in_the_key_tells(run_algorithm: Any, made: Dict[str, str], tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    import processing

    from earthprint.engine.registry import Registry

    kept = processing.run("native:savefeatures", saved(made["rows_before"], str(tmp_path / "plain.gpkg")))["OUTPUT"]
    monkeypatch.setattr(Registry, "find", lambda registry, digest: None)
    for algorithm, more in (("nearest", {"NEIGHBOURS": 1}), ("reducetable", {"DIMENSIONS": 2}), ("outliertable", {})):
        found = run_algorithm(algorithm, {"INPUT": kept, "OUTPUT": str(tmp_path / f"{algorithm}.gpkg"), **more})
        assert SENTENCE in said_in(found["OUTPUT"]), algorithm
