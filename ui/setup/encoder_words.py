"""Puts encoders, checks and trials into the words of their page."""

from __future__ import annotations

from pathlib import Path
from typing import List, Mapping, Sequence, Tuple

from qgis.PyQt.QtCore import QObject

from ...engine.analyses.glance import Glance
from ...engine.encoders.shelf import SHIPPED, TEMPLATE, USER, FileCheck, ShelvedEncoder
from ...engine.home_folder import without_home
from ...engine.locations.finding import find_location_encoder
from ...engine.locations.shipped import FAMILIES
from ...processing_provider.environment import folders
from .encoders_widget import EncoderRow

AUTOMATIC = "automatic"
LOCATION = "location:"


class EncoderWords(QObject):
    """Turns what the engine knows of encoders into rows and sentences."""

    def groups(self, stated: bool) -> List[str]:
        """Return the groups of the list from the top down."""
        return [self._made(), self._yours(stated), self._further(), self._shipped(), self._locations(),
                self._templates()]

    def folded(self) -> List[str]:
        """Return the groups that are folded at first."""
        return [self._locations()]

    def automatic(self) -> EncoderRow:
        """Describe the encoder that is made from the raster at hand."""
        detail = self.tr("Made from the raster that you embed, in seconds and without a download; its file is kept "
                         "beside the output, so that a second scene or date can be embedded in the same space.")
        return EncoderRow(AUTOMATIC, self._made(), self.tr("automatic"), self.tr("any raster, all its bands"), "64",
                          self.tr("any"), "CC0-1.0", "", self.tr("Always here"), detail, can_try=True)

    def locations(self) -> List[EncoderRow]:
        """Describe the encoders of places."""
        rows = []
        for family in FAMILIES:
            detail = self.tr("{summary} A formula of longitude and latitude, for “Embed locations”, which needs no "
                             "file; with its defaults it also lies in {path}, for other programs.").format(
                summary=_sentence(family.summary),
                path=without_home(str(folders().shipped / "{}.onnx".format(family.id))))
            rows.append(EncoderRow(
                LOCATION + family.id, self._locations(), family.id, self.tr("longitude, latitude"),
                str(find_location_encoder(family.id).dimensions), "", "", "", self.tr("Always here"), detail))
        return rows

    def row(self, key: str, encoder: ShelvedEncoder, stated: bool) -> EncoderRow:
        """Describe an encoder that has a card."""
        group = {USER: self._yours(stated), SHIPPED: self._shipped(), TEMPLATE: self._templates()}.get(
            encoder.origin, self._further())
        usable = not encoder.problem and encoder.origin != TEMPLATE and not encoder.places
        state, alarming = self._state(encoder)
        return EncoderRow(
            key, group, encoder.id, self._eats(encoder), str(encoder.dimensions) if encoder.dimensions else "",
            self.tr("{count} px").format(count=encoder.cell) if encoder.cell else "", encoder.licence,
            self.size(encoder.size), state, self.detail(encoder, None), alarming, usable, encoder.origin == USER,
            True)

    def state_after(self, encoder: ShelvedEncoder, found: FileCheck) -> Tuple[str, bool]:
        """Say in two words what a check came to, and whether it needs attention."""
        if found.differs:
            return self.tr("Wrong checksum"), True
        if found.problem:
            return self.tr("Can't be used"), True
        return (self.tr("Checksum right") if encoder.stated else self.tr("No checksum stated")), False

    def detail(self, encoder: ShelvedEncoder, found: "FileCheck | None") -> str:
        """Return all that is worth knowing of an encoder, as lines."""
        lines = [_sentence(encoder.name) if not encoder.description else "{}: {}".format(
            encoder.name, encoder.description)]
        problem = encoder.problem or (found.problem if found is not None else "")
        if problem:
            lines = [problem]
        elif encoder.origin == TEMPLATE:
            lines.append(self.tr("Only the card comes with Earthprint: get the ONNX file, then press Add… or drag it "
                                 "onto this list."))
        if encoder.places and not problem:
            lines.append(self.tr("Takes longitude and latitude: use it in “Embed locations”."))
        if encoder.fitted_on:
            lines.append(self.tr("Fitted to {name}.").format(name=encoder.fitted_on))
        lines.append(without_home(str(encoder.model or encoder.path)))
        return "\n".join(lines)

    def really(self, encoder: ShelvedEncoder, files: Sequence[Path]) -> str:
        """Ask whether the files may go."""
        size = sum(path.stat().st_size for path in files if path.is_file())
        return self.tr("Really remove {name}? {files} ({size}) will be deleted. Press the button again to do "
                       "it.").format(
            name=encoder.id, files=", ".join(path.name for path in files), size=self.size(size))

    def name(self, key: str, encoders: Mapping[str, ShelvedEncoder]) -> str:
        """Return what an encoder is called in sentences."""
        return encoders[key].id if key in encoders else key

    def seen(self, name: str, raster: str, found: Glance) -> str:
        """Say what a trial showed."""
        shares = ", ".join(self.tr("{share}\u00a0%").format(share=round(100 * share)) for share in found.explained)
        lines = [
            self.tr("{name} on {raster}: {cells} cells of {dimensions} dimensions from {width} × {height} pixels in "
                    "{seconds} s.").format(name=name, raster=raster, cells=found.cells, dimensions=found.dimensions,
                                           width=found.pixels[0], height=found.pixels[1],
                                           seconds="{:.1f}".format(found.seconds)),
            self.tr("Alike places have alike colours: the first three principal components, with {shares} of the "
                    "variance.").format(shares=shares)]
        if found.cut:
            lines.append(self.tr("Only the middle of what the map shows was used."))
        lines.append(found.device_report)
        return "\n".join([*lines, *found.warnings])

    def size(self, count: int) -> str:
        """Write a number of bytes as people do."""
        if not count:
            return ""
        for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
            if count >= limit:
                return "{:.3g} {}".format(count / limit, unit) if count < 1000 * limit else "{:.0f} {}".format(
                    count / limit, unit)
        return self.tr("{count} bytes").format(count=count)

    def _state(self, encoder: ShelvedEncoder) -> Tuple[str, bool]:
        """Say how things stand before the file was looked into."""
        if encoder.problem:
            return self.tr("Can't be used"), True
        if encoder.origin == TEMPLATE:
            return self.tr("Needs its file"), False
        return self.tr("Checking…"), False

    def _eats(self, encoder: ShelvedEncoder) -> str:
        """Name bands and unit, or the coordinates that an encoder of places takes."""
        if encoder.places:
            return self.tr("longitude, latitude")
        if not encoder.bands:
            return ""
        bands = ", ".join(encoder.bands)
        count = len(encoder.bands)
        text = self.tr("{count} bands: {bands}").format(count=count, bands=bands) if count > 1 else bands
        return "{} [{}]".format(text, encoder.unit) if encoder.unit else text

    def _made(self) -> str:
        """Name a group."""
        return self.tr("Made from your raster")

    def _yours(self, stated: bool) -> str:
        """Name a group; the variable, where it is set, stands in the folder's place."""
        return self.tr("Your folder (EARTHPRINT_ENCODERS)") if stated else self.tr("Your folder")

    def _further(self) -> str:
        """Name a group."""
        return self.tr("Further folders")

    def _shipped(self) -> str:
        """Name a group."""
        return self.tr("Came with Earthprint")

    def _locations(self) -> str:
        """Name a group."""
        return self.tr("Of places: formulas that need no file")

    def _templates(self) -> str:
        """Name a group."""
        return self.tr("Cards of published encoders: you bring the ONNX file")


def _sentence(text: str) -> str:
    """Begin with a capital and end with a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
