"""What geo-bias scores cost: processor time and memory against the number of places and of their neighbours.

Run with `./dev benchmark geobias_speed [--places N]`. Seconds are processor time on one core; "longest wait" is how
long, in the same seconds, a cancel goes unnoticed at most.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Sequence

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "build"))

import numpy as np  # noqa: E402

from earthprint.engine.geobias import GRID, MARKED, RELATIVE, BiasRequest, geo_bias  # noqa: E402
from earthprint.engine.progress import Silent  # noqa: E402


class Quiet(Silent):
    """Says nothing, and notes how long it was silent."""

    def __init__(self) -> None:
        """Start the clock."""
        self.last = time.process_time()
        self.longest = 0.0

    def info(self, text: str) -> None:
        """Say nothing."""

    def warn(self, text: str) -> None:
        """Say nothing."""

    def cancelled(self) -> bool:
        """Note how long nobody asked; a cancel waits that long at most."""
        now = time.process_time()
        self.longest, self.last = max(self.longest, now - self.last), now
        return False


def measure(places: int, scores: Sequence[str], centres: int, near: int) -> "List[float]":
    """Return processor seconds, the longest wait of a cancel, memory in MiB before and at its peak, and neighbours."""
    chance = np.random.default_rng(0)
    where = np.stack([chance.uniform(-10, 40, places), np.degrees(np.arcsin(chance.uniform(0.5, 0.85, places)))], 1)
    failures = chance.random(places) < 0.25
    area = np.radians(50) * 0.35 * 6_371_008.8 ** 2
    radius = float(np.sqrt(near / places * area / np.pi)) if near else 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    quiet = Quiet()
    start = time.process_time()
    found = geo_bias(where, failures, BiasRequest(scores=tuple(scores), centres=centres, radius=radius), quiet)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [seconds, quiet.longest, before, peak, float(np.median(found.near))]


def apart(places: int, scores: Sequence[str], centres: int, near: int) -> "List[float]":
    """Measure in a process of its own, so that the peak of memory is that of one run."""
    said = subprocess.run([sys.executable, __file__, "--one", str(places), ";".join(scores), str(centres), str(near)],
                          capture_output=True, text=True, check=True)
    return [float(word) for word in said.stdout.split()]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=int, default=20_000)
    parser.add_argument("--one", nargs=4, help="measure one run: places, scores, centres, neighbours")
    asked = parser.parse_args()
    if asked.one:
        places, scores, centres, near = asked.one
        print(*measure(int(places), scores.split(";"), int(centres), int(near)))
        return
    head = "| scores | places | near each | judged against chance | seconds | longest wait | memory: before, peak |"
    print(head + "\n|---|---|---|---|---|---|---|")
    default, many = "grid, distance, direction", asked.places
    rows = [(default, RELATIVE, many, 2000, 0), (default, RELATIVE, many, 0, 0),
            ("marked", (MARKED,), many, 2000, 0), ("all but unmarked", (*RELATIVE, MARKED), many, 2000, 0),
            (default, RELATIVE, many // 4, 2000, 0), (default, RELATIVE, many * 5, 2000, 0),
            ("grid", (GRID,), many, 2000, 300), ("grid", (GRID,), many, 2000, 1200),
            ("grid", (GRID,), many, 2000, 4800)]
    for name, scores, places, centres, near in rows:
        seconds, longest, before, peak, median = apart(places, scores, centres, near)
        print(f"| {name} | {places:,} | {median:,.0f} | {'all' if not centres else f'{centres:,}'} | {seconds:.1f} | "
              f"{longest:.2f} s | {before:.0f}, {peak:.0f} MiB |", flush=True)


if __name__ == "__main__":
    main()
