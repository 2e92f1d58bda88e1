""""Import embedding raster" through processing.run: a published tile becomes a field in one call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal, osr
from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingOutputLayerDefinition,
    QgsProject,
    QgsRasterLayer,
)

from earthprint.engine.dataset import open_raster
from earthprint.engine.field import open_field
from earthprint.engine.space import Space

INT8 = getattr(gdal, "GDT_Int8", None)


def codes(seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(64, 20, 30))
    vectors /= np.linalg.norm(vectors, axis=0)
    found = np.clip(np.rint(np.sign(vectors) * np.sqrt(np.abs(vectors)) * 127.5), -127, 127).astype(np.int8)
    found[:, :2, :2] = -128
    return found


def tile(path: Path, array: np.ndarray, step: float = -10.0) -> str:
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), array.shape[2], array.shape[1], len(array), INT8 or (
        gdal.GDT_Byte), [] if INT8 else ["PIXELTYPE=SIGNEDBYTE"])
    dataset.SetGeoTransform((500000, 10, 0, 4000000, 0, step))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    dataset.SetSpatialRef(reference)
    for number in range(len(array)):
        dataset.GetRasterBand(number + 1).SetDescription(f"A{number:02d}")
        dataset.GetRasterBand(number + 1).SetNoDataValue(-128)
    dataset.WriteRaster(0, 0, array.shape[2], array.shape[1], array.tobytes(), buf_type=INT8 or gdal.GDT_Byte)
    dataset = None
    return str(path)


def vectors_of(path: str) -> np.ndarray:
    field = open_field(path)
    return field.read(open_raster(path), field.info.grid.whole)


def expected() -> np.ndarray:
    values = codes().astype(np.float64)
    found = np.sign(values) * (values / 127.5) ** 2
    found[:, :2, :2] = np.nan
    return found


@pytest.mark.parametrize("output", ["out.vrt", "out.tif", "TEMPORARY_OUTPUT"])
def test_a_tile_opens_with_one_call(run_algorithm: Any, tmp_path: Path, output: str) -> None:
    path = tile(tmp_path / "t.tiff", codes())
    place = output if output == "TEMPORARY_OUTPUT" else str(tmp_path / output)
    found = run_algorithm("importfield", {"FILE": path, "OUTPUT": place})
    result = found["OUTPUT"] if isinstance(found["OUTPUT"], str) else found["OUTPUT"].source()
    assert result.endswith(".tif" if output == "out.tif" else ".vrt")
    np.testing.assert_allclose(vectors_of(result), expected(), rtol=1e-6)
    assert (found["PRODUCT_OUT"], found["DIMENSIONS_OUT"]) == ("alphaearth", 64)
    assert found["SPACE"] == Space("alphaearth", 64, unit_norm=True).key("a1")
    assert QgsRasterLayer(result, "r", "gdal").crs().authid() == "EPSG:32633"


def test_upside_down_and_in_another_crs(run_algorithm: Any, tmp_path: Path) -> None:
    path = tile(tmp_path / "t.tiff", codes()[:, ::-1].copy(), -10.0)
    upside = tile(tmp_path / "u.tiff", codes(), 10.0)
    for source, first in ((path, codes()[:, -1, 5]), (upside, codes()[:, -1, 5])):
        result = run_algorithm("importfield", {"FILE": source, "OUTPUT": str(tmp_path / "o.vrt")})["OUTPUT"]
        assert open_field(result).info.grid.transform[5] == -10
        np.testing.assert_allclose(vectors_of(result)[:, 0, 5], np.sign(first) * (first / 127.5) ** 2, rtol=1e-6)
    result = run_algorithm("importfield", {"FILE": upside, "CRS": "EPSG:32634", "OUTPUT": str(tmp_path / "z.vrt")})
    assert QgsRasterLayer(result["OUTPUT"], "r", "gdal").crs().authid() == "EPSG:32634"


def test_a_temporary_result_is_loaded_from_where_it_lies(run_algorithm: Any, tmp_path: Path) -> None:
    context = QgsProcessingContext()
    project = QgsProject()
    context.setProject(project)
    definition = QgsProcessingOutputLayerDefinition(QgsProcessing.TEMPORARY_OUTPUT, project)
    found = run_algorithm("importfield", {"FILE": tile(tmp_path / "t.tiff", codes()), "OUTPUT": definition},
                          context=context)
    layers = context.layersToLoadOnCompletion()
    assert list(layers) == [found["OUTPUT"]]
    assert found["OUTPUT"].endswith(".vrt")
    assert layers[found["OUTPUT"]].postProcessor() is not None


@pytest.mark.parametrize(("changes", "message"), [
    ({"FILE": "/nowhere/a.tif"}, "FILE: there is no file or folder “/nowhere/a.tif”"),
    ({"PRODUCT": "magic"}, "PRODUCT"), ({"OUTPUT": "o.img"}, r"must end in .vrt \(in place\) or .tif"),
    ({"PRODUCT": "tessera"}, "without their scales"), ({"OUTPUT": "/nowhere/o.vrt"}, "/nowhere doesn't exist")])
def test_wrong_values_are_told(run_algorithm: Any, tmp_path: Path, changes: Any, message: str) -> None:
    parameters = {"FILE": tile(tmp_path / "t.tiff", codes()), "OUTPUT": str(tmp_path / "o.vrt"), **changes}
    with pytest.raises(QgsProcessingException, match=message):
        run_algorithm("importfield", parameters)
    assert not (tmp_path / "o.vrt").exists()


def test_an_array_without_georeference_is_told(run_algorithm: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((4, 5, 128), np.float32))
    with pytest.raises(QgsProcessingException, match="has no georeference: put its landmask a.tiff beside it"):
        run_algorithm("importfield", {"FILE": str(tmp_path / "a.npy"), "OUTPUT": str(tmp_path / "o.tif")})


@pytest.mark.skipif(gdal.GetDriverByName("Zarr") is None, reason="this GDAL has no Zarr")
def test_a_store_is_given_as_its_folder(run_algorithm: Any, tmp_path: Path) -> None:
    store = tmp_path / "t.zarr"
    place = store / "embeddings"
    place.mkdir(parents=True)
    array = np.moveaxis(codes()[:, 5:10, 5:11], 0, 2).copy()
    (store / ".zgroup").write_text('{"zarr_format": 2}')
    (store / ".zattrs").write_text('{"crs_epsg": 32633, "transform": [10, 0, 500000, 0, -10, 4000000]}')
    (place / ".zarray").write_text('{"zarr_format": 2, "shape": [5, 6, 64], "chunks": [5, 6, 64], "dtype": "|i1", '
                                   '"order": "C", "compressor": null, "fill_value": null, "filters": null}')
    (place / "0.0.0").write_bytes(array.tobytes())
    result = run_algorithm("importfield", {"FILE": str(store), "OUTPUT": str(tmp_path / "o.tif")})["OUTPUT"]
    np.testing.assert_allclose(vectors_of(result), expected()[:, 5:10, 5:11], rtol=1e-6)


def in_zone(path: Path, array: np.ndarray, west: float, epsg: int) -> str:
    tile(path, array)
    dataset = gdal.Open(path.as_posix(), gdal.GA_Update)
    dataset.SetGeoTransform((west, 10, 0, 4000000, 0, -10))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    dataset.SetSpatialRef(reference)
    dataset = None
    return str(path)


def test_tiles_of_several_zones_in_one_call(run_algorithm: Any, tmp_path: Path) -> None:
    (tmp_path / "tiles").mkdir()
    paths = [in_zone(tmp_path / "tiles" / "a.tiff", codes(), 770000, 32633),
             in_zone(tmp_path / "tiles" / "b.tiff", codes(), 230000, 32634)]
    for number, given in enumerate((str(tmp_path / "tiles"), ";".join(paths))):
        found = run_algorithm("importfield", {"FILE": given, "OUTPUT": str(tmp_path / f"o{number}.vrt")})
        listed = found["FIELDS"].split(";")
        assert listed == [str(tmp_path / f"o{number}.vrt"), str(tmp_path / f"o{number}_34N.vrt")]
        assert [QgsRasterLayer(path, "r", "gdal").crs().authid() for path in listed] == ["EPSG:32633", "EPSG:32634"]
        for path in listed:
            np.testing.assert_allclose(vectors_of(path), expected(), rtol=1e-6)
    found = run_algorithm("importfield", {"FILE": str(tmp_path / "tiles"), "CRS": "EPSG:3035",
                                          "RESAMPLING": "bilinear", "OUTPUT": str(tmp_path / "one.tif")})
    assert found["FIELDS"] == found["OUTPUT"] == str(tmp_path / "one.tif")
    lengths = np.linalg.norm(vectors_of(found["OUTPUT"]), axis=0)
    assert np.isfinite(lengths).sum() > 800
    np.testing.assert_allclose(lengths[np.isfinite(lengths)], 1, atol=1e-5)


def test_a_missing_tile_among_several_is_named(run_algorithm: Any, tmp_path: Path) -> None:
    given = f"{tile(tmp_path / 't.tiff', codes())};/nowhere/b.tif"
    with pytest.raises(QgsProcessingException, match="there is no file or folder “/nowhere/b.tif”"):
        run_algorithm("importfield", {"FILE": given, "OUTPUT": str(tmp_path / "o.vrt")})
