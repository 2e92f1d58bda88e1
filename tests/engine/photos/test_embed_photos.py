"""Embedded photos: vectors of an encoder of known numbers, places and times, and all that may be wrong with one."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from made_photos import broken_photos, exif_block, picture, position, scene

from earthprint.engine.card import CHIP
from earthprint.engine.card_json import read_card
from earthprint.engine.embedding.making import MakeEncoderRequest
from earthprint.engine.encoders.library import EncoderFolders
from earthprint.engine.errors import Cancelled, EarthprintError
from earthprint.engine.photos.finding import FolderPhotos, LayerPhotos, plain_path
from earthprint.engine.photos.making import make_photo_encoder
from earthprint.engine.photos.pixels import read_photo
from earthprint.engine.photos.request import PhotoRequest
from earthprint.engine.photos.run import embed_photos
from earthprint.engine.photos.tiles import brightness, colour_order, one_vector, side_for
from earthprint.engine.progress import Silent
from earthprint.engine.table import open_rows, open_table


class Listening(Silent):
    """Keeps warnings."""

    def __init__(self) -> None:
        self.warnings: List[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def rows_of(path: Path) -> "tuple[np.ndarray, List[Any], Dict[str, List[Any]]]":
    chunks = list(open_table(str(path)).chunks())
    columns = {name: [value for chunk in chunks for value in chunk.columns[name]] for name in chunks[0].columns}
    places = [None if wkb is None else struct.unpack("<BIdd", wkb)[2:] for chunk in chunks for wkb in chunk.wkb]
    return np.concatenate([chunk.vectors for chunk in chunks]), places, columns


def photo(path: Path, place: Any = None, seed: int = 0, orientation: int = 1) -> Path:
    path.parent.mkdir(exist_ok=True)
    return picture(path, scene(seed=seed), block=exif_block(
        [(0x0112, 3, orientation)], [(0x9003, 2, "2022:05:06 07:08:09")], position(*place) if place else ()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with photos here and in a folder within, two of them without a position."""
    root = tmp_path / "photos"
    photo(root / "a.jpg", (8.5, 47.25), 1)
    photo(root / "b.JPG", (-70.5, -33.5), 2, 6)
    photo(root / "trip" / "c.jpg", (10.0, 50.0), 3)
    photo(root / "trip" / "lost.jpg", None, 4)
    photo(root / "lost.jpg", None, 5)
    (root / "notes.txt").write_text("no photo")
    photo(root / ".hidden" / "d.jpg", (1.0, 1.0), 6)
    return root


def request(photos: Any, output: Path, **changes: Any) -> PhotoRequest:
    return PhotoRequest(photos, str(output), EncoderFolders(user=output.parent), size=64, **changes)


def test_a_folder_becomes_points_with_time_and_thumbnail(folder: Path, tmp_path: Path) -> None:
    told = Listening()
    result = embed_photos(request(FolderPhotos(str(folder)), tmp_path / "out.gpkg"), told)
    vectors, places, columns = rows_of(tmp_path / "out.gpkg")
    assert result.rows == 3 and not result.failed and len(result.unplaced) == 2
    assert places == [(8.5, 47.25), (-70.5, -33.5), (10.0, 50.0)]
    assert [Path(path).name for path in columns["path"]] == ["a.jpg", "b.JPG", "c.jpg"]
    assert all(moment.startswith("2022-05-06T07:08:09") for moment in columns["time"])
    assert columns["width"] == [200, 120, 200] and all(blob[:2] == b"\xff\xd8" for blob in columns["thumbnail"])
    assert any("2 photos say nothing of their position and are left out: lost.jpg" in text for text in told.warnings)
    assert np.isfinite(vectors).all() and len(np.unique(vectors.round(4), axis=0)) == 3
    kept = rows_of_kept(folder, tmp_path)
    assert kept == [(8.5, 47.25), (-70.5, -33.5), None, (10.0, 50.0), None]
    flat = embed_photos(request(FolderPhotos(str(folder), recursive=False), tmp_path / "flat.gpkg"), Silent())
    assert flat.rows == 2


