"""Counts by everything that tells apart, known by hand; and the correction for ranks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from contract.errors import SettingsError
from contract.formats.events import Event, Impression
from contract.formats.outcomes.report import Outcomes, Row
from contract.settings.settings import Settings
from trainer.cli.outcomes.tables import notes_of, table_of
from trainer.events.files import write_entries
from trainer.events.kinds import EVENTS, IMPRESSIONS, Kind
from trainer.outcomes.outcomes import outcomes, ways_of
from trainer.outcomes.tally import day_before

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY_S = 86_400


class World:
    """Lists that were shown, and what was done, at hours before NOW."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.settings = Settings(artifacts=folder.as_uri(), impressions=1, **settings)
        self._n = 0

    def show(
        self, user: int | str, *items: int, ago_h: float = 1, generation: str = "g1", arm: str = "", request: str = "", rank: int = 1
    ) -> None:
        at_ms = int((NOW.timestamp() - ago_h * 3600) * 1000)
        shown = Impression(request or f"r{self._n}", at_ms, user, generation, arm, "personalized", items, range(rank, rank + len(items)))
        self._enter(IMPRESSIONS, at_ms, shown)

    def do(self, user: int | str, item: int, kind: str = "click", ago_h: float = 0.5, request: str = "", name: str = "") -> None:
        at_s = int(NOW.timestamp() - ago_h * 3600)
        self._enter(EVENTS, at_s * 1000, Event(name or f"e{self._n}", user, item, kind, at_s, None, request))

    def look(self, *tables: Sequence[str], days: int = 7) -> Outcomes:
        return outcomes(self.settings, NOW, days, tables or [("generation",)], "int")

    def _enter(self, kind: Kind[Any], at_ms: int, one: Event | Impression) -> None:
        self._n += 1
        write_entries(kind.folder(self.settings.artifacts), [(f"{at_ms}-{self._n}", one)], kind)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def counts(rows: Sequence[Row]) -> dict[str, tuple[int, int, int]]:
    return {",".join(row.names): (row.shown, row.clicks.n, row.conversions.n) for row in rows}


def test_by_everything_at_once_and_by_each(world: World) -> None:
    world.show(1, 10, 11, ago_h=30, arm="a")
    world.show(2, 10, generation="g2", arm="b", rank=3)
    world.show("3", 12, generation="g2", arm="b")
    world.do("1", 11, ago_h=29)
    world.do(2, 10, "buy")
    world.do(2, 10, "click")
    world.do(2, 10, "click")  # an item is clicked or not
    world.do(3, 10)  # which was not shown to that user
    found = world.look(("generation",), ("arm",), ("rank",), ("day",), ("generation", "rank"))
    tables = [counts(table.rows) for table in found.tables]
    assert tables[0] == {"g1": (2, 1, 0), "g2": (2, 1, 1)}
    assert tables[1] == {"a": (2, 1, 0), "b": (2, 1, 1)}
    assert tables[2] == {"1": (2, 0, 0), "2": (1, 1, 0), "3": (1, 1, 1)}
    assert tables[3] == {"2026-03-09": (2, 1, 0), "2026-03-10": (2, 1, 1)}
    assert tables[4] == {"g1,1": (1, 0, 0), "g1,2": (1, 1, 0), "g2,1": (1, 0, 0), "g2,3": (1, 1, 1)}
    assert (found.lists, found.shown, found.open) == (3, 4, 2)
    assert (found.events.by_request, found.events.by_window, found.events.of_nothing) == (0, 4, 1)
    assert (found.events.clicks, found.events.conversions) == ({"click": 4}, {"buy": 1})


def test_the_last_list_that_showed_it_within_the_window_or_the_one_that_the_event_names(world: World) -> None:
    world.show(1, 10, ago_h=5, generation="old", request="first")
    world.show(1, 10, ago_h=3, generation="new")
    world.do(1, 10, ago_h=2)
    assert counts(world.look().tables[0].rows) == {"new": (1, 1, 0), "old": (1, 0, 0)}
    world.do(1, 10, ago_h=1, request="first")
    assert counts(world.look().tables[0].rows) == {"new": (1, 1, 0), "old": (1, 1, 0)}
    world.show(2, 10, ago_h=50, generation="late")
    world.do(2, 10, ago_h=25)
    assert counts(world.look().tables[0].rows)["late"] == (1, 0, 0)


