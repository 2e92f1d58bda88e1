"""Prediction rasters hold what the predictor says of every cell, and nothing where there is no vector."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, List

import numpy as np
import pytest
from osgeo import gdal, ogr
from small_fields import write_field
from small_predictors import (
    DIMENSIONS,
    SPACE,
    TRANSFORM,
    invented_vectors,
    train_on,
    truth_of,
    write_invented,
    write_labels,
)

from earthprint.engine.coding import ALPHAEARTH
from earthprint.engine.errors import Cancelled, InputError, SpaceError
from earthprint.engine.predictors.raster import predict_raster
from earthprint.engine.predictors.request import PredictOptions, PredictRasterRequest
from earthprint.engine.progress import Silent
from earthprint.engine.provenance import Provenance, provenance_of
from earthprint.engine.space import Space

PLAIN = PredictOptions(0.0, False, False)


class Told(Silent):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.said: "List[str]" = []

    def info(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.said.append(f"WARNING {text}")


class Made:
    """A field, its truth, and predictors trained on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.vectors = invented_vectors()
        self.truth = truth_of(self.vectors)
        self.field = write_invented(folder / "field.tif", self.vectors)
        chance = np.random.default_rng(5)
        noisy = self.truth + chance.normal(0, 0.3, self.truth.shape)
        self.kinds = np.digitize(np.nan_to_num(self.truth), [9.0, 11.0])
        self.labels = write_labels(folder / "labels.gpkg", self.vectors, {
            "y": ("real", noisy), "price": ("real", np.exp(noisy / 4)),
            "cover": ("text", np.array(["low, wet", "middle", "high"])[self.kinds]),
            "code": ("integer", np.array([11, 21, 40])[self.kinds]),
            "flag": ("integer", (self.kinds > 0).astype(int)),
            "year": ("integer", chance.integers(1990, 2000, self.truth.shape)),
            "soil": ("text", np.array(["loam", "clay"])[chance.integers(0, 2, self.truth.shape)])})

    def predictor(self, name: str, *target: str, **further: Any) -> str:
        """Train, once."""
        path = self.folder / f"{name}.onnx"
        if not path.exists():
            train_on(self.labels.path, self.field, target, path, **further)
        return str(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: Any) -> Made:
    return Made(tmp_path_factory.mktemp("predictors"))


def predicted(predictor: str, field: str, output: Path, options: PredictOptions = PLAIN, progress: Any = None,
              **further: Any) -> "tuple[gdal.Dataset, dict[str, np.ndarray]]":
    """Predict and return the raster with its bands by name."""
    predict_raster(PredictRasterRequest(field, predictor, str(output), options, **further), progress or Silent())
    dataset = gdal.Open(str(output))
    bands = {dataset.GetRasterBand(number + 1).GetDescription(): dataset.GetRasterBand(number + 1).ReadAsArray()
             for number in range(dataset.RasterCount)}
    return dataset, bands


def onnx_outputs(predictor: str, rows: np.ndarray, columns: "np.ndarray | None" = None) -> "dict[str, np.ndarray]":
    """Ask the file itself, without any code of ours."""
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(predictor, providers=["CPUExecutionProvider"])
    fed = {"embedding": rows.astype(np.float32)}
    if columns is not None:
        fed["columns"] = columns.astype(np.float32)
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, fed)))



