"""Stands between the page of encoders and the engine: lists, checks, tries and removes, all but the last in tasks."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

from qgis.PyQt.QtCore import QFileSystemWatcher, QObject, QTimer

from ...engine.analyses.glance import Glance, GlanceRequest, glance
from ...engine.encoders.library import EncoderFolders
from ...engine.encoders.shelf import (
    SHIPPED,
    TEMPLATE,
    USER,
    FileCheck,
    ShelvedEncoder,
    check_files,
    files_of,
    list_shelf,
    remove_encoder,
)
from ...engine.errors import EarthprintError
from ...engine.home_folder import without_home
from ...engine.progress import Progress
from ...processing_provider.environment import ENCODERS_VARIABLE, folders
from ..background import Latest
from .desk import Desk, VisiblePart, translated
from .encoder_words import EncoderWords
from .encoders_widget import EncodersWidget
from .trial_widget import image_of

AUTOMATIC = "automatic"
SETTLE_MS = 400


class EncodersController(QObject):
    """Keeps the page in step with the folders."""

    def __init__(self, page: EncodersWidget, desk: Desk, where: Callable[[], EncoderFolders]) -> None:
        """Connect both; `where` tells the folders, which a user may change while the window is open."""
        super().__init__(page)
        self._page = page
        self._desk = desk
        self._where = where
        self._words = EncoderWords(self)
        self._encoders: Dict[str, ShelvedEncoder] = {}
        self._checks: Dict[str, FileCheck] = {}
        self._unchecked: List[str] = []
        self._filled = False
        self._trial: Optional[Tuple[VisiblePart, GlanceRequest]] = None
        self._picture = ""
        self._kept: List[str] = []
        self._list = Latest("Earthprint: encoders", list_work, self)
        self._check = Latest("Earthprint: checksums", check_work, self)
        self._glance = Latest("Earthprint: trial of an encoder", glance, self, 0)
        self._watcher = QFileSystemWatcher(self)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._connect()

    def _connect(self) -> None:
        """Tie signals to what answers them."""
        page = self._page
        page.shown.connect(self.refresh)
        page.add_requested.connect(self._add)
        page.make_requested.connect(self._make)
        page.try_requested.connect(self._try)
        page.remove_requested.connect(self._remove)
        page.card_requested.connect(self._open_card)
        page.folder_requested.connect(self._open_folder)
        page.trial.cancel_requested.connect(self._cancel)
        page.trial.keep_requested.connect(self._keep)
        self._list.done.connect(self._listed)
        self._list.failed.connect(self._not_listed)
        self._check.done.connect(self._checked)
        self._glance.done.connect(self._seen)
        self._glance.failed.connect(self._not_seen)
        self._watcher.directoryChanged.connect(self._changed)
        self._settle.timeout.connect(self.refresh)

    def refresh(self) -> None:
        """Look again at the folders, in the background."""
        self._settle.stop()
        self._list.ask(self._where())

    def stop(self) -> None:
        """Let go of everything that works in the background, and of what it left."""
        self._settle.stop()
        for job in (self._list, self._check, self._glance):
            job.stop()
        if self._watcher.directories():
            self._watcher.removePaths(self._watcher.directories())
        self._forget_trial()

    def busy(self) -> bool:
        """Tell whether anything is at work."""
        return any(job.busy() for job in (self._list, self._check, self._glance))

    def _listed(self, where: EncoderFolders, found: Tuple[ShelvedEncoder, ...]) -> None:
        """Show what there is and check the files one after another."""
        self._encoders = {str(encoder.path): encoder for encoder in found}
        self._watch(where)
        self._checks = {}
        stated = bool(os.environ.get(ENCODERS_VARIABLE, "").strip())
        rows = [self._words.automatic(), *(self._words.row(key, encoder, stated)
                                           for key, encoder in self._encoders.items()), *self._words.locations()]
        order = {group: place for place, group in enumerate(self._words.groups(stated))}
        rows.sort(key=lambda row: order[row.group])
        self._page.show_rows(rows)
        if not self._filled:
            self._filled = True
            self._page.close_groups(self._words.folded())
        self._unchecked = [key for key, encoder in self._encoders.items() if _has_file(encoder)]
        self._check_next()

    def _not_listed(self, _where: EncoderFolders, sentence: str) -> None:
        """Say why there is no list."""
        self._page.show_message(sentence)

    def _check_next(self) -> None:
        """Hand the next encoder to the background."""
        if self._unchecked:
            self._check.ask((self._unchecked[0], self._encoders[self._unchecked[0]], self._where()))

    def _checked(self, request: Tuple[str, ShelvedEncoder, EncoderFolders], found: FileCheck) -> None:
        """Show what a check came to and go on."""
        key = request[0]
        if self._unchecked and self._unchecked[0] == key:
            self._unchecked.pop(0)
        encoder = self._encoders.get(key)
        if encoder is not None:
            self._checks[key] = found
            state, alarming = self._words.state_after(encoder, found)
            self._page.set_state(key, state, self._words.detail(encoder, found), alarming)
        self._check_next()

    def _add(self, path: str) -> None:
        """Open the dialog that adds an encoder; a card without a file that is selected goes along."""
        chosen = self._encoders.get(self._page.selected())
        parameters: Dict[str, Any] = {"ONNX": path} if path else {}
        if chosen is not None and chosen.origin == TEMPLATE:
            parameters["CARD"] = chosen.id
        self._open("addencoder", parameters)

    def _make(self) -> None:
        """Open the dialog that makes an encoder, with a place for it in the user's folder."""
        user = self._where().user
        parameters: Dict[str, Any] = {}
        layer = self._desk.raster_layer()
        if layer is not None:
            parameters["INPUTS"] = [layer.id()]
        if user is not None:
            parameters["OUTPUT"] = str(_free(Path(user), "my-encoder"))
        self._open("makeencoder", parameters)

    def _open(self, name: str, parameters: Dict[str, Any]) -> None:
        """Open a dialog or say that there is none."""
        user = self._where().user
        if user is not None:
            # So that the list can watch it: what isn't there can't be watched.
            Path(user).mkdir(parents=True, exist_ok=True)
            self._watch(self._where())
        if not self._desk.open_algorithm(name, parameters):
            self._page.show_message(self.tr("The algorithm could not be opened: see the log messages."))

    def _try(self, key: str) -> None:
        """Embed what the map shows."""
        encoder = AUTOMATIC if key == AUTOMATIC else key
        try:
            part = self._desk.visible_part()
        except EarthprintError as error:
            self._forget_trial()
            self._page.trial.clear_picture()
            self._page.trial.show_text(translated(error))
            return
        self._forget_trial()
        folder = str(folders().temporary / "earthprint-trial-{}".format(uuid.uuid4().hex[:12]))
        request = GlanceRequest(part.raster, part.extent, encoder, self._where(), folder)
        self._trial = (part, request)
        self._page.trial.show_text(self.tr("Trying {encoder} on {raster}…").format(
            encoder=self._words.name(key, self._encoders), raster=part.name))
        self._page.set_trial_busy(True)
        self._glance.ask(request)

    def _cancel(self) -> None:
        """Stop the trial."""
        self._glance.stop()
        self._page.set_trial_busy(False)
        self._forget_trial()
        self._page.trial.show_text(self.tr("Cancelled."))

    def _seen(self, request: GlanceRequest, found: Glance) -> None:
        """Show the colours and say what they are."""
        if self._trial is None or self._trial[1] is not request:
            return
        self._page.set_trial_busy(False)
        self._picture = found.picture
        rows, columns = found.colours.shape[:2]
        key = AUTOMATIC if request.encoder == AUTOMATIC else request.encoder
        self._page.trial.show_picture(image_of(columns, rows, found.colours.tobytes()))
        self._page.trial.show_text(self._words.seen(self._words.name(key, self._encoders), self._trial[0].name, found))

    def _not_seen(self, request: GlanceRequest, sentence: str) -> None:
        """Say why there is no picture."""
        if self._trial is None or self._trial[1] is not request:
            return
        self._page.set_trial_busy(False)
        self._forget_trial()
        self._page.trial.show_text(sentence)

    def _keep(self) -> None:
        """Add the picture to the project."""
        if self._trial is None or not self._picture:
            return
        part, request = self._trial
        key = AUTOMATIC if request.encoder == AUTOMATIC else request.encoder
        name = self.tr("{encoder} on {raster}").format(encoder=self._words.name(key, self._encoders), raster=part.name)
        if self._desk.add_picture(self._picture, name):
            self._kept.append(request.folder)
            self._page.trial.set_kept()

    def _forget_trial(self) -> None:
        """Delete the files of a trial whose picture nobody kept."""
        trial, self._trial = self._trial, None
        self._picture = ""
        if trial is not None and trial[1].folder not in self._kept:
            shutil.rmtree(trial[1].folder, ignore_errors=True)

    def _remove(self, key: str) -> None:
        """Ask in the page the first time, delete the second."""
        encoder, where = self._encoders.get(key), self._where()
        if encoder is None:
            return
        try:
            if self._page.doubted() != key:
                files = files_of(encoder, where)
                self._page.doubt(key, self._words.really(encoder, files))
                return
            remove_encoder(encoder, where)
        except EarthprintError as error:
            self._page.show_message(translated(error))
            return
        self._page.undoubt()
        self._page.show_message(self.tr("{name} was removed.").format(name=encoder.name))
        self.refresh()

    def _open_card(self, key: str) -> None:
        """Open the card, or the file that holds it."""
        encoder = self._encoders.get(key)
        if encoder is not None and not self._desk.open_path(str(encoder.path)):
            self._page.show_message(self.tr("No program opens {path} here.").format(
                path=without_home(str(encoder.path))))

    def _open_folder(self, key: str) -> None:
        """Open the folder of the encoder, or the user's."""
        encoder, user = self._encoders.get(key), self._where().user
        folder = encoder.path.parent if encoder is not None else None if user is None else Path(user)
        if folder is None:
            return
        if encoder is None:
            folder.mkdir(parents=True, exist_ok=True)
        if not self._desk.open_path(str(folder)):
            self._page.show_message(self.tr("The folder is {path}.").format(path=without_home(str(folder))))

    def _watch(self, where: EncoderFolders) -> None:
        """Watch the folders that are there, once each."""
        wanted = {str(folder) for folder in where.searched if folder != where.shipped}
        watched = set(self._watcher.directories())
        if watched - wanted:
            self._watcher.removePaths(sorted(watched - wanted))
        if wanted - watched:
            self._watcher.addPaths(sorted(wanted - watched))

    def _changed(self, _folder: str) -> None:
        """Wait until the folder rests, since a file is not written at once."""
        self._settle.start()


def list_work(where: EncoderFolders, _progress: Progress) -> Tuple[ShelvedEncoder, ...]:
    """List encoders, off the main thread: a moved model is found by hashing candidates."""
    return list_shelf(where)


def check_work(request: Tuple[str, ShelvedEncoder, EncoderFolders], progress: Progress) -> FileCheck:
    """Check one encoder's files."""
    return check_files(request[1], request[2], progress)


def _has_file(encoder: ShelvedEncoder) -> bool:
    """Tell whether there is anything to check."""
    return encoder.origin in (USER, SHIPPED) + ("further",) and not encoder.problem and encoder.model is not None


def _free(folder: Path, name: str) -> Path:
    """Return the path of an ONNX file that isn't there yet."""
    path, number = folder / (name + ".onnx"), 2
    while path.exists():
        path, number = folder / "{}-{}.onnx".format(name, number), number + 1
    return path
