"""Keys: the table in the module and its builders say the same, and buckets never move."""

from __future__ import annotations

import inspect
import re

import pytest

from contract.formats import keys
from contract.formats.keys import Keys, bucket_of

BUILDERS = sorted(
    name for name, value in vars(Keys).items() if not name.startswith("_") and (callable(value) or isinstance(value, property))
)
PLACEHOLDERS = {
    "generation": "ID",
    "run": "ID",
    "experiment": "EXP",
    "job": "JOB",
    "bucket": "BUCKET",
    "revision": "REV",
    "notice": "NOTICE",
    "minute": "MINUTE",
    "user": "USER",
    "name": "NAME",
    "tag": "TAG",
}


def pattern(builder: str) -> str:
    """The key that a builder makes of the table's own placeholders."""
    value = inspect.getattr_static(Keys, builder)
    if isinstance(value, property):
        return str(getattr(Keys(), builder))
    names = list(inspect.signature(value).parameters)[1:]
    return str(getattr(Keys(), builder)(*[PLACEHOLDERS[name] for name in names]))


def table() -> list[str]:
    assert keys.__doc__ is not None
    return re.findall(r"^(larder:\S+)", keys.__doc__, re.MULTILINE)


def test_the_table_lists_every_builder_and_nothing_else() -> None:
    assert sorted(pattern(builder) for builder in BUILDERS) == sorted(table())
    assert len(table()) == len(set(table()))


@pytest.mark.parametrize("builder", BUILDERS)
def test_every_key_begins_with_the_namespace(builder: str) -> None:
    value = inspect.getattr_static(Keys, builder)
    n = 0 if isinstance(value, property) else len(inspect.signature(value).parameters) - 1
    key = getattr(Keys("shop"), builder)
    assert (key(*["1"] * n) if n else key).startswith("shop:")


def test_control_keys_share_a_slot_and_lists_do_not() -> None:
    tagged = {builder for builder in BUILDERS if ":{ctl}:" in pattern(builder)}
    assert set(BUILDERS) - tagged == {
        "recs",
        "why",
        "similar",
        "popular",
        "items",
        "unavailable",
        "alike",
        "columns",
        "titles",
        "names",
        "audience",
        "fresh",
        "acknowledged_in",
        "events",
        "impressions",
        "did",
        "lists",
    }


@pytest.mark.parametrize(
    ("external_id", "n_buckets", "bucket"),
    # crc32 of "123456789" is the check value of the algorithm, 0xCBF43926; of "" it is 0.
    [("123456789", 2**32, 0xCBF43926), (123456789, 1000, 0xCBF43926 % 1000), ("", 7, 0), ("é", 2**32, 0x0E048D3E), (5, 1, 0)],
)
def test_known_buckets(external_id: int | str, n_buckets: int, bucket: int) -> None:
    assert bucket_of(external_id, n_buckets) == bucket


@pytest.mark.parametrize("number", [0, 7, -1, 2**63 - 1, -(2**63)])
def test_a_number_and_its_text_are_in_the_same_bucket(number: int) -> None:
    assert bucket_of(number, 997) == bucket_of(str(number), 997)
