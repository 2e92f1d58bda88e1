"""How many milliseconds a frame of the inspector's plane takes while it is panned and zoomed, beside a plain fill."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "build"))

import numpy as np  # noqa: E402
from qgis.PyQt.QtCore import QPointF  # noqa: E402
from qgis.PyQt.QtGui import QImage, QPainter  # noqa: E402
from qgis.PyQt.QtWidgets import QApplication  # noqa: E402

from earthprint.engine.inspecting.lasso import inside  # noqa: E402
from earthprint.ui.inspector.scatter_plot import ScatterPlot  # noqa: E402


def frames(plot: ScatterPlot, step: "object", count: int) -> "list[float]":
    """Return how many milliseconds each move takes until it is painted."""
    taken = []
    image = QImage(plot.size(), QImage.Format.Format_ARGB32_Premultiplied)
    for number in range(count):
        start = time.perf_counter()
        step(number)
        plot.render(image)
        taken.append(1e3 * (time.perf_counter() - start))
    return taken


def main() -> int:
    """Print one line for each kind of move."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--size", type=int, nargs=2, default=(430, 420))
    given = parser.parse_args()
    application = QApplication.instance() or QApplication([])
    random = np.random.default_rng(2)
    points = (random.normal(size=(given.points, 2)) + 3 * random.integers(0, 3, (given.points, 1))).astype(np.float32)
    plot = ScatterPlot()
    plot.resize(*given.size)
    plot.show()
    application.processEvents()
    plot.set_points(points, random.integers(0, 255, (given.points, 3)).astype(np.uint8))
    canvas = QImage(plot.size(), QImage.Format.Format_ARGB32_Premultiplied)
    start = time.perf_counter()
    for _ in range(given.frames):
        painter = QPainter(canvas)
        painter.fillRect(canvas.rect(), plot.palette().base())
        painter.end()
    fill = 1e3 * (time.perf_counter() - start) / given.frames

    def pan(number: int) -> None:
        plot._move(QPointF(3.0 if number % 40 < 20 else -3.0, 1.0))

    def zoom(number: int) -> None:
        plot._zoom(1.05 if number % 40 < 20 else 1 / 1.05, QPointF(150.0, 160.0))

    def anew(number: int) -> None:
        pan(number)
        plot._draw_anew()

    print(f"{given.points:,} points at {given.size[0]} x {given.size[1]}; a plain fill takes {fill:.2f} ms")
    for name, step in (("pan, picture moved", pan), ("zoom, picture stretched", zoom), ("drawn anew", anew)):
        taken = frames(plot, step, given.frames)
        print(f"{name:26s} median {np.median(taken):6.1f} ms, 95th percentile {np.quantile(taken, 0.95):6.1f} ms")
    plot.set_chosen(random.random(given.points) < 0.1)
    taken = frames(plot, anew, given.frames)
    print(f"{'drawn anew, 10 % chosen':26s} median {np.median(taken):6.1f} ms, 95th percentile "
          f"{np.quantile(taken, 0.95):6.1f} ms")
    turn = np.linspace(0, 2 * np.pi, 300)
    corners = np.stack([3 + 2 * np.cos(turn), 3 + 2 * np.sin(turn)], axis=1)
    taken = []
    for _ in range(20):
        start = time.perf_counter()
        inside(points, corners)
        taken.append(1e3 * (time.perf_counter() - start))
    print(f"{'lasso of 300 corners':26s} median {np.median(taken):6.1f} ms")
    taken = []
    for _ in range(20):
        start = time.perf_counter()
        plot.nearest(QPointF(200.0, 200.0))
        taken.append(1e3 * (time.perf_counter() - start))
    print(f"{'point under the pointer':26s} median {np.median(taken):6.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
