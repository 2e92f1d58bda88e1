"""Stands between the page of one place, the session and the tasks: asks for what is pointed at, shows the answers."""

from __future__ import annotations

from typing import List, Optional

import numpy as np
from qgis.core import QgsGeometry, QgsPointXY, QgsProject, QgsRectangle
from qgis.PyQt.QtCore import QObject

from ..background import Latest
from ..canvas.place_mark import PlaceMark
from ..canvas.pointer_tool import PointerTool
from .at_place import Answer, answers, questions
from .bars_widget import Bar
from .kept_places import keep_places
from .point_widget import NeighbourRow, PointWidget
from .point_work import Found, NearestRequest, Neighbours, ProbeRequest, nearest, probe, why_none
from .remembered import remember, remembered
from .session import InspectorSession, Place
from .subject import FieldSubject
from .vector_order import ORDERS, arranged, dimension_names, parts_of

REACH_PIXELS = 12
ZOOM_SHARE = 0.25
ORDER, FOLLOW, COUNT, APART = "point/order", "point/follow", "point/count", "point/apart"


class PointController(QObject):
    """Follows the pointer: hovering shows a vector, a click keeps it and looks for its like."""

    def __init__(self, widget: PointWidget) -> None:
        """Connect the widget; the session comes with `start`."""
        super().__init__(widget)
        self._widget = widget
        self._session: Optional[InspectorSession] = None
        self._tool: Optional[PointerTool] = None
        self._mark: Optional[PlaceMark] = None
        self._kept: Optional[Found] = None
        self._shown: Optional[Found] = None
        self._neighbours = Neighbours((), 0.0, 1.0, False)
        self._searched: Optional[QgsRectangle] = None
        # A click must not give way to the pointer that moves on after it, so both have a queue of their own.
        self.hovering = Latest(self.tr("Reading the vector at a place"), probe, self)
        self.probing = Latest(self.tr("Reading the vector at a place"), probe, self, patience_ms=0)
        self.searching = Latest(self.tr("Looking for places that are alike"), nearest, self, patience_ms=0)
        self.asking = Latest(self.tr("Asking other layers"), answers, self, patience_ms=0)
        for work in (self.hovering, self.probing):
            work.done.connect(self._probed)
            work.failed.connect(self._probe_failed)
        self.searching.done.connect(self._found)
        self.searching.failed.connect(self._search_failed)
        self.asking.done.connect(self._answered)
        order = remembered(ORDER, ORDERS[0])
        self._order = order if order in ORDERS else ORDERS[0]
        widget.set_order(self._order)
        widget.follow.setChecked(remembered(FOLLOW, True))
        widget.count.setValue(remembered(COUNT, 10))
        widget.apart.setValue(remembered(APART, 0))
        widget.order_changed.connect(self._set_order)
        widget.follow_changed.connect(self._set_follow)
        widget.search_changed.connect(self._set_search)
        widget.search_requested.connect(self._search)
        widget.zoom_requested.connect(self._zoom)
        widget.flash_requested.connect(self._flash)
        widget.keep_requested.connect(self._keep)

    def start(self, session: InspectorSession, tool: PointerTool) -> None:
        """Begin to follow."""
        self._session, self._tool = session, tool
        self._mark = PlaceMark(session.canvas)
        session.subject_changed.connect(self._subject_changed)
        session.place_changed.connect(self._place_changed)
        session.canvas.destinationCrsChanged.connect(self._mark_kept)
        tool.hovered.connect(self._hovered)
        tool.clicked.connect(self._clicked)
        tool.left.connect(self._left)
        self._subject_changed()
        if session.subject is not None and session.place is not None:
            self._place_changed(session.place)

    def stop(self) -> None:
        """Let go of everything."""
        session, tool = self._session, self._tool
        if session is None or tool is None:
            return
        session.subject_changed.disconnect(self._subject_changed)
        session.place_changed.disconnect(self._place_changed)
        session.canvas.destinationCrsChanged.disconnect(self._mark_kept)
        tool.hovered.disconnect(self._hovered)
        tool.clicked.disconnect(self._clicked)
        tool.left.disconnect(self._left)
        self._stop_work()
        if self._mark is not None:
            self._mark.clear()
        self._session = self._tool = self._mark = None

    def _stop_work(self) -> None:
        """Want no answers any more."""
        for work in (self.hovering, self.probing, self.searching, self.asking):
            work.stop()

    def _subject_changed(self) -> None:
        """Forget what was seen: it was of other data."""
        self._stop_work()
        self._kept = self._searched = None
        if self._mark is not None:
            self._mark.clear()
        subject = self._session.subject if self._session is not None else None
        self._widget.offer_parts(subject is not None and bool(parts_of(subject.space)))
        self._widget.set_order(self._order)
        self._show(None)
        self._show_neighbours(Neighbours((), 0.0, 1.0, False),
                              self.tr("Click the map to find the places in view that are most alike."))
        self._widget.show_others(())
        self._widget.set_place_known(False)

    def _hovered(self, point: QgsPointXY) -> None:
        """Ask for the vector under the pointer."""
        if self._widget.follow.isChecked():
            self._ask(self._session.place_at(point), False)

    def _left(self) -> None:
        """Go back to the place that was clicked."""
        self.hovering.stop()
        self._show(self._kept)
        if self._kept is not None:
            self._session.say("")

    def _clicked(self, point: QgsPointXY, _modifiers: object) -> None:
        """Make the place under the pointer the one that all pages look at."""
        place = self._session.place_at(point)
        if place is not None:
            self._session.show(place)

    def _place_changed(self, place: Optional[Place]) -> None:
        """Look at the place that was clicked, here or on another page."""
        if place is not None:
            self.hovering.stop()
            self._ask(place, True)

    def _ask(self, place: Optional[Place], kept: bool) -> None:
        """Have the vector at a place read."""
        session = self._session
        if place is None or session.subject is None:
            return
        reach = REACH_PIXELS * session.units_per_pixel()
        work = self.probing if kept else self.hovering
        work.ask(ProbeRequest(session.subject, place, reach, session.rows(), kept))

    def _probed(self, request: ProbeRequest, found: Optional[Found]) -> None:
        """Show a vector, or say why there is none."""
        if self._session is None or request.subject is not self._session.subject:
            return
        self._session.say(why_none(request) if found is None else self._remark(found))
        self._show(found)
        if request.kept:
            self._kept = found
            self._mark_kept()
            self._look_around(request)

    def _probe_failed(self, request: ProbeRequest, sentence: str) -> None:
        """Say what is wrong with the place."""
        if self._session is not None:
            self._session.say(sentence)
            self._show(None)

    def _remark(self, found: Found) -> str:
        """Say what is odd about a vector."""
        return "" if found.norm > 0 else self.tr("All numbers of this vector are zero, so it is like nothing.")

    def _show(self, found: Optional[Found]) -> None:
        """Show a vector as bars."""
        self._shown = found
        subject = self._session.subject if self._session is not None else None
        if found is None or subject is None:
            self._widget.show_vector("", "", (), ())
            self._widget.set_vector_text("")
            return
        field = subject.view.field if isinstance(subject, FieldSubject) else None
        names = dimension_names(len(found.vector), field)
        bars = [Bar(name, float(value)) for name, value in zip(names, found.vector)]
        shown, groups = arranged(bars, self._order, parts_of(subject.space))
        facts = self.tr("{count} numbers, length (norm) {norm:.6g}, from {low:.4g} to {high:.4g}").format(
            count=len(bars), norm=found.norm, low=float(found.vector.min()), high=float(found.vector.max()))
        self._widget.show_vector(found.title, facts, shown, groups)
        self._widget.set_vector_text(", ".join(repr(float(np.float32(value))) for value in found.vector))

    def _mark_kept(self) -> None:
        """Mark the place that was clicked."""
        if self._mark is None:
            return
        self._mark.clear()
        if self._kept is not None and self._session.subject is not None:
            crs = self._session.subject.crs
            point = self._session.map_point(Place(self._kept.x, self._kept.y, crs))
            if point is not None:
                self._mark.show(point, self._kept.outline, crs)

    def _look_around(self, request: ProbeRequest) -> None:
        """Ask other layers, and search the view for the like of what was clicked."""
        besides = request.subject.layer_id if isinstance(request.subject, FieldSubject) else ""
        self.asking.ask(questions(request.place, request.reach, besides))
        self._widget.set_place_known(self._kept is not None and self._kept.norm > 0)
        if self._kept is not None and self._kept.norm > 0:
            self._search()
        else:
            self.searching.stop()
            self._show_neighbours(Neighbours((), 0.0, 1.0, False), "")

    def _search(self) -> None:
        """Search the view as it is now."""
        session = self._session
        view = session.view() if session is not None else None
        if self._kept is None or view is None:
            return
        self._searched = QgsRectangle(session.canvas.extent())
        self._widget.set_busy(True)
        self.searching.ask(NearestRequest(session.subject, self._kept, view, session.rows(),
                                          self._widget.count.value(), float(self._widget.apart.value())))

    def _found(self, _request: NearestRequest, found: Neighbours) -> None:
        """Show the ranked list."""
        remarks = []
        if not found.places:
            remarks.append(self.tr("Nothing else with a vector is in view: zoom out and search again."))
        if found.cells > 1.5:
            remarks.append(self.tr("Searched at the map's resolution: one pixel stands for {cells:.0f} cells across."
                                   ).format(cells=found.cells))
        if found.more:
            remarks.append(self.tr("There are more features in view than were searched: zoom in to search all."))
        self._show_neighbours(found, " ".join(remarks))

    def _search_failed(self, _request: NearestRequest, sentence: str) -> None:
        """Say why there is no list."""
        self._show_neighbours(Neighbours((), 0.0, 1.0, False), sentence)

    def _show_neighbours(self, found: Neighbours, remark: str) -> None:
        """Fill the list."""
        self._neighbours = found
        rows = [NeighbourRow("{:.6f}, {:.6f}".format(place.x, place.y), "{:.4f}".format(place.score),
                             distance_text(place.metres)) for place in found.places]
        self._widget.neighbours.blockSignals(True)
        self._widget.show_neighbours(rows, remark)
        self._widget.neighbours.blockSignals(False)

    def _answered(self, _request: object, told: List[Answer]) -> None:
        """Show what other layers say."""
        self._widget.show_others([(answer.layer, answer.what, answer.value) for answer in told])

    def _set_order(self, order: str) -> None:
        """Arrange the bars anew."""
        self._order = order
        remember(ORDER, order)
        self._show(self._shown)

    def _set_follow(self, follow: bool) -> None:
        """Follow the pointer or don't."""
        remember(FOLLOW, follow)
        if not follow and self._session is not None:
            self._show(self._kept)

    def _set_search(self, count: int, apart: int) -> None:
        """Search for more, or further apart."""
        remember(COUNT, count)
        remember(APART, apart)
        self._search()

    def _map_point_of(self, row: int) -> Optional[QgsPointXY]:
        """Return where a line of the list lies on the map."""
        if self._session is None or self._session.subject is None or not 0 <= row < len(self._neighbours.places):
            return None
        place = self._neighbours.places[row]
        return self._session.map_point(Place(place.x, place.y, self._session.subject.crs))

    def _zoom(self, row: int) -> None:
        """Show a place of the list in a quarter of the view that was searched."""
        point = self._map_point_of(row)
        if point is None or self._searched is None:
            return
        width, height = self._searched.width() * ZOOM_SHARE, self._searched.height() * ZOOM_SHARE
        canvas = self._session.canvas
        canvas.setExtent(QgsRectangle(point.x() - width / 2, point.y() - height / 2, point.x() + width / 2,
                                      point.y() + height / 2))
        canvas.refresh()

    def _flash(self, row: int) -> None:
        """Let a place of the list light up."""
        point = self._map_point_of(row)
        if point is not None:
            canvas = self._session.canvas
            canvas.flashGeometries([QgsGeometry.fromPointXY(point)], canvas.mapSettings().destinationCrs())

    def _keep(self) -> None:
        """Make a scratch layer of the list."""
        if self._session is None or self._session.subject is None or self._kept is None:
            return
        layer = keep_places(self._session.subject, self._kept, self._neighbours)
        QgsProject.instance().addMapLayer(layer)
        self._session.say(self.tr("The places are in the scratch layer “{name}”; save it to keep it.").format(
            name=layer.name()))


def distance_text(metres: float) -> str:
    """Write a distance as people say it."""
    if not np.isfinite(metres):
        return "–"
    if metres < 1_000:
        return "{:.0f} m".format(metres)
    return "{:.2f} km".format(metres / 1_000) if metres < 100_000 else "{:.0f} km".format(metres / 1_000)
