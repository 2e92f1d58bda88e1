"""Which column names the rows of several tables, where nobody says."""

from __future__ import annotations

import numpy as np
from made_rows import with_vectors

from earthprint.engine.fusing.keys import _common
from earthprint.engine.table import EmbeddingTable


def test_a_measure_that_differs_in_every_row_is_no_key_where_there_is_a_name() -> None:
    shapes = [None] * 3
    tables = []
    for shift in (0.0, 0.5):
        rows = with_vectors(shapes, {"biomass": [1.5 + shift, 2.5, 3.5], "name": ["a", "b", "c"]},
                            list(np.eye(3, dtype=np.float32)))
        tables.append(EmbeddingTable(rows, {}, None))
    assert _common(tables) == ("name", "name")
