"""Trained location encoders: what can be learnt is learnt, what can't is said, and the file needs no torch."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from location_ground import Listening, asked, rows_of, smooth, some_places, vectors_at
from small_fields import write_field

from earthprint.engine.errors import Cancelled, InputError
from earthprint.engine.location_training.features import Features
from earthprint.engine.location_training.judged import CONSTANT, ENCODER, NEAREST, NEIGHBOURS
from earthprint.engine.location_training.request import CONTRASTIVE, KINDS
from earthprint.engine.location_training.run import learn, train_location_encoder
from earthprint.engine.location_training.torch_network import TorchNetwork
from earthprint.engine.locations.cartesian import unit_sphere
from earthprint.engine.locations.finding import find_location_encoder
from earthprint.engine.locations.stored import open_location_encoder
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space

torch = pytest.importorskip("torch", reason="torch trains location encoders")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """An encoder of a smooth function, with what was told on the way."""
    folder = tmp_path_factory.mktemp("trained")
    places = some_places(900)
    listening = Listening()
    rows = rows_of(places, {"height": smooth(places).tolist()})
    result = train_location_encoder(asked(rows, folder, targets=("height",), epochs=15), listening)
    return folder, places, result, listening


def test_a_smooth_function_is_learnt(trained):
    """In blocks that were held out it is told far better than by coordinates, and the file tells it to a stranger."""
    folder, places, result, listening = trained
    assert result.score > 0.8 > 0.5 > result.score_coordinates
    assert result.score_name == "R²" and result.rows == 900
    # A wave around the globe is alike farther than blocks of it can be wide; nothing else is to be minded.
    assert list(result.warnings) == listening.warnings and all("blocks can be wide" in text for text in result.warnings)
    encoder = find_location_encoder(str(folder / "encoder.onnx"))
    fresh = some_places(400, seed=9)
    design = np.column_stack([np.ones(900), encoder.vectors(places)])
    weights = np.linalg.solve(design.T @ design + 0.1 * np.eye(17), design.T @ smooth(places))
    told = np.column_stack([np.ones(400), encoder.vectors(fresh)]) @ weights
    assert 1 - ((told - smooth(fresh)) ** 2).mean() / smooth(fresh).var() > 0.85


def test_the_card_tells_where_it_comes_from(trained):
    """Figures, settings, area and epochs are those of the training."""
    folder, places, result, listening = trained
    card = open_location_encoder(folder / "encoder.onnx").card
    assert card.figures["height"]["encoder"]["value"] == pytest.approx(result.score, rel=1e-4)
    assert len(card.figures["height"]["encoder"]["folds"]) == 3
    assert card.source["epochs"] == 15 and card.source["objective"] == "target" and card.source["rows"] == 900
    assert card.position.kind == "fourier-sphere" and card.position.settings.length > 0
    assert any(f"{card.position.settings.length:.3g} km" in text or f"{card.position.settings.length:.0f} km" in text
               for text in listening.infos)
    assert not card.area.outside(places).any()
    assert set(card.versions) == {"earthprint", "numpy", "torch"}


def test_progress_has_words_and_only_moves_on(trained):
    """Every epoch has a text; the fraction never goes back."""
    listening = trained[3]
    assert sum("epoch" in text for text in listening.texts) >= 60
    assert np.diff(listening.fractions).min() >= -1e-9 and listening.fractions[-1] == 1.0


def test_noise_is_not_learnt_and_said(tmp_path):
    """The same words stand in the log, in the result and in the card."""
    places = some_places(300)
    noise = np.random.default_rng(3).standard_normal(300)
    listening = Listening()
    result = train_location_encoder(asked(rows_of(places, {"noise": noise.tolist()}), tmp_path, targets=("noise",),
                                          epochs=4), listening)
    assert result.score < 0.1
    told = [text for text in result.warnings if "next to nothing of “noise”" in text]
    assert told and told[0] in listening.warnings
    assert told[0] in open_location_encoder(tmp_path / "encoder.onnx").card.warnings


@pytest.mark.parametrize("kind", KINDS)
def test_onnx_equals_torch(kind, tmp_path):
    """The network that torch trained and the file agree to 1e-5, at places near and far, poles and ±180° too."""
    places = some_places(120, box=(-20.0, -10.0, 30.0, 50.0))
    rows = rows_of(places, {"height": smooth(places).tolist()})
    request = asked(rows, tmp_path, kind=kind, targets=("height",), epochs=1, folds=2, dimensions=5)
    learnt = learn(request, Silent())
    train_location_encoder(request, Silent())
    asked_for = np.concatenate([some_places(200, seed=4), [[0.0, 90.0], [0.0, -90.0], [-180.0, 12.0], [179.999, 12.0]]])
    features = Features(learnt.position, learnt.network, asked_for)
    with torch.no_grad():
        truth = TorchNetwork(learnt.network, torch, torch.device("cpu"))(
            torch.from_numpy(features.of(np.arange(len(asked_for))))).numpy()
    found = open_location_encoder(tmp_path / "encoder.onnx").vectors(asked_for)
    assert found.shape == (204, 5)
    np.testing.assert_allclose(found, truth, atol=1e-5, rtol=1e-5)


def test_classes_and_numbers_at_once_with_values_missing(tmp_path):
    """A column of texts is learnt as classes; a missing value spoils nothing, and is not judged."""
    places = some_places(600)
    heights = smooth(places)
    side = ["east" if x > 0 else "west" for x in unit_sphere(places)[:, 1]]
    gaps = np.random.default_rng(1).random(600) < 0.3
    height = [None if gap else float(value) for gap, value in zip(gaps, heights)]
    side = [None if number % 7 == 0 else value for number, value in enumerate(side)]
    judged = learn(asked(rows_of(places, {"height": height, "side": side}), tmp_path, targets=("height", "side"),
                         epochs=12), Silent()).judged
    parts = {verdict.name: verdict for verdict in judged.parts}
    assert parts["height"].score_name == "R²" and parts["height"].value(ENCODER) > 0.7
    assert parts["side"].score_name == "balanced accuracy" and parts["side"].value(ENCODER) > 0.9
    assert parts["side"].value(CONSTANT) == pytest.approx(0.5)
    assert parts["height"].rows == sum(value is not None for value in height)
    assert judged.verdict.value(ENCODER) == pytest.approx(
        (parts["height"].value(ENCODER) + parts["side"].value(ENCODER)) / 2)


def waves(places):
    """Return vectors that coordinates tell wholly."""
    x, y, z = unit_sphere(places).T
    return np.stack([1 + 0 * x, x, y, z, x * y, y * z, x * z, x * x], axis=1).astype(np.float32)


def test_vectors_of_place_are_distilled(tmp_path):
    """Held-out vectors are told by their cosine, beside what near places give."""
    places = some_places(700)
    rows = vectors_at(places, waves(places), space=Space("waves", 8))
    result = train_location_encoder(asked(rows, tmp_path, epochs=20), Silent())
    assert result.score_name == "cosine" and result.score > 0.95 and result.dimensions == 8
    assert result.figures[ENCODER] > result.figures[CONSTANT] and NEAREST in result.figures
    found = open_location_encoder(tmp_path / "encoder.onnx").vectors(some_places(50, seed=8))
    truth = waves(some_places(50, seed=8))
    cosine = (found * truth).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(truth, axis=1)
    assert cosine.mean() > 0.95
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_a_field_is_drawn_evenly_and_its_nodata_left_out(tmp_path):
    """Places come from the ground, not from the grid; those without a value don't count; the licence goes along."""
    columns, rows = 72, 34
    longitude, latitude = -180 + (np.arange(columns) + 0.5) * 5, 85 - (np.arange(rows) + 0.5) * 5
    grid = np.stack(np.meshgrid(longitude, latitude), axis=-1).reshape(-1, 2)
    values = waves(grid).T.reshape(8, rows, columns).copy()
    values[:, :, :20] = np.nan
    space = Space("alphaearth", 8)
    path = write_field(tmp_path / "field.tif", values, (-180, 5, 0, 85, 0, -5), 4326, space)
    request = replace(asked(None, tmp_path, embeddings=path, samples=800, epochs=12), rows=None)
    learnt = learn(request, Silent())
    places = learnt.judged.places
    assert 700 <= len(places) <= 800 and places[:, 0].min() > -82.6
    # By area, a third lies beyond 42° or so; by cells it would be half.
    assert np.mean(np.abs(places[:, 1]) > 42.5) == pytest.approx(1 - np.sin(np.radians(42.5)) / np.sin(
        np.radians(85)), abs=0.04)
    assert learnt.judged.verdict.value(ENCODER) > 0.9
    assert learnt.card.licence == "CC BY 4.0" and "Google" in learnt.card.provenance[0].attribution


