"""Where features are: points of every kind, middles on the globe and in the plane, any CRS, and what has no place."""

from __future__ import annotations

import math
import struct
from typing import Any, Tuple

import numpy as np
import pytest
from osgeo import ogr, osr

from earthprint.engine.errors import InputError
from earthprint.engine.locations import Places


def wkt_of(code: Any) -> str:
    reference = osr.SpatialReference()
    reference.SetFromUserInput(str(code) if isinstance(code, str) else f"EPSG:{code}")
    return reference.ExportToWkt(["FORMAT=WKT2_2019"])


def shape(text: str) -> bytes:
    return bytes(ogr.CreateGeometryFromWkt(text).ExportToIsoWkb(ogr.wkbNDR))


def place_of(text: str, code: Any = 4326, place: str = "centroid") -> np.ndarray:
    return Places("“x”", wkt_of(code), place).find([shape(text)])[0]


def near(found: np.ndarray, expected: Tuple[float, float], degrees: float = 1e-9) -> None:
    turn = (found[0] - expected[0] + 180) % 360 - 180
    assert abs(turn) <= degrees and abs(found[1] - expected[1]) <= degrees, found


@pytest.mark.parametrize("text", ["POINT (3 4)", "POINT Z (3 4 900)", "POINT M (3 4 7)", "POINT ZM (3 4 900 7)",
                                  "MULTIPOINT (3 4)", "GEOMETRYCOLLECTION (POINT (3 4))"])
def test_points_of_every_kind(text: str) -> None:
    near(place_of(text), (3, 4), 1e-12)
    # Many at once go another way than one among others.
    many = Places("“x”", wkt_of(4326)).find([shape(text)] * 5 + [None])
    np.testing.assert_allclose(many[:5], [[3, 4]] * 5, atol=1e-12)
    assert np.isnan(many[5]).all()


def test_bytes_of_other_origin() -> None:
    big = struct.pack(">BIdd", 0, 1, 3, 4)
    old_z = struct.pack("<BIddd", 1, 0x80000001, 3, 4, 9)
    old_point = ogr.CreateGeometryFromWkt("POINT (3 4 9)").ExportToWkb()
    found = Places("“x”", wkt_of(4326)).find([big, old_z, bytes(old_point), b"rubbish", b""])
    np.testing.assert_array_equal(found[:3], [[3, 4]] * 3)
    assert np.isnan(found[3:]).all()
    np.testing.assert_array_equal(Places("“x”", wkt_of(4326)).find([old_z, old_z]), [[3, 4]] * 2)


@pytest.mark.parametrize("text", ["POINT EMPTY", "POLYGON EMPTY", "MULTILINESTRING EMPTY", "GEOMETRYCOLLECTION EMPTY",
                                  "POINT (0 95)", "POINT (400000 5000000)", "POLYGON ((0 95, 1 95, 1 96, 0 95))"])
@pytest.mark.parametrize("way", ["centroid", "inside"])
def test_what_has_no_place(text: str, way: str) -> None:
    assert np.isnan(place_of(text, place=way)).all()
    assert np.isnan(Places("“x”", wkt_of(4326), way).find([shape(text)] * 3)).all()


# ---- any CRS


def proj(code: Any, lon: float, lat: float) -> Tuple[float, float]:
    world, other = osr.SpatialReference(), osr.SpatialReference()
    world.ImportFromEPSG(4326)
    other.SetFromUserInput(str(code) if isinstance(code, str) else f"EPSG:{code}")
    for reference in (world, other):
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    x, y, _ = osr.CoordinateTransformation(world, other).TransformPoint(lon, lat)
    return x, y


@pytest.mark.parametrize(("code", "lon", "lat"), [
    (32633, 13.4, 52.5), (32760, -179.9, -20.0), (3857, -180.0, 60.0), (3413, -45.0, 89.0), (3031, 120.0, -80.0),
    (3035, 10.0, 50.0), (8857, 179.0, 0.0), ("+proj=ortho +lat_0=40 +lon_0=20 +datum=WGS84", 25.0, 45.0),
    (4807, 2.5, 47)])
def test_points_of_any_crs(code: Any, lon: float, lat: float) -> None:
    x, y = proj(code, lon, lat)
    near(place_of(f"POINT ({x!r} {y!r})", code), (lon, lat), 2e-7)


def test_grads_from_the_paris_meridian() -> None:
    # 50 grad north is 45 degrees, 0 is 2.3372 degrees east of Greenwich; the datum shifts by less than 100 m.
    near(place_of("POINT (0 50)", 4807), (2.33722917, 45.0), 1e-3)


def test_another_datum_is_not_taken_for_wgs84() -> None:
    found = place_of("POINT (-0.0014 51.4778)", 4277)
    assert 50 < abs(found[0] + 0.0014) * 111_195 * math.cos(math.radians(51.5)) < 150


