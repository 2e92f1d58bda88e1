"""Reads the fields of a card's JSON so that whatever is missing or of the wrong kind is named in one sentence."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Mapping, Optional, Union

from .errors import CardError


def card_error(card: "Union[str, Path]", field: str, problem: str, remedy: str) -> CardError:
    """Return the error that names card, field, problem and remedy."""
    return CardError("card-field", "The card {card}: {field} {problem}; {remedy}.", card=card, field=field,
                     problem=problem, remedy=remedy)


class CardFields:
    """One JSON object of a card, which knows where it stands."""

    def __init__(self, card: str, raw: Mapping[str, Any], where: str) -> None:
        """Remember the object, the card's name and the path of keys down to it."""
        self.card = card
        self.raw = raw
        self.where = where

    def fail(self, key: str, problem: str, remedy: str) -> CardError:
        """Return the error for one key of this object."""
        return card_error(self.card, f"{self.where}{key}", problem, remedy)

    def object(self, key: str, remedy: str) -> "CardFields":
        """Return a nested object."""
        value = self.raw.get(key)
        if not isinstance(value, Mapping):
            raise self.fail(key, _wrong(value, "an object"), remedy)
        return CardFields(self.card, value, f"{self.where}{key} ▸ ")

    def objects(self, key: str, remedy: str) -> "list[CardFields]":
        """Return a nested list of at least one object."""
        value = self.raw.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, Mapping) for item in value):
            raise self.fail(key, _wrong(value, "a list of objects"), remedy)
        return [CardFields(self.card, item, f"{self.where}{key} {number} ▸ ")
                for number, item in enumerate(value, start=1)]

    def text(self, key: str, remedy: str) -> str:
        """Return a text that must be there."""
        value = self.raw.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.fail(key, _wrong(value, "a text"), remedy)
        return value

    def text_or(self, key: str, default: str) -> str:
        """Return a text, or the default where there is none."""
        value = self.raw.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.fail(key, _wrong(value, "a text"), "write it in quotes")
        return value

    def texts(self, key: str, remedy: str) -> "tuple[str, ...]":
        """Return a list of texts that must be there."""
        value = self.raw.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            raise self.fail(key, _wrong(value, "a list of texts"), remedy)
        return tuple(value)

    def whole(self, key: str, remedy: str) -> int:
        """Return a whole number that must be there and not be negative."""
        value = self.raw.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0 or int(value) != value:
            raise self.fail(key, _wrong(value, "a whole number of 0 or more"), remedy)
        return int(value)

    def whole_or(self, key: str, default: int) -> int:
        """Return a whole number, or the default where there is none."""
        return default if self.raw.get(key) is None else self.whole(key, "write a whole number or leave it out")

    def number_or(self, key: str, default: Optional[float]) -> Optional[float]:
        """Return a finite number, or the default where there is none."""
        value = self.raw.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise self.fail(key, _wrong(value, "a number"), "write a number or leave it out")
        return float(value)

    def truth_or(self, key: str, default: bool) -> bool:
        """Return true or false, or the default where there is nothing."""
        value = self.raw.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.fail(key, _wrong(value, "true or false"), "write true or false")
        return value

    def pair_or_none(self, key: str) -> "Optional[tuple[float, float]]":
        """Return two numbers in order, or None where there is nothing."""
        value = self.raw.get(key)
        if value is None:
            return None
        right = isinstance(value, list) and len(value) == 2 and all(
            isinstance(item, (int, float)) and not isinstance(item, bool) and math.isfinite(item) for item in value)
        if not right or value[0] > value[1]:
            raise self.fail(key, _wrong(value, "a list of two numbers, the smaller first"), "write [smallest, largest]")
        return float(value[0]), float(value[1])

    def sizes(self, key: str) -> "tuple[int, ...]":
        """Return a shape: whole numbers of 1 or more, or −1 for an axis of any length."""
        value = self.raw.get(key)
        right = isinstance(value, list) and value and all(
            isinstance(item, int) and not isinstance(item, bool) and (item >= 1 or item == -1) for item in value)
        if not right:
            raise self.fail(key, _wrong(value, "a list of sizes"), "give the length of every axis, −1 where any goes")
        return tuple(value)


def _wrong(value: Any, wanted: str) -> str:
    """Say how a value differs from what is wanted."""
    if value is None:
        return "is missing"
    text = repr(value)
    return f"is {text if len(text) <= 60 else text[:57] + '…'}, not {wanted}"