def test_vectors_that_place_does_not_tell_are_said_to_be(tmp_path):
    """The sentence names the cosine beside those of the mean vector and of the nearest place."""
    places = some_places(300)
    noise = np.random.default_rng(2).standard_normal((300, 8))
    listening = Listening()
    result = train_location_encoder(asked(vectors_at(places, noise), tmp_path, epochs=3), listening)
    assert result.score < 0.3
    told = [text for text in listening.warnings if text.startswith("Coordinates do not explain this embedding at this "
                                                                   "resolution")]
    assert told and told[0] in result.warnings and f"{result.score:.2f}" in told[0]


def test_where_coordinates_tell_and_the_encoder_does_not_nobody_blames_coordinates(tmp_path):
    """Vectors that are the places themselves are explained by coordinates, however little was learnt in an epoch."""
    places = some_places(300)
    listening = Listening()
    result = train_location_encoder(asked(vectors_at(places, waves(places)), tmp_path, epochs=1), listening)
    assert result.figures[NEIGHBOURS] > 0.9
    assert not [text for text in listening.warnings if text.startswith("Coordinates do not explain")]


def test_an_encoder_that_goes_to_others_names_no_folder(tmp_path):
    """Its card says which raster it was taught by, but not where on whose disk that lay."""
    row, column = np.mgrid[:30, :30] / 30
    field = write_field(tmp_path / "field.tif", np.stack([row, column, np.ones_like(row)]).astype(np.float32),
                        (500_000.0, 1000.0, 0.0, 5_700_000.0, 0.0, -1000.0), space=Space("plain", 3))
    request = replace(asked(None, tmp_path, epochs=1), embeddings=str(field), samples=300)
    result = train_location_encoder(request, Silent())
    for name in (result.output, str(result.output)[:-len("onnx")] + "json"):
        with open(name, "rb") as file:
            data = file.read()
        assert b"field.tif" in data and os.fsencode(tmp_path) not in data


