"""Location encoders against the papers' formulas in plain loops, closed forms and scipy."""

from __future__ import annotations

import math
from typing import Any, Dict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive_locations import NAIVE

from earthprint.engine.errors import InputError
from earthprint.engine.locations import FAMILIES, IDS, Settings, canonical, find_location_encoder
from earthprint.engine.locations.checking import MOST_DIMENSIONS
from earthprint.engine.space import from_json

SHIPPED = {  # as the public interface lists them, with the dimensions of their defaults
    "xyz": 3, "wrap": 4, "wrap-ffn": 4, "spherical-harmonics": 100, "space2vec-grid": 64, "space2vec-theory": 96,
    "sphere2vec-c": 48, "sphere2vec-c-plus": 96, "sphere2vec-m": 80, "sphere2vec-m-plus": 128, "sphere2vec-dfs": 288,
    "fourier-planar": 64, "fourier-sphere": 128, "nerf": 48}
DEFAULTS = Settings()
AWKWARD = [(0, 0), (-180, 0), (179.999999, 12), (0, 90), (0, -90), (90, 45), (-90, -45), (13.4, 52.5), (-70.66, -33.45),
           (151.2, -33.87), (-180, 89.999999), (1e-7, -1e-7)]


def places(count: int = 40) -> np.ndarray:
    chance = np.random.default_rng(3)
    anywhere = np.stack([chance.uniform(-180, 180, count), np.degrees(np.arcsin(chance.uniform(-1, 1, count)))], axis=1)
    return np.concatenate([np.array(AWKWARD, dtype=np.float64), anywhere])


def exact(name: str, where: np.ndarray, settings: Settings = DEFAULTS) -> np.ndarray:
    encoder = find_location_encoder(name, settings)
    return encoder.position.features(where)


OTHER: "Dict[str, Settings]" = {
    "spherical-harmonics": Settings(scales=23), "space2vec-grid": Settings(scales=5, min_radius=0.5, max_radius=90),
    "space2vec-theory": Settings(scales=32, min_radius=1e-4), "sphere2vec-c": Settings(scales=64, min_radius=1e-3),
    "sphere2vec-c-plus": Settings(scales=2), "sphere2vec-m": Settings(max_radius=2.0),
    "sphere2vec-m-plus": Settings(scales=7, min_radius=1e-4), "sphere2vec-dfs": Settings(scales=16, min_radius=0.05),
    "fourier-planar": Settings(scales=16, length=300, seed=4), "fourier-sphere": Settings(scales=33, length=50, seed=9),
    "nerf": Settings(scales=3)}


def test_those_that_ship_are_those_of_the_interface_with_their_dimensions() -> None:
    assert {name: find_location_encoder(name).dimensions for name in IDS} == SHIPPED
    assert list(SHIPPED) and len(FAMILIES) == len(SHIPPED) == len(NAIVE)


@pytest.mark.parametrize("name", SHIPPED)
def test_each_number_is_that_of_the_formula(name: str) -> None:
    for settings in (Settings(), OTHER.get(name, Settings())):
        encoder = find_location_encoder(name, settings)
        where = places()
        if name == "spherical-harmonics":
            # scipy takes the sine of the polar angle from its cosine, which has no digits left so near a pole.
            where = where[np.abs(where[:, 1]) != 89.999999]
        expected = np.array([NAIVE[name](lon, lat, encoder.settings) for lon, lat in where])
        assert expected.shape == (len(where), encoder.dimensions)
        found = exact(name, where, settings)
        assert found.dtype == np.float64
        # Waves of a thousand radians and more keep fewer digits, in either way of counting.
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-9 if "space2vec" in name else 1e-10)
        np.testing.assert_array_equal(encoder.vectors(where), found.astype(np.float32))


def test_harmonics_in_closed_form() -> None:
    where = places()
    x, y, z = (exact("xyz", where)[:, axis] for axis in range(3))
    one = np.ones_like(x)
    root = math.sqrt(1 / math.pi)
    closed = np.stack([
        one * 0.5 * root, math.sqrt(3) / 2 * root * y, math.sqrt(3) / 2 * root * z, math.sqrt(3) / 2 * root * x,
        math.sqrt(15) / 2 * root * x * y, math.sqrt(15) / 2 * root * y * z, math.sqrt(5) / 4 * root * (3 * z * z - 1),
        math.sqrt(15) / 2 * root * x * z, math.sqrt(15) / 4 * root * (x * x - y * y)], axis=1)
    np.testing.assert_allclose(exact("spherical-harmonics", where, Settings(scales=3)), closed, atol=1e-15)


