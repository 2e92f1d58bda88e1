"""The automatic encoder against a naive reference in loops, and its promises about geometry, nodata and outliers."""

from __future__ import annotations

from typing import Dict, List, Tuple

import numpy as np
import pytest

from earthprint.engine.encoders.numpy_session import NumpySession
from earthprint.engine.encoders.random_features import (
    RandomFeatures,
    RandomFeaturesRequest,
    fit,
    principal_components,
    to_onnx,
    whitened_filters,
    window_of,
)
from earthprint.engine.encoders.random_features_graph import STATISTICS, FeatureBank, Projection, embedding_graph, halo
from earthprint.engine.errors import InputError


def landscape(seed: int, bands: int = 4, size: int = 96) -> np.ndarray:
    """Smooth patches with texture, in bands of wildly different scales."""
    rng = np.random.default_rng(seed)
    fields = rng.normal(size=(bands, size, size))
    for axis in (1, 2):
        fields = sum(
            np.roll(fields, shift, axis) * weight for shift, weight in ((-2, 1), (-1, 2), (0, 3), (1, 2), (2, 1))
        )
    fields /= fields.std(axis=(1, 2), keepdims=True)
    fields += 0.3 * rng.normal(size=fields.shape)
    scales = np.resize([1000.0, 0.3, 40.0, 20000.0], bands)[:, None, None]
    offsets = np.resize([3000.0, 0.1, -200.0, 60000.0], bands)[:, None, None]
    return (fields * scales + offsets).astype(np.float32)


def sample_of(values: np.ndarray, mask: np.ndarray) -> List[Tuple[np.ndarray, np.ndarray]]:
    """Four windows that cover the scene."""
    half = values.shape[1] // 2
    return [
        (values[:, r: r + half, c: c + half], mask[r: r + half, c: c + half]) for r in (0, half) for c in (0, half)
    ]


def fitted(values: np.ndarray, **choices: object) -> RandomFeatures:
    """An encoder of a scene without nodata."""
    mask = np.ones(values.shape[1:], bool)
    return fit(sample_of(values, mask), RandomFeaturesRequest(**{"filters": 24, "dimensions": 12, **choices}))