def test_contrast_has_the_same_width_and_is_judged_alike(tmp_path):
    """InfoNCE learns the same vectors; a ridge leads back, so its cosine compares."""
    places = some_places(500)
    result = train_location_encoder(asked(vectors_at(places, waves(places)), tmp_path, objective=CONTRASTIVE,
                                          epochs=15), Silent())
    assert result.dimensions == 8 and result.score > 0.9 and result.objective == CONTRASTIVE
    assert result.score > result.figures[CONSTANT]


def test_fewer_dimensions_keep_the_principal_part(tmp_path):
    """With four of eight dimensions the cosine is measured against all eight."""
    places = some_places(500)
    truth = waves(places) * np.array([1, 1, 1, 1, 0.3, 0.3, 0.3, 0.3], dtype=np.float32)
    result = train_location_encoder(asked(vectors_at(places, truth), tmp_path, dimensions=4, epochs=12), Silent())
    truth = truth / np.linalg.norm(truth, axis=1, keepdims=True)
    axes = np.linalg.svd(truth, full_matrices=False)[2][:4]
    best = np.linalg.norm(truth @ axes.T, axis=1).mean()
    assert result.dimensions == 4 and 0.9 * best < result.score <= best + 1e-6 < 0.9999


def test_a_cancelled_run_goes_on_to_the_same_file(tmp_path):
    """Stopped in the third training, the same call keeps the first two and ends in the bytes of a whole run."""
    places = some_places(200)
    rows = rows_of(places, {"height": smooth(places).tolist()})
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    for folder in (whole, stopped):
        folder.mkdir()
    request = asked(rows, stopped, targets=("height",), epochs=3, resume=True)
    train_location_encoder(asked(rows, whole, targets=("height",), epochs=3), Silent())
    with pytest.raises(Cancelled):
        train_location_encoder(request, Listening("Fold 3 of 3, epoch 2"))
    assert not (stopped / "encoder.onnx").exists() and (stopped / "encoder.onnx.partial").is_dir()
    listening = Listening()
    train_location_encoder(request, listening)
    assert sum("kept from the run before" in text for text in listening.infos) == 2
    assert (stopped / "encoder.onnx").read_bytes() == (whole / "encoder.onnx").read_bytes()
    assert not (stopped / "encoder.onnx.partial").exists()


