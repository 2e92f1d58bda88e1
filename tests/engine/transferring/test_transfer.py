"""Coarse units to fine ones: a made case whose answer is known, sums kept, parents found, and wrong input in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from made_rows import with_vectors, wkb_of
from small_fields import wkt_of

from earthprint.engine.errors import Cancelled, InputError, SpaceError
from earthprint.engine.geodesy import polygon_area
from earthprint.engine.predictors.predictor import open_predictor
from earthprint.engine.progress import Silent
from earthprint.engine.space import Space
from earthprint.engine.table import open_rows
from earthprint.engine.training.request import FoldChoice
from earthprint.engine.transferring.request import TransferRequest
from earthprint.engine.transferring.run import transfer
from earthprint.engine.transferring.units import areas_of

SIDE, BLOCK, DIMS = 24, 3, 4
LAW = np.array([2.0, -1.0, 0.5, 1.5])


class Listening(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.told: List[str] = []
        self.warned: List[str] = []

    def info(self, text: str) -> None:
        self.told.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)


def square(column: int, row: int, size: int) -> str:
    west, south = 500_000 + 1000 * column, 5_700_000 + 1000 * row
    east, north = west + 1000 * size, south + 1000 * size
    return f"POLYGON(({west} {south},{east} {south},{east} {north},{west} {north},{west} {south}))"


def made(seed: int = 0, noise: float = 0.0, informative: bool = True) -> "Dict[str, Any]":
    """Return squares of 1 km and blocks of 9 of them; a rate follows the vector, whose weighted mean a block has."""
    chance = np.random.default_rng(seed)
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    vectors = chance.normal(0, 1, (SIDE * SIDE, DIMS)).astype(np.float32)
    people = chance.integers(50, 400, SIDE * SIDE).astype(float)
    law = LAW if informative else np.zeros(DIMS)
    rate = 20 + vectors.astype(float) @ law + chance.normal(0, noise, len(vectors))
    block = (row // BLOCK) * (SIDE // BLOCK) + column // BLOCK
    load = np.bincount(block, people)
    coarse_vectors = np.stack([np.bincount(block, people * axis) / load for axis in vectors.T], axis=1)
    blocks = SIDE // BLOCK
    return {
        "vectors": vectors, "people": people, "rate": rate, "block": block, "load": load,
        "coarse_vectors": coarse_vectors, "coarse_rate": np.bincount(block, people * rate) / load,
        "fine_shapes": [square(c, r, 1) for r, c in zip(row, column)],
        "coarse_shapes": [square(BLOCK * (b % blocks), BLOCK * (b // blocks), BLOCK) for b in range(blocks * blocks)]}


def layers(case: "Dict[str, Any]", **coarse: Any) -> "Dict[str, Any]":
    codes = [f"B{number:02d}" for number in range(len(case["load"]))]
    total = case["coarse_rate"] * case["load"]
    return {
        "coarse": with_vectors(case["coarse_shapes"], {
            "code": codes, "rate": case["coarse_rate"].tolist(), "total": total.tolist(),
            "people": case["load"].tolist(), **coarse}, case["coarse_vectors"], name="“coarse”"),
        "fine": with_vectors(case["fine_shapes"], {
            "block": [codes[number] for number in case["block"]], "people": case["people"].tolist(),
            "truth": case["rate"].tolist(), "true_total": (case["rate"] * case["people"]).tolist()},
            case["vectors"], name="“fine”")}


def named(case: "Dict[str, Any]") -> "Dict[str, Any]":
    """Return the layers with coarse units that have no places: no baseline of coordinates, which takes the longest."""
    found = layers({**case, "coarse_shapes": [None] * len(case["load"])})
    return {**found, "parent": "block", "coarse_key": "code", "folds": FoldChoice("random", 4)}


def columns_of(path: Path) -> "Dict[str, np.ndarray]":
    rows = open_rows(str(path))
    found: "Dict[str, List[Any]]" = {column.name: [] for column in rows.columns}
    for chunk in rows.rows():
        for name in found:
            found[name] += chunk.columns[name]
    return {name: np.array([np.nan if cell is None else cell for cell in cells]) if name not in (
        "embedding", "embedding_space", "unit", "block") else np.array(cells, dtype=object)
        for name, cells in found.items()}


FOLDS = FoldChoice("blocks", 4, 6000.0)


def test_a_known_law_is_found_within_coarse_units_and_totals_are_kept(tmp_path: Path) -> None:
    case = made()
    heard = Listening()
    result = transfer(TransferRequest(
        **layers(case), target="total", output=str(tmp_path / "o.gpkg"), preserve="totals", quantity="total",
        weight="people", truth="true_total", folds=FOLDS, report=str(tmp_path / "r.html"),
        predictor=str(tmp_path / "p.onnx")), heard)
    found = columns_of(tmp_path / "o.gpkg")
    # The true total of every square, from sums of nine alone.
    np.testing.assert_allclose(found["predicted"], case["rate"] * case["people"], rtol=2e-3)
    sums = np.bincount(case["block"], found["predicted"])
    np.testing.assert_allclose(sums, case["coarse_rate"] * case["load"], rtol=1e-9)
    assert list(found["unit"][:4]) == [1, 1, 1, 2]
    np.testing.assert_allclose(found["predicted"], found["unadjusted"] * found["adjustment"], rtol=1e-9)
    assert (found["lower"] <= found["predicted"]).all() and (found["predicted"] <= found["upper"]).all()
    assert result.score_fine > 0.999 and result.score_even < result.score_fine - 0.01 and result.kept == SIDE * SIDE
    assert not any("adds nothing within" in warning for warning in result.warnings)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "spreading each coarse value evenly" in page and "Against known fine values" in page
    card = open_predictor(str(tmp_path / "p.onnx"), Silent()).card
    assert card.target.names == ("total per people",) and card.sample_count == 64


def test_weighted_means_of_a_rate_are_kept_with_parents_by_name(tmp_path: Path) -> None:
    case = made(1, noise=1.0)
    result = transfer(TransferRequest(
        **named(case), target="rate", output=str(tmp_path / "o.gpkg"), preserve="totals", weight="people",
        truth="truth"), Silent())
    found = columns_of(tmp_path / "o.gpkg")
    means = np.bincount(case["block"], found["predicted"] * case["people"]) / case["load"]
    np.testing.assert_allclose(means, case["coarse_rate"], rtol=1e-9)
    assert list(found["unit"]) == list(found["block"])
    error = found["predicted"] - case["rate"]
    assert np.sqrt((error ** 2).mean()) < 1.5 and result.score_fine > 0.7
    spread = ((case["rate"] - case["rate"].mean()) ** 2).sum()
    assert result.score_fine == pytest.approx(1 - (error ** 2).sum() / spread)


def test_rates_below_zero_are_shifted_and_not_multiplied(tmp_path: Path) -> None:
    case = made(2)
    case["rate"] = case["rate"] - 20
    case["coarse_rate"] = np.bincount(case["block"], case["people"] * case["rate"]) / case["load"]
    transfer(TransferRequest(**named(case), target="rate", output=str(tmp_path / "o.gpkg"), preserve="totals",
                             weight="people"), Silent())
    found = columns_of(tmp_path / "o.gpkg")
    means = np.bincount(case["block"], found["predicted"] * case["people"]) / case["load"]
    np.testing.assert_allclose(means, case["coarse_rate"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found["predicted"], found["unadjusted"] + found["adjustment"], atol=1e-9)
    assert (found["predicted"] < 0).any()


def test_totals_stay_non_negative_where_the_model_says_less_than_nothing(tmp_path: Path) -> None:
    case = made(3)
    case["rate"] = np.maximum(case["rate"] * 10 - 200, 0)
    case["coarse_rate"] = np.bincount(case["block"], case["people"] * case["rate"]) / case["load"]
    transfer(TransferRequest(**named(case), target="total", output=str(tmp_path / "o.gpkg"), preserve="totals",
                             quantity="total", weight="people"), Silent())
    found = columns_of(tmp_path / "o.gpkg")
    assert (found["unadjusted"] < 0).any() and (found["predicted"] >= 0).all() and (found["lower"] >= 0).all()
    np.testing.assert_allclose(np.bincount(case["block"], found["predicted"]), case["coarse_rate"] * case["load"],
                               rtol=1e-9, atol=1e-9)


def test_without_weights_totals_are_spread_by_area(tmp_path: Path) -> None:
    case = made(4)
    area = np.bincount(case["block"], case["rate"])
    inputs = layers(case, deer=area.tolist())
    heard = Listening()
    transfer(TransferRequest(**inputs, target="deer", output=str(tmp_path / "o.gpkg"), preserve="totals",
                             quantity="total", folds=FOLDS, interval=0.0), heard)
    found = columns_of(tmp_path / "o.gpkg")
    np.testing.assert_allclose(np.bincount(case["block"], found["predicted"]), area, rtol=1e-9)
    assert "lower" not in found and any("learnt per km²" in text for text in heard.told)


@pytest.mark.parametrize("epsg", [32633, 4326])
def test_many_areas_are_what_each_is_by_itself(epsg: int) -> None:
    scale = 1.0 if epsg == 32633 else 1e-5
    shapes: "List[Any]" = [wkb_of(f"POLYGON(({x} {y},{x + scale * w} {y},{x + scale * w} {y + scale * h},{x} {y}))")
                           for x, y, w, h in np.random.default_rng(0).uniform(
                               (scale * 3e5, scale * 4.5e6, 1000, 1000), (scale * 7e5, scale * 5.5e6, 9000, 9000),
                               (2100, 4)).tolist()]
    shapes[5], shapes[6] = None, wkb_of("POINT(1 2)")
    found = areas_of(shapes, wkt_of(epsg))
    assert np.isnan(found[5]) and found[6] == 0
    for row in (0, 7, 1000, 2099):
        assert found[row] == pytest.approx(polygon_area(shapes[row], wkt_of(epsg)) / 1e6, rel=1e-3)


def test_an_embedding_that_tells_nothing_is_said_to_add_nothing(tmp_path: Path) -> None:
    case = made(5, noise=3.0, informative=False)
    heard = Listening()
    result = transfer(TransferRequest(**named(case), target="rate", output=str(tmp_path / "o.gpkg"), weight="people",
                                      preserve="totals", truth="truth"), heard)
    assert any("the embedding adds nothing within coarse units" in warning for warning in heard.warned)
    assert result.score_fine < result.score_even + 0.02


def test_what_keeping_the_coarse_values_would_give_is_told(tmp_path: Path) -> None:
    # What a block has of its own, and no vector tells, is in the coarse value alone.
    case = made(10)
    own = np.random.default_rng(11).normal(0, 1.2, 64)
    case["rate"] = case["rate"] + own[case["block"]]
    case["coarse_rate"] = case["coarse_rate"] + own
    heard = Listening()
    options = {**named(case), "target": "rate", "output": str(tmp_path / "o.gpkg"), "weight": "people",
               "truth": "truth"}
    plain = transfer(TransferRequest(**options), heard)
    [told] = [text for text in heard.warned if text.startswith("With the coarse values kept (PRESERVE totals)")]
    kept = transfer(TransferRequest(**options, preserve="totals"), heard)
    assert f"is {kept.score_fine:.2f} in place of {plain.score_fine:.2f}" in told
    assert kept.score_fine > plain.score_fine + 0.05 and kept.score_even == plain.score_even
    assert not any("adds nothing within" in text for text in heard.warned)


def test_without_a_truth_the_coarse_figure_is_told_as_no_promise(tmp_path: Path) -> None:
    heard = Listening()
    result = transfer(TransferRequest(**named(made(6)), target="rate", output=str(tmp_path / "o.gpkg"),
                                      report=str(tmp_path / "r.html")), heard)
    caution = "says nothing certain about fine ones"
    assert any(caution in text for text in heard.warned) and caution in (tmp_path / "r.html").read_text("utf-8")
    assert np.isnan(result.score_fine) and result.kept == 0


def test_units_that_find_no_partner_are_counted(tmp_path: Path) -> None:
    case = made(7)
    inputs = layers(case)
    keep = [number for number in range(SIDE * SIDE) if case["block"][number] != 5]
    strays = [square(-40, -40, 1), square(-41, -40, 1)]
    vectors = [case["vectors"][number] for number in keep] + [case["vectors"][0]] * 2
    vectors[3] = None
    inputs["fine"] = with_vectors([case["fine_shapes"][number] for number in keep] + strays,
                                  {"people": [float(case["people"][number]) for number in keep] + [1.0, 1.0]}, vectors,
                                  name="“fine”")
    heard = Listening()
    transfer(TransferRequest(**inputs, target="total", output=str(tmp_path / "o.gpkg"), preserve="totals",
                             quantity="total", weight="people", folds=FOLDS), heard)
    found = columns_of(tmp_path / "o.gpkg")
    assert "Counted: 1 coarse units without a fine unit." in heard.told
    assert any(text.startswith("Counted: 2 fine units in no coarse unit") for text in heard.told)
    assert any(text.startswith("Counted: 1 fine units without a vector") for text in heard.told)
    assert np.isnan(found["predicted"][3]) and list(found["unit"][-2:]) == [None, None]
    # Outside of every coarse unit the model's own word stands.
    np.testing.assert_allclose(found["predicted"][-2:], found["unadjusted"][-2:])
    block = np.array([case["block"][number] for number in keep])
    inside = np.isfinite(found["predicted"][:-2])
    sums = np.bincount(block[inside], found["predicted"][:-2][inside], 64)
    wanted = case["coarse_rate"] * case["load"]
    wanted[5] = 0
    np.testing.assert_allclose(sums, wanted, rtol=1e-9)


@pytest.mark.parametrize(("changes", "message"), [
    ({"target": "nothing"}, "has no column “nothing”, which TARGET names"),
    ({"weight": "block"}, "no number"),
    ({"weight": "none"}, "WEIGHT names"),
    ({"parent": "people"}, "No row of “fine” names a row of “coarse”|needs a row for each"),
    ({"parent": "block"}, "COARSE_KEY"),
    ({"coarse_key": "x"}, "COARSE_KEY names"),
    ({"truth": "x"}, "TRUTH names"),
    ({"quantity": "sum"}, "QUANTITY is “sum”: choose one of rate, total"),
    ({"preserve": "all"}, "PRESERVE is “all”"),
])
def test_wrong_input_is_told_in_one_sentence(tmp_path: Path, changes: "Dict[str, Any]", message: str) -> None:
    request = {**layers(made(8)), "target": "rate", "output": str(tmp_path / "o.gpkg"), "folds": FOLDS, **changes}
    with pytest.raises(InputError, match=message):
        transfer(TransferRequest(**request), Silent())
    assert not (tmp_path / "o.gpkg").exists()


def test_layers_that_do_not_meet_are_refused(tmp_path: Path) -> None:
    case = made(9)
    inputs = layers(case)
    points = with_vectors(["POINT(500500 5700500)"] * len(case["vectors"]), {"people": case["people"].tolist()},
                          case["vectors"], name="“points”")
    with pytest.raises(InputError, match="can't be spread by area: name a column as WEIGHT"):
        transfer(TransferRequest(inputs["coarse"], "total", points, str(tmp_path / "o.gpkg"), quantity="total"),
                 Silent())
    far = with_vectors([square(900 + number, 0, 1) for number in range(len(case["vectors"]))], {}, case["vectors"],
                       name="“far”")
    with pytest.raises(InputError, match="No unit of “far” lies within a polygon of “coarse”"):
        transfer(TransferRequest(inputs["coarse"], "rate", far, str(tmp_path / "o.gpkg")), Silent())
    other = with_vectors(case["fine_shapes"], {}, case["vectors"], Space("other", DIMS), name="“other”")
    with pytest.raises(SpaceError, match="“coarse” and “other” hold embeddings of different spaces"):
        transfer(TransferRequest(inputs["coarse"], "rate", other, str(tmp_path / "o.gpkg")), Silent())


class Stopping(Silent):
    """Wants to stop when a text is reported."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.stopped = False

    def report(self, fraction: float, text: Any = None) -> None:
        self.stopped |= bool(text) and self.text in text

    def cancelled(self) -> bool:
        return self.stopped


@pytest.mark.parametrize("text", ["Reading", "Fold 2", "Writing"])
def test_a_cancelled_run_leaves_nothing(tmp_path: Path, text: str) -> None:
    with pytest.raises(Cancelled):
        transfer(TransferRequest(**layers(made(12)), target="rate", output=str(tmp_path / "o.gpkg"), folds=FOLDS),
                 Stopping(text))
    assert list(tmp_path.iterdir()) == []