def rows_of_kept(folder: Path, tmp_path: Path) -> "List[Any]":
    embed_photos(request(FolderPhotos(str(folder)), tmp_path / "kept.gpkg", keep_unplaced=True), Silent())
    return rows_of(tmp_path / "kept.gpkg")[1]


def test_the_automatic_encoder_embeds_further_photos_in_the_same_space(folder: Path, tmp_path: Path) -> None:
    first = embed_photos(request(FolderPhotos(str(folder)), tmp_path / "first.gpkg"), Silent())
    assert first.encoder_card == str(tmp_path / "first.photos.encoder.json")
    second = embed_photos(request(FolderPhotos(str(folder / "trip")), tmp_path / "second.gpkg",
                                  encoder=first.encoder_card), Silent())
    assert first.space.key() == second.space.key()
    assert open_table(str(tmp_path / "second.gpkg")).space_key == first.space.key()
    np.testing.assert_allclose(rows_of(tmp_path / "second.gpkg")[0], rows_of(tmp_path / "first.gpkg")[0][2:],
                               atol=1e-5)
    again = embed_photos(request(FolderPhotos(str(folder)), tmp_path / "again.gpkg"), Silent())
    assert again.space.key() == first.space.key()
    assert np.array_equal(rows_of(tmp_path / "again.gpkg")[0], rows_of(tmp_path / "first.gpkg")[0])


def test_a_vector_is_the_mean_of_the_cells_of_the_square(folder: Path, tmp_path: Path) -> None:
    from earthprint.engine.encoders.encoder import open_encoder
    from earthprint.engine.encoders.inputs import TileBatch
    result = embed_photos(request(FolderPhotos(str(folder)), tmp_path / "out.gpkg"), Silent())
    card = read_card(Path(result.encoder_card))
    square = read_photo(str(folder / "b.JPG"), 64).square
    encoder = open_encoder(card, "cpu")
    cells = encoder.encode(TileBatch(square[None, None], np.ones((1, 64, 64), dtype=bool)))
    encoder.close()
    assert cells.shape[1] > 1
    np.testing.assert_allclose(rows_of(tmp_path / "out.gpkg")[0][1], cells[0].mean(axis=(0, 1)), atol=1e-5)


def test_a_known_encoder_gives_known_numbers(folder: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx writes the graph of this test")
    from earthprint.engine.card import Card, CardBand, ModelInput, ModelOutput, Scaling
    from earthprint.engine.card_json import write_card
    from earthprint.engine.onnxfile import sha256
    helper = onnx.helper
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["image"], ["embedding"], axes=[2, 3], keepdims=0)], "mean",
        [helper.make_tensor_value_info("image", 1, ["n", 3, 32, 32])],
        [helper.make_tensor_value_info("embedding", 1, ["n", 3])])
    path = tmp_path / "mean.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
                     .SerializeToString())
    card = Card(
        id="mean", name="Means", path=None, model_path=path, checksum=sha256(path),
        bands=(CardBand("B", "blue"), CardBand("G", "green"), CardBand("R", "red")),
        inputs=(ModelInput("image", "image", (-1, 3, 32, 32), ("batch", "bands", "height", "width")),),
        output=ModelOutput("embedding", (-1, 3), ("batch", "embedding")), kind=CHIP, dimensions=3, stride=32, tile=32,
        scaling=Scaling((0.4, 0.5, 0.6), (0.2, 0.25, 0.5)), architecture="Mean")
    write_card(card, tmp_path / "mean.json")
    result = embed_photos(replace(request(FolderPhotos(str(folder)), tmp_path / "out.gpkg",
                                          encoder=str(tmp_path / "mean.json")), size=0), Silent())
    vectors = rows_of(tmp_path / "out.gpkg")[0]
    for row, name in enumerate(("a.jpg", "b.JPG", "trip/c.jpg")):
        means = read_photo(str(folder / name), 32).square.mean(axis=(1, 2))[::-1] / 255
        np.testing.assert_allclose(vectors[row], (means - [0.4, 0.5, 0.6]) / [0.2, 0.25, 0.5], atol=1e-4)
    assert result.encoder_card == str((tmp_path / "mean.json").resolve())
    assert brightness(card) == 1 and colour_order(card) == (2, 1, 0) and side_for(card, 0) == 32
    with pytest.raises(EarthprintError, match="squares of 32 pixels only"):
        side_for(card, 64)
    with pytest.raises(EarthprintError, match="takes 2 bands .B, G., but photos"):
        colour_order(replace(card, bands=card.bands[:2]))
    halves = one_vector(np.array([[[[3.0, 4.0]], [[3.0, 0.0]]]]), replace(card, unit_norm=True))
    np.testing.assert_allclose(halves, [[3 / np.hypot(3, 2), 2 / np.hypot(3, 2)]], atol=1e-6)


