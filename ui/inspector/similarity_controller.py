"""Stands between the similarity page, the map and the engine: what is asked for, drawn, and kept."""

from __future__ import annotations

from functools import partial
from typing import List, Optional, Sequence

import numpy as np
from qgis.core import QgsPointXY, QgsProject, QgsRectangle, QgsWkbTypes
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QObject, Qt
from qgis.PyQt.QtWidgets import QDialog

from ...engine.inspecting.live_similarity import (
    Given,
    GivenRequest,
    Live,
    LiveField,
    Picture,
    PictureRequest,
    ScoreRequest,
    Seen,
    read_given,
    read_picture,
    score_picture,
)
from ..background import Latest
from ..canvas.example_marks import ExampleMarks, MarkedExample
from ..canvas.overlay import ScoreOverlay
from ..canvas.pointer_tool import PointerTool
from ..canvas.score_colours import OverlayStyle
from .layer_keeper import LayerKeeper
from .overview_maker import OverviewMaker
from .remembered import remember, remembered
from .session import InspectorSession
from .similarity_call import SimilarityCall, similarity_call
from .similarity_examples import (
    MOST_FEATURES,
    MovedExamples,
    ShownExample,
    box_example,
    feature_examples,
    moved_examples,
    point_example,
    selected_layer,
)
from .similarity_rows import live_table
from .similarity_widget import ADD, COUNTER, COUNTER_COLOUR, EXAMPLE_COLOUR, REPLACE, ExampleRow, SimilarityWidget
from .subject import FieldSubject

_NONE_GIVEN = Given(None, None)
_RAMP, _OPACITY, _HIDES, _THRESHOLD = ("similarity/" + name for name in ("ramp", "opacity", "hides", "threshold"))


