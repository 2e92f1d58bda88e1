""""Convert a location checkpoint" through processing.run: published weights become an encoder of places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import numpy as np
import pytest
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsVectorLayer,
)

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from torch_towers import (  # noqa: E402
    Recipe,
    geoclip_tower,
    places,
    satclip_checkpoint,
    satclip_tower,
    torchspatial_checkpoint,
    torchspatial_tower,
)

from earthprint.engine.locations.stored import open_location_encoder  # noqa: E402


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Return a SatCLIP checkpoint in its published layout, with random weights."""
    path = tmp_path / "satclip-tiny-l6.ckpt"
    torch.save(satclip_checkpoint(satclip_tower(6, 32, 16), 6), path)
    return path


def points(at: np.ndarray) -> QgsVectorLayer:
    """Return a memory layer of places."""
    layer = QgsVectorLayer("Point?crs=EPSG:4326", "points", "memory")
    features = []
    for place in at:
        feature = QgsFeature()
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(*place)))
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


def test_it_writes_an_encoder_that_embeds_locations(run_algorithm: Any, checkpoint: Path, tmp_path: Path) -> None:
    made = run_algorithm("convertcheckpoint", {"CHECKPOINT": str(checkpoint), "OUTPUT": str(tmp_path / "a.onnx")})
    assert made["OUTPUT"] == str(tmp_path / "a.onnx") and Path(made["CARD_OUT"]).is_file()
    assert (made["ENCODER_ID"], made["FAMILY_OUT"], made["DIMENSIONS_OUT"]) == ("satclip-tiny-l6", "satclip", 16)
    assert made["SPACE"].endswith("/16/f4/cosine/any") and made["SEAM_COSINE"] > 0.999
    at = places(60)
    assert np.abs(open_location_encoder(made["OUTPUT"]).vectors(at) - satclip_tower(6, 32, 16).vectors(at)).max() < 1e-5
    found = run_algorithm("embedlocations", {"INPUT": points(at[40:]),
                                             "ENCODER": made["OUTPUT"], "OUTPUT": str(tmp_path / "table.gpkg")})
    assert found["DIMENSIONS_OUT"] == 16 and found["ROWS"] == 20 and found["SPACE"] == made["SPACE"]


def test_without_an_output_it_goes_into_the_folder_and_works_by_its_id(
        run_algorithm: Any, checkpoint: Path, encoders_folder: Path, tmp_path: Path) -> None:
    made = run_algorithm("convertcheckpoint", {"CHECKPOINT": str(checkpoint), "NAME": "my tower", "LICENCE": "CC0-1.0"})
    assert Path(made["OUTPUT"]) == encoders_folder / "my-tower.onnx" and made["ENCODER_ID"] == "my-tower"
    assert json.loads(Path(made["CARD_OUT"]).read_text(encoding="utf-8"))["properties"]["license"] == "CC0-1.0"
    found = run_algorithm("embedlocations", {"INPUT": points(places(60)[40:]), "ENCODER": "my-tower",
                                             "OUTPUT": str(tmp_path / "table.gpkg")})
    assert found["DIMENSIONS_OUT"] == 16


