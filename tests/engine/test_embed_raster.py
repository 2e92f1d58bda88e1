"""What a field owes its user: one result for all tilings, nothing from nodata, whole or nothing, and resuming."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, ogr
from ramps import mean_encoder, read_bands, write_ramp

from earthprint.engine.card_json import read_card, write_card
from earthprint.engine.embedding import blocks as block_functions
from earthprint.engine.embedding.making import MakeEncoderRequest, make_encoder
from earthprint.engine.embedding.plan import EmbedRequest
from earthprint.engine.embedding.preparing import prepare
from earthprint.engine.embedding.raster import embed_raster
from earthprint.engine.encoders.library import EncoderFolders
from earthprint.engine.errors import Cancelled, EarthprintError, InputError
from earthprint.engine.field import open_field
from earthprint.engine.grid import Window
from earthprint.engine.partial import PartialWork
from earthprint.engine.progress import Silent


class Recorder(Silent):
    """Keeps what was said, and cancels when told to."""

    def __init__(self) -> None:
        self.said: "list[str]" = []
        self.warned: "list[str]" = []
        self.stop_at = 2.0
        self.stopped_at = 0.0
        self._fraction = 0.0

    def report(self, fraction: float, text: "str | None" = None) -> None:
        self._fraction = fraction

    def info(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def cancelled(self) -> bool:
        if self._fraction >= self.stop_at and not self.stopped_at:
            self.stopped_at = time.monotonic()
        return bool(self.stopped_at)


def request_for(raster: "Path | str", output: Path, encoder: "str | Path" = "automatic",
                **options: object) -> EmbedRequest:
    """Return a request with folders of the test's own."""
    folders = EncoderFolders(output.parent, output.parent)
    return EmbedRequest((str(raster),), str(encoder), str(output), folders, **options)


def run(raster: "Path | str", output: Path, encoder: "str | Path" = "automatic", **options: object) -> np.ndarray:
    """Embed and read the result."""
    embed_raster(request_for(raster, output, encoder, **options), Silent())
    return read_bands(output)


def write_scene(path: Path, values: np.ndarray, nodata: "float | None" = None, block: int = 64) -> Path:
    """Write `(bands, rows, cols)` as a tiled GeoTIFF."""
    kind = {"uint16": gdal.GDT_UInt16, "float32": gdal.GDT_Float32, "uint8": gdal.GDT_Byte}[str(values.dtype)]
    bands, rows, columns = values.shape
    dataset = gdal.GetDriverByName("GTiff").Create(
        str(path), columns, rows, bands, kind, ["TILED=YES", f"BLOCKXSIZE={block}", f"BLOCKYSIZE={block}"])
    dataset.SetGeoTransform((300000.0, 10.0, 0.0, 5000000.0, 0.0, -10.0))
    for index in range(bands):
        band = dataset.GetRasterBand(index + 1)
        if nodata is not None:
            band.SetNoDataValue(nodata)
        band.SetDescription(f"B{index + 1}")
        band.WriteArray(values[index])
    dataset = None
    return path


