"""The demo from end to end, on a small scene: everything it promises is there, opens, and shows what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Dict, List

import numpy as np
import pytest
from osgeo import gdal

from earthprint.engine.packages import state
from earthprint.resources.demo import steps
from earthprint.resources.demo.left_out import part_steps
from earthprint.resources.demo.movement import Movement, movements
from earthprint.resources.demo.page import Account, Shown, page
from earthprint.resources.demo.qgis_runs import DemoError, Outcome, QgisRuns, Step
from earthprint.resources.demo.scene import scene_files
from earthprint.resources.demo.side_by_side import run_steps

WITH_TORCH = state("torch").usable
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the small demo once, as ./dev does, into a folder that is moved afterwards."""
    pytest.importorskip("qgis.core")
    if not any(map(shutil.which, (os.environ.get("EARTHPRINT_QGIS_PROCESS", ""), "qgis_process.bin", "qgis_process"))):
        pytest.skip("qgis_process is not installed")
    first = tmp_path_factory.mktemp("demo") / "made here"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "build"), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-m", "earthprint.resources.demo.run_demo", str(first), "--small",
         "--documents", str(first / "documents")],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "empty profile to the first embedding raster" in done.stdout
    moved = first.with_name("moved there")
    first.rename(moved)
    return moved


def vectors_of(path: Path) -> np.ndarray:
    """Return a raster's decoded values, NaN where nodata, without the plugin's own reader."""
    dataset = gdal.Open(str(path))
    planes = []
    for index in range(1, dataset.RasterCount + 1):
        band = dataset.GetRasterBand(index)
        raw = band.ReadAsArray().astype(float)
        nodata = band.GetNoDataValue()
        missing = np.isnan(raw) if nodata is None or np.isnan(nodata) else raw == nodata
        values = raw * (band.GetScale() or 1) + (band.GetOffset() or 0)
        planes.append(np.where(missing, np.nan, values))
    return np.stack(planes)


def test_the_project_opens_wherever_its_folder_lies(demo: Path, qgis_app: object) -> None:
    from qgis.core import QgsProject

    project = QgsProject()
    assert project.read(str(demo / "earthprint_demo.qgz"))
    layers = project.mapLayers().values()
    assert len(layers) == 33 + 3 + WITH_TORCH
    assert [layer.name() for layer in layers if not layer.isValid()] == []
    assert {Path(layer.source().split("|")[0]).parent for layer in layers} == {demo}
    groups = [group.name() for group in project.layerTreeRoot().findGroups()]
    assert groups == ["What is known", "Predictions", "Answers", "Embedding tables", "Embedding rasters", "Scene"]
    spring, summer = (
        project.mapLayersByName(name)[0].renderer() for name in ("Embedding, May 2023", "Embedding, August 2025")
    )
    assert spring.redContrastEnhancement().minimumValue() == summer.redContrastEnhancement().minimumValue()


def test_both_dates_share_grid_and_space(demo: Path) -> None:
    one, other = gdal.Open(str(demo / steps.SPRING)), gdal.Open(str(demo / steps.SUMMER))
    assert one.GetGeoTransform() == other.GetGeoTransform()
    assert one.RasterCount == other.RasterCount >= 3
    assert one.GetMetadataItem("EARTHPRINT_SPACE") == other.GetMetadataItem("EARTHPRINT_SPACE") is not None


def test_cells_are_missing_where_clouds_are(demo: Path) -> None:
    scene = gdal.Open(str(demo / "scene_spring.tif"))
    embedding = gdal.Open(str(demo / steps.SPRING))
    cell = round(embedding.GetGeoTransform()[1] / scene.GetGeoTransform()[1])
    clear = scene.GetRasterBand(1).ReadAsArray() > 0
    rows, columns = clear.shape[0] // cell, clear.shape[1] // cell
    blocks = clear[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell)
    seen = np.isfinite(vectors_of(demo / steps.SPRING)).all(axis=0)[:rows, :columns]
    assert seen[blocks.all(axis=(1, 3))].all()
    assert (~clear).any() and (~seen).any()


def test_the_masked_embedding_is_coded_in_bytes_and_empty_outside_the_area(demo: Path) -> None:
    dataset = gdal.Open(str(demo / steps.TOWN))
    assert dataset.GetRasterBand(1).DataType == gdal.GDT_Byte
    assert dataset.GetGeoTransform()[1] == 20
    seen = np.isfinite(vectors_of(demo / steps.TOWN)[0])
    assert 0.05 < seen.mean() < 0.5
    assert not seen[:, 0].any() and not seen[-1].any()


