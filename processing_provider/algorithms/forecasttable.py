"""Takes a table of units and dates some steps ahead."""

from __future__ import annotations

import math

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterVectorDestination,
)

from ..adapters.feedback import FeedbackProgress
from ..adapters.file_destination import file_destination
from ..adapters.outputs import table_destination
from ..adapters.rows_input import rows_input
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..environment import space_registry
from ..parameters.learning import (
    TRANSFORM,
    WARNINGS,
    declare_interval,
    declare_model,
    declare_report,
    declare_transform,
    read_fields,
    read_interval,
)
from ..parameters.number import whole_number
from ..parameters.running import SEED, declare_seed
from ..parameters.training import COLUMNS, INPUT, MODEL, REPORT, TARGET
from ..styles.on_load import style_on_load
from ..styles.prediction import PredictionRowsStyle

ID_FIELD = "ID_FIELD"
DATE_FIELD = "DATE_FIELD"
STEPS = "STEPS"
LAGS = "LAGS"
ORIGINS = "ORIGINS"
OUTPUT = "OUTPUT"
_FIELD = QgsProcessingParameterField.DataType


class ForecastTable(EarthprintAlgorithm):
    """Tells what comes after the last date, and how far off that was before."""

    ID = "forecasttable"
    TITLE = "Forecast table"
    GROUP = "Predict"
    GROUP_ID = "predict"
    SUMMARY = (
        "Takes a table that holds the same units at several dates one or more steps ahead, from the past of each unit "
        "and its embedding. It forecasts from past moments by what was known then, and sets its errors beside those of "
        "the last value, the unit's mean and the same season before.")
    TAGS = ("forecast", "time series", "panel", "autoregression", "lag", "season", "nowcast", "predict", "trend")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterFeatureSource(INPUT, self.tr("Embedding table"),
                                                [QgsProcessing.SourceType.TypeVector]),
            self.tr("A table with a row for each unit and date. The vector of a unit may be the same on all dates or "
                    "change; a forecast sees the latest known one. Its filter and selection are respected."))
        self.add(
            QgsProcessingParameterField(TARGET, self.tr("Target"), None, INPUT, _FIELD.Numeric),
            self.tr("The column of numbers to forecast. Missing values are never invented to learn from."))
        self.add(
            QgsProcessingParameterField(ID_FIELD, self.tr("Column that names the unit"), None, INPUT, _FIELD.Any),
            self.tr("The column whose value is the same for one unit at every date."))
        self.add(
            QgsProcessingParameterField(DATE_FIELD, self.tr("Column of dates"), None, INPUT, _FIELD.Any),
            self.tr("Dates, years, or texts such as 2023-05-14, 2023-05 or 2023, with a regular step of days, weeks, "
                    "months, quarters or years. Some dates may be missing; a unit has each date once."))
        self.add(
            whole_number(STEPS, self.tr("Steps ahead"), 1, 1, 1000),
            self.tr("How many steps after the last date with a value to forecast, each by a model of its own."))
        self.add(
            whole_number(LAGS, self.tr("Past values (0 = by the step)"), 0, 0, 1000),
            self.tr("How many past values a forecast sees. 0: 3 years, 4 quarters, 6 months, 4 weeks or 7 days, fewer "
                    "where there are few dates. A season is seen beside them where there are two."), advanced=True)
        self.add(
            QgsProcessingParameterField(COLUMNS, self.tr("Further columns"), None, INPUT, _FIELD.Any, True, True),
            self.tr("Columns that help, as last known before the forecast: numbers, or texts as categories."),
            advanced=True)
        declare_model(self)
        declare_transform(self)
        self.add(
            whole_number(ORIGINS, self.tr("Past moments to try"), 5, 1, 100),
            self.tr("From how many of the last dates to forecast as if what followed were not known, to learn how good "
                    "the forecast is. Fewer where there are few dates."), advanced=True)
        declare_interval(self, self.tr(
            "How many of 100 true values shall lie between lower and upper, 50 to 99, by the errors at past moments; 0 "
            "leaves the two out."))
        declare_seed(self)
        self.add(
            QgsProcessingParameterVectorDestination(OUTPUT, self.tr("Forecast"),
                                                    QgsProcessing.SourceType.TypeVectorAnyGeometry),
            self.tr("A row for each unit and step, with the columns ID_FIELD and DATE_FIELD (the date that is to "
                    "come), step, predicted, lower and upper, and the unit's geometry."))
        declare_report(self, self.tr(
            "A page that says how far off each step was at past moments, beside what needs no model, with a chart of "
            "what comes."))
        for name, text in (("ROWS", self.tr("Rows forecast")), ("UNITS", self.tr("Units forecast")),
                           ("RMSE", self.tr("RMSE at past moments")),
                           ("RMSE_LAST", self.tr("RMSE of the last value")),
                           ("SKILL", self.tr("Share of the last value's squared error that is gone")),
                           ("COVERAGE", self.tr("Share of truths in intervals at past moments"))):
            self.addOutput(QgsProcessingOutputNumber(name, text))
        self.addOutput(QgsProcessingOutputString("STEP", self.tr("Step of the dates")))

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layer."""
        self._rows = rows_input(self, parameters, INPUT, context)
        texts = {name.lower(): self.parameterAsString(parameters, name, context).strip()
                 for name in (TARGET, ID_FIELD, DATE_FIELD)}
        numbers = {name.lower(): self.parameterAsInt(parameters, name, context)
                   for name in (STEPS, LAGS, ORIGINS, SEED)}
        self._options = {
            **texts, **numbers, "columns": read_fields(self, parameters, COLUMNS, context),
            "model": self.parameterAsEnumString(parameters, MODEL, context),
            "transform": self.parameterAsEnumString(parameters, TRANSFORM, context),
            "interval": read_interval(self, parameters, context), "registry": space_registry(),
            "output": table_destination(self.parameterAsOutputLayer(parameters, OUTPUT, context)),
            "report": file_destination(self, parameters, REPORT, ".html", context)}

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Forecast."""
        from ...engine.forecasting.request import ForecastRequest
        from ...engine.forecasting.run import forecast

        request = ForecastRequest(rows=self._rows(), **self._options)
        result = forecast(request, progress)
        style_on_load(context, request.output, PredictionRowsStyle(()))
        found: Outputs = {OUTPUT: request.output, "ROWS": result.rows, "UNITS": result.units, "STEP": result.step,
                          "RMSE": result.rmse, "RMSE_LAST": result.rmse_last, WARNINGS: "\n".join(result.warnings)}
        found.update({name: value for name, value in (("SKILL", result.skill), ("COVERAGE", result.coverage))
                      if not math.isnan(value)})
        if request.report:
            found[REPORT] = request.report
        return found
