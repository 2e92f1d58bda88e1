"""Adds a foreign encoder: explains its graph, completes its card, tries it and stores both in the user's folder."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Optional, Sequence

from ..card import Card
from ..card_check import safe_id, safe_name
from ..card_json import NOTE, read_embedded, read_unplaced, require_agreement, write_card
from ..errors import CardError, InputError, ModelError
from ..model_search import checksum_of
from ..onnxfile import OnnxFacts, check_trustworthy, external_files
from ..progress import Part, Progress, Silent, check
from ..whole import whole
from .add_request import AddRequest
from .completing import ask, complete, questions_about
from .explaining import band_count
from .library import EncoderFolders, find_template, list_templates
from .session import Session, open_session
from .trial import measure_context, try_encoder

MEASURED_TILES = (64, 128, 256, 512)
_PIECE = 4 << 20


def add_encoder(request: AddRequest, folders: EncoderFolders, progress: Optional[Progress] = None) -> Path:
    """Store an ONNX file and its completed card in the user's folder and return the card's path."""
    progress = progress or Silent()
    if folders.user is None:
        raise InputError("folder-none", "There is no folder for encoders: set one in the options first.")
    source = Path(request.onnx)
    if not source.is_file():
        raise InputError("onnx-missing", "The ONNX file {path} doesn't exist: check the path.", path=source)
    facts = check_trustworthy(source)
    progress.report(0.02, "Computing the checksum")
    checksum = checksum_of(source, Part(progress, 0.02, 0.2))
    weights = {path.relative_to(source.resolve().parent).as_posix(): checksum_of(path)
               for path in external_files(facts)}
    check(progress)
    known = known_card(request, facts, folders)
    if known is None:
        ask(questions_about(request, facts), facts, _similar(facts, folders))
    _require_checksum(known, checksum, source)
    with _Opened(source, request.device, progress) as session:
        progress.report(0.3, "Trying the encoder")
        card = _described(request, facts, known, session, folders, progress)
        card = replace(card, checksum=checksum, model_path=source, path=None)
        if weights:
            card = replace(card, external=True, details={**card.details, "weights": weights})
        card = _tried(card, session, known is not None and not _is_template(known), progress)
    check(progress)
    return _store(card, source, external_files(facts), folders.user, progress)


def open_questions(request: AddRequest, folders: EncoderFolders) -> "tuple[str, ...]":
    """Return the parameters that the graph, the card and the request so far leave unknown, for a dialog to ask."""
    facts = check_trustworthy(Path(request.onnx))
    known = known_card(request, facts, folders)
    if known is not None:
        return ()
    return tuple(question.parameter for question in questions_about(request, facts))


def known_card(request: AddRequest, facts: OnnxFacts, folders: EncoderFolders) -> Optional[Card]:
    """Return the card to start from: the one named, the one beside the file, the copy inside it, or none."""
    source = Path(request.onnx)
    note = facts.metadata.get(NOTE)
    if request.card.strip():
        text = request.card.strip()
        card = find_template(text, folders) if Path(text).suffix.lower() != ".json" else _card_file(Path(text))
        if card is None:
            raise InputError("card-unknown", "There is no card {card}: give the path of a .json file, or the id of a "
                             "card that ships with Earthprint.", card=text)
    elif source.with_suffix(".json").is_file():
        card = _card_file(source.with_suffix(".json"))
    elif note is not None:
        return read_embedded(note, source)
    else:
        return None
    if note is not None and not _is_template(card):
        require_agreement(replace(card, model_path=source), note)
    return card


def _similar(facts: OnnxFacts, folders: EncoderFolders) -> "list[str]":
    """Return the templates that take as many bands and return vectors as long as the graph's."""
    count = band_count(facts)
    lengths = {size for value in facts.outputs for size in value.shape or () if isinstance(size, int)}
    return [item.id for item in list_templates(folders) if len(item.bands) == count and item.dimensions in lengths]


