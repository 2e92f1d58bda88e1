"""No list of columns hangs on a layer that may be a raster: choosing one would end QGIS 3.22."""

from __future__ import annotations

import pytest

pytest.importorskip("qgis.core")
from qgis.core import (
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterVectorLayer,
)


def test_columns_belong_to_vector_layers_alone(provider):
    seen = 0
    for algorithm in provider.algorithms():
        for parameter in algorithm.parameterDefinitions():
            if isinstance(parameter, QgsProcessingParameterField) and parameter.parentLayerParameterName():
                parent = algorithm.parameterDefinition(parameter.parentLayerParameterName())
                kinds = (QgsProcessingParameterFeatureSource, QgsProcessingParameterVectorLayer)
                assert isinstance(parent, kinds), (algorithm.id(), parameter.name())
                seen += 1
    assert seen > 10
