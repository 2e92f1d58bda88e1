"""Stands between the page of dates, the session and the tasks: a click on the map becomes a curve over time."""

from __future__ import annotations

from typing import Dict, List, Optional, Tuple

from qgis.core import QgsPointXY, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QDate, QObject, Qt

from ...engine.errors import EarthprintError
from ...engine.inspecting.date_names import as_year
from ...engine.space import parse_key
from ...processing_provider.adapters.raster import raster_input
from ..background import Latest
from ..canvas.place_mark import PlaceMark
from ..canvas.pointer_tool import PointerTool
from .kept_timeline import keep_timeline
from .remembered import remember, remembered
from .session import InspectorSession, Place
from .subject import FieldSubject, may_hold_embeddings
from .time_plot import Curve, Timeline
from .time_widget import DatedRow, TimeWidget
from .time_work import (
    Curves,
    CurvesRequest,
    RasterAsked,
    RasterFound,
    UsualRequest,
    draw_curves,
    find_usual,
    look_through,
)

BAND = "time/band"
DATE_PROPERTY = "earthprint/date"
PIN = "B"


class TimeController(QObject):
    """Draws how the place that was clicked, and the pinned one, moved away from a date."""

    def __init__(self, widget: TimeWidget) -> None:
        """Connect the widget; the session comes with `start`."""
        super().__init__(widget)
        self._widget = widget
        self._session: Optional[InspectorSession] = None
        self._tool: Optional[PointerTool] = None
        self._marks: Dict[str, PlaceMark] = {}
        self._asked: Tuple[RasterAsked, ...] = ()
        self._rasters: List[RasterFound] = []
        self._used: Dict[str, bool] = {}
        self._shown: Optional[Curves] = None
        self._shown_for: Optional[CurvesRequest] = None
        self._usual: Dict[str, Tuple[float, float]] = {}
        self._usual_of: Optional[UsualRequest] = None
        self.listing = Latest(self.tr("Looking for dates"), look_through, self, patience_ms=0)
        self.listing.done.connect(self._listed)
        self.drawing = Latest(self.tr("Reading dates at a place"), draw_curves, self, patience_ms=0)
        self.drawing.done.connect(self._drawn)
        self.drawing.failed.connect(self._failed)
        # The usual change takes longer than a curve and stays the same from click to click.
        self.comparing = Latest(self.tr("Reading the usual change"), find_usual, self, patience_ms=0)
        self.comparing.done.connect(self._compared)
        self.comparing.failed.connect(self._not_compared)
        for work in (self.drawing, self.comparing):
            work.busy_changed.connect(self._show_busy)
        widget.set_band(remembered(BAND, True))
        widget.rasters_changed.connect(self._rasters_edited)
        widget.reference_changed.connect(self._draw)
        widget.band_toggled.connect(self._band_toggled)
        widget.pin_asked.connect(self._pin)
        widget.unpin_asked.connect(self._unpin)
        widget.keep_asked.connect(self._keep)

    def start(self, session: InspectorSession, tool: PointerTool) -> None:
        """Begin to follow."""
        self._session, self._tool = session, tool
        self._marks = {letter: PlaceMark(session.canvas, letter) for letter in ("A", PIN)}
        session.subject_changed.connect(self._subject_changed)
        session.place_changed.connect(self._place_changed)
        session.pinned.connect(self._pinned)
        session.view_changed.connect(self._view_changed)
        session.canvas.destinationCrsChanged.connect(self._mark)
        tool.clicked.connect(self._clicked)
        project = QgsProject.instance()
        project.layersAdded.connect(self._list)
        project.layersRemoved.connect(self._list)
        self._subject_changed()

    def stop(self) -> None:
        """Let go of everything."""
        session, tool = self._session, self._tool
        if session is None or tool is None:
            return
        session.subject_changed.disconnect(self._subject_changed)
        session.place_changed.disconnect(self._place_changed)
        session.pinned.disconnect(self._pinned)
        session.view_changed.disconnect(self._view_changed)
        session.canvas.destinationCrsChanged.disconnect(self._mark)
        tool.clicked.disconnect(self._clicked)
        project = QgsProject.instance()
        project.layersAdded.disconnect(self._list)
        project.layersRemoved.disconnect(self._list)
        for work in (self.listing, self.drawing, self.comparing):
            work.stop()
        for mark in self._marks.values():
            mark.clear()
        self._marks = {}
        self._session = self._tool = None

    def shown(self) -> Optional[Curves]:
        """Return the curves that are drawn."""
        return self._shown

    # ---- which rasters

    def _subject_changed(self) -> None:
        """List the rasters for another subject."""
        self.drawing.stop()
        self.comparing.stop()
        self._usual_of = None
        self._clear("")
        self._asked, self._rasters = (), []
        self._widget.show_rasters(())
        self._widget.show_references((), "")
        subject = self._session.subject
        if subject is not None and not isinstance(subject, FieldSubject):
            self._clear(self.tr("“{name}” is a table: choose an embedding raster, or use the algorithm “Change in "
                                "table” for the dates of a table.").format(name=subject.name))
        self._list()

    def _list(self, *_ignored: object) -> None:
        """Look which rasters of the project have embeddings, and of which date."""
        if self._session is None or not isinstance(self._session.subject, FieldSubject):
            self.listing.stop()
            return
        asked = []
        for layer in QgsProject.instance().mapLayers().values():
            if not isinstance(layer, QgsRasterLayer) or not may_hold_embeddings(layer):
                continue
            try:
                path = raster_input(layer, layer.name(), None, 0.0).path
            except EarthprintError:
                continue
            if path:
                asked.append(RasterAsked(layer.id(), layer.name(), path, _stated_date(layer)))
        if tuple(asked) != self._asked:
            self._asked = tuple(asked)
            self.listing.stop()
            self.listing.ask(self._asked)

    def _listed(self, _asked: object, found: List[RasterFound]) -> None:
        """Show the rasters in the order of their dates; those of the subject's space take part."""
        if self._session is None or not isinstance(self._session.subject, FieldSubject):
            return
        self._rasters = sorted(found, key=lambda raster: (as_year(raster.date) is None, as_year(raster.date) or 0.0,
                                                          raster.name))
        space = self._session.subject.space_key
        rows = [DatedRow(raster.layer_id, raster.name, raster.date, self._used.get(
            raster.layer_id, space.same_space(parse_key(raster.key)) and as_year(raster.date) is not None))
            for raster in self._rasters]
        self._widget.show_rasters(rows)
        self._offer_references()
        self._draw()

    def _rasters_edited(self) -> None:
        """Take over what was ticked or written, and keep written dates with their layers."""
        by_id = {raster.layer_id: raster for raster in self._rasters}
        changed = []
        for row in self._widget.rows():
            raster = by_id.get(row.layer_id)
            if raster is None:
                continue
            self._used[row.layer_id] = row.used
            if row.date != raster.date:
                layer = QgsProject.instance().mapLayer(row.layer_id)
                if layer is not None:
                    layer.setCustomProperty(DATE_PROPERTY, row.date)
            changed.append(RasterFound(raster.layer_id, raster.name, raster.path, raster.key, row.date))
        self._rasters = changed
        self._offer_references()
        self._draw()

    def _taking_part(self) -> List[RasterFound]:
        """Return the rasters that are ticked."""
        used = {row.layer_id for row in self._widget.rows() if row.used}
        return [raster for raster in self._rasters if raster.layer_id in used]

    def _offer_references(self) -> None:
        """Offer the dates that take part, the earliest first, and keep the chosen one."""
        dated = sorted((raster for raster in self._taking_part() if as_year(raster.date) is not None),
                       key=lambda raster: as_year(raster.date))
        self._widget.show_references([(raster.layer_id, raster.date) for raster in dated],
                                     self._widget.wanted_reference())

    # ---- the curves

    def _draw(self, *_ignored: object) -> None:
        """Have the curves drawn for what is chosen now."""
        self.drawing.stop()
        session = self._session
        if session is None or not isinstance(session.subject, FieldSubject):
            return
        places = self._places()
        self._show_places(places)
        if not places:
            self._clear(self.tr("Click the map to see how that place changed."))
            return
        rasters = tuple(self._taking_part())
        wanted = self._widget.wanted_reference()
        reference = next((raster.path for raster in rasters if raster.layer_id == wanted),
                         rasters[0].path if rasters else "")
        self.drawing.ask(CurvesRequest(rasters, reference, places, session.subject.crs))

    def _places(self) -> "Tuple[Tuple[str, Place], ...]":
        """Return the place looked at and the pinned one with their letters, as far as their CRS is the subject's."""
        session = self._session
        named = (("A", session.place), (PIN, session.pins.get(PIN)))
        return tuple((letter, place) for letter, place in named
                     if place is not None and place.crs == session.subject.crs)

    def _drawn(self, request: CurvesRequest, found: Curves) -> None:
        """Show curves."""
        if self._session is None or not isinstance(self._session.subject, FieldSubject):
            return
        self._shown, self._shown_for = found, request
        self._ask_usual()
        self._show_curves()
        self._widget.show_sentence(" ".join(found.remarks) or self._without(found))

    def _show_curves(self) -> None:
        """Show the curves, and the usual change where it is known."""
        found = self._shown
        line = found.curves[0].line
        title = (self.tr("Cosine distance to {date}") if line.metric == "cosine"
                 else self.tr("Euclidean distance to {date}")).format(date=line.dates[line.reference])
        curves = tuple(Curve(curve.letter, tuple(curve.line.distances.tolist())) for curve in found.curves)
        band = tuple(self._usual.get(path, (float("nan"), float("nan"))) for path in line.paths) if self._usual else ()
        self._widget.show_timeline(Timeline(line.dates, tuple(as_year(date) or 0.0 for date in line.dates),
                                            line.reference, curves, band, title))

    def _ask_usual(self) -> None:
        """Have the usual change read, unless it is wanted no more or known already."""
        request = self._shown_for
        view = self._session.view() if self._widget.band.isChecked() else None
        if view is None or request is None:
            self.comparing.stop()
            self._usual, self._usual_of = {}, None
            return
        wanted = UsualRequest(tuple(raster.path for raster in request.rasters), request.reference, request.crs,
                              view.extent)
        if wanted != self._usual_of:
            self.comparing.stop()
            self._usual, self._usual_of = {}, wanted
            self.comparing.ask(wanted)

    def _compared(self, request: UsualRequest, found: "Dict[str, Tuple[float, float]]") -> None:
        """Show the usual change behind the curves."""
        if request == self._usual_of:
            self._usual = found
            if self._shown is not None:
                self._show_curves()

    def _not_compared(self, _request: UsualRequest, sentence: str) -> None:
        """Say why there is no usual change; the curves stay."""
        self._widget.show_sentence(sentence)

    def usual(self) -> "Dict[str, Tuple[float, float]]":
        """Return the bounds of the usual change by the rasters' paths; empty where it isn't known."""
        return self._usual

    def _show_busy(self, _busy: bool) -> None:
        """Show that something is at work."""
        self._widget.set_busy(self.drawing.busy() or self.comparing.busy())

    def _without(self, found: Curves) -> str:
        """Say which dates have no value where."""
        words = []
        for curve in found.curves:
            missing = [date for date, distance in zip(curve.line.dates, curve.line.distances.tolist())
                       if distance != distance]
            if missing:
                words.append(self.tr("{place} has no value in {dates}.").format(
                    place=curve.letter, dates=", ".join(missing)))
        return " ".join(words)

    def _failed(self, _request: CurvesRequest, sentence: str) -> None:
        """Say why there is no curve."""
        self._clear(sentence)

    def _clear(self, sentence: str) -> None:
        """Draw nothing, and say why."""
        self._shown = self._shown_for = None
        self._widget.show_timeline(Timeline())
        self._widget.show_sentence(sentence)

    def _keep(self) -> None:
        """Add the numbers to the project."""
        if self._shown is None or self._session is None or self._session.subject is None:
            return
        names = {raster.path: raster.name for raster in self._rasters}
        layer = keep_timeline(self._shown, self._usual, names, self._session.subject.crs)
        QgsProject.instance().addMapLayer(layer)
        self._session.say(self.tr("The numbers are in the scratch layer “{name}”; save it to keep it.").format(
            name=layer.name()))

    # ---- places

    def _clicked(self, point: QgsPointXY, modifiers: object) -> None:
        """Look at a place; with Shift it becomes the pinned one."""
        place = self._session.place_at(point)
        if place is None:
            return
        self._session.say("")
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            self._session.pin(PIN, place)
        else:
            self._session.show(place)

    def _place_changed(self, _place: Optional[Place]) -> None:
        """Draw another place."""
        self._draw()

    def _pinned(self, letter: str, _place: Optional[Place]) -> None:
        """Draw another pinned place."""
        if letter == PIN:
            self._draw()

    def _pin(self) -> None:
        """Keep the place that is looked at."""
        if self._session is not None and self._session.place is not None:
            self._session.pin(PIN, self._session.place)

    def _unpin(self) -> None:
        """Give up the kept place."""
        if self._session is not None:
            self._session.pin(PIN, None)

    def _show_places(self, places: "Tuple[Tuple[str, Place], ...]") -> None:
        """Write and mark where the places are."""
        texts = {"A": "", PIN: ""}
        crs = self._session.canvas.mapSettings().destinationCrs()
        for letter, place in places:
            point = self._session.map_point(place)
            if point is not None:
                texts[letter] = point.toString(5 if crs.isGeographic() else 1)
        self._widget.show_places(texts["A"], texts[PIN])
        self._mark()

    def _mark(self) -> None:
        """Mark the places on the map."""
        session = self._session
        for letter, mark in self._marks.items():
            place = session.place if letter == "A" else session.pins.get(letter)
            point = session.map_point(place) if place is not None and session.subject is not None else None
            if point is None:
                mark.clear()
            else:
                mark.show(point, None, session.canvas.mapSettings().destinationCrs())

    # ---- the rest

    def _view_changed(self) -> None:
        """The usual change is that of what the map shows; the curves stay."""
        if self._shown is not None:
            self._ask_usual()

    def _band_toggled(self, wanted: bool) -> None:
        """Show or hide the usual change."""
        remember(BAND, wanted)
        if self._shown is not None:
            self._ask_usual()
            self._show_curves()


def _stated_date(layer: QgsRasterLayer) -> str:
    """Return the date that the user wrote beside a layer, else the beginning of its fixed time in QGIS."""
    stated = str(layer.customProperty(DATE_PROPERTY, "") or "")
    if stated:
        return stated
    times = layer.temporalProperties()
    if times is not None and times.isActive():
        begin: QDate = times.fixedTemporalRange().begin().date()
        if begin.isValid():
            return begin.toString("yyyy-MM-dd")
    return ""
