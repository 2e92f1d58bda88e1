"""Stands between the page of the plane, the session, the map and the tasks: what is chosen here lights up there."""

from __future__ import annotations

from typing import List, Optional

import numpy as np
from qgis.core import QgsPointXY, QgsProject, QgsRectangle, QgsVectorLayer
from qgis.PyQt.QtCore import QObject

from ...engine import packages
from ...engine.inspecting.colouring import Colouring, plain
from ...engine.inspecting.lasso import combined, inside, nearest_point
from ..background import Latest
from ..canvas.marked_places import MarkedPlaces
from ..canvas.place_mark import PlaceMark
from ..canvas.pointer_tool import PointerTool
from .remembered import remember, remembered
from .scatter_colours import offers, source_of
from .scatter_legend import Legend, LegendEntry
from .scatter_plot import LASSO, SET, mode_of
from .scatter_widget import NO_COLOUR, PCA, UMAP, USUAL, ScatterWidget
from .scatter_work import ColourRequest, PlaneFound, PlaneRequest, colour, lay_out
from .session import InspectorSession, Place
from .subject import FieldSubject, Subject

PLANE, COUNT, DRAG, COLOUR = "scatter/plane", "scatter/count", "scatter/drag", "scatter/colour"


class ScatterController(QObject):
    """Keeps a plane for as long as its subject is looked into, also while another page is in front."""

    def __init__(self, widget: ScatterWidget) -> None:
        """Connect the widget; the session comes with `start`."""
        super().__init__(widget)
        self._widget = widget
        self._session: Optional[InspectorSession] = None
        self._tool: Optional[PointerTool] = None
        self._layer: Optional[QgsVectorLayer] = None
        self._marked: Optional[MarkedPlaces] = None
        self._mark: Optional[PlaceMark] = None
        self._of: Optional[Subject] = None
        self._found: Optional[PlaneFound] = None
        self._colouring: Optional[Colouring] = None
        self._chosen = np.zeros(0, dtype=bool)
        self._trouble = ""
        self.planes = Latest(self.tr("Laying out embeddings on a plane"), lay_out, self, patience_ms=0)
        self.planes.done.connect(self._laid_out)
        self.planes.failed.connect(self._plane_failed)
        self.colours = Latest(self.tr("Colouring the plane"), colour, self, patience_ms=0)
        self.colours.done.connect(self._coloured)
        self.colours.failed.connect(self._colour_failed)
        for work in (self.planes, self.colours):
            work.busy_changed.connect(self._show_busy)
        if packages.state("umap").usable:
            widget.offer_umap()
        widget.set_settings(remembered(PLANE, PCA), remembered(COUNT, USUAL), remembered(DRAG, LASSO))
        widget.plane_asked.connect(self._plane_asked)
        widget.colour_asked.connect(self._colour_asked)
        widget.drag_chosen.connect(self._drag_chosen)
        widget.cleared.connect(self._cleared)
        widget.plot.hovered.connect(self._hovered)
        widget.plot.picked.connect(self._picked)
        widget.plot.encircled.connect(self._encircled)

    def start(self, session: InspectorSession, tool: PointerTool) -> None:
        """Begin to follow."""
        self._session, self._tool = session, tool
        self._marked = MarkedPlaces(session.canvas)
        self._mark = PlaceMark(session.canvas)
        session.subject_changed.connect(self._subject_changed)
        session.place_changed.connect(self._place_changed)
        tool.clicked.connect(self._clicked)
        tool.boxed.connect(self._boxed)
        project = QgsProject.instance()
        project.layersAdded.connect(self._layers_changed)
        project.layersRemoved.connect(self._layers_changed)
        self._subject_changed()

    def stop(self) -> None:
        """Let go of everything on the map and of all work; the plane is kept for when the page comes back."""
        session, tool = self._session, self._tool
        if session is None or tool is None:
            return
        session.subject_changed.disconnect(self._subject_changed)
        session.place_changed.disconnect(self._place_changed)
        tool.clicked.disconnect(self._clicked)
        tool.boxed.disconnect(self._boxed)
        project = QgsProject.instance()
        project.layersAdded.disconnect(self._layers_changed)
        project.layersRemoved.disconnect(self._layers_changed)
        self._follow(None)
        self.planes.stop()
        self.colours.stop()
        self._marked.remove()
        self._mark.clear()
        self._session = self._tool = self._marked = self._mark = None

    def found(self) -> Optional[PlaneFound]:
        """Return the plane that is shown."""
        return self._found

    def chosen(self) -> np.ndarray:
        """Return which points are chosen."""
        return self._chosen

    # ---- the plane

    def _subject_changed(self) -> None:
        """Lay out another subject, or go on with the one that is laid out already."""
        subject = self._session.subject
        layer = self._session.layer()
        self._follow(layer if isinstance(layer, QgsVectorLayer) and subject is not None else None)
        self._offer_colours()
        if subject is not None and subject is self._of and self._found is not None:
            self._show_choice()
            if self._layer is not None:
                self._selected_on_map()
            if self._colouring is None:
                self._ask_colours()
            return
        self._ask_plane()

    def _ask_plane(self) -> None:
        """Have the subject laid out; nothing is shown until then."""
        self.planes.stop()
        self.colours.stop()
        self._forget()
        session = self._session
        if session is None or session.subject is None:
            return
        rows = session.rows()
        count = max(0, int(self._layer.featureCount())) if self._layer is not None else 0
        self.planes.ask(PlaneRequest(session.subject, rows, count, self._widget.wanted_plane(),
                                     self._widget.wanted_count()))

    def _forget(self) -> None:
        """Show nothing."""
        self._of = self._found = self._colouring = None
        self._chosen = np.zeros(0, dtype=bool)
        self._trouble = ""
        self._widget.plot.set_points(np.empty((0, 2)), np.empty((0, 3), dtype=np.uint8))
        self._widget.plot.set_titles("", "")
        self._widget.show_legend(Legend())
        self._widget.show_here("")
        self._show_choice()

    def _laid_out(self, request: PlaneRequest, found: PlaneFound) -> None:
        """Show a plane."""
        if self._session is None or request.subject is not self._session.subject:
            return
        self._of, self._found = request.subject, found
        self._chosen = np.zeros(len(found.plane.coordinates), dtype=bool)
        self._colouring = None
        self._widget.plot.set_points(found.plane.coordinates, plain(len(self._chosen)).colours)
        self._widget.plot.set_titles(*self._titles(found))
        self._ask_colours()
        if self._layer is not None:
            self._selected_on_map()
        else:
            self._show_choice()
        self._ring(self._session.place)

    def _plane_failed(self, _request: PlaneRequest, sentence: str) -> None:
        """Say why there is no plane."""
        self._trouble = sentence
        self._show_choice()

    def _titles(self, found: PlaneFound) -> "tuple[str, str]":
        """Name the axes."""
        if len(found.plane.explained) < 2:
            return self.tr("UMAP, first axis"), self.tr("UMAP, second axis")
        return tuple(self.tr("Component {number} ({share:.0f} % of the variance)").format(
            number=number, share=100 * share) for number, share in enumerate(found.plane.explained[:2], 1))

    # ---- the colours

    def _offer_colours(self) -> None:
        """Offer what is there now; what has gone colours nothing any more."""
        session = self._session
        offered = offers(session.layer()) if session is not None and session.subject is not None else []
        self._widget.offer_colours([(offer.key, offer.name) for offer in offered], remembered(COLOUR, NO_COLOUR))

    def _ask_colours(self) -> None:
        """Have the points coloured as chosen."""
        self.colours.stop()
        if self._found is None or self._session is None:
            return
        by = source_of(self._widget.wanted_colour(), self._session.layer())
        if by is None:
            self._show_colours(plain(len(self._chosen)))
            return
        self.colours.ask(ColourRequest(self._found, self._session.subject.crs, by))

    def _coloured(self, request: ColourRequest, found: Colouring) -> None:
        """Show colours."""
        if request.found is self._found:
            self._show_colours(found)

    def _colour_failed(self, request: ColourRequest, sentence: str) -> None:
        """Say why there are no colours."""
        if request.found is self._found:
            self._show_colours(plain(len(self._chosen)))
            self._trouble = sentence
            self._show_choice()

    def _show_colours(self, colouring: Colouring) -> None:
        """Show colours and what they mean."""
        self._colouring = colouring
        self._trouble = ""
        self._widget.plot.set_colours(colouring.colours)
        entries = tuple(LegendEntry(entry.name or self.tr("no value"), entry.colour, entry.count)
                        for entry in colouring.classes)
        self._widget.show_legend(Legend(entries, colouring.stops, "{:.4g}".format(colouring.low),
                                        "{:.4g}".format(colouring.high)))
        self._show_choice()

    # ---- choosing here and on the map

    def _encircled(self, corners: np.ndarray, mode: str) -> None:
        """Choose what was encircled in the plot."""
        if self._found is not None:
            self._choose(inside(self._found.plane.coordinates, corners), mode)

    def _boxed(self, box: QgsRectangle, modifiers: object) -> None:
        """Choose what lies in a box on the map."""
        if self._found is None or self._session is None:
            return
        corners = [self._session.place_at(QgsPointXY(x, y)) for x, y in (
            (box.xMinimum(), box.yMinimum()), (box.xMaximum(), box.yMinimum()), (box.xMaximum(), box.yMaximum()),
            (box.xMinimum(), box.yMaximum()))]
        if all(corner is not None for corner in corners):
            outline = np.array([[corner.x, corner.y] for corner in corners])
            self._choose(inside(self._found.plane.places, outline), mode_of(modifiers))

    def _cleared(self) -> None:
        """Choose nothing."""
        if self._layer is not None:
            self._layer.removeSelection()
        self._choose(np.zeros(len(self._chosen), dtype=bool), SET)

    def _choose(self, now: np.ndarray, mode: str) -> None:
        """Light up in plot and map; of a table the map's own selection is made, and rows beside the sample kept."""
        ids = self._found.ids if self._found is not None else None
        if self._layer is None or ids is None:
            self._chosen = combined(self._chosen, now, mode)
            self._show_choice()
            return
        selected = set(self._layer.selectedFeatureIds()) if mode != SET else set()
        here = set(ids[now].tolist())
        self._layer.selectByIds(list(selected - here if mode == "take" else selected | here))
        self._selected_on_map()

    def _selected_on_map(self, *_ignored: object) -> None:
        """Light up in the plot what is selected on the map."""
        if self._layer is None or self._found is None or self._found.ids is None:
            return
        selected = np.asarray(self._layer.selectedFeatureIds(), dtype=np.int64)
        self._chosen = np.isin(self._found.ids, selected)
        self._show_choice()

    def _show_choice(self) -> None:
        """Show what is chosen in the plot, and the cells of a raster on the map; say how many there are."""
        count = int(self._chosen.sum())
        self._widget.plot.set_chosen(self._chosen)
        self._widget.show_chosen(count, len(self._chosen))
        if self._marked is not None and self._session is not None and self._session.subject is not None:
            shown = self._found is not None and isinstance(self._session.subject, FieldSubject)
            places = self._found.plane.places[self._chosen] if shown else np.empty((0, 2))
            self._marked.show_places(places, self._session.subject.crs)
        elif self._marked is not None:
            self._marked.show_places(np.empty((0, 2)), self._session.canvas.mapSettings().destinationCrs())
        self._widget.show_sentence(self._trouble or self._account(count))

    def _account(self, count: int) -> str:
        """Say what is plotted, and how much of it is chosen."""
        if self._found is None:
            return ""
        plane, total = self._found.plane, len(self._chosen)
        words: List[str] = []
        if self._found.ids is not None:
            words.append(self.tr("{count:,} rows are plotted.").format(count=total))
            rows = int(self._layer.featureCount()) if self._layer is not None else total
            if rows > total:
                words[-1] = self.tr("{count:,} of {rows:,} rows are plotted.").format(count=total, rows=rows)
        elif plane.cells > 1.5:
            words.append(self.tr("{count:,} points are plotted, each from an area {cells:.0f} cells wide.").format(
                count=total, cells=plane.cells))
        else:
            words.append(self.tr("{count:,} cells are plotted, an even sample.").format(count=total))
        if len(plane.explained) >= 2:
            words.append(self.tr("Both axes hold {share:.0f} % of the variance.").format(
                share=100 * sum(plane.explained[:2])))
        if count:
            words.append(self.tr("{count:,} are selected.").format(count=count))
        return " ".join(words)

    # ---- single points

    def _hovered(self, number: int) -> None:
        """Say which place a point is, and mark it on the map."""
        point = self._map_point(number)
        if point is None:
            self._widget.show_here("")
            if self._mark is not None:
                self._mark.clear()
            return
        self._mark.show(point, None, self._session.canvas.mapSettings().destinationCrs())
        words = [self._place_text(point)]
        if self._found.ids is not None:
            words.insert(0, self.tr("Feature {id}").format(id=int(self._found.ids[number])))
        if self._colouring is not None and number < len(self._colouring.texts):
            words.append(self._colouring.texts[number] or self.tr("no value"))
        self._widget.show_here(" · ".join(words))

    def _picked(self, number: int) -> None:
        """Centre the map on a point, and have all pages look there."""
        point = self._map_point(number)
        if point is None:
            return
        x, y = self._found.plane.places[number].tolist()
        self._session.canvas.setCenter(point)
        self._session.canvas.refresh()
        self._session.show(Place(x, y, self._session.subject.crs))
        self._widget.plot.set_here(number)

    def _clicked(self, point: QgsPointXY, _modifiers: object) -> None:
        """Look at a place of the map."""
        place = self._session.place_at(point)
        if place is not None:
            self._session.show(place)

    def _place_changed(self, place: Optional[Place]) -> None:
        """Put a ring around the point that is nearest to the place looked at."""
        self._ring(place)

    def _ring(self, place: Optional[Place]) -> None:
        """Put a ring around the point nearest to a place, if that is known in the subject's CRS."""
        subject = self._session.subject if self._session is not None else None
        if self._found is None or subject is None or place is None or place.crs != subject.crs:
            self._widget.plot.set_here(-1)
            return
        self._widget.plot.set_here(nearest_point(self._found.plane.places, (place.x, place.y)))

    def _map_point(self, number: int) -> Optional[QgsPointXY]:
        """Return where a point lies on the map."""
        session = self._session
        if session is None or session.subject is None or self._found is None or number < 0:
            return None
        x, y = self._found.plane.places[number].tolist()
        return session.map_point(Place(x, y, session.subject.crs)) if x == x else None

    def _place_text(self, point: QgsPointXY) -> str:
        """Return the coordinates of a place of the map, as exact as a person can use them."""
        crs = self._session.canvas.mapSettings().destinationCrs()
        return point.toString(5 if crs.isGeographic() else 1)

    # ---- the rest

    def _follow(self, layer: Optional[QgsVectorLayer]) -> None:
        """Listen to the selection of a layer, or to none any more."""
        if layer is self._layer:
            return
        before, self._layer = self._layer, layer
        if before is not None:
            before.selectionChanged.disconnect(self._selected_on_map)
        if layer is not None:
            layer.selectionChanged.connect(self._selected_on_map)

    def _layers_changed(self, *_ignored: object) -> None:
        """Offer other colours when layers come and go."""
        before = self._widget.wanted_colour()
        self._offer_colours()
        if self._widget.wanted_colour() != before:
            self._ask_colours()

    def _plane_asked(self) -> None:
        """Lay out anew, in another way or with other points."""
        remember(PLANE, self._widget.wanted_plane() if self._widget.wanted_plane() in (PCA, UMAP) else PCA)
        remember(COUNT, self._widget.wanted_count())
        self._ask_plane()

    def _colour_asked(self, key: str) -> None:
        """Colour in another way."""
        remember(COLOUR, key)
        self._ask_colours()

    def _drag_chosen(self, mode: str) -> None:
        """Remember what a drag does."""
        remember(DRAG, mode)

    def _show_busy(self, _busy: bool) -> None:
        """Show that something is at work."""
        self._widget.set_busy(self.planes.busy() or self.colours.busy())
