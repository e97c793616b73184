"""Incremental reading gives what reading all gives, night after night, and reads only what is new."""

from __future__ import annotations

import logging
import os
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import contract
import trainer
from contract.artifacts.artifact import READ_FOLDER
from contract.errors import DataError
from contract.settings.settings import SourceSettings
from tests.support.reading import settings
from trainer.kept.entries import ENTRY, read_entry
from trainer.kept.forgetting import forget
from trainer.sources import load as sources
from trainer.sources import state
from trainer.sources.erased_rows import ErasedRows
from trainer.sources.values import convert

HEADER = "userID,itemID,rating,timestamp\n"


def by(*users: str) -> ErasedRows:
    """The list of the erased, as Redis has it."""
    return ErasedRows("shop", len(users), lambda ids: [at for at, one in enumerate(ids) if str(one) in users])


def outcome(source: SourceSettings, home: Path, left_out: ErasedRows | None) -> Any:
    """All that a run has of a source, or the words of its refusal."""
    try:
        loaded = sources.load(source, home / ".datasets", left_out)
    except DataError as error:
        return str(error)
    made, problems = loaded.interactions, loaded.problems
    arrays = (made.bucket_ends, made.user_idx, made.item_idx, made.weight, made.time)
    return {
        "arrays": [None if array is None else (array.dtype.str, array.tobytes()) for array in arrays],
        "ids": (list(made.user_ids), list(made.item_ids)),
        "dropped": dict(made.dropped),
        "reading": dict(made.reading),
        "disliked": made.disliked and [getattr(made.disliked, name).tobytes() for name in ("user", "item")],
        "examples": problems.examples,
        "broken": dict(problems.broken),
        "doubts": loaded.doubts,
    }


