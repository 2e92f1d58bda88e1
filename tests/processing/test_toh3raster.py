""""Aggregate raster to H3" through processing.run, against the h3 library cell by cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import QgsProcessing, QgsProcessingException, QgsVectorLayer, QgsWkbTypes
from small_fields import write_field

from earthprint.engine.table import open_table

h3 = pytest.importorskip("h3")
TRANSFORM = (178.0, 0.05, 0.0, 60.0, 0.0, -0.05)


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 1, (4, 40, 40)).astype(np.float32)


@pytest.fixture
def field(tmp_path: Path, values: np.ndarray) -> str:
    return write_field(tmp_path / "field.tif", values, TRANSFORM, 4326)


def test_every_hexagon_is_the_mean_of_its_cells(run_algorithm: Any, tmp_path: Path, field: str,
                                                values: np.ndarray) -> None:
    found = run_algorithm("toh3raster", {"INPUT": field, "RESOLUTION": 4, "OUTPUT": str(tmp_path / "out.gpkg")})
    latitude, longitude = 60 - 0.05 * (np.arange(40) + 0.5), 178 + 0.05 * (np.arange(40) + 0.5)
    names = np.array([h3.latlng_to_cell(y, x, 4) for y in latitude for x in longitude])
    weights = np.repeat(np.cos(np.radians(latitude)), 40)
    [chunk] = list(open_table(found["OUTPUT"]).chunks())
    assert sorted(chunk.columns["h3"]) == sorted(set(names)) and found["HEXAGONS"] == len(set(names))
    for name, vector, count in zip(chunk.columns["h3"], chunk.vectors, chunk.columns["count"]):
        inside = names == name
        mean = (values.reshape(4, -1)[:, inside] * weights[inside]).sum(axis=1) / weights[inside].sum()
        assert count == inside.sum() and np.allclose(vector, mean, atol=1e-4)
    layer = QgsVectorLayer(found["OUTPUT"], "", "ogr")
    assert layer.crs().authid() == "EPSG:4326"
    assert QgsWkbTypes.displayString(layer.wkbType()) == "MultiPolygon"
    assert all(feature.geometry().isGeosValid() for feature in layer.getFeatures())
    assert found["RESOLUTION_OUT"] == 4 and found["LEFT_OUT"] == 0


def test_the_short_call_and_centres(run_algorithm: Any, tmp_path: Path, field: str) -> None:
    found = run_algorithm("toh3raster", {"INPUT": field, "GEOMETRY": "centres",
                                         "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT})
    layer = QgsVectorLayer(found["OUTPUT"], "", "ogr")
    assert QgsWkbTypes.displayString(layer.wkbType()) == "Point" and layer.featureCount() == found["HEXAGONS"]
    for feature in layer.getFeatures():
        point = feature.geometry().asPoint()
        assert (point.y(), point.x()) == pytest.approx(h3.cell_to_latlng(feature["h3"]))


@pytest.mark.parametrize("changed, said", [
    ({"RESOLUTION": 16}, "RESOLUTION: 16 is out of range"),
    ({"GEOMETRY": "hexagon"}, "GEOMETRY: “hexagon” is not one of polygons, centres"),
    ({"INPUT": "none.tif"}, "INPUT: there is no file or layer “none.tif”"),
    ({"OUTPUT": "out.shp"}, "must end in .gpkg"),
])
def test_wrong_values_are_told_in_words(run_algorithm: Any, tmp_path: Path, field: str, changed: Any,
                                        said: str) -> None:
    with pytest.raises(QgsProcessingException) as caught:
        run_algorithm("toh3raster", dict({"INPUT": field, "RESOLUTION": 4, "OUTPUT": str(tmp_path / "out.gpkg")},
                                         **changed))
    assert said in str(caught.value)
