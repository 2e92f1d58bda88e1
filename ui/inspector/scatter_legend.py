"""Which colour of a plot stands for what: a ramp between two numbers, or a list of classes; plain Qt, no QGIS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from .similarity_legend import RampBar

_MOST = 24


@dataclass(frozen=True)
class LegendEntry:
    """A class: its name, its colour as `#rrggbb`, and how many points it has."""

    name: str
    colour: str
    count: int


@dataclass(frozen=True)
class Legend:
    """What colours mean: `entries` for classes, or the `stops` of a ramp between two texts; neither: nothing."""

    entries: Tuple[LegendEntry, ...] = ()
    stops: Tuple[str, ...] = ()
    low: str = ""
    high: str = ""


class ScatterLegend(QWidget):
    """Shows a legend; it takes no room where there is none."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        """Begin with none."""
        super().__init__(parent)
        self.setObjectName("scatter_legend")
        self.low, self.high = QLabel(self), QLabel(self)
        self.low.setObjectName("scatter_low")
        self.high.setObjectName("scatter_high")
        self.bar = RampBar(self)
        self.classes = QLabel(self)
        self.classes.setObjectName("scatter_classes")
        self.classes.setWordWrap(True)
        self.classes.setTextFormat(Qt.TextFormat.RichText)
        self.classes.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.MinimumExpanding)
        ramp = QHBoxLayout()
        ramp.addWidget(self.low)
        ramp.addWidget(self.bar, 1)
        ramp.addWidget(self.high)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(ramp)
        layout.addWidget(self.classes)
        self.show_legend(Legend())

    def show_legend(self, legend: Legend) -> None:
        """Show another one."""
        for part in (self.low, self.bar, self.high):
            part.setVisible(bool(legend.stops))
        self.bar.set_stops(legend.stops)
        self.low.setText(legend.low)
        self.high.setText(legend.high)
        self.classes.setVisible(bool(legend.entries))
        self.classes.setText(self._listed(legend.entries))
        self.setVisible(bool(legend.stops or legend.entries))

    def _listed(self, entries: Sequence[LegendEntry]) -> str:
        """Return the classes as one text that wraps; further ones are counted."""
        words = ['<span style="color:{}">\u25a0</span>\u00a0{}'.format(entry.colour, _plain(entry.name))
                 for entry in entries[:_MOST]]
        if len(entries) > _MOST:
            words.append(self.tr("and {count} more").format(count=len(entries) - _MOST))
        return " \u2003".join(words)


def _plain(text: str) -> str:
    """Return a text that HTML shows as it is, in one line."""
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), (" ", "&nbsp;")):
        text = text.replace(sign, written)
    return text