def test_ground_that_did_not_change_moves_less_than_ground_that_did(demo: Path) -> None:
    files = scene_files(demo)
    by_name = {
        movement.what: movement
        for movement in movements(demo / steps.SPRING, demo / steps.SUMMER, files.land_cover, files.true_changes)
    }
    assert by_name["clearing"].median > 2 * by_name["broadleaf forest"].median
    assert by_name["clearing"].median > 2 * by_name["conifer forest"].median


def test_movement_is_the_cosine_distance_at_the_points(demo: Path) -> None:
    from osgeo import ogr

    files = scene_files(demo)
    one, other = vectors_of(demo / steps.SPRING), vectors_of(demo / steps.SUMMER)
    left, width, _, top, _, height = gdal.Open(str(demo / steps.SPRING)).GetGeoTransform()
    expected: Dict[str, List[float]] = {}
    source = ogr.Open(str(files.land_cover))
    for feature in source.GetLayer(0):
        x, y = feature.GetGeometryRef().GetPoint_2D()
        a = one[:, int((y - top) / height), int((x - left) / width)]
        b = other[:, int((y - top) / height), int((x - left) / width)]
        expected.setdefault(feature["land_cover"], []).append(1 - a @ b / np.sqrt((a @ a) * (b @ b)))
    found = movements(demo / steps.SPRING, demo / steps.SUMMER, files.land_cover, files.true_changes)
    for movement in found:
        if not movement.changed:
            assert movement.median == pytest.approx(np.nanmedian(expected[movement.what]), abs=1e-4)


def rows_of(path: Path) -> List[dict]:
    """Return the rows of a table, vectors as arrays."""
    from osgeo import ogr

    source = ogr.Open(str(path))
    layer = source.GetLayer(0)
    found = []
    for feature in layer:
        row = {name: feature[name] for name in ("embedding_space", "land_cover") if feature.GetFieldIndex(name) >= 0}
        row["vector"] = np.frombuffer(feature.GetFieldAsBinary("embedding"), "<f4")
        middle = feature.GetGeometryRef().Centroid()
        row["place"] = middle.GetX(), middle.GetY()
        found.append(row)
    return found


def test_tables_are_in_the_space_of_the_rasters(demo: Path) -> None:
    key = gdal.Open(str(demo / steps.SPRING)).GetMetadataItem("EARTHPRINT_KEY")
    points = rows_of(demo / steps.POINTS)
    assert {row["embedding_space"] for row in points} == {key}
    assert {row["embedding_space"] for row in rows_of(demo / steps.IMPORTED)} != {key}
    identity = key.split("/")[0]
    assert {row["embedding_space"].split("/")[0] for row in rows_of(demo / steps.PATCHES)} == {identity}


def test_points_carry_their_labels_and_the_vector_of_their_cell(demo: Path) -> None:
    vectors = vectors_of(demo / steps.SPRING)
    left, width, _, top, _, height = gdal.Open(str(demo / steps.SPRING)).GetGeoTransform()
    points = rows_of(demo / steps.POINTS)
    assert len(points) > 100
    assert len({row["land_cover"] for row in points}) == 7
    for row in points:
        x, y = row["place"]
        assert np.allclose(row["vector"], vectors[:, int((y - top) / height), int((x - left) / width)], rtol=1e-6)


def test_patches_lie_side_by_side_where_half_can_be_seen(demo: Path) -> None:
    scene = gdal.Open(str(demo / "scene_spring.tif"))
    clear = scene.GetRasterBand(1).ReadAsArray() > 0
    share = clear.reshape(8, 32, 8, 32).mean(axis=(1, 3))
    left, pixel, _, top, _, _ = scene.GetGeoTransform()
    places = {row["place"] for row in rows_of(demo / steps.PATCHES)}
    expected = {
        (left + (column + 0.5) * 32 * pixel, top - (row + 0.5) * 32 * pixel)
        for row, column in np.argwhere(share >= 0.5)
    }
    assert places == expected


def features_of(path: Path) -> List[dict]:
    """Return the attributes of any layer, with the place of each row's geometry."""
    from osgeo import ogr

    source = ogr.Open(str(path))
    layer = source.GetLayer(0)
    found = []
    for feature in layer:
        row = {field.name: feature[field.name] for field in layer.schema if field.type != ogr.OFTBinary}
        row["fid"] = feature.GetFID()
        if feature.GetGeometryRef() is not None:
            middle = feature.GetGeometryRef().Centroid()
            row["place"] = middle.GetX(), middle.GetY()
        found.append(row)
    return found


