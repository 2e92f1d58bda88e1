"""Finds what changed between the dates of embedding tables."""

from __future__ import annotations

from typing import Any, Callable, Optional

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterVectorDestination,
)

from ...engine.table import Table
from ..adapters.features import resolve_features, table_input
from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import table_destination
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..encoder_folders import encoder_folders
from ..environment import space_registry
from ..parameters.change import declare_change_method, declare_threshold, read_change_choices, stable_problem
from ..parameters.running import declare_seed
from ..styles.change import ChangedRowsStyle
from ..styles.on_load import style_on_load

INPUT = "INPUT"
ID_FIELD = "ID_FIELD"
DATE_FIELD = "DATE_FIELD"
BEFORE = "BEFORE"
AFTER = "AFTER"
OUTPUT = "OUTPUT"
METHODS = ("cosine", "euclidean", "standardised", "history")


class ChangeTable(EarthprintAlgorithm):
    """Tells how much the vector of each place changed from one date to the next."""

    ID = "changetable"
    TITLE = "Change between rows"
    GROUP = "Explore"
    GROUP_ID = "explore"
    SUMMARY = (
        "Finds what changed in an embedding table that holds the same places at several dates: the distance between "
        "consecutive dates of each id, or each date against the history of its id. Two tables with ids in common work "
        "too. Rows keep their attributes and order and get a column change.")
    TAGS = ("change detection", "difference", "before", "after", "time", "consecutive dates")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Embedding table"),
                                                [QgsProcessing.SourceType.TypeVector], None, True),
            self.tr("A table with a row for each place and date. Give this with ID_FIELD and DATE_FIELD, or BEFORE and "
                    "AFTER."))
        self.add(
            QgsProcessingParameterField(ID_FIELD, self.tr("Column that names the place"), None, INPUT, optional=True),
            self.tr("The column whose value is the same for one place at every date. With BEFORE and AFTER, the column "
                    "that both have; empty then means the feature id."))
        self.add(
            QgsProcessingParameterField(DATE_FIELD, self.tr("Column of dates"), None, INPUT, optional=True),
            self.tr("Dates, date-times, years, or texts such as 2023 or 2023-05-14. A place may have each date once."))
        self.add(
            QgsProcessingParameterFeatureSource(BEFORE, self.tr("Embedding table before"),
                                                [QgsProcessing.SourceType.TypeVector], None, True),
            self.tr("In place of INPUT: the table of the earlier date."))
        self.add(
            QgsProcessingParameterFeatureSource(AFTER, self.tr("Embedding table after"),
                                                [QgsProcessing.SourceType.TypeVector], None, True),
            self.tr("The table of the later date, whose rows become the result."))
        declare_change_method(self, METHODS, "cosine", self.tr(
            "How different two vectors are. cosine: 1 − cosine of the angle, 0 to 2; it needs no other rows. "
            "euclidean: the length of the difference. standardised: every dimension in units of its usual difference "
            "over all rows; 1 is as different as usual; better for vectors of automatic encoders, where there are "
            "some dozen rows and more. history: each date of an id against its other dates, where there are four and "
            "more; 3 and more is unusual for the place."))
        declare_threshold(self)
        declare_seed(self)
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Change"), QgsProcessing.SourceType.TypeVector),
            self.tr("The rows with the columns change (the magnitude; NULL at the first date of an id), changed (yes "
                    "where it reaches the threshold) and previous (the date it is compared with)."))
        self.addOutput(QgsProcessingOutputNumber("THRESHOLD_OUT", self.tr("Threshold used")))
        self.addOutput(QgsProcessingOutputNumber("COMPARED", self.tr("Rows with a magnitude")))
        self.addOutput(QgsProcessingOutputNumber("CHANGED_ROWS", self.tr("Rows that changed")))

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Catch inputs that don't go together before anything is opened."""
        two = [name for name in (BEFORE, AFTER) if parameters.get(name) not in (None, "")]
        one = parameters.get(INPUT) not in (None, "")
        if one and two:
            return self.tr("Give either INPUT, or BEFORE and AFTER: {names} and INPUT are given.").format(
                names=" and ".join(two))
        if not one and len(two) < 2:
            return self.tr("Give INPUT, a table of several dates, or BEFORE and AFTER: {missing} is missing.").format(
                missing=AFTER if two == [BEFORE] else BEFORE if two else INPUT)
        missing = [name for name in (ID_FIELD, DATE_FIELD) if parameters.get(name) in (None, "", [])]
        if one and missing:
            return self.tr("{names} must name the columns that say which rows are the same place at another "
                           "date.").format(names=" and ".join(missing))
        return stable_problem(self, parameters, context)

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        last = INPUT if parameters.get(INPUT) not in (None, "") else AFTER
        self._table = self._source(parameters, last, context)
        self._before: Optional[Callable[[], Table]] = None
        if last == AFTER:
            self._before = self._source(parameters, BEFORE, context)
        self._choices = read_change_choices(self, parameters, context,
                                            resolve_features(self, parameters, last, context).sourceCrs())
        self._fields = {"id_field": self.parameterAsString(parameters, ID_FIELD, context),
                        "date_field": self.parameterAsString(parameters, DATE_FIELD, context) if last == INPUT else ""}
        self._output = table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context))

    def _source(self, parameters: Parameters, name: str, context: QgsProcessingContext) -> Callable[[], Any]:
        """Return how to open a table."""
        return table_input(self, parameters, name, context, space_registry())

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Compare."""
        from ...engine.analyses.change.request import TableChangeRequest
        from ...engine.analyses.change.table import detect_table_change

        result = detect_table_change(TableChangeRequest(
            self._table(), self._output, before=self._before() if self._before is not None else None,
            options=self._choices.options(progress), encoders=encoder_folders(), registry=space_registry(),
            **self._fields), progress)
        style_on_load(context, self._output, ChangedRowsStyle())
        return {OUTPUT: self._output, "THRESHOLD_OUT": result.threshold, "COMPARED": result.compared,
                "CHANGED_ROWS": result.changed}
