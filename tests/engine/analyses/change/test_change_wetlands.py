"""Two aerial images of one place: wetlands that filled or dried are found in embeddings of one automatic encoder."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def accuracy(sample_data: Path) -> Any:
    """Return the benchmark as a module, so that it and this test measure the same."""
    import sys

    place = importlib.util.spec_from_file_location("change_accuracy", ROOT / "benchmarks" / "change_accuracy.py")
    module = importlib.util.module_from_spec(place)
    sys.modules[place.name] = module
    place.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def dates(accuracy: Any, tmp_path_factory: pytest.TempPathFactory) -> "list[str]":
    """Return both images embedded."""
    return accuracy.embed_both(tmp_path_factory.mktemp("wetlands"), 4)


@pytest.mark.parametrize("method, least", [("euclidean", 0.9), ("standardised", 0.92), ("irmad", 0.9)])
def test_changed_wetlands_score_above_the_rest(accuracy: Any, dates: "list[str]", method: str, least: float,
                                               tmp_path: Path) -> None:
    found = accuracy.assess(dates, method, 0, 4, tmp_path)
    assert found.auc > least
    assert found.f1["otsu"] > 0.2 and found.share["otsu"] < 0.25


def test_stable_fields_give_the_share_of_false_alarms_that_was_asked_for(accuracy: Any, dates: "list[str]",
                                                                         tmp_path: Path) -> None:
    from osgeo import ogr

    from earthprint.engine.analyses.change.raster import detect_change
    from earthprint.engine.analyses.change.request import ChangeOptions, ChangeRequest
    from earthprint.engine.progress import Silent

    raster = gdal.Open(dates[0])
    x, dx, _, y, _, dy = raster.GetGeoTransform()
    truth, scored = accuracy.truth_of(4)
    box = [x, y, x + 60 * dx, y + 150 * dy]
    ring = f"({box[0]} {box[1]},{box[2]} {box[1]},{box[2]} {box[3]},{box[0]} {box[3]},{box[0]} {box[1]})"
    stable = bytes(ogr.CreateGeometryFromWkt(f"POLYGON({ring})").ExportToWkb())
    result = detect_change(ChangeRequest(
        tuple(dates), str(tmp_path / "out.tif"), ChangeOptions("standardised", "stable", (stable,), 0.05),
        changed=str(tmp_path / "mask.tif")), Silent())
    mask = gdal.Open(str(tmp_path / "mask.tif")).ReadAsArray()
    inside = mask[:, :60]
    assert (inside == 2).sum() == int(0.05 * (inside > 0).sum())
    outside = scored[:, 60:] & (mask[:, 60:] > 0)
    marked = mask[:, 60:][outside] == 2
    assert marked[truth[:, 60:][outside]].mean() > 3 * marked[~truth[:, 60:][outside]].mean() > 0
    assert np.isfinite(result.threshold)
