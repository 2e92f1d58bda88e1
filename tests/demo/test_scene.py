"""The demo's scene: the same at every run, readable, and neither trivial nor hopeless to map."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, ogr, osr

from earthprint.engine.photos.exif import read_facts
from earthprint.resources.demo.imaging import BANDS
from earthprint.resources.demo.labels import change_mask, pick_points
from earthprint.resources.demo.photos import Shot, plan_flight, write_photos
from earthprint.resources.demo.scene import PLACE, Scene, make_scene, write_scene

SIZE = (360, 300)


@pytest.fixture(scope="module")
def scene() -> Scene:
    """One scene for all tests of this page."""
    return make_scene(*SIZE)


def digest(scene: Scene) -> str:
    """Return a digest of all that is measured and labelled."""
    total = hashlib.sha256()
    for array in (scene.spring, scene.summer, scene.land.before, scene.land.after):
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def labelled(scene: Scene):
    """Return spectra and class numbers of the labelled points."""
    points = pick_points(scene.land, scene.clear, 7)
    spectra = np.concatenate([scene.spring[:, p[:, 0], p[:, 1]].T for p in points.values()]).astype(float)
    classes = np.repeat(np.arange(len(points)), [len(p) for p in points.values()])
    return spectra, classes, points


def test_same_seed_gives_the_same_scene_and_another_seed_another(scene: Scene) -> None:
    """The digest of every array is repeated by a second run, and not by another seed."""
    assert digest(make_scene(*SIZE)) == digest(scene)
    assert digest(make_scene(*SIZE, seed=8)) != digest(scene)


def test_every_class_has_points_that_are_clear_and_unchanged(scene: Scene) -> None:
    """Seven classes are labelled, on pixels that no cloud hides and nothing changes."""
    points = pick_points(scene.land, scene.clear, 7)
    changed = np.any([change_mask(cells) for cells in scene.land.changes.values()], axis=0)
    assert len(points) == 7
    for places in points.values():
        assert len(places) >= 20
        assert scene.clear[places[:, 0], places[:, 1]].all()
        assert not changed[places[:, 0], places[:, 1]].any()


def test_classes_are_separable_but_not_trivially(scene: Scene) -> None:
    """Single pixels tell the classes far better than chance, and not all of them."""
    spectra, classes, _ = labelled(scene)
    scaled = (spectra - spectra.mean(0)) / spectra.std(0)
    even = np.arange(len(classes)) % 2 == 0
    middles = np.stack([scaled[even & (classes == k)].mean(0) for k in range(7)])
    guess = ((scaled[~even, None] - middles) ** 2).sum(-1).argmin(1)
    recall = np.mean([(guess[classes[~even] == k] == k).mean() for k in range(7)])
    assert 0.55 < recall < 0.97


def test_spectra_follow_what_grows(scene: Scene) -> None:
    """Woods and meadows have a red edge, water has none, and conifers are darker than broadleaf trees in infrared."""
    _, _, points = labelled(scene)
    mean = {name: scene.spring[:, p[:, 0], p[:, 1]].mean(1) for name, p in points.items()}
    red, nir = 2, 4
    vegetation = {name: (v[nir] - v[red]) / (v[nir] + v[red]) for name, v in mean.items()}
    assert vegetation["broadleaf forest"] > 0.7 and vegetation["meadow"] > 0.6
    assert vegetation["water"] < 0
    assert 0 < vegetation["quarry"] < vegetation["built-up"] < vegetation["meadow"]
    assert mean["conifer forest"][nir] < 0.75 * mean["broadleaf forest"][nir]


def test_changes_are_real_and_crops_change_more_than_woods_without_being_changes(scene: Scene) -> None:
    """Felled woods lose their infrared; fields change as much by season alone, and count as unchanged."""
    nir = 4
    difference = scene.summer[nir].astype(float) - scene.spring[nir]
    felled = change_mask(scene.land.changes["clearing"]) & scene.clear
    assert felled.sum() > 50
    assert np.median(difference[felled]) < -800
    _, _, points = labelled(scene)
    of = {name: np.abs(difference[p[:, 0], p[:, 1]]).mean() for name, p in points.items()}
    assert of["cropland"] > 3 * of["conifer forest"]


def test_clouds_hide_other_places_at_each_date(scene: Scene) -> None:
    """Holes are nodata in all bands, a small share of the picture, and elsewhere at the other date."""
    for picture in (scene.spring, scene.summer):
        holes = picture == 0
        assert (holes.all(axis=0) == holes.any(axis=0)).all()
        assert 0.002 < holes[0].mean() < 0.10
    assert not ((scene.spring[0] == 0) & (scene.summer[0] == 0)).all()
    assert ((scene.spring[0] == 0) != (scene.summer[0] == 0)).sum() > 0.9 * (scene.spring[0] == 0).sum()


def test_files_say_what_they_hold(scene: Scene, tmp_path: Path) -> None:
    """Bands carry names, wavelengths and nodata; the georeference is the stated one; the tables hold what was drawn."""
    files = write_scene(scene, tmp_path)
    raster = gdal.Open(str(files.spring))
    assert (raster.RasterXSize, raster.RasterYSize) == SIZE
    assert raster.GetGeoTransform() == PLACE.geotransform
    assert raster.GetSpatialRef().GetAuthorityCode(None) == "32632"
    for index, facts in enumerate(BANDS):
        band = raster.GetRasterBand(index + 1)
        assert band.GetDescription() == facts.name
        assert float(band.GetMetadataItem("wavelength")) == pytest.approx(facts.wavelength)
        assert band.GetNoDataValue() == 0
    assert np.array_equal(raster.ReadAsArray(), scene.spring)

    changes = ogr.Open(str(files.true_changes))
    layer = changes.GetLayer(0)
    assert {f["kind"] for f in layer} >= {"clearing", "quarry extension"}
    layer.ResetReading()
    for feature in layer:
        assert feature["hectares"] == pytest.approx(feature.GetGeometryRef().GetArea() / 1e4, abs=0.01)
    points = ogr.Open(str(files.land_cover))
    red = scene.spring[2]
    for feature in points.GetLayer(0):
        x, y = feature.GetGeometryRef().GetPoint_2D()
        column, row = (x - PLACE.left) / PLACE.pixel, (PLACE.top - y) / PLACE.pixel
        assert (column % 1, row % 1) == (0.5, 0.5)
        assert red[int(row), int(column)] > 0


def test_written_twice_gives_the_same_pixels(scene: Scene, tmp_path: Path) -> None:
    """Writing over an older scene leaves the new one, whole."""
    write_scene(scene, tmp_path)
    files = write_scene(scene, tmp_path)
    assert np.array_equal(gdal.Open(str(files.summer)).ReadAsArray(), scene.summer)
    area = ogr.Open(str(files.area_of_interest))
    assert area.GetLayer(0).GetFeatureCount() == 1


def test_photos_tell_where_when_and_facing_where_they_were_taken(scene: Scene, tmp_path: Path) -> None:
    """The plugin's own reader finds in each photo what the flight was planned to be."""
    shots = plan_flight(scene.land, pick_points(scene.land, scene.clear, 7), 7)
    write_scene(scene, tmp_path)
    photos = sorted((tmp_path / "photos").glob("*.jpg"))
    assert len(photos) == len(shots) >= 40
    to_plane = osr.CoordinateTransformation(lonlat(), PLACE.system())
    for path, shot in zip(photos, shots):
        with open(path, "rb") as file:
            facts = read_facts(file)
        x, y, _ = to_plane.TransformPoint(facts.longitude, facts.latitude)
        assert np.hypot(x - PLACE.left - shot.east, y - PLACE.top + shot.south) < 0.02
        assert facts.heading == shot.heading and facts.heading_of == "view"
        assert facts.taken == shot.time.isoformat()


