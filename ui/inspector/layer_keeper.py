"""Runs an algorithm in the background and brings its result into the project, styled; nothing waits for it."""

from __future__ import annotations

from typing import Any, List, Optional

from qgis.core import (
    QgsApplication,
    QgsMapLayer,
    QgsProcessingAlgorithm,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingUtils,
    QgsProject,
)
from qgis.PyQt.QtCore import QObject, pyqtSignal

from .similarity_call import OUTPUT, SimilarityCall


class _Feedback(QgsProcessingFeedback):
    """Remembers what went wrong, as the task itself tells only that something did."""

    def __init__(self) -> None:
        """Begin without errors."""
        super().__init__(False)
        self.errors: List[str] = []

    def reportError(self, error: str, fatalError: bool = False) -> None:  # noqa: N802, N803  (the names are QGIS's)
        """Keep the words."""
        self.errors.append(error)
        super().reportError(error, fatalError)


class _Run:
    """One run with all that its task refers to, which must outlive the task, whatever becomes of the dock."""

    alive: "List[_Run]" = []

    def __init__(self, algorithm: QgsProcessingAlgorithm, call: SimilarityCall, name: str) -> None:
        """Prepare the run; QGIS prepares the algorithm in the task's making, in this thread."""
        self.name = name
        self.context = QgsProcessingContext()
        self.context.setProject(QgsProject.instance())
        self.feedback = _Feedback()
        self.context.setFeedback(self.feedback)
        for layer in call.layers:
            self.context.temporaryLayerStore().addMapLayer(layer)
        output = QgsProcessingOutputLayerDefinition(str(call.parameters[OUTPUT]), QgsProject.instance())
        self.parameters = {**call.parameters, OUTPUT: output}
        self.algorithm = algorithm
        self.keeper: Optional["LayerKeeper"] = None
        self.task = QgsProcessingAlgRunnerTask(algorithm, self.parameters, self.context, self.feedback)
        self.task.executed.connect(self.ended)

    def start(self) -> None:
        """Hand the run to QGIS's tasks."""
        _Run.alive.append(self)
        QgsApplication.taskManager().addTask(self.task)

    def ended(self, successful: bool, results: "dict[str, Any]") -> None:
        """Pass the outcome on to whoever still waits; QGIS calls this in the main thread."""
        _Run.alive.remove(self)
        keeper, self.keeper = self.keeper, None
        if keeper is not None:
            keeper.take(self, successful, results)


class LayerKeeper(QObject):
    """Runs one call at a time."""

    progressed = pyqtSignal(float)
    kept = pyqtSignal(object)
    failed = pyqtSignal(str)
    cancelled = pyqtSignal()

    def __init__(self, parent: Optional[QObject] = None) -> None:
        """Begin idle."""
        super().__init__(parent)
        self._run: Optional[_Run] = None

    def busy(self) -> bool:
        """Tell whether a layer is being written."""
        return self._run is not None

    def keep(self, call: SimilarityCall, name: str) -> None:
        """Begin to write a layer of this name."""
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(call.algorithm)
        if algorithm is None:
            self.failed.emit(self.tr("The algorithm {name} is not there: enable Earthprint's provider in the settings "
                                     "of Processing.").format(name=call.algorithm))
            return
        self._run = _Run(algorithm, call, name)
        self._run.keeper = self
        self._run.feedback.progressChanged.connect(self.progressed)
        self._run.start()

    def cancel(self) -> None:
        """Stop; the signal comes when the algorithm has ended."""
        if self._run is not None:
            self._run.feedback.cancel()

    def abandon(self) -> None:
        """Stop, and hear nothing any more."""
        run, self._run = self._run, None
        if run is not None:
            run.keeper = None
            run.feedback.progressChanged.disconnect(self.progressed)
            run.feedback.cancel()

    def take(self, run: _Run, successful: bool, results: "dict[str, Any]") -> None:
        """Load the result and tell."""
        self._run = None
        run.feedback.progressChanged.disconnect(self.progressed)
        if run.feedback.isCanceled():
            self.cancelled.emit()
        elif not successful:
            unknown = self.tr("The layer could not be written; the log messages hold more.")
            self.failed.emit(run.feedback.errors[-1] if run.feedback.errors else unknown)
        else:
            layer = _loaded(run, str(results.get(OUTPUT, "")))
            if layer is None:
                self.failed.emit(self.tr("The layer was written but can't be opened: {path}").format(
                    path=results.get(OUTPUT)))
            else:
                self.kept.emit(layer)


def _loaded(run: _Run, output: str) -> Optional[QgsMapLayer]:
    """Add the result to the project with the style that the algorithm has chosen."""
    layer = QgsProcessingUtils.mapLayerFromString(output, run.context)
    if layer is None or not layer.isValid():
        return None
    layer.setName(run.name)
    owned = run.context.takeResultLayer(layer.id())
    found = owned if owned is not None else layer
    style = run.context.layerToLoadOnCompletionDetails(output).postProcessor() \
        if run.context.willLoadLayerOnCompletion(output) else None
    added = QgsProject.instance().addMapLayer(found)
    if style is not None:
        style.postProcessLayer(added, run.context, run.feedback)
    return added
