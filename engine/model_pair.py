"""A model's two files read as untrusted input: an ONNX file with its card beside it and a copy of the card inside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Callable, Dict, Mapping, Optional, TypeVar

from .errors import CardError, ModelError
from .model_item import ENDING, MULTIHASH, NewerFormat, OtherModel
from .strict_json import decoded

Card = TypeVar("Card")


@dataclass(frozen=True)
class ModelPair:
    """How messages speak of a kind of model: its `word`, the stem of its errors' codes, and how to have it `again`."""

    word: str
    code: str
    again: str
    largest_card: int

    def broken(self, path: "str | Path", reason: str) -> ModelError:
        """Say that a model can't be trusted."""
        return ModelError(f"{self.code}-broken", "The {word} {path} can't be used because {reason}: it is damaged or "
                          "was edited, {again} or bring both of its files again.", word=self.word, path=path,
                          reason=reason, again=self.again)

    def loaded(self, path: Path) -> "Dict[str, Any]":
        """Read the JSON of a card."""
        try:
            if path.stat().st_size > self.largest_card:
                raise CardError(f"{self.code}-card-large", "The card {path} is larger than {limit} MiB: this is no "
                                "{word}'s card.", path=path, limit=self.largest_card >> 20, word=self.word)
            found = decoded(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise CardError(f"{self.code}-card-missing", "The card {path} can't be read ({reason}): check the path.",
                            path=path, reason=error.strerror or error) from error
        except (ValueError, RecursionError) as error:
            raise CardError(f"{self.code}-card-json", "The card {path} is not valid JSON ({reason}): bring it again, "
                            "or remove it if the model carries a copy.", path=path, reason=str(error)[:120]) from error
        if not isinstance(found, dict):
            raise CardError(f"{self.code}-card-json", "The card {path} holds no JSON object: bring it again, or remove "
                            "it if the model carries a copy.", path=path)
        return found

    def inside(self, note: str, model: Path) -> "Dict[str, Any]":
        """Read the copy of the card in the model."""
        try:
            found = decoded(note)
        except (ValueError, RecursionError) as error:
            raise self.broken(model, "the card inside it can't be read") from error
        if not isinstance(found, dict):
            raise self.broken(model, "the card inside it is no JSON object")
        return found

    def card(self, read: "Callable[[], Card]", path: Path, other: "Callable[[OtherModel], Exception]") -> Card:
        """Return the card that `read` makes of an item; `other` is what to raise for the card of another kind."""
        try:
            return read()
        except NewerFormat as error:
            raise CardError(f"{self.code}-newer", "{path} was written by a newer version of Earthprint ({version}): "
                            "update Earthprint, or {again} with this one.", path=path, version=str(error),
                            again=self.again) from error
        except OtherModel as error:
            raise other(error) from error
        except ValueError as error:
            raise CardError(f"{self.code}-card", "The card {path} can't be used because {reason}: restore the card "
                            "that came with the {word}, or {again}.", path=path, reason=str(error), word=self.word,
                            again=self.again) from error

    def model_of(self, item: "Mapping[str, Any]", path: Path) -> Path:
        """Return the model that a card is of: the file it names, or the one of its own name, beside it."""
        href = PurePosixPath(str(asset_of(item).get("href")).replace("\\", "/")).name
        named = path.with_name(href) if href else path
        model = named if named.is_file() and named != path else path.with_suffix(ENDING)
        if not model.is_file():
            raise ModelError(f"{self.code}-model-missing", "The model {model} of the card {path} is not beside it: "
                             "bring both files.", model=(named if named != path else model).name, path=path)
        return model

    def check_sum(self, item: "Mapping[str, Any]", found: str, model: Path, beside: Optional[Path]) -> None:
        """Compare the SHA-256 of a model with what its card says."""
        stated = asset_of(item).get("file:checksum")
        if not isinstance(stated, str) or not stated.startswith(MULTIHASH):
            raise CardError(f"{self.code}-checksum-missing", "The card {path} states no checksum of its model: restore "
                            "the card that came with the {word}.", path=beside, word=self.word)
        if found != stated[len(MULTIHASH):].lower():
            raise ModelError(f"{self.code}-checksum", "The {word} {path} is not the file that its card describes (its "
                             "SHA-256 is {found}, the card says {stated}): bring both files again, or {again}.",
                             word=self.word, path=model, found=found[:12] + "…",
                             stated=stated[len(MULTIHASH):][:12] + "…", again=self.again)

    def contradiction(self, beside: Optional[Path], model: Path) -> CardError:
        """Say that the two copies of a card state different things."""
        return CardError(f"{self.code}-contradiction", "The card {path} and the copy inside {model} say different "
                         "things: restore the card that came with the {word}, or remove the edited one.", path=beside,
                         model=model, word=self.word)


def asset_of(item: "Mapping[str, Any]") -> "Mapping[str, Any]":
    """Return what a card says of the file of its model."""
    assets = item.get("assets")
    asset = assets.get("model") if isinstance(assets, dict) else None
    return asset if isinstance(asset, dict) else {}