def test_the_pole_of_a_polar_map_is_a_pole() -> None:
    np.testing.assert_array_equal(place_of("POINT (0 0)", 3413), [0, 90])
    np.testing.assert_array_equal(place_of("POINT (0 0)", 3031), [0, -90])


def test_a_point_outside_its_projection_spoils_none_beside_it() -> None:
    crs = "+proj=ortho +lat_0=40 +lon_0=20 +datum=WGS84"
    x, y = proj(crs, 25, 45)
    for raising in (False, True):
        before = ogr.GetUseExceptions(), osr.GetUseExceptions()
        if raising:
            ogr.UseExceptions()
            osr.UseExceptions()
        try:
            found = Places("“x”", wkt_of(crs)).find(
                [shape(f"POINT ({x} {y})"), shape("POINT (9e6 9e6)"), shape(f"POINT ({x} {y})"), shape("POINT EMPTY"),
                 b"rubbish"])
        finally:
            # In the order that GDAL insists on: the last that was switched on goes first.
            if not before[1]:
                osr.DontUseExceptions()
            if not before[0]:
                ogr.DontUseExceptions()
        near(found[0], (25, 45))
        near(found[2], (25, 45))
        assert np.isnan(found[[1, 3, 4]]).all()


@pytest.mark.parametrize(("wkt", "message"), [
    ("", "“x” has no coordinate reference system"),
    ('LOCAL_CS["site",UNIT["metre",1]]', "doesn't tell where on the globe"),
    ('ENGCRS["site",EDATUM["here"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]',
     "doesn't tell where on the globe"),
    (wkt_of(4978), "doesn't tell where on the globe")])
def test_a_crs_that_is_nowhere(wkt: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Places("“x”", wkt)


# ---- middles


def sphere_mean(lon: np.ndarray, lat: np.ndarray, weight: np.ndarray) -> Tuple[float, float]:
    lon, lat = np.radians(lon), np.radians(lat)
    x, y, z = ((weight * part).sum() for part in (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)))
    return math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))


def by_cells(text: str, step: float = 0.05) -> Tuple[float, float]:
    """The middle of a polygon on the globe, by adding up small cells whose centre is inside."""
    polygon = ogr.CreateGeometryFromWkt(text)
    west, east, south, north = polygon.GetEnvelope()
    lon, lat = np.meshgrid(np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step))
    inside = np.zeros(lon.shape, dtype=bool)
    for number in np.ndindex(lon.shape):
        point = ogr.Geometry(ogr.wkbPoint)
        point.AddPoint_2D(float(lon[number]), float(lat[number]))
        inside[number] = polygon.Contains(point)
    return sphere_mean(lon[inside], lat[inside], np.cos(np.radians(lat[inside])))


@pytest.mark.parametrize("text", [
    "POLYGON ((0 40, 8 42, 6 50, 1 48, 0 40))",
    "POLYGON ((0 40, 0 50, 10 50, 10 40, 0 40), (1 41, 1 45, 5 45, 5 41, 1 41))",
    "MULTIPOLYGON (((0 60, 4 60, 4 64, 0 64, 0 60)), ((10 50, 11 50, 11 51, 10 51, 10 50)))"])
def test_a_large_polygon_has_its_middle_on_the_globe(text: str) -> None:
    near(place_of(text), by_cells(text), 0.01)


def test_a_small_polygon_has_the_middle_of_the_plane_to_the_millimetre() -> None:
    house = ("POLYGON ((13.4 52.5, 13.4001 52.5, 13.4001 52.50003, 13.40004 52.50003, 13.40004 52.50009, "
             "13.4 52.50009, 13.4 52.5))")
    middle = ogr.CreateGeometryFromWkt(house).Centroid()
    near(place_of(house), (middle.GetX(), middle.GetY()), 1e-12)
    pair = f"GEOMETRYCOLLECTION ({house}, {house})"
    near(place_of(pair), (middle.GetX(), middle.GetY()), 1e-9)


@pytest.mark.parametrize("half", [0.0001, 0.2, 2.0])
def test_a_feature_on_both_sides_of_the_date_line_has_its_middle_there(half: float) -> None:
    east = f"(({180 - half} 10, 180 10, 180 {10 + half}, {180 - half} {10 + half}, {180 - half} 10))"
    west = f"((-180 10, {-180 + half} 10, {-180 + half} {10 + half}, -180 {10 + half}, -180 10))"
    found = place_of(f"MULTIPOLYGON ({east}, {west})")
    near(found, (-180, 10 + half / 2), max(1e-9, 0.002 * half))
    if half == 2.0:
        one = place_of("POLYGON ((178 10, 182 10, 182 12, 178 12, 178 10))")
        near(one, (found[0], found[1]), 1e-9)
    near(place_of("MULTIPOINT (179 0, -179 0)"), (180, 0))
    arc = math.radians(10)
    latitude = math.degrees(math.atan(math.tan(math.radians(5)) * arc / math.sin(arc)))
    near(place_of("MULTILINESTRING ((170 5, 180 5), (-180 5, -170 5))"), (180, latitude), 2e-4)