def scene(bands: int = 4, rows: int = 230, columns: int = 310, seed: int = 3) -> np.ndarray:
    """Return a textured scene of fields with a gradient, as uint16."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    fields = (np.sin(x / 17.0) > 0).astype(float) + 2 * (np.cos(y / 23.0) > 0.2)
    found = [500 + 300 * fields * (1 + 0.3 * band) + chance.normal(0, 60 + 20 * band, (rows, columns)) + x
             for band in range(bands)]
    return np.clip(np.array(found), 1, 60000).astype(np.uint16)


@pytest.fixture
def small_scene(tmp_path: Path) -> Path:
    """Write the scene that most tests embed."""
    return write_scene(tmp_path / "scene.tif", scene())


@pytest.fixture
def encoder(small_scene: Path, tmp_path: Path) -> Path:
    """Return the card of an encoder fitted to the small scene."""
    run(small_scene, tmp_path / "first.tif", cell=8, dimensions=16)
    return tmp_path / "first.encoder.json"


def test_the_same_call_twice_is_bit_equal(small_scene: Path, tmp_path: Path) -> None:
    first = run(small_scene, tmp_path / "a.tif", cell=8, dimensions=16, seed=5)
    second = run(small_scene, tmp_path / "b.tif", cell=8, dimensions=16, seed=5)
    assert first.tobytes() == second.tobytes()
    assert (tmp_path / "a.encoder.onnx").read_bytes() == (tmp_path / "b.encoder.onnx").read_bytes()


@pytest.mark.parametrize("options", (
    {"memory_mib": 16}, {"memory_mib": 4000}, {"batch": 1}, {"batch": 7}, {"threads": 1}, {"overlap": 64}), ids=str)
def test_tiling_changes_nothing(options: dict, small_scene: Path, encoder: Path, tmp_path: Path) -> None:
    reference = run(small_scene, tmp_path / "reference.tif", encoder)
    card = read_card(encoder)
    for tile in (card.suggested_tile, 64, 40):
        other = replace(card, suggested_tile=tile, path=tmp_path / "other.json")
        write_card(other, other.path)
        found = run(small_scene, tmp_path / "found.tif", other.path, **options)
        scale = np.abs(reference).max()
        np.testing.assert_allclose(found, reference, rtol=1e-5, atol=1e-5 * scale)


def test_blocks_alone_equal_the_run(small_scene: Path, encoder: Path, tmp_path: Path) -> None:
    """The pure function of a plan and a window gives what the pipeline wrote."""
    whole = run(small_scene, tmp_path / "whole.tif", encoder)
    request = request_for(small_scene, tmp_path / "x.tif", encoder)
    plan = prepare(request, PartialWork(tmp_path / "x.tif", "x", False), Silent()).plan
    block = Window(5, 3, 11, 9)
    found = block_functions.embed_block(plan, block).vectors
    np.testing.assert_allclose(found, whole[:, 3:12, 5:16], rtol=1e-5, atol=1e-5)


def test_unchanged_ground_keeps_its_vectors(tmp_path: Path) -> None:
    before = scene()
    after = before.copy()
    after[:, :60, :60] = 60000
    first = write_scene(tmp_path / "before.tif", before)
    second = write_scene(tmp_path / "after.tif", after)
    a = run(first, tmp_path / "a.tif", cell=8, dimensions=16)
    b = run(second, tmp_path / "b.tif", tmp_path / "a.encoder.json")
    changed = np.zeros(a.shape[1:], dtype=bool)
    changed[:9, :9] = True
    assert np.array_equal(a[:, ~changed], b[:, ~changed])
    assert np.abs(a[:, :6, :6] - b[:, :6, :6]).max() > 0.1


NODATA_CASES = ("scattered", "edges", "block")


@pytest.mark.parametrize("case", NODATA_CASES)
@pytest.mark.parametrize("kind", ("uint16", "float32"))
def test_nodata_never_leaks(case: str, kind: str, tmp_path: Path) -> None:
    clean = scene().astype(kind)
    holes = np.zeros(clean.shape[1:], dtype=bool)
    if case == "scattered":
        holes[np.random.default_rng(0).random(holes.shape) < 0.02] = True
        holes[:, :150] = False
    elif case == "edges":
        holes[:20] = holes[:, -25:] = True
    else:
        holes[64:128, 64:192] = True
    nodata = 0.0 if kind == "uint16" else -9999.0
    dirty = np.where(holes, clean.dtype.type(nodata), clean)
    if kind == "float32" and case == "block":
        dirty[:, holes] = np.nan
    first = write_scene(tmp_path / "clean.tif", clean)
    second = write_scene(tmp_path / "dirty.tif", dirty, nodata)
    a = run(first, tmp_path / "a.tif", cell=8, dimensions=16)
    b = run(second, tmp_path / "b.tif", tmp_path / "a.encoder.json")
    dataset = gdal.Open(str(tmp_path / "b.tif"))
    assert np.isnan(dataset.GetRasterBand(1).GetNoDataValue())
    valid = np.isfinite(b)
    assert np.array_equal(valid.any(axis=0), valid.all(axis=0)), "a cell has all its numbers or none"
    rows, columns = valid.shape[1:]
    padded = np.pad(holes, ((0, rows * 8 - holes.shape[0]), (0, columns * 8 - holes.shape[1])), mode="reflect")
    share = 1 - padded.reshape(rows, 8, columns, 8).mean(axis=(1, 3))
    assert np.array_equal(valid[0], share >= 0.5)
    reach = 16
    touched = np.zeros_like(valid[0])
    wide = np.pad(padded, reach, mode="reflect")
    for row in range(rows):
        for column in range(columns):
            touched[row, column] = wide[row * 8:row * 8 + 8 + 2 * reach, column * 8:column * 8 + 8 + 2 * reach].any()
    assert (~touched).any()
    assert np.array_equal(a[:, ~touched], b[:, ~touched]), "cells far from nodata are untouched"
    if case == "scattered":
        assert np.abs(b[:, valid[0]]).max() < 5 * np.abs(a).max(), "no nodata value was averaged in"


def test_an_empty_band_among_many_is_left_out(tmp_path: Path) -> None:
    values = scene(bands=30, rows=120, columns=140).astype(np.float32)
    values[7] = -9999
    path = write_scene(tmp_path / "many.tif", values, -9999)
    progress = Recorder()
    embed_raster(request_for(path, tmp_path / "many-out.tif", cell=8, dimensions=16), progress)
    found = read_bands(tmp_path / "many-out.tif")
    assert np.isfinite(found).all()
    assert any("B8" in text for text in progress.warned)
    other = np.delete(values, 7, axis=0)
    replaced = np.insert(other, 7, 12345.0, axis=0)
    again = run(write_scene(tmp_path / "filled.tif", replaced, -9999), tmp_path / "filled-out.tif",
                tmp_path / "many-out.encoder.json")
    np.testing.assert_allclose(again, found, rtol=1e-4, atol=1e-4)


def test_signed_bytes_know_their_nodata(tmp_path: Path) -> None:
    values = (scene(bands=2, rows=64, columns=64) % 100).astype(np.int8)
    values[:, :32] = -128
    dataset = gdal.GetDriverByName("GTiff").Create(
        str(tmp_path / "signed.tif"), 64, 64, 2, gdal.GDT_Byte, ["PIXELTYPE=SIGNEDBYTE"])
    dataset.SetGeoTransform((0, 10, 0, 0, 0, -10))
    for index in (1, 2):
        dataset.GetRasterBand(index).WriteRaster(0, 0, 64, 64, values[index - 1].tobytes(), buf_type=gdal.GDT_Byte)
        dataset.GetRasterBand(index).SetNoDataValue(-128)
    dataset = None
    found = run(tmp_path / "signed.tif", tmp_path / "out.tif", cell=8, dimensions=4)
    assert np.isnan(found[:, :4]).all()
    assert np.isfinite(found[:, 4:]).all()


def test_alpha_and_mask_bands_count(tmp_path: Path) -> None:
    values = scene(bands=4, rows=64, columns=64)
    values[3] = 255
    values[3, :, :32] = 0
    dataset = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "alpha.tif"), 64, 64, 4, gdal.GDT_UInt16)
    dataset.SetGeoTransform((0, 10, 0, 0, 0, -10))
    for index in range(4):
        dataset.GetRasterBand(index + 1).WriteArray(values[index])
    dataset.GetRasterBand(4).SetColorInterpretation(gdal.GCI_AlphaBand)
    dataset = None
    found = run(tmp_path / "alpha.tif", tmp_path / "out.tif", cell=8, dimensions=4)
    assert np.isnan(found[:, :, :4]).all()
    assert np.isfinite(found[:, :, 4:]).all()
    assert len(read_card(tmp_path / "out.encoder.json").bands) == 3


@pytest.mark.parametrize("coding", ("int16", "uint8"))
def test_codings_keep_values_and_nodata(coding: str, tmp_path: Path) -> None:
    values = scene()
    values[:, :40, :40] = 0
    path = write_scene(tmp_path / "scene.tif", values, 0)
    exact = run(path, tmp_path / "exact.tif", cell=8, dimensions=16)
    run(path, tmp_path / "coded.tif", tmp_path / "exact.encoder.json", coding=coding)
    field = open_field(str(tmp_path / "coded.tif"))
    dataset = gdal.Open(str(tmp_path / "coded.tif"))
    assert dataset.GetRasterBand(1).GetNoDataValue() == {"int16": -32768, "uint8": 0}[coding]
    decoded = field.read(dataset, field.info.grid.whole)
    assert np.array_equal(np.isnan(decoded), np.isnan(exact))
    span = np.nanmax(exact, axis=(1, 2)) - np.nanmin(exact, axis=(1, 2))
    worst = np.nanmax(np.abs(decoded - exact), axis=(1, 2))
    steps = {"int16": 65534, "uint8": 254}[coding]
    assert (worst <= 0.62 * span / steps).all(), "every value is within about half a step"
    assert field.key.split("/")[2] == {"int16": "i2", "uint8": "u1"}[coding]
    assert field.space == open_field(str(tmp_path / "exact.tif")).space


def test_pca_equals_a_reference(tmp_path: Path) -> None:
    """The reduction that is stored is the principal components of the vectors it reduces."""
    path = write_scene(tmp_path / "scene.tif", scene(rows=160, columns=160))
    full = run(path, tmp_path / "full.tif", cell=8, dimensions=24)
    embed = request_for(path, tmp_path / "reduced.tif", tmp_path / "full.encoder.json", dimensions=5)
    result = embed_raster(embed, Silent())
    found = read_bands(tmp_path / "reduced.tif")
    table = full.reshape(24, -1).T.astype(np.float64)
    centred = table - table.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    wanted = centred @ directions[:5].T
    got = found.reshape(5, -1).T
    for index in range(5):
        correlation = np.corrcoef(wanted[:, index], got[:, index])[0, 1]
        assert abs(correlation) > 0.999
    assert open_field(result.output).space.reduction["method"] == "pca"
    again = run(path, tmp_path / "again.tif", result.encoder_card)
    assert again.tobytes() == found.tobytes()
    assert open_field(str(tmp_path / "again.tif")).key == open_field(result.output).key


def polygon(xmin: float, ymin: float, xmax: float, ymax: float) -> bytes:
    """Return a rectangle as WKB."""
    text = f"POLYGON(({xmin} {ymin},{xmax} {ymin},{xmax} {ymax},{xmin} {ymax},{xmin} {ymin}))"
    return bytes(ogr.CreateGeometryFromWkt(text).ExportToWkb())


def test_blocks_outside_the_mask_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raster = write_ramp(tmp_path / "ramp.tif", 1200, 900)
    card = mean_encoder(tmp_path, 4, 64, "map")
    whole = run(raster, tmp_path / "whole.tif", card.path, memory_mib=16)
    shapes = (polygon(300105, 4999503, 300307, 4999891), polygon(311013, 4991511, 311405, 4991907))
    windows = []
    plain = block_functions.read_valid

    def counted(dataset: object, window: Window, *rest: object) -> tuple:
        windows.append(window)
        return plain(dataset, window, *rest)

    monkeypatch.setattr(block_functions, "read_valid", counted)
    result = embed_raster(request_for(raster, tmp_path / "part.tif", card.path, mask=shapes, memory_mib=16), Silent())
    assert result.blocks > 8
    assert result.blocks_read == len(windows) == 2
    found = read_bands(tmp_path / "part.tif")
    inside = np.isfinite(found[0])
    centres_x = 300000 + (np.arange(300) + 0.5) * 40
    centres_y = 5000000 - (np.arange(225) + 0.5) * 40
    near = np.zeros_like(inside)
    for xmin, ymin, xmax, ymax in ((300105, 4999503, 300307, 4999891), (311013, 4991511, 311405, 4991907)):
        near |= ((np.abs(centres_x - (xmin + xmax) / 2) < (xmax - xmin) / 2 + 20)[None, :]
                 & (np.abs(centres_y - (ymin + ymax) / 2) < (ymax - ymin) / 2 + 20)[:, None])
    assert np.array_equal(inside, near), "every cell that a polygon touches, and no other"
    assert np.array_equal(found[:, inside], whole[:, inside])


def test_cancel_answers_within_a_second_and_leaves_nothing_finished(tmp_path: Path) -> None:
    raster = write_scene(tmp_path / "large.tif", scene(rows=1500, columns=1500))
    output = tmp_path / "out.tif"
    progress = Recorder()
    progress.stop_at = 0.3
    with pytest.raises(Cancelled):
        embed_raster(request_for(raster, output, memory_mib=64, cell=8), progress)
    assert time.monotonic() - progress.stopped_at < 1.0
    assert not output.exists()
    assert (tmp_path / "out.tif.partial").is_dir()
    progress = Recorder()
    progress.stop_at = 0.3
    with pytest.raises(Cancelled):
        embed_raster(request_for(raster, output, memory_mib=64, cell=8, resume=False), progress)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["large.tif"]
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("earthprint")]
    assert not [thread for thread in ours if _outlives(thread)]


def _outlives(thread: threading.Thread) -> bool:
    """Tell whether a thread is still there after a while."""
    thread.join(20)
    return thread.is_alive()


KILLED = """
import os, signal, sys
sys.path.insert(0, {build!r})
from earthprint.engine import partial
from earthprint.engine.embedding.making import MakeEncoderRequest, make_encoder
from earthprint.engine.embedding.plan import EmbedRequest
from earthprint.engine.embedding.raster import embed_raster
from earthprint.engine.encoders.library import EncoderFolders
from earthprint.engine.progress import Silent
from pathlib import Path
save = partial.PartialWork.save
count = [0]
def counted(self, block, values):
    save(self, block, values)
    count[0] += 1
    if count[0] == 3:
        os.kill(os.getpid(), signal.SIGKILL)