def test_numbers_with_their_interval_and_where_they_apply(made: Made, tmp_path: Path) -> None:
    told = Told()
    path = made.predictor("ridge", "y", units=("t/ha",))
    dataset, bands = predicted(path, made.field, tmp_path / "o.tif", PredictOptions(), told)
    assert list(bands) == ["predicted", "lower", "upper", "applicable", "dissimilarity"]
    missing = np.isnan(made.vectors[0])
    for name, values in bands.items():
        assert (np.isnan(values) == missing).all(), name
    known = ~missing
    assert np.abs(bands["predicted"] - made.truth)[known].max() < 0.3
    flat = made.vectors[:, known].T
    asked = onnx_outputs(path, flat)
    np.testing.assert_allclose(bands["predicted"][known], asked["predicted"][:, 0], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(bands["dissimilarity"][known], asked["dissimilarity"].ravel(), rtol=1e-3, atol=1e-4)
    width = (bands["upper"] - bands["lower"])[known]
    assert width.std() < 1e-4 and width.min() > 0, "without a transform the interval is as wide everywhere"
    inside = ((bands["lower"] <= made.truth) & (made.truth <= bands["upper"]))[known]
    assert inside.mean() > 0.9
    assert set(np.unique(bands["applicable"][known])) <= {0.0, 1.0}
    threshold = bands["dissimilarity"][(bands["applicable"] == 1)].max()
    assert (bands["dissimilarity"][bands["applicable"] == 0] > threshold).all()
    share = 100 * (bands["applicable"][known] == 0).mean()
    assert any(f"{known.sum():,} cells predicted; {share:.1f} % of them" in line or share < 0.1 for line in told.said)
    assert dataset.GetGeoTransform() == TRANSFORM and np.isnan(dataset.GetRasterBand(1).GetNoDataValue())
    dataset.GetMetadata()
    assert [dataset.GetRasterBand(number).GetUnitType() for number in (1, 2, 3, 4)] == ["t/ha"] * 3 + [""]


def test_a_wider_interval_is_wider_and_none_is_none(made: Made, tmp_path: Path) -> None:
    path = made.predictor("ridge", "y", units=("t/ha",))
    widths = {}
    for level in (0.5, 0.9):
        _, bands = predicted(path, made.field, tmp_path / f"{level}.tif", PredictOptions(level, False, False))
        assert list(bands) == ["predicted", "lower", "upper"]
        widths[level] = float(np.nanmean(bands["upper"] - bands["lower"]))
    assert widths[0.9] > 1.5 * widths[0.5]
    dataset, bands = predicted(path, made.field, tmp_path / "plain.tif")
    assert list(bands) == ["predicted"] and dataset.GetRasterBand(1).DataType == gdal.GDT_Float32


def test_a_transform_is_undone_and_its_interval_is_uneven(made: Made, tmp_path: Path) -> None:
    path = made.predictor("log", "price", transform="log")
    _, bands = predicted(path, made.field, tmp_path / "o.tif", PredictOptions(0.9, False, False))
    known = np.isfinite(made.truth)
    np.testing.assert_allclose(np.log(bands["predicted"][known]) * 4, made.truth[known], atol=0.4)
    ratio = (bands["upper"] / bands["lower"])[known]
    np.testing.assert_allclose(ratio, ratio.mean(), rtol=1e-3)


def test_several_targets_have_bands_by_name(made: Made, tmp_path: Path) -> None:
    path = made.predictor("two", "y", "price", units=("t", "$"))
    dataset, bands = predicted(path, made.field, tmp_path / "o.tif", PredictOptions(0.8, False, False))
    assert list(bands) == ["predicted_y", "lower_y", "upper_y", "predicted_price", "lower_price", "upper_price"]
    dataset.GetMetadata()
    assert [dataset.GetRasterBand(number).GetUnitType() for number in range(1, 7)] == ["t"] * 3 + ["$"] * 3
    _, alone = predicted(made.predictor("ridge", "y", units=("t/ha",)), made.field, tmp_path / "one.tif")
    np.testing.assert_allclose(bands["predicted_y"], alone["predicted"], atol=0.2)


def test_classes_alone_are_whole_numbers_with_names_and_colours(made: Made, tmp_path: Path) -> None:
    told = Told()
    path = made.predictor("cover", "cover", model="logistic", task="classification",
                          colours={"middle": "#00ff00"})
    dataset, bands = predicted(path, made.field, tmp_path / "o.tif", PLAIN, told)
    band = dataset.GetRasterBand(1)
    assert (band.DataType, band.GetNoDataValue()) == (gdal.GDT_Byte, 0.0)
    dataset.GetMetadata()
    names = band.GetCategoryNames()
    assert sorted(names[1:]) == ["high", "low, wet", "middle"] and names[0] == ""
    middle = names.index("middle")
    assert band.GetColorTable().GetColorEntry(middle) == (0, 255, 0, 255)
    known = np.isfinite(made.truth)
    assert (bands["predicted"][~known] == 0).all()
    found = np.array(names)[bands["predicted"][known]]
    assert (found == np.array(["low, wet", "middle", "high"])[made.kinds[known]]).mean() > 0.9
    assert any("The numbers of the classes: 1 = " in line for line in told.said)


def test_probabilities_add_up_and_the_largest_is_the_class(made: Made, tmp_path: Path) -> None:
    path = made.predictor("cover", "cover", model="logistic", task="classification", colours={"middle": "#00ff00"})
    dataset, bands = predicted(path, made.field, tmp_path / "o.tif", PredictOptions(0.9, True, True))
    names = list(bands)
    assert names[0] == "predicted" and names[-2:] == ["applicable", "dissimilarity"]
    assert set(names[1:4]) == {"probability_low, wet", "probability_middle", "probability_high"}
    stack = np.stack([bands[name] for name in names[1:4]])
    known = np.isfinite(made.truth)
    np.testing.assert_allclose(stack[:, known].sum(axis=0), 1.0, atol=1e-5)
    assert (bands["predicted"][known] == stack[:, known].argmax(axis=0) + 1).all()
    asked = onnx_outputs(path, made.vectors[:, known].T)
    np.testing.assert_allclose(stack[:, known].T, asked["probabilities"], atol=1e-4)
    assert np.isnan(bands["predicted"][~known]).all()
    dataset.GetMetadata()
    assert dataset.GetRasterBand(1).GetCategoryNames()[1] == names[1][len("probability_"):]


def test_codes_stay_unless_nothing_would_mean_no_data(made: Made, tmp_path: Path) -> None:
    path = made.predictor("code", "code", model="logistic", task="classification")
    _, bands = predicted(path, made.field, tmp_path / "code.tif")
    known = np.isfinite(made.truth)
    assert set(np.unique(bands["predicted"])) == {0, 11, 21, 40}
    assert (bands["predicted"][known] == np.array([11, 21, 40])[made.kinds[known]]).mean() > 0.9
    told = Told()
    flags = made.predictor("flag", "flag", model="logistic", task="classification")
    dataset, bands = predicted(flags, made.field, tmp_path / "flag.tif", PLAIN, told)
    dataset.GetMetadata()
    names = dataset.GetRasterBand(1).GetCategoryNames()
    assert set(np.unique(bands["predicted"])) == {0, 1, 2} and sorted(names[1:]) == ["0", "1"]
    truth = (made.kinds > 0).astype(int)[known]
    assert (np.array(names)[bands["predicted"][known]].astype(int) == truth).mean() > 0.9


def test_bytes_of_alphaearth_are_decoded(made: Made, tmp_path: Path) -> None:
    path = made.predictor("ridge", "y", units=("t/ha",))
    coded = write_invented(tmp_path / "coded.tif", made.vectors, coding=ALPHAEARTH)
    _, bands = predicted(path, coded, tmp_path / "o.tif", PredictOptions(0.0, False, True))
    decoded = ALPHAEARTH.decode(ALPHAEARTH.encode(made.vectors))
    known = np.isfinite(made.truth)
    np.testing.assert_allclose(bands["predicted"][known],
                               onnx_outputs(path, decoded[:, known].T)["predicted"][:, 0], atol=1e-4)
    assert (np.isnan(bands["predicted"]) == ~known).all()


@pytest.mark.parametrize("model", ["knn", "forest"])
def test_other_models_agree_with_their_file(made: Made, tmp_path: Path, model: str) -> None:
    pytest.importorskip("sklearn")
    path = made.predictor(model, "y", model=model)
    _, bands = predicted(path, made.field, tmp_path / "o.tif", PredictOptions(0.0, False, True))
    known = np.isfinite(made.truth)
    asked = onnx_outputs(path, made.vectors[:, known].T)
    np.testing.assert_allclose(bands["predicted"][known], asked["predicted"][:, 0], rtol=1e-4, atol=1e-4)
    assert (np.isnan(bands["predicted"]) == ~known).all()


def test_places_unlike_the_training_data_are_marked(made: Made, tmp_path: Path) -> None:
    path = made.predictor("ridge", "y", units=("t/ha",))
    vectors = made.vectors.copy()
    vectors[:, 30:] *= -6.0
    strange = write_invented(tmp_path / "strange.tif", vectors)
    told = Told()
    _, bands = predicted(path, strange, tmp_path / "o.tif", PredictOptions(), told)
    assert (bands["applicable"][30:] == 0).all()
    assert np.nanmean(bands["applicable"][:30]) > 0.9
    assert any(line.startswith("WARNING") and "lie outside the area of applicability" in line for line in told.said)


def test_values_state_the_further_columns(made: Made, tmp_path: Path) -> None:
    path = made.predictor("columns", "y", columns=("year", "soil"))
    with pytest.raises(InputError, match="columns.onnx also needs year, soil"):
        predicted(path, made.field, tmp_path / "o.tif")
    assert not (tmp_path / "o.tif").exists()
    _, bands = predicted(path, made.field, tmp_path / "o.tif", values="year=1995; soil=clay")
    known = np.isfinite(made.truth)
    assert np.abs(bands["predicted"] - made.truth)[known].mean() < 0.3
    _, other = predicted(path, made.field, tmp_path / "p.tif", values="year=9995; soil=clay")
    shift = (other["predicted"] - bands["predicted"])[known]
    assert abs(shift.mean()) > 1e-3 and shift.std() < 1e-2, "the stated year counts, alike everywhere"


def test_another_space_is_refused_by_both_names(made: Made, tmp_path: Path) -> None:
    path = made.predictor("ridge", "y", units=("t/ha",))
    elsewhere = Space("elsewhere", DIMENSIONS, "cd" * 32)
    other = write_field(tmp_path / "other.tif", made.vectors, TRANSFORM, space=elsewhere)
    with pytest.raises(SpaceError, match="different spaces") as told:
        predicted(path, other, tmp_path / "o.tif")
    assert "elsewhere" in str(told.value) and "invented" in str(told.value)
    assert not list(tmp_path.glob("o.tif*"))


def test_a_part_of_the_raster_is_the_same_as_in_the_whole(made: Made, tmp_path: Path) -> None:
    path = made.predictor("ridge", "y", units=("t/ha",))
    _, whole = predicted(path, made.field, tmp_path / "whole.tif", PredictOptions())
    triangle = ogr.CreateGeometryFromWkt("POLYGON((500100 5699900, 500500 5699900, 500300 5699600, 500100 5699900))")
    dataset, part = predicted(path, made.field, tmp_path / "part.tif", PredictOptions(),
                              extent=(500200.0, 5699500.0, 500800.0, 5699800.0),
                              mask=(bytes(triangle.ExportToWkb(ogr.wkbNDR)),))
    assert dataset.GetGeoTransform()[0] == 500200.0 and dataset.GetGeoTransform()[3] == 5699800.0
    inside = np.isfinite(part["predicted"])
    assert 200 < inside.sum() < 700
    for name, values in part.items():
        np.testing.assert_allclose(values[inside], whole[name][20:50, 20:80][inside], rtol=1e-5, atol=1e-5)
    result = predict_raster(PredictRasterRequest(made.field, path, str(tmp_path / "again.tif"), mask=(
        bytes(triangle.ExportToWkb(ogr.wkbNDR)),)), Silent())
    assert result.predicted == np.isfinite(gdal.Open(str(tmp_path / "again.tif")).ReadAsArray()[0]).sum()


def test_it_says_what_it_is_and_carries_licences(made: Made, tmp_path: Path) -> None:
    path = made.predictor("ridge", "y", units=("t/ha",))
    field = str(tmp_path / "licensed.tif")
    from dataclasses import replace

    source = Provenance("Some product", "CC BY 4.0", "By somebody.")
    write_field(Path(field), made.vectors, TRANSFORM, space=replace(SPACE, provenance=(source,)))
    dataset, _ = predicted(path, field, tmp_path / "o.tif", PredictOptions(0.9, False, False))
    metadata = dataset.GetMetadata()
    about = json.loads(metadata["EARTHPRINT_PREDICTOR"])
    assert (about["predictor"], about["target"], about["interval"], about["task"]) == (
        "ridge.onnx", ["y"], 0.9, "regression")
    assert str(tmp_path) not in metadata["EARTHPRINT_PREDICTOR"]
    assert source in provenance_of(metadata)


def test_a_cancelled_run_leaves_nothing(made: Made, tmp_path: Path) -> None:
    class Stop(Silent):
        def cancelled(self) -> bool:
            return True

    with pytest.raises(Cancelled):
        predicted(made.predictor("ridge", "y", units=("t/ha",)), made.field, tmp_path / "o.tif", PLAIN, Stop())
    assert not list(tmp_path.iterdir())


def test_what_a_predictor_cannot_tell_is_left_out_with_a_word(made: Made, tmp_path: Path) -> None:
    told = Told()
    _, bands = predicted(made.predictor("ridge", "y", units=("t/ha",)), made.field, tmp_path / "o.tif",
                         PredictOptions(0.0, True, False), told)
    assert list(bands) == ["predicted"] and any("PROBABILITIES has no effect" in line for line in told.said)