def lonlat() -> osr.SpatialReference:
    """Return longitude and latitude, in that order."""
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(4326)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


def test_photos_show_the_ground_turned_by_the_heading(scene: Scene, tmp_path: Path) -> None:
    """Facing north the picture's top is north; facing east it is east, and the same ground lies across it."""
    middle = Shot(1800.0, 1500.0, 0.0, datetime(2023, 5, 23))
    north, east = (photo(scene, tmp_path, replace(middle, heading=turn)) for turn in (0.0, 90.0))
    # Around the centre, what lies north of it lies left of it when east is up.
    likeness = [np.corrcoef(north[:, 30:150, 60:180].ravel(),
                            np.rot90(east[:, 30:150, 60:180], turns, axes=(1, 2)).ravel())[0, 1]
                for turns in (-1, 0, 1, 2)]
    assert likeness[0] > 0.9 and max(likeness[1:]) < 0.8
    seen = scene.spring[[2, 1, 0]][:, 141:159, 168:192].astype(float)
    small = north.reshape(3, 18, 10, 24, 10).mean(axis=(2, 4))
    assert np.corrcoef(seen.ravel(), small.ravel())[0, 1] > 0.8


def photo(scene: Scene, folder: Path, shot: Shot) -> np.ndarray:
    """Return the pixels of one photo."""
    write_photos(folder / "one", scene.land, [shot], PLACE, 7)
    return gdal.Open(str(folder / "one" / "photo_01.jpg")).ReadAsArray().astype(float)
