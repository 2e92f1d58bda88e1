"""Counts how often intervals hold in blocks of real data that were kept away, with the benchmark's own steps."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

_FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "coverage.py"


@dataclass(frozen=True)
class Measured:
    """Mean coverage and width over repeats."""

    coverage: float
    width: float


def benchmark() -> ModuleType:
    """Load the benchmark as a module."""
    spec = importlib.util.spec_from_file_location("earthprint_coverage_benchmark", _FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def measured(data: Path, table: str, repeats: int, level: float) -> Measured:
    """Repeat with a linear model on a part of the table."""
    module = benchmark()
    labels = module.labels_of(table, data, 3000)
    size = module.size_for(labels, module.ridge)
    found = np.array([module.repeat(labels, size, module.ridge, level, seed)["blocks"] for seed in range(repeats)])
    return Measured(*found.mean(axis=0).tolist())
