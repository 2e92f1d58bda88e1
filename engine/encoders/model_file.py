"""Model files as bytes: are they those that the card means, and may they be given to a session."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from ..card import Card
from ..card_json import NOTE, require_agreement, weights_of
from ..errors import CardError
from ..model_search import checksum_of
from ..onnxfile import check_trustworthy, external_files
from ..progress import Progress


def verify_model(card: Card, progress: Optional[Progress] = None) -> None:
    """Raise unless the model file is the one that the card means and may be given to a session."""
    facts = check_trustworthy(card.model_path)
    _require(card, card.model_path, card.checksum, progress)
    weights = weights_of(card)
    names = {path.relative_to(card.model_path.resolve().parent).as_posix(): path for path in external_files(facts)}
    for name, path in names.items():
        if name in weights:
            _require(card, path, weights[name], progress)
        else:
            raise CardError("card-weights", "The card {card} doesn't state the checksum of {path}, which holds weights "
                            "of its model: add the encoder again.", card=card.path or card.id, path=path)
    if NOTE in facts.metadata:
        require_agreement(card, facts.metadata[NOTE])


def _require(card: Card, path: Path, checksum: str, progress: Optional[Progress]) -> None:
    """Compare one file's checksum with the card's."""
    found = checksum_of(path, progress)
    if found != checksum:
        raise CardError("card-checksum", "The file {path} has the SHA-256 {found}…, but the card {card} says "
                        "{wanted}…: it is another version or damaged, bring the file that belongs to the card.",
                        path=path, found=found[:12], card=card.path or card.id, wanted=checksum[:12])
