"""Scales come from where the data lie: nothing finer than the places are apart, and what a user sets stands."""

from __future__ import annotations

import numpy as np
import pytest
from location_ground import some_places

from earthprint.engine.location_training.parting import early_rows
from earthprint.engine.location_training.positions import position_for
from earthprint.engine.location_training.proposing import propose
from earthprint.engine.location_training.request import KINDS
from earthprint.engine.location_training.spread import KM_PER_DEGREE, spread_of
from earthprint.engine.locations.settings import Settings
from earthprint.engine.training.folds import Folds

GROUNDS = {"world": some_places(3000), "country": some_places(3000, box=(-120.0, 25.0, -70.0, 49.0)),
           "county": some_places(3000, box=(-83.9, 41.4, -83.2, 41.75))}


def test_spacing_and_extent_are_those_of_a_lattice():
    """A lattice of a degree at the equator is 111.2 km apart; across 180° the box is small."""
    x, y = np.meshgrid(np.arange(175.0, 186.0), np.arange(-3.0, 4.0))
    spread = spread_of(np.stack([(x.ravel() + 180) % 360 - 180, y.ravel()], axis=1))
    assert spread.spacing == pytest.approx(KM_PER_DEGREE, rel=0.003)
    assert (spread.west, spread.width, spread.south, spread.height) == (175.0, 10.0, -3.0, 6.0)
    assert spread.extent == pytest.approx(10 * KM_PER_DEGREE)


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_tells_places_apart_on_every_ground(kind, ground):
    """Features vary over the data, and the finest wave is no shorter than the places are apart."""
    places = GROUNDS[ground]
    spread = spread_of(places)
    proposal = propose(kind, Settings(), spread, 0)
    position = position_for(kind, proposal.settings, places, 0)
    features = position.features(places)
    assert np.isfinite(features).all() and features.std(axis=0).max() > 1e-5
    assert not proposal.warnings
    settings = position.settings
    if kind.startswith("space2vec"):
        assert settings.min_radius * 2 * np.pi * KM_PER_DEGREE >= spread.spacing
    if kind.startswith("sphere2vec"):
        assert settings.min_radius * 360 * KM_PER_DEGREE >= spread.spacing and settings.max_radius <= 1.0
    if kind in ("fourier-sphere", "fourier-planar", "rbf"):
        assert spread.spacing <= settings.length <= spread.extent
    if kind == "tile":
        held = np.bincount(features[:, 0].astype(int))
        assert 5 < held[held > 0].mean() < 60
    if kind == "spherical-harmonics":
        assert 5 <= settings.scales <= 20 and settings.scales ** 2 < len(places)


def test_what_is_given_stands_and_too_fine_is_said():
    """A user's radius is kept; finer than the data it brings a sentence."""
    spread = spread_of(GROUNDS["country"])
    proposal = propose("sphere2vec-c", Settings(scales=5, min_radius=1e-5), spread, 0)
    assert proposal.settings.min_radius == 1e-5 and proposal.settings.scales == 5
    assert proposal.settings.max_radius > 1e-5 and "only adds noise" in proposal.warnings[0]
    assert propose("spherical-harmonics", Settings(scales=7), spread, 0).settings == Settings(scales=7)
    assert propose("fourier-sphere", Settings(length=250.0), spread, 3).settings.length == 250.0


def test_what_stops_a_training_are_whole_blocks_of_its_own():
    """About a seventh of the rows; no block is cut, no two folds hold the same out."""
    blocks = np.repeat(np.arange(40), 25)
    folds = Folds(blocks % 5, "blocks", 5, 1.0, "", blocks)
    chosen = []
    for number in range(5):
        rows = np.flatnonzero(folds.fold != number)
        early = early_rows(folds, rows, 0, number)
        assert 0.1 < early.mean() < 0.25
        for block in np.unique(blocks[rows]):
            assert len(np.unique(early[blocks[rows] == block])) == 1
        chosen.append(frozenset(blocks[rows[early]].tolist()))
    assert len(set(chosen)) > 1