def test_harmonics_are_orthonormal_over_the_globe() -> None:
    degrees = 12
    nodes, weights = np.polynomial.legendre.leggauss(degrees)
    longitudes = np.arange(2 * degrees) * 180 / degrees - 180
    lon, sine = np.meshgrid(longitudes, nodes)
    where = np.stack([lon.ravel(), np.degrees(np.arcsin(sine.ravel()))], axis=1)
    area = np.repeat(weights, 2 * degrees) * math.pi / degrees
    vectors = exact("spherical-harmonics", where, Settings(scales=degrees))
    np.testing.assert_allclose(vectors.T @ (vectors * area[:, None]), np.eye(degrees ** 2), atol=1e-13)


@pytest.mark.parametrize("degrees", [40, 100])
def test_harmonics_of_high_degree_keep_the_addition_theorem_up_to_the_poles(degrees: int) -> None:
    where = np.array([(0, 90), (0, -90), (-180, 89.9999), (33, 85), (-120, -60), (7, 0)], dtype=np.float64)
    vectors = exact("spherical-harmonics", where, Settings(scales=degrees))
    for degree in (0, 1, degrees // 2, degrees - 1):
        part = vectors[:, degree ** 2:(degree + 1) ** 2]
        np.testing.assert_allclose((part ** 2).sum(axis=1), (2 * degree + 1) / (4 * math.pi), rtol=1e-10)
    expected = np.zeros(degrees ** 2)
    expected[[degree * (degree + 1) for degree in range(degrees)]] = [
        math.sqrt((2 * degree + 1) / (4 * math.pi)) for degree in range(degrees)]
    np.testing.assert_allclose(vectors[0], expected, atol=1e-12)


def test_harmonics_beside_a_pole_follow_their_limit() -> None:
    # There P_l^1 is l(l+1)/2 times the sine of the polar angle.
    angle = 1e-6
    found = exact("spherical-harmonics", np.array([(30.0, 90 - angle)]), Settings(scales=40))[0]
    for degree in (1, 7, 39):
        norm = math.sqrt(2 * (2 * degree + 1) / (4 * math.pi) / (degree * (degree + 1)))
        limit = norm * degree * (degree + 1) / 2 * math.radians(angle)
        assert found[degree * (degree + 1) + 1] == pytest.approx(limit * math.cos(math.pi / 6), rel=1e-7)
        assert found[degree * (degree + 1) - 1] == pytest.approx(limit * math.sin(math.pi / 6), rel=1e-7)


def test_random_features_on_the_sphere_are_a_gaussian_kernel_of_the_length_asked_for() -> None:
    vectors = exact("fourier-sphere", np.array([(10.0, 50.0), (10.0, 50.0 + 500 / 111.195)]),
                    Settings(scales=8000, length=500))
    np.testing.assert_allclose((vectors ** 2).sum(axis=1), 1)
    assert vectors[0] @ vectors[1] == pytest.approx(math.exp(-0.5), abs=0.03)
    flat = exact("fourier-planar", np.array([(10.0, 20.0), (10.0, 20.0 + 500 / 111.195)]),
                 Settings(scales=16_000, length=500))
    assert flat[0] @ flat[1] == pytest.approx(math.exp(-0.5), abs=0.03)


def test_a_seed_gives_the_same_waves_for_ever() -> None:
    encoder = find_location_encoder("fourier-sphere", Settings(scales=1, length=6371.0088, seed=0))
    # The generator's first three numbers, as NumPy has published them for this seed since its first versions.
    angle = 1.764052345967664 * 1 + 0.4001572083672233 * 0 + 0.9787379841057392 * 0
    np.testing.assert_allclose(encoder.vectors(np.array([(0.0, 0.0)])), [[math.cos(angle), math.sin(angle)]], rtol=1e-6)
    assert not np.array_equal(exact("fourier-sphere", places(), Settings(seed=1)), exact("fourier-sphere", places()))


# ---- the globe's awkward places


@pytest.mark.parametrize("name", SHIPPED)
def test_a_place_has_one_vector_under_all_its_names(name: str) -> None:
    names = np.array([(180, 12), (-180, 12), (540, 12), (190, -5), (-170, -5), (77, 90), (-12, 90), (180, -90),
                      (5, -90)], dtype=np.float64)
    found = find_location_encoder(name).vectors(canonical(names))
    for first, second in ((0, 1), (0, 2), (3, 4), (5, 6), (7, 8)):
        np.testing.assert_array_equal(found[first], found[second])
    assert np.isfinite(found).all()
    assert not np.array_equal(found[5], found[7]), "the poles look the same"


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_called_seamless_is(name: str) -> None:
    step = 1e-6
    both = np.array([(180 - step, 40.0), (-180 + step, 40.0)])
    jump = np.abs(np.diff(exact(name, both), axis=0)).max()
    assert (jump < 1e-3) == find_location_encoder(name).seamless
    if not find_location_encoder(name).seamless:
        encoder = find_location_encoder(name, Settings(seamless=True))
        assert encoder.seamless
        assert np.abs(np.diff(exact(name, both, Settings(seamless=True)), axis=0)).max() < 1e-3
        assert encoder.dimensions == SHIPPED[name]


def test_seamless_scale_factors_are_the_nearest_whole_numbers() -> None:
    found = exact("sphere2vec-c", np.array([(10.0, 20.0)]), Settings(scales=3, min_radius=0.07, max_radius=1,
                                                                     seamless=True))
    a, b = math.radians(10), math.radians(20)
    expected = [number for f in (14, 4, 1) for number in (
        math.sin(b * f), math.cos(b * f) * math.cos(a * f), math.cos(b * f) * math.sin(a * f))]
    np.testing.assert_allclose(found[0], expected, atol=1e-14)


@given(st.floats(-539, 539), st.floats(-90, 90))
def test_canonical_places_are_the_same_point_of_the_globe(lon: float, lat: float) -> None:
    found = canonical(np.array([(lon, lat)]))[0]
    assert -180 <= found[0] < 180 and -90 <= found[1] <= 90
    np.testing.assert_allclose(exact("xyz", found[None])[0], exact("xyz", np.array([(lon, lat)]))[0], atol=1e-10)


@pytest.mark.parametrize("place", [(0, 91), (0, -90.001), (500_000, 5_000_000), (500_000, 10), (math.nan, 1),
                                   (1, math.nan), (math.inf, 0), (0, math.inf)])
def test_what_is_no_place_is_told_by_nan(place: Any) -> None:
    assert np.isnan(canonical(np.array([place], dtype=np.float64))).all()


# ---- identity and bad input


def test_settings_are_the_identity() -> None:
    same = find_location_encoder("sphere2vec-c", Settings(scales=16, min_radius=0.01, max_radius=1)).space()
    assert same == find_location_encoder("sphere2vec-c").space()
    assert from_json(same.canonical()) == same and same.key().startswith("sphere2vec-c-")
    spaces = [find_location_encoder(name, settings).space().digest() for name, settings in [
        *((name, Settings()) for name in SHIPPED), *OTHER.items(), ("sphere2vec-c", Settings(seamless=True)),
        ("fourier-sphere", Settings(seed=1)), ("fourier-sphere", Settings(length=2000))]]
    assert len(set(spaces)) == len(spaces)
    for name in SHIPPED:
        vectors = find_location_encoder(name).vectors(places())
        norms = np.linalg.norm(vectors, axis=1)
        assert find_location_encoder(name).space().unit_norm == bool(np.allclose(norms, 1, atol=1e-6))


@pytest.mark.parametrize(("text", "settings", "message"), [
    ("", Settings(), "ENCODER is empty"),
    ("rbf", Settings(), "rbf exists only trained"),
    ("tile", Settings(), "tile exists only trained"),
    ("sphere2vec_c", Settings(), "did you mean sphere2vec-c"),
    ("magic", Settings(), "no location encoder magic: choose one of xyz, wrap"),
    ("/nowhere/a.onnx", Settings(), "no encoder file /nowhere/a.onnx"),
    ("xyz", Settings(scales=3), "xyz doesn't have a number of scales"),
    ("nerf", Settings(min_radius=1, length=2), "doesn't have radii and a length scale"),
    ("xyz", Settings(seamless=True), "doesn't have a seam"),
    ("sphere2vec-m", Settings(scales=1), "at least 2 scales, not 1"),
    ("sphere2vec-m", Settings(min_radius=2), "finest radius .* are 2 and 1"),
    ("sphere2vec-m", Settings(max_radius=math.inf), "finest radius"),
    ("fourier-sphere", Settings(length=-1), "is -1 km"),
    ("fourier-sphere", Settings(seed=-1), "seed -1"),
    ("sphere2vec-dfs", Settings(scales=128), f"66048 numbers .* {MOST_DIMENSIONS}"),
])
def test_wrong_encoders_are_told(text: str, settings: Settings, message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_location_encoder(text, settings)


def test_a_card_of_an_image_encoder_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "card.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="describes no location encoder"):
        find_location_encoder(str(path))