def test_a_continent_around_a_pole_has_its_middle_there() -> None:
    cap = "POLYGON ((-180 -90, -180 -70, " + ", ".join(f"{lon} -70" for lon in range(-170, 180, 10)) + \
        ", 180 -70, 180 -90, -180 -90))"
    np.testing.assert_allclose(place_of(cap)[1], -90, atol=1e-6)
    np.testing.assert_array_equal(place_of("MULTIPOINT (0 89, 180 89)")[1] > 89.999999, True)


def test_a_line_is_weighed_by_its_length_on_the_ground() -> None:
    lon = np.linspace(0, 40, 200_001)
    lat = np.interp(lon, [0, 10, 40], [50, 70, 60])
    steps = np.hypot(np.diff(lon) * np.cos(np.radians((lat[1:] + lat[:-1]) / 2)), np.diff(lat))
    expected = sphere_mean((lon[1:] + lon[:-1]) / 2, (lat[1:] + lat[:-1]) / 2, steps)
    near(place_of("LINESTRING (0 50, 10 70, 40 60)"), expected, 2e-3)


@pytest.mark.parametrize(("text", "expected"), [
    ("POLYGON ((5 5, 5 5, 5 5, 5 5))", (5, 5)), ("LINESTRING (5 5, 5 5)", (5, 5)),
    ("GEOMETRYCOLLECTION (POINT (80 80), LINESTRING (1 1, 3 1))", (2, 1.0002)),
    ("GEOMETRYCOLLECTION (POINT (80 80), LINESTRING (50 1, 60 1), POLYGON ((1 1, 1.2 1, 1.2 1.2, 1 1.2, 1 1)))",
     (1.1, 1.1)),
    ("CURVEPOLYGON (CIRCULARSTRING (1 1, 1.2 1, 1 1))", (1.1, 1)),
    ("TIN Z (((0 0 0, 0 0.1 0, 0.1 0 0, 0 0 0)))", (0.1 / 3, 0.1 / 3)),
    ("POLYGON Z ((1 1 9, 1.2 1 9, 1.2 1.2 9, 1 1.2 9, 1 1 9))", (1.1, 1.1))])
def test_odd_geometries(text: str, expected: Tuple[float, float]) -> None:
    near(place_of(text), expected, 2e-4)


def test_in_a_projected_crs_it_is_the_middle_of_the_plane_and_inside_is_inside() -> None:
    bow = "POLYGON ((500000 0, 510000 0, 510000 9000, 509000 9000, 509000 1000, 500000 1000, 500000 0))"
    middle = ogr.CreateGeometryFromWkt(bow).Centroid()
    world = osr.CoordinateTransformation(*(_plain(code) for code in (32633, 4326)))
    near(place_of(bow, 32633), world.TransformPoint(middle.GetX(), middle.GetY())[:2])
    assert not ogr.CreateGeometryFromWkt(bow).Contains(middle)
    found = place_of(bow, 32633, "inside")
    x, y = proj(32633, *found)
    point = ogr.CreateGeometryFromWkt(f"POINT ({x} {y})")
    assert ogr.CreateGeometryFromWkt(bow).Contains(point)
    near(place_of("LINESTRING (0 0, 0 1, 5 1)", place="inside"), (0, 1))
    near(place_of("POINT (3 4)", place="inside"), (3, 4))


@pytest.mark.parametrize(("code", "y"), [(3857, -1_900_000.0), (8857, -2_000_000.0)])
def test_parts_on_both_edges_of_a_projected_world_map_meet_at_the_date_line(code: int, y: float) -> None:
    edge = proj(code, 179.999999, 0)[0] * (1 if code == 3857 else 0.98)
    world = osr.CoordinateTransformation(_plain(code), _plain(4326))
    east, west = square(edge - 3e5, y, 2e5), square(-edge + 1e5, y, 2e5)
    found = place_of(f"MULTIPOLYGON ({east}, {west})", code)
    near(found, (180, world.TransformPoint(0, y + 1e5)[1]), 0.02)
    assert -180 < place_of(f"MULTIPOLYGON ({east}, {west}, {square(-edge + 3e5, y, 2e5)})", code)[0] < -178
    # Lines without length weigh nothing, so the plane decides.
    np.testing.assert_allclose(place_of("MULTILINESTRING ((0 0, 0 0), (2e6 0, 2e6 0))", code)[1], 0, atol=1e-9)


def square(x: float, y: float, side: float) -> str:
    return f"(({x} {y}, {x + side} {y}, {x + side} {y + side}, {x} {y + side}, {x} {y}))"


def test_another_way_is_refused() -> None:
    with pytest.raises(InputError, match="“corner” is no way"):
        Places("“x”", wkt_of(4326), "corner")


def _plain(code: int) -> osr.SpatialReference:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference
