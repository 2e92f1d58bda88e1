"""What was imported works in the steps after, and its licence goes along through each of them."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import gdal, osr

from earthprint.engine.errors import SpaceError
from earthprint.engine.field import open_field
from earthprint.engine.importing import ImportRequest, import_table
from earthprint.engine.products.importing_field import FieldImport, import_field
from earthprint.engine.progress import Silent
from earthprint.engine.space import require_same
from earthprint.engine.table import open_rows, open_table


def float_tile(path):
    """Write decoded AlphaEarth vectors as Earth Engine exports them."""
    vectors = np.random.default_rng(0).normal(size=(64, 12, 12))
    vectors /= np.linalg.norm(vectors, axis=0)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 12, 12, 64, gdal.GDT_Float64)
    dataset.SetGeoTransform((500000, 10, 0, 4000000, 0, -10))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    dataset.SetSpatialRef(reference)
    for number in range(64):
        dataset.GetRasterBand(number + 1).SetDescription(f"A{number:02d}")
    dataset.WriteRaster(0, 0, 12, 12, vectors.astype("f8").tobytes(), buf_type=gdal.GDT_Float64)
    dataset = None
    return path


def test_points_and_rasters_of_one_product_compare(tmp_path, sample_data):
    rows = open_rows(sample_data / "alphaearth_clearing" / "alphaearth_clearing_west.gpkg")
    import_table(ImportRequest(rows, str(tmp_path / "a.gpkg")), Silent())
    import_field(FieldImport(str(float_tile(tmp_path / "t.tif")), str(tmp_path / "t.vrt")), Silent())
    points, field = open_table(tmp_path / "a.gpkg"), open_field(str(tmp_path / "t.vrt"))
    require_same(points.space_key, "points", field.key, "field")
    other = ImportRequest(rows, str(tmp_path / "d.gpkg"), fields="D00-D63")
    import_table(other, Silent())
    with pytest.raises(SpaceError, match="different spaces"):
        require_same(open_table(tmp_path / "d.gpkg").space_key, "deltas", field.key, "field")


def test_what_the_sample_says_of_its_licence(tmp_path, sample_data):
    rows = open_rows(sample_data / "alphaearth_clearing" / "alphaearth_clearing_west.gpkg")
    import_table(ImportRequest(rows, str(tmp_path / "a.gpkg"), file="alphaearth_clearing_west.gpkg"), Silent())
    told = open_table(tmp_path / "a.gpkg").identity().provenance
    assert [item.sentence() for item in told] == [
        "AlphaEarth Foundations Satellite Embedding: The AlphaEarth Foundations Satellite Embedding dataset is "
        "produced by Google and Google DeepMind. Licence: CC BY 4.0."]
    assert told[0].sources == ("alphaearth_clearing_west.gpkg",)
