"""Labelled places and their classes: each change goes into the file at once, and each can be taken back."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Callable, Dict, List, Optional, Sequence

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeature,
    QgsGeometry,
    QgsMarkerSymbol,
    QgsPointXY,
    QgsProject,
    QgsRendererCategory,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...engine.errors import InputError
from .example_file import CLASS, COLOUR, X, Y, is_examples, make_examples, open_examples, path_of

PROPERTY = "earthprint/examples"
# Okabe and Ito's colours, which colour-blind eyes tell apart, and two more.
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442", "#7f3c8d", "#5b5b5b")


@dataclass(frozen=True)
class ExampleClass:
    """A class and its colour, `#rrggbb`."""

    name: str
    colour: str


@dataclass(frozen=True)
class Example:
    """A labelled place: its row in the file, its class, and its coordinates in the file's CRS."""

    fid: int
    name: str
    x: float
    y: float


class ExampleStore(QObject):
    """Keeps classes and places in step with the layer of the project that holds them.

    There is no layer until the first place is labelled; the project remembers which one it is.
    """

    changed = pyqtSignal()

    def __init__(self, parent: Optional[QObject] = None) -> None:
        """Begin with two classes and no place."""
        super().__init__(parent)
        self.classes: List[ExampleClass] = []
        self.examples: List[Example] = []
        self._layer_id = ""
        self._path = ""
        self._followed: Optional[QgsVectorLayer] = None
        self._undo: List[Callable[[], None]] = []
        self._writing = False
        self._begin()

    def start(self) -> None:
        """Follow the project, and take up its layer of examples."""
        project = QgsProject.instance()
        project.layersWillBeRemoved.connect(self._layers_go)
        project.cleared.connect(self._project_goes)
        project.readProject.connect(self._project_comes)
        self._adopt()

    def stop(self) -> None:
        """Let go of project and layer; places and classes stay."""
        project = QgsProject.instance()
        project.layersWillBeRemoved.disconnect(self._layers_go)
        project.cleared.disconnect(self._project_goes)
        project.readProject.disconnect(self._project_comes)
        self._follow(None)
        if not self._layer_id:
            # Another project may come before the next start, and its places belong elsewhere.
            self._path = ""

    def layer(self) -> Optional[QgsVectorLayer]:
        """Return the layer in the project, or None where there is none yet or any more."""
        found = QgsProject.instance().mapLayer(self._layer_id) if self._layer_id else None
        return found if isinstance(found, QgsVectorLayer) else None

    def path(self) -> str:
        """Return where the places are written, empty before the first."""
        return self._path

    def colours(self) -> Dict[str, str]:
        """Return the colour of each class."""
        return {one.name: one.colour for one in self.classes}

    def counts(self) -> List[int]:
        """Return how many places each class has."""
        return [sum(example.name == one.name for example in self.examples) for one in self.classes]

    def can_undo(self) -> bool:
        """Tell whether there is a change to take back."""
        return bool(self._undo)

    # ---- classes

    def add_class(self, name: str) -> int:
        """Add a class at the end and return its number; a name that is taken gets a number."""
        names = {one.name for one in self.classes}
        free, number = name, len(self.classes) + 1
        while free in names or not free:
            free, number = "{} {}".format(name, number).strip(), number + 1
        used = {one.colour for one in self.classes}
        colour = next((colour for colour in PALETTE if colour not in used), PALETTE[len(self.classes) % len(PALETTE)])
        before = list(self.classes)
        self.classes = [*before, ExampleClass(free, colour)]
        self._undo.append(lambda: self._set_classes(before))
        self._classes_changed()
        return len(before)

    def rename_class(self, number: int, name: str) -> None:
        """Give a class and all its places another name."""
        name, before = name.strip(), list(self.classes)
        old = before[number].name
        if name == old:
            return
        if not name:
            raise InputError("class-nameless", "A class needs a name.")
        if any(one.name == name for one in before):
            raise InputError("class-taken", "There is a class {name} already: choose another name.", name=name)
        rows = [example.fid for example in self.examples if example.name == old]
        self._label(rows, name, before[number].colour)
        self.classes = [replace(one, name=name) if one.name == old else one for one in before]
        self._undo.append(lambda: self._take_back_label(rows, before, number))
        self._classes_changed()

    def recolour_class(self, number: int, colour: str) -> None:
        """Give a class and all its places another colour."""
        before = list(self.classes)
        old = before[number]
        if colour == old.colour:
            return
        rows = [example.fid for example in self.examples if example.name == old.name]
        self._label(rows, old.name, colour)
        self.classes = [replace(one, colour=colour) if one is old else one for one in before]
        self._undo.append(lambda: self._take_back_label(rows, before, number))
        self._classes_changed()

    def remove_class(self, number: int) -> None:
        """Take a class out, with its places."""
        before = list(self.classes)
        gone = [example for example in self.examples if example.name == before[number].name]
        self._delete(gone)
        self.classes = before[:number] + before[number + 1:]
        self._undo.append(lambda: self._take_back_removal(gone, before))
        self._classes_changed()

    # ---- places

    def add(self, number: int, point: QgsPointXY, crs: QgsCoordinateReferenceSystem) -> Example:
        """Write a place of a class; the first one makes the file, in the CRS that it is given in."""
        one = self.classes[number]
        layer = self._writable(crs)
        place = self._moved(point, crs, layer.crs())
        if all(known.name != one.name for known in self.classes):
            # The file was there, with classes of its own.
            self.classes = [*self.classes, one]
            self._classes_changed()
        example = self._insert([Example(-1, one.name, place.x(), place.y())])[0]
        self._undo.append(lambda: self._delete([example]))
        self.changed.emit()
        return example

    def remove(self, example: Example) -> None:
        """Take a place out."""
        self._delete([example])
        self._undo.append(lambda: self._put_back([example]))
        self.changed.emit()

    def undo(self) -> None:
        """Take the last change back."""
        if self._undo:
            self._undo[-1]()
            self._undo.pop()
            self._classes_changed()

    def places_in(self, crs: QgsCoordinateReferenceSystem) -> "List[Optional[QgsPointXY]]":
        """Return where the places lie in another CRS, None where that has no such place."""
        layer = self.layer()
        if layer is None:
            return []
        found: List[Optional[QgsPointXY]] = []
        transform = QgsCoordinateTransform(layer.crs(), crs, QgsProject.instance())
        for example in self.examples:
            try:
                found.append(transform.transform(QgsPointXY(example.x, example.y)))
            except QgsCsException:
                found.append(None)
        return found

    # ---- the file

    def _insert(self, examples: Sequence[Example]) -> List[Example]:
        """Write places, and return them with the rows that they got; those that had rows keep them."""
        layer = self._editable()
        colours, features = self.colours(), []
        for example in examples:
            feature = QgsFeature(layer.fields())
            feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(example.x, example.y)))
            for column, value in ((CLASS, example.name), (COLOUR, colours.get(example.name, PALETTE[0])),
                                  (X, example.x), (Y, example.y)):
                feature.setAttribute(column, value)
            if example.fid >= 0 and layer.primaryKeyAttributes():
                feature.setAttribute(layer.primaryKeyAttributes()[0], example.fid)
            features.append(feature)
        self._writing = True
        try:
            good, written = layer.dataProvider().addFeatures(features)
        finally:
            self._writing = False
        if not good:
            raise self._refused(layer)
        found = [replace(example, fid=feature.id()) for example, feature in zip(examples, written)]
        self.examples = sorted([*self.examples, *found], key=lambda example: example.fid)
        self._repaint(layer)
        return found

    def _delete(self, examples: Sequence[Example]) -> None:
        """Take places out of the file."""
        rows = {example.fid for example in examples}
        if not rows:
            return
        layer = self._editable()
        self._writing = True
        try:
            good = layer.dataProvider().deleteFeatures(list(rows))
        finally:
            self._writing = False
        if not good:
            raise self._refused(layer)
        self.examples = [example for example in self.examples if example.fid not in rows]
        self._repaint(layer)

    def _label(self, rows: Sequence[int], name: str, colour: str) -> None:
        """Write another class and colour into rows."""
        if not rows:
            return
        layer = self._editable()
        columns = [layer.fields().indexFromName(column) for column in (CLASS, COLOUR)]
        self._writing = True
        try:
            good = layer.dataProvider().changeAttributeValues({row: dict(zip(columns, (name, colour)))
                                                               for row in rows})
        finally:
            self._writing = False
        if not good:
            raise self._refused(layer)
        chosen = set(rows)
        self.examples = [replace(example, name=name) if example.fid in chosen else example
                         for example in self.examples]

    def _refused(self, layer: QgsVectorLayer) -> InputError:
        """Say that the file could not be written."""
        return InputError("examples-refused", "{path} can't be written: free space on its disk, or save the project "
                          "in another folder.", path=path_of(layer))

    def _editable(self) -> QgsVectorLayer:
        """Return the layer, if it may be written now."""
        layer = self.layer()
        if layer is None:
            raise InputError("examples-gone", "The layer of examples was removed: click on the map to begin again.")
        if layer.isEditable():
            raise InputError("examples-edited", "{name} is being edited in QGIS: save or discard these edits first.",
                             name=layer.name())
        return layer

    def _writable(self, crs: QgsCoordinateReferenceSystem) -> QgsVectorLayer:
        """Return the layer of the project, which is made or loaded again where there is none."""
        if self.layer() is None:
            name = self.tr("Examples")
            found = open_examples(self._path, name) if self._path else None
            layer = found if found is not None else make_examples(crs, name)
            QgsProject.instance().addMapLayer(layer)
            self._take(layer)
        return self._editable()

    def _moved(self, point: QgsPointXY, crs: QgsCoordinateReferenceSystem,
               target: QgsCoordinateReferenceSystem) -> QgsPointXY:
        """Bring a place into the file's CRS."""
        if crs == target or not target.isValid():
            return QgsPointXY(point)
        try:
            return QgsCoordinateTransform(crs, target, QgsProject.instance()).transform(point)
        except QgsCsException:
            raise InputError("examples-crs", "The CRS of the examples has no coordinates for this place.") from None

    # ---- taking back

    def _set_classes(self, classes: List[ExampleClass]) -> None:
        """Have the classes of before."""
        self.classes = list(classes)

    def _take_back_label(self, rows: Sequence[int], before: List[ExampleClass], number: int) -> None:
        """Have the names and colours of before."""
        self._label(rows, before[number].name, before[number].colour)
        self._set_classes(before)

    def _take_back_removal(self, gone: Sequence[Example], before: List[ExampleClass]) -> None:
        """Have a class and its places again."""
        now = self.classes
        self._set_classes(before)
        try:
            self._put_back(gone)
        except InputError:
            self._set_classes(now)
            raise

    def _put_back(self, examples: Sequence[Example]) -> None:
        """Write places that were taken out, under the rows that they had."""
        if examples:
            self._insert(examples)

    # ---- the layer in the project

    def _adopt(self) -> None:
        """Take up the layer that the project marks as that of the examples."""
        layers = QgsProject.instance().mapLayers().values()
        found = next((layer for layer in layers if layer.customProperty(PROPERTY) is not None
                      and is_examples(layer)), None)
        if found is not None:
            self._take(found)
        elif self._layer_id:
            # It went while nobody listened, perhaps with its project.
            self._project_goes()

    def _take(self, layer: QgsVectorLayer) -> None:
        """Read a layer's classes and places."""
        new = layer.id() != self._layer_id
        self._layer_id, self._path = layer.id(), path_of(layer)
        self._follow(layer)
        before = list(self.classes), list(self.examples)
        stated = _stated_classes(layer)
        known = {one.name: one for one in stated}
        self.examples = []
        columns = [layer.fields().indexFromName(column) for column in (CLASS, COLOUR)]
        for feature in layer.getFeatures():
            name, colour = (feature.attribute(column) for column in columns)
            if feature.geometry().isNull() or not isinstance(name, str) or not name:
                continue
            if name not in known:
                known[name] = ExampleClass(name, colour if isinstance(colour, str) and colour else self._free(known))
            point = feature.geometry().asPoint()
            self.examples.append(Example(feature.id(), name, point.x(), point.y()))
        self.examples.sort(key=lambda example: example.fid)
        if not stated and new:
            # The user's own classes, which no place has yet, come after those of the file.
            taken = len(known)
            for one in before[0]:
                if one.name not in known and not (taken and _unnamed(one, before[0])):
                    known[one.name] = one
        self.classes = list(known.values()) or before[0]
        if (self.classes, self.examples) != before and (not new or before[1]):
            self._undo = []
        self._classes_changed()

    def _free(self, known: Dict[str, ExampleClass]) -> str:
        """Return a colour that no class has."""
        used = {one.colour for one in known.values()}
        return next((colour for colour in PALETTE if colour not in used), PALETTE[len(known) % len(PALETTE)])

    def _classes_changed(self) -> None:
        """Keep classes with the layer, style it, and tell."""
        layer = self.layer()
        if layer is not None:
            layer.setCustomProperty(PROPERTY, json.dumps([[one.name, one.colour] for one in self.classes]))
            layer.setRenderer(_renderer(self.classes))
            layer.emitStyleChanged()
            self._repaint(layer)
        self.changed.emit()

    def _repaint(self, layer: QgsVectorLayer) -> None:
        """Have the layer drawn anew; its extent has moved with its places."""
        layer.updateExtents()
        layer.triggerRepaint()

    def _follow(self, layer: Optional[QgsVectorLayer]) -> None:
        """Listen to a layer that may be edited elsewhere, or to none any more."""
        before, self._followed = self._followed, layer
        if before is not None:
            before.dataChanged.disconnect(self._data_changed)
            before.editingStopped.disconnect(self._data_changed)
        if layer is not None:
            layer.dataChanged.connect(self._data_changed)
            layer.editingStopped.connect(self._data_changed)

    def _data_changed(self) -> None:
        """Read what somebody else has written."""
        layer = self.layer()
        if layer is not None and not self._writing and not layer.isEditable():
            self._take(layer)

    def _layers_go(self, layer_ids: object) -> None:
        """Let go of the layer before it is deleted; the file stays."""
        if self._layer_id in list(layer_ids):
            self._lose()

    def _lose(self) -> None:
        """Be without a layer; the classes stay for the next one."""
        self._follow(None)
        self._layer_id = ""
        self.examples, self._undo = [], []
        self.changed.emit()

    def _project_goes(self) -> None:
        """Begin anew with another project."""
        self._follow(None)
        self._layer_id = self._path = ""
        self.examples, self._undo = [], []
        self._begin()
        self.changed.emit()

    def _project_comes(self, *_ignored: object) -> None:
        """Take up what the project brings."""
        self._adopt()

    def _begin(self) -> None:
        """Have two classes without a name of their own."""
        self.classes = [ExampleClass(self.tr("Class {number}").format(number=number), PALETTE[number - 1])
                        for number in (1, 2)]


def _unnamed(one: ExampleClass, classes: Sequence[ExampleClass]) -> bool:
    """Tell whether a class is one of the two that every project begins with."""
    return len(classes) == 2 and [other.colour for other in classes] == list(PALETTE[:2]) and one in classes


def _stated_classes(layer: QgsVectorLayer) -> List[ExampleClass]:
    """Return the classes that the project keeps with a layer, in their order."""
    try:
        pairs = json.loads(str(layer.customProperty(PROPERTY, "") or "[]"))
        return [ExampleClass(str(name), str(colour)) for name, colour in pairs]
    except (TypeError, ValueError):
        return []


def _renderer(classes: Sequence[ExampleClass]) -> QgsCategorizedSymbolRenderer:
    """Return a style with a dot in each class's colour."""
    categories = []
    for one in classes:
        symbol = QgsMarkerSymbol.createSimple({"name": "circle", "color": one.colour, "outline_color": "#ffffff",
                                               "outline_width": "0.4", "size": "2.8"})
        categories.append(QgsRendererCategory(one.name, symbol, one.name))
    return QgsCategorizedSymbolRenderer(CLASS, categories)
