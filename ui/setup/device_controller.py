"""Stands between the page on the device and the engine: looks and tries in tasks, and puts both into words."""

from __future__ import annotations

from typing import List, Tuple

from qgis.PyQt.QtCore import QObject

from ...engine.encoders.device_facts import DeviceFacts, DeviceTrial, device_facts, try_devices
from ...engine.progress import Progress
from ..background import Latest
from .device_widget import DeviceWidget

SUFFIX = "ExecutionProvider"
# Comes with every build, sends data to a server, and is never used here: naming it would only worry people.
REMOTE = "AzureExecutionProvider"


class DeviceController(QObject):
    """Keeps the page in step with what is known of the device."""

    def __init__(self, page: DeviceWidget) -> None:
        """Connect both."""
        super().__init__(page)
        self._page = page
        self._facts = Latest("Earthprint: device", facts_work, self)
        self._trial = Latest("Earthprint: trial of the device", trial_work, self, 0)
        page.shown.connect(self.refresh)
        page.trial_requested.connect(self._try)
        page.cancel_requested.connect(self._cancel)
        self._facts.done.connect(self._found)
        self._facts.failed.connect(self._failed)
        self._trial.done.connect(self._tried)
        self._trial.failed.connect(self._failed)

    def refresh(self) -> None:
        """Look again, in the background, since onnxruntime is loaded for it."""
        self._facts.ask(None)

    def stop(self) -> None:
        """Let go of what works in the background."""
        self._facts.stop()
        self._trial.stop()

    def busy(self) -> bool:
        """Tell whether anything is at work."""
        return self._facts.busy() or self._trial.busy()

    def _try(self) -> None:
        """Run the trial."""
        self._page.set_busy(True)
        self._page.show_result(self.tr("Trying…"))
        self._trial.ask(None)

    def _cancel(self) -> None:
        """Stop the trial."""
        self._trial.stop()
        self._page.set_busy(False)
        self._page.show_result(self.tr("Cancelled."))

    def _found(self, _request: object, facts: DeviceFacts) -> None:
        """Show the facts."""
        self._page.show_facts(self._lines(facts))

    def _tried(self, _request: object, trial: DeviceTrial) -> None:
        """Say what the trial came to."""
        self._page.set_busy(False)
        self._page.show_result(self._result(trial))
        self.refresh()

    def _failed(self, _request: object, sentence: str) -> None:
        """Say why nothing came of it."""
        self._page.set_busy(False)
        self._page.show_result(sentence)

    def _lines(self, facts: DeviceFacts) -> List[Tuple[str, str]]:
        """Name what was found."""
        lines = [(self.tr("Processor:"), self.tr("{name}, encoders use {count} threads").format(
            name=facts.processor, count=facts.cores))]
        if not facts.runtime:
            return [*lines, (self.tr("onnxruntime:"), facts.problem),
                    (self.tr("Without it:"), self.tr("The automatic encoder runs on NumPy alone, which is slower; "
                                                     "other encoders don't run."))]
        offered = ", ".join(name[:-len(SUFFIX)] if name.endswith(SUFFIX) else name for name in facts.providers
                            if name != REMOTE)
        return [*lines, (self.tr("onnxruntime:"), facts.runtime), (self.tr("It offers:"), offered),
                (self.tr("CUDA:"), self._cuda(facts))]

    def _cuda(self, facts: DeviceFacts) -> str:
        """Say how things stand with CUDA."""
        if not facts.offers_cuda:
            return self.tr("Not used: the installed onnxruntime has no CUDA support. The page Packages offers the "
                           "build that has, where there is one for this machine.")
        if facts.cuda is None:
            return self.tr("Offered, not tried yet in this session. It is tried before its first use.")
        if facts.cuda:
            return self.tr("Not used: {reason}.").format(reason=facts.cuda.rstrip("."))
        return self.tr("Used: it passed the trial.")

    def _result(self, trial: DeviceTrial) -> str:
        """Put the trial's outcome into sentences."""
        if trial.cpu_problem:
            return self.tr("The trial failed: {reason}").format(reason=trial.cpu_problem)
        passed = self.tr("The processor passed: onnxruntime computed the trial's graph rightly.")
        if trial.cuda_problem:
            second = self.tr("CUDA was refused: {reason}. Encoders run on the processor.").format(
                reason=trial.cuda_problem.rstrip("."))
        else:
            second = self.tr("CUDA passed as well: encoders run on the graphics card.")
        took = self.tr("It took {seconds} s.").format(seconds="{:.2g}".format(max(trial.seconds, 0.01)))
        return "{} {} {}".format(passed, second, took)


def facts_work(_request: None, _progress: Progress) -> DeviceFacts:
    """Look at the device."""
    return device_facts()


def trial_work(_request: None, progress: Progress) -> DeviceTrial:
    """Try it."""
    return try_devices(progress)
