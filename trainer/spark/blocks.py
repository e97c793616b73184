"""Rows of a matrix by tasks of Spark: blocks of items, each from the rows of users that touch it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from contract.errors import SparkError
from engine.arrays import Array, Report
from engine.blocks import cuts
from engine.fit.part import SomeRows
from trainer.spark import tasks
from trainer.spark.cluster import Cluster
from trainer.spark.packs import Columns, n_blocks
from trainer.spark.parts import clear, read_part, write_rows

BLOCK_BYTES = 2**28  # of the rows that one task holds


Block = tuple[int, int, SomeRows]
"""Start and end of a block of items, and its part, mapped into memory."""


def made(
    cluster: Cluster, indptr: Array, columns: Columns, load: Array, make: tasks.Make, given: Mapping[str, Array], report: Report
) -> list[Block]:
    """All blocks that somebody has an item of. `load` (n_items): what a row of the matrix costs. Raises SparkError."""
    session, indices = cluster.session(), columns[0]
    pair_bytes = sum(column.itemsize for column in columns)
    wanted = n_blocks(indices.size, indptr.size - 1, cluster.n_cores, pair_bytes, BLOCK_BYTES)
    ends = cuts(load, min(wanted, load.size))
    np.save(cluster.folder / tasks.ENDS, ends)
    np.savez(cluster.folder / tasks.GIVEN, **given)  # type: ignore[arg-type] # whether it pickles is not asked
    n_files = write_rows(cluster.folder, indptr, columns, cluster.n_cores)
    folder, kinds = str(cluster.folder), [column.dtype.str for column in columns]

    def job() -> list[Any]:
        files = session.range(0, n_files, 1, n_files).select("id")
        sent = files.mapInArrow(tasks.send(folder, len(columns)), tasks.PACK)
        of_blocks = sent.repartitionById(ends.size - 1, "block")  # a task a block: nothing is sorted
        found: list[Any] = of_blocks.mapInArrow(tasks.fit(folder, kinds, make), tasks.PART).collect()
        return found

    named = {row["block"]: row["part"] for row in cluster.run(job, report)}
    touched, found = np.bincount(indices, minlength=load.size), list[Block]()
    for block, (start, end) in enumerate(pairwise(ends.tolist())):
        if block in named:
            found.append((start, end, read_part(cluster.folder, named[block])))
        elif touched[start:end].any():
            raise SparkError(f"the engine spark: it has made no part of the items {start} to {end}")
    clear(cluster.folder)
    return found
