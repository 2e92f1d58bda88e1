"""Endings that QGIS would change behind the user's back are refused in words; layers inside GeoPackages are found."""

from __future__ import annotations

from typing import Any

import pytest
from qgis.core import (
    QgsProcessing,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterVectorDestination,
    QgsProcessingUtils,
)

from earthprint.processing_provider.adapters.outputs import destination_problem, is_temporary, table_destination

INSIDE = "ogr:dbname='/tmp/a folder/x.gpkg' table=\"patches\" (geom)"


@pytest.mark.parametrize("value", ["a.tif", "/b/C.TIFF", QgsProcessing.TEMPORARY_OUTPUT, "", None])
def test_geotiffs_are_fine(value: Any) -> None:
    assert destination_problem(QgsProcessingParameterRasterDestination("OUTPUT", ""), value) == ""


@pytest.mark.parametrize("value", ["a.img", "a", "a.tif.png", QgsProcessingOutputLayerDefinition("a.vrt")])
def test_other_rasters_are_refused(value: Any) -> None:
    said = destination_problem(QgsProcessingParameterRasterDestination("OUTPUT", ""), value)
    assert said.startswith("OUTPUT: a raster is written as GeoTIFF") and "must end in .tif" in said


@pytest.mark.parametrize("value", ["a.gpkg", INSIDE, QgsProcessing.TEMPORARY_OUTPUT,
                                   QgsProcessingOutputLayerDefinition(INSIDE)])
def test_geopackages_are_fine(value: Any) -> None:
    assert destination_problem(QgsProcessingParameterVectorDestination("OUTPUT", ""), value) == ""


@pytest.mark.parametrize("value", ["a.parquet", "a.shp", "a", "memory:", "postgres://dbname='x' table=\"a.gpkg\""])
def test_other_tables_are_refused(value: Any) -> None:
    said = destination_problem(QgsProcessingParameterVectorDestination("OUTPUT", ""), value)
    assert said.startswith("OUTPUT: a table is written as GeoPackage")


def test_a_layer_of_a_geopackage_is_path_and_name(qgis_app: Any) -> None:
    assert table_destination(INSIDE) == "/tmp/a folder/x.gpkg|layername=patches"
    assert table_destination("/tmp/x.gpkg") == "/tmp/x.gpkg"


def test_temporary_outputs_are_told_from_others(qgis_app: Any, tmp_path: Any) -> None:
    assert is_temporary(QgsProcessingUtils.generateTempFilename("a.tif"))
    assert is_temporary(QgsProcessingUtils.generateTempFilename("a.gpkg") + "|layername=a")
    assert not is_temporary(str(tmp_path / "a.tif"))
