"""Every row of a source is either kept or left out for a reason that is counted: held against a count that the reader did not make."""

from __future__ import annotations

from dataclasses import dataclass

from contract.errors import DataError
from trainer.rows.batches import Batch
from trainer.rows.problems import Problems


class RowsLostError(DataError):
    """Rows were lost or doubled on the way. Not a fault of the data; what was read is not used."""


@dataclass(slots=True)
class Ledger:
    """Called after each batch. `n_records`: rows that the source has so far, `n_kept`: those that are handed on."""

    where: str
    problems: Problems
    n_records: int = 0
    n_kept: int = 0

    def enter(self, batch: Batch, n_kept: int) -> None:
        """Raises RowsLostError if the rows of this batch are not all accounted for, once each."""
        self.n_records += batch.frame.height if batch.n_records is None else batch.n_records
        self.n_kept += n_kept
        check_count(self.where, self.n_records, self.n_kept, self.problems.n_dropped)
        check_count(self.where, self.n_records, self.problems.n_rows, 0)


def check_count(where: str, n_records: int, n_kept: int, n_dropped: int) -> None:
    if n_records != n_kept + n_dropped:
        raise RowsLostError(
            f"{where}: it has {n_records:,} rows up to here, but {n_kept:,} were read and {n_dropped:,} left out; nothing of it is used. "
            "This is a fault of Larder and not of the file: please report it with the file"
        )
