""""Make an encoder from a raster" through processing.run: its encoder works by id and is repeatable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qgis.core import QgsProcessingException
from ramps import read_bands
from small_rasters import landscape, write_raster


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Return a landscape of four bands."""
    return write_raster(tmp_path / "my scene.tif", landscape())


def test_an_encoder_without_a_stated_place_goes_to_the_users_folder_and_works_by_id(
        run_algorithm: Any, scene: Path, encoders_folder: Path, tmp_path: Path) -> None:
    made = run_algorithm("makeencoder", {"INPUTS": [str(scene)], "DIMENSIONS": 6, "CELL": 4, "FILTERS": 16})
    assert Path(made["OUTPUT"]).parent == encoders_folder and Path(made["OUTPUT"]).name.startswith("my-scene")
    assert Path(made["ENCODER_USED"]).exists()
    assert (made["CELL_OUT"], made["DIMENSIONS_OUT"]) == (4, 6)
    by_id = run_algorithm("embedraster", {"INPUT": str(scene), "ENCODER": made["ENCODER_ID"],
                                          "OUTPUT": str(tmp_path / "by_id.tif")})
    by_path = run_algorithm("embedraster", {"INPUT": str(scene), "ENCODER": made["OUTPUT"],
                                            "OUTPUT": str(tmp_path / "by_path.tif")})
    values = read_bands(by_id["OUTPUT"])
    assert values.shape == (6, 24, 32) and np.array_equal(values, read_bands(by_path["OUTPUT"]))
    second = run_algorithm("makeencoder", {"INPUTS": [str(scene)], "DIMENSIONS": 6, "CELL": 4, "FILTERS": 16})
    assert second["OUTPUT"] != made["OUTPUT"], "an encoder that fields may name is never replaced unasked"


def test_the_same_seed_gives_the_same_file_and_another_gives_another(
        run_algorithm: Any, scene: Path, tmp_path: Path) -> None:
    def content(folder: str, seed: int) -> bytes:
        (tmp_path / folder).mkdir()
        made = run_algorithm("makeencoder", {"INPUTS": [str(scene)], "FILTERS": 16, "SEED": seed, "PATCH": "3;5",
                                             "OUTPUT": str(tmp_path / folder / "mine.onnx")})
        return Path(made["OUTPUT"]).read_bytes()

    first = content("a", 1)
    assert first == content("b", 1)
    assert first != content("c", 2)


def test_several_rasters_are_sampled_together(run_algorithm: Any, scene: Path, tmp_path: Path) -> None:
    other = write_raster(tmp_path / "other.tif", landscape(seed=9), epsg=32634)
    made = run_algorithm("makeencoder", {"INPUTS": [str(scene), str(other)], "FILTERS": 16,
                                         "OUTPUT": str(tmp_path / "both.onnx")})
    alone = run_algorithm("makeencoder", {"INPUTS": [str(scene)], "FILTERS": 16,
                                          "OUTPUT": str(tmp_path / "alone.onnx")})
    assert Path(made["OUTPUT"]).read_bytes() != Path(alone["OUTPUT"]).read_bytes()


@pytest.mark.parametrize("parameters, said", [
    ({"PATCH": "3;five"}, "PATCH: “five” is not a width in pixels"),
    ({"OUTPUT": "/tmp/encoder.pt"}, "OUTPUT: an encoder is written as ONNX, so “/tmp/encoder.pt” must end in .onnx"),
    ({"OUTPUT": "/no/such/folder/encoder.onnx"}, "The folder /no/such/folder doesn't exist"),
    ({"INPUTS": ["/no/such/file.tif"]}, "INPUTS: there is no file or layer “/no/such/file.tif”")])
def test_wrong_input_is_told_in_words(
        run_algorithm: Any, scene: Path, parameters: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(QgsProcessingException, match=said):
        run_algorithm("makeencoder", dict({"INPUTS": [str(scene)], "OUTPUT": str(tmp_path / "x.onnx")}, **parameters))


def test_an_extent_does_not_limit_rasters_of_two_crss(run_algorithm: Any, scene: Path, tmp_path: Path) -> None:
    other = write_raster(tmp_path / "other.tif", landscape(seed=9), epsg=32634)
    with pytest.raises(QgsProcessingException, match="INPUTS: the rasters have different CRSs"):
        run_algorithm("makeencoder", {"INPUTS": [str(scene), str(other)], "EXTENT": "500000,500400,5699600,5700000",
                                      "OUTPUT": str(tmp_path / "x.onnx")})