class SimilarityController(QObject):
    """Follows session and pointer between `start` and `stop`; the examples outlive both, and a change of the layer."""

    def __init__(self, widget: SimilarityWidget) -> None:
        """Look after one widget."""
        super().__init__(widget)
        self._widget = widget
        self._session: Optional[InspectorSession] = None
        self._tool: Optional[PointerTool] = None
        self._overlay: Optional[ScoreOverlay] = None
        self._marks: Optional[ExampleMarks] = None
        self._live: Optional[Live] = None
        self._picture: Optional[Picture] = None
        self._given = _NONE_GIVEN
        self._given_known = False
        self._pointer: Optional[QgsPointXY] = None
        self._dialogs: List[QDialog] = []
        self.examples: List[ShownExample] = []
        self.following = True
        self.pictures = Latest(self.tr("Reading what the map shows"), read_picture, self, patience_ms=0)
        self.givens = Latest(self.tr("Reading the examples"), read_given, self, patience_ms=0)
        self.scores = Latest(self.tr("Comparing with what the map shows"), score_picture, self)
        self.keeper = LayerKeeper(self)
        self.overviews = OverviewMaker(self)
        widget.set_overlay_style(OverlayStyle(remembered(_RAMP, "viridis"), remembered(_OPACITY, 0.8),
                                              remembered(_THRESHOLD, 0.5) if remembered(_HIDES, False) else None))
        self._connect_widget()
        # Writing goes on while another page is in front, but not when the dock is gone.
        widget.destroyed.connect(partial(_end, self.keeper, self.overviews, self._dialogs))

    def start(self, session: InspectorSession, tool: PointerTool) -> None:
        """Begin to follow, and show what is to be shown."""
        self._session, self._tool = session, tool
        self._overlay = ScoreOverlay(session.canvas)
        self._overlay.set_style(self._widget.overlay_style())
        self._marks = ExampleMarks(session.canvas)
        session.subject_changed.connect(self._subject_changed)
        session.view_changed.connect(self._view_changed)
        QgsProject.instance().cleared.connect(self._forget)
        tool.hovered.connect(self._hovered)
        tool.clicked.connect(self._clicked)
        tool.boxed.connect(self._boxed)
        self._subject_changed()

    def stop(self) -> None:
        """Let go of session, pointer and map."""
        session, tool = self._session, self._tool
        if session is None or tool is None:
            return
        session.subject_changed.disconnect(self._subject_changed)
        session.view_changed.disconnect(self._view_changed)
        QgsProject.instance().cleared.disconnect(self._forget)
        tool.hovered.disconnect(self._hovered)
        tool.clicked.disconnect(self._clicked)
        tool.boxed.disconnect(self._boxed)
        self._let_go()
        if self._overlay is not None:
            self._overlay.remove()
        if self._marks is not None:
            self._marks.clear()
        self._overlay = self._marks = self._session = self._tool = None

    def overlay(self) -> Optional[ScoreOverlay]:
        """Return what is drawn over the map."""
        return self._overlay

    def call(self) -> Optional[SimilarityCall]:
        """Return the algorithm's call for the examples, or None where there is no layer or no example."""
        subject = self._session.subject if self._session is not None else None
        if subject is None:
            return None
        moved = moved_examples(self.examples, subject.crs)
        if not moved.positives:
            return None
        names = (self.tr("Examples of {name}"), self.tr("Counter-examples of {name}"))
        return similarity_call(subject, moved.positives, moved.negatives,
                               [name.format(name=subject.name) for name in names])

    # ---- what the widget asks

    def _connect_widget(self) -> None:
        """Listen to the widget and to the work."""
        widget = self._widget
        widget.follow_toggled.connect(self._follow)
        widget.style_changed.connect(self._style_changed)
        widget.features_requested.connect(self._take_features)
        widget.remove_requested.connect(self._remove)
        widget.clear_requested.connect(self._forget)
        widget.keep_requested.connect(self._keep)
        widget.cancel_keep_requested.connect(self.keeper.cancel)
        widget.toolbox_requested.connect(self._open_toolbox)
        widget.overviews_requested.connect(self._make_overviews)
        widget.cancel_overviews_requested.connect(self.overviews.cancel)
        self.pictures.done.connect(self._seen)
        self.pictures.failed.connect(self._not_seen)
        self.givens.done.connect(self._given_read)
        self.givens.failed.connect(self._not_given)
        self.scores.done.connect(self._scored)
        self.scores.failed.connect(self._not_scored)
        self.keeper.progressed.connect(self._keep_moved)
        self.keeper.kept.connect(self._kept)
        self.keeper.failed.connect(self._not_kept)
        self.keeper.cancelled.connect(self._keep_cancelled)
        self.overviews.progressed.connect(self._overviews_moved)
        self.overviews.made.connect(self._overviews_made)
        self.overviews.failed.connect(self._overviews_failed)

    def _follow(self, following: bool) -> None:
        """Follow the pointer, or hold on to the examples."""
        self.following = following
        self._tell()
        self._ask_scores()

    def _style_changed(self) -> None:
        """Draw in another way, and remember it."""
        style = self._widget.overlay_style()
        remember(_RAMP, style.ramp)
        remember(_OPACITY, style.opacity)
        remember(_HIDES, style.threshold is not None)
        if style.threshold is not None:
            remember(_THRESHOLD, style.threshold)
        if self._overlay is not None:
            self._overlay.set_style(style)
            self._show_spread()

    def _take_features(self) -> None:
        """Take what is selected in a layer as examples, as a click would."""
        session = self._session
        if session is None:
            return
        layer = selected_layer(session.canvas.currentLayer())
        if layer is None or layer.geometryType() == QgsWkbTypes.GeometryType.NullGeometry:
            self._widget.show_sentence(self.tr("Select one or more features of a layer first."))
            return
        of_subject = session.subject is not None and layer.id() == session.subject.layer_id
        mode = self._widget.click_mode()
        found = feature_examples(layer, mode == COUNTER, of_subject)
        self._take(found, mode)
        if layer.selectedFeatureCount() > MOST_FEATURES:
            self._widget.show_sentence(self.tr("Of the {count} selected features, the first {most} are examples: “Find "
                                               "similar places in raster” takes all.").format(
                count=layer.selectedFeatureCount(), most=MOST_FEATURES))

    def _remove(self, rows: Sequence[int]) -> None:
        """Take lines out of the list."""
        gone = set(rows)
        self.examples = [one for number, one in enumerate(self.examples) if number not in gone]
        if not any(not one.counter for one in self.examples):
            self.following = True
        self._examples_changed()

    def _forget(self) -> None:
        """Begin anew; also when the project is closed."""
        self.examples = []
        self.following = True
        self._pointer = None
        if self._overlay is not None:
            self._overlay.clear()
        self._examples_changed()

    # ---- what happens on the map

    def _hovered(self, point: QgsPointXY) -> None:
        """Show what is similar to the place under the pointer, or tell its score."""
        self._pointer = QgsPointXY(point)
        if self.following:
            self._ask_scores()
        else:
            self._show_here()

    def _clicked(self, point: QgsPointXY, modifiers: Qt.KeyboardModifiers) -> None:
        """Take a place."""
        session = self._session
        if session is None or session.subject is None:
            return
        mode = self._mode(modifiers)
        # The place keeps the layer's coordinates, which is what an algorithm is given later.
        place = session.place_at(point)
        if place is None:
            return
        self._pointer = QgsPointXY(point)
        if mode == REPLACE:
            session.show(place)
        self._take([point_example(QgsPointXY(place.x, place.y), place.crs, mode == COUNTER)], mode)

    def _boxed(self, box: QgsRectangle, modifiers: Qt.KeyboardModifiers) -> None:
        """Take all that lies in a box."""
        session = self._session
        if session is None or session.subject is None or box.isEmpty():
            return
        mode = self._mode(modifiers)
        self._take([box_example(box, session.canvas.mapSettings().destinationCrs(), mode == COUNTER)], mode)

    def _mode(self, modifiers: Qt.KeyboardModifiers) -> str:
        """Return what a click does."""
        if modifiers & Qt.KeyboardModifier.AltModifier:
            return COUNTER
        return ADD if modifiers & Qt.KeyboardModifier.ShiftModifier else self._widget.click_mode()

    def _take(self, found: Sequence[ShownExample], mode: str) -> None:
        """Put examples in the place of the earlier ones, or beside them; examples are held on to."""
        if not found:
            return
        if mode == REPLACE:
            self.examples = [one for one in self.examples if one.counter]
        self.examples = [*self.examples, *found]
        if mode != COUNTER:
            self.following = False
        self._examples_changed()

    # ---- what the session says

    def _subject_changed(self) -> None:
        """Look into another layer, with the same examples."""
        session = self._session
        if session is None:
            return
        self._let_go()
        if self._overlay is not None:
            self._overlay.clear()
        self._widget.set_overviews("", self.overviews.busy())
        subject = session.subject
        if isinstance(subject, FieldSubject):
            self._live = LiveField(subject.path, "“{}”".format(subject.name))
        elif subject is not None:
            self._live = live_table(subject, session.rows())
        self._examples_changed()
        self._view_changed()

    def _view_changed(self) -> None:
        """Read what the map shows now; until then the scores of before are drawn where they belong."""
        session = self._session
        if session is None or self._live is None:
            return
        self._show_marks()
        view = session.view()
        if view is None:
            self._picture = None
            self._widget.show_sentence(self.tr("The map shows nothing that the layer's CRS has coordinates for."))
            return
        self._widget.show_sentence(self.tr("Reading what the map shows…"))
        self.pictures.ask(PictureRequest(self._live, view.extent, view.width, view.height))

    # ---- what the work brings

    def _seen(self, _request: PictureRequest, seen: Seen) -> None:
        """Take what the map shows."""
        self._picture = seen.picture
        if seen.picture is None:
            self.scores.stop()
            if self._overlay is not None:
                self._overlay.clear()
            self._show_spread()
            self._widget.show_sentence("")
            self._widget.set_overviews(self.tr("So large an extent takes long to read, as the raster has no overviews "
                                               "(smaller copies of itself). Zoom in, or make them once."),
                                       self.overviews.busy())
            return
        self._widget.set_overviews("", self.overviews.busy())
        self._tell()
        self._ask_scores()

    def _not_seen(self, _request: PictureRequest, sentence: str) -> None:
        """Say why nothing can be shown."""
        self._picture = None
        if self._overlay is not None:
            self._overlay.clear()
        self._show_spread()
        self._widget.show_sentence(sentence)

    def _given_read(self, _request: GivenRequest, given: Given) -> None:
        """Take the vectors of the examples."""
        self._given, self._given_known = given, True
        self._ask_scores()

    def _not_given(self, _request: GivenRequest, sentence: str) -> None:
        """Say why the examples are none."""
        self._given, self._given_known = _NONE_GIVEN, False
        if self._overlay is not None and not self.following:
            self._overlay.clear()
            self._show_spread()
        self._widget.show_sentence(sentence)

    def _scored(self, request: ScoreRequest, scores: np.ndarray) -> None:
        """Draw the scores."""
        session = self._session
        if session is None or session.subject is None or self._overlay is None:
            return
        self._overlay.show_scores(scores, request.picture.extent, session.subject.crs)
        self._show_spread()
        self._show_here()
        self._tell()

    def _not_scored(self, _request: ScoreRequest, sentence: str) -> None:
        """Say why nothing is shown."""
        if self._overlay is not None:
            self._overlay.clear()
        self._show_spread()
        self._widget.show_here(None)
        self._widget.show_sentence(sentence)

    # ---- asking and showing

    def _examples_changed(self) -> None:
        """Show the list, mark the places, and read their vectors."""
        self._given, self._given_known = _NONE_GIVEN, False
        self.givens.stop()
        self._widget.set_following(self.following)
        self._widget.show_examples([self._row(one) for one in self.examples])
        self._show_marks()
        self._tell()
        moved = self._moved()
        if moved is None or self._live is None:
            return
        if moved.positives or moved.negatives:
            self.scores.stop()
            self.givens.ask(GivenRequest(self._live, _wkb(moved.positives), _wkb(moved.negatives)))
        else:
            self._given_known = True
            self._ask_scores()
        if moved.lost:
            self._widget.show_sentence(self.tr("{count} of the examples lie where the layer's CRS has no coordinates "
                                               "and don't count.").format(count=moved.lost))

    def _ask_scores(self) -> None:
        """Ask for scores, if it is known what of and with what."""
        session = self._session
        if session is None or self._picture is None or not self._given_known:
            return
        if self.following:
            place = session.place_at(self._pointer) if self._pointer is not None else None
            if place is not None:
                self.scores.ask(ScoreRequest(self._picture, self._given, (place.x, place.y)))
        elif self._given.positives is not None:
            self.scores.ask(ScoreRequest(self._picture, self._given))

    def _moved(self) -> Optional[MovedExamples]:
        """Return the examples in the layer's CRS."""
        subject = self._session.subject if self._session is not None else None
        return None if subject is None else moved_examples(self.examples, subject.crs)

    def _let_go(self) -> None:
        """Give up all work on the layer."""
        for work in (self.pictures, self.givens, self.scores):
            work.stop()
        self._live = self._picture = None
        self._given, self._given_known = _NONE_GIVEN, False

    def _show_marks(self) -> None:
        """Mark the examples on the map."""
        if self._marks is not None:
            self._marks.show([MarkedExample(one.geometry, one.crs, COUNTER_COLOUR if one.counter else EXAMPLE_COLOUR,
                                            one.counter) for one in self.examples])

    def _show_spread(self) -> None:
        """Write which scores the colours stand for."""
        shown = self._overlay.shown() if self._overlay is not None else None
        whole = self._overlay.spread() if self._overlay is not None else None
        if shown is None or whole is None:
            self._widget.show_spread(None, None)
        else:
            self._widget.show_spread(shown.low, shown.high, whole.low)

    def _show_here(self) -> None:
        """Write the score under the pointer."""
        if self._overlay is None or self._session is None or self._pointer is None:
            self._widget.show_here(None)
            return
        pixel = self._session.canvas.getCoordinateTransform().transform(self._pointer)
        score = self._overlay.score_at(int(pixel.x()), int(pixel.y()))
        self._widget.show_here(score if np.isfinite(score) else None)

    def _tell(self) -> None:
        """Say what is shown."""
        if self._session is None or self._session.subject is None:
            self._widget.show_sentence("")
        elif self.following:
            self._widget.show_sentence(self.tr("Similar to the place under the pointer."))
        else:
            counters = sum(one.counter for one in self.examples)
            self._widget.show_sentence(self._held(len(self.examples) - counters, counters))

    def _held(self, positives: int, negatives: int) -> str:
        """Say what the examples held are."""
        first = self.tr("Similar to this example.") if positives == 1 else self.tr(
            "Similar to the mean of {count} examples.").format(count=positives)
        if not negatives:
            return first
        second = self.tr("Half of the counter-example is subtracted.") if negatives == 1 else self.tr(
            "Half of the mean of {count} counter-examples is subtracted.").format(count=negatives)
        return first + " " + second

    def _row(self, one: ShownExample) -> ExampleRow:
        """Put an example into words."""
        box = one.geometry.boundingBox()
        digits = 5 if one.crs.isGeographic() else 0
        where = "{:.{d}f}, {:.{d}f}".format(box.center().x(), box.center().y(), d=digits)
        kind = QgsWkbTypes.geometryType(one.geometry.wkbType())
        if one.source:
            what = self.tr("{layer}, at {where}").format(layer=one.source, where=where)
        elif kind == QgsWkbTypes.GeometryType.PolygonGeometry:
            what = self.tr("box around {where}").format(where=where)
        else:
            what = where
        return ExampleRow(self.tr("Not: {what}").format(what=what) if one.counter else what, one.counter)

    # ---- keeping

    def _keep(self) -> None:
        """Write the scores at full resolution by the algorithm."""
        call = self.call()
        if call is None or self._session is None or self._session.subject is None:
            self._widget.show_outcome(self.tr("There is nothing to keep: click on the map first."))
            return
        self._widget.show_outcome("")
        self._widget.set_keeping(True)
        self.keeper.keep(call, self.tr("Similarity in {name}").format(name=self._session.subject.name))

    def _keep_moved(self, percent: float) -> None:
        """Move the bar."""
        self._widget.keep_progress.setValue(int(percent * 10))

    def _kept(self, layer: QObject) -> None:
        """Say where the layer is."""
        self._widget.set_keeping(False)
        self._widget.show_outcome(self.tr("“{name}” was added to the project. It is a temporary file: export it to "
                                          "keep it beyond this session.").format(name=layer.name()))

    def _not_kept(self, sentence: str) -> None:
        """Say why there is no layer."""
        self._widget.set_keeping(False)
        self._widget.show_outcome(sentence)

    def _keep_cancelled(self) -> None:
        """Say that there is no layer, as was wished."""
        self._widget.set_keeping(False)
        self._widget.show_outcome(self.tr("Cancelled; nothing was written."))

    def _open_toolbox(self) -> None:
        """Open the algorithm's dialog, filled in; its layers of examples come into the project, where dialogs look."""
        import processing

        call = self.call()
        if call is None:
            self._widget.show_outcome(self.tr("There is nothing to look for: click on the map first."))
            return
        for layer in call.layers:
            QgsProject.instance().addMapLayer(layer)
        dialog = processing.createAlgorithmDialog(call.algorithm, dict(call.parameters))
        if dialog is None:
            self._widget.show_outcome(self.tr("The algorithm can't be opened: enable Earthprint's provider in the "
                                              "settings of Processing."))
            return
        self._dialogs[:] = [*(one for one in self._dialogs if not sip.isdeleted(one)), dialog]
        dialog.show()

    # ---- overviews

    def _make_overviews(self) -> None:
        """Make overviews of the layer's file."""
        subject = self._session.subject if self._session is not None else None
        if isinstance(subject, FieldSubject):
            self._widget.set_overviews(self.tr("Making overviews of “{name}”.").format(name=subject.name), True)
            self.overviews.make(subject.path)

    def _overviews_moved(self, fraction: float) -> None:
        """Move the bar."""
        self._widget.overview_progress.setValue(int(fraction * 1000))

    def _overviews_made(self, path: str) -> None:
        """Look again, with overviews now."""
        self._widget.set_overviews("", False)
        subject = self._session.subject if self._session is not None else None
        if isinstance(subject, FieldSubject) and subject.path == path:
            self._subject_changed()

    def _overviews_failed(self, sentence: str) -> None:
        """Say why there are none."""
        self._widget.set_overviews(sentence, False)


def _end(keeper: LayerKeeper, maker: OverviewMaker, dialogs: "List[QDialog]", *_ignored: object) -> None:
    """Stop what is being written, and close the dialogs that were opened; QGIS may delete those on closing."""
    keeper.abandon()
    maker.abandon()
    for dialog in dialogs:
        if not sip.isdeleted(dialog):
            dialog.close()
    dialogs.clear()


def _wkb(geometries: "Sequence[object]") -> "tuple[bytes, ...]":
    """Return geometries as bytes, for the engine."""
    return tuple(bytes(one.asWkb().data()) for one in geometries)
