"""Every cell holds its own centre: at every cell size, overlap, tile, form of output, orientation and CRS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from ramps import PLACEMENTS, Placement, cell_centres, mean_encoder, read_bands, write_ramp

from earthprint.engine.embedding.plan import EmbedRequest
from earthprint.engine.embedding.raster import embed_raster
from earthprint.engine.embedding.tiling import axis, reflected, taps
from earthprint.engine.encoders.library import EncoderFolders
from earthprint.engine.progress import Silent

WIDTH, HEIGHT = 301, 214
CASES = [
    ("map", 16, 0, 0, -1), ("map", 16, 0, 8, -1), ("map", 16, 0, 7, -1), ("map", 16, 0, 32, -1), ("map", 16, 0, 24, -1),
    ("map", 5, 0, 5, -1), ("tokens", 16, 96, 0, -1), ("tokens", 16, 96, 0, 0), ("tokens", 16, 96, 0, 48),
    ("tokens", 16, 96, 0, 32), ("tokens", 16, 96, 8, 16), ("tokens", 16, 96, 10, -1), ("tokens", 16, 512, 32, -1),
    ("chip", 32, 32, 0, -1), ("chip", 32, 32, 16, -1), ("chip", 32, 32, 48, -1), ("chip", 33, 33, 11, -1),
]

# Every case in the plain orientation, and the cells that need most care in all others.
PLACED = [(case, placement) for case in CASES for placement in PLACEMENTS
          if placement.name == "utm" or case[3] in (0, 8, 48)]


def embed(raster: Path, card: object, output: Path, **options: object) -> np.ndarray:
    """Embed and read the result."""
    folders = EncoderFolders(output.parent, output.parent)
    request = EmbedRequest((str(raster),), str(card.path), str(output), folders, min_valid=0.01, **options)
    embed_raster(request, Silent())
    return read_bands(output)


def expected(patch: int, cell: int, columns: int, rows: int) -> "tuple[np.ndarray, np.ndarray]":
    """Compute what a mean over mirrored pixels gives for every cell, tap by tap and pixel by pixel."""
    found = []
    for count, size in ((columns, WIDTH), (rows, HEIGHT)):
        values = []
        for index in range(count):
            total = weight = 0.0
            for tap in taps(cell, patch):
                start = index * cell + tap.start
                places = reflected(start, patch, size)
                total += tap.weight * float(np.mean(places + 0.5))
                weight += tap.weight
            values.append(total / weight)
        found.append(np.array(values))
    return np.meshgrid(found[0], found[1])


@pytest.mark.parametrize(("case", "placement"), PLACED, ids=lambda part: getattr(part, "name", str(part)))
def test_every_cell_holds_its_own_centre(case: "tuple", placement: Placement, tmp_path: Path) -> None:
    form, patch, tile, cell, overlap = case
    raster = write_ramp(tmp_path / "ramp.tif", WIDTH, HEIGHT, placement)
    card = mean_encoder(tmp_path, patch, tile, form)
    field = embed(raster, card, tmp_path / "out.tif", cell=cell, overlap=overlap, memory_mib=64)
    cell = cell or patch
    _, rows, columns = field.shape
    assert (columns, rows) == (-(-WIDTH // cell), -(-HEIGHT // cell)), "no cell is dropped"
    x, y = cell_centres(field, cell, columns, rows)
    reach = max(cell, patch) / 2 + 1
    inside = (x >= reach) & (x <= WIDTH - reach) & (y >= reach) & (y <= HEIGHT - reach)
    assert inside.any()
    assert np.abs(field[0] - x)[inside].max() == 0
    assert np.abs(field[1] - y)[inside].max() == 0
    mirrored_x, mirrored_y = expected(patch, cell, columns, rows)
    np.testing.assert_allclose(field[0], mirrored_x, rtol=0, atol=2e-4)
    np.testing.assert_allclose(field[1], mirrored_y, rtol=0, atol=2e-4)
    dataset = gdal.Open(str(tmp_path / "out.tif"))
    x0, dx, _, y0, _, dy = placement.transform
    assert dataset.GetGeoTransform() == pytest.approx((x0, dx * cell, 0, y0, 0, dy * cell), rel=1e-12)
    assert dataset.GetSpatialRef().IsSame(gdal.Open(str(raster)).GetSpatialRef())


@pytest.mark.parametrize("cell", (8, 16))
def test_an_extent_gives_the_same_cells_as_the_whole(cell: int, tmp_path: Path) -> None:
    raster = write_ramp(tmp_path / "ramp.tif", WIDTH, HEIGHT)
    card = mean_encoder(tmp_path, 16, 96, "tokens")
    whole = embed(raster, card, tmp_path / "whole.tif", cell=cell)
    extent = (300000 + 645.0, 5000000 - 1500.0, 300000 + 1955.0, 5000000 - 333.0)
    part = embed(raster, card, tmp_path / "part.tif", cell=cell, extent=extent)
    dataset = gdal.Open(str(tmp_path / "part.tif"))
    column = round((dataset.GetGeoTransform()[0] - 300000) / (10 * cell))
    row = round((5000000 - dataset.GetGeoTransform()[3]) / (10 * cell))
    size = 10 * cell
    assert 300000 + column * size <= extent[0] < 300000 + (column + 1) * size
    np.testing.assert_array_equal(part, whole[:, row:row + part.shape[1], column:column + part.shape[2]])


def test_taps_are_centred_and_cover_the_cell() -> None:
    for token in range(1, 40):
        for cell in range(1, 90):
            found = taps(cell, token)
            centre = sum(tap.weight * (tap.start + token / 2) for tap in found) / sum(tap.weight for tap in found)
            assert centre == cell / 2
            if cell >= token:
                covered = np.zeros(cell, dtype=bool)
                for tap in found:
                    assert 0 <= tap.start <= cell - token
                    covered[tap.start:tap.start + token] = True
                assert covered.all()


@pytest.mark.parametrize("overlap", (0, 1, 3, 5, 7))
@pytest.mark.parametrize("cell", (3, 8, 16, 40))
def test_the_blend_is_a_partition_of_unity(cell: int, overlap: int) -> None:
    line = axis(1000, cell, 16, 14, overlap, 0, 0)
    total = np.zeros(line.cells)
    for lattice in line.lattices:
        for tile in line.tiles_for(lattice, 0, line.cells):
            total += line.weights(lattice, tile, 0, line.cells).sum(axis=1)
    assert np.all(total == total[0])


def test_mirroring_equals_numpy_padding() -> None:
    for size in (1, 2, 3, 7, 50):
        values = np.arange(size)
        padded = np.pad(values, 120, mode="reflect")
        np.testing.assert_array_equal(values[reflected(-120, size + 240, size)], padded)
