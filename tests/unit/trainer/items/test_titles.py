"""The index of titles: what a title is compared by, which item comes first, and bytes that come back as they were."""

from __future__ import annotations

import polars as pl
import pytest

from contract.errors import PayloadError
from contract.formats.titles import MAX_WORD_LENGTH, MAX_WORDS, Titles, words_of
from contract.settings.settings import Settings
from trainer.items.items import cleaned
from trainer.items.revision import ItemsSnapshot
from trainer.items.titles import titles_of, with_titles

TITLES = {"7": "Heat", "-3": "The Thing", "12": None, "5": "Thing, the"}


def indexed(titles: dict[str, str | None], met: dict[str, int] | None = None) -> Titles:
    frame = pl.DataFrame(
        {"item": list(titles), "title": list(titles.values()), "genres": ["a|b" if at % 2 else "b" for at in range(len(titles))]}
    )
    return titles_of(cleaned(frame, "a test"), met or {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Good, the Bad & the Ugly (1966)", ["the", "good", "the", "bad", "the", "ugly", "1966"]),
        ("Amélie  STRASSE straße", ["amelie", "strasse", "strasse"]),
        ("Ｆｕｌｌ ﬁne İstanbul", ["full", "fine", "istanbul"]),
        ("七人の侍 snake_case it's", ["七人の侍", "snake", "case", "it", "s"]),
        ("दिन दान, ที่ ที வீடு", ["दिन", "दान", "ที่", "ที", "வீடு"]),
        ("❤️ I❤️NY 1️⃣ \u05e9\u05b8\u05dc\u05d5\u05b9\u05dd", ["i", "ny", "1", "\u05e9\u05dc\u05d5\u05dd"]),
        ("... !", []),
        ("x" * 40, ["x" * MAX_WORD_LENGTH]),
        ("a " * 40, ["a"] * MAX_WORDS),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_rows_are_items_the_most_popular_first_then_as_in_the_table() -> None:
    made = indexed(TITLES, {"5": 9, "12": 3})
    assert [made.id_of(row) for row in range(len(made))] == [5, 12, 7, -3]
    assert [made.words.at(at).decode() for at in range(len(made.words))] == ["heat", "the", "thing"]
    assert [made.title(row) for row in range(len(made))] == [(2, 1), (), (0,), (1, 2)]
    assert made.postings.tolist() == [2, 0, 3, 0, 3]
    assert made.order.tolist() == [2, 3, 0]
    assert (made.category_starts.tolist(), made.category_rows.tolist()) == ([0, 2, 6], [0, 3, 0, 1, 2, 3])


@pytest.mark.parametrize("ids", [["7", "8"], ["a7", "8é"], ["007", "8"], [str(2**63), "1"]])
def test_bytes_come_back_as_they_were(ids: list[str]) -> None:
    made = indexed({ids[0]: "One two", ids[1]: "Two"})
    again = Titles.decoded(made.encoded())
    assert again == made
    assert [str(again.id_of(row)) for row in range(2)] == ids


def test_nothing_is_an_index_too() -> None:
    made = titles_of(cleaned(pl.DataFrame({"item": ["1"]}), "a test"), {})
    assert (len(Titles.decoded(made.encoded())), list(made.order)) == (1, [])


def test_damaged_bytes_are_an_error() -> None:
    raw = indexed(TITLES).encoded()
    for broken in ({**raw, "words": raw["words"][:-1]}, {**raw, "order": raw["words"]}, {name: raw[name] for name in ("ids", "words")}):
        with pytest.raises(PayloadError):
            Titles.decoded(broken)


def test_the_index_is_made_where_it_is_wanted(caplog: pytest.LogCaptureFixture) -> None:
    snapshot = ItemsSnapshot(cleaned(pl.DataFrame({"item": ["1"], "title": ["Heat"]}), "a test"), frozenset())
    assert with_titles(snapshot, Settings(), "").titles.keys() == {"ids", "words", "titles", "postings", "order", "categories"}
    assert not with_titles(snapshot, Settings(find_items=False), "").titles
    assert not with_titles(ItemsSnapshot(None, frozenset()), Settings(), "").titles
    assert with_titles(snapshot, Settings(artifacts="file:///nowhere"), "gone").titles
    assert "in the order of their table" in caplog.text