def test_a_temporary_output_works(run_algorithm: Any, checkpoint: Path) -> None:
    made = run_algorithm("convertcheckpoint", {"CHECKPOINT": str(checkpoint),
                                               "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT})
    assert made["OUTPUT"].endswith(".onnx") and Path(made["OUTPUT"]).is_file()


def test_geoclip_tells_where_it_breaks(run_algorithm: Any, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(geoclip_tower().module.state_dict(), path)
    made = run_algorithm("convertcheckpoint", {"CHECKPOINT": str(path), "FAMILY": "geoclip",
                                               "OUTPUT": str(tmp_path / "g.onnx")})
    assert made["ENCODER_ID"] == "geoclip" and made["SEAM_COSINE"] < 0.99


def test_settings_that_the_file_lacks_are_given(run_algorithm: Any, tmp_path: Path) -> None:
    recipe = Recipe("rff", "fourier-planar", 24, activation="tanh")
    tower = torchspatial_tower(recipe)
    path = tmp_path / "model.pth.tar"
    torch.save(torchspatial_checkpoint(recipe, tower, told=False), path)
    made = run_algorithm("convertcheckpoint", {
        "CHECKPOINT": str(path), "KIND": "fourier-planar", "ACTIVATION": "tanh",
        "EXTENT": "-162,-59,20,56 [EPSG:4326]", "OUTPUT": str(tmp_path / "t.onnx")})
    at = places(60)
    assert np.abs(open_location_encoder(made["OUTPUT"]).vectors(at) - tower.vectors(at)).max() < 1e-5


@pytest.mark.parametrize("changes, said", [
    ({"CHECKPOINT": "/no/such/file.ckpt"}, "CHECKPOINT: there is no file or folder “/no/such/file.ckpt”"),
    ({"OUTPUT": "/tmp/a.json"}, "OUTPUT: an encoder is written as ONNX"),
    ({"FAMILY": "geoclip"}, "is of SatCLIP, not of GeoCLIP"),
    ({"MIN_RADIUS": 0.1}, "are for checkpoints of TorchSpatial"),
    ({"CHECKPOINT": __file__}, "is no checkpoint that can be converted")])
def test_wrong_input_is_told_in_one_sentence(run_algorithm: Any, checkpoint: Path, tmp_path: Path,
                                             changes: Dict[str, Any], said: str) -> None:
    parameters = dict({"CHECKPOINT": str(checkpoint), "OUTPUT": str(tmp_path / "a.onnx")}, **changes)
    with pytest.raises(QgsProcessingException, match=said):
        run_algorithm("convertcheckpoint", parameters)
    assert not (tmp_path / "a.onnx").exists() and not (tmp_path / "a.json").exists()


def test_a_checkpoint_that_holds_code_is_refused_unread(run_algorithm: Any, tmp_path: Path) -> None:
    (tmp_path / "evil.pth").write_bytes(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.")
    with pytest.raises(QgsProcessingException, match="was not read because it holds code: it wants to call os.system"):
        run_algorithm("convertcheckpoint", {"CHECKPOINT": str(tmp_path / "evil.pth")})


def test_in_a_model_the_converted_encoder_embeds_in_the_next_step(provider: Any, checkpoint: Path,
                                                                  tmp_path: Path) -> None:
    import processing

    model = QgsProcessingModelAlgorithm("towers", "")
    steps = {"convert": ("earthprint:convertcheckpoint", {"CHECKPOINT": str(checkpoint), "NAME": "of-a-model"}),
             "embed": ("earthprint:embedlocations", {"INPUT": points(places(60)[:25])})}
    for name, (algorithm, values) in steps.items():
        step = QgsProcessingModelChildAlgorithm(algorithm)
        step.setChildId(name)
        for parameter, value in values.items():
            step.addParameterSources(parameter, [QgsProcessingModelChildParameterSource.fromStaticValue(value)])
        if name == "embed":
            step.addParameterSources("ENCODER", [
                QgsProcessingModelChildParameterSource.fromChildOutput("convert", "ENCODER_ID")])
            made = QgsProcessingModelOutput("table", "table")
            made.setChildId(name)
            made.setChildOutputName("OUTPUT")
            step.setModelOutputs({"table": made})
        model.addChildAlgorithm(step)
    model.updateDestinationParameters()
    [target] = [definition.name() for definition in model.destinationParameterDefinitions()]
    found = processing.run(model, {target: str(tmp_path / "table.gpkg")})
    assert found[target] == str(tmp_path / "table.gpkg") and Path(found[target]).stat().st_size > 10_000


def test_it_converts_headless(qgis_process: Any, checkpoint: Path, tmp_path: Path) -> None:
    done = qgis_process("run", "earthprint:convertcheckpoint", f"CHECKPOINT={checkpoint}",
                        f"OUTPUT={tmp_path / 'h.onnx'}")
    assert done.code == 0 and "tensors of the image tower" in done.output
    assert open_location_encoder(tmp_path / "h.onnx").dimensions == 16