def test_broken_photos_are_counted_and_never_stop_the_run(folder: Path, tmp_path: Path) -> None:
    broken = broken_photos(folder)
    told = Listening()
    result = embed_photos(request(FolderPhotos(str(folder)), tmp_path / "out.gpkg"), told)
    assert result.rows == 3
    assert sorted(failed.name for failed in result.failed) == sorted(broken)
    reasons = {failed.name: failed.reason for failed in result.failed}
    assert reasons["empty.jpg"] == "the file is empty" and "60000 × 60000" in reasons["bomb.png"]
    assert "8 or 16 bits" in reasons["heights.tif"] and "damaged" in reasons["cut.jpg"]
    assert any(text.startswith("empty.jpg is left out: the file is empty") for text in told.warnings)


def layer(path: Path, columns: "Dict[str, Any]", kinds: "Dict[str, str]", places: "List[Any]",
          epsg: int = 4326) -> Path:
    from osgeo import ogr, osr
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    dataset = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    found = dataset.CreateLayer(path.stem, reference, ogr.wkbPoint)
    for name, kind in kinds.items():
        found.CreateField(ogr.FieldDefn(name, {"text": ogr.OFTString, "binary": ogr.OFTBinary}[kind]))
    for row, place in enumerate(places):
        feature = ogr.Feature(found.GetLayerDefn())
        for name, values in columns.items():
            if isinstance(values[row], bytes):
                feature.SetFieldBinaryFromHexString(name, values[row].hex())
            elif values[row] is not None:
                feature.SetField(name, values[row])
        if place is not None:
            feature.SetGeometry(ogr.CreateGeometryFromWkb(struct.pack("<BIdd", 1, 1, *place)))
        found.CreateFeature(feature)
    return path


def test_rows_of_a_layer_name_photos_and_their_points_win(folder: Path, tmp_path: Path) -> None:
    paths = [str(folder / "a.jpg"), "trip/c.jpg", None, "gone.jpg", "lost.jpg"]
    # Web Mercator's 111319.49 m at the equator are one degree.
    points = layer(tmp_path / "points.gpkg", {"photo": paths, "time": ["x"] * 5}, {"photo": "text", "time": "text"},
                   [(111319.490793, 0.0), None, None, None, (222638.981587, 0.0)], 3857)
    result = embed_photos(request(LayerPhotos(open_rows(str(points)), folder=str(folder)), tmp_path / "out.gpkg"),
                          Silent())
    _, places, columns = rows_of(tmp_path / "out.gpkg")
    np.testing.assert_allclose(places, [(1, 0), (10, 50), (2, 0)], atol=1e-6)
    assert columns["photo"] == [paths[0], paths[1], paths[4]] and columns["time"] == ["x"] * 3
    assert columns["time_1"][0].startswith("2022-05-06")
    assert [(failed.name, failed.reason) for failed in result.failed] == [
        ("row 3", "the row has no photo"), ("gone.jpg", "it can't be read (No such file or directory)")]


