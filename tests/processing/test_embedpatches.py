""""Embed raster as patches" through processing.run: one row a patch, in its place, with its vector and its share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import ogr
from qgis.core import QgsProcessing, QgsProject, QgsVectorLayer
from ramps import mean_encoder, write_ramp
from small_rasters import landscape, write_raster

from earthprint.engine.table import open_table


@pytest.fixture
def ramp(tmp_path: Path) -> Path:
    """Return a raster of 76 x 52 pixels whose bands are column, row and their sum."""
    return write_ramp(tmp_path / "ramp.tif", 76, 52)


@pytest.fixture
def mean(tmp_path: Path) -> Any:
    """Return an encoder whose vector is the mean of a tile of 16 pixels."""
    folder = tmp_path / "encoders"
    folder.mkdir()
    return mean_encoder(folder, 16, 16, "chip")


def rows_of(path: str) -> Any:
    """Return ids, centres in pixels of the ramp, areas and vectors of a table."""
    [chunk] = list(open_table(path).chunks())
    shapes = [ogr.CreateGeometryFromWkb(wkb) for wkb in chunk.wkb]
    centres = [shape.Centroid() for shape in shapes]
    places = np.array([((point.GetX() - 300000) / 10, (5000000 - point.GetY()) / 10) for point in centres])
    return places, [shape.GetArea() for shape in shapes], chunk.vectors, chunk.columns


def test_rows_are_the_vectors_of_their_footprints(run_algorithm: Any, ramp: Path, mean: Any, tmp_path: Path) -> None:
    found = run_algorithm("embedpatches", {"INPUT": str(ramp), "ENCODER": str(mean.path),
                                           "OUTPUT": str(tmp_path / "patches.gpkg")})
    places, areas, vectors, columns = rows_of(found["OUTPUT"])
    inside = (places[:, 0] < 72) & (places[:, 1] < 48)
    assert inside.sum() == 4 * 3 and set(areas) == {160.0 * 160.0}
    assert np.allclose(vectors[inside], np.column_stack([places, places.sum(axis=1)])[inside], atol=1e-3)
    assert found["CELLS"] == len(places) and found["DIMENSIONS_OUT"] == 3
    assert all(0.5 <= share <= 1 for share in columns["valid_share"])
    assert QgsVectorLayer(found["OUTPUT"], "", "ogr").isValid()


def test_centres_are_points_in_the_middle(run_algorithm: Any, ramp: Path, mean: Any, tmp_path: Path) -> None:
    found = run_algorithm("embedpatches", {"INPUT": str(ramp), "ENCODER": str(mean.path), "GEOMETRY": "centre",
                                           "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT})
    assert found["OUTPUT"].endswith(".gpkg")
    places, areas, vectors, _ = rows_of(found["OUTPUT"])
    inside = (places[:, 0] < 72) & (places[:, 1] < 48)
    assert set(areas) == {0.0}
    assert np.allclose(vectors[inside], np.column_stack([places, places.sum(axis=1)])[inside], atol=1e-3)


def test_the_share_of_valid_pixels_counts_nodata(run_algorithm: Any, tmp_path: Path) -> None:
    values = landscape(3, 64, 64)
    values[:, :32, :8] = 0
    scene = write_raster(tmp_path / "scene.tif", values, nodata=0)
    parameters = {"INPUT": str(scene), "SIZE": 32, "MIN_VALID": 0.7, "OUTPUT": str(tmp_path / "patches.gpkg")}
    found = run_algorithm("embedpatches", parameters)
    [chunk] = list(open_table(found["OUTPUT"]).chunks())
    assert sorted(chunk.columns["valid_share"]) == [0.75, 1.0, 1.0, 1.0]
    stricter = run_algorithm("embedpatches", dict(parameters, MIN_VALID=0.8))
    assert stricter["CELLS"] == 3


def test_a_layer_is_put_into_an_existing_geopackage(
        run_algorithm: Any, ramp: Path, mean: Any, tmp_path: Path, qgis_new_project: Any) -> None:
    geopackage = tmp_path / "project.gpkg"
    plain = {"INPUT": str(ramp), "ENCODER": str(mean.path)}
    run_algorithm("embedpatches", dict(plain, OUTPUT=str(geopackage)))
    shown = QgsVectorLayer(f"{geopackage}|layername=project", "shown", "ogr")
    QgsProject.instance().addMapLayer(shown)
    before = shown.featureCount()
    found = run_algorithm("embedpatches", dict(
        plain, GEOMETRY="centre", OUTPUT=f"ogr:dbname='{geopackage}' table=\"centres\" (geom)"))
    assert found["OUTPUT"] == f"{geopackage}|layername=centres"
    layer = QgsVectorLayer(found["OUTPUT"], "", "ogr")
    assert layer.isValid() and layer.featureCount() == before
    assert QgsVectorLayer(f"{geopackage}|layername=project", "", "ogr").featureCount() == before


def test_an_output_that_the_project_shows_is_replaced(
        run_algorithm: Any, ramp: Path, mean: Any, tmp_path: Path, qgis_new_project: Any) -> None:
    parameters = {"INPUT": str(ramp), "ENCODER": str(mean.path), "OUTPUT": str(tmp_path / "patches.gpkg")}
    run_algorithm("embedpatches", parameters)
    shown = QgsVectorLayer(parameters["OUTPUT"], "shown", "ogr")
    QgsProject.instance().addMapLayer(shown)
    next(shown.getFeatures())
    found = run_algorithm("embedpatches", dict(parameters, GEOMETRY="centre"))
    assert rows_of(found["OUTPUT"])[1][0] == 0.0