def embed(features: RandomFeatures, cell: int, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Run the graph in ONNX Runtime on one input."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(to_onnx(features, cell), providers=["CPUExecutionProvider"])
    feeds = {"image": values[None].astype(np.float32), "mask": mask[None, None].astype(np.float32)}
    return session.run(None, feeds)[0][0]


def naive(features: RandomFeatures, cell: int, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The definition in loops and double precision: one cell, one filter, one position at a time."""
    bank, projection = features.bank, features.projection
    window, margin = bank.window, (bank.window - cell) // 2
    rows, cols = (values.shape[1] - 2 * margin) // cell, (values.shape[2] - 2 * margin) // cell
    result = np.full((projection.matrix.shape[0], rows, cols), np.nan)
    scaled = np.zeros((len(bank.live),) + mask.shape)
    for index, band in enumerate(bank.live):
        scaled[index][mask] = np.clip(
            (values[band][mask].astype(np.float64) - bank.offset[index]) / bank.scale[index], -10, 10
        )
    scaled = np.einsum("cb,bhw->chw", bank.mixing, scaled)
    for row in range(rows):
        for col in range(cols):
            top, left = row * cell, col * cell
            piece = scaled[:, top: top + window, left: left + window]
            valid = mask[top: top + window, left: left + window]
            if not valid.any():
                continue
            vector: List[float] = []
            for kernel in bank.kernels:
                size = kernel.shape[2]
                for filt in kernel:
                    responses = []
                    for r in range(window - size + 1):
                        for c in range(window - size + 1):
                            if valid[r: r + size, c: c + size].all():
                                responses.append(max(0.0, float((piece[:, r: r + size, c: c + size] * filt).sum())))
                    vector.append(float(np.mean(responses)) if responses else float(projection.neutral[len(vector)]))
            inner = (window - bank.inner) // 2
            own = slice(inner, inner + bank.inner)
            for name in bank.statistics:
                for channel in piece:
                    seen = channel[valid]
                    mine = channel[own, own][valid[own, own]]
                    known: Dict[str, float] = {
                        "mean": seen.mean(),
                        "std": float(np.sqrt(seen.var() + 0.05**2)),
                        "min": seen.min(),
                        "max": seen.max(),
                        "own": mine.mean() if mine.size else seen.mean(),
                    }
                    vector.append(known[name])
            point = projection.matrix @ np.array(vector) + projection.offset
            result[:, row, col] = point / np.linalg.norm(point) if projection.unit_norm else point
    return result


@pytest.mark.parametrize(
    "choices",
    [
        {"cell": 4, "window": 8, "patches": (3,)},
        {"cell": 4, "window": 8, "patches": (2, 3, 5), "statistics": STATISTICS, "unit_norm": True},
        {"cell": 3, "window": 9, "patches": (4,), "statistics": ("min", "own")},
        {"cell": 1, "window": 5, "patches": (3,), "statistics": ("std", "max"), "dimensions": 0},
        {"cell": 5, "window": 5, "patches": (5,), "statistics": ()},
        {"cell": 6, "window": 12, "patches": (), "statistics": ("mean", "std")},
        {"cell": 4, "window": 8, "patches": (3,), "max_channels": 2},
    ],
)
@pytest.mark.parametrize("holes", ["none", "scattered", "block"])
def test_graph_is_what_the_definition_says(choices: Dict[str, object], holes: str) -> None:
    """ONNX Runtime and the NumPy evaluator agree with loops over windows, with and without nodata of any kind."""
    values = landscape(1)
    features = fitted(values, **choices)
    cell = int(choices["cell"])  # type: ignore[call-overload]
    size = 5 * cell + 2 * features.halo(cell)
    piece = values[:, 20: 20 + size, 10: 10 + size].copy()
    mask = np.ones((size, size), bool)
    rng = np.random.default_rng(3)
    if holes == "scattered":
        mask = rng.random((size, size)) > 0.08
    elif holes == "block":
        mask[: size // 2 + 3, : size // 2 + 2] = False
    expected = naive(features, cell, piece, mask)
    for filling in (np.nan, np.inf, -9999.0, 3.4e38):
        piece[:, ~mask] = filling
        got = embed(features, cell, piece, mask)
        assert got.shape == expected.shape == (features.dimensions, 5, 5)
        assert np.array_equal(np.isnan(got), np.isnan(expected))
        scale = np.nanmax(np.abs(expected))
        assert np.nanmax(np.abs(got - expected)) < 2e-5 * scale
    if holes == "block":
        assert np.isnan(expected).any() == (cell <= 4 or features.window < size // 2)


@pytest.mark.parametrize("cell,window", [(4, 8), (3, 7), (1, 5), (2, 12), (8, 8), (5, 15)])
def test_a_cell_sees_exactly_the_square_centred_on_it(cell: int, window: int) -> None:
    """A pixel that changes, changes just the cells in whose window it lies: as far to the left as to the right."""
    values = landscape(2, bands=2)
    features = fitted(values, cell=cell, window=window, patches=(3, 4), statistics=STATISTICS)
    margin = features.halo(cell)
    assert margin * 2 + cell == window
    size = 6 * cell + 2 * margin
    piece, mask = values[:, :size, :size].copy(), np.ones((size, size), bool)
    before = embed(features, cell, piece, mask)
    assert before.shape[1:] == (6, 6)
    for row, col in (
        (0, 0),
        (margin + 2 * cell, margin + 3 * cell),
        (margin + 3 * cell - 1, size - 1),
        (size // 2, size // 2),
    ):
        changed = piece.copy()
        changed[:, row, col] += np.array([4000.0, 1.5], np.float32)
        moved = np.abs(embed(features, cell, changed, mask) - before).max(axis=0) > 0
        for r in range(6):
            for c in range(6):
                # Cell r covers the pixels margin + [r * cell, (r + 1) * cell); its window starts margin earlier.
                sees = r * cell <= row < r * cell + window and c * cell <= col < c * cell + window
                assert moved[r, c] == sees, (row, col, r, c)


@pytest.mark.parametrize("cell", [1, 2, 3, 4, 7])
def test_the_mean_of_coordinates_is_the_centre_of_the_cell(cell: int) -> None:
    """With an encoder that returns the mean of its input's own coordinates, every cell holds its centre."""
    window = cell + 4
    features = fitted(landscape(4, bands=2), cell=cell, window=window)
    size = 5 * cell + 4
    rows, cols = np.mgrid[0:size, 0:size].astype(np.float32)
    bank = FeatureBank(2, window, cell, np.arange(2), np.full(2, 30.0), np.full(2, 10.0), np.eye(2), (), ("mean",))
    plain = Projection(np.eye(2) * 10, np.full(2, 30.0), np.zeros(2), False)
    ramp = RandomFeatures(features.request, bank, plain, 0, 1.0, ())
    got = embed(ramp, cell, np.stack([rows, cols]), np.ones((size, size), bool))
    centres = 2 + cell * np.arange(5) + (cell - 1) / 2
    assert np.abs(got[0] - centres[:, None]).max() < 2e-5
    assert np.abs(got[1] - centres[None, :]).max() < 2e-5


def test_one_encoder_at_several_cells_is_one_space() -> None:
    """Cells of another size share the windows: where the centres coincide the vectors do."""
    features = fitted(landscape(5), cell=4, window=12)
    scene = landscape(6)
    mask = np.ones((96, 96), bool)
    fine = embed(features, 2, scene[:, :90, :90], mask[:90, :90])
    coarse = embed(features, 4, scene[:, :88, :88], mask[:88, :88])
    # The windows of coarse cell i start at 4 i, those of fine cell j at 2 j.
    assert np.allclose(fine[:, 0:40:2, 0:40:2], coarse[:, :20, :20], rtol=0, atol=1e-5 * np.abs(coarse).max())
    for cell in (3, 13, 14, 0):
        with pytest.raises(InputError, match="even number up to 12"):
            to_onnx(features, cell)


def test_nodata_never_leaks() -> None:
    """Cells that don't see a hole are bit-equal with and without it; what lies in the hole never matters."""
    values = landscape(7)
    features = fitted(values, cell=4, window=8, patches=(3, 5), statistics=STATISTICS)
    whole = np.ones((96, 96), bool)
    before = embed(features, 4, values[:, :92, :92], whole[:92, :92])
    mask = whole.copy()
    mask[40:52, 40:52] = False
    results = []
    for filling in (np.nan, -np.inf, -9999.0, 0.0):
        holed = values.copy()
        holed[:, ~mask] = filling
        results.append(embed(features, 4, holed[:, :92, :92], mask[:92, :92]))
    for other in results[1:]:
        assert np.array_equal(results[0], other, equal_nan=True)
    # Window of cell i: pixels 4 i to 4 i + 7; the hole is seen by cells 9 to 12, and cells 10 and 11 see nothing else.
    seen = np.zeros(before.shape[1:], bool)
    seen[9:13, 9:13] = True
    assert np.array_equal(results[0][:, ~seen], before[:, ~seen])
    lost = np.isnan(results[0]).any(axis=0)
    assert lost.sum() == 4 and lost[10:12, 10:12].all()
    assert (results[0][:, seen & ~lost] != before[:, seen & ~lost]).any(axis=0).all()


def test_a_glaring_corner_changes_nothing_elsewhere() -> None:
    """An outlier a million times too bright leaves the other cells bit-equal, and its own finite."""
    values = landscape(8)
    features = fitted(values, cell=4, window=8)
    mask = np.ones((92, 92), bool)
    before = embed(features, 4, values[:, :92, :92], mask)
    bright = values[:, :92, :92].copy()
    bright[:, :4, :4] = 1e30
    after = embed(features, 4, bright, mask)
    assert np.array_equal(before[:, 1:, :], after[:, 1:, :]) and np.array_equal(before[:, :, 1:], after[:, :, 1:])
    assert np.isfinite(after).all() and np.abs(after).max() < 100 * np.abs(before).max()


def test_outliers_in_the_sample_hardly_move_the_encoder() -> None:
    """A few glaring pixels in the raster it is made from leave scaling and vectors nearly as they were."""
    values = landscape(9)
    glared = values.copy()
    glared[:, 5:8, 5:8] = 1e6
    clean, robust = fitted(values, cell=4, window=8), fitted(glared, cell=4, window=8)
    assert np.allclose(clean.bank.scale, robust.bank.scale, rtol=0.02)
    assert np.allclose(clean.bank.offset, robust.bank.offset, atol=0.02 * clean.bank.scale.max())


def test_two_dates_share_their_vectors_where_the_ground_is_the_same() -> None:
    """Everything is fixed in the graph: half a scene changed leaves the other half bit-equal."""
    first = landscape(10)
    second = first.copy()
    second[:, :, 48:] = landscape(11)[:, :, 48:]
    features = fitted(first, cell=4, window=8, unit_norm=True)
    mask = np.ones((92, 92), bool)
    one, two = (embed(features, 4, scene[:, :92, :92], mask) for scene in (first, second))
    assert np.array_equal(one[:, :, :11], two[:, :, :11])
    assert (one[:, :, 12:] != two[:, :, 12:]).any(axis=0).mean() == 1.0
    assert np.allclose(np.linalg.norm(one, axis=0), 1, atol=1e-5)


def test_the_value_of_a_cell_does_not_depend_on_the_tile() -> None:
    """The same cells computed in tiles of other sizes and places agree to float tolerance."""
    values = landscape(12)
    features = fitted(values, cell=4, window=8, patches=(3, 5), statistics=STATISTICS)
    mask = np.ones((96, 96), bool)
    whole = embed(features, 4, values[:, :92, :92], mask[:92, :92])
    for row, col, count in ((0, 0, 3), (7, 5, 10), (20, 20, 2), (3, 14, 1)):
        part = (slice(4 * row, 4 * (row + count) + 4), slice(4 * col, 4 * (col + count) + 4))
        tile = embed(features, 4, values[(slice(None),) + part], mask[part])
        assert np.allclose(
            tile, whole[:, row: row + count, col: col + count], rtol=0, atol=1e-5 * np.abs(whole).max()
        )


def test_raw_values_of_any_size_are_safe_in_single_precision() -> None:
    """Values up to 1e5 with little variation keep four digits of it."""
    rng = np.random.default_rng(13)
    values = (1e5 + 20 * rng.normal(size=(2, 64, 64))).astype(np.float32)
    features = fitted(values, cell=4, window=8)
    mask = np.ones((60, 60), bool)
    expected = naive(features, 4, values[:, :60, :60], mask)
    got = embed(features, 4, values[:, :60, :60], mask)
    assert np.abs(got - expected).max() < 1e-4 * np.abs(expected).max()


def test_bands_that_say_nothing_are_left_out_and_named() -> None:
    """A band without data and a constant one weigh nothing, whatever they hold later."""
    values = landscape(14, bands=5)
    values[1] = np.nan
    values[3] = 7
    mask = np.ones((96, 96), bool)
    features = fit(sample_of(values, mask), RandomFeaturesRequest(cell=4, window=8, filters=16, dimensions=8))
    assert list(features.bank.live) == [0, 2, 4]
    assert len(features.warnings) == 2
    assert "Band 2 has no valid value" in features.warnings[0] and "Band 4 has the same value" in features.warnings[1]
    one = embed(features, 4, values[:, :92, :92], mask[:92, :92])
    values[1], values[3] = -9999, np.inf
    assert np.isfinite(one).all() and np.array_equal(one, embed(features, 4, values[:, :92, :92], mask[:92, :92]))


def test_numbers_missing_in_one_band_make_the_pixel_invalid_for_the_fit() -> None:
    """A mask that forgets NaN in a band in use doesn't poison the encoder."""
    values = landscape(26)
    holed = values.copy()
    holed[2, 10:20, 10:20] = np.nan
    mask = np.ones((96, 96), bool)
    mask[10:20, 10:20] = False
    request = RandomFeaturesRequest(cell=4, window=8, filters=16, dimensions=8)
    told = fit(sample_of(values, mask), request)
    forgotten = fit(sample_of(holed, np.ones((96, 96), bool)), request)
    assert np.isfinite(forgotten.projection.matrix).all()
    assert np.allclose(told.bank.offset, forgotten.bank.offset, atol=0.05 * told.bank.scale.max())
    got = embed(forgotten, 4, values[:, :92, :92], np.ones((92, 92), bool))
    assert np.isfinite(got).all()


def test_one_band_without_data_among_224() -> None:
    """A hyperspectral scene works, reduced to a few channels first, and its dead band doesn't matter."""
    values = landscape(15, bands=224, size=48)
    values[100] = -9999
    mask = np.ones((48, 48), bool)
    features = fit([(values, mask)], RandomFeaturesRequest(cell=4, window=8, filters=16, dimensions=8))
    assert features.bank.live.size == 223 and features.bank.mixed == 16 and "Band 101" in features.warnings[0]
    got = embed(features, 4, values[:, :44, :44], mask[:44, :44])
    expected = naive(features, 4, values[:, :44, :44], mask[:44, :44])
    assert np.abs(got - expected).max() < 2e-5 * np.abs(expected).max()


@pytest.mark.parametrize("balance", [0.2, 0.5, 0.8])
def test_statistics_get_their_share_of_the_variance(balance: float) -> None:
    """Filters and statistics enter with the stated shares of the variance, however many there are of each."""
    values = landscape(25)
    features = fitted(values, cell=4, window=8, dimensions=0, balance=balance)
    vectors = embed(features, 4, values[:, :92, :92], np.ones((92, 92), bool)).reshape(features.dimensions, -1)
    variance = vectors.var(axis=1)
    assert variance.sum() == pytest.approx(1, rel=0.1)
    assert variance[24:].sum() / variance.sum() == pytest.approx(balance, abs=0.03)
    assert np.allclose(vectors.mean(axis=1), 0, atol=0.05)


def test_a_seed_decides_everything() -> None:
    """The same seed gives the same file, another seed another."""
    values = landscape(16)
    one, same, other = (to_onnx(fitted(values, cell=4, seed=seed), 4) for seed in (0, 0, 1))
    assert one == same and one != other


def test_signs_do_not_depend_on_the_order_of_cells() -> None:
    """Components point where their largest loading is positive, and explain what an eigen-decomposition says."""
    rng = np.random.default_rng(17)
    table = rng.normal(size=(500, 6)) @ rng.normal(size=(6, 6))
    mean, components, share = principal_components(table, 3)
    _, shuffled, _ = principal_components(table[::-1], 3)
    assert np.allclose(components, shuffled, atol=1e-9)
    assert (components[np.arange(3), np.abs(components).argmax(axis=1)] > 0).all()
    eigenvalues = np.sort(np.linalg.eigvalsh(np.cov(table.T)))[::-1]
    assert share == pytest.approx(eigenvalues[:3].sum() / eigenvalues.sum())
    assert np.allclose(np.var((table - mean) @ components.T, axis=0, ddof=1), eigenvalues[:3])


def test_filters_are_whitened_patches() -> None:
    """Filters see no brightness, have one length, and are what a plain inverse of the covariance gives."""
    rng = np.random.default_rng(18)
    smooth = np.cumsum(np.cumsum(rng.normal(size=(4000, 1, 3, 3)), axis=2), axis=3)
    filters = whitened_filters(smooth, 32, np.random.default_rng(0))
    assert filters.shape == (32, 1, 3, 3)
    assert np.abs(filters.sum(axis=(1, 2, 3))).max() < 1e-12
    assert np.allclose(np.linalg.norm(filters.reshape(32, -1), axis=1), 1)
    flat = smooth.reshape(4000, -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    covariance = flat.T @ flat / 4000
    expected = []
    chosen = flat[np.random.default_rng(0).choice(4000, 32, replace=False)]
    inverse = np.linalg.inv(covariance + 1e-3 * np.eye(9))
    for patch in chosen:
        filt = inverse @ patch
        expected.append(filt / np.linalg.norm(filt))
    assert np.allclose(filters.reshape(32, -1), np.array(expected), atol=1e-6)


@pytest.mark.parametrize("shape,valid", [((1, 3, 3), 1.0), ((1, 5, 40), 1.0), ((2, 9, 9), 0.7), ((3, 30, 4), 1.0)])
def test_rasters_smaller_than_a_window_work(shape: Tuple[int, int, int], valid: float) -> None:
    """A tiny raster gives fewer dimensions, and says so."""
    rng = np.random.default_rng(19)
    values = rng.normal(size=shape).astype(np.float32)
    mask = rng.random(shape[1:]) < valid
    features = fit([(values, mask)], RandomFeaturesRequest(cell=4, window=8, filters=16))
    assert 1 <= features.dimensions <= 64
    size = 4 + 2 * features.halo(4)
    got = embed(features, 4, rng.normal(size=(shape[0], size, size)), np.ones((size, size), bool))
    assert np.isfinite(got).all()
    if features.dimensions < 64:
        assert any("instead of 64 dimensions" in text for text in features.warnings)


def test_windows_fit_cells_and_patches() -> None:
    """The default window is twice the cell, with the cell's parity and room for the largest patch."""
    for cell in range(1, 20):
        for patches in ((3,), (3, 5), (6,), ()):
            window = window_of(RandomFeaturesRequest(cell=cell, patches=patches))
            assert (window - cell) % 2 == 0 and window >= cell and window >= max(patches, default=1)
            assert halo(window, cell) * 2 + cell == window
    assert window_of(RandomFeaturesRequest(cell=8)) == 16
    with pytest.raises(ValueError):
        halo(8, 3)


@pytest.mark.parametrize(
    "choices,says",
    [
        ({"cell": 0}, "at least 1 pixel"),
        ({"patches": (1,)}, "at least 2 pixels"),
        ({"filters": 1, "patches": (3, 5)}, "At least one filter"),
        ({"dimensions": -1}, "can't be negative"),
        ({"statistics": ("median",)}, "median is not a known statistic"),
        ({"patches": (), "statistics": ()}, "at least one"),
        ({"cell": 8, "window": 6}, "window of 6"),
        ({"balance": 1.0}, "between 0 and 1"),
    ],
)
def test_wrong_parameters_are_named(choices: Dict[str, object], says: str) -> None:
    """Each is one sentence."""
    with pytest.raises(InputError, match=says):
        fitted(landscape(20, size=32), **choices)


def test_rasters_without_anything_to_learn_are_named() -> None:
    """No valid pixel, and one value everywhere, each in words."""
    values = np.ones((2, 32, 32), np.float32)
    with pytest.raises(InputError, match="no valid pixel"):
        fit([(values, np.zeros((32, 32), bool))], RandomFeaturesRequest(cell=4))
    with pytest.raises(InputError, match="one value everywhere"):
        fit([(values, np.ones((32, 32), bool))], RandomFeaturesRequest(cell=4))
    scattered = np.indices((32, 32)).sum(axis=0) % 2 == 0
    with pytest.raises(InputError, match="3 by 3 pixels without nodata"):
        fit([(landscape(21, bands=2, size=32), scattered)], RandomFeaturesRequest(cell=4, statistics=()))
    features = fit([(landscape(21, bands=2, size=32), scattered)], RandomFeaturesRequest(cell=4))
    assert features.bank.filters == 0 and "3 by 3 pixels without nodata" in features.warnings[0]


def test_the_file_is_sound_and_tells_its_geometry(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The onnx package's full check passes, and the file's own notes give what is needed to run it."""
    onnx = pytest.importorskip("onnx")
    features = fitted(landscape(22), cell=4, patches=(3, 5), unit_norm=True, statistics=STATISTICS)
    model = onnx.load_from_string(to_onnx(features, 4, {"card": "{}"}))
    onnx.checker.check_model(model, full_check=True)
    notes = {entry.key: entry.value for entry in model.metadata_props}
    assert notes["earthprint.cell"] == "4" and notes["earthprint.window"] == "8" and notes["earthprint.halo"] == "2"
    assert notes["earthprint.dimensions"] == "12" and notes["card"] == "{}"
    assert [value.name for value in model.graph.input] == ["image", "mask"]
    assert [value.name for value in model.graph.output] == ["embedding"]
    assert embedding_graph(features.bank, features.projection, 4).outputs[0].shape[1] == 12


def test_numpy_and_onnx_runtime_agree_on_the_fitted_encoder() -> None:
    """The evaluator that needs nothing gives the same vectors."""
    features = fitted(landscape(23), cell=4, patches=(3, 5), statistics=STATISTICS)
    values, mask = landscape(24)[:, :92, :92], np.random.default_rng(0).random((92, 92)) > 0.02
    runtime = embed(features, 4, values, mask)
    plain = NumpySession(to_onnx(features, 4)).run(
        None, {"image": values[None], "mask": mask[None, None].astype(np.float32)}
    )[0][0]
    assert plain.dtype == np.float32
    assert np.abs(plain - runtime).max() < 1e-5 * np.abs(runtime).max()