def test_another_day_makes_the_same_file(tmp_path, monkeypatch):
    """The file's checksum is part of the space of its vectors, which must not be another one tomorrow."""
    from types import SimpleNamespace

    from earthprint.engine.location_training import run
    places = some_places(60)
    rows = rows_of(places, {"height": smooth(places).tolist()})
    written = []
    for day in (3, 4):
        folder = tmp_path / str(day)
        folder.mkdir()
        now = run.datetime.datetime(2031, 5, day, tzinfo=run.datetime.timezone.utc)
        monkeypatch.setattr(run, "datetime", SimpleNamespace(
            datetime=SimpleNamespace(now=lambda zone, now=now: now), timezone=SimpleNamespace(utc=None)))
        train_location_encoder(asked(rows, folder, targets=("height",), epochs=1), Silent())
        monkeypatch.undo()
        written.append((folder / "encoder.onnx").read_bytes())
    assert written[0] == written[1]


def test_an_epoch_is_gone_on_from(tmp_path, monkeypatch):
    """A state that was kept within a training leads to the same weights as no stop."""
    from earthprint.engine.location_training import learning
    monkeypatch.setattr(learning, "_SAVE_EVERY", 0.0)
    places = some_places(150)
    rows = rows_of(places, {"height": smooth(places).tolist()})
    request = asked(rows, tmp_path, targets=("height",), epochs=4, folds=2, resume=True)
    truth = learn(replace(request, resume=False), Silent()).network
    with pytest.raises(Cancelled):
        learn(request, Listening("Final training, epoch 2"))
    listening = Listening()
    found = learn(request, listening).network
    assert [text[:24] for text in listening.texts if "Final" in text][0] == "Final training, epoch 3:"
    for one, two in zip(found.stages, truth.stages):
        if hasattr(one, "weight"):
            np.testing.assert_array_equal(one.weight, two.weight)


def test_the_host_program_keeps_its_torch(tmp_path):
    """Random numbers, threads and grad mode of torch are as before; no torch is loaded before it is needed."""
    before = torch.get_rng_state().clone(), torch.get_num_threads(), torch.is_grad_enabled()
    places = some_places(60)
    with torch.no_grad():
        learn(asked(rows_of(places, {"height": smooth(places).tolist()}), tmp_path, targets=("height",), epochs=1,
                    folds=2), Silent())
        assert not torch.is_grad_enabled()
    assert torch.equal(before[0], torch.get_rng_state()) and before[1] == torch.get_num_threads()
    code = "import sys; import earthprint.engine.location_training.run; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={
        **os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}).returncode == 0


def test_the_encoder_never_sees_what_it_is_judged_by(tmp_path, monkeypatch):
    """Rows of a fold are in no batch of its training."""
    from earthprint.engine.location_training.objectives.target import TargetLesson
    seen = []
    plain = TargetLesson.loss

    def spying(self, vectors, rows):
        """Note the rows of batches that are learnt from."""
        if vectors.requires_grad:
            seen.append(set(rows.tolist()))
        return plain(self, vectors, rows)

    monkeypatch.setattr(TargetLesson, "loss", spying)
    places = some_places(200)
    judged = learn(asked(rows_of(places, {"height": smooth(places).tolist()}), tmp_path, targets=("height",),
                         epochs=1), Silent()).judged
    folds = judged.folds.fold
    assert set(folds.tolist()) == {0, 1, 2}
    each, current = [], set()
    for rows in seen:
        if current & rows:
            each.append(current)
            current = set()
        current |= rows
    each.append(current)
    assert len(each) == 4 and each[3] == set(range(200))
    for number, rows in enumerate(each[:3]):
        assert not rows & set(np.flatnonzero(folds == number).tolist())


def test_neighbours_are_those_of_the_globe(tmp_path):
    """Across ±180° the nearest place is on the other side: a value that changes only with latitude is told there."""
    places = np.concatenate([some_places(150, box=(175.0, -40.0, 180.0, 40.0)),
                             some_places(150, seed=1, box=(-180.0, -40.0, -175.0, 40.0))])
    rows = rows_of(places, {"north": places[:, 1].tolist()})
    judged = learn(asked(rows, tmp_path, kind="space2vec-grid", targets=("north",), epochs=3, block_size=8.0),
                   Silent()).judged
    assert judged.verdict.value(NEIGHBOURS) > 0.8
    assert any("both sides of ±180°" in text for text in judged.warnings)


