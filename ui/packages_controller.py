"""Stands between the packages page and the installer: turns states into words and wishes into installations."""

from __future__ import annotations

import logging
import os
import platform
from typing import Callable, List, Optional, Protocol, Sequence, Tuple

import numpy as np
from qgis.PyQt.QtCore import QObject

from ..engine import packages
from ..engine.home_folder import without_home
from ..engine.package_plan import EVERYDAY, EXTRA
from ..engine.packages import PackageState
from ..engine.problem_report import problem_report
from .packages_widget import PackageRow, PackagesWidget

LOG = logging.getLogger("earthprint")


class InstalledSet(Protocol):
    """What the controller asks of the description of an installed folder."""

    names: Tuple[str, ...]
    installed: str


class Installer(Protocol):
    """What the controller needs of the installer that the plugin hands it."""

    line: object
    progress: object
    installed: object
    failed: object
    cancelled: object

    def running(self) -> bool:
        """Tell whether an installation is under way."""

    def install(self, names: Sequence[str]) -> None:
        """Begin to install."""

    def cancel(self) -> None:
        """Stop."""

    def go_back(self) -> None:
        """Use the earlier installation."""

    def remove(self) -> None:
        """Use no installation."""

    def folder(self) -> Optional[str]:
        """Return the folder in use."""

    def base(self) -> str:
        """Return the folder in which installations are made."""

    def contents(self) -> Optional[InstalledSet]:
        """Describe the installation in use."""

    def previous_contents(self) -> Optional[InstalledSet]:
        """Describe the earlier installation."""

    def remarks(self, names: Sequence[str]) -> Tuple[str, ...]:
        """Say what the user should know before these are installed."""

    def gpu_offered(self) -> bool:
        """Tell whether there is a CUDA build for this machine."""


