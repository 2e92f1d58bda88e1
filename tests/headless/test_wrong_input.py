"""Wrong input ends with exit code 1 and one sentence that names the input, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, Iterator, List

import numpy as np
import pytest
from osgeo import gdal
from ramps import mean_encoder, write_ramp
from small_rasters import landscape, write_raster
from small_scene import write_scene


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a ramp of the three bands that the encoder beside it takes, and a scene of four."""
    made = tmp_path_factory.mktemp("inputs")
    write_ramp(made / "ramp.tif", 64, 48)
    write_scene(made / "scene.tif")
    mean_encoder(made, 8)
    return made


def refused(qgis_process: Any, folder: Path, *arguments: str, algorithm: str = "embedraster",
            output: str = "OUTPUT=refused.tif") -> str:
    """Run a call that must fail; return the sentence it failed with."""
    ended = qgis_process("run", f"earthprint:{algorithm}", *arguments, output, cwd=folder)
    said = ended.errors + ended.output
    assert ended.code == 1, said
    assert "Traceback" not in said, said
    assert not list(folder.glob("*refused*")), "nothing may be left behind"
    sentences = [line.strip() for line in ended.errors.splitlines() if line.strip().endswith((".", ")"))]
    assert sentences, said
    return sentences[-1]


def test_a_missing_file(qgis_process: Any, folder: Path) -> None:
    said = refused(qgis_process, folder, "INPUT=nowhere.tif")
    assert said == "INPUT: there is no file or layer “nowhere.tif”: check the path."


def test_no_raster(qgis_process: Any, folder: Path) -> None:
    (folder / "notes.txt").write_text("not a raster", encoding="utf-8")
    said = refused(qgis_process, folder, "INPUT=notes.txt")
    assert "notes.txt" in said and "can't be read as a raster" in said


def test_a_rotated_raster(qgis_process: Any, folder: Path) -> None:
    write_raster(folder / "rotated.tif", landscape(), transform=(500000, 9, 3, 5700000, 3, -9))
    said = refused(qgis_process, folder, "INPUT=rotated.tif")
    assert "rotated.tif" in said and "rotated" in said.replace("rotated.tif", "") and "Warp" in said


def test_another_number_of_bands(qgis_process: Any, folder: Path) -> None:
    said = refused(qgis_process, folder, "INPUT=scene.tif", "ENCODER=mean.json")
    assert "scene.tif" in said and "name 3 bands in BANDS" in said


def test_another_unit(qgis_process: Any, folder: Path) -> None:
    qgis_process("run", "earthprint:makeencoder", "INPUTS=scene.tif", "FILTERS=16", "OUTPUT=own.onnx",
                 cwd=folder).succeeded()
    values = gdal.Open(str(folder / "scene.tif")).ReadAsArray()
    write_raster(folder / "fractions.tif", (values / 10000).astype(np.float32), names=("blue", "green", "red", "nir"))
    said = refused(qgis_process, folder, "INPUT=fractions.tif", "ENCODER=own.onnx")
    low, high = (float(text) for text in re.search(r"between ([0-9.]+) and ([0-9.]+)", said).groups())
    # A sample of the raster is looked at, so the middle of its values is told to within a few hundredths.
    assert low == pytest.approx(np.percentile(values[0] / 10000, 2), abs=0.05)
    assert high == pytest.approx(np.percentile(values[0] / 10000, 98), abs=0.05)
    assert "fractions.tif" in said and "multiply" in said and "by 10000" in said


def test_no_valid_pixel(qgis_process: Any, folder: Path) -> None:
    write_raster(folder / "empty.tif", np.zeros((3, 48, 64), np.uint16), nodata=0, names=("column", "row", "sum"))
    for encoder in ("automatic", "mean.json"):
        said = refused(qgis_process, folder, "INPUT=empty.tif", f"ENCODER={encoder}")
        assert "empty.tif" in said and "valid pixel" in said


@pytest.mark.skipif(os.name == "nt", reason="folders are protected otherwise on Windows")
def test_a_folder_that_nobody_may_write_to(qgis_process: Any, folder: Path) -> None:
    said = refused(qgis_process, folder, "INPUT=scene.tif", output="OUTPUT=/proc/refused.tif")
    assert "/proc/refused.tif" in said
    said = refused(qgis_process, folder, "INPUT=scene.tif", output="OUTPUT=no/such/folder/refused.tif")
    assert "no/such/folder" in said


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of 64 KiB, or skip where none can be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk needs rights that this machine doesn't give")
    yield disk
    subprocess.run(["umount", str(disk)], check=False)


