"""What is said of a layer's places: the seam, the poles, ground that nothing was learned of, coordinates swapped."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import numpy as np
import pytest
from osgeo import ogr
from place_layers import Listener, layer_file

from earthprint.engine.errors import InputError
from earthprint.engine.locations import LocationRequest, embed_locations, find_location_encoder
from earthprint.engine.locations.card import LocationCard
from earthprint.engine.locations.coverage import coverage_of
from earthprint.engine.locations.network import Linear, Network
from earthprint.engine.locations.position import position_of
from earthprint.engine.locations.storing import save_location_encoder
from earthprint.engine.table import open_rows

CHANCE = np.random.default_rng(2)
GEORGIA = np.stack([CHANCE.uniform(-85, -81, 400), CHANCE.uniform(31, 35, 400)], axis=1)


def trained(folder: Path, kind: str = "spherical-harmonics", places: np.ndarray = GEORGIA) -> str:
    position = position_of(kind)
    weight = CHANCE.normal(size=(4, position.size)).astype(np.float32)
    about = LocationCard("georgia", "Georgia", position, 0, area=coverage_of(places))
    return str(save_location_encoder(folder / "georgia.onnx", position, Network((Linear(weight),)), about))


def said_of(tmp_path: Path, encoder: str, points: "List[Any]") -> "List[str]":
    path = layer_file(tmp_path / "in.gpkg", [f"POINT ({x!r} {y!r})" for x, y in points])
    said = Listener()
    embed_locations(LocationRequest(open_rows(path), find_location_encoder(encoder), str(tmp_path / "o.gpkg")), said)
    return said.warnings


def test_places_inside_the_area_are_no_cause_for_words(tmp_path: Path) -> None:
    assert said_of(tmp_path, trained(tmp_path), (GEORGIA[:30] + 0.01).tolist()) == []


def test_places_outside_are_counted(tmp_path: Path) -> None:
    inside = GEORGIA[:7].tolist()
    text, = said_of(tmp_path, trained(tmp_path), [*inside, (13.4, 52.5), (-70.7, -33.4)])
    assert "2 of 9 places of “in” lie outside the area that georgia was trained on, farther than " in text.replace(
        "“places”", "“in”")
    assert " km from every place of its data: their vectors are guesses." in text


def test_swapped_coordinates_are_suspected_only_on_clear_evidence(tmp_path: Path) -> None:
    encoder = trained(tmp_path)
    swapped = GEORGIA[:50, ::-1].tolist()
    text, = said_of(tmp_path, encoder, swapped)
    assert text.startswith("All 50 places of") and "with longitude and latitude swapped they would lie inside" in text
    # One place where it should be, or many that are nowhere either way, are another matter.
    assert "swapped" not in said_of(tmp_path, encoder, [*swapped, GEORGIA[60].tolist()])[0]
    assert "swapped" not in said_of(tmp_path, encoder, [(13.4, 52.5), (52.5, 13.4)])[0]


def test_a_seam_and_poles_are_told_for_trained_encoders_of_kinds_that_break(tmp_path: Path) -> None:
    globe = np.stack([CHANCE.uniform(-180, 180, 3000), np.degrees(np.arcsin(CHANCE.uniform(-1, 1, 3000)))], axis=1)
    both = [(179.9, 10.0), (-179.9, 10.0), (20.0, 89.9), (140.0, 89.9)]
    seam, poles = said_of(tmp_path, trained(tmp_path, "sphere2vec-c", globe), both)
    assert "on both sides of ±180°, where the vectors of georgia jump" in seam and "Train one of a kind" in seam
    assert "has 2 places within 1° of a pole, where the vectors of georgia turn with the longitude" in poles
    assert said_of(tmp_path, trained(tmp_path, "spherical-harmonics", globe), both) == []


@pytest.mark.parametrize(("points", "count"), [
    ([(20.0, 89.9), (140.0, 89.9)], 2), ([(20.0, 89.9), (20.5, 89.9)], 0), ([(20.0, 89.9), (140.0, -89.9)], 0),
    ([(20.0, 89.9)], 0), ([(20.0, -89.5), (140.0, -89.2), (30.0, -88.9)], 2)])
def test_only_several_places_around_one_pole_are_told(tmp_path: Path, points: "List[Any]", count: int) -> None:
    said = said_of(tmp_path, "wrap", points)
    assert len(said) == (count > 0) and (not said or f"has {count} places within 1° of a pole" in said[0])
    assert said_of(tmp_path, "xyz", points) == []


# ---- latitudes that there are not


@pytest.mark.parametrize(("shapes", "message"), [
    (["POINT (3 4)", "POINT (48.1 151.2)"], r"Feature 2 of “places” has the latitude 151.2°, beyond a pole, and the "
                                            r"longitude 48.1°: the two seem to be swapped.*“Swap X and Y coordinates”"),
    (["POINT (-33.9 -151.2)"], "the two seem to be swapped"),
    (["POINT (500000 5000000)"], r"Feature 1 of “places” has the latitude 5e\+06°, beyond a pole, so its coordinates "
                                 "are no degrees: correct it, or.*“Assign projection”"),
    (["POINT (151.2 95)"], "has the latitude 95°, beyond a pole, so its coordinates are no degrees"),
    ([None, "POLYGON ((40 100, 41 100, 41 101, 40 100))"], "Feature 2 .* the latitude 101°.* swapped"),
    (["MULTIPOINT (3 4, 5 -90.5)"], "the latitude -90.5°")])
def test_latitudes_beyond_the_poles_stop_the_run_and_name_the_feature(tmp_path: Path, shapes: "List[Any]",
                                                                      message: str) -> None:
    path = layer_file(tmp_path / "in.gpkg", shapes)
    with pytest.raises(InputError, match=message):
        embed_locations(LocationRequest(open_rows(path), find_location_encoder("xyz"), str(tmp_path / "o.gpkg")),
                        Listener())
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.gpkg"]


def test_metres_beyond_a_projections_reach_are_left_out_as_before(tmp_path: Path) -> None:
    path = layer_file(tmp_path / "in.gpkg", ["POINT (500000 5000000)", "POINT (1e30 1e30)"], 32633, ogr.wkbPoint)
    said = Listener()
    result = embed_locations(LocationRequest(open_rows(path), find_location_encoder("xyz"), str(tmp_path / "o.gpkg")),
                             said)
    assert (result.rows, result.left_out) == (1, 1) and "have no place on the globe" in said.warnings[0]