def test_alike_photos_show_the_same_land_cover(demo: Path) -> None:
    from osgeo import osr

    degrees, plane = osr.SpatialReference(), osr.SpatialReference()
    degrees.ImportFromEPSG(4326)
    plane.ImportFromEPSG(32632)
    degrees.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    to_plane = osr.CoordinateTransformation(degrees, plane)
    labels = features_of(scene_files(demo).land_cover)
    spots = np.array([row["place"] for row in labels])
    seen = {}
    for row in features_of(demo / steps.PHOTOS):
        apart = np.hypot(*(spots - to_plane.TransformPoint(*row["place"])[:2]).T)
        # A photo was taken straight above a labelled point; EXIF keeps that place to a hand's breadth.
        assert apart.min() < 0.1
        seen[row["fid"]] = labels[int(apart.argmin())]["land_cover"]
    assert len(seen) >= 30
    pairs = [row for row in features_of(demo / "photo_pairs.gpkg") if row["rank"] == 1]
    same = np.mean([seen[row["source_id"]] == seen[row["target_id"]] for row in pairs])
    classes = list(seen.values())
    by_chance = np.mean([[one == other for one in classes] for other in classes])
    assert same > 2 * by_chance


def test_hexagons_are_in_the_groups_of_their_cells(demo: Path) -> None:
    clusters = gdal.Open(str(demo / steps.CLUSTERS))
    classes = clusters.ReadAsArray()
    left, width, _, top, _, height = clusters.GetGeoTransform()
    from osgeo import osr

    degrees, plane = osr.SpatialReference(), osr.SpatialReference()
    degrees.ImportFromEPSG(4326)
    plane.ImportFromEPSG(32632)
    degrees.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    to_plane = osr.CoordinateTransformation(degrees, plane)
    agree = []
    for row in features_of(demo / steps.HEXAGON_CLUSTERS):
        x, y, _ = to_plane.TransformPoint(*row["place"])
        column, line = int((x - left) / width), int((y - top) / height)
        if 2 < column < classes.shape[1] - 3 and 2 < line < classes.shape[0] - 3:
            around = classes[line - 2:line + 3, column - 2:column + 3].ravel()
            if (around > 0).all():
                agree.append(row["cluster"] in around)
    assert len(agree) > 20 and np.mean(agree) > 0.75


def test_colours_of_locations_follow_the_place(demo: Path) -> None:
    rows = features_of(demo / steps.LOCATION_COLOURS)
    places = np.array([row["place"] for row in rows])
    colours = np.array([[int(row["colour"][at:at + 2], 16) for at in (1, 3, 5)] for row in rows], float)
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    unlike = np.abs(colours[:, None] - colours[None]).sum(axis=2)
    near, far = (apart > 0) & (apart < 200), apart > 1500
    assert unlike[near].mean() < 0.3 * unlike[far].mean()


def labels_and_cells(demo: Path, raster: str) -> List[tuple]:
    """Return the class of each label, what the raster names its cell, and whether the predictor applies there."""
    source = gdal.Open(str(demo / raster))
    left, width, _, top, _, height = source.GetGeoTransform()
    named, applies = source.GetRasterBand(1).ReadAsArray(), source.GetRasterBand(2).ReadAsArray()
    names = source.GetRasterBand(1).GetCategoryNames()
    found = []
    for row in features_of(scene_files(demo).land_cover):
        line, column = int((row["place"][1] - top) / height), int((row["place"][0] - left) / width)
        if np.isfinite(named[line, column]):
            found.append((row["land_cover"], names[int(named[line, column])], applies[line, column]))
    return found


def test_land_cover_is_mapped_and_doubted_where_the_season_makes_it_unknown(demo: Path) -> None:
    spring, summer = (labels_and_cells(demo, name) for name in (steps.COVER, steps.COVER_SUMMER))
    assert np.mean([label == named for label, named, _ in spring]) > 0.95
    doubted = {kind: np.mean([applies == 0 for label, _, applies in summer if label == kind])
               for kind in ("cropland", "conifer forest", "water")}
    assert doubted["cropland"] > 2 * max(doubted["conifer forest"], doubted["water"])
    known = [label == named for label, named, applies in summer if applies == 1]
    doubtful = [label == named for label, named, applies in summer if applies == 0]
    assert np.mean(known) > np.mean(doubtful)


