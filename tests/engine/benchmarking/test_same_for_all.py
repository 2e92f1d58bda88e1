"""What keeps a comparison fair: the same draws, regions that change nothing, and kept pieces that are told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_rows import MadeRows
from small_fields import wkt_of, write_bands

from earthprint.engine.benchmarking.around_labels import around_labels
from earthprint.engine.benchmarking.draws import draws_of, times
from earthprint.engine.benchmarking.image_candidates import ImageEncoder, Imaging
from earthprint.engine.benchmarking.questions import read_question
from earthprint.engine.benchmarking.request import BenchmarkRequest, Labelled
from earthprint.engine.benchmarking.store import Piece, ResultStore
from earthprint.engine.benchmarking.stored_candidates import FieldCandidate
from earthprint.engine.embedding.plan import EmbedRequest
from earthprint.engine.embedding.raster import embed_raster
from earthprint.engine.encoders.library import EncoderFolders
from earthprint.engine.errors import EarthprintError
from earthprint.engine.field import open_field
from earthprint.engine.grid import Grid
from earthprint.engine.progress import Silent
from earthprint.engine.training.folds import random_folds

PIXEL = 10.0
TRANSFORM = (500000.0, PIXEL, 0.0, 5700000.0, 0.0, -PIXEL)


def question_of(shapes: "list[str]", tmp_path: Path) -> object:
    rows = MadeRows(shapes, {"value": [float(number) for number in range(len(shapes))]}, name="“plots”")
    request = BenchmarkRequest((Labelled(rows, ("value",)),), str(tmp_path / "x.gpkg"), str(tmp_path / "r"),
                               EncoderFolders(), task="regression")
    return read_question("plots", rows, "value", request, Silent())


def test_draws_are_training_rows_with_every_class_and_repeat_by_seed() -> None:
    strata = np.array([0] * 90 + [1] * 6 + [2] * 4)
    folds = random_folds(np.arange(100), 5, 0, strata)
    drawn = draws_of(folds, 10, strata, 7)
    assert len(drawn.rows) == times(10) > 1
    for parts in drawn.rows:
        for number, rows in enumerate(parts):
            assert len(rows) == 10 == len(set(rows.tolist()))
            assert (folds.fold[rows] != number).all() and set(strata[rows]) == {0, 1, 2}
    again = draws_of(folds, 10, strata, 7)
    assert all((a == b).all() for first, second in zip(drawn.rows, again.rows) for a, b in zip(first, second))
    assert any((a != b).any() for a, b in zip(drawn.rows[0], drawn.rows[1]))
    assert any((a != b).any() for a, b in zip(drawn.rows[0], draws_of(folds, 10, strata, 8).rows[0]))
    whole = draws_of(folds, 0, strata, 7).rows
    assert len(whole) == 1 and all((folds.fold[rows] != number).sum() == len(rows) == (folds.fold != number).sum()
                                   for number, rows in enumerate(whole[0]))


def test_only_the_ground_around_labels_is_embedded_and_vectors_are_those_of_the_whole(tmp_path: Path) -> None:
    chance = np.random.default_rng(2)
    image = write_bands(tmp_path / "scene.tif", chance.normal(1000, 200, (2, 500, 700)), TRANSFORM, 32633, -1.0)
    shapes = [f"POINT ({500000 + 10 * x} {5700000 - 10 * y})" for x, y in ((30, 40), (333.3, 250), (690, 20), (5, 495))]
    shapes.append("POLYGON ((502000 5697000, 502300 5697000, 502300 5697250, 502000 5697250, 502000 5697000))")
    question = question_of(shapes, tmp_path)
    mask = around_labels(question, Grid(700, 500, TRANSFORM, wkt_of(32633)), image, 4, Silent())
    assert mask is not None and 0 < len(mask) < 12
    imaging = Imaging(tmp_path, EncoderFolders(), 4, 0, "cpu", 256)
    found = ImageEncoder("automatic", "automatic", image, imaging).vectors(question, Silent())
    whole = embed_raster(EmbedRequest((image,), "automatic", str(tmp_path / "whole.tif"), EncoderFolders(), cell=4,
                                      temporary=True), Silent())
    expected = FieldCandidate("whole", whole.output).vectors(question, Silent())
    assert found.there.all() and expected.there.all() and open_field(whole.output).space.dimensions == 64
    np.testing.assert_allclose(found.values, expected.values, atol=1e-4)
    assert not list(tmp_path.glob("work-*"))
    far = question_of(["POINT (100000 100000)"] * 3, tmp_path)
    assert around_labels(far, Grid(700, 500, TRANSFORM, wkt_of(32633)), image, 4, Silent()) == ()
    assert not ImageEncoder("automatic", "automatic", image, imaging).vectors(far, Silent()).there.any()


def test_pieces_are_told_apart_by_what_decides_them(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "kept", resume=True)
    store.save("vectors", {"file": "a", "size": 1}, Piece({"values": np.arange(3.0)}, {"seconds": 2.5}))
    found = ResultStore(tmp_path / "kept", resume=True)
    piece = found.load("vectors", {"size": 1, "file": "a"})
    assert piece is not None and piece.notes == {"seconds": 2.5} and piece.arrays["values"].tolist() == [0, 1, 2]
    assert found.load("vectors", {"file": "a", "size": 2}) is None and found.load("probed", {"size": 1}) is None
    assert (found.found, found.computed) == (1, 0)
    afresh = ResultStore(tmp_path / "kept", resume=False)
    assert afresh.load("vectors", {"file": "a", "size": 1}) is None
    assert not list((tmp_path / "kept").glob(".*"))
    (tmp_path / "file").write_text("")
    with pytest.raises(EarthprintError):
        ResultStore(tmp_path / "file", resume=True)
