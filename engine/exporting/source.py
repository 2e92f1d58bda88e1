"""A table as exports read it: attributes that can be written, and progress told on the way."""

from __future__ import annotations

from typing import Iterator, List

from ..progress import Progress, check
from ..table import EMBEDDING_SPACE, ColumnSpec, Table, TableChunk, key_text


class ExportSource:
    """The rows of a table; attributes of bytes stay behind, which most formats can't hold."""

    def __init__(self, table: Table, progress: Progress) -> None:
        """Look at the columns."""
        self.table = table
        self.identity = table.identity()
        self.key = key_text(self.identity, "f4")
        self.columns: "List[ColumnSpec]" = [column for column in table.columns if column.type != "binary"]
        self._progress = progress
        left = [column.name for column in table.columns if column.type == "binary"]
        if left:
            progress.warn(f"The columns {', '.join(left)} of {table.name} hold bytes and are left out.")

    def chunks(self) -> "Iterator[TableChunk]":
        """Yield the rows in order."""
        done = 0
        for chunk in self.table.chunks():
            check(self._progress)
            yield chunk
            done += len(chunk.ids)
            of = max(self.table.count, done)
            self._progress.report(done / of, f"Exporting vectors: {done} of {of} rows")

    def dimension_names(self) -> "List[str]":
        """Return emb_0, emb_1 …, or what comes next where the attributes have such names."""
        taken = {column.name.lower() for column in self.columns} | {EMBEDDING_SPACE}
        number, prefix = 0, "emb_"
        while any(f"{prefix}{index}" in taken for index in range(self.identity.dimensions)):
            number += 1
            prefix = f"emb{number}_"
        return [f"{prefix}{index}" for index in range(self.identity.dimensions)]
