"""How interactions were read, in a manifest: losses as one sentence, and what changed its meaning since the current generation."""

from __future__ import annotations

from typing import Any

import pytest

from trainer.evaluation.drift.reading import Reading, changed

USUAL: dict[str, Any] = {
    "rows": 1000,
    "columns": {"user": "user_id", "item": "sku", "weight": "qty", "time": "at"},
    "clock": "seconds since 1970",
    "user_ids": "integers",
    "item_ids": "texts",
}


def reading(**other: Any) -> Reading:
    return Reading(**(USUAL | other))


def findings(new: Reading, old: Reading) -> list[str]:
    return [finding.message for finding in changed(new, old)]


def test_the_same_reading_is_no_change() -> None:
    assert findings(reading(), reading(rows=5, dropped={"missing value": 2}, notes=("x",))) == []


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"user_ids": "texts"}, "user ids are texts, those of the current generation are integers (reading)"),
        (
            {"user_ids": "texts", "notes": ("user ids are texts, though most are whole numbers: line 7 has '12a'; --user-id-type ...",)},
            "user ids are texts (texts, though most are whole numbers: line 7 has '12a'), "
            "those of the current generation are integers (reading)",
        ),
        ({"item_ids": "integers"}, "item ids are integers, those of the current generation are texts (reading)"),
        (
            {"columns": USUAL["columns"] | {"weight": "price"}},
            "the weight column is 'price', that of the current generation is 'qty' (reading)",
        ),
        (
            {"columns": {"user": "user_id", "item": "sku", "weight": "qty"}},
            "the time column is none (no times), that of the current generation is 'at' (reading)",
        ),
        (
            {"columns": {"user": "user_id", "item": "sku", "event": "kind", "time": "at"}},
            "the weight column is none (every interaction weighs 1), that of the current generation is 'qty' (reading)",
        ),
        ({"clock": "ms since 1970"}, "times were read as ms since 1970, those of the current generation as seconds since 1970 (reading)"),
    ],
)
def test_another_meaning_is_said_with_both_values(other: dict[str, Any], message: str) -> None:
    assert findings(reading(**other), reading())[0] == message


def test_what_an_earlier_version_did_not_write_is_no_change() -> None:
    assert findings(reading(), reading(columns={}, clock="")) == []
    assert findings(reading(columns={}, clock=""), reading()) == []


def test_the_order_of_clocks_is_no_change() -> None:
    both = "seconds since 1970 and ms since 1970"
    assert findings(reading(clock=both), reading(clock="ms since 1970 and seconds since 1970")) == []


def test_losses_are_one_sentence_with_the_share() -> None:
    lost = {"weight not positive": 200, "missing value": 97, "nothing in any column": 4, "event without a weight": 0}
    assert reading(dropped=lost).losses == "297 of 1,000 rows (29.7 %) were left out: 200 with weight not positive, 97 with missing value"
    assert reading(dropped={"the names of columns again": 3}).losses == ""
    assert reading(rows=0, dropped={"missing value": 5}).losses == "5 rows were left out: 5 with missing value"
