"""Tables keep their rows, attributes and vectors, and gain what the predictor says of each row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, List

import numpy as np
import pytest
from osgeo import ogr
from small_predictors import (
    SPACE,
    invented_vectors,
    train_on,
    truth_of,
    write_invented,
    write_labels,
    write_table,
)

from earthprint.engine.errors import Cancelled, InputError, SpaceError
from earthprint.engine.predictors.request import PredictOptions, PredictTableRequest
from earthprint.engine.predictors.table import predict_table
from earthprint.engine.progress import Silent
from earthprint.engine.provenance import Provenance
from earthprint.engine.space import Space
from earthprint.engine.table import open_table


class Told(Silent):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.said: "List[str]" = []

    def info(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.said.append(f"WARNING {text}")


class Made:
    """Rows with their truth, and predictors trained on a field of the same space."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        field = invented_vectors()
        truth, chance = truth_of(field), np.random.default_rng(5)
        kinds = np.digitize(np.nan_to_num(truth), [9.0, 11.0])
        years = chance.integers(1990, 2000, truth.shape)
        soils = np.array(["loam", "clay"])[chance.integers(0, 2, truth.shape)]
        self.field = write_invented(folder / "field.tif", field)
        self.labels = write_labels(folder / "labels.gpkg", field, {
            "y": ("real", truth + 0.5 * (years - 1995) + 2.0 * (soils == "clay")), "plain": ("real", truth),
            "cover": ("text", np.array(["low", "middle", "high"])[kinds]),
            "code": ("integer", np.array([0, 21, 40])[kinds]), "year": ("integer", years), "soil": ("text", soils)})
        self.vectors = invented_vectors(30, 40, 3).reshape(6, -1).T[240:]
        self.truth = truth_of(self.vectors.T)
        self.kinds = np.digitize(self.truth, [9.0, 11.0])

    def predictor(self, name: str, *target: str, **further: Any) -> str:
        """Train, once."""
        path = self.folder / f"{name}.onnx"
        if not path.exists():
            train_on(self.labels.path, self.field, target, path, **further)
        return str(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: Any) -> Made:
    return Made(tmp_path_factory.mktemp("predictors"))


def rows_of(path: Path) -> "list[dict[str, Any]]":
    """Return all rows with their attributes."""
    source = ogr.Open(str(path))
    layer = source.GetLayer(0)
    columns = layer.GetLayerDefn()
    names = [columns.GetFieldDefn(number).GetName() for number in range(columns.GetFieldCount())]
    return [{**{name: row.GetField(name) for name in names if name != "embedding"}, "fid": row.GetFID()}
            for row in layer]


def predict(made: Made, table: str, predictor: str, output: Path, options: Any = None, progress: Any = None) -> Any:
    request = PredictTableRequest(predictor, str(output), options or PredictOptions())
    return predict_table(open_table(table), request, progress or Silent())


def test_rows_gain_columns_and_keep_everything_else(made: Made, tmp_path: Path) -> None:
    rows = len(made.vectors)
    table = write_table(tmp_path / "t.gpkg", made.vectors, {
        "name": ("text", [f"n{number}" for number in range(rows)]), "predicted": ("real", [float(rows)] * rows)})
    told = Told()
    result = predict(made, table, made.predictor("plain", "plain"), tmp_path / "o.gpkg", progress=told)
    found = rows_of(tmp_path / "o.gpkg")
    assert [row["name"] for row in found] == [f"n{number}" for number in range(rows)]
    assert {row["predicted_1"] for row in found} == {float(rows)}
    assert any("“predicted” of" in line and "is kept as “predicted_1”" in line for line in told.said)
    values = np.array([[row[name] for name in ("predicted", "lower", "upper", "dissimilarity")] for row in found])
    np.testing.assert_allclose(values[:, 0], made.truth, atol=0.05)
    assert (values[:, 1] <= values[:, 0]).all() and (values[:, 0] <= values[:, 2]).all()
    trusted = np.array([row["applicable"] for row in found], dtype=bool)
    assert values[trusted, 3].max() < values[~trusted, 3].min(initial=np.inf)
    assert (result.predicted, result.outside) == (rows, int((~trusted).sum()))
    again = open_table(tmp_path / "o.gpkg")
    kept = np.concatenate([chunk.vectors for chunk in again.chunks()])
    np.testing.assert_array_equal(kept, made.vectors)
    assert again.space_key == open_table(table).space_key


