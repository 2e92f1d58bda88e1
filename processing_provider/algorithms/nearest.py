"""Finds the most alike rows of an embedding table for each row of another."""

from __future__ import annotations

import os
from typing import Callable, Optional

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingOutputNumber,
    QgsProcessingParameterExpression,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterVectorDestination,
    QgsProviderRegistry,
    QgsVectorLayer,
)

from ...engine.table.parts import Table
from ..adapters.extent import read_extent
from ..adapters.features import FeatureTable, plain_geopackage, resolve_features, table_input
from ..adapters.feedback import FeedbackProgress
from ..adapters.filtered import FilteredSource
from ..adapters.outputs import table_destination
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import space_registry
from ..parameters.choice import choice
from ..parameters.number import real_number, whole_number
from ..parameters.running import MEMORY, declare_memory
from ..styles.on_load import style_on_load
from ..styles.relation_lines import RelationLinesStyle

INPUT = "INPUT"
TARGET = "TARGET"
NEIGHBOURS = "NEIGHBOURS"
EXCLUDE = "EXCLUDE"
EXTENT = "EXTENT"
EXPRESSION = "EXPRESSION"
INDEX = "INDEX"
INDEXES = ("exact", "approximate")
ID_FIELD = "ID_FIELD"
TARGET_ID_FIELD = "TARGET_ID_FIELD"
OUTPUT = "OUTPUT"
LINES = "LINES"


