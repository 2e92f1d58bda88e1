"""An approximate index (USearch) for millions of rows: built once, kept beside the table, thrown away when stale."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np

from ...errors import OutputError
from ...packages import require
from ...progress import Part, Progress, check
from ...whole import whole
from .search import SPARE, Forbidden, Neighbours, ordered, search

_STEP = 1024
_RECALL_QUERIES = 200
_SAME = 1e-6


@dataclass(frozen=True)
class Approximate:
    """An index that is ready, with the share of true neighbours that it finds on these data."""

    neighbours: Neighbours
    recall: float
    note: str


def search_index(queries: np.ndarray, targets: np.ndarray, count: int, forbidden: "Optional[Forbidden]", path: str,
                 progress: Progress) -> Approximate:
    """Search with an index; queries that it leaves with too few neighbours are searched exactly."""
    index, note = _ready(targets, path, Part(progress, 0.0, 0.7))
    found = _ask(index, queries, targets, count, forbidden, Part(progress, 0.7, 0.9))
    sample = np.unique(np.linspace(0, len(queries) - 1, min(_RECALL_QUERIES, len(queries))).astype(int))
    exact = search(queries[sample], targets, count, _of_rows(forbidden, sample), Part(progress, 0.9, 1.0))
    return Approximate(found, _recall(exact, Neighbours(found.rows[sample], found.scores[sample])), note)


def _ready(targets: np.ndarray, path: str, progress: Progress) -> "tuple[Any, str]":
    """Open the index that lies at a path if it is of these very vectors, else build and keep it."""
    usearch = require("usearch.index")
    digest = hashlib.sha256(np.ascontiguousarray(targets).data).hexdigest()
    place, card = Path(path), Path(path + ".json")
    index = usearch.Index(ndim=targets.shape[1], metric="ip", dtype="f32")
    if path and _is_fresh(place, card, digest):
        index.load(str(place))
        if len(index) == len(targets):
            return index, f"The index {path} is of these vectors and was used as it is."
        index = usearch.Index(ndim=targets.shape[1], metric="ip", dtype="f32")
    stale = path and place.exists()
    for start in range(0, len(targets), _STEP):
        check(progress)
        progress.report(start / len(targets), "Building the index" if not start else None)
        rows = np.arange(start, min(start + _STEP, len(targets)), dtype=np.uint64)
        index.add(rows, np.ascontiguousarray(targets[start:start + _STEP]))
    if not path:
        return index, "The index was built for this run only, since the table is no file of its own."
    try:
        _keep(index, place, card, digest)
    except OutputError as error:
        return index, f"The index was built for this run only: {error}"
    return index, f"The index was {'stale and was built anew' if stale else 'built'}: {path}"


def _is_fresh(place: Path, card: Path, digest: str) -> bool:
    """Tell whether a file is an index of vectors with this digest, and whole."""
    try:
        said = json.loads(card.read_text(encoding="utf-8"))
        return said["vectors"] == digest and said["index"] == _file_digest(place)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _keep(index: Any, place: Path, card: Path, digest: str) -> None:
    """Write the index and what it is of."""
    with whole(place) as temporary:
        index.save(str(temporary))
        said = {"vectors": digest, "index": _file_digest(temporary), "rows": len(index)}
    with whole(card) as temporary:
        temporary.write_text(json.dumps(said), encoding="utf-8")


def _file_digest(path: Path) -> str:
    """Return the checksum of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            found.update(piece)
    return found.hexdigest()


def _ask(index: Any, queries: np.ndarray, targets: np.ndarray, count: int, forbidden: "Optional[Forbidden]",
         progress: Progress) -> Neighbours:
    """Ask for some more than wanted, drop what doesn't count, and search exactly where too few are left."""
    wanted = min(len(targets), 2 * count + 2 * SPARE)
    found = Neighbours(np.full((len(queries), count), -1, dtype=np.int64), np.full((len(queries), count), np.nan))
    for start in range(0, len(queries), 256):
        check(progress)
        progress.report(start / len(queries), "Searching the index" if not start else None)
        part = slice(start, min(start + 256, len(queries)))
        keys = np.asarray(index.search(np.ascontiguousarray(queries[part]), wanted).keys).astype(np.int64)
        keys = keys.reshape(part.stop - part.start, -1)
        if forbidden is not None:
            rows, columns = forbidden(part, slice(0, len(targets)))
            barred = np.unique(rows * len(targets) + columns)
            keys = np.where(np.isin(np.arange(len(keys))[:, None] * len(targets) + keys, barred), -1, keys)
        found.rows[part], found.scores[part] = ordered(queries[part], targets, keys, count)
    short = np.flatnonzero((found.rows == -1).any(axis=1))
    if len(short):
        again = search(queries[short], targets, count, _of_rows(forbidden, short), progress)
        found.rows[short], found.scores[short] = again.rows, again.scores
    return found


def _of_rows(forbidden: "Optional[Forbidden]", chosen: np.ndarray) -> "Optional[Forbidden]":
    """Return what doesn't count among some of the queries."""
    if forbidden is None:
        return None

    def call(part: slice, block: slice) -> "tuple[np.ndarray, np.ndarray]":
        """Ask for each of them."""
        rows, columns = [], []
        for number, query in enumerate(chosen[part].tolist()):
            _, own = forbidden(slice(query, query + 1), block)
            rows.append(np.full(len(own), number, dtype=np.int64))
            columns.append(own)
        return np.concatenate(rows), np.concatenate(columns)

    return call


def _recall(exact: Neighbours, found: Neighbours) -> float:
    """Return the share of true neighbours that were found; equally good ones count as the same."""
    there = exact.rows != -1
    if not there.any():
        return 1.0
    least = np.nanmin(np.where(there, exact.scores, np.inf), axis=1)
    with np.errstate(invalid="ignore"):
        good = ((found.rows != -1) & (found.scores >= least[:, None] - _SAME)).sum()
    return float(min(1.0, good / there.sum()))
