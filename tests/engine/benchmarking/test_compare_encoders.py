"""Comparing candidates whose worth is known: the target itself, noise, and what lies ready."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from made_rows import MadeRows, with_vectors
from small_fields import write_bands, write_field

from earthprint.engine.benchmarking import gathered, judging
from earthprint.engine.benchmarking.image_candidates import BandStatistics, Imaging
from earthprint.engine.benchmarking.questions import read_question
from earthprint.engine.benchmarking.request import BenchmarkRequest, Labelled
from earthprint.engine.benchmarking.run import compare_encoders
from earthprint.engine.embedding.making import MakeEncoderRequest, make_encoder
from earthprint.engine.encoders.library import EncoderFolders
from earthprint.engine.errors import Cancelled, EarthprintError
from earthprint.engine.locations.card import LocationCard
from earthprint.engine.locations.coverage import coverage_of
from earthprint.engine.locations.network import Linear, Network
from earthprint.engine.locations.position import position_of
from earthprint.engine.locations.settings import Settings
from earthprint.engine.locations.storing import save_location_encoder
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space

SIDE, CELL = 40, 100.0
TRANSFORM = (500000.0, CELL, 0.0, 5700000.0, 0.0, -CELL)
CHANCE = np.random.default_rng(3)
TRUTH = CHANCE.standard_normal((2, SIDE, SIDE))
NOISE = CHANCE.standard_normal((3, SIDE, SIDE))
CELLS = np.sort(CHANCE.choice(SIDE * SIDE, 120, replace=False))


def shapes(cells: np.ndarray = CELLS) -> "List[str]":
    rows, columns = np.divmod(cells, SIDE)
    return [f"POINT ({TRANSFORM[0] + CELL * (column + 0.5)} {TRANSFORM[3] - CELL * (row + 0.5)})"
            for row, column in zip(rows.tolist(), columns.tolist())]


def values(cells: np.ndarray = CELLS) -> np.ndarray:
    return TRUTH.reshape(2, -1)[0, cells]


def labelled(**columns: Any) -> Labelled:
    return Labelled(MadeRows(shapes(), {"yield": values().tolist(), **columns}, name="“plots”"), ("yield",))


class Heard(Silent):
    """Keeps what was said; cancels after so many fractions."""

    def __init__(self, cancel_after: int = 0) -> None:
        self.warnings: "List[str]" = []
        self.infos: "List[str]" = []
        self._left = cancel_after

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def info(self, text: str) -> None:
        self.infos.append(text)

    def cancelled(self) -> bool:
        if not self._left:
            return False
        self._left -= 1
        return self._left == 0


@pytest.fixture
def request_of(tmp_path: Path) -> BenchmarkRequest:
    truth = write_field(tmp_path / "truth.tif", TRUTH, TRANSFORM, space=Space("truth", 2))
    noise = write_field(tmp_path / "noise.tif", NOISE, TRANSFORM, space=Space("noise", 3))
    return BenchmarkRequest((labelled(),), str(tmp_path / "scores.gpkg"), str(tmp_path / "scores.results"),
                            EncoderFolders(), fields=(truth, noise), probes=("linear",), geobias=False,
                            report=str(tmp_path / "report.html"))


def rows_of(path: str) -> "List[Dict[str, Any]]":
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    found = [dict(row) for row in connection.execute("SELECT * FROM scores ORDER BY fid")]
    connection.close()
    return found


def one(rows: "List[Dict[str, Any]]", candidate: str, **wanted: Any) -> "Dict[str, Any]":
    found = [row for row in rows if row["candidate"] == candidate
             and all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1, found
    return found[0]


def test_the_target_itself_wins_and_noise_shows_no_difference(request_of: BenchmarkRequest) -> None:
    result = compare_encoders(request_of, Silent())
    rows = rows_of(result.output)
    assert result.best == "truth" and result.score > 0.99 and result.rows == 120
    truth, noise = one(rows, "truth", folds="blocks"), one(rows, "noise", folds="blocks")
    assert truth["score"] > 0.99 and truth["diff_lower"] > 0.5
    assert truth["verdict"].startswith("beats ") and "by chance" not in truth["verdict"]
    assert noise["diff_lower"] < 0 < noise["diff_upper"]
    assert "no difference from" in noise["verdict"] and "these 120 points can show" in noise["verdict"]
    assert noise["lower"] < noise["score"] < noise["upper"]
    # Every difference is that of the two scores in the table.
    scores = {(row["candidate"], row["folds"]): row["score"] for row in rows}
    for row in rows:
        if row["difference"] is not None:
            other = row["baseline"].split(" (")[0]
            assert row["difference"] == pytest.approx(row["score"] - scores[(other, row["folds"])])
    page = Path(request_of.report).read_text(encoding="utf-8")
    assert "truth (linear) does best of 2 candidates" in page and "<script" not in page


def counting(monkeypatch: pytest.MonkeyPatch) -> "Dict[str, List[str]]":
    """Return lists that grow with every candidate that is embedded, and every one that is probed."""
    calls: "Dict[str, List[str]]" = {"embedded": [], "probed": []}
    probe, save = judging.out_of_fold, gathered.ResultStore.save

    def saved(self: Any, kind: str, facts: Any, piece: Any) -> None:
        if kind == "vectors":
            calls["embedded"].append(piece.notes["candidate"])
        save(self, kind, facts, piece)

    def probed(task: Any, vectors: Any, *rest: Any) -> Any:
        calls["probed"].append(str(vectors.values[0].shape[1]))
        return probe(task, vectors, *rest)

    monkeypatch.setattr(gathered.ResultStore, "save", saved)
    monkeypatch.setattr(judging, "out_of_fold", probed)
    return calls


def without_time(rows: "List[Dict[str, Any]]") -> "List[Dict[str, Any]]":
    return [{name: value for name, value in row.items() if not name.startswith("seconds")} for row in rows]


def test_a_further_encoder_computes_only_what_is_new_and_changes_nothing_else(
        request_of: BenchmarkRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    request = replace(request_of, report="", labels=(40, 0), fold_count=4)
    calls = counting(monkeypatch)
    first = compare_encoders(request, Silent())
    assert calls["embedded"] == ["truth", "noise"] and first.kept == 0
    # truth, noise and coordinates; two kinds of folds, two numbers of labels
    assert len(calls["probed"]) == 3 * 2 * 2
    before = rows_of(first.output)
    for found in calls.values():
        found.clear()
    same = compare_encoders(request, Silent())
    assert calls == {"embedded": [], "probed": []} and same.computed == 0 and rows_of(same.output) == before
    more = replace(request, encoders=("fourier-sphere",))
    compare_encoders(more, Silent())
    assert calls["embedded"] == ["fourier-sphere"] and calls["probed"] == ["128"] * 4
    fresh = replace(more, results=str(tmp_path / "elsewhere"), output=str(tmp_path / "fresh" / "scores.gpkg"))
    (tmp_path / "fresh").mkdir()
    compare_encoders(fresh, Silent())
    assert without_time(rows_of(fresh.output)) == without_time(rows_of(more.output))
    kept = [row for row in without_time(rows_of(more.output)) if row["candidate"] != "fourier-sphere"]
    told = ("fid", "verdict")
    assert ([{name: value for name, value in row.items() if name not in told} for row in kept]
            == [{name: value for name, value in row.items() if name not in told} for row in without_time(before)])


def test_a_cancelled_run_leaves_no_output_and_goes_on(request_of: BenchmarkRequest,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counting(monkeypatch)
    with pytest.raises(Cancelled):
        compare_encoders(request_of, Heard(cancel_after=60))
    assert not Path(request_of.output).exists() and not Path(request_of.report).exists()
    done = len(calls["probed"])
    found = compare_encoders(request_of, Silent())
    assert found.kept > 0 and done < 6 <= len(calls["probed"]) <= 7
    assert sorted(set(calls["embedded"])) == ["noise", "truth"] and len(calls["embedded"]) == 2


def test_an_edited_raster_and_edited_labels_are_computed_again(request_of: BenchmarkRequest,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    compare_encoders(request_of, Silent())
    calls = counting(monkeypatch)
    write_field(Path(request_of.fields[1]), NOISE + 1.5 * np.abs(NOISE), TRANSFORM, space=Space("noise", 3))
    compare_encoders(request_of, Silent())
    assert calls["embedded"] == ["noise"] and calls["probed"] == ["3", "3"]
    calls["embedded"].clear()
    calls["probed"].clear()
    edited = values()
    edited[0] += 0.5
    rows = MadeRows(shapes(), {"yield": edited.tolist()}, name="“plots”")
    compare_encoders(replace(request_of, layers=(Labelled(rows, ("yield",)),)), Silent())
    # The places are the same, so vectors stay; what was predicted does not.
    assert calls["embedded"] == [] and len(calls["probed"]) == 6


def test_without_resume_everything_is_computed_again(request_of: BenchmarkRequest) -> None:
    first = compare_encoders(request_of, Silent())
    again = compare_encoders(replace(request_of, resume=False), Silent())
    assert again.computed == first.computed and again.kept == 0


def test_a_damaged_piece_is_computed_again(request_of: BenchmarkRequest) -> None:
    compare_encoders(request_of, Silent())
    before = rows_of(request_of.output)
    for path in Path(request_of.results).glob("*.npz"):
        path.write_bytes(path.read_bytes()[:100])
    found = compare_encoders(request_of, Silent())
    assert found.kept == 0 and without_time(rows_of(found.output)) == without_time(before)


def test_rows_that_one_candidate_lacks_are_left_out_for_all_and_counted(request_of: BenchmarkRequest,
                                                                     tmp_path: Path) -> None:
    half = np.where(np.arange(SIDE)[:, None] < 6, np.nan, NOISE)
    gap = write_field(tmp_path / "gap.tif", half, TRANSFORM, space=Space("gap", 3))
    lacking = int((CELLS // SIDE < 6).sum())
    heard = Heard()
    found = compare_encoders(replace(request_of, fields=(*request_of.fields, gap), sampling="nearest"), heard)
    assert found.rows == 120 - lacking and {row["rows"] for row in rows_of(found.output)} == {120 - lacking}
    assert any(f"{lacking} of 120 labels are left out for all" in text and f"gap lacks {lacking}" in text
               for text in heard.warnings)
    nowhere = write_field(tmp_path / "far.tif", NOISE, (0.0, CELL, 0.0, 0.0, 0.0, -CELL), space=Space("far", 3))
    heard = Heard()
    found = compare_encoders(replace(request_of, fields=(*request_of.fields, nowhere)), heard)
    assert found.rows == 120 and any("far has no vector for any label" in text for text in heard.warnings)
    mostly = write_field(tmp_path / "mostly.tif", np.where(np.arange(SIDE)[:, None] < 38, np.nan, NOISE), TRANSFORM,
                         space=Space("mostly", 3))
    with pytest.raises(EarthprintError) as caught:
        compare_encoders(replace(request_of, fields=(*request_of.fields, mostly)), Silent())
    assert "mostly lacks" in str(caught.value) and "too few for 5 folds" in str(caught.value)


def test_classes_dimensions_and_few_labels(request_of: BenchmarkRequest, tmp_path: Path) -> None:
    kinds = np.digitize(values(), (-0.6, 0.6))
    rows = MadeRows(shapes(), {"kind": [f"k{kind}" for kind in kinds.tolist()], "code": kinds.tolist()}, name="“plots”")
    wide = np.concatenate([NOISE, 3 * TRUTH, 0.1 * NOISE], axis=0)
    field = write_field(tmp_path / "wide.tif", wide, TRANSFORM, space=Space("wide", 8))
    heard = Heard()
    request = replace(request_of, layers=(Labelled(rows, ("kind", "code")),), fields=(field,), dimensions=(2, 50),
                      labels=(10, 500), folds=("random",), probes=("knn",))
    found = rows_of(compare_encoders(request, heard).output)
    assert {row["measure"] for row in found} == {"balanced accuracy"}
    mine = [row for row in found if row["target"] == "kind" and row["candidate"] == "wide"]
    assert sorted((row["dimensions"], row["labels"], row["draws"]) for row in mine) == [
        (2, 0, 1), (2, 10, 6), (8, 0, 1), (8, 10, 6)]
    scores = {(row["dimensions"], row["labels"]): row["score"] for row in mine}
    # Two components hold what is large, which is the truth here; few labels teach less.
    assert scores[(2, 0)] > scores[(8, 0)] - 0.02 and scores[(2, 0)] > scores[(2, 10)]
    majority = one(found, "majority", target="kind")
    assert majority["score"] == pytest.approx(1 / 3) and majority["probe"] is None
    assert any("LABELS 500 is left out" in text for text in heard.warnings)
    # Numbers that are few and whole are classes, and answer alike.
    assert [row["score"] for row in found if row["target"] == "code"] == [
        row["score"] for row in found if row["target"] == "kind"]


def test_tables_by_key_own_vectors_and_places(request_of: BenchmarkRequest) -> None:
    names = [f"n{number}" for number in range(120)]
    own = with_vectors(shapes(), {"yield": values().tolist(), "name": names}, NOISE.reshape(3, -1)[:, CELLS].T.tolist(),
                       name="“plots”")
    turned = np.random.default_rng(0).permutation(120)
    table = with_vectors([None] * 120, {"name": [names[row] for row in turned]},
                         TRUTH.reshape(2, -1)[:, CELLS].T[turned].tolist(), name="“surveyed”")
    request = replace(request_of, layers=(Labelled(own, ("yield",)),), fields=(), tables=(table,), key="name",
                      folds=("blocks",))
    found = rows_of(compare_encoders(request, Silent()).output)
    assert {row["candidate"]: row["kind"] for row in found} == {
        "mean": "baseline", "surveyed": "table", "own vectors": "own vectors", "coordinates": "baseline"}
    assert one(found, "surveyed")["score"] > 0.99 and abs(one(found, "own vectors")["score"]) < 0.3
    near = with_vectors(shapes(), {"other": [1] * 120}, TRUTH.reshape(2, -1)[:, CELLS].T.tolist(), name="“near”")
    found = rows_of(compare_encoders(replace(request, tables=(near,), key=""), Silent()).output)
    assert one(found, "near")["score"] > 0.99


def test_images_give_baselines_that_a_loop_repeats_and_the_automatic_encoder(request_of: BenchmarkRequest,
                                                                          tmp_path: Path) -> None:
    bands = 100 * np.kron(np.concatenate([TRUTH[:1], NOISE[:1]]), np.ones((1, 4, 4)))
    bands += np.random.default_rng(5).normal(0, 1, bands.shape)
    fine = (TRANSFORM[0], CELL / 4, 0.0, TRANSFORM[3], 0.0, -CELL / 4)
    image = write_bands(tmp_path / "scene.tif", bands, fine, 32633, -9999.0)
    request = replace(request_of, fields=(), images=(image,), encoders=("automatic",), cell=4, folds=("blocks",),
                      sampling="nearest")
    found = rows_of(compare_encoders(request, Silent()).output)
    assert {row["candidate"] for row in found} == {"mean", "raw bands", "band statistics", "automatic", "coordinates"}
    assert one(found, "raw bands")["score"] > 0.99 and one(found, "automatic")["file_bytes"] > 1000
    assert one(found, "raw bands")["dimensions"] == 2 and one(found, "band statistics")["dimensions"] == 4
    # An encoder kept as a file is the automatic one where it was made of the same raster.
    kept = make_encoder(MakeEncoderRequest((image,), str(tmp_path / "kept.onnx"), cell=4), Silent())
    found = rows_of(compare_encoders(replace(request, encoders=("automatic", kept.card_path)), Silent()).output)
    assert one(found, kept.card.id)["score"] == pytest.approx(one(found, "automatic")["score"], abs=1e-6)
    assert one(found, kept.card.id)["file_bytes"] == Path(kept.path).stat().st_size
    question = read_question("plots", request.layers[0].rows, "yield", request, Silent())
    imaging = Imaging(tmp_path, EncoderFolders(), 4, 0, "cpu", 256)
    assert BandStatistics("s", image, imaging).facts(question) != BandStatistics(
        "s", image, replace(imaging, seed=imaging.seed + 1)).facts(question), "another seed samples other windows"
    given = BandStatistics("s", image, imaging).vectors(question, Silent())
    assert given.there.all()
    padded = np.pad(bands, ((0, 0), (2, 2), (2, 2)), mode="symmetric")
    rows, columns = np.divmod(CELLS, SIDE)
    truth = np.array([[[padded[band, 4 * row:4 * row + 8, 4 * column:4 * column + 8].mean(),
                        padded[band, 4 * row:4 * row + 8, 4 * column:4 * column + 8].std()] for band in range(2)]
                      for row, column in zip(rows, columns)]).reshape(len(CELLS), 4)
    # What the engine gives is these numbers, centred and scaled: a linear map between the two leaves nothing over.
    design = np.hstack([given.values.astype(float), np.ones((len(CELLS), 1))])
    left = truth - design @ np.linalg.lstsq(design, truth, rcond=None)[0]
    assert np.abs(left).max() < 0.02 * truth.std(axis=0).min()


def test_noise_is_seldom_taken_for_skill(request_of: BenchmarkRequest, tmp_path: Path) -> None:
    paths = tuple(write_field(tmp_path / f"n{seed}.tif", np.random.default_rng(100 + seed).standard_normal(
        (3, SIDE, SIDE)), TRANSFORM, space=Space("noise", 3)) for seed in range(12))
    found = rows_of(compare_encoders(replace(request_of, fields=paths, folds=("blocks",)), Silent()).output)
    mine = [row for row in found if row["kind"] == "raster"]
    assert len(mine) == 12
    assert not any(row["verdict"].startswith("beats") and "by chance" not in row["verdict"] for row in mine)
    assert sum("no difference" in row["verdict"] for row in mine) >= 10


def test_location_encoders_by_id_and_by_file(request_of: BenchmarkRequest, tmp_path: Path) -> None:
    position = position_of("sphere2vec-c", Settings(scales=4))
    weight = np.random.default_rng(1).standard_normal((5, position.size)).astype(np.float32)
    places = np.array([[15.0, 51.4], [15.02, 51.41]])
    path = save_location_encoder(tmp_path / "mine.onnx", position, Network((Linear(weight),)),
                                 LocationCard("mine", "Mine", position, 0, licence="MIT", area=coverage_of(places)))
    heard = Heard()
    request = replace(request_of, fields=(), folds=("random",), encoders=("xyz", str(path), "mine"),
                      folders=EncoderFolders(user=tmp_path))
    found = rows_of(compare_encoders(request, heard).output)
    sizes = {row["candidate"]: (row["dimensions"], row["file_bytes"]) for row in found if row["kind"] != "baseline"}
    assert sizes == {"xyz": (3, 0), "mine": (5, path.stat().st_size), "mine (2)": (5, path.stat().st_size)}
    assert any("mine was trained on data from where labels" in text for text in heard.warnings)
    scores = {row["candidate"]: row["score"] for row in found}
    assert scores["mine"] == scores["mine (2)"] != scores["xyz"]


def test_errors_that_lie_together_show_as_geo_bias(request_of: BenchmarkRequest, tmp_path: Path) -> None:
    west = np.arange(SIDE)[None, :] < 12
    rough = np.where(west, np.random.default_rng(8).standard_normal((SIDE, SIDE)), TRUTH[0])
    even = TRUTH[0] + 0.3 * np.random.default_rng(9).standard_normal((SIDE, SIDE))
    paths = tuple(write_field(tmp_path / f"{name}.tif", values[None], TRANSFORM, space=Space(name, 1))
                  for name, values in (("rough", rough), ("even", even)))
    request = replace(request_of, fields=paths, folds=("random",), geobias=True)
    found = rows_of(compare_encoders(request, Silent()).output)
    assert one(found, "rough")["geobias_p"] < 0.05 < one(found, "even")["geobias_p"]
    assert one(found, "rough")["geobias"] > one(found, "even")["geobias"] >= 0
    assert one(found, "mean")["geobias"] is None


def test_encoders_that_need_images_or_are_unknown_are_told(request_of: BenchmarkRequest) -> None:
    for encoders, said in ((("automatic",), "IMAGES is empty"), (("sphere2vek-m",), "no encoder sphere2vek-m")):
        with pytest.raises(EarthprintError) as caught:
            compare_encoders(replace(request_of, encoders=encoders), Silent())
        assert said in str(caught.value)


def test_a_table_without_geometry_is_judged_in_random_folds(request_of: BenchmarkRequest) -> None:
    own = with_vectors([None] * 120, {"yield": values().tolist()}, TRUTH.reshape(2, -1)[:, CELLS].T.tolist(),
                       name="“people”")
    heard = Heard()
    request = replace(request_of, layers=(Labelled(own, ("yield",)),), fields=())
    found = rows_of(compare_encoders(request, heard).output)
    assert {(row["candidate"], row["folds"]) for row in found} == {("mean", "random"), ("own vectors", "random")}
    assert any("has no places" in text for text in heard.warnings)
    assert any("blocks are left out" in text for text in heard.warnings)