def test_heights_lie_in_their_interval_and_follow_the_plots(demo: Path) -> None:
    source = gdal.Open(str(demo / steps.HEIGHT))
    names = [source.GetRasterBand(band + 1).GetDescription() for band in range(source.RasterCount)]
    assert names == ["predicted", "lower", "upper", "applicable", "dissimilarity"]
    predicted, lower, upper = source.ReadAsArray()[:3]
    seen = np.isfinite(predicted)
    assert (lower[seen] <= predicted[seen]).all() and (predicted[seen] <= upper[seen]).all()
    left, width, _, top, _, height = source.GetGeoTransform()
    told, true = [], []
    for row in features_of(scene_files(demo).plots):
        line, column = int((row["place"][1] - top) / height), int((row["place"][0] - left) / width)
        if seen[line, column]:
            told.append((predicted[line, column], lower[line, column], upper[line, column]))
            true.append(row["height"])
    told, true = np.array(told), np.array(true)
    assert np.corrcoef(told[:, 0], true)[0, 1] > 0.8
    assert np.mean((told[:, 1] <= true) & (true <= told[:, 2])) > 0.85
    hexagons = features_of(demo / steps.HEXAGON_HEIGHTS)
    assert abs(np.mean([row["predicted"] for row in hexagons]) - predicted[seen].mean()) < 1.5


