"""What a server does: one call, an exit code, numbers that the next step can read."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal
from ramps import mean_encoder, read_bands, write_ramp
from small_scene import write_scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small scene of four bands."""
    return write_scene(tmp_path_factory.mktemp("scene") / "scene.tif")


def test_the_short_call_makes_a_field_and_its_encoder(qgis_process: Any, scene: Path, tmp_path: Path) -> None:
    ended = qgis_process("run", "earthprint:embedraster", f"INPUT={scene}",
                         f"OUTPUT={tmp_path / 'out.tif'}").succeeded()
    found = ended.results()
    assert found["OUTPUT"] == str(tmp_path / "out.tif") and found["DEVICE_USED"] == "cpu"
    values = read_bands(tmp_path / "out.tif")
    assert int(found["DIMENSIONS_OUT"]) == len(values) and int(found["CELLS"]) == np.isfinite(values[0]).sum()
    assert Path(found["ENCODER_USED"]).is_file()
    assert "blocks per second" in ended.output and "Device:" in ended.output and "peak memory" in ended.output


def test_relative_paths_are_those_of_the_call(qgis_process: Any, scene: Path) -> None:
    qgis_process("run", "earthprint:embedraster", "INPUT=scene.tif", "OUTPUT=relative.tif", "DIMENSIONS=3",
                 cwd=scene.parent).succeeded()
    assert gdal.Open(str(scene.parent / "relative.tif")).RasterCount == 3


def test_json_gives_the_numbers_as_numbers(qgis_process: Any, scene: Path, tmp_path: Path) -> None:
    ended = qgis_process("--json", "run", "earthprint:embedpatches", f"INPUT={scene}", "SIZE=32", "GEOMETRY=centre",
                         f"OUTPUT={tmp_path / 'patches.gpkg'}").succeeded()
    found = ended.json()["results"]
    assert found["CELLS"] == 12 and found["SECONDS"] > 0 and found["OUTPUT"] == str(tmp_path / "patches.gpkg")


def test_lists_repeat_the_argument(qgis_process: Any, scene: Path, tmp_path: Path, encoders_folder: Path) -> None:
    ended = qgis_process("run", "earthprint:makeencoder", f"INPUTS={scene}", f"INPUTS={scene}", "FILTERS=16",
                         "DIMENSIONS=5").succeeded()
    found = ended.results()
    assert Path(found["OUTPUT"]).parent == encoders_folder
    embedded = qgis_process("run", "earthprint:embedraster", f"INPUT={scene}", f"ENCODER={found['ENCODER_ID']}",
                            f"OUTPUT={tmp_path / 'out.tif'}").succeeded()
    assert embedded.results()["DIMENSIONS_OUT"] == "5"


def test_an_encoder_is_added_and_used(qgis_process: Any, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    card = mean_encoder(folder, 8, name="headless-mean")
    card.path.unlink()
    ended = qgis_process("run", "earthprint:addencoder", f"ONNX={card.model_path}", "BANDS=column;row;sum",
                         "UNIT=pixel", "SCALING=none", "TILE=32").succeeded()
    ramp = write_ramp(tmp_path / "ramp.tif", 64, 48)
    qgis_process("run", "earthprint:embedraster", f"INPUT={ramp}", f"ENCODER={ended.results()['OUTPUT']}",
                 f"OUTPUT={tmp_path / 'out.tif'}").succeeded()
    columns, rows = np.meshgrid((np.arange(8) + 0.5) * 8, (np.arange(6) + 0.5) * 8)
    assert np.allclose(read_bands(tmp_path / "out.tif"), np.stack([columns, rows, columns + rows]), atol=1e-4)


def test_help_tells_what_each_parameter_takes(qgis_process: Any) -> None:
    said = qgis_process("help", "earthprint:embedraster").succeeded().output
    for word in ("INPUT", "ENCODER", "MASK", "float32", "OUTPUT", "ENCODER_USED", "DEVICE_USED"):
        assert word in said
    listed = qgis_process("list").succeeded().output
    for name in ("embedraster", "embedpatches", "makeencoder", "addencoder"):
        assert f"earthprint:{name}" in listed


def test_interrupting_ends_with_an_exit_code_and_no_file(qgis_process: Any, tmp_path: Path) -> None:
    large = tmp_path / "large.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(str(large), 6000, 6000, 3, gdal.GDT_Byte, ["TILED=YES"])
    dataset.SetGeoTransform((500000, 10, 0, 5600000, 0, -10))
    noise = np.random.default_rng(1).integers(1, 255, (600, 6000), dtype=np.uint8)
    for band in range(3):
        for row in range(0, 6000, 600):
            dataset.GetRasterBand(band + 1).WriteArray(noise, 0, row)
    dataset = None
    process = qgis_process.start("run", "earthprint:embedraster", f"INPUT={large}", "CELL=4",
                                 f"OUTPUT={tmp_path / 'out.tif'}")
    partial = tmp_path / "out.tif.partial"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None and not any(partial.glob("*.npy")):
        time.sleep(0.1)
    time.sleep(0.5)
    assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 1, output + errors
    assert time.monotonic() - started < 5  # a second for us, and the end of QGIS on a busy machine
    assert "Cancelled" in errors and "Traceback" not in errors
    assert not (tmp_path / "out.tif").exists()
