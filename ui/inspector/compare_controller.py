"""Stands between the page of two places, the session and the tasks: clicks pin places, pinned vectors are compared."""

from __future__ import annotations

from typing import Dict, Optional

from qgis.core import QgsPointXY, QgsProject
from qgis.PyQt.QtCore import QObject, Qt
from qgis.PyQt.QtGui import QImage

from ...engine.errors import EarthprintError
from ..background import Latest
from ..canvas.place_mark import PlaceMark
from ..canvas.pointer_tool import PointerTool
from ..canvas.thumbnails import Thumbnails
from .compare_widget import LETTERS, CompareWidget, DifferenceRow
from .compare_work import PinnedVector, compared, metres_between
from .point_controller import REACH_PIXELS, distance_text
from .point_work import Found, ProbeRequest, probe, why_none
from .session import InspectorSession, Place
from .subject import FieldSubject
from .vector_order import dimension_names, short_name


class CompareController(QObject):
    """Pins keep their vector, so that a place in one layer can be compared with one in another of the same space."""

    def __init__(self, widget: CompareWidget) -> None:
        """Connect the widget; the session comes with `start`."""
        super().__init__(widget)
        self._widget = widget
        self._session: Optional[InspectorSession] = None
        self._tool: Optional[PointerTool] = None
        self._thumbnails: Optional[Thumbnails] = None
        self._marks: Dict[str, PlaceMark] = {}
        self.pins: Dict[str, PinnedVector] = {}
        # A second click must not take the place of the first, so each letter has a queue of its own.
        self.probing: Dict[str, Latest] = {}
        for letter in LETTERS:
            work = Latest(self.tr("Reading the vector at a place"), probe, self, patience_ms=0)
            self.probing[letter] = work
        self.probing["A"].done.connect(self._probed_a)
        self.probing["B"].done.connect(self._probed_b)
        for work in self.probing.values():
            work.failed.connect(self._failed)
        widget.zoom_requested.connect(self._zoom)
        widget.clear_requested.connect(self._clear)
        widget.swap_requested.connect(self._swap)

    def start(self, session: InspectorSession, tool: PointerTool) -> None:
        """Begin to follow; places pinned before are shown again."""
        self._session, self._tool = session, tool
        self._marks = {letter: PlaceMark(session.canvas, letter) for letter in LETTERS}
        self._thumbnails = Thumbnails(session.canvas, self)
        self._thumbnails.ready.connect(self._drawn)
        session.subject_changed.connect(self._subject_changed)
        session.canvas.destinationCrsChanged.connect(self._mark)
        QgsProject.instance().layersWillBeRemoved.connect(self._layers_go)
        tool.clicked.connect(self._clicked)
        self._show_pins()

    def stop(self) -> None:
        """Let go of everything but the pinned vectors."""
        session, tool = self._session, self._tool
        if session is None or tool is None:
            return
        session.subject_changed.disconnect(self._subject_changed)
        session.canvas.destinationCrsChanged.disconnect(self._mark)
        QgsProject.instance().layersWillBeRemoved.disconnect(self._layers_go)
        tool.clicked.disconnect(self._clicked)
        for work in self.probing.values():
            work.stop()
        for mark in self._marks.values():
            mark.clear()
        self._thumbnails.stop()
        self._thumbnails.ready.disconnect(self._drawn)
        self._thumbnails.deleteLater()
        self._session = self._tool = self._thumbnails = None
        self._marks = {}

    def busy(self) -> bool:
        """Tell whether anything is under way."""
        drawing = self._thumbnails is not None and self._thumbnails.busy()
        return drawing or any(work.busy() for work in self.probing.values())

    def _subject_changed(self) -> None:
        """Want no vectors of what is no longer looked into; what is pinned stays, it has its own layer's name."""
        for work in self.probing.values():
            work.stop()

    def _layers_go(self, layer_ids: object) -> None:
        """Give up what was pinned in a layer that goes."""
        gone = set(layer_ids)
        for letter in [letter for letter, pin in self.pins.items() if pin.subject.layer_id in gone]:
            self._unpin(letter)
        self._show_result()

    def _clicked(self, point: QgsPointXY, modifiers: object) -> None:
        """Pin the place under the pointer: the first, or with Shift the second."""
        session = self._session
        place = session.place_at(point)
        if place is None:
            return
        letter = "B" if modifiers & Qt.KeyboardModifier.ShiftModifier else "A"
        reach = REACH_PIXELS * session.units_per_pixel()
        self.probing[letter].ask(ProbeRequest(session.subject, place, reach, session.rows(), True))

    def _probed_a(self, request: ProbeRequest, found: Optional[Found]) -> None:
        """Pin the first place."""
        self._probed("A", request, found)

    def _probed_b(self, request: ProbeRequest, found: Optional[Found]) -> None:
        """Pin the second place."""
        self._probed("B", request, found)

    def _probed(self, letter: str, request: ProbeRequest, found: Optional[Found]) -> None:
        """Pin a vector, or say why there is none."""
        if self._session is None:
            return
        if found is None:
            self._session.say(why_none(request))
            return
        self._session.say("")
        self.pins[letter] = PinnedVector(request.subject, found)
        self._session.pin(letter, self.pins[letter].place)
        self._show_pin(letter)
        self._show_result()

    def _failed(self, _request: ProbeRequest, sentence: str) -> None:
        """Say what is wrong with the place."""
        if self._session is not None:
            self._session.say(sentence)

    def _show_pins(self) -> None:
        """Show all that is pinned."""
        for letter in LETTERS:
            self._show_pin(letter)
        self._show_result()

    def _show_pin(self, letter: str) -> None:
        """Name a place, draw its picture and mark it on the map."""
        pin = self.pins.get(letter)
        text = "" if pin is None else "{}, {}".format(pin.subject.name, pin.found.title.lower())
        self._widget.show_place(letter, text)
        point = None if pin is None else self._session.map_point(pin.place)
        self._marks[letter].clear()
        self._thumbnails.forget(letter)
        if pin is not None and point is not None:
            self._marks[letter].show(point, pin.found.outline, pin.subject.crs)
            picture = self._widget.pictures[letter]
            self._thumbnails.ask(letter, point, picture.picture_size(), picture.devicePixelRatioF())

    def _mark(self) -> None:
        """Mark the places anew on a map that has another CRS."""
        for letter, pin in self.pins.items():
            point = self._session.map_point(pin.place)
            self._marks[letter].clear()
            if point is not None:
                self._marks[letter].show(point, pin.found.outline, pin.subject.crs)

    def _drawn(self, letter: str, image: QImage) -> None:
        """Show a picture."""
        self._widget.pictures[letter].show_image(image)

    def _show_result(self) -> None:
        """Compare what is pinned."""
        first, second = self.pins.get("A"), self.pins.get("B")
        if first is None or second is None:
            self._widget.show_result("", ())
            return
        try:
            found = compared(first, second)
        except EarthprintError as error:
            self._widget.show_result("", ())
            self._session.say(str(error))
            return
        field = first.subject.view.field if isinstance(first.subject, FieldSubject) else None
        names = [short_name(name) for name in dimension_names(len(found.order), field)]
        rows = [DifferenceRow(names[index], float(found.first[index]), float(found.second[index]),
                              float(found.differences[index]), float(found.shares[index])) for index in found.order]
        metres = metres_between(first, second)
        apart = "" if metres is None else self.tr("; {distance} apart on the ground").format(
            distance=distance_text(metres))
        text = self.tr("Score (cosine) {score:.4f}, distance of the vectors {distance:.4g}{apart}").format(
            score=found.score, distance=found.distance, apart=apart)
        self._widget.show_result(text, rows)

    def _zoom(self, letter: str) -> None:
        """Bring a place to the middle of the map."""
        pin = self.pins.get(letter)
        point = self._session.map_point(pin.place) if pin is not None and self._session is not None else None
        if point is not None:
            self._session.canvas.setCenter(point)
            self._session.canvas.refresh()

    def _clear(self) -> None:
        """Unpin both places."""
        for letter in LETTERS:
            self._unpin(letter)
        self._show_result()

    def _unpin(self, letter: str) -> None:
        """Give up a place."""
        if self.pins.pop(letter, None) is not None and self._session is not None:
            self._session.pin(letter, None)
            self._show_pin(letter)

    def _swap(self) -> None:
        """Let the places change letters."""
        self.pins = {{"A": "B", "B": "A"}[letter]: pin for letter, pin in self.pins.items()}
        for letter in LETTERS:
            self._session.pin(letter, self._place(letter))
        self._show_pins()

    def _place(self, letter: str) -> Optional[Place]:
        """Return the place pinned under a letter."""
        pin = self.pins.get(letter)
        return None if pin is None else pin.place
