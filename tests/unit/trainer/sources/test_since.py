"""A table with a column that grows is read from its greatest value on, and a run has what reading all gives."""

from __future__ import annotations

import logging
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import duckdb
import pytest
import sqlalchemy as sa

from contract.artifacts.artifact import READ_FOLDER
from contract.errors import DataError
from contract.settings.settings import Settings
from tests.support.reading import settings
from tests.unit.trainer.sources.test_remembered import by, outcome
from trainer.kept.entries import ENTRY
from trainer.kept.forgetting import forget
from trainer.sources.erased_rows import ErasedRows
from trainer.sources.remembered import Memory
from trainer.sources.tables import database, since
from trainer.sources.tables.database_drivers import connecting

Row = tuple[Any, ...]


class Shop:
    """A table of orders, and where what was read of it is kept."""

    def __init__(self, root: Path, kind: str) -> None:
        self.path, self.home, self._kind = root / f"shop.{kind}", root / "artifacts", kind
        self.home.mkdir()
        types = (
            ("INTEGER", "TEXT", "REAL", "INTEGER", "TEXT") if kind == "sqlite" else ("BIGINT", "VARCHAR", "DOUBLE", "BIGINT", "TIMESTAMP")
        )
        columns = ", ".join(f"{name} {type_}" for name, type_ in zip(("user_id", "item_id", "rating", "n", "written"), types, strict=True))
        self.run(f"CREATE TABLE orders ({columns})")

    def run(self, statement: str, rows: Iterable[Row] | None = None) -> None:
        connection: Any = (sqlite3 if self._kind == "sqlite" else duckdb).connect(str(self.path))
        if rows is None:
            connection.execute(statement)
        else:
            connection.executemany(statement, list(rows))
        connection.commit()
        connection.close()

    def add(self, *rows: Row) -> None:
        self.run("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", rows)

    def settings(self, **given: Any) -> Any:
        return settings(f"{self._kind}:///{self.path}", **{"sql_table": "orders", "since_column": "n", **given})

    @contextmanager
    def open(self) -> Iterator[None]:
        """DuckDB opens a file a thousand times as fast where this process has it open already."""
        url = sa.make_url(f"{self._kind}:///{self.path}")
        with ExitStack() as stack:
            if self._kind == "duckdb":
                stack.enter_context(sa.create_engine(url, poolclass=sa.NullPool, connect_args=connecting(url)).connect())
            yield

    def read(self, left_out: ErasedRows | None = None, **given: Any) -> Any:
        with self.open():
            return outcome(self.settings(**given), self.home, left_out or by())

    def read_all(self, left_out: ErasedRows | None = None, **given: Any) -> Any:
        fresh = self.home.with_name("fresh")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        with self.open():
            return outcome(self.settings(**given), fresh, left_out)

    @property
    def kept(self) -> list[Path]:
        return sorted(path.parent for path in (self.home / READ_FOLDER).glob(f"*/*/{ENTRY}"))


