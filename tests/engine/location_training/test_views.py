"""Three views: the contrast against loops, recall against counting, and a small world whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from made_rows import with_vectors
from small_fields import write_field

from earthprint.engine.errors import InputError
from earthprint.engine.location_training.judged import CONSTANT, COORDINATES, ENCODER, NEIGHBOURS
from earthprint.engine.location_training.objectives.objective import Seen
from earthprint.engine.location_training.request import TrainLocationRequest
from earthprint.engine.location_training.views.contrast import both_ways, contrast
from earthprint.engine.location_training.views.finding import by_chance, drawn, places_apart, ranked
from earthprint.engine.location_training.views.objective import views_objective
from earthprint.engine.progress import Silent
from earthprint.engine.training.folds import Folds

TRANSFORM = (500_000.0, 100.0, 0.0, 5_700_000.0, 0.0, -100.0)
SIDE = 60


def unit(rows, width, seed):
    """Return random vectors of length one."""
    made = np.random.default_rng(seed).normal(size=(rows, width))
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def naive(first, second, scale, same, further=(), further_same=()):
    """Return the contrast by loops: cross-entropy over the log of how many answers there are."""
    shares = []
    for row in range(len(first)):
        own = math.exp(scale * float(first[row] @ second[row]))
        wrong = [math.exp(scale * float(first[row] @ second[other])) for other in range(len(second))
                 if same[other] != same[row]]
        wrong += [math.exp(scale * float(first[row] @ vector)) for vector, place in zip(further, further_same)
                  if place != same[row]]
        if wrong:
            shares.append(-math.log(own / (own + sum(wrong))) / math.log(1 + len(wrong)))
    return sum(shares) / len(shares)


def test_contrast_equals_loops():
    """Rows of the same place are no wrong answers; those of the queue are."""
    torch = pytest.importorskip("torch")
    first, second, queue = unit(9, 4, 0), unit(9, 4, 1), unit(6, 4, 2)
    same, queued = np.array([0, 1, 2, 2, 3, 4, 5, 5, 5]), np.arange(9, 15)
    tensors = [torch.as_tensor(array) for array in (first, second, queue)]
    apart = torch.as_tensor(same[:, None] != same[None, :])
    got = contrast(torch, tensors[0], tensors[1], 5.0, apart, tensors[2])
    assert float(got) == pytest.approx(naive(first, second, 5.0, same, queue, queued))
    both = both_ways(torch, tensors[0], tensors[1], 5.0, apart)
    assert float(both) == pytest.approx((naive(first, second, 5.0, same) + naive(second, first, 5.0, same)) / 2)
    alone = both_ways(torch, tensors[0], tensors[1], 5.0, torch.zeros((9, 9), dtype=torch.bool))
    assert float(alone) == 0.0
    guess = contrast(torch, torch.ones((9, 4)) / 2, torch.ones((9, 4)) / 2, 5.0, apart)
    assert float(guess) == pytest.approx(1.0)


def test_ranks_equal_counting():
    """Recall is what sorting the candidates gives, ties by chance, and guessing comes to what is said of it."""
    same = np.array([0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    draw = drawn(same, 7, most=8)
    queries, answers = unit(12, 3, 3), unit(12, 3, 4)
    found = ranked(queries, answers, draw)
    for row in range(12):
        others = [other for other, counted in zip(draw.others[row], draw.counted[row]) if counted]
        assert row not in draw.others[row] and len(set(draw.others[row])) == 7
        assert all(same[other] != same[row] for other in others)
        order = sorted([row, *others], key=lambda one: -float(queries[row] @ answers[one]))
        rank = order.index(row)
        assert found[row].tolist() == pytest.approx([float(rank < 1), float(rank < 5), 1 - rank / len(others)])
    blind = ranked(np.ones((12, 3)), np.ones((12, 3)), draw)
    np.testing.assert_allclose(blind, by_chance(draw), atol=1e-12)
    assert by_chance(draw)[0].tolist() == pytest.approx([1 / 8, 5 / 8, 0.5])
    noise = np.mean([ranked(unit(12, 3, 100 + seed), answers, draw).mean(axis=0) for seed in range(300)], axis=0)
    np.testing.assert_allclose(noise, by_chance(draw).mean(axis=0), atol=0.03)
    assert places_apart(np.array([[1.0, 2.0], [1.0, 2.00000001], [1.0, 2.1]])).tolist() == [0, 0, 1]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Return a field of smooth waves, and photos that show the same waves through another matrix, with noise."""
    row, column = np.mgrid[:SIDE, :SIDE] / SIDE
    waves = np.stack([np.sin(7 * column + 2), np.cos(6 * row), np.sin(5 * (row + column)), np.cos(8 * (row - column)),
                      np.sin(11 * row * column)])
    field = np.einsum("dw,wrc->drc", np.random.default_rng(1).normal(size=(6, 5)), waves).astype(np.float32)
    field[:, 50:, :8] = np.nan
    path = write_field(tmp_path_factory.mktemp("views") / "field.tif", field, TRANSFORM)
    chance = np.random.default_rng(2)
    where = chance.uniform(0, SIDE, (900, 2))
    cells = where.astype(int)
    photos = waves[:, cells[:, 1], cells[:, 0]].T @ chance.normal(size=(5, 10))
    photos += chance.normal(size=photos.shape) * 0.3
    shapes = [f"POINT ({TRANSFORM[0] + 100 * x} {TRANSFORM[3] - 100 * y})" for x, y in where]
    return path, shapes, photos, where


