"""Conversion: ids keep their type, weights come from events, and every row that is dropped is counted once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.reading import HEADER, dropped, load, read, refusal, rows
from trainer.interactions.dislikes import NOT_LIKED
from trainer.rows.row_filter import MISSING
from trainer.sources.values.convert import FUTURE, LONG_ID, NO_DATE, NO_NUMBER, NOT_POSITIVE, TOO_HEAVY, UNKNOWN_EVENT


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return tmp_path / "events.csv"


def test_ids_of_any_kind_keep_their_type(csv: Path) -> None:
    long = "é" * 256
    csv.write_text(f'user,item\n"two words",1\n日本,2\n{long},3\n🙂,4\n', encoding="utf-8")
    made = load(csv).interactions
    assert set(made.user_ids) == {"two words", "日本", long, "🙂"}
    assert made.item_ids == [1, 2, 3, 4]


def test_an_id_that_is_too_long_breaks_its_row(csv: Path) -> None:
    csv.write_text("user,item\n" + "a,b\n" * 30 + "x" * 513 + ",b\n")
    assert list(dropped(csv)) == [LONG_ID]
    assert dropped(csv)[LONG_ID][0].startswith("line 32: user 'xxx")


def test_without_a_weight_every_interaction_weighs_one(csv: Path) -> None:
    csv.write_text("user,item\n1,2\n3,4\n")
    assert rows(csv) == [(1, 2, 1.0), (3, 4, 1.0)]


def test_points_part_thousands_where_the_decimal_mark_is_a_comma(csv: Path) -> None:
    weights = ["1,5", "1.234", "1.234.567,5", "7", "-2", "1.5", "12.34", "1.2345"]
    csv.write_text("user;item;rating\n" + "".join(f"{n};1;{one}\n" for n, one in enumerate(weights)))
    found, problems = read(csv, decimal=",", max_broken_rows=1)
    assert [row[2] for row in found] == [1.5, 1234, 1_234_567.5, 7, -2]
    assert dict(problems.broken) == {NO_NUMBER: 3}
    assert read(csv, max_broken_rows=1)[0][0][2] == pytest.approx(1.234)


def test_marks_of_tables_for_none_are_missing_values(csv: Path) -> None:
    csv.write_text("user,item,rating\n<NA>,1,2\n#N/A,1,2\n3,1,#N/A\n4,1,2\n(null),1,2\n[NULL],1,2\n<null>,1,2\n")
    found, problems = read(csv)
    assert found == [(4, 1, 2)]
    assert dict(problems.dropped) == {MISSING: 6}


def test_events_weigh_what_is_said(csv: Path) -> None:
    csv.write_text("user,item,event\n1,2,view\n1,3,buy\n1,4, cart \n1,5,refund\n1,6,\n")
    found, problems = read(csv, event_weights="view=1, cart=3,buy=5")
    assert found == [(1, 2, 1.0), (1, 3, 5.0), (1, 4, 3.0)]
    assert dict(problems.dropped) == {UNKNOWN_EVENT: 1, MISSING: 1}
    assert dropped(csv, event_weights="view=1,cart=3,buy=5")[UNKNOWN_EVENT] == ["line 5: event 'refund'"]
    assert "event 'refund' has no weight" in refusal(csv, event_weights="view=1,cart=3,buy=5", unknown_events="error")


def test_an_event_of_negative_weight_is_met_and_not_liked(csv: Path) -> None:
    csv.write_text("user,item,event\n1,2,buy\n1,3,refund\n")
    assert dropped(csv, event_weights="buy=5,refund=-5", max_broken_rows=0.6) == {NOT_LIKED: ["line 3: event 'refund'"]}


def test_zero_and_negative_weights_are_counted(csv: Path) -> None:
    csv.write_text(HEADER + "1,2,0,4\n1,2,-1,4\n1,2,inf,4\n1,2,1e-60,4\n1,2,3,4\n")
    assert dropped(csv, max_broken_rows=0.5) == {
        NOT_LIKED: ["line 2: rating '0.0'", "line 3: rating '-1.0'"],
        NOT_POSITIVE: ["line 5: rating '1e-60'"],
        TOO_HEAVY: ["line 4: rating 'inf'"],
    }
    assert dropped(csv, max_broken_rows=0.5, negative="drop") == {
        NOT_POSITIVE: ["line 2: rating '0.0'", "line 3: rating '-1.0'", "line 5: rating '1e-60'"],
        TOO_HEAVY: ["line 4: rating 'inf'"],
    }


def test_a_weight_that_float32_does_not_tell_apart_is_named_by_its_line(csv: Path) -> None:
    csv.write_text(HEADER + "1,2,4,4\n" * 30 + "1,3,1e308,4\n1,3,1e16,4\n")
    assert dropped(csv, max_broken_rows=0.1) == {TOO_HEAVY: ["line 32: rating '1e+308'", "line 33: rating '1e+16'"]}
    assert "2 with a weight above 1e+15 (line 32: rating '1e+308', line 33: rating '1e+16')" in refusal(csv)


@pytest.mark.parametrize("weight", ["-1e39", "-1e308"])
def test_a_dislike_beyond_float32_is_one(csv: Path, weight: str) -> None:
    csv.write_text(HEADER + f"1,2,{weight},4\n1,3,3,4\n")
    assert dropped(csv) == {NOT_LIKED: [f"line 2: rating '{float(weight)}'"]}


def test_times_in_the_future_are_dropped_or_kept(csv: Path) -> None:
    later = int(time.time()) + 10 * 86_400
    csv.write_text(HEADER + f"1,2,3,4\n1,2,3,{later}\n")
    assert dropped(csv) == {FUTURE: [f"line 3: timestamp '{later}'"]}
    assert len(rows(csv, future_times="keep")) == 2


def test_times_outside_the_calendar_are_broken(csv: Path) -> None:
    csv.write_text(HEADER + "1,2,3,4\n" * 40 + "1,2,3,1e13\n")
    assert dropped(csv) == {NO_DATE: ["line 42: timestamp '10000000000000'"]}


def test_a_row_is_counted_for_the_first_thing_that_is_wrong_with_it(csv: Path) -> None:
    csv.write_text(HEADER + ",,0,\n,2,x,noon\n" + "1,2,3,4\n" * 60)
    problems = read(csv)[1]
    assert problems.dropped.total() == 2


@pytest.mark.parametrize(("policy", "weight", "reason"), [("last", 1.0, "earlier"), ("max", 5.0, "lighter")])
def test_duplicates(csv: Path, policy: str, weight: float, reason: str) -> None:
    csv.write_text(HEADER + "1,2,1,30\n1,2,5,20\n1,2,3,10\n7,2,1,1\n")
    made = load(csv, duplicates=policy).interactions
    assert sorted(made.weight.tolist()) == sorted([weight, 1.0])
    assert made.dropped == {f"{reason} interaction of the same pair": 2}
    assert load(csv).interactions.weight.size == 4


def test_of_duplicates_without_times_the_last_row_counts(csv: Path) -> None:
    csv.write_text("user,item,rating\n1,2,1\n7,2,9\n1,2,5\n1,2,3\n")
    assert sorted(load(csv, duplicates="last").interactions.weight.tolist()) == [3.0, 9.0]


def test_users_and_items_with_too_few_go_until_all_have_enough(csv: Path) -> None:
    pairs = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2), (3, 3), (4, 3)]  # without 4, item 3 has one; without item 3, user 3 has one
    csv.write_text("user,item\n" + "".join(f"{user},{item}\n" for user, item in pairs))
    made = load(csv, min_user_interactions=2, min_item_interactions=2).interactions
    assert (sorted(made.user_ids), made.item_ids) == ([1, 2], [1, 2])
    assert made.dropped == {"user with too few interactions": 2, "item with too few interactions": 1}
    assert {(made.user_ids[u], made.item_ids[i]) for u, i in zip(made.user_idx, made.item_idx, strict=True)} == set(pairs[:4])


def test_robots_are_left_out_when_it_is_said(csv: Path) -> None:
    csv.write_text("user,item\n" + "".join(f"robot,{n}\n" for n in range(50)) + "a,1\na,2\n")
    made = load(csv, max_user_interactions=10).interactions
    assert (made.user_ids, made.item_ids, dict(made.dropped)) == (["a"], [1, 2], {"user with too many interactions": 50})


def test_when_nothing_is_left_the_reasons_are_counted(csv: Path) -> None:
    csv.write_text(HEADER + "1,2,0,4\n1,2,,4\n")
    assert refusal(csv) == f"{csv}: no interaction is left after cleaning: 1 with missing value, 1 with {NOT_LIKED}"
    assert refusal(csv, negative="drop") == f"{csv}: no interaction is left of 2 rows: 1 with missing value, 1 with weight not positive"
    csv.write_text("user,item\n1,2\n3,4\n")
    assert "no interaction is left after cleaning: 2 with user with too few interactions" in refusal(csv, min_user_interactions=2)


def test_how_it_was_read_goes_with_the_interactions(csv: Path) -> None:
    csv.write_text("uid,asin,stars\n1,2,3\n1,3,0\n")
    reading = dict(load(csv).interactions.reading)
    assert reading.pop("profile")["rows"] == 1
    assert reading == {
        "rows": 2,
        "columns": {"user": "uid", "item": "asin", "weight": "stars"},
        "notes": [
            "guessed from its name: the user column is 'uid'",
            "guessed from its name: the item column is 'asin'",
            "guessed from its name: the weight column is 'stars'",
            "no time column: no decay",
        ],
        "clock": "",
        "doubts": [],
        "dropped": {NOT_LIKED: 1},
    }
