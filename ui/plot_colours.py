"""The colours of what is painted by hand: those of the lists around it, in any theme; plain Qt, no QGIS.

Dark themes that are style sheets, as QGIS's own are, colour lists and labels but leave the palette of a plain widget
half as it was: black text on black.
"""

from __future__ import annotations

from dataclasses import dataclass

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor, QPalette
from qgis.PyQt.QtWidgets import QTreeView, QWidget

_PROBE = "earthprintColours"
_LEGIBLE, _VISIBLE = 4.5, 3.0


@dataclass(frozen=True)
class PlotColours:
    """Ground, text, a quiet line, a shaded ground, and a colour that stands out from the ground."""

    ground: QColor
    text: QColor
    line: QColor
    shade: QColor
    accent: QColor


def plot_colours(widget: QWidget) -> PlotColours:
    """Return the colours in which a list beside the widget would be drawn."""
    listed, own, roles = _list_palette(widget), widget.palette(), QPalette.ColorRole
    ground = _opaque(listed.color(roles.Base))
    black_or_white = QColor("black") if ground.lightness() > 127 else QColor("white")
    text = _first((listed.color(roles.Text), listed.color(roles.WindowText), black_or_white), ground, _LEGIBLE)
    accent = _first((listed.color(roles.Highlight), own.color(roles.Highlight), listed.color(roles.Link), text), ground,
                    _VISIBLE)
    return PlotColours(ground, text, _between(ground, text), _opaque(listed.color(roles.AlternateBase)), accent)


def contrast(first: QColor, second: QColor) -> float:
    """Return the contrast of two colours as accessibility guidelines count it: 1 to 21."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _list_palette(widget: QWidget) -> QPalette:
    """Return the palette of a list inside the widget, one that is never seen."""
    probe = widget.findChild(QTreeView, _PROBE, Qt.FindChildOption.FindDirectChildrenOnly)
    if probe is None:
        probe = QTreeView(widget)
        probe.setObjectName(_PROBE)
        probe.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        probe.hide()
    probe.ensurePolished()
    return probe.palette()


def _first(colours: "tuple[QColor, ...]", ground: QColor, wanted: float) -> QColor:
    """Return the first colour that is seen well on a ground, else the last."""
    return next((colour for colour in colours if contrast(_opaque(colour), ground) >= wanted), colours[-1])


def _between(first: QColor, second: QColor) -> QColor:
    """Return the colour in the middle of two."""
    return QColor(*((one + two) // 2 for one, two in zip(first.getRgb()[:3], second.getRgb()[:3])))


def _opaque(colour: QColor) -> QColor:
    """Return a colour that nothing shines through."""
    return QColor(colour.red(), colour.green(), colour.blue())


def _luminance(colour: QColor) -> float:
    """Return the relative luminance of a colour."""
    parts = []
    for share in (colour.redF(), colour.greenF(), colour.blueF()):
        parts.append(share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4)
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
