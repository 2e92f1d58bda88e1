""""Add an encoder" through processing.run: a foreign file becomes an encoder that works by its id."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Dict

import numpy as np
import pytest
from qgis.core import QgsProcessingException
from ramps import mean_encoder, read_bands, write_ramp

ANSWERS: Dict[str, Any] = {"BANDS": "column;row;sum", "UNIT": "pixel", "SCALING": "none", "TILE": 32}


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Return an ONNX file that nobody has described."""
    folder = tmp_path / "made"
    folder.mkdir()
    path = tmp_path / "bare-mean.onnx"
    shutil.copyfile(mean_encoder(folder, 8).model_path, path)
    return path


def test_answers_make_a_card_and_the_encoder_works_by_id(
        run_algorithm: Any, bare: Path, encoders_folder: Path, tmp_path: Path) -> None:
    added = run_algorithm("addencoder", dict(ANSWERS, ONNX=str(bare), NAME="my mean"))
    assert Path(added["OUTPUT"]).parent == encoders_folder and added["DIMENSIONS_OUT"] == 3
    ramp = write_ramp(tmp_path / "ramp.tif", 76, 52)
    found = run_algorithm("embedraster", {"INPUT": str(ramp), "ENCODER": added["ENCODER_ID"],
                                          "OUTPUT": str(tmp_path / "field.tif")})
    columns, rows = np.meshgrid((np.arange(9) + 0.5) * 8, (np.arange(6) + 0.5) * 8)
    assert np.allclose(read_bands(found["OUTPUT"])[:2, :6, :9], np.stack([columns, rows]), atol=1e-4)


def test_what_cannot_be_known_is_asked_in_one_sentence(run_algorithm: Any, bare: Path) -> None:
    with pytest.raises(QgsProcessingException, match="bare-mean.onnx.*BANDS.*UNIT.*MEAN and STD, or SCALING"):
        run_algorithm("addencoder", {"ONNX": str(bare)})


def test_the_answer_that_is_left_as_the_file_tells_is_no_answer(run_algorithm: Any, bare: Path) -> None:
    added = run_algorithm("addencoder", dict(ANSWERS, ONNX=str(bare), NAME="euclid", METRIC="euclidean"))
    assert '"euclidean"' in Path(added["OUTPUT"]).read_text(encoding="utf-8")
    plain = run_algorithm("addencoder", dict(ANSWERS, ONNX=str(bare), NAME="plain"))
    assert "as the file tells" not in Path(plain["OUTPUT"]).read_text(encoding="utf-8")


@pytest.mark.parametrize("change, said", [
    ({"ONNX": "/no/such/encoder.onnx"}, "/no/such/encoder.onnx"),
    ({"CARD": "no-such-card"}, "There is no card no-such-card"),
    ({"BANDS": "red;green"}, "BANDS names 2 bands"),
    ({"PATCH": 7}, "PATCH is 7")])
def test_wrong_answers_are_told_in_words(run_algorithm: Any, bare: Path, change: Dict[str, Any], said: str) -> None:
    with pytest.raises(QgsProcessingException, match=said):
        run_algorithm("addencoder", dict(dict(ANSWERS, ONNX=str(bare)), **change))
