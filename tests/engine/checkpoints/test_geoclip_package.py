"""GeoCLIP's tower, read out of the wheel that it is published in, equals its package's own output within 3e-5."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from geoclip_wheel import WEIGHTS, WEIGHTS_SHA256, own_encoder, wheel  # noqa: E402
from torch_towers import places  # noqa: E402

from earthprint.engine.checkpoints.converting import ConvertRequest, convert_checkpoint  # noqa: E402
from earthprint.engine.checkpoints.opening import open_checkpoint  # noqa: E402
from earthprint.engine.locations.stored import open_location_encoder  # noqa: E402
from earthprint.engine.progress import Silent  # noqa: E402


def test_the_converted_tower_equals_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = wheel()
    result = convert_checkpoint(ConvertRequest(str(package), output=str(tmp_path / "geoclip.onnx")), Silent())
    assert (result.family, result.dimensions, result.left_out) == ("geoclip", 512, ())
    own = own_encoder(package, tmp_path / "package", monkeypatch)
    at = places(1500)
    with torch.no_grad():
        wanted = own(torch.tensor(at[:, ::-1].copy(), dtype=torch.float32)).numpy()
    stored = open_location_encoder(result.output)
    found = stored.vectors(at)
    assert np.abs(found - wanted).max() < 3e-5
    assert 0.3 < np.linalg.norm(found, axis=1).mean() < 0.4
    assert 0.1 < result.continuity.seam < 0.4 and result.continuity.pole < 0.6
    assert len(result.warnings) == 2
    assert stored.card.source["sha256"] == WEIGHTS_SHA256
    assert "1.3.0" in stored.card.description and not stored.seamless


def test_the_tensors_are_those_that_pytorch_reads(tmp_path: Path) -> None:
    package = wheel()
    with zipfile.ZipFile(package) as archive:
        archive.extract(WEIGHTS, tmp_path)
    wanted = torch.load(tmp_path / WEIGHTS, weights_only=True, map_location="cpu")
    found = open_checkpoint(package, Silent()).tensors
    assert set(found) == set(wanted)
    assert all(np.array_equal(found[name].read(), tensor.numpy()) for name, tensor in wanted.items())
