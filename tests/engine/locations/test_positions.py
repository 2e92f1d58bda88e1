"""Positions in NumPy and in ONNX Runtime against the papers' formulas in loops, and what they promise of the globe."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, List

import numpy as np
import pytest
from naive_locations import NAIVE, radii, sphere_m_plus_of, xyz
from place_layers import thousand_places

from earthprint.engine.encoders.numpy_session import NumpySession
from earthprint.engine.errors import InputError
from earthprint.engine.locations import Settings, canonical, find_location_encoder
from earthprint.engine.locations.position import Position, position_from_json, position_of
from earthprint.engine.locations.shipped import FAMILIES, IDS, POSITIONS
from earthprint.engine.locations.tile import tile_count
from earthprint.engine.onnxgraph import OnnxGraph

ANCHORS = np.array([(13.4, 52.5), (-70.7, -33.4), (179.9, 10.0), (0.0, 90.0), (-120.0, 47.0)])
RADIUS_KM = 6371.0088


PLACES = thousand_places()
assert len(PLACES) == 1000 and min((PLACES[:, 1] > 0).sum(), (PLACES[:, 1] < 0).sum()) > 300


def by_runtime(position: Position, places: np.ndarray) -> np.ndarray:
    """Evaluate the nodes by ONNX Runtime."""
    onnxruntime = pytest.importorskip("onnxruntime")
    return onnxruntime.InferenceSession(graph_of(position)).run(None, {"location": places})[0]


def graph_of(position: Position) -> bytes:
    graph = OnnxGraph("position")
    features = position.nodes(graph, graph.input("location", ["n", 2], "float64"))
    assert features is not None
    graph.output(graph.node("Identity", [features], "features"), ["n", position.size], "float64")
    return graph.to_bytes()


def harmonics(places: np.ndarray, degrees: int) -> np.ndarray:
    """Return scipy's associated Legendre functions of degree below `degrees`, as real orthonormal harmonics."""
    special = pytest.importorskip("scipy.special")
    longitude, sine = np.radians(places[:, 0]), np.sin(np.radians(places[:, 1]))
    columns = []
    for degree in range(degrees):
        for order in range(-degree, degree + 1):
            m = abs(order)
            norm = math.sqrt((2 * degree + 1) / (4 * math.pi) * math.exp(
                math.lgamma(degree - m + 1) - math.lgamma(degree + m + 1)))
            # scipy has the Condon-Shortley sign.
            legendre = (-1) ** m * special.lpmv(m, degree, sine)
            wave = np.sin(m * longitude) if order < 0 else np.cos(m * longitude)
            columns.append(norm * (math.sqrt(2) if m else 1.0) * legendre * wave)
    return np.stack(columns, axis=1)


def loops(kind: str, settings: Settings, places: np.ndarray) -> np.ndarray:
    return np.array([NAIVE[kind](lon, lat, settings) for lon, lat in places.tolist()])


# ---- the clean forms, over a thousand places


@pytest.mark.parametrize("kind", [name for name in IDS if name != "spherical-harmonics"])
def test_numpy_and_nodes_are_the_formula_to_ten_digits(kind: str) -> None:
    position = position_of(kind)
    expected = loops(kind, position.settings, PLACES)
    assert expected.shape == (1000, position.size)
    found = position.features(PLACES)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(by_runtime(position, PLACES), expected, rtol=0, atol=1e-10)


# Where scipy's own functions of the sine keep their digits: its argument loses half of them beside a pole.
AWAY = PLACES[(np.abs(PLACES[:, 1]) < 89) | (np.abs(PLACES[:, 1]) == 90)]


