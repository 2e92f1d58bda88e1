"""Published files with something wrong end with exit code 1 and one sentence that says what, and leave nothing."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from osgeo import gdal
from small_fields import write_bands, write_field, write_layer

from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter

PLACE = (500000, 10, 0, 4000000, 0, -10)


def refused(qgis_process: Any, folder: Path, *arguments: str, algorithm: str = "importembeddings",
            output: str = "refused.gpkg", environment: "Dict[str, str] | None" = None) -> str:
    """Run a call that must fail; return the one sentence it failed with."""
    ended = qgis_process("run", f"earthprint:{algorithm}", *arguments, f"OUTPUT={output}", cwd=folder,
                         environment=environment)
    said = ended.errors + ended.output
    assert ended.code == 1, said
    assert "Traceback" not in said, said
    assert not list(folder.glob("*refused*")), "nothing may be left behind"
    # A sentence ends with a full stop, or with the command that installs a package.
    sentences = [line.strip() for line in ended.errors.splitlines() if re.search(r"\.$|pip install", line)]
    assert sentences, said
    return sentences[-1]


def write_csv(path: Path, header: List[str], rows: List[List[Any]]) -> str:
    """Write a CSV and return its name."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path.name


def numbered(count: int = 8) -> List[str]:
    return [f"emb_{number}" for number in range(count)]


def test_parquet_where_pyarrow_is_missing(qgis_process: Any, tmp_path: Path) -> None:
    if gdal.GetDriverByName("Parquet") is not None:
        pytest.skip("this GDAL reads Parquet by itself")
    (tmp_path / "a.parquet").write_bytes(b"PAR1" + bytes(64) + b"PAR1")
    hidden = tmp_path / "hidden" / "pyarrow"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'pyarrow'\", name='pyarrow')\n")
    path = os.pathsep.join(part for part in (str(hidden.parent), os.environ.get("PYTHONPATH", "")) if part)
    said = refused(qgis_process, tmp_path, "FILE=a.parquet", environment={"PYTHONPATH": path})
    assert "package pyarrow is needed" in said and "Packages" in said and "pip install" in said


def table(path: Path) -> str:
    with TableWriter(str(path), "", 1, [ColumnSpec("name", "text")], Space("made", 4)) as writer:
        writer.write([None], {"name": ["a"]}, np.ones((1, 4), np.float32))
    return path.name


def test_a_list_column_with_ragged_lengths(qgis_process: Any, tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    lists = [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 2.0]]
    parquet.write_table(pyarrow.table({"id": [1, 2, 3], "embedding": lists}), tmp_path / "a.parquet")
    said = refused(qgis_process, tmp_path, "FILE=a.parquet")
    assert "has a list of 2 numbers where those before have 3" in said


def test_keys_that_match_nothing_show_three_of_each_side(qgis_process: Any, tmp_path: Path) -> None:
    write_layer(tmp_path / "places.gpkg", [f"POINT ({number} 0)" for number in range(5)])
    rows = [[f"x{row}", *range(8)] for row in range(5)]
    write_csv(tmp_path / "a.csv", ["name", *numbered()], rows)
    said = refused(qgis_process, tmp_path, "FILE=a.csv", "GEOMETRY_LAYER=places.gpkg", "KEY=name", "GEOMETRY_KEY=name")
    for key in ("x0", "x1", "x2", "n0", "n1", "n2"):
        assert key in said
    assert "x3" not in said and "n3" not in said


def test_columns_out_of_order_are_put_in_order(qgis_process: Any, tmp_path: Path) -> None:
    names = [f"emb_{number}" for number in (0, 1, 2, 3, 10, 11, 4, 5, 6, 7, 8, 9)]
    values = np.random.default_rng(0).normal(size=(3, 12)).astype(np.float32)
    order = [names.index(f"emb_{number}") for number in range(12)]
    shuffled = np.empty_like(values)
    shuffled[:, order] = values
    write_csv(tmp_path / "a.csv", names, [[repr(float(value)) for value in row] for row in shuffled])
    qgis_process("run", "earthprint:importembeddings", "FILE=a.csv", "OUTPUT=in_order.gpkg", cwd=tmp_path).succeeded()
    from earthprint.engine.table import open_table

    found = next(open_table(tmp_path / "in_order.gpkg").chunks()).vectors
    np.testing.assert_array_equal(found, values)


def test_arrays_without_georeference(qgis_process: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((4, 5, 128), np.float32))
    said = refused(qgis_process, tmp_path, "FILE=a.npy", algorithm="importfield", output="refused.tif")
    assert said.endswith("has no georeference: put its landmask a.tiff beside it, or give it as GEOREFERENCE.")


def test_text_in_a_numeric_column(qgis_process: Any, tmp_path: Path) -> None:
    rows = [[*range(8)] for _ in range(400)]
    rows[350][3] = "n/a?"
    write_csv(tmp_path / "a.csv", numbered(), rows)
    said = refused(qgis_process, tmp_path, "FILE=a.csv")
    assert "emb_3" in said and "n/a?" in said and "351" in said


def test_a_raster_whose_crs_is_missing(qgis_process: Any, tmp_path: Path) -> None:
    vectors = np.random.default_rng(1).normal(size=(64, 9, 8))
    write_bands(tmp_path / "a.tif", vectors / np.linalg.norm(vectors, axis=0), PLACE, 0, -9999)
    said = refused(qgis_process, tmp_path, "FILE=a.tif", algorithm="importfield", output="refused.vrt")
    assert "a.tif states no CRS" in said and "Assign Projection" in said


def test_a_format_that_holds_no_vectors(qgis_process: Any, tmp_path: Path) -> None:
    name = table(tmp_path / "in.gpkg")
    said = refused(qgis_process, tmp_path, f"INPUT={name}", algorithm="exportembeddings", output="refused.shp")
    assert "a Shapefile can't hold vectors" in said


def test_rasters_in_and_out(qgis_process: Any, tmp_path: Path) -> None:
    values = np.random.default_rng(2).normal(size=(6, 30, 40)).astype(np.float32)
    write_field(tmp_path / "in.tif", values, PLACE, space=Space("made", 6))
    done = qgis_process("run", "earthprint:exportembeddings", "RASTER=in.tif", "CODING=int16", "OUTPUT=x.tif",
                        cwd=tmp_path).succeeded()
    assert "off by" in done.output and "largest difference found" in done.output
    dataset = gdal.Open(str(tmp_path / "x.tif"))
    for number, wanted in enumerate(values, start=1):
        band = dataset.GetRasterBand(number)
        found = band.ReadAsArray().astype(float) * band.GetScale() + band.GetOffset()
        assert np.abs(found - wanted).max() <= np.ptp(wanted) / 65534 / 2 * (1 + 1e-4) + 1e-6
    said = refused(qgis_process, tmp_path, algorithm="exportembeddings", output="refused.tif")
    assert said == ("Give either INPUT, an embedding table, or RASTER, an embedding raster: 0 of the two are given.")