def request_of(path, shapes, photos, **more):
    """Return a training of three views."""
    rows = with_vectors(shapes, {"path": ["a.jpg"] * len(shapes)}, list(photos), name="photos")
    return TrainLocationRequest(rows, "out.onnx", embeddings=path, objective="views", **more)


def test_gathers_photos_over_the_field(world):
    """Photos without a vector, a place or a value under them are left out, in words; nothing else is."""
    path, shapes, photos, where = world
    vectors = [None if number == 3 else list(photo) for number, photo in enumerate(photos)]
    told = []

    class Listening(Silent):
        def warn(self, text):
            told.append(text)

    placed = [None if number == 4 else one for number, one in enumerate(shapes)]
    found = views_objective(request_of(path, placed, vectors), Listening())
    hidden = (where[:, 0] < 7.5) & (where[:, 1] > 50.5)
    inside = np.ones(900, dtype=bool)
    inside[[3, 4]] = False
    assert abs(len(found.gathered) - int((inside & ~hidden).sum())) <= int(
        ((where[:, 0] < 8.5) & (where[:, 1] > 49.5)).sum() - hidden.sum())
    for words in ("1 of 900 features", "1 photos", "no value"):
        assert any(words in text for text in told)
    assert found.views.photos.shape[1] == 10 and found.signals.shape == (len(found.gathered), 3)
    # The points are those of the layer, and the places theirs on the globe: UTM 33 lies about 15° E, 51.4° N.
    np.testing.assert_allclose(found.gathered.places.mean(axis=0), [15.04, 51.43], atol=0.05)
    moved = views_objective(request_of(path, shapes, photos + 1.0), Silent())
    assert moved.digest() != views_objective(request_of(path, shapes, photos), Silent()).digest()


@pytest.fixture
def one_thread():
    """Keep torch from fighting over processors for what is this small."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(before)


def test_learns_what_places_look_like(world, one_thread):
    """A small encoder finds held-out photos by their place far oftener than chance, by coordinates hardly."""
    torch = one_thread
    path, shapes, photos, _ = world
    objective = views_objective(request_of(path, shapes, photos), Silent())
    places = objective.gathered.places
    scaled = torch.as_tensor((places - places.mean(0)) / places.std(0), dtype=torch.float32)
    chance = np.random.default_rng(5)
    fold = ((places[:, 0] * 97).astype(int) + (places[:, 1] * 131).astype(int)) % 3
    seen = {}
    for number in range(2):
        rows, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        layers = [torch.as_tensor(chance.normal(size=shape) / math.sqrt(shape[1]) * gain,
                                  dtype=torch.float32).requires_grad_(True)
                  for shape, gain in (((128, 2), 6.0), ((128, 128), 1.0), ((16, 128), 1.0))]

        def encode(which, layers=layers):
            hidden = torch.sin(scaled[torch.as_tensor(which)] @ layers[0].T)
            return torch.relu(hidden @ layers[1].T) @ layers[2].T

        lesson = objective.lesson(torch, rows, 16, 0, torch.device("cpu"))
        optimiser = torch.optim.Adam([*layers, *lesson.parameters], lr=2e-3)
        losses = []
        for _ in range(16):
            for start in range(0, len(rows), 200):
                part = rows[start:start + 200]
                optimiser.zero_grad()
                loss = lesson.loss(encode(part), part)
                loss.backward()
                optimiser.step()
            losses.append(float(loss.detach()))
        assert losses[0] > 0.8 and losses[-1] < 0.75
        with torch.no_grad():
            assert float(lesson.loss(encode(held), held)) < 0.95
            vectors = encode(np.arange(len(places))).numpy()
        for key, values in objective.predict(Seen(rows, vectors[rows], held, vectors[held], rows % 3,
                                                  lesson, 0), Silent()).items():
            seen.setdefault(key, np.full((len(places), 3), np.nan))[held] = values
    left = np.flatnonzero(fold < 2)
    folds = Folds(fold[left], "blocks", 2)
    judgement = objective.judge({key: values[left] for key, values in seen.items()}, folds)
    verdict = judgement.verdict
    assert verdict.value(CONSTANT) == pytest.approx(0.05, abs=0.001)
    assert verdict.value(ENCODER) > 4 * verdict.value(CONSTANT)
    assert verdict.value(ENCODER) > verdict.value(COORDINATES)
    assert judgement.parts[3].value(ENCODER) > 0.4
    assert judgement.parts[2].value(NEIGHBOURS) > 0.6
    assert verdict.difference(CONSTANT).interval.mean == pytest.approx(
        seen[ENCODER][left, 1].mean() - seen[CONSTANT][left, 1].mean())


@pytest.mark.parametrize("change, words", [
    ({"rows": None}, "give INPUT"), ({"embeddings": None}, "embedding raster"),
])
def test_asks_for_what_is_missing(world, change, words):
    """Three views without photos or a field say so."""
    path, shapes, photos, _ = world
    with pytest.raises(InputError, match=words):
        asked = request_of(path, shapes[:30], photos[:30])
        views_objective(TrainLocationRequest(**{**asked.__dict__, **change}), Silent())


def test_a_field_without_crs_is_nowhere(world, tmp_path):
    """Longitudes are not taken for columns of a raster that doesn't say where it is."""
    _, shapes, photos, _ = world
    path = write_field(tmp_path / "nowhere.tif", np.ones((2, 200, 200)), (-100, 1, 0, 100, 0, -1), epsg=0)
    with pytest.raises(InputError, match="where on the globe"):
        views_objective(request_of(path, shapes[:30], photos[:30]), Silent())