def test_further_columns_are_read_by_name_and_filled_as_in_training(made: Made, tmp_path: Path) -> None:
    path = made.predictor("columns", "y", columns=("year", "soil"))
    rows = len(made.vectors)
    years = [1990 + number % 10 for number in range(rows)]
    soils = ["loam" if number % 3 else "clay" for number in range(rows)]
    table = write_table(tmp_path / "t.gpkg", made.vectors, {"YEAR": ("integer", [None, *years[1:]]),
                                                            "soil": ("text", soils)})
    told = Told()
    predict(made, table, path, tmp_path / "o.gpkg", PredictOptions(0.0, False, False), told)
    found = rows_of(tmp_path / "o.gpkg")
    assert "lower" not in found[0] and "applicable" not in found[0]
    expected = made.truth + 0.5 * (np.array(years) - 1995) + 2.0 * (np.array(soils) == "clay")
    got = np.array([row["predicted"] for row in found])
    np.testing.assert_allclose(got[1:], expected[1:], atol=0.1)
    assert any(line.startswith("WARNING 1 empty cells of “year”") for line in told.said)
    lacking = write_table(tmp_path / "l.gpkg", made.vectors, {"year": ("integer", years)})
    with pytest.raises(InputError, match="has no column “soil”, which the predictor needs"):
        predict(made, lacking, path, tmp_path / "x.gpkg")
    assert not (tmp_path / "x.gpkg").exists()


def test_levels_that_training_never_saw_are_counted_and_named(made: Made, tmp_path: Path) -> None:
    path = made.predictor("columns", "y", columns=("year", "soil"))
    rows = len(made.vectors)
    soils = ["peat", "peat", "mud", None, *["loam"] * (rows - 4)]
    table = write_table(tmp_path / "t.gpkg", made.vectors, {"year": ("integer", [None, *[1995] * (rows - 1)]),
                                                            "soil": ("text", soils)})
    told = Told()
    predict(made, table, path, tmp_path / "o.gpkg", progress=told)
    assert "WARNING 3 cells of “soil” hold what training never saw (“peat”, “mud”): they count as none of its " \
           "levels." in told.said
    assert "WARNING 1 empty cells of “soil” count as none of its levels." in told.said
    assert any(line.startswith("WARNING 1 empty cells of “year” were given the median of the training, 199")
               for line in told.said)
    known = write_table(tmp_path / "k.gpkg", made.vectors, {"year": ("integer", [1995] * rows),
                                                            "soil": ("text", ["clay"] * rows)})
    quiet = Told()
    predict(made, known, path, tmp_path / "k2.gpkg", progress=quiet)
    assert not [line for line in quiet.said if "cells of" in line]


def test_classes_are_written_as_they_stood_in_the_labels(made: Made, tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.gpkg", made.vectors, {})
    for target, values in (("cover", ["low", "middle", "high"]), ("code", [0, 21, 40])):
        path = made.predictor(target, target, model="logistic", task="classification")
        predict(made, table, path, tmp_path / f"{target}.gpkg", PredictOptions(0.9, True, False))
        found = rows_of(tmp_path / f"{target}.gpkg")
        truth = [values[kind] for kind in made.kinds]
        assert np.mean([row["predicted"] == value for row, value in zip(found, truth)]) > 0.9
        shares = np.array([[row[f"probability_{value}"] for value in values] for row in found])
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-5)
        assert [values[place] for place in shares.argmax(axis=1)] == [row["predicted"] for row in found]


def test_another_space_is_refused_by_both_names(made: Made, tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.gpkg", made.vectors, {}, space=Space("elsewhere", 6, "cd" * 32))
    with pytest.raises(SpaceError, match="different spaces") as told:
        predict(made, table, made.predictor("plain", "plain"), tmp_path / "o.gpkg")
    assert "elsewhere" in str(told.value) and "invented" in str(told.value)
    assert not (tmp_path / "o.gpkg").exists()


def test_licences_travel_and_a_cancelled_run_leaves_nothing(made: Made, tmp_path: Path) -> None:
    source = Provenance("Some product", "CC BY 4.0", "By somebody.")
    table = write_table(tmp_path / "t.gpkg", made.vectors, {}, space=replace(SPACE, provenance=(source,)))
    predict(made, table, made.predictor("plain", "plain"), tmp_path / "o.gpkg")
    assert source in open_table(tmp_path / "o.gpkg").identity().provenance

    class Stop(Silent):
        def cancelled(self) -> bool:
            return True

    with pytest.raises(Cancelled):
        predict(made, table, made.predictor("plain", "plain"), tmp_path / "c.gpkg", progress=Stop())
    assert not list(tmp_path.glob("c.gpkg*"))


def test_other_codings_of_the_same_space_are_decoded(made: Made, tmp_path: Path) -> None:
    plain = write_table(tmp_path / "t.gpkg", made.vectors, {})
    half = write_table(tmp_path / "h.gpkg", made.vectors, {}, coding="f2")
    for name, table in (("a", plain), ("b", half)):
        predict(made, table, made.predictor("plain", "plain"), tmp_path / f"{name}.gpkg")
    first, second = ([row["predicted"] for row in rows_of(tmp_path / f"{name}.gpkg")] for name in "ab")
    np.testing.assert_allclose(first, second, atol=0.02)
