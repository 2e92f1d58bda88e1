""""Fuse tables" through processing.run and qgis_process: files, layers, selections, wrong input in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Sequence

import numpy as np
import pytest
from osgeo import ogr, osr
from qgis.core import QgsFeatureRequest, QgsProcessingException, QgsProject, QgsVectorLayer

from earthprint.engine.centres import point_wkb
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_table

VECTORS = (np.random.default_rng(1).normal(5, 3, size=(30, 6)).astype(np.float32),
           np.random.default_rng(2).normal(-1, 90, size=(30, 4)).astype(np.float32))


def write(path: Path, encoder: str, codes: Sequence[str], vectors: np.ndarray) -> str:
    with TableWriter(str(path), "", ogr.wkbPoint, [ColumnSpec("code", "text")],
                     Space(encoder, vectors.shape[1])) as writer:
        writer.write([point_wkb(row, row) for row in range(len(codes))], {"code": list(codes)}, vectors)
    return str(path)


@pytest.fixture
def tables(tmp_path: Path) -> List[str]:
    """Return two tables of the same thirty places in different orders."""
    codes = [f"{number:03d}" for number in range(30)]
    return [write(tmp_path / "sky.gpkg", "sky", codes, VECTORS[0]),
            write(tmp_path / "street.gpkg", "street", codes[::-1], VECTORS[1])]


def vectors_of(path: str) -> np.ndarray:
    return np.concatenate([chunk.vectors for chunk in open_table(path).chunks()])


def standardised(values: np.ndarray, weight: float = 1.0) -> np.ndarray:
    values = values.astype(np.float64)
    return weight * (values - values.mean(axis=0)) / np.sqrt(values.var(axis=0).sum())


def test_files_are_joined_by_the_column_they_share(run_algorithm: Any, tables: List[str], tmp_path: Path) -> None:
    found = run_algorithm("fusetables", {"INPUTS": tables, "WEIGHTS": "1;3", "OUTPUT": str(tmp_path / "out.gpkg")})
    wanted = np.concatenate([standardised(VECTORS[0]), standardised(VECTORS[1][::-1], 3)], axis=1)
    np.testing.assert_allclose(vectors_of(found["OUTPUT"]), wanted, atol=1e-5)
    assert (found["ROWS"], found["LEFT_OUT"], found["DIMENSIONS_OUT"]) == (30, 0, 10)


def test_memory_and_filtered_layers_count_as_they_are_shown(run_algorithm: Any, tables: List[str], tmp_path: Path,
                                                            qgis_new_project: Any) -> None:
    memory = QgsVectorLayer(tables[0], "sky", "ogr").materialize(QgsFeatureRequest())
    filtered = QgsVectorLayer(tables[1], "street", "ogr")
    assert filtered.setSubsetString("\"code\" < '012'")
    QgsProject.instance().addMapLayers([memory, filtered])
    found = run_algorithm("fusetables", {"INPUTS": [memory, filtered.id()], "KEY": "code",
                                         "OUTPUT": str(tmp_path / "out.gpkg")})
    assert (found["ROWS"], found["LEFT_OUT"]) == (12, 18)
    wanted = np.concatenate([standardised(VECTORS[0][:12]), standardised(VECTORS[1][::-1][:12])], axis=1)
    np.testing.assert_allclose(vectors_of(found["OUTPUT"]), wanted, atol=1e-5)
    copies = [QgsVectorLayer(path, "copy", "ogr").materialize(QgsFeatureRequest()) for path in tables]
    spaces = [run_algorithm("fusetables", {"INPUTS": inputs, "KEY": "code", "OUTPUT": str(tmp_path / f"{name}.gpkg")})[
        "SPACE"] for name, inputs in (("files", tables), ("copies", copies))]
    assert spaces[0] == spaces[1], "the way in is no part of the space"


def test_photos_lie_on_districts(run_algorithm: Any, tmp_path: Path) -> None:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    paths = []
    for name, shapes, kind, vectors in (
            ("districts", [f"POLYGON (({x} 0, {x + 10} 0, {x + 10} 10, {x} 10, {x} 0))" for x in (0, 10, 20)],
             ogr.wkbPolygon, VECTORS[0][:3]),
            ("photos", [f"POINT ({x} 5)" for x in (2, 8, 12, 18, 25)], ogr.wkbPoint, VECTORS[1][:5])):
        paths.append(str(tmp_path / f"{name}.gpkg"))
        with TableWriter(paths[-1], reference.ExportToWkt(), kind, [], Space(name, vectors.shape[1])) as writer:
            writer.write([bytes(ogr.CreateGeometryFromWkt(shape).ExportToIsoWkb()) for shape in shapes], {}, vectors)
    found = run_algorithm("fusetables", {"INPUTS": paths, "MATCH": "area", "OUTPUT": str(tmp_path / "out.gpkg")})
    means = np.array([VECTORS[1][:2].mean(axis=0), VECTORS[1][2:4].mean(axis=0), VECTORS[1][4]])
    np.testing.assert_allclose(vectors_of(found["OUTPUT"])[:, 6:], standardised(means), atol=1e-5)
    assert found["ROWS"] == 3


def test_polygons_that_differ_are_cut_by_one_another(run_algorithm: Any, tmp_path: Path) -> None:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    paths = []
    for name, begin, vectors in (("soils", 0, VECTORS[0][:3]), ("districts", 5, VECTORS[1][:3])):
        shapes = [f"POLYGON (({x} 0, {x + 10} 0, {x + 10} 10, {x} 10, {x} 0))" for x in range(begin, begin + 30, 10)]
        paths.append(str(tmp_path / f"{name}.gpkg"))
        with TableWriter(paths[-1], reference.ExportToWkt(), ogr.wkbPolygon, [ColumnSpec("name", "text")],
                         Space(name, vectors.shape[1])) as writer:
            writer.write([bytes(ogr.CreateGeometryFromWkt(shape).ExportToIsoWkb()) for shape in shapes],
                         {"name": list("xyz")}, vectors)
    found = run_algorithm("fusetables", {"INPUTS": paths, "OUTPUT": str(tmp_path / "out.gpkg")})
    chunk = next(open_table(found["OUTPUT"]).chunks())
    assert list(zip(chunk.columns["name"], chunk.columns["name_2"])) == [
        ("x", "x"), ("y", "x"), ("y", "y"), ("z", "y"), ("z", "z")]
    assert [ogr.CreateGeometryFromWkb(wkb).GetArea() for wkb in chunk.wkb] == [50.0] * 5
    wanted = np.concatenate([standardised(VECTORS[0][[0, 1, 1, 2, 2]]), standardised(VECTORS[1][[0, 0, 1, 1, 2]])],
                            axis=1)
    np.testing.assert_allclose(chunk.vectors, wanted, atol=1e-5)
    assert (found["ROWS"], found["LEFT_OUT"]) == (5, 0)
    kept = run_algorithm("fusetables", {"INPUTS": paths, "MATCH": "union", "INCOMPLETE": "mean",
                                        "OUTPUT": str(tmp_path / "all.gpkg")})
    vectors = vectors_of(kept["OUTPUT"])
    assert kept["ROWS"] == 7 and np.isfinite(vectors).all()
    # By its column in common the same layers are joined row by row.
    joined = run_algorithm("fusetables", {"INPUTS": paths, "KEY": "name", "OUTPUT": str(tmp_path / "key.gpkg")})
    assert joined["ROWS"] == 3


def test_wrong_input_is_told_in_words(run_algorithm: Any, tables: List[str], tmp_path: Path) -> None:
    other = write(tmp_path / "other.gpkg", "street", [f"x{number}" for number in range(30)], VECTORS[1])
    for change, words in (
            ({"INPUTS": tables[:1]}, "two or more"), ({"KEY": "town"}, "has no column “town”"),
            ({"INPUTS": [tables[0], other]}, "“000”, “001”, “002”, … in “code”.* is in “other” .“x0”, “x1”, “x2”"),
            ({"INPUTS": [tables[0], "/no/such.gpkg"]}, "INPUTS: there is no file or layer “/no/such.gpkg”"),
            ({"DIMENSIONS": 11}, "10 dimensions together"),
            ({"OUTPUT": str(tmp_path / "no.shp")}, "must end in .gpkg")):
        with pytest.raises(QgsProcessingException, match=words):
            run_algorithm("fusetables", {"INPUTS": tables, "OUTPUT": str(tmp_path / "no.gpkg"), **change})
        assert not (tmp_path / "no.gpkg").exists()


def test_it_runs_headless(qgis_process: Any, tables: List[str], tmp_path: Path) -> None:
    qgis_process("run", "earthprint:fusetables", f"INPUTS={tables[0]}", f"INPUTS={tables[1]}", "DIMENSIONS=5",
                 f"OUTPUT={tmp_path / 'fused.gpkg'}").succeeded()
    assert vectors_of(str(tmp_path / "fused.gpkg")).shape == (30, 5)
