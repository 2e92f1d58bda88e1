"""Rows in, an embedding table out: vectors by the row, what has no place left out and counted, nothing half-written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import ogr
from place_layers import Listener, layer_file

from earthprint.engine.errors import Cancelled, InputError
from earthprint.engine.locations import LocationRequest, Settings, embed_locations, find_location_encoder
from earthprint.engine.progress import Silent
from earthprint.engine.registry import Registry
from earthprint.engine.table import open_rows, open_table


def embed(path: str, output: Path, name: str = "spherical-harmonics", progress: Any = None, **settings: Any) -> Any:
    encoder = find_location_encoder(name, Settings(**settings))
    return embed_locations(LocationRequest(open_rows(path), encoder, str(output)), progress or Silent())


def test_rows_keep_their_order_attributes_and_geometries_and_those_without_place_are_counted(tmp_path: Path) -> None:
    path = layer_file(tmp_path / "in.gpkg", ["POINT Z (3 4 900)", None, "POINT EMPTY", "POINT (9999 5)",
                                             "POINT (-180 90)", "POINT M (5 6 7)"])
    said = Listener()
    result = embed(path, tmp_path / "o.gpkg", progress=said)
    assert (result.rows, result.left_out) == (3, 3)
    table = open_table(result.output)
    chunk, = table.chunks()
    assert chunk.columns["name"] == ["place 0", "place 4", "place 5"]
    assert list(chunk.ids) == [1, 5, 6]
    shapes = [ogr.CreateGeometryFromWkb(wkb).ExportToIsoWkt() for wkb in chunk.wkb]
    assert shapes == ["POINT Z (3 4 900)", "POINT (-180 90)", "POINT M (5 6 7)"]
    encoder = find_location_encoder("spherical-harmonics")
    np.testing.assert_array_equal(chunk.vectors, encoder.vectors(np.array([(3, 4), (0, 90), (5, 6.0)])))
    assert table.space() == encoder.space() and result.key == encoder.space().key()
    assert len(said.warnings) == 1 and "3 of 6 features of “places” have no place" in said.warnings[0]
    assert said.infos == ["3 places embedded by spherical-harmonics, 100 dimensions."] and said.fractions[-1] == 1


def test_many_chunks_are_the_same_as_one_array(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    where = np.stack([chance.uniform(-180, 180, 9000), chance.uniform(-90, 90, 9000)], axis=1)
    shapes = [None if number == 5000 else f"POINT ({lon!r} {lat!r})" for number, (lon, lat) in enumerate(where)]
    path = layer_file(tmp_path / "in.gpkg", shapes, kind=ogr.wkbPoint)
    said = Listener()
    result = embed(path, tmp_path / "o.gpkg", "sphere2vec-m", progress=said)
    found = np.concatenate([chunk.vectors for chunk in open_table(result.output).chunks(1000)])
    encoder = find_location_encoder("sphere2vec-m")
    np.testing.assert_array_equal(found, encoder.vectors(np.delete(where, 5000, axis=0)))
    assert said.fractions == sorted(said.fractions) and len(said.fractions) == 3
    again = embed(path, tmp_path / "again.gpkg", "sphere2vec-m")
    assert again.key == result.key


def test_a_table_gets_new_vectors_and_its_space_is_remembered(tmp_path: Path) -> None:
    path = layer_file(tmp_path / "in.gpkg", ["POINT (3 4)"])
    first = embed(path, tmp_path / "a.gpkg", "xyz")
    said = Listener()
    second = embed_locations(LocationRequest(open_rows(first.output), find_location_encoder("nerf"),
                                             str(tmp_path / "b.gpkg"), registry=Registry(tmp_path / "spaces")), said)
    assert open_table(second.output).space_key.startswith("nerf-")
    assert "are replaced by those of its places" in said.infos[0]
    assert [column.name for column in open_table(second.output).columns] == ["fid", "name"]
    assert Registry(tmp_path / "spaces").find(second.space.digest()) == second.space


@pytest.mark.parametrize(("name", "settings", "warned"), [
    ("space2vec-grid", {}, True), ("sphere2vec-c", {}, True), ("sphere2vec-c", {"seamless": True}, False),
    ("spherical-harmonics", {}, False)])
def test_a_seam_within_the_layer_is_told(tmp_path: Path, name: str, settings: Any, warned: bool) -> None:
    path = layer_file(tmp_path / "in.gpkg", ["POINT (179.9 4)", "POINT (-179.9 4)"])
    said = Listener()
    embed(path, tmp_path / "o.gpkg", name, said, **settings)
    assert any("on both sides of ±180°" in text for text in said.warnings) == warned
    said = Listener()
    embed(layer_file(tmp_path / "one.gpkg", ["POINT (179.9 4)"]), tmp_path / "o.gpkg", name, said, **settings)
    assert not said.warnings


@pytest.mark.parametrize(("shapes", "kind", "message"), [
    ([], ogr.wkbPoint, "“places” has no rows"),
    ([None, "POINT EMPTY"], ogr.wkbPoint, "No feature of “places” has a place"),
    ([None], ogr.wkbNone, "is a table without geometry")])
def test_layers_without_places_leave_nothing(tmp_path: Path, shapes: Any, kind: int, message: str) -> None:
    path = layer_file(tmp_path / "in.gpkg", shapes, kind=kind)
    with pytest.raises(InputError, match=message):
        embed(path, tmp_path / "o.gpkg")
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.gpkg"]


def test_cancel_leaves_nothing(tmp_path: Path) -> None:
    path = layer_file(tmp_path / "in.gpkg", ["POINT (3 4)"])
    with pytest.raises(Cancelled):
        embed(path, tmp_path / "o.gpkg", progress=Listener(stop=True))
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.gpkg"]
