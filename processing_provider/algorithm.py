"""What every algorithm shares: metadata, help, errors in words, the check of packages, and the closing account."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Optional, Tuple

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
)
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtGui import QIcon

from ..engine.errors import EarthprintError
from ..engine.packages import require, state
from .adapters.feedback import FeedbackProgress
from .adapters.outputs import destination_problem
from .adapters.values import value_problem
from .help_pages import ICON, page_url, short_help

Parameters = Dict[str, Any]
Outputs = Dict[str, Any]

ADVANCED = QgsProcessingParameterDefinition.Flag.FlagAdvanced


def words(error: EarthprintError) -> str:
    """Return the error's sentence in the user's language, or in English where nobody translated it."""
    template = QCoreApplication.translate("EarthprintError", error.template)
    try:
        return template.format(**error.values)
    except (KeyError, IndexError, ValueError):
        return str(error)


@contextmanager
def errors_in_words() -> Iterator[None]:
    """Turn the engine's errors into the one exception that Processing shows without a traceback."""
    try:
        yield
    except EarthprintError as error:
        raise QgsProcessingException(words(error)) from None
    except MemoryError:
        raise QgsProcessingException(QCoreApplication.translate(
            "EarthprintError", "There is not enough memory for this: lower MEMORY, BATCH or the number of "
            "dimensions, or close other programs.")) from None


class EarthprintAlgorithm(QgsProcessingAlgorithm):
    """A Processing algorithm over one engine call: subclasses declare, read a request, and compute.

    `prepareAlgorithm` resolves layers and builds the request on the main thread (`read`); `processAlgorithm` runs the
    engine on whatever thread Processing chose (`compute`).
    """

    ID = ""
    TITLE = ""
    GROUP = ""
    GROUP_ID = ""
    SUMMARY = ""
    TAGS: Tuple[str, ...] = ()
    PACKAGES: Tuple[str, ...] = ()

    # ---- for subclasses

    def declare(self) -> None:
        """Add the parameters and outputs."""
        raise NotImplementedError

    def read(self, parameters: Parameters, context: QgsProcessingContext, progress: FeedbackProgress) -> None:
        """Resolve layers and paths and keep on self what `compute` needs; runs on the main thread."""
        raise NotImplementedError

    def compute(self, context: QgsProcessingContext, progress: FeedbackProgress) -> Outputs:
        """Call the engine and return the outputs; raises EarthprintError for all that a user can cause."""
        raise NotImplementedError

    def problem(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        """Return what is known to be wrong before anything is opened, or an empty text."""
        return ""

    # ---- metadata

    def tr(self, text: str) -> str:
        """Translate a literal."""
        return QCoreApplication.translate("EarthprintAlgorithm", text)

    def createInstance(self) -> "EarthprintAlgorithm":  # noqa: N802  (this name and those below are QGIS's)
        """Return a new object, since Processing keeps the state of each run on the algorithm."""
        return type(self)()

    def name(self) -> str:
        """Return the id, which never changes."""
        return self.ID

    def displayName(self) -> str:  # noqa: N802
        """Return the name on screen."""
        return self.tr(self.TITLE)

    def group(self) -> str:
        """Return the group on screen."""
        return self.tr(self.GROUP)

    def groupId(self) -> str:  # noqa: N802
        """Return the group's id."""
        return self.GROUP_ID

    def tags(self) -> List[str]:
        """Return the words that find this algorithm in the toolbox."""
        return [self.tr(tag) for tag in ("embedding",) + self.TAGS]

    def icon(self) -> QIcon:
        """Return the provider's icon."""
        return QIcon(ICON)

    def shortDescription(self) -> str:  # noqa: N802
        """Return the tooltip."""
        return self.tr(self.SUMMARY).split(". ")[0].rstrip(".") + "."

    def shortHelpString(self) -> str:  # noqa: N802
        """Return the text beside the dialog: what it does, what each parameter means, an example call."""
        return short_help(self.ID, self.tr(self.SUMMARY), self.parameterDefinitions())

    def helpUrl(self) -> str:  # noqa: N802
        """Return the address of the help page that lies in the plugin, so that it opens offline."""
        return page_url(self.ID)

    # ---- running

    def initAlgorithm(self, configuration: Optional[Parameters] = None) -> None:  # noqa: N802
        """Declare parameters and outputs."""
        self.declare()

    def add(self, parameter: QgsProcessingParameterDefinition, help_text: str, advanced: bool = False) -> None:
        """Add a parameter together with its help, so that none goes without."""
        parameter.setHelp(help_text)
        if advanced:
            parameter.setFlags(parameter.flags() | ADVANCED)
        self.addParameter(parameter)

    def canExecute(self) -> Tuple[bool, str]:  # noqa: N802
        """Say in the toolbox which package is missing; it is checked again when running."""
        for package in self.PACKAGES:
            found = state(package)
            if not found.usable:
                return False, self.tr("The Python package {name} is needed: {problem}").format(
                    name=package, problem=found.problem)
        return True, ""

    def checkParameterValues(self, parameters: Parameters,  # noqa: N802
                             context: QgsProcessingContext) -> Tuple[bool, str]:
        """Refuse early, in words, what QGIS would accept and change or fail on later."""
        for definition in self.destinationParameterDefinitions():
            found = destination_problem(definition, parameters.get(definition.name()))
            if found:
                return False, found
        for definition in self.parameterDefinitions():
            found = value_problem(definition, parameters.get(definition.name()), context)
            if found:
                return False, found
        accepted, message = super().checkParameterValues(parameters, context)
        if not accepted:
            return False, message
        try:
            found = self.problem(parameters, context)
        except EarthprintError as error:
            found = words(error)
        return not found, found

    def prepareAlgorithm(self, parameters: Parameters, context: QgsProcessingContext,  # noqa: N802
                         feedback: QgsProcessingFeedback) -> bool:
        """Check packages, then resolve inputs while layers may be touched.

        What is wrong is told in `processAlgorithm`: QGIS swallows the words of an exception that is raised here.
        """
        self._failure: Optional[EarthprintError] = None
        try:
            for package in self.PACKAGES:
                require(package)
            self.read(parameters, context, FeedbackProgress(feedback))
        except EarthprintError as error:
            self._failure = error
        self._to_load = dict(context.layersToLoadOnCompletion())
        return True

    def processAlgorithm(self, parameters: Parameters, context: QgsProcessingContext,  # noqa: N802
                         feedback: QgsProcessingFeedback) -> Outputs:
        """Compute, with errors in words; a cancelled run raises, so that its exit code tells."""
        # A dialog computes in a context of its own, whose layers to load take the place of those noted while preparing.
        for source, details in self._to_load.items():
            if not context.willLoadLayerOnCompletion(source):
                context.addLayerToLoadOnCompletion(source, details)
        progress = FeedbackProgress(feedback)
        with errors_in_words():
            if self._failure is not None:
                raise self._failure
            outputs = self.compute(context, progress)
        progress.flush()
        return outputs
