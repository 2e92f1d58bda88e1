"""What all pages of the inspector share: the layer looked into, the place looked at, the places pinned, the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Tuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsMapLayer,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ...engine.errors import EarthprintError
from ...processing_provider.adapters.layer_vectors import LayerVectors
from ..background import Latest
from .subject import OpenRequest, Subject, open_request, open_subject

SETTLED_MS = 200


@dataclass(frozen=True)
class Place:
    """A place in a CRS of its own: that of the subject it was shown for."""

    x: float
    y: float
    crs: QgsCoordinateReferenceSystem


@dataclass(frozen=True)
class View:
    """What the map shows, as a box (xmin, ymin, xmax, ymax) in the subject's CRS, and its size in pixels."""

    extent: Tuple[float, float, float, float]
    width: int
    height: int

    def rectangle(self) -> QgsRectangle:
        """Return the box as QGIS takes it."""
        return QgsRectangle(*self.extent)


class InspectorSession(QObject):
    """Follows one layer and one map; where there is no subject, `sentence` says why."""

    subject_changed = pyqtSignal()
    """Another layer, another CRS, other data: whatever was computed counts no more. The subject may be None."""
    place_changed = pyqtSignal(object)
    """The place (or None) that was clicked last; it outlives a change of the subject."""
    pinned = pyqtSignal(str, object)
    """A letter and the place pinned under it, or None."""
    view_changed = pyqtSignal()
    """The map has come to rest at another extent, size or CRS."""
    sentence_changed = pyqtSignal(str)
    """What to tell the user in the one line that all pages share."""

    def __init__(self, canvas: QgsMapCanvas, parent: Optional[QObject] = None) -> None:
        """Follow a map; no layer is chosen yet."""
        super().__init__(parent)
        self._canvas = canvas
        self._layer: Optional[QgsMapLayer] = None
        self.subject: Optional[Subject] = None
        self.place: Optional[Place] = None
        self.pins: Dict[str, Place] = {}
        self._why_none = self.tr("Choose a layer with embeddings.")
        self._said = ""
        self._opening = Latest(self.tr("Reading what the embeddings are"), open_subject, self, patience_ms=0)
        self._opening.done.connect(self._opened)
        self._opening.failed.connect(self._refused)
        self._settling = self._timer(self.view_changed)
        self._reopening = self._timer(self._open)
        project = QgsProject.instance()
        project.layersWillBeRemoved.connect(self._layers_go)
        project.transformContextChanged.connect(self._open)
        canvas.extentsChanged.connect(self._settling.start)
        canvas.destinationCrsChanged.connect(self._settling.start)

    @property
    def canvas(self) -> QgsMapCanvas:
        """Return the map."""
        return self._canvas

    @property
    def sentence(self) -> str:
        """Return what the user should know now: why there is no subject, or what a page had to say."""
        return self._why_none if self.subject is None else self._said

    def layer(self) -> Optional[QgsMapLayer]:
        """Return the chosen layer, also where it has no embeddings."""
        return self._layer

    def choose(self, layer: Optional[QgsMapLayer]) -> None:
        """Look into another layer."""
        if layer is self._layer:
            return
        self._follow(None)
        self._follow(layer)
        self._open()

    def say(self, text: str) -> None:
        """Tell the user something in the line that all pages share; an empty text clears it."""
        if text != self._said:
            self._said = text
            self.sentence_changed.emit(self.sentence)

    def place_at(self, map_point: QgsPointXY) -> Optional[Place]:
        """Return the place under a point of the map, or None where there is no subject or no such place in its CRS."""
        if self.subject is None:
            return None
        try:
            point = self.to_subject().transform(map_point)
        except QgsCsException:
            self.say(self.tr("The layer's CRS has no coordinates for this place."))
            return None
        return Place(point.x(), point.y(), self.subject.crs)

    def map_point(self, place: Place) -> Optional[QgsPointXY]:
        """Return where a place lies on the map, or None where the map's CRS has no such place."""
        transform = QgsCoordinateTransform(place.crs, self._map_crs(), QgsProject.instance())
        try:
            return transform.transform(QgsPointXY(place.x, place.y))
        except QgsCsException:
            return None

    def show(self, place: Optional[Place]) -> None:
        """Make this the place that all pages look at."""
        self.place = place
        self.place_changed.emit(place)

    def pin(self, letter: str, place: Optional[Place]) -> None:
        """Keep a place under a letter, or give it up."""
        if place is None:
            self.pins.pop(letter, None)
        else:
            self.pins[letter] = place
        self.pinned.emit(letter, place)

    def view(self) -> Optional[View]:
        """Return what the map shows in the subject's CRS, or None where that can't be said."""
        if self.subject is None or self._canvas.extent().isEmpty():
            return None
        try:
            box = self.to_subject().transformBoundingBox(self._canvas.extent())
        except QgsCsException:
            return None
        if not box.isFinite():
            return None
        size = self._canvas.mapSettings().outputSize()
        corners = (box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum())
        return View(corners, max(1, size.width()), max(1, size.height()))

    def units_per_pixel(self) -> float:
        """Return how many of the subject's units a pixel of the map is about, 0 where that can't be said."""
        view = self.view()
        return 0.0 if view is None else (view.extent[2] - view.extent[0]) / view.width

    def to_subject(self) -> QgsCoordinateTransform:
        """Return the way from the map's coordinates to the subject's."""
        crs = self.subject.crs if self.subject is not None else self._map_crs()
        return QgsCoordinateTransform(self._map_crs(), crs, QgsProject.instance())

    def rows(self) -> Optional[LayerVectors]:
        """Return a snapshot of the chosen table for another thread, or None where it is none."""
        return LayerVectors(self._layer) if isinstance(self._layer, QgsVectorLayer) else None

    def stop(self) -> None:
        """Let go of layer, map and project for good."""
        self._follow(None)
        self._opening.stop()
        for timer in (self._settling, self._reopening):
            timer.stop()
        project = QgsProject.instance()
        project.layersWillBeRemoved.disconnect(self._layers_go)
        project.transformContextChanged.disconnect(self._open)
        self._canvas.extentsChanged.disconnect(self._settling.start)
        self._canvas.destinationCrsChanged.disconnect(self._settling.start)
        self.subject = self.place = None
        self.pins = {}

    def opening(self) -> bool:
        """Tell whether a layer is being opened."""
        return self._opening.busy() or self._reopening.isActive()

    def _map_crs(self) -> QgsCoordinateReferenceSystem:
        """Return the map's CRS."""
        return self._canvas.mapSettings().destinationCrs()

    def _timer(self, then: object) -> QTimer:
        """Return a timer that waits for things to settle."""
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(SETTLED_MS)
        timer.timeout.connect(then)
        return timer

    def _follow(self, layer: Optional[QgsMapLayer]) -> None:
        """Listen to a layer, or to none any more."""
        before, self._layer = self._layer, layer
        for listened in (before, layer):
            if listened is None:
                continue
            pairs = [(listened.crsChanged, self._open), (listened.dataSourceChanged, self._open),
                     (listened.dataChanged, self._reopening.start), (listened.nameChanged, self._reopening.start)]
            if isinstance(listened, QgsVectorLayer):
                pairs.append((listened.subsetStringChanged, self._reopening.start))
            for signal, slot in pairs:
                if listened is layer:
                    signal.connect(slot)
                else:
                    signal.disconnect(slot)

    def _open(self) -> None:
        """Read anew what the chosen layer holds."""
        self._opening.stop()
        self._reopening.stop()
        if self._layer is None:
            self._set_subject(None, self.tr("Choose a layer with embeddings."))
            return
        try:
            request = open_request(self._layer)
        except EarthprintError as error:
            self._set_subject(None, str(error))
            return
        self._set_subject(None, self.tr("Reading “{name}”…").format(name=request.name))
        self._opening.ask(request)

    def _opened(self, _request: OpenRequest, subject: Subject) -> None:
        """Take the subject, and the place with it into its CRS."""
        self._set_subject(subject, "")
        if self.place is not None:
            self.show(self._moved(self.place))
        for letter, place in list(self.pins.items()):
            self.pin(letter, self._moved(place))

    def _refused(self, _request: OpenRequest, sentence: str) -> None:
        """Say why the layer has no embeddings."""
        self._set_subject(None, sentence)

    def _set_subject(self, subject: Optional[Subject], why_none: str) -> None:
        """Tell everybody what is looked into now."""
        before = (self.subject, self.sentence)
        self.subject, self._why_none, self._said = subject, why_none, ""
        if before[0] is not None or subject is not None:
            self.subject_changed.emit()
        if before[1] != self.sentence:
            self.sentence_changed.emit(self.sentence)

    def _moved(self, place: Place) -> Optional[Place]:
        """Return a place in the subject's CRS."""
        if self.subject is None or place.crs == self.subject.crs:
            return place
        transform = QgsCoordinateTransform(place.crs, self.subject.crs, QgsProject.instance())
        try:
            point = transform.transform(QgsPointXY(place.x, place.y))
        except QgsCsException:
            return None
        return Place(point.x(), point.y(), self.subject.crs)

    def _layers_go(self, layer_ids: object) -> None:
        """Let go of the chosen layer before it is deleted."""
        if self._layer is not None and self._layer.id() in list(layer_ids):
            self._follow(None)
            self._opening.stop()
            self._reopening.stop()
            self._set_subject(None, self.tr("The layer was removed. Choose a layer with embeddings."))