@pytest.fixture(params=["sqlite", "duckdb"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    return Shop(tmp_path, request.param)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """The bounds between which rows are asked for."""
    found: list[tuple[Any, Any]] = []
    between = database.SqlTable.between

    def noted(self: database.SqlTable, low: Any, high: Any, *given: Any, **named: Any) -> Any:
        found.append((low, high))
        return between(self, low, high, *given, **named)

    monkeypatch.setattr(database.SqlTable, "between", noted)
    return found


def order(n: int, user: int = 0, item: str = "", second: int | None = None) -> Row:
    at = n if second is None else second
    written = f"2024-01-01 {at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}"
    return (user or 1 + n % 7, item or f"i{n % 5}", 1.0 + n % 3, n, written)


def test_only_rows_from_the_greatest_value_on_are_asked_for(shop: Shop, asked: list[tuple[Any, Any]]) -> None:
    shop.add(*map(order, range(20)))
    first = shop.read()
    assert asked == [(None, 19), (19, None)]
    asked.clear()
    assert shop.read() == first
    assert asked == [(19, None)]
    shop.add(*map(order, range(20, 25)))
    asked.clear()
    made = shop.read()
    assert asked == [(19, 24), (24, None)]
    assert made == shop.read_all() == shop.read(full=True)
    assert len(made["arrays"][1][1]) == 4 * 25


def test_ties_at_the_boundary_that_come_later_are_there_once(shop: Shop) -> None:
    shop.add(*(order(n, second=n // 4) for n in range(10)))
    for n in range(10, 18):
        shop.add(order(n, second=n // 4))
        made = shop.read(since_column="written")
        assert made == shop.read_all(since_column="written")
        assert len(made["arrays"][1][1]) == 4 * (n + 1)


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM orders WHERE n = 3", "INSERT INTO orders VALUES (9, 'i1', 1.0, 2, '2024-01-01')", "UPDATE orders SET n = -5 WHERE n = 3"],
)
def test_what_changes_below_it_is_noticed_by_counts_and_ends(shop: Shop, statement: str, caplog: pytest.LogCaptureFixture) -> None:
    shop.add(*map(order, range(20)))
    shop.read()
    shop.run(statement)
    with caplog.at_level(logging.INFO):
        assert shop.read() == shop.read_all()
    assert "something changed below the greatest n so far" in caplog.text


def test_what_is_rewritten_in_place_is_seen_by_full_alone(shop: Shop) -> None:
    shop.add(*map(order, range(20)))
    first = shop.read()
    shop.run("UPDATE orders SET rating = 5 WHERE n = 3")
    assert shop.read() == first
    assert shop.read(full=True) == shop.read_all() == shop.read() != first


def test_rows_without_a_value_are_read_every_time(shop: Shop) -> None:
    shop.add(*map(order, range(10)), (8, "i1", 1.0, None, None))
    shop.read()
    shop.add((9, "i1", 1.0, None, None), order(10))
    made = shop.read()
    assert made == shop.read_all()
    assert set(made["ids"][0]) == {1, 2, 3, 4, 5, 6, 7, 8, 9}


def test_the_newest_rows_may_go_and_all_of_them(shop: Shop) -> None:
    shop.add(*map(order, range(10)))
    shop.read()
    shop.run("DELETE FROM orders WHERE n > 8")
    assert shop.read() == shop.read_all()
    shop.add(*map(order, range(9, 12)))
    assert shop.read() == shop.read_all()
    shop.run("DELETE FROM orders")
    assert shop.read() == shop.read_all()


def test_broken_rows_keep_their_number(shop: Shop) -> None:
    for begin in (0, 10, 20):
        shop.add(*map(order, range(begin, begin + 10)), (None, "i1", 1.0, begin + 3, None), (3, "", 1.0, begin + 5, None))
        made, every = shop.read(max_broken_rows=1.0), shop.read_all(max_broken_rows=1.0)
        for found in (made, every):  # rows are looked at in batches, users of a batch before its items
            found["examples"] = {reason: sorted(map(str, some)) for reason, some in found["examples"].items()}
        assert made == every
    assert made["dropped"] == {"missing value": 6}


def test_an_erased_user_s_slices_are_read_again_without(shop: Shop, asked: list[tuple[Any, Any]]) -> None:
    for begin, user in ((0, 17), (10, 4711), (20, 18)):
        shop.add(*(order(n, user=user) for n in range(begin, begin + 10)))
        shop.read()
    assert forget(shop.home / READ_FOLDER, 4711) == 2  # from 9 on, and from 19 on
    asked.clear()
    made = shop.read(by("4711"))
    assert asked == [(9, 29), (29, None)]
    assert made == shop.read_all(by("4711"))
    assert made["dropped"] == {"erased user": 10}
    asked.clear()
    shop.add(*map(order, range(30, 33)))
    shop.read(by("4711"))
    assert asked == [(29, 32), (32, None)]


def test_one_that_is_damaged_is_read_again(shop: Shop, asked: list[tuple[Any, Any]]) -> None:
    for begin in (0, 10, 20):
        shop.add(*map(order, range(begin, begin + 10)))
        shop.read()
    for folder in shop.kept:
        if '"number": 1' in (folder / ENTRY).read_text():
            (folder / ENTRY).write_text("1\n{")
    asked.clear()
    assert shop.read() == shop.read_all()
    assert asked[:2] == [(9, 19), (29, None)]


def test_many_pieces_become_one(shop: Shop, asked: list[tuple[Any, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.sources.identity.MOST", 3)
    for n in range(5):
        shop.add(order(n), order(n))
        shop.read()
    assert asked[-2:] == [(None, 4), (4, None)]
    assert len(shop.kept) == 1


def in_slices(shop: Shop) -> None:
    """Read as the table grows: three slices are kept."""
    for begin in (0, 10, 20):
        shop.add(*map(order, range(begin, begin + 10)))
        shop.read()


@pytest.mark.parametrize("given", [{"full": True}, {}])
@pytest.mark.parametrize("how", ["killed", "refused"])
def test_a_run_that_ends_early_leaves_no_rows_that_are_kept_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], how: str
) -> None:
    in_slices(shop)
    if not given:
        shop.run("DELETE FROM orders WHERE n = 3")  # the slices are rejected
    with monkeypatch.context() as patched:
        ends = KeyboardInterrupt if how == "killed" else DataError("too many broken rows")
        patched.setattr(Memory, "close", Mock(side_effect=ends))
        if how == "killed":
            with pytest.raises(KeyboardInterrupt):
                shop.read(**given)
        else:
            assert shop.read(**given) == "too many broken rows"
    assert len(shop.kept) == 1
    assert shop.read() == shop.read_all()


@pytest.mark.parametrize("others", [1, 2])
def test_slices_that_share_rows_are_all_read_anew(shop: Shop, asked: list[tuple[Any, Any]], tmp_path: Path, others: int) -> None:
    in_slices(shop)
    apart = shop.kept
    (folder,) = {one.parent for one in apart}
    shutil.copytree(folder, tmp_path / "as it was")
    shop.read(full=True)
    for one in [one for one in apart if one not in shop.kept][:others]:
        shutil.copytree(tmp_path / "as it was" / one.name, one)
    assert len(shop.kept) == 1 + others
    asked.clear()
    assert shop.read() == shop.read_all()
    assert asked[0] == (None, 29)
    assert len(shop.kept) == 1


def test_where_what_is_rejected_can_t_be_removed_nothing_is_kept_beside_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    in_slices(shop)
    apart = shop.kept
    with monkeypatch.context() as patched:
        patched.setattr("trainer.sources.remembered.entries.remove", Mock(side_effect=PermissionError("not yours")))
        assert shop.read(full=True) == shop.read_all()
    assert shop.kept == apart
    assert "can't be kept for the next run: not yours" in caplog.text
    assert shop.read() == shop.read_all()


def test_no_value_of_a_column_is_logged(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("ann@example.org", "bob@example.org", "cy@example.org"):
        shop.add(*(order(n, item=name) for n in range(5)))
        shop.read(since_column="item_id")
    with caplog.at_level(logging.INFO):
        shop.read(since_column="item_id", negative="drop")
    assert "slice 1, which is read in another way" in caplog.text
    assert "@" not in caplog.text


def test_two_tables_of_a_database_are_kept_apart(shop: Shop, asked: list[tuple[Any, Any]]) -> None:
    shop.add(*map(order, range(10)))
    shop.run("CREATE TABLE others AS SELECT * FROM orders WHERE n < 5")
    for _ in range(2):
        shop.read()
        shop.read(sql_table="others")
    assert asked[-2:] == [(9, None), (4, None)]


def test_a_value_changes_by_the_time_it_is_read(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.add(*map(order, range(10)))
    extent: Callable[..., Any] = database.SqlTable.extent

    def before(self: database.SqlTable, low: Any, high: Any) -> Any:
        found = extent(self, low, high)
        if high is not None:
            shop.add(order(4))
        return found

    with monkeypatch.context() as patched:
        patched.setattr(database.SqlTable, "extent", before)
        outcome(shop.settings(), shop.home, by())
    assert shop.kept == []
    assert shop.read() == shop.read_all()


def test_columns_that_can_t_be_it(shop: Shop) -> None:
    shop.add(*map(order, range(10)))
    assert "orders has no column 'nn' (--since-column)" in shop.read(since_column="nn")
    with pytest.raises(ValueError, match="since_column needs sql_table"):
        Settings(since_column="n", sql_query="SELECT 1")


@pytest.mark.parametrize("value", [3, -1.5, "x", None])
def test_bounds_are_what_they_were(value: Any) -> None:
    assert since.value_of(since.bound_of(value, None)) == value  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (2, 3))])
def test_any_history_gives_what_reading_all_gives(shop: Shop, seed: int) -> None:
    random_ = random.Random(seed)
    erased: tuple[str, ...] = ()
    top = 0
    for _ in range(5):
        rows = []
        for _ in range(random_.randint(0, 12)):
            top += random_.choice([0, 0, 1, 2])
            late = random_.choice([max(0, top - 5), 5000]) if random_.random() < 0.1 else top
            rows.append(order(late, item=random_.choice("abc")))
        if random_.random() < 0.3:
            shop.run(f"DELETE FROM orders WHERE n = {random_.randint(0, top + 1)}")
        elif rows:
            shop.add(*rows)
        assert shop.read(by(*erased)) == shop.read_all(by(*erased))
        if random_.random() < 0.3:
            erased = (*erased, str(random_.randint(1, 7)))
