"""One night after another: tables that mean something else under the same names are refused, and honest next nights are not."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from contract.errors import DataError
from contract.formats.evaluation import Figures
from contract.settings.settings import GateSettings
from tests.support.reading import load
from trainer.evaluation import gate
from trainer.evaluation.drift.profiles import drifted, unlike
from trainer.evaluation.drift.reading import Reading, changed
from trainer.evaluation.drift.same_table import Pairs, another, compare, matched
from trainer.evaluation.drift.same_values import other_values
from trainer.interactions.interactions import Interactions

DAY = 86_400
START = 1_704_067_200  # 2024-01-01
NIGHT = START + 120 * DAY


@dataclass(frozen=True)
class Row:
    user: Any
    item: Any
    weight: Any
    time: Any


Rows = list[Row]


def shop(seed: int, until: int = NIGHT, users: int = 300, items: int = 120, prefix: str = "") -> Rows:
    return list(_shop(seed, until, users, items, prefix))


@cache
def _shop(seed: int, until: int, users: int, items: int, prefix: str) -> Rows:
    """Ratings of 1 to 5 by users who have their tastes, until a night. The same seed tells the same story, longer or shorter."""
    rng = random.Random(seed)
    favourites = [rng.sample(range(items), items) for _ in range(6)]
    rows = []
    for user in range(users):
        liked = favourites[user % 6]
        for _ in range(rng.randint(8, 40)):
            item = liked[min(items - 1, int(rng.expovariate(0.08)))]
            rows.append(
                Row(f"{prefix}{1000 + user}", f"{500 + item}", rng.choice((1, 2, 3, 4, 4, 5, 5, 5)), START + rng.randrange(130 * DAY))
            )
    return sorted((row for row in rows if row.time < until), key=lambda row: row.time)


def last_night() -> Rows:
    return shop(1)


def tonight() -> Rows:
    return shop(1, NIGHT + DAY)


def each(change: Callable[[Row], Row]) -> Callable[[Rows], Rows]:
    return lambda rows: [change(row) for row in rows]


def day_first(row: Row) -> Row:
    return replace(row, time=f"{datetime.fromtimestamp(row.time, UTC):%d/%m/%Y}")


def month_first(row: Row) -> Row:
    return replace(row, time=f"{datetime.fromtimestamp(row.time, UTC):%m/%d/%Y}")


def year_first(row: Row) -> Row:
    return replace(row, time=f"{datetime.fromtimestamp(row.time, UTC):%Y-%m-%d}")


def swapped_in_iso(row: Row) -> Row:
    when = datetime.fromtimestamp(row.time, UTC)
    return replace(row, time=f"{when:%Y-%d-%m}" if when.day <= 12 else f"{when:%Y-%m-%d}")


def hashed(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:12]


def shifted_column(rows: Rows, name: str) -> Rows:
    """A column that is one row late, as after a wrong join."""
    values = [getattr(row, name) for row in rows]
    return [replace(row, **{name: value}) for row, value in zip(rows, values[-1:] + values[:-1], strict=True)]


def shuffled_column(rows: Rows, name: str) -> Rows:
    values = [getattr(row, name) for row in rows]
    random.Random(7).shuffle(values)
    return [replace(row, **{name: value}) for row, value in zip(rows, values, strict=True)]


def more(rows: Rows, n: int, times: tuple[int, int] = (NIGHT, NIGHT + DAY), items: tuple[int, int] = (500, 620)) -> Rows:
    """Rows, and more of them by the same users: of items that are as popular, where those of the shop are meant."""
    rng = random.Random(11)
    usual = items == (500, 620)
    users = [row.user for row in rng.choices(rows, k=n)]
    met = [min(items[1] - 1, items[0] + int(rng.expovariate(0.08))) if usual else rng.randrange(*items) for _ in users]
    return rows + [Row(user, str(item), rng.choice((3, 4, 5)), rng.randrange(*times)) for user, item in zip(users, met, strict=True)]


def renamed(rows: Rows, column: str, step: int = 1) -> Rows:
    """The ids of a column, or every `step`th of them, each in the place of another."""
    ids = sorted({getattr(row, column) for row in rows})[::step]
    others = dict(zip(ids, random.Random(4).sample(ids, len(ids)), strict=True))
    return [replace(row, **{column: others.get(getattr(row, column), getattr(row, column))}) for row in rows]


MUTATIONS: dict[str, Callable[[Rows], Rows]] = {
    "users and items swapped": each(lambda row: replace(row, user=row.item, item=row.user)),
    "users and weights swapped": each(lambda row: replace(row, user=row.weight, weight=row.user)),
    "items and weights swapped": each(lambda row: replace(row, item=row.weight, weight=row.item)),
    "weights and times swapped": each(lambda row: replace(row, weight=row.time, time=row.weight)),
    "users and times swapped": each(lambda row: replace(row, user=row.time, time=row.user)),
    "milliseconds": each(lambda row: replace(row, time=row.time * 1000)),
    "microseconds": each(lambda row: replace(row, time=row.time * 10**6)),
    "nanoseconds": each(lambda row: replace(row, time=row.time * 10**9)),
    "minutes": each(lambda row: replace(row, time=row.time // 60)),
    "days": each(lambda row: replace(row, time=row.time // DAY)),
    "days of a spreadsheet": each(lambda row: replace(row, time=row.time // DAY + 25_569)),
    "dates": each(year_first),
    "another zone": each(lambda row: replace(row, time=row.time + 2 * 3600)),
    "a year before": each(lambda row: replace(row, time=row.time - 365 * DAY)),
    "the time of the export": each(lambda row: replace(row, time=NIGHT + DAY)),
    "only the hour of the day": each(lambda row: replace(row, time=row.time % DAY)),
    "user ids padded": each(lambda row: replace(row, user=f"{int(row.user):08d}")),
    "item ids padded": each(lambda row: replace(row, item=f"{int(row.item):08d}")),
    "user ids with a prefix": each(lambda row: replace(row, user=f"u{row.user}")),
    "item ids with a prefix": each(lambda row: replace(row, item=f"sku-{row.item}")),
    "user ids hashed": each(lambda row: replace(row, user=hashed(row.user))),
    "user ids of another key": each(lambda row: replace(row, user=str(900_000 + 7 * int(row.user)))),
    "item ids of another key": each(lambda row: replace(row, item=str(70_000 + 3 * int(row.item)))),
    "half of the ids padded": each(lambda row: replace(row, user=f"{int(row.user):08d}" if int(row.user) % 2 else row.user)),
    "an id per row": lambda rows: [replace(row, user=str(1000 + at)) for at, row in enumerate(rows)],
    "one user": each(lambda row: replace(row, user="1000")),
    "half of the rows repeated": lambda rows: rows + rows[: len(rows) // 2],
    "all rows twice": lambda rows: rows + rows,
    "the first half": lambda rows: rows[: len(rows) // 2],
    "the last half": lambda rows: rows[len(rows) // 2 :],
    "every second row": lambda rows: rows[::2],
    "the sample of a tenth of the users": lambda rows: [row for row in rows if int(row.user) % 10 == 0],
    "another shop": lambda _: shop(2, NIGHT + DAY, prefix="77"),
    "another shop with the same ids": lambda _: shop(2, NIGHT + DAY),
    "another shop of the same size, ids of texts": lambda _: shop(3, NIGHT + DAY, prefix="c"),
    "weights in percent": each(lambda row: replace(row, weight=row.weight * 20)),
    "weights of ten": each(lambda row: replace(row, weight=row.weight * 2)),
    "all weights one": each(lambda row: replace(row, weight=1)),
    "weights upside down": each(lambda row: replace(row, weight=6 - row.weight)),
    "weights that are prices": each(lambda row: replace(row, weight=round(9.9 + int(row.item) * 1.7, 2))),
    "most weights 0": lambda rows: [replace(row, weight=row.weight if at % 3 == 0 else 0) for at, row in enumerate(rows)],
    "a third without an item": lambda rows: [replace(row, item=row.item if at % 3 else "") for at, row in enumerate(rows)],
    "a third in the future": lambda rows: [replace(row, time=row.time if at % 3 else 4_000_000_000) for at, row in enumerate(rows)],
    "weights of the other sign": each(lambda row: replace(row, weight=-row.weight)),
    "variants for items": each(lambda row: replace(row, item=f"{row.item}{int(row.user) % 3}")),
    "categories for items": each(lambda row: replace(row, item=str(500 + int(row.item) % 10))),
    "households for users": each(lambda row: replace(row, user=str(1000 + (int(row.user) - 1000) // 5))),
    "user ids in floats of 32 bits": each(lambda row: replace(row, user=str(int(row.user) // 16 * 16))),
    "ids one further": each(lambda row: replace(row, item=str(int(row.item) + 1))),
    "items named anew": lambda rows: renamed(rows, "item"),
    "users named anew": lambda rows: renamed(rows, "user"),
    "half of the users named anew": lambda rows: renamed(rows, "user", step=2),
    "the first of the month": each(lambda row: replace(row, time=int(f"{datetime.fromtimestamp(row.time, UTC):%Y%m01}"))),
    "three times by a join": lambda rows: [row for row in rows for _ in range(3)],
    "item ids in hexadecimal": each(lambda row: replace(row, item=f"{int(row.item):x}")),
    "half of the users of another shop": lambda rows: [
        *(row for row in rows if int(row.user) % 2),
        *(row for row in shop(9, NIGHT + DAY) if not int(row.user) % 2),
    ],
    "data for a test": lambda rows: [Row(str(1000 + n % 50), str(500 + n % 7), 1, NIGHT + n) for n in range(len(rows))],
    "items of other rows": lambda rows: shuffled_column(rows, "item"),
    "times mirrored within their span": each(lambda row: replace(row, time=START + NIGHT + DAY - row.time)),
    "times of other rows": lambda rows: shuffled_column(rows, "time"),
    "weights of other rows": lambda rows: shuffled_column(rows, "weight"),
    "items one row late": lambda rows: shifted_column(rows, "item"),
}

HONEST: dict[str, Callable[[Rows], Rows]] = {
    "a day more": lambda rows: rows,
    "nothing new": lambda _: last_night(),
    "a week more": lambda _: shop(1, NIGHT + 7 * DAY),
    "a window of 90 days": lambda rows: [row for row in rows if row.time > NIGHT - 90 * DAY],
    "in another order": lambda rows: random.Random(5).sample(rows, len(rows)),
    "by user": lambda rows: sorted(rows, key=lambda row: row.user),
    "new users": lambda rows: rows + [replace(row, user=str(int(row.user) + 5000)) for row in rows if int(row.user) % 20 == 0],
    "new items": lambda rows: rows + [replace(row, item=str(int(row.item) + 5000)) for row in rows if int(row.item) % 20 == 0],
    "users who left": lambda rows: [row for row in rows if int(row.user) % 25],
    "items that are sold out": lambda rows: [row for row in rows if int(row.item) % 25],
    "some rows without a weight": lambda rows: [replace(row, weight=row.weight if at % 200 else "") for at, row in enumerate(rows)],
    "some rows without a time": lambda rows: [replace(row, time=row.time if at % 200 else "") for at, row in enumerate(rows)],
    "a broken id": lambda rows: [*rows, Row("12a", "501", 4, NIGHT)],
    "some rows twice": lambda rows: rows + rows[::40],
    "a robot": lambda rows: rows + [Row("4711", row.item, 3, row.time) for row in rows[::15]],
    "a sale": lambda rows: rows + [Row(row.user, "517", 5, NIGHT + 3600) for row in rows[::10]],
    "a better mood": lambda rows: [replace(row, weight=min(5, row.weight + 1)) if at % 20 == 0 else row for at, row in enumerate(rows)],
    "a few corrected times and weights": lambda rows: [
        replace(row, weight=1, time=row.time - 7 * DAY) if at % 250 == 0 else row for at, row in enumerate(rows)
    ],
    "a day of three times the rows": lambda rows: more(rows, len(rows) // 40),
    "a week that makes a quarter of all": lambda rows: more(rows, len(rows) // 4),
    "three times the rows, by more users": lambda rows: [
        *rows,
        *(replace(row, user=str(int(row.user) + at % 3 * 300)) for at, row in enumerate(more(rows, 2 * len(rows))[len(rows) :])),
    ],
    "a catalogue of twice the size": lambda rows: more(rows, len(rows) // 10, items=(700, 820)),
    "a new category": lambda rows: more(rows, len(rows) // 20, items=(2000, 2015)),
    "a quiet holiday": lambda rows: last_night() + rows[-5:],
    "users who move to new ids, one in fifty": each(
        lambda row: row if int(row.user) % 50 else replace(row, user=str(int(row.user) + 7000))
    ),
    "items that move to new ids, one in twenty": each(
        lambda row: row if int(row.item) % 20 else replace(row, item=str(int(row.item) + 7000))
    ),
    "rows of a month before, which came late": lambda rows: (
        rows + [replace(row, time=row.time - 30 * DAY) for row in rows if row.time < START + 20 * DAY and int(row.user) % 3 == 0]
    ),
    "rows of all the time, which came late": lambda rows: more(rows, len(rows) // 20, times=(START, START + 100 * DAY)),
    "users who asked to be erased, one in fifty": lambda rows: [row for row in rows if int(row.user) % 50],
    "returns": lambda rows: [replace(row, weight=row.weight if at % 33 else -row.weight) for at, row in enumerate(rows)],
    "guests": lambda rows: [replace(row, user=row.user if at % 25 else "") for at, row in enumerate(rows)],
    "a campaign": lambda rows: rows + [Row(str(20_000 + n), str(500 + n % 40), 4, NIGHT + n) for n in range(90)],
    "quotation marks": lambda rows: [replace(row, user=f'"{row.user}"') for row in rows],
    "spaces around ids": lambda rows: [replace(row, item=f" {row.item} ") for row in rows],
    "weights with points": lambda rows: [replace(row, weight=f"{row.weight}.0") for row in rows],
    "times with points": lambda rows: [replace(row, time=f"{row.time}.0") for row in rows],
    "ids with points": lambda rows: [replace(row, user=f"{row.user}.0") for row in rows],
}


def written(folder: Path, name: str, rows: Rows, *, order: str = "user,item,weight,time") -> str:
    names = {"user": "user_id", "item": "item_id", "weight": "rating", "time": "ts"}
    path, columns = folder / name, order.split(",")
    lines = [",".join(names[column] for column in columns)]
    values = attrgetter(*columns)
    lines += [",".join(map(str, values(row))) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Interactions:
    return load(written(tmp_path_factory.mktemp("served"), "last.csv", last_night())).interactions


def refusals(new: str, before: Interactions, **given: Any) -> list[str]:
    """Why the gate, or the reading before it, refuses one table where lists of another one are served."""
    try:
        now = load(new, **given).interactions
    except DataError as error:
        return [str(error)]
    limits, new_reading, old_reading = GateSettings(), reading_of(now), reading_of(before)
    new_pairs, old_pairs = pairs_of(now), pairs_of(before)
    found = [
        *drifted(new_reading, old_reading, limits),
        *another(compare(new_pairs, old_pairs, matched(new_pairs, old_pairs)), new_pairs, old_pairs, limits),
        *other_values(new_pairs, old_pairs, matched(new_pairs, old_pairs), comparable=True),
    ]
    counted = gate.judge(figures_of(now), figures_of(before), limits, datetime.fromtimestamp(NIGHT + 8 * DAY, UTC))
    return [finding.message for finding in changed(new_reading, old_reading)] + [
        *(finding.message for severity, finding in found if severity == "refuse"),
        *(finding.message for finding in counted.failures),
    ]


def reading_of(made: Interactions) -> Reading:
    kinds = {
        f"{role}_ids": "texts" if isinstance(ids[0], str) else "integers"
        for role, ids in (("user", made.user_ids), ("item", made.item_ids))
    }
    return Reading.model_validate({**made.reading, "dropped": dict(made.dropped), **kinds})


def figures_of(made: Interactions) -> Figures:
    return Figures(n_users=len(made.user_ids), n_items=len(made.item_ids), depth=10, data_until=made.data_until)


def pairs_of(made: Interactions) -> Pairs:
    n_items = len(made.item_ids)
    pairs, at = np.unique(made.user_idx.astype(np.int64) * n_items + made.item_idx, return_inverse=True)
    ends = np.cumsum(np.bincount(pairs // n_items, minlength=len(made.user_ids)))
    return Pairs(
        users=lambda start, end: made.user_ids[start:end],
        items=lambda start, end: made.item_ids[start:end],
        indptr=np.concatenate(([0], ends)),
        indices=pairs % n_items,
        n_items=n_items,
        affinity=np.bincount(at, made.weight).astype(np.float32),
        last=None if made.time is None else np.asarray([made.time[made.item_idx == item].max() for item in range(n_items)]),
    )


@pytest.mark.parametrize("name", MUTATIONS)
def test_another_meaning_is_refused(tmp_path: Path, served: Interactions, name: str) -> None:
    assert refusals(written(tmp_path, "tonight.csv", MUTATIONS[name](tonight())), served)


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_next_night_is_not_refused(tmp_path: Path, served: Interactions, name: str) -> None:
    assert refusals(written(tmp_path, "tonight.csv", HONEST[name](tonight())), served) == []


def test_columns_in_another_order_mean_the_same_where_they_have_names(tmp_path: Path, served: Interactions) -> None:
    assert refusals(written(tmp_path, "tonight.csv", tonight(), order="ts,weight,item,user".replace("ts", "time")), served) == []


def test_columns_in_another_order_without_names(tmp_path: Path) -> None:
    old, new = (
        written(tmp_path, f"{order}.csv", last_night(), order=order) for order in ("user,item,weight,time", "item,user,weight,time")
    )
    for path in (old, new):
        Path(path).write_text(Path(path).read_text().partition("\n")[2])
    before = load(old, header=False).interactions
    assert refusals(old, before, header=False) == []
    assert refusals(new, before, header=False)


def test_the_same_from_another_kind_of_file(tmp_path: Path, served: Interactions) -> None:
    frame = pl.read_csv(written(tmp_path, "tonight.csv", tonight()))
    frame.write_parquet(tmp_path / "tonight.parquet")
    frame.write_ndjson(tmp_path / "tonight.jsonl")
    for name in ("tonight.parquet", "tonight.jsonl"):
        assert refusals(str(tmp_path / name), served) == []


def test_day_and_month_the_other_way_round(tmp_path: Path) -> None:
    old = load(written(tmp_path, "old.csv", each(day_first)(last_night()))).interactions
    assert "times were read as dates with the month first" in refusals(written(tmp_path, "a.csv", each(month_first)(tonight())), old)[0]
    old = load(written(tmp_path, "iso.csv", each(year_first)(last_night()))).interactions
    assert refusals(written(tmp_path, "b.csv", each(swapped_in_iso)(tonight())), old)


def test_sessions_are_others_every_night(tmp_path: Path) -> None:
    nights = [load(written(tmp_path, f"{n}.csv", shop(1, prefix=str(n)))).interactions for n in range(3)]
    pairs = [pairs_of(one) for one in nights]
    limits = GateSettings()
    kept = compare(pairs[2], pairs[1], matched(pairs[2], pairs[1]))
    assert [how for how, _ in another(kept, pairs[2], pairs[1], limits)] == ["refuse"]
    assert [how for how, _ in another(kept, pairs[2], pairs[1], limits, before=pairs[0])] == ["warn"]


@pytest.mark.parametrize("name", ["times mirrored within their span", "times of other rows", "weights of other rows"])
def test_what_the_same_rows_had_is_named(tmp_path: Path, served: Interactions, name: str) -> None:
    said = refusals(written(tmp_path, "tonight.csv", MUTATIONS[name](tonight())), served)
    assert any(one.startswith(f"the same {'pairs have other weights' if 'weights' in name else 'rows have other times'}: ") for one in said)


def test_values_that_were_others_the_night_before_may_be_so_again(tmp_path: Path, served: Interactions) -> None:
    nights = [
        pairs_of(load(written(tmp_path, f"{n}.csv", shuffled_column(shuffled_column(rows, "time"), "weight"))).interactions)
        for n, rows in enumerate((last_night(), tonight()))
    ]
    before = pairs_of(served)
    assert {how for how, _ in other_values(nights[1], nights[0], matched(nights[1], nights[0]), comparable=True)} == {"refuse"}
    assert {how for how, _ in other_values(nights[1], nights[0], matched(nights[1], nights[0]), comparable=True, before=before)} == {"warn"}
    assert list(other_values(before, before, matched(before, before), comparable=True)) == []


@pytest.mark.parametrize(("days", "step"), [(7, 1), (7, 3), (14, 7), (30, 7)])
def test_windows_that_move_on_are_honest(tmp_path: Path, days: int, step: int) -> None:
    rows = shop(1, NIGHT + 10 * DAY, users=600)
    nights = []
    for n in range(2):
        end = NIGHT + n * step * DAY
        window = [row for row in rows if end - days * DAY <= row.time < end]
        nights.append(pairs_of(load(written(tmp_path, f"{n}.csv", window)).interactions))
    assert [
        how
        for how, _ in another(compare(nights[1], nights[0], matched(nights[1], nights[0])), nights[1], nights[0], GateSettings())
        if how == "refuse"
    ] == []
    assert [how for how, _ in other_values(nights[1], nights[0], matched(nights[1], nights[0]), comparable=False) if how == "refuse"] == []


def test_a_change_of_size_warns(tmp_path: Path, served: Interactions) -> None:
    fewer = load(written(tmp_path, "fewer.csv", [row for at, row in enumerate(tonight()) if at % 6])).interactions
    ((how, finding),) = drifted(reading_of(fewer), reading_of(served), GateSettings())
    assert (how, finding.limit, finding.new, finding.old) == ("warn", "gate_max_rows_drop", len(fewer.weight), len(served.weight))
    assert next(drifted(reading_of(fewer), reading_of(served), GateSettings(gate_max_rows_drop=0.1)))[0] == "refuse"


def test_rows_that_were_taken_away_are_not_rows_with_other_times(tmp_path: Path, served: Interactions) -> None:
    thinned = [row for row in last_night() if random.Random(f"{row.user} {row.item} {row.time}").random() < 0.6]
    new, old = pairs_of(load(written(tmp_path, "thinned.csv", thinned)).interactions), pairs_of(served)
    assert list(other_values(new, old, matched(new, old), comparable=False)) == []


def test_words_name_both_values(tmp_path: Path, served: Interactions) -> None:
    ((_, finding),) = drifted(
        reading_of(load(written(tmp_path, "ten.csv", MUTATIONS["weights of ten"](tonight()))).interactions),
        reading_of(served),
        GateSettings(),
    )
    assert (
        finding.message
        == "weights are 2 to 10, half of them up to 8, those of the current generation 1 to 5, half of them up to 4 (reading)"
    )


def test_little_data_and_an_older_version_say_nothing(tmp_path: Path, served: Interactions) -> None:
    few = load(written(tmp_path, "few.csv", shop(2)[:50])).interactions
    assert list(drifted(reading_of(few), reading_of(served), GateSettings())) == []
    older = reading_of(served).model_copy(update={"profile": None})
    assert list(drifted(reading_of(few), older, GateSettings())) == []


def test_a_diff_says_what_was_read_otherwise(tmp_path: Path, served: Interactions) -> None:
    now = load(written(tmp_path, "t.csv", [replace(row, user=f"u{row.user}", weight=1) for row in tonight()])).interactions
    said = unlike(reading_of(now), reading_of(served), GateSettings())
    assert said[0] == "user ids are texts, those of the current generation are integers (reading)"
    assert said[1].startswith("weights are 1 to 1, half of them up to 1, those of the current generation 1 to 5")
