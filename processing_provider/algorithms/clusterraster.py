"""Groups the cells of an embedding raster into clusters."""

from __future__ import annotations

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
)

from ..adapters.extent import bounds, read_extent
from ..adapters.feedback import FeedbackProgress
from ..adapters.mask import resolve_mask
from ..adapters.raster import resolve_raster
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..cluster_inputs import cluster_outputs, read_cluster_inputs
from ..parameters.clustering import declare_cluster_results, declare_clustering
from ..parameters.region import EXTENT, MASK, declare_region
from ..parameters.running import MEMORY, declare_memory
from ..styles.cluster_raster import ClusterRasterStyle
from ..styles.on_load import style_on_load

INPUT = "INPUT"
OUTPUT = "OUTPUT"
METHODS = ("kmeans", "spherical", "gmm", "hdbscan")


class ClusterRaster(EarthprintAlgorithm):
    """Groups cells whose vectors are alike, and says of each group what it is made of."""

    ID = "clusterraster"
    TITLE = "Cluster raster"
    GROUP = "Explore"
    GROUP_ID = "explore"
    SUMMARY = (
        "Groups the cells of an embedding raster by how alike they are: a map of what is there, without any labels. "
        "The result is a class raster with colours and names; on request a table of the clusters, a model that gives "
        "another scene or year the same clusters, and a report. k-means works without anything to install, on rasters "
        "larger than memory.")
    TAGS = ("cluster", "k-means", "kmeans", "unsupervised", "classification", "segmentation", "groups", "hdbscan",
            "gaussian mixture")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterRasterLayer(INPUT, self.tr("Embedding raster")),
            self.tr("The raster to group: made by “Embed raster”, a published product such as AlphaEarth, or any "
                    "multiband raster, with STANDARDISE for raw bands."))
        declare_clustering(self, METHODS, self.tr(
            "kmeans: each cell goes to the nearest centre. spherical: the same by direction alone, which suits "
            "embeddings that are compared by cosine. gmm: a Gaussian mixture, for groups of different size and shape. "
            "hdbscan: groups are dense regions found in a sample; what lies in none of them gets a last class, "
            "“Unassigned” (0 is nodata). gmm and hdbscan need scikit-learn."))
        declare_region(self)
        declare_memory(self)
        self.add(
            QgsProcessingParameterRasterDestination(OUTPUT, self.tr("Clusters")),
            self.tr("A GeoTIFF of class numbers 1 to k with colours and names, 0 where there is no data. Numbers go by "
                    "size in the sample, the largest first."))
        declare_cluster_results(self, self.tr("cells"))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        self._raster = resolve_raster(self, parameters, INPUT, context)
        self._extent = bounds(read_extent(self, parameters, EXTENT, context, self._raster.crs))
        self._mask = resolve_mask(self, parameters, MASK, context, self._raster.crs)
        self._inputs = read_cluster_inputs(self, parameters, context, False)
        self._memory = self.parameterAsInt(parameters, MEMORY, context)
        self._output = self.parameterAsOutputLayer(parameters, OUTPUT, context)

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Group."""
        from ...engine.analyses.clusters.raster import cluster_raster
        from ...engine.analyses.clusters.request import ClusterRasterRequest

        mask = self._mask.polygons(progress) if self._mask is not None else None
        request = ClusterRasterRequest(
            self._raster.dataset(progress), self._output, self._inputs.choice, self._inputs.reuse, self._extent, mask,
            self._memory, self._inputs.extras)
        result = cluster_raster(request, progress)
        style_on_load(context, self._output, ClusterRasterStyle(result.classes))
        return dict(cluster_outputs(result, self._inputs, context), OUTPUT=self._output)
