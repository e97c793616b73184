"""A text file that grows is read on from where it was, and gives what reading all gives, byte for byte."""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract.artifacts.artifact import READ_FOLDER
from contract.settings.settings import SourceSettings
from tests.support.reading import settings
from tests.unit.trainer.sources.test_remembered import by, outcome
from trainer.kept import entries
from trainer.kept.entries import ENTRY
from trainer.kept.forgetting import forget
from trainer.sources import pieces
from trainer.sources.erased_rows import ErasedRows
from trainer.sources.text import files
from trainer.sources.values import convert

HEADER = "userID,itemID,rating,timestamp\n"
CHUNK = 512


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK_BYTES", CHUNK)
    monkeypatch.setattr(files, "HEAD_BYTES", 256)


@pytest.fixture
def first_rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The first line of each batch that is converted, that is: read."""
    found: list[int] = []
    convert_rows = convert.Converter.convert

    def noted(self: convert.Converter, batch: Any, where: str) -> Any:
        found.extend(batch.places([0]) if batch.frame.height else [])
        return convert_rows(self, batch, where)

    monkeypatch.setattr(convert.Converter, "convert", noted)
    return found


class Log:
    """One file that grows, and where what was read of it is kept."""

    def __init__(self, root: Path, name: str = "log.csv") -> None:
        self.path, self.home = root / name, root / "artifacts"
        self.home.mkdir(exist_ok=True)

    def add(self, text: str | bytes) -> None:
        with self.path.open("ab") as file:
            file.write(text if isinstance(text, bytes) else text.encode())

    def read(self, left_out: ErasedRows | None = None, **given: Any) -> str:
        return self._read(settings(self.path, incremental=True, **given), self.home, left_out or by())

    def read_all(self, left_out: ErasedRows | None = None, **given: Any) -> str:
        fresh = self.home.with_name("fresh")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        return self._read(settings(self.path, incremental=bool(left_out), **given), fresh, left_out)

    def _read(self, source: SourceSettings, home: Path, left_out: ErasedRows | None) -> str:
        """In the order in which it comes, too: what a manifest says is compared as text."""
        return json.dumps(outcome(source, home, left_out), default=repr)

    @property
    def kept(self) -> list[Path]:
        return sorted(path.parent for path in (self.home / READ_FOLDER).glob(f"*/*/{ENTRY}"))


@pytest.fixture
def log(tmp_path: Path) -> Log:
    made = Log(tmp_path)
    made.add(HEADER + rows(0, 100))
    return made


def rows(begin: int, end: int) -> str:
    return "".join(f"{at % 17},{at % 13},{at % 5 + 1},{1_700_000_000 + at}\n" for at in range(begin, end))


def test_only_what_was_appended_is_read(log: Log, first_rows: list[int], caplog: pytest.LogCaptureFixture) -> None:
    log.read()
    n_lines = log.path.read_bytes()[: log.path.stat().st_size // CHUNK * CHUNK].count(b"\n")
    log.add(rows(100, 103))
    first_rows.clear()
    with caplog.at_level(logging.INFO):
        made = log.read()
    assert first_rows[0] == n_lines + 1
    assert f"from line {n_lines + 1} on" in caplog.text
    assert made == log.read_all()


def test_a_file_as_it_was_is_not_read(log: Log, first_rows: list[int]) -> None:
    made = log.read()
    first_rows.clear()
    assert log.read() == made
    assert first_rows == []


def test_a_small_file_and_a_packed_one_are_read_whole(tmp_path: Path, log: Log) -> None:
    small = Log(tmp_path, "small.csv")
    small.add(HEADER + rows(0, 4))
    small.read()
    assert len(small.kept) == 1
    log.read()
    assert len(log.kept) == 3


def rewrite(log: Log, change: Callable[[bytes], bytes]) -> None:
    """Another text of the same size, with the time that the file had."""
    before, data = log.path.stat(), log.path.read_bytes()
    changed = change(data)
    log.path.write_bytes(changed)
    os.utime(log.path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("at", [40, 300, 700, CHUNK, CHUNK + 1, -1100, -700, -30])
@pytest.mark.parametrize("more", ["", rows(100, 130)])
def test_one_changed_byte_is_found_wherever_it_is(log: Log, at: int, more: str) -> None:
    log.read()
    digits = [place for place, byte in enumerate(log.path.read_bytes()) if chr(byte) in "123"]
    place = min(digits, key=lambda one: abs(one - at % log.path.stat().st_size))
    rewrite(log, lambda data: data[:place] + bytes([data[place] + 1]) + data[place + 1 :])
    log.add(more)
    assert log.read() == log.read_all()


@pytest.mark.parametrize("change", ["cut", "replaced", "swapped", "shorter than kept"])
@pytest.mark.parametrize("more", ["", rows(7, 60)])
def test_a_file_that_is_another_one_is_read_anew(log: Log, change: str, more: str) -> None:
    log.read()
    data = log.path.read_bytes()
    size = len(data)
    lines = data.splitlines(keepends=True)
    other = (HEADER + rows(200, 400)).encode()[:size]
    log.path.unlink()
    log.add(
        {
            "cut": data[: size - 70],
            "replaced": other,
            "swapped": b"".join([lines[0], lines[2], lines[1], *lines[3:]]),
            "shorter than kept": data[:300],
        }[change]
    )
    log.add(more)
    assert log.read() == log.read_all()
    assert log.read() == log.read_all()


@pytest.mark.parametrize(
    "more",
    [
        "x7,10,4,1700000000\n" + rows(0, 3),  # one odd id
        "1,10,4,2023-11-14T22:13:20Z\n" + rows(0, 3),  # a time in another format
        "1,10,4,1700000000000\n",
        '"1\n2",10,4,1700000000\n' + rows(0, 3),
        "1,10,4,17000",
        "1,10,4,1700000000\r\n2,11,4,1700000000\r\n",
        '1,"10,4,1700000000\n' + rows(0, 40),  # a mark that is never closed
        b"1,d\xc3\xa9j\xc3\xa0,4,1700000000\n",
        b"1,d\xe9j\xe0,4,1700000000\n",
        b"1,d\xc3",
        "1,10,4,4000000000\n",  # ahead of the clock
        "userID,itemID,rating,timestamp\n" + rows(0, 30),
    ],
)
def test_what_a_tail_decides_is_decided_of_all(log: Log, more: str | bytes) -> None:
    log.read(max_broken_rows=1.0)
    log.add(more)
    assert log.read(max_broken_rows=1.0) == log.read_all(max_broken_rows=1.0)
    log.add("\n5,5,5,1700000001\n" + rows(50, 90))
    assert log.read(max_broken_rows=1.0) == log.read_all(max_broken_rows=1.0)


def test_reasons_keep_their_order_without_a_column_of_weights(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.add("userID,itemID\n1,2,3,4,5\n,7\n" + "1,10\n2,11\n" * 200)
    made = log.read()
    assert list(json.loads(made)["dropped"]) == ["more fields than columns", "missing value"]
    assert log.read() == made == log.read_all()


def test_an_end_that_is_open_is_read_again(tmp_path: Path) -> None:
    """A record in quotation marks lies over the end of a chunk; what is kept ends before it."""
    log = Log(tmp_path)
    text = "a\n" * 40
    log.add(HEADER + rows(0, 20) + f'"{text}",7,1,1700000000\n' + rows(20, 60))
    made = log.read(user_id_type="text")
    assert text.strip() in made.encode().decode("unicode_escape")
    log.add(rows(60, 80))
    assert log.read(user_id_type="text") == log.read_all(user_id_type="text")


def test_an_erased_user_is_in_no_piece(log: Log, first_rows: list[int]) -> None:
    log.add("777,1,1,1700000000\n" + rows(100, 200))
    log.read()
    n = len(log.kept)
    assert forget(log.home / READ_FOLDER, 777) == 1
    assert len(log.kept) == n - 1
    first_rows.clear()
    made = log.read(by("777"))
    assert first_rows[0] == 2  # behind the names
    assert made == log.read_all(by("777"))
    log.add(rows(200, 300))
    assert log.read(by("777")) == log.read_all(by("777"))


def test_many_pieces_become_one(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "MOST", 3)
    for night in range(5):
        log.read()
        log.add(rows(night * 100, night * 100 + 60))
        assert len(log.kept) <= 4
    assert log.read() == log.read_all()


def test_a_damaged_piece_is_read_anew(log: Log) -> None:
    log.read()
    log.add(rows(100, 200))
    log.read()
    for folder in log.kept:
        rows_of = next(folder.glob("0.*"))
        data = bytearray(rows_of.read_bytes())
        data[-1 - len(data) // 3] ^= 4
        rows_of.write_bytes(data)
        assert log.read() == log.read_all()


def test_the_last_day_of_a_folder_grows(tmp_path: Path, first_rows: list[int]) -> None:
    log = Log(tmp_path, "days")
    log.path.mkdir()
    for day in "12":
        (log.path / f"{day}.csv").write_text(HEADER + rows(0, 100))
    log.read()
    with (log.path / "2.csv").open("a") as file:
        file.write(rows(100, 110))
    first_rows.clear()
    assert log.read() == log.read_all()
    assert first_rows[0] > 50


def test_a_file_that_grows_while_it_is_read_keeps_what_was_read(log: Log, monkeypatch: pytest.MonkeyPatch, first_rows: list[int]) -> None:
    convert_rows = convert.Converter.convert

    def meanwhile(self: convert.Converter, batch: Any, where: str) -> Any:
        log.add("8,10,4,1700090000\n")
        return convert_rows(self, batch, where)

    with monkeypatch.context() as patched:
        patched.setattr(convert.Converter, "convert", meanwhile)
        log.read()
    assert len(log.kept) == 1
    first_rows.clear()
    assert log.read() == log.read_all()
    assert first_rows[0] > 1


@pytest.mark.parametrize("n_more", [5, 100])
def test_another_run_keeps_more_meanwhile(log: Log, monkeypatch: pytest.MonkeyPatch, n_more: int) -> None:
    """One that began earlier, after this run has looked at where pieces end, and before it uses them."""
    log.read()
    held = pieces._held

    def meanwhile(where: str, folder: Path, why: list[str]) -> Any:
        found = held(where, folder, why)
        monkeypatch.setattr(pieces, "_held", held)
        log.add(rows(100, 100 + n_more))
        log.read()
        for entry in filter(None, map(entries.read_entry, log.kept)):
            entries.write_said(entry.folder, {**entry.said, "now": entry.said["now"] - 60}, entry.files)
        return found

    monkeypatch.setattr(pieces, "_held", meanwhile)
    assert log.read() == log.read_all()


def _row(random_: random.Random, json_lines: bool) -> str:
    user = random_.choice([*map(str, range(1, 40)), "u1", " 7", "5.0"]) if random_.random() < 0.1 else str(random_.randint(1, 40))
    item = random_.choice(["1", "2\n3", 'a "b"', "é", "7"]) if random_.random() < 0.1 else str(random_.randint(1, 20))
    weight, time = random_.choice(["4", "5", "0", "-1", "", "x"]), random_.choice(["", "1700000000", "1699999999", "1700000000000", "soon"])
    if json_lines:
        return json.dumps({"userID": user, "itemID": item, "rating": weight, "timestamp": time}, ensure_ascii=random_.random() < 0.5)
    if any(mark in item for mark in '\n"'):
        item = '"' + item.replace('"', '""') + '"'
    return f"{user},{item},{weight},{time}"


def _night(random_: random.Random, log: Log, *, json_lines: bool) -> None:
    """Rows are appended; then, perhaps, a byte changes, the end is lost, or all is replaced by something of the same length."""
    end = random_.choice(["\n", "\n", "\n", "\r\n"])
    text = "".join(_row(random_, json_lines) + end for _ in range(random_.randint(0, 60)))
    what = random_.random()
    if what < 0.3:
        text = text[: random_.randint(0, len(text))]  # broken off
    elif what < 0.35:
        text += '1,"never closed,3,1700000000\n'
    elif what < 0.4:
        log.add(b"1,\xe9,3,1700000000\n")
    log.add(text)
    data, what = log.path.read_bytes(), random_.random()
    if what < 0.1 and data:
        at = random_.randrange(len(data))
        rewrite(log, lambda data: data[:at] + random_.choice(b"1234567890").to_bytes() + data[at + 1 :])
    elif what < 0.15:
        log.path.write_bytes(data[: random_.randint(len(data) // 2, len(data))])
    elif what < 0.2:
        rewrite(log, lambda data: (data[:256] + "".join(_row(random_, json_lines) + end for _ in range(len(data))).encode())[: len(data)])


@pytest.mark.parametrize("json_lines", [False, True])
@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 6))])
def test_any_history_gives_what_reading_all_gives(tmp_path: Path, seed: int, json_lines: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    random_ = random.Random(f"{seed} {json_lines}")
    monkeypatch.setattr(files, "CHUNK_BYTES", CHUNK * (1 + seed % 3))
    log = Log(tmp_path, "log.jsonl" if json_lines else "log.csv")
    if not json_lines:
        log.add(HEADER)
    log.add("".join(_row(random_, json_lines) + "\n" for _ in range(20)))
    erased: tuple[str, ...] = ()
    for _ in range(6):
        _night(random_, log, json_lines=json_lines)
        given: dict[str, Any] = {"max_broken_rows": 1.0, "negative": random_.choice(["seen", "seen", "seen", "drop"])}
        assert log.read(by(*erased), **given) == log.read_all(by(*erased), **given)
        if not erased:
            assert log.read(**given) == log.read_all(None, **given)  # as by a run that keeps nothing
        if random_.random() < 0.1:
            erased = (*erased, str(random_.randint(1, 40)))
