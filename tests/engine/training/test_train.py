"""Whole trainings: what is learnt, stored and told, and what a user is warned of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, List, Optional

import numpy as np
import pytest
from made_rows import MadeRows, with_vectors
from osgeo import ogr

from earthprint.engine.errors import Cancelled, EarthprintError
from earthprint.engine.predictors.predictor import Wanted, open_predictor
from earthprint.engine.progress import Silent
from earthprint.engine.table import open_rows
from earthprint.engine.training import baselines
from earthprint.engine.training.gathering import GatherRequest
from earthprint.engine.training.request import FoldChoice, TrainRequest, TrainResult
from earthprint.engine.training.run import learn, train

DIMENSIONS = 6
AUTOMATIC = FoldChoice()


class Told:
    """A progress that remembers, and cancels after so many questions."""

    def __init__(self, patience: Optional[int] = None) -> None:
        self.lines: List[str] = []
        self.warnings: List[str] = []
        self.patience = patience

    def report(self, fraction: float, text: Optional[str] = None) -> None:
        assert 0.0 <= fraction <= 1.0

    def info(self, text: str) -> None:
        self.lines.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def cancelled(self) -> bool:
        return self.patience is not None and len([line for line in self.lines if "Fold" in line]) > self.patience


def points(places: np.ndarray) -> List[str]:
    return [f"POINT ({x} {y})" for x, y in places.tolist()]


def noise_fields(places: np.ndarray, seed: int, reach: float, count: int) -> np.ndarray:
    """Return Gaussian fields `(n, count)` that are alike over a reach and know nothing of each other."""
    apart = np.hypot(*(places[:, np.newaxis] - places).transpose(2, 0, 1))
    root = np.linalg.cholesky(np.exp(-3 * apart / reach) + 1e-8 * np.eye(len(places)))
    return root @ np.random.default_rng(seed).standard_normal((len(places), count))


def labelled(rows: int = 240, seed: int = 0, noise: float = 0.3, **columns: Any) -> MadeRows:
    """Return rows whose target is a plain function of their vectors, which vary from place to place."""
    chance = np.random.default_rng(seed)
    places = chance.uniform(0, 10_000, (rows, 2))
    vectors = chance.standard_normal((rows, DIMENSIONS)).astype(np.float32)
    target = vectors @ np.arange(1, DIMENSIONS + 1) + noise * chance.standard_normal(rows)
    kinds = [("low", "middle", "high")[number] for number in np.digitize(target, (-4.0, 4.0))]
    return with_vectors(points(places), {"target": target.tolist(), "kind": kinds,
                                         "region": [f"r{int(x // 2500)}" for x in places[:, 0]], **columns},
                        list(vectors))


def asked(rows: Any, path: Path, model: str = "ridge", target: str = "target", task: str = "regression",
          folds: FoldChoice = AUTOMATIC, gather: Optional[dict] = None, **further: Any) -> TrainRequest:
    return TrainRequest(GatherRequest(rows, (target,), task, **(gather or {})), str(path / "made.onnx"), model, folds,
                        **further)


def vectors_of(rows: MadeRows) -> np.ndarray:
    return np.stack([np.frombuffer(blob, "<f4") for chunk in rows.rows() for blob in chunk.columns["embedding"]])


@pytest.mark.parametrize("model", ["ridge", "knn", "gp"])
def test_a_predictor_tells_what_scikit_learn_would_have_scored(tmp_path: Path, model: str) -> None:
    from sklearn.metrics import r2_score

    rows = labelled()
    request = asked(rows, tmp_path, model, predictions=str(tmp_path / "folds.gpkg"), report=str(tmp_path / "r.html"))
    result = train(request, Silent())
    dataset = ogr.Open(str(tmp_path / "folds.gpkg"))
    truth, predicted, lower, upper = np.array([[feature["target"], feature["predicted"], feature["lower"],
                                                feature["upper"]] for feature in dataset.GetLayer(0)]).T
    assert result.score == pytest.approx(r2_score(truth, predicted), abs=1e-9)
    assert result.score > (0.5 if model == "knn" else 0.95)
    assert 0.8 <= np.mean((truth >= lower) & (truth <= upper)) <= 0.97
    predictor = open_predictor(request.output, Silent())
    found = predictor.predict(np.ascontiguousarray(vectors_of(rows).T), Wanted(interval=0.9, applicability=True))
    assert r2_score(truth, found.value[0]) >= result.score - 0.01
    assert found.applicable.mean() > 0.9
    assert predictor.card.figures["value"] == pytest.approx(result.score)
    assert predictor.card.sample_count == result.rows == 240


def test_the_same_seed_gives_the_same_files_figures_and_folds(tmp_path: Path) -> None:
    results = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        results.append(train(asked(labelled(), tmp_path / name, "forest"), Silent()))
    one, two = ((tmp_path / name / "made.onnx").read_bytes() for name in ("one", "two"))
    assert one == two
    assert [results[0].score, results[0].score_random] == [results[1].score, results[1].score_random]


def test_classes_come_back_by_name(tmp_path: Path) -> None:
    rows = labelled(noise=0.0)
    result = train(asked(rows, tmp_path, "logistic", "kind", "classification"), Silent())
    assert result.score > 0.9
    predictor = open_predictor(str(tmp_path / "made.onnx"), Silent())
    found = predictor.predict(np.ascontiguousarray(vectors_of(rows).T), Wanted(probabilities=True))
    names = [predictor.card.target.classes[number].value for number in found.classes]
    truth = [value for chunk in rows.rows() for value in chunk.columns["kind"]]
    assert np.mean([one == two for one, two in zip(names, truth)]) > 0.93
    np.testing.assert_allclose(found.probabilities.sum(axis=0), 1.0, atol=1e-5)


def test_autocorrelated_noise_is_no_skill_and_log_report_and_card_say_so(tmp_path: Path) -> None:
    places = np.random.default_rng(3).uniform(0, 10_000, (600, 2))
    noise = noise_fields(places, 5, 2_500.0, 17)
    rows = with_vectors(points(places), {"target": noise[:, -1].tolist()}, list(noise[:, :-1].astype(np.float32)))
    told = Told()
    result = train(asked(rows, tmp_path, "knn", report=str(tmp_path / "r.html")), told)
    assert result.score_random > 0.1
    assert result.score < 0.05
    words = [text for text in told.warnings if "expect the second" in text]
    assert len(words) == 1 and f"{result.score_random:.2f}" in words[0]
    assert any("no better than the mean" in text for text in told.warnings)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    card = json.loads((tmp_path / "made.json").read_text(encoding="utf-8"))
    for text in told.warnings:
        assert text.replace("'", "&#x27;") in page
        assert text in json.dumps(card, ensure_ascii=False)


def test_no_warning_says_that_an_embedding_adds_nothing_where_it_does(tmp_path: Path) -> None:
    rows = labelled(size=[float(number % 7) for number in range(240)])
    result = train(asked(rows, tmp_path, "ridge", gather={"columns": ("size",)}), Silent())
    assert result.score > 0.95
    assert not [text for text in result.warnings if "adds nothing" in text or "no better" in text]


def test_columns_that_do_as_well_alone_are_told(tmp_path: Path) -> None:
    rows = labelled()
    target = [value for chunk in rows.rows() for value in chunk.columns["target"]]
    chance = np.random.default_rng(8)
    idle = with_vectors(points(np.random.default_rng(0).uniform(0, 10_000, (240, 2))),
                        {"target": target, "known": [value + 0.5 for value in target]},
                        list(chance.standard_normal((240, DIMENSIONS)).astype(np.float32)))
    result = train(asked(idle, tmp_path, "ridge", gather={"columns": ("known",)}), Silent())
    assert any(text.startswith("The other columns alone score 1.00") for text in result.warnings)


def test_position_that_separates_the_labels_is_told_on_real_data(tmp_path: Path, sample_data: Path) -> None:
    from earthprint.engine.importing.run import ImportRequest, import_table

    source = open_rows(str(next((sample_data / "alphaearth_clearing").glob("*.gpkg"))))
    import_table(ImportRequest(source, str(tmp_path / "a.gpkg"), fields="A00-A63"), Silent())
    result = train(asked(open_rows(str(tmp_path / "a.gpkg")), tmp_path, "logistic", "cleared", "classification"),
                   Silent())
    assert any(text.startswith("Coordinates alone score") for text in result.warnings)
    assert "produced by Google and Google DeepMind" in (tmp_path / "made.json").read_text(encoding="utf-8")


def test_best_says_what_it_compared_and_each_fold_chose_for_itself(tmp_path: Path) -> None:
    told = Told()
    request = asked(labelled(120), tmp_path, "best", folds=FoldChoice("random", 3))
    account = learn(request, told).account
    assert account.kind == max(account.compared, key=lambda kind: account.compared[kind])
    assert len(account.kinds) == 3 and set(account.kinds) <= set(account.compared)
    assert sum("Fold" in line and "(random)" in line for line in told.lines) == 3
    assert any(line.startswith("Best of ") for line in told.lines)


def test_groups_are_left_out_whole(tmp_path: Path) -> None:
    account = learn(asked(labelled(), tmp_path, folds=FoldChoice("group"), gather={"group": "region"}),
                    Silent()).account
    pairs = {(group, fold) for group, fold in zip(account.samples.groups.tolist(), account.model.folds.fold.tolist())}
    assert len(pairs) == 4 == account.model.folds.count


def test_a_cancelled_run_writes_nothing_and_the_same_call_resumes(tmp_path: Path) -> None:
    request = asked(labelled(), tmp_path, "ridge", folds=FoldChoice("blocks", 5, 1000.0))
    with pytest.raises(Cancelled):
        train(request, Told(patience=3))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made.onnx.partial"]
    kept = sorted(path.name for path in (tmp_path / "made.onnx.partial").iterdir())
    assert "blocks-0.npy" in kept and "blocks-4.npy" not in kept
    marked = tmp_path / "made.onnx.partial" / "blocks-0.npy"
    whole = np.load(marked)
    np.save(marked, whole + 1e-3)
    told = Told()
    resumed = train(request, told)
    said = [line for line in told.lines if line.endswith("kept from the run before.")]
    assert len(said) == sum(name.startswith("blocks-") and name.endswith("-kind.npy") for name in kept) >= 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made.json", "made.onnx"]
    fresh = train(asked(labelled(), tmp_path, "ridge", folds=FoldChoice("blocks", 5, 1000.0), resume=False), Silent())
    assert resumed.score != fresh.score and resumed.score == pytest.approx(fresh.score, abs=1e-3)


def test_other_labels_don_t_resume_what_these_left(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        train(asked(labelled(), tmp_path, folds=FoldChoice("blocks", 5, 1000.0)), Told(patience=3))
    other = train(asked(labelled(seed=1), tmp_path, folds=FoldChoice("blocks", 5, 1000.0)), Silent())
    alone = train(asked(labelled(seed=1), tmp_path, folds=FoldChoice("blocks", 5, 1000.0), resume=False), Silent())
    assert other.score == alone.score


@pytest.mark.parametrize("choice, gather, words", [
    (FoldChoice("group"), {}, "GROUP"),
    (FoldChoice("random", 50), {}, "fewer than the 50 folds"),
    (FoldChoice("blocks", 5, 1e9), {}, "lower BLOCK_SIZE"),
])
def test_folds_that_can_t_be_made_are_refused_in_a_sentence(tmp_path: Path, choice: FoldChoice, gather: dict,
                                                            words: str) -> None:
    with pytest.raises(EarthprintError) as caught:
        train(asked(labelled(40), tmp_path, folds=choice, gather=gather), Silent())
    assert words in str(caught.value) and str(caught.value).endswith(".")
    assert not list(tmp_path.iterdir())


def test_rows_without_places_are_trained_on_by_random_folds(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    vectors = chance.standard_normal((80, DIMENSIONS)).astype(np.float32)
    rows = with_vectors([None] * 80, {"target": (vectors @ np.ones(DIMENSIONS)).tolist()}, list(vectors))
    result: TrainResult = train(asked(rows, tmp_path, predictions=str(tmp_path / "p.gpkg")), Silent())
    assert result.score > 0.99 and np.isnan(result.score_coordinates)
    assert result.score_random == result.score
    dataset = ogr.Open(str(tmp_path / "p.gpkg"))
    assert dataset.GetLayer(0).GetGeomType() == ogr.wkbNone


def test_coordinates_of_many_classes_are_judged_by_trees_that_stay_quick(tmp_path: Path,
                                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = []
    alone = baselines.alone
    monkeypatch.setattr(baselines, "alone", lambda name, kind, *rest: kinds.append(kind) or alone(name, kind, *rest))
    rows = labelled(240, kind=[f"c{number % 40}" for number in range(240)])
    train(asked(rows, tmp_path, "logistic", "kind", "classification", FoldChoice("random")), Silent())
    assert set(kinds) == {"knn", "forest"}