def test_rows_may_hold_the_pictures_themselves(folder: Path, tmp_path: Path) -> None:
    blobs = [(folder / "a.jpg").read_bytes(), b"no photo", None]
    points = layer(tmp_path / "points.gpkg", {"picture": blobs, "name": list("xyz")},
                   {"picture": "binary", "name": "text"}, [None] * 3)
    result = embed_photos(request(LayerPhotos(open_rows(str(points)), blob_field="picture"), tmp_path / "out.gpkg"),
                          Silent())
    _, places, columns = rows_of(tmp_path / "out.gpkg")
    assert places == [(8.5, 47.25)] and columns["name"] == ["x"] and "picture" not in columns
    assert [failed.name for failed in result.failed] == ["row 2", "row 3"]
    with pytest.raises(EarthprintError, match="“name” of “points” holds no pictures but text values"):
        embed_photos(request(LayerPhotos(open_rows(str(points)), blob_field="name"), tmp_path / "no.gpkg"), Silent())
    with pytest.raises(EarthprintError, match="no column named photo, path, image or filename"):
        embed_photos(request(LayerPhotos(open_rows(str(points))), tmp_path / "no.gpkg"), Silent())


def test_paths_are_taken_as_they_are_meant() -> None:
    assert plain_path("/a/b.jpg", "/x") == "/a/b.jpg" and plain_path(" b.jpg ", "/x") == "/x/b.jpg"
    assert plain_path("file:///a/with%20blank/%C3%BC.jpg", "/x") == "/a/with blank/ü.jpg"


def test_when_nothing_is_left_the_reason_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    photo(tmp_path / "lost" / "lost.jpg")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "bad.jpg").write_bytes(b"?")
    for name, words in (("empty", "no photo in the folder"), ("lost", "None of the 1 photos .* says where"),
                        ("bad", "the first, bad.jpg: it is no picture"), ("none", "There is no folder")):
        with pytest.raises(EarthprintError, match=words):
            embed_photos(request(FolderPhotos(str(tmp_path / name)), tmp_path / "out.gpkg"), Silent())
        assert not list(tmp_path.glob("*.gpkg")) and not list(tmp_path.glob("*.onnx"))


def test_a_cancelled_run_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    class Impatient(Silent):
        calls = 0

        def cancelled(self) -> bool:
            self.calls += 1
            return self.calls > 6

    with pytest.raises(Cancelled):
        embed_photos(request(FolderPhotos(str(folder)), tmp_path / "out.gpkg"), Impatient())
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_an_encoder_is_made_from_photos_alone(folder: Path, tmp_path: Path) -> None:
    made = make_photo_encoder(FolderPhotos(str(folder)), MakeEncoderRequest(
        (), str(tmp_path / "mine.onnx"), dimensions=12, filters=16), Silent())
    card = read_card(Path(made.card_path))
    assert [band.common_name for band in card.bands] == ["red", "green", "blue"] and card.dimensions == 12
    found = embed_photos(request(FolderPhotos(str(folder)), tmp_path / "out.gpkg", encoder=made.path), Silent())
    assert found.space.dimensions == 12 and rows_of(tmp_path / "out.gpkg")[0].shape == (3, 12)


def test_real_photos_overlap_where_they_do(sample_data: Path, tmp_path: Path) -> None:
    result = embed_photos(PhotoRequest(FolderPhotos(str(sample_data / "photos")), str(tmp_path / "out.gpkg"),
                                       EncoderFolders(), size=128), Silent())
    vectors, places, columns = rows_of(tmp_path / "out.gpkg")
    assert result.rows == 14 and not result.failed and not result.unplaced
    drone = [place[0] < -90 and place[1] > 46 for place in places]
    assert sum(drone) == 12
    apart = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    # Street photos are unlike the ground from above; photos taken one after the other overlap.
    neighbours = apart[:12, :12].argmin(axis=1)
    assert (np.abs(neighbours - np.arange(12)) <= 2).sum() >= 7
