"""Finds what changed between embedding rasters of several dates."""

from __future__ import annotations

from typing import Any, List, Tuple

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from ..adapters.feedback import FeedbackProgress
from ..adapters.outputs import table_destination
from ..adapters.raster import RasterInput, resolve_raster, resolve_rasters
from ..algorithm import EarthprintAlgorithm, Outputs, Parameters
from ..encoder_folders import encoder_folders
from ..parameters.change import (
    declare_change_method,
    declare_change_sample,
    declare_threshold,
    read_change_choices,
    stable_problem,
)
from ..parameters.number import real_number, whole_number
from ..parameters.running import declare_memory, declare_seed
from ..styles.change import ChangedStyle, DirectionStyle, MagnitudeStyle, OutlineStyle
from ..styles.on_load import style_on_load

BEFORE = "BEFORE"
AFTER = "AFTER"
INPUTS = "INPUTS"
DATES = "DATES"
TOLERANCE = "TOLERANCE"
MIN_AREA = "MIN_AREA"
MEMORY = "MEMORY"
OUTPUT = "OUTPUT"
DIRECTION = "DIRECTION"
CHANGED = "CHANGED"
POLYGONS = "POLYGONS"
METHODS = ("cosine", "euclidean", "standardised", "irmad", "history")


class ChangeRaster(EarthprintAlgorithm):
    """Tells how much each cell changed between dates, where that counts as change, and of which kind it is."""

    ID = "changeraster"
    TITLE = "Change between rasters"
    GROUP = "Explore"
    GROUP_ID = "explore"
    SUMMARY = (
        "Finds what changed between two embedding rasters of the same ground, or, with four dates and more, which "
        "cells depart from their own history. Makes a raster of magnitudes and, where wanted, a mask of what changed, "
        "its outlines with area, and the kind of change as colours. Embed all dates with one encoder first.")
    TAGS = ("change detection", "difference", "before", "after", "time", "irmad", "otsu", "deforestation", "damage")

    def declare(self) -> None:
        """Add parameters and outputs."""
        self.add(
            QgsProcessingParameterRasterLayer(BEFORE, self.tr("Embedding raster before"), None, True),
            self.tr("The earlier of two dates. Its grid is the grid of the result. Give BEFORE and AFTER, or INPUTS."))
        self.add(
            QgsProcessingParameterRasterLayer(AFTER, self.tr("Embedding raster after"), None, True),
            self.tr("The later date, made by the same encoder. Where its grid differs, it is brought onto that of "
                    "BEFORE and the log says how; only ground that both cover is compared."))
        self.add(
            QgsProcessingParameterMultipleLayers(INPUTS, self.tr("Embedding rasters of several dates"),
                                                 QgsProcessing.SourceType.TypeRaster, None, True),
            self.tr("In place of BEFORE and AFTER: two dates, or four and more for the method history. They are "
                    "ordered by DATES."))
        self.add(
            QgsProcessingParameterString(DATES, self.tr("Dates"), "", False, True),
            self.tr("The date of each raster in INPUTS, separated by semicolons, such as 2019;2020;2021;2022 or "
                    "2023-05-14;2023-08-02. Empty: the rasters are in order of time."))
        declare_change_method(self, METHODS, "standardised", self.tr(
            "How different two vectors are. standardised: every dimension in units of its usual difference, so that "
            "what changes everywhere (light, season) counts less; 1 is as different as usual; it suits vectors of "
            "every kind. cosine: 1 − cosine of the angle, 0 to 2; for vectors of length 1, such as AlphaEarth's. "
            "euclidean: the length of the difference. irmad: what even the best linear "
            "match of the dates can't explain (iteratively reweighted multivariate alteration detection), the square "
            "root of a chi-square; withstands differences of light and calibration. history: four dates and more, "
            "each cell's dates against that cell's other dates; 3 and more is unusual for the place."))
        declare_threshold(self)
        self.add(
            whole_number(TOLERANCE, self.tr("Tolerance in cells"), 0, 0, 10),
            self.tr("Forgives a shift of so many cells between the dates: a cell counts as changed only if its vector "
                    "has no match nearby at the other date. 1 costs about nine times the time of 0."))
        self.add(
            real_number(MIN_AREA, self.tr("Least area in m²"), 0.0, 0.0),
            self.tr("Patches of changed cells (joined by their sides) with less ground than this count as unchanged in "
                    "CHANGED, POLYGONS and DIRECTION."))
        declare_change_sample(self)
        declare_seed(self)
        declare_memory(self)
        self.add(
            QgsProcessingParameterRasterDestination(OUTPUT, self.tr("Magnitude of change")),
            self.tr("The magnitude of each cell. For history: the largest score of any date, the number of that date, "
                    "and the score of each date."))
        self.add(
            QgsProcessingParameterRasterDestination(CHANGED, self.tr("Changed or not"), None, True, False),
            self.tr("1 unchanged, 2 changed, 0 nodata."))
        self.add(
            QgsProcessingParameterVectorDestination(
                POLYGONS, self.tr("Outlines of change"), QgsProcessing.SourceType.TypeVectorPolygon, None, True, False),
            self.tr("A polygon for each patch that changed, with the number of cells, the area on the ground in m² and "
                    "the mean magnitude."))
        self.add(
            QgsProcessingParameterRasterDestination(DIRECTION, self.tr("Direction of change"), None, True, False),
            self.tr("The kind of change as a colour: the first three principal components of the differences as red, "
                    "green and blue, 0 where nothing changed. Like colours are like changes; the colours of two runs "
                    "don't compare."))
        self.addOutput(QgsProcessingOutputNumber("THRESHOLD_OUT", self.tr("Threshold used")))
        self.addOutput(QgsProcessingOutputNumber("COMPARED", self.tr("Cells compared")))
        self.addOutput(QgsProcessingOutputNumber("CHANGED_CELLS", self.tr("Cells changed")))
        self.addOutput(QgsProcessingOutputNumber("CHANGED_AREA", self.tr("Ground that changed in m²")))

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Catch inputs that don't go together before anything is opened."""
        two = [name for name in (BEFORE, AFTER) if parameters.get(name) not in (None, "")]
        several = parameters.get(INPUTS) not in (None, "", [])
        if several and two:
            return self.tr("Give either BEFORE and AFTER, or INPUTS: {names} and INPUTS are given.").format(
                names=" and ".join(two))
        if not several and len(two) < 2:
            return self.tr("Give BEFORE and AFTER, two embedding rasters, or INPUTS: {missing} is missing.").format(
                missing=AFTER if two == [BEFORE] else BEFORE)
        return stable_problem(self, parameters, context)

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve the layers."""
        self._rasters, self._labels = self._dates(parameters, context)
        self._choices = read_change_choices(self, parameters, context, self._rasters[0].crs)
        self._output = self.parameterAsOutputLayer(parameters, OUTPUT, context)
        self._paths = {name: self.parameterAsOutputLayer(parameters, name, context) or ""
                       for name in (DIRECTION, CHANGED, POLYGONS)}
        self._plain = {"tolerance": self.parameterAsInt(parameters, TOLERANCE, context),
                       "least_area": self.parameterAsDouble(parameters, MIN_AREA, context),
                       "memory_mib": self.parameterAsInt(parameters, MEMORY, context)}

    def _dates(self, parameters: Parameters, context: QgsProcessingContext) -> "Tuple[List[RasterInput], Any]":
        """Return the rasters in order of time, and what their dates are called."""
        from ...engine.analyses.change.dates import order_of

        if parameters.get(INPUTS) in (None, "", []):
            return [resolve_raster(self, parameters, name, context) for name in (BEFORE, AFTER)], ("before", "after")
        rasters = resolve_rasters(self, parameters, INPUTS, context)
        order, labels = order_of(self.parameterAsString(parameters, DATES, context),
                                 [raster.name for raster in rasters])
        return [rasters[place] for place in order], labels

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Compare."""
        from ...engine.analyses.change.raster import detect_change
        from ...engine.analyses.change.request import ChangeRequest

        polygons = table_destination(self._paths[POLYGONS]) if self._paths[POLYGONS] else ""
        result = detect_change(ChangeRequest(
            tuple(raster.dataset(progress) for raster in self._rasters), self._output, self._choices.options(progress),
            self._labels, direction=self._paths[DIRECTION], changed=self._paths[CHANGED], polygons=polygons,
            encoders=encoder_folders(), **self._plain), progress)
        style_on_load(context, self._output, MagnitudeStyle(result.threshold))
        outputs = {OUTPUT: self._output, "THRESHOLD_OUT": result.threshold, "COMPARED": result.compared,
                   "CHANGED_CELLS": result.changed, "CHANGED_AREA": result.area}
        for name, style in ((CHANGED, ChangedStyle()), (DIRECTION, DirectionStyle()), (POLYGONS, OutlineStyle())):
            if self._paths[name]:
                style_on_load(context, self._paths[name], style)
                outputs[name] = polygons if name == POLYGONS else self._paths[name]
        return outputs
