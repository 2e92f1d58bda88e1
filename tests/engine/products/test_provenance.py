"""Licence and provenance go with a space through files and steps, and never tell two spaces apart."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from osgeo import ogr

from earthprint.engine.coding import FLOAT32
from earthprint.engine.dataset import RasterLayout, close, raster_info, write
from earthprint.engine.field import create_field, open_field
from earthprint.engine.field_pass import FieldPass, RasterOutput, run_pass, source_of
from earthprint.engine.grid import Grid
from earthprint.engine.progress import Silent
from earthprint.engine.provenance import (
    KNOWN,
    PROVENANCE_ITEM,
    Provenance,
    added,
    in_words,
    known_product,
    merged,
    provenance_item,
    provenance_of,
)
from earthprint.engine.registry import Registry
from earthprint.engine.space import Space, parse_key
from earthprint.engine.table import TableWriter, open_table

TOLD = Provenance("Photos of Leipzig", "ODbL", "The people of Leipzig.", ("a.csv",))
SPACE = Space("somebody", 3, provenance=(TOLD,))
GRID = Grid(4, 2, (0.0, 1.0, 0.0, 0.0, 0.0, -1.0), "")


def sums(blocks, window):
    return [blocks[0].vectors().sum(axis=0, keepdims=True)]


def test_provenance_is_no_part_of_the_identity():
    bare = Space("somebody", 3)
    assert SPACE == bare
    assert SPACE.key() == bare.key()
    assert "Leipzig" not in SPACE.canonical()
    assert SPACE.reduced(2, "pca", "00").provenance == (TOLD,)


def test_the_item_reads_back_and_keeps_what_else_it_says():
    text = provenance_item((TOLD,), {"encoder": "x"})
    assert json.loads(text)["encoder"] == "x"
    assert provenance_of({PROVENANCE_ITEM: text}) == (TOLD,)
    both = added({PROVENANCE_ITEM: text, "a": "b"}, (KNOWN["tessera"],))
    assert set(provenance_of(both)) == {TOLD, KNOWN["tessera"]}
    assert (both["a"], json.loads(both[PROVENANCE_ITEM])["encoder"]) == ("b", "x")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"products": 3}', '{"products": [3]}', "null"])
def test_what_is_no_provenance_is_none(text):
    assert provenance_of({PROVENANCE_ITEM: text}) == ()
    assert set(provenance_of(added({PROVENANCE_ITEM: text}, (TOLD,)))) == {TOLD}


def test_a_product_is_named_once_with_all_its_sources():
    other = replace(TOLD, sources=("b.csv", "a.csv"))
    assert merged((TOLD,), (other, KNOWN["pdfm"])) == (replace(TOLD, sources=("a.csv", "b.csv")), KNOWN["pdfm"])
    assert in_words((TOLD,)) == "Photos of Leipzig: The people of Leipzig. Licence: ODbL."


DIGITS = "0123456789ab"


@pytest.mark.parametrize(("name", "product"), [
    ("alphaearth", "alphaearth"), ("alphaearth-" + DIGITS + "/64/f4/cosine/unit", "alphaearth"),
    ("AlphaEarth", "alphaearth"), ("tessera-v2-0123456789ab", "tessera"), ("clay-v0-0123456789ab/768/f4", "clay-v0"),
    ("clay-0123456789ab", None), ("undeclared:0123456789ab/64/f4/cosine/any", None), ("", None)])
def test_the_name_alone_tells_a_known_product(name, product):
    assert known_product(name) == KNOWN.get(product)


def test_a_field_and_the_results_of_a_pass_carry_it(tmp_path):
    dataset = create_field(str(tmp_path / "f.tif"), GRID, SPACE, FLOAT32, {"encoder": "x"})
    write(dataset, GRID.whole, [1, 2, 3], np.arange(24, dtype=np.float32).reshape(3, 2, 4), "f.tif")
    close(dataset, "f.tif")
    del dataset
    opened = open_field(str(tmp_path / "f.tif"))
    assert opened.space.provenance == (TOLD,)
    assert json.loads(opened.info.metadata[PROVENANCE_ITEM])["encoder"] == "x"
    layout = RasterLayout(np.dtype("f4"), float("nan"), ("sum",))
    run_pass(FieldPass((source_of(opened),), GRID, sums, {}, (
        RasterOutput(str(tmp_path / "s.tif"), layout, {PROVENANCE_ITEM: '{"input": "f.tif"}'}),), (4, 2), "Summing"),
        Silent())
    metadata = raster_info(str(tmp_path / "s.tif")).metadata
    assert provenance_of(metadata) == (TOLD,)
    assert json.loads(metadata[PROVENANCE_ITEM])["input"] == "f.tif"


def table(path, identity, registry=None):
    with TableWriter(path, "", ogr.wkbNone, [], identity, registry=registry) as writer:
        writer.write([None], {}, np.ones((1, 3), np.float32))
    return open_table(path, registry)


@pytest.mark.parametrize("name", ["a.gpkg", "b.gpkg|layername=t"])
def test_a_table_passes_it_on(tmp_path, name):
    first = table(tmp_path / "first.gpkg", SPACE)
    table(tmp_path / "b.gpkg", SPACE)
    second = table(f"{tmp_path}/{name}", first.identity())
    assert second.identity().provenance == (TOLD,)
    third = table(tmp_path / "third.gpkg", parse_key(second.space_key))
    assert third.identity().provenance == ()


def test_a_key_alone_leads_back_to_it(tmp_path):
    registry = Registry(tmp_path / "spaces")
    found = table(tmp_path / "a.gpkg", SPACE, registry)
    assert registry.find(SPACE.digest()).provenance == (replace(TOLD, sources=()),)
    other = replace(SPACE, provenance=(KNOWN["pdfm"],))
    registry.remember(other)
    assert set(registry.find(SPACE.digest()).provenance) == {replace(TOLD, sources=()), KNOWN["pdfm"]}
    assert found.space_key == SPACE.key()
    named = table(tmp_path / "b.gpkg", parse_key(Space("alphaearth", 3).key()))
    assert named.identity().provenance == (KNOWN["alphaearth"],)


def test_undeclared_spaces_share_no_licence(tmp_path):
    registry = Registry(tmp_path)
    registry.remember(replace(SPACE, declared=False))
    assert registry.find(replace(SPACE, declared=False).digest()).provenance == ()
