"""Clusters of real data against scikit-learn: as tight as its own, from a sample as well as from all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from earthprint.engine.analyses.clusters.fitting import fit_clusters
from earthprint.engine.analyses.clusters.raster import cluster_raster
from earthprint.engine.analyses.clusters.request import ClusterChoice, ClusterRasterRequest
from earthprint.engine.progress import Silent

pytest.importorskip("sklearn")


def inertia(points: np.ndarray, labels: np.ndarray) -> float:
    """Sum squared distances to the groups' own means."""
    return sum(float(((points[labels == label] - points[labels == label].mean(axis=0)) ** 2).sum())
               for label in np.unique(labels))


@pytest.mark.parametrize("clusters", [5, 12])
def test_a_sentinel_scene_from_a_sample(sample_data: Path, tmp_path: Path, clusters: int) -> None:
    from sklearn.cluster import KMeans

    path = str(sample_data / "leipzig_sentinel2" / "leipzig_s2.tif")
    values = gdal.OpenEx(path).ReadAsArray().reshape(8, -1).T.astype(np.float64)
    points = (values - values.mean(axis=0)) / values.std(axis=0)
    theirs = KMeans(clusters, n_init=5, random_state=0).fit(points)
    for sample in (0, 5000):
        choice = ClusterChoice(clusters=clusters, standardise=True, sample=sample)
        cluster_raster(ClusterRasterRequest(path, str(tmp_path / "o.tif"), choice), Silent())
        labels = gdal.OpenEx(str(tmp_path / "o.tif")).ReadAsArray().ravel()
        assert labels.min() == 1 and labels.max() == clusters
        assert inertia(points, labels) <= 1.01 * theirs.inertia_, sample


def test_embeddings_of_alphaearth(sample_data: Path) -> None:
    from sklearn.cluster import KMeans

    source = next((sample_data / "alphaearth_clearing").glob("*.csv"), None)
    source = source or next((sample_data / "alphaearth_clearing").glob("*.gpkg"))
    dataset = gdal.OpenEx(str(source), gdal.OF_VECTOR)
    names = [f"A{band:02d}" for band in range(64)]
    vectors = np.array([[float(row[name]) for name in names] for row in dataset.GetLayer(0)], dtype=np.float32)
    theirs = KMeans(6, n_init=20, random_state=0).fit(vectors)
    found = fit_clusters(vectors, ClusterChoice(clusters=6), Silent())
    assert inertia(vectors.astype(np.float64), found.classes) <= 1.01 * theirs.inertia_