class _Links(HTMLParser):
    """Collects what a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: List[str] = []

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.found += [value for name, value in attributes if name in ("src", "href")]


def test_the_page_shows_pictures_that_are_there_and_every_command(demo: Path) -> None:
    text = (demo / "index.html").read_text(encoding="utf-8")
    links = _Links()
    links.feed(text)
    assert len(set(links.found)) == 24 + 6 + 2 * WITH_TORCH, "pictures and reports"
    assert all((demo / link).is_file() for link in links.found)
    assert "http" not in text
    plain = unescape(text)
    for step in steps.STEPS:
        assert step.command in plain or not WITH_TORCH and step.title in plain


def test_pictures_show_something(demo: Path) -> None:
    for picture in (demo / "pictures").glob("*.png"):
        pixels = gdal.Open(str(picture)).ReadAsArray()[:3]
        assert pixels.shape[2] == 1000
        colours = np.unique(pixels.reshape(3, -1).T[::17] // 8, axis=0)
        # A map of classes has their colours and the paper's; any other picture has many.
        assert len(colours) > (4 if picture.name.startswith(("clusters", "cover")) else 30), picture.name


def test_pictures_for_documents_are_small_and_show_the_same(demo: Path) -> None:
    for picture in (demo / "pictures").glob("*.png"):
        reduced = demo / "documents" / picture.name
        assert reduced.stat().st_size < 400_000
        source = gdal.Open(str(reduced))
        table = source.GetRasterBand(1).GetColorTable()
        palette = np.array([table.GetColorEntry(index)[:3] for index in range(table.GetCount())])
        small = palette[source.ReadAsArray()]
        assert small.shape[1] == 640
        large = np.moveaxis(gdal.Open(str(picture)).ReadAsArray()[:3], 0, -1)
        assert np.allclose(small.mean(axis=(0, 1)), large.mean(axis=(0, 1)), atol=4)


def test_steps_run_again_over_their_outputs_and_give_the_same(demo: Path, tmp_path: Path) -> None:
    before = vectors_of(demo / steps.SPRING)
    runs = QgisRuns(demo, tmp_path)
    for step in steps.STEPS[:2]:
        assert runs.run(step).seconds > 0
    assert np.array_equal(vectors_of(demo / steps.SPRING), before, equal_nan=True)


# ---- without QGIS


def made(title: str, **parameters: str) -> Step:
    return Step(title, "", "native:x", tuple(parameters.items()))


def test_steps_wait_for_what_they_read_and_for_nothing_else() -> None:
    encoder = made("encoder", INPUT="scene.tif", OUTPUT="encoder.onnx")
    card = made("card", ENCODER="encoder.json", OUTPUT="a.gpkg")
    part = made("part", INPUT="a.gpkg|subset=x > 1", OUTPUT="b.gpkg")
    other = made("other", INPUT="scene.tif", OUTPUT="c.gpkg")
    assert card.needs(encoder) and part.needs(card)
    assert not other.needs(encoder) and not part.needs(encoder) and not encoder.needs(other)
    running, order = [], []

    def run(step: Step) -> Outcome:
        running.append(step.title)
        assert len(running) <= 2
        assert all(earlier in order for earlier in {"card": ["encoder"], "part": ["card"]}.get(step.title, []))
        order.append(step.title)
        running.remove(step.title)
        return Outcome(step, {}, (), 0.0)

    told: List[str] = []
    outcomes = run_steps((encoder, card, part, other), run, lambda outcome: told.append(outcome.step.title))
    assert [one.step.title for one in outcomes] == ["encoder", "card", "part", "other"]
    assert sorted(told) == sorted(order) and order.index("other") < 3


def test_steps_without_their_package_are_left_out_with_all_that_needs_them() -> None:
    train = Step("train", "", "native:x", (("INPUT", "a.gpkg"), ("OUTPUT", "e.onnx")), package="torch")
    embed = made("embed", ENCODER="e.onnx", OUTPUT="b.gpkg")
    draw, other = made("draw", INPUT="b.gpkg", OUTPUT="c.gpkg"), made("other", INPUT="a.gpkg", OUTPUT="d.gpkg")
    taken, missing = part_steps((train, embed, draw, other), lambda package: f"{package} is not installed.")
    assert taken == [other] and [one.step for one in missing] == [train, embed, draw]
    assert "torch is not installed" in missing[0].reason and "“train”" in missing[1].reason
    assert part_steps((train, embed), lambda package: "") == ([train, embed], [])
    told = page(account(left_out=[("train", "it <needs> torch")]))
    assert "<h3>train</h3><p>Left out: it &lt;needs&gt; torch.</p>" in told


def test_the_search_for_houses_beats_chance(demo: Path) -> None:
    rows = [row for row in features_of(demo / steps.HOUSES_CURVES) if row["query"] == "embeddings"]
    tenth = max(row["recall"] for row in rows if row["area_share"] <= 0.1 + 1e-9)
    assert tenth > 0.3 and rows[-1]["recall"] == max(row["recall"] for row in rows)


def test_a_failure_among_steps_ends_them_all() -> None:
    def run(step: Step) -> Outcome:
        raise DemoError(f"{step.title} failed")

    with pytest.raises(DemoError, match="first failed"):
        run_steps((made("first", OUTPUT="a.tif"), made("second", INPUT="a.tif")), run, lambda outcome: None)


def test_the_page_tells_what_predictors_score() -> None:
    trained = Step("Learn", "", "earthprint:trainregression", (("REPORT", "why.html"), ("OUTPUT", "a.onnx")))
    figures = {"SCORE": 0.514, "SCORE_RANDOM": None, "SCORE_COORDINATES": 0.25, "WARNINGS": ""}
    text = page(account(outcomes=[Outcome(trained, figures, (), 1.0)]))
    assert ('<td><a href="why.html">Learn</a></td><td>R²</td><td class="number">0.51</td>'
            '<td class="number">–</td><td class="number">0.25</td>') in text
    assert "SCORE 0.514, SCORE_COORDINATES 0.25<" in text
    assert "How far to trust" not in page(account())


def outcome(results: dict) -> Outcome:
    step = Step("A <step>", "Why & what.", "native:x", (("INPUT", "a b.tif"), ("OUTPUT", "c.tif")))
    return Outcome(step, results, ("mind < this",), 1.25)


def account(**changes: object) -> Account:
    values = {
        "version": "1.2.3",
        "pixels": (40, 30),
        "scene_seconds": 3.0,
        "first_raster_seconds": 9.87,
        "outcomes": [outcome({"CELLS": 7})],
        "pictures": [Shown("pictures/a.png", "A", "b")],
        "movements": [Movement("crops", False, 12, 0.25, (0.125, 0.5))],
        "project": "p.qgz",
    }
    return Account(**{**values, **changes})


def test_the_page_escapes_and_tells_figures() -> None:
    text = page(account())
    assert "A &lt;step&gt;" in text and "Why &amp; what." in text and "mind &lt; this" in text
    assert "9.9 seconds" in text and "40 × 30" in text
    assert re.search(r">12<.*>0\.250<.*>0\.125 – 0\.500<", text)
    assert "1.2 s; CELLS 7" in text or "1.3 s; CELLS 7" in text


def test_a_command_can_be_pasted_into_a_shell() -> None:
    assert outcome({}).step.command == "qgis_process run native:x 'INPUT=a b.tif' OUTPUT=c.tif"


def test_a_step_that_fails_stops_the_demo_in_words(tmp_path: Path) -> None:
    broken = tmp_path / "qgis_process"
    broken.write_text("#!/bin/sh\necho 'the disk is full' >&2\nexit 1\n")
    broken.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "earthprint.resources.demo.run_demo", str(tmp_path / "out"), "--small"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "build"), os.environ.get("PYTHONPATH", "")]),
             "EARTHPRINT_QGIS_PROCESS": str(broken)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Make an encoder" in done.stderr and "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "index.html").exists()
