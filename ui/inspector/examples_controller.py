"""Stands between the page of examples, the map and the engine: labels, the running map, and where to go next."""

from __future__ import annotations

from functools import partial
from typing import Callable, List, Optional, Tuple

import numpy as np
from qgis.core import QgsPointXY
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, Qt
from qgis.PyQt.QtWidgets import QDialog

from ...engine.errors import EarthprintError
from ..background import Latest
from ..canvas.class_marks import ClassMark, ClassMarks
from ..canvas.class_overlay import ClassOverlay, fullness
from ..canvas.digit_keys import DigitKeys
from ..canvas.place_mark import PlaceMark
from ..canvas.pointer_tool import PointerTool
from .example_file import CLASS, is_temporary
from .example_store import Example, ExampleStore
from .examples_widget import LIKELIEST, ClassRow, ExamplesWidget, SuggestionRow
from .examples_work import (
    DIFFERENT,
    LabelledField,
    Looked,
    LookRequest,
    Suggestion,
    SuggestRequest,
    look,
    suggest,
)
from .remembered import remember, remembered
from .session import InspectorSession, Place
from .subject import FieldSubject

TRAINING = "earthprint:trainclassification"
INPUT, TARGET, EMBEDDINGS = "INPUT", "TARGET", "EMBEDDINGS"
OPACITY, KIND = "examples/opacity", "examples/kind"
_REACH_PIXELS = 14