def _card_file(path: Path) -> Card:
    """Read a card that the user names, wherever its model lies."""
    if not path.is_file():
        raise InputError("card-missing", "The card {path} doesn't exist: check the path.", path=path)
    return read_unplaced(path)


def _is_template(card: Card) -> bool:
    """Tell whether a card was written before its model file was at hand."""
    return not card.checksum and card.path is not None


def _require_checksum(card: Optional[Card], checksum: str, source: Path) -> None:
    """Raise where a card was written for another file."""
    if card is not None and card.checksum and card.checksum != checksum:
        raise CardError("card-checksum", "The card {card} belongs to another file than {path} (SHA-256 {wanted}… and "
                        "{found}…): bring the file that belongs to the card, or add this one with another card.",
                        card=card.path, path=source, wanted=card.checksum[:12], found=checksum[:12])


class _Opened:
    """A session that is closed however the trial ends."""

    def __init__(self, path: Path, device: str, progress: Progress) -> None:
        """Remember what to open."""
        self._arguments = (path, device, progress)
        self._session: Optional[Session] = None

    def __enter__(self) -> Session:
        """Open the session."""
        path, device, progress = self._arguments
        self._session = open_session(path, device, progress=progress)
        return self._session

    def __exit__(self, *_: object) -> None:
        """Close it."""
        if self._session is not None:
            self._session.close()


def _described(request: AddRequest, facts: OnnxFacts, known: Optional[Card], session: Session,
               folders: EncoderFolders, progress: Progress) -> Card:
    """Return the card of a graph: the given one where it is complete, else one put together."""
    if known is not None and not _is_template(known):
        card = known
        _require_inputs(card, facts)
    else:
        card = complete(request, facts, known, session, progress)
    if request.name.strip():
        card = replace(card, id=safe_id(request.name), name=safe_name(request.name))
    return card


def _require_inputs(card: Card, facts: OnnxFacts) -> None:
    """Raise unless the card describes every input of the graph as it is."""
    graph = {value.name: value for value in facts.inputs}
    described = {item.name: item for item in card.inputs}
    for name in described:
        if name not in graph:
            raise CardError("card-input", "The card {card} describes the input {name}, but {path} has {known}: correct "
                            "the card.", card=card.path or card.id, name=name, path=facts.path, known=", ".join(graph))
    for name, value in graph.items():
        if name not in described:
            raise CardError("card-input", "The card {card} doesn't describe the input {name} of {path}: add it to "
                            "mlm:input.", card=card.path or card.id, name=name, path=facts.path)
        if value.shape is not None and not _agrees(value.shape, described[name].shape):
            raise CardError("card-shape", "The input {name} of {path} has the shape {found}, but the card {card} says "
                            "{wanted}: correct the card, or bring the file that it was written for.",
                            name=name, path=facts.path, found=list(value.shape), card=card.path or card.id,
                            wanted=list(described[name].shape))
    outputs = {value.name: value for value in facts.outputs}
    if card.output.name not in outputs:
        raise CardError("card-output", "The card {card} describes the output {name}, but {path} has {known}: correct "
                        "the card.", card=card.path or card.id, name=card.output.name, path=facts.path,
                        known=", ".join(outputs))
    shape = outputs[card.output.name].shape
    if shape is not None and not _agrees(shape, card.output.shape):
        raise CardError("card-shape", "The output {name} of {path} has the shape {found}, but the card {card} says "
                        "{wanted}: correct the card, or bring the file that it was written for.",
                        name=card.output.name, path=facts.path, found=list(shape), card=card.path or card.id,
                        wanted=list(card.output.shape))


def _agrees(found: "Sequence[object]", wanted: "Sequence[int]") -> bool:
    """Compare the graph's shape with the card's; a free axis agrees with any."""
    return len(found) == len(wanted) and all(
        size == -1 or not isinstance(have, int) or have == size for have, size in zip(found, wanted))


