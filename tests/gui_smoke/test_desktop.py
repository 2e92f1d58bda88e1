"""The plugin in a real QGIS desktop: its dialog run by a click, a bad input in words, the map, unload and reload."""

from __future__ import annotations

from pathlib import Path

import pytest
from desktop import Account, carry_out, why_not
from small_scene import BANDS, COLUMNS, ROWS, write_scene

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURES = ROOT / "build" / "screenshots"
CELL, DIMENSIONS = 8, 6

pytestmark = [pytest.mark.desktop, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]


@pytest.fixture(scope="module")
def account(tmp_path_factory) -> Account:
    folder = tmp_path_factory.mktemp("desktop")
    scene = write_scene(folder / "scene.tif")
    embed = {"algorithm": "earthprint:embedraster", "do": "run"}
    plan = [
        {"do": "look", "name": "start"},
        {"do": "load", "path": str(scene), "title": "Scene"},
        {
            **embed,
            "name": "embed",
            "parameters": {"INPUT": str(scene), "CELL": CELL, "DIMENSIONS": DIMENSIONS},
            "picture": str(PICTURES / "embedraster.png"),
            "picture_after": str(PICTURES / "embedraster-log.png"),
        },
        {"do": "map", "layer": "Embedding raster", "picture": str(PICTURES / "embedraster-map.png")},
        {
            **embed,
            "name": "unknown encoder",
            "parameters": {"INPUT": str(scene), "ENCODER": "no-such-encoder"},
            "picture_after": str(PICTURES / "embedraster-error.png"),
        },
        {"do": "action", "text": "Packages…", "picture": str(PICTURES / "packages.png")},
        {"do": "set_up", "picture": str(PICTURES / "set-up.png")},
        {"do": "unload"},
        {"do": "reload"},
        {
            **embed,
            "name": "embed again",
            "parameters": {"INPUT": str(scene), "CELL": CELL, "DIMENSIONS": DIMENSIONS},
        },
    ]
    return carry_out(plan, folder / "session")


def test_the_plugin_loads_without_a_word(account):
    start = account.step("start")
    assert start["unexpected"] == []
    assert (start["loaded"], start["active"], start["providers"]) == (True, True, 1)
    assert "earthprint:embedraster" in start["algorithms"]
    assert "Earthprint" in start["actions"]


def check_field(step) -> None:
    assert step["ended"], step["text"]
    assert step["unexpected"] == []
    assert "Traceback" not in step["text"]
    (layer,) = step["layers"]
    assert layer["valid"]
    assert (layer["width"], layer["height"], layer["bands"]) == (COLUMNS // CELL, ROWS // CELL, DIMENSIONS)
    assert BANDS != DIMENSIONS
    assert layer["renderer"] == "multibandcolor"


def test_a_click_on_run_embeds_the_raster_and_loads_the_result(account):
    step = account.step("embed")
    # 3.40 puts the group before it.
    assert step["title"].endswith("Embed Raster")
    check_field(step)


def test_the_result_draws_on_the_map(account):
    assert account.step("map")["colours"] > 20


def test_a_bad_input_is_answered_in_words(account):
    step = account.step("unknown encoder")
    said = step["text"] + "\n".join(step["unexpected"])
    assert "no-such-encoder" in said
    assert "Traceback" not in said
    assert step["layers"] == []


def test_the_packages_page_opens_from_the_menu(account):
    step = account.step("action")
    assert step["title"] == "Earthprint: encoders and set-up"
    assert step["unexpected"] == []


def test_the_set_up_leads_to_a_first_result(account):
    step = account.step("set_up")
    assert step["unexpected"] == []
    assert step["raster"] and step["embed"].endswith("Embed Raster") and not step["modal"]
    # 3.40 shows layers in another widget.
    assert any(text.startswith("Embedding raster") for text in step["input"]) or not step["input"]
    assert "Alike places have alike colours" in step["words"] and len(step["kept"]) == 1
    assert step["make"].endswith("Make an Encoder From a Raster") and step["add"].endswith("Add an Encoder")


def test_unload_leaves_nothing_behind(account):
    before, after = account.step("start"), account.step("unload")
    assert after["done"]
    assert after["unexpected"] == []
    assert (after["loaded"], after["active"], after["providers"], after["algorithms"]) == (False, False, 0, [])
    assert after["docks"] == [name for name in before["docks"] if "arthprint" not in name]
    assert after["bars"] == [name for name in before["bars"] if "arthprint" not in name]
    assert after["actions"] == [name for name in before["actions"] if name != "Earthprint"]


def test_reload_brings_all_of_it_back_once(account):
    before, after = account.step("start"), account.step("reload")
    assert after["done"]
    for key in ("unexpected", "loaded", "active", "providers", "algorithms", "docks", "bars", "actions"):
        assert after[key] == before[key], key


def test_it_works_after_reload(account):
    check_field(account.step("embed again"))


def test_the_desktop_ended_by_itself(account):
    assert account.code == 0, account.log


def test_pictures_show_something(account):
    from osgeo import gdal

    for name in ("embedraster", "embedraster-log", "embedraster-map"):
        pixels = gdal.Open(str(PICTURES / f"{name}.png")).ReadAsArray()
        assert pixels.shape[1] > 500
        assert pixels[:3].std() > 10
