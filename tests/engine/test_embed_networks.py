"""Whole runs against PyTorch: every tile cut, normalised, run and blended by plain loops over the raster in memory."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import Network, dated, feature_map, pooled, vision_transformer
from osgeo import gdal
from ramps import read_bands

from earthprint.engine.card_json import write_card
from earthprint.engine.embedding.plan import EmbedRequest
from earthprint.engine.embedding.raster import embed_raster
from earthprint.engine.encoders.library import EncoderFolders
from earthprint.engine.errors import Cancelled
from earthprint.engine.progress import Silent

HEIGHT, WIDTH = 121, 150


def write(path: Path, values: np.ndarray) -> Path:
    """Write a small raster near Zurich."""
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), values.shape[2], values.shape[1], len(values),
                                                   gdal.GDT_Float32, ["TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=32"])
    dataset.SetGeoTransform((8.5, 0.0001, 0, 47.4, 0, -0.0001))
    dataset.SetProjection('GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],'
                          'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4326"]]')
    for index, band in enumerate(values, start=1):
        dataset.GetRasterBand(index).WriteArray(band)
    dataset = None
    return path


def image(bands: int, seed: int = 0) -> np.ndarray:
    """Return smooth noise like reflectance."""
    chance = np.random.default_rng(seed)
    return (1500 + 800 * chance.standard_normal((bands, HEIGHT, WIDTH))).astype(np.float32)


def card_file(network: Network, folder: Path, **facts: object) -> Path:
    """Write the card of a network."""
    card = replace(network.card, path=folder / f"{network.card.id}.json", architecture="test", **facts)
    write_card(card, card.path)
    return card.path


def embed(paths: "list[Path]", card: Path, output: Path, **options: object) -> np.ndarray:
    """Embed and read the field as `(rows, cols, dims)`."""
    folders = EncoderFolders(output.parent, output.parent)
    request = EmbedRequest(tuple(map(str, paths)), str(card), str(output), folders, min_valid=0.01, **options)
    embed_raster(request, Silent())
    return read_bands(output).transpose(1, 2, 0)


def mirror(index: int, size: int) -> int:
    """Return the pixel inside the raster that stands for one outside."""
    while not 0 <= index < size:
        index = -index if index < 0 else 2 * (size - 1) - index
    return index


def cut(values: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    """Cut a square, mirrored beyond the edges."""
    rows = [mirror(row, HEIGHT) for row in range(top, top + side)]
    columns = [mirror(column, WIDTH) for column in range(left, left + side)]
    return values[..., rows, :][..., columns]


def naive_blend(values: np.ndarray, network: Network, tokens: int, overlap: int) -> np.ndarray:
    """Run every tile of a ViT and blend: weights rise and fall by one from token to token inside the overlap only."""
    patch, leading = network.card.stride, network.card.tokens_drop
    rows, columns = -(-HEIGHT // patch), -(-WIDTH // patch)
    step = tokens - overlap
    total, weight = np.zeros((rows, columns, network.card.dimensions)), np.zeros((rows, columns))
    tiles = [max(0, -(-(count - tokens) // step)) + 1 for count in (rows, columns)]
    for y in range(tiles[0]):
        for x in range(tiles[1]):
            tile = cut(values, y * step * patch, x * step * patch, tokens * patch)
            found = network.reference(network.card.scaling.apply(tile)[np.newaxis])[0, leading:]
            found = found.reshape(tokens, tokens, -1)
            for row in range(tokens):
                for column in range(tokens):
                    share = 1.0
                    for place, tile_index, count in ((row, y, tiles[0]), (column, x, tiles[1])):
                        if tile_index > 0:
                            share *= min(1.0, (place + 1) / (overlap + 1))
                        if tile_index < count - 1:
                            share *= min(1.0, (tokens - place) / (overlap + 1))
                    at_row, at_column = y * step + row, x * step + column
                    if at_row < rows and at_column < columns:
                        total[at_row, at_column] += share * found[row, column]
                        weight[at_row, at_column] += share
    return total / weight[..., np.newaxis]


@pytest.mark.parametrize("leading", (0, 1, 5))
@pytest.mark.parametrize("overlap", (0, 1))
def test_a_transformer_equals_plain_loops(leading: int, overlap: int, tmp_path: Path) -> None:
    network = vision_transformer(tmp_path, count=3, leading=leading)
    values = image(3)
    field = embed([write(tmp_path / "image.tif", values)], card_file(network, tmp_path), tmp_path / "out.tif",
                  overlap=overlap * network.card.stride)
    wanted = naive_blend(values, network, 4, overlap)
    np.testing.assert_allclose(field, wanted, rtol=1e-4, atol=1e-4)


def test_a_transformer_gives_one_field_for_all_memory_limits(tmp_path: Path) -> None:
    network = vision_transformer(tmp_path, count=3, leading=1)
    raster, card = write(tmp_path / "image.tif", image(3)), card_file(network, tmp_path)
    reference = embed([raster], card, tmp_path / "out.tif", memory_mib=2000)
    for options in ({"memory_mib": 1}, {"batch": 1}, {"batch": 5}, {"threads": 1}):
        found = embed([raster], card, tmp_path / "out.tif", **options)
        np.testing.assert_allclose(found, reference, rtol=1e-5, atol=1e-5)


def test_a_feature_map_equals_one_run_over_the_whole_raster(tmp_path: Path) -> None:
    network = feature_map(tmp_path, count=3)
    values = image(3)
    field = embed([write(tmp_path / "image.tif", values)], card_file(network, tmp_path), tmp_path / "out.tif")
    rows, columns = -(-HEIGHT // 4), -(-WIDTH // 4)
    side = max(rows, columns) * 4 + 2
    whole = network.reference(network.card.scaling.apply(cut(values, -1, -1, side))[np.newaxis])[0]
    np.testing.assert_allclose(field, whole[:, :rows, :columns].transpose(1, 2, 0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("cell", (0, 12, 8))
def test_a_pooled_network_sees_each_cell_in_its_middle(cell: int, tmp_path: Path) -> None:
    network = pooled(tmp_path, count=4)
    values = image(4)
    field = embed([write(tmp_path / "image.tif", values)], card_file(network, tmp_path), tmp_path / "out.tif",
                  cell=cell)
    cell = cell or 24
    for row in range(field.shape[0]):
        for column in range(field.shape[1]):
            tile = cut(values, row * cell + (cell - 24) // 2, column * cell + (cell - 24) // 2, 24)
            wanted = network.reference(network.card.scaling.apply(tile)[np.newaxis])[0]
            np.testing.assert_allclose(field[row, column], wanted, rtol=1e-4, atol=1e-4)


def test_several_dates_with_place_and_time(tmp_path: Path) -> None:
    network = dated(tmp_path, count=6, dates=3)
    values = [image(6, seed) for seed in range(3)]
    paths = [write(tmp_path / f"date{index}.tif", one) for index, one in enumerate(values)]
    dates = ("2023-01-15", "2023-06-30", "2024-02-01")
    field = embed(paths, card_file(network, tmp_path), tmp_path / "out.tif", dates=dates, overlap=0)
    days = [datetime.date.fromisoformat(date).timetuple() for date in dates]
    temporal = np.array([[[day.tm_year, day.tm_yday] for day in days]], dtype=np.float32)
    for row, column in ((0, 0), (1, 2), (3, 4)):
        tile = np.stack([network.card.scaling.apply(cut(one, row * 32, column * 32, 32)) for one in values])
        place = np.array([[47.4 - 0.0001 * (row * 32 + 16), 8.5 + 0.0001 * (column * 32 + 16)]], dtype=np.float32)
        wanted = network.reference(tile[np.newaxis], temporal, place)[0].mean(axis=0)
        found = field[row * 4:row * 4 + 4, column * 4:column * 4 + 4]
        wanted = wanted.transpose(1, 2, 0)[:found.shape[0], :found.shape[1]]
        np.testing.assert_allclose(found, wanted, rtol=2e-3, atol=2e-3)


class Stopping(Silent):
    """Cancels when so much is done."""

    def __init__(self, stop_at: float) -> None:
        self._stop_at = stop_at
        self._fraction = 0.0

    def report(self, fraction: float, text: "str | None" = None) -> None:
        self._fraction = fraction

    def cancelled(self) -> bool:
        return self._fraction >= self._stop_at


def test_a_resumed_transformer_is_bit_equal(tmp_path: Path) -> None:
    """Tiles that reach over block borders are computed again after a stop, in other batches, with the same result."""
    network = vision_transformer(tmp_path, count=3, leading=1)
    raster, card = write(tmp_path / "image.tif", np.tile(image(3), (1, 3, 3))), card_file(network, tmp_path)
    options = {"overlap": 8, "memory_mib": 1, "batch": 3}
    calm = embed([raster], card, tmp_path / "calm.tif", **options)
    folders = EncoderFolders(tmp_path, tmp_path)
    request = EmbedRequest((str(raster),), str(card), str(tmp_path / "out.tif"), folders, min_valid=0.01, **options)
    with pytest.raises(Cancelled):
        embed_raster(request, Stopping(0.5))
    assert not (tmp_path / "out.tif").exists()
    result = embed_raster(request, Silent())
    assert 0 < result.resumed_blocks < result.blocks
    assert read_bands(tmp_path / "out.tif").transpose(1, 2, 0).tobytes() == calm.tobytes()