def _tried(card: Card, session: Session, complete_card: bool, progress: Progress) -> Card:
    """Run the trial and keep what it shows; a complete card is compared, not changed."""
    size = card.tile or card.suggested_tile or card.stride * 8 + 2 * card.halo
    result = try_encoder(card, session, size, progress)
    for warning in result.warnings:
        progress.warn(warning)
    if complete_card:
        return card
    card = replace(card, unit_norm=card.normalise_output or result.unit_norm)
    if card.kind == "dense" and "height" in card.output.dim_order and not card.finite_context:
        progress.report(0.6, "Measuring how far a vector sees")
        measured = None
        for size in (card.tile,) if card.tile else _measured_tiles(card):
            measured = measure_context(card, session, size, progress)
            if measured is not None:
                break
        if measured is not None:
            progress.info(f"A vector sees {measured} px beyond its own cell: tiles leave no seams.")
            return replace(card, finite_context=True, context=measured)
        progress.info("A vector sees its whole tile: tiles overlap and are blended.")
    return card


def _measured_tiles(card: Card) -> "list[int]":
    """Return tiles from small to large enough to see the end of most networks' context."""
    counts = dict.fromkeys(max(size // card.stride, 9) for size in MEASURED_TILES)
    return [count * card.stride + 2 * card.halo for count in counts]


def _store(card: Card, source: Path, data: "Sequence[Path]", folder: Path, progress: Progress) -> Path:
    """Copy the model and write its card; a file that is there already is kept, another one of the name refused."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError("folder-unwritable", "The folder {folder} for encoders can't be made ({reason}): choose "
                         "another in the options.", folder=folder, reason=error.strerror or error) from error
    card_path = folder / f"{card.id}.json"
    # A file with external weights names them inside itself, so such models keep their names in a folder of their own.
    model_path = folder / card.id / source.name if data else folder / f"{card.id}.onnx"
    _require_free(card, card_path, model_path)
    copied = []
    try:
        if data:
            model_path.parent.mkdir(exist_ok=True)
        pairs = [(path, model_path.parent / path.relative_to(source.resolve().parent)) for path in data]
        for number, (origin, target) in enumerate([*pairs, (source, model_path)]):
            if _same_file(origin, target):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(origin, target, Part(progress, 0.7, 0.98) if number == len(pairs) else progress)
            copied.append(target)
        if checksum_of(model_path) != card.checksum:
            raise ModelError("copy-differs", "The copy {path} differs from its source: check the disk and try again.",
                             path=model_path)
        return write_card(replace(card, model_path=model_path), card_path)
    except BaseException:
        for path in copied:
            path.unlink(missing_ok=True)
        if data and model_path.parent.is_dir() and not any(model_path.parent.iterdir()):
            model_path.parent.rmdir()
        raise


def _require_free(card: Card, card_path: Path, model_path: Path) -> None:
    """Raise where the name is taken by another encoder."""
    if model_path.is_file() and checksum_of(model_path) != card.checksum:
        raise InputError("name-taken", "There is another encoder {name} in {folder}: give this one another NAME.",
                         name=card.id, folder=card_path.parent)
    if card_path.is_file():
        try:
            other = read_unplaced(card_path)
        except CardError:
            return
        if other.checksum and other.checksum != card.checksum:
            raise InputError("name-taken", "There is another encoder {name} in {folder}: give this one another NAME.",
                             name=card.id, folder=card_path.parent)


def _copy(source: Path, target: Path, progress: Progress) -> None:
    """Copy a file whole or not at all, and stop when asked to."""
    size = max(source.stat().st_size, 1)
    with whole(target) as temporary, open(source, "rb") as reader:
        with open(temporary, "wb") as writer:
            done = 0
            while True:
                piece = reader.read(_PIECE)
                if not piece:
                    break
                writer.write(piece)
                done += len(piece)
                check(progress)
                progress.report(done / size, "Storing the encoder")
        shutil.copymode(source, temporary)


def _same_file(first: Path, second: Path) -> bool:
    """Tell whether a file is there already."""
    if not second.is_file():
        return False
    return first.resolve() == second.resolve() or checksum_of(first) == checksum_of(second)