partial.PartialWork.save = counted
folder = Path({folder!r})
embed_raster(EmbedRequest((str(folder / "scene.tif"),), "automatic", str(folder / "out.tif"),
             EncoderFolders(folder, folder), cell=8, dimensions=16, memory_mib=16, coding="int16"), Silent())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_run_resumes_bit_equal(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif", scene(rows=900, columns=1100))
    options = {"cell": 8, "dimensions": 16, "memory_mib": 16, "coding": "int16"}
    undisturbed = run(tmp_path / "scene.tif", tmp_path / "calm.tif", **options)
    build = str(Path(__file__).resolve().parents[2] / "build")
    code = KILLED.format(build=build, folder=str(tmp_path))
    killed = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=os.environ.copy(), check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "out.tif").exists()
    finished = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out.tif.partial").glob("block_*.npy")}
    assert len(finished) == 3
    progress = Recorder()
    result = embed_raster(request_for(tmp_path / "scene.tif", tmp_path / "out.tif", **options), progress)
    assert result.resumed_blocks == 3
    assert result.blocks_read == result.blocks - 3, "finished blocks are not computed twice"
    assert any("Resuming: 3 of" in text for text in progress.said)
    assert read_bands(tmp_path / "out.tif").tobytes() == undisturbed.tobytes()
    assert not (tmp_path / "out.tif.partial").exists()


