"""Change between embedding rasters, against the plainest computation of each number."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from change_rasters import TRANSFORM, Watcher, pair, read_bands, space, unit, write_field
from osgeo import gdal, ogr

from earthprint.engine.analyses.change.raster import detect_change
from earthprint.engine.analyses.change.request import ChangeOptions, ChangeRequest
from earthprint.engine.coding import ALPHAEARTH, scaled_for
from earthprint.engine.errors import Cancelled, InputError, SpaceError


def run(before: str, after: str, output: Path, watcher=None, **more):
    options = {name: more.pop(name) for name in list(more) if name in ChangeOptions.__dataclass_fields__}
    return detect_change(ChangeRequest((before, after), str(output), ChangeOptions(**options), **more),
                         watcher or Watcher())


def naive(before: np.ndarray, after: np.ndarray, method: str) -> np.ndarray:
    one, two = before.astype(np.float64), after.astype(np.float64)
    if method == "cosine":
        return 1 - (unit(one) * unit(two)).sum(axis=0)
    if method == "euclidean":
        return np.sqrt(((two - one) ** 2).sum(axis=0))
    apart = (two - one).reshape(len(one), -1)
    valid = np.isfinite(apart).all(axis=0)
    middle = np.median(apart[:, valid], axis=1)[:, None]
    mad = 1.4826 * np.median(np.abs(apart[:, valid] - middle), axis=1)[:, None]
    return np.sqrt((((apart - middle) / mad) ** 2).mean(axis=0)).reshape(one.shape[1:])


@pytest.mark.parametrize("method", ["cosine", "euclidean", "standardised"])
def test_magnitudes_are_those_of_the_formula(method: str, tmp_path: Path) -> None:
    before, after = pair()
    before[:, 0, :5] = np.nan
    after[2, 3, 3] = np.nan
    result = run(write_field(tmp_path / "a.tif", before), write_field(tmp_path / "b.tif", after), tmp_path / "out.tif",
                 method=method)
    found = read_bands(tmp_path / "out.tif")[0]
    expected = naive(before, after, method)
    assert np.array_equal(np.isnan(found), np.isnan(expected)) and np.isnan(found[3, 3])
    limit = 1e-6 if method == "cosine" else 2e-5
    assert np.nanmax(np.abs(found - expected)) < limit
    assert result.compared == before[0].size - 6
    opened = gdal.Open(str(tmp_path / "out.tif"))
    assert opened.GetRasterBand(1).GetDescription() == "change"


def test_a_vector_without_length_has_no_angle(tmp_path: Path) -> None:
    before, after = pair()
    before[:, 5, 5] = 0
    run(write_field(tmp_path / "a.tif", before), write_field(tmp_path / "b.tif", after), tmp_path / "out.tif")
    found = read_bands(tmp_path / "out.tif")[0]
    assert np.isnan(found[5, 5]) and np.isnan(found).sum() == 1


@pytest.mark.parametrize("coding", ["uint8", "int16", "alphaearth"])
def test_codings_are_decoded_before_any_arithmetic(coding: str, tmp_path: Path) -> None:
    before, after = (unit(values) for values in pair(dims=8))
    both = np.concatenate([before.reshape(8, -1), after.reshape(8, -1)], axis=1)
    kind = ALPHAEARTH if coding == "alphaearth" else scaled_for(coding, both.min(axis=1), both.max(axis=1))
    after[:, 7, 7] = np.nan
    paths = [write_field(tmp_path / f"{name}.tif", values, space(8, unit_norm=True), kind)
             for name, values in (("a", before), ("b", after))]
    run(paths[0], paths[1], tmp_path / "out.tif")
    decoded = [kind.decode(kind.encode(values.astype(np.float32))) for values in (before, after)]
    found = read_bands(tmp_path / "out.tif")[0]
    assert np.isnan(found[7, 7]) and np.isnan(found).sum() == 1
    assert np.nanmax(np.abs(found - naive(decoded[0], decoded[1], "cosine"))) < 1e-6


def test_mask_polygons_and_numbers_agree(tmp_path: Path) -> None:
    before, after = pair()
    before[:, 0, 0] = np.nan
    result = run(write_field(tmp_path / "a.tif", before), write_field(tmp_path / "b.tif", after), tmp_path / "out.tif",
                 changed=str(tmp_path / "mask.tif"), polygons=str(tmp_path / "areas.gpkg"), threshold="0.4")
    magnitude, mask = read_bands(tmp_path / "out.tif")[0], read_bands(tmp_path / "mask.tif")[0]
    with np.errstate(invalid="ignore"):
        expected = np.where(np.isnan(magnitude), 0, np.where(magnitude >= np.float32(0.4), 2, 1))
    assert np.array_equal(mask, expected)
    assert result.threshold == pytest.approx(0.4) and result.changed == (expected == 2).sum()
    assert (expected[10:20, 30:45] == 2).all()
    opened = gdal.Open(str(tmp_path / "mask.tif"))
    band = opened.GetRasterBand(1)
    assert band.GetNoDataValue() == 0 and band.GetColorTable().GetColorEntry(2)[:3] == (200, 30, 60)
    said = json.loads(opened.GetMetadataItem("EARTHPRINT_RESULT"))
    assert said["classes"] == {"1": "unchanged", "2": "changed"}
    layer = ogr.Open(str(tmp_path / "areas.gpkg"))
    rows = [(feature["cells"], feature["area"], feature["mean_change"]) for feature in layer.GetLayer(0)]
    assert len(rows) == result.polygons and sum(row[0] for row in rows) == result.changed
    # A cell is 100 m² on the map and 0.04 % more on the ground there.
    assert sum(row[1] for row in rows) == pytest.approx(result.area, rel=1e-3)
    assert result.area == pytest.approx(100 * result.changed, rel=2e-3)
    cells, _, mean = max(rows)
    assert cells == 150 and mean == pytest.approx(magnitude[10:20, 30:45].mean(), rel=1e-5)


def test_patches_smaller_than_the_least_area_are_unchanged(tmp_path: Path) -> None:
    before, _ = pair()
    after = before.copy()
    after[:, 5:8, 5:8] = -before[:, 5:8, 5:8]
    after[:, 20:22, 20:22] = -before[:, 20:22, 20:22]
    after[:, 30, 30] = after[:, 31, 31] = -before[:, 30, 30]
    paths = write_field(tmp_path / "a.tif", before), write_field(tmp_path / "b.tif", after)
    result = run(*paths, tmp_path / "out.tif", threshold="0.5", least_area=390.0, changed=str(tmp_path / "mask.tif"),
                 polygons=str(tmp_path / "areas.gpkg"))
    mask = read_bands(tmp_path / "mask.tif")[0]
    expected = np.ones(mask.shape)
    expected[5:8, 5:8] = expected[20:22, 20:22] = 2
    assert np.array_equal(mask, expected) and result.changed == 13 and result.polygons == 2
    assert run(*paths, tmp_path / "out.tif", threshold="0.5", least_area=500.0).changed == 9


def test_one_cell_of_misregistration_is_forgiven_but_new_things_are_not(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    land = random.normal(size=(5, 42, 62)).astype(np.float32)
    before, after = land[:, 1:41, 1:61], land[:, 2:42, :60].copy()
    after[:, 15, 15] = 3.0
    after[:, 0, 0] = np.nan
    paths = write_field(tmp_path / "a.tif", before), write_field(tmp_path / "b.tif", after)
    run(*paths, tmp_path / "plain.tif", method="euclidean")
    run(*paths, tmp_path / "tolerant.tif", method="euclidean", tolerance=1, memory_mib=64)
    plain, tolerant = read_bands(tmp_path / "plain.tif")[0], read_bands(tmp_path / "tolerant.tif")[0]
    inside = np.zeros(plain.shape, dtype=bool)
    inside[2:-2, 2:-2] = True
    inside[13:18, 13:18] = False
    assert plain[inside].min() > 0.3 and tolerant[inside].max() < 1e-5
    assert tolerant[15, 15] > 2
    assert np.isnan(tolerant[0, 0]) and np.isnan(tolerant).sum() == 1
    expected = np.full(plain.shape, np.nan)
    for row in range(40):
        for column in range(60):
            near = [(row + dy, column + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)
                    if 0 <= row + dy < 40 and 0 <= column + dx < 60]
            forth = [np.linalg.norm(before[:, row, column] - after[:, r, c]) for r, c in near]
            back = [np.linalg.norm(before[:, r, c] - after[:, row, column]) for r, c in near]
            if np.isfinite(plain[row, column]):
                expected[row, column] = max(np.nanmin(forth), np.nanmin(back))
    assert np.nanmax(np.abs(tolerant - expected)) < 1e-5


def test_a_stable_area_sets_the_false_alarm_rate(tmp_path: Path) -> None:
    before, after = pair(rows=100, columns=120)
    box = ogr.CreateGeometryFromWkt("POLYGON((500000 5599000,500000 5599400,501200 5599400,501200 5599000,"
                                    "500000 5599000))")
    paths = write_field(tmp_path / "a.tif", before), write_field(tmp_path / "b.tif", after)
    watcher = Watcher()
    result = run(*paths, tmp_path / "out.tif", watcher, threshold="stable", stable=(bytes(box.ExportToWkb()),),
                 false_alarm=0.02)
    stable = np.sort(read_bands(tmp_path / "out.tif")[0][60:100].ravel())
    assert (stable >= np.float32(result.threshold)).sum() == 96
    assert stable[-97] < result.threshold <= stable[-96]
    assert any("false-alarm rate of 2.00%" in text for text in watcher.texts)
    away = ogr.CreateGeometryFromWkt("POLYGON((0 0,0 1,1 1,0 0))")
    with pytest.raises(InputError, match="No cell or row with a magnitude lies in the polygons of STABLE"):
        run(*paths, tmp_path / "none.tif", threshold="stable", stable=(bytes(away.ExportToWkb()),))
    assert not (tmp_path / "none.tif").exists()


def test_directions_of_change_are_components_of_the_differences(tmp_path: Path) -> None:
    before, after = pair()
    after[:, 30:36, 5:20] += np.array([-2.0, 2, 0, 1, 0, 0])[:, None, None]
    paths = write_field(tmp_path / "a.tif", before), write_field(tmp_path / "b.tif", after)
    run(*paths, tmp_path / "out.tif", method="euclidean", threshold="1.5", direction=str(tmp_path / "way.tif"))
    magnitude, way = read_bands(tmp_path / "out.tif")[0], read_bands(tmp_path / "way.tif")
    changed = magnitude >= 1.5
    assert way.dtype == np.uint8 and (way[:, ~changed] == 0).all() and (way[:, changed] >= 1).all()
    apart = (after - before)[:, changed].T.astype(np.float64)
    centred = apart - apart.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    directions = directions[:3]
    directions *= np.sign(directions[np.arange(3), np.abs(directions).argmax(axis=1)])[:, None]
    scores = centred @ directions.T
    low, high = np.percentile(scores, [2, 98], axis=0)
    expected = np.rint(1 + 254 * np.clip((scores - low) / (high - low), 0, 1))
    assert np.abs(way[:, changed].T.astype(float) - expected).max() <= 1


# ---- grids


def test_the_overlap_of_shifted_rasters_is_compared_cell_by_cell(tmp_path: Path) -> None:
    before, after = pair()
    moved = (TRANSFORM[0] + 80, 10.0, 0.0, TRANSFORM[3] - 30, 0.0, -10.0)
    watcher = Watcher()
    run(write_field(tmp_path / "a.tif", before), write_field(tmp_path / "b.tif", after[:, 3:, 8:50], transform=moved),
        tmp_path / "out.tif", watcher, method="euclidean")
    found = gdal.Open(str(tmp_path / "out.tif"))
    assert found.GetGeoTransform() == moved and (found.RasterXSize, found.RasterYSize) == (42, 37)
    assert np.allclose(found.ReadAsArray(), naive(before, after, "euclidean")[3:, 8:50], atol=1e-5)
    assert any("the nearest cell was taken." in text for text in watcher.texts)
    assert any("42 × 37 cells, 64.8%" in text for text in watcher.texts)


def test_south_up_rasters_meet_north_up_ones(tmp_path: Path) -> None:
    before, after = pair()
    upside = (TRANSFORM[0], 10.0, 0.0, TRANSFORM[3] - 400, 0.0, 10.0)
    run(write_field(tmp_path / "a.tif", before),
        write_field(tmp_path / "b.tif", after[:, ::-1], transform=upside), tmp_path / "out.tif", method="euclidean")
    assert np.allclose(read_bands(tmp_path / "out.tif")[0], naive(before, after, "euclidean"), atol=1e-5)


def test_finer_cells_are_averaged_after_decoding_and_made_unit_again(tmp_path: Path) -> None:
    before, after = (unit(values).astype(np.float32) for values in pair(dims=8))
    random = np.random.default_rng(5)
    fine = unit(np.repeat(np.repeat(after, 3, axis=1), 3, axis=2) + random.normal(0, 0.2, (8, 120, 180)))
    fine[:, 0:3, 0:2] = np.nan
    fine[:, 3:6, 3] = np.nan
    of = space(8, unit_norm=True)
    third = (TRANSFORM[0], 10 / 3, 0.0, TRANSFORM[3], 0.0, -10 / 3)
    watcher = Watcher()
    run(write_field(tmp_path / "a.tif", before, of),
        write_field(tmp_path / "b.tif", fine, of, ALPHAEARTH, transform=third), tmp_path / "out.tif", watcher)
    decoded = ALPHAEARTH.decode(ALPHAEARTH.encode(fine.astype(np.float32))).reshape(8, 40, 3, 60, 3)
    mean = np.nanmean(decoded, axis=(2, 4))
    expected = naive(before, mean, "cosine")
    found = read_bands(tmp_path / "out.tif")[0]
    assert np.isnan(found[0, 0]) and np.isnan(found).sum() == 1, "a third of its cells is too little"
    valid = np.isfinite(found)
    assert np.abs(found - expected)[valid].max() < 1e-6
    assert any("decoded and the mean of 3 × 3 cells was taken, made unit vectors again" in text
               for text in watcher.texts)


def test_cells_a_little_larger_are_matched_by_their_place(tmp_path: Path) -> None:
    before, after = pair(rows=60, columns=300)
    wider = (TRANSFORM[0], 10.1, 0.0, TRANSFORM[3], 0.0, -10.1)
    run(write_field(tmp_path / "a.tif", before), write_field(tmp_path / "b.tif", after, transform=wider),
        tmp_path / "out.tif", method="euclidean")
    rows, columns = (((np.arange(size) + 0.5) / 1.01).astype(int) for size in (60, 300))
    near = after[:, rows][:, :, columns]
    assert np.allclose(read_bands(tmp_path / "out.tif")[0], naive(before, near, "euclidean"), atol=1e-5)


def test_coarser_cells_stand_for_all_within_and_it_is_said(tmp_path: Path) -> None:
    before, after = pair()
    double = (TRANSFORM[0], 20.0, 0.0, TRANSFORM[3], 0.0, -20.0)
    watcher = Watcher()
    run(write_field(tmp_path / "a.tif", before), write_field(tmp_path / "b.tif", after[:, ::2, ::2], transform=double),
        tmp_path / "out.tif", watcher, method="euclidean")
    wide = after[:, ::2, ::2].repeat(2, axis=1).repeat(2, axis=2)
    assert np.allclose(read_bands(tmp_path / "out.tif")[0], naive(before, wide, "euclidean"), atol=1e-5)
    assert any("each of its cells stands for 2 × 2 cells" in text for text in watcher.texts)


# ---- what can't be compared


def test_rasters_that_cannot_be_compared_are_refused_in_words(tmp_path: Path) -> None:
    before, after = pair(rows=20, columns=50)
    first = write_field(tmp_path / "a.tif", before)

    def refused(kind, words: str, values: np.ndarray = after, **facts) -> None:
        with pytest.raises(kind) as raised:
            run(first, write_field(tmp_path / "b.tif", values, **facts), tmp_path / "out.tif")
        assert words in str(raised.value), str(raised.value)
        assert not (tmp_path / "out.tif").exists()

    refused(InputError, "don't overlap", transform=(0.0, 10.0, 0.0, 0.0, 0.0, -10.0))
    refused(InputError, "are 15 × 15 wide and high, those of", transform=(500000.0, 15.0, 0.0, 5600000.0, 0.0, -15.0))
    refused(InputError, "embed both dates on one grid", wkt='GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",'
            '6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]')
    refused(SpaceError, "different spaces", of=space(6, encoder="other-encoder"))
    with pytest.raises(SpaceError) as raised:
        run(first, write_field(tmp_path / "b.tif", after, of=space(6, encoder="other-encoder")), tmp_path / "out.tif")
    assert "test-encoder-" in str(raised.value) and "other-encoder-" in str(raised.value)
    refused(SpaceError, "statistics of each image (card and image)", of=space(6, normalisation="image"))
    nothing = np.full_like(after, np.nan)
    refused(InputError, "No place has a vector at each date", values=nothing)


def test_statistics_of_the_image_at_hand_are_refused_even_where_both_say_so(tmp_path: Path) -> None:
    paths = [write_field(tmp_path / f"{name}.tif", values, space(6, normalisation="image"))
             for name, values in zip("ab", pair())]
    with pytest.raises(SpaceError, match="differ where the ground didn't change"):
        run(paths[0], paths[1], tmp_path / "out.tif")


def test_an_encoder_that_was_told_the_date_is_refused(tmp_path: Path) -> None:
    before, after = pair()
    stated = space(6, details={"encodes": ["year"]})
    with pytest.raises(SpaceError, match="was told the date of the image"):
        run(write_field(tmp_path / "a.tif", before, stated), write_field(tmp_path / "b.tif", after, stated),
            tmp_path / "out.tif")
    with pytest.raises(SpaceError, match="was told the date of the image"):
        run(write_field(tmp_path / "a.tif", before), write_field(tmp_path / "b.tif", after, provenance={
            "told": ["latlon", "time"]}), tmp_path / "out.tif")


def test_a_place_that_was_told_is_the_same_on_one_grid_only(tmp_path: Path) -> None:
    before, after = pair()
    told = {"told": ["latlon"]}
    watcher = Watcher()
    first = write_field(tmp_path / "a.tif", before, provenance=told)
    run(first, write_field(tmp_path / "b.tif", after, provenance=told), tmp_path / "out.tif", watcher)
    assert [text for text in watcher.warnings if "told the place" in text] and len(watcher.warnings) == 1
    moved = (TRANSFORM[0] + 80, 10.0, 0.0, TRANSFORM[3], 0.0, -10.0)
    with pytest.raises(SpaceError, match="told the place, which differs"):
        run(first, write_field(tmp_path / "b.tif", after, transform=moved, provenance=told), tmp_path / "out.tif")


def test_requests_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    before, after = pair()
    first, second = write_field(tmp_path / "a.tif", before), write_field(tmp_path / "b.tif", after)

    def refused(words: str, inputs, **options) -> None:
        tolerance = options.pop("tolerance", 0)
        with pytest.raises(InputError, match=words):
            detect_change(ChangeRequest(tuple(inputs), str(tmp_path / "out.tif"), ChangeOptions(**options),
                                        tolerance=tolerance), Watcher())

    refused("at least 4 dates", [first, second, first], method="history")
    refused("compares two dates, and there are 3", [first, second, first])
    refused("which METHOD history doesn't", [first] * 4, method="history", tolerance=1)
    refused("STABLE names no polygons", [first, second], threshold="stable")
    refused("neither otsu, triangle, stable nor a number", [first, second], threshold="much")
    refused("“angle” is not one of", [first, second], method="angle")


def test_undeclared_fields_are_compared_with_one_warning(tmp_path: Path) -> None:
    before, after = pair()
    watcher = Watcher()
    paths = []
    for name, values in (("a", before), ("b", after)):
        path = write_field(tmp_path / f"{name}.tif", values)
        plain = str(tmp_path / f"{name}-plain.tif")
        dataset = gdal.Translate(plain, path)
        dataset.SetMetadata({})
        del dataset
        paths.append(plain)
    run(paths[0], paths[1], tmp_path / "out.tif", watcher, threshold="0.5")
    assert [text for text in watcher.warnings if "doesn't say what its embeddings are" in text] == watcher.warnings
    assert np.nanmax(np.abs(read_bands(tmp_path / "out.tif")[0] - naive(before, after, "cosine"))) < 1e-6


@pytest.mark.parametrize("moment", [0.02, 0.3, 0.62, 0.7])
def test_cancelling_leaves_nothing(tmp_path: Path, moment: float) -> None:
    before, after = pair(rows=300, columns=400)
    paths = write_field(tmp_path / "a.tif", before), write_field(tmp_path / "b.tif", after)
    there = sorted(tmp_path.iterdir())
    with pytest.raises(Cancelled):
        run(*paths, tmp_path / "out.tif", Watcher(moment), method="standardised", least_area=500.0,
            changed=str(tmp_path / "mask.tif"), polygons=str(tmp_path / "areas.gpkg"),
            direction=str(tmp_path / "way.tif"))
    assert sorted(tmp_path.iterdir()) == there