def test_photos_elsewhere_are_too_few(world):
    """Photos that don't lie over the field are counted in the refusal."""
    path, _, photos, _ = world
    with pytest.raises(InputError, match="Only 0 of the 50 photos.*check that they overlap, or add photos there"):
        views_objective(request_of(path, [f"POINT (10{number} 20)" for number in range(50)], photos[:50]), Silent())


@pytest.mark.parametrize("count, words", [(12, "has 12 photos with a vector"), (1, "has one photo with a vector")])
def test_too_few_photos_on_the_field_are_told_to_be_few(world, count, words):
    """Where all photos lie on the field, nothing is wrong with where they lie."""
    path, shapes, photos, _ = world
    with pytest.raises(InputError, match=f"{words} and a place, .* need at least 20 .*: add photos") as told:
        views_objective(request_of(path, shapes[:count], photos[:count]), Silent())
    assert "overlap" not in str(told.value)


def test_the_loss_is_that_of_three_pairs_and_a_queue(world, one_thread):
    """The loss equals loops over all pairs; a queue of earlier batches counts while learning, never when judging."""
    torch = one_thread
    path, shapes, photos, _ = world
    objective = views_objective(request_of(path, shapes[:60], photos[:60]), Silent())
    same, count = objective.views.same, len(objective.gathered)
    lesson = objective.lesson(torch, np.arange(40), 8, 0, torch.device("cpu"))
    seen = []
    for rows, learning in ((np.arange(0, 12), True), (np.arange(40, count), False), (np.arange(12, 24), True),
                           (np.arange(24, 40), True), (np.arange(6, 18), True), (np.arange(18, 28), True)):
        if rows[0] == 6:
            # What was seen before is seen again: a new pass begins, with a queue of its own.
            seen = []
        places = unit(len(rows), 8, int(rows[0]))
        with torch.set_grad_enabled(learning):
            got = float(lesson.loss(torch.as_tensor(3.0 * places, dtype=torch.float32), rows).detach())
        views = {"photo": lesson.photos(rows), "field": lesson.fields(rows)}
        queue = [one for one in reversed(seen) if one[1] not in same[rows]] if learning else []
        vectors, numbers = [one[0] for one in queue], [one[1] for one in queue]
        expected = (naive(views["photo"], views["field"], 5.0, same[rows])
                    + naive(views["field"], views["photo"], 5.0, same[rows])) / 2
        for view in views.values():
            expected += (naive(places, view, 5.0, same[rows])
                         + naive(view, places, 5.0, same[rows], vectors, numbers)) / 2
        assert got == pytest.approx(expected / 3, rel=1e-4)
        if learning:
            seen += list(zip(places, same[rows]))
    assert len(queue) == 12