class ExamplesController(QObject):
    """Follows session and pointer between `start` and `stop`; classes outlive both, places are in their file."""

    def __init__(self, widget: ExamplesWidget) -> None:
        """Look after one widget."""
        super().__init__(widget)
        self._widget = widget
        self._session: Optional[InspectorSession] = None
        self._tool: Optional[PointerTool] = None
        self._overlay: Optional[ClassOverlay] = None
        self._marks: Optional[ClassMarks] = None
        self._keys: Optional[DigitKeys] = None
        self._rings: List[PlaceMark] = []
        self._field: Optional[LabelledField] = None
        self._looked: Optional[Looked] = None
        self._suggested: Tuple[Suggestion, ...] = ()
        self._suggestions_due = True
        self._dialogs: List[QDialog] = []
        self.store = ExampleStore(self)
        self.looks = Latest(self.tr("Mapping the classes that the map shows"), look, self)
        self.suggesting = Latest(self.tr("Looking for places to label next"), suggest, self, patience_ms=0)
        widget.opacity.setValue(remembered(OPACITY, 70))
        widget.kind.setCurrentIndex(max(0, widget.kind.findData(remembered(KIND, ""))))
        self._connect_widget()
        widget.destroyed.connect(partial(_close, self._dialogs))

    def start(self, session: InspectorSession, tool: PointerTool) -> None:
        """Begin to follow, and show what is known."""
        self._session, self._tool = session, tool
        self._overlay = ClassOverlay(session.canvas)
        self._overlay.set_opacity(self._widget.opacity.value() / 100)
        self._marks = ClassMarks(session.canvas)
        self._keys = DigitKeys(session.canvas)
        self._keys.digit.connect(self._digit)
        self._keys.back.connect(self._undo)
        session.subject_changed.connect(self._subject_changed)
        session.view_changed.connect(self._view_changed)
        tool.clicked.connect(self._clicked)
        self.store.changed.connect(self._examples_changed)
        self.store.start()
        self._subject_changed()

    def stop(self) -> None:
        """Let go of session, pointer, project and map."""
        session, tool = self._session, self._tool
        if session is None or tool is None:
            return
        session.subject_changed.disconnect(self._subject_changed)
        session.view_changed.disconnect(self._view_changed)
        tool.clicked.disconnect(self._clicked)
        self.store.changed.disconnect(self._examples_changed)
        self.store.stop()
        self._let_go()
        for item in (self._overlay, self._marks, self._keys):
            if item is not None:
                item.remove()
        self._overlay = self._marks = self._keys = self._session = self._tool = None

    def looked(self) -> Optional[Looked]:
        """Return what was last seen and told of it."""
        return self._looked

    def suggested(self) -> Tuple[Suggestion, ...]:
        """Return the places to label next, in the CRS of what is looked at."""
        return self._suggested

    def overlay(self) -> Optional[ClassOverlay]:
        """Return what is drawn over the map."""
        return self._overlay

    def marks(self) -> Optional[ClassMarks]:
        """Return the dots on the map."""
        return self._marks

    # ---- what the widget asks

    def _connect_widget(self) -> None:
        """Listen to the widget and to the work."""
        widget = self._widget
        widget.add_requested.connect(self._add_class)
        # The list can't be filled anew while it still closes the name's editor.
        widget.rename_requested.connect(self._rename, Qt.ConnectionType.QueuedConnection)
        widget.recolour_requested.connect(self._recolour)
        widget.remove_requested.connect(self._remove_class)
        widget.undo_requested.connect(self._undo)
        widget.drawn_changed.connect(self._drawn_changed)
        widget.suggestions_requested.connect(self._suggest_anew)
        widget.jump_requested.connect(self._jump)
        widget.train_requested.connect(self._train)
        self.looks.done.connect(self._seen)
        self.looks.failed.connect(self._not_seen)
        self.suggesting.done.connect(self._take_suggestions)
        self.suggesting.failed.connect(self._no_suggestions)

    def _add_class(self) -> None:
        """Add a class and label with it."""
        number = self.store.add_class(self.tr("Class {number}").format(number=len(self.store.classes) + 1))
        self._widget.choose(number)

    def _rename(self, number: int, name: str) -> None:
        """Rename a class; where that fails its old name is shown again."""
        self._try(partial(self.store.rename_class, number, name))
        self._show_classes()

    def _recolour(self, number: int, colour: str) -> None:
        """Give a class another colour."""
        if number < len(self.store.classes):
            self._try(partial(self.store.recolour_class, number, colour))

    def _remove_class(self, number: int) -> None:
        """Delete a class."""
        self._try(partial(self.store.remove_class, number))

    def _undo(self) -> None:
        """Take the last change back."""
        self._try(self.store.undo)

    def _digit(self, number: int) -> None:
        """Label with the class of a key."""
        self._widget.choose(number - 1)

    def _try(self, change: Callable[[], object]) -> bool:
        """Make a change, or say why it can't be made."""
        try:
            change()
        except EarthprintError as error:
            self._say(str(error))
            return False
        return True

    def _drawn_changed(self) -> None:
        """Draw in another way, and remember it."""
        remember(OPACITY, self._widget.opacity.value())
        if self._overlay is not None:
            self._overlay.set_opacity(self._widget.opacity.value() / 100)
        self._draw()

    # ---- what happens on the map

    def _clicked(self, point: QgsPointXY, modifiers: Qt.KeyboardModifiers) -> None:
        """Label a place, or take the nearest label away."""
        session = self._session
        if session is None or self._field is None:
            return
        if modifiers & Qt.KeyboardModifier.AltModifier or self._widget.erase.isChecked():
            self._erase(point)
            return
        place = session.place_at(point)
        if place is None:
            return
        if not self._field.holds(place.x, place.y):
            self._say(self.tr("This place is outside of “{name}”: it can't be an example.").format(
                name=session.subject.name))
            return
        number = self._widget.current()
        if number < 0:
            self._say(self.tr("There is no class to label with: add one first."))
            return
        self._try(partial(self.store.add, number, QgsPointXY(place.x, place.y), place.crs))

    def _erase(self, point: QgsPointXY) -> None:
        """Take away the example nearest to a point of the map, if it is near."""
        found = self._nearest(point)
        if found is None:
            self._say(self.tr("There is no example near this place."))
            return
        self._try(partial(self.store.remove, found))

    def _nearest(self, point: QgsPointXY) -> Optional[Example]:
        """Return the example that is drawn nearest to a point of the map, within some pixels."""
        canvas = self._session.canvas
        reach = _REACH_PIXELS * canvas.mapUnitsPerPixel()
        places = self.store.places_in(canvas.mapSettings().destinationCrs())
        pairs = [(place.distance(point), example) for place, example in zip(places, self.store.examples)
                 if place is not None]
        near = min(pairs, key=lambda pair: pair[0], default=None)
        return near[1] if near is not None and near[0] <= reach else None

    # ---- what the session says

    def _subject_changed(self) -> None:
        """Look into another layer, with the same examples."""
        session = self._session
        if session is None:
            return
        self._let_go()
        subject = session.subject
        if isinstance(subject, FieldSubject):
            self._field = LabelledField(subject.view)
        self._examples_changed()

    def _view_changed(self) -> None:
        """Map the classes in what is shown now."""
        self._show_marks()
        self._show_rings()
        self._ask()

    def _examples_changed(self) -> None:
        """Show the list, mark the places, and map anew."""
        self._show_classes()
        self._show_marks()
        self._suggestions_due = True
        self._ask()

    # ---- what the work brings

    def _ask(self) -> None:
        """Have the classes mapped for what is shown now."""
        session = self._session
        if session is None:
            return
        if self._field is None:
            self._clear(self._why_none())
            return
        view = session.view()
        if view is None:
            self._clear(self.tr("The map shows nothing that the layer's CRS has coordinates for."))
            return
        places, labels = [], []
        for place, example in zip(self.store.places_in(session.subject.crs), self.store.examples):
            if place is not None:
                places.append((place.x(), place.y()))
                labels.append(example.name)
        self.looks.ask(LookRequest(self._field, view.extent, view.width, view.height, tuple(labels), tuple(places)))

    def _why_none(self) -> str:
        """Say why nothing can be labelled in what is looked at; the session says itself why there is nothing."""
        subject = self._session.subject
        if subject is None:
            return ""
        return self.tr("“{name}” is a table, and places are labelled in an embedding raster: choose one, or train on a "
                       "column of the table with “Train classification”.").format(name=subject.name)

    def _seen(self, _request: LookRequest, looked: Looked) -> None:
        """Draw the classes, and look where to label next."""
        if self._session is None or self._field is None:
            return
        self._looked = looked
        self._draw()
        self._say(self._told(looked))
        accuracy = looked.model.accuracy if looked.model is not None else None
        self._widget.show_text(self._widget.accuracy, "" if accuracy is None else self.tr(
            "Left out one at a time, {share} % of the examples are told right (classes weighing alike; neighbours "
            "flatter this).").format(share=round(100 * accuracy)))
        # An answer that is overtaken already knows less than what is to be suggested from.
        if self._suggestions_due and not self.looks.busy():
            self._suggest()

    def _told(self, looked: Looked) -> str:
        """Say what is shown, and what is missing."""
        words = []
        if not self.store.examples:
            words.append(self.tr("Click on the map to label a first place."))
        elif looked.block is None:
            words.append(self.tr("So large an extent takes long to read: zoom in, or make overviews of the raster "
                                 "under “Live similarity”."))
        elif looked.found is None:
            words.append(self.tr("There are examples of only one class yet: choose another class and click a place "
                                 "of it.") if len(looked.vectors) else "")
        else:
            words.append(self.tr("The fuller a colour, the surer is the class."))
        if looked.without == 1:
            words.append(self.tr("One example lies where there is no data and doesn't count; Undo takes it back."))
        elif looked.without:
            words.append(self.tr("{count} examples lie where there is no data and don't count.").format(
                count=looked.without))
        return " ".join(word for word in words if word)

    def _not_seen(self, _request: LookRequest, sentence: str) -> None:
        """Say why nothing can be mapped."""
        self._clear(sentence)

    def _clear(self, sentence: str) -> None:
        """Draw nothing, and say why."""
        self.looks.stop()
        self.suggesting.stop()
        self._looked = None
        self._suggestions_due = True
        if self._overlay is not None:
            self._overlay.clear()
        self._widget.show_text(self._widget.accuracy, "")
        self._show_suggestions((), "")
        self._say(sentence)

    def _draw(self) -> None:
        """Draw the likeliest class, or how likely one class is."""
        session, looked = self._session, self._looked
        if session is None or session.subject is None or self._overlay is None:
            return
        if looked is None or looked.found is None or looked.block is None:
            self._overlay.clear()
            return
        found, colours = looked.found, self.store.colours()
        palette = [colours.get(name, "#808080") for name in found.classes]
        number = self._widget.drawn_class()
        if number == LIKELIEST or number >= len(self.store.classes):
            numbers, strengths = found.winners, fullness(found.certainties)
        elif self.store.classes[number].name not in found.classes:
            self._overlay.clear()
            return
        else:
            index = found.classes.index(self.store.classes[number].name)
            strengths = found.shares[index]
            numbers = np.full(strengths.shape, index)
        self._overlay.show_classes(numbers, strengths, looked.block.extent, session.subject.crs, palette)

    # ---- where to go next

    def _suggest_anew(self) -> None:
        """Look in what the map shows now."""
        remember(KIND, self._widget.suggestion_kind())
        self._suggestions_due = True
        if self._looked is not None and not self.looks.busy():
            self._suggest()

    def _suggest(self) -> None:
        """Look for places to label next."""
        self._suggestions_due = False
        kind = self._widget.suggestion_kind()
        looked = self._looked
        if looked is None or looked.block is None or not len(looked.vectors):
            self._show_suggestions((), self.tr("Places are suggested once there is an example."))
        elif looked.found is None and kind != DIFFERENT:
            self._show_suggestions((), self.tr("Places are suggested once there are examples of two classes."))
        else:
            self.suggesting.ask(SuggestRequest(looked, kind))

    def _take_suggestions(self, _request: SuggestRequest, found: List[Suggestion]) -> None:
        """Show places."""
        if self._session is not None and self._field is not None:
            self._show_suggestions(tuple(found), self.tr("There is no such place in what the map shows."))

    def _no_suggestions(self, _request: SuggestRequest, sentence: str) -> None:
        """Say why there are none."""
        self._show_suggestions((), sentence)

    def _show_suggestions(self, found: Tuple[Suggestion, ...], why_none: str) -> None:
        """List places and mark them on the map."""
        self._suggested = found
        self._widget.show_suggestions([SuggestionRow("#{}".format(number), self._reason(one))
                                       for number, one in enumerate(found, 1)], why_none)
        self._show_rings()

    def _reason(self, one: Suggestion) -> str:
        """Say why a place is worth labelling."""
        rivals = self.tr("{first} or {second}?").format(first=one.rivals[0], second=one.rivals[1]) if one.rivals else ""
        number = (self.tr("difference {score:.2f}") if self._widget.suggestion_kind() == DIFFERENT
                  else self.tr("doubt {score:.2f}")).format(score=one.place.score)
        return self.tr("{rivals} ({number})").format(rivals=rivals, number=number) if rivals else number

    def _show_rings(self) -> None:
        """Mark the suggestions on the map, by their numbers."""
        for ring in self._rings:
            ring.clear()
        self._rings = []
        session = self._session
        if session is None or session.subject is None:
            return
        for number, one in enumerate(self._suggested, 1):
            point = session.map_point(Place(one.place.x, one.place.y, session.subject.crs))
            if point is not None:
                ring = PlaceMark(session.canvas, str(number))
                ring.show(point, None, session.subject.crs)
                self._rings.append(ring)

    def _jump(self, number: int) -> None:
        """Bring a suggestion into the middle of the map."""
        session = self._session
        if session is None or session.subject is None or not 0 <= number < len(self._suggested):
            return
        place = self._suggested[number].place
        point = session.map_point(Place(place.x, place.y, session.subject.crs))
        if point is not None:
            session.canvas.setCenter(point)
            session.canvas.refresh()

    # ---- showing

    def _show_classes(self) -> None:
        """List the classes."""
        rows = [ClassRow(one.name, one.colour, count) for one, count in zip(self.store.classes, self.store.counts())]
        self._widget.show_classes(rows, self._widget.current())
        classes = sum(row.count > 0 for row in rows)
        self._widget.set_ready(self.store.can_undo(), classes > 1 and self._field is not None)
        path = self.store.path()
        written = (self.tr("Written to {path}, which is a folder for temporary files: export the layer to keep it. In "
                           "a saved project the file lies beside the project.") if is_temporary(path)
                   else self.tr("Written to {path}"))
        self._widget.show_text(self._widget.file, written.format(path=path) if path else "")

    def _show_marks(self) -> None:
        """Mark the examples on the map."""
        session = self._session
        if session is None or self._marks is None:
            return
        colours = self.store.colours()
        places = self.store.places_in(session.canvas.mapSettings().destinationCrs())
        self._marks.show_marks([ClassMark(place, colours.get(example.name, "#808080"))
                                for place, example in zip(places, self.store.examples) if place is not None])

    def _say(self, sentence: str) -> None:
        """Say something on the page."""
        self._widget.show_text(self._widget.sentence, sentence)

    def _let_go(self) -> None:
        """Give up all work on the layer."""
        self.looks.stop()
        self.suggesting.stop()
        self._field = self._looked = None
        self._suggested = ()
        self._show_rings()
        if self._overlay is not None:
            self._overlay.clear()

    # ---- training

    def training(self) -> "Optional[dict[str, str]]":
        """Return the parameters that the examples fill in, or None where there are none."""
        layer = self.store.layer()
        if layer is None or self._session is None or not isinstance(self._session.subject, FieldSubject):
            return None
        return {INPUT: layer.id(), TARGET: CLASS, EMBEDDINGS: self._session.subject.layer_id}

    def _train(self) -> None:
        """Open the training's dialog, filled in."""
        import processing

        parameters = self.training()
        if parameters is None:
            self._say(self.tr("There is nothing to learn from: label places first."))
            return
        dialog = processing.createAlgorithmDialog(TRAINING, dict(parameters))
        if dialog is None:
            self._say(self.tr("The algorithm can't be opened: enable Earthprint's provider in the settings of "
                              "Processing."))
            return
        self._dialogs[:] = [*(one for one in self._dialogs if not sip.isdeleted(one)), dialog]
        dialog.show()


def _close(dialogs: "List[QDialog]", *_ignored: object) -> None:
    """Close the dialogs that were opened; QGIS may delete those on closing."""
    for dialog in dialogs:
        if not sip.isdeleted(dialog):
            dialog.close()
    dialogs.clear()