@pytest.mark.parametrize("degrees", [10, 25])
def test_harmonics_are_those_of_scipy(degrees: int) -> None:
    position = position_of("spherical-harmonics", Settings(scales=degrees))
    expected = harmonics(AWAY, degrees)
    np.testing.assert_allclose(position.features(AWAY), expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(by_runtime(position, AWAY), expected, rtol=0, atol=1e-10)


def test_harmonics_of_degree_forty_in_the_graph_keep_all_digits_up_to_the_poles() -> None:
    position = position_of("spherical-harmonics", Settings(scales=40))
    found, nodes = position.features(PLACES), by_runtime(position, PLACES)
    np.testing.assert_allclose(nodes, found, rtol=0, atol=1e-10)
    for degree in (0, 1, 20, 39):
        part = nodes[:, degree ** 2:(degree + 1) ** 2]
        np.testing.assert_allclose((part ** 2).sum(axis=1), (2 * degree + 1) / (4 * math.pi), rtol=1e-10)
    some = AWAY[::10]
    np.testing.assert_allclose(position.features(some), harmonics(some, 40), rtol=0, atol=1e-10)


def test_anchors_are_bells_of_the_straight_distance_through_the_globe() -> None:
    position = position_of("rbf", Settings(length=800.0), arrays={"anchors": ANCHORS})
    expected = [[math.exp(-sum((a - b) ** 2 for a, b in zip(xyz(lon, lat, Settings()), xyz(x, y, Settings())))
                          * RADIUS_KM ** 2 / (2 * 800 ** 2)) for x, y in ANCHORS] for lon, lat in PLACES.tolist()]
    np.testing.assert_allclose(position.features(PLACES), expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(by_runtime(position, PLACES), expected, rtol=0, atol=1e-10)
    # 800 km on the ground are one standard deviation.
    north = position.features(np.array([(13.4, 52.5 + math.degrees(800 / RADIUS_KM))]))[0, 0]
    assert north == pytest.approx(math.exp(-0.5), rel=2e-3)


@pytest.mark.parametrize("extent", [(-180.0, -90.0, 180.0, 90.0), (-125.5, 24.0, -66.0, 49.5)])
def test_tiles_are_counted_row_by_row_from_the_south_west(extent: Any) -> None:
    position = position_of("tile", Settings(cell=7.0, extent=extent))
    west, south, east, north = extent
    columns, rows = math.ceil((east - west) / 7), math.ceil((north - south) / 7)
    expected = [[min(max(math.floor((lat - south) / 7), 0), rows - 1) * columns
                 + min(max(math.floor((lon - west) / 7), 0), columns - 1)] for lon, lat in PLACES.tolist()]
    assert tile_count(position.settings) == columns * rows and len({row[0] for row in expected}) > 20
    np.testing.assert_array_equal(position.features(PLACES), expected)
    np.testing.assert_array_equal(by_runtime(position, PLACES), expected)


def test_equal_earth_is_that_of_the_projection_library() -> None:
    from osgeo import osr

    plane, world = osr.SpatialReference(), osr.SpatialReference()
    # On a sphere of radius 1, as the formula has it.
    plane.ImportFromProj4("+proj=eqearth +R=1 +no_defs")
    world.ImportFromProj4("+proj=longlat +R=1 +no_defs")
    world.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    there = np.array(osr.CoordinateTransformation(world, plane).TransformPoints(PLACES.tolist()))[:, :2]
    position = position_of("equal-earth")
    inner = np.abs(PLACES[:, 0]) < 180
    np.testing.assert_allclose(position.features(PLACES)[inner], there[inner] * 66.50336 / 180, rtol=0, atol=1e-10)
    assert position.features(np.array([(180.0, 0.0)]))[0, 0] == pytest.approx(1.0, abs=1e-6)
    assert position.nodes(OnnxGraph("x"), "location") is None and not position.has_nodes


# ---- what they promise of the globe


DEFAULTS = Settings()


def promising(kind: str, settings: Settings = DEFAULTS) -> Position:
    arrays = {"anchors": ANCHORS} if kind == "rbf" else None
    return position_of(kind, settings, arrays=arrays)


SEAMED = [name for name in IDS if not position_of(name).seamless]


@pytest.mark.parametrize("kind", [*IDS, "rbf", "tile", "equal-earth"])
def test_what_promises_to_go_on_at_the_seam_does_and_nothing_else(kind: str) -> None:
    latitudes = np.linspace(-89, 89, 200)
    east = np.stack([np.full(200, 180 - 1e-7), latitudes], axis=1)
    west = np.stack([np.full(200, -180 + 1e-7), latitudes], axis=1)
    position = promising(kind)
    jump = np.abs(position.features(east) - position.features(west)).max()
    assert (jump < 1e-3) == position.seamless, jump


@pytest.mark.parametrize("kind", SEAMED)
def test_seamless_settings_close_the_seam_in_both_forms(kind: str) -> None:
    position = promising(kind, Settings(seamless=True))
    assert position.seamless and position.size == promising(kind).size
    latitudes = np.linspace(-90, 90, 100)
    east, west = (np.stack([np.full(100, side), latitudes], axis=1) for side in (180.0, -180.0))
    np.testing.assert_allclose(position.features(east), position.features(west), rtol=0, atol=1e-9)
    np.testing.assert_allclose(by_runtime(position, PLACES), position.features(PLACES), rtol=0, atol=1e-10)
    # It still tells longitudes apart.
    assert np.abs(position.features(np.array([(90.0, 3.0)])) - position.features(np.array([(-70.0, 3.0)]))).max() > 0.1


@pytest.mark.parametrize("kind", [*IDS, "rbf", "tile", "equal-earth"])
def test_what_promises_one_vector_at_a_pole_has_it(kind: str) -> None:
    around = np.linspace(-180, 180, 50)
    position = promising(kind)
    spread = max(np.ptp(position.features(np.stack([around, np.full(50, pole)], axis=1)), axis=0).max()
                 for pole in (90.0, -90.0))
    assert (spread < 1e-9) == position.polar, spread


@pytest.mark.parametrize("kind", IDS)
def test_both_poles_differ_in_every_clean_form_but_one(kind: str) -> None:
    north, south = position_of(kind).features(canonical(np.array([(0.0, 90.0), (0.0, -90.0)])))
    # Where z is 1 or −1 all waves of nerf are at a whole number of half turns: so are its frequencies made.
    assert (np.abs(north - south).max() > 0.1) == (kind != "nerf")


# ---- the originals' behaviour


def coarsest(settings: Settings) -> List[float]:
    return [math.pow(settings.max_radius, k / (settings.scales - 1)) for k in range(settings.scales)]


def double_wrap(lon: float, lat: float, s: Settings) -> List[float]:
    x, y = lon / 180, lat / 90
    return [math.sin(math.pi * x), math.sin(math.pi * y), math.cos(math.pi * x), math.cos(math.pi * y)]


def original_m_plus(lon: float, lat: float, s: Settings) -> List[float]:
    return sphere_m_plus_of(lon, lat, coarsest(s))


def original_dfs(lon: float, lat: float, s: Settings) -> List[float]:
    a, b = [math.radians(lon) / r for r in coarsest(s)], [math.radians(lat) / r for r in coarsest(s)]
    across = [math.sin(x) for x in a] + [math.cos(x) for x in a]
    up = [math.sin(x) for x in b] + [math.cos(x) for x in b]
    return [x * y for x in across for y in up] + [
        number for x, y in zip(a, b) for number in (math.sin(y), math.cos(y), math.sin(x), math.cos(x))]


ORIGINALS: "Dict[str, Callable[[float, float, Settings], List[float]]]" = {
    "wrap": double_wrap, "wrap-ffn": double_wrap, "sphere2vec-m-plus": original_m_plus, "sphere2vec-dfs": original_dfs,
    "nerf": NAIVE["nerf"], "sphere2vec-c": NAIVE["sphere2vec-c"], "space2vec-grid": NAIVE["space2vec-grid"],
    "space2vec-theory": NAIVE["space2vec-theory"], "sphere2vec-m": NAIVE["sphere2vec-m"],
    "sphere2vec-c-plus": NAIVE["sphere2vec-c-plus"]}
GIVEN = {"sphere2vec-m-plus": Settings(scales=8, min_radius=1e-3, max_radius=3.0),
         "sphere2vec-dfs": Settings(scales=8, min_radius=1e-3, max_radius=2.0), "nerf": Settings(scales=16)}


@pytest.mark.parametrize("kind", ORIGINALS)
def test_the_originals_behaviour_is_there_for_their_weights(kind: str) -> None:
    position = position_of(kind, GIVEN.get(kind, Settings()), "torchspatial")
    expected = np.array([ORIGINALS[kind](lon, lat, position.settings) for lon, lat in PLACES.tolist()])
    # The highest frequency of nerf turns at a hundred thousand radians, where a digit more is lost.
    tolerance = 1e-10
    np.testing.assert_allclose(position.features(PLACES), expected, rtol=0, atol=tolerance)
    np.testing.assert_allclose(by_runtime(position, PLACES), expected, rtol=0, atol=tolerance)


def test_two_originals_have_one_scale_only_with_their_usual_radius() -> None:
    found = position_of("sphere2vec-m-plus", Settings(scales=4, min_radius=0.001, max_radius=1.0), "torchspatial")
    vectors = found.features(PLACES).reshape(1000, 4, 8)
    np.testing.assert_allclose(vectors, np.broadcast_to(vectors[:, :1], vectors.shape), atol=1e-12)
    clean = position_of("sphere2vec-m-plus", Settings(scales=4, min_radius=0.001, max_radius=1.0))
    assert np.abs(np.diff(clean.features(PLACES).reshape(1000, 4, 8), axis=1)).max(axis=(0, 2)).min() > 0.5


@pytest.mark.parametrize("compat", ["satclip", "torchspatial"])
def test_satclips_harmonics_have_pi_on_order_zero_and_turn_with_the_degree(compat: str) -> None:
    position = position_of("spherical-harmonics", Settings(scales=10), compat)
    expected = harmonics(AWAY, 10)
    column = 0
    for degree in range(10):
        for order in range(-degree, degree + 1):
            expected[:, column] *= (-1) ** degree * (math.pi if order == 0 else 1)
            column += 1
    np.testing.assert_allclose(position.features(AWAY), expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(by_runtime(position, AWAY), expected, rtol=0, atol=1e-10)
    # As the published table has them: Y00 = 0.8862…, Y10 = 1.5350 cos θ with θ from the south pole.
    north = position.features(np.array([(0.0, 90.0)]))[0]
    assert north[0] == pytest.approx(math.sqrt(math.pi) / 2) and north[2] == pytest.approx(-1.5349900)


def test_random_features_as_stored_run_over_their_own_extent() -> None:
    chance = np.random.default_rng(3)
    directions, phases = chance.normal(size=(12, 2)), chance.uniform(0, 2 * np.pi, 12)
    extent = (-162.0, 20.0, -59.0, 56.0)
    position = position_of("fourier-planar", Settings(extent=extent), "torchspatial",
                           {"directions": directions, "phases": phases})
    expected = [[math.sqrt(2 / 12) * math.cos((2 * (lon + 162) / 103 - 1) * w[0] + (2 * (lat - 20) / 36 - 1) * w[1] + b)
                 for w, b in zip(directions, phases)] for lon, lat in PLACES.tolist()]
    assert position.size == 12 and position.settings.scales == 12
    np.testing.assert_allclose(position.features(PLACES), expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(by_runtime(position, PLACES), expected, rtol=0, atol=1e-10)


def test_anchors_of_the_original_are_bells_on_the_plane_of_degrees() -> None:
    position = position_of("rbf", Settings(sigma=20.0), "torchspatial", {"anchors": ANCHORS})
    expected = [[math.exp(-((lon - x) ** 2 + (lat - y) ** 2) / 800) for x, y in ANCHORS]
                for lon, lat in PLACES.tolist()]
    np.testing.assert_allclose(position.features(PLACES), expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(by_runtime(position, PLACES), expected, rtol=0, atol=1e-10)
    assert not position.seamless and not position.polar


def test_the_originals_tile_is_one_cell_unless_a_size_is_given() -> None:
    one = position_of("tile", compat="torchspatial")
    assert tile_count(one.settings) == 1 and not one.features(PLACES).any()
    assert tile_count(position_of("tile", Settings(cell=10.0), "torchspatial").settings) == 36 * 18


# ---- one interface, one identity


@pytest.mark.parametrize("kind", [name for name in POSITIONS if POSITIONS[name].nodes is not None])
def test_our_own_evaluator_gives_what_the_runtime_gives(kind: str) -> None:
    position = promising(kind)
    found = NumpySession(graph_of(position)).run(None, {"location": PLACES})[0]
    np.testing.assert_allclose(found, position.features(PLACES), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", POSITIONS)
def test_a_position_survives_the_way_through_json(kind: str) -> None:
    for compat in ("", *sorted(POSITIONS[kind].compat)):
        arrays: "Dict[str, np.ndarray]" = {}
        if kind == "rbf":
            arrays = {"anchors": ANCHORS}
        elif kind == "fourier-planar" and compat:
            arrays = {"directions": np.ones((3, 2)) / 3, "phases": np.arange(3.0)}
        position = position_of(kind, compat=compat, arrays=arrays)
        again = position_from_json(position.as_json(), arrays)
        assert again.settings == position.settings and again.compat == compat and again.size == position.size
        np.testing.assert_array_equal(again.features(PLACES[:50]), position.features(PLACES[:50]))


def test_the_defaults_spaces_stay_what_they_were() -> None:
    # Tables that were made before must go on comparing with new ones.
    assert find_location_encoder("space2vec-grid").space().details == {
        "scales": 16, "min_radius": 0.1, "max_radius": 360.0}
    assert find_location_encoder("sphere2vec-c").space().details == {
        "scales": 16, "min_radius": 0.01, "max_radius": 1.0, "seamless": False}
    assert find_location_encoder("space2vec-grid", Settings(seamless=True)).space().details["seamless"] is True
    assert len({family.id for family in FAMILIES}) == 14
    assert radii(find_location_encoder("sphere2vec-c").settings)[0] == 0.01


@pytest.mark.parametrize(("kind", "settings", "compat", "arrays", "message"), [
    ("magic", Settings(), "", {}, "no kind of location encoder called magic"),
    ("xyz", Settings(), "torchspatial", {}, "xyz has no other form called torchspatial: leave that empty."),
    ("wrap", Settings(), "satclip", {}, "leave that empty, or write torchspatial"),
    ("rbf", Settings(), "", {}, "rbf is made of anchors, not of nothing"),
    ("rbf", Settings(sigma=2.0), "", {"anchors": ANCHORS}, "only in its form torchspatial"),
    ("rbf", Settings(), "", {"anchors": ANCHORS.T}, "have the shape"),
    ("rbf", Settings(), "", {"anchors": ANCHORS * np.nan}, "hold what is no number"),
    ("xyz", Settings(), "", {"anchors": ANCHORS}, "xyz is made of no arrays, not of anchors"),
    ("fourier-planar", Settings(), "torchspatial", {}, "made of directions and phases"),
    ("fourier-planar", Settings(extent=(0, 0, 1, 1)), "", {}, "only in its form torchspatial"),
    ("tile", Settings(cell=0.01), "", {}, "more than 1000000 tiles"),
    ("tile", Settings(cell=-1.0), "", {}, "or none"),
    ("tile", Settings(extent=(10, 0, 5, 5)), "", {}, "must be west, south, east and north"),
    ("xyz", Settings(cell=1.0), "", {}, "doesn't have cells")])
def test_what_can_not_be_is_told(kind: str, settings: Settings, compat: str, arrays: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        position_of(kind, settings, compat, arrays)