class PackagesController(QObject):
    """Keeps one page and one installer in step."""

    def __init__(self, page: PackagesWidget, installer: Installer, about: Sequence[str] = (),
                 inspect: Callable[[], Sequence[PackageState]] = packages.all_states) -> None:
        """Connect both; `about` are lines on QGIS and the plugin for the report."""
        super().__init__(page)
        self._page = page
        self._installer = installer
        self._about = tuple(about)
        self._inspect = inspect
        page.install_requested.connect(self._install)
        page.go_back_requested.connect(self._go_back)
        page.remove_requested.connect(self._remove)
        page.cancel_requested.connect(self._cancel)
        page.report_requested.connect(self._copy_report)
        page.selection_changed.connect(self._show_remarks)
        installer.line.connect(self._line)
        installer.progress.connect(self._progress)
        installer.installed.connect(self._installed)
        installer.failed.connect(self._failed)
        installer.cancelled.connect(self._cancelled)
        if installer.gpu_offered():
            page.offer_gpu(" ".join(installer.remarks(("onnxruntime-gpu",))))
            contents = installer.contents()
            page.gpu.setChecked(contents is not None and "onnxruntime-gpu" in contents.names)
        self.refresh()
        page.set_busy(installer.running())

    def refresh(self) -> None:
        """Look again at what is here and show it."""
        states = self._inspect()
        self._page.show_rows([self._row(state) for state in states])
        self._page.show_place(self.tr("For Python {python} with NumPy {numpy}, into {folder}").format(
            python=platform.python_version(), numpy=np.__version__, folder=without_home(self._installer.base())))
        self._page.set_removable(self._installer.folder() is not None)
        previous = self._installer.previous_contents()
        way_back = "" if previous is None else self.tr("Use the installation of {when} again: {names}").format(
            when=previous.installed.replace("T", " "), names=", ".join(previous.names))
        self._page.set_way_back(way_back)
        if not self._installer.running():
            self._page.show_message(self._summary(states))

    def report(self) -> str:
        """Return what a bug report needs, without the home folder's name; packages are really loaded for it."""
        about = [*self._about, "Package folder: {}".format(self._installer.folder() or "none")]
        return problem_report(about, self._page.log_text().splitlines(), self._inspect)

    def _row(self, state: PackageState) -> PackageRow:
        """Put a state into the words of the table."""
        ours = self._is_ours(state)
        if state.version is None and state.location is None:
            text = self.tr("Missing") if state.by_click else self.tr("Not installed")
            detail = self.tr("Tick it and press Install.") if state.by_click else self.tr(
                "Large, and only for these tools: install it with pip where you need it.")
        elif state.problem is not None:
            text, detail = self.tr("Can't be used"), state.problem
        elif ours:
            text = self.tr("Ready ({version})").format(version=state.version)
            detail = self.tr("Installed by Earthprint.")
        else:
            text = self.tr("Ready ({version}), already there").format(version=state.version)
            detail = self.tr("Comes with QGIS or your system.")
        if state.location:
            detail = "{}\n{}".format(detail, without_home(state.location))
        installable = state.name in EVERYDAY + EXTRA and (ours or state.location is None)
        missed = state.problem is not None and (state.location is not None or state.name in EVERYDAY)
        tools = self.tr("Used by: {tools}").format(tools=", ".join(state.needed_by))
        return PackageRow(state.name, text, state.purpose[:1].upper() + state.purpose[1:], tools, detail, not missed,
                          installable, installable and (ours or state.name in EVERYDAY))

    def _is_ours(self, state: PackageState) -> bool:
        """Tell whether a package lies in an installation of ours."""
        return state.location is not None and state.location.startswith(os.path.join(self._installer.base(), ""))

    def _summary(self, states: Sequence[PackageState]) -> str:
        """Say in one sentence how things stand."""
        missing = [state.name for state in states if state.name in EVERYDAY and not state.usable]
        if not missing:
            return self.tr("Everything for everyday work is here.")
        return self.tr("Missing: {names}. Installing all of these downloads about 100 MB, takes 200 MB on disk and a "
                       "minute or so.").format(names=", ".join(missing))

    def _show_remarks(self) -> None:
        """Say what should be known about what is ticked now."""
        if self._installer.running():
            return
        remarks = self._installer.remarks(self._page.selected())
        self._page.show_message(" ".join(remarks) if remarks else self._summary(self._inspect()))

    def _install(self, names: List[str]) -> None:
        """Begin; an installation is always a whole set, so what is ticked includes what was there."""
        self._page.log.clear()
        self._page.set_busy(True)
        self._page.show_progress(0.0, self.tr("Starting…"))
        self._installer.install(names)

    def _go_back(self) -> None:
        """Use the earlier installation."""
        self._installer.go_back()

    def _remove(self) -> None:
        """Use no installation."""
        self._installer.remove()

    def _cancel(self) -> None:
        """Stop."""
        self._installer.cancel()

    def _copy_report(self) -> None:
        """Put the report on the clipboard."""
        self._page.copy(self.report())
        self._page.show_message(self.tr("The report is on the clipboard."))

    def _line(self, text: str) -> None:
        """Show a line of the log."""
        self._page.add_line(without_home(text))

    def _progress(self, fraction: float, text: str) -> None:
        """Show how far it is."""
        self._page.show_progress(fraction, without_home(text))

    def _installed(self, folder: str, restart: bool) -> None:
        """Say that it is done and whether it counts at once."""
        self._page.set_busy(False)
        self.refresh()
        if restart:
            text = self.tr("Done. Restart QGIS: packages of the earlier installation are in use until then.")
        elif folder:
            text = self.tr("Done. The packages can be used at once.")
        else:
            text = self.tr("Removed. The files are deleted at the next start of QGIS.")
        self._end(text)

    def _failed(self, text: str) -> None:
        """Say why it failed."""
        self._page.set_busy(False)
        self.refresh()
        self._end(text)
        LOG.warning("Packages were not installed: %s", text)

    def _cancelled(self) -> None:
        """Say that it was stopped."""
        self._page.set_busy(False)
        self.refresh()
        self._end(self.tr("Cancelled; nothing was changed."))

    def _end(self, text: str) -> None:
        """Show the last word, in the log as well."""
        self._page.show_message(without_home(text))
        self._page.add_line(without_home(text))
