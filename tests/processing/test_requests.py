"""Every parameter reaches the engine under its own name: what is asked is caught before any work is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import pytest
from qgis.core import QgsProcessing, QgsProcessingException
from small_rasters import landscape, write_raster

from earthprint.engine.embedding import making, patches, raster
from earthprint.engine.embedding.plan import EmbedRequest, PatchRequest
from earthprint.engine.encoders import adding
from earthprint.engine.errors import InputError


@pytest.fixture
def caught(monkeypatch: pytest.MonkeyPatch) -> List[Any]:
    """Return the list in which requests end up in place of a run."""
    requests: List[Any] = []

    def catch(request: Any, *_: Any) -> None:
        requests.append(request)
        raise InputError("caught", "Caught.")

    for module, name in ((raster, "embed_raster"), (patches, "embed_patches"), (making, "make_encoder"),
                         (adding, "add_encoder")):
        monkeypatch.setattr(module, name, catch)
    return requests


@pytest.fixture
def scenes(tmp_path: Path) -> List[str]:
    """Return three dates on one grid."""
    return [str(write_raster(tmp_path / f"date{number}.tif", landscape(seed=number))) for number in range(3)]


def ask(run_algorithm: Any, algorithm: str, **parameters: Any) -> None:
    with pytest.raises(QgsProcessingException, match="^Caught.$"):
        run_algorithm(algorithm, parameters)


COMMON = {"ENCODER": "automatic", "BANDS": "2;1", "EXTENT": "500000,500640,5699360,5700000", "CELL": 6, "OVERLAP": 12,
          "DIMENSIONS": 7, "CODING": "int16", "DEVICE": "cpu", "BATCH": 3, "MEMORY": 256, "RESUME": False, "SEED": 11,
          "MIN_VALID": 0.75, "DATES": "2023-01-01; 2023-02-01;2023-03-01T10:30"}


def expected(scenes: List[str], output: str) -> "dict[str, Any]":
    return {"rasters": tuple(scenes), "encoder": "automatic", "output": output, "bands": "2;1",
            "extent": (500000.0, 5699360.0, 500640.0, 5700000.0), "mask": None, "cell": 6, "overlap": 12,
            "dimensions": 7, "coding": "int16", "device": "cpu", "batch": 3, "memory_mib": 256, "resume": False,
            "seed": 11, "min_valid": 0.75, "dates": ("2023-01-01", "2023-02-01", "2023-03-01T10:30"),
            "temporary": False}


def test_embedraster(run_algorithm: Any, caught: List[Any], scenes: List[str], tmp_path: Path,
                     encoders_folder: Path) -> None:
    output = str(tmp_path / "field.tif")
    ask(run_algorithm, "embedraster", INPUT=scenes[0], FURTHER=scenes[1:], OUTPUT=output, **COMMON)
    [request] = caught
    assert type(request) is EmbedRequest and request.folders.user == encoders_folder
    for name, value in expected(scenes, output).items():
        assert getattr(request, name) == value, name


def test_embedpatches(run_algorithm: Any, caught: List[Any], scenes: List[str], tmp_path: Path) -> None:
    output = str(tmp_path / "patches.gpkg")
    ask(run_algorithm, "embedpatches", INPUT=scenes[0], FURTHER=scenes[1:], SIZE=24, GEOMETRY="centre", OUTPUT=output,
        **COMMON)
    [request] = caught
    assert type(request) is PatchRequest and (request.size, request.geometry) == (24, "centre")
    for name, value in expected(scenes, output).items():
        assert getattr(request, name) == value, name


def test_the_short_call_asks_for_the_engines_own_defaults(
        run_algorithm: Any, caught: List[Any], scenes: List[str]) -> None:
    ask(run_algorithm, "embedraster", INPUT=scenes[0], OUTPUT=QgsProcessing.TEMPORARY_OUTPUT)
    [request] = caught
    plain = EmbedRequest(request.rasters, "automatic", request.output, request.folders, temporary=True)
    assert request == plain


def test_makeencoder(run_algorithm: Any, caught: List[Any], scenes: List[str], tmp_path: Path) -> None:
    output = str(tmp_path / "made.onnx")
    ask(run_algorithm, "makeencoder", INPUTS=scenes, BANDS="1;3", EXTENT="500000,500640,5699360,5700000", CELL=5,
        DIMENSIONS=9, FILTERS=33, PATCH="3; 7", SEED=4, OUTPUT=output)
    [request] = caught
    assert (request.rasters, request.bands, request.cell, request.dimensions, request.filters, request.patches,
            request.seed, request.output) == (tuple(scenes), "1;3", 5, 9, 33, (3, 7), 4, output)
    assert request.extent == (500000.0, 5699360.0, 500640.0, 5700000.0)


def test_addencoder(run_algorithm: Any, caught: List[Any], scenes: List[str], tmp_path: Path) -> None:
    file = tmp_path / "encoder.onnx"
    file.write_bytes(b"")
    texts = {name: name.lower() for name in ("CARD", "NAME", "BANDS", "WAVELENGTHS", "UNIT", "VALID_RANGE", "SCALING",
                                             "MEAN", "STD", "OUTPUT_NAME", "AXES", "LICENCE")}
    numbers = {"PATCH": 16, "TOKENS_DROP": 5, "TILE": 224, "DATES": 3}
    ask(run_algorithm, "addencoder", ONNX=str(file), POOLING="cls", METRIC="euclidean", DEVICE="auto", **texts,
        **numbers)
    [request] = caught
    assert request.onnx == file and (request.pooling, request.metric, request.device) == ("cls", "euclidean", "auto")
    for name, value in {**texts, **numbers}.items():
        assert getattr(request, name.lower()) == value, name
    ask(run_algorithm, "addencoder", ONNX=str(file))
    assert (caught[1].pooling, caught[1].metric, caught[1].tokens_drop, caught[1].patch) == ("", "", -1, 0)
