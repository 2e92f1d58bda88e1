"""The inspector in a real QGIS desktop: opened from the menu, clicked through, back after a reload of the plugin."""

from __future__ import annotations

import numpy as np
import pytest
from desktop import Account, carry_out, why_not
from small_fields import write_bands

pytestmark = [pytest.mark.desktop, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]
ROWS, COLUMNS, BANDS = 60, 80, 8
PAGES = ("point", "similarity", "compare", "scatter", "time", "examples")


def random_raster(path, bands):
    values = np.random.default_rng(3).normal(size=(bands, ROWS, COLUMNS)).astype(np.float32)
    return write_bands(path, values, (500_000, 10, 0, 5_600_000, 0, -10), 32632, float("nan"))


@pytest.fixture(scope="module")
def account(tmp_path_factory) -> Account:
    folder = tmp_path_factory.mktemp("inspector")
    field, grey = random_raster(folder / "field.tif", BANDS), random_raster(folder / "grey.tif", 1)
    clicks = {"clicks": [[0.5, 0.5], [0.6, 0.4, "shift"]], "moves": [[0.4, 0.4], [0.45, 0.4]], "wait_ms": 400,
              "pause_ms": 200}  # fmt: skip
    plan = [
        {"do": "look", "name": "start"},
        {"do": "load", "path": grey, "title": "grey"},
        {"do": "load", "path": field, "title": "field"},
        *({"do": "inspect", "name": page, "page": page, "layer": "field", **clicks} for page in PAGES),
        {"do": "inspect", "name": "no embeddings", "page": "point", "layer": "grey", **clicks},
        {"do": "look", "name": "open"},
        {"do": "unload"},
        {"do": "reload"},
        {"do": "inspect", "name": "again", "page": "compare", "layer": "field", **clicks},
    ]
    return carry_out(plan, folder / "session")


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_clicked_without_a_word_of_complaint(account, page):
    step = account.step(page)
    assert step["unexpected"] == [] and not step["modal"]
    assert step["line"]


def test_a_layer_without_embeddings_is_a_sentence(account):
    step = account.step("no embeddings")
    assert step["line"].startswith("“grey” has no embeddings but one band")
    assert step["unexpected"] == [] and not step["modal"]


def test_unload_takes_the_dock_and_reload_brings_it_back(account):
    start, opened, gone, back = (account.step(name) for name in ("start", "open", "unload", "reload"))
    assert [name for name in opened["docks"] if name not in start["docks"]] == ["EarthprintInspector"]
    assert gone["docks"] == start["docks"] and gone["unexpected"] == []
    assert back["docks"] == opened["docks"] and back["unexpected"] == []
    assert account.step("again")["unexpected"] == []


def test_the_desktop_ended_by_itself(account):
    assert account.code == 0, account.log
