"""Files of events: what counts, what was merged, what is read, and what an erasure takes out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from contract.errors import DataError
from contract.formats.events import Event
from contract.settings.settings import SourceSettings
from trainer.events import tidying
from trainer.events.files import all_files, last_id, read_all, write_entries
from trainer.sources import events
from trainer.sources.load import load
from trainer.sources.values.convert import UNKNOWN_EVENT

DAY_MS = 86_400_000
FIRST = 20_000 * DAY_MS  # 2024-10-04


def entries(start: int, n: int, day: int = 0) -> list[tuple[str, Event]]:
    return [
        (f"{FIRST + day * DAY_MS + at}-0", Event(f"{day}.{at}", at % 5, f"i{at % 3}", "buy", at, None)) for at in range(start, start + n)
    ]


def names(folder: Path) -> list[str]:
    return [event for frame in read_all(folder, ["event_id"]) for event in frame["event_id"].to_list()]


def test_they_are_read_as_they_came_and_the_newest_is_known(tmp_path: Path) -> None:
    assert (last_id(tmp_path), names(tmp_path)) == ("0-0", [])
    for day, start in ((0, 8), (0, 9), (1, 3)):
        write_entries(tmp_path, entries(start, 1, day))
    assert last_id(tmp_path) == f"{FIRST + DAY_MS + 3}-0"
    assert names(tmp_path) == ["0.8", "0.9", "1.3"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["day=2024-10-04", "day=2024-10-05"]


def test_ids_are_ordered_as_numbers(tmp_path: Path) -> None:
    for number in (9, 10):
        write_entries(tmp_path, [(f"{FIRST}-{number}", Event(str(number), 1, 2, "buy", 0))])
    assert last_id(tmp_path) == f"{FIRST}-10"
    assert names(tmp_path) == ["9", "10"]


def test_small_files_of_a_day_that_is_over_become_one(tmp_path: Path) -> None:
    for start in range(0, 12, 3):
        write_entries(tmp_path, entries(start, 3))
    write_entries(tmp_path, entries(0, 1, day=1))
    before = names(tmp_path)
    assert tidying.tidy(tmp_path, date(2024, 10, 5), 0) == 3
    assert [file.path.name for file in all_files(tmp_path)] == [
        f"{FIRST}-0_{FIRST + 11}-0.parquet", f"{FIRST + DAY_MS}-0_{FIRST + DAY_MS}-0.parquet",
    ]  # fmt: skip
    assert names(tmp_path) == before
    assert tidying.tidy(tmp_path, date(2024, 10, 5), 0) == 0


def test_a_merge_that_was_cut_short_doubles_nothing(tmp_path: Path) -> None:
    for start in (0, 3):
        write_entries(tmp_path, entries(start, 3))
    write_entries(tmp_path, entries(0, 6))  # what the merge wrote before it was killed
    write_entries(tmp_path, entries(6, 2))
    assert names(tmp_path) == [f"0.{at}" for at in range(8)]
    tidying.tidy(tmp_path, date(2024, 10, 4), 0)
    assert len(list((tmp_path / "day=2024-10-04").iterdir())) == 2


def test_files_that_are_merged_while_they_are_read_are_read_once(tmp_path: Path) -> None:
    for start in range(0, 12, 3):
        write_entries(tmp_path, entries(start, 3))
    found: list[str] = []
    for at, frame in enumerate(read_all(tmp_path, ["event_id"])):
        found += frame["event_id"].to_list()
        if at == 1:
            tidying.tidy(tmp_path, date(2024, 10, 9), 0)
    assert found == [f"0.{at}" for at in range(12)]


def test_days_that_are_too_old_go(tmp_path: Path) -> None:
    for day in (0, 5, 6):
        write_entries(tmp_path, entries(0, 1, day))
    tidying.tidy(tmp_path, date(2024, 10, 10), 1)
    assert names(tmp_path) == ["5.0", "6.0"]


def test_a_user_is_forgotten_and_the_newest_id_is_not(tmp_path: Path) -> None:
    write_entries(tmp_path, entries(0, 10))
    write_entries(tmp_path, entries(14, 1))  # of user 4 alone
    assert tidying.forget(tmp_path, 4) == 3
    assert names(tmp_path) == [f"0.{at}" for at in range(10) if at % 5 != 4]
    assert last_id(tmp_path) == f"{FIRST + 14}-0"
    assert tidying.forget(tmp_path, "4") == 0
    assert tidying.forget(tmp_path / "none", 4) == 0


def source_of(*made: Event, folder: Path, **settings: object) -> events.EventRows:
    write_entries(folder, [(f"{FIRST}-{at}", event) for at, event in enumerate(made)])
    found = events.read(folder, SourceSettings.model_validate({"interactions": "events:", **settings}))
    assert found.last == f"{FIRST}-{len(made) - 1}"
    return found


def test_the_source_counts_each_event_once_and_weighs_it(tmp_path: Path) -> None:
    made = [
        Event("a", 1, 7, "view", 5), Event("b", 1, 8, "dismiss", 6), Event("a", 1, 7, "view", 5), Event("c", 2, 7, "impression", 5),
        Event("d", 3, 7, "rate", 9, 4.5),
    ]  # fmt: skip
    found = source_of(*made, folder=tmp_path)
    assert found.frame.rows() == [("1", "7", 1.0, 5), ("1", "8", -1.0, 6), ("3", "7", 4.5, 9)]
    assert found.dropped == {events.REPEATED: 1, events.ONLY_SHOWN: 1}
    assert found.n_read == 5


def test_weights_of_types_are_the_settings_and_an_events_own_goes_first(tmp_path: Path) -> None:
    made = [Event("a", 1, 7, "view", 5), Event("b", 1, 8, "buy", 6), Event("c", 1, 9, "look", 6), Event("d", 1, 10, "look", 6, 2.0)]
    found = source_of(*made, folder=tmp_path, event_weights="view=0.5,buy=5")
    assert found.frame["weight"].to_list() == [0.5, 5.0, 2.0]
    assert found.dropped == {UNKNOWN_EVENT: 1}
    with pytest.raises(DataError, match="'look'"):
        source_of(*made, folder=tmp_path, event_weights="view=0.5", unknown_events="error")


def test_with_a_target_events_have_their_types(tmp_path: Path) -> None:
    made = [Event("a", 1, 7, "view", 5), Event("b", 1, 8, "buy", 6), Event("c", 2, 9, "impression", 6), Event("d", 2, 7, "view", 6)]
    assert source_of(*made, folder=tmp_path / ".events", target="buy").frame["event"].to_list() == ["view", "buy", "view"]
    loaded = load(SourceSettings.model_validate({"interactions": "events:", "target": "buy"}), tmp_path / ".datasets").interactions
    assert loaded.target is not None
    assert int(loaded.target.sum()) == 1
    assert loaded.reading["events"] == {"view": 2, "buy": 1}


def test_events_join_another_source(tmp_path: Path) -> None:
    table = tmp_path / "sales.csv"
    table.write_text("user,item,time\nann,1,1600000000\nbob,2,1600000100\n")
    write_entries(
        tmp_path / ".events", [(f"{FIRST}-0", Event("a", "ann", 2, "buy", 1_600_000_200)), (f"{FIRST}-1", Event("b", "cid", 1, "buy", 0))]
    )
    loaded = load(SourceSettings(interactions=f"{table},events:"), tmp_path / ".datasets")
    found = loaded.interactions
    pairs = {(found.user_ids[u], found.item_ids[i]) for u, i in zip(found.user_idx, found.item_idx, strict=True)}
    assert pairs == {("ann", 1), ("bob", 2), ("ann", 2), ("cid", 1)}
    assert (found.reading["events_until"], found.reading["rows"]) == (f"{FIRST}-1", 4)
    alone = load(SourceSettings(interactions="events:"), tmp_path / ".datasets").interactions
    assert sorted(map(str, alone.user_ids)) == ["ann", "cid"]


def test_events_lose_their_times_behind_a_source_without_any(tmp_path: Path) -> None:
    table = tmp_path / "sales.csv"
    table.write_text("user,item\nann,1\nbob,2\n")
    write_entries(tmp_path / ".events", entries(0, 2))
    assert load(SourceSettings(interactions=f"{table},events:"), tmp_path / ".datasets").interactions.time is None


def test_a_source_of_no_events_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no interaction is left"):
        load(SourceSettings(interactions="events:"), tmp_path / ".datasets")