class Shop:
    """A folder of days, and where what was read of it is kept."""

    def __init__(self, root: Path) -> None:
        self.days, self.home = root / "days", root / "artifacts"
        self.days.mkdir()
        self.home.mkdir()

    def day(self, name: str, *rows: str, header: str = HEADER) -> Path:
        path = self.days / f"{name}.csv"
        path.write_text(header + "".join(f"{row}\n" for row in rows))
        return path

    def read(self, left_out: ErasedRows | None = None, **given: Any) -> Any:
        return outcome(settings(self.days, incremental=True, **given), self.home, left_out or by())

    def read_all(self, left_out: ErasedRows | None = None, **given: Any) -> Any:
        """By another home, that is: with nothing kept."""
        fresh = self.home.with_name("fresh")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        return outcome(settings(self.days, incremental=bool(left_out), **given), fresh, left_out)

    @property
    def kept(self) -> list[Path]:
        return sorted(path.parent for path in (self.home / READ_FOLDER).glob(f"*/*/{ENTRY}"))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files whose rows are converted, that is: read."""
    read: list[str] = []
    convert_rows = convert.Converter.convert

    def noted(self: convert.Converter, batch: Any, where: str) -> pl.DataFrame:
        read.append(Path(where).stem)
        return convert_rows(self, batch, where)

    monkeypatch.setattr(convert.Converter, "convert", noted)
    return read


ROWS = ("1,10,4,1700000000", "2,11,5,1700000001", "2,10,3,1700000002")
MORE = ("3,10,4,1700090000", "1,12,2,1700090001")


def test_only_a_new_file_is_read(shop: Shop, converted: list[str]) -> None:
    shop.day("1", *ROWS)
    shop.day("2", *MORE)
    shop.read()
    shop.day("3", "4,10,1,1700100000")
    converted.clear()
    assert shop.read()["ids"][0] is not None
    assert converted == ["3"]
    assert shop.read() == shop.read_all()


def test_a_changed_file_is_read_anew_and_named(shop: Shop, converted: list[str], caplog: pytest.LogCaptureFixture) -> None:
    shop.day("1", *ROWS)
    path = shop.day("2", *MORE)
    shop.read()
    before = path.stat()
    shop.day("2", *(row.replace("12", "13") for row in MORE))  # of the same size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    converted.clear()
    with caplog.at_level(logging.INFO):
        assert shop.read() == shop.read_all()
    assert converted[0] == "2"
    assert "2.csv, which has changed" in caplog.text


def test_a_vanished_file_takes_its_rows_and_what_is_kept_of_it(shop: Shop) -> None:
    shop.day("1", *ROWS)
    shop.day("2", *MORE).with_name("2.csv")
    shop.read()
    assert len(shop.kept) == 2
    (shop.days / "2.csv").unlink()
    assert shop.read() == shop.read_all()
    assert len(shop.kept) == 1


def test_one_odd_id_of_a_new_day_makes_texts_of_all(shop: Shop, converted: list[str]) -> None:
    shop.day("0", *ROWS)
    shop.day("1", *ROWS)
    shop.read()
    shop.day("2", "x7,10,4,1700090000")
    converted.clear()
    made = shop.read()
    assert converted == ["2"]
    assert set(made["ids"][0]) == {"1", "2", "x7"}
    assert made == shop.read_all()


def test_a_days_unit_of_times_is_its_own(shop: Shop) -> None:
    shop.day("1", *ROWS)
    shop.day("2", *(row + "000" for row in MORE))
    shop.day("3", "5,10,4,1700190000")
    first = shop.read()
    assert first == shop.read() == shop.read_all()
    shop.day("1", *(row + "000" for row in ROWS))
    assert shop.read() == shop.read_all()


@pytest.mark.parametrize("given", [{"weight_column": ""}, {"time_column": ""}, {"negative": "drop"}, {"missing": "10"}])
def test_another_setting_reads_anew(shop: Shop, given: dict[str, Any]) -> None:
    shop.day("1", *ROWS, "9,10,0,1700000000")
    shop.read()
    assert shop.read(**given) == shop.read_all(**given)


def test_settings_that_change_no_row_do_not(shop: Shop, converted: list[str]) -> None:
    shop.day("1", *ROWS, *ROWS)
    shop.read()
    converted.clear()
    made = shop.read(duplicates="last", min_user_interactions=2)
    assert converted == []
    assert made == shop.read_all(duplicates="last", min_user_interactions=2)


def test_full_reads_all_and_keeps_it(shop: Shop, converted: list[str]) -> None:
    shop.day("1", *ROWS)
    shop.read()
    converted.clear()
    shop.read(full=True)
    assert converted == ["1"]
    shop.read()
    assert converted == ["1"]


def test_without_the_setting_nothing_is_kept(shop: Shop) -> None:
    shop.day("1", *ROWS)
    outcome(settings(shop.days), shop.home, by())
    outcome(settings(shop.days, incremental=True), shop.home, None)  # check and plan, which know nobody who is erased
    assert not (shop.home / READ_FOLDER).exists()


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "no json"])
def test_what_is_damaged_is_read_anew(shop: Shop, converted: list[str], damage: str) -> None:
    shop.day("1", *ROWS)
    shop.read()
    rows, entry = shop.kept[0] / "0.rows", shop.kept[0] / ENTRY
    if damage == "cut":
        rows.write_bytes(rows.read_bytes()[:-7])
    elif damage == "flipped":
        data = bytearray(rows.read_bytes())
        data[len(data) // 2] ^= 1
        rows.write_bytes(data)
    elif damage == "gone":
        rows.unlink()
    else:
        entry.write_text("1\n{")
    converted.clear()
    assert shop.read() == shop.read_all()
    assert converted[0] == "1"


def test_where_nothing_can_be_kept_a_run_goes_on(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.day("1", *ROWS)
    shop.day("2", *MORE)
    (shop.home / READ_FOLDER).write_text("in the way")
    assert shop.read() == shop.read_all()
    assert caplog.text.count("can't be kept for the next run") == 1


def test_rows_ahead_of_the_clock_are_not_kept(shop: Shop) -> None:
    shop.day("1", *ROWS, "7,10,4,4000000000")
    assert shop.read() == shop.read_all()
    assert shop.kept == []


def test_a_file_that_changes_while_it_is_read_is_not_kept(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.day("1", *ROWS)
    path = shop.day("2", *MORE)
    convert_rows = convert.Converter.convert

    def meanwhile(self: convert.Converter, batch: Any, where: str) -> pl.DataFrame:
        with path.open("a") as file:
            file.write("8,10,4,1700090000\n")
        return convert_rows(self, batch, where)

    with monkeypatch.context() as patched:
        patched.setattr(convert.Converter, "convert", meanwhile)
        shop.read()
    assert len(shop.kept) == 1
    assert shop.read() == shop.read_all()


def test_an_erased_user_is_in_nothing_that_is_kept(shop: Shop, converted: list[str]) -> None:
    shop.day("1", *ROWS)
    shop.day("2", *MORE)
    shop.read()
    converted.clear()
    made = shop.read(by("2"))  # erased where this disk was not at hand
    assert converted == ["1"]
    assert made["dropped"] == {"erased user": 2}
    assert made["ids"][0] == [1, 3]
    assert all("2" not in users for folder in shop.kept for users in [_users(folder)])
    converted.clear()
    assert shop.read(by("2")) == made == shop.read_all(by("2"))
    assert converted == ["1", "2"]  # of the latter alone


def test_an_erased_user_in_another_spelling_keeps_the_file_out(shop: Shop) -> None:
    shop.day("1", "17385.0,10,4,1700000000", "18.0,11,4,1700000000")
    shop.day("2", *MORE)
    assert 17385 in shop.read()["ids"][0]
    assert len(shop.kept) == 2
    shop.read(by("17385"))
    assert [_users(folder) for folder in shop.kept] == [{"1", "3"}]


def test_an_erased_user_is_in_no_note_that_is_kept(shop: Shop) -> None:
    pl.DataFrame({"userID": [17385.0, 18.0], "itemID": [1, 2], "rating": [1, 2]}).write_parquet(shop.days / "1.parquet")
    shop.read()
    assert "17385" in (shop.kept[0] / ENTRY).read_text()
    assert forget(shop.home / READ_FOLDER, 17385) == 1
    shop.read(by("17385"))
    assert shop.kept == []


def test_who_comes_back_from_the_list_is_read_again(shop: Shop) -> None:
    shop.day("1", *ROWS)
    shop.read(by("2"))
    assert shop.read(by()) == shop.read_all(by())


def test_a_list_of_the_erased_that_has_gone_back_is_another_one(shop: Shop, converted: list[str]) -> None:
    """A backup was restored: the revisions that follow may be of others."""
    shop.day("1", *ROWS)
    shop.read(ErasedRows("shop", 5))  # five others are erased
    converted.clear()
    shop.read(by("7", "8", "9"))
    assert converted == ["1"]
    made = shop.read(ErasedRows("shop", 5, by("2").positions))
    assert made["dropped"] == {"erased user": 2}
    assert all("2" not in _users(folder) for folder in shop.kept)


@pytest.mark.parametrize("erased", ["2", "9"])
def test_who_is_erased_while_a_run_reads_is_in_nothing_that_it_keeps(shop: Shop, erased: str) -> None:
    shop.day("1", *ROWS)
    shop.day("2", *MORE)
    shop.read(ErasedRows("shop", 0, by(erased).positions, lambda: 1))
    assert all(erased not in _users(folder) for folder in shop.kept)
    assert len(shop.kept) == 2 - (erased == "2")


def test_an_id_of_several_words_is_found_in_what_was_said(shop: Shop) -> None:
    rows = [f"{user},10,4,1700000000" for user in range(1, 99)]
    for day, odd in (("1", "Anna Maria Smith"), ("2", "x7")):
        shop.day(day, *rows, f"{odd},11,4,yesterday", f"9,{odd},4,1700000000")
    shop.read(max_broken_rows=1.0)
    shop.read(by("Anna Maria Smith"), max_broken_rows=1.0)
    assert all("Smith" not in (folder / ENTRY).read_text() for folder in shop.kept)
    assert len(shop.kept) == 1


def test_what_was_cut_short_may_name_anybody(shop: Shop) -> None:
    shop.day("1", *ROWS, f"9,10,{'x' * 100},1700000000")
    shop.day("2", *MORE)
    shop.read(max_broken_rows=1.0)
    assert len(shop.kept) == 2
    assert forget(shop.home / READ_FOLDER, "x" * 100) == 1
    shop.read(max_broken_rows=1.0)
    shop.read(by("17"), max_broken_rows=1.0)
    assert len(shop.kept) == 1


def test_names_of_files_may_be_any_bytes(shop: Shop, converted: list[str]) -> None:
    odd = os.fsdecode(b"\xe9t\xe9")
    shop.day(odd, *ROWS)
    shop.day("2", *MORE)
    first = shop.read()
    converted.clear()
    assert shop.read() == first
    assert converted == []


def test_what_an_encoding_leaves_in_doubt_is_asked_again_of_what_is_kept(shop: Shop, converted: list[str]) -> None:
    rows = "".join(f"Иван{'абвгд'[n % 5]},{n % 7},4,{1_700_000_000 + n}\n" for n in range(100))
    (shop.days / "1.csv").write_bytes((HEADER + rows).encode("cp1251"))
    first = shop.read()
    assert any("not UTF-8" in doubt.what for doubt in first["doubts"])
    converted.clear()
    assert shop.read() == first
    assert converted == []


def test_what_reads_is_what_larder_s_code_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(contract.__file__).parents[1]
    for room in ("contract", "trainer"):
        shutil.copytree(root / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(trainer, "__file__", str(tmp_path / "trainer" / "__init__.py"))
    seen = []
    for module in ("trainer/sources/load.py", "contract/text.py", "contract/settings/source.py", "trainer/export/sql.py"):
        state._code.cache_clear()
        seen.append(state._code())
        with (tmp_path / module).open("a") as file:
            file.write("# changed\n")
    state._code.cache_clear()
    assert len({*seen, state._code()}) == 4  # exports read nothing


def _users(folder: Path) -> set[str]:
    entry = read_entry(folder)
    assert entry is not None
    return {user for users in entry.users() for user in users}


def _random_rows(random_: random.Random, odd: float) -> Iterator[str]:
    for _ in range(random_.randint(1, 30)):
        user = f"u{random_.randint(1, 5)}" if random_.random() < odd else f"{random_.choice(['', '', ' '])}{random_.randint(1, 40)}"
        item = f"{random_.randint(1, 20)}{'.0' if random_.random() < 0.05 else ''}"
        weight = random_.choice(["4", "5", "0", "-1", "", "x", "3.5"])
        yield f"{user},{item},{weight},{random_.choice(['', '0', '1700000000', '1700000000000', '1699999999'])}"


def _grow(random_: random.Random, shop: Shop, night: int) -> None:
    """A night: a new day, and perhaps one that changes, vanishes, shrinks, is empty, or has other columns."""
    names = sorted(path.stem for path in shop.days.iterdir())
    odd = random_.choice([0, 0, 0.01, 0.5])
    header = random_.choice([HEADER, HEADER, HEADER, "userID,itemID,rating,timestamp,more\n"])
    rows = [row + ",z" if "more" in header else row for row in _random_rows(random_, odd)]
    shop.day(f"{random_.randint(0, 99):02}-{night}", *rows, header=header)
    for name in names:
        path, what = shop.days / f"{name}.csv", random_.random()
        if what < 0.1 and len(names) > 2:
            path.unlink()
        elif what < 0.2:
            with path.open("a") as file:
                file.writelines(f"{row}\n" for row in _random_rows(random_, odd))
        elif what < 0.25:
            path.write_text(HEADER)
        elif what < 0.3:
            path.write_text("")


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(4, 8))])
def test_any_history_gives_what_reading_all_gives(shop: Shop, seed: int) -> None:
    random_ = random.Random(seed)
    erased: Sequence[str] = ()
    for night in range(5):
        _grow(random_, shop, night)
        given = {"max_broken_rows": 1.0, "negative": random_.choice(["seen", "seen", "drop"])}
        left_out = by(*erased)
        assert shop.read(left_out, **given) == shop.read_all(left_out, **given)
        if not erased:
            assert shop.read(left_out, **given) == shop.read_all(None, **given)  # as by a run that keeps nothing
        if random_.random() < 0.2:
            erased = (*erased, str(random_.randint(1, 40)))