@pytest.mark.parametrize("algorithm, ending", [("embedraster", "tif"), ("embedpatches", "gpkg")])
def test_a_full_disk(qgis_process: Any, folder: Path, small_disk: Path, algorithm: str, ending: str) -> None:
    said = refused(qgis_process, folder, "INPUT=scene.tif", "CELL=2", algorithm=algorithm,
                   output=f"OUTPUT={small_disk}/refused.{ending}")
    assert "full" in said and str(small_disk) in said
    assert not list(small_disk.glob(f"*.{ending}"))


def test_a_truncated_onnx_file(qgis_process: Any, folder: Path) -> None:
    content = (folder / "mean.onnx").read_bytes()
    (folder / "cut.onnx").write_bytes(content[:len(content) // 2])
    said = refused(qgis_process, folder, "ONNX=cut.onnx", "BANDS=column;row;sum", "UNIT=pixel", "SCALING=none",
                   algorithm="addencoder", output="NAME=refused")
    assert "cut.onnx" in said


def test_an_onnx_file_that_claims_two_gigabytes(qgis_process: Any, folder: Path) -> None:
    # A ModelProto whose graph (field 7, length-delimited) says it is 2 GiB long, and isn't.
    (folder / "claims.onnx").write_bytes(b"\x08\x08\x3a\x80\x80\x80\x80\x08" + b"\x00" * 64)
    said = refused(qgis_process, folder, "ONNX=claims.onnx", "BANDS=column;row;sum", "UNIT=pixel", "SCALING=none",
                   algorithm="addencoder", output="NAME=refused")
    assert "claims.onnx" in said


def changed_card(folder: Path, name: str, change: Any) -> str:
    """Write a changed copy of the encoder's card and return its name."""
    card = json.loads((folder / "mean.json").read_text(encoding="utf-8"))
    change(card)
    (folder / name).write_text(json.dumps(card), encoding="utf-8")
    return name


@pytest.mark.parametrize("field", ["mlm:input", "mlm:output"])
def test_a_card_with_a_missing_field(qgis_process: Any, folder: Path, field: str) -> None:
    name = changed_card(folder, "incomplete.json", lambda card: card["properties"].pop(field))
    said = refused(qgis_process, folder, "INPUT=ramp.tif", f"ENCODER={name}")
    assert "incomplete.json" in said and field in said


def test_a_card_whose_checksum_differs(qgis_process: Any, folder: Path) -> None:
    def other_checksum(card: Any) -> None:
        for asset in card["assets"].values():
            if "file:checksum" in asset:
                asset["file:checksum"] = asset["file:checksum"][:4] + "00" * 32

    name = changed_card(folder, "other.json", other_checksum)
    said = refused(qgis_process, folder, "INPUT=ramp.tif", f"ENCODER={name}")
    assert "mean.onnx" in said or "other.json" in said


def test_cuda_where_there_is_none(qgis_process: Any, folder: Path) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine's onnxruntime has CUDA")
    said = refused(qgis_process, folder, "INPUT=scene.tif", "DEVICE=cuda")
    assert "CUDA" in said


@pytest.mark.parametrize("arguments, said", [
    (["ENCODER=no-such-encoder"], "no-such-encoder"),
    (["CODING=float64"], "CODING: “float64” is not one of float32, int16, uint8."),
    (["EXTENT=0,10,0,10"], "scene.tif"),
    (["MASK=nowhere.gpkg"], "MASK: there is no file or layer “nowhere.gpkg”"),
])
def test_each_parameter_is_named(qgis_process: Any, folder: Path, arguments: List[str], said: str) -> None:
    assert said in refused(qgis_process, folder, "INPUT=scene.tif", *arguments)


def test_a_table_in_another_format(qgis_process: Any, folder: Path) -> None:
    said = refused(qgis_process, folder, "INPUT=scene.tif", algorithm="embedpatches", output="OUTPUT=refused.parquet")
    assert "refused.parquet" in said and ".gpkg" in said


def test_a_field_in_another_format(qgis_process: Any, folder: Path) -> None:
    assert gdal.GetDriverByName("GTiff") is not None
    said = refused(qgis_process, folder, "INPUT=scene.tif", output="OUTPUT=refused.img")
    assert "refused.img" in said and ".tif" in said
