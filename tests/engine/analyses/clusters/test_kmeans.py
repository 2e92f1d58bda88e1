"""k-means against scikit-learn and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthprint.engine.analyses.clusters.agreement import adjusted_rand
from earthprint.engine.analyses.clusters.distinct import distinct_rows, require_distinct
from earthprint.engine.analyses.clusters.kmeans import EUCLIDEAN, SPHERICAL, fit_kmeans, group_sums, nearest, unit
from earthprint.engine.analyses.clusters.scaling import centred, standardised
from earthprint.engine.analyses.clusters.silhouette import Silhouettes
from earthprint.engine.errors import Cancelled, InputError
from earthprint.engine.progress import Silent

sklearn = pytest.importorskip("sklearn")


class Impatient(Silent):
    """Cancels at once."""

    def cancelled(self) -> bool:
        return True


def blobs(rows: int, dimensions: int, groups: int, noise: float, seed: int = 0) -> "tuple[np.ndarray, np.ndarray]":
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(groups, dimensions))
    labels = chance.integers(groups, size=rows)
    return (centres[labels] + chance.normal(0, noise, (rows, dimensions))).astype(np.float32), labels


def test_separated_groups_are_scikit_learns() -> None:
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    vectors, truth = blobs(30_000, 16, 8, 0.2)
    found = fit_kmeans(vectors, 8, EUCLIDEAN, 3, Silent())
    theirs = KMeans(8, n_init=10, random_state=0).fit(vectors)
    assert adjusted_rand_score(theirs.labels_, found.labels) == 1.0
    assert adjusted_rand_score(truth, found.labels) == 1.0
    assert found.inertia == pytest.approx(theirs.inertia_, rel=1e-5)
    naive = np.stack([vectors[found.labels == label].mean(axis=0, dtype=np.float64) for label in range(8)])
    np.testing.assert_allclose(found.centres, naive, atol=1e-5)


@pytest.mark.parametrize("clusters", [5, 10, 30])
def test_inertia_is_within_a_hundredth_of_scikit_learns(clusters: int) -> None:
    from sklearn.cluster import KMeans

    chance = np.random.default_rng(clusters)
    vectors = (chance.normal(size=(25_000, 4)) @ chance.normal(size=(4, 12)) + chance.normal(0, 0.3, (25_000, 12)))
    vectors = np.tanh(vectors).astype(np.float32)
    theirs = KMeans(clusters, n_init=3, random_state=0).fit(vectors)
    assert fit_kmeans(vectors, clusters, EUCLIDEAN, 1, Silent()).inertia <= 1.01 * theirs.inertia_


def test_vectors_far_from_zero_keep_their_groups() -> None:
    vectors, truth = blobs(4000, 8, 4, 0.1)
    far = vectors + np.float32(8000)
    scaling = centred(far)
    found = fit_kmeans(scaling.rows(far), 4, EUCLIDEAN, 0, Silent())
    assert adjusted_rand(truth, found.labels) == 1.0
    assert not centred(vectors).changes


def test_a_standardised_dimension_weighs_like_any_other() -> None:
    vectors, truth = blobs(4000, 6, 3, 0.1)
    odd = vectors * np.float32([1e-4, 1, 1, 1, 1, 1e4]) + np.float32([0, 0, 0, 0, 0, 1e6])
    scaling = standardised(odd)
    scaled = scaling.rows(odd)
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-3)
    assert adjusted_rand(truth, fit_kmeans(scaled, 3, EUCLIDEAN, 0, Silent()).labels) == 1.0
    np.testing.assert_allclose(scaling.restored(scaled), odd, rtol=1e-4, atol=1e-4)
    constant = standardised(np.full((10, 2), 7, dtype=np.float32))
    assert constant.rows(np.full((1, 2), 7, dtype=np.float32)).tolist() == [[0, 0]]


def test_spherical_sees_directions_alone() -> None:
    chance = np.random.default_rng(1)
    vectors, truth = blobs(5000, 8, 5, 0.05)
    stretched = vectors * chance.uniform(0.01, 100, (5000, 1)).astype(np.float32)
    found = fit_kmeans(stretched, 5, SPHERICAL, 0, Silent())
    assert adjusted_rand(truth, found.labels) == 1.0
    np.testing.assert_allclose(np.linalg.norm(found.centres, axis=1), 1, atol=1e-6)
    similarity = unit(stretched) @ found.centres.T
    assert (similarity.argmax(axis=1) == found.labels).all()
    means = np.stack([unit(stretched)[found.labels == label].sum(axis=0) for label in range(5)])
    np.testing.assert_allclose(found.centres, unit(means), atol=1e-5)


def test_nearest_is_the_nearest() -> None:
    vectors, _ = blobs(9000, 5, 3, 1.0)
    centres = vectors[:7]
    labels, squares = nearest(vectors, centres)
    naive = ((vectors[:, None, :].astype(np.float64) - centres[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(squares, naive.min(axis=1), atol=1e-4)
    np.testing.assert_allclose(naive[np.arange(9000), labels], naive.min(axis=1), atol=1e-4)


@pytest.mark.parametrize("clusters", [3, 300])
def test_sums_of_groups_are_sums(clusters: int) -> None:
    vectors, _ = blobs(9000, 5, 3, 1.0)
    labels = np.random.default_rng(0).integers(clusters - 1, size=9000)
    sums, counts = group_sums(vectors, labels, clusters)
    naive = np.stack([vectors[labels == label].sum(axis=0, dtype=np.float64) for label in range(clusters)])
    np.testing.assert_allclose(sums, naive, rtol=1e-4, atol=1e-2)
    assert counts.tolist() == [int((labels == label).sum()) for label in range(clusters)] and counts[-1] == 0


def test_the_same_seed_gives_the_same_fit() -> None:
    vectors, _ = blobs(25_000, 6, 4, 1.0)
    first, second = (fit_kmeans(vectors, 6, EUCLIDEAN, 5, Silent()) for _ in range(2))
    assert first.centres.tobytes() == second.centres.tobytes() and (first.labels == second.labels).all()


def test_every_group_has_members_even_where_there_are_as_many_as_vectors() -> None:
    vectors = np.repeat(np.eye(6, dtype=np.float32), 50, axis=0)
    found = fit_kmeans(vectors, 6, EUCLIDEAN, 0, Silent())
    assert sorted(np.bincount(found.labels)) == [50] * 6 and found.inertia < 1e-6


def test_cancel_ends_a_fit() -> None:
    with pytest.raises(Cancelled):
        fit_kmeans(blobs(1000, 4, 3, 1.0)[0], 3, EUCLIDEAN, 0, Impatient())


def test_distinct_vectors_are_counted() -> None:
    vectors = np.concatenate([np.repeat(np.eye(3, dtype=np.float32), 5000, axis=0), np.zeros((3, 3), np.float32)])
    vectors[-1] = -0.0
    assert distinct_rows(vectors, 100) == 4
    assert distinct_rows(vectors, 2) == 2
    require_distinct(vectors, 4)
    with pytest.raises(InputError, match="only 4 different vectors"):
        require_distinct(vectors, 5)


labelled = st.integers(2, 40).flatmap(lambda size: st.tuples(
    *[st.lists(st.integers(0, 4), min_size=size, max_size=size)] * 2))


@given(labelled)
def test_adjusted_rand_is_scikit_learns(labels: "tuple[list[int], list[int]]") -> None:
    from sklearn.metrics import adjusted_rand_score

    assert adjusted_rand(np.array(labels[0]), np.array(labels[1])) == pytest.approx(adjusted_rand_score(*labels))


@pytest.mark.parametrize("groups", [2, 3, 7])
def test_silhouettes_are_scikit_learns(groups: int) -> None:
    from sklearn.metrics import silhouette_score

    vectors, labels = blobs(300, 5, groups, 0.8)
    labels[0] = groups  # a group of its own
    assert Silhouettes(vectors + np.float32(100)).mean(labels) == pytest.approx(
        silhouette_score(vectors, labels), abs=1e-4)
    noise = labels.copy()
    noise[10:60] = -1
    assert Silhouettes(vectors).mean(noise) == pytest.approx(silhouette_score(vectors[noise >= 0], noise[noise >= 0]))
    assert np.isnan(Silhouettes(vectors).mean(np.zeros(300, int)))