def test_another_call_does_not_resume(small_scene: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.tif"
    progress = Recorder()
    progress.stop_at = 0.3
    with pytest.raises(Cancelled):
        embed_raster(request_for(small_scene, output, cell=8), progress)
    before = json.loads((tmp_path / "out.tif.partial" / "journal.json").read_text())
    result = embed_raster(request_for(small_scene, output, cell=8, seed=1), Silent())
    assert result.resumed_blocks == 0
    assert before["digest"]


def test_a_failure_leaves_an_older_output_alone(small_scene: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.tif"
    output.write_bytes(b"older work")
    with pytest.raises(EarthprintError):
        embed_raster(request_for(small_scene, output, tmp_path / "no-such.json"), Silent())
    assert output.read_bytes() == b"older work"
    assert not (tmp_path / "out.tif.partial").exists()


def test_a_raster_without_a_valid_pixel_is_refused(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "empty.tif", np.zeros((2, 80, 80), dtype=np.uint16), 0)
    with pytest.raises(InputError, match="no valid pixel") as caught:
        embed_raster(request_for(path, tmp_path / "out.tif"), Silent())
    assert "empty.tif" in str(caught.value)
    assert not (tmp_path / "out.tif").exists()


def test_one_valid_corner_of_a_large_raster_is_found(tmp_path: Path) -> None:
    values = np.zeros((3, 2000, 2000), dtype=np.uint16)
    values[:, 1800:1900, 1700:1800] = scene(3, 100, 100)
    path = write_scene(tmp_path / "sparse.tif", values, 0, 256)
    found = run(path, tmp_path / "out.tif", cell=8, dimensions=8)
    finite = np.isfinite(found[0])
    assert finite.sum() == pytest.approx(100 * 100 / 64, rel=0.1)
    assert not finite[:220].any()


def test_a_rotated_raster_is_refused(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "rotated.tif", scene(2, 80, 80))
    dataset = gdal.Open(str(path), gdal.GA_Update)
    dataset.SetGeoTransform((0, 10, 1, 0, 1, -10))
    dataset = None
    with pytest.raises(InputError, match="rotated"):
        embed_raster(request_for(path, tmp_path / "out.tif"), Silent())


def test_a_damaged_raster_is_named_with_the_place(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "damaged.tif", scene(rows=600, columns=600))
    content = path.read_bytes()
    path.write_bytes(content[:len(content) * 2 // 3])
    with pytest.raises(EarthprintError, match="damaged.tif"):
        embed_raster(request_for(path, tmp_path / "out.tif", cell=8), Silent())
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["damaged.tif"]



def test_the_same_raster_makes_the_same_space_under_any_output_name(small_scene: Path, tmp_path: Path) -> None:
    run(small_scene, tmp_path / "one.tif", cell=8, dimensions=16)
    run(small_scene, tmp_path / "two.tif", cell=8, dimensions=16)
    copy = tmp_path / "copy.tif"
    copy.write_bytes(small_scene.read_bytes())
    run(copy, tmp_path / "three.tif", cell=8, dimensions=16)
    keys = {open_field(str(tmp_path / f"{name}.tif")).key for name in ("one", "two", "three")}
    assert len(keys) == 1


def test_an_encoder_may_give_vectors_of_length_one(small_scene: Path, tmp_path: Path) -> None:
    request = MakeEncoderRequest((str(small_scene),), str(tmp_path / "unit.onnx"), cell=8, dimensions=16,
                                 unit_norm=True)
    made = make_encoder(request, Silent())
    found = run(small_scene, tmp_path / "unit.tif", made.card_path)
    np.testing.assert_allclose(np.linalg.norm(found, axis=0), 1, atol=1e-5)
    assert open_field(str(tmp_path / "unit.tif")).key.endswith("/cosine/unit")
