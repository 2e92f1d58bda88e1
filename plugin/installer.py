"""Runs installations through Qt's processes, one at a time, and keeps the search path in step with the folders."""

from __future__ import annotations

import logging
import os
import sys
from typing import Optional, Sequence, Tuple

from qgis.PyQt.QtCore import QObject, QProcess, QProcessEnvironment, pyqtSignal

from ..engine.errors import PackageError
from ..engine.package_plan import gpu_offered, plan, this_host
from . import package_path
from .commands import Command, Result, Steps
from .installation import Installed, InstallRequest, install
from .interpreter import candidates
from .package_folders import FOLDER, Contents, PackageFolders

LOG = logging.getLogger("earthprint")

FOREIGN = ("PYTHONPATH", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONINSPECT", "PYTHONOPTIMIZE", "PIP_TARGET",
           "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_CONSTRAINT", "PIP_REQUIREMENT",
           "PIP_NO_BINARY", "PIP_PYTHON_VERSION", "PIP_PLATFORM", "PIP_DRY_RUN")


class Installer(QObject):
    """Installs, removes and exchanges package folders; reports by signals from QGIS's main thread."""

    line = pyqtSignal(str)
    progress = pyqtSignal(float, str)
    installed = pyqtSignal(str, bool)
    failed = pyqtSignal(str)
    cancelled = pyqtSignal()

    def __init__(self, profile: str, proxy: str = "", parent: Optional[QObject] = None) -> None:
        """Work below a QGIS profile's folder."""
        super().__init__(parent)
        self.folders = PackageFolders(os.path.join(profile, "python", FOLDER), this_host())
        self._profile = profile
        self._proxy = proxy
        self._steps: Optional[Steps[Installed]] = None
        self._process: Optional[QProcess] = None
        self._command: Optional[Command] = None
        self._output = ""
        self._unfinished_line = ""
        self._lines = 0
        self._fraction = 0.0

    def base(self) -> str:
        """Return the folder in which installations are made."""
        return self.folders.base

    def folder(self) -> Optional[str]:
        """Return the folder in use."""
        return self.folders.current()

    def running(self) -> bool:
        """Tell whether an installation is under way."""
        return self._steps is not None

    def remarks(self, names: Sequence[str]) -> Tuple[str, ...]:
        """Return what the user should know before these are installed, or why they can't be."""
        try:
            return plan(self.folders.host, names).remarks
        except PackageError as error:
            return (str(error),)

    def gpu_offered(self) -> bool:
        """Tell whether there is a CUDA build of onnxruntime for this machine."""
        return gpu_offered(self.folders.host)

    def contents(self) -> Optional[Contents]:
        """Describe the folder in use."""
        return self.folders.contents(self.folders.current())

    def previous_contents(self) -> Optional[Contents]:
        """Describe the folder one can go back to."""
        return self.folders.contents(self.folders.previous())

    def install(self, names: Sequence[str]) -> None:
        """Begin to install the named packages, together with nothing else; the signals tell the rest."""
        if self.running():
            return
        base = self.folders.base
        request = InstallRequest(
            tuple(names), self.folders.host, self.folders, tuple(candidates()), tuple(self._host_paths()),
            tuple(package_path.without(base)), (QObject.__module__, "numpy", "osgeo.gdal"))
        self._steps = install(request)
        self._lines = 0
        self._fraction = 0.0
        self._go_on(None)

    def cancel(self) -> None:
        """Stop a running installation; what was there before is untouched."""
        if self._steps is None:
            return
        self._drop_process()
        self._end()
        self.cancelled.emit()

    def go_back(self) -> None:
        """Use the previous folder again."""
        left = self.folders.current()
        folder = self.folders.go_back()
        if folder is None:
            self.failed.emit("There is no earlier installation to go back to.")
            return
        self.installed.emit(folder, self._exchange(left, folder))

    def remove(self) -> None:
        """Use no installed folder any more; the files go at the next start."""
        left = self.folders.current()
        self.folders.forget()
        self.installed.emit("", self._exchange(left, None))

    def environment(self) -> QProcessEnvironment:
        """Return what pip may see: the user's network settings, but nobody else's Python paths or targets."""
        environment = QProcessEnvironment.systemEnvironment()
        for name in FOREIGN:
            environment.remove(name)
        home = environment.value("PYTHONHOME", "")
        if home and os.path.normpath(home) not in (os.path.normpath(sys.prefix), os.path.normpath(sys.base_prefix)):
            environment.remove("PYTHONHOME")
        environment.insert("PIP_USER", "0")  # a "user = true" in pip.ini can't be combined with a target
        environment.insert("PYTHONIOENCODING", "utf-8")
        environment.insert("PYTHONDONTWRITEBYTECODE", "1")
        if self._proxy and not environment.value("HTTPS_PROXY", "") and not environment.value("https_proxy", ""):
            environment.insert("HTTPS_PROXY", self._proxy)
            environment.insert("HTTP_PROXY", self._proxy)
        return environment

    def _host_paths(self) -> Sequence[str]:
        """Return where the host's own packages lie: not in the profile, where other plugins keep theirs."""
        profile = os.path.join(os.path.realpath(self._profile), "")
        return [path for path in package_path.without(self.folders.base)
                if not os.path.join(os.path.realpath(path), "").startswith(profile)]

    def _go_on(self, result: Optional[Result]) -> None:
        """Hand a result to the steps and start the command they ask for next."""
        if self._steps is None:
            return
        try:
            command = next(self._steps) if result is None else self._steps.send(result)
        except StopIteration as stop:
            done = stop.value
            self._end()
            previous = self.folders.previous()
            restart = self._exchange(previous, done.folder)
            self._advance(1.0, "")
            self.installed.emit(done.folder, restart)
            return
        except PackageError as error:
            self._end()
            self.failed.emit(str(error))
            return
        except OSError as error:
            self._end()
            self.failed.emit("The packages could not be installed: {}.".format(error))
            return
        self._start(command)

    def _start(self, command: Command) -> None:
        """Run a command in the background."""
        self._command = command
        self._output = ""
        self._unfinished_line = ""
        process = QProcess(self)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.setProcessEnvironment(self.environment())
        process.setWorkingDirectory(self.folders.base if os.path.isdir(self.folders.base) else self._profile)
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._broke)
        self._process = process
        self._advance(command.fraction, command.text)
        if not command.quiet:
            self.line.emit("> {} {}".format(command.program, " ".join(command.arguments)))
        process.start(command.program, list(command.arguments))

    def _advance(self, fraction: float, text: str) -> None:
        """Report progress, which never goes back, not even when a step is tried again."""
        self._fraction = max(self._fraction, fraction)
        self.progress.emit(self._fraction, text)

    def _read(self) -> None:
        """Take what the command printed so far and pass whole lines on."""
        if self._process is None or self._command is None:
            return
        text = bytes(self._process.readAllStandardOutput()).decode("utf-8", "replace").replace("\r\n", "\n")
        self._output += text
        lines = (self._unfinished_line + text).split("\n")
        self._unfinished_line = lines.pop()
        if self._command.quiet:
            return
        for line in filter(None, lines):
            self._lines += 1
            self.line.emit(line)
            # pip doesn't say how much is to come: each line takes a part of what is left
            fraction = self._command.fraction + (0.85 - self._command.fraction) * (1 - 0.97 ** self._lines)
            self._advance(fraction, line.strip()[:120])

    def _finished(self, code: int, status: object) -> None:
        """Go on after a command ended by itself or by a crash."""
        self._read()
        crashed = status == QProcess.ExitStatus.CrashExit
        if self._unfinished_line and self._command is not None and not self._command.quiet:
            self.line.emit(self._unfinished_line)
        result = Result(-1 if crashed else code, self._output)
        self._drop_process()
        self._go_on(result)

    def _broke(self, error: object) -> None:
        """Go on after a command that could not be started; other errors end in `finished`."""
        if error != QProcess.ProcessError.FailedToStart or self._process is None:
            return
        reason = self._process.errorString()
        self._drop_process()
        self._go_on(Result(None, reason))

    def _drop_process(self) -> None:
        """Let go of the process, ending it if it still runs."""
        process, self._process = self._process, None
        if process is None:
            return
        for signal in (process.readyReadStandardOutput, process.finished, process.errorOccurred):
            signal.disconnect()
        if process.state() != QProcess.ProcessState.NotRunning:
            process.kill()
            process.waitForFinished(3000)
        process.deleteLater()

    def _end(self) -> None:
        """Close the steps, which removes an unfinished folder."""
        steps, self._steps = self._steps, None
        if steps is not None:
            steps.close()

    def _exchange(self, old: Optional[str], new: Optional[str]) -> bool:
        """Put the new folder in the old one's place; return whether that must wait for a restart."""
        if old is not None and package_path.loaded_from(old):
            LOG.info("Packages of the earlier installation are in use; the new ones count after a restart.")
            return True
        if old is not None:
            package_path.withdraw(old)
        if new is not None:
            package_path.append(new)
        return False