@pytest.mark.parametrize(("options", "said"), [
    ({"kind": "spherec"}, "no kind of location encoder called spherec"),
    ({"dimensions": 0}, "DIMENSIONS is 0"),
    ({"epochs": -1}, "EPOCHS is -1"),
    ({"folds": 1}, "FOLD_COUNT is 1"),
    ({"folds": 50}, "fewer than the 50 blocks"),
    ({"targets": ("nothing",)}, "no column “nothing”"),
    ({"targets": ("flat",)}, "is 7 in all 40 rows"),
    ({"targets": ("empty",)}, "no value of “empty”"),
    ({"targets": ("height", "height")}, "names “height” twice"),
    ({"objective": "guess"}, "no objective guess"),
    ({"targets": ()}, "nothing to learn from"),
    ({"device": "quantum"}, "no device quantum"),
])
def test_what_can_t_be_is_said_in_one_sentence(options, said, tmp_path):
    """Each names the input and the remedy."""
    places = some_places(40)
    rows = rows_of(places, {"height": smooth(places).tolist(), "flat": [7.0] * 40, "empty": [None] * 40},
                   types={"empty": "real"})
    with pytest.raises(InputError) as caught:
        train_location_encoder(asked(rows, tmp_path, **{"targets": ("height",), **options}), Silent())
    text = str(caught.value)
    assert said in text and text.endswith(".") and ":" in text
    assert not list(tmp_path.iterdir())


def test_coordinates_that_can_t_be_are_said(tmp_path):
    """Latitudes beyond 90°, longitude and latitude swapped, no rows, a field elsewhere."""
    places = some_places(30, box=(95.0, 10.0, 150.0, 40.0))
    height = {"height": smooth(places).tolist()}
    with pytest.raises(InputError, match="seem to be swapped"):
        train_location_encoder(asked(rows_of(places[:, ::-1], height), tmp_path, targets=("height",)), Silent())
    wrong = places.copy()
    wrong[3] = (120.0, 95.0)
    with pytest.raises(InputError, match="has the latitude 95°, beyond a pole"):
        train_location_encoder(asked(rows_of(wrong, height), tmp_path, targets=("height",)), Silent())
    with pytest.raises(InputError, match="table without geometry|no rows"):
        train_location_encoder(asked(rows_of(places[:0], {"height": []}), tmp_path, targets=("height",)), Silent())
    path = write_field(tmp_path / "field.tif", np.ones((4, 8, 8)), (-60, 1, 0, -10, 0, -1), 4326)
    with pytest.raises(InputError, match="lie outside of"):
        train_location_encoder(asked(rows_of(places, height), tmp_path, embeddings=path), Silent())


def test_cuda_that_is_not_there_is_said(tmp_path):
    """`cuda` fails where there is none, `auto` says why it is not taken."""
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    from earthprint.engine.errors import DeviceError
    places = some_places(40)
    rows = rows_of(places, {"height": smooth(places).tolist()})
    with pytest.raises(DeviceError, match="CUDA"):
        train_location_encoder(asked(rows, tmp_path, targets=("height",), device="cuda"), Silent())
    listening = Listening()
    result = train_location_encoder(asked(rows, tmp_path, targets=("height",), device="auto", epochs=1, folds=2),
                                    listening)
    assert result.device == "cpu" and any("CUDA" in text for text in listening.infos)


def test_of_very_many_rows_a_sample_is_read():
    """The sample is of all rows, keeps places with their values, and is told."""
    from earthprint.engine.location_training import reading
    places = some_places(100)
    rows = rows_of(places, {"height": places[:, 1].tolist()})
    listening = Listening()
    read = reading.read_rows(rows, [rows.columns[0]], 5, listening, 40)
    assert len(read.numbers) == 40 and len(np.unique(read.numbers)) == 40
    assert read.numbers.min() < 20 and read.numbers.max() > 80
    np.testing.assert_allclose(read.gathered.places, places[read.numbers], atol=1e-8)
    np.testing.assert_allclose(read.cells["height"], places[read.numbers, 1], atol=1e-8)
    assert "random sample of 40" in listening.warnings[0]