class Nearest(EarthprintAlgorithm):
    """Relates each row of a table with the most alike rows of another, or of itself."""

    ID = "nearest"
    TITLE = "Nearest in embedding"
    GROUP = "Explore"
    GROUP_ID = "explore"
    SUMMARY = (
        "For each feature of an embedding table, finds the most alike features of another table of the same space, or "
        "of the same table: which district of Sydney is most like this one of Melbourne? The result is a relation "
        "table with rank and score, and lines on the map on request. The search is exact unless asked otherwise.")
    TAGS = ("nearest", "neighbours", "similar", "search", "join", "match", "k-nn", "cosine")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Embedding table"),
                                                [QgsProcessing.SourceType.TypeVector]),
            self.tr("The table whose features look for neighbours; the selection of the layer is respected."))
        self.add(
            QgsProcessingParameterFeatureSource(TARGET, self.tr("Table to search"),
                                                [QgsProcessing.SourceType.TypeVector], None, True),
            self.tr("The table whose features are found; it must be of the same space. Empty: the first table itself. "
                    "Where both are one layer, no feature is its own neighbour."))
        self.add(
            whole_number(NEIGHBOURS, self.tr("Neighbours"), 5, 1, 10_000),
            self.tr("How many features to find for each; fewer where the filters leave fewer."))
        self.add(
            real_number(EXCLUDE, self.tr("Same ground (metres)"), 0.0, 0.0, 1e8),
            self.tr("Features whose middles are nearer than so many metres on the ground are no neighbours, since the "
                    "same ground is like itself. 0 = all count."))
        self.add(
            QgsProcessingParameterExtent(EXTENT, self.tr("Search only in this extent"), None, True),
            self.tr("Only features of the searched table whose geometry touches it are found. Without a CRS in "
                    "brackets the numbers are in that table's coordinates: xmin,xmax,ymin,ymax."))
        self.add(
            QgsProcessingParameterExpression(EXPRESSION, self.tr("Search only where"), "", TARGET, True),
            self.tr("Only features of the searched table for which this expression holds are found, such as "
                    "\"city\" = 'Sydney'."))
        self.add(
            choice(INDEX, self.tr("Index"), INDEXES, "exact"),
            self.tr("exact compares every pair. approximate builds an index (package usearch), worth it for thousands "
                    "of searches among millions of rows; the share of true neighbours that it finds on these data is "
                    "measured and told. It is kept beside a GeoPackage as .usearch and built anew when the table "
                    "changes. With EXTENT or EXPRESSION the search is exact."),
            advanced=True)
        self.add(
            QgsProcessingParameterField(ID_FIELD, self.tr("Id column"), None, INPUT, optional=True),
            self.tr("The column for source_id. Empty: fid where it is unique, else the feature id."), advanced=True)
        self.add(
            QgsProcessingParameterField(TARGET_ID_FIELD, self.tr("Id column of the searched table"), None, TARGET,
                                        optional=True),
            self.tr("The column for target_id. Empty: fid where it is unique, else the feature id."), advanced=True)
        declare_memory(self)
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Neighbours"),
                                                    QgsProcessing.SourceType.TypeVector),
            self.tr("A table with source_id, target_id, rank from 1, and score: the cosine, −1..1. Equal scores are in "
                    "the order of the searched table."))
        self.add(
            QgsProcessingParameterVectorDestination(LINES, self.tr("Lines between neighbours"),
                                                    QgsProcessing.SourceType.TypeVectorLine, None, True, False),
            self.tr("Optional: the same as lines between the features' middles, with their distance in metres; across "
                    "180° of longitude a line has two parts."))
        self.addOutput(QgsProcessingOutputNumber("RECALL", self.tr("Share of the true neighbours found (sample)")))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        source_id = self.parameterAsString(parameters, ID_FIELD, context)
        self._source = table_input(self, parameters, INPUT, context, space_registry(), source_id)
        self._filtered = False
        self._target = self._searched(parameters, context, source_id)
        searched = TARGET if parameters.get(TARGET) not in (None, "") else INPUT
        self._index_path = _index_path(plain_geopackage(self, parameters, searched, context))
        self._count = self.parameterAsInt(parameters, NEIGHBOURS, context)
        self._exclude = self.parameterAsDouble(parameters, EXCLUDE, context)
        self._index = self.parameterAsEnumString(parameters, INDEX, context)
        self._memory = self.parameterAsInt(parameters, MEMORY, context)
        self._output = table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context))
        lines = self.parameterAsOutputLayer(parameters, LINES, context)
        self._lines = table_destination(lines) if lines else ""

    def _searched(self, parameters: Parameters, context: QgsProcessingContext,
                  source_id: str) -> Optional[Callable[[], Table]]:
        """Return how to open the searched table; None where it is the first one, whole."""
        own = parameters.get(TARGET) in (None, "")
        name = INPUT if own else TARGET
        id_field = source_id if own else self.parameterAsString(parameters, TARGET_ID_FIELD, context)
        self._shared_ids = id_field == source_id and (own or self._one_layer(parameters, context))
        # As an expression, one that can't be read would be dropped without a word.
        expression = self.parameterAsString(parameters, EXPRESSION, context).strip()
        source = resolve_features(self, parameters, name, context)
        extent = read_extent(self, parameters, EXTENT, context, source.sourceCrs())
        if extent is None and not expression:
            return None if own else table_input(self, parameters, name, context, space_registry(), id_field)
        self._filtered = True
        scope = self.createExpressionContext(parameters, context, source)
        return lambda: FeatureTable(FilteredSource(source, extent, expression, scope, name), name, space_registry(),
                                    id_field)

    def _one_layer(self, parameters: Parameters, context: QgsProcessingContext) -> bool:
        """Tell whether both tables are of one layer, as when its selection is compared with all of it."""
        first, second = (self._layer(parameters, name, context) for name in (INPUT, TARGET))
        if first is None or second is None:
            return False
        if first.id() == second.id():
            return True
        if first.providerType() != "ogr" or second.providerType() != "ogr":
            return False
        places = [QgsProviderRegistry.instance().decodeUri("ogr", layer.source()) for layer in (first, second)]
        names = {place["layerName"] for place in places if isinstance(place.get("layerName"), str)} - {""}
        return len({os.path.realpath(str(place.get("path"))) for place in places}) == 1 and len(names) < 2

    def _layer(self, parameters: Parameters, name: str, context: QgsProcessingContext) -> Optional[QgsVectorLayer]:
        """Return the layer behind a parameter, also where only its selection counts."""
        value = parameters.get(name)
        if isinstance(value, QgsProcessingFeatureSourceDefinition):
            value = value.source.staticValue()
        return self.parameterAsVectorLayer({name: value}, name, context)

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Search."""
        from ...engine.analyses.nearest.run import NearestRequest, find_nearest

        target = self._target() if self._target is not None else None
        result = find_nearest(NearestRequest(
            self._source(), self._output, target, self._count, self._exclude, self._index, self._index_path,
            self._filtered, self._shared_ids, self._lines, self._memory), progress)
        outputs = {"OUTPUT": self._output, "RECALL": result.recall}
        if self._lines:
            style_on_load(context, self._lines, RelationLinesStyle())
            outputs[LINES] = self._lines
        return outputs


def _index_path(source: str) -> str:
    """Return where the index of a GeoPackage's layer lies, empty where the table is no file of its own."""
    if not source:
        return ""
    path, _, option = source.partition("|")
    layer = option.partition("layername=")[2].split("|")[0]
    stem = path[:-len(".gpkg")]
    safe = "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in layer)
    return "{}{}.usearch".format(stem, "-" + safe if safe else "")
