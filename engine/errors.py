"""The engine's exceptions: each is a sentence that tells the user what was wrong with which input and what to do."""

from __future__ import annotations


class EarthprintError(Exception):
    """Base of all errors a user can cause; carries a code and a template so that an adapter can translate it."""

    def __init__(self, code: str, template: str, **values: object) -> None:
        """Keep the parts and set the message to the filled template."""
        self.code = code
        self.template = template
        self.values = values
        super().__init__(template.format(**values))

    def __reduce__(self) -> tuple:
        """Survive the way back from another process, which plain exceptions with keyword arguments do not."""
        return _rebuild, (type(self), self.code, self.template, self.values)


def _rebuild(kind: type, code: str, template: str, values: dict) -> EarthprintError:
    """Make the exception again after it was sent between processes."""
    return kind(code, template, **values)


class InputError(EarthprintError):
    """An input layer, file or parameter can't be used as it is."""


class OutputError(EarthprintError):
    """A result can't be written where it was asked for."""


class SpaceError(EarthprintError):
    """Embeddings of different or unknown spaces were to be compared."""


class CardError(EarthprintError):
    """An encoder's card is missing something, or contradicts its model."""


class ModelError(EarthprintError):
    """An ONNX file can't be trusted, read or run."""


class DeviceError(EarthprintError):
    """The device that was asked for can't be used."""


class PackageError(EarthprintError):
    """An optional package is missing or can't be used."""


class Cancelled(EarthprintError):
    """The user cancelled; nothing was written under the final name."""

    def __init__(self, code: str = "cancelled", template: str = "Cancelled; no output was written.",
                 **values: object) -> None:
        """Default to the one sentence that is always true."""
        super().__init__(code, template, **values)