def test_an_event_that_was_sent_again_counts_once_and_dismissing_is_no_conversion(world: World) -> None:
    world.show(1, 10, 11, 12)
    for _ in range(2):
        world.do(1, 10, "buy", name="order")
    world.do(1, 11, "dismiss")
    world.do(1, 12, "impression")
    found = world.look()
    assert counts(found.tables[0].rows) == {"g1": (3, 0, 1)}
    assert (found.events.conversions, found.events.ignored) == ({"buy": 1}, {"dismiss": 1, "impression": 1})


def test_settings_say_what_is_a_click_and_what_a_conversion(tmp_path: Path) -> None:
    world = World(tmp_path, outcomes_clicks="open", outcomes_conversions="buy,open")
    world.show(1, 10, 11)
    world.do(1, 10, "open")
    world.do(1, 11, "click")
    assert counts(world.look().tables[0].rows) == {"g1": (2, 1, 1)}


def test_days_end_where_they_are_asked_to(world: World) -> None:
    for ago_h in (1, 13, 37):  # today, yesterday, the day before
        world.show(1, 10, ago_h=ago_h)
    assert [world.look(days=days).lists for days in (1, 2, 3)] == [1, 2, 3]
    assert day_before(NOW, 2) == datetime(2026, 3, 9, tzinfo=UTC)


def test_segments_are_those_of_the_users_table(tmp_path: Path, world: World) -> None:
    with pytest.raises(SettingsError, match="LARDER_USERS"):
        world.look(("segment",))
    table = tmp_path / "users.csv"
    table.write_text("user,country\n1,de\n2,at\n")
    world = World(tmp_path, users=str(table))
    for user in (1, "2", 3):
        world.show(user, 10)
    world.do(2, 10)
    assert counts(world.look(("segment",)).tables[0].rows) == {"": (1, 0, 0), "at": (1, 1, 0), "de": (1, 0, 0)}


def test_corrected_for_ranks_two_that_differ_by_ranks_alone_are_equal(world: World) -> None:
    """Half of rank 1 is clicked and a tenth of rank 2, whoever shows it; `low` shows more at rank 2."""
    user = 0
    for generation, rank, n, n_clicked in (("high", 1, 20, 10), ("low", 1, 10, 5), ("low", 2, 40, 4)):
        for number in range(n):
            user += 1
            world.show(user, 10, generation=generation, rank=rank)
            if number < n_clicked:
                world.do(user, 10)
    high, low = world.look().tables[0].rows
    assert (high.clicks.rate.value, low.clicks.rate.value) == (0.5, 9 / 50)
    for row in (high, low):
        assert row.clicks.corrected is not None
        assert row.clicks.corrected.value == pytest.approx(1)
        assert row.clicks.corrected.low < 1 < row.clicks.corrected.high
        assert row.conversions.corrected is None
    assert [row.clicks.corrected for row in world.look(("rank",)).tables[0].rows] == [None, None]


def test_people_are_told_what_the_figures_are_of(world: World) -> None:
    assert list(notes_of(world.look())) == [
        "No list that was shown since 2026-03-04 is kept: set LARDER_IMPRESSIONS for the API and the trainer service"
    ]
    world.show(1, 10, 11, arm="[bold]")
    world.do(1, 10)
    world.do(1, 11, "dismiss")
    found = world.look(("arm", "generation"))
    console = Console(width=200, file=StringIO())
    console.print(table_of(found.tables[0]))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    for word in ("[bold]", "g1", "50.00", "9.45–90.55", "1.00", "0.19–1.81"):
        assert word in text
    told = "\n".join(notes_of(found.model_copy(update={"share": 0.1})))
    for word in (
        "1 lists with 2 items",
        "clicks: click 1; conversions: none; neither: dismiss 1",
        "1 as what followed within 24 h",
        "send request_id",
        "2 items were shown within",
    ):
        assert word in told
    assert "send request_id" not in "\n".join(notes_of(found))
    assert Outcomes.read(found.model_dump_json()) == found
    assert Outcomes.read(b'{"of": "another version"}') is None


@pytest.mark.parametrize("text", ["", "day,day", "weekday", "generation;arm"])
def test_other_ways_are_named(text: str) -> None:
    with pytest.raises(SettingsError, match="generation, arm, rank, segment, day"):
        ways_of(text)
